//! Finds out what a server is and what it can do, by asking it: its behaviour is believed, not its documents.

use super::backend::{Backend, Cause, Given, Raw, Refusal, Request, Want};
use super::http::{Answered, Http, escaped, too_long};
use super::server::{ServerModel, dialect_name, endpoint, headers, hosted, key, listed_max, who};
use super::tape::{AskedHow, Constraint};
use crate::models::hash::sha;
use cratylus_core::fault::Fault;
use cratylus_core::language::answer::{AnswerWords, Read};
use cratylus_core::language::model::{Api, Choice, Dialect, Model, Query, Server};
use cratylus_core::language::sampler::Sampler;
use cratylus_core::language::spelling::{Beginnings, Spellings, step};
use cratylus_core::language::{Message, Prompt};
use cratylus_core::policy::Round;
use cratylus_core::text::nearest;
use serde_json::{Value, json};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

/// A server that was found, and what it says that it is.
pub struct FoundServer {
    /// The model on it that is meant, ready to answer requests.
    pub model: ServerModel,
    /// Everything stable that the server reports of itself.
    pub identity: Value,
}

/// Reaches a server, finds out what it speaks, and which model it has.
pub fn find(server: &Server) -> Result<FoundServer, Refusal> {
    let url = endpoint(server)?;
    let known = server.dialect.or(hosted(&url));
    let http = Http::new(&url, key(server, &url, known)?, &server.limits, headers(known));
    let url = http.base().to_string();
    // Anthropic lists twenty models at a time unless it is asked for more.
    let pages = if known == Some(Dialect::Anthropic) { "?limit=1000" } else { "" };
    let listed = patiently(|| http.get(&format!("{url}/models{pages}")));
    let models = match listed {
        Ok(Answered { body, .. }) => body,
        // A server without a list may still answer.
        Err(Refusal::Fatal { cause: Cause::Status(404 | 405), .. }) => Value::Null,
        Err(refusal) => return Err(refusal),
    };
    let entries: Vec<&Value> =
        models["data"].as_array().or(models["models"].as_array()).map_or(Vec::new(), |list| list.iter().collect());
    let owner = entries.iter().find_map(|entry| entry["owned_by"].as_str()).unwrap_or("");
    let root = http.root().to_string();
    let look = |path: &str| http.get(&format!("{root}{path}")).ok().map(|answered| answered.body);
    let (mut props, mut version) = (None, None);
    let dialect = match known {
        Some(dialect) => dialect,
        None => {
            props = look("/props")
                .filter(|body| body.get("build_info").is_some() || body.get("default_generation_settings").is_some());
            match owner {
                _ if props.is_some() => Dialect::LlamaServer,
                "llamacpp" => Dialect::LlamaServer,
                "vllm" => Dialect::Vllm,
                "sglang" => Dialect::Sglang,
                "me" => Dialect::LlamaCppPython,
                "organization_owner" | "organization-owner" => Dialect::LmStudio,
                _ if look("/api/version").is_some_and(|body| body["version"].is_string()) => Dialect::Ollama,
                _ if look("/get_model_info").is_some_and(|body| body["model_path"].is_string()) => Dialect::Sglang,
                _ => Dialect::Generic,
            }
        }
    };
    if dialect == Dialect::LlamaServer && props.is_none() {
        props = look("/props");
    }
    match dialect {
        Dialect::Vllm => version = look("/version"),
        Dialect::Ollama => version = look("/api/version"),
        Dialect::Sglang => version = look("/get_model_info").or_else(|| look("/model_info")),
        _ => (),
    }
    let model = which(server, &url, &entries)?;
    let entry = entries.iter().find(|entry| id_of(entry) == Some(model.as_str()));
    let stable = |key: &str| entry.and_then(|entry| entry.get(key)).cloned().unwrap_or(Value::Null);
    let props = props.unwrap_or(Value::Null);
    let mut meta = stable("meta");
    if let Some(meta) = meta.as_object_mut() {
        // How much room a request has is the operator's affair, and bears on no answer.
        meta.remove("n_ctx");
    }
    let template = props["chat_template"].as_str().map(|template| sha(template.as_bytes()));
    let file = props["model_path"].as_str().map(|path| path.rsplit('/').next().unwrap_or(path).to_string());
    let identity = json!({
        "server": dialect_name(dialect),
        "model": model,
        "owned_by": stable("owned_by"),
        "root": stable("root"),
        "meta": meta,
        "max_model_len": stable("max_model_len"),
        "build": props["build_info"],
        "file": file,
        "chat_template": template,
        "version": version,
    });
    let model = ServerModel {
        http,
        dialect,
        model,
        server: server.clone(),
        answered_as: OnceLock::new(),
        another: None,
        // More than that would wait there, and seem slow.
        slots: props["total_slots"].as_u64().and_then(|slots| u32::try_from(slots).ok()).filter(|slots| *slots > 0),
        scores: OnceLock::new(),
    };
    Ok(FoundServer { model, identity })
}

fn id_of(entry: &Value) -> Option<&str> {
    entry["id"].as_str().or(entry["name"].as_str())
}

/// The model that is meant: the one named, or the only one there.
fn which(server: &Server, url: &str, entries: &[&Value]) -> Result<String, Fault> {
    let there: Vec<String> = entries.iter().filter_map(|entry| id_of(entry)).map(String::from).collect();
    match (&server.model, &there[..]) {
        (Some(model), []) => Ok(model.clone()),
        (Some(model), _) if there.contains(model) => Ok(model.clone()),
        // Ollama's `llama3` is its `llama3:latest`.
        (Some(model), _) if there.contains(&format!("{model}:latest")) => Ok(format!("{model}:latest")),
        // Hosted services know more names than they list; a wrong one is refused in their words.
        (Some(model), _) if hosted(url).is_some() => Ok(model.clone()),
        (Some(model), _) => {
            let there: Vec<String> = there.iter().map(|name| escaped(name)).collect();
            Err(Fault(format!("{url} has no model `{model}`{}", nearest(model, &there))))
        }
        (None, [one]) => Ok(one.clone()),
        (None, []) => Err(Fault(format!("{url} does not say which models it has; name one as `agents.model`"))),
        (None, _) => Err(Fault(format!(
            "{url} has several models; name one as `agents.model`: {}",
            escaped(&there.iter().take(20).cloned().collect::<Vec<_>>().join(", "))
        ))),
    }
}

/// Sends again what failed on the way, a few times, and not for longer than a minute, which a server that is busy or being
/// started gets in full. What cannot be read is asked for again at once: it is no matter of time, and a server that never
/// gives what is asked for is to be found out soon.
pub fn patiently<T>(mut ask: impl FnMut() -> Result<T, Refusal>) -> Result<T, Refusal> {
    let began = Instant::now();
    let mut tries = 0;
    loop {
        match ask() {
            Err(Refusal::Again { why, after, .. }) if too_long(&why, after, PATIENCE).is_some() => {
                return Err(Refusal::fatal(too_long(&why, after, PATIENCE).unwrap_or(why)));
            }
            Err(Refusal::Again { after, overloaded, cause, .. }) if (tries < 5 || overloaded) && began.elapsed() < PATIENCE => {
                tries += 1;
                if cause != Cause::Unread {
                    let pause = after.unwrap_or(Duration::from_millis(75 << tries.min(6)));
                    std::thread::sleep(pause.min(Duration::from_secs(20)));
                }
            }
            other => return other,
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(60);

/// Whether a server that answers other requests does not take this one: it says so, or fails on it every time. That it is
/// busy or being started does not count.
fn refused(refusal: &Refusal) -> bool {
    match refusal.cause() {
        Cause::Status(400..=499) => matches!(refusal, Refusal::Fatal { .. }),
        cause => matches!(cause, Cause::Status(500 | 501)),
    }
}

/// Asks a server as a run would.
pub struct Probe<'a> {
    /// Characters of prompts that were sent, and the tokens that the server counted in them.
    pub counted: Mutex<[u64; 2]>,
    /// The server that is asked.
    pub found: &'a ServerModel,
    /// The model as an agent would use it, with its protocol and names.
    pub model: &'a Model,
}

/// The memories that a model's probabilities are tried on.
const WINDOWS: [&[Round]; 2] = [&[], &[[0, 1], [1, 0]]];

/// A share of probability that a list of tokens may leave out.
pub const UNLISTED_MAX: f64 = 1e-3;

/// How the first tokens of an answer fall.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// How many tokens were asked for.
    pub listed: u32,
    /// The tokens that came back.
    pub tokens: usize,
    /// The most that any list left out, at temperature 1.
    pub unlisted: f64,
    /// The least probability that the names had together, before anything is left out of account.
    pub names: f64,
    /// Whether some name begins with a token that is not all of it.
    pub follow: bool,
    /// A name that no listed token says or begins, so that it would never be chosen.
    pub unspelled: Option<String>,
}

/// What came of asking for a list of next tokens.
pub enum Listed {
    /// It gave a list, which is seen to be like this.
    As(Look),
    /// Not so many, or none at all.
    Refused,
    /// The server answers without one.
    Never,
}

impl Listed {
    /// None where it gave no list of this length.
    pub fn look(self) -> Option<Look> {
        match self {
            Listed::As(look) => Some(look),
            Listed::Refused | Listed::Never => None,
        }
    }
}

/// How a model will be asked, and why.
pub struct Way {
    /// How a choice is obtained.
    pub how: AskedHow,
    /// Whether answers are made to begin with the protocol's prefill.
    pub prefill: bool,
    /// In words, for the manifest and whoever wonders.
    pub why: String,
}

impl<'a> Probe<'a> {
    /// Of a model on a server.
    pub fn new(found: &'a ServerModel, model: &'a Model) -> Probe<'a> {
        Probe { counted: Mutex::default(), found, model }
    }

    /// How many characters a token of a prompt has, where the server counted them.
    pub fn characters_per_token(&self) -> Option<f64> {
        let [characters, tokens] = *self.counted.lock().expect("no panic while counting");
        (characters > 500 && tokens > 0).then(|| characters as f64 / tokens as f64)
    }

    fn ask(&self, prompt: &Prompt, window: &[Round], want: Want, prefill: bool) -> Result<Given, Refusal> {
        let order: Vec<u16> = (0..self.model.names.len() as u16).collect();
        let query = Query { window: window.into(), order: order.into(), draw: 0, again: 0, facts: None };
        let request = Request { model: self.model, query: &query, prompt, names: &self.model.names, before: &[], want, prefill };
        let given = patiently(|| self.found.ask(&request))?;
        if let Some(tokens) = given.took.prompt_tokens {
            let sent: usize = prompt.messages.iter().map(|message| message.text.len()).sum();
            let mut counted = self.counted.lock().expect("no panic while counting");
            *counted = [counted[0] + sent as u64, counted[1] + tokens];
        }
        Ok(given)
    }

    fn prompt(&self, window: &[Round]) -> Result<Prompt, Fault> {
        let order: Vec<u16> = (0..self.model.names.len() as u16).collect();
        self.model.told(window, &order).map_err(Fault)
    }

    /// Whether an answer can be made to begin with given words: the words must add their own tokens to the prompt, and
    /// not the end of a message and the beginning of another.
    pub fn continues(&self) -> Result<bool, Fault> {
        if self.found.server.api == Api::Completions {
            return Ok(true);
        }
        let message = Message { role: "user".into(), text: "Say a letter.".into() };
        let tokens = |prefill: &str| -> Result<Option<u64>, Fault> {
            let prompt = Prompt { messages: vec![message.clone()], prefill: prefill.into() };
            match self.ask(&prompt, &[], Want::Text { constrained: None }, !prefill.is_empty()) {
                Ok(given) => Ok(given.took.prompt_tokens),
                Err(Refusal::Fatal { .. }) if !prefill.is_empty() => Ok(None),
                Err(refusal) => Err(refusal.into()),
            }
        };
        let (Some(without), Some(one), Some(two)) = (tokens("")?, tokens("A")?, tokens("A B")?) else { return Ok(false) };
        // A letter is a token or two; a turn that ends and begins anew is at least three more.
        Ok(one > without && one - without <= 2 && two > one && two - one <= 2)
    }

    /// How next tokens are listed with a request of so many.
    pub fn look(&self, listed: u32, prefill: bool) -> Result<Listed, Fault> {
        let mut look = Look { listed, tokens: 0, unlisted: 0.0, names: 1.0, follow: false, unspelled: None };
        for window in WINDOWS {
            let prompt = self.prompt(window)?;
            let given = match self.ask(&prompt, window, Want::Next { listed }, prefill) {
                Ok(given) => given,
                Err(refusal @ Refusal::Fatal { .. }) if refused(&refusal) => return Ok(Listed::Refused),
                // llama-cpp-python fails where it was not started for it.
                Err(refusal) if refused(&refusal) => return Ok(Listed::Never),
                Err(Refusal::Again { cause: Cause::Unread, .. }) => return Ok(Listed::Never),
                Err(refusal) => return Err(refusal.into()),
            };
            let Raw::Next(tokens) = given.raw else { return Ok(Listed::Never) };
            let plain = Sampler { temperature: 1.0, top_k: None, top_p: None, min_p: None, typical_p: None };
            let follow = Beginnings::Follow { resolution: self.model.resolution, about: None };
            let spellings = Spellings::new(&self.model.names, if prefill { &prompt.prefill } else { "" });
            let step = step(&spellings, "", 1.0, &tokens, &plain, follow);
            look.tokens = look.tokens.max(tokens.len());
            look.unlisted = look.unlisted.max(step.unlisted);
            // The sampler took what is listed for all there is.
            look.names = look.names.min(step.names.iter().sum::<f64>() * (1.0 - step.unlisted));
            look.follow |= !step.follow.is_empty();
            let begun = |place: usize| step.follow.iter().any(|beginning| spellings.begins(place, &beginning.text));
            let mut names = self.model.names.iter().zip(&step.names).enumerate();
            let unspelled = names.find(|(place, (_, p))| **p == 0.0 && !begun(*place)).map(|(_, (name, _))| name.clone());
            look.unspelled = look.unspelled.or(unspelled);
        }
        Ok(Listed::As(look))
    }

    /// The shortest list of next tokens that leaves next to nothing out, or the longest that the server gives.
    pub fn longest(&self, prefill: bool) -> Result<Option<Look>, Fault> {
        let most = listed_max(self.found.dialect);
        if most == 0 {
            return Ok(None);
        }
        if let Some(listed) = self.model.top_logprobs {
            return Ok(self.look(listed.min(most), prefill)?.look());
        }
        let mut best: Option<Look> = None;
        for listed in [20, 100, 500, 2_500, 20_000].into_iter().filter(|listed| *listed <= most) {
            match self.look(listed, prefill)? {
                // A server may list fewer than it is asked for without saying so.
                Listed::As(look) if best.as_ref().is_some_and(|best| best.tokens >= look.tokens) => break,
                Listed::As(look) => {
                    let enough = look.unlisted <= UNLISTED_MAX;
                    best = Some(look);
                    if enough {
                        break;
                    }
                }
                Listed::Refused if best.is_none() => return Ok(self.look(5, prefill)?.look()),
                Listed::Never | Listed::Refused => break,
            }
        }
        Ok(best)
    }

    /// The first constraint that the server keeps to. It is tried with names that no model would come upon.
    pub fn constraint(&self, prefill: bool) -> Result<Option<Constraint>, Fault> {
        use Constraint::*;
        let candidates: &[Constraint] = match self.found.dialect {
            Dialect::Vllm => &[StructuredOutputs, JsonSchema],
            Dialect::LlamaServer | Dialect::LlamaCppPython => &[Grammar, JsonSchema],
            Dialect::Sglang => &[Regex, JsonSchema],
            Dialect::Anthropic => &[],
            _ => &[JsonSchema],
        };
        for &by in candidates {
            if self.keeps(by, prefill)? {
                return Ok(Some(by));
            }
        }
        Ok(None)
    }

    /// Whether the server confines answers by this field. It is tried with names that no model would come upon.
    pub fn keeps(&self, by: Constraint, prefill: bool) -> Result<bool, Fault> {
        let mut odd = self.model.clone();
        odd.names = vec!["vexqu".into(), "jaldo".into()];
        let prompt = self.prompt(&[])?;
        let probe = Probe::new(self.found, &odd);
        for _ in 0..2 {
            let given =
                match probe.ask(&prompt, &[], Want::Text { constrained: Some(by) }, prefill && by != Constraint::JsonSchema) {
                    Ok(given) => given,
                    Err(refusal) if refused(&refusal) => return Ok(false),
                    Err(refusal) => return Err(refusal.into()),
                };
            let Raw::Text { text, cut, instead } = given.raw else { return Ok(false) };
            let schema = by == Constraint::JsonSchema;
            let words = AnswerWords { text: &text, cut, instead };
            let heard = odd.protocol.hear(&odd.names, words, prefill && !schema, schema.then_some(Read::Value));
            if heard.name.is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// How the model will be asked: as the experiment says, or the best that it can give.
    pub fn way(&self) -> Result<Way, Fault> {
        let Model { choice, protocol, .. } = self.model;
        let asked = |wanted: &[Choice]| wanted.contains(choice);
        let wants_prefill = !protocol.prefill.is_empty();
        let continues = if wants_prefill || asked(&[Choice::Exact]) { self.continues()? } else { false };
        let prefill = wants_prefill && continues;
        let begins = match (wants_prefill, prefill) {
            (true, true) => "answers can be made to begin as the protocol has them",
            (true, false) => "answers cannot be made to begin as the protocol has them",
            (false, _) => "the protocol has answers begin with the name",
        };
        if !asked(&[Choice::Constrained, Choice::Text]) {
            match self.longest(prefill)? {
                // A first token that is no name says nothing of the name that comes after it.
                Some(look) if !prefill && look.names < 0.5 && asked(&[Choice::Auto]) => {
                    return self.words(
                        prefill,
                        &format!("{begins}, and a first token is a name only {} of the time", percent(look.names)),
                    );
                }
                // Whoever fixed the length of the lists did not ask for another way of asking, which takes a call for each
                // decision.
                Some(look) if self.too_short(&look).is_some() && self.model.top_logprobs.is_some() => {
                    let why = self.too_short(&look).unwrap_or_default();
                    return Err(Fault(format!(
                        "top_logprobs = {} is too few: {why}\n  help: leave top_logprobs out, which asks for as many as it takes, or give a greater number; choice = \"text\" or \"constrained\" asks for words, a call for each decision",
                        look.listed
                    )));
                }
                Some(Look { unspelled: Some(name), tokens, .. }) if asked(&[Choice::Auto]) => {
                    let why = format!("none of {tokens} next tokens says or begins `{name}`");
                    return self.words(prefill, &why);
                }
                // What is not listed may be the names.
                Some(look) if look.unlisted > UNLISTED_MAX && look.names < 10.0 * look.unlisted && asked(&[Choice::Auto]) => {
                    let (names, unlisted) = (percent(look.names), percent(look.unlisted));
                    let why = format!("lists of {} next tokens leave out {unlisted}, and the names have {names}", look.tokens);
                    return self.words(prefill, &why);
                }
                Some(look) => {
                    let named = format!("{begins}, names have at least {} of the first token", percent(look.names));
                    let list =
                        format!("{named}, and lists of {} next tokens leave out at most {}", look.tokens, percent(look.unlisted));
                    let listed = look.listed;
                    if asked(&[Choice::FirstToken]) {
                        return Ok(Way {
                            how: AskedHow::FirstToken { listed },
                            prefill,
                            why: format!("as the experiment says; {list}"),
                        });
                    }
                    let followed = !look.follow || continues || self.continues()?;
                    if followed {
                        return Ok(Way { how: AskedHow::Exact { listed }, prefill, why: list });
                    }
                    if asked(&[Choice::Exact]) {
                        return Err(Fault("names take several tokens here, and the server cannot continue an answer, so their probabilities cannot be followed; use choice = \"first-token\"".into()));
                    }
                    return Ok(Way {
                        how: AskedHow::FirstToken { listed },
                        prefill,
                        why: format!("{list}; names of several tokens cannot be followed, as answers cannot be continued"),
                    });
                }
                None if asked(&[Choice::Exact, Choice::FirstToken]) => {
                    return Err(Fault(format!(
                        "{} gives no log-probabilities, which choice = \"{}\" needs; leave `choice` out, or use \"constrained\" or \"text\"",
                        self.found.http.base(),
                        if asked(&[Choice::Exact]) { "exact" } else { "first-token" }
                    )));
                }
                None => return self.words(prefill, "the server gives no log-probabilities"),
            }
        }
        self.words(prefill, "as the experiment says")
    }

    /// Why a list of next tokens says too little of the names, where `auto` would go on to words.
    fn too_short(&self, look: &Look) -> Option<String> {
        if self.model.choice != Choice::Auto {
            return None;
        }
        match &look.unspelled {
            Some(name) => Some(format!("none of {} next tokens says or begins `{name}`", look.tokens)),
            None if look.unlisted > UNLISTED_MAX && look.names < 10.0 * look.unlisted => Some(format!(
                "lists of {} next tokens leave out {}, and the names have {}",
                look.tokens,
                percent(look.unlisted),
                percent(look.names)
            )),
            None => None,
        }
    }

    fn words(&self, prefill: bool, why: &str) -> Result<Way, Fault> {
        let sampled = || {
            // A field that the server does not take is a mistake now, not in the midst of a run.
            super::server::sampler_fields(self.found.dialect, &self.model.sampler).map_err(|why| {
                Fault(format!("{why}, and it samples by itself here; leave that out, or use a server with log-probabilities"))
            })
        };
        sampled()?;
        if self.model.order == cratylus_core::language::protocol::Order::Averaged {
            return Err(Fault(format!("orders can be averaged only over probabilities, and {why}; use order = \"shuffled\"")));
        }
        if self.model.choice != Choice::Text {
            if let Some(by) = self.constraint(prefill)? {
                let prefill = prefill && by != Constraint::JsonSchema;
                return Ok(Way {
                    how: AskedHow::Constrained { by },
                    prefill,
                    why: format!("{why}; it keeps answers to the names"),
                });
            }
            if self.model.choice == Choice::Constrained {
                return Err(Fault(format!("{} does not keep answers to given names by any means known", self.found.http.base())));
            }
        }
        Ok(Way { how: AskedHow::Text, prefill, why: format!("{why}; answers are text, read by the protocol") })
    }

    /// What answers are signed with.
    pub fn signed(&self) -> Result<Value, Fault> {
        if self.found.answered_as.get().is_none() {
            let prompt = self.prompt(&[])?;
            self.ask(&prompt, &[], Want::Text { constrained: None }, false).map_err(Fault::from)?;
        }
        Ok(self.found.answered_as.get().cloned().unwrap_or_else(|| who(&Value::Null)))
    }
}

/// A share in per cent, with digits enough to tell it from none.
pub fn percent(share: f64) -> String {
    match 100.0 * share {
        0.0 => "0 %".into(),
        p if p > 0.0 && p < 0.01 => format!("{p:.1e} %"),
        p if p < 10.0 => format!("{p:.2} %"),
        p => format!("{p:.1} %"),
    }
}
