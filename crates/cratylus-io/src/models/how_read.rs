//! By which stage answers were read, and how many of each.

use cratylus_core::language::answer::{Heard, Unusable};
use std::collections::BTreeMap;

/// What became of a model's answers in words.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct HowRead {
    /// Which model of the experiment: a hash of how it is asked.
    #[serde(default)]
    pub asked: String,
    /// All of them.
    pub answers: u64,
    /// Those in which no name was found where the protocol asks for it, but one was plain to see.
    pub fallback: u64,
    /// Those of which a thought was cut off.
    pub thought: u64,
    /// Those that could not be used, by why.
    pub unusable: BTreeMap<Unusable, u64>,
}

impl HowRead {
    /// Takes in an answer.
    pub fn add(&mut self, heard: &Heard) {
        self.answers += 1;
        self.fallback += u64::from(heard.fallback);
        self.thought += u64::from(heard.thought);
        if let Err(why) = heard.name {
            *self.unusable.entry(why).or_default() += 1;
        }
    }

    /// How many could not be used.
    pub fn lost(&self) -> u64 {
        self.unusable.values().sum()
    }

    /// Why answers could not be used, the most frequent first.
    pub fn why(&self) -> Vec<(Unusable, u64)> {
        let mut why: Vec<(Unusable, u64)> = self.unusable.iter().map(|(why, n)| (*why, *n)).collect();
        why.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        why
    }
}
