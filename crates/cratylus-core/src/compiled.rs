//! The fast path: agents with a bounded memory of two names, as flat tables.
//!
//! Two names and a memory of H rounds make (4^(H+1) - 1) / 3 windows, so a policy is a table with one
//! line for each: when to choose the first name, and the window that follows each of the four outcomes. A
//! population is an array of two-byte states, and an interaction a few loads. Kinds of agents stand one
//! after another in one table, committed agents as a single line. What is absent: any choice that the
//! plain path would not make. The same draws fall on the same thresholds, and a property test says so.

use crate::AgentId;
use crate::event::Event;
use crate::network::Network;
use crate::seed::{Purpose, Seed, philox, scale};
use crate::window::{Policy, Round, thresholds};

/// One window: 16 bytes, so that a line never crosses a cache line.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
struct Line {
    /// The first name is chosen by draws below this.
    end: u64,
    /// The window after own and partner's choice, at own * 2 + partner.
    next: [u16; 4],
}

/// The tables of all kinds of agents in a population, end to end.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    lines: Vec<Line>,
}

/// Where a kind's windows stand in the tables, and how long they can be.
#[derive(Clone, Copy, Debug)]
pub struct Compiled {
    base: usize,
    depth: usize,
}

impl Tables {
    /// Adds a policy over two names. None if the states no longer fit in two bytes.
    pub fn add(&mut self, policy: &dyn Policy, memory: usize) -> Option<Compiled> {
        let depth = policy.depth(memory);
        let base = self.lines.len();
        if depth > 7 || base + windows_up_to(depth) > 1 << 16 {
            return None;
        }
        let mut window: Vec<Round> = Vec::with_capacity(depth);
        let (mut p, mut ends) = ([0.0; 2], Vec::new());
        for len in 0..=depth {
            for code in 0..1usize << (2 * len) {
                window.clear();
                window.extend((0..len).rev().map(|lag| {
                    let digit = code >> (2 * lag) & 3;
                    [(digit >> 1) as u16, (digit & 1) as u16]
                }));
                policy.distribution(&window, &mut p);
                thresholds(&p, &mut ends);
                let next = [0, 1, 2, 3].map(|digit| {
                    let longer = (code << 2 | digit) & ((1 << (2 * depth.min(len + 1))) - 1);
                    (base + shorter_than(depth.min(len + 1)) + longer) as u16
                });
                self.lines.push(Line { end: ends[0], next });
            }
        }
        Some(Compiled { base, depth })
    }

    /// The state of an agent of a kind with a given window.
    pub fn state(&self, kind: Compiled, window: &[Round]) -> u16 {
        let kept = &window[window.len().saturating_sub(kind.depth)..];
        let code = kept.iter().fold(0, |code, [own, partner]| code << 2 | usize::from(own << 1 | partner));
        (kind.base + shorter_than(kept.len()) + code) as u16
    }

    /// Plays interactions `start..start + out.len()` of one run, and writes their events.
    #[inline]
    pub fn play(
        &self,
        seed: Seed,
        network: &dyn Network,
        start: u64,
        states: &mut [u16],
        scratch: &mut Scratch,
        out: &mut [Event],
    ) {
        scratch.draw(seed, start, out.len());
        let n = network.len();
        for (i, event) in out.iter_mut().enumerate() {
            let first = scale(scratch.first(i), u64::from(n)) as AgentId;
            let degree = network.degree(first);
            let second = network.neighbour(first, scale(scratch.second(i), u64::from(degree)) as u32);
            *event = self.meet(states, start + i as u64, [first, second], scratch.decide(i));
        }
    }

    /// [`Tables::play`] for the complete graph, with the neighbour worked out in place.
    #[inline]
    pub fn play_complete(&self, seed: Seed, start: u64, states: &mut [u16], scratch: &mut Scratch, out: &mut [Event]) {
        scratch.draw(seed, start, out.len());
        let n = states.len() as u64;
        for (i, event) in out.iter_mut().enumerate() {
            let first = scale(scratch.first(i), n) as AgentId;
            let other = scale(scratch.second(i), n - 1) as AgentId;
            let second = other + AgentId::from(other >= first);
            *event = self.meet(states, start + i as u64, [first, second], scratch.decide(i));
        }
    }

    #[inline(always)]
    fn meet(&self, states: &mut [u16], t: u64, agents: [AgentId; 2], draws: [u32; 2]) -> Event {
        let [a, b] = agents.map(|agent| agent as usize);
        let (line_a, line_b) = (self.lines[states[a] as usize], self.lines[states[b] as usize]);
        let name_a = u32::from(u64::from(draws[0]) >= line_a.end);
        let name_b = u32::from(u64::from(draws[1]) >= line_b.end);
        states[a] = line_a.next[(name_a << 1 | name_b) as usize];
        states[b] = line_b.next[(name_b << 1 | name_a) as usize];
        Event { t, agents, names: [Some(name_a), Some(name_b)], success: Some(name_a == name_b), invalid: [0; 2] }
    }
}

/// The draws of a stretch of interactions, made all at once so that the generator's rounds overlap.
#[derive(Default)]
pub struct Scratch {
    pair: Vec<[u32; 4]>,
    decide: Vec<[u32; 4]>,
}

/// How many blocks of the generator are worked on side by side.
const LANES: usize = 8;

impl Scratch {
    fn draw(&mut self, seed: Seed, start: u64, n: usize) {
        fill(seed, Purpose::Pair, start, n, &mut self.pair);
        fill(seed, Purpose::Decide, start, n, &mut self.decide);
    }

    #[inline(always)]
    fn first(&self, i: usize) -> u64 {
        u64::from(self.pair[i][0]) | u64::from(self.pair[i][1]) << 32
    }

    #[inline(always)]
    fn second(&self, i: usize) -> u64 {
        u64::from(self.pair[i][2]) | u64::from(self.pair[i][3]) << 32
    }

    #[inline(always)]
    fn decide(&self, i: usize) -> [u32; 2] {
        [self.decide[i][0], self.decide[i][1]]
    }
}

/// The words of `n` interactions from `start` on: what [`Seed::words`] gives for each.
fn fill(seed: Seed, purpose: Purpose, start: u64, n: usize, out: &mut Vec<[u32; 4]>) {
    out.resize(n.next_multiple_of(LANES), [0; 4]);
    let key = [seed.0 as u32, (seed.0 >> 32) as u32];
    for (i, lanes) in out.chunks_exact_mut(LANES).enumerate() {
        let t = start + (i * LANES) as u64;
        for (lane, words) in lanes.iter_mut().enumerate() {
            let t = t + lane as u64;
            *words = philox([t as u32, (t >> 32) as u32, purpose as u32, 0], key);
        }
    }
}

/// The number of windows shorter than `len` rounds.
fn shorter_than(len: usize) -> usize {
    ((1 << (2 * len)) - 1) / 3
}

fn windows_up_to(depth: usize) -> usize {
    shorter_than(depth + 1)
}
