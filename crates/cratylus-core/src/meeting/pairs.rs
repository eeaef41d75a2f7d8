//! Who meets next. A pairing is a function of the seed and the interaction's number, so any part of a
//! run can be worked out without the part before it, and ahead of the agents' states.

use crate::seed::{Purpose, scale};
use crate::{AgentId, NOBODY, Network, Seed};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the two agents of an interaction are drawn, and whether a round's interactions see one another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Pairing {
    /// A uniform agent, which speaks first, then a uniform neighbour of it: the pairing of every published run.
    #[default]
    AgentThenNeighbour,
    /// The same the other way round: the agent drawn first hears, and its neighbour speaks.
    NeighbourThenAgent,
    /// A uniform edge, in a random direction.
    Edge,
    /// Rounds in which everybody meets one other: a random perfect matching each, of half as many interactions as there
    /// are agents. Where their number is odd, one sits out. On the complete network.
    RandomMatching,
    /// As agent-then-neighbour, in rounds of as many interactions as there are agents; everybody decides by what was so
    /// when the round began, and learns when it is over.
    AllAtOnce,
}

impl Pairing {
    /// Every pairing with its word in experiment files.
    pub const ALL: [(Pairing, &str); 5] = [
        (Pairing::AgentThenNeighbour, "agent-then-neighbour"),
        (Pairing::NeighbourThenAgent, "neighbour-then-agent"),
        (Pairing::Edge, "edge"),
        (Pairing::RandomMatching, "random-matching"),
        (Pairing::AllAtOnce, "all-at-once"),
    ];

    /// The agents drawn by the 64 bits of an interaction, the speaker first. Not for matchings, which need a whole round.
    #[inline(always)]
    pub fn draw(self, bits: u64, network: &dyn Network) -> [AgentId; 2] {
        if self == Pairing::Edge {
            return network.half_edge(scale(bits, network.half_edges()));
        }
        let (first, rest) = split(bits, network.len());
        let second = network.neighbour(first, scale(rest, u64::from(network.degree(first))) as u32);
        if self == Pairing::NeighbourThenAgent { [second, first] } else { [first, second] }
    }
}

/// A number in `0..n` from 64 bits, and the 64 bits that are left below it. A second number in `0..m` from those leaves no
/// pair likelier than another by more than a share n m / 2^64.
#[inline(always)]
pub(crate) fn split(bits: u64, n: u32) -> (u32, u64) {
    // The 96 bits of the product in two halves, which wide registers multiply.
    let low = (bits & 0xFFFF_FFFF) * u64::from(n);
    let high = (bits >> 32) * u64::from(n) + (low >> 32);
    ((high >> 32) as u32, high << 32 | low & 0xFFFF_FFFF)
}

/// Who sits where in each interaction of a run, asked in their order; where an agent is asked alone, nobody is second.
pub enum Pairs {
    /// One agent is asked alone.
    Alone,
    /// Two, each interaction by itself.
    Two(Pairing),
    /// Two, a round at a time.
    Matching(Matching),
}

impl Pairs {
    /// Those of a game, in which one agent may be asked alone.
    pub fn of(alone: bool, pairing: Pairing) -> Pairs {
        if alone { Pairs::Alone } else { Pairs::two(pairing) }
    }

    /// Those of a game of two.
    pub fn two(pairing: Pairing) -> Pairs {
        match pairing {
            Pairing::RandomMatching => Pairs::Matching(Matching::default()),
            pairing => Pairs::Two(pairing),
        }
    }

    /// Who sits where in interaction `t`, the speaker first.
    #[inline]
    pub fn draw(&mut self, seed: Seed, t: u64, network: &dyn Network) -> [AgentId; 2] {
        match self {
            Pairs::Alone => [scale(seed.pair(t), u64::from(network.len())) as AgentId, NOBODY],
            Pairs::Two(pairing) => pairing.draw(seed.pair(t), network),
            Pairs::Matching(matching) => matching.draw(seed, t, network.len()),
        }
    }
}

/// The matchings of a run, one round at a time.
#[derive(Default)]
pub struct Matching {
    order: Vec<AgentId>,
    /// The round that `order` is of, from 1; 0 before the first.
    round: u64,
}

impl Matching {
    /// Who sits where in interaction `t` among `size` agents.
    pub fn draw(&mut self, seed: Seed, t: u64, size: u32) -> [AgentId; 2] {
        let half = u64::from(size / 2);
        let (round, at) = (t / half, (t % half) as usize);
        if self.round != round + 1 {
            self.order.clear();
            self.order.extend(0..size);
            seed.stream(Purpose::Pair, 1 << 63 | round).shuffle(&mut self.order, size as usize);
            self.round = round + 1;
        }
        [self.order[2 * at], self.order[2 * at + 1]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meeting::networks::{Complete, EdgeList};
    use std::collections::BTreeMap;

    #[test]
    fn every_pair_is_as_likely_as_it_should_be() {
        // A star of four: the centre is in every pair.
        let star = EdgeList::of(vec![(0, 1), (0, 2), (0, 3)], 4).unwrap();
        let check = |pairing: Pairing, network: &dyn Network, pair: [AgentId; 2], due: f64| {
            let n = 40_000;
            let met = (0..n).filter(|&t| pairing.draw(Seed(5).pair(t), network) == pair).count() as f64;
            let sd = (n as f64 * due * (1.0 - due)).sqrt();
            assert!((met - n as f64 * due).abs() < 4.0 * sd + 1e-9, "{pairing:?} {pair:?}: {met}");
        };
        check(Pairing::AgentThenNeighbour, &star, [0, 1], 1.0 / 12.0);
        check(Pairing::AgentThenNeighbour, &star, [1, 0], 0.25);
        check(Pairing::NeighbourThenAgent, &star, [0, 1], 0.25);
        check(Pairing::Edge, &star, [0, 1], 1.0 / 6.0);
        check(Pairing::Edge, &star, [1, 0], 1.0 / 6.0);
        check(Pairing::Edge, &Complete(5), [4, 2], 0.05);
        check(Pairing::AgentThenNeighbour, &Complete(5), [4, 2], 0.05);
        check(Pairing::AgentThenNeighbour, &star, [1, 2], 0.0);
    }

    #[test]
    fn a_split_is_a_long_product() {
        for (bits, n) in [(0, 5), (u64::MAX, u32::MAX), (1 << 63, 3), (0x0123_4567_89AB_CDEF, 1_000_003), (u64::MAX, 1)] {
            let product = u128::from(bits) * u128::from(n);
            assert_eq!(split(bits, n), ((product >> 64) as u32, product as u64));
        }
    }

    #[test]
    fn in_a_round_of_matching_nobody_meets_twice() {
        let mut matching = Matching::default();
        let mut partners = BTreeMap::new();
        for round in 0..200 {
            let mut met: Vec<AgentId> = (0..3).flat_map(|i| matching.draw(Seed(1), round * 3 + i, 7)).collect();
            *partners.entry(met[1]).or_insert(0) += 1;
            met.sort_unstable();
            met.dedup();
            assert_eq!(met.len(), 6, "one of seven sits out");
        }
        assert_eq!(partners.len(), 7);
    }
}
