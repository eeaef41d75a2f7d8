//! A study: the models of all points, what the probes find in each, and in rivals beside them. Each model is a folder and each
//! result a file, so a study that was interrupted goes on where it stopped.

use crate::conduct::hold;
use crate::conduct::job::Refused;
use crate::each::each;
use crate::store::manifest::Build;
use crate::training::{TrainingJob, course, first_name, of_this_plan, read_weights};
use crate::whole::write_whole;
use cratylus_core::fault::{Fault, at};
use cratylus_core::spec::Inputs;
use cratylus_core::stats::mean_sd;
use cratylus_neural::foretells::Trigram;
use cratylus_neural::probes::{Evaluated, Subject};
use cratylus_neural::response::Trained;
use cratylus_neural::study::{StudyModel, StudyPoint, StudySpec};
use cratylus_neural::training::{Reading, TrainingSpec};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// One model of a study, with what rivals come to on the same corpus.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct StudyRow {
    /// The model.
    pub model: StudyModel,
    /// The same numbers of what counts three words, and of a network that learnt nothing; of the first seed alone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rivals: BTreeMap<String, BTreeMap<String, f64>>,
}

/// One training of a study.
pub struct StudyCell {
    /// Where it stands.
    pub point: StudyPoint,
    /// Which of the models of its point it is, from 1.
    pub seed: u64,
    /// How it is trained.
    pub training: TrainingSpec,
}

/// A study, ready to go.
pub struct StudyJob<'a> {
    /// What is asked.
    pub spec: &'a StudySpec,
    /// All trainings, in the order of the table.
    pub cells: &'a [StudyCell],
    /// All of the file with nothing left to default, but for what is swept.
    pub plan: toml::Table,
    /// The files that ingredients name.
    pub inputs: &'a (dyn Fn() -> Box<dyn Inputs> + Sync),
    /// Who does it.
    pub build: Build,
    /// How many models at a time.
    pub threads: usize,
}

const PLAN: &str = "plan.toml";

/// Rows that what counts three words reads: beyond these it learns little.
const COUNTED: u64 = 100_000;

impl StudyCell {
    fn label(&self) -> String {
        format!("{}-{}", self.point.label(), self.seed)
    }
}

impl StudyJob<'_> {
    /// Does all models that a folder does not hold yet, and gives the rows of all in their order. `done` is called as each is
    /// there, with its name and whether it had been.
    pub fn go(&self, dir: &Path, stop: &AtomicBool, done: &(dyn Fn(&str, bool) + Sync)) -> Result<Vec<StudyRow>, Refused> {
        for folder in [dir.to_path_buf(), dir.join("models"), dir.join("rows")] {
            fs::create_dir_all(&folder).map_err(at("making", &folder))?;
        }
        let _lock = hold(dir)?;
        let mut plan = self.plan.clone();
        plan.insert("program".into(), format!("{} {}", self.build.version, self.build.revision).into());
        of_this_plan(&dir.join(PLAN), &toml::to_string(&plan).expect("a plan is plain values"))?;
        // What several models have read before is trained once, and first.
        let mut seen = HashSet::new();
        let firsts = self.cells.iter().filter(|cell| {
            let there = |first: &TrainingSpec| dir.join("models").join(first_name(first)).join(crate::training::CARD).exists();
            cell.training.first().is_some_and(|first| !there(&first) && seen.insert(first_name(&first)))
        });
        for trained in each(self.threads, firsts.collect(), |cell: &StudyCell| self.first(dir, cell, stop)) {
            trained?;
        }
        let all: Vec<&StudyCell> = self.cells.iter().rev().collect();
        let found = each(self.threads, all, |cell: &StudyCell| self.one(dir, cell, stop, done));
        found.into_iter().rev().collect()
    }

    fn open(&self, cell: &StudyCell) -> Result<Reading, Refused> {
        let fault = |(key, why): (String, String)| Fault(format!("the model {}: {key}: {why}", cell.label())).into();
        cell.training.open(&*(self.inputs)()).map_err(fault)
    }

    fn first(&self, dir: &Path, cell: &StudyCell, stop: &AtomicBool) -> Result<(), Refused> {
        let reading = self.open(cell)?;
        let models = dir.join("models");
        let job = TrainingJob { shared: Some(&models), ..TrainingJob::new(&cell.training, &reading, self.build) };
        job.before(&models, stop, &mut |_| ()).map(|_| ())
    }

    /// One model: trained, and asked.
    fn one(
        &self,
        dir: &Path,
        cell: &StudyCell,
        stop: &AtomicBool,
        done: &(dyn Fn(&str, bool) + Sync),
    ) -> Result<StudyRow, Refused> {
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
        let reading = self.open(cell)?;
        let corpus = &reading.corpus;
        let models = dir.join("models");
        let spec = &cell.training;
        let job = TrainingJob { shared: Some(&models), ..TrainingJob::new(spec, &reading, self.build) };
        let folder = models.join(&label);
        job.train(&folder, stop, &mut |_| (), &mut |_| ())?;
        let shape = spec.shape(corpus.words.len());
        let trained = |weights: Vec<f32>| Trained { shape, weights, words: corpus.words.clone() };
        let ask = |subject: &Subject<'_>| -> Result<BTreeMap<String, f64>, Refused> {
            let mut values = BTreeMap::new();
            for probe in &self.spec.probes {
                let found =
                    probe.probe.ask(subject).map_err(|why| Fault(format!("the probe `{}` of {label}: {why}", probe.kind)))?;
                values.extend(found.into_iter().flatten().filter(|(_, value)| value.is_finite()));
            }
            Ok(values)
        };
        let of_net = |net: &Trained, course: &[Evaluated]| {
            ask(&Subject { model: net, net: Some(net), corpus, course, thought: spec.thought })
        };
        let course = course(&folder)?;
        let values = of_net(&trained(read_weights(&folder, spec, corpus)?), &course)?;
        let mut rivals = BTreeMap::new();
        if cell.seed == 1 {
            let trigram = Trigram::of(corpus, COUNTED);
            rivals.insert(
                "3-gram".into(),
                ask(&Subject { model: &trigram, net: None, corpus, course: &[], thought: spec.thought })?,
            );
            let untrained = trained(spec.begin(corpus, None, 1).weights().to_vec());
            rivals.insert("untrained".into(), of_net(&untrained, &[])?);
        }
        let point = cell.point.at.iter().cloned().collect();
        let course = course.iter().map(|at| (at.step, mean_sd(&at.losses).0)).collect();
        let row = StudyRow { model: StudyModel { point, seed: cell.seed, values, course }, rivals };
        write_whole(&file, &serde_json::to_vec_pretty(&row).expect("plain data"))?;
        done(&label, false);
        Ok(row)
    }
}
