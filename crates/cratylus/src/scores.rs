//! Scores of scenes: points as the audits of scenes see them, and the section of the page that shows scores and findings.

use crate::results::PointData;
use cratylus_audit::finding::{Bar, Picture, Who};
use cratylus_audit::scenes::{Finding, Played, Scored, findings};
use cratylus_core::experiment::Setting;
use cratylus_core::stats::interval;
use serde_json::{Value, json};

/// A point as the audits see it.
fn played(data: &PointData) -> Played {
    let game = &data.point.experiment.game;
    let is = |setting: &Setting, keys: &[&str]| {
        keys.iter().any(|key| setting.key == *key || setting.key.starts_with(&format!("{key}.")))
    };
    let text = |without: &[&str]| {
        let rest = data.point.settings.iter().filter(|setting| !is(setting, without));
        rest.map(|setting| format!("{}={}", setting.key, setting.value)).collect::<Vec<_>>().join(" ")
    };
    const MESSAGES: [&str; 2] = ["control.messages", "game.messages"];
    let talks = game.plan.contains_key("talk");
    let kinds = &data.point.experiment.agents.kinds;
    let random = kinds
        .iter()
        .all(|(_, kind)| kind.kind == "rule" && kind.plan.get("rule").and_then(|rule| rule.as_str()) == Some("random"));
    let scores = game.spec.scores().iter().filter_map(|score| {
        let end = &data.facts.followed.get(&format!("score:{}", score.name))?.end;
        Some(Scored { name: score.name.replace('_', " "), share: score.share, mean: end.mean, sd: end.sd, n: end.n })
    });
    let scores: Vec<Scored> = scores.collect();
    Played {
        condition: if data.label.is_empty() { "all runs".into() } else { data.label.clone() },
        rest: text(&MESSAGES),
        rest_without_agents: text(&[&MESSAGES[..], &["agents"]].concat()),
        messages: talks.then(|| game.plan.get("messages").and_then(|how| how.as_str()).unwrap_or("as-said").to_string()),
        random,
        void: scores.iter().find(|score| score.name == "void").map(|score| score.mean),
        scores: scores.into_iter().filter(|score| score.name != "void").collect(),
    }
}

/// What the audits of scenes find in these points.
pub fn found(points: &[PointData]) -> Vec<Finding> {
    findings(&points.iter().map(played).collect::<Vec<_>>())
}

/// A picture of one score by condition, the mean over runs with its 95 % interval.
fn picture(points: &[PointData], score: usize) -> Option<Picture> {
    let spec = points[0].point.experiment.game.spec.scores()[score];
    let bar = |data: &PointData| {
        let end = &data.facts.followed.get(&format!("score:{}", spec.name))?.end;
        let [low, high] = interval(end.mean, end.sd / (end.n as f64).sqrt(), end.n);
        let whole = low.is_finite() && high.is_finite();
        let label = if data.label.is_empty() { "all runs".into() } else { data.label.clone() };
        let who = if played(data).random { Who::Reference } else { Who::Record };
        Some(Bar { label, group: String::new(), who, value: end.mean, low: whole.then_some(low), high: whole.then_some(high) })
    };
    let rows: Vec<Bar> = points.iter().take(SHOWN).filter_map(bar).collect();
    let title = format!("{}: {}", spec.name.replace('_', " "), spec.words);
    (!rows.is_empty()).then(|| Picture::Bars { title, axis: spec.name.replace('_', " "), rows, reference: None })
}

/// So many conditions, and so many scores, have a picture; tables and `--json` have all.
const SHOWN: usize = 16;
const PICTURES: usize = 4;

/// The section of the page.
pub fn section(points: &[PointData]) -> Option<Value> {
    let scores = points.first()?.point.experiment.game.spec.scores();
    let pictures: Vec<Picture> = (0..scores.len().min(PICTURES)).filter_map(|score| picture(points, score)).collect();
    if pictures.is_empty() {
        return None;
    }
    let statements: Vec<Value> = found(points).iter().map(statement).collect();
    Some(json!({ "title": "Scores", "statements": statements, "pictures": pictures }))
}

fn statement(finding: &Finding) -> Value {
    let row = |effect: &cratylus_audit::finding::Effect| Bar {
        label: effect.name.clone(),
        group: String::new(),
        who: Who::Record,
        value: effect.value,
        low: Some(effect.low).filter(|low| low.is_finite()),
        high: Some(effect.high).filter(|high| high.is_finite()),
    };
    // Scores differ in their units, so the picture is of the main one.
    let main = finding.effects.first().map_or("", |effect| effect.name.split(',').next().unwrap_or(""));
    let rows: Vec<Bar> = finding.effects.iter().filter(|effect| effect.name.split(',').next() == Some(main)).map(row).collect();
    let picture =
        Picture::Bars { title: "What decides it".into(), axis: format!("difference of {main}"), rows, reference: Some(0.0) };
    json!({ "name": format!("{} ({})", finding.audit, finding.condition), "words": finding.means, "decided": finding.finds.words(), "picture": picture })
}
