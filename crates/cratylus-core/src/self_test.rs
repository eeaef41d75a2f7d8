//! The audit audited: populations whose mechanism is known by construction, put before every audit as if they were a
//! record. What the audits find is counted against the truth. A mechanism may know what no audit is shown: the run, the
//! time, a name that a program has chosen.

use crate::audit::{Case, Options, findings};
use crate::event::Event;
use crate::evidence::{Condition, Record};
use crate::experiment::Document;
use crate::finding::{Finding, Finds};
use crate::measure::{CommittedAt, RunContext};
use crate::networks::Complete;
use crate::outcome::OutcomeSeen;
use crate::seed::Stream;
use crate::stats::Proportion;
use crate::stop::StopSeen;
use crate::verdict::{Verdict, verdict};
use crate::window::Round;
use crate::{Name, Pairing, Purpose, Seed};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A population whose mechanism is known.
pub struct Mechanism {
    /// What the rows of a report call it.
    pub name: &'static str,
    /// What such agents do.
    pub words: &'static str,
    /// Whether the outcome depends on interaction.
    pub interaction: bool,
    /// Whether choices are, in part or in all, recall of an outcome.
    pub recall: bool,
    choose: fn(&mut Choice<'_>) -> u16,
}

/// What a mechanism chooses by.
pub struct Choice<'a> {
    n_names: u16,
    run: u64,
    window: &'a [Round],
    stream: Stream,
}

impl Choice<'_> {
    fn any(&mut self) -> u16 {
        self.stream.below(u64::from(self.n_names)) as u16
    }

    fn chance(&mut self, p: f64) -> bool {
        self.stream.unit() < p
    }

    /// The name that partners said most often, any of them where several were; any name where nobody said one.
    fn majority(&mut self) -> u16 {
        let counts: Vec<usize> =
            (0..self.n_names).map(|name| self.window.iter().filter(|round| round[1] == name).count()).collect();
        let most = counts.iter().copied().max().unwrap_or(0);
        let best: Vec<u16> = (0..self.n_names).filter(|&name| counts[name as usize] == most).collect();
        best[self.stream.below(best.len() as u64) as usize]
    }

    /// A draw from a softmax.
    fn softmax(&mut self, utilities: &[f64]) -> u16 {
        let weights: Vec<f64> = utilities.iter().map(|u| u.exp()).collect();
        let mut left = self.stream.unit() * weights.iter().sum::<f64>();
        let found = weights.iter().position(|weight| {
            left -= weight;
            left < 0.0
        });
        found.unwrap_or(weights.len() - 1) as u16
    }

    /// How often partners said each name, times a weight, with a bias for the second name.
    fn frequencies(&mut self, weight: f64, bias: f64) -> u16 {
        let mut utilities = vec![0.0; self.n_names as usize];
        self.window.iter().for_each(|round| utilities[round[1] as usize] += weight);
        utilities[1] += bias;
        self.softmax(&utilities)
    }

    fn recalled(&mut self, share: f64) -> u16 {
        match self.chance(share) {
            true => 1,
            false if self.chance(0.02) => self.any(),
            false => self.majority(),
        }
    }
}

const LAPSE: f64 = 0.05;

/// All of them; trials name them by their place.
pub const MECHANISMS: &[Mechanism] = &[
    Mechanism {
        name: "outcome recall",
        words: "says one name 97 % of the time, whatever happened",
        interaction: false,
        recall: true,
        choose: |choice| if choice.chance(0.97) { 1 } else { choice.any() },
    },
    Mechanism {
        name: "prior only",
        words: "draws every choice from one distribution that leans to a name by 20 points",
        interaction: false,
        recall: true,
        choose: |choice| if choice.chance(0.2) { 1 } else { choice.any() },
    },
    Mechanism {
        name: "win-stay-lose-shift",
        words: "keeps its name after success, takes its partner's after failure, lapses 5 % of the time",
        interaction: true,
        recall: false,
        choose: |choice| match choice.window.last() {
            Some(&[_, partner]) if !choice.chance(LAPSE) => partner,
            _ => choice.any(),
        },
    },
    Mechanism {
        name: "frequency follower",
        words: "softmax of how often partners said each name",
        interaction: true,
        recall: false,
        choose: |choice| choice.frequencies(1.6, 0.0),
    },
    Mechanism {
        name: "own inertia",
        words: "repeats itself 90 % of the time and never looks at partners",
        interaction: false,
        recall: false,
        choose: |choice| match choice.window.last() {
            Some(&[own, _]) if choice.chance(0.9) => own,
            _ => choice.any(),
        },
    },
    Mechanism {
        name: "label-biased follower",
        words: "softmax of partners' names with a bias for one name",
        interaction: true,
        recall: false,
        choose: |choice| choice.frequencies(1.6, 0.8),
    },
    Mechanism {
        name: "symmetric follower",
        words: "says what most partners said, lapses 5 % of the time",
        interaction: true,
        recall: false,
        choose: |choice| if choice.chance(LAPSE) { choice.any() } else { choice.majority() },
    },
    Mechanism {
        name: "follower, 5 % recall",
        words: "follows most partners, and says one name 5 % of the time whatever happened",
        interaction: true,
        recall: true,
        choose: |choice| choice.recalled(0.05),
    },
    Mechanism {
        name: "follower, 20 % recall",
        words: "the same, 20 % of the time",
        interaction: true,
        recall: true,
        choose: |choice| choice.recalled(0.2),
    },
    Mechanism {
        name: "follower, 50 % recall",
        words: "the same, 50 % of the time",
        interaction: true,
        recall: true,
        choose: |choice| choice.recalled(0.5),
    },
    Mechanism {
        name: "non-stationary",
        words: "follows the majority in half of the runs, the last partner in the others",
        interaction: true,
        recall: false,
        choose: |choice| match (choice.run % 2, choice.window.last()) {
            _ if choice.chance(LAPSE) => choice.any(),
            (0, _) | (_, None) => choice.majority(),
            (_, Some(&[own, partner])) => {
                if choice.chance(0.6) {
                    partner
                } else {
                    own
                }
            }
        },
    },
    Mechanism {
        name: "harness decides",
        words: "a program draws a name for the run and says it for every agent 97 % of the time",
        interaction: false,
        recall: false,
        choose: |choice| match choice.chance(0.97) {
            true => Seed(choice.run).stream(Purpose::Assign, 77).below(u64::from(choice.n_names)) as u16,
            false => choice.any(),
        },
    },
];

/// How the populations are made up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Design {
    /// How many names the pool has.
    pub names: usize,
    /// The number of agents.
    pub size: u32,
    /// How many rounds an agent remembers at most.
    pub memory: usize,
    /// Runs of each population.
    pub runs: u64,
    /// The most population rounds of a run.
    pub rounds: u64,
}

impl Default for Design {
    fn default() -> Design {
        Design { names: 2, size: 24, memory: 5, runs: 40, rounds: 40 }
    }
}

/// The record of a population of a mechanism.
pub fn record(mechanism: &Mechanism, design: &Design, seed: u64) -> Condition {
    let names: Vec<String> = (0..design.names).map(|i| format!("\"{}\"", char::from(b'A' + i as u8))).collect();
    let text = format!(
        "name = \"self-test\"\nseed = {}\nreplicas = {}\n[population]\nsize = {}\n[game]\nkind = \"coordination\"\nnames = [{}]\nmemory = {}\n[agents]\nkind = \"uniform\"\n[stop]\nconsensus = {{ window_rounds = 3 }}\nrounds = {}\n",
        seed >> 1,
        design.runs,
        design.size,
        names.join(", "),
        design.memory,
        design.rounds
    );
    let document = Document::parse("self-test", &text, &[]).expect("the experiment is whole");
    let point = document.points().expect("the experiment is sound").remove(0);
    let runs = (0..design.runs).map(|run| {
        let seed = Seed::of_run(seed, mechanism.name, run);
        play(mechanism, &point.experiment, seed)
    });
    Condition { label: mechanism.name.into(), agents: mechanism.name.into(), runs: runs.collect(), point, cautions: Vec::new() }
}

fn play(mechanism: &Mechanism, experiment: &crate::experiment::Experiment, seed: Seed) -> Record {
    let (size, memory) = (experiment.size(), experiment.memory());
    let context = RunContext {
        size,
        names: experiment.names().to_vec(),
        empty_start: true,
        committed: None,
        alone: false,
        consensus: experiment.consensus(),
        live: false,
        committed_later: Vec::new(),
        knowing: None,
        scenes: None,
        measures: None,
        counts: false,
    };
    let mut outcome = OutcomeSeen::new(&context);
    let mut stop = StopSeen::new(&experiment.stop, size, None, CommittedAt::default(), None);
    let network = Complete(experiment.followed());
    let mut windows: Vec<Vec<Round>> = vec![Vec::new(); size as usize];
    let mut events = Vec::new();
    for t in 0.. {
        let agents = Pairing::AgentThenNeighbour.draw(seed.pair(t), &network);
        let names = [0, 1].map(|seat: usize| {
            let window = &windows[agents[seat] as usize];
            let stream = seed.stream(Purpose::Decide, 2 * t + seat as u64);
            (mechanism.choose)(&mut Choice { n_names: context.names.len() as u16, run: seed.0, window, stream })
        });
        for seat in 0..2 {
            let window = &mut windows[agents[seat] as usize];
            window.push([names[seat], names[1 - seat]]);
            if window.len() > memory {
                window.remove(0);
            }
        }
        let [a, b] = names.map(Name::from);
        let event = Event { t, agents, names: [Some(a), Some(b)], success: Some(a == b), invalid: [0; 2] };
        outcome.see(&event);
        events.push(event);
        if stop.see(&event) {
            break;
        }
    }
    Record { outcome: outcome.end(), events, starts: Vec::new(), committed: Vec::new(), shown_first: Vec::new() }
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
pub fn trial(mechanism: usize, design: &Design, seed: u64, options: &Options) -> Trial {
    let condition = record(&MECHANISMS[mechanism], design, seed);
    let all = std::slice::from_ref(&condition);
    let options = Options { seed: crate::seed::mix(seed) >> 1, ..options.clone() };
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
    /// Whether the outcome depends on interaction, by construction.
    pub truth_interaction: bool,
    /// Whether choices are recall, in part or in all, by construction.
    pub truth_recall: bool,
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
}

/// What the audits made of populations of every mechanism.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// How the populations were made up.
    pub design: Design,
    /// In the order of [`MECHANISMS`].
    pub rows: Vec<Row>,
    /// Of the verdict on interaction.
    pub interaction: Errors,
    /// Of what [`recalls`] says.
    pub recall: Errors,
    /// One for each test whose null holds under some mechanism.
    pub alarms: Vec<Alarm>,
}

/// What the findings say of outcome recall. The verdict on the response asks for more than a record holds.
pub fn recalls(trial: &Trial) -> Finds {
    let of = |audit: &str| trial.findings.iter().find(|finding| finding.audit == audit).map(|finding| finding.finds);
    of("mechanism").unwrap_or(Finds::CannotTell)
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
pub fn report(design: Design, trials: &[Trial]) -> Report {
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
        row.recall[place(recalls(trial), Finds::SupportsRecall)] += 1;
    }
    let errors = |of: fn(&Row) -> (bool, &[u64; 3])| {
        let (mut wrong, mut open, mut all) = (0, 0, 0);
        for row in &rows {
            let (truth, found) = of(row);
            wrong += found[usize::from(truth)];
            open += found[2];
            all += row.trials;
        }
        let Proportion { share, low, high, .. } = Proportion::new(wrong, all.max(1));
        Errors { wrong, cannot_tell: open, of: all, share, low, high }
    };
    let alarms = NULLS.iter().map(|(test, level, p, under)| {
        let of = trials.iter().filter(|trial| under.contains(&MECHANISMS[trial.mechanism].name));
        let ps: Vec<f64> = of.filter_map(|trial| p(&trial.findings)).collect();
        let alarms = ps.iter().filter(|&&p| p < *level).count() as u64;
        let Proportion { share, low, high, .. } = Proportion::new(alarms, ps.len().max(1) as u64);
        Alarm { test: (*test).into(), under: under.join(", "), level: *level, alarms, of: ps.len() as u64, share, low, high }
    });
    let alarms = alarms.collect();
    Report {
        design,
        interaction: errors(|row| (row.truth_interaction, &row.interaction)),
        recall: errors(|row| (row.truth_recall, &row.recall)),
        rows,
        alarms,
    }
}
