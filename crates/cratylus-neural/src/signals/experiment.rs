//! An experiment file of networks that learn to signal: what is learnt, by whom, until when, and what is kept of it. Files of
//! items are read elsewhere and handed in as a table; running and recording are absent.

use super::items::Items;
use super::setup::{
    Agents, Cell, Channel, Contrast, Estimator, Game, Gumbel, Population, Reinforce, Roles, Setup, Temperature, Train, Wrong,
};
use cratylus_core::Purpose;
use cratylus_core::Seed;
use cratylus_core::spec::places::{FileTable, Mistake, Spans, read_field, take_field};
use cratylus_core::text::nearest;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The sections and keys of such a file.
pub const KEYS: [&str; 13] = [
    "name",
    "seed",
    "replicas",
    "population",
    "pairing",
    "game",
    "channel",
    "agents",
    "train",
    "stop",
    "record",
    "sweep",
    "generations",
];

/// One point of such an experiment, with nothing left to default.
#[derive(Clone, Debug, Serialize)]
pub struct Experiment {
    /// Names the run directory.
    pub name: String,
    /// Of all that is drawn: the seeds of runs are made from it.
    pub seed: u64,
    /// Runs of each point.
    pub replicas: u64,
    /// What is learnt, and how.
    pub setup: Setup,
    /// What agents speak about.
    pub world: World,
    /// What ends a training.
    pub stop: Stop,
    /// What is kept of it.
    pub record: Record,
    /// Which agents are replaced by new ones, and when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renew: Option<Renew>,
    /// Generations of a sender and a receiver, each taught by the one before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generations: Option<Generations>,
}

/// Iterated learning (Kirby 2001; with networks as Ren et al., ICLR 2020): every so many steps a sender and a receiver that have
/// learnt nothing take the place of the old ones. The sender is taught what the old one says, then the receiver learns to
/// understand it, and then both play.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Generations {
    /// Steps that both play.
    pub play: u64,
    /// Updates in which the sender is taught; few of them let through what is easy to learn.
    pub teach: u64,
    /// Steps in which the receiver alone learns, before both play; those of the first generation are played, too.
    #[serde(default)]
    pub listen: u64,
}

impl Generations {
    /// Steps from one generation to the next.
    pub fn steps(&self) -> u64 {
        self.play + self.listen
    }
}

/// What agents speak about.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct World {
    /// How many values each attribute has: items are all combinations. Empty where items come from a file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<usize>,
    /// The file of items, relative to the experiment file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<String>,
    /// The share of items that are never learnt from.
    pub held_out: f64,
    /// How often each is drawn.
    pub frequencies: Frequencies,
}

/// How often items are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Frequencies {
    /// All alike.
    #[default]
    Even,
    /// By one over their rank, the first most often.
    Rank,
}

/// What ends a training; whichever comes first.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    /// The share of items answered rightly with the likeliest symbols, of those that are learnt from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<f64>,
    /// Steps.
    #[serde(default = "ten_thousand")]
    pub steps: u64,
    /// Every how many steps the success is looked at, and kept.
    #[serde(default = "five")]
    pub every: u64,
}

/// What is kept of a training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Every how many steps messages about all items are kept, besides the first and the last; never, where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messages: Option<u64>,
    /// Whether weights are kept at the end, as safetensors.
    #[serde(default)]
    pub parameters: bool,
}

/// Agents that are replaced, the oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Renew {
    /// Every how many steps.
    pub every: u64,
    /// Which part of the agent.
    #[serde(default)]
    pub part: Renewed,
}

/// What of an agent is replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Renewed {
    /// All of it.
    #[default]
    Both,
    /// What speaks.
    Sender,
    /// What hears.
    Receiver,
}

fn ten_thousand() -> u64 {
    10_000
}

fn five() -> u64 {
    5
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GameKeys {
    kind: String,
    attributes: Option<Vec<usize>>,
    items: Option<String>,
    candidates: Option<usize>,
    loss: Option<Contrast>,
    #[serde(default)]
    held_out: f64,
    #[serde(default)]
    frequencies: Frequencies,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AgentKeys {
    kind: Cell,
    #[serde(default = "sixty_four")]
    hidden: usize,
    #[serde(default = "sixteen")]
    embedding: usize,
    learn: LearnKeys,
}

fn sixty_four() -> usize {
    64
}

fn sixteen() -> usize {
    16
}

#[derive(Deserialize)]
#[serde(tag = "estimator", rename_all = "kebab-case")]
enum LearnKeys {
    Reinforce(Reinforce),
    Gumbel(GumbelKeys),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GumbelKeys {
    temperature: Warmth,
    #[serde(default)]
    straight_through: bool,
    #[serde(default)]
    length_cost: f64,
}

/// A temperature: a number, or one that falls.
struct Warmth(Temperature);

impl<'de> Deserialize<'de> for Warmth {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Warmth, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Warmth;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or `{ from = 1.0, to = 0.1 }`")
            }
            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Warmth, E> {
                Ok(Warmth(Temperature { from: value, to: value, over: 0 }))
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Warmth, E> {
                self.visit_f64(value as f64)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Warmth, A::Error> {
                Temperature::deserialize(de::value::MapAccessDeserializer::new(map)).map(Warmth)
            }
        }
        from.deserialize_any(Either)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PopulationKeys {
    size: usize,
    renew: Option<Renew>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PairingKeys {
    #[serde(default)]
    itself: bool,
}

impl Experiment {
    /// Reads a table without a `sweep`.
    pub fn read(mut table: FileTable<'_>, spans: &Spans<'_, '_>) -> Result<Experiment, Mistake> {
        if let Some(key) = table.keys().find(|key| !KEYS.contains(&key.get_ref().as_ref())) {
            let word = key.get_ref().to_string();
            let help = match nearest(&word, &KEYS.map(String::from)) {
                near if near.is_empty() => format!("networks that learn to signal have {}", KEYS.join(", ")),
                near => near,
            };
            return Err(Mistake::new(format!("there is no key `{word}` in an experiment with `[channel]`"))
                .help(help)
                .span(key.span()));
        }
        let name: String = take_field(&mut table, "name", spans)?.unwrap_or_else(|| "signals".into());
        if name.is_empty() || name.contains(|c: char| c.is_control() || "/\\".contains(c)) || name.starts_with('.') {
            let why = "the name of an experiment names its run directory, so it must not be empty, start with a dot or hold a slash or a control character";
            return Err(spans.mistake("name", why.into()));
        }
        let seed = take_field(&mut table, "seed", spans)?.unwrap_or(0);
        let replicas: u64 = take_field(&mut table, "replicas", spans)?.unwrap_or(1);
        if !(1..=1_000_000).contains(&replicas) {
            return Err(spans.mistake("replicas", format!("expected from 1 to 1,000,000 runs of each point, found {replicas}")));
        }
        let game: GameKeys = read_field(&mut table, "game", spans)?;
        let channel: Channel = read_field(&mut table, "channel", spans)?;
        let agents: AgentKeys = read_field(&mut table, "agents", spans)?;
        let train: Train = read_field(&mut table, "train", spans)?;
        let stop: Stop =
            take_field(&mut table, "stop", spans)?.unwrap_or(Stop { success: None, steps: ten_thousand(), every: five() });
        let record: Record = take_field(&mut table, "record", spans)?.unwrap_or_default();
        let population: Option<PopulationKeys> = take_field(&mut table, "population", spans)?;
        let pairing: Option<PairingKeys> = take_field(&mut table, "pairing", spans)?;
        if let (None, Some(_)) = (&population, &pairing) {
            let why = "without `[population]` there are a sender and a receiver, and nobody to choose from";
            return Err(spans.mistake("pairing", why.into()));
        }
        let (game, world) = game.parts().map_err(|(key, why)| spans.mistake(key, why))?;
        let learn = match agents.learn {
            LearnKeys::Reinforce(by) => Estimator::Reinforce(by),
            LearnKeys::Gumbel(GumbelKeys { temperature: Warmth(mut temperature), straight_through, length_cost }) => {
                // A temperature that falls does so until the end, where nothing else is said.
                if temperature.over == 0 && temperature.from != temperature.to {
                    temperature.over = stop.steps;
                }
                Estimator::Gumbel(Gumbel { temperature, straight_through, length_cost })
            }
        };
        let generations: Option<Generations> = take_field(&mut table, "generations", spans)?;
        if generations.is_some() && population.is_some() {
            let why =
                "generations are of a sender and a receiver; in a population `renew` puts new agents in the place of old ones";
            return Err(spans.mistake("generations", why.into()));
        }
        let renew = population.as_ref().and_then(|population| population.renew);
        let setup = Setup {
            game,
            channel,
            agents: Agents { cell: agents.kind, hidden: agents.hidden, embedding: agents.embedding },
            learn,
            train,
            population: match population {
                None => Population::default(),
                Some(population) => {
                    Population { agents: population.size, roles: Roles::Both, itself: pairing.unwrap_or_default().itself }
                }
            },
        };
        let experiment = Experiment { name, seed, replicas, setup, world, stop, record, renew, generations };
        experiment.check().map_err(|(key, why)| {
            let key = match key.strip_prefix("learn") {
                Some(rest) => format!("agents.learn{rest}"),
                None => key.to_string(),
            };
            spans.mistake(&key, why)
        })?;
        Ok(experiment)
    }

    fn check(&self) -> Result<(), Wrong> {
        self.setup.check()?;
        let Stop { success, steps, every } = self.stop;
        if !(1..=1_000_000_000).contains(&steps) {
            return Err(("stop.steps", format!("expected from 1 to 1,000,000,000 steps, found {steps}")));
        }
        if every == 0 {
            return Err(("stop.every", "the success is looked at every so many steps, at least every one".into()));
        }
        if let Some(success) = success.filter(|success| !(*success > 0.0 && *success <= 1.0)) {
            return Err(("stop.success", format!("expected a share above 0, up to 1, found {success}")));
        }
        if self.record.messages == Some(0) {
            return Err(("record.messages", "messages are kept every so many steps, at least every one".into()));
        }
        if let Some(renew) = self.renew {
            if renew.every == 0 {
                return Err(("population.renew", "agents are replaced every so many steps, at least every one".into()));
            }
            if renew.every >= steps {
                let why = format!("agents would be replaced every {} steps, and there are {steps}", renew.every);
                return Err(("population.renew", why));
            }
        }
        if let Some(generations) = self.generations {
            if generations.teach > 1 << 16 {
                return Err(("generations.teach", format!("expected at most 65,536 lessons, found {}", generations.teach)));
            }
            if generations.play == 0 {
                return Err(("generations.play", "a generation plays at least one step".into()));
            }
            if generations.steps() >= steps {
                let why = format!("a generation takes {} steps, and there are {steps}", generations.steps());
                return Err(("generations", why));
            }
            if success.is_some() {
                return Err((
                    "stop.success",
                    "generations follow each other until `stop.steps`; success does not end them".into(),
                ));
            }
        }
        // What does not need the items of a file is seen before any is read.
        match self.world.items {
            None => self.items(None, Seed(0)).map(drop),
            Some(_) => Ok(()),
        }
    }

    /// The items of a run: of the file's table, where there is one. Which are held out is drawn by the run's seed, so that every
    /// value of every attribute stays among those that are learnt from where that can be.
    pub fn items(&self, file: Option<&ItemTable>, seed: Seed) -> Result<Items, Wrong> {
        let items = match file {
            None => Items::grid(&self.world.attributes),
            Some(table) => table.items(),
        };
        let n = items.len();
        let held = (self.world.held_out * n as f64).round() as usize;
        if self.world.held_out > 0.0 && (held == 0 || held >= n) {
            let why = format!(
                "{} of {n} items leaves {}",
                self.world.held_out,
                if held == 0 { "none held out" } else { "none to learn from" }
            );
            return Err(("game.held_out", why));
        }
        let items = match file.and_then(|table| table.learnt.clone()) {
            Some(_) if held > 0 => {
                return Err(("game.held_out", "the file of items says which are held out in its column `split`".into()));
            }
            Some(learnt) => items.with_train(learnt),
            None if held > 0 => {
                let learnt = learnt_from(&items, held, seed)?;
                items.with_train(learnt)
            }
            None => items,
        };
        let items = match self.world.frequencies {
            Frequencies::Even => items,
            Frequencies::Rank => items.by_rank(),
        };
        items.check(&self.setup)?;
        Ok(items)
    }

    /// How likely an answer is right, at least, that does not depend on the message: that of the commonest item; with candidates
    /// one of so many, or, where another item of the class is looked for, that of the commonest class.
    pub fn chance(&self, items: &Items) -> f64 {
        let learnt = items.split(true);
        let commonest = |of: &mut dyn Iterator<Item = Vec<u32>>| {
            let mut counts = std::collections::BTreeMap::new();
            of.for_each(|one| *counts.entry(one).or_insert(0usize) += 1);
            counts.values().copied().max().unwrap_or(0) as f64 / learnt.len() as f64
        };
        match self.setup.game {
            Game::Reconstruction => commonest(&mut learnt.iter().map(|&item| items.attributes(item).to_vec())),
            Game::Discrimination { candidates } => 1.0 / candidates as f64,
            Game::Contrastive { candidates, .. } => {
                let class = commonest(&mut learnt.iter().map(|&item| items.class(item).into_iter().collect()));
                class.max(1.0 / candidates as f64)
            }
        }
    }
}

fn learnt_from(items: &Items, held: usize, seed: Seed) -> Result<Vec<bool>, Wrong> {
    let n = items.len();
    let mut order: Vec<usize> = (0..n).collect();
    seed.stream(Purpose::Scene, u64::MAX).shuffle(&mut order, n);
    let mut left: Vec<Vec<u32>> = items.sizes().iter().map(|size| vec![0; *size]).collect();
    for item in 0..n as u32 {
        left.iter_mut().zip(items.attributes(item)).for_each(|(counts, value)| counts[*value as usize] += 1);
    }
    let mut learnt = vec![true; n];
    let mut missing = held;
    for &item in &order {
        let values = items.attributes(item as u32);
        if missing > 0 && left.iter().zip(values).all(|(counts, value)| counts[*value as usize] > 1) {
            left.iter_mut().zip(values).for_each(|(counts, value)| counts[*value as usize] -= 1);
            learnt[item] = false;
            missing -= 1;
        }
    }
    match missing {
        0 => Ok(learnt),
        _ => {
            let why =
                format!("{held} of {n} items cannot be held out so that every value is still learnt; {} can", held - missing);
            Err(("game.held_out", why))
        }
    }
}

impl GameKeys {
    fn parts(self) -> Result<(Game, World), Wrong> {
        let unused = |key: &'static str, given: bool, why: &str| match given {
            true => Err((key, format!("{why}, so this key says nothing"))),
            false => Ok(()),
        };
        let candidates =
            || self.candidates.ok_or(("game", "how many candidates? `candidates` is missing, for example 5".to_string()));
        let game = match self.kind.as_str() {
            "reconstruction" => {
                unused(
                    "game.candidates",
                    self.candidates.is_some(),
                    "a receiver says what the item is like and chooses from none",
                )?;
                unused("game.loss", self.loss.is_some(), "the loss of reconstruction is the cross-entropy of the attributes")?;
                Game::Reconstruction
            }
            "discrimination" => {
                unused("game.loss", self.loss.is_some(), "the loss of discrimination is the cross-entropy over candidates")?;
                Game::Discrimination { candidates: candidates()? }
            }
            "contrastive" => Game::Contrastive { candidates: candidates()?, loss: self.loss.unwrap_or_default() },
            other => {
                let known = ["reconstruction", "discrimination", "contrastive"].map(String::from);
                let help = nearest(other, &known);
                return Err((
                    "game.kind",
                    format!(
                        "networks that learn to signal play reconstruction, discrimination or contrastive, not `{other}`{help}"
                    ),
                ));
            }
        };
        let attributes = match (self.attributes, &self.items) {
            (Some(attributes), None) => attributes,
            (None, Some(_)) => Vec::new(),
            (Some(_), Some(_)) => {
                return Err(("game.items", "items are those of a file, or all combinations of `attributes`; give one".into()));
            }
            (None, None) => {
                return Err(("game", "what do they speak about? Give `attributes = [5, 5]`, or `items = \"items.csv\"`".into()));
            }
        };
        if self.items.is_none() {
            if attributes.is_empty() || attributes.iter().any(|size| !(2..=10_000).contains(size)) {
                return Err(("game.attributes", "expected how many values each attribute has, from 2 to 10,000".into()));
            }
            if attributes.iter().try_fold(1usize, |n, size| n.checked_mul(*size)).is_none_or(|n| n > 1_000_000) {
                return Err(("game.attributes", "these have more than 1,000,000 combinations".into()));
            }
        }
        if !(0.0..1.0).contains(&self.held_out) {
            return Err(("game.held_out", format!("expected a share from 0 to less than 1, found {}", self.held_out)));
        }
        let world = World { attributes, items: self.items, held_out: self.held_out, frequencies: self.frequencies };
        Ok((game, world))
    }
}

/// Items as a file has them.
#[derive(Clone, Debug, Default)]
pub struct ItemTable {
    /// Each item's attributes, by number; empty where they have none.
    pub attributes: Vec<Vec<u32>>,
    /// What each attribute's values are called.
    pub values: Vec<Vec<String>>,
    /// Each item's features, where they have any.
    pub features: Vec<Vec<f32>>,
    /// Each item's class, by number.
    pub classes: Option<Vec<u32>>,
    /// What classes are called.
    pub class_names: Vec<String>,
    /// Which items are learnt from, where the file says so.
    pub learnt: Option<Vec<bool>>,
}

impl ItemTable {
    /// How many items there are.
    pub fn len(&self) -> usize {
        self.attributes.len().max(self.features.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn items(&self) -> Items {
        let sizes: Vec<usize> = self.values.iter().map(Vec::len).collect();
        let attributes = || self.attributes.iter().flatten().copied().collect::<Vec<u32>>();
        let items = match self.features.first() {
            None => Items::of_attributes(&sizes, attributes()),
            Some(first) => {
                let items = Items::new(self.features.iter().flatten().copied().collect(), first.len());
                if sizes.is_empty() { items } else { items.with_attributes(&sizes, attributes()) }
            }
        };
        match &self.classes {
            Some(classes) => items.with_classes(classes.clone()),
            None => items,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cratylus_core::experiment::Document;

    const BASE: &str = "name = \"r\"\nreplicas = 2\n[game]\nkind = \"reconstruction\"\nattributes = [5, 5]\n[channel]\nvocabulary = 10\nlength = 3\n[agents]\nkind = \"gru\"\nhidden = 8\nlearn = { estimator = \"reinforce\", entropy = 0.3 }\n[train]\nbatch = 32\noptimiser = { kind = \"adam\", lr = 0.005 }\n[stop]\nsteps = 100\n";

    fn read(text: &str) -> Result<Vec<Experiment>, String> {
        let document = Document::parse("e.toml", text, &[])?;
        Ok(document.points_of(Experiment::read)?.into_iter().map(|(_, one)| one).collect())
    }

    #[test]
    fn a_file_is_read_with_its_sweep() {
        let all = read(&format!("{BASE}[sweep]\n\"channel.control\" = [\"none\", \"cut\", {{ noise = 0.1 }}]\n")).unwrap();
        assert_eq!(all.len(), 3);
        assert_eq!(all[2].setup.channel.control, super::super::setup::Control::Noise(0.1));
        assert_eq!(all[0].setup.population, Population::default());
    }

    #[test]
    fn a_temperature_is_a_number_or_falls_until_the_end() {
        let with = |temperature: &str| {
            let text = BASE.replace(
                "{ estimator = \"reinforce\", entropy = 0.3 }",
                &format!("{{ estimator = \"gumbel\", temperature = {temperature} }}"),
            );
            match read(&text).unwrap().remove(0).setup.learn {
                Estimator::Gumbel(by) => by.temperature,
                Estimator::Reinforce(_) => panic!("it was said to be relaxed"),
            }
        };
        assert_eq!(with("1.0"), Temperature { from: 1.0, to: 1.0, over: 0 });
        assert_eq!(with("{ from = 1.0, to = 0.1 }"), Temperature { from: 1.0, to: 0.1, over: 100 });
    }

    #[test]
    fn mistakes_have_their_place_and_a_way_out() {
        let check = |from: &str, to: &str, words: &[&str]| {
            let told = read(&BASE.replace(from, to)).unwrap_err();
            words.iter().for_each(|words| assert!(told.contains(words), "{to}\n{told}"));
        };
        check("vocabulary = 10", "vocabulary = 1", &["e.toml:7", "from 2 to 65536"]);
        check("length = 3", "length = 0", &["e.toml:8", "from 1 to 1024"]);
        check("attributes = [5, 5]", "attributes = [5, 5]\nheld_out = 0.01", &["0.01 of 25 items leaves none held out"]);
        check("attributes = [5, 5]", "attributes = [5, 5]\nheld_out = 0.99", &["none to learn from"]);
        check(
            "attributes = [5, 5]",
            "attributes = [5, 5]\nheld_out = 0.9",
            &["cannot be held out so that every value is still learnt"],
        );
        check("attributes = [5, 5]", "", &["what do they speak about?"]);
        check("attributes = [5, 5]", "attributes = [5, 5]\ncandidates = 5", &["so this key says nothing"]);
        check("\"reconstruction\"", "\"reconstuction\"", &["did you mean `reconstruction`?"]);
        check("\"reconstruction\"", "\"discrimination\"", &["`candidates` is missing"]);
        check("entropy = 0.3", "entropy = -0.3", &["expected a number from 0 to 100, found -0.3", "e.toml:12"]);
        check("[train]", "[tain]", &["there is no key `tain`", "did you mean `train`?"]);
        check("[stop]", "[pairing]\nitself = true\n[stop]", &["there are a sender and a receiver"]);
        check("[stop]", "[generations]\nplay = 0\nteach = 1\n[stop]", &["a generation plays at least one step"]);
        check("[stop]", "[generations]\nplay = 100\nteach = 1\n[stop]", &["a generation takes 100 steps, and there are 100"]);
        check("[stop]", "[generations]\nplay = 10\nteach = 1\n[stop]\nsuccess = 1.0", &["success does not end them"]);
        check("steps = 100", "success = 2.0", &["expected a share above 0, up to 1"]);
    }

    #[test]
    fn chance_is_that_of_what_is_commonest() {
        let table = ItemTable {
            attributes: vec![vec![0], vec![0], vec![0], vec![1]],
            values: vec![vec!["x".into(), "y".into()]],
            classes: Some(vec![0, 0, 1, 1]),
            ..ItemTable::default()
        };
        let with = |kind: &str| {
            let text = BASE.replace("attributes = [5, 5]", "items = \"i.csv\"").replace("\"reconstruction\"", kind);
            let experiment = read(&text).unwrap().remove(0);
            experiment.chance(&experiment.items(Some(&table), Seed(1)).unwrap())
        };
        assert_eq!(with("\"reconstruction\""), 0.75);
        assert_eq!(with("\"contrastive\"\ncandidates = 3"), 0.5);
        assert_eq!(with("\"discrimination\"\ncandidates = 3"), 1.0 / 3.0);
    }

    #[test]
    fn every_value_of_held_out_items_is_learnt_from_others() {
        let experiment = read(&BASE.replace("attributes = [5, 5]", "attributes = [5, 5]\nheld_out = 0.4")).unwrap().remove(0);
        for seed in 0..20 {
            let items = experiment.items(None, Seed(seed)).unwrap();
            assert_eq!(items.split(false).len(), 10);
            for attribute in 0..2 {
                let mut seen = [false; 5];
                items.split(true).iter().for_each(|&item| seen[items.attributes(item)[attribute] as usize] = true);
                assert_eq!(seen, [true; 5]);
            }
        }
    }
}
