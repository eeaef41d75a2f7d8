//! The axes of a sweep, in the table of the file.

use super::range;
use crate::spec::places::{FileItem, FileTable, KEYS, KEYS_OF_SIGNALS, Mistake, array, table};
use crate::text::nearest;
use toml::de::DeValue;

/// Keys that are swept often, for those who leave out the section.
const COMMON: [&str; 13] = [
    "population.size",
    "population.network",
    "population.pairing",
    "game.names",
    "game.memory",
    "agents.model",
    "agents.kind",
    "agents.beta",
    "agents.committed.share",
    "agents.committed.count",
    "stop.rounds",
    "stop.interactions",
    "stop.sweeps",
];

/// What `--set` of a swept key left of its sweep.
pub(super) struct Left {
    /// For the user.
    pub words: String,
    /// The `--set` that would do the same to the file.
    pub set: String,
}

/// Takes keys out of the tables into which TOML puts them where a dotted key has no quotes: `population.size = [10, 20]` under
/// `[sweep]` is the axis `"population.size"`.
pub(super) fn spread(table: &mut FileTable<'_>) {
    let Some(DeValue::Table(sweep)) = table.get_mut("sweep").map(serde_spanned::Spanned::get_mut) else { return };
    for (key, item) in std::mem::take(sweep) {
        let section = key.get_ref().split('.').next().unwrap_or("");
        let is_key = KEYS.contains(&section) || KEYS_OF_SIGNALS.contains(&section);
        let place = key.span();
        let entries =
            if is_key { leaves(key.get_ref().to_string(), item) } else { vec![(key.get_ref().to_string(), together(item))] };
        for (key, item) in entries {
            sweep.insert(serde_spanned::Spanned::new(place.clone(), key.into()), item);
        }
    }
}

/// The same for keys that go through their values together.
fn together(item: FileItem<'_>) -> FileItem<'_> {
    let span = item.span();
    match item.into_inner() {
        DeValue::Table(inner) => {
            let mut table = FileTable::new();
            for (key, item) in inner {
                for (path, item) in leaves(key.get_ref().to_string(), item) {
                    table.insert(serde_spanned::Spanned::new(key.span(), path.into()), item);
                }
            }
            serde_spanned::Spanned::new(span, DeValue::Table(table))
        }
        other => serde_spanned::Spanned::new(span, other),
    }
}

/// The lists and ranges in a table, each with its key.
fn leaves<'a>(key: String, item: FileItem<'a>) -> Vec<(String, FileItem<'a>)> {
    let span = item.span();
    match item.into_inner() {
        DeValue::Table(inner) if !inner.is_empty() && !range::is(&inner) => {
            inner.into_iter().flat_map(|(under, item)| leaves(format!("{key}.{}", under.into_inner()), item)).collect()
        }
        other => vec![(key, serde_spanned::Spanned::new(span, other))],
    }
}

/// Leaves of the sweep the values that a setting of one of its keys means. None where the sweep does not touch the key; an
/// error where the setting would be without effect, or no value is left.
pub(super) fn restrict<'a>(
    table: &mut FileTable<'a>,
    key: &str,
    value: FileItem<'a>,
    place: &std::ops::Range<usize>,
) -> Result<Option<Left>, Mistake> {
    let Some(DeValue::Table(sweep)) = table.get_mut("sweep").map(serde_spanned::Spanned::get_mut) else { return Ok(None) };
    // A sweep that cannot be read gets its own words later.
    let axes =
        sweep.iter().filter_map(|(word, item)| Some((word.get_ref().to_string(), axis((word.clone(), item.clone())).ok()?)));
    let axes: Vec<(String, Axis<'a>)> = axes.collect();
    let inside = |a: &str, b: &str| a.strip_prefix(b).is_some_and(|rest| rest.starts_with('.'));
    for (word, axis) in axes {
        let Some(first) = axis.values.first() else { continue };
        if let Some((swept, _)) = first.iter().find(|(swept, _)| inside(key, swept)) {
            let why = format!("`{swept}` is swept, so `{key}` would be overwritten by each of its values");
            let help = format!("`--set '{swept}=…'` leaves one value of the sweep, `--set 'sweep={{}}'` none");
            return Err(Mistake::new(why).help(help));
        }
        // Of a whole section only what is in it and swept meets the sweep.
        let wanted: Vec<(usize, FileItem<'a>)> = first
            .iter()
            .enumerate()
            .filter_map(|(i, (swept, _))| match swept == key {
                true => Some((i, value.clone())),
                false if inside(swept, key) => Some((i, under(&value, &swept[key.len() + 1..])?.clone())),
                false => None,
            })
            .collect();
        if wanted.is_empty() {
            continue;
        }
        let n = axis.values.len();
        let fits = |values: &&Vec<(String, FileItem<'a>)>| {
            wanted.iter().all(|(i, value)| values.get(*i).is_some_and(|(_, item)| same(item, value)))
        };
        let labels = &mut axis.labels.iter();
        let mut kept: Vec<(Together<'a>, Option<&String>)> = Vec::new();
        for value in &axis.values {
            let label = labels.next().expect("one for each value").as_ref();
            if fits(&value) {
                kept.push((value.clone(), label));
            }
        }
        let list = |item: &FileItem<'_>| matches!(item.get_ref(), DeValue::Array(_));
        if kept.is_empty() && first.len() == 1 {
            // A key that is swept alone can take any value, and in place of its list another list of values.
            let value = &wanted[0].1;
            kept = match value.get_ref() {
                DeValue::Array(values) if !list(&first[0].1) => {
                    values.iter().map(|value| (vec![(first[0].0.clone(), value.clone())], None)).collect()
                }
                _ => vec![(vec![(first[0].0.clone(), value.clone())], None)],
            };
        }
        if kept.is_empty() {
            let (swept, others) = (&first[wanted[0].0].0, first.len() - 1);
            let why = format!(
                "`{swept}` is swept together with {others} other key{}, and never with this value",
                if others == 1 { "" } else { "s" }
            );
            let mut there: Vec<String> =
                axis.values.iter().filter_map(|values| values.get(wanted[0].0)).map(|(_, item)| words(item)).collect();
            there.dedup();
            there.truncate(12);
            return Err(Mistake::new(why).help(format!("its values are: {}", there.join(", "))));
        }
        let left = kept.len();
        let swept = &first[wanted[0].0].0;
        let words = match (left, first.len()) {
            (1, 1) => format!("`{swept}` is swept over {n} values; `--set` leaves {}", words(&kept[0].0[0].1)),
            (_, 1) => format!("`{swept}` is swept over {n} values; `--set` makes them {left}"),
            _ => format!("`{swept}` is swept over {n} settings of `{word}`; `--set` leaves {left}"),
        };
        // A key of its own is a list again, and several together are tables.
        let items = kept.into_iter().map(|(values, label)| match (&values[..], label) {
            ([(swept, item)], None) if *swept == word => item.clone(),
            _ => {
                let label = label.map(|label| {
                    let text = DeValue::String(label.clone().into());
                    (LABEL.to_string(), serde_spanned::Spanned::new(place.clone(), text))
                });
                let entries = values.into_iter().chain(label);
                let entries = entries.map(|(key, item)| (serde_spanned::Spanned::new(place.clone(), key.into()), item));
                serde_spanned::Spanned::new(place.clone(), DeValue::Table(entries.collect()))
            }
        });
        let item = serde_spanned::Spanned::new(place.clone(), DeValue::Array(items.collect()));
        let set = format!("sweep.\"{word}\"={}", plain(&item)?);
        sweep.insert(serde_spanned::Spanned::new(place.clone(), word.into()), item);
        return Ok(Some(Left { words, set }));
    }
    Ok(None)
}

/// The value at a dotted key inside another.
fn under<'r, 'a>(value: &'r FileItem<'a>, key: &str) -> Option<&'r FileItem<'a>> {
    key.split('.').try_fold(value, |value, part| match value.get_ref() {
        DeValue::Table(inner) => inner.get(part),
        _ => None,
    })
}

/// Whether two values are the same, however numbers are written.
fn same(a: &FileItem<'_>, b: &FileItem<'_>) -> bool {
    let number = |value: &toml::Value| value.as_float().or(value.as_integer().map(|n| n as f64));
    match (plain(a), plain(b)) {
        (Ok(a), Ok(b)) => a == b || number(&a).is_some_and(|number_a| Some(number_a) == number(&b)),
        _ => false,
    }
}

/// The keys that one value of an axis sets.
type Together<'a> = Vec<(String, FileItem<'a>)>;

pub(super) struct Axis<'a> {
    pub values: Vec<Together<'a>>,
    /// What readers call each value, where the file says so with a `label` beside the keys.
    pub labels: Vec<Option<String>>,
}

/// Takes the label off the keys that a value sets.
fn labelled(values: Vec<Together<'_>>) -> Result<Axis<'_>, Mistake> {
    let mut axis = Axis { values: Vec::new(), labels: Vec::new() };
    for mut value in values {
        let at = value.iter().position(|(key, _)| key == LABEL);
        let label = at.map(|at| value.remove(at).1);
        let text = |item: FileItem<'_>| match item.get_ref() {
            DeValue::String(text) if !text.trim().is_empty() => Ok(text.to_string()),
            _ => {
                Err(Mistake::new("`label` is what readers call these settings, as \"5 % Claude\"".to_string()).span(item.span()))
            }
        };
        axis.labels.push(label.map(text).transpose()?);
        axis.values.push(value);
    }
    Ok(axis)
}

const LABEL: &str = "label";

impl Axis<'_> {
    /// The first key whose values are all different.
    pub fn telling(&self) -> Option<&str> {
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

pub(super) fn words(item: &FileItem<'_>) -> String {
    plain(item).map_or_else(|_| String::new(), |value| value.to_string())
}

pub(super) fn axis<'a>(
    (key, item): (serde_spanned::Spanned<std::borrow::Cow<'a, str>>, FileItem<'a>),
) -> Result<Axis<'a>, Mistake> {
    let word = key.get_ref().to_string();
    let section = word.split('.').next().unwrap_or("");
    let is_key = KEYS.contains(&section) || KEYS_OF_SIGNALS.contains(&section);
    if matches!(section, "sweep" | "name" | "seed" | "replicas" | "record" | "published" | "find") {
        let why = format!("`{section}` belongs to the whole experiment and cannot be swept");
        return Err(Mistake::new(why).span(key.span()));
    }
    if !is_key && matches!(item.get_ref(), DeValue::Table(_)) {
        return zip(&word, key.span(), item);
    }
    let values = values(item, &word)?;
    if is_key {
        return labelled(values.into_iter().map(|value| vec![(word.clone(), value)]).collect());
    }
    let together = |item: FileItem<'a>| match item.get_ref() {
        DeValue::Table(_) => {
            let entries = table(item, &word)?.into_iter().flat_map(|(key, value)| flatten(key.into_inner().into_owned(), value));
            Ok(entries.collect())
        }
        _ => {
            let known = KEYS[3..8].iter().map(|key| format!("{key}.…")).collect::<Vec<_>>();
            let why = format!("`{word}` is no key of an experiment, and its values are not tables that set keys together");
            let known: Vec<String> = known.into_iter().chain(COMMON.map(String::from)).collect();
            let meant = COMMON.iter().find(|known| known.rsplit('.').next() == Some(&word));
            let help = meant.map_or_else(|| nearest(&word, &known), |meant| format!("did you mean `{meant}`?"));
            Err(Mistake::new(why).help(help).span(key.span()))
        }
    };
    labelled(values.into_iter().map(together).collect::<Result<_, _>>()?)
}

/// A list of values, or a range of them.
fn values<'a>(item: FileItem<'a>, word: &str) -> Result<Vec<FileItem<'a>>, Mistake> {
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
fn zip<'a>(word: &str, place: std::ops::Range<usize>, item: FileItem<'a>) -> Result<Axis<'a>, Mistake> {
    let mut axis: Vec<Vec<(String, FileItem<'a>)>> = Vec::new();
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
        false => labelled(axis),
    }
}

/// `population = { size = 24 }` in a joint axis means the same as `"population.size" = 24`.
fn flatten<'a>(key: String, item: FileItem<'a>) -> Vec<(String, FileItem<'a>)> {
    let span = item.span();
    match item.into_inner() {
        DeValue::Table(inner) if !key.contains('.') => {
            inner.into_iter().flat_map(|(under, item)| flatten(format!("{key}.{}", under.into_inner()), item)).collect()
        }
        other => vec![(key, serde_spanned::Spanned::new(span, other))],
    }
}

pub(super) fn plain(item: &FileItem<'_>) -> Result<toml::Value, Mistake> {
    let value = <toml::Value as serde::Deserialize>::deserialize(toml::de::ValueDeserializer::from(item.clone()));
    value.map_err(|error| Mistake::new(error.message().to_string()).span(item.span()))
}
