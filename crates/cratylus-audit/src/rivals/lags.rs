//! M6: a logit over lags. Each remembered round adds a weight to the name that was chosen in it, one weight for own
//! choices and one for partners', for each lag.

use super::rival::{Form, Rival, RivalRule};
use cratylus_core::policy::Round;
use std::sync::Arc;

pub const ENTRY: Rival = Rival {
    code: "M6",
    name: "lag logit",
    words: "adds up what it and its partners said, each round with a weight of its own",
    source: "a conditional logit (McFadden 1974) over lags of own and partner's choice",
    form: |setting| Form::Rule(Arc::new(Lags { memory: setting.memory })),
    remembers: true,
};

pub struct Lags {
    pub memory: usize,
}

impl RivalRule for Lags {
    fn start(&self) -> Vec<f64> {
        vec![0.5; 2 * self.memory]
    }

    fn utilities(&self, theta: &[f64], window: &[Round], out: &mut [f64]) {
        out.fill(0.0);
        for (lag, &[own, partner]) in window.iter().rev().take(self.memory).enumerate() {
            out[own as usize] += theta[2 * lag];
            out[partner as usize] += theta[2 * lag + 1];
        }
    }

    fn slopes(&self, _: &[f64], window: &[Round], out: &mut [f64]) -> bool {
        let k = out.len() / (2 * self.memory);
        out.fill(0.0);
        for (lag, &[own, partner]) in window.iter().rev().take(self.memory).enumerate() {
            out[2 * lag * k + own as usize] = 1.0;
            out[(2 * lag + 1) * k + partner as usize] = 1.0;
        }
        true
    }

    fn shown(&self, theta: &[f64]) -> Vec<(String, f64)> {
        let name = |i: usize| format!("{}_{}", if i.is_multiple_of(2) { "own" } else { "partner" }, i / 2 + 1);
        theta.iter().enumerate().map(|(i, &weight)| (name(i), weight)).collect()
    }
}
