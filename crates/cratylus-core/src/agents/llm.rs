//! Language models that are asked: on a server, or from a file in this process.

use crate::language::model::{Api, Choice, Dialect, Limits, Model, OnChange, OutsideNames, Server, Source};
use crate::language::protocol::{BUILT_IN, Order, Protocol};
use crate::language::sampler::Sampler;
use crate::scenes::scene::SCENE;
use crate::spec::{AgentContext, AgentEntry, AgentSpec, Kind, Shape, Stage};
use crate::text::nearest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What agents answer that read and write: names, given remembered rounds, and acts in scenes.
pub(super) const READERS: &[Shape] = &[Shape::Agreement, Shape::Rounds, SCENE];

pub const ENTRY: AgentEntry = AgentEntry::new::<Params>(
    READERS,
    "llm",
    "a live language model: on a server (endpoint), or a model file in this process (file)",
);

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// The model's name on the server; the only one there where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// Where the server is, such as http://127.0.0.1:8080/v1; CRATYLUS_ENDPOINT of the environment by default.
    #[serde(default, skip_serializing)]
    endpoint: Option<String>,
    /// A GGUF file, or a folder with safetensors, in place of a server; relative to the experiment file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// What the server speaks; found out by asking it.
    #[serde(default, skip_serializing)]
    dialect: Option<Dialect>,
    #[serde(default)]
    api: Api,
    /// What agents are told and how they are read: a protocol inside this program, or a file beside the experiment.
    #[serde(default = "ashery2025")]
    protocol: String,
    /// Fields of the protocol that are to be different.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    fields: BTreeMap<String, toml::Value>,
    /// In which order options are shown; the protocol's by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order: Option<Order>,
    /// How often an agent is asked before the interaction is void; the protocol's by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tries: Option<u8>,
    #[serde(default = "half")]
    temperature: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    top_k: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    min_p: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    typical_p: Option<f64>,
    /// How a choice is obtained; the best that the model can give by default.
    #[serde(default)]
    choice: Choice,
    /// What becomes of probability outside the names, where the model gives probabilities.
    #[serde(default)]
    outside: OutsideNames,
    /// How many next tokens a server is asked to list; as many as it takes by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    top_logprobs: Option<u32>,
    /// Beginnings of names less likely than this are not followed.
    #[serde(default = "hundredth")]
    resolution: f64,
    /// Further fields of every request, such as provider = { order = ["…"] }.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    extra: BTreeMap<String, toml::Value>,
    /// Fields that are not to be sent, such as ["temperature", "top_p"] to a model that refuses them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    omit: Vec<String>,
    /// Whether the system message is put at the head of the user's, for models that take no system message.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    merge_system: bool,
    /// The environment variable that holds the server's key; its usual one by default.
    #[serde(default, skip_serializing)]
    key_env: Option<String>,
    /// How hard the server is pressed, and how long it is waited for.
    #[serde(default, skip_serializing)]
    limits: Limits,
    /// What is done when the server's model changes in the midst of a run.
    #[serde(default)]
    on_change: OnChange,
}

pub(super) fn ashery2025() -> String {
    "ashery2025".into()
}

pub(super) fn half() -> f64 {
    0.5
}

fn hundredth() -> f64 {
    0.01
}

/// A protocol of this program, or of a file beside the experiment.
pub(super) fn protocol(
    ctx: &AgentContext<'_>,
    name: &str,
    fields: &BTreeMap<String, toml::Value>,
) -> Result<Protocol, (&'static str, String)> {
    // The published protocol is what is meant where none is given, and in a scene that is the scene's own.
    let kind = ctx.game.get("kind").and_then(toml::Value::as_str).unwrap_or_default();
    let told = BUILT_IN.iter().any(|(known, _)| *known == kind);
    let name = match &ctx.stage {
        Some(_) if name == "ashery2025" => {
            if told {
                kind
            } else {
                ANY_SCENE
            }
        }
        _ => name,
    };
    let why = |why: String| ("protocol", format!("protocol `{name}`: {why}"));
    if let Some(protocol) = Protocol::built_in(name, fields) {
        return of_game(ctx, protocol.map_err(why)?);
    }
    if !name.ends_with(".toml") {
        let known: Vec<String> = BUILT_IN.iter().map(|(known, _)| known.to_string()).collect();
        let help = nearest(name, &known);
        return Err(("protocol", format!("there is no protocol called `{name}`{help}; a file of your own ends in .toml")));
    }
    let text = ctx.inputs.text(name).map_err(|why| ("protocol", why))?;
    let stem = name.rsplit('/').next().unwrap_or(name).trim_end_matches(".toml");
    of_game(ctx, Protocol::parse(stem, &text, fields).map_err(why)?)
}

/// A protocol with what it tells of the game. One that tells another game would tell agents what is not so.
fn of_game(ctx: &AgentContext<'_>, protocol: Protocol) -> Result<Protocol, (&'static str, String)> {
    let kind = ctx.game.get("kind").and_then(toml::Value::as_str).unwrap_or_default();
    if let Some(stage) = ctx.stage.as_ref().filter(|_| protocol.game.as_deref() == Some(ANY_SCENE)) {
        return Ok(of_any_scene(ctx, protocol, kind, &**stage));
    }
    let agreeing = ctx.registry.of_agreement(kind);
    let tells = protocol.game.as_deref();
    if tells != (!agreeing).then_some(kind) {
        let own = |name: &&str| matches!(Protocol::built_in(name, &BTreeMap::new()), Some(Ok(one)) if one.game.as_deref() == Some(kind));
        let help = match BUILT_IN.iter().map(|(name, _)| *name).find(own) {
            Some(name) => format!("protocol = \"{name}\" tells it"),
            None if agreeing => "leave `protocol` out for the published one".into(),
            None => format!("a file of your own with `game = \"{kind}\"` can"),
        };
        let what = tells.map_or("games in which agreeing pays".to_string(), |game| format!("the game `{game}`"));
        return Err(("protocol", format!("the protocol `{}` tells of {what}, and this is `{kind}`; {help}", protocol.name)));
    }
    let matrix = |key: &str| -> Option<Vec<Vec<f64>>> {
        let number = |value: &toml::Value| value.as_float().or(value.as_integer().map(|value| value as f64));
        let row = |row: &toml::Value| row.as_array()?.iter().map(number).collect();
        ctx.game.get(key)?.as_array()?.iter().map(row).collect()
    };
    if matrix("second").is_some() {
        let why = "agents that read are told one matrix for both players; leave `game.second` out, or let rules play".into();
        return Err(("kind", why));
    }
    Ok(protocol.with_matrix(matrix("payoffs")))
}

/// What protocols of any scene have as their game, and what the one inside this program is called.
const ANY_SCENE: &str = "scene";

/// A protocol of any scene with what this one is about and what counts in it, where the file or the user does not say it.
fn of_any_scene(ctx: &AgentContext<'_>, mut protocol: Protocol, kind: &str, stage: &dyn Stage) -> Protocol {
    let about = ctx.registry.games.iter().find(|entry| entry.name == kind).map_or("", |entry| entry.words);
    for (key, text) in [("about", about), ("goal", stage.goal())] {
        if let Some(field) = protocol.fields.get_mut(key).filter(|field| field.as_str() == Some("")) {
            *field = text.into();
        }
    }
    protocol
}

/// What is said of a model once it is known: its protocol's hash is part of what decides the results.
pub(super) fn build(ctx: &AgentContext<'_>, model: Model) -> Result<Kind, (&'static str, String)> {
    model.sampler.check()?;
    if let Some(stage) = &ctx.stage {
        return in_scene(ctx, model, &**stage);
    }
    if model.tries == 0 {
        return Err(("tries", "an agent is asked at least once".into()));
    }
    let digest = model.protocol.digest(&model.names, model.payoff);
    let digest = digest.map_err(|why| ("protocol", format!("protocol `{}`: {why}", model.protocol.name)))?;
    let tried = model.protocol.try_names(&model.names, model.payoff);
    ctx.notes
        .cautions
        .borrow_mut()
        .extend(tried.map_err(|why| ("protocol", format!("protocol `{}`: {why}", model.protocol.name)))?);
    ctx.notes.identities.borrow_mut().push(format!("protocol {} {digest:016x}", model.protocol.name));
    ctx.notes.sources.borrow_mut().push(format!("{}, asked by protocol {}", model.name, model.protocol.name));
    let order = model.order;
    if ctx.committed && order == Order::Shuffled && model.protocol.name == "ashery2025" {
        let why =
            "the published committed runs show both players one order of the options; protocol = \"ashery2025-committed\" does";
        ctx.notes.cautions.borrow_mut().push(why.into());
    }
    Ok(Kind::Model(Arc::new(model)))
}

/// The same of a model that plays a scene, where what is told and what may be answered is the scene's.
fn in_scene(ctx: &AgentContext<'_>, mut model: Model, stage: &dyn Stage) -> Result<Kind, (&'static str, String)> {
    if model.tries == 0 {
        return Err(("tries", "an agent is asked at least once".into()));
    }
    let samples = stage.samples();
    let why = |why: String| ("protocol", format!("protocol `{}`: {why}", model.protocol.name));
    let digest = model.protocol.digest_of(&samples, model.payoff).map_err(why)?;
    ctx.notes.identities.borrow_mut().push(format!("protocol {} {digest:016x}", model.protocol.name));
    ctx.notes.sources.borrow_mut().push(format!("{}, asked by protocol {}", model.name, model.protocol.name));
    // Whoever looks at how the model answers before a run shows it a question with options.
    let first = samples.into_iter().find(|facts| facts.text.is_none()).expect("a scene asks for acts");
    model.names = first.names.clone();
    model.facts = Some(Arc::new(first));
    Ok(Kind::Model(Arc::new(model)))
}

impl Params {
    /// What must not be in a file, and numbers that are none.
    fn check(&self) -> Result<(), (&'static str, String)> {
        let authority =
            |url: &String| url.split_once("://").map_or(url.as_str(), |(_, rest)| rest).split('/').next().map(String::from);
        if self.endpoint.as_ref().and_then(authority).is_some_and(|authority| authority.contains('@')) {
            let why = "an endpoint must not hold a user or a key, as experiments are kept; put the key into the environment (`key_env`)";
            return Err(("endpoint", why.into()));
        }
        let secret = |key: &String| {
            let key = key.to_lowercase().replace('-', "_");
            ["api_key", "apikey", "x_api_key", "authorization", "access_token", "secret"].contains(&key.as_str())
        };
        if let Some(key) = self.extra.keys().find(|key| secret(key)) {
            let why = format!("`{key}` would be kept with the experiment; put the key into the environment (`key_env`)");
            return Err(("extra", why));
        }
        let Limits {
            requests_per_minute, tokens_per_minute, connect_seconds, first_byte_seconds, total_seconds, in_flight, ..
        } = self.limits;
        let numbers = [requests_per_minute, tokens_per_minute, connect_seconds, first_byte_seconds, total_seconds];
        if numbers.into_iter().flatten().any(|number| !(number > 0.0 && number.is_finite())) || in_flight == Some(0) {
            return Err(("limits", "a limit is a number above 0; leave it out for the usual one".into()));
        }
        // Below that, every white space that could come before a name would be followed.
        if !(1e-4..1.0).contains(&self.resolution) {
            return Err(("resolution", "a resolution is a probability, from 0.0001 up to 1".into()));
        }
        Ok(())
    }
}

impl AgentSpec for Params {
    fn live(&self) -> bool {
        true
    }

    fn build(&self, ctx: &AgentContext<'_>) -> Result<Kind, (&'static str, String)> {
        self.check()?;
        let protocol = protocol(ctx, &self.protocol, &self.fields)?;
        let Params { temperature, top_k, top_p, min_p, typical_p, .. } = *self;
        let source = match &self.file {
            Some(_) if self.endpoint.is_some() => {
                return Err(("file", "give `endpoint` (a server) or `file` (a model in this process), one of the two".into()));
            }
            Some(file) => Source::File(ctx.inputs.locate(file).map_err(|why| ("file", why))?),
            None => {
                let json = |value: &toml::Value| serde_json::to_value(value).expect("TOML is within JSON");
                Source::Server(Server {
                    endpoint: self.endpoint.clone(),
                    model: self.model.clone(),
                    dialect: self.dialect,
                    api: self.api,
                    key_env: self.key_env.clone(),
                    extra: self.extra.iter().map(|(key, value)| (key.clone(), json(value))).collect(),
                    omit: self.omit.clone(),
                    merge_system: self.merge_system,
                    limits: self.limits,
                    identity: self.on_change,
                })
            }
        };
        if self.order.unwrap_or(protocol.order) == Order::Averaged && matches!(self.choice, Choice::Text | Choice::Constrained) {
            let why = "orders can be averaged only over probabilities; with text, `shuffled` is the same on average";
            return Err(("order", why.into()));
        }
        let name = self.model.clone().or(self.file.clone());
        let model = Model {
            name: name.unwrap_or_else(|| "the server's model".into()),
            source,
            order: self.order.unwrap_or(protocol.order),
            tries: self.tries.unwrap_or(protocol.tries),
            protocol: Arc::new(protocol),
            sampler: Sampler { temperature, top_k, top_p, min_p, typical_p },
            choice: self.choice,
            outside: self.outside,
            top_logprobs: self.top_logprobs,
            resolution: self.resolution,
            names: ctx.names.to_vec(),
            payoff: ctx.payoff.unwrap_or_default(),
            memory: ctx.memory,
            facts: None,
        };
        build(ctx, model)
    }
}
