//! How many different names were said in a population round.

use crate::Name;
use crate::event::Event;
use crate::event::block::{Block, Names, ones};
use crate::watch::measure::{Measure, MeasureEntry};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

pub const ENTRY: MeasureEntry = MeasureEntry {
    name: "distinct_names",
    words: "per population round: the number of different names said (those known but not said do not count)",
    new: |_| Box::new(DistinctNames { round: 1, said: Vec::new(), different: 0 }),
    counts: false,
    courses: &[],
};

#[derive(Deserialize, Serialize)]
struct DistinctNames {
    /// The number of the round, from 1.
    round: u32,
    /// The last round in which each name was said, or 0.
    said: Vec<u32>,
    different: u64,
}

impl DistinctNames {
    #[inline]
    fn say(&mut self, name: Name) {
        let name = name as usize;
        if self.said.len() <= name {
            self.said.resize(name + 1, 0);
        }
        self.different += u64::from(self.said[name] != self.round);
        self.said[name] = self.round;
    }
}

impl Measure for DistinctNames {
    fn reads(&self) -> Vec<SmolStr> {
        vec!["distinct_names".into()]
    }

    fn see(&mut self, event: &Event<'_>) {
        event.choices().for_each(|(_, name)| self.say(name));
    }

    fn see_block(&mut self, block: &Block, from: usize, to: usize) {
        for seat in 0..2 {
            let said = block.said[seat] & ones(from, to);
            match &block.names[seat] {
                Names::Bits(bits) => {
                    let both = [said & !bits, said & bits];
                    (0..2).filter(|&name| both[name as usize] != 0).for_each(|name| self.say(name));
                }
                Names::Words(words) => (from..to).filter(|i| said >> i & 1 == 1).for_each(|i| self.say(words[i])),
            }
        }
    }

    fn round(&mut self, _: u64, out: &mut [f64]) {
        out[0] = self.different as f64;
        self.round += 1;
        self.different = 0;
    }
}
