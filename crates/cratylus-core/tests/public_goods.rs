//! Public goods, against exact payoffs (the social-games reference, 2.2).

mod common;
use common::play;
use cratylus_core::experiment::Document;
use cratylus_core::spec::NoInputs;
use cratylus_core::{Batch, Play, World, run};

fn world(text: &str) -> Result<World, String> {
    let point = Document::parse("test.toml", text, &[])?.points()?.remove(0);
    World::build(&point, &NoInputs).map_err(|(key, why)| format!("{key}: {why}"))
}

fn group(n: u32, multiplier: f64, agents: &str) -> String {
    format!(
        "[population]\nsize = {n}\ngroups = {{ size = {n} }}\n[game]\nkind = \"public-goods\"\nmultiplier = {multiplier}\n[stop]\ninteractions = 6\n{agents}"
    )
}

fn givers(givers: u32, riders: u32) -> String {
    let kind = |count: u32, share: f64| match count {
        0 => String::new(),
        _ => format!("[[agents.mix]]\ncount = {count}\nkind = \"giver\"\nrule = \"fixed\"\ngives = {share}\n"),
    };
    format!("{}{}", kind(givers, 1.0), kind(riders, 0.0))
}

#[test]
fn everyone_is_paid_what_the_formula_says() {
    // Group, multiplier, then what all get where none gives and where all do, a free rider among givers, and these.
    for (n, r, [none, all, rider, giver]) in
        [(4, 1.6, [1.0, 1.6, 2.2, 1.2]), (4, 2.0, [1.0, 2.0, 2.5, 1.5]), (10, 3.0, [1.0, 3.0, 3.7, 2.7])]
    {
        for (free, due) in [(n, vec![none; 1]), (0, vec![all; 1]), (1, vec![giver, rider])] {
            let world = world(&group(n, r, &givers(n - free, free))).unwrap();
            let mut events = Batch::new();
            run(&world, &[0], Play::Fastest, &mut events).unwrap();
            let kinds = world.assign(world.seed(0));
            for event in events.iter() {
                assert_eq!((event.seats.len(), event.pay.len(), event.success()), (n as usize, n as usize, None));
                for (seat, (agent, pay)) in event.seats.iter().zip(event.pay).enumerate() {
                    let due = due[usize::from(kinds[*agent as usize])];
                    assert!((pay - due).abs() < 1e-12, "{n} seats, r = {r}, {free} free: seat {seat} got {pay}, not {due}");
                }
            }
        }
    }
}

#[test]
fn who_matches_others_follows_them_down() {
    // Three that match and one that gives nothing: the mean of the others falls to a third of what is left each time.
    let agents = "[[agents.mix]]\ncount = 3\nkind = \"giver\"\nrule = \"match\"\ngives = 1.0\n\
                  [[agents.mix]]\ncount = 1\nkind = \"giver\"\nrule = \"fixed\"\ngives = 0.0\n";
    let mut events = Batch::new();
    run(&world(&group(4, 1.6, agents)).unwrap(), &[0], Play::Fastest, &mut events).unwrap();
    for (event, due) in events.iter().zip([1.0, 2.0 / 3.0, 4.0 / 9.0, 8.0 / 27.0]) {
        let given: f64 = event.moves.iter().filter_map(|one| one.said.number()).sum();
        assert!((given - 3.0 * due).abs() < 1e-12, "{given} for {}", 3.0 * due);
    }
}

#[test]
fn a_population_meets_in_groups_and_its_measures_say_what_it_gave() {
    let text = "seed = 5\n[population]\nsize = 40\ngroups = { size = 5 }\n[game]\nkind = \"public-goods\"\nmultiplier = 2\nendowment = 10\n\
                [stop]\nrounds = 50\n[agents]\nkind = \"giver\"\nrule = \"uniform\"\n";
    let ended = play(&world(text).unwrap(), 4);
    for (measure, due, sd) in [("mean_amount", 5.0, 10.0 / 12f64.sqrt()), ("mean_pay", 15.0, 10.0 / 12f64.sqrt())] {
        let all: Vec<f64> =
            ended.iter().flat_map(|(_, readings)| readings.iter().filter(|r| r.measure == measure).map(|r| r.value)).collect();
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        let n = 4.0 * 50.0 * 40.0 * 5.0f64;
        assert!((mean - due).abs() < 4.0 * sd / n.sqrt(), "{measure}: {mean} for {due}");
    }
}

#[test]
fn what_cannot_be_played_is_refused() {
    let giver = "[agents]\nkind = \"giver\"\nrule = \"fixed\"\ngives = 1\n";
    for (text, why) in [
        (
            "[population]\nsize = 4\n[game]\nkind = \"public-goods\"\nmultiplier = 2\n[stop]\nrounds = 1\n".to_string() + giver,
            "population.groups.size",
        ),
        (group(4, -1.0, giver), "above 0"),
        (group(4, 2.0, "[agents]\nkind = \"uniform\"\n"), "public-goods"),
        (group(4, 2.0, "[agents]\nkind = \"giver\"\nrule = \"fixed\"\n"), "how much?"),
        (group(4, 2.0, "[agents]\nkind = \"giver\"\nrule = \"match\"\ngives = 2\n"), "from 0 to 1"),
        (
            group(4, 2.0, giver)
                .replace("public-goods\"\nmultiplier = 2", "coordination\"\nnames = [\"A\", \"B\"]")
                .replace("giver\"\nrule = \"fixed\"\ngives = 1", "uniform\""),
            "not played in groups",
        ),
    ] {
        let said = world(&text).err().unwrap_or_default();
        assert!(said.contains(why), "{said:?} for {why}");
    }
}
