//! What seats were paid, in games that pay each seat its own.

use crate::event::Event;
use crate::event::block::Block;
use crate::watch::measure::{Course, Measure, MeasureEntry};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

pub const ENTRY: MeasureEntry = MeasureEntry {
    name: "mean_pay",
    words: "games that pay each seat its own, per population round: what a seat was paid in an interaction, on average",
    new: |context| Box::new(MeanPay { acts: context.acts, ..MeanPay::default() }),
    counts: false,
    courses: &[Course::late("mean_pay", "pay of a seat", false)],
};

#[derive(Default, Deserialize, Serialize)]
struct MeanPay {
    acts: bool,
    paid: f64,
    seats: u64,
}

impl Measure for MeanPay {
    fn reads(&self) -> Vec<SmolStr> {
        self.acts.then(|| "mean_pay".into()).into_iter().collect()
    }

    fn see(&mut self, event: &Event<'_>) {
        self.paid += event.pay.iter().sum::<f64>();
        self.seats += event.pay.len() as u64;
    }

    // Games that are played in blocks pay all seats alike.
    fn see_block(&mut self, _: &Block, _: usize, _: usize) {}

    fn round(&mut self, _: u64, out: &mut [f64]) {
        if self.seats > 0 {
            out[0] = self.paid / self.seats as f64;
        }
        *self = MeanPay { acts: self.acts, ..MeanPay::default() };
    }
}
