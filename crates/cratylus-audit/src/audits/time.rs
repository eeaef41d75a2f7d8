//! Do choices follow the time? Choices of different runs at the same time have nothing in common, once memory is accounted
//! for, unless all runs follow one schedule: recalled by the agents, or kept by the program around them.

use super::common_cause::told;
use super::pictures::{bar, p_words};
use crate::case::{AuditEntry, Case};
use crate::finding::{BearsOn, Effect, Finding, Finds, Picture, Statistic, Who};
use serde_json::json;

pub const ENTRY: AuditEntry =
    AuditEntry { name: "time", words: "do all runs follow one schedule, whatever agents remember?", ask };

const SURE: f64 = 0.001;
const DOUBTFUL: f64 = 0.01;
/// A correlation smaller than this moves nothing.
const SMALL: f64 = 0.002;

fn ask(case: &Case<'_>) -> Option<Finding> {
    let size = u64::from(case.condition.size());
    // Stretches of a quarter of a population round, of one, and of four; and an agent's own rounds, beyond its memory.
    let widths = [(size / 4).max(1), size, 4 * size];
    let mut played = std::collections::BTreeMap::new();
    let own: Vec<Vec<usize>> = case
        .decisions
        .runs
        .iter()
        .map(|run| {
            played.clear();
            let count = |decision: &crate::evidence::Decision| {
                let n = played.entry(decision.agent).or_insert(0usize);
                *n += 1;
                *n - 1
            };
            run.iter().map(count).collect()
        })
        .collect();
    let by_time = widths.map(|width| case.residuals().across(&case.decisions, |_, decision| Some((decision.t / width) as usize)));
    let by_own = case.residuals().across(&case.decisions, |(run, place), _| Some(own[run][place]));
    let labels = ["a quarter of a round", "a round", "four rounds", "an agent's own round"];
    let all = [by_time[0], by_time[1], by_time[2], by_own];
    let most = (0..4).filter(|&i| all[i].value.is_finite() && all[i].value > 0.0).min_by(|&a, &b| all[a].p.total_cmp(&all[b].p));
    let most = most.unwrap_or(0);
    let best = all[most];
    if !best.value.is_finite() {
        return None;
    }
    // Four looks at the same residuals.
    let p = (4.0 * best.p).min(1.0);
    let found = p < SURE && best.value > SMALL;
    let none = p > DOUBTFUL;
    let half = 1.96 * best.se;
    let means = match () {
        () if found => format!(
            "Choices of different runs at the same time (by {}) are alike beyond what agents remember, by {:.3} ({}): all runs follow a schedule, be it recalled or kept by a program.",
            labels[most],
            best.value,
            p_words(p)
        ),
        () if none => "Choices of different runs at the same time have nothing in common beyond what agents remember.".into(),
        () => format!("Whether all runs follow a schedule stays open ({}).", p_words(p)),
    };
    let rows = all.iter().zip(labels).filter(|(of, _)| of.value.is_finite());
    let rows =
        rows.map(|(of, label)| bar(label, "", Who::Record, of.value, Some([of.value - 1.96 * of.se, of.value + 1.96 * of.se])));
    Some(Finding {
        audit: ENTRY.name.into(),
        condition: case.condition.label.clone(),
        bears_on: BearsOn::Response,
        question: "Do choices follow the time, in all runs alike?".into(),
        rivals: vec!["agents respond to what they remember, at any time".into(), "a schedule: names are chosen by time, recalled or by a program".into()],
        finds: if none { Finds::SupportsInteraction } else { Finds::CannotTell },
        effect: Some(Effect::new(format!("correlation of choices of different runs at the same time, by {}", labels[most]), best.value, [best.value - half, best.value + half])),
        statistic: Some(Statistic { name: "z over pairs of runs".into(), value: best.value / best.se, p: Some(p) }),
        means,
        does_not_mean: "A response may change by time in other ways than all runs alike, as where lapses become fewer; that is not looked for.".into(),
        would_tell: (!none).then(|| "runs that begin with other memories, or late: what is due to time stays, what is due to memory goes with it".into()),
        source: "residuals of the whole response on runs left out; products over all pairs of runs, which are uncorrelated where nothing but memory decides".into(),
        cautions: Vec::new(),
        details: json!({ "found": found, "p": p, "by": all.iter().zip(labels).map(|(of, label)| json!({ "by": label, "correlation": told(of) })).collect::<Vec<_>>() }),
        pictures: vec![Picture::Bars { title: "What different runs have in common".into(), axis: "Correlation".into(), rows: rows.collect(), reference: Some(0.0) }],
    })
}
