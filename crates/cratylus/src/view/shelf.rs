//! The folder: which run directories are in it, and a line on each. Lines are read on a thread of their own and kept until
//! something in their directory changes, so a list of a thousand is there at once and fills as it is looked at.

use super::asked::{Query, Wrong};
use super::population::Watched;
use super::stamps::{one_stamp, stamp, version};
use super::{calls, run, training};
use crate::caller::registry;
use crate::failure::Failure;
use crate::findings::{FINDINGS, kept};
use crate::results::merge;
use crate::signals;
use crate::words::claim;
use cratylus_audit::finding::Finds;
use cratylus_core::stats::Proportion;
use cratylus_io::conduct::held;
use cratylus_io::models::tape::Tape;
use cratylus_io::store::manifest::Manifest;
use cratylus_io::store::names::{
    ACTS, CALLS, EXPERIMENT, INTERACTIONS, MANIFEST, MEASURES, MEMORIES, MESSAGES, PLAN, PROMPTS, RECORDED, RUNS,
};
use cratylus_io::store::run_dir::RunDir;
use cratylus_io::store::table;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// How deep below the folder run directories are looked for.
const DEPTH: usize = 4;
/// How many things that took long to read are kept.
const KEPT: usize = 4;

pub struct Shelf {
    root: PathBuf,
    inner: Arc<Inner>,
    runs: Kept<Value>,
    watched: Kept<Arc<Watched>>,
    found: Kept<Arc<calls::Matches>>,
}

#[derive(Default)]
struct Inner {
    /// What is known of each directory, and when that was so.
    lines: Mutex<BTreeMap<String, (String, Value)>>,
    waiting: Mutex<BTreeMap<String, (PathBuf, String)>>,
    reading: AtomicBool,
}

/// The last few of something, by what they were read from.
struct Kept<T> {
    last: Mutex<VecDeque<(String, T)>>,
    /// Held while something is read, so that what two ask for at once is read once, and nothing large twice.
    reading: Mutex<()>,
}

impl<T: Clone> Kept<T> {
    fn new() -> Kept<T> {
        Kept { last: Mutex::default(), reading: Mutex::default() }
    }

    fn known(&self, key: &str) -> Option<T> {
        whole(&self.last).iter().find(|(known, _)| known == key).map(|(_, value)| value.clone())
    }

    fn get(&self, key: String, read: impl FnOnce() -> Result<T, Wrong>) -> Result<T, Wrong> {
        if let Some(value) = self.known(&key) {
            return Ok(value);
        }
        let _one = whole(&self.reading);
        if let Some(value) = self.known(&key) {
            return Ok(value);
        }
        // Room is made before it is filled: what is kept may be large.
        whole(&self.last).truncate(KEPT - 1);
        let value = read()?;
        whole(&self.last).push_front((key, value.clone()));
        Ok(value)
    }
}

/// A lock whose holder may have met a damaged file and panicked; what it guards is whole at any time.
fn whole<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Shelf {
    pub fn new(dir: &Path) -> Result<Shelf, Failure> {
        let root = dir.canonicalize().map_err(|error| {
            Failure::input(format!("cannot open {}: {error}", dir.display()))
                .help("give the folder that holds run directories; `cratylus run` writes them into `runs`")
        })?;
        if !root.is_dir() {
            return Err(Failure::input(format!("{} is a file; the viewer shows a folder of run directories", dir.display())));
        }
        Ok(Shelf { root, inner: Arc::default(), runs: Kept::new(), watched: Kept::new(), found: Kept::new() })
    }

    pub fn len(&self) -> usize {
        self.dirs().len()
    }

    /// Every run directory, by its path in the folder.
    fn dirs(&self) -> Vec<(String, PathBuf)> {
        let mut found = Vec::new();
        if is_run_dir(&self.root) || training::is_one(&self.root) {
            found.push((".".into(), self.root.clone()));
        } else {
            descend(&self.root, "", DEPTH, &mut found);
        }
        found.sort();
        found
    }

    /// The run directory of an id. It lies in the folder whatever the id says, links included.
    pub fn dir(&self, id: &str) -> Result<PathBuf, Wrong> {
        self.of_id(id, is_run_dir, || Wrong::missing("there is no such run directory here"))
    }

    /// The folder of a training, likewise.
    pub fn training(&self, id: &str) -> Result<PathBuf, Wrong> {
        self.of_id(id, training::is_one, || Wrong::missing("there is no such model here"))
    }

    fn of_id(&self, id: &str, is: fn(&Path) -> bool, missing: impl Fn() -> Wrong) -> Result<PathBuf, Wrong> {
        let word = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains(['\\', '\0', ':']);
        if id != "." && !id.split('/').all(word) {
            return Err(missing());
        }
        let dir = self.root.join(id).canonicalize().map_err(|_| missing())?;
        if !dir.starts_with(&self.root) || !is(&dir) {
            return Err(missing());
        }
        plain(&dir).map_err(Wrong::asked)?;
        Ok(dir)
    }

    /// What is known of every directory so far. What is not known, or changed since, is read meanwhile.
    pub fn list(&self) -> Value {
        let dirs = self.dirs();
        let mut lines = whole(&self.inner.lines);
        lines.retain(|id, _| dirs.binary_search_by(|(known, _)| known.cmp(id)).is_ok());
        let (mut reading, mut stale) = (0, false);
        let mut out = Vec::with_capacity(dirs.len());
        for (id, path) in dirs {
            if training::is_one(&path) {
                let stamp = training::stamp(&path);
                out.push(match plain(&path) {
                    Ok(()) => training::line(&id, &path, &stamp),
                    Err(why) => json!({ "id": id, "kind": "training", "name": name(&path), "trouble": why, "stamp": stamp }),
                });
                continue;
            }
            let now = stamp(&path);
            let known = lines.get(&id);
            reading += usize::from(known.is_none());
            if known.is_none_or(|(then, _)| *then != now) {
                stale = true;
                whole(&self.inner.waiting).entry(id.clone()).or_insert((path.clone(), now));
            }
            // Who is writing can change without any file changing.
            let mut line = known.map_or_else(|| json!({ "id": id, "name": name(&path) }), |(_, line)| line.clone());
            let (state, says) = state(&path);
            (line["state"], line["says"]) = (state.into(), says.into());
            out.push(line);
        }
        drop(lines);
        if stale && !self.inner.reading.swap(true, Ordering::AcqRel) {
            let inner = self.inner.clone();
            std::thread::spawn(move || inner.read());
        }
        json!({ "folder": name(&self.root), "version": version(), "reading": reading, "runs": out })
    }

    pub fn run(&self, id: &str, dir: &Path) -> Result<Value, Wrong> {
        let stamp = stamp(dir);
        let (state, says) = state(dir);
        self.runs.get(format!("{} {state} {stamp}", dir.display()), || run::describe(id, dir, &stamp, state, says))
    }

    pub fn population(&self, dir: &Path, query: &Query) -> Result<Arc<Watched>, Wrong> {
        let run = query.number("run", 0)?;
        let object: f64 = query.number("object", 0.5)?;
        if !(0.0..=1.0).contains(&object) {
            return Err(Wrong::asked(format!("`object` is a place on a line from 0 to 1, not {object}")));
        }
        // A finished run does not change while others of its directory are played; the directory may be another by now.
        let started = Manifest::read(dir).map(|manifest| manifest.started).unwrap_or_default();
        let which = [EXPERIMENT, PLAN].map(|file| one_stamp(&dir.join(file)));
        let key = format!("{run} {object} {} {started} {which:?}", dir.display());
        self.watched.get(key, || Watched::of(dir, run, object).map(Arc::new))
    }

    pub fn calls(&self, dir: &Path, query: &Query) -> Result<Value, Wrong> {
        let key = format!("{} {} {} {}", query.text("only"), query.text("find"), dir.display(), stamp(dir));
        let matches = self.found.get(key, || calls::matches(dir, query).map(Arc::new))?;
        calls::page(dir, query, &matches)
    }
}

impl Inner {
    fn read(&self) {
        loop {
            let next = whole(&self.waiting).first_key_value().map(|(id, next)| (id.clone(), next.clone()));
            let Some((id, (path, stamp))) = next else { break };
            // A damaged directory is a line that says so.
            let line = std::panic::catch_unwind(|| line(&id, &path, &stamp))
                .unwrap_or_else(|_| json!({ "id": id, "name": name(&path), "trouble": "it cannot be read", "stamp": stamp }));
            whole(&self.waiting).remove(&id);
            whole(&self.lines).insert(id, (stamp, line));
        }
        self.reading.store(false, Ordering::Release);
    }
}

fn is_run_dir(dir: &Path) -> bool {
    let there = |file: &str| dir.join(file).is_file();
    // Imported messages are of no experiment, and have no runs.
    there(EXPERIMENT) || there(RUNS) || there(MANIFEST) && !there(MESSAGES)
}

fn descend(dir: &Path, id: &str, depth: usize, found: &mut Vec<(String, PathBuf)>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        // Links are not followed: they may lead anywhere.
        let (Ok(kind), Ok(name)) = (entry.file_type(), entry.file_name().into_string()) else { continue };
        if !kind.is_dir() || name.starts_with('.') || name.contains(['\\', ':']) {
            continue;
        }
        let id = if id.is_empty() { name } else { format!("{id}/{name}") };
        if is_run_dir(&entry.path()) || training::is_one(&entry.path()) {
            found.push((id, entry.path()));
        } else if depth > 1 {
            descend(&entry.path(), &id, depth - 1, found);
        }
    }
}

fn name(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// How a directory stands, and why it does where it stopped.
fn state(dir: &Path) -> (&'static str, Option<String>) {
    if dir.join(RUNS).exists() {
        return ("finished", None);
    }
    if held(dir) {
        return ("running", None);
    }
    match Manifest::read(dir).map(|manifest| manifest.exit).unwrap_or_default() {
        exit if exit == "in parts" => ("cells", None),
        exit if exit.starts_with("failed: ") => ("failed", Some(exit["failed: ".len()..].into())),
        exit if exit == "running" || exit == "interrupted" => ("interrupted", None),
        exit => ("interrupted", Some(exit).filter(|exit| !exit.is_empty())),
    }
}

/// A line on a directory.
fn line(id: &str, path: &Path, stamp: &str) -> Value {
    let mut line = json!({ "id": id, "name": name(path), "stamp": stamp });
    match more(path) {
        Ok(more) => merge(&mut line, more),
        Err(Wrong(_, why)) => line["trouble"] = why.into(),
    }
    line
}

/// Refuses a directory in which a file that would be read is a link, which may lead anywhere, a pipe or a device, which may
/// never end, or a text of a size that nobody wrote.
fn plain(dir: &Path) -> Result<(), String> {
    const TEXT_MAX: u64 = 64 << 20;
    let files = [
        training::FILES.as_slice(),
        &[
            EXPERIMENT,
            MANIFEST,
            PLAN,
            RECORDED,
            FINDINGS,
            cratylus_io::store::names::TAPE,
            RUNS,
            INTERACTIONS,
            ACTS,
            MEASURES,
            MEMORIES,
            CALLS,
            PROMPTS,
        ],
    ]
    .concat();
    for file in files {
        let Ok(about) = std::fs::symlink_metadata(dir.join(file)) else { continue };
        if !about.is_file() {
            return Err(format!("its {file} is a link, or no ordinary file"));
        }
        let table = file.ends_with(".parquet") || file == cratylus_io::store::names::TAPE;
        if !table && about.len() > TEXT_MAX {
            return Err(format!("its {file} is larger than {} MiB", TEXT_MAX >> 20));
        }
    }
    match std::fs::symlink_metadata(dir.join("parts")) {
        Ok(about) if !about.is_dir() => Err("its parts are a link".into()),
        _ => Ok(()),
    }
}

/// More runs than are listed.
const RUNS_MAX: u64 = 5_000_000;

fn more(path: &Path) -> Result<Value, Wrong> {
    plain(path).map_err(Wrong::asked)?;
    if signals::meant(path) {
        return Ok(signals::line(path)?);
    }
    let dir = RunDir::open_so_far(path, &registry())?;
    if dir.count()? > RUNS_MAX {
        return Err(Wrong::asked(format!("it holds more than {} runs", crate::words::count(RUNS_MAX))));
    }
    let manifest = Manifest::read(path).ok();
    let rows = dir.rows()?;
    let experiment = &dir.points[0].experiment;
    let mut sizes: Vec<u64> = dir.points.iter().map(|point| point.experiment.size()).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let mut agents: Vec<String> = Vec::new();
    for point in &dir.points {
        for words in run::agents(&point.experiment) {
            // Of a sweep over committed groups the list says whose they are, and not how many.
            let words = words.split_once(" committed to ").map_or(words.clone(), |(_, name)| format!("committed to {name}"));
            if !agents.contains(&words) {
                agents.push(words);
            }
        }
    }
    let reached = rows.iter().filter(|row| row.outcome.consensus).count() as u64;
    let mut winners: BTreeMap<&str, u64> = BTreeMap::new();
    rows.iter()
        .filter(|row| row.outcome.consensus)
        .filter_map(|row| row.winner.as_deref())
        .for_each(|name| *winners.entry(name).or_default() += 1);
    let mut winners: Vec<(&str, u64)> = winners.into_iter().collect();
    winners.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    let alone = experiment.alone();
    let (calls, usd) = cost(path, &dir)?;
    let done = rows.len() as u64;
    let all = experiment.replicas * dir.points.len() as u64;
    // How many there will be is not known where that depends on what they give.
    let runs = if dir.finished { Some(done) } else { experiment.sequential.is_none().then_some(all) };
    Ok(json!({
        "name": experiment.name,
        "claim": claim(&dir.experiment),
        "game": experiment.game.kind,
        "agents": agents,
        "sizes": sizes,
        "points": dir.points.len(),
        "replicas": experiment.replicas,
        "runs": runs,
        "done": done,
        "consensus": (!alone && done > 0).then(|| Proportion::new(reached, done)),
        "winners": winners.iter().take(3).map(|(name, count)| json!({ "name": name, "count": count, "share": *count as f64 / reached as f64 })).collect::<Vec<_>>(),
        "calls": calls,
        "usd": usd,
        "audits": audits(path)?,
        "started": manifest.as_ref().map(|manifest| &manifest.started),
        "ended": manifest.as_ref().and_then(|manifest| manifest.ended.as_ref()),
        "digest": manifest.as_ref().and_then(|manifest| manifest.digest.as_ref()),
    }))
}

/// Calls of live models, and what they cost.
fn cost(path: &Path, dir: &RunDir) -> Result<(Option<u64>, Option<f64>), Wrong> {
    if !dir.points.iter().any(|point| point.experiment.live()) {
        return Ok((None, None));
    }
    let (file, tape) = (path.join(CALLS), path.join(cratylus_io::store::names::TAPE));
    let spent: Vec<Option<f64>> = if file.exists() {
        let table = table::read(&file, Some(&["usd"]))?;
        table.floats("usd").map_err(Wrong::asked)?.to_vec()
    } else if tape.exists() {
        Tape::read(&tape)?.calls().iter().map(|call| call.took.usd).collect()
    } else {
        return Ok((None, None));
    };
    let usd = spent.iter().flatten().copied().reduce(|a, b| a + b);
    Ok((Some(spent.len() as u64), usd))
}

/// In how many of the conditions that were audited the outcome was found to depend on interaction.
fn audits(path: &Path) -> Result<Option<Value>, Wrong> {
    let Some(kept) = kept(path)? else { return Ok(None) };
    let verdicts: Vec<_> = kept.conditions.iter().filter_map(|condition| condition.verdict.as_ref()).collect();
    let of = |finds: Finds| verdicts.iter().filter(|verdict| verdict.interaction == finds).count();
    let (passed, recalled) = (of(Finds::SupportsInteraction), of(Finds::SupportsRecall));
    let says = format!("{passed} of {} conditions: the outcome depends on interaction; {recalled}: it does not", verdicts.len());
    Ok((!verdicts.is_empty()).then(|| json!({ "passed": passed, "of": verdicts.len(), "says": says })))
}
