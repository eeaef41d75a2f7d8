//! What a running job lets others see, as a whole and point by point, and how it is asked to stop.

use crate::conduct::job::Unit;
use crate::models::asker::Spent;
use cratylus_core::watch::readings::Readings;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

/// What a running job lets others see, and how it is asked to stop.
#[derive(Default)]
pub struct Progress {
    /// Runs that are over, in this call.
    pub runs: AtomicU64,
    /// Interactions that were played, in this call.
    pub interactions: AtomicU64,
    /// How many runs are wanted, as far as that is known.
    pub total: AtomicU64,
    /// Runs that an earlier call had finished.
    pub kept: AtomicU64,
    /// Set by whoever wants the job to stop in good order.
    pub stop: Arc<AtomicBool>,
    /// What live models cost so far.
    pub spent: Arc<Spent>,
    /// Requests in flight, and how many may be.
    pub load: Load,
    notes: Mutex<Vec<String>>,
    points: OnceLock<Vec<PointSeen>>,
}

/// What is seen of one point of the sweep while it is played.
#[derive(Default)]
pub struct PointSeen {
    /// Runs that are over, in this call.
    pub runs: AtomicU64,
    /// How many are wanted, as far as that is known.
    pub total: AtomicU64,
    /// Runs that reached consensus.
    pub reached: AtomicU64,
    /// Interactions that were played, in this call.
    pub interactions: AtomicU64,
    /// Void interactions of the runs that are over.
    pub void: AtomicU64,
    success: Mutex<Success>,
}

/// Success by population round: sums and numbers, in stretches of rounds that double when there are too many.
struct Success {
    rounds: u64,
    stretches: Vec<(f64, u64)>,
}

impl Default for Success {
    fn default() -> Success {
        Success { rounds: 1, stretches: Vec::new() }
    }
}

/// Stretches of rounds that are told.
const STRETCHES: usize = 24;

impl PointSeen {
    /// The share of successes by population round so far, over its runs.
    pub fn success(&self) -> Vec<f64> {
        let success = self.success.lock().expect("no panic while holding it");
        success.stretches.iter().map(|(sum, n)| if *n > 0 { sum / *n as f64 } else { 0.0 }).collect()
    }

    pub(crate) fn see(&self, size: u64, readings: &Readings) {
        let Some(place) = readings.place("success_rate").filter(|_| !readings.is_empty()) else { return };
        let mut success = self.success.lock().expect("no panic while holding it");
        for (t, value) in readings.of(place) {
            let round = t.saturating_sub(1) / size;
            while round / success.rounds >= STRETCHES as u64 {
                success.rounds *= 2;
                let two = |pair: &[(f64, u64)]| pair.iter().fold((0.0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
                success.stretches = success.stretches.chunks(2).map(two).collect();
            }
            let at = (round / success.rounds) as usize;
            if success.stretches.len() <= at {
                success.stretches.resize(at + 1, (0.0, 0));
            }
            success.stretches[at].0 += value;
            success.stretches[at].1 += 1;
        }
    }
}

impl Progress {
    /// Says something that the user should know while the job goes on.
    pub fn note(&self, text: String) {
        self.notes.lock().expect("no panic while holding notes").push(text);
    }

    /// What is seen of each point; nothing before anything is played.
    pub fn points(&self) -> &[PointSeen] {
        self.points.get().map_or(&[], Vec::as_slice)
    }

    /// Says how many runs are wanted next.
    pub(crate) fn want(&self, points: usize, units: &[Unit]) {
        let seen = self.points.get_or_init(|| (0..points).map(|_| PointSeen::default()).collect());
        for unit in units {
            self.total.fetch_add(unit.runs(), Ordering::Relaxed);
            seen[unit.point].total.fetch_add(unit.runs(), Ordering::Relaxed);
        }
    }

    /// What there is to tell since the last time, in order.
    pub fn take_notes(&self) -> Vec<String> {
        std::mem::take(&mut *self.notes.lock().expect("no panic while holding notes"))
    }
}

/// Two numbers that are shown together.
#[derive(Default)]
pub struct Load(Mutex<(u32, u32)>);

impl Load {
    /// In flight, and how many may be.
    pub fn store(&self, load: (u32, u32)) {
        *self.0.lock().expect("no panic while holding two numbers") = load;
    }

    /// The two as they were stored last, both at one moment.
    pub fn get(&self) -> (u32, u32) {
        *self.0.lock().expect("no panic while holding two numbers")
    }
}
