//! Populations of signalling games in flat memory, where all agents are of one kind that keeps tables.

use super::engine::{Engine, EngineEntry, Play, RunBegins};
use crate::agent::Mind;
use crate::event::sink::Sink;
use crate::fault::Fault;
use crate::flat::{self, Run};
use crate::kept::Keeper;
use crate::meeting::pairs::Pairing;
use crate::signals::{SignalKind, SignalScenes, SignalTables};
use crate::watch::stop::StopSeen;
use crate::world::World;
use crate::{AgentId, Network, Seed};
use std::sync::Arc;

pub(crate) const ENTRY: EngineEntry = EngineEntry {
    words: |_| "tables of weights, a row for each state and each signal of an agent",
    together: None,
    fits: |world, how| how == Play::Fastest && world.pairing() != Pairing::AllAtOnce && of(world).is_some(),
    start: |RunBegins { world, replica, from, assigned, minds, .. }| {
        let seed = world.seed(replica);
        let (kind, scenes) = of(world).expect("asked before");
        let minds = minds.unwrap_or_else(|| world.minds(seed, &assigned));
        let tables = SignalTables::new(kind, minds.into_iter());
        Ok(Box::new(Signals { world, replica, from, seed, network: world.network(seed)?, scenes, tables }))
    },
};

fn of(world: &World) -> Option<(SignalKind, SignalScenes)> {
    world.signals().zip(world.experiment.game.spec.signals())
}

struct Signals<'w> {
    world: &'w World,
    replica: u64,
    from: u64,
    seed: Seed,
    network: Arc<dyn Network>,
    scenes: SignalScenes,
    tables: SignalTables,
}

impl Engine for Signals<'_> {
    fn play(&mut self, until: u64, stop: &mut StopSeen, sink: &mut dyn Sink) -> Result<bool, Fault> {
        let Signals { world, replica, from, seed, ref network, ref scenes, ref mut tables } = *self;
        let run = Run { seed, network: &**network, complete: world.complete, pairing: world.pairing(), words: false };
        let until = until.min(stop.most());
        self.from = until;
        let over = flat::play_signals(tables, scenes, &run, [from, until], stop, replica, sink)?;
        Ok(over || until >= stop.most())
    }

    fn minds(&self) -> Vec<Mind> {
        (0..self.world.size as AgentId).map(|agent| self.tables.mind(agent)).collect()
    }

    fn keep(&self, out: &mut Keeper<'_>) {
        self.tables.keep(out);
    }

    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Fault> {
        self.tables.restore(from)
    }
}
