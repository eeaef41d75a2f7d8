//! One-to-one assignments of largest sum (Kuhn 1955, in the form with shortest paths of Jonker & Volgenant 1987).

/// The largest sum of weights of pairs in which no row and no column stands twice. `weights` is row by row; all may stay
/// without a partner only where there are fewer of the others.
pub fn largest(rows: usize, columns: usize, weights: impl Fn(usize, usize) -> f64) -> f64 {
    match rows <= columns {
        true => of_wide(rows, columns, &weights),
        false => of_wide(columns, rows, &|row, column| weights(column, row)),
    }
}

/// The same of at least as many columns as rows.
fn of_wide(rows: usize, columns: usize, weights: &dyn Fn(usize, usize) -> f64) -> f64 {
    // Prices of rows and columns; the row of each column, 0 for none. Rows and columns count from 1 here.
    let (mut of_row, mut of_column) = (vec![0.0; rows + 1], vec![0.0; columns + 1]);
    let mut partner = vec![0usize; columns + 1];
    for row in 1..=rows {
        let mut least = vec![f64::INFINITY; columns + 1];
        let mut before = vec![0usize; columns + 1];
        let mut seen = vec![false; columns + 1];
        partner[0] = row;
        let mut at = 0;
        loop {
            seen[at] = true;
            let (from, mut step, mut next) = (partner[at], f64::INFINITY, 0);
            for column in 1..=columns {
                if seen[column] {
                    continue;
                }
                let cost = -weights(from - 1, column - 1) - of_row[from] - of_column[column];
                if cost < least[column] {
                    (least[column], before[column]) = (cost, at);
                }
                if least[column] < step {
                    (step, next) = (least[column], column);
                }
            }
            for column in 0..=columns {
                match seen[column] {
                    true => {
                        of_row[partner[column]] += step;
                        of_column[column] -= step;
                    }
                    false => least[column] -= step,
                }
            }
            at = next;
            if partner[at] == 0 {
                break;
            }
        }
        while at != 0 {
            partner[at] = partner[before[at]];
            at = before[at];
        }
    }
    (1..=columns).filter(|&column| partner[column] > 0).map(|column| weights(partner[column] - 1, column - 1)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Purpose, Seed};

    fn by_trial(rows: &[usize], columns: &[usize], weights: &dyn Fn(usize, usize) -> f64) -> f64 {
        let Some((&row, rest)) = rows.split_first() else { return 0.0 };
        let with = |column: usize| {
            let left: Vec<usize> = columns.iter().copied().filter(|&c| c != column).collect();
            weights(row, column) + by_trial(rest, &left, weights)
        };
        columns.iter().map(|&column| with(column)).fold(f64::NEG_INFINITY, f64::max)
    }

    #[test]
    fn the_sum_is_that_of_the_best_of_all_assignments() {
        for t in 0..200 {
            let mut draws = Seed(1).stream(Purpose::Resample, t);
            let (rows, columns) = (1 + draws.below(4) as usize, 1 + draws.below(4) as usize);
            let table: Vec<f64> = (0..rows * columns).map(|_| draws.below(5) as f64).collect();
            let weights = |row: usize, column: usize| table[row * columns + column];
            let all = |n: usize| (0..n).collect::<Vec<_>>();
            let best = match rows <= columns {
                true => by_trial(&all(rows), &all(columns), &weights),
                false => by_trial(&all(columns), &all(rows), &|column, row| weights(row, column)),
            };
            assert!((largest(rows, columns, weights) - best).abs() < 1e-9);
        }
    }
}
