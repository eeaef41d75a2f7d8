//! Agents that learn signals by reinforcement (Roth & Erev, Games Econ. Behav. 8 (1995) 164): as a sender an urn for each
//! state with balls for signals, as a receiver one for each signal with balls for acts. What succeeded is likelier the next
//! time by the ball that is added to both urns it was drawn from.

use crate::signals::{SignalKind, SignalRule};
use crate::spec::{AgentContext, AgentEntry, AgentSpec, Kind, Shape};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a signalling game asks for.
pub const SIGNALS: Shape = Shape::Own("a signal for a state, and an act for a signal");

pub const ENTRY: AgentEntry = AgentEntry::new::<Params>(
    &[SIGNALS],
    "urn",
    "learns signals by reinforcement, an urn for each state and each signal (Roth & Erev); plays signalling games",
);

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// How many balls of each kind are in an urn at first.
    #[serde(default = "one")]
    initial: f64,
    /// How many are added after success.
    #[serde(default = "one")]
    reward: f64,
    /// Which share of its balls an urn loses each time after it was drawn from, from 0 to below 1.
    #[serde(default, skip_serializing_if = "is_zero")]
    forgetting: f64,
}

fn one() -> f64 {
    1.0
}

fn is_zero(share: &f64) -> bool {
    *share == 0.0
}

impl AgentSpec for Params {
    fn build(&self, ctx: &AgentContext<'_>) -> Result<Kind, (&'static str, String)> {
        let Params { initial, reward, forgetting } = *self;
        for (key, balls) in [("initial", initial), ("reward", reward)] {
            if !(balls > 0.0 && balls.is_finite()) {
                return Err((key, format!("expected a number of balls above 0, found {balls}")));
            }
        }
        if !(0.0..1.0).contains(&forgetting) {
            return Err(("forgetting", format!("expected a share from 0 to below 1, found {forgetting}")));
        }
        Ok(kind(ctx, SignalRule::Urns { initial, reward, kept: 1.0 - forgetting }))
    }
}

/// Agents with tables of the game's size that learn by a rule.
pub(super) fn kind(ctx: &AgentContext<'_>, rule: SignalRule) -> Kind {
    let [states, signals] = sizes(ctx);
    Kind::Signals(SignalKind { states, signals, rule })
}

/// How many states and signals the game has.
pub(super) fn sizes(ctx: &AgentContext<'_>) -> [usize; 2] {
    ["states", "signals"].map(|key| ctx.game.get(key).and_then(toml::Value::as_integer).unwrap_or(0) as usize)
}
