//! What a model that was trained here would say in a game of two names, for every memory: its whole response, from its weights.

use crate::corpus::Words;
use crate::corpus::lexicon::{BEGIN, MARKERS, Signs, THEN};
use crate::net::{Lane, NetShape, NetWork};
use cratylus_core::kernel::{Kernel, all_states};
use cratylus_core::language::scored::Scored;
use cratylus_core::policy::Round;
use std::collections::HashMap;

/// A model that can be asked.
pub struct Trained {
    /// How large it is.
    pub shape: NetShape,
    /// Its weights.
    pub weights: Vec<f32>,
    /// Its words.
    pub words: Words,
}

/// So many prompts are read at a time.
const PROMPTS: usize = 64;

impl Trained {
    /// The logarithms of the probabilities of the next token, over all words.
    pub fn next(&self, prompt: &[u32]) -> Vec<f64> {
        let logits = self.logits(prompt);
        log_shares(&logits[(prompt.len() - 1) * self.shape.vocabulary..])
    }

    /// The same after every token of a text.
    pub fn next_of_all(&self, tokens: &[u32]) -> Vec<Vec<f64>> {
        self.logits(tokens).chunks_exact(self.shape.vocabulary).map(log_shares).collect()
    }

    /// What it holds at each position of a text: before the first block, and after each; `layers x positions x width`.
    pub fn layers(&self, tokens: &[u32]) -> Vec<Vec<Vec<f64>>> {
        let mut work = NetWork::new(NetShape { context: tokens.len(), ..self.shape });
        work.logits(&self.weights, tokens);
        let of = |stream: &Vec<f32>| {
            stream.chunks_exact(self.shape.width).map(|held| held.iter().map(|&x| f64::from(x)).collect()).collect()
        };
        work.streams().iter().map(of).collect()
    }

    /// So many tokens after a text, each the likeliest.
    pub fn completed(&self, prompt: &[u32], n: usize) -> Vec<u32> {
        let mut tokens = prompt.to_vec();
        for _ in 0..n {
            let next = self.next(&tokens);
            // Of equals the first, so that it is the same everywhere.
            let best = (0..next.len()).rev().max_by(|&a, &b| next[a].total_cmp(&next[b]));
            tokens.push(best.expect("there are words") as u32);
        }
        tokens.split_off(prompt.len())
    }

    /// Every token of a text but the first, under those before it.
    pub fn scores(&self, tokens: &[u32]) -> Vec<Scored> {
        let logits = self.logits(tokens);
        let of = |(row, &token): (&[f32], &u32)| {
            let logs = log_shares(row);
            let mean = |of: &dyn Fn(f64) -> f64| logs.iter().map(|&log| log.exp() * of(log)).sum::<f64>();
            let middle = mean(&|log| log);
            let sd = mean(&|log| (log - middle).powi(2)).sqrt();
            Scored { logprob: logs[token as usize], next: Some([middle, sd]) }
        };
        logits.chunks_exact(self.shape.vocabulary).zip(&tokens[1..]).map(of).collect()
    }

    /// Of every position. Weights do not know how long rows are, so the network is as long as the prompt.
    fn logits(&self, tokens: &[u32]) -> Vec<f32> {
        NetWork::new(NetShape { context: tokens.len(), ..self.shape }).logits(&self.weights, tokens).to_vec()
    }

    /// The response to two names with a memory of so many rounds, shown in this order and in the other. What is probable
    /// beside the two names is left out. Every state is a beginning of one of the longest, so these are all that is read.
    pub fn responses(&self, names: [&str; 2], memory: usize, signs: Signs) -> [Kernel; 2] {
        let tokens = names.map(|name| self.words.token(name));
        let signs = signs.words().map(|sign| self.words.token(sign));
        let longest: Vec<Vec<Round>> = all_states(memory).into_iter().filter(|window| window.len() == memory).collect();
        [[0, 1], [1, 0]].map(|order: [usize; 2]| {
            let mut opening = [BEGIN, MARKERS[0]].map(|word| self.words.token(word)).to_vec();
            opening.extend(order.map(|name| tokens[name]));
            opening.push(self.words.token(THEN));
            // Weights do not know how long rows are, so they need be no longer than this.
            let shape = NetShape { context: opening.len() + 3 * memory, ..self.shape };
            let mut work = NetWork::new(shape);
            let mut found: HashMap<Vec<Round>, f64> = HashMap::new();
            for windows in longest.chunks(PROMPTS) {
                let mut prompts = Vec::new();
                for window in windows {
                    prompts.extend(&opening);
                    for &[own, partner] in window {
                        let agreed = signs[usize::from(own == partner)];
                        prompts.extend([tokens[usize::from(own)], tokens[usize::from(partner)], agreed]);
                    }
                }
                let logits = work.logits(&self.weights, &prompts);
                for (i, window) in windows.iter().enumerate() {
                    for rounds in 0..=memory {
                        let at = i * shape.context + opening.len() + 3 * rounds - 1;
                        let row = &logits[at * shape.vocabulary..][..shape.vocabulary];
                        let [a, b] = tokens.map(|token| f64::from(row[token as usize]));
                        found.insert(window[..rounds].to_vec(), 1.0 / (1.0 + (b - a).exp()));
                    }
                }
            }
            Kernel::of(memory, |window| found[window])
        })
    }

    /// The loss of every word of a row but the first, in nats.
    pub fn losses(&self, row: &[&str]) -> Vec<f64> {
        let shape = NetShape { context: row.len() - 1, ..self.shape };
        let mut lane = Lane::default();
        lane.push(&self.words.tokens(row), shape.context);
        NetWork::new(shape).judge(&self.weights, &lane).iter().map(|&loss| f64::from(loss)).collect()
    }
}

/// Logits as logarithms of shares of one.
pub(crate) fn log_shares(logits: &[f32]) -> Vec<f64> {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|&logit| f64::from(logit - most).exp()).sum();
    logits.iter().map(|&logit| f64::from(logit - most) - sum.ln()).collect()
}
