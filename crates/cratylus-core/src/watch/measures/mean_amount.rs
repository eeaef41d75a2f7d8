//! What was given, or said as a number, on average.

use crate::event::Event;
use crate::event::block::Block;
use crate::watch::measure::{Course, Measure, MeasureEntry};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

pub const ENTRY: MeasureEntry = MeasureEntry {
    name: "mean_amount",
    words: "games with amounts, per population round: the amount that a seat gave, on average",
    new: |context| Box::new(MeanAmount { acts: context.acts, ..MeanAmount::default() }),
    counts: false,
    courses: &[Course::late("mean_amount", "amount given", false)],
};

#[derive(Default, Deserialize, Serialize)]
struct MeanAmount {
    acts: bool,
    sum: f64,
    n: u64,
}

impl Measure for MeanAmount {
    fn reads(&self) -> Vec<SmolStr> {
        self.acts.then(|| "mean_amount".into()).into_iter().collect()
    }

    fn see(&mut self, event: &Event<'_>) {
        for amount in event.moves.iter().filter_map(|one| one.said.number()) {
            self.sum += amount;
            self.n += 1;
        }
    }

    // Games that are played in blocks are of names.
    fn see_block(&mut self, _: &Block, _: usize, _: usize) {}

    fn round(&mut self, _: u64, out: &mut [f64]) {
        if self.n > 0 {
            out[0] = self.sum / self.n as f64;
        }
        *self = MeanAmount { acts: self.acts, ..MeanAmount::default() };
    }
}
