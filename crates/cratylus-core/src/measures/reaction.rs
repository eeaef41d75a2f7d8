//! How agents react: how often a name is kept after success and changed after failure. The first choice
//! of an agent that starts with memories is compared with nothing, as events do not hold memories.

use crate::Name;
use crate::event::Event;
use crate::measure::{CommittedAt, Measure, MeasureEntry, Reading, RunContext};

pub const ENTRY: MeasureEntry = MeasureEntry {
    name: "stay_after_success, switch_after_failure",
    words: "over the run, agents that are not committed: names kept after success, and changed after failure (with `…_n`, out of how many)",
    new: |context| Box::new(Reaction::new(context)),
    counts: false,
};

struct Reaction {
    committed: CommittedAt,
    /// What each agent said last, and whether it succeeded.
    last: Vec<Option<(Name, bool)>>,
    /// After failure at 0 and success at 1: how often a name was kept, and of how many.
    kept: [u64; 2],
    of: [u64; 2],
}

impl Reaction {
    fn new(context: &RunContext) -> Reaction {
        Reaction { committed: context.committed_at(), last: vec![None; context.size as usize], kept: [0; 2], of: [0; 2] }
    }
}

impl Measure for Reaction {
    fn see(&mut self, event: &Event) {
        let Some(success) = event.success else { return };
        for (agent, name) in event.choices() {
            if self.committed.is(event.t, agent) {
                continue;
            }
            if let Some((before, success)) = self.last[agent as usize].replace((name, success)) {
                self.of[usize::from(success)] += 1;
                self.kept[usize::from(success)] += u64::from(name == before);
            }
        }
    }

    fn end(&mut self, t: u64, out: &mut Vec<Reading>) {
        let mut say = |measure: &str, value: f64| out.push(Reading { t, measure: measure.into(), value });
        let ([changed_from, stayed_from], [failures, successes]) = (self.kept, self.of);
        if successes > 0 {
            say("stay_after_success", stayed_from as f64 / successes as f64);
        }
        if failures > 0 {
            say("switch_after_failure", (failures - changed_from) as f64 / failures as f64);
        }
        if successes + failures > 0 {
            say("stay_after_success_n", successes as f64);
            say("switch_after_failure_n", failures as f64);
        }
    }
}
