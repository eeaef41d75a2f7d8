//! What all agents of one language model share: where it is asked, by which protocol, with which sampler. The core
//! describes a model and never calls it; who drives a population of them brings the replies (`engines/live.rs`).

use super::answer::Unusable;
use super::facts::Facts;
use super::protocol::{Order, Protocol, Told};
use super::sampler::Sampler;
use super::{Distribution, Prompt};
use crate::game::Payoff;
use crate::policy::{Policy, Round};
use crate::{Name, Seed};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A language model, and how it is told and heard as an agent of one game.
#[derive(Clone)]
pub struct Model {
    /// What the user calls it.
    pub name: String,
    /// Where its answers come from.
    pub source: Source,
    /// What it is told and how its words are read.
    pub protocol: Arc<Protocol>,
    /// In which order it is shown its options: the experiment's, or else the protocol's.
    pub order: Order,
    /// How often it is asked at most before an interaction is void; at least 1.
    pub tries: u8,
    /// How a choice is drawn from its probabilities.
    pub sampler: Sampler,
    /// How a choice is asked for. `Auto` is settled before the first question.
    pub choice: Choice,
    /// What becomes of answers that are no name.
    pub outside: OutsideNames,
    /// How a server's list of next tokens is bounded; chosen by what the server can give where it is left out.
    pub top_logprobs: Option<u32>,
    /// Beginnings of names less likely than this are not followed.
    pub resolution: f64,
    /// The pool, in the order of the experiment file.
    pub names: Vec<String>,
    /// What the protocol may tell it of.
    pub payoff: Payoff,
    /// How many of its last rounds it is told at most.
    pub memory: usize,
    /// In a scene, where the options change from question to question, what a seat may be told at the beginning: `names` are
    /// its options. None in games of a pool.
    pub facts: Option<Arc<Facts>>,
}

/// How a choice is obtained, best first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// The best that a probe of the model finds.
    #[default]
    Auto,
    /// The probability of each name, followed through all its tokens.
    Exact,
    /// The probability of each name by its first token alone: one question, whatever the names.
    FirstToken,
    /// Text that the server confines to the names.
    Constrained,
    /// Text, read by the protocol.
    Text,
}

/// What becomes of the probability that a model gives to answers that are no name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OutsideNames {
    /// It is left out, and the names' shares of the rest are used: what asking again for ever comes to, as in the
    /// published runs. How much is left out is recorded and reported.
    #[default]
    Renormalise,
    /// It falls on unusable answers, each of which is a try.
    Unusable,
}

/// Where a model is asked.
#[derive(Clone)]
pub enum Source {
    /// One that is reached over HTTP.
    Server(Server),
    /// A model file, or a folder with one, in this process.
    File(String),
    /// A program that answers JSON lines.
    Command(Vec<String>),
    /// Canned answers.
    Canned(Vec<Canned>),
    /// Computed here, to try things out without a model.
    Mock(Mock),
}

/// A model server. Nothing here decides what the model answers; that is the sampler's and the protocol's affair.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// None stands for the environment's CRATYLUS_ENDPOINT.
    pub endpoint: Option<String>,
    /// As the server calls it; None where it serves a single one.
    pub model: Option<String>,
    /// None where it is to be found out.
    pub dialect: Option<Dialect>,
    /// Whether messages are sent, or plain text.
    pub api: Api,
    /// The environment variable that holds the key.
    pub key_env: Option<String>,
    /// Further fields of every request's body, as JSON.
    pub extra: BTreeMap<String, serde_json::Value>,
    /// Fields of the body that are not sent, because the model refuses them.
    pub omit: Vec<String>,
    /// Whether the system message stands at the head of the user's, for models that take none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub merge_system: bool,
    /// How it is pressed and waited for.
    pub limits: Limits,
    /// What is done when another model answers than the one that was found at first.
    pub identity: OnChange,
}

/// What a server speaks. Found out by asking it where it is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// OpenAI's own service.
    Openai,
    /// vLLM, which lists more next tokens where it is started for it.
    Vllm,
    /// SGLang, which takes regular expressions.
    Sglang,
    /// The server of llama.cpp.
    LlamaServer,
    /// The server of llama-cpp-python.
    LlamaCppPython,
    /// Ollama, by the part of it that speaks as OpenAI does.
    Ollama,
    /// The server of LM Studio.
    LmStudio,
    /// OpenRouter, which passes requests on to providers.
    Openrouter,
    /// Anthropic's own service, which gives no log-probabilities.
    Anthropic,
    /// Whatever else answers as OpenAI's service does.
    Generic,
}

/// How a prompt is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Api {
    /// Messages, to which the server applies the model's chat template.
    #[default]
    Chat,
    /// Plain text without a chat template, for base models.
    Completions,
}

/// What is done when the server's model changes in the midst of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnChange {
    /// The run ends with a fault, and what was played stays.
    #[default]
    Stop,
    /// Go on; calls that another model answered are marked.
    Allow,
}

/// How hard a server is pressed, and how long it is waited for. None of it changes a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// The most requests in flight; found out from below by default.
    pub in_flight: Option<u32>,
    /// None for no limit of this program's.
    pub requests_per_minute: Option<f64>,
    /// In and out together; None for no limit of this program's.
    pub tokens_per_minute: Option<f64>,
    /// Until a connection is made; 10 by default.
    pub connect_seconds: Option<f64>,
    /// Until the first byte of an answer. A server that is still loading takes minutes.
    pub first_byte_seconds: Option<f64>,
    /// Until the answer is whole; 600 by default.
    pub total_seconds: Option<f64>,
    /// How often a request that failed on the way is sent again.
    pub retries: Option<u32>,
    /// After so many answers of which none could be used it is given up; 0 for never. 20 by default, and 60 where
    /// nothing is known of why.
    pub unusable: Option<u32>,
}

/// A canned answer, to one memory or to any.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Canned {
    /// The remembered rounds that it answers, oldest first, as own and partner's choice; any where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Vec<[String; 2]>>,
    /// Words to be read. Give this or `probabilities`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The probability of each name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probabilities: Option<BTreeMap<String, f64>>,
}

/// A policy dressed as a model.
#[derive(Clone)]
pub struct Mock {
    /// The probabilities of its answers, given a memory.
    pub policy: Arc<dyn Policy>,
    /// How long each answer takes, in milliseconds.
    pub latency_ms: f64,
    /// The share of answers that are unusable.
    pub garbage: f64,
    /// The share of requests that fail on the way.
    pub failure: f64,
    /// The share of answers that are the option shown first, whatever the memory.
    pub first_bias: f64,
    /// Whether it gives words and no probabilities.
    pub text: bool,
    /// The most requests that it takes at a time.
    pub in_flight: u32,
}

/// A question put to a model: what an agent remembers, in which order it sees its options, and which draw it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The remembered rounds, oldest first.
    pub window: Box<[Round]>,
    /// The places in the pool, in the order in which they are shown.
    pub order: Box<[u16]>,
    /// The number under which an answer in words is kept: a function of the run's seed, the interaction, the seat and
    /// the try. Answers with probabilities are the same for every draw.
    pub draw: u64,
    /// How often this decision was asked for before.
    pub again: u8,
    /// In a scene, what the seat is told in place of remembered rounds.
    pub facts: Option<Arc<Facts>>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// The probability of each name.
    Distribution(Arc<Distribution>),
    /// A text, read.
    Read(Result<Name, Unusable>),
    /// A text as it came, where an agent was to say something.
    Text(String),
}

impl Model {
    /// What the agent of a question is shown.
    pub fn prompt(&self, query: &Query) -> Result<Prompt, String> {
        self.facing(query).told(&query.window, &query.order)
    }

    /// The model as a question finds it: in a scene with its options and what is told there. One that is to say something is
    /// given as many tokens as that may take.
    pub fn facing(&self, query: &Query) -> Cow<'_, Model> {
        let Some(facts) = &query.facts else { return Cow::Borrowed(self) };
        let mut model = Model { names: facts.names.clone(), facts: Some(facts.clone()), ..self.clone() };
        if let Some(most) = facts.text {
            // A token of running text has some four characters.
            model.protocol = Arc::new(self.protocol.for_words(most.div_ceil(3).max(8)));
        }
        Cow::Owned(model)
    }

    /// The same from its parts: remembered rounds, oldest first, and places in the pool as they are shown. An error says what
    /// is wrong with the template.
    pub fn told(&self, window: &[Round], order: &[u16]) -> Result<Prompt, String> {
        let facts = self.facts.as_deref().map(|facts| &facts.view);
        self.protocol.tell(&Told { names: &self.names, order, payoff: self.payoff, window, facts })
    }
}

/// The number of a draw: no two decisions of any run share one.
pub fn draw_number(seed: Seed, t: u64, seat: u8, again: u8) -> u64 {
    use crate::seed::mix;
    mix(mix(seed.0 ^ mix(t)) ^ (u64::from(seat) << 8 | u64::from(again)))
}
