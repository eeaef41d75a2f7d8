//! Populations in flat memory, 64 interactions at a time: bounded memories, and inventories.

use super::engine::{Engine, EngineEntry, Play, RunBegins};
use crate::agent::Mind;
use crate::event::sink::Sink;
use crate::fault::Fault;
use crate::flat::{self, InventoryLines, Run, States, TwoNames, WindowStates, WordSets};
use crate::inventory::{Inventory, InventoryRule, WORDS_MAX};
use crate::kept::{Keep, Keeper};
use crate::meeting::pairs::Pairing;
use crate::watch::stop::StopSeen;
use crate::world::{CompiledWorld, World};
use crate::{Name, Network, Seed};
use std::sync::Arc;

pub(crate) const ENTRY: EngineEntry = EngineEntry {
    words: |world| match world.inventories() {
        None if world.compiled().is_some() => "flat tables, a state of two bytes for each agent",
        None => "windows by number, worked out as they come up",
        Some(InventoryRule { pool: Some(2), .. }) => "a table of all meetings, a byte for each agent",
        Some(InventoryRule { pool: Some(pool), .. }) if pool <= WORDS_MAX => "sets of names as bits, 8 bytes for each agent",
        Some(_) => "inventories in lines of 64 bytes",
    },
    together: None,
    fits: |world, how| {
        how == Play::Fastest
            && world.pairing() != Pairing::AllAtOnce
            && (world.inventories().is_some() || world.compiled().is_some() || world.windows().is_some())
    },
    start: |begins| Ok(Box::new(Flat::new(begins)?)),
};

struct Flat<'w> {
    world: &'w World,
    replica: u64,
    from: u64,
    assigned: Arc<[u16]>,
    seed: Seed,
    network: Arc<dyn Network>,
    population: Population<'w>,
}

enum Population<'w> {
    Tables(&'w CompiledWorld, States<'w>),
    Windows(WindowStates<'w>),
    Two(TwoNames),
    Sets(WordSets),
    Lines(InventoryLines),
}

/// The same of a population of any of these.
macro_rules! on_any {
    ($any:expr, $population:ident => $what:expr) => {
        match $any {
            Population::Tables(_, $population) => $what,
            Population::Windows($population) => $what,
            Population::Two($population) => $what,
            Population::Sets($population) => $what,
            Population::Lines($population) => $what,
        }
    };
}

impl<'w> Flat<'w> {
    fn new(RunBegins { world, replica, from, assigned, minds, .. }: RunBegins<'w>) -> Result<Flat<'w>, Fault> {
        let seed = world.seed(replica);
        let network = world.network(seed)?;
        let begin = world.begin(seed, &assigned);
        let Some(rule) = world.inventories() else {
            let remembers = |agent: usize| minds.as_ref().map_or_else(|| begin.of(agent), |minds| minds[agent].rounds());
            let population = match world.compiled() {
                Some(compiled) => {
                    let states = compiled.states_of(&assigned, remembers);
                    Population::Tables(compiled, States::new(&compiled.tables, states, compiled.committed(world)))
                }
                None => {
                    let kinds = world.windows().expect("asked before");
                    Population::Windows(WindowStates::new(kinds, &assigned, world.first_committed(), remembers))
                }
            };
            return Ok(Flat { world, replica, from, assigned, seed, network, population });
        };
        let first = |agent: usize| world.bound_to(assigned[agent]).or_else(|| begin.known(agent));
        let known = |agent: usize| match &minds {
            Some(minds) => Inventory(minds[agent].names().to_vec()),
            None => Inventory(first(agent).into_iter().collect()),
        };
        let bits = |agent: usize| match &minds {
            Some(minds) => minds[agent].names().iter().fold(0u64, |bits, name| bits | 1 << name),
            None => first(agent).map_or(0, |name| 1 << name),
        };
        let committed = |agent: usize| world.bound_to(assigned[agent]).is_some();
        let agents = 0..assigned.len();
        let population = match rule.pool {
            Some(2) => Population::Two(TwoNames::new(rule, agents.map(|agent| (bits(agent) as u8, committed(agent))))),
            Some(pool) if pool <= WORDS_MAX => {
                Population::Sets(WordSets::new(rule, pool, agents.map(|agent| (bits(agent), committed(agent)))))
            }
            _ => {
                let lines = InventoryLines::new(rule, agents.map(|agent| (known(agent), committed(agent))));
                Population::Lines(if world.counts_words() { lines.counting() } else { lines })
            }
        };
        Ok(Flat { world, replica, from, assigned, seed, network, population })
    }
}

impl Engine for Flat<'_> {
    fn play(&mut self, until: u64, stop: &mut StopSeen, sink: &mut dyn Sink) -> Result<bool, Fault> {
        let Flat { world, replica, from, seed, ref network, .. } = *self;
        let run =
            Run { seed, network: &**network, complete: world.complete, pairing: world.pairing(), words: world.counts_words() };
        let until = until.min(stop.most());
        self.from = until;
        let over = on_any!(&mut self.population, population => flat::play(population, &run, from, until, stop, replica, sink));
        over.map(|over| over || until >= stop.most())
    }

    fn minds(&self) -> Vec<Mind> {
        let n = self.assigned.len();
        let listed = |bits: u64| Mind::Names(Inventory((0..64).filter(|name: &Name| bits >> name & 1 == 1).collect()));
        match &self.population {
            Population::Tables(compiled, population) => {
                compiled.remembered(&self.assigned, population.states()).map(Mind::Rounds).collect()
            }
            Population::Windows(population) => population.remembered().map(Mind::Rounds).collect(),
            Population::Two(population) => population.known().take(n).map(|bits| listed(bits.into())).collect(),
            Population::Sets(population) => population.known().take(n).map(listed).collect(),
            Population::Lines(population) => (0..n).map(|agent| Mind::Names(population.known(agent))).collect(),
        }
    }

    fn keep(&self, out: &mut Keeper<'_>) {
        on_any!(&self.population, population => population.keep(out));
    }

    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Fault> {
        on_any!(&mut self.population, population => population.restore(from))
    }
}

#[cfg(test)]
mod tests {
    use crate::engines::{Play, run};
    use crate::event::batch::Batch;
    use crate::experiment::Document;
    use crate::spec::NoInputs;
    use crate::world::World;

    /// In these tests far more windows come up than are kept.
    #[test]
    fn windows_that_are_forgotten_are_played_on_as_they_were() {
        for names in ["\"a\", \"b\"", "\"a\", \"b\", \"c\", \"d\", \"e\""] {
            let text = format!(
                "seed = 5\n[population]\nsize = 40\n[game]\nkind = \"coordination\"\nnames = [{names}]\nmemory = 9\n\
                 [agents]\nmix = [{{ share = 0.5, kind = \"uniform\" }}, {{ share = 0.5, kind = \"majority-of-window\" }}]\n\
                 [[agents.committed]]\nname = \"b\"\ncount = 3\n[stop]\ninteractions = 20_000\n"
            );
            let points = Document::parse("test.toml", &text, &[]).unwrap().points().unwrap();
            let world = World::build(&points[0], &NoInputs).unwrap();
            assert!(world.compiled().is_none() && world.windows().is_some());
            // The second run begins with what the first got to know.
            for replica in 0..2 {
                let [mut fast, mut plain] = [Batch::new(), Batch::new()];
                run(&world, &[replica], Play::Fastest, &mut fast).unwrap();
                run(&world, &[replica], Play::Plain { block: 64 }, &mut plain).unwrap();
                assert_eq!(fast.len(), plain.len());
                assert!(fast.iter().zip(plain.iter()).all(|(fast, plain)| fast.pair() == plain.pair()));
            }
        }
    }
}
