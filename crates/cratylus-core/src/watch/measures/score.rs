//! What episodes are scored by, in games of many moves: each score as its scene defines it.

use crate::event::block::Block;
use crate::event::{Event, NO_SEAT};
use crate::watch::measure::{Course, Measure, MeasureEntry};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

pub const ENTRY: MeasureEntry = MeasureEntry {
    name: "score:NAME",
    words: "scenes, at the end of a run: a score of its episodes, on average, as the scene defines it",
    new: |context| {
        let n = context.scores.len();
        let names = context.scores.iter().map(|score| format!("score:{}", score.name).into()).collect();
        Box::new(Scores { names, sums: vec![[0.0; 2]; n] })
    },
    counts: false,
    courses: &[Course::at_end("score", "", false)],
};

#[derive(Deserialize, Serialize)]
struct Scores {
    names: Vec<SmolStr>,
    /// For each score its sum, and over how many episodes.
    sums: Vec<[f64; 2]>,
}

impl Measure for Scores {
    fn reads(&self) -> Vec<SmolStr> {
        self.names.clone()
    }

    fn see(&mut self, event: &Event<'_>) {
        // Scores are what the game showed to nobody at the end, in its order.
        let shown = event.saw.iter().filter(|sight| sight.seat == NO_SEAT).filter_map(|sight| sight.what.number());
        for (value, sums) in shown.zip(&mut self.sums).filter(|(value, _)| !value.is_nan()) {
            *sums = [sums[0] + value, sums[1] + 1.0];
        }
    }

    // Games of many moves are not played in blocks.
    fn see_block(&mut self, _: &Block, _: usize, _: usize) {}

    fn end(&mut self, _: u64, out: &mut [f64]) {
        for (out, [sum, n]) in out.iter_mut().zip(&self.sums).filter(|(_, [_, n])| *n > 0.0) {
            *out = sum / n;
        }
    }
}
