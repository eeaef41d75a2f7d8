//! Public goods: each of a group gives of its endowment, and what is given grows and is shared alike,
//! u_i = E − g_i + (r / N) Σ g. Where 1 < r < N giving nothing pays best for each, and giving all for the group.

use crate::agents::AMOUNTS;
use crate::game::{Game, Hand, Options, Question, Seats};
use crate::spec::{GameEntry, GameSpec, Registry};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const ENTRY: GameEntry = GameEntry::new::<PublicGoods>(
    &[AMOUNTS],
    "public-goods",
    "each of a group gives of its endowment at once; what is given grows and is shared alike",
)
.in_groups();

/// The parameters of a public-goods game, which are the game. How many play is `population.groups.size`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PublicGoods {
    /// What everyone has in each round.
    #[serde(default = "one")]
    pub endowment: f64,
    /// What is given grows by this factor before it is shared.
    pub multiplier: f64,
}

fn one() -> f64 {
    1.0
}

impl GameSpec for PublicGoods {
    fn check(&self) -> Result<(), (&'static str, String)> {
        for (key, value) in [("endowment", self.endowment), ("multiplier", self.multiplier)] {
            if !(value > 0.0 && value.is_finite()) {
                return Err((key, format!("expected a number above 0, found {value}")));
            }
        }
        Ok(())
    }

    fn names(&self) -> Option<&[String]> {
        None
    }

    fn succeeds(&self) -> bool {
        false
    }

    fn build(&self, _: &Registry) -> Result<Box<dyn Game>, (&'static str, String)> {
        Ok(Box::new(self.clone()))
    }
}

impl Game for PublicGoods {
    fn seats(&self) -> Seats {
        Seats::Group
    }

    fn acts(&self) -> bool {
        true
    }

    fn next(&self, hand: &Hand, ask: &mut Vec<Question>) {
        let waiting = (0..hand.seats.len() as u16).filter(|&seat| hand.said(seat).is_none());
        ask.extend(waiting.map(|seat| Question::to_all(seat, 0, Options::Number(0.0, self.endowment))));
    }

    fn settle(&self, hand: &mut Hand) {
        let given: Vec<f64> = hand.moves.iter().filter_map(|one| one.said.number()).collect();
        let share = self.multiplier * given.iter().sum::<f64>() / given.len() as f64;
        hand.pay.extend(given.iter().map(|given| self.endowment - given + share));
    }
}
