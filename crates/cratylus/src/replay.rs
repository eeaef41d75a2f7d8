//! `cratylus replay`: plays a finished directory's runs again and compares every event.

use crate::experiment::load;
use crate::{Failure, print, print_json};
use clap::Args;
use cratylus_core::agent::Fault;
use cratylus_core::fast::Block;
use cratylus_core::fast::counts::Tally;
use cratylus_core::live::run_asking;
use cratylus_core::{DigestSeen, Engine, Event, Sink, World, run};
use cratylus_io::manifest::Manifest;
use cratylus_io::models::asker::Taped;
use cratylus_io::run_dir::{INTERACTIONS, RunDir};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Opinions of more agents than these are counted where everyone meets everyone, as they were when they were played.
const LOOKED_AT: u32 = 1000;

/// Prove that a run directory holds what its experiment and seed give.
///
/// Every run is played again, on the plain path (large populations in the game `opinion` as they
/// were), and its events are compared with the digest in runs.parquet and with the rows of
/// interactions.parquet. Runs of live models are played from
/// their tape (calls.parquet): nothing is asked, and a question that is not on it is shown.
#[derive(Args)]
#[command(after_help = "Example:\n  cratylus replay runs/consensus")]
pub struct Replay {
    /// A finished run directory.
    #[arg(value_name = "RUN_DIR")]
    dir: PathBuf,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Default)]
struct Digests(BTreeMap<u64, DigestSeen>);

impl Sink for Digests {
    fn take(&mut self, replica: u64, events: &[Event]) -> Result<(), Fault> {
        let digest = self.0.entry(replica).or_default();
        events.iter().for_each(|event| digest.see(event));
        Ok(())
    }

    fn block(&mut self, replica: u64, block: &Block) -> Result<(), Fault> {
        self.0.entry(replica).or_default().see_block(block);
        Ok(())
    }

    fn tally(&mut self, replica: u64, tally: &Tally) -> Result<(), Fault> {
        self.0.entry(replica).or_default().see_tally(tally);
        Ok(())
    }

    fn end(&mut self, _: u64) -> Result<(), Fault> {
        Ok(())
    }
}

impl Replay {
    pub fn go(self) -> Result<(), Failure> {
        let dir = RunDir::open(&self.dir).map_err(Failure::input)?;
        let loaded = load(&self.dir, &[])?;
        let rows = dir.rows()?;
        // What models answered cannot be played again; it is on the tape.
        let mut taped = match loaded.worlds.iter().any(World::live) {
            true => Some(Taped::new(cratylus_io::calls::read(&self.dir)?, Manifest::read(&self.dir)?.servers)),
            false => None,
        };
        let mut played = BTreeMap::new();
        let mut there: Vec<Vec<u64>> = vec![Vec::new(); loaded.points.len()];
        rows.iter().for_each(|row| there[dir.place(row.run)].push(row.replica));
        for (i, (point, world)) in loaded.points.iter().zip(&loaded.worlds).enumerate() {
            // Who forms an opinion goes through all neighbours on the plain path: 30 microseconds where these are 10,000.
            let engine = match world.opinions() {
                Some(_) if world.size > LOOKED_AT => Engine::Fastest,
                _ => Engine::Plain { block: world.size as usize },
            };
            let asked: BTreeMap<u16, String> = world.models().map(|(kind, _)| (kind, world.asked(kind))).collect();
            // A few at a time share waves; all of a large experiment at once would take too much memory.
            for replicas in there[i].chunks(64) {
                let mut digests = Digests::default();
                let done = match &mut taped {
                    Some(taped) if world.live() => run_asking(
                        world,
                        replicas,
                        &mut |kind, model, query| taped.reply(&asked[&kind], model, query),
                        &mut digests,
                    ),
                    _ => run(world, replicas, engine, &mut digests),
                };
                done.map_err(|fault| Failure::run(fault.0))?;
                let base = i as u64 * point.experiment.replicas;
                played.extend(digests.0.into_iter().map(|(replica, digest)| (base + replica, digest.end())));
            }
        }
        let mut wrong: Vec<String> = Vec::new();
        for row in &rows {
            if played.get(&row.run) != Some(&row.outcome.digest) {
                wrong.push(format!("run {}: playing it again gives other events than runs.parquet vouches for", row.run));
            }
        }
        let recorded = self.dir.join(INTERACTIONS).exists();
        if recorded {
            dir.each_played(|row, events| {
                let mut digest = DigestSeen::default();
                events.iter().for_each(|event| digest.see(event));
                if digest.end() != row.outcome.digest {
                    wrong.push(format!(
                        "run {}: interactions.parquet does not hold the events that runs.parquet vouches for",
                        row.run
                    ));
                }
                Ok(())
            })?;
        }
        if self.json {
            print_json(&json!({ "runs": rows.len(), "equal": wrong.is_empty(), "differences": wrong }))?;
        }
        if wrong.is_empty() {
            let files =
                if recorded { "runs.parquet and interactions.parquet" } else { "runs.parquet (interactions were not recorded)" };
            if !self.json {
                print(format!("{} runs played again: every event is as in {files}", rows.len()))?;
            }
            return Ok(());
        }
        let shown = wrong.iter().take(10).map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n");
        Err(Failure::run(format!("{} of {} comparisons differ:\n{shown}", wrong.len(), rows.len() * (1 + usize::from(recorded)))))
    }
}
