//! Fits an emulated agent to recorded decisions.
//!
//! The model is a multinomial logit over the features of `agents/emulated.rs` with a ridge penalty on each
//! weight, so the fit has one optimum. Patterns of the window share one penalty, chosen by cross-validation
//! over runs; the others are fixed. `docs/fitting.md` compares it with its rivals.

use crate::agents::emulated::{Penalty, Sufficiency, View};
use crate::event::Event;
use crate::measure::RunContext;
use crate::window::Round;
use crate::{Purpose, Seed};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The decisions of one run: what each agent that was not committed remembered, and what it chose.
#[derive(Clone, Debug)]
pub struct RunDecisions {
    /// Which condition the run belongs to.
    pub condition: usize,
    /// The pool in sorted order: what is remembered and chosen are places in it.
    pub pool: Arc<[String]>,
    /// What was remembered, oldest first, and what was chosen, in the order in which the agents decided.
    pub decisions: Vec<(Vec<Round>, u16)>,
}

/// Reads a run's decisions off its events. `starts` are the agents' first windows, in the pool's own order
/// of names, as are the events.
pub fn decisions(condition: usize, context: &RunContext, memory: usize, starts: &[Vec<Round>], events: &[Event]) -> RunDecisions {
    let mut pool = context.names.clone();
    pool.sort_unstable();
    let sorted: Vec<u16> = context.names.iter().map(|name| pool.binary_search(name).expect("a sorted copy") as u16).collect();
    let committed = context.committed.as_ref().map_or(&[][..], |(_, agents)| agents);
    let place = |round: &Round| round.map(|name| sorted[name as usize]);
    let mut windows: Vec<Vec<Round>> = starts.iter().map(|start| start.iter().map(place).collect()).collect();
    windows.resize(context.size as usize, Vec::new());
    let mut decisions = Vec::new();
    for event in events {
        for (agent, name) in event.choices() {
            if committed.binary_search(&agent).is_err() {
                let window = &windows[agent as usize];
                decisions.push((window[window.len().saturating_sub(memory)..].to_vec(), sorted[name as usize]));
            }
        }
        let (Some(_), [Some(a), Some(b)]) = (event.success, event.names) else { continue };
        let (a, b) = (sorted[a as usize], sorted[b as usize]);
        for (agent, round) in [(event.agents[0], [a, b]), (event.agents[1], [b, a])] {
            let window = &mut windows[agent as usize];
            window.push(round);
            if window.len() > 2 * memory + 1 {
                window.drain(..window.len() - memory);
            }
        }
    }
    RunDecisions { condition, pool: pool.into(), decisions }
}

/// Decisions counted by pool and window, in order.
type Cells = BTreeMap<(Arc<[String]>, Vec<Round>), Vec<f64>>;

fn count<'r>(runs: impl IntoIterator<Item = &'r RunDecisions>) -> Cells {
    let mut cells = Cells::new();
    for run in runs {
        for (window, choice) in &run.decisions {
            let counts = cells.entry((run.pool.clone(), window.clone())).or_insert_with(|| vec![0.0; run.pool.len()]);
            counts[*choice as usize] += 1.0;
        }
    }
    cells
}

/// The features of all candidates of all cells, as rows of places in the list of weights.
struct Design {
    /// Where each cell's candidates start among the rows, and how many there are last.
    cells: Vec<usize>,
    /// Where each candidate's features start, and how many there are last.
    rows: Vec<usize>,
    features: Vec<u32>,
    offsets: Vec<f64>,
    counts: Vec<f64>,
}

/// The features that a fit has met, with their penalties. Looked up, and iterated only into a sorted map.
#[derive(Default)]
struct Index {
    places: HashMap<String, u32>,
    penalties: Vec<Penalty>,
}

impl Design {
    fn new(cells: &Cells, index: &mut Index, grow: bool) -> Design {
        let mut design = Design { cells: vec![0], rows: vec![0], features: Vec::new(), offsets: Vec::new(), counts: Vec::new() };
        for ((pool, window), counts) in cells {
            let view = View::new(window);
            for (candidate, label) in pool.iter().enumerate() {
                view.features(candidate as u16, label, pool.len(), |key, penalty| {
                    let place = index.places.get(key).copied().or_else(|| {
                        grow.then(|| {
                            let place = index.penalties.len() as u32;
                            index.penalties.push(penalty);
                            index.places.insert(key.to_string(), place);
                            place
                        })
                    });
                    design.features.extend(place);
                });
                design.rows.push(design.features.len());
                design.offsets.push(view.offset(candidate as u16, pool.len()));
            }
            design.counts.extend(counts);
            design.cells.push(design.offsets.len());
        }
        design
    }

    /// The log score of the counts, and, if asked for, how it changes with each weight.
    fn score(&self, weights: &[f64], mut gradient: Option<&mut [f64]>) -> f64 {
        let mut total = 0.0;
        let mut z = Vec::new();
        for cell in self.cells.windows(2) {
            z.clear();
            z.extend((cell[0]..cell[1]).map(|row| {
                self.offsets[row]
                    + self.features[self.rows[row]..self.rows[row + 1]].iter().map(|&f| weights[f as usize]).sum::<f64>()
            }));
            let most = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = z.iter().map(|z| (z - most).exp()).sum();
            let log_sum = most + sum.ln();
            let n: f64 = self.counts[cell[0]..cell[1]].iter().sum();
            for (row, z) in (cell[0]..cell[1]).zip(&z) {
                total += self.counts[row] * (z - log_sum);
                if let Some(gradient) = gradient.as_deref_mut() {
                    let push = self.counts[row] - n * (z - log_sum).exp();
                    self.features[self.rows[row]..self.rows[row + 1]].iter().for_each(|&f| gradient[f as usize] += push);
                }
            }
        }
        total
    }

    fn decisions(&self) -> f64 {
        self.counts.iter().sum()
    }
}

/// A fitted response.
pub struct Fit {
    /// The penalties of patterns in pools of two names, and of more.
    pub smoothing: [f64; 2],
    /// How many decisions it was fitted to.
    pub decisions: u64,
    /// Weights of features, by their keys; a feature that is not here weighs nothing.
    pub weights: BTreeMap<String, f64>,
    index: Index,
    values: Vec<f64>,
}

/// Penalties of pattern weights that are tried, the strongest first.
const GRID: [f64; 6] = [100.0, 30.0, 10.0, 3.0, 1.0, 0.3];
const FOLDS: usize = 4;

/// Fits to runs. Without a `smoothing`, cross-validation over runs chooses one.
pub fn fit(runs: &[&RunDecisions], smoothing: Option<[f64; 2]>) -> Fit {
    let smoothing = smoothing.unwrap_or_else(|| choose_smoothing(runs));
    let mut index = Index::default();
    let design = Design::new(&count(runs.iter().copied()), &mut index, true);
    let mut values = vec![0.0; index.penalties.len()];
    minimise(&design, &penalties(&index, smoothing), &mut values, 3000);
    let weights = index.places.iter().map(|(key, &place)| (key.clone(), values[place as usize])).collect();
    Fit { smoothing, decisions: design.decisions() as u64, weights, index, values }
}

impl Fit {
    /// The mean log score per decision, in nats, of runs that the fit may not have seen. None of no decisions.
    pub fn score(&mut self, runs: &[&RunDecisions]) -> Option<f64> {
        let design = Design::new(&count(runs.iter().copied()), &mut self.index, false);
        let n = design.decisions();
        (n > 0.0).then(|| design.score(&self.values, None) / n)
    }

    /// Drops weights too small to be seen and rounds the others, so that a model is a small file.
    pub fn compact(&self) -> BTreeMap<String, f64> {
        let rounded = self.weights.iter().map(|(key, weight)| (key.clone(), (weight * 1000.0).round() / 1000.0));
        rounded.filter(|(_, weight)| weight.abs() >= SMALL).collect()
    }
}

const SMALL: f64 = 0.01;

/// The penalties with which runs that were left out are predicted best, pools of two names and larger ones
/// each by their own decisions.
pub fn choose_smoothing(runs: &[&RunDecisions]) -> [f64; 2] {
    let mut total = [[0.0; GRID.len()]; 2];
    for fold in 0..FOLDS {
        let part = |held: bool| runs.iter().enumerate().filter(move |(i, _)| (i % FOLDS == fold) == held).map(|(_, run)| *run);
        let mut index = Index::default();
        let seen = Design::new(&count(part(false)), &mut index, true);
        let held = [true, false]
            .map(|pair| Design::new(&count(part(true).filter(|run| (run.pool.len() <= 2) == pair)), &mut index, false));
        let mut values = vec![0.0; index.penalties.len()];
        for (place, &smoothing) in GRID.iter().enumerate() {
            minimise(&seen, &penalties(&index, [smoothing; 2]), &mut values, 150);
            held.iter().zip(&mut total).for_each(|(held, total)| total[place] += held.score(&values, None));
        }
    }
    total.map(|total| {
        let best = (0..GRID.len()).max_by(|&a, &b| total[a].total_cmp(&total[b])).expect("the grid is not empty");
        GRID[best]
    })
}

fn penalties(index: &Index, smoothing: [f64; 2]) -> Vec<f64> {
    let shared = (smoothing[0] * smoothing[1]).sqrt();
    let penalty = |penalty: &Penalty| match *penalty {
        Penalty::Fixed(fixed) => fixed,
        Penalty::Pattern => shared,
        Penalty::PatternIn(class) => smoothing[class],
        Penalty::PatternAtLeast(least) => least.max(shared),
    };
    index.penalties.iter().map(penalty).collect()
}

/// Minimises the penalised negative log score by L-BFGS (Nocedal & Wright 2006, algorithms 7.4 and 7.5),
/// from the values given.
fn minimise(design: &Design, penalties: &[f64], x: &mut Vec<f64>, steps: usize) {
    const MEMORY: usize = 12;
    let n = x.len();
    let value = |x: &[f64], gradient: &mut Vec<f64>| {
        gradient.clear();
        gradient.resize(n, 0.0);
        let score = design.score(x, Some(gradient));
        let mut penalty = 0.0;
        for ((g, x), p) in gradient.iter_mut().zip(x).zip(penalties) {
            penalty += 0.5 * p * x * x;
            *g = p * x - *g;
        }
        penalty - score
    };
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let (mut gradient, mut next_gradient) = (Vec::new(), Vec::new());
    let mut current = value(x, &mut gradient);
    let mut past: Vec<(Vec<f64>, Vec<f64>, f64)> = Vec::new();
    let mut still = 0;
    for _ in 0..steps {
        let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut shares = Vec::with_capacity(past.len());
        for (s, y, curvature) in past.iter().rev() {
            let share = dot(s, &direction) / curvature;
            direction.iter_mut().zip(y).for_each(|(d, y)| *d -= share * y);
            shares.push(share);
        }
        let scale =
            past.last().map_or(1.0 / dot(&gradient, &gradient).sqrt().max(1.0), |(_, y, curvature)| curvature / dot(y, y));
        direction.iter_mut().for_each(|d| *d *= scale);
        for ((s, y, curvature), share) in past.iter().zip(shares.into_iter().rev()) {
            let back = dot(y, &direction) / curvature;
            direction.iter_mut().zip(s).for_each(|(d, s)| *d += (share - back) * s);
        }
        let slope = dot(&gradient, &direction);
        let mut length = 1.0;
        let (next, reached) = loop {
            let next: Vec<f64> = x.iter().zip(&direction).map(|(x, d)| x + length * d).collect();
            let reached = value(&next, &mut next_gradient);
            if reached <= current + 1e-4 * length * slope || length < 1e-10 {
                break (next, reached);
            }
            length *= 0.5;
        };
        let s: Vec<f64> = next.iter().zip(x.iter()).map(|(a, b)| a - b).collect();
        let y: Vec<f64> = next_gradient.iter().zip(&gradient).map(|(a, b)| a - b).collect();
        let curvature = dot(&s, &y);
        if curvature > 1e-12 {
            past.push((s, y, curvature));
            if past.len() > MEMORY {
                past.remove(0);
            }
        }
        still = if current - reached <= 1e-9 * current.abs() { still + 1 } else { 0 };
        *x = next;
        current = reached;
        std::mem::swap(&mut gradient, &mut next_gradient);
        // One small step may be chance; three are the end.
        if still == 3 || gradient.iter().all(|g| g.abs() < 1e-4) {
            return;
        }
    }
}

/// Tests whether the response depends on the window alone: Pearson's chi-squared of run × (first name of
/// the pool or another) within each window, against runs exchanged within windows.
pub fn sufficiency(condition: String, runs: &[&RunDecisions], permutations: usize, seed: Seed) -> Option<Sufficiency> {
    let (statistic, p) = exchangeability(runs, usize::MAX, permutations, seed)?;
    let (short_statistic, short_p) = exchangeability(runs, 2, permutations, seed)?;
    Some(Sufficiency { condition, statistic, p, short_statistic, short_p })
}

fn exchangeability(runs: &[&RunDecisions], longest: usize, permutations: usize, seed: Seed) -> Option<(f64, f64)> {
    // Within each window: which run each decision belongs to, and whether it fell on the first name.
    let mut cells: BTreeMap<&[Round], (Vec<u32>, Vec<bool>)> = BTreeMap::new();
    for (number, run) in (0..).zip(runs) {
        for (window, choice) in run.decisions.iter().filter(|(window, _)| window.len() <= longest) {
            let (owners, first) = cells.entry(window).or_default();
            owners.push(number);
            first.push(*choice == 0);
        }
    }
    // Windows always answered alike say nothing.
    let cells: Vec<_> = cells.into_values().filter(|(_, first)| first.contains(&true) && first.contains(&false)).collect();
    let statistic = |cells: &[(Vec<u32>, Vec<bool>)]| {
        let mut chi2 = 0.0;
        let mut df = 0usize;
        let mut counts: BTreeMap<u32, [f64; 2]> = BTreeMap::new();
        for (owners, first) in cells {
            counts.clear();
            let p = first.iter().filter(|&&first| first).count() as f64 / first.len() as f64;
            owners.iter().zip(first).for_each(|(owner, &first)| counts.entry(*owner).or_default()[usize::from(first)] += 1.0);
            df += counts.len() - 1;
            chi2 += counts
                .values()
                .map(|[other, first]| (first - (first + other) * p).powi(2) / ((first + other) * p * (1.0 - p)))
                .sum::<f64>();
        }
        (chi2, df)
    };
    let (observed, df) = statistic(&cells);
    if df == 0 {
        return None;
    }
    let mut shuffled = cells.clone();
    let mut as_large = 1;
    for permutation in 0..permutations as u64 {
        let mut stream = seed.stream(Purpose::Resample, permutation);
        for (_, first) in &mut shuffled {
            let n = first.len();
            stream.shuffle(first, n);
        }
        as_large += usize::from(statistic(&shuffled).0 >= observed - 1e-9);
    }
    Some((observed / df as f64, as_large as f64 / (permutations + 1) as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(names: &[&str]) -> Arc<[String]> {
        names.iter().map(|name| name.to_string()).collect()
    }

    /// Decisions of agents that mostly repeat their own last choice.
    fn stubborn(condition: usize, runs: u64, names: &[&str], keep: f64) -> Vec<RunDecisions> {
        let n = names.len() as u64;
        let run = |run: u64| {
            let mut stream = Seed(run).stream(Purpose::Resample, 7);
            let decisions = (0..400).map(|_| {
                let [own, partner] = [0, 1].map(|_| stream.below(n) as u16);
                let choice = if stream.unit() < keep { own } else { stream.below(n) as u16 };
                (vec![[own, partner]], choice)
            });
            RunDecisions { condition, pool: pool(names), decisions: decisions.collect() }
        };
        (0..runs).map(run).collect()
    }

    #[test]
    fn a_fit_finds_the_rule_behind_the_decisions_and_carries_it_to_new_names() {
        let runs = stubborn(0, 8, &["M", "Q"], 0.8);
        let all: Vec<&RunDecisions> = runs.iter().collect();
        let mut fitted = fit(&all, Some([1.0; 2]));
        let expected = 0.9f64 * 0.9f64.ln() + 0.1 * 0.1f64.ln();
        assert!((fitted.score(&all).unwrap() - expected).abs() < 0.02);
        let others = stubborn(1, 4, &["Alice", "Bob"], 0.8);
        let others: Vec<&RunDecisions> = others.iter().collect();
        assert!((fitted.score(&others).unwrap() - expected).abs() < 0.05);
    }

    #[test]
    fn the_optimum_does_not_depend_on_the_order_of_the_runs() {
        let runs = stubborn(0, 6, &["M", "Q"], 0.6);
        let forth: Vec<&RunDecisions> = runs.iter().collect();
        let back: Vec<&RunDecisions> = runs.iter().rev().collect();
        assert_eq!(fit(&forth, Some([1.0; 2])).compact(), fit(&back, Some([1.0; 2])).compact());
    }

    #[test]
    fn runs_that_follow_different_rules_are_told_from_runs_that_follow_one() {
        let same = stubborn(0, 10, &["M", "Q"], 0.5);
        let same: Vec<&RunDecisions> = same.iter().collect();
        assert!(sufficiency("one rule".into(), &same, 199, Seed(0)).unwrap().p > 0.05);
        let mut different = stubborn(0, 5, &["M", "Q"], 0.3);
        different.extend(stubborn(0, 5, &["M", "Q"], 0.7));
        let different: Vec<&RunDecisions> = different.iter().collect();
        assert!(sufficiency("two rules".into(), &different, 199, Seed(0)).unwrap().p < 0.01);
    }

    #[test]
    fn decisions_are_read_with_what_was_remembered_before_them() {
        let context = RunContext {
            size: 3,
            names: vec!["Q".into(), "M".into()],
            empty_start: true,
            committed: Some((1, vec![2])),
            alone: false,
            consensus: crate::stop::Consensus::published(),
            live: false,
            committed_later: Vec::new(),
            knowing: None,
            scenes: None,
            measures: None,
            counts: false,
        };
        let event = |t, a, b, name_a, name_b| Event {
            t,
            agents: [a, b],
            names: [Some(name_a), Some(name_b)],
            success: Some(name_a == name_b),
            invalid: [0; 2],
        };
        let events = [event(0, 0, 2, 0, 1), event(1, 1, 0, 0, 1)];
        let run = decisions(0, &context, 1, &[], &events);
        // Sorted, M is 0 and Q is 1. Agent 2 is committed, and its choices are remembered by others only.
        assert_eq!(run.decisions, vec![(vec![], 1), (vec![], 1), (vec![[1, 0]], 0)]);
    }
}
