//! What each agent chose first, with an empty memory: individual bias as the population itself shows it.
//! (The separate test of one agent asked alone is the game `individual`.) An agent whose interaction was
//! void has still learned nothing, so its next choice counts too.

use crate::event::Event;
use crate::event::block::Block;
use crate::watch::measure::{Measure, MeasureEntry, RunContext};
use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, format_smolstr};

pub const ENTRY: MeasureEntry = MeasureEntry {
    name: "first_choice:NAME",
    words: "over the run: how many choices with an empty memory fell on the name (individual bias; Flint Ashery et al. 2025)",
    new: |context| Box::new(FirstChoice::new(context)),
    counts: false,
    courses: &[],
};

#[derive(Deserialize, Serialize)]
struct FirstChoice {
    /// For each agent, whether it has learned something, or never chooses freely.
    settled: Vec<bool>,
    labels: Vec<SmolStr>,
    counts: Vec<u64>,
    active: bool,
    /// How many agents are not settled yet.
    left: u64,
}

impl FirstChoice {
    fn new(context: &RunContext) -> FirstChoice {
        let mut settled = vec![false; context.size as usize];
        context.committed.iter().flat_map(|(_, agents)| agents).for_each(|&agent| settled[agent as usize] = true);
        let labels = context.names.iter().map(|name| format_smolstr!("first_choice:{name}")).collect();
        let left = settled.iter().filter(|&&settled| !settled).count() as u64;
        FirstChoice { left, settled, labels, counts: vec![0; context.names.len()], active: context.empty_start && !context.alone }
    }
}

impl Measure for FirstChoice {
    fn reads(&self) -> Vec<SmolStr> {
        if self.active { self.labels.clone() } else { Vec::new() }
    }

    fn see(&mut self, event: &Event<'_>) {
        if !self.active || self.left == 0 {
            return;
        }
        for (agent, name) in event.choices() {
            if !self.settled[agent as usize]
                && let Some(count) = self.counts.get_mut(name as usize)
            {
                *count += 1;
            }
        }
        if event.success().is_some() {
            for &agent in event.seats {
                self.left -= u64::from(!std::mem::replace(&mut self.settled[agent as usize], true));
            }
        }
    }

    fn see_block(&mut self, block: &Block, from: usize, to: usize) {
        if self.active && self.left > 0 {
            (from..to).for_each(|i| block.event(i).show(|event| self.see(event)));
        }
    }

    fn end(&mut self, _: u64, out: &mut [f64]) {
        out.iter_mut().zip(&self.counts).for_each(|(out, &count)| *out = count as f64);
    }
}
