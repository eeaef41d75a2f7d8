//! The loop: interactions in waves, questions to cohorts, events in order.

use crate::agent::{Ask, Fault, News, People};
use crate::agents::Inventory;
use crate::categories::Categories;
use crate::draws::BLOCK;
use crate::event::Event;
use crate::experiment::Followed;
use crate::fast::counts::Tally;
use crate::fast::{self, Block, Run, States, TwoNames, WORDS_MAX, WordSets, two_names};
use crate::game::{Answer, Hand};
use crate::groups::{self, Meeting};
use crate::opinions::{Around, Opinions};
use crate::pairing::{Pairing, Pairs};
use crate::stop::StopSeen;
use crate::world::{Memories, World};
use crate::{AgentId, NOBODY, Name, Network, Purpose, Seed, waves};
use std::sync::Arc;

/// Where events go: a file, a measure, a progress bar, a test.
pub trait Sink {
    /// Takes a replica's next events, in their order.
    fn take(&mut self, replica: u64, events: &[Event]) -> Result<(), Fault>;

    /// Takes the next events of a replica, packed. The last block of a run that ended within it holds less than 64.
    fn block(&mut self, replica: u64, block: &Block) -> Result<(), Fault> {
        let blank = Event { t: 0, agents: [0; 2], names: [None; 2], success: None, invalid: [0; 2] };
        let mut events = [blank; BLOCK];
        let n = block.n - block.first;
        events.iter_mut().zip(block.events()).for_each(|(place, event)| *place = event);
        self.take(replica, &events[..n])
    }

    /// Takes the next stretch of a replica of which there are numbers alone.
    fn tally(&mut self, _replica: u64, _tally: &Tally) -> Result<(), Fault> {
        Err(Fault("this takes events, and where agents are counted there are none".into()))
    }

    /// Is told that a replica is over.
    fn end(&mut self, replica: u64) -> Result<(), Fault>;
}

/// How to play. Neither choice changes a run, only its speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Flat memory where the agents allow it, the plain path elsewhere.
    Fastest,
    /// Waves and cohorts, `block` interactions of each replica at a time.
    Plain {
        /// How many interactions are drawn at a time; above 0.
        block: usize,
    },
}

/// Plays replicas of one world to their end. Each replica's events reach the sink in their order.
pub fn run(world: &World, replicas: &[u64], engine: Engine, sink: &mut dyn Sink) -> Result<(), Fault> {
    if world.experiment.population.engine == Followed::Counts {
        return replicas.iter().try_for_each(|&replica| run_counts(world, replica, sink));
    }
    if !world.phases.is_empty() {
        return replicas.iter().try_for_each(|&replica| run_phases(world, replica, engine, sink));
    }
    if world.opinions().is_some() {
        return replicas.iter().try_for_each(|&replica| run_opinions(world, replica, engine, sink));
    }
    if world.in_groups() {
        return replicas.iter().try_for_each(|&replica| run_groups(world, replica, sink));
    }
    if world.scenes().is_some() {
        return replicas.iter().try_for_each(|&replica| run_categories(world, replica, sink));
    }
    match engine {
        Engine::Fastest if Stretch::fits(world) => replicas.iter().try_for_each(|&replica| run_fast(world, replica, sink)),
        engine => run_plain(world, replicas, engine.block(world), sink),
    }
}

impl Engine {
    /// How many interactions of each replica the plain path plays at a time.
    fn block(self, world: &World) -> usize {
        match self {
            Engine::Fastest => world.size.clamp(64, 4096) as usize,
            Engine::Plain { block } => block.max(1),
        }
    }
}

/// Plays a run as numbers, a population round at a time.
fn run_counts(world: &World, replica: u64, sink: &mut dyn Sink) -> Result<(), Fault> {
    let mut population = world.counted().map_err(Fault)?;
    let mut draws = world.seed(replica).stream(Purpose::Pair, 1 << 62);
    let size = world.experiment.size();
    let most = world.experiment.stop.most(size);
    let stops = world.experiment.stop.consensus.is_some();
    let from = world.experiment.consensus().from_round.unwrap_or(0).saturating_mul(size);
    let inventories = population.inventories;
    let agreed = |counts: &[u64]| {
        let of = |name: usize| counts[1 << name] + counts[usize::from(two_names::COMMITTED) | 1 << name];
        (0..2).find(|&name| inventories && of(name) == size).map(|name| name as Name)
    };
    let mut t = 0;
    while t < most {
        let until = most.min((t / size + 1) * size);
        let before = agreed(population.counts.counts()).is_some();
        let played = population.counts.play(until - t, |counts| !before && agreed(counts).is_some(), &mut draws);
        let mut tally = population.counts.tally(world.experiment.names().len(), &population.committed);
        (tally.start, tally.end) = (t, t + played);
        tally.agreed = agreed(population.counts.counts());
        if inventories {
            let know = [1, 2].map(|bit| {
                let counts = population.counts.counts().iter().enumerate();
                counts.filter(|(state, _)| state & bit != 0).map(|(_, count)| count).sum::<u64>()
            });
            tally.words = Some([know[0] + know[1], know.iter().filter(|&&know| know > 0).count() as u64]);
        }
        sink.tally(replica, &tally)?;
        t += played;
        if stops && tally.agreed.is_some() && t >= from {
            break;
        }
    }
    sink.end(replica)
}

/// Plays interactions `from..until` one after the other, or up to the stop; says whether it stopped.
pub(crate) fn one_by_one(
    replica: u64,
    [from, until]: [u64; 2],
    stop: &mut StopSeen,
    sink: &mut dyn Sink,
    mut play: impl FnMut(u64) -> Event,
) -> Result<bool, Fault> {
    /// How many events go to the sink at a time.
    const EVENTS: usize = 4096;
    let mut events = Vec::with_capacity(EVENTS);
    for t in from..until.min(stop.most()) {
        let event = play(t);
        events.push(event);
        let over = stop.see(&event);
        if over || events.len() == EVENTS {
            sink.take(replica, &events)?;
            events.clear();
        }
        if over {
            return Ok(true);
        }
    }
    sink.take(replica, &events)?;
    Ok(until >= stop.most())
}

/// Interactions `from..until` of a run that is played in flat memory.
struct Stretch<'a> {
    world: &'a World,
    replica: u64,
    from: u64,
    until: u64,
    /// The kind of each agent.
    assigned: &'a [u16],
}

impl Stretch<'_> {
    /// Whether the agents' rules fit into flat memory; the others take the plain path.
    fn fits(world: &World) -> bool {
        world.pairing() != Pairing::AllAtOnce && (world.inventories().is_some() || world.compiled().is_some())
    }

    /// The same in the game `opinion`.
    fn form(&self, opinions: &mut Opinions, engine: Engine, stop: &mut StopSeen, sink: &mut dyn Sink) -> Result<bool, Fault> {
        let Stretch { world, replica, from, until, assigned } = *self;
        let (seed, rules) = (world.seed(replica), world.opinions().expect("asked before"));
        let network = world.network(seed)?;
        let complete = world.complete && engine == Engine::Fastest;
        let around = Around { seed, replica, network: &*network, complete, rules: &rules, assigned };
        opinions.play(&around, [from, until], stop, sink)
    }

    /// The same in groups of more than two.
    fn meet(&self, known: &mut [Inventory], stop: &mut StopSeen, sink: &mut dyn Sink) -> Result<bool, Fault> {
        let Stretch { world, replica, from, until, assigned } = *self;
        let (seed, rule) = (world.seed(replica), world.inventories().expect("groups play the naming game"));
        let groups = world.groups(seed)?.expect("asked before");
        let committed: Vec<bool> = assigned.iter().map(|&kind| world.bound_to(kind).is_some()).collect();
        let agree = world.experiment.game.spec.agree().unwrap_or_default();
        let meeting = Meeting { seed, replica, groups: &groups, agree, rule, committed: &committed };
        groups::play(known, &meeting, [from, until], stop, sink)
    }

    /// The same in the category game.
    fn point(&self, categories: &mut Categories, stop: &mut StopSeen, sink: &mut dyn Sink) -> Result<bool, Fault> {
        let Stretch { world, replica, from, until, .. } = *self;
        let (seed, scenes) = (world.seed(replica), world.scenes().expect("asked before"));
        let (network, mut pairs) = (world.network(seed)?, Pairs::of(world));
        one_by_one(replica, [from, until], stop, sink, |t| categories.play(&scenes, seed, t, pairs.draw(seed, t, &*network)))
    }

    /// Plays on, and says whether the run is over. `memories` is what agents remember before it, and afterwards what they
    /// remember then; None for a run that is played in one go, which spares what they would take.
    fn play(&self, memories: Option<&mut Memories>, stop: &mut StopSeen, sink: &mut dyn Sink) -> Result<bool, Fault> {
        let Stretch { world, replica, from, until, assigned } = *self;
        let seed = world.seed(replica);
        let network = world.network(seed)?;
        let run =
            Run { seed, network: &*network, complete: world.complete, pairing: world.pairing(), words: world.counts_words() };
        let until = until.min(stop.most());
        let Some(rule) = world.inventories() else {
            let compiled = world.compiled().expect("asked before");
            let states = match &memories {
                Some(Memories::Rounds(rounds)) => compiled.states_of(assigned, |agent| &rounds[agent]),
                _ => compiled.states(world, replica),
            };
            let mut population = States::new(&compiled.tables, states, compiled.committed(world));
            let over = fast::play(&mut population, &run, from, until, stop, replica, sink)?;
            if let Some(memories) = memories {
                *memories = Memories::Rounds(compiled.remembered(assigned, population.states()));
            }
            return Ok(over);
        };
        let begin = world.begin(seed, assigned);
        let first = |agent: usize| world.bound_to(assigned[agent]).or_else(|| begin.known(agent));
        let known = |agent: usize| match &memories {
            Some(Memories::Known(known)) => known[agent].clone(),
            _ => Inventory(first(agent).into_iter().collect()),
        };
        let bits = |agent: usize| match &memories {
            Some(Memories::Known(known)) => known[agent].0.iter().fold(0u64, |bits, name| bits | 1 << name),
            _ => first(agent).map_or(0, |name| 1 << name),
        };
        let committed = |agent: usize| world.bound_to(assigned[agent]).is_some();
        let listed = |bits: u64| Inventory((0..64).filter(|name| bits >> name & 1 == 1).collect());
        let (agents, kept) = (0..assigned.len(), if memories.is_some() { assigned.len() } else { 0 });
        let (over, after): (bool, Vec<Inventory>) = match rule.pool {
            Some(2) => {
                let mut population = TwoNames::new(rule, agents.map(|agent| (bits(agent) as u8, committed(agent))));
                let over = fast::play(&mut population, &run, from, until, stop, replica, sink)?;
                (over, population.known().take(kept).map(|bits| listed(bits.into())).collect())
            }
            Some(pool) if pool <= WORDS_MAX => {
                let mut population = WordSets::new(rule, pool, agents.map(|agent| (bits(agent), committed(agent))));
                let over = fast::play(&mut population, &run, from, until, stop, replica, sink)?;
                (over, population.known().take(kept).map(listed).collect())
            }
            _ => {
                let mut population = fast::Inventories::new(rule, agents.map(|agent| (known(agent), committed(agent))));
                if run.words {
                    population = population.counting();
                }
                let over = fast::play(&mut population, &run, from, until, stop, replica, sink)?;
                (over, (0..kept).map(|agent| population.known(agent)).collect())
            }
        };
        if let Some(memories) = memories {
            *memories = Memories::Known(after);
        }
        Ok(over)
    }
}

fn run_fast(world: &World, replica: u64, sink: &mut dyn Sink) -> Result<(), Fault> {
    let assigned = world.assign(world.seed(replica));
    let stretch = Stretch { world, replica, from: 0, until: u64::MAX, assigned: &assigned };
    stretch.play(None, &mut world.stop(replica), sink)?;
    sink.end(replica)
}

/// Plays a run of the game `opinion`.
fn run_opinions(world: &World, replica: u64, engine: Engine, sink: &mut dyn Sink) -> Result<(), Fault> {
    let seed = world.seed(replica);
    let assigned = world.assign(seed);
    let begin = world.begin(seed, &assigned);
    let first = (0..assigned.len()).map(|agent| world.bound_to(assigned[agent]).or_else(|| begin.known(agent)));
    let mut opinions = Opinions::new(first, world.experiment.names().len());
    let stretch = Stretch { world, replica, from: 0, until: u64::MAX, assigned: &assigned };
    stretch.form(&mut opinions, engine, &mut world.stop(replica), sink)?;
    sink.end(replica)
}

/// Plays a run of the naming game in groups.
fn run_groups(world: &World, replica: u64, sink: &mut dyn Sink) -> Result<(), Fault> {
    let (assigned, memories) = world.first(world.seed(replica));
    let Memories::Known(mut known) = memories else { unreachable!("groups play the naming game") };
    let stretch = Stretch { world, replica, from: 0, until: u64::MAX, assigned: &assigned };
    stretch.meet(&mut known, &mut world.stop(replica), sink)?;
    sink.end(replica)
}

/// Plays a run of the category game.
fn run_categories(world: &World, replica: u64, sink: &mut dyn Sink) -> Result<(), Fault> {
    let stretch = Stretch { world, replica, from: 0, until: u64::MAX, assigned: &[] };
    stretch.point(&mut Categories::new(world.size), &mut world.stop(replica), sink)?;
    sink.end(replica)
}

/// Plays a run whose population is changed while it plays: from one intervention to the next, each with a world of its own.
fn run_phases(world: &World, replica: u64, engine: Engine, sink: &mut dyn Sink) -> Result<(), Fault> {
    let seed = world.seed(replica);
    let mut stop = world.stop(replica);
    let (mut assigned, mut memories) = world.first(seed);
    let (mut now, mut from) = (world, 0);
    for i in 0..=world.phases.len() {
        let until = world.phases.get(i).map_or(u64::MAX, |phase| phase.at);
        if let (Some(_), Memories::Known(known)) = (now.opinions(), &mut memories) {
            let held = known.iter().map(|known| known.0.first().copied());
            let mut opinions = Opinions::new(held, now.experiment.names().len());
            let stretch = Stretch { world: now, replica, from, until, assigned: &assigned };
            if stretch.form(&mut opinions, engine, &mut stop, sink)? {
                break;
            }
            *known = opinions.held().map(|name| Inventory(name.into_iter().collect())).collect();
        } else if let (true, Memories::Known(known)) = (now.in_groups(), &mut memories) {
            let stretch = Stretch { world: now, replica, from, until, assigned: &assigned };
            if stretch.meet(known, &mut stop, sink)? {
                break;
            }
        } else if let Memories::Categories(categories) = &mut memories {
            let stretch = Stretch { world: now, replica, from, until, assigned: &assigned };
            if stretch.point(categories, &mut stop, sink)? {
                break;
            }
        } else if engine == Engine::Fastest && Stretch::fits(now) {
            let stretch = Stretch { world: now, replica, from, until, assigned: &assigned };
            if stretch.play(Some(&mut memories), &mut stop, sink)? {
                break;
            }
        } else {
            let one = [(assigned, memories)];
            let mut people = now.people_of(&one);
            let playing = Playing { replica, seed, network: now.network(seed)?, stop, first: 0, pairs: Pairs::of(now) };
            let mut left = play_plain(now, &mut people, vec![playing], [from, until], engine.block(now), sink)?;
            [(assigned, memories)] = one;
            match &mut memories {
                Memories::Rounds(rounds) => *rounds = people.rounds(),
                Memories::Known(known) => *known = people.known(),
                Memories::Categories(_) => unreachable!("played above"),
            }
            // It told the end of the run itself.
            let Some(playing) = left.pop() else { return Ok(()) };
            stop = playing.stop;
        }
        let Some(phase) = world.phases.get(i) else { break };
        assigned = phase.world.next(seed, i, phase.turnover, (now, &assigned), &mut memories);
        (now, from) = (&phase.world, phase.at);
    }
    sink.end(replica)
}

/// A replica that is still being played.
struct Playing {
    replica: u64,
    seed: Seed,
    network: Arc<dyn Network>,
    stop: StopSeen,
    /// The number of its first agent among all people.
    first: AgentId,
    pairs: Pairs,
}

fn run_plain(world: &World, replicas: &[u64], block: usize, sink: &mut dyn Sink) -> Result<(), Fault> {
    let mut people = world.people(replicas);
    let playing = (0..)
        .zip(replicas)
        .map(|(i, &replica)| {
            let seed = world.seed(replica);
            let (network, stop) = (world.network(seed)?, world.stop(replica));
            Ok(Playing { replica, seed, network, stop, first: i * world.size, pairs: Pairs::of(world) })
        })
        .collect::<Result<_, Fault>>()?;
    play_plain(world, &mut people, playing, [0, u64::MAX], block, sink).map(drop)
}

/// Plays interactions `from..until` of several replicas, and tells the end of those that end; gives the others.
fn play_plain(
    world: &World,
    people: &mut People,
    mut playing: Vec<Playing>,
    [from, until]: [u64; 2],
    block: usize,
    sink: &mut dyn Sink,
) -> Result<Vec<Playing>, Fault> {
    // Where all play at once, a round is a block, and a block is one wave: everyone decides by what was so before it.
    let at_once = world.pairing() == Pairing::AllAtOnce;
    let block = if at_once { world.size as usize } else { block };
    let mut depth = vec![0; world.size as usize];
    let (mut seats, mut wave_of) = (Vec::new(), Vec::new());
    let (mut asks, mut answers, mut news, mut open) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut start = from;
    while !playing.is_empty() && start < until {
        // Every hand of the block, replica by replica, and the waves that all replicas share.
        let mut hands: Vec<Hand> = Vec::with_capacity(playing.len() * block);
        let mut owner: Vec<u32> = Vec::with_capacity(playing.len() * block);
        let mut shared: Vec<Vec<u32>> = Vec::new();
        for (p, one) in playing.iter_mut().enumerate() {
            let end = (start + block as u64).min(one.stop.most()).min(until);
            seats.clear();
            seats.extend((start..end).map(|t| one.pairs.draw(one.seed, t, &*one.network)));
            waves::cut(&seats, &mut depth, &mut wave_of);
            if at_once {
                wave_of.fill(0);
            }
            for ((t, &agents), &wave) in (start..).zip(&seats).zip(&wave_of) {
                if shared.len() <= wave as usize {
                    shared.resize_with(wave as usize + 1, Vec::new);
                }
                shared[wave as usize].push(hands.len() as u32);
                hands.push(Hand::new(t, agents));
                owner.push(p as u32);
            }
        }
        for wave in &shared {
            loop {
                asks.clear();
                open.clear();
                let waiting: Vec<Hand> = wave.iter().map(|&h| hands[h as usize].clone()).collect();
                world.game.ask_all(&waiting, &mut open);
                for (i, question) in &open {
                    let h = wave[*i as usize] as usize;
                    let (hand, one) = (&hands[h], &playing[owner[h] as usize]);
                    asks.push(Ask {
                        agent: one.first + hand.agents[question.seat as usize],
                        t: hand.t,
                        question: *question,
                        draw: one.seed.decision(hand.t, question.seat),
                    });
                }
                if asks.is_empty() {
                    break;
                }
                people.decide(&asks, &mut answers)?;
                for ((i, question), answer) in open.iter().zip(&answers) {
                    let hand = &mut hands[wave[*i as usize] as usize];
                    hand.answers[question.seat as usize] = answer.map_or(Answer::Unusable, Answer::Given);
                }
            }
            news.clear();
            for &h in wave {
                let hand = &hands[h as usize];
                let outcome = world.game.outcome(hand);
                let Some(success) = outcome.success else { continue };
                let first = playing[owner[h as usize] as usize].first;
                news.extend((0..2).filter(|&seat| hand.agents[seat] != NOBODY).map(|seat| News {
                    agent: first + hand.agents[seat],
                    seat: seat as u8,
                    names: outcome.names,
                    success,
                }));
            }
            people.learn(&news);
        }
        let mut events: Vec<Event> = Vec::with_capacity(block);
        let mut hands = hands.iter().zip(&owner).peekable();
        let mut over = vec![false; playing.len()];
        for (p, one) in playing.iter_mut().enumerate() {
            events.clear();
            while let Some((hand, _)) = hands.next_if(|&(_, &owner)| owner as usize == p) {
                if over[p] {
                    continue;
                }
                let outcome = world.game.outcome(hand);
                let event =
                    Event { t: hand.t, agents: hand.agents, names: outcome.names, success: outcome.success, invalid: [0; 2] };
                events.push(event);
                over[p] = one.stop.see(&event);
            }
            sink.take(one.replica, &events)?;
            if over[p] {
                sink.end(one.replica)?;
            }
        }
        let mut ended = over.into_iter();
        playing.retain(|_| !ended.next().expect("one for each replica"));
        start += block as u64;
    }
    Ok(playing)
}
