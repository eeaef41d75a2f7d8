//! Agents that divide what there is to talk about into categories, and keep words for each (Puglisi, Baronchelli & Loreto,
//! PNAS 105 (2008) 7936). What they do stands in `categories.rs`, as what they learn depends on what both see.

use crate::spec::{AgentContext, AgentEntry, AgentSpec, Kind, Shape};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const ENTRY: AgentEntry = AgentEntry::new::<Params>(
    &[Shape::Objects],
    "categories",
    "divides what it sees into categories and keeps words for each; plays the category game",
);

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {}

impl AgentSpec for Params {
    fn build(&self, _: &AgentContext<'_>) -> Result<Kind, (&'static str, String)> {
        Ok(Kind::Categories)
    }
}
