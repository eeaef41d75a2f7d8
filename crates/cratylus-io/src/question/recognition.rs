//! Asks outright, in every skin: does this remind you of something? Coding and what follows are the core's.

use super::interview::{Interview, Stopped, Variant};
use cratylus_audit::recognition::{CodedAnswer, Coding, questions};

/// Room for four answers of a few sentences.
const TOKENS: u32 = 600;

impl Interview<'_> {
    /// Answers in words, in the telling that is questioned and in every skin.
    pub(super) fn recognise(&self) -> Result<Vec<CodedAnswer>, Stopped> {
        let mut answers = Vec::new();
        for variant in self.tellings() {
            let subject = (self.sit)(&variant)?;
            let question = questions(&subject.model.protocol.nouns);
            let asked: Vec<(String, u64)> = (0..self.agenda.repeats).map(|draw| (question.clone(), draw)).collect();
            for (run, response) in (0..).zip(self.words(&subject, &[], &asked, TOKENS)?) {
                answers.push(CodedAnswer {
                    source: "cratylus".into(),
                    model: subject.opened.setup.name.clone(),
                    skin: subject.model.protocol.name.clone(),
                    run,
                    response,
                    machine: Coding::default(),
                    manual: Coding::default(),
                });
            }
        }
        Ok(answers)
    }

    /// The telling that is questioned, and the skins.
    pub(super) fn tellings(&self) -> Vec<Variant> {
        let skins = self.agenda.skins.iter().map(|skin| Variant::skin(skin));
        [Variant::default()].into_iter().chain(skins).collect()
    }
}
