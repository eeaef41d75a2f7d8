//! Agents that answer best to how often each name was chosen by their partners in the window:
//! the best-response convention game (Centola, Becker, Brackbill & Baronchelli, Science 360, 2018).

use crate::game::Payoff;
use crate::policy::{Policy, Round};
use crate::spec::{AGREEMENT, AgentContext, AgentEntry, AgentSpec, Kind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub const ENTRY: AgentEntry = AgentEntry::new::<BestResponse>(
    AGREEMENT,
    "best-response",
    "chooses the name that its partners chose most often in the window",
);

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BestResponse {
    #[serde(default)]
    pub ties: Ties,
    /// Whether it heeds what agreement pays: where disagreement pays better, it chooses what its partners chose least often.
    #[serde(default, skip_serializing_if = "is_false")]
    pub payoffs: bool,
}

fn is_false(yes: &bool) -> bool {
    !yes
}

/// What happens where names are equally frequent, in an empty window too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ties {
    /// Each of them with equal probability.
    #[default]
    Random,
    /// The first of them in the pool, which lowers tipping points: kept to reproduce published code.
    FirstListed,
}

impl AgentSpec for BestResponse {
    fn build(&self, ctx: &AgentContext<'_>) -> Result<Kind, (&'static str, String)> {
        let Payoff { success, failure } = ctx.payoff.unwrap_or_default();
        if self.payoffs && success < failure {
            return Ok(Kind::Window(Arc::new(Avoids { ties: self.ties })));
        }
        Ok(Kind::Window(Arc::new(self.clone())))
    }

    fn heeds_payoffs(&self, _: &AgentContext<'_>) -> bool {
        self.payoffs
    }

    fn needs_memory(&self) -> bool {
        true
    }
}

impl Policy for BestResponse {
    fn distribution(&self, window: &[Round], out: &mut [f64]) {
        most_frequent(window.iter().map(|[_, partner]| *partner), self.ties, out);
    }

    fn heeds_itself(&self) -> bool {
        false
    }
}

/// The best response where disagreement pays.
struct Avoids {
    ties: Ties,
}

impl Policy for Avoids {
    fn distribution(&self, window: &[Round], out: &mut [f64]) {
        let of = |name: u16| window.iter().filter(|round| round[1] == name).count();
        let counts: Vec<usize> = (0..out.len() as u16).map(of).collect();
        let most = counts.iter().copied().max().unwrap_or(0);
        // Each name as often as it was avoided.
        let names = (0..).zip(&counts).flat_map(|(name, &count)| std::iter::repeat_n(name, most - count));
        most_frequent(names, self.ties, out);
    }

    fn heeds_itself(&self) -> bool {
        false
    }
}

/// All the probability to the most frequent name, or shared by those that tie.
pub(super) fn most_frequent(names: impl Iterator<Item = u16>, ties: Ties, out: &mut [f64]) {
    out.fill(0.0);
    names.for_each(|name| out[name as usize] += 1.0);
    let most = out.iter().copied().fold(0.0, f64::max);
    let n = match ties {
        Ties::Random => out.iter().filter(|&&count| count == most).count(),
        Ties::FirstListed => 1,
    };
    let mut left = n;
    for count in out {
        let chosen = *count == most && left > 0;
        left -= usize::from(chosen);
        *count = if chosen { 1.0 / n as f64 } else { 0.0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_are_broken_as_the_option_says() {
        let window = [[0, 1], [0, 2]];
        let mut p = [0.0; 3];
        BestResponse { ties: Ties::Random, payoffs: false }.distribution(&window, &mut p);
        assert_eq!(p, [0.0, 0.5, 0.5]);
        BestResponse { ties: Ties::FirstListed, payoffs: false }.distribution(&window, &mut p);
        assert_eq!(p, [0.0, 1.0, 0.0]);
        BestResponse { ties: Ties::Random, payoffs: false }.distribution(&[], &mut p);
        assert_eq!(p, [1.0 / 3.0; 3]);
        Avoids { ties: Ties::Random }.distribution(&window, &mut p);
        assert_eq!(p, [1.0, 0.0, 0.0]);
        Avoids { ties: Ties::Random }.distribution(&[], &mut p);
        assert_eq!(p, [1.0 / 3.0; 3]);
    }
}
