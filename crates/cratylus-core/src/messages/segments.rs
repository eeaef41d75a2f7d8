//! Where words may end inside messages: Harris's articulation scheme (Tanaka-Ishii 2021; Ueda, Ishii & Miyao 2023, ICLR, whose
//! rules these are). A boundary is where it becomes less certain what follows, by more than a threshold. Meanings are absent.

use super::corpus::Corpus;
use super::information::entropy;
use std::collections::BTreeMap;

/// What the scheme finds.
#[derive(Clone, Debug, PartialEq)]
pub struct Segments {
    /// The mean branching entropy after contexts of each length from 0 on, in bits. What stands at the end counts as context
    /// that nothing follows, as in the published code, so these are no entropies of the text book.
    pub entropies: Vec<f64>,
    /// Where each message is cut: after so many symbols.
    pub boundaries: Vec<Vec<usize>>,
    /// The pieces of each message.
    pub pieces: Vec<Vec<Vec<u32>>>,
}

impl Segments {
    /// How many different pieces there are.
    pub fn distinct(&self) -> usize {
        self.pieces.iter().flatten().collect::<std::collections::BTreeSet<_>>().len()
    }

    /// How many boundaries a message has on average.
    pub fn mean_boundaries(&self) -> f64 {
        self.boundaries.iter().map(Vec::len).sum::<usize>() as f64 / self.boundaries.len().max(1) as f64
    }
}

/// Cuts messages where the branching entropy rises by more than `threshold` bits.
pub fn segments(corpus: &Corpus, threshold: f64) -> Segments {
    // How often each stretch stands in the messages, and what follows it.
    let mut counts: BTreeMap<&[u32], u32> = BTreeMap::new();
    let mut next: BTreeMap<&[u32], BTreeMap<u32, u32>> = BTreeMap::new();
    let mut all = 0;
    for message in corpus.messages() {
        all += message.len() as u32;
        for from in 0..message.len() {
            for to in from..message.len() {
                if to > from {
                    *counts.entry(&message[from..to]).or_default() += 1;
                }
                *next.entry(&message[from..to]).or_default().entry(message[to]).or_default() += 1;
            }
            *counts.entry(&message[from..]).or_default() += 1;
        }
    }
    counts.insert(&[], all);
    let branching = |context: &[u32]| -> f64 {
        let count = f64::from(counts.get(context).copied().unwrap_or(0));
        let part = |&n: &u32| f64::from(n) * (f64::from(n).log2() - count.log2());
        next.get(context).map_or(0.0, |after| -after.values().map(part).sum::<f64>() / count)
    };
    let mut sums: Vec<(f64, f64)> = Vec::new();
    for (context, &count) in &counts {
        if sums.len() <= context.len() {
            sums.resize(context.len() + 1, (0.0, 0.0));
        }
        let (sum, of) = &mut sums[context.len()];
        *sum += f64::from(count) * branching(context);
        *of += f64::from(count);
    }
    let mut boundaries = Vec::new();
    for message in corpus.messages() {
        let mut here = Vec::new();
        let (mut start, mut width) = (0, 2);
        while start < message.len() {
            let context = &message[start..(start + width).min(message.len())];
            if branching(context) - branching(&context[..context.len() - 1]) > threshold {
                here.push(start + width);
            }
            (start, width) = if start + width + 1 < message.len() { (start, width + 1) } else { (start + 1, 2) };
        }
        here.sort_unstable();
        here.dedup();
        boundaries.push(here);
    }
    let cut = |(message, ends): (&[u32], &Vec<usize>)| {
        let ends = ends.iter().copied().filter(|&end| end < message.len()).chain([message.len()]);
        ends.scan(0, |from, to| Some(message[std::mem::replace(from, to)..to].to_vec())).collect::<Vec<_>>()
    };
    let pieces = corpus.messages().zip(&boundaries).map(cut).collect();
    Segments { entropies: sums.into_iter().map(|(sum, of)| if of > 0.0 { sum / of } else { 0.0 }).collect(), boundaries, pieces }
}

/// The entropy of which pieces come up, in bits.
pub fn entropy_of_pieces(segments: &Segments) -> f64 {
    let mut counts: BTreeMap<&Vec<u32>, u32> = BTreeMap::new();
    segments.pieces.iter().flatten().for_each(|piece| *counts.entry(piece).or_default() += 1);
    entropy(counts.into_values())
}
