//! The part of `cratylus audit` that questions a model, outside any population: its flags, what it will ask and cost, and
//! the asking.

use crate::caller::registry;
use crate::doctor::world_of;
use crate::failure::Failure;
use crate::words::{count, table};
use clap::Args;
use cratylus_audit::finding::Finding;
use cratylus_audit::recognition::{self, CodedAnswer};
use cratylus_core::World;
use cratylus_core::control::Paid;
use cratylus_core::experiment::Budget;
use cratylus_core::fault::Fault;
use cratylus_core::language::model::Source;
use cratylus_core::language::protocol::skins;
use cratylus_io::answers::{ANSWERS, read, read_coded, write_blind};
use cratylus_io::models::asker::{Opened, Spent, Tapes};
use cratylus_io::models::open::Opener;
use cratylus_io::models::prices::Prices;
use cratylus_io::models::server::ENDPOINT_ENV;
use cratylus_io::models::tape::Tape;
use cratylus_io::question::{Agenda, Bill, Interview, Means, PublishedTexts, QuestionKind, Stopped, Subject, Variant};
use cratylus_io::store::inputs::FileInputs;
use indicatif::{ProgressBar, ProgressStyle};
use std::cell::RefCell;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Who is questioned, about what, and what it may cost.
#[derive(Args)]
#[command(next_help_heading = "Questioning a model")]
pub struct Questions {
    /// The server's address; with it, `--model`, `--agent` or `--answers`, audits that question a model are asked [default: CRATYLUS_ENDPOINT of the environment]
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// The model's name on the server; the only one there where it is left out.
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// The whole agent as a TOML table, of kind llm, mock or scripted.
    #[arg(long, value_name = "TOML")]
    agent: Option<String>,
    /// Any other key of the agent, or of the game (`game.payoff=…`), quoted as TOML; with --benchmark, one of its file; may be
    /// given again.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// The two names of the telling that is questioned.
    #[arg(long, value_name = "NAMES", default_value = "Q,M")]
    names: String,
    /// How many rounds an agent remembers.
    #[arg(long, value_name = "N", default_value_t = 5)]
    memory: usize,
    /// Other tellings of the game: skins inside the program, or protocol files; all skins of the program by default.
    #[arg(long, value_name = "PROTOCOL", value_delimiter = ',')]
    skins: Vec<String>,
    /// How often each question of recognition is put.
    #[arg(long, value_name = "N", default_value_t = 10)]
    repeats: u64,
    /// Ask about every memory, and not only about those that populations come to.
    #[arg(long)]
    all_states: bool,
    /// How many answers are sampled for a response, where the model gives text.
    #[arg(long, value_name = "N", default_value_t = 3_000)]
    samples: u64,
    /// Where answers are kept.
    #[arg(long, value_name = "FILE", default_value = "question.tape")]
    store: PathBuf,
    /// The most calls of this command.
    #[arg(long, value_name = "N")]
    budget_calls: Option<u64>,
    /// The most tokens, in and out, of this command.
    #[arg(long, value_name = "N")]
    budget_tokens: Option<u64>,
    /// The most US dollars of this command, by the table of prices or as the server says.
    #[arg(long, value_name = "USD")]
    budget_usd: Option<f64>,
    /// Ask; without it, only what would be asked is said.
    #[arg(long)]
    yes: bool,
    /// Another agent, as a TOML table of kind llm or scripted, that codes the answers about recognition.
    #[arg(long, value_name = "TOML")]
    judge: Option<String>,
    /// A published text, such as the prompt of a study, whose wording may be known by heart: adds the audits text-* and name-order; may be given again.
    #[arg(long = "text", value_name = "FILE")]
    texts: Vec<PathBuf>,
    /// What the text is, in words for the model, such as `the supplement of …` [default: the article of Flint Ashery, Aiello & Baronchelli]
    #[arg(long, value_name = "WORDS")]
    text_title: Option<String>,
    /// A list of names in the order in which it was published, for name-order [default: the pool of ten of that article]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    name_order: Vec<String>,
    /// Answers that were imported (`cratylus import leakage-probes`), in place of a model.
    #[arg(long, value_name = "DIR")]
    answers: Option<PathBuf>,
    /// Write the answers about recognition for a person to code: in random order, without a name of model or skin.
    #[arg(long, value_name = "FILE.csv")]
    blind_out: Option<PathBuf>,
    /// A file that a person coded: 1 or 0 in the columns of --blind-out.
    #[arg(long, value_name = "FILE.csv")]
    coded: Option<PathBuf>,
}

/// What questioning came to.
pub enum Questioned {
    /// Nothing was asked: what would be.
    Announced(Vec<Bill>),
    Findings(Vec<Finding>),
}

impl Questions {
    /// Whether there is anybody to question.
    pub fn any(&self) -> bool {
        self.endpoint.is_some() || self.model.is_some() || self.agent.is_some() || self.answers.is_some()
    }

    /// Takes the server of the environment, where nobody else is named.
    pub fn or_of_environment(&mut self) {
        if !self.any() {
            self.endpoint = std::env::var(ENDPOINT_ENV).ok().filter(|value| !value.trim().is_empty());
        }
    }

    /// Whether something is asked that only a model could answer, beside what audits ask by themselves.
    pub fn needs_model(&self) -> Option<&'static str> {
        let flags = [("--text", self.texts.is_empty()), ("--name-order", self.name_order.is_empty())];
        flags.into_iter().find(|(_, absent)| !absent).map(|(flag, _)| flag)
    }

    /// Questions the model by the audits that are `wanted`, all of them if none was `named`, and simulates so many populations
    /// of its response. Progress goes to stderr, unless `quiet`.
    pub fn ask(&self, wanted: &dyn Fn(&str) -> bool, named: bool, populations: u64, quiet: bool) -> Result<Questioned, Failure> {
        if let Some(dir) = &self.answers {
            let path = if dir.is_dir() { dir.join(ANSWERS) } else { dir.clone() };
            let mut answers = read(&path).map_err(Failure::input)?;
            self.code(&mut answers).map_err(Failure::input)?;
            return Ok(Questioned::Findings(vec![recognition::finding("published answers", &answers)]));
        }
        if self.memory > 6 {
            return Err(Failure::input(format!(
                "a memory of {} rounds has too many states to ask about; at most 6",
                self.memory
            )));
        }
        let stop = Arc::new(AtomicBool::new(false));
        let seen = stop.clone();
        crate::progress::on_stop(move || {
            if seen.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
        });
        let first = self.world(&Variant::default())?;
        let (_, model) = first.models().next().ok_or_else(|| {
            Failure::input("nobody to question: agents of kind llm, mock and scripted are models")
                .help("`--endpoint URL`, or `--agent '{ kind = \"mock\", policy = { … } }'`")
        })?;
        if model.names.len() != 2 {
            return Err(Failure::input(format!("a model is questioned with two names, and --names gives {}", model.names.len())));
        }
        let price = match model.source {
            Source::Server(_) => Prices::built_in().of(&model.name),
            _ => None,
        };
        let tapes = Arc::new(Tapes { own: Arc::new(Tape::open(&self.store)?), store: None });
        let means = Means {
            tapes: tapes.clone(),
            budget: Budget { calls: self.budget_calls, tokens: self.budget_tokens, usd: self.budget_usd, ..Budget::default() },
            spent: Arc::new(Spent::default()),
            stop: stop.clone(),
            started: Instant::now(),
            price,
            done: Arc::default(),
        };
        let opener = RefCell::new(Opener::new(Path::new(""), stop));
        let base: RefCell<Option<(bool, Arc<Opened>)>> = RefCell::default();
        let sit = |variant: &Variant| -> Result<Subject, Fault> {
            let world = self.world(variant).map_err(|failure| Fault(failure.message.trim_start_matches("error: ").into()))?;
            let (kind, model) = world.models().next().expect("seen before");
            let begun = model.protocol.prefill.is_empty();
            // What a server or a file was found to be stands for every telling; a mock is another with each.
            let known = base.borrow().clone().filter(|(same, _)| *same == begun && !matches!(model.source, Source::Mock(_)));
            let opened = match known {
                Some((_, opened)) => opened,
                None => opener.borrow_mut().open(&world, kind, &tapes.own)?,
            };
            base.borrow_mut().get_or_insert_with(|| (begun, opened.clone()));
            Ok(Subject { model: model.clone(), opened })
        };
        let judge = self.judge.as_ref().map(|judge| -> Result<Subject, Failure> {
            let inputs = FileInputs::new(Path::new(""), &registry());
            let world = world_of("yes,no", 0, None, None, &[format!("agents={judge}")], &inputs)?;
            let (kind, model) =
                world.models().next().ok_or_else(|| Failure::input("a judge is an agent of kind llm or scripted"))?;
            Ok(Subject { model: model.clone(), opened: opener.borrow_mut().open(&world, kind, &tapes.own)? })
        });
        let judge = judge.transpose()?;
        let interview = Interview { sit: &sit, means: means.clone(), agenda: self.agenda(wanted, named, populations)?, judge };
        let failed = |stopped| match stopped {
            Stopped::Fault(trouble) => Failure::run(trouble),
            Stopped::Interrupted => Failure::run("interrupted"),
            Stopped::Spent(what) => Failure::run(format!("the budget of {what} is spent")),
        };
        let bill = interview.bill().map_err(failed)?;
        if !self.yes {
            return Ok(Questioned::Announced(bill));
        }
        if !quiet {
            eprintln!("{}", bill_words(&bill));
        }
        let heard = watched(&means, quiet, || interview.hold(&mut |answers| self.code(answers)));
        opener.borrow().all().for_each(|opened| opened.pool.close());
        let kept = format!("what was answered is kept in {}, and the same command goes on", self.store.display());
        let heard = heard.map_err(|stopped| failed(stopped).help(&kept))?;
        if !quiet {
            let calls = means.spent.calls.load(Ordering::Relaxed);
            eprintln!("{} calls; answers are kept in {}", count(calls), self.store.display());
        }
        Ok(Questioned::Findings(heard.findings))
    }

    fn agenda(&self, wanted: &dyn Fn(&str) -> bool, named: bool, populations: u64) -> Result<Agenda, Failure> {
        let mut published = PublishedTexts::default();
        for path in &self.texts {
            let failed = |error| Failure::input(format!("reading {}: {error}", path.display()));
            let name = path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
            published.texts.push((name, std::fs::read_to_string(path).map_err(failed)?));
        }
        published.title = self.text_title.clone().unwrap_or(published.title);
        match self.name_order.len() {
            0 => (),
            n if n < 4 => {
                return Err(Failure::input(format!("--name-order gives {n} names, and an order tells something from four on")));
            }
            _ if (1..self.name_order.len()).any(|i| self.name_order[..i].contains(&self.name_order[i])) => {
                return Err(Failure::input("--name-order gives a name twice"));
            }
            _ => published.names = self.name_order.clone(),
        }
        // Without a published text there is no wording to ask about, unless by name.
        let about = |audit: &QuestionKind| named || !audit.is_about_wording() || !self.texts.is_empty();
        let audits = QuestionKind::ALL.into_iter().filter(|audit| wanted(audit.name()) && about(audit)).collect();
        let skins = if self.skins.is_empty() { skins().map(String::from).collect() } else { self.skins.clone() };
        let Questions { repeats, all_states, samples, .. } = *self;
        Ok(Agenda { audits, skins, repeats, all_states, samples, runs: populations, published })
    }

    /// The world in which a variant of the model plays.
    fn world(&self, variant: &Variant) -> Result<World, Failure> {
        let names = variant.names.as_ref().map_or(self.names.clone(), |names| names.join(","));
        let mut sets: Vec<String> = self.agent.iter().map(|agent| format!("agents={agent}")).collect();
        sets.extend(self.sets.iter().cloned());
        sets.extend(variant.protocol.iter().map(|protocol| format!("protocol=\"{protocol}\"")));
        if variant.payoff == Paid::MismatchPays {
            sets.push("control.payoff=\"mismatch-pays\"".into());
        }
        let inputs = FileInputs::new(Path::new(""), &registry());
        world_of(&names, self.memory, self.endpoint.as_deref(), self.model.as_deref(), &sets, &inputs)
    }

    /// Writes answers out to be coded, and reads codings back in.
    fn code(&self, answers: &mut [CodedAnswer]) -> Result<(), Fault> {
        if let Some(path) = &self.blind_out {
            write_blind(path, answers)?;
            eprintln!("{} answers to code: {}", count(answers.len() as u64), path.display());
        }
        if let Some(path) = &self.coded {
            let n = read_coded(path, answers)?;
            eprintln!("{} of {} answers were coded by hand in {}", count(n as u64), count(answers.len() as u64), path.display());
        }
        Ok(())
    }
}

/// Runs with a count of answers on stderr.
fn watched<T>(means: &Means, quiet: bool, hold: impl FnOnce() -> T) -> T {
    let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
    bar.set_style(ProgressStyle::with_template("{spinner} {pos} answers, {elapsed}").expect("a fixed template"));
    let over = AtomicBool::new(false);
    let held = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut said = Instant::now();
            let plain = !quiet && !std::io::stderr().is_terminal();
            while !over.load(Ordering::Relaxed) {
                let done = means.done.load(Ordering::Relaxed);
                if plain && said.elapsed() > Duration::from_secs(10) {
                    said = Instant::now();
                    eprintln!("{} answers", count(done));
                }
                bar.set_position(done);
                bar.tick();
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        let held = hold();
        over.store(true, Ordering::Relaxed);
        held
    });
    bar.finish_and_clear();
    held
}

/// What will be asked, and what it may cost.
pub fn bill_words(bill: &[Bill]) -> String {
    let mut rows = vec![["audit", "question", "calls, about", "tokens, about"].map(String::from).to_vec()];
    for Bill { audit, words, calls, tokens, usd } in bill {
        let usd = usd.map_or(String::new(), |usd| format!(", {usd:.2} USD"));
        rows.push(vec![audit.to_string(), words.to_string(), count(*calls), format!("{}{usd}", count(tokens[0] + tokens[1]))]);
    }
    let sum = |of: fn(&Bill) -> u64| bill.iter().map(of).sum::<u64>();
    let usd: Option<f64> = bill.iter().map(|bill| bill.usd).sum();
    let usd = usd.map_or(", in no table of prices".to_string(), |usd| format!(", {usd:.2} USD"));
    rows.push(vec![
        "in all".into(),
        String::new(),
        count(sum(|bill| bill.calls)),
        format!("{}{usd}", count(sum(|bill| bill.tokens[0] + bill.tokens[1]))),
    ]);
    table(&rows, &[2])
}
