//! What writes rows, one file for each kind.

use super::ingredient::IngredientEntry;

pub mod canaries;
pub mod columns;
pub mod description;
pub mod file;
pub mod genome;
pub mod graphs;
pub mod messages;
pub mod personae;
pub mod records;
pub mod rounds;
pub mod sentences;
pub mod stories;
pub mod sums;
pub mod symbols;
pub mod tagged;
pub mod wording;

/// All kinds of ingredients, in the order in which lists show them.
pub const ALL: &[IngredientEntry] = &[
    columns::ENTRY,
    rounds::ENTRY,
    description::ENTRY,
    canaries::ENTRY,
    sentences::ENTRY,
    symbols::ENTRY,
    personae::ENTRY,
    wording::ENTRY,
    graphs::ENTRY,
    stories::ENTRY,
    genome::ENTRY,
    sums::ENTRY,
    file::ENTRY,
    tagged::ENTRY,
    messages::ENTRY,
    records::ENTRY,
];
