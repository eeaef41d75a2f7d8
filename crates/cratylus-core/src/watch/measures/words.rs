//! How many words the agents of a naming game know, all together and different ones, after each population round, and
//! when there were most.

use crate::event::Event;
use crate::event::block::Block;
use crate::event::tally::Tally;
use crate::watch::knowing::Known;
use crate::watch::measure::{Measure, MeasureEntry, RunContext};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

pub const ENTRY: MeasureEntry = MeasureEntry {
    name: "total_words, different_words",
    words: "naming game, after each population round: the words that all agents know, and how many are different (N_w and N_d of Baronchelli et al. 2006); over the run: the most of each (`most_words`, `most_different_words`) and after how many rounds there were most (`rounds_to_most_words`)",
    new: |context| Box::new(Words::new(context)),
    counts: true,
    courses: &[],
};

#[derive(Deserialize, Serialize)]
struct Words {
    size: f64,
    /// None in other games.
    known: Option<Known>,
    words: u64,
    different: u64,
    /// The most words so far, and after how many interactions; the most different ones.
    most: (u64, u64),
    most_different: u64,
}

impl Words {
    fn new(context: &RunContext) -> Words {
        let known = context.knowing.clone().filter(|knowing| knowing.rule.is_some()).map(Known::new);
        Words { size: context.size as f64, known, words: 0, different: 0, most: (0, 0), most_different: 0 }
    }

    fn now(&mut self, t: u64, words: u64, different: u64) {
        (self.words, self.different) = (words, different);
        if words > self.most.0 {
            self.most = (words, t + 1);
        }
        self.most_different = self.most_different.max(different);
    }
}

impl Measure for Words {
    fn reads(&self) -> Vec<SmolStr> {
        let known = self.known.is_some();
        let all = ["total_words", "different_words", "most_words", "rounds_to_most_words", "most_different_words"];
        all.into_iter().filter(|_| known).map(SmolStr::new_static).collect()
    }

    fn see(&mut self, event: &Event<'_>) {
        let Some(known) = &mut self.known else { return };
        known.see(event);
        let (words, different) = (known.words(), known.different());
        self.now(event.t, words, different);
    }

    fn see_block(&mut self, block: &Block, from: usize, to: usize) {
        match (&block.words, &block.different) {
            (Some(words), Some(different)) => {
                (from..to).for_each(|i| self.now(block.start + i as u64, words[i], different[i]));
            }
            _ if self.known.is_some() => (from..to).for_each(|i| block.event(i).show(|event| self.see(event))),
            _ => (),
        }
    }

    fn see_tally(&mut self, tally: &Tally) {
        // What there was between, nobody looked at.
        if let Some([words, different]) = tally.words {
            self.now(tally.end - 1, words, different);
        }
    }

    fn round(&mut self, _: u64, out: &mut [f64]) {
        if self.known.is_some() {
            out[..2].copy_from_slice(&[self.words as f64, self.different as f64]);
        }
    }

    fn end(&mut self, _: u64, out: &mut [f64]) {
        if self.known.is_some() {
            let (most, when) = (self.most.0 as f64, self.most.1 as f64 / self.size);
            out[2..].copy_from_slice(&[most, when, self.most_different as f64]);
        }
    }
}
