//! One file for each measure, one line here. What is said of a single run at its end stands in
//! `outcome.rs`, and what is said over runs in `summary.rs`.

use crate::measure::MeasureEntry;

mod answer;
mod categories;
mod distinct_names;
mod first_choice;
mod held_share;
pub(crate) mod invalid_share;
mod minority_share;
mod name_share;
mod reaction;
mod success_rate;
mod void_share;
mod words;

/// All measures, in the order in which a round's readings are written.
pub const ALL: &[MeasureEntry] = &[
    success_rate::ENTRY,
    name_share::ENTRY,
    distinct_names::ENTRY,
    void_share::ENTRY,
    invalid_share::ENTRY,
    minority_share::ENTRY,
    first_choice::ENTRY,
    reaction::ENTRY,
    answer::ENTRY,
    words::ENTRY,
    held_share::ENTRY,
    categories::ENTRY,
];
