//! A sender at work: what it says of items, symbol by symbol, and the gradient of having said it. Places of a batch with the
//! same view and the same symbols so far are one row, computed once. Losses are not known here.

use super::items::Items;
use super::layers::{Growth, Linear, Once, Views, embed, embed_back};
use super::messages::Messages;
use super::numbers::{Logs, likeliest, softmax_rows, wide_loop};
use super::recurrent::Recurrent;
use super::setup::Agents;
use super::shape::Shape;

/// How symbols are chosen.
#[derive(Clone, Copy)]
pub(super) enum Choose<'a> {
    /// By `places x positions` numbers: the symbol is how many sums of probabilities are not above the number.
    Drawn(&'a [f32]),
    /// The likeliest.
    Likeliest,
    /// Those of messages that are given.
    Given(&'a Messages),
}

/// Room for a sender, and what it said last.
#[derive(Clone, Debug)]
pub(super) struct Speaking {
    run: Recurrent,
    width: usize,
    views: Views,
    view: Linear,
    head: Linear,
    /// States to begin with, a row for each view.
    roots: Vec<f32>,
    /// Which symbols were read; a place beyond the row of the table by one, as the first row is the start.
    symbols_read: Once,
    growth: Growth,
    /// `rows x vocabulary`.
    logits: Vec<f32>,
    shares: Vec<f32>,
    logs: Vec<Logs>,
    /// Of each place and position the row and the symbol that it chose.
    said: Vec<Vec<(u32, u32)>>,
    d_logits: Vec<f32>,
}

impl Speaking {
    /// Room for senders of a shape.
    pub fn new(agents: Agents) -> Speaking {
        Speaking {
            run: Recurrent::new(agents),
            width: agents.embedding,
            views: Views::default(),
            view: Linear::default(),
            head: Linear::default(),
            roots: Vec::new(),
            symbols_read: Once::default(),
            growth: Growth::default(),
            logits: Vec::new(),
            shares: Vec::new(),
            logs: Vec::new(),
            said: Vec::new(),
            d_logits: Vec::new(),
        }
    }

    /// What a sender says of items.
    pub fn speak(&mut self, shape: &Shape, items: &Items, w: &[f32], about: &[u32], choose: Choose<'_>) -> Messages {
        let (at, channel) = (&shape.sender.at, &shape.channel);
        let vocabulary = channel.vocabulary;
        self.views.see(items, about);
        self.view.begin(w, &at.view);
        self.said.resize(about.len(), Vec::new());
        self.said.iter_mut().for_each(Vec::clear);
        self.logits.clear();
        self.shares.clear();
        self.logs.clear();
        let alone = at.head.outs == 0;
        if alone {
            self.view.forward(w, &at.view, &self.views.features, &mut self.logits);
        } else {
            self.roots.clear();
            self.view.forward(w, &at.view, &self.views.features, &mut self.roots);
            self.head.begin(w, &at.head);
            self.run.begin(w, at);
            self.run.read(w, at, &w[at.start.clone()]);
            self.symbols_read.begin(vocabulary);
        }
        // Places that still speak, each with its row in the level before.
        let mut live: Vec<(u32, u32)> = (0..).zip(self.views.rows.iter().copied()).collect();
        let mut before = self.views.len();
        for position in 0..channel.length {
            let first = self.logs.len();
            if !alone {
                self.growth.begin(before);
                for (place, row) in &mut live {
                    let symbol = self.said[*place as usize].last().map_or(0, |said| said.1);
                    *row = self.growth.row(*row, symbol);
                }
                let inputs: Vec<u32> = match position {
                    0 => vec![0; self.growth.symbols.len()],
                    _ => self.growth.symbols.iter().map(|&symbol| self.symbols_read.place(symbol).0 + 1).collect(),
                };
                self.read_new(w, shape);
                let rows = self.run.level(w, at, Some(&self.roots), &self.growth.parents, &inputs);
                before = rows.len();
                self.head.forward(w, &at.head, self.run.states(rows), &mut self.logits);
            }
            self.shares.resize(self.logits.len(), 0.0);
            let own = first * vocabulary..;
            softmax_rows(&self.logits[own.clone()], vocabulary, &mut self.shares[own], &mut self.logs);
            live.retain(|&(place, row)| {
                let row = first + row as usize;
                let shares = &self.shares[row * vocabulary..][..vocabulary];
                let symbol = match choose {
                    Choose::Drawn(draws) => drawn(shares, draws[place as usize * channel.length + position]),
                    Choose::Likeliest => likeliest(&self.logits[row * vocabulary..][..vocabulary]),
                    // After what is said comes the stop, where there is one.
                    Choose::Given(messages) => messages.heard(place as usize).get(position).copied().unwrap_or(0),
                };
                self.said[place as usize].push((row as u32, symbol));
                symbol != 0 || !channel.stops()
            });
            if live.is_empty() {
                break;
            }
        }
        let mut messages = Messages::new(channel);
        self.said.iter().for_each(|said| messages.push(said.iter().map(|said| said.1)));
        messages
    }

    /// Puts symbols that were not read yet into the table.
    fn read_new(&mut self, w: &[f32], shape: &Shape) {
        let known = self.run.table_rows() - 1;
        let mut rows = Vec::new();
        for &symbol in &self.symbols_read.all[known..] {
            embed(w, &shape.sender.at, self.width, symbol, &mut rows);
        }
        if !rows.is_empty() {
            self.run.read(w, &shape.sender.at, &rows);
        }
    }

    /// Of each place the logarithm of the probability of all that it said, and the entropies of its symbols, summed.
    pub fn of_places(&self, vocabulary: usize) -> Vec<(f32, f32)> {
        let of = |said: &Vec<(u32, u32)>| {
            said.iter().fold((0.0, 0.0), |(log, entropy), &(row, symbol)| {
                let logs = &self.logs[row as usize];
                (log + self.logits[row as usize * vocabulary + symbol as usize] - logs.less, entropy + logs.entropy)
            })
        };
        self.said.iter().map(of).collect()
    }

    /// Adds the gradient of a sum over places: `along` of the logarithm of the probability of what a place said, less `spread`
    /// of the entropies of its symbols.
    pub fn back(&mut self, shape: &Shape, w: &[f32], weights: &[(f32, f32)], gradient: &mut [f32]) {
        let (at, vocabulary) = (&shape.sender.at, shape.channel.vocabulary);
        let rows = self.logs.len();
        let mut sums = vec![(0.0f32, 0.0f32); rows];
        self.d_logits.clear();
        self.d_logits.resize(rows * vocabulary, 0.0);
        for (said, &(along, spread)) in self.said.iter().zip(weights) {
            for &(row, symbol) in said {
                self.d_logits[row as usize * vocabulary + symbol as usize] += along;
                let sum = &mut sums[row as usize];
                *sum = (sum.0 + along, sum.1 + spread);
            }
        }
        let (d_logits, logits, shares, logs) = (&mut self.d_logits, &self.logits, &self.shares, &self.logs);
        wide_loop(
            #[inline(always)]
            || {
                for (row, &(along, spread)) in sums.iter().enumerate() {
                    let from = row * vocabulary;
                    let (d, p, z) =
                        (&mut d_logits[from..][..vocabulary], &shares[from..][..vocabulary], &logits[from..][..vocabulary]);
                    let Logs { less, entropy } = logs[row];
                    for i in 0..vocabulary {
                        d[i] += p[i] * (spread * (z[i] - less + entropy) - along);
                    }
                }
            },
        );
        if at.head.outs == 0 {
            self.view.gradient(&at.view, &self.d_logits, &self.views.features, gradient);
            return;
        }
        self.head.gradient(&at.head, &self.d_logits, self.run.states(0..rows), gradient);
        let d_states = self.run.back(w, at, self.views.len());
        self.head.back(w, &at.head, &self.d_logits, d_states);
        (0..self.run.levels()).rev().for_each(|level| self.run.back_level(level));
        self.view.gradient(&at.view, self.run.d_roots(), &self.views.features, gradient);
        let d_read = self.run.back_end(at, gradient);
        let (start, others) = d_read.split_at(self.width);
        crate::net::rows::add(&mut gradient[at.start.clone()], start);
        for (&symbol, d) in self.symbols_read.all.iter().zip(others.chunks_exact(self.width)) {
            embed_back(at, symbol, d, gradient);
        }
    }
}

/// How many sums of probabilities are not above a number; the last symbol where rounding leaves a gap.
pub(super) fn drawn(shares: &[f32], u: f32) -> u32 {
    let mut sum = 0.0;
    let below = shares.iter().take_while(|&&share| {
        sum += share;
        sum <= u
    });
    below.count().min(shares.len() - 1) as u32
}
