//! What one point of a sweep has to say.

use cratylus_core::experiment::{Point, Setting};
use cratylus_core::summary::ExampleRun;
use cratylus_core::watch::facts::Facts;
use cratylus_io::store::run_dir::Recorded;
use serde_json::{Value, json};

/// What one point has to say, and what was recorded beside it.
pub struct PointData {
    pub label: String,
    pub point: Point,
    pub facts: Facts,
    pub examples: Vec<ExampleRun>,
    pub recorded: Option<Recorded>,
}

impl PointData {
    /// The label without the keys that a table shows in columns of their own.
    pub fn label_without(&self, shown: &[&str]) -> String {
        self.point.label(|key| !shown.iter().any(|section| key.starts_with(section)))
    }

    pub fn keys(&self) -> serde_json::Map<String, Value> {
        in_order(self.point.settings.iter())
    }

    /// The keys that tell figures' panels apart. What an agent remembers is a row of its figure, not a panel.
    fn panel_keys(&self) -> serde_json::Map<String, Value> {
        let alone = self.facts.individual.is_some();
        let wanted = |setting: &&Setting| setting.telling && !(alone && setting.key.starts_with("population.start"));
        in_order(self.point.settings.iter().filter(wanted))
    }

    pub fn page(&self) -> Value {
        let experiment = &self.point.experiment;
        let label = match &self.facts.tipping {
            // What is committed against what says more than the bare values.
            Some(t) => {
                let rest = self.label_without(&["agents.committed", "population.start"]);
                let what = format!("{} → {}, {} committed", t.majority.as_deref().unwrap_or("none"), t.minority, t.count);
                if rest.is_empty() { what } else { format!("{rest}, {what}") }
            }
            None => self.label.clone(),
        };
        let mut value = json!({
            "label": label,
            "keys": self.panel_keys(),
            "size": experiment.size(),
            "names": experiment.names(),
            "shares": self.examples,
        });
        merge(&mut value, serde_json::to_value(&self.facts).expect("facts are plain data"));
        if let Some(recorded) = &self.recorded {
            let mut beside = json!({ "source": recorded.source });
            merge(&mut beside, serde_json::to_value(&recorded.facts).expect("facts are plain data"));
            value["recorded"] = beside;
        }
        value
    }
}

/// Settings in the order of the sweep.
fn in_order<'a>(settings: impl Iterator<Item = &'a Setting>) -> serde_json::Map<String, Value> {
    let value = |setting: &Setting| serde_json::to_value(&setting.value).expect("settings are plain data");
    settings.map(|setting| (setting.key.clone(), value(setting))).collect()
}

pub fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}
