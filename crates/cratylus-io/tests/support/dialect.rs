//! How the kinds of servers differ: a table of habits, and the words of their refusals.
//!
//! Only what a client can notice is here. What was measured on llama-server b11669, vLLM 0.32, llama-cpp-python 0.3.36 and
//! transformers 5.19 is as measured; the hosted ones, SGLang, Ollama and LM Studio follow their documents and sources.

use super::faults::Shape;
use super::house::Response;
use super::server::KeepAlive;
use serde_json::{Value, json};
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
pub(super) enum Prefill {
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
pub(super) enum Stranger {
    Ignored,
    Refused(u16),
}

/// What a server does with a model that it does not have.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum NoModel {
    Answers,
    Refused(u16),
}

/// What becomes of `logprobs: true`.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Logprobs {
    Given,
    /// The field is there, and null.
    Null,
    Absent,
}

#[derive(Clone, Copy)]
pub(super) struct Habits {
    pub(super) fingerprint: Option<&'static str>,
    pub(super) errors: Shape,
    pub(super) model: NoModel,
    pub(super) stranger: Stranger,
    pub(super) prefill: Prefill,
    pub(super) logprobs: Logprobs,
    /// The most alternatives it tells; more are refused.
    pub(super) most_told: usize,
    /// Whether log-probabilities under a constraint are those among the allowed tokens.
    pub(super) renormalises: bool,
    /// The text of the end token where log-probabilities include it.
    pub(super) end_told: Option<&'static str>,
    pub(super) many: bool,
    pub(super) max_completion_tokens: bool,
    /// Whether it takes `top_k` and `min_p`.
    pub(super) more_samplers: bool,
    pub(super) temperature: f64,
    pub(super) top_k: usize,
    pub(super) top_p: f64,
    pub(super) min_p: f64,
    pub(super) schema: bool,
    /// The status for a value of a wrong type.
    pub(super) bad_type: u16,
    pub(super) batches: bool,
    pub(super) usage_in_stream: bool,
    pub(super) keep_alive: KeepAlive,
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

    pub(super) fn habits(self) -> Habits {
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
            json!({"type": "error", "error": {"type": anthropic, "message": message}, "request_id": "req_011CSHoEeqs5C"})
        }
        Shape::Flat => json!({"object": "error", "message": message, "type": kind, "param": null, "code": status}),
        Shape::Text => json!({"error": message}),
        Shape::Detail => json!({"detail": message}),
        Shape::Details => json!({"detail": [{"type": "value_error", "loc": ["body"], "msg": message, "input": null}]}),
        Shape::Message => json!({"message": message}),
        Shape::Plain => return Response::text(status, "text/plain; charset=utf-8", format!("{message}\n")),
        Shape::Html => {
            let page =
                format!("<html><head><title>{status}</title></head><body><center><h1>{message}</h1></center></body></html>");
            return Response::text(status, "text/html", page);
        }
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
