//! A model file in this process, asked like a server that lists every next token.

#[cfg(feature = "in-process")]
pub use here::open;

#[cfg(not(feature = "in-process"))]
pub use nowhere::open;

#[cfg(not(feature = "in-process"))]
mod nowhere {
    use crate::models::backend::Backend;
    use crate::models::tape::Setup;
    use cratylus_core::fault::Fault;
    use cratylus_core::language::model::Model;
    use std::path::Path;
    use std::sync::Arc;

    /// Without the feature there is nothing to run a model file with, and this says so.
    pub fn open(path: &Path, _: &Model, _: &str) -> Result<(Arc<dyn Backend>, Setup), Fault> {
        Err(Fault(format!(
            "{} is a model file, and this program was built without the means to run one\n  help: build it with `cargo build --release --features in-process`, or serve the file (docs/live-models.md) and give the server's address as `endpoint`",
            path.display()
        )))
    }
}

#[cfg(feature = "in-process")]
mod here {
    use crate::models::backend::{Allowance, Backend, Given, Raw, Refusal, Request, Want};
    use crate::models::hash::sha;
    use crate::models::tape::{Setup, Took};
    use crate::models::trained::asked_how;
    use cratylus_core::fault::Fault;
    use cratylus_core::language::model::Model;
    use cratylus_core::language::spelling::NextToken;
    use cratylus_core::{Purpose, Seed};
    use cratylus_neural::llm::{ChatMessage, LocalModel};
    use std::path::Path;
    use std::sync::Arc;
    use std::time::Instant;

    struct FileModel(LocalModel);

    /// Loads a model, and says what it is.
    pub fn open(path: &Path, model: &Model, asked: &str) -> Result<(Arc<dyn Backend>, Setup), Fault> {
        let local = LocalModel::open(path)?;
        let identity = serde_json::to_value(local.identity()).expect("an identity is plain data");
        let id = sha(identity.to_string().as_bytes());
        let listed = local.identity().vocabulary as u32;
        let (how, why) = asked_how(model.choice, listed)?;
        let prefill = !model.protocol.prefill.is_empty();
        let setup = Setup {
            asked: asked.into(),
            name: model.name.clone(),
            identity,
            id,
            how,
            prefill,
            why: why.into(),
            characters_per_token: None,
        };
        Ok((Arc::new(FileModel(local)), setup))
    }

    impl Backend for FileModel {
        fn ask(&self, request: &Request<'_>) -> Result<Given, Refusal> {
            let began = Instant::now();
            if request.want == Want::Scores {
                return self.scored(request, began);
            }
            let messages: Vec<ChatMessage<'_>> =
                request.prompt.messages.iter().map(|message| ChatMessage { role: &message.role, text: &message.text }).collect();
            let prefill = if request.prefill { request.prompt.prefill.as_str() } else { "" };
            let mut tokens = self.0.chat_tokens(&messages, prefill).map_err(fatal)?;
            // What was followed is known by its tokens, so that it is not spelled anew.
            tokens.extend(request.before.iter().filter_map(|beginning| beginning.id));
            let prompt_tokens = Some(tokens.len() as u64);
            let (raw, completion) = match request.want {
                Want::Next { .. } => {
                    let next = self.0.next(&[tokens]).map_err(fatal)?.remove(0);
                    (Raw::Next((0..).zip(&next).map(|(id, &logprob)| self.token(id, logprob)).collect()), 1)
                }
                Want::Text { .. } => {
                    let most = request.model.protocol.max_tokens as usize;
                    let sampler = request.model.sampler;
                    let mut draws = Seed(request.query.draw).stream(Purpose::Decide, 0);
                    let mut choose = |_: usize, logprobs: &[f32]| {
                        let logprobs: Vec<f64> = logprobs.iter().map(|&logprob| f64::from(logprob)).collect();
                        let mut left = draws.unit();
                        let p = sampler.probabilities(&logprobs);
                        let chosen = p.iter().position(|p| {
                            left -= p;
                            left < 0.0
                        });
                        let likely = |p: &[f64]| (0..p.len()).max_by(|&a, &b| p[a].total_cmp(&p[b])).unwrap_or(0);
                        chosen.unwrap_or_else(|| likely(&p)) as u32
                    };
                    let generated = self.0.generate(&tokens, most, &[], &mut choose).map_err(fatal)?;
                    let n = generated.tokens.len() as u64;
                    (Raw::Text { text: generated.text, cut: !generated.ended, instead: None }, n)
                }
                Want::Names | Want::Scores => {
                    return Err(Refusal::fatal("a model file gives probabilities of tokens, not of names"));
                }
            };
            let took = Took {
                prompt_tokens,
                completion_tokens: Some(completion),
                ms: began.elapsed().as_secs_f64() * 1000.0,
                ..Took::default()
            };
            Ok(Given { raw, sent: serde_json::json!({}), took, allowance: Allowance::default() })
        }

        fn scores(&self) -> Result<(), String> {
            Ok(())
        }
    }

    impl FileModel {
        /// Messages are plain text here, without the signs of a conversation.
        fn scored(&self, request: &Request<'_>, began: Instant) -> Result<Given, Refusal> {
            let (text, before) = request.prompt.messages.split_last().ok_or(Refusal::fatal("there is no text"))?;
            let before: String = before.iter().map(|message| message.text.clone() + "\n\n").collect();
            let mut tokens = if before.is_empty() { Vec::new() } else { self.0.text_tokens(&before).map_err(fatal)? };
            let from = tokens.len();
            // A sign that begins every text stands at the very beginning alone.
            let begins = if from == 0 { 0 } else { self.0.text_tokens("").map_err(fatal)?.len() };
            tokens.extend(&self.0.text_tokens(&text.text).map_err(fatal)?[begins..]);
            let scored = self.0.scores(&tokens, from).map_err(fatal)?;
            let ms = began.elapsed().as_secs_f64() * 1000.0;
            let took = Took { prompt_tokens: Some(tokens.len() as u64), completion_tokens: Some(0), ms, ..Took::default() };
            Ok(Given { raw: Raw::Scores(scored), sent: serde_json::json!({}), took, allowance: Allowance::default() })
        }

        fn token(&self, id: u32, logprob: f32) -> NextToken {
            // A special token is no part of a name, whatever it is called.
            let bytes = if self.0.is_special(id) { Vec::new() } else { self.0.token_bytes(id).to_vec() };
            NextToken { id: Some(id), bytes, logprob: f64::from(logprob).min(0.0) }
        }
    }

    fn fatal(trouble: Fault) -> Refusal {
        Refusal::fatal(trouble.0)
    }
}
