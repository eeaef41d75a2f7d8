//! Does what happened decide? Four readings of the record itself: whether what a partner says changes what an agent says
//! next, and two, three, … rounds later, given what the agent said then; whether partners' words help to predict choices at
//! all, on runs left out; whether the names of the first round foretell the winner; and how alike runs are within and
//! between. Influence is counted before consensus only, as afterwards everything follows from everything, and within
//! rounds of a run, so that what all agents of a run share is not taken for it.

use super::pictures::{bar, p_words};
use crate::case::{AuditEntry, Case, NATS_MIN};
use crate::evidence::Decision;
use crate::finding::{BearsOn, Effect, Finding, Finds, Picture, Statistic, Who};
use crate::rivals::{paired, table_scores};
use cratylus_core::stats::{interval, normalised_entropy, ratio, two_sided_t};
use cratylus_core::{Purpose, Seed};
use serde_json::json;
use std::collections::{BTreeMap, VecDeque};

pub const ENTRY: AuditEntry = AuditEntry {
    name: "history",
    words: "does what partners said change what agents say next, and do first rounds foretell the winner?",
    ask,
};

/// An influence smaller than this is taken for none.
const NONE: f64 = 0.02;
/// Partners' words from more rounds before are not looked at one by one.
const LAGS_MAX: usize = 10;

/// One step of an agent: what it said, what its partner said, what it said next.
#[derive(Clone, Copy)]
struct Step {
    run: u32,
    /// Steps of one stratum have run, population round and own word in common.
    stratum: u32,
    own: u16,
    partner: u16,
    next: u16,
}

/// The steps before consensus, in strata of (run, population round, own word): what was said `lag` rounds before.
fn steps(runs: &[Vec<Decision>], ends: &[u64], size: u32, lag: usize) -> Vec<Step> {
    let mut strata: BTreeMap<(u32, u64, u16), u32> = BTreeMap::new();
    let mut out = Vec::new();
    for (run, (decisions, &end)) in (0..).zip(runs.iter().zip(ends)) {
        let mut said: BTreeMap<u32, VecDeque<&Decision>> = BTreeMap::new();
        for decision in decisions.iter().filter(|decision| decision.t < end) {
            let before = said.entry(decision.agent).or_default();
            if before.len() == lag
                && let Some(then) = before.front()
                && let Some(partner) = then.partner
            {
                let next = strata.len() as u32;
                let key = (run, then.t / u64::from(size), then.choice);
                let stratum = *strata.entry(key).or_insert(next);
                out.push(Step { run, stratum, own: then.choice, partner, next: decision.choice });
            }
            before.push_back(decision);
            if before.len() > lag {
                before.pop_front();
            }
        }
    }
    out
}

/// The steps of a stratum, and for each name those that were told it, and those of them that said it next.
type Told = (f64, Vec<[f64; 2]>);

/// The influence of partners: how much likelier an agent is to say a name next if its partner just said it, within
/// strata, with its standard error over runs. NaN where nobody's partner varied.
fn influence(steps: &[Step], k: usize) -> (f64, f64) {
    // For each stratum and name: those told the name, and of them those who said it next; and the same of the others.
    let mut cells: BTreeMap<(u32, u32), Told> = BTreeMap::new();
    for step in steps {
        let (n, names) = cells.entry((step.run, step.stratum)).or_insert_with(|| (0.0, vec![[0.0; 2]; k]));
        *n += 1.0;
        names[step.partner as usize][0] += 1.0;
        names[step.partner as usize][1] += f64::from(u8::from(step.next == step.partner));
    }
    let mut said: BTreeMap<(u32, u32), Vec<f64>> = BTreeMap::new();
    for step in steps {
        said.entry((step.run, step.stratum)).or_insert_with(|| vec![0.0; k])[step.next as usize] += 1.0;
    }
    let mut by_run: BTreeMap<u32, [f64; 2]> = BTreeMap::new();
    for (key, (n, names)) in &cells {
        let said = &said[key];
        for (name, &[told, followed]) in names.iter().enumerate() {
            let others = n - told;
            if told == 0.0 || others == 0.0 {
                continue;
            }
            // Mantel and Haenszel's weight, and the difference of the two shares.
            let weight = told * others / n;
            let difference = followed / told - (said[name] - followed) / others;
            let sums = by_run.entry(key.0).or_default();
            sums[0] += weight * difference;
            sums[1] += weight;
        }
    }
    ratio(&by_run.into_values().collect::<Vec<_>>())
}

/// The information that a partner's word holds of the next own one, given the own word before, in bits (plug-in).
fn transfer(steps: &[Step], partners: &[u16], k: usize) -> f64 {
    let mut counts = vec![0.0f64; k * k * k];
    for (step, &partner) in steps.iter().zip(partners) {
        counts[(step.own as usize * k + partner as usize) * k + step.next as usize] += 1.0;
    }
    let n = steps.len() as f64;
    let mut bits = 0.0;
    for own in 0..k {
        let of = |partner: usize, next: usize| counts[(own * k + partner) * k + next];
        let by_partner: Vec<f64> = (0..k).map(|partner| (0..k).map(|next| of(partner, next)).sum()).collect();
        let by_next: Vec<f64> = (0..k).map(|next| (0..k).map(|partner| of(partner, next)).sum()).collect();
        let all: f64 = by_next.iter().sum();
        for (partner, told) in by_partner.iter().enumerate() {
            for (next, said) in by_next.iter().enumerate() {
                let c = of(partner, next);
                if c > 0.0 {
                    bits += c / n * (c * all / (told * said)).log2();
                }
            }
        }
    }
    bits
}

/// The transfer in excess of what permuting partners' words within strata leaves, the mean of that null, and p.
fn excess(steps: &[Step], k: usize, draws: usize, seed: Seed) -> (f64, f64, f64) {
    let real: Vec<u16> = steps.iter().map(|step| step.partner).collect();
    let observed = transfer(steps, &real, k);
    let mut order: Vec<usize> = (0..steps.len()).collect();
    order.sort_by_key(|&i| (steps[i].run, steps[i].stratum));
    let blocks: Vec<&[usize]> =
        order.chunk_by(|&a, &b| (steps[a].run, steps[a].stratum) == (steps[b].run, steps[b].stratum)).collect();
    let mut permuted = real.clone();
    let (mut sum, mut as_much) = (0.0, 1.0);
    for draw in 0..draws as u64 {
        let mut stream = seed.stream(Purpose::Resample, draw);
        for block in &blocks {
            let mut words: Vec<u16> = block.iter().map(|&i| real[i]).collect();
            let n = words.len();
            stream.shuffle(&mut words, n);
            block.iter().zip(words).for_each(|(&i, word)| permuted[i] = word);
        }
        let null = transfer(steps, &permuted, k);
        sum += null;
        as_much += f64::from(u8::from(null >= observed - 1e-12));
    }
    let mean = sum / draws as f64;
    (observed - mean, mean, as_much / (draws as f64 + 1.0))
}

/// How much more of the first round falls on a run's winner than on the same name in other runs, and p by exchanging
/// winners between runs. None where every run has the same winner.
fn foretold(case: &Case<'_>) -> Option<(f64, f64)> {
    let size = u64::from(case.condition.size());
    let k = case.decisions.n_names;
    let of = |(record, decisions): (&crate::evidence::Record, &Vec<Decision>)| {
        let winner = record.outcome.winner? as usize;
        let mut counts = vec![0.0; k];
        decisions.iter().filter(|decision| decision.t < size).for_each(|decision| counts[decision.choice as usize] += 1.0);
        let n: f64 = counts.iter().sum();
        (n > 0.0 && winner < k).then(|| (winner, counts.into_iter().map(|c| c / n).collect::<Vec<f64>>()))
    };
    let (mut winners, shares): (Vec<usize>, Vec<Vec<f64>>) =
        case.condition.runs.iter().zip(&case.decisions.runs).filter_map(of).unzip();
    if winners.len() < 4 || winners.iter().all(|winner| *winner == winners[0]) {
        return None;
    }
    let n = winners.len() as f64;
    let means: Vec<f64> = (0..k).map(|name| shares.iter().map(|share| share[name]).sum::<f64>() / n).collect();
    let lead =
        |winners: &[usize]| winners.iter().zip(&shares).map(|(&winner, share)| share[winner] - means[winner]).sum::<f64>() / n;
    // A run's own share is in the mean, which takes off a part of the lead.
    let observed = lead(&winners);
    let draws = case.options.draws.min(4000);
    let mut as_much = 1.0;
    for draw in 0..draws as u64 {
        let length = winners.len();
        Seed(case.seed(41)).stream(Purpose::Resample, draw).shuffle(&mut winners, length);
        as_much += f64::from(u8::from(lead(&winners) >= observed - 1e-12));
    }
    Some((observed * n / (n - 1.0), as_much / (draws as f64 + 1.0)))
}

/// The first interaction of the streak with which each run ended in agreement, or its end.
fn ends(case: &Case<'_>) -> Vec<u64> {
    let size = f64::from(case.condition.size());
    let window = case.condition.point.experiment.consensus().window(case.condition.size().into());
    let of = |run: &crate::evidence::Record| match run.outcome.rounds_to_consensus {
        Some(rounds) => ((rounds * size).round() as u64).saturating_sub(window),
        None => u64::MAX,
    };
    case.condition.runs.iter().map(of).collect()
}

/// The influence of partners' words from so many rounds before.
struct Lag {
    value: f64,
    se: f64,
    ends: [f64; 2],
    /// For all lags together.
    p: f64,
}

/// Fewer agents than this are each other's partners so often that influence and its absence cannot be told.
const AGENTS_MIN: u32 = 6;

fn ask(case: &Case<'_>) -> Option<Finding> {
    let k = case.decisions.n_names;
    let (ends, size) = (ends(case), case.condition.size());
    let steps_of = |lag: usize| steps(&case.decisions.runs, &ends, size, lag);
    let last = steps_of(1);
    let most = case.decisions.memory.min(LAGS_MAX);
    let lags: Vec<Lag> = (1..=most)
        .map(|lag| {
            let of_lag;
            let steps = if lag == 1 {
                &last
            } else {
                of_lag = steps_of(lag);
                &of_lag
            };
            let (value, se) = influence(steps, k);
            let n = case.decisions.runs.len();
            Lag { value, se, ends: interval(value, se, n), p: (most as f64 * two_sided_t(value / se, n)).min(1.0) }
        })
        .collect();
    let Lag { value, se, ends: [low, high], .. } = lags[0];
    let draws = case.options.draws.min(500);
    let (bits, by_chance, p) = excess(&last, k, draws, Seed(case.seed(42)));
    // What partners' words add to own ones in predicting choices of runs left out, whatever else they may stand for.
    let whole = &case.ladder().rung("M7", true).by_run;
    let (gain, gain_se) = paired(whole, &table_scores(&case.decisions.without_partners()));
    let adds = gain > 2.0 * gain_se && gain > NATS_MIN;
    let foretold = foretold(case);
    let winners = case.condition.winners();
    let n: u64 = winners.iter().sum();
    let consensus = n as f64 / case.condition.runs.len() as f64;
    let diversity = normalised_entropy(&winners);
    // Nobody is its own partner, and what one says next is what another is told: where nothing has any influence, this
    // makes it negative by a part of one over the number of agents.
    let below = NONE + 1.0 / f64::from(size);
    let beyond = |lag: &Lag| lag.p < 0.01 && (lag.ends[0] > NONE || lag.ends[1] < -below);
    // The last word has a test by permutation of its own.
    let by_last = beyond(&lags[0]) && p < 0.01;
    let strongest = (0..most).filter(|&i| beyond(&lags[i])).max_by(|&a, &b| lags[a].value.abs().total_cmp(&lags[b].value.abs()));
    let found = size >= AGENTS_MIN && (by_last || strongest.is_some_and(|lag| lag > 0));
    let shown = if by_last { 0 } else { strongest.unwrap_or(0) };
    let nowhere = size >= AGENTS_MIN && lags.iter().all(|lag| lag.ends[0] > -below && lag.ends[1] < NONE);
    let finds = match () {
        () if found => Finds::SupportsInteraction,
        () if nowhere && !adds => Finds::SupportsRecall,
        () => Finds::CannotTell,
    };
    let quadrant = match () {
        () if consensus < 0.5 => "few runs agree",
        () if diversity > 0.75 => "runs agree within and differ between: symmetry is broken anew in each",
        () if diversity < 0.25 => "runs agree within and between: biased, or recalled",
        () => "runs agree within and lean to some names between",
    };
    let what = |lag: usize| match lag {
        0 => "a partner's last word".to_string(),
        lag => format!("a partner's word {} rounds before", lag + 1),
    };
    let changed = |lag: usize| {
        let value = lags[lag].value;
        let likelier = if value < 0.0 { "less likely" } else { "likelier" };
        format!("Before consensus, {} makes a name {:.0} points {likelier} to be said", what(lag), 100.0 * value.abs())
    };
    let means = match finds {
        Finds::SupportsInteraction => format!(
            "{} ({}, within run, round and own word). Of {} runs, {quadrant}.",
            changed(shown),
            if shown == 0 { format!("{} by permutation", p_words(p)) } else { p_words(lags[shown].p) },
            case.condition.runs.len()
        ),
        Finds::SupportsRecall => format!(
            "What partners say does not change what agents say, next or up to {most} rounds later: {:.1} points [{:.1}–{:.1}] for the last word, and it does not help to predict choices. Whatever the agents agree on, they do not get it from the partners on record.",
            100.0 * value,
            100.0 * low,
            100.0 * high
        ),
        Finds::CannotTell if size < AGENTS_MIN => format!(
            "{size} agents are each other's partners so often that what one says and what it is told cannot be taken apart."
        ),
        Finds::CannotTell if !value.is_finite() => {
            "Before consensus no agent's partners said different names, so nothing can be seen of their influence.".into()
        }
        Finds::CannotTell if nowhere => format!(
            "No single word of a partner changes what an agent says within a round of its run, and yet partners' words help to predict choices ({gain:.0} ± {gain_se:.0} nats on runs left out): they stand for something that all agents of a run share, or agents are not numbered as they were."
        ),
        Finds::CannotTell => format!("{}, which is too uncertain to tell from nothing ({}).", changed(0), p_words(p)),
    };
    let early = foretold.map_or(String::new(), |(lead, p)| {
        format!(" The winner leads by {:.1} points in the first round ({}).", 100.0 * lead, p_words(p))
    });
    let mut rows = Vec::new();
    for (lag, of) in lags.iter().enumerate().filter(|(_, of)| of.value.is_finite()) {
        let ends = of.ends.iter().all(|end| end.is_finite()).then_some(of.ends);
        rows.push(bar(what(lag), "", Who::Record, of.value, ends));
    }
    if let Some((lead, _)) = foretold {
        rows.push(bar("winner's lead in the first round", "", Who::Record, lead, None));
    }
    let Lag { value: effect, ends: interval, .. } = lags[shown];
    let known = effect.is_finite() && interval.iter().all(|end| end.is_finite());
    Some(Finding {
        audit: ENTRY.name.into(),
        condition: case.condition.label.clone(),
        bears_on: BearsOn::Interaction,
        question: "Does what partners say change what agents say afterwards?".into(),
        rivals: vec!["agents respond to their partners".into(), "agents choose by themselves: recall, inertia, or a program that chooses for all".into()],
        finds,
        effect: known.then(|| Effect::new(format!("influence of {}, difference of probabilities", what(shown)), effect, interval)),
        statistic: Some(Statistic { name: "transfer of information above its permutation null, bits".into(), value: bits, p: Some(p) }),
        means: means + &early,
        does_not_mean: "Influence of partners is needed for emergence and does not show that the response was not recalled: a recalled rule tells agents to follow, too.".into(),
        would_tell: match finds {
            Finds::CannotTell if size < AGENTS_MIN => Some(format!("populations of {AGENTS_MIN} agents or more")),
            Finds::CannotTell if nowhere => Some("what agents were shown beside their memories, and whether they are numbered alike throughout".into()),
            Finds::CannotTell => Some("more runs, or runs that take longer to agree, so that partners differ before consensus".into()),
            _ => None,
        },
        source: "audit reference 5: influence by Mantel & Haenszel's weights over strata, transfer entropy with a permutation null, before consensus; quadrants of consensus and diversity".into(),
        cautions: Vec::new(),
        details: json!({
            "steps": last.len(), "influence": value, "influence_se": se, "transfer_bits": bits + by_chance, "permuted_bits": by_chance, "transfer_p": p,
            "by_lag": lags.iter().enumerate().map(|(lag, of)| json!({ "rounds_before": lag + 1, "influence": of.value, "se": of.se, "p": of.p })).collect::<Vec<_>>(),
            "found": found, "nowhere": nowhere, "adds": adds, "few_agents": size < AGENTS_MIN, "partners_gain": gain, "partners_gain_se": gain_se, "decisions": case.decisions.len(),
            "first_round_lead": foretold.map(|(lead, p)| json!({ "lead": lead, "p": p })),
            "within_run_consensus": consensus, "between_run_diversity": diversity, "quadrant": quadrant,
        }),
        pictures: if rows.is_empty() { Vec::new() } else {
            vec![Picture::Bars { title: "What the past does".into(), axis: "Difference of probabilities".into(), rows, reference: Some(0.0) }]
        },
    })
}
