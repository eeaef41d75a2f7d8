//! Rival explanations of an agent's choices: how P(choice | memory) would look if agents recalled, followed a rule,
//! or adapted in some way. One file for each, one line in [`LADDER`]. All are fitted to the same counts of
//! (memory, choice) and are policies, so that each can be scored, and played as a population.
//!
//! What is absent: anything that an agent of the game was not shown. Section 5 of the audit literature calls these
//! M0 to M7.

mod attraction;
mod climb;
mod fitted;
mod frequency;
mod ladder;
mod lags;
mod mixture;
mod recall;
mod reinforcement;
mod rival;
mod table;
mod win_stay;

pub use fitted::Fitted;
pub use ladder::{Ladder, Rung, paired, table_scores};
pub use mixture::{RecallWeight, recall_weight};
pub use rival::{Form, Rival, RivalRule, RivalSetting};
pub use table::HistoryTable;

/// All rivals, from those that assume least of an agent to those that assume most. The first three look at nothing remembered.
pub const LADDER: &[Rival] = &[
    recall::PRIOR,
    recall::IID,
    recall::BY_LENGTH,
    win_stay::ENTRY,
    table::LAST_ROUND,
    frequency::ENTRY,
    reinforcement::ENTRY,
    attraction::ENTRY,
    lags::ENTRY,
    table::HISTORY,
];
