//! The audit audited: populations whose mechanism is known by construction, put before every audit as if they were a
//! record. What the audits find is counted against the truth. A mechanism may know what no audit is shown: the run, the
//! time, a name that a program has chosen.

use crate::audits::findings;
use crate::case::{AuditOptions, Case};
use crate::evidence::Condition;
use crate::finding::{Finding, Finds};
use crate::surrogate::record_of;
use crate::verdict::{Verdict, verdict};
use cratylus_core::experiment::Document;
use cratylus_core::stats::Proportion;
use serde::{Deserialize, Serialize};
use serde_json::Value;

mod agents;
mod design;
mod mechanisms;

pub use design::Design;
pub use mechanisms::{MECHANISMS, Mechanism};

/// The record of a population of a mechanism.
pub fn record(mechanism: &'static Mechanism, design: &Design, seed: u64) -> Condition {
    let design = (mechanism.design)(*design);
    let names: Vec<String> = (0..design.names).map(|i| format!("\"{}\"", char::from(b'A' + i as u8))).collect();
    let consensus = if design.ends { "consensus = { window_rounds = 3 }\n" } else { "" };
    let text = format!(
        "name = \"self-test\"\nseed = 0\nreplicas = {}\n[population]\nsize = {}\n[game]\nkind = \"coordination\"\nnames = [{}]\nmemory = {}\n[agents]\nkind = \"uniform\"\n[stop]\n{consensus}rounds = {}\n",
        design.runs,
        design.size,
        names.join(", "),
        design.memory,
        design.rounds
    );
    let document = Document::parse("self-test", &text, &[]).expect("the experiment is whole");
    let mut point = document.points().expect("the experiment is sound").remove(0);
    point.experiment.seed = seed;
    let runs = (0..design.runs).map(|run| record_of(&agents::world(mechanism, point.experiment.clone(), run), run)).collect();
    let condition = Condition {
        label: mechanism.name.into(),
        agents: mechanism.name.into(),
        runs,
        point,
        read_elsewhere: false,
        cautions: Vec::new(),
    };
    (mechanism.kept)(condition)
}

/// What the audits made of one population.
#[derive(Clone, Debug)]
pub struct Trial {
    /// A place in [`MECHANISMS`].
    pub mechanism: usize,
    /// Empty where nothing could be asked of the population.
    pub findings: Vec<Finding>,
    /// What the findings come to.
    pub verdict: Verdict,
}

/// Audits one population of a mechanism.
pub fn trial(mechanism: usize, design: &Design, seed: u64, options: &AuditOptions) -> Trial {
    let condition = record(&MECHANISMS[mechanism], design, seed).without_copies();
    let all = std::slice::from_ref(&condition);
    let options = AuditOptions { seed: cratylus_core::seed::mix(seed) >> 1, ..options.clone() };
    // These decide no verdict, and take as long as all the others.
    let wanted = |audit: &str| !matches!(audit, "tipping" | "metric" | "equivalence");
    let findings = Case::new(&condition, all, &options).map_or_else(|_| Vec::new(), |case| findings(&case, &wanted));
    Trial { mechanism, verdict: verdict(&condition.label, &findings, &[]), findings }
}

/// How often each thing was found of one mechanism.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// As [`Mechanism::name`].
    pub mechanism: String,
    /// What its agents do.
    pub words: String,
    /// Whether the outcome depends on interaction, by construction; None where that has no clear answer.
    pub truth_interaction: Option<bool>,
    /// Whether choices are recall, in part or in all, by construction; None as before.
    pub truth_recall: Option<bool>,
    /// How many populations were audited.
    pub trials: u64,
    /// Verdicts on interaction: depends on it, does not, cannot tell.
    pub interaction: [u64; 3],
    /// On outcome recall: there is some, there is none, cannot tell.
    pub recall: [u64; 3],
}

/// How often an audit raised an alarm where there was nothing, at the level that it claims.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    /// The audit, and what it tests.
    pub test: String,
    /// The mechanisms under which its null holds.
    pub under: String,
    /// The level that it claims, from 0 to 1.
    pub level: f64,
    /// How many trials had a p-value below the level.
    pub alarms: u64,
    /// Of how many trials that gave a p-value.
    pub of: u64,
    /// Alarms over these, from 0 to 1.
    pub share: f64,
    /// Where the share's 95 % interval begins.
    pub low: f64,
    /// Where the share's 95 % interval ends.
    pub high: f64,
}

/// A share of wrong answers with its interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Errors {
    /// How many trials said the opposite of what is true.
    pub wrong: u64,
    /// How many said neither.
    pub cannot_tell: u64,
    /// Of how many trials, undecided ones included.
    pub of: u64,
    /// Wrong ones over all trials, from 0 to 1.
    pub share: f64,
    /// Where the share's 95 % interval begins.
    pub low: f64,
    /// Where the share's 95 % interval ends.
    pub high: f64,
    /// The share of wrong ones of the mechanism that has most of them, from 0 to 1.
    pub worst: f64,
}

/// What the audits made of populations of every mechanism.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SelfTestReport {
    /// How the populations were made up.
    pub design: Design,
    /// In the order of [`MECHANISMS`].
    pub rows: Vec<Row>,
    /// Of the verdict on interaction.
    pub interaction: Errors,
    /// Of the verdict on recall of an outcome.
    pub recall: Errors,
    /// One for each test whose null holds under some mechanism.
    pub alarms: Vec<Alarm>,
}

/// A test of an audit, its level, where its p-value stands, and the mechanisms under which its null holds.
type Null = (&'static str, f64, fn(&[Finding]) -> Option<f64>, &'static [&'static str]);

fn detail(findings: &[Finding], audit: &str, pointer: &str) -> Option<f64> {
    let finding = findings.iter().find(|finding| finding.audit == audit)?;
    finding.details.pointer(pointer).and_then(Value::as_f64)
}

const SAME: &[&str] =
    &["frequency follower", "label-biased follower", "symmetric follower", "win-stay-lose-shift", "own inertia"];
const ALIKE: &[&str] = &["frequency follower", "symmetric follower", "win-stay-lose-shift"];
const DEAF: &[&str] = &["outcome recall", "prior only", "own inertia", "harness decides"];
const FREE: &[&str] = &[
    "frequency follower",
    "label-biased follower",
    "symmetric follower",
    "win-stay-lose-shift",
    "own inertia",
    "outcome recall",
    "prior only",
];

const NULLS: &[Null] = &[
    ("prior: winners against the amplified prior", 0.05, |f| detail(f, "prior", "/against_amplified/p"), ALIKE),
    ("sufficiency: time to consensus", 0.05, |f| detail(f, "sufficiency", "/fitted/p_time"), ALIKE),
    ("sufficiency: winners", 0.05, |f| detail(f, "sufficiency", "/fitted/p_winner"), ALIKE),
    ("sufficiency: one response in every run", 0.05, |f| detail(f, "sufficiency", "/exchangeable/p"), SAME),
    ("collective bias: winners against names alike", 0.05, |f| detail(f, "collective-bias", "/symmetric_p"), ALIKE),
    (
        "interaction: agreement before anything was said",
        0.05,
        |f| detail(f, "interaction", "/agreement_before_anything_was_said/p"),
        FREE,
    ),
    ("history: transfer from partners", 0.05, |f| detail(f, "history", "/transfer_p"), DEAF),
    (
        "position: labels, z over 2",
        0.023,
        |f| {
            let (gain, se) = (detail(f, "position", "/label_gain")?, detail(f, "position", "/label_gain_se")?);
            Some(if gain > 2.0 * se { 0.0 } else { 1.0 })
        },
        &["frequency follower", "symmetric follower", "win-stay-lose-shift", "own inertia"],
    ),
    (
        "mechanism: recall above 1 %",
        0.025,
        |f| {
            let low = detail(f, "mechanism", "/recall/low")?;
            let (gain, se) = (detail(f, "mechanism", "/recall/gain")?, detail(f, "mechanism", "/recall/gain_se")?);
            Some(if low > 0.01 && gain > 2.0 * se { 0.0 } else { 1.0 })
        },
        &["frequency follower", "label-biased follower", "symmetric follower", "win-stay-lose-shift", "own inertia"],
    ),
];

/// Counts trials against the truth.
pub fn report(design: Design, trials: &[Trial]) -> SelfTestReport {
    let mut rows: Vec<Row> = MECHANISMS
        .iter()
        .map(|mechanism| Row {
            mechanism: mechanism.name.into(),
            words: mechanism.words.into(),
            truth_interaction: mechanism.interaction,
            truth_recall: mechanism.recall,
            ..Row::default()
        })
        .collect();
    let place = |finds: Finds, yes: Finds| match finds {
        Finds::CannotTell => 2,
        finds if finds == yes => 0,
        _ => 1,
    };
    for trial in trials {
        let row = &mut rows[trial.mechanism];
        row.trials += 1;
        row.interaction[place(trial.verdict.interaction, Finds::SupportsInteraction)] += 1;
        row.recall[place(trial.verdict.recall, Finds::SupportsRecall)] += 1;
    }
    let errors = |of: fn(&Row) -> (Option<bool>, &[u64; 3])| {
        let (mut wrong, mut open, mut all, mut worst) = (0, 0, 0, 0.0f64);
        for row in &rows {
            let (Some(truth), found) = of(row) else { continue };
            wrong += found[usize::from(truth)];
            open += found[2];
            all += row.trials;
            worst = worst.max(found[usize::from(truth)] as f64 / row.trials.max(1) as f64);
        }
        let Proportion { share, low, high, .. } = Proportion::new(wrong, all.max(1));
        Errors { wrong, cannot_tell: open, of: all, share, low, high, worst }
    };
    let alarms = NULLS.iter().map(|(test, level, p, under)| {
        let of = trials.iter().filter(|trial| under.contains(&MECHANISMS[trial.mechanism].name));
        let ps: Vec<f64> = of.filter_map(|trial| p(&trial.findings)).collect();
        let alarms = ps.iter().filter(|&&p| p < *level).count() as u64;
        let Proportion { share, low, high, .. } = Proportion::new(alarms, ps.len().max(1) as u64);
        Alarm { test: (*test).into(), under: under.join(", "), level: *level, alarms, of: ps.len() as u64, share, low, high }
    });
    let alarms = alarms.collect();
    SelfTestReport {
        design,
        interaction: errors(|row| (row.truth_interaction, &row.interaction)),
        recall: errors(|row| (row.truth_recall, &row.recall)),
        rows,
        alarms,
    }
}
