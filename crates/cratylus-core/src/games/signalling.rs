//! The Lewis signalling game (Lewis, Convention, 1969; Skyrms, Signals, 2010): a sender sees a state and sends a signal, a
//! receiver hears the signal and acts, and it succeeds where the act is the one for the state. What signals mean is the
//! agents' affair.

use crate::agents::SIGNALS;
use crate::event::{Fate, Said};
use crate::game::{Game, Hand, Options, Question};
use crate::seed::Stream;
use crate::signals::SignalScenes;
use crate::spec::{GameEntry, GameSpec, Registry};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const ENTRY: GameEntry = GameEntry::new::<Signalling>(
    &[SIGNALS],
    "signalling",
    "a sender sees a state and sends a signal, and it succeeds if the receiver's act is the one for the state; signals have no meaning at first",
);

/// The parameters of a signalling game.
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
    /// How likely the receiver is to hear another signal than was sent, any of the others alike, from 0 to 1.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub noise: f64,
}

fn is_zero(noise: &f64) -> bool {
    *noise == 0.0
}

impl Signalling {
    fn scenes(&self) -> SignalScenes {
        let Signalling { states, signals, ref probabilities, noise } = *self;
        SignalScenes { states: states.into(), signals: signals.into(), probabilities: probabilities.clone(), noise }
    }
}

impl GameSpec for Signalling {
    fn check(&self) -> Result<(), (&'static str, String)> {
        for (key, n) in [("states", self.states), ("signals", self.signals)] {
            if !(2..=1000).contains(&n) {
                return Err((key, format!("expected from 2 to 1,000, found {n}")));
            }
        }
        if !(0.0..=1.0).contains(&self.noise) {
            return Err(("noise", format!("expected a probability from 0 to 1, found {}", self.noise)));
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

    // Who sends and hears itself learns in both roles.
    fn with_oneself(&self) -> bool {
        true
    }

    fn signals(&self) -> Option<SignalScenes> {
        Some(self.scenes())
    }

    fn build(&self, _: &Registry) -> Result<Box<dyn Game>, (&'static str, String)> {
        Ok(Box::new(Rule(self.scenes())))
    }
}

/// The game.
struct Rule(SignalScenes);

impl Game for Rule {
    fn acts(&self) -> bool {
        true
    }

    fn deal(&self, draws: &mut Stream, hand: &mut Hand) {
        let [state, beyond] = self.0.deal(|| draws.bits());
        hand.show(0, Said::Option(state));
        // What the channel does is how the receiver hears; nobody is told.
        if beyond > 0 {
            hand.show(1, Said::Option(beyond));
        }
    }

    fn next(&self, hand: &Hand, ask: &mut Vec<Question>) {
        match (hand.said(0), hand.said(1)) {
            (None, _) => ask.push(Question::to_all(0, 0, Options::Symbols { most: 1, of: self.0.signals })),
            (Some(_), None) => ask.push(Question::to_all(1, 1, Options::Acts(self.0.states))),
            _ => (),
        }
    }

    fn settle(&self, hand: &mut Hand) {
        hand.fate = Fate::of(hand.said(1) == Some(hand.saw[0].what));
    }
}
