//! The loop: interactions in waves, questions to cohorts, events in order.

use crate::agent::{Ask, Fault, News};
use crate::compiled::Scratch;
use crate::event::Event;
use crate::game::{Answer, Hand, decision_draw};
use crate::stop::StopSeen;
use crate::world::{CompiledWorld, World};
use crate::{AgentId, NOBODY, Network, Seed, pairing, waves};
use std::sync::Arc;

/// Where events go: a file, a measure, a progress bar, a test.
pub trait Sink {
    /// Takes a replica's next events, in their order.
    fn take(&mut self, replica: u64, events: &[Event]) -> Result<(), Fault>;

    /// Is told that a replica is over.
    fn end(&mut self, replica: u64) -> Result<(), Fault>;
}

/// How to play. Neither choice changes a run, only its speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Flat tables where the agents allow it, the plain path elsewhere.
    Fastest,
    /// Waves and cohorts, `block` interactions of each replica at a time.
    Plain { block: usize },
}

/// Plays replicas of one world to their end. Each replica's events reach the sink in their order.
pub fn run(world: &World, replicas: &[u64], engine: Engine, sink: &mut dyn Sink) -> Result<(), Fault> {
    match engine {
        Engine::Fastest => match world.compiled() {
            Some(compiled) => replicas.iter().try_for_each(|&replica| run_compiled(world, compiled, replica, sink)),
            None => run_plain(world, replicas, world.size.clamp(64, 4096) as usize, sink),
        },
        Engine::Plain { block } => run_plain(world, replicas, block.max(1), sink),
    }
}

const COMPILED_BLOCK: usize = 256;

fn run_compiled(world: &World, compiled: &CompiledWorld, replica: u64, sink: &mut dyn Sink) -> Result<(), Fault> {
    let seed = world.seed(replica);
    let network = world.network(seed)?;
    let mut states = compiled.states(world, replica);
    let mut stop = world.stop(replica);
    let mut scratch = Scratch::default();
    let blank = Event { t: 0, agents: [0; 2], names: [None; 2], success: None, invalid: [0; 2] };
    let mut events = [blank; COMPILED_BLOCK];
    let mut t = 0;
    loop {
        let n = COMPILED_BLOCK.min((stop.most() - t) as usize);
        let block = &mut events[..n];
        match world.complete {
            true => compiled.tables.play_complete(seed, t, &mut states, &mut scratch, block),
            false => compiled.tables.play(seed, &*network, t, &mut states, &mut scratch, block),
        }
        let last = block.iter().position(|event| stop.see(event));
        sink.take(replica, &block[..last.map_or(n, |last| last + 1)])?;
        if last.is_some() {
            return sink.end(replica);
        }
        t += n as u64;
    }
}

/// A replica that is still being played.
struct Playing {
    replica: u64,
    seed: Seed,
    network: Arc<dyn Network>,
    stop: StopSeen,
    /// The number of its first agent among all people.
    first: AgentId,
}

fn run_plain(world: &World, replicas: &[u64], block: usize, sink: &mut dyn Sink) -> Result<(), Fault> {
    let mut people = world.people(replicas);
    let mut playing: Vec<Playing> = (0..)
        .zip(replicas)
        .map(|(i, &replica)| {
            let seed = world.seed(replica);
            Ok(Playing { replica, seed, network: world.network(seed)?, stop: world.stop(replica), first: i * world.size })
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
        for (p, one) in playing.iter().enumerate() {
            let end = (start + block as u64).min(one.stop.most());
            seats.clear();
            seats.extend((start..end).map(|t| seat(world, &*one.network, one.seed, t)));
            waves::cut(&seats, &mut depth, &mut wave_of);
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
                        draw: decision_draw(one.seed, hand.t, question.seat),
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

pub(crate) fn seat(world: &World, network: &dyn Network, seed: Seed, t: u64) -> [AgentId; 2] {
    match world.game.alone() {
        true => pairing::agent_alone(seed, t, network),
        false => world.game.seat(pairing::agent_then_neighbour(seed, t, network)),
    }
}
