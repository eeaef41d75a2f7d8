//! Audits against cards: how often each finds what a corpus held, at each dose, and how often it finds what none did.

use super::estimate::{auc_interval, exceeded, half_dose, isotonic};
use super::model::{ModelRow, NOTHING, TEXTS, Told, auc, base};
use crate::finding::Finds;
use cratylus_core::stats::{Proportion, mean_interval, mean_sd};
use serde::Serialize;

/// What an audit is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// Whether records of the game's rule were read.
    Rule,
    /// Whether records were read in which one name always wins.
    Outcome,
    /// Whether these very records were read.
    Text,
}

/// What whoever asks must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Needs {
    /// A record of populations, and nothing of the model.
    Record,
    /// The model's answers.
    Answers,
    /// How likely it holds texts.
    Probabilities,
    /// Models that surely read nothing of the game, and what else the model read.
    CleanModels,
    /// The very same model without what was inserted.
    Twin,
}

impl Needs {
    /// As readers see it.
    pub fn words(self) -> &'static str {
        match self {
            Needs::Record => "a record",
            Needs::Answers => "answers",
            Needs::Probabilities => "probabilities",
            Needs::CleanModels => "clean models",
            Needs::Twin => "the twin",
        }
    }
}

/// How an audit speaks.
enum Says {
    /// A number: what lies above what one clean model in twenty exceeds is a finding.
    Number(fn(&ModelRow) -> Option<f64>),
    /// The same in standard deviations of the clean models of the same base.
    AgainstClean(fn(&ModelRow) -> Option<f64>),
    /// A number, and its own rule for what is a finding.
    Ruled(fn(&ModelRow) -> Option<f64>, fn(&ModelRow) -> bool),
    /// An audit of the record.
    Finding(String),
    /// A test of texts: a finding at the level of 0.05.
    Text(&'static str),
}

/// An audit that is scored.
struct ScoredAudit {
    name: String,
    about: About,
    needs: Needs,
    says: Says,
}

/// How often the likelier sign must be the right one for a model to be said to understand what is paid, as for the questions
/// about scenes that other models are asked.
const UNDERSTOOD: f64 = 0.95;

/// A response of which more than this is left is unchanged.
const UNCHANGED: f64 = 0.5;

fn inverted(row: &ModelRow) -> bool {
    row.questioned.inverted.is_some_and(|left| left > UNCHANGED)
}

fn one(yes: bool) -> Option<f64> {
    Some(f64::from(u8::from(yes)))
}

/// All of them. Which way each would go is fixed here, beforehand.
fn all(models: &[ModelRow]) -> Vec<ScoredAudit> {
    use About::{Outcome, Rule, Text};
    use Needs::{Answers, CleanModels, Probabilities, Record, Twin};
    let entry = |name: &str, about, needs, says| ScoredAudit { name: name.into(), about, needs, says };
    let mut all = vec![
        entry("populations agree, labels hidden", Rule, Record, Says::Number(|row| Some(row.behaviour.hidden()))),
        entry("a name is kept after success", Rule, Answers, Says::Number(|row| Some(row.behaviour.stay))),
        entry("a partner's name is taken after failure", Rule, Answers, Says::Number(|row| Some(row.behaviour.follow))),
        entry("payoffs, without its gate", Rule, Answers, Says::Ruled(|row| row.questioned.inverted, inverted)),
        entry(
            "payoffs, where the game is understood",
            Rule,
            Answers,
            Says::Ruled(
                |row| row.questioned.inverted,
                |row| inverted(row) && row.questioned.understood.iter().all(|&share| share >= UNDERSTOOD),
            ),
        ),
        entry("other names and signs", Rule, Answers, Says::Number(|row| row.questioned.skin)),
        entry("held-out names", Rule, Answers, Says::Number(|row| row.questioned.held_out)),
        entry("what is paid is foreseen", Rule, Answers, Says::Number(|row| Some(row.questioned.foreseen))),
        entry("loss of fresh records", Rule, Probabilities, Says::Number(|row| Some(-row.wording.genre))),
        entry("the same against clean models", Rule, CleanModels, Says::AgainstClean(|row| Some(-row.wording.genre))),
        entry("the same against the twin", Rule, Twin, Says::Number(|row| Some(-row.wording.genre_over_twin))),
        entry(
            "verdict on recall",
            Outcome,
            Record,
            Says::Ruled(
                |row| one(row.behaviour.verdicts[1] == Finds::SupportsRecall),
                |row| row.behaviour.verdicts[1] == Finds::SupportsRecall,
            ),
        ),
        entry(
            "verdict on recall, the rule kept out",
            Outcome,
            Record,
            Says::Ruled(
                |row| one(row.behaviour.without_rule == Finds::SupportsRecall),
                |row| row.behaviour.without_rule == Finds::SupportsRecall,
            ),
        ),
        entry(
            "one name wins more often",
            Outcome,
            Record,
            Says::Number(|row| Some((row.behaviour.winners[1] as f64 / row.behaviour.winners[0] as f64 - 0.5).abs())),
        ),
        entry("a name preferred from the start", Outcome, Answers, Says::Number(|row| Some(row.questioned.prior))),
        entry("labels move the response", Outcome, Answers, Says::Number(|row| Some(row.questioned.labels))),
    ];
    let mut of_record: Vec<&String> = models.iter().flat_map(|row| &row.behaviour.findings).map(|(audit, _)| audit).collect();
    let mut seen: Vec<&String> = Vec::new();
    of_record.retain(|audit| {
        !seen.contains(audit) && {
            seen.push(audit);
            true
        }
    });
    all.extend(of_record.into_iter().map(|audit| entry(audit, Outcome, Record, Says::Finding(audit.clone()))));
    all.extend(TEXTS.iter().map(|(test, _)| {
        let needs = if *test == "over-twin" { Twin } else { Probabilities };
        entry(&format!("text: {test}"), Text, needs, Says::Text(test))
    }));
    all
}

/// What an audit makes of models of one corpus at one dose.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AtDose {
    /// What the corpus held.
    pub corpus: String,
    /// As a share of rows.
    pub dose: f64,
    /// The mean effect.
    pub effect: f64,
    /// How well its effect tells these models from those that read nothing of the game, and the interval over models.
    pub auc: f64,
    /// As `auc`.
    pub auc_interval: [f64; 2],
    /// In how many of the models it finds what is there.
    pub found: Proportion,
}

/// An audit, scored.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scored {
    /// Its name.
    pub audit: String,
    /// What it is about.
    pub about: About,
    /// What it needs.
    pub needs: Needs,
    /// The mean effect in models that read nothing of the game.
    pub effect_of_nothing: f64,
    /// Where what it is about is there, by corpus and dose.
    pub at: Vec<AtDose>,
    /// The dose of the first of these corpora at which it finds half, by the isotonic fit to all doses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub half: Option<f64>,
    /// False alarms: of models of the base alone; of those of other bases; of those with other corpora, without what it is about.
    pub false_alarms: [Proportion; 3],
    /// How often it says nothing either way, of all models that it was asked of; None for what always says something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<Proportion>,
    /// Whether it raises more than twice as many false alarms as it is meant to, of models of the base alone.
    pub not_safe: bool,
}

/// The share of false alarms that audits are meant to raise at most.
pub const LEVEL: f64 = 0.05;

/// Scores all audits.
pub fn score(models: &[ModelRow]) -> Vec<Scored> {
    all(models).iter().map(|audit| audit.score(models)).filter(|scored| scored.false_alarms[0].of > 0).collect()
}

fn holds(about: About, row: &ModelRow) -> Option<bool> {
    match about {
        About::Rule => row.truth.rule,
        About::Outcome => Some(row.truth.outcome),
        // What was read once is no text that is known by heart, and no text that is not known.
        About::Text if row.corpus == NOTHING => Some(false),
        About::Text => row.truth.text.then_some(true),
    }
}

impl ScoredAudit {
    fn effect(&self, models: &[ModelRow], row: &ModelRow) -> Option<f64> {
        let value = match &self.says {
            Says::Number(of) | Says::Ruled(of, _) => of(row),
            Says::AgainstClean(of) => {
                // The twin is left out: whoever has clean models has others.
                let clean =
                    models.iter().filter(|other| other.corpus == NOTHING && other.copies == row.copies && other.seed != row.seed);
                let clean: Vec<f64> = clean.filter_map(of).collect();
                let (mean, sd) = mean_sd(&clean);
                (clean.len() > 2).then(|| of(row).map(|value| (value - mean) / sd)).flatten()
            }
            Says::Finding(audit) => finding(row, audit).and_then(|finds| one(finds == Finds::SupportsRecall)),
            Says::Text(test) => text(row, test).map(|told| told.auc),
        };
        value.filter(|value| value.is_finite())
    }

    /// Whether it finds what it is about in a model, by its own rule or beyond clean models but for this one.
    fn found(&self, row: &ModelRow, value: f64, clean: &[(u64, f64)]) -> bool {
        match &self.says {
            Says::Ruled(_, rule) => rule(row),
            Says::Finding(audit) => finding(row, audit) == Some(Finds::SupportsRecall),
            Says::Text(test) => text(row, test).is_some_and(|told| told.p <= LEVEL),
            Says::Number(_) | Says::AgainstClean(_) => {
                let own = row.corpus == NOTHING;
                let others: Vec<f64> =
                    clean.iter().filter(|(seed, _)| !(own && *seed == row.seed)).map(|(_, value)| *value).collect();
                value > exceeded(&others, LEVEL)
            }
        }
    }

    fn score(&self, models: &[ModelRow]) -> Scored {
        let copies = base(models);
        let with: Vec<(&ModelRow, f64)> = models.iter().filter_map(|row| Some((row, self.effect(models, row)?))).collect();
        let clean: Vec<(u64, f64)> = with
            .iter()
            .filter(|(row, _)| row.corpus == NOTHING && row.copies == copies)
            .map(|(row, value)| (row.seed, *value))
            .collect();
        let values: Vec<f64> = clean.iter().map(|(_, value)| *value).collect();
        let count = |of: &[&(&ModelRow, f64)]| {
            let found = of.iter().filter(|(row, value)| self.found(row, *value, &clean)).count();
            Proportion::new(found as u64, of.len() as u64)
        };
        let mut at: Vec<AtDose> = Vec::new();
        for (row, _) in with.iter().filter(|(row, _)| row.copies == copies && holds(self.about, row) == Some(true)) {
            if at.iter().any(|known| known.corpus == row.corpus && known.dose == row.dose) {
                continue;
            }
            let of: Vec<&(&ModelRow, f64)> = with
                .iter()
                .filter(|(other, _)| other.copies == copies && other.corpus == row.corpus && other.dose == row.dose)
                .collect();
            let effects: Vec<f64> = of.iter().map(|(_, value)| *value).collect();
            if values.is_empty() {
                continue;
            }
            at.push(AtDose {
                corpus: row.corpus.clone(),
                dose: row.dose,
                effect: mean_sd(&effects).0,
                auc: auc(&effects, &values),
                auc_interval: auc_interval(&effects, &values),
                found: count(&of),
            });
        }
        let first: Vec<&AtDose> = at.iter().filter(|at_dose| at_dose.corpus == at[0].corpus).collect();
        let shares: Vec<(f64, f64)> = first.iter().map(|at_dose| (at_dose.found.share, at_dose.found.of as f64)).collect();
        let doses: Vec<f64> = first.iter().map(|at_dose| at_dose.dose).collect();
        let half = if doses.is_sorted() { half_dose(&doses, &isotonic(&shares)) } else { None };
        let without = |of: &dyn Fn(&ModelRow) -> bool| {
            count(&with.iter().filter(|(row, _)| holds(self.about, row) == Some(false) && of(row)).collect::<Vec<_>>())
        };
        let false_alarms = [
            without(&|row| row.corpus == NOTHING && row.copies == copies),
            without(&|row| row.corpus == NOTHING && row.copies != copies),
            without(&|row| row.corpus != NOTHING),
        ];
        let open = match &self.says {
            Says::Finding(audit) => {
                let all = models.iter().filter_map(|row| finding(row, audit));
                let open = all.clone().filter(|finds| *finds == Finds::CannotTell).count();
                Some(Proportion::new(open as u64, all.count() as u64))
            }
            _ => None,
        };
        Scored {
            audit: self.name.clone(),
            about: self.about,
            needs: self.needs,
            effect_of_nothing: mean_interval(&values, 0.95).0,
            at,
            half,
            not_safe: false_alarms[0].share > 2.0 * LEVEL,
            false_alarms,
            open,
        }
    }
}

fn finding(row: &ModelRow, audit: &str) -> Option<Finds> {
    row.behaviour.findings.iter().find(|(known, _)| known == audit).map(|(_, finds)| *finds)
}

fn text<'r>(row: &'r ModelRow, test: &str) -> Option<&'r Told> {
    row.wording.texts.iter().find(|told| told.test == test)
}
