//! What an agent would choose, given the rounds that it remembers.
//!
//! A policy is a function from a window of remembered rounds to the probability of each name. It holds
//! no state and draws nothing, so the same policy serves the plain path (`window.rs`), flat memory
//! (`flat/tables.rs`) and populations without limit of size (`mean_field.rs`).

use std::sync::Arc;

/// One remembered round: what I chose, and what my partner chose, as places in the pool.
pub type Round = [u16; 2];

/// What an agent would choose, given what it remembers. The same window must always give the same probabilities: they are
/// cached, tabulated and compiled.
pub trait Policy: Send + Sync {
    /// Writes the probability of each name of the pool, given the remembered rounds, oldest first.
    /// `out` has one place for each name; what is written adds up to 1.
    fn distribution(&self, window: &[Round], out: &mut [f64]);

    /// Whether own choices are looked at, too, or those of partners alone.
    fn heeds_itself(&self) -> bool {
        true
    }

    /// How many of the last rounds the policy looks at, of the `memory` that the game allows.
    fn depth(&self, memory: usize) -> usize {
        memory
    }
}

/// The mean of policies by their shares, which add up to 1.
pub struct Mean(pub Vec<(f64, Arc<dyn Policy>)>);

impl Policy for Mean {
    fn distribution(&self, window: &[Round], out: &mut [f64]) {
        let mut one = vec![0.0; out.len()];
        out.fill(0.0);
        for (share, policy) in &self.0 {
            policy.distribution(window, &mut one);
            out.iter_mut().zip(&one).for_each(|(out, p)| *out += share * p);
        }
    }

    fn heeds_itself(&self) -> bool {
        self.0.iter().any(|(_, policy)| policy.heeds_itself())
    }

    fn depth(&self, memory: usize) -> usize {
        self.0.iter().map(|(_, policy)| policy.depth(memory)).max().unwrap_or(0)
    }
}

/// Where each name's share of the 2^32 possible draws ends. Probabilities are rounded to 2^-32.
pub fn thresholds(distribution: &[f64], out: &mut Vec<u64>) {
    out.clear();
    let mut sum = 0.0;
    for p in distribution {
        sum += p;
        out.push((sum * 4_294_967_296.0).round() as u64);
    }
    if let Some(last) = out.last_mut() {
        *last = 1 << 32;
    }
}

/// The name that a draw falls on.
#[inline]
pub fn choose(thresholds: &[u64], draw: u32) -> u32 {
    thresholds.iter().take_while(|&&end| u64::from(draw) >= end).count() as u32
}
