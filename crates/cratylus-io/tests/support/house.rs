//! Who is let in, and which paths there are: models, properties, metrics, tokens, and the ways to the model.
//!
//! What is asked of the model is read in `asked.rs`, and what it says is worded in `told.rs`.

use super::dialect::{Dialect, refusal};
use super::faults::Shape;
use super::pretend::Vocabulary;
use super::server::{Config, Seen};
use serde_json::{Value, json};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What the path of an answer needs to know of the server.
pub struct House<'a> {
    pub config: &'a Config,
    pub vocabulary: &'a Vocabulary,
    pub model: String,
    pub fingerprint: Option<String>,
    pub tally: &'a Tally,
}

/// What `/metrics` and `cached_tokens` tell.
#[derive(Default)]
pub struct Tally {
    pub answers: AtomicU64,
    pub(super) prompt_tokens: AtomicU64,
    pub(super) cached_tokens: AtomicU64,
    pub(super) said_tokens: AtomicU64,
    pub(super) unseeded: AtomicU64,
    pub(super) last_prompt: Mutex<Vec<u32>>,
}

/// An answer before it is sent.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Body,
    /// Whether the model spoke.
    pub told: bool,
    /// Whether it goes as an event stream; the usage goes with it where that is true.
    pub stream: Option<bool>,
}

#[derive(Clone, Debug)]
pub enum Body {
    Json(Value),
    Text(&'static str, String),
}

impl Response {
    pub(super) fn json(status: u16, body: Value) -> Response {
        Response { status, headers: vec![], body: Body::Json(body), told: false, stream: None }
    }

    pub(super) fn text(status: u16, kind: &'static str, text: impl Into<String>) -> Response {
        Response { body: Body::Text(kind, text.into()), ..Response::json(status, Value::Null) }
    }

    fn with_status(self, status: u16) -> Response {
        Response { status, ..self }
    }
}

/// Whether a path is one where a model answers.
pub fn completes(path: &str) -> bool {
    ["/completions", "/messages", "/completion", "/api/chat", "/api/generate", "/generate", "/responses"]
        .iter()
        .any(|end| path.ends_with(end))
}

impl House<'_> {
    /// The answer to a request, before anything goes wrong with it.
    pub fn answer(&self, seen: &Seen) -> Response {
        let mut response = self.keyed(seen).and_then(|()| self.route(seen)).unwrap_or_else(|refused| *refused);
        response.headers.extend(self.limits(seen));
        response
    }

    fn keyed(&self, seen: &Seen) -> Result<(), Box<Response>> {
        let Some(key) = &self.config.key else { return Ok(()) };
        let bearer = seen.header("authorization").and_then(|header| header.strip_prefix("Bearer "));
        let given = bearer.or(seen.header("x-api-key"));
        if given == Some(key) || seen.path.ends_with("/health") {
            return Ok(());
        }
        let message = match self.config.dialect {
            Dialect::OpenAi => "Incorrect API key provided: ****.",
            Dialect::Vllm => "Unauthorized",
            Dialect::OpenRouter => "No auth credentials found",
            Dialect::Anthropic => "invalid x-api-key",
            _ => "Invalid API Key",
        };
        Err(Box::new(self.refuse(401, message)))
    }

    pub(super) fn refuse(&self, status: u16, message: &str) -> Response {
        refusal(self.config.dialect, Shape::Own, status, message)
    }

    fn route(&self, seen: &Seen) -> Result<Response, Box<Response>> {
        let dialect = self.config.dialect;
        let path = seen.path.split('?').next().unwrap_or_default();
        let path = path.find("/v1/").map_or(path, |at| &path[at..]);
        let ok = |body: Value| Ok(Response::json(200, body));
        match (seen.method.as_str(), path, dialect) {
            ("GET", "/v1/models", _) => ok(self.models()),
            ("GET", "/props", Dialect::LlamaServer) => ok(self.props()),
            ("GET", "/health" | "/v1/health", Dialect::LlamaServer) | ("GET", "/health", Dialect::Transformers) => {
                ok(json!({"status": "ok"}))
            }
            ("GET", "/health", Dialect::Vllm | Dialect::SgLang) => Ok(Response::text(200, "text/plain", "")),
            ("GET", "/version", Dialect::Vllm) => ok(json!({"version": "0.32.0"})),
            ("GET", "/metrics", Dialect::LlamaServer | Dialect::Vllm) => Ok(self.metrics()),
            ("POST", "/tokenize", Dialect::LlamaServer | Dialect::Vllm) => Ok(self.tokenize(&seen.body)),
            ("POST", "/apply-template", Dialect::LlamaServer) => {
                ok(json!({"prompt": self.prompt(&seen.body).map_err(Box::new)?.text}))
            }
            ("GET", "/get_model_info" | "/model_info", Dialect::SgLang) => {
                ok(json!({"model_path": self.model, "tokenizer_path": self.model, "is_generation": true}))
            }
            ("GET", "/get_server_info" | "/server_info", Dialect::SgLang) => {
                ok(json!({"model_path": self.model, "version": "0.5.6", "enable_deterministic_inference": false}))
            }
            ("GET", "/", Dialect::Ollama) => Ok(Response::text(200, "text/plain; charset=utf-8", "Ollama is running")),
            ("GET", "/api/version", Dialect::Ollama) => ok(json!({"version": "0.13.2"})),
            ("GET", "/api/tags", Dialect::Ollama) => {
                let details = json!({"format": "gguf", "quantization_level": "Q4_K_M"});
                let model = json!({"name": self.model, "model": self.model, "digest": "0a1b2c", "details": details});
                ok(json!({"models": [model]}))
            }
            ("GET", "/v1/key", Dialect::OpenRouter) => {
                ok(json!({"data": {"label": "sk-or-v1-0a1...b2c", "usage": 0.5, "limit": null, "is_free_tier": false}}))
            }
            ("POST", "/v1/chat/completions", _) => self.completion(seen, true).map_err(Box::new),
            ("POST", "/v1/completions", Dialect::OpenAi) => Err(Box::new(self.refuse(
                404,
                "This is a chat model and not supported in the v1/completions endpoint. Did you mean to use v1/chat/completions?",
            ))),
            ("POST", "/v1/completions", dialect) if dialect != Dialect::Anthropic => {
                self.completion(seen, false).map_err(Box::new)
            }
            ("POST", "/v1/messages", Dialect::Anthropic | Dialect::LlamaServer | Dialect::Vllm) => {
                self.message(seen).map_err(Box::new)
            }
            _ => Err(Box::new(self.nowhere(seen))),
        }
    }

    fn nowhere(&self, seen: &Seen) -> Response {
        let detail = || Response::json(404, json!({"detail": "Not Found"}));
        match self.config.dialect {
            Dialect::LlamaServer => self.refuse(404, "File Not Found"),
            Dialect::OpenAi => {
                refusal(Dialect::Generic, Shape::OpenAi, 400, &format!("Invalid URL ({} {})", seen.method, seen.path))
                    .with_status(404)
            }
            Dialect::Ollama => Response::text(404, "text/plain", "404 page not found"),
            Dialect::LmStudio => {
                Response::json(200, json!({"error": format!("Unexpected endpoint or method. ({} {})", seen.method, seen.path)}))
            }
            Dialect::OpenRouter => Response::text(404, "text/html", "<!DOCTYPE html><html><body>404</body></html>"),
            Dialect::Anthropic => self.refuse(404, "Not Found"),
            _ => detail(),
        }
    }

    fn models(&self) -> Value {
        let model = &self.model;
        match self.config.dialect {
            Dialect::LlamaServer => json!({
                "models": [{"name": model, "model": model, "modified_at": "", "size": "", "digest": "", "type": "model",
                    "description": "", "tags": [""], "capabilities": ["completion"], "parameters": "",
                    "details": {"parent_model": "", "format": "gguf", "family": "", "families": [""],
                        "parameter_size": "", "quantization_level": ""}}],
                "object": "list",
                "data": [{"id": model, "aliases": [model], "tags": [], "object": "model",
                    "architecture": {"input_modalities": ["text"], "output_modalities": ["text"]},
                    "created": CREATED, "owned_by": "llamacpp",
                    "meta": {"vocab_type": 2, "n_vocab": self.vocabulary.len(), "n_ctx": self.config.context,
                        "n_ctx_train": 8192, "n_embd": 128, "n_params": 1377408, "size": 5509632, "ftype": "all F32"}}]}),
            Dialect::Vllm => json!({"object": "list", "data": [{"id": model, "object": "model", "created": CREATED,
                "owned_by": "vllm", "root": model, "parent": null, "max_model_len": self.config.context, "permission": []}]}),
            Dialect::SgLang => json!({"object": "list", "data": [{"id": model, "object": "model", "created": CREATED,
                "owned_by": "sglang", "root": model, "parent": null, "max_model_len": self.config.context}]}),
            Dialect::Anthropic => json!({"data": [{"type": "model", "id": model, "display_name": model,
                "created_at": "2025-02-19T00:00:00Z"}], "has_more": false, "first_id": model, "last_id": model}),
            Dialect::OpenRouter => json!({"data": [{"id": model, "canonical_slug": model, "name": model, "created": CREATED,
                "context_length": self.config.context, "pricing": {"prompt": "0.0000001", "completion": "0.0000004"},
                "supported_parameters": ["max_tokens", "temperature", "top_p", "seed", "response_format"]}]}),
            Dialect::Transformers => json!({"object": "list", "data": [{"id": format!("{model}@main"), "object": "model",
                "created": CREATED, "owned_by": ""}]}),
            Dialect::LlamaCppPython => json!({"object": "list", "data": [{"id": model, "object": "model", "owned_by": "me",
                "permissions": []}]}),
            dialect => {
                let owner = match dialect {
                    Dialect::OpenAi => "system",
                    Dialect::Ollama => "library",
                    Dialect::LmStudio => "organization_owner",
                    _ => "somebody",
                };
                json!({"object": "list", "data": [{"id": model, "object": "model", "created": CREATED, "owned_by": owner}]})
            }
        }
    }

    fn props(&self) -> Value {
        json!({
            "default_generation_settings": {
                "params": {"seed": 4294967295u32, "temperature": 0.800000011920929, "top_k": 40, "top_p": 0.949999988079071,
                    "min_p": 0.05000000074505806, "typical_p": 1.0, "repeat_penalty": 1.0, "presence_penalty": 0.0,
                    "frequency_penalty": 0.0, "max_tokens": -1, "n_predict": -1, "n_probs": 0,
                    "samplers": ["penalties", "dry", "top_n_sigma", "top_k", "typ_p", "top_p", "min_p", "xtc", "temperature"]},
                "n_ctx": self.config.context},
            "total_slots": self.config.parallel.unwrap_or(4), "model_alias": self.model, "model_ftype": "all F32",
            "model_path": format!("/models/{}.gguf", self.model),
            "modalities": {"vision": false, "video": false, "audio": false},
            "endpoint_slots": true, "endpoint_props": false, "endpoint_metrics": self.config.metrics,
            "chat_template": "{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] }}<|end|>\n{% endfor %}<|assistant|>\n",
            "chat_template_caps": {"supports_system_role": true, "supports_tools": false, "supports_string_content": true},
            "bos_token": "<|begin|>", "eos_token": "<|end|>",
            "media_marker": "<__media_t0Sy4KtsnIWtmU6eXpEZGLxkFAlBLu7t__>",
            "build_info": self.fingerprint, "is_sleeping": false})
    }

    fn metrics(&self) -> Response {
        if !self.config.metrics {
            return match self.config.dialect {
                Dialect::LlamaServer => {
                    self.refuse(501, "This server does not support metrics endpoint. Start it with `--metrics`")
                }
                _ => Response::json(404, json!({"detail": "Not Found"})),
            };
        }
        let Tally { answers, prompt_tokens, cached_tokens, said_tokens, .. } = self.tally;
        let [answers, prompt, cached, said] =
            [answers, prompt_tokens, cached_tokens, said_tokens].map(|count| count.load(Relaxed));
        let model = &self.model;
        let lines = match self.config.dialect {
            Dialect::LlamaServer => format!(
                "# HELP llamacpp:prompt_tokens_total Number of prompt tokens processed, excluding cached tokens\n\
                 # TYPE llamacpp:prompt_tokens_total counter\nllamacpp:prompt_tokens_total {}\n\
                 # TYPE llamacpp:prompt_tokens_cached_total counter\nllamacpp:prompt_tokens_cached_total {cached}\n\
                 # TYPE llamacpp:tokens_predicted_total counter\nllamacpp:tokens_predicted_total {said}\n\
                 # TYPE llamacpp:requests_processing gauge\nllamacpp:requests_processing 0\n",
                prompt.saturating_sub(cached)
            ),
            _ => [
                ("vllm:prompt_tokens_total", prompt),
                ("vllm:generation_tokens_total", said),
                ("vllm:prefix_cache_queries_total", prompt),
                ("vllm:prefix_cache_hits_total", cached),
                ("vllm:request_success_total", answers),
            ]
            .map(|(name, count)| format!("# TYPE {name} counter\n{name}{{engine=\"0\",model_name=\"{model}\"}} {count}.0\n"))
            .concat(),
        };
        Response::text(200, "text/plain; version=0.0.4", lines)
    }

    fn tokenize(&self, body: &Value) -> Response {
        let vocabulary = self.vocabulary;
        if self.config.dialect == Dialect::LlamaServer {
            let ids = vocabulary.cut(body["content"].as_str().unwrap_or_default().as_bytes());
            let piece = |id: u32| match std::str::from_utf8(vocabulary.token(id)) {
                Ok(text) => json!({"id": id, "piece": text}),
                Err(_) => json!({"id": id, "piece": vocabulary.token(id)}),
            };
            return Response::json(
                200,
                match body["with_pieces"].as_bool() {
                    Some(true) => json!({"tokens": ids.into_iter().map(piece).collect::<Vec<_>>()}),
                    _ => json!({"tokens": ids}),
                },
            );
        }
        let text = match (body["prompt"].as_str(), body["messages"].as_array()) {
            (Some(prompt), _) => prompt.to_string(),
            (None, Some(_)) => match self.prompt(body) {
                Ok(prompt) => prompt.text,
                Err(refused) => return refused,
            },
            (None, None) => return self.refuse(400, "prompt or messages"),
        };
        let ids = vocabulary.cut(text.as_bytes());
        Response::json(200, json!({"count": ids.len(), "max_model_len": self.config.context, "tokens": ids, "token_strs": null}))
    }

    /// The headers of the hosted ones that tell how much is left.
    fn limits(&self, seen: &Seen) -> Vec<(String, String)> {
        let header = |name: &str, value: String| (name.to_string(), value);
        let limit = self.config.rate.map_or(10_000, |rate| rate.requests);
        let left = seen.left.map_or(limit.saturating_sub(1 + seen.index as u64), |left| left.saturating_sub(1));
        let reset = self.config.rate.map_or("6m0s".into(), |rate| format!("{}ms", rate.window.as_millis()));
        match self.config.dialect {
            Dialect::OpenAi => vec![
                header("x-request-id", format!("req_{:032x}", seen.index)),
                header("openai-processing-ms", "5".into()),
                header("x-ratelimit-limit-requests", limit.to_string()),
                header("x-ratelimit-remaining-requests", left.to_string()),
                header("x-ratelimit-reset-requests", reset.clone()),
                header("x-ratelimit-limit-tokens", "200000".into()),
                header("x-ratelimit-remaining-tokens", (200 * left.min(1000)).to_string()),
                header("x-ratelimit-reset-tokens", reset),
            ],
            Dialect::Anthropic => ["requests", "tokens", "input-tokens", "output-tokens"]
                .iter()
                .flat_map(|what| {
                    let name = |end: &str| format!("anthropic-ratelimit-{what}-{end}");
                    [
                        (name("limit"), limit.to_string()),
                        (name("remaining"), left.to_string()),
                        (name("reset"), "2026-01-01T00:01:00Z".into()),
                    ]
                })
                .chain([header("request-id", format!("req_{:024x}", seen.index))])
                .collect(),
            Dialect::LlamaCppPython => {
                vec![header("x-request-id", format!("{:032x}", seen.index)), header("openai-processing-ms", "5".into())]
            }
            Dialect::Transformers => vec![header("x-request-id", format!("{:032x}", seen.index))],
            _ => vec![],
        }
    }
}

pub(super) const CREATED: u64 = 1_750_000_000;
