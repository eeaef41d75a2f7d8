//! `cratylus plan`: the work of an experiment in cells, for whoever spreads it over machines.

use crate::caller::{print, print_json};
use crate::experiment::load;
use crate::failure::Failure;
use crate::run::job;
use crate::words::{count, table};
use clap::Args;
use cratylus_io::conduct::cells::{SEQUENTIAL, cells};
use serde_json::json;
use std::path::PathBuf;

/// List the cells of an experiment: pieces of work that any machine may take, in any order.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  cratylus plan experiments/consensus.toml --shards 8\n  cratylus plan experiments/consensus.toml --shards 8 --json | jq -r '.cells[].hash'"
)]
pub struct Plan {
    /// An experiment file or a run directory.
    #[arg(value_name = "EXPERIMENT.toml")]
    experiment: PathBuf,
    /// Change any key of the file, quoted as TOML; may be given again.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// In how many shards the cells are dealt out.
    #[arg(long, value_name = "K", default_value = "1", value_parser = clap::value_parser!(u32).range(1..))]
    shards: u32,
    /// Print every cell as JSON.
    #[arg(long)]
    json: bool,
}

impl Plan {
    pub fn go(self) -> Result<(), Failure> {
        let loaded = load(&self.experiment, &self.sets)?;
        if loaded.points[0].experiment.sequential.is_some() {
            return Err(Failure::input(SEQUENTIAL));
        }
        let job = job(&loaded, 1);
        let cells = cells(&job);
        let shards = self.shards as usize;
        let most = |i: usize| {
            let cell = &cells[i];
            let world = &loaded.worlds[cell.point];
            cell.runs().saturating_mul(world.experiment.stop.most(world.experiment.size()))
        };
        if self.json {
            let list = cells.iter().enumerate().map(|(i, cell)| {
                json!({
                    "hash": cell.hash, "shard": i % shards + 1, "point": cell.point, "swept": loaded.points[cell.point].text(),
                    "first_replica": cell.replicas[0], "last_replica": cell.replicas[1], "interactions_at_most": most(i),
                })
            });
            let name = &loaded.points[0].experiment.name;
            return print_json(&json!({ "experiment": name, "shards": shards, "cells": list.collect::<Vec<_>>() }));
        }
        let mut rows = vec![["shard", "cells", "runs", "interactions at most", "command"].map(String::from).to_vec()];
        let shown = shards.min(20);
        for shard in 1..=shown {
            let of = || (shard - 1..cells.len()).step_by(shards);
            let runs: u64 = of().map(|i| cells[i].runs()).sum();
            let interactions = of().map(most).fold(0, u64::saturating_add);
            let command = format!("cratylus run {} --shard {shard}/{shards} --out DIR", self.experiment.display());
            rows.push(vec![format!("{shard}/{shards}"), count(of().count() as u64), count(runs), count(interactions), command]);
        }
        print(table(&rows, &[]))?;
        if shown < shards {
            print(format!("… and {} more shards", shards - shown))?;
        }
        if cells.len() < shards {
            eprintln!("note: there are {} cells, so {} shards have nothing to do", cells.len(), shards - cells.len());
        }
        Ok(())
    }
}
