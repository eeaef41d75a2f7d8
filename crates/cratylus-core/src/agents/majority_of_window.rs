//! Agents that choose the name seen most often in their window, their own choices counted too:
//! copying by frequency, with no thought of payoffs.

use super::best_response::{Ties, most_frequent};
use crate::policy::{Policy, Round};
use crate::spec::{AgentContext, AgentEntry, AgentSpec, Kind, ROUNDS};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub const ENTRY: AgentEntry = AgentEntry::new::<MajorityOfWindow>(
    ROUNDS,
    "majority-of-window",
    "chooses the name seen most often in the window, its own choices included",
);

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MajorityOfWindow {
    #[serde(default)]
    pub ties: Ties,
}

impl AgentSpec for MajorityOfWindow {
    fn build(&self, _: &AgentContext<'_>) -> Result<Kind, (&'static str, String)> {
        Ok(Kind::Window(Arc::new(self.clone())))
    }

    fn needs_memory(&self) -> bool {
        true
    }
}

impl Policy for MajorityOfWindow {
    fn distribution(&self, window: &[Round], out: &mut [f64]) {
        most_frequent(window.iter().flatten().copied(), self.ties, out);
    }
}
