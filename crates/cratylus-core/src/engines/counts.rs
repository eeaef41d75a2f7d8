//! Agents as numbers in each state, a population round at a time: exact in distribution, and without events.

use super::engine::{Engine, EngineEntry, RunBegins};
use crate::Name;
use crate::agent::Mind;
use crate::event::sink::Sink;
use crate::experiment::Followed;
use crate::fault::Fault;
use crate::flat::two_names;
use crate::kept::{self, Keep, Keeper};
use crate::seed::{Purpose, Stream};
use crate::watch::stop::StopSeen;
use crate::world::{Counted, World};

pub(crate) const ENTRY: EngineEntry = EngineEntry {
    words: |_| "numbers of agents in each state",
    together: None,
    fits: |world, _| world.experiment.population.engine == Followed::Counts,
    start: |RunBegins { world, replica, from, .. }| {
        let population = world.counted().map_err(Fault)?;
        let draws = world.seed(replica).stream(Purpose::Pair, 1 << 62);
        Ok(Box::new(InNumbers { world, replica, t: from, population, draws }))
    },
};

struct InNumbers<'w> {
    world: &'w World,
    replica: u64,
    t: u64,
    population: Counted,
    draws: Stream,
}

impl InNumbers<'_> {
    /// How many agents know a name.
    fn know(&self, bit: usize) -> u64 {
        let counts = self.population.counts.counts().iter().enumerate();
        counts.filter(|(state, _)| state & bit != 0).map(|(_, count)| count).sum()
    }
}

/// The name that all agents know and no other, where states are inventories.
fn agreed(inventories: bool, counts: &[u64], size: u64) -> Option<Name> {
    let of = |name: usize| counts[1 << name] + counts[usize::from(two_names::COMMITTED) | 1 << name];
    (0..2).find(|&name| inventories && of(name) == size).map(|name| name as Name)
}

impl Engine for InNumbers<'_> {
    fn play(&mut self, until: u64, stop: &mut StopSeen, sink: &mut dyn Sink) -> Result<bool, Fault> {
        let (size, most) = (self.world.experiment.size(), stop.most());
        let stops = self.world.experiment.stop.consensus.is_some();
        let from_round = self.world.experiment.consensus().from_round.unwrap_or(0).saturating_mul(size);
        let inventories = self.population.inventories;
        while self.t < until.min(most) {
            let t = self.t;
            let end = most.min((t / size + 1) * size);
            let before = agreed(inventories, self.population.counts.counts(), size).is_some();
            let over = |counts: &[u64]| !before && agreed(inventories, counts, size).is_some();
            let played = self.population.counts.play(end - t, over, &mut self.draws);
            let mut tally = self.population.counts.tally(self.world.experiment.names().len(), &self.population.committed);
            (tally.start, tally.end) = (t, t + played);
            tally.agreed = agreed(inventories, self.population.counts.counts(), size);
            if inventories {
                let know = [1, 2].map(|bit| self.know(bit));
                tally.words = Some([know[0] + know[1], know.iter().filter(|&&know| know > 0).count() as u64]);
            }
            sink.tally(self.replica, &tally)?;
            self.t += played;
            if stops && tally.agreed.is_some() && self.t >= from_round {
                return Ok(true);
            }
        }
        Ok(self.t >= most)
    }

    fn minds(&self) -> Vec<Mind> {
        unreachable!("agents that are counted are not changed while they play, which reading the experiment says")
    }

    fn keep(&self, out: &mut Keeper<'_>) {
        kept::keep(&(self.t, &self.draws), out);
        self.population.counts.keep(out);
    }

    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Fault> {
        (self.t, self.draws) = kept::take(from)?;
        self.population.counts.restore(from)
    }
}
