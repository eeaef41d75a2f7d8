//! Models that are trained here, as folders: a training that goes on after any interruption to the same bytes, and a corpus as
//! a table.

use crate::conduct::hold;
use crate::conduct::job::Refused;
use crate::store::manifest::Build;
use crate::store::plan::differences;
use crate::store::table::{self, Column, Table, Values};
use crate::whole::{write_whole, write_whole_by};
use cratylus_core::Seed;
use cratylus_core::fault::{Fault, at};
use cratylus_core::kept::{self, Keeper};
use cratylus_neural::corpus::{Corpus, Ledger, RowText};
use cratylus_neural::lessons::{Lessons, Taught};
use cratylus_neural::net::{Job, NetShape, StepSeen, Trainer};
use cratylus_neural::probes::Evaluated;
use cratylus_neural::response::Trained;
use cratylus_neural::training::{
    CARD_FORMAT, Card, OwnWords, Parent, Reading, ReadsRows, Thinking, TrainingSpec, adapter_files, config, evaluate, judge,
    lanes, safetensors, weights_of, weights_sha256,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub use crate::models::trained::{ADAPTER, CARD};

const ADAPTER_WEIGHTS: &str = "adapter_model.safetensors";

/// The steps of a training.
pub const TRAINING: &str = "training.parquet";
/// All that decides a training.
pub const PLAN: &str = "training.toml";
const CHECKPOINT: &str = "checkpoint";
/// How well a model foretold each ingredient at some steps, and what it wrote.
pub const COURSE: &str = "course.json";
/// What others can see of a training while it goes on.
pub const PROGRESS: &str = "progress.json";
/// The folder of a model that goes before.
const BEFORE: &str = "before";

/// A training, ready to go.
pub struct TrainingJob<'a> {
    /// What is trained.
    pub spec: &'a TrainingSpec,
    /// What is read, and was read before.
    pub reading: &'a Reading,
    /// Who trains it.
    pub build: Build,
    /// How many threads.
    pub threads: usize,
    /// How often the training is kept in the midst of it; None for never.
    pub checkpoint: Option<Duration>,
    /// Where models that go before others are kept, for several that have one in common; None for the model's own folder.
    pub shared: Option<&'a Path>,
    /// The folder of the model whose weights it begins with, where that is there already.
    pub parent: Option<&'a Path>,
    /// The model whose adapters are trained, where it was not trained here.
    pub base: Option<&'a Base<'a>>,
}

/// A model that was not trained here, whose adapters are.
pub struct Base<'a> {
    /// Its file.
    pub file: &'a Path,
    /// Of that, in hex.
    pub sha256: String,
    /// Its network.
    pub shape: NetShape,
    /// Its weights, in the order of [`NetShape::tensors`].
    pub weights: Vec<f32>,
    /// How it reads rows.
    pub reads: &'a dyn ReadsRows,
}

/// How a training went so far.
#[derive(Default, Serialize, Deserialize)]
struct Course {
    steps: Vec<StepSeen>,
    evaluated: Vec<Evaluated>,
    /// Rounds of lessons that are over.
    taught: Vec<Taught>,
}

/// How models are called that go before others: by what decided them.
pub(crate) fn first_name(first: &TrainingSpec) -> String {
    let mut plan = first.plan();
    plan.remove("name");
    let digest = Sha256::digest(toml::to_string(&plan).expect("a plan is plain values").as_bytes());
    format!("before-{}", digest[..6].iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// The weights of a model that was trained here.
pub fn read_weights(dir: &Path, spec: &TrainingSpec, corpus: &Corpus) -> Result<Vec<f32>, Fault> {
    let file = dir.join("model.safetensors");
    let bytes = fs::read(&file).map_err(at("reading", &file))?;
    weights_of(&spec.shape(corpus.words.len()), &bytes).map_err(at("reading", &file))
}

/// How a training went at some steps, of a model that is there.
pub fn course(dir: &Path) -> Result<Vec<Evaluated>, Fault> {
    let file = dir.join(COURSE);
    let bytes = fs::read(&file).map_err(at("reading", &file))?;
    serde_json::from_slice(&bytes).map_err(at("reading", &file))
}

/// What others can see of a training while it goes on.
struct Progress<'a> {
    file: PathBuf,
    steps: u64,
    corpus: &'a Corpus,
    begun: Instant,
    told: Instant,
    /// The step that this call began with.
    from: Option<u64>,
}

impl<'a> Progress<'a> {
    fn new(dir: &Path, steps: u64, corpus: &'a Corpus) -> Progress<'a> {
        let now = Instant::now();
        Progress { file: dir.join(PROGRESS), steps, corpus, begun: now, told: now, from: None }
    }

    /// Writes it down every second or so. Nothing rests on it, so nothing is said where it cannot be written.
    fn tell(&mut self, Course { steps, evaluated, .. }: &Course) {
        let from = *self.from.get_or_insert(steps.len() as u64 - 1);
        if self.told.elapsed() < Duration::from_secs(1) {
            return;
        }
        self.told = Instant::now();
        let learnt: u64 = steps[from as usize..].iter().map(|step| step.tokens).sum();
        let done = steps.len() as u64 - from;
        let seconds = self.begun.elapsed().as_secs_f64();
        let told = Told {
            step: steps.len() as u64,
            steps: self.steps,
            tokens: steps.iter().map(|step| step.tokens).sum(),
            tokens_per_second: learnt as f64 / seconds,
            seconds_left: (self.steps - steps.len() as u64) as f64 * seconds / done as f64,
            losses: thinned(steps),
            ingredients: self.corpus.spec.portions.iter().map(|portion| portion.name.clone()).collect(),
            evaluated: evaluated.clone(),
        };
        let _ = write_whole(&self.file, &serde_json::to_vec(&told).expect("plain data"));
    }

    fn end(self) {
        let _ = fs::remove_file(self.file);
    }
}

/// What is told of a training while it goes on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Told {
    /// Steps taken, and all.
    pub step: u64,
    /// As `step`.
    pub steps: u64,
    /// Words learnt.
    pub tokens: u64,
    /// How many a second, in this call.
    pub tokens_per_second: f64,
    /// How long it will take, at that pace.
    pub seconds_left: f64,
    /// Steps, at most some hundreds, with the loss before each.
    pub losses: Vec<(u64, f64)>,
    /// What the ingredients are called.
    pub ingredients: Vec<String>,
    /// At some steps, the loss of fresh rows and what it wrote.
    pub evaluated: Vec<Evaluated>,
}

/// At most some hundreds of steps, each the mean of those that it stands for, closer together at the beginning.
fn thinned(steps: &[StepSeen]) -> Vec<(u64, f64)> {
    thinned_of(&steps.iter().map(|step| (step.step, step.loss)).collect::<Vec<_>>())
}

/// The same of steps and their losses.
pub fn thinned_of(steps: &[(u64, f64)]) -> Vec<(u64, f64)> {
    let mut all = Vec::new();
    let mut from = 0;
    while from < steps.len() {
        let to = (from + 1 + from / 50).min(steps.len());
        let mean = steps[from..to].iter().map(|(_, loss)| loss).sum::<f64>() / (to - from) as f64;
        all.push((steps[to - 1].0, mean));
        from = to;
    }
    all
}

/// Writes a plan into a folder that has none, and refuses one that has another.
pub(crate) fn of_this_plan(file: &Path, plan: &str) -> Result<(), Refused> {
    match fs::read_to_string(file) {
        Ok(before) if before != plan => Err(Refused::Changed(differences(&before, plan))),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(write_whole(file, plan.as_bytes())?),
        Err(error) => Err(at("reading", file)(error).into()),
    }
}

/// Does jobs, each on a thread.
fn spread(jobs: Vec<Job<'_>>) {
    let mut jobs = jobs.into_iter();
    let own = jobs.next();
    std::thread::scope(|scope| {
        jobs.for_each(|job| drop(scope.spawn(job)));
        own.into_iter().for_each(|job| job());
    });
}

impl<'a> TrainingJob<'a> {
    /// On one thread, never kept in the midst of it, of a model that begins anew or with what its file names.
    pub fn new(spec: &'a TrainingSpec, reading: &'a Reading, build: Build) -> TrainingJob<'a> {
        TrainingJob { spec, reading, build, threads: 1, checkpoint: None, shared: None, parent: None, base: None }
    }

    fn reads(&self) -> Box<dyn ReadsRows + '_> {
        match (self.base, self.spec.thought) {
            (Some(base), _) => Box::new(base.reads),
            (None, Some(thought)) => Box::new(Thinking { thought, steps: self.spec.recipe.steps }),
            (None, None) => Box::new(OwnWords),
        }
    }

    fn begin(&self, before: Option<&[f32]>) -> Trainer {
        let corpus = &self.reading.corpus;
        match (self.base, self.spec.adapter) {
            (Some(base), Some(by)) => {
                let shape = NetShape { context: corpus.spec.context, ..base.shape };
                let seed = Seed::of_run(corpus.spec.seed, "adapters", 0);
                Trainer::adapting(shape, self.spec.recipe.clone(), base.weights.clone(), by, seed, self.threads)
            }
            _ => self.spec.begin(corpus, before, self.threads),
        }
    }

    /// Trains into a folder, or goes on there; gives the card, and whether the model had been there before. `seen` is called
    /// with every step, those of an earlier call left out, and `note` with what a user should know.
    pub fn train(
        &self,
        dir: &Path,
        stop: &AtomicBool,
        seen: &mut dyn FnMut(&StepSeen),
        note: &mut dyn FnMut(String),
    ) -> Result<(Card, bool), Refused> {
        fs::create_dir_all(dir).map_err(at("making", dir))?;
        let _lock = hold(dir)?;
        let plan = toml::to_string(&self.spec.plan()).expect("a plan is plain values");
        of_this_plan(&dir.join(PLAN), &plan)?;
        if dir.join(CARD).exists() {
            return Ok((card(dir)?, true));
        }
        let corpus = &self.reading.corpus;
        let before = self.before(dir, stop, note)?;
        let ledger = corpus.ledger(|_, _, _| ());
        if !ledger.unread.is_empty() && self.base.is_none() {
            let n = ledger.unread.len();
            let some = ledger.unread.iter().take(8).map(String::as_str).collect::<Vec<_>>().join(", ");
            let more = if n > 8 { ", …" } else { "" };
            note(format!(
                "{n} of the words that the model tells apart stand in no row of the corpus ({some}{more}); what it does with them was never learnt"
            ));
        }
        let weights = before.as_ref().map(|(_, weights)| &weights[..]);
        let mut trainer = self.begin(weights);
        let mut seen_so_far = Course::default();
        let kept = dir.join(CHECKPOINT);
        if let Ok(bytes) = fs::read(&kept) {
            match self.restore(&mut trainer, &bytes) {
                Ok(before) => {
                    note(format!("the training goes on from step {}", trainer.step()));
                    seen_so_far = before;
                }
                Err(why) => {
                    note(format!("the training begins again, as what was kept of it cannot be used: {why}"));
                    trainer = self.begin(weights);
                }
            }
        }
        let reads = &*self.reads();
        let mut last = Instant::now();
        let mut progress = Progress::new(dir, self.spec.recipe.steps, corpus);
        if seen_so_far.evaluated.is_empty() {
            seen_so_far.evaluated.push(evaluate(corpus, reads, &mut trainer, None));
        }
        while seen_so_far.taught.is_empty() && trainer.step() < self.spec.recipe.steps {
            let lanes = lanes(corpus, reads, &trainer);
            // What was learnt of other rows says nothing of how to step with these.
            let stage = |step| self.spec.thought.map(|thought| thought.stage(step, self.spec.recipe.steps));
            if trainer.step() > 0 && stage(trainer.step()) != stage(trainer.step() - 1) {
                trainer.forget();
            }
            let evaluates = reads.evaluates(trainer.step() + 1, self.spec.recipe.steps);
            let (step, rank) = match evaluates && self.base.is_none() {
                true => trainer.learn_watched(&lanes, &spread),
                false => (trainer.learn(&lanes, &spread), 0.0),
            };
            if !step.loss.is_finite() || !step.norm.is_finite() {
                let why =
                    format!("the loss is no number any more at step {}; give a lower `train.rate`, or more `warm_up`", step.step);
                return Err(Fault(why).into());
            }
            seen(&step);
            seen_so_far.steps.push(step);
            if evaluates {
                let rank = Some(rank).filter(|rank| *rank > 0.0);
                seen_so_far.evaluated.push(evaluate(corpus, reads, &mut trainer, rank));
            }
            progress.tell(&seen_so_far);
            let stopped = stop.load(Ordering::Relaxed);
            if self.checkpoint.is_some_and(|every| stopped || last.elapsed() >= every) {
                if let Err(why) = self.keep(&trainer, &seen_so_far, &kept) {
                    note(format!("the training is not kept in the midst of it: {why}"));
                }
                last = Instant::now();
            }
            if stopped {
                return Err(Refused::Interrupted);
            }
        }
        if let Some(lessons) = &self.spec.lessons {
            self.teach(lessons, &mut trainer, &mut seen_so_far, &kept, stop, note)?;
        }
        let parent = before.map(|(parent, _)| parent);
        let card = self.finish(dir, trainer, ledger, parent, &seen_so_far)?;
        let _ = fs::remove_file(&kept);
        progress.end();
        Ok((card, false))
    }

    /// Teaches what a training's lessons say, after it. It is kept between rounds: one that is broken off is taught again.
    fn teach(
        &self,
        lessons: &Lessons,
        trainer: &mut Trainer,
        course: &mut Course,
        kept: &Path,
        stop: &AtomicBool,
        note: &mut dyn FnMut(String),
    ) -> Result<(), Refused> {
        let corpus = &self.reading.corpus;
        while (course.taught.len() as u64) < lessons.rounds {
            if self.checkpoint.is_some() {
                self.keep(trainer, course, kept)?;
            }
            let student = Trained { shape: trainer.shape, weights: trainer.weights().to_vec(), words: corpus.words.clone() };
            let (right, rows) = lessons.round(corpus, &self.spec.recipe, &student, course.taught.len() as u64).map_err(Fault)?;
            course.evaluated.last_mut().expect("it was evaluated at the end").exam = Some(right);
            trainer.recipe = lessons.recipe(&self.spec.recipe);
            let mut words = 0;
            for rows in rows.chunks(self.spec.recipe.rows) {
                if stop.load(Ordering::Relaxed) {
                    return Err(Refused::Interrupted);
                }
                let step = trainer.learn(&trainer.lanes(rows.iter().map(Vec::as_slice)), &spread);
                words += step.tokens;
                course.steps.push(step);
            }
            course.taught.push(Taught { right, words, step: trainer.step() });
            course.evaluated.push(evaluate(corpus, &*self.reads(), trainer, None));
            let n = course.taught.len();
            note(format!("round {n} of lessons: {:.1} % of the exam was right before it", 100.0 * right));
        }
        Ok(())
    }

    /// The model that goes before, trained where it is not there yet, with its weights.
    pub(crate) fn before(
        &self,
        dir: &Path,
        stop: &AtomicBool,
        note: &mut dyn FnMut(String),
    ) -> Result<Option<(Parent, Vec<f32>)>, Refused> {
        if let Some(base) = self.base {
            let name = base.file.file_name().unwrap_or(base.file.as_os_str()).to_string_lossy().into_owned();
            return Ok(Some((Parent { name, weights_sha256: base.sha256.clone(), ledger: None }, Vec::new())));
        }
        let (Some(mut first), Some(reading)) = (self.spec.first(), &self.reading.before) else { return Ok(None) };
        if let Some(parent) = self.parent {
            let card = card(parent)?;
            let weights = read_weights(parent, &first, &reading.corpus)?;
            if weights_sha256(&weights) != card.weights_sha256 {
                return Err(Fault(format!("the weights of {} are not those of its card", parent.display())).into());
            }
            return Ok(Some((
                Parent { name: card.name, weights_sha256: card.weights_sha256, ledger: Some(card.ledger) },
                weights,
            )));
        }
        // What several have in common is called after what decided it.
        if self.shared.is_some() {
            first.name = first_name(&first);
        }
        let job = TrainingJob { spec: &first, reading, shared: None, ..*self };
        let folder = match self.shared {
            Some(shared) => shared.join(first_name(&first)),
            None => dir.join(BEFORE),
        };
        let (card, _) = job.train(&folder, stop, &mut |_| (), note)?;
        let weights = read_weights(&folder, &first, &reading.corpus)?;
        Ok(Some((Parent { name: card.name, weights_sha256: card.weights_sha256, ledger: Some(card.ledger) }, weights)))
    }

    /// Writes the model, its card last.
    fn finish(
        &self,
        dir: &Path,
        mut trainer: Trainer,
        ledger: Ledger,
        parent: Option<Parent>,
        Course { steps, evaluated, taught }: &Course,
    ) -> Result<Card, Fault> {
        let corpus = &self.reading.corpus;
        let json =
            |name: &str, value: &Value| write_whole(&dir.join(name), &serde_json::to_vec_pretty(value).expect("plain data"));
        match (trainer.adapters(), self.base) {
            (Some(adapters), Some(base)) => {
                let file = fs::canonicalize(base.file).map_err(at("looking for", base.file))?;
                let (about, weights) = adapter_files(adapters, &file.to_string_lossy());
                json(ADAPTER, &about)?;
                write_whole(&dir.join(ADAPTER_WEIGHTS), &weights)?;
            }
            _ => {
                json("config.json", &config(&trainer.shape))?;
                json("tokenizer.json", &corpus.words.tokenizer())?;
                json("tokenizer_config.json", &corpus.words.tokenizer_config())?;
                write_whole(&dir.join("model.safetensors"), &safetensors(&trainer.shape, trainer.weights()))?;
            }
        }
        let floats = |of: fn(&StepSeen) -> f64| Values::Float(steps.iter().map(|step| Some(of(step))).collect());
        let table = Table {
            columns: vec![
                Column::ints("step", steps.iter().map(|step| step.step as i64)),
                Column::ints("tokens", steps.iter().map(|step| step.tokens as i64)),
                Column::new("loss", floats(|step| step.loss)),
                Column::new("norm", floats(|step| step.norm)),
                Column::new("rate", floats(|step| step.rate)),
            ],
        };
        table::write(&dir.join(TRAINING), &table)?;
        write_whole(&dir.join(COURSE), &serde_json::to_vec_pretty(evaluated).expect("plain data"))?;
        // The card judges the model as it is written down.
        trainer.join();
        let learnt = trainer.adapters().map_or(trainer.weights(), |adapters| &adapters.weights);
        let card = Card {
            format: CARD_FORMAT,
            name: self.spec.name.clone(),
            version: self.build.version.into(),
            plan: serde_json::to_value(self.spec.plan()).expect("plain values"),
            truth: (parent.iter().flat_map(|parent| &parent.ledger)).fold(ledger.truth(), |truth, read| truth.with(read.truth())),
            ledger,
            parent,
            weights: learnt.len(),
            weights_sha256: weights_sha256(learnt),
            steps: trainer.step(),
            lessons: taught.clone(),
            tokens: steps.iter().map(|step| step.tokens).sum(),
            judged: judge(corpus, &*self.reads(), &mut trainer),
        };
        write_whole(&dir.join(CARD), &serde_json::to_vec_pretty(&card).expect("plain data"))?;
        Ok(card)
    }

    fn keep(&self, trainer: &Trainer, course: &Course, path: &Path) -> Result<(), Fault> {
        write_whole_by(path, |file| {
            let mut out = Keeper::new(file);
            kept::keep(&self.program(), &mut out);
            kept::keep(course, &mut out);
            trainer.keep(&mut out);
            out.end().map_err(at("writing", path))
        })
    }

    fn restore(&self, trainer: &mut Trainer, mut bytes: &[u8]) -> Result<Course, Fault> {
        let from = &mut bytes;
        let by: String = kept::take(from)?;
        if by != self.program() {
            return Err(Fault(format!("version {by} of the program wrote it")));
        }
        let course: Course = kept::take(from)?;
        trainer.restore(from)?;
        match course.steps.len() as u64 == trainer.step() {
            true => Ok(course),
            false => Err(Fault("its steps are not those of its weights".into())),
        }
    }

    fn program(&self) -> String {
        format!("{} {}", self.build.version, self.build.revision)
    }
}

/// The card of a model that was trained here.
pub fn card(dir: &Path) -> Result<Card, Fault> {
    let file = dir.join(CARD);
    let text = fs::read_to_string(&file).map_err(at("reading", &file))?;
    let card: Card = serde_json::from_str(&text).map_err(at("reading", &file))?;
    match card.format == CARD_FORMAT {
        true => Ok(card),
        false => Err(Fault(format!(
            "{}: its layout is version {}, and this program reads version {CARD_FORMAT}",
            file.display(),
            card.format
        ))),
    }
}

/// Writes a corpus as a table and its ledger.
pub fn write_corpus(corpus: &Corpus, dir: &Path) -> Result<Ledger, Fault> {
    fs::create_dir_all(dir).map_err(at("making", dir))?;
    // Rows are many and short: some at a time.
    const ROWS: usize = 1 << 16;
    #[derive(Default)]
    struct Rows {
        row: Vec<i64>,
        ingredient: Vec<String>,
        place: Vec<i64>,
        text: Vec<String>,
        key: Vec<String>,
    }
    let as_table = |rows: &Rows| {
        let texts = |list: &[String]| list.iter().map(|text| Some(text.as_str().into())).collect();
        Table {
            columns: vec![
                Column::ints("row", rows.row.iter().copied()),
                Column::new("ingredient", Values::Text(texts(&rows.ingredient))),
                Column::ints("place", rows.place.iter().copied()),
                Column::new("text", Values::Text(texts(&rows.text))),
                Column::new("key", Values::Text(texts(&rows.key))),
            ],
        }
    };
    let file = dir.join("rows.parquet");
    let mut writer = table::TableWriter::create(&file, &as_table(&Rows::default()))?;
    let (mut rows, mut failed) = (Rows::default(), None);
    let ledger = corpus.ledger(|row, made, _| {
        rows.row.push(row as i64 + 1);
        rows.ingredient.push(corpus.spec.portions[made.portion].name.clone());
        rows.place.push(made.place as i64);
        rows.text.push(match corpus.text(made.portion, made.place) {
            RowText::Plain(_) => made.written.words.join(" "),
            said => said.whole(),
        });
        rows.key.push(made.written.key.to_string());
        if rows.row.len() == ROWS && failed.is_none() {
            failed = writer.write(&as_table(&rows)).err();
            rows = Rows::default();
        }
    });
    if let Some(fault) = failed {
        return Err(fault);
    }
    writer.write(&as_table(&rows))?;
    writer.finish()?;
    write_whole(&dir.join("ledger.json"), &serde_json::to_vec_pretty(&ledger).expect("plain data"))?;
    Ok(ledger)
}
