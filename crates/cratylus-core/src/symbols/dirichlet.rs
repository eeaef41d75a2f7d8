//! Agents that sort what they perceive, counts of features, into categories, for which signs stand (Inter-DM and Inter-MDM:
//! Hagiwara et al., Frontiers in Robotics and AI 6 (2019) 134, and Advanced Robotics 36 (2022) 239). Category given sign and
//! feature given category have Dirichlet priors; a category has a distribution over the features of each modality.

use super::draws::{exp, ln_dirichlet};
use super::rows::SignRows;
use crate::seed::Stream;
use statrs::function::gamma::ln_gamma;

/// How an agent sorts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DirichletPrior {
    /// How many categories it has.
    pub categories: usize,
    /// How many observations of each category the prior of a sign is worth.
    pub alpha: f64,
    /// How many of each feature the prior of a category is worth.
    pub beta: f64,
}

/// The log probability of a sequence of draws with these counts, where how likely each is has a symmetric Dirichlet prior.
pub fn ln_evidence(counts: &[f64], prior: f64) -> f64 {
    let all = prior * counts.len() as f64;
    let sum: f64 = counts.iter().sum();
    ln_gamma(all) - ln_gamma(all + sum) + counts.iter().map(|n| ln_gamma(n + prior) - ln_gamma(prior)).sum::<f64>()
}

/// One agent's share of a learning step.
pub(crate) struct Step<'a> {
    pub prior: &'a DirichletPrior,
    /// Counts of all features of each object.
    pub counts: &'a [f64],
    /// How many features each modality has, in their order.
    pub modalities: &'a [usize],
    /// The sign of each object.
    pub held: &'a [u16],
    pub n_signs: usize,
    /// Draws for sign or category `i`: of the first, or of the second.
    pub stream: &'a dyn Fn(usize, bool) -> Stream,
    /// Draws for categories of objects, in their order.
    pub sorting: Stream,
}

impl Step<'_> {
    /// Draws the category of each object given all else, then features given categories, and categories given signs: one
    /// sweep of Gibbs sampling. `features` are log probabilities by category, empty before the first step, which sorts
    /// nothing anew. Rows are then the log probabilities of each category, by sign.
    pub fn go(self, sorted: &mut [u16], features: &mut Vec<f64>, rows: &mut SignRows) {
        let Step { prior, counts, modalities, held, n_signs, stream, mut sorting } = self;
        let (n, width) = (prior.categories, modalities.iter().sum::<usize>());
        if !features.is_empty() {
            let (mut logs, mut likely) = (vec![0.0; n], vec![0.0; n_signs * n]);
            for (category, row) in rows.logs_mut().chunks_exact(n_signs).enumerate() {
                row.iter().enumerate().for_each(|(sign, &log)| likely[sign * n + category] = log);
            }
            for ((x, &sign), category) in counts.chunks_exact(width).zip(held).zip(sorted.iter_mut()) {
                let prior = &likely[usize::from(sign) * n..][..n];
                for ((log, prior), features) in logs.iter_mut().zip(prior).zip(features.chunks_exact(width)) {
                    *log = prior + x.iter().zip(features).map(|(x, log)| x * log).sum::<f64>();
                }
                *category = draw(&mut logs, sorting.unit()) as u16;
            }
        }
        features.clear();
        features.resize(n * width, prior.beta);
        for (x, &category) in counts.chunks_exact(width).zip(sorted.iter()) {
            let own = &mut features[usize::from(category) * width..][..width];
            own.iter_mut().zip(x).for_each(|(sum, x)| *sum += x);
        }
        for (category, own) in features.chunks_exact_mut(width).enumerate() {
            let (mut draws, mut from) = (stream(category, true), 0);
            for &modality in modalities {
                ln_dirichlet(&mut own[from..from + modality], &mut draws);
                from += modality;
            }
        }
        let mut likely = vec![prior.alpha; n_signs * n];
        for (&sign, &category) in held.iter().zip(sorted.iter()) {
            likely[usize::from(sign) * n + usize::from(category)] += 1.0;
        }
        for (sign, own) in likely.chunks_exact_mut(n).enumerate() {
            ln_dirichlet(own, &mut stream(sign, false));
        }
        for (category, row) in rows.logs_mut().chunks_exact_mut(n_signs).enumerate() {
            row.iter_mut().enumerate().for_each(|(sign, log)| *log = likely[sign * n + category]);
        }
        rows.settle();
    }
}

/// One of several, by the logarithms of how likely they are, which become something else.
fn draw(logs: &mut [f64], unit: f64) -> usize {
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for log in logs.iter_mut() {
        sum += exp(*log - most);
        *log = sum;
    }
    let at = unit * sum;
    logs.iter().position(|&sum| sum > at).unwrap_or(logs.len() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_is_that_of_polyas_urn() {
        // Two of one, one of another of two kinds, with one ball of each: 1/2 · 2/3 · 1/4.
        assert!((ln_evidence(&[2.0, 1.0], 1.0) - (1.0f64 / 12.0).ln()).abs() < 1e-12);
        assert_eq!(ln_evidence(&[0.0, 0.0, 0.0], 0.5), 0.0);
    }

    #[test]
    fn a_draw_is_as_likely_as_its_logarithm_says() {
        let logs = [-1000.0, -1000.0 + 3f64.ln(), -2000.0];
        let drawn = (0..1000).map(|i| draw(&mut logs.clone(), f64::from(i) / 1000.0));
        assert_eq!(drawn.filter(|&one| one == 0).count(), 250);
    }
}
