//! The naming game: a speaker says a name, and it succeeds where the hearer knows it (Baronchelli,
//! Felici, Caglioti, Loreto & Steels, J. Stat. Mech. 2006, P06014). What success and failure do to an
//! inventory is the agents' affair (`agents/inventory.rs`), not the game's.

use crate::game::{Answer, Game, Hand, Options, Outcome, Question};
use crate::meeting::groups::Agree;
use crate::spec::{GameEntry, GameSpec, Registry, Shape, check_pool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const ENTRY: GameEntry = GameEntry::new::<Naming>(
    &[Shape::Inventory],
    "naming",
    "a speaker says a name and succeeds if the hearer knows it; agents keep inventories of names",
);

/// The naming game's parameters, which are the game.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Naming {
    /// The pool of names. Without it a speaker that knows none invents a new one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
    /// In groups of more than two: whether all hearers must know a name for it to succeed, or any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agree: Option<Agree>,
}

impl GameSpec for Naming {
    fn check(&self) -> Result<(), (&'static str, String)> {
        self.names.as_deref().map_or(Ok(()), check_pool)
    }

    fn names(&self) -> Option<&[String]> {
        self.names.as_deref()
    }

    fn agree(&self) -> Option<Agree> {
        self.agree
    }

    fn build(&self, _: &Registry) -> Result<Box<dyn Game>, (&'static str, String)> {
        Ok(Box::new(self.clone()))
    }
}

impl Game for Naming {
    fn ask(&self, hand: &Hand) -> [Option<Question>; 2] {
        match hand.answers {
            [Answer::Waiting, _] => [Some(Question { seat: 0, cue: None, options: Options::Names }), None],
            [Answer::Given(word), Answer::Waiting] => {
                [None, Some(Question { seat: 1, cue: Some(word), options: Options::YesNo })]
            }
            _ => [None, None],
        }
    }

    fn outcome(&self, hand: &Hand) -> Outcome {
        Outcome { names: [hand.given(0), None], success: hand.given(0).and(hand.given(1)).map(|known| known == 1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hearer_is_asked_about_the_word_that_was_said() {
        let game = Naming { names: None, agree: None };
        let mut hand = Hand::new(0, [2, 1]);
        assert_eq!(game.ask(&hand)[0].map(|q| q.options), Some(Options::Names));
        hand.answers[0] = Answer::Given(17);
        assert_eq!(game.ask(&hand)[1].and_then(|q| q.cue), Some(17));
        hand.answers[1] = Answer::Given(1);
        assert_eq!(game.outcome(&hand), Outcome { names: [Some(17), None], success: Some(true) });
    }
}
