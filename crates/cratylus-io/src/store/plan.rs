//! The plan of a directory: every point with nothing left to default, which decides what belongs into it.

use crate::store::table;
use cratylus_core::World;
use cratylus_core::experiment::Point;
use cratylus_core::summary::RunRow;
use std::collections::BTreeMap;

/// A hash over the digests of all runs, in hex.
pub fn digest(rows: &[RunRow]) -> String {
    use sha2::Digest;
    let mut hasher = sha2::Sha256::new();
    rows.iter().for_each(|row| hasher.update(row.outcome.digest.0.to_le_bytes()));
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Everything that decides the results, with nothing left to default: the text of `plan.toml`.
pub(crate) fn plan(inputs: &BTreeMap<String, String>, worlds: &[World], points: &[Point]) -> String {
    let mut plan = toml::Table::new();
    plan.insert("format".into(), table::FORMAT.into());
    let inputs = inputs.iter().map(|(file, hash)| (file.clone(), toml::Value::from(hash.clone())));
    plan.insert("inputs".into(), toml::Table::from_iter(inputs).into());
    let models = World::each_once(worlds, |world| &world.identities);
    plan.insert("models".into(), toml::Value::Array(models.into_iter().map(toml::Value::from).collect()));
    plan.insert("points".into(), points_of(points));
    let text = toml::to_string(&plan).expect("a plan is plain data");
    format!("# Everything that decides the results of this directory, with nothing left to default.\n{text}")
}

/// What each point sets and is, with nothing left to default.
pub(crate) fn points_of(points: &[Point]) -> toml::Value {
    let points = points.iter().map(|point| {
        let mut table = toml::Table::new();
        let settings = point.settings.iter().map(|setting| (setting.key.clone(), setting.value.clone()));
        table.insert("swept".into(), toml::Table::from_iter(settings).into());
        table.extend(point.experiment.plan());
        toml::Value::Table(table)
    });
    toml::Value::Array(points.collect())
}

/// What differs between two plans, a line each.
pub(crate) fn differences(before: &str, after: &str) -> Vec<String> {
    let flat = |text: &str| {
        let mut out = BTreeMap::new();
        if let Ok(table) = text.parse::<toml::Table>() {
            flatten(String::new(), &toml::Value::Table(table), &mut out);
        }
        out
    };
    let (before, after) = (flat(before), flat(after));
    let mut lines = Vec::new();
    for key in before.keys().chain(after.keys().filter(|key| !before.contains_key(*key))) {
        let show = |value: Option<&String>| value.cloned().unwrap_or_else(|| "nothing".into());
        if before.get(key) != after.get(key) {
            lines.push(format!("{key}: was {}, is now {}", show(before.get(key)), show(after.get(key))));
        }
    }
    lines
}

fn flatten(key: String, value: &toml::Value, out: &mut BTreeMap<String, String>) {
    let under = |part: &str| if key.is_empty() { part.to_string() } else { format!("{key}.{part}") };
    match value {
        toml::Value::Table(table) => table.iter().for_each(|(part, value)| flatten(under(part), value, out)),
        toml::Value::Array(list) if list.iter().any(toml::Value::is_table) => {
            list.iter().enumerate().for_each(|(i, value)| flatten(under(&i.to_string()), value, out));
        }
        other => drop(out.insert(key, other.to_string())),
    }
}
