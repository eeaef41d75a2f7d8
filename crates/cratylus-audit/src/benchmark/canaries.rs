//! Rows that stand in some corpora and not in others, a known number of times: how exposed they are, and how well membership is
//! told with other models as shadows.

use super::model::{Canaries, ModelRow, auc};
use cratylus_core::stats::{mean_interval, mean_sd, quantile};
use serde::Serialize;

/// What tests of rows make of those that stand in a corpus so many times.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CanaryScored {
    /// How often; 0 for rows that stand in none.
    pub times: u64,
    /// How exposed they are, in bits: mean over models, and its interval. About 1.4 where nothing is known, 12 at most.
    pub exposure: f64,
    /// As `exposure`.
    pub exposure_interval: [f64; 2],
    /// How well a likelihood ratio with the other models as shadows tells held rows from others (Carlini et al. 2022, arXiv
    /// 2112.03570): the area under the curve, mean over models, and its interval; None for rows that stand in none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lira: Option<(f64, [f64; 2])>,
    /// The share of held rows that it finds where it takes one in a hundred of the others for held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lira_found: Option<f64>,
    /// How well the loss alone does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<(f64, [f64; 2])>,
}

/// The same rows in several models, each with its likelihood ratio.
struct Shadows<'m> {
    of: Vec<&'m Canaries>,
    /// For each model and row; None where no other model has, or lacks, the row.
    ratios: Vec<Vec<Option<f64>>>,
}

impl<'m> Shadows<'m> {
    fn new(of: Vec<&'m Canaries>) -> Shadows<'m> {
        let n = of[0].times.len();
        // With few shadows the spread is taken from all rows at once, as the paper advises.
        let spread = |held: bool| {
            let mut left: Vec<f64> = Vec::new();
            for row in 0..n {
                let values: Vec<f64> = of.iter().filter(|c| c.held[row] == held).map(|c| c.log_likelihood[row]).collect();
                let (mean, _) = mean_sd(&values);
                if values.len() > 1 {
                    let n = values.len() as f64;
                    left.extend(values.iter().map(|value| (value - mean) * (n / (n - 1.0)).sqrt()));
                }
            }
            (left.iter().map(|x| x * x).sum::<f64>() / left.len().max(1) as f64).sqrt().max(1e-6)
        };
        let sd = [false, true].map(spread);
        let log = |model: usize, row: usize, held: bool| {
            let others = of.iter().enumerate().filter(|(other, c)| *other != model && c.held[row] == held);
            let others: Vec<f64> = others.map(|(_, c)| c.log_likelihood[row]).collect();
            let sd = sd[usize::from(held)];
            let off = (of[model].log_likelihood[row] - mean_sd(&others).0) / sd;
            (!others.is_empty()).then(|| -sd.ln() - off.powi(2) / 2.0)
        };
        let ratio = |model: usize, row: usize| Some(log(model, row, true)? - log(model, row, false)?);
        let ratios = (0..of.len()).map(|model| (0..n).map(|row| ratio(model, row)).collect()).collect();
        Shadows { of, ratios }
    }

    /// Likelihood ratios of rows that a model holds, or does not; all of them, or those of a number of copies.
    fn ratios(&self, held: bool, times: Option<u64>) -> Vec<f64> {
        let mut all = Vec::new();
        for (canaries, ratios) in self.of.iter().zip(&self.ratios) {
            for (row, ratio) in ratios.iter().enumerate() {
                if canaries.held[row] == held && times.is_none_or(|times| canaries.times[row] == times) {
                    all.extend(*ratio);
                }
            }
        }
        all
    }

    /// How well each model's score tells rows of a number of copies that it holds from those that it does not.
    fn tells(&self, times: u64, score: &dyn Fn(usize, usize) -> Option<f64>) -> Option<(f64, [f64; 2])> {
        let mut aucs = Vec::new();
        for (model, canaries) in self.of.iter().enumerate() {
            let side = |held: bool| -> Vec<f64> {
                let rows = (0..canaries.times.len()).filter(|&row| canaries.times[row] == times && canaries.held[row] == held);
                rows.filter_map(|row| score(model, row)).collect()
            };
            let (held, others) = (side(true), side(false));
            if !held.is_empty() && !others.is_empty() {
                aucs.push(auc(&held, &others));
            }
        }
        (!aucs.is_empty()).then(|| mean_interval(&aucs, 0.95))
    }

    /// The mean exposure over models, of rows of a number of copies, or of those that a model does not hold.
    fn exposure(&self, times: u64) -> (f64, [f64; 2]) {
        let mut means = Vec::new();
        for canaries in &self.of {
            let wanted = |row: &usize| match times {
                0 => !canaries.held[*row],
                times => canaries.held[*row] && canaries.times[*row] == times,
            };
            let values: Vec<f64> = (0..canaries.times.len()).filter(wanted).map(|row| canaries.exposure[row]).collect();
            if !values.is_empty() {
                means.push(mean_sd(&values).0);
            }
        }
        mean_interval(&means, 0.95)
    }
}

/// Scores exposure and membership. Nothing where no two models have the same rows.
pub fn canaries(models: &[ModelRow]) -> Vec<CanaryScored> {
    let of: Vec<&Canaries> = models.iter().filter_map(|row| row.wording.canaries.as_ref()).collect();
    let Some(first) = of.first().copied().filter(|first| of.iter().all(|other| other.times == first.times)) else {
        return Vec::new();
    };
    let mut times = first.times.clone();
    times.sort_unstable();
    times.dedup();
    let shadows = Shadows::new(of);
    let mut others = shadows.ratios(false, None);
    others.sort_unstable_by(f64::total_cmp);
    let limit = if others.is_empty() { f64::INFINITY } else { quantile(&others, 0.99) };
    let scored = |times: u64| {
        let (exposure, exposure_interval) = shadows.exposure(times);
        let held = shadows.ratios(true, Some(times));
        let found = held.iter().filter(|&&ratio| ratio > limit).count() as f64 / held.len() as f64;
        CanaryScored {
            times,
            exposure,
            exposure_interval,
            lira: shadows.tells(times, &|model, row| shadows.ratios[model][row]),
            lira_found: (!held.is_empty()).then_some(found),
            loss: shadows.tells(times, &|model, row| Some(shadows.of[model].log_likelihood[row])),
        }
    };
    std::iter::once(0).chain(times).map(scored).collect()
}
