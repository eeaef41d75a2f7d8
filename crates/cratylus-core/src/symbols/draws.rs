//! Draws of which nobody knows how many random words they take, each from a stream of its own address, and the logarithm that
//! they need. All of it is additions, multiplications and square roots, so it is the same on every machine.

use crate::seed::Stream;

pub(crate) use crate::signals::exp;

/// The natural logarithm of a number above 0, to the last bit or nearly.
pub(crate) fn ln(x: f64) -> f64 {
    const LN_2: [f64; 2] = [0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10];
    if x < f64::MIN_POSITIVE {
        return if x > 0.0 { ln(x * (1u64 << 54) as f64) - 54.0 * (LN_2[0] + LN_2[1]) } else { f64::NEG_INFINITY };
    }
    let bits = x.to_bits();
    let mut power = (bits >> 52) as i64 - 1023;
    let mut part = f64::from_bits(bits & ((1 << 52) - 1) | 1023 << 52);
    if part > std::f64::consts::SQRT_2 {
        part *= 0.5;
        power += 1;
    }
    // 2 artanh s, whose series in s squared (at most 0.0295) is over after a dozen terms.
    let s = (part - 1.0) / (part + 1.0);
    let square = s * s;
    let sum = (0..12).rev().fold(0.0, |sum, i| sum * square + 1.0 / f64::from(2 * i + 1));
    let power = power as f64;
    power * LN_2[0] + (power * LN_2[1] + 2.0 * s * sum)
}

/// A uniform number above 0 and below 1.
fn open(draws: &mut Stream) -> f64 {
    draws.unit() + f64::EPSILON / 4.0
}

/// A standard normal number (Marsaglia's polar method, of which the second number is left).
pub(crate) fn normal(draws: &mut Stream) -> f64 {
    loop {
        let [x, y] = [0, 1].map(|_| 2.0 * draws.unit() - 1.0);
        let square = x * x + y * y;
        if square < 1.0 && square > 0.0 {
            return x * (-2.0 * ln(square) / square).sqrt();
        }
    }
}

/// The logarithm of a gamma number of scale 1 (Marsaglia & Tsang, ACM Trans. Math. Softw. 26 (2000) 363). As a logarithm it is a
/// number for any shape above 0: with a shape of 0.001 most gamma numbers are below all that can be written.
pub(crate) fn ln_gamma(shape: f64, draws: &mut Stream) -> f64 {
    if shape < 1.0 {
        let above = ln_gamma(shape + 1.0, draws);
        return above + ln(open(draws)) / shape;
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = normal(draws);
        let v = 1.0 + c * x;
        if v <= 0.0 {
            continue;
        }
        let (v, ln_v) = (v * v * v, 3.0 * ln(v));
        if ln(open(draws)) < 0.5 * x * x + d - d * v + d * ln_v {
            return ln(d) + ln_v;
        }
    }
}

/// The logarithms of a Dirichlet vector, in the place of its parameters.
pub(crate) fn ln_dirichlet(parameters: &mut [f64], draws: &mut Stream) {
    parameters.iter_mut().for_each(|parameter| *parameter = ln_gamma(*parameter, draws));
    let most = parameters.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let all = most + ln(parameters.iter().map(|log| exp(log - most)).sum());
    parameters.iter_mut().for_each(|log| *log -= all);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Purpose, Seed};

    #[test]
    fn the_logarithm_is_that_of_the_machine() {
        let mut draws = Seed(1).stream(Purpose::Resample, 0);
        for _ in 0..20_000 {
            let x = exp(-700.0 * draws.unit()) * (1.0 + 1e9 * draws.unit());
            assert!((ln(x) - x.ln()).abs() <= 4e-16 * x.ln().abs().max(1.0), "{x}");
        }
        assert_eq!((ln(1.0), ln(0.0)), (0.0, f64::NEG_INFINITY));
        assert!((ln(5e-324) - 5e-324f64.ln()).abs() < 1e-12);
    }

    /// Mean and variance of many draws, within five standard errors.
    fn moments(mut draw: impl FnMut(&mut Stream) -> f64, [mean, variance, fourth]: [f64; 3]) {
        let n = 100_000u32;
        let all: Vec<f64> = (0..n).map(|i| draw(&mut Seed(9).stream(Purpose::Parameter, i.into()))).collect();
        let n = f64::from(n);
        let found = all.iter().sum::<f64>() / n;
        let spread = all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
        assert!((found - mean).abs() < 5.0 * (variance / n).sqrt(), "mean {found} for {mean}");
        assert!(
            (spread - variance).abs() < 5.0 * ((fourth - variance * variance) / n).sqrt(),
            "variance {spread} for {variance}"
        );
    }

    #[test]
    fn normal_and_gamma_numbers_have_their_moments() {
        moments(normal, [0.0, 1.0, 3.0]);
        for shape in [0.3, 0.5, 1.0, 4.5] {
            moments(|draws| ln_gamma(shape, draws).exp(), [shape, shape, 3.0 * shape * shape + 6.0 * shape]);
        }
        // The logarithm of a gamma number of shape a has the mean digamma(a), about -1/a of small ones, and a variance of
        // about 1 / a^2.
        moments(|draws| 0.001 * ln_gamma(0.001, draws), [-1.000_576, 1.0, 9.0]);
    }

    #[test]
    fn dirichlet_vectors_add_up_and_have_their_means() {
        let mut sums = [0.0; 3];
        for i in 0..20_000 {
            let mut vector = [0.5, 1.0, 2.5];
            ln_dirichlet(&mut vector, &mut Seed(2).stream(Purpose::Parameter, i));
            assert!((vector.iter().map(|log| log.exp()).sum::<f64>() - 1.0).abs() < 1e-12);
            sums.iter_mut().zip(vector).for_each(|(sum, log)| *sum += log.exp() / 20_000.0);
        }
        assert!(sums.iter().zip([0.125, 0.25, 0.625]).all(|(found, due)| (found - due).abs() < 0.01), "{sums:?}");
    }
}
