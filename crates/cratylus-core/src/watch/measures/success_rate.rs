//! The share of interactions in a population round that succeeded, of those that were not void.

use crate::event::Event;
use crate::event::block::{Block, ones};
use crate::event::tally::Tally;
use crate::watch::measure::{Course, Measure, MeasureEntry};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

pub const ENTRY: MeasureEntry = MeasureEntry {
    name: "success_rate",
    words: "per population round (N interactions): successes over interactions that were not void (Baronchelli et al. 2006)",
    new: |_| Box::new(SuccessRate::default()),
    counts: true,
    courses: &[Course { where_none_agree: true, ..Course::late("success_rate", "success", true) }],
};

#[derive(Default, Deserialize, Serialize)]
struct SuccessRate {
    successes: u64,
    settled: u64,
}

impl Measure for SuccessRate {
    fn reads(&self) -> Vec<SmolStr> {
        vec!["success_rate".into()]
    }

    fn see(&mut self, event: &Event<'_>) {
        if let Some(success) = event.success() {
            self.settled += 1;
            self.successes += u64::from(success);
        }
    }

    fn see_block(&mut self, block: &Block, from: usize, to: usize) {
        let settled = block.settled & ones(from, to);
        self.settled += u64::from(settled.count_ones());
        self.successes += u64::from((block.success & settled).count_ones());
    }

    fn see_tally(&mut self, tally: &Tally) {
        self.settled += tally.end - tally.start;
        self.successes += tally.successes;
    }

    fn round(&mut self, _: u64, out: &mut [f64]) {
        if self.settled > 0 {
            out[0] = self.successes as f64 / self.settled as f64;
        }
        *self = SuccessRate::default();
    }
}
