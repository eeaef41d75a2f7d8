//! Language models inside the program, on models small enough to be made here: random weights, written in both
//! formats. Where a folder with llama.cpp's server is named, that program is asked the same questions.

use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use cratylus_core::Seed;
use cratylus_neural::corpus::RowText;
use cratylus_neural::llm::{ChatMessage, LocalModel, Products};
use cratylus_neural::net::{AdapterShape, NetShape, NetWork, Recipe, Trainer, one_by_one};
use cratylus_neural::training::adapter_files;
use serde_json::{Value as Json, json};
use std::collections::HashMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const TEMPLATE: &str = "{{ bos_token }}{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m.content.strip() }}<|im_end|>\n{% endfor %}\
                        {% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

const TEXTS: &[&str] = &[
    "The population said F and the other said M.",
    " leading and  double   spaces\tand\ttabs\n\n\nand lines \r\n end ",
    "I'll say what's theirs; WE'LL say 1234567890 3.14 x2",
    "naïve Ünïcödé, čeština, ελληνικά, русский, 日本語, العربية, हिन्दी, 👩‍👩‍👧 🙂!",
    "e\u{301} decomposed, \u{a0}no-break\u{3000}wide",
    "F",
    "",
    "{\"choice\": \"F\"} <not special> <|im_end|> after <0x41> ▁ Ġ",
];

// ---------------------------------------------------------------- models

#[derive(Clone)]
struct Spec {
    architecture: &'static str,
    kind: GgmlDType,
    vocabulary: Words,
    template: &'static str,
    adds_bos: bool,
    /// Whether positions are stretched as Llama 3.1 stretches them.
    stretched: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Words {
    Bytes(&'static str),
    Pieces,
}

const WIDTH: usize = 256;
const HIDDEN: usize = 512;
const HEADS: usize = 4;
const KV_HEADS: usize = 2;
const HEAD: usize = WIDTH / HEADS;
const LAYERS: usize = 2;
const CONTEXT: usize = 2048;
const BASE: f64 = 50_000.0;

fn spec(architecture: &'static str) -> Spec {
    let pre = if architecture == "llama" { "gpt-2" } else { "qwen2" };
    Spec {
        architecture,
        kind: GgmlDType::F32,
        vocabulary: Words::Bytes(pre),
        template: TEMPLATE,
        adds_bos: false,
        stretched: false,
    }
}

/// Numbers that are always the same: xorshift, summed to something like a bell.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f32 {
        let mut sum = 0.0;
        for _ in 0..4 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            sum += (self.0 >> 40) as f32 / (1u64 << 24) as f32 - 0.5;
        }
        sum
    }

    fn tensor(&mut self, shape: &[usize], scale: f32) -> Tensor {
        let numbers: Vec<f32> = (0..shape.iter().product()).map(|_| self.next() * scale).collect();
        Tensor::from_vec(numbers, shape, &Device::Cpu).unwrap()
    }
}

/// The weights by their names in published folders.
fn weights(architecture: &str, n_tokens: usize) -> Vec<(String, Tensor)> {
    let mut noise = Noise(88172645463325252);
    let mut all = vec![
        ("model.embed_tokens.weight".to_string(), noise.tensor(&[n_tokens, WIDTH], 0.4)),
        ("model.norm.weight".to_string(), noise.tensor(&[WIDTH], 0.3).affine(1.0, 1.0).unwrap()),
    ];
    // Small models of the newer kinds say tokens as they hear them.
    if architecture != "qwen3" {
        all.push(("lm_head.weight".to_string(), noise.tensor(&[n_tokens, WIDTH], 0.25)));
    }
    for layer in 0..LAYERS {
        let mut add = |name: &str, tensor| all.push((format!("model.layers.{layer}.{name}"), tensor));
        for name in ["input_layernorm", "post_attention_layernorm"] {
            add(&format!("{name}.weight"), noise.tensor(&[WIDTH], 0.3).affine(1.0, 1.0).unwrap());
        }
        for (name, rows) in [("q", HEADS * HEAD), ("k", KV_HEADS * HEAD), ("v", KV_HEADS * HEAD)] {
            add(&format!("self_attn.{name}_proj.weight"), noise.tensor(&[rows, WIDTH], 0.15));
            if architecture == "qwen2" {
                add(&format!("self_attn.{name}_proj.bias"), noise.tensor(&[rows], 0.3));
            }
        }
        if architecture == "qwen3" {
            for name in ["q_norm", "k_norm"] {
                add(&format!("self_attn.{name}.weight"), noise.tensor(&[HEAD], 0.3).affine(1.0, 1.0).unwrap());
            }
        }
        add("self_attn.o_proj.weight", noise.tensor(&[WIDTH, HEADS * HEAD], 0.15));
        for name in ["gate", "up"] {
            add(&format!("mlp.{name}_proj.weight"), noise.tensor(&[HIDDEN, WIDTH], 0.15));
        }
        add("mlp.down_proj.weight", noise.tensor(&[WIDTH, HIDDEN], 0.1));
    }
    all
}

fn gguf_name(name: &str) -> String {
    const NAMES: &[(&str, &str)] = &[
        ("model.embed_tokens", "token_embd"),
        ("model.norm", "output_norm"),
        ("lm_head", "output"),
        ("model.layers", "blk"),
        ("input_layernorm", "attn_norm"),
        ("post_attention_layernorm", "ffn_norm"),
        ("self_attn.q_norm", "attn_q_norm"),
        ("self_attn.k_norm", "attn_k_norm"),
        ("self_attn.q_proj", "attn_q"),
        ("self_attn.k_proj", "attn_k"),
        ("self_attn.v_proj", "attn_v"),
        ("self_attn.o_proj", "attn_output"),
        ("mlp.gate_proj", "ffn_gate"),
        ("mlp.up_proj", "ffn_up"),
        ("mlp.down_proj", "ffn_down"),
    ];
    NAMES.iter().fold(name.to_string(), |name, (published, gguf)| name.replace(published, gguf))
}

/// Tokens with their kinds in GGUF, and merges (byte-level) or scores (pieces).
struct Tokens {
    texts: Vec<String>,
    kinds: Vec<u32>,
    merges: Vec<String>,
    scores: Vec<f32>,
}

/// A vocabulary that joins the words of a few sentences letter by letter.
fn tokens(words: Words) -> Tokens {
    let mut tokens = Tokens { texts: Vec::new(), kinds: Vec::new(), merges: Vec::new(), scores: Vec::new() };
    for special in ["<|bos|>", "<|eos|>", "<|im_start|>", "<|im_end|>"] {
        tokens.add(special.into(), 3, 0.0);
    }
    let bytes = |text: &str| -> Vec<String> {
        match words {
            Words::Bytes(_) => text.bytes().map(|byte| letter(byte).to_string()).collect(),
            Words::Pieces => text.replace(' ', "▁").chars().map(String::from).collect(),
        }
    };
    for byte in 0..=255u8 {
        match words {
            Words::Bytes(_) => tokens.add(letter(byte).to_string(), 1, 0.0),
            Words::Pieces => tokens.add(format!("<0x{byte:02X}>"), 6, 0.0),
        }
    }
    let sentences = " the population said that these others will say naïve Ünïcödé things: what's theirs, русский 日本語 1234 \n\n   tabs we'll";
    for word in sentences.split_inclusive(' ').map(|word| format!(" {}", word.trim_matches(' '))) {
        let letters = bytes(&word);
        let mut joined = letters[0].clone();
        if words == Words::Pieces {
            letters.iter().for_each(|letter| tokens.add(letter.clone(), 1, -1000.0));
        }
        for letter in &letters[1..] {
            tokens.merges.push(format!("{joined} {letter}"));
            joined += letter;
            let score = -(tokens.texts.len() as f32);
            tokens.add(joined.clone(), 1, score);
        }
    }
    tokens.merges.dedup();
    let mut seen = std::collections::HashSet::new();
    tokens.merges.retain(|merge| seen.insert(merge.clone()));
    tokens
}

impl Tokens {
    fn add(&mut self, text: String, kind: u32, score: f32) {
        if !self.texts.contains(&text) {
            self.texts.push(text);
            self.kinds.push(kind);
            self.scores.push(score);
        }
    }
}

fn letter(byte: u8) -> char {
    let seen = |byte: u8| byte.is_ascii_graphic() || (byte >= 0xA1 && byte != 0xAD);
    let code = if seen(byte) { u32::from(byte) } else { 0x100 + (0..byte).filter(|byte| !seen(*byte)).count() as u32 };
    char::from_u32(code).unwrap()
}

/// A folder of this test alone.
fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("in-process").join(name);
    std::fs::create_dir_all(&path).unwrap();
    path
}

type Entries = Vec<(String, Value)>;

fn metadata(spec: &Spec, tokens: &Tokens) -> Entries {
    let number = |n: usize| Value::U32(n as u32);
    let strings = |texts: &[String]| Value::Array(texts.iter().cloned().map(Value::String).collect());
    let mut all = vec![
        ("general.architecture".to_string(), Value::String(spec.architecture.into())),
        ("general.name".to_string(), Value::String("tiny".into())),
        ("tokenizer.ggml.tokens".to_string(), strings(&tokens.texts)),
        (
            "tokenizer.ggml.token_type".to_string(),
            Value::Array(tokens.kinds.iter().map(|kind| Value::I32(*kind as i32)).collect()),
        ),
        ("tokenizer.ggml.bos_token_id".to_string(), number(0)),
        ("tokenizer.ggml.eos_token_id".to_string(), number(1)),
        ("tokenizer.ggml.add_bos_token".to_string(), Value::Bool(spec.adds_bos)),
        ("tokenizer.chat_template".to_string(), Value::String(spec.template.into())),
    ];
    match spec.vocabulary {
        Words::Bytes(pre) => all.extend([
            ("tokenizer.ggml.model".to_string(), Value::String("gpt2".into())),
            ("tokenizer.ggml.pre".to_string(), Value::String(pre.into())),
            ("tokenizer.ggml.merges".to_string(), strings(&tokens.merges)),
        ]),
        Words::Pieces => all.extend([
            ("tokenizer.ggml.model".to_string(), Value::String("llama".into())),
            ("tokenizer.ggml.scores".to_string(), Value::Array(tokens.scores.iter().map(|score| Value::F32(*score)).collect())),
        ]),
    }
    for (key, n) in [
        ("block_count", LAYERS),
        ("embedding_length", WIDTH),
        ("feed_forward_length", HIDDEN),
        ("attention.head_count", HEADS),
        ("attention.head_count_kv", KV_HEADS),
        ("context_length", CONTEXT),
        ("vocab_size", tokens.texts.len()),
        ("rope.dimension_count", HEAD),
    ] {
        all.push((format!("{}.{key}", spec.architecture), number(n)));
    }
    all.push((format!("{}.attention.layer_norm_rms_epsilon", spec.architecture), Value::F32(1e-5)));
    all.push((format!("{}.rope.freq_base", spec.architecture), Value::F32(BASE as f32)));
    all
}

fn write_gguf(file: &Path, metadata: &[(String, Value)], tensors: &[(String, QTensor)]) {
    let metadata: Vec<(&str, &Value)> = metadata.iter().map(|(key, value)| (key.as_str(), value)).collect();
    let tensors: Vec<(&str, &QTensor)> = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    gguf_file::write(&mut std::fs::File::create(file).unwrap(), &metadata, &tensors).unwrap();
}

fn gguf_tensors(spec: &Spec, n_tokens: usize) -> Vec<(String, QTensor)> {
    let stored = |(name, tensor): (String, Tensor)| {
        let interleaved = match spec.architecture == "llama" && (name.contains("q_proj") || name.contains("k_proj")) {
            true => {
                let (rows, columns) = tensor.dims2().unwrap();
                let halves = tensor.reshape((rows / HEAD, 2, HEAD / 2, columns)).unwrap();
                halves.transpose(1, 2).unwrap().contiguous().unwrap().reshape((rows, columns)).unwrap()
            }
            false => tensor,
        };
        let kind = if interleaved.rank() == 1 { GgmlDType::F32 } else { spec.kind };
        (gguf_name(&name), QTensor::quantize(&interleaved, kind).unwrap())
    };
    let mut all: Vec<(String, QTensor)> = weights(spec.architecture, n_tokens).into_iter().map(stored).collect();
    if spec.stretched {
        let divisors = Tensor::from_vec(divisors(), HEAD / 2, &Device::Cpu).unwrap();
        all.push(("rope_freqs.weight".into(), QTensor::quantize(&divisors, GgmlDType::F32).unwrap()));
    }
    all
}

/// What Llama 3.1 divides its frequencies by, with the numbers of `config.json` below, as it is converted to GGUF.
fn divisors() -> Vec<f32> {
    let (factor, low, high, trained) = (8.0, 1.0, 4.0, 512.0);
    let divisor = |pair: usize| {
        let wave = std::f64::consts::TAU * BASE.powf(2.0 * pair as f64 / HEAD as f64);
        if wave < trained / high {
            return 1.0;
        }
        if wave > trained / low {
            return factor;
        }
        let smooth = (trained / wave - low) / (high - low);
        1.0 / ((1.0 - smooth) / factor + smooth)
    };
    (0..HEAD / 2).map(|pair| divisor(pair) as f32).collect()
}

fn gguf(spec: &Spec, folder: &Path) -> PathBuf {
    let tokens = tokens(spec.vocabulary);
    let file = folder.join("tiny.gguf");
    write_gguf(&file, &metadata(spec, &tokens), &gguf_tensors(spec, tokens.texts.len()));
    file
}

/// The same model as published: two safetensors files with an index, and a tokenizer.
fn published(spec: &Spec, folder: &Path) {
    let tokens = tokens(spec.vocabulary);
    let all = weights(spec.architecture, tokens.texts.len());
    let (first, second) = all.split_at(all.len() / 2);
    let mut map = serde_json::Map::new();
    for (part, name) in [(first, "model-00001-of-00002.safetensors"), (second, "model-00002-of-00002.safetensors")] {
        let tensors: HashMap<String, Tensor> = part.iter().cloned().collect();
        candle_core::safetensors::save(&tensors, folder.join(name)).unwrap();
        map.extend(part.iter().map(|(tensor, _)| (tensor.clone(), json!(name))));
    }
    let write = |name: &str, value: Json| std::fs::write(folder.join(name), value.to_string()).unwrap();
    write("model.safetensors.index.json", json!({ "weight_map": map }));
    write(
        "config.json",
        json!({
            "model_type": spec.architecture, "hidden_size": WIDTH, "intermediate_size": HIDDEN, "num_hidden_layers": LAYERS,
            "num_attention_heads": HEADS, "num_key_value_heads": KV_HEADS, "vocab_size": tokens.texts.len(),
            "max_position_embeddings": CONTEXT, "rms_norm_eps": 1e-5, "rope_theta": BASE, "hidden_act": "silu",
            "eos_token_id": [1],
            "rope_scaling": if spec.stretched {
                json!({ "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                        "original_max_position_embeddings": 512 })
            } else {
                Json::Null
            },
        }),
    );
    let vocabulary: serde_json::Map<String, Json> =
        tokens.texts.iter().enumerate().map(|(id, text)| (text.clone(), json!(id))).collect();
    let special = |id: usize| {
        json!({ "id": id, "content": tokens.texts[id], "special": true, "normalized": false,
                "single_word": false, "lstrip": false, "rstrip": false })
    };
    let bytes = |regex: bool| json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": regex });
    let words = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    let pre = match spec.vocabulary {
        Words::Bytes("qwen2") => json!({ "type": "Sequence", "pretokenizers": [
            { "type": "Split", "pattern": { "Regex": words }, "behavior": "Isolated", "invert": false }, bytes(false)] }),
        _ => bytes(true),
    };
    write(
        "tokenizer.json",
        json!({
            "version": "1.0", "truncation": null, "padding": null, "normalizer": null, "pre_tokenizer": pre,
            "post_processor": null, "decoder": bytes(true), "added_tokens": (0..4).map(special).collect::<Vec<_>>(),
            "model": { "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                       "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
                       "vocab": vocabulary, "merges": tokens.merges },
        }),
    );
    write(
        "tokenizer_config.json",
        json!({ "bos_token": "<|bos|>", "eos_token": { "content": "<|eos|>" }, "chat_template": spec.template }),
    );
}

fn open(path: &Path) -> LocalModel {
    LocalModel::open(path).unwrap_or_else(|trouble| panic!("{trouble}"))
}

fn open_rounded(path: &Path) -> LocalModel {
    LocalModel::open_as(path, Some(Products::Rounded)).unwrap_or_else(|trouble| panic!("{trouble}"))
}

/// Prompts that share beginnings, with lengths on both sides of where they are cut.
fn prompts(n_tokens: u32) -> Vec<Vec<u32>> {
    let token = |n: u32, salt: u32| (n * 7919 + salt * 104729 + 13) % n_tokens;
    let long = |n: u32, salt: u32| (0..n).map(|n| token(n, if n < 100 { 0 } else { salt })).collect::<Vec<u32>>();
    [
        (1, 0),
        (2, 0),
        (15, 0),
        (16, 0),
        (17, 0),
        (63, 0),
        (64, 0),
        (65, 0),
        (80, 0),
        (81, 0),
        (128, 0),
        (129, 0),
        (220, 1),
        (220, 2),
        (221, 2),
        (300, 3),
    ]
    .into_iter()
    .map(|(n, salt)| long(n, salt))
    .collect()
}

fn bits(chances: &[f32]) -> Vec<u32> {
    chances.iter().map(|chance| chance.to_bits()).collect()
}

/// The largest difference of two distributions in any one probability.
fn difference(one: &[f32], other: &[f32]) -> f64 {
    assert_eq!(one.len(), other.len());
    one.iter().zip(other).map(|(a, b)| (f64::from(*a).exp() - f64::from(*b).exp()).abs()).fold(0.0, f64::max)
}

// ---------------------------------------------------------------- promises

type Opening = fn(&Path) -> LocalModel;

/// Models whose products are computed by different code.
fn kinds() -> Vec<(&'static str, Spec, Opening)> {
    let of = |architecture, kind| Spec { kind, ..spec(architecture) };
    vec![
        ("llama", spec("llama"), open),
        ("qwen2-q8_0", of("qwen2", GgmlDType::Q8_0), open),
        ("qwen2-q8_0-rounded", of("qwen2", GgmlDType::Q8_0), open_rounded),
        ("qwen3-q4_k-rounded", of("qwen3", GgmlDType::Q4K), open_rounded),
        ("llama-q6_k-rounded", of("llama", GgmlDType::Q6K), open_rounded),
        ("llama-q4_0-rounded", of("llama", GgmlDType::Q4_0), open_rounded),
    ]
}

#[test]
fn the_tokens_of_a_text_are_worth_what_next_says_of_them() {
    for (name, spec, open) in kinds() {
        let model = open(&gguf(&spec, &folder(&format!("scores-{name}"))));
        let tokens = prompts(model.identity().vocabulary as u32).into_iter().max_by_key(Vec::len).unwrap();
        assert!(tokens.len() > 130, "several pieces");
        let scores = model.scores(&tokens, 0).unwrap();
        assert_eq!(scores.len(), tokens.len() - 1, "the first has nothing before it");
        for at in [1, 2, 17, 63, 64, 65, 128, 129, tokens.len() - 1] {
            let next = model.next(&[tokens[..at].to_vec()]).unwrap().remove(0);
            let score = scores[at - 1];
            assert!((score.logprob - f64::from(next[tokens[at] as usize])).abs() < 1e-3, "{name} at {at}");
            let p = |logprob: &f32| f64::from(*logprob).exp();
            let mean: f64 = next.iter().map(|logprob| p(logprob) * f64::from(*logprob)).sum();
            let variance: f64 = next.iter().map(|logprob| p(logprob) * (f64::from(*logprob) - mean).powi(2)).sum();
            let [told_mean, told_sd] = score.next.unwrap();
            assert!((told_mean - mean).abs() < 1e-3 && (told_sd - variance.sqrt()).abs() < 1e-3, "{name} at {at}");
        }
        assert_eq!(model.scores(&tokens, 100).unwrap(), scores[99..], "a text after what stands before it");
    }
}

#[test]
fn the_chances_do_not_depend_on_company_order_cache_or_threads() {
    for (name, spec, open) in kinds() {
        let file = gguf(&spec, &folder(&format!("alone-{name}")));
        let model = open(&file);
        let prompts = prompts(model.identity().vocabulary as u32);
        let alone: Vec<Vec<u32>> =
            prompts.iter().map(|prompt| bits(&open(&file).next(std::slice::from_ref(prompt)).unwrap()[0])).collect();
        let same = |what: &str, n: usize, chances: &[f32]| assert!(bits(chances) == alone[n], "{name}, {what}, prompt {n}");

        for what in ["all together, cold", "all together, warm"] {
            model.next(&prompts).unwrap().iter().enumerate().for_each(|(n, chances)| same(what, n, chances));
        }
        let cold = open(&file);
        for (n, prompt) in prompts.iter().enumerate().rev() {
            for what in ["alone, longest first", "alone, warm"] {
                same(what, n, &cold.next(std::slice::from_ref(prompt)).unwrap()[0]);
            }
        }
        let backwards: Vec<usize> = (0..prompts.len()).rev().chain([3, 12, 12]).collect();
        let asked: Vec<Vec<u32>> = backwards.iter().map(|n| prompts[*n].clone()).collect();
        for (n, chances) in backwards.iter().zip(open(&file).next(&asked).unwrap()) {
            same("backwards and twice", *n, &chances);
        }
        let cold = open(&file);
        std::thread::scope(|scope| {
            for first in [0, prompts.len() / 2] {
                let (cold, prompts, same) = (&cold, &prompts, &same);
                scope.spawn(move || {
                    for n in (0..prompts.len()).map(|n| (first + n) % prompts.len()) {
                        same("two threads", n, &cold.next(&prompts[n..=n]).unwrap()[0]);
                    }
                });
            }
        });
    }
}

#[test]
fn the_number_of_processors_does_not_change_a_bit() {
    let said = |threads: &str| {
        let out = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "a_digest_for_another_test", "--nocapture"])
            .env("RAYON_NUM_THREADS", threads)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        let lines: Vec<String> = text.lines().filter(|line| line.starts_with("digest ")).map(String::from).collect();
        assert_eq!(lines.len(), kinds().len(), "{text}");
        lines
    };
    let one = said("1");
    assert_eq!(one, said("2"));
    assert_eq!(one, said("5"));
}

#[test]
#[ignore = "it is run by the test above it"]
fn a_digest_for_another_test() {
    for (name, spec, open) in kinds() {
        let model = open(&gguf(&spec, &folder(&format!("digest-{name}"))));
        let chances = model.next(&prompts(model.identity().vocabulary as u32)).unwrap();
        let digest = chances
            .iter()
            .flatten()
            .fold(0xcbf29ce484222325u64, |hash, chance| (hash ^ u64::from(chance.to_bits())).wrapping_mul(0x100000001b3));
        println!("\ndigest {name} {digest:016x}");
    }
}

#[test]
fn both_formats_give_the_same_tokens_and_chances() {
    let stretched = Spec { stretched: true, ..spec("llama") };
    for (n, spec) in [spec("llama"), stretched, spec("qwen2"), spec("qwen3")].into_iter().enumerate() {
        let (architecture, dir) = (spec.architecture, folder(&format!("formats-{n}")));
        let one = open(&gguf(&spec, &dir));
        published(&spec, &dir);
        let other = open(&dir);
        for text in TEXTS {
            assert_eq!(one.text_tokens(text).unwrap(), other.text_tokens(text).unwrap(), "{text:?}");
            let messages = [ChatMessage { role: "user", text }];
            assert_eq!(one.chat_tokens(&messages, " So").unwrap(), other.chat_tokens(&messages, " So").unwrap());
        }
        let n_tokens = one.identity().vocabulary as u32;
        for id in 0..n_tokens + 3 {
            assert_eq!((one.token_bytes(id), one.is_special(id)), (other.token_bytes(id), other.is_special(id)));
        }
        let prompts = prompts(n_tokens);
        for (a, b) in one.next(&prompts).unwrap().iter().zip(other.next(&prompts).unwrap()) {
            assert!(difference(a, &b) < 1e-5, "{architecture}: {}", difference(a, &b));
            assert!((a.iter().map(|chance| f64::from(*chance).exp()).sum::<f64>() - 1.0).abs() < 1e-4);
        }
        let identity = other.identity();
        assert_eq!((identity.architecture.as_str(), identity.context), (architecture, CONTEXT));
        assert_eq!(identity.template_sha256, one.identity().template_sha256);
        assert!(identity.files.iter().any(|file| file.file == "config.json" && file.sha256.len() == 64));
    }
}

/// The chances of the next token after a prompt, by the network that is trained here.
fn trained_here(shape: &NetShape, weights: &[f32], prompt: &[u32]) -> Vec<f32> {
    let mut work = NetWork::new(NetShape { context: prompt.len(), ..*shape });
    let logits = &work.logits(weights, prompt)[(prompt.len() - 1) * shape.vocabulary..];
    let sum: f64 = logits.iter().map(|logit| f64::from(*logit).exp()).sum();
    logits.iter().map(|logit| logit - sum.ln() as f32).collect()
}

#[test]
fn what_is_tuned_here_is_what_is_opened_afterwards() {
    let spec = spec("llama");
    for (name, in_one_file) in [("tuned-gguf", true), ("tuned-folder", false)] {
        let dir = folder(name);
        let base = if in_one_file { gguf(&spec, &dir) } else { dir.join("base") };
        if !in_one_file {
            std::fs::create_dir_all(&base).unwrap();
            published(&spec, &base);
        }
        let model = open(&base);
        let (shape, weights) = model.trainable().unwrap();
        assert_eq!((shape.key_heads, shape.rotary_base), (KV_HEADS, BASE));
        let prompts = prompts(shape.vocabulary as u32);
        let agree = |model: &LocalModel, weights: &[f32]| {
            for (prompt, next) in prompts.iter().zip(model.next(&prompts).unwrap()).step_by(3) {
                assert!(difference(&trained_here(&shape, weights, prompt), &next) < 1e-4);
            }
        };
        agree(&model, &weights);
        // A row is the conversation with its answer and the end of the turn.
        let said =
            |answer: &str| RowText::Conversation { messages: vec![("user".into(), "F or M?".into())], answer: answer.into() };
        let rows = [model.row_tokens(&said("F")).unwrap(), model.row_tokens(&RowText::Plain("a text".into())).unwrap()];
        let prompt = model.chat_tokens(&[ChatMessage { role: "user", text: "F or M?" }], "").unwrap();
        assert!(rows[0].starts_with(&prompt) && rows[0].len() > prompt.len() + 1);
        let recipe: Recipe = toml::from_str("steps = 40\nrows = 2\nrate = 0.01").unwrap();
        let by = AdapterShape { rank: 2, layers: 1, alpha: 8.0 };
        let mut trainer = Trainer::adapting(NetShape { context: 40, ..shape }, recipe, weights.clone(), by, Seed(1), 1);
        let lanes = trainer.lanes(rows.iter().map(Vec::as_slice));
        let before = trainer.judge(&lanes);
        for _ in 0..40 {
            trainer.learn(&lanes, &one_by_one);
        }
        assert!(trainer.judge(&lanes) < 0.9 * before);
        let tuned = dir.join("tuned");
        let _ = std::fs::remove_dir_all(&tuned);
        std::fs::create_dir_all(&tuned).unwrap();
        let write = |of: &str| {
            let (config, bytes) = adapter_files(trainer.adapters().unwrap(), of);
            std::fs::write(tuned.join("adapter_config.json"), config.to_string()).unwrap();
            std::fs::write(tuned.join("adapter_model.safetensors"), bytes).unwrap();
        };
        write(base.to_str().unwrap());
        let opened = open(&tuned);
        assert!(opened.identity().files.iter().any(|file| file.file == "adapter_model.safetensors"));
        agree(&opened, trainer.weights());
        assert!(difference(&opened.next(&prompts).unwrap()[0], &model.next(&prompts).unwrap()[0]) > 1e-3);
        // Of a base that is gone, or of another card.
        write("nowhere.gguf");
        assert!(LocalModel::open(&tuned).err().unwrap().0.contains("base_model_name_or_path"));
        let (mut config, _) = adapter_files(trainer.adapters().unwrap(), base.to_str().unwrap());
        config["alpha_pattern"] = json!({ "q_proj": 3 });
        std::fs::write(tuned.join("adapter_config.json"), config.to_string()).unwrap();
        assert!(LocalModel::open(&tuned).err().unwrap().0.contains("`alpha_pattern` is not supported"));
        write(base.to_str().unwrap());
        std::fs::write(tuned.join("card.json"), json!({ "parent": { "weights_sha256": "00" } }).to_string()).unwrap();
        assert!(LocalModel::open(&tuned).err().unwrap().0.contains("is not the model that"));
    }
    let qwen = open(&gguf(&Spec { architecture: "qwen3", ..spec }, &folder("tuned-qwen")));
    assert!(qwen.trainable().unwrap_err().0.contains("only llama is trained here"));
}

#[test]
fn quantised_weights_say_what_they_stand_for() {
    let (spec, dir) = (Spec { kind: GgmlDType::Q8_0, ..spec("qwen2") }, folder("stands-for"));
    let tokens = tokens(spec.vocabulary);
    let stood_for = |(name, tensor): (String, QTensor)| {
        let numbers = tensor.dequantize(&Device::Cpu).unwrap();
        (name, QTensor::quantize(&numbers, GgmlDType::F32).unwrap())
    };
    let tensors: Vec<(String, QTensor)> = gguf_tensors(&spec, tokens.texts.len()).into_iter().map(stood_for).collect();
    let file = dir.join("plain.gguf");
    write_gguf(&file, &metadata(&spec, &tokens), &tensors);
    let plain = open(&file);
    let (exact, rounded) = (open(&gguf(&spec, &dir)), open_rounded(&gguf(&spec, &dir)));
    let identities = [&plain, &exact, &rounded].map(|model| model.identity());
    assert_eq!(identities.each_ref().map(|identity| identity.quantisation.as_str()), ["F32", "Q8_0", "Q8_0"]);
    assert_eq!(identities.each_ref().map(|identity| identity.products), [Products::Exact, Products::Exact, Products::Rounded]);
    let prompts = prompts(identities[0].vocabulary as u32);
    let [plain, exact, rounded] = [plain, exact, rounded].map(|model| model.next(&prompts).unwrap());
    for n in 0..prompts.len() {
        assert_eq!(bits(&plain[n]), bits(&exact[n]));
        assert!(difference(&plain[n], &rounded[n]) < 0.05, "{}", difference(&plain[n], &rounded[n]));
    }
}

#[test]
fn the_bytes_of_the_tokens_are_the_text() {
    for (n, words) in
        [Words::Bytes("gpt-2"), Words::Bytes("qwen2"), Words::Bytes("llama-bpe"), Words::Bytes("smollm"), Words::Pieces]
            .into_iter()
            .enumerate()
    {
        let spec = Spec { vocabulary: words, ..spec("llama") };
        let model = open(&gguf(&spec, &folder(&format!("bytes-{n}"))));
        for text in TEXTS.iter().filter(|text| !text.is_empty()) {
            // Pieces begin with a space, and begin anew after a special token; both are theirs by design.
            let text = if words == Words::Pieces { text.replace("<|im_end|>", "").replace('▁', "_") } else { text.to_string() };
            let ids = model.text_tokens(&text).unwrap();
            let bytes: Vec<u8> = ids.iter().flat_map(|id| model.token_bytes(*id).to_vec()).collect();
            let leading = if words == Words::Pieces { " " } else { "" };
            assert_eq!(String::from_utf8(bytes).unwrap(), format!("{leading}{text}"));
        }
    }
}

#[test]
fn a_conversation_begins_once_and_ends_where_the_answer_begins() {
    for adds_bos in [false, true] {
        let model = open(&gguf(&Spec { adds_bos, ..spec("qwen2") }, &folder(&format!("chat-{adds_bos}"))));
        let messages =
            [ChatMessage { role: "system", text: "Be brief." }, ChatMessage { role: "user", text: " the population " }];
        let ids = model.chat_tokens(&messages, "said").unwrap();
        let text: Vec<u8> = ids.iter().flat_map(|id| model.token_bytes(*id).to_vec()).collect();
        let expected = "<|bos|><|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nthe population<|im_end|>\n<|im_start|>assistant\nsaid";
        assert_eq!(String::from_utf8(text).unwrap(), expected);
        assert_eq!(ids.iter().filter(|id| model.is_special(**id)).count(), 6);
        assert_eq!(model.text_tokens("said").unwrap().contains(&0), adds_bos);
    }
}

#[test]
fn a_template_that_knows_no_system_role_is_an_error_with_a_way_out() {
    let refuses = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{{ messages[0]['content'] }}";
    let drops = "{% for m in messages if m.role != 'system' %}{{ m.content }}{% endfor %}";
    for (n, (template, said)) in
        [(refuses, "System role not supported"), (drops, "leaves the system message out")].into_iter().enumerate()
    {
        let model = open(&gguf(&Spec { template, ..spec("llama") }, &folder(&format!("system-{n}"))));
        let (system, user) = (ChatMessage { role: "system", text: "Be brief." }, ChatMessage { role: "user", text: "Hello." });
        let trouble = model.chat_tokens(&[system, user], "").unwrap_err().to_string();
        assert!(trouble.contains(said) && trouble.contains("user's message"), "{trouble}");
        assert!(model.chat_tokens(&[user], "").is_ok());
    }
    let broken = Spec { template: "{% if %}", ..spec("llama") };
    let trouble = LocalModel::open(&gguf(&broken, &folder("broken-template"))).err().unwrap().to_string();
    assert!(trouble.contains("chat template") && trouble.contains("tiny.gguf"), "{trouble}");
}

#[test]
fn what_is_generated_is_what_was_chosen() {
    let model = open(&gguf(&spec("llama"), &folder("generate")));
    let prompt = model.text_tokens("the population said").unwrap();
    let first = model.next(std::slice::from_ref(&prompt)).unwrap().remove(0);
    let wanted = model.text_tokens(" these others will").unwrap();
    let mut seen = Vec::new();
    let said = model
        .generate(&prompt, wanted.len(), &[], &mut |n, chances| {
            seen.push(chances.to_vec());
            wanted[n]
        })
        .unwrap();
    assert_eq!((said.text.as_str(), &said.tokens, said.ended), (" these others will", &wanted, false));
    assert_eq!(bits(&seen[0]), bits(&first));
    for (n, chances) in seen.iter().enumerate() {
        let prompt = [&prompt, &wanted[..n]].concat();
        assert!(difference(chances, &model.next(&[prompt]).unwrap()[0]) < 1e-5);
    }

    let stopped = model.generate(&prompt, 99, &["never", " others"], &mut |n, _| wanted[n]).unwrap();
    assert_eq!((stopped.text.as_str(), stopped.ended), (" these", true));
    let with_end = [&wanted[..], &[1]].concat();
    let ended = model.generate(&prompt, 99, &[], &mut |n, _| with_end[n]).unwrap();
    assert_eq!((ended.text.as_str(), ended.ended, ended.tokens.len()), (" these others will", true, with_end.len()));
    assert!(model.generate(&prompt, 1, &[], &mut |_, _| u32::MAX).is_err());
    let full = model.generate(&vec![5; CONTEXT - 2], 99, &[], &mut |_, _| wanted[0]).unwrap();
    assert_eq!((full.tokens.len(), full.ended), (3, false));
    assert!(model.generate(&prompt, 0, &[], &mut |_, _| 0).unwrap().tokens.is_empty());
}

#[test]
fn prompts_that_cannot_be_read_are_errors() {
    let model = open(&gguf(&spec("llama"), &folder("prompts")));
    for (prompt, said) in [(vec![], "empty"), (vec![1; CONTEXT + 1], "at most 2048"), (vec![1, 1_000_000], "no token 1000000")] {
        let trouble = model.next(&[prompt]).unwrap_err().to_string();
        assert!(trouble.contains(said), "{trouble}");
    }
}

#[test]
fn damaged_files_are_errors() {
    let (spec, dir) = (spec("llama"), folder("damaged"));
    let tokens = tokens(spec.vocabulary);
    let whole = std::fs::read(gguf(&spec, &dir)).unwrap();
    let file = dir.join("damaged.gguf");
    let trouble = |bytes: &[u8]| {
        std::fs::write(&file, bytes).unwrap();
        LocalModel::open(&file).err().map(|trouble| trouble.to_string())
    };
    let named = |bytes: &[u8], said: &str| {
        let trouble = trouble(bytes).unwrap_or_else(|| panic!("it opened, without: {said}"));
        assert!(trouble.contains("damaged.gguf") && trouble.contains(said), "{trouble}");
    };
    for part in [0, 3, 4, 20, 100, 5000, whole.len() / 2, whole.len() - 100] {
        named(&whole[..part], "");
    }
    named(&[b"NOPE", &whole[4..]].concat(), "not a whole GGUF file");
    // A file of many gigabytes, it says.
    named(&[&whole[..8], &u64::MAX.to_le_bytes(), &whole[16..]].concat(), "not a whole GGUF file");

    let with = |change: &dyn Fn(&mut Entries), without: &str, said: &str| {
        let mut metadata = metadata(&spec, &tokens);
        change(&mut metadata);
        let tensors = gguf_tensors(&spec, tokens.texts.len()).into_iter().filter(|(name, _)| name != without).collect::<Vec<_>>();
        write_gguf(&file, &metadata, &tensors);
        named(&std::fs::read(&file).unwrap(), said);
    };
    let set = |key: &'static str, value: Value| {
        move |all: &mut Entries| {
            all.retain(|(known, _)| known != key);
            all.push((key.into(), value.clone()));
        }
    };
    with(&|_| (), "blk.1.ffn_up.weight", "blk.1.ffn_up.weight");
    with(&|_| (), "token_embd.weight", "vocabulary");
    with(&set("general.alignment", Value::U32(0)), "", "damaged");
    with(&set("general.architecture", Value::String("mamba".into())), "", "supported are llama, qwen2, qwen3");
    with(&set("tokenizer.ggml.pre", Value::String("klingon".into())), "", "`klingon`");
    with(&set("tokenizer.ggml.model", Value::String("t5".into())), "", "`t5`");
    with(&set("llama.block_count", Value::U32(1 << 30)), "", "block_count");
    with(&set("llama.attention.head_count", Value::U32(3)), "", "share");
    with(&set("llama.feed_forward_length", Value::U32(640)), "", "has the shape [512, 256] where the model needs [640, 256]");
    with(&set("llama.rope.scaling.type", Value::String("yarn".into())), "", "yarn");

    // Whatever one byte of the head says, it is a model or an error.
    let mut noise = Noise(3);
    for _ in 0..300 {
        let mut bytes = whole.clone();
        let place = (noise.next().abs() * 12_000.0) as usize;
        bytes[place] ^= 1 << ((noise.next().abs() * 100.0) as u32 % 8);
        std::fs::write(&file, &bytes).unwrap();
        if let Ok(model) = LocalModel::open(&file) {
            let _ = model.next(&[vec![0, 1, 2]]);
            let _ = model.chat_tokens(&[ChatMessage { role: "user", text: TEXTS[0] }], "");
        }
    }
}

#[test]
fn damaged_folders_are_errors() {
    let dir = folder("damaged-folder");
    let named = |said: &str| {
        let trouble =
            LocalModel::open(&dir).err().map_or_else(|| panic!("it opened, without: {said}"), |trouble| trouble.to_string());
        assert!(trouble.contains("damaged-folder") && trouble.contains(said), "{trouble}");
    };
    assert!(LocalModel::open(&dir.join("nothing")).err().unwrap().to_string().contains("there is no model"));
    let part = dir.join("model-00002-of-00002.safetensors");
    type Damage = fn(Vec<u8>) -> Vec<u8>;
    let damages: [(&str, &str, Damage); 7] = [
        ("model-00002-of-00002.safetensors", "not a whole safetensors file", |bytes| bytes[..bytes.len() / 2].into()),
        ("model-00002-of-00002.safetensors", "not a whole safetensors file", |_| vec![255; 64]),
        ("tokenizer.json", "not a tokenizer", |bytes| bytes[..bytes.len() / 2].into()),
        ("tokenizer.json", "not a tokenizer", |bytes| {
            String::from_utf8(bytes).unwrap().replace("decoder\":{\"type", "decoder\":{\"kind").into()
        }),
        ("config.json", "not JSON", |_| b"{".into()),
        ("config.json", "hidden_size", |_| br#"{"model_type": "llama"}"#.into()),
        ("model.safetensors.index.json", "no safetensors file has", |_| {
            br#"{"weight_map": {"a": "model-00001-of-00002.safetensors"}}"#.into()
        }),
    ];
    for (name, said, damage) in damages {
        published(&spec("llama"), &dir);
        let file = dir.join(name);
        let bytes = std::fs::read(&file).unwrap();
        std::fs::write(&file, damage(bytes)).unwrap();
        named(said);
    }
    published(&spec("llama"), &dir);
    std::fs::remove_file(part).unwrap();
    named("model-00002-of-00002.safetensors");
}

// ---------------------------------------------------------------- the same questions to another program

/// llama.cpp's server on loopback, unpacked into a folder.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start(dir: &Path, model: &Path) -> Server {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let lib = dir.join("root/usr/lib/x86_64-linux-gnu");
        let child = Command::new(dir.join("root/usr/lib64/ld-linux-x86-64.so.2"))
            .arg("--library-path")
            .arg(format!("{0}:{0}/llama", lib.display()))
            .arg(dir.join("root/usr/bin/llama-server"))
            .args(["--host", "127.0.0.1", "--port", &port.to_string(), "-np", "1", "-c", "2048", "-t", "1", "-tb", "1"])
            // Half-precision keys and values would be the largest difference by far.
            .args(["-ctk", "f32", "-ctv", "f32", "-fa", "off", "-m"])
            .arg(model)
            .env("GGML_BACKEND_PATH", lib.join("ggml/backends0/libggml-cpu-haswell.so"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Server { child, port };
        for _ in 0..300 {
            if server.ask("GET", "/health", &Json::Null).is_some_and(|health| health["status"] == "ok") {
                return server;
            }
            assert!(server.child.try_wait().unwrap().is_none(), "the server did not start with {}", model.display());
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        panic!("the server did not answer");
    }

    fn ask(&self, method: &str, path: &str, body: &Json) -> Option<Json> {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        let body = body.to_string();
        let head =
            format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all((head + &body).as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
    }

    fn post(&self, path: &str, body: Json) -> Json {
        let answer = self.ask("POST", path, &body).unwrap_or_else(|| panic!("{path} gave no answer to {body}"));
        assert!(answer["error"].is_null(), "{path}: {answer}");
        answer
    }

    fn tokens(&self, text: &str) -> Vec<u32> {
        let answer = self.post("/tokenize", json!({ "content": text, "add_special": true, "parse_special": true }));
        answer["tokens"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect()
    }

    /// Its chances of the next token in a conversation, by the token's number.
    fn chances(&self, messages: &Json, n_tokens: usize) -> Vec<f32> {
        // It says nothing of its chances where it happens to choose the end of the turn.
        let asked = |seed| {
            let answer = self.post(
                "/v1/chat/completions",
                json!({ "messages": messages, "max_tokens": 1, "logprobs": true, "top_logprobs": n_tokens, "temperature": 1,
                        "top_k": 0, "top_p": 1, "min_p": 0, "seed": seed }),
            );
            answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"].as_array().cloned()
        };
        let mut chances = vec![f32::NEG_INFINITY; n_tokens];
        for token in (0..100).find_map(asked).expect("some other token within a hundred answers") {
            chances[token["id"].as_u64().unwrap() as usize] = token["logprob"].as_f64().unwrap() as f32;
        }
        chances
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn another_program_gives_the_same_tokens_and_chances() {
    let Some(dir) = std::env::var_os("CRATYLUS_TEST_LLAMA_SERVER").map(PathBuf::from) else {
        // Written past the test harness, which keeps what passing tests print to itself.
        std::io::stderr().write_all(b"SKIPPED: CRATYLUS_TEST_LLAMA_SERVER names no folder with llama.cpp's server\n").unwrap();
        return;
    };
    let of = |architecture, vocabulary, kind, adds_bos| Spec { vocabulary, kind, adds_bos, ..spec(architecture) };
    let (gpt2, qwen2, llama3) = (Words::Bytes("gpt-2"), Words::Bytes("qwen2"), Words::Bytes("llama-bpe"));
    // The bounds are on a probability. With quantised weights that program rounds what it multiplies, and random
    // weights make much of that; the bound is for mistakes that change everything.
    let made = [
        ("llama", of("llama", gpt2, GgmlDType::F32, false), 1e-5),
        ("llama-3", Spec { stretched: true, ..of("llama", llama3, GgmlDType::F32, true) }, 1e-5),
        ("llama-smol", of("llama", Words::Bytes("smollm"), GgmlDType::F32, false), 1e-5),
        ("llama-pieces", of("llama", Words::Pieces, GgmlDType::F32, true), 1e-5),
        ("qwen2", of("qwen2", qwen2, GgmlDType::F32, false), 1e-5),
        ("qwen3", of("qwen3", qwen2, GgmlDType::F32, false), 1e-5),
        ("qwen2-q8_0", of("qwen2", qwen2, GgmlDType::Q8_0, false), 0.2),
        ("llama-q4_k", of("llama", gpt2, GgmlDType::Q4K, false), 0.2),
    ];
    let mut models = vec![("given".to_string(), dir.join("tiny.gguf"), 1e-5)];
    models.extend(made.map(|(name, spec, most)| {
        let name = format!("server-{name}");
        let file = gguf(&spec, &folder(&name));
        (name, file, most)
    }));
    for (name, file, most) in models {
        let (server, model) = (Server::start(&dir, &file), open(&file));
        let n_tokens = model.identity().vocabulary;
        for text in TEXTS {
            assert_eq!(model.text_tokens(text).unwrap(), server.tokens(text), "{name}: {text:?}");
        }
        let mut largest = 0.0f64;
        for (n, text) in TEXTS.iter().enumerate() {
            let long = format!("{text} {}", "the population said that ".repeat(n * 5));
            let mut messages =
                vec![json!({ "role": "system", "content": "You name things." }), json!({ "role": "user", "content": long })];
            let mut ours =
                vec![ChatMessage { role: "system", text: "You name things." }, ChatMessage { role: "user", text: &long }];
            if n % 2 == 1 {
                messages.extend([json!({ "role": "assistant", "content": "F" }), json!({ "role": "user", "content": "Again." })]);
                ours.extend([ChatMessage { role: "assistant", text: "F" }, ChatMessage { role: "user", text: "Again." }]);
            }
            for prefill in ["", "{\"choice\":", " these oth"] {
                let mut theirs = messages.clone();
                if !prefill.is_empty() {
                    theirs.push(json!({ "role": "assistant", "content": prefill }));
                }
                let theirs = Json::from(theirs);
                let prompt =
                    server.post("/apply-template", json!({ "messages": theirs }))["prompt"].as_str().unwrap().to_string();
                let ids = model.chat_tokens(&ours, prefill).unwrap();
                assert_eq!(ids, server.tokens(&prompt), "{name}: {prompt:?}");
                let chances = model.next(&[ids]).unwrap().remove(0);
                largest = largest.max(difference(&chances, &server.chances(&theirs, n_tokens)));
            }
        }
        println!("{name}: the largest difference of a probability is {largest:.1e}");
        assert!(largest < most, "{name}: {largest}");
    }
}
