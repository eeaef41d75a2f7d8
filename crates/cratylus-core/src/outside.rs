//! Agents and games that another program brings along, written in its own language: the program gives each a name, an
//! experiment uses it by that name, and everything else (pairings, networks, stops, measures, recording) is as for those in
//! here. Whoever reads such a directory later sees what happened, and can play it again only where they are brought along.

use crate::agent::Cohort;
use crate::experiment::{AgentContext, AgentEntry, AgentSpec, GameEntry, GameSpec, Kind, check_pool};
use crate::game::{Game, Hand, Outcome, Question};
use crate::window::Round;
use crate::{Name, games};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) const AGENT: AgentEntry =
    AgentEntry::new::<AgentParams>("outside", "agents that the calling program brings along, as one in Python does");
pub(crate) const GAME: GameEntry =
    GameEntry::new::<GameParams>("outside", "a game of two simultaneous choices whose outcome the calling program says");

/// What agents brought along are told when they begin.
#[derive(Clone, Debug)]
pub struct Begins {
    /// The pool, in the order by which rounds and answers count.
    pub names: Vec<String>,
    /// How many rounds the game lets an agent remember.
    pub memory: usize,
    /// What each remembers, oldest first.
    pub starts: Vec<Vec<Round>>,
    /// Their own parameters, as the experiment gives them.
    pub with: Arc<BTreeMap<String, serde_json::Value>>,
}

/// Agents that were brought along, with the parameters that an experiment gives them.
#[derive(Clone)]
pub struct Brought {
    /// What makes their cohorts, in the calling program.
    pub agents: Arc<dyn Agents>,
    /// By key, as they stand in the experiment file.
    pub with: Arc<BTreeMap<String, serde_json::Value>>,
}

/// Agents of one kind, as the other program offers them.
pub trait Agents: Send + Sync {
    /// A cohort of as many agents as there are starts, which may be of several replicas. It must decide by its own memory
    /// and the draws it is given alone, and keep nothing between cohorts.
    fn cohort(&self, begins: Begins) -> Box<dyn Cohort>;
}

/// A game, as the other program offers it.
pub trait Rules: Send + Sync {
    /// Whether two choices succeed; None makes the interaction void.
    fn success(&self, choices: [Name; 2]) -> Option<bool>;
}

static AGENTS: Mutex<BTreeMap<String, Arc<dyn Agents>>> = Mutex::new(BTreeMap::new());
static RULES: Mutex<BTreeMap<String, Arc<dyn Rules>>> = Mutex::new(BTreeMap::new());

fn whole<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Brings agents along under a name; those that had it are forgotten.
pub fn bring_agents(name: &str, agents: Arc<dyn Agents>) {
    whole(&AGENTS).insert(name.into(), agents);
}

/// Brings a game along under a name.
pub fn bring_game(name: &str, rules: Arc<dyn Rules>) {
    whole(&RULES).insert(name.into(), rules);
}

fn missing(what: &str, name: &str, there: Vec<String>) -> String {
    let there = if there.is_empty() { "none was".into() } else { format!("there are: {}", there.join(", ")) };
    format!(
        "the program that runs this brought along no {what} called `{name}` ({there}); such experiments run from the program, in Python for example, that has it"
    )
}

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AgentParams {
    /// The name under which they were brought along.
    name: String,
    /// What tells this version of them from others: a hash of their source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// Parameters of their own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    with: BTreeMap<String, serde_json::Value>,
}

impl AgentSpec for AgentParams {
    fn build(&self, _: &AgentContext<'_>) -> Result<Kind, (&'static str, String)> {
        let all = whole(&AGENTS);
        match all.get(&self.name) {
            Some(agents) => Ok(Kind::Outside(Brought { agents: agents.clone(), with: Arc::new(self.with.clone()) })),
            None => Err(("name", missing("agents", &self.name, all.keys().cloned().collect()))),
        }
    }

    fn games(&self) -> &'static [&'static str] {
        &["coordination", "individual", "outside"]
    }
}

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GameParams {
    /// The name under which it was brought along.
    name: String,
    /// What tells this version of it from others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// What can be chosen.
    names: Vec<String>,
    /// How many of its own last rounds an agent remembers.
    #[serde(default = "games::five")]
    memory: usize,
}

impl GameSpec for GameParams {
    fn check(&self) -> Result<(), (&'static str, String)> {
        let all = whole(&RULES);
        if !all.contains_key(&self.name) {
            return Err(("name", missing("game", &self.name, all.keys().cloned().collect())));
        }
        check_pool(&self.names)
    }

    fn names(&self) -> Option<&[String]> {
        Some(&self.names)
    }

    fn memory(&self) -> Option<usize> {
        Some(self.memory)
    }

    fn build(&self) -> Box<dyn Game> {
        Box::new(Played(whole(&RULES).get(&self.name).expect("checked").clone()))
    }
}

struct Played(Arc<dyn Rules>);

impl Game for Played {
    fn ask(&self, hand: &Hand) -> [Option<Question>; 2] {
        games::both_at_once(hand)
    }

    fn outcome(&self, hand: &Hand) -> Outcome {
        let names = [hand.given(0), hand.given(1)];
        Outcome { names, success: names[0].zip(names[1]).and_then(|(a, b)| self.0.success([a, b])) }
    }
}
