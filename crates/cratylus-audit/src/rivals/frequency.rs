//! M3: following frequencies. A name is the more likely the more often partners said it, as in fictitious play and in
//! Polya's urn: P(a) ∝ (n(a) + κ)^β. No knowledge of any game is needed for it.

use super::rival::{Form, Rival, RivalRule};
use cratylus_core::policy::Round;
use std::sync::Arc;

pub const ENTRY: Rival = Rival {
    code: "M3",
    name: "frequency following",
    words: "says what partners said most often",
    source: "Brown 1951 (fictitious play); Flint et al. 2026 and Mehdizadeh & Hilbert 2026 find such agents",
    form: |_| Form::Rule(Arc::new(Frequency)),
    remembers: true,
};

struct Frequency;

impl RivalRule for Frequency {
    fn start(&self) -> Vec<f64> {
        vec![0.0, 2.0]
    }

    fn utilities(&self, theta: &[f64], window: &[Round], out: &mut [f64]) {
        out.fill(0.0);
        window.iter().for_each(|round| out[round[1] as usize] += 1.0);
        let unseen = theta[0].clamp(-12.0, 12.0).exp();
        out.iter_mut().for_each(|n| *n = theta[1] * (*n + unseen).ln());
    }

    fn shown(&self, theta: &[f64]) -> Vec<(String, f64)> {
        vec![("kappa".into(), theta[0].clamp(-12.0, 12.0).exp()), ("beta".into(), theta[1])]
    }
}
