//! What episodes are scored by, in games of many moves: each score as its scene defines it.

use crate::event::block::Block;
use crate::event::{Event, NO_SEAT};
use crate::watch::measure::{Course, Measure, MeasureEntry};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

pub const ENTRY: MeasureEntry = MeasureEntry {
    name: "score:NAME",
    words: "scenes, per population round: a score of an episode, on average, as the scene defines it (`cratylus list scores`)",
    new: |context| {
        let n = context.scores.len();
        let names = context.scores.iter().map(|score| format!("score:{}", score.name).into()).collect();
        Box::new(Scores { names, now: vec![[0.0; 2]; n], all: vec![[0.0; 2]; n] })
    },
    counts: false,
    courses: &[Course::at_end("score", "", false)],
};

#[derive(Deserialize, Serialize)]
struct Scores {
    names: Vec<SmolStr>,
    /// For each score its sum and how many there were, since the last reading and in all.
    now: Vec<[f64; 2]>,
    all: Vec<[f64; 2]>,
}

fn mean(sums: &[[f64; 2]], out: &mut [f64]) {
    for (out, [sum, n]) in out.iter_mut().zip(sums).filter(|(_, [_, n])| *n > 0.0) {
        *out = sum / n;
    }
}

impl Measure for Scores {
    fn reads(&self) -> Vec<SmolStr> {
        self.names.clone()
    }

    fn see(&mut self, event: &Event<'_>) {
        // Scores are what the game showed to nobody at the end, in its order.
        let shown = event.saw.iter().filter(|sight| sight.seat == NO_SEAT).filter_map(|sight| sight.what.number());
        for (value, (now, all)) in shown.zip(self.now.iter_mut().zip(&mut self.all)).filter(|(value, _)| !value.is_nan()) {
            for sums in [now, all] {
                *sums = [sums[0] + value, sums[1] + 1.0];
            }
        }
    }

    // Games of many moves are not played in blocks.
    fn see_block(&mut self, _: &Block, _: usize, _: usize) {}

    fn round(&mut self, _: u64, out: &mut [f64]) {
        mean(&self.now, out);
        self.now.fill([0.0; 2]);
    }

    fn end(&mut self, _: u64, out: &mut [f64]) {
        mean(&self.all, out);
    }
}
