//! How many directions the steps of a training go in: the stable rank of what a step changes of a matrix (Conda, arXiv
//! 2509.24218).

use super::probe::{Probe, ProbeEntry, Subject};
use cratylus_core::stats::mean_sd;
use serde::{Deserialize, Serialize};

pub const ENTRY: ProbeEntry = ProbeEntry::new::<Changes>(
    "changes",
    "in how many directions the steps of a training go: the stable rank of what they change",
);

/// Its parameters.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Changes {
    /// The step from which on it counts.
    #[serde(default = "eight")]
    pub from: u64,
}

fn eight() -> u64 {
    8
}

impl Probe for Changes {
    fn ask(&self, of: &Subject<'_>) -> Result<Option<Vec<(String, f64)>>, String> {
        let course = of.course.iter().filter(|evaluated| evaluated.step >= self.from.max(1));
        let ranks: Vec<f64> = course.filter_map(|evaluated| evaluated.stable_rank).collect();
        if ranks.is_empty() {
            return Ok(None);
        }
        let least = ranks.iter().copied().fold(f64::INFINITY, f64::min);
        Ok(Some(vec![("stable rank of changes".into(), mean_sd(&ranks).0), ("least stable rank".into(), least)]))
    }
}
