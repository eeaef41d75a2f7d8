//! Audits scored against models whose every word is known: what populations of such a model do, what the audits make of it, and
//! three statements on what the dispute is about, each decided by intervals that were fixed beforehand, or not decided.

mod model;
mod play;

mod estimate;

mod canaries;
mod scored;

mod statements;

pub use canaries::CanaryScored;
pub use estimate::{Decided, Estimate};
pub use model::{Canaries, Held, ModelRow, NOTHING, Questioned, RULE, TEXTS, Told, Wording, auc, told};
pub use play::{Agreement, Behaviour, PlaySpec, behaviour};
pub use scored::{About, AtDose, LEVEL, Needs, Scored};
pub use statements::{AT_DOSE, FALSE_ALARMS, MARGINS, NECESSITY, Statement, TELLS};

use crate::finding::Finds;
use cratylus_core::stats::{Proportion, mean_sd};
use serde::Serialize;

/// What came of models of one corpus at one dose.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CorpusRowScored {
    /// What its corpus held beside the base.
    pub corpus: String,
    /// As a share of rows.
    pub dose: f64,
    /// As of its models.
    pub copies: f64,
    /// How many models.
    pub models: u64,
    /// Means over models of what [`Behaviour`] has, and [`Questioned`], and [`Wording`].
    pub means: Vec<(String, f64)>,
    /// Verdicts on interaction: depends on it, does not, cannot tell.
    pub interaction: [u64; 3],
    /// On recall of an outcome: there is some, there is none, cannot tell.
    pub recall: [u64; 3],
    /// Verdicts on recall that are wrong by the card, with the interval of their share.
    pub wrong: Proportion,
}

/// The whole.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Benchmark {
    /// A row for each corpus, dose and base.
    pub corpora: Vec<CorpusRowScored>,
    /// Every audit against the cards.
    pub audits: Vec<Scored>,
    /// Exposure and membership of rows that stand in corpora a known number of times.
    pub canaries: Vec<CanaryScored>,
    /// Necessity, macro-equivalence, micro-identifiability.
    pub statements: Vec<Statement>,
    /// Which side of the exchange that leaves right about what.
    pub conclusion: String,
}

impl Benchmark {
    /// Scores models against their cards.
    pub fn of(models: &[ModelRow]) -> Benchmark {
        let audits = scored::score(models);
        let statements =
            vec![statements::necessity(models), statements::equivalence(models), statements::identifiability(&audits)];
        let conclusion = statements::conclusion([0, 1, 2].map(|i: usize| statements[i].decided)).into();
        Benchmark { corpora: by_corpus(models), audits, canaries: canaries::canaries(models), statements, conclusion }
    }
}

fn by_corpus(models: &[ModelRow]) -> Vec<CorpusRowScored> {
    let mut rows: Vec<CorpusRowScored> = Vec::new();
    let mut left: Vec<&ModelRow> = models.iter().collect();
    while let Some(first) = left.first().copied() {
        let same = |row: &&ModelRow| row.corpus == first.corpus && row.dose == first.dose && row.copies == first.copies;
        let of: Vec<&ModelRow> = left.iter().copied().filter(same).collect();
        left.retain(|row| !same(row));
        let verdicts = |which: usize, yes: Finds| {
            let mut counts = [0; 3];
            for row in &of {
                counts[match row.behaviour.verdicts[which] {
                    Finds::CannotTell => 2,
                    finds if finds == yes => 0,
                    _ => 1,
                }] += 1;
            }
            counts
        };
        let mean = |what: &str, value: &dyn Fn(&ModelRow) -> Option<f64>| {
            let values: Vec<f64> = of.iter().filter_map(|row| value(row)).collect();
            (!values.is_empty()).then(|| (what.to_string(), mean_sd(&values).0))
        };
        let text = |test: &'static str| {
            move |row: &ModelRow| row.wording.texts.iter().find(|told| told.test == test).map(|told| told.auc)
        };
        let means = [
            mean("stay", &|row| Some(row.behaviour.stay)),
            mean("follow", &|row| Some(row.behaviour.follow)),
            mean("hidden", &|row| Some(row.behaviour.hidden())),
            mean("yoked", &|row| Some(row.behaviour.yoked())),
            mean("plain", &|row| Some(row.behaviour.plain)),
            mean("agreed", &|row| Some(row.behaviour.agreed[0] as f64 / row.behaviour.agreed[1] as f64)),
            mean("tips", &|row| Some(row.behaviour.tips)),
            mean("entropy", &|row| Some(row.behaviour.entropy)),
            mean("prior", &|row| Some(row.questioned.prior)),
            mean("inverted", &|row| row.questioned.inverted),
            mean("skin", &|row| row.questioned.skin),
            mean("held out", &|row| row.questioned.held_out),
            mean("foreseen", &|row| Some(row.questioned.foreseen)),
            mean("game loss", &|row| Some(row.wording.genre)),
        ];
        let texts = TEXTS.iter().filter_map(|(test, _)| mean(test, &text(test)));
        let recall = verdicts(1, Finds::SupportsRecall);
        rows.push(CorpusRowScored {
            corpus: first.corpus.clone(),
            dose: first.dose,
            copies: first.copies,
            models: of.len() as u64,
            means: means.into_iter().flatten().chain(texts).collect(),
            interaction: verdicts(0, Finds::SupportsInteraction),
            wrong: Proportion::new(recall[usize::from(first.truth.outcome)], of.len() as u64),
            recall,
        });
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(corpus: &str, dose: f64, seed: u64, hidden: f64, stay: f64) -> ModelRow {
        let shift = seed as f64 / 1000.0;
        let agreement = vec![Agreement { size: 12, temperature: 0.5, hidden: hidden + shift, yoked: 0.5 }];
        ModelRow {
            corpus: corpus.into(),
            dose,
            copies: 0.05,
            seed,
            truth: Held { rule: Some(corpus == RULE), outcome: corpus == "outcome", text: false },
            behaviour: Behaviour {
                first: 0.5,
                stay: stay + shift,
                follow: 0.4,
                early: [0.5, 0.6, hidden],
                agreement,
                plain: hidden,
                log_time: 2.0,
                agreed: [40, 40],
                tips: 3.0,
                winners: [40, 20],
                entropy: 1.0,
                verdicts: [Finds::SupportsInteraction, Finds::CannotTell],
                without_rule: Finds::CannotTell,
                findings: Vec::new(),
            },
            questioned: Questioned {
                prior: 0.6,
                labels: 0.1,
                inverted: Some(0.9),
                skin: Some(0.5),
                held_out: Some(0.8),
                order: 0.0,
                foreseen: 0.5,
                understood: [0.5, 0.5],
            },
            wording: Wording { genre: 0.8 - shift, ..Wording::default() },
        }
    }

    #[test]
    fn statements_follow_from_their_intervals() {
        let models = |hidden: f64, ruled: f64, stay: f64| -> Vec<ModelRow> {
            let nothing = (0..12).map(move |seed| row(NOTHING, 0.0, seed, hidden, 0.8));
            let other = (0..12).map(move |seed| ModelRow { copies: 0.2, ..row(NOTHING, 0.0, seed, hidden, 0.8) });
            nothing.chain((0..12).map(move |seed| row(RULE, 0.01, seed, ruled, stay))).chain(other).collect()
        };
        let decided = |models: &[ModelRow]| {
            let benchmark = Benchmark::of(models);
            let decided: Vec<Decided> = benchmark.statements.iter().map(|statement| statement.decided).collect();
            (decided, benchmark.conclusion)
        };
        use Decided::{No, Open, Yes};
        let (found, words) = decided(&models(0.9, 0.92, 0.95));
        assert_eq!(found, [Yes, Yes, Yes]);
        assert!(words.starts_with("Both sides"));
        let (found, words) = decided(&models(0.75, 0.99, 0.95));
        assert_eq!(found, [Yes, No, Yes]);
        assert!(words.starts_with("The reply holds"));
        let (found, words) = decided(&models(0.55, 0.99, 0.95));
        assert_eq!(found[0], No);
        assert!(words.contains("falls short"));
        // Models that differ in nothing are told by no test; with few of them nothing is decided.
        assert_eq!(decided(&models(0.9, 0.9, 0.8)).0[1..], [Yes, No]);
        // A test that another base sets off tells nothing, and without another base nobody knows.
        let alarmed = |mut row: ModelRow| {
            row.behaviour.stay += if row.copies == 0.2 { 0.15 } else { 0.0 };
            row
        };
        assert_ne!(decided(&models(0.9, 0.9, 0.95).into_iter().map(alarmed).collect::<Vec<_>>()).0[2], Yes);
        assert_eq!(decided(&models(0.9, 0.9, 0.95)).0[2], Yes);
        let one_base: Vec<ModelRow> = models(0.9, 0.92, 0.95).into_iter().filter(|row| row.copies == 0.05).collect();
        assert_eq!(decided(&one_base).0[2], Open);
        let few: Vec<ModelRow> = models(0.9, 0.92, 0.95).into_iter().filter(|row| row.seed < 2).collect();
        assert_eq!(decided(&few).0[2], Open);
    }

    #[test]
    fn audits_are_scored_against_cards() {
        let mut models: Vec<ModelRow> = (0..20).map(|seed| row(NOTHING, 0.0, seed, 0.7, 0.8)).collect();
        for (dose, stay) in [(0.001, 0.8), (0.01, 0.85), (0.1, 0.95)] {
            models.extend((0..12).map(|seed| row(RULE, dose, seed, 0.7, stay)));
        }
        models.extend((0..12).map(|seed| row("outcome", 0.1, seed, 0.7, 0.8)));
        for row in &mut models {
            let finds = if row.corpus == "outcome" || row.seed < 4 { Finds::SupportsRecall } else { Finds::CannotTell };
            row.behaviour.findings.push(("prior".into(), finds));
        }
        let scored = Benchmark::of(&models).audits;
        let get = |audit: &str| scored.iter().find(|scored| scored.audit == audit).unwrap();
        let stay = get("a name is kept after success");
        assert_eq!(stay.at.iter().map(|at| at.found.count).collect::<Vec<_>>(), [0, 12, 12]);
        assert!(stay.at[1].auc == 1.0 && (0.001..0.01).contains(&stay.half.unwrap()) && !stay.not_safe, "{stay:?}");
        // Models with another corpus, which do not hold the rule.
        assert_eq!((stay.false_alarms[2].count, stay.false_alarms[2].of), (0, 12));
        // An audit that finds an outcome in a fifth of the models without one is not safe, though it finds all that are there.
        let prior = get("prior");
        assert!(prior.not_safe && prior.false_alarms[0].count == 4 && prior.at[0].found.count == 12, "{prior:?}");
        // A response that no payoff changes counts for nothing where the game is not understood.
        assert!(get("payoffs, without its gate").not_safe && !get("payoffs, where the game is understood").not_safe);
        // Against clean models every model is judged by others.
        assert!(get("the same against clean models").effect_of_nothing.abs() < 0.5);
    }

    #[test]
    fn rows_by_heart_are_exposed_and_found_by_shadows() {
        let mut draws = cratylus_core::Seed(4).stream(cratylus_core::Purpose::Resample, 0);
        let times: Vec<u64> = [1, 64].into_iter().flat_map(|times| [times; 16]).collect();
        let models: Vec<ModelRow> = (0..16)
            .map(|seed| {
                let held: Vec<bool> = times.iter().map(|_| draws.unit() < 0.5).collect();
                let known = |i: usize| held[i] && times[i] == 64;
                let log_likelihood = (0..32).map(|i| -30.0 + draws.unit() + if known(i) { 8.0 } else { 0.0 }).collect();
                let exposure = (0..32).map(|i| if known(i) { 12.0 } else { -draws.unit().log2() }).collect();
                let canaries = Some(Canaries { times: times.clone(), held, log_likelihood, exposure });
                ModelRow { wording: Wording { canaries, ..Wording::default() }, ..row("canaries", 0.02, seed, 0.7, 0.8) }
            })
            .collect();
        let found = Benchmark::of(&models).canaries;
        assert_eq!(found.iter().map(|of| of.times).collect::<Vec<_>>(), [0, 1, 64]);
        assert!((found[0].exposure - 1.44).abs() < 0.2 && found[2].exposure == 12.0, "{found:?}");
        assert!((found[1].lira.unwrap().0 - 0.5).abs() < 0.12 && found[2].lira.unwrap().0 > 0.99, "{found:?}");
        assert!(found[2].lira_found.unwrap() > 0.95 && found[1].lira_found.unwrap() < 0.15, "{found:?}");
    }
}
