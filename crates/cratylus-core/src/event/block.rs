//! Sixty-four interactions side by side: what events are, packed so that a fold over them counts bits.

use crate::event::pair::PairEvent;
use crate::{AgentId, Name};
use serde::{Deserialize, Serialize};

/// Interactions of a block.
pub const BLOCK: usize = 64;

/// What a seat said in each interaction of a block.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub enum Names {
    /// Which of two names.
    Bits(u64),
    /// Any names, one for each interaction.
    Words(#[serde(with = "crate::kept::array")] Box<[Name; BLOCK]>),
}

impl Names {
    /// The name at a place from 0 to 63. It means something only where the seat said something.
    #[inline]
    pub fn get(&self, i: usize) -> Name {
        match self {
            Names::Bits(bits) => (bits >> i & 1) as Name,
            Names::Words(words) => words[i],
        }
    }
}

/// Interactions `start + first .. start + n` of a run, each a bit or a place. `start` is a multiple of 64, so the same
/// interactions make the same blocks whoever plays them.
#[derive(Clone, Debug)]
pub struct Block {
    /// The number of the block's first interaction in its run.
    pub start: u64,
    /// The first interaction of the block that was played, counted from `start`.
    pub first: usize,
    /// The end of those that were.
    pub n: usize,
    /// Who took part in each interaction, by seat.
    pub pairs: [[AgentId; 2]; BLOCK],
    /// What was said in each, by seat.
    pub names: [Names; 2],
    /// Where each seat said something.
    pub said: [u64; 2],
    /// Where each seat's agent is committed to a name.
    pub committed: [u64; 2],
    /// Where something was at stake and settled, and where that succeeded.
    pub settled: u64,
    /// A bit for each interaction; 0 where nothing was settled.
    pub success: u64,
    /// How many words all agents hold together after each interaction, where that is kept.
    pub words: Option<Box<[u64; BLOCK]>>,
    /// How many of them are different, where that is kept.
    pub different: Option<Box<[u64; BLOCK]>>,
    /// The interaction of this block after which all agents hold one word and the same, and which.
    pub agreed: Option<(usize, Name)>,
}

impl Default for Block {
    fn default() -> Block {
        Block {
            start: 0,
            first: 0,
            n: 0,
            pairs: [[0; 2]; BLOCK],
            names: [Names::Bits(0), Names::Bits(0)],
            said: [u64::MAX, 0],
            committed: [0; 2],
            settled: u64::MAX,
            success: 0,
            words: None,
            different: None,
            agreed: None,
        }
    }
}

/// Ones at the places `from..to`.
#[inline]
pub fn ones(from: usize, to: usize) -> u64 {
    let below = |n: usize| if n >= 64 { u64::MAX } else { (1 << n) - 1 };
    below(to) & !below(from)
}

impl Block {
    /// Where interactions were played.
    #[inline]
    pub fn played(&self) -> u64 {
        ones(self.first, self.n)
    }

    /// Where a seat said a name.
    #[inline]
    pub fn saying(&self, seat: usize, name: Name) -> u64 {
        let bits = match &self.names[seat] {
            Names::Bits(bits) if name == 1 => *bits,
            Names::Bits(bits) if name == 0 => !bits,
            Names::Bits(_) => 0,
            Names::Words(words) => {
                let mut bits = 0;
                for (i, &word) in words.iter().enumerate() {
                    bits |= u64::from(word == name) << i;
                }
                bits
            }
        };
        bits & self.said[seat]
    }

    /// One of its interactions as an event.
    #[inline]
    pub fn event(&self, i: usize) -> PairEvent {
        let name = |seat: usize| (self.said[seat] >> i & 1 == 1).then(|| self.names[seat].get(i));
        PairEvent {
            t: self.start + i as u64,
            agents: self.pairs[i],
            names: [name(0), name(1)],
            success: (self.settled >> i & 1 == 1).then(|| self.success >> i & 1 == 1),
            invalid: [0; 2],
        }
    }

    /// Those that were played, in their order.
    pub fn events(&self) -> impl Iterator<Item = PairEvent> + '_ {
        (self.first..self.n).map(|i| self.event(i))
    }
}
