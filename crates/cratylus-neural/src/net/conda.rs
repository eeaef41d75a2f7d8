//! Conda (arXiv 2509.24218): Adam in the basis of a momentum's own singular vectors, for the matrices of attention and of hidden
//! layers. The basis is found anew every so many steps; second moments stay in the basis in which they were summed, as in the
//! authors' code.

use super::product::{Into, Matrix, MatrixMut, product};
use super::recipe::{Conda, powi};
use super::singular::singular;

/// What a step is made with.
pub(super) struct CondaStep {
    pub conda: Conda,
    /// Steps taken before this one.
    pub step: u64,
    pub rate: f64,
    pub betas: [f64; 2],
    pub eps: f64,
    pub decay: f64,
}

/// One matrix of `m` rows and `n` columns with what is remembered of it.
pub(super) struct CondaMatrix<'a> {
    pub m: usize,
    pub n: usize,
    pub weights: &'a mut [f32],
    pub gradient: &'a [f32],
    pub means: &'a mut [f32],
    pub squares: &'a mut [f32],
    /// `k x k`, where `k` is the smaller of the two: singular vectors as columns.
    pub basis: &'a mut [f32],
}

impl CondaStep {
    /// Takes a step.
    pub fn take(&self, of: CondaMatrix<'_>) {
        let CondaMatrix { m, n, weights, gradient, means, squares, basis } = of;
        let [keep, keep_square] = self.betas;
        for (mean, &g) in means.iter_mut().zip(gradient) {
            *mean = (keep * f64::from(*mean) + (1.0 - keep) * f64::from(g)) as f32;
        }
        // Of a wide matrix the rows are turned, of a tall one the columns.
        let tall = m >= n;
        let k = m.min(n);
        if self.step.is_multiple_of(self.conda.every) {
            let columns = |i: usize, j: usize| if tall { means[i * n + j] } else { means[j * n + i] };
            let found = singular(m.max(n), k, |i, j| f64::from(columns(i, j)));
            basis.iter_mut().zip(found).for_each(|(basis, found)| *basis = found as f32);
        }
        let basis = Matrix::new(basis, k, k);
        let turned = |x: &[f32]| -> Vec<f32> {
            let mut out = vec![0.0; m * n];
            let x = Matrix::new(x, m, n);
            let into = &mut MatrixMut::new(&mut out, m, n);
            match tall {
                true => product(x, basis, Into::Set, into),
                false => product(basis.turned(), x, Into::Set, into),
            }
            out
        };
        let (g, mut by) = (turned(gradient), turned(means));
        let steps = self.step + 1;
        let correction = (1.0 - powi(keep_square, steps)).sqrt() / (1.0 - powi(keep, steps));
        for ((square, by), &g) in squares.iter_mut().zip(&mut by).zip(&g) {
            *square = (keep_square * f64::from(*square) + (1.0 - keep_square) * f64::from(g) * f64::from(g)) as f32;
            *by = (f64::from(*by) / (f64::from(*square).sqrt() + self.eps)) as f32;
        }
        let mut back = vec![0.0; m * n];
        let (by, into) = (Matrix::new(&by, m, n), &mut MatrixMut::new(&mut back, m, n));
        match tall {
            true => product(by, basis.turned(), Into::Set, into),
            false => product(basis, by, Into::Set, into),
        }
        let size = self.rate * correction * self.conda.scale;
        for (weight, &back) in weights.iter_mut().zip(&back) {
            let moved = f64::from(*weight) - size * f64::from(back);
            *weight = (moved - self.rate * self.decay * moved) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of the reference: x <- (1103515245 x + 12345) mod 2^31, as x / 2^31 - 1/2.
    fn numbers(n: usize, x: &mut u64) -> Vec<f32> {
        (0..n)
            .map(|_| {
                *x = (1_103_515_245 * *x + 12_345) % (1 << 31);
                (*x as f64 / (1u64 << 31) as f64 - 0.5) as f32
            })
            .collect()
    }

    /// Three steps on a matrix of the reference: its first weight after the first and the third, and how far it moved in all.
    fn steps(m: usize, n: usize, every: u64) -> [f64; 3] {
        let mut x = 7;
        let mut weights = numbers(m * n, &mut x);
        let before = weights.clone();
        let (mut means, mut squares, mut basis) = (vec![0.0; m * n], vec![0.0; m * n], vec![0.0; m.min(n).pow(2)]);
        let mut first = 0.0;
        for step in 0..3 {
            let gradient = numbers(m * n, &mut x);
            let conda = Conda { scale: 0.25, every };
            let by = CondaStep { conda, step, rate: 0.01, betas: [0.9, 0.99], eps: 1e-8, decay: 0.0 };
            let of = CondaMatrix {
                m,
                n,
                weights: &mut weights,
                gradient: &gradient,
                means: &mut means,
                squares: &mut squares,
                basis: &mut basis,
            };
            by.take(of);
            if step == 0 {
                first = f64::from(weights[0]);
            }
        }
        let moved = weights.iter().zip(&before).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt();
        [first, f64::from(weights[0]), moved]
    }

    #[test]
    fn steps_are_those_of_the_reference() {
        let close = |a: f64, b: f64| assert!((a - b).abs() < 2e-7, "{a} {b}");
        let tall = steps(4, 3, 2000);
        close(tall[0], 0.094_039_788_60);
        close(tall[1], 0.090_269_079_42);
        close(tall[2], 0.015_166_592_32);
        close(steps(4, 3, 2)[1], 0.091_068_114_87);
        let wide = steps(3, 4, 2000);
        close(wide[0], 0.095_994_198_67);
        close(wide[1], 0.093_491_186_02);
        close(wide[2], 0.013_355_059_28);
        close(steps(3, 4, 2)[1], 0.093_259_872_66);
    }

    #[test]
    fn plain_adam_is_that_of_the_reference() {
        let mut x = 7;
        let mut weights = numbers(12, &mut x);
        let (mut means, mut squares) = (vec![0.0; 12], vec![0.0; 12]);
        for step in 1..=3u64 {
            let gradient = numbers(12, &mut x);
            let betas = [0.9, 0.99f64];
            let by = super::super::rows::AdamStep {
                shortened: 1.0,
                betas: betas.map(|beta| beta as f32),
                rests: betas.map(|beta| (1.0 - beta) as f32),
                corrections: betas.map(|beta| (1.0 / (1.0 - powi(beta, step))) as f32),
                eps: 1e-8,
                rate: 0.01,
            };
            super::super::rows::adam(&by, &gradient, &mut means, &mut squares, &mut weights);
        }
        assert!((f64::from(weights[0]) - 0.071_869_659_37).abs() < 2e-7, "{}", weights[0]);
    }
}
