//! The plain path: interactions in waves, questions to cohorts, events in order. It plays all that is no game of its own
//! kind, and is what the others are held to.

use super::engine::{Engine, EngineEntry, Play, RunBegins};
use crate::agent::{Ask, News, People};
use crate::event::Event;
use crate::event::sink::Sink;
use crate::fault::Fault;
use crate::game::{Answer, Hand};
use crate::meeting::pairs::{Pairing, Pairs};
use crate::meeting::waves;
use crate::watch::stop::StopSeen;
use crate::world::{Memories, World};
use crate::{AgentId, NOBODY, Network, Seed};
use std::sync::Arc;

pub(crate) const ENTRY: EngineEntry = EngineEntry {
    words: |_| "the plain path",
    together: Some(run),
    fits: |_, _| true,
    start: |RunBegins { world, replica, from, assigned, memories, how }| {
        let seed = world.seed(replica);
        let one = [(assigned.to_vec(), memories.unwrap_or_else(|| world.remembered(seed, assigned)))];
        let people = world.people_of(&one);
        let [(_, memories)] = one;
        Ok(Box::new(Waves { world, people, replica, from, memories, block: block(world, how) }))
    },
};

/// How many interactions of each replica are drawn at a time.
fn block(world: &World, how: Play) -> usize {
    match how {
        Play::Fastest => world.size.clamp(64, 4096) as usize,
        Play::Plain { block } => block.max(1),
    }
}

/// Plays replicas of one world to their end, in waves that they share.
fn run(world: &World, replicas: &[u64], how: Play, sink: &mut dyn Sink) -> Result<(), Fault> {
    let mut people = world.people(replicas);
    let mut stops: Vec<StopSeen> = replicas.iter().map(|&replica| world.stop(replica)).collect();
    let playing = (0..).zip(replicas).zip(&mut stops);
    let playing = playing.map(|((i, &replica), stop)| Playing::new(world, replica, i * world.size, stop));
    let ends = |replica, sink: &mut dyn Sink| sink.end(replica);
    play(world, &mut people, playing.collect::<Result<_, _>>()?, [0, u64::MAX], block(world, how), sink, ends).map(drop)
}

/// One replica.
struct Waves<'w> {
    world: &'w World,
    people: People,
    replica: u64,
    from: u64,
    /// What was remembered at the start, whose kind is that of what is remembered now.
    memories: Memories,
    block: usize,
}

impl Engine for Waves<'_> {
    fn play(&mut self, until: u64, stop: &mut StopSeen, sink: &mut dyn Sink) -> Result<bool, Fault> {
        let one = vec![Playing::new(self.world, self.replica, 0, stop)?];
        let stretch = [self.from, until];
        let left = play(self.world, &mut self.people, one, stretch, self.block, sink, |_, _| Ok(()))?;
        self.from = until;
        Ok(left.is_empty())
    }

    fn memories(mut self: Box<Self>) -> Memories {
        match &mut self.memories {
            Memories::Rounds(rounds) => *rounds = self.people.rounds(),
            Memories::Known(known) => *known = self.people.known(),
            Memories::Categories(_) => unreachable!("categories are played in turn"),
        }
        self.memories
    }
}

/// A replica that is still being played.
struct Playing<'s> {
    replica: u64,
    seed: Seed,
    network: Arc<dyn Network>,
    stop: &'s mut StopSeen,
    /// The number of its first agent among all people.
    first: AgentId,
    pairs: Pairs,
}

impl<'s> Playing<'s> {
    fn new(world: &World, replica: u64, first: AgentId, stop: &'s mut StopSeen) -> Result<Playing<'s>, Fault> {
        let seed = world.seed(replica);
        let pairs = Pairs::of(world.game.alone(), world.pairing());
        Ok(Playing { replica, seed, network: world.network(seed)?, stop, first, pairs })
    }
}

/// Plays interactions `from..until` of several replicas, and calls `ends` for those that end; gives the others.
fn play<'s>(
    world: &World,
    people: &mut People,
    mut playing: Vec<Playing<'s>>,
    [from, until]: [u64; 2],
    block: usize,
    sink: &mut dyn Sink,
    ends: impl Fn(u64, &mut dyn Sink) -> Result<(), Fault>,
) -> Result<Vec<Playing<'s>>, Fault> {
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
                ends(one.replica, sink)?;
            }
        }
        let mut ended = over.into_iter();
        playing.retain(|_| !ended.next().expect("one for each replica"));
        start += block as u64;
    }
    Ok(playing)
}
