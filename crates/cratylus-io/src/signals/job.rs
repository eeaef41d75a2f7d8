//! A sweep of trainings that is ready to run.

use crate::store::manifest::Build;
use cratylus_core::Seed;
use cratylus_core::experiment::Setting;
use cratylus_neural::signals::{Experiment, ItemTable};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// One point of the sweep.
#[derive(Clone, Debug)]
pub struct Point {
    /// What it sets.
    pub settings: Vec<Setting>,
    /// What it is.
    pub experiment: Experiment,
    /// Its items, where they come from a file.
    pub items: Option<ItemTable>,
}

impl Point {
    /// The seed of a run. What is done to messages does not count, so that controls are trained with the seeds of what they are
    /// controls of.
    pub fn seed(&self, replica: u64) -> Seed {
        let settings = self.settings.iter().filter(|setting| setting.key != "channel.control");
        let text: Vec<String> = settings.map(|Setting { key, value, .. }| format!("{key}={value}")).collect();
        Seed::of_run(self.experiment.seed, &text.join(" "), replica)
    }

    /// What readers call it; empty without a sweep.
    pub fn label(&self) -> String {
        self.settings.iter().filter(|setting| setting.telling).map(Setting::words).collect::<Vec<_>>().join(", ")
    }
}

/// An experiment that is ready to run.
pub struct SignalJob<'a> {
    /// The text of the experiment file, as it will be kept.
    pub text: &'a str,
    /// The points of the sweep, in order.
    pub points: &'a [Point],
    /// The files it reads, with their hashes.
    pub inputs: BTreeMap<String, String>,
    /// The folder that their paths are relative to.
    pub base: &'a Path,
    /// What the manifest says of the program.
    pub build: Build,
    /// How many runs are trained at once. It cannot change what comes of them.
    pub threads: usize,
    /// How often a training is kept in the midst of it. It cannot change what comes of it, either.
    pub checkpoint: Option<Duration>,
}

impl SignalJob<'_> {
    pub(super) fn plan(&self) -> String {
        let mut plan = toml::Table::new();
        plan.insert("format".into(), crate::store::table::FORMAT.into());
        let inputs = self.inputs.iter().map(|(file, hash)| (file.clone(), toml::Value::from(hash.clone())));
        plan.insert("inputs".into(), toml::Table::from_iter(inputs).into());
        let point = |point: &Point| {
            let mut table = toml::Table::try_from(&point.experiment).expect("an experiment is plain data");
            let swept = point.settings.iter().map(|setting| (setting.key.clone(), setting.value.clone()));
            table.insert("swept".into(), toml::Table::from_iter(swept).into());
            toml::Value::Table(table)
        };
        plan.insert("points".into(), toml::Value::Array(self.points.iter().map(point).collect()));
        let text = toml::to_string(&plan).expect("a plan is plain data");
        format!("# Everything that decides the results of this directory, with nothing left to default.\n{text}")
    }

    /// All runs: the number, the point and the replica of each.
    pub(super) fn runs(&self) -> impl Iterator<Item = (u64, usize, u64)> {
        let replicas = self.points[0].experiment.replicas;
        (0..self.points.len())
            .flat_map(move |point| (0..replicas).map(move |replica| (point as u64 * replicas + replica, point, replica)))
    }

    /// Who wrote what was kept.
    pub(super) fn program(&self) -> String {
        format!("{} {}", self.build.version, self.build.revision)
    }
}
