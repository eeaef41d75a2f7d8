//! Are agents alike? Agents of one number are the same place in different runs, and nothing but who they are. Choices of
//! theirs that are alike over runs, beyond what they remember, are of agents that differ: some recall and others do not,
//! or they were told different things.

use super::common_cause::told;
use super::pictures::{bar, p_words};
use crate::case::{AuditEntry, Case};
use crate::evidence::Decision;
use crate::finding::{BearsOn, Effect, Finding, Finds, Picture, Statistic, Who};
use serde_json::json;

pub const ENTRY: AuditEntry =
    AuditEntry { name: "agents", words: "are all agents alike, or do some keep a name from run to run?", ask };

const SURE: f64 = 0.001;
const DOUBTFUL: f64 = 0.003;
const SMALL: f64 = 0.01;

fn ask(case: &Case<'_>) -> Option<Finding> {
    let by_number = |decision: &Decision| decision.agent as usize;
    let empty = case.decisions.windows.iter().position(|window| window.is_empty()).map(|cell| cell as u32);
    let first =
        case.residuals().across(&case.decisions, |_, decision| (Some(decision.cell) == empty).then(|| by_number(decision)));
    let all = case.residuals().across(&case.decisions, |_, decision| Some(by_number(decision)));
    let both = [("first words", first), ("all words", all)];
    let known: Vec<_> = both.iter().filter(|(_, of)| of.value.is_finite()).collect();
    let (what, most) =
        **known.iter().min_by(|a, b| (a.1.value <= 0.0, a.1.p).partial_cmp(&(b.1.value <= 0.0, b.1.p)).expect("finite"))?;
    let p = if most.value > 0.0 { (2.0 * most.p).min(1.0) } else { 1.0 };
    let found = p < SURE && most.value > SMALL;
    let none = p > DOUBTFUL;
    let half = 1.96 * most.se;
    let means = match () {
        () if found => format!(
            "Agents of one number choose alike from run to run ({what}: correlation {:.2}, {}): agents are not all alike. Some may recall a name that the response of all does not show.",
            most.value,
            p_words(p)
        ),
        () if none => "Agents of one number have no more in common over runs than any others.".into(),
        () => format!("Whether agents of one number have something in common over runs stays open ({}).", p_words(p)),
    };
    let rows = known
        .iter()
        .map(|(label, of)| bar(*label, "", Who::Record, of.value, Some([of.value - 1.96 * of.se, of.value + 1.96 * of.se])));
    Some(Finding {
        audit: ENTRY.name.into(),
        condition: case.condition.label.clone(),
        bears_on: BearsOn::Response,
        question: "Are agents alike, so that one response can be of all?".into(),
        rivals: vec!["all agents have one response".into(), "agents differ: some recall, others do not".into()],
        finds: if none { Finds::SupportsInteraction } else { Finds::CannotTell },
        effect: Some(Effect::new(
            format!("correlation of {what} of agents of one number, over runs"),
            most.value,
            [most.value - half, most.value + half],
        )),
        statistic: Some(Statistic { name: "z over pairs of runs".into(), value: most.value / most.se, p: Some(p) }),
        means,
        does_not_mean:
            "Agents may differ without being the same ones in each run; that shows, if at all, in how they yield to partners."
                .into(),
        would_tell: (!none)
            .then(|| "which agent was told what, and answered by which model; runs in which agents are numbered anew".into()),
        source: "residuals of the whole response on runs left out; products over all pairs of runs".into(),
        cautions: Vec::new(),
        details: json!({ "found": found, "p": p, "first_words": told(&first), "all_words": told(&all) }),
        pictures: vec![Picture::Bars {
            title: "What agents of one number have in common over runs".into(),
            axis: "Correlation".into(),
            rows: rows.collect(),
            reference: Some(0.0),
        }],
    })
}
