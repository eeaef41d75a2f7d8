//! How many runs a point gets, where that depends on what the runs so far gave: until an outcome is known closely enough,
//! or until a threshold is found.

use super::Point;
use crate::methods::listed;
use crate::outcome::Outcome;
use crate::threshold::runs_to_decide;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `replicas`: a number, or a rule.
pub(super) enum Replicas {
    Number(u64),
    Rule(Rule),
}

/// Runs are added to a point until its outcome is known closely enough.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// How many runs every point gets; of `rounds`, nothing is said before 20 have reached consensus.
    pub least: u64,
    /// How many it gets at most.
    pub most: u64,
    /// How far the end of the interval may be from its middle: a share, or a part of the mean for `rounds`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<f64>,
    /// The outcome that is to be known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Asked>,
    /// How many runs all points get together at most; those with the widest intervals come first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs: Option<u64>,
}

/// Of the values that a swept number takes, only those are run that tell where an outcome's share passes a value.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Find {
    /// The swept number.
    pub key: String,
    /// What is asked of each run: something that can be answered by yes or no.
    #[serde(default = "consensus")]
    pub of: Asked,
    /// The share of runs at the threshold.
    #[serde(default = "half")]
    pub at: f64,
    /// What the thresholds are extrapolated in, to its limit at infinity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<String>,
    /// The exponent e of threshold = limit + c N^-e; fitted, where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exponent: Option<f64>,
}

fn half() -> f64 {
    0.5
}

fn consensus() -> Asked {
    Asked::Consensus
}

/// What is asked of each run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum Asked {
    /// Whether it reached consensus.
    Consensus,
    /// Whether the committed minority tipped it.
    Tipped,
    /// Whether this name won.
    Winner(String),
    /// How many population rounds it took to consensus, of runs that reached it.
    Rounds,
}

impl JsonSchema for Asked {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Asked".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^(consensus|tipped|rounds|winner:.+)$" })
    }
}

impl TryFrom<String> for Asked {
    type Error = String;

    fn try_from(text: String) -> Result<Asked, String> {
        match text.split_once(':').unwrap_or((&text, "")) {
            ("consensus", "") => Ok(Asked::Consensus),
            ("tipped", "") => Ok(Asked::Tipped),
            ("rounds", "") => Ok(Asked::Rounds),
            ("winner", name) if !name.is_empty() => Ok(Asked::Winner(name.into())),
            _ => Err(format!("`{text}` is no outcome of a run; there are `consensus`, `tipped`, `winner:NAME` and `rounds`")),
        }
    }
}

impl From<Asked> for String {
    fn from(asked: Asked) -> String {
        match asked {
            Asked::Consensus => "consensus".into(),
            Asked::Tipped => "tipped".into(),
            Asked::Rounds => "rounds".into(),
            Asked::Winner(name) => format!("winner:{name}"),
        }
    }
}

impl Asked {
    /// What a run with this outcome and winner answers: 1 and 0 for yes and no. None where it has no answer.
    pub fn answer(&self, outcome: &Outcome, winner: Option<&str>) -> Option<f64> {
        match self {
            Asked::Consensus => Some(f64::from(u8::from(outcome.consensus))),
            Asked::Tipped => outcome.tipped.map(|tipped| f64::from(u8::from(tipped))),
            Asked::Winner(name) => Some(f64::from(u8::from(outcome.consensus && winner == Some(name)))),
            Asked::Rounds => outcome.rounds_to_consensus,
        }
    }

    /// What is asked, as the end of a sentence about runs.
    pub fn words(&self) -> String {
        match self {
            Asked::Consensus => "reach consensus".into(),
            Asked::Tipped => "are tipped".into(),
            Asked::Winner(name) => format!("end with {name}"),
            Asked::Rounds => "rounds to consensus".into(),
        }
    }
}

/// What decides how many runs there are, beside the number of replicas.
#[derive(Clone, Debug, PartialEq)]
pub struct Sequential {
    /// How many runs a point has at least and at most, and when there are enough.
    pub rule: Rule,
    /// The threshold that is to be found, where one is.
    pub find: Option<Find>,
}

impl Sequential {
    /// Puts the two sections together, and says which key is wrong.
    pub(super) fn of(replicas: Replicas, find: Option<Find>) -> Result<(u64, Option<Sequential>), (&'static str, String)> {
        let wrong = |key: &'static str, why: &str| Err((key, why.to_string()));
        let rule = match (replicas, &find) {
            (Replicas::Number(n), None) => return Ok((n, None)),
            (Replicas::Number(n), Some(_)) => Rule { least: n, most: n, within: None, of: None, runs: None },
            (Replicas::Rule(rule), _) => rule,
        };
        if rule.least < 1 || rule.most < rule.least {
            return wrong("replicas", "`least` is at least 1, and `most` at least `least`");
        }
        match &find {
            None if rule.within.is_none() => {
                return wrong("replicas", "runs are added until what is known? Give `within`, or `[find]`");
            }
            None if !rule.within.is_some_and(|within| within > 0.0 && within < 1.0) => {
                return wrong("replicas", "`within` is a number between 0 and 1");
            }
            Some(_) if rule.within.is_some() || rule.of.is_some() || rule.runs.is_some() => {
                return wrong(
                    "replicas",
                    "where a threshold is found, runs are added until it is clear on which side of it a value is; give `least` and `most` alone",
                );
            }
            Some(find) if !(find.at > 0.0 && find.at < 1.0) => {
                return wrong("find.at", "a threshold is at a share of runs between 0 and 1");
            }
            Some(find) if find.of == Asked::Rounds => {
                return wrong(
                    "find.of",
                    "a threshold is where a share of runs passes a value, so this is `consensus`, `tipped` or `winner:NAME`",
                );
            }
            Some(find) if find.exponent.is_some_and(|exponent| !(0.025..=10.0).contains(&exponent)) => {
                return wrong("find.exponent", "an exponent is a number from 0.025 to 10");
            }
            _ => (),
        }
        Ok((rule.most, Some(Sequential { rule, find })))
    }

    /// What is asked of each run.
    pub fn asked(&self) -> &Asked {
        match &self.find {
            Some(find) => &find.of,
            None => self.rule.of.as_ref().unwrap_or(&Asked::Consensus),
        }
    }
}

/// Points that differ in the swept number alone, in its order: one threshold is between them.
#[derive(Clone, Debug, PartialEq)]
pub struct Searched {
    /// What the other swept keys are, for readers; empty where there are none.
    pub label: String,
    /// Their numbers in the sweep, from 0.
    pub points: Vec<usize>,
    /// The swept number of each, rising.
    pub values: Vec<f64>,
}

fn number(value: &toml::Value) -> Option<f64> {
    value.as_float().or(value.as_integer().map(|n| n as f64))
}

/// The swept number of a point.
pub fn swept(point: &Point, key: &str) -> Option<f64> {
    point.settings.iter().find(|setting| setting.key == key).and_then(|setting| number(&setting.value))
}

/// The points of each threshold. Shares of committed agents that come to the same number of agents are one condition: the
/// first of them stands for all, and its value is what the population can resolve, the number over the size.
pub fn searched(points: &[Point], key: &str) -> Result<Vec<Searched>, String> {
    let mut groups: BTreeMap<String, Searched> = BTreeMap::new();
    let mut order: Vec<String> = Vec::new();
    for (i, point) in points.iter().enumerate() {
        let Some(value) = swept(point, key) else {
            let swept = point.settings.iter().filter(|setting| number(&setting.value).is_some());
            let swept: Vec<String> = swept.map(|setting| format!("`{}`", setting.key)).collect();
            let swept = if swept.is_empty() { "none".into() } else { listed(&swept) };
            return Err(format!(
                "the sweep gives `{key}` no numbers; a threshold is looked for between the numbers of one swept key (there is: {swept})"
            ));
        };
        let rest = point.settings.iter().filter(|setting| setting.key != key);
        let rest = rest.map(|setting| format!("{}={}", setting.key, setting.value)).collect::<Vec<_>>().join(" ");
        let group = groups.entry(rest.clone()).or_insert_with(|| {
            order.push(rest);
            Searched { label: point.label(|other| other != key), points: Vec::new(), values: Vec::new() }
        });
        let value = match key {
            "agents.committed.share" => point.experiment.n_committed() as f64 / point.experiment.population.size as f64,
            _ => value,
        };
        if group.values.last() == Some(&value) {
            continue;
        }
        group.points.push(i);
        group.values.push(value);
    }
    let groups: Vec<Searched> = order.iter().map(|rest| groups.remove(rest).expect("it was put there")).collect();
    for group in &groups {
        if group.values.len() < 3 || group.values.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(format!(
                "a threshold is looked for between at least three numbers of `{key}`, in rising order, that change together with no other key; shares of the same number of agents are one"
            ));
        }
    }
    Ok(groups)
}

/// What is wrong with the sweep, for the threshold that is to be found in it.
pub(super) fn check(points: &[Point]) -> Result<(), (&'static str, String)> {
    let Some(Sequential { rule, find }) = &points[0].experiment.sequential else { return Ok(()) };
    let least = rule.least.saturating_mul(points.len() as u64);
    if rule.runs.is_some_and(|runs| runs < least) {
        return Err(("replicas", format!("`runs` is less than `least` runs of each of {} points, {least}", points.len())));
    }
    let Some(find) = find else { return Ok(()) };
    let groups = searched(points, &find.key).map_err(|why| ("find.key", why))?;
    let needed = groups.iter().map(|group| runs_to_decide(find.at, group.values.len())).max().unwrap_or(1);
    let most = points[0].experiment.replicas;
    if most < needed {
        return Err((
            "replicas",
            format!(
                "{most} runs of a value cannot tell it from a threshold at {}, even where all say the same; give `most` at least {needed}",
                find.at
            ),
        ));
    }
    if let Some(over) = &find.over
        && !points.iter().all(|point| swept(point, over).is_some_and(|n| n > 0.0))
    {
        return Err((
            "find.over",
            format!("the sweep gives `{over}` no numbers above 0, over which thresholds could be extrapolated"),
        ));
    }
    Ok(())
}

/// A mistake in what is asked of runs: nobody could answer.
pub(super) fn check_asked(experiment: &super::Experiment) -> Result<(), (&'static str, String)> {
    let Some(sequential) = &experiment.sequential else { return Ok(()) };
    let key = if sequential.find.is_some() { "find.of" } else { "replicas.of" };
    match sequential.asked() {
        _ if experiment.game.spec.alone() => {
            Err((key, "an agent that is asked alone reaches nothing; give `replicas` as a number".into()))
        }
        Asked::Tipped if experiment.minority().is_none() => Err((key, "nobody is committed, so nothing can be tipped".into())),
        Asked::Winner(name) if !experiment.names().is_empty() && !experiment.names().contains(name) => {
            Err((key, format!("`{name}` is not in the pool, so it cannot win")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use crate::experiment::{Document, Point};

    fn read(replicas: &str, more: &str) -> Result<Vec<Point>, String> {
        let text = format!(
            "replicas = {replicas}\n[population]\nsize = 10\n[game]\nkind = \"naming\"\nnames = [\"A\", \"B\"]\n[agents]\nkind = \"inventory\"\n{more}"
        );
        Document::parse("test.toml", &text, &[])?.points()
    }

    /// Steps of a thousandth were once taken for what 200 agents can tell apart.
    #[test]
    fn a_threshold_is_looked_for_between_numbers_of_agents() {
        let more = "[agents.committed]\nname = \"A\"\nshare = 0.1\n[find]\nkey = \"agents.committed.share\"\n\
                    [sweep]\n\"population.size\" = [200, 1000]\n\"agents.committed.share\" = { from = 0.02, to = 0.14, step = 0.001 }\n";
        let points = read("{ least = 20, most = 200 }", more).unwrap();
        let groups = super::searched(&points, "agents.committed.share").unwrap();
        let agents = |group: &super::Searched| -> Vec<u64> {
            group.points.iter().map(|&point| points[point].experiment.n_committed()).collect()
        };
        assert_eq!(agents(&groups[0]), (4..=28).collect::<Vec<_>>());
        assert_eq!(agents(&groups[1]), (20..=140).collect::<Vec<_>>());
        assert_eq!(groups[0].values[..3], [0.02, 0.025, 0.03]);
        assert_eq!(groups[1].values[..3], [0.02, 0.021, 0.022]);
    }

    #[test]
    fn rules_for_runs_are_read_and_mistakes_are_told_where_they_are() {
        let sweep = "[sweep]\n\"agents.beta\" = [0.1, 0.5, 0.9]\n";
        let points = read("{ least = 10, most = 50, within = 0.1 }", sweep).unwrap();
        assert_eq!(points[0].experiment.replicas, 50);
        assert!(points[0].experiment.plan()["replicas"].is_table(), "the rule decides which runs there are");
        assert!(read("50", &format!("[find]\nkey = \"agents.beta\"\n{sweep}")).is_ok());
        for (replicas, more, why) in [
            ("0", "", "1 to"),
            ("\"many\"", "", "whole number"),
            ("{ least = 10, most = 5, within = 0.1 }", "", "most"),
            ("{ least = 10, most = 50 }", "", "within"),
            ("{ least = 10, most = 50, within = 0.1, of = \"luck\" }", "", "winner:NAME"),
            ("{ least = 10, most = 50, within = 0.1, of = \"tipped\" }", "", "nobody is committed"),
            ("{ least = 10, most = 50, within = 0.1, of = \"winner:C\" }", "", "not in the pool"),
            ("5", &format!("[find]\nkey = \"agents.beta\"\n{sweep}"), "at least"),
            ("{ least = 10, most = 50, within = 0.1, runs = 25 }", sweep, "`runs` is less"),
            ("5", "[find]\nkey = \"agents.beta\"\n", "no numbers"),
            ("5", "[find]\nkey = \"agents.beta\"\n[sweep]\n\"agents.beta\" = [0.1, 0.5]\n", "three numbers"),
            (
                "5",
                "[find]\nkey = \"agents.beta\"\nof = \"rounds\"\n[sweep]\n\"agents.beta\" = [0.1, 0.5, 0.9]\n",
                "share of runs",
            ),
            (
                "50",
                "[find]\nkey = \"agents.beta\"\nover = \"population.size\"\n[sweep]\n\"agents.beta\" = [0.1, 0.5, 0.9]\n",
                "population.size",
            ),
        ] {
            let told = read(replicas, more).unwrap_err();
            assert!(told.contains(why) && told.contains("test.toml:"), "{replicas} {more}: {told}");
        }
    }
}
