//! Controls: what agents are shown is changed, and nothing else is.

mod common;
use common::Kept;
use cratylus_core::control::{Memory, Paid};
use cratylus_core::engines::live::{Live, run_asking};
use cratylus_core::experiment::Document;
use cratylus_core::language::Distribution;
use cratylus_core::language::answer::Unusable;
use cratylus_core::language::model::{Model, Query, Reply, Source};
use cratylus_core::spec::NoInputs;
use cratylus_core::{Batch, PairEvent, Play, Purpose, Seed, World, run};
use std::collections::BTreeMap;
use std::sync::Arc;

fn read(text: &str) -> Result<World, String> {
    let document = Document::parse("test.toml", text, &[])?;
    let points = document.points()?;
    World::build(&points[0], &NoInputs).map_err(|(key, why)| format!("{key}: {why}"))
}

fn world(parts: &[&str]) -> World {
    read(&parts.join("\n")).unwrap_or_else(|why| panic!("{why}"))
}

fn played(world: &World, replicas: u64, engine: Play) -> BTreeMap<u64, Vec<PairEvent>> {
    let mut kept = Kept::default();
    run(world, &(0..replicas).collect::<Vec<_>>(), engine, &mut kept).unwrap();
    kept.0
}

/// What a mock says.
fn reply(model: &Model, query: &Query, text: bool) -> Reply {
    let Source::Mock(mock) = &model.source else { panic!("these tests play mocks") };
    let mut p = vec![0.0; model.names.len()];
    mock.policy.distribution(&query.window, &mut p);
    p.iter_mut().for_each(|p| *p *= 1.0 - mock.garbage);
    let distribution = Distribution::new(p);
    if text {
        let draw = Seed(query.draw).words(Purpose::Decide, 0)[0];
        return Reply::Read(distribution.choose(draw).ok_or(Unusable::NoName));
    }
    Reply::Distribution(Arc::new(distribution))
}

fn asked(world: &World, replicas: u64, text: bool) -> BTreeMap<u64, Vec<PairEvent>> {
    let mut kept = Kept::default();
    let replicas: Vec<u64> = (0..replicas).collect();
    run_asking(world, &replicas, &mut |_, model, query| Ok(reply(model, query, text)), &mut kept).unwrap();
    kept.0
}

/// The share of all choices that are the first name.
fn first(events: &BTreeMap<u64, Vec<PairEvent>>) -> (f64, f64) {
    let names: Vec<u32> = events.values().flatten().flat_map(|event| event.names).flatten().collect();
    let n = names.len() as f64;
    (names.iter().filter(|&&name| name == 0).count() as f64 / n, n)
}

const POPULATION: &str = "seed = 7
population.size = 24
game = { kind = \"coordination\", names = [\"Q\", \"M\"] }
stop = { consensus = { window = 72 }, interactions = 3000 }";
const BIASED: &str = "agents = { kind = \"emulated\", model = \"llama-3-70b\" }";
const ALIAS: &str = "control.alias = true";

/// How many runs each name won.
fn wins(world: &World, replicas: u64) -> [usize; 2] {
    let last =
        |events: &Vec<PairEvent>| events.last().filter(|event| event.success == Some(true)).and_then(|event| event.names[0]);
    let winners: Vec<u32> = played(world, replicas, Play::Fastest).values().filter_map(last).collect();
    [0, 1].map(|name| winners.iter().filter(|&&winner| winner == name).count())
}

#[test]
fn alias_makes_the_winners_of_a_biased_model_symmetric() {
    let [q, m] = wins(&world(&[POPULATION, BIASED]), 200);
    assert!(q * 10 < m, "this model prefers M: {q} to {m}");
    let [q, m] = wins(&world(&[POPULATION, BIASED, ALIAS]), 200);
    let share = q as f64 / (q + m) as f64;
    assert!(q + m > 190 && (share - 0.5).abs() < 4.0 * (0.25 / 200.0f64).sqrt(), "{q} Q, {m} M");
}

#[test]
fn alias_takes_nothing_from_agents_that_prefer_no_label() {
    let agents = "agents = { kind = \"best-response\" }";
    let plain = played(&world(&[POPULATION, agents]), 20, Play::Fastest);
    // Two labellings of two names, and a response that is the same under both: the very same runs.
    assert_eq!(played(&world(&[POPULATION, agents, ALIAS]), 20, Play::Fastest), plain);
}

const ALONE: &str = "seed = 3
population = { size = 1, start = { memory = [[\"Q\", \"M\"], [\"M\", \"M\"], [\"M\", \"Q\"]] } }
game = { kind = \"individual\", names = [\"Q\", \"M\"] }
stop = { interactions = 40000 }";

#[test]
fn a_live_model_under_control_answers_as_its_policy_does() {
    let live = "agents = { kind = \"mock\", policy = { kind = \"emulated\", model = \"llama-3-70b\" } }";
    let averaged = &live.replace("kind = \"mock\"", "kind = \"mock\", order = \"averaged\"");
    for control in ["alias = true", "memory = \"shuffled-rows\"", "memory = \"shuffled-partners\"", "memory = \"empty\""] {
        let control = &format!("[control]\n{control}");
        let (policy, n) = first(&played(&world(&[ALONE, BIASED, control]), 1, Play::Fastest));
        for (agents, text) in [(live, false), (live, true), (averaged.as_str(), false)] {
            let (got, _) = first(&asked(&world(&[ALONE, agents, control]), 1, text));
            let error = 4.5 * (2.0 * policy.max(0.02) * (1.0 - policy) / n).sqrt();
            assert!((got - policy).abs() < error, "{control} {agents} {text}: {got} against {policy}");
        }
    }
}

#[test]
fn block_size_and_engine_do_not_change_a_run_under_control() {
    let ten = "seed = 2
population.size = 12
game = { kind = \"coordination\", names = [\"Q\", \"M\", \"X\", \"Y\", \"F\", \"J\", \"P\", \"R\", \"C\", \"D\"], memory = 4 }
stop = { interactions = 1500 }";
    let two = "seed = 2\npopulation.size = 12\ngame = { kind = \"coordination\", names = [\"Q\", \"M\"], memory = 4 }\nstop = { interactions = 1500 }";
    let control = "[control]\nalias = true\nmemory = \"shuffled-rows\"";
    // Ten names have too many labellings to average over, so what is shown is drawn; two have 48 ways, which compile.
    for (game, compiles) in [(ten, false), (two, true)] {
        let world = world(&[game, BIASED, control]);
        assert_eq!(world.compiled().is_some(), compiles);
        let plain = played(&world, 3, Play::Plain { block: 1 });
        assert_eq!(played(&world, 3, Play::Plain { block: 700 }), plain);
        assert_eq!(played(&world, 3, Play::Fastest), plain);
    }
}

#[test]
fn with_many_names_labels_are_drawn_and_none_is_preferred() {
    let game = "seed = 4
population.size = 20
game = { kind = \"individual\", names = [\"Q\", \"M\", \"X\", \"Y\", \"F\", \"J\", \"P\", \"R\"] }
stop = { interactions = 40000 }";
    let constant = "agents = { kind = \"constant\", name = \"Q\" }";
    assert_eq!(first(&played(&world(&[game, constant]), 1, Play::Fastest)).0, 1.0);
    let (share, n) = first(&played(&world(&[game, constant, ALIAS]), 1, Play::Fastest));
    assert!((share - 0.125).abs() < 4.5 * (0.125 * 0.875 / n).sqrt(), "{share}");
}

#[test]
fn two_models_of_opposite_bias_mix_under_a_control() {
    let mix = "[[agents.mix]]
share = 0.5
kind = \"mock\"
policy = { kind = \"constant\", name = \"Q\" }
[[agents.mix]]
share = 0.5
kind = \"mock\"
policy = { kind = \"constant\", name = \"M\" }";
    let game = "seed = 9\npopulation.size = 24\ngame = { kind = \"coordination\", names = [\"Q\", \"M\"] }\nstop = { interactions = 6000 }";
    // The share of the first name among choices of the first kind of agents.
    let of_first_kind = |world: &World| {
        let kinds = world.assign(world.seed(0));
        let events = &asked(world, 1, false)[&0];
        let choices =
            events.iter().flat_map(|event| [0, 1].map(|seat: usize| (kinds[event.agents[seat] as usize], event.names[seat])));
        let mine: Vec<Option<u32>> = choices.filter(|(kind, _)| *kind == 0).map(|(_, name)| name).collect();
        mine.iter().filter(|name| **name == Some(0)).count() as f64 / mine.len() as f64
    };
    assert_eq!(of_first_kind(&world(&[game, mix])), 1.0, "its label is all that the model knows");
    let share = of_first_kind(&world(&[game, ALIAS, mix]));
    assert!((share - 0.5).abs() < 0.03, "{share}");
}

#[test]
fn a_committed_minority_stays_committed_under_alias() {
    let committed = "[agents.committed]\nname = \"M\"\ncount = 4";
    let world = world(&[POPULATION, ALIAS, "[agents]\nkind = \"best-response\"", committed]);
    let minority = world.committed(0);
    let events = &played(&world, 1, Play::Fastest)[&0];
    let said = events.iter().flat_map(|event| [0, 1].map(|seat: usize| (event.agents[seat], event.names[seat])));
    assert!(said.filter(|(agent, _)| minority.contains(agent)).all(|(_, name)| name == Some(1)));
}

#[test]
fn what_is_recorded_of_a_question_is_what_was_shown() {
    let game = "seed = 12\npopulation.size = 5\ngame = { kind = \"coordination\", names = [\"Q\", \"M\", \"X\"], memory = 3 }\nstop = { interactions = 300 }";
    let agents = "agents = { kind = \"mock\", tries = 4, garbage = 0.4, policy = { kind = \"majority-of-window\" } }";
    for text in [false, true] {
        let world = world(&[game, agents, "[control]\nalias = true\nmemory = \"shuffled-rows\""]);
        let kinds = world.assign(world.seed(0));
        let mut live = Live::new(&world, 0);
        let (mut out, mut events) = (Vec::new(), Batch::new());
        let mut last: BTreeMap<(u64, u8), Query> = BTreeMap::new();
        let mut tries: BTreeMap<(u64, u8), u8> = BTreeMap::new();
        while !live.over() {
            live.questions(&mut out, &mut events).unwrap();
            for (ticket, query) in std::mem::take(&mut out) {
                let reply = reply(world.model(ticket.kind).unwrap(), &query, text);
                last.insert((ticket.t, ticket.seat), query);
                *tries.entry((ticket.t, ticket.seat)).or_default() += 1;
                live.reply(ticket, &reply, &mut events).unwrap();
            }
        }
        let names = world.experiment.names();
        let mut labellings = std::collections::BTreeSet::new();
        for event in events.iter().map(|event| event.pair()) {
            for (seat, shown) in (0..).zip(world.shown(world.seed(0), &kinds, &event)) {
                let shown = shown.unwrap();
                let query = &last[&(event.t, seat)];
                let labels: Vec<&String> = query.order.iter().map(|&label| &names[label as usize]).collect();
                assert_eq!(shown.order, serde_json::to_string(&labels).unwrap());
                labellings.insert(shown.alias.unwrap());
                assert_eq!(
                    tries[&(event.t, seat)],
                    (event.invalid[seat as usize] + 1).min(4),
                    "every try is a question of its own"
                );
            }
        }
        assert_eq!(labellings.len(), 6, "every labelling occurs");
        assert!(events.iter().any(|event| event.void()) && events.iter().any(|event| event.success() == Some(true)));
    }
}

#[test]
fn the_state_stays_true_whatever_is_shown() {
    // An agent that is shown nothing never learns, though it remembers.
    let shown_nothing = world(&[POPULATION, "agents = { kind = \"copy-last-partner\" }", "control.memory = \"empty\""]);
    let events = &played(&shown_nothing, 1, Play::Fastest)[&0];
    let agreed = events.iter().filter(|event| event.success == Some(true)).count() as f64 / events.len() as f64;
    assert!((agreed - 0.5).abs() < 0.05, "{agreed}");
    assert!(events.iter().all(|event| event.success == Some(event.names[0] == event.names[1])));
}

#[test]
fn agents_that_heed_payoffs_turn_round_where_disagreement_pays() {
    let heeds = "agents = { kind = \"mock\", policy = { kind = \"best-response\", payoffs = true } }";
    let success = |control: &str| {
        let events = &asked(&world(&[POPULATION, heeds, control]), 1, false)[&0];
        events.iter().filter(|event| event.success == Some(true)).count() as f64 / events.len() as f64
    };
    assert!(success("") > 0.6, "{}", success(""));
    for control in ["mismatch-pays", "signs-swapped"] {
        let rate = success(&format!("control.payoff = \"{control}\""));
        assert!(rate < 0.52, "{control}: {rate}");
    }
    let cautions = |agents: &str| world(&[POPULATION, agents, "control.payoff = \"mismatch-pays\""]).cautions;
    assert!(cautions("agents = { kind = \"copy-last-partner\" }")[0].contains("changes nothing for them"));
    assert!(!cautions(heeds).iter().any(|caution| caution.contains("changes nothing")));
}

#[test]
fn rules_memory_and_score_tell_one_payoff() {
    let agents = "agents = { kind = \"mock\", policy = { kind = \"uniform\" } }";
    let world = world(&[POPULATION, agents, "control.payoff = \"mismatch-pays\""]);
    let prompt = world.model(0).unwrap().told(&[[0, 0], [0, 1], [0, 1]], &[0, 1]).unwrap();
    let text = &prompt.messages[0].text;
    assert!(
        text.contains("same action, each of them gets -50") && text.contains("different actions, each of them gets 100"),
        "{text}"
    );
    assert!(text.contains("'Player 2': 'M', 'payoff': 100") && text.contains("Your score is 150."), "{text}");
}

#[test]
fn a_plan_without_a_control_is_what_it_was() {
    let plan = |more: &str| toml::to_string(&world(&[POPULATION, BIASED, more]).experiment.plan()).unwrap();
    assert_eq!(plan("control = {}"), plan(""));
    assert!(!plan("").contains("control"));
    assert!(plan("control.memory = \"empty\"").contains("[control]\nalias = false\nmemory = \"empty\"\npayoff = \"as-it-is\""));
    let control =
        world(&[POPULATION, BIASED, "control = { memory = \"shuffled-rows\", payoff = \"signs-swapped\" }"]).experiment.control;
    assert_eq!((control.alias, control.memory, control.payoff), (false, Memory::ShuffledRows, Paid::SignsSwapped));
}

#[test]
fn a_mistake_in_a_control_has_its_place() {
    let error = |control: &str| read(&format!("{POPULATION}\n{BIASED}\n[control]\n{control}")).err().unwrap();
    let said = error("alais = true");
    assert!(
        said.contains("there is no key `alais` here") && said.contains("did you mean `alias`") && said.contains("test.toml:7:1"),
        "{said}"
    );
    let said = error("memory = \"shuffled-row\"");
    assert!(said.contains("did you mean `shuffled-rows`") && said.contains(":7:10"), "{said}");
    assert!(error("payoff = \"mismatch\"").contains("`mismatch-pays`"));
    assert!(error("alias = 1").contains("true or false"));
    let naming = "population.size = 4\ngame = { kind = \"naming\" }\nagents = { kind = \"inventory\" }\n[control]\nalias = true";
    assert!(read(naming).err().unwrap().contains("in the game `naming` they remember none"));
}
