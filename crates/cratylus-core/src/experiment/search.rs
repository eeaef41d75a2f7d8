//! Which points of a sweep a threshold is looked for between.

use super::point::Point;
use crate::text::listed;
use std::collections::BTreeMap;

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
