//! Agents of the naming game: each keeps an inventory of names.
//!
//! The textbook rule (Baronchelli et al., J. Stat. Mech. 2006, P06014): a speaker that knows no name
//! takes one (of the pool, or a new one) and stores it; after success both keep only the name that was
//! said, after failure the hearer adds it. The variant `ai-norms` is the theory module of Flint Ashery
//! et al. (2025): a speaker that knows no name says a random one but stores it only if it succeeds.

use crate::Name;
use crate::agent::{Ask, Cohort, Fault, News};
use crate::experiment::{AgentContext, AgentEntry, AgentSpec, Kind};
use crate::game::Options;
use crate::seed::scale32;
use crate::window::Round;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const ENTRY: AgentEntry = AgentEntry::new::<Params>("inventory", "keeps an inventory of names; plays the naming game");

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(default)]
    rule: Rule,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// A speaker stores the name that it takes.
    #[default]
    Textbook,
    /// A speaker stores it only if it succeeds.
    AiNorms,
}

impl AgentSpec for Params {
    fn build(&self, ctx: &AgentContext<'_>) -> Result<Kind, (&'static str, String)> {
        let (rule, pool) = (self.rule, (!ctx.names.is_empty()).then_some(ctx.names.len() as u32));
        Ok(Kind::Speaker(Box::new(move |starts| Box::new(Inventories::new(rule, pool, starts)))))
    }

    fn games(&self) -> &'static [&'static str] {
        &["naming"]
    }
}

/// A cohort of agents with inventories. Names stand in the order in which they were learned.
pub struct Inventories {
    rule: Rule,
    pool: Option<u32>,
    known: Vec<Vec<Name>>,
}

impl Inventories {
    /// Agents that know the names which occur in their first windows.
    pub fn new(rule: Rule, pool: Option<u32>, starts: &[&[Round]]) -> Inventories {
        let names = |start: &&[Round]| {
            let mut names: Vec<Name> = start.iter().flatten().map(|&name| Name::from(name)).collect();
            names.sort_unstable();
            names.dedup();
            names
        };
        Inventories { rule, pool, known: starts.iter().map(names).collect() }
    }
}

impl Cohort for Inventories {
    fn decide(&mut self, asks: &[Ask], answers: &mut [Option<u32>]) -> Result<(), Fault> {
        for (ask, answer) in asks.iter().zip(answers) {
            let known = &self.known[ask.agent as usize];
            *answer = Some(match (ask.question.options, ask.question.cue) {
                (Options::YesNo, Some(word)) => u32::from(known.contains(&word)),
                _ if !known.is_empty() => known[scale32(ask.draw, known.len() as u32) as usize],
                // An invented name is called after its interaction, in which nobody else invents one.
                _ => self.pool.map_or(ask.t as Name, |pool| scale32(ask.draw, pool)),
            });
        }
        Ok(())
    }

    fn learn(&mut self, news: &[News]) {
        for item in news {
            let Some(word) = item.names[0] else { continue };
            let known = &mut self.known[item.agent as usize];
            if item.success {
                known.clear();
                known.push(word);
            } else if (item.seat == 1 || self.rule == Rule::Textbook) && !known.contains(&word) {
                known.push(word);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::game::Question;

    fn said(cohort: &mut Inventories, agent: u32, t: u64) -> Name {
        let question = Question { seat: 0, cue: None, options: Options::Names };
        let mut answers = [None];
        cohort.decide(&[Ask { agent, t, question, draw: 0 }], &mut answers).unwrap();
        answers[0].unwrap()
    }

    fn played(cohort: &mut Inventories, word: Name, success: bool) {
        for seat in 0..2 {
            cohort.learn(&[News { agent: u32::from(seat), seat, names: [Some(word), None], success }]);
        }
    }

    #[test]
    fn the_two_rules_differ_in_what_a_failed_inventor_keeps() {
        for (rule, kept) in [(Rule::Textbook, vec![7]), (Rule::AiNorms, vec![])] {
            let mut cohort = Inventories::new(rule, None, &[&[], &[]]);
            assert_eq!(said(&mut cohort, 0, 7), 7);
            played(&mut cohort, 7, false);
            assert_eq!(cohort.known, [kept, vec![7]]);
        }
    }

    #[test]
    fn success_leaves_only_the_name_that_was_said() {
        let mut cohort = Inventories::new(Rule::Textbook, Some(10), &[&[[1, 2]], &[[2, 3]]]);
        played(&mut cohort, 2, true);
        assert_eq!(cohort.known, [[2], [2]]);
    }
}
