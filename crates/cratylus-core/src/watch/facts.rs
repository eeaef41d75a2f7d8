//! What was seen of the runs of one condition, as numbers that are shown: of runs of ours and of recorded ones alike.

use crate::stats::{Proportion, always_valid_share, mean_sd, quantile};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many values of a sample are kept.
pub const VALUES_MAX: usize = 2000;

/// A share of runs or choices, of a name or of none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// None where it is not of one name, as the share of runs with consensus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How many of the runs or choices are meant.
    pub count: u64,
    /// Of how many.
    pub of: u64,
    /// From 0 to 1; NaN of none.
    pub share: f64,
    /// Where its 95 % interval begins.
    pub low: f64,
    /// Where its 95 % interval ends.
    pub high: f64,
}

impl Share {
    /// With the interval of [`Proportion`].
    pub fn new(name: Option<String>, count: u64, of: u64) -> Share {
        let Proportion { share, low, high, .. } = Proportion::new(count, of);
        Share { name, count, of, share, low, high }
    }

    /// The same; where `looked_at` says that the runs so far decided how many there are, with an interval that holds all the same.
    pub(crate) fn of_runs(looked_at: bool, name: Option<String>, count: u64, of: u64) -> Share {
        let mut share = Share::new(name, count, of);
        if looked_at {
            [share.low, share.high] = always_valid_share(count, of, 0.05);
        }
        share
    }
}

/// A sample: its values, sorted, and what describes them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// At most [`VALUES_MAX`] of them, evenly spaced, where there are more.
    pub values: Vec<f64>,
    /// How many values there were, all counted.
    pub n: usize,
    /// Of all values, as the rest below.
    pub median: f64,
    /// The first quartile.
    pub q1: f64,
    /// The third quartile.
    pub q3: f64,
    /// The arithmetic mean.
    pub mean: f64,
    /// The standard deviation, over n - 1; 0 for a single value.
    pub sd: f64,
}

impl Sample {
    /// Sorts and describes values. None where there are none.
    pub fn new(mut values: Vec<f64>) -> Option<Sample> {
        if values.is_empty() {
            return None;
        }
        values.sort_unstable_by(f64::total_cmp);
        // Values that are all the same differ by nothing, and not by what adding them up rounds.
        let (mean, sd) = if values[0] == values[values.len() - 1] { (values[0], 0.0) } else { mean_sd(&values) };
        let [q1, median, q3] = [0.25, 0.5, 0.75].map(|p| quantile(&values, p));
        let n = values.len();
        if n > VALUES_MAX {
            values = (0..VALUES_MAX).map(|i| quantile(&values, i as f64 / (VALUES_MAX - 1) as f64)).collect();
        }
        Some(Sample { values, n, median, q1, q3, mean, sd })
    }
}

/// A measure over population rounds, with its spread over runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// The population round that each point is after, from 1. The other lists are as long.
    pub round: Vec<u64>,
    /// Over the runs that have a value for the round.
    pub mean: Vec<f64>,
    /// Over the same runs.
    pub median: Vec<f64>,
    /// The first quartile.
    pub q1: Vec<f64>,
    /// The third quartile.
    pub q3: Vec<f64>,
    /// The 5th and the 95th percentile.
    pub low: Vec<f64>,
    /// The 95th percentile.
    pub high: Vec<f64>,
}

/// A measure that is followed: its course, over the runs that went on so long, and one value of each.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FollowedFacts {
    /// What it is called.
    #[serde(default)]
    pub label: String,
    /// Its place among those that are shown.
    #[serde(default)]
    pub place: usize,
    /// Whether it is a share, from 0 to 1.
    #[serde(default)]
    pub share: bool,
    /// Whether the value of a run is its mean over the second half, and not the last.
    #[serde(default)]
    pub late: bool,
    /// After each round in which it was read.
    pub course: Curve,
    /// The values of all runs.
    pub end: Sample,
}

impl Curve {
    /// The values of all runs after a round, at least one.
    pub(crate) fn push(&mut self, round: u64, mut values: Vec<f64>) {
        values.sort_unstable_by(f64::total_cmp);
        self.round.push(round);
        self.mean.push(mean_sd(&values).0);
        let lines = [&mut self.low, &mut self.q1, &mut self.median, &mut self.q3, &mut self.high];
        for (line, p) in lines.into_iter().zip([0.05, 0.25, 0.5, 0.75, 0.95]) {
            line.push(quantile(&values, p));
        }
    }
}

/// A committed minority: which of the runs it tipped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tipping {
    /// The name that everyone remembered at the start, where there was one.
    pub majority: Option<String>,
    /// The name that the first group of the committed says.
    pub minority: String,
    /// How many agents are committed to it.
    pub count: u64,
    /// Of all agents, committed ones included.
    pub fraction: f64,
    /// How many runs it tipped.
    pub tipped: u64,
    /// Of how many; a run in which everyone is committed is not judged.
    pub of: u64,
    /// Tipped runs over these, from 0 to 1.
    pub share: f64,
    /// Where the share's 95 % interval begins.
    pub low: f64,
    /// Where the share's 95 % interval ends.
    pub high: f64,
    /// The minority's name among the others' choices over the last three rounds, mean over runs.
    pub final_share: f64,
}

/// One agent asked alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IndividualFacts {
    /// What the agent remembers: its own and its partner's choice in each round, oldest first.
    pub memory: Vec<[String; 2]>,
    /// Own choices, an underscore, partner's choices, oldest first; `empty` for none.
    pub memory_text: String,
    /// How many usable answers it gave, over all runs.
    pub answers: u64,
    /// Each name's share of them, in the order of the pool.
    pub choices: Vec<Share>,
    /// Exact binomial (two names) or chi-squared test of equal probabilities.
    pub p_uniform: f64,
}

/// Winners over runs against what agents choose with an empty memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CollectiveBias {
    /// The G statistic.
    pub statistic: f64,
    /// Monte-Carlo.
    pub p: f64,
    /// Both in words.
    pub text: String,
}

/// All that is said of one point. The same shape serves what ran here and what was recorded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// How many runs the point has.
    pub runs: u64,
    /// How many runs reached it. None where an agent is asked alone, or where consensus is not judged.
    #[serde(default)]
    pub consensus: Option<Share>,
    /// Population rounds to consensus, of the runs that reached it.
    #[serde(default)]
    pub rounds: Option<Sample>,
    /// Of the runs that reached consensus, how many each name won: most first, at most 26 of them.
    #[serde(default)]
    pub winners: Vec<Share>,
    /// Choices made with an empty memory: individual bias in the population itself.
    #[serde(default)]
    pub prior: Vec<Share>,
    /// The test of them against equal probabilities: exact binomial for two names, chi-squared for more.
    #[serde(default)]
    pub prior_p: Option<f64>,
    /// None where no run has a winner, or no choice with an empty memory was seen.
    #[serde(default)]
    pub collective_bias: Option<CollectiveBias>,
    /// The success rate by round. A run that reached consensus counts as successful after its end.
    #[serde(default)]
    pub success: Option<Curve>,
    /// Void interactions over all interactions of all runs.
    #[serde(default)]
    pub void_share: f64,
    /// Unusable answers of language models, of all: the mean over runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalid_share: Option<f64>,
    /// How often an agent repeated its last choice after a success: a share from 0 to 1, over all such choices of all runs.
    #[serde(default)]
    pub stay_after_success: Option<f64>,
    /// How often it chose another name after a failure, likewise.
    #[serde(default)]
    pub switch_after_failure: Option<f64>,
    /// In the game `opinion`: the share of all agents that hold the commonest opinion at the end, over runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Sample>,
    /// By measure, with the name it is of after a colon.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub followed: BTreeMap<String, FollowedFacts>,
    /// None where nobody is committed.
    #[serde(default)]
    pub tipping: Option<Tipping>,
    /// None but where one agent is asked alone.
    #[serde(default)]
    pub individual: Option<IndividualFacts>,
}
