//! A text read token by token: what was read stays as keys and values, so that whoever writes on need not read it all again.
//! Nothing is learnt here.

use super::rows;
use super::shape::{NetAt, NetShape};

/// A network in the midst of a text.
pub struct Reader<'w> {
    shape: NetShape,
    at: NetAt,
    weights: &'w [f32],
    angles: Vec<f32>,
    /// Of each block: keys and values of every token that was read, head by head as the network has them.
    kept: Vec<[Vec<f32>; 2]>,
    read: usize,
    logits: Vec<f32>,
}

impl<'w> Reader<'w> {
    /// One that has read nothing yet, and will read at most so many tokens.
    pub fn new(shape: NetShape, weights: &'w [f32], longest: usize) -> Reader<'w> {
        Reader {
            at: shape.at(),
            weights,
            angles: rows::angles(longest, shape.head(), shape.rotary_base),
            kept: vec![Default::default(); shape.layers],
            read: 0,
            logits: vec![0.0; shape.vocabulary],
            shape,
        }
    }

    /// Reads a token, and gives the logits of the next.
    pub fn read(&mut self, token: u32) -> &[f32] {
        let NetShape { width, heads, hidden, norm_eps, .. } = self.shape;
        let (eps, head) = (norm_eps as f32, self.shape.head());
        let scale = 1.0 / (head as f32).sqrt();
        let angles = &self.angles[self.read * head..][..head];
        let mut stream = self.weights[self.at.embedding.start + token as usize * width..][..width].to_vec();
        let mut normed = vec![0.0; width];
        let (wide, of_keys) = (self.shape.wide(), self.shape.keys());
        let mut qkv = vec![0.0; wide];
        let (mut mixed, mut both, mut open) = (vec![0.0; width], vec![0.0; 2 * hidden], vec![0.0; hidden]);
        let mut added = vec![0.0; width];
        for (at, [keys, values]) in self.at.layers.iter().zip(&mut self.kept) {
            rows::norm(&stream, &self.weights[at.norm.clone()], eps, &mut normed, &mut [0.0]);
            rows::times(&self.weights[at.qkv.clone()], &normed, &mut qkv);
            rows::rotate(&mut qkv, wide, heads + self.shape.key_heads, head, angles, 1.0);
            keys.extend_from_slice(&qkv[width..width + of_keys]);
            values.extend_from_slice(&qkv[width + of_keys..]);
            for h in 0..heads {
                let (of, into) = (&qkv[h * head..][..head], &mut mixed[h * head..][..head]);
                let shared = h / (heads / self.shape.key_heads) * head;
                rows::attend_one(of, &keys[shared..], &values[shared..], of_keys, scale, into);
            }
            rows::times(&self.weights[at.out.clone()], &mixed, &mut added);
            rows::add(&mut stream, &added);
            rows::norm(&stream, &self.weights[at.hidden_norm.clone()], eps, &mut normed, &mut [0.0]);
            rows::times(&self.weights[at.both.clone()], &normed, &mut both);
            rows::gated(&both, hidden, &mut open);
            rows::times(&self.weights[at.down.clone()], &open, &mut added);
            rows::add(&mut stream, &added);
        }
        rows::norm(&stream, &self.weights[self.at.norm.clone()], eps, &mut normed, &mut [0.0]);
        rows::times(&self.weights[self.at.head.clone()], &normed, &mut self.logits);
        self.read += 1;
        &self.logits
    }
}
