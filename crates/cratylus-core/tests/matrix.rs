//! Games in normal form, against exact scores and long-run frequencies.

mod common;
use cratylus_core::experiment::Document;
use cratylus_core::language::protocol::Told;
use cratylus_core::spec::NoInputs;
use cratylus_core::{Batch, Play, World, run};

const DILEMMA: &str = "[game]\nkind = \"matrix\"\nnames = [\"C\", \"D\"]\npayoffs = [[3, 0], [5, 1]]\nmemory = 1\n";

fn world(text: &str) -> Result<World, String> {
    let point = Document::parse("test.toml", text, &[])?.points()?.remove(0);
    World::build(&point, &NoInputs).map_err(|(key, why)| format!("{key}: {why}"))
}

const STRATEGIES: [&str; 6] = ["all-c", "all-d", "tit-for-tat", "grim", "win-stay-lose-shift", "suspicious-tit-for-tat"];

/// Row's score over ten rounds against column's (social-games reference, 2.1).
const SCORES: [[f64; 6]; 6] = [
    [30.0, 0.0, 30.0, 30.0, 30.0, 27.0],
    [50.0, 10.0, 14.0, 14.0, 30.0, 10.0],
    [30.0, 9.0, 30.0, 30.0, 30.0, 25.0],
    [30.0, 9.0, 30.0, 30.0, 30.0, 13.0],
    [30.0, 5.0, 30.0, 30.0, 30.0, 18.0],
    [32.0, 10.0, 25.0, 13.0, 23.0, 10.0],
];

#[test]
fn ten_rounds_of_the_dilemma_score_what_they_must() {
    for (row, scores) in STRATEGIES.iter().zip(SCORES) {
        for (column, due) in STRATEGIES.iter().zip(scores) {
            let text = format!(
                "[population]\nsize = 2\n{DILEMMA}[stop]\ninteractions = 10\n\
                 [[agents.mix]]\ncount = 1\nkind = \"memory-one\"\nstrategy = \"{row}\"\n\
                 [[agents.mix]]\ncount = 1\nkind = \"memory-one\"\nstrategy = \"{column}\"\n"
            );
            let world = world(&text).unwrap();
            let first = world.assign(world.seed(0)).iter().position(|&kind| kind == 0).unwrap() as u32;
            let mut events = Batch::new();
            run(&world, &[0], Play::Fastest, &mut events).unwrap();
            let seat = |event: &cratylus_core::Event<'_>| event.seats.iter().position(|&agent| agent == first).unwrap();
            let score: f64 = events.iter().map(|event| event.pay[seat(&event)]).sum();
            assert_eq!(score, due, "{row} against {column}");
        }
    }
}

#[test]
fn cooperation_survives_errors_as_the_chain_says() {
    for (strategy, shares) in [
        ("tit-for-tat", [0.5, 0.5, 0.5]),
        ("win-stay-lose-shift", [0.9706, 0.8645, 0.7560]),
        ("generous-tit-for-tat", [0.9712, 0.8750, 0.7857]),
    ] {
        for (error, due) in [0.01, 0.05, 0.10].into_iter().zip(shares) {
            let text = format!(
                "[population]\nsize = 2\n{DILEMMA}[stop]\ninteractions = 4000\n\
                 [agents]\nkind = \"memory-one\"\nstrategy = \"{strategy}\"\nerror = {error}\n"
            );
            let world = world(&text).unwrap();
            // Of each run the second half; runs are independent, so their spread is the error.
            let shares: Vec<f64> = (0..60)
                .map(|replica| {
                    let mut events = Batch::new();
                    run(&world, &[replica], Play::Fastest, &mut events).unwrap();
                    let names: Vec<u32> = events
                        .iter()
                        .skip(2000)
                        .flat_map(|event| event.choices().map(|(_, name)| name).collect::<Vec<_>>())
                        .collect();
                    names.iter().filter(|&&name| name == 0).count() as f64 / names.len() as f64
                })
                .collect();
            let (mean, sd) = cratylus_core::stats::mean_sd(&shares);
            let off = (mean - due) / (sd / 60f64.sqrt());
            assert!(off.abs() < 3.5, "{strategy} with errors {error}: {mean:.4} for {due}, {off:.1} standard errors");
        }
    }
}

#[test]
fn a_battle_pays_each_seat_by_its_own_matrix() {
    let text = "[population]\nsize = 2\n[game]\nkind = \"matrix\"\nnames = [\"A\", \"B\"]\npayoffs = [[2, 0], [0, 1]]\n\
                second = [[1, 0], [0, 2]]\n[stop]\ninteractions = 60\n[agents]\nkind = \"uniform\"\n";
    let mut events = Batch::new();
    run(&world(text).unwrap(), &[0], Play::Fastest, &mut events).unwrap();
    for event in events.iter() {
        let due = match event.pair().names.map(Option::unwrap) {
            [0, 0] => [2.0, 1.0],
            [1, 1] => [1.0, 2.0],
            _ => [0.0, 0.0],
        };
        assert_eq!((event.pay, event.success()), (&due[..], None));
    }
}

#[test]
fn what_is_no_game_in_normal_form_is_refused() {
    let refused = |game: &str, agents: &str| {
        world(&format!("[population]\nsize = 4\n[game]\nkind = \"matrix\"\n{game}\n[agents]\n{agents}\n[stop]\nrounds = 3\n"))
            .err()
            .unwrap()
    };
    let dilemma = "names = [\"C\", \"D\"]\npayoffs = [[3, 0], [5, 1]]";
    for (game, agents, why) in [
        ("names = [\"C\", \"D\"]\npayoffs = [[3, 0]]", "kind = \"uniform\"", "2 rows of 2 numbers"),
        ("names = [\"C\", \"D\"]\npayoffs = [[3, 0], [5, inf]]", "kind = \"uniform\"", "finite"),
        (dilemma, "kind = \"memory-one\"", "which? Give a `strategy`"),
        (dilemma, "kind = \"memory-one\"\nfirst = 2\nafter = [0, 0, 0, 0]", "from 0 to 1, found 2"),
        (dilemma, "kind = \"inventory\"", "matrix"),
        (
            "names = [\"R\", \"P\", \"S\"]\npayoffs = [[0, -1, 1], [1, 0, -1], [-1, 1, 0]]",
            "kind = \"memory-one\"\nstrategy = \"grim\"",
            "the pool holds 3",
        ),
        (&format!("{dilemma}\n[stop.consensus]\nwindow = 10"), "kind = \"uniform\"", "no consensus by successes"),
        (dilemma, "kind = \"mock\"\npolicy = { kind = \"uniform\" }", "protocol = \"matrix\" tells it"),
        (
            &format!("{dilemma}\nsecond = [[1, 2], [3, 4]]"),
            "kind = \"mock\"\nprotocol = \"matrix\"\npolicy = { kind = \"uniform\" }",
            "one matrix for both",
        ),
        (&format!("{dilemma}\n[control]\nalias = true"), "kind = \"uniform\"", "cannot stand for one another"),
    ] {
        let said = refused(game, agents);
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn an_agent_that_reads_is_told_what_each_pair_of_choices_pays() {
    let text = format!(
        "[population]\nsize = 2\n{DILEMMA}[stop]\ninteractions = 3\n[agents]\nkind = \"mock\"\nprotocol = \"matrix\"\npolicy = {{ kind = \"uniform\" }}\n"
    );
    let world = world(&text).unwrap();
    let (_, model) = world.models().next().unwrap();
    let prompt = model.protocol.tell(&Told {
        names: &model.names,
        order: &[1, 0],
        payoff: model.payoff,
        window: &[[1, 0], [0, 0]],
        facts: None,
    });
    let told: Vec<String> = prompt.unwrap().messages.into_iter().map(|message| message.text).collect();
    let told = told.join("\n");
    for line in [
        "choose one of the options at the same time: ['D', 'C']",
        "If you choose D and the other player chooses C, you get 5 points and the other player gets 0.",
        "If you choose C and the other player chooses D, you get 0 points and the other player gets 5.",
        "Round 1: you chose D, the other player chose C, and you got 5 points.",
        "Round 2: you chose C, the other player chose C, and you got 3 points.",
    ] {
        assert!(told.contains(line), "{told}");
    }
}
