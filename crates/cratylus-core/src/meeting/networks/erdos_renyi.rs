//! Every pair is joined with the same probability (Gilbert 1959; Erdős & Rényi 1959).

use crate::meeting::network::Edge;
use crate::seed::Stream;

/// Edges among `size` agents, each pair with probability `p`. The pairs are gone through in order with geometric steps
/// over those that are not joined (Batagelj & Brandes 2005), so that it takes as long as there are edges.
pub fn erdos_renyi(size: u32, p: f64, draws: &mut Stream) -> Vec<Edge> {
    let n = u64::from(size);
    let pairs = n * n.saturating_sub(1) / 2;
    let mut edges = Vec::with_capacity((p * pairs as f64 * 1.05) as usize + 16);
    if p <= 0.0 {
        return edges;
    }
    if p >= 1.0 {
        return (1..size).flat_map(|b| (0..b).map(move |a| (a, b))).collect();
    }
    let (mut b, mut a) = (1_u64, 0_u64);
    let mut first = true;
    loop {
        // 1 - unit is never 0.
        let skipped = ((1.0 - draws.unit()).ln() / (1.0 - p).ln()).floor();
        if skipped >= pairs as f64 {
            break;
        }
        a += skipped as u64 + u64::from(!first);
        first = false;
        while a >= b && b < n {
            a -= b;
            b += 1;
        }
        if b >= n {
            break;
        }
        edges.push((a as u32, b as u32));
    }
    edges
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Purpose, Seed};

    #[test]
    fn every_pair_is_joined_alike() {
        let (n, p, graphs) = (12_u32, 0.3, 4000);
        let mut counts = vec![0_u32; (n * n) as usize];
        for graph in 0..graphs {
            let edges = erdos_renyi(n, p, &mut Seed(1).stream(Purpose::Network, graph));
            assert!(edges.iter().all(|&(a, b)| a < b && b < n), "each pair once, the lower first");
            edges.iter().for_each(|&(a, b)| counts[(a * n + b) as usize] += 1);
        }
        let sd = (p * (1.0 - p) / graphs as f64).sqrt();
        for (a, b) in (1..n).flat_map(|b| (0..b).map(move |a| (a, b))) {
            let share = f64::from(counts[(a * n + b) as usize]) / graphs as f64;
            assert!((share - p).abs() < 4.5 * sd, "{a} and {b}: {share}");
        }
        assert!(erdos_renyi(n, 0.0, &mut Seed(1).stream(Purpose::Network, 0)).is_empty());
        assert_eq!(erdos_renyi(n, 1.0, &mut Seed(1).stream(Purpose::Network, 0)).len(), 66);
    }
}
