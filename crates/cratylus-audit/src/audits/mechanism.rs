//! Which rival agent explains the choices best? The ladder of rivals, scored on runs that no fit has seen, and the
//! weight of recall mixed into the best-known form of following.

use super::pictures::bar;
use crate::case::{AuditEntry, Case, NATS_MIN};
use crate::finding::{BearsOn, Effect, Finding, Finds, Picture, Statistic, Who};
use crate::rivals::{Rung, paired};
use cratylus_core::stats::{interval, two_sided_t};
use serde_json::json;

pub const ENTRY: AuditEntry =
    AuditEntry { name: "mechanism", words: "which rival agent explains the choices best, and how much of them is recall?", ask };

/// A weight of recall below this is taken for none.
const NONE: f64 = 0.01;
/// A weight of recall above this is too much to be called none.
const SOME: f64 = 0.05;

fn ask(case: &Case<'_>) -> Option<Finding> {
    let ladder = case.ladder();
    let n = case.decisions.len() as f64;
    let (best, without, with) = (ladder.best(), ladder.best_without_memory(), ladder.best_with_memory());
    let (gain, gain_se) = paired(&with.by_run, &without.by_run);
    let (leans, leans_se) = paired(&ladder.rung("M1", true).by_run, &ladder.rung("M0", false).by_run);
    let textbook = [true, false].into_iter().filter_map(|labelled| ladder.get("M2", labelled));
    let textbook = textbook.map(|rung| rung.by_run.iter().sum::<f64>()).max_by(f64::total_cmp);
    let recall = case.recall();
    let matters = |gain: f64, se: f64| gain > 2.0 * se && gain > NATS_MIN;
    let depends = matters(gain, gain_se);
    let leans = matters(leans, leans_se);
    let recalled = recall.filter(|recall| recall.interval[0] > NONE && matters(recall.gain, recall.gain_se));
    let finds = match (depends, recalled, recall) {
        (false, _, _) if leans && case.decisions.windows.len() > 2 => Finds::SupportsRecall,
        (false, _, _) => Finds::CannotTell,
        (true, Some(_), _) => Finds::SupportsRecall,
        // That recall adds nothing to the score shows that there is none only where its weight is known to be small.
        (true, None, Some(recall)) if recall.interval[1] < SOME => Finds::SupportsInteraction,
        (true, None, _) => Finds::CannotTell,
    };
    let style = format!("{}{}", best.entry.name, if best.labelled { " with label bias" } else { "" });
    let words = |weight: f64| format!("{:.1} %", 100.0 * weight);
    let weighed = recall.map_or(String::new(), |recall| {
        format!(
            " The mixture gives recall of {} a weight of {} [{}–{}].",
            case.name(recall.name as usize),
            words(recall.weight),
            words(recall.interval[0]),
            words(recall.interval[1])
        )
    });
    let means = match finds {
        Finds::SupportsRecall if !depends => {
            "What agents remember does not help to predict what they choose; a fixed distribution that favours some names does as well.".to_string()
        }
        Finds::SupportsRecall => {
            format!("Choices depend on what is remembered, and beside it one name is said whatever is remembered.{weighed}")
        }
        Finds::SupportsInteraction => format!(
            "Choices depend on what is remembered: agents that recall an outcome explain runs left out {:.0} ± {:.0} nats worse. The best rival is the {style}.{weighed}",
            gain, gain_se
        ),
        Finds::CannotTell if !depends => "Nothing that was remembered, and no leaning to a name, helps to predict what is chosen.".into(),
        Finds::CannotTell => format!("Choices depend on what is remembered, but how much recall is mixed in stays open.{weighed}"),
    };
    let textbook_behind = textbook.map(|textbook| best.by_run.iter().sum::<f64>() - textbook);
    let rung = |rung: &Rung| {
        json!({
            "code": rung.entry.code, "rival": rung.entry.name, "label_bias": rung.labelled, "score": rung.score,
            "behind": rung.behind, "behind_se": rung.behind_se,
            "parameters": rung.response.shown().into_iter().map(|(name, value)| (name, json!(value))).collect::<serde_json::Map<_, _>>(),
        })
    };
    let rows = ladder.rungs.iter().map(|rung| {
        let label = if rung.labelled { "with label bias" } else { "names alike" };
        let [low, high] = interval(rung.score, rung.behind_se / n, case.decisions.runs.len());
        let who = if rung.entry.remembers { Who::Rival } else { Who::Control };
        let group = format!("{} {}", rung.entry.code, rung.entry.name);
        bar(label, &group, who, rung.score, (rung.behind_se > 0.0).then_some([low, high]))
    });
    Some(Finding {
        audit: ENTRY.name.into(),
        condition: case.condition.label.clone(),
        bears_on: BearsOn::Response,
        question: "Do choices come from what is remembered, or from recall of an outcome?".into(),
        rivals: vec![
            "recall: a fixed distribution, whatever is remembered".into(),
            "the textbook's rule: win-stay-lose-shift with lapses".into(),
            "adaptation: frequencies, reinforcement, attraction, lags, or the whole history".into(),
            "a mixture of recall and following".into(),
        ],
        finds,
        effect: Some(Effect::new(
            "log score of the best rival with memory over the best without, nats per decision",
            gain / n,
            interval(gain / n, gain_se / n, case.decisions.runs.len()),
        )),
        statistic: Some(Statistic { name: "t over runs".into(), value: gain / gain_se, p: Some(two_sided_t(gain / gain_se, case.decisions.runs.len())) }),
        means,
        does_not_mean: "A response that depends on memory may still be a rule recalled from training text; and where all agree, all rivals with memory agree, so scores rest on what happened before consensus.".into(),
        would_tell: Some("the same response under inverted payoffs and other skins (`cratylus audit --model`): a recalled rule stays, adaptation follows the payoffs".into()),
        source: "audit reference 2.2 and 5: leave-one-run-out log score with errors over runs; mixture by maximum likelihood with a jackknife over runs".into(),
        cautions: match ladder.folds < case.decisions.runs.len() {
            true => vec![format!("runs were left out in {} groups rather than one by one", ladder.folds)],
            false => Vec::new(),
        },
        details: json!({
            "decisions": case.decisions.len(), "memories": case.decisions.windows.len(), "runs": case.decisions.runs.len(),
            "ladder": ladder.rungs.iter().map(rung).collect::<Vec<_>>(), "best": best.entry.code, "best_label_bias": best.labelled,
            "depends_on_memory": depends, "read_elsewhere": case.condition.read_elsewhere, "memory_gain": gain, "memory_gain_se": gain_se, "textbook_behind": textbook_behind,
            "recall": recall.map(|recall| json!({
                "name": case.name(recall.name as usize), "place": recall.name, "weight": recall.weight, "low": recall.interval[0], "high": recall.interval[1],
                "lapse": recall.lapse, "gain": recall.gain, "gain_se": recall.gain_se,
            })),
        }),
        pictures: vec![Picture::Bars {
            title: "Rivals, on runs left out".into(),
            axis: "Log score (nats per decision)".into(),
            rows: rows.collect(),
            reference: None,
        }],
    })
}
