//! What seats were paid, in games that pay each seat its own.

use crate::event::Event;
use crate::event::block::Block;
use crate::watch::measure::{Course, Measure, MeasureEntry, Reading};
use serde::{Deserialize, Serialize};

pub const ENTRY: MeasureEntry = MeasureEntry {
    name: "mean_pay",
    words: "games that pay each seat its own, per population round: what a seat was paid in an interaction, on average",
    new: |_| Box::new(MeanPay::default()),
    counts: false,
    courses: &[Course::late("mean_pay", "pay of a seat", false)],
};

#[derive(Default, Deserialize, Serialize)]
struct MeanPay {
    paid: f64,
    seats: u64,
}

impl Measure for MeanPay {
    fn see(&mut self, event: &Event<'_>) {
        self.paid += event.pay.iter().sum::<f64>();
        self.seats += event.pay.len() as u64;
    }

    // Games that are played in blocks pay all seats alike.
    fn see_block(&mut self, _: &Block, _: usize, _: usize) {}

    fn round(&mut self, t: u64, out: &mut Vec<Reading>) {
        if self.seats > 0 {
            out.push(Reading { t, measure: "mean_pay".into(), value: self.paid / self.seats as f64 });
        }
        *self = MeanPay::default();
    }
}
