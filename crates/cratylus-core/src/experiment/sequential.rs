//! How many runs a point gets, where that depends on what the runs so far gave: until an outcome is known closely enough,
//! or until a threshold is found.

use crate::watch::outcome::Outcome;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `replicas`: a number, or a rule.
pub(super) enum Replicas {
    Number(u64),
    Rule(RunsRule),
}

/// Runs are added to a point until its outcome is known closely enough.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunsRule {
    /// How many runs every point gets; of `rounds`, nothing is said before 20 have reached consensus.
    pub least: u64,
    /// How many it gets at most.
    pub most: u64,
    /// How far the end of the interval may be from its middle: a share, or a part of the mean for `rounds`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<f64>,
    /// The outcome that is to be known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Asked>,
    /// How many runs all points get together at most; those with the widest intervals come first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs: Option<u64>,
}

/// Of the values that a swept number takes, only those are run that tell where an outcome's share passes a value.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Find {
    /// The swept number.
    pub key: String,
    /// What is asked of each run: something that can be answered by yes or no.
    #[serde(default = "consensus")]
    pub of: Asked,
    /// The share of runs at the threshold.
    #[serde(default = "half")]
    pub at: f64,
    /// What the thresholds are extrapolated in, to its limit at infinity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<String>,
    /// The exponent e of threshold = limit + c N^-e; fitted, where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exponent: Option<f64>,
}

fn half() -> f64 {
    0.5
}

fn consensus() -> Asked {
    Asked::Consensus
}

/// What is asked of each run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum Asked {
    /// Whether it reached consensus.
    Consensus,
    /// Whether the committed minority tipped it.
    Tipped,
    /// Whether this name won.
    Winner(String),
    /// How many population rounds it took to consensus, of runs that reached it.
    Rounds,
}

impl JsonSchema for Asked {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Asked".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^(consensus|tipped|rounds|winner:.+)$" })
    }
}

impl TryFrom<String> for Asked {
    type Error = String;

    fn try_from(text: String) -> Result<Asked, String> {
        match text.split_once(':').unwrap_or((&text, "")) {
            ("consensus", "") => Ok(Asked::Consensus),
            ("tipped", "") => Ok(Asked::Tipped),
            ("rounds", "") => Ok(Asked::Rounds),
            ("winner", name) if !name.is_empty() => Ok(Asked::Winner(name.into())),
            _ => Err(format!("`{text}` is no outcome of a run; there are `consensus`, `tipped`, `winner:NAME` and `rounds`")),
        }
    }
}

impl From<Asked> for String {
    fn from(asked: Asked) -> String {
        match asked {
            Asked::Consensus => "consensus".into(),
            Asked::Tipped => "tipped".into(),
            Asked::Rounds => "rounds".into(),
            Asked::Winner(name) => format!("winner:{name}"),
        }
    }
}

impl Asked {
    /// What a run with this outcome and winner answers: 1 and 0 for yes and no. None where it has no answer.
    pub fn answer(&self, outcome: &Outcome, winner: Option<&str>) -> Option<f64> {
        match self {
            Asked::Consensus => Some(f64::from(u8::from(outcome.consensus))),
            Asked::Tipped => outcome.tipped.map(|tipped| f64::from(u8::from(tipped))),
            Asked::Winner(name) => Some(f64::from(u8::from(outcome.consensus && winner == Some(name)))),
            Asked::Rounds => outcome.rounds_to_consensus,
        }
    }

    /// What is asked, as the end of a sentence about runs.
    pub fn words(&self) -> String {
        match self {
            Asked::Consensus => "reach consensus".into(),
            Asked::Tipped => "are tipped".into(),
            Asked::Winner(name) => format!("end with {name}"),
            Asked::Rounds => "rounds to consensus".into(),
        }
    }
}

/// What decides how many runs there are, beside the number of replicas.
#[derive(Clone, Debug, PartialEq)]
pub struct Sequential {
    /// How many runs a point has at least and at most, and when there are enough.
    pub rule: RunsRule,
    /// The threshold that is to be found, where one is.
    pub find: Option<Find>,
}

impl Sequential {
    /// Puts the two sections together, and says which key is wrong.
    pub(super) fn of(replicas: Replicas, find: Option<Find>) -> Result<(u64, Option<Sequential>), (&'static str, String)> {
        let wrong = |key: &'static str, why: &str| Err((key, why.to_string()));
        let rule = match (replicas, &find) {
            (Replicas::Number(n), None) => return Ok((n, None)),
            (Replicas::Number(n), Some(_)) => RunsRule { least: n, most: n, within: None, of: None, runs: None },
            (Replicas::Rule(rule), _) => rule,
        };
        if rule.least < 1 || rule.most < rule.least {
            return wrong("replicas", "`least` is at least 1, and `most` at least `least`");
        }
        match &find {
            None if rule.within.is_none() => {
                return wrong("replicas", "runs are added until what is known? Give `within`, or `[find]`");
            }
            None if !rule.within.is_some_and(|within| within > 0.0 && within < 1.0) => {
                return wrong("replicas", "`within` is a number between 0 and 1");
            }
            Some(_) if rule.within.is_some() || rule.of.is_some() || rule.runs.is_some() => {
                return wrong(
                    "replicas",
                    "where a threshold is found, runs are added until it is clear on which side of it a value is; give `least` and `most` alone",
                );
            }
            Some(find) if !(find.at > 0.0 && find.at < 1.0) => {
                return wrong("find.at", "a threshold is at a share of runs between 0 and 1");
            }
            Some(find) if find.of == Asked::Rounds => {
                return wrong(
                    "find.of",
                    "a threshold is where a share of runs passes a value, so this is `consensus`, `tipped` or `winner:NAME`",
                );
            }
            Some(find) if find.exponent.is_some_and(|exponent| !(0.025..=10.0).contains(&exponent)) => {
                return wrong("find.exponent", "an exponent is a number from 0.025 to 10");
            }
            _ => (),
        }
        Ok((rule.most, Some(Sequential { rule, find })))
    }

    /// What is asked of each run.
    pub fn asked(&self) -> &Asked {
        match &self.find {
            Some(find) => &find.of,
            None => self.rule.of.as_ref().unwrap_or(&Asked::Consensus),
        }
    }
}
