//! Where does collective bias come from? Populations of the fitted response are compared with populations of the same
//! response in which all names are treated alike. What is left without the labels is no bias; what goes with them sits
//! in how single agents respond to certain memories, where a test without memory cannot see it.

use super::pictures::{bar, percent};
use super::sufficiency::check;
use crate::case::{AuditEntry, Case};
use crate::finding::{BearsOn, Effect, Finding, Finds, Picture, Statistic, Who};
use cratylus_core::Seed;
use cratylus_core::policy::Round;
use cratylus_core::stats::{Proportion, g_test, normalised_entropy, runs_for_equivalence};
use serde_json::json;

pub const ENTRY: AuditEntry = AuditEntry {
    name: "collective-bias",
    words: "do winners need agents that treat names differently, and after which memories do they?",
    ask,
};

/// A memory and its mirror: how differently the same position of two names is answered.
struct Asymmetry {
    window: Box<[Round]>,
    /// How often the two memories occurred.
    visits: f64,
    /// The probability of the first name after the memory, less that of the second after its mirror.
    difference: f64,
}

/// The mirrored memories of two names that differ most, weighed by how often they occurred.
fn asymmetries(case: &Case<'_>) -> Vec<Asymmetry> {
    if case.decisions.n_names != 2 {
        return Vec::new();
    }
    let mirror = |window: &[Round]| window.iter().map(|round| round.map(|name| 1 - name)).collect::<Box<[Round]>>();
    let mut out = Vec::new();
    for (cell, window) in case.decisions.windows.iter().enumerate() {
        let mirrored = mirror(window);
        // Of a memory and its mirror, the one in which I last said the first name stands for both.
        if window.last().is_some_and(|round| round[0] == 1) {
            continue;
        }
        let other = match window.is_empty() {
            true => continue,
            false => case.decisions.windows.iter().position(|known| *known == mirrored),
        };
        let Some(other) = other else { continue };
        let (own, mirrored) = (case.decisions.of(cell), case.decisions.of(other));
        let (n, m) = (own[0] + own[1], mirrored[0] + mirrored[1]);
        if n < 10.0 || m < 10.0 {
            continue;
        }
        out.push(Asymmetry { window: window.clone(), visits: n + m, difference: own[0] / n - mirrored[1] / m });
    }
    let weight = |asymmetry: &Asymmetry| asymmetry.visits.sqrt() * asymmetry.difference.abs();
    out.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
    out.truncate(8);
    out
}

fn ask(case: &Case<'_>) -> Option<Finding> {
    if !case.condition.baseline() {
        return None;
    }
    let winners = case.condition.winners();
    let n: u64 = winners.iter().sum();
    let fitted = check(case, case.fitted());
    let of = |simulated: &[crate::surrogate::Simulated], winner: usize| {
        let won: Vec<bool> = simulated.iter().filter_map(|run| Some(run.outcome.winner? as usize == winner)).collect();
        Proportion::new(won.iter().filter(|&&won| won).count() as u64, won.len().max(1) as u64)
    };
    let [with, alike] = [case.fitted(), case.symmetric()].map(|simulated| of(simulated, fitted.winner));
    let k = winners.len() as f64;
    // Among many names a share may double and stay within a margin that is meant for two.
    let margin = case.options.margins.share.min(0.5 / k);
    let se = 1.645 * (fitted.share.share * (1.0 - fitted.share.share) / n.max(1) as f64).sqrt();
    // With names alike no name can be favoured, so the share to be compared with is known.
    let alike_within = (fitted.share.share - 1.0 / k).abs() + se < margin;
    // Where names are alike, no name can win more often than another: that null is known without simulation.
    let p_alike =
        if n > 0 { g_test(&winners, &vec![1.0 / k; winners.len()], case.options.draws, Seed(case.seed(25))).1 } else { f64::NAN };
    let biased = n >= 5 && p_alike < 0.01;
    let explained = fitted.p_winner.is_nan() || fitted.p_winner >= 0.01;
    let finds = if n >= 5 && alike_within { Finds::SupportsInteraction } else { Finds::CannotTell };
    let name = case.name(fitted.winner);
    let seen = format!(
        "{name} won {} of {n} runs; the fitted response makes that {}, the same with names treated alike {}.",
        winners[fitted.winner],
        percent(with.share),
        percent(alike.share)
    );
    let asymmetries = asymmetries(case);
    let sits = asymmetries.first().map_or(String::new(), |most| {
        format!(
            " It sits above all after the memory {}, where the mirrored memory is answered otherwise by {:.0} points.",
            case.words(&most.window),
            100.0 * most.difference.abs()
        )
    });
    let means = match () {
        () if n < 5 => format!("{n} runs reached consensus: too few to see a bias."),
        () if finds == Finds::SupportsInteraction => format!(
            "{seen} No name is favoured within the margin of {:.0} points, so no outcome was recalled; which name wins was settled by what happened.",
            100.0 * margin
        ),
        () if biased && explained => format!(
            "{seen} The bias of the population is a bias of single agents in how they respond to what happened, which a test without memory cannot see.{sits}"
        ),
        () if biased => format!("{seen} Neither brings about the winners that were recorded."),
        () => format!("{seen} {n} runs cannot tell this from no bias at all."),
    };
    let needed = runs_for_equivalence(1.0 / k, margin);
    let rows = vec![
        bar("recorded", name, Who::Record, fitted.share.share, Some([fitted.share.low, fitted.share.high])),
        bar("fitted response", name, Who::Rival, with.share, Some([with.low, with.high])),
        bar("names alike", name, Who::Control, alike.share, Some([alike.low, alike.high])),
    ];
    let after: Vec<_> = asymmetries
        .iter()
        .map(|asymmetry| {
            let se = (0.5 / asymmetry.visits.sqrt()) * 1.96 * 2.0;
            let d = asymmetry.difference;
            bar(case.words(&asymmetry.window), "", Who::Record, d, Some([(d - se).max(-1.0), (d + se).min(1.0)]))
        })
        .collect();
    let mut pictures = vec![Picture::Bars {
        title: "Wins with and without labels".into(),
        axis: "Share of wins".into(),
        rows,
        reference: Some(1.0 / k),
    }];
    if !after.is_empty() {
        pictures.push(Picture::Bars {
            title: "Mirrored memories that are answered differently".into(),
            axis: format!("P({}) less P({}) after the mirror", case.name(0), case.name(1)),
            rows: after,
            reference: Some(0.0),
        });
    }
    let difference = with.share - alike.share;
    let spread =
        1.96 * ((with.share * (1.0 - with.share) + alike.share * (1.0 - alike.share)) / case.options.populations as f64).sqrt();
    Some(Finding {
        audit: ENTRY.name.into(),
        condition: case.condition.label.clone(),
        bears_on: BearsOn::Response,
        question: "Do the winners need agents that treat names differently?".into(),
        rivals: vec!["names are exchangeable to the agents; which one wins is settled by what happens".into(), "agents respond differently to different names after the same history".into()],
        finds,
        effect: Some(Effect::new(format!("wins of {name} that go with the labels, share"), difference, [difference - spread, difference + spread])),
        statistic: Some(Statistic { name: "share of wins against names alike".into(), value: fitted.share.share, p: Some(p_alike) }),
        means,
        does_not_mean: "A bias that shows only in a population did not emerge from it: it may be there in single agents, in memories that no test asked about. Nor does a label bias show that an outcome was recalled.".into(),
        would_tell: (finds == Finds::CannotTell).then(|| match biased {
            true => "an alias scramble: with fresh labels at every call a bias of labels is impossible, and what is left of the winner's lead is not one".into(),
            false => format!("{needed} runs would show with power 0.8 that no name is favoured by more than {:.0} points", 100.0 * margin),
        }),
        source: "audit reference 0.3, 2.1 and 2.3: simulation of the fitted and the label-symmetrised response".into(),
        cautions: Vec::new(),
        details: json!({
            "winner": name, "share": fitted.share.share, "share_low": fitted.share.low, "share_high": fitted.share.high, "runs": n,
            "fitted_share": with.share, "fitted_p": fitted.p_winner, "symmetric_share": alike.share, "symmetric_p": p_alike,
            "winner_entropy": normalised_entropy(&winners), "biased": biased, "explained": explained,
            "memories": asymmetries.iter().map(|a| json!({ "memory": case.words(&a.window), "visits": a.visits, "difference": a.difference })).collect::<Vec<_>>(),
        }),
        pictures,
    })
}
