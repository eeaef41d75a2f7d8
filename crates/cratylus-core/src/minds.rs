//! What everyone remembers or knows at any moment of a run, and what each would say: followed from events, for who looks at
//! a population and never played it. A test asks that all that was said was possible by it.

use crate::agent::{Mind, News, People};
use crate::agents::categories::divided;
use crate::agents::uniform::Uniform;
use crate::categories::Divided;
use crate::event::pair::PairEvent;
use crate::experiment::Point;
use crate::game::Hand;
use crate::meeting::groups::Groups;
use crate::policy::Round;
use crate::spec::Kind;
use crate::world::World;
use crate::{AgentId, Name, Purpose, Seed};
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
    /// Everyone, who learns and is never asked.
    people: People,
    said: Vec<Option<Name>>,
    /// The groups in which they meet, where they do not meet in pairs.
    groups: Option<Arc<Groups>>,
    /// Whether what they would say is not known.
    recorded: bool,
    /// What the policy of each kind says of windows seen before.
    known: HashMap<(u16, Box<[Round]>), Leaning>,
}

/// The world of a run that was recorded elsewhere, whose agents' responses nobody knows.
pub fn unknown(point: &Point) -> World {
    World::surrogate(point.experiment.clone(), Kind::Window(Arc::new(Uniform {})), point.text(), None)
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
        let (kinds, minds) = world.first(seed);
        Minds::of(world, seed, kinds, minds, false)
    }

    /// The same for a recorded run of a population whose responses are [`unknown`], from what was remembered at its start.
    pub fn recorded(world: &'w World, replica: u64, mut starts: Vec<Vec<Round>>) -> Minds<'w> {
        starts.resize(world.size as usize, Vec::new());
        let minds = starts.into_iter().map(Mind::Rounds).collect();
        Minds::of(world, world.seed(replica), vec![0; world.size as usize], minds, true)
    }

    fn of(world: &'w World, seed: Seed, kinds: Vec<u16>, minds: Vec<Mind>, recorded: bool) -> Minds<'w> {
        let said = vec![None; world.size as usize];
        let (groups, people) = (groups(world, seed), world.followed(&kinds, minds));
        Minds { world, whole: world, seed, phase: 0, kinds, people, said, groups, recorded, known: HashMap::new() }
    }

    /// Which kind an agent is now; committed groups come after the kinds of the experiment.
    pub fn kind(&self, agent: AgentId) -> u16 {
        self.kinds[agent as usize]
    }

    /// The name that an agent is committed to.
    pub fn committed(&self, agent: AgentId) -> Option<Name> {
        self.world.bound_to(self.kinds[agent as usize])
    }

    /// What an agent remembers, knows or has become.
    pub fn mind(&self, agent: AgentId) -> Mind {
        self.people.mind(agent)
    }

    /// How an agent divides what there is to talk about, and its words for it; None in other games.
    pub fn categories(&self, agent: AgentId) -> Option<Divided> {
        self.world.scenes().and_then(|_| divided(&self.mind(agent)))
    }

    /// The interventions that come before interaction `t`.
    pub fn before(&mut self, t: u64) {
        while let Some(phase) = self.whole.phases.get(self.phase).filter(|phase| phase.at <= t) {
            let (before, mut minds) = ((self.world, self.kinds.as_slice()), self.people.minds());
            self.kinds = phase.world.next(self.seed, self.phase, phase.turnover, before, &mut minds);
            self.world = &phase.world;
            self.people = self.world.followed(&self.kinds, minds);
            self.groups = groups(self.world, self.seed);
            self.phase += 1;
            self.known.clear();
        }
    }

    /// Takes in the next event, as `interactions.parquet` has it: who of a group heard and what was shown follow from the seed.
    pub fn see(&mut self, event: &PairEvent) {
        self.before(event.t);
        let hand = event.show(|event| {
            let mut group = event.seats.to_vec();
            if let Some(groups) = &self.groups {
                groups.meet(self.seed, event.t, &mut group);
            }
            let mut hand = Hand { group: self.groups.is_some(), ..Hand::new(event.t, &group) };
            self.world.game.deal(&mut self.seed.stream(Purpose::Scene, event.t), &mut hand);
            hand.moves.extend(event.moves.iter().copied());
            hand.fate = event.fate;
            hand
        });
        self.see_all(&hand);
    }

    /// Takes in the next event with everything that was shown and done in it.
    pub fn see_all(&mut self, hand: &Hand) {
        self.before(hand.t);
        for (agent, name) in hand.event().choices() {
            self.said[agent as usize] = Some(name);
        }
        if self.world.game.teaches(hand) {
            let news = |(seat, &agent)| News { agent, seat, hand };
            self.people.learn(&(0..).zip(&hand.seats).map(news).collect::<Vec<_>>());
        }
    }

    /// The probability with which an agent would now choose each name; None where that is not known from here, as of
    /// language models and of what a control draws.
    pub fn would(&self, agent: AgentId) -> Option<Vec<f64>> {
        let n = self.world.experiment.names().len();
        if let Some(name) = self.committed(agent) {
            return Some((0..n as Name).map(|other| f64::from(u8::from(other == name))).collect());
        }
        match (self.world.kind(self.kinds[agent as usize]), self.mind(agent)) {
            (Kind::Window(policy), Mind::Rounds(rounds)) if !self.recorded => {
                let mut out = vec![0.0; n];
                let depth = policy.depth(self.world.experiment.memory());
                policy.distribution(&rounds[rounds.len().saturating_sub(depth)..], &mut out);
                Some(out)
            }
            (Kind::Speaker(_), mind) if n > 0 => {
                let known = mind.names();
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
        if let Some(name) = self.committed(agent) {
            return Leaning::Name(name);
        }
        // Of as many objects as there are an agent has a sign each; shown is what it said of the last.
        if self.world.experiment.game.spec.symbols().is_some() {
            return self.said[agent as usize].map_or(Leaning::Nothing, Leaning::Name);
        }
        let rounds = match self.mind(agent) {
            Mind::Rounds(rounds) => rounds,
            Mind::Names(known) => {
                return match known.0[..] {
                    [] => Leaning::Nothing,
                    [name] => Leaning::Name(name),
                    _ => Leaning::Several,
                };
            }
            Mind::Own(_) => {
                let says = self.categories(agent).and_then(|divided| divided.categories[divided.at(object)].says);
                return says.or(self.said[agent as usize]).map_or(Leaning::Nothing, Leaning::Name);
            }
        };
        let kind = self.kinds[agent as usize];
        let (Kind::Window(policy), false) = (self.world.kind(kind), self.recorded) else {
            return self.said[agent as usize].map_or(Leaning::Nothing, Leaning::Name);
        };
        let depth = policy.depth(self.world.experiment.memory());
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
