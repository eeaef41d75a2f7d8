//! Models that are trained here, as folders: a training that goes on after any interruption to the same bytes, and a corpus as
//! a table.

use crate::conduct::hold;
use crate::conduct::job::Refused;
use crate::store::manifest::Build;
use crate::store::plan::differences;
use crate::store::table::{self, Column, Table, Values};
use crate::whole::{write_whole, write_whole_by};
use cratylus_core::fault::{Fault, at};
use cratylus_core::kept::{self, Keeper};
use cratylus_neural::corpus::{Corpus, Ledger};
use cratylus_neural::net::{Job, StepSeen, Trainer};
use cratylus_neural::training::{CARD_FORMAT, Card, TrainingSpec, config, judge, lanes, safetensors, weights_sha256};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub use crate::models::trained::CARD;

/// The steps of a training.
pub const TRAINING: &str = "training.parquet";
const PLAN: &str = "training.toml";
const CHECKPOINT: &str = "checkpoint";

/// Rows of each ingredient by which a model is judged.
const JUDGED: u64 = 100;

/// A training, ready to go.
pub struct TrainingJob<'a> {
    /// What is trained.
    pub spec: &'a TrainingSpec,
    /// What is read.
    pub corpus: &'a Corpus,
    /// Who trains it.
    pub build: Build,
    /// How many threads.
    pub threads: usize,
    /// How often the training is kept in the midst of it; None for never.
    pub checkpoint: Option<Duration>,
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

impl TrainingJob<'_> {
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
        let ledger = self.corpus.ledger(|_, _, _| ());
        if !ledger.unread.is_empty() {
            let n = ledger.unread.len();
            let some = ledger.unread.iter().take(8).map(String::as_str).collect::<Vec<_>>().join(", ");
            let more = if n > 8 { ", …" } else { "" };
            note(format!(
                "{n} of the words that the model tells apart stand in no row of the corpus ({some}{more}); what it does with them was never learnt"
            ));
        }
        let mut trainer = self.spec.begin(self.corpus, self.threads);
        let mut steps: Vec<StepSeen> = Vec::new();
        let kept = dir.join(CHECKPOINT);
        if let Ok(bytes) = fs::read(&kept) {
            match self.restore(&mut trainer, &bytes) {
                Ok(before) => {
                    note(format!("the training goes on from step {}", trainer.step()));
                    steps = before;
                }
                Err(why) => {
                    note(format!("the training begins again, as what was kept of it cannot be used: {why}"));
                    trainer = self.spec.begin(self.corpus, self.threads);
                }
            }
        }
        let mut last = Instant::now();
        while trainer.step() < self.spec.recipe.steps {
            let lanes = lanes(self.corpus, &trainer);
            let step = trainer.learn(&lanes, &spread);
            if !step.loss.is_finite() || !step.norm.is_finite() {
                let why =
                    format!("the loss is no number any more at step {}; give a lower `train.rate`, or more `warm_up`", step.step);
                return Err(Fault(why).into());
            }
            seen(&step);
            steps.push(step);
            let stopped = stop.load(Ordering::Relaxed);
            if self.checkpoint.is_some_and(|every| stopped || last.elapsed() >= every) {
                if let Err(why) = self.keep(&trainer, &steps, &kept) {
                    note(format!("the training is not kept in the midst of it: {why}"));
                }
                last = Instant::now();
            }
            if stopped {
                return Err(Refused::Interrupted);
            }
        }
        let card = self.finish(dir, trainer, ledger, &steps)?;
        let _ = fs::remove_file(&kept);
        Ok((card, false))
    }

    /// Writes the model, its card last.
    fn finish(&self, dir: &Path, mut trainer: Trainer, ledger: Ledger, steps: &[StepSeen]) -> Result<Card, Fault> {
        let json =
            |name: &str, value: &Value| write_whole(&dir.join(name), &serde_json::to_vec_pretty(value).expect("plain data"));
        json("config.json", &config(&trainer.shape))?;
        json("tokenizer.json", &self.corpus.words.tokenizer())?;
        json("tokenizer_config.json", &self.corpus.words.tokenizer_config())?;
        write_whole(&dir.join("model.safetensors"), &safetensors(&trainer.shape, trainer.weights()))?;
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
        let card = Card {
            format: CARD_FORMAT,
            name: self.spec.name.clone(),
            version: self.build.version.into(),
            plan: serde_json::to_value(self.spec.plan()).expect("plain values"),
            truth: ledger.truth(),
            ledger,
            weights: trainer.weights().len(),
            weights_sha256: weights_sha256(trainer.weights()),
            steps: trainer.step(),
            tokens: steps.iter().map(|step| step.tokens).sum(),
            judged: judge(self.corpus, &mut trainer, JUDGED),
        };
        write_whole(&dir.join(CARD), &serde_json::to_vec_pretty(&card).expect("plain data"))?;
        Ok(card)
    }

    fn keep(&self, trainer: &Trainer, steps: &[StepSeen], path: &Path) -> Result<(), Fault> {
        write_whole_by(path, |file| {
            let mut out = Keeper::new(file);
            kept::keep(&self.program(), &mut out);
            kept::keep(steps, &mut out);
            trainer.keep(&mut out);
            out.end().map_err(at("writing", path))
        })
    }

    fn restore(&self, trainer: &mut Trainer, mut bytes: &[u8]) -> Result<Vec<StepSeen>, Fault> {
        let from = &mut bytes;
        let by: String = kept::take(from)?;
        if by != self.program() {
            return Err(Fault(format!("version {by} of the program wrote it")));
        }
        let steps: Vec<StepSeen> = kept::take(from)?;
        trainer.restore(from)?;
        match steps.len() as u64 == trainer.step() {
            true => Ok(steps),
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
        rows.text.push(made.written.words.join(" "));
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
