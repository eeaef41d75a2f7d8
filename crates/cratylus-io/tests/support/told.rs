//! An answer, worded as the dialect words it.
//!
//! What is asked has been read in `asked.rs`; what goes wrong with the answer is in `faults.rs`.

use super::asked::{ANTHROPIC_KNOWN, KNOWN, Prompt, spaced};
use super::dialect::{Dialect, Logprobs, Prefill};
use super::house::{CREATED, House, Response};
use super::pretend::{self, Manner, Step, Written};
use super::server::Seen;
use serde_json::{Map, Value, json};
use std::sync::atomic::Ordering::Relaxed;

impl House<'_> {
    pub(super) fn completion(&self, seen: &Seen, chat: bool) -> Result<Response, Response> {
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
        steps
            .iter()
            .for_each(|step| offsets.push(offsets[offsets.len() - 1] + String::from_utf8_lossy(&step.token).chars().count()));
        offsets.pop();
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
        // Nothing comes before the first token of an echoed prompt.
        let after_first = |told: &dyn Fn(&Step) -> Value| -> Vec<Value> {
            let one = |(at, step): (usize, &&Step)| if at == 0 && !before.is_empty() { Value::Null } else { told(step) };
            steps.iter().enumerate().map(one).collect()
        };
        json!({
            "tokens": steps.iter().map(|step| self.name(step.id, &step.token)).collect::<Vec<_>>(),
            "token_logprobs": after_first(&|step| json!(step.logprob)),
            "top_logprobs": after_first(&top),
            "text_offset": offsets,
        })
    }

    fn prompt_logprobs(&self, body: &Value, prompt: &str) -> Value {
        let Some(top) = body["prompt_logprobs"].as_u64() else { return Value::Null };
        let told = |(at, (step, rank)): (usize, &(Step, usize))| {
            if at == 0 {
                return Value::Null;
            }
            let entry = |token: &[u8], logprob: f64, rank: usize| {
                let text = String::from_utf8_lossy(token);
                json!({"logprob": logprob, "rank": rank, "decoded_token": text})
            };
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
    pub(super) fn message(&self, seen: &Seen) -> Result<Response, Response> {
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
