//! A condition that was recorded elsewhere, and what was seen in its runs.

use crate::watch::facts::Facts;
use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// One recorded condition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedCondition {
    /// The name of the recorded directory or file.
    pub file: String,
    /// The kind of game, as experiment files call it.
    pub game: String,
    /// The pool, in the order in which the condition had it.
    pub names: Vec<String>,
    /// How many rounds an agent remembers at most.
    pub memory: usize,
    /// The number of agents, committed ones included.
    pub size: u64,
    /// The name that everyone remembered at the start; None where memories were empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// What an agent that is asked alone remembers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remembers: Vec<[String; 2]>,
    /// The name that a minority is committed to, and how many agents are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed: Option<(String, u64)>,
    /// Whether the fit saw its decisions.
    pub trained: bool,
    /// What was seen in the recorded runs.
    pub facts: Facts,
}

impl RecordedCondition {
    /// The condition in a few words: names, memory and size.
    pub fn label(&self) -> String {
        let mut label = format!("{}, H = {}, N = {}", self.names.join(" "), self.memory, self.size);
        if let Some(start) = &self.start {
            write!(label, ", from {start}").expect("a string takes everything");
        }
        if let Some((name, count)) = &self.committed {
            write!(label, ", {count} committed to {name}").expect("a string takes everything");
        }
        label
    }
}
