//! Communities: agents in blocks, joined with one probability within a block and another between blocks (Holland, Laskey &
//! Leinhardt 1983).

use super::erdos_renyi::erdos_renyi;
use crate::meeting::network::Edge;
use crate::seed::Stream;

/// Edges among agents that stand block after block, `sizes` of them each.
pub fn stochastic_blocks(sizes: &[u32], within: f64, between: f64, draws: &mut Stream) -> Vec<Edge> {
    let mut edges = Vec::new();
    let mut first = 0;
    for &size in sizes {
        edges.extend(erdos_renyi(size, within, draws).into_iter().map(|(a, b)| (a + first, b + first)));
        // Whoever stands in an earlier block, with everyone of this one.
        for place in positions(u64::from(first) * u64::from(size), between, draws) {
            edges.push(((place / u64::from(size)) as u32, first + (place % u64::from(size)) as u32));
        }
        first += size;
    }
    edges
}

/// Numbers below `n`, each with probability `p`, in order: geometric steps over those that are left out.
fn positions(n: u64, p: f64, draws: &mut Stream) -> Vec<u64> {
    let (mut found, mut next) = (Vec::new(), 0_u64);
    if p <= 0.0 {
        return found;
    }
    if p >= 1.0 {
        return (0..n).collect();
    }
    loop {
        // 1 - unit is never 0.
        let skipped = ((1.0 - draws.unit()).ln() / (1.0 - p).ln()).floor();
        if skipped >= (n - next) as f64 {
            return found;
        }
        found.push(next + skipped as u64);
        next += skipped as u64 + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Purpose, Seed};

    #[test]
    fn pairs_are_joined_as_their_blocks_say() {
        let (sizes, graphs) = ([3, 5, 4], 4000);
        let block = |agent: u32| [3, 8, 12].iter().position(|&end| agent < end).unwrap();
        let mut counts = [[0_u32; 12]; 12];
        for graph in 0..graphs {
            let edges = stochastic_blocks(&sizes, 0.6, 0.1, &mut Seed(1).stream(Purpose::Network, graph));
            for (a, b) in edges {
                counts[a.min(b) as usize][a.max(b) as usize] += 1;
            }
        }
        for (a, b) in (1..12).flat_map(|b| (0..b).map(move |a| (a, b))) {
            let p = if block(a) == block(b) { 0.6 } else { 0.1 };
            let share = f64::from(counts[a as usize][b as usize]) / graphs as f64;
            assert!((share - p).abs() < 4.5 * (p * (1.0 - p) / graphs as f64).sqrt(), "{a} and {b}: {share}, not {p}");
        }
        assert_eq!(stochastic_blocks(&[2, 2], 1.0, 0.0, &mut Seed(1).stream(Purpose::Network, 0)), [(0, 1), (2, 3)]);
        assert_eq!(stochastic_blocks(&[2, 2], 0.0, 1.0, &mut Seed(1).stream(Purpose::Network, 0)).len(), 4);
    }
}
