//! The share of a run's answers that were unusable, each try counted. An agent is asked again for an unusable answer,
//! so this can be high where no interaction was void.

use crate::AgentId;
use crate::event::Event;
use crate::event::block::Block;
use crate::watch::measure::{Measure, MeasureEntry, RunContext};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

pub const ENTRY: MeasureEntry = MeasureEntry {
    name: "invalid_share",
    words: "over the run, where agents are language models: unusable answers, of all answers but those of committed agents",
    new: |context| Box::new(InvalidShare::new(context)),
    counts: false,
    courses: &[],
};

#[derive(Deserialize, Serialize)]
pub(crate) struct InvalidShare {
    live: bool,
    committed: Vec<AgentId>,
    invalid: u64,
    usable: u64,
}

impl InvalidShare {
    pub fn new(context: &RunContext) -> InvalidShare {
        let committed = context.committed.as_ref().map_or(Vec::new(), |(_, agents)| agents.clone());
        InvalidShare { live: context.live, committed, invalid: 0, usable: 0 }
    }

    /// None where no agent is a language model, or nobody answered.
    pub fn share(&self) -> Option<f64> {
        let all = self.invalid + self.usable;
        (self.live && all > 0).then(|| self.invalid as f64 / all as f64)
    }
}

impl Measure for InvalidShare {
    fn reads(&self) -> Vec<SmolStr> {
        self.live.then(|| "invalid_share".into()).into_iter().collect()
    }

    fn see(&mut self, event: &Event<'_>) {
        if self.live {
            self.invalid += event.moves.iter().map(|one| u64::from(one.tries)).sum::<u64>();
            self.usable += event.choices().filter(|(agent, _)| self.committed.binary_search(agent).is_err()).count() as u64;
        }
    }

    fn see_block(&mut self, _: &Block, _: usize, _: usize) {
        debug_assert!(!self.live, "language models do not play in blocks");
    }

    fn end(&mut self, _: u64, out: &mut [f64]) {
        out.iter_mut().zip(self.share()).for_each(|(out, share)| *out = share);
    }
}
