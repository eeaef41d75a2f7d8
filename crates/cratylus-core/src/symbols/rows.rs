//! An agent's log likelihoods of signs: a row for each object, or one for each category into which objects are sorted.

use super::draws::exp;
use super::rule::unit32;

/// Rows of as many numbers as there are signs.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SignRows {
    signs: usize,
    /// Log likelihoods, row by row.
    logs: Vec<f64>,
    /// Likelihoods over the largest of their row, each with all before it.
    sums: Vec<f64>,
}

impl SignRows {
    /// So many rows, to be filled.
    pub fn new(rows: usize, signs: usize) -> SignRows {
        SignRows { signs, logs: vec![0.0; rows * signs], sums: vec![0.0; rows * signs] }
    }

    /// All log likelihoods, row by row; [`settle`](SignRows::settle) makes the rest of them.
    pub fn logs_mut(&mut self) -> &mut [f64] {
        &mut self.logs
    }

    /// The same, as they are.
    pub fn all_logs(&self) -> &[f64] {
        &self.logs
    }

    /// Makes sums of log likelihoods.
    #[inline(always)]
    pub fn settle(&mut self) {
        for (logs, sums) in self.logs.chunks_exact(self.signs).zip(self.sums.chunks_exact_mut(self.signs)) {
            let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let mut sum = 0.0;
            for (sums, log) in sums.iter_mut().zip(logs) {
                // Where nothing can be, everything can.
                sum += if most == f64::NEG_INFINITY { 1.0 } else { exp(log - most) };
                *sums = sum;
            }
        }
    }

    /// The log likelihoods of a row.
    #[inline(always)]
    pub fn logs(&self, row: usize) -> &[f64] {
        &self.logs[row * self.signs..][..self.signs]
    }

    /// The sum of the likelihoods of a row over the largest.
    #[inline(always)]
    pub fn total(&self, row: usize) -> f64 {
        self.sums[(row + 1) * self.signs - 1]
    }

    /// A sign, each as likely as its likelihood, by 32 random bits.
    #[inline(always)]
    pub fn draw(&self, row: usize, word: u32) -> usize {
        let sums = &self.sums[row * self.signs..][..self.signs];
        let at = unit32(word) * sums[self.signs - 1];
        // Counted and not searched, as which it is cannot be foretold.
        sums[..self.signs - 1].iter().map(|&sum| usize::from(sum <= at)).sum()
    }
}
