//! The tokens of a text under a model.

use serde::{Deserialize, Serialize};

/// A token of a text that a model was given, under what stood before it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    /// Its natural log-probability.
    pub logprob: f64,
    /// Mean and standard deviation of the log-probability of a token drawn from the model here, where all are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<[f64; 2]>,
}
