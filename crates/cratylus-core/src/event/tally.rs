//! A stretch of a run of which there are numbers alone: agents are counted, and nobody is anyone.

use super::Name;

/// What happened in a stretch of a run, in numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Interactions `start..end`.
    pub start: u64,
    /// One past the last interaction.
    pub end: u64,
    /// How many interactions succeeded.
    pub successes: u64,
    /// How often each name was said, and how often by agents that are not committed.
    pub said: Vec<u64>,
    /// By name, as `said`.
    pub said_freely: Vec<u64>,
    /// How many words all agents know at its end, and how many different ones, where they keep inventories.
    pub words: Option<[u64; 2]>,
    /// The name that all agents know, and nothing else, at its end.
    pub agreed: Option<Name>,
}
