//! Studies: the models of a file with a sweep, what was found in each, and what follows.

use crate::caller::{in_the_way, print, print_json, registry, set_aside, text_of};
use crate::experiment::BUILD;
use crate::failure::Failure;
use crate::words::{count, table};
use cratylus_core::Seed;
use cratylus_core::experiment::Document;
use cratylus_core::spec::Inputs;
use cratylus_core::stats::mean_interval;
use cratylus_io::store::inputs::FileInputs;
use cratylus_io::study::{StudyCell, StudyJob, StudyRow};
use cratylus_io::whole::write_whole;
use cratylus_neural::study::{Contrast, StudyModel, StudyPoint, StudySpec};
use cratylus_neural::training::{TrainingSpec, read_training};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// A study as its file has it.
pub struct Study {
    file: PathBuf,
    base: PathBuf,
    spec: StudySpec,
    cells: Vec<StudyCell>,
    name: String,
    plan: toml::Table,
}

/// Reads a file with a sweep or probes. None where it is one training.
pub fn read(file: &Path, sets: &[String]) -> Result<Option<Study>, Failure> {
    let (text, base) = text_of(file)?;
    let shown = file.display().to_string();
    let parse = |sets: &[String]| -> Result<TrainingSpec, Failure> {
        let document = Document::parse_with(&registry(), &shown, &text, sets).map_err(Failure::input)?;
        let spec = document.read(read_training).map_err(Failure::input)?;
        // What cannot be opened is told before anything is trained.
        let opened = spec.open(&FileInputs::new(&base, &registry()));
        opened.map_err(|(key, why)| Failure::input(document.say_at(&key, why)))?;
        Ok(spec)
    };
    let take = |sets: &[String]| {
        let document = Document::parse_with(&registry(), &shown, &text, sets).map_err(Failure::input)?;
        let study = document.read(|file, spans| {
            let study = StudySpec::take(file, spans, sets.is_empty())?;
            file.clear();
            Ok(study)
        });
        study.map_err(Failure::input)
    };
    // A file of its own is whole; a `--set` of what is swept leaves some of its values.
    if take(&[])?.is_none() {
        return Ok(None);
    }
    let Some(mut spec) = take(sets)? else { return Ok(None) };
    for (key, value) in sets.iter().filter_map(|set| set.split_once('=')) {
        let (key, value) = (key.trim(), value.trim());
        let read = toml::from_str::<toml::Table>(&format!("value = {value}")).ok().and_then(|mut table| table.remove("value"));
        spec.only(key, &read.unwrap_or_else(|| value.into()));
    }
    let mut fixed = sets.to_vec();
    fixed.push("sweep={}".into());
    let first = parse(&fixed)?;
    let mut cells = Vec::new();
    for point in spec.points() {
        let mut all = fixed.clone();
        all.extend(point.sets.iter().map(|(key, value)| format!("{key}={value}")));
        let training = parse(&all)?;
        for seed in 1..=spec.models {
            cells.push(StudyCell { training: seeded(&training, &point, seed), point: point.clone(), seed });
        }
    }
    let mut plan = first.plan();
    plan.extend(spec.plan.clone());
    Ok(Some(Study { file: file.to_path_buf(), base, name: first.name.clone(), spec, cells, plan }))
}

/// Models of one seed begin alike at all points, and read rows of the same address.
fn seeded(training: &TrainingSpec, point: &StudyPoint, seed: u64) -> TrainingSpec {
    let own = |of: u64| Seed::of_run(of, "study", seed).0 >> 1;
    let mut training = training.clone();
    training.name = format!("{}-{}-{seed}", training.name, point.label());
    training.corpus.seed = own(training.corpus.seed);
    if let Some(before) = &mut training.before {
        before.corpus.seed = own(before.corpus.seed);
    }
    training
}

impl Study {
    /// Trains, asks and compares.
    pub fn go(
        self,
        sets: &[String],
        out: Option<PathBuf>,
        threads: Option<usize>,
        fresh: bool,
        json: bool,
        quiet: bool,
    ) -> Result<(), Failure> {
        let dir = out.unwrap_or_else(|| Path::new("studies").join(&self.name));
        if dir.exists() && !dir.is_dir() {
            return Err(Failure::input(format!("{} is a file; `--out` names a folder", dir.display())));
        }
        if fresh {
            set_aside(&dir)?;
        }
        let threads = threads.or(std::thread::available_parallelism().ok().map(usize::from)).unwrap_or(1);
        let registry = registry();
        let inputs = || -> Box<dyn Inputs> { Box::new(FileInputs::new(&self.base, &registry)) };
        let stop = Arc::new(AtomicBool::new(false));
        let asked = stop.clone();
        crate::progress::on_stop(move || {
            if asked.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
        });
        let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(self.cells.len() as u64) };
        bar.set_style(ProgressStyle::with_template("{bar:24} {pos}/{len} models  {msg}  {eta} left").expect("a fixed template"));
        bar.enable_steady_tick(std::time::Duration::from_secs(1));
        let begun = Instant::now();
        let done = |label: &str, before: bool| {
            if before {
                bar.reset_eta();
            }
            bar.set_message(label.to_string());
            bar.inc(1);
        };
        let job =
            StudyJob { spec: &self.spec, cells: &self.cells, plan: self.plan.clone(), inputs: &inputs, build: BUILD, threads };
        let ended = job.go(&dir, &stop, &done);
        bar.finish_and_clear();
        let given: String = sets.iter().map(|set| format!(" --set '{set}'")).collect();
        let again = format!("cratylus train {}{given} --out {}", self.file.display(), dir.display());
        let rows = ended.map_err(|refused| in_the_way(refused, &dir, "study", &again))?;
        let models: Vec<StudyModel> = rows.iter().map(|row| row.model.clone()).collect();
        let mut contrasts = Vec::new();
        for contrast in &self.spec.contrasts {
            match contrast.of(&models) {
                Some(found) => contrasts.push(found),
                None => eprintln!("note: no model has what the contrast `{}` needs (`{}`)", contrast.name, contrast.value),
            }
        }
        let whole = json!({ "name": self.name, "rows": rows, "contrasts": contrasts });
        let to = dir.join("study.json");
        write_whole(&to, &serde_json::to_vec_pretty(&whole).expect("plain data"))?;
        if json {
            return print_json(&whole);
        }
        if !quiet {
            eprintln!("{} models; {:.0} s", count(rows.len() as u64), begun.elapsed().as_secs_f64());
        }
        print(self.found(&rows))?;
        if !contrasts.is_empty() {
            print(format!("\n{}", compared(&contrasts)))?;
        }
        print(format!("\nresults  {}\nmodels   {}", to.display(), dir.join("models").display()))
    }

    /// A table for every number: a row for each point, with its mean over seeds and the interval of that, and rivals beside it.
    fn found(&self, rows: &[StudyRow]) -> String {
        let mut names: Vec<&String> = Vec::new();
        for row in rows {
            for name in row.model.values.keys().chain(row.rivals.values().flat_map(BTreeMap::keys)) {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names.sort();
        let mut head: Vec<String> = self.spec.axes.iter().map(|axis| axis.name.clone()).collect();
        let axes = head.len();
        head.extend(names.iter().map(|name| name.to_string()));
        let mut lines = vec![head];
        let mut rivals: Vec<Vec<String>> = Vec::new();
        for point in self.spec.points() {
            let at: BTreeMap<String, String> = point.at.iter().cloned().collect();
            let of: Vec<&StudyRow> = rows.iter().filter(|row| row.model.point == at).collect();
            let begin = |named: Option<&String>| -> Vec<String> {
                let mut cells: Vec<String> = point.at.iter().map(|(_, label)| label.clone()).collect();
                match (named, cells.first_mut()) {
                    (Some(rival), Some(first)) => *first = format!("{first}: {rival}"),
                    (Some(rival), None) => cells.push(rival.clone()),
                    _ => (),
                }
                cells
            };
            let mut line = begin(None);
            for name in &names {
                let values: Vec<f64> = of.iter().filter_map(|row| row.model.values.get(*name).copied()).collect();
                let (mean, [low, high]) = mean_interval(&values, 0.95);
                line.push(match values.len() {
                    0 => "-".into(),
                    1 => format!("{mean:.3}"),
                    _ => format!("{mean:.3} ± {:.3}", (high - low) / 2.0),
                });
            }
            lines.push(line);
            for row in &of {
                for (rival, values) in &row.rivals {
                    let mut line = begin(Some(rival));
                    line.extend(names.iter().map(|name| values.get(*name).map_or("-".into(), |value| format!("{value:.3}"))));
                    rivals.push(line);
                }
            }
        }
        lines.extend(rivals);
        if axes == 0 {
            lines.iter_mut().skip(1).filter(|line| line.len() == names.len()).for_each(|line| line.insert(0, "model".into()));
            lines[0].insert(0, String::new());
        }
        let first = axes.max(1);
        table(&lines, &(first..first + names.len()).collect::<Vec<_>>())
    }
}

fn compared(contrasts: &[Contrast]) -> String {
    let mut rows = vec![["contrast", "mean", "interval over seeds", "seeds", "", "as expected"].map(String::from).to_vec()];
    for contrast in contrasts {
        let [low, high] = contrast.interval;
        let interval = if high - low < f64::INFINITY { format!("[{low:.3}, {high:.3}]") } else { "one seed has none".into() };
        let expected = match contrast.as_expected {
            None => "-",
            Some(true) => "yes",
            Some(false) => "no",
        };
        rows.push(vec![
            contrast.name.clone(),
            format!("{:.3}", contrast.mean),
            interval,
            count(contrast.seeds),
            contrast.finds.words().into(),
            expected.into(),
        ]);
    }
    table(&rows, &[1, 2, 3])
}
