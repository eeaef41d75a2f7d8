//! What one agent answered when it was asked alone, over and over, with the same memory.

use crate::event::Event;
use crate::event::block::Block;
use crate::watch::measure::{Measure, MeasureEntry, RunContext};
use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, format_smolstr};

pub const ENTRY: MeasureEntry = MeasureEntry {
    name: "answer:NAME",
    words: "over a run of the game `individual`: how many answers fell on the name (individual bias; Flint Ashery et al. 2025)",
    new: |context| Box::new(Answer::new(context)),
    counts: false,
    courses: &[],
};

#[derive(Deserialize, Serialize)]
struct Answer {
    labels: Vec<SmolStr>,
    counts: Vec<u64>,
}

impl Answer {
    fn new(context: &RunContext) -> Answer {
        let names = if context.alone { &context.names[..] } else { &[] };
        Answer { labels: names.iter().map(|name| format_smolstr!("answer:{name}")).collect(), counts: vec![0; names.len()] }
    }
}

impl Measure for Answer {
    fn reads(&self) -> Vec<SmolStr> {
        self.labels.clone()
    }

    fn see(&mut self, event: &Event<'_>) {
        if let Some(count) = event.name(0).and_then(|name| self.counts.get_mut(name as usize)) {
            *count += 1;
        }
    }

    fn see_block(&mut self, block: &Block, from: usize, to: usize) {
        if !self.labels.is_empty() {
            (from..to).for_each(|i| block.event(i).show(|event| self.see(event)));
        }
    }

    fn end(&mut self, _: u64, out: &mut [f64]) {
        out.iter_mut().zip(&self.counts).for_each(|(out, &count)| *out = count as f64);
    }
}
