//! The naming game in groups of more than two, against its exact chain, against pairs, and against what its agents know.

mod common;
use common::{Kept, play};
use cratylus_core::experiment::Document;
use cratylus_core::minds::Minds;
use cratylus_core::spec::NoInputs;
use cratylus_core::stats::{ks_test, mean_sd};
use cratylus_core::{Play, World, run};
use std::collections::HashMap;

fn world(text: &str) -> World {
    let document = Document::parse("groups.toml", text, &[]).unwrap_or_else(|why| panic!("{why}\n{text}"));
    World::build(&document.points().unwrap()[0], &NoInputs).map_err(|(key, why)| format!("{key}: {why}")).unwrap()
}

/// Agents that know A alone, B alone, and both.
type State = [usize; 3];

fn choose(n: usize, k: usize) -> f64 {
    if k > n { 0.0 } else { (0..k).map(|i| (n - i) as f64 / (k - i) as f64).product() }
}

/// What one interaction in a group of `k` makes of a population, with probabilities.
fn next(state: State, k: usize, any: bool, beta: f64) -> Vec<(State, f64)> {
    let n: usize = state.iter().sum();
    let mut out = Vec::new();
    for speaker in (0..3).filter(|&kind| state[kind] > 0) {
        let mut rest = state;
        rest[speaker] -= 1;
        for word in (0..2).filter(|&word| speaker == 2 || speaker == word) {
            let spoken = state[speaker] as f64 / n as f64 * if speaker == 2 { 0.5 } else { 1.0 };
            for a in 0..k {
                for b in 0..k - a {
                    let heard = [a, b, k - 1 - a - b];
                    let ways: f64 = (0..3).map(|kind| choose(rest[kind], heard[kind])).product();
                    if ways == 0.0 {
                        continue;
                    }
                    let p = spoken * ways / choose(n - 1, k - 1);
                    let (knowing, not) = (heard[word] + heard[2], heard[1 - word]);
                    let agreed = if any { knowing > 0 } else { not == 0 };
                    let mut success = state;
                    success[speaker] -= 1;
                    (0..3).for_each(|kind| success[kind] -= heard[kind]);
                    success[word] += k;
                    // Those that did not know it do now.
                    let mut failure = state;
                    failure[1 - word] -= not;
                    failure[2] += not;
                    let yes = if agreed { beta } else { 0.0 };
                    out.push((success, p * yes));
                    out.push((failure, p * (1.0 - yes)));
                }
            }
        }
    }
    out
}

/// The mean number of interactions to consensus, and the probability that A wins, from every state: by repeated substitution.
fn exact(n: usize, k: usize, any: bool, beta: f64) -> HashMap<State, (f64, f64)> {
    let states: Vec<State> = (0..=n).flat_map(|a| (0..=n - a).map(move |b| [a, b, n - a - b])).collect();
    let over = |state: &State| state[0] == n || state[1] == n;
    let moves: Vec<(State, Vec<(State, f64)>)> =
        states.iter().filter(|state| !over(state)).map(|&state| (state, next(state, k, any, beta))).collect();
    let mut known: HashMap<State, (f64, f64)> =
        states.iter().map(|&state| (state, (0.0, f64::from(u8::from(state[0] == n))))).collect();
    for (state, moves) in &moves {
        let sum: f64 = moves.iter().map(|(_, p)| p).sum();
        assert!((sum - 1.0).abs() < 1e-9, "{state:?}: {sum}");
    }
    for _ in 0..20_000 {
        let mut change = 0.0f64;
        for (state, moves) in &moves {
            let time = 1.0 + moves.iter().map(|(to, p)| p * known[to].0).sum::<f64>();
            let wins = moves.iter().map(|(to, p)| p * known[to].1).sum::<f64>();
            let before = known.insert(*state, (time, wins)).expect("every state is known");
            change = change.max((time - before.0).abs());
        }
        if change < 1e-10 {
            break;
        }
    }
    known
}

#[test]
fn groups_agree_as_their_chain_does() {
    for (n, k, agree, beta) in
        [(6, 3, "all", 1.0), (6, 3, "any", 1.0), (8, 4, "all", 0.8), (8, 5, "any", 0.6), (7, 2, "all", 1.0)]
    {
        let size = n as f64;
        let a = usize::div_ceil(n * 2, 3);
        let world = world(&format!(
            "seed = 9\n[population]\nsize = {n}\ngroups = {{ size = {k} }}\nstart = {{ shares = {{ A = {}, B = {} }} }}\n\
             [game]\nkind = \"naming\"\nnames = [\"A\", \"B\"]\nagree = \"{agree}\"\n[agents]\nkind = \"inventory\"\nbeta = {beta}\n\
             [stop]\nconsensus = {{ by = \"inventories\" }}\ninteractions = 1_000_000\n[record]\nmeasures = [\"total_words\"]\n",
            a as f64 / size,
            1.0 - a as f64 / size,
        ));
        let (time, wins) = exact(n, k, agree == "any", beta)[&[a, n - a, 0]];
        let ended = play(&world, 6000);
        let times: Vec<f64> = ended.iter().map(|(outcome, _)| outcome.interactions as f64).collect();
        let (mean, sd) = mean_sd(&times);
        let won = ended.iter().filter(|(outcome, _)| outcome.winner == Some(0)).count() as f64 / 6000.0;
        let [off, off_wins] = [(mean - time) / (sd / 6000f64.sqrt()), (won - wins) / (wins * (1.0 - wins) / 6000.0).sqrt()];
        println!("{k} of {n}, {agree}, beta {beta}: {mean:.2} interactions (due {time:.2}), A wins {won:.4} (due {wins:.4})");
        assert!(off.abs() < 3.5 && off_wins.abs() < 3.5, "{off} and {off_wins} standard errors");
        let last = |readings: &[cratylus_core::watch::readings::Reading]| {
            readings.iter().rfind(|r| r.measure == "total_words").unwrap().value
        };
        assert!(ended.iter().all(|(_, readings)| last(readings) == size), "in consensus everyone knows one word");
    }
}

#[test]
fn groups_of_two_are_pairs() {
    let of = |groups: &str| -> Vec<f64> {
        let world = world(&format!(
            "seed = 2\n[population]\nsize = 40\n{groups}\n[game]\nkind = \"naming\"\n[agents]\nkind = \"inventory\"\n\
             [stop]\nconsensus = {{ by = \"inventories\" }}\n"
        ));
        play(&world, 1000).iter().map(|(outcome, _)| outcome.rounds_to_consensus.unwrap()).collect()
    };
    let (distance, p) = ks_test(&of(""), &of("groups = { size = 2 }"));
    assert!(p > 0.01, "distance {distance}, p {p}");
}

/// Committed agents, interventions and groups that are drawn or listed: minds followed from the events say what was said.
#[test]
fn speakers_say_what_they_know() {
    for groups in ["{ size = 4 }", "{ size = 3, per_agent = 10 }", "{ size = 5, per_agent = 8, seed = 1 }"] {
        let world = world(&format!(
            "seed = 4\n[population]\nsize = 30\ngroups = {groups}\n[game]\nkind = \"naming\"\nnames = [\"A\", \"B\", \"C\"]\nagree = \"any\"\n\
             [agents]\nkind = \"inventory\"\nbeta = 0.5\n[stop]\nrounds = 20\n\
             [[interventions]]\nround = 5\nset = {{ \"agents.committed\" = {{ name = \"C\", count = 6 }} }}\n"
        ));
        let mut kept = Kept::default();
        run(&world, &[0, 1], Play::Fastest, &mut kept).unwrap();
        for (replica, events) in kept.0 {
            assert_eq!(events.len(), 600);
            let mut minds = Minds::new(&world, replica);
            for event in &events {
                minds.before(event.t);
                let (speaker, word) = (event.agents[0], event.names[0].unwrap());
                let mind = minds.mind(speaker);
                let known = mind.names();
                assert!(known.is_empty() || known.contains(&word), "{speaker} said {word} of {known:?} at {}", event.t);
                assert!(minds.committed(speaker).is_none_or(|name| name == word));
                minds.see(event);
            }
        }
    }
}
