//! Agents that always choose one name: recall of an outcome, and the rule of a committed minority.

use crate::Name;
use crate::policy::{Policy, Round};
use crate::spec::{AgentContext, AgentEntry, AgentSpec, Kind, ROUNDS};
use crate::text::nearest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub const ENTRY: AgentEntry = AgentEntry::new::<Params>(ROUNDS, "constant", "always chooses one name");

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// The name, one of the game's pool.
    name: String,
}

impl AgentSpec for Params {
    fn build(&self, ctx: &AgentContext<'_>) -> Result<Kind, (&'static str, String)> {
        let place = ctx.names.iter().position(|name| *name == self.name);
        let place =
            place.ok_or_else(|| ("name", format!("`{}` is not in the pool{}", self.name, nearest(&self.name, ctx.names))))?;
        Ok(Kind::Window(Arc::new(Constant(place as Name))))
    }
}

/// Always chooses the name at this place in the pool, whatever it remembers.
pub struct Constant(pub Name);

impl Policy for Constant {
    fn distribution(&self, _: &[Round], out: &mut [f64]) {
        out.fill(0.0);
        out[self.0 as usize] = 1.0;
    }

    fn depth(&self, _: usize) -> usize {
        0
    }
}
