//! Emulated language models: P(choice | memory) fitted to a real model's recorded decisions (`fit.rs`).
//!
//! The response is a logit over patterns of the window, one set of features for each candidate name: at
//! which lags it was own and partner's choice, what the whole window looks like with its names replaced by
//! their order of appearance, and, for names that were recorded, the labels themselves, in each pool and,
//! held back as far as pools left out ask for it, in all of them. A name or a pattern never recorded has no
//! weight of its own, so what is said of it is what generalises; the model says where that is so. Where the
//! recorded runs ask for it, the response varies from run to run: all weights are multiplied by the
//! sharpness of the run's class. What is absent: population size, round numbers and partners' identities, which no
//! recorded prompt showed.

use crate::agents::weights::Weights;
use crate::game::Payoff;
use crate::policy::{Policy, Round};
use crate::recorded::RecordedCondition;
use crate::seed::mix;
use crate::spec::{AGREEMENT, AgentContext, AgentEntry, AgentSpec, Kind};
use crate::text::nearest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

/// The line of the registry.
pub const ENTRY: AgentEntry = AgentEntry::new::<Params>(
    AGREEMENT,
    "emulated",
    "responds as a recorded language model did: fitted P(choice | memory), for any names and memory",
);

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// A model inside this program (`cratylus list models`).
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// Or a file that `cratylus fit` wrote, relative to the experiment file.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
}

/// A fitted model and where it comes from: the file that `cratylus fit` writes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Emulated {
    /// The version of this layout.
    pub format: u32,
    /// What experiments call it by.
    pub name: String,
    /// What the source calls the model.
    pub model: String,
    /// Where the decisions come from.
    pub source: String,
    /// How many decisions it was fitted to.
    pub decisions: u64,
    /// The penalties, chosen on runs and pools left out.
    pub smoothing: Smoothing,
    /// Responses that runs can have with names that were never recorded together; one where all runs have the same.
    pub classes: Vec<Class>,
    /// The recorded pools. Features call them by their places.
    pub known_pools: Vec<KnownPool>,
    /// What the recorded agents were paid, in the first of the conditions; None where that is not recorded.
    pub payoff: Option<Payoff>,
    /// The names that were recorded.
    pub names: BTreeSet<String>,
    /// The sizes of the pools that were recorded.
    pub pools: BTreeSet<usize>,
    /// The memory lengths that were recorded.
    pub memories: BTreeSet<usize>,
    /// Scores on runs that a fit had not seen.
    pub held_out: Vec<HeldOut>,
    /// Scores on whole pools and conditions that a fit had seen nothing of.
    pub left_out: Vec<LeftOut>,
    /// Whether the response was the same function of the window in every run.
    pub sufficiency: Vec<Sufficiency>,
    /// The recorded conditions, and what was seen in each.
    pub conditions: Vec<RecordedCondition>,
    /// Weights of features, by their keys.
    pub weights: BTreeMap<String, f64>,
}

/// How strongly weights are held back.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Smoothing {
    /// The ridge penalties of patterns in pools of two names, and of more, chosen by runs left out.
    pub patterns: [f64; 2],
    /// By how much the penalty of a label in all pools is more than that of one in its pool, chosen by pools left out.
    pub labels: f64,
}

impl Smoothing {
    /// The same penalty for all patterns.
    pub fn of(patterns: f64) -> Smoothing {
        Smoothing { patterns: [patterns; 2], labels: LABELS }
    }
}

/// How much more a label is held back in all pools than in its own, where no second pool says how much.
pub const LABELS: f64 = 100.0;

/// A response that some runs have.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Class {
    /// The share of runs that have it.
    pub share: f64,
    /// What all logits are multiplied by, the inverse of a temperature: above 1 the model errs less than on average.
    pub sharpness: f64,
}

/// A pool that was recorded: its labels have weights of their own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KnownPool {
    /// Its names, sorted.
    pub names: Vec<String>,
    /// The responses that runs with it can have.
    pub classes: Vec<Class>,
}

/// The response of all runs, where they have one.
pub const ONE_CLASS: Class = Class { share: 1.0, sharpness: 1.0 };

/// The mean log score per decision, in nats, on all recorded runs of a pool or a condition that a fit had seen nothing of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The pool in words, or the condition in those of [`RecordedCondition::label`].
    pub what: String,
    /// Whether it is a pool with all its conditions.
    pub pool: bool,
    /// How many decisions there are.
    pub decisions: u64,
    /// The score.
    pub score: f64,
    /// What choosing at random would score.
    pub uniform: f64,
}

/// The mean log score per decision, in nats, on runs that a fit had not seen: with the even runs of the
/// condition (and all of the others) fitted to and the odd ones scored, and the other way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldOut {
    /// In the words of [`RecordedCondition::label`].
    pub condition: String,
    /// Even to odd, and odd to even; one score for a condition that the fit saw nothing of.
    pub folds: Vec<f64>,
    /// The mean of the folds.
    pub score: f64,
    /// What choosing at random would score.
    pub uniform: f64,
}

/// A permutation test of the claim that the response depends on the window alone: within each window, runs
/// are exchanged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sufficiency {
    /// In the words of [`RecordedCondition::label`].
    pub condition: String,
    /// Pearson's chi-squared of window × run, over its degrees of freedom.
    pub statistic: f64,
    /// The share of exchanges with a statistic at least as large.
    pub p: f64,
    /// The same over windows of at most two rounds, which hold many decisions each.
    pub short_statistic: f64,
    /// The same for the short windows.
    pub short_p: f64,
}

/// The version of the layout that this program writes, and the only one that it reads.
pub const FORMAT: u32 = 2;

/// A model inside this program. Its file is read when it is first asked for, as most experiments ask for one.
struct Shipped {
    name: &'static str,
    text: &'static str,
    model: OnceLock<Arc<Emulated>>,
    worked_out: WorkedOut,
}

static SHIPPED: [Shipped; 4] = [
    Shipped::new("llama-2-70b", include_str!("../../models/llama-2-70b.json")),
    Shipped::new("llama-3-70b", include_str!("../../models/llama-3-70b.json")),
    Shipped::new("llama-3.1-70b", include_str!("../../models/llama-3.1-70b.json")),
    Shipped::new("claude-3.5-sonnet", include_str!("../../models/claude-3.5-sonnet.json")),
];

impl Shipped {
    const fn new(name: &'static str, text: &'static str) -> Shipped {
        let worked_out = WorkedOut { digest: OnceLock::new(), tables: Mutex::new(Vec::new()) };
        Shipped { name, text, model: OnceLock::new(), worked_out }
    }

    fn model(&self) -> &Arc<Emulated> {
        self.model.get_or_init(|| Arc::new(Emulated::parse(self.text).expect("shipped models are whole")))
    }
}

/// The models inside this program.
pub fn built_in() -> &'static [Arc<Emulated>] {
    static MODELS: LazyLock<Vec<Arc<Emulated>>> =
        LazyLock::new(|| SHIPPED.iter().map(|shipped| shipped.model().clone()).collect());
    &MODELS
}

/// What was worked out of a model inside this program, which never changes: many points of a sweep ask for the same.
struct WorkedOut {
    digest: OnceLock<u64>,
    /// The weights for pools and memories that were asked for.
    tables: Mutex<Vec<Tabled>>,
}

struct Tabled {
    names: Vec<String>,
    memory: usize,
    weights: Arc<Weights>,
}

impl WorkedOut {
    fn tables(&self, model: &Emulated, names: &[String], memory: usize) -> Arc<Weights> {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = tables.iter().find(|known| known.memory == memory && known.names == names) {
            return known.weights.clone();
        }
        let new = model.tables(names, memory);
        // A sweep has a few; whoever goes on asking for others need not have them kept.
        const KEPT: usize = 16;
        if tables.len() < KEPT {
            tables.push(Tabled { names: names.to_vec(), memory, weights: new.clone() });
        }
        new
    }
}

impl Emulated {
    /// Reads the text of a file; an error says what is wrong with it. Weights that are no numbers are refused.
    pub fn parse(text: &str) -> Result<Emulated, String> {
        #[derive(Deserialize)]
        struct Layout {
            format: u32,
        }
        let Layout { format } = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if format != FORMAT {
            return Err(format!(
                "its layout is version {format}, and this program reads version {FORMAT}; fit it again with `cratylus fit`"
            ));
        }
        let model: Emulated = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let usable = |class: &Class| class.share > 0.0 && class.share.is_finite() && class.sharpness.is_finite();
        let all: Vec<&Vec<Class>> = model.known_pools.iter().map(|known| &known.classes).chain([&model.classes]).collect();
        if !all.into_iter().all(|classes| !classes.is_empty() && classes.iter().all(usable)) {
            return Err("its classes of runs have no shares above 0".into());
        }
        match model.weights.iter().find(|(_, weight)| !weight.is_finite()) {
            Some((key, _)) => Err(format!("the weight of `{key}` is no number")),
            None => Ok(model),
        }
    }

    /// A line for lists.
    pub fn words(&self) -> String {
        let score = self.held_out.iter().map(|held| format!("{}: {:.4} nats", held.condition, held.score)).next();
        let score = score.map_or(String::new(), |score| format!("; score on runs left out, {score}"));
        let pools: Vec<&LeftOut> = self.left_out.iter().filter(|left| left.pool).collect();
        let n: u64 = pools.iter().map(|left| left.decisions).sum();
        let mean = |of: fn(&LeftOut) -> f64| pools.iter().map(|&left| left.decisions as f64 * of(left)).sum::<f64>() / n as f64;
        let unseen = match n {
            0 => String::new(),
            _ => format!("; on pools left out: {:.4} (at random {:.4})", mean(|left| left.score), mean(|left| left.uniform)),
        };
        let varies = if self.classes.len() > 1 { format!("; {}", self.classes_in_words()) } else { String::new() };
        format!(
            "{}, {} decisions in {} conditions{score}{unseen}{varies}",
            self.model,
            self.decisions,
            self.conditions.iter().filter(|c| c.trained).count()
        )
    }

    /// How the response varies from run to run, with names that were never recorded together.
    pub fn classes_in_words(&self) -> String {
        match &self.classes[..] {
            [_] => "the response is the same in every run".into(),
            classes => format!("the response varies from run to run: {}", listed(classes)),
        }
    }

    /// A hash of everything that decides what the model answers.
    pub fn digest(&self) -> u64 {
        let key = |hash, key: &str| key.bytes().fold(hash, |hash, byte| mix(hash ^ u64::from(byte)));
        let classes = |hash, classes: &[Class]| {
            classes.iter().fold(hash, |hash, class| mix(mix(hash ^ class.share.to_bits()) ^ class.sharpness.to_bits()))
        };
        let pools = self.known_pools.iter().fold(classes(0, &self.classes), |hash, known| {
            classes(known.names.iter().fold(hash, |hash, name| mix(key(hash, name))), &known.classes)
        });
        self.weights.iter().fold(pools, |hash, (name, weight)| mix(key(hash, name) ^ weight.to_bits()))
    }

    /// What the user should know of how far the model reaches for these names and this memory.
    pub fn cautions(&self, names: &[String], memory: usize, payoff: Option<Payoff>) -> Vec<String> {
        let mut out = Vec::new();
        let mut say = |text: String| out.push(format!("{}: {text}", self.name));
        let new: Vec<&str> = names.iter().filter(|name| !self.names.contains(*name)).map(String::as_str).collect();
        if !new.is_empty() {
            say(format!(
                "never recorded with {}, so these names are treated alike, by what generalises from others",
                new.join(", ")
            ));
        }
        if !self.pools.contains(&names.len()) {
            let pools: Vec<String> = self.pools.iter().map(usize::to_string).collect();
            say(format!("recorded with pools of {} names; {} is an extrapolation", pools.join(", "), names.len()));
        }
        if memory > 0 && !self.memories.contains(&memory) {
            let memories: Vec<String> = self.memories.iter().map(usize::to_string).collect();
            say(format!("recorded with a memory of {} rounds; {memory} is an extrapolation", memories.join(", ")));
        }
        if payoff.zip(self.payoff).is_some_and(|(asked, recorded)| asked != recorded) {
            let recorded = self.payoff.expect("just seen");
            say(format!("recorded with payoffs {} and {}; it does not respond to others", recorded.success, recorded.failure));
        }
        let asked: BTreeSet<&String> = names.iter().collect();
        for test in &self.sufficiency {
            let about = |condition: &RecordedCondition| {
                condition.label() == test.condition && condition.names.iter().collect::<BTreeSet<_>>() == asked
            };
            if test.short_p.min(test.p) < 0.01 && self.conditions.iter().any(about) {
                let then = match self.classes(self.pool(names)) {
                    [_] => "no agent of this kind need reproduce them".into(),
                    classes => format!("it is drawn for each run ({})", listed(classes)),
                };
                say(format!(
                    "in the recorded runs with {} the response was not the same function of the window in every run \
                     (permutation p = {:.3}), so {then}",
                    names.join(" and "),
                    test.short_p.min(test.p)
                ));
            }
        }
        out
    }

    /// The probability of each name of a pool, given the remembered rounds, oldest first: the mean over the classes of runs.
    /// `out` has one place for each name.
    pub fn distribution(&self, names: &[String], window: &[Round], out: &mut [f64]) {
        let mut one = vec![0.0; out.len()];
        let pool = self.pool(names);
        let classes = self.classes(pool);
        let total: f64 = classes.iter().map(|class| class.share).sum();
        out.fill(0.0);
        for class in classes {
            distribution(self, names, pool, class.sharpness, window, &mut one);
            out.iter_mut().zip(&one).for_each(|(out, p)| *out += class.share / total * p);
        }
    }

    /// Its weights for agents with these names and this memory.
    fn tables(&self, names: &[String], memory: usize) -> Arc<Weights> {
        let pool = self.pool(names);
        Arc::new(Weights::new(&self.weights, names, pool.class(), pool.number, memory, ABSENT))
    }

    fn pool(&self, names: &[String]) -> Pool {
        let mut sorted = names.to_vec();
        sorted.sort_unstable();
        Pool { size: names.len(), number: self.known_pools.iter().position(|known| known.names == sorted) }
    }

    fn classes(&self, pool: Pool) -> &[Class] {
        pool.number.map_or(&self.classes, |number| &self.known_pools[number].classes)
    }
}

/// Classes of runs in words.
fn listed(classes: &[Class]) -> String {
    let words =
        |class: &Class| format!("{:.0} % of runs at {:.2} times the mean sharpness", 100.0 * class.share, class.sharpness);
    classes.iter().map(words).collect::<Vec<_>>().join(", ")
}

fn distribution(model: &Emulated, names: &[String], pool: Pool, sharpness: f64, window: &[Round], out: &mut [f64]) {
    let view = View::new(window);
    for (candidate, z) in out.iter_mut().enumerate() {
        let mut sum = view.offset(candidate as u16, names.len());
        view.features(candidate as u16, &names[candidate], pool, |key, _| sum += model.weights.get(key).copied().unwrap_or(0.0));
        *z = sharpness * sum;
    }
    normalise(out);
}

/// Logits as probabilities.
fn normalise(out: &mut [f64]) {
    let most = out.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exp = |z: &mut f64| {
        *z = (*z - most).exp();
        *z
    };
    let total: f64 = out.iter_mut().map(exp).sum();
    out.iter_mut().for_each(|p| *p /= total);
}

/// How strongly a feature is held back: the ridge penalty of its weight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Penalty {
    /// This much, whatever the data say.
    Fixed(f64),
    /// A pattern, whatever the pool: the geometric mean of the two penalties that cross-validation chooses.
    Pattern,
    /// A pattern in pools of one class (0: two names, 1: more): the penalty chosen for it.
    PatternIn(usize),
    /// A pattern of one label: the same, but at least this.
    PatternAtLeast(f64),
    /// A label in all pools: so many times this as pools left out ask for.
    Label(f64),
}

/// A pool as features see it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pool {
    /// How many names it holds.
    pub size: usize,
    /// Which of the recorded pools it is; None for one that was never recorded.
    pub number: Option<usize>,
}

impl Pool {
    /// Patterns have weights for two names, and for more.
    fn class(self) -> usize {
        if self.size <= 2 { 2 } else { 3 }
    }
}

/// A window as features see it: most recent round first, names by their order of appearance.
pub struct View<'w> {
    window: &'w [Round],
    /// Own and partner's name of each round, most recent first, as places in the order of appearance.
    shape: Vec<[u8; 2]>,
    seen: Vec<u16>,
}

/// What a name that does not occur in the window starts from where the pool holds more than two names: there is no
/// other way to know its weight in a model that was recorded with two.
const ABSENT: f64 = -2.0;

impl<'w> View<'w> {
    /// Of remembered rounds, oldest first.
    pub fn new(window: &'w [Round]) -> View<'w> {
        let mut seen: Vec<u16> = Vec::new();
        let mut place = |name: u16| {
            let found = seen.iter().position(|&known| known == name);
            found.unwrap_or_else(|| {
                seen.push(name);
                seen.len() - 1
            }) as u8
        };
        let shape = window.iter().rev().map(|[own, partner]| [place(*own), place(*partner)]).collect();
        View { window, shape, seen }
    }

    /// What a candidate starts from.
    pub fn offset(&self, candidate: u16, n_names: usize) -> f64 {
        let absent = !self.window.is_empty() && n_names > 2 && !self.seen.contains(&candidate);
        if absent { ABSENT } else { 0.0 }
    }

    /// Calls `see` with the key and the penalty of each feature of a candidate. All features are 0 or 1, or
    /// occur twice where lags share a weight.
    ///
    /// A round is to a candidate: `3` both chose it, `1` only I did, `2` only my partner did, `4` both chose
    /// another, `0` we chose two others.
    pub fn features(&self, candidate: u16, label: &str, pool: Pool, mut see: impl FnMut(&str, Penalty)) {
        let len = self.window.len();
        let class = pool.class();
        let kinds: Vec<u8> = self
            .window
            .iter()
            .rev()
            .map(|&[own, partner]| match (own == candidate, partner == candidate) {
                (true, true) => 3,
                (true, false) => 1,
                (false, true) => 2,
                (false, false) => {
                    if own == partner {
                        4
                    } else {
                        0
                    }
                }
            })
            .collect();
        let mut key = String::with_capacity(48);
        let mut say = |penalty: Penalty, args: std::fmt::Arguments<'_>| {
            key.clear();
            key.write_fmt(args).expect("a string takes everything");
            see(&key, penalty);
        };
        let own_place = self.seen.iter().position(|&name| name == candidate);
        for (lag, &kind) in kinds.iter().enumerate().filter(|(_, kind)| (1..=3).contains(*kind)) {
            let lag = lag.min(4);
            say(Penalty::Fixed(0.1), format_args!("d{lag}{kind}"));
            say(Penalty::Fixed(0.3), format_args!("D{len}.{lag}{kind}"));
        }
        if len > 0 && own_place.is_none() {
            say(Penalty::Fixed(0.1), format_args!("a"));
            say(Penalty::Fixed(0.1), format_args!("a{len}"));
        }
        let (mut pattern, mut shape) = (String::new(), String::new());
        let mut occurs = false;
        for (k, (&kind, [own, partner])) in kinds.iter().zip(&self.shape).enumerate() {
            write!(pattern, "{kind}").expect("a string takes everything");
            write!(shape, "{}{}", digit(*own), digit(*partner)).expect("a string takes everything");
            occurs |= (1..=3).contains(&kind);
            let whole = if k + 1 == len { "!" } else { "" };
            let place = own_place.filter(|_| occurs).map_or('-', |place| digit(place as u8));
            say(Penalty::Pattern, format_args!("p{pattern}{whole}"));
            say(Penalty::PatternIn(class - 2), format_args!("q{class}{pattern}{whole}"));
            say(Penalty::PatternIn(class - 2), format_args!("t{class}{shape}{place}{whole}"));
            if let Some(pool) = pool.number {
                say(Penalty::PatternAtLeast(10.0), format_args!("l{pool}@{pattern}{whole}|{label}"));
            }
        }
        let last = match kinds.first() {
            None => 0,
            Some(&kind) => {
                1 + if (1..=3).contains(&kind) {
                    kind
                } else if own_place.is_some() {
                    4
                } else {
                    5
                } + 5 * u8::from(kind < 3)
            }
        };
        say(Penalty::Fixed(0.003), format_args!("s{last}"));
        say(Penalty::Fixed(0.003), format_args!("s{last}.{class}"));
        say(Penalty::Label(0.1), format_args!("b|{label}"));
        say(Penalty::Label(0.1), format_args!("bs{last}|{label}"));
        say(Penalty::Label(0.3), format_args!("bL{len}|{label}"));
        if let Some(pool) = pool.number {
            say(Penalty::Fixed(0.1), format_args!("c{pool}@|{label}"));
            say(Penalty::Fixed(0.1), format_args!("c{pool}@s{last}|{label}"));
            say(Penalty::Fixed(0.3), format_args!("c{pool}@L{len}|{label}"));
        }
    }
}

/// A place in the order of appearance as one character; a window of 64 rounds holds at most 128 names.
fn digit(place: u8) -> char {
    char::from_u32(u32::from('0') + u32::from(place)).expect("a small number")
}

/// What the agents of a run follow.
struct Responder {
    model: Arc<Emulated>,
    names: Vec<String>,
    pool: Pool,
    sharpness: f64,
    memory: usize,
    weights: Arc<Weights>,
}

impl Policy for Responder {
    fn distribution(&self, window: &[Round], out: &mut [f64]) {
        // Nobody remembers more; whoever asks all the same is answered the slow way.
        if window.len() > self.memory {
            return distribution(&self.model, &self.names, self.pool, self.sharpness, window, out);
        }
        self.weights.logits(window, out);
        out.iter_mut().for_each(|z| *z *= self.sharpness);
        normalise(out);
    }
}

impl AgentSpec for Params {
    fn build(&self, ctx: &AgentContext<'_>) -> Result<Kind, (&'static str, String)> {
        let (model, known) = match (&self.model, &self.file) {
            (Some(name), None) => {
                let shipped = find(name).map_err(|why| ("model", why))?;
                (shipped.model().clone(), Some(&shipped.worked_out))
            }
            (None, Some(file)) => {
                let text = ctx.inputs.text(file).map_err(|why| ("file", why))?;
                let why = |why| ("file", format!("`{file}` is not a model that `cratylus fit` wrote: {why}"));
                (Arc::new(Emulated::parse(&text).map_err(why)?), None)
            }
            _ => return Err(("kind", format!("give `model` ({}) or `file`, one of the two", known().join(", ")))),
        };
        ctx.notes.sources.borrow_mut().push(format!("{}: {}", model.name, model.source));
        let digest = known.map_or_else(|| model.digest(), |known| *known.digest.get_or_init(|| model.digest()));
        ctx.notes.identities.borrow_mut().push(format!("{} {digest:016x}", model.name));
        ctx.notes.cautions.borrow_mut().extend(model.cautions(ctx.names, ctx.memory, ctx.payoff));
        ctx.notes.conditions.borrow_mut().extend(model.conditions.iter().cloned());
        let (names, pool) = (ctx.names.to_vec(), model.pool(ctx.names));
        let classes = model.classes(pool);
        let total: f64 = classes.iter().map(|class| class.share).sum();
        let memory = ctx.memory;
        let weights = match known {
            Some(known) => known.tables(&model, ctx.names, memory),
            None => model.tables(ctx.names, memory),
        };
        let follow = |class: &Class| -> (f64, Arc<dyn Policy>) {
            let (model, names, weights) = (model.clone(), names.clone(), weights.clone());
            (class.share / total, Arc::new(Responder { model, names, pool, sharpness: class.sharpness, memory, weights }))
        };
        let mut responses: Vec<_> = classes.iter().map(follow).collect();
        Ok(match responses.len() {
            1 => Kind::Window(responses.remove(0).1),
            _ => Kind::Varying(responses),
        })
    }

    fn needs_memory(&self) -> bool {
        true
    }
}

fn known() -> Vec<String> {
    SHIPPED.iter().map(|shipped| shipped.name.into()).collect()
}

fn find(name: &str) -> Result<&'static Shipped, String> {
    SHIPPED.iter().find(|shipped| shipped.name == name).ok_or_else(|| {
        let live = "emulated agents are fitted to recorded runs; a model itself is asked by `kind = \"llm\"`";
        format!("there is no emulated model `{name}`{}; {live}", nearest(name, &known()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(window: &[Round], candidate: u16, label: &str, n: usize) -> Vec<String> {
        let mut keys = Vec::new();
        let pool = Pool { size: n, number: Some(0) };
        View::new(window).features(candidate, label, pool, |key, _| keys.push(key.to_string()));
        keys
    }

    #[test]
    fn features_see_the_most_recent_round_first() {
        let keys = keys(&[[0, 0], [0, 1]], 1, "M", 2);
        assert!(keys.contains(&"d02".to_string()), "a moment ago only my partner chose it");
        assert!(keys.contains(&"p24!".to_string()) && keys.contains(&"p2".to_string()));
        assert!(keys.contains(&"t201001!".to_string()), "{keys:?}");
        assert!(keys.contains(&"l0@24!|M".to_string()));
    }

    /// The tables give what the keys give, to the bit, for pools that were recorded and others, and for windows of any length.
    #[test]
    fn weights_in_tables_are_those_of_the_keys() {
        let mut draws = crate::Seed(7).stream(crate::Purpose::Decide, 0);
        let pools: [&[&str]; 6] = [
            &["Q", "M"],
            &["X", "Y"],
            &["rock", "M"],
            &["F", "J", "M", "Q", "X", "Y"],
            &["Q", "M", "X", "Y", "F", "J", "P", "R", "C", "D"],
            &[
                "u", "v", "w", "x|y", "z", "Q", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15",
                "16",
            ],
        ];
        for model in built_in() {
            for (names, memory) in pools.iter().flat_map(|names| [(names, 5), (names, 12)]) {
                let names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
                let pool = model.pool(&names);
                let weights = Weights::new(&model.weights, &names, pool.class(), pool.number, memory, ABSENT);
                for i in 0..200 {
                    let n = names.len() as u64;
                    // Some windows hold few names, as most do where agents agree.
                    let few = if i % 2 == 0 { n } else { n.min(1 + draws.below(3)) };
                    let len = draws.below(memory as u64 + 1) as usize;
                    let window: Vec<Round> = (0..len).map(|_| [0; 2].map(|_: u16| draws.below(few) as u16)).collect();
                    let (mut plain, mut fast) = (vec![0.0; names.len()], vec![0.0; names.len()]);
                    distribution(model, &names, pool, 1.25, &window, &mut plain);
                    weights.logits(&window, &mut fast);
                    fast.iter_mut().for_each(|z| *z *= 1.25);
                    normalise(&mut fast);
                    assert_eq!(plain, fast, "{} {names:?} {window:?}", model.name);
                }
            }
        }
    }

    #[test]
    fn shipped_models_are_called_what_they_call_themselves() {
        assert!(SHIPPED.iter().all(|shipped| shipped.name == shipped.model().name));
    }

    #[test]
    fn without_labels_names_can_be_exchanged() {
        let bare = |window: &[Round], candidate| {
            keys(window, candidate, "x", 3).into_iter().filter(|key| !key.contains('|')).collect::<Vec<_>>()
        };
        assert_eq!(bare(&[[0, 1], [1, 1]], 1), bare(&[[2, 0], [0, 0]], 0));
    }

    #[test]
    fn a_model_without_weights_knows_nothing_but_that_absent_names_are_rare() {
        let model = Emulated::empty();
        let names: Vec<String> = ["a", "b", "c"].map(String::from).into();
        let mut p = [0.0; 3];
        model.distribution(&names, &[], &mut p);
        assert!(p.iter().all(|p| (p - 1.0 / 3.0).abs() < 1e-12));
        model.distribution(&names, &[[0, 1]], &mut p);
        assert!((p[0] - p[1]).abs() < 1e-12 && p[2] < p[0]);
    }

    impl Emulated {
        fn empty() -> Emulated {
            let text = r#"{"format":2,"name":"","model":"","source":"","decisions":0,"smoothing":{"patterns":[1,1],"labels":1},
                "classes":[{"share":1,"sharpness":1}],"known_pools":[],"payoff":null,"names":[],"pools":[],
                "memories":[],"held_out":[],"left_out":[],"sufficiency":[],"conditions":[],"weights":{}}"#;
            Emulated::parse(text).unwrap()
        }
    }
}
