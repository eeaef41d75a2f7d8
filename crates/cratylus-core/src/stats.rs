//! The statistics behind the tables: intervals, exact and Monte-Carlo tests, quantiles. Distributions come
//! from a library; what is here is which test is meant.

use crate::sampling::binomial;
use crate::seed::{Purpose, Seed};
use serde::Serialize;
use statrs::distribution::{Beta, Binomial, ChiSquared, ContinuousCDF, Discrete, DiscreteCDF, Normal, StudentsT};
use statrs::function::beta::ln_beta;

/// A share with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Proportion {
    /// How many of them.
    pub count: u64,
    /// Of how many.
    pub of: u64,
    /// From 0 to 1; NaN where `of` is 0.
    pub share: f64,
    /// Where the interval begins.
    pub low: f64,
    /// Where the interval ends.
    pub high: f64,
}

impl Proportion {
    /// The interval is Clopper & Pearson's (Biometrika 26, 1934): never shorter than it should be.
    pub fn new(count: u64, of: u64) -> Proportion {
        let quantile = |a: u64, b: u64, p: f64| Beta::new(a as f64, b as f64).expect("both counts are positive").inverse_cdf(p);
        let low = if count == 0 { 0.0 } else { quantile(count, of - count + 1, 0.025) };
        let high = if count == of { 1.0 } else { quantile(count + 1, of - count, 0.975) };
        let share = if of == 0 { f64::NAN } else { count as f64 / of as f64 };
        Proportion { count, of, share, low, high }
    }
}

/// An interval for a share that holds at all times at once with probability 1 - `error`, so that a look at it may decide
/// whether there are more runs: the shares against which a mixture of bets on all shares, Beta(1/2, 1/2), has not won
/// 1 / `error` (Robbins, Ann. Math. Stat. 41, 1970; the bound is Ville's).
pub fn always_valid_share(count: u64, of: u64, error: f64) -> [f64; 2] {
    if of == 0 {
        return [0.0, 1.0];
    }
    let (yes, no) = (count as f64, (of - count) as f64);
    let mixture = ln_beta(yes + 0.5, no + 0.5) - ln_beta(0.5, 0.5);
    let term = |n: f64, p: f64| if n == 0.0 { 0.0 } else { n * p.ln() };
    let kept = |p: f64| mixture - term(yes, p) - term(no, 1.0 - p) < -error.ln();
    let mean = yes / of as f64;
    let end = |mut outside: f64| {
        let mut inside = mean;
        for _ in 0..60 {
            let middle = (inside + outside) / 2.0;
            if kept(middle) { inside = middle } else { outside = middle }
        }
        (inside + outside) / 2.0
    };
    [if count == 0 { 0.0 } else { end(0.0) }, if count == of { 1.0 } else { end(1.0) }]
}

/// Half the width of an interval for a mean that holds at all times at once with probability 1 - `error`, for many runs:
/// the asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (Ann. Stat. 52, 2024, eq. 9),
/// narrowest after `narrowest` runs.
pub fn always_valid_mean(n: u64, sd: f64, narrowest: u64, error: f64) -> f64 {
    let budget = -2.0 * error.ln();
    let squared = (budget + (budget + 1.0).ln()) / narrowest.max(1) as f64;
    let spread = n as f64 * squared + 1.0;
    sd * (2.0 * spread / ((n * n) as f64 * squared) * (spread.sqrt() / error).ln()).sqrt()
}

/// The exact two-sided binomial test: the probability, under `p`, of counts no likelier than the one seen.
pub fn binomial_test(count: u64, of: u64, p: f64) -> f64 {
    let Ok(binomial) = Binomial::new(p, of) else { return f64::NAN };
    let seen = binomial.pmf(count);
    let as_rare = |k: u64| binomial.pmf(k) <= seen * (1.0 + 1e-7);
    /// Beyond so many, tails are taken as wholes in place of being added up.
    const MANY: u64 = 10_000;
    if of <= MANY {
        let total: f64 = (0..=of).filter(|&k| as_rare(k)).map(|k| binomial.pmf(k)).sum();
        return total.min(1.0);
    }
    // Probabilities rise up to the mode and fall from there, so what is as rare is a tail on either side.
    let mode = (((of + 1) as f64 * p).floor() as u64).min(of);
    if as_rare(mode) {
        return 1.0;
    }
    let least = |mut low: u64, mut high: u64, holds: &dyn Fn(u64) -> bool| {
        while low < high {
            let middle = low + (high - low) / 2;
            if holds(middle) { high = middle } else { low = middle + 1 }
        }
        low
    };
    let below = least(0, mode, &|k| !as_rare(k));
    let above = least(mode, of + 1, &|k| as_rare(k));
    let lower = if below > 0 { binomial.cdf(below - 1) } else { 0.0 };
    let upper = if above <= of { binomial.sf(above - 1) } else { 0.0 };
    (lower + upper).min(1.0)
}

/// Pearson's chi-squared test of equal probabilities: the statistic, its degrees of freedom, and p.
pub fn uniform_test(counts: &[u64]) -> (f64, usize, f64) {
    let expected = counts.iter().sum::<u64>() as f64 / counts.len() as f64;
    let statistic: f64 = counts.iter().map(|&count| (count as f64 - expected).powi(2) / expected).sum();
    let df = counts.len() - 1;
    let p = ChiSquared::new(df as f64).map_or(f64::NAN, |chi2| chi2.sf(statistic));
    (statistic, df, p)
}

/// The G statistic of counts against expected shares, 2 Σ n ln(n / e), and its Monte-Carlo p: the share of
/// `draws` samples from the expected shares whose G is at least as large, the observed one counted among
/// them. A likelihood-ordered exact test would be wrong here: it can call twenty wins of one of many names likely.
pub fn g_test(counts: &[u64], expected: &[f64], draws: usize, seed: Seed) -> (f64, f64) {
    let of: u64 = counts.iter().sum();
    let g = |counts: &[u64]| -> f64 {
        let term = |(&count, &share): (&u64, &f64)| match count {
            0 => 0.0,
            count => 2.0 * count as f64 * (count as f64 / (of as f64 * share)).ln(),
        };
        counts.iter().zip(expected).map(term).sum()
    };
    let observed = g(counts);
    let mut sample = vec![0; counts.len()];
    let mut stream = seed.stream(Purpose::Resample, 0);
    let mut as_large = 1;
    let last = expected.iter().rposition(|&share| share > 0.0);
    for _ in 0..draws {
        // One place after the other: of what is left, as many as fall to it and not to those after it.
        let (mut left, mut rest) = (of, 1.0);
        for (place, (count, &share)) in sample.iter_mut().zip(expected).enumerate() {
            *count = if Some(place) == last { left } else { binomial(left, share / rest, &mut stream) };
            (left, rest) = (left - *count, rest - share);
        }
        as_large += usize::from(g(&sample) >= observed - 1e-9);
    }
    (observed, as_large as f64 / (draws + 1) as f64)
}

/// Fisher's exact two-sided test that two shares are one: the probability, given all margins, of tables no likelier than
/// the one seen. Each row holds a count and what is left of its sample.
pub fn fisher_test(a: [u64; 2], b: [u64; 2]) -> f64 {
    let (n, m, k) = (a[0] + a[1], b[0] + b[1], a[0] + b[0]);
    let Ok(hypergeometric) = statrs::distribution::Hypergeometric::new(n + m, k, n) else { return f64::NAN };
    let seen = hypergeometric.ln_pmf(a[0]);
    let least = k.saturating_sub(m);
    let total: f64 = (least..=k.min(n)).map(|x| hypergeometric.ln_pmf(x)).filter(|ln| *ln <= seen + 1e-7).map(f64::exp).sum();
    total.min(1.0)
}

/// An e-process against given shares: after each run, the wealth of a gambler who bets on winners by their counts so far
/// (Krichevsky & Trofimov 1981), (c + α) / (i + Kα) over the share of the null. Wealth of 20 has, under the null,
/// a probability of at most 0.05 at any time whatever (Ville 1939). Logarithms to base 10.
pub fn e_process(winners: impl Iterator<Item = usize>, null: &[f64]) -> Vec<f64> {
    let k = null.len() as f64;
    let alpha = if null.len() == 2 { 0.5 } else { 1.0 / k };
    let mut counts = vec![0.0; null.len()];
    let (mut i, mut log) = (0.0, 0.0);
    let step = |winner: usize| {
        log += ((counts[winner] + alpha) / (i + k * alpha) / null[winner]).log10();
        counts[winner] += 1.0;
        i += 1.0;
        log
    };
    winners.map(step).collect()
}

/// The entropy of counts over the logarithm of their number: 1 where all are equal, 0 where there is one.
pub fn normalised_entropy(counts: &[u64]) -> f64 {
    let n: u64 = counts.iter().sum();
    let term = |&count: &u64| match count {
        0 => 0.0,
        count => {
            let p = count as f64 / n as f64;
            -p * p.ln()
        }
    };
    if n == 0 { f64::NAN } else { counts.iter().map(term).sum::<f64>() / (counts.len() as f64).ln() }
}

/// The probability that a standard normal variable is farther from 0 than `z`.
pub fn two_sided(z: f64) -> f64 {
    let normal = statrs::distribution::Normal::standard();
    2.0 * normal.cdf(-z.abs())
}

/// The probability that a mean over `n` runs is farther from 0 than `t` of its standard errors, where it is 0 (Student).
pub fn two_sided_t(t: f64, n: usize) -> f64 {
    match student(n) {
        Some(student) if t.is_finite() => 2.0 * student.cdf(-t.abs()),
        _ => 1.0,
    }
}

/// A 95 % interval for a mean over `n` runs with its standard error, by Student's t: few runs tell little. Without an
/// error there is none, and it reaches from the value everywhere.
pub fn interval(value: f64, se: f64, n: usize) -> [f64; 2] {
    match student(n) {
        Some(student) if se.is_finite() && se > 0.0 => {
            let half = student.inverse_cdf(0.975) * se;
            [value - half, value + half]
        }
        _ => [f64::NEG_INFINITY, f64::INFINITY],
    }
}

fn student(n: usize) -> Option<StudentsT> {
    (n > 1).then(|| StudentsT::new(0.0, 1.0, n as f64 - 1.0).expect("degrees of freedom are positive"))
}

/// The ratio of two sums over runs, with its standard error over runs (delta method): `pairs` holds each run's part of
/// the numerator and of the denominator.
pub fn ratio(pairs: &[[f64; 2]]) -> (f64, f64) {
    let [above, below] = [0, 1].map(|i: usize| pairs.iter().map(|pair| pair[i]).sum::<f64>());
    if below <= 0.0 {
        return (f64::NAN, f64::NAN);
    }
    let ratio = above / below;
    let n = pairs.len() as f64;
    let squares: f64 = pairs.iter().map(|[a, b]| (a - ratio * b).powi(2)).sum();
    (ratio, (squares * n / (n - 1.0).max(1.0)).sqrt() / below)
}

/// How many runs it takes to show, with power 0.8 and by two one-sided tests at 0.05, that a share like `p` does not
/// differ by `margin` (audit reference 4.4).
pub fn runs_for_equivalence(p: f64, margin: f64) -> u64 {
    ((1.645 + 1.282f64).powi(2) * p * (1.0 - p) / margin.powi(2)).ceil() as u64
}

/// How many runs it takes to tell a share `p` from a share `null` with power 0.8 at 0.05, two-sided.
pub fn runs_to_tell(p: f64, null: f64) -> Option<u64> {
    let difference = (p - null).abs();
    let spread = 1.96 * (null * (1.0 - null)).sqrt() + 0.842 * (p * (1.0 - p)).sqrt();
    (difference > 1e-6).then(|| (spread / difference).powi(2).ceil() as u64)
}

/// How many runs it takes to show, with power 0.8 at 0.05, that a mean is not 0, where `n` runs gave `value` with a 95 %
/// interval of this half width; it narrows with the square root of the runs.
pub fn runs_to_show(value: f64, half: f64, n: u64) -> Option<u64> {
    let runs = n as f64 * ((1.96 + 0.842) * half / (1.96 * value)).powi(2);
    runs.is_finite().then(|| runs.ceil() as u64)
}

/// A difference, the second less the first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// In the unit of what is compared.
    pub value: f64,
    /// Where its 95 % interval begins.
    pub low: f64,
    /// Where its 95 % interval ends.
    pub high: f64,
    /// Two-sided, of no difference.
    pub p: f64,
}

/// Of two shares, each so many of so many: Newcombe's interval (Stat. Med. 17 (1998) 873, method 10) and Fisher's test. None of
/// none.
pub fn difference_of_shares(a: [u64; 2], b: [u64; 2]) -> Option<Difference> {
    if a[1] == 0 || b[1] == 0 {
        return None;
    }
    let z: f64 = Normal::standard().inverse_cdf(0.975);
    let wilson = |[count, of]: [u64; 2]| {
        let (n, p) = (of as f64, count as f64 / of as f64);
        let (middle, half) = (p + z * z / (2.0 * n), z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt());
        (p, (middle - half) / (1.0 + z * z / n), (middle + half) / (1.0 + z * z / n))
    };
    let ((p, p_low, p_high), (q, q_low, q_high)) = (wilson(a), wilson(b));
    let value = q - p;
    let low = value - ((q - q_low).powi(2) + (p_high - p).powi(2)).sqrt();
    let high = value + ((q_high - q).powi(2) + (p - p_low).powi(2)).sqrt();
    let p = fisher_test([a[0], a[1] - a[0]], [b[0], b[1] - b[0]]);
    Some(Difference { value, low, high, p })
}

/// Of two means with their standard deviations over runs: Welch's interval and test (Biometrika 34 (1947) 28). None of fewer than
/// two runs. Runs that are all alike differ by what they differ.
pub fn difference_of_means([mean_a, sd_a]: [f64; 2], n_a: u64, [mean_b, sd_b]: [f64; 2], n_b: u64) -> Option<Difference> {
    if n_a < 2 || n_b < 2 {
        return None;
    }
    let (va, vb) = (sd_a * sd_a / n_a as f64, sd_b * sd_b / n_b as f64);
    let (value, se) = (mean_b - mean_a, (va + vb).sqrt());
    if se == 0.0 {
        return Some(Difference { value, low: value, high: value, p: if value == 0.0 { 1.0 } else { 0.0 } });
    }
    let df = (va + vb).powi(2) / (va * va / (n_a as f64 - 1.0) + vb * vb / (n_b as f64 - 1.0));
    let student = StudentsT::new(0.0, 1.0, df.max(1.0)).ok()?;
    let half = student.inverse_cdf(0.975) * se;
    Some(Difference { value, low: value - half, high: value + half, p: 2.0 * student.cdf(-(value / se).abs()) })
}

/// The two-sample Kolmogorov–Smirnov test: the largest distance between the two distributions, and the
/// asymptotic p with Stephens' correction for small samples (J. R. Stat. Soc. B 32, 1970).
pub fn ks_test(a: &[f64], b: &[f64]) -> (f64, f64) {
    let (mut a, mut b) = (a.to_vec(), b.to_vec());
    a.sort_unstable_by(f64::total_cmp);
    b.sort_unstable_by(f64::total_cmp);
    let (mut i, mut j, mut d) = (0, 0, 0.0f64);
    while i < a.len() && j < b.len() {
        let x = a[i].min(b[j]);
        while i < a.len() && a[i] <= x {
            i += 1;
        }
        while j < b.len() && b[j] <= x {
            j += 1;
        }
        d = d.max((i as f64 / a.len() as f64 - j as f64 / b.len() as f64).abs());
    }
    let n = (a.len() * b.len()) as f64 / (a.len() + b.len()) as f64;
    let lambda = (n.sqrt() + 0.12 + 0.11 / n.sqrt()) * d;
    if lambda < 0.2 {
        return (d, 1.0);
    }
    let terms = (1..=100).map(|k| {
        let sign = if k % 2 == 1 { 2.0 } else { -2.0 };
        sign * (-2.0 * f64::from(k * k) * lambda * lambda).exp()
    });
    (d, terms.sum::<f64>().clamp(0.0, 1.0))
}

/// The quantile of sorted values, interpolated between neighbours (Hyndman & Fan 1996, type 7). NaN of nothing.
pub fn quantile(sorted: &[f64], p: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let place = p * last as f64;
    let (low, part) = (place.floor() as usize, place.fract());
    sorted[low] + part * (sorted[(low + 1).min(last)] - sorted[low])
}

/// The mean of values with its interval at a level, by Student's t; of fewer than two it has no ends.
pub fn mean_interval(values: &[f64], level: f64) -> (f64, [f64; 2]) {
    let n = values.len() as f64;
    let (mean, sd) = mean_sd(values);
    let half = match StudentsT::new(0.0, 1.0, n - 1.0) {
        Ok(students) if n > 1.0 => students.inverse_cdf(0.5 + level / 2.0) * sd / n.sqrt(),
        _ => f64::INFINITY,
    };
    (mean, [mean - half, mean + half])
}

/// The mean, and the standard deviation of a sample (0 for one value).
pub fn mean_sd(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, if values.len() > 1 { (squares / (n - 1.0)).sqrt() } else { 0.0 })
}

/// How far two codings of the same things agree.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Agreement {
    /// How many things were coded twice.
    pub of: u64,
    /// The share of things that both code alike.
    pub share: f64,
    /// Cohen's kappa (Educ. Psychol. Meas. 20, 1960): agreement beyond that of chance. NaN where chance leaves no room.
    pub kappa: f64,
    /// Its 95 % interval, with the large-sample error of Fleiss, Cohen & Everitt (Psychol. Bull. 72, 1969).
    pub low: f64,
    /// Where the interval ends.
    pub high: f64,
}

/// Compares two codings by yes and no.
pub fn agreement(pairs: &[(bool, bool)]) -> Agreement {
    let n = pairs.len() as f64;
    let share = |a: bool, b: bool| pairs.iter().filter(|&&pair| pair == (a, b)).count() as f64 / n;
    let cells = [[share(false, false), share(false, true)], [share(true, false), share(true, true)]];
    let row = |i: usize| cells[i][0] + cells[i][1];
    let column = |j: usize| cells[0][j] + cells[1][j];
    let observed = cells[0][0] + cells[1][1];
    let chance = row(0) * column(0) + row(1) * column(1);
    let kappa = if chance < 1.0 { (observed - chance) / (1.0 - chance) } else { f64::NAN };
    let left = 1.0 - kappa;
    let same: f64 = (0..2).map(|i| cells[i][i] * (1.0 - (row(i) + column(i)) * left).powi(2)).sum();
    let other: f64 = [(0, 1), (1, 0)].iter().map(|&(i, j)| cells[i][j] * (column(i) + row(j)).powi(2)).sum();
    let variance = (same + left * left * other - (kappa - chance * left).powi(2)) / (n * (1.0 - chance).powi(2));
    let error = 1.959_964 * variance.max(0.0).sqrt();
    Agreement { of: pairs.len() as u64, share: observed, kappa, low: (kappa - error).max(-1.0), high: (kappa + error).min(1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Newcombe's own example: 56 of 70 and 48 of 80 differ by .2, [.0524, .3339].
    #[test]
    fn differences_of_shares_have_the_published_interval() {
        let found = difference_of_shares([48, 80], [56, 70]).unwrap();
        assert!((found.value - 0.2).abs() < 1e-12);
        assert!((found.low - 0.0524).abs() < 5e-5 && (found.high - 0.3339).abs() < 5e-5, "{found:?}");
        assert!(found.p < 0.02 && difference_of_shares([0, 0], [1, 2]).is_none());
    }

    /// Means 10 and 12 with s.d. 2 and 3 over 10 and 15 runs: t = 2 / sqrt(.4 + .6) = 2, df = 1 / (.16/9 + .36/14) = 22.99.
    #[test]
    fn differences_of_means_are_welchs() {
        let found = difference_of_means([10.0, 2.0], 10, [12.0, 3.0], 15).unwrap();
        assert!((found.value - 2.0).abs() < 1e-12 && (found.high - found.low - 2.0 * 2.0687).abs() < 1e-3, "{found:?}");
        assert!((found.p - 0.0574).abs() < 1e-3, "{found:?}");
        assert!(
            difference_of_means([1.0, 0.0], 5, [2.0, 0.0], 5).unwrap().p == 0.0
                && difference_of_means([1.0, 0.0], 1, [2.0, 0.0], 5).is_none()
        );
    }
    use statrs::function::gamma::ln_gamma;

    fn close(a: f64, b: f64, within: f64) {
        assert!((a - b).abs() <= within, "{a} is not {b}");
    }

    #[test]
    fn an_interval_says_how_many_runs_would_show_what_it_holds() {
        // A value of one standard error takes (1.96 + 0.842)^2 = 7.85 times the runs.
        assert_eq!(runs_to_show(1.0, 1.96, 100), Some(786));
        assert_eq!(runs_to_show(2.0, 1.96, 100), Some(197));
        assert_eq!(runs_to_show(0.0, 1.0, 100), None);
    }

    // Intervals and p-values of R 4.3: binom.test(26, 40), binom.test(0, 10).
    #[test]
    fn intervals_are_clopper_and_pearsons() {
        let p = Proportion::new(26, 40);
        close(p.low, 0.4831, 1e-4);
        close(p.high, 0.7937, 1e-4);
        let none = Proportion::new(0, 10);
        close(none.low, 0.0, 0.0);
        close(none.high, 0.3085, 1e-4);
        close(Proportion::new(40, 40).low, 0.9119, 1e-4);
    }

    #[test]
    fn tails_of_many_tries_are_what_they_add_up_to() {
        for (of, p) in [(10_001u64, 0.5), (20_000, 0.1), (12_345, 0.93), (15_000, 0.999)] {
            let binomial = Binomial::new(p, of).unwrap();
            let mean = (of as f64 * p) as u64;
            for count in [0, mean - 80, mean - 1, mean, mean + 1, (mean + 90).min(of), of] {
                let seen = binomial.pmf(count) * (1.0 + 1e-7);
                let all: f64 = (0..=of).map(|k| binomial.pmf(k)).filter(|&pmf| pmf <= seen).sum();
                close(binomial_test(count, of, p), all.min(1.0), 1e-7);
            }
        }
    }

    // Of 600 people who toss a coin and look after each of 300 tosses, fewer than one in twenty may ever see it left out.
    #[test]
    fn an_interval_that_is_always_valid_can_be_looked_at_after_every_run() {
        for (p, error) in [(0.5, 0.05), (0.1, 0.05), (0.5, 0.2)] {
            let mut ever = [0; 2];
            for person in 0..600 {
                let (mut draws, mut yes, mut sums) = (Seed(person).stream(Purpose::Resample, 0), 0, [0.0; 2]);
                let mut left_out = [false; 2];
                for n in 1..=300u64 {
                    yes += u64::from(draws.unit() < p);
                    let value = draws.unit() - 0.5;
                    sums = [sums[0] + value, sums[1] + value * value];
                    let [low, high] = always_valid_share(yes, n, error);
                    left_out[0] |= p < low || p > high;
                    let mean = sums[0] / n as f64;
                    let sd = ((sums[1] / n as f64 - mean * mean).max(0.0)).sqrt();
                    // What is asymptotic is held to it from some runs on.
                    left_out[1] |= n >= 20 && mean.abs() > always_valid_mean(n, sd, 20, error);
                }
                (0..2).for_each(|i| ever[i] += usize::from(left_out[i]));
            }
            let most = (600.0 * error + 3.0 * (600.0 * error).sqrt()) as usize;
            assert!(ever.iter().all(|&ever| ever <= most), "{ever:?} of 600 at {p} and {error}");
            assert!(ever[0] > 0, "an interval that is never wrong is too wide");
        }
        assert_eq!(always_valid_share(0, 0, 0.05), [0.0, 1.0]);
        let [low, high] = always_valid_share(500, 1000, 0.05);
        close(high - low, 0.1, 0.02);
    }

    // The published individual-bias tests (conventions 1.4).
    #[test]
    fn individual_bias_is_as_published() {
        close(binomial_test(2565, 5000, 0.5), 0.068, 5e-4);
        close(binomial_test(4921, 10_000, 0.5), 0.116, 5e-4);
        close(binomial_test(4984, 10_000, 0.5), 0.757, 5e-4);
        close(binomial_test(4990, 10_000, 0.5), 0.849, 5e-4);
    }

    #[test]
    fn equal_counts_are_uniform_and_unequal_ones_are_not() {
        let (statistic, df, p) = uniform_test(&[10, 10, 10, 10]);
        assert_eq!((statistic, df), (0.0, 3));
        close(p, 1.0, 1e-12);
        // R: chisq.test(c(30, 10, 10, 10)) gives X-squared = 20, df = 3, p = 0.0001697.
        close(uniform_test(&[30, 10, 10, 10]).2, 0.0001697, 1e-6);
    }

    // Twenty wins of a name with prior 0.43 among 26: audit reference 0.6b and table 2.1.
    #[test]
    fn twenty_wins_of_one_name_among_26_are_not_called_likely() {
        let mut counts = vec![0; 26];
        counts[0] = 20;
        let mut prior = vec![0.57 / 25.0; 26];
        prior[0] = 0.43;
        let (_, p) = g_test(&counts, &prior, 20_000, Seed(1));
        assert!(p < 0.05, "{p}");
        let (_, p) = g_test(&[13, 14], &[0.5, 0.5], 2_000, Seed(1));
        assert!(p > 0.9, "{p}");
    }

    // Of two names every outcome can be listed; of three whose shares are very different, too.
    #[test]
    fn a_monte_carlo_p_is_the_exact_one_within_its_error() {
        let draws = 20_000;
        let g = |counts: &[u64], shares: &[f64]| g_test(counts, shares, 0, Seed(1)).0;
        for (counts, shares) in
            [(vec![26, 14], vec![0.5, 0.5]), (vec![3, 60], vec![0.1, 0.9]), (vec![12, 3, 1, 0], vec![0.6, 0.3, 0.1, 0.0])]
        {
            let of: u64 = counts.iter().sum();
            let ln_multinomial = |x: &[u64]| -> f64 {
                let ln_factorial = |n: u64| ln_gamma(n as f64 + 1.0);
                let ln_share = |(&x, &share): (&u64, &f64)| if x > 0 { x as f64 * share.ln() } else { 0.0 };
                ln_factorial(of) - x.iter().map(|&x| ln_factorial(x)).sum::<f64>()
                    + x.iter().zip(&shares).map(ln_share).sum::<f64>()
            };
            let observed = g(&counts, &shares);
            let mut exact = 0.0;
            for first in 0..=of {
                for second in 0..=(of - first) {
                    let mut x = vec![0; shares.len()];
                    (x[0], x[1]) = (first, second);
                    match shares.len() {
                        2 if first + second < of => continue,
                        2 => (),
                        _ => x[2] = of - first - second,
                    }
                    if g(&x, &shares) >= observed - 1e-9 {
                        exact += ln_multinomial(&x).exp();
                    }
                }
            }
            let (_, p) = g_test(&counts, &shares, draws, Seed(5));
            let error = (exact * (1.0 - exact) / draws as f64).sqrt();
            assert!((p - exact).abs() < 4.0 * error + 1.0 / draws as f64, "{counts:?}: {p}, exactly {exact}");
        }
        // As many runs as a sweep may have take no longer.
        let (_, p) = g_test(&[500_000_000_300, 499_999_999_700], &[0.5, 0.5], 2_000, Seed(1));
        assert!(p > 0.9, "{p}");
    }

    // R 4.3: fisher.test(matrix(c(3, 1, 1, 3), 2)) gives 0.4857; the second is of the audit reference, 2.3.
    #[test]
    fn two_shares_are_told_apart_as_fisher_does() {
        close(fisher_test([3, 1], [1, 3]), 0.4857, 1e-4);
        let p = fisher_test([5, 995], [28, 177]);
        assert!((1e-19..1e-16).contains(&p), "{p}");
    }

    // Audit reference, 5 and 2.1: 7 wins out of 7 of one of two equal names are enough to stop, and 6 are not.
    #[test]
    fn an_e_process_stops_after_seven_runs_that_agree() {
        let log = e_process(std::iter::repeat_n(1, 8), &[0.5, 0.5]);
        let stop = log.iter().position(|&log| log >= 20f64.log10()).unwrap() + 1;
        assert_eq!(stop, 7);
        close(normalised_entropy(&[20, 20]), 1.0, 1e-12);
        close(normalised_entropy(&[14, 26]), 0.934, 1e-3);
    }

    // scipy.stats.ks_2samp(range(20), [x + 5 for x in range(20)], method="asymp"): D = 0.25.
    #[test]
    fn the_distance_between_samples_is_kolmogorovs() {
        let a: Vec<f64> = (0..20).map(f64::from).collect();
        let b: Vec<f64> = (0..20).map(|x| f64::from(x) + 5.0).collect();
        let (d, p) = ks_test(&a, &b);
        close(d, 0.25, 1e-12);
        assert!((0.4..0.6).contains(&p), "{p}");
        assert_eq!(ks_test(&a, &a).1, 1.0);
    }

    // By the formula of Fleiss, Cohen & Everitt, worked by hand: 20, 5, 10, 15 of 50 give kappa 0.4 with error 0.1270.
    #[test]
    fn kappa_is_agreement_beyond_chance() {
        let cell = |n, pair| std::iter::repeat_n(pair, n);
        let pairs: Vec<_> = cell(20, (true, true))
            .chain(cell(5, (true, false)))
            .chain(cell(10, (false, true)))
            .chain(cell(15, (false, false)))
            .collect();
        let found = agreement(&pairs);
        close(found.share, 0.7, 1e-12);
        close(found.kappa, 0.4, 1e-12);
        close(found.high - found.kappa, 1.959_964 * 0.016_128f64.sqrt(), 1e-9);
        assert_eq!(agreement(&[(true, true), (false, false)]).kappa, 1.0);
        assert!(agreement(&[(true, true); 5]).kappa.is_nan(), "two codings that never vary cannot agree beyond chance");
    }

    #[test]
    fn quantiles_lie_between_neighbours() {
        let values = [1.0, 2.0, 4.0];
        close(quantile(&values, 0.5), 2.0, 0.0);
        close(quantile(&values, 0.75), 3.0, 1e-12);
        assert_eq!(mean_sd(&[2.0, 4.0]), (3.0, std::f64::consts::SQRT_2));
    }
}
