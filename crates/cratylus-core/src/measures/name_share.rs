//! Each name's share of the choices made in a population round. Only for games with a pool: in others
//! there are more names than a table should hold.

use crate::event::Event;
use crate::measure::{Measure, MeasureEntry, Reading, RunContext};

pub const ENTRY: MeasureEntry = MeasureEntry {
    name: "name_share:NAME",
    words: "per population round: the name's share of all choices made, those of committed agents included",
    new: |context| Box::new(NameShare::new(context)),
};

struct NameShare {
    labels: Vec<String>,
    counts: Vec<u64>,
}

impl NameShare {
    fn new(context: &RunContext) -> NameShare {
        let labels = context.names.iter().map(|name| format!("name_share:{name}")).collect();
        NameShare { labels, counts: vec![0; context.names.len()] }
    }
}

impl Measure for NameShare {
    fn see(&mut self, event: &Event) {
        for (_, name) in event.choices() {
            if let Some(count) = self.counts.get_mut(name as usize) {
                *count += 1;
            }
        }
    }

    fn round(&mut self, t: u64, out: &mut Vec<Reading>) {
        let all: u64 = self.counts.iter().sum();
        if all > 0 {
            let shares = self.labels.iter().zip(&self.counts);
            out.extend(shares.map(|(label, &count)| Reading { t, measure: label.clone(), value: count as f64 / all as f64 }));
        }
        self.counts.fill(0);
    }
}
