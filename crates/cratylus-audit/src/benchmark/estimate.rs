//! Numbers with intervals over models, and whether they lie where a statement says.

use super::model::auc;
use cratylus_core::stats::{mean_sd, quantile};
use cratylus_core::{Purpose, Seed};
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// Whether a statement holds, by its intervals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decided {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// The intervals leave it open.
    Open,
}

impl Decided {
    /// As readers see it.
    pub fn words(self) -> &'static str {
        match self {
            Decided::Yes => "yes",
            Decided::No => "no",
            Decided::Open => "not decided",
        }
    }
}

/// A number with its interval over models.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Estimate {
    /// What it is.
    pub what: String,
    /// Its value.
    pub value: f64,
    /// Where its interval begins and ends.
    pub interval: [f64; 2],
    /// Of how many models, or pairs of them.
    pub n: u64,
    /// Whether it lies within its margin, or above its limit, or neither can be said. None for what decides nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided: Option<Decided>,
}

/// The interval of an area under the curve, over models drawn again (percentiles of 2,000). Where all of one lot lie above
/// all of the other it has no width, whatever their number.
pub fn auc_interval(a: &[f64], b: &[f64]) -> [f64; 2] {
    let mut draws = Seed(0xA0C).stream(Purpose::Resample, 0);
    let mut again =
        |values: &[f64]| -> Vec<f64> { (0..values.len()).map(|_| values[draws.below(values.len() as u64) as usize]).collect() };
    let mut all: Vec<f64> = (0..2000).map(|_| auc(&again(a), &again(b))).collect();
    all.sort_unstable_by(f64::total_cmp);
    [quantile(&all, 0.025), quantile(&all, 0.975)]
}

/// What a new value of those that gave `values` exceeds once in so many times, by Student's t.
pub fn exceeded(values: &[f64], level: f64) -> f64 {
    let n = values.len() as f64;
    let (mean, sd) = mean_sd(values);
    match StudentsT::new(0.0, 1.0, n - 1.0) {
        Ok(students) if n > 2.0 => mean + students.inverse_cdf(1.0 - level) * sd * (1.0 + 1.0 / n).sqrt(),
        _ => f64::INFINITY,
    }
}

/// The curve that never falls and lies nearest to some shares, each of so many (pool adjacent violators).
pub fn isotonic(shares: &[(f64, f64)]) -> Vec<f64> {
    let mut pools: Vec<(f64, f64, usize)> = Vec::new();
    for &(share, n) in shares {
        pools.push((share, n, 1));
        while let [.., (a, na, ka), (b, nb, kb)] = pools[..]
            && a > b
        {
            pools.truncate(pools.len() - 2);
            pools.push(((a * na + b * nb) / (na + nb), na + nb, ka + kb));
        }
    }
    pools.into_iter().flat_map(|(share, _, k)| std::iter::repeat_n(share, k)).collect()
}

/// The dose at which a curve of power that never falls crosses one half, interpolated over the logarithm of the dose. None
/// where it does not between the doses that were tried.
pub fn half_dose(doses: &[f64], power: &[f64]) -> Option<f64> {
    let place = power.iter().position(|&share| share >= 0.5).filter(|&place| place > 0)?;
    let [(x, a), (y, b)] = [place - 1, place].map(|i| (doses[i].ln(), power[i]));
    Some((x + (y - x) * (0.5 - a) / (b - a)).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_rises_with_the_dose_and_is_a_half_in_between() {
        let fit = isotonic(&[(0.1, 10.0), (0.0, 10.0), (0.6, 10.0), (0.4, 30.0), (1.0, 10.0)]);
        let expected = [0.05, 0.05, 0.45, 0.45, 1.0];
        assert!(fit.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{fit:?}");
        let half = half_dose(&[0.001, 0.01, 0.1], &[0.0, 0.25, 0.75]).unwrap();
        assert!((half - 0.01 * 10f64.sqrt()).abs() < 1e-12, "{half}");
        assert_eq!(half_dose(&[0.01, 0.1], &[0.0, 0.4]), None);
        assert_eq!(half_dose(&[0.01, 0.1], &[0.6, 0.9]), None);
    }

    #[test]
    fn a_threshold_is_exceeded_as_often_as_it_says() {
        let mut draws = Seed(9).stream(Purpose::Resample, 0);
        let mut normal = || (0..12).map(|_| draws.unit()).sum::<f64>();
        let over = (0..2000).filter(|_| {
            let clean: Vec<f64> = (0..10).map(|_| normal()).collect();
            normal() > exceeded(&clean, 0.05)
        });
        let over = over.count();
        assert!((70..=130).contains(&over), "{over} of 2000 at the level of 0.05");
    }
}
