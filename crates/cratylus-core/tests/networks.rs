//! Networks in experiments: the minimal naming game against an independent simulator (the conventions reference, 5.2), each
//! run on a network of its own, and the ways of playing against each other.

mod common;

use common::Kept;
use cratylus_core::experiment::Document;
use cratylus_core::spec::NoInputs;
use cratylus_core::stats::mean_sd;
use cratylus_core::{PairEvent, Play, World, run};
use std::collections::HashSet;

fn build(size: u32, network: &str, rest: &str) -> Result<World, String> {
    let text = format!("seed = 7\n[population]\nsize = {size}\nnetwork = {{ {network} }}\n{rest}\n");
    let points =
        Document::parse("test.toml", &text, &[]).map_err(|why| why.to_string())?.points().map_err(|why| why.to_string())?;
    World::build(&points[0], &NoInputs).map_err(|(key, why)| format!("{key}: {why}"))
}

/// When all agents came to hold one and the same word, and the most words that were held at once.
fn consensus(size: u32, events: &[PairEvent]) -> (Option<u64>, usize) {
    let mut held = vec![HashSet::new(); size as usize];
    let (mut words, mut most, mut reached) = (0, 0, None);
    for event in events {
        let word = event.names[0].expect("a speaker says something");
        let [speaker, hearer] = event.agents.map(|agent| agent as usize);
        for agent in [speaker, hearer] {
            words -= held[agent].len();
            if event.success == Some(true) {
                held[agent].clear();
            }
            held[agent].insert(word);
            words += held[agent].len();
        }
        most = most.max(words);
        if reached.is_none() && words == size as usize && held.iter().all(|held| held.contains(&word)) {
            reached = Some(event.t + 1);
        }
    }
    (reached, most)
}

const NAMING: &str = "[game]\nkind = \"naming\"\n[agents]\nkind = \"inventory\"\n[stop]\nconsensus = { window_rounds = 12 }\ninteractions = 3_000_000";

#[test]
fn the_naming_game_takes_as_long_on_networks_as_it_should() {
    // Network, size, runs, mean time to consensus, and most words for each agent where it is given.
    let cases = [
        ("kind = \"ring\"", 50, 150, 4.4e4, Some(1.27)),
        ("kind = \"lattice\", sides = [10, 10]", 100, 300, 1.23e4, None),
        ("kind = \"watts-strogatz\", degree = 4, rewiring = 0.08", 200, 60, 1.38e5, None),
        ("kind = \"barabasi-albert\", m = 4", 200, 300, 1.60e4, Some(2.09)),
    ];
    for (network, size, runs, expected, expected_words) in cases {
        let world = build(size, network, NAMING).unwrap();
        let mut times = Vec::new();
        let mut words = Vec::new();
        for replica in 0..runs {
            let mut kept = Kept::default();
            run(&world, &[replica], Play::Fastest, &mut kept).unwrap();
            let (time, most) = consensus(size, &kept.0[&replica]);
            times.push(time.expect("every run reaches consensus") as f64);
            words.push(most as f64 / f64::from(size));
        }
        let (mean, sd) = mean_sd(&times);
        let se = sd / (times.len() as f64).sqrt();
        println!("{network}, N = {size}: {mean:.0} ± {se:.0} (reference {expected})");
        // The reference gives three figures and no error; a thirtieth covers both.
        assert!((mean - expected).abs() < 3.0 * f64::hypot(se, expected / 30.0), "{network}: {mean} ± {se}, not {expected}");
        let most = mean_sd(&words).0;
        println!("  most words for each agent: {most:.3}");
        if let Some(expected) = expected_words {
            assert!((most - expected).abs() < 0.1 * expected, "{network}: {most} words, not {expected}");
        }
    }
}

#[test]
fn tables_and_the_plain_path_agree_on_every_network() {
    let rest = "[game]\nkind = \"coordination\"\nnames = [\"Q\", \"M\"]\nmemory = 3\n[agents]\nkind = \"majority-of-window\"\n[stop]\ninteractions = 1500";
    let networks = [
        "kind = \"ring\", degree = 4",
        "kind = \"lattice\", sides = [6, 5]",
        "kind = \"lattice\", sides = [3, 10], periodic = false",
        "kind = \"erdos-renyi\", mean_degree = 12",
        "kind = \"random-regular\", degree = 3",
        "kind = \"barabasi-albert\", m = 2",
        "kind = \"watts-strogatz\", degree = 4, rewiring = 0.3",
    ];
    for network in networks {
        let world = build(30, network, rest).unwrap();
        let played = |engine| {
            let mut kept = Kept::default();
            run(&world, &[0, 1, 2], engine, &mut kept).unwrap();
            kept.0
        };
        let fastest = played(Play::Fastest);
        for block in [1, 7, 400] {
            assert!(played(Play::Plain { block }) == fastest, "{network}, blocks of {block}");
        }
        let pairs = |replica: u64| fastest[&replica].iter().map(|event| event.agents).collect::<Vec<_>>();
        assert!(pairs(0) != pairs(1));
    }
}

#[test]
fn every_run_draws_its_own_network_unless_one_is_asked_for() {
    let rest = "[game]\nkind = \"naming\"\n[agents]\nkind = \"inventory\"\n[stop]\ninteractions = 4000";
    let met = |more: &str| -> Vec<HashSet<[u32; 2]>> {
        let world = build(40, &format!("kind = \"random-regular\", degree = 3{more}"), rest).unwrap();
        let mut kept = Kept::default();
        run(&world, &[0, 1], Play::Fastest, &mut kept).unwrap();
        let sorted = |event: &PairEvent| [event.agents[0].min(event.agents[1]), event.agents[0].max(event.agents[1])];
        kept.0.values().map(|events| events.iter().map(sorted).collect()).collect()
    };
    let own = met("");
    assert!(own.iter().all(|met| met.len() == 60) && own[0] != own[1], "every edge was used");
    let one = met(", seed = 4");
    assert!(one[0] == one[1] && one[0] != own[0]);
    assert!(met(", seed = 5")[0] != one[0]);
}

#[test]
fn mistakes_are_named_before_anything_runs() {
    let rest = "[game]\nkind = \"naming\"\n[agents]\nkind = \"inventory\"\n[stop]\ninteractions = 10";
    let why = |network: &str| build(10, network, rest).err().unwrap();
    assert!(why("kind = \"ring\", degree = 3").contains("even degree"));
    assert!(why("kind = \"lattice\", sides = [3, 4]").contains("multiply to `population.size`, which is 10"));
    assert!(why("kind = \"erdos-renyi\"").contains("`p` or `mean_degree`"));
    assert!(why("kind = \"erdos-renyi\", p = 0.01").contains("without a neighbour"));
    assert!(why("kind = \"erdos-renyi\", p = 1.5").starts_with("population.network.p:"));
    assert!(why("kind = \"random-regular\", degree = 10").contains("from 1 to 9"));
    assert!(why("kind = \"barabasi-albert\", m = 0").contains("from 1 to 9"));
    assert!(why("kind = \"watts-strogatz\", degree = 4, rewiring = 2.0").contains("from 0 to 1"));
    let world = build(10, "kind = \"ring\"", rest).unwrap();
    assert!(world.sources.iter().any(|source| source.ends_with("degree 2 to 2, mean 2.00; clustering 0.0000; connected")));
}
