//! A sweep: every combination of the swept keys' values, in the order of the file, the last key changing
//! fastest. An axis is a key with a list of values (`"agents.model" = [...]`) or a range of them (`range.rs`), or a free
//! word with a list of tables, each of which sets several keys at once (`direction = [{ "a.b" = 1, "a.c" = 2 }, ...]`), or
//! with a table of lists or ranges of equal length, which are gone through together (`n = { "a.b" = [1, 2], "a.c" = [3, 4] }`).

use super::axes::{Axis, axis, plain, words};
use super::document::Document;
use super::parts::Experiment;
use super::point::{Point, Setting};
use super::read::meant_here;
use super::threshold;
use crate::spec::places::{FileTable, Mistake, Spans, key_parts, put, table};

/// More points than anyone means to run.
const POINTS_MAX: usize = 100_000;

impl Document<'_> {
    /// Every point of the experiment, checked. An error is ready to be printed.
    pub fn points(&self) -> Result<Vec<Point>, String> {
        self.read_points().map_err(|mistake| self.say(&mistake))
    }

    fn read_points(&self) -> Result<Vec<Point>, Mistake> {
        let mut base = self.table.clone();
        base.remove("sweep");
        meant_here(&base)?;
        let read = |table: FileTable<'_>, spans: &Spans<'_, '_>| Experiment::read(table, spans, &self.registry);
        let point = |(settings, experiment)| Point { settings, experiment };
        let points: Vec<Point> = self.combinations(read)?.into_iter().map(point).collect();
        threshold::check(&points).map_err(|(key, why)| Spans::of(&self.table).mistake(key, why))?;
        Ok(points)
    }

    /// Every point of a sweep over a file of another kind, read by `read`: what it sets, and what it is. An error is ready to
    /// be printed.
    pub fn points_of<T>(
        &self,
        read: impl Fn(FileTable<'_>, &Spans<'_, '_>) -> Result<T, Mistake>,
    ) -> Result<Vec<(Vec<Setting>, T)>, String> {
        self.combinations(read).map_err(|mistake| self.say(&mistake))
    }

    fn combinations<T>(
        &self,
        read: impl Fn(FileTable<'_>, &Spans<'_, '_>) -> Result<T, Mistake>,
    ) -> Result<Vec<(Vec<Setting>, T)>, Mistake> {
        let mut base = self.table.clone();
        let Some(sweep) = base.remove("sweep") else {
            return Ok(vec![(Vec::new(), read(base, &Spans::of(&self.table))?)]);
        };
        let place = sweep.span();
        let axes: Vec<Axis<'_>> = table(sweep, "sweep")?.into_iter().map(axis).collect::<Result<_, _>>()?;
        unambiguous(&axes, &place)?;
        let n = axes.iter().try_fold(1usize, |n, axis| n.checked_mul(axis.values.len()).filter(|&n| n <= POINTS_MAX));
        let Some(n) = n else {
            return Err(Mistake::new(format!("this sweep has more than {POINTS_MAX} points")).span(place));
        };
        (0..n).map(|i| point(&base, &axes, i, &read)).collect()
    }

    /// Whether the file has a section or a key of this name.
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
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

fn point<T>(
    base: &FileTable<'_>,
    axes: &[Axis<'_>],
    mut i: usize,
    read: &impl Fn(FileTable<'_>, &Spans<'_, '_>) -> Result<T, Mistake>,
) -> Result<(Vec<Setting>, T), Mistake> {
    let mut table = base.clone();
    let mut chosen = Vec::new();
    for axis in axes.iter().rev() {
        let at = i % axis.values.len();
        chosen.push((axis.telling(), &axis.values[at], axis.labels[at].as_ref()));
        i /= axis.values.len();
    }
    let mut settings = Vec::new();
    for (telling, values, label) in chosen.into_iter().rev() {
        for (key, item) in values {
            put(&mut table, &key_parts(key), item.clone(), &item.span())?;
            // A label says all of a value.
            let telling = match label {
                Some(_) => *key == values[0].0,
                None => telling.is_none_or(|telling| telling == key),
            };
            settings.push(Setting { key: key.clone(), value: plain(item)?, telling, label: label.filter(|_| telling).cloned() });
        }
    }
    let read = read(table.clone(), &Spans::of(&table))?;
    Ok((settings, read))
}
