//! One file for each game, one line here.

use crate::experiment::GameEntry;

mod category;
mod coordination;
mod individual;
mod naming;
mod opinion;

pub use category::CategoryGame;
pub use coordination::{Coordination, Payoff};
pub(crate) use coordination::{both_at_once, five};
pub use individual::Individual;
pub use naming::Naming;
pub use opinion::Opinion;

/// All games, in the order in which lists show them.
pub const ALL: &[GameEntry] =
    &[coordination::ENTRY, naming::ENTRY, opinion::ENTRY, category::ENTRY, individual::ENTRY, crate::outside::GAME];
