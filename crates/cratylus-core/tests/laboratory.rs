//! The laboratory's promises: what cannot change a run, and two ways to the same events.

mod common;
use common::Kept;
use cratylus_core::experiment::Document;
use cratylus_core::fault::Fault;
use cratylus_core::spec::NoInputs;
use cratylus_core::watch::measures::Measures;
use cratylus_core::watch::outcome::{Outcome, OutcomeSeen};
use cratylus_core::watch::readings::Reading;
use cratylus_core::{Batch, PairEvent, Play, Sink, World, run};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn world(text: &str) -> World {
    let document = Document::parse("test.toml", text, &[]).unwrap();
    let points = document.points().unwrap();
    World::build(&points[0], &NoInputs).unwrap()
}

fn play(world: &World, replicas: &[u64], engine: Play) -> BTreeMap<u64, Vec<PairEvent>> {
    let mut kept = Kept::default();
    run(world, replicas, engine, &mut kept).unwrap();
    kept.0
}

const KINDS: [&str; 7] = [
    r#"kind = "uniform""#,
    r#"kind = "constant", name = "M""#,
    r#"kind = "win-stay-lose-shift", lapse = 0.1"#,
    r#"kind = "copy-last-partner""#,
    r#"kind = "majority-of-window""#,
    r#"kind = "best-response""#,
    r#"kind = "best-response", ties = "first-listed""#,
];

fn experiment() -> impl Strategy<Value = String> {
    let agents = prop_oneof![
        (0..KINDS.len()).prop_map(|i| format!("agents = {{ {} }}", KINDS[i])),
        (0..KINDS.len(), 0..KINDS.len(), 0u32..4).prop_map(|(i, j, committed)| format!(
            "[agents]\nmix = [{{ share = 0.5, {} }}, {{ share = 0.5, {} }}]\ncommitted = {{ name = \"M\", count = {committed}, how = \"{}\" }}",
            KINDS[i],
            KINDS[j],
            if committed % 2 == 0 { "replace" } else { "add" }
        )),
    ];
    let starts = prop_oneof![
        Just(String::new()),
        Just("start = { consensus = \"Q\" }".to_string()),
        Just("start = { memory = [[\"Q\", \"M\"], [\"M\", \"M\"]] }".to_string())
    ];
    (any::<u32>(), 4u32..40, 2usize..6, starts, agents, 10u64..400).prop_map(|(seed, size, memory, start, agents, most)| {
        format!(
            "seed = {seed}\n{agents}\n[population]\nsize = {size}\n{start}\n[game]\nkind = \"coordination\"\nnames = [\"Q\", \"M\"]\nmemory = {memory}\n\
             [stop]\nconsensus = {{ window_rounds = 3 }}\ninteractions = {most}\n"
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_block_size_does_not_change_a_run(text in experiment(), block in 1usize..200) {
        let world = world(&text);
        prop_assert_eq!(play(&world, &[0, 1], Play::Plain { block: 1 }), play(&world, &[0, 1], Play::Plain { block }));
    }

    #[test]
    fn the_compiled_path_equals_the_plain_one(text in experiment()) {
        let world = world(&text);
        prop_assert!(world.compiled().is_some());
        prop_assert_eq!(play(&world, &[3], Play::Fastest), play(&world, &[3], Play::Plain { block: 50 }));
    }

    #[test]
    fn replicas_that_share_waves_are_those_played_alone(text in experiment()) {
        let world = world(&text);
        let together = play(&world, &[0, 1, 2], Play::Plain { block: 30 });
        for replica in 0..3 {
            prop_assert_eq!(&together[&replica], &play(&world, &[replica], Play::Plain { block: 30 })[&replica]);
        }
    }
}

#[test]
fn naming_games_do_not_depend_on_the_block_either() {
    for (rule, pool) in [("textbook", ""), ("ai-norms", "names = [\"a\", \"b\", \"c\"]")] {
        let world = world(&format!(
            "agents = {{ kind = \"inventory\", rule = \"{rule}\" }}\n[population]\nsize = 30\n[game]\nkind = \"naming\"\n{pool}\n[stop]\nrounds = 40\n"
        ));
        assert_eq!(play(&world, &[0], Play::Plain { block: 1 }), play(&world, &[0], Play::Plain { block: 77 }));
    }
}

#[test]
fn a_measure_says_the_same_whatever_pieces_the_events_come_in() {
    let world = world(
        "[agents]\nkind = \"copy-last-partner\"\n[agents.committed]\nname = \"M\"\ncount = 2\n[population]\nsize = 10\n[game]\nkind = \"coordination\"\nnames = [\"Q\", \"M\"]\n[stop]\ninteractions = 205\n",
    );
    struct Live(Measures, OutcomeSeen);
    impl Sink for Live {
        fn take(&mut self, _: u64, events: &Batch) -> Result<(), Fault> {
            for event in events.iter() {
                self.0.see(&event);
                self.1.see(&event);
            }
            Ok(())
        }
        fn end(&mut self, _: u64) -> Result<(), Fault> {
            self.0.end();
            Ok(())
        }
    }
    let readings = |engine| -> (Vec<Reading>, Outcome) {
        let context = world.context(0);
        let mut live = Live(Measures::new(&context, cratylus_core::watch::measures::ALL), OutcomeSeen::new(&context));
        run(&world, &[0], engine, &mut live).unwrap();
        (live.0.readings.iter().collect(), live.1.end())
    };
    let (live, outcome) = readings(Play::Fastest);
    assert_eq!((live.clone(), outcome), readings(Play::Plain { block: 7 }));
    let count = |measure: &str| live.iter().filter(|reading| reading.measure == measure).count();
    assert_eq!(count("success_rate"), 21, "twenty rounds and a half one");
    let share: f64 = live.iter().filter(|r| r.t == 205 && r.measure.starts_with("name_share:")).map(|r| r.value).sum();
    assert!((share - 1.0).abs() < 1e-12);
}

#[test]
fn as_many_are_committed_as_asked_and_they_never_waver() {
    let world = world(
        "[agents]\nkind = \"uniform\"\n[agents.committed]\nname = \"M\"\nshare = 0.25\n[population]\nsize = 20\n[game]\nkind = \"coordination\"\nnames = [\"Q\", \"M\"]\n[stop]\nrounds = 50\n",
    );
    let committed = [world.committed(0), world.committed(1)];
    assert_eq!((committed[0].len(), committed[1].len()), (5, 5));
    assert_ne!(committed[0], committed[1], "the seed chooses them anew for each replica");
    let events = play(&world, &[0], Play::Fastest);
    for (agent, name) in events[&0].iter().flat_map(PairEvent::choices) {
        assert!(name == 1 || !committed[0].contains(&agent));
    }
}

#[test]
fn an_agent_asked_alone_is_asked_the_same_question_each_time() {
    let world = world(
        "agents = { kind = \"copy-last-partner\" }\n[population]\nsize = 1\nstart = { memory = [[\"Q\", \"M\"]] }\n[game]\nkind = \"individual\"\nnames = [\"Q\", \"M\"]\n[stop]\ninteractions = 20\n",
    );
    let events = play(&world, &[0], Play::Fastest);
    assert_eq!(events[&0].len(), 20);
    assert!(events[&0].iter().all(|event| event.names == [Some(1), None] && event.success.is_none() && !event.void()));
}

#[test]
fn void_interactions_are_counted_and_nothing_is_learned_from_them() {
    let world = world(
        "[agents]\nkind = \"uniform\"\n[population]\nsize = 2\n[game]\nkind = \"coordination\"\nnames = [\"Q\", \"M\"]\n[stop]\nrounds = 2\n",
    );
    let event = |t, names, success| PairEvent { t, agents: [0, 1], names, success, invalid: [0; 2] };
    let events = [
        event(0, [Some(0), None], None),
        event(1, [Some(0), Some(1)], Some(false)),
        event(2, [Some(1), Some(1)], Some(true)),
        event(3, [None, None], None),
    ];
    let context = world.context(0);
    let (mut measures, mut outcome) = (Measures::new(&context, cratylus_core::watch::measures::ALL), OutcomeSeen::new(&context));
    for event in &events {
        event.show(|event| {
            measures.see(event);
            outcome.see(event);
        });
    }
    measures.end();
    let value = |measure: &str| measures.readings.last(measure);
    assert_eq!(value("void_share"), Some(0.5));
    assert_eq!(value("switch_after_failure"), Some(0.5), "of two agents that failed, one changed its name");
    assert_eq!(value("first_choice:Q"), Some(2.0), "after a void interaction the memory is still empty");
    let outcome = outcome.end();
    assert_eq!((outcome.void_share, outcome.success_rate, outcome.consensus), (0.5, Some(0.5), false));
}

#[test]
fn a_sweep_takes_ranges_and_keys_that_change_together() {
    let points = |sweep: &str| {
        let text = format!(
            "[population]\nsize = 20\n[game]\nkind = \"coordination\"\nnames = [\"Q\", \"M\"]\n[agents]\nkind = \"win-stay-lose-shift\"\n[sweep]\n{sweep}\n"
        );
        let document = Document::parse("test.toml", &text, &[]).unwrap();
        document.points().map(|points| points.iter().map(|point| point.text()).collect::<Vec<_>>())
    };
    assert_eq!(
        points(
            "\"agents.lapse\" = { from = 0.1, to = 0.3, step = 0.1 }\n\"population.size\" = { from = 10, to = 1000, count = 2, scale = \"log\" }"
        ),
        Ok(["0.1", "0.2", "0.3"]
            .iter()
            .flat_map(|lapse| ["10", "1000"].map(|size| format!("agents.lapse={lapse} population.size={size}")))
            .collect())
    );
    assert_eq!(
        points("n = { \"population.size\" = [10, 20], \"stop.interactions\" = { from = 100, to = 200, step = 100 } }"),
        Ok(vec!["population.size=10 stop.interactions=100".into(), "population.size=20 stop.interactions=200".into()])
    );
    let unequal = points("n = { \"population.size\" = [10, 20], \"stop.interactions\" = [1] }").unwrap_err();
    assert!(unequal.contains("as many values each") && unequal.contains("test.toml:9:"), "{unequal}");
    let wrong = points("\"agents.lapse\" = { from = 0.1, to = 0.3 }").unwrap_err();
    assert!(wrong.contains("give `step` or `count`") && wrong.contains("test.toml:9:18"), "{wrong}");
}
