//! An experiment file as a table in which every key and value knows its place, and the mistakes that are
//! found in it, with the line, the column, and what would be right.

use serde::de::DeserializeOwned;
use serde_spanned::Spanned;
use std::borrow::Cow;
use std::fmt::Write;
use std::ops::Range;
use toml::de::{DeTable, DeValue, ValueDeserializer};

pub(crate) type Table<'i> = DeTable<'i>;
pub(crate) type Item<'i> = Spanned<DeValue<'i>>;

/// A mistake in an experiment file, or on the command line that changes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// What is wrong, in a line.
    pub message: String,
    /// What would be right, where that can be said.
    pub help: Option<String>,
    /// Where it stands, in bytes of the file. Places behind the end of the file are `--set` arguments.
    pub span: Option<Range<usize>>,
}

impl Mistake {
    /// One without a place and without a way out.
    pub fn new(message: String) -> Mistake {
        Mistake { message, help: None, span: None }
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

/// A file's text and its table, with what `--set` changed.
pub struct Document<'a> {
    /// What the file is called in messages.
    file: String,
    text: &'a str,
    /// The `--set` arguments. The i-th has its place in bytes `SET_BASE + i * SET_STEP` and on.
    sets: &'a [String],
    pub(super) table: Table<'a>,
}

const SET_BASE: usize = 1 << 40;
const SET_STEP: usize = 1 << 20;

impl<'a> Document<'a> {
    /// Parses a file's text and applies `key=value` settings, in their order. An error is ready to be printed.
    pub fn parse(file: &str, text: &'a str, sets: &'a [String]) -> Result<Document<'a>, String> {
        let mut document = Document { file: file.into(), text, sets, table: Table::new() };
        let parsed = DeTable::parse(text).map_err(|error| document.say(&of_toml(&error)))?;
        document.table = parsed.into_inner();
        for i in 0..sets.len() {
            document.set(i).map_err(|mistake| document.say(&mistake))?;
        }
        Ok(document)
    }

    fn set(&mut self, i: usize) -> Result<(), Mistake> {
        let argument: &'a str = &self.sets[i];
        let base = SET_BASE + i * SET_STEP;
        let whole = base..base + argument.len();
        let Some((key, value)) = argument.split_once('=') else {
            let help = "for example: --set population.size=48";
            return Err(Mistake::new("expected key=value".into()).help(help.into()).span(whole));
        };
        let (key, value) = (key.trim(), value.trim());
        // A bare word is what people type; quotes are what the shell ate.
        let bare = |value: &str| !value.is_empty() && value.chars().all(|c| c.is_alphanumeric() || "-_./: ".contains(c));
        let value = match DeValue::parse(value) {
            Ok(value) => value,
            Err(_) if bare(value) => Spanned::new(0..value.len(), DeValue::String(value.into())),
            Err(error) => {
                let help = format!("quote it as TOML, for example: --set '{key}=\"text\"'");
                return Err(of_toml(&error).help(help).span(whole));
            }
        };
        put(&mut self.table, &key_parts(key), moved(value, &whole), &whole)
    }

    /// A mistake in words: what, where, and what would be right.
    pub fn say(&self, mistake: &Mistake) -> String {
        let mut out = format!("error: {}\n", mistake.message);
        match &mistake.span {
            Some(span) if span.start >= SET_BASE => {
                let set = &self.sets[(span.start - SET_BASE) / SET_STEP];
                writeln!(out, "  --> --set {set}").expect("a string takes everything");
            }
            Some(span) => self.point(&mut out, span),
            None => writeln!(out, "  --> {}", self.file).expect("a string takes everything"),
        }
        if let Some(help) = &mistake.help {
            writeln!(out, "  help: {help}").expect("a string takes everything");
        }
        out.trim_end().to_string()
    }

    /// A mistake about a key, in words.
    pub fn say_at(&self, key: &str, message: String) -> String {
        self.say(&Spans::of(&self.table).mistake(key, message))
    }

    fn point(&self, out: &mut String, span: &Range<usize>) {
        let start = span.start.min(self.text.len());
        let line_start = self.text[..start].rfind('\n').map_or(0, |i| i + 1);
        let line = self.text[line_start..].lines().next().unwrap_or("");
        let number = self.text[..line_start].matches('\n').count() + 1;
        let column = self.text[line_start..start].chars().count() + 1;
        let end = span.end.clamp(start, line_start + line.len());
        let width = self.text[start..end].chars().count().max(1);
        let margin = " ".repeat(number.to_string().len());
        writeln!(out, "{margin}--> {}:{number}:{column}", self.file).expect("a string takes everything");
        writeln!(out, "{margin} |\n{number} | {line}").expect("a string takes everything");
        writeln!(out, "{margin} | {}{}", " ".repeat(column - 1), "^".repeat(width)).expect("a string takes everything");
    }
}

/// Where keys stand.
#[derive(Clone, Copy)]
pub(crate) struct Spans<'r, 'a> {
    root: &'r Table<'a>,
    /// Keys are read as being under this one. Nesting is shallow, so a chain of two will do.
    prefix: [&'r str; 3],
}

impl<'r, 'a> Spans<'r, 'a> {
    pub fn of(root: &'r Table<'a>) -> Spans<'r, 'a> {
        Spans { root, prefix: [""; 3] }
    }

    /// The same places, with keys read as being under `key`.
    pub fn under(&self, key: &'r str) -> Spans<'r, 'a> {
        let mut prefix = self.prefix;
        *prefix.iter_mut().find(|part| part.is_empty()).expect("sections nest at most three deep") = key;
        Spans { root: self.root, prefix }
    }

    /// A mistake at a key, or at the closest section around it that is there.
    pub fn mistake(&self, key: &str, message: String) -> Mistake {
        let parts = self.prefix.iter().copied().chain([key]).flat_map(|part| part.split('.')).filter(|part| !part.is_empty());
        let mut place: Option<&Item<'_>> = None;
        for part in parts {
            let next = match place.map(Spanned::get_ref) {
                None => self.root.get(part),
                Some(DeValue::Table(inner)) => inner.get(part),
                Some(DeValue::Array(list)) => part.parse::<usize>().ok().and_then(|i| list.get(i)),
                Some(_) => None,
            };
            let Some(next) = next else { break };
            place = Some(next);
        }
        Mistake { message, help: None, span: place.map(Spanned::span) }
    }
}

/// Takes and reads a key that may be missing.
pub(crate) fn take_field<T: DeserializeOwned>(
    table: &mut Table<'_>,
    key: &str,
    spans: &Spans<'_, '_>,
) -> Result<Option<T>, Mistake> {
    let read = |item: Item<'_>| {
        let span = item.span();
        T::deserialize(ValueDeserializer::from(item)).map_err(|error| with_span(of_toml(&error), span, spans))
    };
    table.remove(key).map(read).transpose()
}

/// Takes and reads a key that must be there.
pub(crate) fn read_field<T: DeserializeOwned>(table: &mut Table<'_>, key: &str, spans: &Spans<'_, '_>) -> Result<T, Mistake> {
    take_field(table, key, spans)?.ok_or_else(|| spans.mistake("", format!("`{key}` is missing")))
}

/// Reads a whole table.
pub(crate) fn deserialize<T: DeserializeOwned>(table: Table<'_>, spans: &Spans<'_, '_>) -> Result<T, Mistake> {
    let item = Spanned::new(0..0, DeValue::Table(table));
    T::deserialize(ValueDeserializer::from(item)).map_err(|error| with_span(of_toml(&error), 0..0, spans))
}

/// A reader's mistake at its own place; where it has none, at that of the value; where that has none, at the section.
fn with_span(mistake: Mistake, value: Range<usize>, spans: &Spans<'_, '_>) -> Mistake {
    match mistake.span {
        Some(ref found) if *found != (0..0) => mistake,
        _ if value != (0..0) => mistake.span(value),
        _ => Mistake { span: spans.mistake("", String::new()).span, ..mistake },
    }
}

pub(crate) fn table<'a>(item: Item<'a>, key: &str) -> Result<Table<'a>, Mistake> {
    let span = item.span();
    match item.into_inner() {
        DeValue::Table(table) => Ok(table),
        other => {
            Err(Mistake::new(format!("`{key}` is a section with keys of its own, not {}", article(other.type_str()))).span(span))
        }
    }
}

pub(crate) fn array<'a>(item: Item<'a>, key: &str) -> Result<Vec<Item<'a>>, Mistake> {
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
pub(crate) fn put<'a>(table: &mut Table<'a>, parts: &[String], value: Item<'a>, place: &Range<usize>) -> Result<(), Mistake> {
    let Some((head, rest)) = parts.split_first().filter(|(head, _)| !head.is_empty()) else {
        return Err(Mistake::new("a key is a word, or words joined by dots".into()).span(place.clone()));
    };
    let name = || Spanned::new(place.clone(), Cow::Owned(head.clone()));
    if rest.is_empty() {
        table.insert(name(), value);
        return Ok(());
    }
    if !table.contains_key(head.as_str()) {
        table.insert(name(), Spanned::new(place.clone(), DeValue::Table(Table::new())));
    }
    match table.get_mut(head.as_str()).map(Spanned::get_mut) {
        Some(DeValue::Table(inner)) => put(inner, rest, value, place),
        _ => Err(Mistake::new(format!("`{head}` is not a section, so it holds no `{}`", rest.join("."))).span(place.clone())),
    }
}

/// The same value, with everything in it standing at one place.
fn moved<'a>(value: Item<'a>, place: &Range<usize>) -> Item<'a> {
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

/// A parser's or reader's error in our words.
fn of_toml(error: &toml::de::Error) -> Mistake {
    let text = error.message().replace('\n', "; ");
    let mut mistake = Mistake::new(text.clone());
    mistake.span = error.span();
    let quoted: Vec<String> = text.split('`').skip(1).step_by(2).map(String::from).collect();
    if let (true, Some((word, known))) = (text.starts_with("unknown field"), quoted.split_first()) {
        mistake.message = format!("there is no key `{word}` here");
        if super::KEYS.contains(&word.as_str()) {
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
    }
    mistake
}

/// "; did you mean `x`?" or what there is, for a word that is not known.
pub fn nearest(word: &str, known: &[String]) -> String {
    let distance = |other: &String| strsim::damerau_levenshtein(&word.to_lowercase(), &other.to_lowercase());
    let best = known.iter().map(|other| (distance(other), other)).min();
    let list = || known.iter().take(30).map(|known| format!("`{known}`")).collect::<Vec<_>>().join(", ");
    match best {
        // Of short words nearly all are near, so only longer ones are guessed at.
        Some((distance, other))
            if distance <= word.chars().count() / 3 && distance > 0 || word.to_lowercase() == other.to_lowercase() =>
        {
            format!("; did you mean `{other}`? There are: {}", list())
        }
        Some(_) => format!("; there are: {}", list()),
        None => String::new(),
    }
}
