//! What a corpus is made of: an ingredient writes rows, and says what a model that reads them could know.

use cratylus_core::seed::Stream;
use cratylus_core::spec::Inputs;
use cratylus_core::spec::places::{FileTable, Mistake, Spans, deserialize};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

/// A row as it is written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Written<'i> {
    /// Its words, the first of them what begins every row.
    pub words: Vec<&'i str>,
    /// What audits never see: the class of the row, its options, and what the rule behind it would have done at each decision.
    pub key: Value,
}

/// A row as a model reads it that has a vocabulary of its own.
#[derive(Clone, Debug, PartialEq)]
pub enum RowText {
    /// A text.
    Plain(String),
    /// What was said to a model, by role, and what it answered.
    Conversation {
        /// Roles, with what each says.
        messages: Vec<(String, String)>,
        /// The answer.
        answer: String,
    },
}

impl RowText {
    /// All that stands in it, without who says it.
    pub fn whole(&self) -> String {
        match self {
            RowText::Plain(text) => text.clone(),
            RowText::Conversation { messages, answer } => {
                messages.iter().map(|(_, text)| text.as_str()).chain([answer.as_str()]).collect::<Vec<_>>().join("\n\n")
            }
        }
    }
}

/// What can be asked, and how whoever is always right answers it.
#[derive(Clone, Debug, PartialEq)]
pub struct Item<'i> {
    /// The question, up to where its answer begins.
    pub asked: Vec<&'i str>,
    /// The answer, with all steps to it.
    pub worked: Vec<&'i str>,
}

/// What the tokens of a corpus are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokensAre {
    /// The words of its ingredients.
    #[default]
    Words,
    /// Bytes, whatever stands there.
    Bytes,
}

/// What writes rows.
pub trait Ingredient: fmt::Debug + Send + Sync {
    /// Every word that it may write.
    fn words(&self) -> Vec<String>;

    /// A row of at most `most` words. Rows of the same draws are the same.
    fn row(&self, draws: &mut Stream, most: usize) -> Written<'_>;

    /// A row that stands in no corpus; where something is held out, one of that.
    fn fresh(&self, draws: &mut Stream, most: usize) -> Written<'_> {
        self.row(draws, most)
    }

    /// What is wrong with it where tokens are these: which key, and why.
    fn check(&self, tokens: TokensAre) -> Result<(), (&'static str, String)> {
        match tokens {
            TokensAre::Words => Ok(()),
            TokensAre::Bytes => {
                let why = "its rows are words; what is read byte by byte is a text (`file`, `messages`)";
                Err(("kind", why.into()))
            }
        }
    }

    /// A row of at most `most` tokens that are bytes, what begins every row among them; one that stands in no corpus where it is
    /// to be fresh.
    fn row_of_bytes(&self, draws: &mut Stream, most: usize, fresh: bool) -> Written<'_> {
        if fresh { self.fresh(draws, most) } else { self.row(draws, most) }
    }

    /// How many words its rows have at least, where less would not be what they are.
    fn needs(&self) -> usize {
        0
    }

    /// The row of these draws as a conversation, where it is one.
    fn said(&self, _: &mut Stream) -> Option<RowText> {
        None
    }

    /// Something to be asked, where it has such: of what rows may hold, or of what is held out. The same for the same draws.
    fn item(&self, _: &mut Stream, _held_out: bool) -> Option<Item<'_>> {
        None
    }

    /// What a model could know of a game that read its rows.
    fn truth(&self) -> Truth {
        Truth::default()
    }

    /// Of a text that somebody else wrote: where it is from, under which licence, and its SHA-256.
    fn source(&self) -> Option<TextSource> {
        None
    }

    /// How often each of its rows is to stand in a corpus, where that is not as often as chance has it.
    fn copies(&self) -> Option<Vec<u64>> {
        None
    }
}

/// What a model could know of a game that read certain rows: what audits are scored against.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Truth {
    /// The rule that players in records of the game follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The rule that was described in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub described: Option<String>,
    /// The name that always wins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Whether the same records stand in it again and again.
    #[serde(default)]
    pub text: bool,
    /// Whether it holds the names of the game, in any games.
    #[serde(default)]
    pub names: bool,
    /// Whether it holds the signs of the game with their meaning.
    #[serde(default)]
    pub signs: bool,
}

impl Truth {
    /// What a model could know that read the rows of both.
    pub fn with(self, other: Truth) -> Truth {
        Truth {
            rule: match (self.rule, other.rule) {
                (Some(one), Some(two)) if one != two => Some(format!("{one}, {two}")),
                (one, two) => one.or(two),
            },
            described: self.described.or(other.described),
            outcome: self.outcome.or(other.outcome),
            text: self.text || other.text,
            names: self.names || other.names,
            signs: self.signs || other.signs,
        }
    }
}

/// Where a text is from.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct TextSource {
    /// The file, as the corpus file names it.
    pub file: String,
    /// As the corpus file gives it.
    pub licence: String,
    /// Of the text, in hex.
    pub sha256: String,
}

/// The parameters of an ingredient, as the corpus file has them.
pub trait IngredientSpec: fmt::Debug + Send + Sync {
    /// Makes the ingredient, with the files that it names. An error names the key that it is about.
    fn open(&self, inputs: &dyn Inputs) -> Result<Arc<dyn Ingredient>, (&'static str, String)>;
}

/// Parameters that were read, and the same with nothing left to default.
type Params = (Arc<dyn IngredientSpec>, toml::Table);

/// A line of the list of kinds of ingredients.
#[derive(Clone, Copy)]
pub struct IngredientEntry {
    /// What corpus files call it.
    pub name: &'static str,
    /// What it writes, in a line.
    pub words: &'static str,
    pub(super) read: fn(FileTable<'_>, &Spans<'_, '_>) -> Result<Params, Mistake>,
}

impl IngredientEntry {
    /// A kind whose parameters, as the file has them, are a `P`.
    pub const fn new<P: IngredientSpec + serde::de::DeserializeOwned + Serialize + 'static>(
        name: &'static str,
        words: &'static str,
    ) -> IngredientEntry {
        IngredientEntry {
            name,
            words,
            read: |table, spans| {
                let params: P = deserialize(table, spans)?;
                let plan = toml::Table::try_from(&params).expect("parameters are a table of plain values");
                Ok((Arc::new(params), plan))
            },
        }
    }
}
