//! `cratylus doctor`: examines a model server and says how it will be asked, and why.

use crate::caller::{print, print_json, registry};
use crate::failure::Failure;
use crate::words::table;
use clap::Args;
use cratylus_core::World;
use cratylus_core::experiment::Document;
use cratylus_core::fault::Fault;
use cratylus_core::language::model::Source;
use cratylus_core::spec::NoInputs;
use cratylus_io::models::backend::Cause;
use cratylus_io::models::doctor::{Depth, Told, examine};
use cratylus_io::models::http::escaped;
use cratylus_io::models::tape::AskedHow;
use std::io::IsTerminal;

/// Examine a model server: what it does with requests, not what it says it does.
///
/// It asks some 200 short questions (log-probabilities and how many, constraints, prefill, seeds,
/// fields that are honoured or ignored, sameness at 1 and at 16 at once, how it chooses in its own
/// words) and says how a run would ask the model, and why. Its exit code is 0 where there is a way.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  cratylus doctor http://127.0.0.1:8080/v1\n  OPENAI_API_KEY=… cratylus doctor https://api.openai.com/v1 --model gpt-4o-mini"
)]
pub struct Doctor {
    /// The server's address [default: CRATYLUS_ENDPOINT of the environment]
    #[arg(value_name = "ENDPOINT")]
    endpoint: Option<String>,
    /// The model's name on the server; the only one there where it is left out.
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// Any other key of an agent of kind `llm`, quoted as TOML; may be given again.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// The names that are to be chosen between, separated by commas.
    #[arg(long, value_name = "NAMES", default_value = "Q,M")]
    names: String,
    /// Only what decides how the model is asked: some 30 questions.
    #[arg(long)]
    quick: bool,
    /// Print the findings as JSON.
    #[arg(long)]
    json: bool,
}

/// An experiment with one kind of model in it, for verbs that question a model outside an experiment.
pub fn world_of(
    names: &str,
    memory: usize,
    endpoint: Option<&str>,
    model: Option<&str>,
    sets: &[String],
    inputs: &dyn cratylus_core::spec::Inputs,
) -> Result<World, Failure> {
    let names: Vec<toml::Value> = names.split(',').map(|name| toml::Value::from(name.trim())).collect();
    let mut agents = toml::Table::from_iter([("kind".to_string(), toml::Value::from("llm"))]);
    for (key, value) in [("endpoint", endpoint), ("model", model)] {
        if let Some(value) = value {
            agents.insert(key.into(), value.into());
        }
    }
    let game = toml::Table::from_iter([
        ("kind".to_string(), toml::Value::from("coordination")),
        ("names".to_string(), names.into()),
        ("memory".to_string(), toml::Value::from(memory as i64)),
    ]);
    let population = toml::Table::from_iter([("size".to_string(), toml::Value::from(2))]);
    let experiment = toml::Table::from_iter([
        ("population".to_string(), population.into()),
        ("game".to_string(), game.into()),
        ("agents".to_string(), agents.into()),
    ]);
    let text = toml::to_string(&experiment).expect("plain values");
    // `--set` names keys of the agents, and may name the game's payoff, too.
    let sets: Vec<String> = sets
        .iter()
        .map(|set| match ["game.", "agents.", "agents=", "control."].iter().any(|key| set.starts_with(key)) {
            true => set.clone(),
            false => format!("agents.{set}"),
        })
        .collect();
    let document = Document::parse_with(&registry(), "--set", &text, &sets).map_err(Failure::input)?;
    let points = document.points().map_err(Failure::input)?;
    World::build(&points[0], inputs).map_err(|(key, why)| Failure::input(document.say_at(&key, why)))
}

impl Doctor {
    pub fn go(self) -> Result<(), Failure> {
        let world = world_of(&self.names, 5, self.endpoint.as_deref(), self.model.as_deref(), &self.sets, &NoInputs)?;
        let (_, model) = world.models().next().expect("the experiment has one model");
        let Source::Server(server) = &model.source else {
            return Err(Failure::input("the doctor examines servers; a model file in this process needs none"));
        };
        let json = self.json;
        let depth = if self.quick { Depth::Quick } else { Depth::Whole };
        let shown = !json && std::io::stderr().is_terminal();
        let examined = examine(server, model, depth, &mut |told| {
            let finding = match told {
                Told::Trying(what) => {
                    if shown {
                        eprint!("\r… {what}\x1b[K");
                    }
                    return;
                }
                Told::Found(finding) => finding,
            };
            if shown {
                eprint!("\r\x1b[K");
            }
            if !json {
                let mark = finding.holds.map_or(" ", |holds| if holds { "✓" } else { "✗" });
                let _ = print(format!("{mark} {:<24} {}", finding.what, escaped(&finding.found)));
            }
        })
        .map_err(|refusal| {
            let unreached = refusal.cause() == Cause::Unreached;
            let failure = Failure::run(Fault::from(refusal));
            if unreached { failure.help("is the server running, and is this its address?") } else { failure }
        })?;
        let failed =
            examined.way.as_ref().err().map(|why| Failure::run(format!("there is no way to ask this model: {}", escaped(why))));
        if self.json {
            print_json(&examined)?;
            return failed.map_or(Ok(()), Err);
        }
        let dialect = cratylus_io::models::server::dialect_name(examined.dialect);
        let mut rows = vec![
            vec!["server".to_string(), format!("{} ({dialect})", examined.endpoint)],
            vec!["model".into(), escaped(&examined.model)],
        ];
        match &examined.way {
            Ok((how, prefill, why)) => {
                rows.push(vec!["asked by".into(), how_words(*how)]);
                rows.push(vec!["prefill".into(), if *prefill { "used" } else { "not used" }.into()]);
                rows.push(vec!["because".into(), escaped(why)]);
            }
            Err(why) => rows.push(vec!["asked by".into(), format!("nothing: {}", escaped(why))]),
        }
        rows.extend(examined.advice.iter().map(|advice| vec!["advice".into(), advice.clone()]));
        print(format!("\nCratylus will ask this server as follows.\n{}", table(&rows, &[])))?;
        failed.map_or(Ok(()), Err)
    }
}

/// How a choice is obtained, for readers.
pub fn how_words(how: AskedHow) -> String {
    match how {
        AskedHow::Exact { listed } => {
            format!("the probability of each name, through all its tokens ({listed} next tokens listed)")
        }
        AskedHow::FirstToken { listed } => format!("the probability of each name's first token ({listed} next tokens listed)"),
        AskedHow::Names => "the probability of each name, as given".into(),
        AskedHow::Constrained { by } => format!(
            "text that the server keeps to the names (by {})",
            serde_json::to_value(by).expect("a word").as_str().unwrap_or("")
        ),
        AskedHow::Scores => "the log-probability of a text".into(),
        AskedHow::Text => "text, read by the protocol".into(),
    }
}
