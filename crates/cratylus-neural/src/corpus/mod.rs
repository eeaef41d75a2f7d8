//! Text whose every row is known: made of ingredients in stated doses, addressed so that the rows of one ingredient do not
//! depend on the others, and with a ledger of what it holds. A corpus is never stored to be trained on: any row of it can be
//! made at any time.

mod ingredient;
pub(crate) mod ingredients;
mod ledger;
pub mod lexicon;
mod rows;
mod spec;
mod standing;
mod words;

pub use ingredient::{Ingredient, IngredientEntry, IngredientSpec, Item, RowText, TextSource, TokensAre, Truth, Written};
pub use ingredients::ALL;
pub use ingredients::rounds::PlayerRule;
pub use ledger::{Ledger, LedgerEntry};
pub(crate) use rows::fresh;
pub use rows::{Corpus, CorpusRow};
pub use spec::{CorpusSpec, Portion};
pub use standing::standing;
pub use words::{SIGNS, Words};
