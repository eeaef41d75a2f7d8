//! Which runs are wanted next, where that depends on the runs so far, and what comes of them in the end. Pure functions of
//! the answers so far, so an interrupted search goes on as if nothing had happened, and a finished one can be read again.

use crate::experiment::{Asked, Find, Point, RunsRule, Searched, Sequential, searched, swept};
use crate::stats::{always_valid_mean, always_valid_share, mean_sd};
use serde::Serialize;
use statrs::distribution::{ChiSquared, ContinuousCDF};

/// The answers of a point's runs so far, in the order of the replicas; None where a run has no answer.
pub type Answers = Vec<Option<f64>>;

/// More runs of a point: from its replica `from` up to but not with `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its number in the sweep, from 0.
    pub point: usize,
    /// How many runs it has already.
    pub from: u64,
    /// How many runs it has then.
    pub to: u64,
}

/// How many runs a point has after each look at it: growing by a quarter, so that looks are few beside runs.
fn looks(rule: &RunsRule) -> impl Iterator<Item = u64> + '_ {
    let next = |&n: &u64| (n < rule.most).then(|| (n + (n / 4).max(rule.least)).min(rule.most));
    std::iter::successors(Some(rule.least), next)
}

/// Fewer runs than these say nothing of a mean.
const MEAN_LEAST: u64 = 20;

/// The runs that are wanted next; none where there are enough. `searched` holds the points of each threshold that is to
/// be found.
pub fn wanted(sequential: &Sequential, searched: &[Searched], answers: &[Answers]) -> Vec<Wanted> {
    match &sequential.find {
        Some(find) => {
            searched.iter().filter_map(|group| search(find, &sequential.rule, group, answers).err()).flatten().collect()
        }
        None => widest(&sequential.rule, sequential.asked(), answers),
    }
}

/// Points that are not known closely enough, widest first, as far as the budget goes.
fn widest(rule: &RunsRule, asked: &Asked, answers: &[Answers]) -> Vec<Wanted> {
    let mut open: Vec<(f64, Wanted)> = Vec::new();
    for (point, answers) in answers.iter().enumerate() {
        let from = answers.len() as u64;
        let width = width(asked, rule, answers);
        let enough = from >= rule.least && width <= rule.within.unwrap_or(0.0);
        if let Some(to) = looks(rule).find(|&n| n > from).filter(|_| !enough) {
            open.push((if from == 0 { f64::INFINITY } else { width }, Wanted { point, from, to }));
        }
    }
    open.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.point.cmp(&b.1.point)));
    let mut left = rule.runs.map(|runs| runs.saturating_sub(answers.iter().map(|answers| answers.len() as u64).sum()));
    open.retain_mut(|(_, wanted)| {
        if let Some(left) = &mut left {
            wanted.to = wanted.to.min(wanted.from + *left);
            *left -= wanted.to - wanted.from;
        }
        wanted.to > wanted.from
    });
    open.into_iter().map(|(_, wanted)| wanted).collect()
}

/// Half the width of the interval of what is asked, for `rounds` as a part of the mean.
fn width(asked: &Asked, rule: &RunsRule, answers: &[Option<f64>]) -> f64 {
    let known: Vec<f64> = answers.iter().flatten().copied().collect();
    match asked {
        Asked::Rounds => {
            let (mean, sd) = mean_sd(&known);
            // The interval is for many runs; of a few it says nothing.
            match known.len() as u64 {
                n if n < rule.least.max(MEAN_LEAST) => f64::INFINITY,
                n => always_valid_mean(n, sd, rule.least.max(MEAN_LEAST), 0.05) / mean,
            }
        }
        _ => {
            let [low, high] = always_valid_share(known.iter().filter(|&&yes| yes > 0.5).count() as u64, known.len() as u64, 0.05);
            (high - low) / 2.0
        }
    }
}

/// On which side of the threshold's share a point is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Below,
    Above,
    /// Too near to tell with the runs that there may be.
    Open,
}

/// A threshold, found or not.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Threshold {
    /// Where the share passes the value; None where it does at no value that was looked at.
    pub value: Option<f64>,
    /// Between which values it does, with a probability of at least 95 % if the share only rises, or only falls.
    pub low: Option<f64>,
    /// The value at the other end; None where the share passes at none.
    pub high: Option<f64>,
    /// Whether the share rises through the value.
    pub rises: Option<bool>,
    /// The points that were run.
    pub points: usize,
    /// How many runs they had together.
    pub runs: u64,
    /// Why there is none, or why it could not be known more closely.
    pub caution: Option<String>,
}

/// The error of each of the numbers that a search among `m` can look at: the ends, and three times as many as halvings.
fn error(m: usize) -> f64 {
    let halvings = usize::BITS - (m - 1).leading_zeros();
    0.05 / f64::from(2 + 3 * halvings)
}

/// How many runs of a number it takes at least to tell it from a threshold at this share, where all say the same.
pub(crate) fn runs_to_decide(at: f64, m: usize) -> u64 {
    let decides = |n: &u64| always_valid_share(0, *n, error(m))[1] < at && always_valid_share(*n, *n, error(m))[0] > at;
    (1..).find(decides).expect("some number of runs decides")
}

/// Looks for one threshold by bisection between the numbers of a group, or says which runs it takes to go on.
///
/// Each number is run until an interval that holds at all times at once is to one side of the threshold's share. Errors are
/// shared out over the numbers that can be looked at, so that all sides are right with a probability of 95 %. Where a
/// number is too near the threshold to be told from it, its lower and upper end are looked for on either side of it.
pub fn search(find: &Find, rule: &RunsRule, group: &Searched, answers: &[Answers]) -> Result<Threshold, Vec<Wanted>> {
    let m = group.values.len();
    let error = error(m);
    let side = |i: usize| side(find, rule, error, group.points[i], &answers[group.points[i]]);
    let both: Vec<Result<Side, Wanted>> = [0, m - 1].into_iter().map(side).collect();
    let wanted: Vec<Wanted> = both.iter().filter_map(|side| side.err()).collect();
    let [Ok(first), Ok(last)] = both[..] else { return Err(wanted) };
    let tried = || group.points.iter().map(|&point| &answers[point]).filter(|answers| !answers.is_empty());
    let [lowest, highest] = [group.values[0], group.values[m - 1]];
    let told = |ends: Option<[usize; 2]>, rises: Option<bool>, value: Option<f64>, caution: Option<String>| Threshold {
        value,
        low: ends.map(|[low, _]| group.values[low]),
        high: ends.map(|[_, high]| group.values[high]),
        rises,
        points: tried().count(),
        runs: tried().map(|answers| answers.len() as u64).sum(),
        caution,
    };
    let rises = match (first, last) {
        (Side::Below, Side::Above) => true,
        (Side::Above, Side::Below) => false,
        _ => {
            let words = |side| match side {
                Side::Below => "below it",
                Side::Above => "above it",
                Side::Open => "too near it to tell",
            };
            let found = match first == Side::Open || last == Side::Open {
                true => "could not be told to pass",
                false => "is on one side of",
            };
            let why = format!(
                "the share of runs that {} {found} {} at {lowest} and {highest}: {} at the one, {} at the other",
                find.of.words(),
                find.at,
                words(first),
                words(last)
            );
            return Ok(told(None, None, None, Some(why)));
        }
    };
    // Everything up to `low` is on the first side, everything from `high` on on the last, and what is from `open[0]` to
    // `open[1]` is too near to tell.
    let (mut low, mut high, mut open) = (0, m - 1, None::<[usize; 2]>);
    loop {
        let middle = match open {
            None if high - low > 1 => (low + high) / 2,
            Some([from, _]) if from - low > 1 => (low + from) / 2,
            Some([_, to]) if high - to > 1 => (to + high).div_ceil(2),
            _ => break,
        };
        match side(middle).map_err(|wanted| vec![wanted])? {
            found if found == first && open.is_none_or(|[from, _]| middle < from) => low = middle,
            found if found == last && open.is_none_or(|[_, to]| middle > to) => high = middle,
            _ => {
                let [from, to] = open.unwrap_or([middle; 2]);
                open = Some([from.min(middle), to.max(middle)]);
            }
        }
    }
    let caution = open.map(|[from, to]| match from == to {
        true => format!("{} could not be told from the threshold with {} runs", group.values[from], rule.most),
        false => format!(
            "{} to {} could not be told from the threshold with {} runs each",
            group.values[from], group.values[to], rule.most
        ),
    });
    let value = crossing(find.at, group, answers, rises);
    let value = value.unwrap_or((group.values[low] + group.values[high]) / 2.0).clamp(group.values[low], group.values[high]);
    Ok(told(Some([low, high]), Some(rises), Some(value), caution))
}

fn side(find: &Find, rule: &RunsRule, error: f64, point: usize, answers: &[Option<f64>]) -> Result<Side, Wanted> {
    for n in looks(rule) {
        let Some(seen) = answers.get(..n as usize) else { return Err(Wanted { point, from: answers.len() as u64, to: n }) };
        let [yes, of] = count(seen);
        let [low, high] = always_valid_share(yes, of, error);
        if high < find.at {
            return Ok(Side::Below);
        }
        if low > find.at {
            return Ok(Side::Above);
        }
    }
    Ok(Side::Open)
}

fn count(answers: &[Option<f64>]) -> [u64; 2] {
    [answers.iter().flatten().filter(|&&yes| yes > 0.5).count() as u64, answers.iter().flatten().count() as u64]
}

/// Where the likeliest shares that only rise (or only fall) pass a value: pooled by adjacent violators (Ayer et al., Ann.
/// Math. Stat. 26, 1955), with a straight line between the numbers that were run.
fn crossing(at: f64, group: &Searched, answers: &[Answers], rises: bool) -> Option<f64> {
    let sign = if rises { 1.0 } else { -1.0 };
    // Pools of neighbouring numbers: the numbers, and yes and all of their runs.
    let mut pools: Vec<(Vec<f64>, f64, f64)> = Vec::new();
    for (&point, &value) in group.points.iter().zip(&group.values) {
        let [yes, of] = count(&answers[point]).map(|n| n as f64);
        if of == 0.0 {
            continue;
        }
        pools.push((vec![value], yes, of));
        while let [.., a, b] = &pools[..]
            && sign * (a.1 / a.2) >= sign * (b.1 / b.2)
        {
            let (values, yes, of) = pools.pop().expect("there are two");
            let before = pools.last_mut().expect("there are two");
            before.0.extend(values);
            (before.1, before.2) = (before.1 + yes, before.2 + of);
        }
    }
    let shares: Vec<(f64, f64)> =
        pools.iter().flat_map(|(values, yes, of)| values.iter().map(move |&value| (value, yes / of))).collect();
    let passes = |pair: &&[(f64, f64)]| sign * (pair[0].1 - at) <= 0.0 && sign * (pair[1].1 - at) > 0.0;
    shares.windows(2).find(passes).map(|pair| {
        let [(x, p), (y, q)] = [pair[0], pair[1]];
        x + (y - x) * (at - p) / (q - p)
    })
}

/// Thresholds of finite populations, extrapolated to populations without limit of size.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Limit {
    /// The threshold of a population without limit of size.
    pub value: f64,
    /// Its 95 % interval.
    pub low: f64,
    /// The interval's upper end.
    pub high: f64,
    /// The exponent e of threshold = value + c N^-e.
    pub exponent: f64,
    /// Between which exponents the thresholds are met as well; None where it was given.
    pub exponents: Option<[f64; 2]>,
    /// The factor c of N^-e.
    pub slope: f64,
    /// Squared distances of the thresholds, in their standard errors, and how many can be free.
    pub chi2: f64,
    /// Degrees of freedom: thresholds less what was fitted.
    pub df: usize,
}

/// The exponents that are tried, in steps.
const EXPONENTS: std::ops::Range<f64> = 2.0..81.0;
const STEP: f64 = 0.025;

/// 95 % of chi-squared with one degree of freedom.
const CHI2_95: f64 = 3.841_459;

/// Extrapolates thresholds, each as N, value, low and high, by threshold = limit + c N^-e: weighted least squares, as if a
/// threshold were anywhere in its interval, so with its length over the root of 12 for a standard error. Where the exponent is not given it is fitted, and the limit's interval
/// covers what all exponents say that do as well within chi-squared 3.84.
pub fn extrapolate(thresholds: &[[f64; 4]], exponent: Option<f64>) -> Result<Limit, String> {
    let needed = if exponent.is_some() { 3 } else { 4 };
    if thresholds.len() < needed {
        return Err(format!(
            "thresholds of {} sizes are too few to extrapolate from; it takes {needed}{}",
            thresholds.len(),
            if exponent.is_none() { ", or 3 with `find.exponent`" } else { "" }
        ));
    }
    let line = |exponent: f64| {
        let each = || {
            let error = |low: f64, high: f64| ((high - low) / 12f64.sqrt()).max(1e-12);
            thresholds.iter().map(move |[n, value, low, high]| (n.powf(-exponent), *value, error(*low, *high).powi(-2)))
        };
        let sum = |of: &dyn Fn(f64, f64) -> f64| each().map(|(x, y, weight)| weight * of(x, y)).sum::<f64>();
        // About the means, so that sums of nearly equal numbers do not cancel.
        let weight = sum(&|_, _| 1.0);
        let [x, y] = [sum(&|x, _| x) / weight, sum(&|_, y| y) / weight];
        let spread = sum(&|at, _| (at - x).powi(2));
        let slope = sum(&|at, value| (at - x) * (value - y)) / spread;
        let value = y - slope * x;
        let chi2 = sum(&|at, found| (found - value - slope * at).powi(2));
        let half = 1.96 * (1.0 / weight + x * x / spread).sqrt();
        let df = thresholds.len() - (needed - 1);
        Limit { value, low: value - half, high: value + half, exponent, exponents: None, slope, chi2, df }
    };
    if let Some(exponent) = exponent {
        return Ok(line(exponent));
    }
    let lines: Vec<Limit> = (EXPONENTS.start as u32..EXPONENTS.end as u32).map(|i| line(f64::from(i) * STEP)).collect();
    let best = lines.iter().min_by(|a, b| a.chi2.total_cmp(&b.chi2)).expect("some are tried");
    let as_well: Vec<&Limit> = lines.iter().filter(|line| line.chi2 <= best.chi2 + CHI2_95).collect();
    let least = |of: fn(&Limit) -> f64| as_well.iter().map(|line| of(line)).fold(f64::INFINITY, f64::min);
    let most = |of: fn(&Limit) -> f64| as_well.iter().map(|line| of(line)).fold(f64::NEG_INFINITY, f64::max);
    Ok(Limit {
        low: least(|line| line.low),
        high: most(|line| line.high),
        exponents: Some([least(|line| line.exponent), most(|line| line.exponent)]),
        ..best.clone()
    })
}

/// What a reader should know of an extrapolation, of which so many thresholds were left out.
fn caution(limit: &Limit, left_out: usize) -> Option<String> {
    let mut out = Vec::new();
    if limit.df > 0 && ChiSquared::new(limit.df as f64).is_ok_and(|chi2| chi2.sf(limit.chi2) < 0.05) {
        out.push("the thresholds do not lie on this curve, so its limit is not theirs".to_string());
    }
    if limit.exponents.is_some() && !(EXPONENTS.start * STEP < limit.exponent && limit.exponent < (EXPONENTS.end - 1.0) * STEP) {
        out.push("the exponent is at the end of those that were tried".into());
    }
    if left_out > 0 {
        out.push(format!("{left_out} without a threshold left out"));
    }
    (!out.is_empty()).then(|| out.join("; "))
}

/// All thresholds of an experiment, and what they are extrapolated to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// The swept number.
    pub key: String,
    /// What was asked of each run.
    pub of: Asked,
    /// The share of runs at the threshold, from 0 to 1.
    pub at: f64,
    /// One for each setting of the other swept keys, in the order of the sweep.
    pub thresholds: Vec<FoundAt>,
    /// What they are extrapolated in.
    pub over: Option<String>,
    /// One for each setting of the keys besides that and the swept number; none where nothing is extrapolated.
    pub limits: Vec<LimitAt>,
}

/// A threshold, and where in the sweep it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FoundAt {
    /// What the other swept keys are; empty where there are none.
    pub label: String,
    /// The number in which thresholds are extrapolated.
    pub n: Option<f64>,
    /// Where it is, or why it could not be found.
    #[serde(flatten)]
    pub threshold: Threshold,
}

/// What the thresholds of one family are extrapolated to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LimitAt {
    /// What the remaining swept keys are; empty where there are none.
    pub label: String,
    /// None where there are too few thresholds.
    #[serde(flatten)]
    pub limit: Option<Limit>,
    /// Why there is none, or what a reader should know of it.
    pub caution: Option<String>,
}

const SIZE: &str = "population.size";

/// The thresholds that the answers of an experiment's runs give; None where none was looked for, or not to the end.
pub fn found(points: &[Point], answers: &[Answers]) -> Option<Found> {
    let sequential = points[0].experiment.sequential.as_ref()?;
    let find = sequential.find.as_ref()?;
    let searched = searched(points, &find.key).ok()?;
    let over = find.over.clone().or_else(|| points.iter().all(|point| swept(point, SIZE).is_some()).then(|| SIZE.to_string()));
    let mut thresholds = Vec::new();
    let mut families: Vec<(String, Vec<[f64; 4]>, usize)> = Vec::new();
    for group in &searched {
        let threshold = search(find, &sequential.rule, group, answers).ok()?;
        let first = &points[group.points[0]];
        let n = over.as_ref().and_then(|over| swept(first, over));
        if let (Some(n), Some(over)) = (n, &over) {
            let label = first.label(|key| key != find.key && key != over);
            let i = families.iter().position(|(known, ..)| *known == label).unwrap_or_else(|| {
                families.push((label, Vec::new(), 0));
                families.len() - 1
            });
            match (threshold.value, threshold.low, threshold.high) {
                (Some(value), Some(low), Some(high)) => families[i].1.push([n, value, low, high]),
                _ => families[i].2 += 1,
            }
        }
        thresholds.push(FoundAt { label: group.label.clone(), n, threshold });
    }
    let limit = |(label, family, left_out): (String, Vec<[f64; 4]>, usize)| match extrapolate(&family, find.exponent) {
        Ok(limit) => LimitAt { label, caution: caution(&limit, left_out), limit: Some(limit) },
        Err(why) => LimitAt { label, limit: None, caution: Some(why) },
    };
    let limits = families.into_iter().map(limit).collect();
    Some(Found { key: find.key.clone(), of: find.of.clone(), at: find.at, thresholds, over, limits })
}

/// What is wrong with the sweep, for the threshold that is to be found in it.
pub(super) fn check(points: &[Point]) -> Result<(), (&'static str, String)> {
    let Some(Sequential { rule, find }) = &points[0].experiment.sequential else { return Ok(()) };
    let least = rule.least.saturating_mul(points.len() as u64);
    if rule.runs.is_some_and(|runs| runs < least) {
        return Err(("replicas", format!("`runs` is less than `least` runs of each of {} points, {least}", points.len())));
    }
    let Some(find) = find else { return Ok(()) };
    let groups = searched(points, &find.key).map_err(|why| ("find.key", why))?;
    let needed = groups.iter().map(|group| runs_to_decide(find.at, group.values.len())).max().unwrap_or(1);
    let most = points[0].experiment.replicas;
    if most < needed {
        return Err((
            "replicas",
            format!(
                "{most} runs of a value cannot tell it from a threshold at {}, even where all say the same; give `most` at least {needed}",
                find.at
            ),
        ));
    }
    if let Some(over) = &find.over
        && !points.iter().all(|point| swept(point, over).is_some_and(|n| n > 0.0))
    {
        return Err((
            "find.over",
            format!("the sweep gives `{over}` no numbers above 0, over which thresholds could be extrapolated"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Purpose, Seed};

    fn find(of: Asked) -> Find {
        Find { key: "x".into(), of, at: 0.5, over: None, exponent: None }
    }

    fn rule(least: u64, most: u64) -> RunsRule {
        RunsRule { least, most, within: None, of: None, runs: None }
    }

    /// Plays what is wanted until nothing is, with the given probability of a yes at each point.
    fn play(sequential: &Sequential, searched: &[Searched], seed: u64, p: &dyn Fn(usize) -> f64, points: usize) -> Vec<Answers> {
        let mut answers = vec![Vec::new(); points];
        loop {
            let wanted = wanted(sequential, searched, &answers);
            if wanted.is_empty() {
                return answers;
            }
            for Wanted { point, from, to } in wanted {
                assert_eq!(answers[point].len() as u64, from, "runs follow on one another");
                assert!(to <= sequential.rule.most);
                let answer = |i: u64| {
                    let draw = Seed(seed).stream(Purpose::Resample, point as u64 * 100_000 + i).unit();
                    Some(f64::from(u8::from(draw < p(point))))
                };
                answers[point].extend((from..to).map(answer));
            }
        }
    }

    /// Thresholds between 0 and 1 of curves that rise or fall, at known places: nineteen of twenty intervals hold theirs.
    #[test]
    fn intervals_hold_the_threshold_and_few_points_are_run() {
        let values: Vec<f64> = (0..=100).map(|i| f64::from(i) / 100.0).collect();
        let searched = [Searched { label: String::new(), points: (0..101).collect(), values: values.clone() }];
        for (place, steepness) in [(0.333, 30.0), (0.7012, 200.0), (0.052, -40.0)] {
            let p = |i: usize| 1.0 / (1.0 + (-steepness * (values[i] - place)).exp());
            let sequential = Sequential { rule: rule(20, 400), find: Some(find(Asked::Consensus)) };
            let (mut held, mut off, mut points) = (0, 0.0, 0);
            for seed in 0..200 {
                let answers = play(&sequential, &searched, seed, &p, 101);
                let found = search(&find(Asked::Consensus), &sequential.rule, &searched[0], &answers).unwrap();
                assert_eq!(found.rises, Some(steepness > 0.0));
                let [low, high] = [found.low, found.high].map(Option::unwrap);
                held += usize::from(low <= place && place <= high);
                off += (found.value.unwrap() - place).abs() / 200.0;
                points = points.max(found.points);
                assert!(low <= found.value.unwrap() && found.value.unwrap() <= high);
            }
            assert!(held >= 190, "{held} of 200 intervals hold {place}");
            assert!(off < 1.0 / steepness.abs() + 0.005, "the threshold at {place} was missed by {off} on average");
            assert!(points <= 23, "{points} of 101 points were run");
        }
    }

    #[test]
    fn what_does_not_pass_the_threshold_is_said_to() {
        let searched = [Searched { label: String::new(), points: vec![0, 1, 2], values: vec![0.1, 0.2, 0.3] }];
        let sequential = Sequential { rule: rule(20, 40), find: Some(find(Asked::Consensus)) };
        let answers = play(&sequential, &searched, 1, &|_| 0.0, 3);
        assert!(answers[1].is_empty(), "nothing between two ends on the same side is run");
        let found = search(&find(Asked::Consensus), &sequential.rule, &searched[0], &answers).unwrap();
        assert_eq!((found.value, found.low, found.rises), (None, None, None));
        assert!(
            found.caution.unwrap().contains("is on one side of 0.5 at 0.1 and 0.3: below it at the one, below it at the other")
        );
        // So few runs that even all of one kind do not tell.
        let few = Sequential { rule: rule(5, 5), ..sequential };
        assert!(runs_to_decide(0.5, 3) > 5);
        let answers = play(&few, &searched, 1, &|i| [0.0, 0.5, 1.0][i], 3);
        let found = search(&find(Asked::Consensus), &few.rule, &searched[0], &answers).unwrap();
        assert!(found.value.is_none() && found.caution.unwrap().contains("could not be told to pass"));
    }

    #[test]
    fn runs_go_where_the_interval_is_widest_until_it_is_narrow_or_the_budget_is_spent() {
        let ps = [0.5, 0.02, 0.98, 0.3];
        let wide = |rule: RunsRule| Sequential { rule, find: None };
        let base = RunsRule { least: 20, most: 4000, within: Some(0.05), of: Some(Asked::Consensus), runs: None };
        let answers = play(&wide(base.clone()), &[], 3, &|i| ps[i], 4);
        assert!(answers.iter().all(|answers| width(&Asked::Consensus, &base, answers) <= 0.05));
        assert!(answers[0].len() > 3 * answers[1].len(), "an even chance takes more runs to know than a small one");
        let spent = RunsRule { runs: Some(500), ..base.clone() };
        let answers = play(&wide(spent.clone()), &[], 3, &|i| ps[i], 4);
        assert_eq!(answers.iter().map(Vec::len).sum::<usize>(), 500);
        assert!(answers[0].len() > answers[1].len());
        let few = RunsRule { most: 30, ..base };
        assert!(play(&wide(few), &[], 3, &|i| ps[i], 4).iter().all(|answers| answers.len() <= 30));
    }

    #[test]
    fn a_mean_of_few_runs_is_not_known_however_alike_they_are() {
        let rule = RunsRule { least: 2, most: 5000, within: Some(0.01), of: Some(Asked::Rounds), runs: None };
        assert_eq!(width(&Asked::Rounds, &rule, &[Some(1.25), Some(1.25)]), f64::INFINITY);
        // Runs without an answer do not count.
        let mut answers = vec![None; 200];
        answers.extend([Some(1.0), Some(1.0)]);
        assert_eq!(width(&Asked::Rounds, &rule, &answers), f64::INFINITY);
        assert_eq!(width(&Asked::Rounds, &rule, &[Some(1.25); 20]), 0.0);
    }

    /// A law of known limit and exponent, each threshold known to be somewhere in its interval: that of the limit holds it.
    #[test]
    fn a_limit_is_extrapolated_from_finite_sizes() {
        let law = |n: f64| 0.1 + 0.8 * n.powf(-0.5);
        let (mut held, mut held_given) = (0, 0);
        for seed in 0..100 {
            let mut stream = Seed(seed).stream(Purpose::Resample, 0);
            let sizes = [50.0, 100.0, 200.0, 400.0, 800.0, 1600.0];
            let thresholds = sizes.map(|n| {
                let low = law(n) - 0.004 * stream.unit();
                [n, low + 0.002, low, low + 0.004]
            });
            let free = extrapolate(&thresholds, None).unwrap();
            held += usize::from(free.low <= 0.1 && 0.1 <= free.high);
            let given = extrapolate(&thresholds, Some(0.5)).unwrap();
            held_given += usize::from(given.low <= 0.1 && 0.1 <= given.high);
            assert!(
                caution(&given, 0).is_none_or(|why| why.contains("do not lie"))
                    && caution(&given, 2).unwrap().contains("2 without")
            );
            assert!((given.value - 0.1).abs() < 0.01 && given.high - given.low < free.high - free.low);
        }
        assert!(held >= 90 && held_given >= 90, "{held} and {held_given} of 100 intervals hold the limit");
        assert!(extrapolate(&[[1.0; 4]; 3], None).unwrap_err().contains("exponent"));
        // No power of N: said so.
        let odd = [[10.0, 0.5, 0.49, 0.51], [20.0, 0.1, 0.09, 0.11], [40.0, 0.5, 0.49, 0.51], [80.0, 0.1, 0.09, 0.11]];
        assert!(caution(&extrapolate(&odd, None).unwrap(), 0).unwrap().contains("do not lie on this curve"));
    }
}
