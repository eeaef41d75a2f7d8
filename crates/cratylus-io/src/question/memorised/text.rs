//! A text under test, its controls, and what a detector says of them.

use crate::models::asker::prompt_hash;
use crate::models::many;
use crate::models::tape::{AskedHow, KeptPrompt, Setup};
use crate::question::interview::{Interview, QuestionKind, Stopped, Subject, Variant};
use cratylus_audit::finding::{Bar, BearsOn, Effect, Finding, Finds, Picture, Statistic, Who};
use cratylus_core::language::model::Query;
use cratylus_core::language::protocol::Told;
use cratylus_core::language::scored::Scored;
use cratylus_core::language::{Message, Prompt};
use cratylus_core::stats::Proportion;
use cratylus_core::{Purpose, Seed};
use serde_json::{Value, json};
use std::sync::Arc;

/// From this p-value down a text is flagged, published or not.
pub(super) const LEVEL: f64 = 0.05;

/// A text under a detector.
#[derive(Clone, Debug)]
pub(super) struct Tested {
    pub name: String,
    pub text: String,
}

/// The text in question, and texts that nobody published.
pub(super) struct Tried {
    pub text: Tested,
    pub controls: Vec<Tested>,
    /// Whether the text is the telling itself.
    pub telling: bool,
}

/// What a detector says of one text.
pub(super) struct Detected {
    pub name: String,
    pub flagged: bool,
    pub value: f64,
    pub interval: [f64; 2],
    pub p: f64,
    pub details: Value,
}

/// How a detector tells what it found.
pub(super) struct TestWords {
    pub audit: QuestionKind,
    pub question: &'static str,
    /// What the value is, with its unit.
    pub value: String,
    /// The name of the statistic whose p-value flags.
    pub statistic: &'static str,
    /// What the value is where nothing is known by heart.
    pub reference: f64,
    pub source: &'static str,
    pub cautions: Vec<String>,
}

impl Interview<'_> {
    /// Every text in question with its controls: the skins, or all but the telling that is tested itself.
    pub(super) fn tried(&self, subject: &Subject) -> Result<Vec<Tried>, Stopped> {
        let mut controls = Vec::new();
        for skin in &self.agenda.skins {
            let subject = (self.sit)(&Variant::skin(skin))?;
            controls.push(Tested { name: subject.model.protocol.name.clone(), text: scene(&subject, &subject.model.names)? });
        }
        let tried = |text, telling| Tried { text, controls: controls.clone(), telling };
        if self.agenda.published.texts.is_empty() {
            let text = scene(subject, &subject.model.names)?;
            return Ok(vec![tried(Tested { name: subject.model.protocol.name.clone(), text }, true)]);
        }
        let given = |(name, text): &(String, String)| tried(Tested { name: name.clone(), text: text.trim().into() }, false);
        Ok(self.agenda.published.texts.iter().map(given).collect())
    }

    /// The tokens of texts, each after what stands before it (which may be nothing).
    pub(super) fn score(&self, subject: &Subject, texts: Vec<[String; 2]>) -> Result<Vec<Vec<Scored>>, Stopped> {
        let setup = Setup { how: AskedHow::Scores, prefill: false, ..subject.opened.setup.clone() };
        let question = |[before, text]: [String; 2]| {
            let message = |(role, text): (&str, String)| Message { role: role.into(), text };
            let messages = [("before", before), ("text", text)].into_iter().filter(|(_, text)| !text.is_empty());
            let prompt = Prompt { messages: messages.map(message).collect(), prefill: String::new() };
            let query = Query { window: [].into(), order: [].into(), draw: 0, again: 0, facts: None };
            (query, KeptPrompt { hash: prompt_hash(&prompt), prompt })
        };
        let questions = texts.into_iter().map(question).collect();
        many::ask(&self.means, &subject.model, &subject.opened, &Arc::new(setup), questions, |asking| asking.scores())
    }

    /// Tries a detector on the text and, where that can be tried, on every control that can.
    pub(super) fn each<T>(
        &self,
        tried: &Tried,
        detect: impl Fn(&Tested) -> Result<Option<T>, Stopped>,
    ) -> Result<Option<(T, Vec<T>)>, Stopped> {
        let Some(text) = detect(&tried.text)? else { return Ok(None) };
        let controls: Vec<Option<T>> = tried.controls.iter().map(detect).collect::<Result<_, _>>()?;
        Ok(Some((text, controls.into_iter().flatten().collect())))
    }

    /// A finding from what a detector says of a text and of its controls.
    pub(super) fn told(
        &self,
        condition: &str,
        words: TestWords,
        tried: &Tried,
        detected: Option<(Detected, Vec<Detected>)>,
    ) -> Finding {
        let mut finding = blank(condition, words.audit, words.question, words.source);
        finding.question = format!("{} ({})", words.question, tried.text.name);
        finding.cautions = words.cautions;
        if tried.telling {
            finding.cautions.push(
                "the text is this program's own telling of the protocol, not the published wording; give that with --text".into(),
            );
            finding.would_tell = Some("the published wording, given with --text".into());
        }
        let Some((text, controls)) = detected else {
            finding.means = "It could not be tried: the text is too short, or holds too few words that others could stand for, or the answers could not be read.".into();
            finding.would_tell = Some("a longer text".into());
            return finding;
        };
        let alarms = Proportion::new(controls.iter().filter(|control| control.flagged).count() as u64, controls.len() as u64);
        finding.means = means(&text, &alarms, words.statistic);
        let effect = format!("{}; p {:.3}, {} of {} controls flagged", words.value, text.p, alarms.count, alarms.of);
        finding.effect = Some(Effect::new(effect, text.value, text.interval));
        finding.statistic = Some(Statistic { name: words.statistic.into(), value: text.value, p: Some(text.p) });
        let row = |detected: &Detected, who| Bar {
            label: detected.name.clone(),
            group: String::new(),
            who,
            value: detected.value,
            low: Some(detected.interval[0]),
            high: Some(detected.interval[1]),
        };
        let rows = [row(&text, Who::Record)].into_iter().chain(controls.iter().map(|control| row(control, Who::Control)));
        finding.pictures = vec![Picture::Bars {
            title: "The text, and texts that nobody published".into(),
            axis: words.value,
            rows: rows.collect(),
            reference: Some(words.reference),
        }];
        let all = |detected: &Detected| json!({ "text": detected.name, "flagged": detected.flagged, "value": detected.value, "interval": detected.interval, "p": detected.p, "details": detected.details });
        finding.details = json!({
            "level": LEVEL, "false_alarms": alarms, "text": all(&text), "controls": controls.iter().map(all).collect::<Vec<_>>()
        });
        finding
    }
}

/// The scene of a telling before anything was played, with its names in their order.
pub(super) fn scene(subject: &Subject, names: &[String]) -> Result<String, Stopped> {
    let order: Vec<u16> = (0..names.len() as u16).collect();
    ordered_scene(subject, names, &order)
}

pub(super) fn ordered_scene(subject: &Subject, names: &[String], order: &[u16]) -> Result<String, Stopped> {
    let told = Told { names, order, payoff: subject.model.payoff, window: &[], facts: None };
    let scene = subject.model.protocol.scene(&told).map_err(cratylus_core::fault::Fault)?;
    Ok(scene.trim().into())
}

pub(super) fn means(text: &Detected, alarms: &Proportion, statistic: &str) -> String {
    let Proportion { count, of, low, high, .. } = alarms;
    let p = format!("{statistic}, p {:.3}", text.p);
    let controls = match of {
        0 => "there is no unpublished text to compare with, so how often it flags by mistake is not known".to_string(),
        _ => format!(
            "of {of} texts that nobody published {count} {} flagged in the same way (false alarms {:.0} %, 95 % interval {:.0} to {:.0} %)",
            if *count == 1 { "is" } else { "are" },
            100.0 * alarms.share,
            100.0 * low,
            100.0 * high
        ),
    };
    match (text.flagged, *count) {
        (true, 0) => format!("The wording stands out ({p}); {controls}."),
        (true, _) => format!("The wording stands out ({p}), which shows little here: {controls}."),
        (false, _) => format!("The wording does not stand out ({p}); {controls}."),
    }
}

pub(super) fn blank(condition: &str, audit: QuestionKind, question: &str, source: &str) -> Finding {
    Finding {
        audit: audit.name().into(),
        condition: condition.into(),
        bears_on: BearsOn::Response,
        question: question.into(),
        rivals: vec!["the wording is known by heart".into(), "it is as unknown as a text that nobody published".into()],
        finds: Finds::CannotTell,
        effect: None,
        statistic: None,
        means: String::new(),
        does_not_mean: "That a rule is recalled or used: to have a text by heart is not to play by it, and a rule can be known in other words. Nor, where nothing stands out, that the text was not read: what was read once or twice leaves no such trace.".into(),
        would_tell: Some("whether the rule is used, the audit `payoffs` asks".into()),
        source: source.into(),
        cautions: Vec::new(),
        details: Value::Null,
        pictures: Vec::new(),
    }
}

/// Where a model gives no log-probabilities of a text, this is said in place of a number.
pub(super) fn unscored(condition: &str, audit: QuestionKind, why: &str) -> Finding {
    let mut finding = blank(condition, audit, audit.words(), "");
    finding.means =
        format!("Not asked: it takes the log-probabilities of a given text, and of this model they are not to be had ({why}).");
    finding.would_tell = Some("the same model as a file in this process, or on a server that echoes a prompt with its log-probabilities (vLLM, llama-cpp-python)".into());
    finding.source = "see docs/questioning.md".into();
    finding
}

/// Random versions of a text that differ from it and from each other; fewer than asked for where the text is short.
pub(super) fn versions(text: &str, n: usize, salt: u64) -> Vec<String> {
    let mut versions: Vec<String> = Vec::new();
    for i in 0..20 * n as u64 {
        let version = cratylus_audit::memorised::perturbed(text, &mut Seed(salt).stream(Purpose::Resample, i));
        if version != text && !versions.contains(&version) {
            versions.push(version);
        }
        if versions.len() == n {
            break;
        }
    }
    versions
}
