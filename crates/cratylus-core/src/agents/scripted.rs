//! Agents whose answers come from a program of the user's or from a list: models for tests, for other inference
//! libraries, and for people.

use super::llm::{READERS, ashery2025, build, protocol};
use crate::language::model::{Canned, Choice, Model, OutsideNames, Source};
use crate::language::protocol::{Order, Protocol};
use crate::language::sampler::Sampler;
use crate::spec::{AgentContext, AgentEntry, AgentSpec, Kind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

pub const ENTRY: AgentEntry = AgentEntry::new::<Params>(
    READERS,
    "scripted",
    "answers come from a program over JSON lines (command), or are canned (answers)",
);

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// A program and its arguments; it is started beside the experiment file, and reads and writes JSON lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    command: Option<Vec<String>>,
    /// Canned answers: those to a memory first, then those to any, by the number of the draw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answers: Option<Vec<Canned>>,
    #[serde(default = "ashery2025")]
    protocol: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    fields: BTreeMap<String, toml::Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order: Option<Order>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tries: Option<u8>,
}

/// A model whose answers are taken as it gives them: whatever is behind it did the sampling.
pub(super) fn build_as_given(
    ctx: &AgentContext<'_>,
    name: String,
    source: Source,
    protocol: Protocol,
    order: Option<Order>,
    tries: Option<u8>,
) -> Result<Kind, (&'static str, String)> {
    let model = Model {
        name,
        source,
        order: order.unwrap_or(protocol.order),
        tries: tries.unwrap_or(protocol.tries),
        protocol: Arc::new(protocol),
        sampler: AS_GIVEN,
        choice: Choice::Auto,
        outside: OutsideNames::Unusable,
        top_logprobs: None,
        resolution: 0.0,
        names: ctx.names.to_vec(),
        payoff: ctx.payoff.unwrap_or_default(),
        memory: ctx.memory,
        facts: None,
    };
    build(ctx, model)
}

const AS_GIVEN: Sampler = Sampler { temperature: 1.0, top_k: None, top_p: None, min_p: None, typical_p: None };

impl AgentSpec for Params {
    fn live(&self) -> bool {
        true
    }

    fn build(&self, ctx: &AgentContext<'_>) -> Result<Kind, (&'static str, String)> {
        let (source, name) = match (&self.command, &self.answers) {
            (Some(command), None) if !command.is_empty() => (Source::Command(command.clone()), command.join(" ")),
            (None, Some(answers)) if !answers.is_empty() => {
                check(answers, ctx.names).map_err(|why| ("answers", why))?;
                (Source::Canned(answers.clone()), "canned answers".into())
            }
            _ => {
                return Err((
                    "kind",
                    "give `command` (a program and its arguments) or `answers` (a list), one of the two".into(),
                ));
            }
        };
        let protocol = protocol(ctx, &self.protocol, &self.fields)?;
        build_as_given(ctx, name, source, protocol, self.order, self.tries)
    }
}

fn check(answers: &[Canned], names: &[String]) -> Result<(), String> {
    for (i, answer) in answers.iter().enumerate() {
        if answer.text.is_some() == answer.probabilities.is_some() {
            return Err(format!("answer {}: give `text` or `probabilities`, one of the two", i + 1));
        }
        let words = answer.memory.iter().flatten().flatten().chain(answer.probabilities.iter().flat_map(BTreeMap::keys));
        if let Some(word) = words.into_iter().find(|word| !names.contains(word)) {
            return Err(format!("answer {}: `{word}` is not in the pool", i + 1));
        }
        let sum: f64 = answer.probabilities.iter().flat_map(BTreeMap::values).sum();
        if answer.probabilities.iter().flat_map(BTreeMap::values).any(|p| !(0.0..=1.0).contains(p)) || sum > 1.0 + 1e-9 {
            return Err(format!("answer {}: probabilities are from 0 to 1 and add up to at most 1", i + 1));
        }
    }
    if answers.iter().all(|answer| answer.memory.is_some()) {
        return Err("at least one answer must be for any memory (without `memory`)".into());
    }
    Ok(())
}
