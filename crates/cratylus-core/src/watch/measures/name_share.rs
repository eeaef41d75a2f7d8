//! Each name's share of the choices made in a population round. Only for games with a pool: in others
//! there are more names than a table should hold.

use crate::event::Event;
use crate::event::block::{Block, Names, ones};
use crate::event::tally::Tally;
use crate::watch::measure::{Course, Measure, MeasureEntry, RunContext};
use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, format_smolstr};

pub const ENTRY: MeasureEntry = MeasureEntry {
    name: "name_share:NAME",
    words: "per population round: the name's share of all choices made, those of committed agents included",
    new: |context| Box::new(NameShare::new(context)),
    counts: true,
    courses: &[Course { where_none_agree: true, ..Course::late("name_share", "share of", true) }],
};

#[derive(Deserialize, Serialize)]
struct NameShare {
    labels: Vec<SmolStr>,
    counts: Vec<u64>,
}

impl NameShare {
    fn new(context: &RunContext) -> NameShare {
        let labels = context.names.iter().map(|name| format_smolstr!("name_share:{name}")).collect();
        NameShare { labels, counts: vec![0; context.names.len()] }
    }
}

impl Measure for NameShare {
    fn reads(&self) -> Vec<SmolStr> {
        self.labels.clone()
    }

    fn see(&mut self, event: &Event<'_>) {
        for (_, name) in event.choices() {
            if let Some(count) = self.counts.get_mut(name as usize) {
                *count += 1;
            }
        }
    }

    fn see_block(&mut self, block: &Block, from: usize, to: usize) {
        for seat in 0..2 {
            let said = block.said[seat] & ones(from, to);
            match &block.names[seat] {
                Names::Bits(bits) if self.counts.len() == 2 => {
                    self.counts[0] += u64::from((said & !bits).count_ones());
                    self.counts[1] += u64::from((said & bits).count_ones());
                }
                _ if self.counts.is_empty() => (),
                names => (from..to).filter(|i| said >> i & 1 == 1).for_each(|i| self.counts[names.get(i) as usize] += 1),
            }
        }
    }

    fn see_tally(&mut self, tally: &Tally) {
        self.counts.iter_mut().zip(&tally.said).for_each(|(count, said)| *count += said);
    }

    fn round(&mut self, _: u64, out: &mut [f64]) {
        let all: u64 = self.counts.iter().sum();
        if all > 0 {
            out.iter_mut().zip(&self.counts).for_each(|(out, &count)| *out = count as f64 / all as f64);
        }
        self.counts.fill(0);
    }
}
