//! What one step takes and what comes of it, in whatever precision it is computed. No arithmetic but the means of baselines.

use super::draws::Examples;
use super::items::Items;
use super::messages::Messages;
use super::setup::{Baseline, Setup};
use super::shape::Shape;
use serde::{Deserialize, Serialize};

/// What losses are compared with: means over the batches before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Baselines {
    /// How many batches there were.
    pub batches: u64,
    /// The mean of their mean losses.
    pub loss: f64,
    /// The mean of their mean costs of length.
    pub length: f64,
}

impl Baselines {
    /// Takes in the means of a batch, after they were used.
    pub fn see(&mut self, loss: f64, length: f64) {
        self.batches += 1;
        self.loss += (loss - self.loss) / self.batches as f64;
        self.length += (length - self.length) / self.batches as f64;
    }
}

/// What each of some numbers is compared with.
pub(super) fn compared(by: Baseline, mean: f64, numbers: &[f64]) -> Vec<f64> {
    let sum: f64 = numbers.iter().sum();
    let others = (numbers.len() as f64 - 1.0).max(1.0);
    let with = |number: f64| match by {
        Baseline::Mean => mean,
        Baseline::None => 0.0,
        Baseline::Others => (sum - number) / others,
    };
    numbers.iter().map(|&number| number - with(number)).collect()
}

/// What a step is computed from, but the weights.
#[derive(Clone, Copy)]
pub(super) struct Round<'a> {
    pub setup: &'a Setup,
    pub shape: &'a Shape,
    pub items: &'a Items,
    pub examples: &'a Examples,
    pub baselines: Baselines,
    /// Of relaxed symbols.
    pub temperature: f64,
}

/// What came of a step: means over the places of a batch, before weights change.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    /// The loss of the task alone.
    pub loss: f64,
    /// What the gradient is of: with the score function's terms, entropies and the cost of length.
    pub optimised: f64,
    /// The share of places where all is right.
    pub success: f64,
    /// The mean entropy of the sender's symbols in nats: of each message the mean over its length.
    pub entropy: f64,
    /// The mean length, the stop included; of relaxed messages the expected one.
    pub length: f64,
    /// The mean cost of length.
    pub length_cost: f64,
    /// What was said; of relaxed messages the likeliest symbols.
    pub messages: Messages,
}
