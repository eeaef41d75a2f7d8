//! The ways to play. One file and one line each; the first that fits a world plays it, and no reader can tell which did, but
//! for counts, which give numbers in place of events.

mod counts;
mod engine;
mod flat;
mod in_turn;
pub mod live;
mod plain;
mod table;

pub use engine::Play;

use crate::event::sink::Sink;
use crate::fault::Fault;
use crate::world::World;
use engine::{EngineEntry, RunBegins};

/// All engines but that of live models, which is driven from outside, in the order in which they are tried.
pub(crate) const ALL: &[EngineEntry] = &[counts::ENTRY, in_turn::ENTRY, flat::ENTRY, plain::ENTRY];

fn engine(world: &World, how: Play) -> &'static EngineEntry {
    ALL.iter().find(|entry| (entry.fits)(world, how)).expect("the plain path is the last, and plays all")
}

impl World {
    /// How the population is played, in words.
    pub fn played_on(&self) -> &'static str {
        if self.live() { "questions to models" } else { (engine(self, Play::Fastest).words)(self) }
    }
}

/// Plays replicas of one world to their end. Each replica's events reach the sink in their order.
pub fn run(world: &World, replicas: &[u64], how: Play, sink: &mut dyn Sink) -> Result<(), Fault> {
    if let (true, Some(together)) = (world.phases.is_empty(), engine(world, how).together) {
        return together(world, replicas, how, sink);
    }
    replicas.iter().try_for_each(|&replica| run_one(world, replica, how, sink))
}

/// Plays a run, from one intervention to the next, each with a world and an engine of its own.
fn run_one(world: &World, replica: u64, how: Play, sink: &mut dyn Sink) -> Result<(), Fault> {
    let seed = world.seed(replica);
    let mut stop = world.stop(replica);
    // Nobody asks what agents remember at the end of a run that is played in one go, which spares what they would take.
    let (mut assigned, mut minds) = match world.phases.is_empty() {
        true if world.size == 0 => (Vec::new(), None),
        true => (world.assign(seed), None),
        false => {
            let (assigned, minds) = world.first(seed);
            (assigned, Some(minds))
        }
    };
    let (mut now, mut from) = (world, 0);
    for i in 0..=world.phases.len() {
        let next = world.phases.get(i);
        let begins = RunBegins { world: now, replica, from, assigned: &assigned, minds: minds.take(), how };
        let mut playing = (engine(now, how).start)(begins)?;
        if playing.play(next.map_or(u64::MAX, |phase| phase.at), &mut stop, sink)? {
            break;
        }
        let Some(phase) = next else { break };
        let mut then = playing.minds();
        assigned = phase.world.next(seed, i, phase.turnover, (now, &assigned), &mut then);
        minds = Some(then);
        (now, from) = (&phase.world, phase.at);
    }
    sink.end(replica)
}
