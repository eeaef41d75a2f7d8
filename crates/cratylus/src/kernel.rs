//! `cratylus kernel`: extracts a model's response to two names into a kernel file.

use crate::caller::{print, print_json, registry};
use crate::doctor::{how_words, world_of};
use crate::failure::Failure;
use crate::words::count;
use clap::Args;
use cratylus_core::experiment::Budget;
use cratylus_core::kernel::all_states;
use cratylus_core::language::model::{Choice, Source};
use cratylus_io::kernel::{Extraction, Stopped, write};
use cratylus_io::models::asker::Tapes;
use cratylus_io::models::http::escaped;
use cratylus_io::models::open::Opener;
use cratylus_io::models::tape::Tape;
use cratylus_io::question::CHARACTERS_PER_TOKEN;
use cratylus_io::store::calls::cautions;
use cratylus_io::store::inputs::FileInputs;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Extract a model's response to two names, P(name | memory), into a kernel file.
///
/// Where the model gives probabilities, every state is asked about once in both orders of the
/// options, and the kernel is exact. Where it gives text, states are sampled where populations
/// actually go, and every entry has an interval. An interrupted extraction goes on where it stopped.
/// Agents of kind `kernel` take the file.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  cratylus kernel --endpoint http://127.0.0.1:8080/v1 --names Q,M --memory 5 --out experiments/kernels.parquet --yes\n  cratylus run experiments/consensus.toml --set 'agents={kind=\"kernel\",file=\"kernels.parquet\"}' --set 'sweep={}'"
)]
pub struct Kernel {
    /// The server's address [default: CRATYLUS_ENDPOINT of the environment]
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// The model's name on the server; the only one there where it is left out.
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// The two names, separated by a comma.
    #[arg(long, value_name = "NAMES", default_value = "Q,M")]
    names: String,
    /// How many rounds an agent remembers.
    #[arg(long, value_name = "N", default_value_t = 5)]
    memory: usize,
    /// Any other key of an agent of kind `llm`, or of the game (`game.payoff=…`), quoted as TOML; may be given again.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// The kernel file; rows of other models in it stay.
    #[arg(long, value_name = "FILE", default_value = "kernels.parquet")]
    out: PathBuf,
    /// Where answers are kept [default: the kernel file's name with `.tape` after it]
    #[arg(long, value_name = "PATH")]
    store: Option<PathBuf>,
    /// How many answers are sampled where the model gives text.
    #[arg(long, value_name = "N", default_value_t = 5_000)]
    samples: u64,
    /// The size of the populations that say where to sample.
    #[arg(long, value_name = "N", default_value_t = 24)]
    size: u32,
    /// The most calls of this command.
    #[arg(long, value_name = "N")]
    budget_calls: Option<u64>,
    /// The most tokens, in and out, of this command.
    #[arg(long, value_name = "N")]
    budget_tokens: Option<u64>,
    /// Ask a server; without it, only what would be asked is said. Mocks and scripts are asked at once.
    #[arg(long)]
    yes: bool,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
    /// Show no progress.
    #[arg(long)]
    quiet: bool,
}

impl Kernel {
    pub fn go(self) -> Result<(), Failure> {
        let inputs = FileInputs::new(Path::new(""), &registry());
        let world = world_of(&self.names, self.memory, self.endpoint.as_deref(), self.model.as_deref(), &self.sets, &inputs)?;
        let (kind, model) = world
            .models()
            .next()
            .ok_or_else(|| Failure::input("a kernel is extracted from a model: kinds llm, mock or scripted"))?;
        let [name0, name1] = &model.names[..] else {
            return Err(Failure::input(format!("a kernel holds two names, and --names gives {}", model.names.len())));
        };
        if self.memory > 8 {
            return Err(Failure::input(format!(
                "a memory of {} rounds has too many states; a kernel holds at most 8 rounds",
                self.memory
            )));
        }
        let store = self.store.clone().unwrap_or_else(|| {
            let name = self.out.file_name().map_or_else(|| "kernel".into(), |name| name.to_string_lossy().into_owned());
            self.out.with_file_name(format!("{name}.tape"))
        });
        let stop = Arc::new(AtomicBool::new(false));
        let seen = stop.clone();
        crate::progress::on_stop(move || {
            if seen.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
        });
        let tapes = Arc::new(Tapes { own: Arc::new(Tape::open(&store)?), store: None });
        let mut opener = Opener::new(Path::new(""), stop.clone());
        let opened = opener.open(&world, kind, &tapes.own)?;
        let exact = opened.setup.how.probabilities();
        if !self.quiet {
            let why = if model.choice == Choice::Auto { format!(", as {}", escaped(&opened.setup.why)) } else { String::new() };
            eprintln!("{}: asked by {}{why}", escaped(&opened.setup.name), how_words(opened.setup.how));
        }
        // What it comes to, before it is paid for.
        let states = all_states(self.memory).len() as u64;
        let calls = if exact { 2 * states } else { self.samples };
        let kept = tapes.own.calls().iter().filter(|call| call.model == opened.setup.id).count() as u64;
        let prompt = model.told(&vec![[0, 1]; self.memory], &[0, 1]).map_err(Failure::input)?;
        let characters: usize = prompt.messages.iter().map(|message| message.text.len()).sum();
        let per_token = opened.setup.characters_per_token.unwrap_or(CHARACTERS_PER_TOKEN);
        let answer = if exact { 1 } else { u64::from(model.protocol.max_tokens) };
        let tokens = calls * ((characters as f64 / per_token).ceil() as u64 + answer);
        let server = matches!(model.source, Source::Server(_));
        if server && !self.yes {
            let bill = format!(
                "{}: {} questions about {} states, about {} tokens{}{}",
                escaped(&opened.setup.name),
                count(calls),
                count(states),
                count(tokens),
                if exact { "; names of several tokens take more calls" } else { "" },
                if kept > 0 { format!("; {} calls are answered already", count(kept)) } else { String::new() }
            );
            if self.json {
                return print_json(
                    &json!({ "asked": false, "calls": calls, "tokens": tokens, "answered": kept, "setup": opened.setup }),
                );
            }
            return print(format!("{bill}\n\nNothing was asked of this; with --yes it is."));
        }
        let (done, of) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let extraction = Extraction {
            model: model.clone(),
            opened: opened.clone(),
            tapes: tapes.clone(),
            budget: Budget { calls: self.budget_calls, tokens: self.budget_tokens, ..Budget::default() },
            spent: Arc::default(),
            stop,
            done: done.clone(),
            of: of.clone(),
        };
        let bar = if self.quiet { ProgressBar::hidden() } else { ProgressBar::new(1) };
        bar.set_style(ProgressStyle::with_template("{bar:32} {pos}/{len} questions  {eta} left").expect("a fixed template"));
        let over = AtomicBool::new(false);
        let entries = std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    bar.set_length(of.load(Ordering::Relaxed).max(1));
                    bar.set_position(done.load(Ordering::Relaxed));
                    std::thread::sleep(Duration::from_millis(80));
                }
            });
            let entries = if exact { extraction.exact() } else { extraction.sampled(self.samples, self.size) };
            over.store(true, Ordering::Relaxed);
            entries
        });
        bar.finish_and_clear();
        let entries = entries.map_err(|stopped| match stopped {
            Stopped::Fault(trouble) => Failure::run(trouble),
            Stopped::Interrupted => Failure::run("interrupted"),
            Stopped::Spent(what) => Failure::run(format!("the budget of {what} is spent")),
        });
        let kept = format!("what was answered is kept in {}, and the same command goes on", store.display());
        let entries = entries.map_err(|failure| failure.help(&kept))?;
        if entries.iter().all(|entry| entry.samples == Some(0)) {
            return Err(Failure::run(format!(
                "none of {} answers was usable, so there is nothing to make a kernel of",
                count(self.samples)
            ))
            .help(&format!("`cratylus store show {}` shows what was answered", store.display())));
        }
        write(&self.out, &opened.setup.name, [name0, name1], &entries)?;
        let calls = extraction.spent.calls.load(Ordering::Relaxed);
        let never = entries.iter().filter(|entry| entry.samples == Some(0)).count();
        let order_effect = {
            let both: Vec<f64> =
                entries.iter().filter_map(|entry| Some((entry.by_order[0]? - entry.by_order[1]?).abs())).collect();
            // Differences of few samples are mostly noise.
            if both.is_empty() || !exact { None } else { Some(both.iter().sum::<f64>() / both.len() as f64) }
        };
        if self.json {
            return print_json(&json!({
                "file": self.out, "store": store, "model": opened.setup.name, "names": [name0, name1], "memory": self.memory,
                "states": entries.len(), "states_without_samples": never, "calls": calls, "exact": exact,
                "p_empty_memory": entries[0].p, "mean_order_effect": order_effect, "setup": opened.setup,
            }));
        }
        print(format!(
            "{}: {} states of {name0} and {name1}, {}, {} calls\nP({name0} | nothing remembered) = {:.4}{}",
            self.out.display(),
            count(entries.len() as u64),
            if exact { "exact".to_string() } else { format!("sampled ({} without a usable answer)", count(never as u64)) },
            count(calls),
            entries[0].p,
            order_effect.map_or(String::new(), |effect| format!(
                "\nshown first rather than last, {name0} gains or loses {effect:.4} on average over states"
            )),
        ))?;
        for note in cautions(&tapes.own, std::slice::from_ref(&opened.setup)) {
            eprintln!("note: {note}");
        }
        eprintln!("answers are kept in {}", store.display());
        Ok(())
    }
}
