//! Singular vectors of small matrices.

/// The right singular vectors of a matrix with `m >= n` rows, as columns of `n x n`, those of the largest values first, by
/// one-sided Jacobi rotations. Second moments stay with their place, so the order matters; signs do not.
pub(crate) fn singular(m: usize, n: usize, of: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    let mut columns: Vec<Vec<f64>> = (0..n).map(|j| (0..m).map(|i| of(i, j)).collect()).collect();
    let mut v: Vec<Vec<f64>> = (0..n).map(|j| (0..n).map(|i| f64::from(u8::from(i == j))).collect()).collect();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    for _ in 0..60 {
        let mut turned = false;
        for p in 0..n {
            for q in p + 1..n {
                let (a, b, c) = (dot(&columns[p], &columns[p]), dot(&columns[q], &columns[q]), dot(&columns[p], &columns[q]));
                if c.abs() <= 1e-15 * (a * b).sqrt() || c == 0.0 {
                    continue;
                }
                turned = true;
                let zeta = (b - a) / (2.0 * c);
                let t = zeta.signum() / (zeta.abs() + (1.0 + zeta * zeta).sqrt());
                let cos = 1.0 / (1.0 + t * t).sqrt();
                let sin = cos * t;
                for list in [&mut columns, &mut v] {
                    let (first, rest) = list.split_at_mut(q);
                    for (x, y) in first[p].iter_mut().zip(&mut rest[0]) {
                        (*x, *y) = (cos * *x - sin * *y, sin * *x + cos * *y);
                    }
                }
            }
        }
        if !turned {
            break;
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| dot(&columns[b], &columns[b]).total_cmp(&dot(&columns[a], &columns[a])));
    let mut out = vec![0.0; n * n];
    for (j, column) in order.into_iter().map(|column| &v[column]).enumerate() {
        for (i, value) in column.iter().enumerate() {
            out[i * n + j] = *value;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn singular_vectors_make_columns_orthogonal() {
        let a: Vec<f64> = (0..35).map(|i| f64::from(i * 7919 % 101) / 50.0 - 1.0).collect();
        let v = singular(7, 5, |i, j| a[i * 5 + j]);
        let turned = |i: usize, j: usize| (0..5).map(|l| a[i * 5 + l] * v[l * 5 + j]).sum::<f64>();
        for p in 0..5 {
            for q in 0..p {
                let dot: f64 = (0..7).map(|i| turned(i, p) * turned(i, q)).sum();
                assert!(dot.abs() < 1e-12, "{p} {q}: {dot}");
            }
        }
    }
}
