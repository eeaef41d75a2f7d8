//! How populations of known mechanism are made up.

use serde::{Deserialize, Serialize};

/// How the populations are made up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Design {
    /// How many names the pool has.
    pub names: usize,
    /// The number of agents.
    pub size: u32,
    /// How many rounds an agent remembers at most.
    pub memory: usize,
    /// Runs of each population.
    pub runs: u64,
    /// The most population rounds of a run.
    pub rounds: u64,
    /// Whether a run ends in consensus.
    #[serde(skip)]
    pub ends: bool,
}

impl Default for Design {
    fn default() -> Design {
        Design { names: 2, size: 24, memory: 5, runs: 40, rounds: 40, ends: true }
    }
}
