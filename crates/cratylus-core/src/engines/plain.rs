//! The plain path: interactions in waves, questions to cohorts, events in order. It plays everything, and is what the others
//! are held to. Games and meetings that go one after the other are played so (`in_turn.rs`).

use super::engine::{Engine, EngineEntry, Play, RunBegins};
use super::table::Table;
use crate::AgentId;
use crate::agent::{Answers, Ask, Mind, News, People};
use crate::event::batch::Batch;
use crate::event::sink::Sink;
use crate::fault::Fault;
use crate::game::{Hand, Question};
use crate::kept::{self, Keeper};
use crate::meeting::pairs::Pairing;
use crate::meeting::waves;
use crate::watch::stop::StopSeen;
use crate::world::World;
use std::sync::Arc;

pub(crate) const ENTRY: EngineEntry = EngineEntry {
    words: |_| "the plain path",
    together: Some(run),
    fits: |_, _| true,
    start: |RunBegins { world, replica, from, assigned, minds, how }| {
        let seed = world.seed(replica);
        let minds = minds.unwrap_or_else(|| world.minds(seed, &assigned));
        let people = world.people_of(&[(assigned.to_vec(), minds)]);
        Ok(Box::new(Waves { world, people, assigned, replica, from, how }))
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
    let playing = playing.map(|((i, &replica), stop)| Playing::new(world, replica, i * world.size, stop, &people, how));
    let playing = playing.collect::<Result<_, _>>()?;
    let ends = |replica, sink: &mut dyn Sink| sink.end(replica);
    play(world, &mut people, playing, [0, u64::MAX], block(world, how), sink, ends).map(drop)
}

/// One replica.
struct Waves<'w> {
    world: &'w World,
    assigned: Arc<[u16]>,
    people: People,
    replica: u64,
    from: u64,
    how: Play,
}

impl Engine for Waves<'_> {
    fn play(&mut self, until: u64, stop: &mut StopSeen, sink: &mut dyn Sink) -> Result<bool, Fault> {
        let one = vec![Playing::new(self.world, self.replica, 0, stop, &self.people, self.how)?];
        let (stretch, block) = ([self.from, until], block(self.world, self.how));
        let left = play(self.world, &mut self.people, one, stretch, block, sink, |_, _| Ok(()))?;
        self.from = until;
        Ok(left.is_empty())
    }

    fn minds(&self) -> Vec<Mind> {
        self.people.minds()
    }

    fn keep(&self, out: &mut Keeper<'_>) {
        kept::keep(&self.minds(), out);
    }

    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Fault> {
        self.people = self.world.people_of(&[(self.assigned.to_vec(), kept::take(from)?)]);
        Ok(())
    }
}

/// A replica that is still being played.
struct Playing<'s> {
    replica: u64,
    stop: &'s mut StopSeen,
    /// The number of its first agent among all people.
    first: AgentId,
    table: Table,
    /// What waits for the sink.
    events: Batch,
}

impl<'s> Playing<'s> {
    fn new(
        world: &World,
        replica: u64,
        first: AgentId,
        stop: &'s mut StopSeen,
        people: &People,
        how: Play,
    ) -> Result<Playing<'s>, Fault> {
        let table = Table::new(world, replica, first, people, how)?;
        Ok(Playing { replica, stop, first, table, events: Batch::new() })
    }
}

/// So many events go to the sink at a time, or a block.
const EVENTS: usize = 1024;

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
    let game = &*world.game;
    // Where all play at once, a round is a block, and a block is one wave: everyone decides by what was so before it.
    let at_once = world.pairing() == Pairing::AllAtOnce;
    let block = if at_once { world.size as usize } else { block };
    let mut depth = vec![0; world.size as usize];
    let mut wave_of = Vec::new();
    let (mut hands, mut owner): (Vec<Hand>, Vec<u32>) = (Vec::new(), Vec::new());
    let (mut answers, mut open, mut questions) = (Answers::default(), Vec::new(), Vec::new());
    let mut start = from;
    while !playing.is_empty() && start < until {
        // Every hand of the block, replica by replica, and the waves that all replicas share.
        owner.clear();
        let mut shared: Vec<Vec<u32>> = Vec::new();
        for (p, one) in playing.iter_mut().enumerate() {
            let end = (start + block as u64).min(one.stop.most()).min(until);
            let first = owner.len();
            owner.resize(first + (end - start) as usize, p as u32);
            if hands.len() < owner.len() {
                hands.resize(owner.len(), Hand::new(0, &[]));
            }
            (start..end).zip(&mut hands[first..]).for_each(|(t, hand)| one.table.deal(game, t, hand));
            waves::cut(hands[first..owner.len()].iter().map(|hand| &hand.seats[..]), &mut depth, &mut wave_of);
            if at_once {
                wave_of.fill(0);
            }
            for (h, &wave) in (first as u32..).zip(&wave_of) {
                if shared.len() <= wave as usize {
                    shared.resize_with(wave as usize + 1, Vec::new);
                }
                shared[wave as usize].push(h);
            }
        }
        for wave in &shared {
            loop {
                open.clear();
                for &h in wave {
                    game.open(&mut hands[h as usize], &mut questions);
                    open.extend(questions.drain(..).map(|question| (h as usize, question)));
                }
                if open.is_empty() {
                    break;
                }
                let ask = |&(h, question): &(usize, Question)| {
                    let (hand, one) = (&hands[h], &playing[owner[h] as usize]);
                    Ask::new(one.first + hand.seats[usize::from(question.seat)], question, hand, one.table.seed)
                };
                let asks: Vec<Ask<'_>> = open.iter().map(ask).collect();
                people.decide(&asks, &mut answers)?;
                for (i, (h, question)) in open.iter().enumerate() {
                    answers.put(i, question, 0, &mut hands[*h])?;
                }
            }
            wave.iter().for_each(|&h| game.end(&mut hands[h as usize]));
            let told = wave.iter().map(|&h| (&hands[h as usize], owner[h as usize])).filter(|(hand, _)| game.teaches(hand));
            let news = told.flat_map(|(hand, owner)| {
                let first = playing[owner as usize].first;
                let seated = (0u16..).zip(&hand.seats);
                seated.map(move |(seat, agent)| News { agent: first + agent, seat, hand })
            });
            let mut all = Vec::with_capacity(2 * wave.len());
            all.extend(news);
            people.learn(&all);
        }
        let mut over = vec![false; playing.len()];
        let mut hands = hands.iter().zip(&owner).peekable();
        for (p, one) in playing.iter_mut().enumerate() {
            while let Some((hand, _)) = hands.next_if(|&(_, &owner)| owner as usize == p) {
                if over[p] {
                    continue;
                }
                one.events.push(&hand.event());
                over[p] = one.stop.see(&hand.event());
            }
            if over[p] || one.events.len() >= EVENTS {
                sink.take(one.replica, &one.events)?;
                one.events.clear();
            }
            if over[p] {
                ends(one.replica, sink)?;
            }
        }
        let mut ended = over.into_iter();
        playing.retain(|_| !ended.next().expect("one for each replica"));
        start += block as u64;
    }
    for one in playing.iter_mut().filter(|one| !one.events.is_empty()) {
        sink.take(one.replica, &one.events)?;
        one.events.clear();
    }
    Ok(playing)
}
