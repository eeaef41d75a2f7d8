//! The Lewis signalling game (Lewis, Convention, 1969; Skyrms, Signals, 2010): a sender sees a state and sends a signal, a
//! receiver hears the signal and acts, and it succeeds where the act is the one for the state. What signals mean is the
//! agents' affair.

use crate::agents::SIGNALS;
use crate::event::{Fate, Said};
use crate::game::{Game, Hand, Options, Question};
use crate::seed::Stream;
use crate::spec::{GameEntry, GameSpec, Registry};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const ENTRY: GameEntry = GameEntry::new::<Signalling>(
    &[SIGNALS],
    "signalling",
    "a sender sees a state and sends a signal, and it succeeds if the receiver's act is the one for the state; signals have no meaning at first",
);

/// The parameters of a signalling game, which are the game.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signalling {
    /// How many states there are, and as many acts.
    pub states: u16,
    /// How many signals there are.
    pub signals: u16,
    /// How likely each state is; all alike where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probabilities: Option<Vec<f64>>,
}

impl GameSpec for Signalling {
    fn check(&self) -> Result<(), (&'static str, String)> {
        for (key, n) in [("states", self.states), ("signals", self.signals)] {
            if !(2..=1000).contains(&n) {
                return Err((key, format!("expected from 2 to 1,000, found {n}")));
            }
        }
        let Some(probabilities) = &self.probabilities else { return Ok(()) };
        if probabilities.len() != usize::from(self.states) {
            return Err((
                "probabilities",
                format!("there are {} states, and {} probabilities", self.states, probabilities.len()),
            ));
        }
        let sum: f64 = probabilities.iter().sum();
        if probabilities.iter().any(|p| !(0.0..=1.0).contains(p)) || (sum - 1.0).abs() > 1e-9 {
            return Err(("probabilities", format!("expected numbers from 0 to 1 that add up to 1; these add up to {sum}")));
        }
        Ok(())
    }

    fn names(&self) -> Option<&[String]> {
        None
    }

    // What agents come to share are meanings, of which a few successes in a row say little.
    fn agrees(&self) -> bool {
        false
    }

    fn build(&self, _: &Registry) -> Result<Box<dyn Game>, (&'static str, String)> {
        Ok(Box::new(self.clone()))
    }
}

impl Game for Signalling {
    fn acts(&self) -> bool {
        true
    }

    fn deal(&self, draws: &mut Stream, hand: &mut Hand) {
        let state = match &self.probabilities {
            None => draws.below(self.states.into()) as u32,
            Some(probabilities) => {
                let mut left = draws.unit();
                let drawn = probabilities.iter().position(|p| {
                    left -= p;
                    left < 0.0
                });
                // Where rounding leaves a draw without a state it is the last that can be.
                let last = probabilities.iter().rposition(|&p| p > 0.0).expect("they add up to 1");
                drawn.unwrap_or(last) as u32
            }
        };
        hand.show(0, Said::Option(state));
    }

    fn next(&self, hand: &Hand, ask: &mut Vec<Question>) {
        match (hand.said(0), hand.said(1)) {
            (None, _) => ask.push(Question::to_all(0, 0, Options::Symbols { most: 1, of: self.signals.into() })),
            (Some(_), None) => ask.push(Question::to_all(1, 1, Options::Acts(self.states.into()))),
            _ => (),
        }
    }

    fn settle(&self, hand: &mut Hand) {
        hand.fate = Fate::of(hand.said(1) == Some(hand.saw[0].what));
    }
}
