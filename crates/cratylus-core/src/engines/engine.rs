//! What a way to play must do.

use crate::agent::Mind;
use crate::event::sink::Sink;
use crate::fault::Fault;
use crate::kept::Keeper;
use crate::watch::stop::StopSeen;
use crate::world::World;
use std::sync::Arc;

/// How to play. Neither choice changes a run, only its speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Play {
    /// By the first engine that fits.
    Fastest,
    /// In waves, by asking cohorts, `block` interactions of each replica at a time, wherever agents can be asked so.
    Plain {
        /// How many interactions are drawn at a time; above 0.
        block: usize,
    },
}

/// A population that is being played.
pub(crate) trait Engine {
    /// Plays up to interaction `until`, or to the end of the run; says whether it is over.
    fn play(&mut self, until: u64, stop: &mut StopSeen, sink: &mut dyn Sink) -> Result<bool, Fault>;

    /// What everyone remembers or knows now, where the run goes on in another engine.
    fn minds(&self) -> Vec<Mind>;

    /// Appends all that this engine, started anew, needs to go on from here.
    fn keep(&self, out: &mut Keeper<'_>);

    /// Goes on from there.
    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Fault>;
}

/// Where a run, or what is left of it, begins.
pub(crate) struct RunBegins<'w> {
    pub world: &'w World,
    pub replica: u64,
    /// The first interaction to be played.
    pub from: u64,
    /// The kind of each agent.
    pub assigned: Arc<[u16]>,
    /// What everyone remembers; None where it is what the world starts with, and nobody asks for it afterwards.
    pub minds: Option<Vec<Mind>>,
    pub how: Play,
}

/// A line of the list.
pub(crate) struct EngineEntry {
    /// What it keeps of a population of this world, in words.
    pub words: fn(&World) -> &'static str,
    /// Whether it can play it.
    pub fits: fn(&World, Play) -> bool,
    /// Plays several replicas from their beginning to their end at once, where that is worth while.
    pub together: Option<Together>,
    /// Starts it.
    pub start: for<'w> fn(RunBegins<'w>) -> Result<Box<dyn Engine + 'w>, Fault>,
}

/// See [`EngineEntry::together`].
pub(crate) type Together = fn(&World, &[u64], Play, &mut dyn Sink) -> Result<(), Fault>;
