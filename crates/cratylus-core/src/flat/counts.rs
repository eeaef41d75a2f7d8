//! A population as counts alone: how many agents are in each state, and nothing of who they are.
//!
//! Where everyone meets everyone, agents in one state are alike, so a run is a chain of counts. Interactions are played in
//! batches in which no agent takes part twice: how long a batch is, which states meet and what comes of it are drawn as
//! numbers, exactly; then comes the interaction in which somebody takes part again (Berenbrink, Hammer, Kaaser, Meyer,
//! Penschuck & Tran, ESA 2020). A batch holds about the root of N interactions, so the larger the population the less each
//! of them takes, and memory does not grow with it. It agrees with the other engines in distribution, not run for run.

use crate::event::tally::Tally;
use crate::fault::Fault;
use crate::kept::{self, Keep, Keeper};
use crate::sampling::{binomial, hypergeometric};
use crate::seed::Stream;

/// What comes of a meeting, with its probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// Among all that can come of the same meeting.
    pub probability: f64,
    /// The states of the first and the second afterwards.
    pub states: [u16; 2],
    /// What each says.
    pub names: [Option<u16>; 2],
    /// Whether the interaction succeeds.
    pub success: bool,
}

/// Counts of agents in states.
#[derive(Clone, Debug)]
pub struct Counts {
    counts: Vec<u64>,
    /// All that can come of a meeting of two states, at first * states + second.
    changes: Vec<Vec<Change>>,
    /// How often each of them came about.
    seen: Vec<Vec<u64>>,
    /// Scratch: those who took part in the batch, by their states since.
    used: Vec<u64>,
}

impl Keep for Counts {
    fn keep(&self, out: &mut Keeper<'_>) {
        kept::keep_all(self.counts.len(), self.counts.iter().copied(), out);
    }

    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Fault> {
        kept::take_into(&mut self.counts, from)
    }
}

impl Counts {
    /// `counts[s]` agents in each state `s`, at least two in all; `changes(a, b)` is what can come of a meeting of a first
    /// agent in state `a` and a second in `b`, with probabilities that add up to 1.
    pub fn new(counts: Vec<u64>, changes: impl Fn(usize, usize) -> Vec<Change>) -> Counts {
        let n = counts.len();
        let changes: Vec<Vec<Change>> = (0..n * n).map(|i| changes(i / n, i % n)).collect();
        let seen = changes.iter().map(|changes| vec![0; changes.len()]).collect();
        Counts { used: vec![0; n], counts, changes, seen }
    }

    /// How many agents are in each state, committed ones in states of their own.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Plays so many interactions, or to the end of the batch after which `over` says so; gives how many.
    pub fn play(&mut self, interactions: u64, over: impl Fn(&[u64]) -> bool, draws: &mut Stream) -> u64 {
        let n: u64 = self.counts.iter().sum();
        let mut left = interactions;
        while left > 0 {
            let fresh = fresh_interactions(n, 1.0 - draws.unit());
            let batch = fresh.min(left);
            self.batch(batch, draws);
            left -= batch;
            // A batch that was cut short ends without one in which somebody takes part again.
            if left > 0 {
                self.again(n, 2 * batch, draws);
                left -= 1;
            }
            self.counts.iter_mut().zip(&mut self.used).for_each(|(count, used)| *count += std::mem::take(used));
            if over(&self.counts) {
                break;
            }
        }
        interactions - left
    }

    /// What happened since it was last asked: how many successes, and how often each of `names` names was said, by all and
    /// by agents in states that are not `committed`.
    pub fn tally(&mut self, names: usize, committed: &[bool]) -> Tally {
        let states = self.counts.len();
        let mut tally = Tally { said: vec![0; names], said_freely: vec![0; names], ..Tally::default() };
        for (i, (changes, seen)) in self.changes.iter().zip(&mut self.seen).enumerate() {
            for (change, seen) in changes.iter().zip(seen) {
                let times = std::mem::take(seen);
                tally.successes += times * u64::from(change.success);
                for (name, state) in change.names.iter().zip([i / states, i % states]) {
                    let Some(name) = *name else { continue };
                    tally.said[name as usize] += times;
                    tally.said_freely[name as usize] += times * u64::from(!committed[state]);
                }
            }
        }
        tally
    }

    /// Interactions in which no agent takes part twice. Who takes part goes over to `used`.
    fn batch(&mut self, interactions: u64, draws: &mut Stream) {
        let states = self.counts.len();
        let mut firsts = vec![0; states];
        take(&mut self.counts, interactions, &mut firsts, draws);
        let mut seconds = vec![0; states];
        take(&mut self.counts, interactions, &mut seconds, draws);
        let mut met = vec![0; states];
        for (first, &of) in firsts.iter().enumerate().filter(|(_, of)| **of > 0) {
            take(&mut seconds, of, &mut met, draws);
            for (second, of) in met.iter_mut().enumerate() {
                let (mut left, mut rest) = (std::mem::take(of), 1.0);
                let pair = first * states + second;
                let last = self.changes[pair].len() - 1;
                for (i, change) in self.changes[pair].iter().enumerate() {
                    if left == 0 {
                        break;
                    }
                    // What is left over goes the last way.
                    let some = if i == last { left } else { binomial(left, (change.probability / rest).min(1.0), draws) };
                    change.states.iter().for_each(|&state| self.used[state as usize] += some);
                    self.seen[pair][i] += some;
                    left -= some;
                    rest -= change.probability;
                }
            }
        }
    }

    /// An interaction of which one or both took part in the batch of `used` agents among `n`.
    fn again(&mut self, n: u64, used: u64, draws: &mut Stream) {
        let fresh = n - used;
        // The first took part, and the second is anyone; or the first did not, and the second did.
        let [after_used, after_fresh] = [n - 1, fresh].map(|other| u128::from(used) * u128::from(other));
        let first_used = draws.below_wide(after_used + after_fresh) < after_used;
        let (first, second) = if first_used {
            let first = pick(&mut self.used, used, draws);
            let second = match draws.below(n - 1) < used - 1 {
                true => pick(&mut self.used, used - 1, draws),
                false => pick(&mut self.counts, fresh, draws),
            };
            (first, second)
        } else {
            (pick(&mut self.counts, fresh, draws), pick(&mut self.used, used, draws))
        };
        let mut left = draws.unit();
        let pair = first * self.counts.len() + second;
        let found = self.changes[pair].iter().position(|change| {
            left -= change.probability;
            left < 0.0
        });
        let found = found.unwrap_or(self.changes[pair].len() - 1);
        self.changes[pair][found].states.iter().for_each(|&state| self.used[state as usize] += 1);
        self.seen[pair][found] += 1;
    }
}

/// Moves `n` agents drawn without replacement from one multiset into another, which is empty.
fn take(from: &mut [u64], n: u64, into: &mut [u64], draws: &mut Stream) {
    let mut all: u64 = from.iter().sum();
    let mut left = n;
    for (from, into) in from.iter_mut().zip(into) {
        let some = hypergeometric(all, *from, left, draws);
        all -= *from;
        *from -= some;
        *into = some;
        left -= some;
    }
}

/// Takes one agent of `all` out of a multiset; gives its state.
fn pick(from: &mut [u64], all: u64, draws: &mut Stream) -> usize {
    let mut left = draws.below(all);
    let state = from.iter().position(|&count| {
        let here = left < count;
        left = left.wrapping_sub(count);
        here
    });
    let state = state.expect("as many agents as there are");
    from[state] -= 1;
    state
}

/// How many interactions there are before one in which somebody takes part again, in a population of `n`: the most for
/// which the probability of as many is at least `u`, uniform in (0, 1].
fn fresh_interactions(n: u64, u: f64) -> u64 {
    let due = u.ln();
    let most = n / 2;
    if n < 4096 {
        let (mut sum, mut length) = (0.0, 0);
        let all = n as f64 * (n - 1) as f64;
        while length < most {
            let fresh = n - 2 * length;
            sum += (fresh as f64 * (fresh - 1) as f64 / all).ln();
            if sum < due {
                break;
            }
            length += 1;
        }
        return length.max(1);
    }
    // The logarithm falls all the way, so the place is found by halving; few batches are longer than some roots of N.
    let (mut low, mut high) = (1, most.min(((n as f64).sqrt() * 16.0) as u64));
    while low < high {
        let middle = (low + high).div_ceil(2);
        if ln_fresh(n as f64, middle as f64) >= due { low = middle } else { high = middle - 1 }
    }
    low
}

/// The logarithm of n! / (n - 2 l)! / (n (n - 1))^l.
fn ln_fresh(n: f64, l: f64) -> f64 {
    let m = 2.0 * l;
    let rest = 1.0 - m / n;
    // Stirling's formula for both factorials, less what they have in common.
    let falling = -(n - m + 0.5) * (-m / n).ln_1p() - m + (1.0 - 1.0 / rest) / (12.0 * n);
    falling - l * (-1.0 / n).ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Purpose, Seed};

    #[test]
    fn a_batch_is_as_long_as_chance_lets_it_be() {
        // Against the product itself.
        for n in [5000.0, 1e5, 1e6] {
            let (mut sum, mut l) = (0.0, 0.0);
            while l < 3.0 * f64::sqrt(n) {
                let fresh = n - 2.0 * l;
                sum += (fresh * (fresh - 1.0) / (n * (n - 1.0))).ln();
                l += 1.0;
                assert!((ln_fresh(n, l) - sum).abs() < 1e-9, "{n} {l}: {} {sum}", ln_fresh(n, l));
            }
        }
        assert!((1..=2).contains(&fresh_interactions(4, 0.5)));
        assert_eq!(fresh_interactions(2, 0.5), 1);
    }

    /// Agents that exchange states or copy: what a chain of two states does is known exactly.
    #[test]
    fn a_chain_of_counts_has_its_exact_distribution() {
        // The second takes the state of the first with probability 0.7. Four agents, one of them different, two steps.
        let changes = |a: usize, b: usize| {
            vec![
                Change { probability: 0.7, states: [a as u16; 2], names: [None; 2], success: true },
                Change { probability: 0.3, states: [a as u16, b as u16], names: [None; 2], success: false },
            ]
        };
        let n = 6_u64;
        // How many are in state 1 after each number of steps, exactly.
        let mut exact = vec![0.0; 7];
        exact[2] = 1.0;
        for _ in 0..9 {
            let mut next = vec![0.0; 7];
            for (k, &p) in exact.iter().enumerate() {
                let k = k as f64;
                let rate = 0.7 * k * (6.0 - k) / (6.0 * 5.0);
                next[k as usize] += p * (1.0 - 2.0 * rate);
                if rate > 0.0 {
                    next[k as usize + 1] += p * rate;
                    next[k as usize - 1] += p * rate;
                }
            }
            exact = next;
        }
        let runs = 100_000;
        let mut found = [0.0; 7];
        for i in 0..runs {
            let mut counts = Counts::new(vec![n - 2, 2], changes);
            let mut draws = Seed(5).stream(Purpose::Pair, i);
            // In two pieces, as rounds cut runs.
            counts.play(4, |_| false, &mut draws);
            counts.play(5, |_| false, &mut draws);
            assert_eq!(counts.counts().iter().sum::<u64>(), n);
            found[counts.counts()[1] as usize] += 1.0;
        }
        for (k, (found, due)) in found.iter().zip(&exact).enumerate() {
            let sd = (due * (1.0 - due) / runs as f64).sqrt();
            assert!((found / runs as f64 - due).abs() < 4.5 * sd + 1e-12, "{k}: {} not {due}", found / runs as f64);
        }
    }
}
