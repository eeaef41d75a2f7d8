//! Functions of single numbers and of rows of them, from additions, multiplications, divisions and roots alone, which are the
//! same bits on every machine and at every width of registers. No mathematical library is called.

use crate::net::rows::exp;
use cratylus_core::machine::{Work, wide};

struct Loop<F>(F);

impl<F: FnOnce()> Work for Loop<F> {
    #[inline(always)]
    fn go(self) {
        (self.0)();
    }
}

#[cfg(test)]
thread_local! {
    static NARROW: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Runs something with all loops compiled for narrow registers.
#[cfg(test)]
pub(super) fn narrow<T>(what: impl FnOnce() -> T) -> T {
    NARROW.set(true);
    let found = what();
    NARROW.set(false);
    found
}

/// Whether a test asked for narrow registers.
#[inline(always)]
pub(super) fn is_narrow() -> bool {
    #[cfg(test)]
    return NARROW.get();
    #[cfg(not(test))]
    false
}

/// Runs a loop as compiled for wide registers. It and what it calls are `#[inline(always)]`.
#[inline(always)]
pub(super) fn wide_loop(work: impl FnOnce()) {
    if is_narrow() {
        return Loop(work).go();
    }
    wide(Loop(work));
}

/// One over one and e to the power of `-x`.
#[inline(always)]
pub(super) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// The hyperbolic tangent: a quotient of polynomials (the coefficients that Eigen's `ptanh` made common), right to a few units
/// of the last place; beyond 7.9 it is 1 as far as single precision knows.
#[inline(always)]
pub(super) fn tanh(x: f32) -> f32 {
    let x = if x > 7.905_311 { 7.905_311 } else { x };
    let x = if x < -7.905_311 { -7.905_311 } else { x };
    let s = x * x;
    let p = s * -2.760_768_5e-16 + 2.000_188e-13;
    let p = s * p - 8.604_672e-11;
    let p = s * p + 5.122_297e-8;
    let p = s * p + 1.485_722_4e-5;
    let p = s * p + 6.372_619e-4;
    let p = s * p + 4.893_524_6e-3;
    let q = s * 1.198_258_4e-6 + 1.185_347_1e-4;
    let q = s * q + 2.268_434_6e-3;
    let q = s * q + 4.893_525e-3;
    x * p / q
}

/// The natural logarithm of a normal number above 0.
#[inline(always)]
pub(super) fn ln(x: f32) -> f32 {
    // x = m 2^e with m between the roots of one half and of two, and ln m by the series of (m - 1) / (m + 1).
    const HALF_ROOT: u32 = 0x3F35_04F3;
    let shifted = x.to_bits().wrapping_sub(HALF_ROOT);
    let e = (shifted as i32 >> 23) as f32;
    let m = f32::from_bits((shifted & 0x007F_FFFF) + HALF_ROOT);
    let s = (m - 1.0) / (m + 1.0);
    let z = s * s;
    let series = z * (0.333_333_34 + z * (0.2 + z * (0.142_857_15 + z * (0.111_111_11 + z * 0.090_909_09))));
    // ln 2 in two parts, as in the exponential.
    (e * -2.121_944_4e-4 + 2.0 * s * series + 2.0 * s) + e * 0.693_359_4
}

/// The first of the greatest.
#[inline(always)]
pub(super) fn likeliest(numbers: &[f32]) -> u32 {
    let mut best = 0;
    for i in 1..numbers.len() {
        best = if numbers[i] > numbers[best] { i } else { best };
    }
    best as u32
}

/// What is known of a row of logits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Logs {
    /// A logit less this is the logarithm of its probability.
    pub less: f32,
    /// In nats.
    pub entropy: f32,
}

/// Turns each row of logits into probabilities; `logits` stay, `shares` are written.
pub(super) fn softmax_rows(logits: &[f32], columns: usize, shares: &mut [f32], logs: &mut Vec<Logs>) {
    wide_loop(
        #[inline(always)]
        || {
            for (logits, shares) in logits.chunks_exact(columns).zip(shares.chunks_exact_mut(columns)) {
                shares.copy_from_slice(logits);
                let [most, sum] = crate::net::rows::softmax(shares);
                let less = most + ln(sum);
                // The entropy is this, less the mean of the logits.
                let entropy = less - crate::net::rows::dot(shares, logits);
                logs.push(Logs { less, entropy: if entropy > 0.0 { entropy } else { 0.0 } });
            }
        },
    );
}

/// The noise of relaxed symbols: minus the logarithm of minus the logarithm of each number.
pub(super) fn gumbel(numbers: &mut [f32]) {
    wide_loop(
        #[inline(always)]
        || numbers.iter_mut().for_each(|u| *u = -ln(-ln(*u))),
    );
}

/// Adds to `sums` the sums of the columns of `rows`, row after row.
pub(super) fn add_columns(rows: &[f32], sums: &mut [f32]) {
    wide_loop(
        #[inline(always)]
        || {
            for row in rows.chunks_exact(sums.len()) {
                for i in 0..sums.len() {
                    sums[i] += row[i];
                }
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_right_to_a_few_parts_in_ten_million() {
        for i in -90_000..90_000 {
            let x = i as f32 / 9000.0;
            let (found, right) = (f64::from(tanh(x)), f64::from(x).tanh());
            assert!((found - right).abs() <= 5e-7 * right.abs(), "tanh {x}: {found} {right}");
            let (found, right) = (f64::from(sigmoid(x)), 1.0 / (1.0 + (-f64::from(x)).exp()));
            assert!((found / right - 1.0).abs() < 5e-7, "sigmoid {x}: {found} {right}");
        }
        for i in 1..200_000 {
            for x in [i as f32 / 1000.0, 1.0 - i as f32 / 16_777_216.0, i as f32 / 1e9] {
                let (found, right) = (f64::from(ln(x)), f64::from(x).ln());
                assert!((found - right).abs() <= 3e-7 * right.abs().max(1e-3), "ln {x}: {found} {right}");
            }
        }
    }
}
