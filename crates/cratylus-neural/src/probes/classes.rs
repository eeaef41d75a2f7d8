//! Whether a network tells classes of words apart without having been told of them: the generalised discrimination value of
//! what it holds at a word, by the class of that word and of the next, layer by layer (Schilling et al. 2021; arXiv 2302.07588).

use super::probe::{Probe, ProbeEntry, Subject, ingredient};
use crate::corpus::ingredients::sentences::{WordClass, classes};
use crate::corpus::ingredients::tagged;
use cratylus_core::seed::{Purpose, Seed};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

pub const ENTRY: ProbeEntry = ProbeEntry::new::<Classes>(
    "classes",
    "how far each layer tells classes of words apart, by the generalised discrimination value",
);

/// So many words are read before a next one is foretold.
const NINE: usize = 9;

/// Its parameters.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Classes {
    /// How many places of each class.
    #[serde(default = "hundred")]
    pub each: usize,
}

fn hundred() -> usize {
    100
}

/// The generalised discrimination value of points in classes: 0 without structure, about -1 for two tight classes far apart.
/// Each dimension is standardised and halved; one without variance counts nothing. Floors depend on how many classes there
/// are, so values of different numbers of classes are not to be compared.
pub fn gdv(points: &[Vec<f64>], classes: &[usize]) -> f64 {
    let (n, dimensions) = (points.len() as f64, points.first().map_or(0, Vec::len));
    let mut scaled = vec![vec![0.0; dimensions]; points.len()];
    for d in 0..dimensions {
        let mean = points.iter().map(|point| point[d]).sum::<f64>() / n;
        let sd = (points.iter().map(|point| (point[d] - mean).powi(2)).sum::<f64>() / n).sqrt();
        for (scaled, point) in scaled.iter_mut().zip(points) {
            scaled[d] = if sd > 1e-12 * (1.0 + mean.abs()) { 0.5 * (point[d] - mean) / sd } else { 0.0 };
        }
    }
    let mut kinds = classes.to_vec();
    kinds.sort_unstable();
    kinds.dedup();
    let of: Vec<Vec<usize>> = kinds.iter().map(|kind| (0..points.len()).filter(|&i| classes[i] == *kind).collect()).collect();
    let distance = |a: usize, b: usize| scaled[a].iter().zip(&scaled[b]).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt();
    let within = |class: &Vec<usize>| {
        let pairs = class.iter().enumerate().flat_map(|(i, &a)| class[i + 1..].iter().map(move |&b| (a, b)));
        let (sum, n) = pairs.fold((0.0, 0.0), |(sum, n), (a, b)| (sum + distance(a, b), n + 1.0));
        if n > 0.0 { sum / n } else { 0.0 }
    };
    let intra = of.iter().map(within).sum::<f64>() / of.len() as f64;
    let mut inter = 0.0;
    for (i, one) in of.iter().enumerate() {
        for other in &of[i + 1..] {
            let sum: f64 = one.iter().flat_map(|&a| other.iter().map(move |&b| distance(a, b))).sum();
            inter += sum / (one.len() * other.len()) as f64;
        }
    }
    let l = of.len() as f64;
    (intra - 2.0 * inter / (l * (l - 1.0))) / (dimensions as f64).sqrt()
}

impl Probe for Classes {
    fn ask(&self, of: &Subject<'_>) -> Result<Option<Vec<(String, f64)>>, String> {
        let portion = ingredient(of.corpus, "sentences").or_else(|_| ingredient(of.corpus, "tagged"));
        let portion = portion.map_err(|_| "the corpus has no ingredient of kind `sentences` or `tagged`")?;
        let Some(net) = of.net else { return Ok(None) };
        let class_of: HashMap<u32, WordClass> =
            classes().into_iter().filter_map(|(word, class)| Some((of.corpus.words.token(word), class?))).collect();
        // What the network holds at places of fresh rows, by the classes of the word there and of the next.
        let mut places: [BTreeMap<WordClass, Vec<Vec<Vec<f64>>>>; 2] = Default::default();
        for row in 0..10_000 {
            let written = of.corpus.fresh(portion, row);
            let tokens = of.corpus.words.tokens(&written.words);
            let layers = net.layers(&tokens[..tokens.len() - 1]);
            let marks = written.key["marks"].as_str().map(str::as_bytes);
            for at in 1..tokens.len() - 1 {
                // In a text whose words have tags, nine words of one sentence stand before the next, which is a known one.
                let within = |marks: &[u8]| at >= NINE && !marks[at + 1 - NINE..=at].contains(&b'.') && tokens[at + 1] != 0;
                if marks.is_some_and(|marks| !within(marks)) {
                    continue;
                }
                for (places, next) in places.iter_mut().zip([at, at + 1]) {
                    let class = match marks {
                        Some(marks) => tagged::class_of(marks[next]),
                        None => class_of.get(&tokens[next]).copied(),
                    };
                    let Some(class) = class else { continue };
                    let held = places.entry(class).or_default();
                    // One place of a class from each row, so that places are not all of a few rows.
                    if held.len() <= row as usize && held.len() < self.each {
                        held.push(layers.iter().map(|layer| layer[at].clone()).collect());
                    }
                }
            }
            if places.iter().all(|places| places.len() == 6 && places.values().all(|held| held.len() == self.each)) {
                break;
            }
        }
        let mut found = Vec::new();
        for (places, what) in places.iter().zip(["word", "next"]) {
            let labels: Vec<usize> = places.values().enumerate().flat_map(|(i, held)| held.iter().map(move |_| i)).collect();
            let all: Vec<&Vec<Vec<f64>>> = places.values().flatten().collect();
            let n = all.first().map_or(0, |layers| layers.len());
            let of_layer =
                |layer: usize, labels: &[usize]| gdv(&all.iter().map(|layers| layers[layer].clone()).collect::<Vec<_>>(), labels);
            for layer in 0..n {
                found.push((format!("{what}, layer {layer}"), of_layer(layer, &labels)));
            }
            if n > 0 {
                // The same with labels that have nothing to do with words.
                let mut shuffled = labels.clone();
                let count = shuffled.len();
                Seed(0x6D7).stream(Purpose::Order, 0).shuffle(&mut shuffled, count);
                found.push((format!("{what}, labels shuffled"), of_layer(n - 1, &shuffled)));
            }
        }
        Ok(Some(found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten points of four dimensions, from a linear congruential generator.
    fn points() -> Vec<Vec<f64>> {
        let mut x: u64 = 11;
        let mut next = || {
            x = (1_103_515_245 * x + 12_345) % (1 << 31);
            x as f64 / (1u64 << 31) as f64 - 0.5
        };
        (0..10).map(|_| (0..4).map(|_| next()).collect()).collect()
    }

    #[test]
    fn the_value_is_that_of_the_oracle() {
        let labels = [0, 0, 0, 0, 1, 1, 1, 2, 2, 2];
        assert!((gdv(&points(), &labels) + 0.058_191_763).abs() < 1e-9, "{}", gdv(&points(), &labels));
        let apart: Vec<Vec<f64>> = points()
            .into_iter()
            .zip(labels)
            .map(|(mut point, class)| {
                point[0] += 3.0 * class as f64;
                point
            })
            .collect();
        assert!((gdv(&apart, &labels) + 0.173_944_749).abs() < 1e-9, "{}", gdv(&apart, &labels));
        // Nothing changes where a dimension is scaled or moved.
        let moved: Vec<Vec<f64>> = points().into_iter().map(|point| point.iter().map(|x| 7.0 * x - 3.0).collect()).collect();
        assert!((gdv(&moved, &labels) - gdv(&points(), &labels)).abs() < 1e-12);
        // Floors of tight classes: -1, -0.866, -0.775 for 2, 3 and 6.
        for (l, floor) in [(2, -1.0), (3, -0.866), (6, -0.775)] {
            let tight: Vec<Vec<f64>> = (0..6 * l).map(|i| (0..l).map(|d| f64::from(u8::from(i % l == d))).collect()).collect();
            let labels: Vec<usize> = (0..6 * l).map(|i| i % l).collect();
            assert!((gdv(&tight, &labels) - floor).abs() < 1e-3, "{l}: {}", gdv(&tight, &labels));
        }
        // A dimension that never varies counts nothing, and is no NaN.
        assert_eq!(gdv(&[vec![1.0], vec![1.0]], &[0, 1]), 0.0);
    }
}
