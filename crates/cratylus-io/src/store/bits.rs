//! Truth values side by side, 64 in a word.

use serde::{Deserialize, Serialize};
use std::ops::Range;

/// A list of truth values.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Bits {
    /// The first value is the lowest bit of the first word; bits beyond the end are 0.
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    pub fn len(&self) -> usize {
        self.len
    }

    /// Its values, 64 in a word; what lies beyond the last is 0.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    pub fn get(&self, i: usize) -> bool {
        self.words[i / 64] >> (i % 64) & 1 == 1
    }

    pub fn all(&self) -> bool {
        let (whole, over) = (self.len / 64, self.len % 64);
        self.words[..whole].iter().all(|&word| word == u64::MAX) && (over == 0 || self.words[whole] == (1 << over) - 1)
    }

    pub fn push(&mut self, value: bool) {
        self.extend(u64::from(value), 1);
    }

    /// Appends the lowest `n` bits of a word, at most 64.
    #[inline(always)]
    pub fn extend(&mut self, word: u64, n: usize) {
        let word = if n < 64 { word & ((1 << n) - 1) } else { word };
        let (over, room) = (self.len % 64, 64 - self.len % 64);
        match self.words.last_mut() {
            Some(last) if over > 0 => {
                *last |= word << over;
                if n > room {
                    self.words.push(word >> room);
                }
            }
            _ if n > 0 => self.words.push(word),
            _ => (),
        }
        self.len += n;
    }

    /// Takes over all values of another list.
    pub fn append(&mut self, other: &mut Bits) {
        for (i, &word) in other.words.iter().enumerate() {
            self.extend(word, (other.len - i * 64).min(64));
        }
        *other = Bits::default();
    }

    /// Some of the values.
    pub fn slice(&self, range: Range<usize>) -> Bits {
        let mut out = Bits { words: Vec::with_capacity(range.len() / 64 + 1), len: range.len() };
        let (first, shift) = (range.start / 64, range.start % 64);
        for i in 0..range.len().div_ceil(64) {
            let word = self.words[first + i] >> shift;
            let next = self.words.get(first + i + 1).copied().unwrap_or(0);
            out.words.push(if shift > 0 { word | next << (64 - shift) } else { word });
        }
        let over = range.len() % 64;
        if let (1.., Some(last)) = (over, out.words.last_mut()) {
            *last &= (1 << over) - 1;
        }
        out
    }

    /// Drops the first `n` values, and keeps the room that they took.
    pub fn forget(&mut self, n: usize) {
        let rest = self.slice(n..self.len);
        self.words.clear();
        self.words.extend_from_slice(&rest.words);
        self.len = rest.len;
    }

    /// The values at which `marks` is true.
    pub fn at(&self, marks: &Bits) -> Bits {
        marks.ones().map(|i| self.get(i)).collect()
    }

    /// Where it is true.
    pub fn ones(&self) -> impl Iterator<Item = usize> {
        let of_word = |(i, &word): (usize, &u64)| {
            let mut left = word;
            std::iter::from_fn(move || {
                let lowest = (left != 0).then(|| i * 64 + left.trailing_zeros() as usize);
                left &= left.wrapping_sub(1);
                lowest
            })
        };
        self.words.iter().enumerate().flat_map(of_word)
    }
}

impl FromIterator<bool> for Bits {
    fn from_iter<I: IntoIterator<Item = bool>>(values: I) -> Bits {
        let mut bits = Bits::default();
        values.into_iter().for_each(|value| bits.push(value));
        bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_list_is_what_was_put_in(parts in proptest::collection::vec((any::<u64>(), 0usize..=64), 0..20), cut in any::<[u16; 2]>()) {
            let (mut bits, mut plain) = (Bits::default(), Vec::new());
            for &(word, n) in &parts {
                bits.extend(word, n);
                plain.extend((0..n).map(|i| word >> i & 1 == 1));
            }
            prop_assert_eq!(bits.len(), plain.len());
            prop_assert_eq!(&bits, &plain.iter().copied().collect::<Bits>());
            prop_assert_eq!(bits.all(), plain.iter().all(|&value| value));
            let mut cut = cut.map(|at| usize::from(at) % (plain.len() + 1));
            cut.sort();
            let part = bits.slice(cut[0]..cut[1]);
            prop_assert_eq!(&part, &plain[cut[0]..cut[1]].iter().copied().collect::<Bits>());
            let mut rest = bits.clone();
            rest.forget(cut[0]);
            prop_assert_eq!(rest, plain[cut[0]..].iter().copied().collect::<Bits>());
            prop_assert_eq!(bits.at(&bits).len(), plain.iter().filter(|&&value| value).count());
            let mut both = part.clone();
            both.append(&mut bits.clone());
            prop_assert_eq!(both, plain[cut[0]..cut[1]].iter().chain(&plain).copied().collect::<Bits>());
        }
    }
}
