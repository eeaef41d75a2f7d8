//! One file for each game, one line here.

use crate::scenes::{bandit, commons, guess, hanoi, hidden_role, highway, kitchen, screens, swarm, throws, ultimatum, volunteer};
use crate::spec::GameEntry;

mod category;
mod coordination;
mod individual;
mod matrix;
mod naming;
mod opinion;
mod outside;
mod public_goods;
mod signalling;
mod symbols;

pub use category::CategoryGame;
pub use coordination::Coordination;
pub use individual::Individual;
pub use matrix::Matrix;
pub use naming::Naming;
pub use opinion::Opinion;
pub use public_goods::PublicGoods;
pub use signalling::Signalling;
pub use symbols::Symbols;

/// All games, in the order in which lists show them.
pub const ALL: &[GameEntry] = &[
    coordination::ENTRY,
    naming::ENTRY,
    opinion::ENTRY,
    category::ENTRY,
    individual::ENTRY,
    matrix::ENTRY,
    public_goods::ENTRY,
    signalling::ENTRY,
    symbols::ENTRY,
    commons::ENTRY,
    bandit::ENTRY,
    volunteer::ENTRY,
    ultimatum::ENTRY,
    guess::ENTRY,
    throws::ENTRY,
    hanoi::ENTRY,
    swarm::ENTRY,
    kitchen::ENTRY,
    highway::ENTRY,
    hidden_role::ENTRY,
    screens::ENTRY,
    outside::ENTRY,
];
