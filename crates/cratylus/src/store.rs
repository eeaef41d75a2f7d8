//! `cratylus store`: looks into a store of model answers.

use crate::caller::{print, print_json};
use crate::doctor::how_words;
use crate::failure::Failure;
use crate::words::{count, table};
use clap::{Args, Subcommand};
use cratylus_core::language::answer::Instead;
use cratylus_io::models::asker::shown;
use cratylus_io::models::http::{escaped, escaped_json, excerpt};
use cratylus_io::models::tape::{Call, KeptAnswer, Setup, Tape, prune};
use cratylus_io::store::calls;
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;

/// Look into a store of model answers: what `run --store` shares, and what a live run keeps.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  cratylus store ls answers.tape\n  cratylus store show answers.tape 3f9a\n  cratylus store export answers.tape --out answers\n  cratylus store prune answers.tape --model 2cb493e1"
)]
pub struct Store {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// The models in stores, and how many answers of each.
    Ls {
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<PathBuf>,
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Answers with their prompts: those whose key or prompt begins as given, or the first ones.
    Show {
        #[arg(value_name = "PATH")]
        path: PathBuf,
        /// The beginning of a key or of a prompt's hash.
        #[arg(value_name = "KEY")]
        key: Option<String>,
        /// How many.
        #[arg(long, default_value_t = 10)]
        limit: usize,
        /// Print as JSON, a line for each answer.
        #[arg(long)]
        json: bool,
    },
    /// Write a store as tables: calls.parquet and prompts.parquet.
    Export {
        #[arg(value_name = "PATH")]
        path: PathBuf,
        /// The folder to write into.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Leave out the answers of a model. The store as it was is kept beside it. No run should be using it meanwhile.
    Prune {
        #[arg(value_name = "PATH")]
        path: PathBuf,
        /// The beginning of the model's identity, as `ls` shows it.
        #[arg(long, value_name = "ID")]
        model: String,
    },
}

impl Store {
    pub fn go(self) -> Result<(), Failure> {
        match self.what {
            What::Ls { paths, json } => ls(&paths, json),
            What::Show { path, key, limit, json } => show(&path, key.as_deref(), limit, json),
            What::Export { path, out } => {
                let tape = open(&path)?;
                std::fs::create_dir_all(&out)
                    .map_err(|error| Failure::run(format!("making the folder {}: {error}", out.display())))?;
                calls::write(&out, &tape)?;
                print(format!(
                    "{} calls and {} prompts in {}",
                    count(tape.len() as u64),
                    count(tape.prompts().len() as u64),
                    out.display()
                ))
            }
            What::Prune { path, model } => {
                let (left, gone, before) = prune(&path, &model)?;
                if gone == 0 {
                    return Err(Failure::input(format!(
                        "{} has no answers of a model whose identity begins with `{model}`",
                        path.display()
                    ))
                    .help("`cratylus store ls` shows the identities"));
                }
                print(format!(
                    "{} answers left out, {} kept; the store as it was is in {}",
                    count(gone),
                    count(left),
                    before.display()
                ))
            }
        }
    }
}

/// A store, or the tape of a run directory, finished or not.
fn open(path: &std::path::Path) -> Result<Tape, Failure> {
    if path.join(cratylus_io::store::names::CALLS).exists() {
        return Ok(calls::read(path)?);
    }
    let file = if path.is_dir() { path.join(cratylus_io::store::names::TAPE) } else { path.to_path_buf() };
    if !file.exists() {
        return Err(Failure::input(format!("there is no store of answers at {}", path.display())));
    }
    Tape::read(&file).map_err(Failure::input)
}

fn ls(paths: &[PathBuf], as_json: bool) -> Result<(), Failure> {
    let mut rows =
        vec![["store", "model", "identity", "asked by", "answers", "prompts", "tokens", "USD"].map(String::from).to_vec()];
    let mut all = Vec::new();
    for path in paths {
        let tape = open(path)?;
        let calls = tape.calls();
        let gives = |call: &Call| matches!(call.answer, KeptAnswer::Step { .. });
        let mut ids: Vec<(&str, bool)> = calls.iter().map(|call| (call.model.as_str(), gives(call))).collect();
        ids.sort_unstable();
        ids.dedup();
        for (id, probabilities) in ids {
            let of: Vec<&Arc<Call>> = calls.iter().filter(|call| call.model == id && gives(call) == probabilities).collect();
            let mut prompts: Vec<&str> = of.iter().map(|call| call.prompt.as_str()).collect();
            prompts.sort_unstable();
            prompts.dedup();
            let tokens: u64 =
                of.iter().map(|call| call.took.prompt_tokens.unwrap_or(0) + call.took.completion_tokens.unwrap_or(0)).sum();
            let usd: f64 = of.iter().filter_map(|call| call.took.usd).sum();
            let setups: Vec<Setup> =
                tape.setups().into_iter().filter(|setup| setup.id == id && setup.how.probabilities() == probabilities).collect();
            let mut hows: Vec<String> = setups.iter().map(|setup| how_words(setup.how)).collect();
            hows.sort_unstable();
            hows.dedup();
            let setup = setups.first();
            rows.push(vec![
                path.display().to_string(),
                setup.map_or("–".into(), |setup| escaped(&setup.name)),
                id[..id.len().min(12)].to_string(),
                if hows.is_empty() { "–".into() } else { hows.join(", or ") },
                count(of.len() as u64),
                count(prompts.len() as u64),
                count(tokens),
                if usd > 0.0 { format!("{usd:.2}") } else { String::new() },
            ]);
            all.push(json!({
                "store": path, "identity": id, "setup": setup, "answers": of.len(), "prompts": prompts.len(), "tokens": tokens, "usd": usd,
            }));
        }
        if tape.unread() > 0 {
            eprintln!(
                "note: {} lines of {} are no answers (a crash may leave half a line); they are skipped",
                tape.unread(),
                path.display()
            );
        }
    }
    match as_json {
        true => print_json(&all),
        false => print(table(&rows, &[4, 5, 6, 7])),
    }
}

fn show(path: &std::path::Path, key: Option<&str>, limit: usize, as_json: bool) -> Result<(), Failure> {
    let tape = open(path)?;
    let wanted = |call: &Arc<Call>| key.is_none_or(|key| call.key.starts_with(key) || call.prompt.starts_with(key));
    let found: Vec<Arc<Call>> = tape.calls().into_iter().filter(wanted).collect();
    if found.is_empty() {
        return Err(Failure::input(match key {
            Some(key) => format!("{} has no answer whose key or prompt begins with `{key}`", path.display()),
            None => format!("{} has no answers", path.display()),
        }));
    }
    for call in found.iter().take(limit) {
        if as_json {
            let prompt = tape.prompt(&call.prompt);
            print(escaped_json(&json!({ "call": **call, "prompt": prompt.as_deref() }).to_string()))?;
            continue;
        }
        let mut text = format!("{}  {}\n", call.key, call.took.at);
        if let Some(prompt) = tape.prompt(&call.prompt) {
            text += &shown(&prompt);
        }
        if !call.before.is_empty() {
            text += &format!("  [and goes on]\n  │ {}\n", escaped(&call.before));
        }
        match &call.answer {
            KeptAnswer::Text { text: answer, cut, instead } => {
                let instead = match instead {
                    Some(Instead::Reasoning) => " (it reasoned in a field of its own)",
                    Some(Instead::Filter) => " (kept back by a filter)",
                    Some(Instead::Tool) => " (a call of a tool)",
                    Some(Instead::Refusal) => " (a refusal)",
                    None => "",
                };
                text += &format!("  answered  {}{}{instead}\n", excerpt(answer), if *cut { " (cut short)" } else { "" });
            }
            KeptAnswer::Scores { tokens } => {
                let worth = cratylus_audit::memorised::log_likelihood(tokens);
                text += &format!("  text      {} tokens, {worth:.3} nats\n", tokens.len());
            }
            KeptAnswer::Step { step, top } => {
                text += &format!("  names     {:?} in the order of the pool, as sampled\n", step.names);
                let tokens: Vec<String> =
                    top.iter().take(8).map(|(token, logprob)| format!("{:?} {:.4}", token, logprob.exp())).collect();
                if !tokens.is_empty() {
                    text += &format!("  likeliest {} (at temperature 1)\n", tokens.join("  "));
                }
            }
        }
        print(text)?;
    }
    if found.len() > limit {
        eprintln!("{} of {} shown; `--limit` shows more", limit, count(found.len() as u64));
    }
    Ok(())
}
