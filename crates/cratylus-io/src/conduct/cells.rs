//! Past one process: an experiment's work in cells, which any machine may take in any order.
//!
//! A cell is a stretch of one point's replicas. Its name is a hash of everything that decides what comes of it, so
//! whoever has the experiment finds the same cells under the same names. What comes of a cell is written beside, synced and
//! renamed, and depends on no other cell; so a cell that is there need not be computed again, and one that was computed
//! twice is the same twice. Joined, cells make the tables that one process would have written.

use crate::conduct::job::{Ended, Job, Refused, Unit};
use crate::conduct::progress::Progress;
use crate::conduct::units::{self, MARK, there};
use crate::conduct::{self, conduct};
use crate::store::manifest::Manifest;
use crate::store::names::{ACTS, EXPERIMENT, FEATURES, INTERACTIONS, MEASURES, PARTS, PLAN, RUNS, SIGNS};
use crate::store::plan;
use crate::whole::{relative, write_whole};
use cratylus_core::World;
use cratylus_core::fault::{Fault, at};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Why such work has no cells.
pub const SEQUENTIAL: &str = "which runs there are depends here on what the runs before gave (`replicas = { … }` or `[find]`), so they cannot be dealt out in advance; one process runs them on all its threads, or give `replicas` as a number";

/// A stretch of one point's replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Sixteen digits in hex.
    pub hash: String,
    /// The number of its point in the sweep, from 0.
    pub point: usize,
    /// Its first and last replica.
    pub replicas: [u64; 2],
    unit: Unit,
}

impl Cell {
    /// How many runs it is of.
    pub fn runs(&self) -> u64 {
        self.replicas[1] - self.replicas[0] + 1
    }
}

/// All cells of an experiment, in the order of its runs.
pub fn cells(job: &Job<'_>) -> Vec<Cell> {
    let of = |unit: Unit| {
        let point = &job.points[unit.point];
        let base = unit.point as u64 * point.experiment.replicas;
        let replicas = [unit.first - base, unit.last - base];
        let mut plan = point.experiment.plan();
        // How many there are besides changes nothing about these.
        plan.remove("replicas");
        let text = format!("{}\n{plan}\n{:?}\n{}\n{replicas:?}", crate::store::table::FORMAT, job.inputs, point.text());
        let hash = Sha256::digest(text.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Cell { hash, point: unit.point, replicas, unit }
    };
    units::cells(job).into_iter().map(of).collect()
}

/// The cells of shard `i` of `k`, from 1: every k-th, so that no shard has all of an expensive point.
pub fn shard(cells: &[Cell], i: usize, k: usize) -> Vec<Cell> {
    cells.iter().skip(i - 1).step_by(k).cloned().collect()
}

/// Computes what is not there yet of some cells, in a directory that other processes may work in at the same time. Says
/// how many of all cells are there afterwards.
pub fn compute(job: &Job<'_>, dir: &Path, some: &[Cell], progress: &Progress) -> Result<[usize; 2], Refused> {
    if job.worlds.iter().any(World::live) {
        let why = "language models are asked by one process, which stays exact and asks each question once; only their servers can be many";
        return Err(Fault::new(why).into());
    }
    if job.points[0].experiment.sequential.is_some() {
        return Err(Fault::new(SEQUENTIAL).into());
    }
    fs::create_dir_all(dir).map_err(at("making the folder", dir))?;
    let _lock = conduct::share(dir)?;
    let plan = job.plan();
    match fs::read_to_string(dir.join(PLAN)) {
        Ok(before) if before != plan => return Err(Refused::Changed(plan::differences(&before, &plan))),
        Ok(_) => (),
        Err(_) => write_whole(&dir.join(PLAN), plan.as_bytes())?,
    }
    let all = cells(job);
    if dir.join(RUNS).exists() {
        return Ok([all.len(); 2]);
    }
    conduct::finishable(dir)?;
    let parts = dir.join(PARTS);
    if !there(dir) && fs::read_dir(&parts).is_ok_and(|mut parts| parts.next().is_some()) {
        let why =
            format!("{} holds a run that is not finished; `cratylus run` finishes it, or choose another `--out`", dir.display());
        return Err(Fault::new(why).into());
    }
    fs::create_dir_all(&parts).map_err(at("making the folder", &parts))?;
    fs::write(parts.join(MARK), "").map_err(at("writing", &parts))?;
    if !dir.join(EXPERIMENT).exists() {
        write_whole(&dir.join(EXPERIMENT), job.text.as_bytes())?;
    }
    if Manifest::read(dir).is_err() {
        let mut manifest = Manifest::new(job.build, job.points[0].experiment.seed, job.threads);
        manifest.inputs = job.inputs.clone();
        manifest.base = relative(dir, job.base).filter(|_| !job.inputs.is_empty());
        manifest.exit = "in parts".into();
        manifest.write(dir)?;
    }
    let units: Vec<Unit> = some.iter().map(|cell| cell.unit).collect();
    progress.want(job.points.len(), &units);
    conduct::play(job, dir, &units, progress, None)?;
    Ok([all.iter().filter(|cell| cell.unit.done(dir)).count(), all.len()])
}

/// Joins the cells of several directories into one that equals what one process would have written.
pub fn merge(job: &Job<'_>, dirs: &[PathBuf], out: &Path, progress: &Progress) -> Result<Ended, Refused> {
    let plan = job.plan();
    let version = job.build.version;
    for dir in dirs {
        let before = fs::read_to_string(dir.join(PLAN)).map_err(at("reading", &dir.join(PLAN)))?;
        if before != plan {
            let lines: Vec<String> = plan::differences(&before, &plan).into_iter().take(8).collect();
            let why = format!(
                "{} holds cells of another experiment than {}:\n  {}",
                dir.display(),
                dirs[0].display(),
                lines.join("\n  ")
            );
            return Err(Fault::new(why).into());
        }
        let manifest = Manifest::read(dir)?;
        if manifest.version != version {
            let why = format!(
                "{} was computed by version {} of the program, and this is {version}; other versions may play other runs, so compute it again",
                dir.display(),
                manifest.version
            );
            return Err(Fault::new(why).into());
        }
        if dir.join(RUNS).exists() && dir != out {
            let why = format!("{} is finished: it holds all runs, and there is nothing to join with it", dir.display());
            return Err(Fault::new(why).into());
        }
    }
    let all = cells(job);
    let mut found: BTreeMap<&str, Vec<&PathBuf>> = BTreeMap::new();
    for dir in dirs {
        all.iter().filter(|cell| cell.unit.done(dir)).for_each(|cell| found.entry(&cell.hash).or_default().push(dir));
    }
    let missing: Vec<&Cell> = all.iter().filter(|cell| !found.contains_key(cell.hash.as_str())).collect();
    if !missing.is_empty() && !out.join(RUNS).exists() {
        let shown: Vec<&str> = missing.iter().take(6).map(|cell| cell.hash.as_str()).collect();
        let more = if missing.len() > 6 { format!(" and {} more", missing.len() - 6) } else { String::new() };
        let why = format!(
            "{} of {} cells are missing: {}{more}\n  help: `cratylus run {} --cell {}` computes one where it belongs, `--shard` many",
            missing.len(),
            all.len(),
            shown.join(", "),
            dirs[0].display(),
            shown[0]
        );
        return Err(Fault::new(why).into());
    }
    if dirs.iter().any(|dir| dir != out) {
        take_over(&all, &found, dirs, out)?;
    }
    conduct(job, out, progress)
}

/// Puts every cell's files into the parts of a directory. Cells that were computed twice must be the same twice.
fn take_over(all: &[Cell], found: &BTreeMap<&str, Vec<&PathBuf>>, dirs: &[PathBuf], out: &Path) -> Result<(), Fault> {
    let parts = out.join(PARTS);
    fs::create_dir_all(&parts).map_err(at("making the folder", &parts))?;
    fs::write(parts.join(MARK), "").map_err(at("writing", &parts))?;
    for name in [PLAN, EXPERIMENT] {
        let to = out.join(name);
        if !to.exists() {
            fs::copy(dirs[0].join(name), &to).map_err(at("writing", &to))?;
        }
    }
    for cell in all {
        let Some(places) = found.get(cell.hash.as_str()) else { continue };
        // The rows of the runs come last: where they are, the rest is.
        for table in [INTERACTIONS, ACTS, SIGNS, FEATURES, MEASURES, RUNS] {
            let from = cell.unit.file(places[0], table);
            if !from.exists() {
                continue;
            }
            let bytes = fs::read(&from).map_err(at("reading", &from))?;
            for other in &places[1..] {
                let file = cell.unit.file(other, table);
                if fs::read(&file).map_err(at("reading", &file))? != bytes {
                    let why = format!(
                        "{} and {} hold the same cell, {}, and differ; one of them is damaged",
                        from.display(),
                        file.display(),
                        cell.hash
                    );
                    return Err(Fault::new(why));
                }
            }
            write_whole(&cell.unit.file(out, table), &bytes)?;
        }
    }
    Ok(())
}
