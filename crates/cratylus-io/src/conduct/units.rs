//! The units into which work is cut.

use crate::conduct::job::{Job, Unit};
use crate::store::names::PARTS;
use crate::store::table::GROUP_LEAST;
use std::path::Path;

/// Events that a unit may have to hold back at most, where its runs are played at once.
const HELD_MAX: u64 = 1 << 21;

/// Interactions of a unit whose runs are played one after the other, which is what an interruption may lose.
const PLAYED_MAX: u64 = 1 << 24;

/// Cells of a point, where it has as many replicas.
const CELLS: u64 = 64;

/// The work of all processes, one cell in a unit.
pub(crate) fn cells(job: &Job<'_>) -> Vec<Unit> {
    every_point(job, CELLS)
}

/// The work of one process. Each unit waits for the disk to have its files, so a sweep of many points is cut coarsely.
pub(super) fn units(job: &Job<'_>) -> Vec<Unit> {
    every_point(job, (256 / job.points.len() as u64).clamp(1, 16))
}

pub(super) fn every_point(job: &Job<'_>, pieces: u64) -> Vec<Unit> {
    (0..job.points.len()).flat_map(|i| cut_up(job, i, 0, job.points[i].experiment.replicas, pieces)).collect()
}

/// Some of a point's replicas, from one up to but not with another, in about so many units of whole cells.
pub(super) fn cut_up(job: &Job<'_>, point: usize, from: u64, to: u64, pieces: u64) -> Vec<Unit> {
    let world = &job.worlds[point];
    let longest = world.stop(0).most().max(1);
    // A run of live models may take hours, so each is kept as soon as it is over.
    let most = match () {
        () if world.live() => 1,
        () if world.plays_together() => (HELD_MAX / longest).clamp(1, 256),
        () => (PLAYED_MAX / longest).clamp(1, 1024),
    };
    // What takes less time than to write it down is no work of its own.
    let least = (2 * GROUP_LEAST as u64).div_ceil(longest);
    let cell = (to - from).div_ceil(CELLS).max(least).min(most);
    let step = (to - from).div_ceil(pieces).next_multiple_of(cell).min(most / cell * cell);
    let base = point as u64 * job.points[point].experiment.replicas;
    let unit = |first: u64| Unit { point, first: base + first, last: base + (first + step).min(to) - 1, cell };
    (from..to).step_by(step as usize).map(unit).collect()
}

/// Says that a directory's parts are cells.
pub(super) const MARK: &str = ".cells";

/// Whether a directory's parts are cells.
pub(crate) fn there(dir: &Path) -> bool {
    dir.join(PARTS).join(MARK).exists()
}
