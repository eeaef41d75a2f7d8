//! A sweep: every combination of the swept keys' values, in the order of the file, the last key changing
//! fastest. An axis is a key with a list of values (`"agents.model" = [...]`) or a range of them (`range.rs`), or a free
//! word with a list of tables, each of which sets several keys at once (`direction = [{ "a.b" = 1, "a.c" = 2 }, ...]`), or
//! with a table of lists or ranges of equal length, which are gone through together (`n = { "a.b" = [1, 2], "a.c" = [3, 4] }`).

use super::document::{Document, Item, Mistake, Spans, Table, array, key_parts, nearest, put, table};
use super::{Experiment, KEYS, range, sequential};
use toml::de::DeValue;

/// One swept key's value at one point.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// With its section, as `population.size`.
    pub key: String,
    /// As it stands in the file, or in the range that it is of.
    pub value: toml::Value,
    /// Whether it tells the values of its axis apart, so that a label needs no other key of the axis.
    pub telling: bool,
}

impl Setting {
    /// The value as a reader would write it: text without its quotes, unless something in it would not be seen.
    pub fn words(&self) -> String {
        match &self.value {
            toml::Value::String(text) if !text.contains(char::is_control) => text.clone(),
            other => other.to_string(),
        }
    }
}

/// One point of a sweep: what it sets, and the experiment that makes.
#[derive(Clone, Debug)]
pub struct Point {
    /// In the order of the file; empty without a sweep.
    pub settings: Vec<Setting>,
    /// With the values in their places, checked.
    pub experiment: Experiment,
}

impl Point {
    /// What the point sets, as text: `agents.model="llama-3-70b" population.size=24`. Empty without a sweep.
    pub fn text(&self) -> String {
        let settings = self.settings.iter().map(|Setting { key, value, .. }| format!("{key}={value}"));
        settings.collect::<Vec<_>>().join(" ")
    }

    /// The same for readers: the values alone, of keys that `wanted` lets through.
    pub fn label(&self, wanted: impl Fn(&str) -> bool) -> String {
        let telling = self.settings.iter().filter(|setting| setting.telling && wanted(&setting.key));
        telling.map(Setting::words).collect::<Vec<_>>().join(", ")
    }
}

/// More points than anyone means to run.
const POINTS_MAX: usize = 100_000;

struct Axis<'a> {
    values: Vec<Vec<(String, Item<'a>)>>,
}

impl Axis<'_> {
    /// The first key whose values are all different.
    fn telling(&self) -> Option<&str> {
        let first = self.values.first()?;
        let place = (0..first.len()).find(|&place| {
            let mut texts: Vec<String> =
                self.values.iter().filter_map(|value| value.get(place)).map(|(_, item)| words(item)).collect();
            texts.sort_unstable();
            texts.dedup();
            texts.len() == self.values.len()
        })?;
        Some(&first[place].0)
    }
}

fn words(item: &Item<'_>) -> String {
    plain(item).map_or_else(|_| String::new(), |value| value.to_string())
}

impl Document<'_> {
    /// Every point of the experiment, checked. An error is ready to be printed.
    pub fn points(&self) -> Result<Vec<Point>, String> {
        self.read_points().map_err(|mistake| self.say(&mistake))
    }

    fn read_points(&self) -> Result<Vec<Point>, Mistake> {
        let mut base = self.table.clone();
        let Some(sweep) = base.remove("sweep") else {
            let spans = Spans::of(&self.table);
            let points = vec![Point { settings: Vec::new(), experiment: Experiment::read(base, &spans)? }];
            sequential::check(&points).map_err(|(key, why)| spans.mistake(key, why))?;
            return Ok(points);
        };
        let place = sweep.span();
        let axes: Vec<Axis<'_>> = table(sweep, "sweep")?.into_iter().map(axis).collect::<Result<_, _>>()?;
        unambiguous(&axes, &place)?;
        let n = axes.iter().try_fold(1usize, |n, axis| n.checked_mul(axis.values.len()).filter(|&n| n <= POINTS_MAX));
        let Some(n) = n else {
            return Err(Mistake::new(format!("this sweep has more than {POINTS_MAX} points")).span(place));
        };
        let points: Vec<Point> = (0..n).map(|i| point(&base, &axes, i)).collect::<Result<_, _>>()?;
        sequential::check(&points).map_err(|(key, why)| Spans::of(&self.table).mistake(key, why))?;
        Ok(points)
    }
}

/// Every key is set by one axis, by all of its tables, and every value once: else runs would be counted twice or under a wrong key.
fn unambiguous(axes: &[Axis<'_>], place: &std::ops::Range<usize>) -> Result<(), Mistake> {
    let mistake = |why: String| Err(Mistake::new(why).span(place.clone()));
    let mut before: Vec<&str> = Vec::new();
    for axis in axes {
        let keys: Vec<&str> = axis.values[0].iter().map(|(key, _)| key.as_str()).collect();
        if axis.values.iter().any(|value| value.iter().map(|(key, _)| key.as_str()).ne(keys.iter().copied())) {
            return mistake("the tables of one sweep axis must set the same keys, in the same order".into());
        }
        if keys.is_empty() {
            return mistake("a table of a sweep axis sets at least one key".into());
        }
        for key in keys {
            let under = |a: &str, b: &str| a == b || a.strip_prefix(b).is_some_and(|rest| rest.starts_with('.'));
            if let Some(other) = before.iter().find(|other| under(key, other) || under(other, key)) {
                return mistake(format!("the sweep sets `{other}` and `{key}`, which are the same or one inside the other"));
            }
            before.push(key);
        }
        let mut texts: Vec<String> =
            axis.values.iter().map(|value| value.iter().map(|(_, item)| words(item)).collect::<Vec<_>>().join(", ")).collect();
        texts.sort_unstable();
        if let Some(pair) = texts.windows(2).find(|pair| pair[0] == pair[1]) {
            return mistake(format!(
                "the sweep lists {} twice for `{}`; such runs would be the same",
                pair[0], axis.values[0][0].0
            ));
        }
    }
    Ok(())
}

fn point(base: &Table<'_>, axes: &[Axis<'_>], mut i: usize) -> Result<Point, Mistake> {
    let mut table = base.clone();
    let mut chosen = Vec::new();
    for axis in axes.iter().rev() {
        chosen.push((axis.telling(), &axis.values[i % axis.values.len()]));
        i /= axis.values.len();
    }
    let mut settings = Vec::new();
    for (telling, values) in chosen.into_iter().rev() {
        for (key, item) in values {
            put(&mut table, &key_parts(key), item.clone(), &item.span())?;
            let telling = telling.is_none_or(|telling| telling == key);
            settings.push(Setting { key: key.clone(), value: plain(item)?, telling });
        }
    }
    let experiment = Experiment::read(table.clone(), &Spans::of(&table))?;
    Ok(Point { settings, experiment })
}

fn axis<'a>((key, item): (serde_spanned::Spanned<std::borrow::Cow<'a, str>>, Item<'a>)) -> Result<Axis<'a>, Mistake> {
    let word = key.get_ref().to_string();
    let section = word.split('.').next().unwrap_or("");
    let is_key = KEYS.contains(&section);
    if matches!(section, "sweep" | "name" | "seed" | "replicas" | "record" | "published" | "find") {
        let why = format!("`{section}` belongs to the whole experiment and cannot be swept");
        return Err(Mistake::new(why).span(key.span()));
    }
    if !is_key && matches!(item.get_ref(), DeValue::Table(_)) {
        return zip(&word, key.span(), item);
    }
    let values = values(item, &word)?;
    if is_key {
        return Ok(Axis { values: values.into_iter().map(|value| vec![(word.clone(), value)]).collect() });
    }
    let together = |item: Item<'a>| match item.get_ref() {
        DeValue::Table(_) => {
            let entries = table(item, &word)?.into_iter().flat_map(|(key, value)| flatten(key.into_inner().into_owned(), value));
            Ok(entries.collect())
        }
        _ => {
            let known = KEYS[3..8].iter().map(|key| format!("{key}.…")).collect::<Vec<_>>();
            let why = format!("`{word}` is no key of an experiment, and its values are not tables that set keys together");
            Err(Mistake::new(why).help(nearest(&word, &known)).span(key.span()))
        }
    };
    Ok(Axis { values: values.into_iter().map(together).collect::<Result<_, _>>()? })
}

/// A list of values, or a range of them.
fn values<'a>(item: Item<'a>, word: &str) -> Result<Vec<Item<'a>>, Mistake> {
    let (key, span) = (format!("sweep.{word}"), item.span());
    let values = match item.get_ref() {
        DeValue::Table(_) => range::values(item, &key)?,
        _ => array(item, &key)?,
    };
    match values.is_empty() {
        true => Err(Mistake::new(format!("the list of values for `{word}` is empty")).span(span)),
        false => Ok(values),
    }
}

/// Several keys that go through their values together.
fn zip<'a>(word: &str, place: std::ops::Range<usize>, item: Item<'a>) -> Result<Axis<'a>, Mistake> {
    let mut axis: Vec<Vec<(String, Item<'a>)>> = Vec::new();
    for (key, item) in table(item, word)? {
        let key = key.get_ref().to_string();
        let span = item.span();
        let values = values(item, &key)?;
        if !axis.is_empty() && axis.len() != values.len() {
            let why = format!(
                "keys that change together have as many values each; `{key}` has {}, and {} came before",
                values.len(),
                axis.len()
            );
            return Err(Mistake::new(why).span(span));
        }
        axis.resize_with(values.len(), Vec::new);
        axis.iter_mut().zip(values).for_each(|(together, value)| together.push((key.clone(), value)));
    }
    match axis.is_empty() {
        true => Err(Mistake::new(format!("`{word}` sets no key")).span(place)),
        false => Ok(Axis { values: axis }),
    }
}

/// `population = { size = 24 }` in a joint axis means the same as `"population.size" = 24`.
fn flatten<'a>(key: String, item: Item<'a>) -> Vec<(String, Item<'a>)> {
    let span = item.span();
    match item.into_inner() {
        DeValue::Table(inner) if !key.contains('.') => {
            inner.into_iter().flat_map(|(under, item)| flatten(format!("{key}.{}", under.into_inner()), item)).collect()
        }
        other => vec![(key, serde_spanned::Spanned::new(span, other))],
    }
}

fn plain(item: &Item<'_>) -> Result<toml::Value, Mistake> {
    let value = <toml::Value as serde::Deserialize>::deserialize(toml::de::ValueDeserializer::from(item.clone()));
    value.map_err(|error| Mistake::new(error.message().to_string()).span(item.span()))
}
