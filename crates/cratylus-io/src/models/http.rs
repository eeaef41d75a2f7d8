//! One exchange with a server: a request out, JSON back, or a reason why not. It knows nothing of models. Everything
//! that comes in is bounded in size and depth, read as data, and cleared of the key should a server repeat it.

use super::backend::{Allowance, Cause, Refusal};
use cratylus_core::language::model::Limits;
use serde_json::Value;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use ureq::config::Config;
use ureq::http::{HeaderMap, Uri};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

/// A server at an address, with what goes with every request to it.
pub struct Http {
    agent: ureq::Agent,
    /// The address that paths are appended to, without a slash at its end.
    base: String,
    /// What stands behind every path, from its question mark on; empty for nothing.
    query: String,
    key: Option<Key>,
    /// What else goes with every request.
    headers: &'static [(&'static str, &'static str)],
}

/// A key and how it is sent. It is never shown.
pub struct Key {
    /// The key as the environment has it.
    pub secret: String,
    /// The header that it is sent in.
    pub header: KeyHeader,
}

/// The header that a key goes into.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum KeyHeader {
    /// `authorization`, after the word `Bearer`.
    Bearer,
    /// `x-api-key`, with nothing before it.
    XApiKey,
    /// `api-key`, with nothing before it, as Azure has it.
    ApiKey,
}

/// A whole answer.
pub struct Answered {
    /// The status of HTTP: from 200 to 299, as others are refusals.
    pub status: u16,
    /// As JSON, with the key taken out.
    pub body: Value,
    /// What the headers said of the limits.
    pub allowance: Allowance,
    /// From sending to the last byte.
    pub elapsed: Duration,
}

/// What is not the server's model speaking may not be longer than this.
const BODY_MAX: u64 = 1 << 20;

impl Http {
    /// Nothing is sent yet. Limits that are left out get their usual values.
    pub fn new(base: &str, key: Option<Key>, limits: &Limits, headers: &'static [(&'static str, &'static str)]) -> Http {
        let seconds = |given: Option<f64>, usual: f64| Some(Duration::from_secs_f64(given.unwrap_or(usual).clamp(0.001, 1e6)));
        let mut config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            // A redirect may lead to another host, and the key with it.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("cratylus/", env!("CARGO_PKG_VERSION")))
            .accept("application/json")
            .max_idle_connections(4096)
            .max_idle_connections_per_host(4096)
            // llama-server hangs up on a connection that was idle for five seconds.
            .max_idle_age(Duration::from_secs(4))
            .timeout_connect(seconds(limits.connect_seconds, 10.0))
            .timeout_recv_response(seconds(limits.first_byte_seconds, 300.0))
            .timeout_global(seconds(limits.total_seconds, 600.0));
        let (base, query) = base.split_once('?').map_or((base, String::new()), |(base, query)| (base, format!("?{query}")));
        if loopback(base) {
            config = config.proxy(None);
        }
        let agent = ureq::Agent::with_parts(config.build(), DefaultConnector::default(), Remembered::default());
        Http { agent, base: base.trim_end_matches('/').into(), query, key, headers }
    }

    /// The address that paths are appended to, without a slash at its end.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The address without its last part `/v1`: where servers keep what is not OpenAI's.
    pub fn root(&self) -> &str {
        self.base.strip_suffix("/v1").unwrap_or(&self.base)
    }

    /// Gets JSON from a whole address. A status that is no success is a refusal, and so is a body too long or no JSON.
    pub fn get(&self, url: &str) -> Result<Answered, Refusal> {
        // What goes with every request goes with its own question, too.
        let url = match url.contains('?') {
            true => format!("{url}{}", self.query.replacen('?', "&", 1)),
            false => format!("{url}{}", self.query),
        };
        let mut request = self.agent.get(url);
        for (name, value) in self.headers() {
            request = request.header(name, value);
        }
        let started = Instant::now();
        self.answered(request.call(), BODY_MAX, started)
    }

    /// Posts JSON; an answer may be as long as `most` bytes.
    pub fn post(&self, path: &str, body: &Value, most: u64) -> Result<Answered, Refusal> {
        let mut request =
            self.agent.post(format!("{}{path}{}", self.base, self.query)).header("content-type", "application/json");
        for (name, value) in self.headers() {
            request = request.header(name, value);
        }
        let bytes = serde_json::to_vec(body).expect("a request is plain data");
        let started = Instant::now();
        self.answered(request.send(&bytes[..]), most.max(BODY_MAX), started)
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        let mut all: Vec<(&'static str, String)> = self.headers.iter().map(|(name, value)| (*name, value.to_string())).collect();
        match &self.key {
            Some(Key { secret, header: KeyHeader::Bearer }) => all.push(("authorization", format!("Bearer {secret}"))),
            Some(Key { secret, header: KeyHeader::XApiKey }) => all.push(("x-api-key", secret.clone())),
            Some(Key { secret, header: KeyHeader::ApiKey }) => all.push(("api-key", secret.clone())),
            None => (),
        }
        all
    }

    fn answered(
        &self,
        sent: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
        most: u64,
        started: Instant,
    ) -> Result<Answered, Refusal> {
        let response = sent.map_err(|error| self.lost(&error))?;
        let status = response.status().as_u16();
        let allowance = Allowance { wait: wait(response.headers(), status) };
        if (300..400).contains(&status) {
            let to = response.headers().get("location").and_then(|to| to.to_str().ok()).unwrap_or("nowhere");
            return Err(Refusal::fatal(format!(
                "{} redirects to {}, which is not followed; if you trust that address, give it as the endpoint",
                self.base,
                self.clean(to)
            )));
        }
        let refused = !(200..300).contains(&status);
        let bytes = match response.into_body().into_with_config().limit(most).read_to_vec() {
            Ok(bytes) => bytes,
            // Whatever became of the words, the server said no.
            Err(_) if refused => Vec::new(),
            Err(error) => return Err(self.lost(&error)),
        };
        let elapsed = started.elapsed();
        let text = self.without_key(String::from_utf8_lossy(&bytes).into_owned());
        // A stream of events though none was asked for, as some proxies send; it may open with a comment.
        let streamed = ["data:", "event:", ":"].iter().any(|begin| text.trim_start().starts_with(begin));
        let mut body = if streamed { events(&text) } else { json(&text) };
        if let Some(body) = &mut body {
            // Escapes and the pieces of a stream may have hidden it.
            self.forget_key(body);
        }
        if refused {
            return Err(self.refused(status, body.as_ref(), &text, allowance));
        }
        let Some(body) = body else {
            return Err(Refusal::again(format!("{} answered with what is no JSON: {}", self.base, excerpt(&text))));
        };
        if let Some(error) = error_inside(&body) {
            return Err(self.refused(status_inside(error), Some(&body), &text, allowance));
        }
        Ok(Answered { status, body, allowance, elapsed })
    }

    /// The connection failed.
    fn lost(&self, error: &ureq::Error) -> Refusal {
        let why = format!("{}: {}", self.base, self.clean(&error.to_string()));
        match error {
            ureq::Error::BodyExceedsLimit(most) => Refusal::again(format!("{} sent more than {most} bytes", self.base)),
            ureq::Error::BadUri(_) | ureq::Error::RequireHttpsOnly(_) | ureq::Error::Http(_) => Refusal::fatal(why),
            // A certificate that is wrong now is wrong the next time, too.
            ureq::Error::RedirectFailed | ureq::Error::InvalidProxyUrl | ureq::Error::Tls(_) => Refusal::fatal(why),
            #[cfg(feature = "tls")]
            ureq::Error::Rustls(_) => Refusal::fatal(why),
            ureq::Error::TlsRequired => {
                Refusal::fatal(format!("{}: this program was built without https (feature `tls`)", self.base))
            }
            ureq::Error::HostNotFound | ureq::Error::Timeout(_) | ureq::Error::ConnectionFailed => {
                Refusal::again(why).of(Cause::Unreached)
            }
            ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                Refusal::again(why).of(Cause::Unreached)
            }
            _ => Refusal::again(why),
        }
    }

    /// The server said no, and with which words.
    fn refused(&self, status: u16, body: Option<&Value>, text: &str, allowance: Allowance) -> Refusal {
        let said = body.and_then(said).unwrap_or_else(|| text.to_string());
        let why = format!("{} answered {status}: {}", self.base, excerpt(&self.clean(&said)));
        // OpenAI answers 429 to an account without money, too, and no patience helps there.
        let broke = said.contains("insufficient_quota") || text.contains("\"insufficient_quota\"");
        let cause = Cause::Status(status);
        match status {
            429 if broke => Refusal::Fatal { why, cause },
            408 | 409 | 425 | 429 | 500..=599 => {
                Refusal::Again { why, cause, after: allowance.wait, overloaded: matches!(status, 429 | 503 | 529) }
            }
            401 | 403 => Refusal::Fatal { why: format!("{why}\n  help: {}", self.key_help()), cause },
            _ => Refusal::Fatal { why, cause },
        }
    }

    fn key_help(&self) -> &'static str {
        match self.key {
            Some(_) => "the key in the environment was not accepted",
            None => "no key was sent; put it into the environment variable that `key_env` names (see docs/live-models.md)",
        }
    }

    fn without_key(&self, text: String) -> String {
        match &self.key {
            Some(Key { secret, .. }) if secret.len() >= 4 && text.contains(secret.as_str()) => {
                text.replace(secret.as_str(), "[key]")
            }
            _ => text,
        }
    }

    /// Takes the key out of every text of an answer.
    fn forget_key(&self, value: &mut Value) {
        match value {
            _ if self.key.is_none() => (),
            Value::String(text) => *text = self.without_key(std::mem::take(text)),
            Value::Array(values) => values.iter_mut().for_each(|value| self.forget_key(value)),
            Value::Object(fields) => {
                let clean = |(name, mut value): (String, Value)| {
                    self.forget_key(&mut value);
                    (self.without_key(name), value)
                };
                *fields = std::mem::take(fields).into_iter().map(clean).collect();
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => (),
        }
    }

    fn clean(&self, text: &str) -> String {
        escaped(&self.without_key(text.to_string()))
    }
}

/// Whether a character does something to a terminal other than stand there.
fn steers(c: char) -> bool {
    (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// JSON, made safe to show: what steers a terminal and JSON leaves as it is, is spelled as JSON spells it.
pub fn escaped_json(json: &str) -> String {
    let spelled = |c: char| if steers(c) { format!("\\u{:04x}", c as u32) } else { c.to_string() };
    json.chars().map(spelled).collect()
}

/// Looks a host up and remembers where it is for a while. Otherwise every request starts a thread that looks it up, also
/// where a connection is open already.
#[derive(Debug, Default)]
struct Remembered {
    usual: DefaultResolver,
    /// When, of which host and port, and the addresses.
    last: Mutex<Option<(Instant, String, Vec<std::net::SocketAddr>)>>,
}

const REMEMBERED: Duration = Duration::from_secs(30);

impl Resolver for Remembered {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let place = |uri: &Uri| format!("{}://{}", uri.scheme_str().unwrap_or(""), uri.authority().map_or("", |a| a.as_str()));
        let last = || self.last.lock().expect("no panic while holding an address");
        if let Some((when, at, addresses)) = &*last()
            && when.elapsed() < REMEMBERED
            && *at == place(uri)
        {
            let mut out = self.empty();
            addresses.iter().for_each(|address| out.push(*address));
            return Ok(out);
        }
        // Nobody waits for somebody else's look.
        let found = self.usual.resolve(uri, config, timeout)?;
        *last() = Some((Instant::now(), place(uri), found.to_vec()));
        Ok(found)
    }
}

/// Text of a server or a model, made safe to show: control characters are spelled out.
pub fn escaped(text: &str) -> String {
    text.chars().flat_map(|c| if steers(c) { c.escape_default().collect::<Vec<_>>() } else { vec![c] }).collect()
}

/// The beginning of a long text, on one line.
pub fn excerpt(text: &str) -> String {
    let line: String = escaped(text).split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() {
        return "nothing".into();
    }
    let mut short: String = line.chars().take(300).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    short
}

/// Whether an address is this machine's own.
pub fn loopback(url: &str) -> bool {
    let host = host(url);
    host == "localhost" || host == "[::1]" || host.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
}

/// The host of an address.
pub fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    let host = authority.rsplit('@').next().unwrap_or("");
    match host.find(']') {
        Some(end) => &host[..=end],
        None => host.split(':').next().unwrap_or(""),
    }
}

/// What an error body says: `{"error": {"message": …}}`, `{"error": "…"}`, `{"message": …}`, `{"detail": …}`.
fn said(body: &Value) -> Option<String> {
    let error = body.get("error").unwrap_or(body);
    let text = |value: &Value| value.as_str().map(String::from).or_else(|| (!value.is_null()).then(|| value.to_string()));
    let message = error.get("message").or(error.get("detail")).or(if error.is_string() { Some(error) } else { None });
    let message = message.and_then(text)?;
    let kind = ["type", "code"].iter().find_map(|key| error.get(*key)?.as_str());
    Some(kind.map_or(message.clone(), |kind| format!("{message} ({kind})")))
}

/// An error that came with the status of success: under its own key, or in place of an answer.
fn error_inside(body: &Value) -> Option<&Value> {
    let own = body.get("error").filter(|error| !error.is_null() && **error != Value::Bool(false));
    let answers = ["choices", "content", "data", "models"].iter().any(|key| body.get(*key).is_some_and(|value| !value.is_null()));
    let told = || body.get("message").or(body.get("detail")).is_some_and(|told| !told.is_null());
    own.or_else(|| {
        (body["object"] == "error" || (!answers && told() && (body.get("code").is_some() || body.get("detail").is_some())))
            .then_some(body)
    })
}

/// The status that an error stands for: the one that it names, or that of its kind.
fn status_inside(error: &Value) -> u16 {
    let number = |key: &str| match &error[key] {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    let named =
        ["code", "status", "status_code", "http_status"].into_iter().find_map(number).filter(|code| (400..600).contains(code));
    if let Some(code) = named {
        return code as u16;
    }
    let kind = ["type", "code", "status"]
        .into_iter()
        .filter_map(|key| error[key].as_str())
        .collect::<String>()
        .to_lowercase()
        .replace('_', "");
    let kinds = [
        ("notfound", 404),
        ("invalidrequest", 400),
        ("badrequest", 400),
        ("validation", 422),
        ("authentication", 401),
        ("permission", 403),
        ("ratelimit", 429),
        ("overloaded", 529),
    ];
    kinds.iter().find(|(word, _)| kind.contains(word)).map_or(500, |(_, status)| *status)
}

/// A text as JSON. Numbers that are none, which Python writes as words, are null.
fn json(text: &str) -> Option<Value> {
    if let Ok(value) = serde_json::from_str(text) {
        return Some(value);
    }
    if !["NaN", "Infinity"].iter().any(|word| text.contains(word)) {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut quoted) = (text, false);
    while let Some(c) = rest.chars().next() {
        let word = ["-Infinity", "Infinity", "NaN"].into_iter().find(|word| !quoted && rest.starts_with(word));
        let length = match (word, c) {
            (Some(word), _) => {
                out.push_str("null");
                rest = &rest[word.len()..];
                continue;
            }
            // What is escaped ends no text.
            (None, '\\') => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            (None, c) => c.len_utf8(),
        };
        quoted ^= c == '"';
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    serde_json::from_str(&out).ok()
}

/// A server that asks to be left alone for longer than this is not waited for.
pub const WAIT_MAX: Duration = Duration::from_secs(600);

/// A server's wish that is too long to wait for, in words.
pub fn too_long(why: &str, after: Option<Duration>, most: Duration) -> Option<String> {
    let after = after.filter(|after| *after > most)?;
    let words = match after.as_secs_f64() {
        s if s < 100.0 => format!("{s:.0} s"),
        s if s < 5940.0 => format!("{:.0} minutes", s / 60.0),
        s if s < 36.0 * 3600.0 => format!("{:.1} hours", s / 3600.0),
        s => format!("{:.1} days", s / 86400.0),
    };
    Some(format!("{why}\n  help: the server asks to be left alone for {words}, which is not waited for; try again after that"))
}

/// How long the server asks to be left alone: `retry-after`, in milliseconds, seconds or as a date; or, with an answer
/// that was given, until an allowance that has run out is full again.
fn wait(headers: &HeaderMap, status: u16) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let milliseconds = text("retry-after-ms").and_then(|value| value.parse::<f64>().ok()).map(|ms| ms / 1000.0);
    let seconds = text("retry-after").and_then(|value| value.parse::<f64>().ok().or_else(|| until(value)));
    let asked = milliseconds.or(seconds);
    let empty = || {
        ["requests", "tokens", "input-tokens", "output-tokens"].iter().filter_map(|what| {
            let prefixes = [format!("x-ratelimit-remaining-{what}"), format!("anthropic-ratelimit-{what}-remaining")];
            let resets = [format!("x-ratelimit-reset-{what}"), format!("anthropic-ratelimit-{what}-reset")];
            let left: f64 = prefixes.iter().find_map(|name| text(name))?.parse().ok()?;
            let reset = resets.iter().find_map(|name| text(name))?;
            (left <= 0.0).then(|| duration(reset).or_else(|| until(reset))).flatten()
        })
    };
    let wait = asked.or_else(|| if status == 429 || status < 300 { empty().reduce(f64::max) } else { None })?;
    (wait.is_finite() && wait >= 0.0).then(|| Duration::from_secs_f64(wait.min(1e7)))
}

/// Seconds until a time in RFC 3339 or RFC 2822.
fn until(time: &str) -> Option<f64> {
    let then = chrono::DateTime::parse_from_rfc3339(time).or_else(|_| chrono::DateTime::parse_from_rfc2822(time)).ok()?;
    let left = then.timestamp_millis() - chrono::Utc::now().timestamp_millis();
    Some((left as f64 / 1000.0).max(0.0))
}

/// A duration as Go writes it: `1s`, `6m0s`, `20ms`, `1h2m3.5s`. A bare number is seconds.
fn duration(text: &str) -> Option<f64> {
    if let Ok(seconds) = text.parse::<f64>() {
        return Some(seconds);
    }
    let mut sum = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let unit = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |end| digits + end);
        sum += number
            * match &rest[digits..unit] {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                "us" | "µs" => 1e-6,
                "ns" => 1e-9,
                _ => return None,
            };
        rest = &rest[unit..];
    }
    (!text.is_empty()).then_some(sum)
}

/// A stream of events put together as the one answer that was asked for. None where it is not whole. Only streams of
/// chat completions are: nobody sends others unasked.
fn events(text: &str) -> Option<Value> {
    let mut whole: Option<Value> = None;
    let mut content = String::new();
    let mut done = false;
    for line in text.lines() {
        let Some(data) = line.strip_prefix("data:").map(str::trim) else { continue };
        if data == "[DONE]" {
            done = true;
            continue;
        }
        let chunk: Value = serde_json::from_str(data).ok()?;
        if chunk.get("error").is_some_and(|error| !error.is_null()) {
            return Some(chunk);
        }
        let choice = &chunk["choices"][0];
        content.push_str(choice["delta"]["content"].as_str().or(choice["text"].as_str()).unwrap_or(""));
        done |= choice["finish_reason"].is_string();
        let base = whole.get_or_insert_with(|| serde_json::json!({ "choices": [{ "message": { "role": "assistant" } }] }));
        for key in ["model", "system_fingerprint", "usage"] {
            if !chunk[key].is_null() {
                base[key] = chunk[key].clone();
            }
        }
        if !choice["finish_reason"].is_null() {
            base["choices"][0]["finish_reason"] = choice["finish_reason"].clone();
        }
        // Each event tells of its own tokens; the first are those that are asked for.
        let told = choice["logprobs"].is_object() && choice["logprobs"]["content"].as_array().is_none_or(|told| !told.is_empty());
        if told && base["choices"][0]["logprobs"].is_null() {
            base["choices"][0]["logprobs"] = choice["logprobs"].clone();
        }
    }
    let mut whole = whole.filter(|_| done)?;
    whole["choices"][0]["message"]["content"] = content.clone().into();
    whole["choices"][0]["text"] = content.into();
    Some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_read_in_every_spelling() {
        let wait_of = |headers: &[(&'static str, &str)], status| {
            let pairs = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
            wait(&HeaderMap::from_iter(pairs), status).map(|wait| wait.as_secs_f64())
        };
        assert_eq!(wait_of(&[("retry-after", "3")], 429), Some(3.0));
        assert_eq!(wait_of(&[("retry-after-ms", "250"), ("retry-after", "9")], 429), Some(0.25));
        assert_eq!(wait_of(&[("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "6m0s")], 429), Some(360.0));
        assert_eq!(wait_of(&[("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "20ms")], 200), Some(0.02));
        assert_eq!(wait_of(&[("x-ratelimit-remaining-requests", "7"), ("x-ratelimit-reset-requests", "1s")], 200), None);
        assert_eq!(wait_of(&[("retry-after", "-3")], 429), None);
        assert_eq!(wait_of(&[("retry-after", "NaN")], 429), None);
        let soon = (chrono::Utc::now() + chrono::TimeDelta::seconds(30)).to_rfc3339();
        let left =
            wait_of(&[("anthropic-ratelimit-requests-remaining", "0"), ("anthropic-ratelimit-requests-reset", &soon)], 429);
        assert!((28.0..=30.0).contains(&left.unwrap()), "{left:?}");
        assert_eq!(duration("1h2m3.5s"), Some(3723.5));
        assert_eq!(duration("soon"), None);
    }

    #[test]
    fn errors_with_the_status_of_success_are_errors_of_their_kind() {
        let of = |text: &str| error_inside(&json(text).unwrap()).map(status_inside);
        assert_eq!(of(r#"{"object": "error", "message": "not loaded", "type": "NotFoundError", "code": 404}"#), Some(404));
        assert_eq!(of(r#"{"error": {"message": "no", "type": "invalid_request_error"}}"#), Some(400));
        assert_eq!(of(r#"{"error": "slow", "code": "429"}"#), Some(500));
        assert_eq!(of(r#"{"error": {"code": "429"}}"#), Some(429));
        assert_eq!(of(r#"{"detail": "broken"}"#), Some(500));
        assert_eq!(of(r#"{"choices": [], "error": null}"#), None);
        assert_eq!(of(r#"{"content": [], "message": "x", "code": 3}"#), None);
    }

    #[test]
    fn numbers_that_are_none_are_null_and_texts_stay() {
        assert_eq!(
            json(r#"{"a": -Infinity, "b": [NaN, Infinity], "c": "NaN \" Infinity"}"#).unwrap(),
            serde_json::json!({ "a": null, "b": [null, null], "c": "NaN \" Infinity" })
        );
        assert_eq!(json("{NaN"), None);
        assert_eq!(json("nothing"), None);
    }

    #[test]
    fn long_wishes_are_told_in_words() {
        let of = |seconds: u64| too_long("why", Some(Duration::from_secs(seconds)), WAIT_MAX);
        assert_eq!(of(600), None);
        assert!(
            of(3600).unwrap().contains("60 minutes")
                && of(86_400 * 3).unwrap().contains("3.0 days")
                && of(20_000).unwrap().contains("5.6 hours")
        );
    }

    #[test]
    fn hosts_are_told_apart() {
        assert_eq!(host("https://user@api.openai.com:443/v1"), "api.openai.com");
        assert_eq!(host("http://[::1]:8080/v1"), "[::1]");
        assert!(loopback("http://127.0.0.1:80/v1") && loopback("http://localhost/v1") && loopback("http://[::1]:1"));
        assert!(!loopback("http://127.evil.example/") && !loopback("http://localhost.evil.example/v1"));
    }

    #[test]
    fn a_stream_counts_only_when_it_is_whole() {
        let chunk = |text: &str| format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}],\"model\":\"m\"}}\n\n");
        let end = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
        let whole = events(&format!("{}{}{end}", chunk("Q"), chunk("!"))).unwrap();
        assert_eq!(whole["choices"][0]["message"]["content"], "Q!");
        assert_eq!((&whole["model"], &whole["choices"][0]["finish_reason"]), (&"m".into(), &"stop".into()));
        assert_eq!(events(&chunk("Q")), None, "cut off");
        let told =
            |p: f64| format!("data: {{\"choices\":[{{\"delta\":{{}},\"logprobs\":{{\"content\":[{{\"logprob\":{p}}}]}}}}]}}\n\n");
        let first = &events(&format!(": a comment\n\n{}{}{end}", told(-1.0), told(-2.0))).unwrap()["choices"][0]["logprobs"];
        assert_eq!(first["content"][0]["logprob"], -1.0, "the first token is the one that is asked about");
        assert_eq!(events(&format!("{}data: {{\"choi\n\n{end}", chunk("Q"))), None, "malformed");
        assert!(events("data: {\"error\": {\"message\": \"slow down\", \"code\": 429}}\n\n").unwrap()["error"].is_object());
    }

    #[test]
    fn the_key_is_taken_out_of_every_text_however_it_was_spelled() {
        let key = Some(Key { secret: "sk-a/b".into(), header: KeyHeader::Bearer });
        let http = Http::new("http://127.0.0.1:1/v1", key, &Limits::default(), &[]);
        let mut body = serde_json::from_str(r#"{"\u0073k-a\/b": ["sk-a\/b!", {"x": "\u0073\u006b-a/b"}], "n": 1}"#).unwrap();
        http.forget_key(&mut body);
        assert_eq!(body, serde_json::json!({ "[key]": ["[key]!", { "x": "[key]" }], "n": 1 }));
    }

    #[test]
    fn nothing_that_is_shown_steers_a_terminal() {
        let json = serde_json::to_string("a\u{9b}\u{202e}\n").unwrap();
        assert_eq!(escaped_json(&json), r#""a\u009b\u202e\n""#);
        assert_eq!(serde_json::from_str::<String>(&escaped_json(&json)).unwrap(), "a\u{9b}\u{202e}\n");
        assert_eq!(excerpt("a\u{1b}[31m\u{202e}b\r\nc"), "a\\u{1b}[31m\\u{202e}b\\r c");
    }
}
