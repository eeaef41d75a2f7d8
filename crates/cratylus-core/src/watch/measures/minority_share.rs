//! The share of the committed minority's name among the choices of the agents that are not committed.

use crate::Name;
use crate::event::Event;
use crate::event::block::{Block, ones};
use crate::event::tally::Tally;
use crate::watch::committed::CommittedAt;
use crate::watch::measure::{Measure, MeasureEntry, RunContext};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

pub const ENTRY: MeasureEntry = MeasureEntry {
    name: "minority_share",
    words: "per population round: the committed name's share of the choices of agents that are not committed (Flint Ashery et al. 2025)",
    new: |context| Box::new(MinorityShare::new(context)),
    counts: true,
    courses: &[],
};

#[derive(Deserialize, Serialize)]
struct MinorityShare {
    name: Option<Name>,
    committed: CommittedAt,
    chosen: u64,
    all: u64,
}

impl MinorityShare {
    fn new(context: &RunContext) -> MinorityShare {
        MinorityShare {
            name: context.committed.as_ref().map(|(name, _)| *name),
            committed: context.committed_at(),
            chosen: 0,
            all: 0,
        }
    }
}

impl Measure for MinorityShare {
    fn reads(&self) -> Vec<SmolStr> {
        self.name.map(|_| "minority_share".into()).into_iter().collect()
    }

    fn see(&mut self, event: &Event<'_>) {
        let Some(name) = self.name else { return };
        for (agent, chosen) in event.choices() {
            if !self.committed.is(event.t, agent) {
                self.all += 1;
                self.chosen += u64::from(chosen == name);
            }
        }
    }

    fn see_block(&mut self, block: &Block, from: usize, to: usize) {
        let Some(name) = self.name else { return };
        for seat in 0..2 {
            let free = block.said[seat] & !block.committed[seat] & ones(from, to);
            self.all += u64::from(free.count_ones());
            self.chosen += u64::from((free & block.saying(seat, name)).count_ones());
        }
    }

    fn see_tally(&mut self, tally: &Tally) {
        let Some(name) = self.name else { return };
        self.all += tally.said_freely.iter().sum::<u64>();
        self.chosen += tally.said_freely[name as usize];
    }

    fn round(&mut self, _: u64, out: &mut [f64]) {
        if self.all > 0 {
            out[0] = self.chosen as f64 / self.all as f64;
        }
        (self.chosen, self.all) = (0, 0);
    }
}
