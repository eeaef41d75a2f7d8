//! Corpora of messages as files: tables with a row for each message, the dumps of EGG, and corpora in ELCC's layout. Untrusted
//! input: what a file says is bounded before it is parsed, and a gap is a mistake with its line. What is made of the messages
//! is absent: see `cratylus_core::messages`.

use crate::store::grid::{Grid, by_number, csv, gap, head_of, numbered, texts};
use crate::store::inputs::sha256;
use crate::store::manifest::{Build, Manifest};
use crate::store::names::{ITEMS, MESSAGES};
use crate::store::table::{self, Column, Table, Values};
use cratylus_core::fault::{Fault, at};
use cratylus_core::messages::corpus::Corpus;
use cratylus_core::text::{listed, nearest};
use std::collections::BTreeMap;
use std::path::Path;

/// How a file is to be read, where it does not say so itself.
#[derive(Clone, Debug, Default)]
pub struct How {
    /// The columns that make up a meaning.
    pub meaning: Vec<String>,
    /// The column of the messages.
    pub message: Option<String>,
    /// The symbol that ends a message.
    pub stop: Option<String>,
    /// Every character of a message is a symbol.
    pub letters: bool,
    /// Only messages of this step of training; the last one where it is left out.
    pub step: Option<String>,
}

/// Messages of one sender, and what everything in them is called.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    /// The sender's name, where the file has several.
    pub sender: Option<String>,
    /// Meanings and messages by number.
    pub corpus: Corpus,
    /// The item of each row.
    pub items: Vec<u32>,
    /// Which of the file's attributes the corpus has, in its order: runs may have fewer than others.
    pub attributes: Vec<usize>,
}

/// A file of messages.
#[derive(Clone, Debug, Default)]
pub struct File {
    /// The attributes of a meaning.
    pub attributes: Vec<String>,
    /// What the values of each are called, by number.
    pub values: Vec<Vec<String>>,
    /// What symbols are called, by number.
    pub symbols: Vec<String>,
    /// What classes are called, by number.
    pub classes: Vec<String>,
    /// The features' columns, where items are features.
    pub features: Vec<String>,
    /// Each sender's messages.
    pub senders: Vec<Recorded>,
    /// What the reader should know of how it was read.
    pub notes: Vec<String>,
}

/// Reads a file, or a folder that holds one.
pub fn read(path: &Path, how: &How) -> Result<File, Fault> {
    let wrong = |why: String| at("reading", path)(why);
    if !path.exists() {
        return Err(wrong("there is no such file or folder".into()));
    }
    let grid = match path.is_dir() {
        true => folder(path)?,
        false => file(path)?,
    };
    made_of(grid, how).map_err(wrong)
}

fn folder(dir: &Path) -> Result<Grid, Fault> {
    if dir.join(MESSAGES).exists() {
        return parquet_of_messages(&dir.join(MESSAGES));
    }
    for name in ["corpus.jsonl", "messages.csv"] {
        if dir.join(name).exists() {
            return file(&dir.join(name));
        }
    }
    let why = format!("it holds neither {MESSAGES} nor corpus.jsonl nor messages.csv");
    Err(Fault::new(format!(
        "{}: {why}; name the file of messages, or an experiment's folder that recorded messages",
        dir.display()
    )))
}

fn file(path: &Path) -> Result<Grid, Fault> {
    if head_of(path)? == *b"PAR1" {
        return parquet_of_messages(path);
    }
    let text = crate::text::read(path)?;
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("").trim();
    if first.is_empty() {
        return Err(at("reading", path)("it is empty"));
    }
    if first.starts_with('[') && !first.contains(';') {
        return elcc(path, &text);
    }
    if first.starts_with("input:") && first.contains("->") {
        return arrows(&text).map_err(at("reading", path));
    }
    let fields: Vec<&str> = first.split(';').collect();
    let numbers = |field: &str| !field.trim().is_empty() && listed_numbers(field).is_some();
    let pair = |line: &str| {
        line.split_once(';').is_some_and(|(meaning, rest)| numbers(meaning) && numbers(rest.split(';').next().unwrap_or("")))
    };
    let headed = ["sender_input", "meaning", "input"].contains(&fields[0].trim())
        && fields.get(1).is_some_and(|field| field.trim().starts_with("message"));
    let second = || text.lines().filter(|line| !line.trim().is_empty()).nth(1).is_some_and(pair);
    match fields.len() >= 2 && (pair(first) || headed && second()) {
        true => dump(&text).map_err(at("reading", path)),
        false => csv(path),
    }
}

/// Numbers that are separated by blanks or commas, in brackets or not.
fn listed_numbers(field: &str) -> Option<Vec<&str>> {
    let field = field.trim().trim_start_matches(['[', '(']).trim_end_matches([']', ')']);
    let parts: Vec<&str> = field.split([' ', ',', '\t']).filter(|part| !part.is_empty()).collect();
    parts.iter().all(|part| part.parse::<f64>().is_ok_and(f64::is_finite)).then_some(parts)
}

/// A number without the decimals that tensors print: `3.` and `3.0` are 3. What is written otherwise is another symbol.
fn plain(number: &str) -> &str {
    match number.split_once('.') {
        Some((whole, rest)) if rest.chars().all(|c| c == '0') => {
            let digits = whole.strip_prefix('-').unwrap_or(whole);
            if !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit()) { whole } else { number }
        }
        _ => number,
    }
}

/// EGG's dumps: a line for each interaction, meaning and message first, separated by semicolons.
fn dump(text: &str) -> Result<Grid, String> {
    let mut pairs = Vec::new();
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    for (n, (i, line)) in lines.enumerate() {
        let mut fields = line.split(';');
        let (meaning, message) = (fields.next().unwrap_or(""), fields.next());
        let Some(message) = message else {
            return Err(format!("line {}: expected `meaning;message`, found no semicolon", i + 1));
        };
        match (listed_numbers(meaning), listed_numbers(message)) {
            (Some(meaning), Some(message)) => pairs.push((i as u64 + 1, meaning, message)),
            // The names of the fields.
            _ if n == 0 => (),
            _ => return Err(format!("line {}: a meaning or a message is not a list of numbers", i + 1)),
        }
    }
    of_pairs(pairs)
}

/// EGG's lines `input: 1,0,0 -> message: 3,2,0 -> output: 1`.
fn arrows(text: &str) -> Result<Grid, String> {
    let mut pairs = Vec::new();
    for (i, line) in text.lines().enumerate().filter(|(_, line)| line.contains("->")) {
        let part = |name: &str| {
            let found = line.split("->").find_map(|part| part.trim().strip_prefix(name));
            found.and_then(listed_numbers).ok_or_else(|| format!("line {}: `{name}` is not followed by numbers", i + 1))
        };
        pairs.push((i as u64 + 1, part("input:")?, part("message:")?));
    }
    of_pairs(pairs)
}

/// A line's number, its meaning and its message.
type Pair<'t> = (u64, Vec<&'t str>, Vec<&'t str>);

fn of_pairs(pairs: Vec<Pair<'_>>) -> Result<Grid, String> {
    let width = pairs.first().ok_or("no line holds a meaning and a message")?.1.len();
    if let Some((line, meaning, _)) = pairs.iter().find(|(_, meaning, _)| meaning.len() != width) {
        return Err(format!("line {line}: its meaning has {} numbers, and the first one has {width}", meaning.len()));
    }
    let mut notes = vec!["read as a dump of EGG; 0 ends a message".to_string()];
    let meanings: Vec<Vec<String>> =
        pairs.iter().map(|(_, meaning, _)| meaning.iter().map(|n| plain(n).into()).collect()).collect();
    let meanings = match blocks(&meanings) {
        Some(values) => {
            notes.push(format!("meanings are one-hot: {} numbers are {} attributes", width, values[0].len()));
            values
        }
        None => meanings,
    };
    let head: Vec<String> = (1..=meanings[0].len()).map(|k| format!("a_{k}")).chain(["message".into()]).collect();
    let row = |((line, _, message), mut meaning): (Pair<'_>, Vec<String>)| {
        meaning.push(message.iter().map(|n| plain(n)).collect::<Vec<_>>().join(" "));
        (line, meaning)
    };
    Ok(Grid { head, rows: pairs.into_iter().zip(meanings).map(row).collect(), row: "line", stop: Some("0"), notes })
}

/// Meanings that are one-hot numbers, as attributes: columns fall into stretches in which every row has a single 1.
fn blocks(meanings: &[Vec<String>]) -> Option<Vec<Vec<String>>> {
    let width = meanings.first()?.len();
    let ones = |row: &Vec<String>| row.iter().filter(|cell| *cell == "1").count();
    let attributes = ones(&meanings[0]);
    let binary = |row: &Vec<String>| ones(row) == attributes && row.iter().all(|cell| cell == "0" || cell == "1");
    if attributes == 0 || width <= attributes || width < 3 || !meanings.iter().all(binary) {
        return None;
    }
    // Where as many ones stand before a column in every row, a stretch may end.
    let before = |row: &Vec<String>| {
        row.iter().scan(0, |n, cell| Some(std::mem::replace(n, *n + usize::from(cell == "1")))).collect::<Vec<usize>>()
    };
    let first = before(&meanings[0]);
    let mut same = vec![true; width];
    for row in meanings {
        before(row).iter().zip(&first).zip(&mut same).for_each(|((n, first), same)| *same &= n == first);
    }
    let begins: Vec<usize> =
        (0..attributes).map(|k| (0..width).find(|&at| same[at] && first[at] == k)).collect::<Option<Vec<_>>>()?;
    let of_row = |row: &Vec<String>| {
        let ones = row.iter().enumerate().filter(|(_, cell)| *cell == "1").map(|(at, _)| at);
        ones.zip(&begins).map(|(at, begin)| at.checked_sub(*begin).map(|value| value.to_string())).collect::<Option<Vec<_>>>()
    };
    meanings.iter().map(of_row).collect()
}

/// ELCC's layout: a list of symbols in JSON for each line, and beside it, where somebody wrote one, the meaning of each line.
fn elcc(path: &Path, text: &str) -> Result<Grid, Fault> {
    let wrong = |file: &Path, line: usize, why: String| Fault::new(format!("{}, line {line}: {why}", file.display()));
    let name = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut rows = Vec::new();
    for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let symbols: Vec<serde_json::Value> =
            serde_json::from_str(line).map_err(|error| wrong(path, i + 1, format!("expected a list of symbols: {error}")))?;
        let symbols: Vec<String> = symbols.iter().map(name).collect();
        if let Some(odd) = symbols.iter().find(|symbol| symbol.is_empty() || symbol.contains(char::is_whitespace)) {
            return Err(wrong(path, i + 1, format!("{odd:?} is no symbol")));
        }
        rows.push((i as u64 + 1, cell_of(&symbols.iter().map(String::as_str).collect::<Vec<_>>())));
    }
    let beside = path.with_file_name("meanings.jsonl");
    let mut head: Vec<String> = Vec::new();
    let mut meanings: Vec<Vec<String>> = vec![Vec::new(); rows.len()];
    let mut notes = Vec::new();
    if beside.exists() {
        let text = crate::text::read(&beside)?;
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        if lines.len() != rows.len() {
            let why = format!("it has {} lines, and {} has {}", lines.len(), path.display(), rows.len());
            return Err(at("reading", &beside)(why));
        }
        for (i, line) in lines.into_iter().enumerate() {
            let value = serde_json::from_str(line).map_err(|error| wrong(&beside, i + 1, error.to_string()))?;
            let (keys, values): (Vec<String>, Vec<String>) = match &value {
                serde_json::Value::Array(list) => {
                    list.iter().enumerate().map(|(k, value)| (format!("a_{}", k + 1), name(value))).unzip()
                }
                serde_json::Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), name(value))).unzip(),
                other => (vec!["a_1".into()], vec![name(other)]),
            };
            if i == 0 {
                head = keys;
            } else if keys != head {
                return Err(wrong(&beside, i + 1, format!("it has {}, and the first line {}", listed(&keys), listed(&head))));
            }
            meanings[i] = values;
        }
    } else {
        notes.push("there is no meanings.jsonl beside it, so nothing can be said of meanings".to_string());
    }
    head.push("message".into());
    let rows = rows.into_iter().zip(meanings).map(|((line, message), mut meaning)| {
        meaning.push(message);
        (line, meaning)
    });
    Ok(Grid { head, rows: rows.collect(), row: "line", stop: None, notes })
}

/// A table of messages in Parquet, with the table of items beside it where messages name items alone.
fn parquet_of_messages(path: &Path) -> Result<Grid, Fault> {
    let messages = table::read(path, None)?;
    let (mut head, mut columns) = texts(&messages);
    let beside = path.with_file_name(ITEMS);
    if let Some(at_item) = head.iter().position(|name| name == "item").filter(|_| beside.exists()) {
        let (names, items) = texts(&table::read(&beside, None)?);
        let key =
            names.iter().position(|name| name == "item").ok_or_else(|| at("reading", &beside)("it has no column `item`"))?;
        // Runs may have different items under one number.
        let by_run = names.iter().position(|name| name == "run").zip(head.iter().position(|name| name == "run"));
        let in_items = |row: usize| by_run.and_then(|(at, _)| items[at][row].as_deref()).unwrap_or("");
        let row_of: BTreeMap<(&str, &str), usize> =
            items[key].iter().enumerate().filter_map(|(row, item)| Some(((in_items(row), item.as_deref()?), row))).collect();
        let in_messages = |row: usize| by_run.and_then(|(_, at)| columns[at][row].as_deref()).unwrap_or("");
        let rows: Vec<usize> = columns[at_item]
            .iter()
            .enumerate()
            .map(|(row, item)| item.as_deref().and_then(|item| row_of.get(&(in_messages(row), item))).copied())
            .collect::<Option<_>>()
            .ok_or_else(|| at("reading", path)(format!("an item is not in {}", beside.display())))?;
        for (k, name) in names
            .iter()
            .enumerate()
            .filter(|(k, name)| *k != key && !head.contains(name))
            .map(|(k, n)| (k, n.clone()))
            .collect::<Vec<_>>()
        {
            columns.push(rows.iter().map(|&row| items[k][row].clone()).collect());
            head.push(name);
        }
    }
    let n = messages.rows();
    let rows = (0..n).map(|row| (row as u64, columns.iter().map(|column| column[row].clone().unwrap_or_default()).collect()));
    Ok(Grid { head, rows: rows.collect(), row: "row", stop: None, notes: Vec::new() })
}

/// Columns that are no part of a meaning unless somebody says so.
const OTHERS: [&str; 20] = [
    "message", "item", "id", "sender", "speaker", "agent", "step", "epoch", "t", "sample", "split", "class", "label", "length",
    "logprob", "receiver", "answer", "success", "loss", "control",
];

fn made_of(grid: Grid, how: &How) -> Result<File, String> {
    let Grid { head, mut rows, row: called, stop, notes } = grid;
    let mut file = File { notes, ..File::default() };
    let known = |name: &str| head.iter().position(|column| column.eq_ignore_ascii_case(name));
    let column = |name: &String| {
        known(name).ok_or_else(|| format!("there is no column `{name}`; there are {}{}", listed(&head), nearest(name, &head)))
    };
    if let Some(twice) = head.iter().enumerate().find(|(i, name)| head[..*i].contains(name)) {
        return Err(format!("there are two columns `{}`", twice.1));
    }
    let message = match &how.message {
        Some(name) => column(name)?,
        None => ["message", "messages", "utterance", "msg"].iter().find_map(|name| known(name)).ok_or_else(|| {
            format!("there is no column `message`; there are {}; `--message NAME` says which one it is", listed(&head))
        })?,
    };
    let first = |names: &[&str]| names.iter().find_map(|name| known(name)).filter(|&at| at != message);
    let class = first(&["class", "label"]).filter(|&at| !how.meaning.contains(&head[at]));
    let sender = first(&["sender", "speaker"]);
    let run = first(&["run"]);
    let step = first(&["step", "epoch"]);
    let item = first(&["item", "id"]);
    let sample = first(&["sample"]);
    let features: Vec<usize> = match how.meaning.is_empty() {
        true => numbered(&head, "f"),
        false => Vec::new(),
    };
    let mut meaning: Vec<usize> = match how.meaning.is_empty() {
        false => how.meaning.iter().map(column).collect::<Result<_, _>>()?,
        true => numbered(&head, "a"),
    };
    if meaning.is_empty() && features.is_empty() {
        let other =
            |at: &usize| !OTHERS.iter().any(|name| head[*at].eq_ignore_ascii_case(name)) && *at != message && head[*at] != "run";
        meaning = (0..head.len()).filter(other).collect();
        if !meaning.is_empty() && how.meaning.is_empty() {
            let names: Vec<String> = meaning.iter().map(|&at| head[at].clone()).collect();
            file.notes.push(format!("a meaning is {}", listed(&names)));
        }
    }
    if let (None, Some(wanted)) = (step, &how.step) {
        return Err(format!("there is no column `step`, so `--step {wanted}` names none"));
    }
    // Messages of one step, greedy ones where others were drawn besides. Runs may be of different lengths, so the last step is
    // that of each.
    if let Some(step) = step {
        let mut last: BTreeMap<String, String> = BTreeMap::new();
        let whose = |cells: &[String]| run.map_or_else(String::new, |at| cells[at].clone());
        for (_, cells) in &rows {
            let last = last.entry(whose(cells)).or_insert_with(|| cells[step].clone());
            if by_number(&cells[step], last).is_gt() {
                *last = cells[step].clone();
            }
        }
        let all: std::collections::BTreeSet<&String> = rows.iter().map(|(_, cells)| &cells[step]).collect();
        let n = all.len();
        if n > 1 {
            let wanted = match (&how.step, &last.values().collect::<Vec<_>>()[..]) {
                (Some(step), _) => format!("step {step}"),
                (None, [one]) => format!("step {one}"),
                (None, _) => "the last step of each run".into(),
            };
            file.notes.push(format!("messages of {wanted}, of {n} steps; `--step` names another"));
        }
        rows.retain(|(_, cells)| cells[step] == *how.step.as_ref().unwrap_or(&last[&whose(cells)]));
        if rows.is_empty() {
            return Err(format!("there is no message of step {}", how.step.as_deref().unwrap_or("")));
        }
    }
    if let Some(sample) = sample {
        rows.retain(|(_, cells)| cells[sample] == "0" || cells[sample].is_empty());
    }
    if rows.is_empty() {
        return Err("there is no message in it".into());
    }
    let stop = how.stop.as_deref().or(stop);
    let said: Vec<Vec<String>> = rows
        .iter()
        .map(|(at, cells)| spoken(&cells[message], how.letters).map_err(|why| format!("{called} {at}: {why}")))
        .collect::<Result<_, _>>()?;
    if stop.is_none() && said.len() > 2 && said.iter().all(|message| message.last().is_some_and(|symbol| symbol == "0")) {
        file.notes.push("every message ends with 0; if that is its stop symbol, `--stop 0` leaves it out".into());
    }
    if let Some(stop) = how.stop.as_ref().filter(|stop| !said.iter().flatten().any(|symbol| symbol == *stop)) {
        file.notes.push(format!("no message holds the stop symbol {stop:?}"));
    }
    if !how.letters
        && said.iter().all(|message| message.len() <= 1)
        && said.iter().flatten().any(|symbol| symbol.chars().count() > 1)
    {
        file.notes.push("each message is read as one symbol; `--letters` reads each character as one".into());
    }
    let mut symbols = Names::default();
    symbols.of_all(said.iter().flatten());
    // Runs of a sweep may be about things with fewer attributes than others, and so may senders where nothing tells runs
    // apart: what is empty in a whole run, or a whole sender, is none of its.
    let of_run = |cells: &[String]| run.map_or_else(String::new, |at| cells[at].clone());
    let sender_at = |cells: &[String]| sender.map_or_else(|| "1".to_string(), |at| cells[at].clone());
    let whole = |cells: &[String]| if run.is_some() { of_run(cells) } else { sender_at(cells) };
    let mut has: BTreeMap<String, Vec<bool>> = BTreeMap::new();
    let described: Vec<usize> = meaning.iter().chain(&features).copied().collect();
    for (_, cells) in &rows {
        let has = has.entry(whole(cells)).or_insert_with(|| vec![run.or(sender).is_none(); described.len()]);
        described.iter().zip(has).for_each(|(&at, has)| *has |= !cells[at].trim().is_empty());
    }
    let mut values: Vec<Names> = meaning.iter().map(|_| Names::default()).collect();
    for (k, &at) in meaning.iter().enumerate() {
        values[k].of_all(rows.iter().map(|(_, cells)| &cells[at]).filter(|cell| !cell.trim().is_empty()));
    }
    let mut classes = Names::default();
    if let Some(at) = class {
        classes.of_all(rows.iter().map(|(_, cells)| &cells[at]));
    }
    let mut by_sender: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
    for (i, (_, cells)) in rows.iter().enumerate() {
        by_sender.entry((of_run(cells), sender_at(cells))).or_default().push(i);
    }
    let mut names: Vec<(String, String)> = by_sender.keys().cloned().collect();
    names.sort_by(|a, b| by_number(&a.0, &b.0).then_with(|| by_number(&a.1, &b.1)));
    let (mut items, mut meant) = (Names::default(), BTreeMap::new());
    for name in names {
        let has = &has[if run.is_some() { &name.0 } else { &name.1 }];
        let own: Vec<usize> = (0..meaning.len()).filter(|&k| has[k]).collect();
        let shown: Vec<usize> = features.iter().enumerate().filter(|(f, _)| has[meaning.len() + f]).map(|(_, &at)| at).collect();
        let here: Vec<(u64, Vec<String>)> = by_sender[&name].iter().map(|&i| rows[i].clone()).collect();
        let wanted: Vec<usize> = own.iter().map(|&k| meaning[k]).chain(class).collect();
        gap(&head, &here, &wanted, called)?;
        let mut recorded = Recorded {
            sender: (sender.is_some() || run.is_some()).then(|| match run {
                Some(_) => format!("{}.{}", name.0, name.1),
                None => name.1.clone(),
            }),
            corpus: Corpus::new(own.len()),
            items: Vec::new(),
            attributes: own.clone(),
        };
        let mut numbers = Vec::new();
        let mut kinds = Vec::new();
        for (&i, (place, cells)) in by_sender[&name].iter().zip(&here) {
            let about: Vec<u32> = own.iter().map(|&k| values[k].number(&cells[meaning[k]])).collect();
            let message = said[i].iter().take_while(|symbol| Some(symbol.as_str()) != stop);
            let message: Vec<u32> = message.map(|symbol| symbols.number(symbol)).collect();
            recorded.corpus.push(&about, &message);
            for &at in &shown {
                let value = cells[at].trim().parse::<f64>().ok().filter(|value| value.is_finite());
                numbers.push(value.ok_or_else(|| format!("{called} {place}: `{}` is no number: {:?}", head[at], cells[at]))?);
            }
            if let Some(at) = class {
                kinds.push(classes.number(&cells[at]));
            }
            let about: Vec<&str> = wanted.iter().chain(&shown).map(|&at| cells[at].as_str()).collect();
            let about = about.join("\u{1f}");
            let thing = format!("{}\u{1f}{}", name.0, item.map_or(&about, |at| &cells[at]));
            // A number that stands for two things would make one of them the other's.
            if meant.entry(thing.clone()).or_insert_with(|| about.clone()) != &about {
                let number = item.map_or("", |at| &cells[at]);
                return Err(format!("{called} {place}: item {number} is another thing here than above"));
            }
            recorded.items.push(items.add(&thing));
        }
        if !shown.is_empty() {
            recorded.corpus = recorded.corpus.with_features(shown.len(), numbers);
        }
        if class.is_some() {
            recorded.corpus = recorded.corpus.with_classes(kinds);
        }
        file.senders.push(recorded);
    }
    file.attributes = meaning.iter().map(|&at| head[at].clone()).collect();
    file.values = values.into_iter().map(|names| names.list).collect();
    file.symbols = symbols.list;
    file.classes = classes.list;
    file.features = features.iter().map(|&at| head[at].clone()).collect();
    Ok(file)
}

/// The symbols of a message: a list in brackets, words between blanks or commas, or letters.
fn spoken(cell: &str, letters: bool) -> Result<Vec<String>, String> {
    let cell = cell.trim();
    if letters {
        return Ok(cell.chars().filter(|c| !c.is_whitespace()).map(String::from).collect());
    }
    // A list of texts may hold what a list of words could not.
    if cell.starts_with("[\"")
        && let Ok(symbols) = serde_json::from_str::<Vec<String>>(cell)
    {
        return Ok(symbols);
    }
    let inner = match (cell.starts_with(['[', '(']), cell.ends_with([']', ')'])) {
        (true, true) => &cell[1..cell.len() - 1],
        (false, false) => cell,
        _ => return Err(format!("the message {:?} has one bracket", cell.chars().take(40).collect::<String>())),
    };
    let symbol = |part: &str| plain(part.trim_matches(['"', '\''])).to_string();
    Ok(inner.split([' ', ',', '\t']).filter(|part| !part.is_empty()).map(symbol).collect())
}

/// What a sender of a run is called, where a file is of several runs.
pub fn sender_of(run: u64, sender: &str) -> String {
    format!("{run}.{sender}")
}

/// Names by number.
#[derive(Default)]
struct Names {
    list: Vec<String>,
    by_name: BTreeMap<String, u32>,
}

impl Names {
    /// Numbers all, by size where they are numbers and else by letters, so that the order of the rows does not show.
    fn of_all<'a>(&mut self, names: impl Iterator<Item = &'a String>) {
        let all: std::collections::BTreeSet<&String> = names.collect();
        let mut sorted: Vec<&String> = all.into_iter().collect();
        sorted.sort_by(|a, b| by_number(a, b));
        for name in sorted {
            self.add(name);
        }
    }

    fn add(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.by_name.get(name) {
            return number;
        }
        let number = self.list.len() as u32;
        self.list.push(name.to_string());
        self.by_name.insert(name.to_string(), number);
        number
    }

    fn number(&self, name: &str) -> u32 {
        self.by_name[name]
    }
}

/// Writes a file of messages into a folder, with where it came from.
pub fn import(from: &Path, file: &File, out: &Path, build: Build) -> Result<(), Fault> {
    write(out, file)?;
    let mut manifest = Manifest::new(build, 0, 1);
    manifest.models = vec!["messages recorded elsewhere".into()];
    if from.is_file() {
        let name = from.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        manifest.inputs.insert(name, sha256(from).map_err(at("reading", from))?);
    }
    manifest.cautions = file.notes.clone();
    manifest.ended = Some(crate::whole::now());
    manifest.exit = "finished".into();
    manifest.write(out)
}

/// A message as a cell: symbols between blanks, or a list of texts where that would be read as something else.
fn cell_of(symbols: &[&str]) -> String {
    let words = symbols.join(" ");
    match spoken(&words, false).is_ok_and(|read| read == symbols) {
        true => words,
        false => serde_json::to_string(symbols).expect("texts are plain data"),
    }
}

/// A column of whole numbers where all are written as such, else of texts.
pub(crate) fn words_or_numbers(name: &str, values: Vec<Option<&str>>) -> Column {
    let number = |text: &str| text.parse::<i64>().ok().filter(|number| number.to_string() == text);
    let numbers: Option<Vec<Option<i64>>> =
        values.iter().map(|value| value.map_or(Some(None), |text| number(text).map(Some))).collect();
    match numbers {
        Some(numbers) => Column::new(name, Values::Int(numbers)),
        None => Column::texts(name, values),
    }
}

/// Writes a file of messages as the two tables of a folder: what was said, and what it is about.
pub fn write(dir: &Path, file: &File) -> Result<(), Fault> {
    std::fs::create_dir_all(dir).map_err(at("making the folder", dir))?;
    let mut items: BTreeMap<u32, (usize, usize)> = BTreeMap::new();
    for (s, recorded) in file.senders.iter().enumerate() {
        for (row, &item) in recorded.items.iter().enumerate() {
            items.entry(item).or_insert((s, row));
        }
    }
    let corpus = |at: &(usize, usize)| (&file.senders[at.0].corpus, at.1);
    let mut columns = vec![Column::ints("item", items.keys().map(|&item| item.into()))];
    if !file.classes.is_empty() {
        let class = |at: &(usize, usize)| {
            let (corpus, row) = corpus(at);
            corpus.classes().map(|classes| file.classes[classes[row] as usize].as_str())
        };
        columns.push(Column::texts("class", items.values().map(class)));
    }
    for (k, name) in file.attributes.iter().enumerate() {
        let name = if file.attributes.iter().all(|name| name.starts_with("a_")) { name.clone() } else { format!("a_{}", k + 1) };
        let values: Vec<Option<&str>> = items
            .values()
            .map(|at| {
                let (corpus, row) = corpus(at);
                let place = file.senders[at.0].attributes.iter().position(|&own| own == k)?;
                Some(file.values[k][corpus.meaning(row)[place] as usize].as_str())
            })
            .collect();
        columns.push(words_or_numbers(&name, values));
    }
    for (k, name) in file.features.iter().enumerate() {
        let value = |at: &(usize, usize)| {
            let (corpus, row) = corpus(at);
            corpus.features(row).and_then(|features| features.get(k).copied())
        };
        columns.push(Column::new(name.clone(), Values::Float(items.values().map(value).collect())));
    }
    table::write(&dir.join(ITEMS), &Table { columns })?;
    let rows = || file.senders.iter().enumerate().flat_map(|(s, one)| (0..one.corpus.len()).map(move |row| (s, row)));
    let written = |(s, row): (usize, usize)| {
        let symbols = file.senders[s].corpus.message(row).iter();
        cell_of(&symbols.map(|&symbol| file.symbols[symbol as usize].as_str()).collect::<Vec<_>>())
    };
    let texts: Vec<String> = rows().map(written).collect();
    let sender = |(s, _): (usize, usize)| file.senders[s].sender.clone().unwrap_or_else(|| "1".into());
    let senders: Vec<String> = rows().map(sender).collect();
    let sender = match senders.iter().map(|sender| sender.parse::<i64>()).collect::<Result<Vec<_>, _>>() {
        Ok(numbers) => Column::ints("sender", numbers),
        Err(_) => Column::texts("sender", senders.iter().map(|sender| Some(sender.as_str()))),
    };
    let columns = vec![
        sender,
        Column::ints("item", rows().map(|(s, row)| file.senders[s].items[row].into())),
        Column::ints("sample", rows().map(|_| 0)),
        Column::texts("message", texts.iter().map(|text| Some(text.as_str()))),
        Column::ints("length", rows().map(|(s, row)| file.senders[s].corpus.message(row).len() as i64)),
    ];
    table::write(&dir.join(MESSAGES), &Table { columns })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(name: &str, text: &str, how: &How) -> Result<File, String> {
        let dir = std::env::temp_dir().join(format!("cratylus-messages-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join(name), text).unwrap();
        let file = read(&dir.join(name), how).map_err(|fault| fault.0);
        std::fs::remove_dir_all(dir).unwrap();
        file
    }

    /// Rows as they are called: meaning, then message.
    fn rows(file: &File) -> Vec<String> {
        let corpus = &file.senders[0].corpus;
        let row = |row: usize| {
            let meaning = corpus.meaning(row).iter().enumerate().map(|(k, &value)| file.values[k][value as usize].as_str());
            let message = corpus.message(row).iter().map(|&symbol| file.symbols[symbol as usize].as_str());
            format!("{}|{}", meaning.collect::<Vec<_>>().join(" "), message.collect::<Vec<_>>().join(" "))
        };
        (0..corpus.len()).map(row).collect()
    }

    #[test]
    fn the_same_messages_in_every_layout_are_the_same() {
        let check = |name: &str, text: &str, how: &How| {
            let file = read_text(name, text, how).unwrap_or_else(|why| panic!("{name}: {why}"));
            assert_eq!(rows(&file), ["0 1|3 12", "1 0|12", "1 1|"], "{name}: {:?}", file.notes);
        };
        let how = How::default();
        check("plain.csv", "a_1,a_2,message\n0,1,3 12\n1,0,12\n1,1,\n", &how);
        check("others.csv", "item,step,colour,form,split,message\n1,5,0,1,x,3 12\n2,5,1,0,x,12\n3,5,1,1,x,\n", &how);
        check("lists.csv", "a_1;a_2;message\n0;1;[3, 12]\n1;0;[12]\n1;1;[]\n", &how);
        check("windows.csv", "\u{feff}a_1,a_2,Message\r\n0,1,\"3,12\"\r\n1,0,12\r\n1,1,\r\n", &how);
        check(
            "stop.csv",
            "a_1,a_2,message\n0,1,3 12 0 7\n1,0,12 0 0 0\n1,1,0 5 5 5\n",
            &How { stop: Some("0".into()), ..How::default() },
        );
        check(
            "named.csv",
            "x,y,z,said\n0,9,1,3 12\n1,8,0,12\n1,7,1,\n",
            &How { meaning: vec!["x".into(), "z".into()], message: Some("said".into()), ..How::default() },
        );
        check("words.csv", "input;form;message\n0;1;3 12\n1;0;12\n1;1;\n", &how);
        check("dump.txt", "0 1;3 12 0;1;1\n1 0;12 0 4;1;1\n1 1;0 0 0;1;1\n", &how);
        check("tensors.txt", "[0., 1.];[3, 12, 0]\n[1., 0.];[12, 0, 4]\n[1., 1.];[0, 0, 0]\n", &how);
        check(
            "arrows.txt",
            "input: 0,1 -> message: 3,12,0 -> output: 0,1\ninput: 1,0 -> message: 12,0,4 -> output: 1\ninput: 1,1 -> message: 0 -> output: 1\n",
            &how,
        );
    }

    #[test]
    fn what_is_written_is_what_was_read_whatever_the_symbols() {
        let check = |name: &str, text: &str, how: &How| {
            let file = read_text(name, text, how).unwrap();
            let out = std::env::temp_dir().join(format!("cratylus-again-{}-{name}", std::process::id()));
            write(&out, &file).unwrap();
            let again = read(&out, &How::default()).unwrap();
            std::fs::remove_dir_all(out).unwrap();
            assert_eq!(rows(&again), rows(&file), "{name}");
            file
        };
        let letters = How { letters: true, ..How::default() };
        let file = check("letters.csv", "a_1,message\n1,\"a,'\"\"\"\n2,\"[b\"\n3,\"a\"\n", &letters);
        assert_eq!(rows(&file)[0], "1|a , ' \"");
        let file = check("zeros.csv", "a_1,message\n1,01\n2,1\n3,007\n4,7\n5,1e3\n6,1000\n7,1.0\n", &How::default());
        assert_eq!(rows(&file), ["1|01", "2|1", "3|007", "4|7", "5|1e3", "6|1000", "7|1"]);
        // Numbers of items are of a run, and attributes, too.
        let runs = "run,item,a_1,a_2,message\n0,0,1,,5\n0,1,2,,6\n1,0,1,1,5\n1,1,1,2,6\n";
        let file = check("runs.csv", runs, &How::default());
        assert_eq!(file.senders.iter().map(|one| one.corpus.attributes()).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn meanings_that_are_one_hot_are_attributes() {
        let file = read_text("hot.txt", "1 0 0 0 1;5 0\n0 1 0 1 0;6 0\n0 0 1 1 0;7 0\n", &How::default()).unwrap();
        assert_eq!(rows(&file), ["0 1|5", "1 0|6", "2 0|7"]);
        assert!(file.notes[1].contains("5 numbers are 2 attributes"), "{:?}", file.notes);
    }

    #[test]
    fn mistakes_have_their_place() {
        let check = |name: &str, text: &str, says: &str| {
            let why = read_text(name, text, &How::default()).unwrap_err();
            assert!(why.contains(says), "{name}: {why}");
        };
        check("gap.csv", "a,b,message\n1,2,3\n1,,3\n", "line 3: `b` is missing");
        check("first.csv", "a,b,message\n1,2,3\n1,,3\n,1,3\n", "line 3: `b` is missing");
        check("item.csv", "item,a_1,message\n1,2,3\n1,3,3\n", "line 3: item 1 is another thing here than above");
        check("head.txt", "meaning;message\n0 1;3\nfour;3\n", "line 3: a meaning or a message is not a list of numbers");
        check("short.csv", "a,b,message\n1,2,3\n1\n", "line 3: it has 1 cells, and there are 3 columns");
        check("none.csv", "a,b,said\n1,2,3\n", "there is no column `message`; there are a, b and said");
        check("bracket.csv", "a,message\n1,[3 4\n", "line 2: the message \"[3 4\" has one bracket");
        check("empty.csv", "", "it is empty");
        check("head.csv", "a,message\n", "there is no message in it");
        check("twice.csv", "a,a,message\n1,2,3\n", "there are two columns `a`");
        check("ragged.txt", "0 1;3 0\n0;4 0\n", "line 2: its meaning has 1 numbers, and the first one has 2");
        check("words.txt", "0 1;3 0\n0 1;four\n", "line 2: a meaning or a message is not a list of numbers");
        check("corpus.jsonl", "[1, 2]\n[1, 2\n", "line 2: expected a list of symbols");
        check("nan.csv", "f_1,message\nnan,3\n", "line 2: `f_1` is no number");
    }

    #[test]
    fn a_corpus_in_elccs_layout_has_the_meanings_beside_it() {
        let dir = std::env::temp_dir().join(format!("cratylus-elcc-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("corpus.jsonl"), "[3, 12]\n[12]\n[]\n").unwrap();
        let alone = read(&dir, &How::default()).unwrap();
        assert_eq!(rows(&alone), ["|3 12", "|12", "|"]);
        std::fs::write(dir.join("meanings.jsonl"), "{\"x\": 0, \"y\": 1}\n{\"x\": 1, \"y\": 0}\n{\"x\": 1, \"y\": 1}\n").unwrap();
        let file = read(&dir, &How::default()).unwrap();
        assert_eq!(rows(&file), ["0 1|3 12", "1 0|12", "1 1|"]);
        assert_eq!(file.attributes, ["x", "y"]);
        // And what is imported is read again.
        let out = dir.join("out");
        write(&out, &file).unwrap();
        assert_eq!(rows(&read(&out, &How::default()).unwrap()), rows(&file));
        std::fs::write(dir.join("meanings.jsonl"), "[0, 1]\n").unwrap();
        assert!(read(&dir, &How::default()).unwrap_err().0.contains("it has 1 lines"));
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn senders_and_steps_are_told_apart() {
        let text = "sender,step,a_1,a_2,message\n1,0,0,1,9\n1,10,0,1,3\n2,10,0,1,4\n2,10,1,1,3\n";
        let file = read_text("several.csv", text, &How::default()).unwrap();
        assert_eq!(
            file.senders.iter().map(|one| (one.sender.as_deref().unwrap(), one.corpus.len())).collect::<Vec<_>>(),
            [("1", 1), ("2", 2)]
        );
        assert_eq!(rows(&file), ["0 1|3"]);
        let odd = "sender,a_1,message\n1.a,0,3\n2.0,0,4\n3,0,5\n";
        assert_eq!(read_text("odd.csv", odd, &How::default()).unwrap().senders.len(), 3);
        let none = read_text("none.csv", odd, &How { step: Some("7".into()), ..How::default() });
        assert!(none.unwrap_err().contains("there is no column `step`"));
        let early = read_text("early.csv", text, &How { step: Some("0".into()), ..How::default() }).unwrap();
        assert_eq!((early.senders.len(), rows(&early)), (1, vec!["0 1|9".to_string()]));
    }
}
