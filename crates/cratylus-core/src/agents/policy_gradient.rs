//! Agents that learn signals by the gradient of what they are paid (REINFORCE: Williams, Machine Learning 8 (1992) 229), on
//! tables: a softmax over signals for each state, and one over acts for each signal. Success pays 1.

use super::urn::{SIGNALS, kind};
use crate::signals::SignalRule;
use crate::spec::{AgentContext, AgentEntry, AgentSpec, Kind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const ENTRY: AgentEntry = AgentEntry::new::<Params>(
    &[SIGNALS],
    "policy-gradient",
    "learns signals by the gradient of what it is paid, a softmax for each state and each signal (REINFORCE); plays signalling games",
);

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// How far logits go for a success that was not expected at all.
    #[serde(default = "half")]
    rate: f64,
    /// How fast what an agent expects, its mean pay, follows what it is paid, from 0 to 1; with 0 it expects nothing.
    #[serde(default = "hundredth")]
    baseline: f64,
}

fn half() -> f64 {
    0.5
}

fn hundredth() -> f64 {
    0.01
}

impl AgentSpec for Params {
    fn build(&self, ctx: &AgentContext<'_>) -> Result<Kind, (&'static str, String)> {
        let Params { rate, baseline } = *self;
        if !(rate > 0.0 && rate.is_finite()) {
            return Err(("rate", format!("expected a number above 0, found {rate}")));
        }
        if !(0.0..=1.0).contains(&baseline) {
            return Err(("baseline", format!("expected a number from 0 to 1, found {baseline}")));
        }
        Ok(kind(ctx, SignalRule::PolicyGradient { rate, baseline }))
    }
}
