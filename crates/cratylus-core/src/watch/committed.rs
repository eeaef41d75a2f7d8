//! Who is committed, over a run.

use crate::AgentId;
use serde::{Deserialize, Serialize};

/// Tells who is committed at a time.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct CommittedAt {
    pub(crate) first: Vec<AgentId>,
    pub(crate) later: Vec<(u64, Vec<AgentId>)>,
}

impl CommittedAt {
    /// `first` must be sorted.
    pub fn start(first: Vec<AgentId>) -> CommittedAt {
        CommittedAt { first, later: Vec::new() }
    }

    /// Whether an agent is committed when interaction `t` is played.
    pub fn is(&self, t: u64, agent: AgentId) -> bool {
        let now = self.later.iter().rev().find(|(from, _)| *from <= t).map_or(&self.first, |(_, agents)| agents);
        now.binary_search(&agent).is_ok()
    }
}
