//! `cratylus fit`: makes an emulated agent of recorded decisions.

use crate::caller::{print, print_json, registry};
use crate::failure::Failure;
use crate::words::table;
use clap::Args;
use cratylus_core::agents::Emulated;
use cratylus_io::fit::{FitOrder, FitResult, fit_dirs};
use cratylus_io::whole::write_whole;
use std::path::{Path, PathBuf};

/// Fit an emulated agent, P(choice | memory), to recorded decisions.
///
/// The file that it writes is used as agents = { kind = "emulated", file = "…" }.
#[derive(Args)]
#[command(
    after_help = "Example:\n  cratylus import ai-norms AI-norms/data\n  cratylus fit runs/ai-norms/claude_converged_baseline_* --name claude --out claude.json\n  cratylus fit runs/mine --out mine.json --resample 8   (and sweep \"agents.file\" over mine-1.json to mine-8.json)"
)]
pub struct Fit {
    /// Run directories of one model to learn from.
    #[arg(required = true, value_name = "RUN_DIR")]
    dirs: Vec<PathBuf>,
    /// The file to write.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// What to call the agent [default: the file's name]
    #[arg(long)]
    name: Option<String>,
    /// Run directories of the same model that the fit must not see; they are scored, and shown beside what it does.
    #[arg(long, value_name = "RUN_DIR", num_args = 1..)]
    hold: Vec<PathBuf>,
    /// The penalty of pattern weights [default: chosen by cross-validation over runs]
    #[arg(long, allow_negative_numbers = true)]
    smoothing: Option<f64>,
    /// Fit as many more agents to runs drawn anew, and write them beside: FILE-1.json, FILE-2.json, … A sweep over
    /// `agents.file` shows how far the fit's own uncertainty goes.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1000))]
    resample: u32,
    /// Print the scores as JSON.
    #[arg(long)]
    json: bool,
}

impl Fit {
    pub fn go(self) -> Result<(), Failure> {
        if self.smoothing.is_some_and(|smoothing| !(smoothing > 0.0 && smoothing.is_finite())) {
            return Err(Failure::input("a smoothing is a number above 0"));
        }
        if self.out.is_dir() {
            return Err(Failure::input(format!("{} is a folder; `--out` names a file", self.out.display())));
        }
        let stem = self.out.file_stem().map_or_else(|| "fitted".into(), |stem| stem.to_string_lossy().into_owned());
        let order = FitOrder {
            registry: registry(),
            name: self.name.as_deref().unwrap_or(&stem),
            train: &self.dirs,
            hold: &self.hold,
            smoothing: self.smoothing,
            resamples: self.resample,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
        };
        let FitResult { model, resampled } = fit_dirs(&order, |line| eprintln!("{line}")).map_err(Failure::input)?;
        let write = |path: &Path, model: &Emulated| {
            // Small pieces on lines of their own, so that a change in a model can be read.
            let text = serde_json::to_string(model).expect("a model is plain data").replace(",\"", ",\n\"");
            write_whole(path, format!("{text}\n").as_bytes())
        };
        write(&self.out, &model)?;
        for (number, one) in (1..).zip(&resampled) {
            write(&self.out.with_file_name(format!("{stem}-{number}.json")), one)?;
        }
        if self.json {
            let scores = serde_json::json!({ "out": self.out, "smoothing": model.smoothing, "decisions": model.decisions, "classes": model.classes, "held_out": model.held_out, "left_out": model.left_out, "sufficiency": model.sufficiency });
            return print_json(&scores);
        }
        let mut rows = vec![["condition", "held-out score", "folds", "at random", "sufficiency"].map(String::from).to_vec()];
        for held in &model.held_out {
            let folds: Vec<String> = held.folds.iter().map(|fold| format!("{fold:.4}")).collect();
            let folds = if folds.len() == 1 { "not fitted to".into() } else { folds.join(", ") };
            let test = model.sufficiency.iter().find(|test| test.condition == held.condition);
            let test = test.map_or(String::new(), |test| format!("p {:.3}, short windows p {:.3}", test.p, test.short_p));
            rows.push(vec![held.condition.clone(), format!("{:.4}", held.score), folds, format!("{:.3}", held.uniform), test]);
        }
        print(table(&rows, &[1]))?;
        print(
            "\nScores are mean log scores per decision, in nats: fitted without the odd runs of the condition and scored on them, and the other way.",
        )?;
        if !model.left_out.is_empty() {
            let mut rows = vec![["left out", "score", "at random", "decisions"].map(String::from).to_vec()];
            for left in &model.left_out {
                let score = format!("{:.4}", left.score);
                rows.push(vec![left.what.clone(), score, format!("{:.3}", left.uniform), left.decisions.to_string()]);
            }
            print(format!("\n{}", table(&rows, &[1, 2, 3])))?;
            print(
                "\nScores of fits that saw nothing of a whole pool, or of a whole condition: so well is predicted what was never recorded.",
            )?;
        }
        print(format!("\n{}.", model.classes_in_words()))?;
        match self.resample {
            0 => eprintln!("wrote {}", self.out.display()),
            n => eprintln!("wrote {}, and {stem}-1.json to {stem}-{n}.json beside it", self.out.display()),
        }
        Ok(())
    }
}
