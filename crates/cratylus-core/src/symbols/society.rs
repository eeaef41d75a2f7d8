//! Agents with their beliefs and signs, all of a run together: what one proposes, what another takes, and what is learnt once
//! all objects were gone through. Every draw is of its address, so it does not matter who asks when.

use super::dirichlet::{self, DirichletPrior};
use super::draws::ln;
use super::gaussian::{self, GaussianPrior};
use super::rows::SignRows;
use super::rule::{Acceptance, Current, Exchange, Learners, SignRule, unit32};
use super::things::{Cells, Perceived, Things, WorldSpec};
use crate::meeting::turns::Turns;
use crate::seed::Stream;
use crate::{AgentId, Purpose, Seed};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What agents believe signs to stand for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SymbolModel {
    /// A normal distribution.
    Gaussian(GaussianPrior),
    /// Categories of counts.
    Dirichlet(DirichletPrior),
    /// What a table says; nothing is learnt.
    Fixed,
}

/// All that the societies of a world have in common.
#[derive(Clone, Debug)]
pub struct SocietyOf {
    /// What is played.
    pub rule: SignRule,
    /// What agents are.
    pub model: SymbolModel,
    /// What there is.
    pub things: Things,
    /// In which order they take turns.
    pub turns: Turns,
}

/// What one agent has become, as plain data.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct SignMind {
    /// The seed of the run, from which all that it perceives follows.
    pub seed: Seed,
    /// The sign that it has for each object; none before the first exchange.
    pub signs: Vec<u16>,
    /// What it said last of each, where that counts.
    pub spoken: Vec<u16>,
    /// The category into which it sorts each, where it does.
    pub sorted: Vec<u16>,
    /// Log probabilities of features, category by category, where it sorts.
    #[serde(default)]
    pub features: Vec<f64>,
    /// Log likelihoods of signs, row by row; none of what cannot be.
    pub logs: Vec<Option<f64>>,
}

/// One agent.
struct SignAgent {
    rows: SignRows,
    /// The row of each object; its own where this is empty.
    sorted: Vec<u16>,
    /// Log probabilities of features by category, where it sorts.
    features: Vec<f64>,
}

impl SignAgent {
    #[inline(always)]
    fn row(&self, object: usize) -> usize {
        self.sorted.get(object).map_or(object, |&row| row.into())
    }
}

/// The agents of a run.
pub struct Society {
    of: Arc<SocietyOf>,
    seed: Seed,
    perceived: Arc<Perceived>,
    modalities: Vec<usize>,
    agents: Vec<SignAgent>,
    /// Signs of objects, agent by agent; of all agents together where they share them.
    signs: Vec<u16>,
    /// What each agent said last, where that counts.
    spoken: Vec<u16>,
}

impl Society {
    /// Before the first exchange, or with these minds of all agents. `perceived` is what follows from the seed.
    pub fn new(of: &Arc<SocietyOf>, seed: Seed, perceived: Arc<Perceived>, minds: &[SignMind]) -> Society {
        let (n, objects) = (of.turns.agents as usize, perceived.objects);
        let width = perceived.agents.first().map_or(0, |own| own.width);
        let modalities = of.things.spec().modalities().unwrap_or_else(|| vec![width]);
        let rows = match of.model {
            SymbolModel::Dirichlet(prior) => prior.categories,
            SymbolModel::Gaussian(_) | SymbolModel::Fixed => objects,
        };
        let blank = || SignAgent { rows: SignRows::new(rows, of.rule.signs), sorted: Vec::new(), features: Vec::new() };
        let mut society = Society {
            of: of.clone(),
            seed,
            perceived,
            modalities,
            agents: (0..n).map(|_| blank()).collect(),
            signs: Vec::new(),
            spoken: Vec::new(),
        };
        match minds.iter().all(|mind| mind.signs.len() == objects && mind.logs.len() == rows * of.rule.signs) && minds.len() == n
        {
            true => society.become_of(minds),
            false => society.begin(),
        }
        society
    }

    fn begin(&mut self) {
        let (n, objects) = (self.agents.len(), self.perceived.objects);
        let rule = self.of.rule;
        self.signs = first_signs(self.seed, &rule, n, objects);
        if rule.current == Current::Spoken {
            self.spoken = self.signs.clone();
        }
        for agent in 0..n {
            match self.of.model {
                SymbolModel::Fixed => {
                    let WorldSpec::Tables { likelihood, .. } = self.of.things.spec() else { unreachable!("it was checked") };
                    let rows = &mut self.agents[agent].rows;
                    for row in rows.logs_mut().chunks_exact_mut(rule.signs) {
                        row.iter_mut().zip(&likelihood[agent]).for_each(|(log, &p)| *log = ln(p));
                    }
                    rows.settle();
                }
                SymbolModel::Dirichlet(prior) => {
                    let mut draws = self.seed.stream(Purpose::Category, 1 << 63 | agent as u64);
                    self.agents[agent].sorted = (0..objects).map(|_| draws.below(prior.categories as u64) as u16).collect();
                }
                SymbolModel::Gaussian(_) => (),
            }
            self.learn(0, agent);
        }
    }

    fn become_of(&mut self, minds: &[SignMind]) {
        let shared = self.of.rule.current == Current::Shared;
        self.signs =
            minds.iter().take(if shared { 1 } else { minds.len() }).flat_map(|mind| mind.signs.iter().copied()).collect();
        self.spoken = minds.iter().flat_map(|mind| mind.spoken.iter().copied()).collect();
        for (agent, mind) in self.agents.iter_mut().zip(minds) {
            agent.sorted.clone_from(&mind.sorted);
            agent.features.clone_from(&mind.features);
            let logs = mind.logs.iter().map(|log| log.unwrap_or(f64::NEG_INFINITY));
            agent.rows.logs_mut().iter_mut().zip(logs).for_each(|(log, kept)| *log = kept);
            agent.rows.settle();
        }
    }

    /// What an agent has become.
    pub fn mind(&self, agent: AgentId) -> SignMind {
        let (objects, own) = (self.perceived.objects, agent as usize);
        let part = |all: &[u16]| all.get(own * objects..(own + 1) * objects).map_or(Vec::new(), <[u16]>::to_vec);
        let SignAgent { rows, sorted, features } = &self.agents[own];
        SignMind {
            seed: self.seed,
            signs: self.signs_of(own).to_vec(),
            spoken: part(&self.spoken),
            sorted: sorted.clone(),
            features: features.clone(),
            logs: rows.all_logs().iter().map(|&log| log.is_finite().then_some(log)).collect(),
        }
    }

    /// The sign that an agent has for each object.
    pub fn signs_of(&self, agent: usize) -> &[u16] {
        let objects = self.perceived.objects;
        let from = if self.of.rule.current == Current::Shared { 0 } else { agent * objects };
        &self.signs[from..from + objects]
    }

    /// Its categories of all objects, where it has any.
    pub fn sorted_of(&self, agent: usize) -> &[u16] {
        &self.agents[agent].sorted
    }

    #[inline(always)]
    fn place(&self, agent: usize, object: usize) -> usize {
        if self.of.rule.current == Current::Shared { object } else { agent * self.perceived.objects + object }
    }

    /// What a speaker proposes in exchange `t`, by 32 random bits.
    #[inline(always)]
    pub fn propose(&self, t: u64, speaker: AgentId, object: usize, word: u32) -> u16 {
        let own = speaker as usize;
        match self.of.rule.exchange {
            Exchange::Pairs => self.drawn(own, object, word),
            Exchange::OneSample if self.of.turns.begins(t) => self.drawn(own, object, word),
            Exchange::OneSample => self.signs[self.place(own, object)],
            Exchange::Recursive => self.within(t, object, word),
        }
    }

    #[inline(always)]
    fn drawn(&self, agent: usize, object: usize, word: u32) -> u16 {
        let own = &self.agents[agent];
        own.rows.draw(own.row(object), word) as u16
    }

    /// What all agents but the last of an exchange arrive at among themselves.
    fn within(&self, t: u64, object: usize, word: u32) -> u16 {
        let order = self.of.turns.order_of(self.seed, t);
        let mut draws = self.seed.stream(Purpose::Within, t);
        let sign = self.signs[object];
        match order.len() {
            2 => self.drawn(order[0] as usize, object, word),
            n => self.recurse(&order[..n - 1], object, sign, &mut draws),
        }
    }

    /// The recursive game of some agents, from a sign.
    fn recurse(&self, order: &[AgentId], object: usize, mut sign: u16, draws: &mut Stream) -> u16 {
        let [others @ .., listener] = order else { unreachable!("at least one agent is asked") };
        if others.is_empty() {
            return self.drawn(*listener as usize, object, draws.word());
        }
        for _ in 0..self.of.rule.times {
            let proposed = self.recurse(others, object, sign, draws);
            if self.would_take(*listener as usize, object, proposed, sign, draws.word()) {
                sign = proposed;
            }
        }
        sign
    }

    #[inline(always)]
    fn would_take(&self, listener: usize, object: usize, proposed: u16, current: u16, word: u32) -> bool {
        let own = &self.agents[listener];
        let row = own.row(object);
        let p = self.of.rule.takes(own.rows.logs(row), own.rows.total(row), proposed.into(), current.into());
        unit32(word) < p
    }

    /// The sign that a listener holds after a proposal, by 32 random bits.
    #[inline(always)]
    pub fn answer(&self, listener: AgentId, object: usize, proposed: u16, word: u32) -> u16 {
        let own = listener as usize;
        let place = self.place(own, object);
        if self.of.rule.acceptance == Acceptance::None {
            return self.drawn(own, object, word);
        }
        let current = if self.of.rule.current == Current::Spoken { self.spoken[place] } else { self.signs[place] };
        if self.would_take(own, object, proposed, current, word) { proposed } else { current }
    }

    /// Takes in what was said in exchange `t`, and learns where it was the last of a turn.
    #[inline(always)]
    pub fn take(&mut self, t: u64, [speaker, listener]: [AgentId; 2], object: usize, [proposed, held]: [u16; 2]) {
        let place = self.place(listener as usize, object);
        self.signs[place] = held;
        if self.of.rule.current == Current::Spoken {
            let place = self.place(speaker as usize, object);
            self.spoken[place] = proposed;
        }
        if object + 1 == self.perceived.objects {
            let turn = 1 + t / self.of.turns.objects;
            // In a recursive exchange who listened was another for every object.
            match self.of.rule.exchange == Exchange::Recursive || self.of.rule.learners == Learners::All {
                true => (0..self.agents.len()).for_each(|agent| self.learn(turn, agent)),
                false => self.learn(turn, listener as usize),
            }
        }
    }

    /// One step of Gibbs sampling of all that an agent believes, given its signs.
    fn learn(&mut self, turn: u64, agent: usize) {
        let (seed, rule) = (self.seed, self.of.rule);
        let place = move |what: u64, i: usize| turn << 28 | (agent as u64) << 16 | what << 15 | i as u64;
        let stream = move |i: usize, second: bool| seed.stream(Purpose::Parameter, place(second.into(), i));
        let objects = self.perceived.objects;
        let from = if rule.current == Current::Shared { 0 } else { agent * objects };
        let held = &self.signs[from..from + objects];
        let features = &self.perceived.agents[agent];
        let SignAgent { rows, sorted, features: likely } = &mut self.agents[agent];
        match &self.of.model {
            SymbolModel::Fixed => (),
            SymbolModel::Gaussian(prior) => {
                gaussian::learn(prior, &features.values, features.width, held, rule.signs, |sign| stream(sign, false), rows);
            }
            SymbolModel::Dirichlet(prior) => {
                let step = dirichlet::Step {
                    prior,
                    counts: &features.values,
                    modalities: &self.modalities,
                    held,
                    n_signs: rule.signs,
                    stream: &stream,
                    sorting: seed.stream(Purpose::Category, turn << 12 | agent as u64),
                };
                step.go(sorted, likely, rows);
            }
        }
    }
}

/// The signs that agents have at first, at random: agent by agent, or of all together where they share them.
pub fn first_signs(seed: Seed, rule: &SignRule, agents: usize, objects: usize) -> Vec<u16> {
    let lists = if rule.current == Current::Shared { 1 } else { agents };
    let own = |agent: usize| {
        let mut draws = seed.stream(Purpose::FirstSign, agent as u64);
        (0..objects).map(move |_| draws.below(rule.signs as u64) as u16)
    };
    (0..lists).flat_map(own).collect()
}

/// What readers of a run's events may know of its world.
#[derive(Clone, Debug)]
pub struct SymbolRun {
    /// What its societies have in common.
    pub of: Arc<SocietyOf>,
    /// The seed of the run.
    pub seed: Seed,
    /// What there is.
    pub perceived: Arc<Perceived>,
}

impl SocietyOf {
    /// Of so many agents with a model. `file` reads a table. An error names the key, and says why.
    pub(crate) fn build(
        rule: SignRule,
        model: SymbolModel,
        spec: &WorldSpec,
        turns: Turns,
        file: impl FnOnce(&str) -> Result<Cells, String>,
    ) -> Result<SocietyOf, (&'static str, String)> {
        let things = spec.things(file)?;
        let agents = turns.agents as usize;
        if let SymbolModel::Gaussian(GaussianPrior { freedom: Some(freedom), .. }) = model {
            let perceived = things.perceived(Seed(0), agents);
            let width = perceived.agents.iter().map(|own| own.width).max().unwrap_or(0);
            if freedom <= width as f64 - 1.0 {
                let why = format!(
                    "agents perceive {width} numbers of an object, so the precision of a sign needs more than {} degrees of freedom; found {freedom}",
                    width - 1
                );
                return Err(("agents.prior.freedom", why));
            }
        }
        if let (SymbolModel::Dirichlet(_), WorldSpec::Given { .. } | WorldSpec::File { .. }) = (model, spec) {
            let key = if matches!(spec, WorldSpec::Given { .. }) { "world.features" } else { "world.columns" };
            let perceived = things.perceived(Seed(0), agents);
            for (agent, own) in (1..).zip(&perceived.agents) {
                if let Some(at) = own.values.iter().position(|x| !(*x >= 0.0 && x.fract() == 0.0)) {
                    let (object, x) = (at / own.width + 1, own.values[at]);
                    let why = format!(
                        "agents of kind `dirichlet-mixture` perceive counts, whole numbers from 0 on, and agent {agent} perceives {x} of object {object}; `gaussian-mixture` takes any numbers"
                    );
                    return Err((key, why));
                }
            }
        }
        Ok(SocietyOf { rule, model, things, turns })
    }
}
