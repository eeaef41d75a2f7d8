//! Two verdicts follow from a condition's findings by fixed rules, one for each question, and never one for both: that
//! an outcome depends on interaction says nothing of where the individual response comes from. Nothing is weighed here
//! that a finding does not say.

use crate::finding::{Finding, Finds};
use serde::{Deserialize, Serialize};

/// What a condition's findings come to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The condition, as its findings name it.
    pub condition: String,
    /// On interaction, and on the response, in plain language.
    pub sentences: Vec<String>,
    /// Whether the outcome depends on interaction.
    pub interaction: Finds,
    /// Whether the individual response is recall of an outcome.
    pub response: Finds,
    /// The audits that decided each.
    pub because: [Vec<String>; 2],
}

/// The rules of the methods page, in their order. `questioned` is what questioning the same model found.
pub fn verdict(condition: &str, findings: &[Finding], questioned: &[Finding]) -> Verdict {
    let of = findings.iter().filter(|finding| finding.condition == condition).chain(questioned);
    let of: Vec<&Finding> = of.collect();
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
        // Nothing is on record, but populations were simulated from the response of a model that was questioned.
        (None, None) if finds(findings, "shown-memory") == Some(SupportsInteraction) => (
            SupportsInteraction,
            "Interaction: populations of this response agree, and no longer where they are shown nothing of what happened; no run is on record.".into(),
            because(&["shown-memory"]),
        ),
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
    // With a model to question, whether its response follows the payoffs it is told decides between rule and adaptation.
    let lost = match finds(findings, "recognition-and-behaviour") {
        Some(SupportsRecall) => " It changes the more, the less the game is recognised.",
        _ => "",
    };
    if finds(findings, "payoffs") == Some(SupportsRecall) {
        let sentence = format!("Response: a recalled rule; it stays where the payoffs that are told ask for another.{lost}");
        return (SupportsRecall, sentence, because(&["payoffs", "recognition-and-behaviour"]));
    }
    if finds(findings, "payoffs") == Some(SupportsInteraction) {
        let sentence =
            format!("Response: adaptation in context; it follows what is remembered and the payoffs that are told.{lost}");
        return (SupportsInteraction, sentence, because(&["payoffs", "mechanism", "recognition-and-behaviour"]));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Question;

    fn found(all: &[(&str, Finds)]) -> Vec<Finding> {
        let finding = |(audit, finds): &(&str, Finds)| Finding {
            audit: audit.to_string(),
            condition: "c".into(),
            bears_on: Question::Interaction,
            question: String::new(),
            rivals: Vec::new(),
            finds: *finds,
            effect: None,
            statistic: None,
            means: String::new(),
            does_not_mean: String::new(),
            would_tell: None,
            source: String::new(),
            cautions: Vec::new(),
            details: serde_json::Value::Null,
            pictures: Vec::new(),
        };
        all.iter().map(finding).collect()
    }

    use Finds::{CannotTell as Open, SupportsInteraction as Yes, SupportsRecall as No};

    fn check(record: &[(&str, Finds)], model: &[(&str, Finds)], interaction: Finds, response: Finds) {
        let verdict = verdict("c", &found(record), &found(model));
        assert_eq!((verdict.interaction, verdict.response), (interaction, response), "{record:?} {model:?}: {verdict:?}");
        assert_eq!(verdict.sentences.len(), 2);
        let asked = |audit: &String| record.iter().chain(model).any(|(known, _)| known == audit);
        assert!(verdict.because.iter().flatten().all(asked), "{:?}", verdict.because);
    }

    #[test]
    fn verdicts_follow_from_findings_by_rule_and_apart_from_each_other() {
        let emerged = [("mechanism", Yes), ("prior", Yes), ("sufficiency", Yes), ("interaction", Yes), ("history", Yes)];
        // The record alone never tells a recalled rule from adaptation.
        check(&emerged, &[], Yes, Open);
        check(&emerged, &[("payoffs", No)], Yes, No);
        check(&emerged, &[("payoffs", Yes)], Yes, Yes);
        check(&emerged, &[("payoffs", Open)], Yes, Open);
        // Agreement that survives without partners, or without influence, is not interactive, whatever else holds.
        check(&[("interaction", No), ("history", Yes), ("mechanism", Yes)], &[], No, Open);
        check(&[("interaction", Open), ("history", No), ("mechanism", No)], &[], No, No);
        // One of the two is not enough, and nothing is nothing.
        check(&[("interaction", Yes), ("history", Open)], &[], Open, Open);
        check(&[("interaction", Yes), ("history", Yes), ("sufficiency", No)], &[], Open, Open);
        check(&[], &[], Open, Open);
        check(&[], &[("shown-memory", Yes), ("payoffs", Yes)], Yes, Yes);
        // Winners that follow the amplified prior are no recall where choices depend on memory.
        check(&[("prior", No), ("mechanism", Yes)], &[], Open, Open);
        check(&[("prior", No)], &[], Open, No);
    }

    #[test]
    fn findings_of_other_conditions_decide_nothing() {
        let verdict = verdict("another", &found(&[("interaction", Yes), ("history", Yes)]), &[]);
        assert_eq!((verdict.interaction, verdict.response), (Open, Open));
    }
}
