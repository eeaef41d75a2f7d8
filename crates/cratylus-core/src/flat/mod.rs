//! The fast path: populations in flat memory that play blocks of 64 interactions.
//!
//! Who meets whom does not depend on what agents know, so the pairs of the next block are known while this one is
//! played, and the memory of its agents is on its way (look-ahead prefetch). What is absent: any choice that the plain
//! path would not make. The same draws fall on the same thresholds, and property tests say so, event for event.

mod ahead;
pub mod counts;
mod draws;
mod inventories;
mod population;
mod signals;
mod symbols;
mod tables;
pub(crate) mod two_names;
mod windows;
mod word_sets;

pub(crate) use inventories::InventoryLines;
pub(crate) use population::Run;
pub(crate) use signals::play as play_signals;
pub(crate) use symbols::{SignsRun, play as play_symbols};
pub(crate) use tables::States;
pub use tables::{Compiled, Tables};
pub(crate) use two_names::TwoNames;
pub use windows::WindowKinds;
pub(crate) use windows::WindowStates;
pub(crate) use word_sets::WordSets;

use crate::event::block::{BLOCK, Block};
use crate::event::sink::Sink;
use crate::fault::Fault;
use crate::watch::stop::StopSeen;
use crate::{Seed, machine};
use ahead::Ahead;
use population::FlatPopulation;

/// Plays interactions `t..until` of a run, or up to the stop; says whether it stopped. `t` is a multiple of [`BLOCK`] or
/// `until` comes before the block's end.
pub(crate) fn play(
    population: &mut impl FlatPopulation,
    run: &Run<'_>,
    from: u64,
    until: u64,
    stop: &mut StopSeen,
    replica: u64,
    sink: &mut dyn Sink,
) -> Result<bool, Fault> {
    let mut ahead = Ahead::new(run, from / BLOCK as u64 * BLOCK as u64);
    let mut draws = [[0; BLOCK]; 2];
    let mut block = Block::default();
    if run.words {
        (block.words, block.different) = (Some(Box::new([0; BLOCK])), Some(Box::new([0; BLOCK])));
    }
    let mut t = from;
    while t < until {
        let start = t / BLOCK as u64 * BLOCK as u64;
        block.first = (t - start) as usize;
        block.start = start;
        block.n = BLOCK.min((until - start) as usize);
        machine::wide(Step { population, ahead: &mut ahead, draws: &mut draws, block: &mut block, seed: run.seed });
        let over = stop.see_block(&block);
        if let Some(n) = over {
            block.n = n;
        }
        sink.block(replica, &block)?;
        if over.is_some() {
            return Ok(true);
        }
        t = start + block.n as u64;
    }
    Ok(false)
}

/// One block.
struct Step<'a, 'r, P: FlatPopulation> {
    population: &'a mut P,
    ahead: &'a mut Ahead<'r>,
    draws: &'a mut [[u32; BLOCK]; 2],
    block: &'a mut Block,
    seed: Seed,
}

impl<P: FlatPopulation> machine::Work for Step<'_, '_, P> {
    #[inline(always)]
    fn go(self) {
        let Step { population, ahead, draws, block, seed } = self;
        ahead.advance(&mut block.pairs);
        draws::decisions(seed, 0, block.start, &mut draws[0]);
        if population.both_draw() {
            draws::decisions(seed, 1, block.start, &mut draws[1]);
        }
        population.play(block, draws, ahead.next());
    }
}
