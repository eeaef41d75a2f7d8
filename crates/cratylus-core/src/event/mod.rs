//! What happened: one event for each interaction, in their order. Events are the only interface
//! between what happens and who watches: no reader of them ever sees an agent or a game, or needs the seed.

pub mod batch;
pub mod pair;

pub mod block;
pub mod digest;
pub mod sink;
pub mod tally;

/// An agent's number in its population, from 0. (Files number agents from 1.)
pub type AgentId = u32;

/// A name, as its place in the game's pool; in a game without a pool, as the number of the interaction that invented it.
pub type Name = u32;

/// The empty second seat of an interaction in which one agent is asked alone, or speaks to a group.
pub const NOBODY: AgentId = AgentId::MAX;

/// Everyone at the table, where something is seen by all.
pub const ALL_SEATS: u16 = u16::MAX;

/// Nobody at the table: a message that was not delivered.
pub const NO_SEAT: u16 = u16::MAX - 1;

/// A part of the symbols or of the text that an event holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Where it begins: the number of the symbol, or of the byte.
    pub start: u32,
    /// How long it is.
    pub len: u32,
}

impl Span {
    /// As a range of places.
    #[inline]
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..(self.start + self.len) as usize
    }
}

/// What was said, done or seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Said {
    /// Nothing, by choice: a pass, or silence.
    Nothing,
    /// A name.
    Name(Name),
    /// Yes or no.
    Yes(bool),
    /// A sequence of symbols: [`Event::symbols_of`].
    Symbols(Span),
    /// A number.
    Number(f64),
    /// One of several acts, by its place in their list.
    Option(u32),
    /// One of the things that are seen, by its place among them.
    Pointing(u32),
    /// Text: [`Event::text_of`].
    Text(Span),
    /// No usable answer, however often it was asked.
    Unusable,
}

impl Said {
    /// The name, where it is one.
    #[inline]
    pub fn name(self) -> Option<Name> {
        match self {
            Said::Name(name) => Some(name),
            _ => None,
        }
    }

    /// The number, where it is one.
    pub fn number(self) -> Option<f64> {
        match self {
            Said::Number(number) => Some(number),
            _ => None,
        }
    }
}

/// What one seat said at one turn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Move {
    /// The seat, from 0.
    pub seat: u16,
    /// The turn, from 0. Seats that move at once share one, and hear nothing of it; later turns hear it.
    pub turn: u16,
    /// Who heard it: a seat, [`ALL_SEATS`] or [`NO_SEAT`].
    pub to: u16,
    /// What it said.
    pub said: Said,
    /// How many unusable answers it gave. Only agents that answer in words ever do.
    pub tries: u8,
    /// Whether it was among what the seat may do; where it was not, the game made something of it all the same.
    pub legal: bool,
}

/// What the game showed a seat, beside what others said: an object, a state, how many neighbours hold an opinion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sight {
    /// Who saw it: a seat, or [`ALL_SEATS`].
    pub seat: u16,
    /// What.
    pub what: Said,
}

/// What came of an interaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    /// It succeeded.
    Success,
    /// It did not.
    Failure,
    /// Nothing was at stake, or nothing that is success or failure.
    #[default]
    Open,
    /// It came to nothing, as an answer was unusable: nobody learned.
    Void,
}

impl Fate {
    /// Whether it succeeded; None where that was not settled.
    #[inline]
    pub fn success(self) -> Option<bool> {
        match self {
            Fate::Success => Some(true),
            Fate::Failure => Some(false),
            Fate::Open | Fate::Void => None,
        }
    }

    /// Success or failure.
    #[inline]
    pub fn of(success: bool) -> Fate {
        if success { Fate::Success } else { Fate::Failure }
    }
}

/// One interaction, as all readers of a run see it: of any number of seats and turns.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// The number of the interaction in its run, from 0.
    pub t: u64,
    /// Who took part, by seat; a speaker is in seat 0.
    pub seats: &'a [AgentId],
    /// Whether they met as a group, which may be one of two.
    pub group: bool,
    /// What the game showed to whom, in the order in which it was shown. What others said stands in `moves` alone.
    pub saw: &'a [Sight],
    /// Every move, by turn, and within a turn by seat.
    pub moves: &'a [Move],
    /// What each seat was paid; empty in games in which that follows from success and failure, the same for all.
    pub pay: &'a [f64],
    /// What came of it.
    pub fate: Fate,
    /// The symbols that spans are of.
    pub symbols: &'a [u16],
    /// The text that spans are of.
    pub text: &'a str,
}

impl<'a> Event<'a> {
    /// Whether it succeeded. None where the interaction was void, or nothing was at stake.
    pub fn success(&self) -> Option<bool> {
        self.fate.success()
    }

    /// Whether it came to nothing because an answer was unusable.
    #[inline]
    pub fn void(&self) -> bool {
        self.fate == Fate::Void
    }

    /// The first name that a seat said; None where it said none, or nothing usable.
    pub fn name(&self, seat: usize) -> Option<Name> {
        self.moves.iter().filter(|one| usize::from(one.seat) == seat).find_map(|one| one.said.name())
    }

    /// The names said: by whom and which, in their order.
    #[inline]
    pub fn choices(&self) -> impl Iterator<Item = (AgentId, Name)> + 'a {
        let seats = self.seats;
        self.moves.iter().filter_map(move |one| Some((seats[usize::from(one.seat)], one.said.name()?)))
    }

    /// How many unusable answers a seat gave.
    #[inline]
    pub fn invalid(&self, seat: usize) -> u8 {
        let of = self.moves.iter().filter(|one| usize::from(one.seat) == seat);
        of.fold(0, |sum, one| sum.saturating_add(one.tries))
    }

    /// What a seat saw, beside what others said.
    #[inline]
    pub fn seen_by(&self, seat: usize) -> impl Iterator<Item = Said> + use<'a> {
        let own = move |sight: &&Sight| sight.seat == ALL_SEATS || usize::from(sight.seat) == seat;
        self.saw.iter().filter(own).map(|sight| sight.what)
    }

    /// The symbols of a message.
    pub fn symbols_of(&self, span: Span) -> &'a [u16] {
        &self.symbols[span.range()]
    }

    /// The words of a message.
    pub fn text_of(&self, span: Span) -> &'a str {
        &self.text[span.range()]
    }

    /// Whether it holds what a [`pair::PairEvent`] does not, and what does not follow from the seed either.
    #[inline]
    pub fn has_acts(&self) -> bool {
        let act = |one: &Move| matches!(one.said, Said::Symbols(_) | Said::Number(_) | Said::Option(_) | Said::Text(_));
        !self.pay.is_empty() || self.moves.iter().any(act)
    }
}
