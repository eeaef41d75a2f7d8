//! A step of a sender and a receiver over a batch, in single precision: what is said, heard and answered, the loss, and the
//! gradients. Weights do not change here.

use super::answers::{Answering, Asked, Weights};
use super::draws::{Examples, Moment, Passage};
use super::listening::Listening;
use super::messages::Messages;
use super::relaxed::Relaxed;
use super::round::{Outcome, Round, compared};
use super::setup::{Agents, Answers, Estimator, Reinforce};
use super::speaking::{Choose, Speaking};

/// Room for a step. It keeps nothing from one to the next.
#[derive(Clone, Debug)]
pub(super) struct Step {
    speaking: Speaking,
    listening: Listening,
    answering: Answering,
    relaxed: Relaxed,
}

/// What is drawn for a step.
#[derive(Clone, Debug, Default)]
pub(super) struct StepDraws {
    /// `places x positions` numbers, times the vocabulary where symbols are relaxed.
    pub symbols: Vec<f32>,
    /// The same for what is said of other items, where a control asks for it.
    pub others: Vec<f32>,
    /// `places x groups` numbers.
    pub answers: Vec<f32>,
}

impl StepDraws {
    /// What is drawn at a moment.
    pub fn at(moment: Moment, round: Round<'_>, passage: &Passage) -> StepDraws {
        let (n, channel) = (round.examples.len(), &round.shape.channel);
        let Estimator::Reinforce(by) = round.setup.learn else {
            return StepDraws { symbols: moment.gumbel(n, channel), ..StepDraws::default() };
        };
        let groups = if round.setup.game.candidates().is_some() { 1 } else { round.shape.sizes.len() };
        // Places beyond the batch are for what is said of other items.
        let mut symbols = moment.symbols(if passage.about.is_some() { 2 * n } else { n }, channel);
        let others = symbols.split_off(n * channel.length);
        let answers = if by.answers == Answers::Exact { Vec::new() } else { moment.answers(n, groups) };
        StepDraws { symbols, others, answers }
    }
}

/// What a receiver answered about items.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    /// `places x groups`.
    pub answers: Vec<u32>,
    /// Of each place.
    pub losses: Vec<f32>,
    pub right: Vec<bool>,
}

impl Step {
    /// Room for agents.
    pub fn new(agents: Agents) -> Step {
        Step {
            speaking: Speaking::new(agents),
            listening: Listening::new(agents),
            answering: Answering::default(),
            relaxed: Relaxed::new(agents),
        }
    }

    /// A step: to the gradients is added that of the optimised loss. A gradient that is empty is not computed.
    pub fn learn(
        &mut self,
        round: Round<'_>,
        draws: &StepDraws,
        passage: &Passage,
        w: [&[f32]; 2],
        d: [&mut [f32]; 2],
    ) -> Outcome {
        match round.setup.learn {
            Estimator::Reinforce(by) => self.reinforce(round, by, draws, passage, w, d),
            Estimator::Gumbel(by) => self.relaxed.learn(round, by, &draws.symbols, passage, w, d),
        }
    }

    fn reinforce(
        &mut self,
        round: Round<'_>,
        by: Reinforce,
        draws: &StepDraws,
        passage: &Passage,
        w: [&[f32]; 2],
        d: [&mut [f32]; 2],
    ) -> Outcome {
        let (shape, examples) = (round.shape, round.examples);
        let [sender, receiver] = w;
        let [d_sender, d_receiver] = d;
        let n = examples.len();
        // What is said of other items comes first, as the sender then keeps how it came to what it said of its own.
        let others = passage
            .about
            .as_ref()
            .map(|about| self.speaking.speak(shape, round.items, sender, about, Choose::Drawn(&draws.others)));
        let messages = self.speaking.speak(shape, round.items, sender, &examples.items, Choose::Drawn(&draws.symbols));
        let heard = passage.through(others.as_ref().unwrap_or(&messages), &shape.channel);
        self.listening.listen(shape, receiver, &heard);
        let asked = self.asked();
        let states = std::mem::take(&mut self.listening.states);
        let mut d_states = vec![0.0; states.len()];
        let exact = by.answers == Answers::Exact;
        let nt_xent = round.setup.game.nt_xent().is_some();
        if nt_xent {
            self.answering.contrast(round, receiver, &states, &asked, &mut d_states, d_receiver);
        } else {
            self.answering.judge(round, receiver, &states, &asked, (!exact).then_some(&draws.answers));
        }

        let answered = &self.answering.answered;
        let losses: Vec<f64> = answered.iter().map(|answered| answered.loss.into()).collect();
        let costs: Vec<f64> = (0..n).map(|place| by.length_cost * messages.length(place) as f64).collect();
        let from_loss = compared(by.baseline, round.baselines.loss, &losses);
        let from_length = compared(by.baseline, round.baselines.length, &costs);
        let spoken = self.speaking.of_places(shape.channel.vocabulary);
        let of_answers = if let Answers::Drawn { entropy } = by.answers { entropy } else { 0.0 };
        let (mut policy, mut entropies, mut answer_entropies, mut lengths) = (0.0, 0.0, 0.0, 0.0);
        let (mut of_sender, mut of_receiver) = (Vec::with_capacity(n), Vec::with_capacity(n));
        let share = 1.0 / n as f64;
        for place in 0..n {
            let (log_prob, entropy) = (f64::from(spoken[place].0), f64::from(spoken[place].1));
            let (length, answered) = (messages.length(place) as f64, &answered[place]);
            policy += from_loss[place] * (log_prob + f64::from(answered.log_prob)) + from_length[place] * log_prob;
            entropies += entropy / length;
            answer_entropies += f64::from(answered.entropy);
            lengths += length;
            of_sender.push((((from_loss[place] + from_length[place]) * share) as f32, (by.entropy * share / length) as f32));
            of_receiver.push(match exact {
                true => Weights { loss: share as f32, ..Weights::default() },
                false => Weights { loss: 0.0, choice: (from_loss[place] * share) as f32, entropy: (of_answers * share) as f32 },
            });
        }
        let mean = |numbers: &[f64]| numbers.iter().sum::<f64>() * share;
        let loss = mean(&losses);
        let optimised =
            (policy - by.entropy * entropies - of_answers * answer_entropies) * share + if exact { loss } else { 0.0 };
        let right = answered.iter().filter(|answered| answered.right).count();

        if !d_receiver.is_empty() {
            if !nt_xent {
                self.answering.back(round, receiver, &states, &asked, &of_receiver, [&mut d_states, d_receiver]);
            }
            self.listening.back(shape, receiver, &d_states, d_receiver);
        }
        if !d_sender.is_empty() {
            self.speaking.back(shape, sender, &of_sender, d_sender);
        }
        self.listening.states = states;
        Outcome {
            loss,
            optimised,
            success: right as f64 * share,
            entropy: entropies * share,
            length: lengths * share,
            length_cost: mean(&costs),
            messages,
        }
    }

    fn asked(&self) -> Vec<Asked> {
        self.listening.end_of.iter().zip(0..).map(|(&state, place)| Asked { state, place }).collect()
    }

    /// What a sender says of items.
    pub fn speak(&mut self, round: Round<'_>, sender: &[f32], about: &[u32], choose: Choose<'_>) -> Messages {
        self.speaking.speak(round.shape, round.items, sender, about, choose)
    }

    /// The logarithms of the probabilities of what was said last.
    pub fn log_probs(&self, round: Round<'_>) -> Vec<f32> {
        self.speaking.of_places(round.shape.channel.vocabulary).into_iter().map(|(log, _)| log).collect()
    }

    /// Learns to say what is given of items: adds the gradient of the mean of minus the logarithm of the probability of a
    /// message, and gives that mean.
    pub fn teach(
        &mut self,
        round: Round<'_>,
        sender: &[f32],
        examples: &Examples,
        given: &Messages,
        d_sender: &mut [f32],
    ) -> f64 {
        self.speaking.speak(round.shape, round.items, sender, &examples.items, Choose::Given(given));
        let share = 1.0 / examples.len() as f32;
        let loss: f64 = self.log_probs(round).iter().map(|&log| -f64::from(log)).sum();
        self.speaking.back(round.shape, sender, &vec![(-share, 0.0); examples.len()], d_sender);
        loss * f64::from(share)
    }

    /// What a receiver makes of messages.
    pub fn hear(&mut self, round: Round<'_>, receiver: &[f32], heard: &Messages) -> Heard {
        self.listening.listen(round.shape, receiver, heard);
        let asked = self.asked();
        let states = std::mem::take(&mut self.listening.states);
        self.answering.judge(round, receiver, &states, &asked, None);
        self.listening.states = states;
        let answered = &self.answering.answered;
        Heard {
            answers: self.answering.chosen.clone(),
            losses: answered.iter().map(|answered| answered.loss).collect(),
            right: answered.iter().map(|answered| answered.right).collect(),
        }
    }
}
