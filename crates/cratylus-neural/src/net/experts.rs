//! The hidden numbers of a block as experts, of which each word goes to a few (EMoE, Qiu et al. 2023, arXiv 2310.10908): no weight is
//! added, and what an expert is follows from the weights alone. Its score is the mean of its gates before they open.

use super::shape::NetShape;
use cratylus_core::seed::{Purpose, Seed};
use serde::{Deserialize, Serialize};

/// How hidden numbers become experts.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ExpertShape {
    /// How many experts there are in a block; they divide its hidden numbers.
    #[serde(default = "eight")]
    pub count: usize,
    /// To how many of them each word goes.
    #[serde(default = "two")]
    pub top: usize,
    /// What decides which numbers are of one expert.
    #[serde(default)]
    pub by: ExpertsBy,
}

/// What decides which numbers are of one expert.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExpertsBy {
    /// Their gates' weights: those that point in like directions, as many in each.
    #[default]
    Clusters,
    /// Chance, as many in each: what the clusters are compared with.
    Random,
}

fn eight() -> usize {
    8
}

fn two() -> usize {
    2
}

impl ExpertShape {
    /// What is wrong with it, for blocks of so many hidden numbers: which key, and why.
    pub fn check(&self, hidden: usize) -> Result<(), (&'static str, String)> {
        if !(1..=64).contains(&self.count) || !hidden.is_multiple_of(self.count) {
            return Err(("count", format!("1 to 64 experts share {hidden} hidden numbers evenly, found {}", self.count)));
        }
        if !(1..=self.count).contains(&self.top) {
            return Err(("top", format!("a word goes to 1 to {} experts, found {}", self.count, self.top)));
        }
        Ok(())
    }
}

/// The experts of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Experts {
    /// How many there are, and to how many a word goes.
    pub shape: ExpertShape,
    /// For each block the expert of each hidden number; empty for blocks without experts.
    of: Vec<Vec<u8>>,
}

impl Experts {
    /// Those of a network's weights, in the last half of its blocks.
    pub fn find(net: &NetShape, weights: &[f32], shape: ExpertShape, seed: Seed) -> Experts {
        let at = net.at();
        let of = at.layers.iter().enumerate().map(|(i, layer)| {
            if i < net.layers / 2 {
                return Vec::new();
            }
            let gates = &weights[layer.both.start..][..net.hidden * net.width];
            let mut draws = seed.stream(Purpose::Assign, i as u64);
            match shape.by {
                ExpertsBy::Random => {
                    let mut of: Vec<u8> = (0..net.hidden).map(|i| (i % shape.count) as u8).collect();
                    draws.shuffle(&mut of, net.hidden);
                    of
                }
                ExpertsBy::Clusters => clusters(gates, net.width, shape.count, draws.below(net.hidden as u64) as usize),
            }
        });
        Experts { shape, of: of.collect() }
    }

    /// Leaves of a block's gated numbers those alone whose experts a word goes to; `both` holds the gates before they open and
    /// what they let through. `kept` gets the experts of each word, a bit each.
    pub(super) fn choose(&self, block: usize, both: &[f32], gated: &mut [f32], kept: &mut Vec<u64>) {
        let of = &self.of[block];
        kept.clear();
        if of.is_empty() {
            return;
        }
        for (both, gated) in both.chunks_exact(2 * of.len()).zip(gated.chunks_exact_mut(of.len())) {
            let mut scores = vec![0.0f32; self.shape.count];
            of.iter().zip(both).for_each(|(&expert, gate)| scores[usize::from(expert)] += gate);
            let mut order: Vec<usize> = (0..scores.len()).collect();
            order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
            kept.push(order[..self.shape.top].iter().map(|&expert| 1 << expert).sum());
            self.mask(of, *kept.last().expect("just added"), gated);
        }
    }

    /// Nothing reaches the numbers that a word did not go to.
    pub(super) fn back(&self, block: usize, kept: &[u64], d_gated: &mut [f32]) {
        let of = &self.of[block];
        for (&kept, d_gated) in kept.iter().zip(d_gated.chunks_exact_mut(of.len().max(1))) {
            self.mask(of, kept, d_gated);
        }
    }

    fn mask(&self, of: &[u8], kept: u64, numbers: &mut [f32]) {
        for (number, &expert) in numbers.iter_mut().zip(of) {
            if kept >> expert & 1 == 0 {
                *number = 0.0;
            }
        }
    }
}

/// Rows of a length of one in `count` clusters of one size: each in turn takes the nearest that is free, the closest pairs first.
fn clusters(rows: &[f32], width: usize, count: usize, first: usize) -> Vec<u8> {
    let rows: Vec<Vec<f64>> = rows
        .chunks_exact(width)
        .map(|row| {
            let length = row.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt().max(1e-30);
            row.iter().map(|&x| f64::from(x) / length).collect()
        })
        .collect();
    let distance = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum::<f64>();
    // Each next centre is the row that is farthest from those before it.
    let mut centres = vec![rows[first].clone()];
    while centres.len() < count {
        let nearest = |row: &Vec<f64>| centres.iter().map(|centre| distance(row, centre)).fold(f64::INFINITY, f64::min);
        let next = rows.iter().max_by(|a, b| nearest(a).total_cmp(&nearest(b))).expect("there are rows").clone();
        centres.push(next);
    }
    let mut of = vec![0; rows.len()];
    for _ in 0..20 {
        let mut pairs: Vec<(f64, usize, usize)> = (rows.iter().enumerate())
            .flat_map(|(i, row)| centres.iter().enumerate().map(move |(c, centre)| (distance(row, centre), i, c)))
            .collect();
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        let (mut free, mut placed) = (vec![rows.len() / count; count], vec![None; rows.len()]);
        for (_, row, centre) in pairs {
            if placed[row].is_none() && free[centre] > 0 {
                placed[row] = Some(centre as u8);
                free[centre] -= 1;
            }
        }
        let now: Vec<u8> = placed.into_iter().map(|centre| centre.expect("as many places as rows")).collect();
        if now == of {
            break;
        }
        of = now;
        for (c, centre) in centres.iter_mut().enumerate() {
            let own: Vec<&Vec<f64>> = rows.iter().zip(&of).filter(|(_, of)| usize::from(**of) == c).map(|(row, _)| row).collect();
            (0..width).for_each(|i| centre[i] = own.iter().map(|row| row[i]).sum::<f64>() / own.len() as f64);
        }
    }
    of
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_directions_are_of_one_cluster_and_clusters_are_of_one_size() {
        // Four directions, five rows near each, of any length, in any order.
        let row = |i: usize| -> Vec<f32> {
            let mut row = [0.05 * (i * 37 % 11) as f32 / 11.0; 4];
            row[i % 4] += 1.0;
            row.iter().map(|x| x * (1 + i % 3) as f32).collect()
        };
        let rows: Vec<f32> = (0..20).flat_map(row).collect();
        let of = clusters(&rows, 4, 4, 3);
        for i in 0..20 {
            assert_eq!(of[i], of[i % 4]);
            assert_eq!(of.iter().filter(|other| **other == of[i]).count(), 5);
        }
    }
}
