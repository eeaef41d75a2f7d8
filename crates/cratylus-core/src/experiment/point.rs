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
