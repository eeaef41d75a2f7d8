//! Which share of all agents holds each opinion, after each population round: what physics calls the magnetisation, as
//! (1 + m) / 2. The share of what is said in a round differs from it, as who speaks is drawn.

use crate::event::Event;
use crate::event::block::Block;
use crate::watch::knowing::Known;
use crate::watch::measure::{Measure, MeasureEntry};
use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, format_smolstr};

pub const ENTRY: MeasureEntry = MeasureEntry {
    name: "held_share:<name>",
    words: "opinion game: the share of all agents that hold each opinion, committed ones too, after each population round",
    new: |context| {
        let known = context.knowing.clone().filter(|knowing| knowing.rule.is_none()).map(Known::new);
        let labels = context.names.iter().map(|name| format_smolstr!("held_share:{name}")).collect();
        Box::new(HeldShare { size: context.size as f64, labels, known })
    },
    counts: false,
    courses: &[],
};

#[derive(Deserialize, Serialize)]
struct HeldShare {
    size: f64,
    labels: Vec<SmolStr>,
    /// None in other games.
    known: Option<Known>,
}

impl Measure for HeldShare {
    fn reads(&self) -> Vec<SmolStr> {
        if self.known.is_some() { self.labels.clone() } else { Vec::new() }
    }

    fn see(&mut self, event: &Event<'_>) {
        if let Some(known) = &mut self.known {
            known.see(event);
        }
    }

    fn see_block(&mut self, block: &Block, from: usize, to: usize) {
        if self.known.is_some() {
            (from..to).for_each(|i| block.event(i).show(|event| self.see(event)));
        }
    }

    fn round(&mut self, _: u64, out: &mut [f64]) {
        let Some(known) = &self.known else { return };
        (0..).zip(out).for_each(|(name, out)| *out = f64::from(known.holders(name)) / self.size);
    }
}
