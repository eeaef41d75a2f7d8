//! How large a network is, and where each of its tensors lies among its weights.

use cratylus_core::seed::{Purpose, Seed};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// How large a network is.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NetShape {
    /// How many tokens there are.
    pub vocabulary: usize,
    /// Numbers that stand for a token.
    pub width: usize,
    /// Blocks, one after the other.
    pub layers: usize,
    /// Heads of attention in each; they divide the width, and what each has of it is even.
    pub heads: usize,
    /// Heads of keys and values; each serves as many heads as it divides them into.
    pub key_heads: usize,
    /// Numbers of the hidden layer of each block.
    pub hidden: usize,
    /// The longest row of tokens.
    pub context: usize,
    /// Whether what reads tokens off also says what they are.
    #[serde(default = "yes")]
    pub tied: bool,
    /// The base of rotary positions.
    #[serde(default = "ten_thousand")]
    pub rotary_base: f64,
    /// Added under the root of norms.
    #[serde(default = "small")]
    pub norm_eps: f64,
}

fn yes() -> bool {
    true
}

fn ten_thousand() -> f64 {
    10_000.0
}

fn small() -> f64 {
    1e-5
}

/// One of the tensors of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// As in files of Llama.
    pub name: String,
    /// Rows and columns; a vector has one of the two.
    pub shape: Vec<usize>,
    /// Where it lies among the weights.
    pub at: Range<usize>,
}

/// Where the tensors of a block lie. Those that are multiplied with the same rows lie side by side.
#[derive(Clone, Debug)]
pub(super) struct LayerAt {
    pub norm: Range<usize>,
    /// Queries, keys and values, one below the other, by the width.
    pub qkv: Range<usize>,
    pub out: Range<usize>,
    pub hidden_norm: Range<usize>,
    /// Gates and what they let through: twice the hidden numbers, by the width.
    pub both: Range<usize>,
    pub down: Range<usize>,
}

/// Where all tensors lie.
#[derive(Clone, Debug)]
pub(super) struct NetAt {
    pub embedding: Range<usize>,
    pub layers: Vec<LayerAt>,
    pub norm: Range<usize>,
    /// The embedding again, where they are tied.
    pub head: Range<usize>,
    pub all: usize,
}

impl NetShape {
    /// What is wrong with the sizes: which, and why.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let NetShape { vocabulary, width, layers, heads, key_heads, hidden, context, rotary_base, norm_eps, .. } = *self;
        let sizes = [
            ("vocabulary", vocabulary, 2, 1 << 17),
            ("width", width, 2, 1 << 13),
            ("layers", layers, 1, 256),
            ("heads", heads, 1, 256),
            ("hidden", hidden, 1, 1 << 15),
            ("context", context, 1, 1 << 14),
        ];
        for (key, size, least, most) in sizes {
            if !(least..=most).contains(&size) {
                return Err((key, format!("expected a number from {least} to {most}, found {size}")));
            }
        }
        if width % heads != 0 || width / heads % 2 != 0 {
            let why = format!("{heads} heads share the width of {width}, and what each has must be an even number");
            return Err(("heads", why));
        }
        if key_heads == 0 || heads % key_heads != 0 {
            return Err(("key_heads", format!("{heads} heads cannot share {key_heads} of keys evenly")));
        }
        if !(rotary_base > 1.0 && rotary_base.is_finite()) {
            return Err(("rotary_base", format!("expected a number above 1, found {rotary_base}")));
        }
        if !(norm_eps > 0.0 && norm_eps < 1.0) {
            return Err(("norm_eps", format!("expected a small number above 0, found {norm_eps}")));
        }
        Ok(())
    }

    /// Numbers of each head.
    pub fn head(&self) -> usize {
        self.width / self.heads
    }

    /// Numbers of all heads of keys.
    pub fn keys(&self) -> usize {
        self.key_heads * self.head()
    }

    /// Numbers of a position's queries, keys and values.
    pub(super) fn wide(&self) -> usize {
        self.width + 2 * self.keys()
    }

    /// How many weights there are.
    pub fn weights(&self) -> usize {
        self.at().all
    }

    pub(super) fn at(&self) -> NetAt {
        let NetShape { vocabulary, width, hidden, .. } = *self;
        let mut all = 0;
        let mut take = |n: usize| {
            all += n;
            all - n..all
        };
        let embedding = take(vocabulary * width);
        let layers = (0..self.layers)
            .map(|_| LayerAt {
                norm: take(width),
                qkv: take(self.wide() * width),
                out: take(width * width),
                hidden_norm: take(width),
                both: take(2 * hidden * width),
                down: take(width * hidden),
            })
            .collect();
        let norm = take(width);
        let head = if self.tied { embedding.clone() } else { take(vocabulary * width) };
        NetAt { embedding, layers, norm, head, all }
    }

    /// All tensors, in their order among the weights, with the names they have in files.
    pub fn tensors(&self) -> Vec<Tensor> {
        let NetShape { vocabulary, width, hidden, .. } = *self;
        let at = self.at();
        let mut tensors = Vec::new();
        let mut add = |name: String, shape: &[usize], start: usize| {
            let n: usize = shape.iter().product();
            tensors.push(Tensor { name, shape: shape.to_vec(), at: start..start + n });
            start + n
        };
        add("model.embed_tokens.weight".into(), &[vocabulary, width], at.embedding.start);
        for (i, layer) in at.layers.iter().enumerate() {
            let name = |part: &str| format!("model.layers.{i}.{part}.weight");
            add(name("input_layernorm"), &[width], layer.norm.start);
            let mut next = layer.qkv.start;
            for (part, rows) in [("q_proj", width), ("k_proj", self.keys()), ("v_proj", self.keys())] {
                next = add(name(&format!("self_attn.{part}")), &[rows, width], next);
            }
            add(name("self_attn.o_proj"), &[width, width], layer.out.start);
            add(name("post_attention_layernorm"), &[width], layer.hidden_norm.start);
            let next = add(name("mlp.gate_proj"), &[hidden, width], layer.both.start);
            add(name("mlp.up_proj"), &[hidden, width], next);
            add(name("mlp.down_proj"), &[width, hidden], layer.down.start);
        }
        add("model.norm.weight".into(), &[width], at.norm.start);
        if !self.tied {
            add("lm_head.weight".into(), &[vocabulary, width], at.head.start);
        }
        tensors
    }

    /// Weights to begin with: gains are 1, all others nearly normal with a standard deviation of `sd`, those that are added to the
    /// stream divided by the root of how often it is added to.
    pub fn begin(&self, sd: f64, seed: Seed) -> Vec<f32> {
        let mut weights = vec![0.0; self.weights()];
        let added = sd / (2.0 * self.layers as f64).sqrt();
        for (i, tensor) in (0..).zip(self.tensors()) {
            let into = &mut weights[tensor.at];
            if tensor.shape.len() == 1 {
                into.fill(1.0);
                continue;
            }
            let narrow = tensor.name.ends_with("o_proj.weight") || tensor.name.ends_with("down_proj.weight");
            let sd = if narrow { added } else { sd };
            let mut stream = seed.stream(Purpose::Weights, i);
            into.iter_mut().for_each(|weight| *weight = (sd * stream.nearly_normal()) as f32);
        }
        weights
    }
}
