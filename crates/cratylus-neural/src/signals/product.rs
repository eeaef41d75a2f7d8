//! Products of matrices whose every number adds its terms in order, a multiplication and an addition each. So the same bytes
//! come out whatever the width of registers, and whatever rows are computed beside; the products of `net/product.rs` are
//! faster by fused multiply-add, and promise neither.
#![allow(unsafe_code)]

use super::numbers::is_narrow;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64 as arch;

/// Columns that are computed together.
const PANEL: usize = 32;
/// Rows of what is narrower than its panel that are computed together.
const ROWS: usize = 24;

/// The right side of a product, packed: columns in panels, and in each panel row after row. Columns beyond the last are 0.
#[derive(Clone, Debug, Default)]
pub(super) struct Panels {
    terms: usize,
    columns: usize,
    data: Vec<f32>,
}

/// How wide the panel is that begins at a column: half as wide where half is enough.
#[inline(always)]
fn breadth(columns: usize, from: usize) -> usize {
    if columns - from > PANEL / 2 { PANEL } else { PANEL / 2 }
}

impl Panels {
    fn sized(&mut self, terms: usize, columns: usize) {
        (self.terms, self.columns) = (terms, columns);
        let padded = (0..columns).step_by(PANEL).map(|from| breadth(columns, from)).sum::<usize>();
        self.data.resize(terms * padded, 0.0);
    }

    /// Packs `terms x columns` numbers, row after row.
    pub fn pack(&mut self, from: &[f32], terms: usize, columns: usize) {
        self.sized(terms, columns);
        let mut at = 0;
        for column in (0..columns).step_by(PANEL) {
            let (wide, own) = (breadth(columns, column), PANEL.min(columns - column));
            for term in 0..terms {
                self.data[at..][..own].copy_from_slice(&from[term * columns + column..][..own]);
                self.data[at + own..at + wide].fill(0.0);
                at += wide;
            }
        }
    }

    /// Packs the same turned: `columns x terms` numbers, row after row.
    pub fn pack_turned(&mut self, from: &[f32], terms: usize, columns: usize) {
        self.sized(terms, columns);
        let mut at = 0;
        for column in (0..columns).step_by(PANEL) {
            let (wide, own) = (breadth(columns, column), PANEL.min(columns - column));
            let panel = &mut self.data[at..][..terms * wide];
            for i in 0..wide {
                match i < own {
                    true => {
                        let row = &from[(column + i) * terms..][..terms];
                        row.iter().zip(panel[i..].iter_mut().step_by(wide)).for_each(|(from, to)| *to = *from);
                    }
                    false => panel[i..].iter_mut().step_by(wide).for_each(|to| *to = 0.0),
                }
            }
            at += terms * wide;
        }
    }
}

/// The left side of a product: number `(row, term)` lies at `row * strides[0] + term * strides[1]`.
#[derive(Clone, Copy)]
pub(super) struct Left<'a> {
    pub values: &'a [f32],
    pub rows: usize,
    pub strides: [usize; 2],
}

impl<'a> Left<'a> {
    /// Rows one after the other.
    pub fn rows(values: &'a [f32], width: usize) -> Left<'a> {
        Left { values, rows: values.len() / width, strides: [width, 1] }
    }

    /// Columns of rows that lie one after the other.
    pub fn columns(values: &'a [f32], width: usize) -> Left<'a> {
        Left { values, rows: width, strides: [1, width] }
    }
}

/// Adds a product to `into`, row after row: to what is there are added the terms, in order.
pub(super) fn add_product(left: Left<'_>, right: &Panels, into: &mut [f32]) {
    let Panels { terms, columns, data } = right;
    let (terms, columns) = (*terms, *columns);
    assert_eq!(into.len(), left.rows * columns, "as many rows as on the left, as many columns as on the right");
    if left.rows == 0 || terms == 0 || columns == 0 {
        return;
    }
    let last = (left.rows - 1) * left.strides[0] + (terms - 1) * left.strides[1];
    assert!(last < left.values.len(), "the left side lies within its slice");
    let mut at = 0;
    for column in (0..columns).step_by(PANEL) {
        let (wide, own) = (breadth(columns, column), PANEL.min(columns - column));
        let panel = &data[at..][..terms * wide];
        at += terms * wide;
        if own == wide {
            // SAFETY: the left side lies within its slice, the panel is `terms x wide`, and of each row of `into` there are
            // `wide` columns from `column` on.
            unsafe { widest(left, terms, panel, wide, into.as_mut_ptr().add(column), columns) };
            continue;
        }
        // What is narrower than its panel is computed beside it, some rows at a time.
        let mut beside = [0.0; ROWS * PANEL];
        for first in (0..left.rows).step_by(ROWS) {
            let rows = ROWS.min(left.rows - first);
            let some = Left { values: &left.values[first * left.strides[0]..], rows, ..left };
            for (i, beside) in beside.chunks_exact_mut(wide).take(rows).enumerate() {
                beside[..own].copy_from_slice(&into[(first + i) * columns + column..][..own]);
            }
            // SAFETY: as above, with the rows of `beside`, of which there are enough, `wide` apart.
            unsafe { widest(some, terms, panel, wide, beside.as_mut_ptr(), wide) };
            for (i, beside) in beside.chunks_exact(wide).take(rows).enumerate() {
                into[(first + i) * columns + column..][..own].copy_from_slice(&beside[..own]);
            }
        }
    }
}

/// Numbers side by side in a register.
trait Lanes: Copy {
    const N: usize;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    unsafe fn splat(number: f32) -> Self;
    /// A multiplication, and an addition after it was rounded.
    unsafe fn plus_product(self, a: Self, b: Self) -> Self;
}

impl Lanes for [f32; 8] {
    const N: usize = 8;
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller has as many numbers there.
        unsafe { from.cast::<Self>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller has room for as many there.
        unsafe { to.cast::<Self>().write_unaligned(self) }
    }
    #[inline(always)]
    unsafe fn splat(number: f32) -> Self {
        [number; 8]
    }
    #[inline(always)]
    unsafe fn plus_product(self, a: Self, b: Self) -> Self {
        std::array::from_fn(|i| self[i] + a[i] * b[i])
    }
}

#[cfg(target_arch = "x86_64")]
macro_rules! lanes {
    ($register:ty, $n:literal, $load:ident, $store:ident, $splat:ident, $mul:ident, $add:ident) => {
        impl Lanes for $register {
            const N: usize = $n;
            #[inline(always)]
            unsafe fn load(from: *const f32) -> Self {
                // SAFETY: the caller has as many numbers there, and the machine has the registers.
                unsafe { arch::$load(from) }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut f32) {
                // SAFETY: the caller has room for as many there, and the machine has the registers.
                unsafe { arch::$store(to, self) }
            }
            #[inline(always)]
            unsafe fn splat(number: f32) -> Self {
                // SAFETY: the machine has the registers.
                unsafe { arch::$splat(number) }
            }
            #[inline(always)]
            unsafe fn plus_product(self, a: Self, b: Self) -> Self {
                // SAFETY: the machine has the registers.
                unsafe { arch::$add(self, arch::$mul(a, b)) }
            }
        }
    };
}
#[cfg(target_arch = "x86_64")]
lanes!(arch::__m256, 8, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_set1_ps, _mm256_mul_ps, _mm256_add_ps);
#[cfg(target_arch = "x86_64")]
lanes!(arch::__m512, 16, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_set1_ps, _mm512_mul_ps, _mm512_add_ps);

/// Adds a panel's products by the widest registers that are there.
///
/// # Safety
/// The left side lies within its slice with all its terms, the panel is `terms x wide`, and there are as many rows of `wide`
/// columns, `stride` apart, at `to`.
unsafe fn widest(left: Left<'_>, terms: usize, panel: &[f32], wide: usize, to: *mut f32, stride: usize) {
    let panel = Panel { terms, wide, panel: panel.as_ptr(), to, stride };
    #[cfg(target_arch = "x86_64")]
    if !is_narrow() {
        // SAFETY: as the caller says; and each is called only where the machine has what it was compiled for.
        if is_x86_feature_detected!("avx512f") {
            return unsafe { with_avx512(left, panel) };
        }
        if is_x86_feature_detected!("avx") {
            return unsafe { with_avx(left, panel) };
        }
    }
    // SAFETY: as the caller says.
    unsafe { panel.add::<[f32; 8], 2, 4>(left) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn with_avx512(left: Left<'_>, panel: Panel) {
    // SAFETY: as the caller says.
    unsafe {
        match panel.wide == PANEL {
            true => panel.add::<arch::__m512, 2, 8>(left),
            false => panel.add::<arch::__m512, 1, 8>(left),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx")]
unsafe fn with_avx(left: Left<'_>, panel: Panel) {
    // SAFETY: as the caller says.
    unsafe { panel.add::<arch::__m256, 2, 6>(left) }
}

/// A panel, and where what comes of it goes.
#[derive(Clone, Copy)]
struct Panel {
    terms: usize,
    wide: usize,
    panel: *const f32,
    to: *mut f32,
    stride: usize,
}

impl Panel {
    /// Adds all rows, `M` at a time, `P` registers of columns at a time.
    #[inline(always)]
    unsafe fn add<V: Lanes, const P: usize, const M: usize>(self, left: Left<'_>) {
        for column in (0..self.wide).step_by(P * V::N) {
            let mut row = 0;
            while row < left.rows {
                // SAFETY: the rows and columns are there, as the caller says.
                row += unsafe {
                    match left.rows - row {
                        rows if rows >= M => self.block::<V, P, M>(left, row, column),
                        rows if rows >= 4 => self.block::<V, P, 4>(left, row, column),
                        rows if rows >= 2 => self.block::<V, P, 2>(left, row, column),
                        _ => self.block::<V, P, 1>(left, row, column),
                    }
                };
            }
        }
    }

    /// Adds some rows of some columns: sums stay in registers over all terms. Gives how many rows they were.
    #[inline(always)]
    unsafe fn block<V: Lanes, const P: usize, const M: usize>(self, left: Left<'_>, row: usize, column: usize) -> usize {
        let [of_row, of_term] = left.strides;
        // SAFETY: all that is read and written lies where the caller says.
        unsafe {
            let mut a = left.values.as_ptr().add(row * of_row);
            let mut b = self.panel.add(column);
            let to = self.to.add(row * self.stride + column);
            let mut sums = [[V::splat(0.0); P]; M];
            for (i, sums) in sums.iter_mut().enumerate() {
                for (j, sum) in sums.iter_mut().enumerate() {
                    *sum = V::load(to.add(i * self.stride + j * V::N));
                }
            }
            for _ in 0..self.terms {
                let mut right = [V::splat(0.0); P];
                for (j, right) in right.iter_mut().enumerate() {
                    *right = V::load(b.add(j * V::N));
                }
                for (i, sums) in sums.iter_mut().enumerate() {
                    let left = V::splat(*a.add(i * of_row));
                    for (sum, &right) in sums.iter_mut().zip(&right) {
                        *sum = sum.plus_product(left, right);
                    }
                }
                a = a.wrapping_add(of_term);
                b = b.wrapping_add(self.wide);
            }
            for (i, sums) in sums.iter().enumerate() {
                for (j, sum) in sums.iter().enumerate() {
                    sum.store(to.add(i * self.stride + j * V::N));
                }
            }
        }
        M
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signals::numbers::narrow;

    fn numbers(n: usize, by: usize) -> Vec<f32> {
        (0..n).map(|i| ((i * by + 13) % 1009) as f32 / 500.0 - 1.0).collect()
    }

    #[test]
    fn products_add_their_terms_in_order_to_the_bit() {
        for (m, k, n) in [(1, 1, 1), (5, 3, 7), (33, 100, 17), (64, 31, 50), (13, 70, 96), (6, 5, 32), (12, 9, 16)] {
            let (a, b, c) = (numbers(m * k, 7919), numbers(k * n, 104_729), numbers(m * n, 31));
            let mut right = c.clone();
            for i in 0..m {
                for j in 0..n {
                    (0..k).for_each(|t| right[i * n + j] += a[i * k + t] * b[t * n + j]);
                }
            }
            let mut panels = Panels::default();
            for turned in [false, true] {
                match turned {
                    false => panels.pack(&b, k, n),
                    true => {
                        let columns: Vec<f32> =
                            (0..n).flat_map(|j| (0..k).map(move |t| (t, j))).map(|(t, j)| b[t * n + j]).collect();
                        panels.pack_turned(&columns, k, n);
                    }
                }
                for wide in [true, false] {
                    let mut found = c.clone();
                    let go = |found: &mut [f32]| add_product(Left::rows(&a, k), &panels, found);
                    if wide {
                        go(&mut found)
                    } else {
                        narrow(|| go(&mut found))
                    }
                    assert_eq!(found, right, "{m} {k} {n}");
                }
            }
            // The registers between the widest and none.
            #[cfg(target_arch = "x86_64")]
            if n.is_multiple_of(PANEL) && is_x86_feature_detected!("avx") {
                let mut found = c.clone();
                panels.pack(&b, k, n);
                for (i, panel) in panels.data.chunks_exact(k * PANEL).enumerate() {
                    let (panel, to) = (panel.as_ptr(), found[i * PANEL..].as_mut_ptr());
                    let panel = Panel { terms: k, wide: PANEL, panel, to, stride: n };
                    // SAFETY: whole panels of `k` terms and `m` rows.
                    unsafe { with_avx(Left::rows(&a, k), panel) };
                }
                assert_eq!(found, right, "{m} {k} {n}");
            }
            // The left side by its columns.
            let columns: Vec<f32> = (0..k).flat_map(|t| (0..m).map(move |i| (i, t))).map(|(i, t)| a[i * k + t]).collect();
            let mut found = c.clone();
            add_product(Left::columns(&columns, m), &panels, &mut found);
            assert_eq!(found, right);
        }
    }
}
