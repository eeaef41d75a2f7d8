//! How well fresh rows are foretold, of each ingredient, less what no reader could foretell.

use super::probe::{Probe, ProbeEntry, Subject};
use serde::{Deserialize, Serialize};

pub const ENTRY: ProbeEntry = ProbeEntry::new::<Loss>("loss", "the loss of fresh rows of each ingredient, in nats for each word");

/// Its parameters.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Loss {
    /// How many rows of each ingredient.
    #[serde(default = "hundred")]
    pub rows: u64,
}

fn hundred() -> u64 {
    100
}

impl Probe for Loss {
    fn ask(&self, of: &Subject<'_>) -> Result<Option<Vec<(String, f64)>>, String> {
        let mut found = Vec::new();
        let portions = &of.corpus.spec.portions;
        for (i, portion) in portions.iter().enumerate() {
            let (mut sum, mut words, mut unforetold) = (0.0, 0.0, 0.0);
            for row in 0..self.rows {
                let row = of.corpus.fresh(i, row);
                let losses = of.model.losses(&of.corpus.words.tokens(&row.words));
                words += losses.len() as f64;
                sum += losses.iter().sum::<f64>();
                unforetold += row.key["unforetold"].as_f64().unwrap_or(0.0);
            }
            let name = |what: &str| if portions.len() == 1 { what.to_string() } else { format!("{what} of {}", portion.name) };
            found.push((name("loss"), sum / words));
            if of.corpus.words.are_bytes() {
                found.push((name("bits per byte"), sum / words / std::f64::consts::LN_2));
            }
            if unforetold > 0.0 {
                found.push((name("floor"), unforetold / words));
            }
            found.push((name("loss over floor"), (sum - unforetold) / words));
        }
        Ok(Some(found))
    }
}
