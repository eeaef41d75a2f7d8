//! Both players choose a name at once, and both are paid for agreeing: the game of the recorded runs
//! (Flint Ashery, Aiello & Baronchelli, Science Advances 2025). Each agent remembers its own last
//! rounds; nobody speaks first, and nobody knows that there is a population.

use crate::event::Fate;
use crate::game::{Game, Hand, Payoff, Question, ask_names, two_names};
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
    fn next(&self, hand: &Hand, ask: &mut Vec<Question>) {
        ask_names(2, hand, ask);
    }

    fn settle(&self, hand: &mut Hand) {
        hand.fate = two_names(hand).map_or(Fate::Void, |[a, b]| Fate::of(a == b));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Said;

    fn played(answers: &[(u16, Said)]) -> (Hand, Vec<Question>) {
        let game: &dyn Game = &Coordination { names: vec!["Q".into(), "M".into()], payoff: Payoff::default(), memory: 5 };
        let (mut hand, mut asked) = (Hand::new(0, &[3, 4]), Vec::new());
        game.open(&mut hand, &mut asked);
        let all = asked.clone();
        answers.iter().for_each(|&(seat, said)| hand.take(&all[usize::from(seat)], said, 0));
        game.open(&mut hand, &mut asked);
        game.end(&mut hand);
        (hand, asked)
    }

    #[test]
    fn both_are_asked_at_once_and_agreement_is_success() {
        assert_eq!(played(&[]).1.iter().map(|question| question.seat).collect::<Vec<_>>(), [0, 1]);
        // In whatever order answers come.
        let (hand, left) = played(&[(1, Said::Name(1)), (0, Said::Name(1))]);
        assert!(left.is_empty());
        assert_eq!((hand.fate, hand.moves[0].seat, hand.event().pair().names), (Fate::Success, 0, [Some(1), Some(1)]));
        assert_eq!(played(&[(0, Said::Name(0)), (1, Said::Name(1))]).0.fate, Fate::Failure);
    }

    #[test]
    fn an_unusable_answer_makes_the_interaction_void() {
        let (hand, left) = played(&[(1, Said::Unusable)]);
        assert!(left.is_empty() && hand.event().void());
        let (hand, _) = played(&[(0, Said::Name(1)), (1, Said::Unusable)]);
        assert_eq!((hand.event().pair().names, hand.event().success()), ([Some(1), None], None));
    }
}
