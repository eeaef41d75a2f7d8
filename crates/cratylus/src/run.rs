//! `cratylus run`: runs an experiment into a directory, shows how it goes, and says what came of it.

use crate::experiment::{BUILD, Loaded, load};
use crate::progress::{Shown, asked, watched};
use crate::words::{self, count};
use crate::{Failure, print, print_json, report};
use clap::Args;
use cratylus_core::World;
use cratylus_core::threshold::Found;
use cratylus_io::cells::{SEQUENTIAL, cells, compute, shard};
use cratylus_io::conduct::{Ended, Job, Progress, Refused, conduct, hold};
use cratylus_io::live::LiveOptions;
use cratylus_io::models::server::misaddressed;
use cratylus_io::run_dir::RunDir;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

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
    #[arg(long, value_name = "I/K", value_parser = shard_of, conflicts_with_all = ["fresh", "store", "json"])]
    shard: Option<[usize; 2]>,
    /// Compute one cell alone, as `cratylus plan --json` names it; may be given again.
    #[arg(long = "cell", value_name = "HASH", conflicts_with_all = ["fresh", "store", "json", "shard"])]
    cells: Vec<String>,
    /// Print the results as JSON.
    #[arg(long)]
    json: bool,
    /// Show no progress.
    #[arg(long)]
    quiet: bool,
}

impl Run {
    pub fn go(self) -> Result<(), Failure> {
        // A finished directory has nothing left to run, whoever its agents were: recorded ones cannot play again.
        let finished = self.experiment.join(cratylus_io::run_dir::RUNS).exists();
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
        let ended =
            play(&loaded, &dir, threads, self.quiet, self.store.clone(), &self.resume(&dir, true), &self.resume(&dir, false))?;
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

    /// Computes some cells and leaves the joining to others.
    fn compute(&self, loaded: &Loaded, dir: &Path, threads: usize) -> Result<(), Failure> {
        let job = job(loaded, threads);
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
                true if dir.join(cratylus_io::run_dir::RUNS).exists() => format!("{} is finished", dir.display()),
                true => format!("all {of} cells are there; `cratylus merge {}` joins them", dir.display()),
                false => format!("{there} of {of} cells are in {}", dir.display()),
            };
            eprintln!("{} runs{kept}; {next}", count(runs));
        }
        Ok(())
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
    let written = data.write(&dir.join(cratylus_io::run_dir::REPORT));
    if json {
        print_json(&data.results())?;
        return written;
    }
    print(data.text())?;
    written?;
    for caution in &data.cautions {
        eprintln!("note: {caution}");
    }
    eprintln!("\nresults  {}\nreport   {}", dir.display(), dir.join(cratylus_io::run_dir::REPORT).display());
    Ok(())
}

/// `I/K` with I from 1 to K.
fn shard_of(text: &str) -> Result<[usize; 2], String> {
    let (i, k) = text.split_once('/').ok_or("expected I/K, for example 2/8")?;
    let number =
        |part: &str| part.trim().parse::<usize>().map_err(|_| format!("`{part}` is not a number; expected I/K, for example 2/8"));
    let (i, k) = (number(i)?, number(k)?);
    if i < 1 || i > k {
        return Err(format!("there are {k} shards, numbered from 1 to {k}, so there is no shard {i}"));
    }
    Ok([i, k])
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
        live: LiveOptions { store: None, budget: Default::default(), prices: None },
    }
}

fn play(
    loaded: &Loaded,
    dir: &Path,
    threads: usize,
    quiet: bool,
    store: Option<PathBuf>,
    resume: &str,
    raised: &str,
) -> Result<Ended, Failure> {
    let budget = loaded.points[0].experiment.budget.clone();
    let prices = budget.prices.as_ref().map(|prices| loaded.base.join(prices));
    let job = Job { live: LiveOptions { store, budget, prices }, ..job(loaded, threads) };
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
        let failure = refusal(refused, dir, resume, raised, runs + interactions > 0, [runs, total]);
        // An address is the user's to mend.
        if misaddressed(&loaded.worlds).is_some() { Failure { code: 2, ..failure } } else { failure }
    })
}

/// Why something was not run to its end, after so many of so many runs, if it had `begun`; and which command goes on, and
/// goes on with a raised budget.
pub fn refusal(refused: Refused, dir: &Path, resume: &str, raised: &str, begun: bool, [runs, total]: [u64; 2]) -> Failure {
    let shown_dir = dir.display();
    let kept = || Some(RunDir::open_so_far(dir).ok()?.rows().ok()?.len() as u64);
    match refused {
        // Before anything was played or asked there is nothing to go on with.
        Refused::Trouble(trouble) if !begun => Failure::run(trouble),
        Refused::Trouble(trouble) => {
            Failure::run(format!("{trouble}\n  help: what was finished is kept; the same command goes on: {resume}"))
        }
        // Of a stretch of runs that was not finished none is kept, so that is fewer than were played.
        Refused::Interrupted => Failure::run(format!(
            "interrupted; {} of {} runs are kept, and the same command goes on from there: {resume}",
            count(kept().unwrap_or(runs)),
            count(total)
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

fn held(dir: &Path, holder: &str) -> Failure {
    Failure::run(format!("{} is being written by {holder}; wait for it, or choose another `--out`", dir.display()))
}

/// Moves a directory to the first free name beside it.
fn set_aside(dir: &Path) -> Result<(), Failure> {
    if !dir.exists() {
        return Ok(());
    }
    // Not from under a process that is writing into it.
    if let Err(Refused::Held(holder)) = hold(dir) {
        return Err(held(dir, &holder));
    }
    let name = dir.file_name().map_or_else(|| "run".into(), |name| name.to_string_lossy().into_owned());
    let aside =
        (1..).map(|i| dir.with_file_name(format!("{name}.before-{i}"))).find(|path| !path.exists()).expect("numbers do not end");
    std::fs::rename(dir, &aside)
        .map_err(|error| Failure::run(format!("moving {} to {}: {error}", dir.display(), aside.display())))?;
    eprintln!("what {} held is now in {}", dir.display(), aside.display());
    Ok(())
}

/// The table of results: one line for each point, and beneath it what was recorded.
pub fn results_table(points: &[report::PointData]) -> String {
    let tipping = points.iter().any(|point| point.facts.tipping.is_some());
    let individual = points.iter().any(|point| point.facts.individual.is_some());
    if individual {
        individual_table(points)
    } else if tipping {
        tipping_table(points)
    } else if points.iter().any(|point| point.facts.held.is_some()) {
        opinions_table(points)
    } else if points.iter().any(|point| !point.facts.followed.is_empty()) {
        categories_table(points)
    } else {
        consensus_table(points)
    }
}

fn consensus_table(points: &[report::PointData]) -> String {
    let head = ["", "runs", "consensus", "rounds, median", "rounds, mean", "stay", "switch", "winners", "collective bias"];
    let mut rows = vec![head.map(String::from).to_vec()];
    let bias = |facts: &cratylus_core::summary::Facts| {
        let p = |bias: &cratylus_core::summary::CollectiveBias| format!("p {}", cratylus_core::summary::p_words(bias.p));
        facts.collective_bias.as_ref().map_or("–".into(), p)
    };
    let mut push = |label: String, facts: &cratylus_core::summary::Facts| {
        let [median, mean] = words::sample(facts.rounds.as_ref());
        let consensus = facts.consensus.as_ref().map_or("–".into(), |share| words::percent(share.share));
        let rate = |rate: Option<f64>| rate.map_or("–".into(), words::percent);
        let (stay, switch) = (rate(facts.stay_after_success), rate(facts.switch_after_failure));
        rows.push(vec![label, count(facts.runs), consensus, median, mean, stay, switch, words::winners(facts), bias(facts)]);
    };
    for point in points {
        push(point.label.clone(), &point.facts);
        if let Some(recorded) = &point.recorded {
            push("  recorded".into(), &recorded.facts);
        }
    }
    let table = words::table(&rows, &[1, 2, 5, 6]);
    format!(
        "{table}\n\nRounds to consensus are population rounds (N interactions): median [quartiles] and mean ± sd over runs.\nStay, switch: how often a name was kept after success, and changed after failure.\nCollective bias: winners over runs against first choices with an empty memory, G test."
    )
}

fn opinions_table(points: &[report::PointData]) -> String {
    let head = ["", "runs", "consensus", "rounds, median", "rounds, mean", "commonest at the end", "winners"];
    let mut rows = vec![head.map(String::from).to_vec()];
    for report::PointData { label, facts, .. } in points {
        let [median, mean] = words::sample(facts.rounds.as_ref());
        let consensus = facts.consensus.as_ref().map_or("–".into(), |share| words::percent(share.share));
        let held = |held: &cratylus_core::summary::Sample| format!("{:.4} ± {:.4}", held.mean, held.sd);
        let held = facts.held.as_ref().map_or("–".into(), held);
        rows.push(vec![label.clone(), count(facts.runs), consensus, median, mean, held, words::winners(facts)]);
    }
    let table = words::table(&rows, &[1, 2, 5]);
    format!(
        "{table}\n\nConsensus: all agents hold one opinion. Rounds are population rounds (N agents asked): median [quartiles] and mean ± sd over runs.\nCommonest at the end: the share of agents that hold the commonest opinion, (1 + |m|) / 2 of two; mean ± sd over runs."
    )
}

fn categories_table(points: &[report::PointData]) -> String {
    let head = ["", "runs", "perceptual", "linguistic", "overlap", "named alike"];
    let mut rows = vec![head.map(String::from).to_vec()];
    for report::PointData { label, facts, .. } in points {
        let end = |measure: &str, digits: usize| {
            let of = facts.followed.get(measure);
            of.map_or("–".into(), |followed| match followed.end.n {
                1 => format!("{:.digits$}", followed.end.mean),
                _ => format!("{:.digits$} ± {:.digits$}", followed.end.mean, followed.end.sd),
            })
        };
        rows.push(vec![
            label.clone(),
            count(facts.runs),
            end("perceptual_categories", 1),
            end("linguistic_categories", 1),
            end("linguistic_overlap", 3),
            end("named_alike", 3),
        ]);
    }
    let table = words::table(&rows, &[1, 2, 3, 4, 5]);
    format!(
        "{table}\n\nAt the end of a run, mean ± sd over runs: perceptual and linguistic categories of an agent, the latter being neighbours with\nthe same word; how far the linguistic ones of two agents overlap; and the part of the line that two agents call alike."
    )
}

fn tipping_table(points: &[report::PointData]) -> String {
    let head = ["", "majority → minority", "committed", "runs", "tipped", "final share", "recorded"];
    let mut rows = vec![head.map(String::from).to_vec()];
    for point in points {
        let Some(tipping) = &point.facts.tipping else { continue };
        let recorded = point.recorded.as_ref().and_then(|recorded| recorded.facts.tipping.as_ref());
        rows.push(vec![
            point.label_without(&["agents.committed", "population.start"]),
            format!("{} → {}", tipping.majority.as_deref().unwrap_or("none"), tipping.minority),
            format!("{} ({})", tipping.count, words::percent(tipping.fraction)),
            count(tipping.of),
            words::interval(tipping.share, tipping.low, tipping.high),
            words::percent(tipping.final_share),
            recorded.map_or(String::new(), |tipping| format!("{} of {} tipped", tipping.tipped, tipping.of)),
        ]);
    }
    let table = words::table(&rows, &[3]);
    format!(
        "{table}\n\nTipped: the minority's name made up at least 95 % of the others' choices over the last three rounds; 95 % intervals."
    )
}

/// Where an outcome passes its threshold, and what thresholds are extrapolated to.
pub fn thresholds_table(found: &Found) -> String {
    let number = |value: f64| {
        let text = format!("{value:.5}");
        if value.fract() == 0.0 { format!("{value}") } else { text.trim_end_matches('0').trim_end_matches('.').to_string() }
    };
    let interval = |low: f64, high: f64| format!("[{}, {}]", number(low), number(high));
    let mut rows = vec![["", "threshold", "95 % interval", "points run", "runs", ""].map(String::from).to_vec()];
    for at in &found.thresholds {
        let threshold = &at.threshold;
        rows.push(vec![
            at.label.clone(),
            threshold.value.map_or("none".into(), number),
            threshold.low.zip(threshold.high).map_or("–".into(), |(low, high)| interval(low, high)),
            threshold.points.to_string(),
            count(threshold.runs),
            threshold.caution.clone().unwrap_or_default(),
        ]);
    }
    let mut text = format!(
        "Threshold in {}: where the share of runs that {} passes {}\n{}",
        found.key,
        found.of.words(),
        found.at,
        words::table(&rows, &[1, 3, 4])
    );
    for at in &found.limits {
        let of = if at.label.is_empty() { String::new() } else { format!("{}: ", at.label) };
        let over = found.over.as_deref().unwrap_or_default();
        text += &match (&at.limit, &at.caution) {
            (Some(limit), caution) => {
                let exponent = match limit.exponents {
                    Some([low, high]) => format!("exponent {:.2}, between {low:.2} and {high:.2}", limit.exponent),
                    None => format!("exponent {}, given", limit.exponent),
                };
                format!(
                    "\n{of}at infinite {over}: {} {} ({exponent}; chi-squared {:.1}, {} degrees of freedom){}",
                    number(limit.value),
                    interval(limit.low, limit.high),
                    limit.chi2,
                    limit.df,
                    caution.as_ref().map_or(String::new(), |why| format!("\n  caution: {why}"))
                )
            }
            (None, why) => format!("\n{of}not extrapolated: {}", why.as_deref().unwrap_or_default()),
        };
    }
    text
}

fn individual_table(points: &[report::PointData]) -> String {
    let head = ["", "own_partner", "answers", "choices", "p uniform", "recorded"];
    let mut rows = vec![head.map(String::from).to_vec()];
    let choices = |choices: &[cratylus_core::summary::Share]| {
        let mut best: Vec<_> = choices.iter().filter(|share| share.count > 0).collect();
        best.sort_by_key(|share| std::cmp::Reverse(share.count));
        best.iter()
            .take(3)
            .map(|share| format!("{} {:.3}", share.name.as_deref().unwrap_or("?"), share.share))
            .collect::<Vec<_>>()
            .join(", ")
    };
    for point in points {
        let Some(one) = &point.facts.individual else { continue };
        let recorded = point.recorded.as_ref().and_then(|recorded| recorded.facts.individual.as_ref());
        let p = if one.p_uniform < 1e-4 { format!("{:.0e}", one.p_uniform) } else { format!("{:.3}", one.p_uniform) };
        let beside = recorded
            .map_or(String::new(), |recorded| format!("{} (n = {})", choices(&recorded.choices), count(recorded.answers)));
        rows.push(vec![
            point.label_without(&["population.start"]),
            one.memory_text.clone(),
            count(one.answers),
            choices(&one.choices),
            p,
            beside,
        ]);
    }
    words::table(&rows, &[2])
}
