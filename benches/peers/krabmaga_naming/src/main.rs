//! The minimal naming game on krABMaga: agents in its schedule, inventories in its state.
//!
//! Every agent is activated once a step, as the schedule does it. With `--order uniform`, which is the rule,
//! an activated agent lets a speaker be drawn from all; with `--order turns` it speaks itself.

use cpu_time::ProcessTime;
use krabmaga::engine::{agent::Agent, schedule::Schedule, state::State};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use std::any::Any;
use std::process::exit;

const USAGE: &str = "krabmaga_naming --n N (--interactions K | --consensus RUNS) [--seed S] [--order uniform|turns]";
const VERSION: &str = "0.6.2";

struct Game {
    inventories: Vec<Vec<u32>>,
    turns: bool,
    rng: SmallRng,
    invented: u32,
    words: usize,
    peak: usize,
    played: u64,
    last: u64,
    /// The interaction after which everybody had one and the same word.
    agreed: Option<u64>,
}

impl Game {
    fn new(n: usize, seed: u64, turns: bool, last: u64) -> Game {
        let rng = SmallRng::seed_from_u64(seed);
        Game { inventories: vec![Vec::new(); n], turns, rng, invented: 0, words: 0, peak: 0, played: 0, last, agreed: None }
    }

    fn interact(&mut self, speaker: usize) {
        let n = self.inventories.len();
        let other = self.rng.random_range(0..n - 1);
        let hearer = other + usize::from(other >= speaker);
        if self.inventories[speaker].is_empty() {
            self.inventories[speaker].push(self.invented);
            self.invented += 1;
            self.words += 1;
        }
        let word = self.inventories[speaker][self.rng.random_range(0..self.inventories[speaker].len())];
        self.played += 1;
        if self.inventories[hearer].contains(&word) {
            for player in [speaker, hearer] {
                let inventory = &mut self.inventories[player];
                self.words -= inventory.len() - 1;
                inventory.clear();
                inventory.push(word);
            }
            // After a success n words are n agents with one each, or somebody has none yet.
            if self.words == n && self.agreed.is_none() && self.inventories.iter().all(|inventory| inventory == &[word]) {
                self.agreed = Some(self.played);
            }
        } else {
            self.inventories[hearer].push(word);
            self.words += 1;
        }
        self.peak = self.peak.max(self.words);
    }
}

#[derive(Clone)]
struct Talker {
    id: usize,
}

impl Agent for Talker {
    fn step(&mut self, state: &mut dyn State) {
        let game = state.as_any_mut().downcast_mut::<Game>().expect("the only state there is");
        if game.played < game.last {
            let n = game.inventories.len();
            let speaker = if game.turns { self.id } else { game.rng.random_range(0..n) };
            game.interact(speaker);
        }
    }
}

impl State for Game {
    fn init(&mut self, schedule: &mut Schedule) {
        for id in 0..self.inventories.len() {
            schedule.schedule_repeating(Box::new(Talker { id }), 0.0, 0);
        }
    }
    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn as_state_mut(&mut self) -> &mut dyn State {
        self
    }
    fn as_state(&self) -> &dyn State {
        self
    }
    fn reset(&mut self) {}
    fn update(&mut self, _: u64) {}
    fn end_condition(&mut self, _: &mut Schedule) -> bool {
        self.played >= self.last
    }
}

/// Plays, and says how much CPU time the steps took.
fn play(game: &mut Game, until_agreed: bool) -> f64 {
    let mut schedule = Schedule::new();
    game.init(&mut schedule);
    let start = ProcessTime::now();
    while !game.end_condition(&mut schedule) && !(until_agreed && game.agreed.is_some()) {
        schedule.step(game);
    }
    start.elapsed().as_secs_f64()
}

/// Mean and standard error.
fn mean(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    (mean, (variance / n).sqrt())
}

fn stop(what: &str) -> ! {
    eprintln!("krabmaga_naming: {what}\nusage: {USAGE}");
    exit(2)
}

fn main() {
    let (mut n, mut interactions, mut runs, mut seed, mut turns) = (0, 0, 0, 1, false);
    let mut words = std::env::args().skip(1);
    while let Some(key) = words.next() {
        let value = words.next().unwrap_or_else(|| stop(&format!("{key} needs a value")));
        let number = || value.parse().unwrap_or_else(|_| stop(&format!("{key} {value}: not a whole number")));
        match key.as_str() {
            "--n" => n = number() as usize,
            "--interactions" => interactions = number(),
            "--consensus" => runs = number(),
            "--seed" => seed = number(),
            "--order" if value == "turns" || value == "uniform" => turns = value == "turns",
            "--order" => stop(&format!("--order {value}: there are uniform and turns")),
            _ => stop(&format!("{key}: there is no such option")),
        }
    }
    if n < 2 {
        stop("--n must be 2 or more");
    }
    if (interactions == 0) == (runs == 0) {
        stop("either --interactions or --consensus must be given, and be 1 or more");
    }
    let game = if turns { "minimal naming, in turns" } else { "minimal naming" };
    if runs == 0 {
        let mut played = Game::new(n, seed, turns, interactions);
        let cpu = play(&mut played, false);
        println!(
            r#"{{"peer": "krabmaga", "version": "{VERSION}", "game": "{game}", "n": {n}, "interactions": {interactions}, "cpu_seconds": {cpu}, "rate": {}}}"#,
            interactions as f64 / cpu
        );
        return;
    }
    let (mut times, mut peaks) = (Vec::new(), Vec::new());
    for run in 0..runs {
        let mut played = Game::new(n, seed + run, turns, u64::MAX);
        play(&mut played, true);
        times.push(played.agreed.expect("it plays until then") as f64);
        peaks.push(played.peak as f64);
    }
    let ((time, time_se), (peak, peak_se)) = (mean(&times), mean(&peaks));
    println!(
        r#"{{"peer": "krabmaga", "game": "{game}", "n": {n}, "runs": {runs}, "time": {time}, "time_se": {time_se}, "peak": {peak}, "peak_se": {peak_se}}}"#
    );
}
