//! Where events go. Whoever plays knows nothing else of its readers.

use super::batch::Batch;
use super::block::Block;
use super::pair::PairEvent;
use super::tally::Tally;
use crate::fault::Fault;

/// Where events go: a file, a measure, a progress bar, a test.
pub trait Sink {
    /// Takes a replica's next events, in their order.
    fn take(&mut self, replica: u64, events: &Batch) -> Result<(), Fault>;

    /// Takes the next events of a replica, packed. The last block of a run that ended within it holds less than 64.
    fn block(&mut self, replica: u64, block: &Block) -> Result<(), Fault> {
        let mut events = Batch::new();
        block.events().for_each(|event| events.push_pair(&event));
        self.take(replica, &events)
    }

    /// Takes the next stretch of a replica of which there are numbers alone.
    fn tally(&mut self, _replica: u64, _tally: &Tally) -> Result<(), Fault> {
        Err(Fault("this takes events, and where agents are counted there are none".into()))
    }

    /// Is told that a replica is over.
    fn end(&mut self, replica: u64) -> Result<(), Fault>;
}

/// Keeps the events of a single run, or of several one after the other.
impl Sink for Batch {
    fn take(&mut self, _: u64, events: &Batch) -> Result<(), Fault> {
        events.iter().for_each(|event| self.push(&event));
        Ok(())
    }

    fn end(&mut self, _: u64) -> Result<(), Fault> {
        Ok(())
    }
}

/// Keeps what they say of two seats and a name of each.
impl Sink for Vec<PairEvent> {
    fn take(&mut self, _: u64, events: &Batch) -> Result<(), Fault> {
        self.extend(events.iter().map(|event| event.pair()));
        Ok(())
    }

    fn block(&mut self, _: u64, block: &Block) -> Result<(), Fault> {
        self.extend(block.events());
        Ok(())
    }

    fn end(&mut self, _: u64) -> Result<(), Fault> {
        Ok(())
    }
}
