//! A ring of which some edges lead elsewhere: a small world (Watts & Strogatz 1998).

use crate::meeting::network::Edge;
use crate::seed::Stream;
use std::collections::HashSet;

/// Edges among `size` agents: those of a ring of this degree, the far end of each moved with probability `rewiring` to an
/// agent at random that is no neighbour yet. An agent that knows everyone keeps its edge.
pub fn watts_strogatz(size: u32, degree: u32, rewiring: f64, draws: &mut Stream) -> Vec<Edge> {
    let sorted = |a: u32, b: u32| (a.min(b), a.max(b));
    let ring = || (1..=degree / 2).flat_map(|step| (0..size).map(move |agent| (agent, (agent + step) % size)));
    let mut edges: HashSet<Edge> = ring().map(|(a, b)| sorted(a, b)).collect();
    let mut degrees = vec![degree; size as usize];
    for (a, b) in ring() {
        if draws.unit() >= rewiring || degrees[a as usize] == size - 1 {
            continue;
        }
        let other = loop {
            let other = draws.below(u64::from(size)) as u32;
            if other != a && !edges.contains(&sorted(a, other)) {
                break other;
            }
        };
        edges.remove(&sorted(a, b));
        edges.insert(sorted(a, other));
        degrees[b as usize] -= 1;
        degrees[other as usize] += 1;
    }
    let mut edges: Vec<Edge> = edges.into_iter().collect();
    edges.sort_unstable();
    edges
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meeting::networks::{EdgeList, clustering};
    use crate::{Purpose, Seed};

    #[test]
    fn clustering_falls_as_edges_are_moved() {
        // C(p) is about C(0) (1 - p)^3, and C(0) = 3 (k - 2) / (4 (k - 1)) (Barrat & Weigt 2000).
        let (size, degree) = (20_000, 10);
        for rewiring in [0.0, 0.1, 0.3] {
            let edges = watts_strogatz(size, degree, rewiring, &mut Seed(1).stream(Purpose::Network, 0));
            assert_eq!(edges.len() as u32, size * degree / 2);
            let due = 3.0 * 8.0 / (4.0 * 9.0) * (1.0_f64 - rewiring).powi(3);
            let found = clustering(&EdgeList::of(edges, size).unwrap());
            assert!((found - due).abs() < 0.03 * due + 0.002, "{rewiring}: {found} and {due}");
        }
    }
}
