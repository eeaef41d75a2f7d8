//! How often a proposed sign is taken.

use crate::event::Event;
use crate::event::block::Block;
use crate::symbols::{Exchanged, SignsFollowed};
use crate::watch::measure::{Course, Measure, MeasureEntry};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

pub const ENTRY: MeasureEntry = MeasureEntry {
    name: "acceptance, acceptance_changed",
    words: "game `symbols`, after each sweep: the share of proposals that were taken, those included that were the listener's present sign; and of those that were another sign",
    new: |context| {
        let followed = context.symbols.as_ref().map(SignsFollowed::new);
        Box::new(Acceptance { followed, counts: [0; 4] })
    },
    counts: false,
    courses: &[Course::late("acceptance_changed", "taken of others", true), Course::late("acceptance", "taken", true)],
};

#[derive(Deserialize, Serialize)]
struct Acceptance {
    /// None in other games.
    followed: Option<SignsFollowed>,
    /// Proposals of the present sign, taken and all, and of others, since the last reading.
    counts: [u64; 4],
}

fn count(counts: &mut [u64; 4], Exchanged { signs: [current, proposed, held], .. }: Exchanged, taken: bool) {
    let other = usize::from(proposed != current) * 2;
    counts[other] += u64::from(taken && proposed == held);
    counts[other + 1] += 1;
}

impl Measure for Acceptance {
    fn reads(&self) -> Vec<SmolStr> {
        let playing = self.followed.is_some();
        ["acceptance", "acceptance_changed"].into_iter().filter(|_| playing).map(SmolStr::new_static).collect()
    }

    fn see(&mut self, event: &Event<'_>) {
        if let Some(exchanged) = self.followed.as_mut().and_then(|followed| followed.see(event)) {
            count(&mut self.counts, exchanged, event.success() == Some(true));
        }
    }

    fn see_block(&mut self, block: &Block, from: usize, to: usize) {
        let (Some(followed), counts) = (&mut self.followed, &mut self.counts) else { return };
        let mut i = from;
        followed.see_block(block, from, to, |_, exchanged| {
            count(counts, exchanged, block.success >> i & 1 == 1);
            i += 1;
        });
    }

    fn round(&mut self, _: u64, out: &mut [f64]) {
        let [same, of_same, other, of_other] = std::mem::take(&mut self.counts).map(|n| n as f64);
        if of_same + of_other > 0.0 {
            out[0] = (same + other) / (of_same + of_other);
        }
        if of_other > 0.0 {
            out[1] = other / of_other;
        }
    }
}
