//! What is said over the runs of one point: shares with their intervals, distributions, tests. It is made
//! from rows and readings alone, so a live run, a finished one and an imported one get the same words.

use crate::experiment::Point;
use crate::stats::{binomial_test, g_test, mean_sd, uniform_test};
use crate::watch::facts::{CollectiveBias, Curve, Facts, FollowedFacts, IndividualFacts, Sample, Share, Tipping};
use crate::watch::measure::{Course, Score};
use crate::watch::outcome::Outcome;
use crate::watch::readings::Readings;
use crate::{AgentId, Seed};
use serde::Serialize;
use smol_str::SmolStr;
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

impl ExampleRun {
    /// Of a long run no more rounds than a screen can show. Those are kept in which a name's share is the least or the most of
    /// the rounds around, as that is what a drawing of all of them would show.
    fn thinned(mut self) -> ExampleRun {
        let (n, names) = (self.round.len(), self.names.len().max(1));
        let stretches = (SHOWN_MAX / (2 * names)).max(1);
        if n <= SHOWN_MAX || self.names.values().any(|shares| shares.len() != n) {
            return self;
        }
        let mut kept = vec![false; n];
        (kept[0], kept[n - 1]) = (true, true);
        for from in (0..n).step_by(n.div_ceil(stretches)) {
            let stretch = from..n.min(from + n.div_ceil(stretches));
            for shares in self.names.values() {
                let by_share = |a: &usize, b: &usize| shares[*a].total_cmp(&shares[*b]);
                let extremes = [stretch.clone().min_by(by_share), stretch.clone().max_by(by_share)];
                extremes.into_iter().flatten().for_each(|i| kept[i] = true);
            }
        }
        fn thin<T>(list: &mut Vec<T>, kept: &[bool]) {
            let mut kept = kept.iter();
            list.retain(|_| *kept.next().expect("one for each"));
        }
        thin(&mut self.round, &kept);
        self.names.values_mut().for_each(|shares| thin(shares, &kept));
        self
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (n, sum) = values.fold((0.0, 0.0), |(n, sum), value| (n + 1.0, sum + value));
    (n > 0.0).then(|| sum / n)
}

/// How many runs are shown one by one.
const EXAMPLES: usize = 3;
/// A curve longer than this is thinned to it.
const CURVE_MAX: usize = 400;
/// About so many rounds of a run that is shown by itself are told.
const SHOWN_MAX: usize = 1600;
const MONTE_CARLO: usize = 10_000;

/// Readings of a measure that is followed.
struct Read {
    course: Course,
    place: usize,
    /// Of each run, after how many interactions and what.
    runs: Vec<Vec<(u64, f64)>>,
}

/// What was read of a run so far.
#[derive(Default)]
struct One {
    /// Success in each population round.
    success: Vec<f32>,
    /// Names' shares, where the run is to be shown, and the rounds after which there are some.
    rounds: Vec<u64>,
    shares: BTreeMap<String, Vec<f64>>,
    /// Kept after success and of how many; changed after failure and of how many.
    reaction: [Option<f64>; 4],
    /// The share of agents that held each opinion last.
    held: BTreeMap<String, f64>,
    /// What is followed, by measure with the name it is of.
    followed: BTreeMap<SmolStr, Vec<(u64, f64)>>,
}

/// A fold over the runs of one point.
pub struct Summary {
    names: Vec<String>,
    size: u64,
    rows: Vec<RunRow>,
    /// The run that is seen.
    one: One,
    /// Success in each population round, by run.
    success: Vec<Vec<f32>>,
    first: BTreeMap<String, u64>,
    answers: BTreeMap<String, u64>,
    /// Kept after success and of how many; changed after failure and of how many.
    reactions: [f64; 4],
    /// The largest share of agents that held one opinion at the end, by run.
    held: Vec<f64>,
    /// What is followed, and what was read of it, by measure with the name it is of.
    courses: Vec<Course>,
    scores: &'static [Score],
    followed: BTreeMap<String, Read>,
    /// The first few runs whose names' shares were recorded, in the order in which they were added.
    pub examples: Vec<ExampleRun>,
}

impl Summary {
    /// Of no runs yet.
    pub fn new(point: &Point) -> Summary {
        let spec = &point.experiment.game.spec;
        let agreeing = spec.agrees() || point.experiment.opinions() || point.experiment.alone();
        let courses = point.experiment.registry.measures.iter().flat_map(|entry| entry.courses);
        Summary {
            courses: courses.filter(|course| !(agreeing && course.where_none_agree)).copied().collect(),
            scores: spec.scores(),
            names: point.experiment.names().to_vec(),
            size: point.experiment.size(),
            rows: Vec::new(),
            one: One::default(),
            success: Vec::new(),
            first: BTreeMap::new(),
            answers: BTreeMap::new(),
            reactions: [0.0; 4],
            held: Vec::new(),
            followed: BTreeMap::new(),
            examples: Vec::new(),
        }
    }

    /// Takes readings of a run that is not over: any number of its rows, in their order.
    pub fn see(&mut self, readings: &Readings) {
        let one = &mut self.one;
        for (place, measure) in readings.columns().iter().enumerate() {
            let (kind, name) = measure.split_once(':').unwrap_or((measure, ""));
            if self.courses.iter().any(|course| course.measure == kind) && readings.of(place).next().is_some() {
                one.followed.entry(measure.clone()).or_default().extend(readings.of(place));
            }
            let last = || readings.of(place).last().map(|(_, value)| value);
            match kind {
                "success_rate" => one.success.extend(readings.of(place).map(|(_, value)| value as f32)),
                "name_share" if self.examples.len() < EXAMPLES => {
                    for (t, value) in readings.of(place) {
                        let round = t.div_ceil(self.size);
                        // All names have a share where one has.
                        if one.rounds.last().is_none_or(|&last| last < round) {
                            one.rounds.push(round);
                        }
                        one.shares.entry(name.into()).or_default().push(value);
                    }
                }
                "held_share" => one.held.extend(last().map(|value| (name.to_string(), value))),
                "first_choice" => *self.first.entry(name.into()).or_default() += last().unwrap_or(0.0) as u64,
                "answer" => *self.answers.entry(name.into()).or_default() += last().unwrap_or(0.0) as u64,
                "stay_after_success" => one.reaction[0] = last().or(one.reaction[0]),
                "stay_after_success_n" => one.reaction[1] = last().or(one.reaction[1]),
                "switch_after_failure" => one.reaction[2] = last().or(one.reaction[2]),
                "switch_after_failure_n" => one.reaction[3] = last().or(one.reaction[3]),
                _ => (),
            }
        }
    }

    /// Ends the run whose readings were seen since the last.
    pub fn end(&mut self, row: RunRow) {
        let One { success, rounds, shares, reaction, held, followed } = std::mem::take(&mut self.one);
        for (measure, read) in followed {
            let kind = measure.split(':').next();
            let place = self.courses.iter().position(|course| Some(course.measure) == kind).expect("just found");
            let mut course = self.courses[place];
            // Scores stand in the order of their scene.
            let score = measure.strip_prefix("score:").and_then(|name| self.scores.iter().position(|one| one.name == name));
            course.share |= score.is_some_and(|score| self.scores[score].share);
            let place = 100 * place + score.unwrap_or(0);
            let blank = || Read { course, place, runs: Vec::new() };
            self.followed.entry(measure.into()).or_insert_with(blank).runs.push(read);
        }
        for pair in [0, 2] {
            if let (Some(share), Some(of)) = (reaction[pair], reaction[pair + 1]) {
                self.reactions[pair] += share * of;
                self.reactions[pair + 1] += of;
            }
        }
        if self.examples.len() < EXAMPLES && !rounds.is_empty() {
            self.examples.push(ExampleRun { run: row.run, winner: row.winner.clone(), round: rounds, names: shares }.thinned());
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
        let alone = experiment.alone();
        let reached = self.rows.iter().filter(|row| row.outcome.consensus).count() as u64;
        // Of many words none wins; a few rounds without a failure say something only where they were asked for.
        let spec = &experiment.game.spec;
        let judged = spec.agrees() || experiment.opinions() || experiment.stop.consensus.is_some();
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
            // Scores say more of a scene than whether an episode succeeded.
            success: self.curve().filter(|_| self.scores.is_empty()),
            void_share: if all > 0 { void / all as f64 } else { 0.0 },
            invalid_share: mean(self.rows.iter().filter_map(|row| row.outcome.invalid_share)),
            stay_after_success: rate(0),
            switch_after_failure: rate(2),
            held: Sample::new(self.held.clone()),
            followed: self.followed.iter().filter_map(|(key, read)| Some((key.clone(), self.follow(key, read)?))).collect(),
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

    fn follow(&self, key: &str, Read { course, place, runs }: &Read) -> Option<FollowedFacts> {
        let mut at: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
        runs.iter().flatten().for_each(|&(t, value)| at.entry(t).or_default().push(value));
        let mut over = Curve::default();
        let step = at.len().div_ceil(CURVE_MAX).max(1);
        for (t, values) in at.into_iter().step_by(step) {
            over.push(t.div_ceil(self.size), values);
        }
        let value = |run: &Vec<(u64, f64)>| match course.late {
            true => mean(run[run.len() / 2..].iter().map(|(_, value)| *value)),
            false => run.last().map(|(_, value)| *value),
        };
        let label = match key.split_once(':') {
            Some((_, name)) => format!("{} {}", course.label, name.replace('_', " ")).trim_start().to_string(),
            None => course.label.into(),
        };
        Some(FollowedFacts {
            label,
            place: *place,
            share: course.share,
            late: course.late,
            course: over,
            end: Sample::new(runs.iter().filter_map(value).collect())?,
        })
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

    fn individual(&self, point: &Point) -> IndividualFacts {
        let start = &point.experiment.population.start;
        let full = |name: &String| vec![[name.clone(), name.clone()]; point.experiment.memory()];
        let memory = start.memory.clone().or(start.consensus.as_ref().map(full)).unwrap_or_default();
        let side = |own: usize| memory.iter().map(|round| round[own].as_str()).collect::<Vec<_>>().join("");
        let choices = shares(&self.answers, &self.names);
        let answers: u64 = choices.iter().map(|share| share.count).sum();
        let p_uniform = against_uniform(&choices);
        let memory_text = if memory.is_empty() { "empty".into() } else { format!("{}_{}", side(0), side(1)) };
        IndividualFacts { memory_text, memory, answers, choices, p_uniform }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_run_is_shown_by_its_extremes() {
        let n = 500_000usize;
        let share = |i: usize| if i == 123_456 { 0.01 } else { 0.4 + 0.1 * (i as f64 / 100.0).sin() };
        let [a, b]: [Vec<f64>; 2] = [(0..n).map(share).collect(), (0..n).map(|i| 1.0 - share(i)).collect()];
        let names = BTreeMap::from([("a".to_string(), a), ("b".to_string(), b)]);
        let shown = ExampleRun { run: 0, winner: None, round: (1..=n as u64).collect(), names }.thinned();
        assert!((400..=SHOWN_MAX + 8).contains(&shown.round.len()), "{}", shown.round.len());
        let place = shown.round.iter().position(|&round| round == 123_457).expect("what stands out is kept");
        assert_eq!([shown.names["a"][place], shown.names["b"][place]], [0.01, 0.99]);
        assert_eq!((shown.round[0], shown.round.last()), (1, Some(&(n as u64))));
        let short = ExampleRun { round: (1..=9).collect(), names: BTreeMap::from([("a".into(), vec![0.5; 9])]), ..shown };
        assert_eq!(short.clone().thinned(), short);
    }
}
