//! Layers that both parts of agents use: linear ones, views of items, tables of symbols. Forward and backward, over rows.

use super::items::Items;
use super::numbers::add_columns;
use super::product::{Left, Panels, add_product};
use super::shape::{LinearAt, PartAt};
use crate::net::rows::add;

/// A linear layer at work: its weights packed for both ways.
#[derive(Clone, Debug, Default)]
pub(super) struct Linear {
    forward: Panels,
    back: Panels,
    rows: Panels,
}

impl Linear {
    /// Packs the weights for a way forward.
    pub fn begin(&mut self, w: &[f32], at: &LinearAt) {
        self.forward.pack_turned(&w[at.weight.clone()], at.ins, at.outs);
    }

    /// Appends `rows x outs` numbers for `rows x ins`.
    pub fn forward(&self, w: &[f32], at: &LinearAt, x: &[f32], y: &mut Vec<f32>) {
        let from = y.len();
        (0..x.len() / at.ins).for_each(|_| y.extend_from_slice(&w[at.bias.clone()]));
        add_product(Left::rows(x, at.ins), &self.forward, &mut y[from..]);
    }

    /// Adds the gradient of the layer, where `d` reached what came of `x`.
    pub fn gradient(&mut self, at: &LinearAt, d: &[f32], x: &[f32], gradient: &mut [f32]) {
        self.rows.pack(x, x.len() / at.ins, at.ins);
        add_product(Left::columns(d, at.outs), &self.rows, &mut gradient[at.weight.clone()]);
        add_columns(d, &mut gradient[at.bias.clone()]);
    }

    /// Adds to `d_x` what reaches `x`.
    pub fn back(&mut self, w: &[f32], at: &LinearAt, d: &[f32], d_x: &mut [f32]) {
        self.back.pack(&w[at.weight.clone()], at.outs, at.ins);
        add_product(Left::rows(d, at.outs), &self.back, d_x);
    }
}

/// Things by number, each once, in the order in which they come up.
#[derive(Clone, Debug, Default)]
pub(super) struct Once {
    /// Of each number the place of what came up, or none.
    places: Vec<u32>,
    /// What came up.
    pub all: Vec<u32>,
}

const NONE: u32 = u32::MAX;

impl Once {
    /// Forgets all, and is ready for numbers below `n`.
    pub fn begin(&mut self, n: usize) {
        for &number in &self.all {
            self.places[number as usize] = NONE;
        }
        self.places.resize(n, NONE);
        self.all.clear();
    }

    /// The place of a number, and whether it is new.
    pub fn place(&mut self, number: u32) -> (u32, bool) {
        let place = &mut self.places[number as usize];
        if *place != NONE {
            return (*place, false);
        }
        *place = self.all.len() as u32;
        self.all.push(number);
        (*place, true)
    }
}

/// Items as they are seen, those that look the same once.
#[derive(Clone, Debug, Default)]
pub(super) struct Views {
    once: Once,
    /// `views x features`.
    pub features: Vec<f32>,
    /// Of each item that was asked for its row.
    pub rows: Vec<u32>,
}

impl Views {
    /// Sees these items.
    pub fn see(&mut self, items: &Items, about: &[u32]) {
        self.once.begin(items.len());
        self.features.clear();
        self.rows.clear();
        for &item in about {
            let (row, new) = self.once.place(items.view(item));
            if new {
                self.features.extend_from_slice(items.features(item));
            }
            self.rows.push(row);
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.once.all.len()
    }
}

/// Appends what is read of a symbol.
pub(super) fn embed(w: &[f32], at: &PartAt, width: usize, symbol: u32, read: &mut Vec<f32>) {
    let from = read.len();
    read.extend_from_slice(&w[at.embedding.start + symbol as usize * width..][..width]);
    if !at.embedding_bias.is_empty() {
        add(&mut read[from..], &w[at.embedding_bias.clone()]);
    }
}

/// Adds to the gradient what reached what was read of a symbol.
pub(super) fn embed_back(at: &PartAt, symbol: u32, d: &[f32], gradient: &mut [f32]) {
    add(&mut gradient[at.embedding.start + symbol as usize * d.len()..][..d.len()], d);
    if !at.embedding_bias.is_empty() {
        add(&mut gradient[at.embedding_bias.clone()], d);
    }
}

/// Rows that grow out of others, a level at a time: a row for each parent and symbol that goes on, however many places of a
/// batch do.
#[derive(Clone, Debug, Default)]
pub(super) struct Growth {
    /// Of each row of the level its parent in the level before, and its symbol.
    pub parents: Vec<u32>,
    pub symbols: Vec<u32>,
    /// Of each parent its first child, and of each child the next of the same parent.
    first: Vec<u32>,
    next: Vec<u32>,
}

impl Growth {
    /// Begins a level above so many rows.
    pub fn begin(&mut self, parents: usize) {
        self.parents.clear();
        self.symbols.clear();
        self.next.clear();
        self.first.clear();
        self.first.resize(parents, NONE);
    }

    /// The row of this parent and symbol.
    pub fn row(&mut self, parent: u32, symbol: u32) -> u32 {
        let (mut at, mut last) = (self.first[parent as usize], NONE);
        while at != NONE {
            if self.symbols[at as usize] == symbol {
                return at;
            }
            last = at;
            at = self.next[at as usize];
        }
        let row = self.parents.len() as u32;
        match last {
            NONE => self.first[parent as usize] = row,
            last => self.next[last as usize] = row,
        }
        self.parents.push(parent);
        self.symbols.push(symbol);
        self.next.push(NONE);
        row
    }
}
