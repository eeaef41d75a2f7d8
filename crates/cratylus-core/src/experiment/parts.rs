//! What an experiment is made of: checked values, with nothing left to default.

use super::published::Published;
use super::sequential::Sequential;
use crate::Pairing;
use crate::control::Control;
use crate::game::{Game, Seats};
use crate::meeting::groups::GroupSpec;
use crate::meeting::networks::spec::NetworkSpec;
use crate::spec::{AgentSpec, Chosen, GameSpec, Registry};
use crate::watch::stop::{By, Stop};
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
    pub population: PopulationSpec,
    /// The game that was chosen, with its parameters.
    pub game: Chosen<dyn GameSpec>,
    /// Which kinds of agents play, and who is committed.
    pub agents: Agents,
    /// What ends a run; 1,000 population rounds where nothing else does.
    pub stop: Stop,
    /// What is kept of a run in its directory.
    pub record: RecordSpec,
    /// What agents are shown in place of what is so.
    pub control: Control,
    /// What is done to the population while it plays, in order.
    pub interventions: Vec<Intervention>,
    /// What live models may cost. No part of the plan: it can be raised, and the run goes on.
    pub budget: Budget,
    /// What the report draws beside the results. No part of the plan either.
    pub published: Vec<Published>,
    /// What the file could name.
    pub registry: Arc<Registry>,
}

/// The population of an experiment.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PopulationSpec {
    /// The number of agents.
    pub size: u64,
    /// Who can meet whom; everyone everyone by default.
    #[serde(default)]
    pub network: NetworkSpec,
    /// How the two agents of an interaction are drawn.
    #[serde(default)]
    pub pairing: Pairing,
    /// Whether an agent may meet itself: then all ordered pairs of agents are alike, those of one agent twice included. On
    /// the complete network, in games in which a speaker can be its own hearer.
    #[serde(default, skip_serializing_if = "is_false")]
    pub itself: bool,
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

fn is_false(itself: &bool) -> bool {
    !itself
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
    pub how: JoinBy,
}

/// Where committed agents come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum JoinBy {
    /// They take the places of agents chosen at random.
    #[default]
    Replace,
    /// They come on top, on the complete network only.
    Add,
}

/// What is kept of a run.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordSpec {
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

impl Default for RecordSpec {
    fn default() -> RecordSpec {
        RecordSpec { interactions: true, measures: None }
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

impl Committed {
    /// How many of a population of `size` are committed.
    pub fn count(&self, size: u64) -> u64 {
        let of_share = |share: f64| (share * size as f64).round() as u64;
        self.count.or(self.share.map(of_share)).unwrap_or(0)
    }
}

/// A change of the population at a time.
#[derive(Clone, Debug)]
pub struct Intervention {
    /// After how many interactions.
    pub at: u64,
    /// Which share of the agents that are not committed is replaced by new ones, who know nothing.
    pub turnover: Option<f64>,
    /// The experiment from then on.
    pub experiment: Experiment,
    /// What it sets, for readers.
    pub words: String,
}

impl Experiment {
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
        let added = self.agents.committed.iter().filter(|committed| committed.how == JoinBy::Add);
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

    /// What the rule of the game says of itself; nothing where it cannot be built, which is told elsewhere.
    fn of_rule<T>(&self, of: impl Fn(&dyn Game) -> T) -> Option<T> {
        self.game.spec.build(&self.registry).ok().map(|game| of(&*game))
    }

    /// Who sits at the game.
    pub fn seats(&self) -> Seats {
        self.of_rule(|game| game.seats()).unwrap_or(Seats::Two)
    }

    /// Whether agents are followed one by one, as what they say depends on all that came before.
    pub fn in_turn(&self) -> bool {
        self.of_rule(|game| game.in_turn()).unwrap_or(false)
    }

    /// How many interactions a sweep has in the game `symbols`: as many agents take their turn as there are, each with all
    /// objects. None in other games.
    pub fn sweep(&self) -> Option<u64> {
        self.game.spec.symbols().map(|(_, world)| world.objects().saturating_mul(self.size()))
    }

    /// Whether one agent is asked alone.
    pub fn alone(&self) -> bool {
        self.seats() == Seats::One
    }

    /// Whether agents look at all their neighbours at once.
    pub fn opinions(&self) -> bool {
        self.seats() == Seats::Around
    }

    /// Whether any agent is a language model, asked from outside.
    pub fn live(&self) -> bool {
        self.agents.kinds.iter().any(|(_, kind)| kind.spec.live())
    }

    /// What counts as consensus: the stop rule's window, or the published one where no run stops at it.
    pub fn consensus(&self) -> crate::watch::stop::Consensus {
        self.stop.consensus.clone().unwrap_or_else(|| {
            let by = if self.opinions() { By::Opinions } else { By::Successes };
            crate::watch::stop::Consensus { by, ..crate::watch::stop::Consensus::published() }
        })
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
        let mut game = self.game.plan.clone();
        // It stands in a section of its own.
        let world = game.remove("world");
        plan.insert("game".into(), game.into());
        plan.extend(world.map(|world| ("world".into(), world)));
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
        if stop.interactions.is_none() && stop.rounds.is_none() && stop.sweeps.is_none() {
            stop.rounds = Some(crate::watch::stop::ROUNDS_MAX);
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
