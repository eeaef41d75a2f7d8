//! An interaction of two seats and a name of each, in forty bytes: what records of conventions hold, and what is kept of
//! many of them in memory.

use super::{ALL_SEATS, AgentId, Event, Fate, Move, NOBODY, Name, Said};

/// What an [`Event`] says of two seats and one name of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PairEvent {
    /// The number of the interaction in its run, from 0.
    pub t: u64,
    /// Who took part, by seat; a speaker is in seat 0. The second is [`NOBODY`] where there is no one partner.
    pub agents: [AgentId; 2],
    /// What each seat said; None where it said no name, or nothing usable.
    pub names: [Option<Name>; 2],
    /// None where the interaction was void, or nothing was at stake.
    pub success: Option<bool>,
    /// How many unusable answers each seat gave. Only agents that answer in words ever do.
    pub invalid: [u8; 2],
}

impl PairEvent {
    /// An interaction between two agents that came to nothing because an answer was unusable.
    pub fn void(&self) -> bool {
        self.success.is_none() && (self.agents[1] != NOBODY || self.names[0].is_none())
    }

    /// The choices made: who chose and what.
    pub fn choices(&self) -> impl Iterator<Item = (AgentId, Name)> + use<> {
        let PairEvent { agents, names, .. } = *self;
        (0..2).filter_map(move |seat| Some((agents[seat], names[seat]?)))
    }

    /// Shows it as an event. A hearer who said no name agreed, or did not, by what came of it.
    #[inline]
    pub fn show<R>(&self, to: impl FnOnce(&Event<'_>) -> R) -> R {
        let mut moves = [Move { seat: 0, turn: 0, to: ALL_SEATS, said: Said::Unusable, tries: 0, legal: true }; 2];
        let mut n = 0;
        let alone = self.agents[1] == NOBODY;
        for (seat, name) in (0u16..).zip(self.names).take(if alone { 1 } else { 2 }) {
            let tries = self.invalid[usize::from(seat)];
            let hears = seat == 1 && self.names[0].is_some();
            let (turn, said) = match (name, self.success) {
                (Some(name), _) => (0, Said::Name(name)),
                (None, Some(success)) if hears => (1, Said::Yes(success)),
                (None, None) if seat == 0 || hears || tries > 0 => (0, Said::Unusable),
                _ => continue,
            };
            moves[n] = Move { seat, turn, said, tries, ..moves[n] };
            n += 1;
        }
        let fate = match self.success {
            Some(success) => Fate::of(success),
            None if self.void() => Fate::Void,
            None => Fate::Open,
        };
        let seats = &self.agents[..if alone { 1 } else { 2 }];
        to(&Event { t: self.t, seats, group: false, saw: &[], moves: &moves[..n], pay: &[], fate, symbols: &[], text: "" })
    }
}

impl Event<'_> {
    /// What it says of two seats and a name of each, which is all there is of most games.
    #[inline]
    pub fn pair(&self) -> PairEvent {
        let agents = match *self.seats {
            [a, b] if !self.group => [a, b],
            [speaker, ..] => [speaker, NOBODY],
            [] => [NOBODY; 2],
        };
        let mut out = PairEvent { t: self.t, agents, names: [None; 2], success: self.success(), invalid: [0; 2] };
        for one in self.moves.iter().filter(|one| one.seat == 0 || one.seat == 1 && agents[1] != NOBODY) {
            let seat = usize::from(one.seat);
            out.names[seat] = out.names[seat].or(one.said.name());
            out.invalid[seat] = out.invalid[seat].saturating_add(one.tries);
        }
        out
    }
}
