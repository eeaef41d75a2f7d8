//! A unit of one run, which may take hours: it is kept every now and then, so that a process that is killed loses no more
//! than what was played since.
//!
//! What is kept is a file beside the unit's parts: the state of the population and of all that reads its events, and how
//! long its tables were. It belongs to the program that wrote it; another version plays the run from its beginning.

use crate::conduct::job::{Job, Refused, Unit};
use crate::conduct::progress::Progress;
use crate::conduct::recorder::Recorder;
use crate::store::names::CHECKPOINT;
use crate::whole::write_whole_by;
use cratylus_core::fault::{Fault, at};
use cratylus_core::kept::{self, Keeper};
use cratylus_core::{Play, Run};
use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Interactions of a stretch at least; stretches are a number of these.
const STEP: u64 = 4096;

/// About how long a stretch takes, after which the clock is looked at.
const STRETCH: Duration = Duration::from_millis(100);

pub(super) fn play(job: &Job<'_>, dir: &Path, unit: Unit, replica: u64, progress: &Progress) -> Result<(), Refused> {
    let world = &job.worlds[unit.point];
    let file = unit.file(dir, CHECKPOINT);
    let before = match fs::read(&file) {
        Ok(kept) => match restore(job, dir, unit, replica, progress, &kept) {
            Ok(before) => {
                progress.note(format!("run {} goes on from interaction {}", unit.first, before.0.t()));
                Some(before)
            }
            Err(why) => {
                let run = unit.first;
                progress
                    .note(format!("run {run}, which was cut short, begins again, as what was kept of it cannot be used: {why}"));
                None
            }
        },
        Err(_) => None,
    };
    let (mut run, mut recorder) = match before {
        Some(before) => before,
        None => (Run::new(world, replica, Play::Fastest)?, Recorder::new(job, unit, dir, progress)?),
    };
    let (mut steps, mut last) = (1, Instant::now());
    loop {
        let begun = Instant::now();
        if run.play((run.t() / STEP + steps) * STEP, &mut recorder)? {
            break;
        }
        let stop = progress.stop.load(Ordering::Relaxed);
        if job.checkpoint.is_some_and(|every| stop || last.elapsed() >= every) {
            // The run goes on without: where its own tables cannot be written either, it will say so.
            if let Err(why) = keep(job, &run, &mut recorder, &file) {
                progress.note(format!("run {} is not kept in the midst of it: {why}", unit.first));
            }
            last = Instant::now();
        }
        if stop {
            return Err(Refused::Interrupted);
        }
        let took = begun.elapsed();
        steps = if took < STRETCH / 2 { steps * 2 } else { steps.div_ceil(if took > STRETCH * 2 { 2 } else { 1 }) };
    }
    recorder.finish(job.points)?;
    let _ = fs::remove_file(&file);
    Ok(())
}

/// Who wrote what was kept.
fn program(job: &Job<'_>) -> String {
    format!("{} {}", job.build.version, job.build.revision)
}

fn keep(job: &Job<'_>, run: &Run<'_>, recorder: &mut Recorder<'_>, path: &Path) -> Result<(), Fault> {
    write_whole_by(path, |file| {
        let mut out = Keeper::new(file);
        kept::keep(&program(job), &mut out);
        run.keep(&mut out);
        recorder.keep(&mut out)?;
        out.end().map_err(at("writing", path))
    })
}

/// What was kept of a unit, by this program.
fn restore<'a>(
    job: &Job<'a>,
    dir: &Path,
    unit: Unit,
    replica: u64,
    progress: &'a Progress,
    mut kept: &[u8],
) -> Result<(Run<'a>, Recorder<'a>), Fault> {
    let from = &mut kept;
    let by: String = kept::take(from)?;
    if by != program(job) {
        return Err(Fault(format!("version {by} of the program wrote it")));
    }
    let run = Run::restore(&job.worlds[unit.point], replica, Play::Fastest, from)?;
    let recorder = Recorder::restore(job, unit, dir, progress, from)?;
    Ok((run, recorder))
}
