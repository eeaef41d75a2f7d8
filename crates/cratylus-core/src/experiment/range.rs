//! Ranges of swept values: `{ from = 0.0, to = 0.5, step = 0.05 }`, `{ from, to, count }`, and with `scale = "log"`
//! values whose ratios are equal. Every value is the decimal number that a person would write: 0.3 and never
//! 0.30000000000000004, as it becomes part of labels and of seeds.

use crate::spec::places::{FileItem, Mistake, table};
use serde_spanned::Spanned;
use toml::de::DeValue;

const KEYS: &str =
    "a range is `{ from = …, to = …, step = … }`, or `count = …` in place of `step`, and perhaps `scale = \"log\"`";
/// More values than any axis needs.
const MOST: usize = 100_000;

/// A decimal number: an integer with so many digits behind the point.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Decimal {
    digits: i128,
    places: u32,
    /// Whether it was written with a point, so that what is made of it is, too.
    float: bool,
}

impl Decimal {
    /// None for what is no number of moderate length.
    fn read(value: &DeValue<'_>) -> Option<Decimal> {
        let (text, float) = match value {
            DeValue::Integer(integer) if integer.radix() == 10 => (integer.as_str(), false),
            DeValue::Float(float) => (float.as_str(), true),
            _ => return None,
        };
        let text = text.replace('_', "");
        let (number, exponent) = match text.split_once(['e', 'E']) {
            Some((number, exponent)) => (number.to_string(), exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, behind) = number.split_once('.').unwrap_or((&number, ""));
        let mut digits: i128 = format!("{whole}{behind}").parse().ok()?;
        let mut places = behind.len() as i32 - exponent;
        while places < 0 {
            digits = digits.checked_mul(10)?;
            places += 1;
        }
        (places <= 15 && digits.abs() < 1 << 60).then_some(Decimal { digits, places: places as u32, float })
    }

    /// The digits with so many places, at least its own.
    fn at(&self, places: u32) -> i128 {
        self.digits * 10i128.pow(places - self.places)
    }

    fn value(&self) -> f64 {
        self.digits as f64 / 10f64.powi(self.places as i32)
    }

    fn text(mut self) -> String {
        while self.places > 0 && self.digits % 10 == 0 {
            self.digits /= 10;
            self.places -= 1;
        }
        let sign = if self.digits < 0 { "-" } else { "" };
        let digits = format!("{:0width$}", self.digits.abs(), width = self.places as usize + 1);
        let (whole, behind) = digits.split_at(digits.len() - self.places as usize);
        match (behind.is_empty(), self.float) {
            (true, false) => format!("{sign}{whole}"),
            (true, true) => format!("{sign}{whole}.0"),
            (false, _) => format!("{sign}{whole}.{behind}"),
        }
    }
}

/// Whether a table is meant as a range, and not as keys with values of their own.
pub(super) fn is(table: &crate::spec::places::FileTable<'_>) -> bool {
    let known = |key: &str| matches!(key, "from" | "to" | "step" | "count" | "scale");
    let mut keys = table.iter();
    table.contains_key("from")
        || table.contains_key("to")
        || keys.all(|(key, item)| known(key.get_ref()) && !matches!(item.get_ref(), DeValue::Array(_) | DeValue::Table(_)))
}

/// The values of a range. An error says what is wrong, at its place.
pub(super) fn values<'a>(item: FileItem<'a>, key: &str) -> Result<Vec<FileItem<'a>>, Mistake> {
    let span = item.span();
    let mistake = |why: String| Mistake::new(why).help(KEYS.into()).span(span.clone());
    let mut keys = table(item, key)?;
    let mut take = |key: &str| keys.remove(key);
    let (from, to, step, count, scale) = (take("from"), take("to"), take("step"), take("count"), take("scale"));
    if let Some((other, _)) = keys.iter().next() {
        return Err(Mistake::new(format!("a range has no key `{}`", other.get_ref())).help(KEYS.into()).span(other.span()));
    }
    let number = |item: &Option<FileItem<'_>>, key: &str| -> Result<Decimal, Mistake> {
        let item = item.as_ref().ok_or_else(|| mistake(format!("this range has no `{key}`")))?;
        Decimal::read(item.get_ref()).ok_or_else(|| {
            Mistake::new(format!("`{key}` is a number with at most 15 places")).help(KEYS.into()).span(item.span())
        })
    };
    let (from, to) = (number(&from, "from")?, number(&to, "to")?);
    let log = match scale.as_ref().map(|scale| scale.get_ref().as_str()) {
        None | Some(Some("linear")) => false,
        Some(Some("log")) => true,
        _ => return Err(mistake("a scale is \"linear\" or \"log\"".into())),
    };
    let float = from.float || to.float;
    let texts = match (step, count) {
        (Some(_), None) if log => return Err(mistake("a range on a log scale takes a `count`, not a `step`".into())),
        (Some(step), None) => {
            let step = number(&Some(step), "step")?;
            let places = from.places.max(to.places).max(step.places);
            let (low, high, by) = (from.at(places), to.at(places), step.at(places));
            if by == 0 || (high - low).signum() * by.signum() < 0 {
                return Err(mistake("this step never gets from `from` to `to`".into()));
            }
            let n = (high - low) / by;
            if n >= MOST as i128 {
                return Err(mistake(format!("this range has more than {MOST} values")));
            }
            let float = float || step.float;
            (0..=n).map(|i| Decimal { digits: low + i * by, places, float }.text()).collect::<Vec<_>>()
        }
        (None, Some(count)) => {
            let count = count.get_ref().as_integer().and_then(|count| count.as_str().parse::<usize>().ok());
            let count = count.filter(|count| (2..=MOST).contains(count));
            let count = count.ok_or_else(|| mistake(format!("`count` is a whole number from 2 to {MOST}")))?;
            if log && (from.value() <= 0.0 || to.value() <= 0.0) {
                return Err(mistake("a log scale has no zero and no negative numbers".into()));
            }
            let at = |i: usize| {
                let share = i as f64 / (count - 1) as f64;
                match log {
                    true => from.value() * (to.value() / from.value()).powf(share),
                    false => from.value() + (to.value() - from.value()) * share,
                }
            };
            let text = |i: usize| match i {
                0 => Decimal { float, ..from }.text(),
                i if i == count - 1 => Decimal { float, ..to }.text(),
                i => rounded(at(i), float),
            };
            let mut texts: Vec<String> = (0..count).map(text).collect();
            texts.dedup();
            texts
        }
        _ => return Err(mistake("give `step` or `count`, one of the two".into())),
    };
    Ok(texts.into_iter().map(|text| item_of(text, span.clone())).collect())
}

/// A whole number, or one of six digits.
fn rounded(value: f64, float: bool) -> String {
    if !float {
        return format!("{value:.0}");
    }
    let digits = format!("{value:.5e}");
    let plain = digits.parse::<f64>().expect("a number that was just written").to_string();
    if plain.contains('.') { plain } else { format!("{plain}.0") }
}

/// A number that stands in no file. Its text is kept for as long as the program runs: a few bytes for each value of a sweep.
fn item_of<'a>(text: String, span: std::ops::Range<usize>) -> FileItem<'a> {
    let value = DeValue::parse(Box::leak(text.into_boxed_str())).expect("a number is a value").into_inner();
    Spanned::new(span, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(range: &str) -> Result<Vec<String>, String> {
        let item = DeValue::parse(range).unwrap();
        let of = |items: Vec<FileItem<'_>>| {
            items
                .into_iter()
                .map(|item| match item.into_inner() {
                    DeValue::Integer(integer) => integer.as_str().to_string(),
                    DeValue::Float(float) => float.as_str().to_string(),
                    _ => panic!("a range of what is no number"),
                })
                .collect()
        };
        values(item, "key").map(of).map_err(|mistake| mistake.message)
    }

    #[test]
    fn values_are_what_a_person_would_write() {
        let check = |range: &str, due: &str| assert_eq!(texts(range).unwrap().join(" "), due, "{range}");
        check("{ from = 0.0, to = 0.5, step = 0.1 }", "0.0 0.1 0.2 0.3 0.4 0.5");
        check("{ from = 0.5, to = 0.35, step = -0.05 }", "0.5 0.45 0.4 0.35");
        check("{ from = 10, to = 35, step = 10 }", "10 20 30");
        check("{ from = 0, to = 1, step = 0.25 }", "0.0 0.25 0.5 0.75 1.0");
        check("{ from = 0.0, to = 1.0, count = 4 }", "0.0 0.333333 0.666667 1.0");
        check("{ from = 100, to = 1_000_000, count = 5, scale = \"log\" }", "100 1000 10000 100000 1000000");
        check("{ from = 1e-3, to = 1e-1, count = 3, scale = \"log\" }", "0.001 0.01 0.1");
        check("{ from = 1, to = 3, count = 9 }", "1 2 3");
    }

    #[test]
    fn what_is_no_range_says_why() {
        let refused = |range: &str, why: &str| assert!(texts(range).unwrap_err().contains(why), "{range}: {:?}", texts(range));
        refused("{ from = 0, to = 1 }", "`step` or `count`");
        refused("{ from = 0, to = 1, step = -0.1 }", "never gets");
        refused("{ from = 0, to = 1, step = 0 }", "never gets");
        refused("{ from = 0, step = 1 }", "no `to`");
        refused("{ from = \"a\", to = 1, step = 1 }", "`from` is a number");
        refused("{ from = 0, to = 1, count = 3, scale = \"log\" }", "no zero");
        refused("{ from = 1, to = 9, step = 1, scale = \"log\" }", "takes a `count`");
        refused("{ from = 1, to = 9, steps = 1 }", "no key `steps`");
        refused("{ from = 0, to = 1, step = 1e-9 }", "more than");
    }
}
