//! Rows of `acts.parquet`: everything that was shown and done in games in which that is more than two seats say names.
//! `interactions.parquet` has the same interactions, a row each.

use crate::store::table::{Column, Table, Values};
use cratylus_core::event::{ALL_SEATS, Event, Fate, Move, NO_SEAT, Said, Sight, Span};
use cratylus_core::game::Hand;
use cratylus_core::{Name, PairEvent};
use parquet::data_type::ByteArray;
use serde::{Deserialize, Serialize};

/// One row.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Act {
    run: u64,
    t: u64,
    /// None of what is seen, which is before everything or beside it.
    turn: Option<u16>,
    /// None of what all see.
    seat: Option<u16>,
    agent: Option<u32>,
    kind: Kind,
    value: Option<i64>,
    number: Option<f64>,
    text: Option<String>,
    /// None where all hear it; -1 where nobody does.
    to: Option<i64>,
    tries: u8,
    legal: bool,
    pay: Option<f64>,
}

/// What a row's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
enum Kind {
    Nothing,
    Name,
    Yes,
    Symbols,
    Number,
    Option,
    Pointing,
    Text,
    Unusable,
    /// The seat did nothing; the row is there for what it was paid.
    Idle,
}

const KINDS: [(Kind, &str); 10] = [
    (Kind::Nothing, "nothing"),
    (Kind::Name, "name"),
    (Kind::Yes, "yes"),
    (Kind::Symbols, "symbols"),
    (Kind::Number, "number"),
    (Kind::Option, "option"),
    (Kind::Pointing, "pointing"),
    (Kind::Text, "text"),
    (Kind::Unusable, "unusable"),
    (Kind::Idle, "idle"),
];

impl Kind {
    fn word(self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self).map_or("", |(_, word)| word)
    }
}

/// The rows of an event of a run; `word` says how names are spelled.
pub fn rows(run: u64, event: &Event<'_>, word: impl Fn(Name) -> String, into: &mut Vec<Act>) {
    let blank = Act {
        run,
        t: event.t,
        turn: None,
        seat: None,
        agent: None,
        kind: Kind::Nothing,
        value: None,
        number: None,
        text: None,
        to: None,
        tries: 0,
        legal: true,
        pay: None,
    };
    let what = |said: Said, act: Act| match said {
        Said::Nothing => Act { kind: Kind::Nothing, ..act },
        Said::Name(name) => Act { kind: Kind::Name, value: Some(name.into()), text: Some(word(name)), ..act },
        Said::Yes(yes) => Act { kind: Kind::Yes, value: Some(yes.into()), ..act },
        Said::Symbols(span) => {
            let symbols: Vec<String> = event.symbols_of(span).iter().map(u16::to_string).collect();
            Act { kind: Kind::Symbols, value: Some(span.len.into()), text: Some(symbols.join(" ")), ..act }
        }
        Said::Number(number) => Act { kind: Kind::Number, number: Some(number), ..act },
        Said::Option(option) => Act { kind: Kind::Option, value: Some(option.into()), ..act },
        Said::Pointing(thing) => Act { kind: Kind::Pointing, value: Some(thing.into()), ..act },
        Said::Text(span) => Act { kind: Kind::Text, text: Some(event.text_of(span).into()), ..act },
        Said::Unusable => Act { kind: Kind::Unusable, ..act },
    };
    let agent = |seat: u16| event.seats.get(usize::from(seat)).copied();
    for sight in event.saw {
        let seat = (sight.seat != ALL_SEATS).then_some(sight.seat);
        into.push(what(sight.what, Act { seat, agent: seat.and_then(agent), ..blank.clone() }));
    }
    let first = into.len();
    for one in event.moves {
        let Move { seat, turn, to, tries, legal, said } = *one;
        let to = match to {
            ALL_SEATS => None,
            NO_SEAT => Some(-1),
            seat => Some(seat.into()),
        };
        into.push(what(said, Act { seat: Some(seat), agent: agent(seat), turn: Some(turn), to, tries, legal, ..blank.clone() }));
    }
    // What a seat was paid stands beside the last thing it did.
    for (seat, &pay) in (0u16..).zip(event.pay) {
        match into[first..].iter_mut().rfind(|act| act.seat == Some(seat)) {
            Some(last) => last.pay = Some(pay),
            None => {
                let turn = event.moves.last().map_or(0, |last| last.turn);
                let idle = Act { seat: Some(seat), agent: agent(seat), turn: Some(turn), pay: Some(pay), ..blank.clone() };
                into.push(Act { kind: Kind::Idle, ..idle });
            }
        }
    }
}

/// Rows as a table.
pub fn table(acts: &[Act]) -> Table {
    let ints = |name: &str, of: &dyn Fn(&Act) -> Option<i64>| Column::new(name, Values::Int(acts.iter().map(of).collect()));
    let floats = |name: &str, of: &dyn Fn(&Act) -> Option<f64>| Column::new(name, Values::Float(acts.iter().map(of).collect()));
    let text = |act: &Act| act.text.as_ref().map(|text| ByteArray::from(text.as_str()));
    let columns = vec![
        ints("run", &|act| Some(act.run as i64)),
        ints("t", &|act| Some(act.t as i64)),
        ints("turn", &|act| act.turn.map(i64::from)),
        ints("seat", &|act| act.seat.map(i64::from)),
        ints("agent", &|act| act.agent.map(|agent| i64::from(agent) + 1)),
        Column::texts("kind", acts.iter().map(|act| Some(act.kind.word()))),
        ints("value", &|act| act.value),
        floats("number", &|act| act.number),
        Column::new("text", Values::Text(acts.iter().map(text).collect())),
        ints("to", &|act| act.to),
        ints("tries", &|act| Some(act.tries.into())),
        Column::new("legal", Values::Bool(acts.iter().map(|act| Some(act.legal)).collect())),
        floats("pay", &|act| act.pay),
    ];
    Table { columns }
}

/// Reads rows back, each with its run.
pub fn read(table: &Table) -> Result<Vec<(u64, Act)>, String> {
    let (run, t, turn) = (table.ints("run")?, table.ints("t")?, table.ints("turn")?);
    let (seat, agent, kind) = (table.ints("seat")?, table.ints("agent")?, table.texts("kind")?);
    let (value, number, text) = (table.ints("value")?, table.floats("number")?, table.texts("text")?);
    let (to, tries, legal, pay) = (table.ints("to")?, table.ints("tries")?, table.bools("legal")?, table.floats("pay")?);
    let row = |i: usize| -> Option<(u64, Act)> {
        let small = |of: Option<i64>| of.map(u16::try_from).transpose().ok();
        let run = u64::try_from(run[i]?).ok()?;
        let act = Act {
            run,
            t: u64::try_from(t[i]?).ok()?,
            turn: small(turn[i])?,
            seat: small(seat[i])?,
            agent: agent[i].map(|agent| u32::try_from(agent.saturating_sub(1))).transpose().ok()?,
            kind: KINDS.iter().find(|(_, word)| Some(*word) == kind[i])?.0,
            value: value[i],
            number: number[i],
            text: text[i].map(String::from),
            to: to[i],
            tries: tries[i]?.clamp(0, 255) as u8,
            legal: legal[i]?,
            pay: pay[i],
        };
        Some((run, act))
    };
    (0..table.rows()).map(|i| row(i).ok_or_else(|| format!("row {i} is no act"))).collect()
}

/// The interactions of a run with all that was shown and done in them. Acts are in the order of the interactions.
pub fn whole(events: &[PairEvent], acts: &[Act], group: bool) -> Result<Vec<Hand>, String> {
    let mut acts = acts.iter().peekable();
    let mut hands = Vec::with_capacity(events.len());
    for event in events {
        let mut hand = Hand { group, ..event.show(Hand::of) };
        hand.moves.clear();
        let mut seats: Vec<Option<u32>> =
            event.agents.iter().map(|&agent| (agent != cratylus_core::NOBODY).then_some(agent)).collect();
        let mut pay: Vec<Option<f64>> = Vec::new();
        while let Some(act) = acts.next_if(|act| act.t == event.t) {
            let wrong = || format!("interaction {}: an act `{}` without its value", event.t, act.kind.word());
            if let (Some(seat), Some(agent)) = (act.seat, act.agent) {
                seats.resize(seats.len().max(usize::from(seat) + 1), None);
                seats[usize::from(seat)] = Some(agent);
            }
            let value = || act.value.and_then(|value| u32::try_from(value).ok()).ok_or_else(wrong);
            let said = match act.kind {
                Kind::Nothing | Kind::Idle => Said::Nothing,
                Kind::Name => Said::Name(value()?),
                Kind::Yes => Said::Yes(value()? == 1),
                Kind::Number => Said::Number(act.number.ok_or_else(wrong)?),
                Kind::Option => Said::Option(value()?),
                Kind::Pointing => Said::Pointing(value()?),
                Kind::Unusable => Said::Unusable,
                Kind::Symbols => {
                    let start = hand.symbols.len() as u32;
                    for symbol in act.text.as_deref().unwrap_or("").split_whitespace() {
                        hand.symbols.push(symbol.parse().map_err(|_| wrong())?);
                    }
                    Said::Symbols(Span { start, len: hand.symbols.len() as u32 - start })
                }
                Kind::Text => {
                    let start = hand.text.len() as u32;
                    hand.text.push_str(act.text.as_deref().ok_or_else(wrong)?);
                    Said::Text(Span { start, len: hand.text.len() as u32 - start })
                }
            };
            match (act.turn, act.seat) {
                (None, seat) => hand.saw.push(Sight { seat: seat.unwrap_or(ALL_SEATS), what: said }),
                (Some(turn), Some(seat)) => {
                    if act.kind != Kind::Idle {
                        let to = match act.to {
                            None => ALL_SEATS,
                            Some(seat) => u16::try_from(seat).unwrap_or(NO_SEAT),
                        };
                        hand.moves.push(Move { seat, turn, to, said, tries: act.tries, legal: act.legal });
                    }
                    if let Some(paid) = act.pay {
                        pay.resize(pay.len().max(usize::from(seat) + 1), None);
                        pay[usize::from(seat)] = Some(paid);
                    }
                }
                (Some(_), None) => return Err(wrong()),
            }
        }
        // A seat without an agent would be whoever sits next to it.
        let sat = seats.iter().take_while(|agent| agent.is_some()).count();
        let beyond = hand.moves.iter().any(|one| usize::from(one.seat) >= sat) || pay.len() > sat;
        if beyond || seats[sat..].iter().any(Option::is_some) {
            return Err(format!("interaction {}: an act of a seat in which nobody sits", event.t));
        }
        hand.seats = seats.into_iter().flatten().collect();
        hand.pay = pay.into_iter().flatten().collect();
        if event.success.is_none() {
            hand.fate = if hand.spoilt() { Fate::Void } else { Fate::Open };
        }
        hands.push(hand);
    }
    match acts.next() {
        None => Ok(hands),
        Some(act) => Err(format!("an act of interaction {}, which is not there", act.t)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cratylus_core::DigestSeen;

    #[test]
    fn what_is_written_of_an_interaction_is_read_back() {
        let message = Said::Symbols(Span { start: 1, len: 2 });
        let one = |seat, turn, to, said, tries| Move { seat, turn, to, said, tries, legal: tries == 0 };
        let moves = [
            one(0, 0, ALL_SEATS, message, 0),
            one(2, 0, NO_SEAT, Said::Text(Span { start: 0, len: 3 }), 1),
            one(1, 1, 0, Said::Number(0.25), 0),
            one(2, 1, ALL_SEATS, Said::Option(3), 0),
            one(2, 2, ALL_SEATS, Said::Yes(true), 0),
        ];
        let event = Event {
            t: 7,
            seats: &[4, 0, 9, 2],
            group: true,
            saw: &[Sight { seat: ALL_SEATS, what: Said::Number(1.5) }, Sight { seat: 0, what: Said::Pointing(1) }],
            moves: &moves,
            pay: &[0.5, -1.0, 2.0, 4.0],
            fate: Fate::Open,
            symbols: &[7, 8, 9],
            text: "aé",
        };
        let mut acts = Vec::new();
        rows(3, &event, |name| format!("w{name}"), &mut acts);
        let again: Vec<Act> =
            read(&table(&acts)).unwrap().into_iter().map(|(run, act)| (run == 3).then_some(act).unwrap()).collect();
        assert_eq!(again, acts);
        let [hand] = &whole(&[event.pair()], &again, true).unwrap()[..] else { panic!("one interaction") };
        let back = hand.event();
        assert_eq!((back.seats, back.saw, back.pay, back.fate), (event.seats, event.saw, event.pay, event.fate));
        let digest = |event: &Event<'_>| {
            let mut seen = DigestSeen::default();
            seen.see(event);
            seen.end()
        };
        assert_eq!(digest(&back), digest(&event));
        assert!(whole(&[], &again, true).is_err());
        // Other programs' tables may say what cannot be.
        let empty: Vec<Act> =
            again.iter().cloned().map(|act| if act.seat == Some(2) { Act { agent: None, ..act } } else { act }).collect();
        assert!(whole(&[event.pair()], &empty, true).unwrap_err().contains("nobody sits"));
    }
}
