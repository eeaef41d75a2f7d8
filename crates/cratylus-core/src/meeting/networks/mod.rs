//! One file for each network, one line here.

mod barabasi_albert;
mod complete;
mod edge_list;
mod erdos_renyi;
mod graphml;
mod lattice;
mod random_regular;
mod ring;
pub mod spec;
mod stochastic_blocks;
mod watts_strogatz;

pub use barabasi_albert::barabasi_albert;
pub use complete::{Complete, WithThemselves};
pub use edge_list::EdgeList;
pub use erdos_renyi::erdos_renyi;
pub use graphml::graphml;
pub use lattice::Lattice;
pub use random_regular::random_regular;
pub use ring::Ring;
pub use stochastic_blocks::stochastic_blocks;
pub use watts_strogatz::watts_strogatz;

use crate::{AgentId, Network, Purpose, Seed};

/// Above so many agents clustering is estimated from a sample of them.
const SAMPLED: u32 = 10_000;

/// The mean over agents of the share of their pairs of neighbours that are neighbours, too (Watts & Strogatz 1998); agents
/// with fewer than two neighbours count as 0. Of large networks over a sample of 10,000 agents.
pub fn clustering(network: &dyn Network) -> f64 {
    let n = network.len();
    let mut draws = Seed(0).stream(Purpose::Resample, 0);
    let sample: Vec<AgentId> =
        if n <= SAMPLED { (0..n).collect() } else { (0..SAMPLED).map(|_| draws.below(u64::from(n)) as AgentId).collect() };
    let of = |agent: AgentId| -> Vec<AgentId> { (0..network.degree(agent)).map(|i| network.neighbour(agent, i)).collect() };
    let share = |&agent: &AgentId| {
        let near = of(agent);
        let known: std::collections::HashSet<AgentId> = near.iter().copied().collect();
        let joined = near.iter().flat_map(|&other| of(other)).filter(|third| known.contains(third)).count();
        let pairs = near.len() * near.len().saturating_sub(1);
        if pairs == 0 { 0.0 } else { joined as f64 / pairs as f64 }
    };
    sample.iter().map(share).sum::<f64>() / sample.len() as f64
}

/// How many parts a network falls into whose agents never meet those of another.
pub fn components(network: &dyn Network) -> usize {
    let mut seen = vec![false; network.len() as usize];
    let mut components = 0;
    let mut waiting = Vec::new();
    for agent in 0..network.len() {
        if seen[agent as usize] {
            continue;
        }
        components += 1;
        seen[agent as usize] = true;
        waiting.push(agent);
        while let Some(agent) = waiting.pop() {
            for i in 0..network.degree(agent) {
                let neighbour = network.neighbour(agent, i);
                if !std::mem::replace(&mut seen[neighbour as usize], true) {
                    waiting.push(neighbour);
                }
            }
        }
    }
    components
}

/// A network in a line for readers.
pub fn describe(network: &dyn Network) -> String {
    let n = network.len();
    let degrees = || (0..n).map(|agent| network.degree(agent));
    let (least, most) = (degrees().min().unwrap_or(0), degrees().max().unwrap_or(0));
    let mean = degrees().map(f64::from).sum::<f64>() / f64::from(n);
    let sampled = if n > SAMPLED { " (of a sample)" } else { "" };
    let parts = match components(network) {
        1 => "connected".to_string(),
        parts => format!("{parts} parts"),
    };
    format!("degree {least} to {most}, mean {mean:.2}; clustering {:.4}{sampled}; {parts}", clustering(network))
}
