//! Reads run directories into what audits see: conditions, and their runs with all events.

use crate::store::run_dir::{RunDir, declared_start};
use cratylus_audit::evidence::{Condition, Record};
use cratylus_core::experiment::Point;
use cratylus_core::fault::{Fault, at};
use cratylus_core::policy::Round;
use cratylus_core::spec::Registry;
use cratylus_core::{Name, PairEvent};
use std::path::Path;
use std::sync::Arc;

/// Beyond so many interactions of a condition, further runs are not read: what they could add no interval would show.
const INTERACTIONS_MAX: usize = 2_000_000;

/// The conditions of a run directory: the points of its sweep.
pub fn conditions(path: &Path, registry: &Arc<Registry>) -> Result<Vec<Condition>, Fault> {
    of_dir(&RunDir::open(path, registry)?)
}

fn of_dir(dir: &RunDir) -> Result<Vec<Condition>, Fault> {
    dir.follows()?;
    let new = |point: &Point| Condition {
        label: label(point),
        agents: agents(point),
        point: point.clone(),
        runs: Vec::new(),
        read_elsewhere: point.experiment.agents.kinds.iter().any(|(_, kind)| kind.kind == "recorded"),
        cautions: Vec::new(),
    };
    let mut conditions: Vec<Condition> = dir.points.iter().map(new).collect();
    let strange = crate::store::belonging::strange(dir);
    conditions.iter_mut().for_each(|condition| condition.cautions.extend(strange.iter().cloned()));
    let starts = dir.memories()?;
    let mut read = vec![0usize; conditions.len()];
    let mut skipped = vec![0u64; conditions.len()];
    dir.each_told(|row, told: &[(PairEvent, [Option<Name>; 2])]| {
        let place = dir.place(row.run);
        let experiment = &dir.points[place].experiment;
        if read[place] > INTERACTIONS_MAX {
            skipped[place] += 1;
            return Ok(());
        }
        read[place] += told.len();
        let name = |word: &String| experiment.names().iter().position(|known| known == word).map(|place| place as u16);
        let round = |[own, partner]: &[String; 2]| -> Option<Round> { Some([name(own)?, name(partner)?]) };
        let memories = starts.get(&row.run).cloned().unwrap_or_else(|| declared_start(experiment));
        let memories: Option<Vec<Vec<Round>>> = memories.iter().map(|memory| memory.iter().map(round).collect()).collect();
        let memories =
            memories.ok_or("a starting memory holds a name that is not in the pool").map_err(at("reading", &dir.path))?;
        let shown = told.iter().any(|(_, first)| first.iter().any(Option::is_some));
        let mut committed = row.committed.clone();
        committed.sort_unstable();
        conditions[place].runs.push(Record {
            outcome: row.outcome,
            events: told.iter().map(|(event, _)| *event).collect(),
            starts: memories,
            committed,
            shown_first: if shown { told.iter().map(|(_, first)| *first).collect() } else { Vec::new() },
        });
        Ok(())
    })?;
    for (condition, skipped) in conditions.iter_mut().zip(skipped).filter(|(_, skipped)| *skipped > 0) {
        let read = condition.runs.len();
        condition.cautions.push(format!("of {} runs, the first {read} were audited", read as u64 + skipped));
    }
    // Where a threshold was looked for, most of the values that a key might have taken were not run.
    conditions.retain(|condition| !condition.runs.is_empty() || condition.point.experiment.sequential.is_none());
    Ok(conditions)
}

/// Who plays, in a word.
fn agents(point: &Point) -> String {
    let kinds = point.experiment.agents.kinds.iter().map(|(_, kind)| {
        let word = |key: &str| kind.plan.get(key).and_then(toml::Value::as_str);
        word("model").or(word("file")).unwrap_or(kind.kind).to_string()
    });
    kinds.collect::<Vec<_>>().join(" and ")
}

fn label(point: &Point) -> String {
    let experiment = &point.experiment;
    let set = point.label(|_| true);
    if !set.is_empty() {
        return set;
    }
    let [(_, kind)] = &experiment.agents.kinds[..] else { return experiment.name.clone() };
    if kind.kind != "recorded" {
        return experiment.name.clone();
    }
    let mut label = format!("{}: {}", agents(point), experiment.names().join(" "));
    if experiment.alone() {
        let start = &experiment.population.start;
        let memory = start.memory.as_ref().map_or(String::new(), |memory| {
            let side = |own: usize| memory.iter().map(|round| round[own].as_str()).collect::<Vec<_>>().join("");
            format!(", memory {}_{}", side(0), side(1))
        });
        return format!("{label}, asked alone{memory}");
    }
    label += &format!(", H = {}, N = {}", experiment.memory(), experiment.size());
    if let Some(name) = &experiment.population.start.consensus {
        label += &format!(", from {name}");
    }
    if let Some(committed) = experiment.agents.committed.first().filter(|_| experiment.n_committed() > 0) {
        label += &format!(", {} committed to {}", experiment.n_committed(), committed.name);
    }
    label
}
