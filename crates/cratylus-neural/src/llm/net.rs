//! The forward pass of the Llama family, Qwen2 and Qwen3, with keys and values held outside of it. It knows
//! neither files nor text, and it never sees two prompts at once: the shape of every product follows from the
//! tokens of one prompt, so what else is asked for at the time cannot change a bit of the result.

use super::ops::{add, attention, gated};
use super::product::Packed;
use candle_core::quantized::QMatMul;
use candle_core::{D, DType, Device, Module, Result, Tensor};
use candle_nn::ops::rms_norm;
use candle_nn::rotary_emb::{rope, rope_i};
use std::sync::Arc;

/// The numbers that make one model of the family.
#[derive(Clone, Debug)]
pub(super) struct Sizes {
    pub layers: usize,
    pub width: usize,
    pub heads: usize,
    pub kv_heads: usize,
    pub head_width: usize,
    pub hidden: usize,
    pub vocabulary: usize,
    /// The longest prompt, in tokens.
    pub context: usize,
    pub epsilon: f32,
}

impl Sizes {
    /// How many numbers are multiplied for one token, but for what it looks at and what is said.
    pub fn products(&self) -> usize {
        let attention = 2 * self.width * (self.heads + self.kv_heads) * self.head_width;
        self.layers * (attention + 3 * self.width * self.hidden)
    }
}

/// The weights of a product.
pub(super) enum Weight {
    /// In single precision.
    Exact(Packed),
    /// As they are stored.
    Rounded(QMatMul),
}

impl Weight {
    pub fn of(weight: &QMatMul) -> Result<Weight> {
        let (QMatMul::Tensor(tensor) | QMatMul::TensorF16(tensor)) = weight else { return Ok(Weight::Rounded(weight.clone())) };
        let (outputs, inputs) = tensor.dims2()?;
        let numbers = tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
        Ok(Weight::Exact(Packed::new(&numbers, outputs, inputs)))
    }
}

pub(super) struct Linear {
    pub weight: Weight,
    pub bias: Option<Tensor>,
}

pub(super) struct Layer {
    pub attention_norm: Tensor,
    pub query: Linear,
    pub key: Linear,
    pub value: Linear,
    pub output: Linear,
    /// Qwen3 norms every head's queries and keys.
    pub query_norm: Option<Tensor>,
    pub key_norm: Option<Tensor>,
    pub hidden_norm: Tensor,
    pub gate: Linear,
    pub up: Linear,
    pub down: Linear,
}

pub(super) struct Net {
    pub sizes: Sizes,
    pub embedding: Tensor,
    pub layers: Vec<Layer>,
    pub norm: Tensor,
    pub head: Linear,
    /// Whether tokens are said by the numbers by which they are heard.
    pub tied: bool,
    /// The angle by which each pair of a head's numbers turns from one token to the next.
    pub turns: Vec<f64>,
    /// Whether the pairs are neighbours (Llama in GGUF) or half a head apart (everything else).
    pub neighbours: bool,
}

/// The keys and values of a few tokens in a row, for each layer.
pub(super) struct StateMemory(pub(super) Vec<(Tensor, Tensor)>);

impl StateMemory {
    pub fn bytes(&self) -> usize {
        self.0.iter().map(|(keys, values)| 4 * (keys.elem_count() + values.elem_count())).sum()
    }
}

impl Net {
    /// Reads `tokens`, which stand at position `at`, after the tokens that `before` remembers.
    /// Gives what to remember of them, and the state after the last one.
    pub fn read(&self, before: &[Arc<StateMemory>], at: usize, tokens: &[u32]) -> Result<(StateMemory, Tensor)> {
        let (memory, states) = self.read_all(before, at, tokens)?;
        Ok((memory, states.narrow(0, tokens.len() - 1, 1)?.contiguous()?))
    }

    /// The same, with the state after every one of them: a row each.
    pub fn read_all(&self, before: &[Arc<StateMemory>], at: usize, tokens: &[u32]) -> Result<(StateMemory, Tensor)> {
        let place = Place::new(self, at, tokens.len())?;
        let mut x = self.embedding.index_select(&Tensor::new(tokens, &Device::Cpu)?, 0)?;
        let mut memory = Vec::with_capacity(self.layers.len());
        for (layer_idx, layer) in self.layers.iter().enumerate() {
            let past: Vec<_> = before.iter().map(|piece| &piece.0[layer_idx]).collect();
            let normed = rms_norm(&x, &layer.attention_norm, self.sizes.epsilon)?;
            let (seen, kept) = self.attend(layer, &past, &place, &normed)?;
            memory.push(kept);
            x = add(&x, &seen)?;
            let normed = rms_norm(&x, &layer.hidden_norm, self.sizes.epsilon)?;
            let gated = gated(&layer.gate.of(&normed)?, &layer.up.of(&normed)?)?;
            x = add(&x, &layer.down.of(&gated)?)?;
        }
        Ok((StateMemory(memory), x))
    }

    /// One number for each token of the vocabulary, before any normalisation.
    pub fn logits(&self, state: &Tensor) -> Result<Vec<f32>> {
        let normed = rms_norm(state, &self.norm, self.sizes.epsilon)?;
        self.head.of(&normed)?.squeeze(0)?.to_vec1()
    }

    fn attend(&self, layer: &Layer, past: &[&(Tensor, Tensor)], place: &Place, x: &Tensor) -> Result<(Tensor, (Tensor, Tensor))> {
        let Sizes { heads, kv_heads, head_width, epsilon, .. } = self.sizes;
        let n = x.dim(0)?;
        let by_head = |linear: &Linear, heads: usize, norm: Option<&Tensor>| -> Result<Tensor> {
            let rows = linear.of(x)?.reshape((n, heads, head_width))?;
            let rows = norm.map_or(Ok(rows.clone()), |norm| rms_norm(&rows, norm, epsilon))?;
            rows.transpose(0, 1)?.contiguous()
        };
        let queries = place.turn(&by_head(&layer.query, heads, layer.query_norm.as_ref())?)?;
        let keys = place.turn(&by_head(&layer.key, kv_heads, layer.key_norm.as_ref())?)?;
        let values = by_head(&layer.value, kv_heads, None)?;

        let all_keys = joined(past.iter().map(|(keys, _)| keys), &keys)?;
        let all_values = joined(past.iter().map(|(_, values)| values), &values)?;
        // Heads that share keys are stacked, so that one product serves all of them.
        let stacked = queries.reshape((kv_heads, heads / kv_heads * n, head_width))?;
        let scores = stacked.matmul(&all_keys.t()?)?;
        let weights = attention(&scores, place.at, n, (head_width as f32).sqrt().recip())?;
        let seen = weights.matmul(&all_values)?.reshape((heads, n, head_width))?;
        let seen = seen.transpose(0, 1)?.reshape((n, heads * head_width))?;
        Ok((layer.output.of(&seen)?, (keys, values)))
    }
}

impl Linear {
    fn of(&self, x: &Tensor) -> Result<Tensor> {
        let y = match &self.weight {
            Weight::Exact(packed) => packed.times(x)?,
            Weight::Rounded(stored) => stored.forward(x)?,
        };
        match &self.bias {
            Some(bias) => add(&y, bias),
            None => Ok(y),
        }
    }
}

fn joined<'a>(past: impl Iterator<Item = &'a Tensor>, now: &'a Tensor) -> Result<Tensor> {
    let parts: Vec<&Tensor> = past.chain([now]).collect();
    Tensor::cat(&parts, D::Minus2)?.contiguous()
}

/// Where a piece of text stands, and how its positions turn.
struct Place {
    at: usize,
    cos: Tensor,
    sin: Tensor,
    neighbours: bool,
}

impl Place {
    fn new(net: &Net, at: usize, n: usize) -> Result<Place> {
        let angles = || (at..at + n).flat_map(|position| net.turns.iter().map(move |turn| position as f64 * turn));
        let table = |of: fn(f64) -> f64| {
            let numbers: Vec<f32> = angles().map(|angle| of(angle) as f32).collect();
            Tensor::from_vec(numbers, (n, net.turns.len()), &Device::Cpu)
        };
        Ok(Place { at, cos: table(f64::cos)?, sin: table(f64::sin)?, neighbours: net.neighbours })
    }

    fn turn(&self, heads: &Tensor) -> Result<Tensor> {
        let turned = if self.neighbours { rope_i } else { rope };
        turned(&heads.unsqueeze(0)?, &self.cos, &self.sin)?.squeeze(0)
    }
}
