//! Three statements on what the dispute is about, each decided by intervals that were fixed beforehand, or not decided.

use super::estimate::{Decided, Estimate};
use super::model::{ModelRow, NOTHING, RULE, base};
use super::scored::{About, Scored};
use cratylus_core::stats::mean_interval;
use serde::{Deserialize, Serialize};

/// One of the three statements.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Statement {
    /// In a word.
    pub name: String,
    /// What it says.
    pub words: String,
    /// Whether it holds.
    pub decided: Decided,
    /// What decides it, and what stands beside that.
    pub estimates: Vec<Estimate>,
}

/// By how much agreement among partners must exceed agreement without them.
pub const NECESSITY: f64 = 0.20;
/// Differences that count as none: of success, of log time, of the entropy of winners, of the least minority that tips.
pub const MARGINS: [f64; 4] = [0.10, 0.15, 0.10, 2.0];
/// How well an audit must tell two corpora apart, at least.
pub const TELLS: f64 = 0.75;
/// The dose at which it must.
pub const AT_DOSE: f64 = 0.01;
/// The most false alarms that it may raise of models that read nothing of the game, on another base.
pub const FALSE_ALARMS: f64 = 0.05;
/// With fewer models of each corpus than this nothing is decided by an area under a curve.
const MODELS_MIN: u64 = 8;

/// Of models that read nothing of the game, on each base: do they agree more than without partners?
pub fn necessity(models: &[ModelRow]) -> Statement {
    let mut bases: Vec<f64> = models.iter().filter(|row| row.corpus == NOTHING).map(|row| row.copies).collect();
    bases.sort_by(f64::total_cmp);
    bases.dedup();
    let settings = models.first().map_or(0, |row| row.behaviour.agreement.len());
    let mut estimates = Vec::new();
    let mut decided = Decided::Open;
    for &copies in &bases {
        for setting in 0..settings {
            let of = models.iter().filter(|row| row.corpus == NOTHING && row.copies == copies);
            let gain = |row: &ModelRow| row.behaviour.agreement.get(setting).map(|seen| seen.hidden - seen.yoked);
            let gains: Vec<f64> = of.filter_map(gain).collect();
            let (value, interval) = mean_interval(&gains, 0.95);
            let found = match interval {
                [low, _] if low > NECESSITY => Decided::Yes,
                [_, high] if high < NECESSITY => Decided::No,
                _ => Decided::Open,
            };
            if copies == base(models) && setting == 0 {
                decided = found;
            }
            let seen = models[0].behaviour.agreement[setting];
            let what = format!(
                "agreement with hidden labels over yoked, {:.0} % of the base copy, {} agents, temperature {}",
                100.0 * copies,
                seen.size,
                seen.temperature
            );
            estimates.push(Estimate { what, value, interval, n: gains.len() as u64, decided: Some(found) });
        }
    }
    let words = format!(
        "models that read nothing of the game agree without knowing their names, by at least {NECESSITY} more than without partners: leakage is not necessary"
    );
    Statement { name: "necessity".into(), words, decided, estimates }
}

/// Differences over pairs of models that began alike and read the same rows but for those inserted.
fn paired(models: &[ModelRow], dose: f64, of: &dyn Fn(&ModelRow) -> f64) -> Vec<f64> {
    let copies = base(models);
    let here = |corpus: &'static str| models.iter().filter(move |row| row.corpus == corpus && row.copies == copies);
    let pair = |row: &ModelRow| {
        let twin = here(NOTHING).find(|other| other.seed == row.seed)?;
        Some(of(row) - of(twin))
    };
    here(RULE).filter(|row| row.dose == dose).filter_map(pair).collect()
}

/// Can a record of populations tell models that read the rule from their twins? Decided at the highest dose; the others stand
/// beside it.
pub fn equivalence(models: &[ModelRow]) -> Statement {
    type Value = fn(&ModelRow) -> f64;
    let statistics: [(&str, f64, Value); 6] = [
        ("success in round 1", MARGINS[0], |row| row.behaviour.early[0]),
        ("success in round 3", MARGINS[0], |row| row.behaviour.early[1]),
        ("success in round 10", MARGINS[0], |row| row.behaviour.early[2]),
        ("log rounds to consensus", MARGINS[1], |row| row.behaviour.log_time),
        ("entropy of winners", MARGINS[2], |row| row.behaviour.entropy),
        ("least minority that tips, agents", MARGINS[3], |row| row.behaviour.tips),
    ];
    let mut doses: Vec<f64> = models.iter().filter(|row| row.corpus == RULE).map(|row| row.dose).collect();
    doses.sort_by(|a, b| b.total_cmp(a));
    doses.dedup();
    let mut estimates: Vec<Estimate> = Vec::new();
    let mut decided = Decided::Open;
    for (i, &dose) in doses.iter().enumerate() {
        let of = statistics.iter().map(|(what, margin, of)| {
            let differences = paired(models, dose, of);
            let (value, wide) = mean_interval(&differences, 0.95);
            let (_, interval) = mean_interval(&differences, 0.90);
            let decided = match () {
                () if differences.len() < 2 => Decided::Open,
                () if interval[0] > -margin && interval[1] < *margin => Decided::Yes,
                () if wide[0] > 0.0 || wide[1] < 0.0 => Decided::No,
                () => Decided::Open,
            };
            let what = format!("{what}: with the rule at {} % less without", 100.0 * dose);
            Estimate { what, value, interval, n: differences.len() as u64, decided: Some(decided) }
        });
        let of: Vec<Estimate> = of.collect();
        if i == 0 {
            let all = |wanted: Decided| of.iter().all(|estimate| estimate.decided == Some(wanted));
            decided = match () {
                () if of.iter().any(|estimate| estimate.decided == Some(Decided::No)) => Decided::No,
                () if all(Decided::Yes) => Decided::Yes,
                () => Decided::Open,
            };
        }
        estimates.extend(of);
    }
    let words = "populations of models that read the rule and of models that read nothing of the game are alike in what a record of them shows, at the highest dose";
    Statement { name: "macro-equivalence".into(), words: words.into(), decided, estimates }
}

/// Does some audit tell models that read the rule from models that did not, and take none for the other whose base is another?
pub fn identifiability(scored: &[Scored]) -> Statement {
    let rule = || scored.iter().filter(|audit| audit.about == About::Rule);
    let doses = rule().flat_map(|audit| &audit.at).map(|at| at.dose);
    let dose = doses.filter(|&dose| dose >= AT_DOSE - 1e-12).fold(f64::INFINITY, f64::min);
    let mut estimates = Vec::new();
    for audit in rule() {
        let Some(at) = audit.at.iter().find(|at| at.corpus == RULE && at.dose == dose) else { continue };
        let n = at.found.of.min(audit.false_alarms[0].of);
        let tells = match at.auc_interval {
            _ if n < MODELS_MIN => Decided::Open,
            [low, _] if low >= TELLS => Decided::Yes,
            [_, high] if high < TELLS => Decided::No,
            _ => Decided::Open,
        };
        let elsewhere = audit.false_alarms[1];
        let decided = Some(match tells {
            Decided::Yes if elsewhere.of == 0 => Decided::Open,
            Decided::Yes if elsewhere.share > FALSE_ALARMS => Decided::No,
            other => other,
        });
        let what = format!("{} ({}): AUC at a dose of {:.1} %", audit.audit, audit.needs.words(), 100.0 * dose);
        estimates.push(Estimate { what, value: at.auc, interval: at.auc_interval, n, decided });
        if elsewhere.of > 0 {
            let what = format!("{}: false alarms on other bases", audit.audit);
            let interval = [elsewhere.low, elsewhere.high];
            estimates.push(Estimate { what, value: elsewhere.share, interval, n: elsewhere.of, decided });
        }
    }
    let decided = match () {
        () if estimates.iter().any(|estimate| estimate.decided == Some(Decided::Yes)) => Decided::Yes,
        () if !estimates.is_empty() && estimates.iter().all(|estimate| estimate.decided == Some(Decided::No)) => Decided::No,
        () => Decided::Open,
    };
    let words = format!(
        "some test tells models that read the rule from models that did not, with an AUC of at least {TELLS}, and mistakes no more than {:.0} % of those with another base",
        100.0 * FALSE_ALARMS
    );
    Statement { name: "micro-identifiability".into(), words, decided, estimates }
}

/// Which side of the exchange that leaves right about what.
pub fn conclusion(decided: [Decided; 3]) -> &'static str {
    use Decided::{No, Open, Yes};
    match decided {
        [No, ..] => {
            "On this base agreement without leakage falls short of the margin: that partners are copied, or that the rule was read, makes the difference."
        }
        [Yes, Yes, Yes] => {
            "Both sides are right about different things: agreement needs no leakage, records cannot tell, and a test of the model can."
        }
        [Yes, Yes, No] => "The critique's \"indistinguishable\" holds, and its \"therefore leakage\" does not.",
        [Yes, No, _] => "The reply holds: agreement needs no leakage, and what leakage changes shows in the record.",
        [Open, ..] | [Yes, Open, _] | [Yes, Yes, Open] => {
            "Not decided: an interval leaves one of the statements open; more models would narrow it."
        }
    }
}
