//! Exact draws of how many: binomial and hypergeometric numbers for populations of any size.
//!
//! Where few values are likely they are gone through from the likeliest on; elsewhere the ratio of uniforms is used
//! (Stadlober 1990, as HRUA*). Probabilities are worked out by Loader's saddle-point expansion (2000), whose error is about
//! 1e-13 whatever the size: logarithms of factorials of 10^10 would be wrong by 1e-5.

use crate::seed::Stream;
use std::f64::consts::TAU;

/// ln n! less Stirling's formula.
fn stirling_error(n: f64) -> f64 {
    const FEW: [f64; 16] = [
        0.0,
        0.081_061_466_795_327_26,
        0.041_340_695_955_409_29,
        0.027_677_925_684_998_34,
        0.020_790_672_103_765_09,
        0.016_644_691_189_821_19,
        0.013_876_128_823_070_75,
        0.011_896_709_945_891_77,
        0.010_411_265_261_972_1,
        0.009_255_462_182_712_733,
        0.008_330_563_433_362_872,
        0.007_573_675_487_951_841,
        0.006_942_840_107_209_53,
        0.006_408_994_188_004_207,
        0.005_951_370_112_758_848,
        0.005_554_733_551_962_801,
    ];
    if n < 16.0 {
        return FEW[n as usize];
    }
    // One division, as this is asked for more often than anything else here.
    let inverse = 1.0 / n;
    let square = inverse * inverse;
    (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - (1.0 / 1680.0 - 1.0 / 1188.0 * square) * square) * square) * square) * inverse
}

/// 1 over 3, 5, 7 and so on.
const ODD: [f64; 16] = {
    let mut odd = [0.0; 16];
    let mut j = 0;
    while j < odd.len() {
        odd[j] = 1.0 / (2 * j + 3) as f64;
        j += 1;
    }
    odd
};

/// x ln(x / m) + m - x, without loss where x is near m.
fn deviance(x: f64, m: f64) -> f64 {
    let v = (x - m) / (x + m);
    if v.abs() >= 0.1 {
        return x * (x / m).ln() + m - x;
    }
    let (mut term, mut sum) = (2.0 * x * v, (x - m) * v);
    let square = v * v;
    // With |v| below 0.1 sixteen terms are more than there are digits.
    for over in ODD {
        term *= square;
        let next = sum + term * over;
        if next == sum {
            break;
        }
        sum = next;
    }
    sum
}

/// The logarithm of the probability of `x` successes in `n` tries of probability `p`, with q = 1 - p.
fn ln_binomial(x: f64, n: f64, p: f64, q: f64) -> f64 {
    if x < 0.0 || x > n {
        return f64::NEG_INFINITY;
    }
    if x == 0.0 {
        return if n == 0.0 { 0.0 } else { n * if p < 0.1 { (-p).ln_1p() } else { q.ln() } };
    }
    if x == n {
        return n * if q < 0.1 { (-q).ln_1p() } else { p.ln() };
    }
    let error = stirling_error(n) - stirling_error(x) - stirling_error(n - x);
    error - deviance(x, n * p) - deviance(n - x, n * q) + 0.5 * (n / (TAU * x * (n - x))).ln()
}

/// Below this variance few values are likely, and their probabilities are added up.
const FEW_LIKELY: f64 = 9.0;

/// A whole number from `low` to `high` with probabilities that rise to one place and fall from it. Where they are not added
/// up a factor that they share makes no difference.
fn unimodal(mean: f64, variance: f64, low: f64, high: f64, ln_p: impl Fn(f64) -> f64, draws: &mut Stream) -> f64 {
    if low == high {
        return low;
    }
    let mode = mean.floor().clamp(low, high);
    if variance < FEW_LIKELY {
        // From the mode on, up and down by turns.
        let mut left = draws.unit();
        let (mut up, mut down) = (mode, mode - 1.0);
        loop {
            if up <= high {
                left -= ln_p(up).exp();
                if left < 0.0 {
                    return up;
                }
                up += 1.0;
            }
            if down >= low {
                left -= ln_p(down).exp();
                if left < 0.0 {
                    return down;
                }
                down -= 1.0;
            }
            // What rounding leaves over, or tails that are too thin to be seen.
            if (up > high && down < low) || (up - mode > 200.0 && mode - down > 200.0) {
                return mode;
            }
        }
    }
    // 2 sqrt(2 / e) and 3 - 2 sqrt(3 / e).
    let width = 1.715_527_769_921_413_5 * (variance + 0.5).sqrt() + 0.898_916_162_058_898_8;
    let top = ln_p(mode);
    loop {
        let (u, v) = (1.0 - draws.unit(), draws.unit());
        let x = (mean + 0.5 + width * (v - 0.5) / u).floor();
        if x < low || x > high {
            continue;
        }
        if 2.0 * u.ln() <= ln_p(x) - top {
            return x;
        }
    }
}

/// How many of `n` tries succeed, each with probability `p`.
pub fn binomial(n: u64, p: f64, draws: &mut Stream) -> u64 {
    if n == 0 || p.is_nan() || p <= 0.0 {
        return 0;
    }
    if p >= 1.0 {
        return n;
    }
    let (tries, q) = (n as f64, 1.0 - p);
    unimodal(tries * p, tries * p * q, 0.0, tries, |x| ln_binomial(x, tries, p, q), draws) as u64
}

/// How many of `n` drawn without replacement are among the `marked` of `all`.
pub fn hypergeometric(all: u64, marked: u64, n: u64, draws: &mut Stream) -> u64 {
    debug_assert!(marked <= all && n <= all);
    if n == 0 || marked == 0 {
        return 0;
    }
    if marked == all {
        return n;
    }
    if n == all {
        return marked;
    }
    let (total, of, drawn) = (all as f64, marked as f64, n as f64);
    let share = of / total;
    let variance = drawn * share * (1.0 - share) * (total - drawn) / (total - 1.0);
    let low = (drawn - (total - of)).max(0.0);
    // The draws of both kinds, as if with replacement, given how many there were together.
    let (p, q) = (drawn / total, (total - drawn) / total);
    let rest = total - of;
    let ln_p = |x: f64| ln_binomial(x, of, p, q) + ln_binomial(drawn - x, rest, p, q);
    let high = drawn.min(of);
    if variance < FEW_LIKELY {
        let together = ln_binomial(drawn, total, p, q);
        return unimodal(drawn * share, variance, low, high, |x| ln_p(x) - together, draws) as u64;
    }
    // The same less all that does not depend on x.
    let same = || stirling_error(of) + stirling_error(rest) + 0.5 * (of / TAU * (rest / TAU)).ln();
    let varying = |x: f64| {
        let parts = [x, of - x, drawn - x, rest - (drawn - x)];
        if parts.iter().any(|&part| part < 1.0) {
            return ln_p(x) - same();
        }
        let means = [of * p, of * q, rest * p, rest * q];
        let each = parts.iter().zip(means).map(|(&part, mean)| stirling_error(part) + deviance(part, mean));
        -each.sum::<f64>() - 0.5 * parts.iter().product::<f64>().ln()
    };
    unimodal(drawn * share, variance, low, high, varying, draws) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Purpose, Seed};

    /// Draws against exact probabilities, worked out by products of ratios from one side.
    fn check(name: &str, draw: impl Fn(&mut Stream) -> u64, p: &[f64], low: u64) {
        const DRAWS: u64 = 200_000;
        let mut counts = vec![0_u64; p.len()];
        for i in 0..DRAWS {
            counts[(draw(&mut Seed(9).stream(Purpose::Resample, i)) - low) as usize] += 1;
        }
        let (mut chi, mut cells, mut rest) = (0.0, 0.0, [0.0, 0.0]);
        for (&count, p) in counts.iter().zip(p) {
            let due = p * DRAWS as f64;
            if due < 10.0 {
                rest = [rest[0] + count as f64, rest[1] + due];
                continue;
            }
            chi += (count as f64 - due).powi(2) / due;
            cells += 1.0;
        }
        if rest[1] > 5.0 {
            chi += (rest[0] - rest[1]).powi(2) / rest[1];
            cells += 1.0;
        }
        // The mean of chi-squared is cells - 1 and its variance twice that.
        let z = (chi - (cells - 1.0)) / (2.0 * f64::max(cells - 1.0, 1.0)).sqrt();
        assert!(z < 4.5, "{name}: chi-squared {chi} of {cells} cells");
    }

    fn hypergeometric_exactly(all: u64, marked: u64, n: u64) -> (u64, Vec<f64>) {
        let (low, high) = ((n + marked).saturating_sub(all), n.min(marked));
        let mut p = vec![1.0];
        for x in low..high {
            let f = |x: u64| x as f64;
            let ratio = f(marked - x) * f(n - x) / (f(x + 1) * f(all + x + 1 - marked - n));
            p.push(p.last().unwrap() * ratio);
            if *p.last().unwrap() > 1e250 {
                p.iter_mut().for_each(|p| *p *= 1e-250);
            }
        }
        let sum: f64 = p.iter().sum();
        (low, p.into_iter().map(|p| p / sum).collect())
    }

    #[test]
    fn hypergeometric_numbers_have_their_exact_probabilities() {
        // The first is one that a published library refuses.
        for (all, marked, n) in
            [(10_000, 1200, 80), (50, 20, 30), (7, 3, 5), (1000, 999, 400), (100_000, 40_000, 5000), (1 << 40, 1 << 39, 300)]
        {
            let (low, p) = hypergeometric_exactly(all, marked, n);
            check(&format!("{all} {marked} {n}"), |draws| hypergeometric(all, marked, n, draws), &p, low);
        }
    }

    #[test]
    fn binomial_numbers_have_their_exact_probabilities() {
        for (n, p) in [(5, 0.3), (60, 0.02), (400, 0.5), (3000, 0.9)] {
            let mut exact = vec![f64::powi(1.0 - p, n)];
            if exact[0] == 0.0 {
                exact[0] = 1e-300;
            }
            for x in 0..n {
                exact.push(exact.last().unwrap() * f64::from(n - x) / f64::from(x + 1) * p / (1.0 - p));
                if *exact.last().unwrap() > 1e250 {
                    exact.iter_mut().for_each(|p| *p *= 1e-250);
                }
            }
            let sum: f64 = exact.iter().sum();
            let exact: Vec<f64> = exact.into_iter().map(|p| p / sum).collect();
            check(&format!("{n} {p}"), |draws| binomial(n as u64, p, draws), &exact, 0);
        }
    }

    #[test]
    fn means_hold_where_nothing_can_be_counted() {
        let n = 10_000_000_000;
        let mut sum = [0.0, 0.0];
        for i in 0..2000 {
            let x = hypergeometric(n, n / 3, 100_000, &mut Seed(3).stream(Purpose::Resample, i)) as f64;
            sum = [sum[0] + x, sum[1] + x * x];
        }
        let (mean, sd) = (sum[0] / 2000.0, (sum[1] / 2000.0 - (sum[0] / 2000.0).powi(2)).sqrt());
        let due = (100_000.0 / 3.0, (100_000.0f64 * 2.0 / 9.0).sqrt());
        assert!((mean - due.0).abs() < 4.0 * due.1 / 2000f64.sqrt() && (sd / due.1 - 1.0).abs() < 0.06, "{mean} ± {sd}");
    }
}
