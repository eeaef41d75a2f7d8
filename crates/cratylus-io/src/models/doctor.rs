//! Examines a server: what it does with requests, not what it says it does.

use super::backend::{Backend, Raw, Refusal, Request, Want};
use super::probe::{FoundServer, Probe, Way, find, patiently, percent};
use super::server::{sampler_fields, with_way_out};
use super::tape::{AskedHow, Constraint};
use crate::models::how_read::HowRead;
use cratylus_core::fault::Fault;
use cratylus_core::language::answer::AnswerWords;
use cratylus_core::language::model::{Dialect, Model, Query, Server};
use cratylus_core::language::sampler::Sampler;
use cratylus_core::language::spelling::{Beginnings, NextToken, Spellings, step, walk};
use cratylus_core::policy::Round;
use cratylus_core::stats::Proportion;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// One thing that was tried.
#[derive(Clone, Debug, Serialize)]
pub struct ServerFinding {
    /// In a few words, which name a row of the table.
    pub what: &'static str,
    /// Yes, no, or not to be told.
    pub holds: Option<bool>,
    /// What happened, in words.
    pub found: String,
}

/// What came of an examination.
#[derive(Clone, Debug, Serialize)]
pub struct Examined {
    /// The address that was asked, without a key.
    pub endpoint: String,
    /// What the server speaks.
    pub dialect: Dialect,
    /// The name of the model on the server.
    pub model: String,
    /// Everything stable that the server reports of itself.
    pub identity: Value,
    /// In the order in which they were tried.
    pub findings: Vec<ServerFinding>,
    /// How Cratylus would ask the model here, and why; or why it could not.
    pub way: Result<(super::tape::AskedHow, bool, String), String>,
    /// What the user could change about the server, a sentence each.
    pub advice: Vec<String>,
}

/// How much is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// What decides how a model is asked.
    Quick,
    /// All, also what helps to set a server up.
    Whole,
}

/// What is told while a server is examined.
pub enum Told<'a> {
    /// Something is being tried.
    Trying(&'static str),
    /// It was.
    Found(&'a ServerFinding),
}

/// Examines a server as an agent of `model` would use it. `say` is told of each thing as it is found.
pub fn examine(server: &Server, model: &Model, depth: Depth, say: &mut dyn FnMut(Told<'_>)) -> Result<Examined, Refusal> {
    let FoundServer { model: found, identity } = find(server)?;
    let doctor = Doctor { probe: Probe::new(&found, model), samples: OnceLock::new(), begun: OnceLock::new() };
    let mut findings = Vec::new();
    let mut advice = Vec::new();
    let mut add = |what: &'static str, try_it: &mut dyn FnMut() -> Result<(Option<bool>, String), Fault>| {
        say(Told::Trying(what));
        let (holds, found) = try_it().unwrap_or_else(|trouble| (None, format!("could not be tried: {trouble}")));
        let finding = ServerFinding { what, holds, found };
        say(Told::Found(&finding));
        findings.push(finding);
    };
    // Nothing else can be told of a server that does not answer.
    let first = doctor.plain("Say a letter.", 1, &[])?;
    add("answers", &mut || Ok((Some(true), format!("in {:.0} ms, signed {}", first.ms, super::server::who(&first.body)))));
    add("usage", &mut || Ok(doctor.usage(&first.body)));
    add("system message", &mut || doctor.system(&mut advice));
    add("samples", &mut || doctor.sampling());
    if doctor.samples.get() == Some(&false) {
        advice.push("it gives the same answer every time, so choice = \"text\" would record a temperature that is not in force; use probabilities, or switch sampling on at the server (transformers serve wants do_sample in the model's generation config)".into());
    }
    add("prefill", &mut || {
        let yes = doctor.probe.continues()?;
        let _ = doctor.begun.set(yes);
        Ok((Some(yes), prefill_words(yes).into()))
    });
    let mut listed = 0;
    if found.dialect == Dialect::Anthropic {
        add("log-probabilities", &mut || Ok((Some(false), "the messages API has none".into())));
    } else {
        add("log-probabilities", &mut || {
            let (holds, words, most) = doctor.lists(depth)?;
            listed = most;
            Ok((holds, words))
        });
        if listed > 0 {
            add("before the sampler", &mut || doctor.before_sampler(listed.min(20)));
        }
        let all = [Constraint::JsonSchema, Constraint::StructuredOutputs, Constraint::Grammar, Constraint::Regex];
        for by in all.into_iter().filter(|_| depth == Depth::Whole) {
            let (what, field) = match by {
                Constraint::JsonSchema => ("json schema", "response_format"),
                Constraint::StructuredOutputs => ("choice", "structured_outputs"),
                Constraint::Grammar => ("grammar", "grammar"),
                Constraint::Regex => ("regex", "regex"),
            };
            let words = |kept: bool| format!("`{field}` {}", if kept { "is kept to" } else { "is ignored or refused" });
            add(what, &mut || doctor.probe.keeps(by, false).map(|kept| (Some(kept), words(kept))));
        }
    }
    if depth == Depth::Whole {
        add("max_tokens", &mut || doctor.honours_length("max_tokens"));
        add("max_completion_tokens", &mut || doctor.honours_length("max_completion_tokens"));
        add("temperature 0", &mut || doctor.same("temperature", json!(0.0)));
        for (what, value) in [("top_k", json!(1)), ("top_p", json!(1e-6)), ("min_p", json!(1.0))] {
            add(what, &mut || doctor.same(what, value.clone()));
        }
        add("seed", &mut || doctor.seed());
        add("n", &mut || doctor.several());
        add("unknown fields", &mut || doctor.unknown_field());
        add("unknown models", &mut || doctor.unknown_model());
        let mut noise: f64 = 0.0;
        for (what, at_once) in [("the same one at a time", 1), ("the same 16 at once", 16)] {
            add(what, &mut || {
                let (holds, words, spread) = doctor.repeated(at_once, listed)?;
                noise = noise.max(spread);
                Ok((holds, words))
            });
        }
        advice.extend(noise_words(found.dialect, noise));
        add("at once", &mut || {
            let (best, rate, words) = doctor.width()?;
            advice.push(format!("limits.in_flight = {best} answered most requests in a second here ({rate:.0}/s)"));
            Ok((None, words))
        });
    }
    say(Told::Trying("how it will be asked"));
    let way = doctor.probe.way();
    let (mut found_free, mut hopeless) = (Vec::new(), false);
    if way.as_ref().is_ok_and(|way| !matches!(way.how, AskedHow::Names)) {
        let way = way.as_ref().expect("it is one");
        let mut add = |what, try_it: &mut dyn FnMut() -> Result<(Option<bool>, String), Fault>| {
            say(Told::Trying(what));
            let (holds, found) = try_it().unwrap_or_else(|trouble| (None, format!("could not be tried: {trouble}")));
            let finding = ServerFinding { what, holds, found };
            say(Told::Found(&finding));
            found_free.push(finding);
        };
        let mut free = None;
        add("in words", &mut || {
            let (heard, words, holds) = doctor.freely(if depth == Depth::Quick { 4 } else { 12 }, &mut advice)?;
            free = Some(heard);
            Ok((holds, words))
        });
        hopeless = how_text(way) && free.as_ref().is_some_and(|all| all.iter().all(|free| free.said.iter().all(|n| *n == 0)));
        if let Some(free) = free.filter(|_| way.how.probabilities()) {
            add("freely and as asked", &mut || doctor.apart(way, &free, &mut advice));
        }
    }
    let way = match way {
        Ok(_) if hopeless => {
            let words = found_free.first().map_or("", |finding: &ServerFinding| finding.found.as_str());
            Err(Fault(format!("it can be asked for text alone, and no answer could be used: {words}")))
        }
        way => way,
    };
    findings.extend(found_free);
    let way = way.map(|Way { how, prefill, why }| (how, prefill, why)).map_err(|trouble| trouble.0);
    advice.extend(advise(found.dialect, listed));
    Ok(Examined {
        endpoint: found.http.base().into(),
        dialect: found.dialect,
        model: found.model.clone(),
        identity,
        findings,
        way,
        advice,
    })
}

/// Whether a choice is text as it comes, so that answers in words are what a run gets.
fn how_text(way: &Way) -> bool {
    way.how == AskedHow::Text && !way.prefill
}

/// What the noise of a server's lists means for who uses them.
fn noise_words(dialect: Dialect, noise: f64) -> Option<String> {
    let remedy = match dialect {
        Dialect::LlamaServer => "; --no-cache-prompt and limits.in_flight = 1 make it less, slowly, and `file` has none",
        Dialect::Vllm => "; VLLM_BATCH_INVARIANT=1 makes it less where the GPU allows it",
        Dialect::Sglang => "; --enable-deterministic-inference makes it less",
        _ => "",
    };
    match noise {
        n if n < 1e-3 => None,
        n if n < 1e-2 => Some(format!(
            "equal questions give a name probabilities that differ by {n:.4}: little beside what a run draws{remedy}"
        )),
        n => Some(format!(
            "equal questions give a name probabilities that differ by {n:.3}: its kernels and distributions are not exact, and differences of that size say nothing{remedy}"
        )),
    }
}

fn prefill_words(yes: bool) -> &'static str {
    if yes { "an assistant's last message is continued" } else { "an assistant's last message begins a new turn, or is refused" }
}

fn advise(dialect: Dialect, listed: u32) -> Vec<String> {
    let mut out = Vec::new();
    match dialect {
        Dialect::Vllm if listed <= 20 => out.push("start vLLM with --max-logprobs 500 for distributions that leave nothing out".into()),
        Dialect::Ollama => out.push(
            "Ollama always samples from its 40 most probable tokens, which no request can change; lists of log-probabilities are not affected. OLLAMA_NUM_PARALLEL says how many requests it serves at once".into(),
        ),
        Dialect::Openrouter => out.push("pin a provider: extra = { provider = { order = [\"…\"], allow_fallbacks = false } }".into()),
        Dialect::LlamaCppPython => out.push("start llama-cpp-python with --logits_all true for log-probabilities; it serves one request at a time".into()),
        _ => (),
    }
    out
}

/// Next tokens and their log-probabilities.
type NextTokens = Vec<(Vec<u8>, f64)>;

struct Doctor<'a> {
    probe: Probe<'a>,
    /// Whether answers differ at a high temperature, once it was tried.
    samples: OnceLock<bool>,
    /// Whether answers can be made to begin as the protocol has them.
    begun: OnceLock<bool>,
}

/// Answers in words to the memories that populations are asked about most: the first one, and that of those who agree.
struct Free {
    window: Vec<Round>,
    /// How often each name was said.
    said: Vec<u64>,
}

/// An answer to a plain request.
struct Plain {
    text: String,
    body: Value,
    ms: f64,
}

impl Doctor<'_> {
    fn plain(&self, user: &str, max_tokens: u32, more: &[(&str, Value)]) -> Result<Plain, Fault> {
        self.messages(json!([{ "role": "user", "content": user }]), max_tokens, more).map_err(Fault::from)
    }

    fn messages(&self, messages: Value, max_tokens: u32, more: &[(&str, Value)]) -> Result<Plain, Refusal> {
        let found = self.probe.found;
        let plain = Sampler { temperature: 1.0, top_k: None, top_p: None, min_p: None, typical_p: None };
        let mut body = sampler_fields(found.dialect, &plain).map_err(Refusal::fatal)?;
        body.insert("model".into(), found.model.as_str().into());
        body.insert("messages".into(), messages);
        let limit = if found.dialect == Dialect::Openai { "max_completion_tokens" } else { "max_tokens" };
        body.insert(limit.into(), max_tokens.into());
        found.server.omit.iter().for_each(|key| drop(body.remove(key)));
        body.extend(found.server.extra.clone());
        for (key, value) in more {
            match value {
                Value::Null => drop(body.remove(*key)),
                value => drop(body.insert(key.to_string(), value.clone())),
            }
        }
        self.post(body)
    }

    fn post(&self, body: Map<String, Value>) -> Result<Plain, Refusal> {
        let found = self.probe.found;
        let path = if found.dialect == Dialect::Anthropic { "/messages" } else { "/chat/completions" };
        let body = Value::Object(body);
        let answered = patiently(|| found.http.post(path, &body, 1 << 20)).map_err(|refusal| with_way_out(refusal, &body))?;
        let content = &answered.body["choices"][0]["message"]["content"];
        let blocks = || {
            answered.body["content"].as_array().map(|blocks| blocks.iter().filter_map(|block| block["text"].as_str()).collect())
        };
        let text = content.as_str().map(String::from).or_else(blocks).unwrap_or_default();
        Ok(Plain { text, ms: answered.elapsed.as_secs_f64() * 1000.0, body: answered.body })
    }

    fn usage(&self, body: &Value) -> (Option<bool>, String) {
        let usage = &body["usage"];
        let has = usage["prompt_tokens"].is_u64() || usage["input_tokens"].is_u64();
        let cached = usage.pointer("/prompt_tokens_details/cached_tokens").is_some_and(Value::is_u64)
            || usage["cache_read_input_tokens"].is_u64();
        let words = match (has, cached) {
            (true, true) => "tokens are counted, cached ones apart",
            (true, false) => "tokens are counted, cached ones not apart",
            _ => "tokens are not counted, so budgets of tokens and money cannot be kept",
        };
        (Some(has), words.into())
    }

    fn system(&self, advice: &mut Vec<String>) -> Result<(Option<bool>, String), Fault> {
        if self.probe.found.dialect == Dialect::Anthropic {
            return Ok((Some(true), "as a field of its own".into()));
        }
        let messages = json!([{ "role": "system", "content": "Be brief." }, { "role": "user", "content": "Say a letter." }]);
        match self.messages(messages, 1, &[]) {
            Ok(_) => Ok((Some(true), "accepted".into())),
            Err(Refusal::Fatal { why, .. }) => {
                if !self.probe.found.server.merge_system {
                    advice.push(
                        "merge_system = true puts the system message at the head of the user's, for a model that takes none"
                            .into(),
                    );
                }
                Ok((Some(false), format!("refused: {}", why.lines().next().unwrap_or_default())))
            }
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// The control for all that follows: whether answers differ where they must.
    fn sampling(&self) -> Result<(Option<bool>, String), Fault> {
        let hot = if self.probe.found.dialect == Dialect::Anthropic { 1.0 } else { 1.8 };
        if self.probe.found.server.omit.iter().any(|field| field == "temperature") {
            return Ok((None, "no temperature is sent, so it samples as it likes".into()));
        }
        let mut texts = Vec::new();
        for i in 0..8 {
            let question = ["Write any three words.", "Invent a name for a town."][i % 2];
            let more = [("temperature", json!(hot))];
            match self.messages(json!([{ "role": "user", "content": question }]), 12, &more) {
                Ok(plain) => texts.push((i % 2, plain.text)),
                Err(Refusal::Fatal { why, .. }) => {
                    return Ok((None, format!("a temperature of {hot} is refused: {}", why.lines().next().unwrap_or_default())));
                }
                Err(refusal) => return Err(refusal.into()),
            }
        }
        let n = texts.len();
        if texts.iter().all(|(_, text)| text.trim().is_empty()) {
            return Ok((None, "could not be told: answers came without text".into()));
        }
        texts.sort_unstable();
        texts.dedup();
        let _ = self.samples.set(texts.len() > 2);
        Ok(match texts.len() {
            0..=2 => (
                Some(false),
                format!(
                    "{n} answers at temperature {hot} to two questions were the same each time: it does not sample, or answers from a cache"
                ),
            ),
            texts => (Some(true), format!("{texts} different answers of {n} at temperature {hot}")),
        })
    }

    /// Answers in words as the protocol asks for them, without a beginning.
    fn freely(&self, each: u64, advice: &mut Vec<String>) -> Result<(Vec<Free>, String, Option<bool>), Fault> {
        let model = self.probe.model;
        let order: Vec<u16> = (0..model.names.len() as u16).collect();
        let mut readings = HowRead::default();
        let mut all = Vec::new();
        for window in [Vec::new(), vec![[0, 0]; model.memory]] {
            let mut free = Free { window, said: vec![0; model.names.len()] };
            for draw in 0..each {
                let query =
                    Query { window: free.window.clone().into(), order: order.clone().into(), draw, again: 0, facts: None };
                let prompt = model.prompt(&query).map_err(Fault)?;
                let want = Want::Text { constrained: None };
                let request =
                    Request { model, query: &query, prompt: &prompt, names: &model.names, before: &[], want, prefill: false };
                let Raw::Text { text, cut, instead } = patiently(|| self.probe.found.ask(&request)).map_err(Fault::from)?.raw
                else {
                    return Err(Fault::new("no text came"));
                };
                let heard = model.protocol.hear(&model.names, AnswerWords { text: &text, cut, instead }, false, None);
                readings.add(&heard);
                if let Ok(name) = heard.name {
                    free.said[name as usize] += 1;
                }
            }
            all.push(free);
            if model.memory == 0 {
                break;
            }
        }
        let (n, lost) = (readings.answers, readings.lost());
        let mut words = format!("{} of {n} answers in the format of `{}`", n - lost - readings.fallback, model.protocol.name);
        if readings.fallback > 0 {
            words += &format!(", {} read by fallback", readings.fallback);
        }
        for (why, n) in readings.why() {
            words += &format!(", {n} {}", why.words());
            if let Some(help) = why.help().filter(|_| 2 * n >= readings.answers) {
                advice.push(format!("answers in words {}: {help}", why.words()));
            }
        }
        Ok((all, words, Some(2 * lost < n)))
    }

    /// How far what is said freely is from the probabilities that a run would draw from.
    fn apart(&self, way: &Way, free: &[Free], advice: &mut Vec<String>) -> Result<(Option<bool>, String), Fault> {
        let model = self.probe.model;
        let (mut words, mut far) = (Vec::new(), false);
        for Free { window, said } in free {
            let n: u64 = said.iter().sum();
            if n == 0 {
                continue;
            }
            let p = self.probabilities(window, way)?;
            let sum: f64 = p.iter().sum();
            let most = (0..p.len()).max_by(|&a, &b| p[a].total_cmp(&p[b])).unwrap_or(0);
            let asked = if sum > 0.0 { p[most] / sum } else { 0.0 };
            let Proportion { share, low, high, .. } = Proportion::new(said[most], n);
            far |= !(low..=high).contains(&asked);
            let after = if window.is_empty() {
                "with no memory".into()
            } else {
                format!("after {} agreements on {}", window.len(), model.names[0])
            };
            words.push(format!(
                "{after} it says {} in {share:.2} [{low:.2} – {high:.2}] of {n} answers, and has {asked:.2} as it is asked: apart by {:.2} [{:.2} – {:.2}]",
                model.names[most],
                share - asked,
                low - asked,
                high - asked
            ));
        }
        if words.is_empty() {
            return Ok((None, "could not be told, as no answer in words was usable".into()));
        }
        if far {
            advice.push("the model chooses otherwise when it answers in its own words than as it is asked here: say in what you publish how a choice was obtained, and try choice = \"text\" beside it".into());
        }
        Ok((Some(!far), words.join("; ")))
    }

    /// The probability of each name after a memory, as a run would have it.
    fn probabilities(&self, window: &[Round], way: &Way) -> Result<Vec<f64>, Fault> {
        let model = self.probe.model;
        let (AskedHow::Exact { listed } | AskedHow::FirstToken { listed }) = way.how else { return Ok(Vec::new()) };
        let order: Vec<u16> = (0..model.names.len() as u16).collect();
        let query = Query { window: window.into(), order: order.into(), draw: 0, again: 0, facts: None };
        let prompt = model.prompt(&query).map_err(Fault)?;
        let spellings = Spellings::new(&model.names, if way.prefill { &prompt.prefill } else { "" });
        let spelling = walk(model.names.len(), |before, p, about| {
            let want = Want::Next { listed };
            let request =
                Request { model, query: &query, prompt: &prompt, names: &model.names, before, want, prefill: way.prefill };
            let Raw::Next(tokens) = patiently(|| self.probe.found.ask(&request)).map_err(Fault::from)?.raw else {
                return Err(Fault::new("no log-probabilities came"));
            };
            let text: String = before.iter().map(|beginning| beginning.text.as_str()).collect();
            let beginnings = match way.how {
                AskedHow::Exact { .. } => Beginnings::Follow { resolution: model.resolution, about },
                _ => Beginnings::Count,
            };
            Ok::<_, Fault>(step(&spellings, &text, p, &tokens, &model.sampler, beginnings))
        })?;
        Ok(spelling.names)
    }

    /// Whether next tokens are listed, in which words, and how many at most.
    fn lists(&self, depth: Depth) -> Result<(Option<bool>, String, u32), Fault> {
        let prefill = !self.probe.model.protocol.prefill.is_empty() && self.probe.continues()?;
        let mut best = None;
        for listed in [5, 20, 100, 1_000, 10_000, 100_000].into_iter().take(if depth == Depth::Quick { 2 } else { 6 }) {
            match self.probe.look(listed, prefill)?.look() {
                Some(look) if best.as_ref().is_none_or(|best: &super::probe::Look| look.tokens > best.tokens) => {
                    best = Some(look)
                }
                _ => break,
            }
        }
        Ok(match best {
            Some(look) => {
                let words = format!(
                    "{} tokens of {} asked for; they leave out {} of the probability",
                    look.tokens,
                    look.listed,
                    percent(look.unlisted)
                );
                (Some(true), words, look.listed)
            }
            None => (Some(false), "none are listed".into(), 0),
        })
    }

    fn next(&self, listed: u32) -> Result<NextTokens, Refusal> {
        let model = self.probe.model;
        let order: Vec<u16> = (0..model.names.len() as u16).collect();
        let query = Query { window: [].into(), order: order.into(), draw: 0, again: 0, facts: None };
        let prompt = model.prompt(&query).map_err(Refusal::fatal)?;
        let want = Want::Next { listed };
        let request = Request {
            model,
            query: &query,
            prompt: &prompt,
            names: &model.names,
            before: &[],
            want,
            prefill: self.begun.get() == Some(&true) && !prompt.prefill.is_empty(),
        };
        match self.probe.found.ask(&request)?.raw {
            Raw::Next(tokens) => {
                let mut all: NextTokens = tokens.into_iter().map(|token| (token.bytes, token.logprob)).collect();
                all.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
                Ok(all)
            }
            _ => Err(Refusal::fatal("no log-probabilities came")),
        }
    }

    /// Whether the log-probabilities told are those of the model, whatever the sampler.
    fn before_sampler(&self, listed: u32) -> Result<(Option<bool>, String), Fault> {
        let top = |temperature: f64| -> Result<Option<f64>, Fault> {
            let more = [("logprobs", json!(true)), ("top_logprobs", json!(listed)), ("temperature", json!(temperature))];
            let plain = self.plain("Say a letter.", 1, &more)?;
            Ok(plain.body["choices"][0]["logprobs"]["content"][0]["top_logprobs"][0]["logprob"].as_f64())
        };
        Ok(match (top(1.0)?, top(0.3)?) {
            (Some(one), Some(cold)) if (one - cold).abs() < 0.02 => (Some(true), "they are the same at every temperature".into()),
            (Some(one), Some(cold)) => (
                Some(false),
                format!(
                    "at temperature 0.3 the first is {cold:.3} instead of {one:.3}; they are always asked for at temperature 1"
                ),
            ),
            _ => (None, "could not be told".into()),
        })
    }

    fn honours_length(&self, field: &'static str) -> Result<(Option<bool>, String), Fault> {
        let more = [("max_tokens", Value::Null), ("max_completion_tokens", Value::Null), (field, json!(2))];
        let more: Vec<(&str, Value)> = more.into_iter().filter(|(key, value)| !value.is_null() || *key != field).collect();
        let limit = json!([{ "role": "user", "content": "Count from one to twenty." }]);
        // A server that ignores the field would write to the end of its context, so this is waited for briefly.
        let plain = match self.messages(limit, 2, &more) {
            Ok(plain) => plain,
            Err(Refusal::Fatal { .. }) => return Ok((Some(false), "refused".into())),
            Err(refusal) => return Err(refusal.into()),
        };
        let usage = &plain.body["usage"];
        Ok(match usage["completion_tokens"].as_u64().or(usage["output_tokens"].as_u64()) {
            Some(tokens) if tokens <= 3 => (Some(true), "honoured".into()),
            Some(tokens) => (Some(false), format!("ignored: {tokens} tokens came where 2 were asked for")),
            None => (None, "could not be told, as tokens are not counted".into()),
        })
    }

    /// Whether a sampler field that leaves one token makes every answer the same.
    fn same(&self, field: &'static str, value: Value) -> Result<(Option<bool>, String), Fault> {
        // At a high temperature, so that answers differ if the field is ignored.
        let hot = if self.probe.found.dialect == Dialect::Anthropic { 1.0 } else { 1.8 };
        let more: Vec<(&str, Value)> =
            if field == "temperature" { vec![(field, value)] } else { vec![("temperature", json!(hot)), (field, value)] };
        let mut texts = Vec::new();
        for _ in 0..4 {
            match self.messages(json!([{ "role": "user", "content": "Write any three words." }]), 8, &more) {
                Ok(plain) => texts.push(plain.text),
                Err(Refusal::Fatal { .. }) => return Ok((Some(false), "refused".into())),
                Err(refusal) => return Err(refusal.into()),
            }
        }
        if self.samples.get() == Some(&false) {
            return Ok((
                None,
                "taken; whether it is honoured cannot be told, as every answer is the same here whatever is asked".into(),
            ));
        }
        let first = texts[0].clone();
        let same = texts.iter().all(|text| *text == first);
        Ok(match same {
            true => (Some(true), "honoured: four answers were the same".into()),
            false => (Some(false), "ignored, or not reproducible: four answers differed".into()),
        })
    }

    fn seed(&self) -> Result<(Option<bool>, String), Fault> {
        let ask = |seed: u64| {
            self.messages(json!([{ "role": "user", "content": "Write any three words." }]), 8, &[("seed", json!(seed))])
        };
        let (one, again, other) = match (ask(1), ask(1), ask(2)) {
            (Ok(one), Ok(again), Ok(other)) => (one.text, again.text, other.text),
            (Err(Refusal::Fatal { .. }), ..) => return Ok((Some(false), "refused".into())),
            _ => return Ok((None, "could not be told".into())),
        };
        Ok(match (one == again, one == other) {
            (true, false) => (Some(true), "the same seed gave the same text once; it is never relied on".into()),
            _ if self.samples.get() == Some(&false) => (None, "cannot be told, as every answer is the same here".into()),
            (true, true) => (None, "every seed gives the same text".into()),
            _ => (Some(false), "the same seed gave different texts".into()),
        })
    }

    fn several(&self) -> Result<(Option<bool>, String), Fault> {
        match self.messages(json!([{ "role": "user", "content": "Say a letter." }]), 1, &[("n", json!(2))]) {
            Ok(plain) => {
                let n = plain.body["choices"].as_array().map_or(0, Vec::len);
                Ok((Some(n == 2), format!("{n} of 2 answers came; one is asked for at a time")))
            }
            Err(Refusal::Fatal { .. }) => Ok((Some(false), "refused".into())),
            Err(refusal) => Err(refusal.into()),
        }
    }

    fn unknown_field(&self) -> Result<(Option<bool>, String), Fault> {
        match self.messages(json!([{ "role": "user", "content": "Say a letter." }]), 1, &[("cratylus_unknown", json!(true))]) {
            Ok(_) => Ok((None, "ignored in silence, so a field that is misspelt in `extra` is not noticed".into())),
            Err(Refusal::Fatal { .. }) => Ok((None, "refused".into())),
            Err(refusal) => Err(refusal.into()),
        }
    }

    fn unknown_model(&self) -> Result<(Option<bool>, String), Fault> {
        match self.messages(
            json!([{ "role": "user", "content": "Say a letter." }]),
            1,
            &[("model", json!("cratylus-no-such-model"))],
        ) {
            Ok(_) => Ok((None, "answered all the same, so the name of a model proves nothing here".into())),
            Err(Refusal::Fatal { .. }) => Ok((None, "refused".into())),
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// The same question 16 times, so many at once: how many different answers come, and how far apart they put a name.
    fn repeated(&self, at_once: usize, listed: u32) -> Result<(Option<bool>, String, f64), Fault> {
        let lists = listed > 0;
        let ask = || -> Result<(String, NextTokens), Fault> {
            if lists {
                let next = patiently(|| self.next(listed.min(20))).map_err(Fault::from)?;
                return Ok((format!("{next:?}"), next));
            }
            let cold = [("temperature", json!(0.0))];
            Ok((self.plain("Write any three words.", 8, &cold)?.text, Vec::new()))
        };
        let answers: Vec<Result<(String, NextTokens), Fault>> = if at_once == 1 {
            (0..16).map(|_| ask()).collect()
        } else {
            std::thread::scope(|scope| {
                let threads: Vec<_> = (0..16).map(|_| scope.spawn(ask)).collect();
                threads.into_iter().map(|thread| thread.join().expect("asking does not panic")).collect()
            })
        };
        let answers = answers.into_iter().collect::<Result<Vec<_>, _>>()?;
        let mut texts: Vec<&String> = answers.iter().map(|(text, _)| text).collect();
        texts.sort_unstable();
        texts.dedup();
        // Tokens are compared with themselves, in whatever place they stand.
        let most = answers.iter().flat_map(|(_, next)| next).fold(0.0, |most: f64, (token, logprob)| {
            let first = answers[0].1.iter().find(|(known, _)| known == token);
            first.map_or(most, |(_, first)| most.max((logprob - first).abs()))
        });
        let names: Vec<(f64, f64)> = answers.iter().filter_map(|(_, next)| self.first_name(next)).collect();
        let spread = |of: fn(&(f64, f64)) -> f64| {
            let values = names.iter().map(of);
            [values.clone().fold(f64::INFINITY, f64::min), values.fold(0.0, f64::max)]
        };
        let (share, whole) = (spread(|name| name.0), spread(|name| name.1));
        let name = &self.probe.model.names[0];
        let effect = match names.is_empty() {
            true => String::new(),
            false => format!(
                "; P({name}) from {:.4} to {:.4}, the names having from {:.1e} to {:.1e}",
                share[0], share[1], whole[0], whole[1]
            ),
        };
        let noise = if names.is_empty() { 0.0 } else { share[1] - share[0] };
        let what = if lists { "lists of log-probabilities" } else { "texts at temperature 0" };
        let greedy = if lists || self.samples.get() != Some(&false) { "" } else { ", as every answer here is" };
        Ok(match texts.len() {
            1 => (Some(true), format!("16 equal {what}{greedy}"), 0.0),
            n if lists => {
                let apart = if most > 0.0 { format!("apart by up to {most:.1e}") } else { "of different tokens".into() };
                (Some(false), format!("{n} different {what} of 16, {apart}{effect}"), noise)
            }
            n => (Some(false), format!("{n} different {what} of 16"), 0.0),
        })
    }

    /// The first name's share of what the names have in a list, as sampled, and what they have.
    fn first_name(&self, next: &NextTokens) -> Option<(f64, f64)> {
        let model = self.probe.model;
        let tokens: Vec<NextToken> =
            next.iter().map(|(bytes, logprob)| NextToken { id: None, bytes: bytes.clone(), logprob: *logprob }).collect();
        let begun = if self.begun.get() == Some(&true) { model.protocol.prefill.as_str() } else { "" };
        let step = step(&Spellings::new(&model.names, begun), "", 1.0, &tokens, &model.sampler, Beginnings::Count);
        let sum: f64 = step.names.iter().sum();
        (sum > 0.0).then(|| (step.names[0] / sum, sum))
    }

    /// How many requests at once are answered fastest: the number, answers in a second, and all in words.
    fn width(&self) -> Result<(usize, f64, String), Fault> {
        let mut best = (1, 0.0);
        let mut words = Vec::new();
        for width in [1, 4, 16, 64] {
            let began = Instant::now();
            let each = 3;
            let failed = std::thread::scope(|scope| {
                let work = || (0..each).try_for_each(|i| self.plain(&format!("Say a letter. {i}"), 1, &[]).map(drop));
                let threads: Vec<_> = (0..width).map(|_| scope.spawn(work)).collect();
                threads.into_iter().map(|thread| thread.join().expect("asking does not panic")).find_map(Result::err)
            });
            if let Some(trouble) = failed {
                if best.1 == 0.0 {
                    return Err(trouble);
                }
                words.push(format!("{width} failed"));
                break;
            }
            let took = began.elapsed();
            let rate = (width * each) as f64 / took.as_secs_f64().max(1e-9);
            words.push(format!("{width}: {rate:.0}/s"));
            if rate > 1.1 * best.1 {
                best = (width, rate);
            }
            // A slow server is not pressed further than it needs to be.
            if took > Duration::from_secs(20) {
                break;
            }
        }
        Ok((best.0, best.1, words.join(", ")))
    }
}
