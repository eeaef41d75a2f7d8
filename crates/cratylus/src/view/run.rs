//! One run directory: what its report says, its plan, its runs one by one, and their measures.

use super::asked::{Query, Wrong};
use crate::caller::registry;
use crate::report;
use crate::signals;
use cratylus_core::experiment::Experiment;
use cratylus_core::watch::readings::Readings;
use cratylus_io::store::names::{ACTS, CALLS, INTERACTIONS, MEASURES, PROMPTS, RUNS};
use cratylus_io::store::run_dir::RunDir;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// Of a sweep of more points than these, no more plans are shown.
const PLANS: usize = 200;
/// Readings of a measure that are shown.
const READINGS: usize = 2000;
/// The most interactions of a run whose population is shown: so many are held in memory.
pub const INTERACTIONS_MAX: u64 = 2_000_000;
/// The most agents.
pub const SIZE_MAX: u64 = 100_000;

/// Who plays, in words: `emulated llama-3-70b`.
pub fn agents(experiment: &Experiment) -> Vec<String> {
    let kinds = experiment.agents.kinds.iter().map(|(_, kind)| {
        let model = ["model", "file", "rule"].iter().find_map(|key| kind.plan.get(*key)?.as_str());
        model.map_or_else(|| kind.kind.to_string(), |model| format!("{} {model}", kind.kind))
    });
    let committed = experiment
        .agents
        .committed
        .iter()
        .map(|group| format!("{} committed to {}", group.count(experiment.population.size), group.name));
    kinds.chain(committed).collect()
}

pub fn describe(id: &str, path: &Path, stamp: &str, state: &str, says: Option<String>) -> Result<Value, Wrong> {
    if signals::meant(path) {
        return Ok(signals::seen(id, path, stamp, state, says)?);
    }
    let dir = RunDir::open_so_far(path, &registry())?;
    let report = report::page_so_far(path)?;
    let mut done = vec![0u64; dir.points.len()];
    let rows = dir.rows()?;
    rows.iter().for_each(|row| done[dir.place(row.run)] += 1);
    let experiment = &dir.points[0].experiment;
    let sequential = experiment.sequential.is_some();
    let points: Vec<Value> = dir
        .points
        .iter()
        .zip(&done)
        .enumerate()
        // Values that a search for a threshold passed over have nothing to show.
        .filter(|(_, (_, done))| !sequential || **done > 0)
        .map(|(i, (point, done))| {
            json!({
                "label": if point.settings.is_empty() { point.experiment.name.clone() } else { point.label(|_| true) },
                "point": i,
                "first": i as u64 * experiment.replicas,
                "runs": if sequential { *done } else { experiment.replicas },
                "done": done,
                "size": point.experiment.size(),
                "names": point.experiment.names(),
            })
        })
        .collect();
    let plan = dir.points.iter().take(PLANS).map(|point| {
        let mut plan = plain(&toml::Value::Table(point.experiment.plan()));
        plan["swept"] =
            Value::Object(point.settings.iter().map(|setting| (setting.key.clone(), plain(&setting.value))).collect());
        plan
    });
    let asked = dir.experiment.parse::<toml::Table>().map(|table| plain(&toml::Value::Table(table))).unwrap_or(Value::Null);
    let tables = [RUNS, INTERACTIONS, ACTS, MEASURES, CALLS, PROMPTS].iter().filter(|table| path.join(table).exists());
    let no_population = no_population(experiment).or_else(|| {
        let short = rows.iter().any(|row| row.outcome.interactions <= INTERACTIONS_MAX);
        (!short && !rows.is_empty()).then(too_long)
    });
    Ok(json!({
        "id": id,
        "state": state,
        "says": says,
        "stamp": stamp,
        "runs": if dir.finished { Some(rows.len() as u64) } else if sequential { None } else { Some(experiment.replicas * dir.points.len() as u64) },
        "done": rows.len(),
        "live": dir.points.iter().any(|point| point.experiment.live()),
        "report": report,
        "asked": asked,
        "plan": plan.collect::<Vec<_>>(),
        "points": points,
        "tables": tables.map(|table| table.trim_end_matches(".parquet")).collect::<Vec<_>>(),
        "calls": path.join(CALLS).exists() || path.join(cratylus_io::store::names::TAPE).exists(),
        "population": no_population.is_none(),
        "staged": experiment.game.spec.stage().is_some() && path.join(ACTS).exists(),
        "no_population": no_population,
    }))
}

/// Why no population is shown.
pub fn no_population(experiment: &Experiment) -> Option<String> {
    match () {
        () if experiment.population.engine == cratylus_core::experiment::Followed::Counts => {
            Some("agents were counted here, so nobody is anyone".into())
        }
        () if experiment.game.spec.stage().is_some() => {
            Some("agents of a scene act, and have no name that could be shown".into())
        }
        () if experiment.size() > SIZE_MAX => Some(format!("the viewer shows populations of up to {SIZE_MAX} agents")),
        () => None,
    }
}

/// Why a run is not shown that has more interactions than are held in memory.
pub fn too_long() -> String {
    format!("the viewer shows runs of up to {} interactions, and these are longer", crate::words::count(INTERACTIONS_MAX))
}

/// TOML as JSON; what JSON has no number for is text.
fn plain(value: &toml::Value) -> Value {
    match value {
        toml::Value::Table(table) => {
            Value::Object(table.iter().map(|(key, value)| (key.clone(), plain(value))).collect::<Map<_, _>>())
        }
        toml::Value::Array(list) => list.iter().map(plain).collect(),
        toml::Value::String(text) => text.clone().into(),
        toml::Value::Integer(n) => (*n).into(),
        toml::Value::Float(x) if x.is_finite() => (*x).into(),
        toml::Value::Boolean(yes) => (*yes).into(),
        other => other.to_string().into(),
    }
}

/// A page of the runs of a point.
pub fn replicas(path: &Path, query: &Query) -> Result<Value, Wrong> {
    let dir = RunDir::open_so_far(path, &registry())?;
    let (point, from, n): (usize, usize, usize) = (query.number("point", 0)?, query.number("from", 0)?, query.number("n", 1000)?);
    let rows: Vec<_> = dir.rows()?.into_iter().filter(|row| dir.place(row.run) == point).collect();
    let shown = rows.iter().skip(from).take(n.min(10_000)).map(|row| {
        let outcome = &row.outcome;
        json!({
            "run": row.run, "replica": row.replica, "seed": row.seed.map(|seed| seed.to_string()),
            "interactions": outcome.interactions, "rounds": outcome.rounds,
            "consensus": outcome.consensus, "winner": row.winner, "rounds_to_consensus": outcome.rounds_to_consensus,
            "success_rate": outcome.success_rate, "void_share": outcome.void_share,
            "tipped": outcome.tipped, "minority_share": outcome.minority_share,
        })
    });
    Ok(json!({ "total": rows.len(), "rows": shown.collect::<Vec<_>>() }))
}

/// The measures of a run by population round.
pub fn series(path: &Path, query: &Query) -> Result<Value, Wrong> {
    let dir = RunDir::open_so_far(path, &registry())?;
    let run: u64 = query.number("run", 0)?;
    let size = dir.point(run).experiment.size() as f64;
    let mut measures: BTreeMap<String, [Vec<f64>; 2]> = BTreeMap::new();
    for reading in dir.readings(run)?.iter().flat_map(Readings::iter) {
        let [rounds, values] = measures.entry(reading.measure.to_string()).or_default();
        rounds.push(reading.t as f64 / size);
        values.push(reading.value);
    }
    let measures = measures.into_iter().map(|(name, [rounds, values])| {
        let step = rounds.len().div_ceil(READINGS).max(1);
        let last = rounds.len() - 1;
        let thin = |values: Vec<f64>| {
            let kept = values.into_iter().enumerate().filter(|(i, _)| i % step == 0 || *i == last);
            kept.map(|(_, value)| value).collect::<Vec<_>>()
        };
        (name, json!({ "round": thin(rounds), "value": thin(values) }))
    });
    Ok(json!({ "run": run, "measures": measures.collect::<Map<_, _>>() }))
}
