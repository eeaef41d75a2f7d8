//! What is asked of models that were trained here, one file for each kind.

mod probe;

mod changes;
mod classes;
mod communities;
mod curve;
mod functions;
mod hop;
mod loss;
mod reasons;
mod spill;
mod stories;
mod sums;

pub(crate) use functions::slope;
pub use probe::{Evaluated, Probe, ProbeEntry, Subject};

/// All kinds of probes, in the order in which lists show them.
pub const ALL: &[ProbeEntry] = &[
    loss::ENTRY,
    curve::ENTRY,
    changes::ENTRY,
    classes::ENTRY,
    hop::ENTRY,
    spill::ENTRY,
    reasons::ENTRY,
    stories::ENTRY,
    functions::ENTRY,
    sums::ENTRY,
    communities::ENTRY,
];

/// A probe of a kind as it is without any keys.
pub fn as_it_is(entry: &ProbeEntry) -> std::sync::Arc<dyn Probe> {
    let document = cratylus_core::experiment::Document::parse("probe", "", &[]).expect("nothing is wrong with nothing");
    let read = document.read(|file, spans| (entry.read)(std::mem::take(file), spans));
    read.expect("probes have a default for every key").0
}
