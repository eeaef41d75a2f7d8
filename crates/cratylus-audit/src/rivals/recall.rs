//! M0, M1 and M1': agents that look at nothing they remember. What they choose with nothing remembered they choose for
//! ever (recall as a test without memory sees it), or they draw from any fixed distribution (recall of the winner).

use super::rival::{Form, Rival, RivalRule};
use cratylus_core::policy::Round;
use std::sync::Arc;

pub const PRIOR: Rival = Rival {
    code: "M0",
    name: "zero-memory recall",
    words: "chooses as with nothing remembered, whatever happened",
    source: "Barrie & Törnberg 2025 (arXiv 2505.23796), as a rival",
    form: |_| Form::Prior,
    remembers: false,
};

pub const IID: Rival = Rival {
    code: "M1",
    name: "i.i.d.",
    words: "draws every choice from one fixed distribution",
    source: "the maximum-likelihood distribution of all choices",
    form: |_| Form::Rule(Arc::new(Iid)),
    remembers: false,
};

/// A first choice of its own, and a distribution for each number of remembered rounds; what was remembered does not count.
pub const BY_LENGTH: Rival = Rival {
    code: "M1'",
    name: "by length of memory",
    words: "draws from one distribution for each number of remembered rounds, whatever they were",
    source: "recall that begins otherwise than it goes on",
    form: |setting| Form::Rule(Arc::new(ByLength { n_names: setting.n_names, memory: setting.memory })),
    remembers: false,
};

/// Utilities of names for each number of remembered rounds.
struct ByLength {
    n_names: usize,
    memory: usize,
}

impl RivalRule for ByLength {
    fn start(&self) -> Vec<f64> {
        vec![0.0; (self.n_names - 1) * (self.memory + 1)]
    }

    fn utilities(&self, theta: &[f64], window: &[Round], out: &mut [f64]) {
        let free = self.n_names - 1;
        out[0] = 0.0;
        out[1..].copy_from_slice(&theta[window.len().min(self.memory) * free..][..free]);
    }

    fn slopes(&self, _: &[f64], window: &[Round], out: &mut [f64]) -> bool {
        let (k, free) = (self.n_names, self.n_names - 1);
        out.fill(0.0);
        for name in 1..k {
            out[(window.len().min(self.memory) * free + name - 1) * k + name] = 1.0;
        }
        true
    }

    fn shown(&self, _: &[f64]) -> Vec<(String, f64)> {
        Vec::new()
    }
}

/// Every name has the same utility; labels may say otherwise.
pub struct Iid;

impl RivalRule for Iid {
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
