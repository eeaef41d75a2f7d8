//! Do winners follow what agents choose with nothing remembered? That alone is the wrong null: a population that
//! treats all names alike amplifies a small lead of the first moves. So winners are compared with the prior, and with
//! the prior amplified by the response in which names are exchanged freely.
//!
//! Never by an exact test that orders outcomes by their probability: it calls twenty wins of one of 26 names likely.

use super::pictures::{bar, curve, p_words, percent};
use crate::case::{AuditEntry, Case};
use crate::evidence::Condition;
use crate::finding::{BearsOn, Effect, Finding, Finds, Picture, Statistic, Who};
use cratylus_core::Seed;
use cratylus_core::policy::{Policy, Round};
use cratylus_core::stats::{Proportion, e_process, g_test, normalised_entropy, runs_to_tell, uniform_test};
use serde_json::json;
use std::sync::Arc;

pub const ENTRY: AuditEntry =
    AuditEntry { name: "prior", words: "do winners follow what agents choose with nothing remembered, even amplified?", ask };

/// A prior this far from equal shares, in total variation, could decide an outcome by itself.
const FAR: f64 = 0.1;

/// A response with first moves of its own.
struct FirstMove {
    first: Vec<f64>,
    then: Arc<dyn Policy>,
}

impl Policy for FirstMove {
    fn distribution(&self, window: &[Round], out: &mut [f64]) {
        match window {
            [] => out.copy_from_slice(&self.first),
            _ => self.then.distribution(window, out),
        }
    }
}

/// Choices with nothing remembered: of agents asked alone, where they are among the conditions, or else of this
/// condition's own first moves.
pub(super) fn prior(case: &Case<'_>) -> (Vec<f64>, String) {
    let alone = |other: &&Condition| {
        let start = &other.point.experiment.population.start;
        other.alone() && start.memory.is_none() && start.consensus.is_none() && case.same_agents(other)
    };
    let Some(asked) = case.all.iter().find(alone) else {
        return (case.decisions.first_choices(), "the first moves of the record".into());
    };
    let mut counts = vec![0.0; case.decisions.n_names];
    for event in asked.runs.iter().flat_map(|run| &run.events) {
        let word = event.names[0].map(|name| &asked.names()[name as usize]);
        if let Some(place) = word.and_then(|word| case.condition.names().iter().position(|name| name == word)) {
            counts[place] += 1.0;
        }
    }
    (counts, asked.label.clone())
}

/// How often each name wins where names are exchanged freely but for the first move.
pub(super) fn amplified(case: &Case<'_>, first: &[f64], purpose: u64) -> Vec<f64> {
    let policy = FirstMove { first: first.to_vec(), then: Arc::new(case.symmetric_response().clone()) };
    let runs = case.play_policy(Arc::new(policy), purpose);
    let mut wins = vec![0.0; first.len()];
    runs.iter().filter_map(|run| run.outcome.winner).for_each(|winner| wins[winner as usize] += 1.0);
    let all: f64 = wins.iter().map(|n| n + 0.5).sum();
    wins.iter().map(|n| (n + 0.5) / all).collect()
}

fn ask(case: &Case<'_>) -> Option<Finding> {
    if !case.condition.baseline() {
        return None;
    }
    let winners = case.condition.winners();
    let n: u64 = winners.iter().sum();
    let k = winners.len();
    let (counts, source) = prior(case);
    let asked: f64 = counts.iter().sum();
    if asked == 0.0 {
        return None;
    }
    let first: Vec<f64> = counts.iter().map(|count| (count + 0.5) / (asked + 0.5 * k as f64)).collect();
    let amplified = amplified(case, &first, 11);
    let whole: Vec<u64> = counts.iter().map(|&count| count as u64).collect();
    let (_, _, p_uniform) = uniform_test(&whole);
    let distance = 0.5 * first.iter().map(|p| (p - 1.0 / k as f64).abs()).sum::<f64>();
    let far = distance >= FAR && p_uniform < 0.001;
    let seed = Seed(case.seed(12));
    let against_prior = (n > 0).then(|| g_test(&winners, &first, case.options.draws, seed));
    let against_amplified = (n > 0).then(|| g_test(&winners, &amplified, case.options.draws, seed));
    let in_order = || case.condition.runs.iter().filter_map(|run| run.outcome.winner).map(|winner| winner as usize);
    let wealth = e_process(in_order(), &first);
    let wealth_amplified = e_process(in_order(), &amplified);
    let stopped = wealth.iter().position(|&log| log >= 20f64.log10()).map(|run| run + 1);
    let most = (0..k).max_by_key(|&name| winners[name]).unwrap_or(0);
    let share = Proportion::new(winners[most], n.max(1));
    let p_amplified = against_amplified.map_or(f64::NAN, |(_, p)| p);
    let finds = match () {
        () if n < 5 => Finds::CannotTell,
        () if far && p_amplified > 0.05 => Finds::SupportsRecall,
        // Winners that the prior does not explain are against the prior, and for nothing: runs may have been left out, a
        // name may be what agents go to in doubt, and some may recall it.
        () => Finds::CannotTell,
    };
    let name = case.name(most);
    let seen = format!(
        "{name} won {} of {n} runs; with nothing remembered it is chosen {:.1} % of the time ({asked} choices), which amplified would make {} of wins.",
        winners[most],
        100.0 * first[most],
        percent(amplified[most]),
    );
    let means = match finds {
        Finds::SupportsRecall => {
            format!(
                "{seen} Agents do not treat names alike before anything happened, and the winners are those that this, amplified, would bring about."
            )
        }
        _ if n < 5 => format!("{n} runs reached consensus: too few to compare their winners with anything."),
        _ if p_amplified < 0.01 => format!(
            "{seen} Against the prior: what agents prefer before anything happened does not explain the winners ({}), even amplified. What does is not said by that.",
            p_words(p_amplified)
        ),
        _ if p_amplified > 0.05 => format!(
            "{seen} The winners are compatible with the amplified prior ({}), and a prior this close to equal shares says nothing either way.",
            p_words(p_amplified)
        ),
        _ => format!(
            "{seen} The winners are neither compatible with the amplified prior nor clearly apart from it ({}).",
            p_words(p_amplified)
        ),
    };
    let needed = runs_to_tell(share.share.clamp(0.001, 0.999), amplified[most].clamp(0.001, 0.999));
    let would_tell = match (finds, needed) {
        (Finds::CannotTell, Some(runs)) if n >= 5 && runs as f64 > n as f64 => {
            format!("about {runs} runs would tell a share of {} from the amplified prior with power 0.8", percent(share.share))
        }
        (Finds::CannotTell, _) if n < 5 => "more runs, or a stop rule that lets them reach consensus".to_string(),
        _ => "an alias scramble: with fresh labels at every call no name can be preferred, and winners must spread evenly"
            .to_string(),
    };
    let pair = |test: Option<(f64, f64)>| test.map(|(g, p)| json!({ "g": g, "p": p }));
    let by_name = |values: &[f64]| -> serde_json::Value {
        case.condition
            .names()
            .iter()
            .zip(values)
            .map(|(name, value)| (name.clone(), json!(value)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let shown: Vec<usize> = {
        let mut order: Vec<usize> = (0..k).collect();
        order.sort_by_key(|&name| std::cmp::Reverse(winners[name]));
        order.truncate(6);
        order
    };
    let rows = shown.iter().flat_map(|&name| {
        let share = Proportion::new(winners[name], n.max(1));
        let asked = Proportion::new(whole[name], asked as u64);
        let group = case.name(name);
        [
            bar("won", group, Who::Record, share.share, Some([share.low, share.high])),
            bar("chosen with nothing remembered", group, Who::Reference, asked.share, Some([asked.low, asked.high])),
            bar("the same, amplified", group, Who::Rival, amplified[name], None),
        ]
    });
    Some(Finding {
        audit: ENTRY.name.into(),
        condition: case.condition.label.clone(),
        bears_on: BearsOn::Response,
        question: "Are the winners what agents would choose with nothing remembered, amplified or not?".into(),
        rivals: vec![
            "the prior: the outcome that agents recall before anything happened".into(),
            "the prior amplified by a response that treats names alike".into(),
            "something in the response to what happened".into(),
        ],
        finds,
        effect: Some(Effect::new(format!("share of wins of {name}"), share.share, [share.low, share.high])),
        statistic: against_amplified.map(|(g, p)| Statistic { name: "G against the amplified prior".into(), value: g, p: Some(p) }),
        means,
        does_not_mean: "One winner in every run is no evidence of recall: agents that never saw a game can do the same through a bias in how they respond to what happened.".into(),
        would_tell: Some(would_tell),
        source: "audit reference 2.1, 2.6; G test with Monte-Carlo p; e-process of Krichevsky & Trofimov 1981 with Ville's inequality".into(),
        cautions: Vec::new(),
        details: json!({
            "prior_from": source, "prior_n": asked, "prior": by_name(&first), "prior_p_uniform": p_uniform, "prior_distance": distance,
            "amplified": by_name(&amplified), "winners": by_name(&winners.iter().map(|&n| n as f64).collect::<Vec<_>>()),
            "against_prior": pair(against_prior), "against_amplified": pair(against_amplified),
            "max_share": share.share, "winner_entropy": normalised_entropy(&winners),
            "e_process_stops_after": stopped, "log10_e": wealth.last(), "log10_e_amplified": wealth_amplified.last(),
        }),
        pictures: vec![
            Picture::Bars { title: "Winners and priors".into(), axis: "Share".into(), rows: rows.collect(), reference: Some(1.0 / k as f64) },
            Picture::Curves {
                title: "Evidence against the prior, run by run".into(),
                x: "Runs".into(),
                y: "Evidence (log10 of e)".into(),
                lines: vec![curve("against the prior", Who::Record, wealth), curve("against the amplified prior", Who::Rival, wealth_amplified)],
                reference: Some(20f64.log10()),
            },
        ],
    })
}
