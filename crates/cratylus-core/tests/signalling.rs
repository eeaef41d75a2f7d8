//! Signalling games on tables, against exact numbers (the signalling reference, section 5).

mod common;
use cratylus_core::experiment::Document;
use cratylus_core::fault::Fault;
use cratylus_core::kept::Keeper;
use cratylus_core::spec::NoInputs;
use cratylus_core::stats::mean_sd;
use cratylus_core::{Batch, Play, Run, Sink, World, run};
use proptest::prelude::*;

fn world(game: &str, agents: &str, interactions: u64) -> World {
    population("size = 2", game, agents, interactions)
}

fn population(population: &str, game: &str, agents: &str, interactions: u64) -> World {
    let text = format!(
        "[population]\n{population}\n[game]\nkind = \"signalling\"\n{game}\n[agents]\nkind = \"{agents}\"\n[stop]\ninteractions = {interactions}\n"
    );
    let point = Document::parse("test.toml", &text, &[]).unwrap().points().unwrap().remove(0);
    World::build(&point, &NoInputs).map_err(|(key, why)| format!("{key}: {why}")).unwrap()
}

/// Whether each play succeeded, of either agent as a sender: two agents that never meet themselves have two languages, and
/// each is a sender and a receiver of its own.
fn directions(world: &World, replica: u64) -> [Vec<bool>; 2] {
    let mut events = Batch::new();
    run(world, &[replica], Play::Fastest, &mut events).unwrap();
    let mut out = [Vec::new(), Vec::new()];
    events.iter().for_each(|event| out[event.seats[0] as usize].push(event.success().unwrap()));
    out
}

#[test]
fn urns_succeed_in_their_first_plays_as_often_as_they_must() {
    for (game, due) in [
        (
            "states = 2\nsignals = 2",
            &[0.5, 73.0 / 144.0, 5327.0 / 10368.0, 0.520570, 0.527290, 0.533956, 0.540567, 0.547117, 0.553599][..],
        ),
        (
            "states = 2\nsignals = 2\nprobabilities = [0.9, 0.1]",
            &[0.5, 0.538056, 0.572126, 0.602388, 0.629134, 0.652709, 0.673472],
        ),
        ("states = 3\nsignals = 3", &[1.0 / 3.0, 0.336420, 0.339496, 0.342563, 0.345622]),
    ] {
        let (world, mut succeeded, mut of) = (world(game, "urn", 36), vec![0.0; due.len()], vec![0.0; due.len()]);
        for replica in 0..12_000 {
            for plays in directions(&world, replica) {
                for ((play, n), sum) in plays.iter().zip(&mut of).zip(&mut succeeded) {
                    *n += 1.0;
                    *sum += f64::from(u8::from(*play));
                }
            }
        }
        for (play, ((sum, n), due)) in succeeded.iter().zip(&of).zip(due).enumerate() {
            let off = (sum / n - due) / (due * (1.0 - due) / n).sqrt();
            assert!(off.abs() < 3.5, "{game}, play {}: {:.4} for {due:.4}, {off:.1} standard errors", play + 1, sum / n);
        }
    }
}

#[test]
fn urns_of_two_states_come_to_signal() {
    // Expected payoff after so many plays, with its error there.
    let world = world("states = 2\nsignals = 2", "urn", 2200);
    let late: Vec<[f64; 2]> = (0..150)
        .flat_map(|replica| directions(&world, replica))
        .map(|plays| {
            let share = |from: usize, to: usize| plays[from..to].iter().filter(|&&play| play).count() as f64 / (to - from) as f64;
            [share(90, 111), share(950, 1000)]
        })
        .collect();
    for (place, due, error) in [(0, 0.791, 0.011), (1, 0.944, 0.007)] {
        let (mean, sd) = mean_sd(&late.iter().map(|shares| shares[place]).collect::<Vec<_>>());
        let off = (mean - due) / (sd * sd / 300.0 + error * error).sqrt();
        assert!(off.abs() < 3.0, "{mean:.3} for {due}, {off:.1} standard errors");
    }
}

#[test]
fn win_stay_is_absorbed_as_soon_as_it_must() {
    for (game, interactions, replicas, due, sd) in [
        ("states = 2\nsignals = 2", 500, 1500, 11.25, 12.2142),
        ("states = 3\nsignals = 3", 3000, 400, 89.529, 87.499),
        ("states = 2\nsignals = 3", 400, 1500, 22.0 / 3.0, 8.0966),
    ] {
        let world = world(game, "win-stay", interactions);
        // Only a failure changes anything, so the last one is what led to the end.
        let last = |plays: Vec<bool>| plays.iter().rposition(|play| !play).map_or(0.0, |last| last as f64 + 1.0);
        let times: Vec<f64> = (0..replicas).flat_map(|replica| directions(&world, replica)).map(last).collect();
        let (mean, spread) = mean_sd(&times);
        let off = (mean - due) / (sd / (times.len() as f64).sqrt());
        println!("{game:?}: {mean:.2} ± {spread:.2} plays (due {due:.2} ± {sd:.2})");
        assert!(off.abs() < 3.5, "{game}: {mean:.2} plays for {due:.2}, {off:.1} standard errors");
        assert!((spread / sd - 1.0).abs() < 0.1, "{game}: sd {spread:.2} for {sd:.2}");
    }
}

#[test]
fn two_agents_that_never_meet_themselves_speak_two_languages() {
    // Each direction settles by itself, so whether both use a signal for the same state is a coin.
    let world = world("states = 2\nsignals = 2", "win-stay", 400);
    let alike = (0..600)
        .filter(|&replica| {
            let mut events = Batch::new();
            run(&world, &[replica], Play::Fastest, &mut events).unwrap();
            let mut meant = [[None; 2]; 2];
            for event in events.iter() {
                let (cratylus_core::event::Said::Option(state), cratylus_core::event::Said::Symbols(span)) =
                    (event.saw[0].what, event.moves[0].said)
                else {
                    panic!("a state, and a signal")
                };
                meant[event.seats[0] as usize][state as usize] = Some(event.symbols_of(span)[0]);
            }
            meant[0] == meant[1]
        })
        .count() as f64;
    assert!((alike - 300.0).abs() < 3.5 * 150f64.sqrt(), "{alike} of 600 alike");
}

#[test]
fn agents_that_may_meet_themselves_meet_all_alike() {
    let world = population("size = 3\nitself = true", "states = 2\nsignals = 2", "urn", 40_000);
    let mut events = Batch::new();
    run(&world, &[0], Play::Fastest, &mut events).unwrap();
    let mut met = [[0f64; 3]; 3];
    events.iter().for_each(|event| met[event.seats[0] as usize][event.seats[1] as usize] += 1.0);
    let due = 40_000.0 / 9.0;
    assert!(met.iter().flatten().all(|n| (n - due).abs() < 4.0 * due.sqrt()), "{met:?}");
}

#[test]
fn who_is_alone_comes_to_understand_itself() {
    for agents in ["urn", "policy-gradient", "bush-mosteller", "win-stay"] {
        let world = population("size = 1\nitself = true", "states = 2\nsignals = 2", agents, 3000);
        let mut events = Batch::new();
        run(&world, &[1], Play::Fastest, &mut events).unwrap();
        let late = events.iter().skip(2500).filter(|event| event.success() == Some(true)).count();
        assert!(late > 440, "{agents}: {late} of the last 500 plays succeed");
    }
}

#[test]
fn agents_meet_themselves_where_that_means_something() {
    let mistake = |population: &str, game: &str| {
        let text = format!("[population]\n{population}\nitself = true\n[game]\n{game}\n");
        let points = Document::parse("test.toml", &text, &[]).and_then(|document| document.points());
        points.map(drop).unwrap_err().to_string()
    };
    let signalling = "kind = \"signalling\"\nstates = 2\nsignals = 2\n[agents]\nkind = \"urn\"";
    for (population, game, why) in [
        ("size = 4", "kind = \"naming\"\n[agents]\nkind = \"inventory\"", "nobody has to agree with themselves"),
        ("size = 4\nnetwork = { kind = \"ring\", degree = 2 }", signalling, "on the complete network"),
        ("size = 4\npairing = \"random-matching\"", signalling, "everybody meets another"),
    ] {
        let said = mistake(population, game);
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn a_code_over_a_noisy_channel_succeeds_as_often_as_it_is_heard() {
    // Urns that have learned play a code, or nearly, and no other way of playing succeeds more often.
    for (noise, n) in [(0.1, 2), (0.1, 4), (0.8, 2), (0.9, 4)] {
        let due = f64::max(1.0 - noise, noise / f64::from(n - 1));
        let game = format!("states = {n}\nsignals = {n}\nnoise = {noise}");
        let world = population("size = 1\nitself = true", &game, "urn", 20_000);
        let mut best = 0f64;
        for replica in 0..20 {
            let mut events = Batch::new();
            run(&world, &[replica], Play::Fastest, &mut events).unwrap();
            let late: Vec<bool> = events.iter().skip(10_000).map(|event| event.success() == Some(true)).collect();
            best = best.max(late.iter().filter(|&&play| play).count() as f64 / late.len() as f64);
        }
        println!("noise {noise}, {n} signals: {best:.3} at best (a code {due:.3})");
        assert!(best < due + 0.015 && best > due - 0.1, "noise {noise}: {best} for {due}");
    }
}

fn whole(events: &Batch) -> Vec<String> {
    events.iter().map(|event| format!("{event:?}")).collect()
}

const AGENTS: [&str; 5] = [
    "kind = \"urn\"",
    "kind = \"urn\"\nforgetting = 0.1\ninitial = 0.3\nreward = 2",
    "kind = \"policy-gradient\"",
    "kind = \"policy-gradient\"\nbaseline = 0\nrate = 2",
    "kind = \"bush-mosteller\"",
];
const GAMES: [&str; 5] = [
    "states = 2\nsignals = 2",
    "states = 3\nsignals = 5\nnoise = 0.3",
    "states = 9\nsignals = 4",
    "states = 2\nsignals = 3\nprobabilities = [0.7, 0.3]",
    "states = 3\nsignals = 2\nprobabilities = [0.5, 0.0, 0.5]\nnoise = 0.05",
];
const POPULATIONS: [&str; 6] = [
    "size = 2",
    "size = 3\nitself = true",
    "size = 1\nitself = true",
    "size = 5\nitself = true\npairing = \"edge\"",
    "size = 9\npairing = \"random-matching\"",
    "size = 20\nnetwork = { kind = \"ring\", degree = 4 }\npairing = \"neighbour-then-agent\"",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn flat_memory_plays_signals_as_the_plain_path_does(
        (agents, game, of) in (0..AGENTS.len(), 0..GAMES.len(), 0..POPULATIONS.len()),
        (replica, most, at) in (any::<u32>(), 1u64..3000, 0u64..3000),
        block in 1usize..200,
    ) {
        let text = format!(
            "[population]\n{}\n[game]\nkind = \"signalling\"\n{}\n[agents]\n{}\n[stop]\ninteractions = {most}\n\
             consensus = {{ window = 40, threshold = 0.9 }}\n",
            POPULATIONS[of], GAMES[game], AGENTS[agents]
        );
        let point = Document::parse("test.toml", &text, &[]).unwrap().points().unwrap().remove(0);
        let world = World::build(&point, &NoInputs).map_err(|(key, why)| format!("{key}: {why}")).unwrap();
        prop_assert!(world.played_on().starts_with("tables of weights"));
        let (replica, [mut fast, mut plain, mut cut]) = (replica.into(), [Batch::new(), Batch::new(), Batch::new()]);
        run(&world, &[replica], Play::Fastest, &mut fast).unwrap();
        run(&world, &[replica], Play::Plain { block }, &mut plain).unwrap();
        prop_assert_eq!(whole(&fast), whole(&plain));
        // And once more with an interruption.
        let mut first = Run::new(&world, replica, Play::Fastest).unwrap();
        if !first.play(at.min(most), &mut cut).unwrap() {
            let mut kept = Vec::new();
            first.keep(&mut Keeper::new(&mut kept));
            Run::restore(&world, replica, Play::Fastest, &mut &kept[..]).unwrap().play(u64::MAX, &mut cut).unwrap();
        }
        prop_assert_eq!(whole(&fast), whole(&cut));
    }
}

/// Counts what succeeds, and keeps nothing.
#[derive(Default)]
struct Successes(u64);

impl Sink for Successes {
    fn take(&mut self, _: u64, events: &Batch) -> Result<(), Fault> {
        self.0 += events.iter().filter(|event| event.success() == Some(true)).count() as u64;
        Ok(())
    }
    fn end(&mut self, _: u64) -> Result<(), Fault> {
        Ok(())
    }
}

/// `cargo test --release -p cratylus-core --test signalling -- --ignored --nocapture`
#[test]
#[ignore = "a measurement of speed"]
fn how_fast_signals_are_played() {
    for (agents, game, size) in [
        ("urn", "states = 2\nsignals = 2", "size = 2"),
        ("urn", "states = 4\nsignals = 4", "size = 2"),
        ("urn", "states = 4\nsignals = 4", "size = 100\nitself = true"),
        ("urn", "states = 8\nsignals = 8", "size = 2"),
        ("bush-mosteller", "states = 4\nsignals = 4", "size = 2"),
        ("policy-gradient", "states = 4\nsignals = 4", "size = 2"),
    ] {
        for (how, plays) in [(Play::Plain { block: 64 }, 300_000), (Play::Fastest, 5_000_000)] {
            let world = population(size, game, agents, plays);
            let (start, mut seen) = (std::time::Instant::now(), Successes::default());
            run(&world, &[1], how, &mut seen).unwrap();
            let rate = plays as f64 / start.elapsed().as_secs_f64() / 1e6;
            println!("{agents}, {game:?}, {size:?}, {how:?}: {rate:.2} million plays a second, {} succeed", seen.0);
        }
    }
}
