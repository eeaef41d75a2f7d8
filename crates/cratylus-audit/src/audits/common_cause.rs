//! Do agents have more in common than their memories? The two choices of an interaction are made at once, and neither
//! agent sees the other's; so, given both memories, they are independent. Where they are not, something else is shared: an
//! order of options, a signal, a board, a program, a backend. The same of neighbouring interactions without a common agent
//! tells a cause that lasts from one that is drawn for each interaction.

use super::pictures::{bar, p_words};
use crate::case::{AuditEntry, Case};
use crate::finding::{BearsOn, Effect, Finding, Finds, Picture, Statistic, Who};
use crate::residuals::Correlation;
use cratylus_core::stats::interval;
use serde_json::json;

pub const ENTRY: AuditEntry = AuditEntry {
    name: "common-cause",
    words: "do agents that meet choose alike beyond what both remember, and so share something else?",
    ask,
};

/// A correlation smaller than this is too small to bring about agreement.
const SMALL: f64 = 0.03;
/// Correlations below this are said to be none, if they are surely below.
const NONE: f64 = 0.2;
const SURE: f64 = 0.001;
const DOUBTFUL: f64 = 0.005;

fn ask(case: &Case<'_>) -> Option<Finding> {
    if case.condition.size() < 2 {
        return None;
    }
    let n = case.decisions.runs.len();
    let (together, excess) = case.residuals().together(&case.decisions);
    let beside = case.residuals().beside(&case.decisions);
    if !together.value.is_finite() {
        return None;
    }
    let surely = |of: &Correlation| of.p < SURE && of.value > SMALL;
    let ends = |of: &Correlation| interval(of.value, of.se, n);
    let found = surely(&together) || surely(&beside);
    // Where nothing lasts from one interaction to the next, or no two are apart, the second says nothing.
    let absent = |of: &Correlation| of.p > DOUBTFUL && ends(of)[1] < NONE;
    let none = absent(&together) && (absent(&beside) || !beside.value.is_finite());
    let finds = if none { Finds::SupportsInteraction } else { Finds::CannotTell };
    // Both seats shown the same option first, where the order is on record.
    let shown: Vec<[cratylus_core::Name; 2]> =
        case.condition.runs.iter().flat_map(|run| &run.shown_first).filter_map(|first| Some([first[0]?, first[1]?])).collect();
    let alike = shown.iter().filter(|first| first[0] == first[1]).count() as f64 / shown.len().max(1) as f64;
    let same_order = shown.len() >= 20 && alike > 0.5 * (1.0 + 1.0 / case.decisions.n_names as f64);
    let compared = format!(
        "Given both memories, what is left of the two choices of an interaction correlates by {:.2} ({}), and of neighbouring interactions by {:.2} ({}).",
        together.value,
        p_words(together.p),
        beside.value,
        p_words(beside.p)
    );
    let kind = match (surely(&together), surely(&beside)) {
        (true, false) if same_order => {
            " The record shows it: both agents of an interaction were shown the options in the same order. Shuffle it for each agent apart."
        }
        (true, false) => {
            " It is drawn for each interaction anew, as an order of options that is shuffled once for both would be."
        }
        (true, true) | (false, true) => {
            " It lasts from one interaction to the next: a signal or schedule from outside, words that all can see, a program or a backend that a run has in common; or agents are not numbered as they were."
        }
        _ => "",
    };
    let means = match () {
        () if found => format!(
            "{compared} Agents share something that is not in their memories, and whatever agreement it brings about is not due to partners.{kind}"
        ),
        () if none => format!("{compared} Nothing is shared but what is remembered."),
        () => format!("{compared} Whether something is shared beside memories stays open."),
    };
    let name = "correlation of simultaneous choices, both memories given";
    let row = |label: &str, of: &Correlation| bar(label, "", Who::Record, of.value, of.se.is_finite().then(|| ends(of)));
    let mut rows = vec![row("the two of an interaction", &together)];
    if beside.value.is_finite() {
        rows.push(row("neighbouring interactions", &beside));
    }
    Some(Finding {
        audit: ENTRY.name.into(),
        condition: case.condition.label.clone(),
        bears_on: BearsOn::Interaction,
        question: "Do agents have more in common than what they remember?".into(),
        rivals: vec![
            "agents know their memories and nothing else".into(),
            "something that is not in memories is shared: an order of options, a signal, a board, a program, a backend".into(),
        ],
        finds,
        effect: Some(Effect::new(name, together.value, ends(&together))),
        statistic: Some(Statistic { name: "t over runs".into(), value: together.value / together.se, p: Some(together.p) }),
        means,
        does_not_mean: "Nothing in common beside memories does not show that partners matter: agents that recall one outcome have nothing in common either, given that.".into(),
        would_tell: match () {
            () if found => Some("runs in which options are shuffled for each agent apart and nothing is shown to two agents; the order shown on record, as live runs here keep it".into()),
            () if !none => Some("more runs".into()),
            () => None,
        },
        source: "independence of simultaneous moves given both memories, by residuals of the whole response on runs left out, errors over runs".into(),
        cautions: Vec::new(),
        details: json!({
            "found": found, "together": told(&together), "beside": told(&beside), "excess_agreement": excess,
            "same_order": (!shown.is_empty()).then_some(alike),
        }),
        pictures: vec![Picture::Bars { title: "What agents have in common beside memories".into(), axis: "Correlation".into(), rows, reference: Some(0.0) }],
    })
}

/// A correlation as details have it.
pub(super) fn told(of: &Correlation) -> serde_json::Value {
    json!({ "value": of.value, "se": of.se, "p": of.p })
}
