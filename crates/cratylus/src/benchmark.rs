//! `cratylus audit --benchmark`: audits scored against models whose every word is known.

use crate::benchmark_page::page;
use crate::caller::{in_the_way, print, print_json, registry, text_of};
use crate::experiment::BUILD;
use crate::failure::Failure;
use crate::report::write_benchmark;
use crate::words::{claim, count, table};
use cratylus_audit::benchmark::{About, Benchmark, CorpusRowScored, Scored};
use cratylus_core::experiment::Document;
use cratylus_core::spec::Inputs;
use cratylus_core::stats::Proportion;
use cratylus_io::benchmark::{BenchmarkJob, BenchmarkSpec};
use cratylus_io::store::inputs::FileInputs;
use cratylus_io::store::names::REPORT;
use cratylus_io::whole::write_whole;
use indicatif::{ProgressBar, ProgressStyle};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

/// Trains, plays, audits and scores what a file says.
pub fn go(
    file: &Path,
    sets: &[String],
    shard: Option<[usize; 2]>,
    out: Option<PathBuf>,
    json: bool,
    quiet: bool,
) -> Result<(), Failure> {
    let (text, base) = text_of(file)?;
    let document = Document::parse_with(&registry(), &file.display().to_string(), &text, sets).map_err(Failure::input)?;
    let spec = document.read(BenchmarkSpec::read).map_err(Failure::input)?;
    let dir = out.unwrap_or_else(|| Path::new("runs").join(&spec.name));
    if dir.exists() && !dir.is_dir() {
        return Err(Failure::input(format!("{} is a file; `--out` names a folder", dir.display())));
    }
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
    let mut job = BenchmarkJob { spec: &spec, inputs: &inputs, build: BUILD, threads, shard };
    let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(job.size()) };
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
    let ended = job.go(&dir, &stop, &done);
    bar.finish_and_clear();
    let mut given: String = sets.iter().map(|set| format!(" --set '{set}'")).collect();
    if let Some([i, k]) = shard {
        given += &format!(" --shard {i}/{k}");
    }
    let again = format!("cratylus audit --benchmark {}{given} --out {}", file.display(), dir.display());
    let rows = ended.map_err(|refused| in_the_way(refused, &dir, "benchmark", &again))?;
    if let Some([_, k]) = shard.filter(|[_, k]| *k > 1) {
        job.shard = None;
        let all = job.size();
        eprintln!(
            "{} of {} models are in {}; copy `models` and `rows` of all {k} parts into one folder, and leave `--shard` out there",
            count(rows.len() as u64),
            count(all),
            dir.display()
        );
        return Ok(());
    }
    let benchmark = Benchmark::of(&rows);
    let kept = kept.into_inner();
    let whole = serde_json::json!({ "models": rows, "benchmark": benchmark });
    let to = dir.join("benchmark.json");
    write_whole(&to, &serde_json::to_vec_pretty(&whole).expect("plain data"))?;
    let report = dir.join(REPORT);
    // What it claims, and not how it is called.
    let begins: Vec<&str> = text.lines().take_while(|line| line.trim() != "#").collect();
    write_benchmark(&dir, &spec.name, &claim(&begins.join("\n")), &page(&benchmark))?;
    if json {
        return print_json(&whole);
    }
    if !quiet {
        let before = if kept > 0 { format!(", {} of them there from before", count(kept)) } else { String::new() };
        eprintln!("{} models{before}; {:.0} s", count(rows.len() as u64), begun.elapsed().as_secs_f64());
    }
    print(in_words(&benchmark))?;
    print(format!("\nresults  {}\nreport   {}\nmodels   {}", to.display(), report.display(), dir.join("models").display()))
}

/// What the columns of a table are: their names here, or those of means.
const RESPONSES: [&str; 8] = ["stay", "follow", "hidden", "yoked", "plain", "agreed", "tips", "entropy"];
const ANSWERS: [&str; 6] = ["prior", "inverted", "skin", "held out", "foreseen", "game loss"];

/// What they say.
const LEGEND: &str = "\
Stay, follow: with hidden labels, how often a name is kept after a success, and the partner's taken after a failure.
Hidden, yoked, plain: success late in a run with hidden labels, the same without partners, and with one pair of names.
Agreed: the share of runs with hidden labels that came to consensus. Tips: the least committed minority, in agents.
Prior: the most that any name is preferred. Inverted, skin, held out: what is left of the response with the payoffs turned
round, under other names and signs, and with names that no game uses. Foreseen: how probable the right sign is, late in
fresh records. Game loss: of fresh records of the rule, nats for each word.
Wrong: verdicts on recall that the cards say are wrong, with the 95 % interval of their share.";

fn in_words(benchmark: &Benchmark) -> String {
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
        "Responses and populations, mean over models\n{}\n\nAnswers, mean over models\n{}\n\nVerdicts on the record: on interaction, then on recall of an outcome\n{}\n\n{LEGEND}",
        of(&RESPONSES),
        of(&ANSWERS),
        table(&verdicts, &(1..11).collect::<Vec<_>>()),
    );
    for (about, title) in [
        (About::Rule, "Audits about the rule"),
        (About::Outcome, "Audits about an outcome"),
        (About::Text, "Audits about the text of a few records"),
    ] {
        let of: Vec<&Scored> = benchmark.audits.iter().filter(|audit| audit.about == about).collect();
        if of.iter().any(|audit| !audit.at.is_empty()) {
            text += &format!("\n\n{title}\n{}", audits(&of));
        }
    }
    text += "\n\nFound: in how many of the models with it. AUC: how well the effect tells them from models that read nothing of the game.\n\
             Half: the dose at which half are found. Alarms: in how many models without it, of the base alone, of other bases, of other corpora.\n\
             Not safe: more than twice as many false alarms as are meant (5 %), of models of the base alone.";
    if !benchmark.canaries.is_empty() {
        text += &format!("\n\nRows that stand in half of the models, by copies\n{}", canaries(benchmark));
    }
    for statement in &benchmark.statements {
        text += &format!("\n\n{}: {}\n  {}.", statement.name, statement.decided.words(), statement.words);
        for estimate in &statement.estimates {
            text += &format!("\n  {}: {}, n = {}", estimate.what, with_interval(estimate.value, estimate.interval), estimate.n);
        }
    }
    text + &format!("\n\n{}", benchmark.conclusion)
}

fn with_interval(value: f64, [low, high]: [f64; 2]) -> String {
    match high - low < f64::INFINITY {
        true => format!("{value:.2} [{low:.2}, {high:.2}]"),
        false => "too few".into(),
    }
}

/// A row for each audit, and a line for each corpus and dose in which what it is about is there.
fn audits(of: &[&Scored]) -> String {
    let head = ["audit", "needs", "corpus", "dose", "found", "AUC", "half", "alarms", "", "", ""].map(String::from);
    let mut rows: Vec<Vec<String>> = vec![head.to_vec()];
    for audit in of {
        for (i, at) in audit.at.iter().enumerate() {
            let first = |text: String| if i == 0 { text } else { String::new() };
            let alarms = audit.false_alarms.map(|alarms| match alarms.of {
                0 => "-".into(),
                of => format!("{} of {of}", alarms.count),
            });
            let mut row = vec![first(audit.audit.clone()), first(audit.needs.words().into())];
            row.extend([at.corpus.clone(), format!("{} %", 100.0 * at.dose), format!("{} of {}", at.found.count, at.found.of)]);
            row.push(with_interval(at.auc, at.auc_interval));
            row.push(first(audit.half.map_or("-".into(), |dose| format!("{:.2} %", 100.0 * dose))));
            row.extend(alarms.map(first));
            row.push(first(if audit.not_safe { "not safe".into() } else { String::new() }));
            rows.push(row);
        }
    }
    table(&rows, &[3, 4, 6, 7, 8, 9])
}

fn canaries(benchmark: &Benchmark) -> String {
    let mut rows =
        vec![["copies", "exposure, bits", "shadows: AUC", "found at 1 % alarms", "loss: AUC"].map(String::from).to_vec()];
    for row in &benchmark.canaries {
        let auc = |of: Option<(f64, [f64; 2])>| of.map_or("-".into(), |(value, interval)| with_interval(value, interval));
        rows.push(vec![
            count(row.times),
            with_interval(row.exposure, row.exposure_interval),
            auc(row.lira),
            row.lira_found.map_or("-".into(), |share| format!("{:.0} %", 100.0 * share)),
            auc(row.loss),
        ]);
    }
    table(&rows, &[0, 1, 2, 3, 4])
}
