//! How a token is sampled from a model's log-probabilities. Models are asked for probabilities at temperature 1
//! wherever they give them, and sampled here, so the same sampler is in force on every server.
//!
//! The order is that of Hugging Face's transformers: temperature, top-k, top-p, min-p, typical. Servers that sample
//! by themselves may use another order (llama.cpp applies the temperature last).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A sampler's fields. What is None is switched off, and servers are told so explicitly.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sampler {
    /// 0 takes the most probable token.
    pub temperature: f64,
    /// Only so many most probable tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u32>,
    /// The fewest most probable tokens that make up this share (Holtzman et al. 2020).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Tokens at least this share as probable as the most probable one (Nguyen et al. 2024).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_p: Option<f64>,
    /// The tokens closest to the expected surprise that make up this share (Meister et al. 2023).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typical_p: Option<f64>,
}

impl Sampler {
    /// What is wrong with the numbers: the key and why.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        if !(0.0..=100.0).contains(&self.temperature) {
            return Err(("temperature", "a temperature is a number from 0 to 100".into()));
        }
        if self.top_k == Some(0) {
            return Err(("top_k", "at least one token must remain; leave `top_k` out to keep all".into()));
        }
        for (key, value) in [("top_p", self.top_p), ("min_p", self.min_p), ("typical_p", self.typical_p)] {
            if value.is_some_and(|value| !(value > 0.0 && value <= 1.0)) {
                return Err((key, format!("`{key}` is a share, above 0 and up to 1; leave it out to switch it off")));
            }
        }
        Ok(())
    }

    /// The probability of each token, given log-probabilities at temperature 1 in any order. Tokens that are not
    /// listed get nothing: the result adds up to 1 over the list. Of equal tokens the first listed is taken first.
    pub fn probabilities(&self, logprobs: &[f64]) -> Vec<f64> {
        let mut order: Vec<usize> = (0..logprobs.len()).collect();
        order.sort_by(|&a, &b| logprobs[b].total_cmp(&logprobs[a]).then(a.cmp(&b)));
        let mut out = vec![0.0; logprobs.len()];
        let Some(&best) = order.first() else { return out };
        if self.temperature == 0.0 {
            out[best] = 1.0;
            return out;
        }
        let scaled = |i: usize| ((logprobs[i] - logprobs[best]) / self.temperature).exp();
        let mut kept: Vec<(usize, f64)> = order.into_iter().map(|i| (i, scaled(i))).collect();
        if let Some(k) = self.top_k {
            kept.truncate(k as usize);
        }
        if let Some(share) = self.top_p {
            keep_share(&mut kept, share);
        }
        if let Some(share) = self.min_p {
            let least = share * kept[0].1;
            kept.retain(|&(_, weight)| weight >= least);
        }
        if let Some(share) = self.typical_p {
            let total: f64 = kept.iter().map(|(_, weight)| weight).sum();
            let surprise = |weight: f64| -(weight / total).ln();
            let expected: f64 =
                kept.iter().filter(|(_, weight)| *weight > 0.0).map(|&(_, weight)| weight / total * surprise(weight)).sum();
            kept.sort_by(|a, b| (surprise(a.1) - expected).abs().total_cmp(&(surprise(b.1) - expected).abs()));
            keep_share(&mut kept, share);
        }
        let total: f64 = kept.iter().map(|(_, weight)| weight).sum();
        kept.into_iter().for_each(|(i, weight)| out[i] = weight / total);
        out
    }
}

/// Keeps the fewest first ones whose weights reach a share of all.
fn keep_share(kept: &mut Vec<(usize, f64)>, share: f64) {
    let total: f64 = kept.iter().map(|(_, weight)| weight).sum();
    let mut sum = 0.0;
    let enough = kept.iter().position(|&(_, weight)| {
        sum += weight;
        // A share such as 0.3 is not missed for want of precision.
        sum >= (share - 1e-12) * total
    });
    kept.truncate(enough.map_or(kept.len(), |last| last + 1));
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Sampler = Sampler { temperature: 1.0, top_k: None, top_p: None, min_p: None, typical_p: None };

    fn check(sampler: Sampler, p: &[f64], expected: &[f64]) {
        let logprobs: Vec<f64> = p.iter().map(|p: &f64| p.ln()).collect();
        let got = sampler.probabilities(&logprobs);
        assert!(got.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{sampler:?}: {got:?}");
    }

    #[test]
    fn each_field_does_what_its_paper_says() {
        let p = [0.1, 0.4, 0.3, 0.2];
        check(PLAIN, &p, &p);
        check(Sampler { temperature: 0.0, ..PLAIN }, &p, &[0.0, 1.0, 0.0, 0.0]);
        check(Sampler { temperature: 0.5, ..PLAIN }, &p, &[0.01 / 0.3, 0.16 / 0.3, 0.09 / 0.3, 0.04 / 0.3]);
        check(Sampler { top_k: Some(2), ..PLAIN }, &p, &[0.0, 4.0 / 7.0, 3.0 / 7.0, 0.0]);
        check(Sampler { top_p: Some(0.65), ..PLAIN }, &p, &[0.0, 4.0 / 7.0, 3.0 / 7.0, 0.0]);
        check(Sampler { min_p: Some(0.5), ..PLAIN }, &p, &[0.0, 4.0 / 9.0, 3.0 / 9.0, 2.0 / 9.0]);
        // The entropy is 1.28 nats, and the surprises 2.30, 0.92, 1.20 and 1.61: 0.3 is the closest, then 0.2.
        check(Sampler { typical_p: Some(0.3), ..PLAIN }, &p, &[0.0, 0.0, 1.0, 0.0]);
        check(Sampler { typical_p: Some(0.4), ..PLAIN }, &p, &[0.0, 0.0, 0.6, 0.4]);
    }

    #[test]
    fn probabilities_of_an_incomplete_list_add_up_to_one() {
        check(PLAIN, &[0.3, 0.1], &[0.75, 0.25]);
        assert!(PLAIN.probabilities(&[]).is_empty());
    }
}
