//! Agents that the calling program brings along.

use crate::agent::{Cohort, Cohorts, Mind};
use crate::brought::{AgentsBegin, BroughtAgents, named};
use crate::spec::{AgentContext, AgentEntry, AgentSpec, Kind, ROUNDS};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

pub const ENTRY: AgentEntry =
    AgentEntry::new::<AgentParams>(ROUNDS, "outside", "agents that the calling program brings along, as one in Python does");

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AgentParams {
    /// The name under which they were brought along.
    name: String,
    /// What tells this version of them from others: a hash of their source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// Parameters of their own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    with: BTreeMap<String, serde_json::Value>,
}

impl AgentSpec for AgentParams {
    fn build(&self, ctx: &AgentContext<'_>) -> Result<Kind, (&'static str, String)> {
        let agents = named("agents", &self.name, &ctx.registry.outside.agents).map_err(|why| ("name", why))?;
        let (with, names) = (Arc::new(self.with.clone()), ctx.names.to_vec());
        Ok(Kind::Own(Arc::new(Brought { agents: agents.clone(), with, names, memory: ctx.memory })))
    }
}

/// Agents that were brought along, with what an experiment gives them.
struct Brought {
    agents: Arc<dyn BroughtAgents>,
    with: Arc<BTreeMap<String, serde_json::Value>>,
    names: Vec<String>,
    memory: usize,
}

impl Cohorts for Brought {
    fn cohort(&self, minds: Vec<Mind>) -> Box<dyn Cohort> {
        let starts = minds.iter().map(|mind| mind.rounds().to_vec()).collect();
        let (with, names, memory) = (self.with.clone(), self.names.clone(), self.memory);
        self.agents.cohort(AgentsBegin { names, memory, starts, with })
    }

    // What they become is theirs.
    fn can_be_kept(&self) -> bool {
        false
    }
}
