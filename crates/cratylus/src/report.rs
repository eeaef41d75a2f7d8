//! `cratylus report`: what a run directory has to say, as text, as JSON, and as one page that opens offline.

use crate::caller::{print, print_json, registry};
use crate::doctor::how_words;
use crate::experiment::BUILD;
use crate::failure::Failure;
use crate::findings::{Kept, kept};
use crate::methods::{Ran, bibtex, paragraph};
use crate::page::{write_file, write_page};
use crate::results::{PointData, merge};
use crate::rows::csv;
use crate::scores::section;
use crate::signals;
use crate::tables;
use crate::words::{self, claim, count};
use clap::Args;
use cratylus_core::experiment::threshold::{Answers, Found, found};
use cratylus_core::summary::Summary;
use cratylus_core::watch::facts::Facts;
use cratylus_io::models::how_read::HowRead;
use cratylus_io::models::http::escaped;
use cratylus_io::models::tape::{Call, KeptAnswer, Setup};
use cratylus_io::store::belonging::strange;
use cratylus_io::store::manifest::Manifest;
use cratylus_io::store::names::{MEASURES, PLAN, REPORT};
use cratylus_io::store::plan::digest;
use cratylus_io::store::run_dir::RunDir;
use cratylus_io::whole::write_whole;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Write report.html again, from the run directory alone.
#[derive(Args)]
#[command(after_help = "Examples:\n  cratylus report runs/consensus\n  cratylus report runs/consensus --csv --out consensus.csv")]
pub struct Report {
    /// Finished run directories.
    #[arg(required = true, value_name = "RUN_DIR")]
    dirs: Vec<PathBuf>,
    /// Write the page into this file, and nothing into the directory.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print the results as JSON.
    #[arg(long)]
    json: bool,
    /// Print the results as CSV, a number a row: point, swept keys, measure, n, value, 95 % interval, s.d.; `--out` writes them
    /// into a file.
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

impl Report {
    pub fn go(self) -> Result<(), Failure> {
        if self.out.is_some() && self.dirs.len() > 1 {
            return Err(Failure::input("`--out` names one page; give one run directory"));
        }
        if self.csv {
            return self.table();
        }
        let mut all = Vec::new();
        let mut failed = None;
        for dir in &self.dirs {
            if signals::meant(dir) {
                all.push(signals::report(dir, self.out.as_deref(), self.json)?);
                continue;
            }
            let data = told(dir)?;
            let file = self.out.clone().unwrap_or_else(|| dir.join(REPORT));
            // What there is to say is said, whether or not there is room for the page.
            let written = data.write(&file);
            if self.json {
                all.push(data.results());
            } else {
                print(data.text())?;
                if written.is_ok() {
                    eprintln!("\nreport   {}\n", file.display());
                }
            }
            failed = failed.or(written.err());
        }
        if self.json {
            let all = if all.len() == 1 { all.remove(0) } else { Value::Array(all) };
            print_json(&all)?;
        }
        failed.map_or(Ok(()), Err)
    }

    fn table(&self) -> Result<(), Failure> {
        let [dir] = &self.dirs[..] else {
            return Err(Failure::input("`--csv` makes a table of one run directory; give one"));
        };
        if signals::meant(dir) {
            let why = format!("{} holds networks that learnt to signal, whose tables are Parquet", dir.display());
            return Err(Failure::input(why).help("`cratylus report DIR --json` has their numbers"));
        }
        let text = csv(told(dir)?.points())?;
        let Some(file) = &self.out else { return print(text) };
        write_whole(file, format!("{text}\n").as_bytes())?;
        eprintln!("table    {}", file.display());
        Ok(())
    }
}

/// What a run directory has to say.
pub struct Data {
    pub name: String,
    claim: String,
    game: &'static str,
    dir: RunDir,
    plan: String,
    manifest: Manifest,
    digest: String,
    pub cautions: Vec<String>,
    points: Vec<PointData>,
    live: Vec<Live>,
    audit: Option<Kept>,
    /// Where an outcome passes its threshold, where that was looked for.
    found: Option<Found>,
}

/// How a live model was asked, and what it took.
#[derive(Serialize)]
struct Live {
    name: String,
    server: String,
    /// A hash of what the server says that the model is.
    identity: String,
    how: String,
    why: String,
    calls: u64,
    prompts: u64,
    tokens: u64,
    usd: f64,
    /// What became of its answers in words.
    readings: Option<HowRead>,
}

/// Writes a report of a benchmark alone.
pub fn write_benchmark(dir: &Path, name: &str, claim: &str, benchmark: &Value) -> Result<(), Failure> {
    let provenance = json!({ "version": BUILD.version, "revision": BUILD.revision });
    write_page(
        dir,
        &json!({ "format": 1, "name": name, "claim": claim, "provenance": provenance, "points": [], "benchmark": benchmark }),
    )
}

/// Writes a report of findings alone, of conditions from several directories.
pub fn write_audit(dir: &Path, name: &str, claim: &str, kept: &Kept) -> Result<(), Failure> {
    let provenance = json!({ "version": BUILD.version, "revision": BUILD.revision, "seed": kept.seed });
    write_page(
        dir,
        &json!({ "format": 1, "name": name, "claim": claim, "provenance": provenance, "points": [], "audit": audit_page(kept) }),
    )
}

fn audit_page(kept: &Kept) -> Value {
    let verdicts: Vec<_> = kept.conditions.iter().filter_map(|condition| condition.verdict.as_ref()).collect();
    let findings: Vec<_> = kept.conditions.iter().flat_map(|condition| &condition.findings).collect();
    json!({ "format": kept.format, "verdicts": verdicts, "findings": findings })
}

/// The data of the page for a directory that may not be finished, of the runs that are.
#[cfg(feature = "view")]
pub fn page_so_far(path: &Path) -> Result<Value, Failure> {
    let dir = RunDir::open_so_far(path, &registry()).map_err(Failure::input)?;
    let strange = strange(&dir);
    Ok(of(path, dir, strange)?.page())
}

/// What a directory has to say.
pub fn read(path: &Path) -> Result<Data, Failure> {
    let dir = RunDir::open(path, &registry()).map_err(Failure::input)?;
    let strange = strange(&dir);
    of(path, dir, strange)
}

/// The same, after a word on whatever in it does not belong together.
pub fn told(path: &Path) -> Result<Data, Failure> {
    let dir = RunDir::open(path, &registry()).map_err(Failure::input)?;
    let strange = warn(&dir);
    of(path, dir, strange)
}

/// Says what of a directory does not belong together, before anybody speaks of its results; gives it, too.
pub fn warn(dir: &RunDir) -> Vec<String> {
    let strange = strange(dir);
    for words in &strange {
        eprintln!("warning: {}: {words}", dir.path.display());
    }
    strange
}

/// `strange` is what does not belong together in it.
fn of(path: &Path, dir: RunDir, strange: Vec<String>) -> Result<Data, Failure> {
    let manifest = Manifest::read(path)?;
    if dir.finished && !path.join(MEASURES).exists() {
        let why =
            format!("{}: {MEASURES} is missing, and without it there are no rounds, rates and curves to report", path.display());
        let help = "it was lost or left behind: fetch it, or run the experiment again (`--fresh` keeps what is there)";
        return Err(Failure::run(why).help(help));
    }
    let mut summaries: Vec<Summary> = dir.points.iter().map(Summary::new).collect();
    dir.each_measured(|row, readings| {
        let place = dir.place(row.run);
        match readings {
            Some(readings) => summaries[place].see(readings),
            None => summaries[place].end(row.clone()),
        }
        Ok(())
    })?;
    let mut recorded = dir.recorded()?;
    recorded.resize(dir.points.len(), None);
    let experiment = &dir.points[0].experiment;
    let mut cautions = strange;
    cautions.extend(manifest.cautions.iter().cloned());
    let rows = dir.rows()?;
    let mut answers = vec![Answers::new(); dir.points.len()];
    if let Some(sequential) = &experiment.sequential {
        for row in &rows {
            answers[dir.place(row.run)].push(sequential.asked().answer(&row.outcome, row.winner.as_deref()));
        }
    }
    let found = found(&dir.points, &answers);
    // Where a threshold is looked for, most of the values that a key might take are not run.
    let played = |summary: &Summary| summary.runs() > 0 || (dir.finished && experiment.sequential.is_none());
    let each = dir.points.iter().zip(summaries).zip(recorded).filter(|((_, summary), _)| played(summary));
    let points = each.map(|((point, mut summary), recorded)| PointData {
        label: if point.settings.is_empty() { experiment.name.clone() } else { point.label(|_| true) },
        facts: summary.facts(point),
        examples: std::mem::take(&mut summary.examples),
        point: point.clone(),
        recorded,
    });
    let points: Vec<PointData> = points.collect();
    for point in points.iter().filter(|point| point.facts.invalid_share.is_some_and(|share| share > 0.5)) {
        let share = words::percent(point.facts.invalid_share.unwrap_or(f64::NAN));
        let show = path.display();
        cautions.push(format!("{}: {share} of answers were unusable; `cratylus store show {show}` shows them", point.label));
    }
    Ok(Data {
        name: experiment.name.clone(),
        claim: claim(&dir.experiment),
        game: experiment.game.kind,
        plan: std::fs::read_to_string(path.join(PLAN)).unwrap_or_default(),
        digest: digest(&rows),
        found,
        cautions,
        live: if dir.finished { live(path, &manifest)? } else { Vec::new() },
        audit: kept(path)?,
        points,
        manifest,
        dir,
    })
}

/// The live models of a run directory, by what it keeps of their calls.
fn live(path: &Path, manifest: &Manifest) -> Result<Vec<Live>, Failure> {
    if manifest.servers.is_empty() {
        return Ok(Vec::new());
    }
    let calls = cratylus_io::store::calls::read(path)?.calls();
    // A model that was asked with several samplers is one model; its calls are told together.
    let mut seen = BTreeSet::new();
    let once = manifest.servers.iter().filter(|setup| seen.insert((&setup.id, setup.how.probabilities())));
    let each = once.map(|setup| {
        let alike = |other: &&Setup| other.id == setup.id && other.how.probabilities() == setup.how.probabilities();
        let of = || calls.iter().filter(|call| call.model == setup.id && gives(call) == setup.how.probabilities());
        let mut hows: Vec<String> = manifest.servers.iter().filter(alike).map(|setup| how_words(setup.how)).collect();
        hows.dedup();
        let prompts: BTreeSet<&str> = of().map(|call| call.prompt.as_str()).collect();
        let text = |key: &str| setup.identity[key].as_str().map(String::from);
        let version = text("build").or(text("version")).or(setup.identity["version"]["version"].as_str().map(String::from));
        // Those who share a model are told together, as their calls are.
        let readings = manifest
            .servers
            .iter()
            .filter(alike)
            .flat_map(|setup| manifest.how_read.iter().filter(|all| all.asked == setup.asked));
        let readings = readings.cloned().reduce(|mut sum, more| {
            sum.answers += more.answers;
            sum.fallback += more.fallback;
            sum.thought += more.thought;
            more.unusable.iter().for_each(|(why, n)| *sum.unusable.entry(*why).or_default() += n);
            sum
        });
        Live {
            readings,
            name: setup.name.clone(),
            server: [text("server").or(text("library")), version].into_iter().flatten().collect::<Vec<_>>().join(" "),
            identity: setup.id.clone(),
            how: hows.join(", or "),
            why: setup.why.clone(),
            calls: of().count() as u64,
            prompts: prompts.len() as u64,
            tokens: of().map(|call| call.took.prompt_tokens.unwrap_or(0) + call.took.completion_tokens.unwrap_or(0)).sum(),
            usd: of().filter_map(|call| call.took.usd).sum(),
        }
    });
    Ok(each.collect())
}

/// How answers in words were read, and why some could not be.
fn readings_words(readings: &HowRead) -> String {
    let share = |n: u64| words::percent(n as f64 / readings.answers.max(1) as f64);
    let mut parts = vec![format!("{} answers in words", count(readings.answers))];
    let format = readings.answers - readings.lost() - readings.fallback;
    parts.push(format!("{} in the format asked for", share(format)));
    parts.push(format!("{} read by fallback", share(readings.fallback)));
    if readings.thought > 0 {
        parts.push(format!("{} after a thought, which was cut off", share(readings.thought)));
    }
    parts.extend(readings.why().into_iter().map(|(why, n)| format!("{} unusable, which {}", share(n), why.words())));
    parts.join("; ")
}

/// Whether a call was answered with probabilities.
fn gives(call: &Call) -> bool {
    matches!(call.answer, KeptAnswer::Step { .. })
}

impl Data {
    /// The experiment's file, as it was run.
    pub fn experiment(&self) -> &str {
        &self.dir.experiment
    }

    /// What came of each point.
    pub fn points(&self) -> &[PointData] {
        &self.points
    }

    /// Writes the page.
    pub fn write(&self, file: &Path) -> Result<(), Failure> {
        write_file(file, &self.page())
    }

    /// The table for a terminal.
    pub fn text(&self) -> String {
        let mut text = tables::results_table(&self.points);
        if let Some(found) = &self.found {
            text += &format!("\n\n{}", tables::thresholds_table(found));
        }
        if !self.live.is_empty() {
            text.push('\n');
        }
        for live in &self.live {
            let server = if live.server.is_empty() { String::new() } else { format!(" ({})", live.server) };
            let usd = if live.usd > 0.0 { format!(", {:.2} USD", live.usd) } else { String::new() };
            let (calls, tokens) = (count(live.calls), count(live.tokens));
            text += &escaped(&format!("\n{}{server}: asked by {}; {calls} calls, {tokens} tokens{usd}", live.name, live.how));
            if let Some(readings) = &live.readings {
                text += &format!("\n  {}", readings_words(readings));
            }
        }
        let shares: Vec<String> = self
            .points
            .iter()
            .filter_map(|point| Some((point, point.facts.invalid_share?)))
            .map(|(point, invalid)| {
                let label = if self.points.len() > 1 { format!("{}: ", point.label) } else { String::new() };
                format!(
                    "{label}{} of answers unusable, {} of interactions void",
                    words::percent(invalid),
                    words::percent(point.facts.void_share)
                )
            })
            .collect();
        if !shares.is_empty() {
            text += &format!("\n{}", shares.join("\n"));
        }
        text
    }

    /// The results for machines.
    pub fn results(&self) -> Value {
        json!({
            "name": self.name,
            "directory": self.dir.path,
            "digest": self.digest,
            "points": self.points.iter().map(|point| {
                let mut value = json!({ "label": point.label, "keys": point.keys() });
                merge(&mut value, serde_json::to_value(&point.facts).expect("facts are plain data"));
                value["recorded"] = point.recorded.as_ref().map_or(Value::Null, |recorded| serde_json::to_value(recorded).expect("plain data"));
                value
            }).collect::<Vec<_>>(),
            "live": self.live,
            "found": self.found,
        })
    }

    /// The data of the page.
    fn page(&self) -> Value {
        let kind = match self.points.first().map(|point| &point.facts) {
            Some(Facts { individual: Some(_), .. }) => "individual",
            Some(Facts { tipping: Some(_), .. }) => "tipping",
            _ => "consensus",
        };
        let mut page = json!({
            "format": 1,
            "name": self.name,
            "claim": self.claim,
            "game": self.game,
            "experiment_toml": self.dir.experiment,
            "plan_toml": self.plan,
            "provenance": {
                "version": self.manifest.version,
                "revision": self.manifest.revision,
                "report_version": BUILD.version,
                "seed": self.manifest.seed,
                "digest": self.digest,
                "sources": self.manifest.models.iter().chain(&self.cautions).collect::<Vec<_>>(),
            },
            "kind_of_figure": kind,
            "published": self.dir.points[0].experiment.published,
            "found": self.found,
            "live": self.live,
            "points": self.points.iter().map(PointData::page).collect::<Vec<_>>(),
        });
        // What is unfinished is not cited.
        if self.dir.finished && !self.points.is_empty() {
            let runs = self.points.iter().map(|point| point.facts.runs).sum();
            let manifest = &self.manifest;
            let when = manifest.ended.as_ref().unwrap_or(&manifest.started);
            let ran = Ran { version: &manifest.version, revision: &manifest.revision, digest: &self.digest, when, runs };
            page["methods"] = paragraph(&self.dir.points, ran).into();
            page["bibtex"] = bibtex(&self.dir.points, ran).into();
        }
        if let Some(section) = section(&self.points) {
            page["benchmark"] = section;
        }
        if let Some(audit) = &self.audit {
            page["audit"] = audit_page(audit);
        }
        page
    }
}
