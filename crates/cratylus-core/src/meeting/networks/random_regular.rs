//! Everyone has the same number of neighbours, and who they are is random.

use crate::meeting::network::Edge;
use crate::seed::Stream;
use std::collections::HashSet;

/// Edges among `size` agents with `degree` neighbours each: half-edges are paired at random, and pairs that would be a loop
/// or a second edge go back to be paired again (Steger & Wormald 1999), which is uniform as networks grow.
pub fn random_regular(size: u32, degree: u32, draws: &mut Stream) -> Vec<Edge> {
    // Where most pairs are joined, hardly any pairing succeeds; those that are not joined are as regular.
    if 2 * degree > size {
        let apart: HashSet<Edge> = random_regular(size, size - 1 - degree, draws).into_iter().collect();
        return (1..size).flat_map(|b| (0..b).map(move |a| (a, b))).filter(|edge| !apart.contains(edge)).collect();
    }
    let n_edges = size as usize * degree as usize / 2;
    loop {
        let mut known: HashSet<Edge> = HashSet::with_capacity(n_edges);
        let mut edges = Vec::with_capacity(n_edges);
        let mut open: Vec<u32> = (0..size).flat_map(|agent| std::iter::repeat_n(agent, degree as usize)).collect();
        // What cannot be paired any more in a few rounds never will be: all begins anew.
        let mut stuck = 0;
        while !open.is_empty() && stuck < 20 {
            let n = open.len();
            draws.shuffle(&mut open, n);
            let mut left = Vec::new();
            for pair in open.chunks_exact(2) {
                let edge = (pair[0].min(pair[1]), pair[0].max(pair[1]));
                if pair[0] != pair[1] && known.insert(edge) {
                    edges.push(edge);
                } else {
                    left.extend(pair);
                }
            }
            stuck = if left.len() == n { stuck + 1 } else { 0 };
            open = left;
        }
        if open.is_empty() {
            return edges;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Purpose, Seed};

    #[test]
    fn everyone_has_as_many_neighbours() {
        for (size, degree) in [(10, 3), (6, 5), (1000, 4), (50, 1), (100, 99), (100, 50), (400, 199), (101, 70)] {
            let edges = random_regular(size, degree, &mut Seed(1).stream(Purpose::Network, 0));
            let mut degrees = vec![0; size as usize];
            edges.iter().flat_map(|&(a, b)| [a, b]).for_each(|agent| degrees[agent as usize] += 1);
            assert!(degrees.iter().all(|&found| found == degree), "{size}, {degree}");
            assert_eq!(edges.iter().collect::<HashSet<_>>().len(), edges.len());
        }
    }
}
