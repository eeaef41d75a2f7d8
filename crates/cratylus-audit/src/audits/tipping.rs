//! Does the response to memory foretell how large a committed minority must be? A response fitted to runs from empty
//! memories alone is played against minorities of every size, in both directions; how sure it is follows from drawing
//! the runs again. Recorded runs with committed minorities stand beside it, where there are any: none of them was seen
//! by the fit. Agents that recall an outcome have no threshold.

use super::interaction::resampled;
use super::pictures::percent;
use crate::case::{AuditEntry, Case};
use crate::evidence::Condition;
use crate::finding::{BearsOn, Effect, Finding, Finds, Line, Picture, Statistic, Who};
use crate::rivals::Fitted;
use crate::surrogate::populations;
use cratylus_core::experiment::{Committed, JoinBy, Start};
use cratylus_core::stats::{Proportion, mean_sd, quantile};
use serde_json::json;
use std::sync::Arc;

pub const ENTRY: AuditEntry = AuditEntry {
    name: "tipping",
    words: "does a response fitted without minorities foretell how large one must be to tip the population?",
    ask,
};

/// How many populations are played for each size, by each of the responses drawn again.
const PLAYED: u64 = 25;
/// How long a minority has, in population rounds, where nothing recorded says it.
const ROUNDS: u64 = 42;
/// At most so many sizes are tried in each direction.
const SIZES: u32 = 24;

/// A direction: from everyone on one name to a minority that always says the other.
#[derive(Clone, Copy, PartialEq)]
struct Direction {
    from: usize,
    to: usize,
}

/// Recorded runs with a minority of one size.
struct Seen {
    direction: Direction,
    size: u32,
    count: u32,
    tipped: u64,
    of: u64,
    /// The longest of them, in interactions.
    longest: u64,
    label: String,
}

fn seen(case: &Case<'_>) -> Vec<Seen> {
    let of = |other: &Condition| {
        let experiment = &other.point.experiment;
        // Two groups against one another say something else.
        let [committed] = &experiment.agents.committed[..] else { return None };
        if experiment.n_committed() == 0 {
            return None;
        }
        let majority = experiment.population.start.consensus.as_ref()?;
        let place = |word: &String| case.condition.names().iter().position(|name| name == word);
        let direction = Direction { from: place(majority)?, to: place(&committed.name)? };
        if !case.same_agents(other) || other.memory() != case.condition.memory() || other.runs.is_empty() {
            return None;
        }
        let judged = other.runs.iter().filter_map(|run| run.outcome.tipped);
        Some(Seen {
            direction,
            size: other.size(),
            count: experiment.n_committed() as u32,
            tipped: judged.clone().filter(|&tipped| tipped).count() as u64,
            of: judged.count() as u64,
            longest: other.runs.iter().map(|run| run.outcome.interactions).max().unwrap_or(0),
            label: other.label.clone(),
        })
    };
    let mut all: Vec<Seen> = case.all.iter().filter_map(of).filter(|seen| seen.of > 0).collect();
    all.sort_by_key(|seen| (seen.direction.from, seen.direction.to, seen.size, seen.count));
    all
}

/// How often a minority tips a population of a response.
fn tips(
    case: &Case<'_>,
    response: &Fitted,
    direction: Direction,
    [size, count]: [u32; 2],
    interactions: u64,
    [purpose, played]: [u64; 2],
) -> f64 {
    let names = case.condition.names();
    let policy = Arc::new(response.clone());
    let runs = populations(case.condition, policy, played, case.seed(purpose), |experiment| {
        experiment.population.size = size.into();
        experiment.population.start = Start { consensus: Some(names[direction.from].clone()), ..Start::default() };
        let name = names[direction.to].clone();
        experiment.agents.committed = vec![Committed { name, count: Some(count.into()), share: None, how: JoinBy::Replace }];
        experiment.stop = cratylus_core::watch::stop::Stop {
            share: Some(cratylus_core::watch::stop::ShareStop {
                name: Some(names[direction.to].clone()),
                window_rounds: 3,
                threshold: cratylus_core::watch::stop::TIPPED_SHARE,
            }),
            interactions: Some(interactions),
            ..cratylus_core::watch::stop::Stop::default()
        };
    });
    runs.iter().filter(|run| run.outcome.tipped == Some(true)).count() as f64 / runs.len() as f64
}

/// A tipping curve: minorities, the chance of each to tip, and its interval.
struct Curve {
    direction: Direction,
    counts: Vec<u32>,
    p: Vec<f64>,
    low: Vec<f64>,
    high: Vec<f64>,
    /// The least minority, interpolated, that tips half the populations, on average over fits to runs drawn again; and the
    /// middle 95 % of those fits. Where a fit never tips, it counts as the largest minority that was tried.
    half: Option<f64>,
    halves: [f64; 2],
}

fn half(counts: &[u32], p: &[f64]) -> Option<f64> {
    let place = p.iter().position(|&p| p >= 0.5)?;
    match place {
        0 => Some(f64::from(counts[0])),
        place => {
            let (a, b) = (p[place - 1], p[place]);
            let (from, to) = (f64::from(counts[place - 1]), f64::from(counts[place]));
            Some(from + (to - from) * (0.5 - a) / (b - a))
        }
    }
}

fn curve(case: &Case<'_>, responses: &[Fitted], direction: Direction, interactions: u64) -> Curve {
    let size = case.condition.size();
    let most = size * 3 / 4;
    let step = most.div_ceil(SIZES).max(1);
    let counts: Vec<u32> = (1..=most).step_by(step as usize).collect();
    let mut by_response: Vec<Vec<f64>> = Vec::new();
    for (r, response) in (0..).zip(responses) {
        let mut done = Vec::new();
        for &count in &counts {
            // A minority that tips for certain does so, too, when it is larger.
            let certain = done.len() >= 2 && done[done.len() - 2..].iter().all(|&p| p == 1.0);
            done.push(if certain { 1.0 } else { tips(case, response, direction, [size, count], interactions, [51 + r, PLAYED]) });
        }
        by_response.push(done);
    }
    let at = |i: usize| {
        let mut values: Vec<f64> = by_response.iter().map(|p| p[i]).collect();
        values.sort_unstable_by(f64::total_cmp);
        values
    };
    let p: Vec<f64> = (0..counts.len()).map(|i| mean_sd(&at(i)).0).collect();
    let mut halves: Vec<f64> = by_response.iter().map(|p| half(&counts, p).unwrap_or(f64::from(most))).collect();
    halves.sort_unstable_by(f64::total_cmp);
    Curve {
        direction,
        low: (0..counts.len()).map(|i| quantile(&at(i), 0.025)).collect(),
        high: (0..counts.len()).map(|i| quantile(&at(i), 0.975)).collect(),
        half: half(&counts, &p),
        halves: [quantile(&halves, 0.025), quantile(&halves, 0.975)],
        counts,
        p,
    }
}

fn ask(case: &Case<'_>) -> Option<Finding> {
    if !case.condition.baseline()
        || case.condition.point.experiment.population.network != cratylus_core::meeting::networks::spec::NetworkSpec::Complete
    {
        return None;
    }
    let recorded = seen(case);
    let size = case.condition.size();
    let interactions =
        recorded.iter().filter(|seen| seen.size == size).map(|seen| seen.longest).max().unwrap_or(ROUNDS * u64::from(size));
    let winners = case.condition.winners();
    let mut order: Vec<usize> = (0..winners.len()).collect();
    order.sort_by_key(|&name| std::cmp::Reverse(winners[name]));
    let mut directions = vec![Direction { from: order[0], to: order[1] }, Direction { from: order[1], to: order[0] }];
    for seen in &recorded {
        if !directions.contains(&seen.direction) {
            directions.push(seen.direction);
        }
    }
    directions.truncate(4);
    let responses: Vec<Fitted> = (0..case.options.resamples.max(1)).map(|resample| resampled(case, resample)).collect();
    let curves: Vec<Curve> = directions.iter().map(|&direction| curve(case, &responses, direction, interactions)).collect();
    // What the fit says of each recorded minority, at its own size and length.
    let compared: Vec<(f64, [f64; 2], &Seen)> = recorded
        .iter()
        .map(|seen| {
            let each = |(r, response): (u64, &Fitted)| {
                tips(case, response, seen.direction, [seen.size, seen.count], seen.longest, [91 + r, PLAYED])
            };
            let mut p: Vec<f64> = (0..).zip(&responses).map(each).collect();
            p.sort_unstable_by(f64::total_cmp);
            (mean_sd(&p).0, [quantile(&p, 0.025), quantile(&p, 0.975)], seen)
        })
        .collect();
    // Where every run stood within what the fit allows, by a sum of log likelihoods against its own distribution.
    let log = |p: f64, tipped: f64, of: f64| {
        let p = p.clamp(0.01, 0.99);
        tipped * p.ln() + (of - tipped) * (1.0 - p).ln()
    };
    let score: f64 = compared.iter().map(|(p, _, seen)| log(*p, seen.tipped as f64, seen.of as f64)).sum();
    let pooled = {
        let (tipped, of) =
            recorded.iter().fold((0.0, 0.0), |(tipped, of), seen| (tipped + seen.tipped as f64, of + seen.of as f64));
        let share: f64 = if of > 0.0 { tipped / of } else { 0.5 };
        recorded.iter().map(|seen| log(share, seen.tipped as f64, seen.of as f64)).sum::<f64>()
    };
    let runs: u64 = recorded.iter().map(|seen| seen.of).sum();
    let wrong: f64 =
        compared.iter().map(|(p, _, seen)| (p - seen.tipped as f64 / seen.of as f64).abs() * seen.of as f64).sum::<f64>()
            / runs.max(1) as f64;
    let foretold = runs >= 10 && score > pooled + 3.0;
    let finds = if foretold { Finds::SupportsInteraction } else { Finds::CannotTell };
    let arrow = |direction: Direction| format!("{} → {}", case.name(direction.from), case.name(direction.to));
    let thresholds: Vec<String> = curves
        .iter()
        .map(|curve| match curve.half {
            Some(half) if half <= f64::from(curve.counts[0]) => {
                format!("{}: {half:.0} of {size} or less", arrow(curve.direction))
            }
            Some(half) => {
                format!("{}: {half:.1} of {size} [{:.1}–{:.1}]", arrow(curve.direction), curve.halves[0], curve.halves[1])
            }
            None => format!("{}: none up to {} of {size}", arrow(curve.direction), curve.counts.last().copied().unwrap_or(0)),
        })
        .collect();
    let foretells = format!(
        "Fitted to runs without minorities, the response foretells that half the populations tip at {}.",
        thresholds.join("; ")
    );
    let means = match (runs, foretold) {
        (0, _) => format!("{foretells} Nothing recorded stands beside it."),
        (_, true) => format!(
            "{foretells} Of {runs} recorded runs with minorities, which it never saw, it misses the share that tipped by {} on average, and foretells them better than their own overall share does.",
            percent(wrong)
        ),
        (_, false) => format!(
            "{foretells} Of {runs} recorded runs with minorities, which it never saw, it misses the share that tipped by {} on average.",
            percent(wrong)
        ),
    };
    let mut lines: Vec<Line> = curves
        .iter()
        .map(|curve| Line {
            label: arrow(curve.direction),
            who: Who::Rival,
            joined: true,
            x: curve.counts.iter().map(|&count| f64::from(count) / f64::from(size)).collect(),
            y: curve.p.clone(),
            low: curve.low.clone(),
            high: curve.high.clone(),
        })
        .collect();
    for &direction in &directions {
        let of: Vec<&Seen> = recorded.iter().filter(|seen| seen.direction == direction).collect();
        if !of.is_empty() {
            let shares: Vec<Proportion> = of.iter().map(|seen| Proportion::new(seen.tipped, seen.of)).collect();
            lines.push(Line {
                label: format!("{}, recorded", arrow(direction)),
                who: Who::Record,
                joined: false,
                x: of.iter().map(|seen| f64::from(seen.count) / f64::from(seen.size)).collect(),
                y: shares.iter().map(|share| share.share).collect(),
                low: shares.iter().map(|share| share.low).collect(),
                high: shares.iter().map(|share| share.high).collect(),
            });
        }
    }
    let main = &curves[0];
    Some(Finding {
        audit: ENTRY.name.into(),
        condition: case.condition.label.clone(),
        bears_on: BearsOn::Interaction,
        question: "Does the response to memory foretell how large a committed minority must be?".into(),
        rivals: vec![
            "a threshold that follows from how agents respond to each other".into(),
            "no threshold: agents that recall an outcome are not tipped".into(),
        ],
        finds,
        effect: main.half.map(|half| {
            let [low, high] = main.halves;
            Effect::new(
                format!("minority that tips half the populations, {}, agents of {size}", arrow(main.direction)),
                half,
                [low, high],
            )
        }),
        statistic: (runs > 0).then(|| Statistic {
            name: "log score of recorded minorities over their overall share".into(),
            value: score - pooled,
            p: None,
        }),
        means,
        does_not_mean: "A threshold shows that agents respond to each other. It does not show where the response comes from."
            .into(),
        would_tell: (finds == Finds::CannotTell).then(|| {
            "runs with committed minorities of sizes about the foretold threshold (`agents.committed`), given beside these".into()
        }),
        source: "audit reference 2.4; the published criterion of tipping (Flint Ashery et al. 2025)".into(),
        cautions: Vec::new(),
        details: json!({
            "interactions": interactions,
            "curves": curves.iter().map(|curve| json!({
                "direction": arrow(curve.direction), "size": size, "counts": curve.counts, "p": curve.p, "low": curve.low, "high": curve.high,
                "half": curve.half, "half_low": curve.halves[0], "half_high": curve.halves[1],
            })).collect::<Vec<_>>(),
            "recorded": compared.iter().map(|(p, [low, high], seen)| json!({
                "condition": seen.label, "direction": arrow(seen.direction), "size": seen.size, "committed": seen.count, "tipped": seen.tipped, "of": seen.of,
                "foretold": p, "foretold_low": low, "foretold_high": high,
            })).collect::<Vec<_>>(),
            "mean_miss": if runs > 0 { json!(wrong) } else { serde_json::Value::Null },
        }),
        pictures: vec![Picture::Curves {
            title: "Tipping by a committed minority".into(),
            x: "Committed share of agents".into(),
            y: "Chance of tipping".into(),
            lines,
            reference: Some(0.5),
        }],
    })
}
