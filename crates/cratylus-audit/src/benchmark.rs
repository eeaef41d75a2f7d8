//! Audits scored against models whose every word is known: what populations of such a model do, what the audits make of it, and
//! three statements on what the dispute is about, each decided by intervals that were fixed beforehand, or not decided.

use crate::audits::findings;
use crate::case::{AuditOptions, Case};
use crate::evidence::{Condition, Record};
use crate::finding::Finds;
use crate::surrogate::{histories, record_of, success_curve, yoked};
use crate::verdict::verdict;
use cratylus_core::experiment::{Document, Experiment, Point};
use cratylus_core::kernel::Kernel;
use cratylus_core::policy::Policy;
use cratylus_core::spec::Kind;
use cratylus_core::stats::{Proportion, mean_sd, normalised_entropy, quantile};
use cratylus_core::{Purpose, Seed, World};
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};
use std::sync::Arc;

/// How the populations are made up.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PlaySpec {
    /// The number of agents.
    #[serde(default = "twelve")]
    pub size: u32,
    /// How many rounds an agent remembers.
    #[serde(default = "five")]
    pub memory: usize,
    /// The most population rounds of a run.
    #[serde(default = "thirty_five")]
    pub rounds: u64,
    /// Runs of each population.
    #[serde(default = "forty")]
    pub runs: u64,
    /// At which temperature models choose.
    #[serde(default = "half")]
    pub temperature: f64,
    /// How many pairs of names a response is averaged over where its labels are hidden.
    #[serde(default = "three")]
    pub pairs: usize,
    /// How many populations each audit simulates.
    #[serde(default = "two_hundred")]
    pub populations: u64,
}

fn twelve() -> u32 {
    12
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

fn half() -> f64 {
    0.5
}

fn two_hundred() -> u64 {
    200
}

impl PlaySpec {
    /// What is wrong with it: which key, and why.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        if !(2..=10_000).contains(&self.size) {
            return Err(("size", format!("populations of 2 to 10,000 agents are played, found {}", self.size)));
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
        if !(0.01..=10.0).contains(&self.temperature) {
            return Err(("temperature", format!("expected a temperature from 0.01 to 10, found {}", self.temperature)));
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
    /// Success late in a run, with hidden labels.
    pub aliased: f64,
    /// The same of agents that are told of others' partners.
    pub yoked: f64,
    /// Success late in a run, with the plain pair of names.
    pub plain: f64,
    /// Mean logarithm of the population rounds to consensus with hidden labels; None where fewer than half the runs agree.
    pub log_time: Option<f64>,
    /// Runs with the plain pair that reached consensus, and how many of them the first name won.
    pub winners: [u64; 2],
    /// Entropy of the winners with the plain pair, from 0 to 1; None where fewer than half the runs agree.
    pub entropy: Option<f64>,
    /// The verdicts on the record with the plain pair: on interaction, and on recall of an outcome.
    pub verdicts: [Finds; 2],
}

fn point(play: &PlaySpec) -> Point {
    let text = format!(
        "seed = 1\nreplicas = {}\npopulation.size = {}\ngame = {{ kind = \"coordination\", names = [\"first\", \"second\"], memory = {} }}\n\
         agents = {{ kind = \"uniform\" }}\nstop = {{ consensus = {{ window_rounds = 3 }}, rounds = {} }}\n",
        play.runs, play.size, play.memory, play.rounds
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

/// Success by population round, mean over runs; a run that agreed stays so.
fn curve(records: &[Record], play: &PlaySpec) -> Vec<f64> {
    let rounds: Vec<Vec<[u64; 2]>> = records.iter().map(|run| run.success_by_round(play.size)).collect();
    let runs = records.iter().zip(&rounds).map(|(run, rounds)| (run.outcome.consensus, &rounds[..]));
    success_curve(runs, play.rounds as usize).iter().map(|values| mean_sd(values).0).collect()
}

fn late(curve: &[f64]) -> f64 {
    let of = &curve[curve.len() - (curve.len() / 4).max(1)..];
    of.iter().sum::<f64>() / of.len() as f64
}

/// Plays populations of a model: `plain` is its response to one pair of names, `aliased` the same averaged over pairs and
/// orders, both names alike.
pub fn behaviour(play: &PlaySpec, plain: &Kernel, aliased: &Kernel, seed: u64) -> Behaviour {
    let point = point(play);
    let experiment = point.experiment.clone();
    let [plain, aliased] = [plain, aliased].map(|kernel| kernel.at_temperature(play.temperature));
    let condition = |runs: Vec<Record>| Condition {
        label: "benchmark".into(),
        agents: "benchmark".into(),
        point: point.clone(),
        runs,
        read_elsewhere: false,
        cautions: Vec::new(),
    };
    let hidden = condition(records(&experiment, &aliased, "aliased", seed, play.runs));
    let course = curve(&hidden.runs, play);
    let told = histories(&hidden);
    let interactions = play.rounds * u64::from(play.size);
    let policy: Arc<dyn Policy> = Arc::new(aliased.clone());
    let frozen: Vec<f64> = (0..play.runs)
        .map(|run| {
            let events = yoked(&hidden, policy.clone(), &told, interactions, [seed, run]);
            let events = &events[events.len() - events.len() / 4..];
            events.iter().filter(|event| event.success == Some(true)).count() as f64 / events.len() as f64
        })
        .collect();
    let mut times: Vec<f64> = hidden.runs.iter().filter_map(|run| run.outcome.rounds_to_consensus).map(f64::ln).collect();
    times.retain(|time| time.is_finite());
    let shown = condition(records(&experiment, &plain, "plain", seed, play.runs));
    let winners = shown.winners();
    let options =
        AuditOptions { seed: seed >> 1, populations: play.populations, draws: 2000, resamples: 10, ..AuditOptions::default() };
    let record = shown.clone().without_copies();
    let all = std::slice::from_ref(&record);
    let wanted = |audit: &str| !matches!(audit, "tipping" | "metric" | "equivalence");
    let found = Case::new(&record, all, &options).map_or_else(|_| Vec::new(), |case| findings(&case, &wanted));
    let verdict = verdict(&record.label, &found, &[]);
    Behaviour {
        first: plain.p(&[]),
        stay: aliased.p(&[[0, 0]]),
        follow: 1.0 - aliased.p(&[[0, 1]]),
        early: [1, 3, 10].map(|round: usize| course[(round - 1).min(course.len() - 1)]),
        aliased: late(&course),
        yoked: mean_sd(&frozen).0,
        plain: late(&curve(&shown.runs, play)),
        log_time: (2 * times.len() as u64 >= play.runs).then(|| mean_sd(&times).0),
        winners: [winners.iter().sum(), winners[0]],
        entropy: (2 * winners.iter().sum::<u64>() >= play.runs).then(|| normalised_entropy(&winners)),
        verdicts: [verdict.interaction, verdict.recall],
    }
}

/// What tests of wording make of a model.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Wording {
    /// Mean loss of fresh records of the game's rule, in nats for each word.
    pub genre: f64,
    /// The same less that of the twin that read nothing of the game.
    pub genre_over_twin: f64,
    /// How well inserted rows are told from fresh ones of the same kind (area under the curve): by their loss.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_loss: Option<f64>,
    /// By the mean loss of their least likely fifth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_least_likely: Option<f64>,
    /// By their loss less the twin's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_twin: Option<f64>,
}

/// One model of the benchmark.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct ModelRow {
    /// What its corpus held beside the base.
    pub corpus: String,
    /// How much of it, as a share of rows.
    pub dose: f64,
    /// The share of rows of the base in which one column copies the other.
    pub copies: f64,
    /// Which of the models of this corpus it is.
    pub seed: u64,
    /// Whether its corpus held records of the rule, and whether of an outcome: what its card says.
    pub truth: [bool; 2],
    /// What its populations did.
    pub behaviour: Behaviour,
    /// What tests of wording made of it.
    pub wording: Wording,
}

/// The share of pairs in which a member has the higher score, ties counting half.
pub fn auc(members: &[f64], others: &[f64]) -> f64 {
    let pairs = members.iter().flat_map(|a| others.iter().map(move |b| (a, b)));
    let won: f64 = pairs
        .map(|(a, b)| {
            if a > b {
                1.0
            } else if a == b {
                0.5
            } else {
                0.0
            }
        })
        .sum();
    won / (members.len() * others.len()) as f64
}

/// Whether a statement holds, by its intervals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decided {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// The intervals leave it open.
    Open,
}

/// A number with its interval over models.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Estimate {
    /// What it is.
    pub what: String,
    /// Its value.
    pub value: f64,
    /// Where its interval begins and ends.
    pub interval: [f64; 2],
    /// Of how many models, or pairs of them.
    pub n: u64,
    /// Whether it lies within its margin, or above its limit, or neither can be said.
    pub decided: Decided,
}

/// One of the three statements.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Statement {
    /// In a word.
    pub name: String,
    /// What it says.
    pub words: String,
    /// Whether it holds.
    pub decided: Decided,
    /// What decides it.
    pub estimates: Vec<Estimate>,
}

/// What came of models of one corpus at one dose.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CorpusRowScored {
    /// What its corpus held beside the base.
    pub corpus: String,
    /// As a share of rows.
    pub dose: f64,
    /// As of its models.
    pub copies: f64,
    /// How many models.
    pub models: u64,
    /// Means over models of what [`Behaviour`] has, and of [`Wording`].
    pub means: Vec<(String, f64)>,
    /// Verdicts on interaction: depends on it, does not, cannot tell.
    pub interaction: [u64; 3],
    /// On recall of an outcome: there is some, there is none, cannot tell.
    pub recall: [u64; 3],
    /// Verdicts on recall that are wrong by the card, with the interval of their share.
    pub wrong: Proportion,
}

/// The whole.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Benchmark {
    /// A row for each corpus, dose and base.
    pub corpora: Vec<CorpusRowScored>,
    /// Necessity, macro-equivalence, micro-identifiability.
    pub statements: Vec<Statement>,
    /// Which side of the exchange that leaves right about what.
    pub conclusion: String,
}

/// The mean of values with its t interval.
fn mean_interval(values: &[f64], level: f64) -> (f64, [f64; 2]) {
    let n = values.len() as f64;
    let (mean, sd) = mean_sd(values);
    let half = match StudentsT::new(0.0, 1.0, n - 1.0) {
        Ok(students) if n > 1.0 => students.inverse_cdf(0.5 + level / 2.0) * sd / n.sqrt(),
        _ => f64::INFINITY,
    };
    (mean, [mean - half, mean + half])
}

/// By how much agreement among partners must exceed agreement without them.
pub const NECESSITY: f64 = 0.20;
/// Differences that count as none: of success, of log time, of the entropy of winners.
pub const MARGINS: [f64; 3] = [0.10, 0.15, 0.10];
/// How well an audit must tell two corpora apart, at least.
pub const TELLS: f64 = 0.75;
/// The dose at which it must.
pub const AT_DOSE: f64 = 0.01;
/// The most false alarms that it may raise of models that read nothing of the game, on another base.
pub const FALSE_ALARMS: f64 = 0.05;
/// With fewer models of each corpus than this nothing is decided by an area under a curve.
const MODELS_MIN: u64 = 8;

impl Benchmark {
    /// Scores models against their cards.
    pub fn of(models: &[ModelRow]) -> Benchmark {
        let statements = vec![necessity(models), equivalence(models), identifiability(models)];
        let conclusion = conclusion([0, 1, 2].map(|i: usize| statements[i].decided)).into();
        Benchmark { corpora: scored(models), statements, conclusion }
    }
}

fn scored(models: &[ModelRow]) -> Vec<CorpusRowScored> {
    let mut rows: Vec<CorpusRowScored> = Vec::new();
    let mut left: Vec<&ModelRow> = models.iter().collect();
    while let Some(first) = left.first().copied() {
        let same = |row: &&ModelRow| row.corpus == first.corpus && row.dose == first.dose && row.copies == first.copies;
        let of: Vec<&ModelRow> = left.iter().copied().filter(same).collect();
        left.retain(|row| !same(row));
        let verdicts = |which: usize, yes: Finds| {
            let mut counts = [0; 3];
            for row in &of {
                counts[match row.behaviour.verdicts[which] {
                    Finds::CannotTell => 2,
                    finds if finds == yes => 0,
                    _ => 1,
                }] += 1;
            }
            counts
        };
        let mean = |what: &str, value: &dyn Fn(&ModelRow) -> Option<f64>| {
            let values: Vec<f64> = of.iter().filter_map(|row| value(row)).collect();
            (!values.is_empty()).then(|| (what.to_string(), mean_sd(&values).0))
        };
        let means = [
            mean("stay", &|row| Some(row.behaviour.stay)),
            mean("follow", &|row| Some(row.behaviour.follow)),
            mean("hidden", &|row| Some(row.behaviour.aliased)),
            mean("yoked", &|row| Some(row.behaviour.yoked)),
            mean("plain", &|row| Some(row.behaviour.plain)),
            mean("entropy", &|row| row.behaviour.entropy),
            mean("game loss", &|row| Some(row.wording.genre)),
            mean("by loss", &|row| row.wording.by_loss),
            mean("by least likely", &|row| row.wording.by_least_likely),
            mean("by twin", &|row| row.wording.by_twin),
        ];
        let recall = verdicts(1, Finds::SupportsRecall);
        let outcome = first.truth[1];
        rows.push(CorpusRowScored {
            corpus: first.corpus.clone(),
            dose: first.dose,
            copies: first.copies,
            models: of.len() as u64,
            means: means.into_iter().flatten().collect(),
            interaction: verdicts(0, Finds::SupportsInteraction),
            wrong: Proportion::new(recall[usize::from(outcome)], of.len() as u64),
            recall,
        });
    }
    rows
}

/// Models of a corpus on the base that statements are about, at a dose where one is given.
fn of_corpus<'m>(models: &'m [ModelRow], corpus: &str, dose: Option<f64>) -> Vec<&'m ModelRow> {
    let copies = base(models);
    let fits =
        |row: &&ModelRow| row.corpus == corpus && row.copies == copies && dose.is_none_or(|dose| (row.dose - dose).abs() < 1e-12);
    models.iter().filter(fits).collect()
}

/// The base that statements are about: the first of the file.
fn base(models: &[ModelRow]) -> f64 {
    models.first().map_or(0.0, |row| row.copies)
}

/// The name of the corpus without anything of the game, and of the one with its rule.
pub const NOTHING: &str = "nothing";
/// As [`NOTHING`].
pub const RULE: &str = "rule";

fn necessity(models: &[ModelRow]) -> Statement {
    let mut bases: Vec<f64> = models.iter().filter(|row| row.corpus == NOTHING).map(|row| row.copies).collect();
    bases.sort_by(f64::total_cmp);
    bases.dedup();
    let estimates: Vec<Estimate> = bases
        .iter()
        .map(|&copies| {
            let of = models.iter().filter(|row| row.corpus == NOTHING && row.copies == copies);
            let gains: Vec<f64> = of.map(|row| row.behaviour.aliased - row.behaviour.yoked).collect();
            let (value, interval) = mean_interval(&gains, 0.95);
            let decided = match interval {
                [low, _] if low > NECESSITY => Decided::Yes,
                [_, high] if high < NECESSITY => Decided::No,
                _ => Decided::Open,
            };
            let what = format!("agreement with hidden labels over yoked, {:.0} % of the base copy", 100.0 * copies);
            Estimate { what, value, interval, n: gains.len() as u64, decided }
        })
        .collect();
    let first = bases.iter().position(|&copies| copies == base(models));
    let decided = first.map_or(Decided::Open, |first| estimates[first].decided);
    let words = format!(
        "models that read nothing of the game agree without knowing their names, by at least {NECESSITY} more than without partners: leakage is not necessary"
    );
    Statement { name: "necessity".into(), words, decided, estimates }
}

/// Differences over pairs of models that began alike and read the same rows but for those inserted.
fn paired(models: &[ModelRow], dose: f64, of: &dyn Fn(&ModelRow) -> Option<f64>) -> Vec<f64> {
    let others = of_corpus(models, NOTHING, None);
    let pair = |row: &&ModelRow| {
        let twin = others.iter().find(|other| other.seed == row.seed)?;
        Some(of(row)? - of(twin)?)
    };
    of_corpus(models, RULE, Some(dose)).iter().filter_map(pair).collect()
}

/// The highest dose at which the rule was read.
fn highest(models: &[ModelRow]) -> f64 {
    models.iter().filter(|row| row.corpus == RULE).map(|row| row.dose).fold(0.0, f64::max)
}

fn equivalence(models: &[ModelRow]) -> Statement {
    let dose = highest(models);
    type Value = fn(&ModelRow) -> Option<f64>;
    let statistics: [(&str, f64, Value); 5] = [
        ("success in round 1", MARGINS[0], |row| Some(row.behaviour.early[0])),
        ("success in round 3", MARGINS[0], |row| Some(row.behaviour.early[1])),
        ("success in round 10", MARGINS[0], |row| Some(row.behaviour.early[2])),
        ("log rounds to consensus", MARGINS[1], |row| row.behaviour.log_time),
        ("entropy of winners", MARGINS[2], |row| row.behaviour.entropy),
    ];
    let estimates: Vec<Estimate> = statistics
        .iter()
        .map(|(what, margin, of)| {
            let differences = paired(models, dose, of);
            let (value, wide) = mean_interval(&differences, 0.95);
            let (_, interval) = mean_interval(&differences, 0.90);
            let decided = match () {
                () if differences.len() < 2 => Decided::Open,
                () if interval[0] > -margin && interval[1] < *margin => Decided::Yes,
                () if wide[0] > 0.0 || wide[1] < 0.0 => Decided::No,
                () => Decided::Open,
            };
            let what = format!("{what}: with the rule at {:.0} % less without", 100.0 * dose);
            Estimate { what, value, interval, n: differences.len() as u64, decided }
        })
        .collect();
    let decided = match () {
        () if estimates.iter().any(|estimate| estimate.decided == Decided::No) => Decided::No,
        () if estimates.iter().all(|estimate| estimate.decided == Decided::Yes) => Decided::Yes,
        () => Decided::Open,
    };
    let words = "populations of models that read the rule and of models that read nothing of the game are alike in what a record of them shows";
    Statement { name: "macro-equivalence".into(), words: words.into(), decided, estimates }
}

fn identifiability(models: &[ModelRow]) -> Statement {
    let doses: Vec<f64> = models.iter().filter(|row| row.corpus == RULE).map(|row| row.dose).collect();
    let dose = doses.iter().copied().filter(|&dose| dose >= AT_DOSE - 1e-12).fold(f64::INFINITY, f64::min);
    let (with, without) = (of_corpus(models, RULE, Some(dose)), of_corpus(models, NOTHING, None));
    // The direction in which the rule would move each is fixed beforehand.
    type Value = fn(&ModelRow) -> f64;
    let audits: [(&str, Value); 5] = [
        ("a name kept after success, labels hidden", |row| row.behaviour.stay),
        ("a partner's name taken after failure, labels hidden", |row| row.behaviour.follow),
        ("success late in a run, labels hidden", |row| row.behaviour.aliased),
        ("verdict on recall", |row| f64::from(u8::from(row.behaviour.verdicts[1] == Finds::SupportsRecall))),
        ("loss of fresh records of the game", |row| -row.wording.genre),
    ];
    // Of models that read nothing of the game, but whose base copies more or less.
    let copies = base(models);
    let elsewhere: Vec<&ModelRow> = models.iter().filter(|row| row.corpus == NOTHING && row.copies != copies).collect();
    let mut estimates = Vec::new();
    for ((what, of), i) in audits.iter().zip(0..) {
        let [a, b] = [&with, &without].map(|rows| rows.iter().map(|row| of(row)).collect::<Vec<f64>>());
        let n = a.len().min(b.len()) as u64;
        if n == 0 {
            continue;
        }
        let (value, interval) = (auc(&a, &b), bootstrap(&a, &b, i));
        let tells = match interval {
            _ if n < MODELS_MIN => Decided::Open,
            [low, _] if low >= TELLS => Decided::Yes,
            [_, high] if high < TELLS => Decided::No,
            _ => Decided::Open,
        };
        // Which is nearer to models that read the rule than to those that did not.
        let (near, far) = (mean_sd(&a).0, mean_sd(&b).0);
        let alarms = elsewhere.iter().filter(|row| (of(row) - near).abs() < (of(row) - far).abs()).count() as u64;
        let false_alarms = Proportion::new(alarms, elsewhere.len() as u64);
        let decided = match tells {
            Decided::Yes if elsewhere.is_empty() => Decided::Open,
            Decided::Yes if false_alarms.share > FALSE_ALARMS => Decided::No,
            other => other,
        };
        estimates.push(Estimate { what: format!("{what}: AUC at a dose of {:.1} %", 100.0 * dose), value, interval, n, decided });
        if !elsewhere.is_empty() {
            let Proportion { share, low, high, of, .. } = false_alarms;
            let what = format!("{what}: false alarms on other bases");
            estimates.push(Estimate { what, value: share, interval: [low, high], n: of, decided });
        }
    }
    let decided = match () {
        () if estimates.iter().any(|estimate| estimate.decided == Decided::Yes) => Decided::Yes,
        () if !estimates.is_empty() && estimates.iter().all(|estimate| estimate.decided == Decided::No) => Decided::No,
        () => Decided::Open,
    };
    let words = format!(
        "some test tells models that read the rule from models that did not, with an AUC of at least {TELLS}, and mistakes no more than {:.0} % of those with another base",
        100.0 * FALSE_ALARMS
    );
    Statement { name: "micro-identifiability".into(), words, decided, estimates }
}

/// The interval of an area under the curve, over models drawn again (percentiles of 2,000).
fn bootstrap(a: &[f64], b: &[f64], which: u64) -> [f64; 2] {
    let mut draws = Seed(0xA0C).stream(Purpose::Resample, which);
    let mut again =
        |values: &[f64]| -> Vec<f64> { (0..values.len()).map(|_| values[draws.below(values.len() as u64) as usize]).collect() };
    let mut all: Vec<f64> = (0..2000).map(|_| auc(&again(a), &again(b))).collect();
    all.sort_unstable_by(f64::total_cmp);
    [quantile(&all, 0.025), quantile(&all, 0.975)]
}

fn conclusion(decided: [Decided; 3]) -> &'static str {
    use Decided::{No, Open, Yes};
    match decided {
        [No, ..] => "Agreement needed what was leaked: here the critique is right.",
        [Yes, Yes, Yes] => {
            "Both sides are right about different things: agreement needs no leakage, records cannot tell, and a test of the model can."
        }
        [Yes, Yes, No] => "The critique's \"indistinguishable\" holds, and its \"therefore leakage\" does not.",
        [Yes, No, _] => "The reply holds: agreement needs no leakage, and what leakage changes shows in the record.",
        [Open, ..] | [Yes, Open, _] | [Yes, Yes, Open] => {
            "Not decided: an interval leaves one of the statements open; more models would narrow it."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cmp::Ordering;

    fn row(corpus: &str, dose: f64, seed: u64, aliased: f64, stay: f64) -> ModelRow {
        let shift = seed as f64 / 1000.0;
        ModelRow {
            corpus: corpus.into(),
            dose,
            copies: 0.05,
            seed,
            truth: [corpus == RULE, false],
            behaviour: Behaviour {
                first: 0.5,
                stay: stay + shift,
                follow: 0.4,
                early: [0.5, 0.6, aliased],
                aliased: aliased + shift,
                yoked: 0.5,
                plain: aliased,
                log_time: Some(2.0),
                winners: [40, 20],
                entropy: Some(1.0),
                verdicts: [Finds::SupportsInteraction, Finds::CannotTell],
            },
            wording: Wording { genre: 0.8 - shift, ..Wording::default() },
        }
    }

    #[test]
    fn statements_follow_from_their_intervals() {
        let models = |aliased: f64, ruled: f64, stay: f64| -> Vec<ModelRow> {
            let nothing = (0..8).map(move |seed| row(NOTHING, 0.0, seed, aliased, 0.8));
            let other = (0..8).map(move |seed| ModelRow { copies: 0.2, ..row(NOTHING, 0.0, seed, aliased, 0.8) });
            nothing.chain((0..8).map(move |seed| row(RULE, 0.01, seed, ruled, stay))).chain(other).collect()
        };
        let decided = |models: &[ModelRow]| {
            let benchmark = Benchmark::of(models);
            let decided: Vec<Decided> = benchmark.statements.iter().map(|statement| statement.decided).collect();
            (decided, benchmark.conclusion)
        };
        use Decided::{No, Open, Yes};
        let (found, words) = decided(&models(0.9, 0.92, 0.95));
        assert_eq!(found, [Yes, Yes, Yes]);
        assert!(words.starts_with("Both sides"));
        let (found, words) = decided(&models(0.75, 0.99, 0.95));
        assert_eq!(found, [Yes, No, Yes]);
        assert!(words.starts_with("The reply holds"));
        let (found, words) = decided(&models(0.55, 0.99, 0.95));
        assert_eq!(found[0], No);
        assert!(words.contains("needed what was leaked"));
        // Models that differ in nothing are told by no test; with few of them nothing is decided.
        assert_eq!(decided(&models(0.9, 0.9, 0.8)).0[1..], [Yes, Open]);
        // A test that another base sets off tells nothing, and without another base nobody knows.
        let alarmed = |mut row: ModelRow| {
            row.behaviour.stay += if row.copies == 0.2 { 0.15 } else { 0.0 };
            row
        };
        assert_ne!(decided(&models(0.9, 0.9, 0.95).into_iter().map(alarmed).collect::<Vec<_>>()).0[2], Yes);
        assert_eq!(decided(&models(0.9, 0.9, 0.95)).0[2], Yes);
        let one_base: Vec<ModelRow> = models(0.9, 0.92, 0.95).into_iter().filter(|row| row.copies == 0.05).collect();
        assert_eq!(decided(&one_base).0[2], Open);
        let few: Vec<ModelRow> = models(0.9, 0.92, 0.95).into_iter().filter(|row| row.seed < 2).collect();
        assert_eq!(decided(&few).0[2], Open);
    }

    #[test]
    fn populations_of_known_responses_do_what_they_must() {
        let play = PlaySpec { size: 12, memory: 2, rounds: 30, runs: 10, temperature: 1.0, pairs: 1, populations: 40 };
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
        assert!(found.aliased > 0.85 && (found.yoked - 0.5).abs() < 0.1, "{found:?}");
        let speaker = Kernel::of(2, |_| 0.97);
        let found = behaviour(&play, &speaker, &speaker.symmetric(), 3);
        assert!(found.plain > 0.9 && found.winners[1] == found.winners[0], "{found:?}");
        assert!((found.aliased - 0.5).abs() < 0.1, "with hidden labels a name is nobody's: {found:?}");
        assert_eq!(found, behaviour(&play, &speaker, &speaker.symmetric(), 3));
    }

    #[test]
    fn areas_under_curves() {
        assert_eq!(auc(&[1.0, 2.0], &[0.0, 0.5]), 1.0);
        assert_eq!(auc(&[1.0], &[1.0, 0.0]), 0.75);
    }
}
