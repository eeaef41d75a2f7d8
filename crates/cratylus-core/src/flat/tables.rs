//! Agents with a bounded memory of two names, as flat tables.
//!
//! Two names and a memory of H rounds make (4^(H+1) - 1) / 3 windows (2^(H+1) - 1 for a policy that heeds its partners
//! alone), so a policy is a table with one line for each: when to choose the first name, and the window that follows each of the four outcomes. A
//! population is an array of two-byte states, and an interaction a few loads. Kinds of agents stand one
//! after another in one table, committed agents as a single line each at its end.

use super::population::FlatPopulation;
use crate::event::block::{BLOCK, Block, Names};
use crate::fault::Fault;
use crate::flat::counts::Change;
use crate::kept::{self, Keep, Keeper};
use crate::policy::{Policy, Round, thresholds};
use crate::{AgentId, machine};

/// One window: 16 bytes, so that a line never crosses a cache line.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
struct Line {
    /// The first name is chosen by draws below this.
    end: u64,
    /// The window after own and partner's choice, 16 bits each, at own * 2 + partner: one load brings all of them, and a
    /// shift is sooner done than a second load.
    next: u64,
}

impl Line {
    #[inline(always)]
    fn next(&self, own: usize, partner: usize) -> u16 {
        (self.next >> (16 * (own << 1 | partner))) as u16
    }
}

/// The tables of all kinds of agents in a population, end to end.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    lines: Vec<Line>,
}

/// Where a kind's windows stand in the tables, how long they can be, and how many bits of a round they hold: own and
/// partner's choice, or the partner's alone where a policy heeds nothing else.
#[derive(Clone, Copy, Debug)]
pub struct Compiled {
    base: usize,
    depth: usize,
    bits: usize,
}

impl Compiled {
    /// The number of windows shorter than `len` rounds.
    fn shorter_than(&self, len: usize) -> usize {
        if self.bits == 1 { (1 << len) - 1 } else { ((1 << (2 * len)) - 1) / 3 }
    }

    fn code(&self, window: &[Round]) -> usize {
        let round = |[own, partner]: &Round| if self.bits == 1 { *partner } else { own << 1 | partner };
        window.iter().fold(0, |code, seen| code << self.bits | usize::from(round(seen)))
    }
}

impl Tables {
    /// Adds a policy over two names; `whole` where states must hold all that is remembered, looked at or not. None if the
    /// states no longer fit in two bytes.
    pub fn add(&mut self, policy: &dyn Policy, memory: usize, whole: bool) -> Option<Compiled> {
        let looked_at = policy.depth(memory);
        let kind = Compiled {
            base: self.lines.len(),
            depth: if whole { memory } else { looked_at },
            bits: if whole || policy.heeds_itself() { 2 } else { 1 },
        };
        let Compiled { base, depth, bits } = kind;
        if depth * bits > 15 || base + kind.shorter_than(depth + 1) > 1 << 16 {
            return None;
        }
        let mut window: Vec<Round> = Vec::with_capacity(depth);
        let (mut p, mut ends) = ([0.0; 2], Vec::new());
        for len in 0..=depth {
            for code in 0..1usize << (bits * len) {
                window.clear();
                window.extend((0..len).rev().map(|lag| {
                    let digit = code >> (bits * lag) & ((1 << bits) - 1);
                    [(digit >> 1) as u16, (digit & 1) as u16]
                }));
                policy.distribution(&window[len.saturating_sub(looked_at)..], &mut p);
                thresholds(&p, &mut ends);
                let next = [0, 1, 2, 3].map(|digit| {
                    let digit = digit & ((1 << bits) - 1);
                    let longer = (code << bits | digit) & ((1 << (bits * depth.min(len + 1))) - 1);
                    (base + kind.shorter_than(depth.min(len + 1)) + longer) as u16
                });
                let next = next.iter().rev().fold(0, |all, &next: &u16| all << 16 | u64::from(next));
                self.lines.push(Line { end: ends[0], next });
            }
        }
        Some(kind)
    }

    /// All that can come of a meeting of agents in two states.
    pub(crate) fn changes(&self, a: usize, b: usize) -> Vec<Change> {
        let [first, second] = [&self.lines[a], &self.lines[b]];
        let says = |line: &Line, name: usize| {
            let p = line.end as f64 / 4_294_967_296.0;
            if name == 0 { p } else { 1.0 - p }
        };
        let of = |(own, other): (usize, usize)| Change {
            probability: says(first, own) * says(second, other),
            states: [first.next(own, other), second.next(other, own)],
            names: [Some(own as u16), Some(other as u16)],
            success: own == other,
        };
        [(0, 0), (0, 1), (1, 0), (1, 1)].map(of).into_iter().filter(|change| change.probability > 0.0).collect()
    }

    /// Where the next kind's windows would stand.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether no kind was compiled yet.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The window of an agent of a kind in a state, of tables that hold whole ones.
    pub fn window(&self, kind: Compiled, state: u16) -> Vec<Round> {
        let place = usize::from(state) - kind.base;
        let len = (0..=kind.depth).rev().find(|&len| kind.shorter_than(len) <= place).unwrap_or(0);
        let code = place - kind.shorter_than(len);
        let round = |lag: usize| code >> (kind.bits * lag) & 3;
        (0..len).rev().map(|lag| [(round(lag) >> 1) as u16, (round(lag) & 1) as u16]).collect()
    }

    /// The state of an agent of a kind with a given window.
    pub fn state(&self, kind: Compiled, window: &[Round]) -> u16 {
        let kept = &window[window.len().saturating_sub(kind.depth)..];
        (kind.base + kind.shorter_than(kept.len()) + kind.code(kept)) as u16
    }
}

/// A population of such agents.
pub(crate) struct States<'a> {
    tables: &'a Tables,
    states: Vec<u16>,
    /// States from here on are those of committed agents.
    committed: usize,
    far: bool,
}

/// Populations of so many bytes leave the nearest caches, so that asking ahead for their memory pays.
pub(super) const FAR: usize = 32 << 10;

impl Keep for States<'_> {
    fn keep(&self, out: &mut Keeper<'_>) {
        kept::keep_all(self.states.len(), self.states.iter().copied(), out);
    }

    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Fault> {
        kept::take_into(&mut self.states, from)
    }
}

impl<'a> States<'a> {
    /// `committed` is where the states of committed agents begin in the tables.
    pub fn new(tables: &'a Tables, states: Vec<u16>, committed: usize) -> States<'a> {
        let far = states.len() * 2 > FAR;
        States { tables, states, committed, far }
    }

    pub fn states(&self) -> &[u16] {
        &self.states
    }

    #[inline(always)]
    fn play_all<const FAR: bool, const COMMITTED: bool>(
        &mut self,
        block: &mut Block,
        draws: &[[u32; BLOCK]; 2],
        next: &[[AgentId; 2]; BLOCK],
    ) {
        let lines = &self.tables.lines[..];
        let states = &mut self.states[..];
        let mut said = [[0u8; BLOCK]; 2];
        let mut committed = [0; 2];
        for i in block.first..block.n {
            if FAR {
                for agent in next[i] {
                    machine::prefetch(states, agent as usize);
                }
            }
            let (a, b) = (block.pairs[i][0] as usize, block.pairs[i][1] as usize);
            let (state_a, state_b) = (states[a], states[b]);
            let (line_a, line_b) = (&lines[state_a as usize], &lines[state_b as usize]);
            let name_a = usize::from(u64::from(draws[0][i]) >= line_a.end);
            let name_b = usize::from(u64::from(draws[1][i]) >= line_b.end);
            states[a] = line_a.next(name_a, name_b);
            states[b] = line_b.next(name_b, name_a);
            (said[0][i], said[1][i]) = (name_a as u8, name_b as u8);
            if COMMITTED {
                committed[0] |= u64::from(usize::from(state_a) >= self.committed) << i;
                committed[1] |= u64::from(usize::from(state_b) >= self.committed) << i;
            }
        }
        let bits = [gather(&said[0]), gather(&said[1])];
        block.names = [Names::Bits(bits[0]), Names::Bits(bits[1])];
        block.said = [u64::MAX; 2];
        block.success = !(bits[0] ^ bits[1]);
        block.committed = committed;
    }
}

impl FlatPopulation for States<'_> {
    #[inline(always)]
    fn play(&mut self, block: &mut Block, draws: &[[u32; BLOCK]; 2], next: &[[AgentId; 2]; BLOCK]) {
        match (self.far, self.committed < self.tables.lines.len()) {
            (true, true) => self.play_all::<true, true>(block, draws, next),
            (true, false) => self.play_all::<true, false>(block, draws, next),
            (false, true) => self.play_all::<false, true>(block, draws, next),
            (false, false) => self.play_all::<false, false>(block, draws, next),
        }
    }
}

/// Sixty-four bytes of 0 or 1 as bits.
#[inline(always)]
pub(super) fn gather(bytes: &[u8; BLOCK]) -> u64 {
    let mut bits = 0;
    for (i, chunk) in bytes.chunks_exact(8).enumerate() {
        let word = u64::from_le_bytes(chunk.try_into().expect("eight bytes"));
        // Each byte's lowest bit is moved to its place in the highest byte of the product.
        bits |= (word.wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * i);
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_gathered_in_their_order() {
        let mut bytes = [0; BLOCK];
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from(i % 3 == 0 || i == 62);
        }
        let due = (0..64).filter(|&i| bytes[i] == 1).fold(0u64, |bits, i| bits | 1 << i);
        assert_eq!(gather(&bytes), due);
    }
}
