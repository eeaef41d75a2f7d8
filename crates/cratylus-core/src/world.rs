//! One point of a sweep, built: the game, the network, what each kind of agent shares, and who is who.

use crate::agent::{Cohort, Mind, People};
use crate::agents::Constant;
use crate::agents::inventory::Inventories;
use crate::agents::signs::{SignLearners, sign_mind};
use crate::categories::{Scenes, Seen};
use crate::control::{Averaged, Control, Paid};
use crate::experiment::{Committed, Experiment, Followed, JoinBy, Part, Point, never_recorded, repeats};
use crate::fault::Fault;
use crate::flat::counts::Counts;
use crate::flat::{Compiled, Tables, WindowKinds, two_names};
use crate::game::{Game, Seats};
use crate::inventory::{Inventory, InventoryRule, WORDS_MAX};
use crate::language::model::Model;
use crate::language::protocol::Order;
use crate::meeting::Meeting;
use crate::meeting::groups::{GroupSpec, Groups};
use crate::meeting::networks::spec::NetworkSpec;
use crate::meeting::networks::{self, EdgeList, WithThemselves};
use crate::meeting::pairs::Pairs;
use crate::meeting::turns::{TurnOrder, Turns};
use crate::opinion::{OpinionRule, Opinions};
use crate::policy::Round;
use crate::recorded::RecordedCondition;
use crate::signals::{SignalKind, SignalLearners};
use crate::spec::{AgentContext, Inputs, Kind, NoInputs, Notes};
use crate::symbols::{Exchange, Perceived, Society, SocietyOf, SymbolRun};
use crate::watch::committed::CommittedAt;
use crate::watch::knowing::{Knowing, KnownAtStart};
use crate::watch::measure::RunContext;
use crate::watch::stop::{By, StopSeen};
use crate::window::{Remembering, Windows};
use crate::{AgentId, Name, Network, Pairing, Purpose, Seed, machine};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, OnceLock};

/// All that the runs of one point have in common. What differs between them follows from the seed of each.
pub struct World {
    /// As the file and the sweep's point give it, checked.
    pub experiment: Experiment,
    /// What the point of the sweep sets, as text: part of every run's seed.
    settings: String,
    /// The number of agents, added ones included; 0 where they are counted, and nobody is anyone.
    pub size: u32,
    /// The rule of each interaction.
    pub game: Box<dyn Game>,
    /// The network of all runs; None where each draws its own.
    network: Option<Arc<dyn Network>>,
    /// Whether it stands beside a record, which holds no run with an agent that could meet nobody.
    surrogate: bool,
    /// Whether everyone can meet everyone.
    pub complete: bool,
    /// The kinds of agents; committed ones are the last, where there are any.
    kinds: Vec<Kind>,
    /// How many agents each kind has, where none varies from run to run, and of those that do the first.
    counts: Vec<u64>,
    /// The kinds of which each run has one, by the first of them, with the shares of runs.
    varying: Vec<(u16, Vec<f64>)>,
    /// Which of the experiment's kinds of agents each kind is; committed ones are none.
    parts: Vec<usize>,
    /// The names of the committed groups, the minority's first, each the last but so many of the kinds.
    committed: Vec<Name>,
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
    pub recorded: Option<RecordedCondition>,
    compiled: OnceLock<Option<CompiledWorld>>,
    windows: OnceLock<Option<WindowKinds>>,
    /// What becomes of the population while it plays, in order.
    pub(crate) phases: Vec<Phase>,
    /// The groups in which agents meet, of all runs, where they do not meet in pairs; None too where each run draws its own.
    groups: Option<Arc<Groups>>,
    /// Those of the run that was asked about last, where each run draws its own.
    drawn_groups: Mutex<Option<(Seed, Arc<Groups>)>>,
    /// What was drawn for the runs that were asked about last, the newest first.
    drawn: Mutex<VecDeque<Arc<Drawn>>>,
    /// What its societies have in common, in the game `symbols`.
    symbols: Option<Arc<SocietyOf>>,
    /// What there is in the runs that were asked about last, the newest first.
    perceived: Mutex<VecDeque<(Seed, Arc<Perceived>)>>,
    /// Whether agents carry what they remember from phase to phase, so that all of it is kept.
    carried: bool,
}

/// What follows from the seed of a run.
struct Drawn {
    seed: Seed,
    /// The kind of each agent.
    assigned: Vec<u16>,
    /// What agents of the naming game know at the start, once somebody asked.
    knowing: OnceLock<Knowing>,
}

/// From an intervention to the next.
pub(crate) struct Phase {
    /// After how many interactions it begins.
    pub at: u64,
    /// Which share of the agents that are not committed is new.
    pub turnover: f64,
    pub world: World,
}

enum Starts {
    All(Vec<Round>),
    Each(Vec<Vec<Round>>),
    /// So many agents, drawn by the seed, start with each name.
    Shares(Vec<u64>),
}

/// What the agents of one run remember at the start.
pub(crate) struct Begin<'w> {
    starts: &'w Starts,
    /// Where names are drawn, whose place each agent's is in `full`.
    names: Vec<Name>,
    /// A memory full of each name.
    full: Vec<Vec<Round>>,
}

impl Begin<'_> {
    pub fn of(&self, agent: usize) -> &[Round] {
        match self.starts {
            Starts::All(start) => start,
            Starts::Each(starts) => &starts[agent],
            Starts::Shares(_) => &self.full[self.names[agent] as usize],
        }
    }

    /// The name that an agent of the naming game knows.
    pub fn known(&self, agent: usize) -> Option<Name> {
        self.of(agent).first().map(|round| Name::from(round[0]))
    }
}

impl World {
    /// Builds a point. An error names the key it is about, and says why.
    pub fn build(point: &Point, inputs: &dyn Inputs) -> Result<World, (String, String)> {
        let experiment = point.experiment.clone();
        let size = experiment.followed();
        let names = experiment.names();
        let notes = Notes::default();
        let caution = |text: String| notes.cautions.borrow_mut().push(text);
        let spec = &experiment.population.network;
        let network: Arc<dyn Network> = match spec {
            NetworkSpec::EdgeList { file } | NetworkSpec::Graphml { file } => {
                let key = || "population.network.file".to_string();
                let text = inputs.text(file).map_err(|why| (key(), why))?;
                let parsed = match spec {
                    NetworkSpec::Graphml { .. } => networks::graphml(&text, size),
                    _ => EdgeList::parse(&text, size),
                };
                let network = parsed.map_err(|why| (key(), format!("`{file}`: {why}")))?;
                Arc::new(network)
            }
            _ if experiment.population.itself => Arc::new(WithThemselves(size)),
            // Drawn here even where every run draws its own, so that a mistake is told before anything runs.
            spec => {
                let seed = Seed::of_run(experiment.seed, &point.text(), 0);
                spec.build(size, seed).map_err(|(key, why)| (format!("population.network.{key}"), why))?
            }
        };
        let network = of_edges(network, experiment.population.pairing);
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
        let groups = match &experiment.population.groups {
            Some(spec) => {
                let key = |key: &str| format!("population.groups.{key}");
                let groups = match &spec.file {
                    Some(file) => {
                        let text = inputs.text(file).map_err(|why| (key("file"), why))?;
                        Groups::parse(&text, size).map_err(|why| (key("file"), format!("`{file}`: {why}")))?
                    }
                    None => spec.draw(size, Seed::of_run(experiment.seed, &point.text(), 0)),
                };
                if let Some(agent) = groups.lonely(size) {
                    let why = format!(
                        "agent {} was drawn into no group, so it could never meet anyone; a higher `per_agent` or another seed helps",
                        agent + 1
                    );
                    return Err((key("per_agent"), why));
                }
                let whose = if spec.drawn() { ", of the first run" } else { "" };
                notes.sources.borrow_mut().push(format!("network{whose}: {}", groups.words(size)));
                Some(groups)
            }
            None => None,
        };
        let groups = groups.filter(|_| !experiment.population.groups.as_ref().is_some_and(GroupSpec::drawn)).map(Arc::new);
        let (window, most) = (experiment.consensus().window(experiment.size()), experiment.stop.most(experiment.size()));
        let agrees = experiment.game.spec.agrees() && !experiment.alone();
        if window > most && experiment.consensus().by == By::Successes && agrees {
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
            stage: experiment.game.spec.stage(),
            registry: &experiment.registry,
            game: &experiment.game.plan,
            inputs,
            notes: &notes,
        };
        let (mut kinds, mut counts, mut varying, mut parts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (i, ((_, kind), count)) in experiment.agents.kinds.iter().zip(shares(&experiment)).enumerate() {
            let prefix = if experiment.agents.kinds.len() == 1 { "agents".to_string() } else { format!("agents.mix.{i}") };
            let built = kind.spec.build(&context).map_err(|(key, why)| (format!("{prefix}.{key}"), why))?;
            if control.payoff != Paid::AsItIs && !kind.spec.heeds_payoffs(&context) {
                caution(format!(
                    "agents of kind `{}` look at agreement and not at payoffs, so `control.payoff` changes nothing for them",
                    kind.kind
                ));
            }
            let responses = match built {
                Kind::Varying(responses) => {
                    varying.push((kinds.len() as u16, responses.iter().map(|(share, _)| *share).collect()));
                    responses.into_iter().map(|(_, policy)| Kind::Window(policy)).collect()
                }
                one => vec![one],
            };
            for (place, response) in responses.into_iter().enumerate() {
                kinds.push(under(control, response, names.len(), experiment.memory(), &notes));
                counts.push(if place == 0 { count } else { 0 });
                parts.push(i);
            }
        }
        notes.sources.borrow_mut().extend(control.words().into_iter().map(|words| format!("control: {words}")));
        if !experiment.agents.committed.is_empty() && names.is_empty() {
            let why = "a committed minority needs a pool of names (`game.names`)".to_string();
            return Err(("agents.committed.name".into(), why));
        }
        let committed = add_committed(&experiment, &mut kinds, &mut counts);
        let starts = starts(&experiment, inputs).map_err(|(key, why)| (key.to_string(), why))?;
        let mut phases = Vec::new();
        for intervention in &experiment.interventions {
            let then = Point { settings: point.settings.clone(), experiment: intervention.experiment.clone() };
            let mut world = World::build(&then, inputs)?;
            world.carried = true;
            let when = format!("after {} interactions", intervention.at);
            notes.sources.borrow_mut().push(format!("{when}: {}", intervention.words));
            notes.cautions.borrow_mut().extend(world.cautions.drain(..).map(|caution| format!("{when}: {caution}")));
            notes.identities.borrow_mut().append(&mut world.identities);
            phases.push(Phase { at: intervention.at, turnover: intervention.turnover.unwrap_or(0.0), world });
        }
        let recorded = notes.conditions.borrow().iter().find(|condition| repeats(condition, &experiment)).cloned();
        let strange = never_recorded(&notes.conditions.borrow(), &experiment);
        notes.cautions.borrow_mut().extend(strange);
        let game = experiment.game.spec.build(&experiment.registry).map_err(|(key, why)| (format!("game.{key}"), why))?;
        let symbols = society_of(&experiment, &kinds, inputs)?.map(Arc::new);
        let world = World {
            settings: point.text(),
            size,
            game,
            complete: experiment.population.network == NetworkSpec::Complete && !experiment.population.itself,
            n_names: names.len(),
            surrogate: false,
            network,
            kinds,
            counts,
            varying,
            parts,
            committed,
            starts,
            sources: notes.sources.into_inner(),
            cautions: notes.cautions.into_inner(),
            identities: notes.identities.into_inner(),
            recorded: recorded.filter(|_| experiment.agents.kinds.len() == 1 && control.is_none()),
            carried: !phases.is_empty(),
            phases,
            groups,
            drawn_groups: Mutex::default(),
            drawn: Mutex::default(),
            symbols,
            perceived: Mutex::default(),
            experiment,
            compiled: OnceLock::new(),
            windows: OnceLock::new(),
        };
        if !world.phases.is_empty() && !world.can_be_kept() {
            let why = "what agents brought along remember is theirs, and cannot be carried over an intervention";
            return Err(("interventions".into(), why.into()));
        }
        if world.in_groups() && world.inventories().is_some_and(|rule| rule.agrees[1] > 0) {
            let why = "in groups nobody agrees to a name that is not known enough; leave `phi` out";
            return Err(("agents.phi".into(), why.into()));
        }
        if world.experiment.population.engine == Followed::Counts {
            world.counted().map_err(|why| ("population.engine".to_string(), why))?;
        }
        Ok(world)
    }

    /// The population of an experiment with one kind in place of all its agents, but for the committed ones. Starts
    /// that another run gives are left empty. `edges` is the network where it is not complete.
    pub fn surrogate(mut experiment: Experiment, kind: Kind, settings: String, edges: Option<EdgeList>) -> World {
        // A response that was read off a record answers what agents remembered, however it was shown to them.
        experiment.control = Control::default();
        let (size, n_names) = (experiment.followed(), experiment.names().len());
        let mut kinds = vec![kind];
        let mut counts = vec![experiment.size() - experiment.n_committed()];
        experiment.agents.committed.retain(|group| group.count(experiment.population.size) > 0);
        let committed = add_committed(&experiment, &mut kinds, &mut counts);
        let starts = starts(&experiment, &NoInputs).unwrap_or(Starts::All(Vec::new()));
        let complete = experiment.population.network == NetworkSpec::Complete;
        let spec = &experiment.population.network;
        let network: Option<Arc<dyn Network>> = match edges {
            Some(edges) => Some(Arc::new(edges)),
            None if spec.drawn() == Some(None) => None,
            None => spec.build(size, Seed(0)).ok(),
        };
        let network = network.map(|network| of_edges(network, experiment.population.pairing));
        World {
            settings,
            size,
            game: experiment.game.spec.build(&experiment.registry).expect("it was played"),
            network,
            surrogate: true,
            complete,
            kinds,
            counts,
            varying: Vec::new(),
            parts: vec![0],
            committed,
            starts,
            n_names,
            sources: Vec::new(),
            cautions: Vec::new(),
            identities: Vec::new(),
            recorded: None,
            carried: false,
            phases: Vec::new(),
            groups: None,
            drawn_groups: Mutex::default(),
            drawn: Mutex::default(),
            symbols: None,
            perceived: Mutex::default(),
            experiment,
            compiled: OnceLock::new(),
            windows: OnceLock::new(),
        }
    }

    /// Who can meet whom in a run of this seed. A drawn network in which somebody can meet nobody is a fault.
    pub fn network(&self, seed: Seed) -> Result<Arc<dyn Network>, Fault> {
        match &self.network {
            Some(network) => Ok(network.clone()),
            None => {
                let spec = &self.experiment.population.network;
                let drawn = if self.surrogate { spec.redraw(self.size, seed) } else { spec.build(self.size, seed) };
                let drawn = drawn.map_err(|(_, why)| Fault(format!("the network: {why}")))?;
                Ok(of_edges(drawn, self.pairing()))
            }
        }
    }

    /// The groups in which agents meet in a run of this seed; None where they meet in pairs. Drawn groups that leave an
    /// agent alone are a fault.
    pub fn groups(&self, seed: Seed) -> Result<Option<Arc<Groups>>, Fault> {
        let Some(spec) = &self.experiment.population.groups else { return Ok(None) };
        if let Some(groups) = &self.groups {
            return Ok(Some(groups.clone()));
        }
        // Asked for by who plays, who follows and who writes down: drawn once for all of them.
        let mut last = self.drawn_groups.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((of, groups)) = &*last
            && *of == seed
        {
            return Ok(Some(groups.clone()));
        }
        let groups = spec.draw(self.size, seed);
        match groups.lonely(self.size) {
            Some(agent) => Err(Fault(format!(
                "the groups: agent {} was drawn into none, so it could never meet anyone; a higher `per_agent` helps",
                agent + 1
            ))),
            None => {
                let groups = Arc::new(groups);
                *last = Some((seed, groups.clone()));
                Ok(Some(groups))
            }
        }
    }

    /// Who meets in a run of this seed.
    pub fn meeting(&self, seed: Seed) -> Result<Meeting, Fault> {
        if let Some(of) = &self.symbols {
            return Ok(Meeting::Turns(of.turns.clone()));
        }
        Ok(match (self.groups(seed)?, self.game.seats()) {
            (Some(groups), _) => Meeting::Groups(groups),
            // Anyone may sit anywhere.
            (None, Seats::Table(size)) => Meeting::Groups(Arc::new(Groups::Anyone { size, of: self.size })),
            (None, _) => {
                let alone = matches!(self.game.seats(), Seats::One | Seats::Around);
                Meeting::Pairs(Pairs::of(alone, self.pairing()))
            }
        })
    }

    /// How many agents decide in an interaction, at most.
    pub fn seats(&self) -> u64 {
        match (self.game.seats(), &self.experiment.population.groups) {
            (Seats::One | Seats::Around, _) => 1,
            // In a scene each is asked again and again.
            (Seats::Table(seats), _) => {
                self.experiment.game.spec.stage().and_then(|stage| stage.longest()).unwrap_or(seats.into())
            }
            (_, Some(spec)) => self.groups.as_ref().map_or(spec.size.unwrap_or(2).into(), |groups| groups.largest()),
            _ => 2,
        }
    }

    /// What pairs see in the category game.
    pub fn scenes(&self) -> Option<Scenes> {
        self.experiment.game.spec.scenes()
    }

    /// What there is in a run of this seed, and how it is played, in the game `symbols`.
    pub fn symbols(&self, seed: Seed) -> Option<SymbolRun> {
        /// As many as there may be threads, where worlds are not large.
        const RUNS: usize = 16;
        let of = self.symbols.clone()?;
        let lock = || self.perceived.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((_, perceived)) = lock().iter().find(|(known, _)| *known == seed) {
            return Some(SymbolRun { of, seed, perceived: perceived.clone() });
        }
        let perceived = Arc::new(of.things.perceived(seed, self.size as usize));
        let mut all = lock();
        all.truncate(RUNS - 1);
        all.push_front((seed, perceived.clone()));
        Some(SymbolRun { of, seed, perceived })
    }

    /// The agents of a run of the game `symbols`, with what each has become.
    pub(crate) fn society(&self, seed: Seed, minds: &[Mind]) -> Option<Society> {
        let SymbolRun { of, perceived, .. } = self.symbols(seed)?;
        let minds: Vec<_> = minds.iter().filter_map(sign_mind).collect();
        Some(Society::new(&of, seed, perceived, &minds))
    }

    /// Whether agents meet in groups.
    pub fn in_groups(&self) -> bool {
        self.experiment.population.groups.is_some()
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
        let part = self.parts.get(kind as usize).and_then(|part| self.experiment.agents.kinds.get(*part));
        let plan = part.map(|(_, chosen)| &chosen.plan);
        // Where a server stands is no part of a plan, unless servers are what is compared.
        let swept = if self.settings.contains("endpoint") { self.settings.as_str() } else { "" };
        let payoff = self.experiment.game.spec.payoff().map(|payoff| self.experiment.control.told(payoff));
        let mut text = format!("{plan:?} {:?} {payoff:?} {swept}", self.experiment.names());
        if !self.experiment.game.spec.succeeds() && !self.experiment.alone() {
            text += &self.experiment.game.plan.to_string();
        }
        let mut hash = [0u64; 2];
        for (i, half) in hash.iter_mut().enumerate() {
            *half = text.bytes().fold(i as u64, |hash, byte| crate::seed::mix(hash ^ u64::from(byte)));
        }
        format!("{:016x}{:016x}", hash[0], hash[1])
    }

    /// What each seat of an interaction was shown at the last try; none where no model sat.
    pub fn shown(&self, seed: Seed, kinds: &[u16], event: &crate::PairEvent) -> [Option<Shown>; 2] {
        [0, 1].map(|seat: usize| {
            let model = self.model(*kinds.get(event.agents[seat] as usize)?)?;
            // In a scene a seat is asked many times, and each call says what was shown.
            if model.facts.is_some() {
                return None;
            }
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

    /// Whether everything shown and done in its interactions is kept in a table of its own.
    pub fn keeps_acts(&self) -> bool {
        self.experiment.record.interactions && self.game.acts()
    }

    /// Whether which sign everyone has at the end is kept in a table of its own, and what they perceive in another.
    pub fn keeps_signs(&self) -> bool {
        self.experiment.record.interactions && self.symbols.is_some()
    }

    /// Whether all agents can tell what has become of them, so that a run can go on from there.
    pub fn can_be_kept(&self) -> bool {
        self.kinds.iter().all(|kind| !matches!(kind, Kind::Own(agents) if !agents.can_be_kept()))
    }

    /// Whether any agent is a language model, so that its runs are played by who can ask it (`engines/live.rs`).
    pub fn live(&self) -> bool {
        self.experiment.live()
    }

    /// The seed of a replica.
    pub fn seed(&self, replica: u64) -> Seed {
        Seed::of_run(self.experiment.seed, &self.settings, replica)
    }

    /// Which kind each agent of a replica is. Where there is more than one kind, the seed puts them in random order.
    pub fn assign(&self, seed: Seed) -> Vec<u16> {
        if self.kinds.len() == 1 {
            return vec![0; self.counts[0] as usize];
        }
        self.drawn(seed).assigned.clone()
    }

    /// What follows from a run's seed and from nothing that is played. Who plays, who stops and who follows all ask for it,
    /// so the runs of a few are kept.
    fn drawn(&self, seed: Seed) -> Arc<Drawn> {
        /// As many as there may be threads, where populations are not large.
        const RUNS: usize = 64;
        const AGENTS: usize = 1 << 23;
        let lock = || self.drawn.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(known) = lock().iter().find(|known| known.seed == seed) {
            return known.clone();
        }
        let new = Arc::new(Drawn { seed, assigned: self.draw_kinds(seed), knowing: OnceLock::new() });
        let mut all = lock();
        all.truncate((AGENTS / (self.size as usize).max(1)).clamp(1, RUNS) - 1);
        all.push_front(new.clone());
        new
    }

    fn draw_kinds(&self, seed: Seed) -> Vec<u16> {
        let mut assigned: Vec<u16> =
            (0..).zip(&self.counts).flat_map(|(kind, &n)| std::iter::repeat_n(kind, n as usize)).collect();
        let added = self.experiment.agents.committed.first().filter(|committed| committed.how == JoinBy::Add);
        let shuffled = assigned.len() - added.map_or(0, |_| self.experiment.n_committed() as usize);
        if self.kinds.len() > 1 {
            seed.stream(Purpose::Assign, 0).shuffle(&mut assigned[..shuffled], shuffled);
        }
        for (first, shares) in &self.varying {
            let mut left = seed.stream(Purpose::Response, u64::from(*first)).unit();
            let before = |share: &&f64| {
                left -= **share;
                left >= 0.0
            };
            let drawn = first + (shares.iter().take_while(before).count().min(shares.len() - 1)) as u16;
            assigned.iter_mut().filter(|kind| **kind == *first).for_each(|kind| *kind = drawn);
        }
        assigned
    }

    /// The sorted agents of a replica that are committed.
    pub fn committed(&self, replica: u64) -> Vec<AgentId> {
        // Where agents are counted nobody is anyone.
        if self.committed.is_empty() || self.experiment.population.engine == Followed::Counts {
            return Vec::new();
        }
        let drawn = self.drawn(self.seed(replica));
        (0..).zip(&drawn.assigned).filter(|&(_, &kind)| kind >= self.first_committed()).map(|(agent, _)| agent).collect()
    }

    /// What readers of a replica's events may know.
    pub fn context(&self, replica: u64) -> RunContext {
        RunContext {
            size: self.experiment.size(),
            names: self.experiment.names().to_vec(),
            // A first opinion owes something to those around it, and events do not say who of a group heard.
            empty_start: matches!(&self.starts, Starts::All(start) if start.is_empty())
                && self.opinions().is_none()
                && !self.in_groups(),
            committed: self.minority().map(|name| (name, self.committed(replica))),
            committed_later: self.committed_later(replica),
            alone: self.game.seats() == Seats::One,
            acts: self.game.acts(),
            consensus: self.experiment.consensus(),
            live: self.experiment.live(),
            knowing: self.knowing(replica),
            scenes: self.scenes().map(|scenes| {
                let seed = self.seed(replica);
                let replaced = |(i, phase): (usize, &Phase)| {
                    (phase.at, phase.world.replaced(seed, i, phase.turnover, &phase.world.assign(seed)))
                };
                Seen { scenes, seed, replaced: self.phases.iter().enumerate().map(replaced).collect() }
            }),
            signals: self.experiment.game.spec.signals().filter(|_| self.phases.is_empty()),
            scores: self.experiment.game.spec.scores(),
            symbols: self.symbols(self.seed(replica)),
            round: self.experiment.sweep(),
            // What is said of names says nothing of signs, each of which is of one object.
            measures: self.experiment.record.measures.clone().or_else(|| {
                self.symbols.as_ref().map(|_| ["kappa", "acceptance", "posterior_distance"].map(String::from).to_vec())
            }),
            counts: self.experiment.population.engine == Followed::Counts,
        }
    }

    /// The name of the committed minority, at the start or after an intervention.
    fn minority(&self) -> Option<Name> {
        let later = self.phases.iter().flat_map(|phase| phase.world.committed.first());
        self.committed.first().into_iter().chain(later).next().copied()
    }

    /// Who is committed after each intervention.
    fn committed_later(&self, replica: u64) -> Vec<(u64, Vec<AgentId>)> {
        self.phases.iter().map(|phase| (phase.at, phase.world.committed(replica))).collect()
    }

    /// What agents of the naming game know at the start of a run, where all follow one rule until its end.
    fn knowing(&self, replica: u64) -> Option<Knowing> {
        if !self.phases.is_empty() {
            return None;
        }
        let rule = self.inventories();
        if rule.is_none() && self.opinions().is_none() {
            return None;
        }
        if self.experiment.population.engine == Followed::Counts {
            return Some(Knowing { rule, size: self.size, start: KnownAtStart::Nothing, committed: Default::default() });
        }
        let drawn = self.drawn(self.seed(replica));
        Some(drawn.knowing.get_or_init(|| self.knowing_of(rule, &drawn)).clone())
    }

    fn knowing_of(&self, rule: Option<InventoryRule>, drawn: &Drawn) -> Knowing {
        let (seed, assigned) = (drawn.seed, &drawn.assigned);
        let (mut committed, mut start) = (HashMap::new(), KnownAtStart::Nothing);
        if !self.committed.is_empty() || matches!(self.starts, Starts::Shares(_)) {
            let begin = self.begin(seed, assigned);
            let bound = |(agent, kind): (AgentId, &u16)| Some((agent, self.bound_to(*kind)?));
            committed = (0..).zip(assigned).filter_map(bound).collect();
            if matches!(self.starts, Starts::Shares(_)) {
                start = KnownAtStart::Each(Arc::new(begin.names));
            }
        }
        if let Starts::All(rounds) = &self.starts
            && let Some([name, _]) = rounds.first()
        {
            start = KnownAtStart::All(Name::from(*name));
        }
        Knowing { rule, size: self.size, start, committed: Arc::new(committed) }
    }

    /// Whether any measure is of the words that agents know.
    pub(crate) fn counts_words(&self) -> bool {
        let kept = &self.experiment.record.measures;
        !self.carried
            && self.inventories().is_some()
            && kept.as_ref().is_none_or(|kept| kept.iter().any(|key| key == "total_words"))
    }

    /// What ends a run of this replica, before its first interaction.
    pub fn stop(&self, replica: u64) -> StopSeen {
        let rule = &self.experiment.stop;
        let named = rule.share.as_ref().and_then(|share| share.name.as_ref());
        let share_of = named.and_then(|name| name_of(self.experiment.names(), name)).or(self.minority());
        let committed = CommittedAt { first: self.committed(replica), later: self.committed_later(replica) };
        let by_inventories = rule.consensus.as_ref().is_some_and(|consensus| consensus.by != By::Successes);
        let knowing = if by_inventories { self.knowing(replica) } else { None };
        StopSeen::new(rule, self.experiment.size(), share_of, committed, knowing.as_ref())
    }

    /// The first kind of those that are committed.
    pub(crate) fn first_committed(&self) -> u16 {
        (self.kinds.len() - self.committed.len()) as u16
    }

    /// What everyone remembers at the start of a run, in which agents are of the kinds `assigned`.
    pub(crate) fn begin(&self, seed: Seed, assigned: &[u16]) -> Begin<'_> {
        let (mut names, mut full) = (Vec::new(), Vec::new());
        if let Starts::Shares(counts) = &self.starts {
            full = (0..self.n_names as u16).map(|name| vec![[name; 2]; self.experiment.memory().max(1)]).collect();
            let mut drawn: Vec<Name> =
                (0..).zip(counts).flat_map(|(name, &count)| std::iter::repeat_n(name, count as usize)).collect();
            let n = drawn.len();
            seed.stream(Purpose::Assign, 1).shuffle(&mut drawn, n);
            // Committed agents have a name of their own.
            let mut drawn = drawn.into_iter();
            let free = |&kind: &u16| if kind < self.first_committed() { drawn.next().expect("one for each") } else { 0 };
            names = assigned.iter().map(free).collect();
        }
        Begin { starts: &self.starts, names, full }
    }

    /// How the pairs of a run are drawn.
    pub fn pairing(&self) -> Pairing {
        self.experiment.population.pairing
    }

    /// The people of several replicas, one replica's agents after the other's.
    pub fn people(&self, replicas: &[u64]) -> People {
        let all: Vec<(Vec<u16>, Vec<Mind>)> = replicas.iter().map(|&replica| self.first(self.seed(replica))).collect();
        self.people_of(&all)
    }

    /// Which kind everyone is at the start of a run, and what everyone remembers or knows.
    pub(crate) fn first(&self, seed: Seed) -> (Vec<u16>, Vec<Mind>) {
        let assigned = self.assign(seed);
        let minds = self.minds(seed, &assigned);
        (assigned, minds)
    }

    /// What everyone remembers or knows at the start of a run, in which agents are of the kinds `assigned`.
    pub(crate) fn minds(&self, seed: Seed, assigned: &[u16]) -> Vec<Mind> {
        let begin = self.begin(seed, assigned);
        let new = self.kinds[0].new_mind();
        let mind = |(agent, &kind): (usize, &u16)| match &new {
            Mind::Rounds(_) => Mind::Rounds(begin.of(agent).to_vec()),
            Mind::Names(_) => Mind::Names(Inventory(self.bound_to(kind).or(begin.known(agent)).into_iter().collect())),
            // What agents of the game `symbols` perceive follows from the seed.
            Mind::Own(_) if self.symbols.is_some() => {
                Mind::Own(serde_json::json!({ "seed": seed, "signs": [], "spoken": [], "sorted": [], "logs": [] }))
            }
            Mind::Own(own) => Mind::Own(own.clone()),
        };
        assigned.iter().enumerate().map(mind).collect()
    }

    /// The same after an intervention, of agents that were of the kinds `before` in the phase before this. Agents that are
    /// no longer committed know only the name that they were committed to; those that are new know nothing.
    pub(crate) fn next(
        &self,
        seed: Seed,
        i: usize,
        share: f64,
        (earlier, before): (&World, &[u16]),
        minds: &mut [Mind],
    ) -> Vec<u16> {
        let assigned = self.assign(seed);
        for (agent, (&kind, &was)) in assigned.iter().zip(before).enumerate() {
            let Some(name) = self.bound_to(kind).or(earlier.bound_to(was)) else { continue };
            match &mut minds[agent] {
                Mind::Names(known) => *known = Inventory(vec![name]),
                Mind::Rounds(rounds) => *rounds = vec![[name as u16; 2]; self.experiment.memory()],
                Mind::Own(_) => (),
            }
        }
        for agent in self.replaced(seed, i, share, &assigned) {
            let mind = &mut minds[agent as usize];
            *mind = self.kinds[assigned[agent as usize] as usize].newcomer(mind);
        }
        assigned
    }

    /// The agents in whose places new ones come with intervention `i`: a share of those that are not committed.
    fn replaced(&self, seed: Seed, i: usize, share: f64, assigned: &[u16]) -> Vec<AgentId> {
        if share == 0.0 {
            return Vec::new();
        }
        let free = (0..).zip(assigned).filter(|&(_, &kind)| self.bound_to(kind).is_none());
        let mut free: Vec<AgentId> = free.map(|(agent, _)| agent).collect();
        let n = (share * free.len() as f64).round() as usize;
        seed.stream(Purpose::Assign, 2 + i as u64).shuffle(&mut free, n);
        free.truncate(n);
        free
    }

    pub(crate) fn kind(&self, kind: u16) -> &Kind {
        &self.kinds[kind as usize]
    }

    /// The name that a kind of agents is committed to.
    pub(crate) fn bound_to(&self, kind: u16) -> Option<Name> {
        kind.checked_sub(self.first_committed()).map(|group| self.committed[group as usize])
    }

    /// The people of a run for who follows it: they remember all that the game lets them, and are never asked.
    pub(crate) fn followed(&self, assigned: &[u16], minds: Vec<Mind>) -> People {
        if let Mind::Rounds(_) = self.kinds[0].new_mind() {
            let places = (0..minds.len() as AgentId).map(|agent| (0, agent)).collect();
            return People::new(vec![Box::new(Remembering::new(self.experiment.memory(), &minds))], places);
        }
        self.people_of(&[(assigned.to_vec(), minds)])
    }

    /// The people of several runs, given which kind everyone is, and what everyone remembers or knows.
    pub(crate) fn people_of(&self, runs: &[(Vec<u16>, Vec<Mind>)]) -> People {
        // Kinds that share something of a population are one cohort, a population each.
        let shared = |kind: &Kind| match kind {
            Kind::Own(agents) => agents.shared(),
            // What agents perceive is of a run, and they may have one sign between them.
            Kind::Symbols(_) => Some("signs"),
            _ => None,
        };
        let first = |kind: usize| match shared(&self.kinds[kind]) {
            Some(word) => self.kinds.iter().position(|other| shared(other) == Some(word)).expect("itself"),
            None => kind,
        };
        let (mut cohorts, mut members): (Vec<u16>, Vec<Vec<Mind>>) = (Vec::new(), Vec::new());
        let mut places = Vec::with_capacity(runs.len() * self.size as usize);
        let mut place: HashMap<(usize, usize), usize> = HashMap::new();
        for (run, (assigned, minds)) in runs.iter().enumerate() {
            for (&kind, mind) in assigned.iter().zip(minds) {
                let of = first(kind.into());
                let run = if shared(&self.kinds[of]).is_some() { run } else { 0 };
                let cohort = *place.entry((of, run)).or_insert_with(|| {
                    cohorts.push(of as u16);
                    members.push(Vec::new());
                    members.len() - 1
                });
                places.push((cohort as u16, members[cohort].len() as AgentId));
                members[cohort].push(mind.clone());
            }
        }
        let cohorts = cohorts.into_iter().zip(members).map(|(kind, minds)| self.cohort(kind, minds));
        People::new(cohorts.collect(), places)
    }

    fn cohort(&self, kind: u16, minds: Vec<Mind>) -> Box<dyn Cohort> {
        let (memory, control) = (self.experiment.memory(), self.experiment.control);
        match &self.kinds[kind as usize] {
            Kind::Window(policy) => Box::new(Windows::new(policy.clone(), self.n_names, memory, self.carried, &minds)),
            Kind::Drawn(policy) => Box::new(Windows::under(control, policy.clone(), self.n_names, memory, &minds)),
            Kind::Speaker(rule) => Box::new(Inventories::new(*rule, false, minds)),
            Kind::Committed(rule) => Box::new(Inventories::new(*rule, true, minds)),
            Kind::Opinion(rule) => Box::new(Opinions::new(*rule, &minds)),
            Kind::Signals(kind) => Box::new(SignalLearners::new(*kind, minds)),
            Kind::Symbols(_) => {
                let seed = minds.first().and_then(sign_mind).map_or(Seed(0), |mind| mind.seed);
                Box::new(SignLearners::new(self.society(seed, &minds).expect("a world of symbols")))
            }
            Kind::Own(agents) => agents.cohort(minds),
            Kind::Model(_) => Box::new(Remembering::new(memory, &minds)),
            Kind::Varying(_) => unreachable!("each of its responses is a kind"),
        }
    }

    /// The rule of everyone in the naming game, where all follow one.
    pub fn inventories(&self) -> Option<InventoryRule> {
        let rule = |kind: &Kind| match kind {
            Kind::Speaker(rule) | Kind::Committed(rule) => Some(*rule),
            _ => None,
        };
        let first = rule(&self.kinds[0])?;
        self.kinds.iter().all(|kind| rule(kind) == Some(first)).then_some(first)
    }

    /// The rule of each kind of agents in the game `opinion`.
    pub fn opinions(&self) -> Option<Vec<OpinionRule>> {
        let rule = |kind: &Kind| match kind {
            Kind::Opinion(rule) => Some(*rule),
            _ => None,
        };
        self.kinds.iter().map(rule).collect()
    }

    /// The agents of a signalling game, where all are of one kind that keeps tables.
    pub(crate) fn signals(&self) -> Option<SignalKind> {
        match self.kinds[..] {
            [Kind::Signals(kind)] => Some(kind),
            _ => None,
        }
    }

    /// The population as numbers of agents in each state, and what each state is. An error says why it cannot be counted.
    pub(crate) fn counted(&self) -> Result<Counted, String> {
        const STATES: usize = 64;
        if !self.varying.is_empty() {
            return Err(
                "the response of these agents is drawn for each run, and where agents are counted all runs share one; leave `engine` out".into()
            );
        }
        let free = self.first_committed() as usize;
        // How many agents of each kind start with each name (or None) or memory.
        let parts = |kind: usize, n: u64| -> Result<Vec<(Option<Name>, u64)>, String> {
            match &self.starts {
                Starts::All(start) => Ok(vec![(start.first().map(|round| Name::from(round[0])), n)]),
                Starts::Shares(counts) if free == 1 => Ok((0..).zip(counts).map(|(name, &n)| (Some(name), n)).collect()),
                Starts::Shares(_) => Err(format!(
                    "`population.start.shares` is dealt out to {free} kinds of agents, which would have to be told apart; kind {kind} is one of them"
                )),
                Starts::Each(_) => Err("a start from a finished run tells agents apart".into()),
            }
        };
        if let Some(rule) = self.inventories() {
            if rule.pool != Some(2) {
                return Err("agents of the naming game are counted where there are two names".into());
            }
            let mut counts = vec![0; 8];
            for (kind, &n) in self.counts.iter().enumerate() {
                match self.bound_to(kind as u16) {
                    Some(name) => counts[usize::from(two_names::COMMITTED) | 1 << name] += n,
                    None => {
                        for (name, n) in parts(kind, n)? {
                            counts[name.map_or(0, |name| 1 << name)] += n;
                        }
                    }
                }
            }
            let counts = Counts::new(counts, |a, b| two_names::changes(&rule, a as u8, b as u8).collect());
            let committed = (0..8).map(|state| state & usize::from(two_names::COMMITTED) != 0).collect();
            return Ok(Counted { counts, committed, inventories: true });
        }
        let Some(compiled) = self.compiled() else {
            return Err("agents are counted in games of two names, where they are rules with short memories".into());
        };
        let tables = &compiled.tables;
        if tables.len() > STATES {
            let why = format!(
                "these agents can be in {} states, and at most {STATES} are counted; a shorter memory has fewer",
                tables.len()
            );
            return Err(why);
        }
        let mut counts = vec![0; tables.len()];
        for (kind, &n) in self.counts.iter().enumerate() {
            let full = |name: Option<Name>| match (&self.starts, name) {
                (Starts::All(start), _) => start.clone(),
                (_, name) => name.map_or(Vec::new(), |name| vec![[name as u16; 2]; self.experiment.memory()]),
            };
            let starts = if kind < free { parts(kind, n)? } else { vec![(None, n)] };
            for (name, n) in starts {
                counts[usize::from(tables.state(compiled.kinds[kind], &full(name)))] += n;
            }
        }
        let committed = (0..tables.len()).map(|state| state >= compiled.committed(self)).collect();
        Ok(Counted { counts: Counts::new(counts, |a, b| tables.changes(a, b)), committed, inventories: false })
    }

    /// How many bytes the agents of a run take at most, about: what they know where it can be foretold, and what they remember.
    pub fn memory(&self) -> u64 {
        if self.experiment.population.engine == Followed::Counts {
            return 0;
        }
        let n = f64::from(self.size);
        if self.opinions().is_some() {
            // Two bytes for the opinion, and what the outcome, the stop rule and the measures follow of each agent.
            return 170 * u64::from(self.size);
        }
        if let Some(scenes) = self.scenes() {
            // From 1 / d_min to twice as many categories, with a few words each while agents do not agree, and once more for
            // the measure that follows them. An interaction makes at most two more of one, of the hearer's, too.
            let most = n + 4.0 * self.experiment.stop.most(self.experiment.size()) as f64;
            return ((n * 2.0 * 1.5 / scenes.d_min).min(most) * 100.0) as u64;
        }
        if let Some(SignalKind { states, signals, .. }) = self.signals() {
            // Two tables of weights, and those of logits.
            return 32 * u64::from(self.size) * (states * signals) as u64;
        }
        if let Some((rule, world)) = self.experiment.game.spec.symbols() {
            // Log likelihoods and their sums, of each sign and object, and what is perceived of it.
            return (16 * rule.signs as u64 + 64) * world.objects() * u64::from(self.size);
        }
        let bytes = match self.inventories() {
            Some(InventoryRule { pool: Some(2), .. }) => n,
            Some(InventoryRule { pool: Some(pool), .. }) if pool <= WORDS_MAX => 8.0 * n,
            // On the complete network a third of N^1.5 words are known at once, and lines are half full; elsewhere few.
            Some(InventoryRule { pool, .. }) if self.complete => {
                let most = pool.map_or(f64::INFINITY, |pool| n * f64::from(pool));
                64.0 * n + 4.0 * 1.5 * (0.34 * n.powf(1.5)).min(most)
            }
            Some(_) => 64.0 * n,
            // Small populations are not worth making tables for.
            None if n > 1e6 && self.compiled().is_some() => 2.0 * n,
            None => n * (8.0 * self.experiment.memory() as f64 + 32.0),
        };
        bytes as u64
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
            kinds.push(tables.add(&**policy, self.experiment.memory(), self.carried)?);
        }
        Some(CompiledWorld { tables, kinds })
    }

    /// The kinds of agents as responses to windows that are numbered as they come up, where all are and both choose at once.
    pub(crate) fn windows(&self) -> Option<&WindowKinds> {
        let policy = |kind: &Kind| match kind {
            Kind::Window(policy) => Some(policy.clone()),
            _ => None,
        };
        let kinds = || {
            let policies: Vec<_> = self.kinds.iter().map(policy).collect::<Option<_>>()?;
            let fits = self.n_names > 0 && self.experiment.game.kind == "coordination";
            fits.then(|| WindowKinds::new(policies, self.n_names, self.experiment.memory(), self.carried))
        };
        self.windows.get_or_init(kinds).as_ref()
    }
}

/// What the societies of an experiment have in common, in the game `symbols`.
fn society_of(experiment: &Experiment, kinds: &[Kind], inputs: &dyn Inputs) -> Result<Option<SocietyOf>, (String, String)> {
    let Some((rule, world)) = experiment.game.spec.symbols() else { return Ok(None) };
    let wrong = |key: &str, why: &str| Err((key.to_string(), why.to_string()));
    let [Kind::Symbols(model)] = kinds else {
        return wrong("agents", "agents of the game `symbols` are all of one kind");
    };
    if !experiment.interventions.is_empty() {
        return wrong("interventions", "in the game `symbols` nothing is done to a population while it plays yet");
    }
    let order = match (rule.exchange, experiment.population.pairing) {
        (_, Pairing::RandomMatching | Pairing::AllAtOnce) => {
            return wrong(
                "population.pairing",
                "in the game `symbols` two agents take their turn after the other; leave `pairing` out",
            );
        }
        (Exchange::Pairs, pairing) => TurnOrder::Pairs(pairing),
        (_, _) if experiment.population.network != NetworkSpec::Complete => {
            return wrong(
                "population.network",
                "a game of all agents is on the complete network; on others give `game.exchange = \"pairs\"`",
            );
        }
        (Exchange::Recursive, _) => TurnOrder::Recursive,
        (Exchange::OneSample, _) => TurnOrder::Relay,
    };
    let turns = Turns { objects: world.objects(), agents: experiment.followed(), order };
    let built = SocietyOf::build(rule, *model, world, turns, |file| inputs.cells(file));
    built.map(Some).map_err(|(key, why)| (key.to_string(), why))
}

/// A kind of agents under control. What a live model is shown is changed question by question, in `engines/live.rs`; a policy is
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

/// A population as numbers.
pub(crate) struct Counted {
    pub counts: Counts,
    /// Which states are those of committed agents.
    pub committed: Vec<bool>,
    /// Whether states are inventories of two names, as bits.
    pub inventories: bool,
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
        let seed = world.seed(replica);
        let assigned = world.assign(seed);
        let begin = world.begin(seed, &assigned);
        self.states_of(&assigned, |agent| begin.of(agent))
    }

    /// The state of each agent, given its kind and what it remembers.
    pub(crate) fn states_of<'r>(&self, assigned: &[u16], remembers: impl Fn(usize) -> &'r [Round]) -> Vec<u16> {
        let mut states = machine::filled(assigned.len(), 0);
        for (agent, (state, kind)) in states.iter_mut().zip(assigned).enumerate() {
            *state = self.tables.state(self.kinds[*kind as usize], remembers(agent));
        }
        states
    }

    /// What agents of these kinds remember in these states.
    pub(crate) fn remembered(&self, assigned: &[u16], states: &[u16]) -> impl Iterator<Item = Vec<Round>> {
        assigned.iter().zip(states).map(|(&kind, &state)| self.tables.window(self.kinds[kind as usize], state))
    }

    /// The first state of a committed agent, or the number of all states.
    pub fn committed(&self, world: &World) -> usize {
        let first = self.kinds.get(world.first_committed() as usize);
        first.map_or(self.tables.len(), |&kind| usize::from(self.tables.state(kind, &[])))
    }
}

/// A network from which edges can be drawn: where numbers of neighbours differ, that takes a list of them.
fn of_edges(network: Arc<dyn Network>, pairing: Pairing) -> Arc<dyn Network> {
    let degree = network.degree(0);
    let alike = || (0..network.len()).all(|agent| network.degree(agent) == degree);
    match pairing == Pairing::Edge && network.rows().is_none() && !alike() {
        true => Arc::new(EdgeList::from_network(&*network)),
        false => network,
    }
}

/// Appends the committed groups to the kinds; gives their names.
fn add_committed(experiment: &Experiment, kinds: &mut Vec<Kind>, counts: &mut Vec<u64>) -> Vec<Name> {
    let groups = experiment.agents.committed.iter();
    let add = |group: &Committed| {
        let name = name_of(experiment.names(), &group.name).expect("checked to be in the pool");
        kinds.push(match &kinds[0] {
            Kind::Speaker(rule) => Kind::Committed(*rule),
            Kind::Opinion(_) => Kind::Opinion(OpinionRule::Committed(name)),
            _ => Kind::Window(Arc::new(Constant(name))),
        });
        counts.push(group.count(experiment.population.size));
        name
    };
    groups.map(add).collect()
}

fn name_of(names: &[String], name: &str) -> Option<Name> {
    names.iter().position(|known| known == name).map(|place| place as Name)
}

/// How many agents each kind has, committed ones not counted.
fn shares(experiment: &Experiment) -> Vec<u64> {
    let replaced = experiment.size() - experiment.n_committed();
    let kinds = &experiment.agents.kinds;
    let whole = experiment.population.size as f64;
    let share = |(part, _): &(Part, _)| match part {
        Part::Count(count) => *count as f64 / whole,
        Part::Share(share) => *share,
    };
    apportion(replaced, &kinds.iter().map(share).collect::<Vec<_>>())
}

/// Shares of `all` by largest remainder, so that they add up.
fn apportion(all: u64, shares: &[f64]) -> Vec<u64> {
    let exact: Vec<f64> = shares.iter().map(|share| share * all as f64).collect();
    let mut counts: Vec<u64> = exact.iter().map(|exact| exact.floor() as u64).collect();
    let mut by_remainder: Vec<usize> = (0..shares.len()).collect();
    by_remainder.sort_by(|&a, &b| (exact[b] - exact[b].floor()).total_cmp(&(exact[a] - exact[a].floor())));
    let left = all - counts.iter().sum::<u64>().min(all);
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
    if let Some(shares) = &start.shares {
        let shares: Vec<f64> = names.iter().map(|name| shares.get(name).copied().unwrap_or(0.0)).collect();
        return Ok(Starts::Shares(apportion(experiment.size() - experiment.n_committed(), &shares)));
    }
    if let Some(rounds) = &start.memory {
        let round = |[own, partner]: &[String; 2]| [own, partner].map(|name| place(name).expect("checked to be in the pool"));
        return Ok(Starts::All(rounds.iter().map(round).collect()));
    }
    let Some(from) = &start.run else { return Ok(Starts::All(Vec::new())) };
    let key = "population.start.run";
    let memories = inputs.memories(&from.dir, from.run).map_err(|why| (key, why))?;
    if memories.len() != experiment.followed() as usize {
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
