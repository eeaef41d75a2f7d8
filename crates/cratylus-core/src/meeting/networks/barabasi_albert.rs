//! Agents come one by one and join those that have many neighbours already (Barabási & Albert 1999).

use crate::meeting::network::Edge;
use crate::seed::Stream;

/// Edges among `size` agents: each new one is joined to `m` different ones, each with a probability in proportion to its
/// degree. The first new one is joined to all of the `m` there were.
pub fn barabasi_albert(size: u32, m: u32, draws: &mut Stream) -> Vec<Edge> {
    let mut edges: Vec<Edge> = Vec::with_capacity((size - m) as usize * m as usize);
    let mut chosen: Vec<u32> = (0..m).collect();
    for agent in m..size {
        edges.extend(chosen.drain(..).map(|other| (other, agent)));
        // An end of a random edge is an agent in proportion to its degree.
        while chosen.len() < m as usize {
            let (a, b) = edges[draws.below(edges.len() as u64) as usize];
            let end = if draws.below(2) == 0 { a } else { b };
            if !chosen.contains(&end) {
                chosen.push(end);
            }
        }
    }
    edges
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Purpose, Seed};

    #[test]
    fn degrees_are_those_of_the_exact_law() {
        // P(k) = 2 m (m + 1) / (k (k + 1) (k + 2)) for large networks (Dorogovtsev, Mendes & Samukhin 2000).
        let (size, m) = (200_000, 4);
        let edges = barabasi_albert(size, m, &mut Seed(1).stream(Purpose::Network, 0));
        assert_eq!(edges.len() as u32, (size - m) * m);
        let mut degrees = vec![0_u32; size as usize];
        edges.iter().flat_map(|&(a, b)| [a, b]).for_each(|agent| degrees[agent as usize] += 1);
        for k in [4_u32, 5, 6, 8, 12] {
            let share = degrees.iter().filter(|&&degree| degree == k).count() as f64 / f64::from(size);
            let (m, k) = (f64::from(m), f64::from(k));
            let due = 2.0 * m * (m + 1.0) / (k * (k + 1.0) * (k + 2.0));
            assert!((share - due).abs() < 5.0 * (due / f64::from(size)).sqrt() + 0.01 * due, "{k}: {share} and {due}");
        }
        assert!(*degrees.iter().max().unwrap() > 500, "some have very many");
    }
}
