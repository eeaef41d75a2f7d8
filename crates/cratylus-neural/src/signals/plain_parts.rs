//! The layers of the plain path, forward and backward, in double precision. One row at a time; batches are not known here.

use super::round::Round;
use super::setup::{Cell, NtXent};
use super::shape::{LinearAt, PartAt, Shape};

/// A part with its weights.
#[derive(Clone, Copy)]
pub(super) struct Net<'a> {
    pub shape: &'a Shape,
    pub at: &'a PartAt,
    pub w: &'a [f64],
}

/// A step of a cell, with all that the way back needs.
pub(super) struct Kept {
    read: Vec<f64>,
    before: Vec<f64>,
    memory_before: Vec<f64>,
    /// Gates after their functions, in PyTorch's order.
    gates: Vec<f64>,
    /// Of a gated recurrent unit what the reset gate multiplies.
    held: Vec<f64>,
    pub state: Vec<f64>,
    /// Of long short-term memory; zeros elsewhere.
    pub memory: Vec<f64>,
}

/// What a receiver answers at one place.
pub(super) struct Answered {
    /// Logarithms of probabilities, group after group: attributes, or candidates.
    pub logs: Vec<f64>,
    /// The answer in each group.
    pub answers: Vec<usize>,
    pub loss: f64,
    pub right: bool,
    pub log_prob: f64,
    pub entropy: f64,
}

pub(super) fn add(to: &mut [f64], what: &[f64]) {
    to.iter_mut().zip(what).for_each(|(to, what)| *to += what);
}

pub(super) fn log_softmax(logits: &[f64]) -> Vec<f64> {
    let most = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logits.iter().map(|logit| (logit - most).exp()).sum();
    logits.iter().map(|logit| logit - most - sum.ln()).collect()
}

/// The entropy in nats of what has these logarithms of probabilities.
pub(super) fn entropy(logs: &[f64]) -> f64 {
    -logs.iter().map(|log| log.exp() * log).sum::<f64>()
}

/// The features of an item as they would be written down: a number of single precision is the shortest decimal that gives it.
pub(super) fn view(round: Round<'_>, item: u32) -> Vec<f64> {
    round.items.features(item).iter().map(|x| x.to_string().parse().expect("a number that was written down")).collect()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

impl Net<'_> {
    fn times(&self, from: usize, outs: usize, x: &[f64]) -> Vec<f64> {
        let row = |o: usize| &self.w[from + o * x.len()..][..x.len()];
        (0..outs).map(|o| row(o).iter().zip(x).map(|(w, x)| w * x).sum()).collect()
    }

    /// Adds the gradient of a matrix, and gives what reaches what it multiplied.
    fn times_back(&self, from: usize, d: &[f64], x: &[f64], gradient: &mut [f64]) -> Vec<f64> {
        let mut d_x = vec![0.0; x.len()];
        for (o, d) in d.iter().enumerate() {
            for i in 0..x.len() {
                gradient[from + o * x.len() + i] += d * x[i];
                d_x[i] += d * self.w[from + o * x.len() + i];
            }
        }
        d_x
    }

    pub fn linear(&self, at: &LinearAt, x: &[f64]) -> Vec<f64> {
        let mut y = self.times(at.weight.start, at.outs, x);
        add(&mut y, &self.w[at.bias.clone()]);
        y
    }

    pub fn linear_back(&self, at: &LinearAt, d: &[f64], x: &[f64], gradient: &mut [f64]) -> Vec<f64> {
        add(&mut gradient[at.bias.clone()], d);
        self.times_back(at.weight.start, d, x, gradient)
    }

    /// What is read where symbols have these shares.
    pub fn embed(&self, shares: &[f64]) -> Vec<f64> {
        let width = self.at.embedding.len() / shares.len();
        let mut read = vec![0.0; width];
        if !self.at.embedding_bias.is_empty() {
            add(&mut read, &self.w[self.at.embedding_bias.clone()]);
        }
        for (symbol, share) in shares.iter().enumerate() {
            let row = &self.w[self.at.embedding.start + symbol * width..][..width];
            read.iter_mut().zip(row).for_each(|(read, row)| *read += share * row);
        }
        read
    }

    pub fn embed_back(&self, d: &[f64], shares: &[f64], gradient: &mut [f64]) -> Vec<f64> {
        if !self.at.embedding_bias.is_empty() {
            add(&mut gradient[self.at.embedding_bias.clone()], d);
        }
        let rows = shares.iter().enumerate().map(|(symbol, share)| {
            let from = self.at.embedding.start + symbol * d.len();
            gradient[from..][..d.len()].iter_mut().zip(d).for_each(|(g, d)| *g += share * d);
            self.w[from..][..d.len()].iter().zip(d).map(|(w, d)| w * d).sum()
        });
        rows.collect()
    }

    pub fn cell(&self, read: &[f64], before: &[f64], memory: &[f64]) -> Kept {
        let (h, at) = (before.len(), &self.at.cell);
        let rows = at.b_ih.len();
        let mut x = self.times(at.w_ih.start, rows, read);
        add(&mut x, &self.w[at.b_ih.clone()]);
        let mut y = self.times(at.w_hh.start, rows, before);
        add(&mut y, &self.w[at.b_hh.clone()]);
        let both = |i: usize| x[i] + y[i];
        let (mut gates, mut held, mut next) = (vec![0.0; rows], Vec::new(), vec![0.0; h]);
        let (mut state, memory_before) = (vec![0.0; h], memory.to_vec());
        match self.shape.agents.cell {
            Cell::Gru => {
                held = y[2 * h..].to_vec();
                for i in 0..h {
                    let (r, z) = (sigmoid(both(i)), sigmoid(both(h + i)));
                    let n = (x[2 * h + i] + r * held[i]).tanh();
                    (gates[i], gates[h + i], gates[2 * h + i]) = (r, z, n);
                    state[i] = (1.0 - z) * n + z * before[i];
                }
            }
            Cell::Lstm => {
                for i in 0..h {
                    let [a, f, g, o] = [0, 1, 2, 3].map(|gate| both(gate * h + i));
                    let [a, f, g, o] = [sigmoid(a), sigmoid(f), g.tanh(), sigmoid(o)];
                    (gates[i], gates[h + i], gates[2 * h + i], gates[3 * h + i]) = (a, f, g, o);
                    next[i] = f * memory[i] + a * g;
                    state[i] = o * next[i].tanh();
                }
            }
            Cell::Rnn | Cell::FeedForward => (0..h).for_each(|i| state[i] = both(i).tanh()),
        }
        Kept { read: read.to_vec(), before: before.to_vec(), memory_before, gates, held, state, memory: next }
    }

    /// What reaches what was read, the state before and the memory before.
    pub fn cell_back(&self, kept: &Kept, d: &[f64], d_memory: &[f64], gradient: &mut [f64]) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
        let (h, at) = (d.len(), &self.at.cell);
        let rows = at.b_ih.len();
        let (mut d_x, mut d_y) = (vec![0.0; rows], vec![0.0; rows]);
        let (mut d_before, mut d_memory_before) = (vec![0.0; h], vec![0.0; h]);
        let gate = |which: usize, i: usize| kept.gates[which * h + i];
        match self.shape.agents.cell {
            Cell::Gru => {
                for i in 0..h {
                    let (r, z, n) = (gate(0, i), gate(1, i), gate(2, i));
                    let d_n = d[i] * (1.0 - z) * (1.0 - n * n);
                    let d_z = d[i] * (kept.before[i] - n) * z * (1.0 - z);
                    let d_r = d_n * kept.held[i] * r * (1.0 - r);
                    (d_x[i], d_x[h + i], d_x[2 * h + i]) = (d_r, d_z, d_n);
                    (d_y[i], d_y[h + i], d_y[2 * h + i]) = (d_r, d_z, d_n * r);
                    d_before[i] = d[i] * z;
                }
            }
            Cell::Lstm => {
                for i in 0..h {
                    let [a, f, g, o] = [0, 1, 2, 3].map(|which| gate(which, i));
                    let out = kept.memory[i].tanh();
                    let d_c = d_memory[i] + d[i] * o * (1.0 - out * out);
                    d_x[i] = d_c * g * a * (1.0 - a);
                    d_x[h + i] = d_c * kept.memory_before[i] * f * (1.0 - f);
                    d_x[2 * h + i] = d_c * a * (1.0 - g * g);
                    d_x[3 * h + i] = d[i] * out * o * (1.0 - o);
                    d_memory_before[i] = d_c * f;
                }
                d_y.clone_from(&d_x);
            }
            Cell::Rnn | Cell::FeedForward => {
                (0..h).for_each(|i| d_x[i] = d[i] * (1.0 - kept.state[i] * kept.state[i]));
                d_y.clone_from(&d_x);
            }
        }
        add(&mut gradient[at.b_ih.clone()], &d_x);
        add(&mut gradient[at.b_hh.clone()], &d_y);
        let d_read = self.times_back(at.w_ih.start, &d_x, &kept.read, gradient);
        add(&mut d_before, &self.times_back(at.w_hh.start, &d_y, &kept.before, gradient));
        (d_read, d_before, d_memory_before)
    }

    /// A candidate as a receiver compares it with its state.
    pub fn seen(&self, round: Round<'_>, item: u32) -> Vec<f64> {
        let view = view(round, item);
        self.linear(&self.at.view, &view).into_iter().map(f64::tanh).collect()
    }

    pub fn seen_back(&self, round: Round<'_>, item: u32, seen: &[f64], d: &[f64], gradient: &mut [f64]) {
        let view = view(round, item);
        let d: Vec<f64> = d.iter().zip(seen).map(|(d, y)| d * (1.0 - y * y)).collect();
        self.linear_back(&self.at.view, &d, &view, gradient);
    }

    fn candidates<'r>(&self, round: Round<'r>, place: usize) -> &'r [u32] {
        let d = self.shape.game.candidates().unwrap_or(0);
        &round.examples.candidates[place * d..][..d]
    }

    /// The answer at a place, drawn by these numbers or the likeliest one.
    pub fn answer(&self, round: Round<'_>, place: usize, state: &[f64], draws: Option<&[f64]>) -> Answered {
        let (logits, groups, targets) = match self.shape.game.candidates() {
            None => {
                let targets = round.items.attributes(round.examples.shown[place]).to_vec();
                (self.linear(&self.at.head, state), self.shape.sizes.clone(), targets)
            }
            Some(d) => {
                let scores = self
                    .candidates(round, place)
                    .iter()
                    .map(|&item| self.seen(round, item).iter().zip(state).map(|(seen, state)| seen * state).sum());
                (scores.collect(), vec![d], vec![round.examples.slots[place]])
            }
        };
        let (mut logs, mut answers, mut loss, mut log_prob, mut spread, mut from) = (Vec::new(), Vec::new(), 0.0, 0.0, 0.0, 0);
        for (group, (&size, &target)) in groups.iter().zip(&targets).enumerate() {
            let own = log_softmax(&logits[from..][..size]);
            let answer = match draws {
                None => (1..size).fold(0, |best, i| if own[i] > own[best] { i } else { best }),
                Some(draws) => {
                    let mut sum = 0.0;
                    let below = own.iter().take_while(|log| {
                        sum += log.exp();
                        sum <= draws[group]
                    });
                    below.count().min(size - 1)
                }
            };
            loss -= own[target as usize] / groups.len() as f64;
            if draws.is_some() {
                log_prob += own[answer];
                spread += entropy(&own);
            }
            answers.push(answer);
            logs.extend(own);
            from += size;
        }
        let right = answers.iter().zip(&targets).all(|(&answer, &target)| answer == target as usize);
        let loss = if draws.is_some() { f64::from(u8::from(!right)) } else { loss };
        Answered { logs, answers, loss, right, log_prob, entropy: spread }
    }

    /// What reaches the state of a loss, of the logarithm of the answer's probability and of less entropy, so weighted.
    pub fn answer_back(
        &self,
        round: Round<'_>,
        place: usize,
        state: &[f64],
        answered: &Answered,
        weights: [f64; 3],
        gradient: &mut [f64],
    ) -> Vec<f64> {
        let [of_loss, of_choice, of_entropy] = weights;
        let groups = self.shape.game.candidates().map_or(self.shape.sizes.clone(), |d| vec![d]);
        let targets = match self.shape.game.candidates() {
            None => round.items.attributes(round.examples.shown[place]).to_vec(),
            Some(_) => vec![round.examples.slots[place]],
        };
        let (mut d, mut from) = (Vec::new(), 0);
        for (group, &size) in groups.iter().enumerate() {
            let own = &answered.logs[from..][..size];
            let h = entropy(own);
            d.extend(own.iter().enumerate().map(|(i, log)| {
                let hit = |which: usize| if i == which { 1.0 } else { 0.0 };
                of_loss / groups.len() as f64 * (log.exp() - hit(targets[group] as usize))
                    + of_choice * (hit(answered.answers[group]) - log.exp())
                    + of_entropy * log.exp() * (log + h)
            }));
            from += size;
        }
        if self.shape.game.candidates().is_none() {
            return self.linear_back(&self.at.head, &d, state, gradient);
        }
        let mut d_state = vec![0.0; state.len()];
        for (&item, &d) in self.candidates(round, place).iter().zip(&d) {
            let seen = self.seen(round, item);
            d_state.iter_mut().zip(&seen).for_each(|(to, seen)| *to += d * seen);
            let d_seen: Vec<f64> = state.iter().map(|state| d * state).collect();
            self.seen_back(round, item, &seen, &d_seen, gradient);
        }
        d_state
    }
}

/// What NT-Xent says of two lists of `n` rows, and what the mean of all losses brings to each row.
pub(super) struct Contrasted {
    /// Of each row, those of the first list first.
    pub losses: Vec<f64>,
    /// Whether a row's partner is the nearest of all others.
    pub nearest: Vec<bool>,
    /// Whether the partner of a row of the first list is the nearest of the second.
    pub found: Vec<bool>,
    pub d_a: Vec<Vec<f64>>,
    pub d_b: Vec<Vec<f64>>,
}

/// NT-Xent as EGG 54eb11c has it: losses are halved, a row's partner counts twice among the others, and inner products are
/// not divided by the temperature.
pub(super) fn nt_xent(a: &[Vec<f64>], b: &[Vec<f64>], by: NtXent) -> Contrasted {
    let n = a.len();
    let rows: Vec<&Vec<f64>> = a.iter().chain(b).collect();
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    let scale = if by.cosine { 1.0 / by.temperature } else { 1.0 };
    // As PyTorch: no length is below 1e-8.
    let lengths: Vec<f64> = rows.iter().map(|row| if by.cosine { dot(row, row).sqrt().max(1e-8) } else { 1.0 }).collect();
    let units: Vec<Vec<f64>> = rows.iter().zip(&lengths).map(|(row, length)| row.iter().map(|x| x / length).collect()).collect();
    let (mut losses, mut nearest, mut found) = (Vec::new(), Vec::new(), Vec::new());
    let mut d_units = vec![vec![0.0; rows[0].len()]; 2 * n];
    for i in 0..2 * n {
        let own = (i + n) % (2 * n);
        let others: Vec<usize> = std::iter::once(own).chain((0..2 * n).filter(|&j| j != i)).collect();
        let logits: Vec<f64> = others.iter().map(|&j| dot(&units[i], &units[j]) * scale).collect();
        let logs = log_softmax(&logits);
        losses.push(-logs[0] / 2.0);
        nearest.push(logits.iter().all(|&other| logits[0] >= other));
        if i < n {
            found.push(others.iter().zip(&logits).all(|(&j, &other)| j < n || logits[0] >= other));
        }
        for (at, &j) in others.iter().enumerate() {
            let d = (logs[at].exp() - if at == 0 { 1.0 } else { 0.0 }) / (4 * n) as f64 * scale;
            for k in 0..rows[0].len() {
                d_units[i][k] += d * units[j][k];
                d_units[j][k] += d * units[i][k];
            }
        }
    }
    let d_rows = (0..2 * n).map(|i| {
        let along = if by.cosine { dot(&d_units[i], &units[i]) } else { 0.0 };
        d_units[i].iter().zip(&units[i]).map(|(d, unit)| (d - along * unit) / lengths[i]).collect()
    });
    let mut d_a: Vec<Vec<f64>> = d_rows.collect();
    let d_b = d_a.split_off(n);
    Contrasted { losses, nearest, found, d_a, d_b }
}
