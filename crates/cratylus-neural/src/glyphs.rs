//! Words as they look: the letters of each, eight by eight points, side by side, on their principal components (after "Emergent
//! semantics beyond token embeddings", arXiv 2507.04886).

use crate::net::singular;
use font8x8::{BASIC_FONTS, GREEK_FONTS, LATIN_FONTS, UnicodeFonts};
use std::collections::HashMap;

/// So many letters of a word are looked at.
const LETTERS: usize = 8;
const POINTS: usize = 64 * LETTERS;

/// That no two words look alike; an error names two that do.
pub fn check(words: &[String]) -> Result<(), String> {
    let mut seen = HashMap::new();
    for word in words {
        let points: Vec<bool> = points(word).into_iter().map(|point| point > 0.0).collect();
        if let Some(other) = seen.insert(points, word) {
            return Err(format!(
                "`{other}` and `{word}` look alike in their first {LETTERS} letters, so no reader of pictures could tell them apart"
            ));
        }
    }
    Ok(())
}

/// A vector for each word, of `width` numbers whose length is `length`.
pub fn vectors(words: &[String], width: usize, length: f64) -> Vec<f32> {
    let seen: Vec<Vec<f64>> = words.iter().map(|word| points(word)).collect();
    let n = seen.len();
    let means: Vec<f64> = (0..POINTS).map(|at| seen.iter().map(|points| points[at]).sum::<f64>() / n as f64).collect();
    // Points that are the same everywhere say nothing.
    let differ: Vec<usize> = (0..POINTS).filter(|&at| seen.iter().any(|points| points[at] != seen[0][at])).collect();
    let centred = |word: usize, at: usize| seen[word][differ[at]] - means[differ[at]];
    let d = differ.len();
    // The products of words or of points, whichever are fewer, have the same components.
    let by_words = n <= d;
    let k = n.min(d);
    let product = |a: usize, b: usize| -> f64 {
        match by_words {
            true => (0..d).map(|at| centred(a, at) * centred(b, at)).sum(),
            false => (0..n).map(|word| centred(word, a) * centred(word, b)).sum(),
        }
    };
    let products: Vec<f64> = (0..k * k).map(|at| product(at / k, at % k)).collect();
    let v = singular(k, k, |i, j| products[i * k + j]);
    let mut vectors = vec![0.0f32; n * width];
    for component in 0..width.min(k) {
        let along = |row: usize| (0..k).map(|i| products[row * k + i] * v[i * k + component]).sum::<f64>();
        let value = (0..k).map(|row| along(row).powi(2)).sum::<f64>().sqrt();
        let mut of: Vec<f64> = match by_words {
            true => (0..n).map(|word| v[word * k + component] * value.sqrt()).collect(),
            false => (0..n).map(|word| (0..d).map(|at| centred(word, at) * v[at * k + component]).sum()).collect(),
        };
        // A component may point either way: the word that stands out most is on its positive side.
        let most = of.iter().copied().fold(0.0, |most: f64, x| if x.abs() > most.abs() { x } else { most });
        if most < 0.0 {
            of.iter_mut().for_each(|x| *x = -*x);
        }
        of.into_iter().enumerate().for_each(|(word, x)| vectors[word * width + component] = x as f32);
    }
    to_length(&mut vectors, width, length);
    vectors
}

/// Gives every row of `width` numbers the same length; what is zero stays so.
pub fn to_length(vectors: &mut [f32], width: usize, length: f64) {
    for vector in vectors.chunks_exact_mut(width) {
        let own = vector.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        if own > 0.0 {
            vector.iter_mut().for_each(|x| *x = (f64::from(*x) / own * length) as f32);
        }
    }
}

/// The points of a word's letters, in order; 0 and 1.
fn points(word: &str) -> Vec<f64> {
    let mut points = vec![0.0; POINTS];
    for (letter, place) in word.chars().take(LETTERS).zip(0..) {
        let glyph = BASIC_FONTS.get(letter).or(LATIN_FONTS.get(letter)).or(GREEK_FONTS.get(letter));
        for (y, row) in glyph.into_iter().flatten().enumerate() {
            (0..8).filter(|x| row >> x & 1 == 1).for_each(|x| points[place * 64 + y * 8 + x] = 1.0);
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(list: &[&str]) -> Vec<String> {
        list.iter().map(|word| word.to_string()).collect()
    }

    #[test]
    fn words_that_look_alike_lie_close_together() {
        let list = words(&["cat", "cats", "eat", "dog", "dogs", "house", "houses", "I", "l", "|"]);
        check(&list).unwrap();
        for width in [4, 16, 64] {
            let vectors = vectors(&list, width, 2.0);
            let of = |word: &str| {
                let at = list.iter().position(|known| known == word).unwrap();
                &vectors[at * width..][..width]
            };
            let far = |a: &str, b: &str| of(a).iter().zip(of(b)).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt();
            assert!(far("cat", "eat") < far("cat", "dog") && far("house", "houses") < far("house", "dog"));
            for (i, one) in list.iter().enumerate() {
                assert!((of(one).iter().map(|x| x * x).sum::<f32>().sqrt() - 2.0).abs() < 1e-5);
                assert!(list[..i].iter().all(|other| far(one, other) > 1e-3), "{one}");
            }
        }
        assert!(check(&words(&["understanding", "understands"])).unwrap_err().contains("look alike"));
    }

    #[test]
    fn many_words_and_few_have_the_same_geometry() {
        // More words than points that differ, and the other way round: distances are those of the points in both.
        let letters: Vec<char> = ('a'..='z').collect();
        let many: Vec<String> = letters.iter().flat_map(|a| letters.iter().map(move |b| format!("{a}{b}"))).collect();
        let few = many[..40].to_vec();
        for list in [few, many] {
            // All components, so nothing is lost but the length.
            let seen: Vec<Vec<f64>> = list.iter().map(|word| points(word)).collect();
            let width = 128;
            let vectors = vectors(&list, width, 1.0);
            let n = list.len() as f64;
            let means: Vec<f64> = (0..POINTS).map(|at| seen.iter().map(|points| points[at]).sum::<f64>() / n).collect();
            let angle = |a: usize, b: usize| {
                let dot =
                    |x: usize, y: usize| (0..POINTS).map(|at| (seen[x][at] - means[at]) * (seen[y][at] - means[at])).sum::<f64>();
                dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
            };
            for (a, b) in [(0, 1), (3, 17), (5, 39)] {
                let found: f32 = (0..width).map(|at| vectors[a * width + at] * vectors[b * width + at]).sum();
                assert!((f64::from(found) - angle(a, b)).abs() < 1e-3, "{} {found} {}", list.len(), angle(a, b));
            }
        }
    }
}
