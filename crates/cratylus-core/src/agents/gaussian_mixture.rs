//! Agents for which a sign stands for a normal distribution of what they perceive (Inter-GMM).

use super::signs::SIGNS;
use crate::spec::{AgentContext, AgentEntry, AgentSpec, Kind};
use crate::symbols::SymbolModel;
use crate::symbols::gaussian::GaussianPrior;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const ENTRY: AgentEntry = AgentEntry::new::<Params>(
    &[SIGNS],
    "gaussian-mixture",
    "takes a sign for a normal distribution of the numbers it perceives, and draws means and precisions from their posterior (Inter-GMM); plays `symbols`",
);

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// What it believes of a sign of which it has seen nothing.
    #[serde(default)]
    prior: Prior,
}

/// Precision ~ Wishart(freedom, scale times the identity), mean given it ~ normal(mean, 1 / (strength times the precision)).
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Prior {
    /// The mean in each dimension.
    mean: f64,
    /// As many observations as it is worth.
    strength: f64,
    /// The scale of the Wishart.
    scale: f64,
    /// Its degrees of freedom; as many as there are dimensions where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    freedom: Option<f64>,
}

impl Default for Prior {
    fn default() -> Prior {
        Prior { mean: 0.0, strength: 1.0, scale: 0.1, freedom: None }
    }
}

impl AgentSpec for Params {
    fn build(&self, ctx: &AgentContext<'_>) -> Result<Kind, (&'static str, String)> {
        let Prior { mean, strength, scale, freedom } = self.prior;
        for (key, number) in [("prior.strength", strength), ("prior.scale", scale), ("prior.freedom", freedom.unwrap_or(1.0))] {
            if !(number > 0.0 && number.is_finite()) {
                return Err((key, format!("expected a number above 0, found {number}")));
            }
        }
        if !mean.is_finite() {
            return Err(("prior.mean", format!("expected a number, found {mean}")));
        }
        super::signs::perceives(ctx, &["gaussian", "given", "file"], "numbers")?;
        Ok(Kind::Symbols(SymbolModel::Gaussian(GaussianPrior { mean, strength, scale, freedom })))
    }
}
