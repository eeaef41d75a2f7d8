//! What is kept of a training, as plain data.

use serde::{Deserialize, Serialize};

/// A run.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct RunRecord {
    /// Its number: that of its point times the replicas, plus the replica.
    pub run: u64,
    /// Which of the runs of its point.
    pub replica: u64,
    /// Its seed.
    pub seed: u64,
    /// Steps that were taken.
    pub steps: u64,
    /// After how many steps the wanted success was reached.
    pub reached: Option<u64>,
    /// How likely an answer is right that does not depend on the message.
    pub chance: f64,
    /// How many items there are, held-out ones included.
    pub items: u64,
    /// How many different messages a sender has for them at the end, on average.
    pub distinct_messages: f64,
    /// How many symbols these have on average, without the stop.
    pub message_length: f64,
    /// Steps, as they were looked at.
    pub readings: Vec<Seen>,
    /// How receivers do with what others say, under each control.
    pub tried: Vec<Tried>,
    /// How agents do with each other.
    pub cross: Vec<Crossed>,
    /// What was said.
    pub messages: Vec<Spoken>,
    /// What messages are like.
    pub measures: Vec<MeasuredOnce>,
    /// The SHA-256 of all weights.
    pub digest: String,
}

/// A step as it was looked at: means over the steps since the one before, and how the agents do now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Seen {
    /// The step, from 1.
    pub step: u64,
    /// Who spoke last, from 1.
    pub sender: u64,
    /// Who heard last, from 1.
    pub receiver: u64,
    /// The loss of the task, in nats.
    pub loss: f64,
    /// The share of examples answered rightly, with symbols as they were drawn.
    pub success: f64,
    /// The same of items that are learnt from, with the likeliest symbols.
    pub success_greedy: f64,
    /// The entropy of the sender's symbols, in nats.
    pub entropy: f64,
    /// The length of messages, the stop included.
    pub length: f64,
    /// What losses were compared with.
    pub baseline: f64,
    /// How long gradients were.
    pub grad_norm: f64,
}

/// How receivers do under a control at the end, over all pairs of different agents.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Tried {
    /// What was done to messages; `as-trained` is what was done while agents learnt.
    pub control: String,
    /// Whether items are those that are learnt from, or those that are held out.
    pub held_out: bool,
    /// The share answered rightly, with the likeliest symbols.
    pub success: f64,
    /// The loss of the task, in nats.
    pub loss: f64,
}

/// How one agent does with what another says.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct Crossed {
    /// After how many steps.
    pub step: u64,
    /// Who speaks, from 1.
    pub sender: u64,
    /// Who hears, from 1.
    pub receiver: u64,
    /// The share of items answered rightly.
    pub success: f64,
    /// The share of items of which both say the same; missing where the receiver does not speak.
    pub same: Option<f64>,
    /// How alike what they say is: 1 less edits over length.
    pub similarity: Option<f64>,
}

/// A message about an item.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Spoken {
    /// After how many steps.
    pub step: u64,
    /// Who speaks, from 1.
    pub sender: u64,
    /// About what.
    pub item: u32,
    /// The likeliest symbols, without the stop.
    pub message: Vec<u32>,
    /// The logarithm of its probability.
    pub log_prob: f64,
    /// Whether the first other agent that hears answers rightly; at the end alone.
    pub right: Option<bool>,
    /// What it answers: attributes, or the place of a candidate.
    pub answer: Vec<u32>,
}

/// A measure of one sender's messages.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct MeasuredOnce {
    /// After how many steps.
    pub step: u64,
    /// Whose messages, from 1.
    pub sender: u64,
    /// Which measure.
    pub measure: String,
    /// Its value.
    pub value: f64,
    /// Its mean where messages are dealt out to items at random, what 95 % of these stay below, and how likely it is so.
    pub chance: Option<[f64; 3]>,
}
