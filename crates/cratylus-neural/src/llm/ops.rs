//! Operations between the matrix products. They use the calling thread alone: the library would hand large
//! ones to a pool whose threads spin while they wait, and which serves one caller at a time.

use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor, bail};

/// The sum; the second may be one row that is added to all.
pub(super) fn add(one: &Tensor, other: &Tensor) -> Result<Tensor> {
    one.apply_op2_no_bwd(other, &Each(|a, b| a + b))
}

/// SiLU of the first, times the second.
pub(super) fn gated(gate: &Tensor, up: &Tensor) -> Result<Tensor> {
    gate.apply_op2_no_bwd(up, &Each(|gate: f32, up| gate / (1.0 + (-gate).exp()) * up))
}

/// How much each token looks at each: rows are `n` tokens that stand at `at`, for one head after the other,
/// and none looks at what comes after it.
pub(super) fn attention(scores: &Tensor, at: usize, n: usize, scale: f32) -> Result<Tensor> {
    scores.apply_op1_no_bwd(&Attention { at, n, scale })
}

struct Each<F>(F);

impl<F: Fn(f32, f32) -> f32 + Send + Sync> CustomOp2 for Each<F> {
    fn name(&self) -> &'static str {
        "each"
    }

    fn cpu_fwd(&self, a: &CpuStorage, a_layout: &Layout, b: &CpuStorage, b_layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (a, b) = (numbers(a, a_layout)?, numbers(b, b_layout)?);
        let rows = a.chunks_exact(b.len());
        let out = rows.flat_map(|row| row.iter().zip(b).map(|(a, b)| self.0(*a, *b))).collect();
        Ok((CpuStorage::F32(out), a_layout.shape().clone()))
    }
}

struct Attention {
    at: usize,
    n: usize,
    scale: f32,
}

impl CustomOp1 for Attention {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn cpu_fwd(&self, scores: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let width = self.at + self.n;
        let mut out = numbers(scores, layout)?.to_vec();
        for (row_idx, row) in out.chunks_exact_mut(width).enumerate() {
            let (seen, later) = row.split_at_mut(self.at + row_idx % self.n + 1);
            later.fill(0.0);
            let most = seen.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            seen.iter_mut().for_each(|score| *score = ((*score - most) * self.scale).exp());
            let sum: f64 = seen.iter().map(|share| f64::from(*share)).sum();
            seen.iter_mut().for_each(|share| *share /= sum as f32);
        }
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }
}

pub(super) fn numbers<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => bail!("the numbers do not lie in a row"),
    }
}
