//! Populations of language models, driven from outside: what is asked and in which order replies come cannot
//! change a run.

mod common;
use common::Kept;
use cratylus_core::engines::live::{Live, run_asking};
use cratylus_core::experiment::Document;
use cratylus_core::language::Distribution;
use cratylus_core::language::model::{Model, Query, Reply, Source};
use cratylus_core::spec::NoInputs;
use cratylus_core::{Batch, DigestSeen, PairEvent, Play, Seed, World, run};
use proptest::prelude::*;
use std::sync::Arc;

fn world(agents: &str, more: &str) -> World {
    let text = format!("{agents}\n{more}");
    let document = Document::parse("test", &text, &[]).unwrap_or_else(|why| panic!("{why}"));
    let points = document.points().unwrap_or_else(|why| panic!("{why}"));
    World::build(&points[0], &NoInputs).unwrap_or_else(|(key, why)| panic!("{key}: {why}"))
}

const GAME: &str = "seed = 5
population.size = 9
game = { kind = \"coordination\", names = [\"Q\", \"M\", \"X\"], memory = 3 }
stop = { consensus = { window = 20 }, interactions = 400 }";

/// What a mock says, as its policy would, with a share of answers that are none.
fn reply(model: &Model, query: &Query, outside: f64, text: bool) -> Reply {
    let Source::Mock(mock) = &model.source else { panic!("these tests play mocks") };
    let mut p = vec![0.0; model.names.len()];
    mock.policy.distribution(&query.window, &mut p);
    p.iter_mut().for_each(|p| *p *= 1.0 - outside);
    let distribution = Distribution::new(p);
    if text {
        let draw = Seed(query.draw).words(cratylus_core::Purpose::Decide, 0)[0];
        return Reply::Read(distribution.choose(draw).ok_or(cratylus_core::language::answer::Unusable::NoName));
    }
    Reply::Distribution(Arc::new(distribution))
}

fn in_order(world: &World, outside: f64, text: bool) -> Vec<PairEvent> {
    let mut kept = Kept::default();
    run_asking(world, &[0], &mut |_, model, query| Ok(reply(model, query, outside, text)), &mut kept).unwrap();
    kept.0.remove(&0).unwrap()
}

/// Replies come in an order drawn from `seed`, with several questions out at once.
fn shuffled(world: &World, outside: f64, text: bool, seed: u64) -> (Vec<PairEvent>, u64) {
    let mut live = Live::new(world, 0);
    let (mut out, mut events, mut asked) = (Vec::new(), Batch::new(), 0);
    let mut draws = Seed(seed).stream(cratylus_core::Purpose::Resample, 0);
    while !live.over() {
        let before = out.len();
        live.questions(&mut out, &mut events).unwrap();
        asked += (out.len() - before) as u64;
        if out.is_empty() {
            continue;
        }
        let (ticket, query) = out.swap_remove(draws.below(out.len() as u64) as usize);
        let reply = reply(world.model(ticket.kind).unwrap(), &query, outside, text);
        live.reply(ticket, &reply, &mut events).unwrap();
    }
    assert!(out.is_empty(), "no question is out when a run is over, so nothing was paid in vain");
    (events.iter().map(|event| event.pair()).collect(), asked)
}

const MOCK: &str = "agents = { kind = \"mock\", policy = { kind = \"win-stay-lose-shift\", lapse = 0.2 } }";
const MIX: &str = "[[agents.mix]]
share = 0.5
kind = \"mock\"
policy = { kind = \"majority-of-window\" }
order = \"averaged\"
[[agents.mix]]
share = 0.5
kind = \"win-stay-lose-shift\"
lapse = 0.3
[agents.committed]
name = \"X\"
count = 1";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_order_of_replies_cannot_change_a_run(seed in any::<u64>(), outside in 0.0..0.6, text in any::<bool>(), mixed in any::<bool>()) {
        let world = world(GAME, if mixed { MIX } else { MOCK });
        let text = text && !mixed;
        prop_assert_eq!(shuffled(&world, outside, text, seed).0, in_order(&world, outside, text));
    }
}

#[test]
fn a_mock_plays_as_the_policy_behind_it() {
    let policy = "agents = { kind = \"win-stay-lose-shift\", lapse = 0.2 }";
    let mut plain = Kept::default();
    run(&world(GAME, policy), &[0], Play::Plain { block: 8 }, &mut plain).unwrap();
    // The seed is that of the experiment and its sweep, so the same draws decide.
    assert_eq!(in_order(&world(GAME, MOCK), 0.0, false), plain.0[&0]);
}

#[test]
fn every_question_is_asked_once_and_none_past_the_stop() {
    let world = world(GAME, MOCK);
    let (events, asked) = shuffled(&world, 0.0, false, 1);
    assert_eq!(asked, 2 * events.len() as u64);
}

#[test]
fn unusable_answers_are_asked_for_again_and_then_make_the_interaction_void() {
    let tries = |n: u8| format!("agents = {{ kind = \"mock\", tries = {n}, policy = {{ kind = \"uniform\" }} }}");
    for text in [false, true] {
        let never = in_order(&world(GAME, &tries(3)), 1.0, text);
        assert!(never.iter().all(|event| event.void() && event.names == [None; 2] && event.invalid == [3; 2]), "{:?}", never[0]);
        let half = in_order(&world(GAME, &tries(10)), 0.5, text);
        let mean = half.iter().flat_map(|event| event.invalid).map(f64::from).sum::<f64>() / (2 * half.len()) as f64;
        // A geometric number of failures before the first success, with mean 1 and variance 2.
        assert!((mean - 1.0).abs() < 4.0 * (2.0 / (2 * half.len()) as f64).sqrt(), "{mean}");
        assert!(half.iter().filter(|event| event.void()).count() <= 4);
    }
}

#[test]
fn digests_tell_runs_apart_by_what_was_unusable() {
    let digest = |invalid| {
        let mut digest = DigestSeen::default();
        digest.see_pair(&PairEvent { t: 0, agents: [0, 1], names: [Some(0); 2], success: Some(true), invalid });
        digest.end()
    };
    assert_ne!(digest([0, 0]), digest([0, 1]));
    assert_ne!(digest([1, 0]), digest([0, 1]));
}

#[test]
fn a_large_population_keeps_many_questions_out_at_once() {
    // With N agents and every reply taking one unit of time, the published width of the dependency graph is reached.
    for (size, width) in [(24, 4.2), (200, 28.0)] {
        let game = format!(
            "population.size = {size}\ngame = {{ kind = \"coordination\", names = [\"Q\", \"M\"] }}\nstop = {{ interactions = {} }}",
            50 * size
        );
        let world = world(&game, "agents = { kind = \"mock\", policy = { kind = \"uniform\" } }");
        let mut live = Live::new(&world, 0);
        let (mut out, mut events, mut time) = (Vec::new(), Batch::new(), 0);
        while !live.over() {
            live.questions(&mut out, &mut events).unwrap();
            for (ticket, query) in std::mem::take(&mut out) {
                let reply = reply(world.model(ticket.kind).unwrap(), &query, 0.0, false);
                live.reply(ticket, &reply, &mut events).unwrap();
            }
            time += 1;
        }
        let got = f64::from(50 * size) / f64::from(time);
        assert!((got / width - 1.0).abs() < 0.15, "{size} agents: {got:.1} interactions at once");
    }
}
