//! The leakage benchmark: models trained on known text, populations of them, audits, and how these did against the cards. Each
//! model is a file of its own, so an interrupted benchmark goes on where it stopped.

mod questions;
mod spec;
mod wording;

pub use spec::BenchmarkSpec;

use crate::conduct::hold;
use crate::conduct::job::Refused;
use crate::each::each;
use crate::store::manifest::Build;
use crate::training::{TrainingJob, of_this_plan, read_weights};
use crate::whole::write_whole;
use cratylus_audit::benchmark::{Held, ModelRow, NOTHING, PlaySpec, behaviour};
use cratylus_core::fault::{Fault, at};
use cratylus_core::kernel::Kernel;
use cratylus_core::spec::Inputs;
use cratylus_neural::corpus::Truth;
use cratylus_neural::corpus::lexicon::{EXPOSED, Signs};
use cratylus_neural::response::Trained;
use spec::Cell;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

const PLAN: &str = "plan.toml";

/// A benchmark, ready to go.
pub struct BenchmarkJob<'a> {
    /// What is done.
    pub spec: &'a BenchmarkSpec,
    /// The files that ingredients name.
    pub inputs: &'a (dyn Fn() -> Box<dyn Inputs> + Sync),
    /// Who does it.
    pub build: Build,
    /// How many models at a time.
    pub threads: usize,
    /// Which part of the models is made here, from 1, and of how many; None for all. Parts are told apart by the seed, so that
    /// twins are in one part.
    pub shard: Option<[usize; 2]>,
}

impl BenchmarkJob<'_> {
    /// How many models are made here.
    pub fn size(&self) -> u64 {
        self.spec.cells().iter().filter(|cell| self.here(cell)).count() as u64
    }

    fn here(&self, cell: &Cell) -> bool {
        self.shard.is_none_or(|[i, k]| cell.seed as usize % k == i % k)
    }

    /// Does all models of this part that a folder does not hold yet, and gives the rows of this part in their order. `done` is
    /// called as each is there, with its name and whether it had been.
    pub fn go(&self, dir: &Path, stop: &AtomicBool, done: &(dyn Fn(&str, bool) + Sync)) -> Result<Vec<ModelRow>, Refused> {
        for folder in [dir.to_path_buf(), dir.join("models"), dir.join("rows")] {
            fs::create_dir_all(&folder).map_err(at("making", &folder))?;
        }
        let _lock = hold(dir)?;
        // Rows of two programs would be two benchmarks.
        let mut plan = self.spec.plan();
        plan.insert("program".into(), format!("{} {}", self.build.version, self.build.revision).into());
        let plan = toml::to_string(&plan).expect("a plan is plain values");
        of_this_plan(&dir.join(PLAN), &plan)?;
        let (bases, others): (Vec<Cell>, Vec<Cell>) = {
            let here = self.spec.cells().into_iter().filter(|cell| self.here(cell));
            here.partition(|cell| cell.corpus.is_none())
        };
        let mut rows = Vec::new();
        for cells in [bases, others] {
            // A model that was asked to stop is none of the rows, and the others stop by themselves.
            let found = each(self.threads, cells.into_iter().rev().collect(), |cell: Cell| self.one(dir, &cell, stop, done));
            for row in found.into_iter().rev() {
                rows.push(row?);
            }
        }
        Ok(rows)
    }

    /// One model: trained, played, audited.
    fn one(&self, dir: &Path, cell: &Cell, stop: &AtomicBool, done: &(dyn Fn(&str, bool) + Sync)) -> Result<ModelRow, Refused> {
        let label = cell.label();
        let file = dir.join("rows").join(format!("{label}.json"));
        if let Ok(bytes) = fs::read(&file)
            && let Ok(row) = serde_json::from_slice(&bytes)
        {
            done(&label, true);
            return Ok(row);
        }
        if stop.load(Ordering::Relaxed) {
            return Err(Refused::Interrupted);
        }
        let fault = |why: String| Fault(format!("the model {label}: {why}"));
        let spec = self.spec.training(cell).map_err(fault)?;
        let reading = spec.open(&*(self.inputs)()).map_err(|(_, why)| fault(why))?;
        let job = TrainingJob::new(&spec, &reading, self.build);
        let corpus = &reading.corpus;
        let models = dir.join("models");
        let (card, _) = job.train(&models.join(&label), stop, &mut |_| (), &mut |_| ())?;
        let weights = read_weights(&models.join(&label), &spec, corpus)?;
        let shape = spec.shape(corpus.words.len());
        let model = Trained { shape, weights, words: corpus.words.clone() };
        let twin = Cell { corpus: None, name: NOTHING.into(), dose: 0.0, ..cell.clone() };
        let twin = read_weights(&models.join(twin.label()), &spec, corpus)?;
        let twin = Trained { shape, weights: twin, words: corpus.words.clone() };
        let PlaySpec { memory, pairs, .. } = self.spec.play;
        let responses: Vec<[Kernel; 2]> =
            (0..pairs).map(|pair| model.responses([EXPOSED[2 * pair], EXPOSED[2 * pair + 1]], memory, Signs::Standard)).collect();
        let plain = Kernel::mean(&responses[0]);
        let hidden = Kernel::mean(&responses.concat()).symmetric();
        let games = wording::Games::open(spec.corpus.context).map_err(fault)?;
        let row = ModelRow {
            corpus: cell.name.clone(),
            dose: cell.dose,
            copies: cell.copies,
            seed: cell.seed,
            truth: held(&card.truth),
            behaviour: behaviour(&self.spec.play, &plain, &hidden, spec.corpus.seed),
            questioned: questions::questioned(&model, memory, &responses[0], &hidden, &games),
            wording: wording::wording(corpus, &model, &twin, &games),
        };
        write_whole(&file, &serde_json::to_vec_pretty(&row).expect("plain data"))?;
        done(&label, false);
        Ok(row)
    }
}

/// What a card says that an audit can be about.
fn held(truth: &Truth) -> Held {
    let whole = truth.names && truth.signs && !truth.text;
    let rule = match (truth.rule.as_deref(), &truth.described) {
        (Some("win-stay"), None) if whole => Some(true),
        (None, None) => Some(false),
        _ => None,
    };
    Held { rule, outcome: truth.outcome.is_some(), text: truth.text }
}
