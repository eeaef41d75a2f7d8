//! What receivers answer from their states, how wrong it is, and the gradient of that: attributes, or one of some candidates.
//! How the states came about is not known here.

use super::contrast::Contrasting;
use super::layers::{Linear, Views};
use super::numbers::{Logs, likeliest, softmax_rows, tanh, wide_loop};
use super::round::Round;
use super::speaking::drawn;
use crate::net::rows::dot;

/// An answer that is judged: a row of states, and the place of the batch that it answers for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub state: u32,
    pub place: u32,
}

/// What came of one that was asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answered {
    pub loss: f32,
    pub right: bool,
    /// The logarithm of the probability of what was drawn, and the entropy in nats, where answers are drawn; 0 elsewhere.
    pub log_prob: f32,
    pub entropy: f32,
}

/// By how much three things count in a gradient.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Weights {
    pub loss: f32,
    /// Of the logarithm of the probability of what was drawn.
    pub choice: f32,
    /// Of less entropy.
    pub entropy: f32,
}

/// Room for answers, and the last ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Answering {
    head: Linear,
    view: Linear,
    /// Candidates, those that look the same once, and `views x hidden` numbers that states are compared with.
    views: Views,
    seen: Vec<f32>,
    contrasting: Contrasting,
    /// Attributes: a row for each state. Candidates: a row for each that was asked.
    logits: Vec<f32>,
    shares: Vec<f32>,
    logs: Vec<Logs>,
    /// How many answers each of the groups has.
    groups: Vec<usize>,
    /// `asked x groups`.
    pub chosen: Vec<u32>,
    pub answered: Vec<Answered>,
}

impl Answering {
    /// Judges answers from states, `rows x hidden`: drawn by `places x groups` numbers, or the likeliest.
    pub fn judge(&mut self, round: Round<'_>, w: &[f32], states: &[f32], asked: &[Asked], draws: Option<&[f32]>) {
        let (shape, hidden) = (round.shape, round.shape.agents.hidden);
        let at = &shape.receiver.at;
        self.logits.clear();
        self.groups.clear();
        match shape.game.candidates() {
            None => {
                self.groups.extend_from_slice(&shape.sizes);
                self.head.begin(w, &at.head);
                self.head.forward(w, &at.head, states, &mut self.logits);
            }
            Some(d) => {
                self.groups.push(d);
                self.see(round, w, &round.examples.candidates);
                for asked in asked {
                    let state = &states[asked.state as usize * hidden..][..hidden];
                    let rows = &self.views.rows[asked.place as usize * d..][..d];
                    self.logits.extend(rows.iter().map(|&row| dot(&self.seen[row as usize * hidden..][..hidden], state)));
                }
            }
        }
        self.softmax();
        let (n, wide) = (self.groups.len(), self.groups.iter().sum::<usize>());
        self.chosen.clear();
        self.answered.clear();
        for (i, asked) in asked.iter().enumerate() {
            let place = asked.place as usize;
            let row = if at.head.outs == 0 { i } else { asked.state as usize };
            let mut answered = Answered { loss: 0.0, right: true, log_prob: 0.0, entropy: 0.0 };
            let mut from = row * wide;
            for (group, &size) in self.groups.iter().enumerate() {
                let (logits, logs) = (&self.logits[from..][..size], self.logs[row * n + group]);
                let target = target(round, place, group);
                let answer = match draws {
                    None => likeliest(logits),
                    Some(draws) => {
                        let answer = drawn(&self.shares[from..][..size], draws[place * n + group]);
                        answered.log_prob += logits[answer as usize] - logs.less;
                        answered.entropy += logs.entropy;
                        answer
                    }
                };
                answered.loss += (logs.less - logits[target as usize]) / n as f32;
                answered.right &= answer == target;
                self.chosen.push(answer);
                from += size;
            }
            if draws.is_some() {
                answered.loss = f32::from(u8::from(!answered.right));
            }
            self.answered.push(answered);
        }
    }

    /// Computes what states are compared with, of these items.
    fn see(&mut self, round: Round<'_>, w: &[f32], about: &[u32]) {
        let at = &round.shape.receiver.at.view;
        self.views.see(round.items, about);
        self.view.begin(w, at);
        self.seen.clear();
        self.view.forward(w, at, &self.views.features, &mut self.seen);
        let seen = &mut self.seen;
        wide_loop(
            #[inline(always)]
            || seen.iter_mut().for_each(|x| *x = tanh(*x)),
        );
    }

    fn softmax(&mut self) {
        self.shares.resize(self.logits.len(), 0.0);
        self.logs.clear();
        if self.groups.iter().all(|size| *size == self.groups[0]) {
            return softmax_rows(&self.logits, self.groups[0], &mut self.shares, &mut self.logs);
        }
        let mut from = 0;
        while from < self.logits.len() {
            for &size in &self.groups {
                softmax_rows(&self.logits[from..from + size], size, &mut self.shares[from..from + size], &mut self.logs);
                from += size;
            }
        }
    }

    /// Adds the gradient of the answers that were judged last, so weighted, and what reaches the states.
    pub fn back(
        &mut self,
        round: Round<'_>,
        w: &[f32],
        states: &[f32],
        asked: &[Asked],
        weights: &[Weights],
        [d_states, gradient]: [&mut [f32]; 2],
    ) {
        let (hidden, at) = (round.shape.agents.hidden, &round.shape.receiver.at);
        let (n, wide) = (self.groups.len(), self.groups.iter().sum::<usize>());
        let mut d = vec![0.0f32; self.logits.len()];
        // Of each group of each row how much its probabilities count, and those times their logarithms.
        let mut sums = vec![(0.0f32, 0.0f32); self.logs.len()];
        for (i, (asked, weights)) in asked.iter().zip(weights).enumerate() {
            let row = if at.head.outs == 0 { i } else { asked.state as usize };
            let mut from = row * wide;
            for (group, &size) in self.groups.iter().enumerate() {
                let of_loss = weights.loss / n as f32;
                d[from + target(round, asked.place as usize, group) as usize] -= of_loss;
                d[from + self.chosen[i * n + group] as usize] += weights.choice;
                let sum = &mut sums[row * n + group];
                *sum = (sum.0 + (of_loss - weights.choice), sum.1 + weights.entropy);
                from += size;
            }
        }
        let mut from = 0;
        for (i, (&(even, spread), logs)) in sums.iter().zip(&self.logs).enumerate() {
            let size = self.groups[i % n];
            let own = from..from + size;
            let (p, z) = (&self.shares[own.clone()], &self.logits[own.clone()]);
            for ((d, p), z) in d[own].iter_mut().zip(p).zip(z) {
                *d += p * (even + spread * (z - logs.less + logs.entropy));
            }
            from += size;
        }
        if at.head.outs > 0 {
            self.head.gradient(&at.head, &d, states, gradient);
            self.head.back(w, &at.head, &d, d_states);
            return;
        }
        let mut d_seen = vec![0.0; self.seen.len()];
        let (seen, views) = (&self.seen, &self.views.rows);
        wide_loop(
            #[inline(always)]
            || {
                for (i, asked) in asked.iter().enumerate() {
                    let from = asked.state as usize * hidden;
                    let (state, d_state) = (&states[from..][..hidden], &mut d_states[from..][..hidden]);
                    let rows = &views[asked.place as usize * wide..][..wide];
                    for (&row, &d) in rows.iter().zip(&d[i * wide..][..wide]) {
                        let from = row as usize * hidden;
                        let (seen, d_seen) = (&seen[from..][..hidden], &mut d_seen[from..][..hidden]);
                        for i in 0..hidden {
                            d_state[i] += d * seen[i];
                            d_seen[i] += d * state[i];
                        }
                    }
                }
            },
        );
        self.see_back(round, d_seen, gradient);
    }

    fn see_back(&mut self, round: Round<'_>, mut d_seen: Vec<f32>, gradient: &mut [f32]) {
        d_seen.iter_mut().zip(&self.seen).for_each(|(d, y)| *d *= 1.0 - y * y);
        self.view.gradient(&round.shape.receiver.at.view, &d_seen, &self.views.features, gradient);
    }

    /// Judges states by NT-Xent, a place each, and adds the gradient of the mean loss and what reaches the states.
    pub fn contrast(
        &mut self,
        round: Round<'_>,
        w: &[f32],
        states: &[f32],
        asked: &[Asked],
        d_states: &mut [f32],
        gradient: &mut [f32],
    ) {
        let hidden = round.shape.agents.hidden;
        let by = round.setup.game.nt_xent().expect("a game of NT-Xent");
        self.see(round, w, &round.examples.shown);
        let of_state = asked.iter().map(|asked| &states[asked.state as usize * hidden..][..hidden]);
        let of_view = asked.iter().map(|asked| &self.seen[self.views.rows[asked.place as usize] as usize * hidden..][..hidden]);
        let rows: Vec<f32> = of_state.chain(of_view).flatten().copied().collect();
        self.contrasting.judge(&rows, hidden, by);
        self.chosen.clear();
        self.answered.clear();
        let n = asked.len();
        let contrasting = &self.contrasting;
        self.answered.extend((0..n).map(|i| Answered {
            loss: 0.5 * (contrasting.losses[i] + contrasting.losses[i + n]),
            right: contrasting.found[i],
            log_prob: 0.0,
            entropy: 0.0,
        }));
        let (d_a, d_b) = self.contrasting.d_rows.split_at(n * hidden);
        let mut d_seen = vec![0.0; self.seen.len()];
        for ((asked, d_a), d_b) in asked.iter().zip(d_a.chunks_exact(hidden)).zip(d_b.chunks_exact(hidden)) {
            crate::net::rows::add(&mut d_states[asked.state as usize * hidden..][..hidden], d_a);
            crate::net::rows::add(&mut d_seen[self.views.rows[asked.place as usize] as usize * hidden..][..hidden], d_b);
        }
        self.see_back(round, d_seen, gradient);
    }
}

/// What is right in a group at a place.
fn target(round: Round<'_>, place: usize, group: usize) -> u32 {
    match round.shape.game.candidates() {
        None => round.items.attributes(round.examples.shown[place])[group],
        Some(_) => round.examples.slots[place],
    }
}
