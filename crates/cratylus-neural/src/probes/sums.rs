//! How often chains of additions that stand in no row and no lesson are worked out rightly, and how often questions of each exam
//! were, before anything of them was taught.

use super::probe::{Probe, ProbeEntry, Subject};
use crate::corpus::ingredients::sums::ADDITIONS;
use crate::lessons::{answers, asked};
use serde::{Deserialize, Serialize};

pub const ENTRY: ProbeEntry = ProbeEntry::new::<Sums>(
    "sums",
    "how often chains of additions that nobody read are worked out rightly, and exams before lessons",
);

/// Its parameters.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Sums {
    /// How many chains.
    #[serde(default = "thousand")]
    pub chains: u64,
}

fn thousand() -> u64 {
    1000
}

impl Probe for Sums {
    fn ask(&self, of: &Subject<'_>) -> Result<Option<Vec<(String, f64)>>, String> {
        let portion = asked(of.corpus).map_err(|_| "the corpus has no ingredient of kind `sums`")?;
        // Of each number of additions: how many are right, and all.
        let mut counts = vec![[0.0; 2]; ADDITIONS[1] + 1];
        for place in 0..self.chains {
            let item = of.corpus.item(portion, place, true).expect("the ingredient has items");
            let additions = item.asked.iter().filter(|word| **word == "+").count();
            let right = answers(of.corpus, of.model, portion, place, true);
            counts[additions][0] += f64::from(u8::from(right));
            counts[additions][1] += 1.0;
        }
        let all: f64 = counts.iter().map(|[right, _]| right).sum();
        let mut found = vec![("right".to_string(), all / self.chains as f64)];
        for (additions, [right, n]) in counts.into_iter().enumerate().filter(|(_, [_, n])| *n > 0.0) {
            found.push((format!("right, {additions} additions"), right / n));
        }
        let exams = of.course.iter().filter_map(|evaluated| evaluated.exam);
        found.extend(exams.zip(1..).map(|(right, round)| (format!("exam {round}"), right)));
        Ok(Some(found))
    }
}
