//! How fast a model learns: the area under its loss over the logarithm of the step, less what no reader could foretell.

use super::probe::{Probe, ProbeEntry, Subject};
use serde::{Deserialize, Serialize};

pub const ENTRY: ProbeEntry =
    ProbeEntry::new::<Curve>("curve", "the mean loss over the logarithm of the step while a model learns, less its floor");

/// Its parameters.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Curve {
    /// The step from which on it counts: before it all models know nothing alike.
    #[serde(default = "eight")]
    pub from: u64,
}

fn eight() -> u64 {
    8
}

impl Probe for Curve {
    fn ask(&self, of: &Subject<'_>) -> Result<Option<Vec<(String, f64)>>, String> {
        // Points that lie evenly on the logarithm.
        let end = of.course.last().map_or(0, |evaluated| evaluated.step);
        let even = |step: u64| step >= self.from.max(1) && (step.is_power_of_two() || step == end);
        let course: Vec<_> = of.course.iter().filter(|evaluated| even(evaluated.step)).collect();
        let [first, .., last] = course[..] else { return Ok(None) };
        let portions = &of.corpus.spec.portions;
        let mut found = Vec::new();
        for (i, portion) in portions.iter().enumerate() {
            // The same rows that a training is judged by.
            let rows: Vec<_> = (0..100).map(|row| of.corpus.fresh(i, row)).collect();
            let words: f64 = rows.iter().map(|row| row.words.len() as f64 - 1.0).sum();
            let floor = rows.iter().map(|row| row.key["unforetold"].as_f64().unwrap_or(0.0)).sum::<f64>() / words;
            let area: f64 = course
                .windows(2)
                .map(|pair| {
                    let [a, b] = [pair[0], pair[1]];
                    (b.step as f64 / a.step as f64).ln() * (a.losses[i] + b.losses[i]) / 2.0
                })
                .sum();
            let mean = area / (last.step as f64 / first.step as f64).ln();
            let name = if portions.len() == 1 { "curve".to_string() } else { format!("curve of {}", portion.name) };
            found.push((name, mean - floor));
        }
        Ok(Some(found))
    }
}
