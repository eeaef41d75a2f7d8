//! The emulated models that the program ships: how well they predict, and whether populations of them do what
//! was recorded. The recorded facts are those in the model files, computed by our importer.

mod common;
use common::Kept;
use cratylus_core::agents::emulated::{Emulated, built_in};
use cratylus_core::experiment::Document;
use cratylus_core::fault::Fault;
use cratylus_core::recorded::RecordedCondition;
use cratylus_core::spec::NoInputs;
use cratylus_core::stats::{Proportion, g_test, ks_test, quantile};
use cratylus_core::watch::outcome::OutcomeSeen;
use cratylus_core::{Batch, Play, Seed, Sink, World, run};

fn model(name: &str) -> &'static Emulated {
    built_in().iter().find(|model| model.name == name).unwrap()
}

/// The condition with empty memories, H = 5 and N = 24, for a number of names that include Q and M.
fn baseline(model: &Emulated, n_names: usize) -> &RecordedCondition {
    let wanted = |c: &&RecordedCondition| {
        c.game == "coordination"
            && c.start.is_none()
            && c.memory == 5
            && c.size == 24
            && c.names.len() == n_names
            && c.names.contains(&"Q".to_string())
    };
    model.conditions.iter().find(wanted).unwrap()
}

/// What the shipped files say of themselves, in nats per decision for Q and M, H = 5, N = 24. It is worked out anew from the
/// recorded runs, where they are there, in `cratylus-io/tests/shared_data.rs`.
#[test]
fn shipped_files_say_that_they_meet_their_targets() {
    for (name, target) in
        [("llama-2-70b", -0.0345), ("llama-3-70b", -0.063), ("llama-3.1-70b", -0.203), ("claude-3.5-sonnet", -0.062)]
    {
        let model = model(name);
        let label = baseline(model, 2).label();
        let held = model.held_out.iter().find(|held| held.condition == label).unwrap();
        assert_eq!(held.folds.len(), 2);
        assert!(held.score >= target, "{name}: {} is below {target}", held.score);
    }
}

struct Ends<'w> {
    world: &'w World,
    current: OutcomeSeen,
    rounds: Vec<f64>,
    winners: Vec<u64>,
}

impl Sink for Ends<'_> {
    fn take(&mut self, _: u64, events: &Batch) -> Result<(), Fault> {
        events.iter().for_each(|event| self.current.see(&event));
        Ok(())
    }
    fn end(&mut self, _: u64) -> Result<(), Fault> {
        let outcome = self.current.end();
        self.rounds.extend(outcome.rounds_to_consensus);
        // A window of successes may, rarely, hold two names: then nobody has won yet.
        outcome.winner.into_iter().for_each(|winner| self.winners[winner as usize] += 1);
        self.current = OutcomeSeen::new(&self.world.context(0));
        Ok(())
    }
}

/// How a simulated population compares with the recorded one.
struct Fidelity {
    /// The p of the rounds to consensus (Kolmogorov–Smirnov), all simulated runs against the recorded ones.
    rounds_p: f64,
    /// The median p where as many runs are simulated as were recorded, many times.
    batch_p: f64,
    /// Names whose simulated share of the runs lies outside the recorded 95 % interval by more than its own error.
    outside: Vec<String>,
}

/// Simulates a recorded condition.
fn fidelity(name: &str, n_names: usize, runs: u64) -> Fidelity {
    let condition = baseline(model(name), n_names);
    let names = condition.names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let text = format!(
        "seed = 20250514\n[population]\nsize = 24\n[game]\nkind = \"coordination\"\nnames = [{names}]\nmemory = 5\n\
         [agents]\nkind = \"emulated\"\nmodel = \"{name}\"\n[stop]\nconsensus = {{ window = 72 }}\ninteractions = 10_000\n"
    );
    let points = Document::parse("test.toml", &text, &[]).unwrap().points().unwrap();
    let world = World::build(&points[0], &NoInputs).unwrap();
    let mut ends =
        Ends { world: &world, current: OutcomeSeen::new(&world.context(0)), rounds: Vec::new(), winners: vec![0; n_names] };
    for replica in 0..runs {
        run(&world, &[replica], Play::Fastest, &mut ends).unwrap();
    }
    let lengths = &condition.facts.rounds.as_ref().unwrap().values;
    let (d, rounds_p) = ks_test(lengths, &ends.rounds);
    let mut batches: Vec<f64> = ends.rounds.chunks_exact(lengths.len()).map(|batch| ks_test(lengths, batch).1).collect();
    batches.sort_unstable_by(f64::total_cmp);
    let batch_p = quantile(&batches, 0.5);
    let of: u64 = condition.facts.winners.iter().map(|winner| winner.count).sum();
    let recorded = |name: &String| condition.facts.winners.iter().find(|w| w.name.as_ref() == Some(name)).map_or(0, |w| w.count);
    let counts: Vec<u64> = condition.names.iter().map(recorded).collect();
    let share = |place: usize| ends.winners[place] as f64 / runs as f64;
    let outside = (0..n_names).filter(|&place| {
        let Proportion { low, high, .. } = Proportion::new(counts[place], of);
        // The simulation's own error: two standard errors of a share.
        let error = 2.0 * (share(place) * (1.0 - share(place)) / runs as f64).sqrt();
        !(low - error..=high + error).contains(&share(place))
    });
    let outside: Vec<String> = outside
        .map(|place| format!("{} {:.3}, recorded {} of {of}", condition.names[place], share(place), counts[place]))
        .collect();
    // Half a win for each name, so that one that never won in the simulation is not impossible.
    let expected: Vec<f64> = ends.winners.iter().map(|&n| (n as f64 + 0.5) / (runs as f64 + 0.5 * n_names as f64)).collect();
    let (_, joint_p) = g_test(&counts, &expected, 4000, Seed(1));
    println!(
        "{name}, {n_names} names: rounds KS D {d:.3}, p {rounds_p:.3}, median p of {} batches {batch_p:.3}; winners, joint p {joint_p:.3}; outside: {outside:?}",
        batches.len()
    );
    Fidelity { rounds_p, batch_p, outside }
}

/// Rounds to consensus cannot be told from the recorded ones, and winners' shares lie inside the recorded
/// interval. Llama 3.1 with two names is the exception that the next test is about.
fn do_what_was_recorded(models: &[&str], n_names: usize, runs: u64) {
    for name in models {
        let Fidelity { rounds_p, batch_p, outside } = fidelity(name, n_names, runs);
        assert!(
            rounds_p > 0.05 && batch_p > 0.05,
            "{name}, {n_names} names: rounds to consensus differ, p {rounds_p} and {batch_p}"
        );
        assert!(outside.is_empty(), "{name}, {n_names} names: {outside:?}");
    }
}

// Several tests, so that they run beside one another.
#[test]
fn populations_of_emulated_models_do_what_was_recorded_with_two_names() {
    do_what_was_recorded(&["llama-2-70b", "llama-3-70b", "claude-3.5-sonnet"], 2, 2000);
}

#[test]
fn populations_of_emulated_models_do_what_was_recorded_with_ten_names() {
    do_what_was_recorded(&["llama-2-70b", "llama-3-70b"], 10, 1000);
}

#[test]
fn populations_of_newer_emulated_models_do_what_was_recorded_with_ten_names() {
    do_what_was_recorded(&["llama-3.1-70b", "claude-3.5-sonnet"], 10, 1000);
}

/// The recorded response of Llama 3.1 to Q and M is not the same function of the window in every run. The model draws one of
/// two for each run, which is nearer to what was recorded than their average, and not the same: that is said.
#[test]
fn llama_3_1_with_two_names_is_reported_as_not_stationary() {
    let model = model("llama-3.1-70b");
    let label = baseline(model, 2).label();
    let test = model.sufficiency.iter().find(|test| test.condition == label).unwrap();
    assert!(test.p < 0.01 && test.short_p < 0.01, "{test:?}");
    let cautions = model.cautions(&["Q".to_string(), "M".to_string()], 5, None);
    let words = ["not the same function of the window", "drawn for each run (82 % of runs at 1.06 times"];
    assert!(cautions.iter().any(|caution| words.iter().all(|word| caution.contains(word))), "{cautions:?}");
    for name in ["llama-2-70b", "llama-3-70b", "claude-3.5-sonnet"] {
        let other = self::model(name);
        let label = baseline(other, 2).label();
        let test = other.sufficiency.iter().find(|test| test.condition == label).unwrap();
        assert!(test.p > 0.05 && test.short_p > 0.05, "{name}: {test:?}");
    }
    let batch_p = fidelity("llama-3.1-70b", 2, 2000).batch_p;
    assert!(batch_p < 0.05, "if this passes, the finding is gone: say so in docs/fitting.md; p {batch_p}");
}

/// Where a response varies from run to run, all agents of a run have the same one, and runs have each as often as it is said.
#[test]
fn a_response_that_varies_is_drawn_for_each_run() {
    let model = model("llama-3.1-70b");
    let known = model.known_pools.iter().find(|known| known.names == ["M", "Q"]).unwrap();
    let [sharp, blunt] = &known.classes[..] else { panic!("{:?}", known.classes) };
    assert!(sharp.sharpness > 1.0 && blunt.sharpness < 1.0 && (sharp.share + blunt.share - 1.0).abs() < 0.01);
    let text = "seed = 4\n[population]\nsize = 24\n[game]\nkind = \"coordination\"\nnames = [\"Q\", \"M\"]\nmemory = 5\n\
                [agents]\nkind = \"emulated\"\nmodel = \"llama-3.1-70b\"\n[agents.committed]\nname = \"Q\"\ncount = 3\n[stop]\ninteractions = 300\n";
    let points = Document::parse("test.toml", text, &[]).unwrap().points().unwrap();
    let world = World::build(&points[0], &NoInputs).unwrap();
    let mut of = [0u64; 2];
    for replica in 0..600 {
        let mut kinds = world.assign(world.seed(replica));
        assert_eq!(world.committed(replica).len(), 3);
        kinds.sort_unstable();
        assert_eq!(kinds[21..], [2; 3], "committed agents come last");
        kinds.dedup();
        let [one, 2] = kinds[..] else { panic!("one response in a run: {kinds:?}") };
        of[one as usize] += 1;
    }
    let found = Proportion::new(of[0], 600);
    assert!(found.low < sharp.share && sharp.share < found.high, "{of:?} and {sharp:?}");
    // Both engines draw the same.
    let played = |engine| {
        let mut kept = Kept::default();
        run(&world, &(0..12).collect::<Vec<_>>(), engine, &mut kept).unwrap();
        kept.0
    };
    assert!(world.compiled().is_some());
    assert_eq!(played(Play::Plain { block: 50 }), played(Play::Fastest));
}

/// Scores on what a fit saw nothing of stand in the files: pools, and conditions of a few runs.
#[test]
fn shipped_files_say_how_well_they_foretell_what_was_never_recorded() {
    for model in built_in() {
        assert!(model.left_out.iter().any(|left| left.pool), "{}", model.name);
        for left in &model.left_out {
            assert!(left.score > left.uniform, "{}: {left:?}", model.name);
        }
        assert!(model.words().contains("on pools left out"), "{}", model.words());
    }
}

#[test]
fn a_model_says_where_it_extrapolates() {
    let cautions = |names: &[&str], memory: usize| {
        let names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
        model("claude-3.5-sonnet").cautions(&names, memory, None).join("\n")
    };
    assert_eq!(cautions(&["Q", "M"], 5), "");
    assert!(cautions(&["Alice", "Bob"], 5).contains("never recorded with Alice, Bob"));
    assert!(cautions(&["Q", "M", "X"], 5).contains("3 is an extrapolation"));
    assert!(cautions(&["Q", "M"], 3).contains("recorded with a memory of 5 rounds; 3 is an extrapolation"));
}

#[test]
fn names_never_recorded_are_treated_alike() {
    for model in built_in() {
        let names = ["blick".to_string(), "wug".to_string()];
        let (mut p, mut q) = ([0.0; 2], [0.0; 2]);
        model.distribution(&names, &[[0, 1], [1, 1]], &mut p);
        model.distribution(&names, &[[1, 0], [0, 0]], &mut q);
        assert!((p[0] - q[1]).abs() < 1e-12 && (p[0] + p[1] - 1.0).abs() < 1e-12, "{}: {p:?} {q:?}", model.name);
        assert!(p[1] > 0.6, "{}: what was just agreed on is likely to be said again: {p:?}", model.name);
    }
}

#[test]
fn conditions_that_were_never_recorded_are_told() {
    let check = |more: &str, sets: &[&str], words: &[&str]| {
        let text = format!(
            "name = \"n\"\nseed = 1\nreplicas = 2\n[population]\nsize = 24\n[game]\nkind = \"coordination\"\nnames = [\"Q\", \"M\"]\nmemory = 5\n[agents]\nkind = \"emulated\"\nmodel = \"llama-3-70b\"\n{more}"
        );
        let sets: Vec<String> = sets.iter().map(|set| set.to_string()).collect();
        let point = Document::parse("test.toml", &text, &sets).unwrap().points().unwrap().remove(0);
        let told = World::build(&point, &NoInputs).unwrap().cautions;
        assert_eq!(
            words.is_empty(),
            !told.iter().any(|caution| caution.contains("intervals are of the simulation alone")),
            "{told:?}"
        );
        for word in words {
            assert!(told.iter().any(|caution| caution.contains(word)), "{word}: {told:?}");
        }
    };
    check("", &[], &[]);
    check("", &["population.size=100"], &["populations of this size were never recorded (recorded: 24"]);
    // Populations of 48 were recorded from a consensus alone.
    check("", &["population.size=48"], &["never in this combination"]);
    check("", &["game.memory=3"], &[]);
    check("", &["game.memory=7"], &["memories of this length were never recorded in populations"]);
    // Both names were recorded, and never with one another.
    check("", &["game.names=[\"Q\", \"X\"]"], &["never recorded with the pool Q X"]);
    check("[agents.committed]\nname = \"Q\"\ncount = 23\n", &[], &["never recorded in this number"]);
    check("", &["population.network.kind=ring"], &["on no other network"]);
}
