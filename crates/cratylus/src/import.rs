//! `cratylus import`: turns published data into run directories.

use crate::experiment::BUILD;
use crate::words::count;
use crate::{Failure, print};
use clap::{Args, ValueEnum};
use cratylus_io::ai_norms;
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
        let done = ai_norms::import(&self.from, &out, BUILD, |imported| {
            if let Err(why) = &imported.result {
                eprintln!("skipped {}: {why}", imported.file.display());
            }
        })
        .map_err(Failure::input)?;
        let (mut conditions, mut runs, mut interactions) = (0, 0, 0);
        for (_, r, i) in done.iter().filter_map(|imported| imported.result.as_ref().ok()) {
            (conditions, runs, interactions) = (conditions + 1, runs + r, interactions + i);
        }
        if self.json {
            let each: Vec<_> = done
                .iter()
                .map(|imported| match &imported.result {
                    Ok((dir, runs, interactions)) => {
                        json!({ "file": imported.file, "directory": dir, "runs": runs, "interactions": interactions })
                    }
                    Err(why) => json!({ "file": imported.file, "skipped": why }),
                })
                .collect();
            return print(serde_json::to_string_pretty(&each).expect("plain data"));
        }
        print(format!(
            "{} conditions, {} runs, {} interactions and answers in {}",
            count(conditions),
            count(runs),
            count(interactions),
            out.display()
        ))
    }
}
