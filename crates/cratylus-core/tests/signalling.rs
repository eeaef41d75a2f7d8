//! Signalling games on tables, against exact numbers (the signalling reference, section 5).

mod common;
use cratylus_core::experiment::Document;
use cratylus_core::spec::NoInputs;
use cratylus_core::stats::mean_sd;
use cratylus_core::{Batch, Play, World, run};

fn world(game: &str, agents: &str, interactions: u64) -> World {
    let text = format!(
        "[population]\nsize = 2\n[game]\nkind = \"signalling\"\n{game}\n[agents]\nkind = \"{agents}\"\n[stop]\ninteractions = {interactions}\n"
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
