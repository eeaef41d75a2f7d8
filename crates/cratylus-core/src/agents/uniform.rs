//! Agents that choose any name with equal probability, whatever they remember: recall of nothing.

use crate::policy::{Policy, Round};
use crate::spec::{AgentContext, AgentEntry, AgentSpec, Kind, ROUNDS};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub const ENTRY: AgentEntry =
    AgentEntry::new::<Uniform>(ROUNDS, "uniform", "chooses any name of the pool with equal probability");

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Uniform {}

impl AgentSpec for Uniform {
    fn build(&self, _: &AgentContext<'_>) -> Result<Kind, (&'static str, String)> {
        Ok(Kind::Window(Arc::new(self.clone())))
    }
}

impl Policy for Uniform {
    fn distribution(&self, _: &[Round], out: &mut [f64]) {
        out.fill(1.0 / out.len() as f64);
    }

    fn depth(&self, _: usize) -> usize {
        0
    }
}
