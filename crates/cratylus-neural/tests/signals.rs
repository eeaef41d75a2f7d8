//! Agents that learn to signal, from outside: what a training is held to whatever happens inside.

use cratylus_core::Seed;
use cratylus_neural::signals::*;

/// 2 x 5 meanings, a gated recurrent unit of 64, ten symbols, three of them and a stop: the bold row of `signalling.md`, §6.
fn bold() -> Setup {
    Setup {
        game: Game::Reconstruction,
        channel: Channel { vocabulary: 10, length: 3, stop: true, control: Control::None },
        agents: Agents { cell: Cell::Gru, hidden: 64, embedding: 16 },
        learn: Estimator::Reinforce(Reinforce {
            entropy: 0.3,
            baseline: Baseline::Mean,
            length_cost: 0.0,
            answers: Answers::Exact,
        }),
        train: Train { batch: 256, optimiser: Optimiser::Adam { lr: 0.005, betas: [0.9, 0.999] }, clip: None },
        population: Population::default(),
    }
}

fn small() -> Setup {
    let mut setup = bold();
    setup.agents = Agents { cell: Cell::Gru, hidden: 16, embedding: 6 };
    setup.train.batch = 32;
    setup
}

fn relaxed() -> Setup {
    let temperature = Temperature { from: 1.0, to: 0.5, over: 100 };
    let learn = Estimator::Gumbel(Gumbel { temperature, straight_through: false, length_cost: 0.0 });
    Setup { learn, ..small() }
}

fn take(training: &mut Training, steps: u64) {
    for _ in 0..steps {
        training.step();
    }
}

fn everything(items: &Items) -> Vec<u32> {
    (0..items.len() as u32).collect()
}

/// Of each seed after how many updates all items are understood by their likeliest messages, tried every fifth; and success
/// with permuted messages then.
fn updates_to_success(setup: &Setup, seeds: std::ops::Range<u64>, most: u64) -> Vec<(Option<u64>, f64)> {
    let items = Items::grid(&[5, 5]);
    let all = everything(&items);
    let one = |seed| {
        let mut training = Training::new(setup, &items, Seed(seed)).unwrap();
        loop {
            training.step();
            if training.steps().is_multiple_of(5) && training.evaluate(0, 1, &all, Control::None).success == 1.0 {
                let permuted = training.evaluate(0, 1, &all, Control::Permuted).success;
                return (Some(training.steps()), permuted);
            }
            if training.steps() == most {
                return (None, 0.0);
            }
        }
    };
    seeds.map(one).collect()
}

#[test]
fn two_agents_come_to_name_every_meaning() {
    let found = updates_to_success(&bold(), 0..3, 800);
    assert!(found.iter().filter(|(updates, _)| updates.is_some()).count() >= 2, "{found:?}");
}

#[test]
#[ignore = "forty trainings"]
fn almost_all_pairs_come_to_name_every_meaning_in_time() {
    let found = updates_to_success(&bold(), 0..40, 800);
    let mut updates: Vec<u64> = found.iter().filter_map(|(updates, _)| *updates).collect();
    updates.sort_unstable();
    let permuted = found.iter().map(|(_, permuted)| permuted).sum::<f64>() / updates.len() as f64;
    println!(
        "{} of {}, median {}, from {} to {}, permuted {permuted:.4}",
        updates.len(),
        found.len(),
        updates[updates.len() / 2],
        updates[0],
        updates[updates.len() - 1]
    );
    assert!(updates.len() >= 36, "{} of 40", updates.len());
    assert!((180..=260).contains(&updates[updates.len() / 2]), "median {}", updates[updates.len() / 2]);
    assert!(permuted < 0.08, "permuted messages are understood: {permuted}");
}

#[test]
fn with_a_cut_channel_nothing_is_understood() {
    let mut setup = small();
    setup.channel.control = Control::Cut;
    let items = Items::grid(&[5, 5]);
    let mut training = Training::new(&setup, &items, Seed(1)).unwrap();
    let mut right = 0.0;
    (0..400).for_each(|_| right += training.step().success);
    assert!((right / 400.0 - 0.04).abs() < 0.01, "{right}");
    // One answer for all.
    assert_eq!(training.evaluate(0, 1, &everything(&items), Control::Cut).success, 0.04);
}

#[test]
fn relaxed_symbols_are_learnt_and_understood_as_likeliest_ones() {
    let mut setup = relaxed();
    setup.channel = Channel { vocabulary: 10, length: 2, stop: false, control: Control::None };
    let items = Items::grid(&[3, 3]);
    let mut training = Training::new(&setup, &items, Seed(3)).unwrap();
    assert!((training.temperature() - 1.0).abs() < 1e-6);
    take(&mut training, 1500);
    assert_eq!(training.temperature(), 0.5);
    let found = training.evaluate(0, 1, &everything(&items), Control::None);
    assert!(found.success >= 7.0 / 9.0, "{}", found.success);
}

#[test]
fn a_training_goes_on_from_any_step_as_if_nothing_had_been() {
    for setup in [small(), relaxed()] {
        let items = Items::grid(&[3, 4]);
        let mut whole = Training::new(&setup, &items, Seed(9)).unwrap();
        let mut digests = Vec::new();
        for step in 0..6 {
            let kept = whole.keep();
            let mut again = Training::new(&setup, &items, Seed(9)).unwrap();
            again.restore(&kept).unwrap();
            assert_eq!(again.digest(), whole.digest());
            let reading = whole.step();
            assert_eq!((again.step(), again.digest()), (reading, whole.digest()));
            assert_eq!(reading.step, step + 1);
            digests.push(whole.digest());
        }
        digests.dedup();
        assert_eq!(digests.len(), 6);
        assert!(whole.restore(&whole.keep()[1..]).is_err());
    }
}

#[test]
fn evaluating_changes_nothing() {
    let items = Items::grid(&[4, 4]);
    let all = everything(&items);
    let mut one = Training::new(&small(), &items, Seed(2)).unwrap();
    let mut other = one.clone();
    for _ in 0..4 {
        one.step();
        other.evaluate(0, 1, &all, Control::Permuted);
        other.messages(0, &all, Some(3));
        other.step();
    }
    assert_eq!(one.digest(), other.digest());
}

#[test]
fn a_long_gradient_is_shortened_to_the_clip() {
    let items = Items::grid(&[3, 3]);
    let setup = |clip| {
        let train = Train { batch: 16, optimiser: Optimiser::Sgd { lr: 1.0 }, clip };
        Setup { train, ..small() }
    };
    let moved = |clip| {
        let mut training = Training::new(&setup(clip), &items, Seed(1)).unwrap();
        let before = training.clone();
        let reading = training.step();
        let parts = [(0, Part::Sender), (1, Part::Receiver)].into_iter();
        let squares = parts.flat_map(|(agent, part)| {
            let pairs = before.weights(agent, part).iter().zip(training.weights(agent, part));
            pairs.map(|(a, b)| f64::from(a - b).powi(2)).collect::<Vec<f64>>()
        });
        (reading.grad_norm, squares.sum::<f64>().sqrt())
    };
    let (norm, length) = moved(None);
    assert!((norm - length).abs() < 1e-4 * norm);
    let (same, length) = moved(Some(norm / 4.0));
    assert_eq!(same, norm);
    assert!((length - norm / 4.0).abs() < 1e-4 * norm);
}

#[test]
fn a_setup_reads_as_it_is_written() {
    let text = r#"
game = { kind = "contrastive", candidates = 8, loss = { nt-xent = { temperature = 0.5 } } }
channel = { vocabulary = 10, length = 4, stop = false, control = { noise = 0.1 } }
agents = { cell = "lstm", hidden = 32 }
learn = { estimator = "gumbel", temperature = { from = 1.0, to = 0.1, over = 500 }, straight_through = true }
train = { batch = 32, optimiser = { kind = "adam", lr = 0.001 } }
population = { agents = 4, roles = "both", itself = true }
"#;
    let setup: Setup = toml::from_str(text).unwrap();
    setup.check().unwrap();
    assert_eq!(setup.channel.control, Control::Noise(0.1));
    assert_eq!(setup.train.optimiser, Optimiser::Adam { lr: 0.001, betas: [0.9, 0.999] });
    assert_eq!(toml::from_str::<Setup>(&toml::to_string(&setup).unwrap()).unwrap(), setup);
    assert!(toml::from_str::<Setup>(&text.replace("straight_through", "straight")).is_err());
}

fn population(agents: usize, itself: bool) -> Setup {
    Setup { population: Population { agents, roles: Roles::Both, itself }, ..small() }
}

#[test]
fn only_those_who_meet_and_learn_change() {
    let items = Items::grid(&[3, 3]);
    let mut training = Training::new(&population(3, false), &items, Seed(4)).unwrap();
    let weights = |of: &Training| {
        let all = (0..3).flat_map(|agent| [Part::Sender, Part::Receiver].map(|part| of.weights(agent, part).to_vec()));
        all.collect::<Vec<_>>()
    };
    let changed = |before: &[Vec<f32>], after: &[Vec<f32>]| -> Vec<usize> { (0..6).filter(|&i| before[i] != after[i]).collect() };
    let before = weights(&training);
    training.step_of(2, 0);
    let after = weights(&training);
    assert_eq!(changed(&before, &after), [1, 4]);
    training.freeze(2, Part::Sender, true);
    training.step_of(2, 0);
    assert_eq!(changed(&after, &weights(&training)), [1]);
    // A newcomer is no copy of the one before.
    let before = weights(&training);
    training.reset(0, Part::Receiver);
    let after = weights(&training);
    assert_eq!(changed(&before, &after), [1]);
    assert_ne!(after[1], weights(&Training::new(&population(3, false), &items, Seed(4)).unwrap())[1]);
}

#[test]
fn a_fresh_receiver_learns_from_a_frozen_sender() {
    let items = Items::grid(&[3, 3]);
    let all = everything(&items);
    let mut training = Training::new(&small(), &items, Seed(6)).unwrap();
    // A code that names both attributes, taught to the sender.
    let lessons: Vec<(u32, Vec<u32>)> =
        all.iter().map(|&item| (item, vec![1 + items.attributes(item)[0], 4 + items.attributes(item)[1]])).collect();
    let first = training.teach(0, &lessons);
    let last = (0..300).map(|_| training.teach(0, &lessons)).last().unwrap();
    assert!(last < 0.1 * first, "{first} {last}");
    let said = training.messages(0, &all, None);
    (0..9).for_each(|i| assert_eq!(said.messages.said(i), lessons[i].1));
    assert!(said.log_probs.iter().all(|&log| log > -0.5));

    training.freeze(0, Part::Sender, true);
    training.reset(1, Part::Receiver);
    take(&mut training, 300);
    assert_eq!(training.evaluate(0, 1, &all, Control::None).success, 1.0);
    assert!(training.evaluate(0, 1, &all, Control::Relabelled).success < 0.5);
    assert!(training.evaluate(0, 1, &all, Control::Permuted).success < 0.5);
}

#[test]
fn what_is_said_and_answered_of_an_item_does_not_depend_on_its_company() {
    let items = Items::grid(&[4, 4]);
    let mut training = Training::new(&small(), &items, Seed(5)).unwrap();
    take(&mut training, 30);
    let all = training.messages(0, &everything(&items), None);
    let found = training.evaluate(0, 1, &everything(&items), Control::None);
    for (i, &item) in everything(&items).iter().enumerate().step_by(3) {
        let alone = training.messages(0, &[item], None);
        assert_eq!((alone.messages.said(0), alone.log_probs[0].to_bits()), (all.messages.said(i), all.log_probs[i].to_bits()));
        assert_eq!(training.evaluate(0, 1, &[item], Control::None).losses[0].to_bits(), found.losses[i].to_bits());
    }
}

#[test]
fn many_items_are_spoken_about_in_pieces_that_do_not_show() {
    let items = Items::grid(&[50, 50]);
    let mut setup = small();
    setup.game = Game::Discrimination { candidates: 5 };
    let mut training = Training::new(&setup, &items, Seed(7)).unwrap();
    let all = everything(&items);
    let said = training.messages(0, &all, Some(2));
    let again = training.messages(0, &all[..1300], Some(2));
    assert!((0..1300).all(|i| said.messages.heard(i) == again.messages.heard(i)));
    assert_eq!(said.log_probs[..1300], again.log_probs[..]);
    let found = training.evaluate_messages(1, &all, said.messages);
    assert_eq!((found.losses.len(), found.answers.len(), found.candidates.len()), (2500, 2500, 12_500));
    let again = training.evaluate_messages(1, &all[..1300], again.messages);
    assert_eq!(found.losses[..1300], again.losses[..]);
    // A fifth by chance.
    assert!((found.success - 0.2).abs() < 0.05, "{}", found.success);
}

#[test]
fn senders_come_to_name_classes_where_targets_are_other_items_of_theirs() {
    // Twelve items of three classes, each with a number of its own beside.
    let features = (0..12).flat_map(|i| (0..15).map(move |f| f32::from(u8::from(f == i / 4 || f == 3 + i)))).collect();
    let items = Items::new(features, 15).with_classes((0..12).map(|i| i / 4).collect());
    let nt_xent = Contrast::NtXent(NtXent { temperature: 0.5, cosine: true });
    for loss in [Contrast::Candidates, nt_xent] {
        let mut setup = small();
        setup.game = Game::Contrastive { candidates: 3, loss };
        let mut training = Training::new(&setup, &items, Seed(2)).unwrap();
        take(&mut training, 800);
        let found = training.evaluate(0, 1, &everything(&items), Control::None);
        assert!(found.success >= 0.75, "{loss:?}: {}", found.success);
        let cut = training.evaluate(0, 1, &everything(&items), Control::Cut);
        assert!(cut.success < 0.75, "{loss:?}: {}", cut.success);
    }
}

/// Greedy success of one agent with the other, and with itself, in the mean.
fn cross_and_self(itself: bool, seed: u64) -> (f64, f64) {
    let items = Items::grid(&[8]);
    let mut setup = population(2, itself);
    setup.channel = Channel { vocabulary: 8, length: 1, stop: false, control: Control::None };
    setup.agents = Agents { cell: Cell::FeedForward, hidden: 32, embedding: 1 };
    let mut training = Training::new(&setup, &items, Seed(seed)).unwrap();
    take(&mut training, 3000);
    let mut success = |a, b| training.evaluate(a, b, &everything(&items), Control::None).success;
    ((success(0, 1) + success(1, 0)) / 2.0, (success(0, 0) + success(1, 1)) / 2.0)
}

#[test]
fn two_agents_that_never_meet_themselves_speak_two_languages() {
    let mean = |itself| {
        let all: Vec<(f64, f64)> = (0..4).map(|seed| cross_and_self(itself, seed)).collect();
        (all.iter().map(|(cross, _)| cross).sum::<f64>() / 4.0, all.iter().map(|(_, own)| own).sum::<f64>() / 4.0)
    };
    let (cross, own) = mean(false);
    assert!(cross > 0.8 && own < 0.5, "{cross} {own}");
    let (cross, own) = mean(true);
    assert!(cross > 0.8 && own > 0.8, "{cross} {own}");
}

#[test]
fn candidates_are_told_apart_and_held_out_items_are_never_learnt_from() {
    let mut setup = small();
    setup.game = Game::Discrimination { candidates: 4 };
    let items = Items::grid(&[4, 4]);
    let items = items.with_train((0..16).map(|item| item % 5 != 0).collect());
    let mut training = Training::new(&setup, &items, Seed(8)).unwrap();
    take(&mut training, 600);
    let found = training.evaluate(0, 1, items.split(true), Control::None);
    assert!(found.success > 0.7, "{}", found.success);
    let held_out = training.evaluate(0, 1, items.split(false), Control::None);
    assert!(held_out.candidates.iter().all(|&item| !items.learnt(item)));
}

#[test]
fn tensors_have_names_and_the_digest_is_of_their_bits() {
    let mut training = Training::new(&small(), &Items::grid(&[3, 3]), Seed(0)).unwrap();
    let names: Vec<String> = training.parameters().iter().map(|named| named.name.clone()).collect();
    assert_eq!(names[0], "agent-1/sender/start");
    assert!(names.contains(&"agent-1/sender/gru.weight_ih".into()) && names.contains(&"agent-2/receiver/head.bias".into()));
    assert!(names.iter().all(|name| name.starts_with("agent-1/sender/") || name.starts_with("agent-2/receiver/")));
    for named in training.parameters() {
        assert_eq!(named.shape.iter().product::<usize>(), named.values.len(), "{}", named.name);
    }
    let before = training.digest();
    let mut weights = training.weights(1, Part::Receiver).to_vec();
    weights[0] = f32::from_bits(weights[0].to_bits() ^ 1);
    training.set_weights(1, Part::Receiver, &weights);
    assert_ne!(training.digest(), before);
}

#[test]
fn what_does_not_go_together_is_said() {
    let said = |change: &dyn Fn(&mut Setup)| {
        let mut setup = small();
        change(&mut setup);
        Training::new(&setup, &Items::grid(&[3, 3]), Seed(0)).err().map(|(key, why)| format!("{key}: {why}")).unwrap()
    };
    let check = |found: String, expected: &str| assert_eq!(found, expected);
    check(
        said(&|setup| setup.agents.cell = Cell::FeedForward),
        "agents.kind: agents without a cell utter one symbol, and messages have up to 3",
    );
    check(said(&|setup| setup.channel.vocabulary = 1), "channel.vocabulary: expected a whole number from 2 to 65536, found 1");
    check(
        said(&|setup| setup.game = Game::Contrastive { candidates: 2, loss: Contrast::Candidates }),
        "game: the contrastive game needs items with classes",
    );
    check(
        said(&|setup| setup.game = Game::Discrimination { candidates: 10 }),
        "game.candidates: there are 10 candidates and 9 items to learn from",
    );
    check(
        said(&|setup| setup.population.agents = 3),
        "population.size: with fixed roles there are two agents, a sender and a receiver; found 3",
    );
}
