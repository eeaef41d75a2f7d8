//! Agents and games that another program brings along, written in its own language: the program gives each a name, an
//! experiment uses it by that name, and everything else (pairings, networks, stops, measures, recording) is as for those in
//! here. Whoever reads such a directory later sees what happened, and can play it again only where they are brought along.

use crate::Name;
use crate::agent::Cohort;
use crate::policy::Round;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What agents brought along are told when they begin.
#[derive(Clone, Debug)]
pub struct AgentsBegin {
    /// The pool, in the order by which rounds and answers count.
    pub names: Vec<String>,
    /// How many rounds the game lets an agent remember.
    pub memory: usize,
    /// What each remembers, oldest first.
    pub starts: Vec<Vec<Round>>,
    /// Their own parameters, as the experiment gives them.
    pub with: Arc<BTreeMap<String, serde_json::Value>>,
}

/// Agents of one kind, as the other program offers them.
pub trait BroughtAgents: Send + Sync {
    /// A cohort of as many agents as there are starts, which may be of several replicas. It must decide by its own memory
    /// and the draws it is given alone, and keep nothing between cohorts.
    fn cohort(&self, begins: AgentsBegin) -> Box<dyn Cohort>;
}

/// A game, as the other program offers it.
pub trait BroughtRules: Send + Sync {
    /// Whether two choices succeed; None makes the interaction void.
    fn success(&self, choices: [Name; 2]) -> Option<bool>;
}

/// All that a calling program brings along, by name.
#[derive(Clone, Default)]
pub struct Outside {
    /// Agents of the kind `outside`.
    pub agents: BTreeMap<String, Arc<dyn BroughtAgents>>,
    /// Rules of the game `outside`.
    pub games: BTreeMap<String, Arc<dyn BroughtRules>>,
}

/// What a name stands for among those brought along; an error says what there is.
pub(crate) fn named<'a, T>(what: &str, name: &str, all: &'a BTreeMap<String, T>) -> Result<&'a T, String> {
    let there = match all.is_empty() {
        true => "none was".into(),
        false => format!("there are: {}", all.keys().cloned().collect::<Vec<_>>().join(", ")),
    };
    all.get(name).ok_or_else(|| {
        format!(
            "the program that runs this brought along no {what} called `{name}` ({there}); such experiments run from the program, in Python for example, that has it"
        )
    })
}
