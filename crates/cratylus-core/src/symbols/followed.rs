//! Which sign every agent has for every object, followed from events: who listened has the sign that it named. What agents
//! believe is absent, and needs nobody's events.

use super::rule::Current;
use super::society::{SymbolRun, first_signs};
use crate::event::Event;
use crate::event::block::Block;
use crate::{AgentId, Name};
use serde::{Deserialize, Serialize};

/// Everyone's signs after the events that were seen.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct SignsFollowed {
    /// How many agents, objects and signs there are.
    pub agents: usize,
    /// Of each agent.
    pub objects: usize,
    /// At least two.
    pub signs: usize,
    shared: bool,
    /// Agent by agent; of all together where they share them.
    held: Vec<u16>,
    /// With what each compares a proposal, where that is what it said itself.
    spoken: Vec<u16>,
}

/// An exchange as it changed what a listener has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exchanged {
    /// Who listened.
    pub listener: usize,
    /// About which object.
    pub object: usize,
    /// What the listener compared the proposal with, what was proposed, and what it has since.
    pub signs: [usize; 3],
}

impl SignsFollowed {
    /// Before the first event.
    pub fn new(run: &SymbolRun) -> SignsFollowed {
        let (agents, objects, rule) = (run.of.turns.agents as usize, run.perceived.objects, &run.of.rule);
        let held = first_signs(run.seed, rule, agents, objects);
        let spoken = if rule.current == Current::Spoken { held.clone() } else { Vec::new() };
        SignsFollowed { agents, objects, signs: rule.signs, shared: rule.current == Current::Shared, held, spoken }
    }

    /// The signs of an agent, object by object. Where it forgets what it takes they are what it said last.
    pub fn of(&self, agent: usize) -> &[u16] {
        if !self.spoken.is_empty() {
            return &self.spoken[agent * self.objects..][..self.objects];
        }
        let from = if self.shared { 0 } else { agent * self.objects };
        &self.held[from..from + self.objects]
    }

    /// Whether all agents have one sign of an object between them.
    pub fn shared(&self) -> bool {
        self.shared
    }

    /// Takes in the next event; None where it names no signs.
    #[inline]
    pub fn see(&mut self, event: &Event<'_>) -> Option<Exchanged> {
        let (&[speaker, listener], Some(proposed), Some(held)) = (event.seats, event.name(0), event.name(1)) else { return None };
        Some(self.exchange(event.t, [speaker, listener], [proposed, held]))
    }

    /// Takes in interactions `from..to` of a block, and shows each.
    #[inline]
    pub fn see_block(&mut self, block: &Block, from: usize, to: usize, mut each: impl FnMut(&SignsFollowed, Exchanged)) {
        for i in from..to {
            let exchanged = self.exchange(block.start + i as u64, block.pairs[i], [block.names[0].get(i), block.names[1].get(i)]);
            each(self, exchanged);
        }
    }

    #[inline]
    fn exchange(&mut self, t: u64, [speaker, listener]: [AgentId; 2], [proposed, held]: [Name; 2]) -> Exchanged {
        let object = (t % self.objects as u64) as usize;
        let place = |agent: AgentId| if self.shared { object } else { agent as usize * self.objects + object };
        let (own, others) = (place(listener), place(speaker));
        let compared = if self.spoken.is_empty() { self.held[own] } else { self.spoken[own] };
        self.held[own] = held as u16;
        if let Some(spoken) = self.spoken.get_mut(others) {
            *spoken = proposed as u16;
        }
        Exchanged { listener: listener as usize, object, signs: [compared.into(), proposed as usize, held as usize] }
    }
}
