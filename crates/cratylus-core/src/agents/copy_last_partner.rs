//! Agents that choose what their last partner chose: the voter model with a memory of one round. The first choice is uniform.

use crate::policy::{Policy, Round};
use crate::spec::{AgentContext, AgentEntry, AgentSpec, Kind, ROUNDS};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub const ENTRY: AgentEntry =
    AgentEntry::new::<CopyLastPartner>(ROUNDS, "copy-last-partner", "chooses what its last partner chose");

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CopyLastPartner {}

impl AgentSpec for CopyLastPartner {
    fn build(&self, _: &AgentContext<'_>) -> Result<Kind, (&'static str, String)> {
        Ok(Kind::Window(Arc::new(self.clone())))
    }

    fn needs_memory(&self) -> bool {
        true
    }
}

impl Policy for CopyLastPartner {
    fn distribution(&self, window: &[Round], out: &mut [f64]) {
        match window.last() {
            None => out.fill(1.0 / out.len() as f64),
            Some([_, partner]) => {
                out.fill(0.0);
                out[*partner as usize] = 1.0;
            }
        }
    }

    fn depth(&self, _: usize) -> usize {
        1
    }
}
