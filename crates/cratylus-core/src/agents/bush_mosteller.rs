//! Agents that learn signals by a linear rule (Bush & Mosteller, Stochastic Models for Learning, 1955): after success what was
//! chosen becomes likelier by a share of what it is short of 1, and all else less likely by that share. Failure changes nothing.

use super::urn::{SIGNALS, kind};
use crate::signals::SignalRule;
use crate::spec::{AgentContext, AgentEntry, AgentSpec, Kind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const ENTRY: AgentEntry = AgentEntry::new::<Params>(
    &[SIGNALS],
    "bush-mosteller",
    "learns signals by a linear rule, as success takes a share of all other probabilities (Bush & Mosteller); plays signalling games",
);

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// The share, above 0 and up to 1.
    #[serde(default = "tenth")]
    rate: f64,
}

fn tenth() -> f64 {
    0.1
}

impl AgentSpec for Params {
    fn build(&self, ctx: &AgentContext<'_>) -> Result<Kind, (&'static str, String)> {
        if !(self.rate > 0.0 && self.rate <= 1.0) {
            return Err(("rate", format!("expected a share above 0 and up to 1, found {}", self.rate)));
        }
        Ok(kind(ctx, SignalRule::BushMosteller { rate: self.rate }))
    }
}
