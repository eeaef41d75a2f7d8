//! What each agent chose first, with an empty memory: individual bias as the population itself shows it.
//! (The separate test of one agent asked alone is the game `individual`.) An agent whose interaction was
//! void has still learned nothing, so its next choice counts too.

use crate::AgentId;
use crate::event::Event;
use crate::measure::{Measure, MeasureEntry, Reading, RunContext};
use std::collections::BTreeSet;

pub const ENTRY: MeasureEntry = MeasureEntry {
    name: "first_choice:NAME",
    words: "over the run: how many choices with an empty memory fell on the name (individual bias; Flint Ashery et al. 2025)",
    new: |context| Box::new(FirstChoice::new(context)),
};

struct FirstChoice {
    /// Agents that have learned something, or never chose freely.
    settled: BTreeSet<AgentId>,
    labels: Vec<String>,
    counts: Vec<u64>,
    active: bool,
}

impl FirstChoice {
    fn new(context: &RunContext) -> FirstChoice {
        let settled = context.committed.iter().flat_map(|(_, agents)| agents.iter().copied()).collect();
        let labels = context.names.iter().map(|name| format!("first_choice:{name}")).collect();
        FirstChoice { settled, labels, counts: vec![0; context.names.len()], active: context.empty_start && !context.alone }
    }
}

impl Measure for FirstChoice {
    fn see(&mut self, event: &Event) {
        if !self.active {
            return;
        }
        for (agent, name) in event.choices() {
            if !self.settled.contains(&agent)
                && let Some(count) = self.counts.get_mut(name as usize)
            {
                *count += 1;
            }
        }
        if event.success.is_some() {
            self.settled.extend(event.agents);
        }
    }

    fn end(&mut self, t: u64, out: &mut Vec<Reading>) {
        if self.active {
            let counts = self.labels.iter().zip(&self.counts);
            out.extend(counts.map(|(label, &count)| Reading { t, measure: label.clone(), value: count as f64 }));
        }
    }
}
