//! One file for each measure, one line here. What is said of a single run at its end stands in
//! `outcome.rs`, and what is said over runs in `summary.rs`.

use crate::event::Event;
use crate::event::block::Block;
use crate::event::tally::Tally;
use crate::fault::Fault;
use crate::kept::{self, Keep, Keeper};
use crate::watch::measure::{Measure, MeasureEntry, Reading, RunContext};
use smol_str::SmolStr;

mod answer;
mod categories;
mod distinct_names;
mod first_choice;
mod held_share;
pub(crate) mod invalid_share;
mod mean_amount;
mod mean_pay;
mod minority_share;
mod name_share;
mod reaction;
mod success_rate;
mod void_share;
mod words;

/// All measures, in the order in which a round's readings are written.
pub const ALL: &[MeasureEntry] = &[
    success_rate::ENTRY,
    name_share::ENTRY,
    distinct_names::ENTRY,
    void_share::ENTRY,
    invalid_share::ENTRY,
    minority_share::ENTRY,
    first_choice::ENTRY,
    reaction::ENTRY,
    answer::ENTRY,
    words::ENTRY,
    held_share::ENTRY,
    categories::ENTRY,
    mean_pay::ENTRY,
    mean_amount::ENTRY,
];

impl Keep for Measures {
    fn keep(&self, out: &mut Keeper<'_>) {
        kept::keep(&self.seen, out);
        self.all.iter().for_each(|measure| measure.keep(out));
    }

    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Fault> {
        self.seen = kept::take(from)?;
        self.all.iter_mut().try_for_each(|measure| measure.restore(from))
    }
}

/// All measures of one run at once: cuts the events into population rounds.
pub struct Measures {
    /// Interactions in a population round; none where an agent is asked alone.
    size: Option<u64>,
    seen: u64,
    all: Vec<Box<dyn Measure>>,
}

impl Measures {
    /// Those that the context keeps and, of a run in numbers alone, those that numbers are enough for.
    pub fn new(context: &RunContext, all: &[MeasureEntry]) -> Measures {
        let kept = |entry: &&MeasureEntry| context.measures.as_ref().is_none_or(|kept| kept.iter().any(|key| key == entry.key()));
        let kept = |entry: &&MeasureEntry| kept(entry) && (entry.counts || !context.counts);
        // One that has nothing to read of this run need not see it.
        let all = all.iter().filter(kept).map(|entry| (entry.new)(context)).filter(|measure| !measure.reads().is_empty());
        let all = all.collect();
        Measures { size: (!context.alone).then_some(context.size), seen: 0, all }
    }

    /// Everything that they may read: the columns of `measures.parquet`.
    pub fn reads(&self) -> Vec<SmolStr> {
        self.all.iter().flat_map(|measure| measure.reads()).collect()
    }

    /// Takes in the next event, and reads where a population round ends with it.
    pub fn see(&mut self, event: &Event<'_>, out: &mut Vec<Reading>) {
        self.seen = event.t + 1;
        for measure in &mut self.all {
            measure.see(event);
            if self.size.is_some_and(|size| self.seen.is_multiple_of(size)) {
                measure.round(self.seen, out);
            }
        }
    }

    /// The same for all interactions of a block.
    pub fn see_block(&mut self, block: &Block, out: &mut Vec<Reading>) {
        let mut from = block.first;
        while from < block.n {
            let to = match self.size {
                Some(size) => block.n.min(((block.start + from as u64 + 1).next_multiple_of(size) - block.start) as usize),
                None => block.n,
            };
            self.seen = block.start + to as u64;
            for measure in &mut self.all {
                measure.see_block(block, from, to);
                if self.size.is_some_and(|size| self.seen.is_multiple_of(size)) {
                    measure.round(self.seen, out);
                }
            }
            from = to;
        }
    }

    /// The same for a stretch that ends with a population round or the run.
    pub fn see_tally(&mut self, tally: &Tally, out: &mut Vec<Reading>) {
        self.seen = tally.end;
        for measure in &mut self.all {
            measure.see_tally(tally);
            if self.size.is_some_and(|size| self.seen.is_multiple_of(size)) {
                measure.round(self.seen, out);
            }
        }
    }

    /// Reads what is left at the end of the run, a round that was cut short included.
    pub fn end(&mut self, out: &mut Vec<Reading>) {
        for measure in &mut self.all {
            if self.size.is_some_and(|size| !self.seen.is_multiple_of(size)) {
                measure.round(self.seen, out);
            }
            measure.end(self.seen, out);
        }
    }
}
