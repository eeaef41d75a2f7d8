//! What is said over the runs of one point: shares with their intervals, distributions, tests. It is made
//! from rows and readings alone, so a live run, a finished one and an imported one get the same words.

use crate::experiment::Point;
use crate::measure::Reading;
use crate::outcome::Outcome;
use crate::stats::{Proportion, always_valid_share, binomial_test, g_test, mean_sd, quantile, uniform_test};
use crate::{AgentId, Seed};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One run: a row of `runs.parquet`.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRow {
    /// The run's number in its directory, from 0.
    pub run: u64,
    /// The run's number at its sweep point, from 0: part of its seed.
    pub replica: u64,
    /// None for a recorded run.
    pub seed: Option<u64>,
    /// The winner is a place in the pool; in words it is below.
    pub outcome: Outcome,
    /// The winner in words.
    pub winner: Option<String>,
    /// Who is committed at the start, sorted and from 0.
    pub committed: Vec<AgentId>,
}

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
    fn of_runs(looked_at: bool, name: Option<String>, count: u64, of: u64) -> Share {
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

/// How many values of a sample are kept.
pub const VALUES_MAX: usize = 2000;

impl Sample {
    /// Sorts and describes values. None where there are none.
    pub fn new(mut values: Vec<f64>) -> Option<Sample> {
        if values.is_empty() {
            return None;
        }
        values.sort_unstable_by(f64::total_cmp);
        let (mean, sd) = mean_sd(&values);
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

/// A measure that is read now and then: its course, over the runs that went on so long, and its value at the end of each.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Followed {
    /// After each round in which it was read.
    pub course: Curve,
    /// The last values of all runs.
    pub end: Sample,
}

/// The measures that are [`Followed`].
const FOLLOWED: [&str; 5] =
    ["perceptual_categories", "linguistic_categories", "perceptual_overlap", "linguistic_overlap", "named_alike"];

impl Curve {
    /// The values of all runs after a round, at least one.
    fn push(&mut self, round: u64, mut values: Vec<f64>) {
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
pub struct Individual {
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
    /// In the category game, by measure.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub followed: BTreeMap<String, Followed>,
    /// None where nobody is committed.
    #[serde(default)]
    pub tipping: Option<Tipping>,
    /// None but where one agent is asked alone.
    #[serde(default)]
    pub individual: Option<Individual>,
}

/// Names' shares in one run, for showing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExampleRun {
    /// The run's number in its directory, from 0.
    pub run: u64,
    /// None where the run has no winner.
    pub winner: Option<String>,
    /// The population rounds, from 1, after which there are shares.
    pub round: Vec<u64>,
    /// Each name's share of the choices, from 0 to 1, at those rounds.
    pub names: BTreeMap<String, Vec<f64>>,
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (n, sum) = values.fold((0.0, 0.0), |(n, sum), value| (n + 1.0, sum + value));
    (n > 0.0).then(|| sum / n)
}

/// How many runs are shown one by one.
const EXAMPLES: usize = 3;
/// A curve longer than this is thinned to it.
const CURVE_MAX: usize = 400;
const MONTE_CARLO: usize = 10_000;

/// Readings of a measure that is followed.
#[derive(Default)]
struct Read {
    /// Of all runs, by after how many interactions.
    course: BTreeMap<u64, Vec<f64>>,
    /// The last of each run.
    ends: Vec<f64>,
}

/// A fold over the runs of one point.
pub struct Summary {
    names: Vec<String>,
    size: u64,
    rows: Vec<RunRow>,
    /// Success in each population round, by run.
    success: Vec<Vec<f32>>,
    first: BTreeMap<String, u64>,
    answers: BTreeMap<String, u64>,
    /// Kept after success and of how many; changed after failure and of how many.
    reactions: [f64; 4],
    /// The largest share of agents that held one opinion at the end, by run.
    held: Vec<f64>,
    followed: BTreeMap<&'static str, Read>,
    /// The first few runs whose names' shares were recorded, in the order in which they were added.
    pub examples: Vec<ExampleRun>,
}

impl Summary {
    /// Of no runs yet.
    pub fn new(point: &Point) -> Summary {
        Summary {
            names: point.experiment.names().to_vec(),
            size: point.experiment.size(),
            rows: Vec::new(),
            success: Vec::new(),
            first: BTreeMap::new(),
            answers: BTreeMap::new(),
            reactions: [0.0; 4],
            held: Vec::new(),
            followed: BTreeMap::new(),
            examples: Vec::new(),
        }
    }

    /// Takes a run and all its readings.
    pub fn add(&mut self, row: RunRow, readings: &[Reading]) {
        let mut success = Vec::new();
        let mut example = ExampleRun { run: row.run, winner: row.winner.clone(), round: Vec::new(), names: BTreeMap::new() };
        let mut reaction = [f64::NAN; 4];
        let mut held: BTreeMap<&str, f64> = BTreeMap::new();
        let mut last: BTreeMap<&'static str, f64> = BTreeMap::new();
        for Reading { t, measure, value } in readings {
            let (kind, name) = measure.split_once(':').unwrap_or((measure, ""));
            match kind {
                "success_rate" => success.push(*value as f32),
                "name_share" if self.examples.len() < EXAMPLES => {
                    let round = t.div_ceil(self.size);
                    if example.round.last() != Some(&round) {
                        example.round.push(round);
                    }
                    example.names.entry(name.into()).or_default().push(*value);
                }
                "held_share" => drop(held.insert(name, *value)),
                "first_choice" => *self.first.entry(name.into()).or_default() += *value as u64,
                "answer" => *self.answers.entry(name.into()).or_default() += *value as u64,
                "stay_after_success" => reaction[0] = *value,
                "stay_after_success_n" => reaction[1] = *value,
                "switch_after_failure" => reaction[2] = *value,
                "switch_after_failure_n" => reaction[3] = *value,
                kind => {
                    if let Some(kind) = FOLLOWED.into_iter().find(|followed| *followed == kind) {
                        self.followed.entry(kind).or_default().course.entry(*t).or_default().push(*value);
                        last.insert(kind, *value);
                    }
                }
            }
        }
        last.into_iter().for_each(|(kind, value)| self.followed.entry(kind).or_default().ends.push(value));
        for pair in [0, 2] {
            if reaction[pair].is_finite() {
                self.reactions[pair] += reaction[pair] * reaction[pair + 1];
                self.reactions[pair + 1] += reaction[pair + 1];
            }
        }
        if self.examples.len() < EXAMPLES && !example.round.is_empty() {
            self.examples.push(example);
        }
        self.held.extend(held.into_values().reduce(f64::max));
        self.success.push(success);
        self.rows.push(row);
    }

    /// How many runs were added.
    pub fn runs(&self) -> usize {
        self.rows.len()
    }

    /// What there is to say, for a point whose committed minority, start and game are those given.
    pub fn facts(&self, point: &Point) -> Facts {
        let runs = self.rows.len() as u64;
        let experiment = &point.experiment;
        let alone = experiment.game.spec.alone();
        let reached = self.rows.iter().filter(|row| row.outcome.consensus).count() as u64;
        // Of many words none wins; a few rounds without a failure say something only where they were asked for.
        let judged = experiment.game.spec.scenes().is_none() || experiment.stop.consensus.is_some();
        let looked_at = experiment.sequential.is_some();
        let winners = if judged { self.winners(looked_at, reached) } else { Vec::new() };
        let prior = shares(&self.first, &self.names);
        let void = self.rows.iter().map(|row| row.outcome.void_share * row.outcome.interactions as f64).sum::<f64>();
        let all = self.rows.iter().map(|row| row.outcome.interactions).sum::<u64>();
        let rate = |i: usize| (self.reactions[i + 1] > 0.0).then(|| self.reactions[i] / self.reactions[i + 1]);
        Facts {
            runs,
            consensus: (!alone && judged && runs > 0).then(|| Share::of_runs(looked_at, None, reached, runs)),
            rounds: judged
                .then(|| self.rows.iter().filter_map(|row| row.outcome.rounds_to_consensus).collect())
                .and_then(Sample::new),
            collective_bias: self.collective_bias(&winners, &prior, experiment.seed),
            winners,
            prior_p: (!prior.is_empty()).then(|| against_uniform(&prior)),
            prior,
            success: self.curve(),
            void_share: if all > 0 { void / all as f64 } else { 0.0 },
            invalid_share: mean(self.rows.iter().filter_map(|row| row.outcome.invalid_share)),
            stay_after_success: rate(0),
            switch_after_failure: rate(2),
            held: Sample::new(self.held.clone()),
            followed: self.followed.iter().filter_map(|(kind, seen)| Some((kind.to_string(), self.follow(seen)?))).collect(),
            tipping: self.tipping(point),
            individual: alone.then(|| self.individual(point)),
        }
    }

    fn winners(&self, looked_at: bool, reached: u64) -> Vec<Share> {
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        let won = self.rows.iter().filter(|row| row.outcome.consensus).filter_map(|row| row.winner.as_deref());
        won.for_each(|name| *counts.entry(name).or_default() += 1);
        let mut winners: Vec<Share> =
            counts.into_iter().map(|(name, count)| Share::of_runs(looked_at, Some(name.into()), count, reached)).collect();
        winners.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
        // Where there is no pool every run invents its winner, and a list of them says nothing.
        winners.truncate(26);
        winners
    }

    fn collective_bias(&self, winners: &[Share], prior: &[Share], seed: u64) -> Option<CollectiveBias> {
        let of: u64 = winners.iter().map(|winner| winner.count).sum();
        if of == 0 || prior.is_empty() {
            return None;
        }
        let won =
            |name: &String| winners.iter().find(|winner| winner.name.as_ref() == Some(name)).map_or(0, |winner| winner.count);
        let counts: Vec<u64> = self.names.iter().map(won).collect();
        // Half a choice is added to each name, so that one never chosen first is not impossible.
        let chosen = |name: &String| prior.iter().find(|share| share.name.as_ref() == Some(name)).map_or(0, |share| share.count);
        let all: f64 = self.names.iter().map(|name| chosen(name) as f64 + 0.5).sum();
        let expected: Vec<f64> = self.names.iter().map(|name| (chosen(name) as f64 + 0.5) / all).collect();
        let (statistic, p) = g_test(&counts, &expected, MONTE_CARLO, Seed(seed));
        let text = format!("p {} (G = {statistic:.1})", p_words(p));
        Some(CollectiveBias { statistic, p, text })
    }

    /// Runs that ended in consensus count as successful from then on; others leave the curve where they end.
    fn curve(&self) -> Option<Curve> {
        let longest = self.success.iter().map(Vec::len).max().filter(|&longest| longest > 0)?;
        let step = longest.div_ceil(CURVE_MAX);
        let mut curve = Curve::default();
        for round in (0..longest).step_by(step) {
            let mut values: Vec<f64> = Vec::new();
            for (row, success) in self.rows.iter().zip(&self.success) {
                match success.get(round) {
                    Some(&value) => values.push(f64::from(value)),
                    None if row.outcome.consensus && !success.is_empty() => values.push(1.0),
                    None => (),
                }
            }
            curve.push(round as u64 + 1, values);
        }
        Some(curve)
    }

    fn follow(&self, Read { course: seen, ends }: &Read) -> Option<Followed> {
        let mut course = Curve::default();
        for (t, values) in seen {
            course.push(t.div_ceil(self.size), values.clone());
        }
        Some(Followed { course, end: Sample::new(ends.clone())? })
    }

    fn tipping(&self, point: &Point) -> Option<Tipping> {
        let committed = point.experiment.agents.committed.first()?;
        let count = committed.count(point.experiment.population.size);
        let judged: Vec<bool> = self.rows.iter().filter_map(|row| row.outcome.tipped).collect();
        let (tipped, of) = (judged.iter().filter(|&&tipped| tipped).count() as u64, judged.len() as u64);
        let shares: Vec<f64> = self.rows.iter().filter_map(|row| row.outcome.minority_share).collect();
        let Share { share, low, high, .. } = Share::of_runs(point.experiment.sequential.is_some(), None, tipped, of);
        Some(Tipping {
            majority: point.experiment.population.start.consensus.clone(),
            minority: committed.name.clone(),
            count,
            fraction: count as f64 / self.size as f64,
            tipped,
            of,
            share,
            low,
            high,
            final_share: mean_sd(&shares).0,
        })
    }

    fn individual(&self, point: &Point) -> Individual {
        let start = &point.experiment.population.start;
        let full = |name: &String| vec![[name.clone(), name.clone()]; point.experiment.memory()];
        let memory = start.memory.clone().or(start.consensus.as_ref().map(full)).unwrap_or_default();
        let side = |own: usize| memory.iter().map(|round| round[own].as_str()).collect::<Vec<_>>().join("");
        let choices = shares(&self.answers, &self.names);
        let answers: u64 = choices.iter().map(|share| share.count).sum();
        let p_uniform = against_uniform(&choices);
        let memory_text = if memory.is_empty() { "empty".into() } else { format!("{}_{}", side(0), side(1)) };
        Individual { memory_text, memory, answers, choices, p_uniform }
    }
}

/// A p-value in words that do not claim more than a Monte-Carlo test can.
pub fn p_words(p: f64) -> String {
    if p < 1.5 / MONTE_CARLO as f64 {
        format!("< {:.0e}", 2.0 / MONTE_CARLO as f64)
    } else {
        format!("= {p:.2}").replace("= 0.00", "< 0.005")
    }
}

/// The p of choices if all names were equally likely.
fn against_uniform(choices: &[Share]) -> f64 {
    let counts: Vec<u64> = choices.iter().map(|share| share.count).collect();
    match counts[..] {
        [] => f64::NAN,
        [one, other] => binomial_test(one, one + other, 0.5),
        _ => uniform_test(&counts).2,
    }
}

fn shares(counts: &BTreeMap<String, u64>, names: &[String]) -> Vec<Share> {
    let of: u64 = counts.values().sum();
    if of == 0 {
        return Vec::new();
    }
    names.iter().map(|name| Share::new(Some(name.clone()), counts.get(name).copied().unwrap_or(0), of)).collect()
}
