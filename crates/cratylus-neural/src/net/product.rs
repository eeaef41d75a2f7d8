//! The one door to matrix products. Everything that multiplies matrices goes through [`product`], so another library, or a
//! kernel of our own, is a change of this file.
#![allow(unsafe_code)]

/// A matrix that lies in a slice with any strides.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    /// From a row to the next, and from a column to the next.
    strides: [usize; 2],
}

/// One that is written to.
pub(super) struct MatrixMut<'a> {
    values: &'a mut [f32],
    rows: usize,
    columns: usize,
    strides: [usize; 2],
}

/// Whether the last number of a matrix lies within a slice of `len`.
fn within(len: usize, rows: usize, columns: usize, strides: [usize; 2]) -> bool {
    rows == 0 || columns == 0 || (rows - 1) * strides[0] + (columns - 1) * strides[1] < len
}

impl<'a> Matrix<'a> {
    /// Rows one after the other.
    pub fn new(values: &'a [f32], rows: usize, columns: usize) -> Matrix<'a> {
        Matrix::spaced(values, rows, columns, columns)
    }

    /// Rows that begin `stride` numbers apart.
    pub fn spaced(values: &'a [f32], rows: usize, columns: usize, stride: usize) -> Matrix<'a> {
        assert!(within(values.len(), rows, columns, [stride, 1]), "a matrix lies within its slice");
        Matrix { values, rows, columns, strides: [stride, 1] }
    }

    /// How many rows it has.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many columns it has.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Some of its columns.
    pub fn columns_of(self, from: usize, n: usize) -> Matrix<'a> {
        assert!(from + n <= self.columns, "columns of the matrix");
        let start = from * self.strides[1];
        Matrix { values: &self.values[start.min(self.values.len())..], columns: n, ..self }
    }

    /// Rows for columns.
    pub fn turned(self) -> Matrix<'a> {
        let [row, column] = self.strides;
        Matrix { rows: self.columns, columns: self.rows, strides: [column, row], ..self }
    }
}

impl<'a> MatrixMut<'a> {
    /// Rows one after the other.
    pub fn new(values: &'a mut [f32], rows: usize, columns: usize) -> MatrixMut<'a> {
        MatrixMut::spaced(values, rows, columns, columns)
    }

    /// Rows that begin `stride` numbers apart.
    pub fn spaced(values: &'a mut [f32], rows: usize, columns: usize, stride: usize) -> MatrixMut<'a> {
        assert!(within(values.len(), rows, columns, [stride, 1]), "a matrix lies within its slice");
        assert!(stride >= columns, "rows do not overlap");
        MatrixMut { values, rows, columns, strides: [stride, 1] }
    }
}

/// What happens to the numbers that the result finds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Into {
    /// They are written over.
    Set,
    /// The product is added to them.
    Add,
}

/// So many terms of an inner sum are summed at a time, however the library cuts them.
const TERMS: usize = 256;

/// `c = a b`, or `c += a b`. Inner sums are cut at the same places on every machine, so what the library takes for its
/// caches never shows; whether it has fused multiply-add does.
pub(super) fn product(a: Matrix<'_>, b: Matrix<'_>, into: Into, c: &mut MatrixMut<'_>) {
    assert!(a.rows == c.rows && b.columns == c.columns && a.columns == b.rows, "matrices that can be multiplied");
    let (m, n) = (c.rows, c.columns);
    if m == 0 || n == 0 {
        return;
    }
    let signed = |strides: [usize; 2]| strides.map(|stride| stride as isize);
    let ([a_row, a_column], [b_row, b_column], [c_row, c_column]) = (signed(a.strides), signed(b.strides), signed(c.strides));
    let mut from = 0;
    loop {
        let k = TERMS.min(a.columns - from);
        let beta = if into == Into::Set && from == 0 { 0.0 } else { 1.0 };
        // SAFETY: all that is read of `a` and `b` and written of `c` lies within their slices, which `Matrix` and `MatrixMut`
        // checked; `c` is borrowed alone, and its rows do not overlap.
        unsafe {
            matrixmultiply::sgemm(
                m,
                k,
                n,
                1.0,
                a.values.as_ptr().add(if k == 0 { 0 } else { from * a.strides[1] }),
                a_row,
                a_column,
                b.values.as_ptr().add(if k == 0 { 0 } else { from * b.strides[0] }),
                b_row,
                b_column,
                beta,
                c.values.as_mut_ptr(),
                c_row,
                c_column,
            );
        }
        from += k;
        if from == a.columns {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_those_of_plain_loops() {
        let number = |i: usize| ((i * 7919 + 13) % 101) as f32 / 50.0 - 1.0;
        for (m, k, n) in [(1, 1, 1), (5, 3, 7), (33, 300, 17), (64, 513, 20)] {
            let a: Vec<f32> = (0..m * k).map(number).collect();
            let b: Vec<f32> = (0..n * (k + 2)).map(number).collect();
            let mut c = vec![1.0; m * (n + 3)];
            // `b` lies turned, in rows with a gap.
            let b = Matrix::spaced(&b, n, k, k + 2);
            product(Matrix::new(&a, m, k), b.turned(), Into::Add, &mut MatrixMut::spaced(&mut c, m, n, n + 3));
            for i in 0..m {
                for j in 0..n {
                    let sum: f64 = (0..k).map(|t| f64::from(a[i * k + t]) * f64::from(b.values[j * (k + 2) + t])).sum();
                    assert!((f64::from(c[i * (n + 3) + j]) - 1.0 - sum).abs() < 1e-4);
                }
                assert!(c[i * (n + 3) + n..][..3].iter().all(|&gap| gap == 1.0));
            }
        }
    }
}
