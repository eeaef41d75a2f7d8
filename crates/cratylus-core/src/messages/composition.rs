//! The error of the best composition (tree reconstruction error; Andreas 2019, arXiv 1902.07181) with vectors of attributes that
//! are added up: messages as one-hot numbers, place by place, fitted by least squares in closed form.

use super::corpus::Coded;
use super::topsim::Value;

/// Attributes have more values together than this: not fitted, as it takes time with the square of them.
const MOST: usize = 1_000;

/// Prepares the mean squared residual; or, explained, the share of the variance of messages that is no residual.
pub fn least_squares<'a>(coded: &'a Coded<'a>, explained: bool) -> Result<Value<'a>, String> {
    let values: usize = coded.attributes.iter().map(|ids| ids.n()).sum();
    if values == 0 || coded.places.is_empty() {
        return Err("there are no attributes, or no symbols".into());
    }
    if values > MOST {
        return Err(format!("the attributes have {values} values, more than {MOST}"));
    }
    let n = coded.corpus.len();
    let basis = basis(coded);
    let rank = basis.len() / n;
    // One-hot numbers have as many squares as places, whichever message goes with which meaning.
    let squares = coded.places.len() as f64;
    let variance: f64 = coded
        .places
        .iter()
        .map(|ids| 1.0 - ids.counts.iter().map(|&count| (f64::from(count) / n as f64).powi(2)).sum::<f64>())
        .sum();
    if explained && variance <= 0.0 {
        return Err("all messages are alike".into());
    }
    Ok(Box::new(move |order| {
        let mut fitted = 0.0;
        for place in &coded.places {
            // What each symbol's column has of each direction.
            let mut sums = vec![0.0; place.n() * rank];
            for (row, &other) in order.iter().enumerate() {
                let into = &mut sums[place.of[other as usize] as usize * rank..][..rank];
                into.iter_mut().zip(&basis[row * rank..][..rank]).for_each(|(sum, part)| *sum += part);
            }
            fitted += sums.iter().map(|sum| sum * sum).sum::<f64>();
        }
        let residual = (squares - fitted / n as f64).max(0.0);
        if explained { 1.0 - residual / variance } else { residual }
    }))
}

/// An orthonormal basis of what sums of attributes' vectors can be, row by row of the corpus (Gram & Schmidt, twice, as once
/// loses digits).
fn basis(coded: &Coded<'_>) -> Vec<f64> {
    let n = coded.corpus.len();
    let mut directions: Vec<Vec<f64>> = Vec::new();
    for ids in &coded.attributes {
        for value in 0..ids.n() as u32 {
            let mut column: Vec<f64> = ids.of.iter().map(|&of| f64::from(u8::from(of == value))).collect();
            let size = norm(&column);
            for _ in 0..2 {
                for direction in &directions {
                    let along: f64 = direction.iter().zip(&column).map(|(a, b)| a * b).sum();
                    column.iter_mut().zip(direction).for_each(|(x, part)| *x -= along * part);
                }
            }
            let left = norm(&column);
            if left > 1e-9 * size {
                column.iter_mut().for_each(|x| *x /= left);
                directions.push(column);
            }
        }
    }
    (0..n).flat_map(|row| directions.iter().map(move |direction| direction[row])).collect()
}

fn norm(column: &[f64]) -> f64 {
    column.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// The error as the published code has it: vectors fitted to the absolute error by 400 steps of RMSprop at 0.01, which
/// stop before the end (a perfect code has an error, too). The mean over rows.
pub fn published<'a>(coded: &'a Coded<'a>) -> Result<Value<'a>, String> {
    let (k, n) = (coded.attributes.len(), coded.corpus.len());
    if k == 0 || coded.places.is_empty() {
        return Err("there are no attributes, or no symbols".into());
    }
    let width: usize = coded.places.iter().map(|ids| ids.n()).sum();
    let values: usize = coded.attributes.iter().map(|ids| ids.n()).sum();
    if values * width > 100_000 {
        return Err("there are too many values and symbols to fit them step by step".into());
    }
    let begins =
        |sizes: &mut dyn Iterator<Item = usize>| sizes.scan(0, |at, n| Some(std::mem::replace(at, *at + n))).collect::<Vec<_>>();
    let of_attribute = begins(&mut coded.attributes.iter().map(|ids| ids.n()));
    let of_place = begins(&mut coded.places.iter().map(|ids| ids.n()));
    Ok(Box::new(move |order| {
        let (mut vectors, mut squares) = (vec![0f32; values * width], vec![0f32; values * width]);
        let mut error = 0.0;
        for _ in 0..400 {
            let mut slope = vec![0f32; values * width];
            error = 0.0;
            for (row, &other) in order.iter().enumerate() {
                let own: Vec<usize> = (0..k).map(|a| (of_attribute[a] + coded.attributes[a].of[row] as usize) * width).collect();
                let mut target = vec![0f32; width];
                for (place, begin) in coded.places.iter().zip(&of_place) {
                    target[begin + place.of[other as usize] as usize] = 1.0;
                }
                for at in 0..width {
                    let left = own.iter().map(|begin| vectors[begin + at]).sum::<f32>() - target[at];
                    error += f64::from(left.abs());
                    let sign = if left == 0.0 { 0.0 } else { left.signum() };
                    own.iter().for_each(|begin| slope[begin + at] += sign);
                }
            }
            for ((x, square), slope) in vectors.iter_mut().zip(&mut squares).zip(&slope) {
                *square = 0.99 * *square + 0.01 * slope * slope;
                *x -= 0.01 * slope / (square.sqrt() + 1e-8);
            }
        }
        error / n as f64
    }))
}
