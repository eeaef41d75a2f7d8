//! Agents that learn to signal, step by step: the door from outside. A step is a function of the setup, the items, the seed
//! and the step's number; who calls decides when to stop, what to record and where.

use super::draws::{Examples, Moment};
use super::items::Items;
use super::learner::Learner;
use super::messages::Messages;
use super::numbers::ln;
use super::round::{Baselines, Round};
use super::setup::{Control, Estimator, Roles, Setup, Temperature, Wrong};
use super::shape::{Part, Shape};
use super::speaking::Choose;
use super::step::{Step, StepDraws};
use crate::net::rows;
use cratylus_core::Seed;
use cratylus_core::fault::Fault;
use cratylus_core::kept::{self, Keeper};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Agents and all that they become.
///
/// ```
/// use cratylus_core::Seed;
/// use cratylus_neural::signals::*;
///
/// let setup: Setup = toml::from_str(
///     r#"
///     game = { kind = "reconstruction" }
///     channel = { vocabulary = 8, length = 2 }
///     agents = { cell = "gru", hidden = 32 }
///     learn = { estimator = "reinforce", entropy = 0.3 }
///     train = { batch = 64, optimiser = { kind = "adam", lr = 0.01 } }
///     "#,
/// )?;
/// let items = Items::grid(&[2, 2]);
/// let mut training = Training::new(&setup, &items, Seed(1)).map_err(|(key, why)| format!("{key}: {why}"))?;
/// let readings: Vec<Reading> = (0..200).map(|_| training.step()).collect();
/// assert!(readings[199].loss < readings[0].loss);
/// assert_eq!(training.evaluate(0, 1, &[0, 1, 2, 3], Control::None).success, 1.0);
/// assert_eq!(training.evaluate(0, 1, &[0, 1, 2, 3], Control::Permuted).success, 0.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Training {
    setup: Setup,
    items: Items,
    shape: Shape,
    seed: Seed,
    /// Steps that were taken.
    steps: u64,
    /// Of each agent what speaks and what hears.
    agents: Vec<[Learner; 2]>,
    /// Of each agent what its losses are compared with where it speaks.
    baselines: Vec<Baselines>,
    work: Step,
    gradients: [Vec<f32>; 2],
    /// What was said in the last step.
    said: Messages,
}

/// What a step came to: means over the places of its batch, before the weights changed.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct Reading {
    /// The step, counted from 1.
    pub step: u64,
    /// Who spoke, from 0.
    pub sender: usize,
    /// Who heard, from 0.
    pub receiver: usize,
    /// The loss of the task, in nats: without what is added for learning. Where answers are drawn, the share of wrong ones.
    pub loss: f64,
    /// The loss with all that is added.
    pub optimised: f64,
    /// The share of places where all was right, with symbols as they were drawn.
    pub success: f64,
    /// The mean entropy of the sender's symbols, in nats.
    pub entropy: f64,
    /// The mean length of messages, the stop included.
    pub length: f64,
    /// The mean loss over the sender's batches before, with which losses are compared where that is the baseline.
    pub baseline: f64,
    /// How long the gradient was, before it was shortened.
    pub grad_norm: f64,
}

/// What a sender said of items.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// A message for each item.
    pub messages: Messages,
    /// The logarithm of the probability of each.
    pub log_probs: Vec<f32>,
}

/// How a receiver did with what a sender said.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The share of items where all was right.
    pub success: f64,
    /// The mean loss of the task, in nats.
    pub loss: f64,
    /// What was heard of each item.
    pub heard: Messages,
    /// What was answered: of each item its attributes, or the candidate's place.
    pub answers: Vec<u32>,
    /// The candidates of each item, where there are any.
    pub candidates: Vec<u32>,
    /// Of each item.
    pub losses: Vec<f32>,
    /// Of each item.
    pub right: Vec<bool>,
}

/// A tensor of an agent with its name in files.
#[derive(Clone, Debug, PartialEq)]
pub struct Named<'a> {
    /// Such as `agent-1/sender/gru.weight_ih`; agents are numbered from 1.
    pub name: String,
    /// Rows and columns, or a length alone.
    pub shape: Vec<usize>,
    /// Its numbers, row after row.
    pub values: &'a [f32],
}

/// Draws beside training have steps from here on.
const ASIDE: u64 = 1 << 63;

/// So many items are spoken about and answered for at a time, where nobody learns. No item depends on its company.
const BLOCK: usize = 1024;

impl Training {
    /// Agents that have learnt nothing.
    pub fn new(setup: &Setup, items: &Items, seed: Seed) -> Result<Training, Wrong> {
        setup.check()?;
        items.check(setup)?;
        let shape = Shape::new(setup, items);
        let agent = |agent| [Part::Sender, Part::Receiver].map(|part| Learner::new(shape.part(part), seed, agent, part, 0));
        let agents: Vec<[Learner; 2]> = (0..setup.population.agents).map(agent).collect();
        Ok(Training {
            setup: setup.clone(),
            items: items.clone(),
            baselines: vec![Baselines::default(); agents.len()],
            work: Step::new(setup.agents),
            gradients: [Part::Sender, Part::Receiver].map(|part| vec![0.0; shape.part(part).weights()]),
            said: Messages::new(&setup.channel),
            shape,
            seed,
            steps: 0,
            agents,
        })
    }

    /// How many steps were taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// What it was set to.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// What agents speak about.
    pub fn items(&self) -> &Items {
        &self.items
    }

    /// The tensors of senders and receivers.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Takes a step: who meets is drawn.
    pub fn step(&mut self) -> Reading {
        let (sender, receiver) = self.next_partners();
        self.step_of(sender, receiver)
    }

    /// Who meets in the next step, where it is drawn.
    pub fn next_partners(&self) -> (usize, usize) {
        Moment { seed: self.seed, step: self.steps }.partners(&self.setup.population)
    }

    /// The temperature of relaxed symbols in the next step; 1 where there are none.
    pub fn temperature(&self) -> f64 {
        let Estimator::Gumbel(by) = self.setup.learn else { return 1.0 };
        let Temperature { from, to, over } = by.temperature;
        if self.steps >= over {
            return to;
        }
        let share = self.steps as f32 / over as f32;
        from * f64::from(rows::exp(ln((to / from) as f32) * share))
    }

    /// Takes a step: one agent speaks, and one hears.
    pub fn step_of(&mut self, sender: usize, receiver: usize) -> Reading {
        let moment = Moment { seed: self.seed, step: self.steps };
        let about = moment.items(self.setup.train.batch, &self.items);
        let examples = moment.examples(about, &self.items, &self.setup.game);
        let baselines = self.baselines[sender];
        let temperature = self.temperature();
        let round =
            Round { setup: &self.setup, shape: &self.shape, items: &self.items, examples: &examples, baselines, temperature };
        let channel = &self.setup.channel;
        let passage = moment.passage(examples.len(), &examples.items, &self.items, channel, channel.control);
        let draws = StepDraws::at(moment, round, &passage);
        self.gradients.iter_mut().for_each(|gradient| gradient.fill(0.0));
        let [d_sender, d_receiver] = &mut self.gradients;
        // Symbols that are drawn need no gradient of a part that stays as it is; through relaxed ones it flows anyway.
        let drawn = matches!(self.setup.learn, Estimator::Reinforce(_)) && self.setup.game.nt_xent().is_none();
        let (speaks, hears) = (&self.agents[sender][0], &self.agents[receiver][1]);
        let d_sender = if drawn && speaks.frozen { &mut [] } else { d_sender.as_mut_slice() };
        let d_receiver = if drawn && hears.frozen { &mut [] } else { d_receiver.as_mut_slice() };
        let outcome = self.work.learn(round, &draws, &passage, [&speaks.weights, &hears.weights], [d_sender, d_receiver]);
        self.baselines[sender].see(outcome.loss, outcome.length_cost);
        let grad_norm = self.take(sender, receiver);
        self.steps += 1;
        self.said = outcome.messages;
        Reading {
            step: self.steps,
            sender,
            receiver,
            loss: outcome.loss,
            optimised: outcome.optimised,
            success: outcome.success,
            entropy: outcome.entropy,
            length: outcome.length,
            baseline: baselines.loss,
            grad_norm,
        }
    }

    /// What was said in the last step, place after place, as symbols were drawn; of relaxed ones the likeliest.
    pub fn last_said(&self) -> &Messages {
        &self.said
    }

    /// Changes the weights of those that are not frozen; gives how long the gradient was.
    fn take(&mut self, sender: usize, receiver: usize) -> f64 {
        let parts = [(sender, 0), (receiver, 1)];
        let learn = parts.map(|(agent, part)| !self.agents[agent][part].frozen);
        let lengths = [0, 1].map(|part| if learn[part] { rows::length(&self.gradients[part]) } else { 0.0 });
        let norm = (lengths[0] * lengths[0] + lengths[1] * lengths[1]).sqrt();
        let shortened = self.setup.train.clip.filter(|&clip| norm > clip).map_or(1.0, |clip| clip / norm);
        for (agent, part) in parts.into_iter().filter(|&(_, part)| learn[part]) {
            self.agents[agent][part].learn(self.setup.train.optimiser, &self.gradients[part], shortened);
        }
        norm
    }

    /// Takes a step of a sender alone, towards saying these messages of these items: the mean cross-entropy of a message, in
    /// nats. Messages are symbols without the stop.
    pub fn teach(&mut self, sender: usize, lessons: &[(u32, Vec<u32>)]) -> f64 {
        let mut given = Messages::new(&self.setup.channel);
        lessons.iter().for_each(|(_, message)| given.push(message.iter().copied()));
        let examples = Examples { items: lessons.iter().map(|(item, _)| *item).collect(), ..Examples::default() };
        let round = Round {
            setup: &self.setup,
            shape: &self.shape,
            items: &self.items,
            examples: &examples,
            baselines: Baselines::default(),
            temperature: 1.0,
        };
        self.gradients[0].fill(0.0);
        let loss = self.work.teach(round, &self.agents[sender][0].weights, &examples, &given, &mut self.gradients[0]);
        let norm = rows::length(&self.gradients[0]);
        let shortened = self.setup.train.clip.filter(|&clip| norm > clip).map_or(1.0, |clip| clip / norm);
        let learner = &mut self.agents[sender][0];
        if !learner.frozen {
            learner.learn(self.setup.train.optimiser, &self.gradients[0], shortened);
        }
        loss
    }

    /// What an agent says of items: the likeliest messages, or, with a `sample`, messages that are drawn. Each number of a
    /// sample, below 16,384, draws messages of its own.
    pub fn messages(&mut self, sender: usize, about: &[u32], sample: Option<u32>) -> Said {
        let moment = self.aside(sample.unwrap_or(0));
        let length = self.setup.channel.length;
        let draws = sample.map(|_| moment.symbols(about.len(), &self.setup.channel));
        let examples = Examples::default();
        let round = round(&self.setup, &self.shape, &self.items, &examples);
        let mut said = Said { messages: Messages::new(&self.setup.channel), log_probs: Vec::with_capacity(about.len()) };
        for (i, about) in about.chunks(BLOCK).enumerate() {
            let choose = draws.as_ref().map_or(Choose::Likeliest, |draws| Choose::Drawn(&draws[i * BLOCK * length..]));
            said.messages.extend(&self.work.speak(round, &self.agents[sender][0].weights, about, choose));
            said.log_probs.extend(self.work.log_probs(round));
        }
        said
    }

    /// What a channel makes of messages about items, the likeliest or, with a `sample`, drawn ones.
    pub fn heard(&mut self, sender: usize, about: &[u32], sample: Option<u32>, control: Control) -> Messages {
        let moment = self.aside(sample.unwrap_or(0));
        let passage = moment.passage(about.len(), about, &self.items, &self.setup.channel, control);
        let said = self.messages(sender, passage.about.as_deref().unwrap_or(about), sample);
        passage.through(&said.messages, &self.setup.channel)
    }

    /// How a receiver does with the likeliest messages of a sender about items, through a channel. Of drawn messages the same
    /// is said by [`Training::heard`] and [`Training::evaluate_messages`].
    pub fn evaluate(&mut self, sender: usize, receiver: usize, about: &[u32], control: Control) -> Evaluation {
        let heard = self.heard(sender, about, None, control);
        self.evaluate_messages(receiver, about, heard)
    }

    /// How a receiver does with messages that are handed in, one for each item.
    pub fn evaluate_messages(&mut self, receiver: usize, about: &[u32], heard: Messages) -> Evaluation {
        let examples = self.aside(0).examples(about.to_vec(), &self.items, &self.setup.game);
        let (mut answers, mut losses, mut right) = (Vec::new(), Vec::new(), Vec::new());
        for from in (0..about.len()).step_by(BLOCK) {
            let which = from..(from + BLOCK).min(about.len());
            let examples = examples.some(which.clone());
            let round = round(&self.setup, &self.shape, &self.items, &examples);
            let found = self.work.hear(round, &self.agents[receiver][1].weights, &heard.some(which));
            answers.extend(found.answers);
            losses.extend(found.losses);
            right.extend(found.right);
        }
        let n = about.len().max(1) as f64;
        Evaluation {
            success: right.iter().filter(|&&right| right).count() as f64 / n,
            loss: losses.iter().map(|&loss| f64::from(loss)).sum::<f64>() / n,
            heard,
            answers,
            candidates: examples.candidates,
            losses,
            right,
        }
    }

    fn aside(&self, sample: u32) -> Moment {
        Moment { seed: self.seed, step: ASIDE | u64::from(sample & 0x3FFF) << 48 | self.steps & 0xFFFF_FFFF_FFFF }
    }

    /// A part stays as it is from now on, or learns again.
    pub fn freeze(&mut self, agent: usize, part: Part, frozen: bool) {
        self.agents[agent][part as usize].frozen = frozen;
    }

    /// Puts one that has learnt nothing in the place of a part. A new sender's losses are compared with none before.
    pub fn reset(&mut self, agent: usize, part: Part) {
        let learner = &mut self.agents[agent][part as usize];
        *learner = learner.next(self.shape.part(part), self.seed, agent, part);
        if part == Part::Sender {
            self.baselines[agent] = Baselines::default();
        }
    }

    /// The weights of a part.
    pub fn weights(&self, agent: usize, part: Part) -> &[f32] {
        &self.agents[agent][part as usize].weights
    }

    /// Gives a part other weights, such as those of a file. What its optimiser remembers stays.
    pub fn set_weights(&mut self, agent: usize, part: Part, weights: &[f32]) {
        self.agents[agent][part as usize].weights.copy_from_slice(weights);
    }

    /// The parts that take part: with fixed roles the first agent's sender and the second one's receiver.
    fn parts(&self) -> impl Iterator<Item = (usize, Part)> + use<> {
        let fixed = self.setup.population.roles == Roles::Fixed;
        let all = (0..self.agents.len()).flat_map(|agent| [(agent, Part::Sender), (agent, Part::Receiver)]);
        all.filter(move |&(agent, part)| !fixed || (agent == 0) == (part == Part::Sender))
    }

    /// All tensors by name.
    pub fn parameters(&self) -> Vec<Named<'_>> {
        let named = |(agent, part): (usize, Part)| {
            let weights = &self.agents[agent][part as usize].weights;
            self.shape.part(part).tensors.iter().map(move |tensor| Named {
                name: format!("agent-{}/{}/{}", agent + 1, part.name(), tensor.name),
                shape: tensor.shape.clone(),
                values: &weights[tensor.at.clone()],
            })
        };
        self.parts().flat_map(named).collect()
    }

    /// The SHA-256 of the bits of all weights, in the order of [`Training::parameters`].
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for (agent, part) in self.parts() {
            let bytes: Vec<u8> = self.weights(agent, part).iter().flat_map(|weight| weight.to_le_bytes()).collect();
            hash.update(&bytes);
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// All that is needed to go on as if nothing had been: weights, what optimisers remember, the step, baselines.
    pub fn keep(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut out = Keeper::new(&mut bytes);
        kept::keep(&(self.steps, &self.baselines), &mut out);
        self.agents.iter().flatten().for_each(|learner| learner.keep(&mut out));
        out.end().expect("memory can be written");
        bytes
    }

    /// Goes on from where another training of the same setup, items and seed was kept. One that could not is to be thrown away.
    pub fn restore(&mut self, mut from: &[u8]) -> Result<(), Fault> {
        let (steps, baselines): (u64, Vec<Baselines>) = kept::take(&mut from)?;
        if baselines.len() != self.agents.len() {
            return Err(Fault("what was kept of a training is of another number of agents".into()));
        }
        self.agents.iter_mut().flatten().try_for_each(|learner| learner.restore(&mut from))?;
        if !from.is_empty() {
            return Err(Fault("what was kept of a training is of other agents: there is more of it".into()));
        }
        (self.steps, self.baselines) = (steps, baselines);
        Ok(())
    }
}

/// A round in which nobody learns.
fn round<'a>(setup: &'a Setup, shape: &'a Shape, items: &'a Items, examples: &'a Examples) -> Round<'a> {
    Round { setup, shape, items, examples, baselines: Baselines::default(), temperature: 1.0 }
}
