//! Agents that learn signals by reinforcement (Roth & Erev, Games Econ. Behav. 8 (1995) 164): as a sender an urn for each
//! state with balls for signals, as a receiver one for each signal with balls for acts. What succeeded is likelier the next
//! time by the ball that is added to both urns it was drawn from.

use crate::agent::{Answers, Ask, Cohort, Cohorts, Mind, News};
use crate::event::{Event, Said};
use crate::fault::Fault;
use crate::spec::{AgentContext, AgentEntry, AgentSpec, Kind, Shape};
use crate::{AgentId, seed::Stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

/// What a signalling game asks for.
pub const SIGNALS: Shape = Shape::Own("a signal for a state, and an act for a signal");

pub const ENTRY: AgentEntry = AgentEntry::new::<Params>(
    &[SIGNALS],
    "urn",
    "learns signals by reinforcement, an urn for each state and each signal (Roth & Erev); plays signalling games",
);

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// How many balls of each kind are in an urn at first.
    #[serde(default = "one")]
    initial: f64,
    /// How many are added after success.
    #[serde(default = "one")]
    reward: f64,
}

fn one() -> f64 {
    1.0
}

impl AgentSpec for Params {
    fn build(&self, ctx: &AgentContext<'_>) -> Result<Kind, (&'static str, String)> {
        for (key, balls) in [("initial", self.initial), ("reward", self.reward)] {
            if !(balls > 0.0 && balls.is_finite()) {
                return Err((key, format!("expected a number of balls above 0, found {balls}")));
            }
        }
        let [states, signals] = sizes(ctx);
        Ok(Kind::Own(Arc::new(Urns { states, signals, initial: self.initial, reward: self.reward })))
    }
}

/// How many states and signals the game has.
pub(super) fn sizes(ctx: &AgentContext<'_>) -> [usize; 2] {
    ["states", "signals"].map(|key| ctx.game.get(key).and_then(toml::Value::as_integer).unwrap_or(0) as usize)
}

/// The state that a sender saw, the signal and the act of an interaction.
pub(super) fn played(event: &Event<'_>) -> Option<[usize; 3]> {
    let [sent, acted] = [0, 1].map(|seat: u16| event.moves.iter().find(|one| one.seat == seat).map(|one| one.said));
    match (event.saw.first()?.what, sent?, acted?) {
        (Said::Option(state), Said::Symbols(span), Said::Option(act)) => {
            Some([state as usize, usize::from(*event.symbols_of(span).first()?), act as usize])
        }
        _ => None,
    }
}

/// What a question is about: the state that a sender sees, or else the signal that a receiver heard.
pub(super) fn asked(ask: &Ask<'_>) -> Result<usize, usize> {
    let heard = ask.heard().find_map(|(_, said)| match said {
        Said::Symbols(span) => ask.hand().symbols.get(span.start as usize).map(|&signal| usize::from(signal)),
        _ => None,
    });
    match heard {
        Some(signal) => Err(signal),
        None => {
            Ok(ask.saw().find_map(|what| if let Said::Option(state) = what { Some(state as usize) } else { None }).unwrap_or(0))
        }
    }
}

struct Urns {
    states: usize,
    signals: usize,
    initial: f64,
    reward: f64,
}

/// One agent's urns, as plain data: by state then signal, and by signal then act.
#[derive(Deserialize, Serialize)]
struct Kept {
    sender: Vec<f64>,
    receiver: Vec<f64>,
}

impl Cohorts for Urns {
    fn cohort(&self, minds: Vec<Mind>) -> Box<dyn Cohort> {
        let n = self.states * self.signals;
        let (mut sender, mut receiver) = (Vec::with_capacity(n * minds.len()), Vec::with_capacity(n * minds.len()));
        for mind in minds {
            let kept = match mind {
                Mind::Own(own) => Kept::deserialize(own).ok().filter(|kept| kept.sender.len() == n && kept.receiver.len() == n),
                Mind::Rounds(_) | Mind::Names(_) => None,
            };
            let kept = kept.unwrap_or_else(|| Kept { sender: vec![self.initial; n], receiver: vec![self.initial; n] });
            sender.extend(kept.sender);
            receiver.extend(kept.receiver);
        }
        Box::new(Members { states: self.states, signals: self.signals, reward: self.reward, sender, receiver })
    }

    fn new_mind(&self) -> Mind {
        Mind::Own(Value::Null)
    }
}

struct Members {
    states: usize,
    signals: usize,
    reward: f64,
    /// Balls, agent by agent: for each state those of each signal.
    sender: Vec<f64>,
    /// For each signal those of each act.
    receiver: Vec<f64>,
}

/// A ball of an urn.
fn drawn(urn: &[f64], draws: &mut Stream) -> usize {
    let mut left = draws.unit() * urn.iter().sum::<f64>();
    let ball = urn.iter().position(|balls| {
        left -= balls;
        left < 0.0
    });
    ball.unwrap_or(urn.len() - 1)
}

impl Cohort for Members {
    fn decide(&mut self, asks: &[Ask<'_>], answers: &mut Answers) -> Result<(), Fault> {
        let n = self.states * self.signals;
        for (i, ask) in asks.iter().enumerate() {
            let own = ask.agent as usize * n;
            match asked(ask) {
                Ok(state) => {
                    let signal = drawn(&self.sender[own + state * self.signals..][..self.signals], &mut ask.draws());
                    answers.say_symbols(i, [signal as u16]);
                }
                Err(signal) => {
                    let act = drawn(&self.receiver[own + signal * self.states..][..self.states], &mut ask.draws());
                    answers.said[i] = Said::Option(act as u32);
                }
            }
        }
        Ok(())
    }

    fn learn(&mut self, news: &[News<'_>]) {
        for item in news {
            let event = item.event();
            let (Some([state, signal, act]), Some(true)) = (played(&event), event.success()) else { continue };
            let own = item.agent as usize * self.states * self.signals;
            match item.seat {
                0 => self.sender[own + state * self.signals + signal] += self.reward,
                _ => self.receiver[own + signal * self.states + act] += self.reward,
            }
        }
    }

    fn mind(&self, agent: AgentId) -> Mind {
        let n = self.states * self.signals;
        let of = |balls: &[f64]| balls[agent as usize * n..][..n].to_vec();
        let kept = Kept { sender: of(&self.sender), receiver: of(&self.receiver) };
        Mind::Own(serde_json::to_value(kept).expect("numbers are plain"))
    }
}
