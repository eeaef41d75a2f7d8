//! What tests of whole runs share.

// Every test file takes what it needs of this.
#![allow(dead_code)]

use cratylus_core::event::block::Block;
use cratylus_core::event::tally::Tally;
use cratylus_core::fault::Fault;
use cratylus_core::watch::measures::Measures;
use cratylus_core::watch::outcome::{Outcome, OutcomeSeen};
use cratylus_core::watch::readings::Reading;
use cratylus_core::{Batch, PairEvent, Play, Sink, World, run};
use std::collections::BTreeMap;

/// Keeps every event of every replica.
#[derive(Default)]
pub struct Kept(pub BTreeMap<u64, Vec<PairEvent>>);

impl Sink for Kept {
    fn take(&mut self, replica: u64, events: &Batch) -> Result<(), Fault> {
        self.0.entry(replica).or_default().extend(events.iter().map(|event| event.pair()));
        Ok(())
    }
    fn end(&mut self, _: u64) -> Result<(), Fault> {
        Ok(())
    }
}

/// How a run ended, and what its measures said.
pub type Ended = (Outcome, Vec<Reading>);

/// What is kept of a run besides its events.
pub struct Readers {
    pub measures: Measures,
    pub outcome: OutcomeSeen,
}

impl Readers {
    pub fn new(world: &World, replica: u64) -> Readers {
        let context = world.context(replica);
        let (measures, outcome) = (Measures::new(&context, cratylus_core::watch::measures::ALL), OutcomeSeen::new(&context));
        Readers { measures, outcome }
    }
}

impl Sink for Readers {
    fn take(&mut self, _: u64, events: &Batch) -> Result<(), Fault> {
        for event in events.iter() {
            self.measures.see(&event);
            self.outcome.see(&event);
        }
        Ok(())
    }
    fn block(&mut self, _: u64, block: &Block) -> Result<(), Fault> {
        self.measures.see_block(block);
        self.outcome.see_block(block);
        Ok(())
    }
    fn tally(&mut self, _: u64, tally: &Tally) -> Result<(), Fault> {
        self.measures.see_tally(tally);
        self.outcome.see_tally(tally);
        Ok(())
    }
    fn end(&mut self, _: u64) -> Result<(), Fault> {
        self.measures.end();
        Ok(())
    }
}

struct Ends<'w> {
    world: &'w World,
    readers: Readers,
    ended: Vec<Ended>,
}

impl Sink for Ends<'_> {
    fn take(&mut self, replica: u64, events: &Batch) -> Result<(), Fault> {
        self.readers.take(replica, events)
    }
    fn block(&mut self, replica: u64, block: &Block) -> Result<(), Fault> {
        self.readers.block(replica, block)
    }
    fn tally(&mut self, replica: u64, tally: &Tally) -> Result<(), Fault> {
        self.readers.tally(replica, tally)
    }
    fn end(&mut self, replica: u64) -> Result<(), Fault> {
        self.readers.end(replica)?;
        let done = std::mem::replace(&mut self.readers, Readers::new(self.world, replica + 1));
        self.ended.push((done.outcome.end(), done.measures.readings.iter().collect()));
        Ok(())
    }
}

/// The same for each of several things, beside one another.
pub fn each<T: Sync, R: Send>(items: &[T], of: impl Fn(&T) -> R + Sync) -> Vec<R> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = items.iter().map(|item| scope.spawn(|| of(item))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}

/// Plays runs, and says how each ended and what its measures said.
pub fn play(world: &World, runs: u64) -> Vec<Ended> {
    let mut ends = Ends { world, readers: Readers::new(world, 0), ended: Vec::new() };
    run(world, &(0..runs).collect::<Vec<_>>(), Play::Fastest, &mut ends).unwrap();
    ends.ended
}
