//! One point of a sweep, built: the game, the network, what each kind of agent shares, and who is who.

use crate::agent::{Ask, Cohort, Fault, News, People};
use crate::agents::Constant;
use crate::agents::emulated::Condition;
use crate::compiled::{Compiled, Tables};
use crate::control::{Averaged, Control, Paid};
use crate::experiment::{AgentContext, Experiment, How, Inputs, Kind, NetworkSpec, NoInputs, Notes, Part, Point};
use crate::game::Game;
use crate::language::model::Model;
use crate::language::protocol::Order;
use crate::measure::RunContext;
use crate::networks::{self, EdgeList};
use crate::stop::StopSeen;
use crate::window::{Policy, Round, Windows};
use crate::{AgentId, Name, Network, Purpose, Seed};
use std::sync::{Arc, OnceLock};

pub struct World {
    pub experiment: Experiment,
    /// What the point of the sweep sets, as text: part of every run's seed.
    settings: String,
    /// The number of agents, added ones included.
    pub size: u32,
    pub game: Box<dyn Game>,
    /// The network of all runs; None where each draws its own.
    network: Option<Arc<dyn Network>>,
    /// Whether it stands beside a record, which holds no run with an agent that could meet nobody.
    surrogate: bool,
    pub complete: bool,
    /// The kinds of agents; committed ones are the last, where there are any.
    kinds: Vec<Kind>,
    /// How many agents each kind has.
    counts: Vec<u32>,
    committed: Option<Name>,
    /// What every agent remembers at the start, or what each does.
    starts: Starts,
    n_names: usize,
    /// Where the agents' behaviour comes from.
    pub sources: Vec<String>,
    /// What the user should know of how far it reaches.
    pub cautions: Vec<String>,
    /// What decides it beside the experiment and its files.
    pub identities: Vec<String>,
    /// What was recorded of the same condition, where all agents emulate one model.
    pub recorded: Option<Condition>,
    compiled: OnceLock<Option<CompiledWorld>>,
}

enum Starts {
    All(Vec<Round>),
    Each(Vec<Vec<Round>>),
}

impl World {
    /// Builds a point. An error names the key it is about, and says why.
    pub fn build(point: &Point, inputs: &dyn Inputs) -> Result<World, (String, String)> {
        let experiment = point.experiment.clone();
        let size = experiment.size();
        let names = experiment.names();
        let notes = Notes::default();
        let caution = |text: String| notes.cautions.borrow_mut().push(text);
        let spec = &experiment.population.network;
        let network: Arc<dyn Network> = match spec {
            NetworkSpec::EdgeList { file } => {
                let key = || "population.network.file".to_string();
                let text = inputs.text(file).map_err(|why| (key(), why))?;
                let network = EdgeList::parse(&text, size).map_err(|why| (key(), format!("`{file}`: {why}")))?;
                Arc::new(network)
            }
            // Drawn here even where every run draws its own, so that a mistake is told before anything runs.
            spec => {
                let seed = Seed::of_run(experiment.seed, &point.text(), 0);
                spec.build(size, seed).map_err(|(key, why)| (format!("population.network.{key}"), why))?
            }
        };
        if *spec != NetworkSpec::Complete {
            let whose = if spec.drawn() == Some(None) { ", of the first run" } else { "" };
            notes.sources.borrow_mut().push(format!("network{whose}: {}: {}", spec.words(), networks::describe(&*network)));
            match networks::components(&*network) {
                1 => (),
                n => caution(format!(
                    "the network{whose} falls into {n} parts whose agents never meet; each may settle on a name of its own"
                )),
            }
        }
        let network = Some(network).filter(|_| spec.drawn() != Some(None));
        let (window, most) = (experiment.consensus().window(size), experiment.stop.most(size));
        if window > most && !experiment.game.spec.alone() {
            caution(format!(
                "consensus takes a window of {window} interactions, and a run ends after {most}, so none can be reached"
            ));
        }
        let control = experiment.control;
        let payoff = experiment.game.spec.payoff().map(|payoff| control.told(payoff));
        let context = AgentContext {
            names,
            memory: experiment.memory(),
            payoff,
            committed: experiment.n_committed() > 0,
            inputs,
            notes: &notes,
        };
        let mut kinds = Vec::new();
        for (i, (_, kind)) in experiment.agents.kinds.iter().enumerate() {
            let prefix = if experiment.agents.kinds.len() == 1 { "agents".to_string() } else { format!("agents.mix.{i}") };
            let built = kind.spec.build(&context).map_err(|(key, why)| (format!("{prefix}.{key}"), why))?;
            if control.payoff != Paid::AsItIs && !kind.spec.heeds_payoffs() {
                caution(format!(
                    "agents of kind `{}` look at agreement and not at payoffs, so `control.payoff` changes nothing for them",
                    kind.kind
                ));
            }
            kinds.push(under(control, built, names.len(), experiment.memory(), &notes));
        }
        notes.sources.borrow_mut().extend(control.words().into_iter().map(|words| format!("control: {words}")));
        let mut counts = shares(&experiment);
        let mut committed = None;
        if let Some(minority) = &experiment.agents.committed {
            if names.is_empty() {
                let why = "a committed minority needs a pool of names (`game.names`)".to_string();
                return Err(("agents.committed.name".into(), why));
            }
            committed = name_of(names, &minority.name);
            kinds.push(Kind::Window(Arc::new(Constant(committed.expect("checked to be in the pool")))));
            counts.push(experiment.n_committed());
        }
        let starts = starts(&experiment, inputs).map_err(|(key, why)| (key.to_string(), why))?;
        let recorded = notes.conditions.borrow().iter().find(|condition| condition.is(&experiment)).cloned();
        Ok(World {
            settings: point.text(),
            size,
            game: experiment.game.spec.build(),
            complete: experiment.population.network == NetworkSpec::Complete,
            n_names: names.len(),
            surrogate: false,
            network,
            kinds,
            counts,
            committed,
            starts,
            sources: notes.sources.into_inner(),
            cautions: notes.cautions.into_inner(),
            identities: notes.identities.into_inner(),
            recorded: recorded.filter(|_| experiment.agents.kinds.len() == 1 && control.is_none()),
            experiment,
            compiled: OnceLock::new(),
        })
    }

    /// The population of an experiment with one policy in place of all its agents, but for the committed ones. Starts
    /// that another run gives are left empty. `edges` is the network where it is not complete.
    pub fn surrogate(mut experiment: Experiment, policy: Arc<dyn Policy>, settings: String, edges: Option<EdgeList>) -> World {
        // A response that was read off a record answers what agents remembered, however it was shown to them.
        experiment.control = Control::default();
        let (size, n_names) = (experiment.size(), experiment.names().len());
        let mut kinds = vec![Kind::Window(policy)];
        let mut counts = vec![size - experiment.n_committed()];
        let minority = experiment.agents.committed.as_ref().filter(|_| experiment.n_committed() > 0);
        let committed = minority.and_then(|minority| name_of(experiment.names(), &minority.name));
        if let Some(name) = committed {
            kinds.push(Kind::Window(Arc::new(Constant(name))));
            counts.push(experiment.n_committed());
        }
        let starts = starts(&experiment, &NoInputs).unwrap_or(Starts::All(Vec::new()));
        let complete = experiment.population.network == NetworkSpec::Complete;
        let spec = &experiment.population.network;
        let network: Option<Arc<dyn Network>> = match edges {
            Some(edges) => Some(Arc::new(edges)),
            None if spec.drawn() == Some(None) => None,
            None => spec.build(size, Seed(0)).ok(),
        };
        World {
            settings,
            size,
            game: experiment.game.spec.build(),
            network,
            surrogate: true,
            complete,
            kinds,
            counts,
            committed,
            starts,
            n_names,
            sources: Vec::new(),
            cautions: Vec::new(),
            identities: Vec::new(),
            recorded: None,
            experiment,
            compiled: OnceLock::new(),
        }
    }

    /// Who can meet whom in a run of this seed. A drawn network in which somebody can meet nobody is a fault.
    pub fn network(&self, seed: Seed) -> Result<Arc<dyn Network>, Fault> {
        match &self.network {
            Some(network) => Ok(network.clone()),
            None => {
                let spec = &self.experiment.population.network;
                let drawn = if self.surrogate { spec.redraw(self.size, seed) } else { spec.build(self.size, seed) };
                drawn.map_err(|(_, why)| Fault(format!("the network: {why}")))
            }
        }
    }

    /// What all worlds say of something, each once, in order.
    pub fn each_once(worlds: &[World], of: impl Fn(&World) -> &[String]) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for note in worlds.iter().flat_map(of) {
            if !all.contains(note) {
                all.push(note.clone());
            }
        }
        all
    }

    /// The language model of a kind of agents, where it is one.
    pub fn model(&self, kind: u16) -> Option<&Arc<Model>> {
        match &self.kinds[kind as usize] {
            Kind::Model(model) => Some(model),
            _ => None,
        }
    }

    /// The kinds of agents that are language models.
    pub fn models(&self) -> impl Iterator<Item = (u16, &Arc<Model>)> {
        (0..self.kinds.len() as u16).filter_map(|kind| Some((kind, self.model(kind)?)))
    }

    /// A hash of everything in the experiment that bears on how a kind's model is asked.
    pub fn asked(&self, kind: u16) -> String {
        let plan = self.experiment.agents.kinds.get(kind as usize).map(|(_, chosen)| &chosen.plan);
        // Where a server stands is no part of a plan, unless servers are what is compared.
        let swept = if self.settings.contains("endpoint") { self.settings.as_str() } else { "" };
        let payoff = self.experiment.game.spec.payoff().map(|payoff| self.experiment.control.told(payoff));
        let text = format!("{plan:?} {:?} {payoff:?} {swept}", self.experiment.names());
        let mut hash = [0u64; 2];
        for (i, half) in hash.iter_mut().enumerate() {
            *half = text.bytes().fold(i as u64, |hash, byte| crate::seed::mix(hash ^ u64::from(byte)));
        }
        format!("{:016x}{:016x}", hash[0], hash[1])
    }

    /// What each seat of an interaction was shown at the last try; none where no model sat.
    pub fn shown(&self, seed: Seed, kinds: &[u16], event: &crate::Event) -> [Option<Shown>; 2] {
        [0, 1].map(|seat: usize| {
            let model = self.model(*kinds.get(event.agents[seat] as usize)?)?;
            let n = model.names.len();
            let again = event.invalid[seat].min(model.tries - 1);
            let alias = self.experiment.control.alias_at(seed, event.t, seat as u8, again, n);
            let list = |names: &mut dyn Iterator<Item = u16>| {
                let labels: Vec<&String> = names.map(|name| &model.names[alias.show(name) as usize]).collect();
                serde_json::to_string(&labels).expect("names are text")
            };
            let order = match &model.order.shown(seed, event.t, seat as u8, n)[..] {
                [order] => list(&mut order.iter().copied()),
                _ => "\"averaged\"".into(),
            };
            let alias = self.experiment.control.alias.then(|| list(&mut (0..n as u16)));
            Some(Shown { order, alias })
        })
    }

    /// Whether any agent is a language model, so that its runs are played by who can ask it (`live.rs`).
    pub fn live(&self) -> bool {
        self.experiment.live()
    }

    /// The seed of a replica.
    pub fn seed(&self, replica: u64) -> Seed {
        Seed::of_run(self.experiment.seed, &self.settings, replica)
    }

    /// Which kind each agent of a replica is. Where there is more than one kind, the seed puts them in random order.
    pub fn assign(&self, seed: Seed) -> Vec<u16> {
        let mut assigned: Vec<u16> =
            (0..).zip(&self.counts).flat_map(|(kind, &n)| std::iter::repeat_n(kind, n as usize)).collect();
        let added = self.experiment.agents.committed.as_ref().filter(|committed| committed.how == How::Add);
        let shuffled = assigned.len() - added.map_or(0, |_| self.experiment.n_committed() as usize);
        if self.kinds.len() > 1 {
            seed.stream(Purpose::Assign, 0).shuffle(&mut assigned[..shuffled], shuffled);
        }
        assigned
    }

    /// The sorted agents of a replica that are committed.
    pub fn committed(&self, replica: u64) -> Vec<AgentId> {
        let Some(_) = self.committed else { return Vec::new() };
        let last = self.kinds.len() as u16 - 1;
        let assigned = self.assign(self.seed(replica));
        (0..).zip(assigned).filter(|&(_, kind)| kind == last).map(|(agent, _)| agent).collect()
    }

    /// What readers of a replica's events may know.
    pub fn context(&self, replica: u64) -> RunContext {
        RunContext {
            size: self.size,
            names: self.experiment.names().to_vec(),
            empty_start: matches!(&self.starts, Starts::All(start) if start.is_empty()),
            committed: self.committed.map(|name| (name, self.committed(replica))),
            alone: self.game.alone(),
            consensus: self.experiment.consensus(),
            live: self.experiment.live(),
        }
    }

    pub fn stop(&self, replica: u64) -> StopSeen {
        let rule = &self.experiment.stop;
        let named = rule.share.as_ref().and_then(|share| share.name.as_ref());
        let share_of = named.and_then(|name| name_of(self.experiment.names(), name)).or(self.committed);
        StopSeen::new(rule, self.size, share_of, &self.committed(replica))
    }

    pub(crate) fn start(&self, agent: usize) -> &[Round] {
        match &self.starts {
            Starts::All(start) => start,
            Starts::Each(starts) => &starts[agent],
        }
    }

    /// The people of several replicas, one replica's agents after the other's.
    pub fn people(&self, replicas: &[u64]) -> People {
        let mut starts: Vec<Vec<&[Round]>> = vec![Vec::new(); self.kinds.len()];
        let mut places = Vec::with_capacity(replicas.len() * self.size as usize);
        for &replica in replicas {
            for (agent, kind) in self.assign(self.seed(replica)).into_iter().enumerate() {
                let members = &mut starts[kind as usize];
                places.push((kind, members.len() as AgentId));
                members.push(self.start(agent));
            }
        }
        let cohorts = self.kinds.iter().zip(&starts).map(|(kind, starts)| -> Box<dyn Cohort> {
            match kind {
                Kind::Window(policy) => Box::new(Windows::new(policy.clone(), self.n_names, self.experiment.memory(), starts)),
                Kind::Drawn(policy) => {
                    let control = self.experiment.control;
                    let memory = self.experiment.memory();
                    Box::new(Windows::under(control, policy.clone(), self.n_names, memory, starts))
                }
                Kind::Speaker(new) => new(starts),
                Kind::Model(_) => Box::new(Elsewhere),
            }
        });
        People::new(cohorts.collect(), places)
    }

    /// The population as flat tables, where it can be: two names, bounded memories, both choosing at once.
    /// They are worked out once, as asking a policy about every window may take longer than playing.
    pub fn compiled(&self) -> Option<&CompiledWorld> {
        self.compiled.get_or_init(|| self.compile()).as_ref()
    }

    fn compile(&self) -> Option<CompiledWorld> {
        if self.n_names != 2 || self.experiment.game.kind != "coordination" {
            return None;
        }
        let mut tables = Tables::default();
        let mut kinds = Vec::new();
        for kind in &self.kinds {
            let Kind::Window(policy) = kind else { return None };
            kinds.push(tables.add(&**policy, self.experiment.memory())?);
        }
        Some(CompiledWorld { tables, kinds })
    }
}

/// A kind of agents under control. What a live model is shown is changed question by question, in `live.rs`; a policy is
/// averaged over all that may be shown, or, where that is too much, shown something drawn for each decision.
fn under(control: Control, kind: Kind, n_names: usize, memory: usize, notes: &Notes) -> Kind {
    match kind {
        Kind::Window(policy) if control.changes_what_is_shown() => match control.is_exact(n_names, memory) {
            true => Kind::Window(Arc::new(Averaged { policy, control, n_names })),
            false => Kind::Drawn(policy),
        },
        Kind::Model(model) if control.alias && model.order == Order::Fixed => {
            let why =
                "with order = \"fixed\" an option's place tells names apart in spite of `control.alias`; `shuffled` does not";
            notes.cautions.borrow_mut().push(why.into());
            Kind::Model(model)
        }
        other => other,
    }
}

/// What a seat was shown.
pub struct Shown {
    /// The labels of its options in the order shown, as a JSON list, or `"averaged"`.
    pub order: String,
    /// The label of each name of the pool, in the pool's order, as a JSON list; where a control draws labels.
    pub alias: Option<String>,
}

/// The kinds of agents of a world as tables.
pub struct CompiledWorld {
    pub tables: Tables,
    kinds: Vec<Compiled>,
}

impl CompiledWorld {
    /// The first state of each agent of a replica of the world that was compiled.
    pub fn states(&self, world: &World, replica: u64) -> Vec<u16> {
        let assigned = world.assign(world.seed(replica));
        let state = |(agent, kind): (usize, u16)| self.tables.state(self.kinds[kind as usize], world.start(agent));
        assigned.into_iter().enumerate().map(state).collect()
    }
}

/// Stands where agents are models, which are asked from outside.
struct Elsewhere;

impl Cohort for Elsewhere {
    fn decide(&mut self, _: &[Ask], _: &mut [Option<u32>]) -> Result<(), Fault> {
        Err(Fault("these agents are language models, which only a live run or a replay of one can ask".into()))
    }

    fn learn(&mut self, _: &[News]) {}
}

fn name_of(names: &[String], name: &str) -> Option<Name> {
    names.iter().position(|known| known == name).map(|place| place as Name)
}

/// How many agents each kind has, committed ones not counted: shares by largest remainder, so that they add up.
fn shares(experiment: &Experiment) -> Vec<u32> {
    let replaced = experiment.size() - experiment.n_committed();
    let kinds = &experiment.agents.kinds;
    let whole = f64::from(experiment.population.size);
    let exact: Vec<f64> = kinds
        .iter()
        .map(|(part, _)| {
            let share = match part {
                Part::Count(count) => f64::from(*count) / whole,
                Part::Share(share) => *share,
            };
            share * f64::from(replaced)
        })
        .collect();
    let mut counts: Vec<u32> = exact.iter().map(|exact| exact.floor() as u32).collect();
    let mut by_remainder: Vec<usize> = (0..kinds.len()).collect();
    by_remainder.sort_by(|&a, &b| (exact[b] - exact[b].floor()).total_cmp(&(exact[a] - exact[a].floor())));
    let left = replaced - counts.iter().sum::<u32>().min(replaced);
    by_remainder.into_iter().cycle().take(left as usize).for_each(|kind| counts[kind] += 1);
    counts
}

fn starts(experiment: &Experiment, inputs: &dyn Inputs) -> Result<Starts, (&'static str, String)> {
    let names = experiment.names();
    let place = |name: &str| name_of(names, name).map(|name| name as u16);
    let start = &experiment.population.start;
    if let Some(name) = &start.consensus {
        let place = place(name).expect("checked to be in the pool");
        return Ok(Starts::All(vec![[place; 2]; experiment.memory().max(1)]));
    }
    if let Some(rounds) = &start.memory {
        let round = |[own, partner]: &[String; 2]| [own, partner].map(|name| place(name).expect("checked to be in the pool"));
        return Ok(Starts::All(rounds.iter().map(round).collect()));
    }
    let Some(from) = &start.run else { return Ok(Starts::All(Vec::new())) };
    let key = "population.start.run";
    let memories = inputs.memories(&from.dir, from.run).map_err(|why| (key, why))?;
    if memories.len() != experiment.size() as usize {
        let why = format!("`{}` has {} agents, and this experiment {}", from.dir, memories.len(), experiment.size());
        return Err((key, why));
    }
    let mut each = Vec::new();
    for memory in memories {
        let mut rounds = Vec::new();
        for [own, partner] in memory {
            let (Some(own), Some(partner)) = (place(&own), place(&partner)) else {
                return Err((
                    key,
                    format!("`{}` remembers `{own}` and `{partner}`, and the pool holds {}", from.dir, names.join(", ")),
                ));
            };
            rounds.push([own, partner]);
        }
        let kept = rounds.len().saturating_sub(experiment.memory());
        each.push(rounds.split_off(kept));
    }
    Ok(Starts::Each(each))
}
