//! Which tensors a sender and a receiver have, where they lie among their weights, and what they begin with. Nothing here
//! says what is done with them.

use super::items::Items;
use super::setup::{Agents, Cell, Channel, Estimator, Game, Setup};
use cratylus_core::{Purpose, Seed};
use std::ops::Range;

/// One part of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// What speaks.
    Sender,
    /// What hears.
    Receiver,
}

impl Part {
    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Part::Sender => "sender",
            Part::Receiver => "receiver",
        }
    }
}

/// How a tensor begins, as in PyTorch and EGG 54eb11c.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Begin {
    /// Uniform, up to one over the root of this many.
    Uniform(usize),
    /// Nearly normal, with this standard deviation.
    Normal(f64),
}

/// A tensor of a part: rows one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Its name within the part.
    pub name: String,
    /// Rows and columns, or a length alone.
    pub shape: Vec<usize>,
    /// Where it lies among the weights of the part.
    pub at: Range<usize>,
    begin: Begin,
}

/// Where the tensors of a cell lie: `gates x hidden` rows, with the gates in PyTorch's order.
#[derive(Clone, Debug, Default)]
pub(super) struct CellAt {
    pub w_ih: Range<usize>,
    pub w_hh: Range<usize>,
    pub b_ih: Range<usize>,
    pub b_hh: Range<usize>,
}

/// Where a matrix lies, and the numbers added after it.
#[derive(Clone, Debug, Default)]
pub(super) struct LinearAt {
    /// `outs x ins`.
    pub weight: Range<usize>,
    pub bias: Range<usize>,
    pub outs: usize,
    pub ins: usize,
}

/// Where the tensors of a part lie. What a part does not have is empty.
#[derive(Clone, Debug, Default)]
pub(super) struct PartAt {
    /// What a sender reads before the first symbol.
    pub start: Range<usize>,
    /// From what is seen to a state, or to logits where there is no cell. Of a receiver from a candidate to what its state is
    /// compared with.
    pub view: LinearAt,
    /// `vocabulary x embedding`.
    pub embedding: Range<usize>,
    /// What is added to every embedding, where symbols are relaxed.
    pub embedding_bias: Range<usize>,
    pub cell: CellAt,
    /// From a state to the logits of symbols, or of answers.
    pub head: LinearAt,
}

/// The tensors of a part.
#[derive(Clone, Debug)]
pub struct PartShape {
    /// In the order in which they lie.
    pub tensors: Vec<Tensor>,
    pub(super) at: PartAt,
}

/// The tensors of senders and receivers, and the sizes that both go by.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Of senders.
    pub sender: PartShape,
    /// Of receivers.
    pub receiver: PartShape,
    pub(super) agents: Agents,
    pub(super) channel: Channel,
    pub(super) game: Game,
    /// How many values each attribute has.
    pub(super) sizes: Vec<usize>,
}

#[derive(Default)]
struct Tensors(Vec<Tensor>);

impl Tensors {
    fn push(&mut self, name: &str, shape: &[usize], begin: Begin) -> Range<usize> {
        let from = self.0.last().map_or(0, |last| last.at.end);
        let at = from..from + shape.iter().product::<usize>();
        self.0.push(Tensor { name: name.into(), shape: shape.to_vec(), at: at.clone(), begin });
        at
    }

    fn linear(&mut self, name: &str, outs: usize, ins: usize) -> LinearAt {
        let weight = self.push(&format!("{name}.weight"), &[outs, ins], Begin::Uniform(ins));
        LinearAt { weight, bias: self.push(&format!("{name}.bias"), &[outs], Begin::Uniform(ins)), outs, ins }
    }

    fn cell(&mut self, Agents { cell, hidden, embedding }: Agents) -> CellAt {
        let rows = cell.gates() * hidden;
        let mut push = |what: &str, shape: &[usize]| self.push(&format!("{}.{what}", cell.name()), shape, Begin::Uniform(hidden));
        CellAt {
            w_ih: push("weight_ih", &[rows, embedding]),
            w_hh: push("weight_hh", &[rows, hidden]),
            b_ih: push("bias_ih", &[rows]),
            b_hh: push("bias_hh", &[rows]),
        }
    }

    /// A linear layer where symbols are relaxed, a table where they are drawn; both begin as PyTorch has them.
    fn embedding(&mut self, relaxed: bool, vocabulary: usize, width: usize) -> (Range<usize>, Range<usize>) {
        if !relaxed {
            return (self.push("embedding.weight", &[vocabulary, width], Begin::Normal(1.0)), 0..0);
        }
        let begin = Begin::Uniform(vocabulary);
        (self.push("embedding.weight", &[vocabulary, width], begin), self.push("embedding.bias", &[width], begin))
    }
}

impl Shape {
    /// The tensors of a setup that was checked.
    pub fn new(setup: &Setup, items: &Items) -> Shape {
        let Setup { game, agents, .. } = *setup;
        let Agents { cell, hidden, embedding } = agents;
        let (vocabulary, width, sizes) = (setup.channel.vocabulary, items.width(), items.sizes());
        let alone = cell == Cell::FeedForward;
        let relaxed = matches!(setup.learn, Estimator::Gumbel(_)) && !alone;

        let (mut tensors, mut at) = (Tensors::default(), PartAt::default());
        if alone {
            at.view = tensors.linear("view", vocabulary, width);
        } else {
            at.start = tensors.push("start", &[embedding], Begin::Normal(0.01));
            at.view = tensors.linear("view", hidden, width);
            (at.embedding, at.embedding_bias) = tensors.embedding(relaxed, vocabulary, embedding);
            at.cell = tensors.cell(agents);
            at.head = tensors.linear("head", vocabulary, hidden);
        }
        let sender = PartShape { tensors: tensors.0, at };

        let (mut tensors, mut at) = (Tensors::default(), PartAt::default());
        let wide = if alone { hidden } else { embedding };
        (at.embedding, at.embedding_bias) = tensors.embedding(relaxed, vocabulary, wide);
        if !alone {
            at.cell = tensors.cell(agents);
        }
        match game {
            Game::Reconstruction => at.head = tensors.linear("head", sizes.iter().sum(), hidden),
            _ => at.view = tensors.linear("view", hidden, width),
        }
        let receiver = PartShape { tensors: tensors.0, at };
        Shape { sender, receiver, agents, channel: setup.channel.clone(), game, sizes: sizes.to_vec() }
    }

    /// The tensors of one part.
    pub fn part(&self, part: Part) -> &PartShape {
        match part {
            Part::Sender => &self.sender,
            Part::Receiver => &self.receiver,
        }
    }
}

impl PartShape {
    /// How many weights there are.
    pub fn weights(&self) -> usize {
        self.tensors.last().map_or(0, |last| last.at.end)
    }

    /// What an agent's part begins with. `life` counts the agents before it in its place.
    pub fn begin(&self, seed: Seed, agent: usize, part: Part, life: u32) -> Vec<f32> {
        let mut weights = vec![0.0; self.weights()];
        for (i, tensor) in (0..).zip(&self.tensors) {
            let address = u64::from(life) << 32 | (agent as u64) << 8 | (part as u64) << 7 | i;
            let mut stream = seed.stream(Purpose::Weights, address);
            let into = &mut weights[tensor.at.clone()];
            match tensor.begin {
                Begin::Uniform(ins) => {
                    let most = 1.0 / (ins as f64).sqrt();
                    into.iter_mut().for_each(|weight| *weight = (most * (2.0 * stream.unit() - 1.0)) as f32);
                }
                Begin::Normal(sd) => into.iter_mut().for_each(|weight| *weight = (sd * stream.nearly_normal()) as f32),
            }
        }
        weights
    }
}
