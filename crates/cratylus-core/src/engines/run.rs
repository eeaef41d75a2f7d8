//! One run, stretch by stretch: from one intervention to the next, each with a world and an engine of its own, and to wherever
//! whoever plays it stops to keep it.

use super::engine;
use super::engine::{Engine, Play, RunBegins};
use crate::agent::Mind;
use crate::event::sink::Sink;
use crate::fault::Fault;
use crate::kept::{self, Keeper};
use crate::meeting::pairs::Pairing;
use crate::watch::stop::StopSeen;
use crate::world::World;
use std::sync::Arc;

/// A run that is being played.
pub struct Run<'w> {
    world: &'w World,
    replica: u64,
    how: Play,
    /// How many interventions there were, and the next interaction.
    phase: usize,
    t: u64,
    assigned: Arc<[u16]>,
    stop: StopSeen,
    /// None once it is over.
    playing: Option<Box<dyn Engine + 'w>>,
}

impl<'w> Run<'w> {
    /// A run before its first interaction.
    pub fn new(world: &'w World, replica: u64, how: Play) -> Result<Run<'w>, Fault> {
        let seed = world.seed(replica);
        // Nobody asks what agents remember at the end of a run that is played in one go, which spares what they would take.
        let (assigned, minds) = match world.phases.is_empty() {
            true if world.size == 0 => (Vec::new(), None),
            true => (world.assign(seed), None),
            false => {
                let (assigned, minds) = world.first(seed);
                (assigned, Some(minds))
            }
        };
        let (assigned, stop) = (assigned.into(), world.stop(replica));
        Run { world, replica, how, phase: 0, t: 0, assigned, stop, playing: None }.start(minds)
    }

    /// A run of this world as it was when it was kept. What comes then is what would have come.
    pub fn restore(world: &'w World, replica: u64, how: Play, from: &mut &[u8]) -> Result<Run<'w>, Fault> {
        let (phase, t, assigned, stop): (usize, u64, Option<Vec<u16>>, StopSeen) = kept::take(from)?;
        let assigned = assigned.unwrap_or_else(|| if world.size == 0 { Vec::new() } else { world.assign(world.seed(replica)) });
        if phase > world.phases.len() || assigned.len() != world.size as usize {
            return Err(Fault("what was kept of a run is of another experiment".into()));
        }
        let mut run = Run { world, replica, how, phase, t, assigned: assigned.into(), stop, playing: None }.start(None)?;
        run.playing.as_mut().expect("it was started").restore(from)?;
        Ok(run)
    }

    /// Up to which interaction it was played.
    pub fn t(&self) -> u64 {
        self.t
    }

    /// Appends all that is needed to go on from here, of a run that is not over and [`World::can_be_kept`].
    pub fn keep(&self, out: &mut Keeper<'_>) {
        let playing = self.playing.as_ref().expect("only a run that is not over is kept");
        kept::keep(&(self.phase, self.t, (self.phase > 0).then_some(&*self.assigned), &self.stop), out);
        playing.keep(out);
    }

    /// Plays up to interaction `until`, or a little further where agents are counted; says whether the run is over.
    pub fn play(&mut self, until: u64, sink: &mut dyn Sink) -> Result<bool, Fault> {
        let (world, replica) = (self.world, self.replica);
        // A round in which all play at once is not cut.
        let round = if world.pairing() == Pairing::AllAtOnce { u64::from(world.size) } else { 1 };
        let until = until.checked_next_multiple_of(round).unwrap_or(until);
        while let Some(playing) = &mut self.playing
            && self.t < until
        {
            let next = world.phases.get(self.phase);
            let to = next.map_or(until, |phase| phase.at.min(until));
            if playing.play(to, &mut self.stop, sink)? {
                self.playing = None;
                sink.end(replica)?;
                break;
            }
            self.t = to;
            let Some(phase) = next.filter(|phase| phase.at == to) else { continue };
            let mut minds = playing.minds();
            self.playing = None;
            let seed = world.seed(replica);
            let assigned = phase.world.next(seed, self.phase, phase.turnover, (self.now(), &self.assigned), &mut minds);
            self.assigned = assigned.into();
            self.phase += 1;
            self.sit_down(Some(minds))?;
        }
        Ok(self.playing.is_none())
    }

    /// The world of the stretch that is being played.
    fn now(&self) -> &'w World {
        match self.phase {
            0 => self.world,
            phase => &self.world.phases[phase - 1].world,
        }
    }

    /// Sits everyone down to play from here.
    fn start(mut self, minds: Option<Vec<Mind>>) -> Result<Run<'w>, Fault> {
        self.sit_down(minds)?;
        Ok(self)
    }

    fn sit_down(&mut self, minds: Option<Vec<Mind>>) -> Result<(), Fault> {
        let (world, assigned) = (self.now(), self.assigned.clone());
        let begins = RunBegins { world, replica: self.replica, from: self.t, assigned, minds, how: self.how };
        self.playing = Some((engine(world, self.how).start)(begins)?);
        Ok(())
    }
}
