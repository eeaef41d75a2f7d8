//! The statistic of exchangeability where the response is the same in every run: of populations that follow it, played again
//! and again. Memories are numbered once for all of them, so that reading their decisions is looking up.

use crate::evidence::Condition;
use crate::exchangeability::SHORT;
use crate::surrogate::surrogate;
use cratylus_core::event::batch::Batch;
use cratylus_core::event::block::Block;
use cratylus_core::event::sink::Sink;
use cratylus_core::fault::Fault;
use cratylus_core::policy::{Policy, Round};
use cratylus_core::{NOBODY, PairEvent, Play, World, run};
use std::collections::HashMap;
use std::sync::Arc;

/// Records of populations that follow one response in place of a condition's own: as many runs.
pub struct SameResponse {
    world: World,
    runs: u64,
    memories: Memories,
}

impl SameResponse {
    /// Of a condition whose agents begin with nothing remembered. Runs end as its own do, or when they are twice as long as
    /// the longest of those.
    pub fn new(condition: &Condition, policy: Arc<dyn Policy>) -> SameResponse {
        let longest = condition.runs.iter().map(|run| run.outcome.interactions).max().unwrap_or(0);
        let world = surrogate(condition, policy, 0, |experiment| experiment.stop.interactions = Some(2 * longest.max(1)));
        let memories = Memories::new(condition.names().len(), condition.memory());
        SameResponse { world, runs: condition.runs.len() as u64, memories }
    }

    /// The statistic of the populations of a seed, of all memories and of short ones. None where no memory was answered in
    /// two ways and in two runs.
    pub fn statistics(&mut self, seed: u64) -> Option<[f64; 2]> {
        let SameResponse { world, runs, memories } = self;
        // What is worked out of a world does not depend on its seed.
        world.experiment.seed = seed;
        let mut sink = Follow { size: world.size as usize, memories, runs: (0..*runs).map(|_| OneRun::default()).collect() };
        run(world, &(0..*runs).collect::<Vec<_>>(), Play::Fastest, &mut sink).expect("policies do not fail");
        let decisions: Vec<Vec<(u32, bool)>> = sink.runs.into_iter().map(|run| run.decisions).collect();
        memories.statistics(&decisions)
    }
}

/// Memories by number, in the order in which they first came up, and what follows each.
struct Memories {
    names: usize,
    memory: usize,
    windows: Vec<Box<[Round]>>,
    numbers: HashMap<Box<[Round]>, u32>,
    /// By number, own and partner's choice; [`UNKNOWN`] where it did not come up yet.
    next: Vec<u32>,
    /// Room for counts of a run, by memory: of others and of the first name.
    of_run: Vec<[u32; 2]>,
    /// The same of all runs, one after the other.
    of_all: Vec<Vec<[u32; 2]>>,
}

const UNKNOWN: u32 = u32::MAX;

impl Memories {
    fn new(names: usize, memory: usize) -> Memories {
        let mut out = Memories {
            names,
            memory,
            windows: Vec::new(),
            numbers: HashMap::new(),
            next: Vec::new(),
            of_run: Vec::new(),
            of_all: Vec::new(),
        };
        // The empty one is number 0.
        out.number(&[]);
        out
    }

    fn number(&mut self, window: &[Round]) -> u32 {
        if let Some(&number) = self.numbers.get(window) {
            return number;
        }
        let number = self.windows.len() as u32;
        self.windows.push(window.into());
        self.numbers.insert(window.into(), number);
        self.next.resize(self.windows.len() * self.names * self.names, UNKNOWN);
        self.of_run.push([0; 2]);
        self.of_all.push(Vec::new());
        number
    }

    fn after(&mut self, number: u32, round: Round) -> u32 {
        let place = (number as usize * self.names + usize::from(round[0])) * self.names + usize::from(round[1]);
        if self.next[place] == UNKNOWN {
            let mut window = self.windows[number as usize].to_vec();
            window.push(round);
            self.next[place] = self.number(&window[window.len().saturating_sub(self.memory)..]);
        }
        self.next[place]
    }

    /// The statistic of decisions, run by run, over its degrees of freedom.
    fn statistics(&mut self, runs: &[Vec<(u32, bool)>]) -> Option<[f64; 2]> {
        for decisions in runs {
            for &(memory, first) in decisions {
                self.of_run[memory as usize][usize::from(first)] += 1;
            }
            for &(memory, _) in decisions {
                let counts = std::mem::take(&mut self.of_run[memory as usize]);
                // One that came up before in this run was taken already.
                if counts != [0; 2] {
                    self.of_all[memory as usize].push(counts);
                }
            }
        }
        let mut sums = [(0.0, 0usize); 2];
        for (window, runs) in self.windows.iter().zip(&mut self.of_all) {
            let [other, first] = runs.iter().fold([0; 2], |[a, b], [c, d]| [a + c, b + d]);
            if other > 0 && first > 0 {
                let p = f64::from(first) / f64::from(first + other);
                let of = |[other, first]: &[u32; 2]| {
                    let n = f64::from(other + first);
                    (f64::from(*first) - n * p).powi(2) / (n * p * (1.0 - p))
                };
                let chi2: f64 = runs.iter().map(of).sum();
                for (sum, df) in &mut sums[..if window.len() <= SHORT { 2 } else { 1 }] {
                    *sum += chi2;
                    *df += runs.len() - 1;
                }
            }
            runs.clear();
        }
        sums.iter().all(|(_, df)| *df > 0).then(|| sums.map(|(sum, df)| sum / df as f64))
    }
}

/// Reads decisions off events as they come.
struct Follow<'m> {
    size: usize,
    memories: &'m mut Memories,
    runs: Vec<OneRun>,
}

#[derive(Default)]
struct OneRun {
    /// The number of each agent's memory.
    agents: Vec<u32>,
    /// From which memory each choice was made, and whether it was of the first name.
    decisions: Vec<(u32, bool)>,
}

impl Follow<'_> {
    fn see(&mut self, replica: u64, event: &PairEvent) {
        let run = &mut self.runs[replica as usize];
        run.agents.resize(self.size, 0);
        let ([a, b], [Some(x), Some(y)]) = (event.agents, event.names) else { return };
        for (agent, own, partner) in [(a, x, y), (b, y, x)] {
            if agent != NOBODY {
                let memory = &mut run.agents[agent as usize];
                run.decisions.push((*memory, own == 0));
                *memory = self.memories.after(*memory, [own as u16, partner as u16]);
            }
        }
    }
}

impl Sink for Follow<'_> {
    fn take(&mut self, replica: u64, events: &Batch) -> Result<(), Fault> {
        events.iter().for_each(|event| self.see(replica, &event.pair()));
        Ok(())
    }

    fn block(&mut self, replica: u64, block: &Block) -> Result<(), Fault> {
        block.events().for_each(|event| self.see(replica, &event));
        Ok(())
    }

    fn end(&mut self, _: u64) -> Result<(), Fault> {
        Ok(())
    }
}
