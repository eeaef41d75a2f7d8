//! Asks for the response to memories, P(name | memory), in the telling that is questioned, in every skin and with names
//! that are invented; and says what is left of it under labels drawn anew and under memories hidden or shuffled, which
//! takes no further question.

use super::comprehension::Understood;
use super::interview::{Interview, Stopped, Subject, Variant};
use crate::kernel::Extraction;
use cratylus_audit::finding::{Bar, BearsOn, Effect, Finding, Finds, Picture, Who};
use cratylus_audit::response::{
    Comparison, KnownResponse, Response, ResponsePopulation, compare, population, under, visits, yoked_populations,
};
use cratylus_core::Seed;
use cratylus_core::control::{Control, Memory, Paid};
use cratylus_core::fault::Fault;
use cratylus_core::kernel::all_states;
use cratylus_core::language::held_out;
use cratylus_core::language::model::{Query, Reply};
use cratylus_core::policy::Round;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// What is left of the response in one skin.
#[derive(Clone, Debug)]
pub(super) struct InSkin {
    pub skin: String,
    pub comparison: Comparison,
}

/// Less of a response than this is not the same response; more is.
pub(super) const HALF: f64 = 0.5;

impl Interview<'_> {
    /// The response of a subject.
    pub(super) fn respond(&self, subject: &Subject) -> Result<Response, Stopped> {
        if subject.model.names.len() != 2 {
            return Err(Fault::new("a response is asked for with two names").into());
        }
        match subject.opened.setup.how.probabilities() {
            true if self.agenda.all_states => {
                self.exact(subject, Response::new(subject.model.memory), all_states(subject.model.memory))
            }
            true => self.visited(subject),
            false => self.sampled(subject),
        }
    }

    /// Asks about states in both orders.
    fn exact(&self, subject: &Subject, mut known: Response, states: Vec<Vec<Round>>) -> Result<Response, Stopped> {
        let orders: [&[u16]; 2] = [&[0, 1], &[1, 0]];
        let query = |window: &Vec<Round>, order: &[u16]| Query {
            window: window.clone().into(),
            order: order.into(),
            draw: 0,
            again: 0,
            facts: None,
        };
        let queries: Vec<Query> = states.iter().flat_map(|window| orders.map(|order| query(window, order))).collect();
        let p = |reply: &Reply| match reply {
            Reply::Distribution(distribution) => {
                let sum: f64 = distribution.names.iter().sum();
                if sum > 0.0 { distribution.names[0] / sum } else { 0.5 }
            }
            Reply::Read(_) | Reply::Text(_) => 0.5,
        };
        for (window, both) in states.iter().zip(self.choices(subject, &queries)?.chunks(2)) {
            known.set(window, KnownResponse { p: (p(&both[0]) + p(&both[1])) / 2.0, samples: None });
        }
        Ok(known)
    }

    /// Asks about short memories, then about those that populations which follow what is known go to, and so on until
    /// what is left unasked is rare. The counterparts under the other labels are asked, too.
    fn visited(&self, subject: &Subject) -> Result<Response, Stopped> {
        let states = all_states(subject.model.memory);
        let short = states.iter().filter(|window| window.len() <= 1).cloned().collect();
        let mut known = self.exact(subject, Response::new(subject.model.memory), short)?;
        for _ in 0..12 {
            let visits = visits(&known.kernel());
            let rare = visits.iter().sum::<u64>() / 5_000;
            let often = states.iter().zip(&visits).filter(|(_, visits)| **visits > rare).map(|(window, _)| window);
            let swapped = |window: &Vec<Round>| window.iter().map(|round| round.map(|name| 1 - name)).collect();
            let mut new: Vec<Vec<Round>> = often.flat_map(|window| [window.clone(), swapped(window)]).collect();
            new.retain(|window| known.get(window).is_none());
            new.sort_unstable();
            new.dedup();
            if new.is_empty() {
                break;
            }
            known = self.exact(subject, known, new)?;
        }
        Ok(known)
    }

    /// Two responses, each asked about what the other was asked about, compared.
    pub(super) fn compared(&self, one: (&Subject, &Response), other: (&Subject, Response)) -> Result<Comparison, Stopped> {
        let filled = |(subject, known): (&Subject, Response), like: &Response| -> Result<Response, Stopped> {
            let missing = |window: &Vec<Round>| like.get(window).is_some() && known.get(window).is_none();
            let states: Vec<Vec<Round>> = all_states(known.memory).into_iter().filter(missing).collect();
            if subject.opened.setup.how.probabilities() { self.exact(subject, known, states) } else { Ok(known) }
        };
        let second = filled(other, one.1)?;
        let first = filled((one.0, one.1.clone()), &second)?;
        Ok(compare(&first, &second))
    }

    fn sampled(&self, subject: &Subject) -> Result<Response, Stopped> {
        let extraction = Extraction {
            model: subject.model.clone(),
            opened: subject.opened.clone(),
            tapes: self.means.tapes.clone(),
            budget: self.means.budget.clone(),
            spent: self.means.spent.clone(),
            stop: self.means.stop.clone(),
            done: self.means.done.clone(),
            of: Arc::new(AtomicU64::new(0)),
        };
        let entries = extraction.sampled(self.agenda.samples, 24)?;
        let mut response = Response::new(subject.model.memory);
        for (window, entry) in all_states(subject.model.memory).iter().zip(entries) {
            if let Some(samples) = entry.samples.filter(|&samples| samples > 0) {
                response.set(window, KnownResponse { p: entry.p, samples: Some(samples) });
            }
        }
        Ok(response)
    }

    /// The response with names that are invented: words, and strings.
    pub(super) fn names(&self, condition: &str, asked: &Subject, canonical: &Response) -> Result<Finding, Stopped> {
        let mut found = Vec::new();
        for (words, names) in invented() {
            let subject = (self.sit)(&Variant { names: Some(names.clone()), ..Variant::default() })?;
            let comparison = self.compared((asked, canonical), (&subject, self.respond(&subject)?))?;
            found.push((format!("{words} ({}, {})", names[0], names[1]), comparison));
        }
        Ok(left(
            "held-out-names",
            condition,
            "Is the response to a memory the same with names that nobody can have met as names?",
            ["it is bound to names that were read", "it follows what happened, whatever the names"],
            &found,
            [],
        ))
    }

    pub(super) fn skins(&self, asked: &Subject, canonical: &Response) -> Result<Vec<InSkin>, Stopped> {
        let mut all = Vec::new();
        for skin in &self.agenda.skins {
            let subject = (self.sit)(&Variant::skin(skin))?;
            let comparison = self.compared((asked, canonical), (&subject, self.respond(&subject)?))?;
            all.push(InSkin { skin: subject.model.protocol.name.clone(), comparison });
        }
        Ok(all)
    }
}

/// Names that nobody can have met, and what they are.
pub(super) fn invented() -> [(&'static str, [String; 2]); 2] {
    let two = |names: Vec<String>| -> [String; 2] { names.try_into().expect("two were asked for") };
    [("invented words", two(held_out::pronounceable(2, Seed(1)))), ("random strings", two(held_out::strings(2, Seed(1))))]
}

pub(super) fn skins(condition: &str, skins: &[InSkin], understood: &[Understood]) -> Finding {
    let found: Vec<(String, Comparison)> = skins.iter().map(|in_skin| (in_skin.skin.clone(), in_skin.comparison)).collect();
    let missed = understood.iter().filter(|scene| scene.payoff == Paid::AsItIs && !scene.enough());
    let cautions: Vec<String> = missed
        .map(|scene| {
            format!(
                "{} was not understood ({:.0} % of the answers right), so a change there is no evidence",
                scene.skin,
                100.0 * scene.all().share
            )
        })
        .collect();
    left(
        "skins",
        condition,
        "Is the response to a memory the same where the same game is told in other words?",
        [
            "the response is bound to the words of a game that was read about",
            "it follows what happened and what is paid, whatever the words",
        ],
        &found,
        cautions,
    )
}

/// A finding about what is left of a response in other tellings: it decides nothing alone.
fn left(
    audit: &str,
    condition: &str,
    question: &str,
    rivals: [&str; 2],
    found: &[(String, Comparison)],
    cautions: impl IntoIterator<Item = String>,
) -> Finding {
    let least = found.iter().map(|(_, comparison)| comparison).min_by(|a, b| a.slope.total_cmp(&b.slope));
    let kept = !found.is_empty() && found.iter().all(|(_, comparison)| comparison.slope_interval[0] > HALF);
    let lost: Vec<&str> =
        found.iter().filter(|(_, comparison)| comparison.slope_interval[1] < HALF).map(|(label, _)| label.as_str()).collect();
    // What is not there cannot be left.
    let rows = found.iter().filter(|(_, comparison)| !comparison.slope.is_nan()).map(|(label, comparison)| Bar {
        label: label.clone(),
        group: String::new(),
        who: Who::Control,
        value: comparison.slope,
        low: Some(comparison.slope_interval[0]),
        high: Some(comparison.slope_interval[1]),
    });
    let details: Vec<_> = found.iter().map(|(label, comparison)| json!({ "telling": label, "comparison": comparison })).collect();
    Finding {
        audit: audit.into(),
        condition: condition.into(),
        bears_on: BearsOn::Response,
        question: question.into(),
        rivals: rivals.map(String::from).into(),
        finds: Finds::CannotTell,
        effect: least.filter(|least| !least.slope.is_nan()).map(|least| Effect::new("least of the response that is left (1: all, 0: none, -1: turned round)", least.slope, least.slope_interval)),
        statistic: None,
        means: match (kept, &lost[..]) {
            _ if found.iter().all(|(_, comparison)| comparison.slope.is_nan()) => {
                let labels = found.first().map_or(0.0, |(_, comparison)| 100.0 * comparison.labels[0]);
                format!("There is no response to a memory that could be kept: with labels set aside, choices are the same whatever is remembered. Labels alone favour the first name by {labels:+.0} points.")
            }
            (true, _) => "The response is kept in every telling, so it is not bound to these words or names.".into(),
            (false, []) => "Whether the response is kept is not settled in every telling.".into(),
            (false, lost) => format!("The response is lost in: {}.", lost.join("; ")),
        },
        does_not_mean: "That the rule was not recalled where the response is kept: an abstract rule survives other words. Nor that it was recalled where it is lost: words carry meaning, and a model may need it.".into(),
        would_tell: Some("payoffs turned round (`payoffs`), and change of behaviour against recognition (`recognition-and-behaviour`)".into()),
        source: "isomorphic tellings as in counterfactual evaluation: Wu et al. 2023 (arXiv 2307.02477); performance that does not transfer: ConStat 2024 (arXiv 2405.16281)".into(),
        cautions: cautions.into_iter().collect(),
        details: json!({ "tellings": details, "kept": kept }),
        pictures: vec![Picture::Bars { title: "What is left of the response".into(), axis: "slope on the canonical response".into(), rows: rows.collect(), reference: Some(1.0) }],
    }
}

/// Populations as they are and under a control.
fn two(canonical: &Response, control: Control, runs: u64) -> (ResponsePopulation, ResponsePopulation, Comparison) {
    let shown = under(canonical, control);
    (population(canonical, runs), population(&shown, runs), compare(canonical, &shown))
}

fn bar(label: &str, who: Who, share: &cratylus_core::stats::Proportion) -> Bar {
    Bar { label: label.into(), group: String::new(), who, value: share.share, low: Some(share.low), high: Some(share.high) }
}

/// Labels drawn anew for every question: outcome recall becomes impossible, and the bias of labels a number.
pub(super) fn alias(condition: &str, canonical: &Response, runs: u64) -> Finding {
    let (plain, aliased, comparison) = two(canonical, Control { alias: true, ..Control::default() }, runs);
    let bias = plain.first_won;
    let finds = match (plain.consensus.share > HALF, aliased.consensus.low > HALF, aliased.consensus.high < HALF) {
        (true, true, _) => Finds::SupportsInteraction,
        (true, _, true) => Finds::SupportsRecall,
        _ => Finds::CannotTell,
    };
    let means = match finds {
        Finds::SupportsInteraction => {
            "Populations agree as well where no label can be recalled, so agreement does not rest on labels."
        }
        Finds::SupportsRecall => {
            "Populations agree with fixed labels and no longer where labels are drawn anew: agreement rests on labels."
        }
        Finds::CannotTell => "Populations do not agree often enough for labels to be told apart from the rest.",
    };
    Finding {
        audit: "alias".into(),
        condition: condition.into(),
        bears_on: BearsOn::Interaction,
        question: "Do populations still agree where a label tells nothing?".into(),
        rivals: vec!["a name wins because its label is preferred or recalled".into(), "a name wins because of what happened".into()],
        finds,
        effect: Some(Effect::new("share of populations that agree under labels drawn anew", aliased.consensus.share, [aliased.consensus.low, aliased.consensus.high])),
        statistic: None,
        means: format!("{means} With fixed labels the first name wins {} of {} populations that agree, with labels drawn anew {} of {}.", bias.count, bias.of, aliased.first_won.count, aliased.first_won.of),
        does_not_mean: "That the rule was not recalled: a rule without labels survives.".into(),
        would_tell: Some("payoffs turned round (`payoffs`)".into()),
        source: "symmetry: a response averaged over both labellings prefers none; populations by the published rule (N = 24, 72 successes)".into(),
        cautions: covered(&comparison),
        details: json!({ "fixed": plain, "drawn": aliased, "comparison": comparison }),
        pictures: vec![Picture::Bars {
            title: "Who wins".into(),
            axis: "share of agreeing populations won by the first name".into(),
            rows: [("fixed labels", Who::Record, &plain), ("labels drawn anew", Who::Control, &aliased)]
                .into_iter()
                .filter(|(.., population)| population.first_won.of > 0)
                .map(|(label, who, population)| bar(label, who, &population.first_won))
                .collect(),
            reference: Some(0.5),
        }],
    }
}

/// Memories hidden or shuffled: what of them agreement needs.
pub(super) fn memory(condition: &str, canonical: &Response, runs: u64) -> Finding {
    let plain = population(canonical, runs);
    let ways = [
        ("no memory shown", Memory::Empty),
        ("rounds in random order", Memory::ShuffledRows),
        ("partners in random order", Memory::ShuffledPartners),
    ];
    let under_each = ways.map(|(words, memory)| {
        let control = Control { memory, ..Control::default() };
        let (_, shown, comparison) = two(canonical, control, runs);
        (words, shown, comparison)
    });
    let empty = &under_each[0].1;
    let yoked = yoked_populations(canonical, runs.min(200));
    let finds = match () {
        () if yoked.survives.is_nan() => Finds::CannotTell,
        () if yoked.interval[1] < HALF => Finds::SupportsInteraction,
        () if yoked.interval[0] > HALF => Finds::SupportsRecall,
        () => Finds::CannotTell,
    };
    let percent = |share: f64| format!("{:.0} %", 100.0 * share);
    let compared = format!(
        "Among partners {} of late interactions are successes; where each agent is told what others' partners said, {}.",
        percent(yoked.met),
        percent(yoked.told)
    );
    let mut rows = vec![bar("as it is", Who::Record, &plain.consensus)];
    rows.extend(under_each.iter().map(|(words, shown, _)| bar(words, Who::Control, &shown.consensus)));
    let details: Vec<_> = under_each
        .iter()
        .map(|(words, shown, comparison)| json!({ "shown": words, "population": shown, "comparison": comparison }))
        .collect();
    Finding {
        audit: "shown-memory".into(),
        condition: condition.into(),
        bears_on: BearsOn::Interaction,
        question: "Do populations still agree where agents are told of others' partners, or shown nothing?".into(),
        rivals: vec!["agreement is brought by agents that are alike: recall, a preferred label".into(), "agreement comes of what partners say".into()],
        finds,
        effect: (!yoked.survives.is_nan()).then(|| Effect::new("share of the agreement above one half that is left where partners' words are replaced", yoked.survives, yoked.interval)),
        statistic: None,
        means: match finds {
            Finds::SupportsInteraction => format!("{compared} Agreement is lost with the partners' words. Shown no memory at all, {} of populations agree.", percent(empty.consensus.share)),
            Finds::SupportsRecall => format!("{compared} Agents bring their agreement with them."),
            Finds::CannotTell if yoked.survives.is_nan() => format!("{compared} There is no agreement that could be lost."),
            Finds::CannotTell => format!("{compared} Part of the agreement is left, too much and too little for either side."),
        },
        does_not_mean:
            "Where the response to a memory comes from. That an outcome needs interaction is true of a recalled rule, too.".into(),
        would_tell: Some("payoffs turned round (`payoffs`)".into()),
        source: "frozen, relabelled histories of others, no-memory and shuffled controls; populations by the published rule (N = 24, 72 successes)".into(),
        cautions: under_each.iter().flat_map(|(_, _, comparison)| covered(comparison)).take(1).collect(),
        details: json!({ "as_it_is": plain, "shown": details, "yoked": yoked }),
        pictures: vec![Picture::Bars {
            title: "Agreement".into(),
            axis: "share of populations that agree".into(),
            rows,
            reference: None,
        }],
    }
}

/// A caution where much rests on states that were not asked about.
pub(super) fn covered(comparison: &Comparison) -> Vec<String> {
    let missing = 1.0 - comparison.covered;
    let words = format!(
        "{:.0} % of the decisions fall on memories that were not asked about; they are taken as their last rounds are (`--all-states` asks about all)",
        100.0 * missing
    );
    if missing > 0.02 { vec![words] } else { Vec::new() }
}
