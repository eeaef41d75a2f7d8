//! An experiment file as a table in which every key and value knows its place, and the mistakes that are
//! found in it, with the line, the column, and what would be right.

use super::sweep;
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
    /// The same as they are to be written into the file: those of swept keys as the sweeps that they leave.
    written: Vec<String>,
    /// What a user should know of how the file and the settings were understood.
    notes: Vec<String>,
    pub(super) table: Table<'a>,
}

const SET_BASE: usize = 1 << 40;
const SET_STEP: usize = 1 << 20;

impl<'a> Document<'a> {
    /// Parses a file's text and applies `key=value` settings, in their order. An error is ready to be printed.
    pub fn parse(file: &str, text: &'a str, sets: &'a [String]) -> Result<Document<'a>, String> {
        // What the `toml` crate does not skip: the mark with which Windows begins a file.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let (written, notes) = (sets.to_vec(), Vec::new());
        let mut document = Document { file: file.into(), text, sets, written, notes, table: Table::new() };
        let parsed = DeTable::parse(text).map_err(|error| document.say(&unread(text, &error)))?;
        document.table = parsed.into_inner();
        sweep::spread(&mut document.table);
        for i in 0..sets.len() {
            document.set(i).map_err(|mistake| document.say(&mistake))?;
        }
        // Only now is it known what is swept.
        for i in 0..sets.len() {
            document.restrict(i).map_err(|mistake| document.say(&mistake))?;
        }
        document.notes.extend(untold(&document.table));
        Ok(document)
    }

    /// What a user should know of how the file and `--set` were understood.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The `key=value` settings as they are to be written into the file. One of a swept key is the sweep that it leaves.
    pub fn written(&self) -> &[String] {
        &self.written
    }

    /// Leaves of a sweep what a setting of one of its keys leaves, as the sweep would overwrite it.
    fn restrict(&mut self, i: usize) -> Result<(), Mistake> {
        let base = SET_BASE + i * SET_STEP;
        let place = base..base + self.sets[i].len();
        let Some((key, _)) = self.sets[i].split_once('=') else { return Ok(()) };
        let parts = key_parts(key);
        if parts[0] == "sweep" {
            return Ok(());
        }
        let Some(value) = get(&self.table, &parts).cloned() else { return Ok(()) };
        let key = parts.join(".");
        if let Some(left) = sweep::restrict(&mut self.table, &key, value, &place).map_err(|mistake| mistake.span(place))? {
            self.notes.push(left.words);
            self.written[i] = left.set;
        }
        Ok(())
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
        let parts = key_parts(key);
        let swept = parts[0] == "sweep";
        put(&mut self.table, &parts, moved(value, &whole), &whole)?;
        if swept {
            sweep::spread(&mut self.table);
        }
        Ok(())
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

    /// A key with the sections that it stands in.
    pub fn key(&self, key: &str) -> String {
        self.prefix.iter().copied().chain([key]).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".")
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
        let around = spans.key(key);
        T::deserialize(ValueDeserializer::from(item)).map_err(|error| with_span(within(&error, &around), span, spans))
    };
    table.remove(key).map(read).transpose()
}

/// Takes and reads a key that must be there.
pub(crate) fn read_field<T: DeserializeOwned>(table: &mut Table<'_>, key: &str, spans: &Spans<'_, '_>) -> Result<T, Mistake> {
    take_field(table, key, spans)?.ok_or_else(|| spans.mistake("", format!("`{}` is missing", spans.key(key))))
}

/// Reads a whole table.
pub(crate) fn deserialize<T: DeserializeOwned>(table: Table<'_>, spans: &Spans<'_, '_>) -> Result<T, Mistake> {
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
fn get<'r, 'a>(table: &'r Table<'a>, parts: &[String]) -> Option<&'r Item<'a>> {
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

/// What a file leaves to defaults that decide which results there are and where.
fn untold(table: &Table<'_>) -> Option<String> {
    let missing = |key: &str| !table.contains_key(key);
    // A plan for `audit` or no experiment at all gets its own words.
    if missing("population") || missing("game") {
        return None;
    }
    let told = [
        ("seed", "no `seed`, so it is 0"),
        ("replicas", "no `replicas`, so each condition is run once"),
        ("name", "no `name`, so results are called `experiment`"),
    ];
    let told: Vec<&str> = told.into_iter().filter(|(key, _)| missing(key)).map(|(_, words)| words).collect();
    (!told.is_empty()).then(|| format!("the experiment gives {}", told.join("; ")))
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

/// Why a text is no TOML, in words for what it is.
fn unread(text: &str, error: &toml::de::Error) -> Mistake {
    let mistake = of_toml(error);
    let start = text.trim_start();
    let said = |message: &str, help: &str| Mistake { message: message.into(), help: Some(help.into()), ..mistake.clone() };
    let toml = "experiments are TOML: keys as `name = value` under `[sections]`; `cratylus init` writes one to start from";
    if start.starts_with("{\"") || start.starts_with('{') && start[1..].trim_start().starts_with('"') {
        return said("this is JSON, and experiments are TOML", toml);
    }
    if start.starts_with("PAR1") || text.contains('\0') {
        return said("this is no text", toml);
    }
    if start.starts_with('<') {
        return said("this is a web page or XML, and experiments are TOML", toml);
    }
    let Some(span) = mistake.span.clone() else { return mistake };
    let at = span.start.min(text.len());
    let line_start = text[..at].rfind('\n').map_or(0, |i| i + 1);
    let line = text[line_start..].lines().next().unwrap_or("");
    if line.contains(['“', '”', '„', '‘', '’', '«', '»']) && !line.trim_start().starts_with('#') {
        return said("the quotation marks here are typographic ones", "use straight ones: `\"`");
    }
    let value = line.split_once('=').map(|(_, value)| value.split('#').next().unwrap_or("").trim());
    let grouped = |value: &&str| {
        let groups: Vec<&str> = value.split(',').collect();
        let digits = |group: &&str| group.chars().all(|c| c.is_ascii_digit());
        groups.len() > 1
            && (1..=3).contains(&groups[0].len())
            && groups.iter().all(digits)
            && groups[1..].iter().all(|g| g.len() == 3)
    };
    if let Some(value) = value.filter(grouped) {
        let help = format!("write `{}` or `{}`", value.replace(',', ""), value.replace(',', "_"));
        return said("a number is written without commas", &help);
    }
    if let Some(value) = value.filter(|value| value.split(',').count() == 2 && value.replace(',', "").parse::<u64>().is_ok()) {
        return said("a number has a point before its places", &format!("write `{}`", value.replace(',', ".")));
    }
    let word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c));
    if let Some((key, value)) = line.split_once(':').filter(|(key, _)| word(key.trim())) {
        let help = format!("this looks like YAML, and experiments are TOML: `{} = {}`", key.trim(), value.trim());
        return mistake.help(help);
    }
    // What begins with a sentence is a page of text, whatever follows.
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#')).unwrap_or("");
    if !first.starts_with('[') && !first.split_once('=').is_some_and(|(key, _)| word(key.trim().trim_matches('"'))) {
        return said("this is no TOML, as experiments are", toml);
    }
    if mistake.message.starts_with("duplicate key") {
        let named = text.get(span.start..span.end).unwrap_or("").trim_matches(['"', '[', ']']).to_string();
        let opens = |line: &&str| {
            let line = line.trim();
            let section = line.trim_start_matches('[').split(']').next().unwrap_or("").trim();
            line.starts_with('[') && section.rsplit('.').next() == Some(named.as_str())
                || line.split('=').next().is_some_and(|key| line.contains('=') && key.trim() == named)
        };
        let number = text[..line_start].lines().position(|line| opens(&line)).map(|i| i + 1);
        if let Some(number) = number.filter(|_| !named.is_empty()) {
            return mistake.help(format!("`{named}` stands in line {number} already"));
        }
    }
    mistake
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
        let keys = super::schema::keys(&at);
        mistake.help = match error.message().split('"').nth(1) {
            Some(word) if error.message().contains("internally tagged enum") => {
                Some(format!("write `{last} = {{ kind = \"{word}\" }}`"))
            }
            _ if !keys.is_empty() => Some(format!("its keys are: {}", keys.join(", "))),
            _ => None,
        };
    }
    mistake
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

/// "; did you mean `x`?" or what there is, for a word that is not known.
pub fn nearest(word: &str, known: &[String]) -> String {
    let distance = |other: &String| strsim::damerau_levenshtein(&word.to_lowercase(), &other.to_lowercase());
    let best = known.iter().map(|other| (distance(other), other)).min();
    // Letters and digits alone, as people leave out what stands between them, and what stands at the end.
    let plain = |text: &str| text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    let begun: Vec<&String> = match plain(word) {
        short if short.len() < 4 => Vec::new(),
        short => known.iter().filter(|other| plain(other).starts_with(&short)).collect(),
    };
    let best = match begun[..] {
        [] => best,
        // The shortest is the one that adds least.
        _ => begun.into_iter().min_by_key(|other| other.len()).map(|other| (0, other)),
    };
    let list = || known.iter().take(30).map(|known| format!("`{known}`")).collect::<Vec<_>>().join(", ");
    match best {
        // Of short words nearly all are near, so only longer ones are guessed at.
        Some((distance, other))
            if distance <= word.chars().count() / 3 && other != word || word.to_lowercase() == other.to_lowercase() =>
        {
            format!("; did you mean `{other}`? There are: {}", list())
        }
        Some(_) => format!("; there are: {}", list()),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "name = \"n\"\nseed = 1\nreplicas = 2\n[population]\nsize = 10\n[game]\nkind = \"coordination\"\nnames = [\"Q\", \"M\"]\nmemory = 2\n[agents]\nkind = \"emulated\"\nmodel = \"llama-3-70b\"\n";

    type Understood = (Vec<String>, Vec<String>, Vec<String>);

    /// What the points set, the notes, and the settings as they are written; or the mistake.
    fn read(more: &str, sets: &[&str]) -> Result<Understood, String> {
        let (text, sets) = (format!("{BASE}{more}"), sets.iter().map(|set| set.to_string()).collect::<Vec<_>>());
        let document = Document::parse("e.toml", &text, &sets)?;
        let points = document.points()?.iter().map(|point| point.text()).collect();
        Ok((points, document.notes().to_vec(), document.written().to_vec()))
    }

    #[test]
    fn a_setting_of_a_swept_key_is_never_without_effect() {
        let check = |sweep: &str, set: &str, points: &[&str]| {
            let (left, notes, written) =
                read(&format!("[sweep]\n{sweep}\n"), &[set]).unwrap_or_else(|why| panic!("{set}: {why}"));
            assert_eq!(left, points, "{set}");
            assert!(notes[0].contains("is swept over"), "{notes:?}");
            // What is kept of the experiment gives the same points.
            let again = read(&format!("[sweep]\n{sweep}\n"), &[&written[0]]).unwrap();
            assert_eq!(again.0, points, "{}", written[0]);
        };
        let sizes = "\"population.size\" = [10, 20, 30]";
        check(sizes, "population.size=20", &["population.size=20"]);
        check(sizes, "population.size=48", &["population.size=48"]);
        check(sizes, "population.size=[20, 30]", &["population.size=20", "population.size=30"]);
        check(sizes, "population={ size = 30 }", &["population.size=30"]);
        // As the file spells it, for that is what seeds are made from.
        check("\"population.size\" = { from = 10, to = 30, step = 10 }", "population.size=20", &["population.size=20"]);
        let shares = "\"agents.committed\" = [{ name = \"Q\", share = 0.10 }, { name = \"M\", share = 0.2 }]";
        assert!(
            read(&format!("[sweep]\n{shares}\n"), &["agents.committed.share=0.3"]).unwrap_err().contains("would be overwritten")
        );
        let both = "way = [{ \"game.memory\" = 1, \"population.size\" = 4 }, { \"game.memory\" = 2, \"population.size\" = 6 }]";
        check(both, "game.memory=2", &["game.memory=2 population.size=6"]);
        assert!(read(&format!("[sweep]\n{both}\n"), &["game.memory=3"]).unwrap_err().contains("never with this value"));
        let zip = "way = { \"game.memory\" = [1, 2], \"population.size\" = [4, 6] }";
        check(zip, "population.size=4", &["game.memory=1 population.size=4"]);
        assert!(
            read(&format!("[sweep]\n{sizes}\n"), &["population.size=many"]).unwrap_err().contains("--set population.size=many")
        );
    }

    #[test]
    fn swept_keys_need_no_quotes() {
        let points = |sweep: &str| read(&format!("[sweep]\n{sweep}\n"), &[]).map(|(points, ..)| points);
        let check = |bare: &str, quoted: &str| assert_eq!(points(bare).unwrap(), points(quoted).unwrap(), "{bare}");
        check("population.size = [10, 20]\ngame.memory = [1, 2]", "\"population.size\" = [10, 20]\n\"game.memory\" = [1, 2]");
        check("population.size = { from = 10, to = 30, step = 10 }", "\"population.size\" = [10, 20, 30]");
        check("population = { size = [10, 20] }", "\"population.size\" = [10, 20]");
        check(
            "n = { population.size = [4, 6], game.memory = [1, 2] }",
            "n = { \"population.size\" = [4, 6], \"game.memory\" = [1, 2] }",
        );
        assert_eq!(points("population.size = [10, 20]").unwrap(), points("[sweep.population]\nsize = [10, 20]").unwrap());
        assert!(points("population.size = { from = 10, to = 20 }").unwrap_err().contains("`step` or `count`"));
        assert!(points("population.size = 10").unwrap_err().contains("is a list, not an integer"));
        assert!(points("size = [10]").unwrap_err().contains("did you mean `population.size`?"));
    }

    #[test]
    fn what_is_left_to_defaults_is_told() {
        let bare = BASE.replace("name = \"n\"\nseed = 1\nreplicas = 2\n", "");
        let document = Document::parse("e.toml", &bare, &[]).unwrap();
        let told = document.notes().join("");
        assert!(["`seed`", "`replicas`", "`name`"].iter().all(|key| told.contains(key)), "{told}");
        assert!(Document::parse("e.toml", BASE, &[]).unwrap().notes().is_empty());
    }

    #[test]
    fn mistakes_say_what_was_meant() {
        let check = |from: &str, to: &str, words: &str| {
            let text = BASE.replace(from, to);
            let told = Document::parse("e.toml", &text, &[]).and_then(|document| document.points()).unwrap_err();
            assert!(told.contains(words), "{to}\n{told}");
        };
        let line = "size = 10";
        check(line, "size = 1,000", "write `1000` or `1_000`");
        check(line, "size = 1e3", "write 1000");
        check(line, "size = \"24\"", "without quotes: 24");
        check(line, "size = 10\nnetwork = \"ring\"", "network = { kind = \"ring\" }");
        check("names = [\"Q\", \"M\"]", "names = [“Q”, “M”]", "straight ones");
        check("seed = 1", "seed: 1", "this looks like YAML");
        check("[agents]", "[stop]\nconsensus = true\n[agents]", "its keys are: ");
        check("[agents]", "[agents.committed]\ncount = 2\n[agents]", "`agents.committed.name` is missing");
        check("[agents]", "[agents.committed]\nname = \"Q\"\nshare = 20\n[agents]", "20 % is 0.2");
        check("[agents]", "[agents.committed]\nname = \"Q\"\ncount = 0.2\n[agents]", "`share = 0.2`");

        check("[agents]", "[game]\n[agents]", "line 6");
        check(BASE, "{\n \"name\": \"n\" }", "this is JSON");
        check(BASE, "# Title\n\nSome words about it.\n\n```toml\nname = 1\n```", "this is no TOML");
    }
}
