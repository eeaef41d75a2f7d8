//! `cratylus replay`: plays a finished directory's runs again and compares all that people read: events, outcomes,
//! measures, and whether every table and every run is there.

use crate::caller::{print, print_json, registry};
use crate::experiment::load;
use crate::failure::Failure;
use crate::signals;
use clap::Args;
use cratylus_core::engines::live::run_asking;
use cratylus_core::event::block::Block;
use cratylus_core::event::tally::Tally;
use cratylus_core::fault::Fault;
use cratylus_core::summary::RunRow;
use cratylus_core::watch::measures::Measures;
use cratylus_core::watch::outcome::OutcomeSeen;
use cratylus_core::{Batch, Play, Sink, World, run};
use cratylus_io::models::asker::Taped;
use cratylus_io::store::belonging::{ReadingHashes, columns_that_differ, missing, strange};
use cratylus_io::store::manifest::Manifest;
use cratylus_io::store::names::{INTERACTIONS, MEASURES, PLAN, RUNS};
use cratylus_io::store::run_dir::{RunDir, digest};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Opinions of more agents than these are counted where everyone meets everyone, as they were when they were played.
const LOOKED_AT: u32 = 1000;

/// Prove that a run directory holds what its experiment and seed give.
///
/// Every run is played again, on the plain path (large populations in the game `opinion` as they
/// were), and compared with what is there: every event with the digest in runs.parquet and with the
/// rows of interactions.parquet, every column of runs.parquet, every reading of measures.parquet, which runs and tables
/// there are, and experiment.toml with plan.toml. What cannot be compared is said. Runs of live models are played from
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

/// Runs as they are played again.
struct Again<'a> {
    world: &'a World,
    /// The number of the point's first run.
    base: u64,
    open: BTreeMap<u64, (Measures, OutcomeSeen, ReadingHashes)>,
    done: &'a mut BTreeMap<u64, (RunRow, ReadingHashes)>,
}

impl Again<'_> {
    fn see(&mut self, replica: u64, see: impl FnOnce(&mut Measures, &mut OutcomeSeen)) {
        let world = self.world;
        let (measures, outcome, read) = self.open.entry(replica).or_insert_with(|| {
            let context = world.context(replica);
            (Measures::new(&context, &world.experiment.registry.measures), OutcomeSeen::new(&context), ReadingHashes::default())
        });
        see(measures, outcome);
        measures.readings.iter().for_each(|reading| read.see(&reading));
        measures.readings.clear();
    }
}

impl Sink for Again<'_> {
    fn take(&mut self, replica: u64, events: &Batch) -> Result<(), Fault> {
        self.see(replica, |measures, outcome| {
            for event in events.iter() {
                outcome.see(&event);
                measures.see(&event);
            }
        });
        Ok(())
    }

    fn block(&mut self, replica: u64, block: &Block) -> Result<(), Fault> {
        self.see(replica, |measures, outcome| {
            outcome.see_block(block);
            measures.see_block(block);
        });
        Ok(())
    }

    fn tally(&mut self, replica: u64, tally: &Tally) -> Result<(), Fault> {
        self.see(replica, |measures, outcome| {
            outcome.see_tally(tally);
            measures.see_tally(tally);
        });
        Ok(())
    }

    fn end(&mut self, replica: u64) -> Result<(), Fault> {
        self.see(replica, |measures, _| measures.end());
        let (_, outcome, read) = self.open.remove(&replica).expect("it was just seen");
        let (outcome, context) = (outcome.end(), self.world.context(replica));
        let row = RunRow {
            run: self.base + replica,
            replica,
            seed: Some(self.world.seed(replica).0),
            winner: outcome.winner.map(|name| context.word(name)),
            outcome,
            committed: context.committed.map_or(Vec::new(), |(_, agents)| agents),
        };
        self.done.insert(row.run, (row, read));
        Ok(())
    }
}

impl Replay {
    pub fn go(self) -> Result<(), Failure> {
        if signals::meant(&self.dir) {
            return signals::replay(&self.dir, std::thread::available_parallelism().map_or(1, usize::from));
        }
        let dir = RunDir::open(&self.dir, &registry()).map_err(Failure::input)?;
        let loaded = load(&self.dir, &[])?;
        let rows = dir.rows()?;
        let manifest = Manifest::read(&self.dir).ok();
        let mut wrong: Vec<String> = strange(&dir);
        wrong.extend(inputs_that_changed(&dir, &loaded.inputs));
        let lost = missing(&dir, manifest.as_ref());
        // What models answered cannot be played again; it is on the tape.
        let mut taped = match loaded.worlds.iter().any(World::live) {
            true => Some(Taped::new(cratylus_io::store::calls::read(&self.dir)?, Manifest::read(&self.dir)?.servers)),
            false => None,
        };
        let mut played: BTreeMap<u64, (RunRow, ReadingHashes)> = BTreeMap::new();
        let mut there: Vec<Vec<u64>> = vec![Vec::new(); loaded.points.len()];
        rows.iter().for_each(|row| there[dir.place(row.run)].push(row.replica));
        there.iter_mut().for_each(|replicas| {
            replicas.sort_unstable();
            replicas.dedup();
        });
        for (i, (point, world)) in loaded.points.iter().zip(&loaded.worlds).enumerate() {
            // Who forms an opinion goes through all neighbours on the plain path: 30 microseconds where these are 10,000.
            let engine = match world.opinions() {
                Some(_) if world.size > LOOKED_AT => Play::Fastest,
                _ => Play::Plain { block: world.size as usize },
            };
            let asked: BTreeMap<u16, String> = world.models().map(|(kind, _)| (kind, world.asked(kind))).collect();
            let base = i as u64 * point.experiment.replicas;
            // A few at a time share waves; all of a large experiment at once would take too much memory.
            for replicas in there[i].chunks(64) {
                let mut again = Again { world, base, open: BTreeMap::new(), done: &mut played };
                let done = match &mut taped {
                    Some(taped) if world.live() => run_asking(
                        world,
                        replicas,
                        &mut |kind, model, query| taped.reply(&asked[&kind], model, query),
                        &mut again,
                    ),
                    _ => run(world, replicas, engine, &mut again),
                };
                done.map_err(|fault| Failure::run(fault.0))?;
            }
        }
        for row in &rows {
            if played.get(&row.run).is_none_or(|(again, _)| again.outcome.digest != row.outcome.digest) {
                wrong.push(format!("{RUNS}: run {}, playing it again gives other events than its digest vouches for", row.run));
            }
        }
        let again: Vec<RunRow> = rows.iter().filter_map(|row| played.get(&row.run)).map(|(row, _)| row.clone()).collect();
        for (column, run) in columns_that_differ(&dir, &again)?.into_iter().filter(|(column, _)| column != "digest") {
            wrong.push(format!("{RUNS}: column `{column}` is not what the runs give, in run {run} first"));
        }
        if !lost.contains(&MEASURES) {
            let mut read = ReadingHashes::default();
            dir.each_measured(|row, readings| {
                if let Some(readings) = readings {
                    readings.iter().for_each(|reading| read.see(&reading));
                    return Ok(());
                }
                let read = std::mem::take(&mut read);
                let due = played.get(&row.run).map(|(_, read)| read.clone()).unwrap_or_default();
                for measure in read.differ(&due) {
                    wrong.push(format!("{MEASURES}: `{measure}` of run {} is not what playing it again gives", row.run));
                }
                Ok(())
            })?;
        }
        let recorded = self.dir.join(INTERACTIONS).exists();
        if recorded {
            dir.each_played(|row, events| {
                if digest(events, dir.whole(row.run, events)?.as_deref()) != row.outcome.digest {
                    wrong.push(format!("{INTERACTIONS}: run {}, its rows are not the events that {RUNS} vouches for", row.run));
                }
                Ok(())
            })?;
        }
        let mut left = vec!["the report", "what was recorded beside it (recorded.json)", "findings of audits"];
        if recorded && loaded.worlds.iter().any(|world| world.live() || world.in_groups()) {
            left.push("in interactions.parquet what was shown and who heard");
        }
        if taped.is_some() {
            left.push("what the tape says of times, tokens and prices");
        }
        let compared: Vec<&str> = [Some(RUNS), recorded.then_some(INTERACTIONS), (!lost.contains(&MEASURES)).then_some(MEASURES)]
            .into_iter()
            .flatten()
            .collect();
        if self.json {
            print_json(&json!({
                "runs": rows.len(), "equal": wrong.is_empty(), "differences": wrong, "compared": compared, "not_compared": left,
            }))?;
        }
        if wrong.is_empty() {
            if !self.json {
                let kept = if recorded { "" } else { " (the experiment keeps no interactions)" };
                print(format!(
                    "{} runs played again: every event, outcome and measure is as in {}{kept}",
                    rows.len(),
                    listed(&compared)
                ))?;
                eprintln!("not compared: {}", left.join("; "));
            }
            return Ok(());
        }
        let shown = wrong.iter().take(12).map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n");
        let more = if wrong.len() > 12 { format!("\n  and {} more", wrong.len() - 12) } else { String::new() };
        let help = "what is wrong is not what was run; fetch the directory anew, or run the experiment again (`--fresh` keeps what is there)";
        Err(Failure::run(format!("{} does not hold what its experiment gives:\n{shown}{more}", self.dir.display())).help(help))
    }
}

fn listed(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => one.to_string(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Files that the experiment reads and that are not those with which it was run.
fn inputs_that_changed(dir: &RunDir, now: &BTreeMap<String, String>) -> Vec<String> {
    let plan = std::fs::read_to_string(dir.path.join(PLAN)).ok().and_then(|text| text.parse::<toml::Table>().ok());
    let Some(before) = plan.as_ref().and_then(|plan| plan.get("inputs")).and_then(toml::Value::as_table) else {
        return Vec::new();
    };
    let differs = |(file, hash): &(&String, &String)| before.get(*file).and_then(toml::Value::as_str) != Some(hash.as_str());
    now.iter()
        .filter(differs)
        .map(|(file, _)| format!("the input file `{file}` is not the one with which the runs were made"))
        .collect()
}
