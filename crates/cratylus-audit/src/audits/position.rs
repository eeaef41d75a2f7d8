//! Do the label or the place of an option matter? Labels: whether a response that may tell names apart predicts runs
//! left out better than one that may not. Places: how often the option shown first is chosen, where the order shown is
//! on record; where it is not, this says so and no more.

use super::pictures::{bar, percent};
use crate::case::{AuditEntry, Case, NATS_MIN};
use crate::finding::{BearsOn, Effect, Finding, Finds, Picture, Statistic, Who};
use crate::rivals::paired;
use cratylus_core::stats::{interval, ratio, two_sided_t};
use serde_json::json;

pub const ENTRY: AuditEntry =
    AuditEntry { name: "position", words: "do the label and the place of an option matter to what is chosen?", ask };

/// A gain in log score of a decision that matters, in nats.
const MATTERS: f64 = 0.002;

fn ask(case: &Case<'_>) -> Option<Finding> {
    let ladder = case.ladder();
    let n = case.decisions.len() as f64;
    let gain_of = |code: &str| paired(&ladder.rung(code, true).by_run, &ladder.rung(code, false).by_run);
    let (gain, se) = gain_of("M7");
    let runs = case.decisions.runs.len();
    let ends = interval(gain / n, se / n, runs);
    let places: Vec<[f64; 2]> = case
        .condition
        .runs
        .iter()
        .zip(&case.decisions.runs)
        .filter(|(run, _)| !run.shown_first.is_empty())
        .map(|(run, decisions)| {
            let told = decisions.iter().filter_map(|decision| {
                let first = run.shown_first.get(decision.event as usize)?[decision.seat as usize]?;
                Some(first as u16 == decision.choice)
            });
            told.fold([0.0, 0.0], |[chosen, all], first| [chosen + f64::from(u8::from(first)), all + 1.0])
        })
        .collect();
    let first = (!places.is_empty()).then(|| ratio(&places)).filter(|(share, _)| share.is_finite());
    let chance = 1.0 / case.decisions.n_names as f64;
    let labels = gain > 2.0 * se && gain > NATS_MIN;
    let alike = ends[1] < MATTERS;
    // Where one name is all that anybody says, nothing can be seen of how another would be answered.
    let k = case.decisions.n_names;
    let by_name: Vec<f64> = (0..k).map(|name| case.decisions.counts.iter().skip(name).step_by(k).sum::<f64>() / n).collect();
    let varied = by_name.iter().filter(|share| **share > 0.02).count() > 1;
    let finds = if !labels && alike && varied { Finds::SupportsInteraction } else { Finds::CannotTell };
    let about_places = match first {
        Some((share, se)) => format!(
            "The option shown first was chosen {} of the time [{}–{}], where {} is chance.",
            percent(share),
            percent(interval(share, se, runs)[0].max(0.0)),
            percent(interval(share, se, runs)[1].min(1.0)),
            percent(chance)
        ),
        None => "The order in which options were shown is not on record, so nothing can be said of its effect.".into(),
    };
    let about_labels = match finds {
        Finds::SupportsInteraction => {
            "Telling names apart does not help to predict what is chosen: to these agents names are exchangeable, and an outcome that is one of them could not be recalled."
        }
        _ if labels => {
            "Agents respond differently to different names after the same history. That is where recall of an outcome would sit, and where a plain bias of labels sits, too."
        }
        _ => "Whether agents respond differently to different names stays open.",
    };
    let rows = ["M2'", "M3", "M6", "M7"].map(|code| {
        let (gain, se) = gain_of(code);
        bar(ladder.rung(code, true).entry.name, "label bias", Who::Rival, gain / n, Some(interval(gain / n, se / n, runs)))
    });
    let mut pictures = vec![Picture::Bars {
        title: "What telling names apart adds".into(),
        axis: "Log score gained (nats per decision)".into(),
        rows: rows.into(),
        reference: Some(0.0),
    }];
    if let Some((share, se)) = first {
        let row = bar("option shown first", "", Who::Record, share, Some(interval(share, se, runs)));
        pictures.push(Picture::Bars {
            title: "The place of an option".into(),
            axis: "Share of choices".into(),
            rows: vec![row],
            reference: Some(chance),
        });
    }
    Some(Finding {
        audit: ENTRY.name.into(),
        condition: case.condition.label.clone(),
        bears_on: BearsOn::Response,
        question: "Do agents treat names, and the places in which they are shown, alike?".into(),
        rivals: vec![
            "names are exchangeable".into(),
            "labels matter: recalled, or merely preferred".into(),
            "places matter: the option shown first is chosen for that".into(),
        ],
        finds,
        effect: Some(Effect::new("log score gained by telling names apart, nats per decision", gain / n, ends)),
        statistic: Some(Statistic { name: "t over runs".into(), value: gain / se, p: Some(two_sided_t(gain / se, runs)) }),
        means: format!("{about_labels} {about_places}"),
        does_not_mean: "A response to labels does not show that an outcome was recalled.".into(),
        would_tell: match (labels, first) {
            (true, _) => Some(
                "an alias scramble (`control.alias = true`): what labels do goes away with it, and what is left is not theirs"
                    .into(),
            ),
            (false, None) => Some("runs that record the order shown; live runs here do".into()),
            _ => None,
        },
        source: "audit reference 2.2, 4 and 5: paired log scores with and without label bias, runs left out".into(),
        cautions: Vec::new(),
        details: json!({
            "label_gain": gain, "label_gain_se": se, "decisions": n,
            "shown_first": first.map(|(share, se)| json!({ "share": share, "se": se, "chance": chance })),
        }),
        pictures,
    })
}
