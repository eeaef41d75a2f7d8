//! A study as its file has it: a training with some keys swept, so many models of each point, what is asked of them, and what is
//! compared.

use super::contrast::{ContrastSpec, label};
use crate::probes::{self, Probe};
use cratylus_core::spec::places::{FileTable, Mistake, Spans, array, deserialize, get_table, read_field, table, take_field};
use cratylus_core::text::nearest;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A study.
#[derive(Clone, Debug)]
pub struct StudySpec {
    /// What is swept, in the order of the file.
    pub axes: Vec<Axis>,
    /// How many models there are of each point.
    pub models: u64,
    /// What is asked of each.
    pub probes: Vec<StudyProbe>,
    /// What is compared.
    pub contrasts: Vec<ContrastSpec>,
    /// All of it as a table with nothing left to default.
    pub plan: toml::Table,
}

/// What is swept.
#[derive(Clone, Debug)]
pub struct Axis {
    /// What tables and contrasts call it: the last part of its key, or the name of a list of settings.
    pub name: String,
    /// For each value its label, and what it sets: keys of the training's file, with values.
    pub values: Vec<(String, Vec<(String, toml::Value)>)>,
}

/// What is asked, with what is there to be asked with.
#[derive(Clone, Debug)]
pub struct StudyProbe {
    /// Its kind.
    pub kind: &'static str,
    /// How it asks.
    pub probe: Arc<dyn Probe>,
}

/// The keys that make a training's file a study.
pub const KEYS: [&str; 4] = ["sweep", "models", "probes", "contrasts"];

impl StudySpec {
    /// Takes what is a study's out of a file's table and leaves a training. None where there is nothing of it. Of a `whole`
    /// file, whose sweep nobody restricted, every value that a contrast names must be swept.
    pub fn take(file: &mut FileTable<'_>, spans: &Spans<'_, '_>, whole: bool) -> Result<Option<StudySpec>, Mistake> {
        // `models` alone is a benchmark's, too, and experiments have sweeps: whoever reads trainings says what they are.
        if file.contains_key("game") || KEYS.iter().all(|key| *key == "models" || !file.contains_key(*key)) {
            return Ok(None);
        }
        let models: u64 = take_field(file, "models", spans)?.unwrap_or(1);
        if !(1..=1000).contains(&models) {
            return Err(spans.mistake("models", format!("1 to 1,000 models of each point, found {models}")));
        }
        let sweep: toml::Table = deserialize(get_table(file, "sweep")?, &spans.under("sweep"))?;
        let axes = axes(&sweep).map_err(|(key, why)| spans.under("sweep").mistake(&key, why))?;
        let mut plan = toml::Table::new();
        plan.insert("models".into(), (models as i64).into());
        plan.insert("sweep".into(), sweep.into());
        let (mut probes, mut of_probes) = (Vec::new(), Vec::new());
        for (i, item) in list(file, "probes")?.into_iter().enumerate() {
            let place = format!("probes.{i}");
            let (probe, table) = read_probe(table(item, "probes")?, &spans.under(&place))?;
            of_probes.push(toml::Value::Table(table));
            probes.push(probe);
        }
        if probes.is_empty() {
            let kinds: Vec<&str> = probes::ALL.iter().map(|entry| entry.name).collect();
            let why = format!("nothing is asked of the models; give some `[[probes]]`, of kind {}", kinds.join(", "));
            return Err(Mistake::new(why));
        }
        plan.insert("probes".into(), of_probes.into());
        let labels: BTreeMap<String, Vec<String>> =
            axes.iter().map(|axis| (axis.name.clone(), axis.values.iter().map(|(label, _)| label.clone()).collect())).collect();
        let (mut contrasts, mut of_contrasts) = (Vec::new(), Vec::new());
        for (i, item) in list(file, "contrasts")?.into_iter().enumerate() {
            let place = format!("contrasts.{i}");
            let under = spans.under(&place);
            let contrast: ContrastSpec = deserialize(table(item, "contrasts")?, &under)?;
            contrast.check(&labels, whole).map_err(|why| under.mistake("name", why))?;
            of_contrasts.push(toml::Value::try_from(&contrast).expect("plain values"));
            contrasts.push(contrast);
        }
        plan.insert("contrasts".into(), of_contrasts.into());
        Ok(Some(StudySpec { axes, models, probes, contrasts, plan }))
    }

    /// Leaves one value of an axis on which a key is swept by itself. False where there is no such axis.
    pub fn only(&mut self, key: &str, value: &toml::Value) -> bool {
        let alone = |axis: &&mut Axis| axis.values.iter().all(|(_, sets)| sets.len() == 1 && sets[0].0 == key);
        let Some(axis) = self.axes.iter_mut().find(alone) else { return false };
        axis.values = vec![(label(value), vec![(key.to_string(), value.clone())])];
        if let Some(sweep) = self.plan.get_mut("sweep").and_then(toml::Value::as_table_mut) {
            sweep.insert(key.into(), vec![value.clone()].into());
        }
        true
    }

    /// All points, the last axis the fastest: where each stands, and what it sets.
    pub fn points(&self) -> Vec<StudyPoint> {
        let mut points = vec![StudyPoint::default()];
        for axis in &self.axes {
            points = points
                .into_iter()
                .flat_map(|point| {
                    axis.values.iter().map(move |(label, sets)| {
                        let mut point = point.clone();
                        point.at.push((axis.name.clone(), label.clone()));
                        point.sets.extend(sets.clone());
                        point
                    })
                })
                .collect();
        }
        points
    }
}

/// A point of a study.
#[derive(Clone, Debug, Default)]
pub struct StudyPoint {
    /// Where it stands on each axis.
    pub at: Vec<(String, String)>,
    /// What it sets.
    pub sets: Vec<(String, toml::Value)>,
}

impl StudyPoint {
    /// In a word, as folders are called.
    pub fn label(&self) -> String {
        let plain = |text: &str| {
            text.chars().map(|c| if c.is_ascii_alphanumeric() || ".-".contains(c) { c } else { '_' }).collect::<String>()
        };
        match self.at.is_empty() {
            true => "model".into(),
            false => self.at.iter().map(|(axis, label)| format!("{axis}-{}", plain(label))).collect::<Vec<_>>().join("-"),
        }
    }
}

fn list<'a>(file: &mut FileTable<'a>, key: &str) -> Result<Vec<cratylus_core::spec::places::FileItem<'a>>, Mistake> {
    Ok(file.remove(key).map(|item| array(item, key)).transpose()?.unwrap_or_default())
}

fn axes(sweep: &toml::Table) -> Result<Vec<Axis>, (String, String)> {
    let mut axes: Vec<Axis> = Vec::new();
    for (key, values) in sweep {
        let fault = |why: String| (key.clone(), why);
        let Some(values) = values.as_array().filter(|values| !values.is_empty()) else {
            return Err(fault(format!(
                "`{key}` is swept over a list of values; a dotted key stands in quotes: \"train.rate\" = [0.001, 0.003]"
            )));
        };
        let mut axis = Axis { name: key.rsplit('.').next().unwrap_or(key).to_string(), values: Vec::new() };
        for value in values {
            let one = match value {
                toml::Value::Table(sets) => {
                    let mut sets = sets.clone();
                    let named = sets.remove("label");
                    let Some(label) = named.as_ref().and_then(toml::Value::as_str) else {
                        return Err(fault(
                            "what is set together needs a `label`: { label = \"a\", \"train.rate\" = 0.001 }".into(),
                        ));
                    };
                    let mut keys = Vec::new();
                    flatten("", &sets, &mut keys);
                    (label.to_string(), keys)
                }
                other => (label(other), vec![(key.clone(), other.clone())]),
            };
            if axis.values.iter().any(|(known, _)| *known == one.0) {
                return Err(fault(format!("`{}` stands twice among the values of `{key}`", one.0)));
            }
            axis.values.push(one);
        }
        if axes.iter().any(|other| other.name == axis.name) {
            return Err(fault(format!(
                "two axes are called `{}`; give one as a list of settings with labels, under another name",
                axis.name
            )));
        }
        axes.push(axis);
    }
    Ok(axes)
}

/// The leaves of a table, each with its dotted key.
fn flatten(under: &str, table: &toml::Table, into: &mut Vec<(String, toml::Value)>) {
    for (key, value) in table {
        let key = if under.is_empty() { key.clone() } else { format!("{under}.{key}") };
        match value {
            toml::Value::Table(inner) => flatten(&key, inner, into),
            other => into.push((key, other.clone())),
        }
    }
}

fn read_probe(mut table: FileTable<'_>, spans: &Spans<'_, '_>) -> Result<(StudyProbe, toml::Table), Mistake> {
    let known: Vec<String> = probes::ALL.iter().map(|entry| entry.name.to_string()).collect();
    let kind: String = read_field(&mut table, "kind", spans)?;
    let Some(entry) = probes::ALL.iter().find(|entry| entry.name == kind) else {
        return Err(spans.mistake("kind", format!("there is no probe of kind `{kind}`")).help(nearest(&kind, &known)));
    };
    let (probe, mut plan) = (entry.read)(table, spans)?;
    plan.insert("kind".into(), entry.name.into());
    Ok((StudyProbe { kind: entry.name, probe }, plan))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cratylus_core::experiment::Document;

    fn read(text: &str) -> Result<Option<StudySpec>, String> {
        Document::parse("s.toml", text, &[]).unwrap().read(|file, spans| {
            let study = StudySpec::take(file, spans, true);
            assert!(study.is_err() || file.keys().all(|key| key.get_ref() == "name"), "the rest is left");
            study
        })
    }

    #[test]
    fn points_are_all_combinations_and_settings_go_together() {
        let text = "name = \"a\"\nmodels = 2\n[sweep]\n\"ingredients.0.order\" = [\"control\", \"local\"]\n\
                    size = [{ label = \"small\", \"net.width\" = 16, net.heads = 2 }, { label = \"large\", \"net.width\" = 64 }]\n\
                    [[probes]]\nkind = \"loss\"\n";
        let study = read(text).unwrap().unwrap();
        let points = study.points();
        let labels: Vec<String> = points.iter().map(StudyPoint::label).collect();
        assert_eq!(
            labels,
            ["order-control-size-small", "order-control-size-large", "order-local-size-small", "order-local-size-large"]
        );
        assert_eq!(points[0].sets.len(), 3);
        assert!(read("name = \"a\"\n").unwrap().is_none());
    }

    #[test]
    fn mistakes_are_told() {
        let bad = |text: &str, words: &str| {
            let said = read(text).unwrap_err();
            assert!(said.contains(words), "{text}: {said}");
        };
        bad("models = 2\n[sweep]\n", "nothing is asked");
        bad("models = 0\n[sweep]\n", "1 to 1,000");
        bad("[[probes]]\nkind = \"los\"\n", "did you mean `loss`");
        bad("[[probes]]\nkind = \"loss\"\nrow = 3\n", "row");
        bad("[sweep]\n\"train.rate\" = 3\n[[probes]]\nkind = \"loss\"\n", "list of values");
        bad("[sweep]\na = [{ \"train.rate\" = 3 }]\n[[probes]]\nkind = \"loss\"\n", "needs a `label`");
        bad("[sweep]\n\"train.rate\" = [1, 1]\n[[probes]]\nkind = \"loss\"\n", "stands twice");
        bad("[[probes]]\nkind = \"loss\"\n[[contrasts]]\nname = \"a\"\nvalue = \"loss\"\nof = { rate = 1 }\n", "no axis `rate`");
    }
}
