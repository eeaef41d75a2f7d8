//! What happened: one event for each interaction, in their order. Events are the only interface
//! between what happens and who watches: no reader of them ever sees an agent or a game.

pub mod block;
pub mod digest;
pub mod sink;
pub mod tally;

/// An agent's number in its population, from 0. (Files number agents from 1.)
pub type AgentId = u32;

/// A name, as its place in the game's pool; in a game without a pool, as the number of the interaction that invented it.
pub type Name = u32;

/// The empty second seat of an interaction in which one agent is asked alone, or speaks to a group.
pub const NOBODY: AgentId = AgentId::MAX;

/// One interaction, as all readers of a run see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// The number of the interaction in its run, from 0.
    pub t: u64,
    /// Who took part, by seat; a speaker is in seat 0. The second is [`NOBODY`] where there is no partner.
    pub agents: [AgentId; 2],
    /// What each seat said; None where it said nothing, or nothing usable.
    pub names: [Option<Name>; 2],
    /// None where the interaction was void, or nothing was at stake.
    pub success: Option<bool>,
    /// How many unusable answers each seat gave. Only agents that answer in words ever do.
    pub invalid: [u8; 2],
}

impl Event {
    /// An interaction between two agents that came to nothing because an answer was unusable.
    pub fn void(&self) -> bool {
        self.success.is_none() && (self.agents[1] != NOBODY || self.names[0].is_none())
    }

    /// The choices made: who chose and what.
    pub fn choices(&self) -> impl Iterator<Item = (AgentId, Name)> + use<> {
        let Event { agents, names, .. } = *self;
        (0..2).filter_map(move |seat| Some((agents[seat], names[seat]?)))
    }
}
