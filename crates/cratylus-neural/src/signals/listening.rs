//! A receiver at work: what state messages leave it in, and the gradient of that. Messages that begin alike are one row as far
//! as they do, computed once. What it answers is not known here.

use super::layers::{Growth, Once, embed, embed_back};
use super::messages::Messages;
use super::recurrent::Recurrent;
use super::setup::Agents;
use super::shape::Shape;

/// Room for a receiver, and what it heard last.
#[derive(Clone, Debug)]
pub(super) struct Listening {
    run: Recurrent,
    /// How wide a row of embeddings is.
    width: usize,
    alone: bool,
    hidden: usize,
    growth: Growth,
    symbols_read: Once,
    /// Rows at which messages end, each once.
    ends: Once,
    /// Of each message its end, in the order of `states`.
    pub end_of: Vec<u32>,
    /// `ends x hidden`.
    pub states: Vec<f32>,
}

impl Listening {
    /// Room for receivers of a shape.
    pub fn new(agents: Agents) -> Listening {
        let alone = agents.cell.gates() == 0;
        Listening {
            run: Recurrent::new(agents),
            width: if alone { agents.hidden } else { agents.embedding },
            alone,
            hidden: agents.hidden,
            growth: Growth::default(),
            symbols_read: Once::default(),
            ends: Once::default(),
            end_of: Vec::new(),
            states: Vec::new(),
        }
    }

    /// Hears messages.
    pub fn listen(&mut self, shape: &Shape, w: &[f32], messages: &Messages) {
        let at = &shape.receiver.at;
        self.symbols_read.begin(shape.channel.vocabulary);
        self.states.clear();
        if self.alone {
            self.end_of = (0..messages.len()).map(|i| self.symbols_read.place(messages.heard(i)[0]).0).collect();
            for &symbol in &self.symbols_read.all {
                embed(w, at, self.width, symbol, &mut self.states);
            }
            return;
        }
        self.run.begin(w, at);
        // Where each message has come to, and messages that go on.
        let mut rows = vec![0; messages.len()];
        let mut live: Vec<(u32, u32)> = (0..messages.len() as u32).map(|i| (i, 0)).collect();
        let (mut before, mut position) = (1, 0);
        while !live.is_empty() {
            self.growth.begin(before);
            for (message, row) in &mut live {
                *row = self.growth.row(*row, messages.heard(*message as usize)[position]);
            }
            let known = self.symbols_read.all.len();
            let inputs: Vec<u32> = self.growth.symbols.iter().map(|&symbol| self.symbols_read.place(symbol).0).collect();
            let mut new = Vec::new();
            for &symbol in &self.symbols_read.all[known..] {
                embed(w, at, self.width, symbol, &mut new);
            }
            if !new.is_empty() {
                self.run.read(w, at, &new);
            }
            let level = self.run.level(w, at, None, &self.growth.parents, &inputs);
            before = level.len();
            position += 1;
            live.retain(|&(message, row)| {
                rows[message as usize] = level.start as u32 + row;
                messages.length(message as usize) > position
            });
        }
        self.ends.begin(self.run.rows());
        self.end_of = rows.iter().map(|&row| self.ends.place(row).0).collect();
        for &row in &self.ends.all {
            self.states.extend_from_slice(self.run.states(row as usize..row as usize + 1));
        }
    }

    /// Adds the gradient, where this reached the states, `ends x hidden`.
    pub fn back(&mut self, shape: &Shape, w: &[f32], d_states: &[f32], gradient: &mut [f32]) {
        let at = &shape.receiver.at;
        if self.alone {
            for (&symbol, d) in self.symbols_read.all.iter().zip(d_states.chunks_exact(self.hidden)) {
                embed_back(at, symbol, d, gradient);
            }
            return;
        }
        let into = self.run.back(w, at, 0);
        for (&row, d) in self.ends.all.iter().zip(d_states.chunks_exact(self.hidden)) {
            into[row as usize * self.hidden..][..self.hidden].copy_from_slice(d);
        }
        (0..self.run.levels()).rev().for_each(|level| self.run.back_level(level));
        let d_read = self.run.back_end(at, gradient);
        for (&symbol, d) in self.symbols_read.all.iter().zip(d_read.chunks_exact(self.width)) {
            embed_back(at, symbol, d, gradient);
        }
    }
}
