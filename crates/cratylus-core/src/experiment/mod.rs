//! From a file to checked values. The file is what the user wrote; a [`Point`] is what will run: one
//! setting of the swept keys, with nothing left to default and nothing left to be wrong.
//!
//! The whole file is read as a table with places (`document.rs`), the sweep writes its values into copies
//! of that table (`sweep.rs`), and each copy is read into the types below, so that every mistake, in a
//! swept value too, has its line and column.

mod document;
mod interventions;
mod published;
mod range;
mod registry;
mod schema;
mod sequential;
mod sweep;

pub use document::{Document, Mistake, key_parts, nearest};
pub use interventions::Intervention;
pub use published::Published;
pub(crate) use registry::agent_of;
pub use registry::{AgentContext, AgentEntry, AgentSpec, Chosen, GameEntry, GameSpec, Inputs, Kind, NoInputs, Notes, check_pool};
pub use schema::schema;
pub use sequential::{Asked, Find, Rule, Searched, Sequential, searched, swept};
pub use sweep::{Point, Setting};

use crate::control::{Control, Paid};
use crate::groups::GroupSpec;
use crate::methods::listed;
use crate::networks::{
    Complete, EdgeList, Lattice, Ring, barabasi_albert, erdos_renyi, random_regular, stochastic_blocks, watts_strogatz,
};
use crate::stop::{By, Stop};
use crate::{Network, Pairing, Purpose, Seed};
use document::{Spans, Table, read_field, take_field};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One experiment without its sweep.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// Names the run directory; `experiment` where the file gives none.
    pub name: String,
    /// The seed of all that is drawn: those of the runs are made from it.
    pub seed: u64,
    /// Runs of each point; the most, where it depends on what they give.
    pub replicas: u64,
    /// What it depends on.
    pub sequential: Option<Sequential>,
    /// How many agents there are, and who can meet whom.
    pub population: Population,
    /// The game that was chosen, with its parameters.
    pub game: Chosen<dyn GameSpec>,
    /// Which kinds of agents play, and who is committed.
    pub agents: Agents,
    /// What ends a run; 1,000 population rounds where nothing else does.
    pub stop: Stop,
    /// What is kept of a run in its directory.
    pub record: Record,
    /// What agents are shown in place of what is so.
    pub control: Control,
    /// What is done to the population while it plays, in order.
    pub interventions: Vec<Intervention>,
    /// What live models may cost. No part of the plan: it can be raised, and the run goes on.
    pub budget: Budget,
    /// What the report draws beside the results. No part of the plan either.
    pub published: Vec<Published>,
}

/// The population of an experiment.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Population {
    /// The number of agents.
    pub size: u64,
    /// Who can meet whom; everyone everyone by default.
    #[serde(default)]
    pub network: NetworkSpec,
    /// How the two agents of an interaction are drawn.
    #[serde(default)]
    pub pairing: Pairing,
    /// Which agents meet as a group of more than two; pairs where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<GroupSpec>,
    /// Whether agents are followed one by one, or counted.
    #[serde(default, skip_serializing_if = "Followed::is_agents")]
    pub engine: Followed,
    /// What agents remember at the start; nothing by default.
    #[serde(default)]
    pub start: Start,
}

/// How a population is followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Followed {
    /// Agent by agent.
    #[default]
    Agents,
    /// As numbers of agents in each state: exact, and faster the larger the population is; without events.
    Counts,
}

impl Followed {
    fn is_agents(&self) -> bool {
        *self == Followed::Agents
    }
}

/// Which network agents meet on.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum NetworkSpec {
    /// Everyone can meet everyone.
    #[default]
    Complete,
    /// A text file with an edge on each line.
    EdgeList {
        /// Relative to the experiment file.
        file: String,
    },
    /// A GraphML file.
    Graphml {
        /// Relative to the experiment file.
        file: String,
    },
    /// A circle, each agent joined to the nearest on both sides.
    Ring {
        /// Neighbours of each agent, half of them on each side; even.
        #[serde(default = "two")]
        degree: u32,
    },
    /// A grid of any dimension, each agent joined to those one step away.
    Lattice {
        /// Agents along each side; they multiply to the population's size.
        sides: Vec<u32>,
        /// Whether what leaves on one side comes back on the other.
        #[serde(default = "yes")]
        periodic: bool,
    },
    /// Every pair is joined with the same probability; `p` or `mean_degree`.
    ErdosRenyi {
        /// The probability of each pair, from 0 to 1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        p: Option<f64>,
        /// How many neighbours an agent has on average.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mean_degree: Option<f64>,
        /// With it one network for all runs; without it every run draws its own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seed: Option<u64>,
    },
    /// Everyone has the same number of neighbours, and who they are is random.
    RandomRegular {
        /// How many neighbours each has; even where the number of agents is odd.
        degree: u32,
        /// With it one network for all runs; without it every run draws its own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seed: Option<u64>,
    },
    /// Agents come one by one and join `m` of those with many neighbours.
    BarabasiAlbert {
        /// At least 1, and less than there are agents.
        m: u32,
        /// With it one network for all runs; without it every run draws its own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seed: Option<u64>,
    },
    /// Communities, dense within and sparse between.
    StochasticBlocks {
        /// Agents of each block; they add up to the population's size.
        sizes: Vec<u32>,
        /// The probability with which two agents of one block are joined.
        within: f64,
        /// The same for agents of different blocks.
        between: f64,
        /// With it one network for all runs; without it every run draws its own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seed: Option<u64>,
    },
    /// A ring of which some edges lead elsewhere: a small world.
    WattsStrogatz {
        /// Neighbours of each agent before any edge is moved; even.
        degree: u32,
        /// The probability with which an edge is moved.
        rewiring: f64,
        /// With it one network for all runs; without it every run draws its own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seed: Option<u64>,
    },
}

fn two() -> u32 {
    2
}

/// More edges than are drawn: 4 GB of them.
const EDGES_MAX: f64 = 5e8;

impl NetworkSpec {
    /// Every kind with words for lists, which name its keys.
    pub const KINDS: [(&str, &str); 10] = [
        ("complete", "everyone can meet everyone; takes no memory at any size"),
        ("edge-list", "an undirected network from a text file (file) with an edge on each line"),
        ("graphml", "an undirected network from a GraphML file (file), as igraph, NetworkX and Gephi write it"),
        ("ring", "a circle, each agent joined to the nearest (degree, 2 by default); takes no memory"),
        ("lattice", "a grid of any dimension (sides, periodic or not); takes no memory"),
        ("erdos-renyi", "every pair is joined with the same probability (p or mean_degree)"),
        ("random-regular", "everyone has the same number of random neighbours (degree)"),
        ("barabasi-albert", "agents come one by one and join those with many neighbours (m)"),
        ("stochastic-blocks", "communities of given sizes (sizes), dense within and sparse between (within, between)"),
        ("watts-strogatz", "a ring of which some edges lead elsewhere (degree, rewiring)"),
    ];

    /// As an experiment file says it.
    pub fn words(&self) -> String {
        toml::Value::try_from(self).expect("a network is plain data").to_string()
    }

    /// Whether it is drawn at random, and the seed that makes it one network for all runs.
    pub fn drawn(&self) -> Option<Option<u64>> {
        match self {
            NetworkSpec::ErdosRenyi { seed, .. }
            | NetworkSpec::RandomRegular { seed, .. }
            | NetworkSpec::BarabasiAlbert { seed, .. }
            | NetworkSpec::StochasticBlocks { seed, .. }
            | NetworkSpec::WattsStrogatz { seed, .. } => Some(*seed),
            _ => None,
        }
    }

    /// The network of a run of this seed among `size` agents, or that of all runs. An error names the key that is wrong.
    /// A file is read elsewhere.
    pub fn build(&self, size: u32, run: Seed) -> Result<Arc<dyn Network>, (&'static str, String)> {
        self.draw(size, run, 0)
    }

    /// The same for a run that stands beside those that were played, none of which can have left an agent alone: drawn
    /// again until none does.
    pub fn redraw(&self, size: u32, run: Seed) -> Result<Arc<dyn Network>, (&'static str, String)> {
        const DRAWS: u64 = 10_000;
        (0..DRAWS).map(|i| self.draw(size, run, i)).find(Result::is_ok).unwrap_or_else(|| self.draw(size, run, 0))
    }

    /// About how many edges it has, where it is drawn.
    fn edges(&self, size: u32) -> Option<f64> {
        let n = f64::from(size);
        match *self {
            NetworkSpec::ErdosRenyi { p, mean_degree, .. } => Some(n / 2.0 * mean_degree.or(p.map(|p| p * (n - 1.0)))?),
            NetworkSpec::RandomRegular { degree, .. } | NetworkSpec::WattsStrogatz { degree, .. } => {
                Some(n / 2.0 * f64::from(degree))
            }
            NetworkSpec::BarabasiAlbert { m, .. } => Some(n * f64::from(m)),
            NetworkSpec::StochasticBlocks { ref sizes, within, between, .. } => {
                let inside: f64 = sizes.iter().map(|&size| f64::from(size) * f64::from(size) / 2.0).sum();
                Some(within * inside + between * (n * n / 2.0 - inside))
            }
            _ => None,
        }
    }

    fn draw(&self, size: u32, run: Seed, i: u64) -> Result<Arc<dyn Network>, (&'static str, String)> {
        let mut draws = self.drawn().flatten().map_or(run, Seed).stream(Purpose::Network, i);
        let most = size.saturating_sub(1);
        let within = |key: &'static str, n: u32, least: u32, even: bool| match n >= least && n <= most && !(even && n % 2 == 1) {
            true => Ok(()),
            false => Err((
                key,
                format!("expected {}from {least} to {most} among {size} agents", if even { "an even number " } else { "" }),
            )),
        };
        let share = |key: &'static str, p: f64| match (0.0..=1.0).contains(&p) {
            true => Ok(()),
            false => Err((key, "expected a probability from 0 to 1".to_string())),
        };
        if let Some(edges) = self.edges(size).filter(|&edges| edges > EDGES_MAX) {
            return Err((
                "kind",
                format!("such a network has about {edges:.1e} edges, and {EDGES_MAX:.0e} are the most that are drawn"),
            ));
        }
        let edges = match *self {
            NetworkSpec::Complete | NetworkSpec::EdgeList { .. } | NetworkSpec::Graphml { .. } => {
                return Ok(Arc::new(Complete(size)));
            }
            NetworkSpec::Ring { degree } => return Ok(Arc::new(Ring::new(size, degree).map_err(|why| ("degree", why))?)),
            NetworkSpec::Lattice { ref sides, periodic } => {
                return Ok(Arc::new(Lattice::new(size, sides, periodic).map_err(|why| ("sides", why))?));
            }
            NetworkSpec::ErdosRenyi { p, mean_degree, .. } => {
                let p = match (p, mean_degree) {
                    (Some(p), None) => share("p", p).map(|()| p)?,
                    (None, Some(degree)) => share("mean_degree", degree / f64::from(most))
                        .map(|()| degree / f64::from(most))
                        .map_err(|(key, _)| (key, format!("expected a number from 0 to {most} among {size} agents")))?,
                    _ => return Err(("kind", "give `p` or `mean_degree`, one of the two".into())),
                };
                erdos_renyi(size, p, &mut draws)
            }
            NetworkSpec::RandomRegular { degree, .. } => {
                within("degree", degree, 1, size % 2 == 1)?;
                random_regular(size, degree, &mut draws)
            }
            NetworkSpec::BarabasiAlbert { m, .. } => {
                within("m", m, 1, false)?;
                barabasi_albert(size, m, &mut draws)
            }
            NetworkSpec::StochasticBlocks { ref sizes, within, between, .. } => {
                let sum: u64 = sizes.iter().map(|&size| u64::from(size)).sum();
                if sum != u64::from(size) {
                    return Err(("sizes", format!("the blocks add up to {sum} agents, and the population has {size}")));
                }
                share("within", within)?;
                share("between", between)?;
                stochastic_blocks(sizes, within, between, &mut draws)
            }
            NetworkSpec::WattsStrogatz { degree, rewiring, .. } => {
                within("degree", degree, 2, true)?;
                share("rewiring", rewiring)?;
                watts_strogatz(size, degree, rewiring, &mut draws)
            }
        };
        let edges = EdgeList::of(edges, size).map_err(|lonely| {
            ("kind", format!("agent {} was drawn without a neighbour, so it could never meet anyone; a higher degree or another seed helps", lonely + 1))
        })?;
        Ok(Arc::new(edges))
    }
}

/// What agents remember, or know, at the start. At most one of the four.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// Every memory is full of successes with this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consensus: Option<String>,
    /// The same with a name for each agent: which share of those that are not committed starts with which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shares: Option<BTreeMap<String, f64>>,
    /// Every agent remembers these rounds, oldest first, each as own and partner's choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Vec<[String; 2]>>,
    /// What the agents of a finished run remembered at its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<FromRun>,
}

/// A run that another begins where it ended.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FromRun {
    /// A run directory, relative to the experiment file.
    pub dir: String,
    /// Which of its runs.
    #[serde(default)]
    pub run: u64,
}

/// Who plays: shares of kinds, and committed groups.
#[derive(Clone, Debug)]
pub struct Agents {
    /// At least one, each with how much of the population it makes up. Agents of a kind are placed at random.
    pub kinds: Vec<(Part, Chosen<dyn AgentSpec>)>,
    /// The first is the minority whose name is followed; others are in its way.
    pub committed: Vec<Committed>,
}

/// How much of the population a kind makes up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Part {
    /// This many agents, in a population in which none is committed; else its part of the others.
    Count(u64),
    /// A share, from 0 to 1, of the agents that are not committed.
    Share(f64),
}

/// A committed minority: agents that always choose one name, chosen at random by the seed.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Committed {
    /// The name that they always choose.
    pub name: String,
    /// How many agents are committed. Give `count` or `share`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Which share of the population is committed, rounded to the nearest agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// Whether they replace agents or are added.
    #[serde(default)]
    pub how: How,
}

/// Where committed agents come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// They take the places of agents chosen at random.
    #[default]
    Replace,
    /// They come on top, on the complete network only.
    Add,
}

/// What is kept of a run.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Whether every interaction is kept. Measures and outcomes always are.
    #[serde(default = "yes")]
    pub interactions: bool,
    /// Which measures are kept, by the names under which `cratylus list measures` has them; all by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measures: Option<Vec<String>>,
}

fn yes() -> bool {
    true
}

impl Default for Record {
    fn default() -> Record {
        Record { interactions: true, measures: None }
    }
}

/// What live models may cost: a run that has used up any of it stops, and goes on when there is more.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Calls of models, of this call of `run`.
    pub calls: Option<u64>,
    /// Tokens, in and out.
    pub tokens: Option<u64>,
    /// US dollars, by the table of prices or as the server says.
    pub usd: Option<f64>,
    /// Hours by the clock, of this call of `run`.
    pub hours: Option<f64>,
    /// A table of prices in place of the program's own, relative to the experiment file.
    pub prices: Option<String>,
}

/// More than anyone means to run.
const REPLICAS_MAX: u64 = 100_000_000;
const INTERACTIONS_MAX: u64 = 1 << 50;
/// Agents that are counted; a thousand rounds of them are less than the most interactions.
const COUNTED_MAX: u64 = 1_000_000_000_000;
/// Words that can be told apart. Every category is made with one, and of two in place of one both are.
pub(crate) const WORDS_MAX: f64 = 4e9;

/// The sections and keys that an experiment file may hold.
pub(crate) const KEYS: [&str; 14] = [
    "name",
    "seed",
    "replicas",
    "population",
    "game",
    "agents",
    "stop",
    "control",
    "record",
    "budget",
    "sweep",
    "interventions",
    "published",
    "find",
];

impl Committed {
    /// How many of a population of `size` are committed.
    pub fn count(&self, size: u64) -> u64 {
        let of_share = |share: f64| (share * size as f64).round() as u64;
        self.count.or(self.share.map(of_share)).unwrap_or(0)
    }
}

impl Experiment {
    /// Reads a table without a `sweep`. `inputs` gives what files hold.
    pub(crate) fn read(mut table: Table<'_>, spans: &Spans<'_, '_>) -> Result<Experiment, Mistake> {
        if let Some((key, _)) = table.iter().find(|(key, _)| !KEYS.contains(&key.get_ref().as_ref())) {
            let word = key.get_ref().to_string();
            let places = KEYS.map(String::from);
            let help = match word.as_str() {
                "data" => "a file with `[data]` is a plan for `cratylus audit`".into(),
                _ => nearest(&word, &places),
            };
            return Err(Mistake::new(format!("there is no key `{word}`")).help(help).span(key.span()));
        }
        let published: Vec<Published> = take_field(&mut table, "published", spans)?.unwrap_or_default();
        if let Some((i, why)) = (0..).zip(&published).find_map(|(i, one)| Some((i, one.check().err()?))) {
            return Err(spans.mistake(&format!("published.{i}"), why));
        }
        let interventions = table.remove("interventions");
        let base = interventions.is_some().then(|| table.clone());
        let name: String = take_field(&mut table, "name", spans)?.unwrap_or_else(|| "experiment".into());
        if name.is_empty() || name.contains(|c: char| c.is_control() || "/\\".contains(c)) || name.starts_with('.') {
            let why = "the name of an experiment names its run directory, so it must not be empty, start with a dot or hold a slash or a control character";
            return Err(spans.mistake("name", why.into()));
        }
        let seed = take_field(&mut table, "seed", spans)?.unwrap_or(0);
        let replicas = match table.get("replicas").map(|item| item.get_ref()) {
            Some(toml::de::DeValue::Table(_)) => sequential::Replicas::Rule(read_field(&mut table, "replicas", spans)?),
            _ => sequential::Replicas::Number(take_field(&mut table, "replicas", spans)?.unwrap_or(1)),
        };
        let find = take_field(&mut table, "find", spans)?;
        let (replicas, sequential) = Sequential::of(replicas, find).map_err(|(key, why)| spans.mistake(key, why))?;
        let population: Population = read_field(&mut table, "population", spans)?;
        let game = registry::read_game(table.remove("game"), spans)?;
        let agents = read_agents(table.remove("agents"), spans)?;
        let stop = take_field(&mut table, "stop", spans)?.unwrap_or_default();
        let record = take_field(&mut table, "record", spans)?.unwrap_or_default();
        let control = take_field(&mut table, "control", spans)?.unwrap_or_default();
        let budget = take_field(&mut table, "budget", spans)?.unwrap_or_default();
        let mut experiment = Experiment {
            name,
            seed,
            replicas,
            sequential,
            population,
            game,
            agents,
            stop,
            record,
            control,
            interventions: Vec::new(),
            budget,
            published,
        };
        experiment.check(spans)?;
        if let Some((item, base)) = interventions.zip(base) {
            experiment.interventions = interventions::read(item, &base, &experiment)?;
            experiment.check_interventions().map_err(|(key, why)| spans.mistake(key, why))?;
        }
        Ok(experiment)
    }

    /// The pool of names; empty in a game without one.
    pub fn names(&self) -> &[String] {
        self.game.spec.names().unwrap_or(&[])
    }

    /// How many rounds agents remember.
    pub fn memory(&self) -> usize {
        self.game.spec.memory().unwrap_or(0)
    }

    /// The number of agents, added ones included.
    pub fn size(&self) -> u64 {
        let added = self.agents.committed.iter().filter(|committed| committed.how == How::Add);
        added.map(|committed| committed.count(self.population.size)).fold(self.population.size, u64::saturating_add)
    }

    /// Whether who meets whom is the same in every run, so that runs may be equal.
    pub fn pairing_is_fixed(&self) -> bool {
        self.population.pairing == Pairing::AllAtOnce
    }

    /// How many agents are followed one by one: all, or none where they are counted.
    pub fn followed(&self) -> u32 {
        match self.population.engine {
            Followed::Agents => u32::try_from(self.size()).unwrap_or(u32::MAX),
            Followed::Counts => 0,
        }
    }

    /// How many agents are committed, in all groups.
    pub fn n_committed(&self) -> u64 {
        self.agents.committed.iter().map(|committed| committed.count(self.population.size)).fold(0, u64::saturating_add)
    }

    /// The committed group whose name is followed: the first, at the start or of an intervention.
    pub fn minority(&self) -> Option<&Committed> {
        let later = self.interventions.iter().flat_map(|intervention| intervention.experiment.agents.committed.first());
        self.agents.committed.first().into_iter().chain(later).next()
    }

    /// Whether any agent is a language model, asked from outside.
    pub fn live(&self) -> bool {
        self.agents.kinds.iter().any(|(_, kind)| kind.spec.live())
    }

    /// What counts as consensus: the stop rule's window, or the published one where no run stops at it.
    pub fn consensus(&self) -> crate::stop::Consensus {
        self.stop.consensus.clone().unwrap_or_else(|| {
            let by = if self.game.spec.opinions() { By::Opinions } else { By::Successes };
            crate::stop::Consensus { by, ..crate::stop::Consensus::published() }
        })
    }

    fn check(&self, spans: &Spans<'_, '_>) -> Result<(), Mistake> {
        let mistake = |key: &str, why: String| Err(spans.mistake(key, why));
        if !(1..=REPLICAS_MAX).contains(&self.replicas) {
            return mistake("replicas", format!("an experiment runs 1 to {REPLICAS_MAX} replicas"));
        }
        if let Err((key, why)) = sequential::check_asked(self) {
            return mistake(key, why);
        }
        if self.seed > i64::MAX as u64 {
            return mistake("seed", "a seed is a whole number from 0 to 2^63 - 1, as TOML holds no larger ones".into());
        }
        let alone = self.game.spec.alone();
        let least = if alone { 1 } else { 2 };
        if self.population.size < least {
            return mistake("population.size", format!("the game `{}` takes at least {least} agents", self.game.kind));
        }
        let most = if self.population.engine == Followed::Agents { 1 << 30 } else { COUNTED_MAX };
        if self.size() > most {
            let why = "a population holds at most 2^30 agents, and 10^12 with `population.engine = \"counts\"`";
            return mistake("population.size", why.into());
        }
        if let Err((key, why)) = self.game.spec.check() {
            return mistake(&format!("game.{key}"), why);
        }
        if self.memory() > 64 {
            return mistake("game.memory", "agents remember at most 64 rounds".into());
        }
        let Budget { usd, hours, .. } = &self.budget;
        for (key, value) in [("budget.usd", usd), ("budget.hours", hours)] {
            if value.is_some_and(|value| !(value >= 0.0 && value.is_finite())) {
                return mistake(key, "a budget is a number from 0 on".into());
            }
        }
        self.check_pairing(spans)?;
        self.check_engine(spans)?;
        self.check_groups(spans)?;
        self.check_agents(spans)?;
        self.check_start(spans)?;
        self.check_control(spans)?;
        for key in self.record.measures.iter().flatten() {
            let keys: Vec<String> = crate::measures::ALL.iter().map(|entry| entry.key().to_string()).collect();
            if !keys.contains(key) {
                let why = format!("there is no measure called `{key}`");
                return Err(spans.mistake("record.measures", why).help(nearest(key, &keys)));
            }
        }
        self.check_stop(spans)
    }

    fn check_pairing(&self, spans: &Spans<'_, '_>) -> Result<(), Mistake> {
        let mistake = |why: &str| Err(spans.mistake("population.pairing", why.into()));
        match self.population.pairing {
            Pairing::AgentThenNeighbour => Ok(()),
            _ if self.game.spec.alone() => mistake("an agent that is asked alone is paired with nobody"),
            _ if self.game.spec.opinions() => {
                mistake("in the game `opinion` an agent looks at all its neighbours, and is paired with none of them")
            }
            Pairing::RandomMatching if self.population.network != NetworkSpec::Complete => {
                mistake("a random matching joins any two agents, so it takes the complete network")
            }
            Pairing::AllAtOnce if self.game.spec.scenes().is_some() => {
                mistake("in the category game pairs meet one after the other, as words are made up in that order")
            }
            Pairing::AllAtOnce if self.live() => mistake(
                "language models are asked as soon as they are free; rounds in which all play at once are for agents that are rules",
            ),
            _ => Ok(()),
        }
    }

    fn check_groups(&self, spans: &Spans<'_, '_>) -> Result<(), Mistake> {
        let mistake = |key: &str, why: &str| Err(spans.mistake(key, why.into()));
        let Some(groups) = &self.population.groups else {
            return match self.game.spec.agree() {
                Some(_) => mistake("game.agree", "a pair has one hearer; `agree` is for groups (`population.groups`)"),
                None => Ok(()),
            };
        };
        if let Err((key, why)) = groups.check(self.followed()).and_then(|()| match groups.seed {
            // Groups that are drawn once are looked at when they are.
            Some(_) => Ok(()),
            None => groups.enough(self.followed(), self.replicas),
        }) {
            return mistake(&format!("population.groups.{key}"), &why);
        }
        match () {
            () if self.game.kind != "naming" => mistake("population.groups", "groups of more than two play the game `naming`"),
            () if self.population.network != NetworkSpec::Complete => {
                mistake("population.groups", "groups say who can meet; leave `population.network` out")
            }
            () if self.population.pairing != Pairing::AgentThenNeighbour => {
                mistake("population.pairing", "in a group any of it speaks; leave `population.pairing` out")
            }
            () if self.agents.kinds.len() > 1 => mistake("agents.mix", "in groups all agents follow one rule"),
            () => Ok(()),
        }
    }

    fn check_engine(&self, spans: &Spans<'_, '_>) -> Result<(), Mistake> {
        if self.population.engine == Followed::Agents {
            return Ok(());
        }
        let why = match () {
            () if self.population.network != NetworkSpec::Complete => {
                "agents can be counted only where everyone meets everyone, on the complete network"
            }
            () if matches!(self.population.pairing, Pairing::RandomMatching | Pairing::AllAtOnce) => {
                "agents that play in rounds of their own cannot be counted; leave `population.pairing` out"
            }
            () if self.record.interactions => {
                "where agents are counted there are no interactions to be kept; give `record = { interactions = false }`"
            }
            () if self.stop.share.is_some() => "a share of a name is not looked at while agents are counted; give `stop.rounds`",
            () if self.game.spec.opinions() => "in the game `opinion` agents are followed one by one",
            () if self.game.spec.scenes().is_some() => "in the category game agents are followed one by one",
            () if self.population.groups.is_some() => "in groups of more than two agents are followed one by one",
            () if self.stop.consensus.as_ref().is_some_and(|consensus| consensus.by == By::Successes) => {
                "successes in a row cannot be seen where agents are counted; in the naming game give `by = \"inventories\"`, or `stop.rounds` alone"
            }
            () => return Ok(()),
        };
        Err(spans.mistake("population.engine", why.into()))
    }

    fn check_control(&self, spans: &Spans<'_, '_>) -> Result<(), Mistake> {
        if self.control.changes_what_is_shown() && self.game.spec.memory().is_none() {
            let why = format!(
                "controls change what agents are shown of remembered rounds, and in the game `{}` they remember none",
                self.game.kind
            );
            return Err(spans.mistake("control", why));
        }
        if self.control.payoff != Paid::AsItIs && self.game.spec.payoff().is_none() {
            let why = format!("the game `{}` pays nothing that could be told otherwise", self.game.kind);
            return Err(spans.mistake("control.payoff", why));
        }
        Ok(())
    }

    fn check_agents(&self, spans: &Spans<'_, '_>) -> Result<(), Mistake> {
        let mistake = |key: &str, why: String| Err(spans.mistake(key, why));
        let count = |(part, _): &(Part, _)| if let Part::Count(n) = part { *n } else { 0 };
        let counts: u64 = self.agents.kinds.iter().map(count).fold(0, u64::saturating_add);
        let shares: f64 =
            self.agents.kinds.iter().map(|(part, _)| if let Part::Share(share) = part { *share } else { 0.0 }).sum();
        let all_counts = self.agents.kinds.iter().all(|(part, _)| matches!(part, Part::Count(_)));
        if all_counts && counts != self.population.size {
            return mistake(
                "agents.mix",
                format!("the counts add up to {counts}, and `population.size` is {}", self.population.size),
            );
        }
        if !all_counts && counts > 0 {
            return mistake("agents.mix", "give every kind of the mix a `share`, or every kind a `count`".into());
        }
        if !all_counts && ((shares - 1.0).abs() > 1e-9) {
            let percent = if (shares - 100.0).abs() < 1e-6 { "; a share is a number from 0 to 1, and 20 % is 0.2" } else { "" };
            return mistake(
                "agents.mix",
                format!("the shares must add up to 1 (or give a `count` for every kind); they add up to {shares}{percent}"),
            );
        }
        for (i, (_, kind)) in self.agents.kinds.iter().enumerate() {
            let games = kind.spec.games();
            if !games.contains(&self.game.kind) {
                let games = listed(&games.iter().map(|game| game.to_string()).collect::<Vec<_>>());
                let why = format!("agents of kind `{}` play {games}, and the game is `{}`", kind.kind, self.game.kind);
                return mistake(&agent_key(self.agents.kinds.len(), i, "kind"), why);
            }
            if kind.spec.needs_memory() && self.memory() == 0 && !self.game.spec.alone() {
                let why = format!(
                    "agents of kind `{}` choose by what they remember, and a memory of 0 rounds holds nothing; give at least 1",
                    kind.kind
                );
                return mistake("game.memory", why);
            }
        }
        let (groups, size) = (&self.agents.committed, self.population.size);
        if !groups.is_empty() && self.game.spec.scenes().is_some() {
            let why = "in the category game agents make up words for what they see, so there is no name to be committed to";
            return mistake("agents.committed", why.into());
        }
        if let Some(scenes) = self.game.spec.scenes()
            && size as f64 * 6.0 / scenes.d_min > WORDS_MAX
        {
            let why =
                format!("{size} agents that tell things apart down to {} make up more than 4,000,000,000 words", scenes.d_min);
            return mistake("game.d_min", why);
        }
        for (i, committed) in groups.iter().enumerate() {
            let key = if groups.len() == 1 { "agents.committed".to_string() } else { format!("agents.committed.{i}") };
            self.check_committed(committed, &key, spans)?;
        }
        let all = self.n_committed();
        let replaced = groups.iter().all(|group| group.how == How::Replace);
        if groups.len() > 1 && !replaced {
            return mistake(
                "agents.committed",
                "only a single committed group can be added; of several, each replaces agents".into(),
            );
        }
        if replaced && all > size {
            let key = if groups.len() == 1 { "agents.committed.count" } else { "agents.committed" };
            return mistake(key, format!("{all} agents cannot be committed in a population of {size}"));
        }
        // Two groups that fill the population between them are a limit worth looking at; one has nobody to convince.
        if replaced && groups.len() == 1 && all == size {
            let why = format!("all {all} agents would be committed, and nobody would be left whose mind could change");
            return mistake("agents.committed", why);
        }
        Ok(())
    }

    fn check_committed(&self, committed: &Committed, key: &str, spans: &Spans<'_, '_>) -> Result<(), Mistake> {
        let mistake = |field: &str, why: String| Err(spans.mistake(&format!("{key}{field}"), why));
        if self.game.spec.alone() {
            return mistake("", "an agent that is asked alone has no minority to meet".into());
        }
        if committed.count.is_some() == committed.share.is_some() {
            return mistake("", "give `count` (a number of agents) or `share` (0 to 1), one of the two".into());
        }
        if let Some(share) = committed.share.filter(|share| !(0.0..=1.0).contains(share)) {
            return mistake(".share", format!("a share is a number from 0 to 1{}", of_hundred(share)));
        }
        if committed.count(self.population.size) == 0 && committed.share.is_some_and(|share| share > 0.0) {
            let why = format!(
                "that share of {} agents is less than half an agent; give a larger share, or `count`",
                self.population.size
            );
            return mistake(".share", why);
        }
        if committed.how == How::Add && self.population.network != NetworkSpec::Complete {
            let why = "agents can be added only where everyone meets everyone; on other networks replace some".into();
            return mistake(".how", why);
        }
        self.check_name(&format!("{key}.name"), &committed.name, spans)
    }

    fn check_start(&self, spans: &Spans<'_, '_>) -> Result<(), Mistake> {
        let Start { consensus, shares, memory, run } = &self.population.start;
        let given = [consensus.is_some(), shares.is_some(), memory.is_some(), run.is_some()];
        if given.iter().filter(|&&given| given).count() > 1 {
            let why = "a start is a `consensus`, `shares`, a `memory` or a `run`, one of them".into();
            return Err(spans.mistake("population.start", why));
        }
        let without_pool = self.names().is_empty() && given.contains(&true);
        if without_pool {
            return Err(spans.mistake("population.start", "a start needs a pool of names (`game.names`)".into()));
        }
        if let Some(name) = consensus {
            self.check_name("population.start.consensus", name, spans)?;
        }
        if let Some(shares) = shares {
            shares.keys().try_for_each(|name| self.check_name("population.start.shares", name, spans))?;
            let sum: f64 = shares.values().sum();
            if shares.values().any(|share| !(0.0..=1.0).contains(share)) || (sum - 1.0).abs() > 1e-9 {
                let why = format!("shares of names are numbers from 0 to 1 that add up to 1; these add up to {sum}");
                return Err(spans.mistake("population.start.shares", why));
            }
        }
        if (memory.is_some() || run.is_some()) && self.game.spec.memory().is_none() {
            let key = if memory.is_some() { "population.start.memory" } else { "population.start.run" };
            let why = format!(
                "in the game `{}` agents remember no rounds; a start there is a `consensus` or `shares` of names",
                self.game.kind
            );
            return Err(spans.mistake(key, why));
        }
        for round in memory.iter().flatten() {
            round.iter().try_for_each(|name| self.check_name("population.start.memory", name, spans))?;
        }
        if let Some(memory) = memory
            && memory.len() > self.memory()
        {
            let why = format!("{} rounds are given, and `game.memory` is {}", memory.len(), self.memory());
            return Err(spans.mistake("population.start.memory", why));
        }
        Ok(())
    }

    fn check_stop(&self, spans: &Spans<'_, '_>) -> Result<(), Mistake> {
        let mistake = |key: &str, why: &str| Err(spans.mistake(key, why.into()));
        if let Some(consensus) = &self.stop.consensus {
            if consensus.by == By::Inventories {
                if self.game.kind != "naming" {
                    return mistake("stop.consensus.by", "only agents of the game `naming` have inventories");
                }
                let mut kinds = self.agents.kinds.iter().map(|(_, kind)| &kind.plan);
                let first = kinds.next();
                if kinds.any(|kind| Some(kind) != first) {
                    return mistake("stop.consensus.by", "inventories are followed where all agents keep them by one rule");
                }
            }
            match (consensus.by == By::Opinions, self.game.spec.opinions()) {
                (true, false) => return mistake("stop.consensus.by", "only agents of the game `opinion` have opinions"),
                (false, true) => {
                    return mistake(
                        "stop.consensus.by",
                        "nothing succeeds or fails in the game `opinion`; give `consensus = { by = \"opinions\" }`",
                    );
                }
                _ => (),
            }
            let windowed = consensus.window.is_some() || consensus.window_rounds.is_some() || consensus.threshold < 1.0;
            if consensus.by != By::Successes && windowed {
                return mistake("stop.consensus", "agents agree at a moment here, so there is no window and no threshold");
            }
            if consensus.window.is_some() && consensus.window_rounds.is_some() {
                return mistake(
                    "stop.consensus",
                    "give `window` (interactions) or `window_rounds` (population rounds), one of the two",
                );
            }
            for (key, value) in
                [("stop.consensus.window", consensus.window), ("stop.consensus.window_rounds", consensus.window_rounds)]
            {
                match value {
                    Some(0) => return mistake(key, "a window holds at least one interaction"),
                    Some(0x1000_0000..) => return mistake(key, "a window holds at most 2^28 interactions"),
                    _ => (),
                }
            }
            if !(consensus.threshold > 0.0 && consensus.threshold <= 1.0) {
                return mistake("stop.consensus.threshold", "a threshold is a share of successes, above 0 and up to 1");
            }
            if consensus.by == By::Successes && consensus.window(self.size()) > 1 << 28 {
                return mistake("stop.consensus", "a window holds at most 2^28 interactions");
            }
        }
        if self.stop.share.is_some() && self.names().is_empty() {
            return mistake("stop.share", "whose share? In this game there is no pool of names (`game.names`)");
        }
        if let Some(share) = &self.stop.share {
            match share.name.as_ref().or(self.agents.committed.first().map(|committed| &committed.name)) {
                Some(name) => self.check_name("stop.share.name", name, spans)?,
                None => return mistake("stop.share", "whose share? Give `name`, or a committed minority"),
            }
            if share.window_rounds == 0 || !(share.threshold > 0.0 && share.threshold <= 1.0) {
                return mistake("stop.share", "`window_rounds` is at least 1, and `threshold` above 0 and up to 1");
            }
        }
        for (key, value) in [("stop.interactions", self.stop.interactions), ("stop.rounds", self.stop.rounds)] {
            match value {
                Some(0) => return mistake(key, "a run has at least one interaction"),
                Some(INTERACTIONS_MAX..) => return mistake(key, "a run has at most 2^50 interactions"),
                _ => (),
            }
        }
        Ok(())
    }

    fn check_name(&self, key: &str, name: &str, spans: &Spans<'_, '_>) -> Result<(), Mistake> {
        let names = self.names();
        if names.iter().any(|known| known == name) || (names.is_empty() && key != "population.start.memory") {
            return Ok(());
        }
        Err(spans.mistake(key, format!("`{name}` is not in the pool")).help(nearest(name, names)))
    }

    /// The experiment with nothing left to default: what `plan.toml` holds.
    pub fn plan(&self) -> toml::Table {
        let value = |value: Result<toml::Value, toml::ser::Error>| value.expect("plain values");
        let mut plan = toml::Table::new();
        plan.insert("name".into(), self.name.clone().into());
        plan.insert("seed".into(), value(toml::Value::try_from(self.seed)));
        let replicas = match &self.sequential {
            Some(Sequential { rule, .. }) => toml::Value::try_from(rule),
            None => toml::Value::try_from(self.replicas),
        };
        plan.insert("replicas".into(), value(replicas));
        if let Some(Sequential { find: Some(find), .. }) = &self.sequential {
            plan.insert("find".into(), value(toml::Value::try_from(find)));
        }
        plan.insert("population".into(), value(toml::Value::try_from(&self.population)));
        plan.insert("game".into(), self.game.plan.clone().into());
        let mut agents = toml::Table::new();
        match &self.agents.kinds[..] {
            [(_, kind)] => agents = kind.plan.clone(),
            kinds => {
                let mix = kinds.iter().map(|(part, kind)| {
                    let mut table = toml::Table::new();
                    match part {
                        Part::Count(count) => table.insert("count".into(), (*count as i64).into()),
                        Part::Share(share) => table.insert("share".into(), (*share).into()),
                    };
                    table.extend(kind.plan.clone());
                    toml::Value::Table(table)
                });
                agents.insert("mix".into(), toml::Value::Array(mix.collect()));
            }
        }
        match &self.agents.committed[..] {
            [] => None,
            [committed] => agents.insert("committed".into(), value(toml::Value::try_from(committed))),
            groups => agents.insert("committed".into(), value(toml::Value::try_from(groups))),
        };
        plan.insert("agents".into(), agents.into());
        let mut stop = self.stop.clone();
        if stop.interactions.is_none() && stop.rounds.is_none() {
            stop.rounds = Some(crate::stop::ROUNDS_MAX);
        }
        plan.insert("stop".into(), value(toml::Value::try_from(&stop)));
        // Plans of experiments without a control are what they were before there were any.
        if !self.control.is_none() {
            plan.insert("control".into(), value(toml::Value::try_from(self.control)));
        }
        if !self.interventions.is_empty() {
            let plans = self.interventions.iter().map(|intervention| {
                let mut table = toml::Table::new();
                table.insert("interaction".into(), value(toml::Value::try_from(intervention.at)));
                if let Some(turnover) = intervention.turnover {
                    table.insert("turnover".into(), turnover.into());
                }
                let mut then = intervention.experiment.plan();
                for key in ["population", "agents"] {
                    table.insert(key.into(), then.remove(key).expect("every plan has them"));
                }
                toml::Value::Table(table)
            });
            plan.insert("interventions".into(), toml::Value::Array(plans.collect()));
        }
        plan.insert("record".into(), value(toml::Value::try_from(&self.record)));
        plan
    }
}

/// For who gives a share as so many of a hundred.
fn of_hundred(share: f64) -> String {
    if share > 1.0 && share <= 100.0 { format!("; {share} % is {}", share / 100.0) } else { String::new() }
}

fn agent_key(n: usize, i: usize, field: &str) -> String {
    if n == 1 { format!("agents.{field}") } else { format!("agents.mix.{i}.{field}") }
}

/// `committed` is one group, or a list of them.
fn read_committed(agents: &mut Table<'_>, spans: &Spans<'_, '_>) -> Result<Vec<Committed>, Mistake> {
    let spans = spans.under("agents");
    if !matches!(agents.get("committed").map(|item| item.get_ref()), Some(toml::de::DeValue::Array(_))) {
        return Ok(take_field(agents, "committed", &spans)?.into_iter().collect());
    }
    let items = document::array(agents.remove("committed").expect("it is there"), "agents.committed")?;
    let spans = spans.under("committed");
    let group =
        |(i, item)| document::deserialize(document::table(item, "agents.committed")?, &spans.under(&usize::to_string(&i)));
    items.into_iter().enumerate().map(group).collect()
}

/// `[agents]` is one kind, or `mix`, a list of kinds with a share or count each; and perhaps `committed`.
fn read_agents(item: Option<document::Item<'_>>, spans: &Spans<'_, '_>) -> Result<Agents, Mistake> {
    let Some(item) = item else {
        return Err(Mistake::new("who plays? There is no `[agents]`".into())
            .help("for example: agents = { kind = \"emulated\", model = \"llama-3-70b\" }".into()));
    };
    let mut table = document::table(item, "agents")?;
    let committed = read_committed(&mut table, spans)?;
    let Some(mix) = table.remove("mix") else {
        let kind = registry::read_agent(table, &spans.under("agents"))?;
        return Ok(Agents { kinds: vec![(Part::Share(1.0), kind)], committed });
    };
    if let Some((key, _)) = table.iter().next() {
        let why = format!("`{}` stands beside `mix`; what it says belongs into the kinds of the mix", key.get_ref());
        return Err(Mistake::new(why).span(key.span()));
    }
    let spans = spans.under("agents.mix");
    let mut kinds = Vec::new();
    for (i, item) in document::array(mix, "agents.mix")?.into_iter().enumerate() {
        let place = i.to_string();
        let spans = spans.under(&place);
        let mut table = document::table(item, "agents.mix")?;
        let count: Option<u64> = take_field(&mut table, "count", &spans)?;
        let share: Option<f64> = take_field(&mut table, "share", &spans)?;
        let part = match (count, share) {
            (Some(count), None) => Part::Count(count),
            (None, Some(share)) if share >= 0.0 => Part::Share(share),
            _ => {
                return Err(
                    spans.mistake("kind", "each kind of a mix takes a `count` or a `share` (0 to 1), one of the two".into())
                );
            }
        };
        kinds.push((part, registry::read_agent(table, &spans)?));
    }
    if kinds.is_empty() {
        return Err(spans.mistake("", "a mix names at least one kind of agent".into()));
    }
    Ok(Agents { kinds, committed })
}
