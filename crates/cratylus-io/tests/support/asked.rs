//! A request, read as the dialect reads it: what it honours, ignores and refuses.
//!
//! Nothing here knows what an answer looks like.

use super::dialect::{Dialect, Habits, Logprobs, NoModel, Prefill, Stranger};
use super::house::{Body, House, Response};
use super::pretend::{self, Manner, Source, Written};
use super::server::Reply;
use serde_json::{Map, Value, json};
use std::sync::atomic::Ordering::Relaxed;

/// The text that the model goes on with, and what of it counts as the answer.
pub(super) struct Prompt {
    pub(super) text: String,
    pub(super) prefill: String,
}

/// The fields of the chat API; what is more is strange to those who look.
pub(super) const KNOWN: &[&str] = &[
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

pub(super) const ANTHROPIC_KNOWN: &[&str] = &[
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
    pub(super) fn habits(&self) -> Habits {
        let mut habits = self.config.dialect.habits();
        if self.config.strict && habits.stranger == Stranger::Ignored {
            habits.stranger = Stranger::Refused(422);
        }
        if self.config.dialect == Dialect::Vllm {
            habits.most_told = self.config.max_logprobs;
        }
        habits
    }

    pub(super) fn check_model(&self, body: &Value) -> Result<(), Response> {
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

    pub(super) fn check_fields(&self, body: &Value, known: &[&str]) -> Result<(), Response> {
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
    pub(super) fn check_reasoning(&self, body: &Value) -> Result<(), Response> {
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
    pub(super) fn number(&self, body: &Value, field: &str) -> Result<Option<f64>, Response> {
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

    pub(super) fn prompt(&self, body: &Value) -> Result<Prompt, Response> {
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

    pub(super) fn manner(&self, body: &Value, chat: bool) -> Result<Manner, Response> {
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
    pub(super) fn write(&self, body: &Value, prompt: &str, manner: &Manner) -> Result<Written, Response> {
        let source = match self.config.answer.as_ref().map(|answer| answer(body)) {
            None | Some(Reply::Pretend) => Source::Pretend,
            Some(Reply::Text(text)) => Source::Text(text),
            Some(Reply::Odds(odds)) => Source::Odds(odds),
            Some(Reply::Json(status, body)) => return Err(Response::json(status, body)),
        };
        Ok(pretend::write(self.vocabulary, &source, prompt.as_bytes(), manner))
    }

    /// The tokens of the prompt, and how many of them the prompt before began with too.
    pub(super) fn count(&self, text: &str, manner: &Manner) -> Result<(usize, usize), Response> {
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

/// The literals of a grammar that is `root ::= "a" | "b"`, perhaps in brackets, or the characters of one that is a range.
fn alternatives(grammar: &str) -> Option<Vec<String>> {
    let rule = grammar.trim().strip_prefix("root")?.trim_start().strip_prefix("::=")?.trim();
    if let Some(range) = rule.strip_prefix('[').and_then(|rule| rule.strip_suffix(']')) {
        let ends: Vec<char> = range.chars().collect();
        let [first, '-', last] = ends[..] else { return None };
        return Some((first..=last).map(String::from).collect());
    }
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
pub(super) fn spaced(schema: &Value, dialect: Dialect) -> Vec<String> {
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
