//! Weights from files: one GGUF file, or a folder with `config.json` and safetensors. Every size is checked
//! against the tensors before anything is computed or allocated for it, so a damaged file is an error.

use super::adapter::Adapter;
use super::damage::read_file;
use super::files::json;
use super::net::{Layer, Linear, Net, Sizes, Weight};
use candle_core::quantized::{GgmlDType, QMatMul, gguf_file};
use candle_core::{DType, Device, Tensor};
use cratylus_core::fault::{Fault, at};
use serde::Serialize;
use serde_json::Value as Json;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

pub(super) type Metadata = HashMap<String, gguf_file::Value>;

/// No size of a model that fits on one machine is larger; products of three such sizes do not overflow.
const SIZE_MAX: u64 = 1 << 20;

/// What is known of a model beside its weights.
pub(super) struct About {
    pub name: String,
    pub architecture: String,
    /// The type of most of the weights.
    pub quantisation: String,
    pub products: Products,
}

/// How the products with quantised weights are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Products {
    /// With the numbers that the weights stand for, in single precision, at four bytes each. It is the faster way
    /// to read prompts, several threads can do it at once, and it adds no rounding of its own.
    Exact,
    /// With weights as they are stored and what they are multiplied with rounded alike, as llama.cpp does it. It
    /// takes the least memory. The kernels differ between kinds of processors, and so do results, visibly.
    Rounded,
}

/// The most weights for which exact products are chosen unasked: four gigabytes.
const EXACT_MAX: usize = 1 << 30;

pub(super) struct Gguf {
    path: PathBuf,
    file: BufReader<File>,
    content: gguf_file::Content,
    products: Products,
}

impl Gguf {
    pub fn open(path: &Path, products: Option<Products>) -> Result<Gguf, Fault> {
        let file = File::open(path).map_err(at("opening", path))?;
        let mut file = BufReader::new(file);
        let content = read_file("a whole GGUF file", path, || gguf_file::Content::read(&mut file))?;
        let weights = content.tensor_infos.values().map(elements).fold(0, usize::saturating_add);
        let chosen = if weights <= EXACT_MAX { Products::Exact } else { Products::Rounded };
        Ok(Gguf { path: path.into(), file, content, products: products.unwrap_or(chosen) })
    }

    pub fn metadata(&self) -> &Metadata {
        &self.content.metadata
    }

    pub fn net(mut self, adapter: Option<&Adapter>) -> Result<(Net, About), Fault> {
        let wrong = |what: String| Fault(format!("{}: {what}", self.path.display()));
        let metadata = &self.content.metadata;
        let text = |key: &str| metadata.get(key).and_then(|value| value.to_string().ok()).cloned();
        let architecture = text("general.architecture").ok_or_else(|| wrong("it names no architecture".into()))?;
        supported(&architecture, &["llama", "qwen2", "qwen3"]).map_err(wrong)?;
        let of = |key: &str| metadata.get(&format!("{architecture}.{key}"));
        let whole = |key: &str| of(key).and_then(number).filter(|n| n.fract() == 0.0 && *n >= 0.0).map(|n| n as u64);
        let size = |key: &str, default: Option<u64>| sized(key, whole(key).or(default)).map_err(wrong);
        if whole("expert_count").is_some_and(|n| n > 0) {
            return Err(wrong("it is a mixture of experts, which is not supported".into()));
        }
        if metadata.get("split.count").and_then(number).is_some_and(|n| n > 1.0) {
            return Err(wrong("it is one part of several: join them with `llama-gguf-split --merge`".into()));
        }
        let embedded = self.content.tensor_infos.get("token_embd.weight").and_then(|info| info.shape.dims().first());
        let width = size("embedding_length", None)?;
        let heads = size("attention.head_count", None)?;
        let head_width = size("attention.key_length", Some((width / heads) as u64))?;
        let sizes = Sizes {
            layers: size("block_count", None)?,
            width,
            heads,
            kv_heads: size("attention.head_count_kv", Some(heads as u64))?,
            head_width,
            hidden: size("feed_forward_length", None)?,
            vocabulary: sized("vocabulary", embedded.map(|n| *n as u64)).map_err(wrong)?,
            context: size("context_length", None)?
                .min(whole("attention.sliding_window").filter(|n| *n > 0).map_or(usize::MAX, |n| n as usize)),
            epsilon: of("attention.layer_norm_rms_epsilon").and_then(number).unwrap_or(1e-5) as f32,
        };
        sizes_agree(&sizes, size("rope.dimension_count", Some(head_width as u64))?).map_err(wrong)?;
        if size("attention.value_length", Some(head_width as u64))? != head_width {
            return Err(wrong("its values are not as wide as its keys, which is not supported".into()));
        }

        let mut turns = turns(head_width, of("rope.freq_base").and_then(number).unwrap_or(10_000.0));
        let stretch = of("rope.scaling.factor").or(of("rope.scale_linear")).and_then(number).unwrap_or(1.0);
        match text(&format!("{architecture}.rope.scaling.type")).as_deref() {
            Some("none") => {}
            None | Some("linear") => turns.iter_mut().for_each(|turn| *turn /= stretch),
            Some(other) => return Err(wrong(unknown_scaling(other))),
        }
        let about = About {
            name: text("general.name").unwrap_or_else(|| stem(&self.path)),
            quantisation: most(self.content.tensor_infos.values().map(|info| (format!("{:?}", info.ggml_dtype), elements(info)))),
            products: self.products,
            architecture,
        };
        if let Some(divisors) = self.vector("rope_freqs.weight", head_width / 2)? {
            let divisors: Vec<f32> = divisors.to_vec1().map_err(at("reading", &self.path))?;
            turns.iter_mut().zip(divisors).for_each(|(turn, divisor)| *turn /= f64::from(divisor));
        }
        // Converting Llama to GGUF interleaves the halves of every head; the other kinds are left as they are.
        let neighbours = about.architecture == "llama";
        Ok((net(&mut self, sizes, turns, neighbours, adapter)?, about))
    }
}

/// A model in a folder, as published: `config.json` and safetensors.
pub(super) struct Folder {
    path: PathBuf,
    config: Json,
    tensors: HashMap<String, Tensor>,
}

impl Folder {
    pub fn open(path: &Path, files: &[PathBuf]) -> Result<Folder, Fault> {
        let mut tensors = HashMap::new();
        for file in files {
            let bytes = std::fs::read(file).map_err(at("reading", file))?;
            let read = || candle_core::safetensors::load_buffer(&bytes, &Device::Cpu);
            tensors.extend(read_file("a whole safetensors file", file, read)?);
        }
        Ok(Folder { path: path.into(), config: json(&path.join("config.json"))?, tensors })
    }

    pub fn net(mut self, adapter: Option<&Adapter>) -> Result<(Net, About), Fault> {
        let path = self.path.join("config.json");
        let wrong = |what: String| Fault(format!("{}: {what}", path.display()));
        let config = &self.config;
        let architecture = config["model_type"].as_str().unwrap_or("nothing").to_string();
        supported(&architecture, &["llama", "mistral", "qwen2", "qwen3"]).map_err(wrong)?;
        let size = |key: &str, default: Option<u64>| sized(key, config[key].as_u64().or(default)).map_err(wrong);
        if let Some(other) = config["hidden_act"].as_str().filter(|act| *act != "silu") {
            return Err(wrong(format!("its activation is `{other}`; only `silu` is supported")));
        }
        let width = size("hidden_size", None)?;
        let heads = size("num_attention_heads", None)?;
        let head_width = size("head_dim", Some((width / heads) as u64))?;
        let window = config["sliding_window"].as_u64().filter(|_| config["use_sliding_window"] != Json::Bool(false));
        let sizes = Sizes {
            layers: size("num_hidden_layers", None)?,
            width,
            heads,
            kv_heads: size("num_key_value_heads", Some(heads as u64))?,
            head_width,
            hidden: size("intermediate_size", None)?,
            vocabulary: size("vocab_size", None)?,
            context: size("max_position_embeddings", None)?.min(window.map_or(usize::MAX, |n| n as usize)),
            epsilon: config["rms_norm_eps"].as_f64().unwrap_or(1e-6) as f32,
        };
        sizes_agree(&sizes, head_width).map_err(wrong)?;
        let about = About {
            name: stem(&self.path),
            quantisation: most(self.tensors.values().map(|tensor| (format!("{:?}", tensor.dtype()), tensor.elem_count()))),
            products: Products::Exact,
            architecture,
        };
        let turns = published_turns(config, head_width).map_err(wrong)?;
        Ok((net(&mut self, sizes, turns, false, adapter)?, about))
    }
}

/// A place to take tensors from, by the two names that each has in the two formats.
trait Tensors {
    fn matrix(&mut self, names: &Names, rows: usize, columns: usize) -> Result<Option<QMatMul>, Fault>;
    fn numbers(&mut self, names: &Names, count: usize) -> Result<Option<Tensor>, Fault>;
    fn missing(&self, names: &Names) -> Fault;
}

struct Names {
    gguf: String,
    folder: String,
}

/// Tensors with what an adapter adds to them.
struct AdaptedTensors<'a, T> {
    from: &'a mut T,
    adapter: &'a Adapter,
    /// The width of a head whose halves the file has interleaved.
    interleaved: Option<usize>,
    used: Vec<String>,
}

impl<T: Tensors> Tensors for AdaptedTensors<'_, T> {
    fn matrix(&mut self, names: &Names, rows: usize, columns: usize) -> Result<Option<QMatMul>, Fault> {
        let found = self.from.matrix(names, rows, columns)?;
        let of = names.folder.trim_end_matches(".weight");
        let (Some(weight), Some(mut added)) = (&found, self.adapter.added(of, rows, columns)?) else { return Ok(found) };
        if let Some(head) = self.interleaved.filter(|_| of.ends_with("q_proj") || of.ends_with("k_proj")) {
            added = interleave(&added, head, columns);
        }
        self.used.push(of.into());
        let QMatMul::Tensor(weight) = weight else {
            return Err(Fault("an adapter is added to weights in single precision; open the model with exact products".into()));
        };
        let added = Tensor::from_vec(added, (rows, columns), &Device::Cpu).and_then(|added| weight.to_dtype(DType::F32)? + added);
        added.map(|sum| Some(QMatMul::Tensor(sum))).map_err(|error| Fault::new(error.to_string()))
    }

    fn numbers(&mut self, names: &Names, count: usize) -> Result<Option<Tensor>, Fault> {
        self.from.numbers(names, count)
    }

    fn missing(&self, names: &Names) -> Fault {
        self.from.missing(names)
    }
}

/// Rows of heads with the two halves of each interleaved, as files of Llama in GGUF have them.
fn interleave(rows: &[f32], head: usize, columns: usize) -> Vec<f32> {
    let place = |row: usize| row / head * head + row % head / 2 + row % 2 * (head / 2);
    (0..rows.len() / columns).flat_map(|row| rows[place(row) * columns..][..columns].iter().copied()).collect()
}

/// The other way.
pub(super) fn uninterleave(rows: &[f32], head: usize, columns: usize) -> Vec<f32> {
    let place = |row: usize| row / head * head + row % head % (head / 2) * 2 + row % head / (head / 2);
    (0..rows.len() / columns).flat_map(|row| rows[place(row) * columns..][..columns].iter().copied()).collect()
}

fn net(
    from: &mut impl Tensors,
    sizes: Sizes,
    turns: Vec<f64>,
    neighbours: bool,
    adapter: Option<&Adapter>,
) -> Result<Net, Fault> {
    let Some(adapter) = adapter else { return plain_net(from, sizes, turns, neighbours) };
    let interleaved = neighbours.then_some(sizes.head_width);
    let mut adapted = AdaptedTensors { from, adapter, interleaved, used: Vec::new() };
    let net = plain_net(&mut adapted, sizes, turns, neighbours)?;
    adapter.all_used(&adapted.used)?;
    Ok(net)
}

fn plain_net(from: &mut impl Tensors, sizes: Sizes, turns: Vec<f64>, neighbours: bool) -> Result<Net, Fault> {
    let Sizes { width, vocabulary, .. } = sizes;
    let whole = |gguf: &str, folder: &str| Names { gguf: format!("{gguf}.weight"), folder: format!("{folder}.weight") };
    let tokens = whole("token_embd", "model.embed_tokens");
    let embedding = from.matrix(&tokens, vocabulary, width)?.ok_or_else(|| from.missing(&tokens))?;
    let norm = whole("output_norm", "model.norm");
    let norm = from.numbers(&norm, width)?.ok_or_else(|| from.missing(&norm))?;
    let mut layers = Vec::new();
    for layer_idx in 0..sizes.layers {
        layers.push(layer(from, &sizes, layer_idx)?);
    }
    // Many models have no head of their own: they say tokens as they hear them.
    let own = from.matrix(&whole("output", "lm_head"), vocabulary, width)?;
    let tied = own.is_none();
    let head = packed(own.as_ref().unwrap_or(&embedding))?;
    let embedding = match embedding {
        QMatMul::QTensor(weight) => weight.dequantize(&Device::Cpu).map_err(|error| Fault::new(error.to_string()))?,
        QMatMul::Tensor(weight) | QMatMul::TensorF16(weight) => weight,
    };
    Ok(Net { sizes, embedding, layers, norm, head: Linear { weight: head, bias: None }, tied, turns, neighbours })
}

fn packed(weight: &QMatMul) -> Result<Weight, Fault> {
    Weight::of(weight).map_err(|error| Fault::new(error.to_string()))
}

fn layer(from: &mut impl Tensors, sizes: &Sizes, layer_idx: usize) -> Result<Layer, Fault> {
    let &Sizes { width, heads, kv_heads, head_width, hidden, .. } = sizes;
    let named = |gguf: &str, folder: &str, what: &str| Names {
        gguf: format!("blk.{layer_idx}.{gguf}.{what}"),
        folder: format!("model.layers.{layer_idx}.{folder}.{what}"),
    };
    let mut linear = |gguf: &str, folder: &str, rows: usize, columns: usize| -> Result<Linear, Fault> {
        let names = named(gguf, folder, "weight");
        let weight = from.matrix(&names, rows, columns)?.ok_or_else(|| from.missing(&names))?;
        Ok(Linear { weight: packed(&weight)?, bias: from.numbers(&named(gguf, folder, "bias"), rows)? })
    };
    let query = linear("attn_q", "self_attn.q_proj", heads * head_width, width)?;
    let key = linear("attn_k", "self_attn.k_proj", kv_heads * head_width, width)?;
    let value = linear("attn_v", "self_attn.v_proj", kv_heads * head_width, width)?;
    let output = linear("attn_output", "self_attn.o_proj", width, heads * head_width)?;
    let gate = linear("ffn_gate", "mlp.gate_proj", hidden, width)?;
    let up = linear("ffn_up", "mlp.up_proj", hidden, width)?;
    let down = linear("ffn_down", "mlp.down_proj", width, hidden)?;
    let mut norm = |gguf: &str, folder: &str, count: usize| -> Result<(Option<Tensor>, Fault), Fault> {
        let names = named(gguf, folder, "weight");
        Ok((from.numbers(&names, count)?, from.missing(&names)))
    };
    let (attention_norm, no_attention_norm) = norm("attn_norm", "input_layernorm", width)?;
    let (hidden_norm, no_hidden_norm) = norm("ffn_norm", "post_attention_layernorm", width)?;
    Ok(Layer {
        query_norm: norm("attn_q_norm", "self_attn.q_norm", head_width)?.0,
        key_norm: norm("attn_k_norm", "self_attn.k_norm", head_width)?.0,
        attention_norm: attention_norm.ok_or(no_attention_norm)?,
        hidden_norm: hidden_norm.ok_or(no_hidden_norm)?,
        query,
        key,
        value,
        output,
        gate,
        up,
        down,
    })
}

impl Gguf {
    fn vector(&mut self, name: &str, count: usize) -> Result<Option<Tensor>, Fault> {
        if !self.has(name, &[count])? {
            return Ok(None);
        }
        let tensor = self.content.tensor(&mut self.file, name, &Device::Cpu);
        tensor.and_then(|tensor| tensor.dequantize(&Device::Cpu)).map(Some).map_err(at("reading", &self.path))
    }

    /// Whether the file has the tensor; one of another shape is an error, before anything is allocated for it.
    fn has(&self, name: &str, shape: &[usize]) -> Result<bool, Fault> {
        let Some(info) = self.content.tensor_infos.get(name) else { return Ok(false) };
        if info.shape.dims() == shape {
            return Ok(true);
        }
        Err(Fault(format!(
            "{}: the tensor `{name}` has the shape {:?} where the model needs {shape:?}; the file is damaged or of another kind",
            self.path.display(),
            info.shape.dims()
        )))
    }
}

impl Tensors for Gguf {
    fn matrix(&mut self, names: &Names, rows: usize, columns: usize) -> Result<Option<QMatMul>, Fault> {
        if !self.has(&names.gguf, &[rows, columns])? {
            return Ok(None);
        }
        let products = self.products;
        let tensor = self.content.tensor(&mut self.file, &names.gguf, &Device::Cpu);
        tensor
            .and_then(|tensor| match (tensor.dtype(), products) {
                (GgmlDType::F32 | GgmlDType::F16 | GgmlDType::BF16, _) | (_, Products::Exact) => {
                    Ok(QMatMul::Tensor(tensor.dequantize(&Device::Cpu)?))
                }
                // Not `from_qtensor`: it listens to the environment, and an experiment must not.
                (_, Products::Rounded) => Ok(QMatMul::QTensor(tensor.into())),
            })
            .map(Some)
            .map_err(at("reading", &self.path))
    }

    fn numbers(&mut self, names: &Names, count: usize) -> Result<Option<Tensor>, Fault> {
        self.vector(&names.gguf, count)
    }

    fn missing(&self, names: &Names) -> Fault {
        Fault(format!("{}: it has no tensor `{}`; the file is damaged", self.path.display(), names.gguf))
    }
}

impl Folder {
    fn take(&mut self, name: &str, shape: &[usize]) -> Result<Option<Tensor>, Fault> {
        let Some(tensor) = self.tensors.remove(name) else { return Ok(None) };
        if tensor.dims() != shape || !tensor.dtype().is_float() {
            return Err(Fault(format!(
                "{}: the tensor `{name}` is {:?} of {:?} where `config.json` asks for numbers of the shape {shape:?}",
                self.path.display(),
                tensor.dims(),
                tensor.dtype(),
            )));
        }
        tensor.to_dtype(DType::F32).map(Some).map_err(at("reading", &self.path))
    }
}

impl Tensors for Folder {
    fn matrix(&mut self, names: &Names, rows: usize, columns: usize) -> Result<Option<QMatMul>, Fault> {
        Ok(self.take(&names.folder, &[rows, columns])?.map(QMatMul::Tensor))
    }

    fn numbers(&mut self, names: &Names, count: usize) -> Result<Option<Tensor>, Fault> {
        self.take(&names.folder, &[count])
    }

    fn missing(&self, names: &Names) -> Fault {
        Fault(format!("{}: no safetensors file has the tensor `{}`", self.path.display(), names.folder))
    }
}

/// How far each pair of a head's numbers turns from one token to the next.
fn turns(head_width: usize, base: f64) -> Vec<f64> {
    (0..head_width / 2).map(|pair| base.powf(-2.0 * pair as f64 / head_width as f64)).collect()
}

fn published_turns(config: &Json, head_width: usize) -> Result<Vec<f64>, String> {
    let newer = &config["rope_parameters"];
    let scaling = if newer.is_object() { newer } else { &config["rope_scaling"] };
    let base = newer["rope_theta"].as_f64().or(config["rope_theta"].as_f64()).unwrap_or(10_000.0);
    let mut turns = turns(head_width, base);
    let needed = |key: &str| scaling[key].as_f64().ok_or(format!("its rope scaling lacks `{key}`"));
    match scaling["rope_type"].as_str().or(scaling["type"].as_str()).unwrap_or("default") {
        "default" => {}
        "linear" => {
            let factor = needed("factor")?;
            turns.iter_mut().for_each(|turn| *turn /= factor);
        }
        "llama3" => {
            let (factor, low, high) = (needed("factor")?, needed("low_freq_factor")?, needed("high_freq_factor")?);
            let trained = needed("original_max_position_embeddings")?;
            for turn in &mut turns {
                // Slow turns are stretched, fast ones are left, and those between are a mixture.
                let rounds = trained * *turn / std::f64::consts::TAU;
                let share = ((rounds - low) / (high - low)).clamp(0.0, 1.0);
                *turn *= share + (1.0 - share) / factor;
            }
        }
        other => return Err(unknown_scaling(other)),
    }
    Ok(turns)
}

fn unknown_scaling(kind: &str) -> String {
    format!("it stretches positions by `{kind}`; supported are none, linear and llama3")
}

fn supported(architecture: &str, known: &[&str]) -> Result<(), String> {
    match known.contains(&architecture) {
        true => Ok(()),
        false => Err(format!("its architecture is `{architecture}`; supported are {}", known.join(", "))),
    }
}

fn sized(key: &str, found: Option<u64>) -> Result<usize, String> {
    match found {
        Some(n) if (1..=SIZE_MAX).contains(&n) => Ok(n as usize),
        // Some models promise to read more than anybody can give them.
        Some(n) if n > SIZE_MAX && key.contains("context") | key.contains("position") => Ok(SIZE_MAX as usize),
        Some(n) => Err(format!("its `{key}` is {n}, which cannot be")),
        None => Err(format!("it does not say its `{key}`")),
    }
}

fn sizes_agree(sizes: &Sizes, turned: usize) -> Result<(), String> {
    if !sizes.heads.is_multiple_of(sizes.kv_heads) {
        return Err(format!("{} heads cannot share {} keys evenly", sizes.heads, sizes.kv_heads));
    }
    if !sizes.head_width.is_multiple_of(2) || turned != sizes.head_width {
        return Err(format!("it turns {turned} of a head's {} numbers, which is not supported", sizes.head_width));
    }
    Ok(())
}

fn elements(info: &gguf_file::TensorInfo) -> usize {
    info.shape.dims().iter().copied().fold(1, usize::saturating_mul)
}

fn most(kinds: impl Iterator<Item = (String, usize)>) -> String {
    let mut counts = BTreeMap::<String, usize>::new();
    for (kind, n) in kinds {
        let count = counts.entry(kind).or_default();
        *count = count.saturating_add(n);
    }
    counts.into_iter().max_by_key(|(_, n)| *n).map_or_else(String::new, |(kind, _)| kind)
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

pub(super) fn number(value: &gguf_file::Value) -> Option<f64> {
    use gguf_file::Value as V;
    Some(match value {
        V::U8(n) => f64::from(*n),
        V::I8(n) => f64::from(*n),
        V::U16(n) => f64::from(*n),
        V::I16(n) => f64::from(*n),
        V::U32(n) => f64::from(*n),
        V::I32(n) => f64::from(*n),
        V::U64(n) => *n as f64,
        V::I64(n) => *n as f64,
        V::F32(n) => f64::from(*n),
        V::F64(n) => *n,
        V::Bool(_) | V::String(_) | V::Array(_) => return None,
    })
}
