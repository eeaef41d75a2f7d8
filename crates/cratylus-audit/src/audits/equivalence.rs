//! Is the record observationally equivalent to a surrogate, and to which? Margins are declared beforehand. A surrogate
//! is equivalent if the 90 % interval of every difference lies within its margin (two one-sided tests at 5 %,
//! intersection of unions, so no correction is due); if not, it is different where any 95 % interval excludes zero; and
//! otherwise nothing is decided, whatever a test that finds no difference may suggest.

use super::pictures::bar;
use crate::case::{AuditEntry, Case};
use crate::finding::{BearsOn, Effect, Finding, Finds, Picture, Who};
use crate::surrogate::Simulated;
use cratylus_core::stats::{mean_sd, runs_for_equivalence};
use serde_json::json;

pub const ENTRY: AuditEntry = AuditEntry {
    name: "equivalence",
    words: "to which surrogate is the record equivalent, within margins declared beforehand?",
    ask,
};

/// Success is compared after so many population rounds.
const ROUNDS: [usize; 3] = [1, 3, 10];

#[derive(Clone, Copy, PartialEq, Debug)]
enum Judged {
    Equivalent,
    Different,
    Undecided,
}

impl Judged {
    fn words(self) -> &'static str {
        match self {
            Judged::Equivalent => "equivalent",
            Judged::Different => "different",
            Judged::Undecided => "undecided",
        }
    }
}

/// One statistic of the record and of a surrogate: their difference, its standard error and its margin.
struct Compared {
    name: String,
    difference: f64,
    se: f64,
    margin: f64,
}

impl Compared {
    fn judged(&self) -> Judged {
        if self.difference.abs() + 1.645 * self.se <= self.margin {
            Judged::Equivalent
        } else if self.difference.abs() > 1.96 * self.se {
            Judged::Different
        } else {
            Judged::Undecided
        }
    }
}

/// What is compared of a run: by name of its winner, its time, and its success after some rounds.
struct Sample {
    wins: Vec<f64>,
    log_times: Vec<f64>,
    success: [Vec<f64>; ROUNDS.len()],
}

fn success_at(rounds: &[[u64; 2]], consensus: bool, round: usize) -> Option<f64> {
    match rounds.get(round - 1) {
        Some(&[s, n]) if n > 0 => Some(s as f64 / n as f64),
        None if consensus => Some(1.0),
        _ => None,
    }
}

fn sample<'r>(
    runs: impl Iterator<Item = (&'r cratylus_core::watch::outcome::Outcome, Vec<[u64; 2]>)>,
    winner: u32,
    size: f64,
) -> Sample {
    let mut out = Sample { wins: Vec::new(), log_times: Vec::new(), success: Default::default() };
    for (outcome, rounds) in runs {
        out.wins.push(f64::from(u8::from(outcome.winner == Some(winner))));
        out.log_times.extend(outcome.rounds_to_consensus.map(|rounds| (rounds * size).ln()));
        for (values, &round) in out.success.iter_mut().zip(&ROUNDS) {
            values.extend(success_at(&rounds, outcome.consensus, round));
        }
    }
    out
}

fn compare(case: &Case<'_>, record: &Sample, surrogate: &Sample, winner: &str) -> Vec<Compared> {
    let margins = case.options.margins;
    let of = |name: String, a: &[f64], b: &[f64], margin: f64, binary: bool| {
        let ((mean_a, sd_a), (mean_b, sd_b)) = (mean_sd(a), mean_sd(b));
        let (n, m) = (a.len() as f64, b.len() as f64);
        // Shares near 0 or 1 have no spread in a sample, and are no surer for it (Agresti & Coull 1998).
        let spread = |mean: f64, n: f64| {
            let p = (mean * n + 2.0) / (n + 4.0);
            p * (1.0 - p) / (n + 4.0)
        };
        let variance = if binary { spread(mean_a, n) + spread(mean_b, m) } else { sd_a.powi(2) / n + sd_b.powi(2) / m };
        Compared { name, difference: mean_a - mean_b, se: variance.sqrt(), margin }
    };
    let mut all = vec![of(format!("share of wins of {winner}"), &record.wins, &surrogate.wins, margins.share, true)];
    if record.log_times.len() > 1 {
        match surrogate.log_times.len() > 1 {
            true => {
                all.push(of("log time to consensus".into(), &record.log_times, &surrogate.log_times, margins.log_time, false))
            }
            // A surrogate that never agrees has no time to compare, and is different for that.
            false => all.push(Compared {
                name: "log time to consensus (never reached)".into(),
                difference: f64::INFINITY,
                se: 0.0,
                margin: margins.log_time,
            }),
        }
    }
    for (round, (a, b)) in ROUNDS.iter().zip(record.success.iter().zip(&surrogate.success)) {
        if a.len() > 1 && b.len() > 1 {
            all.push(of(format!("success in round {round}"), a, b, margins.success, false));
        }
    }
    all
}

fn judged(all: &[Compared]) -> Judged {
    if all.iter().all(|one| one.judged() == Judged::Equivalent) {
        Judged::Equivalent
    } else if all.iter().any(|one| one.judged() == Judged::Different) {
        Judged::Different
    } else {
        Judged::Undecided
    }
}

fn ask(case: &Case<'_>) -> Option<Finding> {
    if !case.condition.baseline() {
        return None;
    }
    let size = case.condition.size();
    let winners = case.condition.winners();
    let winner = (0..winners.len()).max_by_key(|&name| winners[name])?;
    let recorded = case.condition.runs.iter().map(|run| (&run.outcome, run.success_by_round(size)));
    let record = sample(recorded, winner as u32, f64::from(size));
    let surrogates: [(&str, &[Simulated]); 3] = [
        ("the fitted response", case.fitted()),
        ("the same, names alike", case.symmetric()),
        ("recall without memory", case.memoryless()),
    ];
    let name = case.name(winner);
    let mut compared: Vec<(String, Vec<Compared>)> = surrogates
        .iter()
        .map(|(label, runs)| {
            let simulated = sample(runs.iter().map(|run| (&run.outcome, run.rounds.clone())), winner as u32, f64::from(size));
            (label.to_string(), compare(case, &record, &simulated, name))
        })
        .collect();
    for other in case.against.iter().filter(|other| other.size() == size && other.label != case.condition.label) {
        let Some(place) = other.names().iter().position(|word| word == name) else { continue };
        let runs = other.runs.iter().map(|run| (&run.outcome, run.success_by_round(size)));
        let surrogate = sample(runs, place as u32, f64::from(size));
        if surrogate.wins.len() >= 2 {
            compared.push((other.label.clone(), compare(case, &record, &surrogate, name)));
        }
    }
    let of: Vec<Judged> = compared.iter().map(|(_, all)| judged(all)).collect();
    let enough = case.condition.runs.len() >= 8;
    let finds = match (of[0], of[2]) {
        _ if !enough => Finds::CannotTell,
        (_, Judged::Equivalent) => Finds::SupportsRecall,
        (Judged::Equivalent, Judged::Different) => Finds::SupportsInteraction,
        _ => Finds::CannotTell,
    };
    let each: Vec<String> = compared.iter().zip(&of).map(|((label, _), judged)| format!("{label}: {}", judged.words())).collect();
    let unmet: Vec<String> = compared[0]
        .1
        .iter()
        .filter(|one| one.judged() != Judged::Equivalent)
        .map(|one| format!("{} ({:+.2} ± {:.2}, margin {:.2})", one.name, one.difference, 1.645 * one.se, one.margin))
        .collect();
    let missed =
        if unmet.is_empty() { String::new() } else { format!(" The fitted response misses its margin in {}.", unmet.join(", ")) };
    let share = record.wins.iter().sum::<f64>() / record.wins.len().max(1) as f64;
    let needed = runs_for_equivalence(share.clamp(0.05, 0.95), case.options.margins.share);
    let rows = compared.iter().flat_map(|(label, all)| {
        all.iter().filter(|one| one.difference.is_finite()).map(move |one| {
            let (d, se) = (one.difference / one.margin, 1.645 * one.se / one.margin);
            let who = if label.starts_with("recall") { Who::Control } else { Who::Rival };
            bar(one.name.clone(), label, who, d, Some([d - se, d + se]))
        })
    });
    let first = &compared[0].1[0];
    Some(Finding {
        audit: ENTRY.name.into(),
        condition: case.condition.label.clone(),
        bears_on: BearsOn::Interaction,
        question: "To what is the record observationally equivalent?".into(),
        rivals: compared.iter().map(|(label, _)| label.clone()).collect(),
        finds,
        effect: Some(Effect {
            level: 0.90,
            ..Effect::new(format!("{} less that of the fitted response", first.name), first.difference, [first.difference - 1.645 * first.se, first.difference + 1.645 * first.se])
        }),
        statistic: None,
        means: format!("{}.{missed}", each.join("; ")),
        does_not_mean: "Equivalent means: no farther apart than the margins in the statistics that were declared. It does not mean that the mechanism is the same.".into(),
        would_tell: (of[0] == Judged::Undecided || !enough).then(|| format!("{needed} runs bring a share within {:.0} points with power 0.8, if it does not differ", 100.0 * case.options.margins.share)),
        source: "audit reference 4.4: two one-sided tests (Schuirmann 1987), intersection-union".into(),
        cautions: Vec::new(),
        details: json!({
            "margins": { "share": case.options.margins.share, "log_time": case.options.margins.log_time, "success": case.options.margins.success },
            "runs_for_power_0.8": needed,
            "surrogates": compared.iter().zip(&of).map(|((label, all), judged)| json!({
                "surrogate": label, "judged": judged.words(),
                "statistics": all.iter().map(|one| json!({
                    "name": one.name, "difference": one.difference.is_finite().then_some(one.difference), "se": one.se, "margin": one.margin, "judged": one.judged().words(),
                })).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
        }),
        pictures: vec![Picture::Bars {
            title: "Differences from the record, in margins".into(),
            axis: "Difference (1 = the margin)".into(),
            rows: rows.collect(),
            reference: Some(0.0),
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // Audit reference 4.4: 26 of 40 against 0.64 is equivalent at a margin of 0.15 and undecided at 0.10.
    #[test]
    fn the_worked_example_is_judged_as_it_was() {
        let se = (0.65f64 * 0.35 / 40.0).sqrt();
        let of = |margin| Compared { name: String::new(), difference: 0.01, se, margin }.judged();
        assert_eq!(of(0.15), Judged::Equivalent);
        assert_eq!(of(0.10), Judged::Undecided);
        assert_eq!([0.15, 0.10, 0.05].map(|margin| runs_for_equivalence(0.65, margin)), [87, 195, 780]);
    }
}
