//! Products of matrices whose every number adds its terms in order, a multiplication and an addition each. So the same bytes
//! come out whatever the width of registers, and whatever rows are computed beside; the products of `net/product.rs` are
//! faster by fused multiply-add, and promise neither.

use super::numbers::wide_loop;

/// Columns that are computed together.
const PANEL: usize = 32;
/// Rows that are computed together.
const ROWS: usize = 6;

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
    wide_loop(
        #[inline(always)]
        || {
            let mut at = 0;
            for column in (0..columns).step_by(PANEL) {
                let (wide, own) = (breadth(columns, column), PANEL.min(columns - column));
                let panel = &data[at..][..terms * wide];
                at += terms * wide;
                let mut row = 0;
                while row < left.rows {
                    let rows = ROWS.min(left.rows - row);
                    let a = &left.values[row * left.strides[0]..];
                    let to = &mut into[row * columns + column..];
                    match (wide, rows) {
                        (PANEL, ROWS) => block::<ROWS, PANEL>(a, left.strides, panel, to, columns, own),
                        (PANEL, 4 | 5) => block::<4, PANEL>(a, left.strides, panel, to, columns, own),
                        (PANEL, 2 | 3) => block::<2, PANEL>(a, left.strides, panel, to, columns, own),
                        (PANEL, _) => block::<1, PANEL>(a, left.strides, panel, to, columns, own),
                        (_, ROWS) => block::<ROWS, { PANEL / 2 }>(a, left.strides, panel, to, columns, own),
                        (_, 4 | 5) => block::<4, { PANEL / 2 }>(a, left.strides, panel, to, columns, own),
                        (_, 2 | 3) => block::<2, { PANEL / 2 }>(a, left.strides, panel, to, columns, own),
                        _ => block::<1, { PANEL / 2 }>(a, left.strides, panel, to, columns, own),
                    }
                    row += match rows {
                        ROWS => ROWS,
                        4 | 5 => 4,
                        2 | 3 => 2,
                        _ => 1,
                    };
                }
            }
        },
    );
}

/// Some rows of some columns: sums stay in registers over all terms.
#[inline(always)]
fn block<const M: usize, const N: usize>(
    a: &[f32],
    [row, term]: [usize; 2],
    panel: &[f32],
    to: &mut [f32],
    stride: usize,
    own: usize,
) {
    let mut sums = [[0.0f32; N]; M];
    for (i, sums) in sums.iter_mut().enumerate() {
        match own == N {
            true => sums.copy_from_slice(&to[i * stride..][..N]),
            false => sums[..own].copy_from_slice(&to[i * stride..][..own]),
        }
    }
    for (t, b) in panel.as_chunks::<N>().0.iter().enumerate() {
        for (i, sums) in sums.iter_mut().enumerate() {
            let a = a[i * row + t * term];
            for (sum, b) in sums.iter_mut().zip(b) {
                *sum += a * b;
            }
        }
    }
    for (i, sums) in sums.iter().enumerate() {
        match own == N {
            true => to[i * stride..][..N].copy_from_slice(sums),
            false => to[i * stride..][..own].copy_from_slice(&sums[..own]),
        }
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
            // The left side by its columns.
            let columns: Vec<f32> = (0..k).flat_map(|t| (0..m).map(move |i| (i, t))).map(|(i, t)| a[i * k + t]).collect();
            let mut found = c.clone();
            add_product(Left::columns(&columns, m), &panels, &mut found);
            assert_eq!(found, right);
        }
    }
}
