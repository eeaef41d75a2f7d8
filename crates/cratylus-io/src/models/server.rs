//! A model on a server: what each kind of server takes and gives. Requests say every field that bears on the answer;
//! answers are read leniently, as servers differ more than their documents.

use super::backend::{Backend, Cause, Given, Raw, Refusal, Request, Want};
use super::http::{Http, Key, KeyHeader, escaped, excerpt, host, loopback};
use super::tape::{Constraint, Took};
use crate::whole::now;
use cratylus_core::World;
use cratylus_core::fault::Fault;
use cratylus_core::language::answer::Instead;
use cratylus_core::language::model::{Api, Dialect, OnChange, Server, Source};
use cratylus_core::language::sampler::Sampler;
use cratylus_core::language::scored::Scored;
use cratylus_core::language::spelling::{NextToken, in_format};
use cratylus_core::language::{Message, Prompt};
use serde_json::{Map, Value, json};
use std::sync::OnceLock;

/// One model of a server.
pub struct ServerModel {
    /// The server's address, with the key and the limits.
    pub http: Http,
    /// What the server speaks.
    pub dialect: Dialect,
    /// The model's name on the server.
    pub model: String,
    /// As the experiment describes it.
    pub server: Server,
    /// What the first answer said of who gave it, once there was one.
    pub answered_as: OnceLock<Value>,
    /// What the server says that it is, where a run began with another: then every answer is marked with it.
    pub another: Option<String>,
    /// How many requests it answers at once, where it says so.
    pub slots: Option<u32>,
    /// Whether it scores a given text, once it was tried.
    pub scores: OnceLock<Result<(), String>>,
}

/// The environment variable of the endpoint.
pub const ENDPOINT_ENV: &str = "CRATYLUS_ENDPOINT";

/// What is wrong with the address of a server of these worlds, before anybody is asked: none was named, say.
pub fn misaddressed(worlds: &[World]) -> Option<Fault> {
    let servers = worlds.iter().flat_map(World::models).filter_map(|(_, model)| match &model.source {
        Source::Server(server) => Some(server),
        _ => None,
    });
    servers.into_iter().find_map(|server| endpoint(server).err())
}

/// An endpoint as it is used: with `http://` and `/v1` where they were left out.
pub fn endpoint(server: &Server) -> Result<String, Fault> {
    let given = server.endpoint.clone().or_else(|| std::env::var(ENDPOINT_ENV).ok().filter(|value| !value.trim().is_empty()));
    let Some(given) = given else {
        return Err(Fault::new(format!(
            "which server? Give `agents.endpoint` in the experiment, --set agents.endpoint=…, or {ENDPOINT_ENV} in the environment, such as http://127.0.0.1:8080/v1"
        )));
    };
    let given = given.trim();
    let (given, query) = given.split_once('?').map_or((given, None), |(given, query)| (given, Some(query)));
    let given = given.split('#').next().unwrap_or(given).trim_end_matches('/');
    let secret =
        |key: &str| ["key", "token", "secret", "signature", "sig", "code"].iter().any(|word| key.to_lowercase().ends_with(word));
    if query.is_some_and(|query| query.split('&').any(|pair| secret(pair.split('=').next().unwrap_or("")))) {
        return Err(Fault::new(
            "an endpoint must not hold a key, as experiments are kept; put the key into the environment (`key_env`)",
        ));
    }
    let url = if given.contains("://") { given.to_string() } else { format!("http://{given}") };
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err(Fault::new(format!("`{given}` is no address of a server; it begins with http:// or https://")));
    }
    if host(&url).is_empty() || ["http:", "https:"].contains(&given) {
        return Err(Fault::new(format!("`{given}` names no host")));
    }
    // A key in an address would be stored with it.
    if url.split_once("://").is_some_and(|(_, rest)| rest.split('/').next().unwrap_or("").contains('@')) {
        return Err(Fault::new("an endpoint must not hold a user or a key; put the key into the environment (`key_env`)"));
    }
    let path = url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
    // A whole address is one of something that the server does; what is wanted is where they all are.
    const DOES: [&str; 6] = ["/chat/completions", "/completions", "/messages", "/responses", "/models", "/embeddings"];
    let url =
        DOES.iter().find_map(|does| url.strip_suffix(does)).map_or(url.clone(), |base| base.trim_end_matches('/').to_string());
    let query = query.map_or(String::new(), |query| format!("?{query}"));
    Ok(if path.is_empty() { format!("{url}/v1{query}") } else { format!("{url}{query}") })
}

/// The key for an endpoint, from the environment alone. A hosted service's usual key goes to that service only.
pub fn key(server: &Server, url: &str, dialect: Option<Dialect>) -> Result<Option<Key>, Fault> {
    let azure = [".azure.com", ".azure-api.net"].iter().any(|end| host(url).ends_with(end));
    let header = match dialect {
        Some(Dialect::Anthropic) => KeyHeader::XApiKey,
        _ if azure => KeyHeader::ApiKey,
        _ => KeyHeader::Bearer,
    };
    if let Some(name) = &server.key_env {
        let secret = std::env::var(name).map_err(|_| {
            Fault::new(format!("`key_env` says that the key is in the environment as {name}, and there is no such variable"))
        })?;
        if secret.trim().is_empty() {
            return Err(Fault::new(format!("`key_env` says that the key is in the environment as {name}, which is empty")));
        }
        return Ok(Some(Key { secret: secret.trim().into(), header }));
    }
    let usual = match host(url) {
        "api.openai.com" => "OPENAI_API_KEY",
        "api.anthropic.com" => "ANTHROPIC_API_KEY",
        "openrouter.ai" => "OPENROUTER_API_KEY",
        _ => "CRATYLUS_API_KEY",
    };
    Ok(std::env::var(usual)
        .ok()
        .filter(|secret| !secret.trim().is_empty())
        .map(|secret| Key { secret: secret.trim().into(), header }))
}

/// What a dialect wants to see with every request.
pub fn headers(dialect: Option<Dialect>) -> &'static [(&'static str, &'static str)] {
    match dialect {
        Some(Dialect::Anthropic) => &[("anthropic-version", "2023-06-01")],
        _ => &[],
    }
}

/// The dialect that an address gives away.
pub fn hosted(url: &str) -> Option<Dialect> {
    match host(url) {
        "api.openai.com" => Some(Dialect::Openai),
        "api.anthropic.com" => Some(Dialect::Anthropic),
        "openrouter.ai" => Some(Dialect::Openrouter),
        _ => None,
    }
}

/// As experiment files and manifests spell it.
pub fn dialect_name(dialect: Dialect) -> String {
    serde_json::to_value(dialect).expect("a word").as_str().expect("a word").into()
}

/// The most next tokens that a dialect lists in one answer; servers refuse more.
pub fn listed_max(dialect: Dialect) -> u32 {
    match dialect {
        Dialect::Anthropic => 0,
        Dialect::Openai | Dialect::Ollama | Dialect::Openrouter | Dialect::Generic => 20,
        _ => 20_000,
    }
}

/// Whether the server continues a trailing assistant message, or can be told to. It is tried before it is relied on.
pub fn prefill_fields(dialect: Dialect) -> Map<String, Value> {
    match dialect {
        Dialect::Vllm | Dialect::Sglang => {
            Map::from_iter([("continue_final_message".into(), true.into()), ("add_generation_prompt".into(), false.into())])
        }
        _ => Map::new(),
    }
}

/// The sampler in a dialect's fields. An error names a field that it does not take.
pub fn sampler_fields(dialect: Dialect, sampler: &Sampler) -> Result<Map<String, Value>, String> {
    use Dialect::*;
    let Sampler { temperature, top_k, top_p, min_p, typical_p } = *sampler;
    let mut out = Map::new();
    out.insert("temperature".into(), temperature.into());
    // Newer models of Anthropic's take a temperature or a top_p, not both.
    if dialect != Anthropic || top_p.is_some() {
        out.insert("top_p".into(), top_p.unwrap_or(1.0).into());
    }
    let mut say = |key: &str, takes: bool, value: Option<Value>, off: Option<Value>| match (
        takes,
        value.or(off),
        value_given(key, sampler),
    ) {
        (true, Some(value), _) => {
            out.insert(key.into(), value);
            Ok(())
        }
        (false, _, true) => Err(format!("{} servers take no `{key}`", dialect_name(dialect))),
        _ => Ok(()),
    };
    let off_k = match dialect {
        Vllm | Sglang => Some(json!(-1)),
        LlamaServer | LlamaCppPython | LmStudio | Openrouter => Some(json!(0)),
        _ => None,
    };
    let takes_k = off_k.is_some() || dialect == Anthropic;
    say("top_k", takes_k, top_k.map(Value::from), off_k)?;
    let takes_min = matches!(dialect, Vllm | Sglang | LlamaServer | LlamaCppPython | LmStudio | Openrouter);
    say("min_p", takes_min, min_p.map(Value::from), Some(json!(0.0)))?;
    let takes_typical = matches!(dialect, LlamaServer | LlamaCppPython);
    say("typical_p", takes_typical, typical_p.map(Value::from), Some(json!(1.0)))?;
    let more: &[(&str, f64)] = match dialect {
        LlamaServer => &[
            ("repeat_penalty", 1.0),
            ("presence_penalty", 0.0),
            ("frequency_penalty", 0.0),
            ("dynatemp_range", 0.0),
            ("xtc_probability", 0.0),
            ("dry_multiplier", 0.0),
            ("top_n_sigma", -1.0),
        ],
        LlamaCppPython | LmStudio => &[("repeat_penalty", 1.0), ("presence_penalty", 0.0), ("frequency_penalty", 0.0)],
        Vllm | Sglang => &[("repetition_penalty", 1.0), ("presence_penalty", 0.0), ("frequency_penalty", 0.0)],
        Openai | Ollama | Openrouter => &[("presence_penalty", 0.0), ("frequency_penalty", 0.0)],
        Anthropic | Generic => &[],
    };
    out.extend(more.iter().map(|(key, value)| (key.to_string(), json!(value))));
    Ok(out)
}

fn value_given(key: &str, sampler: &Sampler) -> bool {
    match key {
        "top_k" => sampler.top_k.is_some(),
        "min_p" => sampler.min_p.is_some(),
        _ => sampler.typical_p.is_some(),
    }
}

/// A sampler that leaves a distribution as it is: with log-probabilities, sampling is done here.
const OFF: Sampler = Sampler { temperature: 1.0, top_k: None, top_p: None, min_p: None, typical_p: None };

/// The fields of a request beside the prompt, which are kept with the answer.
pub fn fields(dialect: Dialect, api: Api, request: &Request<'_>) -> Result<Map<String, Value>, String> {
    // With log-probabilities the sampler is switched off here, as sampling is done by us.
    let (sampler, tokens) = match request.want {
        Want::Next { .. } | Want::Names | Want::Scores => (&OFF, 1),
        Want::Text { .. } => (&request.model.sampler, request.model.protocol.max_tokens),
    };
    let mut out = sampler_fields(dialect, sampler)?;
    let max_tokens = if dialect == Dialect::Openai && api == Api::Chat { "max_completion_tokens" } else { "max_tokens" };
    out.insert(max_tokens.into(), tokens.into());
    if dialect != Dialect::Anthropic {
        out.insert("stream".into(), false.into());
        out.insert("n".into(), 1.into());
    }
    match request.want {
        Want::Next { listed } if api == Api::Completions => drop(out.insert("logprobs".into(), listed.into())),
        Want::Next { listed } => {
            out.insert("logprobs".into(), true.into());
            out.insert("top_logprobs".into(), listed.into());
            if dialect == Dialect::LlamaServer {
                // When half a character is drawn it leaves the log-probabilities out. They are those of the model
                // whatever is drawn, so what is drawn may as well be a plain character.
                out.insert("grammar".into(), "root ::= [ -~]".into());
            }
        }
        Want::Text { constrained: Some(by) } => constrain(by, request, &mut out),
        Want::Scores => {
            out.insert("logprobs".into(), 1.into());
            out.insert("echo".into(), true.into());
        }
        Want::Text { constrained: None } | Want::Names => (),
    }
    if dialect == Dialect::Openrouter {
        // Without it fields that a provider does not know are dropped in silence.
        out.insert("provider".into(), json!({ "require_parameters": true }));
    }
    if request.prefill && api == Api::Chat {
        out.extend(prefill_fields(dialect));
    }
    if let Source::Server(server) = &request.model.source {
        server.omit.iter().for_each(|key| drop(out.remove(key)));
        for (key, value) in &server.extra {
            match (out.get_mut(key), value) {
                (Some(Value::Object(old)), Value::Object(new)) => old.extend(new.clone()),
                _ => drop(out.insert(key.clone(), value.clone())),
            }
        }
    }
    Ok(out)
}

/// Confines the answer to the names shown: bare after a prefill, or in the format that the protocol asks for.
fn constrain(by: Constraint, request: &Request<'_>, out: &mut Map<String, Value>) {
    let choices = choices(request);
    let (key, value) = match by {
        Constraint::JsonSchema => {
            let schema = json!({
                "type": "object", "properties": { "value": { "type": "string", "enum": request.names } },
                "required": ["value"], "additionalProperties": false
            });
            let format = json!({ "type": "json_schema", "json_schema": { "name": "choice", "strict": true, "schema": schema } });
            ("response_format", format)
        }
        Constraint::StructuredOutputs => ("structured_outputs", json!({ "choice": choices })),
        Constraint::Grammar => {
            let quoted: Vec<String> = choices.iter().map(|choice| Value::from(choice.as_str()).to_string()).collect();
            ("grammar", json!(format!("root ::= {}", quoted.join(" | "))))
        }
        Constraint::Regex => {
            let escaped: Vec<String> = choices.iter().map(|choice| escape_regex(choice)).collect();
            ("regex", json!(format!("({})", escaped.join("|"))))
        }
    };
    // A JSON object takes more tokens than a bare name.
    if by == Constraint::JsonSchema {
        for key in ["max_tokens", "max_completion_tokens"] {
            if let Some(tokens) = out.get_mut(key) {
                *tokens = (tokens.as_u64().unwrap_or(0).max(64)).into();
            }
        }
    }
    out.insert(key.into(), value);
}

fn choices(request: &Request<'_>) -> Vec<String> {
    let opened = &request.model.protocol.prefill;
    // What the prefill opened is closed, so that the answer is whole.
    let close: String = opened.chars().rev().take_while(|c| "'\"".contains(*c)).collect();
    let begin = if request.prefill { "" } else { opened.as_str() };
    request.names.iter().map(|name| format!("{begin}{}{close}", in_format(name, opened))).collect()
}

fn escape_regex(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_alphanumeric() || c == ' ' { vec![c] } else { vec!['\\', c] }).collect()
}

impl ServerModel {
    fn body(&self, request: &Request<'_>) -> Result<(&'static str, Value, Value), String> {
        // A given text is scored by the old completions alone.
        let api = if request.want == Want::Scores { Api::Completions } else { self.server.api };
        let sent = fields(self.dialect, api, request)?;
        let mut body = Map::from_iter([("model".to_string(), Value::from(self.model.as_str()))]);
        let before: String = request.before.iter().map(|beginning| beginning.text.as_str()).collect();
        let begin = if request.prefill { format!("{}{before}", request.prompt.prefill) } else { before };
        let path = match (self.dialect, api) {
            (Dialect::Anthropic, _) => {
                anthropic(request.prompt, &begin, &mut body);
                "/messages"
            }
            (_, Api::Chat) => {
                let merged = self.server.merge_system.then(|| merged(&request.prompt.messages));
                let mut messages: Vec<Value> = merged
                    .as_deref()
                    .unwrap_or(&request.prompt.messages)
                    .iter()
                    .map(|message| json!({ "role": message.role, "content": message.text }))
                    .collect();
                if !begin.is_empty() {
                    messages.push(json!({ "role": "assistant", "content": begin }));
                }
                body.insert("messages".into(), messages.into());
                "/chat/completions"
            }
            (_, Api::Completions) if request.want == Want::Scores => {
                body.insert("prompt".into(), whole(request.prompt).into());
                "/completions"
            }
            (_, Api::Completions) => {
                let texts: Vec<&str> = request.prompt.messages.iter().map(|message| message.text.as_str()).collect();
                body.insert("prompt".into(), format!("{}\n\n{begin}", texts.join("\n\n")).into());
                "/completions"
            }
        };
        let mut fields = sent.clone();
        // A beginning that grew by following a name must be continued, even where the protocol has no prefill.
        if !begin.is_empty() && api == Api::Chat {
            fields.extend(prefill_fields(self.dialect));
        }
        body.extend(fields);
        Ok((path, Value::Object(body), Value::Object(sent)))
    }
}

/// Messages with those of the system at the head of the first one of the user.
pub fn merged(messages: &[Message]) -> Vec<Message> {
    let (system, mut others): (Vec<Message>, Vec<Message>) =
        messages.iter().cloned().partition(|message| message.role == "system");
    let head: String = system.iter().map(|message| format!("{}\n\n", message.text)).collect();
    match others.first_mut() {
        Some(first) => first.text = format!("{head}{}", first.text),
        None => others.push(Message { role: "user".into(), text: head.trim_end().into() }),
    }
    others
}

/// A refusal of a request, with the way out where a field or a message is what is refused.
pub fn with_way_out(refusal: Refusal, body: &Value) -> Refusal {
    let Refusal::Fatal { why, cause } = refusal else { return refusal };
    let refused = matches!(cause, Cause::Status(400 | 404 | 415 | 422 | 501));
    match refused.then(|| way_out(&why, body)).flatten() {
        Some(help) => Refusal::Fatal { why: format!("{why}\n  help: {help}"), cause },
        None => Refusal::Fatal { why, cause },
    }
}

fn way_out(why: &str, body: &Value) -> Option<String> {
    let said = why.split_once(" answered ").map_or(why, |(_, said)| said).to_lowercase();
    // As a word of its own, so that `n` is not found in `not`.
    let named = |field: &str| {
        said.match_indices(field).any(|(at, _)| {
            let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
            let (before, after) = (said[..at].chars().next_back(), said[at + field.len()..].chars().next());
            let quoted = before.is_some_and(|c| "'\"`.".contains(c)) || field.len() > 4;
            !part(before) && !part(after) && quoted
        })
    };
    let has_system = body["messages"].as_array().is_some_and(|all| all.iter().any(|message| message["role"] == "system"));
    let roles = [
        "system role",
        "role 'system'",
        "role \"system\"",
        "system message",
        "system prompt",
        "roles must alternate",
        "only user and assistant roles",
        "developer instruction",
    ];
    if has_system && (roles.iter().any(|words| said.contains(words)) || (said.contains("role") && named("system"))) {
        return Some(
            "merge_system = true puts the system message at the head of the user's; or use a protocol without one".into(),
        );
    }
    let fields: Vec<&String> =
        body.as_object()?.keys().filter(|key| !["model", "messages", "prompt", "system"].contains(&key.as_str())).collect();
    if let Some(tokens) = fields.iter().find(|field| **field == "max_tokens").filter(|_| named("max_tokens")) {
        let number = &body[tokens.as_str()];
        return Some(format!(
            "omit = [\"max_tokens\"] and extra = {{ max_completion_tokens = {number} }}, with more where the model reasons before it answers"
        ));
    }
    let mut found: Vec<String> =
        fields.into_iter().filter(|field| named(&field.to_lowercase())).map(|field| format!("\"{field}\"")).collect();
    found.dedup();
    (!found.is_empty()).then(|| {
        let choice = if found.iter().any(|field| field.contains("logprobs")) {
            "; or choice = \"text\", which asks for no log-probabilities"
        } else {
            ""
        };
        format!("omit = [{}] sends the request without; what it decides is then the server's affair{choice}", found.join(", "))
    })
}

fn anthropic(prompt: &Prompt, begin: &str, body: &mut Map<String, Value>) {
    let of = |role: &str| -> Vec<&str> {
        prompt.messages.iter().filter(|message| message.role == role).map(|message| message.text.as_str()).collect()
    };
    let system = of("system");
    if !system.is_empty() {
        body.insert("system".into(), system.join("\n\n").into());
    }
    let mut messages: Vec<Value> = of("user").into_iter().map(|text| json!({ "role": "user", "content": text })).collect();
    if !begin.is_empty() {
        // Its API refuses an assistant's message that ends in space.
        messages.push(json!({ "role": "assistant", "content": begin.trim_end() }));
    }
    body.insert("messages".into(), messages.into());
}

impl Backend for ServerModel {
    fn ask(&self, request: &Request<'_>) -> Result<Given, Refusal> {
        let (path, body, sent) = self.body(request).map_err(Refusal::fatal)?;
        let most = match request.want {
            Want::Next { listed } => (1 << 20) + 1024 * u64::from(listed),
            Want::Text { .. } | Want::Names => 1 << 20,
            Want::Scores => (1 << 20) + 1024 * whole(request.prompt).len() as u64,
        };
        let answered = self.http.post(path, &body, most).map_err(|refusal| with_way_out(refusal, &body))?;
        let unread = |why| format!("{} gave an answer that cannot be read: {why}", self.http.base());
        let raw = match request.want {
            // A server that does not score a text now never will.
            Want::Scores => {
                scores(&answered.body, request.prompt).map_err(|why| Refusal::fatal(unread(why)).of(Cause::Unread))?
            }
            want => read(&answered.body, want).map_err(|why| Refusal::again(unread(why)).of(Cause::Unread))?,
        };
        let who = who(&answered.body);
        let expected = self.answered_as.get_or_init(|| who.clone());
        let changed = (*expected != who).then(|| who.to_string());
        if let (Some(changed), OnChange::Stop) = (&changed, self.server.identity) {
            return Err(Refusal::fatal(format!(
                "the model behind {} changed in the midst of the run: answers were signed {}, and now {}\n  help: what is there is kept; start a new run, or go on with agents.on_change = \"allow\", which marks such answers",
                self.http.base(),
                escaped(&expected.to_string()),
                escaped(changed)
            )));
        }
        let usage = &answered.body["usage"];
        let count = |keys: &[&str]| keys.iter().find_map(|key| usage.pointer(key)?.as_u64());
        let took = Took {
            prompt_tokens: count(&["/prompt_tokens", "/input_tokens"]),
            cached_tokens: count(&["/prompt_tokens_details/cached_tokens", "/cache_read_input_tokens"]),
            completion_tokens: count(&["/completion_tokens", "/output_tokens"]),
            usd: usage["cost"].as_f64(),
            ms: answered.elapsed.as_secs_f64() * 1000.0,
            sent: 1,
            changed: changed.or_else(|| self.another.clone()),
            at: now(),
        };
        Ok(Given { raw, sent, took, allowance: answered.allowance })
    }

    fn in_flight(&self) -> Option<u32> {
        self.slots
    }

    /// Asked of the server itself, once.
    fn scores(&self) -> Result<(), String> {
        let asked = || {
            if self.dialect == Dialect::Anthropic {
                return Err("this service gives no log-probabilities".to_string());
            }
            let text = "A plain text";
            let body = json!({ "model": self.model, "prompt": text, "max_tokens": 1, "logprobs": 1, "echo": true });
            let message = Message { role: "text".into(), text: text.into() };
            let prompt = Prompt { messages: vec![message], prefill: String::new() };
            match self.http.post("/completions", &body, 1 << 20) {
                Ok(answered) => scores(&answered.body, &prompt).map(drop),
                Err(Refusal::Fatal { why, .. } | Refusal::Again { why, .. }) => Err(why),
            }
        };
        self.scores.get_or_init(asked).clone()
    }
}

/// The messages of a text that is scored: what stands before it, and the text.
fn whole(prompt: &Prompt) -> String {
    let texts: Vec<&str> = prompt.messages.iter().map(|message| message.text.as_str()).collect();
    texts.join("\n\n")
}

/// Reads an echoed prompt: the tokens of its last message that have a log-probability.
fn scores(body: &Value, prompt: &Prompt) -> Result<Raw, String> {
    let logprobs = &body["choices"][0]["logprobs"];
    let (Some(tokens), Some(values)) = (logprobs["tokens"].as_array(), logprobs["token_logprobs"].as_array()) else {
        return Err("it does not give the log-probabilities of a text that it is sent (`echo`)".into());
    };
    let whole = whole(prompt);
    // Servers count characters, and a piece of one as one: offsets after such pieces are too high, so that where the text
    // ends is taken from the number of its tokens.
    let end = whole.chars().count() as u64;
    let from = end - prompt.messages.last().map_or(0, |text| text.text.chars().count()) as u64;
    let counted = body["usage"]["prompt_tokens"].as_u64();
    let mut at = 0;
    let mut scored = Vec::new();
    for (i, (token, value)) in tokens.iter().zip(values).enumerate().take(counted.map_or(usize::MAX, |n| n as usize)) {
        let offset = logprobs["text_offset"][i].as_u64().unwrap_or(at);
        at = offset + token.as_str().map_or(0, |token| token.chars().count()) as u64;
        let logprob = value.as_f64().filter(|logprob| logprob.is_finite());
        if let Some(logprob) = logprob.filter(|_| offset >= from && (counted.is_some() || offset < end)) {
            scored.push(Scored { logprob: logprob.min(0.0), next: None });
        }
    }
    let echoed = body["choices"][0]["text"].as_str().is_none_or(|text| text.starts_with(&whole));
    match echoed && !scored.is_empty() {
        true => Ok(Raw::Scores(scored)),
        false => Err("it scores what it says, and not the text that it is sent (`echo` was ignored)".into()),
    }
}

/// What an answer says of who gave it.
pub fn who(body: &Value) -> Value {
    json!({ "model": body["model"], "system_fingerprint": body["system_fingerprint"] })
}

/// Reads an answer of any dialect.
fn read(body: &Value, want: Want) -> Result<Raw, String> {
    // Anthropic: blocks of content.
    if let Some(blocks) = body["content"].as_array() {
        let text: String = blocks.iter().filter_map(|block| block["text"].as_str()).collect();
        let has = |kind: &str| blocks.iter().any(|block| block["type"] == kind);
        let instead = match body["stop_reason"].as_str() {
            Some("refusal") => Some(Instead::Refusal),
            _ if has("tool_use") => Some(Instead::Tool),
            _ if has("thinking") || has("redacted_thinking") => Some(Instead::Reasoning),
            _ => None,
        };
        return match want {
            Want::Text { .. } => Ok(Raw::Text { text, cut: body["stop_reason"] == "max_tokens", instead }),
            _ => Err("it holds no log-probabilities".into()),
        };
    }
    let choice = body["choices"].get(0).filter(|choice| choice.is_object());
    let choice = choice.ok_or_else(|| format!("it has no choices: {}", excerpt(&body.to_string())))?;
    match want {
        Want::Next { .. } => next_tokens(&choice["logprobs"]).map(Raw::Next),
        Want::Names | Want::Scores => Err("servers give no probabilities of names".into()),
        Want::Text { .. } => {
            let content = [&choice["message"]["content"], &choice["text"]].into_iter().find(|content| !content.is_null());
            let text = match content {
                Some(Value::String(text)) => text.clone(),
                Some(Value::Array(parts)) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
                // What came in its place is an answer, and an unusable one.
                None if choice["finish_reason"].is_string() || instead(choice).is_some() => String::new(),
                _ => return Err(format!("its message has no content: {}", excerpt(&choice.to_string()))),
            };
            let instead = instead(choice);
            let text = match instead {
                Some(Instead::Refusal) if text.is_empty() => choice["message"]["refusal"].as_str().unwrap_or("").into(),
                _ => text,
            };
            Ok(Raw::Text { text, cut: choice["finish_reason"] == "length", instead })
        }
    }
}

/// What a choice holds in place of words.
fn instead(choice: &Value) -> Option<Instead> {
    let message = &choice["message"];
    let said = |key: &str| match &message[key] {
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(parts) => !parts.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => false,
    };
    match choice["finish_reason"].as_str() {
        _ if said("refusal") => Some(Instead::Refusal),
        Some("content_filter" | "safety" | "SAFETY") => Some(Instead::Filter),
        Some("tool_calls" | "function_call") => Some(Instead::Tool),
        _ if said("tool_calls") || said("function_call") => Some(Instead::Tool),
        _ if ["reasoning_content", "reasoning", "reasoning_details", "thinking"].into_iter().any(said) => {
            Some(Instead::Reasoning)
        }
        _ => None,
    }
}

/// A log-probability as servers spell it: null and the several words for infinity are a token that cannot come.
fn logprob(value: &Value) -> Result<Option<f64>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(word) if ["-inf", "-infinity", "nan"].contains(&word.to_ascii_lowercase().as_str()) => Ok(None),
        value => match value.as_f64().filter(|logprob| *logprob <= 1e-3) {
            Some(logprob) => Ok(Some(logprob)),
            None => Err(format!("a log-probability is no number up to 0: {}", excerpt(&value.to_string()))),
        },
    }
}

/// The distribution of the first new token, from the shape of chat completions or that of old completions.
fn next_tokens(logprobs: &Value) -> Result<Vec<NextToken>, String> {
    let mut out: Vec<NextToken> = Vec::new();
    let mut push = |bytes: Vec<u8>, value: &Value, id: Option<u64>| {
        let Some(logprob) = logprob(value)? else { return Ok::<(), String>(()) };
        // The sampled token is listed twice by some servers, and equal strings of different tokens by others.
        let id = id.map(|id| id as u32);
        let twice = |known: &NextToken| known.bytes == bytes && known.id == id && (known.logprob - logprob).abs() < 1e-9;
        if !out.iter().rev().take(8).any(twice) && !out.first().is_some_and(twice) {
            out.push(NextToken { id, bytes, logprob: logprob.min(0.0) });
        }
        Ok(())
    };
    if let Some(first) = logprobs["content"].get(0) {
        let listed = first["top_logprobs"].as_array().ok_or("it lists no next tokens")?;
        for token in listed.iter() {
            let text = token["token"].as_str().unwrap_or("");
            let bytes = token["bytes"]
                .as_array()
                .map(|bytes| bytes.iter().filter_map(|byte| byte.as_u64()).map(|byte| byte as u8).collect());
            push(bytes.unwrap_or_else(|| text.as_bytes().to_vec()), &token["logprob"], token["id"].as_u64())?;
        }
        if listed.is_empty() {
            return Err("it lists no next tokens".into());
        }
    } else if let Some(listed) = logprobs["top_logprobs"].get(0).and_then(Value::as_object) {
        for (text, logprob) in listed {
            push(text.as_bytes().to_vec(), logprob, None)?;
        }
    } else {
        return Err("it holds no log-probabilities".into());
    }
    if out.is_empty() {
        return Err("none of the next tokens that it lists has a log-probability".into());
    }
    // A log-probability of minus infinity comes as a very low number, or not at all.
    let sum: f64 = out.iter().map(|token| token.logprob.exp()).sum();
    if sum > 1.0 + 1e-2 {
        return Err(format!("its probabilities add up to {sum:.3}"));
    }
    Ok(out)
}

/// Warns of a key that travels in the clear.
pub fn caution(server: &Server) -> Option<String> {
    let url = endpoint(server).ok()?;
    let known = server.dialect.or(hosted(&url));
    let open = url.starts_with("http://") && !loopback(&url) && key(server, &url, known).ok()?.is_some();
    open.then(|| format!("the key goes to {} without encryption; use https where others can listen", host(&url)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_where_all_paths_begin_however_it_is_given() {
        let of = |given: &str| endpoint(&Server { endpoint: Some(given.into()), ..Server::default() });
        let base = "http://127.0.0.1:8080/v1";
        for given in [
            "127.0.0.1:8080",
            "http://127.0.0.1:8080/",
            base,
            "http://127.0.0.1:8080/v1/chat/completions",
            "http://127.0.0.1:8080/v1/models/",
        ] {
            assert_eq!(of(given).unwrap(), base, "{given}");
        }
        let deployed = "https://x.openai.azure.com/openai/deployments/d";
        assert_eq!(
            of(&format!("{deployed}/chat/completions?api-version=2024-10-21")).unwrap(),
            format!("{deployed}?api-version=2024-10-21")
        );
        assert!(of("http://h/v1?api-key=abc").unwrap_err().0.contains("must not hold a key"));
        assert!(of("ftp://h/v1").is_err() && of("http://").is_err());
    }

    #[test]
    fn what_came_in_place_of_words_is_told() {
        let text = Want::Text { constrained: None };
        let of = |message: Value, finish: &str| match read(
            &json!({ "choices": [{ "message": message, "finish_reason": finish }] }),
            text,
        ) {
            Ok(Raw::Text { text, cut, instead }) => (text, cut, instead),
            other => panic!("{other:?}"),
        };
        let empty = |cut, instead| (String::new(), cut, Some(instead));
        for field in ["reasoning_content", "reasoning"] {
            assert_eq!(of(json!({ "content": null, field: "The other said" }), "length"), empty(true, Instead::Reasoning));
            assert_eq!(of(json!({ "content": "", field: "The other said" }), "stop"), empty(false, Instead::Reasoning));
        }
        assert_eq!(of(json!({ "content": null, "tool_calls": [{}] }), "tool_calls"), empty(false, Instead::Tool));
        assert_eq!(of(json!({ "content": null }), "content_filter"), empty(false, Instead::Filter));
        assert_eq!(
            of(json!({ "content": null, "refusal": "I can't" }), "stop"),
            ("I can't".into(), false, Some(Instead::Refusal))
        );
        assert_eq!(of(json!({ "content": "Q", "refusal": null, "tool_calls": [] }), "stop"), ("Q".into(), false, None));
        let none = read(&json!({ "choices": [], "id": "seven" }), text).unwrap_err();
        assert!(none.contains("no choices") && none.contains("seven"), "{none}");
        assert!(read(&json!({ "choices": null }), text).unwrap_err().contains("no choices"));
        let blocks = json!({ "content": [{ "type": "thinking", "thinking": "hm" }], "stop_reason": "max_tokens" });
        assert_eq!(read(&blocks, text), Ok(Raw::Text { text: String::new(), cut: true, instead: Some(Instead::Reasoning) }));
    }

    #[test]
    fn a_token_that_cannot_come_is_no_mistake() {
        let of = |values: &[Value]| {
            let top: Vec<Value> =
                values.iter().enumerate().map(|(i, value)| json!({ "token": format!("t{i}"), "logprob": value })).collect();
            next_tokens(&json!({ "content": [{ "top_logprobs": top }] })).map(|tokens| tokens.len())
        };
        assert_eq!(of(&[json!(-0.7), json!(-0.9), Value::Null, json!("-Infinity"), json!("-inf")]), Ok(2));
        assert!(of(&[Value::Null]).unwrap_err().contains("none of the next tokens"));
        assert!(of(&[json!(0.5)]).unwrap_err().contains("no number up to 0"));
        assert_eq!(next_tokens(&json!({ "top_logprobs": [{ "Q": -0.5, "M": null }] })).map(|tokens| tokens.len()), Ok(1));
    }

    #[test]
    fn a_refused_field_comes_with_the_way_out() {
        let body = json!({ "model": "m", "temperature": 0.5, "top_p": 1.0, "max_tokens": 15, "n": 1, "logprobs": true,
            "messages": [{ "role": "system", "content": "x" }] });
        let help = |said: &str| match with_way_out(
            Refusal::fatal(format!("http://h/v1 answered 400: {said}")).of(Cause::Status(400)),
            &body,
        ) {
            Refusal::Fatal { why, .. } => why.split_once("help: ").map(|(_, help)| help.to_string()).unwrap_or_default(),
            other => panic!("{other:?}"),
        };
        assert!(help("Unsupported value: 'temperature' does not support 0.5").contains("omit = [\"temperature\"]"));
        assert!(help("`temperature` and `top_p` cannot both be given").contains("omit = [\"temperature\", \"top_p\"]"));
        assert!(
            help("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead")
                .contains("max_completion_tokens = 15")
        );
        assert!(help("logprobs are not supported with reasoning models").contains("choice = \"text\""));
        for said in ["System role not supported", "Conversation roles must alternate user/assistant", "Unexpected role 'system'"]
        {
            assert!(help(said).contains("merge_system = true"), "{said}");
        }
        assert_eq!(help("the prompt is not allowed"), "");
    }

    #[test]
    fn a_merged_system_message_stands_before_the_users() {
        let message = |role: &str, text: &str| Message { role: role.into(), text: text.into() };
        assert_eq!(merged(&[message("system", "a"), message("user", "b")]), [message("user", "a\n\nb")]);
        assert_eq!(merged(&[message("system", "a")]), [message("user", "a")]);
        assert_eq!(merged(&[message("user", "b")]), [message("user", "b")]);
    }
}
