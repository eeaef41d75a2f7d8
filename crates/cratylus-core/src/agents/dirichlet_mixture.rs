//! Agents that sort counts of features into categories, for which signs stand (Inter-DM; with several modalities Inter-MDM).

use super::signs::SIGNS;
use crate::spec::{AgentContext, AgentEntry, AgentSpec, Kind};
use crate::symbols::SymbolModel;
use crate::symbols::dirichlet::DirichletPrior;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const ENTRY: AgentEntry = AgentEntry::new::<Params>(
    &[SIGNS],
    "dirichlet-mixture",
    "sorts the counts of features it perceives, of one modality or several, into categories, for which signs stand (Inter-DM, Inter-MDM); plays `symbols`",
);

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// How many categories it has.
    #[serde(default = "fifteen")]
    categories: u32,
    /// How many observations of each category the prior of a sign is worth.
    #[serde(default = "alpha")]
    alpha: f64,
    /// How many of each feature the prior of a category is worth.
    #[serde(default = "beta")]
    beta: f64,
}

fn fifteen() -> u32 {
    15
}

fn alpha() -> f64 {
    0.01
}

fn beta() -> f64 {
    0.001
}

impl AgentSpec for Params {
    fn build(&self, ctx: &AgentContext<'_>) -> Result<Kind, (&'static str, String)> {
        let Params { categories, alpha, beta } = *self;
        if !(2..=10_000).contains(&categories) {
            return Err(("categories", format!("expected from 2 to 10,000, found {categories}")));
        }
        for (key, number) in [("alpha", alpha), ("beta", beta)] {
            if !(number > 0.0 && number.is_finite()) {
                return Err((key, format!("expected a number above 0, found {number}")));
            }
        }
        super::signs::perceives(ctx, &["bags", "given", "file"], "counts of features")?;
        Ok(Kind::Symbols(SymbolModel::Dirichlet(DirichletPrior { categories: categories as usize, alpha, beta })))
    }
}
