//! Does every name give way to partners? Where all that partners said speaks against a name, agents that respond to them
//! let go of it, whichever name it is. A name that is kept, or gone back to, where others would not be is where recall sits
//! that a floor under all choices does not show: in some agents and not in others, after failures and not after successes.
//! Names are compared with each other after like histories, so inertia, which keeps every name alike, is not taken for it.

use super::pictures::bar;
use crate::case::{AuditEntry, Case};
use crate::finding::{BearsOn, Effect, Finding, Finds, Picture, Statistic, Who};
use cratylus_core::stats::interval;
use serde_json::json;
use std::collections::BTreeMap;

pub const ENTRY: AuditEntry = AuditEntry {
    name: "yielding",
    words: "does every name give way where partners say another, or is one kept or gone back to?",
    ask,
};

/// Fewer partners' words than this are no evidence against a name.
const WORDS_MIN: usize = 3;
/// Names are alike where they surely differ by less than this.
const ALIKE: f64 = 0.15;
/// Effective numbers of compared choices below this say nothing.
const WEIGHT_MIN: f64 = 10.0;

/// Choices of a name where partners all said others: of how many, and how many were it.
type Said = [f64; 2];

/// What an agent had said at first, as far as it remembers: the name, or another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Held {
    Own,
    Another,
}

/// For each run, and each history up to the names in it: the choices of each name.
type Counts = BTreeMap<(Held, usize), Vec<Said>>;

fn counts(case: &Case<'_>) -> Vec<Counts> {
    let k = case.decisions.n_names;
    let least = WORDS_MIN.min(case.decisions.memory);
    // For each memory, the names that all partners' words speak against.
    let against: Vec<Vec<(Held, u16)>> = case
        .decisions
        .windows
        .iter()
        .map(|window| {
            if window.len() < least {
                return Vec::new();
            }
            let spoken = |name: u16| window.iter().any(|round| round[1] == name);
            let held = |name: u16| if window[0][0] == name { Held::Own } else { Held::Another };
            (0..k as u16).filter(|&name| !spoken(name)).map(|name| (held(name), name)).collect()
        })
        .collect();
    let of = |run: &Vec<crate::evidence::Decision>| {
        let mut out = Counts::new();
        for decision in run {
            for &(held, name) in &against[decision.cell as usize] {
                let len = case.decisions.windows[decision.cell as usize].len();
                let said = out.entry((held, len)).or_insert_with(|| vec![[0.0; 2]; k]);
                said[name as usize][0] += 1.0;
                said[name as usize][1] += f64::from(u8::from(decision.choice == name));
            }
        }
        out
    };
    case.decisions.runs.iter().map(of).collect()
}

/// How much more often a name is said against all partners than others are, after like histories, and the weight that
/// rests on (Mantel & Haenszel's).
fn difference(total: &Counts, held: Held, name: usize) -> (f64, f64) {
    let (mut sum, mut weight) = (0.0, 0.0);
    for (_, said) in total.iter().filter(|((of, _), _)| *of == held) {
        let [n, own] = said[name];
        let (mut m, mut others) = (0.0, 0.0);
        for (_, [n, said]) in said.iter().enumerate().filter(|(other, _)| *other != name) {
            (m, others) = (m + n, others + said);
        }
        if n > 0.0 && m > 0.0 {
            let w = n * m / (n + m);
            sum += w * (own / n - others / m);
            weight += w;
        }
    }
    (sum / weight, weight)
}

/// A name that is compared with the others.
struct Compared {
    held: Held,
    name: usize,
    value: f64,
    ends: [f64; 2],
    weight: f64,
}

fn compare(case: &Case<'_>) -> Vec<Compared> {
    let by_run = counts(case);
    let n = by_run.len();
    let k = case.decisions.n_names;
    let add = |total: &mut Counts, run: &Counts, sign: f64| {
        for (key, said) in run {
            let sums = total.entry(*key).or_insert_with(|| vec![[0.0; 2]; k]);
            sums.iter_mut().zip(said).for_each(|(sum, said)| (0..2).for_each(|i| sum[i] += sign * said[i]));
        }
    };
    let mut total = Counts::new();
    by_run.iter().for_each(|run| add(&mut total, run, 1.0));
    let all: Vec<(Held, usize)> =
        [Held::Own, Held::Another].into_iter().flat_map(|held| (0..k).map(move |name| (held, name))).collect();
    let whole: Vec<(f64, f64)> = all.iter().map(|&(held, name)| difference(&total, held, name)).collect();
    // The jackknife over runs: runs differ in which memories they come to.
    let mut left_out: Vec<Vec<f64>> = vec![Vec::new(); all.len()];
    for run in &by_run {
        add(&mut total, run, -1.0);
        for (place, &(held, name)) in all.iter().enumerate() {
            left_out[place].push(difference(&total, held, name).0);
        }
        add(&mut total, run, 1.0);
    }
    let compared = all.iter().zip(whole).zip(left_out).map(|((&(held, name), (value, weight)), without)| {
        let mean = without.iter().sum::<f64>() / n as f64;
        let squares: f64 = without.iter().map(|x| (x - mean).powi(2)).sum();
        let se = (squares * (n as f64 - 1.0) / n as f64).sqrt();
        // A share of nothing has no spread in a sample, and is no surer for it.
        let se = se.max(0.5 / weight.max(1.0));
        Compared { held, name, value, ends: interval(value, se, n), weight }
    });
    compared.collect()
}

fn ask(case: &Case<'_>) -> Option<Finding> {
    if case.decisions.memory == 0 {
        return None;
    }
    let compared = compare(case);
    let known: Vec<&Compared> = compared.iter().filter(|of| of.value.is_finite() && of.weight >= WEIGHT_MIN).collect();
    let n_held = known.iter().filter(|of| of.held == Held::Own).count();
    let k = case.decisions.n_names;
    // Names that nobody ever holds against all partners cannot be compared; among many, some are.
    let enough = n_held >= k.min(2);
    let most = known.iter().max_by(|a, b| a.ends[0].total_cmp(&b.ends[0]));
    let kept = most.filter(|most| most.ends[0] > ALIKE / 2.0 && most.value > ALIKE);
    let alike = enough && known.iter().all(|of| of.ends[1] < ALIKE);
    let means = match kept {
        Some(most) => {
            let name = case.name(most.name);
            let after = match most.held {
                Held::Own => "kept by agents that said it",
                Held::Another => "gone back to by agents that said another",
            };
            let [value, low, high] = [most.value, most.ends[0], most.ends[1]].map(|share| 100.0 * share);
            format!(
                "Where all that partners said speaks against it, {name} is {after} {value:.0} points more often than other names are, after like histories [{low:.0}–{high:.0}]. Recall of {name} in some agents, or in doubt, would look so; so would a plain preference."
            )
        }
        None if alike => "Where all that partners said speaks against a name, it gives way, whichever it is.".into(),
        None => "Whether every name gives way to partners stays open: too few agents held names against all that partners said."
            .into(),
    };
    let rows = known.iter().take(24).map(|of| {
        let group = if of.held == Held::Own { "said it before" } else { "said another before" };
        bar(case.name(of.name), group, Who::Record, of.value, Some(of.ends))
    });
    Some(Finding {
        audit: ENTRY.name.into(),
        condition: case.condition.label.clone(),
        bears_on: BearsOn::Response,
        question: "Does every name give way where all that partners said speaks against it?".into(),
        rivals: vec![
            "agents respond to partners, whichever name it is".into(),
            "some agents recall one name, and others do not".into(),
            "in doubt, agents go to one name".into(),
        ],
        finds: if alike { Finds::SupportsInteraction } else { Finds::CannotTell },
        effect: most.map(|most| {
            let name = case.name(most.name);
            Effect::new(format!("{name} against all partners, more often than other names, difference of shares"), most.value, most.ends)
        }),
        statistic: most.map(|most| Statistic { name: "choices compared, effective number".into(), value: most.weight, p: None }),
        means,
        does_not_mean: "That every name gives way does not show where the rule behind it comes from.".into(),
        would_tell: (!alike).then(|| match kept.is_some() {
            true => "an alias scramble (`control.alias = true`): under labels drawn anew no name can be kept; or agents asked one by one".into(),
            false => "more runs, or runs that start divided".into(),
        }),
        source: "Mantel & Haenszel's difference over like histories, jackknife over runs".into(),
        cautions: Vec::new(),
        details: json!({
            "kept": kept.is_some(), "alike": alike,
            "names": known.iter().map(|of| json!({
                "name": case.name(of.name), "said_before": of.held == Held::Own, "difference": of.value, "low": of.ends[0], "high": of.ends[1], "weight": of.weight,
            })).collect::<Vec<_>>(),
        }),
        pictures: if known.is_empty() { Vec::new() } else { vec![Picture::Bars { title: "Names held against all partners".into(), axis: "Difference of shares".into(), rows: rows.collect(), reference: Some(0.0) }] },
    })
}
