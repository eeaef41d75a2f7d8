//! Experiments with networks that learn to signal: run, checked, told and shown. What is trained is in `cratylus_neural::signals`,
//! what is kept in `cratylus_io::signals`.

use crate::caller::{held, print, print_json, registry, set_aside};
use crate::experiment::{BUILD, apply};
use crate::failure::Failure;
use crate::page::{write_file, write_page};
use crate::progress::{Shown, watched};
use crate::words::{claim, count, percent, table};
use cratylus_audit::finding::{Bar, Line, Picture, Who};
use cratylus_audit::signals::{Finding, Trained, TrainedRun, findings};
use cratylus_core::experiment::Document;
use cratylus_core::stats::{interval, mean_sd, quantile};
use cratylus_io::conduct::job::{Ended, Refused};
use cratylus_io::conduct::progress::Progress;
use cratylus_io::signals::record::RunRecord;
use cratylus_io::signals::{Point, SignalJob, TABLES, conduct, items, read_so_far};
use cratylus_io::store::inputs::sha256;
use cratylus_io::store::manifest::Manifest;
use cratylus_io::store::names::{EXPERIMENT, PLAN, RUNS};
use cratylus_io::store::run_dir;
use cratylus_io::whole::write_whole;
use cratylus_neural::signals::{Experiment, Game, Roles, Training};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Whether a file, or the experiment of a run directory, is of this kind.
pub fn meant(path: &Path) -> bool {
    let file = if path.is_dir() { path.join(EXPERIMENT) } else { path.to_path_buf() };
    let Ok(text) = cratylus_io::text::read(&file) else { return false };
    let found = |key: &str| text.lines().any(|line| line.trim_start().starts_with(key));
    // Most files are not, and need not be parsed twice.
    found("[channel]") && found("[train]")
        || Document::parse_with(&registry(), "", &text, &[])
            .is_ok_and(|document| document.has("channel") && document.has("train"))
}

/// An experiment that was read and checked.
pub struct Loaded {
    pub text: String,
    pub points: Vec<Point>,
    pub inputs: BTreeMap<String, String>,
    pub base: PathBuf,
}

/// Reads a file, or the experiment that a run directory keeps, with its files of items.
pub fn load(path: &Path, sets: &[String]) -> Result<Loaded, Failure> {
    let (file, base) = match path.is_dir() {
        true => (path.join(EXPERIMENT), run_dir::base(path)),
        false => (path.to_path_buf(), path.parent().map_or_else(PathBuf::new, Path::to_path_buf)),
    };
    let text = cratylus_io::text::read(&file).map_err(Failure::input)?;
    let document = Document::parse_with(&registry(), &file.display().to_string(), &text, sets).map_err(Failure::input)?;
    document.notes().iter().for_each(|note| eprintln!("note: {note}"));
    let all = document.points_of(Experiment::read).map_err(Failure::input)?;
    let mut inputs = BTreeMap::new();
    let mut known = BTreeMap::new();
    let mut points = Vec::new();
    for (settings, experiment) in all {
        let items = match &experiment.world.items {
            None => None,
            Some(name) => {
                if !known.contains_key(name) {
                    let path = base.join(name);
                    let wrong = |why: String| Failure::input(document.say_at("game.items", why));
                    let table = items::read(&path).map_err(|fault| wrong(fault.0))?;
                    inputs.insert(name.clone(), sha256(&path).map_err(|error| wrong(error.to_string()))?);
                    known.insert(name.clone(), table);
                }
                known.get(name).cloned()
            }
        };
        let point = Point { settings, experiment, items };
        // All that can be wrong with a training is said before any begins.
        let items = point.experiment.items(point.items.as_ref(), point.seed(0));
        let built = items.and_then(|items| {
            let (needed, there) = (memory(&point.experiment, items.width(), items.len()), crate::experiment::memory_there());
            if let Some(there) = there.filter(|there| needed > *there as f64) {
                let why = format!(
                    "a training needs about {:.1} GB of memory, and this machine has {:.1}",
                    needed / 1e9,
                    there as f64 / 1e9
                );
                return Err(("agents.hidden", why));
            }
            Training::new(&point.experiment.setup, &items, point.seed(0)).map(drop)
        });
        built.map_err(|(key, why)| Failure::input(document.say_at(key, why)))?;
        points.push(point);
    }
    let text = apply(&text, document.written()).map_err(Failure::input)?;
    Ok(Loaded { text, points, inputs, base })
}

/// About how many bytes a training takes: weights with what the optimiser remembers, and the states of a batch.
fn memory(experiment: &Experiment, width: usize, items: usize) -> f64 {
    let setup = &experiment.setup;
    let (h, e, v) = (setup.agents.hidden as f64, setup.agents.embedding as f64, setup.channel.vocabulary as f64);
    let gates = setup.agents.cell.gates() as f64;
    let weights = 2.0 * gates * h * (h + e) + 2.0 * v * e + v * h + 2.0 * h * width as f64;
    let steps = setup.channel.length as f64 + 1.0;
    let rows = setup.train.batch.max(items) as f64;
    16.0 * weights * setup.population.agents as f64 + 4.0 * rows * steps * (2.0 * (gates + 2.0) * h + 3.0 * v)
}

/// What a caller chose of `run`.
pub struct Chosen<'a> {
    pub experiment: &'a Path,
    pub out: Option<&'a Path>,
    pub sets: &'a [String],
    pub fresh: bool,
    pub threads: usize,
    pub checkpoint: Option<Duration>,
    pub json: bool,
    pub quiet: bool,
}

/// Trains all points and says what came of it.
pub fn run(chosen: &Chosen<'_>) -> Result<(), Failure> {
    if chosen.experiment.join(RUNS).exists() && chosen.sets.is_empty() && !chosen.fresh && chosen.out.is_none() {
        eprintln!("{} holds all its runs already", chosen.experiment.display());
        return say(chosen.experiment, chosen.json);
    }
    let loaded = load(chosen.experiment, chosen.sets)?;
    let dir = match chosen.out {
        Some(dir) => dir.to_path_buf(),
        None if chosen.experiment.is_dir() => chosen.experiment.to_path_buf(),
        None => Path::new("runs").join(&loaded.points[0].experiment.name),
    };
    if dir.exists() && !dir.is_dir() {
        return Err(Failure::input(format!("{} is a file; `--out` names a folder", dir.display())));
    }
    if chosen.fresh {
        set_aside(&dir)?;
    }
    let job = SignalJob {
        text: &loaded.text,
        points: &loaded.points,
        inputs: loaded.inputs.clone(),
        base: &loaded.base,
        build: BUILD,
        threads: chosen.threads,
        checkpoint: chosen.checkpoint,
    };
    let started = Instant::now();
    let progress = Arc::new(Progress::default());
    let ended = watched(&progress, &Shown::bare(chosen.quiet), || conduct(&job, &dir, &progress));
    progress.take_notes().into_iter().for_each(|note| eprintln!("note: {note}"));
    let sets: String = chosen.sets.iter().map(|set| format!(" --set '{set}'")).collect();
    let again = format!("cratylus run {}{sets} --out {}", chosen.experiment.display(), dir.display());
    let ended = ended.map_err(|refused| match refused {
        Refused::Interrupted => {
            Failure::run(format!("interrupted; what was trained is kept, and the same command goes on from there: {again}"))
        }
        Refused::Held(holder) => held(&dir, &holder),
        Refused::Changed(lines) => {
            let shown = lines.iter().take(12).map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n");
            Failure::input(format!("{} holds runs of an experiment that was different:\n{shown}", dir.display()))
                .help("`--fresh` starts over (what is there is kept beside it); `--out DIR` writes elsewhere")
        }
        Refused::Spent(what) => Failure::run(what),
        Refused::Fault(fault) => Failure::run(fault),
    })?;
    if !chosen.quiet {
        match ended {
            Ended::AlreadyDone => {
                eprintln!("{} holds all runs of this experiment already; `--fresh` runs them again", dir.display())
            }
            Ended::Finished => eprintln!("finished in {:.1} s", started.elapsed().as_secs_f64()),
        }
    }
    say(&dir, chosen.json)
}

/// A directory with its runs, point by point.
struct Told {
    dir: PathBuf,
    loaded: Loaded,
    runs: Vec<Vec<RunRecord>>,
}

fn told(dir: &Path) -> Result<Told, Failure> {
    finished(dir)?;
    told_so_far(dir)
}

/// What there is of a directory, finished or not.
fn told_so_far(dir: &Path) -> Result<Told, Failure> {
    let loaded = load_kept(dir)?;
    let replicas = loaded.points[0].experiment.replicas;
    let mut runs: Vec<Vec<RunRecord>> = loaded.points.iter().map(|_| Vec::new()).collect();
    for record in read_so_far(dir)? {
        let point = (record.run / replicas) as usize;
        runs.get_mut(point)
            .ok_or_else(|| Failure::run(format!("{}: run {} is of no point", dir.display(), record.run)))?
            .push(record);
    }
    Ok(Told { dir: dir.into(), loaded, runs })
}

/// A finished directory's experiment, without its items, which are nothing to what was measured.
fn load_kept(dir: &Path) -> Result<Loaded, Failure> {
    let file = dir.join(EXPERIMENT);
    let text = cratylus_io::text::read(&file)?;
    let document = Document::parse_with(&registry(), &file.display().to_string(), &text, &[]).map_err(Failure::run)?;
    let all = document.points_of(Experiment::read).map_err(Failure::run)?;
    let points = all.into_iter().map(|(settings, experiment)| Point { settings, experiment, items: None }).collect();
    Ok(Loaded { text, points, inputs: BTreeMap::new(), base: PathBuf::new() })
}

/// Says what a directory holds, and writes its page.
pub fn say(dir: &Path, json: bool) -> Result<(), Failure> {
    let told = told(dir)?;
    let written = write_page(dir, &told.page()?);
    match json {
        true => print_json(&told.results())?,
        false => print(told.text())?,
    }
    written?;
    if !json {
        let report = dir.join(cratylus_io::store::names::REPORT);
        eprintln!(
            "\nresults  {}\nreport   {}\n`cratylus audit {}` asks whether messages are used, and what they say",
            dir.display(),
            report.display(),
            dir.display()
        );
    }
    Ok(())
}

/// Writes the page of a directory again, into a file perhaps, and gives its results as JSON.
pub fn report(dir: &Path, out: Option<&Path>, json: bool) -> Result<Value, Failure> {
    let told = told(dir)?;
    match out {
        Some(file) => write_file(file, &told.page()?)?,
        None => write_page(dir, &told.page()?)?,
    }
    if !json {
        print(told.text())?;
    }
    Ok(told.results())
}

/// What the viewer shows of a directory, finished or not.
pub fn seen(id: &str, dir: &Path, stamp: &str, state: &str, says: Option<String>) -> Result<Value, Failure> {
    let told = told_so_far(dir)?;
    let first = &told.loaded.points[0].experiment;
    let all = first.replicas * told.loaded.points.len() as u64;
    let done: usize = told.runs.iter().map(Vec::len).sum();
    let tables = ["runs", "training", "messages", "items", "cross", "measures"];
    let tables: Vec<&str> = tables.into_iter().filter(|table| dir.join(format!("{table}.parquet")).exists()).collect();
    let report = match done {
        0 => json!({ "format": 1, "name": first.name, "claim": claim(&told.loaded.text) }),
        _ => told.page()?,
    };
    Ok(json!({
        "id": id, "state": state, "says": says, "stamp": stamp, "runs": all, "done": done, "live": false, "report": report,
        "asked": told.loaded.text.parse::<toml::Table>().ok(), "plan": [], "points": [], "tables": tables, "calls": false,
        "population": false, "no_population": "networks learn here, and have nothing to look at but what they say", "single": false,
    }))
}

/// The viewer's line on a directory.
pub fn line(dir: &Path) -> Result<Value, Failure> {
    let told = told_so_far(dir)?;
    let first = &told.loaded.points[0].experiment;
    let mut sizes: Vec<usize> = told.loaded.points.iter().map(|point| point.experiment.setup.population.agents).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let mut agents: Vec<&str> = told.loaded.points.iter().map(|point| point.experiment.setup.agents.cell.name()).collect();
    agents.dedup();
    let done: usize = told.runs.iter().map(Vec::len).sum();
    let game = match first.setup.game {
        Game::Reconstruction => "reconstruction",
        Game::Discrimination { .. } => "discrimination",
        Game::Contrastive { .. } => "contrastive",
    };
    let manifest = Manifest::read(dir).ok();
    Ok(json!({
        "started": manifest.as_ref().map(|manifest| &manifest.started), "ended": manifest.as_ref().and_then(|manifest| manifest.ended.as_ref()),
        "name": first.name, "claim": claim(&told.loaded.text), "game": game, "agents": agents, "sizes": sizes,
        "points": told.loaded.points.len(), "replicas": first.replicas, "runs": first.replicas * told.loaded.points.len() as u64,
        "done": done,
    }))
}

/// What `check` says.
pub fn check(path: &Path, sets: &[String], json: bool) -> Result<(), Failure> {
    let loaded = load(path, sets)?;
    let first = &loaded.points[0].experiment;
    let runs = loaded.points.len() as u64 * first.replicas;
    let most: u64 = loaded.points.iter().map(|point| point.experiment.stop.steps * point.experiment.replicas).sum();
    // A few points say how long many take.
    let tried = loaded.points.len().min(8);
    let mut seconds = 0.0;
    for point in &loaded.points[..tried] {
        let run = cratylus_io::signals::seconds(point).map_err(|(key, why)| Failure::input(format!("`{key}`: {why}")))?;
        seconds += run * point.experiment.replicas as f64;
    }
    seconds *= loaded.points.len() as f64 / tried as f64;
    if json {
        return print_json(&json!({ "valid": true, "name": first.name, "points": loaded.points.len(), "runs": runs,
            "steps_at_most": most, "cpu_seconds": seconds }));
    }
    print(format!(
        "{}: {}, each of up to {} steps; about {} of one processor, less where runs reach their success before",
        path.display(),
        match loaded.points.len() {
            1 => crate::words::plural(runs, "run"),
            n => format!("{} of {n} conditions", crate::words::plural(runs, "run")),
        },
        count(first.stop.steps),
        duration(seconds)
    ))
}

fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => "a second".into(),
        s if s < 100.0 => format!("{s:.0} seconds"),
        s if s < 6000.0 => format!("{:.0} minutes", s / 60.0),
        s => format!("{:.1} hours", s / 3600.0),
    }
}

/// Trains again and compares what came of it, table by table.
pub fn replay(dir: &Path, threads: usize) -> Result<(), Failure> {
    finished(dir)?;
    let before = Manifest::read(dir)?;
    let loaded = load(dir, &[])?;
    let name = &loaded.points[0].experiment.name;
    let fresh = std::env::temp_dir().join(format!("cratylus-replay-{}-{name}", std::process::id()));
    let job = SignalJob {
        text: &loaded.text,
        points: &loaded.points,
        inputs: loaded.inputs.clone(),
        base: &loaded.base,
        build: BUILD,
        threads,
        checkpoint: None,
    };
    let progress = Arc::new(Progress::default());
    let ended = watched(&progress, &Shown::bare(false), || conduct(&job, &fresh, &progress));
    let after = Manifest::read(&fresh);
    let file = |of: &Path, table: &str| std::fs::read(of.join(table)).ok();
    let differ: Vec<&str> = TABLES.into_iter().filter(|table| file(dir, table) != file(&fresh, table)).collect();
    let _ = std::fs::remove_dir_all(&fresh);
    ended.map_err(|refused| {
        Failure::run(match refused {
            Refused::Interrupted => "interrupted".to_string(),
            Refused::Fault(fault) => fault.0,
            other => format!("{other:?}"),
        })
    })?;
    let same = before.digest.is_some() && before.digest == after?.digest;
    match (same, &differ[..]) {
        (true, []) => {
            print(format!("{}: trained again, every message and every weight is the same, and all tables", dir.display()))
        }
        // Another version of the program may write the same otherwise.
        (_, []) => {
            Err(Failure::run(format!("{}: its tables are the same, and its manifest is of another training", dir.display())))
        }
        (_, tables) => {
            Err(Failure::run(format!("{}: trained again, {} differ from what it holds", dir.display(), tables.join(", "))))
        }
    }
}

/// Refuses a directory whose runs are not over.
fn finished(dir: &Path) -> Result<(), Failure> {
    match dir.join(RUNS).exists() {
        true => Ok(()),
        false => {
            let why = "its runs are not finished; `cratylus run` with the same experiment finishes them";
            Err(Failure::input(format!("{}: {why}", dir.display())))
        }
    }
}

impl Told {
    fn label(&self, point: usize) -> String {
        match self.loaded.points[point].label() {
            label if label.is_empty() => self.loaded.points[point].experiment.name.clone(),
            label => label,
        }
    }

    fn values(&self, point: usize, of: impl Fn(&RunRecord) -> Option<f64>) -> Vec<f64> {
        self.runs[point].iter().filter_map(of).collect()
    }

    fn text(&self) -> String {
        let several = self.runs.len() > 1;
        let mut head = Vec::new();
        let mut rows: Vec<Vec<String>> = vec![Vec::new(); self.runs.len()];
        let mut column = |name: &str, cell: &dyn Fn(usize) -> Option<String>| {
            let cells: Vec<Option<String>> = (0..rows.len()).map(cell).collect();
            if cells.iter().any(Option::is_some) {
                head.push(name.to_string());
                rows.iter_mut().zip(cells).for_each(|(row, cell)| row.push(cell.unwrap_or_else(|| "–".into())));
            }
        };
        let share = |control: &'static str, held_out: bool| {
            move |point: usize| self.mean_interval(point, |run| tried(run, control, held_out))
        };
        if several {
            column("condition", &|point| Some(self.label(point)));
        }
        column("runs", &|point| Some(count(self.runs[point].len() as u64)));
        column("reached", &|point| {
            self.loaded.points[point].experiment.stop.success?;
            let reached: Vec<f64> = self.values(point, |run| run.reached.map(|steps| steps as f64));
            Some(format!("{}", reached.len()))
        });
        column("steps", &|point| {
            let mut steps = self.values(point, |run| Some(run.steps as f64));
            steps.sort_by(f64::total_cmp);
            Some(format!("{:.0}", quantile(&steps, 0.5)))
        });
        column("success", &share("as-trained", false));
        column("held out", &share("as-trained", true));
        column("permuted", &share("permuted", false));
        column("cut", &share("cut", false));
        column("by chance", &|point| self.values(point, |run| Some(run.chance)).first().map(|chance| percent(*chance)));
        column("messages", &|point| {
            let items = self.mean(point, |run| Some(run.items as f64))?;
            self.mean(point, |run| Some(run.distinct_messages)).map(|n| format!("{n:.1} of {items:.0}"))
        });
        column("length", &|point| self.mean(point, |run| Some(run.message_length)).map(|n| format!("{n:.1}")));
        column("topsim", &|point| self.mean(point, |run| measure(run, "topsim")).map(|n| format!("{n:.2}")));
        column("by chance below", &|point| self.mean(point, |run| limit(run, "topsim")).map(|n| format!("{n:.2}")));
        column("untrained", &|point| self.mean(point, |run| at_first(run, "topsim")).map(|n| format!("{n:.2}")));
        column("brevity", &|point| {
            let [value, p] = [0, 1].map(|of| {
                self.mean(point, |run| {
                    let one = run.measures.iter().find(|one| one.measure == "brevity:items" && one.step == run.steps)?;
                    if of == 0 { Some(one.value) } else { one.chance.map(|chance| chance[1]) }
                })
            });
            Some(format!("{:.2} (by chance below {:.2})", value?, p?))
        });
        column("itself", &|point| self.mean(point, itself).map(percent));
        column("same words", &|point| self.mean(point, same).map(percent));
        let right: Vec<usize> = (usize::from(several)..head.len()).collect();
        let mut all = vec![head];
        all.extend(rows);
        format!(
            "{}\n\nSuccess: the share of items answered rightly with the likeliest symbols, with its 95 % interval over runs; permuted and cut: with messages of\nother items, and with none, to the same agents. Messages: how many different ones there are about how many items.",
            table(&all, &right)
        )
    }

    fn mean(&self, point: usize, of: impl Fn(&RunRecord) -> Option<f64>) -> Option<f64> {
        let values = self.values(point, of);
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    }

    fn mean_interval(&self, point: usize, of: impl Fn(&RunRecord) -> Option<f64>) -> Option<String> {
        let (mean, [low, high]) = estimate(&self.values(point, of))?;
        Some(match high - low {
            width if width.is_finite() && width > 0.0 => {
                format!("{} [{:.0}–{:.0}]", percent(mean), 100.0 * low.max(0.0), 100.0 * high.min(1.0))
            }
            _ => percent(mean),
        })
    }

    fn results(&self) -> Value {
        let point = |i: usize| {
            let settings: BTreeMap<&str, Value> = self.loaded.points[i]
                .settings
                .iter()
                .map(|setting| (setting.key.as_str(), serde_json::to_value(&setting.value).expect("a setting is plain data")))
                .collect();
            let estimated = |of: &dyn Fn(&RunRecord) -> Option<f64>| {
                estimate(&self.values(i, of))
                    .map(|(mean, [low, high])| json!({ "mean": mean, "low": finite(low), "high": finite(high) }))
            };
            let controls: BTreeMap<String, Value> = self.runs[i]
                .first()
                .map(|run| run.tried.iter().map(|one| (one.control.clone(), one.held_out)).collect::<Vec<_>>())
                .unwrap_or_default()
                .into_iter()
                .map(|(control, held_out)| {
                    let name = if held_out { format!("{control}:held-out") } else { control.clone() };
                    (name, estimated(&|run: &RunRecord| tried(run, &control, held_out)).unwrap_or(Value::Null))
                })
                .collect();
            let names: std::collections::BTreeSet<&String> =
                self.runs[i].iter().flat_map(|run| run.measures.iter().map(|one| &one.measure)).collect();
            let measures: BTreeMap<&String, Value> = names
                .into_iter()
                .map(|name| {
                    let value = json!({ "end": estimated(&|run: &RunRecord| measure(run, name)), "untrained": estimated(&|run: &RunRecord| at_first(run, name)),
                        "limit_95": estimated(&|run: &RunRecord| limit(run, name)) });
                    (name, value)
                })
                .collect();
            json!({
                "label": self.label(i), "settings": settings, "runs": self.runs[i].len(),
                "reached": self.runs[i].iter().filter(|run| run.reached.is_some()).count(),
                "steps": estimated(&|run: &RunRecord| Some(run.steps as f64)),
                "chance": self.runs[i].first().map(|run| run.chance),
                "success": controls, "measures": measures,
                "itself": estimated(&itself), "others": estimated(&others), "same": estimated(&same),
            })
        };
        json!({ "schema": "cratylus-signals/1", "directory": self.dir, "points": (0..self.runs.len()).map(point).collect::<Vec<_>>() })
    }

    fn page(&self) -> Result<Value, Failure> {
        let manifest = Manifest::read(&self.dir)?;
        let mut pictures = vec![self.curves(), self.controls()];
        pictures.extend(self.by_step());
        pictures.extend(self.structure());
        pictures.extend(self.shared());
        let mut tables = vec![self.summary()];
        tables.extend(self.cross());
        if self.dir.join(RUNS).exists() {
            tables.extend(self.code());
        }
        let statements: Vec<Value> = self.findings().iter().map(statement).collect();
        let first = &self.loaded.points[0].experiment;
        let shown = json!({
            "title": "Signals",
            "statements": statements,
            "pictures": pictures.into_iter().map(|picture| serde_json::to_value(picture).expect("plain data")).collect::<Vec<_>>(),
            "tables": tables,
        });
        let plan = std::fs::read_to_string(self.dir.join(PLAN)).unwrap_or_default();
        Ok(json!({
            "format": 1, "name": first.name, "claim": claim(&self.loaded.text), "points": [], "benchmark": shown,
            "experiment_toml": self.loaded.text, "plan_toml": plan,
            "provenance": { "version": manifest.version, "revision": manifest.revision, "seed": first.seed, "digest": manifest.digest },
        }))
    }

    /// Success by step, the mean over runs with its quartiles.
    fn curves(&self) -> Picture {
        let line = |i: usize| {
            let longest = self.runs[i].iter().filter_map(|run| run.readings.last()).map(|seen| seen.step).max().unwrap_or(0);
            let mut line =
                Line { label: self.label(i), who: who(i), joined: true, x: vec![], y: vec![], low: vec![], high: vec![] };
            // No screen shows more points than these.
            for at in 0..=120 {
                let step = longest * at / 120;
                // A run that has reached its success stays there.
                let mut values: Vec<f64> = self.runs[i]
                    .iter()
                    .filter_map(|run| {
                        let place = run.readings.partition_point(|seen| seen.step <= step);
                        Some(run.readings.get(place.max(1) - 1).filter(|_| place > 0)?.success_greedy)
                    })
                    .collect();
                if values.is_empty() || line.x.last() == Some(&(step as f64)) {
                    continue;
                }
                values.sort_by(f64::total_cmp);
                line.x.push(step as f64);
                line.y.push(values.iter().sum::<f64>() / values.len() as f64);
                line.low.push(quantile(&values, 0.25));
                line.high.push(quantile(&values, 0.75));
            }
            line
        };
        Picture::Curves {
            title: "Success while agents learn: the mean over runs, and half of them".into(),
            x: "steps".into(),
            y: "share of items answered rightly".into(),
            lines: (0..self.runs.len().min(8)).map(line).collect(),
            reference: self.runs[0].first().map(|run| run.chance),
        }
    }

    /// A mean over runs with its interval, beside others of its point; none of no values.
    fn bar(&self, i: usize, label: String, who: Who, values: Vec<f64>) -> Option<Bar> {
        let (value, [low, high]) = estimate(&values)?;
        let whole = high - low > 0.0 && (high - low).is_finite();
        let group = if self.runs.len() > 1 { self.label(i) } else { String::new() };
        Some(Bar { label, group, who, value, low: whole.then_some(low), high: whole.then_some(high) })
    }

    /// Success at the end with messages as they are and otherwise.
    fn controls(&self) -> Picture {
        let mut rows = Vec::new();
        for i in 0..self.runs.len().min(12) {
            for (control, word) in [
                ("as-trained", "as trained"),
                ("permuted", "messages of other items"),
                ("resampled", "messages of other items, by the same sender"),
                ("cut", "no message"),
                ("noise-0.1", "a tenth of symbols replaced"),
                ("relabelled", "symbols renamed"),
            ] {
                let who = if control == "as-trained" { Who::Record } else { Who::Control };
                rows.extend(self.bar(i, word.into(), who, self.values(i, |run| tried(run, control, false))));
            }
        }
        Picture::Bars {
            title: "Success at the end, by what is done to messages".into(),
            axis: "share of items answered rightly".into(),
            rows,
            reference: self.runs[0].first().map(|run| run.chance),
        }
    }

    /// Measures of structure beside chance and untrained senders.
    fn structure(&self) -> Option<Picture> {
        let mut rows = Vec::new();
        for i in 0..self.runs.len().min(8) {
            for name in ["topsim", "posdis", "bosdis", "tre:explained", "context-independence", "best-matching"] {
                let mut bar = |who: Who, what: &str, values: Vec<f64>| {
                    rows.extend(self.bar(i, format!("{name}{what}"), who, values));
                };
                bar(Who::Record, "", self.values(i, |run| measure(run, name)));
                bar(Who::Reference, ", 95 % of codes by chance below", self.values(i, |run| limit(run, name)));
                bar(Who::Control, ", untrained senders", self.values(i, |run| at_first(run, name)));
            }
        }
        (!rows.is_empty()).then(|| Picture::Bars {
            title: "What messages are like, beside chance".into(),
            axis: "value of the measure".into(),
            rows,
            reference: None,
        })
    }

    /// Topographic similarity while agents learn, where messages were kept on the way.
    fn by_step(&self) -> Option<Picture> {
        let mut lines = Vec::new();
        for i in 0..self.runs.len().min(6) {
            let mut at: BTreeMap<u64, Vec<[f64; 2]>> = BTreeMap::new();
            for run in &self.runs[i] {
                for one in run.measures.iter().filter(|one| one.measure == "topsim") {
                    at.entry(one.step).or_default().push([one.value, one.chance.map_or(f64::NAN, |chance| chance[1])]);
                }
            }
            if at.len() < 3 {
                continue;
            }
            let mean = |of: usize, label: String, who: Who| {
                let points: Vec<(f64, f64)> = at
                    .iter()
                    .filter_map(|(step, values)| Some((*step as f64, mean_of(values.iter().map(|value| value[of]))?)))
                    .collect();
                let (x, y) = points.into_iter().unzip();
                Line { label, who, joined: true, x, y, low: Vec::new(), high: Vec::new() }
            };
            lines.push(mean(0, self.label(i), who(i)));
            if i == 0 {
                lines.push(mean(1, "95 % of codes by chance below".into(), Who::Reference));
            }
        }
        (!lines.is_empty()).then(|| Picture::Curves {
            title: "Topographic similarity while agents learn, the mean over runs".into(),
            x: "steps".into(),
            y: "topsim".into(),
            lines,
            reference: None,
        })
    }

    /// Understanding of others and of oneself, where agents both speak and hear.
    fn shared(&self) -> Option<Picture> {
        let mut rows = Vec::new();
        for i in 0..self.runs.len().min(16) {
            if self.loaded.points[i].experiment.setup.population.roles == Roles::Fixed {
                continue;
            }
            let of: [(&str, OfRun); 3] = [("others understand", others), ("understands itself", itself), ("says the same", same)];
            for (word, of) in of {
                rows.extend(self.bar(i, word.into(), Who::Record, self.values(i, of)));
            }
        }
        (!rows.is_empty()).then(|| Picture::Bars {
            title: "One language, or one for each direction".into(),
            axis: "share of items".into(),
            rows,
            reference: self.runs[0].first().map(|run| run.chance),
        })
    }

    fn summary(&self) -> Value {
        let text = self.text();
        let lines: Vec<Vec<String>> = text
            .lines()
            .take_while(|line| !line.is_empty())
            .map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(String::from).collect())
            .collect();
        json!({ "title": "By condition", "note": "Shares with their 95 % intervals over runs.", "right": (1..lines[0].len()).collect::<Vec<_>>(), "rows": lines })
    }

    /// Who understands whom, in the first run of each of the first points.
    fn cross(&self) -> Vec<Value> {
        let mut out = Vec::new();
        for (i, runs) in self.runs.iter().enumerate().take(4) {
            let Some(run) = runs.first().filter(|run| run.cross.len() > 1) else { continue };
            let n = run.cross.iter().map(|one| one.receiver.max(one.sender)).max().unwrap_or(0).min(16);
            let mut rows = vec![vec!["speaks".to_string()]];
            rows[0].extend((1..=n).map(|agent| format!("{agent} hears")));
            for sender in 1..=n {
                let cell = |receiver: u64| {
                    let one = run.cross.iter().find(|one| one.sender == sender && one.receiver == receiver);
                    one.map_or_else(|| "–".into(), |one| percent(one.success))
                };
                let mut row = vec![sender.to_string()];
                row.extend((1..=n).map(cell));
                rows.push(row);
            }
            out.push(json!({ "title": format!("Who understands whom: {}, run {}", self.label(i), run.run), "note": "The share of items answered rightly.", "right": (1..=n).collect::<Vec<_>>(), "rows": rows }));
        }
        out
    }

    /// What the first sender of the first runs says of each item, sorted by message.
    fn code(&self) -> Vec<Value> {
        let mut out = Vec::new();
        let how = cratylus_io::messages::How::default();
        // Results are not lost with a table that cannot be read.
        let Ok(file) = cratylus_io::messages::read(&self.dir, &how) else { return out };
        for (i, runs) in self.runs.iter().enumerate().take(4) {
            let Some(run) = runs.first() else { continue };
            let wanted = cratylus_io::messages::sender_of(run.run, "1");
            let Some(recorded) = file.senders.iter().find(|one| one.sender.as_deref() == Some(wanted.as_str())) else { continue };
            let corpus = &recorded.corpus;
            let spoken =
                |row: usize| corpus.message(row).iter().map(|&s| file.symbols[s as usize].as_str()).collect::<Vec<_>>().join(" ");
            let mut by_message: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for row in 0..corpus.len().min(1_000) {
                let meaning: Vec<&str> = corpus
                    .meaning(row)
                    .iter()
                    .enumerate()
                    .map(|(k, &v)| file.values[recorded.attributes[k]][v as usize].as_str())
                    .collect();
                let what = match (meaning.is_empty(), corpus.classes()) {
                    (true, Some(classes)) => file.classes[classes[row] as usize].clone(),
                    (true, None) => format!("item {}", recorded.items[row]),
                    (false, _) => meaning.join(" "),
                };
                by_message.entry(spoken(row)).or_default().push(what);
            }
            let mut rows = vec![["message", "items", "about"].map(String::from).to_vec()];
            rows.extend(by_message.into_iter().take(200).map(|(message, about)| {
                let mut shown = about.iter().take(12).cloned().collect::<Vec<_>>().join("; ");
                if about.len() > 12 {
                    shown += &format!("; and {} more", about.len() - 12);
                }
                vec![if message.is_empty() { "(nothing)".into() } else { message }, about.len().to_string(), shown]
            }));
            out.push(json!({ "title": format!("What is said: {}, run {}, sender 1", self.label(i), run.run), "note": "Messages in order, each with the items it is said of.", "right": [1], "rows": rows }));
        }
        out
    }

    /// The audits of the record.
    pub fn findings(&self) -> Vec<Finding> {
        let control = |i: usize| {
            self.loaded.points[i].settings.iter().find(|setting| setting.key == "channel.control").map(|setting| setting.words())
        };
        let rest = |i: usize| {
            let others = self.loaded.points[i].settings.iter().filter(|setting| setting.key != "channel.control");
            others.map(|setting| format!("{}={}", setting.key, setting.value)).collect::<Vec<_>>()
        };
        let mut all = Vec::new();
        for i in 0..self.runs.len() {
            if control(i).is_some_and(|control| control != "none") {
                continue;
            }
            // The same with the channel cut while agents learn, where there is such a point.
            let cut = (0..self.runs.len()).find(|&j| control(j).as_deref() == Some("cut") && rest(j) == rest(i));
            let trained = Trained {
                condition: self.label(i),
                itself: self.loaded.points[i].experiment.setup.population.itself,
                attributes: self.loaded.points[i].experiment.world.attributes.len(),
                runs: self.runs[i]
                    .iter()
                    .map(|run| numbers(run, cut.and_then(|j| self.runs[j].iter().find(|other| other.replica == run.replica))))
                    .collect(),
            };
            all.extend(findings(&trained));
        }
        all
    }
}

/// What audits see of a run.
fn numbers(run: &RunRecord, cut: Option<&RunRecord>) -> TrainedRun {
    // Of several senders each has a test of its own; twice the mean of their p is one of all (Rüschendorf 1982).
    let by = |at: usize| {
        let at_end = run.measures.iter().filter(|one| one.measure == "topsim" && one.step == run.steps);
        let all: Vec<f64> = at_end.filter_map(|one| one.chance).map(|chance| chance[at]).collect();
        (mean_of(all.iter().copied()), all.len())
    };
    let p = match by(2) {
        (Some(p), 1) => Some(p),
        (p, _) => p.map(|p| (2.0 * p).min(1.0)),
    };
    TrainedRun {
        success: tried(run, "none", false).unwrap_or(f64::NAN),
        permuted: tried(run, "permuted", false).unwrap_or(f64::NAN),
        cut_at_test: tried(run, "cut", false).unwrap_or(f64::NAN),
        trained_cut: cut.and_then(|run| tried(run, "as-trained", false)),
        chance: run.chance,
        items: run.items as f64,
        messages: run.distinct_messages,
        topsim: measure(run, "topsim"),
        topsim_p: p,
        topsim_by_chance: by(0).0,
        topsim_untrained: at_first(run, "topsim"),
        itself: itself(run),
        others: others(run),
        same: same(run),
    }
}

/// Audits directories, prints what they find, and keeps it.
pub fn audit(dirs: &[PathBuf], json: bool) -> Result<(), Failure> {
    let mut all = Vec::new();
    for dir in dirs {
        let told = told(dir)?;
        let found = told.findings();
        let text = serde_json::to_string_pretty(&json!({ "schema": "cratylus-signal-findings/1", "findings": found }))
            .expect("findings are plain data");
        write_whole(&dir.join("findings.json"), format!("{text}\n").as_bytes())?;
        write_page(dir, &told.page()?)?;
        if !json {
            let mut rows = vec![["condition", "audit", "finds", "effect"].map(String::from).to_vec()];
            rows.extend(found.iter().map(|one| {
                let effect = one.effects.first().map_or_else(String::new, |effect| {
                    format!("{:.2} [{:.2}, {:.2}] {}", effect.value, effect.low, effect.high, effect.name)
                });
                vec![one.condition.clone(), one.audit.clone(), one.finds.words().into(), effect]
            }));
            print(table(&rows, &[]))?;
            for one in &found {
                print(format!(
                    "\n{}, {}: {}\n  {}\n  It does not mean: {}",
                    one.condition,
                    one.audit,
                    one.finds.words(),
                    one.means,
                    one.does_not_mean
                ))?;
                if let Some(would) = &one.would_tell {
                    print(format!("  What would tell: {would}"))?;
                }
            }
            eprintln!("\nfindings  {}", dir.join("findings.json").display());
        }
        all.extend(found);
    }
    if json {
        return print_json(&all);
    }
    Ok(())
}

fn statement(finding: &Finding) -> Value {
    let bar = |effect: &cratylus_audit::finding::Effect| Bar {
        label: effect.name.clone(),
        group: String::new(),
        who: Who::Record,
        value: effect.value,
        low: Some(effect.low).filter(|low| low.is_finite()),
        high: Some(effect.high).filter(|high| high.is_finite()),
    };
    let rows: Vec<Bar> = finding.effects.iter().map(bar).collect();
    let picture = Picture::Bars { title: "What decides it".into(), axis: "difference".into(), rows, reference: Some(0.0) };
    json!({ "name": format!("{} ({})", finding.audit, finding.condition), "words": finding.means, "decided": finding.finds.words(), "picture": picture })
}

fn who(i: usize) -> Who {
    [Who::Record, Who::Control, Who::Rival, Who::Reference][i.min(3)]
}

fn finite(value: f64) -> Option<f64> {
    Some(value).filter(|value| value.is_finite())
}

/// A mean with its 95 % interval over runs.
fn estimate(values: &[f64]) -> Option<(f64, [f64; 2])> {
    match values.len() {
        0 => None,
        1 => Some((values[0], [f64::NEG_INFINITY, f64::INFINITY])),
        n => {
            let (mean, sd) = mean_sd(values);
            Some((mean, interval(mean, sd / (n as f64).sqrt(), n)))
        }
    }
}

fn tried(run: &RunRecord, control: &str, held_out: bool) -> Option<f64> {
    run.tried.iter().find(|one| one.control == control && one.held_out == held_out).map(|one| one.success)
}

fn mean_of(values: impl Iterator<Item = f64>) -> Option<f64> {
    let all: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    (!all.is_empty()).then(|| all.iter().sum::<f64>() / all.len() as f64)
}

/// A measure at the end, the mean over senders.
fn measure(run: &RunRecord, name: &str) -> Option<f64> {
    mean_of(run.measures.iter().filter(|one| one.measure == name && one.step == run.steps).map(|one| one.value))
}

/// The same of senders that have learnt nothing.
fn at_first(run: &RunRecord, name: &str) -> Option<f64> {
    mean_of(run.measures.iter().filter(|one| one.measure == name && one.step == 0).map(|one| one.value))
}

/// What 95 % of codes by chance stay below.
fn limit(run: &RunRecord, name: &str) -> Option<f64> {
    let of = run.measures.iter().filter(|one| one.measure == name && one.step == run.steps);
    mean_of(of.filter_map(|one| one.chance).map(|chance| chance[1]))
}

/// Something of a run.
type OfRun = fn(&RunRecord) -> Option<f64>;

fn itself(run: &RunRecord) -> Option<f64> {
    mean_of(run.cross.iter().filter(|one| one.sender == one.receiver).map(|one| one.success))
}

fn others(run: &RunRecord) -> Option<f64> {
    mean_of(run.cross.iter().filter(|one| one.sender != one.receiver).map(|one| one.success))
}

fn same(run: &RunRecord) -> Option<f64> {
    mean_of(run.cross.iter().filter(|one| one.sender != one.receiver).filter_map(|one| one.same))
}
