//! What foretells text, word by word: a network, and the rivals that every table has beside it.

use crate::corpus::Corpus;
use crate::net::Reader;
use crate::response::{Trained, log_shares};
use std::collections::HashMap;

/// What foretells text.
pub trait Foretells: Sync {
    /// The logarithms of the probabilities of the next token after each token of a text, over all words.
    fn next_of_all(&self, tokens: &[u32]) -> Vec<Vec<f64>>;

    /// The same after the whole text alone.
    fn next(&self, tokens: &[u32]) -> Vec<f64> {
        self.next_of_all(tokens).pop().unwrap_or_default()
    }

    /// The same of a text of at most so many tokens that is read one by one.
    fn reading(&self, longest: usize) -> Box<dyn Reads + '_>;

    /// The loss of every token of a text but the first, in nats.
    fn losses(&self, tokens: &[u32]) -> Vec<f64> {
        self.next_of_all(tokens).iter().zip(&tokens[1..]).map(|(next, &token)| -next[token as usize]).collect()
    }
}

/// What is in the midst of a text.
pub trait Reads {
    /// Reads a token, and gives the logarithms of the probabilities of the next.
    fn read(&mut self, token: u32) -> Vec<f64>;
}

impl Reads for Reader<'_> {
    fn read(&mut self, token: u32) -> Vec<f64> {
        log_shares(Reader::read(self, token))
    }
}

impl Foretells for Trained {
    fn next_of_all(&self, tokens: &[u32]) -> Vec<Vec<f64>> {
        Trained::next_of_all(self, tokens)
    }

    fn next(&self, tokens: &[u32]) -> Vec<f64> {
        Trained::next(self, tokens)
    }

    fn reading(&self, longest: usize) -> Box<dyn Reads + '_> {
        Box::new(Reader::new(self.shape, &self.weights, longest))
    }
}

/// What counts which word follows two others: how far one gets without a network. Longer contexts are mixed with shorter ones
/// by how many words were seen to follow them (Witten & Bell 1991).
pub struct Trigram {
    vocabulary: usize,
    /// For contexts of 0, 1 and 2 words: how often each word follows.
    counts: [HashMap<Vec<u32>, HashMap<u32, f64>>; 3],
}

impl Trigram {
    /// Of the first so many rows of a corpus.
    pub fn of(corpus: &Corpus, rows: u64) -> Trigram {
        let mut counts: [HashMap<Vec<u32>, HashMap<u32, f64>>; 3] = Default::default();
        for row in 0..corpus.spec.rows.min(rows) {
            let tokens = corpus.words.tokens(&corpus.row(row).written.words);
            for at in 1..tokens.len() {
                for (n, counts) in counts.iter_mut().enumerate().take(at + 1) {
                    *counts.entry(tokens[at - n..at].to_vec()).or_default().entry(tokens[at]).or_default() += 1.0;
                }
            }
        }
        Trigram { vocabulary: corpus.words.len(), counts }
    }

    fn shares(&self, before: &[u32]) -> Vec<f64> {
        let mut shares = vec![1.0 / self.vocabulary as f64; self.vocabulary];
        for (n, counts) in self.counts.iter().enumerate().take(before.len() + 1) {
            let Some(follow) = counts.get(&before[before.len() - n..]) else { continue };
            let (all, kinds) = (follow.values().sum::<f64>(), follow.len() as f64);
            let shorter = kinds / (all + kinds);
            shares.iter_mut().for_each(|share| *share *= shorter);
            for (word, count) in follow {
                shares[*word as usize] += count / (all + kinds);
            }
        }
        shares
    }
}

impl Foretells for Trigram {
    fn next_of_all(&self, tokens: &[u32]) -> Vec<Vec<f64>> {
        (1..=tokens.len()).map(|n| self.next(&tokens[..n])).collect()
    }

    fn next(&self, tokens: &[u32]) -> Vec<f64> {
        let before = &tokens[tokens.len().saturating_sub(2)..];
        self.shares(before).into_iter().map(f64::ln).collect()
    }

    fn reading(&self, _: usize) -> Box<dyn Reads + '_> {
        Box::new(LastTwo { of: self, last: Vec::new() })
    }
}

/// What counts, in the midst of a text, of which it knows the end alone.
struct LastTwo<'t> {
    of: &'t Trigram,
    last: Vec<u32>,
}

impl Reads for LastTwo<'_> {
    fn read(&mut self, token: u32) -> Vec<f64> {
        self.last.push(token);
        self.last.drain(..self.last.len().saturating_sub(2));
        self.of.next(&self.last)
    }
}

/// Words drawn one after the other, until one of `ends` or so many; at a temperature of 0 always the likeliest.
pub fn written(
    of: &dyn Foretells,
    prompt: &[u32],
    ends: &[u32],
    most: usize,
    temperature: f64,
    draws: &mut cratylus_core::seed::Stream,
) -> Vec<u32> {
    let mut reading = of.reading(prompt.len() + most);
    let mut next = Vec::new();
    prompt.iter().for_each(|&token| next = reading.read(token));
    let mut tokens = Vec::new();
    while tokens.len() < most {
        let token = match temperature > 0.0 {
            true => drawn(&next, temperature, draws.unit()),
            // Of equals the first.
            false => (0..next.len()).rev().max_by(|&a, &b| next[a].total_cmp(&next[b])).unwrap_or(0),
        };
        tokens.push(token as u32);
        if ends.contains(&(token as u32)) {
            break;
        }
        next = reading.read(token as u32);
    }
    tokens
}

fn drawn(next: &[f64], temperature: f64, at: f64) -> usize {
    let most = next.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = next.iter().map(|log| ((log - most) / temperature).exp()).collect();
    let mut left = at * weights.iter().sum::<f64>();
    let found = weights.iter().position(|weight| {
        left -= weight;
        left < 0.0
    });
    found.unwrap_or(weights.len() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::CorpusSpec;
    use cratylus_core::experiment::Document;
    use cratylus_core::seed::{Purpose, Seed};
    use cratylus_core::spec::NoInputs;

    #[test]
    fn counts_foretell_what_follows_two_words_and_their_shares_add_up() {
        let text = "seed = 1\n[corpus]\nrows = 400\ncontext = 40\n[[ingredients]]\nkind = \"sentences\"\n";
        let spec = Document::parse("c", text, &[]).unwrap().read(CorpusSpec::read).unwrap();
        let corpus = Corpus::open(spec, &NoInputs).unwrap();
        let trigram = Trigram::of(&corpus, 400);
        let tokens = corpus.words.tokens(&corpus.fresh(0, 1).words);
        for next in trigram.next_of_all(&tokens) {
            assert!((next.iter().map(|log| log.exp()).sum::<f64>() - 1.0).abs() < 1e-9);
        }
        let loss = |of: &dyn Foretells| {
            let losses: Vec<f64> = (0..20).flat_map(|row| of.losses(&corpus.words.tokens(&corpus.fresh(0, row).words))).collect();
            losses.iter().sum::<f64>() / losses.len() as f64
        };
        let nothing = Trigram { vocabulary: corpus.words.len(), counts: Default::default() };
        assert!((loss(&nothing) - (corpus.words.len() as f64).ln()).abs() < 1e-9);
        assert!(loss(&trigram) < 0.75 * loss(&nothing), "{}", loss(&trigram));
        // What is written is what is likely, and ends where it should.
        let begin = [corpus.words.token("<bos>")];
        let end = [corpus.words.token("<sep>")];
        let text = written(&trigram, &begin, &end, 60, 1.0, &mut Seed(1).stream(Purpose::Row, 0));
        assert!(text.len() > 3 && text.last() == Some(&end[0]), "{text:?}");
        assert_eq!(drawn(&[0.0, 0.0], 1.0, 0.49), 0);
        assert_eq!(drawn(&[0.0, 0.0], 1.0, 0.51), 1);
        assert_eq!(drawn(&[0.0, -1.0], 0.01, 0.999), 0);
    }
}
