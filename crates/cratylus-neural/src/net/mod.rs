//! Networks that are trained here: a Llama block (RMS norm, rotary positions, gated hidden layer), forward and backward, written
//! out. `plain.rs` is the same in plain loops and double precision, and what the fast path is held to.
//!
//! Numbers do not depend on threads: a step is cut into lanes of fixed number and order (`lane.rs`), whose gradients are
//! summed in that order. Nothing here starts a thread, reads a file or looks at a clock.

mod adapters;
mod conda;
mod experts;
mod lane;
pub mod plain;
mod product;
mod reader;
mod recipe;
pub(crate) mod rows;
mod shape;
mod singular;
mod trainer;

pub use adapters::{AdapterShape, Adapters, ThinMatrix};
pub use experts::{ExpertShape, Experts, ExpertsBy};
pub use lane::{Lane, NetWork, ReadRow};
pub use reader::Reader;
pub(crate) use recipe::powi;
pub use recipe::{Conda, Recipe};
pub use shape::{NetShape, Tensor};
pub(crate) use singular::singular;
pub use trainer::{Job, StepSeen, Trainer, one_by_one};
