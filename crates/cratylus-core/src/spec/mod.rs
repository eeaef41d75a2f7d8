//! What a game and a kind of agent must offer to be used from an experiment file, and the lists in which
//! they stand. Adding one is its own file and one line of the list: reading, checking, the schema, `list`
//! and the plan pick it up from there.

pub mod places;

use crate::agent::{Cohorts, Mind};
use crate::brought::Outside;
use crate::categories::Scenes;
use crate::event::Said;
use crate::game::{Game, Hand, Payoff, Question};
use crate::inventory::{Inventory, InventoryRule};
use crate::kernel::Kernel;
use crate::language::facts::Facts;
use crate::language::model::Model;
use crate::language::normal::{alike, normal};
use crate::opinion::OpinionRule;
use crate::policy::Policy;
use crate::recorded::RecordedCondition;
use crate::seed::Stream;
use crate::signals::{SignalKind, SignalScenes};
use crate::symbols::{Cells, SignRule, SymbolModel, WorldSpec};
use crate::text::nearest;
use crate::watch::measure::{MeasureEntry, Score};
use places::{FileTable, Mistake, Spans, deserialize};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

/// What a game shows a seat and asks of it. A kind of agents plays the games whose shape it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A name of a pool, given the rounds that an agent remembers (its own name and its partner's); agreement is what counts.
    Agreement,
    /// The same, whatever it is that counts.
    Rounds,
    /// A name that the agent knows, or takes anew, and whether it knows one.
    Inventory,
    /// A name of a pool, given how many neighbours hold each.
    Around,
    /// A word for one of several objects, and which of them a word means.
    Objects,
    /// Any other, by what its games and its agents call it.
    Own(&'static str),
}

/// What agents answer that choose by remembered rounds, whatever counts.
pub const ROUNDS: &[Shape] = &[Shape::Agreement, Shape::Rounds];
/// What agents answer whose behaviour is that of a game of agreement: read off one, told of one, or ruled by what agrees.
pub const AGREEMENT: &[Shape] = &[Shape::Agreement];

/// A game's parameters, as read from the file.
pub trait GameSpec: fmt::Debug + Send + Sync {
    /// What is wrong with the parameters: which key, and why.
    fn check(&self) -> Result<(), (&'static str, String)>;

    /// The pool, in the order of the file. None in a game without one.
    fn names(&self) -> Option<&[String]>;

    /// How many rounds agents remember. None in a game where they keep something else.
    fn memory(&self) -> Option<usize> {
        None
    }

    /// What agents are paid for success and for failure. None in a game that does not pay.
    fn payoff(&self) -> Option<Payoff> {
        None
    }

    /// Whether its interactions succeed or fail.
    fn succeeds(&self) -> bool {
        true
    }

    /// Whether success is agreement on a name, so that there is a consensus to speak of.
    fn agrees(&self) -> bool {
        self.succeeds()
    }

    /// Whether one agent can sit at both its seats.
    fn with_oneself(&self) -> bool {
        false
    }

    /// A key that the file gives and that means something in groups alone.
    fn for_groups(&self) -> Option<&'static str> {
        None
    }

    /// Why so many agents, all told, cannot play it, where they cannot: which key, and why.
    fn fits(&self, _agents: f64) -> Result<(), (&'static str, String)> {
        Ok(())
    }

    /// What pairs see, where there is something to talk about: agents divide it into categories.
    fn scenes(&self) -> Option<Scenes> {
        None
    }

    /// What a signalling game deals, where it is one.
    fn signals(&self) -> Option<SignalScenes> {
        None
    }

    /// What is played of signs and what there is to have signs for, in the game `symbols`.
    fn symbols(&self) -> Option<(SignRule, &WorldSpec)> {
        None
    }

    /// What an episode is scored by, in games of many moves.
    fn scores(&self) -> &'static [Score] {
        &[]
    }

    /// The game as agents of scenes need it, where it is one.
    fn stage(&self) -> Option<Arc<dyn Stage>> {
        None
    }

    /// The rule of the game. Called once `check` has found nothing wrong.
    /// An error names the key it is about.
    fn build(&self, registry: &Registry) -> Result<Box<dyn Game>, (&'static str, String)>;
}

/// What kinds of agents need of a game that is a scene.
pub trait Stage: Send + Sync {
    /// All rules that play it, with what each does.
    fn rules(&self) -> &'static [RuleWords];

    /// One of them, from its keys (`rule` among them), with nothing left to default. An error names the key it is about.
    fn player(&self, keys: toml::Table) -> Result<Arc<dyn Player>, (String, String)>;

    /// What its main score says, for who is told what counts.
    fn goal(&self) -> &'static str;

    /// How many acts an episode has at most, where that can be said.
    fn longest(&self) -> Option<u64>;

    /// What a seat is told when it is asked, and the words of what it may answer.
    fn facts(&self, hand: &Hand, question: &Question) -> Facts;

    /// What seats are told in an episode that is played at random: all kinds of it, for who wants to know whether a protocol
    /// can tell it. The first is told first.
    fn samples(&self) -> Vec<Facts>;
}

/// A rule of a scene: its name, and what it does.
pub type RuleWords = (&'static str, &'static str);

/// A rule that plays a scene.
pub trait Player: Send + Sync {
    /// What it does in a seat that is asked.
    fn act(&self, hand: &Hand, question: &Question, draws: &mut Stream) -> Said;

    /// What it says where it is to say something; None for nothing.
    fn say(&self, hand: &Hand, question: &Question, draws: &mut Stream) -> Option<String>;
}

/// The parameters of a kind of agent, as read from the file.
pub trait AgentSpec: fmt::Debug + Send + Sync {
    /// Builds what all agents of this kind share. An error names the key it is about.
    fn build(&self, ctx: &AgentContext<'_>) -> Result<Kind, (&'static str, String)>;

    /// Whether choices depend on remembered rounds, so that a memory of 0 makes no sense.
    fn needs_memory(&self) -> bool {
        false
    }

    /// Whether these agents are a language model, asked from outside.
    fn live(&self) -> bool {
        false
    }

    /// Whether choices depend on what agreement and disagreement pay.
    fn heeds_payoffs(&self, _ctx: &AgentContext<'_>) -> bool {
        self.live()
    }
}

/// What a kind of agent may use to build itself.
pub struct AgentContext<'a> {
    /// The pool; empty in a game without one.
    pub names: &'a [String],
    /// How many rounds the game lets an agent remember; 0 in a game in which it keeps something else.
    pub memory: usize,
    /// None in a game that does not pay.
    pub payoff: Option<Payoff>,
    /// Whether a minority is committed.
    pub committed: bool,
    /// The game's parameters with nothing left to default, `kind` included.
    pub game: &'a toml::Table,
    /// The game, where it is a scene.
    pub stage: Option<Arc<dyn Stage>>,
    /// All that an experiment can name, for a kind that stands inside another.
    pub registry: &'a Registry,
    /// The files that the experiment names.
    pub inputs: &'a dyn Inputs,
    /// Where it notes its sources and its limits.
    pub notes: &'a Notes,
}

/// What kinds of agents say about themselves while they are built, for the manifest and the report.
#[derive(Default)]
pub struct Notes {
    /// Where behaviour comes from.
    pub sources: RefCell<Vec<String>>,
    /// How far it reaches.
    pub cautions: RefCell<Vec<String>>,
    /// What decides it beside the experiment and its files: names and digests of what the program holds.
    pub identities: RefCell<Vec<String>>,
    /// What was recorded of the models that agents emulate.
    pub conditions: RefCell<Vec<RecordedCondition>>,
}

/// What all agents of one kind share.
pub enum Kind {
    /// A response to the last rounds.
    Window(Arc<dyn Policy>),
    /// Responses of which each run has one, with the share of runs that have it; shares add up to 1. A world holds each of
    /// them as a kind of its own.
    Varying(Vec<(f64, Arc<dyn Policy>)>),
    /// A response to the last rounds as a control shows them, drawn for each decision.
    Drawn(Arc<dyn Policy>),
    /// Agents of the naming game.
    Speaker(InventoryRule),
    /// Agents of the naming game that know one name and never learn another.
    Committed(InventoryRule),
    /// Agents of the opinion game.
    Opinion(OpinionRule),
    /// Agents of signalling games with a table for each state and signal.
    Signals(SignalKind),
    /// Agents of the game `symbols`.
    Symbols(SymbolModel),
    /// A language model, asked from outside.
    Model(Arc<Model>),
    /// Any other, which no engine needs to know of but the plain path.
    Own(Arc<dyn Cohorts>),
}

impl Kind {
    /// What an agent of this kind keeps that has seen nothing yet.
    pub fn new_mind(&self) -> Mind {
        match self {
            Kind::Speaker(_) | Kind::Committed(_) | Kind::Opinion(_) => Mind::Names(Inventory::default()),
            Kind::Signals(_) | Kind::Symbols(_) => Mind::Own(Value::Null),
            Kind::Own(agents) => agents.new_mind(),
            Kind::Window(_) | Kind::Varying(_) | Kind::Drawn(_) | Kind::Model(_) => Mind::Rounds(Vec::new()),
        }
    }

    /// What the one keeps that takes the place of an agent of this kind.
    pub fn newcomer(&self, gone: &Mind) -> Mind {
        match self {
            Kind::Own(agents) => agents.newcomer(gone),
            other => other.new_mind(),
        }
    }
}

/// What the core needs from files, which it never opens itself. Paths are as the experiment file gives them.
pub trait Inputs {
    /// The kernel of a model for two names, in that order.
    fn kernel(&self, file: &str, _model: Option<&str>, _names: [&str; 2]) -> Result<Kernel, String> {
        Err(not_here(file))
    }
    /// The text of a file.
    fn text(&self, file: &str) -> Result<String, String> {
        Err(not_here(file))
    }
    /// A table in a file, CSV or Parquet, as text.
    fn cells(&self, file: &str) -> Result<Cells, String> {
        Err(not_here(file))
    }
    /// The full path of a file or folder that is there, and may be too large to read here.
    fn locate(&self, file: &str) -> Result<String, String> {
        Err(not_here(file))
    }
    /// What each agent of a finished run remembered at its end, oldest first, as own and partner's choice.
    fn memories(&self, dir: &str, _run: u64) -> Result<Vec<Vec<[String; 2]>>, String> {
        Err(not_here(dir))
    }
    /// What was said in the finished runs of a folder.
    fn played(&self, dir: &str) -> Result<PlayedRuns, String> {
        Err(not_here(dir))
    }
}

fn not_here(file: &str) -> String {
    format!("cannot open `{file}` here")
}

/// What was said in some runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlayedRuns {
    /// All names.
    pub names: Vec<String>,
    /// Interactions in their order, run by run.
    pub interactions: Vec<Played>,
    /// The SHA-256 of the file, in hex.
    pub sha256: String,
}

/// One interaction of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Played {
    /// Its run.
    pub run: u64,
    /// Who met: who was drawn first or spoke, and the other.
    pub agents: [Option<u32>; 2],
    /// What each said, by its place among the names.
    pub names: [Option<u32>; 2],
    /// Whether it paid; None where nothing came of it.
    pub success: Option<bool>,
}

/// For experiments that need no files.
pub struct NoInputs;

impl Inputs for NoInputs {}

/// All that an experiment can name. It is a value: whoever runs experiments makes it of the lists of this crate
/// ([`crate::experiment::registry`]) and of what they bring themselves.
#[derive(Clone, Default)]
pub struct Registry {
    /// In the order in which lists show them.
    pub games: Vec<GameEntry>,
    /// In the order in which lists show them.
    pub agents: Vec<AgentEntry>,
    /// In the order in which a round's readings are written.
    pub measures: Vec<MeasureEntry>,
    /// What a calling program brings along, for agents and games of kind `outside`.
    pub outside: Outside,
}

impl Registry {
    /// Whether agents of a kind play a game.
    pub fn plays(&self, agents: &str, game: &str) -> bool {
        self.players(game).contains(&agents)
    }

    /// Whether a game pays for agreeing, so that what is read off agents or told them of one holds in it.
    pub fn of_agreement(&self, game: &str) -> bool {
        self.games.iter().any(|entry| entry.name == game && entry.shapes.contains(&Shape::Agreement))
    }

    /// The kinds of agents that play a game.
    pub fn players(&self, game: &str) -> Vec<&'static str> {
        let shapes = self.games.iter().find(|entry| entry.name == game).map_or(&[][..], |entry| entry.shapes);
        let plays = |entry: &&AgentEntry| shapes.iter().any(|shape| entry.shapes.contains(shape));
        self.agents.iter().filter(plays).map(|entry| entry.name).collect()
    }

    /// The games that a kind of agents plays.
    pub fn played(&self, agents: &str) -> Vec<&'static str> {
        self.games.iter().map(|entry| entry.name).filter(|game| self.plays(agents, game)).collect()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.games.iter().map(|entry| entry.name).chain(self.agents.iter().map(|entry| entry.name));
        f.debug_list().entries(names).finish()
    }
}

/// Parameters that were read, with the name they were chosen by.
pub struct Chosen<T: ?Sized> {
    /// The name by which it was chosen, as it stands in the registry.
    pub kind: &'static str,
    /// The parameters, checked.
    pub spec: Arc<T>,
    /// The parameters with nothing left to default, `kind` included.
    pub plan: toml::Table,
}

impl<T: ?Sized> Clone for Chosen<T> {
    fn clone(&self) -> Chosen<T> {
        Chosen { kind: self.kind, spec: self.spec.clone(), plan: self.plan.clone() }
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Chosen<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.spec.fmt(f)
    }
}

/// Parameters that were read, and the same with nothing left to default.
type Params<T> = (Arc<T>, toml::Table);

/// One line of a registry.
pub struct Entry<T: ?Sized> {
    /// What experiment files call it.
    pub name: &'static str,
    /// What it is, for lists and the schema.
    pub words: &'static str,
    /// Of a kind of agents, what they answer; of a game, what it asks for: whoever answers any of it can play.
    pub shapes: &'static [Shape],
    /// Of a game, whether groups of a population can play it.
    pub grouped: bool,
    /// Of a game, whether it is a scene, whose interactions are episodes of many moves.
    pub staged: bool,
    read: fn(FileTable<'_>, &Spans<'_, '_>) -> Result<Params<T>, Mistake>,
    pub(crate) schema: fn(&mut SchemaGenerator) -> Schema,
}

impl<T: ?Sized> Clone for Entry<T> {
    fn clone(&self) -> Entry<T> {
        *self
    }
}

impl<T: ?Sized> Copy for Entry<T> {}

/// A game's line in the list of [`games`].
pub type GameEntry = Entry<dyn GameSpec>;
/// A line of the list of kinds of agents, in [`agents`].
pub type AgentEntry = Entry<dyn AgentSpec>;

fn read_params<P: DeserializeOwned + Serialize>(
    table: FileTable<'_>,
    spans: &Spans<'_, '_>,
) -> Result<(P, toml::Table), Mistake> {
    let params: P = deserialize(table, spans)?;
    let plan = toml::Table::try_from(&params).expect("parameters are a table of plain values");
    Ok((params, plan))
}

impl GameEntry {
    /// The same of a game that groups can play.
    pub const fn in_groups(self) -> GameEntry {
        Entry { grouped: true, ..self }
    }

    /// The same of a game that is a scene.
    pub const fn staged(self) -> GameEntry {
        Entry { staged: true, ..self }
    }

    /// A game whose parameters, as the file has them, are a `P`.
    pub const fn new<P: GameSpec + DeserializeOwned + Serialize + JsonSchema + 'static>(
        shapes: &'static [Shape],
        name: &'static str,
        words: &'static str,
    ) -> GameEntry {
        Entry {
            name,
            words,
            shapes,
            grouped: false,
            staged: false,
            read: |table, spans| {
                read_params::<P>(table, spans).map(|(params, plan)| (Arc::new(params) as Arc<dyn GameSpec>, plan))
            },
            schema: |generator| P::json_schema(generator),
        }
    }
}

impl AgentEntry {
    /// A kind of agent whose parameters, as the file has them, are a `P`.
    pub const fn new<P: AgentSpec + DeserializeOwned + Serialize + JsonSchema + 'static>(
        shapes: &'static [Shape],
        name: &'static str,
        words: &'static str,
    ) -> AgentEntry {
        Entry {
            name,
            words,
            shapes,
            grouped: false,
            staged: false,
            read: |table, spans| {
                read_params::<P>(table, spans).map(|(params, plan)| (Arc::new(params) as Arc<dyn AgentSpec>, plan))
            },
            schema: |generator| P::json_schema(generator),
        }
    }
}

/// A kind of agent from a table of plain values: one that stands inside another.
pub(crate) fn agent_of(kinds: &[AgentEntry], table: toml::Table) -> Result<Chosen<dyn AgentSpec>, String> {
    let text = toml::to_string(&table).map_err(|error| error.to_string())?;
    let parsed = toml::de::DeTable::parse(&text).map_err(|error| error.to_string())?.into_inner();
    let root = parsed.clone();
    choose(parsed, &Spans::of(&root), "kind of agent", kinds).map_err(|mistake| match mistake.help {
        Some(help) => format!("{}; {help}", mistake.message),
        None => mistake.message,
    })
}

pub(crate) fn choose<T: ?Sized>(
    mut table: FileTable<'_>,
    spans: &Spans<'_, '_>,
    what: &str,
    all: &[Entry<T>],
) -> Result<Chosen<T>, Mistake> {
    let known: Vec<String> = all.iter().map(|entry| entry.name.to_string()).collect();
    let Some(item) = table.remove("kind") else {
        let why = format!("which {what}? There is no `kind`");
        return Err(spans.mistake("", why).help(format!("there are: {}", known.join(", "))));
    };
    let span = item.span();
    let Some(kind) = item.get_ref().as_str() else {
        return Err(Mistake::new(format!("the `kind` of a {what} is a word in quotes"))
            .help(format!("there are: {}", known.join(", ")))
            .span(span));
    };
    let Some(entry) = all.iter().find(|entry| entry.name == kind) else {
        return Err(Mistake::new(format!("there is no {what} called `{kind}`")).help(nearest(kind, &known)).span(span));
    };
    let (spec, params) = (entry.read)(table, spans)?;
    let mut plan = toml::Table::new();
    plan.insert("kind".into(), entry.name.into());
    plan.extend(params);
    Ok(Chosen { kind: entry.name, spec, plan })
}

/// What every pool of names must be: at least two, all different, none empty.
pub fn check_pool(names: &[String]) -> Result<(), (&'static str, String)> {
    if names.len() < 2 {
        let found = if names.is_empty() { "no name".to_string() } else { format!("one name, `{}`", names[0]) };
        return Err(("names", format!("a pool needs at least two names to choose between; this holds {found}")));
    }
    if names.len() > usize::from(u16::MAX) {
        return Err(("names", "a pool holds at most 65,535 names".into()));
    }
    if names.iter().any(|name| name.is_empty()) {
        return Err(("names", "a name must not be empty".into()));
    }
    // What reads a name strips the white space around it, so such a name could never be read.
    if let Some(name) = names.iter().find(|name| name.trim() != name.as_str()) {
        return Err(("names", format!("the name {name:?} begins or ends with white space")));
    }
    // Names are printed in tables and told to models, so they must not steer a terminal or hide in a line.
    let steers = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if let Some(name) = names.iter().find(|name| name.contains(steers)) {
        return Err(("names", format!("the name {name:?} holds a control character")));
    }
    if names.iter().any(|name| name.chars().count() > 100) {
        return Err(("names", "a name has at most 100 characters".into()));
    }
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort_unstable();
    if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(("names", format!("`{}` stands in the pool twice", pair[0])));
    }
    if let Some(name) = names.iter().find(|name| normal(name).is_empty()) {
        return Err(("names", format!("the name {name:?} holds nothing that can be seen")));
    }
    // Nobody who is shown them could tell them apart, and neither could who reads an answer.
    match alike(names) {
        Some([a, b]) => {
            let spelled = |name: &String| {
                name.chars().flat_map(|c| if c.is_ascii() { vec![c] } else { c.escape_unicode().collect() }).collect::<String>()
            };
            let (a, b) = (&names[a], &names[b]);
            Err((
                "names",
                format!(
                    "`{a}` and `{b}` are the same text, spelled in two ways ({} and {}); leave one out",
                    spelled(a),
                    spelled(b)
                ),
            ))
        }
        None => Ok(()),
    }
}

/// How many rounds agents remember where nothing else is said: as in the published runs.
pub(crate) fn five() -> usize {
    5
}
