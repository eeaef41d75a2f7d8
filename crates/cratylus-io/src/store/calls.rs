//! A finished run's tape as tables: `calls.parquet`, a row for each call of a model, and `prompts.parquet`, the texts.
//! Rows are in the order of the calls' keys. What a call took (time, tokens, cost) differs from one run to the next;
//! everything else decides the results, and `replay` plays from it.

use crate::models::asker::heard;
use crate::models::how_read::HowRead;
use crate::models::probe::{UNLISTED_MAX, percent};
use crate::models::tape::{AskedHow, Call, KeptAnswer, KeptPrompt, Setup, Tape, Took};
use crate::store::manifest::Manifest;
use crate::store::names::{CALLS, PROMPTS};
use crate::store::table::{self, Column, Table, TableWriter, Values};
use cratylus_core::fault::{Fault, at};
use cratylus_core::language::model::Model;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Calls of a row group.
const ROWS: usize = 1 << 13;

/// Writes a tape into the tables of a run directory.
pub fn write(dir: &Path, tape: &Tape) -> Result<(), Fault> {
    let calls = tape.calls();
    table::write(&dir.join(PROMPTS), &prompts_table(&tape.prompts()))?;
    // In pieces, so that who wants a few calls need not read all.
    let mut writer = TableWriter::create(&dir.join(CALLS), &calls_table(&[]))?;
    calls.chunks(ROWS).try_for_each(|calls| writer.write(&calls_table(calls)))?;
    writer.finish()
}

fn prompts_table(prompts: &[KeptPrompt]) -> Table {
    let json = |prompt: &KeptPrompt| serde_json::to_string(&prompt.prompt.messages).expect("messages are plain data");
    let messages: Vec<String> = prompts.iter().map(json).collect();
    Table {
        columns: vec![
            Column::texts("prompt", prompts.iter().map(|prompt| Some(prompt.hash.as_str()))),
            Column::texts("messages", messages.iter().map(|messages| Some(messages.as_str()))),
            Column::texts("prefill", prompts.iter().map(|prompt| Some(prompt.prompt.prefill.as_str()))),
        ],
    }
}

fn calls_table(calls: &[Arc<Call>]) -> Table {
    let texts = |name: &str, of: &dyn Fn(&Call) -> Option<String>| {
        let values: Vec<Option<String>> = calls.iter().map(|call| of(call)).collect();
        Column::texts(name, values.iter().map(Option::as_deref))
    };
    let floats = |name: &str, of: &dyn Fn(&Call) -> Option<f64>| {
        Column::new(name, Values::Float(calls.iter().map(|call| of(call)).collect()))
    };
    let ints = |name: &str, of: &dyn Fn(&Call) -> Option<u64>| {
        Column::new(name, Values::Int(calls.iter().map(|call| of(call).map(|n| n as i64)).collect()))
    };
    Table {
        columns: vec![
            texts("key", &|call| Some(call.key.clone())),
            texts("model", &|call| Some(call.model.clone())),
            texts("prompt", &|call| Some(call.prompt.clone())),
            texts("names_shown", &|call| Some(json(&call.names))),
            texts("before", &|call| Some(call.before.clone())),
            Column::new("draw", Values::UInt(calls.iter().map(|call| call.draw).collect())),
            ints("again", &|call| Some(u64::from(call.again))),
            texts("text", &|call| match &call.answer {
                KeptAnswer::Text { text, .. } => Some(text.clone()),
                _ => None,
            }),
            floats("names_probability", &|call| match &call.answer {
                KeptAnswer::Step { step, .. } => Some(step.names.iter().sum()),
                _ => None,
            }),
            texts("logprobs", &|call| match &call.answer {
                KeptAnswer::Step { top, .. } if !top.is_empty() => Some(json(top)),
                _ => None,
            }),
            texts("answer", &|call| Some(json(&call.answer))),
            texts("sent", &|call| Some(call.sent.to_string())),
            ints("prompt_tokens", &|call| call.took.prompt_tokens),
            ints("cached_tokens", &|call| call.took.cached_tokens),
            ints("completion_tokens", &|call| call.took.completion_tokens),
            floats("usd", &|call| call.took.usd),
            floats("ms", &|call| Some(call.took.ms)),
            ints("times_sent", &|call| Some(u64::from(call.took.sent))),
            texts("changed", &|call| call.took.changed.clone()),
            texts("at", &|call| Some(call.took.at.clone())),
        ],
    }
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("plain data")
}

/// A run directory's tape: the tables of a finished run, as one to read.
pub fn read(dir: &Path) -> Result<Tape, Fault> {
    let file = dir.join(PROMPTS);
    let prompts = prompts(&table::read(&file, None)?).map_err(at("reading", &file))?;
    let file = dir.join(CALLS);
    let calls = calls(&table::read(&file, None)?).map_err(at("reading", &file))?;
    let setups = Manifest::read(dir).map_or(Vec::new(), |manifest| manifest.servers);
    Ok(Tape::of(calls, prompts, setups))
}

/// The prompts of a table.
pub fn prompts(table: &Table) -> Result<Vec<KeptPrompt>, String> {
    let (hash, messages, prefill) = (table.texts("prompt")?, table.texts("messages")?, table.texts("prefill")?);
    let row = |i: usize| {
        let messages = serde_json::from_str(messages[i]?).ok()?;
        let prompt = cratylus_core::language::Prompt { messages, prefill: prefill[i]?.into() };
        Some(KeptPrompt { hash: hash[i]?.into(), prompt })
    };
    (0..table.rows()).map(|i| row(i).ok_or_else(|| format!("row {i} is no prompt"))).collect()
}

/// The calls of a table.
pub fn calls(table: &Table) -> Result<Vec<Call>, String> {
    let (key, model, prompt) = (table.texts("key")?, table.texts("model")?, table.texts("prompt")?);
    let (names, before, sent) = (table.texts("names_shown")?, table.texts("before")?, table.texts("sent")?);
    let tokens = ["prompt_tokens", "cached_tokens", "completion_tokens"].map(|column| table.ints(column));
    let [prompt_tokens, cached_tokens, completion_tokens] = tokens;
    let (prompt_tokens, cached_tokens, completion_tokens) = (prompt_tokens?, cached_tokens?, completion_tokens?);
    let (usd, ms, sent_times) = (table.floats("usd")?, table.floats("ms")?, table.ints("times_sent")?);
    let (changed, when) = (table.texts("changed")?, table.texts("at")?);
    let (draw, again, answer) = (table.uints("draw")?, table.ints("again")?, table.texts("answer")?);
    let row = |i: usize| {
        Some(Call {
            key: key[i]?.into(),
            model: model[i]?.into(),
            prompt: prompt[i]?.into(),
            names: serde_json::from_str(names[i]?).ok()?,
            before: before[i]?.into(),
            draw: draw[i],
            again: again[i]? as u8,
            sent: serde_json::from_str(sent[i]?).ok()?,
            answer: serde_json::from_str(answer[i]?).ok()?,
            took: Took {
                prompt_tokens: prompt_tokens[i].map(|n| n as u64),
                cached_tokens: cached_tokens[i].map(|n| n as u64),
                completion_tokens: completion_tokens[i].map(|n| n as u64),
                usd: usd[i],
                ms: ms[i].unwrap_or(0.0),
                sent: sent_times[i].unwrap_or(0) as u32,
                changed: changed[i].map(String::from),
                at: when[i].unwrap_or("").into(),
            },
        })
    };
    (0..table.rows()).map(|i| row(i).ok_or_else(|| format!("row {i} is no call"))).collect()
}

/// What became of a tape's answers in words, for each of the models that gave some. Of models that share a server and a pool, the
/// prefill tells which one was asked.
pub fn how_read(tape: &Tape, models: &[(Setup, Arc<Model>)]) -> Vec<HowRead> {
    let mut out: Vec<HowRead> = Vec::new();
    for call in tape.calls() {
        let Some(words) = call.answer.words() else { continue };
        let pool =
            |model: &Model| call.names.len() == model.names.len() && call.names.iter().all(|name| model.names.contains(name));
        let prefill = tape.prompt(&call.prompt).map(|prompt| prompt.prefill.clone()).unwrap_or_default();
        let mut of = models.iter().filter(|(setup, model)| setup.id == call.model && !setup.how.probabilities() && pool(model));
        let first = of.clone().next();
        let Some((setup, model)) = of.find(|(_, model)| model.protocol.prefill == prefill).or(first) else { continue };
        let place = out.iter().position(|readings| readings.asked == setup.asked).unwrap_or_else(|| {
            out.push(HowRead { asked: setup.asked.clone(), ..HowRead::default() });
            out.len() - 1
        });
        out[place].add(&heard(model, setup, words));
    }
    out.sort_by(|a, b| a.asked.cmp(&b.asked));
    out
}

/// A share of what the names have that may stay unresolved without a word.
const UNRESOLVED_MAX: f64 = 0.05;

/// What a reader of the results should know of how answers came.
pub fn cautions(tape: &Tape, setups: &[Setup]) -> Vec<String> {
    let mut out = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for setup in setups.iter().filter(|setup| seen.insert(&setup.id)) {
        let calls: Vec<Arc<Call>> = tape.calls().into_iter().filter(|call| call.model == setup.id).collect();
        let mut say = |text: String| out.push(format!("{}: {text}", setup.name));
        // What all steps of a question come to: each name, and what was not followed.
        let mut questions: BTreeMap<&str, (Vec<f64>, f64)> = BTreeMap::new();
        let mut unlisted: f64 = 0.0;
        for call in &calls {
            let KeptAnswer::Step { step, .. } = &call.answer else { continue };
            let (names, unresolved) = questions.entry(&call.prompt).or_insert_with(|| (vec![0.0; step.names.len()], 0.0));
            names.iter_mut().zip(&step.names).for_each(|(sum, p)| *sum += p);
            *unresolved += step.unresolved;
            unlisted = unlisted.max(step.unlisted);
        }
        if !questions.is_empty() && setup.how != AskedHow::Names {
            let n = questions.len() as f64;
            let named = questions.values().map(|(names, _)| names.iter().sum::<f64>()).sum::<f64>() / n;
            let unresolved = questions.values().map(|(_, unresolved)| unresolved).sum::<f64>() / n;
            if named < 0.9 {
                say(format!(
                    "only {} of its probability, as sampled, is on the names, on average over prompts (`outside` says what becomes of the rest)",
                    percent(named)
                ));
            }
            if unlisted > UNLISTED_MAX {
                say(format!("lists of next tokens left out up to {} of the probability", percent(unlisted)));
            }
            if unresolved > UNRESOLVED_MAX * named {
                say(format!(
                    "beginnings of names that were not followed have {}, where the names have {}; a lower `resolution` follows more, and choice = \"constrained\" needs none",
                    percent(unresolved),
                    percent(named)
                ));
            }
            let never = (0..questions.values().map(|(names, _)| names.len()).max().unwrap_or(0))
                .filter(|&i| questions.values().all(|(names, _)| names.get(i).is_none_or(|p| *p == 0.0)));
            let never: Vec<String> = never.map(|i| (i + 1).to_string()).collect();
            match never.len() {
                0 => (),
                1..=6 => say(format!(
                    "it never gave any probability to name {} of the pool, so nobody could choose it",
                    never.join(" and ")
                )),
                n => say(format!("it never gave any probability to {n} of its options, so nobody could choose them")),
            }
        }
        let changed = calls.iter().filter(|call| call.took.changed.is_some()).count();
        if changed > 0 {
            say(format!(
                "{changed} of {} calls were signed by another model than the first (`calls.parquet`, `changed`)",
                calls.len()
            ));
        }
    }
    out
}
