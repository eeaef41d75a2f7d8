//! What follows from several models: differences between points and trends along them, with intervals over seeds, and whether a
//! published sign comes out.

use crate::probes::slope;
use cratylus_core::stats::{mean_interval, mean_sd};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One model of a study.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct StudyModel {
    /// Where it stands on each axis.
    pub point: BTreeMap<String, String>,
    /// Which of the models of its point it is, from 1.
    pub seed: u64,
    /// What the probes found, by name.
    pub values: BTreeMap<String, f64>,
    /// While it was trained: steps, with the mean loss of fresh rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub course: Vec<(u64, f64)>,
}

/// What is to be compared, as the file has it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ContrastSpec {
    /// What it is called.
    pub name: String,
    /// The number that is compared: a name that a probe gives; or `doublings`, how many times fewer steps it takes to where the
    /// other ends, by doublings.
    pub value: String,
    /// A number that is taken away from it first, of the same model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minus: Option<String>,
    /// Where on the axes the models of interest stand: a value of an axis, or a list of some.
    #[serde(default)]
    pub of: BTreeMap<String, toml::Value>,
    /// Where those stand that they are compared with; for a difference.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub less: BTreeMap<String, toml::Value>,
    /// An axis on which models of both kinds stand where they come to the least loss in the end, each kind for itself: a
    /// comparison of what is tuned with what is tuned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<String>,
    /// A number that is held equal in a difference: what follows from it, by the line through the models of the same seed that
    /// stand on neither side, is taken away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<String>,
    /// The axis along which there is a trend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub along: Option<String>,
    /// Whether the trend is over the logarithm (base 2) of the axis.
    #[serde(default)]
    pub log: bool,
    /// What was published, or is expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Sign>,
    /// What counts as no difference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margin: Option<f64>,
}

/// A sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sign {
    /// Above zero.
    Above,
    /// Below it.
    Below,
    /// Within the margin.
    None,
}

/// A contrast, worked out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Contrast {
    /// What it is called.
    pub name: String,
    /// Its mean over seeds.
    pub mean: f64,
    /// Its 95 % interval over seeds (Student's t); 90 % where it is to lie within a margin.
    pub interval: [f64; 2],
    /// Over how many seeds.
    pub seeds: u64,
    /// What the interval says.
    pub finds: Found,
    /// Whether that is what was expected; None where nothing was, or nothing can be told.
    pub as_expected: Option<bool>,
}

/// What an interval says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Found {
    /// Above zero.
    Above,
    /// Below it.
    Below,
    /// Within the margin.
    Within,
    /// Neither can be said.
    Open,
}

impl Found {
    /// As readers see it.
    pub fn words(self) -> &'static str {
        match self {
            Found::Above => "above zero",
            Found::Below => "below zero",
            Found::Within => "within the margin",
            Found::Open => "cannot tell",
        }
    }
}

/// A value of a file as its label on an axis.
pub fn label(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The labels that a value stands for: its own, or those of a list.
fn labels(value: &toml::Value) -> Vec<String> {
    match value {
        toml::Value::Array(values) => values.iter().map(label).collect(),
        other => vec![label(other)],
    }
}

fn stands(model: &StudyModel, at: &BTreeMap<String, toml::Value>) -> bool {
    at.iter().all(|(axis, value)| model.point.get(axis).is_some_and(|there| labels(value).contains(there)))
}

impl ContrastSpec {
    /// What is wrong with it, for points with these axes, and with all values that they have or some.
    pub fn check(&self, axes: &BTreeMap<String, Vec<String>>, whole: bool) -> Result<(), String> {
        for (axis, value) in self.of.iter().chain(&self.less) {
            match axes.get(axis) {
                None => return Err(format!("there is no axis `{axis}`; the axes are {}", names(axes.keys()))),
                Some(known) if whole => {
                    if let Some(other) = labels(value).into_iter().find(|label| !known.contains(label)) {
                        return Err(format!("`{other}` is no value of the axis `{axis}`: {}", names(known.iter())));
                    }
                }
                Some(_) => (),
            }
        }
        if let Some(axis) = self.best.as_ref().filter(|axis| !axes.contains_key(*axis)) {
            return Err(format!("there is no axis `{axis}`; the axes are {}", names(axes.keys())));
        }
        if self.less.is_empty() && (self.best.is_some() || self.value == DOUBLINGS) {
            return Err("the best of both, and how many steps both take, are for a difference (`less`)".into());
        }
        if let Some((axis, _)) = self.less.iter().find(|(_, value)| value.is_array()) {
            return Err(format!("`less` names one value of the axis `{axis}`, and not a list"));
        }
        if self.given.is_some() && self.less.is_empty() {
            return Err("`given` holds a number equal in a difference, which has `less`".into());
        }
        match (&self.along, self.less.is_empty()) {
            (Some(axis), true) => match axes.get(axis) {
                None => Err(format!("there is no axis `{axis}`; the axes are {}", names(axes.keys()))),
                Some(known) => match known.iter().find(|label| self.along(axis, label) && label.parse::<f64>().is_err()) {
                    Some(label) => Err(format!("a trend is along numbers, and `{label}` on the axis `{axis}` is none")),
                    None => Ok(()),
                },
            },
            (None, false) => Ok(()),
            (Some(_), false) => Err("a contrast is a difference (`less`) or a trend (`along`), not both".into()),
            // Against zero.
            (None, true) => Ok(()),
        }
    }

    fn best_stands(&self, model: &StudyModel, best: Option<&String>) -> bool {
        self.best.as_ref().is_none_or(|axis| model.point.get(axis) == best)
    }

    /// Whether a label of an axis is one of those that the contrast is about.
    fn along(&self, axis: &str, label: &String) -> bool {
        self.of.get(axis).is_none_or(|value| labels(value).contains(label))
    }

    fn value(&self, model: &StudyModel) -> Option<f64> {
        let less = match &self.minus {
            Some(name) => *model.values.get(name)?,
            None => 0.0,
        };
        Some(model.values.get(&self.value)? - less)
    }

    /// Works it out. None where no seed has what it needs.
    pub fn of(&self, models: &[StudyModel]) -> Option<Contrast> {
        let mut seeds: Vec<u64> = models.iter().map(|model| model.seed).collect();
        seeds.sort_unstable();
        seeds.dedup();
        let by_seed: Vec<f64> = seeds.into_iter().filter_map(|seed| self.of_seed(models, seed)).collect();
        if by_seed.is_empty() {
            return None;
        }
        let ((mean, wide), (_, narrow)) = (mean_interval(&by_seed, 0.95), mean_interval(&by_seed, 0.90));
        let finds = match self.margin {
            Some(margin) if narrow[0] > -margin && narrow[1] < margin => Found::Within,
            _ if wide[0] > 0.0 => Found::Above,
            _ if wide[1] < 0.0 => Found::Below,
            _ => Found::Open,
        };
        let as_expected = self.expect.filter(|_| finds != Found::Open).map(|sign| {
            matches!((sign, finds), (Sign::Above, Found::Above) | (Sign::Below, Found::Below) | (Sign::None, Found::Within))
        });
        let interval = if finds == Found::Within { narrow } else { wide };
        Some(Contrast { name: self.name.clone(), mean, interval, seeds: by_seed.len() as u64, finds, as_expected })
    }

    /// For one seed: the mean over all other axes.
    fn of_seed(&self, models: &[StudyModel], seed: u64) -> Option<f64> {
        let here: Vec<&StudyModel> = models.iter().filter(|model| model.seed == seed && stands(model, &self.of)).collect();
        let mut found = Vec::new();
        match &self.along {
            Some(axis) => {
                // A slope for each of the points on the other axes.
                let mut lines: BTreeMap<BTreeMap<&String, &String>, Vec<(f64, f64)>> = BTreeMap::new();
                for model in here {
                    let x: f64 = model.point.get(axis)?.parse().ok()?;
                    let x = if self.log { x.log2() } else { x };
                    let others = model.point.iter().filter(|(other, _)| *other != axis).collect();
                    if let Some(value) = self.value(model) {
                        lines.entry(others).or_default().push((x, value));
                    }
                }
                found.extend(lines.values().filter_map(|points| slope(points)));
            }
            None if self.less.is_empty() => found.extend(here.into_iter().filter_map(|model| self.value(model))),
            None => {
                let line = match &self.given {
                    Some(given) => Some((given, self.line(models, seed, given)?)),
                    None => None,
                };
                let own = self.best.as_ref().and_then(|axis| best(models, axis, |model| stands(model, &self.of)));
                for model in here.into_iter().filter(|model| self.best_stands(model, own.as_ref())) {
                    let mut point = model.point.clone();
                    point.extend(self.less.iter().map(|(axis, value)| (axis.clone(), label(value))));
                    if let Some(axis) = &self.best {
                        let like = |other: &StudyModel| other.point.iter().all(|(of, label)| of == axis || point[of] == *label);
                        point.extend(best(models, axis, like).map(|label| (axis.clone(), label)));
                    }
                    let Some(other) = models.iter().find(|other| other.seed == seed && other.point == point) else { continue };
                    let follows = match line {
                        Some((given, slope)) => slope * (model.values.get(given)? - other.values.get(given)?),
                        None => 0.0,
                    };
                    found.extend(match self.value == DOUBLINGS {
                        true => doublings(&model.course, &other.course),
                        false => self.value(model).zip(self.value(other)).map(|(value, other)| value - other - follows),
                    });
                }
            }
        }
        (!found.is_empty()).then(|| mean_sd(&found).0)
    }

    /// How the value goes with another number among the models of a seed that stand on neither side.
    fn line(&self, models: &[StudyModel], seed: u64, given: &str) -> Option<f64> {
        let beside = models.iter().filter(|model| model.seed == seed && !stands(model, &self.of) && !stands(model, &self.less));
        let points: Vec<(f64, f64)> = beside.filter_map(|model| Some((*model.values.get(given)?, self.value(model)?))).collect();
        slope(&points)
    }
}

/// How many times fewer steps a training takes to where another ends, by doublings; where it never comes there, how many more.
const DOUBLINGS: &str = "doublings";

/// Of the models that are meant, the label on an axis of those that end with the least loss, in the mean over seeds.
fn best(models: &[StudyModel], axis: &str, meant: impl Fn(&StudyModel) -> bool) -> Option<String> {
    let mut ends: BTreeMap<&String, Vec<f64>> = BTreeMap::new();
    for model in models.iter().filter(|model| meant(model)) {
        if let (Some(label), Some((_, loss))) = (model.point.get(axis), model.course.last()) {
            ends.entry(label).or_default().push(*loss);
        }
    }
    let mean = |losses: &Vec<f64>| mean_sd(losses).0;
    ends.iter().min_by(|a, b| mean(a.1).total_cmp(&mean(b.1))).map(|(label, _)| label.to_string())
}

/// The step at which a training first comes to a loss.
fn reached(course: &[(u64, f64)], loss: f64) -> Option<f64> {
    course.windows(2).find_map(|pair| {
        let [(from, high), (to, low)] = [pair[0], pair[1]];
        let way = if high > low { (high - loss) / (high - low) } else { 0.0 };
        (low <= loss).then(|| from as f64 + way.max(0.0) * (to - from) as f64)
    })
}

fn doublings(own: &[(u64, f64)], other: &[(u64, f64)]) -> Option<f64> {
    let [(own_all, own_end), (all, end)] = [*own.last()?, *other.last()?];
    match reached(own, end) {
        Some(step) => Some((all as f64 / step.max(1.0)).log2()),
        None => Some(-(own_all as f64 / reached(other, own_end)?.max(1.0)).log2()),
    }
}

fn names<'n>(names: impl Iterator<Item = &'n String>) -> String {
    names.cloned().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn models() -> Vec<StudyModel> {
        let mut all = Vec::new();
        for seed in 1..=5 {
            for (order, effect) in [("control", 0.0), ("shuffled", 1.0)] {
                for width in [16, 32, 64] {
                    let noise = seed as f64 * 0.01;
                    let value = 3.0 + effect - 0.5 * f64::from(width).log2() + noise * if order == "control" { 1.0 } else { 1.2 };
                    let point = [("order", order.to_string()), ("width", width.to_string())];
                    let values = [("loss".to_string(), value), ("floor".to_string(), effect)];
                    all.push(StudyModel {
                        point: point.map(|(axis, label)| (axis.to_string(), label)).into(),
                        seed,
                        values: values.into(),
                        course: Vec::new(),
                    });
                }
            }
        }
        all
    }

    fn spec(text: &str) -> ContrastSpec {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn contrasts_pair_seeds_and_average_over_the_other_axes() {
        let text = "name = \"a\"\nvalue = \"loss\"\nof = { order = \"shuffled\" }\nless = { order = \"control\" }\n";
        let found = spec(&format!("{text}expect = \"above\"\n")).of(&models()).unwrap();
        // The noise that a seed shares goes out: 1 + 0.002 seeds.
        assert!((found.mean - 1.006).abs() < 1e-9 && found.seeds == 5, "{found:?}");
        assert!(found.interval[0] > 1.0 && found.finds == Found::Above && found.as_expected == Some(true));
        let over_floor = spec(&format!("{text}minus = \"floor\"\nmargin = 0.05\nexpect = \"none\"\n")).of(&models()).unwrap();
        assert!(over_floor.finds == Found::Within && over_floor.as_expected == Some(true), "{over_floor:?}");
        let trend =
            spec("name = \"t\"\nvalue = \"loss\"\nalong = \"width\"\nlog = true\nexpect = \"above\"\n").of(&models()).unwrap();
        assert!((trend.mean + 0.5).abs() < 1e-9 && trend.as_expected == Some(false), "{trend:?}");
        // Of some values of an axis alone.
        let some = "name = \"t\"\nvalue = \"loss\"\nof = { width = [16, 32] }\nalong = \"width\"\nlog = true\n";
        assert!((spec(some).of(&models()).unwrap().mean + 0.5).abs() < 1e-9);
        // What follows from another number is taken away, by the line through models on neither side.
        let given =
            "name = \"g\"\nvalue = \"grade\"\nof = { size = \"deep\" }\nless = { size = \"shallow\" }\ngiven = \"loss\"\n";
        let grades = [("16", 2.0, 0.2), ("32", 1.5, 0.3), ("64", 1.0, 0.4), ("deep", 0.9, 0.5), ("shallow", 1.4, 0.3)];
        let of = |(size, loss, grade): (&str, f64, f64)| StudyModel {
            point: [("size".to_string(), size.to_string())].into(),
            seed: 1,
            values: [("loss".to_string(), loss), ("grade".to_string(), grade)].into(),
            course: Vec::new(),
        };
        let found = spec(given).of(&grades.map(of)).unwrap();
        assert!((found.mean - 0.1).abs() < 1e-12, "{found:?}");
        let one: Vec<StudyModel> = models().into_iter().filter(|model| model.seed == 1).collect();
        assert_eq!(spec(text).of(&one).unwrap().finds, Found::Open);
        assert!(spec("name = \"n\"\nvalue = \"nothing\"\n").of(&models()).is_none());
    }

    #[test]
    fn speeds_are_compared_where_each_is_at_its_best() {
        let model = |optimiser: &str, rate: &str, seed, course: &[(u64, f64)]| StudyModel {
            point: [("optimiser", optimiser), ("rate", rate)].map(|(axis, label)| (axis.to_string(), label.to_string())).into(),
            seed,
            values: BTreeMap::new(),
            course: course.to_vec(),
        };
        let models = [
            model("plain", "0.1", 1, &[(0, 9.0), (100, 4.0), (200, 3.0)]),
            model("plain", "0.2", 1, &[(0, 9.0), (100, 5.0), (200, 4.0)]),
            model("quick", "0.1", 1, &[(0, 9.0), (100, 6.0), (200, 5.0)]),
            model("quick", "0.2", 1, &[(0, 9.0), (50, 3.0), (100, 2.5), (200, 2.0)]),
        ];
        let contrast = |of: &str, less: &str| {
            let text = format!(
                "name = \"a\"\nvalue = \"doublings\"\nbest = \"rate\"\nof = {{ optimiser = \"{of}\" }}\nless = {{ optimiser = \"{less}\" }}\n"
            );
            spec(&text).of(&models).unwrap().mean
        };
        // The one is after 50 steps where the other ends after 200.
        assert!((contrast("quick", "plain") - 2.0).abs() < 1e-9);
        assert!((contrast("plain", "quick") + 2.0).abs() < 1e-9);
        assert_eq!(reached(&[(0, 5.0), (10, 3.0)], 4.0), Some(5.0));
        assert_eq!(reached(&[(0, 5.0), (10, 3.0)], 2.0), None);
    }

    #[test]
    fn what_a_contrast_names_must_be_there() {
        let axes: BTreeMap<String, Vec<String>> = [("order", vec!["control", "local"]), ("width", vec!["16", "32"])]
            .map(|(a, l)| (a.into(), l.into_iter().map(String::from).collect()))
            .into();
        let check = |text: &str| spec(&format!("name = \"a\"\nvalue = \"loss\"\n{text}")).check(&axes, true);
        assert!(check("of = { order = \"local\" }\nless = { order = \"control\" }\n").is_ok());
        assert!(check("of = { width = 16 }\nless = { width = 32 }\n").is_ok());
        assert!(check("of = { ordre = \"local\" }\n").unwrap_err().contains("no axis `ordre`"));
        assert!(check("of = { order = \"loca\" }\n").unwrap_err().contains("control, local"));
        assert!(check("along = \"order\"\n").unwrap_err().contains("along numbers"));
        assert!(check("best = \"widt\"\nless = { width = 32 }\n").unwrap_err().contains("no axis `widt`"));
        assert!(check("best = \"width\"\n").unwrap_err().contains("for a difference"));
        assert!(check("of = { width = [16, 32] }\nalong = \"width\"\n").is_ok());
        assert!(check("of = { width = [16, 33] }\nalong = \"width\"\n").unwrap_err().contains("`33`"));
        assert!(check("less = { width = [16, 32] }\n").unwrap_err().contains("not a list"));
        assert!(check("given = \"floor\"\n").unwrap_err().contains("has `less`"));
        assert!(check("along = \"width\"\nless = { order = \"local\" }\n").unwrap_err().contains("not both"));
    }
}
