//! What tests of whole runs share.

use cratylus_core::agent::Fault;
use cratylus_core::{Event, Sink};
use std::collections::BTreeMap;

/// Keeps every event of every replica.
#[derive(Default)]
pub struct Kept(pub BTreeMap<u64, Vec<Event>>);

impl Sink for Kept {
    fn take(&mut self, replica: u64, events: &[Event]) -> Result<(), Fault> {
        self.0.entry(replica).or_default().extend_from_slice(events);
        Ok(())
    }
    fn end(&mut self, _: u64) -> Result<(), Fault> {
        Ok(())
    }
}
