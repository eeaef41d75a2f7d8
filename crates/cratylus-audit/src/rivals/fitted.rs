//! A rival that was fitted to counts of choices: a policy.

use super::climb::{Climb, climb};
use super::recall;
use super::rival::{Form, RivalRule, softmax};
use super::table::HistoryTable;
use crate::evidence::Decisions;
use cratylus_core::policy::{Policy, Round};
use std::sync::Arc;

/// A fitted rival.
#[derive(Clone)]
pub enum Fitted {
    /// A rule with the parameters that were found.
    Rule {
        /// The rule that was fitted.
        rule: Arc<dyn RivalRule>,
        /// As many as [`RivalRule::start`] gives.
        theta: Vec<f64>,
        /// What is added to the utility of each name.
        labels: Vec<f64>,
    },
    /// A table with the counts that it was filled with.
    Table {
        /// The probabilities before labels count.
        table: HistoryTable,
        /// The logarithm of a factor for each name.
        labels: Vec<f64>,
    },
}

impl Fitted {
    /// Fits a rival to counts of choices, `windows × names`. With `labelled`, names may be treated differently; without,
    /// only their places in the memory count. A fit to similar counts makes a good beginning.
    pub fn fit(form: &Form, labelled: bool, decisions: &Decisions, counts: &[f64], near: Option<&Fitted>) -> Fitted {
        let k = decisions.n_names;
        match form {
            Form::Prior => {
                let empty = decisions.windows.iter().position(|window| window.is_empty()).filter(|_| labelled);
                let first = empty.map_or(vec![0.0; k], |cell| counts[cell * k..][..k].to_vec());
                let all: f64 = first.iter().map(|n| n + 0.5).sum();
                let labels = first.iter().map(|n| ((n + 0.5) / all).ln()).collect();
                Fitted::Rule { rule: Arc::new(recall::Iid), theta: Vec::new(), labels }
            }
            Form::Rule(rule) => {
                let n = rule.start().len();
                let start = match near {
                    Some(Fitted::Rule { theta, labels, .. }) => {
                        let labels = if labelled { &labels[1..] } else { &[] };
                        theta.iter().chain(labels).copied().collect()
                    }
                    _ => {
                        let free = if labelled { k - 1 } else { 0 };
                        rule.start().into_iter().chain(std::iter::repeat_n(0.0, free)).collect()
                    }
                };
                let utilities = |cell: usize, theta: &[f64], out: &mut [f64]| {
                    rule.utilities(&theta[..n], &decisions.windows[cell], out);
                };
                let slopes = |cell: usize, theta: &[f64], out: &mut [f64]| rule.slopes(theta, &decisions.windows[cell], out);
                let found = climb(&Climb { k, counts, of_rule: n, utilities: &utilities, slopes: &slopes }, start);
                let labels = std::iter::once(0.0).chain(found[n..].iter().copied());
                let labels = if labelled { labels.collect() } else { vec![0.0; k] };
                Fitted::Rule { rule: rule.clone(), theta: found[..n].to_vec(), labels }
            }
            Form::Table { depth, parent } => {
                // Two names can each have their own entries; more of them share, and are told apart by one factor each.
                let own = labelled && k == 2;
                let table = match near {
                    Some(Fitted::Table { table, .. }) => table.recount(counts),
                    _ => HistoryTable::fit(*depth, *parent, own, decisions, counts),
                };
                let labels =
                    if labelled && !own { table.labels(decisions, counts, near.and_then(Fitted::labels)) } else { vec![0.0; k] };
                Fitted::Table { table, labels }
            }
        }
    }

    /// The same rival fitted to other counts of the same memories.
    pub fn refit(&self, decisions: &Decisions, counts: &[f64]) -> Fitted {
        let (form, labelled) = match self {
            Fitted::Rule { rule, labels, .. } => (Form::Rule(rule.clone()), labels.iter().any(|&label| label != 0.0)),
            Fitted::Table { labels, .. } => (Form::Table { depth: 0, parent: 0.0 }, labels.iter().any(|&label| label != 0.0)),
        };
        Fitted::fit(&form, labelled, decisions, counts, Some(self))
    }

    /// What is added to each name, in a table.
    fn labels(&self) -> Option<&[f64]> {
        match self {
            Fitted::Table { labels, .. } => Some(labels),
            Fitted::Rule { .. } => None,
        }
    }

    /// The parameters as readers know them.
    pub fn shown(&self) -> Vec<(String, f64)> {
        match self {
            Fitted::Rule { rule, theta, .. } => rule.shown(theta),
            Fitted::Table { .. } => Vec::new(),
        }
    }

    /// The log score of some choices.
    pub fn score(&self, decisions: &Decisions, choices: &[(u32, u16, f64)]) -> f64 {
        let mut p = vec![0.0; decisions.n_names];
        let (mut known, mut total) = (u32::MAX, 0.0);
        for &(cell, name, n) in choices {
            if known != cell {
                self.of_cell(decisions, cell as usize, &mut p);
                known = cell;
            }
            total += n * p[name as usize].max(LEAST).ln();
        }
        total
    }

    /// The probability of each name from a memory that occurred.
    pub fn of_cell(&self, decisions: &Decisions, cell: usize, out: &mut [f64]) {
        match self {
            Fitted::Table { table, labels } => {
                table.of_cell(cell, out);
                tilt(labels, out);
            }
            Fitted::Rule { .. } => self.distribution(&decisions.windows[cell], out),
        }
    }
}

/// No choice is called less likely than this, so that one surprise cannot decide between rivals.
const LEAST: f64 = 1e-9;

/// Multiplies probabilities by each label's factor.
fn tilt(labels: &[f64], p: &mut [f64]) {
    if labels.iter().all(|&label| label == 0.0) {
        return;
    }
    p.iter_mut().zip(labels).for_each(|(p, label)| *p *= label.exp());
    let sum: f64 = p.iter().sum();
    p.iter_mut().for_each(|p| *p /= sum);
}

impl Policy for Fitted {
    fn distribution(&self, window: &[Round], out: &mut [f64]) {
        match self {
            Fitted::Rule { rule, theta, labels } => {
                rule.utilities(theta, window, out);
                out.iter_mut().zip(labels).for_each(|(u, label)| *u += label);
                softmax(out);
            }
            Fitted::Table { table, labels } => {
                table.of_window(window, out);
                tilt(labels, out);
            }
        }
    }
}
