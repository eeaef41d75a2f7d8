//! `cratylus import`: turns published data into run directories.

use crate::experiment::BUILD;
use crate::words::count;
use crate::{Failure, print, print_json};
use clap::{Args, ValueEnum};
use cratylus_io::ai_norms::{self, Outcome};
use serde_json::json;
use std::path::PathBuf;

/// Turn published data into run directories.
///
/// Formats: `ai-norms`, the folder of pickles that Flint Ashery, Aiello and Baronchelli published with
/// "Emergent social conventions and collective bias in LLM populations" (Science Advances 2025).
#[derive(Args)]
#[command(
    after_help = "Example:\n  cratylus import ai-norms AI-norms/data --out runs/ai-norms\n  cratylus report runs/ai-norms/claude_converged_baseline_Q_M_-50_100_5mem_complete_24ps_0.5tmp"
)]
pub struct Import {
    format: Format,
    /// The folder to read; folders in it are read too.
    #[arg(value_name = "DIR")]
    from: PathBuf,
    /// Where to write the run directories [default: runs/<format>]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print what was imported as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    AiNorms,
}

impl Import {
    pub fn go(self) -> Result<(), Failure> {
        let Format::AiNorms = self.format;
        if !self.from.is_dir() {
            return Err(Failure::input(format!("{} is not a folder", self.from.display())));
        }
        let out = self.out.unwrap_or_else(|| PathBuf::from("runs/ai-norms"));
        let done = ai_norms::import(&self.from, &out, BUILD, |imported| match &imported.outcome {
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
                    Outcome::Done { dir, runs, interactions } => {
                        json!({ "file": imported.file, "directory": dir, "runs": runs, "interactions": interactions })
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
            0 => Ok(()),
            n => Err(Failure::input(format!("{n} of {} files could not be read; the others are imported", done.len()))),
        }
    }
}
