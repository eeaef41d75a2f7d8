//! The calls of a live model, a page at a time. Of a finished run only the pieces of the table are read that hold the page,
//! and of the prompts, which are far fewer, all.

use super::asked::{Query, Wrong};
use crate::caller::registry;
use cratylus_core::World;
use cratylus_core::experiment::Experiment;
use cratylus_core::fault::{Fault, at};
use cratylus_core::language::Prompt;
use cratylus_core::language::model::Model;
use cratylus_io::models::asker::heard;
use cratylus_io::models::tape::{Call, KeptAnswer, Setup, Tape};
use cratylus_io::store::inputs::FileInputs;
use cratylus_io::store::manifest::Manifest;
use cratylus_io::store::names::{CALLS, PROMPTS};
use cratylus_io::store::run_dir::{RunDir, base};
use cratylus_io::store::table;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

/// Which calls a search found, and what they took.
pub struct Matches {
    total: u64,
    /// None where all calls are meant.
    rows: Option<Vec<u64>>,
    tokens: u64,
    usd: Option<f64>,
    /// How answers in words are read.
    readers: Vec<(Setup, Arc<Model>)>,
    /// The calls themselves, where the run goes on and they are on its tape.
    tape: Option<Arc<Tape>>,
}

/// Reads all calls in order, a piece at a time, with the number of the first of each.
fn each(
    dir: &Path,
    wanted: impl Fn(u64, u64) -> bool,
    mut see: impl FnMut(u64, Vec<Call>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let file = dir.join(CALLS);
    if !file.exists() {
        let calls = tape(dir)?.calls();
        return see(0, calls.iter().map(|call| (**call).clone()).collect());
    }
    let of = |group: &table::Group<'_>| wanted(group.first, group.rows);
    table::read_groups_of(&file, None, of, |group, table| {
        see(group.first, cratylus_io::store::calls::calls(&table).map_err(at("reading", &file))?)
    })
}

fn tape(dir: &Path) -> Result<Tape, Fault> {
    let file = dir.join(cratylus_io::store::names::TAPE);
    match file.exists() {
        true => Tape::read(&file),
        false => Err(Fault("no model was called here".into())),
    }
}

/// The prompts with these hashes; all, where none are given.
fn prompts(dir: &Path, wanted: Option<&HashSet<String>>) -> Result<HashMap<String, Prompt>, Fault> {
    let file = dir.join(PROMPTS);
    let all = match file.exists() {
        true => cratylus_io::store::calls::prompts(&table::read(&file, None)?).map_err(at("reading", &file))?,
        false => tape(dir)?.prompts(),
    };
    let kept = all.into_iter().filter(|kept| wanted.is_none_or(|wanted| wanted.contains(&kept.hash)));
    Ok(kept.map(|kept| (kept.hash, kept.prompt)).collect())
}

/// How the models of a directory are read. What cannot be built (a model file that has gone) reads nothing.
fn readers(dir: &Path) -> Vec<(Setup, Arc<Model>)> {
    let servers = Manifest::read(dir).map(|manifest| manifest.servers).unwrap_or_default();
    let Ok(run_dir) = RunDir::open_so_far(dir, &registry()) else { return Vec::new() };
    let live = |experiment: &Experiment| experiment.live() && experiment.size() <= super::run::SIZE_MAX;
    let mut out: Vec<(Setup, Arc<Model>)> = Vec::new();
    for point in run_dir.points.iter().filter(|point| live(&point.experiment)).take(16) {
        let Ok(world) = World::build(point, &FileInputs::new(&base(dir), &registry())) else { continue };
        for (kind, model) in world.models() {
            let setup = servers.iter().find(|setup| setup.asked == world.asked(kind));
            if let Some(setup) = setup.filter(|setup| !out.iter().any(|(known, _)| known == *setup)) {
                out.push((setup.clone(), model.clone()));
            }
        }
    }
    out
}

impl Matches {
    /// Whether an answer in words was no name; None where that cannot be told.
    fn void(&self, call: &Call) -> Option<bool> {
        let Some(words) = call.answer.words() else { return Some(false) };
        let (setup, model) = self.readers.iter().find(|(setup, _)| setup.id == call.model)?;
        Some(heard(model, setup, words).name.is_err())
    }
}

pub fn matches(dir: &Path, query: &Query) -> Result<Matches, Wrong> {
    let (find, only) = (query.text("find").to_lowercase(), query.text("only"));
    if !["", "all", "void", "resent"].contains(&only) {
        return Err(Wrong::asked(format!("`only` is `all`, `void` or `resent`, not `{only}`")));
    }
    let mut found = Matches { total: 0, rows: None, tokens: 0, usd: None, readers: readers(dir), tape: None };
    let texts = |call: &Call| match &call.answer {
        KeptAnswer::Text { text, .. } => text.to_lowercase().contains(&find),
        _ => false,
    };
    let told = |prompt: &Prompt| prompt.messages.iter().any(|message| message.text.to_lowercase().contains(&find));
    let said: HashSet<String> = match find.is_empty() {
        true => HashSet::new(),
        false => prompts(dir, None)?.into_iter().filter(|(_, prompt)| told(prompt)).map(|(hash, _)| hash).collect(),
    };
    let searched = !find.is_empty() || ["void", "resent"].contains(&only);
    let mut rows = Vec::new();
    each(
        dir,
        |_, _| true,
        |first, calls| {
            for (row, call) in (first..).zip(&calls) {
                found.total += 1;
                found.tokens += call.took.prompt_tokens.unwrap_or(0) + call.took.completion_tokens.unwrap_or(0);
                found.usd = call.took.usd.map_or(found.usd, |usd| Some(found.usd.unwrap_or(0.0) + usd));
                let named = || call.names.iter().any(|name| name.to_lowercase().contains(&find));
                let here = find.is_empty() || said.contains(&call.prompt) || texts(call) || named();
                let kind = match only {
                    "void" => found.void(call) == Some(true),
                    "resent" => call.took.sent > 1,
                    _ => true,
                };
                if searched && here && kind {
                    rows.push(row);
                }
            }
            Ok(())
        },
    )?;
    found.rows = searched.then_some(rows);
    found.tape = if dir.join(CALLS).exists() { None } else { Some(Arc::new(tape(dir)?)) };
    Ok(found)
}

/// What was shown of a call: probabilities of names, likeliest first.
fn names(call: &Call) -> Option<Vec<Value>> {
    let KeptAnswer::Step { step, .. } = &call.answer else { return None };
    let mut names: Vec<(&String, f64)> = call.names.iter().zip(step.names.iter().copied()).collect();
    names.sort_by(|a, b| b.1.total_cmp(&a.1));
    Some(names.into_iter().take(26).map(|(name, p)| json!({ "name": name, "p": p })).collect())
}

/// The beginning of a prompt's last message.
const BEGINS: usize = 160;

fn row(row: u64, call: &Call, prompt: Option<&Prompt>, matches: &Matches) -> Value {
    let last = prompt.and_then(|prompt| prompt.messages.last());
    let name = matches.readers.iter().find(|(setup, _)| setup.id == call.model).map(|(setup, _)| setup.name.clone());
    json!({
        "row": row,
        "model": name.unwrap_or_else(|| call.model.chars().take(12).collect()),
        "shown": call.names,
        "begins": last.map(|message| message.text.chars().take(BEGINS).collect::<String>()),
        "text": match &call.answer { KeptAnswer::Text { text, .. } => Some(text), _ => None },
        "names": names(call),
        "void": matches.void(call),
        "again": call.again,
        "times_sent": call.took.sent,
        "prompt_tokens": call.took.prompt_tokens,
        "completion_tokens": call.took.completion_tokens,
        "usd": call.took.usd,
        "ms": call.took.ms,
        "at": call.took.at,
    })
}

/// The calls in the given rows, which are in order.
fn of_rows(dir: &Path, rows: &[u64], tape: Option<&Tape>) -> Result<Vec<(u64, Call)>, Fault> {
    if let Some(tape) = tape {
        let calls = tape.calls();
        return Ok(rows.iter().filter_map(|&row| Some((row, (**calls.get(row as usize)?).clone()))).collect());
    }
    let mut out = Vec::new();
    let within = |first: u64, n: u64| {
        let from = rows.partition_point(|&row| row < first);
        rows.get(from).is_some_and(|&row| row < first + n)
    };
    each(dir, within, |first, calls| {
        let last = first + calls.len() as u64;
        let here = rows.iter().filter(|&&row| row >= first && row < last);
        out.extend(here.map(|&row| (row, calls[(row - first) as usize].clone())));
        Ok(())
    })?;
    Ok(out)
}

pub fn page(dir: &Path, query: &Query, matches: &Matches) -> Result<Value, Wrong> {
    let (from, n): (u64, u64) = (query.number("from", 0)?, query.number("n", 200)?);
    let n = n.min(1000);
    let wanted: Vec<u64> = match &matches.rows {
        Some(rows) => rows.iter().skip(from as usize).take(n as usize).copied().collect(),
        None => (from..from.saturating_add(n).min(matches.total)).collect(),
    };
    let calls = of_rows(dir, &wanted, matches.tape.as_deref())?;
    let hashes: HashSet<String> = calls.iter().map(|(_, call)| call.prompt.clone()).collect();
    let prompts = prompts(dir, Some(&hashes))?;
    let rows = calls.iter().map(|(i, call)| row(*i, call, prompts.get(&call.prompt), matches)).collect::<Vec<_>>();
    Ok(json!({
        "total": matches.total,
        "matched": matches.rows.as_ref().map_or(matches.total, |rows| rows.len() as u64),
        "tokens": matches.tokens,
        "usd": matches.usd,
        "rows": rows,
    }))
}

/// One call in full.
pub fn call(dir: &Path, query: &Query) -> Result<Value, Wrong> {
    let wanted: u64 = query.number("row", 0)?;
    let tape = if dir.join(CALLS).exists() { None } else { Some(tape(dir)?) };
    let found = of_rows(dir, &[wanted], tape.as_ref())?.pop();
    let Some((i, call)) = found else { return Err(Wrong::missing(format!("there is no call {wanted}"))) };
    let prompt = prompts(dir, Some(&HashSet::from([call.prompt.clone()])))?.remove(&call.prompt);
    let matches = Matches { total: 0, rows: None, tokens: 0, usd: None, readers: readers(dir), tape: None };
    let mut whole = row(i, &call, prompt.as_ref(), &matches);
    let top = match &call.answer {
        KeptAnswer::Step { top, .. } => {
            top.iter().map(|(token, logprob)| json!({ "token": token, "logprob": logprob })).collect()
        }
        _ => Vec::new(),
    };
    whole["messages"] = prompt.as_ref().map_or(Value::Null, |prompt| json!(prompt.messages));
    whole["prefill"] = prompt.map_or(Value::Null, |prompt| prompt.prefill.into());
    whole["before"] = call.before.into();
    whole["logprobs"] = top.into();
    whole["sent"] = call.sent;
    whole["answer"] = json!(call.answer);
    Ok(whole)
}
