//! M0 and M1: agents that look at nothing they remember. What they choose with nothing remembered they choose for
//! ever (recall as a test without memory sees it), or they draw from any fixed distribution (recall of the winner).

use super::{Entry, Form, Rule};
use crate::window::Round;
use std::sync::Arc;

pub const PRIOR: Entry = Entry {
    code: "M0",
    name: "zero-memory recall",
    words: "chooses as with nothing remembered, whatever happened",
    source: "Barrie & Törnberg 2025 (arXiv 2505.23796), as a rival",
    form: |_| Form::Prior,
    remembers: false,
};

pub const IID: Entry = Entry {
    code: "M1",
    name: "i.i.d.",
    words: "draws every choice from one fixed distribution",
    source: "the maximum-likelihood distribution of all choices",
    form: |_| Form::Rule(Arc::new(Iid)),
    remembers: false,
};

/// Every name has the same utility; labels may say otherwise.
pub struct Iid;

impl Rule for Iid {
    fn start(&self) -> Vec<f64> {
        Vec::new()
    }

    fn utilities(&self, _: &[f64], _: &[Round], out: &mut [f64]) {
        out.fill(0.0);
    }

    fn shown(&self, _: &[f64]) -> Vec<(String, f64)> {
        Vec::new()
    }
}
