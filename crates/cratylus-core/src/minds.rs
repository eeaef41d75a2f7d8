//! What everyone remembers or knows at any moment of a run, and what each would say: followed from events, for who looks at
//! a population and never played it. A test asks that all that was said was possible by it.

use crate::agents::uniform::Uniform;
use crate::categories::Divided;
use crate::event::Event;
use crate::experiment::Point;
use crate::inventory::Inventory;
use crate::meeting::groups::Groups;
use crate::policy::Round;
use crate::spec::Kind;
use crate::world::{Memories, World};
use crate::{AgentId, NOBODY, Name, Seed};
use std::collections::HashMap;
use std::sync::Arc;

/// A run's agents, after the events that were seen.
pub struct Minds<'w> {
    /// The world of the present phase.
    world: &'w World,
    whole: &'w World,
    seed: Seed,
    /// How many interventions there were so far.
    phase: usize,
    /// Which kind each agent is.
    kinds: Vec<u16>,
    memories: Memories,
    said: Vec<Option<Name>>,
    /// The groups in which they meet, where they do not meet in pairs.
    groups: Option<Arc<Groups>>,
    /// Who met last.
    group: Vec<AgentId>,
    /// Whether what they would say is not known.
    recorded: bool,
    /// What the policy of each kind says of windows seen before.
    known: HashMap<(u16, Box<[Round]>), Leaning>,
}

/// The world of a run that was recorded elsewhere, whose agents' responses nobody knows.
pub fn unknown(point: &Point) -> World {
    World::surrogate(point.experiment.clone(), Arc::new(Uniform {}), point.text(), None)
}

fn groups(world: &World, seed: Seed) -> Option<Arc<Groups>> {
    // Groups that could not be drawn played nothing.
    world.groups(seed).ok().flatten()
}

/// Windows that are kept.
const KNOWN_MAX: usize = 1 << 16;

/// With less than this an agent is undecided.
pub const LEANS: f64 = 0.6;

/// What an agent would say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaning {
    /// This name, with a probability of at least [`LEANS`]; or the one it said last, where its response is not known.
    Name(Name),
    /// Any of several.
    Several,
    /// It knows none.
    Nothing,
}

impl<'w> Minds<'w> {
    /// Before the first interaction of a replica.
    pub fn new(world: &'w World, replica: u64) -> Minds<'w> {
        let seed = world.seed(replica);
        let (kinds, memories) = world.first(seed);
        Minds::of(world, seed, kinds, memories, false)
    }

    /// The same for a recorded run of a population whose responses are [`unknown`], from what was remembered at its start.
    pub fn recorded(world: &'w World, replica: u64, starts: Vec<Vec<Round>>) -> Minds<'w> {
        Minds::of(world, world.seed(replica), vec![0; world.size as usize], Memories::Rounds(starts), true)
    }

    fn of(world: &'w World, seed: Seed, kinds: Vec<u16>, mut memories: Memories, recorded: bool) -> Minds<'w> {
        if let Memories::Rounds(rounds) = &mut memories {
            rounds.resize(world.size as usize, Vec::new());
        }
        let said = vec![None; world.size as usize];
        Minds {
            world,
            whole: world,
            seed,
            phase: 0,
            kinds,
            memories,
            said,
            groups: groups(world, seed),
            group: Vec::new(),
            recorded,
            known: HashMap::new(),
        }
    }

    /// Which kind an agent is now; committed groups come after the kinds of the experiment.
    pub fn kind(&self, agent: AgentId) -> u16 {
        self.kinds[agent as usize]
    }

    /// The name that an agent is committed to.
    pub fn committed(&self, agent: AgentId) -> Option<Name> {
        self.world.bound_to(self.kinds[agent as usize])
    }

    /// The rounds that an agent remembers, oldest first; None in games in which none are.
    pub fn rounds(&self, agent: AgentId) -> Option<&[Round]> {
        match &self.memories {
            Memories::Rounds(rounds) => {
                let rounds = &rounds[agent as usize];
                Some(&rounds[rounds.len().saturating_sub(self.world.experiment.memory())..])
            }
            Memories::Known(_) | Memories::Categories(_) => None,
        }
    }

    /// How an agent divides what there is to talk about, and its words for it; None in other games.
    pub fn categories(&self, agent: AgentId) -> Option<&Divided> {
        match &self.memories {
            Memories::Categories(categories) => Some(&categories.agents[agent as usize]),
            Memories::Known(_) | Memories::Rounds(_) => None,
        }
    }

    /// The names that an agent knows, or the opinion that it holds; None in games in which agents remember rounds.
    pub fn known(&self, agent: AgentId) -> Option<&[Name]> {
        match &self.memories {
            Memories::Known(known) => Some(&known[agent as usize].0),
            Memories::Rounds(_) | Memories::Categories(_) => None,
        }
    }

    /// The interventions that come before interaction `t`.
    pub fn before(&mut self, t: u64) {
        while let Some(phase) = self.whole.phases.get(self.phase).filter(|phase| phase.at <= t) {
            let before = (self.world, self.kinds.as_slice());
            self.kinds = phase.world.next(self.seed, self.phase, phase.turnover, before, &mut self.memories);
            self.world = &phase.world;
            self.groups = groups(self.world, self.seed);
            self.phase += 1;
            self.known.clear();
        }
    }

    /// Takes in the next event.
    pub fn see(&mut self, event: &Event) {
        self.before(event.t);
        if let (Memories::Categories(categories), Some(scenes)) = (&mut self.memories, self.world.scenes()) {
            categories.see(&scenes, self.seed, event);
        }
        for (agent, name) in event.choices() {
            self.said[agent as usize] = Some(name);
        }
        let memory = self.world.experiment.memory();
        self.group.clear();
        match &self.groups {
            Some(groups) => groups.meet(self.seed, event.t, &mut self.group),
            None => self.group.extend(event.agents.iter().filter(|agent| **agent != NOBODY)),
        }
        for (place, &agent) in self.group.iter().enumerate() {
            let seat = place.min(1);
            let kind = self.kinds[agent as usize];
            match (&mut self.memories, event.names, event.success) {
                (Memories::Rounds(rounds), [Some(_), Some(_)], Some(_)) => {
                    let [own, partner] =
                        [event.names[seat], event.names[1 - seat]].map(|name| name.expect("both said one") as u16);
                    let rounds = &mut rounds[agent as usize];
                    rounds.push([own, partner]);
                    if rounds.len() > 2 * memory + 8 {
                        rounds.drain(..rounds.len() - memory);
                    }
                }
                (Memories::Known(known), [Some(word), _], success) => match (self.world.kind(kind), success) {
                    (Kind::Speaker(rule), Some(success)) => known[agent as usize].learn(rule, seat as u8, word, success),
                    (Kind::Opinion(_), _) => known[agent as usize] = Inventory(vec![word]),
                    _ => (),
                },
                _ => (),
            }
        }
    }

    /// The probability with which an agent would now choose each name; None where that is not known from here, as of
    /// language models and of what a control draws.
    pub fn would(&self, agent: AgentId) -> Option<Vec<f64>> {
        let n = self.world.experiment.names().len();
        if let Some(name) = self.committed(agent) {
            return Some((0..n as Name).map(|other| f64::from(u8::from(other == name))).collect());
        }
        match (self.world.kind(self.kinds[agent as usize]), self.rounds(agent)) {
            (Kind::Window(policy), Some(rounds)) if !self.recorded => {
                let mut out = vec![0.0; n];
                let depth = policy.depth(self.world.experiment.memory());
                policy.distribution(&rounds[rounds.len().saturating_sub(depth)..], &mut out);
                Some(out)
            }
            (Kind::Speaker(_), _) if n > 0 => {
                let known = self.known(agent).expect("speakers keep inventories");
                let share = |name: Name| match known.is_empty() {
                    true => 1.0 / n as f64,
                    false if known.contains(&name) => 1.0 / known.len() as f64,
                    false => 0.0,
                };
                Some((0..n as Name).map(share).collect())
            }
            _ => None,
        }
    }

    /// What an agent would say, in a word; in the category game of an object at `object`.
    pub fn leaning(&mut self, agent: AgentId, object: f64) -> Leaning {
        if let Some(divided) = self.categories(agent) {
            return divided.categories[divided.at(object)].says.map_or(Leaning::Nothing, Leaning::Name);
        }
        if let Some(name) = self.committed(agent) {
            return Leaning::Name(name);
        }
        if let Some(known) = self.known(agent) {
            return match known {
                [] => Leaning::Nothing,
                [name] => Leaning::Name(*name),
                _ => Leaning::Several,
            };
        }
        let kind = self.kinds[agent as usize];
        let (Kind::Window(policy), false) = (self.world.kind(kind), self.recorded) else {
            return self.said[agent as usize].map_or(Leaning::Nothing, Leaning::Name);
        };
        let depth = policy.depth(self.world.experiment.memory());
        let rounds = self.rounds(agent).unwrap_or_default();
        let key = (kind, Box::from(&rounds[rounds.len().saturating_sub(depth)..]));
        if let Some(&leaning) = self.known.get(&key) {
            return leaning;
        }
        let p = self.would(agent).unwrap_or_default();
        let leaning = match (0..).zip(&p).max_by(|a, b| a.1.total_cmp(b.1)) {
            Some((name, p)) if *p >= LEANS => Leaning::Name(name),
            Some(_) => Leaning::Several,
            None => Leaning::Nothing,
        };
        if self.known.len() > KNOWN_MAX {
            self.known.clear();
        }
        self.known.insert(key, leaning);
        leaning
    }
}
