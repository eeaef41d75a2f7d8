//! What agents that read and write need: how they are told, how they are sampled, and how a name is read from
//! what they say. All of it is pure: no model is called here, and no file is opened.

pub mod answer;
pub mod comprehension;
pub mod facts;
pub mod held_out;
pub mod model;
pub mod normal;
pub mod protocol;
pub mod sampler;
pub mod scored;
pub mod spelling;
pub mod thinking;

use crate::policy::thresholds;

/// A message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Message {
    /// `system` or `user`.
    pub role: String,
    /// What it says, as it is sent.
    pub text: String,
}

/// What a model is shown: messages, and the words with which its answer is made to begin where that can be done.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Prompt {
    /// The oldest first.
    pub messages: Vec<Message>,
    /// Empty where an answer may begin as it likes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefill: String,
}

/// The probability with which an answer is each name of the pool; what is left over falls on answers that are none.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// By place in the pool. They add up to at most 1.
    pub names: Vec<f64>,
    /// Where each name's share of the 2^32 draws ends; draws beyond the last one are unusable answers.
    ends: Vec<u64>,
}

impl Distribution {
    /// From probabilities that add up to at most 1. What numbers of finite precision exceed is taken off.
    pub fn new(mut names: Vec<f64>) -> Distribution {
        let sum: f64 = names.iter().sum();
        if sum > 1.0 {
            names.iter_mut().for_each(|p| *p /= sum);
        }
        let mut ends = Vec::new();
        // A name of its own stands for what is left over, so that shares of draws stay where they are.
        let outside = (1.0 - names.iter().sum::<f64>()).max(0.0);
        // Less than a draw in 2^32 is rounding, and is nobody's.
        let whole: Vec<f64> = if outside < 1e-9 { names.clone() } else { names.iter().copied().chain([outside]).collect() };
        thresholds(&whole, &mut ends);
        ends.truncate(names.len());
        Distribution { names, ends }
    }

    /// The mean of distributions over the same names.
    pub fn mean<'a>(all: impl ExactSizeIterator<Item = &'a Distribution>) -> Distribution {
        let n = all.len() as f64;
        let mut names = Vec::new();
        for distribution in all {
            names.resize(distribution.names.len(), 0.0);
            names.iter_mut().zip(&distribution.names).for_each(|(sum, p)| *sum += p / n);
        }
        Distribution::new(names)
    }

    /// The probability of an unusable answer.
    pub fn outside(&self) -> f64 {
        (1.0 - self.names.iter().sum::<f64>()).max(0.0)
    }

    /// The name that a draw falls on; None where it falls on an unusable answer.
    #[inline]
    pub fn choose(&self, draw: u32) -> Option<u32> {
        let place = self.ends.iter().take_while(|&&end| u64::from(draw) >= end).count();
        (place < self.ends.len()).then_some(place as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_over_is_unusable_and_nothing_else_is() {
        let half = Distribution::new(vec![0.25, 0.25]);
        assert_eq!(half.choose(0), Some(0));
        assert_eq!(half.choose(1 << 30), Some(1));
        assert_eq!(half.choose(1 << 31), None);
        let whole = Distribution::new(vec![1.0 / 3.0; 3]);
        assert_eq!(whole.choose(u32::MAX), Some(2));
        assert_eq!(Distribution::new(vec![0.0, 0.0]).choose(0), None);
    }

    #[test]
    fn a_whole_distribution_chooses_as_a_policy_does() {
        let mut ends = Vec::new();
        thresholds(&[0.3, 0.7], &mut ends);
        let distribution = Distribution::new(vec![0.3, 0.7]);
        for draw in [0, 1 << 29, 1_288_490_188, 1_288_490_189, u32::MAX] {
            assert_eq!(distribution.choose(draw), Some(crate::policy::choose(&ends, draw)));
        }
    }
}
