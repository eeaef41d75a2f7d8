//! The category game against a plain telling of its rules, against probabilities worked out by hand, and against what must
//! hold of every division of the line.

mod common;
use common::{Kept, play};
use cratylus_core::categories::{Scene, Scenes};
use cratylus_core::experiment::Document;
use cratylus_core::minds::Minds;
use cratylus_core::spec::NoInputs;
use cratylus_core::{Name, PairEvent, Play, Purpose, World, run};
use proptest::prelude::*;

fn try_world(text: &str) -> Result<World, String> {
    let point = Document::parse("categories.toml", text, &[])?.points()?.remove(0);
    World::build(&point, &NoInputs).map_err(|(key, why)| format!("{key}: {why}"))
}

fn world(size: u32, game: &str, rest: &str) -> World {
    let text = format!(
        "seed = 5\n[population]\nsize = {size}\n[game]\nkind = \"category\"\n{game}\n[agents]\nkind = \"categories\"\n[stop]\n{rest}"
    );
    try_world(&text).unwrap_or_else(|why| panic!("{why}\n{text}"))
}

fn events(world: &World, replica: u64) -> Vec<PairEvent> {
    let mut kept = Kept::default();
    run(world, &[replica], Play::Fastest, &mut kept).unwrap();
    kept.0.remove(&replica).unwrap()
}

/// A category as its papers tell of it: from where to where, its words, the one made up with it, and the last that won.
#[derive(Clone, Debug)]
struct Plain {
    from: f64,
    to: f64,
    words: Vec<Name>,
    made: Option<Name>,
    won: Option<Name>,
}

fn blank() -> Vec<Plain> {
    vec![Plain { from: 0.0, to: 1.0, words: Vec::new(), made: None, won: None }]
}

fn of(agent: &[Plain], x: f64) -> usize {
    agent.iter().position(|category| category.from <= x && x < category.to).unwrap()
}

fn discriminate(agent: &mut Vec<Plain>, scene: &Scene, next: &mut Name) {
    let topic = scene.objects[scene.topic];
    let old = agent[of(agent, topic)].clone();
    let inside: Vec<f64> = scene.objects.iter().copied().filter(|&x| old.from <= x && x < old.to).collect();
    let nearest = |side: &dyn Fn(f64) -> bool| {
        let distance = |x: &f64| (x - topic).abs();
        inside.iter().copied().filter(|&x| side(x)).min_by(|a, b| distance(a).total_cmp(&distance(b)))
    };
    let mut borders = vec![old.from];
    borders.extend(nearest(&|x| x < topic).map(|x| (x + topic) / 2.0));
    borders.extend(nearest(&|x| x > topic).map(|x| (x + topic) / 2.0));
    borders.push(old.to);
    if borders.len() == 2 {
        return;
    }
    let place = of(agent, topic);
    agent.remove(place);
    for (i, pair) in borders.windows(2).enumerate() {
        let mut words = old.words.clone();
        words.push(*next);
        agent.insert(place + i, Plain { from: pair[0], to: pair[1], words, made: Some(*next), won: None });
        *next += 1;
    }
}

/// Plays what was played again by the plain rules, and holds each event and everyone's categories to it.
fn check(world: &World, scenes: Scenes, turnover: Option<u64>) -> Result<(), TestCaseError> {
    let (seed, mut next, mut scene) = (world.seed(0), 0, Scene::default());
    let mut agents = vec![blank(); world.size as usize];
    let mut minds = Minds::new(world, 0);
    for event in events(world, 0) {
        minds.before(event.t);
        if turnover == Some(event.t) {
            agents.iter_mut().for_each(|agent| *agent = blank());
        }
        let [speaker, hearer] = event.agents.map(|agent| agent as usize);
        scenes.draw(&mut seed.stream(Purpose::Scene, event.t), &mut scene);
        let topic = scene.objects[scene.topic];
        discriminate(&mut agents[speaker], &scene, &mut next);
        let said = &agents[speaker][of(&agents[speaker], topic)];
        let word = said.won.or(said.made).unwrap();
        prop_assert_eq!(event.names, [Some(word), None]);
        let meant: Vec<f64> =
            scene.objects.iter().copied().filter(|&x| agents[hearer][of(&agents[hearer], x)].words.contains(&word)).collect();
        let pointed = (u64::from(seed.decision(event.t, 1)) * meant.len() as u64) >> 32;
        let success = meant.get(pointed as usize) == Some(&topic);
        prop_assert_eq!(event.success, Some(success));
        if success {
            for agent in [speaker, hearer] {
                let place = of(&agents[agent], topic);
                agents[agent][place].words = vec![word];
                agents[agent][place].won = Some(word);
            }
        } else {
            if scenes.hearer_splits {
                discriminate(&mut agents[hearer], &scene, &mut next);
            }
            let place = of(&agents[hearer], topic);
            if !agents[hearer][place].words.contains(&word) {
                agents[hearer][place].words.push(word);
            }
        }
        minds.see(&event);
    }
    for (agent, plain) in (0..).zip(&agents) {
        let divided = minds.categories(agent).unwrap();
        prop_assert_eq!(&divided.ends, &plain.iter().map(|category| category.to).collect::<Vec<_>>());
        for (ours, plain) in divided.categories.iter().zip(plain) {
            prop_assert_eq!((&ours.words, ours.says), (&plain.words, plain.won.or(plain.made)));
        }
    }
    // The measure follows the same from events, new agents too.
    let readings = &play(world, 1)[0].1;
    let measured = readings.iter().rfind(|reading| reading.measure == "perceptual_categories").unwrap().value;
    let counted = agents.iter().map(Vec::len).sum::<usize>() as f64 / agents.len() as f64;
    prop_assert!((measured - counted).abs() < 1e-9, "measured {}, counted {}", measured, counted);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn every_word_and_success_is_as_its_rules_say(
        objects in 2usize..6,
        d_min in 0.02f64..0.15,
        hearer_splits: bool,
        size in 2u32..9,
        ring: bool,
        turnover in proptest::option::of(5u64..15),
    ) {
        let network = if ring && size > 3 { "[population.network]\nkind = \"ring\"\n" } else { "" };
        let replaced = turnover.map_or(String::new(), |round| format!("[[interventions]]\nround = {round}\nturnover = 1.0\n"));
        let game = format!("objects = {objects}\nd_min = {d_min}\nhearer_splits = {hearer_splits}");
        let world = world(size, &game, &format!("rounds = 60\n{network}{replaced}"));
        check(&world, Scenes { objects, d_min, hearer_splits }, turnover.map(|round| round * u64::from(size)))?;
    }
}

/// A distance as near to its limit as it may be leaves room for both objects on the line.
#[test]
fn objects_as_far_apart_as_can_be_are_told_apart() {
    let all = events(&world(4, "d_min = 0.999999", "rounds = 300"), 0);
    assert!(all.iter().rev().take(100).all(|event| event.success == Some(true)), "there are two things to talk about");
}

/// With objects always near the two ends of the line, whoever spoke once tells them apart for good, and what can happen to
/// two agents is soon told. The first game always fails. Then the first speaker may speak again, of the same object, and
/// its hearer, who has one category with that word, points at random. And so on, by hand.
#[test]
fn the_first_games_of_two_agents_succeed_as_often_as_they_must() {
    for (hearer_splits, due) in [(false, [0.0, 1.0 / 8.0, 18.0 / 64.0].as_slice()), (true, &[0.0, 1.0 / 4.0])] {
        let world = world(2, &format!("d_min = 0.9\nhearer_splits = {hearer_splits}"), "interactions = 3");
        let n = 20_000;
        let mut kept = Kept::default();
        run(&world, &(0..n).collect::<Vec<_>>(), Play::Fastest, &mut kept).unwrap();
        for (t, &p) in due.iter().enumerate() {
            let succeeded = kept.0.values().filter(|events| events[t].success == Some(true)).count() as f64;
            let sd = (n as f64 * p * (1.0 - p)).sqrt();
            assert!((succeeded - n as f64 * p).abs() <= 4.0 * sd, "game {t}: {succeeded} of {n}, expected {p}");
        }
    }
}

/// Borders come between objects that are at least d_min apart, so none is nearer to another than half of that; and in the
/// end hardly any such objects are in one category: few are wider than d_min, and none by half. Words for neighbouring categories merge, and are shared.
#[test]
fn perceptual_categories_are_as_fine_as_objects_and_linguistic_ones_are_few_and_shared() {
    let d_min = 0.05;
    let world = world(20, &format!("d_min = {d_min}"), "rounds = 20_000");
    let mut minds = Minds::new(&world, 0);
    let all = events(&world, 0);
    for event in &all {
        minds.see(event);
    }
    for agent in 0..20 {
        let ends = &minds.categories(agent).unwrap().ends;
        let widths: Vec<f64> = std::iter::once(&0.0).chain(ends).zip(ends).map(|(from, to)| to - from).collect();
        assert!(widths.iter().all(|&width| width >= d_min / 2.0 - 1e-12 && width < 1.5 * d_min), "{widths:?}");
    }
    let (outcome, readings) = &play(&world, 1)[0];
    let last = |measure: &str| readings.iter().rfind(|reading| reading.measure == measure).unwrap();
    let value = |measure: &str| last(measure).value;
    assert_eq!(last("perceptual_categories").t, outcome.interactions);
    let perceptual = value("perceptual_categories");
    assert!((1.0 / d_min..=2.0 / d_min).contains(&perceptual), "{perceptual}");
    assert!(value("linguistic_categories") < perceptual / 1.5 && value("linguistic_categories") > 2.0);
    assert!(value("linguistic_overlap") > 0.75 && value("linguistic_overlap") > value("perceptual_overlap"));
    assert!(value("named_alike") > 0.85);
    let late = &all[all.len() * 9 / 10..];
    let success = late.iter().filter(|event| event.success == Some(true)).count() as f64 / late.len() as f64;
    assert!(success > 0.85, "{success}");
    // The same at the same moment from agents as they are: the mean number of categories.
    let counted = (0..20).map(|agent| minds.categories(agent).unwrap().ends.len()).sum::<usize>() as f64 / 20.0;
    assert_eq!(counted, perceptual);
}

#[test]
fn what_cannot_be_is_refused_with_its_reason() {
    let told = |population: &str, game: &str, agents: &str| {
        let text =
            format!("[population]\n{population}\n[game]\nkind = \"category\"\n{game}\n[agents]\nkind = \"categories\"\n{agents}");
        try_world(&text).err().unwrap_or_else(|| panic!("accepted:\n{text}"))
    };
    for (population, game, agents, why) in [
        ("size = 20", "", "", "d_min"),
        ("size = 20", "d_min = 0.0", "", "0.000001 to less than 1"),
        ("size = 20", "d_min = 0.5\nobjects = 3", "", "so that 3 objects fit"),
        ("size = 20", "d_min = 0.9999999999999999", "", "so that 2 objects fit"),
        ("size = 20", "d_min = 0.1\nobjects = 1", "", "a pair sees 2 to"),
        ("size = 20", "d_min = 0.1\nnames = [\"A\", \"B\"]", "", "names"),
        ("size = 20", "d_min = 0.1", "committed = { name = \"A\", count = 2 }", "needs a pool of names"),
        ("size = 20\npairing = \"all-at-once\"", "d_min = 0.1", "", "one after the other"),
        ("size = 20\ngroups = { size = 3 }", "d_min = 0.1", "", "`naming`"),
        ("size = 20\nstart = { consensus = \"A\" }", "d_min = 0.1", "", "pool of names"),
        ("size = 20_000_000", "d_min = 0.001", "", "more than 4,000,000,000 words"),
        ("size = 20\nengine = \"counts\"", "d_min = 0.1", "", "interactions"),
    ] {
        let told = told(population, game, agents);
        assert!(told.contains(why), "expected `{why}` in: {told}");
    }
}
