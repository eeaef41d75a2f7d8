//! Everyone can meet everyone, themselves too or not. Takes no memory at any size.

use crate::{AgentId, Network};

/// Everyone can meet everyone, among so many agents.
pub struct Complete(pub u32);

impl Network for Complete {
    fn len(&self) -> u32 {
        self.0
    }

    fn degree(&self, _: AgentId) -> u32 {
        self.0 - 1
    }

    fn neighbour(&self, agent: AgentId, i: u32) -> AgentId {
        if i < agent { i } else { i + 1 }
    }
}

/// The same, and everyone can meet themselves.
pub struct WithThemselves(pub u32);

impl Network for WithThemselves {
    fn len(&self) -> u32 {
        self.0
    }

    fn degree(&self, _: AgentId) -> u32 {
        self.0
    }

    fn neighbour(&self, _: AgentId, i: u32) -> AgentId {
        i
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyone_but_oneself_is_a_neighbour() {
        let network = Complete(5);
        for agent in 0..5 {
            let neighbours: Vec<_> = (0..4).map(|i| network.neighbour(agent, i)).collect();
            let others: Vec<_> = (0..5).filter(|&other| other != agent).collect();
            assert_eq!(neighbours, others);
        }
    }
}
