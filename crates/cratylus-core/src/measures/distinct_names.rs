//! How many different names were said in a population round.

use crate::Name;
use crate::event::Event;
use crate::measure::{Measure, MeasureEntry, Reading};
use std::collections::BTreeSet;

pub const ENTRY: MeasureEntry = MeasureEntry {
    name: "distinct_names",
    words: "per population round: the number of different names said (those known but not said do not count)",
    new: |_| Box::new(DistinctNames(BTreeSet::new())),
};

struct DistinctNames(BTreeSet<Name>);

impl Measure for DistinctNames {
    fn see(&mut self, event: &Event) {
        self.0.extend(event.choices().map(|(_, name)| name));
    }

    fn round(&mut self, t: u64, out: &mut Vec<Reading>) {
        out.push(Reading { t, measure: "distinct_names".into(), value: self.0.len() as f64 });
        self.0.clear();
    }
}
