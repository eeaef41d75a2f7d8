//! Agents whose decisions were recorded elsewhere. Such runs can be read, reported, fitted and audited;
//! they cannot be played again, because what the model would have done next is not on record.

use crate::spec::{AGREEMENT, AgentContext, AgentEntry, AgentSpec, Kind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const ENTRY: AgentEntry = AgentEntry::new::<Recorded>(
    AGREEMENT,
    "recorded",
    "a real model's recorded decisions, as imported; to read and to fit, not to play",
);

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// What the source calls the model.
    pub model: String,
    /// Where the decisions come from.
    pub source: String,
}

impl AgentSpec for Recorded {
    fn build(&self, _: &AgentContext<'_>) -> Result<Kind, (&'static str, String)> {
        let why = format!(
            "recorded decisions of `{}` cannot be played again; play an emulated agent in their place: \
             agents = {{ kind = \"emulated\", model = \"…\" }}, or one that `cratylus fit` makes of these runs",
            self.model
        );
        Err(("kind", why))
    }
}
