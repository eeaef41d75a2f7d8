//! Agents whose likelihood of each sign is given in a table and stays what it is: what they play is known exactly.

use super::signs::SIGNS;
use crate::spec::{AgentContext, AgentEntry, AgentSpec, Kind};
use crate::symbols::SymbolModel;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const ENTRY: AgentEntry = AgentEntry::new::<Params>(
    &[SIGNS],
    "fixed",
    "finds signs as likely as a table says, and never learns; plays `symbols`, where what comes of it is known exactly",
);

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {}

impl AgentSpec for Params {
    fn build(&self, ctx: &AgentContext<'_>) -> Result<Kind, (&'static str, String)> {
        super::signs::perceives(ctx, &["tables"], "nothing but a table of likelihoods")?;
        Ok(Kind::Symbols(SymbolModel::Fixed))
    }
}
