//! What others found, or what theory says, for the report to draw beside the results. It is no part of the plan: nothing
//! that runs depends on it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Values to draw beside an outcome, by the swept number.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// The outcome that they are values of.
    pub of: PublishedOutcome,
    /// Where the values are from: a paper, a formula.
    pub source: String,
    /// Each is the swept number and the value; a third number is the value's standard error.
    pub values: Vec<Vec<f64>>,
    /// Whether they are joined by a line, as theory is, in place of standing as points.
    #[serde(default)]
    pub line: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PublishedOutcome {
    /// The share of runs that reached consensus.
    Consensus,
    /// Mean population rounds to consensus.
    Rounds,
    /// The share of agents that hold the commonest opinion at the end.
    Held,
    /// The share of runs that a committed minority tipped, by the share of agents that are committed.
    Tipped,
    /// In the category game, the perceptual categories of an agent at the end.
    Perceptual,
    /// The linguistic ones.
    Linguistic,
    /// In the game `symbols`, how far signs are from what all agents know together.
    #[serde(rename = "posterior_distance")]
    PosteriorDistance,
    /// The line between two phases: pairs of the two swept numbers, in the order of the sweep.
    Border,
}

impl Published {
    /// What is wrong with it.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.source.trim().is_empty() {
            return Err("`source` says where the values are from, and is empty".into());
        }
        match self.values.iter().find(|value| !(2..=3).contains(&value.len()) || value.iter().any(|number| !number.is_finite())) {
            Some(value) => {
                Err(format!("expected [swept number, value] or [swept number, value, standard error], found {value:?}"))
            }
            None if self.values.is_empty() => Err("there are no `values`".into()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::experiment::Document;

    #[test]
    fn what_is_drawn_beside_is_no_part_of_the_plan_and_is_checked() {
        let base = "[population]\nsize = 4\n[game]\nkind = \"naming\"\n[agents]\nkind = \"inventory\"\n";
        let read = |values: &str| {
            let more = format!("[[published]]\nof = \"rounds\"\nsource = \"theory\"\nvalues = {values}\n");
            Document::parse("test.toml", &format!("{base}{more}"), &[])?.points()
        };
        let without = Document::parse("test.toml", base, &[]).unwrap().points().unwrap();
        let with = read("[[1, 2], [2, 3.5, 0.1]]").unwrap();
        assert_eq!(with[0].experiment.plan(), without[0].experiment.plan());
        assert_eq!(with[0].experiment.published[0].values[1], [2.0, 3.5, 0.1]);
        for wrong in ["[[1]]", "[]", "[[1, 2, 3, 4]]", "[[1, nan]]"] {
            assert!(read(wrong).is_err_and(|why| why.contains("published") || why.contains("values")), "{wrong}");
        }
    }
}
