//! A game is the rule of one interaction, of any number of seats and turns: a pure state machine. It says what is seen and
//! what it wants to know, takes answers, and says what came of them. It never calls an agent, so it is never async and does
//! not know that language models exist.

use crate::event::{ALL_SEATS, Event, Fate, Move, Said, Sight};
use crate::seed::Stream;
use crate::{AgentId, Name};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::any::Any;

/// What may be answered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Options {
    /// A name of the pool; in a game without a pool, any name, an invented one too.
    Names,
    /// Yes or no.
    YesNo,
    /// One of so many acts.
    Acts(u32),
    /// One of the things that are seen, or none.
    Pointing,
    /// A number from one to another, both included.
    Number(f64, f64),
    /// A sequence of at most so many symbols, of so many different ones.
    Symbols {
        /// The longest message.
        most: u32,
        /// How many different symbols there are.
        of: u32,
    },
    /// Text of at most so many characters.
    Text(u32),
}

impl Options {
    /// Whether an answer is one that may be given. Nobody has to give one that can be used.
    #[inline]
    pub fn allow(self, said: Said) -> bool {
        match (self, said) {
            (_, Said::Unusable)
            | (Options::Names, Said::Name(_))
            | (Options::YesNo, Said::Yes(_))
            | (Options::Pointing, Said::Pointing(_) | Said::Nothing)
            | (Options::Text(_), Said::Text(_) | Said::Nothing) => true,
            (Options::Acts(n), Said::Option(act)) => act < n,
            (Options::Number(least, most), Said::Number(number)) => (least..=most).contains(&number),
            (Options::Symbols { most, .. }, Said::Symbols(span)) => span.len <= most,
            _ => false,
        }
    }
}

/// What the game wants to know, and from which seat.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Question {
    /// Who is asked, from 0.
    pub seat: u16,
    /// The turn, from 0: what was said in turns before it is heard, and nothing of its own.
    pub turn: u16,
    /// Who hears the answer: a seat, or [`ALL_SEATS`].
    pub to: u16,
    /// What it may answer.
    pub options: Options,
}

/// Where an interaction of many moves stands: all that follows from the deal and the moves so far, kept so that nobody works
/// it out twice.
pub trait Position: Any + Send + Sync {
    /// The same once more.
    fn copy(&self) -> Box<dyn Position>;
}

/// A position that may not have been worked out yet.
#[derive(Default)]
pub struct Standing(pub Option<Box<dyn Position>>);

impl Clone for Standing {
    fn clone(&self) -> Standing {
        Standing(self.0.as_ref().map(|position| position.copy()))
    }
}

impl std::fmt::Debug for Standing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Standing" } else { "NotFollowed" })
    }
}

/// One interaction as it stands: an event that is not over.
#[derive(Clone, Debug)]
pub struct Hand {
    /// The number of the interaction in its run, from 0.
    pub t: u64,
    /// Who sits where, numbered in the whole population.
    pub seats: SmallVec<[AgentId; 2]>,
    /// Whether they met as a group.
    pub group: bool,
    /// What was shown to whom so far.
    pub saw: Vec<Sight>,
    /// What was said so far, by turn, and within a turn by seat, in whatever order it came.
    pub moves: SmallVec<[Move; 2]>,
    /// What each seat is paid, where seats are paid unlike.
    pub pay: Vec<f64>,
    /// What came of it, once it is settled.
    pub fate: Fate,
    /// What spans of moves are of.
    pub symbols: Vec<u16>,
    /// As `symbols`.
    pub text: String,
    /// What the game [`follow`](Game::follow)s of it.
    pub position: Standing,
}

impl Question {
    /// A question whose answer all hear.
    pub fn to_all(seat: u16, turn: u16, options: Options) -> Question {
        Question { seat, turn, to: ALL_SEATS, options }
    }
}

impl Hand {
    /// An interaction that begins: nobody has said anything.
    pub fn new(t: u64, seats: &[AgentId]) -> Hand {
        Hand {
            t,
            seats: SmallVec::from_slice(seats),
            group: false,
            saw: Vec::new(),
            moves: SmallVec::new(),
            pay: Vec::new(),
            fate: Fate::Open,
            symbols: Vec::new(),
            text: String::new(),
            position: Standing::default(),
        }
    }

    /// One that is over, as an event has it.
    pub fn of(event: &Event<'_>) -> Hand {
        Hand {
            group: event.group,
            saw: event.saw.to_vec(),
            moves: SmallVec::from_slice(event.moves),
            pay: event.pay.to_vec(),
            fate: event.fate,
            symbols: event.symbols.to_vec(),
            text: event.text.to_string(),
            ..Hand::new(event.t, event.seats)
        }
    }

    /// The same in the place of another that is over.
    #[inline]
    pub fn begin(&mut self, t: u64, seats: &[AgentId], group: bool) {
        (self.t, self.group, self.fate) = (t, group, Fate::Open);
        self.seats.clear();
        self.seats.extend_from_slice(seats);
        self.saw.clear();
        self.moves.clear();
        self.pay.clear();
        self.symbols.clear();
        self.text.clear();
        self.position.0 = None;
    }

    /// It as readers see it.
    #[inline]
    pub fn event(&self) -> Event<'_> {
        let Hand { t, ref seats, group, ref saw, ref moves, ref pay, fate, ref symbols, ref text, .. } = *self;
        Event { t, seats, group, saw, moves, pay, fate, symbols, text }
    }

    /// What a seat said last. None where it has said nothing yet.
    #[inline]
    pub fn said(&self, seat: u16) -> Option<Said> {
        self.moves.iter().rev().find(|one| one.seat == seat).map(|one| one.said)
    }

    /// How often a seat has said something.
    #[inline]
    pub fn asked(&self, seat: u16) -> u16 {
        self.moves.iter().filter(|one| one.seat == seat).count() as u16
    }

    /// Whether an answer was unusable.
    #[inline]
    pub fn spoilt(&self) -> bool {
        self.moves.iter().any(|one| one.said == Said::Unusable)
    }

    /// Takes an answer.
    #[inline]
    pub fn take(&mut self, question: &Question, said: Said, tries: u8) {
        let Question { seat, turn, to, .. } = *question;
        let at = self.moves.iter().rposition(|one| (one.turn, one.seat) < (turn, seat)).map_or(0, |before| before + 1);
        self.moves.insert(at, Move { seat, turn, to, said, tries, legal: true });
    }

    /// Shows a seat something.
    #[inline]
    pub fn show(&mut self, seat: u16, what: Said) {
        self.saw.push(Sight { seat, what });
    }
}

/// Who sits at a game.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seats {
    /// One agent alone.
    One,
    /// One agent, that sees how many of its neighbours said which name last.
    Around,
    /// Two.
    Two,
    /// A group, of which groups of the population say who is in it.
    Group,
    /// Two, or a group where groups meet.
    TwoOrGroup,
    /// So many, any of the population each time.
    Table(u32),
}

/// The rule of an interaction. It must depend on the hand alone: the same hand always gives the same questions and the same
/// outcome, in whatever order its seats answered.
pub trait Game: Send + Sync {
    /// Who sits at it.
    fn seats(&self) -> Seats {
        Seats::Two
    }

    /// Whether interactions must be played one after the other, as what agents say in one depends on all before it. Else
    /// those without a common agent commute.
    fn in_turn(&self) -> bool {
        false
    }

    /// Whether more is shown and done in it than that two seats say names, so that `acts.parquet` is kept.
    fn acts(&self) -> bool {
        false
    }

    /// Shows what is to be seen before anyone is asked. The draws are this interaction's own.
    fn deal(&self, _draws: &mut Stream, _hand: &mut Hand) {}

    /// Takes the moves so far into the hand's position, in games that keep one.
    fn follow(&self, _hand: &mut Hand) {}

    /// Appends every question that can be asked now and was not answered yet. None means that the interaction is over. Not
    /// called once an answer was unusable, unless the game [`goes_on`](Game::goes_on).
    fn next(&self, hand: &Hand, ask: &mut Vec<Question>);

    /// Whether it goes on after an unusable answer. Else that makes the interaction void.
    fn goes_on(&self) -> bool {
        false
    }

    /// Says what came of an interaction that is over, and what each seat is paid. Not called where it is void.
    fn settle(&self, hand: &mut Hand);
}

impl dyn Game {
    /// The questions that are open now.
    #[inline]
    pub fn open(&self, hand: &mut Hand, ask: &mut Vec<Question>) {
        ask.clear();
        self.follow(hand);
        if self.goes_on() || !hand.spoilt() {
            self.next(hand, ask);
        }
    }

    /// Whether those who took part learn of an interaction that ended: not where it was void, and nobody who is asked alone.
    #[inline]
    pub fn teaches(&self, hand: &Hand) -> bool {
        hand.fate != Fate::Void && self.seats() != Seats::One
    }

    /// Ends an interaction of which nothing more is asked.
    #[inline]
    pub fn end(&self, hand: &mut Hand) {
        match hand.spoilt() && !self.goes_on() {
            true => hand.fate = Fate::Void,
            false => self.settle(hand),
        }
    }
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

/// Asks the first seats for a name, all at once: none knows of the others' choices.
#[inline]
pub(crate) fn ask_names(seats: u16, hand: &Hand, ask: &mut Vec<Question>) {
    let waiting = (0..seats).filter(|&seat| hand.said(seat).is_none());
    ask.extend(waiting.map(|seat| Question::to_all(seat, 0, Options::Names)));
}

/// The names that two seats chose.
pub(crate) fn two_names(hand: &Hand) -> Option<[Name; 2]> {
    Some([hand.said(0)?.name()?, hand.said(1)?.name()?])
}
