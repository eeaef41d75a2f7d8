//! Two training steps of eight games by EGG 54eb11c and PyTorch 2.8.0 in double precision, with given weights and given
//! draws: `shared/data/oracles/signalling-training-step.json`. Both paths must give every message, loss, gradient and weight.

use super::draws::{Examples, Passage};
use super::items::Items;
use super::learner::Learner;
use super::messages::Messages;
use super::plain::{self, Uniforms};
use super::plain_parts::nt_xent;
use super::round::{Baselines, Round};
use super::setup::*;
use super::shape::{Part, Shape};
use super::speaking::Choose;
use super::step::{Step, StepDraws};
use serde_json::Value;
use std::io::Write;
use std::path::Path;

/// The oracle, or None, visibly, where it is not there.
fn oracle() -> Option<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/oracles/signalling-training-step.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        std::io::stderr().write_all(format!("SKIPPED: {} is not there\n", path.display()).as_bytes()).unwrap();
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

fn flat(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(all) => all.iter().flat_map(flat).collect(),
        other => vec![other.as_f64().unwrap()],
    }
}

struct Case<'o> {
    json: &'o Value,
    setup: Setup,
    items: Items,
    examples: Examples,
}

impl Case<'_> {
    fn of(json: &Value) -> Case<'_> {
        let name = json["name"].as_str().unwrap();
        let relaxed = name.contains("Gumbel");
        let rows = json["input"].as_array().unwrap().len() as u32;
        let input: Vec<f32> = flat(&json["input"]).iter().map(|&x| x as f32).collect();
        let labels: Vec<u32> = flat(&json["labels"]).iter().map(|&x| x as u32).collect();
        let alone = name.contains("one symbol");
        let init = &json["init"];
        let shape = |name: &str| flat(&init[name]["shape"])[0] as usize;
        let (items, examples, game) = match json["receiver_input"].as_array() {
            None => {
                let about: Vec<u32> = (0..rows).collect();
                let items = Items::new(input, 4).with_attributes(&[2, 2], labels);
                (items, Examples { items: about.clone(), shown: about, ..Examples::default() }, Game::Reconstruction)
            }
            Some(seen) => {
                // The candidates of each place are items of their own, after those that the sender sees.
                let mut all = input;
                all.extend(flat(&json["receiver_input"]).iter().map(|&x| x as f32));
                let d = seen[0].as_array().unwrap().len() as u32;
                let candidates: Vec<u32> = (rows..rows + rows * d).collect();
                let shown = labels.iter().zip(0..).map(|(&slot, place)| rows + place * d + slot).collect();
                let examples = Examples { items: (0..rows).collect(), shown, candidates, slots: labels };
                (Items::new(all, 4), examples, Game::Discrimination { candidates: d as usize })
            }
        };
        let cell = match () {
            () if alone => Cell::FeedForward,
            () if name.contains("gru") => Cell::Gru,
            () if name.contains("lstm") => Cell::Lstm,
            () => Cell::Rnn,
        };
        let length_cost = if alone { 0.0 } else { 0.02 };
        let learn = match relaxed {
            true => {
                let at = if alone { 1.0 } else { 0.7 };
                let temperature = Temperature { from: at, to: at, over: 0 };
                Estimator::Gumbel(Gumbel { temperature, straight_through: false, length_cost })
            }
            // The weight of entropy in the game of one symbol is not written down; it follows from the losses.
            false => Estimator::Reinforce(Reinforce {
                entropy: if alone { ONE_SYMBOL_ENTROPY } else { 0.1 },
                baseline: Baseline::Mean,
                length_cost,
                answers: Answers::Exact,
            }),
        };
        let vocabulary = if alone { 5 } else { 4 };
        let hidden = if alone { 3 } else { shape("sender.agent.fc1.bias") };
        let setup = Setup {
            game,
            channel: Channel { vocabulary, length: if alone { 1 } else { 2 }, stop: true, control: Control::None },
            agents: Agents { cell, hidden, embedding: 2 },
            learn,
            train: Train { batch: 4, optimiser: Optimiser::Adam { lr: 0.01, betas: [0.9, 0.999] }, clip: None },
            population: Population::default(),
        };
        setup.check().unwrap();
        Case { json, setup, items, examples }
    }

    /// A list of tensors by their names there as the weights of a part: all that is in `values`, by `pick`.
    fn weights(&self, shape: &Shape, part: Part, pick: impl Fn(&str) -> Option<Vec<f64>>) -> Vec<f64> {
        let of = shape.part(part);
        let mut all = vec![f64::NAN; of.weights()];
        for name in self.json["init"].as_object().unwrap().keys() {
            let Some(rest) = name.strip_prefix(part.name()) else { continue };
            let last = rest.rsplit('.').next().unwrap().trim_end_matches("_l0");
            let own = match () {
                () if rest.contains("sos") => "start".to_string(),
                () if rest.contains("fc") => format!("view.{last}"),
                () if rest.contains("embedding") => format!("embedding.{last}"),
                () if rest.contains("output") => format!("head.{last}"),
                () => format!("{}.{last}", self.setup.agents.cell.name()),
            };
            let tensor = of.tensors.iter().find(|tensor| tensor.name == own).unwrap_or_else(|| panic!("{name} is {own}"));
            let mut values = pick(name).unwrap();
            assert_eq!(values.len(), tensor.at.len(), "{name}");
            let there: Vec<usize> = flat(&self.json["init"][name.as_str()]["shape"]).iter().map(|&n| n as usize).collect();
            // An embedding of relaxed symbols is a linear layer there, with its columns where rows are here.
            if there.len() == 2 && there != tensor.shape || own == "embedding.weight" && !of.at.embedding_bias.is_empty() {
                values = (0..values.len()).map(|i| values[i % there[0] * there[1] + i / there[0]]).collect();
            }
            all[tensor.at.clone()].copy_from_slice(&values);
        }
        assert!(all.iter().all(|x| !x.is_nan()), "every weight is in the oracle");
        all
    }

    /// The draws of a step, place after place.
    fn uniforms(&self, step: &Value) -> Vec<f64> {
        let steps = step["uniforms"].as_array().unwrap();
        let rows: Vec<Vec<f64>> = steps.iter().map(flat).collect();
        let of_each = rows[0].len() / 4;
        (0..4).flat_map(|place| rows.iter().flat_map(move |row| row[place * of_each..][..of_each].to_vec())).collect()
    }
}

const ONE_SYMBOL_ENTROPY: f64 = 0.05;

/// How a path takes a step: its outcome as a loss, messages, and gradients.
type Way<'s> = dyn FnMut(Round<'_>, &[f64], [&[f64]; 2]) -> (super::round::Outcome, [Vec<f64>; 2]) + 's;

/// How weights change by a gradient, step after step: a part's weights are changed in their place.
type Optimise<'s> = Box<dyn FnMut(Part, &mut Vec<f64>, &[f64]) + 's>;

/// Adam in double precision.
fn plain_adam() -> Optimise<'static> {
    let mut parts = [(0, Vec::new()), (0, Vec::new())];
    Box::new(move |part, weights, gradient| {
        let (t, moments) = &mut parts[part as usize];
        *t += 1;
        moments.resize(weights.len(), [0.0f64; 2]);
        for ((w, g), [m, v]) in weights.iter_mut().zip(gradient).zip(moments) {
            *m = 0.9 * *m + 0.1 * g;
            *v = 0.999 * *v + 0.001 * g * g;
            let (mean, square) = (*m / (1.0 - 0.9f64.powi(*t)), *v / (1.0 - 0.999f64.powi(*t)));
            *w -= 0.01 * mean / (square.sqrt() + 1e-8);
        }
    })
}

/// The optimiser that trainings use.
fn fast_adam() -> Optimise<'static> {
    let mut parts: [Option<Learner>; 2] = [None, None];
    Box::new(move |part, weights, gradient| {
        let single = |of: &[f64]| of.iter().map(|&x| x as f32).collect::<Vec<f32>>();
        let learner = parts[part as usize].get_or_insert_with(|| Learner::of(single(weights)));
        learner.learn(Optimiser::Adam { lr: 0.01, betas: [0.9, 0.999] }, &single(gradient), 1.0);
        *weights = learner.weights.iter().map(|&w| w.into()).collect();
    })
}

fn near(what: &str, found: &[f64], right: &[f64], tolerance: f64) {
    assert_eq!(found.len(), right.len(), "{what}");
    let most = right.iter().fold(0.0f64, |most, x| most.max(x.abs()));
    for (i, (found, right)) in found.iter().zip(right).enumerate() {
        // The oracle has ten decimals.
        assert!((found - right).abs() <= tolerance * most.clamp(1e-2, 1.0) + 6e-11, "{what} {i}: {found}, and not {right}");
    }
}

/// Holds a path to the oracle.
fn check(
    tolerance: f64,
    step: &mut Way<'_>,
    optimiser: fn() -> Optimise<'static>,
    greedy: &dyn Fn(Round<'_>, &[f64]) -> Messages,
) {
    let Some(oracle) = oracle() else { return };
    let cases = oracle["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 8);
    for json in cases {
        let case = Case::of(json);
        let name = json["name"].as_str().unwrap();
        let shape = Shape::new(&case.setup, &case.items);
        let values = |json: &Value| Some(flat(json));
        let parts = [Part::Sender, Part::Receiver];
        let mut weights = parts.map(|part| case.weights(&shape, part, |name| values(&json["init"][name]["value"])));
        let mut optimise = optimiser();
        let mut baselines = Baselines::default();
        let temperature = if name.contains("tau .7") { 0.7 } else { 1.0 };
        for (t, there) in (1..).zip(json["steps"].as_array().unwrap()) {
            let round =
                Round { setup: &case.setup, shape: &shape, items: &case.items, examples: &case.examples, baselines, temperature };
            let (outcome, gradients) = step(round, &case.uniforms(there), weights.each_ref().map(|of| of.as_slice()));
            let what = |of: &str| format!("{name}, step {t}, {of}");
            near(&what("loss"), &[outcome.optimised], &[there["optimised_loss"].as_f64().unwrap()], tolerance);
            if let Some(aux) = there["aux"]["sender_entropy"].as_array().filter(|_| name.contains("one symbol")) {
                let mean = aux.iter().map(|x| x.as_f64().unwrap()).sum::<f64>() / 4.0;
                near(&what("entropy"), &[outcome.entropy], &[mean], tolerance);
            }
            let acc = flat(&there["aux"]["acc"]).iter().sum::<f64>() / 4.0;
            if case.setup.channel.length == 1 || !name.contains("Gumbel") {
                near(&what("success"), &[outcome.success], &[acc], tolerance);
            }
            let lengths = flat(&there["message_length"]);
            near(&what("length"), &[outcome.length], &[lengths.iter().sum::<f64>() / 4.0], tolerance);
            if !name.contains("Gumbel") {
                let rows = there["message"].as_array().unwrap();
                for (i, row) in rows.iter().enumerate() {
                    let symbols: Vec<f64> = outcome.messages.heard(i).iter().map(|&symbol| symbol.into()).collect();
                    assert_eq!(symbols, flat(row)[..lengths[i] as usize], "{}", what("messages"));
                }
            }
            for (part, (gradient, weights)) in parts.into_iter().zip(gradients.iter().zip(&mut weights)) {
                let right = case.weights(&shape, part, |name| values(&there["grads"][name]));
                for tensor in &shape.part(part).tensors {
                    let at = tensor.at.clone();
                    near(&what(&format!("{} {}", part.name(), tensor.name)), &gradient[at.clone()], &right[at], tolerance);
                }
                optimise(part, &mut *weights, gradient);
                if there["params_after_adam"].is_object() {
                    let right = case.weights(&shape, part, |name| values(&there["params_after_adam"][name]));
                    near(&what("weights"), weights, &right, tolerance);
                }
            }
            baselines.see(outcome.loss, outcome.length_cost);
        }
        let round =
            Round { setup: &case.setup, shape: &shape, items: &case.items, examples: &case.examples, baselines, temperature };
        let messages = greedy(round, &weights[0]);
        let width = flat(&json["eval_after"]["message"]).len() / 4;
        for (i, row) in json["eval_after"]["message"].as_array().unwrap().iter().enumerate() {
            let row = flat(row);
            let vocabulary = case.setup.channel.vocabulary;
            let symbols: Vec<f64> = match name.contains("Gumbel") {
                false => row,
                true => row.chunks(vocabulary).map(|one| one.iter().position(|&x| x == 1.0).unwrap() as f64).collect(),
            };
            let found: Vec<f64> = messages.heard(i).iter().map(|&symbol| symbol.into()).collect();
            assert_eq!(found, symbols[..found.len()], "{name}, afterwards ({width})");
        }
    }
}

#[test]
fn plain_steps_are_those_of_egg() {
    let mut step = |round: Round<'_>, draws: &[f64], [sender, receiver]: [&[f64]; 2]| {
        let mut gradients = [vec![0.0; sender.len()], vec![0.0; receiver.len()]];
        let [d_sender, d_receiver] = &mut gradients;
        let uniforms = Uniforms { symbols: draws, answers: &[] };
        let outcome = plain::learn(round, uniforms, plain::Pair { sender, receiver }, d_sender, d_receiver);
        (outcome, gradients)
    };
    check(1e-9, &mut step, plain_adam, &plain::greedy);
}

#[test]
fn fast_steps_are_those_of_egg() {
    let single = |of: &[f64]| of.iter().map(|&x| x as f32).collect::<Vec<f32>>();
    let mut step = |round: Round<'_>, draws: &[f64], [sender, receiver]: [&[f64]; 2]| {
        let mut gradients = [vec![0.0; sender.len()], vec![0.0; receiver.len()]];
        let [d_sender, d_receiver] = &mut gradients;
        let draws = StepDraws { symbols: single(draws), ..StepDraws::default() };
        let weights = [single(sender), single(receiver)];
        let mut work = Step::new(round.setup.agents);
        let [sender, receiver] = &weights;
        let outcome = work.learn(round, &draws, &Passage::default(), [sender, receiver], [d_sender, d_receiver]);
        (outcome, gradients.map(|of: Vec<f32>| of.into_iter().map(f64::from).collect()))
    };
    check(1e-4, &mut step, fast_adam, &|round, sender| {
        let mut work = Step::new(round.setup.agents);
        work.speak(round, &single(sender), &round.examples.items, Choose::Likeliest)
    });
}

#[test]
fn nt_xent_is_that_of_egg() {
    let Some(oracle) = oracle() else { return };
    for (key, cosine) in [("ntxent_cosine_tau.5", true), ("ntxent_dot_tau.5", false)] {
        let of = &oracle["extra"][key];
        let rows = |key: &str| of[key].as_array().unwrap().iter().map(flat).collect::<Vec<_>>();
        let found = nt_xent(&rows("a"), &rows("b"), NtXent { temperature: 0.5, cosine });
        near(key, &found.losses, &flat(&of["loss"]), 1e-9);
        let right: Vec<f64> = found.nearest.iter().map(|&right| f64::from(u8::from(right))).collect();
        assert_eq!(right, flat(&of["acc"]));
    }
}
