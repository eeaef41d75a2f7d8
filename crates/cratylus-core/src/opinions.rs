//! Plays the game `opinion`. An agent sees all its neighbours at once, so no two interactions commute and there are no
//! waves: one agent after the other looks around. On the complete network what it sees follows from the number of
//! agents that hold each opinion; elsewhere its neighbours are gone through.

use crate::agent::Fault;
use crate::agents::OpinionRule;
use crate::event::Event;
use crate::run::{Sink, one_by_one};
use crate::seed::scale;
use crate::stop::StopSeen;
use crate::{AgentId, NOBODY, Name, Network, Seed};

/// Nobody has so many opinions to choose from.
const NONE: u16 = u16::MAX;

/// Everyone's opinion.
pub(crate) struct Opinions {
    held: Vec<u16>,
    /// How many agents hold each.
    counts: Vec<u32>,
}

/// What decides the opinions of a stretch of a run.
pub(crate) struct Around<'a> {
    pub seed: Seed,
    pub replica: u64,
    pub network: &'a dyn Network,
    /// Whether everyone is everyone's neighbour, so that counting can be spared.
    pub complete: bool,
    /// The rule of each kind of agents, and the kind of each agent.
    pub rules: &'a [OpinionRule],
    pub assigned: &'a [u16],
}

impl Opinions {
    /// Of agents that hold these, `n` being all there are to hold.
    pub fn new(held: impl Iterator<Item = Option<Name>>, n: usize) -> Opinions {
        let held: Vec<u16> = held.map(|name| name.map_or(NONE, |name| name as u16)).collect();
        let mut counts = vec![0; n];
        held.iter().filter(|&&name| name != NONE).for_each(|&name| counts[usize::from(name)] += 1);
        Opinions { held, counts }
    }

    pub fn held(&self) -> impl Iterator<Item = Option<Name>> {
        self.held.iter().map(|&name| (name != NONE).then_some(Name::from(name)))
    }

    /// Plays the interactions of a stretch, or up to the stop; says whether it stopped.
    pub fn play(
        &mut self,
        around: &Around<'_>,
        stretch: [u64; 2],
        stop: &mut StopSeen,
        sink: &mut dyn Sink,
    ) -> Result<bool, Fault> {
        let (mut seen, mut weights) = (vec![0; self.counts.len()], Vec::new());
        one_by_one(around.replica, stretch, stop, sink, |t| {
            let agent = scale(around.seed.pair(t), self.held.len() as u64) as AgentId;
            let own = self.held[agent as usize];
            self.look(around, agent, &mut seen);
            let rule = around.rules[around.assigned[agent as usize] as usize];
            let draw = around.seed.decision(t, 0);
            let name = rule.form(&seen, (own != NONE).then_some(Name::from(own)), draw, &mut weights);
            if own != NONE {
                self.counts[usize::from(own)] -= 1;
            }
            self.counts[name as usize] += 1;
            self.held[agent as usize] = name as u16;
            Event { t, agents: [agent, NOBODY], names: [Some(name), None], success: None, invalid: [0; 2] }
        })
    }

    /// How many neighbours of an agent hold each opinion.
    fn look(&self, around: &Around<'_>, agent: AgentId, seen: &mut [u32]) {
        if around.complete {
            seen.copy_from_slice(&self.counts);
            if let Some(own) = seen.get_mut(usize::from(self.held[agent as usize])) {
                *own -= 1;
            }
            return;
        }
        seen.fill(0);
        for i in 0..around.network.degree(agent) {
            if let Some(count) = seen.get_mut(usize::from(self.held[around.network.neighbour(agent, i) as usize])) {
                *count += 1;
            }
        }
    }
}
