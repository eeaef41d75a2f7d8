//! The loop: interactions in waves, questions to cohorts, events in order.

use crate::agent::{Ask, Fault, News};
use crate::agents::Inventory;
use crate::draws::BLOCK;
use crate::event::Event;
use crate::fast::{self, Block, Run, States, TwoNames, WORDS_MAX, WordSets};
use crate::game::{Answer, Hand};
use crate::pairing::{Pairing, Pairs};
use crate::stop::StopSeen;
use crate::world::World;
use crate::{AgentId, NOBODY, Network, Seed, waves};
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

    /// Is told that a replica is over.
    fn end(&mut self, replica: u64) -> Result<(), Fault>;
}

/// How to play. Neither choice changes a run, only its speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Flat memory where the agents allow it, the plain path elsewhere.
    Fastest,
    /// Waves and cohorts, `block` interactions of each replica at a time.
    Plain { block: usize },
}

/// Plays replicas of one world to their end. Each replica's events reach the sink in their order.
pub fn run(world: &World, replicas: &[u64], engine: Engine, sink: &mut dyn Sink) -> Result<(), Fault> {
    match engine {
        Engine::Fastest => {
            for (i, &replica) in replicas.iter().enumerate() {
                match run_fast(world, replica, sink) {
                    Some(played) => played?,
                    None => return run_plain(world, &replicas[i..], world.size.clamp(64, 4096) as usize, sink),
                }
            }
            Ok(())
        }
        Engine::Plain { block } => run_plain(world, replicas, block.max(1), sink),
    }
}

/// Plays a replica in flat memory. None where its agents need the plain path.
fn run_fast(world: &World, replica: u64, sink: &mut dyn Sink) -> Option<Result<(), Fault>> {
    let rule = world.inventories();
    let compiled = if rule.is_none() { world.compiled() } else { None };
    if world.pairing() == Pairing::AllAtOnce || (rule.is_none() && compiled.is_none()) {
        return None;
    }
    let seed = world.seed(replica);
    let network = match world.network(seed) {
        Ok(network) => network,
        Err(fault) => return Some(Err(fault)),
    };
    let run = Run { seed, network: &*network, complete: world.complete, pairing: world.pairing(), words: world.counts_words() };
    let mut stop = world.stop(replica);
    let until = stop.most();
    let mut go = |population: &mut dyn FnMut(&mut StopSeen) -> Result<(), Fault>| population(&mut stop);
    let assigned = || world.assign(seed);
    let played = match (rule, compiled) {
        (None, Some(compiled)) => {
            let mut population = States::new(&compiled.tables, compiled.states(world, replica), compiled.committed(world));
            go(&mut |stop| fast::play(&mut population, &run, 0, until, stop, replica, sink).map(drop))
        }
        (Some(rule), _) => {
            let assigned = assigned();
            let begin = world.begin(seed, &assigned);
            // What an agent knows at first, and whether it is committed to it.
            let agents = assigned.iter().enumerate().map(|(agent, &kind)| match world.committed_to(kind) {
                Some(name) => (Some(name), true),
                None => (begin.known(agent), false),
            });
            match rule.pool {
                Some(2) => {
                    let bits = agents.map(|(name, committed)| (name.map_or(0, |name| 1 << name), committed));
                    let mut population = TwoNames::new(rule, bits);
                    go(&mut |stop| fast::play(&mut population, &run, 0, until, stop, replica, sink).map(drop))
                }
                Some(pool) if pool <= WORDS_MAX => {
                    let bits = agents.map(|(name, committed)| (name.map_or(0, |name| 1 << name), committed));
                    let mut population = WordSets::new(rule, pool, bits);
                    go(&mut |stop| fast::play(&mut population, &run, 0, until, stop, replica, sink).map(drop))
                }
                _ => {
                    let known = agents.map(|(name, committed)| (Inventory(name.into_iter().collect()), committed));
                    let mut population = fast::Inventories::new(rule, known);
                    if world.counts_words() {
                        population = population.counting();
                    }
                    go(&mut |stop| fast::play(&mut population, &run, 0, until, stop, replica, sink).map(drop))
                }
            }
        }
        (None, None) => unreachable!("returned above"),
    };
    Some(played.and_then(|()| sink.end(replica)))
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
    // Where all play at once, a round is a block, and a block is one wave: everyone decides by what was so before it.
    let at_once = world.pairing() == Pairing::AllAtOnce;
    let block = if at_once { world.size as usize } else { block };
    let mut people = world.people(replicas);
    let mut playing: Vec<Playing> = (0..)
        .zip(replicas)
        .map(|(i, &replica)| {
            let seed = world.seed(replica);
            let (network, stop) = (world.network(seed)?, world.stop(replica));
            Ok(Playing { replica, seed, network, stop, first: i * world.size, pairs: Pairs::of(world) })
        })
        .collect::<Result<_, Fault>>()?;
    let mut depth = vec![0; world.size as usize];
    let (mut seats, mut wave_of) = (Vec::new(), Vec::new());
    let (mut asks, mut answers, mut news, mut open) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut start = 0;
    while !playing.is_empty() {
        // Every hand of the block, replica by replica, and the waves that all replicas share.
        let mut hands: Vec<Hand> = Vec::with_capacity(playing.len() * block);
        let mut owner: Vec<u32> = Vec::with_capacity(playing.len() * block);
        let mut shared: Vec<Vec<u32>> = Vec::new();
        for (p, one) in playing.iter_mut().enumerate() {
            let end = (start + block as u64).min(one.stop.most());
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
    Ok(())
}
