//! A policy dressed as a language model, with a model's vices as parameters: what live runs, servers and budgets are
//! tried on before anything is paid for, and what audits with a model are tested on.

use super::llm::{READERS, ashery2025, protocol};
use super::scripted::build_as_given;
use crate::language::model::{Mock, Source};
use crate::language::protocol::Order;
use crate::policy::Mean;
use crate::spec::{AgentContext, AgentEntry, AgentSpec, Kind, agent_of};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

pub const ENTRY: AgentEntry = AgentEntry::new::<Params>(
    READERS,
    "mock",
    "a policy dressed as a language model, with latency, garbage and failures to order",
);

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// The agent behind it, such as { kind = "emulated", model = "llama-3-70b" }.
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    policy: BTreeMap<String, toml::Value>,
    /// How long every request takes, in milliseconds.
    #[serde(default, skip_serializing)]
    latency: f64,
    /// The share of answers that are unusable.
    #[serde(default)]
    garbage: f64,
    /// The share of requests that fail on the way and are sent again.
    #[serde(default, skip_serializing)]
    failure: f64,
    /// The share of answers that are the option shown first, whatever is remembered.
    #[serde(default)]
    first_bias: f64,
    /// Whether it answers in words and gives no probabilities.
    #[serde(default)]
    text: bool,
    /// How many requests it serves at once.
    #[serde(default = "sixteen", skip_serializing)]
    in_flight: u32,
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

fn sixteen() -> u32 {
    16
}

impl AgentSpec for Params {
    fn live(&self) -> bool {
        true
    }

    fn heeds_payoffs(&self, ctx: &AgentContext<'_>) -> bool {
        agent_of(&ctx.registry.agents, self.policy.clone().into_iter().collect())
            .is_ok_and(|behind| behind.spec.heeds_payoffs(ctx))
    }

    fn build(&self, ctx: &AgentContext<'_>) -> Result<Kind, (&'static str, String)> {
        for (key, share) in [("garbage", self.garbage), ("failure", self.failure), ("first_bias", self.first_bias)] {
            if !(0.0..=1.0).contains(&share) {
                return Err((key, format!("`{key}` is a share, from 0 to 1")));
            }
        }
        if !(0.0..=3_600_000.0).contains(&self.latency) {
            return Err(("latency", "a latency is a number of milliseconds, from 0 to an hour's".into()));
        }
        if self.in_flight == 0 {
            return Err(("in_flight", "at least one request must be served".into()));
        }
        if self.order == Some(Order::Averaged) && self.text {
            return Err(("order", "orders can be averaged only over probabilities, and this mock gives text".into()));
        }
        let behind = agent_of(&ctx.registry.agents, self.policy.clone().into_iter().collect()).map_err(|why| ("policy", why))?;
        let policy = match behind.spec.build(ctx).map_err(|(key, why)| ("policy", format!("`{key}`: {why}")))? {
            Kind::Window(policy) => policy,
            // A model that is asked is one model, whatever the run.
            Kind::Varying(responses) => Arc::new(Mean(responses)),
            _ => return Err(("policy", format!("agents of kind `{}` have no response to dress", behind.kind))),
        };
        let protocol = protocol(ctx, &self.protocol, &self.fields)?;
        let mock = Mock {
            policy,
            latency_ms: self.latency,
            garbage: self.garbage,
            failure: self.failure,
            first_bias: self.first_bias,
            text: self.text,
            in_flight: self.in_flight,
        };
        let name = format!("mock of {}", behind.kind);
        build_as_given(ctx, name, Source::Mock(mock), protocol, self.order, self.tries)
    }
}
