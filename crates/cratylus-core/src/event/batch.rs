//! Events side by side, as they go from who plays to who watches.

use super::pair::PairEvent;
use super::{AgentId, Event, Fate, Move, Sight};

/// Events in their order, in columns: of one run, or of a part of one.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    heads: Vec<Head>,
    seats: Vec<AgentId>,
    saw: Vec<Sight>,
    moves: Vec<Move>,
    pay: Vec<f64>,
    symbols: Vec<u16>,
    text: String,
}

/// An event, and where what it holds ends in each column; it begins where the one before ends.
#[derive(Clone, Copy, Debug)]
struct Head {
    t: u64,
    group: bool,
    fate: Fate,
    ends: [u32; 6],
}

impl Batch {
    /// Nothing yet.
    pub fn new() -> Batch {
        Batch::default()
    }

    /// How many events there are.
    pub fn len(&self) -> usize {
        self.heads.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// Forgets all, and keeps the room.
    pub fn clear(&mut self) {
        self.heads.clear();
        self.seats.clear();
        self.saw.clear();
        self.moves.clear();
        self.pay.clear();
        self.symbols.clear();
        self.text.clear();
    }

    /// Appends an event.
    #[inline]
    pub fn push(&mut self, event: &Event<'_>) {
        self.seats.extend_from_slice(event.seats);
        self.saw.extend_from_slice(event.saw);
        self.moves.extend_from_slice(event.moves);
        self.pay.extend_from_slice(event.pay);
        self.symbols.extend_from_slice(event.symbols);
        self.text.push_str(event.text);
        let ends = [self.seats.len(), self.saw.len(), self.moves.len(), self.pay.len(), self.symbols.len(), self.text.len()];
        self.heads.push(Head { t: event.t, group: event.group, fate: event.fate, ends: ends.map(|end| end as u32) });
    }

    /// Appends an event of two seats and a name of each.
    pub fn push_pair(&mut self, event: &PairEvent) {
        event.show(|event| self.push(event));
    }

    /// An event by its place.
    #[inline]
    pub fn get(&self, i: usize) -> Event<'_> {
        let begins = if i == 0 { [0; 6] } else { self.heads[i - 1].ends };
        let Head { t, group, fate, ends } = self.heads[i];
        let part = |column: usize| begins[column] as usize..ends[column] as usize;
        Event {
            t,
            group,
            fate,
            seats: &self.seats[part(0)],
            saw: &self.saw[part(1)],
            moves: &self.moves[part(2)],
            pay: &self.pay[part(3)],
            symbols: &self.symbols[part(4)],
            text: &self.text[part(5)],
        }
    }

    /// All of them, in their order.
    #[inline]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Event<'_>> {
        (0..self.len()).map(|i| self.get(i))
    }
}

impl<'b> Extend<&'b PairEvent> for Batch {
    fn extend<I: IntoIterator<Item = &'b PairEvent>>(&mut self, events: I) {
        events.into_iter().for_each(|event| self.push_pair(event));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{ALL_SEATS, Said, Span};

    #[test]
    fn a_batch_gives_back_what_was_put_in() {
        let message =
            |start| Move { seat: 0, turn: 0, to: ALL_SEATS, said: Said::Symbols(Span { start, len: 2 }), tries: 0, legal: true };
        let said = |start| Move { seat: 1, turn: 1, to: 0, said: Said::Text(Span { start, len: 1 }), tries: 2, legal: true };
        let event = |t, moves| Event {
            t,
            seats: &[3, 4, 5],
            group: true,
            saw: &[Sight { seat: 0, what: Said::Number(0.5) }],
            moves,
            pay: &[1.0, 0.0, 0.0],
            fate: Fate::Open,
            symbols: &[7, 8, 9],
            text: "aé",
        };
        let (first, last) = ([message(0), said(0)], [message(1)]);
        let mut batch = Batch::new();
        batch.push(&event(0, &first));
        batch.push_pair(&PairEvent { t: 1, agents: [1, 2], names: [Some(4), None], success: Some(true), invalid: [0; 2] });
        batch.push(&event(2, &last));
        let all: Vec<Event<'_>> = batch.iter().collect();
        let symbols = |event: &Event<'_>| match event.moves[0].said {
            Said::Symbols(span) => event.symbols_of(span).to_vec(),
            _ => Vec::new(),
        };
        assert_eq!((symbols(&all[0]), symbols(&all[2])), (vec![7, 8], vec![8, 9]));
        assert!(matches!(all[0].moves[1].said, Said::Text(span) if all[0].text_of(span) == "a"));
        assert_eq!((all[1].seats, all[1].moves[1].said), (&[1, 2][..], Said::Yes(true)));
        assert_eq!(
            (all[2].pay, all[2].seen_by(0).next(), all[2].seen_by(1).next()),
            (&[1.0, 0.0, 0.0][..], Some(Said::Number(0.5)), None)
        );
    }
}
