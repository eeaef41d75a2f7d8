//! Language models inside the program: a file in, probabilities of the next token out, on this machine's
//! processors alone. What must stay absent: the network, a clock, and any random number; who samples brings
//! the choice. What [`LocalModel::next`] says of a prompt is a function of the model and the prompt: not of
//! the other prompts, their order, the number of threads, or what was asked before. That is to the bit on one
//! kind of processor; another kind adds up in another order and may differ in the last digits.

mod adapter;
mod damage;
mod files;
mod net;
mod ops;
mod pieces;
mod prefixes;
mod product;
mod template;
mod tokens;
mod weights;

pub use template::ChatMessage;
pub use weights::Products;

use crate::corpus::RowText;
use crate::net::NetShape;
use adapter::Adapter;
use candle_core::Tensor;
use cratylus_core::fault::{Fault, at};
use cratylus_core::language::scored::Scored;
use files::{json, sha256, weight_files};
use net::{Net, StateMemory};
use pieces::{PIECES, ends};
use prefixes::Prefixes;
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use template::Template;
use tokens::Vocabulary;
use weights::{About, Folder, Gguf, uninterleave};

/// What computes; it goes into [`LocalIdentity`].
const LIBRARY: &str = "candle-core 0.11.1";
/// And the version of what multiplies where products are exact, which decides the last bits.
const PACKED: &str = "packed products 1";

/// How much of what was read is kept for prompts that begin alike.
const PREFIX_BYTES_MAX: usize = 1 << 30;

/// Models with fewer products for each token are computed by one thread.
const SHARED_MIN: usize = 1 << 25;

/// A language model in memory. It can serve several threads at once.
pub struct LocalModel {
    net: Net,
    vocabulary: Vocabulary,
    template: Option<Template>,
    identity: LocalIdentity,
    prefixes: Mutex<Prefixes>,
    /// Threads, each a pool of its own: the library shares a product among the threads of the pool that it
    /// runs in, and many prompts at once are read faster by one thread each.
    hands: Vec<ThreadPool>,
    turn: AtomicUsize,
}

/// What an experiment should record of a model: enough to tell whether two are the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LocalIdentity {
    /// As a GGUF file names it, or else the name of the file or folder.
    pub name: String,
    /// As the file names it: `llama`, `mistral`, `qwen2` or `qwen3`.
    pub architecture: String,
    /// The type of most of the weights.
    pub quantisation: String,
    /// How products are computed, which differs in the last digits.
    pub products: Products,
    /// The number of tokens that have a probability.
    pub vocabulary: usize,
    /// The longest prompt, in tokens.
    pub context: usize,
    /// Every file that has a part in the answers.
    pub files: Vec<HashedFile>,
    /// Of the chat template; None for a model without one.
    pub template_sha256: Option<String>,
    /// The library that computes, with its version.
    pub library: String,
}

/// A file that has a part in the answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HashedFile {
    /// Its name, without its folder.
    pub file: String,
    /// Of its content, in hex.
    pub sha256: String,
}

/// What a model said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// Without special tokens, and without the stop string and what came with it.
    pub text: String,
    /// Every token that was chosen, the one that ended the turn included.
    pub tokens: Vec<u32>,
    /// Whether the model ended its turn, or said a stop string, before it had to stop.
    pub ended: bool,
}

impl LocalModel {
    /// Opens a GGUF file, or a folder with `config.json`, `tokenizer.json` and safetensors; a chat template is
    /// looked for in `chat_template.jinja` and `tokenizer_config.json`. It knows the Llama family, Qwen2 and Qwen3.
    /// Products are exact for models of up to a billion weights, and for folders.
    pub fn open(path: &Path) -> Result<LocalModel, Fault> {
        LocalModel::open_as(path, None)
    }

    /// Opens a model with the products that are asked for; a folder's are always exact.
    pub fn open_as(path: &Path, products: Option<Products>) -> Result<LocalModel, Fault> {
        if !path.exists() {
            return Err(Fault(format!("there is no model `{}`; it must be a GGUF file or a folder", path.display())));
        }
        let (net, about, vocabulary, template, files) = match Adapter::open(path)? {
            Some(adapter) => {
                let (net, about, vocabulary, template, mut files) = open_plain(&adapter.base, products, Some(&adapter))?;
                files.extend(adapter.files.clone());
                let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
                (net, About { name: format!("{} + {name}", about.name), ..about }, vocabulary, template, files)
            }
            None => open_plain(path, products, None)?,
        };
        let hashed = |file: &PathBuf| -> Result<HashedFile, Fault> {
            let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
            Ok(HashedFile { file: name, sha256: sha256(file).map_err(at("reading", file))? })
        };
        let identity = LocalIdentity {
            name: about.name,
            architecture: about.architecture,
            quantisation: about.quantisation,
            products: about.products,
            vocabulary: net.sizes.vocabulary,
            context: net.sizes.context,
            files: files.iter().map(hashed).collect::<Result<_, _>>()?,
            template_sha256: template.as_ref().map(|source| hex(source)),
            library: match about.products {
                Products::Exact => format!("{LIBRARY}, {PACKED}"),
                Products::Rounded => LIBRARY.into(),
            },
        };
        let template = template
            .map(|source| Template::new(&source, &vocabulary.bos_text, &vocabulary.eos_text))
            .transpose()
            .map_err(|Fault(what)| Fault(format!("{}: {what}", path.display())))?;
        let hand = |_| ThreadPoolBuilder::new().num_threads(1).build();
        let hands = (0..std::thread::available_parallelism().map_or(1, usize::from)).map(hand).collect::<Result<_, _>>();
        let hands = hands.map_err(|error| Fault(format!("starting threads for a model: {error}")))?;
        let prefixes = Mutex::new(Prefixes::new(PREFIX_BYTES_MAX));
        Ok(LocalModel { net, vocabulary, template, identity, prefixes, hands, turn: AtomicUsize::new(0) })
    }

    /// What was opened, and how it computes.
    pub fn identity(&self) -> LocalIdentity {
        self.identity.clone()
    }

    /// The tokens of a conversation by the model's own chat template, up to where the assistant answers,
    /// followed by the beginning of that answer.
    pub fn chat_tokens(&self, messages: &[ChatMessage<'_>], prefill: &str) -> Result<Vec<u32>, Fault> {
        let template = self.template.as_ref().ok_or_else(|| {
            Fault(format!("`{}` has no chat template: it is a base model, to be given plain text", self.identity.name))
        })?;
        self.vocabulary.cut(&(template.render(messages)? + prefill))
    }

    /// The tokens of a plain text, for models that only continue.
    pub fn text_tokens(&self, text: &str) -> Result<Vec<u32>, Fault> {
        self.vocabulary.cut(text)
    }

    /// The tokens of a row of a corpus: a text, or a conversation by the model's own chat template, with its answer and the
    /// end of that turn.
    pub fn row_tokens(&self, row: &RowText) -> Result<Vec<u32>, Fault> {
        match row {
            RowText::Plain(text) => self.text_tokens(text),
            RowText::Conversation { messages, answer } => {
                let messages: Vec<ChatMessage<'_>> = messages.iter().map(|(role, text)| ChatMessage { role, text }).collect();
                self.chat_tokens(&messages, &format!("{answer}{}", self.vocabulary.eos_text))
            }
        }
    }

    /// The network and its weights as they can be trained on: of a model of Llama's kind with exact products.
    pub fn trainable(&self) -> Result<(NetShape, Vec<f32>), Fault> {
        let wrong = |what: &str| Fault(format!("`{}` cannot be tuned here: {what}", self.identity.name));
        if self.identity.architecture != "llama" {
            return Err(wrong(&format!("its architecture is {}, and only llama is trained here", self.identity.architecture)));
        }
        let sizes = &self.net.sizes;
        let base = self.net.turns.get(1).map_or(10_000.0, |turn| turn.powf(-(sizes.head_width as f64) / 2.0));
        let plain =
            |(pair, turn): (usize, &f64)| (turn / base.powf(-2.0 * pair as f64 / sizes.head_width as f64) - 1.0).abs() < 1e-6;
        if !self.net.turns.iter().enumerate().all(plain) {
            return Err(wrong("it stretches positions"));
        }
        if sizes.heads * sizes.head_width != sizes.width {
            return Err(wrong("its heads are not as wide as the model together"));
        }
        let exact = |weight: &net::Weight| match weight {
            net::Weight::Exact(packed) => packed.unpacked().map_err(in_library),
            net::Weight::Rounded(_) => Err(wrong("its weights are not opened in single precision")),
        };
        let shape = NetShape {
            vocabulary: sizes.vocabulary,
            width: sizes.width,
            layers: sizes.layers,
            heads: sizes.heads,
            key_heads: sizes.kv_heads,
            hidden: sizes.hidden,
            context: sizes.context.min(1 << 14),
            tied: self.net.tied,
            rotary_base: (base * 1e3).round() / 1e3,
            norm_eps: f64::from(sizes.epsilon),
        };
        shape.check().map_err(|(key, why)| wrong(&format!("{key}: {why}")))?;
        let mut weights = Vec::with_capacity(shape.weights());
        let mut add = |tensor: &Tensor, interleaved: bool| -> Result<(), Fault> {
            let numbers = tensor.flatten_all().and_then(|numbers| numbers.to_vec1::<f32>()).map_err(in_library)?;
            weights.extend(if interleaved { uninterleave(&numbers, sizes.head_width, sizes.width) } else { numbers });
            Ok(())
        };
        let matrix = |linear: &net::Linear| match &linear.bias {
            None => exact(&linear.weight),
            Some(_) => Err(wrong("it has biases")),
        };
        add(&self.net.embedding, false)?;
        for layer in &self.net.layers {
            if layer.query_norm.is_some() || layer.key_norm.is_some() {
                return Err(wrong("it norms queries and keys"));
            }
            add(&layer.attention_norm, false)?;
            add(&matrix(&layer.query)?, self.net.neighbours)?;
            add(&matrix(&layer.key)?, self.net.neighbours)?;
            add(&matrix(&layer.value)?, false)?;
            add(&matrix(&layer.output)?, false)?;
            add(&layer.hidden_norm, false)?;
            for linear in [&layer.gate, &layer.up, &layer.down] {
                add(&matrix(linear)?, false)?;
            }
        }
        add(&self.net.norm, false)?;
        if !shape.tied {
            add(&exact(&self.net.head.weight)?, false)?;
        }
        Ok((shape, weights))
    }

    /// The bytes that a token adds to the text; a letter can be spread over several tokens. Special tokens give
    /// the text by which they are called.
    pub fn token_bytes(&self, id: u32) -> &[u8] {
        self.vocabulary.bytes(id)
    }

    /// Whether a token is a sign to the model, such as the end of a turn, and no part of what is said.
    pub fn is_special(&self, id: u32) -> bool {
        self.vocabulary.is_special(id)
    }

    /// For each prompt the natural logarithms of the probabilities of the next token, at temperature 1, over the
    /// whole vocabulary.
    pub fn next(&self, prompts: &[Vec<u32>]) -> Result<Vec<Vec<f32>>, Fault> {
        // Sorted, because prompts that begin alike then follow each other while their beginning is still held.
        let mut distinct: Vec<&Vec<u32>> = prompts.iter().collect();
        distinct.sort_unstable();
        distinct.dedup();
        let chances = self.each(&distinct)?;
        let found = |prompt| distinct.binary_search(&prompt).expect("it holds every prompt");
        Ok(prompts.iter().map(|prompt| chances[found(prompt)].clone()).collect())
    }

    /// Prompts side by side, each on one thread.
    fn each(&self, prompts: &[&Vec<u32>]) -> Result<Vec<Vec<f32>>, Fault> {
        let all = |part: &[&Vec<u32>]| part.iter().map(|prompt| Ok(self.read(prompt)?.1)).collect::<Result<Vec<_>, Fault>>();
        let n_parts = match self.identity.products {
            Products::Exact => self.hands.len().min(prompts.len()),
            // The library computes these for one caller at a time, on threads of its own.
            Products::Rounded => 1,
        };
        if n_parts < 2 {
            return self.alone(|| all(prompts));
        }
        let parts: Vec<Result<Vec<_>, Fault>> = std::thread::scope(|scope| {
            let read = |part| scope.spawn(move || self.hand().install(|| all(part)));
            let parts: Vec<_> = prompts.chunks(prompts.len().div_ceil(n_parts)).map(read).collect();
            parts.into_iter().map(|part| part.join().expect("reading a prompt does not panic")).collect()
        });
        Ok(parts.into_iter().collect::<Result<Vec<_>, _>>()?.concat())
    }

    /// One thing to do, on all threads; those of a small model would wait for each other longer than they work.
    fn alone<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        if self.net.sizes.products() < SHARED_MIN { self.hand().install(work) } else { work() }
    }

    /// In turn, because others may be asking at the same time.
    fn hand(&self) -> &ThreadPool {
        &self.hands[self.turn.fetch_add(1, Ordering::Relaxed) % self.hands.len()]
    }

    /// Continues a prompt by at most `most` tokens. `choose` gets the number of the token to come and the
    /// logarithms of the probabilities, and gives the token. It ends after an end of turn, where the text has one
    /// of the strings in `stop`, or where the model can read no further.
    ///
    /// The first probabilities are those of [`LocalModel::next`], bit for bit; the later ones are computed token
    /// by token, so they are those of `next` but for rounding. They are a function of the prompt and the choices.
    pub fn generate(
        &self,
        prompt: &[u32],
        most: usize,
        stop: &[&str],
        choose: &mut dyn FnMut(usize, &[f32]) -> u32,
    ) -> Result<Generated, Fault> {
        let mut said = Vec::new();
        let mut tokens = Vec::new();
        let told = |said: &[u8], tokens, ended| Ok(Generated { text: String::from_utf8_lossy(said).into_owned(), tokens, ended });
        if most == 0 {
            return told(&said, tokens, false);
        }
        let (mut memory, mut chances) = self.alone(|| self.read(prompt))?;
        loop {
            let token = choose(tokens.len(), &chances);
            self.known(&[token])?;
            tokens.push(token);
            if self.vocabulary.ends.contains(&token) {
                return told(&said, tokens, true);
            }
            if !self.is_special(token) {
                said.extend_from_slice(self.token_bytes(token));
            }
            if let Some(end) = stop.iter().filter_map(|stop| find(&said, stop.as_bytes())).min() {
                return told(&said[..end], tokens, true);
            }
            let at = prompt.len() + tokens.len() - 1;
            if tokens.len() == most || at == self.net.sizes.context {
                return told(&said, tokens, false);
            }
            let (more, next) = self.alone(|| self.step(&memory, at, &[token]))?;
            memory.push(Arc::new(more));
            chances = next;
        }
    }

    /// Reads a whole prompt: what is remembered of it, and the chances of what comes next.
    fn read(&self, prompt: &[u32]) -> Result<(Vec<Arc<StateMemory>>, Vec<f32>), Fault> {
        self.fits(prompt)?;
        let mut memory = self.prefixes().held(prompt);
        let ends: Vec<usize> = ends(prompt.len()).collect();
        for piece in memory.len()..ends.len() {
            let at = piece.checked_sub(1).map_or(0, |before| ends[before]);
            let (fresh, _) = self.net.read(&memory, at, &prompt[at..ends[piece]]).map_err(in_library)?;
            let fresh = Arc::new(fresh);
            self.prefixes().hold(&prompt[..ends[piece]], &fresh);
            memory.push(fresh);
        }
        let at = ends.last().copied().unwrap_or(0);
        let (last, chances) = self.step(&memory, at, &prompt[at..])?;
        memory.push(Arc::new(last));
        Ok((memory, chances))
    }

    fn step(&self, memory: &[Arc<StateMemory>], at: usize, tokens: &[u32]) -> Result<(StateMemory, Vec<f32>), Fault> {
        let (more, state) = self.net.read(memory, at, tokens).map_err(in_library)?;
        let chances = self.chances(&state)?;
        Ok((more, chances))
    }

    /// The logarithms of the probabilities of the next token after a state.
    fn chances(&self, state: &Tensor) -> Result<Vec<f32>, Fault> {
        let mut chances = self.net.logits(state).map_err(in_library)?;
        let most = chances.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f64 = chances.iter().map(|logit| f64::from(logit - most).exp()).sum();
        if !sum.is_finite() {
            return Err(Fault(format!(
                "`{}` gives no probabilities (not a number): its weights are damaged",
                self.identity.name
            )));
        }
        let norm = f64::from(most) + sum.ln();
        chances.iter_mut().for_each(|logit| *logit = (f64::from(*logit) - norm) as f32);
        Ok(chances)
    }

    /// What each token of `tokens` from `from` on is worth after those before it. The very first has nothing before it and
    /// is left out.
    pub fn scores(&self, tokens: &[u32], from: usize) -> Result<Vec<Scored>, Fault> {
        self.fits(tokens)?;
        self.alone(|| {
            let mut memory = Vec::new();
            let mut scored = Vec::new();
            for (piece, read) in (0..).zip(tokens.chunks(PIECES[0])) {
                let at = piece * PIECES[0];
                let (more, states) = self.net.read_all(&memory, at, read).map_err(in_library)?;
                memory.push(Arc::new(more));
                for i in 0..read.len() {
                    let next = at + i + 1;
                    if next < from || next >= tokens.len() {
                        continue;
                    }
                    let state = states.narrow(0, i, 1).and_then(|state| state.contiguous()).map_err(in_library)?;
                    scored.push(scored_by(&self.chances(&state)?, tokens[next]));
                }
            }
            Ok(scored)
        })
    }

    fn fits(&self, prompt: &[u32]) -> Result<(), Fault> {
        let (name, n, most) = (&self.identity.name, prompt.len(), self.net.sizes.context);
        if n == 0 {
            return Err(Fault(format!("`{name}` was given an empty prompt; give it at least one token")));
        }
        if n > most {
            return Err(Fault(format!("a prompt has {n} tokens, and `{name}` reads at most {most}; shorten it")));
        }
        self.known(prompt)
    }

    fn known(&self, tokens: &[u32]) -> Result<(), Fault> {
        let n_tokens = self.net.sizes.vocabulary;
        match tokens.iter().find(|token| **token as usize >= n_tokens) {
            Some(token) => {
                Err(Fault(format!("`{}` has no token {token}; its tokens are 0 to {}", self.identity.name, n_tokens - 1)))
            }
            None => Ok(()),
        }
    }

    fn prefixes(&self) -> std::sync::MutexGuard<'_, Prefixes> {
        // The cache is sound after every line that changes it, so a panic elsewhere does not spoil it.
        self.prefixes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn scored_by(chances: &[f32], token: u32) -> Scored {
    let (mut mean, mut square) = (0.0, 0.0);
    for logprob in chances.iter().map(|&logprob| f64::from(logprob)).filter(|logprob| logprob.is_finite()) {
        let p = logprob.exp();
        mean += p * logprob;
        square += p * logprob * logprob;
    }
    let sd = (square - mean * mean).max(0.0).sqrt();
    Scored { logprob: f64::from(chances[token as usize]), next: Some([mean, sd]) }
}

type Opened = (Net, About, Vocabulary, Option<String>, Vec<PathBuf>);

fn open_plain(path: &Path, products: Option<Products>, adapter: Option<&Adapter>) -> Result<Opened, Fault> {
    match path.is_dir() {
        true => open_folder(path, adapter),
        false => open_gguf(path, products, adapter),
    }
}

fn open_gguf(path: &Path, products: Option<Products>, adapter: Option<&Adapter>) -> Result<Opened, Fault> {
    let gguf = Gguf::open(path, products)?;
    let vocabulary = Vocabulary::from_gguf(gguf.metadata(), path)?;
    let template = gguf.metadata().get("tokenizer.chat_template").and_then(|value| value.to_string().ok()).cloned();
    let (net, about) = gguf.net(adapter)?;
    Ok((net, about, vocabulary, template, vec![path.into()]))
}

fn open_folder(path: &Path, adapter: Option<&Adapter>) -> Result<Opened, Fault> {
    let vocabulary = Vocabulary::from_folder(path)?;
    let weights = weight_files(path)?;
    let (net, about) = Folder::open(path, &weights)?.net(adapter)?;
    let beside = ["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"];
    let beside = beside.iter().map(|name| path.join(name)).filter(|file| file.exists());
    let files = weights.into_iter().chain(beside).collect();
    Ok((net, about, vocabulary, published_template(path)?, files))
}

fn published_template(path: &Path) -> Result<Option<String>, Fault> {
    let (alone, about) = (path.join("chat_template.jinja"), path.join("tokenizer_config.json"));
    if alone.exists() {
        return std::fs::read_to_string(&alone).map(Some).map_err(at("reading", &alone));
    }
    if !about.exists() {
        return Ok(None);
    }
    let about = json(&about)?;
    let template = &about["chat_template"];
    // Some models have several, by name.
    let default = template.as_array().and_then(|several| several.iter().find(|one| one["name"] == "default"));
    Ok(default.map_or(template, |one| &one["template"]).as_str().map(str::to_string))
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len().max(1)).position(|window| window == part)
}

fn hex(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn in_library(error: candle_core::Error) -> Fault {
    Fault(format!("computing with the model failed: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A model's identity names what computed it.
    #[test]
    fn the_library_is_the_one_that_is_locked() {
        let lock = include_str!("../../../../Cargo.lock");
        let (name, version) = LIBRARY.split_once(' ').unwrap();
        assert!(lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"")), "{LIBRARY} is not what Cargo.lock has");
    }

    #[test]
    fn a_longer_prompt_shares_the_pieces_of_a_shorter_one() {
        let all = |n| ends(n).collect::<Vec<_>>();
        assert_eq!(all(1), [0; 0]);
        assert_eq!(all(64), [16, 32, 48]);
        assert_eq!(all(65), [64]);
        assert_eq!(all(220), [64, 128, 192, 208]);
        for n in 1..300 {
            let end = all(n).last().copied().unwrap_or(0);
            assert!(end < n && n - end <= 16);
        }
    }
}
