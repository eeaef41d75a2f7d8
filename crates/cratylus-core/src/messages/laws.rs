//! Laws of words: how often they come up and how long they are (Zipf 1935, 1949). Meanings are absent, but for how often each
//! comes up.

use super::corpus::Corpus;
use super::topsim::spearman;
use crate::seed::{Purpose, Seed};
use crate::stats::quantile;
use std::collections::BTreeMap;

/// Things and how often each comes up, the most frequent first; of equally frequent ones the smallest.
pub fn ranked<T: Ord>(things: impl Iterator<Item = T>) -> Vec<(T, u32)> {
    let mut counts: BTreeMap<T, u32> = BTreeMap::new();
    things.for_each(|thing| *counts.entry(thing).or_default() += 1);
    let mut ranked: Vec<(T, u32)> = counts.into_iter().collect();
    ranked.sort_by_key(|b| std::cmp::Reverse(b.1));
    ranked
}

/// The slope of the logarithm of frequency over that of rank, by least squares; Zipf's law has -1. None of fewer than three
/// things.
pub fn zipf_slope(counts: &[u32]) -> Option<f64> {
    if counts.len() < 3 {
        return None;
    }
    let points: Vec<(f64, f64)> =
        counts.iter().enumerate().map(|(rank, &count)| ((rank as f64 + 1.0).ln(), f64::from(count).ln())).collect();
    let n = points.len() as f64;
    let (x, y) = (points.iter().map(|p| p.0).sum::<f64>() / n, points.iter().map(|p| p.1).sum::<f64>() / n);
    let over: f64 = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
    Some(over / points.iter().map(|p| (p.0 - x) * (p.0 - x)).sum::<f64>())
}

/// Spearman's correlation of rank and length: above 0 where frequent ones are shorter. Ranks are 1, 2, 3 … in this order.
pub fn brevity(lengths: &[usize]) -> f64 {
    let ranks: Vec<f64> = (0..lengths.len()).map(|rank| rank as f64).collect();
    spearman(&ranks, &lengths.iter().map(|&length| length as f64).collect::<Vec<_>>())
}

/// Whether what is met more often is said in fewer symbols: Spearman's correlation of the rank of each item, the most frequent
/// first, and the length of what is said of it; with its mean, what 95 % stay below, and its p-value where lengths are dealt out
/// to items anew. None where all are equally long.
pub fn brevity_of_items(lengths: &[usize], permutations: usize, seed: Seed) -> Option<(f64, [f64; 3])> {
    let value = brevity(lengths);
    if value.is_nan() {
        return None;
    }
    let mut dealt = lengths.to_vec();
    let mut drawn: Vec<f64> = (0..permutations as u64)
        .map(|t| {
            seed.stream(Purpose::Resample, 2 << 32 | t).shuffle(&mut dealt, lengths.len());
            brevity(&dealt)
        })
        .collect();
    drawn.sort_by(f64::total_cmp);
    let as_good = drawn.iter().filter(|one| **one >= value - 1e-9).count();
    let mean = drawn.iter().sum::<f64>() / permutations.max(1) as f64;
    let p = (as_good + 1) as f64 / (permutations + 1) as f64;
    Some((value, [mean, quantile(&drawn, 0.95), p]))
}

/// The mean length, in symbols without the stop, of the shortest code in which things of these frequencies, the most frequent first,
/// have words of their own from so many symbols; the empty word is one.
pub fn optimal_mean_length(frequencies: &[f64], symbols: usize) -> f64 {
    let (mut length, mut left, mut sum) = (0usize, 1.0f64, 0.0);
    for frequency in frequencies {
        if left < 1.0 {
            length += 1;
            left = (symbols as f64).powi(length as i32);
        }
        left -= 1.0;
        sum += length as f64 * frequency;
    }
    sum / frequencies.iter().sum::<f64>()
}

/// The length of each message, its stop symbol counted: so many symbols as stand before the stop, and one; where none stands,
/// all of them.
pub fn lengths_with_stop(corpus: &Corpus, stop: u32) -> Vec<usize> {
    let length = |message: &[u32]| message.iter().position(|&symbol| symbol == stop).map_or(message.len(), |at| at + 1);
    corpus.messages().map(length).collect()
}
