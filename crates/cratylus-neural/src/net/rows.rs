//! What is done to rows of numbers between the products: norms, softmax, rotation, gates, forward and backward. Sums go over
//! sixteen partial sums, and nothing is fused, so that the width of registers never shows.

use cratylus_core::machine::{Work, wide};

struct Loop<F>(F);

impl<F: FnOnce()> Work for Loop<F> {
    #[inline(always)]
    fn go(self) {
        (self.0)();
    }
}

const PARTS: usize = 16;

#[inline(always)]
fn total(parts: [f32; PARTS]) -> f32 {
    let mut parts = parts;
    let mut width = PARTS / 2;
    while width > 0 {
        for i in 0..width {
            parts[i] += parts[i + width];
        }
        width /= 2;
    }
    parts[0]
}

/// The sum of products of two rows.
#[inline(always)]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut parts = [0.0; PARTS];
    let (long_a, long_b) = (a.chunks_exact(PARTS), b.chunks_exact(PARTS));
    let (rest_a, rest_b) = (long_a.remainder(), long_b.remainder());
    for (a, b) in long_a.zip(long_b) {
        for i in 0..PARTS {
            parts[i] += a[i] * b[i];
        }
    }
    for (part, (a, b)) in parts.iter_mut().zip(rest_a.iter().zip(rest_b)) {
        *part += a * b;
    }
    total(parts)
}

/// e to the power of `x`, to about 1e-7 of it; beyond -87 and 88 it is that of these.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // The nearest whole number of doublings, found by adding a number whose last bit is worth one.
    const SHIFT: f32 = 12_582_912.0;
    let x = if x < -87.0 { -87.0 } else { x };
    let x = if x > 88.0 { 88.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + SHIFT;
    let n = shifted - SHIFT;
    // ln 2 in two parts, the first short enough for its product to be exact.
    let r = (x - n * 0.693_359_4) - n * -2.121_944_4e-4;
    // A polynomial of the least greatest error between half a doubling down and up.
    let p = 0.041_665_796 + r * (0.008_333_452 + r * (0.001_398_199_9 + r * 1.987_569_1e-4));
    let p = 1.0 + r + r * r * (0.5 + r * (0.166_666_65 + r * p));
    f32::from_bits(p.to_bits().wrapping_add(shifted.to_bits() << 23))
}

/// `h = g x / sqrt(mean(x^2) + eps)` row by row; `roots` keeps one over the root.
pub(super) fn norm(x: &[f32], g: &[f32], eps: f32, h: &mut [f32], roots: &mut [f32]) {
    wide(Loop(
        #[inline(always)]
        || {
            let d = g.len();
            for ((x, h), root) in x.chunks_exact(d).zip(h.chunks_exact_mut(d)).zip(roots) {
                *root = 1.0 / (dot(x, x) / d as f32 + eps).sqrt();
                for i in 0..d {
                    h[i] = x[i] * *root * g[i];
                }
            }
        },
    ));
}

/// Adds to `dx` what reaches `x` of `dh`, and to `dg` what reaches the gains.
pub(super) fn norm_back(dh: &[f32], x: &[f32], g: &[f32], roots: &[f32], dx: &mut [f32], dg: &mut [f32]) {
    wide(Loop(
        #[inline(always)]
        || {
            let d = g.len();
            let mut weighed = vec![0.0; d];
            for (((dh, x), dx), &root) in dh.chunks_exact(d).zip(x.chunks_exact(d)).zip(dx.chunks_exact_mut(d)).zip(roots) {
                for i in 0..d {
                    weighed[i] = dh[i] * g[i];
                    dg[i] += dh[i] * x[i] * root;
                }
                let along = dot(&weighed, x) / d as f32 * root * root * root;
                for i in 0..d {
                    dx[i] += weighed[i] * root - x[i] * along;
                }
            }
        },
    ));
}

/// Turns scores into shares: row `i` of a block that begins at position `first` sees the positions up to its own. Scores are
/// multiplied by `scale` first; what a row does not see becomes 0.
pub(super) fn softmax_causal(scores: &mut [f32], columns: usize, stride: usize, first: usize, scale: f32) {
    wide(Loop(
        #[inline(always)]
        || {
            for (i, row) in scores.chunks_mut(stride).enumerate() {
                let (seen, unseen) = row[..columns].split_at_mut((first + i + 1).min(columns));
                seen.iter_mut().for_each(|score| *score *= scale);
                softmax(seen);
                unseen.fill(0.0);
            }
        },
    ));
}

/// Turns a row of scores into shares of one; gives what was subtracted from them before and the sum of their powers.
#[inline(always)]
pub(crate) fn softmax(row: &mut [f32]) -> [f32; 2] {
    let most = greatest(row);
    let mut parts = [0.0; PARTS];
    let mut long = row.chunks_exact_mut(PARTS);
    for chunk in &mut long {
        for i in 0..PARTS {
            chunk[i] = exp(chunk[i] - most);
            parts[i] += chunk[i];
        }
    }
    for (part, score) in parts.iter_mut().zip(long.into_remainder()) {
        *score = exp(*score - most);
        *part += *score;
    }
    let sum = total(parts);
    let one = 1.0 / sum;
    row.iter_mut().for_each(|score| *score *= one);
    [most, sum]
}

#[inline(always)]
fn greatest(row: &[f32]) -> f32 {
    let mut parts = [f32::NEG_INFINITY; PARTS];
    let long = row.chunks_exact(PARTS);
    let rest = long.remainder();
    for chunk in long {
        for i in 0..PARTS {
            parts[i] = if chunk[i] > parts[i] { chunk[i] } else { parts[i] };
        }
    }
    for (part, &score) in parts.iter_mut().zip(rest) {
        *part = if score > *part { score } else { *part };
    }
    parts.into_iter().fold(f32::NEG_INFINITY, |a, b| if b > a { b } else { a })
}

/// Turns what reaches the shares of a block of [`softmax_causal`] into what reaches its scores.
pub(super) fn softmax_back(shares: &[f32], d: &mut [f32], columns: usize, strides: [usize; 2], scale: f32) {
    wide(Loop(
        #[inline(always)]
        || {
            for (shares, d) in shares.chunks(strides[0]).zip(d.chunks_mut(strides[1])) {
                let (shares, d) = (&shares[..columns], &mut d[..columns]);
                let along = dot(shares, d);
                for i in 0..columns {
                    d[i] = shares[i] * (d[i] - along) * scale;
                }
            }
        },
    ));
}

/// The loss of each position that is kept, in nats, and in place of its logits what reaches them: shares less the target,
/// times `weight`. Positions that are not kept get zeros. Gives the sum of losses.
pub(super) fn loss(logits: &mut [f32], n: usize, targets: &[Option<u32>], weight: f32, losses: &mut [f32]) {
    wide(Loop(
        #[inline(always)]
        || {
            for ((row, target), loss) in logits.chunks_exact_mut(n).zip(targets).zip(losses) {
                let Some(target) = *target else {
                    row.fill(0.0);
                    *loss = 0.0;
                    continue;
                };
                let own = row[target as usize];
                let [most, sum] = softmax(row);
                *loss = (most - own) + sum.ln();
                row[target as usize] -= 1.0;
                row.iter_mut().for_each(|share| *share *= weight);
            }
        },
    ));
}

/// `silu(gate) * up` of rows that hold the gates first and the others after them.
pub(super) fn gated(both: &[f32], hidden: usize, out: &mut [f32]) {
    wide(Loop(
        #[inline(always)]
        || {
            for (both, out) in both.chunks_exact(2 * hidden).zip(out.chunks_exact_mut(hidden)) {
                let (gate, up) = both.split_at(hidden);
                for i in 0..hidden {
                    out[i] = gate[i] / (1.0 + exp(-gate[i])) * up[i];
                }
            }
        },
    ));
}

/// What reaches gates and others, in their place.
pub(super) fn gated_back(both: &mut [f32], hidden: usize, d: &[f32]) {
    wide(Loop(
        #[inline(always)]
        || {
            for (both, d) in both.chunks_exact_mut(2 * hidden).zip(d.chunks_exact(hidden)) {
                let (gates, ups) = both.split_at_mut(hidden);
                for i in 0..hidden {
                    let (gate, up) = (gates[i], ups[i]);
                    let open = 1.0 / (1.0 + exp(-gate));
                    gates[i] = d[i] * up * open * (1.0 + gate * (1.0 - open));
                    ups[i] = d[i] * gate * open;
                }
            }
        },
    ));
}

/// Angles of rotary positions: of each position the cosines of half a head, then the sines.
pub(super) fn angles(context: usize, head: usize, base: f64) -> Vec<f32> {
    let half = head / 2;
    let mut all = Vec::with_capacity(context * head);
    for position in 0..context {
        let angle = |i: usize| position as f64 / base.powf(2.0 * i as f64 / head as f64);
        all.extend((0..half).map(|i| angle(i).cos() as f32));
        all.extend((0..half).map(|i| angle(i).sin() as f32));
    }
    all
}

/// Turns the first `heads` heads of each row by the angles of its position, or back where `sign` is -1. Pairs are half a head
/// apart, as in files of Llama.
pub(super) fn rotate(rows: &mut [f32], stride: usize, heads: usize, head: usize, angles: &[f32], sign: f32) {
    let context = angles.len() / head;
    wide(Loop(
        #[inline(always)]
        || {
            let half = head / 2;
            for (i, row) in rows.chunks_exact_mut(stride).enumerate() {
                let (cos, sin) = angles[i % context * head..][..head].split_at(half);
                for one in row[..heads * head].chunks_exact_mut(head) {
                    let (a, b) = one.split_at_mut(half);
                    for i in 0..half {
                        let (x, y, sin) = (a[i], b[i], sin[i] * sign);
                        a[i] = x * cos[i] - y * sin;
                        b[i] = y * cos[i] + x * sin;
                    }
                }
            }
        },
    ));
}

/// A matrix times a row: one number for each of its rows.
pub(super) fn times(matrix: &[f32], x: &[f32], out: &mut [f32]) {
    wide(Loop(
        #[inline(always)]
        || {
            for (row, out) in matrix.chunks_exact(x.len()).zip(out) {
                *out = dot(row, x);
            }
        },
    ));
}

/// What one head takes from every token that was read, by their keys and values, which lie `stride` apart.
pub(super) fn attend_one(query: &[f32], keys: &[f32], values: &[f32], stride: usize, scale: f32, mixed: &mut [f32]) {
    wide(Loop(
        #[inline(always)]
        || {
            let head = query.len();
            let mut shares: Vec<f32> = keys.chunks(stride).map(|key| dot(query, &key[..head]) * scale).collect();
            softmax(&mut shares);
            mixed.fill(0.0);
            for (share, value) in shares.into_iter().zip(values.chunks(stride)) {
                for i in 0..head {
                    mixed[i] += share * value[i];
                }
            }
        },
    ));
}

/// Adds numbers to others.
pub(crate) fn add(to: &mut [f32], what: &[f32]) {
    wide(Loop(
        #[inline(always)]
        || {
            for (to, what) in to.iter_mut().zip(what) {
                *to += what;
            }
        },
    ));
}

/// The root of the sum of squares, in stretches of one length that are summed in double precision.
pub(crate) fn length(numbers: &[f32]) -> f64 {
    let mut sum = 0.0;
    wide(Loop(
        #[inline(always)]
        || sum = numbers.chunks(4096).map(|part| f64::from(dot(part, part))).sum(),
    ));
    f64::sqrt(sum)
}

/// What a step of Adam is made with.
pub(crate) struct AdamStep {
    /// What gradients are multiplied by first.
    pub shortened: f32,
    pub betas: [f32; 2],
    /// One less each of these.
    pub rests: [f32; 2],
    /// What the means are multiplied by, as they began at zero.
    pub corrections: [f32; 2],
    pub eps: f32,
    pub rate: f32,
}

/// A step of Adam (Kingma & Ba, ICLR 2015).
pub(crate) fn adam(by: &AdamStep, gradient: &[f32], means: &mut [f32], squares: &mut [f32], weights: &mut [f32]) {
    let AdamStep { shortened, betas: [keep, keep_square], rests: [take, take_square], corrections: [of, of_square], eps, rate } =
        *by;
    wide(Loop(
        #[inline(always)]
        || {
            let n = weights.len();
            let (gradient, means, squares) = (&gradient[..n], &mut means[..n], &mut squares[..n]);
            for i in 0..n {
                let g = gradient[i] * shortened;
                means[i] = keep * means[i] + take * g;
                squares[i] = keep_square * squares[i] + take_square * g * g;
                weights[i] -= rate * (means[i] * of) / ((squares[i] * of_square).sqrt() + eps);
            }
        },
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_e_are_right_to_a_few_parts_in_ten_million() {
        for i in -86_000..88_000 {
            let x = i as f32 / 1000.0;
            let right = f64::from(x).exp();
            assert!((f64::from(exp(x)) / right - 1.0).abs() < 4e-7, "{x}: {} {right}", exp(x));
        }
        assert!(exp(-1000.0) < 1e-37);
    }
}
