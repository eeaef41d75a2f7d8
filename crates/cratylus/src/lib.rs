//! The program: verbs, progress, report. What must stay absent: anything another program would want; that
//! belongs into `cratylus-core` or `cratylus-io`. It is a library so that a verb can be called from another language with
//! its words and its errors; see [`called`].

#![warn(missing_docs)]

mod failure;
mod shipped;
mod words;

mod caller;
mod experiment;
mod findings;
mod message_columns;
mod methods;
mod page;
mod progress;
mod results;
mod rows;
mod scores;
mod tables;
mod tips;

mod signals;

mod doctor;
mod question;
mod report;

mod scenes;

mod audit_plan;

mod study;
mod training;

mod benchmark_page;

mod benchmark;

mod audit;
mod check;
mod compare;
mod fit;
mod import;
mod init;
mod kernel;
mod list;
mod measure;
mod replay;
mod run;
mod store;
#[cfg(feature = "view")]
mod view;

mod merge;
mod plan;

pub use caller::Caller;
pub use failure::Failure;

use caller::on_behalf;
use clap::{CommandFactory, Parser, Subcommand};
use std::process::ExitCode;

/// A laboratory for populations of communicating agents: run them, measure what emerges, audit whether it did.
#[derive(Parser)]
#[command(name = "cratylus", version, propagate_version = true, max_term_width = 100)]
#[command(
    after_help = "Example:\n  cratylus run experiments/consensus.toml\n\nStart with `cratylus init`, and see `cratylus list games`."
)]
struct Program {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Run(run::Run),
    Audit(Box<audit::Audit>),
    Check(check::Check),
    Plan(plan::Plan),
    Merge(merge::Merge),
    Doctor(doctor::Doctor),
    Report(report::Report),
    Compare(compare::Compare),
    #[cfg(feature = "view")]
    View(view::View),
    Replay(replay::Replay),
    Import(import::Import),
    Measure(measure::Measure),
    Fit(fit::Fit),
    Kernel(kernel::Kernel),
    Corpus(training::CorpusVerb),
    Train(training::Train),
    Tune(training::Tune),
    Probe(training::ProbeVerb),
    Store(store::Store),
    List(list::List),
    Schema(list::Schema),
    Init(init::Init),
}

/// The program as it is started from a command line.
pub fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect();
    let program = match Program::try_parse() {
        Ok(program) => program,
        Err(error) => match tips::of(&Program::command(), &error, &arguments) {
            Some(message) => {
                eprintln!("{message}");
                return ExitCode::from(2);
            }
            None => error.exit(),
        },
    };
    match go(program.verb) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { code, message }) => {
            eprintln!("{message}");
            ExitCode::from(code)
        }
    }
}

/// Calls a verb with its arguments as a command line has them (without the program's name), and gives what it would print.
pub fn called(arguments: &[String], caller: Caller) -> Result<String, Failure> {
    let program = std::iter::once("cratylus").chain(arguments.iter().map(String::as_str));
    let verb = match Program::try_parse_from(program) {
        Ok(program) => program.verb,
        // A question after help or version is answered.
        Err(error) if !error.use_stderr() => return Ok(error.to_string()),
        Err(error) => {
            let words: Vec<String> = std::iter::once("cratylus".to_string()).chain(arguments.iter().cloned()).collect();
            return Err(Failure::input(
                tips::of(&Program::command(), &error, &words).unwrap_or_else(|| error.to_string()).trim_end(),
            ));
        }
    };
    let (done, printed) = on_behalf(caller, || go(verb));
    done.map(|()| printed)
}

fn go(verb: Verb) -> Result<(), Failure> {
    match verb {
        Verb::Run(verb) => verb.go(),
        Verb::Audit(verb) => verb.go(),
        Verb::Check(verb) => verb.go(),
        Verb::Plan(verb) => verb.go(),
        Verb::Merge(verb) => verb.go(),
        Verb::Doctor(verb) => verb.go(),
        Verb::Report(verb) => verb.go(),
        Verb::Compare(verb) => verb.go(),
        #[cfg(feature = "view")]
        Verb::View(verb) => verb.go(),
        Verb::Replay(verb) => verb.go(),
        Verb::Import(verb) => verb.go(),
        Verb::Measure(verb) => verb.go(),
        Verb::Fit(verb) => verb.go(),
        Verb::Kernel(verb) => verb.go(),
        Verb::Corpus(verb) => verb.go(),
        Verb::Train(verb) => verb.go(),
        Verb::Tune(verb) => verb.go(),
        Verb::Probe(verb) => verb.go(),
        Verb::Store(verb) => verb.go(),
        Verb::List(verb) => verb.go(),
        Verb::Schema(verb) => verb.go(),
        Verb::Init(verb) => verb.go(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// The words of a command of a page: what follows in the shell, comments and placeholders left out.
    fn words(line: &str) -> Vec<String> {
        let mut words = shlex::Shlex::new(line).collect::<Vec<_>>();
        let end =
            words.iter().position(|word| ["|", "&&", ">", "2>", "&", ";"].contains(&word.as_str()) || word.starts_with('#'));
        words.truncate(end.unwrap_or(words.len()));
        words.retain(|word| word != "…");
        words
    }

    /// Every command that a page prints is one that the program takes, and every experiment that it names is there.
    #[test]
    fn commands_of_pages_are_taken_as_printed() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let docs = std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
        let pages = docs.filter(|path| path.extension().is_some_and(|end| end == "md")).chain([root.join("README.md")]);
        let mut taken = 0;
        for page in pages {
            let text = std::fs::read_to_string(&page).unwrap().replace("\\\n", " ");
            let mut fenced = false;
            for line in text.lines() {
                if line.trim_start().starts_with("```") {
                    fenced = !fenced;
                    continue;
                }
                let command = line.trim_start().trim_start_matches("$ ");
                let command = match command.split_once(" -- ") {
                    Some((cargo, command)) if cargo.starts_with("cargo run") => format!("cratylus {command}"),
                    _ => command.to_string(),
                };
                // What a shell is to fill in has no value here.
                if !fenced || !command.starts_with("cratylus ") || command.contains('$') {
                    continue;
                }
                let words = words(&command);
                if let Err(error) = Program::try_parse_from(&words)
                    && ![clap::error::ErrorKind::DisplayHelp, clap::error::ErrorKind::DisplayVersion].contains(&error.kind())
                {
                    panic!("{}: {line}\n{error}", page.display());
                }
                for file in words.iter().filter(|word| word.starts_with("experiments/") && word.ends_with(".toml")) {
                    assert!(root.join(file).exists(), "{}: {line}: {file} is not there", page.display());
                }
                taken += 1;
            }
        }
        assert!(taken > 50, "{taken} commands were found");
    }

    /// The site has every page once, and no page links to a file that is not there.
    #[test]
    fn pages_are_listed_once_and_links_lead_to_files() {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
        let listed = std::fs::read_to_string(docs.join("SUMMARY.md")).unwrap();
        for page in std::fs::read_dir(&docs).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()) {
            if let Some("SUMMARY") | None = page.strip_suffix(".md") {
                continue;
            }
            assert_eq!(listed.matches(&format!("]({page})")).count(), 1, "{page} in docs/SUMMARY.md");
            let text = std::fs::read_to_string(docs.join(&page)).unwrap();
            for link in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
                assert!(link.is_empty() || link.contains("://") || docs.join(link).exists(), "{page}: {link} is not there");
            }
        }
    }
}
