//! What is left of choices once memory is accounted for: each choice less its probability by the whole response, fitted to
//! other runs. If agents know nothing but what they remember, what is left of two choices is independent, unless one of them
//! is in the other's memory. What is absent: any form that a dependence might take.

use crate::evidence::{Decision, Decisions};
use crate::rivals::Fitted;
use cratylus_core::policy::Round;
use cratylus_core::stats::{ratio, two_sided, two_sided_t};
use std::collections::BTreeMap;

/// How many decisions a mean residual is worth before it was seen, at 0.
const SHRUNK: f64 = 20.0;
/// More folds than this would not leave less out.
const FOLDS_MAX: usize = 20;

/// Residuals of all decisions of a condition.
pub struct Residuals {
    k: usize,
    /// For each run, `decisions × names`: 1 for the name that was chosen, less the probabilities.
    runs: Vec<Vec<f64>>,
}

/// A mean product of residuals, over the mean square of residuals: a correlation.
#[derive(Clone, Copy, Debug)]
pub struct Correlation {
    /// From -1 to 1.
    pub value: f64,
    /// Its standard error over runs, or over pairs of runs. NaN with one run.
    pub se: f64,
    /// Two-sided, by t over runs or by z over pairs of runs.
    pub p: f64,
}

impl Residuals {
    /// Residuals by a response that is fitted anew without each part of the runs.
    pub fn of(decisions: &Decisions, response: &Fitted) -> Residuals {
        let (k, n) = (decisions.n_names, decisions.runs.len());
        let folds = n.min(FOLDS_MAX);
        let mut runs = vec![Vec::new(); n];
        for fold in 0..folds {
            let counts = decisions.weighed(|run| if run % folds == fold { 0.0 } else { 1.0 });
            let fitted = response.refit(decisions, &counts);
            let mut known: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
            for run in (fold..n).step_by(folds) {
                let left = &mut runs[run];
                for decision in &decisions.runs[run] {
                    let p = known.entry(decision.cell).or_insert_with(|| {
                        let mut p = vec![0.0; k];
                        fitted.of_cell(decisions, decision.cell as usize, &mut p);
                        p
                    });
                    left.extend((0..k).map(|name| f64::from(u8::from(name == decision.choice as usize)) - p[name]));
                }
            }
        }
        let mut all = Residuals { k, runs };
        all.calibrate(decisions);
        all
    }

    /// Takes off what the other runs leave, on average, of each name after memories of a kind: of so many rounds, in which
    /// the name was said so often, by the agent and by its partners. A table of many names tells them apart by one factor
    /// each, the same after every memory; where a name is preferred at first and not later, what it leaves would look like
    /// a schedule.
    fn calibrate(&mut self, decisions: &Decisions) {
        let k = self.k;
        let often = |window: &[Round], seat: usize, name: usize| {
            window.iter().filter(|round| round[seat] as usize == name).count().min(2)
        };
        // For each memory and name, its kind.
        let kinds: Vec<usize> = decisions
            .windows
            .iter()
            .flat_map(|window| {
                (0..k).map(move |name| (((window.len() * 3 + often(window, 0, name)) * 3) + often(window, 1, name)) * k + name)
            })
            .collect();
        let n_kinds = (decisions.memory + 1) * 9 * k;
        let of = |run: usize| {
            let mut sums = vec![[0.0f64; 2]; n_kinds];
            for (place, decision) in decisions.runs[run].iter().enumerate() {
                for name in 0..k {
                    let sum = &mut sums[kinds[decision.cell as usize * k + name]];
                    sum[0] += self.at(run, place)[name];
                    sum[1] += 1.0;
                }
            }
            sums
        };
        let by_run: Vec<Vec<[f64; 2]>> = (0..decisions.runs.len()).map(of).collect();
        let mut total = vec![[0.0; 2]; n_kinds];
        for sums in &by_run {
            total.iter_mut().zip(sums).for_each(|(total, sum)| (0..2).for_each(|i| total[i] += sum[i]));
        }
        for (run, sums) in by_run.iter().enumerate() {
            let mean = |kind: usize| (total[kind][0] - sums[kind][0]) / (total[kind][1] - sums[kind][1] + SHRUNK);
            for (place, decision) in decisions.runs[run].iter().enumerate() {
                for name in 0..k {
                    self.runs[run][place * k + name] -= mean(kinds[decision.cell as usize * k + name]);
                }
            }
        }
    }

    fn at(&self, run: usize, decision: usize) -> &[f64] {
        &self.runs[run][decision * self.k..][..self.k]
    }

    /// The correlation of the two choices of an interaction, made at once; and how much more often they agree than their
    /// memories let expect, as a share of interactions.
    pub fn together(&self, decisions: &Decisions) -> (Correlation, f64) {
        let mut pairs = Vec::new();
        let (mut excess, mut interactions) = (0.0, 0.0);
        for (run, all) in decisions.runs.iter().enumerate() {
            let mut sums = [0.0; 2];
            for (place, two) in all.windows(2).enumerate().filter(|(_, two)| two[0].event == two[1].event) {
                debug_assert_ne!(two[0].agent, two[1].agent);
                let product = self.add(&mut sums, [(run, place), (run, place + 1)]);
                excess += product;
                interactions += 1.0;
            }
            pairs.push(sums);
        }
        (over_runs(&pairs), if interactions > 0.0 { excess / interactions } else { f64::NAN })
    }

    /// The correlation of choices in an interaction and in the next one, where no agent takes part in both.
    pub fn beside(&self, decisions: &Decisions) -> Correlation {
        let mut pairs = Vec::new();
        for (run, all) in decisions.runs.iter().enumerate() {
            let mut sums = [0.0; 2];
            let groups = by_event(all);
            for two in groups.windows(2) {
                let agents =
                    |group: &std::ops::Range<usize>| all[group.clone()].iter().map(|decision| decision.agent).collect::<Vec<_>>();
                let (first, second) = (agents(&two[0]), agents(&two[1]));
                if all[two[0].start].event + 1 != all[two[1].start].event || first.iter().any(|agent| second.contains(agent)) {
                    continue;
                }
                for a in two[0].clone() {
                    for b in two[1].clone() {
                        self.add(&mut sums, [(run, a), (run, b)]);
                    }
                }
            }
            pairs.push(sums);
        }
        over_runs(&pairs)
    }

    /// The correlation of choices of different runs that have something in common: `bin` says what, as a
    /// number, of the decision at a place of a run.
    pub fn across(&self, decisions: &Decisions, bin: impl Fn((usize, usize), &Decision) -> Option<usize>) -> Correlation {
        // For each run and bin the sum of residuals, how many there are, and the sum of their squares.
        let mut sums: Vec<BTreeMap<usize, (Vec<f64>, f64)>> = Vec::new();
        let (mut squares, mut n) = (0.0, 0.0);
        for (run, all) in decisions.runs.iter().enumerate() {
            let mut of: BTreeMap<usize, (Vec<f64>, f64)> = BTreeMap::new();
            for (place, decision) in all.iter().enumerate() {
                let Some(bin) = bin((run, place), decision) else { continue };
                let left = self.at(run, place);
                let (sum, count) = of.entry(bin).or_insert_with(|| (vec![0.0; self.k], 0.0));
                sum.iter_mut().zip(left).for_each(|(sum, e)| *sum += e);
                *count += 1.0;
                squares += left.iter().map(|e| e * e).sum::<f64>();
                n += 1.0;
            }
            sums.push(of);
        }
        let (mut products, mut variance, mut counted) = (0.0, 0.0, 0.0);
        for (run, of) in sums.iter().enumerate() {
            for other in &sums[run + 1..] {
                let mut product = 0.0;
                for (bin, (sum, count)) in of {
                    let Some((another, many)) = other.get(bin) else { continue };
                    product += sum.iter().zip(another).map(|(a, b)| a * b).sum::<f64>();
                    counted += count * many;
                }
                products += product;
                variance += product * product;
            }
        }
        let scale = counted * squares / n;
        if !(scale > 0.0 && variance > 0.0) {
            return Correlation { value: f64::NAN, se: f64::NAN, p: 1.0 };
        }
        // Where there is nothing in common, products of different pairs of runs are uncorrelated.
        Correlation { value: products / scale, se: variance.sqrt() / scale, p: two_sided(products / variance.sqrt()) }
    }

    fn add(&self, sums: &mut [f64; 2], [a, b]: [(usize, usize); 2]) -> f64 {
        let (a, b) = (self.at(a.0, a.1), self.at(b.0, b.1));
        let product: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
        sums[0] += product;
        sums[1] += 0.5 * a.iter().chain(b).map(|e| e * e).sum::<f64>();
        product
    }
}

fn over_runs(pairs: &[[f64; 2]]) -> Correlation {
    let pairs: Vec<[f64; 2]> = pairs.iter().copied().filter(|pair| pair[1] > 0.0).collect();
    let (value, se) = ratio(&pairs);
    let known = value.is_finite() && se > 0.0 && pairs.len() > 1;
    Correlation {
        value,
        se: if known { se } else { f64::NAN },
        p: if known { two_sided_t(value / se, pairs.len()) } else { 1.0 },
    }
}

/// The stretches of decisions that belong to one interaction.
fn by_event(all: &[Decision]) -> Vec<std::ops::Range<usize>> {
    let mut out: Vec<std::ops::Range<usize>> = Vec::new();
    for (place, decision) in all.iter().enumerate() {
        match out.last_mut() {
            Some(last) if all[last.start].event == decision.event => last.end = place + 1,
            _ => out.push(place..place + 1),
        }
    }
    out
}
