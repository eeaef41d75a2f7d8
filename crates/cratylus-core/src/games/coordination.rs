//! Both players choose a name at once, and both are paid for agreeing: the game of the recorded runs
//! (Flint Ashery, Aiello & Baronchelli, Science Advances 2025). Each agent remembers its own last
//! rounds; nobody speaks first, and nobody knows that there is a population.

use crate::game::{Game, Hand, Outcome, Payoff, Question, both_at_once};
use crate::spec::{GameEntry, GameSpec, Registry, Shape, check_pool, five};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const ENTRY: GameEntry = GameEntry::new::<Coordination>(
    &[Shape::Agreement],
    "coordination",
    "both players choose a name at once and are paid for agreeing; each remembers its last rounds",
);

/// The coordination game's parameters, which are the game.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Coordination {
    /// The pool of names, at least two.
    pub names: Vec<String>,
    /// What both players are paid. Shown to agents that read; the other kinds look only at success.
    #[serde(default)]
    pub payoff: Payoff,
    /// How many of its own last rounds an agent remembers.
    #[serde(default = "five")]
    pub memory: usize,
}

impl GameSpec for Coordination {
    fn check(&self) -> Result<(), (&'static str, String)> {
        if !self.payoff.success.is_finite() || !self.payoff.failure.is_finite() {
            return Err(("payoff", "a payoff is a finite number".into()));
        }
        if self.payoff.success <= self.payoff.failure {
            let why = format!(
                "the payoff of success ({}) must be above that of failure ({}): agreement is what this game pays for",
                self.payoff.success, self.payoff.failure
            );
            return Err(("payoff", why));
        }
        check_pool(&self.names)
    }

    fn names(&self) -> Option<&[String]> {
        Some(&self.names)
    }

    fn memory(&self) -> Option<usize> {
        Some(self.memory)
    }

    fn payoff(&self) -> Option<Payoff> {
        Some(self.payoff)
    }

    fn build(&self, _: &Registry) -> Result<Box<dyn Game>, (&'static str, String)> {
        Ok(Box::new(self.clone()))
    }
}

impl Game for Coordination {
    fn ask(&self, hand: &Hand) -> [Option<Question>; 2] {
        both_at_once(hand)
    }

    fn outcome(&self, hand: &Hand) -> Outcome {
        let names = [hand.given(0), hand.given(1)];
        let success = names[0].zip(names[1]).map(|(a, b)| a == b);
        Outcome { names, success }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::game::Answer;

    #[test]
    fn both_are_asked_at_once_and_agreement_is_success() {
        let game = Coordination { names: vec!["Q".into(), "M".into()], payoff: Payoff::default(), memory: 5 };
        let mut hand = Hand::new(0, [3, 4]);
        assert_eq!(game.ask(&hand).map(|q| q.map(|q| q.seat)), [Some(0), Some(1)]);
        hand.answers = [Answer::Given(1), Answer::Given(1)];
        assert_eq!(game.ask(&hand), [None, None]);
        assert_eq!(game.outcome(&hand), Outcome { names: [Some(1), Some(1)], success: Some(true) });
        hand.answers[1] = Answer::Given(0);
        assert_eq!(game.outcome(&hand).success, Some(false));
    }

    #[test]
    fn an_unusable_answer_makes_the_interaction_void() {
        let game = Coordination { names: vec!["Q".into(), "M".into()], payoff: Payoff::default(), memory: 5 };
        let mut hand = Hand::new(0, [3, 4]);
        hand.answers = [Answer::Given(1), Answer::Unusable];
        assert_eq!(game.outcome(&hand), Outcome { names: [Some(1), None], success: None });
        let mut asks = Vec::new();
        game.ask_all(&[hand], &mut asks);
        assert!(asks.is_empty());
    }
}
