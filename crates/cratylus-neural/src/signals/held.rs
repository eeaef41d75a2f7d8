//! The fast path beside the plain one, over games, cells, estimators and channels that the oracle does not have; and beside
//! itself with narrow registers.

use super::draws::{Examples, Moment, Passage};
use super::items::Items;
use super::numbers::narrow;
use super::plain::{self, Pair, Uniforms};
use super::round::{Baselines, Round};
use super::setup::*;
use super::shape::{Part, Shape};
use super::step::{Step, StepDraws};
use cratylus_core::Seed;

fn items() -> Items {
    let grid = Items::grid(&[4, 3]);
    grid.with_classes((0..12).map(|item| item / 3).collect())
}

fn setup(game: Game, cell: Cell, learn: Estimator, length: usize, stop: bool) -> Setup {
    Setup {
        game,
        channel: Channel { vocabulary: 5, length, stop, control: Control::None },
        agents: Agents { cell, hidden: 7, embedding: 5 },
        learn,
        train: Train { batch: 24, optimiser: Optimiser::Adam { lr: 0.01, betas: [0.9, 0.999] }, clip: None },
        population: Population::default(),
    }
}

/// Every game with every estimator, and most cells and channels.
fn setups() -> Vec<Setup> {
    let reinforce = |baseline, answers| Estimator::Reinforce(Reinforce { entropy: 0.3, baseline, length_cost: 0.05, answers });
    let gumbel = |straight_through| {
        let temperature = Temperature { from: 0.8, to: 0.8, over: 0 };
        Estimator::Gumbel(Gumbel { temperature, straight_through, length_cost: 0.05 })
    };
    let nt_xent = |cosine| Game::Contrastive { candidates: 3, loss: Contrast::NtXent(NtXent { temperature: 0.5, cosine }) };
    let contrastive = Game::Contrastive { candidates: 4, loss: Contrast::Candidates };
    let games = [Game::Reconstruction, Game::Discrimination { candidates: 4 }, contrastive, nt_xent(true), nt_xent(false)];
    let mut all = Vec::new();
    for game in games {
        for (i, cell) in [Cell::Gru, Cell::Lstm, Cell::Rnn, Cell::FeedForward].into_iter().enumerate() {
            let length = if cell == Cell::FeedForward { 1 } else { 3 };
            let judged_whole = game.nt_xent().is_some();
            let baseline = [Baseline::Mean, Baseline::Others, Baseline::None, Baseline::Mean][i];
            let answers = if judged_whole || i % 2 == 0 { Answers::Exact } else { Answers::Drawn { entropy: 0.2 } };
            all.push(setup(game, cell, reinforce(baseline, answers), length, i != 1));
            all.push(setup(game, cell, gumbel(i == 2), length, i != 1 && !judged_whole));
        }
    }
    all
}

fn with_round<T>(setup: &Setup, step: u64, with: impl FnOnce(Round<'_>, Moment) -> T) -> T {
    setup.check().unwrap();
    let items = items();
    let shape = Shape::new(setup, &items);
    let moment = Moment { seed: Seed(11), step };
    let examples: Examples = moment.examples(moment.items(setup.train.batch, &items), &items, &setup.game);
    let baselines = Baselines { batches: 3, loss: 1.1, length: 0.1 };
    with(Round { setup, shape: &shape, items: &items, examples: &examples, baselines, temperature: 0.8 }, moment)
}

fn fast(round: Round<'_>, moment: Moment, passage: &Passage) -> (super::round::Outcome, [Vec<f32>; 2], StepDraws) {
    let draws = StepDraws::at(moment, round, passage);
    let [sender, receiver] = [Part::Sender, Part::Receiver].map(|part| round.shape.part(part).begin(Seed(5), 0, part, 0));
    let mut gradients = [vec![0.0; sender.len()], vec![0.0; receiver.len()]];
    let [d_sender, d_receiver] = &mut gradients;
    let outcome = Step::new(round.setup.agents).learn(round, &draws, passage, [&sender, &receiver], [d_sender, d_receiver]);
    (outcome, gradients, draws)
}

#[test]
fn fast_and_plain_steps_are_the_same() {
    for setup in setups() {
        with_round(&setup, 2, |round, moment| {
            let (found, gradients, draws) = fast(round, moment, &Passage::default());
            let double = |of: &[f32]| of.iter().map(|&x| f64::from(x)).collect::<Vec<f64>>();
            let [sender, receiver] =
                [Part::Sender, Part::Receiver].map(|part| double(&round.shape.part(part).begin(Seed(5), 0, part, 0)));
            let (symbols, answers) = (double(&draws.symbols), double(&draws.answers));
            let (mut d_sender, mut d_receiver) = (vec![0.0; sender.len()], vec![0.0; receiver.len()]);
            let pair = Pair { sender: &sender, receiver: &receiver };
            let uniforms = Uniforms { symbols: &symbols, answers: &answers };
            let right = plain::learn(round, uniforms, pair, &mut d_sender, &mut d_receiver);
            assert_eq!(found.messages, right.messages, "{setup:?}");
            let numbers = |of: &super::round::Outcome| [of.loss, of.optimised, of.success, of.entropy, of.length, of.length_cost];
            for (found, right) in numbers(&found).into_iter().zip(numbers(&right)) {
                assert!((found - right).abs() < 2e-5, "{setup:?}: {found} {right}");
            }
            for (part, (found, right)) in gradients.iter().zip([d_sender, d_receiver]).enumerate() {
                let most = right.iter().fold(0.0f64, |most, x| most.max(x.abs()));
                assert!(most > 1e-4, "{setup:?}: something is learnt");
                for (i, (found, right)) in found.iter().zip(&right).enumerate() {
                    let found = f64::from(*found);
                    assert!((found - right).abs() < 2e-5 * most.max(1.0), "{setup:?}, part {part}, {i}: {found} {right}");
                }
            }
        });
    }
}

#[test]
fn narrow_and_wide_registers_give_the_same_bytes() {
    for setup in setups() {
        with_round(&setup, 3, |round, moment| {
            let (found, gradients, _) = fast(round, moment, &Passage::default());
            let (other, others, _) = narrow(|| fast(round, moment, &Passage::default()));
            assert_eq!(found.optimised.to_bits(), other.optimised.to_bits());
            let bits = |of: [Vec<f32>; 2]| of.map(|of| of.into_iter().map(f32::to_bits).collect::<Vec<u32>>());
            assert_eq!(bits(gradients), bits(others), "{setup:?}");
        });
    }
}

#[test]
fn a_channel_passes_relaxed_symbols_as_it_does_others() {
    for control in [Control::Cut, Control::Permuted, Control::Resampled, Control::Noise(0.5), Control::Relabelled] {
        for setup in setups().into_iter().filter(|setup| matches!(setup.learn, Estimator::Gumbel(_))) {
            with_round(&setup, 4, |round, moment| {
                let examples = round.examples;
                let passage = moment.passage(examples.len(), &examples.items, round.items, &setup.channel, control);
                let (_, [d_sender, _], _) = fast(round, moment, &passage);
                // Nothing can be learnt through a channel that passes nothing of what is said.
                let learnt = d_sender.iter().any(|&d| d != 0.0);
                assert_eq!(learnt, !matches!(control, Control::Cut | Control::Resampled), "{control:?} {setup:?}");
            });
        }
    }
}
