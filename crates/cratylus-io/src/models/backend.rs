//! A backend answers one request, or says why it did not. It does not retry, limit, remember or read names: that is
//! the same for all of them and stands elsewhere.

use super::tape::{Constraint, Took};
use cratylus_core::fault::Fault;
use cratylus_core::language::Prompt;
use cratylus_core::language::answer::Instead;
use cratylus_core::language::model::{Model, Query};
use cratylus_core::language::scored::Scored;
use cratylus_core::language::spelling::{Beginning, NextToken};
use std::time::Duration;

/// What is asked.
pub struct Request<'a> {
    /// Whom it is for; protocol and sampler are its.
    pub model: &'a Model,
    /// The memory, the order of the options, and the draw.
    pub query: &'a Query,
    /// What the model is shown.
    pub prompt: &'a Prompt,
    /// The options in the order shown.
    pub names: &'a [String],
    /// What the answer begins with beyond the prefill.
    pub before: &'a [Beginning],
    /// Which kind of answer is to come back.
    pub want: Want,
    /// Whether the answer is made to begin with the prompt's prefill.
    pub prefill: bool,
}

/// What is to come back of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// The distribution of the next token: so many tokens of it.
    Next {
        /// How many; a backend may give fewer.
        listed: u32,
    },
    /// The probability of each name, in the order of the pool.
    Names,
    /// Words, drawn by the model's sampler.
    Text {
        /// By which field the server confines them to the names; None where it does not.
        constrained: Option<Constraint>,
    },
    /// The log-probability of every token of the last message, which stands after those before it. Nothing is said.
    Scores,
}

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub enum Raw {
    /// Tokens with their log-probabilities at temperature 1, in any order.
    Next(Vec<NextToken>),
    /// The probability of each name, in the order of the request.
    Names(Vec<f64>),
    /// Words.
    Text {
        /// Without the prefill, but where the server repeats it.
        text: String,
        /// Whether the limit of tokens cut it short.
        cut: bool,
        /// What came in place of words, where the server says so.
        instead: Option<Instead>,
    },
    /// The tokens of the last message, in order.
    Scores(Vec<Scored>),
}

/// An answer, with what it took.
#[derive(Clone, Debug)]
pub struct Given {
    /// What came back, not yet read.
    pub raw: Raw,
    /// The fields that were sent with the prompt.
    pub sent: serde_json::Value,
    /// Time and tokens, as far as the backend knows them.
    pub took: Took,
    /// What its headers said of the limits.
    pub allowance: Allowance,
}

/// What a server says is left of what it allows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Allowance {
    /// Requests or tokens ran out; nothing is to be sent for so long.
    pub wait: Option<Duration>,
}

/// Why there was no answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// It failed on the way or the server could not cope; the same request may be sent again.
    Again {
        /// What went wrong, in words for the user.
        why: String,
        /// The same in a word for the program.
        cause: Cause,
        /// The server asks to be left alone for so long.
        after: Option<Duration>,
        /// It is overloaded, so less should be sent at once.
        overloaded: bool,
    },
    /// No repetition will help.
    Fatal {
        /// What went wrong, in words for the user.
        why: String,
        /// The same in a word for the program.
        cause: Cause,
    },
}

/// What went wrong, as far as what to do next depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Nobody was reached.
    Unreached,
    /// The server said no, with this status.
    Status(u16),
    /// An answer came, and did not hold what was asked for.
    Unread,
    /// Anything else.
    Other,
}

impl Refusal {
    /// A failure on the way, of which nothing more is known.
    pub fn again(why: impl Into<String>) -> Refusal {
        Refusal::Again { why: why.into(), cause: Cause::Other, after: None, overloaded: false }
    }

    /// What no repetition helps, and of which nothing more is known.
    pub fn fatal(why: impl Into<String>) -> Refusal {
        Refusal::Fatal { why: why.into(), cause: Cause::Other }
    }

    /// The same with a cause.
    pub fn of(self, of: Cause) -> Refusal {
        match self {
            Refusal::Again { why, after, overloaded, .. } => Refusal::Again { why, cause: of, after, overloaded },
            Refusal::Fatal { why, .. } => Refusal::Fatal { why, cause: of },
        }
    }

    /// What went wrong.
    pub fn cause(&self) -> Cause {
        match self {
            Refusal::Again { cause, .. } | Refusal::Fatal { cause, .. } => *cause,
        }
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Refusal {
        Refusal::fatal(fault.0)
    }
}

/// Whether or not it might have gone better another time.
impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Fault {
        match refusal {
            Refusal::Again { why, .. } | Refusal::Fatal { why, .. } => Fault(why),
        }
    }
}

/// What answers one request at a time for each thread that asks. The same request may be put again.
pub trait Backend: Send + Sync {
    /// Answers a request, or says why it did not. The thread waits until then.
    fn ask(&self, request: &Request<'_>) -> Result<Given, Refusal>;

    /// Whether it gives the log-probabilities of a text that it is given; if not, why not.
    fn scores(&self) -> Result<(), String> {
        Err("it answers, and says nothing of a text that it is given".into())
    }

    /// How many requests it can take at once, where that is known.
    fn in_flight(&self) -> Option<u32> {
        None
    }
}
