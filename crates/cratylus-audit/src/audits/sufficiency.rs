//! Does the fitted response suffice? Played as a population, with nothing else added, it must bring about the winners,
//! the times to consensus and the success over rounds that were recorded (a predictive check), and it must be the same
//! response in every run (exchangeability, by permutation). What fails here depends on more than memory: a backend that
//! changed, a prompt that was not the same, agents that differ.

use super::pictures::{curve, p_words, percent, sample};
use crate::case::{AuditEntry, Case};
use crate::evidence::{Condition, Decisions};
use crate::exchangeability::{Choices, SHORT, permuted};
use crate::finding::{BearsOn, Effect, Finding, Finds, Picture, Statistic, Who};
use crate::same_response::SameResponse;
use crate::surrogate::{Simulated, success_curve};
use cratylus_core::policy::Round;
use cratylus_core::stats::{Proportion, fisher_test, g_test, mean_sd};
use cratylus_core::{Purpose, Seed};
use serde_json::json;
use std::sync::Arc;

pub const ENTRY: AuditEntry = AuditEntry {
    name: "sufficiency",
    words: "does the fitted response, played as a population, reproduce the record, and is it the same in every run?",
    ask,
};

const PERMUTATIONS: usize = 499;

/// What a population's record is compared by.
pub(super) struct SufficiencyCheck {
    /// The most frequent winner of the record, and its share there and in the simulation.
    pub winner: usize,
    pub share: Proportion,
    pub simulated_share: f64,
    /// The probability of winners as far from the simulated ones (G).
    pub p_winner: f64,
    /// Means of the logarithm of the time to consensus in interactions.
    pub log_time: f64,
    pub simulated_log_time: f64,
    pub p_time: f64,
    /// The share of runs that reached consensus.
    pub consensus: Proportion,
    pub simulated_consensus: f64,
}

/// Compares a record with simulated populations, by batches of as many runs.
pub(super) fn check(case: &Case<'_>, simulated: &[Simulated]) -> SufficiencyCheck {
    let winners = case.condition.winners();
    let n: u64 = winners.iter().sum();
    let winner = (0..winners.len()).max_by_key(|&name| winners[name]).unwrap_or(0);
    let size = f64::from(case.condition.size());
    let won: Vec<bool> = simulated.iter().filter_map(|run| Some(run.outcome.winner? as usize == winner)).collect();
    let simulated_share = won.iter().filter(|&&won| won).count() as f64 / won.len().max(1) as f64;
    let logs = |times: &[f64]| times.iter().map(|time| time.ln()).collect::<Vec<f64>>();
    let recorded = logs(&case.times());
    let times: Vec<f64> = simulated.iter().filter_map(|run| Some((run.outcome.rounds_to_consensus? * size).ln())).collect();
    let (log_time, _) = mean_sd(&recorded);
    let (simulated_log_time, _) = mean_sd(&times);
    let draws = case.options.draws.min(4000);
    // All names together: which of them leads was seen in the same data. Half a win keeps what never won possible.
    let mut wins = vec![0.5; winners.len()];
    simulated.iter().filter_map(|run| run.outcome.winner).for_each(|winner| wins[winner as usize] += 1.0);
    let all: f64 = wins.iter().sum();
    let shares: Vec<f64> = wins.iter().map(|wins| wins / all).collect();
    let p_winner = if n > 0 && !won.is_empty() { g_test(&winners, &shares, draws, Seed(case.seed(21))).1 } else { f64::NAN };
    let batch = |of: usize, draw: u64, purpose: u64| {
        let mut stream = Seed(case.seed(purpose)).stream(Purpose::Resample, draw);
        move || stream.below(of as u64) as usize
    };
    let mut as_far_time = 1.0;
    for draw in 0..draws as u64 {
        if !times.is_empty() && !recorded.is_empty() {
            let mut place = batch(times.len(), draw, 22);
            let mean = (0..recorded.len()).map(|_| times[place()]).sum::<f64>() / recorded.len() as f64;
            as_far_time += f64::from(u8::from((mean - simulated_log_time).abs() >= (log_time - simulated_log_time).abs()));
        }
    }
    let p = |as_far: f64, known: bool| if known { as_far / (draws as f64 + 1.0) } else { f64::NAN };
    let reached = case.condition.runs.iter().filter(|run| run.outcome.consensus).count() as u64;
    let agreed = simulated.iter().filter(|run| run.outcome.consensus).count() as f64;
    SufficiencyCheck {
        winner,
        share: Proportion::new(winners[winner], n.max(1)),
        simulated_share,
        p_winner,
        log_time,
        simulated_log_time,
        p_time: p(as_far_time, !recorded.is_empty() && !times.is_empty()),
        consensus: Proportion::new(reached, case.condition.runs.len() as u64),
        simulated_consensus: agreed / simulated.len().max(1) as f64,
    }
}

/// Whether the response is one function of the memory in every run: chi-squared over its degrees of freedom and p, of
/// all memories and of those of at most two rounds.
///
/// Within memories, runs are exchanged. That is not quite fair: which memories a run comes to, and when it stops,
/// depends on its choices, so small p come up about twice as often as they should. Where p is small, the same statistic
/// of populations that follow the fitted response in every run takes the place of the permutations.
pub(super) fn exchangeable(case: &Case<'_>) -> Option<[(f64, f64); 2]> {
    let permuted = statistics(case, PERMUTATIONS)?;
    if permuted.iter().all(|(_, p)| *p > DOUBTFUL) {
        return Some(permuted);
    }
    let mut as_large = [1.0; 2];
    let mut same = SameResponse::new(case.condition, Arc::new(case.response().clone()));
    for played in 0..PLAYED {
        if let Some(of_played) = same.statistics(case.seed(23 + 1000 * (played + 1))) {
            for i in 0..2 {
                as_large[i] += f64::from(u8::from(of_played[i] >= permuted[i].0));
            }
        }
    }
    let p = |i: usize| if permuted[i].1 > DOUBTFUL { permuted[i].1 } else { as_large[i] / (PLAYED as f64 + 1.0) };
    Some([(permuted[0].0, p(0)), (permuted[1].0, p(1))])
}

/// Below this, a p by permutation is not taken at its word.
const DOUBTFUL: f64 = 0.1;
/// How many records are played in its place.
const PLAYED: u64 = 399;

/// The statistic of what is on record, and its p by permutation.
fn statistics(case: &Case<'_>, permutations: usize) -> Option<[(f64, f64); 2]> {
    let Decisions { windows, runs, .. } = &case.decisions;
    let mut cells: Vec<(usize, Choices)> = vec![Default::default(); windows.len()];
    for (number, run) in (1..).zip(runs) {
        for decision in run {
            let (last, choices) = &mut cells[decision.cell as usize];
            choices.push(std::mem::replace(last, number) != number, decision.choice == 0);
        }
    }
    // In the order of what is remembered, and not of when it first came up.
    let mut order: Vec<usize> = (0..windows.len()).collect();
    order.sort_by(|&a, &b| windows[a].cmp(&windows[b]));
    let of = |longest: usize| {
        let within = order.iter().filter(|&&cell| windows[cell].len() <= longest);
        permuted(within.map(|&cell| cells[cell].1.clone()), permutations, Seed(case.seed(24)))
    };
    Some([of(usize::MAX)?, of(SHORT)?])
}

/// A memory that agents were asked about alone, and came to in populations.
struct Asked {
    memory: String,
    name: usize,
    /// How often the name was chosen, and of how many choices: alone, and in populations.
    alone: [u64; 2],
    meeting: [u64; 2],
    p: f64,
}

/// Answers of agents asked alone about a memory, beside choices from the same memory in populations: a response that is
/// a function of the memory alone is the same in both.
fn asked_alone(case: &Case<'_>) -> Vec<Asked> {
    let names = case.condition.names();
    let of = |other: &Condition| {
        let memory =
            other.point.experiment.population.start.memory.as_ref().filter(|_| other.alone() && case.same_agents(other))?;
        let place = |word: &String| names.iter().position(|name| name == word).map(|place| place as u16);
        let window: Option<Vec<Round>> = memory.iter().map(|[own, partner]| Some([place(own)?, place(partner)?])).collect();
        let window = window?;
        let cell = case.decisions.windows.iter().position(|known| **known == *window)?;
        let counts = case.decisions.of(cell);
        let mut alone = vec![0u64; names.len()];
        for event in other.runs.iter().flat_map(|run| &run.events) {
            let word = event.names[0].and_then(|name| place(&other.names()[name as usize]));
            word.into_iter().for_each(|name| alone[name as usize] += 1);
        }
        let (n, m) = (alone.iter().sum::<u64>(), counts.iter().sum::<f64>() as u64);
        // The name that was answered most often alone stands for the memory.
        let name = (0..alone.len()).max_by_key(|&name| alone[name])?;
        let (a, b) = (alone[name], counts[name] as u64);
        (n >= 20 && m >= 20).then(|| Asked {
            memory: case.words(&window),
            name,
            alone: [a, n],
            meeting: [b, m],
            p: fisher_test([a, n - a], [b, m - b]),
        })
    };
    case.all.iter().filter_map(of).collect()
}

fn ask(case: &Case<'_>) -> Option<Finding> {
    if !case.condition.baseline() {
        return None;
    }
    let fitted = check(case, case.fitted());
    let memoryless = check(case, case.memoryless());
    let same = exchangeable(case);
    let p_same = same.map_or(1.0, |[(_, all), (_, short)]| (2.0 * all.min(short)).min(1.0));
    let agrees = |p: f64| p.is_nan() || p > 0.01;
    let enough = fitted.consensus.count >= 5;
    let alone = asked_alone(case);
    let differing: Vec<&Asked> = alone.iter().filter(|asked| asked.p * (alone.len() as f64) < 0.01).collect();
    let reproduced = |check: &SufficiencyCheck| {
        let within = (check.consensus.low..=check.consensus.high).contains(&check.simulated_consensus);
        within && agrees(check.p_winner) && agrees(check.p_time)
    };
    let suffices = reproduced(&fitted) && p_same > 0.01;
    let recall = case.condition.runs.len() >= 8 && enough && reproduced(&memoryless);
    let depends = case.ladder().best().entry.remembers;
    let finds = match () {
        () if !enough => Finds::CannotTell,
        () if recall => Finds::SupportsRecall,
        () if suffices && depends => Finds::SupportsInteraction,
        () => Finds::CannotTell,
    };
    let geo = |log: f64| log.exp();
    let name = case.name(fitted.winner);
    let compared = format!(
        "Recorded: {name} won {}, {:.0} interactions to consensus (geometric mean). The fitted response alone: {}, {:.0} ({} and {}).",
        percent(fitted.share.share),
        geo(fitted.log_time),
        percent(fitted.simulated_share),
        geo(fitted.simulated_log_time),
        p_words(fitted.p_winner),
        p_words(fitted.p_time),
    );
    let differs = p_same <= 0.01;
    let means = match finds {
        Finds::SupportsRecall => {
            format!("{compared} Agents that draw from one distribution, whatever they remember, bring about the same.")
        }
        Finds::SupportsInteraction => {
            format!("{compared} The response to memory is enough for what the population did; agents without memory are not.")
        }
        Finds::CannotTell if !enough => {
            format!("{} runs reached consensus: too few to be compared with simulated ones.", fitted.consensus.count)
        }
        Finds::CannotTell if differs => format!(
            "{compared} The response is not the same in every run ({}), so no one agent need reproduce them: something that is not on record differed.",
            p_words(p_same)
        ),
        Finds::CannotTell => format!(
            "{compared} What was recorded is not what the fitted response brings about, so it depends on more than was fitted."
        ),
    };
    let size = case.condition.size();
    let longest = case.condition.runs.iter().map(|run| run.outcome.interactions.div_ceil(u64::from(size))).max().unwrap_or(1);
    let rounds = (longest as usize).clamp(1, 200);
    let recorded: Vec<(bool, Vec<[u64; 2]>)> =
        case.condition.runs.iter().map(|run| (run.outcome.consensus, run.success_by_round(size))).collect();
    let mean = |curve: Vec<Vec<f64>>| curve.iter().map(|values| mean_sd(values).0).collect::<Vec<f64>>();
    let recorded = mean(success_curve(recorded.iter().map(|(consensus, rounds)| (*consensus, &rounds[..])), rounds));
    let of = |runs: &[Simulated]| mean(success_curve(runs.iter().map(|run| (run.outcome.consensus, &run.rounds[..])), rounds));
    let size = f64::from(size);
    let times =
        |runs: &[Simulated]| runs.iter().filter_map(|run| Some(run.outcome.rounds_to_consensus? * size)).collect::<Vec<f64>>();
    let told = |check: &SufficiencyCheck| {
        json!({
            "winner": case.name(check.winner), "share": check.share.share, "simulated_share": check.simulated_share, "p_winner": check.p_winner,
            "geometric_mean_time": geo(check.log_time), "simulated_geometric_mean_time": geo(check.simulated_log_time), "p_time": check.p_time,
            "consensus": check.consensus.share, "simulated_consensus": check.simulated_consensus,
        })
    };
    let difference = fitted.simulated_log_time - fitted.log_time;
    let se = (mean_sd(&times(case.fitted()).iter().map(|t| t.ln()).collect::<Vec<_>>()).1.powi(2)
        / fitted.consensus.count.max(1) as f64)
        .sqrt();
    Some(Finding {
        audit: ENTRY.name.into(),
        condition: case.condition.label.clone(),
        bears_on: BearsOn::Interaction,
        question: "Is the response to memory, played by agents that meet, enough for what the population did?".into(),
        rivals: vec![
            "the fitted response to memory, in interaction".into(),
            "one fixed distribution, without interaction".into(),
            "something else: a response that differed between runs, or depended on more than memory".into(),
        ],
        finds,
        effect: Some(Effect::new("log of simulated over recorded time to consensus", difference, [difference - 1.96 * se, difference + 1.96 * se])),
        statistic: Some(Statistic { name: "predictive check of the mean log time".into(), value: fitted.simulated_log_time - fitted.log_time, p: Some(fitted.p_time) }),
        means,
        does_not_mean: "A response that suffices may come from anywhere: from adaptation, or from a rule recalled from training text.".into(),
        would_tell: match finds {
            Finds::CannotTell if differs => Some("a record of what the server said of itself at every call (live runs here keep it); runs of one build, in one session".into()),
            Finds::CannotTell => Some("more runs from empty memories, or the response asked for directly (`cratylus kernel`) and played".into()),
            _ => None,
        },
        source: "audit reference 2.3 and 5: posterior-predictive check; exchangeability of runs by permutation within memories".into(),
        cautions: differing
            .iter()
            .map(|asked| {
                let [alone, meeting] = [asked.alone, asked.meeting].map(|[k, n]| format!("{:.1} % of {n}", 100.0 * k as f64 / n as f64));
                format!("after the memory {} agents asked alone chose {} in {alone} answers, and in populations in {meeting} ({}): serving, or what they were told, was not the same", asked.memory, case.name(asked.name), p_words(asked.p))
            })
            .collect(),
        details: json!({
            "asked_alone": alone.iter().map(|asked| json!({
                "memory": asked.memory, "name": case.name(asked.name), "alone": asked.alone[0], "alone_of": asked.alone[1],
                "meeting": asked.meeting[0], "meeting_of": asked.meeting[1], "p": asked.p,
            })).collect::<Vec<_>>(),
            "fitted": told(&fitted), "without_memory": told(&memoryless), "populations": case.options.populations,
            "exchangeable": same.map(|[(all, p), (short, short_p)]| json!({ "chi2_per_df": all, "p": p, "short_chi2_per_df": short, "short_p": short_p })),
        }),
        pictures: vec![
            Picture::Samples {
                title: "Interactions to consensus".into(),
                axis: "Interactions to consensus".into(),
                log: true,
                rows: vec![
                    sample("recorded", Who::Record, case.times()),
                    sample("fitted response", Who::Rival, times(case.fitted())),
                    sample("without memory", Who::Control, times(case.memoryless())),
                ],
            },
            Picture::Curves {
                title: "Success over population rounds".into(),
                x: "Population round".into(),
                y: "Success".into(),
                lines: vec![
                    curve("recorded", Who::Record, recorded),
                    curve("fitted response", Who::Rival, of(case.fitted())),
                    curve("without memory", Who::Control, of(case.memoryless())),
                ],
                reference: Some(1.0 / case.decisions.n_names as f64),
            },
        ],
    })
}
