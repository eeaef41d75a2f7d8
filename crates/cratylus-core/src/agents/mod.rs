//! One file for each kind of agent, one line here.

use crate::spec::AgentEntry;

mod best_response;
mod bush_mosteller;
pub(crate) mod categories;
mod constant;
mod copy_last_partner;
mod dirichlet_mixture;
pub mod emulated;
mod fixed;
mod gaussian_mixture;
mod giver;
pub mod inventory;
mod kernel;
mod llm;
mod majority_of_window;
mod memory_one;
mod mock;
mod opinion;
mod outside;
mod policy_gradient;
mod recorded;
mod rule;
mod scripted;
pub(crate) mod signs;
pub(crate) mod uniform;
mod urn;
mod weights;
mod win_stay;
mod win_stay_lose_shift;

pub use best_response::Ties;
pub use constant::Constant;
pub use emulated::Emulated;
pub use giver::AMOUNTS;
pub use inventory::Inventories;
pub use signs::SIGNS;
pub use urn::SIGNALS;

/// All kinds of agents, in the order in which lists show them.
pub const ALL: &[AgentEntry] = &[
    emulated::ENTRY,
    kernel::ENTRY,
    inventory::ENTRY,
    opinion::ENTRY,
    categories::ENTRY,
    uniform::ENTRY,
    constant::ENTRY,
    win_stay_lose_shift::ENTRY,
    copy_last_partner::ENTRY,
    majority_of_window::ENTRY,
    memory_one::ENTRY,
    urn::ENTRY,
    policy_gradient::ENTRY,
    bush_mosteller::ENTRY,
    giver::ENTRY,
    win_stay::ENTRY,
    best_response::ENTRY,
    gaussian_mixture::ENTRY,
    dirichlet_mixture::ENTRY,
    fixed::ENTRY,
    recorded::ENTRY,
    rule::ENTRY,
    llm::ENTRY,
    mock::ENTRY,
    scripted::ENTRY,
    outside::ENTRY,
];
