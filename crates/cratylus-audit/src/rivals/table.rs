//! M2' and M7: a probability for each memory, the whole response without any assumption but its depth. A memory that
//! occurred seldom is backed off to the shorter one without its oldest round (Dirichlet smoothing toward the parent,
//! MacKay & Peto 1995). Counts are all there is to it, so leaving out a run subtracts its counts.
//!
//! With names treated alike, memories that differ only in their names share an entry, in which names stand by the
//! order of their appearance, most recent first; those that do not appear share what is left.

use super::climb::{Climb, climb};
use super::rival::{Form, Rival};
use crate::evidence::Decisions;
use cratylus_core::policy::Round;
use std::collections::HashMap;
use std::sync::Arc;

pub const LAST_ROUND: Rival = Rival {
    code: "M2'",
    name: "last-round table",
    words: "chooses by the last round alone, in any way",
    source: "the state-dependent form of win-stay-lose-shift",
    form: |_| Form::Table { depth: 1, parent: PARENTS[0] },
    remembers: true,
};

pub const HISTORY: Rival = Rival {
    code: "M7",
    name: "history table",
    words: "chooses by all that it remembers, in any way",
    source: "the whole response, smoothed toward shorter memories (MacKay & Peto 1995)",
    form: |setting| Form::Table { depth: setting.memory, parent: PARENTS[0] },
    remembers: true,
};

/// How many decisions of the parent's a memory may start from; runs that are left out choose.
pub const PARENTS: [f64; 6] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0];

/// Where a memory's entries stand, longest last, and to which category of each entry every name belongs.
type Chain = Vec<(u32, Box<[u8]>)>;

/// What does not change with the counts.
struct Index {
    n_names: usize,
    depth: usize,
    /// Whether names have entries of their own.
    own: bool,
    /// Entries by what they are of. Looked up, never iterated.
    places: HashMap<Key, u32>,
    /// For each entry, where its categories begin, and how many names share the last one.
    begins: Vec<u32>,
    shared: Vec<u16>,
    chains: Vec<Chain>,
}

/// An entry: whether the memory is complete, and what it looks like, most recent round first.
type Key = (bool, Box<[u8]>);

/// Counts of choices by memory, each backed off to shorter ones.
#[derive(Clone)]
pub struct HistoryTable {
    index: Arc<Index>,
    /// How many decisions of the parent's each memory starts from.
    parent: f64,
    counts: Arc<Vec<f64>>,
}

/// A memory as an entry sees it: its look, and the category of each name.
struct Look {
    key: Key,
    categories: Box<[u8]>,
    /// How many categories there are, and how many names share the last of them.
    n: usize,
    shared: u16,
}

impl Look {
    fn new(window: &[Round], complete: bool, own: bool, n_names: usize) -> Look {
        let recent = window.iter().rev().flatten();
        if own {
            let look = recent.map(|&name| name as u8).collect();
            return Look { key: (complete, look), categories: (0..n_names as u8).collect(), n: n_names, shared: 1 };
        }
        let mut seen: Vec<u16> = Vec::new();
        let look = recent.map(|&name| match seen.iter().position(|&known| known == name) {
            Some(place) => place as u8,
            None => {
                seen.push(name);
                seen.len() as u8 - 1
            }
        });
        let look: Box<[u8]> = look.collect();
        let new = seen.len() as u8;
        let category = |name: u16| seen.iter().position(|&known| known == name).map_or(new, |place| place as u8);
        let left = n_names - seen.len();
        Look {
            key: (complete, look),
            categories: (0..n_names as u16).map(category).collect(),
            n: seen.len() + usize::from(left > 0),
            shared: left.max(1) as u16,
        }
    }
}

impl Index {
    /// The looks of a memory, shortest first: its last 0, 1, … rounds, and, where it is shorter than it could be, all
    /// of it as a complete memory.
    fn looks(&self, window: &[Round]) -> Vec<Look> {
        let longest = window.len().min(self.depth);
        let of = |len: usize, complete: bool| Look::new(&window[window.len() - len..], complete, self.own, self.n_names);
        let mut looks: Vec<Look> = (0..=longest).map(|len| of(len, false)).collect();
        if window.len() < self.depth {
            looks.push(of(window.len(), true));
        }
        looks
    }

    /// The probabilities along a chain of entries: each starts from its parent.
    fn along<'c>(&self, counts: &[f64], parent: f64, chain: impl Iterator<Item = (u32, &'c [u8])>, out: &mut [f64]) {
        out.fill(1.0 / out.len() as f64);
        for (entry, categories) in chain {
            let begin = self.begins[entry as usize] as usize;
            let end = self.begins[entry as usize + 1] as usize;
            let own = &counts[begin..end];
            let n: f64 = own.iter().sum();
            for (p, &category) in out.iter_mut().zip(categories) {
                let last = category as usize == own.len() - 1;
                let of = if last { f64::from(self.shared[entry as usize]) } else { 1.0 };
                *p = (own[category as usize] / of + parent * *p) / (n + parent);
            }
        }
    }
}

impl HistoryTable {
    /// Fills a table with counts, `windows × names`. With `own`, names have entries of their own; without, only their places in
    /// the memory count.
    pub fn fit(depth: usize, parent: f64, own: bool, decisions: &Decisions, counts: &[f64]) -> HistoryTable {
        let n_names = decisions.n_names;
        let mut index = Index {
            n_names,
            depth,
            own,
            places: HashMap::new(),
            begins: vec![0],
            shared: Vec::new(),
            chains: Vec::with_capacity(decisions.windows.len()),
        };
        for window in &decisions.windows {
            let mut chain = Chain::new();
            for look in index.looks(window) {
                let next = index.shared.len() as u32;
                let place = *index.places.entry(look.key).or_insert(next);
                if place == next {
                    index.shared.push(look.shared);
                    index.begins.push(index.begins[next as usize] + look.n as u32);
                }
                chain.push((place, look.categories));
            }
            index.chains.push(chain);
        }
        let empty = HistoryTable { index: Arc::new(index), parent, counts: Arc::default() };
        empty.recount(counts)
    }

    /// The same table of other counts of the same memories.
    pub fn recount(&self, counts: &[f64]) -> HistoryTable {
        let index = &self.index;
        let mut entries = vec![0.0; *index.begins.last().expect("one more than entries") as usize];
        for (chain, counts) in index.chains.iter().zip(counts.chunks_exact(index.n_names)) {
            for (name, &n) in counts.iter().enumerate().filter(|(_, n)| **n > 0.0) {
                for (entry, categories) in chain {
                    entries[index.begins[*entry as usize] as usize + categories[name] as usize] += n;
                }
            }
        }
        HistoryTable { index: index.clone(), parent: self.parent, counts: Arc::new(entries) }
    }

    /// Writes the probability of each name from a memory that occurred, by its place in [`Decisions::windows`].
    pub fn of_cell(&self, cell: usize, out: &mut [f64]) {
        let chain = self.index.chains[cell].iter().map(|(entry, categories)| (*entry, &**categories));
        self.index.along(&self.counts, self.parent, chain, out);
    }

    /// The same for any memory, oldest round first, by the longest ending of it that occurred.
    pub fn of_window(&self, window: &[Round], out: &mut [f64]) {
        let looks = self.index.looks(window);
        let known = looks.iter().filter_map(|look| Some((*self.index.places.get(&look.key)?, &*look.categories)));
        self.index.along(&self.counts, self.parent, known, out);
    }

    /// A factor for each name, as a logarithm, where names share entries.
    pub fn labels(&self, decisions: &Decisions, counts: &[f64], near: Option<&[f64]>) -> Vec<f64> {
        let k = self.index.n_names;
        let mut utilities = vec![0.0; counts.len()];
        for cell in 0..decisions.windows.len() {
            let out = &mut utilities[cell * k..][..k];
            self.of_cell(cell, out);
            out.iter_mut().for_each(|p| *p = p.max(1e-12).ln());
        }
        let start = match near {
            Some(labels) => labels[1..].to_vec(),
            _ => vec![0.0; k - 1],
        };
        let of = |cell: usize, _: &[f64], out: &mut [f64]| out.copy_from_slice(&utilities[cell * k..][..k]);
        let found = climb(&Climb { k, counts, of_rule: 0, utilities: &of, slopes: &|_, _, _| true }, start);
        std::iter::once(0.0).chain(found).collect()
    }
}
