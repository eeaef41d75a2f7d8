//! A file as a table with places, and what is wrong in it: where, and what would be right.

use crate::text::nearest;
use serde::de::DeserializeOwned;
use serde_spanned::Spanned;
use std::borrow::Cow;
use std::ops::Range;
use toml::de::{DeTable, DeValue, ValueDeserializer};

/// The sections and keys that an experiment file may hold.
pub(crate) const KEYS: [&str; 15] = [
    "name",
    "seed",
    "replicas",
    "population",
    "game",
    "world",
    "agents",
    "stop",
    "control",
    "record",
    "budget",
    "sweep",
    "interventions",
    "published",
    "find",
];

/// The sections that files of agents that learn to signal have besides.
pub(crate) const KEYS_OF_SIGNALS: [&str; 4] = ["channel", "train", "pairing", "generations"];

/// A table whose keys and values know their places.
pub type FileTable<'i> = DeTable<'i>;

/// A value that knows its place.
pub type FileItem<'i> = Spanned<DeValue<'i>>;

/// A mistake in an experiment file, or on the command line that changes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// What is wrong, in a line.
    pub message: String,
    /// What would be right, where that can be said.
    pub help: Option<String>,
    /// Where it stands, in bytes of the file. Places behind the end of the file are `--set` arguments.
    pub span: Option<Range<usize>>,
    /// The section whose keys would help, where there is no help.
    pub(crate) keys_of: Option<String>,
}

impl Mistake {
    /// One without a place and without a way out.
    pub fn new(message: String) -> Mistake {
        Mistake { message, help: None, span: None, keys_of: None }
    }

    /// The same with a way out, which may begin with the separator of a message; an empty one is none.
    pub fn help(self, help: String) -> Mistake {
        let help = Some(help.trim_start_matches([';', ' ']).to_string()).filter(|help| !help.is_empty());
        Mistake { help, ..self }
    }

    /// The same with its place, in bytes of the file.
    pub fn span(self, span: Range<usize>) -> Mistake {
        Mistake { span: Some(span), ..self }
    }
}

/// Where keys stand.
#[derive(Clone, Copy)]
pub struct Spans<'r, 'a> {
    root: &'r FileTable<'a>,
    /// Keys are read as being under this one. Nesting is shallow, so a chain of two will do.
    prefix: [&'r str; 3],
}

impl<'r, 'a> Spans<'r, 'a> {
    /// The places of a whole file.
    pub fn of(root: &'r FileTable<'a>) -> Spans<'r, 'a> {
        Spans { root, prefix: [""; 3] }
    }

    /// The same places, with keys read as being under `key`.
    pub fn under(&self, key: &'r str) -> Spans<'r, 'a> {
        let mut prefix = self.prefix;
        *prefix.iter_mut().find(|part| part.is_empty()).expect("sections nest at most three deep") = key;
        Spans { root: self.root, prefix }
    }

    /// A key with the sections that it stands in.
    pub fn key(&self, key: &str) -> String {
        self.prefix.iter().copied().chain([key]).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".")
    }

    /// A mistake at a key, or at the closest section around it that is there.
    pub fn mistake(&self, key: &str, message: String) -> Mistake {
        let parts = self.prefix.iter().copied().chain([key]).flat_map(|part| part.split('.')).filter(|part| !part.is_empty());
        let mut parts = parts.peekable();
        let mut place: Option<&FileItem<'_>> = None;
        while let Some(part) = parts.next() {
            // The world belongs to the game and stands in a section of its own.
            if place.is_none() && part == "game" && parts.peek() == Some(&"world") && self.root.contains_key("world") {
                continue;
            }
            let next = match place.map(Spanned::get_ref) {
                None => self.root.get(part),
                Some(DeValue::Table(inner)) => inner.get(part),
                Some(DeValue::Array(list)) => part.parse::<usize>().ok().and_then(|i| list.get(i)),
                Some(_) => None,
            };
            let Some(next) = next else { break };
            place = Some(next);
        }
        Mistake { message, help: None, span: place.map(Spanned::span), keys_of: None }
    }
}

/// Takes and reads a key that may be missing.
pub fn take_field<T: DeserializeOwned>(
    table: &mut FileTable<'_>,
    key: &str,
    spans: &Spans<'_, '_>,
) -> Result<Option<T>, Mistake> {
    let read = |item: FileItem<'_>| {
        let span = item.span();
        let around = spans.key(key);
        T::deserialize(ValueDeserializer::from(item)).map_err(|error| with_span(within(&error, &around), span, spans))
    };
    table.remove(key).map(read).transpose()
}

/// Takes and reads a key that must be there.
pub fn read_field<T: DeserializeOwned>(table: &mut FileTable<'_>, key: &str, spans: &Spans<'_, '_>) -> Result<T, Mistake> {
    take_field(table, key, spans)?.ok_or_else(|| spans.mistake("", format!("`{}` is missing", spans.key(key))))
}

/// Reads a whole table.
pub fn deserialize<T: DeserializeOwned>(table: FileTable<'_>, spans: &Spans<'_, '_>) -> Result<T, Mistake> {
    let item = Spanned::new(0..0, DeValue::Table(table));
    T::deserialize(ValueDeserializer::from(item)).map_err(|error| with_span(within(&error, &spans.key("")), 0..0, spans))
}

/// A reader's mistake at its own place; where it has none, at that of the value; where that has none, at the section.
fn with_span(mistake: Mistake, value: Range<usize>, spans: &Spans<'_, '_>) -> Mistake {
    match mistake.span {
        Some(ref found) if *found != (0..0) => mistake,
        _ if value != (0..0) => mistake.span(value),
        _ => Mistake { span: spans.mistake("", String::new()).span, ..mistake },
    }
}

/// What a section holds.
pub fn table<'a>(item: FileItem<'a>, key: &str) -> Result<FileTable<'a>, Mistake> {
    let span = item.span();
    match item.into_inner() {
        DeValue::Table(table) => Ok(table),
        other => {
            Err(Mistake::new(format!("`{key}` is a section with keys of its own, not {}", article(other.type_str()))).span(span))
        }
    }
}

/// Takes a section, which may be missing, and is empty then.
pub fn get_table<'a>(from: &mut FileTable<'a>, key: &str) -> Result<FileTable<'a>, Mistake> {
    from.remove(key).map_or_else(|| Ok(FileTable::new()), |item| table(item, key))
}

/// What a list holds.
pub fn array<'a>(item: FileItem<'a>, key: &str) -> Result<Vec<FileItem<'a>>, Mistake> {
    let span = item.span();
    match item.into_inner() {
        DeValue::Array(list) => Ok(list.into_iter().collect()),
        other => Err(Mistake::new(format!("`{key}` is a list, not {}", article(other.type_str()))).span(span)),
    }
}

fn article(what: &str) -> String {
    let article = if what.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {what}")
}

/// The parts of a dotted key: `a.b`, or `sweep."a.b"` with a part in quotes. What is under `sweep` is one key, quoted or not.
pub fn key_parts(key: &str) -> Vec<String> {
    let key = key.trim();
    if let Some(axis) = key.strip_prefix("sweep.") {
        return vec!["sweep".into(), axis.trim_matches(['"', '\'']).into()];
    }
    let mut parts = vec![String::new()];
    let mut quote = None;
    for c in key.chars() {
        match (c, quote) {
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            ('.', None) => parts.push(String::new()),
            (c, _) => parts.last_mut().expect("there is always a part").push(c),
        }
    }
    parts
}

/// Writes a value at a key given by its parts, making sections on the way.
pub(crate) fn put<'a>(
    table: &mut FileTable<'a>,
    parts: &[String],
    value: FileItem<'a>,
    place: &Range<usize>,
) -> Result<(), Mistake> {
    let Some((head, rest)) = parts.split_first().filter(|(head, _)| !head.is_empty()) else {
        return Err(Mistake::new("a key is a word, or words joined by dots".into()).span(place.clone()));
    };
    let name = || Spanned::new(place.clone(), Cow::Owned(head.clone()));
    if rest.is_empty() {
        table.insert(name(), value);
        return Ok(());
    }
    if !table.contains_key(head.as_str()) {
        table.insert(name(), Spanned::new(place.clone(), DeValue::Table(FileTable::new())));
    }
    match table.get_mut(head.as_str()).map(Spanned::get_mut) {
        Some(DeValue::Table(inner)) => put(inner, rest, value, place),
        // A list is gone into by numbers from 0, as in `agents.mix.0.count`.
        Some(DeValue::Array(list)) => {
            let n = list.len();
            let at = rest[0].parse::<usize>().ok().and_then(|i| list.get_mut(i));
            match (at.map(Spanned::get_mut), &rest[1..]) {
                (Some(item), []) => *item = value.into_inner(),
                (Some(DeValue::Table(inner)), rest) => return put(inner, rest, value, place),
                _ => {
                    let why = format!("`{head}` is a list of {n}, so it holds no `{}`", rest.join("."));
                    let help = format!("its places are numbered from 0: `{head}.0.…`");
                    return Err(Mistake::new(why).help(help).span(place.clone()));
                }
            }
            Ok(())
        }
        _ => Err(Mistake::new(format!("`{head}` is not a section, so it holds no `{}`", rest.join("."))).span(place.clone())),
    }
}

/// The value at a key given by its parts.
pub(crate) fn get<'r, 'a>(table: &'r FileTable<'a>, parts: &[String]) -> Option<&'r FileItem<'a>> {
    let (head, rest) = parts.split_first()?;
    let mut item = table.get(head.as_str())?;
    for part in rest {
        item = match item.get_ref() {
            DeValue::Table(inner) => inner.get(part.as_str())?,
            DeValue::Array(list) => list.get(part.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    Some(item)
}

/// The same value, with everything in it standing at one place.
pub(crate) fn moved<'a>(value: FileItem<'a>, place: &Range<usize>) -> FileItem<'a> {
    let inner = match value.into_inner() {
        DeValue::Array(list) => DeValue::Array(list.into_iter().map(|item| moved(item, place)).collect()),
        DeValue::Table(table) => {
            let entries = table.into_iter();
            DeValue::Table(
                entries.map(|(key, item)| (Spanned::new(place.clone(), key.into_inner()), moved(item, place))).collect(),
            )
        }
        other => other,
    };
    Spanned::new(place.clone(), inner)
}

/// A reader's error in our words, of a value that stands at a key.
fn within(error: &toml::de::Error, around: &str) -> Mistake {
    let mut mistake = of_toml(error);
    // The reader knows the keys on the way down, and says them in its last line alone.
    let told = error.to_string();
    let inside = told.lines().last().and_then(|line| line.strip_prefix("in `")).and_then(|line| line.strip_suffix('`'));
    let at = [around, inside.unwrap_or("")].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".");
    if let Some(word) = mistake.message.strip_suffix("` is missing").and_then(|word| word.strip_prefix('`')).map(String::from) {
        let whole = if at.is_empty() { word } else { format!("{at}.{word}") };
        mistake.message = format!("`{whole}` is missing");
        return mistake;
    }
    if mistake.help.is_none() && mistake.message.starts_with("expected a table with keys") {
        let last = at.rsplit('.').next().unwrap_or("").to_string();
        match error.message().split('"').nth(1) {
            Some(word) if error.message().contains("internally tagged enum") => {
                mistake.help = Some(format!("write `{last} = {{ kind = \"{word}\" }}`"));
            }
            _ => mistake.keys_of = Some(at),
        }
    }
    mistake
}

/// A parser's or reader's error in our words.
pub(crate) fn of_toml(error: &toml::de::Error) -> Mistake {
    let text = error.message().replace('\n', "; ");
    let mut mistake = Mistake::new(text.clone());
    mistake.span = error.span();
    let quoted: Vec<String> = text.split('`').skip(1).step_by(2).map(String::from).collect();
    if let (true, Some((word, known))) = (text.starts_with("unknown field"), quoted.split_first()) {
        mistake.message = format!("there is no key `{word}` here");
        if KEYS.contains(&word.as_str()) {
            return mistake
                .help(format!("`{word}` is a section of its own; write it before the first `[section]`, or as `[{word}]`"));
        }
        return mistake.help(nearest(word, known));
    }
    if let (true, Some((word, known))) = (text.starts_with("unknown variant"), quoted.split_first()) {
        mistake.message = format!("`{word}` is not among the choices");
        return mistake.help(nearest(word, known));
    }
    if let (true, Some(word)) = (text.starts_with("missing field"), quoted.first()) {
        mistake.message = format!("`{word}` is missing");
        return mistake;
    }
    if text.starts_with("cannot extend value of type inline table") {
        return mistake.help("a section written in braces is closed; write it as `[section]` with a key on each line".into());
    }
    if let Some(rest) = text.strip_prefix("invalid type: ").or_else(|| text.strip_prefix("invalid value: ")) {
        let (found, expected) = rest.split_once(", expected ").unwrap_or((rest, "something else"));
        let expected = match expected {
            "u32" => "a whole number from 0 to 4,294,967,295",
            "u8" | "u16" | "u64" | "usize" => "a whole number from 0 to 2^63 - 1",
            "f32" | "f64" => "a number",
            "a string" => "a text in quotes",
            "a sequence" => "a list in brackets",
            "a boolean" => "true or false",
            other if other.starts_with("struct") || other.starts_with("internally tagged enum") => "a table with keys",
            other => other,
        };
        mistake.message = format!("expected {expected}, found {}", found.trim_end_matches(" as i128"));
        let inside = found.split(['`', '"']).nth(1).unwrap_or("");
        let number = inside.replace(['_', ','], "").parse::<f64>().ok().filter(|number| number.is_finite());
        if let Some(number) = number.filter(|_| expected.contains("number")) {
            let whole = expected.contains("whole");
            mistake.help = match (found.starts_with("string"), whole) {
                (true, true) if number.fract() == 0.0 && number >= 0.0 => Some(format!("without quotes: {number}")),
                (true, false) => Some(format!("without quotes: {number}")),
                (false, true) if number.fract() == 0.0 && number >= 0.0 => Some(format!("write {number}")),
                (false, true) if number > 0.0 && number < 1.0 => Some(format!("a share is another key: `share = {number}`")),
                _ => None,
            };
        }
    }
    mistake
}
