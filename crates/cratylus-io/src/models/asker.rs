//! Asks each distinct question once. Between a population and its models stand the tape, which remembers, and the
//! pool, which limits; what is known is answered at once, what is being asked is waited for, and the rest is asked.

use super::backend::{Backend, Raw, Request, Want};
use super::http::excerpt;
use super::pool::{Pool, Unasked};
use super::tape::{AskedHow, Call, Constraint, KeptAnswer, KeptPrompt, Setup, Tape, TapeEntry, Took};
use crate::models::hash::sha;
use crate::models::how_read::HowRead;
use crate::whole::now;
use cratylus_core::experiment::Budget;
use cratylus_core::fault::Fault;
use cratylus_core::language::answer::{AnswerWords, Heard, Read};
use cratylus_core::language::facts::Facts;
use cratylus_core::language::model::{Model, OutsideNames, Query, Reply, Source};
use cratylus_core::language::scored::Scored;
use cratylus_core::language::spelling::{Beginning, Beginnings, SpellingStep, Spellings, step, walk};
use cratylus_core::language::{Distribution, Prompt};
use cratylus_core::policy::Round;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// A model that is ready to be asked.
pub struct Opened {
    /// How it is asked, and what it is.
    pub setup: Setup,
    /// What answers a request.
    pub backend: Arc<dyn Backend>,
    /// What limits requests to its server, shared with other models there.
    pub pool: Arc<Pool>,
}

/// What a run's calls come to, for progress and budgets.
#[derive(Default)]
pub struct Spent {
    /// Calls that were answered by a model, now.
    pub calls: AtomicU64,
    /// Decisions that needed no call.
    pub stored: AtomicU64,
    /// Answers in words that could not be read, of those below.
    pub unusable: AtomicU64,
    /// Answers in words, those that could not be read included.
    pub answers: AtomicU64,
    /// Answers in words that were read by a fallback, of those.
    pub fallback: AtomicU64,
    /// The same for each model, by how it is asked, with what could not be used.
    pub readings: Mutex<BTreeMap<String, HowRead>>,
    /// What the user should know while it goes on.
    pub notes: Mutex<Vec<String>>,
    /// Of prompts, as servers count them.
    pub prompt_tokens: AtomicU64,
    /// Of answers, as servers count them.
    pub completion_tokens: AtomicU64,
    /// In millionths of a dollar.
    pub micro_usd: AtomicU64,
    /// Requests that failed on the way and were sent again.
    pub resent: AtomicU64,
    /// The last reason for sending again.
    pub last_trouble: Mutex<Option<String>>,
}

/// What an answer in words says, as a model that is asked in this way is read.
pub fn heard(model: &Model, setup: &Setup, words: AnswerWords<'_>) -> Heard {
    // A server that keeps to a schema writes JSON, whatever the protocol asks for.
    let schema = setup.how == AskedHow::Constrained { by: Constraint::JsonSchema };
    model.protocol.hear(&model.names, words, setup.prefill, schema.then_some(Read::Value))
}

/// After so many answers of which none could be used, and all for a reason that can be mended, asking ends.
const HOPELESS: u64 = 20;
/// The same where the reason is the model's words.
const UNLUCKY: u64 = 60;
/// After so many a word is said of what makes half of them unusable.
const EARLY: u64 = 10;

impl Spent {
    /// Takes in an answer in words. An error says that no answer was usable so far, and what to change.
    fn hear(&self, model: &Model, setup: &Setup, words: AnswerWords<'_>, heard: &Heard) -> Result<(), Fault> {
        self.unusable.fetch_add(u64::from(heard.name.is_err()), Ordering::Relaxed);
        self.fallback.fetch_add(u64::from(heard.fallback), Ordering::Relaxed);
        self.answers.fetch_add(1, Ordering::Relaxed);
        let mut readings = self.readings.lock().expect("no panic while counting answers");
        let readings = readings.entry(setup.asked.clone()).or_default();
        readings.add(heard);
        let why = readings.why();
        let Some(&(most, n)) = why.first() else { return Ok(()) };
        let limit = match &model.source {
            Source::Server(server) => server.limits.unusable.map(u64::from),
            _ => None,
        };
        let mends = why.iter().all(|(why, _)| why.help().is_some());
        let limit = limit.unwrap_or(if mends { HOPELESS } else { UNLUCKY });
        let help = most.help().map_or(String::new(), |help| format!("\n  help: {help}"));
        if limit > 0 && readings.answers >= limit && readings.lost() == readings.answers {
            let each: Vec<String> = why.iter().map(|(why, n)| format!("{n} {}", why.words())).collect();
            let shown =
                if words.text.trim().is_empty() { String::new() } else { format!("\n  the last one: {}", excerpt(words.text)) };
            let never = match model.source {
                Source::Server(_) => "\n  agents.limits.unusable says after how many this ends; 0 is never",
                _ => "",
            };
            return Err(Fault(format!(
                "{}: none of {} answers could be used: {}{shown}{help}{never}",
                setup.name,
                readings.answers,
                each.join(", ")
            )));
        }
        if readings.answers == EARLY && 2 * n >= EARLY && !help.is_empty() && limit != EARLY {
            let note = format!("{}: {n} of the first {EARLY} answers {}{help}", setup.name, most.words());
            self.notes.lock().expect("no panic while noting").push(note);
        }
        Ok(())
    }
}

/// The tapes of a run: its own, and a store that it shares with others.
pub struct Tapes {
    /// Everything that the run uses is on it.
    pub own: Arc<Tape>,
    /// Looked at where the own tape has nothing, and given what is new.
    pub store: Option<Arc<Tape>>,
}

impl Tapes {
    /// A call that was made before. What only the store has is put on the run's own tape, so that the run stays whole.
    fn call(&self, key: &str, prompt: &KeptPrompt) -> Result<Option<Arc<Call>>, Fault> {
        if let Some(call) = self.own.call(key) {
            return Ok(Some(call));
        }
        let Some(store) = &self.store else { return Ok(None) };
        let Some(call) = store.call(key) else { return Ok(None) };
        self.own.keep(&self.with_prompt(&self.own, TapeEntry::Call(Box::new((*call).clone())), prompt))?;
        Ok(Some(call))
    }

    /// Keeps a call on every tape. The one that was there first stands.
    fn keep(&self, call: Call, prompt: &KeptPrompt) -> Result<Arc<Call>, Fault> {
        let key = call.key.clone();
        let mut stands = call;
        if let Some(store) = &self.store {
            store.keep(&self.with_prompt(store, TapeEntry::Call(Box::new(stands)), prompt))?;
            stands = (*store.call(&key).expect("just kept")).clone();
        }
        self.own.keep(&self.with_prompt(&self.own, TapeEntry::Call(Box::new(stands)), prompt))?;
        Ok(self.own.call(&key).expect("just kept"))
    }

    fn with_prompt(&self, tape: &Tape, call: TapeEntry, prompt: &KeptPrompt) -> Vec<TapeEntry> {
        match tape.prompt(&prompt.hash) {
            Some(_) => vec![call],
            None => vec![TapeEntry::Prompt(prompt.clone()), call],
        }
    }
}

/// What the agent of a question is shown, with its hash.
pub fn told(model: &Model, query: &Query) -> Result<KeptPrompt, Fault> {
    let prompt = model.prompt(query).map_err(|why| Fault(format!("protocol `{}`: {why}", model.protocol.name)))?;
    Ok(KeptPrompt { hash: prompt_hash(&prompt), prompt })
}

/// The hash by which calls name a prompt.
pub fn prompt_hash(prompt: &Prompt) -> String {
    sha(&serde_json::to_vec(prompt).expect("a prompt is plain data"))
}

/// The key of a call: everything that its answer depends on.
fn call_key(setup: &Setup, model: &Model, prompt: &str, before: &str, query: &Query) -> String {
    let parts = match setup.how {
        AskedHow::Exact { .. } => serde_json::json!([setup.how, model.sampler, model.names, model.resolution]),
        AskedHow::FirstToken { .. } => serde_json::json!([setup.how, model.sampler, model.names]),
        AskedHow::Names => serde_json::json!([setup.how, model.names]),
        AskedHow::Scores => serde_json::json!([setup.how]),
        AskedHow::Constrained { .. } => serde_json::json!([setup.how, model.sampler, model.protocol.max_tokens, query.draw]),
        AskedHow::Text => serde_json::json!([setup.how, model.sampler, model.protocol.max_tokens, query.draw]),
    };
    // What else goes with every request to a server, and by which way.
    let way = match &model.source {
        Source::Server(server) => serde_json::json!([server.api, server.extra, server.omit]),
        _ => serde_json::Value::Null,
    };
    let way = match &model.source {
        Source::Server(server) if server.merge_system => serde_json::json!([way, "merge_system"]),
        _ => way,
    };
    sha(serde_json::json!([setup.id, setup.prefill, prompt, before, parts, way]).to_string().as_bytes())
}

/// How something is asked for that is to be said, whatever else the model can do; None for any other question.
pub fn in_words(setup: &Setup, query: &Query) -> Option<Setup> {
    let says = query.facts.as_ref().is_some_and(|facts| facts.text.is_some());
    says.then(|| Setup { how: AskedHow::Text, prefill: false, ..setup.clone() })
}

/// One question on its way through tape and backend. It makes as many calls as the names take.
pub struct Asking<'a> {
    /// The model that is asked, with its protocol and sampler.
    pub model: &'a Model,
    /// How its choices are obtained.
    pub setup: &'a Setup,
    /// Where it is looked up, and kept.
    pub tapes: &'a Tapes,
    /// The memory, the order of the options, and the draw.
    pub query: &'a Query,
    /// What the agent is shown.
    pub prompt: &'a KeptPrompt,
    /// Whether the tape alone may answer: then what is not on it is None.
    pub asks: Option<&'a Asks<'a>>,
}

/// What a call cost, by what it took.
pub type Cost<'a> = &'a dyn Fn(&Took) -> Option<f64>;

/// What it takes to ask.
pub struct Asks<'a> {
    /// What answers each request.
    pub backend: &'a dyn Backend,
    /// What limits requests to the same server.
    pub pool: &'a Pool,
    /// Where what is spent is counted.
    pub spent: &'a Spent,
    /// What may be spent; looked at before each call.
    pub budget: &'a Budget,
    /// When this call of the program began, for a budget of hours.
    pub started: std::time::Instant,
    /// None where the model's price is not known.
    pub prices: Option<Cost<'a>>,
}

/// Why there is no reply.
#[derive(Clone, Debug, PartialEq)]
pub enum NoReply {
    /// The tape does not have it.
    Missing,
    /// It was not answered in the end: stopped, or failed.
    Ended(Unasked),
    /// The budget is spent: which part of it.
    Spent(String),
}

impl From<Fault> for NoReply {
    fn from(trouble: Fault) -> NoReply {
        NoReply::Ended(Unasked::Failed(trouble))
    }
}

impl Asking<'_> {
    /// The choice, or its probabilities. An answer in words that cannot be read is a reply, too.
    pub fn reply(&self) -> Result<Reply, NoReply> {
        let Asking { model, setup, query, .. } = *self;
        if query.facts.as_ref().is_some_and(|facts| facts.text.is_some()) {
            return Ok(Reply::Text(self.text()?));
        }
        if !setup.how.probabilities() {
            let call = self.call(&[], 1.0, None)?;
            let words = call.answer.words().ok_or_else(|| self.other(&call))?;
            let heard = heard(model, setup, words);
            if let Some(asks) = self.asks {
                asks.spent.hear(model, setup, words, &heard)?;
            }
            return Ok(Reply::Read(heard.name));
        }
        let spelling = walk(model.names.len(), |before, p, about| {
            let call = self.call(before, p, about)?;
            match &call.answer {
                KeptAnswer::Step { step, .. } => Ok(step.clone()),
                _ => Err(NoReply::from(self.other(&call))),
            }
        })?;
        let mut names = spelling.names;
        let sum: f64 = names.iter().sum();
        if setup.how != AskedHow::Names && model.outside == OutsideNames::Renormalise && sum > 0.0 {
            names.iter_mut().for_each(|p| *p /= sum);
        }
        Ok(Reply::Distribution(Arc::new(Distribution::new(names))))
    }

    /// An answer in words as it came, to a question that is no choice.
    pub fn text(&self) -> Result<String, NoReply> {
        let call = self.call(&[], 1.0, None)?;
        match &call.answer {
            KeptAnswer::Text { text, .. } => Ok(text.clone()),
            _ => Err(self.other(&call).into()),
        }
    }

    /// What the tokens of the last message are worth.
    pub fn scores(&self) -> Result<Vec<Scored>, NoReply> {
        let call = self.call(&[], 1.0, None)?;
        match &call.answer {
            KeptAnswer::Scores { tokens } => Ok(tokens.clone()),
            _ => Err(self.other(&call).into()),
        }
    }

    fn other(&self, call: &Call) -> Fault {
        Fault(format!("call {} of the tape holds another kind of answer than `{:?}` gives", call.key, self.setup.how))
    }

    fn call(&self, before: &[Beginning], p: f64, about: Option<f64>) -> Result<Arc<Call>, NoReply> {
        let Asking { model, setup, query, prompt, .. } = *self;
        let text: String = before.iter().map(|beginning| beginning.text.as_str()).collect();
        let key = call_key(setup, model, &prompt.hash, &text, query);
        if let Some(call) = self.tapes.call(&key, prompt)? {
            return Ok(call);
        }
        let asks = self.asks.ok_or(NoReply::Missing)?;
        asks.allowed()?;
        let names: Vec<String> = query.order.iter().map(|&name| model.names[name as usize].clone()).collect();
        let want = match setup.how {
            AskedHow::Exact { listed } | AskedHow::FirstToken { listed } => Want::Next { listed },
            AskedHow::Names => Want::Names,
            AskedHow::Constrained { by } => Want::Text { constrained: Some(by) },
            AskedHow::Text => Want::Text { constrained: None },
            AskedHow::Scores => Want::Scores,
        };
        let request = Request { model, query, prompt: &prompt.prompt, names: &names, before, want, prefill: setup.prefill };
        let again = |why: &str| {
            asks.spent.resent.fetch_add(1, Ordering::Relaxed);
            *asks.spent.last_trouble.lock().expect("no panic while noting trouble") = Some(why.to_string());
        };
        let given = asks.pool.ask(asks.backend, &request, &again).map_err(|ended| {
            // What was not answered is no call.
            asks.spent.calls.fetch_sub(1, Ordering::Relaxed);
            NoReply::Ended(ended)
        })?;
        let mut took = given.took;
        if took.at.is_empty() {
            took.at = now();
        }
        if took.usd.is_none() {
            took.usd = asks.prices.and_then(|price| price(&took));
        }
        asks.spend(&took);
        let answer = match given.raw {
            Raw::Text { text, cut, instead } => KeptAnswer::Text { text, cut, instead },
            Raw::Scores(tokens) => KeptAnswer::Scores { tokens },
            Raw::Names(names) => KeptAnswer::Step { step: SpellingStep { names, ..SpellingStep::default() }, top: Vec::new() },
            Raw::Next(tokens) => {
                let beginnings = match setup.how {
                    AskedHow::Exact { .. } => Beginnings::Follow { resolution: model.resolution, about },
                    _ => Beginnings::Count,
                };
                let spellings = Spellings::new(&model.names, if setup.prefill { &prompt.prompt.prefill } else { "" });
                let step = step(&spellings, &text, p, &tokens, &model.sampler, beginnings);
                let mut top: Vec<(String, f64)> =
                    tokens.iter().map(|token| (String::from_utf8_lossy(&token.bytes).into_owned(), token.logprob)).collect();
                top.sort_by(|a, b| b.1.total_cmp(&a.1));
                top.truncate(TOP);
                KeptAnswer::Step { step, top }
            }
        };
        if matches!((&answer, setup.how.probabilities()), (KeptAnswer::Text { .. }, true) | (KeptAnswer::Step { .. }, false)) {
            return Err(Fault(format!("{} gave another kind of answer than it did at first", setup.name)).into());
        }
        let sent = match given.sent {
            serde_json::Value::Null => serde_json::json!({}),
            sent => sent,
        };
        let draw = (!setup.how.probabilities() && setup.how != AskedHow::Scores).then_some(query.draw);
        let call = Call {
            key,
            model: setup.id.clone(),
            prompt: prompt.hash.clone(),
            names,
            before: text,
            draw,
            again: query.again,
            sent,
            answer,
            took,
        };
        Ok(self.tapes.keep(call, prompt)?)
    }
}

/// How many tokens of a distribution are kept for readers.
const TOP: usize = 20;

impl Asks<'_> {
    fn allowed(&self) -> Result<(), NoReply> {
        let Asks { spent, budget, .. } = self;
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let over = |limit: Option<u64>, used: u64, what: &str| match limit {
            Some(limit) if used >= limit => Err(NoReply::Spent(format!("{limit} {what}"))),
            _ => Ok(()),
        };
        let refused = over(budget.calls, load(&spent.calls), "calls")
            .and_then(|()| over(budget.tokens, load(&spent.prompt_tokens) + load(&spent.completion_tokens), "tokens"))
            .and_then(|()| match budget.usd {
                Some(usd) if load(&spent.micro_usd) as f64 / 1e6 >= usd => Err(NoReply::Spent(format!("{usd} USD"))),
                _ => Ok(()),
            })
            .and_then(|()| match budget.hours {
                Some(hours) if self.started.elapsed().as_secs_f64() / 3600.0 >= hours => {
                    Err(NoReply::Spent(format!("{hours} hours")))
                }
                _ => Ok(()),
            });
        refused?;
        // Calls are counted when they are let through, so that a budget of calls is kept to the call.
        let counted = spent.calls.fetch_add(1, Ordering::Relaxed);
        match budget.calls {
            Some(limit) if counted >= limit => {
                spent.calls.fetch_sub(1, Ordering::Relaxed);
                Err(NoReply::Spent(format!("{limit} calls")))
            }
            _ => Ok(()),
        }
    }

    fn spend(&self, took: &Took) {
        let spent = self.spent;
        spent.prompt_tokens.fetch_add(took.prompt_tokens.unwrap_or(0), Ordering::Relaxed);
        spent.completion_tokens.fetch_add(took.completion_tokens.unwrap_or(0), Ordering::Relaxed);
        spent.micro_usd.fetch_add((took.usd.unwrap_or(0.0) * 1e6).round() as u64, Ordering::Relaxed);
    }
}

/// What is known of a question in memory: two agents that remember the same and see the same order ask the same.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct QuestionKey {
    /// The number of the model, among those of the job.
    pub model: u32,
    /// The remembered rounds, oldest first.
    pub window: Box<[Round]>,
    /// The places in the pool, in the order in which they are shown.
    pub order: Box<[u16]>,
    /// In a scene, what is told and may be answered.
    pub facts: Option<Arc<Facts>>,
}

/// How the model was asked, the memory, the order shown, and what a seat of a scene is told.
type Question = (String, Box<[Round]>, Box<[u16]>, Option<Arc<Facts>>);

/// Answers from a tape alone: what `replay` plays with.
pub struct Taped {
    /// The run's own, and no store.
    pub tapes: Tapes,
    setups: HashMap<String, Setup>,
    known: HashMap<Question, Reply>,
}

impl Taped {
    /// From a tape, and how each model on it was asked.
    pub fn new(tape: Tape, setups: Vec<Setup>) -> Taped {
        let setups = setups.into_iter().map(|setup| (setup.asked.clone(), setup)).collect();
        Taped { tapes: Tapes { own: Arc::new(tape), store: None }, setups, known: HashMap::new() }
    }

    /// The reply to a question of a model that was asked as `asked` says. A question that the tape does not have is
    /// shown in full.
    pub fn reply(&mut self, asked: &str, model: &Model, query: &Query) -> Result<Reply, Fault> {
        let Some(setup) = self.setups.get(asked) else {
            return Err(Fault(format!("the tape holds no model that was asked as {} is", model.name)));
        };
        let key = (asked.to_string(), query.window.clone(), query.order.clone(), query.facts.clone());
        if let Some(reply) = self.known.get(&key) {
            return Ok(reply.clone());
        }
        let prompt = told(model, query)?;
        let (model, words) = (&*model.facing(query), in_words(setup, query));
        let setup = words.as_ref().unwrap_or(setup);
        let asking = Asking { model, setup, tapes: &self.tapes, query, prompt: &prompt, asks: None };
        match asking.reply() {
            Ok(reply) => {
                if setup.how.probabilities() {
                    self.known.insert(key, reply.clone());
                }
                Ok(reply)
            }
            Err(NoReply::Missing) => Err(Fault(format!(
                "the tape has no answer to this question, so the prompt has changed since:\n{}",
                shown(&prompt.prompt)
            ))),
            Err(NoReply::Ended(Unasked::Failed(fault))) => Err(fault),
            Err(other) => Err(Fault(format!("{other:?}"))),
        }
    }
}

/// A prompt as a reader sees it, safe for a terminal.
pub fn shown(prompt: &Prompt) -> String {
    let mut out = String::new();
    for message in &prompt.messages {
        out.push_str(&format!("  [{}]\n", message.role));
        super::http::escaped(&message.text).lines().for_each(|line| out.push_str(&format!("  │ {line}\n")));
    }
    if !prompt.prefill.is_empty() {
        out.push_str(&format!("  [the answer begins]\n  │ {}\n", super::http::escaped(&prompt.prefill)));
    }
    out
}
