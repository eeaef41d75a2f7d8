//! What measures read of a run: a row for each moment, and in it a place for each of their columns.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::sync::Arc;

/// One value of one measure: `measures.parquet` has a row for each run and moment, and in it a column for each measure.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// How many interactions had passed.
    pub t: u64,
    /// The measure, with the name of the pool after a colon where it is of one.
    pub measure: SmolStr,
    /// In the unit of the measure: for most a share from 0 to 1.
    pub value: f64,
}

/// Readings of one run, row by row. NaN stands where nothing was read; a row in which nothing was is left out.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Readings {
    columns: Arc<[SmolStr]>,
    moments: Vec<u64>,
    /// As many for each moment as there are columns.
    values: Vec<f64>,
}

/// Room for so many rows is made at once, as most runs have a few dozens of them.
const ROWS: usize = 32;

impl PartialEq for Readings {
    fn eq(&self, other: &Readings) -> bool {
        let same = |a: &f64, b: &f64| a == b || a.is_nan() && b.is_nan();
        self.columns == other.columns
            && self.moments == other.moments
            && self.values.iter().zip(&other.values).all(|(a, b)| same(a, b))
    }
}

impl Readings {
    /// None yet, of measures with these columns.
    pub fn new(columns: Arc<[SmolStr]>) -> Readings {
        Readings { columns, ..Readings::default() }
    }

    /// What is read.
    pub fn columns(&self) -> &Arc<[SmolStr]> {
        &self.columns
    }

    /// The place of a column.
    pub fn place(&self, measure: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == measure)
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.moments.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.moments.is_empty()
    }

    /// Forgets the rows.
    pub fn clear(&mut self) {
        self.moments.clear();
        self.values.clear();
    }

    /// The row of a moment, which is the last one's or later; [`settle`](Readings::settle) ends it.
    pub fn row(&mut self, t: u64) -> &mut [f64] {
        let n = self.columns.len();
        if self.moments.last() != Some(&t) && n > 0 {
            if self.moments.capacity() == 0 {
                self.moments.reserve(ROWS);
                self.values.reserve(ROWS * n);
            }
            self.moments.push(t);
            self.values.resize(self.moments.len() * n, f64::NAN);
        }
        let from = self.values.len() - n.min(self.values.len());
        &mut self.values[from..]
    }

    /// Drops the last row where nothing was read in it.
    pub fn settle(&mut self) {
        let from = self.values.len() - self.columns.len().min(self.values.len());
        if self.values[from..].iter().all(|value| value.is_nan()) {
            self.values.truncate(from);
            self.moments.pop();
        }
    }

    /// The rows, in order.
    pub fn rows(&self) -> impl Iterator<Item = (u64, &[f64])> {
        self.moments.iter().copied().zip(self.values.chunks_exact(self.columns.len().max(1)))
    }

    /// What was read in a column, in order, and after how many interactions.
    pub fn of(&self, place: usize) -> impl Iterator<Item = (u64, f64)> {
        self.rows().map(move |(t, row)| (t, row[place])).filter(|(_, value)| !value.is_nan())
    }

    /// The last reading of a measure.
    pub fn last(&self, measure: &str) -> Option<f64> {
        let place = self.place(measure)?;
        self.values.chunks_exact(self.columns.len()).rev().map(|row| row[place]).find(|value| !value.is_nan())
    }

    /// All readings one by one, row by row.
    pub fn iter(&self) -> impl Iterator<Item = Reading> {
        self.rows().flat_map(move |(t, row)| {
            let read = self.columns.iter().zip(row).filter(|(_, value)| !value.is_nan());
            read.map(move |(measure, &value)| Reading { t, measure: measure.clone(), value })
        })
    }
}
