//! What an agent of the naming game knows, and by which rule it speaks, agrees and learns. Nothing here decides by itself:
//! draws come from whoever plays.

use crate::Name;
use crate::seed::scale32;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Words that fit into the bits of a set; the highest is left free.
pub const WORDS_MAX: u32 = 63;

/// What a speaker that takes a new name does with it. In all else the two are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Keeps {
    /// A speaker stores the name that it takes.
    #[default]
    Textbook,
    /// A speaker stores it only if it succeeds.
    AiNorms,
}

/// How an agent with an inventory plays.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct InventoryRule {
    /// Which names a speaker stores that it did not know before.
    pub keeps: Keeps,
    /// How many names the pool has; None where names are invented.
    pub pool: Option<u32>,
    /// A hearer agrees to a name that it knows, and to one that it does not know, on draws below these.
    pub agrees: [u64; 2],
}

/// Agreement to known names always and to unknown ones never.
const PLAIN: [u64; 2] = [1 << 32, 0];

impl InventoryRule {
    /// The rule as published: stored at once, known names always agreed to.
    pub fn textbook(pool: Option<u32>) -> InventoryRule {
        InventoryRule { keeps: Keeps::Textbook, pool, agrees: PLAIN }
    }

    /// Whether hearers agree to what they know and to nothing else, without a draw.
    pub fn is_plain(&self) -> bool {
        self.agrees == PLAIN
    }

    /// Whether a hearer agrees to a name, by the 32 bits of its decision.
    #[inline]
    pub fn agrees(&self, known: bool, draw: u32) -> bool {
        u64::from(draw) < self.agrees[usize::from(!known)]
    }

    /// Inventories of so small a pool stand in its order, others in the order in which names were learned.
    pub fn sorted(&self) -> bool {
        self.pool.is_some_and(|pool| pool <= WORDS_MAX)
    }
}

/// One agent's inventory. Without a pool, or with a large one, names stand in the order in which they were learned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Inventory(pub Vec<Name>);

impl Inventory {
    /// Whether the name is in it.
    pub fn knows(&self, word: Name) -> bool {
        self.0.contains(&word)
    }

    /// The name that a draw falls on, which an agent that knows none takes from the pool or invents. An invented name is
    /// called after its interaction, in which nobody else invents one.
    pub fn say(&self, rule: &InventoryRule, t: u64, draw: u32) -> Name {
        match &self.0[..] {
            [] => rule.pool.map_or(t as Name, |pool| scale32(draw, pool)),
            known => known[scale32(draw, known.len() as u32) as usize],
        }
    }

    /// What an interaction in which a word was said leaves.
    pub fn learn(&mut self, rule: &InventoryRule, seat: u8, word: Name, success: bool) {
        if success {
            self.0.clear();
            self.0.push(word);
        } else if (seat == 1 || rule.keeps == Keeps::Textbook) && !self.knows(word) {
            match rule.sorted() {
                true => self.0.insert(self.0.partition_point(|&known| known < word), word),
                false => self.0.push(word),
            }
        }
    }
}
