//! A sender and a receiver with relaxed symbols, forward and back: shares of symbols pass the channel, and gradients with them.
//! Noise makes all rows differ, so nothing is merged but views.

use super::answers::{Answering, Asked, Weights};
use super::draws::{Passage, another};
use super::layers::{Linear, Views};
use super::messages::Messages;
use super::numbers::{Logs, add_columns, gumbel, likeliest, softmax_rows, wide_loop};
use super::product::{Left, Panels, add_product};
use super::recurrent::Recurrent;
use super::round::{Outcome, Round};
use super::setup::{Agents, Gumbel};
use super::shape::{PartAt, Shape};
use crate::net::rows::{add, dot};

/// Room for a step.
#[derive(Clone, Debug)]
pub(super) struct Relaxed {
    sender: Recurrent,
    receiver: Recurrent,
    views: Views,
    view: Linear,
    head: Linear,
    /// How many symbols there are.
    vocabulary: usize,
    embedding: [Panels; 2],
    spare: Panels,
    pub answering: Answering,
    roots: Vec<f32>,
    /// `positions x places x vocabulary`: relaxed symbols, what is passed on of them, and what reaches that.
    soft: Vec<f32>,
    said: Vec<f32>,
    d_said: Vec<f32>,
    logs: Vec<Logs>,
}

/// What the channel makes of what is said: `positions x places x vocabulary` numbers, and where each row came from.
struct Heard {
    rows: Vec<f32>,
    /// The row that was said, or none where nothing of it is left.
    from: Vec<Option<u32>>,
}

impl Relaxed {
    /// Room for agents.
    pub fn new(agents: Agents) -> Relaxed {
        Relaxed {
            sender: Recurrent::new(agents),
            receiver: Recurrent::new(agents),
            views: Views::default(),
            view: Linear::default(),
            head: Linear::default(),
            vocabulary: 0,
            embedding: Default::default(),
            spare: Panels::default(),
            answering: Answering::default(),
            roots: Vec::new(),
            soft: Vec::new(),
            said: Vec::new(),
            d_said: Vec::new(),
            logs: Vec::new(),
        }
    }

    /// A step: to the gradients is added that of the optimised loss. `noise` is `places x positions x vocabulary` numbers
    /// above 0 and below 1. Where the sender speaks of other items in its own items' place, nothing reaches it.
    pub fn learn(
        &mut self,
        round: Round<'_>,
        by: Gumbel,
        noise: &[f32],
        passage: &Passage,
        w: [&[f32]; 2],
        d: [&mut [f32]; 2],
    ) -> Outcome {
        let (n, channel) = (round.examples.len(), &round.shape.channel);
        let (vocabulary, hidden) = (channel.vocabulary, round.shape.agents.hidden);
        self.vocabulary = vocabulary;
        let about = passage.about.as_ref().unwrap_or(&round.examples.items);
        let messages = self.speak(round, by, noise, about, w[0]);
        let heard = self.pass(round.shape, n, passage);
        let alone = round.shape.receiver.at.cell.w_hh.is_empty();
        let levels = heard.from.len() / n;

        let states = match alone {
            true => {
                let mut states = Vec::new();
                self.embed(&round.shape.receiver.at, w[1], &heard.rows, hidden, &mut states);
                states
            }
            false => self.listen(round.shape, w[1], &heard.rows, n).to_vec(),
        };
        // Which states answer, and how much each counts: how likely its position is the last one.
        let stops = channel.stops();
        let (mut asked, mut counts) = (Vec::new(), Vec::new());
        let mut left = vec![1.0f32; n];
        for level in 0..levels {
            for (place, left) in left.iter_mut().enumerate() {
                let state = (level * n + place) as u32;
                let count = match (stops, level + 1 == levels) {
                    (_, true) => *left,
                    (false, false) => continue,
                    (true, false) => {
                        let end = heard.rows[state as usize * vocabulary];
                        let count = *left * end;
                        *left *= 1.0 - end;
                        count
                    }
                };
                asked.push(Asked { state, place: place as u32 });
                counts.push(count);
            }
        }
        let mut d_states = vec![0.0; states.len()];
        let [d_sender, d_receiver] = d;
        if round.setup.game.nt_xent().is_some() {
            self.answering.contrast(round, w[1], &states, &asked, &mut d_states, d_receiver);
        } else {
            self.answering.judge(round, w[1], &states, &asked, None);
            let weights: Vec<Weights> =
                counts.iter().map(|count| Weights { loss: count / n as f32, ..Weights::default() }).collect();
            self.answering.back(round, w[1], &states, &asked, &weights, [&mut d_states, d_receiver]);
        }
        let mut outcome = self.outcome(by, n, &asked, &counts, messages);
        outcome.entropy = self.logs.iter().map(|logs| f64::from(logs.entropy)).sum::<f64>() / self.logs.len() as f64;

        let mut d_heard = vec![0.0; heard.rows.len()];
        match alone {
            true => self.embed_back(&round.shape.receiver.at, w[1], &d_states, &heard.rows, &mut d_heard, d_receiver),
            false => self.listen_back(round.shape, w[1], &d_states, &heard.rows, &mut d_heard, d_receiver),
        }
        if stops {
            self.ends_back(by, n, levels, vocabulary, &heard.rows, &mut d_heard);
        }
        self.d_said.clear();
        self.d_said.resize(self.said.len(), 0.0);
        if passage.about.is_none() {
            for (d, &from) in d_heard.chunks_exact(vocabulary).zip(&heard.from) {
                let Some(from) = from else { continue };
                let into = &mut self.d_said[from as usize * vocabulary..][..vocabulary];
                match &passage.names {
                    None => add(into, d),
                    Some(names) => into.iter_mut().zip(names).for_each(|(into, &name)| *into += d[name as usize]),
                }
            }
            self.speak_back(round, w[0], d_sender);
        }
        outcome
    }

    fn outcome(&self, by: Gumbel, n: usize, asked: &[Asked], counts: &[f32], messages: Messages) -> Outcome {
        let (mut loss, mut success, mut length) = (0.0, 0.0, 0.0);
        for ((asked, &count), answered) in asked.iter().zip(counts).zip(&self.answering.answered) {
            let count = f64::from(count);
            loss += count * f64::from(answered.loss);
            success += if answered.right { count } else { 0.0 };
            length += count * f64::from(asked.state / n as u32 + 1);
        }
        let n = n as f64;
        let length_cost = by.length_cost * length / n;
        Outcome {
            loss: loss / n,
            optimised: loss / n + length_cost,
            success: success / n,
            entropy: 0.0,
            length: length / n,
            length_cost,
            messages,
        }
    }

    /// Adds what reaches the stop symbol at each position, as its share decides which position counts.
    fn ends_back(&self, by: Gumbel, n: usize, levels: usize, vocabulary: usize, heard: &[f32], d_heard: &mut [f32]) {
        for place in 0..n {
            let end = |level: usize| heard[(level * n + place) * vocabulary];
            let cost = |level: usize| {
                let loss = self.answering.answered[level * n + place].loss + by.length_cost as f32 * (level + 1) as f32;
                loss / n as f32
            };
            let mut before = vec![1.0f32; levels];
            (1..levels).for_each(|level| before[level] = before[level - 1] * (1.0 - end(level - 1)));
            let mut d_left = cost(levels - 1);
            for level in (0..levels - 1).rev() {
                d_heard[(level * n + place) * vocabulary] += (cost(level) - d_left) * before[level];
                d_left = cost(level) * end(level) + d_left * (1.0 - end(level));
            }
        }
    }

    /// What is heard of what was said; where messages stop, a stop comes after the last position.
    fn pass(&self, shape: &Shape, n: usize, passage: &Passage) -> Heard {
        let (vocabulary, length) = (shape.channel.vocabulary, shape.channel.length);
        let stops = shape.channel.stops();
        let levels = length + usize::from(stops);
        let mut heard = Heard { rows: vec![0.0; levels * n * vocabulary], from: Vec::with_capacity(levels * n) };
        for (i, row) in heard.rows.chunks_exact_mut(vocabulary).enumerate() {
            let (level, place) = (i / n, i % n);
            if passage.cut || level == length {
                row[0] = 1.0;
                heard.from.push(None);
                continue;
            }
            let whose = passage.places.as_ref().map_or(place, |places| places[place] as usize);
            let from = level * n + whose;
            let said = &self.said[from * vocabulary..][..vocabulary];
            // What noise replaces is the likeliest symbol, but for the stop.
            let likely = likeliest(said);
            let noise = passage.noise.as_ref().and_then(|noise| noise[place * length + level]).filter(|_| !stops || likely != 0);
            if let Some(which) = noise {
                row[another(likely, which, stops) as usize] = 1.0;
                heard.from.push(None);
                continue;
            }
            match &passage.names {
                None => row.copy_from_slice(said),
                Some(names) => said.iter().zip(names).for_each(|(&share, &name)| row[name as usize] = share),
            }
            heard.from.push(Some(from as u32));
        }
        heard
    }

    /// Appends what is read of shares of symbols, `rows x width`.
    fn embed(&mut self, at: &PartAt, w: &[f32], shares: &[f32], width: usize, read: &mut Vec<f32>) {
        let (from, vocabulary) = (read.len(), self.vocabulary);
        for _ in 0..shares.len() / vocabulary {
            match at.embedding_bias.is_empty() {
                true => read.resize(read.len() + width, 0.0),
                false => read.extend_from_slice(&w[at.embedding_bias.clone()]),
            }
        }
        self.embedding[0].pack(&w[at.embedding.clone()], vocabulary, width);
        add_product(Left::rows(shares, vocabulary), &self.embedding[0], &mut read[from..]);
    }

    /// Adds the gradient of the embedding, and to `d_shares` what reaches the shares.
    fn embed_back(&mut self, at: &PartAt, w: &[f32], d: &[f32], shares: &[f32], d_shares: &mut [f32], gradient: &mut [f32]) {
        let (rows, vocabulary) = (shares.len() / self.vocabulary, self.vocabulary);
        let width = d.len() / rows;
        self.spare.pack(d, rows, width);
        add_product(Left::columns(shares, vocabulary), &self.spare, &mut gradient[at.embedding.clone()]);
        if !at.embedding_bias.is_empty() {
            add_columns(d, &mut gradient[at.embedding_bias.clone()]);
        }
        self.embedding[1].pack_turned(&w[at.embedding.clone()], width, vocabulary);
        add_product(Left::rows(d, width), &self.embedding[1], d_shares);
    }

    fn speak(&mut self, round: Round<'_>, by: Gumbel, noise: &[f32], about: &[u32], w: &[f32]) -> Messages {
        let (shape, at) = (round.shape, &round.shape.sender.at);
        let (vocabulary, length, n) = (shape.channel.vocabulary, shape.channel.length, about.len());
        let mut noise = noise.to_vec();
        gumbel(&mut noise);
        self.views.see(round.items, about);
        self.view.begin(w, &at.view);
        self.roots.clear();
        self.view.forward(w, &at.view, &self.views.features, &mut self.roots);
        for list in [&mut self.soft, &mut self.said] {
            list.clear();
        }
        self.logs.clear();
        let alone = at.head.outs == 0;
        if !alone {
            self.head.begin(w, &at.head);
            self.sender.begin(w, at);
            self.sender.read(w, at, &w[at.start.clone()]);
        }
        let one = 1.0 / round.temperature as f32;
        let mut unused = Vec::new();
        for position in 0..length {
            let mut logits = Vec::with_capacity(n * vocabulary);
            match (alone, position) {
                (true, _) => {
                    let row = |&row: &u32| &self.roots[row as usize * vocabulary..][..vocabulary];
                    self.views.rows.iter().map(row).for_each(|row| logits.extend_from_slice(row));
                }
                (false, 0) => {
                    let rows = self.sender.level(w, at, Some(&self.roots), &self.views.rows, &vec![0; n]);
                    self.head.forward(w, &at.head, self.sender.states(rows), &mut logits);
                }
                (false, _) => {
                    let mut read = Vec::new();
                    let last = self.said[(position - 1) * n * vocabulary..].to_vec();
                    self.embed(at, w, &last, shape.agents.embedding, &mut read);
                    let first = self.sender.read(w, at, &read);
                    let (parents, inputs): (Vec<u32>, Vec<u32>) = (0..n as u32).map(|i| (i, first + i)).unzip();
                    let rows = self.sender.level(w, at, None, &parents, &inputs);
                    self.head.forward(w, &at.head, self.sender.states(rows), &mut logits);
                }
            }
            let from = self.soft.len();
            self.soft.resize(from + n * vocabulary, 0.0);
            softmax_rows(&logits, vocabulary, &mut self.soft[from..], &mut self.logs);
            let logs = &self.logs[position * n..];
            for (place, row) in logits.chunks_exact_mut(vocabulary).enumerate() {
                let noise = &noise[(place * length + position) * vocabulary..][..vocabulary];
                row.iter_mut().zip(noise).for_each(|(z, noise)| *z = (*z - logs[place].less + noise) * one);
            }
            unused.clear();
            softmax_rows(&logits, vocabulary, &mut self.soft[from..], &mut unused);
            match by.straight_through {
                false => self.said.extend_from_slice(&self.soft[from..]),
                true => {
                    self.said.resize(from + n * vocabulary, 0.0);
                    for (soft, said) in
                        self.soft[from..].chunks_exact(vocabulary).zip(self.said[from..].chunks_exact_mut(vocabulary))
                    {
                        said[likeliest(soft) as usize] = 1.0;
                    }
                }
            }
        }
        let mut messages = Messages::new(&shape.channel);
        for place in 0..n {
            messages.push((0..length).map(|position| likeliest(&self.soft[(position * n + place) * vocabulary..][..vocabulary])));
        }
        messages
    }

    fn speak_back(&mut self, round: Round<'_>, w: &[f32], gradient: &mut [f32]) {
        let (shape, at) = (round.shape, &round.shape.sender.at);
        let (vocabulary, length) = (shape.channel.vocabulary, shape.channel.length);
        let one = 1.0 / round.temperature as f32;
        let relax_back = |soft: &[f32], d: &mut [f32]| {
            wide_loop(
                #[inline(always)]
                || {
                    for (soft, d) in soft.chunks_exact(vocabulary).zip(d.chunks_exact_mut(vocabulary)) {
                        let along = dot(soft, d);
                        for i in 0..vocabulary {
                            d[i] = soft[i] * (d[i] - along) * one;
                        }
                    }
                },
            );
        };
        let mut d_said = std::mem::take(&mut self.d_said);
        if at.head.outs == 0 {
            relax_back(&self.soft, &mut d_said);
            let mut d_roots = vec![0.0; self.roots.len()];
            for (&row, d) in self.views.rows.iter().zip(d_said.chunks_exact(vocabulary)) {
                add(&mut d_roots[row as usize * vocabulary..][..vocabulary], d);
            }
            self.view.gradient(&at.view, &d_roots, &self.views.features, gradient);
            self.d_said = d_said;
            return;
        }
        let wide = d_said.len() / length;
        self.sender.back(w, at, self.views.len());
        for position in (0..length).rev() {
            let own = position * wide..(position + 1) * wide;
            relax_back(&self.soft[own.clone()], &mut d_said[own.clone()]);
            let rows = self.sender.level_at(position);
            let hidden = shape.agents.hidden;
            let d_states = &mut self.sender.d_states()[rows.start * hidden..rows.end * hidden];
            self.head.back(w, &at.head, &d_said[own.clone()], d_states);
            self.sender.back_level(position);
            if position > 0 {
                let before = (position - 1) * wide..own.start;
                let d_read = self.sender.back_read(position).to_vec();
                let said = self.said[before.clone()].to_vec();
                self.embed_back(at, w, &d_read, &said, &mut d_said[before], gradient);
            }
        }
        self.head.gradient(&at.head, &d_said, self.sender.states(0..self.sender.rows()), gradient);
        self.view.gradient(&at.view, self.sender.d_roots(), &self.views.features, gradient);
        let d_read = self.sender.back_end(at, gradient);
        add(&mut gradient[at.start.clone()], &d_read[..shape.agents.embedding]);
        self.d_said = d_said;
    }

    fn listen(&mut self, shape: &Shape, w: &[f32], heard: &[f32], n: usize) -> &[f32] {
        let at = &shape.receiver.at;
        let mut read = Vec::new();
        self.embed(at, w, heard, shape.agents.embedding, &mut read);
        self.receiver.begin(w, at);
        self.receiver.read(w, at, &read);
        for level in 0..heard.len() / (n * self.vocabulary) {
            let (parents, inputs): (Vec<u32>, Vec<u32>) = (0..n as u32).map(|i| (i, (level * n) as u32 + i)).unzip();
            self.receiver.level(w, at, None, &parents, &inputs);
        }
        self.receiver.states(0..self.receiver.rows())
    }

    fn listen_back(
        &mut self,
        shape: &Shape,
        w: &[f32],
        d_states: &[f32],
        heard: &[f32],
        d_heard: &mut [f32],
        gradient: &mut [f32],
    ) {
        let at = &shape.receiver.at;
        self.receiver.back(w, at, 0).copy_from_slice(d_states);
        (0..self.receiver.levels()).rev().for_each(|level| self.receiver.back_level(level));
        let d_read = self.receiver.back_end(at, gradient).to_vec();
        self.embed_back(at, w, &d_read, heard, d_heard, gradient);
    }
}
