//! Who meets where two agents go through a whole list of objects before the next two do: a turn is one exchange about each
//! object. Nothing here knows what the objects are.

use super::pairs::{Pairing, Pairs};
use crate::seed::Purpose;
use crate::{AgentId, Network, Seed};

/// In which order agents take turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnOrder {
    /// Two agents of a network for each turn, the speaker first. Of two agents, each speaks in every other turn.
    Pairs(Pairing),
    /// All agents in a random order, each speaking to the next; then another order.
    Relay,
    /// All agents in a random order, anew for each exchange; the last listens to what the others arrive at.
    Recursive,
}

/// The turns of a run.
#[derive(Clone, Debug)]
pub struct Turns {
    /// How many objects a turn goes through.
    pub objects: u64,
    /// How many agents there are, at least two.
    pub agents: u32,
    /// Who takes them.
    pub order: TurnOrder,
}

impl Turns {
    /// The object of an exchange, from 0.
    pub fn object(&self, t: u64) -> usize {
        (t % self.objects) as usize
    }

    /// Who sits where in exchange `t`, the speaker first.
    pub fn seats(&self, seed: Seed, t: u64, network: &dyn Network) -> [AgentId; 2] {
        let turn = t / self.objects;
        match self.order {
            TurnOrder::Pairs(_) if self.agents == 2 => [(turn % 2) as AgentId, (1 - turn % 2) as AgentId],
            TurnOrder::Pairs(pairing) => Pairs::two(pairing).draw(seed, turn, network),
            TurnOrder::Relay => {
                let stages = u64::from(self.agents) - 1;
                let order = shuffled(seed, turn / stages, self.agents);
                let stage = (turn % stages) as usize;
                [order[stage], order[stage + 1]]
            }
            TurnOrder::Recursive => {
                let order = self.order_of(seed, t);
                [order[order.len() - 2], order[order.len() - 1]]
            }
        }
    }

    /// Whether the speaker of an exchange begins a relay, and so has heard nothing yet.
    pub fn begins(&self, t: u64) -> bool {
        self.order != TurnOrder::Relay || (t / self.objects).is_multiple_of(u64::from(self.agents) - 1)
    }

    /// In a recursive exchange, all agents in their order.
    pub fn order_of(&self, seed: Seed, t: u64) -> Vec<AgentId> {
        shuffled(seed, 1 << 62 | t, self.agents)
    }
}

fn shuffled(seed: Seed, place: u64, agents: u32) -> Vec<AgentId> {
    let mut order: Vec<AgentId> = (0..agents).collect();
    seed.stream(Purpose::Pair, 1 << 63 | place).shuffle(&mut order, agents as usize);
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meeting::networks::Complete;

    #[test]
    fn two_agents_take_turns_and_a_relay_reaches_everyone() {
        let turns = |agents, order| Turns { objects: 3, agents, order };
        let two = turns(2, TurnOrder::Pairs(Pairing::default()));
        let speakers: Vec<AgentId> = (0..9).map(|t| two.seats(Seed(1), t, &Complete(2))[0]).collect();
        assert_eq!(speakers, [0, 0, 0, 1, 1, 1, 0, 0, 0]);
        assert_eq!((two.object(7), two.begins(7)), (1, true));
        let relay = turns(4, TurnOrder::Relay);
        for round in 0..20 {
            let pairs: Vec<_> = (0..3).map(|stage| relay.seats(Seed(1), (3 * round + stage) * 3, &Complete(4))).collect();
            assert!(pairs.windows(2).all(|pair| pair[0][1] == pair[1][0]), "who heard speaks: {pairs:?}");
            let mut all = vec![pairs[0][0], pairs[0][1], pairs[1][1], pairs[2][1]];
            all.sort_unstable();
            assert_eq!(all, [0, 1, 2, 3]);
        }
        let recursive = turns(4, TurnOrder::Recursive);
        let listeners: std::collections::BTreeSet<_> = (0..40).map(|t| recursive.seats(Seed(1), t, &Complete(4))[1]).collect();
        assert_eq!(listeners.len(), 4);
    }
}
