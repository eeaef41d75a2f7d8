//! Sets recognition against behaviour, skin by skin: where a model no longer recognises the game, does it behave
//! otherwise? Leakage says so. Several models give more points: put their findings' details together.

use super::comprehension::{Understood, understood_in};
use super::response::InSkin;
use cratylus_audit::finding::{BearsOn, Effect, Finding, Finds, Line, Picture, Who};
use cratylus_audit::recognition::{CodedAnswer, Flag, share};
use cratylus_audit::response::regress;
use serde_json::json;

pub(super) fn finding(
    condition: &str,
    canonical: &str,
    answers: &[CodedAnswer],
    skins: &[InSkin],
    understood: &[Understood],
) -> Finding {
    let recognised = |skin: &str| {
        let here = answers.iter().filter(|answer| answer.skin == skin);
        share(here, |answer| answer.coded(Flag::Coordination)).share
    };
    let whole = recognised(canonical);
    // The telling that is questioned: nothing lost, nothing changed.
    let mut points = vec![(canonical.to_string(), 0.0, 0.0)];
    points.extend(
        skins.iter().map(|in_skin| (in_skin.skin.clone(), whole - recognised(&in_skin.skin), in_skin.comparison.difference)),
    );
    points.retain(|(_, lost, changed)| lost.is_finite() && changed.is_finite());
    // What was not understood is no evidence of what was recalled.
    let missed: Vec<String> =
        points.iter().map(|(skin, ..)| skin.clone()).filter(|skin| !understood_in(understood, skin)).collect();
    points.retain(|(skin, ..)| !missed.contains(skin));
    let pairs: Vec<(f64, f64)> = points.iter().map(|(_, lost, changed)| (*lost, *changed)).collect();
    let fitted = regress(&pairs);
    let finds = match fitted {
        Some((_, [low, _])) if low > 0.0 => Finds::SupportsRecall,
        _ => Finds::CannotTell,
    };
    let means = match (fitted, finds) {
        (None, _) => "Recognition does not differ between the tellings that were understood, or these are fewer than three, so nothing can be set against it.".to_string(),
        (_, Finds::SupportsRecall) => "The less the game is recognised in a skin, the more the response changes there, as recall would have it.".into(),
        (Some((_, [_, high])), _) if high < 0.0 => "The response changes less where the game is less recognised, against what recall would have.".into(),
        _ => "Whether the response changes with recognition is open.".into(),
    };
    let details: Vec<_> =
        points.iter().map(|(skin, lost, changed)| json!({ "skin": skin, "recognition_lost": lost, "change": changed })).collect();
    Finding {
        audit: "recognition-and-behaviour".into(),
        condition: condition.into(),
        bears_on: BearsOn::Response,
        question: "Does the response change where the game is no longer recognised?".into(),
        rivals: vec![
            "the response comes of recognition and goes with it".into(),
            "the response does not depend on recognition".into(),
        ],
        finds,
        effect: fitted.map(|(slope, interval)| {
            Effect::new("change of the response for all of recognition lost (mean absolute difference of P)", slope, interval)
        }),
        statistic: None,
        means,
        does_not_mean: "That recognition causes the response: a skin that hides the game may hide its meaning, too.".into(),
        would_tell: Some("more skins, and models that differ in recognition".into()),
        source: "recognition by behaviour over isomorphic tellings; least squares with Student's t".into(),
        cautions: [
            Some("few points, of one model; skins are no random sample of tellings".to_string()),
            (!missed.is_empty()).then(|| format!("left out, as they were not understood: {}", missed.join(", "))),
        ]
        .into_iter()
        .flatten()
        .collect(),
        details: json!({ "points": details, "recognised_in_the_canonical_telling": whole }),
        pictures: vec![Picture::Curves {
            title: "Recognition lost, and change of the response".into(),
            x: "recognition lost (share of answers)".into(),
            y: "mean absolute difference of P(name | memory)".into(),
            lines: vec![Line {
                label: condition.into(),
                who: Who::Record,
                joined: false,
                x: pairs.iter().map(|pair| pair.0).collect(),
                y: pairs.iter().map(|pair| pair.1).collect(),
                low: Vec::new(),
                high: Vec::new(),
            }],
            reference: None,
        }],
    }
}
