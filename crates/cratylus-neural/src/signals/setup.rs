//! What a training of agents that signal is set to: game, channel, agents, learning, population. Nothing here computes; a
//! setup that was checked builds a training without failing.

use serde::{Deserialize, Serialize};

/// All that decides a training, but the items and the seed.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Setup {
    /// What receivers have to answer.
    pub game: Game,
    /// What lies between a sender and a receiver.
    pub channel: Channel,
    /// The networks.
    pub agents: Agents,
    /// How learning passes the channel.
    pub learn: Estimator,
    /// The optimiser and the size of a step.
    pub train: Train,
    /// How many agents there are, and who may meet whom.
    #[serde(default)]
    pub population: Population,
}

/// What receivers have to answer.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Game {
    /// Every attribute of the item. The loss is the mean of the cross-entropies of the attributes, and all must be right.
    Reconstruction,
    /// Which of some candidates the item is. The loss is the cross-entropy over the candidates.
    Discrimination {
        /// How many candidates a receiver sees, the target among them.
        candidates: usize,
    },
    /// The same, where the target that the receiver sees is another item of the sender's item's class, and the other
    /// candidates are of other classes.
    Contrastive {
        /// How many candidates a receiver sees, the target among them.
        candidates: usize,
        /// What is made small.
        #[serde(default)]
        loss: Contrast,
    },
}

impl Game {
    /// How many candidates a receiver chooses from; none in reconstruction.
    pub fn candidates(&self) -> Option<usize> {
        match *self {
            Game::Reconstruction => None,
            Game::Discrimination { candidates } | Game::Contrastive { candidates, .. } => Some(candidates),
        }
    }

    /// NT-Xent, where it is what is made small.
    pub fn nt_xent(&self) -> Option<NtXent> {
        match *self {
            Game::Contrastive { loss: Contrast::NtXent(nt_xent), .. } => Some(nt_xent),
            _ => None,
        }
    }
}

/// What is made small in the contrastive game.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Contrast {
    /// The cross-entropy over the candidates.
    #[default]
    Candidates,
    /// NT-Xent over the batch (Chen et al., ICML 2020, as EGG has it): states of receivers and targets, each against all
    /// others. Candidates are drawn for evaluation alone.
    NtXent(NtXent),
}

/// How NT-Xent compares.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NtXent {
    /// What cosines are divided by.
    pub temperature: f64,
    /// Cosines, or inner products, which are not divided.
    #[serde(default = "yes")]
    pub cosine: bool,
}

/// What lies between a sender and a receiver.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// How many symbols there are, the stop symbol 0 included.
    pub vocabulary: usize,
    /// The most symbols that a sender utters.
    pub length: usize,
    /// Whether the symbol 0 ends a message. Where it does not, all messages are as long as they may be. Messages of one
    /// symbol have no stop.
    #[serde(default = "yes")]
    pub stop: bool,
    /// What is done to messages while agents learn.
    #[serde(default)]
    pub control: Control,
}

impl Channel {
    /// Whether the symbol 0 ends messages.
    pub fn stops(&self) -> bool {
        self.stop && self.length > 1
    }

    /// How many symbols a receiver hears at most: a stop is appended to messages without one.
    pub fn width(&self) -> usize {
        self.length + usize::from(self.stops())
    }
}

/// What is done to messages between a sender and a receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Control {
    /// Nothing.
    #[default]
    None,
    /// Every receiver hears the same: the symbol 0, as often as messages of a fixed length are long.
    Cut,
    /// Every receiver hears what was said at another place of the batch: all places stand in one random circle.
    Permuted,
    /// Every receiver hears what the same sender says of another item.
    Resampled,
    /// A symbol is replaced by another, uniformly, with this probability. The stop symbol neither is nor becomes one of these.
    Noise(f64),
    /// A symbol is left out with this probability, the stop symbol never. Where nothing is left, the symbol 0 is heard.
    Drop(f64),
    /// Symbols are renamed by a bijection that the seed alone decides. The stop symbol keeps its name.
    Relabelled,
}

/// The networks of all agents.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Agents {
    /// The recurrent cell.
    pub cell: Cell,
    /// How many numbers a state has.
    pub hidden: usize,
    /// How many numbers stand for a symbol.
    #[serde(default = "sixteen")]
    pub embedding: usize,
}

/// The recurrent cell of senders and receivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cell {
    /// Gated recurrent units, as PyTorch has them: the reset gate is applied after the product.
    Gru,
    /// Long short-term memory.
    Lstm,
    /// A plain recurrent network with hyperbolic tangents.
    Rnn,
    /// No cell: for messages of one symbol, which the sender's view decides and whose embedding is the receiver's state.
    FeedForward,
}

impl Cell {
    /// How many blocks of rows its matrices have: one for each gate.
    pub fn gates(self) -> usize {
        match self {
            Cell::Gru => 3,
            Cell::Lstm => 4,
            Cell::Rnn => 1,
            Cell::FeedForward => 0,
        }
    }

    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Cell::Gru => "gru",
            Cell::Lstm => "lstm",
            Cell::Rnn => "rnn",
            Cell::FeedForward => "feed-forward",
        }
    }
}

/// How learning passes the channel.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "estimator", rename_all = "kebab-case")]
pub enum Estimator {
    /// Symbols are drawn, and senders learn by the score function.
    Reinforce(Reinforce),
    /// Symbols are relaxed, and gradients flow through them.
    Gumbel(Gumbel),
}

/// Learning by the score function (Williams 1992), as EGG 54eb11c has it.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Reinforce {
    /// The weight of the entropy of the sender's symbols.
    #[serde(default)]
    pub entropy: f64,
    /// What losses are compared with.
    #[serde(default)]
    pub baseline: Baseline,
    /// What each symbol of a message costs, the stop included.
    #[serde(default)]
    pub length_cost: f64,
    /// How receivers learn.
    #[serde(default)]
    pub answers: Answers,
}

/// What losses are compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Baseline {
    /// The mean over all batches before this one, 0 at first, of each sender its own.
    #[default]
    Mean,
    /// Nothing.
    None,
    /// The mean of the other examples of the batch.
    Others,
}

/// How receivers learn, where symbols are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answers {
    /// From the gradient of the loss.
    #[default]
    Exact,
    /// By the score function, too: an answer is drawn, and the loss is 1 where it is wrong.
    Drawn {
        /// The weight of the entropy of answers.
        entropy: f64,
    },
}

/// Relaxed symbols (Jang et al. and Maddison et al., ICLR 2017), as EGG 54eb11c has them.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Gumbel {
    /// The temperature.
    pub temperature: Temperature,
    /// Whether receivers hear the likeliest symbol, and only gradients are those of the relaxed one.
    #[serde(default)]
    pub straight_through: bool,
    /// What each symbol of a message costs, the stop included.
    #[serde(default)]
    pub length_cost: f64,
}

/// A temperature that falls by the same share in every update.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Temperature {
    /// In the first update.
    pub from: f64,
    /// After the last of those over which it changes.
    pub to: f64,
    /// Over how many updates it changes.
    #[serde(default)]
    pub over: u64,
}

/// The optimiser and the size of a step.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Train {
    /// Examples of a step.
    pub batch: usize,
    /// The optimiser.
    pub optimiser: Optimiser,
    /// The longest that a step's gradient may be, sender and receiver together; what is longer is shortened to it.
    #[serde(default)]
    pub clip: Option<f64>,
}

/// The optimiser.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Optimiser {
    /// Adam (Kingma & Ba, ICLR 2015), with 1e-8 added outside the root.
    Adam {
        /// The rate of learning.
        lr: f64,
        /// How much of the mean of gradients a step keeps, and of their squares.
        #[serde(default = "betas")]
        betas: [f64; 2],
    },
    /// Stochastic gradient descent.
    Sgd {
        /// The rate of learning.
        lr: f64,
    },
}

/// How many agents there are, and who may meet whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Population {
    /// How many.
    pub agents: usize,
    /// Whether every agent both speaks and hears.
    pub roles: Roles,
    /// Whether an agent may hear itself.
    #[serde(default)]
    pub itself: bool,
}

impl Default for Population {
    fn default() -> Population {
        Population { agents: 2, roles: Roles::Fixed, itself: false }
    }
}

/// Who speaks and who hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Roles {
    /// The first of two agents speaks, and the second hears.
    Fixed,
    /// Every agent is a sender and a receiver, with weights of their own.
    Both,
}

fn yes() -> bool {
    true
}

fn sixteen() -> usize {
    16
}

fn betas() -> [f64; 2] {
    [0.9, 0.999]
}

/// A key of a setup, and what is wrong with it.
pub type Wrong = (&'static str, String);

impl Setup {
    /// What is wrong with it: which key, and why.
    pub fn check(&self) -> Result<(), Wrong> {
        let count = |key, value: usize, least: usize, most: usize| match (least..=most).contains(&value) {
            true => Ok(()),
            false => Err((key, format!("expected a whole number from {least} to {most}, found {value}"))),
        };
        let within = |key, value: f64, least: f64, most: f64| match (least..=most).contains(&value) {
            true => Ok(()),
            false => Err((key, format!("expected a number from {least} to {most}, found {value}"))),
        };
        let Channel { vocabulary, length, control, .. } = self.channel;
        count("channel.vocabulary", vocabulary, 2, 1 << 16)?;
        count("channel.length", length, 1, 1 << 10)?;
        if let Control::Noise(share) | Control::Drop(share) = control {
            within("channel.control", share, 0.0, 1.0)?;
        }
        if self.channel.stops() && vocabulary == 2 && matches!(control, Control::Noise(_)) {
            return Err(("channel.control", "noise needs two symbols beside the stop symbol".into()));
        }
        if matches!((control, self.learn), (Control::Drop(_), Estimator::Gumbel(_))) {
            return Err(("channel.control", "relaxed symbols cannot be left out while agents learn; use `reinforce`".into()));
        }
        count("agents.hidden", self.agents.hidden, 1, 1 << 14)?;
        count("agents.embedding", self.agents.embedding, 1, 1 << 14)?;
        if self.agents.cell == Cell::FeedForward && length != 1 {
            return Err(("agents.kind", format!("agents without a cell utter one symbol, and messages have up to {length}")));
        }
        if let Some(candidates) = self.game.candidates() {
            count("game.candidates", candidates, 2, 1 << 10)?;
        }
        if let Some(nt_xent) = self.game.nt_xent() {
            within("game.loss", nt_xent.temperature, 1e-3, 1e3)?;
            count("train.batch", self.train.batch, 2, 1 << 12)?;
            if matches!(self.learn, Estimator::Gumbel(_)) && self.channel.stops() {
                return Err(("game.loss", "NT-Xent judges whole messages; with relaxed symbols it needs `stop = false`".into()));
            }
        }
        match self.learn {
            Estimator::Reinforce(Reinforce { entropy, length_cost, answers, .. }) => {
                within("learn.entropy", entropy, 0.0, 100.0)?;
                within("learn.length_cost", length_cost, -100.0, 100.0)?;
                if let Answers::Drawn { entropy } = answers {
                    within("learn.answers", entropy, 0.0, 100.0)?;
                    if self.game.nt_xent().is_some() {
                        return Err(("learn.answers", "NT-Xent has no answers to draw".into()));
                    }
                }
            }
            Estimator::Gumbel(Gumbel { temperature: Temperature { from, to, .. }, length_cost, .. }) => {
                within("learn.temperature", from, 1e-3, 1e3)?;
                within("learn.temperature", to, 1e-3, 1e3)?;
                within("learn.length_cost", length_cost, -100.0, 100.0)?;
            }
        }
        count("train.batch", self.train.batch, 1, 1 << 16)?;
        // A draw of 32 bits has the address (place, position, symbol) within a step.
        if self.train.batch as u64 * length as u64 * vocabulary as u64 > 1 << 31 {
            return Err(("train.batch", "places x positions x symbols of a step are more than 2^31".into()));
        }
        let (Optimiser::Adam { lr, .. } | Optimiser::Sgd { lr }) = self.train.optimiser;
        if lr <= 0.0 {
            return Err(("train.optimiser", format!("expected a rate of learning above 0, found {lr}")));
        }
        within("train.optimiser", lr, 0.0, 100.0)?;
        if let Optimiser::Adam { betas, .. } = self.train.optimiser {
            betas.iter().try_for_each(|&beta| within("train.optimiser", beta, 0.0, 0.999_999))?;
        }
        if let Some(clip) = self.train.clip {
            within("train.clip", clip, 1e-6, 1e9)?;
        }
        let Population { agents, roles, itself } = self.population;
        count("population.size", agents, 1, 1 << 16)?;
        match roles {
            Roles::Fixed if agents != 2 => Err((
                "population.size",
                format!("with fixed roles there are two agents, a sender and a receiver; found {agents}"),
            )),
            Roles::Fixed if itself => Err(("pairing.itself", "with fixed roles no agent can hear itself".into())),
            Roles::Both if agents == 1 && !itself => {
                Err(("population.size", "an agent that may not hear itself needs another".into()))
            }
            _ => Ok(()),
        }
    }
}
