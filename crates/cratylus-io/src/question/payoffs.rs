//! Turns the payoffs round and asks again. A response that comes of a recalled rule is what it was, though it is now the
//! wrong one; a response to what is told turns round with it. Where only text comes back, asking stops as soon as the
//! evidence is enough.

use super::comprehension::{Understood, understood_in};
use super::interview::{Interview, Stopped, Subject, Variant};
use super::response::{HALF, InSkin, covered};
use cratylus_audit::finding::{Bar, BearsOn, Effect, Finding, Finds, Picture, Statistic, Who};
use cratylus_audit::response::{ENOUGH, Evidence, Response, compare, visits};
use cratylus_core::control::Paid;
use cratylus_core::kernel::all_states;
use cratylus_core::language::model::{Query, Reply};
use cratylus_core::policy::Round;
use cratylus_core::stats::Proportion;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What became of the response.
struct Turned {
    /// What is left of it, labels set aside: 1 all, 0 none, -1 turned round.
    left: f64,
    /// Whether the response goes with what partners said.
    follows: bool,
    interval: [f64; 2],
    statistic: Option<Statistic>,
    details: Value,
    cautions: Vec<String>,
}

impl Interview<'_> {
    pub(super) fn payoffs(
        &self,
        condition: &str,
        subject: &Subject,
        canonical: &Response,
        skins: &[InSkin],
        understood: &[Understood],
    ) -> Result<Finding, Stopped> {
        let other = (self.sit)(&Variant { payoff: Paid::MismatchPays, ..Variant::default() })?;
        let turned = match subject.opened.setup.how.probabilities() {
            true => {
                let comparison = self.compared((subject, canonical), (&other, self.respond(&other)?))?;
                Turned {
                    left: comparison.slope,
                    follows: comparison.follows(),
                    interval: comparison.slope_interval,
                    statistic: None,
                    details: json!({ "comparison": comparison }),
                    cautions: covered(&comparison),
                }
            }
            false => self.sequentially(&other, canonical)?,
        };
        Ok(finding(condition, turned, skins, understood, &subject.model.protocol.name))
    }

    /// Asks in batches, where populations go and the response is clear, until the evidence is enough.
    fn sequentially(&self, other: &Subject, canonical: &Response) -> Result<Turned, Stopped> {
        let visits = visits(&canonical.kernel());
        let states = all_states(canonical.memory);
        let sampled = |window: &[Round]| canonical.get(window).is_some_and(|known| known.samples >= Some(5));
        let mirror = |window: &[Round]| window.iter().map(|round| round.map(|name| 1 - name)).collect::<Vec<Round>>();
        // A memory and its mirror are asked alike, and what a label does is left out of what is expected of them.
        let clear = |window: &Vec<Round>| {
            let left = canonical.label_free(window);
            (left.abs() > 0.2 && sampled(window) && sampled(&mirror(window))).then_some(left + 0.5)
        };
        let mut often: BTreeMap<Vec<Round>, (f64, u64)> = BTreeMap::new();
        for i in (1..states.len()).filter(|&i| visits[i] > 0) {
            let Some(p) = clear(&states[i]) else { continue };
            for (window, p) in [(states[i].clone(), p), (mirror(&states[i]), 1.0 - p)] {
                often.entry(window).or_insert((p, 0)).1 += visits[i];
            }
        }
        let mut asked: Vec<(Vec<Round>, f64, u64)> = often.into_iter().map(|(window, (p, visits))| (window, p, visits)).collect();
        asked.sort_by_key(|(_, _, visits)| std::cmp::Reverse(*visits));
        asked.truncate(40);
        let (mut evidence, mut kept, mut draw) = (Evidence::default(), 0, 0);
        while !asked.is_empty() && !evidence.is_enough() && draw * 20 < self.agenda.samples {
            let batch: Vec<&(Vec<Round>, f64, u64)> = asked.iter().cycle().skip(20 * draw as usize).take(20).collect();
            let order: [&[u16]; 2] = [&[0, 1], &[1, 0]];
            let query = |(i, (window, ..)): (u64, &&(Vec<Round>, f64, u64))| {
                let draw = 20 * draw + i;
                Query { window: window.clone().into(), order: order[(draw / 2 % 2) as usize].into(), draw, again: 0, facts: None }
            };
            let queries: Vec<Query> = (0..).zip(&batch).map(query).collect();
            for ((_, p, _), reply) in batch.into_iter().zip(self.choices(other, &queries)?) {
                if let Reply::Read(Ok(name)) = reply {
                    let before = if name == 0 { *p } else { 1.0 - p };
                    evidence.see(before);
                    kept += u64::from(before > 0.5);
                }
            }
            draw += 1;
        }
        let share = Proportion::new(kept, evidence.answers);
        let [left, low, high] = [share.share, share.low, share.high].map(|share| 2.0 * share - 1.0);
        let left = if evidence.answers == 0 { f64::NAN } else { left };
        Ok(Turned {
            left,
            follows: compare(canonical, canonical).follows(),
            interval: [low, high],
            statistic: Some(Statistic {
                name: format!("evidence for unchanged against turned round, e-value (enough from {ENOUGH} or below 1/{ENOUGH})"),
                value: evidence.ratio(),
                p: None,
            }),
            details: json!({ "answers": evidence.answers, "kept": share, "e_value": evidence.ratio(), "enough": evidence.is_enough() }),
            cautions: vec!["the response before the change was sampled, and the evidence takes it as known".into()],
        })
    }
}

fn finding(condition: &str, turned: Turned, skins: &[InSkin], understood: &[Understood], canonical: &str) -> Finding {
    let Turned { left, follows, interval, statistic, details, mut cautions } = turned;
    let scenes: Vec<&Understood> = understood.iter().filter(|scene| scene.skin == canonical).collect();
    let gate = !scenes.is_empty() && scenes.iter().all(|scene| scene.enough());
    let understood_share = scenes.iter().map(|scene| scene.all().share).fold(1.0, f64::min);
    let unchanged = interval[0] > HALF;
    let adapts = interval[1] < HALF;
    // A skin that was not understood says nothing either way.
    let counted: Vec<&InSkin> = skins.iter().filter(|in_skin| understood_in(understood, &in_skin.skin)).collect();
    let kept = !counted.is_empty() && counted.iter().all(|in_skin| in_skin.comparison.slope_interval[0] > HALF);
    let (finds, means) = match (left.is_nan(), gate) {
        (true, _) => (Finds::CannotTell, "With labels set aside there is no clear response to a memory that could change: no rule is played.".to_string()),
        (_, false) => (
            Finds::CannotTell,
            format!("Only {:.0} % of the questions about the scenes were answered rightly, and below 95 % a response is no evidence of anything.", 100.0 * understood_share),
        ),
        _ if !follows => (
            Finds::CannotTell,
            "The response does not go with what partners said, so nobody seeks agreement, whatever is paid: there is no rule of coordination that could be recalled or adapted.".into(),
        ),
        _ if unchanged => (
            Finds::SupportsRecall,
            "The payoffs were turned round, and this was understood, but the response is what it was: agents still seek agreement where disagreement pays. A rule is played, not what is told.".into(),
        ),
        _ if adapts && kept => (
            Finds::SupportsInteraction,
            "The response turns with the payoffs that are stated and is kept where the game is told in other words: it adapts to what is told in context.".into(),
        ),
        _ if adapts => (
            Finds::CannotTell,
            "The response turns with the payoffs that are stated. That it is kept in other words, too, was not shown.".into(),
        ),
        _ => (Finds::CannotTell, "The response changes in part.".into()),
    };
    if !gate {
        cautions.push("comprehension is a gate: see the finding of that name".into());
    }
    let mut rows = vec![Bar {
        label: "payoffs turned round".into(),
        group: String::new(),
        who: Who::Control,
        value: left,
        low: Some(interval[0]),
        high: Some(interval[1]),
    }];
    rows.extend(skins.iter().map(|in_skin| Bar {
        label: in_skin.skin.clone(),
        group: "other words".into(),
        who: Who::Control,
        value: in_skin.comparison.slope,
        low: Some(in_skin.comparison.slope_interval[0]),
        high: Some(in_skin.comparison.slope_interval[1]),
    }));
    rows.retain(|row| !row.value.is_nan());
    Finding {
        audit: "payoffs".into(),
        condition: condition.into(),
        bears_on: BearsOn::Response,
        question: "Does the response follow the payoffs that are stated?".into(),
        rivals: vec!["a rule of coordination is recalled and played, whatever is paid".into(), "the response adapts to what is told in context".into()],
        finds,
        effect: (!left.is_nan()).then(|| Effect::new("what is left of the response when disagreement pays (1: all, 0: none, -1: turned round)", left, interval)),
        statistic,
        means,
        does_not_mean: "A model that merely copies the most frequent name in its context is unchanged as well, without knowing any game; and a model that recalls games may know the other one.".into(),
        would_tell: Some("memories with one frequency and another recency, and models trained without the rule".into()),
        source: "counterfactual payoffs: Wu et al. 2023 (arXiv 2307.02477), arXiv 2603.19167; e-values: Ville 1939".into(),
        cautions,
        details: json!({ "turned": details, "understood": understood_share, "gate": gate, "kept_in_skins": kept }),
        pictures: vec![Picture::Bars { title: "What is left of the response".into(), axis: "slope on the canonical response".into(), rows, reference: Some(1.0) }],
    }
}
