//! The pairs of a run, worked out some blocks ahead of their turn. On a network of flat rows a pair takes three steps
//! through memory (where an agent's neighbours stand, which one it is, what both know), and each step of a block is taken
//! while the step after it is still on its way.

use super::draws;
use super::population::Run;
use crate::event::block::BLOCK;
use crate::meeting::network::Rows;
use crate::meeting::pairs::{Matching, Pairing, split};
use crate::{AgentId, machine};

/// How many blocks are under way on a network of flat rows.
const STEPS: usize = 3;

pub(super) struct Ahead<'a> {
    run: &'a Run<'a>,
    way: Way<'a>,
    /// The block whose first step is next.
    start: u64,
    /// The pairs of the block to be played next, and of the one after it.
    next: [[[AgentId; 2]; BLOCK]; 2],
    bits: [u64; BLOCK],
}

enum Way<'a> {
    Complete,
    Rows { rows: Rows<'a>, under_way: Box<[UnderWay; STEPS]> },
    Matching(Matching),
    Any,
}

/// A block on its way through the rows of a network.
#[derive(Clone, Copy)]
struct UnderWay {
    first: [AgentId; BLOCK],
    rest: [u64; BLOCK],
    at: [u32; BLOCK],
}

impl<'a> Ahead<'a> {
    pub fn new(run: &'a Run<'a>, start: u64) -> Ahead<'a> {
        let blank = UnderWay { first: [0; BLOCK], rest: [0; BLOCK], at: [0; BLOCK] };
        let way = match (run.pairing, run.network.rows()) {
            (Pairing::RandomMatching, _) => Way::Matching(Matching::default()),
            _ if run.complete => Way::Complete,
            (Pairing::AgentThenNeighbour | Pairing::NeighbourThenAgent, Some(rows)) => {
                Way::Rows { rows, under_way: Box::new([blank; STEPS]) }
            }
            _ => Way::Any,
        };
        let mut ahead = Ahead { run, way, start, next: [[[0; 2]; BLOCK]; 2], bits: [0; BLOCK] };
        // What is under way is empty at first; as many steps fill it.
        let steps = if matches!(ahead.way, Way::Rows { .. }) { STEPS + 2 } else { 2 };
        (0..steps).for_each(|_| ahead.step());
        ahead
    }

    /// The pairs of the block whose turn it is.
    #[inline(always)]
    pub fn advance(&mut self, out: &mut [[AgentId; 2]; BLOCK]) {
        *out = self.next[0];
        self.step();
    }

    /// The pairs of the block after it.
    #[inline(always)]
    pub fn next(&self) -> &[[AgentId; 2]; BLOCK] {
        &self.next[0]
    }

    #[inline(always)]
    fn step(&mut self) {
        let Run { seed, network, pairing, .. } = *self.run;
        self.next[0] = self.next[1];
        let out = &mut self.next[1];
        if !matches!(self.way, Way::Matching(_)) {
            draws::pairs(seed, self.start, &mut self.bits);
        }
        match &mut self.way {
            Way::Complete => {
                let n = network.len();
                for (pair, &bits) in out.iter_mut().zip(&self.bits) {
                    let (first, rest) = split(bits, n);
                    let (other, _) = split(rest, n - 1);
                    *pair = [first, other + AgentId::from(other >= first)];
                }
                if pairing == Pairing::NeighbourThenAgent {
                    for pair in out {
                        *pair = [pair[1], pair[0]];
                    }
                }
            }
            Way::Rows { rows, under_way } => {
                let reverse = pairing == Pairing::NeighbourThenAgent;
                let n = network.len();
                // The last step of the oldest block: who the neighbours are.
                let [newest, middle, oldest] = &mut **under_way;
                for (i, pair) in out.iter_mut().enumerate() {
                    let (first, second) = (oldest.first[i], rows.neighbours[oldest.at[i] as usize]);
                    *pair = if reverse { [second, first] } else { [first, second] };
                }
                // Where they stand.
                for i in 0..BLOCK {
                    let start = rows.starts[middle.first[i] as usize];
                    let degree = rows.starts[middle.first[i] as usize + 1] - start;
                    middle.at[i] = start + split(middle.rest[i], degree).0;
                    machine::prefetch(rows.neighbours, middle.at[i] as usize);
                }
                *oldest = *middle;
                *middle = *newest;
                for i in 0..BLOCK {
                    let (first, rest) = split(self.bits[i], n);
                    (newest.first[i], newest.rest[i]) = (first, rest);
                    machine::prefetch(rows.starts, first as usize);
                }
            }
            Way::Matching(matching) => {
                (self.start..).zip(out).for_each(|(t, pair)| *pair = matching.draw(seed, t, network.len()));
            }
            Way::Any => out.iter_mut().zip(&self.bits).for_each(|(pair, &bits)| *pair = pairing.draw(bits, network)),
        }
        self.start += BLOCK as u64;
    }
}
