//! Agents that form an opinion by how many of their neighbours hold each.
//!
//! `voter` takes the opinion of a neighbour drawn at random (Clifford & Sudbury, Biometrika 60 (1973) 581; Holley &
//! Liggett, Ann. Probab. 3 (1975) 643), `majority` the commonest one around it, as the Ising model does without heat (Glauber,
//! J. Math. Phys. 4 (1963) 294) but for ties, in which it keeps its own, and `tanh` is in between: P(A) = [tanh(beta m) + 1] / 2 with m the share of A less that
//! of B, what language models were found to do (the conventions reference, 5.7). Of more opinions each is as likely as
//! exp(2 beta share), which of two is the same.

use crate::Name;
use crate::experiment::{AgentContext, AgentEntry, AgentSpec, Kind};
use crate::seed::scale32;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const ENTRY: AgentEntry =
    AgentEntry::new::<Params>("opinion", "forms an opinion by those around it: voter, majority or tanh; plays the opinion game");

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    rule: Rule,
    /// How strongly agents of the rule `tanh` follow the majority: at 0 not at all; everyone among everyone, from 1 on they order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    beta: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Rule {
    /// Takes the opinion of a neighbour drawn at random.
    Voter,
    /// Takes the commonest opinion of its neighbours; between equals it keeps its own, or draws.
    Majority,
    /// Takes each opinion with a probability that grows with its share among the neighbours, by `beta`.
    Tanh,
}

/// How an agent forms its opinion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OpinionRule {
    /// That of a neighbour drawn at random.
    Voter,
    /// The commonest around it; of several its own, or else one of them at random.
    Majority,
    /// Any, each with a probability that grows with its share among the neighbours.
    Tanh {
        /// How strongly; below 0 it falls.
        beta: f64,
    },
    /// Holds one and never another.
    Committed(Name),
}

impl AgentSpec for Params {
    fn build(&self, _: &AgentContext<'_>) -> Result<Kind, (&'static str, String)> {
        let rule = match (self.rule, self.beta) {
            (Rule::Voter, None) => OpinionRule::Voter,
            (Rule::Majority, None) => OpinionRule::Majority,
            (Rule::Tanh, Some(beta)) if beta.is_finite() => OpinionRule::Tanh { beta },
            (Rule::Tanh, Some(_)) => return Err(("beta", "expected a finite number".into())),
            (Rule::Tanh, None) => return Err(("rule", "how strongly? Give `beta`, for example `beta = 1.2`".into())),
            (_, Some(_)) => return Err(("beta", "only the rule `tanh` has a `beta`".into())),
        };
        Ok(Kind::Opinion(rule))
    }

    fn games(&self) -> &'static [&'static str] {
        &["opinion"]
    }
}

impl OpinionRule {
    /// The opinion formed, given how many neighbours hold each, and the agent's own if it has one. `weights` is room to
    /// reckon in. Where no neighbour holds any, all are equally likely.
    pub fn form(self, around: &[u32], own: Option<Name>, draw: u32, weights: &mut Vec<f64>) -> Name {
        let all: u32 = around.iter().sum();
        match self {
            OpinionRule::Committed(name) => name,
            _ if all == 0 => scale32(draw, around.len() as u32),
            OpinionRule::Voter => {
                let mut left = scale32(draw, all);
                let met = around.iter().position(|&n| {
                    let here = left < n;
                    left = left.wrapping_sub(n);
                    here
                });
                met.expect("the counts add up") as Name
            }
            OpinionRule::Majority => {
                let most = *around.iter().max().expect("a pool holds two names");
                let equal = |name: &usize| around[*name] == most;
                match own.filter(|&own| around[own as usize] == most) {
                    Some(own) => own,
                    None => {
                        let n = (0..around.len()).filter(equal).count() as u32;
                        let chosen = (0..around.len()).filter(equal).nth(scale32(draw, n) as usize);
                        chosen.expect("one of those that are equal") as Name
                    }
                }
            }
            OpinionRule::Tanh { beta } => {
                let share = |n: u32| 2.0 * beta * f64::from(n) / f64::from(all);
                let highest = around.iter().map(|&n| share(n)).fold(f64::NEG_INFINITY, f64::max);
                weights.clear();
                weights.extend(around.iter().map(|&n| (share(n) - highest).exp()));
                let mut left = f64::from(draw) / 4_294_967_296.0 * weights.iter().sum::<f64>();
                let last = around.len() - 1;
                let at = weights[..last].iter().position(|weight| {
                    left -= weight;
                    left < 0.0
                });
                at.unwrap_or(last) as Name
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often each opinion is formed over evenly spread draws.
    fn often(rule: OpinionRule, around: &[u32], own: Option<Name>) -> Vec<f64> {
        let mut counts = vec![0.0; around.len()];
        let n = 1 << 12;
        for i in 0..n {
            counts[rule.form(around, own, (i << 20) | 1 << 19, &mut Vec::new()) as usize] += 1.0 / f64::from(n);
        }
        counts
    }

    #[test]
    fn opinions_are_formed_by_their_rules() {
        let close = |a: &[f64], b: &[f64]| assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-3), "{a:?}, not {b:?}");
        close(&often(OpinionRule::Voter, &[3, 1], Some(0)), &[0.75, 0.25]);
        close(&often(OpinionRule::Voter, &[0, 1, 1], None), &[0.0, 0.5, 0.5]);
        close(&often(OpinionRule::Majority, &[1, 3], Some(0)), &[0.0, 1.0]);
        close(&often(OpinionRule::Majority, &[2, 2], Some(1)), &[0.0, 1.0]);
        close(&often(OpinionRule::Majority, &[2, 2, 1], Some(2)), &[0.5, 0.5, 0.0]);
        // m = (3 - 1) / 4
        let p = ((1.3f64 * 0.5).tanh() + 1.0) / 2.0;
        close(&often(OpinionRule::Tanh { beta: 1.3 }, &[3, 1], None), &[p, 1.0 - p]);
        close(&often(OpinionRule::Tanh { beta: 5000.0 }, &[3, 1], None), &[1.0, 0.0]);
        close(&often(OpinionRule::Tanh { beta: -5000.0 }, &[3, 1], None), &[0.0, 1.0]);
        close(&often(OpinionRule::Tanh { beta: 2.0 }, &[0, 0], None), &[0.5, 0.5]);
        close(&often(OpinionRule::Committed(1), &[9, 0], Some(1)), &[0.0, 1.0]);
    }
}
