//! Whether the files of a run directory belong together, as far as can be told without playing anything: the experiment
//! and the plan, the plan and the tables, the tables and the manifest. Whether the tables hold what the experiment gives
//! is absent: `cratylus replay` plays it again.

use crate::store::manifest::Manifest;
use crate::store::names::{ACTS, CALLS, EXPERIMENT, FEATURES, INTERACTIONS, MANIFEST, MEASURES, PLAN, PROMPTS, RUNS, SIGNS};
use crate::store::plan::{differences, digest, points_of};
use crate::store::run_dir::RunDir;
use crate::store::table;
use cratylus_audit::duplicates::words;
use cratylus_core::Seed;
use cratylus_core::experiment::threshold::{Answers, wanted};
use cratylus_core::experiment::{Point, searched};
use cratylus_core::fault::Fault;
use cratylus_core::summary::RunRow;
use cratylus_core::watch::readings::Reading;
use sha2::Digest;
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};

/// What of a finished directory does not belong together: a sentence each, beginning with the file. An unfinished one has
/// nothing yet that could not.
pub fn strange(dir: &RunDir) -> Vec<String> {
    if !dir.finished {
        return Vec::new();
    }
    let mut told = Vec::new();
    match crate::text::read(&dir.path.join(PLAN)) {
        Err(_) => told.push(format!("{PLAN} is missing, so nothing says whether {EXPERIMENT} is the experiment that was run")),
        Ok(plan) => {
            let lines = against(&plan, dir);
            if !lines.is_empty() {
                let more = if lines.len() > 3 { format!(", and {} more", lines.len() - 3) } else { String::new() };
                let shown = lines.iter().take(3).cloned().collect::<Vec<_>>().join("; ");
                told.push(format!("{EXPERIMENT} is not the experiment of {PLAN}, which was run: {shown}{more}"));
            }
        }
    }
    let manifest = match Manifest::read(&dir.path) {
        Ok(manifest) => Some(manifest),
        Err(_) if !dir.path.join(MANIFEST).exists() => {
            told.push(format!("{MANIFEST} is missing, so nothing says who ran this, and which digest its runs have"));
            None
        }
        Err(trouble) => {
            told.push(format!("{MANIFEST} cannot be read: {trouble}"));
            None
        }
    };
    told.extend(missing(dir, manifest.as_ref()).into_iter().map(|table| {
        let why = if table == INTERACTIONS { "the experiment records interactions" } else { "every finished directory has it" };
        format!("{table} is missing: {why}, so it was lost or left behind")
    }));
    match dir.rows() {
        Ok(rows) => told.extend(of_rows(dir, &rows, manifest.as_ref())),
        Err(trouble) => told.push(format!("{RUNS} cannot be read: {trouble}")),
    }
    told
}

/// What differs between the plan that was run and the points of the experiment that is there.
fn against(plan: &str, dir: &RunDir) -> Vec<String> {
    let mut before = plan.parse::<toml::Table>().unwrap_or_default();
    // A recorded condition is one point, and stands in its plan as it is.
    if !before.contains_key("points") {
        let text = |table: &toml::Table| toml::to_string(table).expect("a plan is plain data");
        return differences(&text(&before), &text(&dir.points[0].experiment.plan()));
    }
    before.retain(|key, _| key == "points");
    let after = toml::Table::from_iter([("points".to_string(), points_of(&dir.points))]);
    let text = |table: &toml::Table| toml::to_string(table).expect("a plan is plain data");
    differences(&text(&before), &text(&after))
}

/// The tables that must be there and are not.
pub fn missing(dir: &RunDir, manifest: Option<&Manifest>) -> Vec<&'static str> {
    let live = manifest.is_some_and(|manifest| !manifest.servers.is_empty());
    let recorded = dir.points.iter().any(|point| point.experiment.record.interactions);
    let acts = manifest.is_some_and(|manifest| manifest.acts.is_some());
    let counted = |of: fn(&Manifest) -> Option<u64>| manifest.and_then(of).is_some();
    let (signs, features) = (counted(|manifest| manifest.signs), counted(|manifest| manifest.features));
    let due = [
        (INTERACTIONS, recorded),
        (ACTS, acts),
        (SIGNS, signs),
        (FEATURES, features),
        (MEASURES, true),
        (CALLS, live),
        (PROMPTS, live),
    ];
    due.into_iter().filter(|(table, due)| *due && !dir.path.join(table).exists()).map(|(table, _)| table).collect()
}

fn of_rows(dir: &RunDir, rows: &[RunRow], manifest: Option<&Manifest>) -> Vec<String> {
    let mut told = Vec::new();
    let replicas = dir.points[0].experiment.replicas;
    let there: BTreeSet<u64> = rows.iter().map(|row| row.run).collect();
    if there.len() < rows.len() {
        told.push(format!("{RUNS} holds {} rows of {} runs: some stand there twice", rows.len(), there.len()));
    }
    let experiment = &dir.points[0].experiment;
    let due = replicas * dir.points.len() as u64;
    match &experiment.sequential {
        None if (there.len() as u64) < due => {
            let lost: Vec<String> = (0..due).filter(|run| !there.contains(run)).take(6).map(|run| run.to_string()).collect();
            let n = due - there.len() as u64;
            let more = if n > 6 { ", …" } else { "" };
            told.push(format!("{RUNS} holds {} of {due} runs; missing: {}{more}", there.len(), lost.join(", ")));
        }
        None => (),
        Some(sequential) => {
            let searched = sequential.find.as_ref().map_or(Ok(Vec::new()), |find| searched(&dir.points, &find.key));
            let mut answers = vec![Answers::new(); dir.points.len()];
            rows.iter().for_each(|row| {
                answers[dir.place(row.run)].push(sequential.asked().answer(&row.outcome, row.winner.as_deref()));
            });
            if searched.is_ok_and(|searched| !wanted(sequential, &searched, &answers).is_empty()) {
                told.push(format!("{RUNS} holds fewer runs than the rule of the experiment asks for: some are missing, or their outcomes were changed"));
            }
        }
    }
    let strange = |row: &&RunRow| {
        let settings = dir.points.get((row.run / replicas) as usize).map(|point| point.text());
        let seed = settings.map(|settings| Seed::of_run(experiment.seed, &settings, row.replica).0);
        row.seed.is_some() && row.seed != seed
    };
    if let Some(row) = rows.iter().find(strange) {
        told.push(format!("{RUNS}: the seed of run {} is not the one that the experiment gives it", row.run));
    }
    told.extend(told_copies(dir, rows));
    if let Some(manifest) = manifest {
        if manifest.digest.as_ref().is_some_and(|due| *due != digest(rows)) {
            told.push(format!(
                "{RUNS} does not hold the runs whose digest is in {MANIFEST}: it was cut, replaced or put in another order"
            ));
        }
        if manifest.outcomes.as_ref().is_some_and(|due| *due != outcomes_as(due, rows)) {
            told.push(format!(
                "{RUNS} was changed since it was written: its outcomes are not those of which {MANIFEST} keeps a hash"
            ));
        }
    }
    let file = dir.path.join(INTERACTIONS);
    let due: u64 = rows.iter().map(|row| row.outcome.interactions).sum();
    if file.exists() {
        match table::count(&file) {
            Ok(n) if n != due => told.push(format!(
                "{INTERACTIONS} holds {n} rows, and the runs had {due} interactions: it was cut, or is of other runs"
            )),
            Ok(_) => (),
            Err(trouble) => told.push(format!("{INTERACTIONS} cannot be read: {trouble}")),
        }
    }
    let counted = [
        (MEASURES, manifest.and_then(|manifest| manifest.readings)),
        (ACTS, manifest.and_then(|manifest| manifest.acts)),
        (SIGNS, manifest.and_then(|manifest| manifest.signs)),
        (FEATURES, manifest.and_then(|manifest| manifest.features)),
    ];
    for (table, due) in counted {
        let file = dir.path.join(table);
        match (file.exists(), due) {
            (false, _) => (),
            (true, due) => match (table::count(&file), due) {
                (Ok(n), Some(due)) if n != due => {
                    told.push(format!("{table} holds {n} rows, and {due} were written: it was cut, or is of other runs"))
                }
                (Ok(_), _) => (),
                (Err(trouble), _) => told.push(format!("{table} cannot be read: {trouble}")),
            },
        }
    }
    told
}

/// Runs that are copies of earlier ones of their condition, by number: they are no evidence of their own.
pub fn copies(dir: &RunDir) -> Result<BTreeSet<u64>, Fault> {
    let rows = dir.rows()?;
    let of = (0..dir.points.len()).flat_map(|point| equal(dir, &rows, point));
    Ok(of.flat_map(|group| group[1..].to_vec()).collect())
}

/// Groups of runs of a condition that are equal in every interaction, by their digests: the numbers of the runs.
fn equal(dir: &RunDir, rows: &[RunRow], place: usize) -> Vec<Vec<u64>> {
    let experiment = &dir.points[place].experiment;
    let size = experiment.size() as f64;
    // Where all play at once it is not drawn who meets whom, and agents that follow a rule may do the same again.
    if experiment.alone() || experiment.pairing_is_fixed() || size < 2.0 {
        return Vec::new();
    }
    // Who met whom makes it impossible that runs are equal by chance.
    let long =
        |row: &&RunRow| dir.place(row.run) == place && row.outcome.interactions as f64 * (size * (size - 1.0)).log2() >= 40.0;
    let mut groups: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    rows.iter().filter(long).for_each(|row| groups.entry(row.outcome.digest.0).or_default().push(row.run));
    let mut groups: Vec<Vec<u64>> = groups.into_values().filter(|group| group.len() > 1).collect();
    groups.sort_unstable();
    groups
}

/// A sentence for each condition that has equal runs.
fn told_copies(dir: &RunDir, rows: &[RunRow]) -> Vec<String> {
    let of = |(place, point): (usize, &Point)| {
        let all: Vec<u64> = rows.iter().map(|row| row.run).filter(|&run| dir.place(run) == place).collect();
        let at = |run: &u64| all.iter().position(|known| known == run).expect("it is one of them");
        let groups: Vec<Vec<usize>> = equal(dir, rows, place).iter().map(|group| group.iter().map(at).collect()).collect();
        let words = words(&groups, all.len(), |at| all[at])?;
        let of = if dir.points.len() > 1 { format!(" of {}", point.label(|_| true)) } else { String::new() };
        Some(format!("{RUNS}{of}: {words}"))
    };
    dir.points.iter().enumerate().filter_map(of).collect()
}

/// How hashes of outcomes begin. Before, they were of the rows in words, and began with nothing.
const OUTCOMES: &str = "2-";

/// A hash of what everybody reads of the runs, whoever wrote the file that it is read from.
pub fn outcomes(rows: &[RunRow]) -> String {
    outcomes_as(OUTCOMES, rows)
}

/// The same in the form of another.
fn outcomes_as(form: &str, rows: &[RunRow]) -> String {
    let mut hasher = sha2::Sha256::new();
    let told = form.starts_with(OUTCOMES);
    let mut bytes = Vec::new();
    for row in rows {
        if !told {
            hasher.update(format!("{:?}", (row.run, row.replica, row.seed, &row.winner, &row.outcome, &row.committed)));
            continue;
        }
        // What there may be none of says whether there is.
        let mut put = |value: Option<u64>| {
            bytes.push(u8::from(value.is_some()));
            bytes.extend_from_slice(&value.unwrap_or(0).to_le_bytes());
        };
        let (of, number) = (&row.outcome, |value: Option<f64>| value.map(f64::to_bits));
        let winner = row.winner.as_deref();
        let flags = [of.consensus.then_some(1), of.tipped.map(u64::from), of.winner.map(u64::from)];
        let shares = [of.success_rate, Some(of.void_share), of.invalid_share, of.minority_share, of.rounds_to_consensus];
        [Some(row.run), Some(row.replica), row.seed, Some(of.interactions), number(Some(of.rounds)), Some(of.digest.0)]
            .into_iter()
            .chain(flags)
            .chain(shares.map(number))
            .chain([winner.map(|winner| winner.len() as u64), Some(row.committed.len() as u64)])
            .chain(row.committed.iter().map(|agent| Some(u64::from(*agent))))
            .for_each(&mut put);
        bytes.extend_from_slice(winner.unwrap_or("").as_bytes());
        hasher.update(&bytes);
        bytes.clear();
    }
    let hash: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if told { format!("{OUTCOMES}{hash}") } else { hash }
}

/// Readings of a run, each measure by a hash of its own, so that a whole directory's fit into memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadingHashes(pub std::collections::BTreeMap<SmolStr, u64>);

impl ReadingHashes {
    /// Takes in the next reading.
    pub fn see(&mut self, reading: &Reading) {
        let hash = match self.0.get_mut(&reading.measure) {
            Some(hash) => hash,
            None => self.0.entry(reading.measure.clone()).or_insert(0),
        };
        let value = if reading.value == 0.0 { 0.0f64 } else { reading.value };
        let stir = |hash: u64, word: u64| (hash.rotate_left(23) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        *hash = stir(stir(*hash, reading.t + 1), value.to_bits());
    }

    /// The measures that differ.
    pub fn differ(&self, other: &ReadingHashes) -> Vec<String> {
        let keys: BTreeSet<&SmolStr> = self.0.keys().chain(other.0.keys()).collect();
        keys.into_iter().filter(|key| self.0.get(*key) != other.0.get(*key)).map(SmolStr::to_string).collect()
    }
}

/// The columns of `runs.parquet` that differ from what runs give, each with the first run in which it does.
pub fn columns_that_differ(dir: &RunDir, rows: &[RunRow]) -> Result<Vec<(String, u64)>, Fault> {
    let file = dir.path.join(RUNS);
    let there = table::read(&file, None)?;
    let due = crate::store::rows::runs_table(&dir.points, rows);
    let mut out = Vec::new();
    for column in &due.columns {
        let Some(found) = there.columns.iter().find(|found| found.name == column.name) else {
            out.push((column.name.clone(), rows.first().map_or(0, |row| row.run)));
            continue;
        };
        if let Some(i) = table::first_difference(&found.values, &column.values) {
            out.push((column.name.clone(), rows.get(i).map_or(0, |row| row.run)));
        }
    }
    Ok(out)
}
