//! What to say of a command line that cannot be understood, where the parser's own tip would lead astray. What is right
//! is absent: that is the parser's.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, Error};

/// Keys of an experiment that are often taken for options, with what they are called in it.
const KEYS: [[&str; 2]; 12] = [
    ["replicas", "replicas"],
    ["runs", "replicas"],
    ["seed", "seed"],
    ["name", "name"],
    ["size", "population.size"],
    ["agents", "population.size"],
    ["memory", "game.memory"],
    ["names", "game.names"],
    ["model", "agents.model"],
    ["endpoint", "agents.endpoint"],
    ["rounds", "stop.rounds"],
    ["network", "population.network.kind"],
];

/// What was meant, perhaps. None where the parser says it well enough.
pub fn of(program: &Command, error: &Error, arguments: &[String]) -> Option<String> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    let verb = arguments.iter().skip(1).find_map(|word| program.find_subcommand(word));
    match error.kind() {
        ErrorKind::InvalidSubcommand if verb.is_none() => {
            let word = text(ContextKind::InvalidSubcommand)?;
            let verbs = program.get_subcommands().map(|verb| verb.get_name().to_string());
            let help = match word.as_str() {
                "start" | "play" | "simulate" | "exec" => "did you mean `run`?".to_string(),
                "compare" | "diff" | "plot" => "`cratylus view` shows runs beside one another, with pictures".to_string(),
                "validate" | "test" | "verify" => "did you mean `check` (an experiment), or `replay` (its results)?".to_string(),
                _ => match nearest(&word, verbs) {
                    Some(verb) => format!("did you mean `{verb}`?"),
                    None => "`cratylus --help` lists the verbs".to_string(),
                },
            };
            Some(format!("error: there is no verb `{word}`\n  help: {help}"))
        }
        ErrorKind::UnknownArgument => {
            let word = text(ContextKind::InvalidArg)?;
            let verb = verb?;
            let at = arguments.iter().position(|argument| argument.split('=').next() == word.split('=').next());
            let before = at.and_then(|at| arguments.get(at.checked_sub(2)?..at));
            // The value stands in the same word, or in the next.
            let value = || {
                let here = at.and_then(|at| arguments[at].split_once('=')).map(|(_, value)| value.to_string());
                let next = || at.and_then(|at| arguments.get(at + 1)).filter(|next| !next.starts_with('-')).cloned();
                here.or_else(next).unwrap_or_else(|| "…".into())
            };
            let options: Vec<String> =
                verb.get_arguments().filter_map(|option| option.get_long()).map(|long| format!("--{long}")).collect();
            let sets = options.iter().any(|option| option == "--set");
            let bare = word.split('=').next().unwrap_or("").trim_start_matches('-').replace('-', "_");
            let help = match (before, word.starts_with("--"), word.starts_with('-')) {
                (Some([set, key]), false, false) if set == "--set" && !key.contains('=') => {
                    format!("a setting is one word: `--set {key}={word}`")
                }
                (_, true, _) if sets && options.iter().all(|option| *option != word) && meant(&bare).is_some() => {
                    format!("keys of the experiment are changed by `--set {}={}`", meant(&bare)?, value())
                }
                (_, true, _) if bare == "verbose" || bare == "debug" => {
                    "there is no such option; all that is known is said".to_string()
                }
                (_, true, _) => match nearest(&word, options.iter().cloned()) {
                    Some(option) => format!("did you mean `{option}`?"),
                    None => format!("there are: {}", options.join(", ")),
                },
                (_, _, true) if bare.chars().count() == 1 => {
                    let whole = options.iter().find(|option| option[2..].starts_with(&bare));
                    let whole = whole.map_or(String::new(), |whole| format!("; did you mean `{whole}`?"));
                    format!("options are written out, as `--out` is{whole}")
                }
                (_, _, false) if arguments.iter().filter(|argument| argument.ends_with(".toml")).count() > 1 => {
                    format!("`{}` takes one experiment at a time", verb.get_name())
                }
                _ => format!("see `cratylus {} --help`", verb.get_name()),
            };
            Some(format!("error: `cratylus {}` takes no `{word}`\n  help: {help}", verb.get_name()))
        }
        ErrorKind::ValueValidation | ErrorKind::InvalidValue if error.to_string().contains("zero for non-zero") => {
            let option = text(ContextKind::InvalidArg)?;
            Some(format!("error: `{}` is at least 1", option.split(' ').next().unwrap_or(&option)))
        }
        _ => None,
    }
}

fn meant(word: &str) -> Option<&'static str> {
    KEYS.iter().find(|[option, _]| *option == word).map(|[_, key]| *key)
}

/// The nearest of some words, if any is near.
fn nearest(word: &str, known: impl Iterator<Item = String>) -> Option<String> {
    let distance = |other: &String| strsim::damerau_levenshtein(word, other);
    let best = known.map(|other| (distance(&other), other)).min()?;
    let near = (best.1.trim_start_matches('-').chars().count() / 2).min(3);
    (best.0 <= near && best.0 > 0).then_some(best.1)
}
