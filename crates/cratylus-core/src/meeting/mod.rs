//! Who comes together at an interaction: a function of the seed, the network and the interaction's number. Nothing here
//! knows of games or agents.

pub mod around;
pub mod groups;
pub mod network;
pub mod networks;
pub mod pairs;
pub mod turns;
pub mod waves;

use crate::{AgentId, NOBODY, Network, Seed};
use groups::Groups;
use pairs::Pairs;
use std::sync::Arc;
use turns::Turns;

/// Who sits where in each interaction of a run, asked in their order.
pub enum Meeting {
    /// Two agents, or one alone.
    Pairs(Pairs),
    /// A group.
    Groups(Arc<Groups>),
    /// Two agents for every object of a list, then two others.
    Turns(Turns),
}

impl Meeting {
    /// Whether groups meet.
    pub fn in_groups(&self) -> bool {
        matches!(self, Meeting::Groups(_))
    }

    /// Who sits where in interaction `t`, the speaker first.
    pub fn seats(&mut self, seed: Seed, t: u64, network: &dyn Network, into: &mut Vec<AgentId>) {
        match self {
            Meeting::Groups(groups) => groups.meet(seed, t, into),
            Meeting::Turns(turns) => {
                into.clear();
                into.extend(turns.seats(seed, t, network));
            }
            Meeting::Pairs(pairs) => {
                into.clear();
                into.extend(pairs.draw(seed, t, network).into_iter().filter(|&agent| agent != NOBODY));
            }
        }
    }
}
