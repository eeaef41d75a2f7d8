//! Interactions one after the other, for games in which what an agent sees depends on all that came before: opinions of all
//! neighbours, groups of more than two, words that are made up in their order.

use super::engine::{Engine, EngineEntry, Play, RunBegins};
use crate::categories::{Categories, Scenes};
use crate::event::Event;
use crate::event::sink::Sink;
use crate::fault::Fault;
use crate::inventory::{Inventory, InventoryRule};
use crate::meeting::groups::{Agree, Groups};
use crate::meeting::pairs::Pairs;
use crate::opinion::{OpinionRule, Opinions};
use crate::seed::scale;
use crate::watch::stop::StopSeen;
use crate::world::Memories;
use crate::{AgentId, NOBODY, Network, Seed};
use std::sync::Arc;

pub(crate) const ENTRY: EngineEntry = EngineEntry {
    words: |world| match () {
        () if world.opinions().is_some() => "one agent after the other",
        () if world.in_groups() => "one group after the other",
        () => "one pair after the other",
    },
    together: None,
    fits: |world, _| world.opinions().is_some() || world.in_groups() || world.scenes().is_some(),
    start: |begins| Ok(Box::new(InTurn::new(begins)?)),
};

struct InTurn<'w> {
    replica: u64,
    from: u64,
    seed: Seed,
    assigned: &'w [u16],
    playing: Playing,
}

enum Playing {
    /// The game `opinion`.
    Around { opinions: Opinions, network: Arc<dyn Network>, complete: bool, rules: Vec<OpinionRule> },
    /// The naming game in groups.
    Groups {
        known: Vec<Inventory>,
        group: Vec<AgentId>,
        groups: Arc<Groups>,
        agree: Agree,
        rule: InventoryRule,
        committed: Vec<bool>,
    },
    /// The category game.
    Scenes { categories: Categories, scenes: Scenes, network: Arc<dyn Network>, pairs: Pairs },
}

impl<'w> InTurn<'w> {
    fn new(RunBegins { world, replica, from, assigned, memories, how }: RunBegins<'w>) -> Result<InTurn<'w>, Fault> {
        let seed = world.seed(replica);
        let playing = match memories.unwrap_or_else(|| world.remembered(seed, assigned)) {
            Memories::Known(known) if world.in_groups() => Playing::Groups {
                known,
                group: Vec::new(),
                groups: world.groups(seed)?.expect("asked before"),
                agree: world.experiment.game.spec.agree().unwrap_or_default(),
                rule: world.inventories().expect("groups play the naming game"),
                committed: assigned.iter().map(|&kind| world.bound_to(kind).is_some()).collect(),
            },
            Memories::Known(known) => Playing::Around {
                opinions: Opinions::new(known.iter().map(|known| known.0.first().copied()), world.experiment.names().len()),
                network: world.network(seed)?,
                // What the plain path looks up agent by agent is counted.
                complete: world.complete && how == Play::Fastest,
                rules: world.opinions().expect("asked before"),
            },
            Memories::Categories(categories) => Playing::Scenes {
                categories,
                scenes: world.scenes().expect("asked before"),
                network: world.network(seed)?,
                pairs: Pairs::of(world.game.alone(), world.pairing()),
            },
            Memories::Rounds(_) => unreachable!("none of these games is one of remembered rounds"),
        };
        Ok(InTurn { replica, from, seed, assigned, playing })
    }
}

impl Playing {
    fn next(&mut self, seed: Seed, t: u64, assigned: &[u16]) -> Event {
        match self {
            Playing::Around { opinions, network, complete, rules } => {
                let agent = scale(seed.pair(t), u64::from(network.len())) as AgentId;
                let rule = rules[assigned[agent as usize] as usize];
                let name = opinions.form(agent, rule, &**network, *complete, seed.decision(t, 0));
                Event { t, agents: [agent, NOBODY], names: [Some(name), None], success: None, invalid: [0; 2] }
            }
            Playing::Groups { known, group, groups, agree, rule, committed } => {
                groups.meet(seed, t, group);
                let (speaker, hearers) = (group[0], &group[1..]);
                let word = known[speaker as usize].say(rule, t, seed.decision(t, 0));
                let knows = |hearer: &AgentId| known[*hearer as usize].knows(word);
                let heard = match agree {
                    Agree::All => hearers.iter().all(knows),
                    Agree::Any => hearers.iter().any(knows),
                };
                let success = rule.agrees(heard, seed.decision(t, 1));
                for (place, &agent) in group.iter().enumerate().filter(|(_, agent)| !committed[**agent as usize]) {
                    known[agent as usize].learn(rule, u8::from(place > 0), word, success);
                }
                Event { t, agents: [speaker, NOBODY], names: [Some(word), None], success: Some(success), invalid: [0; 2] }
            }
            Playing::Scenes { categories, scenes, network, pairs } => {
                categories.play(scenes, seed, t, pairs.draw(seed, t, &**network))
            }
        }
    }
}

impl Engine for InTurn<'_> {
    fn play(&mut self, until: u64, stop: &mut StopSeen, sink: &mut dyn Sink) -> Result<bool, Fault> {
        /// How many events go to the sink at a time.
        const EVENTS: usize = 4096;
        let mut events = Vec::with_capacity(EVENTS);
        let until = until.min(stop.most());
        for t in self.from..until {
            let event = self.playing.next(self.seed, t, self.assigned);
            events.push(event);
            let over = stop.see(&event);
            if over || events.len() == EVENTS {
                sink.take(self.replica, &events)?;
                events.clear();
            }
            if over {
                return Ok(true);
            }
        }
        sink.take(self.replica, &events)?;
        self.from = until;
        Ok(until >= stop.most())
    }

    fn memories(self: Box<Self>) -> Memories {
        match self.playing {
            Playing::Around { opinions, .. } => {
                Memories::Known(opinions.held().map(|name| Inventory(name.into_iter().collect())).collect())
            }
            Playing::Groups { known, .. } => Memories::Known(known),
            Playing::Scenes { categories, .. } => Memories::Categories(categories),
        }
    }
}
