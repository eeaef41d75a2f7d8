//! From recorded run directories to a file with an emulated agent.

use crate::each::each;
use crate::store::run_dir::{RunDir, declared_start};
use cratylus_audit::fit::{Fit, RunDecisions, choose_classes, choose_smoothing, decisions, fit, sufficiency};
use cratylus_core::agents::emulated::{Class, Emulated, FORMAT, HeldOut, KnownPool, LeftOut, Smoothing, Sufficiency};
use cratylus_core::fault::{Fault, at};
use cratylus_core::game::Payoff;
use cratylus_core::policy::Round;
use cratylus_core::recorded::RecordedCondition;
use cratylus_core::spec::Registry;
use cratylus_core::summary::Summary;
use cratylus_core::watch::facts::Facts;
use cratylus_core::watch::measure::RunContext;
use cratylus_core::{Purpose, Seed};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What to fit, and how.
pub struct FitOrder<'a> {
    /// What experiments of the directories can name.
    pub registry: Arc<Registry>,
    /// What experiments will call the agent by.
    pub name: &'a str,
    /// Run directories to learn from.
    pub train: &'a [PathBuf],
    /// Run directories of the same model that the fit must not see, recorded and scored all the same.
    pub hold: &'a [PathBuf],
    /// The penalty of pattern weights; cross-validation chooses it if None.
    pub smoothing: Option<f64>,
    /// How many fits to runs drawn anew are wanted beside.
    pub resamples: u32,
    /// How many fits are worked out at once. It cannot change them.
    pub threads: usize,
}

/// What comes of fitting.
pub struct FitResult {
    /// The agent.
    pub model: Emulated,
    /// The same fitted to runs drawn anew, with replacement within each condition (Efron 1979): how far they are from one
    /// another is how far the fit may be from what more runs would give. Without scores, which are the agent's.
    pub resampled: Vec<Emulated>,
}

/// Runs of a condition needed to say anything about runs that were not seen.
const RUNS_MIN: usize = 4;
const PERMUTATIONS: usize = 999;

/// Fits an emulated agent to recorded runs.
pub fn fit_dirs(order: &FitOrder<'_>, mut say: impl FnMut(&str)) -> Result<FitResult, Fault> {
    let mut conditions = Vec::new();
    let mut runs: Vec<RunDecisions> = Vec::new();
    let mut models = BTreeSet::new();
    let mut sources = BTreeSet::new();
    let mut payoffs: Vec<Payoff> = Vec::new();
    let all = order.train.iter().map(|dir| (dir, true)).chain(order.hold.iter().map(|dir| (dir, false)));
    let mut given = BTreeSet::new();
    for (path, trained) in all {
        let dir = RunDir::open(path, &order.registry)?;
        // A copy of a run among those left out would make any score on it worthless.
        if !given.insert(path.canonicalize().unwrap_or_else(|_| path.clone())) {
            return Err(Fault::new(format!("{} is given twice", path.display())));
        }
        for words in crate::store::belonging::strange(&dir) {
            say(&format!("warning: {}: {words}", path.display()));
        }
        let [point] = &dir.points[..] else {
            return Err(Fault::new(format!("{} holds a sweep; fit one condition a directory", path.display())));
        };
        let experiment = &point.experiment;
        if experiment.names().is_empty() || experiment.game.spec.memory().is_none() {
            return Err(Fault::new(format!(
                "{} plays `{}`, in which agents remember no rounds",
                path.display(),
                experiment.game.kind
            )));
        }
        if !experiment.game.spec.succeeds() && !experiment.alone() {
            return Err(Fault::new(format!(
                "{} plays `{}`, in which nothing succeeds; emulated agents are of games that pay for agreeing",
                path.display(),
                experiment.game.kind
            )));
        }
        if !experiment.control.is_none() {
            return Err(Fault::new(format!(
                "{} was run under a control, so its agents did not see what they remember; fit to a run without `[control]`",
                path.display()
            )));
        }
        let plan = &experiment.agents.kinds[0].1.plan;
        let word = |key: &str| plan.get(key).and_then(toml::Value::as_str).map(String::from);
        models.insert(word("model").unwrap_or_else(|| experiment.agents.kinds[0].1.kind.into()));
        sources.insert(word("source").unwrap_or_else(|| "runs of agents of this program".into()));
        payoffs.extend(experiment.game.spec.payoff());
        // What is on record twice was seen once.
        let copies = crate::store::belonging::copies(&dir)?;
        let condition = condition(&dir, path, trained, &copies)?;
        read_decisions(&dir, conditions.len(), &copies, &mut runs)?;
        conditions.push(condition);
    }
    if models.len() > 1 {
        let models: Vec<String> = models.into_iter().collect();
        return Err(Fault::new(format!("these runs are of {} models: {}; fit one at a time", models.len(), models.join(", "))));
    }
    if let Some(other) = payoffs.iter().find(|payoff| **payoff != payoffs[0]) {
        let told = |payoff: &Payoff| format!("{} for success and {} for failure", payoff.success, payoff.failure);
        return Err(Fault::new(format!(
            "agents of these runs were paid differently: {}, and {}; fit one payoff at a time",
            told(&payoffs[0]),
            told(other)
        )));
    }
    let seen: Vec<&RunDecisions> =
        runs.iter().filter(|run| conditions[run.condition].trained && !run.decisions.is_empty()).collect();
    if seen.is_empty() {
        return Err(Fault::new("there are no decisions to fit to"));
    }
    say(&format!(
        "{} decisions in {} runs of {} conditions",
        seen.iter().map(|run| run.decisions.len()).sum::<usize>(),
        seen.len(),
        order.train.len()
    ));
    let parity = numbers(&runs);
    let in_half = |odd: bool| -> Vec<&RunDecisions> {
        let wanted = |(run, number): &(&RunDecisions, &usize)| {
            conditions[run.condition].trained && !run.decisions.is_empty() && *number % 2 == usize::from(odd)
        };
        runs.iter().zip(&parity).filter(wanted).map(|(run, _)| run).collect()
    };
    let halves = [in_half(false), in_half(true)];
    // What is left out of a fold must not choose its penalties or classes either, so each half chooses for itself.
    let chosen = each(order.threads, vec![&seen, &halves[0], &halves[1]], |runs| {
        let smoothing = match order.smoothing {
            Some(one) => Smoothing::of(one),
            None if runs.is_empty() => Smoothing::of(1.0),
            None => choose_smoothing(runs),
        };
        (smoothing, choose_classes(runs, smoothing))
    });
    let (smoothing, n_classes) = chosen[0];
    say(&format!(
        "penalties of patterns: {} for two names, {} for more; of labels in all pools: {} times those in one",
        smoothing.patterns[0], smoothing.patterns[1], smoothing.labels
    ));
    let mut whole = fit(&seen, smoothing, n_classes, None);
    say(&format!("{} weights; now the scores on runs left out", whole.weights.len()));
    let held_out = held_out(order.threads, &conditions, &runs, &mut whole, &halves, [chosen[1], chosen[2]]);
    say("and on pools and conditions left out");
    let left_out = left_out(order.threads, &conditions, &seen, &whole);
    let suffices = (0..conditions.len()).filter_map(|i| {
        let of: Vec<&RunDecisions> = runs.iter().filter(|run| run.condition == i).collect();
        let tested = conditions[i].game == "coordination" && conditions[i].start.is_none() && of.len() >= RUNS_MIN;
        tested.then(|| sufficiency(conditions[i].label(), &of, PERMUTATIONS, Seed(0))).flatten()
    });
    let sufficiency: Vec<Sufficiency> = suffices.collect();
    let trained = || conditions.iter().filter(|condition| condition.trained);
    let mut model = Emulated {
        format: FORMAT,
        name: order.name.into(),
        model: models.pop_first().expect("at least one directory was read"),
        source: sources.into_iter().collect::<Vec<_>>().join("; "),
        payoff: payoffs.first().copied(),
        names: trained().flat_map(|condition| condition.names.iter().cloned()).collect(),
        pools: trained().map(|condition| condition.names.len()).collect(),
        memories: trained().map(|condition| condition.memory).collect(),
        held_out,
        left_out,
        sufficiency,
        decisions: 0,
        smoothing,
        classes: Vec::new(),
        known_pools: Vec::new(),
        weights: Default::default(),
        conditions,
    };
    put(&mut model, &whole);
    let numbers: Vec<u32> = (1..=order.resamples).collect();
    let resampled = each(order.threads, numbers, |number| {
        let drawn = drawn_anew(&seen, number);
        let mut one = Emulated { name: format!("{}-{number}", model.name), ..model.clone() };
        (one.held_out, one.left_out, one.sufficiency) = Default::default();
        put(&mut one, &fit(&drawn, smoothing, n_classes, Some(&whole)));
        one
    });
    Ok(FitResult { model, resampled })
}

/// What a fit found.
fn put(model: &mut Emulated, fit: &Fit) {
    model.decisions = fit.decisions;
    model.smoothing = fit.smoothing;
    model.weights = fit.compact();
    model.classes = fit.unknown().iter().map(thousandths).collect();
    let known = fit.pools().into_iter();
    model.known_pools =
        known.map(|known| KnownPool { classes: known.classes.iter().map(thousandths).collect(), ..known }).collect();
}

/// As many runs of each condition as there are, drawn with replacement.
fn drawn_anew<'r>(runs: &[&'r RunDecisions], number: u32) -> Vec<&'r RunDecisions> {
    let mut stream = Seed(0).stream(Purpose::Resample, u64::from(number));
    let mut draw = |run: &&RunDecisions| {
        let alike: Vec<&'r RunDecisions> = runs.iter().copied().filter(|other| other.condition == run.condition).collect();
        alike[stream.below(alike.len() as u64) as usize]
    };
    runs.iter().map(&mut draw).collect()
}

fn thousandths(class: &Class) -> Class {
    let round = |x: f64| (x * 1e3).round() / 1e3;
    Class { share: round(class.share), sharpness: round(class.sharpness) }
}

/// Scores have no more digits than they are worth.
fn round(x: f64) -> f64 {
    (x * 1e5).round() / 1e5
}

/// How whole pools, and whole conditions of a few runs, are predicted by a fit that saw nothing of them. Penalties and the number of
/// classes are those of the whole. A pool that has but one condition is told once.
fn left_out(threads: usize, conditions: &[RecordedCondition], seen: &[&RunDecisions], whole: &Fit) -> Vec<LeftOut> {
    let pools: BTreeSet<&[String]> = seen.iter().map(|run| &run.pool[..]).collect();
    let of_pool = |pool: &[String]| -> BTreeSet<usize> {
        seen.iter().filter(|run| run.pool[..] == *pool).map(|run| run.condition).collect()
    };
    let mut jobs: Vec<(String, BTreeSet<usize>)> = Vec::new();
    if pools.len() > 1 {
        jobs.extend(pools.iter().map(|pool| (format!("pool {}", pool.join(" ")), of_pool(pool))));
    }
    let trained: BTreeSet<usize> = seen.iter().map(|run| run.condition).collect();
    let single = |one: usize| jobs.iter().any(|(_, of)| of.len() == 1 && of.contains(&one));
    let n_runs = |one: usize| seen.iter().filter(|run| run.condition == one).count();
    let alone = trained.iter().copied().filter(|&one| trained.len() > 1 && n_runs(one) >= RUNS_MIN && !single(one));
    let alone: Vec<usize> = alone.collect();
    let mut left: Vec<LeftOutJob> = jobs.into_iter().map(|(what, of)| (of.clone(), vec![(what, true, of)])).collect();
    left.extend(in_groups(alone).into_iter().map(|group| {
        let each = group.iter().map(|&one| (conditions[one].label(), false, [one].into())).collect();
        (group.into_iter().collect(), each)
    }));
    let scored = each(threads, left, |(without, scored)| {
        let rest: Vec<&RunDecisions> = seen.iter().copied().filter(|run| !without.contains(&run.condition)).collect();
        let mut fitted = fit(&rest, whole.smoothing, whole.unknown().len(), Some(whole));
        let score = |(what, pool, of): (String, bool, BTreeSet<usize>)| {
            let held: Vec<&RunDecisions> = seen.iter().copied().filter(|run| of.contains(&run.condition)).collect();
            let score = fitted.score(&held).expect("runs with decisions");
            let n: usize = held.iter().map(|run| run.decisions.len()).sum();
            let at_random: f64 = held.iter().map(|run| -(run.pool.len() as f64).ln() * run.decisions.len() as f64).sum();
            LeftOut { what, pool, decisions: n as u64, score: round(score), uniform: round(at_random / n as f64) }
        };
        scored.into_iter().map(score).collect::<Vec<LeftOut>>()
    });
    scored.into_iter().flatten().collect()
}

/// What is left out of a fit, and what of it is scored by itself: in words, whether it is a pool, and its conditions.
type LeftOutJob = (BTreeSet<usize>, Vec<(String, bool, BTreeSet<usize>)>);

/// Each fit without a condition is of nearly all data, so a fit for each of many would take the square of their number:
/// more than these are left out in so many groups.
const GROUPS: usize = 8;

fn in_groups(conditions: Vec<usize>) -> Vec<Vec<usize>> {
    let n = conditions.len().min(GROUPS);
    let mut groups = vec![Vec::new(); n];
    conditions.into_iter().enumerate().for_each(|(i, condition)| groups[i % n].push(condition));
    groups
}

/// Each run's number within its condition.
fn numbers(runs: &[RunDecisions]) -> Vec<usize> {
    let mut next = std::collections::BTreeMap::new();
    let number = |run: &RunDecisions| {
        let next = next.entry(run.condition).or_insert(0usize);
        *next += 1;
        *next - 1
    };
    runs.iter().map(number).collect()
}

fn held_out(
    threads: usize,
    conditions: &[RecordedCondition],
    runs: &[RunDecisions],
    whole: &mut Fit,
    halves: &[Vec<&RunDecisions>; 2],
    chosen: [(Smoothing, usize); 2],
) -> Vec<HeldOut> {
    // Even runs are 0 and odd ones 1: fold 0 is fitted without the odd runs of the condition.
    let kept: Vec<usize> = (0..conditions.len())
        .filter(|&i| conditions[i].game == "coordination" && conditions[i].trained && conditions[i].start.is_none())
        .filter(|&i| halves.iter().flatten().filter(|run| run.condition == i).count() >= RUNS_MIN)
        .collect();
    let jobs: Vec<(Vec<usize>, usize)> = in_groups(kept).into_iter().flat_map(|group| [(group.clone(), 0), (group, 1)]).collect();
    let start = &*whole;
    let scores = each(threads, jobs, |(group, fold)| {
        let seen = halves[fold].iter().chain(halves[1 - fold].iter().filter(|run| !group.contains(&run.condition)));
        let seen: Vec<&RunDecisions> = seen.copied().collect();
        let (smoothing, n_classes) = chosen[fold];
        // Where a fit begins cannot change the optimum, which is one.
        let mut fitted = fit(&seen, smoothing, n_classes, Some(start));
        let mut score = |i: usize| {
            let left_out: Vec<&RunDecisions> = halves[1 - fold].iter().copied().filter(|run| run.condition == i).collect();
            (i, fitted.score(&left_out))
        };
        group.into_iter().map(&mut score).collect::<Vec<_>>()
    });
    let scores: Vec<(usize, Option<f64>)> = scores.into_iter().flatten().collect();
    let mut out = Vec::new();
    for (i, condition) in conditions.iter().enumerate().filter(|(_, condition)| condition.game == "coordination") {
        let folds: Vec<f64> = if condition.trained {
            scores.iter().filter(|(of, _)| *of == i).filter_map(|(_, score)| *score).collect()
        } else {
            let of: Vec<&RunDecisions> = runs.iter().filter(|run| run.condition == i).collect();
            whole.score(&of).into_iter().collect()
        };
        if folds.is_empty() {
            continue;
        }
        let score = folds.iter().sum::<f64>() / folds.len() as f64;
        let uniform = -(condition.names.len() as f64).ln();
        out.push(HeldOut {
            condition: condition.label(),
            folds: folds.into_iter().map(round).collect(),
            score: round(score),
            uniform: round(uniform),
        });
    }
    out
}

fn condition(dir: &RunDir, path: &Path, trained: bool, copies: &BTreeSet<u64>) -> Result<RecordedCondition, Fault> {
    dir.follows()?;
    let point = &dir.points[0];
    let experiment = &point.experiment;
    let mut summary = Summary::new(point);
    dir.each_measured(|row, readings| {
        match readings {
            _ if copies.contains(&row.run) => (),
            Some(readings) => summary.see(readings),
            None => summary.end(row.clone()),
        }
        Ok(())
    })?;
    let mut facts = summary.facts(point);
    if experiment.population.start.consensus.is_some() {
        // Where everyone starts in agreement, the curve and the rounds say nothing that the tipping does not.
        (facts.success, facts.rounds, facts.consensus) = (None, None, None);
        facts.winners.clear();
        facts.collective_bias = None;
    }
    let alone = experiment.alone();
    let committed = experiment.agents.committed.first().filter(|_| experiment.n_committed() > 0);
    Ok(RecordedCondition {
        file: path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
        game: experiment.game.kind.into(),
        names: experiment.names().to_vec(),
        memory: experiment.memory(),
        size: experiment.size(),
        start: experiment.population.start.consensus.clone(),
        remembers: experiment.population.start.memory.clone().unwrap_or_default(),
        committed: committed.map(|committed| (committed.name.clone(), experiment.n_committed())),
        trained: trained && !alone,
        facts: rounded(facts)?,
    })
}

/// Facts with no more digits than anyone reads: a model is a small file.
fn rounded(facts: Facts) -> Result<Facts, Fault> {
    fn round(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::Number(number) if number.is_f64() => {
                let x = number.as_f64().unwrap_or(0.0);
                let scale = 10f64.powi(if x.abs() < 1e-3 { 6 } else { 3 });
                *value = serde_json::Value::from((x * scale).round() / scale);
            }
            serde_json::Value::Array(list) => list.iter_mut().for_each(round),
            serde_json::Value::Object(map) => map.values_mut().for_each(round),
            _ => (),
        }
    }
    let mut value = serde_json::to_value(facts).expect("facts are plain data");
    round(&mut value);
    serde_json::from_value(value).map_err(|error| Fault::new(format!("facts that do not read back: {error}")))
}

fn read_decisions(dir: &RunDir, condition: usize, copies: &BTreeSet<u64>, runs: &mut Vec<RunDecisions>) -> Result<(), Fault> {
    let experiment = &dir.points[0].experiment;
    let starts = dir.memories()?;
    let place = |word: &String| experiment.names().iter().position(|name| name == word).map(|place| place as u16);
    dir.each_played(|row, events| {
        if copies.contains(&row.run) {
            return Ok(());
        }
        let start = starts.get(&row.run).cloned().unwrap_or_else(|| declared_start(experiment));
        let round = |[own, partner]: &[String; 2]| -> Option<Round> { Some([place(own)?, place(partner)?]) };
        let starts: Option<Vec<Vec<Round>>> = start.iter().map(|memory| memory.iter().map(round).collect()).collect();
        let starts = starts.ok_or("a starting memory holds a name that is not in the pool").map_err(at("reading", &dir.path))?;
        let committed = experiment
            .agents
            .committed
            .first()
            .and_then(|committed| Some((place(&committed.name)?.into(), row.committed.clone())));
        let context = RunContext {
            empty_start: starts.iter().all(Vec::is_empty),
            committed,
            alone: experiment.alone(),
            ..RunContext::of(experiment.size(), experiment.names().to_vec(), experiment.consensus())
        };
        runs.push(decisions(condition, &context, experiment.memory(), &starts, events));
        Ok(())
    })
}
