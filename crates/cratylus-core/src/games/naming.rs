//! The naming game: a speaker says a name, and it succeeds where the hearer knows it (Baronchelli,
//! Felici, Caglioti, Loreto & Steels, J. Stat. Mech. 2006, P06014). What success and failure do to an
//! inventory is the agents' affair (`agents/inventory.rs`), not the game's.

use crate::event::{ALL_SEATS, Fate, Said};
use crate::game::{Game, Hand, Options, Question, Seats};
use crate::meeting::groups::Agree;
use crate::spec::{GameEntry, GameSpec, Registry, Shape, check_pool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const ENTRY: GameEntry = GameEntry::new::<Naming>(
    &[Shape::Inventory],
    "naming",
    "a speaker says a name and succeeds if the hearer knows it; agents keep inventories of names",
)
.in_groups();

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

    fn for_groups(&self) -> Option<&'static str> {
        self.agree.map(|_| "agree")
    }

    fn build(&self, _: &Registry) -> Result<Box<dyn Game>, (&'static str, String)> {
        Ok(Box::new(self.clone()))
    }
}

/// The hearer that answers last, in a group for all of it.
const LAST: u16 = 1;

impl Game for Naming {
    fn seats(&self) -> Seats {
        Seats::TwoOrGroup
    }

    fn next(&self, hand: &Hand, ask: &mut Vec<Question>) {
        let Some(_) = hand.said(0) else {
            ask.push(Question::to_all(0, 0, Options::Names));
            return;
        };
        // Of a group the others say whether they know the name: to the speaker alone where all must, and to everyone where
        // it is enough that one does.
        let to = if self.any() { ALL_SEATS } else { 0 };
        let others = LAST + 1..hand.seats.len() as u16;
        let waiting = others.clone().filter(|&seat| hand.said(seat).is_none());
        ask.extend(waiting.map(|seat| Question { seat, turn: 1, to, options: Options::YesNo }));
        let may = self.any() || others.clone().all(|seat| hand.said(seat) == Some(Said::Yes(true)));
        if ask.is_empty() && may && hand.said(LAST).is_none() {
            ask.push(Question::to_all(LAST, if others.is_empty() { 1 } else { 2 }, Options::YesNo));
        }
    }

    fn settle(&self, hand: &mut Hand) {
        hand.fate = Fate::of(hand.said(LAST) == Some(Said::Yes(true)));
    }
}

impl Naming {
    /// Whether one hearer that knows a name is enough.
    fn any(&self) -> bool {
        self.agree == Some(Agree::Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hearer_is_asked_about_the_word_that_was_said() {
        let game: &dyn Game = &Naming { names: None, agree: None };
        let (mut hand, mut asked) = (Hand::new(0, &[2, 1]), Vec::new());
        game.open(&mut hand, &mut asked);
        assert_eq!((asked[0].seat, asked[0].options), (0, Options::Names));
        hand.take(&asked[0], Said::Name(17), 0);
        game.open(&mut hand, &mut asked);
        assert_eq!((asked[0].seat, asked[0].turn, asked[0].options), (1, 1, Options::YesNo));
        hand.take(&asked[0], Said::Yes(true), 0);
        game.open(&mut hand, &mut asked);
        game.end(&mut hand);
        assert!(asked.is_empty());
        assert_eq!((hand.event().pair().names, hand.fate), ([Some(17), None], Fate::Success));
    }
}
