//! Who can meet whom. A network never changes during a run, so pairs can be drawn ahead of the agents' states.

use crate::AgentId;

pub trait Network: Send + Sync {
    /// The number of agents.
    fn len(&self) -> u32;

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn degree(&self, agent: AgentId) -> u32;

    /// The `i`-th neighbour of an agent, `i` in `0..degree`.
    fn neighbour(&self, agent: AgentId, i: u32) -> AgentId;
}
