//! A job: what is to be run, and how it can end.

use crate::store::manifest::Build;
use crate::store::names::{PARTS, RUNS};
use crate::store::plan;
use cratylus_core::World;
use cratylus_core::experiment::{Budget, Point};
use cratylus_core::fault::Fault;
use cratylus_core::watch::measures::Measures;
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

/// An experiment that is ready to run.
pub struct Job<'a> {
    /// The text of the experiment file, as it will be kept.
    pub text: &'a str,
    /// The points of the sweep, in order.
    pub points: &'a [Point],
    /// One for each point.
    pub worlds: &'a [World],
    /// The files it reads, with their hashes.
    pub inputs: BTreeMap<String, String>,
    /// The folder that their paths are relative to.
    pub base: &'a Path,
    /// What the manifest says of the program.
    pub build: Build,
    /// How many units are played at once. It cannot change what comes of them.
    pub threads: usize,
    /// How often a long run is kept in the midst of it; never if None. It cannot change what comes of it, either.
    pub checkpoint: Option<Duration>,
    /// How live models are to be asked, where there are any.
    pub live: LiveOptions,
    /// What measures may read at any of its points, once somebody asked.
    pub reads: OnceLock<Vec<SmolStr>>,
}

/// How often a long run is kept, where nobody says.
pub const CHECKPOINT_EVERY: Duration = Duration::from_secs(60);

impl Job<'_> {
    /// Everything that measures may read at any of its points: `measures.parquet` has a column for each.
    pub(crate) fn reads(&self) -> &[SmolStr] {
        self.reads.get_or_init(|| {
            let mut known = BTreeSet::new();
            let of = |world: &World| Measures::new(&world.context(0), &world.experiment.registry.measures).reads().to_vec();
            self.worlds.iter().flat_map(of).filter(|name| known.insert(name.clone())).collect()
        })
    }

    /// Everything that decides the results: the text of `plan.toml`.
    pub(crate) fn plan(&self) -> String {
        plan::plan(&self.inputs, self.worlds, self.points)
    }
}

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Everything had been there before.
    AlreadyDone,
    /// The last of it was done now.
    Finished,
}

/// What stands in the way of running into a directory.
#[derive(Debug)]
pub enum Refused {
    /// The directory holds runs of another experiment: what differs, a line each.
    Changed(Vec<String>),
    /// Another process is writing.
    Held(String),
    /// Somebody asked to stop; what was done is kept.
    Interrupted,
    /// The budget is spent: which part of it.
    Spent(String),
    /// The disk, or a model, failed.
    Fault(Fault),
}

/// A stretch of one point's replicas, as run numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unit {
    pub point: usize,
    pub first: u64,
    pub last: u64,
    /// How many runs a cell has.
    pub cell: u64,
}

impl From<Fault> for Refused {
    fn from(trouble: Fault) -> Refused {
        Refused::Fault(trouble)
    }
}

impl Unit {
    pub(crate) fn file(&self, dir: &Path, table: &str) -> PathBuf {
        dir.join(PARTS).join(format!("{:08}-{:08}.{table}", self.first, self.last))
    }

    pub(crate) fn done(&self, dir: &Path) -> bool {
        self.file(dir, RUNS).exists()
    }

    pub(crate) fn runs(&self) -> u64 {
        self.last - self.first + 1
    }

    /// The number of the point's first run.
    pub(crate) fn base(&self, job: &Job<'_>) -> u64 {
        self.point as u64 * job.points[self.point].experiment.replicas
    }

    pub(crate) fn replicas(&self, job: &Job<'_>) -> Vec<u64> {
        (self.first - self.base(job)..=self.last - self.base(job)).collect()
    }

    /// Whether a cell ends with a run.
    pub(crate) fn ends(&self, run: u64) -> bool {
        run == self.last || (run - self.first + 1).is_multiple_of(self.cell)
    }
}

/// How a live job is to be asked.
#[derive(Clone, Debug, Default)]
pub struct LiveOptions {
    /// A store of answers that is shared with other runs.
    pub store: Option<PathBuf>,
    /// What may be spent, in this call.
    pub budget: Budget,
    /// A table of prices; the one inside this program by default.
    pub prices: Option<PathBuf>,
}
