//! Populations that are counted do, in distribution, what populations of agents do.

mod common;
use common::{Ended, play};
use cratylus_core::World;
use cratylus_core::experiment::Document;
use cratylus_core::inventory::InventoryRule;
use cratylus_core::mean_field::TwoNamesFlow;
use cratylus_core::spec::NoInputs;
use cratylus_core::stats::mean_sd;

fn world(text: &str) -> Result<World, String> {
    let points = Document::parse("test.toml", text, &[])?.points()?;
    World::build(&points[0], &NoInputs).map_err(|(key, why)| format!("{key}: {why}"))
}

/// The same figure of runs of agents and of counts, within the error of both.
fn alike(what: &str, [agents, counts]: [&[f64]; 2]) {
    let of = |values: &[f64]| {
        let (mean, sd) = mean_sd(values);
        (mean, sd / (values.len() as f64).sqrt())
    };
    let ((a, sa), (b, sb)) = (of(agents), of(counts));
    let se = f64::hypot(sa, sb);
    println!("{what}: {a:.4} ± {sa:.4}, counted {b:.4} ± {sb:.4}");
    assert!((a - b).abs() < 4.0 * se + 1e-9, "{what}: {a} ± {sa}, counted {b} ± {sb}");
    // The spread is the same, too: that of a standard deviation is about its size over the root of twice the runs.
    let (da, db) = (mean_sd(agents).1, mean_sd(counts).1);
    let error = da.max(db) * (0.5 / agents.len() as f64 + 0.5 / counts.len() as f64).sqrt();
    assert!((da - db).abs() < 6.0 * error + 1e-9, "{what}: spreads {da} and {db}");
}

#[test]
fn consensus_of_two_names_takes_as_long_where_agents_are_counted() {
    for (size, agents, committed) in [
        (100, "", ""),
        (100, "beta = 0.6", ""),
        (1000, "", "[agents.committed]\nname = \"A\"\nshare = 0.15\n"),
        (50, "pi = 0.9\nphi = 0.05", "[agents.committed]\nname = \"A\"\ncount = 6\n"),
        (31, "rule = \"ai-norms\"", ""),
    ] {
        let start = if committed.is_empty() { "{ shares = { A = 0.5, B = 0.5 } }" } else { "{ consensus = \"B\" }" };
        let text = |engine: &str| {
            format!(
                "seed = 3\n[population]\nsize = {size}\nengine = \"{engine}\"\nstart = {start}\n[game]\nkind = \"naming\"\nnames = [\"A\", \"B\"]\n\
                 [stop]\nconsensus = {{ by = \"inventories\" }}\nrounds = 5000\n[record]\ninteractions = false\n\
                 measures = [\"success_rate\", \"name_share\", \"total_words\", \"minority_share\"]\n[agents]\nkind = \"inventory\"\n{agents}\n{committed}"
            )
        };
        let [one, other] = ["agents", "counts"].map(|engine| play(&world(&text(engine)).unwrap(), 1500));
        let what = format!("N = {size} {agents} {committed}").replace('\n', " ");
        let of = |ended: &[Ended], value: &dyn Fn(&Ended) -> f64| -> Vec<f64> { ended.iter().map(value).collect() };
        let rounds = |(outcome, _): &Ended| outcome.rounds_to_consensus.unwrap();
        alike(&format!("{what}: rounds"), [&of(&one, &rounds), &of(&other, &rounds)]);
        for measure in ["success_rate", "name_share:A", "total_words"] {
            let third = |(_, readings): &Ended| {
                let mut all = readings.iter().filter(|reading| reading.measure == measure);
                all.nth(2).map_or(0.0, |reading| reading.value)
            };
            alike(&format!("{what}: {measure} of the third round"), [&of(&one, &third), &of(&other, &third)]);
        }
    }
}

#[test]
fn short_memories_are_counted_alike() {
    for agents in [
        "kind = \"copy-last-partner\"",
        "kind = \"majority-of-window\"",
        "kind = \"best-response\"",
        "kind = \"win-stay-lose-shift\"\nlapse = 0.1",
    ] {
        let text = |engine: &str| {
            format!(
                "seed = 3\n[population]\nsize = 60\nengine = \"{engine}\"\nstart = {{ shares = {{ A = 0.6, B = 0.4 }} }}\n[game]\nkind = \"coordination\"\n\
                 names = [\"A\", \"B\"]\nmemory = 2\n[stop]\nrounds = 8\n[record]\ninteractions = false\nmeasures = [\"success_rate\", \"name_share\", \"minority_share\"]\n\
                 [agents]\n{agents}\n[agents.committed]\nname = \"B\"\ncount = 5\n"
            )
        };
        let [one, other] = ["agents", "counts"].map(|engine| play(&world(&text(engine)).unwrap(), 2000));
        for measure in ["success_rate", "name_share:A", "minority_share"] {
            let last = |ended: &[Ended]| -> Vec<f64> {
                ended.iter().map(|(_, readings)| readings.iter().rfind(|r| r.measure == measure).unwrap().value).collect()
            };
            alike(&format!("{agents}: {measure}"), [&last(&one), &last(&other)]);
        }
        let share = |ended: &[Ended]| -> Vec<f64> { ended.iter().map(|(outcome, _)| outcome.minority_share.unwrap()).collect() };
        alike(&format!("{agents}: share at the end"), [&share(&one), &share(&other)]);
    }
}

#[test]
fn a_counted_population_is_the_same_whenever_it_is_played() {
    let text = "seed = 8\n[population]\nsize = 3_000_000_000\nengine = \"counts\"\nstart = { consensus = \"B\" }\n[game]\nkind = \"naming\"\nnames = [\"A\", \"B\"]\n\
                [stop]\nrounds = 2\n[record]\ninteractions = false\n[agents]\nkind = \"inventory\"\n[agents.committed]\nname = \"A\"\nshare = 0.12\n";
    let world = world(text).unwrap();
    let [one, two] = [0, 1].map(|_| play(&world, 1));
    assert_eq!(one[0].0, two[0].0);
    assert_eq!(one[0].0.interactions, 6_000_000_000);
}

/// More agents than a 32-bit number can tell apart do what theory says of infinitely many, within the root of their number.
#[test]
fn ten_thousand_million_agents_follow_the_mean_field() {
    let size = 10_000_000_000_u64;
    let text = format!(
        "seed = 8\n[population]\nsize = {size}\nengine = \"counts\"\nstart = {{ consensus = \"B\" }}\n[game]\nkind = \"naming\"\nnames = [\"A\", \"B\"]\n\
         [stop]\nrounds = 2\n[record]\ninteractions = false\n[agents]\nkind = \"inventory\"\n[agents.committed]\nname = \"A\"\nshare = 0.2\n"
    );
    let (outcome, readings) = play(&world(&text).unwrap(), 1).remove(0);
    assert_eq!((outcome.interactions, outcome.rounds), (2 * size, 2.0));
    let flow = TwoNamesFlow::new(InventoryRule::textbook(Some(2)), [0.2, 0.0]);
    for round in 1..=2 {
        let [_, a, b, both] = flow.after([0.0, 0.0, 0.8, 0.0], f64::from(round));
        let due = 0.2 + a + b + 2.0 * both;
        let words = readings.iter().find(|r| r.measure == "total_words" && r.t == round as u64 * size).unwrap().value;
        let found = words / size as f64;
        println!("round {round}: {found} of theory's {due}");
        assert!((found - due).abs() < 2e-5, "round {round}: {found} words for each agent, {due} by theory");
    }
    // A population beyond what is counted, and one beyond what is followed, are refused.
    for (size, engine, why) in [("2_000_000_000_000", "counts", "10^12"), ("2_000_000_000", "agents", "2^30")] {
        let refused = world(&text.replace("10000000000", size).replace("counts", engine)).err().unwrap();
        assert!(refused.contains(why), "{refused}");
    }
}

#[test]
fn what_cannot_be_counted_says_why() {
    let refused = |population: &str, rest: &str, why: &str| {
        let text = format!("[population]\nsize = 50\nengine = \"counts\"\n{population}\n{rest}\n");
        let error = world(&text).err().unwrap_or_else(|| panic!("{text} was let through"));
        assert!(error.contains(why), "{error}");
    };
    let naming =
        "[game]\nkind = \"naming\"\nnames = [\"A\", \"B\"]\n[agents]\nkind = \"inventory\"\n[record]\ninteractions = false\n";
    refused("network = { kind = \"ring\" }", naming, "everyone meets everyone");
    refused("groups = { size = 3 }", naming, "groups of more than two");
    for count in ["9223372036854775807", "1_500_000_000_000"] {
        let added = format!("{naming}[agents.committed]\nname = \"A\"\nhow = \"add\"\ncount = {count}\n");
        refused("", &added.replace("[record]\ninteractions = false\n", ""), "10^12");
    }
    refused("pairing = \"random-matching\"", naming, "rounds of their own");
    refused("", &naming.replace("interactions = false", "interactions = true"), "no interactions to be kept");
    refused("", &naming.replace("names = [\"A\", \"B\"]", "names = [\"A\", \"B\", \"C\"]"), "two names");
    refused("", &format!("{naming}[stop]\nconsensus = {{ window_rounds = 3 }}"), "successes in a row");
    let long = "[game]\nkind = \"coordination\"\nnames = [\"A\", \"B\"]\nmemory = 5\n[agents]\nkind = \"majority-of-window\"\n[record]\ninteractions = false\n";
    refused("", long, "1365 states");
}
