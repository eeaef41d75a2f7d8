//! Asks nine questions about each scene that is told, with payoffs as they are and turned round.

use super::interview::{Interview, Stopped, Variant};
use cratylus_audit::finding::{Bar, BearsOn, Effect, Finding, Finds, Picture, Who};
use cratylus_core::control::Paid;
use cratylus_core::language::comprehension::{WHAT, items, right, windows};
use cratylus_core::language::protocol::Told;
use cratylus_core::stats::Proportion;
use serde_json::json;

/// How well a scene was understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Understood {
    /// The protocol in which the scene was told.
    pub skin: String,
    /// With which payoffs.
    pub payoff: Paid,
    /// Right answers to each kind of question, and how many were asked.
    pub by_item: Vec<(&'static str, u64, u64)>,
}

/// From this share of right answers on, a response is taken for an answer to what was told.
pub const ENOUGH: f64 = 0.95;

impl Understood {
    /// Right answers over all questions.
    pub fn all(&self) -> Proportion {
        let sum = |of: fn(&(&str, u64, u64)) -> u64| self.by_item.iter().map(of).sum();
        Proportion::new(sum(|item| item.1), sum(|item| item.2))
    }

    /// Whether the share of right answers is that of an understood scene, 95 %.
    pub fn enough(&self) -> bool {
        self.all().share >= ENOUGH
    }
}

/// Whether a telling was understood, with its payoffs as they are.
pub(super) fn understood_in(understood: &[Understood], skin: &str) -> bool {
    understood.iter().any(|scene| scene.skin == skin && scene.payoff == Paid::AsItIs && scene.enough())
}

impl Interview<'_> {
    pub(super) fn comprehend(&self) -> Result<Vec<Understood>, Stopped> {
        let turned = Variant { payoff: Paid::MismatchPays, ..Variant::default() };
        let mut all = Vec::new();
        for variant in self.tellings().into_iter().chain([turned]) {
            let subject = (self.sit)(&variant)?;
            let model = &subject.model;
            let mut by_item: Vec<(&'static str, u64, u64)> = WHAT.iter().map(|what| (*what, 0, 0)).collect();
            for window in windows(model.names.len(), model.memory) {
                let order: Vec<u16> = (0..model.names.len() as u16).collect();
                let told = Told { names: &model.names, order: &order, payoff: model.payoff, window: &window, facts: None };
                let items = items(&model.protocol, &told);
                let questions: Vec<(String, u64)> = items.iter().map(|item| (item.question.clone(), 0)).collect();
                for (item, answer) in items.iter().zip(self.words(&subject, &window, &questions, 60)?) {
                    let counts = by_item.iter_mut().find(|(what, ..)| *what == item.what).expect("a kind of question");
                    counts.1 += u64::from(right(&item.gold, &model.names, &answer));
                    counts.2 += 1;
                }
            }
            all.push(Understood { skin: model.protocol.name.clone(), payoff: variant.payoff, by_item });
        }
        Ok(all)
    }
}

pub(super) fn finding(condition: &str, understood: &[Understood]) -> Finding {
    let label = |scene: &Understood| match scene.payoff {
        Paid::AsItIs => scene.skin.clone(),
        _ => format!("{}, payoffs turned round", scene.skin),
    };
    let rows = understood.iter().map(|scene| {
        let Proportion { share, low, high, .. } = scene.all();
        Bar { label: label(scene), group: String::new(), who: Who::Record, value: share, low: Some(low), high: Some(high) }
    });
    let whole: (u64, u64) =
        understood.iter().map(Understood::all).fold((0, 0), |sum, scene| (sum.0 + scene.count, sum.1 + scene.of));
    let all = Proportion::new(whole.0, whole.1);
    let failed: Vec<String> = understood.iter().filter(|scene| !scene.enough()).map(label).collect();
    let details: Vec<_> = understood
        .iter()
        .map(|scene| {
            let items: Vec<_> =
                scene.by_item.iter().map(|(what, right, of)| json!({ "item": what, "right": right, "of": of })).collect();
            json!({ "scene": label(scene), "accuracy": scene.all(), "enough": scene.enough(), "items": items })
        })
        .collect();
    Finding {
        audit: "comprehension".into(),
        condition: condition.into(),
        bears_on: BearsOn::Response,
        question: "Does the model understand what it is told?".into(),
        rivals: vec!["a response is to what is told".into(), "what is told is not understood".into()],
        finds: Finds::CannotTell,
        effect: Some(Effect::new("share of right answers", all.share, [all.low, all.high])),
        statistic: None,
        means: match failed.is_empty() {
            true => "Every scene was understood: at least 95 % of the answers are right in each.".into(),
            false => format!("Fewer than 95 % of the answers are right in: {}. What is done there counts as no evidence.", failed.join("; ")),
        },
        does_not_mean: "That a choice uses what was understood. This is a gate for the other audits and decides nothing itself.".into(),
        would_tell: None,
        source: "the comprehension test of Flint Ashery et al. 2025 (nine questions); counterfactuals count only where understood: Wu et al. 2023 (arXiv 2307.02477)".into(),
        cautions: Vec::new(),
        details: json!({ "scenes": details }),
        pictures: vec![Picture::Bars { title: "Right answers about each scene".into(), axis: "share right".into(), rows: rows.collect(), reference: Some(ENOUGH) }],
    }
}
