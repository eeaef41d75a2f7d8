//! The ways to play. One file and one line each; the first that fits a world plays it, and no reader can tell which did, but
//! for counts, which give numbers in place of events.

mod counts;
mod engine;
mod flat;
mod in_turn;
pub mod live;
mod plain;
mod run;
mod signals;
mod symbols;
mod table;

pub use engine::Play;
pub use run::Run;

use crate::event::sink::Sink;
use crate::fault::Fault;
use crate::world::World;
use engine::EngineEntry;

/// All engines but that of live models, which is driven from outside, in the order in which they are tried.
pub(crate) const ALL: &[EngineEntry] =
    &[counts::ENTRY, symbols::ENTRY, in_turn::ENTRY, flat::ENTRY, signals::ENTRY, plain::ENTRY];

fn engine(world: &World, how: Play) -> &'static EngineEntry {
    ALL.iter().find(|entry| (entry.fits)(world, how)).expect("the plain path is the last, and plays all")
}

impl World {
    /// How the population is played, in words.
    pub fn played_on(&self) -> &'static str {
        if self.live() { "questions to models" } else { (engine(self, Play::Fastest).words)(self) }
    }

    /// Whether several runs are played at once, and not one after the other.
    pub fn plays_together(&self) -> bool {
        self.phases.is_empty() && engine(self, Play::Fastest).together.is_some()
    }
}

/// Plays replicas of one world to their end. Each replica's events reach the sink in their order.
pub fn run(world: &World, replicas: &[u64], how: Play, sink: &mut dyn Sink) -> Result<(), Fault> {
    if let Some(together) = engine(world, how).together.filter(|_| world.phases.is_empty()) {
        return together(world, replicas, how, sink);
    }
    replicas.iter().try_for_each(|&replica| Run::new(world, replica, how)?.play(u64::MAX, sink).map(drop))
}
