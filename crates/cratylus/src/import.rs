//! `cratylus import`: turns published data into run directories.

use crate::caller::{print, print_json, set_aside};
use crate::experiment::BUILD;
use crate::failure::Failure;
use crate::message_columns::MessageColumns;
use crate::words::{count, table};
use clap::{Args, ValueEnum};
use cratylus_audit::recognition::{CodedAnswer, Flag, each, share};
use cratylus_io::import::ai_norms::{self, Outcome};
use cratylus_io::import::leakage;
use cratylus_io::messages;
use cratylus_io::models::http::escaped;
use serde_json::json;
use std::path::PathBuf;

/// Turn published data into run directories.
///
/// Formats: `ai-norms`, the folder of pickles that Flint Ashery, Aiello and Baronchelli published with
/// "Emergent social conventions and collective bias in LLM populations" (Science Advances 2025);
/// `leakage-probes`, the answers that their critics and they published in the exchange on leakage
/// (arXiv 2505.23796 and 2506.18600), into a table of answers and codings;
/// `messages`, a file of messages with what they are about (CSV, a dump of EGG, a corpus in ELCC's layout), into the two
/// tables that `cratylus measure` and experiments with messages have.
#[derive(Args)]
#[command(
    after_help = "Example:\n  cratylus import ai-norms AI-norms/data --out runs/ai-norms\n  cratylus report runs/ai-norms/claude_converged_baseline_Q_M_-50_100_5mem_complete_24ps_0.5tmp\n  cratylus import messages dump.txt --out runs/dump\n  cratylus measure runs/dump"
)]
pub struct Import {
    format: Format,
    /// The folder to read; folders in it are read too. For `messages` the file.
    #[arg(value_name = "DIR|FILE")]
    from: PathBuf,
    /// Where to write the run directories [default: runs/<format>]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// What the model is called whose runs these are, where the published scripts were run with another one
    /// [default: as the files are named, up to the test].
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    #[command(flatten)]
    columns: MessageColumns,
    /// Print what was imported as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    AiNorms,
    LeakageProbes,
    Messages,
}

impl Import {
    pub fn go(self) -> Result<(), Failure> {
        if let Format::Messages = self.format {
            return self.messages();
        }
        if !self.from.is_dir() {
            return Err(Failure::input(format!("{} is not a folder", self.from.display())));
        }
        if let Format::LeakageProbes = self.format {
            return self.leakage();
        }
        let out = self.out.unwrap_or_else(|| PathBuf::from("runs/ai-norms"));
        let done = ai_norms::import_of(&self.from, &out, self.model.as_deref(), BUILD, |imported| match &imported.outcome {
            Outcome::Done { copies: Some(copies), .. } => eprintln!("warning: {}: {copies}", imported.file.display()),
            Outcome::Done { .. } => (),
            Outcome::Skipped(why) => eprintln!("skipped {}: {why}", imported.file.display()),
            Outcome::Failed(why) => eprintln!("error: {why}"),
        })
        .map_err(Failure::input)?;
        let (mut conditions, mut all_runs, mut all_interactions, mut failed) = (0, 0, 0, 0);
        for imported in &done {
            match imported.outcome {
                Outcome::Done { runs, interactions, .. } => {
                    conditions += 1;
                    all_runs += runs;
                    all_interactions += interactions;
                }
                Outcome::Failed(_) => failed += 1,
                Outcome::Skipped(_) => (),
            }
        }
        if self.json {
            let each: Vec<_> = done
                .iter()
                .map(|imported| match &imported.outcome {
                    Outcome::Done { dir, runs, interactions, copies } => {
                        json!({ "file": imported.file, "directory": dir, "runs": runs, "interactions": interactions, "copies": copies })
                    }
                    Outcome::Skipped(why) => json!({ "file": imported.file, "skipped": why }),
                    Outcome::Failed(why) => json!({ "file": imported.file, "failed": why }),
                })
                .collect();
            print_json(&each)?;
        } else {
            print(format!(
                "{} conditions, {} runs, {} interactions and answers in {}",
                count(conditions),
                count(all_runs),
                count(all_interactions),
                out.display()
            ))?;
        }
        match failed {
            0 if conditions == 0 => {
                let why = format!("nothing was imported: {} files were skipped, for the reasons above", done.len());
                Err(Failure::input(why)
                    .help("the published scripts name files MODEL_converged_baseline_…; `--model NAME` names the model"))
            }
            0 => Ok(()),
            n if n == done.len() => {
                Err(Failure::input(format!("nothing was imported: none of {n} files could be read, for the reasons above")))
            }
            n => Err(Failure::input(format!("{n} of {} files could not be read; the others are imported", done.len()))),
        }
    }

    fn messages(self) -> Result<(), Failure> {
        let stem = self.from.file_stem().map_or_else(|| "messages".into(), |stem| stem.to_string_lossy().into_owned());
        let out = self.out.unwrap_or_else(|| PathBuf::from("runs").join(stem));
        if self.from.canonicalize().ok().is_some_and(|from| out.canonicalize().ok() == Some(from)) {
            return Err(Failure::input(format!("{} is what is read; `--out` names another folder", out.display())));
        }
        let file = messages::read(&self.from, &self.columns.how(None)).map_err(Failure::input)?;
        set_aside(&out)?;
        messages::import(&self.from, &file, &out, BUILD)?;
        file.notes.iter().for_each(|note| eprintln!("note: {}", escaped(note)));
        let rows: usize = file.senders.iter().map(|one| one.corpus.len()).sum();
        if self.json {
            return print_json(&json!({ "directory": out, "messages": rows, "senders": file.senders.len(),
                "attributes": file.attributes, "notes": file.notes }));
        }
        print(format!(
            "{} messages in {}; `cratylus measure {}` says what they are like",
            count(rows as u64),
            out.display(),
            out.display()
        ))
    }

    fn leakage(self) -> Result<(), Failure> {
        let out = self.out.unwrap_or_else(|| PathBuf::from("runs/leakage-probes"));
        let imported = leakage::import(&self.from, &out, BUILD).map_err(Failure::input)?;
        imported.skipped.iter().for_each(|(file, why)| eprintln!("skipped {}: {why}", file.display()));
        let answers = &imported.answers;
        if self.json {
            return print_json(&json!({
                "directory": out, "answers": answers.len(), "files": imported.files,
                "finding": cratylus_audit::recognition::finding("published answers", answers),
            }));
        }
        print(coded(answers))?;
        print(format!(
            "\nOf each model's answers, how many were coded yes by people; in brackets by a machine, where that differs.\n{} answers in {}",
            count(answers.len() as u64),
            out.display()
        ))
    }
}

/// Counts by model: by people, and in brackets by a machine where that differs.
fn coded(answers: &[CodedAnswer]) -> String {
    let mut rows = vec![vec!["model".to_string(), "answers".into()]];
    rows[0].extend(Flag::ALL.map(|flag| flag.name().to_string()));
    for model in each(answers, |answer| &answer.model) {
        let here = || answers.iter().filter(|answer| answer.model == model);
        let mut row = vec![escaped(model), count(here().count() as u64)];
        for flag in Flag::ALL {
            let people = share(here(), |answer| answer.coded(flag));
            let machine = share(here(), |answer| answer.machine.get(flag));
            row.push(match (people.of, machine.of) {
                _ if here().all(|answer| answer.manual.get(flag).is_none() && answer.source != "cratylus") => "–".into(),
                (0, _) => "–".into(),
                (_, 0) => people.count.to_string(),
                _ if people.count == machine.count => people.count.to_string(),
                _ => format!("{} ({})", people.count, machine.count),
            });
        }
        rows.push(row);
    }
    table(&rows, &[1, 2, 3, 4, 5])
}
