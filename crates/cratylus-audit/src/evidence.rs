//! What audits see of one condition: runs, and the decisions in them, each with the memory it was taken from. It is
//! read off events alone, so runs that were played here, live ones and imported ones are the same to every audit.
//! What the agents were is absent.

use crate::duplicates;
use cratylus_core::PairEvent;
use cratylus_core::experiment::Point;
use cratylus_core::policy::Round;
use cratylus_core::watch::outcome::Outcome;
use cratylus_core::{AgentId, NOBODY, Name};
use std::collections::HashMap;

/// The runs of one condition: one point of an experiment, or one recorded file.
#[derive(Clone, Debug)]
pub struct Condition {
    /// What tells it from the others, for readers.
    pub label: String,
    /// Who plays. Conditions in which the same agents play can be compared.
    pub agents: String,
    /// The experiment that was run, or that a recorded file amounts to.
    pub point: Point,
    /// In the order of the record.
    pub runs: Vec<Record>,
    /// Whether answers were read by a program other than this one, which may have put a default in place of an answer that
    /// it could not read. Here such answers make an interaction void.
    pub read_elsewhere: bool,
    /// What a reader should know of how it was read.
    pub cautions: Vec<String>,
}

/// One run.
#[derive(Clone, Debug)]
pub struct Record {
    /// As its row has it, or worked out from its events.
    pub outcome: Outcome,
    /// In the order of the interactions.
    pub events: Vec<PairEvent>,
    /// What each agent remembered at the start, oldest first; agents beyond the list remembered nothing.
    pub starts: Vec<Vec<Round>>,
    /// The sorted agents that were committed, whose choices are no decisions.
    pub committed: Vec<AgentId>,
    /// The option that each seat was shown first, for each event, where that is on record.
    pub shown_first: Vec<[Option<Name>; 2]>,
}

impl Condition {
    /// The pool, in the order that names count by.
    pub fn names(&self) -> &[String] {
        self.point.experiment.names()
    }

    /// The number of agents, committed ones included.
    pub fn size(&self) -> u32 {
        self.point.experiment.followed()
    }

    /// How many rounds an agent remembers at most.
    pub fn memory(&self) -> usize {
        self.point.experiment.memory()
    }

    /// Whether one agent is asked alone.
    pub fn alone(&self) -> bool {
        self.point.experiment.alone()
    }

    /// Whether agents choose by their last rounds, from a pool: what most audits are about.
    pub fn windowed(&self) -> bool {
        self.point.experiment.game.kind == "coordination"
    }

    /// Whether all agents start with nothing remembered, and none is committed.
    pub fn baseline(&self) -> bool {
        let start = &self.point.experiment.population.start;
        let empty = start.consensus.is_none() && start.shares.is_none() && start.memory.is_none() && start.run.is_none();
        empty && self.point.experiment.n_committed() == 0
    }

    /// Leaves out runs that are copies of others, and says so.
    pub fn without_copies(mut self) -> Condition {
        let events: Vec<&[PairEvent]> = self.runs.iter().map(|run| &run.events[..]).collect();
        let Some(said) = duplicates::words(&duplicates::equal_runs(&events), events.len(), |place| place as u64) else {
            return self;
        };
        let kept = duplicates::distinct(&events);
        self.runs = kept.into_iter().map(|place| self.runs[place].clone()).collect();
        self.cautions.push(format!("{said}; only those were audited"));
        self
    }

    /// The winners of the runs that reached consensus, counted by name.
    pub fn winners(&self) -> Vec<u64> {
        let mut counts = vec![0; self.names().len()];
        for winner in self.runs.iter().filter_map(|run| run.outcome.winner) {
            if let Some(count) = counts.get_mut(winner as usize) {
                *count += 1;
            }
        }
        counts
    }
}

/// One decision of an agent that was not committed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decision {
    /// The number of the interaction in its run, from 0.
    pub t: u64,
    /// From 0, in the whole population.
    pub agent: AgentId,
    /// What it remembered: a place in [`Decisions::windows`].
    pub cell: u32,
    /// A place in the pool.
    pub choice: u16,
    /// What the partner said in the same interaction.
    pub partner: Option<u16>,
    /// Where the agent sat, 0 or 1.
    pub seat: u8,
    /// The event's place in its run.
    pub event: u32,
}

/// All decisions of a condition, and how often each name was chosen from each memory.
#[derive(Clone, Debug, Default)]
pub struct Decisions {
    /// How many names the pool has.
    pub n_names: usize,
    /// How many rounds an agent remembers at most.
    pub memory: usize,
    /// Every memory that occurred, in the order of its first occurrence.
    pub windows: Vec<Box<[Round]>>,
    /// The decisions of each run, in order.
    pub runs: Vec<Vec<Decision>>,
    /// For each memory, the choices of each name over all runs: `windows × names`.
    pub counts: Vec<f64>,
    /// The same for each run, sparse: memory, name, count.
    pub by_run: Vec<Vec<(u32, u16, f64)>>,
}

impl Decisions {
    /// Reads all runs of a condition. An agent's memory follows from its start and its interactions that were not void.
    pub fn read(condition: &Condition) -> Decisions {
        let (n_names, memory) = (condition.names().len(), condition.memory());
        let mut index: HashMap<Box<[Round]>, u32> = HashMap::new();
        let mut out = Decisions { n_names, memory, ..Decisions::default() };
        for record in &condition.runs {
            let decisions = record.decisions(condition.size(), memory, |window| match index.get(window) {
                Some(&cell) => cell,
                None => {
                    let cell = out.windows.len() as u32;
                    out.windows.push(window.into());
                    index.insert(window.into(), cell);
                    cell
                }
            });
            out.runs.push(decisions);
        }
        out.count();
        out
    }

    fn count(&mut self) {
        let n_names = self.n_names;
        self.counts = vec![0.0; self.windows.len() * n_names];
        for run in &self.runs {
            let mut counts: HashMap<(u32, u16), f64> = HashMap::new();
            for decision in run {
                *counts.entry((decision.cell, decision.choice)).or_default() += 1.0;
                self.counts[decision.cell as usize * n_names + decision.choice as usize] += 1.0;
            }
            let mut counts: Vec<(u32, u16, f64)> = counts.into_iter().map(|((cell, name), n)| (cell, name, n)).collect();
            counts.sort_unstable_by_key(|&(cell, name, _)| (cell, name));
            self.by_run.push(counts);
        }
    }

    /// How many decisions there are.
    pub fn len(&self) -> usize {
        self.runs.iter().map(Vec::len).sum()
    }

    /// Whether nobody decided anything.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The choices made from nothing remembered, by name.
    pub fn first_choices(&self) -> Vec<f64> {
        match self.windows.iter().position(|window| window.is_empty()) {
            Some(cell) => self.of(cell).to_vec(),
            None => vec![0.0; self.n_names],
        }
    }

    /// The choices made from one memory, by name.
    pub fn of(&self, cell: usize) -> &[f64] {
        &self.counts[cell * self.n_names..][..self.n_names]
    }

    /// The same decisions with partners' words hidden: what an agent remembers is its own.
    pub fn without_partners(&self) -> Decisions {
        let mut index: HashMap<Box<[Round]>, u32> = HashMap::new();
        let mut windows: Vec<Box<[Round]>> = Vec::new();
        let mut place = |window: &[Round]| {
            let own: Box<[Round]> = window.iter().map(|round| [round[0]; 2]).collect();
            *index.entry(own.clone()).or_insert_with(|| {
                windows.push(own);
                windows.len() as u32 - 1
            })
        };
        let places: Vec<u32> = self.windows.iter().map(|window| place(window)).collect();
        let of = |decision: &Decision| Decision { cell: places[decision.cell as usize], ..*decision };
        let runs = self.runs.iter().map(|run| run.iter().map(of).collect()).collect();
        let mut out = Decisions { n_names: self.n_names, memory: self.memory, windows, runs, ..Decisions::default() };
        out.count();
        out
    }

    /// The counts of some runs, each taken as often as `times` says.
    pub fn weighed(&self, times: impl Fn(usize) -> f64) -> Vec<f64> {
        let mut counts = vec![0.0; self.counts.len()];
        for (run, by_cell) in self.by_run.iter().enumerate() {
            let weight = times(run);
            if weight != 0.0 {
                by_cell.iter().for_each(|&(cell, name, n)| counts[cell as usize * self.n_names + name as usize] += weight * n);
            }
        }
        counts
    }
}

impl Record {
    /// The run's decisions. `cell` numbers memories.
    fn decisions(&self, size: u32, memory: usize, mut cell: impl FnMut(&[Round]) -> u32) -> Vec<Decision> {
        let mut windows: Vec<Vec<Round>> = self.starts.clone();
        windows.resize(size as usize, Vec::new());
        let mut out = Vec::with_capacity(2 * self.events.len());
        for (at, event) in (0..).zip(&self.events) {
            for seat in 0..2 {
                let (agent, Some(choice)) = (event.agents[seat], event.names[seat]) else { continue };
                if agent == NOBODY || self.committed.binary_search(&agent).is_ok() {
                    continue;
                }
                let window = &windows[agent as usize];
                let partner = event.names[1 - seat].filter(|_| event.success.is_some()).map(|name| name as u16);
                let cell = cell(&window[window.len().saturating_sub(memory)..]);
                out.push(Decision { t: event.t, agent, cell, choice: choice as u16, partner, seat: seat as u8, event: at });
            }
            let (Some(_), [Some(a), Some(b)]) = (event.success, event.names) else { continue };
            for (agent, round) in [(event.agents[0], [a as u16, b as u16]), (event.agents[1], [b as u16, a as u16])] {
                if agent == NOBODY {
                    continue;
                }
                let window = &mut windows[agent as usize];
                window.push(round);
                if window.len() > 2 * memory + 1 {
                    window.drain(..window.len() - memory);
                }
            }
        }
        out
    }

    /// The number of successes, and of interactions that were not void, in each stretch of `size` interactions.
    pub fn success_by_round(&self, size: u32) -> Vec<[u64; 2]> {
        let mut out = Vec::new();
        count_by_round(self.events.iter().map(|event| (event.t, event.success)), size, &mut out);
        out
    }
}

/// Adds events to the successes and the interactions that were not void of each population round.
pub(crate) fn count_by_round(events: impl Iterator<Item = (u64, Option<bool>)>, size: u32, out: &mut Vec<[u64; 2]>) {
    for (t, success) in events {
        let round = (t / u64::from(size)) as usize;
        if out.len() <= round {
            out.resize(round + 1, [0; 2]);
        }
        if let Some(success) = success {
            out[round][0] += u64::from(success);
            out[round][1] += 1;
        }
    }
}
