//! Fits a rule by Fisher scoring: counts of choices are a multinomial logit in the utilities, so the expected
//! curvature is known from their first derivatives alone. Derivatives with respect to the rule's own parameters are
//! taken numerically; labels are linear.

use super::rival::softmax;

/// Writes the utilities of the choices from a memory, by its number.
pub type Utilities<'a> = dyn Fn(usize, &[f64], &mut [f64]) + 'a;
/// Writes their slopes, if it can.
pub type Slopes<'a> = dyn Fn(usize, &[f64], &mut [f64]) -> bool + 'a;

/// What is fitted: counts of `k` choices for each memory, and utilities of the choices there.
pub struct Climb<'a> {
    pub k: usize,
    pub counts: &'a [f64],
    /// How many of the parameters are the rule's own; the others are labels, that of the first name being 0.
    pub of_rule: usize,
    pub utilities: &'a Utilities<'a>,
    /// How the utilities change with each of the rule's own parameters, `parameters × choices`; or false where that is
    /// to be found numerically.
    pub slopes: &'a Slopes<'a>,
}

/// The ridge penalty that keeps weights finite where choices are always the same.
const RIDGE: f64 = 1e-2;
const STEPS: usize = 60;
const SMALL: f64 = 1e-5;
/// A step that promises less than this, in nats, is not worth taking.
const LEAST: f64 = 1e-6;

/// The parameters of the highest penalised likelihood that can be reached from `theta`.
pub fn climb(problem: &Climb<'_>, mut theta: Vec<f64>) -> Vec<f64> {
    if theta.is_empty() {
        return theta;
    }
    let mut value = problem.value(&theta);
    let mut damping = 0.0;
    for _ in 0..STEPS {
        let (gradient, curvature) = problem.slopes(&theta);
        let mut better = None;
        while better.is_none() && damping < 1e8 {
            let mut damped = curvature.clone();
            let n = theta.len();
            (0..n).for_each(|i| damped[i * n + i] += damping * (1.0 + curvature[i * n + i]));
            if let Some(step) = solve(damped, &gradient) {
                if 0.5 * step.iter().zip(&gradient).map(|(step, g)| step * g).sum::<f64>() < LEAST {
                    return theta;
                }
                let next: Vec<f64> = theta.iter().zip(&step).map(|(x, step)| x + step).collect();
                let reached = problem.value(&next);
                if reached >= value - 1e-12 * value.abs() {
                    better = Some((next, reached));
                    break;
                }
            }
            damping = if damping == 0.0 { 1e-3 } else { damping * 10.0 };
        }
        let Some((next, reached)) = better else { break };
        let gain = reached - value;
        (theta, value) = (next, reached);
        damping = if damping < 1e-6 { 0.0 } else { damping / 10.0 };
        if gain < 1e-7 * (1.0 + value.abs()) {
            break;
        }
    }
    theta
}

/// The sum of products, in four parts, which do not wait for one another.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<4>(), b.as_chunks::<4>());
    let mut sums = [0.0; 4];
    for (a, b) in a.iter().zip(b) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    sums.iter().sum::<f64>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f64>()
}

impl Climb<'_> {
    /// Writes the utilities, labels included.
    fn all(&self, cell: usize, theta: &[f64], out: &mut [f64]) {
        (self.utilities)(cell, &theta[..self.of_rule], out);
        out[1..].iter_mut().zip(&theta[self.of_rule..]).for_each(|(u, label)| *u += label);
    }

    fn cells(&self) -> impl Iterator<Item = (usize, &[f64], f64)> {
        let with_total = |(cell, counts): (usize, _)| {
            let counts: &[f64] = counts;
            (cell, counts, counts.iter().sum::<f64>())
        };
        self.counts.chunks_exact(self.k).enumerate().map(with_total).filter(|(_, _, n)| *n > 0.0)
    }

    fn value(&self, theta: &[f64]) -> f64 {
        let mut u = vec![0.0; self.k];
        let mut value = -0.5 * RIDGE * theta.iter().map(|x| x * x).sum::<f64>();
        for (cell, counts, n) in self.cells() {
            self.all(cell, theta, &mut u);
            let most = u.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let log_sum = most + u.iter().map(|u| (u - most).exp()).sum::<f64>().ln();
            value += counts.iter().zip(&u).map(|(count, u)| count * u).sum::<f64>() - n * log_sum;
        }
        if value.is_finite() { value } else { f64::NEG_INFINITY }
    }

    /// The gradient, and the expected curvature.
    fn slopes(&self, theta: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let (n, k) = (theta.len(), self.k);
        let mut gradient: Vec<f64> = theta.iter().map(|x| -RIDGE * x).collect();
        let mut curvature = vec![0.0; n * n];
        (0..n).for_each(|i| curvature[i * n + i] = RIDGE);
        let mut p = vec![0.0; k];
        let (mut above, mut below) = (vec![0.0; k], vec![0.0; k]);
        let mut near = theta[..self.of_rule].to_vec();
        let m = self.of_rule;
        // One row for each parameter of the rule: how each utility changes with it, less its mean.
        let (mut slopes, mut weighted) = (vec![0.0; m * k], vec![0.0; k]);
        for (cell, counts, total) in self.cells() {
            self.all(cell, theta, &mut p);
            softmax(&mut p);
            if !(self.slopes)(cell, &theta[..m], &mut slopes) {
                for i in 0..m {
                    let h = SMALL * (1.0 + theta[i].abs());
                    near[i] = theta[i] + h;
                    (self.utilities)(cell, &near, &mut above);
                    near[i] = theta[i] - h;
                    (self.utilities)(cell, &near, &mut below);
                    near[i] = theta[i];
                    let row = slopes[i * k..][..k].iter_mut();
                    row.zip(above.iter().zip(&below)).for_each(|(s, (a, b))| *s = (a - b) / (2.0 * h));
                }
            }
            for i in 0..m {
                let row = &mut slopes[i * k..][..k];
                let mean: f64 = row.iter().zip(&p).map(|(s, p)| s * p).sum();
                row.iter_mut().for_each(|s| *s -= mean);
                gradient[i] += row.iter().zip(counts).map(|(s, count)| s * count).sum::<f64>();
            }
            for i in 0..m {
                // What all rows are multiplied with.
                weighted.iter_mut().zip(&slopes[i * k..]).zip(&p).for_each(|((w, slope), p)| *w = total * slope * p);
                let row = &mut curvature[i * n..][..=i];
                row.iter_mut().zip(slopes.chunks_exact(k)).for_each(|(sum, slopes)| *sum += dot(&weighted, slopes));
            }
            // Labels are linear, so their slopes need no rows.
            for i in m..n {
                let label = i - m + 1;
                gradient[i] += counts[label] - total * p[label];
                for j in 0..m {
                    curvature[i * n + j] += total * slopes[j * k + label] * p[label];
                }
                for j in m..i {
                    curvature[i * n + j] -= total * p[label] * p[j - m + 1];
                }
                curvature[i * n + i] += total * p[label] * (1.0 - p[label]);
            }
        }
        for i in 0..n {
            for j in 0..i {
                curvature[j * n + i] = curvature[i * n + j];
            }
        }
        (gradient, curvature)
    }
}

/// Solves a symmetric positive definite system by Cholesky's factorisation. None where it is not one.
fn solve(mut a: Vec<f64>, b: &[f64]) -> Option<Vec<f64>> {
    let n = b.len();
    for j in 0..n {
        let d = a[j * n + j] - (0..j).map(|m| a[j * n + m].powi(2)).sum::<f64>();
        if !(d > 0.0 && d.is_finite()) {
            return None;
        }
        a[j * n + j] = d.sqrt();
        for i in j + 1..n {
            let s = a[i * n + j] - (0..j).map(|m| a[i * n + m] * a[j * n + m]).sum::<f64>();
            a[i * n + j] = s / a[j * n + j];
        }
    }
    let mut x = b.to_vec();
    for i in 0..n {
        x[i] = (x[i] - (0..i).map(|m| a[i * n + m] * x[m]).sum::<f64>()) / a[i * n + i];
    }
    for i in (0..n).rev() {
        x[i] = (x[i] - (i + 1..n).map(|m| a[m * n + i] * x[m]).sum::<f64>()) / a[i * n + i];
    }
    Some(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logit_with_one_weight_finds_its_log_odds() {
        // 30 of 40 choices of the second name: the label is ln 3, but for the penalty.
        let problem =
            Climb { k: 2, counts: &[10.0, 30.0], of_rule: 0, utilities: &|_, _, out| out.fill(0.0), slopes: &|_, _, _| true };
        let found = climb(&problem, vec![0.0]);
        assert!((found[0] - 3f64.ln()).abs() < 2e-3, "{found:?}");
    }

    #[test]
    fn a_linear_system_is_solved() {
        let x = solve(vec![4.0, 2.0, 2.0, 3.0], &[8.0, 7.0]).unwrap();
        assert!((x[0] - 1.25).abs() < 1e-12 && (x[1] - 1.5).abs() < 1e-12, "{x:?}");
        assert!(solve(vec![1.0, 2.0, 2.0, 1.0], &[1.0, 1.0]).is_none());
    }
}
