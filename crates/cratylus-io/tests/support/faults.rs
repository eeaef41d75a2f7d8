//! What can go wrong, and when.
//!
//! A fault says nothing about who asks: it counts requests, so that a test can say `the third one`.

use super::pretend::{mix, unit};
use serde_json::{Value, json};
use std::time::Duration;

/// A trouble and when it strikes.
#[derive(Clone, Debug)]
pub struct Fault {
    pub trouble: Trouble,
    pub when: When,
    /// The end of the paths it strikes at; None: every completion endpoint, so that probes stay undisturbed.
    pub path: Option<String>,
}

/// Which requests are struck. Each fault counts for itself, from one, those that its path matches, from when it was set.
#[derive(Clone, Copy, Debug)]
pub enum When {
    Always,
    Nth(u64),
    First(u64),
    Every(u64),
    /// Since the fault was set.
    During(Duration, Duration),
    /// With this probability, drawn from a seed and the number of the request.
    Chance(f64, u64),
}

impl When {
    pub fn strikes(&self, count: u64, age: Duration) -> bool {
        match *self {
            When::Always => true,
            When::Nth(n) => count == n,
            When::First(n) => count <= n,
            When::Every(k) => count.is_multiple_of(k),
            When::During(from, to) => from <= age && age < to,
            When::Chance(share, seed) => unit(mix(seed ^ mix(count))) < share,
        }
    }
}

/// The trouble itself. Troubles of different groups combine; of the same group the first counts.
#[derive(Clone, Debug)]
pub enum Trouble {
    // In time.
    /// The answer comes this much later.
    Late(Duration),
    /// Nothing comes until the client gives up.
    StallBefore,
    /// Half of the body comes, and then nothing until the client gives up.
    StallInside,
    /// The body comes in this many pieces, with a pause before each.
    Drip(usize, Duration),

    // Instead of the answer of the model.
    /// A refusal, with more headers, in some shape.
    Status(u16, Vec<(String, String)>, Shape),
    Redirect(u16, String),
    Empty,
    Html,
    /// An event stream though none was asked for (or where one was: this one).
    Events(Events),
    /// Status 200, and an error in the body.
    ErrorInside(u16),

    // In the answer of the model.
    WrongModel(String),
    Fingerprint(String),
    NoChoices,
    EmptyChoices,
    NullContent,
    CutShort,
    /// The text is this; control characters and escapes, for example.
    Text(String),
    /// The text is this many bytes long.
    Huge(usize),
    /// A field that is nested so many levels deep.
    Deep(usize),
    /// In place of every log-probability: `NaN`, `1e999`, `null`, `"-1"`.
    Number(&'static str),
    /// The text has bytes that are no UTF-8.
    BadUtf8,
    /// Not JSON.
    Malformed,
    /// Half of the JSON, as if that were all.
    Truncated,

    // In how it is sent.
    CloseBefore,
    CloseInHead,
    CloseInBody,
    /// A reset instead of an answer.
    Reset,
    /// A proper answer, and then the connection is closed though it was to be kept.
    CloseAfter,
    /// In chunks: proper HTTP, and not a fault at all.
    Chunked,
    /// After blank lines, as OpenRouter keeps connections alive: proper JSON, and not a fault at all.
    Padded,
    /// In chunks with a size that is no number.
    BadChunks,
    /// In chunks that end without the last one.
    UnendedChunks,
    /// `content-encoding: gzip`, and the body is plain.
    FalseGzip,
}

/// The kinds of event stream.
#[derive(Clone, Copy, Debug)]
pub enum Events {
    Proper,
    /// An event whose data is no JSON, and no `[DONE]`.
    Malformed,
    /// An error event after the first words, as when a limit is hit in mid-stream.
    Error(u16),
}

/// Shapes of an error body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// What the dialect does.
    Own,
    /// `{"error": {"message", "type", "param", "code"}}`
    OpenAi,
    /// `{"error": {"code", "message", "type"}}`, with the status as the code.
    LlamaServer,
    /// `{"error": {"message", "code", "metadata"}}`
    OpenRouter,
    /// `{"type": "error", "error": {"type", "message"}}`
    Anthropic,
    /// `{"object": "error", "message", "type", "param", "code"}`
    Flat,
    /// `{"error": "…"}`
    Text,
    /// `{"detail": "…"}`
    Detail,
    /// `{"detail": [{"loc", "msg", "type"}]}`
    Details,
    /// `{"message": "…"}`
    Message,
    /// No JSON.
    Plain,
    /// A page, as a proxy shows it.
    Html,
    Nothing,
}

/// How a 429 says when to come back.
#[derive(Clone, Debug)]
pub enum RetryAfter {
    Nothing,
    Seconds(u64),
    Millis(u64),
    /// An HTTP date, as the standard also allows.
    Date(String),
    /// `x-ratelimit-reset-requests` and `-tokens`, with durations as Go writes them: `6m0s`, `20ms`.
    Reset(String, String),
}

impl Trouble {
    /// A refusal as the dialect words it.
    pub fn status(code: u16) -> Trouble {
        Trouble::Status(code, vec![], Shape::Own)
    }

    pub fn shaped(code: u16, shape: Shape) -> Trouble {
        Trouble::Status(code, vec![], shape)
    }

    /// A 429 (or, with `status`, another).
    pub fn too_many(after: RetryAfter) -> Trouble {
        let header = |name: &str, value: String| (name.to_string(), value);
        let headers = match after {
            RetryAfter::Nothing => vec![],
            RetryAfter::Seconds(seconds) => vec![header("retry-after", seconds.to_string())],
            RetryAfter::Millis(millis) => vec![header("retry-after-ms", millis.to_string())],
            RetryAfter::Date(date) => vec![header("retry-after", date)],
            RetryAfter::Reset(requests, tokens) => vec![
                header("x-ratelimit-limit-requests", "60".into()),
                header("x-ratelimit-remaining-requests", "0".into()),
                header("x-ratelimit-reset-requests", requests),
                header("x-ratelimit-limit-tokens", "150000".into()),
                header("x-ratelimit-remaining-tokens", "0".into()),
                header("x-ratelimit-reset-tokens", tokens),
            ],
        };
        Trouble::Status(429, headers, Shape::Own)
    }

    fn when(self, when: When) -> Fault {
        Fault { trouble: self, when, path: None }
    }

    pub fn always(self) -> Fault {
        self.when(When::Always)
    }

    /// At the `n`-th request, counting from one.
    pub fn nth(self, n: u64) -> Fault {
        self.when(When::Nth(n))
    }

    /// At the first `n` requests, and then no more.
    pub fn first(self, n: u64) -> Fault {
        self.when(When::First(n))
    }

    pub fn every(self, k: u64) -> Fault {
        self.when(When::Every(k))
    }

    pub fn during(self, from: Duration, to: Duration) -> Fault {
        self.when(When::During(from, to))
    }

    pub fn chance(self, share: f64, seed: u64) -> Fault {
        self.when(When::Chance(share, seed))
    }
}

impl Fault {
    /// At these paths (given by their end) instead of the completion endpoints.
    pub fn on(self, path: &str) -> Fault {
        Fault { path: Some(path.into()), ..self }
    }
}

impl Trouble {
    /// Changes what the model answered, where this trouble is one of those.
    pub fn edit(&self, answer: &mut Value) {
        let text = |answer: &mut Value, text: Value| {
            if let Some(block) = answer.get_mut("content").and_then(|content| content.get_mut(0)) {
                block["text"] = text.clone();
            }
            for choice in answer.get_mut("choices").and_then(Value::as_array_mut).into_iter().flatten() {
                match choice.get_mut("message") {
                    Some(message) => message["content"] = text.clone(),
                    None => choice["text"] = text.clone(),
                }
            }
        };
        let list = if answer["type"] == "message" { "content" } else { "choices" };
        match self {
            Trouble::WrongModel(model) => answer["model"] = json!(model),
            Trouble::Fingerprint(fingerprint) => answer["system_fingerprint"] = json!(fingerprint),
            Trouble::NoChoices => drop(answer.as_object_mut().and_then(|fields| fields.remove(list))),
            Trouble::EmptyChoices => answer[list] = json!([]),
            Trouble::NullContent => text(answer, Value::Null),
            Trouble::Text(words) => text(answer, json!(words)),
            Trouble::Huge(bytes) => text(answer, json!("Q".repeat(*bytes))),
            Trouble::BadUtf8 => text(answer, json!(BAD_UTF8)),
            Trouble::CutShort if list == "content" => answer["stop_reason"] = json!("max_tokens"),
            Trouble::CutShort => {
                let choices = answer["choices"].as_array_mut();
                choices.into_iter().flatten().for_each(|choice| choice["finish_reason"] = json!("length"));
            }
            _ => {}
        }
    }

    /// Changes the bytes of the answer, for what a JSON value cannot hold.
    pub fn rewrite(&self, body: Vec<u8>) -> Vec<u8> {
        let text = |body: Vec<u8>| String::from_utf8(body).expect("our own JSON");
        match self {
            Trouble::Malformed => text(body).replacen(':', " = ", 3).into_bytes(),
            Trouble::Truncated => body[..body.len() / 2].to_vec(),
            Trouble::Padded => [b"\n         \n\n         \n".as_slice(), &body].concat(),
            Trouble::Deep(levels) => {
                let all = text(body);
                let open = all.strip_suffix('}').expect("answers are objects");
                format!("{open},\"deep\":{}{}}}", "[".repeat(*levels), "]".repeat(*levels)).into_bytes()
            }
            Trouble::Number(number) => {
                let all = text(body);
                let mut parts = all.split("\"logprob\":");
                let mut told = parts.next().unwrap_or_default().to_string();
                for part in parts {
                    let rest = part.trim_start_matches(|c: char| c.is_ascii_digit() || "+-.eE".contains(c));
                    told += &format!("\"logprob\":{number}{rest}");
                }
                told.into_bytes()
            }
            Trouble::BadUtf8 => {
                let all = text(body);
                let (before, after) = all.split_once(BAD_UTF8).unwrap_or((&all, ""));
                [before.as_bytes(), b"Q\xff\xc3\x28\xed\xa0\x80", after.as_bytes()].concat()
            }
            _ => body,
        }
    }
}

/// Holds the place of the bad bytes until the answer is bytes.
const BAD_UTF8: &str = "\u{fffc}bad\u{fffc}";
