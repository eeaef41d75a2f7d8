//! Agents of the naming game: each keeps an inventory of names.
//!
//! The textbook rule (Baronchelli et al., J. Stat. Mech. 2006, P06014): a speaker that knows no name
//! takes one (of the pool, or a new one) and stores it; after success both keep only the name that was
//! said, after failure the hearer adds it. The variant `ai-norms` is the theory module of Flint Ashery
//! et al. (2025): a speaker that knows no name says a random one but stores it only if it succeeds.
//!
//! A hearer agrees to a name that it knows with probability pi, and to one that it does not know with
//! probability phi (De Nobili et al., arXiv 2608.02178). With phi = 0, pi is the beta of Baronchelli,
//! Dall'Asta, Barrat & Loreto, PRE 76 (2007) 051102. Agreement is what succeeds.

use crate::AgentId;
use crate::agent::{Answers, Ask, Cohort, Mind, News};
use crate::event::Said;
use crate::fault::Fault;
use crate::game::Options;
use crate::inventory::{Inventory, InventoryRule, Keeps};
use crate::spec::{AgentContext, AgentEntry, AgentSpec, Kind, Shape};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The line of the registry.
pub const ENTRY: AgentEntry =
    AgentEntry::new::<Params>(&[Shape::Inventory], "inventory", "keeps an inventory of names; plays the naming game");

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(default)]
    rule: Keeps,
    /// The probability that a hearer agrees to a name that it knows; 1 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pi: Option<f64>,
    /// The probability that it agrees to a name that it does not know; 0 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    phi: Option<f64>,
    /// The same as `pi`, as the beta-model calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    beta: Option<f64>,
}

impl AgentSpec for Params {
    fn build(&self, ctx: &AgentContext<'_>) -> Result<Kind, (&'static str, String)> {
        let share = |key: &'static str, value: Option<f64>| match value {
            Some(p) if !(0.0..=1.0).contains(&p) => Err((key, format!("expected a probability from 0 to 1, found {p}"))),
            value => Ok(value),
        };
        let (pi, phi, beta) = (share("pi", self.pi)?, share("phi", self.phi)?, share("beta", self.beta)?);
        if beta.is_some() && (pi.is_some() || phi.is_some()) {
            return Err(("beta", "`beta` is `pi` where `phi` is 0; give `beta`, or `pi` and `phi`".into()));
        }
        let below = |p: f64| (p * 4_294_967_296.0).round() as u64;
        let agrees = [below(pi.or(beta).unwrap_or(1.0)), below(phi.unwrap_or(0.0))];
        let pool = (!ctx.names.is_empty()).then_some(ctx.names.len() as u32);
        Ok(Kind::Speaker(InventoryRule { keeps: self.rule, pool, agrees }))
    }
}

/// A cohort of agents with inventories.
pub struct Inventories {
    rule: InventoryRule,
    /// Whether they never learn.
    committed: bool,
    known: Vec<Inventory>,
}

impl Inventories {
    /// A cohort of one agent for each mind.
    pub fn new(rule: InventoryRule, committed: bool, minds: Vec<Mind>) -> Inventories {
        let known = minds.into_iter().map(|mind| match mind {
            Mind::Names(known) => known,
            Mind::Rounds(_) | Mind::Own(_) => Inventory::default(),
        });
        Inventories { rule, committed, known: known.collect() }
    }
}

impl Cohort for Inventories {
    fn decide(&mut self, asks: &[Ask<'_>], answers: &mut Answers) -> Result<(), Fault> {
        for (ask, said) in asks.iter().zip(&mut answers.said) {
            let known = &self.known[ask.agent as usize];
            *said = match (ask.question.options, ask.name_heard()) {
                // Of a group the first hearer is asked last, and agrees for all of it, by what the others say, too.
                (Options::YesNo, Some(word)) if ask.question.seat == 1 => {
                    let known = known.knows(word) || ask.heard().any(|(_, said)| said == Said::Yes(true));
                    Said::Yes(self.rule.agrees(known, ask.draw()))
                }
                (Options::YesNo, Some(word)) => Said::Yes(known.knows(word)),
                _ => Said::Name(known.say(&self.rule, ask.t(), ask.draw())),
            };
        }
        Ok(())
    }

    fn learn(&mut self, news: &[News<'_>]) {
        if self.committed {
            return;
        }
        for item in news {
            if let (Some(word), Some(success)) = (item.event().name(0), item.event().success()) {
                self.known[item.agent as usize].learn(&self.rule, item.seat.min(1) as u8, word, success);
            }
        }
    }

    fn mind(&self, agent: AgentId) -> Mind {
        Mind::Names(self.known[agent as usize].clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;
    use crate::event::Name;
    use crate::event::pair::PairEvent;
    use crate::game::{Hand, Question};

    fn said(cohort: &mut Inventories, agent: u32, t: u64) -> Name {
        let (hand, mut answers) = (Hand::new(t, &[agent]), Answers::default());
        answers.reset(1);
        cohort.decide(&[Ask::new(agent, Question::to_all(0, 0, Options::Names), &hand, Seed(0))], &mut answers).unwrap();
        answers.said[0].name().unwrap()
    }

    fn played(cohort: &mut Inventories, word: Name, success: bool) {
        let pair = PairEvent { t: 0, agents: [0, 1], names: [Some(word), None], success: Some(success), invalid: [0; 2] };
        let hand = pair.show(Hand::of);
        (0..2).for_each(|seat| cohort.learn(&[News { agent: u32::from(seat), seat, hand: &hand }]));
    }

    #[test]
    fn the_two_rules_differ_in_what_a_failed_inventor_keeps() {
        for (keeps, kept) in [(Keeps::Textbook, vec![7]), (Keeps::AiNorms, vec![])] {
            let rule = InventoryRule { keeps, ..InventoryRule::textbook(None) };
            let mut cohort = Inventories::new(rule, false, vec![Mind::Names(Inventory::default()); 2]);
            assert_eq!(said(&mut cohort, 0, 7), 7);
            played(&mut cohort, 7, false);
            assert_eq!(cohort.known, [Inventory(kept), Inventory(vec![7])]);
        }
    }

    #[test]
    fn success_leaves_only_the_name_that_was_said_but_with_the_committed() {
        for committed in [false, true] {
            let known = vec![Inventory(vec![1, 2]), Inventory(vec![2, 3])];
            let mut cohort =
                Inventories::new(InventoryRule::textbook(Some(10)), committed, known.iter().cloned().map(Mind::Names).collect());
            played(&mut cohort, 2, true);
            assert_eq!(cohort.known, if committed { known } else { vec![Inventory(vec![2]); 2] });
        }
    }

    #[test]
    fn a_hearer_agrees_as_often_as_it_is_said_to() {
        let rule = InventoryRule { agrees: [3 << 30, 1 << 30], ..InventoryRule::textbook(None) };
        assert!(rule.agrees(true, (3 << 30) - 1) && !rule.agrees(true, 3 << 30));
        assert!(rule.agrees(false, (1 << 30) - 1) && !rule.agrees(false, 1 << 30));
    }
}
