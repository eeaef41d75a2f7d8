//! What is done to a population while it plays has the effect that it should, and mistakes in it have their place.

mod common;
use common::Kept;
use cratylus_core::experiment::Document;
use cratylus_core::spec::NoInputs;
use cratylus_core::{PairEvent, Play, World, run};
use std::collections::BTreeSet;

fn points(text: &str) -> Result<World, String> {
    let points = Document::parse("test.toml", text, &[])?.points()?;
    World::build(&points[0], &NoInputs).map_err(|(key, why)| format!("{key}: {why}"))
}

fn play(text: &str) -> Vec<PairEvent> {
    let world = points(text).unwrap();
    let mut kept = Kept::default();
    run(&world, &[0], Play::Fastest, &mut kept).unwrap();
    kept.0.remove(&0).unwrap()
}

const SIZE: u64 = 2000;

/// The naming game of two names, everyone with B at first, and some interventions.
fn naming(interventions: &str, rounds: u64) -> Vec<PairEvent> {
    play(&format!(
        "seed = 1\ninterventions = [{interventions}]\n[population]\nsize = {SIZE}\nstart = {{ consensus = \"B\" }}\n[game]\nkind = \"naming\"\n\
         names = [\"A\", \"B\"]\n[agents]\nkind = \"inventory\"\n[stop]\nrounds = {rounds}\n"
    ))
}

/// The share of A in what was said from one round to another.
fn share(events: &[PairEvent], from: u64, to: u64) -> f64 {
    let said = &events[(from * SIZE) as usize..(to * SIZE) as usize];
    said.iter().filter(|event| event.names[0] == Some(0)).count() as f64 / said.len() as f64
}

#[test]
fn a_committed_group_that_comes_and_goes_leaves_what_it_brought_about() {
    let come_and_go = |share: f64| {
        naming(
            &format!(
                "{{ round = 20, set = {{ \"agents.committed\" = {{ name = \"A\", share = {share} }} }} }}, {{ round = 120, set = {{ \"agents.committed\" = [] }} }}"
            ),
            160,
        )
    };
    let enough = come_and_go(0.15);
    assert_eq!(share(&enough, 0, 20), 0.0);
    assert!(share(&enough, 100, 120) > 0.99 && share(&enough, 140, 160) > 0.99, "a group above the threshold wins for good");
    let few = come_and_go(0.05);
    assert!(share(&few, 100, 120) < 0.15, "{}", share(&few, 100, 120));
    assert!(share(&few, 150, 160) < 0.005, "without the group nothing is left: {}", share(&few, 150, 160));
}

#[test]
fn opinions_order_where_beta_is_turned_up_and_lose_their_order_where_it_is_turned_down() {
    let events = play(&format!(
        "seed = 1\ninterventions = [{{ round = 50, every = 50, ramp = {{ \"agents.beta\" = [1.5, 0.8] }} }}]\n\
         [population]\nsize = {SIZE}\nstart = {{ shares = {{ A = 0.55, B = 0.45 }} }}\n[game]\nkind = \"opinion\"\n\
         names = [\"A\", \"B\"]\n[agents]\nkind = \"opinion\"\nrule = \"tanh\"\nbeta = 0.8\n[stop]\nrounds = 150\n"
    ));
    let m = |from, to| (2.0 * share(&events, from, to) - 1.0).abs();
    // Without limit of size |m| is 0 at 0.8 and 0.8586 at 1.5.
    assert!(m(30, 50) < 0.15 && m(130, 150) < 0.15, "{} {}", m(30, 50), m(130, 150));
    assert!((m(80, 100) - 0.8586).abs() < 0.03, "{}", m(80, 100));
}

#[test]
fn up_and_down_again_is_not_the_same_way() {
    let events = naming(
        "{ round = 10, set = { \"agents.committed\" = { name = \"A\", share = 0.02 } } }, \
         { round = 20, every = 30, ramp = { \"agents.committed.share\" = [0.04, 0.08, 0.12, 0.16, 0.12, 0.08, 0.04] } }",
        260,
    );
    // Eight hundredths going up, at rounds 50 to 80, and coming down, at 170 to 200.
    let (up, down) = (share(&events, 65, 80), share(&events, 185, 200));
    assert!(up < 0.2 && down > 0.95, "up {up}, down {down}");
}

#[test]
fn a_larger_group_holds_the_smaller_one() {
    let world = points(
        "interventions = [{ round = 5, every = 5, ramp = { \"agents.committed.count\" = [9, 40, 20] } }]\n[population]\nsize = 100\n\
         [game]\nkind = \"naming\"\nnames = [\"A\", \"B\"]\n[agents]\nkind = \"inventory\"\n[agents.committed]\nname = \"A\"\ncount = 3\n[stop]\nrounds = 50\n",
    )
    .unwrap();
    let context = world.context(2);
    let first = context.committed.unwrap().1;
    let [nine, forty, twenty] = [0, 1, 2].map(|i: usize| context.committed_later[i].1.clone());
    let within = |small: &[u32], large: &[u32]| small.iter().all(|agent| large.contains(agent));
    assert_eq!([first.len(), nine.len(), forty.len(), twenty.len()], [3, 9, 40, 20]);
    assert!(within(&first, &nine) && within(&nine, &twenty) && within(&twenty, &forty));
}

#[test]
fn new_agents_know_nothing() {
    let text = |turnover: &str| {
        format!(
            "seed = 4\n{turnover}\n[population]\nsize = 200\n[game]\nkind = \"naming\"\n[agents]\nkind = \"inventory\"\n[stop]\nrounds = 400\n"
        )
    };
    let names = |events: &[PairEvent], from: usize| -> BTreeSet<u32> {
        events[from * 200..].iter().filter_map(|event| event.names[0]).collect()
    };
    let all = play(&text("interventions = [{ round = 200, turnover = 1.0 }]"));
    let before: BTreeSet<u32> = names(&all[..200 * 200], 190);
    assert_eq!(before.len(), 1, "one convention");
    let after = names(&all, 390);
    assert!(after.len() == 1 && after != before, "a whole new population finds a convention of its own: {before:?} {after:?}");
    // One in ten each fifty rounds, and the convention outlives them all.
    let some: Vec<String> = (4..8).map(|i| format!("{{ round = {}, turnover = 0.1 }}", 50 * i)).collect();
    let some = play(&text(&format!("interventions = [{}]", some.join(", "))));
    assert_eq!(names(&some, 390), names(&some[..200 * 200], 190));
}

#[test]
fn a_network_that_changes_is_played_on() {
    let events = play(
        "seed = 2\ninterventions = [{ round = 10, set = { \"population.network\" = { kind = \"ring\" } } }]\n[population]\nsize = 50\n\
         [game]\nkind = \"coordination\"\nnames = [\"Q\", \"M\"]\nmemory = 3\n[agents]\nkind = \"best-response\"\n[stop]\nrounds = 20\n",
    );
    let near = |event: &PairEvent| {
        (1..50).contains(&event.agents[0].abs_diff(event.agents[1]))
            && [1, 49].contains(&event.agents[0].abs_diff(event.agents[1]))
    };
    assert!(!events[..500].iter().all(near) && events[500..].iter().all(near));
}

#[test]
fn a_mistake_in_an_intervention_has_its_place() {
    let refused = |interventions: &str, words: &[&str]| {
        let text = format!(
            "[population]\nsize = 20\n[game]\nkind = \"naming\"\nnames = [\"A\", \"B\"]\n[agents]\nkind = \"inventory\"\n[stop]\nrounds = 100\n{interventions}\n"
        );
        let error = points(&text).err().unwrap_or_else(|| panic!("{interventions} was let through"));
        words.iter().for_each(|word| assert!(error.contains(word), "{interventions}: {error}"));
    };
    refused("[[interventions]]\nround = 10\nset = { \"game.kind\" = \"naming\" }", &["stays what it is", "test.toml:12:9"]);
    refused("[[interventions]]\nround = 10\nset = { \"agents.pi\" = 2.0 }", &["from 0 to 1"]);
    refused("[[interventions]]\nround = 10\nset = { \"agents.pie\" = 1.0 }", &["pie", "test.toml:12"]);
    refused("[[interventions]]\nround = 10", &["does nothing", "test.toml:10"]);
    refused("[[interventions]]\nset = { \"agents.pi\" = 0.5 }", &["when?"]);
    refused("[[interventions]]\nround = 100\nturnover = 0.5", &["the run ends after 2000"]);
    refused("[[interventions]]\nround = 10\nturnover = 1.5", &["from 0 to 1"]);
    refused("[[interventions]]\nround = 10\nturn_over = 0.5", &["no key `turn_over`", "turnover"]);
    refused(
        "[[interventions]]\nround = 10\nturnover = 0.5\n[[interventions]]\nround = 10\nturnover = 0.5",
        &["order of their times"],
    );
    refused("[[interventions]]\nround = 10\nramp = { \"agents.pi\" = [0.5, 0.4] }", &["Give `every`"]);
    refused(
        "[[interventions]]\nround = 10\nset = { \"agents.committed\" = { name = \"C\", count = 2 } }",
        &["`C` is not in the pool", "test.toml:12"],
    );
    refused(
        "[[interventions]]\nround = 10\nset = { \"agents.committed\" = { name = \"A\", count = 2, how = \"add\" } }",
        &["the number of agents stays"],
    );
}
