//! A finding is what an audit answers: a comparison of rival explanations, as a value. It holds no opinion beyond
//! its three words, no conclusion over several audits (`verdict.rs`), and no way of showing itself.

use serde::{Deserialize, Serialize};

/// Which of the two questions a finding bears on. They are logically independent: a population whose outcome depends
/// on interaction may consist of agents that recall a rule, and of agents that adapt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BearsOn {
    /// Does the outcome of the population depend on interaction?
    Interaction,
    /// Where does the individual response come from: recall of the outcome, recall of the rule, adaptation in context?
    Response,
}

/// What an audit concludes. Where neither side is supported it says so, and what would tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finds {
    /// Explanations by interaction do better.
    SupportsInteraction,
    /// Explanations by recall of an outcome do better.
    SupportsRecall,
    /// Neither does, by as much as the audit asks for.
    CannotTell,
}

impl Finds {
    /// The same as readers see it in tables and reports.
    pub fn words(self) -> &'static str {
        match self {
            Finds::SupportsInteraction => "supports interaction",
            Finds::SupportsRecall => "supports recall",
            Finds::CannotTell => "cannot tell",
        }
    }
}

/// A test statistic and its p-value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Statistic {
    /// What it is, with its unit where it has one.
    pub name: String,
    /// Its unit stands in the name.
    pub value: f64,
    /// None where it is reported without a test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p: Option<f64>,
}

/// How large the difference between the rivals is, with its interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// What it is, with its unit: `log score of the best rival over i.i.d. choice, nats per decision`.
    pub name: String,
    /// In the unit of the name; 0 means no difference in most audits.
    pub value: f64,
    /// Where the interval begins.
    pub low: f64,
    /// Where the interval ends.
    pub high: f64,
    /// The level of the interval, 0.95 where nothing else is said.
    pub level: f64,
}

impl Effect {
    /// An effect with its 95 % interval.
    pub fn new(name: impl Into<String>, value: f64, [low, high]: [f64; 2]) -> Effect {
        Effect { name: name.into(), value, low, high, level: 0.95 }
    }
}

/// One audit's answer about one condition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Which audit: a name of `cratylus list audits`.
    pub audit: String,
    /// Which condition: a point of a sweep, or a recorded file.
    pub condition: String,
    /// Which of the two verdicts it counts for.
    pub bears_on: BearsOn,
    /// What was asked, as a sentence.
    pub question: String,
    /// The explanations that were compared.
    pub rivals: Vec<String>,
    /// The conclusion, in one of three words.
    pub finds: Finds,
    /// None where it comes down to no single difference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
    /// None where nothing was tested, or nothing varied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statistic: Option<Statistic>,
    /// What it means, in a sentence or two.
    pub means: String,
    /// What it does not mean.
    pub does_not_mean: String,
    /// What further data would tell, where this cannot, or would tell more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub would_tell: Option<String>,
    /// Where the method comes from.
    pub source: String,
    /// What to keep in mind, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cautions: Vec<String>,
    /// Every number that the audit worked out, by name. Names and meanings are those of `docs/audits.md`.
    #[serde(default)]
    pub details: serde_json::Value,
    /// In the order in which they are shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pictures: Vec<Picture>,
}

impl Finding {
    /// The finding without numbers that are none, which no file could hold: where nothing varied there is no statistic.
    pub fn finite(mut self) -> Finding {
        self.effect = self.effect.filter(|effect| [effect.value, effect.low, effect.high].into_iter().all(f64::is_finite));
        self.statistic = self.statistic.filter(|statistic| statistic.value.is_finite());
        if let Some(statistic) = &mut self.statistic {
            statistic.p = statistic.p.filter(|p| p.is_finite());
        }
        self.pictures.iter_mut().for_each(Picture::keep_finite);
        self.pictures.retain(|picture| !picture.is_empty());
        self
    }
}

impl Picture {
    fn keep_finite(&mut self) {
        match self {
            Picture::Bars { rows, .. } => {
                rows.retain(|row| row.value.is_finite());
                for row in rows {
                    (row.low, row.high) = (row.low.filter(|low| low.is_finite()), row.high.filter(|high| high.is_finite()));
                }
            }
            Picture::Curves { lines, .. } => {
                for line in lines.iter_mut() {
                    let banded = !line.low.is_empty();
                    let finite =
                        |&i: &usize| line.y[i].is_finite() && (!banded || (line.low[i].is_finite() && line.high[i].is_finite()));
                    let keep: Vec<usize> = (0..line.y.len()).filter(finite).collect();
                    let only = |values: &[f64]| keep.iter().filter_map(|&i| values.get(i).copied()).collect::<Vec<f64>>();
                    (line.x, line.y, line.low, line.high) = (only(&line.x), only(&line.y), only(&line.low), only(&line.high));
                }
                lines.retain(|line| !line.y.is_empty());
            }
            Picture::Samples { rows, .. } => {
                rows.iter_mut().for_each(|row| row.values.retain(|value| value.is_finite()));
                rows.retain(|row| !row.values.is_empty());
            }
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Picture::Bars { rows, .. } => rows.is_empty(),
            Picture::Curves { lines, .. } => lines.is_empty(),
            Picture::Samples { rows, .. } => rows.is_empty(),
        }
    }
}

/// What carries a finding to the eye.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Picture {
    /// Values with intervals, a line each; lines of one group stand together.
    Bars {
        /// What the picture shows, as a line above it.
        title: String,
        /// What the axis shows, with its unit.
        axis: String,
        /// From top to bottom.
        rows: Vec<Bar>,
        /// A value to compare with, such as chance.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<f64>,
    },
    /// Curves over a common axis.
    Curves {
        /// What the picture shows, as a line above it.
        title: String,
        /// What the horizontal axis shows, with its unit.
        x: String,
        /// What the vertical axis shows, with its unit.
        y: String,
        /// In the order of their legend.
        lines: Vec<Line>,
        /// A height to compare with, such as chance.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<f64>,
    },
    /// Samples side by side, each value a mark.
    Samples {
        /// What the picture shows, as a line above it.
        title: String,
        /// What the axis shows, with its unit.
        axis: String,
        /// Whether the axis is logarithmic.
        log: bool,
        /// From top to bottom.
        rows: Vec<SampleValues>,
    },
}

/// A line of [`Picture::Bars`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bar {
    /// What stands beside it, in words.
    pub label: String,
    /// Bars with the same word stand together; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// Whose value it is.
    pub who: Who,
    /// In the unit of the picture's axis, as the ends are.
    pub value: f64,
    /// Where its interval begins; None without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// Where its interval ends; None without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
}

/// A curve of [`Picture::Curves`], or single points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// What the legend calls it.
    pub label: String,
    /// Whose line it is.
    pub who: Who,
    /// Whether points are joined; single measurements are not.
    pub joined: bool,
    /// As many as there are of `y`.
    pub x: Vec<f64>,
    /// In the unit of the picture's axis.
    pub y: Vec<f64>,
    /// The ends of the intervals; empty for none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub low: Vec<f64>,
    /// As many as there are of `low`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub high: Vec<f64>,
}

/// A sample of [`Picture::Samples`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SampleValues {
    /// What stands beside it, in words.
    pub label: String,
    /// Whose values they are.
    pub who: Who,
    /// Sorted; at most 200, evenly spaced, where there are more.
    pub values: Vec<f64>,
}

/// Whose values they are, which decides how they are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Who {
    /// The record that is audited.
    Record,
    /// An explanation of it, fitted or simulated.
    Rival,
    /// A control in which something was taken away.
    Control,
    /// What is known beforehand: chance, a bound, theory.
    Reference,
}
