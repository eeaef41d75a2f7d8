//! `cratylus audit --benchmark`: audits scored against models whose every word is known.

use crate::caller::{print, print_json, registry};
use crate::experiment::BUILD;
use crate::failure::Failure;
use crate::training::in_the_way;
use crate::words::{count, table};
use cratylus_audit::benchmark::{Benchmark, CorpusRowScored, Decided};
use cratylus_core::experiment::Document;
use cratylus_core::spec::Inputs;
use cratylus_core::stats::Proportion;
use cratylus_io::benchmark::{BenchmarkJob, BenchmarkSpec};
use cratylus_io::store::inputs::FileInputs;
use cratylus_io::whole::write_whole;
use indicatif::{ProgressBar, ProgressStyle};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

/// Trains, plays, audits and scores what a file says.
pub fn go(file: &Path, sets: &[String], out: Option<PathBuf>, json: bool, quiet: bool) -> Result<(), Failure> {
    let bytes = std::fs::read(file).map_err(|error| Failure::input(format!("cannot read {}: {error}", file.display())))?;
    let text = cratylus_io::text::decode(&bytes).map_err(|why| Failure::input(format!("{} {why}", file.display())))?;
    let document = Document::parse_with(&registry(), &file.display().to_string(), &text, sets).map_err(Failure::input)?;
    let spec = document.read(BenchmarkSpec::read).map_err(Failure::input)?;
    let dir = out.unwrap_or_else(|| Path::new("runs").join(&spec.name));
    if dir.exists() && !dir.is_dir() {
        return Err(Failure::input(format!("{} is a file; `--out` names a folder", dir.display())));
    }
    let base = file.parent().map_or_else(PathBuf::new, Path::to_path_buf);
    let registry = registry();
    let inputs = || -> Box<dyn Inputs> { Box::new(FileInputs::new(&base, &registry)) };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let stop = Arc::new(AtomicBool::new(false));
    let asked = stop.clone();
    crate::progress::on_stop(move || {
        if asked.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    });
    let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(spec.size()) };
    bar.set_style(ProgressStyle::with_template("{bar:24} {pos}/{len} models  {msg}  {eta} left").expect("a fixed template"));
    bar.enable_steady_tick(std::time::Duration::from_secs(1));
    let (begun, kept) = (Instant::now(), AtomicU64::new(0));
    let done = |label: &str, before: bool| {
        if before {
            kept.fetch_add(1, Ordering::Relaxed);
            bar.reset_eta();
        }
        bar.set_message(label.to_string());
        bar.inc(1);
    };
    let job = BenchmarkJob { spec: &spec, inputs: &inputs, build: BUILD, threads };
    let ended = job.go(&dir, &stop, &done);
    bar.finish_and_clear();
    let given: String = sets.iter().map(|set| format!(" --set '{set}'")).collect();
    let again = format!("cratylus audit --benchmark {}{given} --out {}", file.display(), dir.display());
    let rows = ended.map_err(|refused| in_the_way(refused, &dir, "benchmark", &again))?;
    let benchmark = Benchmark::of(&rows);
    let kept = kept.into_inner();
    let whole = serde_json::json!({ "models": rows, "benchmark": benchmark });
    let to = dir.join("benchmark.json");
    write_whole(&to, &serde_json::to_vec_pretty(&whole).expect("plain data"))?;
    if json {
        return print_json(&whole);
    }
    if !quiet {
        let before = if kept > 0 { format!(", {} of them there from before", count(kept)) } else { String::new() };
        eprintln!("{} models{before}; {:.0} s", count(rows.len() as u64), begun.elapsed().as_secs_f64());
    }
    print(text_of(&benchmark))?;
    print(format!("\nresults  {}\nmodels   {}", to.display(), dir.join("models").display()))
}

/// What the columns of a table are: their names here, or those of means.
const RESPONSES: [&str; 6] = ["stay", "follow", "hidden", "yoked", "plain", "entropy"];
const WORDINGS: [&str; 4] = ["game loss", "by loss", "by least likely", "by twin"];

fn text_of(benchmark: &Benchmark) -> String {
    let begin = |row: &CorpusRowScored| {
        vec![row.corpus.clone(), format!("{} %", 100.0 * row.dose), format!("{} %", 100.0 * row.copies), count(row.models)]
    };
    let head = |rest: &[&str]| ["corpus", "dose", "copies", "models"].iter().chain(rest).map(|word| word.to_string()).collect();
    let of = |names: &[&str]| {
        let mut rows: Vec<Vec<String>> = vec![head(names)];
        for row in &benchmark.corpora {
            let mean = |name: &&str| {
                let value = row.means.iter().find(|(known, _)| known == *name);
                value.map_or("-".into(), |(_, value)| format!("{value:.2}"))
            };
            rows.push(begin(row).into_iter().chain(names.iter().map(mean)).collect());
        }
        table(&rows, &(1..4 + names.len()).collect::<Vec<_>>())
    };
    let mut verdicts: Vec<Vec<String>> = vec![head(&["depends", "does not", "open", "recall", "none", "open", "wrong"])];
    for row in &benchmark.corpora {
        let counts = row.interaction.iter().chain(&row.recall).map(|&n| count(n));
        let Proportion { low, high, .. } = row.wrong;
        let wrong = format!("{} [{:.0}–{:.0} %]", row.wrong.count, 100.0 * low, 100.0 * high);
        verdicts.push(begin(row).into_iter().chain(counts).chain([wrong]).collect());
    }
    let mut text = format!(
        "Responses and populations, mean over models\n{}\n\nVerdicts on the record: on interaction, then on recall of an outcome\n{}\n\nWording, mean over models\n{}",
        of(&RESPONSES),
        table(&verdicts, &(1..11).collect::<Vec<_>>()),
        of(&WORDINGS)
    );
    text += "\n\nStay, follow: with hidden labels, how often a name is kept after a success, and the partner's taken after a failure.\n\
             Hidden, yoked, plain: success late in a run with hidden labels, the same without partners, and with one pair of names.\n\
             Wrong: verdicts on recall that the cards say are wrong, with the 95 % interval of their share.\n\
             Game loss: of fresh records of the rule, nats for each word. By …: how well rows that were read are told from fresh ones (AUC).";
    for statement in &benchmark.statements {
        let decided = match statement.decided {
            Decided::Yes => "yes",
            Decided::No => "no",
            Decided::Open => "not decided",
        };
        text += &format!("\n\n{}: {decided}\n  {}.", statement.name, statement.words);
        for estimate in &statement.estimates {
            let [low, high] = estimate.interval;
            let interval = if high - low < f64::INFINITY {
                format!("{:.2} [{low:.2}, {high:.2}]", estimate.value)
            } else {
                "too few".into()
            };
            text += &format!("\n  {}: {interval}, n = {}", estimate.what, estimate.n);
        }
    }
    text + &format!("\n\n{}", benchmark.conclusion)
}
