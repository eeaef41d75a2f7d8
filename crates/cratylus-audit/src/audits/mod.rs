//! One file for each audit, one line here, in the order in which they are read. These need the record alone.

use crate::case::{AuditEntry, Case, with_power};
use crate::finding::Finding;

mod agents;
mod collective_bias;
mod common_cause;
mod equivalence;
mod history;
mod interaction;
mod mechanism;
mod metric;
mod pictures;
mod position;
mod prior;
mod sufficiency;
mod time;
mod tipping;
mod yielding;

/// All audits, in the order in which they are asked and shown.
pub const ALL: &[AuditEntry] = &[
    prior::ENTRY,
    mechanism::ENTRY,
    sufficiency::ENTRY,
    collective_bias::ENTRY,
    interaction::ENTRY,
    history::ENTRY,
    common_cause::ENTRY,
    time::ENTRY,
    agents::ENTRY,
    yielding::ENTRY,
    tipping::ENTRY,
    position::ENTRY,
    metric::ENTRY,
    equivalence::ENTRY,
];

/// Asks every audit, or those that are wanted, of a condition.
pub fn findings(case: &Case<'_>, wanted: &dyn Fn(&str) -> bool) -> Vec<Finding> {
    let asked = ALL.iter().filter(|entry| wanted(entry.name)).filter_map(|entry| (entry.ask)(case)).map(Finding::finite);
    asked.map(|finding| with_power(finding, case.condition.runs.len() as u64)).collect()
}
