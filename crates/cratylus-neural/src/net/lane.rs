//! A lane: some rows of a batch, forward and backward. Lanes are independent, so any thread may work on any of them.

use super::adapters::Adapters;
use super::experts::Experts;
use super::product::{Into, Matrix, MatrixMut, product};
use super::rows;
use super::shape::{LayerAt, NetAt, NetShape};
use std::ops::Range;
use std::sync::Arc;

/// Rows of tokens, all as long as the context: what is read, and what should come next.
#[derive(Clone, Debug, Default)]
pub struct Lane {
    /// How long they are.
    context: usize,
    /// `rows x context` tokens.
    pub tokens: Vec<u32>,
    /// What comes after each; None where nothing is to be learnt.
    pub targets: Vec<Option<u32>>,
    /// Of each row the places that no word is read at, but what the network held at the place before; empty where no row has
    /// any.
    thoughts: Vec<Range<usize>>,
}

/// A row as it is read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadRow {
    /// Its tokens.
    pub tokens: Vec<u32>,
    /// Nothing is learnt of those before this place.
    pub from: usize,
    /// Where what the network held at the place before is read in place of a token.
    pub thoughts: Range<usize>,
}

impl Lane {
    /// Adds a row: each token is to be followed by the next. What is longer than the context is cut; what is shorter is
    /// filled up, and nothing is learnt of what fills it.
    pub fn push(&mut self, row: &[u32], context: usize) {
        self.push_from(row, 0, context);
    }

    /// The same, where nothing is learnt of the tokens before place `from`.
    pub fn push_from(&mut self, row: &[u32], from: usize, context: usize) {
        assert!(self.tokens.is_empty() || self.context == context, "rows of a lane are of one length");
        self.context = context;
        for place in 0..context {
            self.tokens.push(row.get(place).copied().unwrap_or(0));
            self.targets.push(row.get(place + 1).copied().filter(|_| place + 1 >= from));
        }
    }

    /// The same, where at some places what the network held at the place before is read (Coconut, arXiv 2412.06769). There is
    /// a word before them.
    pub fn push_thinking(&mut self, row: &[u32], from: usize, thoughts: Range<usize>, context: usize) {
        assert!(thoughts.is_empty() || thoughts.start > 0 && thoughts.end <= context, "thoughts lie within a row, after a word");
        let rows = self.tokens.len() / context;
        self.push_from(row, from, context);
        if !thoughts.is_empty() || !self.thoughts.is_empty() {
            self.thoughts.resize(rows, 0..0);
            self.thoughts.push(thoughts);
        }
    }

    /// How many tokens are to be learnt.
    pub fn kept(&self) -> usize {
        self.targets.iter().flatten().count()
    }
}

/// What one thread needs to work on a lane. It keeps nothing from one lane to the next.
pub struct NetWork {
    shape: NetShape,
    experts: Option<Arc<Experts>>,
    at: NetAt,
    angles: Vec<f32>,
    /// The stream before each block, and after the last.
    streams: Vec<Vec<f32>>,
    blocks: Vec<Block>,
    last: Vec<f32>,
    last_roots: Vec<f32>,
    /// Logits, and what reaches them.
    logits: Vec<f32>,
    losses: Vec<f32>,
    d_stream: Vec<f32>,
    d_wide: Vec<f32>,
    d_qkv: Vec<f32>,
    d_hidden: Vec<f32>,
    d_both: Vec<f32>,
    d_scores: Vec<f32>,
}

/// What a block keeps on its way forward.
#[derive(Clone, Default)]
struct Block {
    normed: Vec<f32>,
    roots: Vec<f32>,
    qkv: Vec<f32>,
    /// Shares of attention: for each row and head a square.
    shares: Vec<f32>,
    mixed: Vec<f32>,
    middle: Vec<f32>,
    middle_normed: Vec<f32>,
    middle_roots: Vec<f32>,
    both: Vec<f32>,
    gated: Vec<f32>,
    /// The experts that each word went to.
    kept: Vec<u64>,
}

/// Rows of a square of attention that are computed together: what lies beyond the last of them is not.
const QUERIES: usize = 32;

fn sized(vector: &mut Vec<f32>, n: usize) {
    vector.resize(n, 0.0);
}

/// What is learnt, and where its gradient is summed.
pub(super) enum Learns<'g> {
    /// All weights.
    All(&'g mut [f32]),
    /// What is added to some of them.
    Adapters(&'g Adapters, &'g mut [f32]),
}

impl Learns<'_> {
    /// The first block that anything is learnt of.
    fn first(&self) -> usize {
        match self {
            Learns::All(_) => 0,
            Learns::Adapters(adapters, _) => adapters.first(),
        }
    }

    /// Adds the gradient of the matrix at `at` that turned the rows `x` into what `reached` comes back from.
    fn matrix(&mut self, at: &Range<usize>, reached: Matrix<'_>, x: Matrix<'_>) {
        match self {
            Learns::All(gradient) => {
                let into = &mut MatrixMut::new(&mut gradient[at.clone()], reached.columns(), x.columns());
                product(reached.turned(), x, Into::Add, into);
            }
            Learns::Adapters(adapters, gradient) => adapters.learn(at, reached, x, gradient),
        }
    }

    /// Goes back through the norm at `at`, whose gains are `g`, adding to `dx`.
    fn norm(&mut self, at: &Range<usize>, dh: &[f32], x: &[f32], g: &[f32], roots: &[f32], dx: &mut [f32]) {
        match self {
            Learns::All(gradient) => rows::norm_back(dh, x, g, roots, dx, &mut gradient[at.clone()]),
            Learns::Adapters(..) => rows::norm_back(dh, x, g, roots, dx, &mut vec![0.0; g.len()]),
        }
    }
}

impl NetWork {
    /// Room for lanes of a network.
    pub fn new(shape: NetShape) -> NetWork {
        NetWork {
            at: shape.at(),
            angles: rows::angles(shape.context, shape.head(), shape.rotary_base),
            streams: vec![Vec::new(); shape.layers + 1],
            blocks: vec![Block::default(); shape.layers],
            last: Vec::new(),
            last_roots: Vec::new(),
            logits: Vec::new(),
            losses: Vec::new(),
            d_stream: Vec::new(),
            d_wide: Vec::new(),
            d_qkv: Vec::new(),
            d_hidden: Vec::new(),
            d_both: Vec::new(),
            d_scores: Vec::new(),
            experts: None,
            shape,
        }
    }

    /// The same, whose words go to some experts of each block alone.
    pub fn with_experts(shape: NetShape, experts: Option<Arc<Experts>>) -> NetWork {
        NetWork { experts, ..NetWork::new(shape) }
    }

    /// The logits of every position, `rows x context x vocabulary`.
    pub fn logits(&mut self, weights: &[f32], tokens: &[u32]) -> &[f32] {
        self.forward(weights, tokens, &[]);
        &self.logits
    }

    /// The same of a lane, with its thoughts.
    pub fn logits_of(&mut self, weights: &[f32], lane: &Lane) -> &[f32] {
        self.read_rows_of(lane.context);
        self.forward(weights, &lane.tokens, &lane.thoughts);
        &self.logits
    }

    /// The stream before each block and after the last, of what was read last.
    pub fn streams(&self) -> &[Vec<f32>] {
        &self.streams
    }

    /// The sum of losses in nats. To the gradient is added that of `weight` times this sum.
    pub fn learn(&mut self, weights: &[f32], lane: &Lane, weight: f32, gradient: &mut [f32]) -> f64 {
        self.learn_some(weights, lane, weight, &mut Learns::All(gradient))
    }

    /// The same of whatever is learnt.
    pub(super) fn learn_some(&mut self, weights: &[f32], lane: &Lane, weight: f32, learns: &mut Learns<'_>) -> f64 {
        if lane.tokens.is_empty() {
            return 0.0;
        }
        self.read_rows_of(lane.context);
        self.forward(weights, &lane.tokens, &lane.thoughts);
        let sum = self.losses(&lane.targets, weight);
        self.backward(weights, lane, learns);
        sum
    }

    /// From now on rows are so long; weights do not know how long rows are.
    fn read_rows_of(&mut self, context: usize) {
        if self.shape.context != context {
            self.shape.context = context;
            self.angles = rows::angles(context, self.shape.head(), self.shape.rotary_base);
        }
    }

    /// The loss of every position, in nats; 0 where nothing is to be learnt.
    pub fn judge(&mut self, weights: &[f32], lane: &Lane) -> &[f32] {
        if !lane.tokens.is_empty() {
            self.read_rows_of(lane.context);
        }
        self.forward(weights, &lane.tokens, &lane.thoughts);
        self.losses(&lane.targets, 0.0);
        &self.losses
    }

    fn losses(&mut self, targets: &[Option<u32>], weight: f32) -> f64 {
        sized(&mut self.losses, targets.len());
        rows::loss(&mut self.logits, self.shape.vocabulary, targets, weight, &mut self.losses);
        self.losses.iter().map(|&loss| f64::from(loss)).sum()
    }

    fn forward(&mut self, weights: &[f32], tokens: &[u32], thoughts: &[Range<usize>]) {
        let NetShape { vocabulary, width, context, .. } = self.shape;
        let n = tokens.len();
        let first = &mut self.streams[0];
        first.clear();
        for &token in tokens {
            first.extend_from_slice(&weights[self.at.embedding.start + token as usize * width..][..width]);
        }
        // One thought after the other, all rows together; what stands before a thought is the same in every pass.
        for thought in 0..longest(thoughts) {
            self.through(weights, n);
            for place in places(thoughts, thought, context) {
                self.streams[0][place * width..][..width].copy_from_slice(&self.last[(place - 1) * width..][..width]);
            }
        }
        self.through(weights, n);
        sized(&mut self.logits, n * vocabulary);
        let head = Matrix::new(&weights[self.at.head.clone()], vocabulary, width);
        let logits = &mut MatrixMut::new(&mut self.logits, n, vocabulary);
        product(Matrix::new(&self.last, n, width), head.turned(), Into::Set, logits);
    }

    /// From what is read through all blocks and the last norm.
    fn through(&mut self, weights: &[f32], n: usize) {
        let NetShape { width, hidden, norm_eps, .. } = self.shape;
        let (eps, wide) = (norm_eps as f32, self.shape.wide());
        for (i, at) in self.at.layers.iter().enumerate() {
            let (before, after) = self.streams.split_at_mut(i + 1);
            let (stream, next, block) = (&before[i], &mut after[0], &mut self.blocks[i]);
            let of = |at: &Range<usize>| &weights[at.clone()];
            sized(&mut block.normed, n * width);
            sized(&mut block.roots, n);
            rows::norm(stream, of(&at.norm), eps, &mut block.normed, &mut block.roots);
            sized(&mut block.qkv, n * wide);
            let qkv = Matrix::new(of(&at.qkv), wide, width);
            product(Matrix::new(&block.normed, n, width), qkv.turned(), Into::Set, &mut MatrixMut::new(&mut block.qkv, n, wide));
            let turning = self.shape.heads + self.shape.key_heads;
            rows::rotate(&mut block.qkv, wide, turning, self.shape.head(), &self.angles, 1.0);
            attend(&self.shape, block, n);
            block.middle.clone_from(stream);
            let out = Matrix::new(of(&at.out), width, width);
            product(
                Matrix::new(&block.mixed, n, width),
                out.turned(),
                Into::Add,
                &mut MatrixMut::new(&mut block.middle, n, width),
            );
            sized(&mut block.middle_normed, n * width);
            sized(&mut block.middle_roots, n);
            rows::norm(&block.middle, of(&at.hidden_norm), eps, &mut block.middle_normed, &mut block.middle_roots);
            sized(&mut block.both, n * 2 * hidden);
            let both = Matrix::new(of(&at.both), 2 * hidden, width);
            let normed = Matrix::new(&block.middle_normed, n, width);
            product(normed, both.turned(), Into::Set, &mut MatrixMut::new(&mut block.both, n, 2 * hidden));
            sized(&mut block.gated, n * hidden);
            rows::gated(&block.both, hidden, &mut block.gated);
            if let Some(experts) = &self.experts {
                experts.choose(i, &block.both, &mut block.gated, &mut block.kept);
            }
            next.clone_from(&block.middle);
            let down = Matrix::new(of(&at.down), width, hidden);
            product(Matrix::new(&block.gated, n, hidden), down.turned(), Into::Add, &mut MatrixMut::new(next, n, width));
        }
        sized(&mut self.last, n * width);
        sized(&mut self.last_roots, n);
        let stream = self.streams.last().expect("one more than there are blocks");
        rows::norm(stream, &weights[self.at.norm.clone()], eps, &mut self.last, &mut self.last_roots);
    }

    /// Goes back from what reaches the logits.
    fn backward(&mut self, weights: &[f32], lane: &Lane, learns: &mut Learns<'_>) {
        let NetShape { vocabulary, width, context, .. } = self.shape;
        let n = lane.tokens.len();
        let of = |at: &Range<usize>| &weights[at.clone()];
        let logits = Matrix::new(&self.logits, n, vocabulary);
        sized(&mut self.d_wide, n * width);
        let d_wide = &mut self.d_wide;
        product(logits, Matrix::new(of(&self.at.head), vocabulary, width), Into::Set, &mut MatrixMut::new(d_wide, n, width));
        learns.matrix(&self.at.head, logits, Matrix::new(&self.last, n, width));
        self.back(weights, n, learns);
        self.embed_back(lane, learns);
        // What reached a thought reaches what the network held before it, the last thought first: nothing that comes after it
        // is left then.
        let mut reached = vec![0.0; if lane.thoughts.is_empty() { 0 } else { n * width }];
        for thought in (0..longest(&lane.thoughts)).rev() {
            let all = (0..=thought).flat_map(|earlier| places(&lane.thoughts, earlier, context));
            for place in all.flat_map(|place| place * width..(place + 1) * width) {
                reached[place] += self.d_stream[place];
            }
            self.d_wide.fill(0.0);
            for place in places(&lane.thoughts, thought, context) {
                self.d_wide[(place - 1) * width..][..width].copy_from_slice(&reached[place * width..][..width]);
            }
            self.back(weights, n, learns);
            self.embed_back(lane, learns);
        }
    }

    /// What reached the words that were read.
    fn embed_back(&self, lane: &Lane, learns: &mut Learns<'_>) {
        let NetShape { width, context, .. } = self.shape;
        let Learns::All(gradient) = learns else { return };
        let embedding = &mut gradient[self.at.embedding.clone()];
        for (place, (&token, d)) in lane.tokens.iter().zip(self.d_stream.chunks_exact(width)).enumerate() {
            if lane.thoughts.get(place / context).is_some_and(|thoughts| thoughts.contains(&(place % context))) {
                continue;
            }
            for (into, d) in embedding[token as usize * width..][..width].iter_mut().zip(d) {
                *into += d;
            }
        }
    }

    /// From what reaches what the last norm gave back to what was read.
    fn back(&mut self, weights: &[f32], n: usize, learns: &mut Learns<'_>) {
        let NetShape { width, hidden, .. } = self.shape;
        let wide = self.shape.wide();
        let of = |at: &Range<usize>| &weights[at.clone()];
        let d_wide = &mut self.d_wide;
        self.d_stream.clear();
        sized(&mut self.d_stream, n * width);
        let stream = self.streams.last().expect("one more than there are blocks");
        let norm = self.at.norm.clone();
        learns.norm(&norm, d_wide, stream, of(&norm), &self.last_roots, &mut self.d_stream);
        for (i, at) in self.at.layers.iter().enumerate().skip(learns.first()).rev() {
            let (stream, block) = (&self.streams[i], &mut self.blocks[i]);
            let LayerAt { norm, qkv, out, hidden_norm, both, down } = at;
            let d_stream = &mut self.d_stream;
            // The hidden layer.
            sized(&mut self.d_hidden, n * hidden);
            let reached = Matrix::new(d_stream, n, width);
            let d_hidden = &mut MatrixMut::new(&mut self.d_hidden, n, hidden);
            product(reached, Matrix::new(of(down), width, hidden), Into::Set, d_hidden);
            learns.matrix(down, reached, Matrix::new(&block.gated, n, hidden));
            if let Some(experts) = &self.experts {
                experts.back(i, &block.kept, &mut self.d_hidden);
            }
            self.d_both.clone_from(&block.both);
            rows::gated_back(&mut self.d_both, hidden, &self.d_hidden);
            let d_both = Matrix::new(&self.d_both, n, 2 * hidden);
            product(d_both, Matrix::new(of(both), 2 * hidden, width), Into::Set, &mut MatrixMut::new(d_wide, n, width));
            learns.matrix(both, d_both, Matrix::new(&block.middle_normed, n, width));
            learns.norm(hidden_norm, d_wide, &block.middle, of(hidden_norm), &block.middle_roots, d_stream);
            // Attention.
            let reached = Matrix::new(d_stream, n, width);
            product(reached, Matrix::new(of(out), width, width), Into::Set, &mut MatrixMut::new(d_wide, n, width));
            learns.matrix(out, reached, Matrix::new(&block.mixed, n, width));
            self.d_qkv.clear();
            sized(&mut self.d_qkv, n * wide);
            attend_back(&self.shape, block, d_wide, &mut self.d_qkv, &mut self.d_scores);
            let turning = self.shape.heads + self.shape.key_heads;
            rows::rotate(&mut self.d_qkv, wide, turning, self.shape.head(), &self.angles, -1.0);
            let d_qkv = Matrix::new(&self.d_qkv, n, wide);
            product(d_qkv, Matrix::new(of(qkv), wide, width), Into::Set, &mut MatrixMut::new(d_wide, n, width));
            learns.matrix(qkv, d_qkv, Matrix::new(&block.normed, n, width));
            learns.norm(norm, d_wide, stream, of(norm), &block.roots, d_stream);
        }
    }
}

/// The most thoughts of a row.
fn longest(thoughts: &[Range<usize>]) -> usize {
    thoughts.iter().map(Range::len).max().unwrap_or(0)
}

/// Where a thought of this number stands in the rows that have so many.
fn places(thoughts: &[Range<usize>], number: usize, context: usize) -> impl Iterator<Item = usize> + '_ {
    let with = thoughts.iter().enumerate().filter(move |(_, thoughts)| number < thoughts.len());
    with.map(move |(row, thoughts)| row * context + thoughts.start + number)
}

/// Each position takes from those before it and from itself, head by head.
fn attend(shape: &NetShape, block: &mut Block, n: usize) {
    let NetShape { width, heads, context, .. } = *shape;
    let (head, wide, keys) = (shape.head(), shape.wide(), shape.keys());
    let scale = 1.0 / (head as f32).sqrt();
    sized(&mut block.shares, n * context * heads);
    sized(&mut block.mixed, n * width);
    for row in 0..n / context {
        let qkv = &block.qkv[row * context * wide..][..context * wide];
        for h in 0..heads {
            let of_keys = h / (heads / shape.key_heads) * head;
            let shares = &mut block.shares[(row * heads + h) * context * context..][..context * context];
            for from in (0..context).step_by(QUERIES) {
                let to = (from + QUERIES).min(context);
                let q = Matrix::spaced(&qkv[from * wide + h * head..], to - from, head, wide);
                let k = Matrix::spaced(&qkv[width + of_keys..], to, head, wide);
                let v = Matrix::spaced(&qkv[width + keys + of_keys..], to, head, wide);
                let square = &mut shares[from * context..to * context];
                product(q, k.turned(), Into::Set, &mut MatrixMut::spaced(square, to - from, to, context));
                rows::softmax_causal(square, to, context, from, scale);
                let mixed = &mut block.mixed[(row * context + from) * width + h * head..];
                let square = Matrix::spaced(square, to - from, to, context);
                product(square, v, Into::Set, &mut MatrixMut::spaced(mixed, to - from, head, width));
            }
        }
    }
}

/// From what reaches what was taken to what reaches queries, keys and values, which are zeros before.
fn attend_back(shape: &NetShape, block: &Block, d_mixed: &[f32], d_qkv: &mut [f32], d_scores: &mut Vec<f32>) {
    let NetShape { width, heads, context, .. } = *shape;
    let (head, wide, keys) = (shape.head(), shape.wide(), shape.keys());
    let scale = 1.0 / (head as f32).sqrt();
    sized(d_scores, QUERIES.min(context) * context);
    for row in 0..d_mixed.len() / width / context {
        let qkv = &block.qkv[row * context * wide..][..context * wide];
        let d_qkv = &mut d_qkv[row * context * wide..][..context * wide];
        for h in 0..heads {
            // Where a head's queries lie, and the keys and values that it shares with others.
            let of_keys = h / (heads / shape.key_heads) * head;
            let starts = [h * head, width + of_keys, width + keys + of_keys];
            let shares = &block.shares[(row * heads + h) * context * context..][..context * context];
            for from in (0..context).step_by(QUERIES) {
                let to = (from + QUERIES).min(context);
                let of = |part: usize, from: usize, to: usize| {
                    Matrix::spaced(&qkv[from * wide + starts[part]..], to - from, head, wide)
                };
                let square = &shares[from * context..to * context];
                let taken = Matrix::spaced(square, to - from, to, context);
                let d = Matrix::spaced(&d_mixed[(row * context + from) * width + h * head..], to - from, head, width);
                product(d, of(2, 0, to).turned(), Into::Set, &mut MatrixMut::spaced(d_scores, to - from, to, context));
                let mut into = |part: usize, from: usize, to: usize, a: Matrix<'_>, b: Matrix<'_>| {
                    let d_qkv = &mut d_qkv[from * wide + starts[part]..];
                    product(a, b, Into::Add, &mut MatrixMut::spaced(d_qkv, to - from, head, wide));
                };
                into(2, 0, to, taken.turned(), d);
                let scores = &mut d_scores[..(to - from) * context];
                rows::softmax_back(square, scores, to, [context; 2], scale);
                let scores = Matrix::spaced(scores, to - from, to, context);
                into(0, from, to, scores, of(1, 0, to));
                into(1, 0, to, scores.turned(), of(0, from, to));
            }
        }
    }
}
