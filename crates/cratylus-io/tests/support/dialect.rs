//! How each kind of server takes a request and words its answer: a table of habits, and one path through it.
//!
//! Only what a client can notice is here. What was measured on llama-server b11669, vLLM 0.32, llama-cpp-python 0.3.36 and
//! transformers 5.19 is as measured; the hosted ones, SGLang, Ollama and LM Studio follow their documents and sources.

use super::faults::Shape;
use super::pretend::{self, Manner, Source, Step, Vocabulary, Written};
use super::server::{Config, KeepAlive, Reply, Seen};
use serde_json::{Map, Value, json};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// A kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Dialect {
    OpenAi,
    Vllm,
    SgLang,
    LlamaServer,
    LlamaCppPython,
    Ollama,
    LmStudio,
    OpenRouter,
    Anthropic,
    /// `transformers serve`: the strict one.
    Transformers,
    /// The least that calls itself compatible: text, and no usage.
    #[default]
    Generic,
}

/// What a server does with a trailing message of the assistant.
#[derive(Clone, Copy, PartialEq)]
enum Prefill {
    /// Goes on, and answers with the prefill and what follows.
    Whole,
    /// Goes on, and answers with what follows.
    Rest,
    /// As `Rest`, where `continue_final_message` asks for it.
    OnRequest,
    NewTurn,
}

/// What a server does with a field that it does not know.
#[derive(Clone, Copy, PartialEq)]
enum Stranger {
    Ignored,
    Refused(u16),
}

/// What a server does with a model that it does not have.
#[derive(Clone, Copy, PartialEq)]
enum NoModel {
    Answers,
    Refused(u16),
}

/// What becomes of `logprobs: true`.
#[derive(Clone, Copy, PartialEq)]
enum Logprobs {
    Given,
    /// The field is there, and null.
    Null,
    Absent,
}

#[derive(Clone, Copy)]
struct Habits {
    fingerprint: Option<&'static str>,
    errors: Shape,
    model: NoModel,
    stranger: Stranger,
    prefill: Prefill,
    logprobs: Logprobs,
    /// The most alternatives it tells; more are refused.
    most_told: usize,
    /// Whether log-probabilities under a constraint are those among the allowed tokens.
    renormalises: bool,
    /// The text of the end token where log-probabilities include it.
    end_told: Option<&'static str>,
    many: bool,
    max_completion_tokens: bool,
    /// Whether it takes `top_k` and `min_p`.
    more_samplers: bool,
    temperature: f64,
    top_k: usize,
    top_p: f64,
    min_p: f64,
    schema: bool,
    /// The status for a value of a wrong type.
    bad_type: u16,
    batches: bool,
    usage_in_stream: bool,
    keep_alive: KeepAlive,
}

const PLAIN: Habits = Habits {
    fingerprint: None,
    errors: Shape::OpenAi,
    model: NoModel::Answers,
    stranger: Stranger::Ignored,
    prefill: Prefill::NewTurn,
    logprobs: Logprobs::Absent,
    most_told: 20,
    renormalises: false,
    end_told: None,
    many: false,
    max_completion_tokens: true,
    more_samplers: false,
    temperature: 1.0,
    top_k: 0,
    top_p: 1.0,
    min_p: 0.0,
    schema: false,
    bad_type: 400,
    batches: false,
    usage_in_stream: true,
    keep_alive: KeepAlive { idle: None, requests: None },
};

/// uvicorn's default.
const FIVE_SECONDS: KeepAlive = KeepAlive { idle: Some(Duration::from_secs(5)), requests: None };

impl Dialect {
    pub const ALL: [Dialect; 11] = [
        Dialect::OpenAi,
        Dialect::Vllm,
        Dialect::SgLang,
        Dialect::LlamaServer,
        Dialect::LlamaCppPython,
        Dialect::Ollama,
        Dialect::LmStudio,
        Dialect::OpenRouter,
        Dialect::Anthropic,
        Dialect::Transformers,
        Dialect::Generic,
    ];

    fn habits(self) -> Habits {
        match self {
            Dialect::OpenAi => Habits {
                fingerprint: Some("fp_44709d6fcb"),
                model: NoModel::Refused(404),
                stranger: Stranger::Refused(400),
                logprobs: Logprobs::Given,
                many: true,
                schema: true,
                batches: true,
                ..PLAIN
            },
            Dialect::Vllm => Habits {
                fingerprint: Some("vllm-0.32.0-778b20f3"),
                model: NoModel::Refused(404),
                prefill: Prefill::OnRequest,
                logprobs: Logprobs::Given,
                renormalises: true,
                end_told: Some("<|end|>"),
                many: true,
                more_samplers: true,
                schema: true,
                batches: true,
                keep_alive: FIVE_SECONDS,
                ..PLAIN
            },
            Dialect::SgLang => Habits {
                errors: Shape::Flat,
                prefill: Prefill::OnRequest,
                logprobs: Logprobs::Given,
                most_told: usize::MAX,
                renormalises: true,
                end_told: Some("<|end|>"),
                many: true,
                more_samplers: true,
                schema: true,
                batches: true,
                keep_alive: FIVE_SECONDS,
                ..PLAIN
            },
            Dialect::LlamaServer => Habits {
                fingerprint: Some("b11669-Debian"),
                errors: Shape::LlamaServer,
                prefill: Prefill::Whole,
                logprobs: Logprobs::Given,
                most_told: usize::MAX,
                end_told: Some(""),
                many: true,
                more_samplers: true,
                temperature: 0.8,
                top_k: 40,
                top_p: 0.95,
                min_p: 0.05,
                schema: true,
                batches: true,
                keep_alive: KeepAlive { idle: Some(Duration::from_secs(5)), requests: Some(100) },
                ..PLAIN
            },
            Dialect::LlamaCppPython => Habits {
                logprobs: Logprobs::Given,
                most_told: usize::MAX,
                max_completion_tokens: false,
                more_samplers: true,
                temperature: 0.2,
                top_k: 40,
                top_p: 0.95,
                min_p: 0.05,
                bad_type: 500,
                usage_in_stream: false,
                keep_alive: FIVE_SECONDS,
                ..PLAIN
            },
            Dialect::Ollama => Habits {
                fingerprint: Some("fp_ollama"),
                model: NoModel::Refused(404),
                logprobs: Logprobs::Given,
                max_completion_tokens: false,
                top_k: 40,
                schema: true,
                ..PLAIN
            },
            Dialect::LmStudio => {
                Habits { errors: Shape::Text, logprobs: Logprobs::Null, more_samplers: true, schema: true, ..PLAIN }
            }
            Dialect::OpenRouter => Habits {
                errors: Shape::OpenRouter,
                model: NoModel::Refused(400),
                prefill: Prefill::Rest,
                logprobs: Logprobs::Null,
                more_samplers: true,
                schema: true,
                ..PLAIN
            },
            Dialect::Anthropic => {
                Habits { errors: Shape::Anthropic, model: NoModel::Refused(404), prefill: Prefill::Rest, ..PLAIN }
            }
            Dialect::Transformers => Habits {
                errors: Shape::Detail,
                model: NoModel::Refused(400),
                stranger: Stranger::Refused(422),
                bad_type: 500,
                keep_alive: FIVE_SECONDS,
                ..PLAIN
            },
            Dialect::Generic => PLAIN,
        }
    }

    pub fn keep_alive(self) -> KeepAlive {
        self.habits().keep_alive
    }

    pub fn fingerprint(self) -> Option<&'static str> {
        self.habits().fingerprint
    }
}

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
    prompt_tokens: AtomicU64,
    cached_tokens: AtomicU64,
    said_tokens: AtomicU64,
    unseeded: AtomicU64,
    last_prompt: Mutex<Vec<u32>>,
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
    fn json(status: u16, body: Value) -> Response {
        Response { status, headers: vec![], body: Body::Json(body), told: false, stream: None }
    }

    fn text(status: u16, kind: &'static str, text: impl Into<String>) -> Response {
        Response { body: Body::Text(kind, text.into()), ..Response::json(status, Value::Null) }
    }
}

/// Whether a path is one where a model answers.
pub fn completes(path: &str) -> bool {
    ["/completions", "/messages", "/completion", "/api/chat", "/api/generate", "/generate", "/responses"]
        .iter()
        .any(|end| path.ends_with(end))
}

/// A refusal as this dialect words it.
pub fn refusal(dialect: Dialect, shape: Shape, status: u16, message: &str) -> Response {
    let shape = match shape {
        Shape::Own if dialect == Dialect::Vllm && status == 401 => Shape::Text,
        Shape::Own => dialect.habits().errors,
        shape => shape,
    };
    let openai = match status {
        401 => ("invalid_request_error", json!("invalid_api_key")),
        402 => ("insufficient_quota", json!("insufficient_quota")),
        404 => ("invalid_request_error", json!("model_not_found")),
        429 => ("requests", json!("rate_limit_exceeded")),
        500.. => ("server_error", Value::Null),
        _ => ("invalid_request_error", Value::Null),
    };
    let (kind, code) = match (dialect, status) {
        (Dialect::Vllm | Dialect::SgLang, 404) => ("NotFoundError", json!(404)),
        (Dialect::Vllm | Dialect::SgLang, 500..) => ("InternalServerError", json!(status)),
        (Dialect::Vllm | Dialect::SgLang, _) => ("BadRequestError", json!(status)),
        (Dialect::Ollama, 404) => ("not_found_error", Value::Null),
        (Dialect::Ollama, 400) => ("invalid_request_error", Value::Null),
        (Dialect::Ollama, _) => ("api_error", Value::Null),
        (Dialect::LlamaCppPython, 500) => ("internal_server_error", Value::Null),
        _ => openai,
    };
    let llama = match status {
        401 => "authentication_error",
        404 => "not_found_error",
        501 => "not_supported_error",
        503 => "unavailable_error",
        500.. => "server_error",
        _ => "invalid_request_error",
    };
    let anthropic = match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    };
    let body = match shape {
        Shape::Own | Shape::OpenAi => json!({"error": {"message": message, "type": kind, "param": null, "code": code}}),
        Shape::LlamaServer => json!({"error": {"code": status, "message": message, "type": llama}}),
        Shape::OpenRouter => {
            json!({"error": {"message": message, "code": status, "metadata": {"provider_name": null}}, "user_id": "user_1"})
        }
        Shape::Anthropic => {
            json!({"type": "error", "error": {"type": anthropic, "message": message}, "request_id": "req_011CSHoEeqs5C35K2UUqR7Fy"})
        }
        Shape::Flat => json!({"object": "error", "message": message, "type": kind, "param": null, "code": status}),
        Shape::Text => json!({"error": message}),
        Shape::Detail => json!({"detail": message}),
        Shape::Details => json!({"detail": [{"type": "value_error", "loc": ["body"], "msg": message, "input": null}]}),
        Shape::Message => json!({"message": message}),
        Shape::Plain => return Response::text(status, "text/plain; charset=utf-8", format!("{message}\n")),
        Shape::Nothing => return Response::text(status, "text/plain; charset=utf-8", ""),
    };
    Response::json(status, body)
}

/// The words of a refusal where a fault gives none.
pub fn words(status: u16) -> &'static str {
    match status {
        400 => "Bad request",
        401 => "Invalid API Key",
        402 => "Insufficient credits",
        403 => "Forbidden",
        404 => "Not found",
        408 => "Request timed out",
        413 => "Request too large",
        422 => "Unprocessable",
        429 => "Rate limit reached for requests",
        502 => "Bad gateway",
        503 => "Loading model",
        529 => "Overloaded",
        _ => "Internal server error",
    }
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

    fn refuse(&self, status: u16, message: &str) -> Response {
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
            ("GET", "/api/tags", Dialect::Ollama) => ok(
                json!({"models": [{"name": self.model, "model": self.model, "digest": "0a1b2c", "details": {"format": "gguf", "quantization_level": "Q4_K_M"}}]}),
            ),
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
            _ => json!({"object": "list", "data": [{"id": model, "object": "model", "created": CREATED, "owned_by": "library"}]}),
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
                prompt - cached
            ),
            _ => format!(
                "# TYPE vllm:prompt_tokens_total counter\nvllm:prompt_tokens_total{{engine=\"0\",model_name=\"{model}\"}} {prompt}.0\n\
                 # TYPE vllm:generation_tokens_total counter\nvllm:generation_tokens_total{{engine=\"0\",model_name=\"{model}\"}} {said}.0\n\
                 # TYPE vllm:prefix_cache_queries_total counter\nvllm:prefix_cache_queries_total{{engine=\"0\",model_name=\"{model}\"}} {prompt}.0\n\
                 # TYPE vllm:prefix_cache_hits_total counter\nvllm:prefix_cache_hits_total{{engine=\"0\",model_name=\"{model}\"}} {cached}.0\n\
                 # TYPE vllm:request_success_total counter\n\
                 vllm:request_success_total{{engine=\"0\",finished_reason=\"stop\",model_name=\"{model}\"}} {answers}.0\n"
            ),
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
        match self.config.dialect {
            Dialect::OpenAi => vec![
                header("x-request-id", format!("req_{:032x}", seen.index)),
                header("openai-processing-ms", "5".into()),
                header("x-ratelimit-limit-requests", limit.to_string()),
                header("x-ratelimit-remaining-requests", left.to_string()),
                header("x-ratelimit-reset-requests", "6ms".into()),
                header("x-ratelimit-limit-tokens", "200000".into()),
                header("x-ratelimit-remaining-tokens", (200 * left.min(1000)).to_string()),
                header("x-ratelimit-reset-tokens", "6m0s".into()),
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

impl Response {
    fn with_status(self, status: u16) -> Response {
        Response { status, ..self }
    }
}

const CREATED: u64 = 1_750_000_000;

// -------------------------------------------------------------------------------------------------------------------
// A request, read as the dialect reads it.

/// The text that the model goes on with, and what of it counts as the answer.
struct Prompt {
    text: String,
    prefill: String,
}

/// The fields of the chat API; what is more is strange to those who look.
const KNOWN: &[&str] = &[
    "model",
    "messages",
    "prompt",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "n",
    "stop",
    "seed",
    "stream",
    "stream_options",
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "presence_penalty",
    "frequency_penalty",
    "response_format",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "user",
    "metadata",
    "store",
    "reasoning_effort",
    "service_tier",
    "verbosity",
    "echo",
    "best_of",
    "suffix",
    "modalities",
    "prediction",
    "prompt_cache_key",
    "safety_identifier",
];

const ANTHROPIC_KNOWN: &[&str] = &[
    "model",
    "messages",
    "max_tokens",
    "system",
    "temperature",
    "top_p",
    "top_k",
    "stop_sequences",
    "stream",
    "metadata",
    "tools",
    "tool_choice",
    "thinking",
    "service_tier",
    "output_config",
    "output_format",
    "cache_control",
];

impl House<'_> {
    fn habits(&self) -> Habits {
        let mut habits = self.config.dialect.habits();
        if self.config.strict && habits.stranger == Stranger::Ignored {
            habits.stranger = Stranger::Refused(422);
        }
        if self.config.dialect == Dialect::Vllm {
            habits.most_told = self.config.max_logprobs;
        }
        habits
    }

    fn check_model(&self, body: &Value) -> Result<(), Response> {
        let habits = self.habits();
        let (NoModel::Refused(status), Some(asked)) = (habits.model, body["model"].as_str().or(body.get("model").map(|_| "")))
        else {
            return match (self.config.dialect, body.get("model")) {
                (Dialect::OpenAi, None) => Err(self.refuse(400, "you must provide a model parameter")),
                _ => Ok(()),
            };
        };
        if asked == self.model || (self.config.dialect == Dialect::Transformers && asked == format!("{}@main", self.model)) {
            return Ok(());
        }
        let message = match self.config.dialect {
            Dialect::OpenAi => format!("The model `{asked}` does not exist or you do not have access to it."),
            Dialect::Ollama => format!("model '{asked}' not found"),
            Dialect::OpenRouter => format!("{asked} is not a valid model ID"),
            Dialect::Anthropic => format!("model: {asked}"),
            _ => format!("The model `{asked}` does not exist."),
        };
        Err(self.refuse(status, &message))
    }

    fn check_fields(&self, body: &Value, known: &[&str]) -> Result<(), Response> {
        let Stranger::Refused(status) = self.habits().stranger else { return Ok(()) };
        let mut fields = body.as_object().into_iter().flat_map(Map::keys);
        let Some(strange) = fields.find(|field| !known.contains(&field.as_str())) else { return Ok(()) };
        Err(match (self.config.dialect, status) {
            (Dialect::OpenAi, 400) => Response::json(
                400,
                json!({"error": {"message": format!("Unknown parameter: '{strange}'."), "type": "invalid_request_error",
                    "param": strange, "code": "unknown_parameter"}}),
            ),
            (_, 422) => Response::json(
                422,
                json!({"detail": [{"type": "extra_forbidden", "loc": ["body", strange],
                    "msg": "Extra inputs are not permitted", "input": body[strange]}]}),
            ),
            _ => self.refuse(status, &format!("{strange}: Extra inputs are not permitted")),
        })
    }

    /// Reasoning models of the OpenAI API refuse what they do not sample by.
    fn check_reasoning(&self, body: &Value) -> Result<(), Response> {
        let refused = ["max_tokens", "temperature", "top_p", "logprobs", "top_logprobs", "logit_bias"];
        match refused.iter().find(|field| self.config.reasoning && body.get(**field).is_some_and(|value| !value.is_null())) {
            None => Ok(()),
            Some(field) => Err(Response::json(
                400,
                json!({"error": {"message": format!("Unsupported parameter: '{field}' is not supported with this model."),
                    "type": "invalid_request_error", "param": field, "code": "unsupported_parameter"}}),
            )),
        }
    }

    /// A number, or nothing; null is nothing.
    fn number(&self, body: &Value, field: &str) -> Result<Option<f64>, Response> {
        match body.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Number(number)) => Ok(number.as_f64()),
            Some(other) => {
                let is = match other {
                    Value::String(_) => "string",
                    Value::Bool(_) => "boolean",
                    Value::Array(_) => "array",
                    _ => "object",
                };
                let message = format!("Field '{field}': [json.exception.type_error.302] type must be number, but is {is}");
                Err(self.refuse(self.habits().bad_type, &message))
            }
        }
    }

    fn max_tokens(&self, body: &Value, chat: bool) -> Result<usize, Response> {
        let dialect = self.config.dialect;
        let habits = self.habits();
        let long = self.number(body, "max_completion_tokens")?.filter(|_| habits.max_completion_tokens);
        let asked = match long {
            Some(asked) => Some(asked),
            None => self.number(body, "max_tokens")?,
        };
        let default = if chat || dialect == Dialect::LlamaServer { self.config.longest } else { 16 };
        match asked {
            None => Ok(default),
            // Measured: llama-server always says at least one token, and -1 is no limit.
            Some(asked) if dialect == Dialect::LlamaServer && (-1.0..1.0).contains(&asked) => {
                Ok(if asked < 0.0 { default } else { 1 })
            }
            Some(asked) if asked < 0.0 && dialect == Dialect::LlamaCppPython => Ok(self.config.longest),
            Some(asked) if asked < 0.0 && dialect == Dialect::Ollama => Ok(self.config.longest),
            Some(asked) if asked < 0.0 => Err(self.refuse(
                habits.bad_type,
                &format!("Field 'max_tokens': Value must be between -1 <= value <= 2147483647, but got {asked}"),
            )),
            Some(0.0) if !chat && dialect == Dialect::LlamaCppPython => Ok(self.config.longest),
            Some(0.0) if chat && dialect == Dialect::Vllm => Err(self.refuse(400, "max_tokens must be at least 1, got 0.")),
            Some(asked) => Ok(asked as usize),
        }
    }

    fn prompt(&self, body: &Value) -> Result<Prompt, Response> {
        let dialect = self.config.dialect;
        let Some(given) = body.get("messages") else { return Err(self.refuse(400, "'messages' is required")) };
        let Some(messages) = given.as_array() else {
            return Err(self.refuse(self.habits().bad_type, "Expected 'messages' to be an array"));
        };
        if messages.is_empty() && !matches!(dialect, Dialect::LlamaServer | Dialect::LlamaCppPython) {
            let status = if dialect == Dialect::Transformers { 500 } else { 400 };
            return Err(self.refuse(status, "messages: at least one message is required"));
        }
        let mut text = String::new();
        if let Some(system) = body.get("system") {
            text += &format!("<|system|>\n{}<|end|>\n", said(system));
        }
        for message in messages {
            let role = message["role"].as_str().unwrap_or_default();
            let known = ["system", "developer", "user", "assistant", "tool"].contains(&role);
            if role == "developer" && dialect == Dialect::LlamaCppPython {
                return Err(self.refuse(500, "Unexpected role: developer"));
            }
            if !known && dialect != Dialect::LlamaServer {
                return Err(self.refuse(self.habits().bad_type, &format!("Invalid value: '{role}'.")));
            }
            if message.get("content").is_none() && role != "assistant" {
                return Err(self.refuse(self.habits().bad_type, "All non-assistant messages must contain 'content'"));
            }
            text += &format!("<|{role}|>\n{}<|end|>\n", said(&message["content"]));
        }
        let ends = |back: usize| messages.len() > back && messages[messages.len() - 1 - back]["role"] == "assistant";
        let continues = match self.habits().prefill {
            Prefill::Whole | Prefill::Rest => ends(0),
            Prefill::OnRequest => body["continue_final_message"] == true && ends(0),
            Prefill::NewTurn => false,
        };
        if dialect == Dialect::LlamaServer && ends(0) && ends(1) {
            return Err(self.refuse(400, "Cannot have 2 or more assistant messages at the end of the list."));
        }
        if dialect == Dialect::Vllm && continues && body["add_generation_prompt"] != false {
            let message = "Cannot set both `continue_final_message` and `add_generation_prompt` to True.";
            return Err(self.refuse(400, message));
        }
        if continues {
            text.truncate(text.len() - "<|end|>\n".len());
            return Ok(Prompt { text, prefill: said(&messages[messages.len() - 1]["content"]) });
        }
        text += "<|assistant|>\n";
        Ok(Prompt { text, prefill: String::new() })
    }

    /// The texts that a request allows, by whichever mechanism this dialect takes.
    fn only(&self, body: &Value) -> Result<Option<Vec<String>>, Response> {
        let dialect = self.config.dialect;
        let habits = self.habits();
        let llama = matches!(dialect, Dialect::LlamaServer | Dialect::LlamaCppPython);
        let bad_grammar = || self.refuse(400, "Failed to initialize samplers: failed to parse grammar");
        if let Some(grammar) = body["grammar"].as_str().filter(|text| llama && !text.is_empty()) {
            return alternatives(grammar).map(Some).ok_or_else(bad_grammar);
        }
        if dialect == Dialect::SgLang {
            if let Some(regex) = body["regex"].as_str() {
                return Ok(Some(branches(regex)));
            }
            if let Some(grammar) = body["ebnf"].as_str() {
                return alternatives(grammar).map(Some).ok_or_else(bad_grammar);
            }
        }
        if dialect == Dialect::Vllm {
            let wish = &body["structured_outputs"];
            if let Some(choice) = wish["choice"].as_array() {
                return Ok(Some(choice.iter().map(said).collect()));
            }
            if let Some(regex) = wish["regex"].as_str() {
                return Ok(Some(branches(regex)));
            }
            if let Some(grammar) = wish["grammar"].as_str() {
                return alternatives(grammar).map(Some).ok_or_else(bad_grammar);
            }
            if wish["json"].is_object() {
                return Ok(Some(spaced(&wish["json"], dialect)));
            }
        }
        if dialect == Dialect::LlamaServer && body["json_schema"].is_object() {
            return Ok(Some(spaced(&body["json_schema"], dialect)));
        }
        let format = &body["response_format"];
        match format["type"].as_str() {
            None | Some("text") => Ok(None),
            Some("json_object") if habits.schema || llama => match format.get("schema") {
                Some(schema) if llama => Ok(Some(spaced(schema, dialect))),
                _ => Ok(Some(vec!["{}".into(), "{\"choice\": \"Q\"}".into(), "{\"choice\": \"M\"}".into()])),
            },
            Some("json_schema") if dialect == Dialect::LlamaCppPython => {
                Err(self.refuse(500, "1 validation error for CreateChatCompletionRequest: response_format.type"))
            }
            Some("json_schema") if habits.schema => {
                let schema = &format["json_schema"]["schema"];
                if dialect == Dialect::OpenAi && schema["type"] != "object" {
                    let message = "Invalid schema for response_format: schema must be a JSON Schema of 'type: \"object\"'.";
                    return Err(self.refuse(400, message));
                }
                Ok(Some(spaced(schema, dialect)))
            }
            Some(other) if dialect == Dialect::LlamaServer => {
                let message = format!("response_format type must be one of \"text\" or \"json_object\", but got: {other}");
                Err(self.refuse(400, &message))
            }
            Some(_) => Ok(None),
        }
    }

    /// How many alternatives are asked for.
    fn told(&self, body: &Value, chat: bool) -> Result<Option<usize>, Response> {
        let (dialect, habits) = (self.config.dialect, self.habits());
        if habits.logprobs != Logprobs::Given {
            return Ok(None);
        }
        let asked = match &body["logprobs"] {
            Value::Bool(true) => self.number(body, "top_logprobs")?.or(match dialect {
                Dialect::LlamaServer => Some(20.0),
                _ => Some(0.0),
            }),
            Value::Number(number) if !chat => number.as_f64(),
            Value::Number(_) => return Err(self.refuse(habits.bad_type, "Field 'logprobs': type must be boolean, but is number")),
            _ if chat && body["top_logprobs"].as_f64().is_some_and(|k| k > 0.0) => {
                return match dialect {
                    Dialect::OpenAi | Dialect::Vllm | Dialect::LlamaServer => {
                        Err(self.refuse(400, "top_logprobs requires logprobs to be set to true"))
                    }
                    _ => Ok(None),
                };
            }
            _ => None,
        };
        let Some(asked) = asked else { return Ok(None) };
        if dialect == Dialect::LlamaCppPython && !self.config.logits_all {
            return Err(self.refuse(500, "logprobs is not supported for models created with logits_all=False"));
        }
        // Measured: llama-server takes a number below one for no wish at all.
        if dialect == Dialect::LlamaServer {
            return Ok(Some(asked).filter(|asked| *asked >= 1.0).map(|asked| asked as usize));
        }
        if asked < 0.0 || asked > habits.most_told as f64 {
            let most = habits.most_told;
            return Err(self.refuse(
                400,
                &match dialect {
                    Dialect::Ollama => "top_logprobs must be between 0 and 20".to_string(),
                    Dialect::Vllm => format!("Requested sample logprobs of {asked}, which is greater than max allowed: {most}"),
                    _ => format!("Invalid value for 'top_logprobs': must be less than or equal to {most}."),
                },
            ));
        }
        Ok(Some(asked as usize))
    }

    fn manner(&self, body: &Value, chat: bool) -> Result<Manner, Response> {
        let (dialect, habits) = (self.config.dialect, self.habits());
        let sampler = |field| if habits.more_samplers { self.number(body, field) } else { Ok(None) };
        let stop = match (&body["stop"], &body["stop_sequences"]) {
            (Value::String(stop), _) => vec![stop.clone()],
            (Value::Array(stops), _) | (_, Value::Array(stops)) => stops.iter().map(said).collect(),
            _ => vec![],
        };
        let pair = |id: &Value, more: &Value| {
            let id = id.as_u64().or_else(|| id.as_str()?.parse().ok())?;
            Some((u32::try_from(id).ok()?, more.as_f64()?))
        };
        let bias = match &body["logit_bias"] {
            Value::Object(map) => map.iter().filter_map(|(id, more)| pair(&json!(id), more)).collect(),
            Value::Array(pairs) => pairs.iter().filter_map(|p| pair(&p[0], &p[1])).collect(),
            _ => vec![],
        };
        if !bias.is_empty() && dialect == Dialect::Transformers {
            return Err(self.refuse(500, "logit_bias"));
        }
        // The Anthropic API has no seed, and takes none in its compatible layer.
        let seed = self.number(body, "seed")?.filter(|seed| *seed >= 0.0 && dialect != Dialect::Anthropic);
        let temperature = self.number(body, "temperature")?.unwrap_or(habits.temperature);
        Ok(Manner {
            // Measured: transformers came out greedy whatever the temperature.
            temperature: if dialect == Dialect::Transformers { 0.0 } else { temperature },
            top_k: sampler("top_k")?.map_or(habits.top_k, |k| k.max(0.0) as usize),
            top_p: self.number(body, "top_p")?.unwrap_or(habits.top_p),
            min_p: sampler("min_p")?.unwrap_or(habits.min_p),
            seed: seed.map_or_else(|| pretend::mix(self.tally.unseeded.fetch_add(1, Relaxed)), |seed| seed as u64),
            max_tokens: self.max_tokens(body, chat)?,
            stop,
            bias: if matches!(dialect, Dialect::Ollama | Dialect::Anthropic) { vec![] } else { bias },
            only: self.only(body)?,
            renormalise: habits.renormalises,
            top: self.told(body, chat)?,
        })
    }

    /// What the model, or the test in its place, says.
    fn write(&self, body: &Value, prompt: &str, manner: &Manner) -> Result<Written, Response> {
        let source = match self.config.answer.as_ref().map(|answer| answer(body)) {
            None | Some(Reply::Pretend) => Source::Pretend,
            Some(Reply::Text(text)) => Source::Text(text),
            Some(Reply::Odds(odds)) => Source::Odds(odds),
            Some(Reply::Json(status, body)) => return Err(Response::json(status, body)),
        };
        Ok(pretend::write(self.vocabulary, &source, prompt.as_bytes(), manner))
    }

    /// The tokens of the prompt, and how many of them the prompt before began with too.
    fn count(&self, text: &str, manner: &Manner) -> Result<(usize, usize), Response> {
        let cut = self.vocabulary.cut(text.as_bytes());
        let (n, most) = (cut.len(), self.config.context);
        let over = match self.config.dialect {
            // It cuts the prompt without a word.
            Dialect::Ollama | Dialect::Transformers => false,
            Dialect::Vllm => n + manner.max_tokens.min(1) > most,
            _ => n >= most,
        };
        if over {
            let message = match self.config.dialect {
                Dialect::LlamaServer => {
                    format!("request ({n} tokens) exceeds the available context size ({most} tokens), try increasing it")
                }
                Dialect::Anthropic => format!("prompt is too long: {n} tokens > {most} maximum"),
                _ => format!(
                    "This model's maximum context length is {most} tokens. However, your messages resulted in {n} tokens."
                ),
            };
            let mut refused = self.refuse(400, &message);
            if let Body::Json(body) = &mut refused.body {
                match self.config.dialect {
                    Dialect::LlamaServer => {
                        body["error"]["type"] = json!("exceed_context_size_error");
                        body["error"]["n_prompt_tokens"] = json!(n);
                        body["error"]["n_ctx"] = json!(most);
                    }
                    Dialect::OpenAi | Dialect::LlamaCppPython => body["error"]["code"] = json!("context_length_exceeded"),
                    _ => {}
                }
            }
            return Err(refused);
        }
        let mut last = self.tally.last_prompt.lock().expect("no panic holds it");
        let cached = last.iter().zip(&cut).take_while(|(a, b)| a == b).count().min(n.saturating_sub(1));
        *last = cut;
        self.tally.prompt_tokens.fetch_add(n as u64, Relaxed);
        self.tally.cached_tokens.fetch_add(cached as u64, Relaxed);
        Ok((n, cached))
    }
}

/// The text of a content: a string, or parts.
fn said(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}

/// The literals of a grammar that is `root ::= "a" | "b"`, perhaps in brackets.
fn alternatives(grammar: &str) -> Option<Vec<String>> {
    let rule = grammar.trim().strip_prefix("root")?.trim_start().strip_prefix("::=")?.trim();
    let rule = rule.strip_prefix('(').and_then(|rule| rule.strip_suffix(')')).unwrap_or(rule);
    let mut left = rule.trim();
    let mut found = Vec::new();
    loop {
        // Literals are escaped as in JSON, as far as anybody here goes.
        let mut values = serde_json::Deserializer::from_str(left).into_iter::<String>();
        found.push(values.next()?.ok()?);
        left = left[values.byte_offset()..].trim();
        match left.strip_prefix('|') {
            Some(rest) => left = rest.trim(),
            None => return left.is_empty().then_some(found),
        }
    }
}

/// The branches of a regular expression that is an alternation of escaped words.
fn branches(regex: &str) -> Vec<String> {
    let bare = regex.trim_start_matches('^').trim_end_matches('$');
    let bare = bare.strip_prefix('(').and_then(|bare| bare.strip_suffix(')')).unwrap_or(bare);
    bare.trim_start_matches("?:").split('|').map(|word| word.replace('\\', "")).collect()
}

/// The JSON texts that a schema of enums, constants and objects of these allows, in the spacings that servers produce.
fn spaced(schema: &Value, dialect: Dialect) -> Vec<String> {
    let plain: Vec<String> = values(schema).iter().map(Value::to_string).collect();
    let mut texts: Vec<String> = plain.iter().map(|text| text.replace("\":", "\": ").replace(",\"", ", \"")).collect();
    if dialect == Dialect::LlamaServer {
        // Measured: the grammar made from a schema allows white space nearly everywhere, and a random model uses it.
        texts.extend(plain.iter().map(|text| text.replace('{', "{ ").replace("\":", "\"\n  :").replace('}', " }")));
    }
    texts.extend(plain);
    texts.dedup();
    texts
}

fn values(schema: &Value) -> Vec<Value> {
    if let Some(constant) = schema.get("const") {
        return vec![constant.clone()];
    }
    if let Some(few) = schema["enum"].as_array() {
        return few.clone();
    }
    if let Some(any) = schema["anyOf"].as_array().or(schema["oneOf"].as_array()) {
        return any.iter().flat_map(values).collect();
    }
    match schema["type"].as_str() {
        Some("string") => vec![json!("Q"), json!("M"), json!("Alice")],
        Some("integer" | "number") => {
            let low = schema["minimum"].as_i64().unwrap_or(0);
            let high = schema["maximum"].as_i64().unwrap_or(low + 10).min(low + 100);
            (low..=high).map(Value::from).collect()
        }
        Some("boolean") => vec![json!(true), json!(false)],
        Some("array") => values(&schema["items"]).into_iter().map(|item| json!([item])).collect(),
        Some("object") | None if schema["properties"].is_object() => {
            let mut objects = vec![Map::new()];
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                let choices = values(property);
                let with = |object: &Map<String, Value>, value: &Value| {
                    let mut object = object.clone();
                    object.insert(name.clone(), value.clone());
                    object
                };
                objects = objects
                    .iter()
                    .flat_map(|object| choices.iter().map(|value| with(object, value)).collect::<Vec<_>>())
                    .collect();
                objects.truncate(256);
            }
            objects.into_iter().map(Value::Object).collect()
        }
        _ => vec![json!({})],
    }
}

// -------------------------------------------------------------------------------------------------------------------
// An answer, worded as the dialect words it.

impl House<'_> {
    fn completion(&self, seen: &Seen, chat: bool) -> Result<Response, Response> {
        let body = &seen.body;
        let (dialect, habits) = (self.config.dialect, self.habits());
        if !body.is_object() {
            let message = "[json.exception.parse_error.101] parse error at line 1, column 1: syntax error while parsing value";
            return Err(self.refuse(400, message));
        }
        self.check_model(body)?;
        self.check_fields(body, KNOWN)?;
        self.check_reasoning(body)?;
        let prompts = if chat { vec![self.prompt(body)?] } else { self.plain_prompts(body)? };
        let n = self.number(body, "n")?.unwrap_or(1.0);
        if n < 1.0 || (dialect == Dialect::Anthropic && n != 1.0) || (dialect == Dialect::LlamaServer && n > 32.0) {
            return Err(self.refuse(400, &format!("Field 'n': Value must be between 1 <= value <= 32, but got {n}")));
        }
        let n = if habits.many { n as usize } else { 1 };
        let mut manner = self.manner(body, chat)?;
        let mut choices = Vec::new();
        let (mut asked, mut cached, mut said) = (0, 0, 0);
        let mut first = None;
        for prompt in &prompts {
            let (tokens, known) = self.count(&prompt.text, &manner)?;
            asked += tokens;
            cached += known;
            for _ in 0..n {
                let written = self.write(body, &prompt.text, &manner)?;
                manner.seed = pretend::mix(manner.seed);
                said += written.steps.len();
                first.get_or_insert((asked, cached, said));
                let index = choices.len();
                choices.push(if chat {
                    self.chat_choice(index, prompt, &written, &manner)
                } else {
                    self.text_choice(index, prompt, &written, &manner, body)
                });
            }
        }
        self.tally.said_tokens.fetch_add(said as u64, Relaxed);
        let mut answer = json!({
            "id": format!("{}-{}", if chat || dialect == Dialect::LlamaServer { "chatcmpl" } else { "cmpl" }, seen.index),
            "object": if chat { "chat.completion" } else { "text_completion" },
            "created": CREATED,
            "model": self.told_model(body),
            "choices": choices,
        });
        if self.fingerprint.is_some() {
            answer["system_fingerprint"] = json!(self.fingerprint);
        }
        if dialect == Dialect::LlamaServer {
            // Measured: of several prompts and choices, the usage is that of the first.
            (asked, cached, said) = first.unwrap_or_default();
        }
        answer["usage"] = self.usage(asked, cached, said);
        match dialect {
            Dialect::LlamaServer => {
                answer["timings"] = json!({
                    "cache_n": cached, "prompt_n": asked - cached, "prompt_ms": 0.2, "prompt_per_token_ms": 0.2,
                    "prompt_per_second": 5000.0, "predicted_n": said, "predicted_ms": 0.1, "predicted_per_token_ms": 0.1,
                    "predicted_per_second": 10000.0});
            }
            Dialect::Vllm => answer["prompt_logprobs"] = self.prompt_logprobs(body, &prompts[0].text),
            Dialect::OpenRouter => answer["provider"] = json!("Pretend"),
            _ => {}
        }
        let stream = (body["stream"] == true).then(|| habits.usage_in_stream && body["stream_options"]["include_usage"] == true);
        Ok(Response { told: true, stream, ..Response::json(200, answer) })
    }

    fn plain_prompts(&self, body: &Value) -> Result<Vec<Prompt>, Response> {
        let text = |text: String| Prompt { text, prefill: String::new() };
        let ids = |ids: &[Value]| {
            let token = |id: &Value| {
                id.as_u64().filter(|id| *id < self.vocabulary.len() as u64).map(|id| self.vocabulary.token(id as u32))
            };
            let bytes: Option<Vec<&[u8]>> = ids.iter().map(token).collect();
            bytes.map(|bytes| text(String::from_utf8_lossy(&bytes.concat()).into_owned()))
        };
        let prompts = match &body["prompt"] {
            Value::String(prompt) => Some(vec![text(prompt.clone())]),
            Value::Array(_) if !self.habits().batches => None,
            Value::Array(list) if list.iter().all(Value::is_number) => ids(list).map(|prompt| vec![prompt]),
            Value::Array(list) => list
                .iter()
                .map(|one| match one {
                    Value::String(prompt) => Some(text(prompt.clone())),
                    Value::Array(list) => ids(list),
                    _ => None,
                })
                .collect(),
            Value::Null => return Err(self.refuse(400, "[json.exception.out_of_range.403] key 'prompt' not found")),
            _ => None,
        };
        // Measured: 500 in llama-cpp-python, 400 in transformers; Ollama cannot read anything but a string.
        let status = if self.config.dialect == Dialect::LlamaCppPython { 500 } else { 400 };
        prompts.filter(|prompts| !prompts.is_empty()).ok_or_else(|| self.refuse(status, "prompt must be a string"))
    }

    fn told_model(&self, body: &Value) -> String {
        match self.config.dialect {
            Dialect::Transformers => format!("{}@main", self.model),
            // Measured: these answer with the name that was asked for.
            Dialect::LlamaCppPython | Dialect::Generic => body["model"].as_str().unwrap_or(&self.model).to_string(),
            _ => self.model.clone(),
        }
    }

    fn usage(&self, asked: usize, cached: usize, said: usize) -> Value {
        if !self.config.usage {
            return Value::Null;
        }
        let mut usage = json!({"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said});
        match self.config.dialect {
            Dialect::Generic => return Value::Null,
            Dialect::LlamaServer => usage["prompt_tokens_details"] = json!({"cached_tokens": cached}),
            Dialect::Vllm | Dialect::SgLang => usage["prompt_tokens_details"] = Value::Null,
            Dialect::OpenAi => {
                usage["prompt_tokens_details"] =
                    json!({"cached_tokens": if cached >= 1024 { cached } else { 0 }, "audio_tokens": 0});
                usage["completion_tokens_details"] = json!({"reasoning_tokens": 0, "audio_tokens": 0});
            }
            Dialect::OpenRouter => {
                usage["cost"] = json!(1e-7 * asked as f64 + 4e-7 * said as f64);
                usage["is_byok"] = json!(false);
            }
            _ => {}
        }
        usage
    }

    fn chat_choice(&self, index: usize, prompt: &Prompt, written: &Written, manner: &Manner) -> Value {
        let habits = self.habits();
        let mut text = String::from_utf8_lossy(&written.text).into_owned();
        if habits.prefill == Prefill::Whole {
            text.insert_str(0, &prompt.prefill);
        }
        let mut choice =
            json!({"index": index, "message": {"role": "assistant", "content": text}, "finish_reason": written.finish});
        match (self.config.dialect, habits.logprobs, manner.top) {
            (Dialect::LlamaServer, _, top) => {
                // Measured: there is no such field when nothing is to tell, and nothing is told of half characters.
                if let (Some(_), Some(told)) = (top, self.chat_logprobs(written)) {
                    choice["logprobs"] = told;
                }
            }
            (_, Logprobs::Given, Some(_)) => choice["logprobs"] = self.chat_logprobs(written).unwrap_or(Value::Null),
            (Dialect::Ollama, ..) | (_, Logprobs::Absent, _) => {}
            _ => choice["logprobs"] = Value::Null,
        }
        match self.config.dialect {
            Dialect::OpenAi => {
                choice["message"]["refusal"] = Value::Null;
                choice["message"]["annotations"] = json!([]);
            }
            Dialect::Vllm => {
                choice["message"]["reasoning"] = Value::Null;
                choice["message"]["tool_calls"] = json!([]);
                choice["stop_reason"] = Value::Null;
                choice["token_ids"] = Value::Null;
            }
            Dialect::SgLang => {
                choice["message"]["reasoning_content"] = Value::Null;
                choice["message"]["tool_calls"] = Value::Null;
                choice["matched_stop"] = Value::Null;
            }
            Dialect::OpenRouter => choice["native_finish_reason"] = json!(written.finish),
            _ => {}
        }
        choice
    }

    /// The text of a token, as far as it has one.
    fn name(&self, id: u32, token: &[u8]) -> String {
        match self.config.dialect {
            _ if id == pretend::END => self.habits().end_told.unwrap_or("").to_string(),
            // Measured: the first byte of a longer character comes as nothing.
            Dialect::LlamaServer if token.len() == 1 && token[0] >= 0xc0 => String::new(),
            _ => String::from_utf8_lossy(token).into_owned(),
        }
    }

    fn chat_entry(&self, id: u32, token: &[u8], logprob: f64) -> Value {
        let name = self.name(id, token);
        match self.config.dialect {
            Dialect::LlamaServer => json!({"id": id, "token": name, "bytes": token, "logprob": logprob}),
            Dialect::LlamaCppPython => json!({"token": name, "logprob": logprob, "bytes": null}),
            Dialect::Vllm => json!({"token": name, "logprob": logprob.max(-9999.0), "bytes": name.as_bytes()}),
            _ => json!({"token": name, "logprob": logprob, "bytes": token}),
        }
    }

    /// The steps whose log-probabilities are told.
    fn told_steps<'w>(&self, written: &'w Written) -> Vec<&'w Step> {
        let habits = self.habits();
        let mut text = Vec::new();
        let whole = |step: &&Step| {
            text.extend(&step.token);
            self.config.dialect != Dialect::LlamaServer
                || !std::str::from_utf8(&text).is_err_and(|error| error.error_len().is_none())
        };
        let end = |step: &&Step| step.id != pretend::END || habits.end_told.is_some();
        let mut told: Vec<&Step> = written.steps.iter().filter(end).filter(whole).collect();
        if let (Dialect::LlamaServer, Some(stop)) = (self.config.dialect, &written.stopped_at) {
            // Measured: it drops as many as the stop word has tokens by itself, whatever the tokens that were drawn.
            told.truncate(told.len().saturating_sub(self.vocabulary.cut(stop.as_bytes()).len()));
        }
        told
    }

    fn chat_logprobs(&self, written: &Written) -> Option<Value> {
        let dialect = self.config.dialect;
        let told = |step: &Step| {
            let mut top: Vec<(u32, &[u8], f64)> = step.top.iter().map(|(id, token, p)| (*id, token.as_slice(), *p)).collect();
            match dialect {
                Dialect::Vllm if !top.is_empty() => {
                    // The one drawn comes first, so the list is unsorted and may be one longer than asked for.
                    top.retain(|t| t.0 != step.id);
                    top.insert(0, (step.id, &step.token, step.logprob));
                }
                Dialect::LlamaCppPython => {
                    // It keeps them by text, so tokens with the same text collapse.
                    let mut names = std::collections::HashSet::new();
                    top.retain(|t| names.insert(self.name(t.0, t.1)));
                }
                _ => {}
            }
            let mut entry = self.chat_entry(step.id, &step.token, step.logprob);
            entry["top_logprobs"] = top.into_iter().map(|(id, token, p)| self.chat_entry(id, token, p)).collect();
            entry
        };
        let content: Vec<Value> = self.told_steps(written).into_iter().map(told).collect();
        match dialect {
            Dialect::LlamaServer if content.is_empty() => None,
            Dialect::OpenAi => Some(json!({"content": content, "refusal": null})),
            _ => Some(json!({"content": content})),
        }
    }

    fn text_choice(&self, index: usize, prompt: &Prompt, written: &Written, manner: &Manner, body: &Value) -> Value {
        let dialect = self.config.dialect;
        let echo = body["echo"] == true && matches!(dialect, Dialect::Vllm | Dialect::LlamaCppPython | Dialect::Generic);
        let mut text = String::from_utf8_lossy(&written.text).into_owned();
        if echo {
            text.insert_str(0, &prompt.text);
        }
        let logprobs = match (dialect, manner.top) {
            (_, None) => Value::Null,
            // Measured: here too in the shape of the chat.
            (Dialect::LlamaServer, Some(_)) => self.chat_logprobs(written).unwrap_or(Value::Null),
            (_, Some(top)) => {
                let before = if echo { pretend::reread(self.vocabulary, prompt.text.as_bytes(), top) } else { vec![] };
                self.legacy_logprobs(&before, written)
            }
        };
        let mut choice = json!({"index": index, "text": text, "logprobs": logprobs, "finish_reason": written.finish});
        if dialect == Dialect::Vllm {
            choice["stop_reason"] = Value::Null;
            choice["prompt_logprobs"] = Value::Null;
        }
        choice
    }

    fn legacy_logprobs(&self, before: &[(Step, usize)], written: &Written) -> Value {
        let steps: Vec<&Step> = before.iter().map(|(step, _)| step).chain(self.told_steps(written)).collect();
        let mut offsets = vec![0];
        steps.iter().for_each(|step| offsets.push(offsets[offsets.len() - 1] + step.token.len()));
        offsets.pop();
        // Nothing comes before the first token of an echoed prompt.
        let first = |at: usize| at == 0 && !before.is_empty();
        let top = |step: &Step| {
            let mut map = Map::new();
            if self.config.dialect == Dialect::Vllm {
                map.insert(self.name(step.id, &step.token), json!(step.logprob.max(-9999.0)));
            }
            step.top.iter().for_each(|(id, token, p)| {
                map.entry(self.name(*id, token)).or_insert(json!(p));
            });
            Value::Object(map)
        };
        json!({
            "tokens": steps.iter().map(|step| self.name(step.id, &step.token)).collect::<Vec<_>>(),
            "token_logprobs": steps.iter().enumerate().map(|(at, step)| if first(at) { Value::Null } else { json!(step.logprob) }).collect::<Vec<_>>(),
            "top_logprobs": steps.iter().enumerate().map(|(at, step)| if first(at) { Value::Null } else { top(step) }).collect::<Vec<_>>(),
            "text_offset": offsets,
        })
    }

    fn prompt_logprobs(&self, body: &Value, prompt: &str) -> Value {
        let Some(top) = body["prompt_logprobs"].as_u64() else { return Value::Null };
        let told = |(at, (step, rank)): (usize, &(Step, usize))| {
            if at == 0 {
                return Value::Null;
            }
            let entry = |token: &[u8], logprob: f64, rank: usize| json!({"logprob": logprob, "rank": rank, "decoded_token": String::from_utf8_lossy(token)});
            let mut map = Map::new();
            map.insert(step.id.to_string(), entry(&step.token, step.logprob, *rank));
            for (nth, (id, token, logprob)) in step.top.iter().enumerate() {
                map.entry(id.to_string()).or_insert(entry(token, *logprob, nth + 1));
            }
            Value::Object(map)
        };
        pretend::reread(self.vocabulary, prompt.as_bytes(), top as usize).iter().enumerate().map(told).collect()
    }

    /// Anthropic's own API, which llama-server and vLLM speak too.
    fn message(&self, seen: &Seen) -> Result<Response, Response> {
        let body = &seen.body;
        let native = self.config.dialect == Dialect::Anthropic;
        if native && seen.header("anthropic-version").is_none() {
            return Err(self.refuse(400, "anthropic-version: header is required"));
        }
        self.check_model(body)?;
        if let Some(field) =
            body.as_object().into_iter().flat_map(Map::keys).find(|field| native && !ANTHROPIC_KNOWN.contains(&field.as_str()))
        {
            return Err(self.refuse(400, &format!("{field}: Extra inputs are not permitted")));
        }
        if native && !body["max_tokens"].is_u64() {
            return Err(self.refuse(400, "max_tokens: Field required"));
        }
        if native && body["temperature"].as_f64().is_some_and(|temperature| !(0.0..=1.0).contains(&temperature)) {
            return Err(self.refuse(400, "temperature: range: 0..1"));
        }
        if let Some(role) =
            body["messages"].as_array().into_iter().flatten().filter_map(|m| m["role"].as_str()).find(|role| *role == "system")
        {
            return Err(self.refuse(
                400,
                &format!("messages: Unexpected role \"{role}\". The Messages API accepts a top-level `system` parameter."),
            ));
        }
        let prompt = self.prompt(body)?;
        if native && !prompt.prefill.is_empty() && self.config.reasoning {
            return Err(self.refuse(
                400,
                "This model does not support assistant message prefill. The conversation must end with a user message.",
            ));
        }
        if native && prompt.prefill.ends_with(char::is_whitespace) {
            return Err(self.refuse(400, "messages: final assistant content cannot end with trailing whitespace"));
        }
        let mut manner = self.manner(body, true)?;
        let format =
            if body["output_config"]["format"].is_object() { &body["output_config"]["format"] } else { &body["output_format"] };
        if native && format["type"] == "json_schema" {
            manner.only = Some(spaced(&format["schema"], self.config.dialect));
        }
        let (asked, cached) = self.count(&prompt.text, &manner)?;
        let written = self.write(body, &prompt.text, &manner)?;
        self.tally.said_tokens.fetch_add(written.steps.len() as u64, Relaxed);
        let mut text = String::from_utf8_lossy(&written.text).into_owned();
        if self.habits().prefill == Prefill::Whole {
            text.insert_str(0, &prompt.prefill);
        }
        let stop = match (written.finish, &written.stopped_at) {
            ("length", _) => "max_tokens",
            (_, Some(_)) => "stop_sequence",
            _ => "end_turn",
        };
        let content = if text.is_empty() { json!([]) } else { json!([{"type": "text", "text": text}]) };
        let answer = json!({
        "id": format!("msg_{:024}", seen.index), "type": "message", "role": "assistant", "model": self.model,
        "content": content, "stop_reason": stop, "stop_sequence": written.stopped_at,
        "usage": if native {
            json!({"input_tokens": asked, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
                "output_tokens": written.steps.len(), "service_tier": "standard"})
        } else {
            json!({"cache_read_input_tokens": cached, "input_tokens": asked - cached, "output_tokens": written.steps.len()})
        }});
        let stream = (body["stream"] == true).then_some(true);
        Ok(Response { told: true, stream, ..Response::json(200, answer) })
    }
}

/// An answer cut into the events of a stream, without the `data: `.
pub fn events(answer: &Value, usage: bool) -> Vec<String> {
    let mut events = Vec::new();
    if answer["type"] == "message" {
        let mut start = answer.clone();
        start["content"] = json!([]);
        start["stop_reason"] = Value::Null;
        events.push(json!({"type": "message_start", "message": start}));
        events.push(json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}));
        for piece in pieces(answer["content"][0]["text"].as_str().unwrap_or_default()) {
            events.push(json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}));
        }
        events.push(json!({"type": "content_block_stop", "index": 0}));
        let out = json!({"output_tokens": answer["usage"]["output_tokens"]});
        let end = json!({"stop_reason": answer["stop_reason"], "stop_sequence": answer["stop_sequence"]});
        events.push(json!({"type": "message_delta", "delta": end, "usage": out}));
        events.push(json!({"type": "message_stop"}));
        return events.iter().map(Value::to_string).collect();
    }
    let chat = answer["object"] == "chat.completion";
    let chunk = |choices: Value| {
        let mut chunk = answer.clone();
        let fields = chunk.as_object_mut().expect("answers are objects");
        ["usage", "timings", "prompt_logprobs"].iter().for_each(|field| drop(fields.remove(*field)));
        fields.insert("object".into(), json!(if chat { "chat.completion.chunk" } else { "text_completion" }));
        fields.insert("choices".into(), choices);
        chunk
    };
    for choice in answer["choices"].as_array().into_iter().flatten() {
        let index = &choice["index"];
        if chat {
            events.push(chunk(json!([{"index": index, "delta": {"role": "assistant", "content": null}, "finish_reason": null}])));
        }
        let text = if chat { &choice["message"]["content"] } else { &choice["text"] };
        for (nth, piece) in pieces(text.as_str().unwrap_or_default()).into_iter().enumerate() {
            let mut delta = match chat {
                true => json!({"index": index, "delta": {"content": piece}, "finish_reason": null}),
                false => json!({"index": index, "text": piece, "finish_reason": null}),
            };
            // All of them go with the first piece; servers differ in how they cut.
            if let Some(logprobs) = choice.get("logprobs").filter(|_| nth == 0) {
                delta["logprobs"] = logprobs.clone();
            }
            events.push(chunk(json!([delta])));
        }
        let end = &choice["finish_reason"];
        events.push(chunk(match chat {
            true => json!([{"index": index, "delta": {}, "finish_reason": end}]),
            false => json!([{"index": index, "text": "", "finish_reason": end}]),
        }));
    }
    if usage {
        let mut last = chunk(json!([]));
        last["usage"] = answer["usage"].clone();
        events.push(last);
    }
    events.iter().map(Value::to_string).chain(["[DONE]".to_string()]).collect()
}

/// The text in pieces of a few characters.
fn pieces(text: &str) -> Vec<String> {
    text.chars().collect::<Vec<_>>().chunks(3).map(|few| few.iter().collect()).collect()
}
