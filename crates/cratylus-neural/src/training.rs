//! A training as its file has it: a corpus, a network, how it is trained, and the card of what comes of it.

use crate::corpus::{Corpus, CorpusSpec, Ledger, Truth};
use crate::net::{Lane, NetShape, Recipe, Trainer};
use cratylus_core::seed::{Purpose, Seed};
use cratylus_core::spec::places::{FileTable, Mistake, Spans, deserialize, get_table, take_field};
use cratylus_core::text::nearest;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// How large a network is, but for what the corpus decides.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NetSpec {
    /// Numbers that stand for a word.
    pub width: usize,
    /// Blocks, one after the other.
    pub layers: usize,
    /// Heads of attention in each.
    pub heads: usize,
    /// Numbers of the hidden layer of each block.
    pub hidden: usize,
    /// Whether what reads words off also says what they are.
    #[serde(default = "yes")]
    pub tied: bool,
}

fn yes() -> bool {
    true
}

impl NetSpec {
    /// The network, for a vocabulary of so many words and rows of at most so many.
    pub fn shape(&self, vocabulary: usize, context: usize) -> NetShape {
        let NetSpec { width, layers, heads, hidden, tied } = *self;
        NetShape { vocabulary, width, layers, heads, hidden, context, tied, rotary_base: 10_000.0, norm_eps: 1e-5 }
    }
}

/// A training.
#[derive(Clone, Debug)]
pub struct TrainingSpec {
    /// What the model is called.
    pub name: String,
    /// What is read.
    pub corpus: CorpusSpec,
    /// What reads it.
    pub net: NetSpec,
    /// How.
    pub recipe: Recipe,
}

/// The sections and keys of the file.
const KEYS: [&str; 6] = ["name", "seed", "corpus", "ingredients", "net", "train"];

impl TrainingSpec {
    /// Reads a file's table.
    pub fn read(file: &mut FileTable<'_>, spans: &Spans<'_, '_>) -> Result<TrainingSpec, Mistake> {
        let (name, corpus) = read_corpus(file, spans)?;
        for section in ["net", "train"] {
            if !file.contains_key(section) {
                let help = match section {
                    "net" => "for example: [net] width = 64, layers = 2, heads = 4, hidden = 176",
                    _ => "for example: [train] steps = 1200, rows = 16, rate = 0.003, warm_up = 50",
                };
                return Err(Mistake::new(format!("there is no section `[{section}]`")).help(help.into()));
            }
        }
        let net: NetSpec = deserialize(get_table(file, "net")?, &spans.under("net"))?;
        let recipe: Recipe = deserialize(get_table(file, "train")?, &spans.under("train"))?;
        recipe.check().map_err(|(key, why)| spans.under("train").mistake(key, why))?;
        let spec = TrainingSpec { name, corpus, net, recipe };
        // The vocabulary is known once the corpus is open; any will do to look at the rest.
        spec.shape(1000).check().map_err(|(key, why)| spans.under("net").mistake(key, why))?;
        Ok(spec)
    }

    /// The network, for a vocabulary of so many words.
    pub fn shape(&self, vocabulary: usize) -> NetShape {
        self.net.shape(vocabulary, self.corpus.context)
    }

    /// It as a table with nothing left to default.
    pub fn plan(&self) -> toml::Table {
        let mut plan = toml::Table::new();
        plan.insert("name".into(), self.name.clone().into());
        plan.extend(self.corpus.plan());
        plan.insert("net".into(), toml::Table::try_from(&self.net).expect("plain values").into());
        plan.insert("train".into(), toml::Table::try_from(&self.recipe).expect("plain values").into());
        plan
    }

    /// A network that has learnt nothing. Its weights follow from the seed, and not from the corpus, so that twins that read
    /// unlike rows begin alike.
    pub fn begin(&self, corpus: &Corpus, threads: usize) -> Trainer {
        let seed = Seed::of_run(self.corpus.seed, "weights", 0);
        Trainer::new(self.shape(corpus.words.len()), self.recipe.clone(), seed, threads)
    }
}

/// The name and the corpus of a file, whether it trains a model on it or not.
pub fn read_corpus(file: &mut FileTable<'_>, spans: &Spans<'_, '_>) -> Result<(String, CorpusSpec), Mistake> {
    let known = KEYS.map(String::from);
    if let Some((key, item)) = file.iter().find(|(key, _)| !KEYS.contains(&key.get_ref().as_ref())) {
        let why = format!("there is no key `{}` in a corpus or a training", key.get_ref());
        let help = match key.get_ref().as_ref() {
            "population" | "game" | "agents" | "replicas" | "stop" => "this is an experiment, for `cratylus run`".into(),
            "corpora" | "models" | "play" | "base" => "this is a benchmark, for `cratylus audit --benchmark`".into(),
            other => nearest(other, &known),
        };
        return Err(Mistake::new(why).help(help).span(item.span()));
    }
    let name = take_field(file, "name", spans)?.unwrap_or_else(|| "model".to_string());
    Ok((name, CorpusSpec::read(file, spans)?))
}

/// The rows of a step. The corpus is read in order; where a training is longer, again in another order each time.
pub fn lanes(corpus: &Corpus, trainer: &Trainer) -> Vec<Lane> {
    let n = corpus.spec.rows;
    let first = trainer.step() * trainer.recipe.rows as u64;
    let rows: Vec<Vec<u32>> = (first..first + trainer.recipe.rows as u64)
        .map(|read| {
            let row = corpus.row(again(corpus.spec.seed, n, read));
            corpus.words.tokens(&row.written.words)
        })
        .collect();
    trainer.lanes(rows.iter().map(Vec::as_slice))
}

/// Which row is read at a time: the first pass in order, each after it in an order of its own, in which every row comes once.
fn again(seed: u64, n: u64, read: u64) -> u64 {
    let (pass, at) = (read / n, read % n);
    if pass == 0 || n < 3 {
        return at;
    }
    // A few rounds of a cipher on numbers below a power of four, stepped until they are below n.
    let bits = (64 - (n - 1).leading_zeros()).div_ceil(2).max(1);
    let (half, seed) = ((1u64 << bits) - 1, Seed(seed));
    let mut place = at;
    loop {
        for round in 0..4u64 {
            let (left, right) = (place >> bits, place & half);
            let word = u64::from(seed.words(Purpose::Order, (pass << 40) ^ (round << 36) ^ right)[0]);
            place = right << bits | (left ^ (word & half));
        }
        if place < n {
            return place;
        }
    }
}

/// How well a model foretells rows of an ingredient that it never read.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Judged {
    /// The ingredient.
    pub ingredient: String,
    /// Mean loss of fresh rows, in nats for each word.
    pub fresh: f64,
    /// The same of rows that it read; None where it read none.
    pub read: Option<f64>,
    /// How many rows of each.
    pub rows: u64,
}

/// Judges a model by each ingredient: by rows that stand nowhere, and by as many that it read first.
pub fn judge(corpus: &Corpus, trainer: &mut Trainer, rows: u64) -> Vec<Judged> {
    let context = corpus.spec.context;
    let mut read: Vec<Lane> = vec![Lane::default(); corpus.spec.portions.len()];
    let mut held = vec![0; read.len()];
    for row in (0..corpus.spec.rows).take(20_000) {
        let made = corpus.row(row);
        if held[made.portion] < rows {
            held[made.portion] += 1;
            read[made.portion].push(&corpus.words.tokens(&made.written.words), context);
        }
    }
    let mut all = Vec::new();
    for (portion, read) in read.into_iter().enumerate() {
        let mut fresh = Lane::default();
        (0..rows).for_each(|row| fresh.push(&corpus.words.tokens(&corpus.fresh(portion, row).words), context));
        let mut loss = |lane: Lane| trainer.judge(&[lane]);
        all.push(Judged {
            ingredient: corpus.spec.portions[portion].name.clone(),
            fresh: loss(fresh),
            read: (held[portion] > 0).then(|| loss(read)),
            rows: held[portion],
        });
    }
    all
}

/// What a model is, for whoever audits it: the truth that audits are scored against, and how it came about.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Card {
    /// The version of this layout.
    pub format: u32,
    /// What it is called.
    pub name: String,
    /// The version of the program that trained it.
    pub version: String,
    /// All that decided it, with nothing left to default.
    pub plan: Value,
    /// What its corpus held.
    pub ledger: Ledger,
    /// What it could know of the game.
    pub truth: Truth,
    /// How many weights it has.
    pub weights: usize,
    /// Of all weights, in hex.
    pub weights_sha256: String,
    /// Steps taken, and words learnt.
    pub steps: u64,
    /// As `steps`.
    pub tokens: u64,
    /// How well it foretells each ingredient at the end.
    pub judged: Vec<Judged>,
}

/// The version of the card's layout.
pub const CARD_FORMAT: u32 = 1;

/// `config.json`, as programs that run Llama models read it.
pub fn config(shape: &NetShape) -> Value {
    json!({
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": shape.vocabulary,
        "hidden_size": shape.width,
        "intermediate_size": shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.heads,
        "head_dim": shape.head(),
        "max_position_embeddings": shape.context,
        "rms_norm_eps": shape.norm_eps,
        "rope_theta": shape.rotary_base,
        "tie_word_embeddings": shape.tied,
        "hidden_act": "silu",
        "attention_bias": false,
        "mlp_bias": false,
        "bos_token_id": 1,
        "eos_token_id": 1,
        "torch_dtype": "float32",
    })
}

/// A hash of all weights, in hex.
pub fn weights_sha256(weights: &[f32]) -> String {
    let mut hasher = Sha256::new();
    weights.iter().for_each(|weight| hasher.update(weight.to_le_bytes()));
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The network of a `config.json` of ours.
pub fn shape_of(config: &Value) -> Result<NetShape, String> {
    let size = |key: &str| config[key].as_u64().map(|n| n as usize).ok_or(format!("it has no `{key}`"));
    let number = |key: &str| config[key].as_f64().ok_or(format!("it has no `{key}`"));
    let shape = NetShape {
        vocabulary: size("vocab_size")?,
        width: size("hidden_size")?,
        layers: size("num_hidden_layers")?,
        heads: size("num_attention_heads")?,
        hidden: size("intermediate_size")?,
        context: size("max_position_embeddings")?,
        tied: config["tie_word_embeddings"].as_bool().unwrap_or(true),
        rotary_base: number("rope_theta")?,
        norm_eps: number("rms_norm_eps")?,
    };
    shape.check().map_err(|(key, why)| format!("{key}: {why}"))?;
    Ok(shape)
}

/// `model.safetensors`.
pub fn safetensors(shape: &NetShape, weights: &[f32]) -> Vec<u8> {
    let bytes: Vec<(String, Vec<usize>, Vec<u8>)> = shape
        .tensors()
        .into_iter()
        .map(|tensor| {
            let bytes = weights[tensor.at].iter().flat_map(|weight| weight.to_le_bytes()).collect();
            (tensor.name, tensor.shape, bytes)
        })
        .collect();
    let views = bytes.iter().map(|(name, shape, bytes)| {
        let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, shape.clone(), bytes);
        (name.as_str(), view.expect("a tensor has as many bytes as its shape says"))
    });
    let about = std::collections::HashMap::from([("format".to_string(), "pt".to_string())]);
    safetensors::serialize(views, Some(about)).expect("tensors of our own can be written")
}

/// The weights that `model.safetensors` holds, in their order here.
pub fn weights_of(shape: &NetShape, bytes: &[u8]) -> Result<Vec<f32>, String> {
    let file = safetensors::SafeTensors::deserialize(bytes).map_err(|error| format!("it is no file of tensors: {error}"))?;
    let mut weights = Vec::with_capacity(shape.weights());
    for tensor in shape.tensors() {
        let found = file.tensor(&tensor.name).map_err(|_| format!("it has no tensor `{}`", tensor.name))?;
        if found.dtype() != safetensors::Dtype::F32 || found.shape() != tensor.shape {
            return Err(format!("its tensor `{}` is of another shape or type", tensor.name));
        }
        weights.extend(found.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)));
    }
    Ok(weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pass_reads_every_row_once() {
        for n in [1, 2, 3, 5, 64, 65, 1000] {
            let mut orders = Vec::new();
            for pass in 0..3 {
                let mut rows: Vec<u64> = (0..n).map(|at| again(7, n, pass * n + at)).collect();
                orders.push(rows.clone());
                rows.sort_unstable();
                assert_eq!(rows, (0..n).collect::<Vec<_>>());
            }
            assert!(n < 64 || orders[1] != orders[0] && orders[2] != orders[1]);
        }
    }
}
