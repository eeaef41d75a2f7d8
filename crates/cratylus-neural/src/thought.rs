//! What is read between a question and its answer: steps, nothing, pauses, or what the network itself held (Coconut, Hao et al.
//! 2024, arXiv 2412.06769). Rows have a question up to what separates it, steps, and an answer (`graphs`).

use crate::corpus::Words;
use crate::corpus::ingredients::graphs::{ANSWER, PAUSE, STEP};
use crate::corpus::lexicon::THEN;
use crate::net::ReadRow;
use serde::{Deserialize, Serialize};

/// What is read between a question and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Thought {
    /// What that is.
    pub kind: ThoughtKind,
    /// How many steps are replaced in the end.
    #[serde(default = "three")]
    pub stages: usize,
    /// By how many thoughts each.
    #[serde(default = "one")]
    pub each: usize,
    /// Whether steps are replaced one by one in the first half of the training, the first first, and not all from the beginning.
    #[serde(default = "yes")]
    pub curriculum: bool,
}

/// What is read in place of steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ThoughtKind {
    /// The steps themselves.
    Chain,
    /// Nothing.
    None,
    /// A word that always is the same.
    Pause,
    /// What the network held at the place before.
    Latent,
}

fn three() -> usize {
    3
}

fn one() -> usize {
    1
}

fn yes() -> bool {
    true
}

impl Thought {
    /// What is wrong with it: which key, and why.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        if !(1..=16).contains(&self.stages) {
            return Err(("stages", format!("1 to 16 steps are replaced, found {}", self.stages)));
        }
        if !(1..=8).contains(&self.each) {
            return Err(("each", format!("1 to 8 thoughts stand for a step, found {}", self.each)));
        }
        Ok(())
    }

    /// How many steps are replaced at a step of the training.
    pub fn stage(&self, step: u64, steps: u64) -> usize {
        match (self.kind, self.curriculum) {
            (ThoughtKind::Chain, _) => 0,
            (ThoughtKind::None, _) | (_, false) => self.stages,
            _ => ((2 * step * self.stages as u64).checked_div(steps).unwrap_or(0) as usize).min(self.stages),
        }
    }

    /// A row as it is read where so many steps are replaced.
    pub fn row(&self, words: &Words, tokens: &[u32], stage: usize) -> ReadRow {
        let [then, step, answer, pause] = [THEN, STEP, ANSWER, PAUSE].map(|word| words.token(word));
        let place = |token: u32| tokens.iter().position(|&other| other == token);
        let (Some(asked), Some(answers)) = (place(then), place(answer)) else {
            return ReadRow { tokens: tokens.to_vec(), ..ReadRow::default() };
        };
        let steps: Vec<&[u32]> = tokens[asked + 1..answers].split(|&token| token == step).collect();
        let mut row = tokens[..=asked].to_vec();
        let thoughts = match self.kind {
            ThoughtKind::Chain | ThoughtKind::None => 0,
            // In the end all rows have as many, however many steps they had.
            _ if stage == self.stages => stage * self.each,
            _ => stage.min(steps.len()) * self.each,
        };
        row.resize(row.len() + thoughts, pause);
        let from = row.len();
        row.extend(steps.get(stage..).unwrap_or(&[]).join(&step));
        row.extend(&tokens[answers..]);
        let thoughts = if self.kind == ThoughtKind::Latent { from - thoughts..from } else { 0..0 };
        ReadRow { tokens: row, from, thoughts }
    }

    /// A question as it is read in the end, up to where the answer comes, or the first step of a chain.
    pub fn asked(&self, words: &Words, tokens: &[u32]) -> ReadRow {
        let mut row = self.row(words, tokens, if self.kind == ThoughtKind::Chain { 0 } else { self.stages });
        row.tokens.truncate(row.from);
        if self.kind != ThoughtKind::Chain {
            row.tokens.push(words.token(ANSWER));
        }
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_replaced_the_first_first() {
        let text = "a b ? a c d <sep> x ; y ; z = d";
        let words = Words::of(text.split(' ').chain([PAUSE]).map(String::from));
        let tokens = words.tokens(&text.split(' ').collect::<Vec<_>>());
        let said = |row: &ReadRow| row.tokens.iter().map(|&token| words.word(token)).collect::<Vec<_>>().join(" ");
        let of = |kind| Thought { kind, stages: 3, each: 1, curriculum: true };
        let latent = of(ThoughtKind::Latent);
        let two = latent.row(&words, &tokens, 2);
        assert_eq!(said(&two), "a b ? a c d <sep> <pause> <pause> z = d");
        assert_eq!((two.from, two.thoughts.clone()), (9, 7..9));
        assert_eq!(said(&latent.row(&words, &tokens, 3)), "a b ? a c d <sep> <pause> <pause> <pause> = d");
        assert_eq!(said(&of(ThoughtKind::None).row(&words, &tokens, 3)), "a b ? a c d <sep> = d");
        let chain = of(ThoughtKind::Chain).row(&words, &tokens, 0);
        assert_eq!((said(&chain), chain.from), (text.into(), 7));
        assert!(of(ThoughtKind::Pause).row(&words, &tokens, 3).thoughts.is_empty());
        assert_eq!(said(&latent.asked(&words, &tokens)), "a b ? a c d <sep> <pause> <pause> <pause> =");
        assert_eq!(said(&of(ThoughtKind::Chain).asked(&words, &tokens)), "a b ? a c d <sep>");
        // A stage for each third of the first half, and then the last.
        assert_eq!([0, 16, 17, 34, 50, 99].map(|step| latent.stage(step, 100)), [0, 0, 1, 2, 3, 3]);
    }
}
