//! A recurrent cell over rows that form a tree: each row has a row before it, and reads a row of a table. Levels are computed
//! one after the other, forward and back. What rows stand for is not known here.

use super::gates::{Backward, Forward};
use super::numbers::add_columns;
use super::product::{Left, Panels, add_product};
use super::setup::{Agents, Cell};
use super::shape::PartAt;
use crate::net::rows::add;
use std::ops::Range;

/// Room for a tree, and what it keeps on its way forward.
#[derive(Clone, Debug)]
pub(super) struct Recurrent {
    cell: Cell,
    hidden: usize,
    width: usize,
    gates_width: usize,
    /// Weights for the ways forward and back.
    w_ih: [Panels; 2],
    w_hh: [Panels; 2],
    /// `table rows x width` and what each brings to the gates.
    read: Vec<f32>,
    table: Vec<f32>,
    levels: Vec<Range<usize>>,
    /// Of each row the one before it, in the level before, and which row of the table it reads.
    parent: Vec<u32>,
    input: Vec<u32>,
    /// Whether the first level comes after states that were handed in, and not after zeros.
    rooted: bool,
    before: Vec<f32>,
    memory_before: Vec<f32>,
    gates: Vec<f32>,
    held: Vec<f32>,
    state: Vec<f32>,
    memory: Vec<f32>,
    d_state: Vec<f32>,
    d_memory: Vec<f32>,
    d_x: Vec<f32>,
    d_y: Vec<f32>,
    d_before: Vec<f32>,
    d_memory_before: Vec<f32>,
    d_roots: Vec<f32>,
    spare: Vec<f32>,
    spare_panels: Panels,
}

impl Recurrent {
    /// Room for a cell.
    pub fn new(Agents { cell, hidden, embedding }: Agents) -> Recurrent {
        Recurrent {
            cell,
            hidden,
            width: embedding,
            gates_width: cell.gates() * hidden,
            w_ih: Default::default(),
            w_hh: Default::default(),
            read: Vec::new(),
            table: Vec::new(),
            levels: Vec::new(),
            parent: Vec::new(),
            input: Vec::new(),
            rooted: false,
            before: Vec::new(),
            memory_before: Vec::new(),
            gates: Vec::new(),
            held: Vec::new(),
            state: Vec::new(),
            memory: Vec::new(),
            d_state: Vec::new(),
            d_memory: Vec::new(),
            d_x: Vec::new(),
            d_y: Vec::new(),
            d_before: Vec::new(),
            d_memory_before: Vec::new(),
            d_roots: Vec::new(),
            spare: Vec::new(),
            spare_panels: Panels::default(),
        }
    }

    fn lstm(&self) -> bool {
        self.cell == Cell::Lstm
    }

    /// Begins a tree, with these weights of a part.
    pub fn begin(&mut self, w: &[f32], at: &PartAt) {
        let gates = self.gates_width;
        self.w_ih[0].pack_turned(&w[at.cell.w_ih.clone()], self.width, gates);
        self.w_hh[0].pack_turned(&w[at.cell.w_hh.clone()], self.hidden, gates);
        let lists = [&mut self.read, &mut self.table, &mut self.before, &mut self.memory_before, &mut self.gates, &mut self.held];
        lists.into_iter().chain([&mut self.state, &mut self.memory]).for_each(|list| list.clear());
        self.levels.clear();
        self.parent.clear();
        self.input.clear();
    }

    /// Adds rows to the table; gives the number of the first.
    pub fn read(&mut self, w: &[f32], at: &PartAt, rows: &[f32]) -> u32 {
        let (first, n) = (self.read.len() / self.width, rows.len() / self.width);
        self.read.extend_from_slice(rows);
        (0..n).for_each(|_| self.table.extend_from_slice(&w[at.cell.b_ih.clone()]));
        add_product(Left::rows(rows, self.width), &self.w_ih[0], &mut self.table[first * self.gates_width..]);
        first as u32
    }

    /// Computes a level. The first comes after the rows of `roots`, or after zeros where there are none; parents are counted
    /// from the first row of the level before. Gives where the rows lie.
    pub fn level(&mut self, w: &[f32], at: &PartAt, roots: Option<&[f32]>, parents: &[u32], inputs: &[u32]) -> Range<usize> {
        let (h, gates) = (self.hidden, self.gates_width);
        let from = self.parent.len();
        let rows = from..from + parents.len();
        let last = self.levels.last().cloned();
        if last.is_none() {
            self.rooted = roots.is_some();
        }
        for &parent in parents {
            match (&last, roots) {
                (Some(last), _) => {
                    let before = (last.start + parent as usize) * h;
                    self.before.extend_from_slice(&self.state[before..before + h]);
                }
                (None, Some(roots)) => self.before.extend_from_slice(&roots[parent as usize * h..][..h]),
                (None, None) => self.before.resize(self.before.len() + h, 0.0),
            }
            self.gates.extend_from_slice(&w[at.cell.b_hh.clone()]);
        }
        if self.lstm() {
            for &parent in parents {
                match &last {
                    Some(last) => {
                        let before = (last.start + parent as usize) * h;
                        self.memory_before.extend_from_slice(&self.memory[before..before + h]);
                    }
                    None => self.memory_before.resize(self.memory_before.len() + h, 0.0),
                }
            }
            self.memory.resize(rows.end * h, 0.0);
        }
        if self.cell == Cell::Gru {
            self.held.resize(rows.end * h, 0.0);
        }
        self.state.resize(rows.end * h, 0.0);
        let (own, own_gates) = (rows.start * h..rows.end * h, rows.start * gates..rows.end * gates);
        if last.is_some() || self.rooted {
            add_product(Left::rows(&self.before[own.clone()], h), &self.w_hh[0], &mut self.gates[own_gates.clone()]);
        }
        let some = |list: &[f32]| if list.is_empty() { 0..0 } else { own.clone() };
        let (of_memory, of_held) = (some(&self.memory), some(&self.held));
        Forward {
            table: &self.table,
            input: inputs,
            before: &self.before[own.clone()],
            memory_before: &self.memory_before[of_memory.clone()],
            gates: &mut self.gates[own_gates],
            held: &mut self.held[of_held],
            state: &mut self.state[own],
            memory: &mut self.memory[of_memory],
        }
        .go(self.cell, h);
        self.parent.extend_from_slice(parents);
        self.input.extend_from_slice(inputs);
        self.levels.push(rows.clone());
        rows
    }

    /// `rows x hidden`: the states of some rows.
    pub fn states(&self, rows: Range<usize>) -> &[f32] {
        &self.state[rows.start * self.hidden..rows.end * self.hidden]
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.parent.len()
    }

    /// How many rows the table has.
    pub fn table_rows(&self) -> usize {
        self.read.len() / self.width
    }

    /// How many levels there are.
    pub fn levels(&self) -> usize {
        self.levels.len()
    }

    /// Where the rows of a level lie.
    pub fn level_at(&self, level: usize) -> Range<usize> {
        self.levels[level].clone()
    }

    /// Begins the way back, of so many roots; what reaches states is added to what this gives, `rows x hidden`.
    pub fn back(&mut self, w: &[f32], at: &PartAt, roots: usize) -> &mut [f32] {
        let (h, gates, n) = (self.hidden, self.gates_width, self.rows());
        self.w_ih[1].pack(&w[at.cell.w_ih.clone()], gates, self.width);
        self.w_hh[1].pack(&w[at.cell.w_hh.clone()], gates, h);
        let zero = |list: &mut Vec<f32>, n: usize| {
            list.clear();
            list.resize(n, 0.0);
        };
        zero(&mut self.d_state, n * h);
        zero(&mut self.d_roots, roots * h);
        self.d_x.resize(n * gates, 0.0);
        if self.cell == Cell::Gru {
            self.d_y.resize(n * gates, 0.0);
        }
        if self.lstm() {
            zero(&mut self.d_memory, n * h);
        }
        &mut self.d_state
    }

    /// What reaches states, where more of it is found on the way back.
    pub fn d_states(&mut self) -> &mut [f32] {
        &mut self.d_state
    }

    /// Goes back through a level, to the level before or to the roots.
    pub fn back_level(&mut self, level: usize) {
        let (h, gates) = (self.hidden, self.gates_width);
        let rows = self.level_at(level);
        let (own, own_gates) = (rows.start * h..rows.end * h, rows.start * gates..rows.end * gates);
        let some = |list: &[f32]| if list.is_empty() { 0..0 } else { own.clone() };
        let (of_memory, of_held) = (some(&self.memory), some(&self.held));
        let of_y = if self.cell == Cell::Gru { own_gates.clone() } else { 0..0 };
        self.d_before.resize(own.len(), 0.0);
        self.d_memory_before.resize(of_memory.len(), 0.0);
        Backward {
            before: &self.before[own.clone()],
            memory_before: &self.memory_before[of_memory.clone()],
            gates: &self.gates[own_gates.clone()],
            held: &self.held[of_held],
            state: &self.state[own.clone()],
            memory: &self.memory[of_memory.clone()],
            d_state: &self.d_state[own],
            d_memory: &self.d_memory[of_memory],
            d_x: &mut self.d_x[own_gates.clone()],
            d_y: &mut self.d_y[of_y],
            d_before: &mut self.d_before,
            d_memory_before: &mut self.d_memory_before,
        }
        .go(self.cell, h);
        if level == 0 && !self.rooted {
            return;
        }
        let d_y = if self.cell == Cell::Gru { &self.d_y } else { &self.d_x };
        add_product(Left::rows(&d_y[own_gates], gates), &self.w_hh[1], &mut self.d_before);
        let first = if level == 0 { 0 } else { self.levels[level - 1].start };
        let to = if level == 0 { &mut self.d_roots } else { &mut self.d_state };
        for (&parent, d) in self.parent[rows.clone()].iter().zip(self.d_before.chunks_exact(h)) {
            add(&mut to[(first + parent as usize) * h..][..h], d);
        }
        if self.lstm() && level > 0 {
            for (&parent, d) in self.parent[rows].iter().zip(self.d_memory_before.chunks_exact(h)) {
                add(&mut self.d_memory[(first + parent as usize) * h..][..h], d);
            }
        }
    }

    /// What reaches what the rows of a level read, where each read a row of its own: `rows x width`.
    pub fn back_read(&mut self, level: usize) -> &[f32] {
        let rows = self.level_at(level);
        let d_x = &self.d_x[rows.start * self.gates_width..rows.end * self.gates_width];
        self.spare.clear();
        self.spare.resize(rows.len() * self.width, 0.0);
        add_product(Left::rows(d_x, self.gates_width), &self.w_ih[1], &mut self.spare);
        &self.spare
    }

    /// `roots x hidden`: what reached the roots.
    pub fn d_roots(&self) -> &[f32] {
        &self.d_roots
    }

    /// Ends the way back: adds the gradient of the cell. Gives what reaches the rows of the table.
    pub fn back_end(&mut self, at: &PartAt, gradient: &mut [f32]) -> &[f32] {
        let (h, gates, width) = (self.hidden, self.gates_width, self.width);
        // The first level of what comes after zeros brings nothing to the matrix that multiplies them.
        let from = if self.rooted { 0 } else { self.levels.first().map_or(0, |first| first.end) };
        let d_y = if self.cell == Cell::Gru { &self.d_y } else { &self.d_x };
        self.spare_panels.pack(&self.before[from * h..], self.rows() - from, h);
        add_product(Left::columns(&d_y[from * gates..], gates), &self.spare_panels, &mut gradient[at.cell.w_hh.clone()]);
        add_columns(d_y, &mut gradient[at.cell.b_hh.clone()]);
        add_columns(&self.d_x, &mut gradient[at.cell.b_ih.clone()]);

        let n = self.read.len() / width;
        let mut d_table = vec![0.0; n * gates];
        for (&input, d) in self.input.iter().zip(self.d_x.chunks_exact(gates)) {
            add(&mut d_table[input as usize * gates..][..gates], d);
        }
        self.spare_panels.pack(&self.read, n, width);
        add_product(Left::columns(&d_table, gates), &self.spare_panels, &mut gradient[at.cell.w_ih.clone()]);
        self.spare.clear();
        self.spare.resize(n * width, 0.0);
        add_product(Left::rows(&d_table, gates), &self.w_ih[1], &mut self.spare);
        &self.spare
    }
}
