//! A game that the calling program brings along.

use crate::brought::{BroughtRules, named};
use crate::event::Fate;
use crate::game::{Game, Hand, Question, ask_names, two_names};
use crate::spec::{GameEntry, GameSpec, Registry, Shape, check_pool, five};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub const ENTRY: GameEntry = GameEntry::new::<GameParams>(
    &[Shape::Rounds],
    "outside",
    "a game of two simultaneous choices whose outcome the calling program says",
);

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GameParams {
    /// The name under which it was brought along.
    name: String,
    /// What tells this version of it from others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// What can be chosen.
    names: Vec<String>,
    /// How many of its own last rounds an agent remembers.
    #[serde(default = "five")]
    memory: usize,
}

impl GameSpec for GameParams {
    fn check(&self) -> Result<(), (&'static str, String)> {
        check_pool(&self.names)
    }

    fn names(&self) -> Option<&[String]> {
        Some(&self.names)
    }

    fn memory(&self) -> Option<usize> {
        Some(self.memory)
    }

    fn build(&self, registry: &Registry) -> Result<Box<dyn Game>, (&'static str, String)> {
        let rules = named("game", &self.name, &registry.outside.games).map_err(|why| ("name", why))?;
        Ok(Box::new(Played(rules.clone())))
    }
}

struct Played(Arc<dyn BroughtRules>);

impl Game for Played {
    fn next(&self, hand: &Hand, ask: &mut Vec<Question>) {
        ask_names(2, hand, ask);
    }

    fn settle(&self, hand: &mut Hand) {
        hand.fate = two_names(hand).and_then(|names| self.0.success(names)).map_or(Fate::Void, Fate::of);
    }
}
