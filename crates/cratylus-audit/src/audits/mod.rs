//! One file for each audit, one line here, in the order in which they are read. These need the record alone.

use crate::case::{AuditEntry, Case, with_power};
use crate::finding::{Finding, Finds};

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

/// Audits that raised more than twice as many false alarms as they are meant to, with how many of how many small models of which
/// nobody had told any outcome: those of the leakage benchmark (`experiments/leakage-benchmark.toml`, seed 2026).
pub const NOT_SAFE: &[(&str, [u64; 2])] = &[("mechanism", [6, 24])];

/// What is to be kept in mind of an audit that is not safe, in words.
pub fn not_safe(audit: &str) -> Option<String> {
    let (_, [alarms, of]) = NOT_SAFE.iter().find(|(known, _)| *known == audit)?;
    Some(format!(
        "not safe: it found recall in {alarms} of {of} small models whose text held no outcome; a preference that nobody read looks the same (docs/benchmark.md)"
    ))
}

/// Adds to a finding of recall what is known of such findings.
fn with_record(mut finding: Finding) -> Finding {
    if finding.finds == Finds::SupportsRecall {
        finding.cautions.extend(not_safe(&finding.audit));
    }
    finding
}

/// Asks every audit, or those that are wanted, of a condition.
pub fn findings(case: &Case<'_>, wanted: &dyn Fn(&str) -> bool) -> Vec<Finding> {
    let asked = ALL.iter().filter(|entry| wanted(entry.name)).filter_map(|entry| (entry.ask)(case)).map(Finding::finite);
    asked.map(with_record).map(|finding| with_power(finding, case.condition.runs.len() as u64)).collect()
}
