//! `cratylus compare`: what differs between the results of two run directories, and by how much, with intervals.

use crate::caller::{print, print_json};
use crate::failure::Failure;
use crate::report;
use crate::results::PointData;
use crate::rows::{Row, rows};
use crate::signals;
use crate::words::table;
use clap::Args;
use cratylus_core::stats::{Difference, difference_of_means, difference_of_shares};
use serde_json::json;
use std::path::PathBuf;

/// Compare the results of two run directories.
///
/// Conditions that set the same are compared, measure by measure: the second less the first, with a 95 % interval and a p-value
/// (shares: Newcombe's interval and Fisher's exact test; means: Welch's). What only one of them has is said, and so is what else
/// differs between the two experiments, as then a difference has more than one possible cause.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  cratylus compare runs/consensus runs/consensus-hot\n  cratylus compare runs/a runs/b --measure consensus,rounds_to_consensus --json"
)]
pub struct Compare {
    /// The directory that is compared with.
    first: PathBuf,
    /// The directory that is compared.
    second: PathBuf,
    /// These measures alone, as the table calls them.
    #[arg(long, value_name = "MEASURE", value_delimiter = ',')]
    measure: Vec<String>,
    /// Print all differences as JSON.
    #[arg(long)]
    json: bool,
}

fn difference(a: &Row, b: &Row) -> Option<Difference> {
    match (a.count, b.count, a.sd, b.sd) {
        (Some(x), Some(y), ..) => difference_of_shares([x, a.n], [y, b.n]),
        (_, _, Some(x), Some(y)) => difference_of_means([a.value, x], a.n, [b.value, y], b.n),
        _ => None,
    }
}

/// One line: a measure of a condition in both.
struct Compared {
    condition: String,
    first: Row,
    second: Row,
    difference: Option<Difference>,
}

/// What the experiments set, key by key, but for what names them and what is swept.
fn settings(text: &str) -> Result<Vec<(String, String)>, String> {
    fn flat(at: String, value: &toml::Value, into: &mut Vec<(String, String)>) {
        match value {
            toml::Value::Table(table) => {
                for (key, value) in table {
                    flat(if at.is_empty() { key.clone() } else { format!("{at}.{key}") }, value, into);
                }
            }
            other => into.push((at, other.to_string())),
        }
    }
    let mut all = Vec::new();
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| error.to_string())?;
    for (key, value) in table.iter().filter(|(key, _)| !["name", "published", "record", "budget"].contains(&key.as_str())) {
        flat(key.clone(), value, &mut all);
    }
    all.sort();
    Ok(all)
}

impl Compare {
    pub fn go(self) -> Result<(), Failure> {
        for dir in [&self.first, &self.second] {
            if signals::meant(dir) {
                let why = format!("{} holds networks that learnt to signal, whose results are not compared yet", dir.display());
                return Err(Failure::input(why).help("`cratylus report DIR --json` of both has their numbers"));
            }
        }
        let (a, b) = (report::told(&self.first)?, report::told(&self.second)?);
        let (a_points, b_points) = (a.points(), b.points());
        let label = |data: &PointData| if data.label.is_empty() { "all runs".to_string() } else { data.label.clone() };
        // Where each has one condition it is these two that are meant, whatever they set.
        let pairs: Vec<(&PointData, &PointData)> = match (a_points, b_points) {
            ([one], [other]) => vec![(one, other)],
            _ => {
                a_points.iter().filter_map(|one| Some((one, b_points.iter().find(|other| other.keys() == one.keys())?))).collect()
            }
        };
        let alone = |of: &[PointData], others: &[PointData]| -> Vec<String> {
            of.iter()
                .filter(|one| !pairs.iter().any(|(x, y)| std::ptr::eq(*x, *one) || std::ptr::eq(*y, *one)))
                .map(label)
                .take(others.len() + of.len())
                .collect()
        };
        let (only_a, only_b) = (alone(a_points, b_points), alone(b_points, a_points));
        if pairs.is_empty() {
            let why = format!("no condition of {} is one of {}", self.first.display(), self.second.display());
            let help = format!("the first has: {}; the second: {}", only_a.join(", "), only_b.join(", "));
            return Err(Failure::input(why).help(&help));
        }
        let mut all = Vec::new();
        let mut measures: Vec<String> = Vec::new();
        for (one, other) in &pairs {
            let there = rows(&other.facts);
            for first in rows(&one.facts) {
                if !measures.contains(&first.measure) {
                    measures.push(first.measure.clone());
                }
                if !self.measure.is_empty() && !self.measure.contains(&first.measure) {
                    continue;
                }
                if let Some(second) = there.iter().find(|row| row.measure == first.measure).cloned() {
                    let difference = difference(&first, &second);
                    all.push(Compared { condition: label(one), first, second, difference });
                }
            }
        }
        if let Some(unknown) = self.measure.iter().find(|name| !measures.contains(name)) {
            let why = format!("there is no measure `{unknown}` in both");
            return Err(Failure::input(why).help(&format!("there are: {}", measures.join(", "))));
        }
        let unlike = match (settings(a.experiment()), settings(b.experiment())) {
            (Ok(x), Ok(y)) => differing(&x, &y),
            _ => Vec::new(),
        };
        if self.json {
            let rows = all.iter().map(|one| {
                let Compared { condition, first, second, difference } = one;
                let difference = difference.as_ref().map(|d| json!({ "value": d.value, "low": d.low, "high": d.high, "p": d.p }));
                json!({ "condition": condition, "measure": first.measure, "first": { "n": first.n, "value": first.value },
                    "second": { "n": second.n, "value": second.value }, "difference": difference })
            });
            return print_json(&json!({ "schema": "cratylus-compare/1", "first": self.first, "second": self.second,
                "unlike": unlike, "only_first": only_a, "only_second": only_b, "differences": rows.collect::<Vec<_>>() }));
        }
        let mut lines = vec![["condition", "measure", "first", "second", "difference", "p"].map(String::from).to_vec()];
        let plain = |x: f64| {
            let text = format!("{x:.3}");
            if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_string() } else { text }
        };
        for Compared { condition, first, second, difference } in &all {
            let (difference, p) = match difference {
                Some(d) => (
                    format!("{} [{}, {}]", plain(d.value), plain(d.low), plain(d.high)),
                    if d.p < 0.001 { "< 0.001".into() } else { format!("{:.3}", d.p) },
                ),
                None => ("–".into(), String::new()),
            };
            lines.push(vec![condition.clone(), first.measure.clone(), plain(first.value), plain(second.value), difference, p]);
        }
        print(table(&lines, &[2, 3]))?;
        print(format!(
            "\nThe second ({}) less the first ({}), with 95 % intervals. {} differences are shown: about one in twenty of those that are none has p < 0.05.",
            self.second.display(),
            self.first.display(),
            all.iter().filter(|one| one.difference.is_some()).count()
        ))?;
        for (which, only) in [("first", only_a), ("second", only_b)] {
            if !only.is_empty() {
                print(format!("Only the {which} has: {}.", only.join(", ")))?;
            }
        }
        match &unlike[..] {
            [] => (),
            [one] => print(format!("The experiments differ in {one}."))?,
            many => print(format!(
                "The experiments differ in {} settings, so a difference has more than one possible cause: {}.",
                many.len(),
                many.join("; ")
            ))?,
        }
        Ok(())
    }
}

/// Keys that two experiments set differently, in words.
fn differing(a: &[(String, String)], b: &[(String, String)]) -> Vec<String> {
    let of = |all: &[(String, String)], key: &str| all.iter().find(|(known, _)| known == key).map(|(_, value)| value.clone());
    let mut keys: Vec<&String> = a.iter().chain(b).map(|(key, _)| key).collect();
    keys.sort();
    keys.dedup();
    let words = |value: Option<String>| value.unwrap_or_else(|| "nothing".into());
    let differ = keys.into_iter().filter(|key| of(a, key) != of(b, key));
    differ.map(|key| format!("{key} ({} and {})", words(of(a, key)), words(of(b, key)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn experiments_are_compared_key_by_key() {
        let of = |text: &str| settings(text).unwrap();
        let a = of("name = \"a\"\nseed = 1\n[game]\nkind = \"naming\"\n");
        let b = of("name = \"b\"\nseed = 2\n[game]\nkind = \"naming\"\nmemory = 5\n");
        assert_eq!(differing(&a, &b), ["game.memory (nothing and 5)", "seed (1 and 2)"]);
    }
}
