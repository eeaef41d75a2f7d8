//! Is a jump in the record a jump in the population, or in the measure? Consensus asks for a long streak of successes,
//! so its chance is a high power of the success of one interaction: 0.99 to the 72nd is 0.48, and 0.95 to the 72nd is
//! 0.025. The same runs are shown under both measures.

use super::pictures::{curve, percent};
use crate::case::{AuditEntry, Case};
use crate::finding::{BearsOn, Effect, Finding, Finds, Picture, Who};
use crate::surrogate::success_curve;
use cratylus_core::stats::mean_sd;
use serde_json::json;

pub const ENTRY: AuditEntry = AuditEntry {
    name: "metric",
    words: "is the jump to consensus in the population, or in a measure that asks for a long streak?",
    ask,
};

fn ask(case: &Case<'_>) -> Option<Finding> {
    if !case.condition.baseline() {
        return None;
    }
    let size = case.condition.size();
    let window = case.condition.point.experiment.consensus().window(size.into());
    let runs = &case.condition.runs;
    let longest = runs.iter().map(|run| run.outcome.interactions.div_ceil(u64::from(size))).max()?;
    let rounds = (longest as usize).clamp(1, 200);
    let recorded: Vec<(bool, Vec<[u64; 2]>)> =
        runs.iter().map(|run| (run.outcome.consensus, run.success_by_round(size))).collect();
    let of_round = success_curve(recorded.iter().map(|(consensus, rounds)| (*consensus, &rounds[..])), rounds);
    let success: Vec<f64> = of_round.iter().map(|values| mean_sd(values).0).collect();
    let n = runs.len() as f64;
    let reached: Vec<f64> = (1..=rounds)
        .map(|round| {
            let by =
                |run: &&crate::evidence::Record| run.outcome.rounds_to_consensus.is_some_and(|rounds| rounds <= round as f64);
            runs.iter().filter(by).count() as f64 / n
        })
        .collect();
    // What independent interactions at the success of the last rounds would make of the streak.
    let streak = |round: usize| {
        let back = (window as f64 / f64::from(size)).ceil().max(1.0) as usize;
        let from = (round + 1).saturating_sub(back);
        let logs: f64 = success[from..=round].iter().map(|s| s.max(1e-9).ln()).sum();
        (logs / (round + 1 - from) as f64 * window as f64).exp()
    };
    let power: Vec<f64> = (0..rounds).map(streak).collect();
    let jump = |curve: &[f64]| curve.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
    let rise = |curve: &[f64]| {
        let first = curve.iter().position(|&y| y >= 0.1)?;
        let last = curve.iter().position(|&y| y >= 0.9)?;
        Some((last.saturating_sub(first) + 1) as f64)
    };
    let smooth = jump(&success);
    let sharp = jump(&power);
    let half = reached.iter().position(|&share| share >= 0.5);
    let se = (0..rounds).map(|round| mean_sd(&of_round[round]).1 / n.sqrt()).fold(0.0, f64::max);
    let at_half = half.map(|round| {
        format!(
            " When half the runs had reached consensus, in round {}, interactions succeeded in {}.",
            round + 1,
            percent(success[round])
        )
    });
    let means = format!(
        "Success of single interactions rises by at most {:.0} points in a round; a streak of {window} successes, worked out from that same success, by up to {:.0} points.{} {}",
        100.0 * smooth,
        100.0 * sharp,
        at_half.unwrap_or_default(),
        if sharp > 2.0 * smooth {
            "Whatever looks sudden under the streak is the streak's doing."
        } else {
            "The two measures change at about the same pace."
        }
    );
    Some(Finding {
        audit: ENTRY.name.into(),
        condition: case.condition.label.clone(),
        bears_on: BearsOn::Interaction,
        question: "Is what looks like a sudden transition one under a smooth measure?".into(),
        rivals: vec!["the population changes suddenly".into(), "the measure turns a gradual change into a jump".into()],
        finds: Finds::CannotTell,
        effect: Some(Effect::new("largest rise of success in a population round", smooth, [smooth - 1.96 * se, smooth + 1.96 * se])),
        statistic: None,
        means,
        does_not_mean: "That a jump lies in the measure says nothing for or against interaction or recall; it says only that the jump is no evidence.".into(),
        would_tell: Some("nothing further on this question: report success of single interactions and names' shares beside consensus".into()),
        source: "audit reference 4 (metric artefacts): Schaeffer et al. 2023 (arXiv 2304.15004), applied to a streak".into(),
        cautions: Vec::new(),
        details: json!({
            "window": window, "largest_rise_of_success": smooth, "largest_rise_of_streak": sharp, "rounds_from_10_to_90_percent": rise(&success),
            "streak_rounds_from_10_to_90_percent": rise(&power), "success_at_half_consensus": half.map(|round| success[round]),
        }),
        pictures: vec![Picture::Curves {
            title: "One record under two measures".into(),
            x: "Population round".into(),
            y: "Share".into(),
            lines: vec![
                curve("success of an interaction", Who::Record, success),
                curve(format!("success to the power of {window}"), Who::Rival, power),
                curve("runs in consensus", Who::Control, reached),
            ],
            reference: None,
        }],
    })
}
