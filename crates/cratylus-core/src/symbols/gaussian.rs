//! Agents for which a sign stands for a normal distribution of what they perceive (Inter-GMM: Taniguchi et al., Advanced
//! Robotics 37 (2023) 1239). Means and precisions are drawn from their normal–Wishart posterior, given the signs.

use super::draws::{ln, ln_gamma, normal};
use super::rows::SignRows;
use crate::seed::Stream;
use statrs::function::gamma::ln_gamma as ln_gamma_function;

/// What an agent believes of a sign of which it has seen nothing: precision ~ Wishart(freedom, scale times the identity), mean
/// given it ~ normal(mean, 1 / (strength times the precision)).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GaussianPrior {
    /// Of each dimension.
    pub mean: f64,
    /// As many observations as the prior mean is worth.
    pub strength: f64,
    /// The scale of the Wishart, a multiple of the identity.
    pub scale: f64,
    /// Its degrees of freedom; the number of dimensions where it is left out.
    pub freedom: Option<f64>,
}

/// What is known of the observations with one sign.
struct Cluster {
    n: f64,
    mean: Vec<f64>,
    /// The sum of the outer products of what is off the mean, the lower triangle, row by row.
    scatter: Vec<f64>,
}

/// The normal–Wishart distribution after observations.
struct Posterior {
    strength: f64,
    freedom: f64,
    mean: Vec<f64>,
    /// The lower Cholesky factor of the inverse of the scale.
    factor: Vec<f64>,
}

impl GaussianPrior {
    fn freedom(&self, width: usize) -> f64 {
        self.freedom.unwrap_or(width as f64)
    }

    /// The posterior given observations: strength, mean, freedom and scale as in Bishop (2006), 10.60 to 10.63.
    fn after(&self, cluster: &Cluster) -> Posterior {
        let (width, n) = (cluster.mean.len(), cluster.n);
        let strength = self.strength + n;
        let mean = cluster.mean.iter().map(|mean| (self.strength * self.mean + n * mean) / strength).collect();
        let share = self.strength * n / strength;
        let mut inverse = cluster.scatter.clone();
        for i in 0..width {
            inverse[i * width + i] += 1.0 / self.scale;
            for j in 0..=i {
                inverse[i * width + j] += share * (cluster.mean[i] - self.mean) * (cluster.mean[j] - self.mean);
            }
        }
        cholesky(&mut inverse, width);
        Posterior { strength, freedom: self.freedom(width) + n, mean, factor: inverse }
    }

    /// The log probability density of observations (row by row, `width` numbers each) that have one sign, mean and precision
    /// integrated out.
    pub fn ln_evidence(&self, values: &[f64], width: usize) -> f64 {
        let n = values.len() / width;
        let signs = vec![0; n];
        let cluster = clusters(values, width, &signs, 1).remove(0);
        let after = self.after(&cluster);
        let (d, n, freedom) = (width as f64, n as f64, self.freedom(width));
        let gammas = |freedom: f64| (0..width).map(|i| ln_gamma_function((freedom - i as f64) / 2.0)).sum::<f64>();
        // ln of the determinants of the scales: minus that of their inverses.
        let after_scale = -2.0 * (0..width).map(|i| ln(after.factor[i * width + i])).sum::<f64>();
        let before_scale = d * ln(self.scale);
        -0.5 * n * d * std::f64::consts::PI.ln() + gammas(after.freedom) - gammas(freedom) + 0.5 * after.freedom * after_scale
            - 0.5 * freedom * before_scale
            + 0.5 * d * (ln(self.strength) - ln(after.strength))
    }
}

/// Replaces the lower triangle of a symmetric matrix by its Cholesky factor.
fn cholesky(matrix: &mut [f64], width: usize) {
    for i in 0..width {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| matrix[i * width + k] * matrix[j * width + k]).sum();
            let left = matrix[i * width + j] - dot;
            matrix[i * width + j] = if i == j { left.max(f64::MIN_POSITIVE).sqrt() } else { left / matrix[j * width + j] };
        }
    }
}

/// The observations of each sign.
fn clusters(values: &[f64], width: usize, signs: &[u16], n_signs: usize) -> Vec<Cluster> {
    let blank = || Cluster { n: 0.0, mean: vec![0.0; width], scatter: vec![0.0; width * width] };
    let mut all: Vec<Cluster> = (0..n_signs).map(|_| blank()).collect();
    for (x, &sign) in values.chunks_exact(width).zip(signs) {
        let cluster = &mut all[usize::from(sign)];
        cluster.n += 1.0;
        cluster.mean.iter_mut().zip(x).for_each(|(mean, x)| *mean += x);
    }
    for cluster in all.iter_mut().filter(|cluster| cluster.n > 0.0) {
        let n = cluster.n;
        cluster.mean.iter_mut().for_each(|mean| *mean /= n);
    }
    // Of what is off the mean, as squares of what is far from 0 leave no digits.
    let mut off = vec![0.0; width];
    for (x, &sign) in values.chunks_exact(width).zip(signs) {
        let Cluster { mean, scatter, .. } = &mut all[usize::from(sign)];
        off.iter_mut().zip(x).zip(mean.iter()).for_each(|((off, x), mean)| *off = x - mean);
        for i in 0..width {
            for j in 0..=i {
                scatter[i * width + j] += off[i] * off[j];
            }
        }
    }
    all
}

/// A normal distribution that was drawn: a mean, the matrix whose product with what is off it has the squared length of the
/// exponent, and the logarithm of the density at the mean.
struct Drawn {
    mean: Vec<f64>,
    whiten: Vec<f64>,
    peak: f64,
}

impl Posterior {
    /// Draws a precision by Bartlett's decomposition (Smith & Hocking, J. R. Stat. Soc. C 21 (1972) 341), and a mean given it.
    fn draw(&self, draws: &mut Stream) -> Drawn {
        let width = self.mean.len();
        // The lower factor of a standard Wishart matrix: roots of chi-squared numbers, and normal ones below.
        let mut bartlett = vec![0.0; width * width];
        let mut ln_determinant = 0.0;
        for i in 0..width {
            for j in 0..i {
                bartlett[i * width + j] = normal(draws);
            }
            let ln_square = std::f64::consts::LN_2 + ln_gamma((self.freedom - i as f64) / 2.0, draws);
            bartlett[i * width + i] = exp_half(ln_square);
            ln_determinant += 0.5 * ln_square - ln(self.factor[i * width + i]);
        }
        // The precision is U'U with U = A'C^-1, of Bartlett's A and the factor C of the inverse scale.
        let mut whiten = vec![0.0; width * width];
        for column in 0..width {
            // A column of C^-1 by forward substitution.
            let mut inverse = vec![0.0; width];
            for i in column..width {
                let known: f64 = (column..i).map(|k| self.factor[i * width + k] * inverse[k]).sum();
                let unit = f64::from(u8::from(i == column));
                inverse[i] = (unit - known) / self.factor[i * width + i];
            }
            for i in 0..width {
                whiten[i * width + column] = (i..width).map(|k| bartlett[k * width + i] * inverse[k]).sum();
            }
        }
        // A normal vector with the covariance U^-1 U'^-1 / strength: C A'^-1 z.
        let mut z: Vec<f64> = (0..width).map(|_| normal(draws)).collect();
        for i in (0..width).rev() {
            let known: f64 = (i + 1..width).map(|k| bartlett[k * width + i] * z[k]).sum();
            z[i] = (z[i] - known) / bartlett[i * width + i];
        }
        let root = self.strength.sqrt();
        let off = |i: usize| (0..=i).map(|k| self.factor[i * width + k] * z[k]).sum::<f64>() / root;
        let mean = (0..width).map(|i| self.mean[i] + off(i)).collect();
        let peak = ln_determinant - 0.5 * width as f64 * ln(std::f64::consts::TAU);
        Drawn { mean, whiten, peak }
    }
}

/// The root of the exponential of any number.
fn exp_half(x: f64) -> f64 {
    let half = 0.5 * x;
    if half <= 0.0 { super::draws::exp(half) } else { 1.0 / super::draws::exp(-half) }
}

/// Draws a normal distribution for each sign, given which objects have it, and fills the rows with the log densities of all
/// objects. `values` are `width` numbers for each object; `stream` gives the draws of a sign.
pub(crate) fn learn(
    prior: &GaussianPrior,
    values: &[f64],
    width: usize,
    held: &[u16],
    n_signs: usize,
    stream: impl Fn(usize) -> Stream,
    rows: &mut SignRows,
) {
    let drawn: Vec<Drawn> = clusters(values, width, held, n_signs)
        .iter()
        .enumerate()
        .map(|(sign, cluster)| prior.after(cluster).draw(&mut stream(sign)))
        .collect();
    fill(values, width, &drawn, rows);
}

fn fill(values: &[f64], width: usize, drawn: &[Drawn], rows: &mut SignRows) {
    crate::machine::wide(Fill { values, width, drawn, rows });
}

struct Fill<'a> {
    values: &'a [f64],
    width: usize,
    drawn: &'a [Drawn],
    rows: &'a mut SignRows,
}

impl crate::machine::Work for Fill<'_> {
    #[inline(always)]
    fn go(self) {
        let Fill { values, width, drawn, rows } = self;
        let n_signs = drawn.len();
        let logs = rows.logs_mut();
        if width == 1 {
            for (x, logs) in values.iter().zip(logs.chunks_exact_mut(n_signs)) {
                for (log, Drawn { mean, whiten, peak }) in logs.iter_mut().zip(drawn) {
                    let off = whiten[0] * (x - mean[0]);
                    *log = peak - 0.5 * off * off;
                }
            }
        } else {
            let mut off = vec![0.0; width];
            for (x, logs) in values.chunks_exact(width).zip(logs.chunks_exact_mut(n_signs)) {
                for (log, Drawn { mean, whiten, peak }) in logs.iter_mut().zip(drawn) {
                    off.iter_mut().zip(x).zip(mean).for_each(|((off, x), mean)| *off = x - mean);
                    let square = |row: &[f64]| {
                        let dot: f64 = row.iter().zip(&off).map(|(a, b)| a * b).sum();
                        dot * dot
                    };
                    *log = peak - 0.5 * whiten.chunks_exact(width).map(square).sum::<f64>();
                }
            }
        }
        rows.settle();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Purpose, Seed};

    const PRIOR: GaussianPrior = GaussianPrior { mean: 0.0, strength: 1.0, scale: 0.1, freedom: None };

    // From a file of exact values; the same by hand from the formulas of the conjugate prior.
    #[test]
    fn the_evidence_of_a_cluster_is_the_known_one() {
        let check = |x: &[f64], due: f64| {
            let found = PRIOR.ln_evidence(x, 1);
            assert!((found - due).abs() < 1e-9, "{x:?}: {found} for {due}");
        };
        check(&[0.5], -2.655_018_543);
        check(&[-2.1, -1.2], -4.990_501_595);
        check(&[-2.1, -1.2, 0.1, 0.4, 2.0, 2.4], -13.950_833_586);
        assert!(PRIOR.ln_evidence(&[], 1).abs() < 1e-12);
        // In two dimensions it is what it says of one observation after the other.
        let (a, b) = ([0.3, -1.0], [2.0, 0.7]);
        let both = PRIOR.ln_evidence(&[a[0], a[1], b[0], b[1]], 2);
        let turned = PRIOR.ln_evidence(&[b[0], b[1], a[0], a[1]], 2);
        assert!((both - turned).abs() < 1e-12);
    }

    // The density of one more observation, with parameters drawn from the posterior, is the ratio of two evidences.
    #[test]
    fn parameters_are_drawn_from_their_posterior() {
        let values = [0.3, -1.0, 2.0, 0.7, 1.1, 0.2, 0.4, 0.9];
        let new = [0.8, 0.5];
        let n = 40_000;
        let with: Vec<f64> = values.iter().chain(&new).copied().collect();
        let due = (PRIOR.ln_evidence(&with, 2) - PRIOR.ln_evidence(&values, 2)).exp();
        let (mut sum, mut squares) = (0.0, 0.0);
        for i in 0..n {
            let mut rows = SignRows::new(5, 1);
            let stream = |_| Seed(4).stream(Purpose::Parameter, i);
            let held = [0u16, 0, 0, 0];
            let drawn = [PRIOR.after(&clusters(&values, 2, &held, 1)[0]).draw(&mut stream(0))];
            fill(&with, 2, &drawn, &mut rows);
            let p = rows.logs(4)[0].exp();
            sum += p;
            squares += p * p;
        }
        let mean = sum / n as f64;
        let error = ((squares / n as f64 - mean * mean) / n as f64).sqrt();
        assert!((mean - due).abs() < 4.0 * error, "{mean} ± {error} for {due}");
    }
}
