//! Two verdicts follow from a condition's findings by fixed rules, one for each question, and never one for both: that
//! an outcome depends on interaction says nothing of where the individual response comes from. Nothing is weighed here
//! that a finding does not say.

use crate::finding::{Finding, Finds, Question};
use serde::{Deserialize, Serialize};

/// What a condition's findings come to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    pub condition: String,
    /// On interaction, and on the response, in plain language.
    pub sentences: Vec<String>,
    pub interaction: Finds,
    pub response: Finds,
    /// The audits that decided each.
    pub because: [Vec<String>; 2],
}

/// The rules of the methods page, in their order.
pub fn verdict(condition: &str, findings: &[Finding]) -> Verdict {
    let of: Vec<&Finding> = findings.iter().filter(|finding| finding.condition == condition).collect();
    let (interaction, first, because_interaction) = on_interaction(&of);
    let (response, second, because_response) = on_response(&of);
    let asked =
        |because: Vec<String>| because.into_iter().filter(|audit| of.iter().any(|finding| finding.audit == *audit)).collect();
    Verdict {
        condition: condition.into(),
        sentences: vec![first, second],
        interaction,
        response,
        because: [asked(because_interaction), asked(because_response)],
    }
}

type Ruling = (Finds, String, Vec<String>);

fn found<'f>(findings: &[&'f Finding], audit: &str) -> Option<&'f Finding> {
    findings.iter().copied().find(|finding| finding.audit == audit)
}

fn finds(findings: &[&Finding], audit: &str) -> Option<Finds> {
    found(findings, audit).map(|finding| finding.finds)
}

fn on_interaction(findings: &[&Finding]) -> Ruling {
    use Finds::{CannotTell, SupportsInteraction, SupportsRecall};
    let because = |audits: &[&str]| audits.iter().map(|audit| audit.to_string()).collect();
    let [yoked, history, suffices] = ["interaction", "history", "sufficiency"].map(|audit| finds(findings, audit));
    match (yoked, history) {
        // Section 8, rule 2: agreement that survives without partners is not interactive.
        (Some(SupportsRecall), _) => (
            SupportsRecall,
            "Interaction: the outcome does not depend on it; agreement is there without partners, brought by the agents or by the program around them.".into(),
            because(&["interaction"]),
        ),
        (_, Some(SupportsRecall)) => (
            SupportsRecall,
            "Interaction: the outcome does not depend on it; what partners say does not change what agents say next.".into(),
            because(&["history"]),
        ),
        // Rule 3: agreement that dies without partners, and is explained by how agents respond to them.
        (Some(SupportsInteraction), Some(SupportsInteraction)) => {
            if suffices == Some(SupportsRecall) {
                let sentence = "Interaction: undecided; agreement is lost without partners, and yet agents without memory would bring about the same winners and times.";
                return (CannotTell, sentence.into(), because(&["interaction", "history", "sufficiency"]));
            }
            let explained = match suffices {
                Some(SupportsInteraction) => " and the response to what partners said is enough to bring it about",
                Some(CannotTell) => ", though the response that was fitted does not by itself bring about all that was recorded",
                _ => "",
            };
            (
                SupportsInteraction,
                format!("Interaction: the outcome depends on it; agreement is lost without partners{explained}."),
                because(&["interaction", "history", "sufficiency"]),
            )
        }
        _ => {
            let why = [found(findings, "interaction"), found(findings, "history")];
            let why = why.into_iter().flatten().find(|finding| finding.finds == CannotTell);
            let tell = why.and_then(|finding| finding.would_tell.clone()).map_or(String::new(), |tell| format!("; what would tell: {tell}"));
            (CannotTell, format!("Interaction: undecided{tell}."), because(&["interaction", "history"]))
        }
    }
}

fn on_response(findings: &[&Finding]) -> Ruling {
    use Finds::{CannotTell, SupportsInteraction, SupportsRecall};
    let because = |audits: &[&str]| audits.iter().map(|audit| audit.to_string()).collect();
    let [prior, mechanism] = ["prior", "mechanism"].map(|audit| finds(findings, audit));
    // With a model to question, whether the response follows payoffs and skins decides between rule and adaptation.
    let asked: Vec<&Finding> = findings
        .iter()
        .copied()
        .filter(|finding| finding.bears_on == Question::Response && QUESTIONED.contains(&finding.audit.as_str()))
        .collect();
    if mechanism == Some(SupportsRecall) {
        let finding = found(findings, "mechanism").expect("just found");
        let weight = finding.details["recall"]["weight"].as_f64();
        let name = finding.details["recall"]["name"].as_str().unwrap_or("one name");
        let part = match weight {
            Some(weight) if finding.details["depends_on_memory"] == true => format!(
                "recall of an outcome is part of it: {name} is said whatever is remembered in {:.0} % of choices",
                100.0 * weight
            ),
            _ => "it is recall of an outcome: names are chosen whatever is remembered".into(),
        };
        return (SupportsRecall, format!("Response: {part}."), because(&["mechanism"]));
    }
    if let Some(rule) = asked.iter().find(|finding| finding.finds == SupportsRecall) {
        return (
            SupportsRecall,
            "Response: a recalled rule; it stays where the payoffs that were told ask for another.".into(),
            vec![rule.audit.clone()],
        );
    }
    // Section 8, rule 1.
    if prior == Some(SupportsRecall) && mechanism != Some(SupportsInteraction) {
        return (
            SupportsRecall,
            "Response: the winners are those that agents prefer before anything happened, amplified.".into(),
            because(&["prior"]),
        );
    }
    if mechanism == Some(SupportsInteraction) {
        let preferred = match prior {
            Some(SupportsRecall) => " Which name wins is what agents prefer before anything happened, amplified.",
            _ => "",
        };
        if asked.iter().any(|finding| finding.finds == SupportsInteraction) {
            let sentence = format!(
                "Response: adaptation in context; it follows what is remembered and the payoffs that are told.{preferred}"
            );
            return (SupportsInteraction, sentence, asked.iter().map(|finding| finding.audit.clone()).collect());
        }
        let sentence = format!(
            "Response: not recall of an outcome, as choices depend on what is remembered; whether the rule behind them was recalled or adapted the record alone cannot tell (question the model: inverted payoffs, skins).{preferred}"
        );
        return (CannotTell, sentence, because(&["mechanism", "prior"]));
    }
    (
        CannotTell,
        "Response: undecided; nothing on record tells recall from a response to memory.".into(),
        because(&["mechanism", "prior"]),
    )
}

/// Audits that question a model about where its response comes from.
const QUESTIONED: [&str; 3] = ["payoff-inversion", "skins", "held-out-names"];
