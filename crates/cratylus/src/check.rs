//! `cratylus check`: validates an experiment and says what it will run.

use crate::experiment::load;
use crate::words::{count, table};
use crate::{Failure, print};
use clap::Args;
use cratylus_core::World;
use serde_json::json;
use std::path::PathBuf;

/// Validate an experiment and say what it will run, without running anything.
#[derive(Args)]
#[command(after_help = "Example:\n  cratylus check experiments/consensus.toml")]
pub struct Check {
    #[arg(value_name = "EXPERIMENT.toml")]
    experiment: PathBuf,
    /// Change any key of the file, quoted as TOML; may be given again.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Print the answer as JSON.
    #[arg(long)]
    json: bool,
}

impl Check {
    pub fn go(self) -> Result<(), Failure> {
        let loaded = load(&self.experiment, &self.sets)?;
        let runs: u64 = loaded.points.iter().map(|point| point.experiment.replicas).sum();
        let most = |i: usize| loaded.points[i].experiment.replicas.saturating_mul(loaded.worlds[i].stop(0).most());
        let each = |i: usize| if loaded.worlds[i].game.alone() { 1 } else { 2 };
        let interactions = (0..loaded.points.len()).map(most).fold(0, u64::saturating_add);
        let decisions = (0..loaded.points.len()).map(|i| most(i).saturating_mul(each(i))).fold(0, u64::saturating_add);
        let compiled = loaded.worlds.iter().filter(|world| world.compiled().is_some()).count();
        let cautions = World::each_once(&loaded.worlds, |world| &world.cautions);
        if self.json {
            return print(json!({
                "valid": true, "points": loaded.points.len(), "runs": runs,
                "interactions_at_most": interactions, "decisions_at_most": decisions,
                "model_calls": 0, "cautions": cautions, "inputs": loaded.inputs,
            }));
        }
        let experiment = &loaded.points[0].experiment;
        let mut rows = vec![
            vec!["experiment".to_string(), experiment.name.clone()],
            vec!["game".into(), experiment.game.kind.into()],
            vec!["points".into(), count(loaded.points.len() as u64)],
            vec!["replicas".into(), count(experiment.replicas)],
            vec!["runs".into(), count(runs)],
            vec!["interactions".into(), format!("at most {}", count(interactions))],
            vec!["decisions".into(), format!("at most {} (no model is called)", count(decisions))],
            vec!["played on".into(), format!("flat tables for {compiled} of {} points", loaded.points.len())],
        ];
        rows.extend(loaded.inputs.iter().map(|(file, hash)| vec!["input".into(), format!("{file}  sha256 {}…", &hash[..16])]));
        print(table(&rows, &[]))?;
        cautions.iter().for_each(|caution| eprintln!("note: {caution}"));
        Ok(())
    }
}
