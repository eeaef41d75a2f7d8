//! Trainings as tables: written once all runs are over, and read back for tables, reports and audits.

use super::job::{Point, SignalJob};
use super::record::{Crossed, MeasuredOnce, RunRecord, Seen, Tried};
use crate::messages::words_or_numbers;
use crate::store::names::{CROSS, ITEMS, MEASURES, MESSAGES, RUNS, TRAINING};
use crate::store::table::{self, Column, Table, Values};
use crate::whole::write_whole;
use cratylus_core::Seed;
use cratylus_core::fault::{Fault, at};
use cratylus_neural::signals::Training;
use safetensors::tensor::{Dtype, TensorView};
use std::collections::BTreeMap;
use std::path::Path;

/// More numbers of features than these are not kept in the table of items: they stand in the file that the experiment names.
const FEATURES: usize = 20_000_000;

/// The folder of weights.
const PARAMETERS: &str = "parameters";

fn floats(name: &str, values: impl IntoIterator<Item = Option<f64>>) -> Column {
    Column::new(name, Values::Float(values.into_iter().map(|value| value.filter(|value| value.is_finite())).collect()))
}

fn ints(name: &str, values: impl IntoIterator<Item = u64>) -> Column {
    Column::ints(name, values.into_iter().map(|value| value as i64))
}

fn words(name: &str, values: impl IntoIterator<Item = String>) -> Column {
    let values: Vec<String> = values.into_iter().collect();
    Column::texts(name, values.iter().map(|value| Some(value.as_str())))
}

/// The name of a control's column: `success_permuted`, `success_permuted_held_out`.
fn column_of(tried: &Tried) -> String {
    let control = tried.control.replace('-', "_");
    let control = if control == "as_trained" { String::new() } else { format!("_{control}") };
    format!("success{control}{}", if tried.held_out { "_held_out" } else { "" })
}

pub(super) fn write(job: &SignalJob<'_>, dir: &Path, records: &[RunRecord]) -> Result<(), Fault> {
    let replicas = job.points[0].experiment.replicas;
    let point = |record: &RunRecord| &job.points[(record.run / replicas) as usize];
    training(dir, records)?;
    messages(dir, records)?;
    items(job, dir, records)?;
    cross(dir, records)?;
    measures(dir, records)?;
    // The table of runs comes last, and means that the rest is there.
    let mut columns = vec![ints("run", records.iter().map(|record| record.run))];
    for (k, setting) in job.points[0].settings.iter().enumerate() {
        let values: Vec<&toml::Value> = records.iter().map(|record| &point(record).settings[k].value).collect();
        columns.push(swept(&setting.key, &values));
    }
    columns.push(ints("replica", records.iter().map(|record| record.replica)));
    columns.push(Column::new("seed", Values::UInt(records.iter().map(|record| Some(record.seed)).collect())));
    columns.push(ints("steps", records.iter().map(|record| record.steps)));
    let reached = records.iter().map(|record| record.reached.map(|steps| steps as i64)).collect();
    columns.push(Column::new("steps_to_success", Values::Int(reached)));
    columns.push(floats("chance", records.iter().map(|record| Some(record.chance))));
    let mut names: Vec<String> = Vec::new();
    for tried in records.iter().flat_map(|record| &record.tried) {
        let name = column_of(tried);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    for name in names {
        let of = |record: &RunRecord| record.tried.iter().find(|one| column_of(one) == name).map(|one| one.success);
        columns.push(floats(&name, records.iter().map(of)));
    }
    columns.push(ints("items", records.iter().map(|record| record.items)));
    columns.push(floats("distinct_messages", records.iter().map(|record| Some(record.distinct_messages))));
    columns.push(floats("message_length", records.iter().map(|record| Some(record.message_length))));
    columns.push(words("parameters_digest", records.iter().map(|record| record.digest.clone())));
    table::write(&dir.join(RUNS), &Table { columns })
}

fn swept(key: &str, values: &[&toml::Value]) -> Column {
    if values.iter().all(|value| value.is_integer()) {
        return Column::new(key, Values::Int(values.iter().map(|value| value.as_integer()).collect()));
    }
    if values.iter().all(|value| value.is_integer() || value.is_float()) {
        let number = |value: &&toml::Value| value.as_float().or(value.as_integer().map(|n| n as f64));
        return Column::new(key, Values::Float(values.iter().map(number).collect()));
    }
    if values.iter().all(|value| value.is_bool()) {
        return Column::new(key, Values::Bool(values.iter().map(|value| value.as_bool()).collect()));
    }
    words(key, values.iter().map(|value| value.as_str().map_or_else(|| value.to_string(), String::from)))
}

fn training(dir: &Path, records: &[RunRecord]) -> Result<(), Fault> {
    let rows = || records.iter().flat_map(|record| record.readings.iter().map(move |seen| (record.run, seen)));
    let number = |name: &str, of: fn(&Seen) -> f64| floats(name, rows().map(|(_, seen)| Some(of(seen))));
    let columns = vec![
        ints("run", rows().map(|(run, _)| run)),
        ints("step", rows().map(|(_, seen)| seen.step)),
        ints("agent_a", rows().map(|(_, seen)| seen.sender)),
        ints("agent_b", rows().map(|(_, seen)| seen.receiver)),
        number("loss", |seen| seen.loss),
        number("success", |seen| seen.success),
        number("success_greedy", |seen| seen.success_greedy),
        number("entropy", |seen| seen.entropy),
        number("length", |seen| seen.length),
        number("baseline", |seen| seen.baseline),
        number("grad_norm", |seen| seen.grad_norm),
    ];
    table::write(&dir.join(TRAINING), &Table { columns })
}

fn spaced(symbols: &[u32]) -> String {
    symbols.iter().map(u32::to_string).collect::<Vec<_>>().join(" ")
}

fn messages(dir: &Path, records: &[RunRecord]) -> Result<(), Fault> {
    let rows = || records.iter().flat_map(|record| record.messages.iter().map(move |spoken| (record.run, spoken)));
    let columns = vec![
        ints("run", rows().map(|(run, _)| run)),
        ints("step", rows().map(|(_, spoken)| spoken.step)),
        ints("sender", rows().map(|(_, spoken)| spoken.sender)),
        ints("item", rows().map(|(_, spoken)| u64::from(spoken.item))),
        ints("sample", rows().map(|_| 0)),
        words("message", rows().map(|(_, spoken)| spaced(&spoken.message))),
        ints("length", rows().map(|(_, spoken)| spoken.message.len() as u64)),
        floats("logprob", rows().map(|(_, spoken)| Some(spoken.log_prob))),
        Column::new("success", Values::Bool(rows().map(|(_, spoken)| spoken.right).collect())),
        words("answer", rows().map(|(_, spoken)| spaced(&spoken.answer))),
    ];
    table::write(&dir.join(MESSAGES), &Table { columns })
}

/// A run, an item, whether it is learnt from, its class and its attributes.
type ItemRow = (u64, u64, bool, Option<String>, Vec<Option<String>>);

/// The items of each run: which are held out may differ.
fn items(job: &SignalJob<'_>, dir: &Path, records: &[RunRecord]) -> Result<(), Fault> {
    let replicas = job.points[0].experiment.replicas;
    let mut rows: Vec<ItemRow> = Vec::new();
    let mut widest = 0;
    // Of each run the features of all items; not of so many that the table would be larger than all else.
    let mut features: Vec<(Vec<f32>, usize)> = Vec::new();
    let mut numbers = 0;
    for record in records {
        let Point { experiment, items: file, .. } = &job.points[(record.run / replicas) as usize];
        let items = experiment.items(file.as_ref(), Seed(record.seed)).map_err(|(key, why)| Fault(format!("`{key}`: {why}")))?;
        widest = widest.max(items.sizes().len());
        let shown = file.as_ref().is_some_and(|file| !file.features.is_empty());
        numbers += if shown { items.len() * items.width() } else { 0 };
        features.push(match shown {
            true => ((0..items.len() as u32).flat_map(|item| items.features(item).to_vec()).collect(), items.width()),
            false => (vec![f32::NAN; items.len()], 1),
        });
        for item in 0..items.len() as u32 {
            let class = items.class(item).map(|class| match file {
                Some(file) => file.class_names[class as usize].clone(),
                None => class.to_string(),
            });
            let name = |(k, value): (usize, &u32)| match file.as_ref().and_then(|file| file.values.get(k)) {
                Some(names) => names[*value as usize].clone(),
                None => value.to_string(),
            };
            let attributes = items.attributes(item).iter().enumerate().map(|one| Some(name(one))).collect();
            rows.push((record.run, item.into(), items.learnt(item), class, attributes));
        }
    }
    if numbers == 0 || numbers > FEATURES {
        features.clear();
    }
    let mut columns = vec![
        ints("run", rows.iter().map(|row| row.0)),
        ints("item", rows.iter().map(|row| row.1)),
        Column::texts("split", rows.iter().map(|row| Some(if row.2 { "train" } else { "held-out" }))),
    ];
    if rows.iter().any(|row| row.3.is_some()) {
        columns.push(Column::texts("class", rows.iter().map(|row| row.3.as_deref())));
    }
    for k in 0..widest {
        let of: Vec<Option<&str>> = rows.iter().map(|row| row.4.get(k).and_then(Option::as_deref)).collect();
        columns.push(words_or_numbers(&format!("a_{}", k + 1), of));
    }
    for f in 0..features.iter().map(|(_, width)| *width).max().unwrap_or(0) {
        let of = features.iter().flat_map(|(numbers, width)| {
            numbers.chunks_exact((*width).max(1)).map(move |row| row.get(f).map(|&number| f64::from(number)))
        });
        columns.push(floats(&format!("f_{}", f + 1), of));
    }
    table::write(&dir.join(ITEMS), &Table { columns })
}

fn cross(dir: &Path, records: &[RunRecord]) -> Result<(), Fault> {
    let rows = || records.iter().flat_map(|record| record.cross.iter().map(move |one| (record.run, one)));
    let columns = vec![
        ints("run", rows().map(|(run, _)| run)),
        ints("step", rows().map(|(_, one)| one.step)),
        ints("sender", rows().map(|(_, one)| one.sender)),
        ints("receiver", rows().map(|(_, one)| one.receiver)),
        floats("success", rows().map(|(_, one)| Some(one.success))),
        floats("same", rows().map(|(_, one)| one.same)),
        floats("similarity", rows().map(|(_, one)| one.similarity)),
    ];
    table::write(&dir.join(CROSS), &Table { columns })
}

fn measures(dir: &Path, records: &[RunRecord]) -> Result<(), Fault> {
    let rows = || records.iter().flat_map(|record| record.measures.iter().map(move |one| (record.run, one)));
    let chance = |name: &str, at: usize| floats(name, rows().map(|(_, one)| one.chance.map(|chance| chance[at])));
    let columns = vec![
        ints("run", rows().map(|(run, _)| run)),
        ints("t", rows().map(|(_, one)| one.step)),
        ints("sender", rows().map(|(_, one)| one.sender)),
        words("measure", rows().map(|(_, one)| one.measure.clone())),
        floats("value", rows().map(|(_, one)| Some(one.value))),
        chance("chance", 0),
        chance("chance_95", 1),
        chance("p", 2),
    ];
    table::write(&dir.join(MEASURES), &Table { columns })
}

/// Writes the weights of a run as safetensors.
pub(super) fn write_parameters(dir: &Path, run: u64, training: &Training) -> Result<(), Fault> {
    let folder = dir.join(PARAMETERS);
    std::fs::create_dir_all(&folder).map_err(at("making the folder", &folder))?;
    let file = folder.join(format!("run-{run}.safetensors"));
    let named = training.parameters();
    let bytes: Vec<Vec<u8>> =
        named.iter().map(|tensor| tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect()).collect();
    let views = named
        .iter()
        .zip(&bytes)
        .map(|(tensor, bytes)| TensorView::new(Dtype::F32, tensor.shape.clone(), bytes).map(|view| (tensor.name.clone(), view)));
    let views = views.collect::<Result<Vec<_>, _>>().map_err(|error| at("writing", &file)(error.to_string()))?;
    let out = safetensors::serialize(views, None).map_err(|error| at("writing", &file)(error.to_string()))?;
    write_whole(&file, &out)
}

/// The runs of a finished directory, without what was said.
pub fn read(dir: &Path) -> Result<Vec<RunRecord>, Fault> {
    let file = dir.join(RUNS);
    let runs = table::read(&file, None)?;
    let wrong = |why: String| at("reading", &file)(why);
    let missing = || wrong("a value is missing".into());
    let read = || -> Result<Vec<RunRecord>, String> {
        let none = || "a value is missing".to_string();
        let (run, replica, steps) = (runs.ints("run")?, runs.ints("replica")?, runs.ints("steps")?);
        let (seed, reached, chance) = (runs.uints("seed")?, runs.ints("steps_to_success")?, runs.floats("chance")?);
        let digests = runs.texts("parameters_digest")?;
        let items = runs.ints("items")?;
        let (distinct, length) = (runs.floats("distinct_messages")?, runs.floats("message_length")?);
        let tried: Vec<(&str, Vec<Option<f64>>)> = runs
            .columns
            .iter()
            .filter(|column| column.name.starts_with("success"))
            .map(|column| runs.floats(&column.name).map(|values| (column.name.as_str(), values.into_owned())))
            .collect::<Result<_, _>>()?;
        (0..runs.rows())
            .map(|i| {
                let of = |(name, values): &(&str, Vec<Option<f64>>)| {
                    let rest = name.strip_prefix("success")?;
                    let held_out = rest.ends_with("_held_out");
                    let control = rest.strip_suffix("_held_out").unwrap_or(rest).trim_start_matches('_');
                    let control = if control.is_empty() { "as-trained".to_string() } else { control.replace('_', "-") };
                    Some(Tried { control, held_out, success: values[i]?, loss: f64::NAN })
                };
                Ok(RunRecord {
                    run: run[i].ok_or_else(none)? as u64,
                    replica: replica[i].ok_or_else(none)? as u64,
                    seed: seed[i].ok_or_else(none)?,
                    steps: steps[i].ok_or_else(none)? as u64,
                    reached: reached[i].map(|steps| steps as u64),
                    chance: chance[i].ok_or_else(none)?,
                    items: items[i].ok_or_else(none)? as u64,
                    distinct_messages: distinct[i].ok_or_else(none)?,
                    message_length: length[i].ok_or_else(none)?,
                    readings: Vec::new(),
                    tried: tried.iter().filter_map(of).collect(),
                    cross: Vec::new(),
                    messages: Vec::new(),
                    measures: Vec::new(),
                    digest: digests[i].ok_or_else(none)?.into(),
                })
            })
            .collect()
    };
    let mut records: BTreeMap<u64, RunRecord> = read().map_err(wrong)?.into_iter().map(|one| (one.run, one)).collect();
    let of = |table: &Table| -> Result<Vec<u64>, Fault> {
        table.ints("run").map_err(wrong)?.iter().map(|run| run.map(|run| run as u64).ok_or_else(missing)).collect()
    };
    let seen = table::read(&dir.join(TRAINING), None)?;
    let numbers = |table: &Table, name: &str| -> Result<Vec<f64>, Fault> {
        Ok(table.floats(name).map_err(wrong)?.iter().map(|value| value.unwrap_or(f64::NAN)).collect())
    };
    let whole = |table: &Table, name: &str| -> Result<Vec<u64>, Fault> {
        Ok(table.ints(name).map_err(wrong)?.iter().map(|value| value.unwrap_or(0) as u64).collect())
    };
    let (step, a, b) = (whole(&seen, "step")?, whole(&seen, "agent_a")?, whole(&seen, "agent_b")?);
    let columns: Vec<Vec<f64>> = ["loss", "success", "success_greedy", "entropy", "length", "baseline", "grad_norm"]
        .iter()
        .map(|name| numbers(&seen, name))
        .collect::<Result<_, _>>()?;
    for (i, run) in of(&seen)?.into_iter().enumerate() {
        let [loss, success, success_greedy, entropy, length, baseline, grad_norm] = [0, 1, 2, 3, 4, 5, 6].map(|c| columns[c][i]);
        let seen = Seen {
            step: step[i],
            sender: a[i],
            receiver: b[i],
            loss,
            success,
            success_greedy,
            entropy,
            length,
            baseline,
            grad_norm,
        };
        records.get_mut(&run).ok_or_else(missing)?.readings.push(seen);
    }
    let cross = table::read(&dir.join(CROSS), None)?;
    let (step, a, b) = (whole(&cross, "step")?, whole(&cross, "sender")?, whole(&cross, "receiver")?);
    let success = numbers(&cross, "success")?;
    let (same, similarity) = (cross.floats("same").map_err(wrong)?, cross.floats("similarity").map_err(wrong)?);
    for (i, run) in of(&cross)?.into_iter().enumerate() {
        let one = Crossed {
            step: step[i],
            sender: a[i],
            receiver: b[i],
            success: success[i],
            same: same[i],
            similarity: similarity[i],
        };
        records.get_mut(&run).ok_or_else(missing)?.cross.push(one);
    }
    let table = table::read(&dir.join(MEASURES), None)?;
    let (step, sender, value) = (whole(&table, "t")?, whole(&table, "sender")?, numbers(&table, "value")?);
    let names = table.texts("measure").map_err(wrong)?;
    let chance: Vec<Vec<f64>> =
        ["chance", "chance_95", "p"].iter().map(|name| numbers(&table, name)).collect::<Result<_, _>>()?;
    for (i, run) in of(&table)?.into_iter().enumerate() {
        let by = [chance[0][i], chance[1][i], chance[2][i]];
        records.get_mut(&run).ok_or_else(missing)?.measures.push(MeasuredOnce {
            step: step[i],
            sender: sender[i],
            measure: names[i].ok_or_else(missing)?.into(),
            value: value[i],
            chance: by[0].is_finite().then_some(by),
        });
    }
    Ok(records.into_values().collect())
}
