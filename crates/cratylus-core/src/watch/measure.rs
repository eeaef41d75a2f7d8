//! A measure is a fold over a run's events. It never sees an agent, so what it says while a run goes on
//! and what it says years later from the file are the same.

use crate::categories::Seen;
use crate::event::Event;
use crate::event::block::Block;
use crate::event::tally::Tally;
use crate::kept::Keep;
use crate::signals::SignalScenes;
use crate::symbols::SymbolRun;
use crate::watch::committed::CommittedAt;
use crate::watch::knowing::Knowing;
use crate::watch::stop::Consensus;
use crate::{AgentId, Name};

/// The name of a column, which costs nothing to hand on.
pub use smol_str::SmolStr;

/// A score of an episode, in games of many moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Score {
    /// What it is called.
    pub name: &'static str,
    /// What it says, with its source.
    pub words: &'static str,
    /// Whether it is a share, from 0 to 1.
    pub share: bool,
}

/// What a measure may know of a run besides its events.
#[derive(Clone, Debug)]
pub struct RunContext {
    /// The number of agents, and of interactions in a population round.
    pub size: u64,
    /// The pool; empty in a game without one.
    pub names: Vec<String>,
    /// Whether agents start with empty memories.
    pub empty_start: bool,
    /// The committed minority's name, and the sorted agents that are committed.
    pub committed: Option<(Name, Vec<AgentId>)>,
    /// Where interventions change who is committed: from which interaction on, and the sorted agents that are from then on.
    pub committed_later: Vec<(u64, Vec<AgentId>)>,
    /// Whether one agent is asked alone: then there are no rounds, and only answers are counted.
    pub alone: bool,
    /// What counts as consensus.
    pub consensus: Consensus,
    /// Whether more is shown and done than that two seats say names, so that there may be pay and numbers to read.
    pub acts: bool,
    /// Whether any agent is a language model, whose answers may be unusable.
    pub live: bool,
    /// In the naming game, what agents know at the start and how they learn.
    pub knowing: Option<Knowing>,
    /// In the category game, what agents see, from which their categories follow.
    pub scenes: Option<Seen>,
    /// In a signalling game, what it deals, where the same agents play it to the end.
    pub signals: Option<SignalScenes>,
    /// What an episode is scored by, in games of many moves.
    pub scores: &'static [Score],
    /// In the game `symbols`, what there is and how it is played.
    pub symbols: Option<SymbolRun>,
    /// After how many interactions there are readings, where it is not after every population round.
    pub round: Option<u64>,
    /// Which measures are kept, by their names; None where all are.
    pub measures: Option<Vec<String>>,
    /// Whether there are numbers alone, and no events.
    pub counts: bool,
}

impl RunContext {
    /// Of a population of agents that start with empty memories, of whom none is committed and none a language model.
    pub fn of(size: u64, names: Vec<String>, consensus: Consensus) -> RunContext {
        RunContext {
            size,
            names,
            empty_start: true,
            committed: None,
            committed_later: Vec::new(),
            alone: false,
            acts: false,
            consensus,
            live: false,
            knowing: None,
            scenes: None,
            signals: None,
            scores: &[],
            symbols: None,
            round: None,
            measures: None,
            counts: false,
        }
    }
}

impl RunContext {
    /// Who is committed, over the whole run.
    pub fn committed_at(&self) -> CommittedAt {
        let first = self.committed.as_ref().map_or(Vec::new(), |(_, agents)| agents.clone());
        CommittedAt { first, later: self.committed_later.clone() }
    }

    /// A name in words.
    pub fn word(&self, name: Name) -> String {
        self.names.get(name as usize).cloned().unwrap_or_else(|| format!("w{name}"))
    }
}

/// A fold over the events of one run. What it reads may depend on them and on the context it was started with alone. It
/// can be written and read (`#[derive(Deserialize, Serialize)]`), so that a run can go on after an interruption.
pub trait Measure: Keep + Send {
    /// Everything that it may read of this run: the columns of its readings. Nothing of a run in which it has nothing to read.
    fn reads(&self) -> Vec<SmolStr>;

    /// Takes in the next event.
    fn see(&mut self, event: &Event<'_>);

    /// Interactions `from..to` of a block. Measures that can count bits do.
    fn see_block(&mut self, block: &Block, from: usize, to: usize) {
        (from..to).for_each(|i| block.event(i).show(|event| self.see(event)));
    }

    /// A stretch of a run of which there are numbers alone, for measures that [`MeasureEntry::counts`].
    fn see_tally(&mut self, _tally: &Tally) {}

    /// The end of a population round, or of the run in the midst of one, after `t` interactions: readings of what was seen
    /// since the last. `out` has a place for each of [`reads`](Measure::reads), which holds NaN until something is read.
    fn round(&mut self, _t: u64, _out: &mut [f64]) {}

    /// The end of the run: readings of all of it, in the same places.
    fn end(&mut self, _t: u64, _out: &mut [f64]) {}
}

/// A registry's line: what a measure is called, what it says, and how to start it.
#[derive(Clone, Copy)]
pub struct MeasureEntry {
    /// What it writes, with the names of further ones that come with it.
    pub name: &'static str,
    /// Definition and source, for readers.
    pub words: &'static str,
    /// Starts it for one run.
    pub new: fn(&RunContext) -> Box<dyn Measure>,
    /// Whether it can be had of numbers alone.
    pub counts: bool,
    /// Those of its readings that tables and figures show as they are, whatever the game.
    pub courses: &'static [Course],
}

/// Readings of a run that are shown over runs: as a course over population rounds, and as one value of each run.
#[derive(Clone, Copy, Debug)]
pub struct Course {
    /// What is read; where it is of names, without the name.
    pub measure: &'static str,
    /// What it is called in a table, before the name where it is of one; empty for what figures alone show.
    pub label: &'static str,
    /// Whether it is a share, from 0 to 1.
    pub share: bool,
    /// Whether the value of a run is the mean over its second half, and not the last.
    pub late: bool,
    /// Whether it is shown in those games alone in which agents do not agree on names.
    pub where_none_agree: bool,
}

impl Course {
    /// One of which the last value of each run is shown.
    pub const fn at_end(measure: &'static str, label: &'static str, share: bool) -> Course {
        Course { measure, label, share, late: false, where_none_agree: false }
    }

    /// One of which the mean over the second half of each run is shown.
    pub const fn late(measure: &'static str, label: &'static str, share: bool) -> Course {
        Course { measure, label, share, late: true, where_none_agree: false }
    }
}

impl MeasureEntry {
    /// What it is called in an experiment file: the first of its names, without what stands for a name of the pool.
    pub fn key(&self) -> &'static str {
        self.name.split([':', ',']).next().expect("split gives at least one")
    }
}
