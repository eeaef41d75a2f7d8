//! Who meets next. A pairing is a function of the seed and the interaction's number, so any part of a
//! run can be worked out without the part before it.

use crate::seed::scale;
use crate::{AgentId, NOBODY, Network, Purpose, Seed};

/// Draws a uniform agent, then a uniform neighbour of it: the pairing of every published run.
/// The first drawn sits in the first seat.
#[inline]
pub fn agent_then_neighbour(seed: Seed, t: u64, network: &dyn Network) -> [AgentId; 2] {
    let [a, b] = draws(seed, t);
    let first = scale(a, u64::from(network.len())) as AgentId;
    let i = scale(b, u64::from(network.degree(first))) as u32;
    [first, network.neighbour(first, i)]
}

/// Draws a uniform agent, to be asked alone.
pub fn agent_alone(seed: Seed, t: u64, network: &dyn Network) -> [AgentId; 2] {
    let [a, _] = draws(seed, t);
    [scale(a, u64::from(network.len())) as AgentId, NOBODY]
}

#[inline]
pub(crate) fn draws(seed: Seed, t: u64) -> [u64; 2] {
    let [a, b, c, d] = seed.words(Purpose::Pair, t);
    [u64::from(a) | u64::from(b) << 32, u64::from(c) | u64::from(d) << 32]
}
