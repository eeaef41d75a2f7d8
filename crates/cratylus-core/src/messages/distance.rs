//! How far two meanings and two messages are from each other, by the names that the literature uses.

use super::corpus::Corpus;

/// How far two meanings are from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeaningDistance {
    /// The share of attributes that differ.
    Hamming,
    /// One less the cosine: of features, or of attributes as one-hot numbers, where it orders pairs as Hamming does.
    Cosine,
    /// Of features; of attributes by the numbers that stand for their values.
    Euclidean,
    /// Of attributes as a sequence.
    Levenshtein,
}

/// How far two messages are from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageDistance {
    /// Insertions, removals and replacements.
    Levenshtein,
    /// The same divided by the mean of both lengths, as EGG's library has it.
    LevenshteinByMean,
    /// Divided by the length of the first, as EGG's games have it. It depends on the order of the rows.
    LevenshteinByFirst,
    /// Divided by the longer length.
    LevenshteinByLonger,
    /// The share of places that differ; after the end of the shorter one all do.
    Hamming,
    /// One less the share of symbols, as sets, that both have.
    Jaccard,
}

impl MeaningDistance {
    /// All, by name.
    pub const ALL: [(&str, MeaningDistance); 4] = [
        ("hamming", MeaningDistance::Hamming),
        ("cosine", MeaningDistance::Cosine),
        ("euclidean", MeaningDistance::Euclidean),
        ("levenshtein", MeaningDistance::Levenshtein),
    ];

    /// The distance of two rows.
    pub fn between(self, corpus: &Corpus, a: usize, b: usize) -> f64 {
        if let (Some(x), Some(y)) = (corpus.features(a), corpus.features(b)) {
            return match self {
                MeaningDistance::Cosine => cosine(x, y),
                MeaningDistance::Euclidean => x.iter().zip(y).map(|(x, y)| (x - y) * (x - y)).sum::<f64>().sqrt(),
                MeaningDistance::Hamming | MeaningDistance::Levenshtein => {
                    x.iter().zip(y).filter(|(x, y)| x != y).count() as f64 / x.len() as f64
                }
            };
        }
        let (x, y) = (corpus.meaning(a), corpus.meaning(b));
        let differ = x.iter().zip(y).filter(|(x, y)| x != y).count() as f64 / x.len().max(1) as f64;
        match self {
            MeaningDistance::Hamming | MeaningDistance::Cosine => differ,
            MeaningDistance::Euclidean => {
                x.iter().zip(y).map(|(&x, &y)| (f64::from(x) - f64::from(y)).powi(2)).sum::<f64>().sqrt()
            }
            MeaningDistance::Levenshtein => f64::from(levenshtein(x, y)),
        }
    }
}

impl MessageDistance {
    /// All, by name.
    pub const ALL: [(&str, MessageDistance); 6] = [
        ("levenshtein", MessageDistance::Levenshtein),
        ("levenshtein-by-mean", MessageDistance::LevenshteinByMean),
        ("levenshtein-by-first", MessageDistance::LevenshteinByFirst),
        ("levenshtein-by-longer", MessageDistance::LevenshteinByLonger),
        ("hamming", MessageDistance::Hamming),
        ("jaccard", MessageDistance::Jaccard),
    ];

    /// The distance of two messages; 0 where both are empty.
    pub fn between(self, a: &[u32], b: &[u32]) -> f64 {
        let longer = a.len().max(b.len());
        if longer == 0 {
            return 0.0;
        }
        if let Some(of_edits) = self.of_edits() {
            return of_edits(f64::from(levenshtein(a, b)), a.len() as f64, b.len() as f64);
        }
        match self {
            MessageDistance::Hamming => {
                let same = a.iter().zip(b).filter(|(a, b)| a == b).count();
                (longer - same) as f64 / longer as f64
            }
            MessageDistance::Jaccard => {
                let set = |of: &[u32]| of.iter().copied().collect::<std::collections::BTreeSet<u32>>();
                let (a, b) = (set(a), set(b));
                1.0 - a.intersection(&b).count() as f64 / a.union(&b).count() as f64
            }
            _ => unreachable!("those that count edits were answered"),
        }
    }

    /// What becomes of a number of edits between messages of two lengths; none where it is not edits that count.
    pub(super) fn of_edits(self) -> Option<fn(f64, f64, f64) -> f64> {
        // Two empty messages are 0 apart, whatever they are divided by.
        match self {
            MessageDistance::Levenshtein => Some(|edits, _, _| edits),
            MessageDistance::LevenshteinByMean => Some(|edits, a, b| if edits > 0.0 { edits / ((a + b) / 2.0) } else { 0.0 }),
            MessageDistance::LevenshteinByFirst => Some(|edits, a, _| edits / a.max(1.0)),
            MessageDistance::LevenshteinByLonger => Some(|edits, a, b| edits / a.max(b).max(1.0)),
            MessageDistance::Hamming | MessageDistance::Jaccard => None,
        }
    }
}

fn cosine(x: &[f64], y: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let of = dot(x, x).sqrt() * dot(y, y).sqrt();
    if of > 0.0 { 1.0 - dot(x, y) / of } else { f64::from(u8::from(dot(x, x) != dot(y, y))) }
}

/// How many insertions, removals and replacements make one sequence of the other (Levenshtein 1966).
pub fn levenshtein(a: &[u32], b: &[u32]) -> u32 {
    // What both begin and end with costs nothing.
    let head = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[head..], &b[head..]);
    let tail = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[..a.len() - tail], &b[..b.len() - tail]);
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    match short.len() {
        0 => return long.len() as u32,
        1 => return long.len() as u32 - u32::from(long.contains(&short[0])),
        _ => (),
    }
    let mut few = [0u32; 32];
    let mut many = Vec::new();
    let row: &mut [u32] = match short.len() < few.len() {
        true => &mut few[..=short.len()],
        false => {
            many.resize(short.len() + 1, 0);
            &mut many
        }
    };
    row.iter_mut().enumerate().for_each(|(j, cost)| *cost = j as u32);
    for (i, x) in long.iter().enumerate() {
        let (mut corner, mut left) = (i as u32, i as u32 + 1);
        row[0] = left;
        for (j, y) in short.iter().enumerate() {
            let above = row[j + 1];
            left = (corner + u32::from(x != y)).min(above + 1).min(left + 1);
            row[j + 1] = left;
            corner = above;
        }
    }
    row[short.len()]
}

/// Longer messages have no [`Pattern`].
pub(super) const LONGEST: usize = 32;

/// A message against which many others are counted, each in as many steps as it has symbols: a column of the table of costs is
/// two words (Myers 1999, J. ACM 46:395; in the form of Hyyrö 2003).
pub(super) struct Pattern {
    length: usize,
    /// Where each of its symbols stands, as bits.
    places: Vec<(u32, u64)>,
    /// The same by symbol, for small ones.
    small: [u64; 256],
}

impl Pattern {
    /// Of at most [`LONGEST`] symbols.
    pub fn of(message: &[u32]) -> Pattern {
        let mut pattern = Pattern { length: message.len(), places: Vec::new(), small: [0; 256] };
        for (at, &symbol) in message.iter().enumerate() {
            match pattern.small.get_mut(symbol as usize) {
                Some(bits) => *bits |= 1 << at,
                None => match pattern.places.iter_mut().find(|(one, _)| *one == symbol) {
                    Some((_, bits)) => *bits |= 1 << at,
                    None => pattern.places.push((symbol, 1 << at)),
                },
            }
        }
        pattern
    }

    /// How many edits make the other message of it.
    pub fn edits(&self, other: &[u32]) -> u32 {
        if self.length == 0 {
            return other.len() as u32;
        }
        let (mut more, mut less, mut cost, last) = (u64::MAX, 0u64, self.length as u32, 1u64 << (self.length - 1));
        for &symbol in other {
            let same = match self.small.get(symbol as usize) {
                Some(bits) => *bits,
                None => self.places.iter().find(|(one, _)| *one == symbol).map_or(0, |(_, bits)| *bits),
            };
            let diagonal = (((same & more).wrapping_add(more)) ^ more) | same | less;
            let (up, down) = (less | !(diagonal | more), more & diagonal);
            cost = cost + u32::from(up & last != 0) - u32::from(down & last != 0);
            let (up, down) = (up << 1 | 1, down << 1);
            (more, less) = (down | !(diagonal | up), up & diagonal);
        }
        cost
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Purpose, Seed};

    #[test]
    fn edits_are_the_same_counted_in_words_and_in_a_table() {
        let mut draws = Seed(3).stream(Purpose::Resample, 0);
        for _ in 0..20_000 {
            let symbols = [2, 5, 400][draws.below(3) as usize];
            let mut message = || {
                let length = draws.below(LONGEST as u64 + 1);
                (0..length).map(|_| draws.below(symbols) as u32).collect::<Vec<_>>()
            };
            let (a, b) = (message(), message());
            assert_eq!(Pattern::of(&a).edits(&b), levenshtein(&a, &b), "{a:?} {b:?}");
        }
    }
}
