//! Does agreement need interaction? Agents of the fitted response meet as in the record, but each is told, in place of
//! what its partner said, a history that was recorded for some agent of some run, frozen, its names permuted at random
//! for each agent. Where agreement is a matter of interaction, it falls to chance; where agents bring it with them, it
//! survives.
//!
//! A control that looks alike is wrong: partners' words from runs that go on at the same time, with names in the same
//! places. It couples all the runs to one another, so that they agree the more; a test below keeps it, to show why.
//!
//! Before anything was said there is nothing to agree by: the two of a run's first interaction that choose alike have
//! something in common that is not on record, such as a program that chooses for them. Agents who begin later may know, by
//! a way that is not on record, what others said, so they show no more than that something is shared.
//!
//! Agreement that is lost without partners need not come from them, if it comes from something that neither agents'
//! memories nor the simulation hold. So the fitted response must also bring agreement about, where agents meet.

use super::pictures::{curve, p_words, percent};
use crate::case::{AuditEntry, Case};
use crate::evidence::count_by_round;
use crate::finding::{BearsOn, Effect, Finding, Finds, Picture, Statistic, Who};
use crate::rivals::Fitted;
use crate::surrogate::{histories, success_curve, yoked};
use cratylus_core::policy::Policy;
use cratylus_core::stats::{interval, mean_sd};
use cratylus_core::{Purpose, Seed};
use serde_json::json;
use std::sync::Arc;

pub const ENTRY: AuditEntry = AuditEntry {
    name: "interaction",
    words: "does agreement fall to chance when agents are told frozen histories of others?",
    ask,
};

/// How many yoked populations are played for each response.
const YOKED: u64 = 40;
/// Agents of one run that agree so much before anything was said to them, of all they could, share something.
const COMMON: f64 = 0.25;
/// The fitted response must bring about at least this much of the agreement that is lost without partners.
const CARRIED: f64 = 0.5;

/// Where less than this of the agreement survives without partners, it was a matter of them.
const HALF: f64 = 0.5;
/// Where more than this survives, agents bring it with them; between the two, nothing is decided.
const MOST: f64 = 0.6;

/// How often two agents of one run agree before anything was said to either, less how often agents of two runs do; and
/// the probability of as much where runs are exchanged. `before` says which of these decisions count.
fn common(case: &Case<'_>, before: impl Fn(&crate::evidence::Decision) -> bool) -> Option<Common> {
    let empty = case.decisions.windows.iter().position(|window| window.is_empty())? as u32;
    let k = case.decisions.n_names;
    let first = |run: &Vec<crate::evidence::Decision>| {
        let of = run.iter().filter(|decision| decision.cell == empty && before(decision));
        of.map(|decision| decision.choice).collect::<Vec<u16>>()
    };
    let mut runs: Vec<Vec<u16>> = case.decisions.runs.iter().map(first).filter(|run| run.len() > 1).collect();
    if runs.len() < 2 {
        return None;
    }
    let within = |runs: &[Vec<u16>]| {
        let (mut alike, mut pairs) = (0.0, 0.0);
        for run in runs {
            let mut counts = vec![0.0f64; k];
            run.iter().for_each(|&choice| counts[choice as usize] += 1.0);
            let n = run.len() as f64;
            alike += counts.iter().map(|c| c * (c - 1.0)).sum::<f64>();
            pairs += n * (n - 1.0);
        }
        alike / pairs
    };
    let mut all = vec![0.0; k];
    runs.iter().flatten().for_each(|&choice| all[choice as usize] += 1.0);
    let n: f64 = all.iter().sum();
    let expected = all.iter().map(|c| c * (c - 1.0)).sum::<f64>() / (n * (n - 1.0));
    let observed = within(&runs);
    let lengths: Vec<usize> = runs.iter().map(Vec::len).collect();
    let mut flat: Vec<u16> = runs.concat();
    let draws = case.options.draws.min(2000);
    let mut as_much = 1.0;
    for draw in 0..draws as u64 {
        let mut stream = Seed(case.seed(31)).stream(Purpose::Resample, draw);
        let length = flat.len();
        stream.shuffle(&mut flat, length);
        let mut rest = &flat[..];
        for (run, &length) in runs.iter_mut().zip(&lengths) {
            run.copy_from_slice(&rest[..length]);
            rest = &rest[length..];
        }
        as_much += f64::from(u8::from(within(&runs) >= observed - 1e-12));
    }
    let se = (observed * (1.0 - observed) / runs.len() as f64).sqrt().max(0.5 / runs.len() as f64);
    Some(Common { excess: observed - expected, se, most: 1.0 - expected, p: as_much / (draws as f64 + 1.0) })
}

/// Agreement before anything was said.
struct Common {
    /// How much more often agents of one run agree than agents of two.
    excess: f64,
    /// Its standard error, were there one pair of each run.
    se: f64,
    /// The most that could be.
    most: f64,
    /// By exchanging agents between runs.
    p: f64,
}

fn ask(case: &Case<'_>) -> Option<Finding> {
    if !case.condition.baseline() {
        return None;
    }
    let histories = histories(case.condition);
    if histories.len() < 2 {
        return None;
    }
    let size = case.condition.size();
    let k = case.decisions.n_names;
    let chance = 1.0 / k as f64;
    // So long that half the runs have agreed; where none has, to the end.
    let mut ends: Vec<u64> = case.condition.runs.iter().map(|run| run.outcome.interactions).collect();
    ends.sort_unstable();
    let rounds = (ends[ends.len() / 2].div_ceil(u64::from(size)) as usize).clamp(2, 100);
    let interactions = rounds as u64 * u64::from(size);
    let recorded: Vec<(bool, Vec<[u64; 2]>)> =
        case.condition.runs.iter().map(|run| (run.outcome.consensus, run.success_by_round(size))).collect();
    let real = success_curve(recorded.iter().map(|(consensus, rounds)| (*consensus, &rounds[..])), rounds);
    let play = |response: &Arc<dyn Policy>, purpose: u64, populations: u64| -> Vec<Vec<[u64; 2]>> {
        (0..populations)
            .map(|population| {
                let mut agreed = Vec::new();
                let seed = [case.seed(purpose), population];
                let met = yoked(case.condition, response.clone(), &histories, interactions, seed);
                count_by_round(met.iter().map(|event| (event.t, event.success)), size, &mut agreed);
                agreed
            })
            .collect()
    };
    let response: Arc<dyn Policy> = Arc::new(case.response().clone());
    let whole = play(&response, 32, YOKED);
    let frozen = success_curve(whole.iter().map(|rounds| (false, &rounds[..])), rounds);
    let late = rounds - (rounds / 4).max(1);
    let of_late = |rounds: &[[u64; 2]], consensus: bool| {
        let (s, n) = (late..real.len()).fold((0.0, 0.0), |(s, n), round| match rounds.get(round) {
            Some(&[a, b]) => (s + a as f64, n + b as f64),
            None if consensus => (s + f64::from(size), n + f64::from(size)),
            None => (s, n),
        });
        (n > 0.0).then(|| s / n)
    };
    let reals: Vec<f64> = recorded.iter().filter_map(|(consensus, rounds)| of_late(rounds, *consensus)).collect();
    let yokeds: Vec<f64> = whole.iter().filter_map(|rounds| of_late(rounds, false)).collect();
    let (real_mean, real_sd) = mean_sd(&reals);
    let (yoked_mean, yoked_sd) = mean_sd(&yokeds);
    // How sure the response is: responses fitted to runs drawn again, a few populations each.
    let resampled: Vec<f64> = (0..case.options.resamples)
        .map(|resample| {
            let response: Arc<dyn Policy> = Arc::new(resampled(case, resample));
            let some = play(&response, 33 + resample, 4);
            mean_sd(&some.iter().filter_map(|rounds| of_late(rounds, false)).collect::<Vec<_>>()).0
        })
        .collect();
    let real_se = real_sd / (reals.len() as f64).sqrt();
    let yoked_se = (yoked_sd.powi(2) / yokeds.len() as f64 + mean_sd(&resampled).1.powi(2)).sqrt();
    let lost = real_mean - yoked_mean;
    let lost_se = (real_se.powi(2) + yoked_se.powi(2)).sqrt();
    let above = real_mean - chance;
    let survives = (yoked_mean - chance) / above;
    let survives_se = (yoked_se.powi(2) + (survives * real_se).powi(2)).sqrt() / above.abs().max(1e-9);
    // The same response among partners, as the record has it.
    let met: Vec<f64> = case.fitted().iter().filter_map(|run| of_late(&run.rounds, run.outcome.consensus)).collect();
    let carried = (mean_sd(&met).0 - yoked_mean) / lost;
    let carried_se = lost_se * carried.abs() / lost.abs().max(1e-9);
    let shared = common(case, |_| true);
    let start = common(case, |decision| decision.t == 0);
    let agrees = above > 2.0 * real_se && above > 0.1;
    let some_shared = shared.as_ref().is_some_and(|common| common.p < 0.001 && common.excess > COMMON * common.most);
    let from_the_start = start.as_ref().filter(|start| start.p < 0.001 && start.excess - 1.96 * start.se > HALF * above);
    let chosen_for = agrees && from_the_start.is_some();
    let quantile = interval(0.0, 1.0, reals.len())[1];
    let finds = match () {
        () if chosen_for => Finds::SupportsRecall,
        () if !agrees || some_shared => Finds::CannotTell,
        () if survives - quantile * survives_se > MOST => Finds::SupportsRecall,
        () if survives + quantile * survives_se >= HALF => Finds::CannotTell,
        () if carried - quantile * carried_se > CARRIED => Finds::SupportsInteraction,
        () => Finds::CannotTell,
    };
    let lost_without = survives + quantile * survives_se < HALF;
    let compared = format!(
        "Agents that met agreed in {} of interactions by then; agents told frozen histories of others agree in {}, where chance is {}.",
        percent(real_mean),
        percent(yoked_mean),
        percent(chance)
    );
    let means = match finds {
        Finds::SupportsRecall if chosen_for => {
            let start = from_the_start.expect("just seen");
            format!(
                "The two of a run's first interaction agreed before anybody had said anything, {:.0} points above agents of different runs ({}). Something that is not interaction decides: a program that chooses, or an order, a prompt or a backend that they had in common.",
                100.0 * start.excess,
                p_words(start.p)
            )
        }
        Finds::SupportsRecall => format!("{compared} Agreement survives without partners: agents bring it with them."),
        Finds::SupportsInteraction => {
            format!("{compared} Agreement is lost with the partners, so it was a matter of interaction.")
        }
        Finds::CannotTell if !agrees => format!(
            "Agents that met agreed in {} of interactions, where chance is {}: there is no agreement to be explained.",
            percent(real_mean),
            percent(chance)
        ),
        Finds::CannotTell if some_shared => {
            let common = shared.as_ref().expect("just seen");
            format!(
                "{compared} But agents of one run agreed before anything was said to them, {:.0} points above agents of different runs ({}): they know of others, or of something outside, by a way that is not on record.",
                100.0 * common.excess,
                p_words(common.p)
            )
        }
        Finds::CannotTell if lost_without => format!(
            "{compared} But where agents of the fitted response meet, they agree in {} only: what memory holds does not bring the agreement about, so something that is not on record may.",
            percent(mean_sd(&met).0)
        ),
        Finds::CannotTell => format!("{compared} Part of the agreement survives, too much and too little for either side."),
    };
    Some(Finding {
        audit: ENTRY.name.into(),
        condition: case.condition.label.clone(),
        bears_on: BearsOn::Interaction,
        question: "Does agreement need partners, or do agents bring it with them?".into(),
        rivals: vec!["agreement is brought about by what partners say".into(), "agents agree because they are alike: recall, a shared prior".into(), "something that is not on record chooses for them".into()],
        finds,
        effect: Some(Effect::new("agreement lost without partners, share of interactions", lost, interval(lost, lost_se, reals.len()))),
        statistic: Some(Statistic { name: "share of the agreement above chance that survives".into(), value: survives, p: None }),
        means,
        does_not_mean: "That agreement needs partners does not say why agents respond to them: a rule recalled from training text needs partners too.".into(),
        would_tell: match finds {
            Finds::CannotTell if !agrees => Some("a longer run, or a population that reaches consensus".into()),
            Finds::CannotTell if some_shared || lost_without => Some("what agents are shown beside their memories: an order, a board, a signal; runs in which nothing is shown to two agents".into()),
            Finds::CannotTell => Some("more runs; or an alias scramble, under which agents can no longer be alike in the names they prefer".into()),
            _ => None,
        },
        source: "audit reference 0.6a, 4 and 7: frozen, randomly relabelled surrogate histories, in simulation of the fitted response".into(),
        cautions: shared
            .iter()
            .filter(|common| !chosen_for && !some_shared && common.p < 0.001 && common.excess > 0.0)
            .map(|common| format!("agents of one run agreed by {:.1} points more than agents of different runs before anything was said ({}): runs differed from one another in something that is not on record, such as the backend", 100.0 * common.excess, p_words(common.p)))
            .collect(),
        details: json!({
            "chance": chance, "rounds": rounds, "from_round": late + 1, "real": real_mean, "real_se": real_se, "yoked": yoked_mean, "yoked_se": yoked_se,
            "survives": survives, "survives_se": survives_se, "yoked_populations": YOKED, "agrees": agrees,
            "carried": carried, "carried_se": carried_se, "met": mean_sd(&met).0, "chosen_for": chosen_for, "some_shared": some_shared,
            "agreement_of_first_interactions": start.as_ref().map(|start| json!({ "excess": start.excess, "se": start.se, "p": start.p })),
            "agreement_before_anything_was_said": shared.as_ref().map(|common| json!({ "excess": common.excess, "most": common.most, "p": common.p })),
        }),
        pictures: vec![Picture::Curves {
            title: "Agreement with partners, and without".into(),
            x: "Population round".into(),
            y: "Agreement".into(),
            lines: vec![
                curve("recorded", Who::Record, real.iter().map(|values| mean_sd(values).0).collect()),
                curve("told frozen histories", Who::Control, frozen.iter().map(|values| mean_sd(values).0).collect()),
            ],
            reference: Some(chance),
        }],
    })
}

/// The whole response, fitted to runs drawn again.
pub(super) fn resampled(case: &Case<'_>, resample: u64) -> Fitted {
    let n = case.decisions.runs.len();
    let mut stream = Seed(case.seed(34)).stream(Purpose::Resample, resample);
    let mut times = vec![0.0; n];
    (0..n).for_each(|_| times[stream.below(n as u64) as usize] += 1.0);
    case.response().refit(&case.decisions, &case.decisions.weighed(|run| times[run]))
}
