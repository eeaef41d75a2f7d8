//! One file for each measure, one line here. What is said of a single run at its end stands in
//! `outcome.rs`, and what is said over runs in `summary.rs`.

use crate::event::Event;
use crate::event::block::Block;
use crate::event::tally::Tally;
use crate::fault::Fault;
use crate::kept::{self, Keep, Keeper};
use crate::watch::measure::{Measure, MeasureEntry, RunContext};
use crate::watch::readings::Readings;
use smol_str::SmolStr;
use std::ops::Range;

mod acceptance;
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
mod posterior_distance;
mod reaction;
mod score;
mod signs;
mod success_rate;
mod understanding;
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
    understanding::ENTRY,
    score::ENTRY,
    acceptance::ENTRY,
    posterior_distance::ENTRY,
    signs::ENTRY,
];

impl Keep for Measures {
    fn keep(&self, out: &mut Keeper<'_>) {
        kept::keep(&(self.seen, &self.readings), out);
        self.all.iter().for_each(|(measure, _)| measure.keep(out));
    }

    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Fault> {
        (self.seen, self.readings) = kept::take(from)?;
        self.all.iter_mut().try_for_each(|(measure, _)| measure.restore(from))
    }
}

/// All measures of one run at once: cuts the events into population rounds.
pub struct Measures {
    /// Interactions after which there are readings; none where an agent is asked alone.
    size: Option<u64>,
    seen: u64,
    /// Each with its places in a row of readings.
    all: Vec<(Box<dyn Measure>, Range<usize>)>,
    /// What was read, until somebody takes it.
    pub readings: Readings,
}

impl Measures {
    /// Those that the context keeps and, of a run in numbers alone, those that numbers are enough for.
    pub fn new(context: &RunContext, all: &[MeasureEntry]) -> Measures {
        let kept = |entry: &&MeasureEntry| context.measures.as_ref().is_none_or(|kept| kept.iter().any(|key| key == entry.key()));
        let kept = |entry: &&MeasureEntry| kept(entry) && (entry.counts || !context.counts);
        let mut columns: Vec<SmolStr> = Vec::new();
        let mut started = Vec::new();
        for measure in all.iter().filter(kept).map(|entry| (entry.new)(context)) {
            let from = columns.len();
            columns.extend(measure.reads());
            // One that has nothing to read of this run need not see it.
            if columns.len() > from {
                started.push((measure, from..columns.len()));
            }
        }
        let readings = Readings::new(columns.into());
        Measures { size: (!context.alone).then_some(context.round.unwrap_or(context.size)), seen: 0, all: started, readings }
    }

    /// Everything that they may read: the columns of `measures.parquet`.
    pub fn reads(&self) -> &[SmolStr] {
        self.readings.columns()
    }

    /// Reads where a population round ends here.
    fn round(&mut self) {
        if self.size.is_some_and(|size| self.seen.is_multiple_of(size)) {
            self.read();
        }
    }

    fn read(&mut self) {
        let row = self.readings.row(self.seen);
        self.all.iter_mut().for_each(|(measure, places)| measure.round(self.seen, &mut row[places.clone()]));
        self.readings.settle();
    }

    /// Takes in the next event, and reads where a population round ends with it.
    pub fn see(&mut self, event: &Event<'_>) {
        self.seen = event.t + 1;
        self.all.iter_mut().for_each(|(measure, _)| measure.see(event));
        self.round();
    }

    /// The same for all interactions of a block.
    pub fn see_block(&mut self, block: &Block) {
        let mut from = block.first;
        while from < block.n {
            let to = match self.size {
                Some(size) => block.n.min(((block.start + from as u64 + 1).next_multiple_of(size) - block.start) as usize),
                None => block.n,
            };
            self.seen = block.start + to as u64;
            self.all.iter_mut().for_each(|(measure, _)| measure.see_block(block, from, to));
            self.round();
            from = to;
        }
    }

    /// The same for a stretch that ends with a population round or the run.
    pub fn see_tally(&mut self, tally: &Tally) {
        self.seen = tally.end;
        self.all.iter_mut().for_each(|(measure, _)| measure.see_tally(tally));
        self.round();
    }

    /// Reads what is left at the end of the run, a round that was cut short included.
    pub fn end(&mut self) {
        if self.size.is_some_and(|size| !self.seen.is_multiple_of(size)) {
            self.read();
        }
        let row = self.readings.row(self.seen);
        self.all.iter_mut().for_each(|(measure, places)| measure.end(self.seen, &mut row[places.clone()]));
        self.readings.settle();
    }
}
