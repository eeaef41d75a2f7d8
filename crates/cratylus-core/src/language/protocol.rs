//! A protocol is a file, not code: what an agent that reads is told, in which order it is shown its options, and how
//! its answer is read. Templates are Jinja. They see the options in the order shown, the payoffs, the remembered
//! rounds, and nothing else: no number of the interaction, no identity of the partner, no size of the population.

use super::answer::{self, AnswerWords, Heard, Read, Unusable};
use super::facts::Facts;
use super::normal::normal;
use super::{Message, Prompt};
use crate::game::Payoff;
use crate::policy::Round;
use crate::{Purpose, Seed};
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, Value, context};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The protocols inside this program: name and text. Those from `skin-` on tell the game of the first in other words.
pub const BUILT_IN: [(&str, &str); 19] = [
    ("ashery2025", include_str!("../protocols/ashery2025.toml")),
    ("ashery2025-committed", include_str!("../protocols/ashery2025-committed.toml")),
    ("one-word", include_str!("../protocols/one-word.toml")),
    ("matrix", include_str!("../protocols/matrix.toml")),
    ("tokens", include_str!("../protocols/tokens.toml")),
    ("commons", include_str!("../protocols/scenes/commons.toml")),
    ("commons-pasture", include_str!("../protocols/scenes/commons-pasture.toml")),
    ("commons-water", include_str!("../protocols/scenes/commons-water.toml")),
    ("bandit", include_str!("../protocols/scenes/bandit.toml")),
    ("bandit-clerks", include_str!("../protocols/scenes/bandit-clerks.toml")),
    ("volunteer", include_str!("../protocols/scenes/volunteer.toml")),
    ("ultimatum", include_str!("../protocols/scenes/ultimatum.toml")),
    ("guess", include_str!("../protocols/scenes/guess.toml")),
    ("scene", include_str!("../protocols/scenes/scene.toml")),
    ("skin-symbols", include_str!("../protocols/skins/skin-symbols.toml")),
    ("skin-formula", include_str!("../protocols/skins/skin-formula.toml")),
    ("skin-archive", include_str!("../protocols/skins/skin-archive.toml")),
    ("skin-bakery", include_str!("../protocols/skins/skin-bakery.toml")),
    ("skin-vask", include_str!("../protocols/skins/skin-vask.toml")),
];

/// The protocols inside this program that tell the published game in other words.
pub fn skins() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|(name, _)| *name).filter(|name| name.starts_with("skin-"))
}

/// In which order options are shown. It is recorded for every question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// As in the experiment file.
    Fixed,
    /// At random, anew for every question.
    #[default]
    Shuffled,
    /// At random, once for both players of an interaction.
    ShuffledTogether,
    /// Rotated from question to question, so that every option stands in every place equally often.
    LatinSquare,
    /// Every rotation is asked about, and the distributions are averaged; needs a model that gives distributions.
    Averaged,
}

impl Order {
    /// The orders in which `n` options are shown to a seat of an interaction: one, or all that are averaged.
    pub fn shown(self, seed: Seed, t: u64, seat: u8, n: usize) -> Vec<Vec<u16>> {
        let mut order: Vec<u16> = (0..n as u16).collect();
        match self {
            Order::Fixed => (),
            Order::Shuffled => seed.stream(Purpose::Order, 2 * t + u64::from(seat)).shuffle(&mut order, n),
            Order::ShuffledTogether => seed.stream(Purpose::Order, 2 * t).shuffle(&mut order, n),
            Order::LatinSquare => {
                // Where a run begins in the square is drawn; from there every seat takes the next rotation.
                let start = seed.stream(Purpose::Order, 0).below(n as u64);
                order.rotate_left(((start + t + u64::from(seat)) % n as u64) as usize);
            }
            Order::Averaged => return (0..n).map(|by| rotated(n, by)).collect(),
        }
        vec![order]
    }
}

fn rotated(n: usize, by: usize) -> Vec<u16> {
    let mut order: Vec<u16> = (0..n as u16).collect();
    order.rotate_left(by);
    order
}

/// The file.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// The version of this layout.
    format: u32,
    /// What it is, in a line.
    #[serde(default)]
    words: String,
    #[serde(default)]
    source: String,
    /// The kind of game that it tells; left out in those that tell of agreeing.
    #[serde(default)]
    game: Option<String>,
    #[serde(default)]
    order: Order,
    /// How often an agent is asked before the interaction is void.
    #[serde(default = "ten")]
    tries: u8,
    #[serde(default)]
    prefill: String,
    #[serde(default)]
    answer: AnswerRule,
    #[serde(default)]
    fields: BTreeMap<String, toml::Value>,
    #[serde(default)]
    nouns: Nouns,
    messages: Messages,
}

/// The words of a scene, for questions about it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Nouns {
    /// What one choice is called.
    pub action: String,
    /// The same for several.
    pub actions: String,
    /// What an interaction is called.
    pub round: String,
    /// What payoffs are counted in.
    pub points: String,
    /// What the other is called; the field `partner` where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partner: Option<String>,
}

impl Default for Nouns {
    fn default() -> Nouns {
        let [action, actions, round, points] = ["action", "actions", "round", "points"].map(String::from);
        Nouns { action, actions, round, points, partner: None }
    }
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct AnswerRule {
    #[serde(default)]
    read: Read,
    /// The most tokens that an answer in words may take.
    #[serde(default = "fifteen")]
    max_tokens: u32,
    /// Whether an answer counts only in the format asked for.
    #[serde(default)]
    strict: bool,
}

impl Default for AnswerRule {
    fn default() -> AnswerRule {
        AnswerRule { read: Read::default(), max_tokens: fifteen(), strict: false }
    }
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Messages {
    /// What is so, without the request to choose: what an agent is told where it is questioned about the scene. The other
    /// templates may hold it, as `scene`.
    #[serde(default)]
    scene: String,
    #[serde(default)]
    system: String,
    user: String,
}

fn ten() -> u8 {
    10
}

fn fifteen() -> u32 {
    15
}

/// The version of the layout that this program reads.
pub const FORMAT: u32 = 1;

/// What a template is told of one decision.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// The pool, in the order of the experiment file.
    pub names: &'a [String],
    /// The order in which it is shown.
    pub order: &'a [u16],
    /// What both players are paid, as far as the template tells it.
    pub payoff: Payoff,
    /// The remembered rounds, oldest first.
    pub window: &'a [Round],
    /// In a scene, what the seat is told, as `facts`.
    pub facts: Option<&'a serde_json::Value>,
}

/// A protocol, ready to tell and to read.
#[derive(Clone)]
pub struct Protocol {
    /// The name of a built-in one, or of its file without the ending.
    pub name: String,
    /// What it is, in a line; empty where the file does not say it.
    pub words: String,
    /// Where it is from; empty where the file does not say it.
    pub source: String,
    /// The kind of game that it tells, where that is not one of agreeing.
    pub game: Option<String>,
    /// What a choice pays beside each of the partner's, by place in the pool, in games that pay so.
    pub matrix: Option<Vec<Vec<f64>>>,
    /// In which order options are shown where the experiment does not say it.
    pub order: Order,
    /// How often an agent is asked before the interaction is void.
    pub tries: u8,
    /// The words with which an answer is made to begin, where that can be done; empty for none.
    pub prefill: String,
    /// Where in an answer the name stands.
    pub read: Read,
    /// Whether an answer counts only in the format asked for, and by no fallback.
    pub strict: bool,
    /// The most tokens that an answer in words may take.
    pub max_tokens: u32,
    /// The fields with their values: the file's, where the experiment does not give another.
    pub fields: BTreeMap<String, toml::Value>,
    /// What questions about the scene call things.
    pub nouns: Nouns,
    has_scene: bool,
    templates: Environment<'static>,
}

impl std::fmt::Debug for Protocol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Protocol({})", self.name)
    }
}

impl Protocol {
    /// Reads a protocol file, with some of its fields changed. An error says what is wrong with it.
    pub fn parse(name: &str, text: &str, fields: &BTreeMap<String, toml::Value>) -> Result<Protocol, String> {
        let mistake = |error: toml::de::Error| error.to_string().trim_end().to_string();
        let mut table: toml::Table = toml::from_str(text).map_err(mistake)?;
        let file: File = match table.remove("like") {
            None => toml::from_str(text).map_err(mistake)?,
            Some(like) => {
                let known = || BUILT_IN.map(|(name, _)| name.to_string());
                let base = BUILT_IN.iter().find(|(name, _)| like.as_str() == Some(name));
                let (_, base) = base.ok_or_else(|| {
                    let like = like.as_str().unwrap_or_default();
                    format!("`like` names a protocol inside this program{}", crate::text::nearest(like, &known()))
                })?;
                let mut whole = whole(base);
                merge(&mut whole, table);
                whole.try_into().map_err(mistake)?
            }
        };
        if file.format != FORMAT {
            return Err(format!("its layout is version {}, and this program reads version {FORMAT}", file.format));
        }
        if file.tries == 0 {
            return Err("`tries` is at least 1".into());
        }
        if file.answer.max_tokens == 0 {
            return Err("`answer.max_tokens` is at least 1".into());
        }
        let mut all = file.fields;
        const TAKEN: [&str; 8] = ["names", "payoff", "pairs", "memory", "round", "score", "scene", "facts"];
        if let Some(key) = all.keys().find(|key| TAKEN.contains(&key.as_str())) {
            return Err(format!("a field cannot be called `{key}`, which is what every template is told of the game"));
        }
        for (key, value) in fields {
            let known: Vec<String> = all.keys().cloned().collect();
            match all.get_mut(key) {
                Some(old) => *old = value.clone(),
                None => return Err(format!("it has no field `{key}`{}", crate::text::nearest(key, &known))),
            }
        }
        let mut templates = Environment::new();
        // A name that a template misspells is a mistake, not an empty text.
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        // A line that holds only a tag leaves no empty line behind.
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().expect("the usual tags");
        templates.set_syntax(syntax);
        templates.add_filter("quoted_list", |names: Vec<String>| {
            let quoted: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
            format!("[{}]", quoted.join(", "))
        });
        let mut protocol = Protocol {
            name: name.into(),
            words: file.words,
            source: file.source,
            game: file.game,
            matrix: None,
            order: file.order,
            tries: file.tries,
            prefill: file.prefill,
            read: file.answer.read,
            strict: file.answer.strict,
            max_tokens: file.answer.max_tokens,
            nouns: Nouns {
                partner: file.nouns.partner.or(all.get("partner").and_then(|name| name.as_str()).map(String::from)),
                ..file.nouns
            },
            fields: all,
            has_scene: !file.messages.scene.trim().is_empty(),
            templates,
        };
        let Messages { scene, system, user } = file.messages;
        for (part, text) in [("scene", scene), ("system", system), ("user", user)] {
            let added = protocol.templates.add_template_owned(part, text);
            added.map_err(|error| format!("messages.{part}: {}", words(&error)))?;
        }
        Ok(protocol)
    }

    /// A protocol inside this program.
    pub fn built_in(name: &str, fields: &BTreeMap<String, toml::Value>) -> Option<Result<Protocol, String>> {
        let (_, text) = BUILT_IN.iter().find(|(known, _)| *known == name)?;
        Some(Protocol::parse(name, text, fields))
    }

    /// The same with what choices pay.
    pub fn with_matrix(self, matrix: Option<Vec<Vec<f64>>>) -> Protocol {
        Protocol { matrix, ..self }
    }

    /// What an agent is shown.
    pub fn tell(&self, about: &Told<'_>) -> Result<Prompt, String> {
        let seen = self.seen(about)?;
        let mut messages = Vec::new();
        for part in ["system", "user"] {
            let text = self.render(part, &seen)?;
            if !text.is_empty() {
                messages.push(Message { role: part.into(), text });
            }
        }
        if messages.is_empty() {
            return Err("it tells the agent nothing: both messages are empty".into());
        }
        Ok(Prompt { messages, prefill: self.prefill.clone() })
    }

    /// The same for answers in so many tokens of words, which nothing is made to begin.
    pub fn for_words(&self, max_tokens: u32) -> Protocol {
        Protocol { max_tokens, prefill: String::new(), ..self.clone() }
    }

    /// What is so, for questions about it: the protocol's scene, or all that an agent is told where it has none.
    pub fn scene(&self, about: &Told<'_>) -> Result<String, String> {
        match self.has_scene {
            true => self.render("scene", &self.seen(about)?),
            false => {
                let texts: Vec<String> = self.tell(about)?.messages.into_iter().map(|message| message.text).collect();
                Ok(texts.join("\n\n"))
            }
        }
    }

    fn render(&self, part: &str, seen: &Value) -> Result<String, String> {
        let template = self.templates.get_template(part).expect("all were added");
        let text = template.render(seen).map_err(|error| format!("messages.{part}: {}", words(&error)))?;
        Ok(text.trim().to_string())
    }

    /// What templates see.
    fn seen(&self, about: &Told<'_>) -> Result<Value, String> {
        let word = |name: u16| about.names[name as usize].clone();
        let paid = |round: &Round| match &self.matrix {
            Some(matrix) => matrix[usize::from(round[0])][usize::from(round[1])],
            None if round[0] == round[1] => about.payoff.success,
            None => about.payoff.failure,
        };
        let number = |x: f64| if x.fract() == 0.0 && x.abs() < 1e15 { Value::from(x as i64) } else { Value::from(x) };
        let memory: Vec<Value> = (1..)
            .zip(about.window)
            .map(|(i, round)| {
                context! { number => i, own => word(round[0]), partner => word(round[1]), payoff => number(paid(round)), success => round[0] == round[1] }
            })
            .collect();
        let pair = |own: u16, partner: u16| {
            let (paid, other) = (number(paid(&[own, partner])), number(paid(&[partner, own])));
            context! { own => word(own), partner => word(partner), paid => paid, partner_paid => other }
        };
        // As many as there are names squared, so only where they are told.
        let shown: &[u16] = if self.matrix.is_some() { about.order } else { &[] };
        let pairs: Vec<Value> = shown.iter().flat_map(|&own| shown.iter().map(move |&partner| pair(own, partner))).collect();
        let fields = Value::from_pairs(self.fields.iter().map(|(key, value)| (key.clone(), told(value))));
        let seen = context! {
            names => about.order.iter().map(|&name| word(name)).collect::<Vec<_>>(),
            payoff => context! { success => number(about.payoff.success), failure => number(about.payoff.failure) },
            pairs => pairs,
            memory => memory,
            round => about.window.len() + 1,
            score => number(about.window.iter().map(paid).sum()),
            facts => about.facts.map(plain),
            ..fields
        };
        if !self.has_scene {
            return Ok(seen);
        }
        let scene = self.render("scene", &seen)?;
        Ok(context! { scene => scene, ..seen })
    }

    /// Reads an answer in words. `prefilled` says that the answer was made to begin with the protocol's prefill, `how` that
    /// it was confined to another format than the protocol's.
    pub fn hear(&self, names: &[String], words: AnswerWords<'_>, prefilled: bool, how: Option<Read>) -> Heard {
        let begun = if prefilled { self.prefill.as_str() } else { "" };
        answer::hear(how.unwrap_or(self.read), self.strict, names, begun, words)
    }

    /// What an answer would be that follows the protocol and says a name, after the prefill.
    fn obedient(&self, name: &str) -> Vec<String> {
        let json = serde_json::to_string(name).expect("a name is text");
        match self.read {
            Read::Value => vec![format!("{{'value': '{name}'; 'reason': 'it paid'}}"), format!("{{\"value\": {json}}}")],
            Read::Word => vec![name.to_string()],
            Read::Mention => vec![format!("I choose {name}.")],
        }
    }

    /// Tries every name of a pool through what an agent is told and how it is read. An error names one that an agent could
    /// never say; what is returned may be in its way.
    pub fn try_names(&self, names: &[String], payoff: Payoff) -> Result<Vec<String>, String> {
        for (place, name) in names.iter().enumerate() {
            for text in self.obedient(name) {
                let heard = self.hear(names, AnswerWords { text: &text, ..AnswerWords::default() }, false, None).name;
                let why = match heard {
                    Ok(read) if read as usize == place => continue,
                    Ok(read) => format!("is read as `{}`", names[read as usize]),
                    Err(Unusable::SeveralNames) => "is read as several names".into(),
                    Err(why) => format!("cannot be read: such answers {}", why.words()),
                };
                return Err(format!(
                    "the name `{name}` could never be said: the answer {text} {why}; choose another name, or another `answer.read`"
                ));
            }
        }
        let order: Vec<u16> = (0..names.len() as u16).collect();
        let prompt = self.tell(&Told { names, order: &order, payoff, window: &[], facts: None })?;
        let told =
            normal(&prompt.messages.iter().map(|message| message.text.as_str()).collect::<Vec<_>>().join("\n")).to_lowercase();
        let mut out = Vec::new();
        if let Some(name) = names.iter().find(|name| !told.contains(&normal(name).to_lowercase())) {
            out.push(format!("protocol `{}` does not show the name `{name}` to an agent that remembers nothing", self.name));
        }
        // A token is seldom more than six characters, and the format around a name takes some, too.
        let around = if self.read == Read::Value { 4 } else { 0 };
        let least = |name: &String| name.chars().count().div_ceil(6) + around;
        if let Some(name) = names.iter().find(|name| least(name) > self.max_tokens as usize) {
            out.push(format!(
                "the name `{name}` hardly fits into the {} tokens of an answer in words (`answer.max_tokens` of protocol `{}`)",
                self.max_tokens, self.name
            ));
        }
        Ok(out)
    }

    /// The same of what seats of a scene may be told: some of it, and all options that go with it.
    pub fn digest_of(&self, samples: &[Facts], payoff: Payoff) -> Result<u64, String> {
        let mut hash = 0;
        for Facts { names, view, .. } in samples {
            let order: Vec<u16> = (0..names.len() as u16).collect();
            let prompt = self.tell(&Told { names, order: &order, payoff, window: &[], facts: Some(view) })?;
            let strict = if self.strict { " strict" } else { "" };
            let text = format!("{prompt:?} {:?} {} {:?}{strict}", self.read, self.tries, self.order);
            hash = text.bytes().fold(hash, |hash, byte| crate::seed::mix(hash ^ u64::from(byte)));
        }
        Ok(hash)
    }

    /// Everything that decides what agents are told and how they are read, for the plan.
    pub fn digest(&self, names: &[String], payoff: Payoff) -> Result<u64, String> {
        let order: Vec<u16> = (0..names.len() as u16).collect();
        let last = names.len() as u16 - 1;
        let mut hash = 0;
        for window in [&[][..], &[[0, 0]], &[[0, last], [last, 0]], &[[0, last]; 7]] {
            let prompt = self.tell(&Told { names, order: &order, payoff, window, facts: None })?;
            let strict = if self.strict { " strict" } else { "" };
            let text = format!("{prompt:?} {:?} {} {:?}{strict}", self.read, self.tries, self.order);
            hash = text.bytes().fold(hash, |hash, byte| crate::seed::mix(hash ^ u64::from(byte)));
        }
        Ok(hash)
    }
}

/// A protocol inside this program, with what it is like written out.
fn whole(text: &str) -> toml::Table {
    let mut table: toml::Table = text.parse().expect("built-in protocols are tables");
    let Some(like) = table.remove("like") else { return table };
    let base = BUILT_IN.iter().find(|(name, _)| like.as_str() == Some(name)).expect("built-in protocols are like others");
    let mut base = whole(base.1);
    merge(&mut base, table);
    base
}

/// Writes a table over another, key by key.
fn merge(into: &mut toml::Table, from: toml::Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(toml::Value::Table(old)), toml::Value::Table(new)) => merge(old, new),
            (_, value) => drop(into.insert(key, value)),
        }
    }
}

/// A fact as a template sees it.
fn plain(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::from(()),
        serde_json::Value::Bool(yes) => Value::from(*yes),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::from(whole),
            (None, Some(x)) if x.fract() == 0.0 && x.abs() < 1e15 => Value::from(x as i64),
            (None, x) => Value::from(x.unwrap_or(f64::NAN)),
        },
        serde_json::Value::String(text) => Value::from(text.clone()),
        serde_json::Value::Array(list) => Value::from(list.iter().map(plain).collect::<Vec<_>>()),
        serde_json::Value::Object(map) => Value::from_pairs(map.iter().map(|(key, value)| (key.clone(), plain(value)))),
    }
}

/// A field as a template sees it.
fn told(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::from(text.clone()),
        toml::Value::Integer(number) => Value::from(*number),
        toml::Value::Float(number) => Value::from(*number),
        toml::Value::Boolean(yes) => Value::from(*yes),
        toml::Value::Array(list) => Value::from(list.iter().map(told).collect::<Vec<_>>()),
        toml::Value::Table(table) => Value::from_pairs(table.iter().map(|(key, value)| (key.clone(), told(value)))),
        toml::Value::Datetime(time) => Value::from(time.to_string()),
    }
}

fn words(error: &minijinja::Error) -> String {
    let line = error.line().map_or(String::new(), |line| format!(" in line {line} of the template"));
    format!("{}{line}", error.detail().map_or_else(|| error.kind().to_string(), |detail| format!("{}: {detail}", error.kind())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        vec!["Q".into(), "M".into()]
    }

    fn tell(protocol: &Protocol, order: &[u16], window: &[Round]) -> Vec<String> {
        let prompt = protocol.tell(&Told { names: &names(), order, payoff: Payoff::default(), window, facts: None }).unwrap();
        prompt.messages.into_iter().map(|message| message.text).collect()
    }

    #[test]
    fn the_published_protocol_tells_what_it_told() {
        let protocol = Protocol::built_in("ashery2025", &BTreeMap::new()).unwrap().unwrap();
        let [system, user] = &tell(&protocol, &[1, 0], &[])[..] else { panic!("two messages") };
        assert!(system.contains("['M', 'Q']") && !system.contains("rounds so far"), "{system}");
        assert!(system.contains("100 points") && system.contains("-50 points") && system.contains("100 rounds"), "{system}");
        assert!(system.contains("now round 1. Your score is 0."));
        assert!(user.contains("Player 1") && user.contains("round 1"), "{user}");
        let [system, _] = &tell(&protocol, &[0, 1], &[[0, 1], [1, 1]])[..] else { panic!("two messages") };
        // Rounds and score are local to the window.
        assert!(system.contains("{'round': 1, 'Player 1': 'Q', 'Player 2': 'M', 'payoff': -50}\n"), "{system}");
        assert!(system.contains("{'round': 2, 'Player 1': 'M', 'Player 2': 'M', 'payoff': 100}\n"), "{system}");
        assert!(system.contains("now round 3. Your score is 50."), "{system}");
        let five = tell(&protocol, &[0, 1], &[[0, 0]; 5]).concat();
        assert!((900..1400).contains(&five.len()) && five.contains("round 6"), "{} characters", five.len());
    }

    #[test]
    fn committed_runs_show_both_players_one_order() {
        let names = 10;
        let of = |name| Protocol::built_in(name, &BTreeMap::new()).unwrap().unwrap().order;
        let orders = |order: Order, seat| (0..50).map(|t| order.shown(Seed(3), t, seat, names)).collect::<Vec<_>>();
        assert_eq!(orders(of("ashery2025-committed"), 0), orders(of("ashery2025-committed"), 1));
        assert_ne!(orders(of("ashery2025"), 0), orders(of("ashery2025"), 1));
    }

    #[test]
    fn a_latin_square_puts_every_option_in_every_place_equally_often() {
        let mut counts = [[0; 5]; 5];
        for t in 0..50 {
            for (place, &name) in Order::LatinSquare.shown(Seed(8), t, 1, 5)[0].iter().enumerate() {
                counts[place][name as usize] += 1;
            }
        }
        assert_eq!(counts, [[10; 5]; 5]);
    }

    #[test]
    fn fields_can_be_changed_and_mistakes_are_found() {
        let fields = BTreeMap::from([("partner".to_string(), toml::Value::from("Bob"))]);
        let protocol = Protocol::built_in("ashery2025", &fields).unwrap().unwrap();
        assert!(tell(&protocol, &[0, 1], &[[0, 1]]).concat().contains("'Bob': 'M'"));
        let error = |name, fields: &[(&str, i64)]| {
            let fields = fields.iter().map(|(key, value)| (key.to_string(), toml::Value::from(*value))).collect();
            Protocol::built_in(name, &fields).unwrap().unwrap_err()
        };
        assert!(error("ashery2025", &[("horizont", 5)]).contains("did you mean `horizon`"));
        let parse = |text: &str| Protocol::parse("mine", text, &BTreeMap::new());
        assert!(parse("format = 1\n[messages]\nuser = \"{% for x in %}\"").unwrap_err().contains("messages.user"));
        let protocol = parse("format = 1\n[messages]\nuser = \"{{ nmes }}\"").unwrap();
        let told = Told { names: &names(), order: &[0, 1], payoff: Payoff::default(), window: &[], facts: None };
        assert!(protocol.tell(&told).unwrap_err().contains("undefined"), "{:?}", protocol.tell(&told));
        assert!(parse("format = 2\n[messages]\nuser = \"x\"").unwrap_err().contains("version 2"));
    }

    /// Numbers that no template holds by itself.
    const ODD: Payoff = Payoff { success: 137.0, failure: -41.0 };

    #[test]
    fn every_skin_tells_every_fact() {
        let names = ["Zor", "Kib", "Wex"].map(String::from);
        let window = [[0, 1], [1, 1], [2, 0], [0, 0]];
        for name in ["ashery2025", "one-word"].into_iter().chain(skins()) {
            let protocol = Protocol::built_in(name, &BTreeMap::new()).unwrap().unwrap();
            let about = Told { names: &names, order: &[2, 0, 1], payoff: ODD, window: &window, facts: None };
            let all: Vec<String> = protocol.tell(&about).unwrap().messages.into_iter().map(|message| message.text).collect();
            for text in [protocol.scene(&about).unwrap(), all.join("\n")] {
                assert!(text.contains("['Wex', 'Zor', 'Kib']"), "{name}: {text}");
                // Before the memory is told, both payoffs stand in the rules.
                let rules = &text[..text.find("'Kib']").unwrap() + 700.min(text.len() - text.find("'Kib']").unwrap())];
                assert!(rules.contains("137") && rules.contains("-41"), "{name}: {rules}");
                for (i, [own, partner]) in window.iter().enumerate() {
                    let paid = if own == partner { "137" } else { "-41" };
                    let (own, partner) = (&names[*own as usize], &names[*partner as usize]);
                    let told = text.lines().any(|line| {
                        let place = |word: &str| line.find(word);
                        let both = place(own).zip(line.rfind(partner.as_str()));
                        let number = line.contains(&format!("{}", i + 1));
                        both.is_some_and(|(a, b)| a < b) && number && line.contains(paid)
                    });
                    assert!(told, "{name}: round {} is not told in\n{text}", i + 1);
                }
                assert!(text.contains('5') && (name == "one-word" || text.contains("192")), "{name}: round 5, score 192: {text}");
            }
            let scene = protocol.scene(&about).unwrap();
            assert!(scene.contains("192") && !scene.contains("value'"), "{name}: {scene}");
        }
    }

    #[test]
    fn skins_are_one_game_and_have_no_word_of_games() {
        for name in skins() {
            let protocol = Protocol::built_in(name, &BTreeMap::new()).unwrap().unwrap();
            let ashery = Protocol::built_in("ashery2025", &BTreeMap::new()).unwrap().unwrap();
            assert_eq!(
                (protocol.read, &protocol.prefill, protocol.order, protocol.tries),
                (ashery.read, &ashery.prefill, ashery.order, ashery.tries)
            );
            let text = tell(&protocol, &[0, 1], &[[0, 1]]).concat().to_lowercase();
            for word in ["game", "player", "coordinat", "convention", "payoff", "partnership", "reward", "win ", "lose", "points"]
            {
                assert!(!text.contains(word), "{name} says `{word}`");
            }
            assert!(text.contains("100"), "{name}: as long as the published game");
        }
        assert_eq!(skins().count(), 5);
    }

    #[test]
    fn the_scene_is_part_of_what_is_told_and_its_absence_too() {
        let protocol = Protocol::built_in("ashery2025", &BTreeMap::new()).unwrap().unwrap();
        let about = Told { names: &names(), order: &[0, 1], payoff: Payoff::default(), window: &[[0, 1]], facts: None };
        let scene = protocol.scene(&about).unwrap();
        assert!(tell(&protocol, &[0, 1], &[[0, 1]])[0].starts_with(&scene) && scene.ends_with("Your score is -50."));
        assert_eq!(protocol.nouns.partner.as_deref(), Some("Player 2"));
        let plain = Protocol::parse("mine", "format = 1\n[messages]\nuser = \"{{ names[0] }}\"", &BTreeMap::new()).unwrap();
        assert_eq!(plain.scene(&about).unwrap(), "Q");
    }

    #[test]
    fn every_built_in_protocol_can_be_told_with_any_window() {
        for (name, _) in BUILT_IN {
            let protocol = Protocol::built_in(name, &BTreeMap::new()).unwrap().unwrap();
            // Those of scenes tell what the scene gives them, with which they are tried where agents are built.
            if protocol.game.as_deref().is_some_and(|game| game != "matrix") {
                continue;
            }
            for window in [&[][..], &[[0, 1]; 5]] {
                assert!(tell(&protocol, &[0, 1], window).concat().contains('Q'), "{name}");
            }
        }
    }
}
