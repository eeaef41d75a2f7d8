//! `cratylus run`: runs an experiment into a directory, shows how it goes, and says what came of it.

use crate::caller::{held, print, print_json, registry, set_aside};
use crate::experiment::{BUILD, Loaded, load};
use crate::failure::Failure;
use crate::progress::{Shown, asked, watched};
use crate::report;
use crate::signals;
use crate::words::count;
use clap::Args;
use cratylus_core::World;
use cratylus_io::conduct::cells::{SEQUENTIAL, cells, compute, shard};
use cratylus_io::conduct::job::{CHECKPOINT_EVERY, Ended, Job, LiveOptions, Refused};
use cratylus_io::conduct::progress::Progress;
use cratylus_io::conduct::{conduct, midway};
use cratylus_io::models::server::misaddressed;
use cratylus_io::store::run_dir::RunDir;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Run an experiment: all sweep points, all replicas.
///
/// An interrupted run goes on where it stopped when the same command is given again.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  cratylus run experiments/consensus.toml\n  cratylus run experiments/consensus.toml --set population.size=48 --out runs/larger\n  cratylus run experiments/consensus.toml --shard 2/8 --out shards/2"
)]
pub struct Run {
    /// An experiment file, or a run directory to finish.
    #[arg(value_name = "EXPERIMENT.toml")]
    experiment: PathBuf,
    /// Where to write [default: runs/<name of the experiment>]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Change any key of the file, quoted as TOML; may be given again.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Start over; what the directory held is kept beside it.
    #[arg(long)]
    fresh: bool,
    /// A file of model answers that is shared between runs: what is in it is not asked again.
    #[arg(long, value_name = "PATH")]
    store: Option<PathBuf>,
    /// How many threads play [default: all cores]. The results do not depend on it.
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Compute this shard of the cells alone, I from 1 to K; `cratylus merge` joins them.
    #[arg(long, value_name = "I/K", value_parser = crate::words::shard_of, conflicts_with_all = ["fresh", "store", "json"])]
    shard: Option<[usize; 2]>,
    /// Compute one cell alone, as `cratylus plan --json` names it; may be given again.
    #[arg(long = "cell", value_name = "HASH", conflicts_with_all = ["fresh", "store", "json", "shard"])]
    cells: Vec<String>,
    /// How often a long run is written down in the midst of it, to go on from there after a crash; 0 for never.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    checkpoint: Duration,
    /// Print the results as JSON.
    #[arg(long)]
    json: bool,
    /// Show no progress.
    #[arg(long)]
    quiet: bool,
}

impl Run {
    pub fn go(self) -> Result<(), Failure> {
        if signals::meant(&self.experiment) {
            return self.signals();
        }
        // A finished directory has nothing left to run, whoever its agents were: recorded ones cannot play again.
        let finished = self.experiment.join(cratylus_io::store::names::RUNS).exists();
        if finished && self.sets.is_empty() && !self.fresh && self.out.is_none() {
            eprintln!("{} holds all its runs already", self.experiment.display());
            return say(&self.experiment, self.json);
        }
        let loaded = load(&self.experiment, &self.sets)?;
        let name = &loaded.points[0].experiment.name;
        let is_run_dir = self.experiment.is_dir();
        let dir = match &self.out {
            Some(dir) => dir.clone(),
            None if is_run_dir => self.experiment.clone(),
            None => Path::new("runs").join(name),
        };
        if dir.exists() && !dir.is_dir() {
            return Err(Failure::input(format!("{} is a file; `--out` names a folder", dir.display())));
        }
        if self.fresh {
            set_aside(&dir)?;
        }
        let threads = self.threads.or(std::thread::available_parallelism().ok()).map_or(1, usize::from);
        let started = Instant::now();
        if self.shard.is_some() || !self.cells.is_empty() {
            return self.compute(&loaded, &dir, threads);
        }
        let ended = self.play(&loaded, &dir, threads)?;
        if !self.quiet {
            let took = started.elapsed().as_secs_f64();
            match ended {
                Ended::AlreadyDone => {
                    eprintln!("{} holds all runs of this experiment already; `--fresh` runs them again", dir.display())
                }
                Ended::Finished => eprintln!("finished in {took:.1} s"),
            }
        }
        say(&dir, self.json)
    }

    /// Trains networks that signal.
    fn signals(&self) -> Result<(), Failure> {
        if self.shard.is_some() || !self.cells.is_empty() {
            let why = "trainings of networks that signal are not dealt out in cells";
            return Err(Failure::input(why)
                .help("one process trains on all its threads; machines can have different `seed`s, or points by `--set`"));
        }
        if self.store.is_some() {
            return Err(Failure::input("no model is asked here, so `--store` says nothing"));
        }
        signals::run(&signals::Chosen {
            experiment: &self.experiment,
            out: self.out.as_deref(),
            sets: &self.sets,
            fresh: self.fresh,
            threads: self.threads.or(std::thread::available_parallelism().ok()).map_or(1, usize::from),
            checkpoint: self.checkpoint(),
            json: self.json,
            quiet: self.quiet,
        })
    }

    /// Computes some cells and leaves the joining to others.
    fn compute(&self, loaded: &Loaded, dir: &Path, threads: usize) -> Result<(), Failure> {
        let job = Job { checkpoint: self.checkpoint(), ..job(loaded, threads) };
        if loaded.points[0].experiment.sequential.is_some() {
            return Err(Failure::input(SEQUENTIAL));
        }
        let all = cells(&job);
        let some = match self.shard {
            Some([i, k]) => shard(&all, i, k),
            None => {
                let find = |hash: &String| {
                    all.iter().find(|cell| cell.hash == *hash).cloned().ok_or_else(|| {
                        Failure::input(format!("this experiment has no cell `{hash}`")).help(
                            "`cratylus plan EXPERIMENT.toml --json` lists them; another `--set` or input file makes other cells",
                        )
                    })
                };
                self.cells.iter().map(find).collect::<Result<_, _>>()?
            }
        };
        let runs = some.iter().map(|cell| cell.runs()).sum();
        let progress = Arc::new(Progress::default());
        let again = self.resume(dir, true) + &self.shard.map_or(String::new(), |[i, k]| format!(" --shard {i}/{k}"));
        let shown = Shown::of(&loaded.points, false, self.quiet);
        let ended = watched(&progress, &shown, || compute(&job, dir, &some, &progress));
        let [played, interactions, kept] =
            [&progress.runs, &progress.interactions, &progress.kept].map(|counter| counter.load(Ordering::Relaxed));
        let [there, of] =
            ended.map_err(|refused| refusal(refused, dir, &again, &again, played + interactions > 0, [played, runs]))?;
        if !self.quiet {
            let kept = if kept > 0 { format!(", {} of them kept from before", count(kept)) } else { String::new() };
            let next = match there == of {
                true if dir.join(cratylus_io::store::names::RUNS).exists() => format!("{} is finished", dir.display()),
                true => format!("all {of} cells are there; `cratylus merge {}` joins them", dir.display()),
                false => format!("{there} of {of} cells are in {}", dir.display()),
            };
            eprintln!("{} runs{kept}; {next}", count(runs));
        }
        Ok(())
    }

    fn play(&self, loaded: &Loaded, dir: &Path, threads: usize) -> Result<Ended, Failure> {
        let (quiet, store) = (self.quiet, self.store.clone());
        let budget = loaded.points[0].experiment.budget.clone();
        let prices = budget.prices.as_ref().map(|prices| loaded.base.join(prices));
        let job = Job { checkpoint: self.checkpoint(), live: LiveOptions { store, budget, prices }, ..job(loaded, threads) };
        let live = loaded.worlds.iter().any(World::live);
        let progress = Arc::new(Progress::default());
        let shown = Shown::of(&loaded.points, live, quiet);
        let ended = watched(&progress, &shown, || conduct(&job, dir, &progress));
        let total = progress.total.load(Ordering::Relaxed);
        if live && !quiet && progress.spent.calls.load(Ordering::Relaxed) + progress.spent.stored.load(Ordering::Relaxed) > 0 {
            eprintln!("{}", asked(&progress, &job.live.budget, None));
        }
        progress.take_notes().into_iter().for_each(|note| eprintln!("note: {note}"));
        let kept = progress.kept.load(Ordering::Relaxed);
        if kept > 0 && !quiet {
            eprintln!("{} of {} runs were kept from before", count(kept), count(total));
        }
        let [runs, interactions] = [&progress.runs, &progress.interactions].map(|counter| counter.load(Ordering::Relaxed));
        ended.map_err(|refused| {
            let failure =
                refusal(refused, dir, &self.resume(dir, true), &self.resume(dir, false), runs + interactions > 0, [runs, total]);
            // An address is the user's to mend.
            if misaddressed(&loaded.worlds).is_some() { Failure { code: 2, ..failure } } else { failure }
        })
    }

    fn checkpoint(&self) -> Option<Duration> {
        Some(self.checkpoint).filter(|every| !every.is_zero())
    }

    /// The command that goes on with this run.
    fn resume(&self, dir: &Path, budget: bool) -> String {
        let sets = self.sets.iter().filter(|set| budget || !set.trim_start().starts_with("budget."));
        let sets: String = sets.map(|set| format!(" --set '{set}'")).collect();
        let store = self.store.as_ref().map_or(String::new(), |store| format!(" --store {}", store.display()));
        format!("cratylus run {}{sets} --out {}{store}", self.experiment.display(), dir.display())
    }
}

/// Writes the report of a finished directory and prints its results.
pub fn say(dir: &Path, json: bool) -> Result<(), Failure> {
    let data = report::told(dir).map_err(|failure| {
        failure.help(
            "if a file of the directory is damaged, `cratylus run EXPERIMENT.toml --fresh` runs it again and keeps what is there",
        )
    })?;
    // The runs are there whatever becomes of the page, so what they gave is said first.
    let written = data.write(&dir.join(cratylus_io::store::names::REPORT));
    if json {
        print_json(&data.results())?;
        return written;
    }
    print(data.text())?;
    written?;
    for caution in &data.cautions {
        eprintln!("note: {caution}");
    }
    eprintln!("\nresults  {}\nreport   {}", dir.display(), dir.join(cratylus_io::store::names::REPORT).display());
    Ok(())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or_else(|| format!("`{text}` is not a number of seconds; expected, for example, 60"))
}

/// The work of an experiment that asks no language models.
pub fn job(loaded: &Loaded, threads: usize) -> Job<'_> {
    Job {
        text: &loaded.text,
        points: &loaded.points,
        worlds: &loaded.worlds,
        inputs: loaded.inputs.clone(),
        base: &loaded.base,
        build: BUILD,
        threads,
        checkpoint: Some(CHECKPOINT_EVERY),
        live: LiveOptions { store: None, budget: Default::default(), prices: None },
        reads: Default::default(),
    }
}

/// Why something was not run to its end, after so many of so many runs, if it had `begun`; and which command goes on, and
/// goes on with a raised budget.
pub fn refusal(refused: Refused, dir: &Path, resume: &str, raised: &str, begun: bool, [runs, total]: [u64; 2]) -> Failure {
    let shown_dir = dir.display();
    let kept = || Some(RunDir::open_so_far(dir, &registry()).ok()?.rows().ok()?.len() as u64);
    match refused {
        // Before anything was played or asked there is nothing to go on with.
        Refused::Fault(trouble) if !begun => Failure::run(trouble),
        Refused::Fault(trouble) => {
            Failure::run(format!("{trouble}\n  help: what was finished is kept; the same command goes on: {resume}"))
        }
        // Of a stretch of short runs that was not finished none is kept, so that is fewer than were played.
        Refused::Interrupted => Failure::run(format!(
            "interrupted; {} of {} runs are kept{}, and the same command goes on from there: {resume}",
            count(kept().unwrap_or(runs)),
            count(total),
            match midway(dir) {
                0 => String::new(),
                1 => ", and what was played of another".into(),
                n => format!(", and what was played of {} more", count(n as u64)),
            }
        )),
        Refused::Spent(what) => Failure::run(format!(
            "the budget of {what} is spent; {} of {} runs are kept, and every answer\n  help: raise `[budget]` and the same command goes on from there: {raised}",
            count(kept().unwrap_or(runs)),
            count(total)
        )),
        Refused::Held(holder) => held(dir, &holder),
        Refused::Changed(lines) => {
            let shown = lines.iter().take(12).map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n");
            let more = if lines.len() > 12 { format!("\n  and {} more", lines.len() - 12) } else { String::new() };
            let help = "`--fresh` starts over (what is there is kept beside it); `--out DIR` writes elsewhere";
            Failure::input(format!("{shown_dir} holds runs of an experiment that was different:\n{shown}{more}\n  help: {help}"))
        }
    }
}
