//! Populations without limit of size, in which everyone meets everyone: densities of states instead of agents. What is
//! written here follows from the same tables and policies that agents play by, so it is theory of this program's own rules.

use crate::flat::counts::Change;
use crate::flat::two_names::{COMMITTED, changes};
use crate::inventory::InventoryRule;
use crate::policy::{Policy, Round};

/// The naming game with two names, of which agents may be committed: densities of agents that know neither, the first, the
/// second and both, in this order, that are not committed.
#[derive(Clone, Debug)]
pub struct TwoNamesFlow {
    rule: InventoryRule,
    /// The densities of agents committed to each name.
    committed: [f64; 2],
}

impl TwoNamesFlow {
    /// Under a rule, with the densities of agents committed to the first name and to the second, of all agents.
    pub fn new(rule: InventoryRule, committed: [f64; 2]) -> TwoNamesFlow {
        TwoNamesFlow { rule, committed }
    }

    /// How fast the densities change, for each population round of as many interactions as there are agents: the mean
    /// change over all meetings of a speaker and a hearer.
    pub fn flow(&self, densities: &[f64; 4]) -> [f64; 4] {
        let mut flow = [0.0; 4];
        let all = (0..4u8).map(|known| (known, densities[known as usize]));
        let bound = [1u8, 2].into_iter().zip(self.committed).map(|(known, density)| (known | COMMITTED, density));
        let states: Vec<(u8, f64)> = all.chain(bound).filter(|&(_, density)| density != 0.0).collect();
        for &(speaker, of_speakers) in &states {
            for &(hearer, of_hearers) in &states {
                for Change { probability, states, .. } in changes(&self.rule, speaker, hearer) {
                    for (old, new) in [(speaker, states[0]), (hearer, states[1])] {
                        if old & COMMITTED == 0 {
                            flow[old as usize] -= of_speakers * of_hearers * probability;
                            flow[new as usize] += of_speakers * of_hearers * probability;
                        }
                    }
                }
            }
        }
        flow
    }

    /// Densities after so many population rounds.
    pub fn after(&self, densities: [f64; 4], rounds: f64) -> [f64; 4] {
        // Every density changes within a round or slower.
        const STEP: f64 = 0.05;
        let mut x = densities;
        for _ in 0..(rounds / STEP).ceil() as u64 {
            let at = |x: &[f64; 4], by: f64, k: &[f64; 4]| std::array::from_fn(|i| x[i] + by * k[i]);
            let k1 = self.flow(&x);
            let k2 = self.flow(&at(&x, STEP / 2.0, &k1));
            let k3 = self.flow(&at(&x, STEP / 2.0, &k2));
            let k4 = self.flow(&at(&x, STEP, &k3));
            x = std::array::from_fn(|i| x[i] + STEP / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]));
        }
        x
    }
}

/// Agents that respond to the last rounds of a game of two names, which both choose at once: the density of every window of
/// at most `memory` rounds, in the order of [`crate::kernel::state_index`].
#[derive(Clone, Debug)]
pub struct WindowsFlow {
    /// With which probability the first name is chosen in each window.
    first: Vec<f64>,
    /// The window after own and partner's choice, at own * 2 + partner.
    next: Vec<[u32; 4]>,
}

impl WindowsFlow {
    /// The limit for agents that follow a policy over at most `memory` rounds of two names.
    pub fn new(policy: &dyn Policy, memory: usize) -> WindowsFlow {
        let (mut first, mut next, mut p) = (Vec::new(), Vec::new(), [0.0; 2]);
        for window in crate::kernel::all_states(memory) {
            policy.distribution(&window, &mut p);
            first.push(p[0]);
            next.push([[0, 0], [0, 1], [1, 0], [1, 1]].map(|round: Round| {
                let mut longer = window.clone();
                longer.push(round);
                crate::kernel::state_index(&longer[longer.len().saturating_sub(memory)..]) as u32
            }));
        }
        WindowsFlow { first, next }
    }

    /// Everyone with an empty memory.
    pub fn empty(&self) -> Vec<f64> {
        let mut x = vec![0.0; self.first.len()];
        x[0] = 1.0;
        x
    }

    /// Everyone with a memory full of successes with one name (0 or 1).
    pub fn consensus(&self, name: u16) -> Vec<f64> {
        let mut state = 0;
        while self.next[state][3 * name as usize] as usize != state {
            state = self.next[state][3 * name as usize] as usize;
        }
        let mut x = vec![0.0; self.first.len()];
        x[state] = 1.0;
        x
    }

    /// With which probability an agent drawn at random chooses the first name.
    pub fn share(&self, x: &[f64]) -> f64 {
        x.iter().zip(&self.first).map(|(x, p)| x * p).sum()
    }

    /// x' = T(x) x - x, for each interaction that an agent takes part in: half a population round.
    pub fn flow(&self, x: &[f64]) -> Vec<f64> {
        let share = self.share(x);
        let partner = [share, 1.0 - share];
        let mut flow: Vec<f64> = x.iter().map(|x| -x).collect();
        for (state, &density) in x.iter().enumerate().filter(|(_, density)| **density != 0.0) {
            let own = [self.first[state], 1.0 - self.first[state]];
            for (round, &next) in self.next[state].iter().enumerate() {
                flow[next as usize] += density * own[round >> 1] * partner[round & 1];
            }
        }
        flow
    }

    /// Densities after agents took part in so many interactions each, in the mean.
    pub fn after(&self, mut x: Vec<f64>, interactions: f64) -> Vec<f64> {
        const STEP: f64 = 0.1;
        for _ in 0..(interactions / STEP).ceil() as u64 {
            let middle: Vec<f64> = x.iter().zip(self.flow(&x)).map(|(x, k)| x + STEP / 2.0 * k).collect();
            x.iter_mut().zip(self.flow(&middle)).for_each(|(x, k)| *x += STEP * k);
        }
        x
    }

    /// The rate at which the fastest small disturbance of a fixed point grows, or, below zero, at which the slowest decays:
    /// the eigenvalue of the flow's derivative with the largest real part, where it is real.
    pub fn growth(&self, fixed: &[f64]) -> f64 {
        // The flow is quadratic, so a central difference is its derivative, whatever the step.
        let along = |v: &[f64]| -> Vec<f64> {
            let at = |sign: f64| self.flow(&fixed.iter().zip(v).map(|(x, v)| x + sign * v).collect::<Vec<f64>>());
            at(1.0).iter().zip(at(-1.0)).map(|(plus, minus)| (plus - minus) / 2.0).collect()
        };
        // A disturbance moves agents from where they are to elsewhere; T + 1 has no eigenvalue below zero that could pass
        // for the largest.
        let n = fixed.len();
        let mut v: Vec<f64> = (0..n).map(|i| ((i * 2_654_435_761) % 1000) as f64).collect();
        let mut growth = 0.0;
        for _ in 0..4000 {
            let mean = v.iter().sum::<f64>() / n as f64;
            v.iter_mut().for_each(|v| *v -= mean);
            let norm = v.iter().map(|v| v * v).sum::<f64>().sqrt();
            v.iter_mut().for_each(|v| *v /= norm);
            let change = along(&v);
            growth = v.iter().zip(&change).map(|(v, change)| v * change).sum();
            v.iter_mut().zip(&change).for_each(|(v, change)| *v = 2.0 * *v + change);
        }
        growth
    }
}

/// With which share of committed agents the best-response game tips, where agents remember the partner's names of `memory`
/// rounds and break ties at random: the largest share at which some state with the committed name below one half stands
/// still (Centola, Becker, Brackbill & Baronchelli, Science 2018; mean field).
pub fn best_response_threshold(memory: u32) -> f64 {
    let q = |h: f64| -> f64 {
        let binomial = |k: u32| {
            let choose = (0..k).fold(1.0, |c, i| c * f64::from(memory - i) / f64::from(i + 1));
            choose * h.powi(k as i32) * (1.0 - h).powi((memory - k) as i32)
        };
        let more: f64 = (memory / 2 + 1..=memory).map(binomial).sum();
        more + if memory.is_multiple_of(2) { 0.5 * binomial(memory / 2) } else { 0.0 }
    };
    (0..=50_000).map(|i| f64::from(i) / 1e5).map(|h| (h - q(h)) / (1.0 - q(h))).fold(0.0, f64::max)
}

/// Where something turns from false to true between `low` and `high`, to within `precision`.
pub fn threshold(mut low: f64, mut high: f64, precision: f64, holds: impl Fn(f64) -> bool) -> f64 {
    while high - low > precision {
        let middle = (low + high) / 2.0;
        if holds(middle) { high = middle } else { low = middle }
    }
    (low + high) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule() -> InventoryRule {
        InventoryRule::textbook(Some(2))
    }

    fn agreeing(pi: f64, phi: f64) -> InventoryRule {
        InventoryRule { agrees: [(pi * 4_294_967_296.0) as u64, (phi * 4_294_967_296.0) as u64], ..rule() }
    }

    #[test]
    fn the_flow_is_that_of_the_published_equations() {
        // Xie et al. 2011: a' = -ab + c² + ac + (3/2)pc, b' = -ab + c² + bc - pb.
        let (a, b, p) = (0.3, 0.4, 0.1);
        let c = 1.0 - p - a - b;
        let flow = TwoNamesFlow::new(rule(), [p, 0.0]).flow(&[0.0, a, b, c]);
        assert!((flow[1] - (-a * b + c * c + a * c + 1.5 * p * c)).abs() < 1e-12);
        assert!((flow[2] - (-a * b + c * c + b * c - p * b)).abs() < 1e-12);
        // d(a - b)/dt = (3 pi - 2 phi - 1) c (a - b) / 2, with pi = beta and phi = 0 that of the beta-model.
        for (pi, phi) in [(1.0, 0.0), (0.25, 0.0), (0.7, 0.3)] {
            let flow = TwoNamesFlow::new(agreeing(pi, phi), [0.0; 2]).flow(&[0.0, 0.3, 0.5, 0.2]);
            let due = 0.5 * (3.0 * pi - 2.0 * phi - 1.0) * 0.2 * (0.3 - 0.5);
            assert!((flow[1] - flow[2] - due).abs() < 1e-9, "{pi} {phi}");
        }
    }

    #[test]
    fn committed_minorities_tip_where_theory_says() {
        let tips = |p: f64| TwoNamesFlow::new(rule(), [p, 0.0]).after([0.0, 0.0, 1.0 - p, 0.0], 3_000.0)[2] < 0.01;
        let critical = threshold(0.05, 0.15, 1e-5, tips);
        assert!((critical - 0.097889).abs() < 3e-5, "{critical}");
        // Just below it, most still hold the old name.
        let below = TwoNamesFlow::new(rule(), [0.0978, 0.0]).after([0.0, 0.0, 1.0 - 0.0978, 0.0], 3_000.0);
        assert!((below[2] - 0.653).abs() < 0.01, "{below:?}");
    }

    #[test]
    fn two_committed_groups_share_the_population_beyond_the_cusp() {
        // Below the cusp the second name keeps its majority, above it there is a single state, the symmetric one.
        let kept = |p: f64| {
            let x = TwoNamesFlow::new(rule(), [p, p]).after([0.0, 0.0, 1.0 - 2.0 * p, 0.0], 3_000.0);
            x[2] - x[1]
        };
        let cusp = threshold(0.1, 0.25, 1e-5, |p| kept(p) < 0.02);
        assert!((cusp - 0.16229).abs() < 2e-4, "{cusp}");
    }

    #[test]
    fn best_responses_tip_at_the_published_shares() {
        let table = [
            (3, 1.0 / 9.0),
            (4, 1.0 / 9.0),
            (5, 0.1651),
            (7, 0.1992),
            (9, 0.2234),
            (11, 0.2419),
            (12, 0.2419),
            (15, 0.2688),
            (20, 0.2879),
            (25, 0.3086),
            (30, 0.3190),
        ];
        for (memory, due) in table {
            assert!((best_response_threshold(memory) - due).abs() < 1e-4, "M = {memory}: {}", best_response_threshold(memory));
        }
    }
}
