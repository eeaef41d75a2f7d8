//! How an experiment stands to what was recorded: whether it repeats a condition, and in what it differs from all.

use super::Experiment;
use crate::Pairing;
use crate::meeting::networks::spec::NetworkSpec;
use crate::recorded::RecordedCondition;
use std::collections::BTreeSet;

/// Whether an experiment repeats this condition.
pub fn repeats(condition: &RecordedCondition, experiment: &Experiment) -> bool {
    let sorted = |names: &[String]| names.iter().cloned().collect::<BTreeSet<_>>();
    let committed = experiment.agents.committed.first().filter(|_| experiment.n_committed() > 0);
    let committed = committed.map(|committed| (committed.name.clone(), experiment.n_committed()));
    let start = &experiment.population.start;
    let alone = condition.game == "individual";
    // What was recorded in one way is not to be compared with what is judged or arranged in another.
    let judged_alike = || {
        let consensus = experiment.consensus();
        let published =
            consensus.window(experiment.size()) == WINDOW && consensus.threshold == 1.0 && consensus.from_round.is_none();
        let longest = condition.facts.rounds.as_ref().and_then(|rounds| rounds.values.last()).copied().unwrap_or(0.0);
        published
            && experiment.stop.share.is_none()
            && experiment.stop.most(condition.size) as f64 >= longest * condition.size as f64
    };
    // Pairs were an agent and then another; which of the two came first makes no difference where both choose at once.
    let paired_alike =
        matches!(experiment.population.pairing, Pairing::AgentThenNeighbour | Pairing::NeighbourThenAgent | Pairing::Edge);
    let arranged_alike = experiment.population.network == NetworkSpec::Complete
        && paired_alike
        && start.run.is_none()
        && start.shares.is_none()
        && experiment.interventions.is_empty()
        && experiment.agents.committed.len() <= 1;
    condition.game == experiment.game.kind
        && sorted(&condition.names) == sorted(experiment.names())
        && condition.start == start.consensus
        && condition.remembers == start.memory.clone().unwrap_or_default()
        && (alone || condition.start.is_some() || judged_alike())
        && arranged_alike
        && (alone
            || (condition.memory == experiment.memory()
                && condition.size == experiment.size()
                && condition.committed == committed))
}

/// In what an experiment with emulated agents differs from all recorded conditions, a sentence each, and what follows from
/// it; nothing where one of them is repeated in who plays, or where one agent is asked alone. What is new about single
/// names and memories the models say themselves.
pub fn never_recorded(conditions: &[RecordedCondition], experiment: &Experiment) -> Vec<String> {
    if conditions.is_empty() || experiment.alone() {
        return Vec::new();
    }
    let sorted = |names: &[String]| names.iter().cloned().collect::<BTreeSet<_>>();
    let played = || conditions.iter().filter(|condition| condition.game == experiment.game.kind);
    let listed = |values: BTreeSet<String>| values.into_iter().take(12).collect::<Vec<_>>().join(", ");
    let mut out = Vec::new();
    let pool = sorted(experiment.names());
    let with_pool: Vec<&RecordedCondition> = played().filter(|condition| sorted(&condition.names) == pool).collect();
    if with_pool.is_empty() {
        let known: BTreeSet<String> = played().map(|condition| condition.names.join(" ")).collect();
        out.push(format!(
            "populations were never recorded with the pool {} (recorded: {})",
            experiment.names().join(" "),
            listed(known)
        ));
    }
    // What is said of a pool that was recorded is what was recorded with it.
    let beside: Vec<&RecordedCondition> = if with_pool.is_empty() { played().collect() } else { with_pool };
    if beside.iter().all(|condition| condition.memory != experiment.memory()) {
        let known: BTreeSet<usize> = beside.iter().map(|condition| condition.memory).collect();
        let known = known.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
        out.push(format!("memories of this length were never recorded in populations (recorded: {known} rounds)"));
    }
    if beside.iter().all(|condition| condition.size != experiment.size()) {
        let known: BTreeSet<u64> = beside.iter().map(|condition| condition.size).collect();
        let known = known.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
        out.push(format!("populations of this size were never recorded (recorded: {known} agents)"));
    }
    let minorities = || beside.iter().filter_map(|condition| condition.committed.clone()).filter(|(_, count)| *count > 0);
    let committed = experiment.agents.committed.iter().map(|group| (group.name.clone(), group.count(experiment.population.size)));
    let committed: Vec<(String, u64)> = committed.filter(|(_, count)| *count > 0).collect();
    match &committed[..] {
        [] => (),
        [one] if minorities().any(|known| known == *one) => (),
        [(name, _)] if minorities().any(|(known, _)| known == *name) => {
            let known: BTreeSet<u64> = minorities().filter(|(known, _)| known == name).map(|(_, count)| count).collect();
            let known = known.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
            out.push(format!("minorities committed to {name} were never recorded in this number (recorded: {known} agents)"));
        }
        [(name, _)] => out.push(format!("no minority committed to {name} was ever recorded with these names")),
        _ => out.push("several committed groups were never recorded".into()),
    }
    let start = &experiment.population.start;
    if let Some(name) = &start.consensus
        && beside.iter().all(|condition| condition.start.as_ref() != Some(name))
    {
        out.push(format!("populations that start from a consensus on {name} were never recorded"));
    }
    if start.shares.is_some() || start.memory.is_some() || start.run.is_some() {
        out.push("populations that start from such memories were never recorded".into());
    }
    if experiment.population.network != NetworkSpec::Complete {
        out.push("populations were recorded where everyone meets everyone, and on no other network".into());
    }
    let whole = |condition: &&RecordedCondition| {
        condition.memory == experiment.memory()
            && condition.size == experiment.size()
            && condition.start == start.consensus
            && condition.committed.clone().filter(|(_, count)| *count > 0).into_iter().eq(committed.iter().cloned())
    };
    if out.is_empty() && !beside.iter().any(whole) {
        out.push("pool, memory, size, start and minority were each recorded, and never in this combination".into());
    }
    if experiment.agents.kinds.len() > 1 {
        out.push("agents of several kinds were never recorded together".into());
    }
    if !out.is_empty() {
        out.push(
            "what was never recorded is simulated, by responses recorded elsewhere: intervals are of the simulation alone, and say nothing of how far the models themselves would be from it".into(),
        );
    }
    out
}

/// The published stop rule: so many successes in a row, whatever the size of the population.
const WINDOW: u64 = 72;
