//! What is asked of models that were trained here, one file for each kind.

mod probe;

mod classes;
mod curve;
mod hop;
mod loss;
mod spill;

pub use probe::{Evaluated, Probe, ProbeEntry, Subject};

/// All kinds of probes, in the order in which lists show them.
pub const ALL: &[ProbeEntry] = &[loss::ENTRY, curve::ENTRY, classes::ENTRY, hop::ENTRY, spill::ENTRY];
