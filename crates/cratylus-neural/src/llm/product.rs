//! Products with weights in single precision, which lie packed as they are read.
//!
//! Every number is one sum over the inputs in their order, with one rounding each (fused multiply-add). So its bits depend
//! neither on the rows beside it nor on how wide the registers are, and a prompt is read alike in any company and on any
//! machine that has such an instruction.
#![allow(clippy::needless_range_loop, reason = "several arrays are gone through side by side, by number")]

use super::ops::numbers;
use candle_core::{CpuStorage, CustomOp1, Device, Layout, Result, Shape, Tensor, bail};
use cratylus_core::machine::{self, Work};

/// Outputs that are worked on side by side: four of the widest registers.
const LANES: usize = 64;
/// Rows that are worked on at once: half of the registers hold sums.
const ROWS: usize = 4;

/// A matrix of weights: [`LANES`] outputs side by side, input after input. The last outputs are filled up with zeros.
pub(super) struct Packed {
    outputs: usize,
    inputs: usize,
    panels: Vec<f32>,
}

impl Packed {
    /// Of a matrix `outputs × inputs`, row by row.
    pub fn new(weights: &[f32], outputs: usize, inputs: usize) -> Packed {
        let mut panels = machine::filled(outputs.div_ceil(LANES) * LANES * inputs, 0.0);
        for (output, row) in weights.chunks_exact(inputs).enumerate() {
            let panel = &mut panels[output / LANES * LANES * inputs..];
            panel.iter_mut().skip(output % LANES).step_by(LANES).zip(row).for_each(|(place, &weight)| *place = weight);
        }
        Packed { outputs, inputs, panels }
    }

    /// The matrix as it was, row by row.
    pub fn unpacked(&self) -> Result<Tensor> {
        let rows = (0..self.outputs).flat_map(|output| {
            let panel = &self.panels[output / LANES * LANES * self.inputs..];
            panel.iter().skip(output % LANES).step_by(LANES).take(self.inputs).copied()
        });
        Tensor::from_vec(rows.collect::<Vec<f32>>(), (self.outputs, self.inputs), &Device::Cpu)
    }

    /// Each row of `x`, of as many numbers as there are inputs, times the matrix.
    pub fn times(&self, x: &Tensor) -> Result<Tensor> {
        x.apply_op1_no_bwd(&Times(self))
    }

    fn product(&self, x: &[f32]) -> Vec<f32> {
        let mut out = vec![0.0; x.len() / self.inputs * self.outputs];
        machine::wide(Panels { of: self, x, out: &mut out });
        out
    }
}

struct Panels<'a> {
    of: &'a Packed,
    x: &'a [f32],
    out: &'a mut [f32],
}

impl Work for Panels<'_> {
    #[inline(always)]
    fn go(mut self) {
        let Packed { inputs, ref panels, .. } = *self.of;
        let n = self.x.len() / inputs;
        // Weights are many and rows few: each panel is read once, and stays at hand while all rows pass.
        for (number, panel) in panels.chunks_exact(LANES * inputs).enumerate() {
            let first = number * LANES;
            let mut row = 0;
            while row < n {
                row += match n - row {
                    ROWS.. => self.some::<ROWS>(panel, first, row),
                    2.. => self.some::<2>(panel, first, row),
                    _ => self.some::<1>(panel, first, row),
                };
            }
        }
    }
}

impl Panels<'_> {
    /// `R` rows times a panel, whose first output is given. Gives how many rows it were.
    #[inline(always)]
    fn some<const R: usize>(&mut self, panel: &[f32], first: usize, row: usize) -> usize {
        let Packed { outputs, inputs, .. } = *self.of;
        let x: [&[f32]; R] = std::array::from_fn(|i| &self.x[(row + i) * inputs..][..inputs]);
        let sums = tile(panel, x);
        let here = LANES.min(outputs - first);
        for (i, sums) in sums.iter().enumerate() {
            self.out[(row + i) * outputs + first..][..here].copy_from_slice(&sums[..here]);
        }
        R
    }
}

/// Some rows times a panel, [`DEEP`] inputs at a time: loops whose ends are known to whoever compiles them, so that sums stay
/// in registers, outputs side by side. Other ways to say the same have come to a tenth of the speed.
#[inline(always)]
fn tile<const R: usize>(panel: &[f32], x: [&[f32]; R]) -> [[f32; LANES]; R] {
    let mut sums = [[0f32; LANES]; R];
    let (weights, _) = panel.as_chunks::<LANES>();
    let (blocks, rest) = weights.as_chunks::<DEEP>();
    for (block, weights) in blocks.iter().enumerate() {
        let x: [&[f32; DEEP]; R] =
            std::array::from_fn(|row| x[row][block * DEEP..][..DEEP].try_into().expect("as many as there are"));
        sums = deep(weights, x, sums);
    }
    for (input, weights) in (blocks.len() * DEEP..).zip(rest) {
        for row in 0..R {
            add(&mut sums[row], x[row][input], weights);
        }
    }
    sums
}

/// Inputs that are added up at a time.
const DEEP: usize = 64;

#[inline(always)]
fn deep<const R: usize>(weights: &[[f32; LANES]; DEEP], x: [&[f32; DEEP]; R], mut sums: [[f32; LANES]; R]) -> [[f32; LANES]; R] {
    for input in 0..DEEP {
        for row in 0..R {
            add(&mut sums[row], x[row][input], &weights[input]);
        }
    }
    sums
}

#[inline(always)]
fn add(sums: &mut [f32; LANES], number: f32, weights: &[f32; LANES]) {
    for lane in 0..LANES {
        sums[lane] = number.mul_add(weights[lane], sums[lane]);
    }
}

struct Times<'a>(&'a Packed);

impl CustomOp1 for Times<'_> {
    fn name(&self) -> &'static str {
        "times"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (n, width) = layout.shape().dims2()?;
        if width != self.0.inputs {
            bail!("rows of {width} numbers do not fit a matrix of {} inputs", self.0.inputs);
        }
        Ok((CpuStorage::F32(self.0.product(numbers(x, layout)?)), Shape::from((n, self.0.outputs))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_is_the_same_bits_in_any_company() {
        let mut state = 1u64;
        let mut draw = || {
            state = cratylus_core::seed::mix(state);
            (state >> 40) as f32 / (1 << 24) as f32 - 0.5
        };
        for (outputs, inputs) in [(1, 1), (63, 7), (64, 64), (70, 133), (200, 577)] {
            let weights: Vec<f32> = (0..outputs * inputs).map(|_| draw()).collect();
            let packed = Packed::new(&weights, outputs, inputs);
            assert_eq!(packed.unpacked().unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap(), weights);
            let x: Vec<f32> = (0..17 * inputs).map(|_| draw()).collect();
            let whole = packed.product(&x);
            for (row, x) in x.chunks_exact(inputs).enumerate() {
                let plain = |output: usize| {
                    let weights = &weights[output * inputs..][..inputs];
                    x.iter().zip(weights).fold(0f32, |sum, (x, weight)| x.mul_add(*weight, sum))
                };
                let plain: Vec<f32> = (0..outputs).map(plain).collect();
                assert_eq!(packed.product(x), plain);
                assert_eq!(whole[row * outputs..][..outputs], plain);
            }
            for n in [2, 3, 5, 8, 9, 16] {
                assert_eq!(packed.product(&x[..n * inputs]), whole[..n * outputs]);
            }
        }
    }
}
