//! Runs an experiment into a directory: every run once, whatever interrupts it.
//!
//! The work is cut into cells, a stretch of one point's replicas each, and these are played in units of one or more. A
//! unit's rows go to files of its own under `parts/`, which take their names only when they are whole; when every unit
//! is there, they are joined into the tables of the directory, and the parts go. Row groups end where cells do, whatever
//! units these were played in, and joining copies them, so that what a single unit wrote is the table already. So a
//! process that is killed loses at most the units it was playing, and of a long run what was played since it was last kept
//! (`long.rs`); what it leaves can be read, and the bytes at the end do not depend on threads, on units or on how often it
//! was started.

pub mod cells;
pub mod job;
pub mod live;
mod long;
pub mod progress;
pub mod recorder;
mod units;

use crate::conduct::job::{Ended, Job, Refused, Unit};
use crate::conduct::live::Studio;
use crate::conduct::progress::Progress;
use crate::conduct::recorder::Recorder;
use crate::conduct::units::{cells as cells_of, cut_up, there, units};
use crate::models::tape::Tape;
use crate::store::manifest::Manifest;
use crate::store::names::{
    ACTS, CHECKPOINT, EXPERIMENT, FEATURES, INTERACTIONS, MEASURES, MESSAGES, PARTS, PLAN, RECORDED, RUNS, SIGNS, TAPE,
};
use crate::store::plan::{differences, digest};
use crate::store::rows::runs;
use crate::store::run_dir::Recorded;
use crate::store::{calls, table};
use crate::whole::{now, relative, write_whole};
use cratylus_core::experiment::threshold::{Answers, wanted};
use cratylus_core::experiment::{Sequential, searched};
use cratylus_core::fault::{Fault, at};
use cratylus_core::recorded::RecordedCondition;
use cratylus_core::{Play, World, run};
use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::Ordering;

const LOCK: &str = ".lock";

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
    let plan = job.plan();
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
        Err(_) if dir.join(MESSAGES).exists() => {
            return Err(Refused::Changed(vec!["it holds messages, which were imported or are an experiment's".into()]));
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
    finishable(dir)?;
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
            let units = if there(dir) { cells_of(job) } else { units(job) };
            progress.want(job.points.len(), &units);
            play(job, dir, &units, progress, studio.as_ref()).map(|()| units)
        }
    };
    let units = match played {
        Ok(units) => units,
        Err(refused) => {
            manifest.exit = match &refused {
                Refused::Fault(trouble) => format!("failed: {trouble}"),
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

/// Refuses what an earlier version of the program began and did not finish: its parts are other tables.
pub(crate) fn finishable(dir: &Path) -> Result<(), Fault> {
    match Manifest::read(dir) {
        Ok(manifest) if manifest.format != table::FORMAT && !untouched(dir) => {
            let why = format!(
                "an earlier version of the program began these runs (layout {}, and this one writes {})",
                manifest.format,
                table::FORMAT
            );
            Err(Fault(format!(
                "{}: {why}; that version finishes them, or `--fresh` starts over and keeps what is there",
                dir.display()
            )))
        }
        _ => Ok(()),
    }
}

/// Removes what killed processes were writing, but for what they kept to go on with.
fn tidy(dir: &Path) {
    let parts = dir.join(PARTS);
    let kept: Vec<String> = checkpoints(dir).map(|unit| format!(".{unit}.")).collect();
    for entry in [dir, &parts].into_iter().flat_map(fs::read_dir).flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') && name.ends_with(".tmp") && !kept.iter().any(|unit| name.starts_with(unit)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The units of which something is kept in the midst of them.
fn checkpoints(dir: &Path) -> impl Iterator<Item = String> {
    let entries = fs::read_dir(dir.join(PARTS)).into_iter().flatten().flatten();
    entries.filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(CHECKPOINT)?.strip_suffix('.')?.into()))
}

/// How many runs of a directory are kept in the midst of them.
pub fn midway(dir: &Path) -> usize {
    checkpoints(dir).count()
}

/// Whether a directory holds neither runs nor answers.
fn untouched(dir: &Path) -> bool {
    let empty = |path: &Path| fs::read_dir(path).map_or(true, |mut entries| entries.next().is_none());
    let asked = || Tape::read(&dir.join(TAPE)).is_ok_and(|tape| !tape.is_empty());
    !dir.join(RUNS).exists() && empty(&dir.join(PARTS)) && !asked()
}

fn end(manifest: &mut Manifest, job: &Job<'_>, dir: &Path) -> Result<(), Fault> {
    let file = dir.join(RUNS);
    let rows = runs(&table::read(&file, None)?, job.points).map_err(at("reading", &file))?;
    manifest.ended = Some(now());
    manifest.exit = "finished".into();
    manifest.digest = Some(digest(&rows));
    manifest.outcomes = Some(crate::store::belonging::outcomes(&rows));
    manifest.readings = table::count(&dir.join(MEASURES)).ok();
    manifest.acts = table::count(&dir.join(ACTS)).ok();
    manifest.signs = table::count(&dir.join(SIGNS)).ok();
    manifest.features = table::count(&dir.join(FEATURES)).ok();
    manifest.write(dir)
}

fn of_condition(condition: &RecordedCondition) -> Recorded {
    Recorded { source: format!("{} ({})", condition.file, condition.label()), facts: condition.facts.clone() }
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
        Some(find) => searched(job.points, &find.key).map_err(Fault)?,
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
    if let ([replica], true) = (&replicas[..], world.can_be_kept()) {
        return long::play(job, dir, unit, *replica, progress);
    }
    let mut recorder = Recorder::new(job, unit, dir, progress)?;
    if let Err(fault) = run(world, &replicas, Play::Fastest, &mut recorder) {
        return Err(match progress.stop.load(Ordering::Relaxed) {
            true => Refused::Interrupted,
            false => Fault::new(fault.0).into(),
        });
    }
    recorder.finish(job.points)?;
    Ok(())
}

/// Joins the units' tables into those of the directory, `runs.parquet` last: where it is, everything is.
fn join(job: &Job<'_>, dir: &Path, units: &[Unit]) -> Result<(), Fault> {
    let mut tables = vec![MEASURES, RUNS];
    if job.points.iter().any(|point| point.experiment.record.interactions) {
        tables.insert(0, INTERACTIONS);
    }
    if job.worlds.iter().any(World::keeps_acts) {
        tables.insert(0, ACTS);
    }
    if job.worlds.iter().any(World::keeps_signs) {
        tables.splice(0..0, [SIGNS, FEATURES]);
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
