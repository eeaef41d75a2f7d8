//! Where events go. Whoever plays knows nothing else of its readers.

use super::Event;
use super::block::{BLOCK, Block};
use super::tally::Tally;
use crate::fault::Fault;

/// Where events go: a file, a measure, a progress bar, a test.
pub trait Sink {
    /// Takes a replica's next events, in their order.
    fn take(&mut self, replica: u64, events: &[Event]) -> Result<(), Fault>;

    /// Takes the next events of a replica, packed. The last block of a run that ended within it holds less than 64.
    fn block(&mut self, replica: u64, block: &Block) -> Result<(), Fault> {
        let blank = Event { t: 0, agents: [0; 2], names: [None; 2], success: None, invalid: [0; 2] };
        let mut events = [blank; BLOCK];
        let n = block.n - block.first;
        events.iter_mut().zip(block.events()).for_each(|(place, event)| *place = event);
        self.take(replica, &events[..n])
    }

    /// Takes the next stretch of a replica of which there are numbers alone.
    fn tally(&mut self, _replica: u64, _tally: &Tally) -> Result<(), Fault> {
        Err(Fault("this takes events, and where agents are counted there are none".into()))
    }

    /// Is told that a replica is over.
    fn end(&mut self, replica: u64) -> Result<(), Fault>;
}

/// Keeps the events of a single run, or of several one after the other.
impl Sink for Vec<Event> {
    fn take(&mut self, _: u64, events: &[Event]) -> Result<(), Fault> {
        self.extend_from_slice(events);
        Ok(())
    }

    fn end(&mut self, _: u64) -> Result<(), Fault> {
        Ok(())
    }
}
