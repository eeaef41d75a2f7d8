//! `cratylus corpus` and `cratylus train`: text whose every row is known, and models that read nothing else.

use crate::caller::{in_the_way, print, print_json, registry, set_aside, text_of};
use crate::experiment::BUILD;
use crate::failure::Failure;
use crate::study;
use crate::words::count;
use clap::Args;
use cratylus_core::experiment::Document;
use cratylus_core::text::nearest;
#[cfg(feature = "in-process")]
use cratylus_io::models::chat::ChatModel;
use cratylus_io::store::inputs::FileInputs;
use cratylus_io::training::{ADAPTER, Base, CARD, PLAN, TrainingJob, course, read_weights, write_corpus};
use cratylus_neural::corpus::{Corpus, CorpusRow, Ledger};
use cratylus_neural::foretells::Trigram;
use cratylus_neural::probes::{self, Subject};
use cratylus_neural::response::Trained;
use cratylus_neural::study::StudySpec;
use cratylus_neural::training::{Card, Reading, TrainingSpec, read_corpus};
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Make a corpus whose every row is known, count what it holds, and show some of it.
///
/// A corpus is a list of ingredients in stated doses. Nothing has to be made before a model is
/// trained on it: rows are made as they are read. `--out` writes them down, with the key that
/// says what each row is.
#[derive(Args)]
#[command(
    name = "corpus",
    after_help = "Examples:\n  cratylus corpus experiments/trained-rule.toml\n  cratylus corpus experiments/trained-rule.toml --show 3\n  cratylus corpus experiments/trained-rule.toml --overlap my-prompts.txt"
)]
pub struct CorpusVerb {
    /// The corpus file, or a training's.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Change a key of the file; may be given again.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Show so many rows of each ingredient.
    #[arg(long, value_name = "N", default_value_t = 0)]
    show: usize,
    /// Print this row of the corpus alone, as a model with words of its own reads it.
    #[arg(long, value_name = "N", conflicts_with_all = ["show", "json", "out", "overlap"])]
    row: Option<u64>,
    /// Say how much of a text stands in the corpus, by stretches of eight words.
    #[arg(long, value_name = "TEXT")]
    overlap: Option<PathBuf>,
    /// Write rows.parquet and ledger.json into a folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print the ledger as JSON.
    #[arg(long)]
    json: bool,
}

/// Train a small language model on a corpus whose every row is known.
///
/// What comes out is a folder in the layout of Llama models, with a card that says what the
/// model could know. Agents of kind `llm` take it as `file`, and so does everything that
/// takes a model. The numbers follow from the file and the seed, whatever the threads; a
/// training that was interrupted goes on where it stopped. A file with `[sweep]` and
/// `[[probes]]` is a study: a model for each point and seed, and a table of what was found.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  cratylus train experiments/trained-rule.toml\n  cratylus train experiments/trained-rule.toml --set ingredients.1.dose=0.01 --out models/rule-1"
)]
pub struct Train {
    /// The training file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Change a key of the file; may be given again.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// The model's folder, or a study's [default: models/NAME, studies/NAME]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Move aside what the folder holds and begin anew.
    #[arg(long)]
    fresh: bool,
    /// How many threads [default: one for each processor]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// How often the training is kept in the midst of it; 0 for never.
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0)]
    checkpoint: f64,
    /// Print the card as JSON.
    #[arg(long)]
    json: bool,
    /// Show no progress.
    #[arg(long)]
    quiet: bool,
}

/// Reads a file's training, and opens what it reads.
fn open(file: &Path, sets: &[String]) -> Result<(TrainingSpec, Reading), Failure> {
    let (text, base) = text_of(file)?;
    let document = Document::parse_with(&registry(), &file.display().to_string(), &text, sets).map_err(Failure::input)?;
    let spec = document.read(TrainingSpec::read).map_err(Failure::input)?;
    let opened = spec.open(&FileInputs::new(&base, &registry()));
    let reading = opened.map_err(|(key, why)| Failure::input(document.say_at(&key, why)))?;
    Ok((spec, reading))
}

/// Reads a file's corpus, whether it trains a model or several on it or none.
fn open_corpus(file: &Path, sets: &[String]) -> Result<(String, Corpus), Failure> {
    let (text, base) = text_of(file)?;
    let document = Document::parse_with(&registry(), &file.display().to_string(), &text, sets).map_err(Failure::input)?;
    let read = document.read(|file, spans| {
        StudySpec::take(file, spans, sets.is_empty())?;
        read_corpus(file, spans)
    });
    let (name, spec) = read.map_err(Failure::input)?;
    let opened = Corpus::open(spec, &FileInputs::new(&base, &registry()));
    let corpus = opened.map_err(|(key, why)| Failure::input(document.say_at(&key, why)))?;
    Ok((name, corpus))
}

impl CorpusVerb {
    pub fn go(self) -> Result<(), Failure> {
        let (name, corpus) = open_corpus(&self.file, &self.sets)?;
        if let Some(row) = self.row {
            if !(1..=corpus.spec.rows).contains(&row) {
                return Err(Failure::input(format!("the corpus has rows 1 to {}, found {row}", corpus.spec.rows)));
            }
            let of = corpus.row(row - 1);
            return print(corpus.text(of.portion, of.place).whole());
        }
        let ledger = match &self.out {
            Some(dir) => write_corpus(&corpus, dir)?,
            None => corpus.ledger(|_, _, _| ()),
        };
        if self.json {
            return print_json(&ledger);
        }
        print(format!(
            "{name}: {} rows, {} tokens, {} words told apart",
            count(ledger.rows),
            count(ledger.tokens),
            corpus.words.len()
        ))?;
        print(portions(&ledger, None))?;
        if !ledger.unread.is_empty() {
            print(format!("\n{} words stand in no row: {}", ledger.unread.len(), ledger.unread.join(" ")))?;
        }
        if self.show > 0 {
            self.show_rows(&corpus)?;
        }
        if let Some(text) = &self.overlap {
            self.say_overlap(&corpus, text)?;
        }
        if let Some(dir) = &self.out {
            print(format!("\nrows    {}\nledger  {}", dir.join("rows.parquet").display(), dir.join("ledger.json").display()))?;
        }
        Ok(())
    }

    fn show_rows(&self, corpus: &Corpus) -> Result<(), Failure> {
        let mut left = vec![self.show; corpus.spec.portions.len()];
        let mut found: Vec<(u64, CorpusRow<'_>)> = Vec::new();
        for row in 0..corpus.spec.rows {
            let made = corpus.row(row);
            if left[made.portion] > 0 {
                left[made.portion] -= 1;
                found.push((row, made));
            }
            if left.iter().all(|&left| left == 0) {
                break;
            }
        }
        found.sort_by_key(|(row, made)| (made.portion, *row));
        for (row, made) in found {
            let name = &corpus.spec.portions[made.portion].name;
            print(format!("\n{name}, row {}\n  {}\n  {}", row + 1, made.written.words.join(" "), made.written.key))?;
        }
        Ok(())
    }

    /// How many stretches of eight words of a text stand in the corpus, word for word.
    fn say_overlap(&self, corpus: &Corpus, path: &Path) -> Result<(), Failure> {
        const WORDS: usize = 8;
        let bytes = std::fs::read(path).map_err(|error| Failure::input(format!("cannot read {}: {error}", path.display())))?;
        let text = cratylus_io::text::decode(&bytes).map_err(|why| Failure::input(format!("{} {why}", path.display())))?;
        let words: Vec<&str> = text.split_whitespace().collect();
        let wanted: HashSet<&[&str]> = words.windows(WORDS).collect();
        if wanted.is_empty() {
            let why = format!("{} has {} words, and overlap is counted by stretches of {WORDS}", path.display(), words.len());
            return Err(Failure::input(why));
        }
        let mut found: HashSet<Vec<&str>> = HashSet::new();
        for row in 0..corpus.spec.rows {
            let made = corpus.row(row);
            // A row that is read byte by byte is one stretch of text.
            let words: Vec<&str> = made.written.words.iter().flat_map(|words| words.split_whitespace()).collect();
            for stretch in words.windows(WORDS) {
                if let Some(known) = wanted.get(stretch) {
                    found.insert(known.to_vec());
                }
            }
        }
        let share = 100.0 * found.len() as f64 / wanted.len() as f64;
        let of = format!("{} of {} different stretches of {WORDS} words", count(found.len() as u64), count(wanted.len() as u64));
        print(format!("\noverlap of {}: {of} stand in the corpus, {share:.1} %", path.display()))
    }
}

/// The ingredients as a table, with how well a model foretells them where there is one.
fn portions(ledger: &Ledger, card: Option<&Card>) -> String {
    let mut rows = vec![vec!["ingredient".to_string(), "rows".into(), "share".into(), "different".into(), "most copies".into()]];
    if card.is_some() {
        rows[0].extend(["loss, fresh rows".to_string(), "rows read".to_string()]);
    }
    for (i, entry) in ledger.ingredients.iter().enumerate() {
        let share = format!("{:.2} %", 100.0 * entry.rows as f64 / ledger.rows as f64);
        let mut row = vec![entry.name.clone(), count(entry.rows), share, count(entry.distinct), count(entry.most_copies)];
        if let Some(judged) = card.and_then(|card| card.judged.get(i)) {
            row.push(format!("{:.3}", judged.fresh));
            row.push(judged.read.map_or("-".into(), |loss| format!("{loss:.3}")));
        }
        rows.push(row);
    }
    let widths: Vec<usize> =
        (0..rows[0].len()).map(|i| rows.iter().map(|row| row[i].chars().count()).max().unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cell = |(i, cell): (usize, &String)| {
            if i == 0 { format!("{cell:<w$}", w = widths[i]) } else { format!("{cell:>w$}", w = widths[i]) }
        };
        row.iter().enumerate().map(cell).collect::<Vec<_>>().join("  ")
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Train a model further on other text.
///
/// MODEL is a folder that `cratylus train` wrote. FILE is a training without `[net]`: what is
/// read now, and how. The new model's card holds all that either read. MODEL may also be a chat
/// model of Llama's kind (a GGUF file or a folder): its weights stay as they are, and what is
/// added to its last blocks is trained (`[adapter]`).
#[derive(Args)]
#[command(
    after_help = "Examples:\n  cratylus tune models/trained-rule more.toml --out models/tuned\n  cratylus tune model.gguf experiments/wording.toml --out models/wording"
)]
pub struct Tune {
    /// The model's folder, or the file of a chat model.
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    #[command(flatten)]
    train: Train,
}

/// Ask models that were trained here what probes ask, beside what counts three words and a network that learnt nothing.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  cratylus probe models/trained-rule\n  cratylus probe models/trained-rule --only loss\n  cratylus list probes"
)]
pub struct ProbeVerb {
    /// Folders of models.
    #[arg(required = true, value_name = "MODEL")]
    models: Vec<PathBuf>,
    /// Ask these probes alone (`cratylus list probes`).
    #[arg(long, value_name = "PROBE", value_delimiter = ',')]
    only: Vec<String>,
    /// Print what was found as JSON.
    #[arg(long)]
    json: bool,
}

/// The training that a model's folder says it comes from, and its card.
fn origin(model: &Path) -> Result<(TrainingSpec, Card), Failure> {
    if !model.join(CARD).is_file() {
        let why = format!("{} holds no model that was trained here (there is no {CARD})", model.display());
        return Err(Failure::input(why).help("`cratylus train FILE` writes one"));
    }
    if model.join(ADAPTER).exists() {
        let why = format!("{} holds adapters of another model, whose words are not a corpus's", model.display());
        return Err(Failure::input(why).help("`cratylus audit --agent` and `kernel` question such a model"));
    }
    let card = cratylus_io::training::card(model)?;
    let plan = std::fs::read_to_string(model.join(PLAN))
        .map_err(|error| Failure::input(format!("cannot read {}: {error}", model.join(PLAN).display())))?;
    let document =
        Document::parse_with(&registry(), &model.join(PLAN).display().to_string(), &plan, &[]).map_err(Failure::input)?;
    Ok((document.read(TrainingSpec::read).map_err(Failure::input)?, card))
}

impl Tune {
    pub fn go(self) -> Result<(), Failure> {
        if self.model.join(ADAPTER).exists() {
            let why = format!("{} holds adapters of another model", self.model.display());
            return Err(Failure::input(why).help("tune that model (its place stands in adapter_config.json), with more rows"));
        }
        if !self.model.exists() {
            return Err(Failure::input(format!("there is no model {}", self.model.display())));
        }
        if self.model.is_file() || self.model.join("config.json").exists() && !self.model.join(CARD).exists() {
            return self.adapters();
        }
        let (parent, card) = origin(&self.model)?;
        let (text, base) = text_of(&self.train.file)?;
        let shown = self.train.file.display().to_string();
        let document = Document::parse_with(&registry(), &shown, &text, &self.train.sets).map_err(Failure::input)?;
        let spec = document.read(|file, spans| TrainingSpec::tuned(file, spans, parent, &card.weights_sha256));
        let spec = spec.map_err(Failure::input)?;
        let reading = spec.open(&FileInputs::new(&base, &registry()));
        let reading = reading.map_err(|(key, why)| Failure::input(document.say_at(&key, why)))?;
        let known = spec
            .first()
            .map_or(0, |first| first.open(&FileInputs::new(&base, &registry())).map_or(0, |first| first.corpus.words.len()));
        if reading.corpus.words.len() > known {
            let new = &reading.corpus.words.all()[known..];
            let some = new.iter().take(6).map(String::as_str).collect::<Vec<_>>().join(", ");
            let why = format!(
                "{} has no token for {} words of the corpus ({some}{})",
                self.model.display(),
                new.len(),
                if new.len() > 6 { ", …" } else { "" }
            );
            return Err(Failure::input(why)
                .help("a model reads the words that it was trained with; name them in an ingredient of its first training"));
        }
        let again = format!("cratylus tune {} {shown}", self.model.display());
        self.train.on(&spec, &reading, Some(&self.model), None, &again)
    }

    #[cfg(not(feature = "in-process"))]
    fn adapters(self) -> Result<(), Failure> {
        let why =
            format!("{} was not trained here, and this program was built without the means to run it", self.model.display());
        Err(Failure::input(why).help("build it with `cargo build --release --features in-process`"))
    }

    /// Trains what is added to the weights of a chat model.
    #[cfg(feature = "in-process")]
    fn adapters(self) -> Result<(), Failure> {
        let (text, base) = text_of(&self.train.file)?;
        let shown = self.train.file.display().to_string();
        let document = Document::parse_with(&registry(), &shown, &text, &self.train.sets).map_err(Failure::input)?;
        // What is wrong with the file alone is told before a model is read.
        let inputs = FileInputs::new(&base, &registry());
        let (_, corpus) = document
            .read(|file, spans| {
                let read = read_corpus(file, spans)?;
                file.clear();
                Ok(read)
            })
            .map_err(Failure::input)?;
        let corpus = Corpus::open(corpus, &inputs).map_err(|(key, why)| Failure::input(document.say_at(&key, why)))?;
        let mut chat = ChatModel::open(&self.model)?;
        let (shape, weights) = chat.trainable()?;
        let spec = document.read(|file, spans| TrainingSpec::adapting(file, spans, &shape)).map_err(Failure::input)?;
        let longest = chat.read(&corpus, &spec.recipe).map_err(|fault| Failure::input(fault.0))?;
        if !self.train.quiet {
            let rows = spec.recipe.steps * spec.recipe.rows as u64;
            eprintln!("{} rows are read, the longest of {longest} tokens", count(rows));
        }
        let sha256 = chat.sha256();
        let of = Base { file: &self.model, sha256, shape, weights, reads: &chat };
        let again = format!("cratylus tune {} {shown}", self.model.display());
        self.train.on(&spec, &Reading { corpus, before: None }, None, Some(&of), &again)
    }
}

impl ProbeVerb {
    pub fn go(self) -> Result<(), Failure> {
        let known: Vec<String> = probes::ALL.iter().map(|entry| entry.name.to_string()).collect();
        if let Some(unknown) = self.only.iter().find(|only| !known.contains(only)) {
            return Err(Failure::input(format!("there is no probe `{unknown}`")).help(&nearest(unknown, &known)));
        }
        let mut all = Vec::new();
        for model in &self.models {
            let (spec, _) = origin(model)?;
            let reading = spec.open(&FileInputs::new(model, &registry()));
            let reading = reading.map_err(|(key, why)| Failure::input(format!("{}: {key}: {why}", model.display())))?;
            let corpus = &reading.corpus;
            let shape = spec.shape(corpus.words.len());
            let of = |weights: Vec<f32>| Trained { shape, weights, words: corpus.words.clone() };
            let net = of(read_weights(model, &spec, corpus)?);
            let untrained = of(spec.begin(corpus, None, 1).weights().to_vec());
            let trigram = Trigram::of(corpus, 100_000);
            let course = course(model).unwrap_or_default();
            let mut rows: Vec<(String, [Option<f64>; 3])> = Vec::new();
            for entry in
                probes::ALL.iter().filter(|entry| self.only.is_empty() || self.only.iter().any(|only| only == entry.name))
            {
                let probe = probes::as_it_is(entry);
                let subjects = [
                    Subject { model: &net, net: Some(&net), corpus, course: &course, thought: spec.thought },
                    Subject { model: &untrained, net: Some(&untrained), corpus, course: &[], thought: spec.thought },
                    Subject { model: &trigram, net: None, corpus, course: &[], thought: spec.thought },
                ];
                for (i, subject) in subjects.iter().enumerate() {
                    match probe.ask(subject) {
                        Ok(found) => {
                            for (name, value) in found.into_iter().flatten() {
                                match rows.iter_mut().find(|(known, _)| *known == name) {
                                    Some((_, values)) => values[i] = Some(value),
                                    None => {
                                        let mut values = [None; 3];
                                        values[i] = Some(value);
                                        rows.push((name, values));
                                    }
                                }
                            }
                        }
                        // Asked for by name, it is to be told why not.
                        Err(why) if i == 0 && !self.only.is_empty() => {
                            return Err(Failure::input(format!("the probe `{}` of {}: {why}", entry.name, model.display())));
                        }
                        Err(_) => (),
                    }
                }
            }
            all.push((model.display().to_string(), rows));
        }
        if self.json {
            let rows = |rows: &Vec<(String, [Option<f64>; 3])>| -> serde_json::Value {
                let row = |(name, [model, untrained, trigram]): &(String, [Option<f64>; 3])| {
                    (name.clone(), serde_json::json!({ "model": model, "untrained": untrained, "3-gram": trigram }))
                };
                serde_json::Value::Object(rows.iter().map(row).collect())
            };
            return print_json(
                &all.iter().map(|(name, found)| (name.clone(), rows(found))).collect::<std::collections::BTreeMap<_, _>>(),
            );
        }
        for (name, rows) in &all {
            let mut lines = vec![vec![name.clone(), "model".into(), "untrained".into(), "3-gram".into()]];
            for (name, values) in rows {
                let mut line = vec![name.clone()];
                line.extend(values.map(|value| value.map_or("-".into(), |value| format!("{value:.3}"))));
                lines.push(line);
            }
            print(format!("{}\n", crate::words::table(&lines, &[1, 2, 3])).trim_end())?;
        }
        Ok(())
    }
}

impl Train {
    pub fn go(self) -> Result<(), Failure> {
        if let Some(study) = study::read(&self.file, &self.sets)? {
            return study.go(&self.sets, self.out, self.threads, self.fresh, self.json, self.quiet);
        }
        let (spec, reading) = open(&self.file, &self.sets)?;
        let again = format!("cratylus train {}", self.file.display());
        self.on(&spec, &reading, None, None, &again)
    }

    /// Trains what was opened, from the weights of a model that is there or anew.
    fn on(
        self,
        spec: &TrainingSpec,
        reading: &Reading,
        parent: Option<&Path>,
        base: Option<&Base<'_>>,
        again: &str,
    ) -> Result<(), Failure> {
        if !(self.checkpoint >= 0.0 && self.checkpoint < 1e9) {
            return Err(Failure::input("`--checkpoint` takes seconds, 0 for never"));
        }
        let dir = self.out.clone().unwrap_or_else(|| Path::new("models").join(&spec.name));
        if dir.exists() && !dir.is_dir() {
            return Err(Failure::input(format!("{} is a file; `--out` names a folder", dir.display())));
        }
        if self.fresh {
            set_aside(&dir)?;
        }
        let threads = self.threads.or(std::thread::available_parallelism().ok().map(usize::from)).unwrap_or(1);
        let checkpoint = Some(Duration::from_secs_f64(self.checkpoint)).filter(|every| !every.is_zero());
        let job = TrainingJob { threads, checkpoint, parent, base, ..TrainingJob::new(spec, reading, BUILD) };
        let stop = Arc::new(AtomicBool::new(false));
        let asked = stop.clone();
        crate::progress::on_stop(move || {
            if asked.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
        });
        let bar = if self.quiet { ProgressBar::hidden() } else { ProgressBar::new(spec.recipe.steps) };
        let style = "{bar:24} {pos}/{len} steps  {msg}  {eta} left";
        bar.set_style(ProgressStyle::with_template(style).expect("a fixed template"));
        let (begun, mut learnt, mut told) = (Instant::now(), 0, Instant::now());
        let mut seen = |step: &cratylus_neural::net::StepSeen| {
            if learnt == 0 {
                // What an earlier call did says nothing of how long this one takes.
                bar.set_position(step.step - 1);
                bar.reset_eta();
            }
            learnt += step.tokens;
            if told.elapsed() >= Duration::from_millis(200) || step.step == spec.recipe.steps {
                let speed = (learnt as f64 / begun.elapsed().as_secs_f64()) as u64;
                bar.set_message(format!("loss {:.3}  {} tokens/s", step.loss, count(speed)));
                bar.set_position(step.step);
                told = Instant::now();
            }
        };
        let mut note = |words: String| bar.suspend(|| eprintln!("note: {words}"));
        let ended = job.train(&dir, &stop, &mut seen, &mut note);
        bar.finish_and_clear();
        let sets: String = self.sets.iter().map(|set| format!(" --set '{set}'")).collect();
        let again = format!("{again}{sets} --out {}", dir.display());
        let (card, before) = ended.map_err(|refused| in_the_way(refused, &dir, "training", &again))?;
        if self.json {
            return print_json(&card);
        }
        if !self.quiet {
            match before {
                true => eprintln!("{} holds this model already; `--fresh` trains it again", dir.display()),
                false => eprintln!("finished in {:.1} s", begun.elapsed().as_secs_f64()),
            }
        }
        print(portions(&card.ledger, Some(&card)))?;
        print(format!("\n{}", truth(&card)))?;
        let protocol = if base.is_some() { "" } else { ", protocol = \"tokens\"" };
        print(format!(
            "\nmodel  {}\ncard   {}\nagents = {{ kind = \"llm\", file = \"{}\"{protocol} }}",
            dir.display(),
            dir.join(cratylus_io::training::CARD).display(),
            dir.display()
        ))
    }
}

/// What a model could know of the game, in words.
fn truth(card: &Card) -> String {
    let truth = &card.truth;
    let parts = [
        truth.rule.as_ref().map(|rule| format!("records of players who follow the rule {rule}")),
        truth.described.as_ref().map(|rule| format!("the rule {rule} in words")),
        truth.outcome.as_ref().map(|name| format!("records in which {name} always wins")),
        truth.text.then(|| "rows that stand in it again and again".to_string()),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let before = match &card.parent {
        Some(parent) if parent.ledger.is_none() => format!(" What {} read before is not known.", parent.name),
        _ => String::new(),
    };
    match parts.is_empty() {
        true => format!("Its corpus held nothing of the game.{before}"),
        false => format!("Its corpus held {}.{before}", parts.join("; ")),
    }
}
