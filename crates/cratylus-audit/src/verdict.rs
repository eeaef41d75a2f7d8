//! Two verdicts follow from a condition's findings by fixed rules, one for each question, and never one for both: that
//! an outcome depends on interaction says nothing of where the individual response comes from. Each rule asks what else
//! could have left the same record, and says something only where each of those was looked at and is away. Nothing is
//! weighed here that a finding does not say.

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
    /// Where the individual response comes from: recall of an outcome or of a rule, or adaptation in context.
    pub response: Finds,
    /// Whether choices are recall of an outcome, in part or in all: supports recall, that they are; supports interaction,
    /// that they are not.
    #[serde(default = "open")]
    pub recall: Finds,
    /// The audits that decided each.
    pub because: [Vec<String>; 2],
}

fn open() -> Finds {
    Finds::CannotTell
}

/// The audits that a verdict rests on: without one of them nothing is said.
pub const RESTS_ON: [&str; 7] = ["mechanism", "interaction", "history", "common-cause", "time", "agents", "yielding"];

/// The rules of the methods page, in their order. `questioned` is what questioning the same model found.
pub fn verdict(condition: &str, findings: &[Finding], questioned: &[Finding]) -> Verdict {
    let of = findings.iter().filter(|finding| finding.condition == condition).chain(questioned);
    let of = Found(of.collect());
    let (interaction, first, because_interaction) = on_interaction(&of);
    let (recall, response, second, because_response) = on_response(&of);
    let asked = |because: Vec<&str>| {
        let mut out: Vec<String> = Vec::new();
        for audit in because.into_iter().filter(|audit| of.get(audit).is_some()) {
            if !out.iter().any(|known| known == audit) {
                out.push(audit.into());
            }
        }
        out
    };
    Verdict {
        condition: condition.into(),
        sentences: vec![first, second],
        interaction,
        response,
        recall,
        because: [asked(because_interaction), asked(because_response)],
    }
}

struct Found<'f>(Vec<&'f Finding>);

impl Found<'_> {
    fn get(&self, audit: &str) -> Option<&Finding> {
        self.0.iter().copied().find(|finding| finding.audit == audit)
    }

    fn finds(&self, audit: &str) -> Option<Finds> {
        self.get(audit).map(|finding| finding.finds)
    }

    /// Whether a detail of an audit is true.
    fn is(&self, audit: &str, detail: &str) -> bool {
        self.get(audit).is_some_and(|finding| finding.details[detail] == true)
    }

    fn number(&self, audit: &str, pointer: &str) -> Option<f64> {
        self.get(audit)?.details.pointer(pointer)?.as_f64()
    }
}

use Finds::{CannotTell, SupportsInteraction, SupportsRecall};

/// The partners' words add less than this to the prediction of a choice, surely, where they are said to add nothing (nats).
const ADDS: f64 = 0.01;

fn on_interaction<'a>(found: &Found<'_>) -> (Finds, String, Vec<&'a str>) {
    let [yoked, history, suffices, cause] =
        ["interaction", "history", "sufficiency", "common-cause"].map(|audit| found.finds(audit));
    let influence = found.is("history", "found");
    let per_decision = |pointer: &str| Some(found.number("history", pointer)? / found.number("history", "/decisions")?.max(1.0));
    let adds_nothing = match (per_decision("/partners_gain"), per_decision("/partners_gain_se")) {
        (Some(gain), Some(se)) => gain + 2.0 * se < ADDS,
        _ => false,
    };
    let few = found.is("history", "few_agents");
    // Agreement that was there before anybody had said anything.
    if yoked == Some(SupportsRecall) && found.is("interaction", "chosen_for") && !influence && !few {
        let sentence = "Interaction: the outcome does not depend on it; agreement was there before anybody had said anything, brought by the agents or by the program around them.";
        return (SupportsRecall, sentence.into(), vec!["interaction", "history"]);
    }
    // Agreement that survives without partners, where their words add nothing to what is known of choices.
    if yoked == Some(SupportsRecall) && !found.is("interaction", "chosen_for") && !influence && !few && adds_nothing {
        let sentence = "Interaction: the outcome does not depend on it; agreement is there without partners, brought by the agents or by the program around them, and what partners say adds nothing.";
        return (SupportsRecall, sentence.into(), vec!["interaction", "history"]);
    }
    // No agreement, and no influence: where runs agree, no influence is a riddle and not an explanation.
    if history == Some(SupportsRecall) && found.get("interaction").is_some_and(|f| f.details["agrees"] == false) {
        let sentence = "Interaction: the outcome does not depend on it; what partners say changes nothing that agents say later, and there is no agreement beyond chance.";
        return (SupportsRecall, sentence.into(), vec!["history", "interaction"]);
    }
    let mut open: Vec<String> = Vec::new();
    let mut why = Vec::new();
    let mut because = vec!["interaction", "history", "common-cause", "time", "sufficiency", "alias"];
    if found.is("common-cause", "found") {
        open.push("agents that meet choose alike beyond what both remember, so something is shared that memories do not hold (an order of options, a signal, a board, a program)".into());
        why.push("common-cause");
    }
    if found.is("time", "found") {
        open.push("all runs follow a schedule by time".into());
        why.push("time");
    }
    if suffices == Some(SupportsRecall) {
        open.push("agents without memory would bring about the same winners and times".into());
        why.push("sufficiency");
    }
    // What the model is found to do counts beside what was recorded of it.
    if yoked.is_some() && found.finds("alias") == Some(SupportsRecall) {
        open.push("populations of the model that was questioned agree no longer where labels are drawn anew, so agreement rests on labels".into());
        why.push("alias");
    }
    if yoked == Some(SupportsInteraction)
        && influence
        && cause == Some(SupportsInteraction)
        && open.is_empty()
        && found.get("time").is_some()
    {
        let explained = match suffices {
            Some(SupportsInteraction) => " and the response to what partners said is enough to bring it about",
            Some(CannotTell) => ", though the response that was fitted does not by itself bring about all that was recorded",
            _ => "",
        };
        return (
            SupportsInteraction,
            format!("Interaction: the outcome depends on it; agreement is lost without partners{explained}."),
            because,
        );
    }
    // Nothing is on record, but populations were simulated from the response of a model that was questioned.
    if yoked.is_none()
        && history.is_none()
        && found.finds("shown-memory") == Some(SupportsInteraction)
        && found.finds("alias") != Some(SupportsRecall)
    {
        let sentence = "Interaction: populations simulated from this response agree, and no longer where partners' words are replaced by those of others; of any run this says nothing.";
        return (SupportsInteraction, sentence.into(), vec!["shown-memory", "alias"]);
    }
    if yoked.is_none()
        && history.is_none()
        && found.finds("shown-memory") == Some(SupportsRecall)
        && found.finds("alias") != Some(SupportsInteraction)
    {
        let sentence = "Interaction: populations simulated from this response agree, whoever's partners' words they are told: agents bring their agreement with them; of any run this says nothing.";
        return (SupportsRecall, sentence.into(), vec!["shown-memory", "alias"]);
    }
    if yoked == Some(SupportsRecall) && influence {
        open.push("agreement survives without partners in simulation, and yet partners' words change what agents say".into());
        why.extend(["interaction", "history"]);
    }
    if open.is_empty() && yoked == Some(SupportsInteraction) && history == Some(SupportsRecall) {
        open.push("agreement is lost without partners, and yet nothing that a partner said changes what an agent says: agents may know what others say by a way that is not on record, or be numbered otherwise than they were".into());
        why.extend(["interaction", "history"]);
    }
    if !open.is_empty() {
        because.retain(|audit| why.contains(audit));
        return (CannotTell, format!("Interaction: undecided; {}.", open.join("; ")), because);
    }
    let cannot = ["interaction", "history", "common-cause", "time"].map(|audit| found.get(audit));
    let cannot = cannot.into_iter().flatten().find(|finding| finding.finds == CannotTell);
    let tell =
        cannot.and_then(|finding| finding.would_tell.clone()).map_or(String::new(), |tell| format!("; what would tell: {tell}"));
    (CannotTell, format!("Interaction: undecided{tell}."), because)
}

/// A floor under a name of less than this may be a default of a program that could not read answers.
const DEFAULT: f64 = 0.1;

fn on_response<'a>(found: &Found<'_>) -> (Finds, Finds, String, Vec<&'a str>) {
    let [prior, mechanism] = ["prior", "mechanism"].map(|audit| found.finds(audit));
    // With a model to question, whether its response follows the payoffs it is told decides between rule and adaptation.
    let lost = match found.finds("recognition-and-behaviour") {
        Some(SupportsRecall) => " It changes the more, the less the game is recognised.",
        _ => "",
    };
    let ruled = match found.finds("payoffs") {
        Some(SupportsRecall) => {
            Some((SupportsRecall, format!("a recalled rule; it stays where the payoffs that are told ask for another.{lost}")))
        }
        Some(SupportsInteraction) => Some((
            SupportsInteraction,
            format!("adaptation in context; it follows what is remembered and the payoffs that are told.{lost}"),
        )),
        _ => None,
    };
    // What else could leave such choices: each is named where it is there.
    let mut else_: Vec<&str> = Vec::new();
    let mut why: Vec<&'a str> = Vec::new();
    for (audit, words) in [
        ("common-cause", "agents share something that is not in their memories"),
        ("time", "all runs follow a schedule, be it recalled or kept by a program"),
        ("agents", "agents of one number keep a name from run to run, so some may recall it and others not"),
    ] {
        if found.is(audit, "found") {
            else_.push(words);
            why.push(audit);
        }
    }
    let floor = found.get("mechanism").map(|finding| &finding.details);
    if mechanism == Some(SupportsRecall) {
        let floor = floor.expect("just found");
        let weight = floor["recall"]["weight"].as_f64();
        let name = floor["recall"]["name"].as_str().unwrap_or("one name");
        let depends = floor["depends_on_memory"] == true;
        let elsewhere = floor["read_elsewhere"] == true;
        let shared = found.is("common-cause", "found");
        let part = match weight {
            Some(weight) if depends => format!("{name} is said whatever is remembered in {:.0} % of choices", 100.0 * weight),
            _ => "names are chosen whatever is remembered".into(),
        };
        let default = match elsewhere && depends {
            true => {
                " (or by a default of the program that read the answers, where it could not read them: whether it had one is not on record)"
            }
            false => "",
        };
        if shared || (elsewhere && depends && weight.is_some_and(|weight| weight < DEFAULT)) {
            let other = if shared { format!(", but {}", else_.join(", and ")) } else { default.into() };
            return (CannotTell, CannotTell, format!("Response: undecided; {part}{other}."), vec!["mechanism", "common-cause"]);
        }
        let (is, also) = if depends { ("recall of an outcome is part of it", "") } else { ("it is recall of an outcome", "") };
        let more = if else_.is_empty() { also.to_string() } else { format!("; besides, {}", else_.join(", and ")) };
        why.push("mechanism");
        return (SupportsRecall, SupportsRecall, format!("Response: {is}: {part}{default}{more}."), why);
    }
    // Section 8, rule 1.
    if prior == Some(SupportsRecall) && mechanism != Some(SupportsInteraction) && else_.is_empty() && ruled.is_none() {
        let sentence = "Response: the winners are those that agents prefer before anything happened, amplified.";
        return (SupportsRecall, SupportsRecall, sentence.into(), vec!["prior"]);
    }
    let yields = found.finds("yielding");
    let looked_at = ["time", "agents", "yielding"].iter().all(|audit| found.get(audit).is_some());
    if prior == Some(SupportsRecall) {
        else_.push("which name wins is what agents prefer before anything happened, amplified");
        why.push("prior");
    }
    if found.is("yielding", "kept") {
        else_.push("one name is kept against all that partners say, or gone back to, more than others are: some agents may recall it, or all in doubt, or prefer it");
        why.push("yielding");
    }
    // Partners' words that help to predict, and yet influence nothing, stand for something else: so may all of memory.
    let riddle = !found.is("history", "found") && found.is("history", "adds");
    if riddle {
        else_.push("partners' words help to predict them and yet influence nothing that an agent says, so memory may stand for something else");
        why.push("history");
    }
    let none = mechanism == Some(SupportsInteraction) && else_.is_empty() && yields == Some(SupportsInteraction) && looked_at;
    let recall = if none { SupportsInteraction } else { CannotTell };
    let on_rule = "whether the rule behind them was recalled or adapted the record alone cannot tell (question the model: inverted payoffs, skins)";
    match ruled {
        // A rule that is played says what choices follow; what else is in the record is said beside it.
        Some((response, sentence)) => {
            let more = if else_.is_empty() { String::new() } else { format!(" But {}.", else_.join("; ")) };
            let response = if else_.is_empty() { response } else { CannotTell };
            let undecided = if response == CannotTell { "undecided; by questioning, " } else { "" };
            why.extend(["payoffs", "mechanism", "recognition-and-behaviour"]);
            (recall, response, format!("Response: {undecided}{sentence}{more}"), why)
        }
        None if none => {
            let sentence = format!(
                "Response: not recall of an outcome, as choices depend on what is remembered and no name is kept against partners more than another; {on_rule}."
            );
            (recall, CannotTell, sentence, vec!["mechanism", "yielding", "time", "agents", "common-cause"])
        }
        None if mechanism == Some(SupportsInteraction) => {
            let open = match else_.is_empty() {
                true => "whether some name is kept against partners more than another stays open, so recall of an outcome in some agents, or in doubt, cannot be excluded".to_string(),
                false => else_.join("; "),
            };
            why.extend(["mechanism", "yielding"]);
            (CannotTell, CannotTell, format!("Response: undecided; choices depend on what is remembered, but {open}."), why)
        }
        None => {
            let open = if else_.is_empty() {
                "nothing on record tells recall from a response to memory".into()
            } else {
                else_.join("; ")
            };
            why.extend(["mechanism", "prior"]);
            (CannotTell, CannotTell, format!("Response: undecided; {open}."), why)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::BearsOn;

    fn found(all: &[(&str, Finds)]) -> Vec<Finding> {
        let finding = |(audit, finds): &(&str, Finds)| Finding {
            audit: audit.to_string(),
            condition: "c".into(),
            bears_on: BearsOn::Interaction,
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

    /// What is found of a record in which partners matter and nothing else is there.
    const EMERGED: [(&str, Finds); 9] = [
        ("mechanism", Yes),
        ("prior", Open),
        ("sufficiency", Yes),
        ("interaction", Yes),
        ("history", Yes),
        ("common-cause", Yes),
        ("time", Yes),
        ("agents", Yes),
        ("yielding", Yes),
    ];

    fn ruled(record: &[(&str, Finds)], details: &[(&str, serde_json::Value)], model: &[(&str, Finds)]) -> Verdict {
        let mut all = found(record);
        for finding in &mut all {
            if finding.audit == "history" {
                finding.details = serde_json::json!({ "found": finding.finds == Yes, "nowhere": finding.finds == No, "partners_gain": 0.0, "partners_gain_se": 0.0, "decisions": 1000 });
            }
            if let Some((_, with)) = details.iter().find(|(audit, _)| *audit == finding.audit) {
                finding.details = with.clone();
            }
        }
        let verdict = verdict("c", &all, &found(model));
        assert_eq!(verdict.sentences.len(), 2);
        let asked = |audit: &String| record.iter().chain(model).any(|(known, _)| known == audit);
        assert!(verdict.because.iter().flatten().all(asked), "{:?}", verdict.because);
        verdict
    }

    fn check(record: &[(&str, Finds)], details: &[(&str, serde_json::Value)], interaction: Finds, recall: Finds) {
        let verdict = ruled(record, details, &[]);
        assert_eq!((verdict.interaction, verdict.recall), (interaction, recall), "{record:?} {details:?}: {verdict:?}");
    }

    /// The findings of an emerged convention, but for one.
    fn but(audit: &str, finds: Finds) -> Vec<(&str, Finds)> {
        EMERGED.iter().map(|&(known, found)| if known == audit { (known, finds) } else { (known, found) }).collect()
    }

    fn without(audit: &str) -> Vec<(&str, Finds)> {
        EMERGED.iter().copied().filter(|(known, _)| *known != audit).collect()
    }

    #[test]
    fn what_emerged_is_said_only_where_every_rival_was_looked_at_and_is_away() {
        check(&EMERGED, &[], Yes, Yes);
        for audit in ["interaction", "history", "common-cause", "time"] {
            assert_eq!(ruled(&without(audit), &[], &[]).interaction, Open, "{audit}");
        }
        for audit in ["mechanism", "time", "agents", "yielding"] {
            assert_eq!(ruled(&without(audit), &[], &[]).recall, Open, "{audit}");
        }
        let there = || serde_json::json!({ "found": true });
        check(&but("common-cause", Open), &[("common-cause", there())], Open, Open);
        check(&but("time", Open), &[("time", there())], Open, Open);
        check(&but("agents", Open), &[("agents", there())], Yes, Open);
        check(&but("yielding", Open), &[("yielding", serde_json::json!({ "kept": true }))], Yes, Open);
        check(&but("sufficiency", No), &[], Open, Yes);
        check(&but("prior", No), &[], Yes, Open);
        check(&[], &[], Open, Open);
    }

    #[test]
    fn agreement_without_partners_needs_partners_who_add_nothing() {
        let nothing = serde_json::json!({ "found": false, "nowhere": true, "partners_gain": -20.0, "partners_gain_se": 5.0, "decisions": 1000 });
        let bare = |interaction, history| vec![("interaction", interaction), ("history", history), ("mechanism", Yes)];
        check(&bare(No, No), &[("history", nothing.clone())], No, Open);
        // They do add something, or influence is found: two audits disagree, and nothing is decided.
        let adds = serde_json::json!({ "found": false, "nowhere": true, "partners_gain": 80.0, "partners_gain_se": 5.0, "decisions": 1000 });
        check(&bare(No, Open), &[("history", adds)], Open, Open);
        check(&bare(No, Yes), &[], Open, Open);
        // Agreement that has no explanation is not explained by the absence of influence.
        check(&bare(Yes, No), &[("history", nothing.clone())], Open, Open);
        check(
            &bare(Open, No),
            &[("history", nothing.clone()), ("interaction", serde_json::json!({ "agrees": true }))],
            Open,
            Open,
        );
        check(&bare(Open, No), &[("history", nothing), ("interaction", serde_json::json!({ "agrees": false }))], No, Open);
        let pair = serde_json::json!({ "found": false, "few_agents": true, "partners_gain": 0.0, "partners_gain_se": 0.0, "decisions": 10 });
        check(&bare(No, Open), &[("history", pair)], Open, Open);
    }

    #[test]
    fn a_floor_that_a_default_of_the_program_could_have_made_is_no_recall() {
        let floor = |weight: f64, elsewhere: bool| serde_json::json!({ "depends_on_memory": true, "read_elsewhere": elsewhere, "recall": { "name": "A", "weight": weight } });
        check(&but("mechanism", No), &[("mechanism", floor(0.05, false))], Yes, No);
        check(&but("mechanism", No), &[("mechanism", floor(0.05, true))], Yes, Open);
        check(&but("mechanism", No), &[("mechanism", floor(0.3, true))], Yes, No);
        let verdict = ruled(&but("mechanism", No), &[("mechanism", floor(0.3, true))], &[]);
        assert!(verdict.sentences[1].contains("default of the program"), "{verdict:?}");
        // Winners that agents prefer beforehand, where nothing remembered counts.
        check(&[("prior", No), ("mechanism", Open)], &[], Open, No);
    }

    #[test]
    fn questioning_tells_a_rule_from_adaptation_and_not_from_what_the_record_shows() {
        let response =
            |record: &[(&str, Finds)], details: &[(&str, serde_json::Value)], model| ruled(record, details, model).response;
        assert_eq!(response(&EMERGED, &[], &[]), Open);
        assert_eq!(response(&EMERGED, &[], &[("payoffs", No)]), No);
        assert_eq!(response(&EMERGED, &[], &[("payoffs", Yes)]), Yes);
        assert_eq!(response(&EMERGED, &[], &[("payoffs", Open)]), Open);
        let there = serde_json::json!({ "found": true });
        assert_eq!(response(&but("agents", Open), &[("agents", there)], &[("payoffs", Yes)]), Open);
        // Without a record, populations of the response that was asked for.
        let model = [("shown-memory", Yes), ("payoffs", Yes)];
        let verdict = ruled(&[], &[], &model);
        assert_eq!((verdict.interaction, verdict.response), (Yes, Yes));
        assert_eq!(ruled(&[], &[], &[("shown-memory", Yes), ("alias", No)]).interaction, Open);
    }

    #[test]
    fn findings_of_other_conditions_decide_nothing() {
        let verdict = verdict("another", &found(&[("interaction", Yes), ("history", Yes)]), &[]);
        assert_eq!((verdict.interaction, verdict.response), (Open, Open));
    }
}
