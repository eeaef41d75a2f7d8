//! How agents react: how often a name is kept after success and changed after failure. The first choice
//! of an agent that starts with memories is compared with nothing, as events do not hold memories.

use crate::event::Event;
use crate::event::block::{Block, ones};
use crate::watch::committed::CommittedAt;
use crate::watch::measure::{Measure, MeasureEntry, RunContext};
use crate::{Name, machine};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

pub const ENTRY: MeasureEntry = MeasureEntry {
    name: "stay_after_success, switch_after_failure",
    words: "over the run, agents that are not committed: names kept after success, and changed after failure (with `…_n`, out of how many)",
    new: |context| match context.names.len() {
        1..=FEW => Box::new(Reaction::<u8>::new(context)),
        _ => Box::new(Reaction::<u64>::new(context)),
    },
    counts: false,
    courses: &[],
};

/// What an agent said last and whether it succeeded: (name + 1) in the upper bits, success in the lowest, 0 for nothing
/// yet. Pools of a few names fit into a byte, so that many agents stay near the processor.
trait Last: Copy + Default + Into<u64> + Send + Serialize + DeserializeOwned {
    fn of(name: Name, success: bool) -> Self;
}

/// So many names fit into a byte.
const FEW: usize = 126;

impl Last for u8 {
    #[inline(always)]
    fn of(name: Name, success: bool) -> u8 {
        (name as u8 + 1) << 1 | u8::from(success)
    }
}

impl Last for u64 {
    #[inline(always)]
    fn of(name: Name, success: bool) -> u64 {
        (u64::from(name) + 1) << 1 | u64::from(success)
    }
}

/// Beyond so many bytes of agents it pays to ask for them ahead.
const NEAR: usize = 1 << 17;

#[derive(Deserialize, Serialize)]
struct Reaction<L> {
    committed: CommittedAt,
    last: Vec<L>,
    /// After failure at 0 and success at 1: how often a name was kept, and of how many.
    kept: [u64; 2],
    of: [u64; 2],
}

impl<L: Last> Reaction<L> {
    fn new(context: &RunContext) -> Reaction<L> {
        let last = vec![L::default(); context.size as usize];
        Reaction { committed: context.committed_at(), last, kept: [0; 2], of: [0; 2] }
    }

    #[inline(always)]
    fn said(&mut self, agent: usize, name: Name, success: bool) {
        let now = L::of(name, success);
        let before: u64 = std::mem::replace(&mut self.last[agent], now).into();
        let after = (before & 1) as usize;
        self.of[after] += u64::from(before != 0);
        self.kept[after] += u64::from(before >> 1 == now.into() >> 1);
    }
}

impl<L: Last> Measure for Reaction<L> {
    fn reads(&self) -> Vec<SmolStr> {
        ["stay_after_success", "switch_after_failure", "stay_after_success_n", "switch_after_failure_n"]
            .map(SmolStr::new_static)
            .into()
    }

    fn see(&mut self, event: &Event<'_>) {
        let Some(success) = event.success() else { return };
        for (agent, name) in event.choices() {
            if !self.committed.is(event.t, agent) {
                self.said(agent as usize, name, success);
            }
        }
    }

    fn see_block(&mut self, block: &Block, from: usize, to: usize) {
        if size_of_val(&self.last[..]) > NEAR {
            let agents = block.pairs[from..to].as_flattened();
            agents.iter().for_each(|&agent| machine::prefetch(&self.last, agent as usize));
        }
        let settled = block.settled & ones(from, to);
        let free = [0, 1].map(|seat| block.said[seat] & !block.committed[seat] & settled);
        for i in from..to {
            for (seat, free) in free.iter().enumerate() {
                if free >> i & 1 == 1 {
                    let success = block.success >> i & 1 == 1;
                    self.said(block.pairs[i][seat] as usize, block.names[seat].get(i), success);
                }
            }
        }
    }

    fn end(&mut self, _: u64, out: &mut [f64]) {
        let ([changed_from, stayed_from], [failures, successes]) = (self.kept, self.of);
        // A share of nothing is NaN, which is to say that there is none.
        let share = |n: u64, of: u64| n as f64 / of as f64;
        let shares = [share(stayed_from, successes), share(failures - changed_from, failures)];
        out[..2].copy_from_slice(&shares);
        if successes + failures > 0 {
            out[2..].copy_from_slice(&[successes as f64, failures as f64]);
        }
    }
}
