//! NT-Xent as EGG 54eb11c has it: losses are halved, a row's partner counts twice among the others, and inner products are not
//! divided by the temperature. Rows are all it knows.

use super::numbers::ln;
use super::product::{Left, Panels, add_product};
use super::setup::NtXent;
use crate::net::rows::{dot, exp};

/// Room for similarities, and what came of the last rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Contrasting {
    panels: Panels,
    units: Vec<f32>,
    logits: Vec<f32>,
    /// Of each row its loss.
    pub losses: Vec<f32>,
    /// Whether the partner of a row of the first half is the nearest of the second.
    pub found: Vec<bool>,
    /// What the mean of the losses brings to each row.
    pub d_rows: Vec<f32>,
}

impl Contrasting {
    /// Compares all rows with all: row `i` of the first half belongs with row `i` of the second.
    pub fn judge(&mut self, rows: &[f32], width: usize, by: NtXent) {
        let all = rows.len() / width;
        let n = all / 2;
        let scale = if by.cosine { (1.0 / by.temperature) as f32 } else { 1.0 };
        // As PyTorch: no length is below 1e-8.
        let length = |row: &[f32]| if by.cosine { dot(row, row).sqrt().max(1e-8) } else { 1.0 };
        let lengths: Vec<f32> = rows.chunks_exact(width).map(length).collect();
        self.units.clear();
        for (row, length) in rows.chunks_exact(width).zip(&lengths) {
            self.units.extend(row.iter().map(|x| x / length));
        }
        self.logits.clear();
        self.logits.resize(all * all, 0.0);
        self.panels.pack_turned(&self.units, width, all);
        add_product(Left::rows(&self.units, width), &self.panels, &mut self.logits);
        self.losses.clear();
        self.found.clear();
        for (i, row) in self.logits.chunks_exact_mut(all).enumerate() {
            row.iter_mut().for_each(|x| *x *= scale);
            let partner = (i + n) % all;
            let own = row[partner];
            if i < n {
                self.found.push(row[n..].iter().all(|&other| own >= other));
            }
            let most = (0..all).filter(|&j| j != i).fold(f32::NEG_INFINITY, |most, j| if row[j] > most { row[j] } else { most });
            let mut sum = exp(own - most);
            for j in (0..all).filter(|&j| j != i) {
                row[j] = exp(row[j] - most);
                sum += row[j];
            }
            self.losses.push(0.5 * (most + ln(sum) - own));
            let weight = scale / (2 * all) as f32;
            row.iter_mut().for_each(|x| *x *= weight / sum);
            row[partner] = 2.0 * row[partner] - weight;
            row[i] = 0.0;
        }
        // What reaches the units: each similarity is of two rows.
        self.panels.pack(&self.units, all, width);
        self.d_rows.clear();
        self.d_rows.resize(rows.len(), 0.0);
        add_product(Left::rows(&self.logits, all), &self.panels, &mut self.d_rows);
        add_product(Left::columns(&self.logits, all), &self.panels, &mut self.d_rows);
        for ((d, unit), length) in self.d_rows.chunks_exact_mut(width).zip(self.units.chunks_exact(width)).zip(&lengths) {
            let along = if by.cosine { dot(d, unit) } else { 0.0 };
            d.iter_mut().zip(unit).for_each(|(d, unit)| *d = (*d - along * unit) / length);
        }
    }
}
