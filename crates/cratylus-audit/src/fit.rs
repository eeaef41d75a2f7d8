//! Fits an emulated agent to recorded decisions.
//!
//! The model is a multinomial logit over the features of `agents/emulated.rs` with a ridge penalty on each
//! weight, so the fit has one optimum. Patterns of the window share one penalty, chosen by cross-validation
//! over runs; labels in all pools another, chosen on pools left out; the others are fixed. Where runs left out
//! ask for it, runs are of two classes that differ in how sharply they choose. `docs/fitting.md` compares it
//! with its rivals.

use crate::exchangeability::{Choices, SHORT, permuted};
use cratylus_core::PairEvent;
use cratylus_core::Seed;
use cratylus_core::agents::emulated::{Class, KnownPool, LABELS, ONE_CLASS, Penalty, Pool, Smoothing, Sufficiency, View};
use cratylus_core::policy::Round;
use cratylus_core::watch::measure::RunContext;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
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
pub fn decisions(
    condition: usize,
    context: &RunContext,
    memory: usize,
    starts: &[Vec<Round>],
    events: &[PairEvent],
) -> RunDecisions {
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
#[derive(Default)]
struct Design {
    /// Where each cell's candidates start among the rows, and how many there are last.
    cells: Vec<usize>,
    /// Where each candidate's features start, and how many there are last.
    rows: Vec<usize>,
    features: Vec<u32>,
    offsets: Vec<f64>,
    counts: Vec<f64>,
    /// Which of the known pools each cell is of; one more than there are for one that is not known.
    pools: Vec<usize>,
}

/// What was chosen how often, row by row, in runs of one sharpness, which is given for each pool; None where it is 1.
struct Counted<'c> {
    sharpness: Option<&'c [f64]>,
    counts: &'c [f64],
}

/// The features that a fit has met, with their penalties. Looked up, and iterated only into a sorted map.
#[derive(Default)]
struct Index {
    places: HashMap<String, u32>,
    penalties: Vec<Penalty>,
    /// The pools whose labels have weights of their own, in order.
    pools: Vec<Arc<[String]>>,
}

impl Index {
    /// Before anything of these runs is met.
    fn of(runs: &[&RunDecisions]) -> Index {
        let pools: BTreeSet<&Arc<[String]>> = runs.iter().map(|run| &run.pool).collect();
        Index { pools: pools.into_iter().cloned().collect(), ..Index::default() }
    }
}

impl Design {
    fn new(cells: &Cells, index: &mut Index, grow: bool) -> Design {
        let mut design = Design { cells: vec![0], rows: vec![0], ..Design::default() };
        for ((names, window), counts) in cells {
            let view = View::new(window);
            let pool = Pool { size: names.len(), number: index.pools.iter().position(|known| known == names) };
            for (candidate, label) in names.iter().enumerate() {
                view.features(candidate as u16, label, pool, |key, penalty| {
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
                design.offsets.push(view.offset(candidate as u16, names.len()));
            }
            design.counts.extend(counts);
            design.cells.push(design.offsets.len());
            design.pools.push(pool.number.unwrap_or(index.pools.len()));
        }
        design
    }

    /// What each row's features and offset add up to.
    fn logits(&self, weights: &[f64]) -> Vec<f64> {
        // In four parts, as each of them waits for memory.
        let sum = |row: usize| {
            let (fours, rest) = self.features[self.rows[row]..self.rows[row + 1]].as_chunks::<4>();
            let mut sums = [0.0; 4];
            for features in fours {
                sums.iter_mut().zip(features).for_each(|(sum, &feature)| *sum += weights[feature as usize]);
            }
            sums.iter().sum::<f64>() + rest.iter().map(|&feature| weights[feature as usize]).sum::<f64>()
        };
        self.offsets.iter().enumerate().map(|(row, offset)| offset + sum(row)).collect()
    }

    /// Calls `see` with each cell's rows, the sharpness of its pool, its logits times that, and the logarithm of the sum of
    /// their exponentials.
    fn each_cell(&self, logits: &[f64], sharpness: Option<&[f64]>, mut see: impl FnMut(Range<usize>, f64, &[f64], f64)) {
        let mut z = Vec::new();
        for (cell, &pool) in self.cells.windows(2).zip(&self.pools) {
            let sharpness = sharpness.map_or(1.0, |of| of[pool]);
            z.clear();
            z.extend(logits[cell[0]..cell[1]].iter().map(|logit| sharpness * logit));
            let most = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let log_sum = most + z.iter().map(|z| (z - most).exp()).sum::<f64>().ln();
            see(cell[0]..cell[1], sharpness, &z, log_sum);
        }
    }

    /// The counts of all runs alike.
    fn all(&self) -> [Counted<'_>; 1] {
        [Counted { sharpness: None, counts: &self.counts }]
    }

    /// The log score of counts, and, if asked for, how it changes with each weight.
    fn score(&self, weights: &[f64], counted: &[Counted<'_>], gradient: Option<&mut [f64]>) -> f64 {
        let logits = self.logits(weights);
        let mut total = 0.0;
        let mut push = vec![0.0; if gradient.is_some() { logits.len() } else { 0 }];
        for Counted { sharpness, counts } in counted {
            self.each_cell(&logits, *sharpness, |rows, sharpness, z, log_sum| {
                let n: f64 = counts[rows.clone()].iter().sum();
                if n == 0.0 {
                    return;
                }
                for (row, z) in rows.zip(z) {
                    total += counts[row] * (z - log_sum);
                    if let Some(push) = push.get_mut(row) {
                        *push += sharpness * (counts[row] - n * (z - log_sum).exp());
                    }
                }
            });
        }
        if let Some(gradient) = gradient {
            for (row, push) in push.iter().enumerate() {
                self.features[self.rows[row]..self.rows[row + 1]].iter().for_each(|&f| gradient[f as usize] += push);
            }
        }
        total
    }

    /// The log of each row's probability.
    fn log_chances(&self, logits: &[f64], sharpness: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; logits.len()];
        self.each_cell(logits, Some(sharpness), |rows, _, z, log_sum| {
            out[rows].iter_mut().zip(z).for_each(|(out, z)| *out = z - log_sum);
        });
        out
    }

    fn decisions(&self) -> f64 {
        self.counts.iter().sum()
    }
}

/// A run as a design holds it: its pool, and which rows it chose how often.
struct Chose {
    pool: usize,
    rows: Vec<(u32, f64)>,
}

fn by_run(cells: &Cells, design: &Design, index: &Index, runs: &[&RunDecisions]) -> Vec<Chose> {
    let first: HashMap<(&Arc<[String]>, &[Round]), usize> =
        cells.keys().zip(&design.cells).map(|((pool, window), first)| ((pool, window.as_slice()), *first)).collect();
    let rows = |run: &&RunDecisions| {
        let mut rows: BTreeMap<u32, f64> = BTreeMap::new();
        for (window, choice) in &run.decisions {
            *rows.entry((first[&(&run.pool, window.as_slice())] + usize::from(*choice)) as u32).or_default() += 1.0;
        }
        let pool = index.pools.iter().position(|known| *known == run.pool).unwrap_or(index.pools.len());
        Chose { pool, rows: rows.into_iter().collect() }
    };
    runs.iter().map(rows).collect()
}

/// A fitted response.
pub struct Fit {
    /// How strongly weights were held back.
    pub smoothing: Smoothing,
    /// How many decisions it was fitted to.
    pub decisions: u64,
    /// Weights of features, by their keys; a feature that is not here weighs nothing.
    pub weights: BTreeMap<String, f64>,
    /// The responses that runs can have: in each pool in order, and last where nothing is known of a pool.
    pub classes: Vec<Vec<Class>>,
    index: Index,
    values: Vec<f64>,
}

/// Penalties of pattern weights that are tried, the strongest first.
const GRID: [f64; 6] = [100.0, 30.0, 10.0, 3.0, 1.0, 0.3];
/// By how much labels in all pools are held back more, as tried; the strongest first.
const LABEL_GRID: [f64; 4] = [1000.0, 100.0, 10.0, 1.0];
const FOLDS: usize = 4;

/// Fits to runs, whose responses are of so many classes. `start` is a fit to begin at, which cannot change the optimum.
pub fn fit(runs: &[&RunDecisions], smoothing: Smoothing, n_classes: usize, start: Option<&Fit>) -> Fit {
    let mut index = Index::of(runs);
    let cells = count(runs.iter().copied());
    let design = Design::new(&cells, &mut index, true);
    let mut values = vec![0.0; index.penalties.len()];
    // Places of pools may differ, and with them the keys of labels, whose weights then start from elsewhere.
    for (key, place) in start.iter().flat_map(|fit| &fit.index.places) {
        if let Some(here) = index.places.get(key) {
            values[*here as usize] = start.expect("it has places").values[*place as usize];
        }
    }
    let penalties = penalties(&index, smoothing);
    minimise(&design, &penalties, &design.all(), &mut values, 3000);
    let mut classes = vec![vec![ONE_CLASS]; index.pools.len() + 1];
    if n_classes > 1 {
        classes = varying(&design, &by_run(&cells, &design, &index, runs), &penalties, &mut values, n_classes);
    }
    let weights = index.places.iter().map(|(key, &place)| (key.clone(), values[place as usize])).collect();
    Fit { smoothing, decisions: design.decisions() as u64, weights, classes, index, values }
}

/// Lets the response differ between runs: each is of one of `n` classes, in which all logits are multiplied by the class's
/// sharpness. Expectation and maximisation (Dempster, Laird & Rubin 1977), from a fit of one class. In every pool the
/// geometric mean over its runs is 1, so that a class is what differs between runs that are otherwise alike, and weights
/// that are held back cannot pass for the sharpness of a pool. Gives the classes of each pool, and last those of a pool of
/// which nothing is known.
fn varying(design: &Design, runs: &[Chose], penalties: &[f64], values: &mut Vec<f64>, n: usize) -> Vec<Vec<Class>> {
    /// So many runs of all pools stand beside those of a pool when its shares are worked out.
    const BESIDE: f64 = 4.0;
    let n_pools = runs.iter().map(|run| run.pool + 1).max().unwrap_or(0);
    let mut sharpness: Vec<f64> = (0..n).map(|k| (0.3 - 0.6 * k as f64 / (n - 1) as f64).exp()).collect();
    let even = Class { share: 1.0 / n as f64, sharpness: 1.0 };
    let mut classes: Vec<Vec<Class>> =
        vec![sharpness.iter().map(|&sharpness| Class { sharpness, ..even }).collect(); n_pools + 1];
    let mut before = f64::NEG_INFINITY;
    for _ in 0..20 {
        let logits = design.logits(values);
        let mut counts = vec![vec![0.0; logits.len()]; n];
        let mut reached = 0.0;
        // Weights are kept while classes settle, which costs little.
        for _ in 0..5 {
            let of_runs = belongs(design, &logits, runs, &classes);
            reached = of_runs.iter().map(|(log, _)| log).sum();
            counts.iter_mut().for_each(|counts| counts.fill(0.0));
            let mut shares = vec![vec![0.0; n]; n_pools + 1];
            for (run, (_, of_run)) in runs.iter().zip(&of_runs) {
                for (k, share) in of_run.iter().enumerate() {
                    run.rows.iter().for_each(|(row, times)| counts[k][*row as usize] += share * times);
                    shares[run.pool][k] += share;
                    shares[n_pools][k] += share;
                }
            }
            let whole: Vec<f64> = shares[n_pools].iter().map(|share| share / runs.len() as f64).collect();
            let mean = |shares: &[f64], sharpness: &[f64]| {
                let of: f64 = shares.iter().sum();
                (shares.iter().zip(sharpness).map(|(share, sharpness)| share * sharpness.ln()).sum::<f64>() / of).exp()
            };
            let means: Vec<f64> = shares.iter().map(|shares| mean(shares, &sharpness)).collect();
            let scaled: Vec<f64> = means.iter().map(|mean| 1.0 / mean).collect();
            for (sharpness, counts) in sharpness.iter_mut().zip(&counts) {
                *sharpness = sharpest(design, &logits, counts, &scaled, *sharpness);
            }
            for (classes, shares) in classes.iter_mut().zip(&shares) {
                let (mean, of) = (mean(shares, &sharpness), shares.iter().sum::<f64>());
                for (k, class) in classes.iter_mut().enumerate() {
                    class.share = (shares[k] + BESIDE * whole[k]) / (of + BESIDE);
                    class.sharpness = sharpness[k] / mean;
                }
            }
        }
        let penalty: f64 = values.iter().zip(penalties).map(|(x, p)| 0.5 * p * x * x).sum();
        if (reached - penalty - before).abs() < 0.1 {
            break;
        }
        before = reached - penalty;
        let of_class = |k: usize| classes.iter().map(|classes| classes[k].sharpness).collect::<Vec<f64>>();
        let sharp: Vec<Vec<f64>> = (0..n).map(of_class).collect();
        let counted: Vec<Counted<'_>> =
            sharp.iter().zip(&counts).map(|(sharp, counts)| Counted { sharpness: Some(sharp), counts }).collect();
        minimise(design, penalties, &counted, values, 100);
    }
    classes.iter_mut().for_each(|classes| classes.sort_by(|a, b| b.sharpness.total_cmp(&a.sharpness)));
    classes
}

/// The log score of each run over the classes that it may be of in its pool, and how likely it is of each.
fn belongs(design: &Design, logits: &[f64], runs: &[Chose], classes: &[Vec<Class>]) -> Vec<(f64, Vec<f64>)> {
    let chances = |k: usize| {
        let sharpness: Vec<f64> = classes.iter().map(|classes| classes[k].sharpness).collect();
        design.log_chances(logits, &sharpness)
    };
    let chances: Vec<Vec<f64>> = (0..classes[0].len()).map(chances).collect();
    let of = |run: &Chose| {
        let log = |(class, chances): (&Class, &Vec<f64>)| {
            class.share.max(1e-9).ln() + run.rows.iter().map(|(row, times)| times * chances[*row as usize]).sum::<f64>()
        };
        let logs: Vec<f64> = classes[run.pool].iter().zip(&chances).map(log).collect();
        let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = logs.iter().map(|log| (log - most).exp()).sum();
        (most + sum.ln(), logs.iter().map(|log| (log - most).exp() / sum).collect())
    };
    runs.iter().map(of).collect()
}

/// The sharpness, times what is given for each pool, at which counts score best: the score is concave in it, and Newton's
/// method is kept between two values that hold the best.
fn sharpest(design: &Design, logits: &[f64], counts: &[f64], scaled: &[f64], from: f64) -> f64 {
    let (mut low, mut high): (f64, f64) = (0.05, 20.0);
    let mut sharpness = from.clamp(low, high);
    for _ in 0..30 {
        let (mut slope, mut bend) = (0.0, 0.0);
        let of_pools: Vec<f64> = scaled.iter().map(|scaled| scaled * sharpness).collect();
        design.each_cell(logits, Some(&of_pools), |rows, of_pool, z, log_sum| {
            let n: f64 = counts[rows.clone()].iter().sum();
            if n == 0.0 {
                return;
            }
            let (mut mean, mut square, mut chosen) = (0.0, 0.0, 0.0);
            for (row, z) in rows.zip(z) {
                let p = (z - log_sum).exp();
                // What the logit is at a sharpness of 1.
                let logit = logits[row] * of_pool / sharpness;
                mean += p * logit;
                square += p * logit.powi(2);
                chosen += counts[row] * logit;
            }
            slope += chosen - n * mean;
            bend += n * (square - mean.powi(2));
        });
        if slope > 0.0 {
            low = sharpness
        } else {
            high = sharpness
        }
        let newton = sharpness + slope / bend;
        let next = if newton > low && newton < high { newton } else { (low * high).sqrt() };
        let moved = (next - sharpness).abs();
        sharpness = next;
        if moved < 1e-6 {
            break;
        }
    }
    sharpness
}

impl Fit {
    /// The mean log score per decision, in nats, of runs that the fit may not have seen. Where runs are of several classes
    /// that of a run is over all of them, as nobody says which it is of. None of no decisions.
    pub fn score(&mut self, runs: &[&RunDecisions]) -> Option<f64> {
        let scores = self.scores(runs);
        let n: usize = runs.iter().map(|run| run.decisions.len()).sum();
        (n > 0).then(|| scores.iter().sum::<f64>() / n as f64)
    }

    /// The log score of each run.
    fn scores(&mut self, runs: &[&RunDecisions]) -> Vec<f64> {
        let cells = count(runs.iter().copied());
        let design = Design::new(&cells, &mut self.index, false);
        let of_runs = belongs(&design, &design.logits(&self.values), &by_run(&cells, &design, &self.index, runs), &self.classes);
        of_runs.into_iter().map(|(log, _)| log).collect()
    }

    /// The pools that it was fitted to, in the order by which features call them, each with its classes.
    pub fn pools(&self) -> Vec<KnownPool> {
        let known = |(pool, classes): (&Arc<[String]>, &Vec<Class>)| KnownPool { names: pool.to_vec(), classes: classes.clone() };
        self.index.pools.iter().zip(&self.classes).map(known).collect()
    }

    /// The classes of a pool of which nothing is known.
    pub fn unknown(&self) -> &[Class] {
        self.classes.last().expect("there is always one")
    }

    /// Drops weights too small to be seen and rounds the others, so that a model is a small file.
    pub fn compact(&self) -> BTreeMap<String, f64> {
        let rounded = self.weights.iter().map(|(key, weight)| (key.clone(), (weight * 1000.0).round() / 1000.0));
        rounded.filter(|(_, weight)| weight.abs() >= SMALL).collect()
    }
}

const SMALL: f64 = 0.01;

/// The penalties with which runs and pools that were left out are predicted best.
pub fn choose_smoothing(runs: &[&RunDecisions]) -> Smoothing {
    let patterns = choose_patterns(runs);
    Smoothing { patterns, labels: choose_labels(runs, patterns) }
}

/// The penalties of patterns with which runs that were left out are predicted best, pools of two names and larger ones
/// each by their own decisions.
fn choose_patterns(runs: &[&RunDecisions]) -> [f64; 2] {
    let mut total = [[0.0; GRID.len()]; 2];
    for fold in 0..FOLDS {
        let part = |held: bool| runs.iter().enumerate().filter(move |(i, _)| (i % FOLDS == fold) == held).map(|(_, run)| *run);
        let mut index = Index::of(&part(false).collect::<Vec<_>>());
        let seen = Design::new(&count(part(false)), &mut index, true);
        let held = [true, false]
            .map(|pair| Design::new(&count(part(true).filter(|run| (run.pool.len() <= 2) == pair)), &mut index, false));
        let mut values = vec![0.0; index.penalties.len()];
        for (place, &patterns) in GRID.iter().enumerate() {
            let penalties = penalties(&index, Smoothing::of(patterns));
            minimise(&seen, &penalties, &seen.all(), &mut values, 150);
            held.iter().zip(&mut total).for_each(|(held, total)| total[place] += held.score(&values, &held.all(), None));
        }
    }
    total.map(|total| {
        let best = (0..GRID.len()).max_by(|&a, &b| total[a].total_cmp(&total[b])).expect("the grid is not empty");
        GRID[best]
    })
}

/// How strongly labels in all pools are to be held back for whole pools that were left out to be predicted best.
fn choose_labels(runs: &[&RunDecisions], patterns: [f64; 2]) -> f64 {
    let pools: BTreeSet<&Arc<[String]>> = runs.iter().map(|run| &run.pool).collect();
    if pools.len() < 2 {
        return LABELS;
    }
    let mut total = [0.0; LABEL_GRID.len()];
    for pool in pools {
        let (held, seen): (Vec<&RunDecisions>, Vec<&RunDecisions>) = runs.iter().partition(|run| run.pool == *pool);
        let mut index = Index::of(&seen);
        let design = Design::new(&count(seen.iter().copied()), &mut index, true);
        let held = Design::new(&count(held.iter().copied()), &mut index, false);
        let mut values = vec![0.0; index.penalties.len()];
        for (total, &labels) in total.iter_mut().zip(&LABEL_GRID) {
            let penalties = penalties(&index, Smoothing { patterns, labels });
            minimise(&design, &penalties, &design.all(), &mut values, 150);
            *total += held.score(&values, &held.all(), None);
        }
    }
    // Of equal ones the strongest, which comes first.
    let best = (0..LABEL_GRID.len()).rev().max_by(|&a, &b| total[a].total_cmp(&total[b])).expect("the grid is not empty");
    LABEL_GRID[best]
}

/// How many classes of runs there are, one or two: two where fits to either half of the runs predict those of the other
/// half better with two, and together by [`DECISIVE`].
pub fn choose_classes(runs: &[&RunDecisions], smoothing: Smoothing) -> usize {
    const RUNS_MIN: usize = 16;
    /// A ratio of chances of a hundred, in nats.
    const DECISIVE: f64 = 4.6;
    if runs.len() < RUNS_MIN {
        return 1;
    }
    let gains = [0, 1].map(|fold| {
        let (held, seen): (Vec<_>, Vec<_>) = runs.iter().enumerate().partition(|(i, _)| i % 2 == fold);
        let [seen, held] = [seen, held].map(|part| part.into_iter().map(|(_, run)| *run).collect::<Vec<_>>());
        let mut one = fit(&seen, smoothing, 1, None);
        let mut two = fit(&seen, smoothing, 2, Some(&one));
        two.scores(&held).iter().sum::<f64>() - one.scores(&held).iter().sum::<f64>()
    });
    if gains.iter().all(|gain| *gain > 0.0) && gains.iter().sum::<f64>() > DECISIVE { 2 } else { 1 }
}

fn penalties(index: &Index, smoothing: Smoothing) -> Vec<f64> {
    let Smoothing { patterns, labels } = smoothing;
    let shared = (patterns[0] * patterns[1]).sqrt();
    let penalty = |penalty: &Penalty| match *penalty {
        Penalty::Fixed(fixed) => fixed,
        Penalty::Pattern => shared,
        Penalty::PatternIn(class) => patterns[class],
        Penalty::PatternAtLeast(least) => least.max(shared),
        Penalty::Label(fixed) => labels * fixed,
    };
    index.penalties.iter().map(penalty).collect()
}

/// The sum of products, in eight parts, which a processor adds up side by side.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    sums.iter().sum::<f64>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f64>()
}

/// Minimises the penalised negative log score by L-BFGS (Nocedal & Wright 2006, algorithms 7.4 and 7.5),
/// from the values given.
fn minimise(design: &Design, penalties: &[f64], counted: &[Counted<'_>], x: &mut Vec<f64>, steps: usize) {
    const MEMORY: usize = 12;
    let n = x.len();
    let value = |x: &[f64], gradient: &mut Vec<f64>| {
        gradient.clear();
        gradient.resize(n, 0.0);
        let score = design.score(x, counted, Some(gradient));
        let mut penalty = 0.0;
        for ((g, x), p) in gradient.iter_mut().zip(x).zip(penalties) {
            penalty += 0.5 * p * x * x;
            *g = p * x - *g;
        }
        penalty - score
    };
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
    let (short_statistic, short_p) = exchangeability(runs, SHORT, permutations, seed)?;
    Some(Sufficiency { condition, statistic, p, short_statistic, short_p })
}

fn exchangeability(runs: &[&RunDecisions], longest: usize, permutations: usize, seed: Seed) -> Option<(f64, f64)> {
    let mut cells: BTreeMap<&[Round], (usize, Choices)> = BTreeMap::new();
    for (number, run) in (1..).zip(runs) {
        for (window, choice) in run.decisions.iter().filter(|(window, _)| window.len() <= longest) {
            let (last, choices) = cells.entry(window).or_default();
            choices.push(std::mem::replace(last, number) != number, *choice == 0);
        }
    }
    permuted(cells.into_values().map(|(_, choices)| choices), permutations, seed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cratylus_core::Purpose;

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
        let mut fitted = fit(&all, Smoothing::of(1.0), 1, None);
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
        assert_eq!(fit(&forth, Smoothing::of(1.0), 1, None).compact(), fit(&back, Smoothing::of(1.0), 1, None).compact());
    }

    #[test]
    fn runs_of_two_sharpnesses_are_two_classes_and_runs_of_one_are_one() {
        // Odds of keeping the own choice of 19 to 1 and of 7 to 3, logits of 2.94 and 0.85, in turn.
        let of = |keep: f64, from: u64| {
            let runs = stubborn(0, 24, &["M", "Q"], keep);
            runs.into_iter().enumerate().filter(move |(i, _)| *i as u64 % 2 == from).map(|(_, run)| run).collect::<Vec<_>>()
        };
        let (sharp, blunt) = (of(0.9, 0), of(0.4, 1));
        let both: Vec<&RunDecisions> = sharp[..6].iter().chain(&blunt[..6]).chain(&sharp[6..]).chain(&blunt[6..]).collect();
        assert_eq!(choose_classes(&both, Smoothing::of(10.0)), 2);
        let mut fitted = fit(&both, Smoothing::of(10.0), 2, None);
        let [a, b] = fitted.unknown() else { panic!("two classes were asked for") };
        assert!((a.share - 0.5).abs() < 0.05 && (b.share - 0.5).abs() < 0.05, "{a:?} {b:?}");
        let ratio = a.sharpness / b.sharpness;
        assert!((2.6..4.2).contains(&ratio), "{ratio}, where it is 3.5");
        // Their geometric mean is 1, so that weights say what the average run does.
        let mean = a.share * a.sharpness.ln() + b.share * b.sharpness.ln();
        assert!(mean.abs() < 0.05, "{mean}");
        // A run not seen is scored over both, at about what its own class would give: the entropy of its choices.
        let entropy = |p: f64| p * p.ln() + (1.0 - p) * (1.0 - p).ln();
        let score = fitted.score(&sharp.iter().collect::<Vec<_>>()).unwrap();
        assert!((score - entropy(0.95)).abs() < 0.02, "{score}");
        let same = stubborn(0, 24, &["M", "Q"], 0.7);
        assert_eq!(choose_classes(&same.iter().collect::<Vec<_>>(), Smoothing::of(10.0)), 1);
    }

    #[test]
    fn labels_are_carried_to_other_pools_as_far_as_pools_left_out_allow() {
        // One name is said more often, whatever is remembered.
        let favours = |names: &[&str], favoured: &str, seed: u64| -> Vec<RunDecisions> {
            let place = names.iter().position(|name| *name == favoured).unwrap() as u16;
            let run = |run: u64| {
                let mut stream = Seed(100 * seed + run).stream(Purpose::Resample, 3);
                let decisions = (0..400).map(|_| {
                    let [own, partner] = [0, 1].map(|_| stream.below(2) as u16);
                    (vec![[own, partner]], if stream.unit() < 0.85 { place } else { 1 - place })
                });
                RunDecisions { condition: seed as usize, pool: pool(names), decisions: decisions.collect() }
            };
            (0..6).map(run).collect()
        };
        let chosen = |runs: Vec<RunDecisions>| choose_labels(&runs.iter().collect::<Vec<_>>(), [10.0; 2]);
        // A is liked beside B, C and D.
        let alike = [favours(&["A", "B"], "A", 1), favours(&["A", "C"], "A", 2), favours(&["A", "D"], "A", 3)].concat();
        assert_eq!(chosen(alike), 1.0);
        // Of each two names another is liked, which says nothing of the next.
        let apart = [favours(&["A", "B"], "A", 1), favours(&["A", "C"], "C", 2), favours(&["B", "C"], "B", 3)].concat();
        assert_eq!(chosen(apart), 1000.0);
        assert_eq!(chosen(favours(&["A", "B"], "A", 1)), LABELS, "one pool says nothing of others");
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
            committed: Some((1, vec![2])),
            ..RunContext::of(3, vec!["Q".into(), "M".into()], cratylus_core::watch::stop::Consensus::published())
        };
        let event = |t, a, b, name_a, name_b| PairEvent {
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
