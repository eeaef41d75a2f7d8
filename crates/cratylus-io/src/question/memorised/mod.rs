//! Is the wording of a text known by heart? Each detector is tried on the text and, in just the same way, on texts that
//! nobody published, so that its false alarms stand beside what it says. None of them decides anything: to have a text
//! by heart is not to play by it.

mod context;
mod continuation;
mod likelihood;
mod order;
mod published;
mod quiz;
mod text;

pub use published::PublishedTexts;

use crate::question::interview::{Interview, QuestionKind, Stopped, Subject};
use cratylus_audit::finding::Finding;
use text::{Tested, Tried, unscored};

impl Interview<'_> {
    /// What the audits of wording on the agenda find, each about every text.
    pub(super) fn wording(&self, condition: &str, subject: &Subject) -> Result<Vec<Finding>, Stopped> {
        let mut findings = Vec::new();
        let scores = subject.opened.backend.scores();
        for &audit in self.agenda.audits.iter().filter(|audit| audit.is_about_wording()) {
            if let (true, Err(why)) = (audit.needs_scores(), &scores) {
                findings.push(unscored(condition, audit, why));
                continue;
            }
            if audit == QuestionKind::NameOrder {
                findings.push(self.name_order(condition)?);
                continue;
            }
            for tried in self.tried(subject)? {
                findings.push(match audit {
                    QuestionKind::TextLikelihood => self.likelihood(condition, subject, &tried)?,
                    QuestionKind::TextInContext => self.context(condition, subject, &tried)?,
                    QuestionKind::TextContinuation => self.continuation(condition, subject, &tried)?,
                    _ => self.quiz(condition, subject, &tried)?,
                });
            }
        }
        Ok(findings)
    }

    /// How many calls an audit of wording makes, and how many tokens go in and out with each.
    pub(super) fn wording_bill(&self, subject: &Subject, audit: QuestionKind) -> Result<(u64, [u64; 2]), Stopped> {
        if audit.needs_scores() && subject.opened.backend.scores().is_err() {
            return Ok((0, [0, 0]));
        }
        let tried = self.tried(subject)?;
        let all = |tried: &Tried| -> Vec<Tested> { [&tried.text].into_iter().chain(&tried.controls).cloned().collect() };
        let texts: Vec<Tested> = tried.iter().flat_map(all).collect();
        let length = texts.iter().map(|tested| tested.text.len() as u64 / 4).max().unwrap_or(0) + 100;
        Ok(match audit {
            QuestionKind::TextLikelihood => (texts.len() as u64 * (1 + likelihood::VERSIONS), [length, 1]),
            QuestionKind::NameOrder => (self.order_calls(), [length, 1]),
            QuestionKind::TextInContext => (texts.iter().map(context::calls).sum(), [length, 1]),
            QuestionKind::TextContinuation => {
                (texts.len() as u64 * continuation::CALLS * self.agenda.repeats, [length, u64::from(continuation::TOKENS)])
            }
            _ => (texts.len() as u64 * quiz::CALLS, [4 * length, u64::from(quiz::TOKENS)]),
        })
    }
}
