//! Runs an experiment into a directory: every run once, whatever interrupts it.
//!
//! The work is cut into cells, a stretch of one point's replicas each, and these are played in units of one or more. A
//! unit's rows go to files of its own under `parts/`, which take their names only when they are whole; when every unit
//! is there, they are joined into the tables of the directory, and the parts go. Row groups end where cells do, whatever
//! units these were played in, and joining copies them, so that what a single unit wrote is the table already. So a
//! process that is killed loses at most the units it was playing, what it leaves can be read, and the bytes at the end do
//! not depend on threads, on units or on how often it was started.

use crate::calls;
use crate::cells;
use crate::live::{self, LiveOptions, Studio, TAPE};
use crate::manifest::{Build, Manifest, now, relative, write_whole};
use crate::models::tape::Tape;
pub use crate::progress::Progress;
use crate::rows::{Interactions, Words, measures_table, runs, runs_table};
use crate::run_dir::{EXPERIMENT, INTERACTIONS, MEASURES, PLAN, RECORDED, RUNS, Recorded};
use crate::table::{self, GROUP, GROUP_LEAST, TableWriter};
use crate::world::{Trouble, at};
use cratylus_core::agent::Fault;
use cratylus_core::agents::emulated::Condition;
use cratylus_core::experiment::{Point, Sequential, searched};
use cratylus_core::fast::Block;
use cratylus_core::fast::counts::Tally;
use cratylus_core::groups::Groups;
use cratylus_core::measure::{Measures, Reading};
use cratylus_core::outcome::OutcomeSeen;
use cratylus_core::summary::RunRow;
use cratylus_core::threshold::{Answers, wanted};
use cratylus_core::{AgentId, Engine, Event, Sink, World, run};
use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

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
    /// How live models are to be asked, where there are any.
    pub live: LiveOptions,
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
    Trouble(Trouble),
}

impl From<Trouble> for Refused {
    fn from(trouble: Trouble) -> Refused {
        Refused::Trouble(trouble)
    }
}

pub(crate) const PARTS: &str = "parts";
const LOCK: &str = ".lock";
/// Events that a unit may have to hold back at most.
const HELD_MAX: u64 = 1 << 21;

/// A stretch of one point's replicas, as run numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unit {
    pub point: usize,
    pub first: u64,
    pub last: u64,
    /// How many runs a cell has.
    pub cell: u64,
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
    fn base(&self, job: &Job<'_>) -> u64 {
        self.point as u64 * job.points[self.point].experiment.replicas
    }

    fn replicas(&self, job: &Job<'_>) -> Vec<u64> {
        (self.first - self.base(job)..=self.last - self.base(job)).collect()
    }

    /// Whether a cell ends with a run.
    fn ends(&self, run: u64) -> bool {
        run == self.last || (run - self.first + 1).is_multiple_of(self.cell)
    }
}

/// Runs what is not there yet, and joins the tables.
pub fn conduct(job: &Job<'_>, dir: &Path, progress: &Progress) -> Result<Ended, Refused> {
    fs::create_dir_all(dir).map_err(at("making the folder", dir))?;
    let lock = hold(dir)?;
    if matches!(lock.try_lock(), Err(fs::TryLockError::Error(error)) if without_locks(&error)) {
        progress.note(format!(
            "{}: this folder has no locks, so nothing keeps another process from writing into it, too",
            dir.display()
        ));
    }
    tidy(dir);
    let plan = plan(job);
    match fs::read_to_string(dir.join(PLAN)) {
        Ok(before) if before == plan => (),
        // An earlier call failed before it had anything to keep: a mistake that was mended since.
        Ok(_) if untouched(dir) => {
            let _ = fs::remove_file(dir.join(TAPE));
            write_whole(&dir.join(PLAN), plan.as_bytes())?;
        }
        Ok(before) => return Err(Refused::Changed(differences(&before, &plan))),
        Err(_) if dir.join(RUNS).exists() => {
            return Err(Refused::Changed(vec!["it holds runs, and no plan.toml that says of what".into()]));
        }
        Err(_) => write_whole(&dir.join(PLAN), plan.as_bytes())?,
    }
    if dir.join(RUNS).exists() {
        let parts = dir.join(PARTS);
        if parts.exists() {
            fs::remove_dir_all(&parts).map_err(at("removing", &parts))?;
        }
        // Its calls are in a table already.
        let _ = fs::remove_file(dir.join(TAPE));
        if let Ok(mut manifest) = Manifest::read(dir)
            && manifest.ended.is_none()
        {
            end(&mut manifest, job, dir)?;
        }
        return Ok(Ended::AlreadyDone);
    }
    write_whole(&dir.join(EXPERIMENT), job.text.as_bytes())?;
    let parts = dir.join(PARTS);
    fs::create_dir_all(&parts).map_err(at("making the folder", &parts))?;
    let mut manifest =
        Manifest::read(dir).unwrap_or_else(|_| Manifest::new(job.build, job.points[0].experiment.seed, job.threads));
    manifest.inputs = job.inputs.clone();
    // Programs, model files and prices are looked for there, too.
    let needed = !job.inputs.is_empty() || job.worlds.iter().any(World::live);
    manifest.base = relative(dir, job.base).filter(|_| needed);
    manifest.models = World::each_once(job.worlds, |world| &world.sources);
    manifest.cautions = World::each_once(job.worlds, |world| &world.cautions);
    manifest.exit = "running".into();
    manifest.write(dir)?;
    let studio = match job.worlds.iter().any(World::live) {
        true => Some(Studio::open(job, dir, progress)?),
        false => None,
    };
    if let Some(studio) = &studio {
        manifest.servers = studio.setups();
        manifest.write(dir)?;
    }
    let recorded: Vec<Option<Recorded>> = job.worlds.iter().map(|world| world.recorded.as_ref().map(of_condition)).collect();
    write_whole(&dir.join(RECORDED), serde_json::to_string(&recorded).expect("facts are plain data").as_bytes())?;
    let played = match &job.points[0].experiment.sequential {
        Some(sequential) => play_until_known(job, dir, sequential, progress, studio.as_ref()),
        None => {
            let units = if cells::there(dir) { cells(job) } else { units(job) };
            progress.want(job.points.len(), &units);
            play(job, dir, &units, progress, studio.as_ref()).map(|()| units)
        }
    };
    let units = match played {
        Ok(units) => units,
        Err(refused) => {
            manifest.exit = match &refused {
                Refused::Trouble(trouble) => format!("failed: {trouble}"),
                Refused::Spent(what) => format!("the budget of {what} is spent"),
                _ => "interrupted".into(),
            };
            // The disk may be what failed, so this is tried and no more.
            let _ = manifest.write(dir);
            return Err(refused);
        }
    };
    if let Some(studio) = &studio {
        calls::write(dir, &studio.tapes.own)?;
        manifest.how_read = calls::how_read(&studio.tapes.own, &studio.models());
        manifest.cautions.extend(calls::cautions(&studio.tapes.own, &manifest.servers));
        manifest.cautions.dedup();
    }
    join(job, dir, &units)?;
    if studio.is_some() {
        let tape = dir.join(TAPE);
        fs::remove_file(&tape).map_err(at("removing", &tape))?;
    }
    fs::remove_dir_all(&parts).map_err(at("removing", &parts))?;
    end(&mut manifest, job, dir)?;
    Ok(Ended::Finished)
}

/// Removes what killed processes were writing.
fn tidy(dir: &Path) {
    let parts = dir.join(PARTS);
    for entry in [dir, &parts].into_iter().flat_map(fs::read_dir).flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') && name.ends_with(".tmp") {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Whether a directory holds neither runs nor answers.
fn untouched(dir: &Path) -> bool {
    let empty = |path: &Path| fs::read_dir(path).map_or(true, |mut entries| entries.next().is_none());
    let asked = || Tape::read(&dir.join(TAPE)).is_ok_and(|tape| !tape.is_empty());
    !dir.join(RUNS).exists() && empty(&dir.join(PARTS)) && !asked()
}

fn end(manifest: &mut Manifest, job: &Job<'_>, dir: &Path) -> Result<(), Trouble> {
    let file = dir.join(RUNS);
    let rows = runs(&table::read(&file, None)?, job.points).map_err(at("reading", &file))?;
    manifest.ended = Some(now());
    manifest.exit = "finished".into();
    manifest.digest = Some(digest(&rows));
    manifest.outcomes = Some(crate::belonging::outcomes(&rows));
    manifest.readings = table::count(&dir.join(MEASURES)).ok();
    manifest.write(dir)
}

fn of_condition(condition: &Condition) -> Recorded {
    Recorded { source: format!("{} ({})", condition.file, condition.label()), facts: condition.facts.clone() }
}

/// A hash over the digests of all runs, in hex.
pub fn digest(rows: &[RunRow]) -> String {
    use sha2::Digest;
    let mut hasher = sha2::Sha256::new();
    rows.iter().for_each(|row| hasher.update(row.outcome.digest.0.to_le_bytes()));
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Everything that decides the results, with nothing left to default: the text of `plan.toml`.
pub(crate) fn plan(job: &Job<'_>) -> String {
    let mut plan = toml::Table::new();
    plan.insert("format".into(), table::FORMAT.into());
    let inputs = job.inputs.iter().map(|(file, hash)| (file.clone(), toml::Value::from(hash.clone())));
    plan.insert("inputs".into(), toml::Table::from_iter(inputs).into());
    let models = World::each_once(job.worlds, |world| &world.identities);
    plan.insert("models".into(), toml::Value::Array(models.into_iter().map(toml::Value::from).collect()));
    plan.insert("points".into(), points_of(job.points));
    let text = toml::to_string(&plan).expect("a plan is plain data");
    format!("# Everything that decides the results of this directory, with nothing left to default.\n{text}")
}

/// What each point sets and is, with nothing left to default.
pub(crate) fn points_of(points: &[Point]) -> toml::Value {
    let points = points.iter().map(|point| {
        let mut table = toml::Table::new();
        let settings = point.settings.iter().map(|setting| (setting.key.clone(), setting.value.clone()));
        table.insert("swept".into(), toml::Table::from_iter(settings).into());
        table.extend(point.experiment.plan());
        toml::Value::Table(table)
    });
    toml::Value::Array(points.collect())
}

/// What differs between two plans, a line each.
pub(crate) fn differences(before: &str, after: &str) -> Vec<String> {
    let flat = |text: &str| {
        let mut out = BTreeMap::new();
        if let Ok(table) = text.parse::<toml::Table>() {
            flatten(String::new(), &toml::Value::Table(table), &mut out);
        }
        out
    };
    let (before, after) = (flat(before), flat(after));
    let mut lines = Vec::new();
    for key in before.keys().chain(after.keys().filter(|key| !before.contains_key(*key))) {
        let show = |value: Option<&String>| value.cloned().unwrap_or_else(|| "nothing".into());
        if before.get(key) != after.get(key) {
            lines.push(format!("{key}: was {}, is now {}", show(before.get(key)), show(after.get(key))));
        }
    }
    lines
}

fn flatten(key: String, value: &toml::Value, out: &mut BTreeMap<String, String>) {
    let under = |part: &str| if key.is_empty() { part.to_string() } else { format!("{key}.{part}") };
    match value {
        toml::Value::Table(table) => table.iter().for_each(|(part, value)| flatten(under(part), value, out)),
        toml::Value::Array(list) if list.iter().any(toml::Value::is_table) => {
            list.iter().enumerate().for_each(|(i, value)| flatten(under(&i.to_string()), value, out));
        }
        other => drop(out.insert(key, other.to_string())),
    }
}

/// Takes the directory for this process. The system lets go of it when the process ends, however it ends.
pub fn hold(dir: &Path) -> Result<File, Refused> {
    let mut file = lock(dir, File::try_lock)?;
    let path = dir.join(LOCK);
    let say = || -> std::io::Result<()> {
        file.set_len(0)?;
        writeln!(file, "process {} since {}", std::process::id(), now())
    };
    let mut say = say;
    say().map_err(at("writing", &path))?;
    Ok(file)
}

/// Takes a part in the directory, beside other processes that do.
pub(crate) fn share(dir: &Path) -> Result<File, Refused> {
    lock(dir, File::try_lock_shared)
}

fn lock(dir: &Path, lock: fn(&File) -> Result<(), fs::TryLockError>) -> Result<File, Refused> {
    let path = dir.join(LOCK);
    let open = File::options().read(true).write(true).create(true).truncate(false).open(&path);
    let file = open.map_err(at("writing", &path))?;
    // Whoever looks whether it is held holds it for a moment.
    let mut tries = 5;
    loop {
        match lock(&file) {
            Ok(()) => return Ok(file),
            Err(fs::TryLockError::WouldBlock) if tries > 0 => {
                tries -= 1;
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            Err(fs::TryLockError::WouldBlock) => {
                let holder = fs::read_to_string(&path).unwrap_or_default();
                let holder = if holder.trim().is_empty() { "another process" } else { holder.trim() };
                return Err(Refused::Held(holder.into()));
            }
            // A folder that knows no locks keeps nobody apart, and is no reason not to run.
            Err(fs::TryLockError::Error(error)) if without_locks(&error) => return Ok(file),
            Err(fs::TryLockError::Error(error)) => return Err(at("locking", &path)(error).into()),
        }
    }
}

/// Whether an error says that a file system has no locks: ENOLCK, ENOSYS, EOPNOTSUPP and ENOTSUPP of network folders.
fn without_locks(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::Unsupported || matches!(error.raw_os_error(), Some(37 | 38 | 95 | 524))
}

/// Whether a process is writing into the directory.
pub fn held(dir: &Path) -> bool {
    let Ok(file) = File::open(dir.join(LOCK)) else { return false };
    // It is let go at once; who wants it meanwhile tries again, as another who looks does here.
    (0..3).all(|i| {
        if i > 0 {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock))
    })
}

/// Cells of a point, where it has as many replicas.
const CELLS: u64 = 64;

/// The work of all processes, one cell in a unit.
pub(crate) fn cells(job: &Job<'_>) -> Vec<Unit> {
    every_point(job, CELLS)
}

/// The work of one process. Each unit waits for the disk to have its files, so a sweep of many points is cut coarsely.
fn units(job: &Job<'_>) -> Vec<Unit> {
    every_point(job, (256 / job.points.len() as u64).clamp(1, 16))
}

fn every_point(job: &Job<'_>, pieces: u64) -> Vec<Unit> {
    (0..job.points.len()).flat_map(|i| cut_up(job, i, 0, job.points[i].experiment.replicas, pieces)).collect()
}

/// Some of a point's replicas, from one up to but not with another, in about so many units of whole cells.
fn cut_up(job: &Job<'_>, point: usize, from: u64, to: u64, pieces: u64) -> Vec<Unit> {
    let world = &job.worlds[point];
    let longest = world.stop(0).most().max(1);
    // A run of live models may take hours, so each is kept as soon as it is over.
    let most = if world.live() { 1 } else { (HELD_MAX / longest).clamp(1, 256) };
    // What takes less time than to write it down is no work of its own.
    let least = (2 * GROUP_LEAST as u64).div_ceil(longest);
    let cell = (to - from).div_ceil(CELLS).max(least).min(most);
    let step = (to - from).div_ceil(pieces).next_multiple_of(cell).min(most / cell * cell);
    let base = point as u64 * job.points[point].experiment.replicas;
    let unit = |first: u64| Unit { point, first: base + first, last: base + (first + step).min(to) - 1, cell };
    (from..to).step_by(step as usize).map(unit).collect()
}

/// Plays what is wanted by what was played before, until nothing more is. Every look at the results waits for all the runs
/// that the look before it asked for, so which runs there are in the end depends on nothing but the experiment.
fn play_until_known(
    job: &Job<'_>,
    dir: &Path,
    sequential: &Sequential,
    progress: &Progress,
    studio: Option<&Studio>,
) -> Result<Vec<Unit>, Refused> {
    let searched = match &sequential.find {
        Some(find) => searched(job.points, &find.key).map_err(Trouble)?,
        None => Vec::new(),
    };
    let mut answers = vec![Answers::new(); job.points.len()];
    let mut all: Vec<Unit> = Vec::new();
    loop {
        let wanted = wanted(sequential, &searched, &answers);
        if wanted.is_empty() {
            all.sort_unstable_by_key(|unit| unit.first);
            return Ok(all);
        }
        let pieces = (16 / wanted.len() as u64).max(1);
        let units: Vec<Unit> =
            wanted.iter().flat_map(|wanted| cut_up(job, wanted.point, wanted.from, wanted.to, pieces)).collect();
        progress.want(job.points.len(), &units);
        play(job, dir, &units, progress, studio)?;
        for unit in &units {
            let file = unit.file(dir, RUNS);
            let rows = runs(&table::read(&file, None)?, job.points).map_err(at("reading", &file))?;
            answers[unit.point].extend(rows.iter().map(|row| sequential.asked().answer(&row.outcome, row.winner.as_deref())));
        }
        all.extend(units);
    }
}

pub(crate) fn play(
    job: &Job<'_>,
    dir: &Path,
    units: &[Unit],
    progress: &Progress,
    studio: Option<&Studio>,
) -> Result<(), Refused> {
    let (mut waiting, mut live) = (VecDeque::new(), Vec::new());
    for unit in units {
        if unit.done(dir) {
            let runs = unit.runs();
            progress.runs.fetch_add(runs, Ordering::Relaxed);
            progress.kept.fetch_add(runs, Ordering::Relaxed);
            if let Some(point) = progress.points().get(unit.point) {
                point.runs.fetch_add(runs, Ordering::Relaxed);
            }
        } else if job.worlds[unit.point].live() {
            live.push(*unit);
        } else {
            waiting.push_back(*unit);
        }
    }
    let waiting = Mutex::new(waiting);
    let failed: Mutex<Option<Refused>> = Mutex::new(None);
    let work = || {
        loop {
            let next = waiting.lock().expect("no panic while holding the list").pop_front();
            let Some(unit) = next else { return };
            if let Err(refused) = play_unit(job, dir, unit, progress) {
                waiting.lock().expect("no panic while holding the list").clear();
                failed.lock().expect("no panic while holding the error").get_or_insert(refused);
                return;
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..job.threads {
            scope.spawn(work);
        }
        work();
    });
    failed.into_inner().expect("no panic while holding the error").map_or(Ok(()), Err)?;
    studio.map_or(Ok(()), |studio| live::play(job, dir, live, studio, progress))
}

fn play_unit(job: &Job<'_>, dir: &Path, unit: Unit, progress: &Progress) -> Result<(), Refused> {
    let world = &job.worlds[unit.point];
    let replicas = unit.replicas(job);
    let mut recorder = Recorder::new(job, unit, dir, progress)?;
    if let Err(fault) = run(world, &replicas, Engine::Fastest, &mut recorder) {
        return Err(match progress.stop.load(Ordering::Relaxed) {
            true => Refused::Interrupted,
            false => Trouble::new(fault.0).into(),
        });
    }
    recorder.finish(job.points)?;
    Ok(())
}

/// Reads a unit's events: writes them in the order of the runs, and keeps outcomes and readings.
pub(crate) struct Recorder<'a> {
    base: u64,
    world: &'a World,
    words: Words,
    unit: Unit,
    interactions: Option<(TableWriter, Interactions)>,
    measures: TableWriter,
    readings: Vec<(u64, Reading)>,
    /// The runs that are not written yet, in order. The first writes as it goes, the others wait for it.
    open: VecDeque<OpenRun>,
    rows: Vec<RunRow>,
    runs_file: PathBuf,
    progress: &'a Progress,
}

struct OpenRun {
    replica: u64,
    /// Where agents are language models, which kind each agent is.
    kinds: Option<Vec<u16>>,
    /// Where groups meet, which, and who met last.
    groups: Option<(Arc<Groups>, Vec<AgentId>)>,
    /// Interactions that wait for those of runs before.
    waiting: Interactions,
    readings: Vec<Reading>,
    measures: Measures,
    outcome: OutcomeSeen,
    over: bool,
}

impl<'a> Recorder<'a> {
    pub fn new(job: &Job<'a>, unit: Unit, dir: &Path, progress: &'a Progress) -> Result<Recorder<'a>, Trouble> {
        let (world, replicas) = (&job.worlds[unit.point], unit.replicas(job));
        let words = Words::new(world.experiment.names());
        // All points of an experiment have the columns that any of them needs.
        let any = |of: fn(&World) -> bool| job.worlds.iter().any(of);
        let (live, alias, groups) = (any(World::live), any(|world| world.experiment.control.alias), any(World::in_groups));
        let rows = || {
            let mut rows = Interactions::new(&words);
            if live {
                rows = rows.of_models(alias);
            }
            if groups { rows.of_groups() } else { rows }
        };
        let open = replicas.iter().map(|&replica| {
            let context = world.context(replica);
            let (measures, outcome) = (Measures::new(&context), OutcomeSeen::new(&context));
            let kinds = world.live().then(|| world.assign(world.seed(replica)));
            let groups = world.groups(world.seed(replica)).ok().flatten().filter(|_| world.experiment.record.interactions);
            let groups = groups.map(|groups| (groups, Vec::new()));
            OpenRun { replica, kinds, groups, waiting: rows(), readings: Vec::new(), measures, outcome, over: false }
        });
        let interactions = match world.experiment.record.interactions {
            true => Some((rows().create(&unit.file(dir, INTERACTIONS))?, rows())),
            false => None,
        };
        let open = open.collect();
        Ok(Recorder {
            base: unit.base(job),
            words,
            interactions,
            measures: TableWriter::create(&unit.file(dir, MEASURES), &measures_table(&[]))?,
            readings: Vec::new(),
            open,
            rows: Vec::new(),
            runs_file: unit.file(dir, RUNS),
            progress,
            unit,
            world,
        })
    }

    /// Writes what the first open run has so far, and closes those that are over.
    fn advance(&mut self) -> Result<(), Trouble> {
        while let Some(first) = self.open.front_mut() {
            let number = self.base + first.replica;
            let ended = first.over && self.unit.ends(number);
            if let Some((writer, rows)) = &mut self.interactions {
                if !first.waiting.is_empty() {
                    rows.append(&mut first.waiting);
                }
                rows.write(writer, &self.words, ended)?;
            }
            if let Some(point) = self.progress.points().get(self.unit.point) {
                point.see(self.world.experiment.size(), &first.readings);
            }
            self.readings.extend(first.readings.drain(..).map(|reading| (number, reading)));
            let whole = self.readings.len() / GROUP * GROUP;
            let end = if ended { self.readings.len() } else { whole };
            for group in self.readings[..end].chunks(GROUP) {
                self.measures.write(&measures_table(group))?;
            }
            self.readings.drain(..end);
            if !first.over {
                return Ok(());
            }
            let done = self.open.pop_front().expect("there is a first");
            let outcome = done.outcome.end();
            if let Some(point) = self.progress.points().get(self.unit.point) {
                point.runs.fetch_add(1, Ordering::Relaxed);
                point.reached.fetch_add(u64::from(outcome.consensus), Ordering::Relaxed);
                point.void.fetch_add((outcome.void_share * outcome.interactions as f64).round() as u64, Ordering::Relaxed);
            }
            let context = self.world.context(done.replica);
            self.rows.push(RunRow {
                run: number,
                replica: done.replica,
                seed: Some(self.world.seed(done.replica).0),
                winner: outcome.winner.map(|name| context.word(name)),
                outcome,
                committed: context.committed.map_or(Vec::new(), |(_, agents)| agents),
            });
        }
        Ok(())
    }

    /// Counts what was played, unless it is to be stopped.
    fn played(&self, interactions: u64) -> Result<(), Fault> {
        if self.progress.stop.load(Ordering::Relaxed) {
            return Err(Fault("interrupted".into()));
        }
        self.progress.interactions.fetch_add(interactions, Ordering::Relaxed);
        if let Some(point) = self.progress.points().get(self.unit.point) {
            point.interactions.fetch_add(interactions, Ordering::Relaxed);
        }
        Ok(())
    }

    fn find(&mut self, replica: u64) -> &mut OpenRun {
        self.open.iter_mut().find(|run| run.replica == replica).expect("events come only from runs that are not over")
    }

    /// Where the interactions of a run go: to the file, or to wait for those of runs before.
    fn rows_of(&mut self, replica: u64) -> &mut Interactions {
        if self.open.front().is_some_and(|first| first.replica == replica && first.waiting.is_empty()) {
            return &mut self.interactions.as_mut().expect("they are kept").1;
        }
        &mut self.find(replica).waiting
    }

    pub fn finish(mut self, points: &[Point]) -> Result<(), Trouble> {
        if let Some((writer, _)) = self.interactions.take() {
            writer.finish()?;
        }
        self.measures.finish()?;
        // The rows of the runs come last: where they are, the rest is.
        table::write(&self.runs_file, &runs_table(points, &self.rows))
    }
}

impl Sink for Recorder<'_> {
    fn take(&mut self, replica: u64, events: &[Event]) -> Result<(), Fault> {
        self.played(events.len() as u64)?;
        let (keep, number, world) = (self.interactions.is_some(), self.base + replica, self.world);
        let run = self.find(replica);
        for event in events {
            run.outcome.see(event);
            run.measures.see(event, &mut run.readings);
            if !keep {
                continue;
            }
            run.waiting.push(number, event);
            let hearers = run.groups.as_mut().map(|(groups, members)| {
                groups.meet(world.seed(replica), event.t, members);
                &members[1..]
            });
            run.waiting.push_hearers(hearers);
            let shown = run.kinds.as_ref().map(|kinds| world.shown(world.seed(replica), kinds, event));
            run.waiting.push_shown(event, shown.unwrap_or_default());
        }
        self.advance().map_err(|trouble| Fault(trouble.0))
    }

    fn block(&mut self, replica: u64, block: &Block) -> Result<(), Fault> {
        self.played((block.n - block.first) as u64)?;
        let (keep, number) = (self.interactions.is_some(), self.base + replica);
        let run = self.find(replica);
        run.outcome.see_block(block);
        run.measures.see_block(block, &mut run.readings);
        if keep {
            self.rows_of(replica).push_block(number, block);
        }
        self.advance().map_err(|trouble| Fault(trouble.0))
    }

    fn tally(&mut self, replica: u64, tally: &Tally) -> Result<(), Fault> {
        self.played(tally.end - tally.start)?;
        let run = self.find(replica);
        run.outcome.see_tally(tally);
        run.measures.see_tally(tally, &mut run.readings);
        self.advance().map_err(|trouble| Fault(trouble.0))
    }

    fn end(&mut self, replica: u64) -> Result<(), Fault> {
        let run = self.find(replica);
        run.measures.end(&mut run.readings);
        run.over = true;
        self.progress.runs.fetch_add(1, Ordering::Relaxed);
        self.advance().map_err(|trouble| Fault(trouble.0))
    }
}

/// Joins the units' tables into those of the directory, `runs.parquet` last: where it is, everything is.
fn join(job: &Job<'_>, dir: &Path, units: &[Unit]) -> Result<(), Trouble> {
    let mut tables = vec![MEASURES, RUNS];
    if job.points.iter().any(|point| point.experiment.record.interactions) {
        tables.insert(0, INTERACTIONS);
    }
    for name in tables {
        let parts: Vec<PathBuf> = units.iter().map(|unit| unit.file(dir, name)).filter(|part| part.exists()).collect();
        let to = dir.join(name);
        // What one unit wrote may be the table as it is: a second name in place of a second writing. Not every file system
        // has such, nor is there always room for the name.
        let named = match &parts[..] {
            [only] if table::is_joined(only)? => fs::hard_link(only, &to).is_ok(),
            _ => false,
        };
        if !named {
            table::join(&parts, &to)?;
        }
    }
    Ok(())
}
