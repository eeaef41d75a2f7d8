//! One point of a sweep.

use super::parts::Experiment;

/// One swept key's value at one point.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// With its section, as `population.size`.
    pub key: String,
    /// As it stands in the file, or in the range that it is of.
    pub value: toml::Value,
    /// Whether it tells the values of its axis apart, so that a label needs no other key of the axis.
    pub telling: bool,
    /// What readers call the value of the axis, where the file says so. It is no part of what is run.
    pub label: Option<String>,
}

impl Setting {
    /// The value as a reader would write it: its label, or text without its quotes, unless something in it would not be seen.
    pub fn words(&self) -> String {
        if let Some(label) = &self.label {
            return label.clone();
        }
        match &self.value {
            toml::Value::String(text) if !text.contains(char::is_control) => text.clone(),
            // Agents that play a scene by a rule are called by it.
            toml::Value::Table(table) if table.get("kind").and_then(|kind| kind.as_str()) == Some("rule") => {
                let rule = table.get("rule").and_then(|rule| rule.as_str()).unwrap_or("rule").to_string();
                let rest = table.iter().filter(|(key, _)| !["kind", "rule"].contains(&key.as_str()));
                let plain = |value: &toml::Value| value.as_str().map_or_else(|| value.to_string(), String::from);
                [rule].into_iter().chain(rest.map(|(key, value)| format!("{key} {}", plain(value)))).collect::<Vec<_>>().join(" ")
            }
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

/// Keys under names that are as short as tells them apart: the last part, with those before it where two end alike.
pub fn short_names(keys: &[&str]) -> Vec<String> {
    let last = |key: &str, parts: usize| {
        let all: Vec<&str> = key.split('.').collect();
        all[all.len().saturating_sub(parts)..].join(".")
    };
    let short = |key: &&str| {
        let apart = |parts: &usize| keys.iter().filter(|other| last(other, *parts) == last(key, *parts)).count() == 1;
        last(key, (1..8).find(apart).unwrap_or(8))
    };
    keys.iter().map(short).collect()
}
