//! The Metropolis–Hastings naming game: a speaker says a sign for an object that both perceive, each in its own way, and a
//! listener takes it or keeps its own (Hagiwara et al., Frontiers in Robotics and AI 6 (2019) 134). All objects are gone
//! through, then the listener learns, then others take their turn.

use crate::agents::SIGNS;
use crate::event::{ALL_SEATS, Fate, NO_SEAT, Said};
use crate::game::{Game, Hand, Options, Question};
use crate::seed::Stream;
use crate::spec::{GameEntry, GameSpec, Registry};
use crate::symbols::{Acceptance, Current, Exchange, Learners, SignRule, WorldSpec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const ENTRY: GameEntry = GameEntry::new::<Symbols>(
    &[SIGNS],
    "symbols",
    "Bayesian agents exchange signs for objects that each perceives in its own way, and take them with a probability of their own (Metropolis-Hastings naming game); takes a [world]",
);

/// The parameters of the game, and its world, which stands in a section of its own.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Symbols {
    /// How many signs there are.
    pub signs: u16,
    /// Which sign of an object a listener compares a proposal with.
    #[serde(default)]
    pub current: Current,
    /// When it takes the proposal.
    #[serde(default)]
    pub acceptance: Acceptance,
    /// With `acceptance = "constant"`, the probability of taking it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constant: Option<f64>,
    /// Who proposes to whom.
    #[serde(default)]
    pub exchange: Exchange,
    /// With `exchange = "recursive"`, how often those who propose together go through their own game first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// Who learns once all objects were gone through.
    #[serde(default)]
    pub learners: Learners,
    /// What there is, and how agents perceive it.
    pub world: WorldSpec,
}

/// More agents than these are no society that is followed here.
const AGENTS: f64 = 256.0;

impl Symbols {
    fn rule(&self) -> SignRule {
        SignRule {
            signs: self.signs.into(),
            current: self.current,
            acceptance: self.acceptance,
            constant: self.constant.unwrap_or(0.5),
            exchange: self.exchange,
            times: self.times.unwrap_or(1),
            learners: self.learners,
        }
    }
}

impl GameSpec for Symbols {
    fn check(&self) -> Result<(), (&'static str, String)> {
        let wrong = |key, why: &str| Err((key, why.to_string()));
        if !(2..=1000).contains(&self.signs) {
            let why = format!("expected from 2 to 1,000 signs, found {}; with one sign there is nothing to agree on", self.signs);
            return Err(("signs", why));
        }
        match self.constant {
            Some(_) if self.acceptance != Acceptance::Constant => {
                return wrong("constant", "it is the probability of `acceptance = \"constant\"`; leave it out");
            }
            Some(p) if !(0.0..=1.0).contains(&p) => {
                return Err(("constant", format!("expected a probability from 0 to 1, found {p}")));
            }
            _ => (),
        }
        match self.times {
            Some(_) if self.exchange != Exchange::Recursive => {
                return wrong(
                    "times",
                    "it is how often a game within a game is gone through (`exchange = \"recursive\"`); leave it out",
                );
            }
            Some(times) if !(1..=100).contains(&times) => {
                return Err(("times", format!("expected from 1 to 100, found {times}")));
            }
            _ => (),
        }
        match (self.exchange, self.current, self.acceptance) {
            (Exchange::Recursive, current, _) if current != Current::Shared => {
                wrong("current", "the recursive game is played on one sign of all; give `current = \"shared\"`")
            }
            (Exchange::OneSample, current, _) if current != Current::Own => {
                wrong("current", "a sign that is passed on meets each agent's own; give `current = \"own\"`")
            }
            (exchange, _, Acceptance::None) if exchange != Exchange::Pairs => {
                wrong("acceptance", "who hears nothing cannot pass it on; without communication give `exchange = \"pairs\"`")
            }
            (_, current, Acceptance::None) if current != Current::Own => {
                wrong("current", "agents that hear nothing of each other have signs of their own; give `current = \"own\"`")
            }
            _ => self.world.check(self.signs.into()),
        }
    }

    fn names(&self) -> Option<&[String]> {
        None
    }

    // A sign is taken or not, and neither is a success.
    fn succeeds(&self) -> bool {
        false
    }

    fn fits(&self, agents: f64) -> Result<(), (&'static str, String)> {
        if agents > AGENTS {
            return Err(("world", format!("a society of this game has at most {AGENTS} agents, found {agents}")));
        }
        // Two games within each of many are no longer over in a lifetime.
        if self.exchange == Exchange::Recursive && f64::from(self.times.unwrap_or(1)).powf(agents - 2.0) * agents > 1e5 {
            let why = format!(
                "with {agents} agents each proposal is a game of games, {} to the power of {} deep; give fewer agents or a smaller `times`",
                self.times.unwrap_or(1),
                agents - 2.0
            );
            return Err(("times", why));
        }
        self.world.fits(agents as usize)
    }

    fn symbols(&self) -> Option<(SignRule, &WorldSpec)> {
        Some((self.rule(), &self.world))
    }

    fn build(&self, _: &Registry) -> Result<Box<dyn Game>, (&'static str, String)> {
        Ok(Box::new(Rule { objects: self.world.objects(), heard: self.acceptance != Acceptance::None }))
    }
}

/// The game.
struct Rule {
    objects: u64,
    /// Whether what is said is heard.
    heard: bool,
}

impl Game for Rule {
    fn in_turn(&self) -> bool {
        true
    }

    fn deal(&self, _: &mut Stream, hand: &mut Hand) {
        hand.show(ALL_SEATS, Said::Option((hand.t % self.objects) as u32));
    }

    fn next(&self, hand: &Hand, ask: &mut Vec<Question>) {
        match (hand.said(0), hand.said(1)) {
            (None, _) => {
                let to = if self.heard { ALL_SEATS } else { NO_SEAT };
                ask.push(Question { seat: 0, turn: 0, to, options: Options::Names });
            }
            // The sign that it has from now on.
            (Some(_), None) => ask.push(Question::to_all(1, 1, Options::Names)),
            _ => (),
        }
    }

    fn settle(&self, hand: &mut Hand) {
        hand.fate = Fate::of(self.heard && hand.said(0) == hand.said(1));
    }
}
