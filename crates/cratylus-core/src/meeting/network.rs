//! Who can meet whom. A network never changes during a run, so pairs can be drawn ahead of the agents' states.

use crate::AgentId;

/// Two agents that can meet.
pub type Edge = (AgentId, AgentId);

/// Everyone's neighbours in flat rows, one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// Where each agent's neighbours start, and the number of half-edges last.
    pub starts: &'a [u32],
    /// Sorted within a row.
    pub neighbours: &'a [AgentId],
}

/// A graph of agents. Neighbours keep their order, since a draw names one by its place.
pub trait Network: Send + Sync {
    /// The number of agents.
    fn len(&self) -> u32;

    /// Whether there are no agents, which no network of an experiment allows.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many neighbours an agent has: at least 1, so that it can meet someone.
    fn degree(&self, agent: AgentId) -> u32;

    /// The `i`-th neighbour of an agent, `i` in `0..degree`.
    fn neighbour(&self, agent: AgentId, i: u32) -> AgentId;

    /// Twice the number of edges: each has two directions.
    fn half_edges(&self) -> u64 {
        u64::from(self.len()) * u64::from(self.degree(0))
    }

    /// The `i`-th of them. Networks in which agents differ in their number of neighbours say it themselves.
    fn half_edge(&self, i: u64) -> [AgentId; 2] {
        let degree = u64::from(self.degree(0));
        let agent = (i / degree) as AgentId;
        [agent, self.neighbour(agent, (i % degree) as u32)]
    }

    /// The same as flat rows, where it is that.
    fn rows(&self) -> Option<Rows<'_>> {
        None
    }
}
