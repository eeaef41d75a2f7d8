//! `cratylus list` and `cratylus schema`: what there is.

use crate::caller::{print, print_json, registry};
use crate::failure::Failure;
use crate::shipped::SHIPPED;
use crate::words::{claim, table};
use clap::{Args, ValueEnum};
use cratylus_audit::audits;
use cratylus_core::Seed;
use cratylus_core::agents::emulated;
use cratylus_core::experiment::schema;
use cratylus_core::language::held_out;
use cratylus_core::language::protocol::{BUILT_IN, Protocol, skins};
use cratylus_core::meeting::networks::spec::NetworkSpec;
use cratylus_core::messages::measure as messages;
use cratylus_core::spec::{AgentEntry, GameEntry};
use cratylus_io::question::QuestionKind;
use cratylus_io::store::columns;
use serde_json::{Value, json};

/// List what there is to choose from.
#[derive(Args)]
#[command(after_help = "Examples:\n  cratylus list agents\n  cratylus list columns")]
pub struct List {
    what: What,
    /// Print the columns as a page of Markdown.
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    /// Print the list as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    Games,
    Agents,
    /// The emulated models inside this program.
    Models,
    Networks,
    Measures,
    /// What `cratylus measure` says of messages.
    MessageMeasures,
    /// The columns of the tables in a run directory.
    Columns,
    Audits,
    /// The experiments that are shipped, with what they claim; `cratylus init --from NAME` writes one.
    Experiments,
    /// What a corpus can be made of.
    Ingredients,
    /// What can be asked of models that are trained here.
    Probes,
    /// What agents of live models can be told.
    Protocols,
    /// The protocols that tell the published game in other words.
    Skins,
    /// Invented names that no model can have met as names.
    HeldOutNames,
}

/// Games of networks that learn to signal.
const NETWORK_GAMES: [(&str, &str); 3] = [
    (
        "reconstruction",
        "the receiver says what the sender saw, attribute by attribute (agents: gru, lstm, rnn, feed-forward; files with `[channel]`)",
    ),
    (
        "discrimination",
        "the receiver chooses what the sender saw among candidates (agents: gru, lstm, rnn, feed-forward; files with `[channel]`)",
    ),
    (
        "contrastive",
        "the receiver chooses another item of the class of what the sender saw (agents: gru, lstm, rnn, feed-forward; files with `[channel]`)",
    ),
];

/// Networks that learn to signal.
const NETWORKS: [(&str, &str); 4] = [
    ("gru", "a network of gated recurrent units that learns to signal (games: reconstruction, discrimination, contrastive)"),
    ("lstm", "the same with long short-term memory"),
    ("rnn", "the same with a plain recurrent network"),
    ("feed-forward", "the same without a cell, for messages of one symbol"),
];

/// Audits of networks that learnt to signal.
const SIGNAL_AUDITS: [(&str, &str); 3] = [
    ("message-used", "of networks that learnt to signal: do receivers use messages, and does the game need them?"),
    (
        "code-structure",
        "of networks that learnt to signal: are messages more structured than codes by chance, and than those of untrained senders?",
    ),
    ("shared-code", "of networks that learnt to signal: one language, or a code for each direction?"),
];

impl List {
    pub fn go(self) -> Result<(), Failure> {
        if self.markdown {
            return match self.what {
                What::Columns => print(columns::page().trim_end()),
                _ => Err(Failure::input("only columns are printed as Markdown: `cratylus list columns --markdown`".to_string())),
            };
        }
        let pair = |name: &str, words: &str| (name.to_string(), words.to_string());
        let all: Vec<(String, String)> = match self.what {
            What::Games => {
                let registry = registry();
                let told = |game: &GameEntry| format!("{} (agents: {})", game.words, registry.players(game.name).join(", "));
                let networks = NETWORK_GAMES.iter().map(|(name, words)| pair(name, words));
                registry.games.iter().map(|game| pair(game.name, &told(game))).chain(networks).collect()
            }
            What::Agents => {
                let registry = registry();
                let told = |agents: &AgentEntry| format!("{} (games: {})", agents.words, registry.played(agents.name).join(", "));
                let networks = NETWORKS.iter().map(|(name, words)| pair(name, words));
                registry.agents.iter().map(|agents| pair(agents.name, &told(agents))).chain(networks).collect()
            }
            What::Models => emulated::built_in().iter().map(|model| (model.name.clone(), model.words())).collect(),
            What::Networks => NetworkSpec::KINDS.iter().map(|(name, words)| pair(name, words)).collect(),
            What::Measures => registry().measures.iter().map(|entry| pair(entry.name, entry.words)).collect(),
            What::MessageMeasures => messages::ALL.iter().map(message_measure).collect(),
            What::Experiments => SHIPPED.iter().map(|(name, text)| pair(name, &claimed(text))).collect(),
            What::Columns => columns::ALL.iter().map(described).collect(),
            What::Ingredients => cratylus_neural::corpus::ALL.iter().map(|entry| pair(entry.name, entry.words)).collect(),
            What::Probes => cratylus_neural::probes::ALL.iter().map(|entry| pair(entry.name, entry.words)).collect(),
            What::Audits => {
                let questions = QuestionKind::ALL
                    .iter()
                    .map(|audit| (audit.name().to_string(), format!("with a model to question: {}", audit.words())));
                let told = |entry: &cratylus_audit::case::AuditEntry| match audits::not_safe(entry.name) {
                    Some(why) => pair(entry.name, &format!("{} ({why})", entry.words)),
                    None => pair(entry.name, entry.words),
                };
                let signals = SIGNAL_AUDITS.iter().map(|(name, words)| pair(name, words));
                audits::ALL.iter().map(told).chain(questions).chain(signals).collect()
            }
            What::Protocols => protocols(BUILT_IN.iter().map(|(name, _)| *name)),
            What::Skins => protocols(skins()),
            What::HeldOutNames => {
                let words = held_out::pronounceable(10, Seed(1)).into_iter().map(|name| (name, "can be spoken".into()));
                words.chain(held_out::strings(10, Seed(1)).into_iter().map(|name| (name, "a random string".into()))).collect()
            }
        };
        if self.json {
            let all: Vec<Value> = all.iter().map(|(name, words)| json!({ "name": name, "words": words })).collect();
            return print_json(&all);
        }
        print(table(&all.into_iter().map(|(name, words)| vec![name, words]).collect::<Vec<_>>(), &[]))
    }
}

/// A column with its table, its type, when it is there, and what it says.
fn described(one: &columns::Described) -> (String, String) {
    let when = if one.when.is_empty() { String::new() } else { format!(" (where {})", one.when) };
    (format!("{}.{}", one.table, one.column), format!("{}: {}{when}", one.holds.word(), one.words))
}

/// What an experiment claims, without the words around it.
fn claimed(text: &str) -> String {
    let claim = claim(text);
    claim.trim_start_matches("Claim: ").split(" Takes ").next().unwrap_or("").to_string()
}

/// A measure of messages with its source.
fn message_measure(one: &messages::Definition) -> (String, String) {
    let of_each = if one.each_attribute { "of each attribute: " } else { "" };
    let source = if one.source.is_empty() { String::new() } else { format!(" ({})", one.source) };
    (one.name.to_string(), format!("{of_each}{}{source}", one.what))
}

/// Protocols inside this program and what they are.
fn protocols(names: impl Iterator<Item = &'static str>) -> Vec<(String, String)> {
    let parsed = names.map(|name| Protocol::built_in(name, &Default::default()));
    let all = parsed.map(|protocol| protocol.expect("it is known").expect("built-in protocols are whole"));
    all.map(|protocol| (protocol.name, protocol.words)).collect()
}

/// Print the JSON schema of an experiment file, for editors.
#[derive(Args)]
#[command(after_help = "Example:\n  cratylus schema > experiment.schema.json")]
pub struct Schema {
    /// Taken for the sake of scripts; a schema is JSON anyway.
    #[arg(long)]
    json: bool,
}

impl Schema {
    pub fn go(self) -> Result<(), Failure> {
        let _ = self.json;
        print_json(&schema(&registry()))
    }
}
