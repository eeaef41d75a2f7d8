//! The ladder: every rival fitted with and without label bias, and scored on runs that its fit did not see. Runs are
//! the unit, never decisions: what happens within a run hangs together.

use super::LADDER;
use super::fitted::Fitted;
use super::rival::{Form, Rival, RivalSetting};
use super::table::PARENTS;
use crate::evidence::Decisions;
use cratylus_core::stats::mean_sd;

/// A rival with its score.
#[derive(Clone)]
pub struct Rung {
    /// Which rival it is.
    pub entry: &'static Rival,
    /// Whether names may be treated differently.
    pub labelled: bool,
    /// Fitted to all runs.
    pub response: Fitted,
    /// The log score of each run, by a fit to the others.
    pub by_run: Vec<f64>,
    /// The mean log score of a decision, in nats.
    pub score: f64,
    /// The log score in all, less that of the best rung, and its standard error over runs.
    pub behind: f64,
    /// Its standard error over runs; 0 for the best rung itself.
    pub behind_se: f64,
}

/// All rivals, fitted to the decisions of one condition and scored.
#[derive(Clone)]
pub struct Ladder {
    /// In the order of [`super::LADDER`]; each without labels before it is with them.
    pub rungs: Vec<Rung>,
    /// The place of the best score among them.
    pub best: usize,
    /// How many fits left a part of the runs out.
    pub folds: usize,
}

/// Beyond so many runs, several are left out at a time: earlier where there are more than two names, and most memories
/// occur only once.
fn folds(decisions: &Decisions) -> usize {
    let most = if decisions.n_names == 2 { 60 } else { 20 };
    decisions.runs.len().min(most)
}

/// The counts of all runs but each part of them.
fn left_out(decisions: &Decisions) -> Vec<Vec<f64>> {
    let folds = folds(decisions);
    (0..folds).map(|fold| decisions.weighed(|run| if run % folds == fold { 0.0 } else { 1.0 })).collect()
}

/// The log score of each run by a table of the whole memory, fitted to the others.
pub fn table_scores(decisions: &Decisions) -> Vec<f64> {
    let form = Form::Table { depth: decisions.memory, parent: PARENTS[0] };
    rung(&super::table::HISTORY, &form, true, decisions, &left_out(decisions)).by_run
}

impl Ladder {
    /// Fits and scores every rival but the one that is kept out. `folds` times as many fits as rungs: it takes a while.
    pub fn climb(decisions: &Decisions, setting: &RivalSetting, without: Option<&str>) -> Ladder {
        let left_out = left_out(decisions);
        let folds = left_out.len();
        let mut rungs = Vec::new();
        for entry in LADDER.iter().filter(|entry| Some(entry.code) != without) {
            let form = (entry.form)(setting);
            for labelled in [false, true] {
                // Without labels, every i.i.d. agent is the uniform one, which is the rung before; and one that goes by the
                // length of its memory has labels of its own.
                if (entry.code == "M1" && !labelled) || (entry.code == "M1'" && labelled) {
                    continue;
                }
                rungs.push(rung(entry, &form, labelled, decisions, &left_out));
            }
        }
        let total = |rung: &Rung| rung.by_run.iter().sum::<f64>();
        let best = (0..rungs.len()).max_by(|&a, &b| total(&rungs[a]).total_cmp(&total(&rungs[b]))).expect("a ladder has rungs");
        let reference = rungs[best].by_run.clone();
        for rung in &mut rungs {
            (rung.behind, rung.behind_se) = paired(&rung.by_run, &reference);
        }
        Ladder { rungs, best, folds }
    }

    /// The rung with the best score on runs left out.
    pub fn best(&self) -> &Rung {
        &self.rungs[self.best]
    }

    /// A rung by its number.
    pub fn rung(&self, code: &str, labelled: bool) -> &Rung {
        self.get(code, labelled).expect("every rung is climbed")
    }

    /// A rung by its number; None where that rival is kept out.
    pub fn get(&self, code: &str, labelled: bool) -> Option<&Rung> {
        self.rungs.iter().find(|rung| rung.entry.code == code && rung.labelled == labelled)
    }

    /// The best of the rungs that look at nothing remembered.
    pub fn best_without_memory(&self) -> &Rung {
        let of = self.rungs.iter().filter(|rung| !rung.entry.remembers);
        of.max_by(|a, b| a.score.total_cmp(&b.score)).expect("three rungs are without memory")
    }

    /// The best of the rungs that look at it.
    pub fn best_with_memory(&self) -> &Rung {
        let of = self.rungs.iter().filter(|rung| rung.entry.remembers);
        of.max_by(|a, b| a.score.total_cmp(&b.score)).expect("most rungs have memory")
    }
}

/// The sum of paired differences over runs, and its standard error.
pub fn paired(a: &[f64], b: &[f64]) -> (f64, f64) {
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    let (_, sd) = mean_sd(&differences);
    (differences.iter().sum(), sd * (differences.len() as f64).sqrt())
}

fn rung(entry: &'static Rival, form: &Form, labelled: bool, decisions: &Decisions, left_out: &[Vec<f64>]) -> Rung {
    let (response, by_run) = match form {
        // How far a table trusts its entries is chosen by runs that are left out; for each run, by the scores of the others.
        Form::Table { depth, .. } => {
            let forms = PARENTS.map(|parent| Form::Table { depth: *depth, parent });
            let mut scored = forms.map(|form| scored(&form, labelled, decisions, left_out));
            let totals: Vec<f64> = scored.iter().map(|(_, by_run)| by_run.iter().sum()).collect();
            let choose = |without: &dyn Fn(usize) -> f64| {
                let rest = |i: &usize| totals[*i] - without(*i);
                (0..totals.len()).max_by(|a, b| rest(a).total_cmp(&rest(b))).expect("the grid is not empty")
            };
            let by_run = (0..decisions.runs.len()).map(|run| scored[choose(&|i| scored[i].1[run])].1[run]).collect();
            (scored[choose(&|_| 0.0)].0.take().expect("taken once"), by_run)
        }
        _ => {
            let (response, by_run) = scored(form, labelled, decisions, left_out);
            (response.expect("just fitted"), by_run)
        }
    };
    let score = by_run.iter().sum::<f64>() / decisions.len() as f64;
    Rung { entry, labelled, response, by_run, score, behind: 0.0, behind_se: 0.0 }
}

/// A rival fitted to all runs, and the score of each run by a fit to the others.
fn scored(form: &Form, labelled: bool, decisions: &Decisions, left_out: &[Vec<f64>]) -> (Option<Fitted>, Vec<f64>) {
    let response = Fitted::fit(form, labelled, decisions, &decisions.counts, None);
    let mut by_run = vec![0.0; decisions.runs.len()];
    for (fold, counts) in left_out.iter().enumerate() {
        let fitted = Fitted::fit(form, labelled, decisions, counts, Some(&response));
        for run in (fold..by_run.len()).step_by(left_out.len()) {
            by_run[run] = fitted.score(decisions, &decisions.by_run[run]);
        }
    }
    (Some(response), by_run)
}
