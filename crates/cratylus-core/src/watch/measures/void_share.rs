//! The share of a run's interactions that were void: an agent gave no usable answer, so nothing was paid or learned.

use crate::event::Event;
use crate::event::block::{Block, ones};
use crate::watch::measure::{Measure, MeasureEntry};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

pub const ENTRY: MeasureEntry = MeasureEntry {
    name: "void_share",
    words: "over the run: interactions without a usable answer, of all",
    new: |_| Box::new(VoidShare { void: 0 }),
    counts: true,
    courses: &[],
};

#[derive(Deserialize, Serialize)]
struct VoidShare {
    void: u64,
}

impl Measure for VoidShare {
    fn reads(&self) -> Vec<SmolStr> {
        vec!["void_share".into()]
    }

    fn see(&mut self, event: &Event<'_>) {
        self.void += u64::from(event.void());
    }

    fn see_block(&mut self, block: &Block, from: usize, to: usize) {
        // What is played in blocks is played by rules, which always answer.
        debug_assert!(block.settled & ones(from, to) == ones(from, to));
    }

    fn end(&mut self, t: u64, out: &mut [f64]) {
        if t > 0 {
            out[0] = self.void as f64 / t as f64;
        }
    }
}
