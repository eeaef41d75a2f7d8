//! The published runs of Flint Ashery, Aiello & Baronchelli (Science Advances 2025), as their authors keep
//! them: a folder of pickles, one for each condition, into run directories, one for each condition.
//!
//! The files' names carry the condition, so they are parsed strictly; the numbers come from the pickles.

use crate::import::pickle::{get, int, list, read, texts};
use crate::store::inputs::sha256;
use crate::store::manifest::{Build, Manifest};
use crate::store::names::{EXPERIMENT, INTERACTIONS, MEASURES, MEMORIES, PLAN, RUNS};
use crate::store::plan::digest;
use crate::store::rows::{Interactions, MeasureRows, WordColumns, runs_table};
use crate::store::table::{self, Column, Table};
use crate::whole::{now, write_whole};
use cratylus_audit::duplicates;
use cratylus_core::experiment::{Document, Point};
use cratylus_core::fault::{Fault, at};
use cratylus_core::summary::RunRow;
use cratylus_core::watch::measure::RunContext;
use cratylus_core::watch::measures::Measures;
use cratylus_core::watch::outcome::OutcomeSeen;
use cratylus_core::{AgentId, NOBODY, PairEvent};
use serde_pickle::{HashableValue, Value};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const SOURCE: &str =
    "Flint Ashery, Aiello & Baronchelli, Science Advances 11 (2025) eadu9368; data of github.com/Ariel-Flint-Ashery/AI-norms";

/// What became of one file.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The pickle that was read.
    pub file: PathBuf,
    /// Its run directory, or why there is none.
    pub outcome: Outcome,
}

/// What became of a file that might hold runs.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Its run directory, with so many runs and interactions or answers.
    Done {
        /// Below the folder that was imported into.
        dir: PathBuf,
        /// How many runs the file held.
        runs: u64,
        /// How many interactions, or answers of one agent asked alone, in all of them.
        interactions: u64,
        /// Which of the runs are copies of others, where any are.
        copies: Option<String>,
    },
    /// It holds nothing to import, and why.
    Skipped(String),
    /// It should have been read and could not be, and why.
    Failed(String),
}

/// Imports every pickle below `from` into run directories below `into`.
pub fn import(from: &Path, into: &Path, build: Build, see: impl FnMut(&Imported)) -> Result<Vec<Imported>, Fault> {
    import_of(from, into, None, build, see)
}

/// The same for runs that the published scripts made with another model: its name, where the files' own does not say it.
pub fn import_of(
    from: &Path,
    into: &Path,
    model: Option<&str>,
    build: Build,
    mut see: impl FnMut(&Imported),
) -> Result<Vec<Imported>, Fault> {
    let mut files = Vec::new();
    find(from, &mut files, 0)?;
    files.sort();
    if files.is_empty() {
        return Err(Fault::new(format!(
            "{} holds no pickle (`*.pkl`); the authors keep theirs in folders such as `llama3_data`",
            from.display()
        )));
    }
    let pools = pools_of_bias_tests(&files, model);
    let mut done = Vec::new();
    for file in files {
        let outcome = match Condition::of(&file, &pools, model) {
            Ok(condition) => match write(&file, &condition, into, build) {
                Ok((dir, runs, interactions, copies)) => Outcome::Done { dir, runs, interactions, copies },
                Err(trouble) => Outcome::Failed(trouble.0),
            },
            Err(why) => Outcome::Skipped(why),
        };
        let imported = Imported { file, outcome };
        see(&imported);
        done.push(imported);
    }
    Ok(done)
}

fn find(folder: &Path, files: &mut Vec<PathBuf>, depth: usize) -> Result<(), Fault> {
    for entry in std::fs::read_dir(folder).map_err(at("reading the folder", folder))? {
        let path = entry.map_err(at("reading the folder", folder))?.path();
        if path.is_dir() && depth < 4 {
            find(&path, files, depth + 1)?;
        } else if path.extension().is_some_and(|extension| extension == "pkl") {
            files.push(path);
        }
    }
    Ok(())
}

/// What a file's name says.
#[derive(Clone, Debug, PartialEq)]
struct Condition {
    model: String,
    kind: Kind,
    names: Vec<String>,
    payoff: (i64, i64),
    memory: usize,
    size: u32,
    network: String,
    temperature: Option<f64>,
    /// How long a run without consensus was meant to last.
    length: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Baseline,
    Evolved,
    Swap {
        committed: u32,
    },
    /// One agent asked alone, with or without a memory.
    Individual,
}

/// How the published scripts call what they tested, behind the model.
const TESTS: [&str; 6] = ["converged_baseline_", "evolved_from_0_", "swap_0_", "no_memory_bias_test_", "bias_test_", "meta_"];

/// The model of a file and what its name says beside. A model that is not among the published ones is named by the user,
/// or as the file is, up to the test.
fn model_of<'s>(stem: &'s str, named: Option<&str>) -> Option<(String, &'s str)> {
    // The longest prefix comes first.
    const MODELS: [(&str, &str); 7] = [
        ("llama31_70b_", "Llama-3.1-70B-Instruct"),
        ("llama31_", "Llama-3.1-70B-Instruct"),
        ("llama3_70b_", "Llama-3-70B-Instruct"),
        ("llama3_", "Llama-3-70B-Instruct"),
        ("llama2_70b_", "Llama-2-70b-chat"),
        ("llama2_", "Llama-2-70b-chat"),
        ("claude_", "Claude-3.5-Sonnet"),
    ];
    let test = |rest: &str| TESTS.iter().any(|test| rest.starts_with(test));
    let known = MODELS.iter().find_map(|(prefix, model)| Some((*model, stem.strip_prefix(prefix).filter(|rest| test(rest))?)));
    let (model, rest) = match known {
        Some((model, rest)) => (model.to_string(), rest),
        None => {
            let at = TESTS.iter().filter_map(|test| stem.find(&format!("_{test}"))).min()?;
            (stem[..at].to_string(), &stem[at + 1..])
        }
    };
    Some((named.map_or(model, String::from), rest))
}

/// The names that each model was offered in its tests with a memory, which their files do not list: what is
/// found in all of them.
fn pools_of_bias_tests(files: &[PathBuf], named: Option<&str>) -> Vec<(String, Vec<String>)> {
    let mut pools: Vec<(String, BTreeSet<String>)> = Vec::new();
    for file in files {
        let stem = stem(file);
        let Some((model, rest)) = model_of(&stem, named) else { continue };
        if !rest.starts_with("bias_test_") {
            continue;
        }
        // One that cannot be read says so when its own turn comes.
        let Ok(value) = read(file) else { continue };
        let answers = get(&value, "tracker").and_then(|tracker| texts(get(tracker, "answers")?));
        let said = answers.into_iter().flatten().map(String::from);
        let seen = rest.trim_start_matches("bias_test_").chars().filter(|c| *c != '_').map(String::from);
        let place = pools.iter().position(|(known, _)| *known == model).unwrap_or_else(|| {
            pools.push((model.clone(), BTreeSet::new()));
            pools.len() - 1
        });
        pools[place].1.extend(said.chain(seen));
    }
    pools.into_iter().map(|(model, pool)| (model, pool.into_iter().rev().collect())).collect()
}

fn stem(file: &Path) -> String {
    file.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned())
}

impl Condition {
    fn of(file: &Path, pools: &[(String, Vec<String>)], named: Option<&str>) -> Result<Condition, String> {
        let stem = stem(file);
        let Some((model, rest)) = model_of(&stem, named) else {
            return Err("its name is not as the published scripts name files: a model, and then a test such as `_converged_baseline_Q_M_…`".into());
        };
        if rest.starts_with("meta_") {
            return Err("a comprehension test holds no decisions; not imported".into());
        }
        let alone = |names: Vec<String>| Condition {
            model: model.clone(),
            kind: Kind::Individual,
            names,
            payoff: (100, -50),
            memory: 5,
            size: 1,
            network: "complete".into(),
            temperature: None,
            length: None,
        };
        if let Some(rest) = rest.strip_prefix("no_memory_bias_test_") {
            let names = rest.split('_').next().unwrap_or("");
            return Ok(alone(names.chars().map(String::from).collect()));
        }
        if rest.starts_with("bias_test_") {
            let pool = pools.iter().find(|(known, _)| *known == model).map(|(_, pool)| pool.clone());
            return Ok(alone(pool.unwrap_or_default()));
        }
        let unknown = || format!("its name does not say its condition as the published files do: `{stem}`");
        let (kind, rest) = if let Some(rest) = rest.strip_prefix("converged_baseline_") {
            (Kind::Baseline, rest)
        } else if let Some(rest) = rest.strip_prefix("evolved_from_0_") {
            (Kind::Evolved, rest)
        } else if let Some((committed, rest)) = rest.strip_prefix("swap_0_").and_then(|rest| rest.split_once("cmtd_")) {
            (Kind::Swap { committed: committed.parse().map_err(|_| unknown())? }, rest)
        } else {
            return Err(unknown());
        };
        let mut parts: Vec<&str> = rest.split('_').collect();
        let number = |part: Option<&str>, suffix: &str| {
            part.and_then(|part| part.strip_suffix(suffix)).map(String::from).ok_or_else(unknown)
        };
        let temperature = number(parts.pop(), "tmp")?.parse().map_err(|_| unknown())?;
        let mut last = parts.pop();
        let length = last.and_then(|part| part.strip_suffix("ints")).map(|n| n.parse().map_err(|_| unknown())).transpose()?;
        if length.is_some() {
            last = parts.pop();
        }
        let size = number(last, "ps")?.parse().map_err(|_| unknown())?;
        let network = parts.pop().ok_or_else(unknown)?.to_string();
        let memory = number(parts.pop(), "mem")?.parse().map_err(|_| unknown())?;
        let success = parts.pop().and_then(|part| part.parse().ok()).ok_or_else(unknown)?;
        let failure = parts.pop().and_then(|part| part.parse().ok()).ok_or_else(unknown)?;
        let names: Vec<String> = parts.into_iter().map(String::from).collect();
        if names.len() < 2 || size < 2 || memory > 64 {
            return Err(unknown());
        }
        Ok(Condition {
            model,
            kind,
            names,
            payoff: (success, failure),
            memory,
            size,
            network,
            temperature: Some(temperature),
            length,
        })
    }

    /// The condition as an experiment, for `runs` recorded runs.
    fn experiment(
        &self,
        name: &str,
        runs: u64,
        alone: Option<&[[String; 2]]>,
        answers: u64,
        committed_to: Option<&str>,
    ) -> String {
        let quoted = |text: &str| toml::Value::from(text).to_string();
        let names = self.names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
        let temperature = self.temperature.map_or(String::new(), |t| format!(", temperature {t}"));
        let what = match self.kind {
            Kind::Baseline => "from empty memories until 72 successes in a row",
            Kind::Evolved => "from a consensus on the first name, with nobody committed",
            Kind::Swap { .. } => "from a consensus on the first name, with a committed minority",
            Kind::Individual => "one agent asked alone",
        };
        let mut text = format!(
            "# Recorded decisions of {}: {what}{temperature}.\n# Source: {SOURCE}.\n\nname = {}\nseed = 0\nreplicas = {}\n\n[population]\nsize = {}\n",
            self.model,
            quoted(name),
            runs.max(1),
            self.size
        );
        match (self.kind, alone) {
            (Kind::Evolved | Kind::Swap { .. }, _) => {
                text.push_str(&format!("start = {{ consensus = {} }}\n", quoted(&self.names[0])))
            }
            (Kind::Individual, Some(memory)) if !memory.is_empty() => {
                let rounds = memory.iter().map(|[own, partner]| format!("[{}, {}]", quoted(own), quoted(partner)));
                text.push_str(&format!("start = {{ memory = [{}] }}\n", rounds.collect::<Vec<_>>().join(", ")));
            }
            _ => (),
        }
        match self.kind {
            Kind::Individual => {
                text.push_str(&format!("\n[game]\nkind = \"individual\"\nnames = [{names}]\nmemory = {}\n", self.memory))
            }
            _ => text.push_str(&format!(
                "\n[game]\nkind = \"coordination\"\nnames = [{names}]\npayoff = {{ success = {}, failure = {} }}\nmemory = {}\n",
                self.payoff.0, self.payoff.1, self.memory
            )),
        }
        text.push_str(&format!(
            "\n[agents]\nkind = \"recorded\"\nmodel = {}\nsource = {}\n",
            quoted(&self.model),
            quoted(SOURCE)
        ));
        let committed = match self.kind {
            Kind::Swap { committed } => Some(committed),
            // The control of the committed minorities: the same runs with nobody committed.
            Kind::Evolved => Some(0),
            Kind::Baseline | Kind::Individual => None,
        };
        if let (Some(committed), Some(name)) = (committed, committed_to) {
            text.push_str(&format!("\n[agents.committed]\nname = {}\ncount = {committed}\n", quoted(name)));
        }
        match self.kind {
            Kind::Baseline => text.push_str("\n[stop]\nconsensus = { window = 72 }\n"),
            Kind::Evolved | Kind::Swap { .. } => {
                text.push_str(&format!("\n[stop]\ninteractions = {}\n", self.length.unwrap_or(1000)))
            }
            Kind::Individual => text.push_str(&format!("\n[stop]\ninteractions = {}\n", answers.max(1))),
        }
        text
    }
}

/// One recorded run.
struct Recorded {
    number: i64,
    events: Vec<PairEvent>,
    /// What each agent remembered at the start, oldest first.
    memories: Vec<Vec<[String; 2]>>,
    committed: Vec<AgentId>,
    committed_to: Option<String>,
}

type Written = (PathBuf, u64, u64, Option<String>);

fn write(file: &Path, condition: &Condition, into: &Path, build: Build) -> Result<Written, Fault> {
    let name = stem(file);
    let dir = into.join(&name);
    let started = now();
    let value = read(file)?;
    let wrong = |why: String| Fault::new(format!("{}: {why}", file.display()));
    let words = WordColumns::new(&condition.names);
    let (recorded, alone) = match condition.kind {
        Kind::Individual => individual(&value, &words).map(|(run, memory)| (vec![run], Some(memory))),
        _ => population(&value, condition, &words).map(|runs| (runs, None)),
    }
    .map_err(wrong)?;
    let answers = recorded.first().map_or(0, |run| run.events.len() as u64);
    let committed_to = recorded.iter().find_map(|run| run.committed_to.clone());
    let text = condition.experiment(&name, recorded.len() as u64, alone.as_deref(), answers, committed_to.as_deref());
    let points = Document::parse(EXPERIMENT, &text, &[]).and_then(|document| document.points()).map_err(Fault)?;
    std::fs::create_dir_all(&dir).map_err(at("making the folder", &dir))?;
    // A directory that is being written again is not finished until it is.
    let _ = std::fs::remove_file(dir.join(RUNS));
    write_whole(&dir.join(EXPERIMENT), text.as_bytes())?;
    write_whole(&dir.join(PLAN), plan(&points).as_bytes())?;
    let (rows, interactions) = tables(&dir, &points, &recorded, &words)?;
    let mut manifest = Manifest::new(build, 0, 1);
    manifest.models = vec![format!("{}: recorded; {SOURCE}", condition.model)];
    manifest.inputs.insert(
        file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
        sha256(file).map_err(at("reading", file))?,
    );
    manifest.started = started;
    manifest.ended = Some(now());
    manifest.exit = "finished".into();
    manifest.digest = Some(digest(&rows));
    manifest.write(&dir)?;
    table::write(&dir.join(RUNS), &runs_table(&points, &rows))?;
    let events: Vec<&[PairEvent]> = recorded.iter().map(|run| &run.events[..]).collect();
    let copies = duplicates::words(&duplicates::equal_runs(&events), recorded.len(), |i| i as u64);
    Ok((dir, rows.len() as u64, interactions, copies))
}

fn plan(points: &[Point]) -> String {
    let plan = toml::to_string(&points[0].experiment.plan()).expect("a plan is plain data");
    format!("# The recorded condition, with nothing left to default.\n{plan}")
}

fn tables(dir: &Path, points: &[Point], recorded: &[Recorded], words: &WordColumns) -> Result<(Vec<RunRow>, u64), Fault> {
    let experiment = &points[0].experiment;
    let mut interactions = Interactions::new(words);
    let mut read: Option<MeasureRows> = None;
    let mut rows = Vec::new();
    let mut memories: [Vec<i64>; 3] = [const { Vec::new() }; 3];
    let mut remembered: [Vec<&str>; 2] = [const { Vec::new() }; 2];
    for (run, one) in (0..).zip(recorded) {
        let committed = experiment.agents.committed.first().map(|committed| committed.name.as_str());
        let context = RunContext {
            empty_start: one.memories.iter().all(Vec::is_empty),
            committed: committed.map(|name| (words.name(name).expect("checked to be in the pool"), one.committed.clone())),
            alone: experiment.alone(),
            ..RunContext::of(experiment.size(), experiment.names().to_vec(), experiment.consensus())
        };
        let (mut measures, mut outcome) = (Measures::new(&context, &experiment.registry.measures), OutcomeSeen::new(&context));
        for event in &one.events {
            interactions.push(run, event);
            event.show(|event| {
                measures.see(event);
                outcome.see(event);
            });
        }
        measures.end();
        let read = read.get_or_insert_with(|| MeasureRows::new(measures.reads()));
        read.take(run, &mut measures.readings)?;
        let outcome = outcome.end();
        rows.push(RunRow {
            run,
            replica: one.number.max(0) as u64,
            seed: None,
            winner: outcome.winner.map(|name| context.word(name)),
            outcome,
            committed: one.committed.clone(),
        });
        for (agent, memory) in (1..).zip(&one.memories) {
            for (position, [own, partner]) in (0..).zip(memory) {
                [run as i64, agent, position].into_iter().zip(&mut memories).for_each(|(value, column)| column.push(value));
                remembered[0].push(own);
                remembered[1].push(partner);
            }
        }
    }
    let n = interactions.len() as u64;
    let mut file = interactions.create(&dir.join(INTERACTIONS))?;
    interactions.write(&mut file, words, true)?;
    file.finish()?;
    let mut read = read.unwrap_or_else(|| MeasureRows::new(&[]));
    let mut file = read.create(&dir.join(MEASURES))?;
    read.write(&mut file, true)?;
    file.finish()?;
    if !remembered[0].is_empty() {
        let mut columns: Vec<Column> =
            ["run", "agent", "position"].into_iter().zip(memories).map(|(name, values)| Column::ints(name, values)).collect();
        let sides = ["own", "partner"].into_iter().zip(remembered);
        columns.extend(sides.map(|(name, values)| Column::texts(name, values.into_iter().map(Some))));
        table::write(&dir.join(MEMORIES), &Table { columns })?;
    }
    Ok((rows, n))
}

/// A test of one agent alone: its answers, and what it remembered.
fn individual(value: &Value, words: &WordColumns) -> Result<(Recorded, Vec<[String; 2]>), String> {
    let player = get(value, "simulation").ok_or("there is no `simulation`")?;
    let answers = get(value, "tracker").and_then(|tracker| texts(get(tracker, "answers")?)).ok_or("there are no `answers`")?;
    let memory = memory_of(player)?;
    let event = |(t, answer): (u64, &str)| -> Result<PairEvent, String> {
        let name = words.name(answer).map_err(|why| format!("answer {t}: {why}"))?;
        Ok(PairEvent { t, agents: [0, NOBODY], names: [Some(name), None], success: None, invalid: [0; 2] })
    };
    let events = (0..).zip(answers).map(event).collect::<Result<_, _>>()?;
    let run = Recorded { number: 0, events, memories: vec![memory.clone()], committed: Vec::new(), committed_to: None };
    Ok((run, memory))
}

fn memory_of(player: &Value) -> Result<Vec<[String; 2]>, String> {
    let side = |key: &str| get(player, key).and_then(texts).ok_or_else(|| format!("a player without `{key}`"));
    let (own, partner) = (side("my_history")?, side("partner_history")?);
    if own.len() != partner.len() {
        return Err("a player whose own history is not as long as its partner's".into());
    }
    Ok(own.into_iter().zip(partner).map(|(own, partner)| [own.to_string(), partner.to_string()]).collect())
}

/// The runs of a population: entries of the dictionary that are numbered.
fn population(value: &Value, condition: &Condition, words: &WordColumns) -> Result<Vec<Recorded>, String> {
    let Value::Dict(entries) = value else { return Err("it is no dictionary of runs".into()) };
    let mut runs = Vec::new();
    for (key, run) in entries {
        if let HashableValue::I64(number) = key {
            runs.push(one_run(*number, run, condition, words).map_err(|why| format!("run {number}: {why}"))?);
        }
    }
    if runs.is_empty() {
        return Err("it holds no numbered run".into());
    }
    runs.sort_by_key(|run| run.number);
    Ok(runs)
}

fn one_run(number: i64, run: &Value, condition: &Condition, words: &WordColumns) -> Result<Recorded, String> {
    let tracker = get(run, "tracker").ok_or("there is no `tracker`")?;
    let part = |key: &str| get(tracker, key).and_then(list).ok_or_else(|| format!("the tracker has no list `{key}`"));
    let (players, answers, outcomes) = (part("players")?, part("answers")?, part("outcome")?);
    if players.len() != answers.len() || players.len() != outcomes.len() {
        return Err("players, answers and outcomes are not equally many".into());
    }
    let agent = |value: &Value| {
        let id = int(value).filter(|id| (1..=i64::from(condition.size)).contains(id));
        id.map(|id| (id - 1) as AgentId).ok_or_else(|| format!("a player that is not among 1 to {}", condition.size))
    };
    let mut events = Vec::with_capacity(players.len());
    let mut played = vec![Vec::new(); condition.size as usize];
    for (t, ((pair, said), outcome)) in (0..).zip(players.iter().zip(answers).zip(outcomes)) {
        let (Some([a, b]), Some(said)) = (list(pair), texts(said)) else {
            return Err(format!("interaction {t} is not a pair of players"));
        };
        let [said_a, said_b] = said[..] else { return Err(format!("interaction {t} has not two answers")) };
        let names = [words.name(said_a)?, words.name(said_b)?];
        let agents = [agent(a)?, agent(b)?];
        let success = names[0] == names[1];
        if int(outcome).is_some_and(|outcome| (outcome == 1) != success) {
            return Err(format!("interaction {t}: the outcome does not fit the answers"));
        }
        for (i, j) in [(0, 1), (1, 0)] {
            played[agents[i] as usize].push([said[i].to_string(), said[j].to_string()]);
        }
        events.push(PairEvent { t, agents, names: names.map(Some), success: Some(success), invalid: [0; 2] });
    }
    let Some(Value::Dict(simulation)) = get(run, "simulation") else { return Err("there is no `simulation`".into()) };
    let mut memories = vec![Vec::new(); condition.size as usize];
    let mut committed = Vec::new();
    for (key, player) in simulation {
        let HashableValue::I64(id) = key else { return Err("a player without a number".into()) };
        let agent = agent(&Value::I64(*id))?;
        let history = memory_of(player)?;
        let played = &played[agent as usize];
        // A history is what the player started with and then what it played.
        let start = history.len().checked_sub(played.len()).filter(|&start| history[start..] == played[..]);
        let start = start.ok_or_else(|| format!("the history of player {id} does not end with what it played"))?;
        memories[agent as usize] = history[..start].to_vec();
        if get(player, "committed_tag") == Some(&Value::Bool(true)) {
            committed.push(agent);
        }
    }
    committed.sort_unstable();
    if let Kind::Swap { committed: named } = condition.kind
        && committed.len() != named as usize
    {
        return Err(format!("{} players are committed, and the file's name says {named}", committed.len()));
    }
    let committed_to = get(run, "convergence").and_then(|convergence| get(convergence, "committed_to"));
    let committed_to = match committed_to {
        Some(Value::String(name)) => Some(name.clone()),
        _ => None,
    };
    Ok(Recorded { number, events, memories, committed, committed_to })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(name: &str) -> Result<Condition, String> {
        Condition::of(Path::new(name), &[("Claude-3.5-Sonnet".into(), vec!["Q".into(), "M".into()])], None)
    }

    #[test]
    fn a_files_name_says_its_condition() {
        let baseline = condition("llama3_70b_converged_baseline_Alice_Bob_-50_100_3mem_complete_24ps_0.5tmp.pkl").unwrap();
        assert_eq!((baseline.model.as_str(), baseline.kind), ("Llama-3-70B-Instruct", Kind::Baseline));
        assert_eq!(
            (baseline.names, baseline.payoff, baseline.memory, baseline.size),
            (vec!["Alice".into(), "Bob".into()], (100, -50), 3, 24)
        );
        let swap = condition("llama2_swap_0_16cmtd_M_Q_-50_100_5mem_complete_24ps_0.5tmp.pkl").unwrap();
        assert_eq!(swap.kind, Kind::Swap { committed: 16 });
        let evolved = condition("claude_evolved_from_0_X_Y_-50_100_5mem_complete_24ps_500ints_0.5tmp.pkl").unwrap();
        assert_eq!((evolved.kind, evolved.length), (Kind::Evolved, Some(500)));
        let test = condition("llama31_no_memory_bias_test_QMXYFJPRCD_0mem.pkl").unwrap();
        assert_eq!((test.kind, test.names.len()), (Kind::Individual, 10));
        assert_eq!(condition("claude_bias_test_MM_MQ.pkl").unwrap().names, ["Q", "M"]);
    }

    #[test]
    fn another_model_is_called_as_its_files_are_or_as_the_user_says() {
        let name = "gpt4o_mini_converged_baseline_Q_M_-50_100_5mem_complete_24ps_0.5tmp.pkl";
        assert_eq!(condition(name).unwrap().model, "gpt4o_mini");
        assert_eq!(Condition::of(Path::new(name), &[], Some("GPT-4o mini")).unwrap().model, "GPT-4o mini");
    }

    #[test]
    fn a_name_that_says_something_else_is_refused() {
        assert!(condition("gpt_converged_baseline_Q_M.pkl").unwrap_err().contains("does not say its condition"));
        assert!(condition("holiday.pkl").unwrap_err().contains("not as the published scripts name files"));
        assert!(condition("llama3_70b_converged_baseline_Q_M_complete_24ps_0.5tmp.pkl").is_err());
        assert!(condition("claude_meta_prompting_final.pkl").unwrap_err().contains("comprehension"));
    }
}
