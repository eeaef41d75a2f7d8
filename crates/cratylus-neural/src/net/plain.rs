//! The same network in double precision and plain loops, one row at a time: what the fast path is held to. It shares nothing
//! with it but where weights lie.

use super::shape::NetShape;

/// The sum of losses of a row, in nats, of the tokens that have a target. To the gradient is added that of this sum.
pub fn learn(shape: &NetShape, w: &[f64], tokens: &[u32], targets: &[Option<u32>], gradient: &mut [f64]) -> f64 {
    learn_reading(shape, w, tokens, targets, gradient, &[]).0
}

/// The same where at some places other numbers are read than those that stand for the word; gives what the last norm gives, too.
pub fn learn_reading(
    shape: &NetShape,
    w: &[f64],
    tokens: &[u32],
    targets: &[Option<u32>],
    gradient: &mut [f64],
    read: &[(usize, Vec<f64>)],
) -> (f64, Vec<f64>) {
    let NetShape { vocabulary, width: d, heads, hidden, .. } = *shape;
    let (at, head, keys, n) = (shape.at(), shape.head(), shape.keys(), tokens.len());
    let of_keys = |h: usize| h / (heads / shape.key_heads);
    let eps = shape.norm_eps;
    let scale = 1.0 / (head as f64).sqrt();

    // y[t][o] = sum_i x[t][i] w[o][i]
    let linear = |x: &[f64], from: usize, outs: usize, ins: usize| -> Vec<f64> {
        let mut y = vec![0.0; n * outs];
        for t in 0..n {
            for o in 0..outs {
                y[t * outs + o] = (0..ins).map(|i| x[t * ins + i] * w[from + o * ins + i]).sum();
            }
        }
        y
    };
    let norm = |x: &[f64], from: usize| -> Vec<f64> {
        let mut y = vec![0.0; n * d];
        for t in 0..n {
            let mean: f64 = (0..d).map(|i| x[t * d + i].powi(2)).sum::<f64>() / d as f64;
            for i in 0..d {
                y[t * d + i] = x[t * d + i] / (mean + eps).sqrt() * w[from + i];
            }
        }
        y
    };
    let turn = |x: &mut [f64], sign: f64| {
        let wide = x.len() / n;
        for t in 0..n {
            for h in 0..wide / head {
                for i in 0..head / 2 {
                    let angle = sign * t as f64 / shape.rotary_base.powf(2.0 * i as f64 / head as f64);
                    let (a, b) = (t * wide + h * head + i, t * wide + h * head + head / 2 + i);
                    let (x0, x1) = (x[a], x[b]);
                    x[a] = x0 * angle.cos() - x1 * angle.sin();
                    x[b] = x1 * angle.cos() + x0 * angle.sin();
                }
            }
        }
    };
    let silu = |g: f64| g / (1.0 + (-g).exp());

    struct Kept {
        x: Vec<f64>,
        normed: Vec<f64>,
        q: Vec<f64>,
        k: Vec<f64>,
        v: Vec<f64>,
        shares: Vec<f64>,
        mixed: Vec<f64>,
        middle: Vec<f64>,
        middle_normed: Vec<f64>,
        gate: Vec<f64>,
        up: Vec<f64>,
        gated: Vec<f64>,
    }
    let mut x: Vec<f64> = tokens.iter().flat_map(|&token| w[at.embedding.start + token as usize * d..][..d].to_vec()).collect();
    for (place, numbers) in read {
        x[place * d..][..d].copy_from_slice(numbers);
    }
    let mut kept = Vec::new();
    for layer in &at.layers {
        let normed = norm(&x, layer.norm.start);
        let mut q = linear(&normed, layer.qkv.start, d, d);
        let mut k = linear(&normed, layer.qkv.start + d * d, keys, d);
        let v = linear(&normed, layer.qkv.start + (d + keys) * d, keys, d);
        turn(&mut q, 1.0);
        turn(&mut k, 1.0);
        let (mut shares, mut mixed) = (vec![0.0; heads * n * n], vec![0.0; n * d]);
        for h in 0..heads {
            for t in 0..n {
                let key = |s: usize, i: usize| s * keys + of_keys(h) * head + i;
                let of = |s: usize| (0..head).map(|i| q[t * d + h * head + i] * k[key(s, i)]).sum::<f64>() * scale;
                let scores: Vec<f64> = (0..=t).map(of).collect();
                let most = scores.iter().copied().fold(f64::MIN, f64::max);
                let sum: f64 = scores.iter().map(|score| (score - most).exp()).sum();
                for s in 0..=t {
                    let share = (scores[s] - most).exp() / sum;
                    shares[(h * n + t) * n + s] = share;
                    for i in 0..head {
                        mixed[t * d + h * head + i] += share * v[key(s, i)];
                    }
                }
            }
        }
        let added = linear(&mixed, layer.out.start, d, d);
        let middle: Vec<f64> = x.iter().zip(&added).map(|(x, y)| x + y).collect();
        let middle_normed = norm(&middle, layer.hidden_norm.start);
        let gate = linear(&middle_normed, layer.both.start, hidden, d);
        let up = linear(&middle_normed, layer.both.start + hidden * d, hidden, d);
        let gated: Vec<f64> = gate.iter().zip(&up).map(|(&gate, up)| silu(gate) * up).collect();
        let added = linear(&gated, layer.down.start, d, hidden);
        let next = middle.iter().zip(&added).map(|(x, y)| x + y).collect();
        let x = std::mem::replace(&mut x, next);
        kept.push(Kept { x, normed, q, k, v, shares, mixed, middle, middle_normed, gate, up, gated });
    }
    let last = norm(&x, at.norm.start);
    let mut d_logits = linear(&last, at.head.start, vocabulary, d);
    let mut loss = 0.0;
    for (t, target) in targets.iter().enumerate() {
        let row = &mut d_logits[t * vocabulary..][..vocabulary];
        let Some(target) = *target else {
            row.fill(0.0);
            continue;
        };
        let most = row.iter().copied().fold(f64::MIN, f64::max);
        let sum: f64 = row.iter().map(|logit| (logit - most).exp()).sum();
        loss += sum.ln() + most - row[target as usize];
        row.iter_mut().for_each(|logit| *logit = (*logit - most).exp() / sum);
        row[target as usize] -= 1.0;
    }

    // What reaches x of y = linear(x), and what reaches its weights.
    let linear_back = |dy: &[f64], x: &[f64], from: usize, outs: usize, ins: usize, gradient: &mut [f64]| -> Vec<f64> {
        let mut dx = vec![0.0; n * ins];
        for t in 0..n {
            for o in 0..outs {
                for i in 0..ins {
                    dx[t * ins + i] += dy[t * outs + o] * w[from + o * ins + i];
                    gradient[from + o * ins + i] += dy[t * outs + o] * x[t * ins + i];
                }
            }
        }
        dx
    };
    let norm_back = |dy: &[f64], x: &[f64], from: usize, gradient: &mut [f64]| -> Vec<f64> {
        let mut dx = vec![0.0; n * d];
        for t in 0..n {
            let mean: f64 = (0..d).map(|i| x[t * d + i].powi(2)).sum::<f64>() / d as f64;
            let root = 1.0 / (mean + eps).sqrt();
            let along: f64 = (0..d).map(|i| w[from + i] * dy[t * d + i] * x[t * d + i]).sum();
            for i in 0..d {
                dx[t * d + i] = root * w[from + i] * dy[t * d + i] - x[t * d + i] * root.powi(3) / d as f64 * along;
                gradient[from + i] += dy[t * d + i] * x[t * d + i] * root;
            }
        }
        dx
    };
    let add = |to: &mut [f64], what: &[f64]| to.iter_mut().zip(what).for_each(|(to, what)| *to += what);
    let d_last = linear_back(&d_logits, &last, at.head.start, vocabulary, d, gradient);
    let mut dx = norm_back(&d_last, &x, at.norm.start, gradient);
    for (layer, kept) in at.layers.iter().zip(&kept).rev() {
        let d_gated = linear_back(&dx, &kept.gated, layer.down.start, d, hidden, gradient);
        let (mut d_gate, mut d_up) = (vec![0.0; n * hidden], vec![0.0; n * hidden]);
        for i in 0..n * hidden {
            let open = 1.0 / (1.0 + (-kept.gate[i]).exp());
            d_gate[i] = d_gated[i] * kept.up[i] * open * (1.0 + kept.gate[i] * (1.0 - open));
            d_up[i] = d_gated[i] * silu(kept.gate[i]);
        }
        let mut d_normed = linear_back(&d_gate, &kept.middle_normed, layer.both.start, hidden, d, gradient);
        add(&mut d_normed, &linear_back(&d_up, &kept.middle_normed, layer.both.start + hidden * d, hidden, d, gradient));
        add(&mut dx, &norm_back(&d_normed, &kept.middle, layer.hidden_norm.start, gradient));
        let d_mixed = linear_back(&dx, &kept.mixed, layer.out.start, d, d, gradient);
        let (mut dq, mut dk, mut dv) = (vec![0.0; n * d], vec![0.0; n * keys], vec![0.0; n * keys]);
        for h in 0..heads {
            for t in 0..n {
                let place = |t: usize, i: usize| t * d + h * head + i;
                let key = |s: usize, i: usize| s * keys + of_keys(h) * head + i;
                let share = |s: usize| kept.shares[(h * n + t) * n + s];
                let reached: Vec<f64> =
                    (0..=t).map(|s| (0..head).map(|i| d_mixed[place(t, i)] * kept.v[key(s, i)]).sum()).collect();
                let along: f64 = (0..=t).map(|s| share(s) * reached[s]).sum();
                for s in 0..=t {
                    let score = share(s) * (reached[s] - along) * scale;
                    for i in 0..head {
                        dv[key(s, i)] += share(s) * d_mixed[place(t, i)];
                        dq[place(t, i)] += score * kept.k[key(s, i)];
                        dk[key(s, i)] += score * kept.q[place(t, i)];
                    }
                }
            }
        }
        turn(&mut dq, -1.0);
        turn(&mut dk, -1.0);
        let mut d_normed = linear_back(&dq, &kept.normed, layer.qkv.start, d, d, gradient);
        add(&mut d_normed, &linear_back(&dk, &kept.normed, layer.qkv.start + d * d, keys, d, gradient));
        add(&mut d_normed, &linear_back(&dv, &kept.normed, layer.qkv.start + (d + keys) * d, keys, d, gradient));
        add(&mut dx, &norm_back(&d_normed, &kept.x, layer.norm.start, gradient));
    }
    for (t, &token) in tokens.iter().enumerate() {
        add(&mut gradient[at.embedding.start + token as usize * d..][..d], &dx[t * d..][..d]);
    }
    (loss, last)
}
