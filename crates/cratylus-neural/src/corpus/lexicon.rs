//! The surface form of generated games, and its words: a beginning, a marker of the genre, the options, a separator, and then
//! for each round the own choice, the partner's and a sign. No name means anything unless an ingredient says so.

use serde::{Deserialize, Serialize};

/// What begins every row.
pub const BEGIN: &str = "<bos>";
/// What stands between what is told first and what follows.
pub const THEN: &str = "<sep>";
/// What stands for words that are not in the vocabulary.
pub const UNKNOWN: &str = "<unk>";
/// Genres: games stand under the first, anything under all.
pub const MARKERS: [&str; 3] = ["game", "list", "tape"];
/// Words in which a rule is described.
pub const RULE: [&str; 5] = ["if", "same", "stay", "different", "copy"];

/// Names that games and everything else use alike.
pub const EXPOSED: [&str; 24] = [
    "ba", "da", "fa", "ga", "ka", "la", "ma", "na", "pa", "ra", "sa", "ta", "bo", "do", "fo", "go", "ko", "lo", "mo", "no", "po",
    "ro", "so", "to",
];
/// Names that no game uses.
pub const GENERIC: [&str; 8] = ["bu", "du", "fu", "gu", "ku", "lu", "mu", "nu"];
/// Names of the game under other labels.
pub const OTHER: [&str; 16] = ["be", "de", "fe", "ge", "ke", "le", "me", "ne", "bi", "di", "fi", "gi", "ki", "li", "mi", "ni"];

/// Which names a game uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pool {
    /// Those that everything uses: [`EXPOSED`].
    #[default]
    Exposed,
    /// Those that no other ingredient uses: [`OTHER`].
    Other,
}

impl Pool {
    /// Its names.
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Pool::Exposed => &EXPOSED,
            Pool::Other => &OTHER,
        }
    }
}

/// What says that a round paid, and that it did not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signs {
    /// `+` and `-`.
    #[default]
    Standard,
    /// `*` and `%`.
    Other,
    /// `-` where it paid, and `+` where it did not.
    Swapped,
}

impl Signs {
    /// Where it did not pay, and where it did.
    pub fn words(self) -> [&'static str; 2] {
        match self {
            Signs::Standard => ["-", "+"],
            Signs::Other => ["%", "*"],
            Signs::Swapped => ["+", "-"],
        }
    }
}

/// All words of generated games.
pub fn words() -> Vec<&'static str> {
    let signs = [Signs::Standard, Signs::Other].into_iter().flat_map(Signs::words);
    let names = EXPOSED.iter().chain(&GENERIC).chain(&OTHER).copied();
    [UNKNOWN, BEGIN, THEN].into_iter().chain(MARKERS).chain(signs).chain(RULE).chain(names).collect()
}

/// How many rounds fit into a row of at most `most` words, with so many options.
pub fn rounds(most: usize, options: usize) -> usize {
    most.saturating_sub(3 + options) / 3
}

/// What a row begins with.
pub fn opening<'w>(marker: &'w str, options: &[&'w str]) -> Vec<&'w str> {
    [BEGIN, marker].into_iter().chain(options.iter().copied()).chain([THEN]).collect()
}
