//! A game is the rule of one interaction: a pure state machine. It says what it wants to know, takes
//! answers, and says what came of them. It never calls an agent, so it is never async and does not
//! know that language models exist.

use crate::{AgentId, Name};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What may be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Options {
    /// A name of the pool; in a game without a pool, any name, an invented one too.
    Names,
    /// 1 for yes, 0 for no.
    YesNo,
}

/// What the game wants to know, and from which seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// Who is asked: 0 or 1.
    pub seat: u8,
    /// What this seat privately sees: a partner's word.
    pub cue: Option<Name>,
    /// What it may answer.
    pub options: Options,
}

/// What a seat has answered so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It was not asked yet, or has not answered.
    Waiting,
    /// The agent gave no usable answer, which makes the interaction void.
    Unusable,
    /// A name, or 1 for yes and 0 for no, as the question's options say.
    Given(u32),
}

/// One interaction as it stands.
#[derive(Clone, Debug)]
pub struct Hand {
    /// The number of the interaction in its run, from 0.
    pub t: u64,
    /// Who sits where, numbered in the whole population.
    pub agents: [AgentId; 2],
    /// What each seat has answered so far.
    pub answers: [Answer; 2],
}

impl Hand {
    /// An interaction that begins: nobody has answered.
    pub fn new(t: u64, agents: [AgentId; 2]) -> Hand {
        Hand { t, agents, answers: [Answer::Waiting; 2] }
    }

    /// What a seat answered. None where it has not answered, or not usably.
    pub fn given(&self, seat: usize) -> Option<u32> {
        match self.answers[seat] {
            Answer::Given(answer) => Some(answer),
            Answer::Waiting | Answer::Unusable => None,
        }
    }
}

/// What came of an interaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What each seat said, by seat; None where a seat names nothing in this game, or the interaction was void.
    pub names: [Option<Name>; 2],
    /// None where the interaction was void or nothing was at stake: then nobody learns.
    pub success: Option<bool>,
}

/// The rule of an interaction. It must depend on the hand alone: the same hand always gives the same questions and the same
/// outcome, in whatever order its seats answered.
pub trait Game: Send + Sync {
    /// Whether an agent is asked alone.
    fn alone(&self) -> bool {
        false
    }

    /// Every question that can be asked now. None means that the interaction is over.
    fn ask(&self, hand: &Hand) -> [Option<Question>; 2];

    /// What came of an interaction that is over: nothing is left to ask, or an answer was unusable.
    fn outcome(&self, hand: &Hand) -> Outcome;

    /// The questions of a whole wave: one virtual call for all of it.
    fn ask_all(&self, hands: &[Hand], out: &mut Vec<(u32, Question)>) {
        for (i, hand) in hands.iter().enumerate() {
            if !hand.answers.contains(&Answer::Unusable) {
                out.extend(self.ask(hand).into_iter().flatten().map(|question| (i as u32, question)));
            }
        }
    }
}

/// The question of a game in which the first seat alone says a name.
pub(crate) fn first_alone(hand: &Hand) -> [Option<Question>; 2] {
    let waiting = hand.answers[0] == Answer::Waiting;
    [waiting.then_some(Question { seat: 0, cue: None, options: Options::Names }), None]
}

/// What comes of it, where nothing is at stake or what comes of it is worked out elsewhere.
pub(crate) fn said_alone(hand: &Hand) -> Outcome {
    Outcome { names: [hand.given(0), None], success: None }
}

/// What agreeing and not agreeing are worth, in points.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Payoff {
    /// Paid to both when the names agree.
    pub success: f64,
    /// Paid to both when they do not.
    pub failure: f64,
}

impl Default for Payoff {
    fn default() -> Payoff {
        Payoff { success: 100.0, failure: -50.0 }
    }
}

/// The questions of a game in which both choose a name, and neither knows of the other's choice.
pub(crate) fn both_at_once(hand: &Hand) -> [Option<Question>; 2] {
    [0, 1].map(|seat| {
        let waiting = hand.answers[seat as usize] == Answer::Waiting;
        waiting.then_some(Question { seat, cue: None, options: Options::Names })
    })
}
