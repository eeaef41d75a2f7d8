//! One agent at a time looks around and gives its opinion: the game of voters, majorities and of the language models of
//! De Marzo et al. (the conventions reference, 5.7). What an agent makes of what it sees is its own affair
//! (`agents/opinion.rs`). Nothing succeeds or fails.

use crate::game::{Game, Hand, Question, Seats, ask_names};
use crate::spec::{GameEntry, GameSpec, Registry, Shape, check_pool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const ENTRY: GameEntry = GameEntry::new::<Opinion>(
    &[Shape::Around],
    "opinion",
    "one agent at a time sees how many of its neighbours hold each opinion, and gives its own",
);

/// The opinion game's parameters.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Opinion {
    /// The opinions, at least two.
    pub names: Vec<String>,
}

impl GameSpec for Opinion {
    fn check(&self) -> Result<(), (&'static str, String)> {
        check_pool(&self.names)
    }

    fn names(&self) -> Option<&[String]> {
        Some(&self.names)
    }

    fn succeeds(&self) -> bool {
        false
    }

    fn build(&self, _: &Registry) -> Result<Box<dyn Game>, (&'static str, String)> {
        Ok(Box::new(self.clone()))
    }
}

impl Game for Opinion {
    fn seats(&self) -> Seats {
        Seats::Around
    }

    fn in_turn(&self) -> bool {
        true
    }

    fn next(&self, hand: &Hand, ask: &mut Vec<Question>) {
        ask_names(1, hand, ask);
    }

    fn settle(&self, _: &mut Hand) {}
}
