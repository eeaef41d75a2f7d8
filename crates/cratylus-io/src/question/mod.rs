//! Questions a model outside any population: what it recognises, whether it understands a scene, and how its response to
//! memories changes with what it is told. One file for each kind of question; what is made of them stands in `cratylus-audit`.
//! Every question goes over the tape, so asking again asks nothing, and every audit says beforehand what it will ask.

mod behaviour;
mod comprehension;
mod interview;
mod memorised;
mod payoffs;
mod recognition;
mod response;

pub use comprehension::Understood;
pub use interview::{
    Agenda, Bill, CHARACTERS_PER_TOKEN, Code, Interview, Interviewed, Means, QuestionKind, Stopped, Subject, Variant,
};
pub use memorised::PublishedTexts;

use crate::models::tape::AskedHow;
use cratylus_core::fault::Fault;

/// Calls that a name of several tokens is taken to need.
const SPELLED: u64 = 5;

impl Interview<'_> {
    /// Asks everything on the agenda. `code` may code the answers in words before anything is made of them.
    pub fn hold(&self, code: &mut Code<'_>) -> Result<Interviewed, Stopped> {
        let on = |audit| self.agenda.audits.contains(&audit);
        let subject = (self.sit)(&Variant::default())?;
        let condition = subject.opened.setup.name.clone();
        let mut answers = Vec::new();
        let mut findings = Vec::new();
        if on(QuestionKind::Recognition) || on(QuestionKind::Behaviour) {
            answers = self.recognise()?;
            self.judge(&mut answers)?;
            code(&mut answers)?;
        }
        if on(QuestionKind::Recognition) {
            findings.push(cratylus_audit::recognition::finding(&condition, &answers));
        }
        // A response counts as evidence only where the scene was understood.
        let understood = match on(QuestionKind::Comprehension)
            || on(QuestionKind::Payoffs)
            || on(QuestionKind::Skins)
            || on(QuestionKind::Behaviour)
        {
            true => self.comprehend()?,
            false => Vec::new(),
        };
        if on(QuestionKind::Comprehension) {
            findings.push(comprehension::finding(&condition, &understood));
        }
        let wording = self.wording(&condition, &subject)?;
        let needs_response = |audit: &QuestionKind| {
            !audit.is_about_wording() && !matches!(audit, QuestionKind::Recognition | QuestionKind::Comprehension)
        };
        if !self.agenda.audits.iter().any(needs_response) {
            findings.extend(wording);
            return Ok(Interviewed { findings, answers });
        }
        let canonical = self.respond(&subject)?;
        if on(QuestionKind::Alias) {
            findings.push(response::alias(&condition, &canonical, self.agenda.runs));
        }
        if on(QuestionKind::Memory) {
            findings.push(response::memory(&condition, &canonical, self.agenda.runs));
        }
        if on(QuestionKind::Names) {
            findings.push(self.names(&condition, &subject, &canonical)?);
        }
        let skins = match on(QuestionKind::Skins) || on(QuestionKind::Payoffs) || on(QuestionKind::Behaviour) {
            true => self.skins(&subject, &canonical)?,
            false => Vec::new(),
        };
        if on(QuestionKind::Skins) {
            findings.push(response::skins(&condition, &skins, &understood));
        }
        if on(QuestionKind::Payoffs) {
            findings.push(self.payoffs(&condition, &subject, &canonical, &skins, &understood)?);
        }
        if on(QuestionKind::Behaviour) {
            findings.push(behaviour::finding(&condition, &subject.model.protocol.name, &answers, &skins, &understood));
        }
        findings.extend(wording);
        Ok(Interviewed { findings, answers })
    }

    /// What every audit on the agenda will ask. It is as much as it can be, but for names of several tokens, which take as
    /// many calls as the model makes of them. What is on the tape already costs nothing.
    pub fn bill(&self) -> Result<Vec<Bill>, Stopped> {
        let subject = (self.sit)(&Variant::default())?;
        let states = cratylus_core::kernel::all_states(subject.model.memory).len() as u64;
        let exact = subject.opened.setup.how.probabilities();
        // As many states as populations of the recorded models visited, and their counterparts under other labels.
        let visited = if self.agenda.all_states { states } else { states.min(800) };
        let response = |names: &[String]| {
            let spelled = matches!(subject.opened.setup.how, AskedHow::Exact { .. }) && names.iter().any(|name| name.len() > 2);
            let each = if spelled { SPELLED } else { 1 };
            if exact { 2 * visited * each } else { self.agenda.samples }
        };
        let invented: u64 = response::invented().iter().map(|(_, names)| response(names)).sum();
        let response = response(&subject.model.names);
        let skins = self.agenda.skins.len() as u64;
        let words = (skins + 1) * self.agenda.repeats;
        let questions = 2 * cratylus_core::language::comprehension::WHAT.len() as u64;
        // Each part with the audits that need it; the first of them on the agenda pays.
        use QuestionKind::*;
        let judged = if self.judge.is_some() { words } else { 0 };
        let parts: [(u64, u64, &[QuestionKind]); 7] = [
            (words, 350, &[Recognition, Behaviour]),
            (judged, 30, &[Recognition, Behaviour]),
            ((skins + 2) * questions, 20, &[Comprehension, Skins, Payoffs, Behaviour]),
            (response, 1, &[Alias, Memory, Names, Skins, Payoffs, Behaviour]),
            (invented, 1, &[Names]),
            (skins * response, 1, &[Skins, Payoffs, Behaviour]),
            (response, 1, &[Payoffs]),
        ];
        let window = vec![[0, 1]; subject.model.memory];
        let prompt = subject.model.told(&window, &[0, 1]).map_err(Fault)?;
        let length = prompt.messages.iter().map(|message| message.text.len() as f64).sum::<f64>();
        let per_token = subject.opened.setup.characters_per_token.unwrap_or(CHARACTERS_PER_TOKEN);
        let length = (length / per_token).ceil() as u64;
        let mut paid = [false; 7];
        let bill = self.agenda.audits.iter().map(|&audit| {
            let (mut calls, mut tokens) = (0, [0, 0]);
            if audit.is_about_wording() {
                let (n, each) = self.wording_bill(&subject, audit)?;
                (calls, tokens) = (n, each.map(|each| n * each));
            }
            for (paid, (n, answer, audits)) in paid.iter_mut().zip(parts) {
                if audits.contains(&audit) && !std::mem::replace(paid, true) {
                    calls += n;
                    tokens[0] += n * length;
                    tokens[1] += n * if exact { answer } else { answer.max(15) };
                }
            }
            let usd = self.means.price.map(|price| (tokens[0] as f64 * price.input + tokens[1] as f64 * price.output) / 1e6);
            Ok(Bill { audit: audit.name(), words: audit.words(), calls, tokens, usd })
        });
        bill.collect()
    }
}
