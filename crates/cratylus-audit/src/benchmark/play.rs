//! Populations of a model whose response is known: what they do, and what the audits of the record make of them.

use crate::audits::findings;
use crate::case::{AuditOptions, Case};
use crate::evidence::{Condition, Record};
use crate::finding::Finds;
use crate::surrogate::{histories, populations, record_of, success_curve, yoked};
use crate::verdict::verdict;
use cratylus_core::World;
use cratylus_core::experiment::{Committed, Document, Experiment, JoinBy, Point, Start};
use cratylus_core::kernel::Kernel;
use cratylus_core::policy::Policy;
use cratylus_core::spec::Kind;
use cratylus_core::stats::{mean_sd, normalised_entropy};
use cratylus_core::watch::stop::{ShareStop, Stop};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How the populations are made up.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PlaySpec {
    /// Numbers of agents; statements are about the first.
    #[serde(default = "twelve")]
    pub sizes: Vec<u32>,
    /// How many rounds an agent remembers.
    #[serde(default = "five")]
    pub memory: usize,
    /// The most population rounds of a run.
    #[serde(default = "thirty_five")]
    pub rounds: u64,
    /// Runs of each population.
    #[serde(default = "forty")]
    pub runs: u64,
    /// At which temperatures models choose; statements are about the first.
    #[serde(default = "half")]
    pub temperatures: Vec<f64>,
    /// How many pairs of names a response is averaged over where its labels are hidden.
    #[serde(default = "three")]
    pub pairs: usize,
    /// How many populations each audit simulates.
    #[serde(default = "two_hundred")]
    pub populations: u64,
}

fn twelve() -> Vec<u32> {
    vec![12]
}

fn three() -> usize {
    3
}

fn five() -> usize {
    5
}

fn thirty_five() -> u64 {
    35
}

fn forty() -> u64 {
    40
}

fn half() -> Vec<f64> {
    vec![0.5]
}

fn two_hundred() -> u64 {
    200
}

impl PlaySpec {
    /// What is wrong with it: which key, and why.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        if self.sizes.is_empty() || self.temperatures.is_empty() {
            let key = if self.sizes.is_empty() { "sizes" } else { "temperatures" };
            return Err((key, "there is at least one".into()));
        }
        if let Some(size) = self.sizes.iter().find(|size| !(4..=10_000).contains(*size)) {
            return Err(("sizes", format!("populations of 4 to 10,000 agents are played, found {size}")));
        }
        if !(1..=5).contains(&self.memory) {
            return Err(("memory", format!("agents remember 1 to 5 rounds, found {}", self.memory)));
        }
        if !(4..=10_000).contains(&self.rounds) {
            return Err(("rounds", format!("a run has 4 to 10,000 population rounds, found {}", self.rounds)));
        }
        if !(4..=10_000).contains(&self.runs) {
            return Err(("runs", format!("4 to 10,000 runs are played of each population, found {}", self.runs)));
        }
        if let Some(temperature) = self.temperatures.iter().find(|temperature| !(0.01..=10.0).contains(*temperature)) {
            return Err(("temperatures", format!("expected a temperature from 0.01 to 10, found {temperature}")));
        }
        if !(1..=12).contains(&self.pairs) {
            return Err(("pairs", format!("1 to 12 pairs of names are averaged over, found {}", self.pairs)));
        }
        if !(20..=100_000).contains(&self.populations) {
            return Err(("populations", format!("audits simulate 20 to 100,000 populations, found {}", self.populations)));
        }
        Ok(())
    }
}

/// What populations of one model did, and what the audits of the record made of them.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Behaviour {
    /// P(the first name of the plain pair | nothing remembered).
    pub first: f64,
    /// With hidden labels: how often a name is kept after a success, remembered alone.
    pub stay: f64,
    /// With hidden labels: how often the partner's name is taken over after a failure, remembered alone.
    pub follow: f64,
    /// Success in population rounds 1, 3 and 10, with hidden labels.
    pub early: [f64; 3],
    /// Success late in a run with hidden labels, and the same of agents that are told of others' partners, for each size and
    /// temperature; the first is what statements are about.
    pub agreement: Vec<Agreement>,
    /// Success late in a run, with the plain pair of names.
    pub plain: f64,
    /// Mean logarithm of the population rounds to consensus with hidden labels, where a run that came to none counts as long
    /// as it was (a restricted mean).
    pub log_time: f64,
    /// Runs with hidden labels that came to consensus, and all.
    pub agreed: [u64; 2],
    /// The least committed minority that tips half the populations with hidden labels, in agents, interpolated; the largest
    /// that was tried where none does.
    pub tips: f64,
    /// Runs with the plain pair, and in how many of them the first name was said more often than the other at the end.
    pub winners: [u64; 2],
    /// Entropy of these winners, from 0 to 1.
    pub entropy: f64,
    /// The verdicts on the record with the plain pair: on interaction, and on recall of an outcome.
    pub verdicts: [Finds; 2],
    /// The verdict on recall where the rule that was inserted is kept out of the rivals.
    pub without_rule: Finds,
    /// What each audit of that record finds.
    pub findings: Vec<(String, Finds)>,
}

/// How far the populations of one size agree, at one temperature.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct Agreement {
    /// The number of agents.
    pub size: u32,
    /// At which models choose.
    pub temperature: f64,
    /// Success late in a run, with hidden labels.
    pub hidden: f64,
    /// The same of agents that are told of others' partners.
    pub yoked: f64,
}

impl Behaviour {
    /// Success late in a run with hidden labels, in the setting that statements are about.
    pub fn hidden(&self) -> f64 {
        self.agreement[0].hidden
    }

    /// The same without partners.
    pub fn yoked(&self) -> f64 {
        self.agreement[0].yoked
    }
}

fn point(play: &PlaySpec, size: u32) -> Point {
    let text = format!(
        "seed = 1\nreplicas = {}\npopulation.size = {size}\ngame = {{ kind = \"coordination\", names = [\"first\", \"second\"], memory = {} }}\n\
         agents = {{ kind = \"uniform\" }}\nstop = {{ consensus = {{ window_rounds = 3 }}, rounds = {} }}\n",
        play.runs, play.memory, play.rounds
    );
    let document = Document::parse("benchmark", &text, &[]).expect("written here");
    document.points().expect("written here").remove(0)
}

fn records(experiment: &Experiment, kernel: &Kernel, what: &str, seed: u64, runs: u64) -> Vec<Record> {
    let mut experiment = experiment.clone();
    experiment.seed = seed;
    let policy: Arc<dyn Policy> = Arc::new(kernel.clone());
    let world = World::surrogate(experiment, Kind::Window(policy), what.into(), None);
    (0..runs).map(|run| record_of(&world, run)).collect()
}

/// Populations of a response, with the condition that audits see.
fn condition(play: &PlaySpec, size: u32, kernel: &Kernel, what: &str, seed: u64) -> Condition {
    let point = point(play, size);
    let runs = records(&point.experiment, kernel, what, seed, play.runs);
    let [label, agents] = ["benchmark", "benchmark"].map(String::from);
    Condition { label, agents, point, runs, read_elsewhere: false, cautions: Vec::new() }
}

/// Success by population round, mean over runs; a run that agreed stays so.
fn curve(of: &Condition, play: &PlaySpec) -> Vec<f64> {
    let rounds: Vec<Vec<[u64; 2]>> = of.runs.iter().map(|run| run.success_by_round(of.size())).collect();
    let runs = of.runs.iter().zip(&rounds).map(|(run, rounds)| (run.outcome.consensus, &rounds[..]));
    success_curve(runs, play.rounds as usize).iter().map(|values| mean_sd(values).0).collect()
}

fn late(curve: &[f64]) -> f64 {
    let of = &curve[curve.len() - (curve.len() / 4).max(1)..];
    of.iter().sum::<f64>() / of.len() as f64
}

/// Late success of the same agents where they are told what partners said to some agent of another run.
fn told_of_others(play: &PlaySpec, hidden: &Condition, kernel: &Kernel, seed: u64) -> f64 {
    let told = histories(hidden);
    let interactions = play.rounds * u64::from(hidden.size());
    let policy: Arc<dyn Policy> = Arc::new(kernel.clone());
    let share = |run| {
        let events = yoked(hidden, policy.clone(), &told, interactions, [seed, run]);
        let events = &events[events.len() - events.len() / 4..];
        events.iter().filter(|event| event.success == Some(true)).count() as f64 / events.len() as f64
    };
    mean_sd(&(0..play.runs).map(share).collect::<Vec<f64>>()).0
}

/// A population is tipped where the minority's name has so large a share of what the others say in three rounds: less than in published runs, whose
/// agents choose with less noise.
const TIPPED: f64 = 0.8;

/// The least minority that tips half the populations, from everyone on the other name.
fn tips(play: &PlaySpec, hidden: &Condition, kernel: &Kernel, seed: u64) -> f64 {
    let names = hidden.names();
    let share = |count: u32| {
        let runs = populations(hidden, Arc::new(kernel.clone()), play.runs, seed, |experiment| {
            experiment.population.start = Start { consensus: Some(names[1].clone()), ..Start::default() };
            let name = names[0].clone();
            experiment.agents.committed = vec![Committed { name, count: Some(count.into()), share: None, how: JoinBy::Replace }];
            let share = ShareStop { name: Some(names[0].clone()), window_rounds: 3, threshold: TIPPED };
            experiment.stop = Stop { share: Some(share), rounds: Some(play.rounds), ..Stop::default() };
        });
        runs.iter().filter(|run| run.outcome.minority_share.is_some_and(|share| share >= TIPPED)).count() as f64
            / runs.len() as f64
    };
    let most = hidden.size() * 3 / 4;
    // Sizes are tried one after the other, in steps that leave at most twelve.
    let step = most.div_ceil(12).max(1);
    let (mut before, mut from) = (0.0, 0);
    for count in (1..=most).step_by(step as usize) {
        let now = share(count);
        if now >= 0.5 {
            return f64::from(from) + f64::from(count - from) * (0.5 - before) / (now - before);
        }
        (before, from) = (now, count);
    }
    f64::from(most)
}

/// Plays populations of a model: `plain` is its response to one pair of names, `hidden` the same averaged over pairs and
/// orders, both names alike. Both are as the model has them, at a temperature of 1.
pub fn behaviour(play: &PlaySpec, plain: &Kernel, hidden: &Kernel, seed: u64) -> Behaviour {
    let mut agreement = Vec::new();
    let mut first = None;
    for &temperature in &play.temperatures {
        for &size in &play.sizes {
            let kernel = hidden.at_temperature(temperature);
            let of = condition(play, size, &kernel, "aliased", seed);
            let yoked = told_of_others(play, &of, &kernel, seed);
            agreement.push(Agreement { size, temperature, hidden: late(&curve(&of, play)), yoked });
            first.get_or_insert((of, kernel));
        }
    }
    let (of, hidden) = first.expect("there is a size and a temperature");
    let course = curve(&of, play);
    let most = play.rounds as f64;
    let times = of.runs.iter().map(|run| run.outcome.rounds_to_consensus.unwrap_or(most).clamp(1.0, most).ln());
    let plain = plain.at_temperature(play.temperatures[0]);
    let shown = condition(play, play.sizes[0], &plain, "plain", seed);
    let majority = shown.runs.iter().filter(|run| {
        let late = &run.events[run.events.len() - run.events.len().div_ceil(4)..];
        let said =
            |name: u32| late.iter().flat_map(|event| event.names).filter(|said| said.is_some_and(|said| said == name)).count();
        said(0) > said(1)
    });
    let first_won = majority.count() as u64;
    let late_plain = late(&curve(&shown, play));
    let runs = shown.runs.len() as u64;
    let options =
        AuditOptions { seed: seed >> 1, populations: play.populations, draws: 2000, resamples: 10, ..AuditOptions::default() };
    let record = shown.without_copies();
    let all = std::slice::from_ref(&record);
    let wanted = |audit: &str| !matches!(audit, "tipping" | "metric" | "equivalence");
    let found =
        |options: &AuditOptions| Case::new(&record, all, options).map_or_else(|_| Vec::new(), |case| findings(&case, &wanted));
    let with_all = found(&options);
    let on_record = verdict(&record.label, &with_all, &[]);
    let without = found(&AuditOptions { without: Some(RULE_OF_RECORDS), ..options });
    Behaviour {
        first: plain.p(&[]),
        stay: hidden.p(&[[0, 0]]),
        follow: 1.0 - hidden.p(&[[0, 1]]),
        early: [1, 3, 10].map(|round: usize| course[(round - 1).min(course.len() - 1)]),
        agreement,
        plain: late_plain,
        log_time: mean_sd(&times.collect::<Vec<f64>>()).0,
        agreed: [of.runs.iter().filter(|run| run.outcome.consensus).count() as u64, of.runs.len() as u64],
        tips: tips(play, &of, &hidden, seed),
        winners: [runs, first_won],
        entropy: normalised_entropy(&[first_won, runs - first_won]),
        verdicts: [on_record.interaction, on_record.recall],
        without_rule: verdict(&record.label, &without, &[]).recall,
        findings: with_all.into_iter().map(|finding| (finding.audit, finding.finds)).collect(),
    }
}

/// The rival whose rule the inserted records follow: win-stay, lose-shift.
const RULE_OF_RECORDS: &str = "M2";

#[cfg(test)]
mod tests {
    use super::*;
    use std::cmp::Ordering;

    #[test]
    fn populations_of_known_responses_do_what_they_must() {
        let play =
            PlaySpec { sizes: vec![12], memory: 2, rounds: 30, runs: 10, temperatures: vec![1.0], pairs: 1, populations: 40 };
        // Followers of what was said most, by themselves and their partners, and speakers of one name.
        let follower = Kernel::of(2, |window| {
            let first = window.iter().flatten().filter(|&&name| name == 0).count();
            match first.cmp(&window.len()) {
                Ordering::Greater => 0.98,
                Ordering::Equal => 0.5,
                Ordering::Less => 0.02,
            }
        });
        let found = behaviour(&play, &follower, &follower.symmetric(), 3);
        assert!((found.stay - 0.98).abs() < 1e-9 && (found.follow - 0.5).abs() < 1e-9);
        assert!(found.hidden() > 0.85 && (found.yoked() - 0.5).abs() < 0.1, "{found:?}");
        // A minority that never gives way tips followers well before it is half of them, and no coin.
        assert!(found.tips > 0.5 && found.tips < 6.0, "{}", found.tips);
        let coin = Kernel::of(2, |_| 0.5);
        assert_eq!(behaviour(&play, &coin, &coin, 3).tips, 9.0);
        let speaker = Kernel::of(2, |_| 0.97);
        let found = behaviour(&play, &speaker, &speaker.symmetric(), 3);
        assert!(found.plain > 0.9 && found.winners == [10, 10] && found.entropy == 0.0, "{found:?}");
        assert!((found.hidden() - 0.5).abs() < 0.1, "with hidden labels a name is nobody's: {found:?}");
        assert_eq!(found, behaviour(&play, &speaker, &speaker.symmetric(), 3));
    }
}
