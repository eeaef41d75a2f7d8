//! A run directory, to read: what ran here, was recorded elsewhere and imported, or is still running.

use crate::store::acts;
use crate::store::manifest::Manifest;
use crate::store::names::{ACTS, EXPERIMENT, INTERACTIONS, MEASURES, MEMORIES, MESSAGES, PARTS, RECORDED, RUNS};
use crate::store::rows::{self, WordColumns};
use crate::store::table;
use cratylus_core::experiment::{Document, Point};
use cratylus_core::fault::{Fault, at};
use cratylus_core::game::Hand;
use cratylus_core::spec::Registry;
use cratylus_core::summary::RunRow;
use cratylus_core::watch::facts::Facts;
use cratylus_core::watch::readings::Readings;
use cratylus_core::{Digest, DigestSeen, Name, PairEvent};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// What was recorded of a point's condition.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Recorded {
    /// Where the record is from.
    pub source: String,
    /// What follows from the record, in the shape in which results are shown.
    pub facts: Facts,
}

/// The folder that paths in a run directory's experiment are relative to.
pub fn base(dir: &Path) -> PathBuf {
    let base = Manifest::read(dir).ok().and_then(|manifest| manifest.base);
    base.map_or_else(|| dir.to_path_buf(), |base| dir.join(base))
}

/// A run directory.
#[derive(Clone, Debug)]
pub struct RunDir {
    /// Where it is, as it was opened.
    pub path: PathBuf,
    /// Whether all its runs are there; else what there is so far is read.
    pub finished: bool,
    /// The text of `experiment.toml`.
    pub experiment: String,
    /// The points of its sweep, in order.
    pub points: Vec<Point>,
    /// The rows of all runs, once somebody asked: those of a finished directory never change.
    known: OnceLock<Vec<RunRow>>,
}

/// What each agent remembered, oldest first, as own and partner's choice.
pub type KeptMemories = Vec<Vec<[String; 2]>>;

impl RunDir {
    /// Opens a finished directory.
    pub fn open(path: &Path, registry: &Arc<Registry>) -> Result<RunDir, Fault> {
        let dir = RunDir::open_so_far(path, registry)?;
        if !dir.finished {
            let why = "its runs are not finished; `cratylus run` with the same experiment finishes them, and `cratylus view` shows what there is";
            return Err(Fault::new(format!("{}: {why}", path.display())));
        }
        Ok(dir)
    }

    /// Opens a directory, finished or not.
    pub fn open_so_far(path: &Path, registry: &Arc<Registry>) -> Result<RunDir, Fault> {
        let file = path.join(EXPERIMENT);
        if !file.exists() {
            let why = match path.exists() {
                true if path.join(MESSAGES).exists() => "it holds messages alone, which `cratylus measure` takes",
                true => "it holds no experiment.toml",
                false => "it does not exist",
            };
            return Err(Fault::new(format!("{} is not a run directory: {why}", path.display())));
        }
        let experiment = crate::text::read(&file)?;
        let document = Document::parse_with(registry, &file.display().to_string(), &experiment, &[]).map_err(Fault)?;
        let points = document.points().map_err(Fault)?;
        Ok(RunDir { path: path.into(), finished: path.join(RUNS).exists(), points, experiment, known: OnceLock::new() })
    }

    /// The files that hold a table, in the order of their runs: one, or the parts that are whole.
    fn files(&self, table: &str) -> Result<Vec<PathBuf>, Fault> {
        if self.finished {
            return Ok(vec![self.path.join(table)]);
        }
        let parts = self.path.join(PARTS);
        let Ok(entries) = std::fs::read_dir(&parts) else { return Ok(Vec::new()) };
        // A part is whole once its rows of the runs are there; links are nobody's parts.
        let plain = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
        let names = plain.filter_map(|entry| entry.file_name().into_string().ok());
        let stems = names.filter_map(|name| name.strip_suffix(&format!(".{RUNS}")).map(String::from));
        let first = |stem: &String| stem.split('-').next().and_then(|first| first.parse::<u64>().ok());
        let mut whole: Vec<(u64, String)> = stems.filter_map(|stem| Some((first(&stem)?, stem))).collect();
        whole.sort_unstable();
        Ok(whole.into_iter().map(|(_, stem)| parts.join(format!("{stem}.{table}"))).filter(|file| file.exists()).collect())
    }

    /// Whether the interactions of runs are kept.
    pub fn has_interactions(&self) -> bool {
        self.files(INTERACTIONS).is_ok_and(|files| !files.is_empty() && files[0].exists())
    }

    /// The place of a run's point in the sweep.
    pub fn place(&self, run: u64) -> usize {
        (run / self.points[0].experiment.replicas) as usize % self.points.len()
    }

    /// The point that a run belongs to.
    pub fn point(&self, run: u64) -> &Point {
        &self.points[self.place(run)]
    }

    /// What was recorded beside each point, where the directory says so.
    pub fn recorded(&self) -> Result<Vec<Option<Recorded>>, Fault> {
        let file = self.path.join(RECORDED);
        if !file.exists() {
            return Ok(Vec::new());
        }
        let text = std::fs::read_to_string(&file).map_err(at("reading", &file))?;
        serde_json::from_str(&text).map_err(at("reading", &file))
    }

    /// How many runs there are, by what the files say.
    pub fn count(&self) -> Result<u64, Fault> {
        self.files(RUNS)?.iter().map(|file| table::count(file)).sum()
    }

    /// The rows of all runs that are there, in the order of their numbers.
    pub fn rows(&self) -> Result<Vec<RunRow>, Fault> {
        if let Some(rows) = self.known.get() {
            return Ok(rows.clone());
        }
        let mut rows = Vec::new();
        for file in self.files(RUNS)? {
            rows.extend(rows::runs(&table::read(&file, None)?, &self.points).map_err(at("reading", &file))?);
        }
        if self.finished {
            let _ = self.known.set(rows.clone());
        }
        Ok(rows)
    }

    /// Sees each run, in order: its readings, in as many pieces as they come in, and then nothing, with which it ends.
    pub fn each_measured(&self, mut see: impl FnMut(&RunRow, Option<&Readings>) -> Result<(), Fault>) -> Result<(), Fault> {
        let mut runs = self.rows()?.into_iter().peekable();
        for file in self.files(MEASURES)? {
            table::read_groups(&file, None, |group| {
                for (run, readings) in rows::readings(&group).map_err(at("reading", &file))? {
                    while let Some(row) = runs.next_if(|row| row.run < run) {
                        see(&row, None)?;
                    }
                    // A part that was finished since the runs were listed is not of theirs.
                    if let Some(row) = runs.peek().filter(|row| row.run == run) {
                        see(row, Some(&readings))?;
                    }
                }
                Ok(())
            })?;
        }
        runs.try_for_each(|row| see(&row, None))
    }

    /// Refuses where there are no interactions, by the experiment's choice or by a loss.
    fn played(&self) -> Result<(), Fault> {
        if self.path.join(INTERACTIONS).exists() {
            return Ok(());
        }
        let why = match self.points.iter().any(|point| point.experiment.record.interactions) {
            true => {
                "interactions.parquet is missing, though the experiment records interactions: it was lost or left behind; fetch it, or run the experiment again (`--fresh` keeps what is there)"
            }
            false => "its interactions were not recorded (`record.interactions = false`)",
        };
        Err(Fault::new(format!("{}: {why}", self.path.display())))
    }

    /// Sees each run with all its events, in order.
    pub fn each_played(&self, see: impl FnMut(RunRow, &[PairEvent]) -> Result<(), Fault>) -> Result<(), Fault> {
        self.played()?;
        let words = |run: u64| Ok(WordColumns::new(self.point(run).experiment.names()));
        self.each_run(INTERACTIONS, |group| rows::events(group, words), see)
    }

    /// Sees each run with all its events, and the option that each seat was shown first, where that was recorded.
    pub fn each_told(
        &self,
        see: impl FnMut(RunRow, &[(PairEvent, [Option<Name>; 2])]) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.played()?;
        let words = |run: u64| Ok(WordColumns::new(self.point(run).experiment.names()));
        self.each_run(INTERACTIONS, |group| rows::told(group, words), see)
    }

    /// Sees each run with all its rows in a table that is ordered by runs.
    fn each_run<T>(
        &self,
        table: &str,
        read: impl Fn(&table::Table) -> Result<Vec<(u64, T)>, String>,
        mut see: impl FnMut(RunRow, &[T]) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let mut runs = self.rows()?.into_iter().peekable();
        let mut held: Vec<T> = Vec::new();
        for file in self.files(table)? {
            table::read_groups(&file, None, |group| {
                for (run, item) in read(&group).map_err(at("reading", &file))? {
                    while let Some(row) = runs.next_if(|row| row.run < run) {
                        see(row, &held)?;
                        held.clear();
                    }
                    // A part that was finished since the runs were listed is not of theirs.
                    if runs.peek().is_some_and(|row| row.run == run) {
                        held.push(item);
                    }
                }
                Ok(())
            })?;
        }
        runs.try_for_each(|row| {
            see(row, &held)?;
            held.clear();
            Ok(())
        })
    }

    /// All readings of one run, in as many pieces as they come in.
    pub fn readings(&self, run: u64) -> Result<Vec<Readings>, Fault> {
        self.of_run(MEASURES, run, usize::MAX, rows::readings)
    }

    /// All events of one run, as far as they are kept; more than `most` are an error.
    pub fn events(&self, run: u64, most: usize) -> Result<Vec<PairEvent>, Fault> {
        let words = |run: u64| Ok(WordColumns::new(self.point(run).experiment.names()));
        self.of_run(INTERACTIONS, run, most, |group| rows::events(group, words))
    }

    /// Everything that was shown and done in a run, given its events of `interactions.parquet`; None where those are all.
    pub fn whole(&self, run: u64, events: &[PairEvent]) -> Result<Option<Vec<Hand>>, Fault> {
        let file = self.path.join(ACTS);
        if !file.exists() {
            return Ok(None);
        }
        let acts = self.of_run(ACTS, run, usize::MAX, acts::read)?;
        let group = self.point(run).experiment.population.groups.is_some();
        acts::whole(events, &acts, group).map(Some).map_err(at("reading", &file))
    }

    /// The rows of one run in a table that is ordered by runs; other stretches of the table are not read.
    fn of_run<T>(
        &self,
        table: &str,
        run: u64,
        most: usize,
        read: impl Fn(&table::Table) -> Result<Vec<(u64, T)>, String>,
    ) -> Result<Vec<T>, Fault> {
        let mut out = Vec::new();
        for file in self.files(table)? {
            table::read_groups_of(
                &file,
                None,
                |group| group.may_hold("run", run as i64),
                |_, table| {
                    let rows = read(&table).map_err(at("reading", &file))?;
                    out.extend(rows.into_iter().filter(|(of, _)| *of == run).map(|(_, row)| row));
                    match out.len() > most {
                        true => Err(Fault::new(format!("{}: run {run} has more than {most} rows", file.display()))),
                        false => Ok(()),
                    }
                },
            )?;
        }
        Ok(out)
    }

    /// What the agents of each run remembered at its start, where the directory says so itself.
    pub fn memories(&self) -> Result<BTreeMap<u64, KeptMemories>, Fault> {
        let file = self.path.join(MEMORIES);
        if !file.exists() {
            return Ok(BTreeMap::new());
        }
        let table = table::read(&file, None)?;
        read_memories(&table).map_err(at("reading", &file))
    }

    /// What the agents of a run remembered at its end.
    pub fn final_memories(&self, run: u64) -> Result<KeptMemories, Fault> {
        self.follows()?;
        let mut found = None;
        let starts = self.memories()?;
        self.each_played(|row, events| {
            if row.run == run {
                let experiment = &self.point(run).experiment;
                let mut memories = starts.get(&run).cloned().unwrap_or_else(|| declared_start(experiment));
                let word = |name: u32| experiment.names().get(name as usize).cloned().unwrap_or_else(|| format!("w{name}"));
                // Where nothing succeeds or fails, whoever chose remembers it.
                let open = !experiment.game.spec.succeeds();
                for event in events.iter().filter(|event| open || event.success.is_some()) {
                    let [Some(a), Some(b)] = event.names else { continue };
                    for (agent, own, partner) in [(event.agents[0], a, b), (event.agents[1], b, a)] {
                        memories[agent as usize].push([word(own), word(partner)]);
                    }
                }
                found = Some(memories);
            }
            Ok(())
        })?;
        found.ok_or_else(|| Fault::new(format!("{} has no run {run}", self.path.display())))
    }
}

impl RunDir {
    /// Refuses runs in which what agents remembered, or how they answered, does not follow from the events and the file
    /// alone, so that nothing is read into them.
    pub fn follows(&self) -> Result<(), Fault> {
        for point in &self.points {
            let experiment = &point.experiment;
            let why = match () {
                () if !experiment.interventions.is_empty() => {
                    "its populations were changed while they played (`interventions`), so no one response was at work in them"
                }
                () if experiment.opinions() => {
                    "in the game `opinion` agents look at those around them and remember nothing, so nothing of it can be told from recall"
                }
                () if experiment.population.start.shares.is_some() => {
                    "which agent started with which name (`population.start.shares`) is not kept, so what agents remembered at first is not known"
                }
                () => continue,
            };
            return Err(Fault::new(format!("{}: {why}", self.path.display())));
        }
        Ok(())
    }
}

/// The digest of a run's events, with everything that was shown and done in them where that is more.
pub fn digest(events: &[PairEvent], hands: Option<&[Hand]>) -> Digest {
    let mut digest = DigestSeen::default();
    match hands {
        Some(hands) => hands.iter().for_each(|hand| digest.see(&hand.event())),
        None => events.iter().for_each(|event| digest.see_pair(event)),
    }
    digest.end()
}

/// What an experiment says that agents remember at the start.
pub fn declared_start(experiment: &cratylus_core::experiment::Experiment) -> KeptMemories {
    let start = &experiment.population.start;
    let full = |name: &String| vec![[name.clone(), name.clone()]; experiment.memory()];
    let one = start.memory.clone().or(start.consensus.as_ref().map(full)).unwrap_or_default();
    vec![one; experiment.size() as usize]
}

fn read_memories(table: &table::Table) -> Result<BTreeMap<u64, KeptMemories>, String> {
    let (run, agent) = (table.ints("run")?, table.ints("agent")?);
    let (own, partner) = (table.texts("own")?, table.texts("partner")?);
    let mut runs: BTreeMap<u64, KeptMemories> = BTreeMap::new();
    for i in 0..table.rows() {
        let row = || Some((run[i]? as u64, usize::try_from(agent[i]? - 1).ok()?, own[i]?, partner[i]?));
        let (run, agent, own, partner) = row().ok_or_else(|| format!("row {i} is incomplete"))?;
        let agents = runs.entry(run).or_default();
        if agents.len() <= agent {
            if agent > 1 << 24 {
                return Err(format!("row {i}: no population has {agent} agents"));
            }
            agents.resize(agent + 1, Vec::new());
        }
        agents[agent].push([own.into(), partner.into()]);
    }
    Ok(runs)
}
