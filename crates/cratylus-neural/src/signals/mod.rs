//! Agents that learn to signal: senders that see an item and utter symbols, receivers that hear them and answer. Layers,
//! gradients and optimisers are written out, every draw has an address, and sums have a fixed order, so a training is the
//! same bytes on every machine. Nothing here starts a thread, reads a file or looks at a clock.
//!
//! Read from `setup.rs` (what can be set) over `plain.rs` (a step in plain loops) to `training.rs` (what is called from
//! outside).

mod messages;
mod setup;

mod items;
mod shape;

mod draws;
mod round;

#[cfg(test)]
mod plain_parts;

#[cfg(test)]
mod plain;

mod numbers;
mod product;

mod gates;
mod recurrent;

mod layers;

mod listening;
mod speaking;

mod contrast;

mod answers;

mod relaxed;
mod step;

mod learner;

mod training;

mod experiment;

pub use experiment::{Experiment, Frequencies, Generations, ItemTable, Record, Renew, Renewed, Stop, World};
pub use items::Items;
pub use messages::Messages;
pub use setup::{
    Agents, Answers, Baseline, Cell, Channel, Contrast, Control, Estimator, Game, Gumbel, NtXent, Optimiser, Population,
    Reinforce, Roles, Setup, Temperature, Train, Wrong,
};
pub use shape::{Part, PartShape, Shape, Tensor};
pub use training::{Evaluation, Named, Reading, Said, Training};

#[cfg(test)]
mod held;
#[cfg(test)]
mod oracle;
