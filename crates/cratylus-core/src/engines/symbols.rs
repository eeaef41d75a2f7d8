//! Societies of the game `symbols`, whose beliefs lie in flat memory.

use super::engine::{Engine, EngineEntry, Play, RunBegins};
use crate::agent::Mind;
use crate::agents::signs::mind_of;
use crate::event::sink::Sink;
use crate::fault::Fault;
use crate::flat::{SignsRun, play_symbols};
use crate::kept::{self, Keeper};
use crate::symbols::{SignMind, Society, SymbolRun};
use crate::watch::stop::StopSeen;
use crate::world::World;
use crate::{AgentId, Network};
use std::sync::Arc;

pub(crate) const ENTRY: EngineEntry = EngineEntry {
    words: |_| "tables of log likelihoods, a row for each object or category of an agent",
    together: None,
    fits: |world, how| how == Play::Fastest && world.experiment.game.spec.symbols().is_some(),
    start: |RunBegins { world, replica, from, assigned, minds, .. }| {
        let seed = world.seed(replica);
        let minds = minds.unwrap_or_else(|| world.minds(seed, &assigned));
        let run = world.symbols(seed).expect("asked before");
        let society = world.society(seed, &minds).expect("asked before");
        Ok(Box::new(Signs { world, replica, from, network: world.network(seed)?, run, society }))
    },
};

struct Signs<'w> {
    world: &'w World,
    replica: u64,
    from: u64,
    network: Arc<dyn Network>,
    run: SymbolRun,
    society: Society,
}

impl Signs<'_> {
    fn all(&self) -> Vec<SignMind> {
        (0..self.world.size as AgentId).map(|agent| self.society.mind(agent)).collect()
    }
}

impl Engine for Signs<'_> {
    fn play(&mut self, until: u64, stop: &mut StopSeen, sink: &mut dyn Sink) -> Result<bool, Fault> {
        let SymbolRun { of, seed, .. } = &self.run;
        let run = SignsRun { seed: *seed, network: &*self.network, turns: &of.turns, acceptance: of.rule.acceptance };
        let until = until.min(stop.most());
        let from = std::mem::replace(&mut self.from, until);
        let over = play_symbols(&mut self.society, &run, [from, until], stop, self.replica, sink)?;
        Ok(over || until >= stop.most())
    }

    fn minds(&self) -> Vec<Mind> {
        self.all().iter().map(mind_of).collect()
    }

    fn keep(&self, out: &mut Keeper<'_>) {
        kept::keep(&self.all(), out);
    }

    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Fault> {
        let minds: Vec<SignMind> = kept::take(from)?;
        let SymbolRun { of, seed, perceived } = &self.run;
        self.society = Society::new(of, *seed, perceived.clone(), &minds);
        Ok(())
    }
}
