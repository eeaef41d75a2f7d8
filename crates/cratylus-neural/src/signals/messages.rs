//! Messages as they are sent and heard, by one rule for all estimators (EGG 54eb11c, but that nothing is kept after a stop).
//! Who says them and what they mean is not known here.

use super::setup::Channel;

/// Messages side by side. A message that ends with a stop has the symbol 0 at its end, and its length counts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Messages {
    width: usize,
    stops: bool,
    /// `messages x width`, 0 after the end.
    symbols: Vec<u32>,
    lengths: Vec<u32>,
}

impl Messages {
    /// None yet.
    pub fn new(channel: &Channel) -> Messages {
        Messages { width: channel.width(), stops: channel.stops(), symbols: Vec::new(), lengths: Vec::new() }
    }

    /// Adds one of its symbols: where messages have a stop, it ends before the first 0, and a stop is appended. What goes
    /// beyond the greatest length is cut. A message without any symbol is the symbol 0.
    pub fn push(&mut self, symbols: impl IntoIterator<Item = u32>) {
        let from = self.symbols.len();
        let most = self.width - usize::from(self.stops);
        self.symbols.extend(symbols.into_iter().take(most).take_while(|&symbol| !self.stops || symbol != 0));
        let said = self.symbols.len() - from;
        self.symbols.resize(from + self.width, 0);
        self.lengths.push((said + usize::from(self.stops)).max(1) as u32);
    }

    /// Adds others of the same channel.
    pub fn extend(&mut self, others: &Messages) {
        self.symbols.extend_from_slice(&others.symbols);
        self.lengths.extend_from_slice(&others.lengths);
    }

    /// Some of them, in their order.
    pub fn some(&self, which: std::ops::Range<usize>) -> Messages {
        let symbols = self.symbols[which.start * self.width..which.end * self.width].to_vec();
        Messages { symbols, lengths: self.lengths[which].to_vec(), ..*self }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.lengths.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    /// How many symbols a receiver hears of one: the stop is one of them.
    pub fn length(&self, i: usize) -> usize {
        self.lengths[i] as usize
    }

    /// What a receiver hears of one, the stop included.
    pub fn heard(&self, i: usize) -> &[u32] {
        &self.symbols[i * self.width..][..self.length(i)]
    }

    /// What one says, without the stop.
    pub fn said(&self, i: usize) -> &[u32] {
        let heard = self.heard(i);
        &heard[..heard.len() - usize::from(self.stops)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signals::setup::Control;

    #[test]
    fn a_message_ends_before_its_first_stop_and_its_length_counts_it() {
        let mut channel = Channel { vocabulary: 4, length: 3, stop: true, control: Control::None };
        let mut messages = Messages::new(&channel);
        for symbols in [[2, 3, 1], [2, 0, 3], [0, 1, 1]] {
            messages.push(symbols);
        }
        assert_eq!([0, 1, 2].map(|i| messages.length(i)), [4, 2, 1]);
        assert_eq!([0, 1, 2].map(|i| messages.heard(i)), [&[2, 3, 1, 0][..], &[2, 0], &[0]]);
        assert_eq!(messages.said(2), &[] as &[u32]);
        // One symbol has no stop, and neither have messages of a fixed length.
        channel.length = 1;
        let mut messages = Messages::new(&channel);
        messages.push([0]);
        assert_eq!((messages.said(0), messages.length(0)), (&[0][..], 1));
    }
}
