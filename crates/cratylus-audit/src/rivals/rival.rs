//! What a rival explanation is: what is fitted, and what is said of it.

use cratylus_core::policy::Round;
use std::sync::Arc;

/// A rule with parameters: the log-odds that it gives to each name.
pub trait RivalRule: Send + Sync {
    /// Where the fit of its parameters begins. Parameters run over all real numbers.
    fn start(&self) -> Vec<f64>;

    /// Writes the utility of each name after some remembered rounds, oldest first: the logarithm of its probability, up
    /// to a constant.
    fn utilities(&self, theta: &[f64], window: &[Round], out: &mut [f64]);

    /// Writes how each utility changes with each parameter, `parameters × names`. False leaves it to be found numerically.
    fn slopes(&self, _theta: &[f64], _window: &[Round], _out: &mut [f64]) -> bool {
        false
    }

    /// The parameters as readers know them.
    fn shown(&self, theta: &[f64]) -> Vec<(String, f64)>;
}

/// What a rival is made of.
#[derive(Clone)]
pub enum Form {
    /// What is chosen with nothing remembered, for ever.
    Prior,
    /// A rule whose parameters are fitted.
    Rule(Arc<dyn RivalRule>),
    /// A probability for each memory of at most so many rounds, backed off to shorter ones, each worth so many decisions.
    Table {
        /// How many rounds it looks at.
        depth: usize,
        /// How many decisions the shorter memory counts for.
        parent: f64,
    },
}

/// What a rival may know before it is fitted.
#[derive(Clone, Copy, Debug)]
pub struct RivalSetting {
    /// How many names the pool has.
    pub n_names: usize,
    /// How many rounds an agent remembers at most.
    pub memory: usize,
    /// What success and failure pay, over the larger of the two.
    pub payoff: [f64; 2],
}

/// A rung of the ladder.
pub struct Rival {
    /// The rung's number in the literature.
    pub code: &'static str,
    /// What lists and findings call it.
    pub name: &'static str,
    /// What such an agent does.
    pub words: &'static str,
    /// Where the explanation was published.
    pub source: &'static str,
    /// What is fitted in a given setting.
    pub form: fn(&RivalSetting) -> Form,
    /// Whether it looks at what is remembered.
    pub remembers: bool,
}

/// Turns utilities into probabilities.
pub(super) fn softmax(u: &mut [f64]) {
    let most = u.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    u.iter_mut().for_each(|u| *u = (*u - most).exp());
    let sum: f64 = u.iter().sum();
    u.iter_mut().for_each(|u| *u /= sum);
}

/// The logistic function.
pub(super) fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
