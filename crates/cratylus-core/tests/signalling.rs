//! Signalling games on tables, against exact numbers (the signalling reference, section 5).

mod common;
use common::{Readers, each};
use cratylus_core::event::Said;
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
                let (Said::Option(state), Said::Symbols(span)) = (event.saw[0].what, event.moves[0].said) else {
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

/// Nanoseconds of a processor that this thread has used, where Linux says so.
fn used() -> Option<f64> {
    std::fs::read_to_string("/proc/thread-self/schedstat").ok()?.split(' ').next()?.parse().ok()
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
            let (start, mut seen) = (used(), Successes::default());
            run(&world, &[1], how, &mut seen).unwrap();
            let rate = start.zip(used()).map_or(f64::NAN, |(start, end)| plays as f64 * 1e3 / (end - start));
            println!(
                "{agents}, {game:?}, {size:?}, {how:?}: {rate:.2} million plays in a second of a processor, {} succeed",
                seen.0
            );
        }
    }
}

/// Follows tables from events alone, by a rule of its own: for each agent what it sends for each state, then what it does on
/// each signal.
struct Tables {
    n: [usize; 2],
    /// How far logits go for a success that was not expected at all, and how fast what is expected follows; none of urns.
    learns: Option<[f64; 2]>,
    weights: Vec<[Vec<Vec<f64>>; 2]>,
    expected: Vec<f64>,
}

impl Tables {
    fn new(size: usize, [states, signals]: [usize; 2], learns: Option<[f64; 2]>) -> Tables {
        let first = if learns.is_some() { 0.0 } else { 1.0 };
        let one = [vec![vec![first; signals]; states], vec![vec![first; states]; signals]];
        Tables { n: [states, signals], learns, weights: vec![one; size], expected: vec![0.0; size] }
    }

    fn learn(&mut self, agent: usize, role: usize, [cue, chosen]: [usize; 2], success: bool) {
        let row = &mut self.weights[agent][role][cue];
        let paid = f64::from(u8::from(success));
        match self.learns {
            None => row[chosen] += paid,
            Some([rate, baseline]) => {
                let over = paid - self.expected[agent];
                self.expected[agent] += baseline * over;
                let all: f64 = row.iter().map(|logit| logit.exp()).sum();
                let p: Vec<f64> = row.iter().map(|logit| logit.exp() / all).collect();
                row.iter_mut().zip(p).for_each(|(logit, p)| *logit -= rate * over * p);
                row[chosen] += rate * over;
            }
        }
    }

    /// What is likeliest in a row.
    fn likeliest(row: &[f64]) -> usize {
        (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap()
    }

    /// Which share of states is understood if one sends and another does what is likeliest.
    fn greedy(&self, sender: usize, receiver: usize) -> f64 {
        let ([sends, _], [_, does]) = (&self.weights[sender], &self.weights[receiver]);
        let right = |state: &usize| Tables::likeliest(&does[Tables::likeliest(&sends[*state])]) == *state;
        (0..self.n[0]).filter(right).count() as f64 / self.n[0] as f64
    }

    fn same(&self, a: usize, b: usize) -> f64 {
        let sent = |agent: usize, state: usize| Tables::likeliest(&self.weights[agent][0][state]);
        (0..self.n[0]).filter(|&state| sent(a, state) == sent(b, state)).count() as f64 / self.n[0] as f64
    }

    /// What urns earn in a play, by how likely states are.
    fn payoff(&self, sender: usize, receiver: usize, likely: &[f64]) -> f64 {
        let ([sends, _], [_, does]) = (&self.weights[sender], &self.weights[receiver]);
        let share = |row: &[f64], i: usize| row[i] / row.iter().sum::<f64>();
        let of = |(state, likely): (usize, &f64)| {
            (0..self.n[1]).map(|signal| likely * share(&sends[state], signal) * share(&does[signal], state)).sum::<f64>()
        };
        likely.iter().enumerate().map(of).sum()
    }
}

impl Sink for Tables {
    fn take(&mut self, _: u64, events: &Batch) -> Result<(), Fault> {
        for event in events.iter() {
            let (Said::Option(state), Said::Symbols(span), Said::Option(act)) =
                (event.saw[0].what, event.moves[0].said, event.moves[1].said)
            else {
                panic!("a state, a signal and an act")
            };
            let (signal, success) = (usize::from(event.symbols_of(span)[0]), event.success().unwrap());
            self.learn(event.seats[0] as usize, 0, [state as usize, signal], success);
            self.learn(event.seats[1] as usize, 1, [signal, act as usize], success);
        }
        Ok(())
    }
    fn end(&mut self, _: u64) -> Result<(), Fault> {
        Ok(())
    }
}

/// What two sinks take.
struct Both<'a>(&'a mut dyn Sink, &'a mut dyn Sink);

impl Sink for Both<'_> {
    fn take(&mut self, replica: u64, events: &Batch) -> Result<(), Fault> {
        self.0.take(replica, events)?;
        self.1.take(replica, events)
    }
    fn end(&mut self, replica: u64) -> Result<(), Fault> {
        self.0.end(replica)?;
        self.1.end(replica)
    }
}

/// How many standard errors values are off a number with an error of its own.
fn off(values: &[f64], [due, error]: [f64; 2]) -> f64 {
    let (mean, sd) = mean_sd(values);
    (mean - due) / (sd * sd / values.len() as f64 + error * error).sqrt()
}

#[test]
fn whether_agents_meet_themselves_decides_whether_they_share_a_code() {
    // Size, meetings with themselves, plays and runs; understood by others, by themselves, and signals that are the same
    // (signalling-lewis-simulated.json).
    let rows = [
        (2, false, 20_000, 200, [[0.9844, 0.0022], [0.2516, 0.0118], [0.2519, 0.0119]]),
        (2, true, 20_000, 200, [[0.9753, 0.0037], [0.9753, 0.0037], [0.9775, 0.0047]]),
        (3, false, 60_000, 100, [[0.9007, 0.0052], [0.7871, 0.0115], [0.8252, 0.0095]]),
        (3, true, 60_000, 100, [[0.9817, 0.0045], [0.9817, 0.0045], [0.9854, 0.0042]]),
    ];
    each(&rows, |&(size, itself, plays, runs, due)| {
        let world = population(&format!("size = {size}\nitself = {itself}"), "states = 4\nsignals = 4", "policy-gradient", plays);
        let (mut seen, mut read) = ([Vec::new(), Vec::new(), Vec::new()], [Vec::new(), Vec::new(), Vec::new()]);
        // Rows of their own draws, so that none repeats what befalls another.
        let first = 1000 * (2 * size as u64 + u64::from(itself));
        for replica in first..first + runs {
            let (mut tables, mut readers) = (Tables::new(size, [4, 4], Some([0.5, 0.01])), Readers::new(&world, replica));
            run(&world, &[replica], Play::Fastest, &mut Both(&mut tables, &mut readers)).unwrap();
            let pairs: Vec<[usize; 2]> =
                (0..size).flat_map(|a| (0..size).filter(move |&b| b != a).map(move |b| [a, b])).collect();
            let over = |of: &dyn Fn(usize, usize) -> f64| pairs.iter().map(|&[a, b]| of(a, b)).sum::<f64>() / pairs.len() as f64;
            seen[0].push(over(&|a, b| tables.greedy(a, b)));
            seen[1].push((0..size).map(|a| tables.greedy(a, a)).sum::<f64>() / size as f64);
            seen[2].push(over(&|a, b| tables.same(a, b)));
            for (place, key) in ["cross_understanding", "self_understanding", "same_signals"].into_iter().enumerate() {
                read[place].push(readers.measures.readings.last(key).unwrap());
            }
        }
        for ((what, (seen, read)), due) in ["others", "themselves", "same"].into_iter().zip(seen.iter().zip(&read)).zip(due) {
            let [greedy, last] = [seen, read].map(|values| mean_sd(values).0);
            println!("{size} agents, itself {itself}, {what}: {greedy:.4} (due {:.4}), by last uses {last:.4}", due[0]);
            assert!(off(seen, due).abs() < 3.0, "{size} {itself} {what}: {greedy}, {:.1} standard errors", off(seen, due));
            assert!((greedy - last).abs() < 0.02, "{size} {itself} {what}: {greedy}, and {last} by last uses");
        }
    });
}

#[test]
fn urns_end_where_they_must() {
    // States, signals and how likely states are; runs, each of two directions of 10^5 plays; the expected payoff then; and,
    // after 10^6 plays, what likeliest choices earn less than 1, and in which share of runs.
    let rows = [
        (2, 2, vec![0.5; 2], 60, [0.99839, 0.00074], 0.0),
        (3, 3, vec![1.0 / 3.0; 3], 100, [0.95634, 0.00537], 43.0 / 400.0),
        (2, 2, vec![0.9, 0.1], 60, [0.94714, 0.00349], 101.0 / 200.0),
        (3, 2, vec![1.0 / 3.0; 3], 40, [0.66631, 0.00003], 1.0),
        (2, 3, vec![0.5; 2], 40, [0.99958, 0.00006], 0.0),
    ];
    each(&rows, |(states, signals, likely, runs, due, pooling)| {
        let game = format!("states = {states}\nsignals = {signals}\nprobabilities = {likely:?}");
        let world = world(&game, "urn", 200_000);
        let (mut earned, mut pooled) = (Vec::new(), 0.0);
        for replica in 0..*runs {
            let mut tables = Tables::new(2, [*states, *signals], None);
            run(&world, &[replica], Play::Fastest, &mut tables).unwrap();
            for sender in 0..2 {
                earned.push(tables.payoff(sender, 1 - sender, likely));
                pooled += f64::from(u8::from(tables.greedy(sender, 1 - sender) < 1.0));
            }
        }
        let n = earned.len() as f64;
        // A share of none or all has an error, too; there it is taken to be one of a hundred.
        let (share, at) = (pooled / n, f64::clamp(*pooling, 0.01, 0.99));
        let error = (at * (1.0 - at) * (1.0 / n + 1.0 / 400.0)).sqrt();
        println!("{game:?}: earned {:.5} (due {:.5}), {share:.3} pool (due {pooling:.3})", mean_sd(&earned).0, due[0]);
        assert!(off(&earned, *due).abs() < 3.0, "{game}: {:.1} standard errors", off(&earned, *due));
        assert!((share - pooling).abs() <= 3.0 * error, "{game}: {share} pool, and {pooling} are due");
    });
}

#[test]
fn the_experiment_on_private_codes_says_what_it_claims() {
    let text = include_str!("../../../experiments/private-codes.toml");
    let points = Document::parse("private-codes.toml", text, &[]).unwrap().points().unwrap();
    assert_eq!(points.len(), 8);
    for point in &points {
        let world = World::build(point, &NoInputs).map_err(|(key, why)| format!("{key}: {why}")).unwrap();
        let ended = common::play(&world, 4);
        let of = |key: &str| {
            let last = ended.iter().map(|(_, readings)| readings.iter().rfind(|reading| reading.measure == key).unwrap().value);
            last.sum::<f64>() / ended.len() as f64
        };
        let (own, others) = (of("self_understanding"), of("cross_understanding"));
        println!("{}: themselves {own:.3}, others {others:.3}, same signals {:.3}", point.text(), of("same_signals"));
        let private = world.size == 2 && !world.experiment.population.itself;
        assert!(others > 0.8 && (own < 0.6) == private, "{}: {own} and {others}", point.text());
    }
}
