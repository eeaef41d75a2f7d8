//! Trainings of networks that signal, into run directories: each run once, whatever interrupts it. A run is a part of its own
//! while others are not over, and a training in its midst is kept as bytes; both are joined into tables at the end. What a
//! training computes is `cratylus_neural::signals`.

pub mod items;
mod job;
pub mod record;

mod course;
mod tables;

use crate::conduct::hold;
use crate::conduct::job::{Ended, Refused};
use crate::conduct::progress::Progress;
use crate::signals::course::Course;
use crate::signals::record::RunRecord;
use crate::store::manifest::Manifest;
use crate::store::names::{CROSS, EXPERIMENT, ITEMS, MANIFEST, MEASURES, MESSAGES, PARTS, PLAN, RUNS, TRAINING};
use crate::store::plan::differences;
use crate::whole::{now, relative, write_whole, write_whole_by};
use cratylus_core::fault::{Fault, at};
use cratylus_core::kept::{self, Keeper};
use cratylus_neural::signals::Wrong;
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Instant;

pub use job::{Point, SignalJob};
pub use tables::read;

/// Trains what is not there yet, and joins the tables.
pub fn conduct(job: &SignalJob<'_>, dir: &Path, progress: &Progress) -> Result<Ended, Refused> {
    fs::create_dir_all(dir).map_err(at("making the folder", dir))?;
    let _lock = hold(dir)?;
    let plan = job.plan();
    let parts = dir.join(PARTS);
    let untouched = || !dir.join(RUNS).exists() && fs::read_dir(&parts).map_or(true, |mut parts| parts.next().is_none());
    match fs::read_to_string(dir.join(PLAN)) {
        Ok(before) if before == plan => (),
        Ok(_) if untouched() => write_whole(&dir.join(PLAN), plan.as_bytes())?,
        Ok(before) => return Err(Refused::Changed(differences(&before, &plan))),
        Err(_) => {
            // Whatever has none of ours is somebody's: imported messages, for one.
            if let Some(there) = [RUNS, MESSAGES, ITEMS, MANIFEST].iter().find(|name| dir.join(name).exists()) {
                return Err(Refused::Changed(vec![format!("it holds {there}, and no plan.toml that says of what")]));
            }
            write_whole(&dir.join(PLAN), plan.as_bytes())?;
        }
    }
    if dir.join(RUNS).exists() {
        return Ok(Ended::AlreadyDone);
    }
    write_whole(&dir.join(EXPERIMENT), job.text.as_bytes())?;
    fs::create_dir_all(&parts).map_err(at("making the folder", &parts))?;
    let mut manifest =
        Manifest::read(dir).unwrap_or_else(|_| Manifest::new(job.build, job.points[0].experiment.seed, job.threads));
    manifest.inputs = job.inputs.clone();
    manifest.base = relative(dir, job.base).filter(|_| !job.inputs.is_empty());
    manifest.exit = "running".into();
    manifest.write(dir)?;
    if let Err(refused) = train_all(job, dir, progress) {
        manifest.exit = match &refused {
            Refused::Fault(trouble) => format!("failed: {trouble}"),
            _ => "interrupted".into(),
        };
        let _ = manifest.write(dir);
        return Err(refused);
    }
    let records = records(job, dir)?;
    tables::write(job, dir, &records)?;
    fs::remove_dir_all(&parts).map_err(at("removing", &parts))?;
    manifest.ended = Some(now());
    manifest.exit = "finished".into();
    manifest.digest = Some(digest(&records));
    manifest.write(dir)?;
    Ok(Ended::Finished)
}

/// The tables of a finished directory.
pub const TABLES: [&str; 6] = [RUNS, TRAINING, MESSAGES, ITEMS, CROSS, MEASURES];

/// About how many seconds of a processor a run of a point takes, if it goes to its last step.
pub fn seconds(point: &Point) -> Result<f64, Wrong> {
    course::seconds(&point.experiment, point.items.as_ref(), point.seed(0))
}

/// A hash over what all runs said and what their weights became.
fn digest(records: &[RunRecord]) -> String {
    let mut hasher = Sha256::new();
    for record in records {
        hasher.update(record.digest.as_bytes());
        for spoken in &record.messages {
            spoken.message.iter().for_each(|symbol| hasher.update(symbol.to_le_bytes()));
            hasher.update([0xFF]);
        }
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn part(dir: &Path, run: u64, what: &str) -> PathBuf {
    dir.join(PARTS).join(format!("{run:08}.{what}"))
}

const RECORD: &str = "record";
const MIDST: &str = "checkpoint";

fn train_all(job: &SignalJob<'_>, dir: &Path, progress: &Progress) -> Result<(), Refused> {
    let mut waiting = VecDeque::new();
    for (run, point, replica) in job.runs() {
        progress.total.fetch_add(1, Ordering::Relaxed);
        match part(dir, run, RECORD).exists() {
            true => {
                progress.runs.fetch_add(1, Ordering::Relaxed);
                progress.kept.fetch_add(1, Ordering::Relaxed);
            }
            false => waiting.push_back((run, point, replica)),
        }
    }
    let waiting = Mutex::new(waiting);
    let failed: Mutex<Option<Refused>> = Mutex::new(None);
    let work = || {
        loop {
            let next = waiting.lock().expect("no panic while holding the list").pop_front();
            let Some((run, point, replica)) = next else { return };
            if let Err(refused) = train_one(job, dir, run, point, replica, progress) {
                waiting.lock().expect("no panic while holding the list").clear();
                failed.lock().expect("no panic while holding the error").get_or_insert(refused);
                return;
            }
            progress.runs.fetch_add(1, Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        (1..job.threads).for_each(|_| drop(scope.spawn(work)));
        work();
    });
    failed.into_inner().expect("no panic while holding the error").map_or(Ok(()), Err)
}

fn train_one(job: &SignalJob<'_>, dir: &Path, run: u64, point: usize, replica: u64, progress: &Progress) -> Result<(), Refused> {
    let of = &job.points[point];
    let wrong = |(key, why): (&'static str, String)| Fault(format!("`{key}`: {why}"));
    let mut course = Course::new(&of.experiment, of.items.as_ref(), of.seed(replica)).map_err(wrong)?;
    let midst = part(dir, run, MIDST);
    if let Ok(bytes) = fs::read(&midst) {
        let mut from = &bytes[..];
        let again = kept::take::<String>(&mut from).and_then(|by| match by == job.program() {
            true => course.restore(&mut from),
            false => Err(Fault(format!("version {by} of the program wrote it"))),
        });
        match again {
            Ok(()) => progress.note(format!("run {run} goes on from step {}", course.steps())),
            Err(why) => {
                progress.note(format!("run {run} begins again, as what was kept of it cannot be used: {why}"));
                course = Course::new(&of.experiment, of.items.as_ref(), of.seed(replica)).map_err(wrong)?;
            }
        }
    }
    let mut last = Instant::now();
    loop {
        let before = course.steps();
        let over = course.step();
        progress.interactions.fetch_add((course.steps() - before) * of.experiment.setup.train.batch as u64, Ordering::Relaxed);
        if over {
            break;
        }
        let stop = progress.stop.load(Ordering::Relaxed);
        if job.checkpoint.is_some_and(|every| stop || last.elapsed() >= every) {
            write_whole_by(&midst, |file| {
                let mut out = Keeper::new(file);
                kept::keep(&job.program(), &mut out);
                course.keep(&mut out);
                out.end().map_err(at("writing", &midst))
            })?;
            last = Instant::now();
        }
        if stop {
            return Err(Refused::Interrupted);
        }
    }
    if of.experiment.record.parameters {
        tables::write_parameters(dir, run, course.training())?;
    }
    let record = course.finish(run, replica);
    let file = part(dir, run, RECORD);
    write_whole_by(&file, |into| {
        let mut out = Keeper::new(into);
        kept::keep(&record, &mut out);
        out.end().map_err(at("writing", &file))
    })?;
    let _ = fs::remove_file(&midst);
    Ok(())
}

/// The runs of a directory, finished or not, without what was said: those that are over.
pub fn read_so_far(dir: &Path) -> Result<Vec<RunRecord>, Fault> {
    if dir.join(RUNS).exists() {
        return read(dir);
    }
    let entries = fs::read_dir(dir.join(PARTS)).into_iter().flatten().flatten();
    let files = entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|kind| kind == RECORD));
    // What another version wrote is passed over: it is trained again.
    let record = |path: PathBuf| kept::take::<RunRecord>(&mut &fs::read(path).ok()?[..]).ok();
    let mut records: Vec<RunRecord> = files.filter_map(record).collect();
    records.iter_mut().for_each(|record| record.messages.clear());
    records.sort_by_key(|record| record.run);
    Ok(records)
}

fn records(job: &SignalJob<'_>, dir: &Path) -> Result<Vec<RunRecord>, Fault> {
    let one = |(run, ..): (u64, usize, u64)| {
        let file = part(dir, run, RECORD);
        let bytes = fs::read(&file).map_err(at("reading", &file))?;
        kept::take::<RunRecord>(&mut &bytes[..]).map_err(|why| at("reading", &file)(why.0))
    };
    job.runs().map(one).collect()
}
