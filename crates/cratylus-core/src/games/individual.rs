//! One agent is asked alone which name it chooses, with the memory it started with: the
//! individual-bias test of Flint Ashery et al. (2025). Nothing is at stake and nobody learns, so every
//! answer is to the same question.

use crate::game::{Game, Hand, Payoff, Question, Seats, ask_names};
use crate::spec::{GameEntry, GameSpec, Registry, Shape, check_pool, five};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const ENTRY: GameEntry = GameEntry::new::<Individual>(
    &[Shape::Agreement],
    "individual",
    "one agent is asked alone, with a given memory, which name it would choose; it learns nothing",
);

/// The parameters of questions to one agent alone.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Individual {
    /// The pool of names, at least two.
    pub names: Vec<String>,
    /// What agents that read are told a choice would pay; the published payoffs by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payoff: Option<Payoff>,
    /// How many rounds an agent could remember; `population.start` says which it does.
    #[serde(default = "five")]
    pub memory: usize,
}

impl GameSpec for Individual {
    fn check(&self) -> Result<(), (&'static str, String)> {
        check_pool(&self.names)
    }

    fn names(&self) -> Option<&[String]> {
        Some(&self.names)
    }

    fn memory(&self) -> Option<usize> {
        Some(self.memory)
    }

    fn payoff(&self) -> Option<Payoff> {
        self.payoff
    }

    fn succeeds(&self) -> bool {
        false
    }

    fn build(&self, _: &Registry) -> Result<Box<dyn Game>, (&'static str, String)> {
        Ok(Box::new(self.clone()))
    }
}

impl Game for Individual {
    fn seats(&self) -> Seats {
        Seats::One
    }

    fn next(&self, hand: &Hand, ask: &mut Vec<Question>) {
        ask_names(1, hand, ask);
    }

    fn settle(&self, _: &mut Hand) {}
}
