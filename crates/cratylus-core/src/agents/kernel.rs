//! Agents that follow an exact table P(name | memory), as extracted from a language model that gives
//! probabilities (Flint et al., PNAS 2026, published such tables). Two names only.

use crate::spec::{AGREEMENT, AgentContext, AgentEntry, AgentSpec, Kind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub const ENTRY: AgentEntry =
    AgentEntry::new::<Params>(AGREEMENT, "kernel", "follows an exact table P(name | memory) from a Parquet file; two names");

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// A Parquet file with the columns `model, name0, name1, state, p_name0`, relative to the experiment file.
    file: String,
    /// Whose rows to use; may be left out where the file holds one model.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
}

impl AgentSpec for Params {
    fn build(&self, ctx: &AgentContext<'_>) -> Result<Kind, (&'static str, String)> {
        let [name0, name1] = ctx.names else {
            return Err(("kind", format!("a kernel knows two names, and the pool holds {}", ctx.names.len())));
        };
        let kernel = ctx.inputs.kernel(&self.file, self.model.as_deref(), [name0, name1]).map_err(|e| ("file", e))?;
        if kernel.memory < ctx.memory {
            let why =
                format!("`{}` holds windows of at most {} rounds, and `game.memory` is {}", self.file, kernel.memory, ctx.memory);
            return Err(("file", why));
        }
        let model = self.model.as_ref().map_or(String::new(), |model| format!(", model {model}"));
        ctx.notes.sources.borrow_mut().push(format!("kernel of {name0} and {name1} from {}{model}", self.file));
        Ok(Kind::Window(Arc::new(kernel)))
    }

    fn needs_memory(&self) -> bool {
        true
    }
}
