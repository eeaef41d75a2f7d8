//! Agents that form an opinion by how many of their neighbours hold each.
//!
//! `voter` takes the opinion of a neighbour drawn at random (Clifford & Sudbury, Biometrika 60 (1973) 581; Holley &
//! Liggett, Ann. Probab. 3 (1975) 643), `majority` the commonest one around it, as the Ising model does without heat (Glauber,
//! J. Math. Phys. 4 (1963) 294) but for ties, in which it keeps its own, and `tanh` is in between: P(A) = [tanh(beta m) + 1] / 2 with m the share of A less that
//! of B, what language models were found to do (the conventions reference, 5.7). Of more opinions each is as likely as
//! exp(2 beta share), which of two is the same.

use crate::opinion::OpinionRule;
use crate::spec::{AgentContext, AgentEntry, AgentSpec, Kind, Shape};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const ENTRY: AgentEntry = AgentEntry::new::<Params>(
    &[Shape::Around],
    "opinion",
    "forms an opinion by those around it: voter, majority or tanh; plays the opinion game",
);

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
}
