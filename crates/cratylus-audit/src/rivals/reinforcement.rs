//! M4: softmax reinforcement. The name that was chosen is worth what it paid: Q ← Q + η (r − Q), P(a) ∝ exp(β Q(a)).
//! What the partner chose counts only through the payoff.

use super::rival::{Form, Rival, RivalRule, logistic};
use cratylus_core::policy::Round;
use std::sync::Arc;

pub const ENTRY: Rival = Rival {
    code: "M4",
    name: "reinforcement",
    words: "repeats what paid, and learns nothing of what it did not choose",
    source: "Sutton & Barto 2018, sections 2.4 and 2.8",
    form: |setting| Form::Rule(Arc::new(Reinforcement { payoff: setting.payoff })),
    remembers: true,
};

struct Reinforcement {
    payoff: [f64; 2],
}

impl RivalRule for Reinforcement {
    fn start(&self) -> Vec<f64> {
        vec![0.0, 1.0]
    }

    fn utilities(&self, theta: &[f64], window: &[Round], out: &mut [f64]) {
        let (rate, sharpness) = (logistic(theta[0]), theta[1].clamp(-6.0, 6.0).exp());
        out.fill(0.0);
        for &[own, partner] in window {
            let paid = self.payoff[usize::from(own != partner)];
            let worth = &mut out[own as usize];
            *worth += rate * (paid - *worth);
        }
        out.iter_mut().for_each(|worth| *worth *= sharpness);
    }

    fn shown(&self, theta: &[f64]) -> Vec<(String, f64)> {
        vec![("rate".into(), logistic(theta[0])), ("sharpness".into(), theta[1].clamp(-6.0, 6.0).exp())]
    }
}
