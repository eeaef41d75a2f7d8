//! Agents of the game `symbols`, who are asked and told. What they believe and how they change it stands in `symbols/`.

use crate::AgentId;
use crate::agent::{Answers, Ask, Cohort, Mind, News};
use crate::event::Said;
use crate::fault::Fault;
use crate::spec::{AgentContext, Shape};
use crate::symbols::{SignMind, Society};
use serde::Deserialize;

/// What the game asks for.
pub const SIGNS: Shape = Shape::Own("a sign for an object, and which sign it has after it heard another's");

/// All agents of a run.
pub struct SignLearners(Society);

/// What an agent has become, where it is one of these.
pub fn sign_mind(mind: &Mind) -> Option<SignMind> {
    match mind {
        Mind::Own(own) => SignMind::deserialize(own).ok(),
        Mind::Rounds(_) | Mind::Names(_) => None,
    }
}

/// The same the other way round.
pub fn mind_of(mind: &SignMind) -> Mind {
    Mind::Own(serde_json::to_value(mind).expect("numbers are plain"))
}

impl SignLearners {
    /// The agents of a run in this order.
    pub fn new(society: Society) -> SignLearners {
        SignLearners(society)
    }
}

/// The object that all see.
fn object(mut saw: impl Iterator<Item = Said>) -> usize {
    saw.find_map(|what| if let Said::Option(object) = what { Some(object as usize) } else { None }).expect("it is shown")
}

impl Cohort for SignLearners {
    fn decide(&mut self, asks: &[Ask<'_>], answers: &mut Answers) -> Result<(), Fault> {
        for (ask, said) in asks.iter().zip(&mut answers.said) {
            let object = object(ask.saw());
            let sign = match ask.question.seat {
                0 => self.0.propose(ask.t(), ask.agent, object, ask.draw()),
                // Who hears nothing says what it makes of it alone.
                _ => self.0.answer(ask.agent, object, ask.name_heard().map_or(0, |name| name as u16), ask.draw()),
            };
            *said = Said::Name(sign.into());
        }
        Ok(())
    }

    fn learn(&mut self, news: &[News<'_>]) {
        for news in news.iter().filter(|news| news.seat == 1) {
            let event = news.event();
            let (Some(proposed), Some(held)) = (event.name(0), event.name(1)) else { continue };
            // All agents are of this cohort, in the order of their numbers.
            let seats = [event.seats[0], event.seats[1]];
            self.0.take(event.t, seats, object(event.seen_by(1)), [proposed, held].map(|sign| sign as u16));
        }
    }

    fn mind(&self, agent: AgentId) -> Mind {
        mind_of(&self.0.mind(agent))
    }
}

/// Refuses worlds of which agents of a kind cannot make anything.
pub(super) fn perceives(ctx: &AgentContext<'_>, worlds: &[&str], what: &str) -> Result<(), (&'static str, String)> {
    let kind = ctx.game.get("world").and_then(|world| world.get("kind")).and_then(toml::Value::as_str).unwrap_or("");
    if worlds.contains(&kind) {
        return Ok(());
    }
    let player = match kind {
        "tables" => "`fixed`",
        "bags" => "`dirichlet-mixture`",
        "gaussian" => "`gaussian-mixture`",
        _ => "`gaussian-mixture` or `dirichlet-mixture`",
    };
    let why = format!("these agents perceive {what}, and a world of kind `{kind}` is for agents of kind {player}");
    Err(("kind", why))
}
