//! From a table with places to an experiment.

use super::interventions;
use super::parts::{Agents, Committed, Experiment, Part, PopulationSpec};
use super::published::Published;
use super::sequential::{Replicas, Sequential};
use crate::spec::places::{FileItem, FileTable, KEYS, Mistake, Spans, array, deserialize, read_field, table, take_field};
use crate::spec::{AgentSpec, Chosen, GameSpec, Registry, choose};
use crate::text::nearest;
use crate::watch::measures;
use crate::watch::stop::Stop;
use crate::{agents, games};
use std::sync::Arc;
use toml::de::DeValue;

/// The lists of this crate.
pub fn registry() -> Registry {
    let (games, agents, measures) = (games::ALL.to_vec(), agents::ALL.to_vec(), measures::ALL.to_vec());
    Registry { games, agents, measures, ..Registry::default() }
}

/// Refuses files of other kinds that the program takes, with what takes them.
pub(super) fn meant_here(table: &FileTable<'_>) -> Result<(), Mistake> {
    const ELSEWHERE: [(&str, &str); 5] = [
        (
            "channel",
            "a file with `[channel]` is of networks that learn to signal: `cratylus run`, `check`, `report`, `audit` and `measure` take it",
        ),
        ("data", "a file with `[data]` is a plan for `cratylus audit`"),
        ("corpora", "a file with `[[corpora]]` is a benchmark for `cratylus audit --benchmark`"),
        ("adapter", "a file with `[adapter]` is for `cratylus tune MODEL` and `cratylus corpus`"),
        ("ingredients", "a file with `[[ingredients]]` is for `cratylus train` and `cratylus corpus`"),
    ];
    for (word, help) in ELSEWHERE {
        if let Some(key) = table.keys().find(|key| key.get_ref() == word) {
            return Err(Mistake::new(format!("there is no key `{word}`")).help(help.into()).span(key.span()));
        }
    }
    Ok(())
}

impl Experiment {
    /// Reads a table without a `sweep`.
    pub(crate) fn read(mut table: FileTable<'_>, spans: &Spans<'_, '_>, registry: &Arc<Registry>) -> Result<Experiment, Mistake> {
        meant_here(&table)?;
        if let Some(key) = table.keys().find(|key| !KEYS.contains(&key.get_ref().as_ref())) {
            let word = key.get_ref().to_string();
            let help = nearest(&word, &KEYS.map(String::from));
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
            Some(DeValue::Table(_)) => Replicas::Rule(read_field(&mut table, "replicas", spans)?),
            _ => Replicas::Number(take_field(&mut table, "replicas", spans)?.unwrap_or(1)),
        };
        let find = take_field(&mut table, "find", spans)?;
        let (replicas, sequential) = Sequential::of(replicas, find).map_err(|(key, why)| spans.mistake(key, why))?;
        let staged = lasting(&mut table, registry);
        let population: PopulationSpec = read_field(&mut table, "population", spans)?;
        let game = read_game(with_world(&mut table)?, spans, registry)?;
        let agents = read_agents(table.remove("agents"), spans, registry)?;
        let mut stop: Stop = take_field(&mut table, "stop", spans)?.unwrap_or_default();
        match (staged, stop.episodes.take(), stop.interactions) {
            (false, None, _) => (),
            (false, Some(_), _) => {
                let why = format!("episodes are of scenes; in the game `{}` give `interactions` or `rounds`", game.kind);
                return Err(spans.mistake("stop.episodes", why));
            }
            (true, Some(_), Some(_)) => {
                return Err(spans.mistake("stop.episodes", "an interaction of a scene is an episode; give one of the two".into()));
            }
            (true, episodes, interactions) => stop.interactions = episodes.or(interactions).or(Some(1)),
        }
        let stop = with_sweeps(stop, &game, population.size).map_err(|why| spans.mistake("stop.sweeps", why))?;
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
            registry: registry.clone(),
        };
        experiment.check(spans)?;
        if let Some((item, base)) = interventions.zip(base) {
            experiment.interventions = interventions::read(item, &base, &experiment)?;
            experiment.check_interventions().map_err(|(key, why)| spans.mistake(key, why))?;
        }
        Ok(experiment)
    }
}

/// Whether the game is a scene. How long an episode of one lasts is the scene's own affair, but people look for it under
/// `stop`, as a run of one episode ends with it: it is put where it belongs.
fn lasting(table: &mut FileTable<'_>, registry: &Registry) -> bool {
    let kind = |game: &FileTable<'_>| Some(game.get("kind")?.get_ref().as_str()?.to_string());
    let Some(toml::de::DeValue::Table(game)) = table.get("game").map(|item| item.get_ref()) else { return false };
    let Some(kind) = kind(game) else { return false };
    if !registry.games.iter().any(|entry| entry.staged && entry.name == kind) {
        return false;
    }
    let mut moved = Vec::new();
    for (section, keys) in [("stop", &["rounds", "horizon", "ticks"][..]), ("control", &["messages"])] {
        if let Some(toml::de::DeValue::Table(section)) = table.get_mut(section).map(|item| item.get_mut()) {
            moved.extend(keys.iter().filter_map(|key| section.remove_entry(*key)));
        }
    }
    if let Some(toml::de::DeValue::Table(game)) = table.get_mut("game").map(|item| item.get_mut()) {
        if game.get("talk").is_some_and(|item| item.get_ref().as_bool() == Some(false)) {
            game.remove("talk");
        }
        for (key, value) in moved {
            if !game.contains_key(&key) {
                game.insert(key, value);
            }
        }
    }
    true
}

/// The table of the game, with the world in it, which stands in a section of its own.
fn with_world<'a>(table: &mut FileTable<'a>) -> Result<Option<FileItem<'a>>, Mistake> {
    let mut game = table.remove("game");
    let keys = game.as_ref().and_then(|game| game.get_ref().as_table());
    let plays = |kind: &str| keys.and_then(|keys| keys.get("kind")).is_some_and(|item| item.get_ref().as_str() == Some(kind));
    if plays("symbols") && !table.contains_key("world") && !keys.is_some_and(|keys| keys.contains_key("world")) {
        return Err(Mistake::new("what is there to have signs for? There is no `[world]`".into())
            .help("for example: world = { kind = \"gaussian\", objects = 300, means = [[[0], [20], [-20]], [[0], [20], [40]]], deviation = [5, 6] }".into()));
    }
    let (Some(place), Some(DeValue::Table(keys))) =
        (table.keys().find(|key| key.get_ref() == "world").cloned(), game.as_mut().map(|game| game.get_mut()))
    else {
        return Ok(game);
    };
    if keys.get("kind").and_then(|kind| kind.get_ref().as_str()).is_some_and(|kind| kind != "symbols") {
        let why = "only the game `symbols` has a world of objects to perceive; leave `[world]` out".to_string();
        return Err(Mistake::new(why).span(place.span()));
    }
    let world = table.remove("world").expect("just seen");
    keys.insert(place, world);
    Ok(game)
}

/// How long a run of the game `symbols` is, where the file gives it in sweeps or leaves it out.
fn with_sweeps(stop: Stop, game: &Chosen<dyn GameSpec>, agents: u64) -> Result<Stop, String> {
    const SWEEPS: u64 = 100;
    match game.spec.symbols() {
        Some((_, world)) => {
            let given = stop.sweeps.is_some() || stop.interactions.is_some() || stop.rounds.is_some();
            let sweeps = stop.sweeps.or((!given).then_some(SWEEPS));
            Ok(Stop { sweeps, sweep: world.objects().saturating_mul(agents), ..stop })
        }
        None if stop.sweeps.is_some() => {
            Err(format!("in the game `{}` there are no sweeps over objects; give `stop.rounds`", game.kind))
        }
        None => Ok(stop),
    }
}

pub(super) fn read_game(
    item: Option<FileItem<'_>>,
    spans: &Spans<'_, '_>,
    registry: &Registry,
) -> Result<Chosen<dyn GameSpec>, Mistake> {
    let Some(item) = item else {
        return Err(Mistake::new("which game? There is no `[game]`".into())
            .help("for example: game = { kind = \"coordination\", names = [\"Q\", \"M\"] }".into()));
    };
    choose(table(item, "game")?, &spans.under("game"), "game", &registry.games)
}

pub(super) fn read_agent(
    table: FileTable<'_>,
    spans: &Spans<'_, '_>,
    registry: &Registry,
) -> Result<Chosen<dyn AgentSpec>, Mistake> {
    choose(table, spans, "kind of agent", &registry.agents)
}

/// `committed` is one group, or a list of them.
fn read_committed(agents: &mut FileTable<'_>, spans: &Spans<'_, '_>) -> Result<Vec<Committed>, Mistake> {
    let spans = spans.under("agents");
    if !matches!(agents.get("committed").map(|item| item.get_ref()), Some(DeValue::Array(_))) {
        return Ok(take_field(agents, "committed", &spans)?.into_iter().collect());
    }
    let items = array(agents.remove("committed").expect("it is there"), "agents.committed")?;
    let spans = spans.under("committed");
    let group = |(i, item)| deserialize(table(item, "agents.committed")?, &spans.under(&usize::to_string(&i)));
    items.into_iter().enumerate().map(group).collect()
}

/// `[agents]` is one kind, or `mix`, a list of kinds with a share or count each; and perhaps `committed`.
fn read_agents(item: Option<FileItem<'_>>, spans: &Spans<'_, '_>, registry: &Registry) -> Result<Agents, Mistake> {
    let Some(item) = item else {
        return Err(Mistake::new("who plays? There is no `[agents]`".into())
            .help("for example: agents = { kind = \"emulated\", model = \"llama-3-70b\" }".into()));
    };
    let mut keys = table(item, "agents")?;
    let committed = read_committed(&mut keys, spans)?;
    let Some(mix) = keys.remove("mix") else {
        let kind = read_agent(keys, &spans.under("agents"), registry)?;
        return Ok(Agents { kinds: vec![(Part::Share(1.0), kind)], committed });
    };
    if let Some((key, _)) = keys.iter().next() {
        let why = format!("`{}` stands beside `mix`; what it says belongs into the kinds of the mix", key.get_ref());
        return Err(Mistake::new(why).span(key.span()));
    }
    let spans = spans.under("agents.mix");
    let mut kinds = Vec::new();
    for (i, item) in array(mix, "agents.mix")?.into_iter().enumerate() {
        let place = i.to_string();
        let spans = spans.under(&place);
        let mut keys = table(item, "agents.mix")?;
        let count: Option<u64> = take_field(&mut keys, "count", &spans)?;
        let share: Option<f64> = take_field(&mut keys, "share", &spans)?;
        let part = match (count, share) {
            (Some(count), None) => Part::Count(count),
            (None, Some(share)) if share >= 0.0 => Part::Share(share),
            _ => {
                return Err(
                    spans.mistake("kind", "each kind of a mix takes a `count` or a `share` (0 to 1), one of the two".into())
                );
            }
        };
        kinds.push((part, read_agent(keys, &spans, registry)?));
    }
    if kinds.is_empty() {
        return Err(spans.mistake("", "a mix names at least one kind of agent".into()));
    }
    Ok(Agents { kinds, committed })
}
