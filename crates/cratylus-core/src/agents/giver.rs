//! Agents that give an amount: always the same share of what they may give, any, or what others gave the last time, the
//! conditional cooperators of experiments on public goods (Fischbacher, Gächter & Fehr, Econ. Lett. 71 (2001) 397).

use crate::AgentId;
use crate::agent::{Answers, Ask, Cohort, Cohorts, Mind, News};
use crate::event::Said;
use crate::fault::Fault;
use crate::game::Options;
use crate::spec::{AgentContext, AgentEntry, AgentSpec, Kind, Shape};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

/// What a game with amounts asks for.
pub const AMOUNTS: Shape = Shape::Own("an amount, given what others gave before");

pub const ENTRY: AgentEntry = AgentEntry::new::<Params>(
    &[AMOUNTS],
    "giver",
    "gives a share of what it may give, any, or what others gave the last time; plays public goods",
);

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    rule: Rule,
    /// How much of what it may give, from 0 to 1: always with `fixed`, and with `match` the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gives: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Rule {
    /// Always the same share.
    Fixed,
    /// Any amount, all alike.
    Uniform,
    /// The mean of what the others gave the last time.
    Match,
}

impl AgentSpec for Params {
    fn build(&self, _: &AgentContext<'_>) -> Result<Kind, (&'static str, String)> {
        match (self.rule, self.gives) {
            (Rule::Uniform, Some(_)) => return Err(("gives", "an agent of the rule `uniform` gives any amount".into())),
            (Rule::Fixed | Rule::Match, None) => return Err(("rule", "how much? Set `gives`, from 0 to 1".into())),
            (_, Some(gives)) if !(0.0..=1.0).contains(&gives) => {
                return Err(("gives", format!("expected a share from 0 to 1, found {gives}")));
            }
            _ => (),
        }
        Ok(Kind::Own(Arc::new(self.clone())))
    }
}

impl Cohorts for Params {
    fn cohort(&self, minds: Vec<Mind>) -> Box<dyn Cohort> {
        let last = |mind: Mind| match mind {
            Mind::Own(own) => own.as_f64(),
            Mind::Rounds(_) | Mind::Names(_) => None,
        };
        Box::new(Members { rule: self.rule, share: self.gives.unwrap_or(0.0), others: minds.into_iter().map(last).collect() })
    }

    fn new_mind(&self) -> Mind {
        Mind::Own(Value::Null)
    }
}

struct Members {
    rule: Rule,
    share: f64,
    /// What the others gave the last time, on average.
    others: Vec<Option<f64>>,
}

impl Cohort for Members {
    fn decide(&mut self, asks: &[Ask<'_>], answers: &mut Answers) -> Result<(), Fault> {
        for (ask, said) in asks.iter().zip(&mut answers.said) {
            let Options::Number(least, most) = ask.question.options else { continue };
            let share = match (self.rule, self.others[ask.agent as usize]) {
                (Rule::Uniform, _) => ask.draws().unit(),
                (Rule::Match, Some(others)) => {
                    *said = Said::Number(others.clamp(least, most));
                    continue;
                }
                (Rule::Match | Rule::Fixed, _) => self.share,
            };
            *said = Said::Number(least + share * (most - least));
        }
        Ok(())
    }

    fn learn(&mut self, news: &[News<'_>]) {
        for item in news {
            let others = item.hand.moves.iter().filter(|one| one.seat != item.seat).filter_map(|one| one.said.number());
            let (n, sum) = others.fold((0.0, 0.0), |(n, sum), given| (n + 1.0, sum + given));
            if n > 0.0 {
                self.others[item.agent as usize] = Some(sum / n);
            }
        }
    }

    fn mind(&self, agent: AgentId) -> Mind {
        Mind::Own(self.others[agent as usize].map_or(Value::Null, Value::from))
    }
}
