//! M5: experience-weighted attraction. Names that were not chosen count by what they would have paid:
//! N ← ρN + 1, A(a) ← (φ N A(a) + [δ + (1 − δ) 1(a was chosen)] π(a)) / N, P(a) ∝ exp(λ A(a)).

use super::rival::{Form, Rival, RivalRule, logistic};
use cratylus_core::policy::Round;
use std::sync::Arc;

pub const ENTRY: Rival = Rival {
    code: "M5",
    name: "experience-weighted attraction",
    words: "weighs what paid and what would have paid",
    source: "Camerer & Ho 1999, Econometrica 67:827",
    form: |setting| Form::Rule(Arc::new(Attraction { payoff: setting.payoff })),
    remembers: true,
};

struct Attraction {
    payoff: [f64; 2],
}

impl RivalRule for Attraction {
    fn start(&self) -> Vec<f64> {
        vec![2.0, 0.0, 0.0, 1.0]
    }

    fn utilities(&self, theta: &[f64], window: &[Round], out: &mut [f64]) {
        let [phi, delta, rho] = [theta[0], theta[1], theta[2]].map(logistic);
        let sharpness = theta[3].clamp(-6.0, 6.0).exp();
        out.fill(0.0);
        let mut experience = 1.0;
        for &[own, partner] in window {
            let next = rho * experience + 1.0;
            for (name, attraction) in out.iter_mut().enumerate() {
                let would_pay = self.payoff[usize::from(name != partner as usize)];
                let weight = if name == own as usize { 1.0 } else { delta };
                *attraction = (phi * experience * *attraction + weight * would_pay) / next;
            }
            experience = next;
        }
        out.iter_mut().for_each(|attraction| *attraction *= sharpness);
    }

    fn shown(&self, theta: &[f64]) -> Vec<(String, f64)> {
        let names = ["phi", "delta", "rho"].map(String::from);
        let mut shown: Vec<(String, f64)> = names.into_iter().zip(theta.iter().map(|&x| logistic(x))).collect();
        shown.push(("lambda".into(), theta[3].clamp(-6.0, 6.0).exp()));
        shown
    }
}
