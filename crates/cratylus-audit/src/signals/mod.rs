//! Audits of agents that learnt to signal: is the message used at all, does it say what is claimed, and is it one language? They
//! see what a training left in numbers; how it was trained, and whatever agents are made of, is absent.

mod finding;
mod shared_code;
mod structure;
mod used;

pub mod mechanisms;

pub use finding::{Finding, Finds, Trained, TrainedRun};

/// What all audits find of a condition; those that have nothing to say of it are left out.
pub fn findings(trained: &Trained) -> Vec<Finding> {
    [used::audit(trained), structure::audit(trained), shared_code::audit(trained)].into_iter().flatten().collect()
}
