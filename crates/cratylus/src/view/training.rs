//! One training, finished or going on: its losses, what the model writes, and its card.

use super::asked::Wrong;
use super::stamps::one_stamp;
use cratylus_io::conduct::held;
use cratylus_io::store::table;
use cratylus_io::training::{CARD, COURSE, PLAN, PROGRESS, TRAINING, Told, card, course, thinned_of};
use serde_json::{Value, json};
use std::path::Path;

/// The files that are read of a training, and so must be ordinary ones.
pub const FILES: [&str; 5] = [CARD, COURSE, PLAN, PROGRESS, TRAINING];

/// Whether a folder is one of a training.
pub fn is_one(dir: &Path) -> bool {
    dir.join(PLAN).is_file()
}

/// What changes when anything of it does.
pub fn stamp(dir: &Path) -> String {
    [PLAN, PROGRESS, CARD].iter().map(|file| one_stamp(&dir.join(file))).collect::<Vec<_>>().join(" ")
}

fn state(dir: &Path) -> &'static str {
    match (dir.join(CARD).exists(), held(dir)) {
        (true, _) => "finished",
        (false, true) => "running",
        (false, false) => "stopped",
    }
}

fn plan(dir: &Path) -> Option<toml::Table> {
    toml::from_str(&std::fs::read_to_string(dir.join(PLAN)).ok()?).ok()
}

fn told(dir: &Path) -> Option<Told> {
    serde_json::from_slice(&std::fs::read(dir.join(PROGRESS)).ok()?).ok()
}

/// A line on it: its name, how it stands, and how far it is.
pub fn line(id: &str, dir: &Path, stamp: &str) -> Value {
    let plan = plan(dir).unwrap_or_default();
    let steps = plan.get("train").and_then(|train| train.get("steps")).and_then(toml::Value::as_integer).unwrap_or(0);
    let state = state(dir);
    let step = match state {
        "finished" => steps,
        _ => told(dir).map_or(0, |told| told.step as i64),
    };
    let begun = std::fs::metadata(dir.join(PLAN)).and_then(|about| about.modified()).ok();
    json!({
        "id": id,
        "kind": "training",
        "name": plan.get("name").and_then(toml::Value::as_str).unwrap_or(id),
        "state": state,
        "step": step,
        "steps": steps,
        "started": begun.map(cratylus_io::whole::as_text),
        "stamp": stamp,
    })
}

/// All that there is to show of it.
pub fn describe(id: &str, dir: &Path) -> Result<Value, Wrong> {
    let mut told_of = line(id, dir, &stamp(dir));
    let series = |points: &[(u64, f64)]| {
        let (x, y): (Vec<u64>, Vec<f64>) = points.iter().copied().unzip();
        json!({ "x": x, "y": y })
    };
    let (losses, names, evaluated) = match dir.join(CARD).exists() {
        true => {
            let card = card(dir)?;
            let table = table::read(&dir.join(TRAINING), Some(&["step", "loss"]))?;
            let steps: Vec<Option<i64>> = table.ints("step").map_err(Wrong::asked)?.to_vec();
            let losses: Vec<Option<f64>> = table.floats("loss").map_err(Wrong::asked)?.to_vec();
            let steps: Vec<(u64, f64)> =
                steps.iter().zip(losses).filter_map(|(step, loss)| Some(((*step)? as u64, loss?))).collect();
            told_of["tokens"] = card.tokens.into();
            let names: Vec<String> = card.ledger.ingredients.iter().map(|entry| entry.name.clone()).collect();
            told_of["card"] = serde_json::to_value(&card).expect("plain data");
            // A model of an earlier version has none.
            (thinned_of(&steps), names, course(dir).unwrap_or_default())
        }
        false => match told(dir) {
            Some(told) => {
                told_of["tokens"] = told.tokens.into();
                if told_of["state"] == "running" {
                    (told_of["tokens_per_second"], told_of["seconds_left"]) =
                        (told.tokens_per_second.into(), told.seconds_left.into());
                }
                (told.losses, told.ingredients, told.evaluated)
            }
            None => (Vec::new(), Vec::new(), Vec::new()),
        },
    };
    told_of["loss"] = series(&losses);
    let ingredient = |(i, name): (usize, &String)| {
        let points: Vec<(u64, f64)> = evaluated.iter().filter_map(|at| Some((at.step, *at.losses.get(i)?))).collect();
        let mut of = series(&points);
        of["name"] = name.as_str().into();
        of
    };
    told_of["ingredients"] = names.iter().enumerate().map(ingredient).collect();
    told_of["samples"] = evaluated.iter().map(|at| json!({ "step": at.step, "text": at.sample })).collect();
    Ok(told_of)
}
