//! M2: win-stay-lose-shift with lapses, the textbook's best move in this game: after success the same name again,
//! after failure another.

use super::rival::{Form, Rival, RivalRule, logistic};
use cratylus_core::policy::Round;
use std::sync::Arc;

pub const ENTRY: Rival = Rival {
    code: "M2",
    name: "win-stay-lose-shift",
    words: "keeps its name after a success, takes another after a failure, and lapses at times",
    source: "Nowak & Sigmund 1993, Nature 364:56, with lapses",
    form: |_| Form::Rule(Arc::new(WinStay)),
    remembers: true,
};

struct WinStay;

impl RivalRule for WinStay {
    fn start(&self) -> Vec<f64> {
        vec![-2.0]
    }

    fn utilities(&self, theta: &[f64], window: &[Round], out: &mut [f64]) {
        let Some(&[own, partner]) = window.last() else { return out.fill(0.0) };
        let lapse = logistic(theta[0]).clamp(1e-12, 1.0 - 1e-12);
        let others = (out.len() - 1) as f64;
        let (kept, other) = if own == partner { (1.0 - lapse, lapse / others) } else { (lapse, (1.0 - lapse) / others) };
        out.fill(other.ln());
        out[own as usize] = kept.ln();
    }

    fn shown(&self, theta: &[f64]) -> Vec<(String, f64)> {
        vec![("lapse".into(), logistic(theta[0]).clamp(1e-12, 1.0 - 1e-12))]
    }
}
