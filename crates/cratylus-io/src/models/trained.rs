//! A model that was trained here, asked like a server that lists every next token. It needs no library, so every build of the
//! program runs it, with the same bits.

use super::backend::{Allowance, Backend, Given, Raw, Refusal, Request, Want};
use super::hash::sha;
use super::tape::{AskedHow, Setup, Took};
use cratylus_core::fault::{Fault, at};
use cratylus_core::language::model::{Choice, Model};
use cratylus_core::language::spelling::NextToken;
use cratylus_core::{Purpose, Seed};
use cratylus_neural::corpus::lexicon::BEGIN;
use cratylus_neural::corpus::{SIGNS, Words};
use cratylus_neural::response::Trained;
use cratylus_neural::training::{Card, shape_of, weights_of, weights_sha256};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// What a model that was trained here has in its folder, and no other.
pub const CARD: &str = "card.json";
/// What says which model an adapter is added to.
pub const ADAPTER: &str = "adapter_config.json";

/// How it computes; it goes into the identity.
const COMPUTED: &str = "cratylus 1";

struct TrainedModel {
    model: Trained,
    name: String,
}

/// Whether all weights of a model were trained here.
pub fn is_trained(path: &Path) -> bool {
    path.join(CARD).exists() && !path.join(ADAPTER).exists()
}

/// How a model in this process is asked, and why.
pub(super) fn asked_how(choice: Choice, listed: u32) -> Result<(AskedHow, &'static str), Fault> {
    match choice {
        Choice::Auto | Choice::Exact => Ok((AskedHow::Exact { listed }, "the whole distribution of the next token is here")),
        Choice::FirstToken => Ok((AskedHow::FirstToken { listed }, "as the experiment says")),
        Choice::Text => Ok((AskedHow::Text, "as the experiment says")),
        Choice::Constrained => Err(Fault(
            "a model in this process gives probabilities of the names, so there is nothing to constrain; leave `choice` out"
                .into(),
        )),
    }
}

/// Loads a model, and says what it is.
pub fn open(path: &Path, model: &Model, asked: &str) -> Result<(Arc<dyn Backend>, Setup), Fault> {
    let read = |name: &str| {
        let file = path.join(name);
        std::fs::read(&file).map_err(at("reading", &file))
    };
    let json =
        |name: &str| -> Result<Value, Fault> { serde_json::from_slice(&read(name)?).map_err(at("reading", &path.join(name))) };
    let of = |name: &str| {
        let file = path.join(name);
        move |why: String| Fault(format!("reading {}: {why}", file.display()))
    };
    let card: Card = serde_json::from_slice(&read(CARD)?).map_err(at("reading", &path.join(CARD)))?;
    let shape = shape_of(&json("config.json")?).map_err(of("config.json"))?;
    let words = Words::of_tokenizer(&json("tokenizer.json")?).map_err(of("tokenizer.json"))?;
    if words.len() != shape.vocabulary {
        let why = format!("it has {} words, and the network {}", words.len(), shape.vocabulary);
        return Err(of("tokenizer.json")(why));
    }
    let weights = weights_of(&shape, &read("model.safetensors")?).map_err(of("model.safetensors"))?;
    let hash = weights_sha256(&weights);
    if hash != card.weights_sha256 {
        return Err(Fault(format!("{}: its weights are not those of its card", path.display())));
    }
    let unknown = model.names.iter().find(|name| !words.are_bytes() && !words.holds(name));
    if let Some(name) = unknown {
        let some = words.all()[SIGNS as usize..].iter().take(40).map(String::as_str).collect::<Vec<_>>().join(" ");
        return Err(Fault(format!("{} has no word `{name}`; its words are {some}", path.display())));
    }
    let identity = json!({
        "name": card.name, "architecture": "llama", "quantisation": "F32", "vocabulary": shape.vocabulary, "context": shape.context,
        "weights_sha256": hash, "words_sha256": sha(words.all().join("\n").as_bytes()), "library": COMPUTED,
    });
    let (how, why) = asked_how(model.choice, shape.vocabulary as u32)?;
    let setup = Setup {
        asked: asked.into(),
        name: model.name.clone(),
        id: sha(identity.to_string().as_bytes()),
        identity,
        how,
        prefill: !model.protocol.prefill.is_empty(),
        why: why.into(),
        characters_per_token: None,
    };
    Ok((Arc::new(TrainedModel { model: Trained { shape, weights, words }, name: card.name }), setup))
}

impl TrainedModel {
    /// The tokens of a text, after what begins every row. What it has no word for is a mistake where it is to act on it.
    fn tokens(&self, text: &str, strict: bool) -> Result<Vec<u32>, Refusal> {
        let words = &self.model.words;
        let mut tokens = vec![words.token(BEGIN)];
        if words.are_bytes() {
            tokens.extend(words.spell(text));
        }
        for word in text.split_whitespace().filter(|_| !words.are_bytes()) {
            if strict && !words.holds(word) {
                return Err(Refusal::fatal(format!(
                    "`{}` has no word `{word}`: it was trained on other text; `protocol = \"tokens\"` tells the game in its words",
                    self.name
                )));
            }
            tokens.push(words.token(word));
        }
        // Of a text that is judged some words may be unknown, as they are in what it read; most may not.
        let unknown = tokens.iter().filter(|&&token| token == 0).count();
        if 2 * unknown > tokens.len() {
            return Err(Refusal::fatal(format!(
                "{unknown} of the {} words of a text are none of `{}`'s: it was trained on other text, and says nothing of this",
                tokens.len() - 1,
                self.name
            )));
        }
        if tokens.len() > self.model.shape.context {
            return Err(Refusal::fatal(format!(
                "a prompt has {} tokens, and `{}` reads at most {}; give a shorter memory",
                tokens.len(),
                self.name,
                self.model.shape.context
            )));
        }
        Ok(tokens)
    }
}

impl Backend for TrainedModel {
    fn ask(&self, request: &Request<'_>) -> Result<Given, Refusal> {
        let began = Instant::now();
        let scored = request.want == Want::Scores;
        let between = if self.model.words.are_bytes() { "\n" } else { " " };
        let mut text = request.prompt.messages.iter().map(|message| message.text.as_str()).collect::<Vec<_>>().join(between);
        if request.prefill {
            text = text + between + &request.prompt.prefill;
        }
        let mut tokens = self.tokens(&text, !scored)?;
        // What was followed is known by its tokens, so that it is not spelled anew.
        tokens.extend(request.before.iter().filter_map(|beginning| beginning.id));
        let prompt_tokens = Some(tokens.len() as u64);
        let (raw, completion) = match request.want {
            Want::Next { .. } => {
                // Words stand apart, so none goes on where another ended.
                let next = self.model.next(&tokens);
                let of = |(id, &logprob): (u32, &f64)| NextToken {
                    id: Some(id),
                    bytes: self.model.words.adds(id),
                    logprob: logprob.min(0.0),
                };
                (Raw::Next((0..).zip(&next).map(of).collect()), 1)
            }
            Want::Text { .. } => {
                let (mut draws, mut said) = (Seed(request.query.draw).stream(Purpose::Decide, 0), Vec::new());
                let most = (request.model.protocol.max_tokens as usize).min(self.model.shape.context - tokens.len() + 1);
                while said.len() < most {
                    let p = request.model.sampler.probabilities(&self.model.next(&tokens));
                    let mut left = draws.unit();
                    let found = p.iter().position(|p| {
                        left -= p;
                        left < 0.0
                    });
                    let token = found.unwrap_or(p.len() - 1) as u32;
                    tokens.push(token);
                    said.push(token);
                }
                let n = said.len() as u64;
                (Raw::Text { text: self.model.words.text(&said), cut: false, instead: None }, n)
            }
            Want::Scores if tokens.len() < 2 => return Err(Refusal::fatal("there is no text")),
            Want::Scores => (Raw::Scores(self.model.scores(&tokens)), 0),
            Want::Names => return Err(Refusal::fatal("a model file gives probabilities of tokens, not of names")),
        };
        let ms = began.elapsed().as_secs_f64() * 1000.0;
        let took = Took { prompt_tokens, completion_tokens: Some(completion), ms, ..Took::default() };
        Ok(Given { raw, sent: json!({}), took, allowance: Allowance::default() })
    }

    fn scores(&self) -> Result<(), String> {
        Ok(())
    }
}
