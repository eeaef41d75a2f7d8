//! The program: verbs, progress, report. What must stay absent: anything another program would want; that
//! belongs into `cratylus-core` or `cratylus-io`. It is a library so that a verb can be called from another language with
//! its words and its errors; see [`called`].

#![warn(missing_docs)]

mod audit;
mod audit_plan;
mod check;
mod doctor;
mod experiment;
mod fit;
mod import;
mod init;
mod kernel;
mod list;
mod merge;
mod plan;
mod progress;
mod question;
mod replay;
mod report;
mod run;
mod store;
mod tips;
#[cfg(feature = "view")]
mod view;
mod words;

use clap::{Parser, Subcommand};
use cratylus_io::conduct::Progress;
use std::cell::RefCell;
use std::fmt;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

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
    #[cfg(feature = "view")]
    View(view::View),
    Replay(replay::Replay),
    Import(import::Import),
    Fit(fit::Fit),
    Kernel(kernel::Kernel),
    Store(store::Store),
    List(list::List),
    Schema(list::Schema),
    Init(init::Init),
}

/// How a verb failed: with which exit code, and what is said.
#[derive(Debug)]
pub struct Failure {
    /// The exit code: 1 for a run that failed, 2 for what the user can mend.
    pub code: u8,
    /// For the user: one line or more, the first beginning with `error: `.
    pub message: String,
}

impl Failure {
    /// The user can mend it: exit code 2.
    pub fn input(message: impl fmt::Display) -> Failure {
        Failure { code: 2, message: prefixed(message) }
    }

    /// The run failed: exit code 1.
    pub fn run(message: impl fmt::Display) -> Failure {
        Failure { code: 1, message: prefixed(message) }
    }

    /// The same with a way out.
    pub fn help(self, help: &str) -> Failure {
        Failure { message: format!("{}\n  help: {help}", self.message), ..self }
    }
}

fn prefixed(message: impl fmt::Display) -> String {
    let message = message.to_string();
    if message.starts_with("error: ") { message } else { format!("error: {message}") }
}

impl From<cratylus_io::Trouble> for Failure {
    fn from(trouble: cratylus_io::Trouble) -> Failure {
        Failure::run(trouble)
    }
}

/// The program as it is started from a command line.
pub fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect();
    let program = match Program::try_parse() {
        Ok(program) => program,
        Err(error) => match tips::of(&error, &arguments) {
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

/// What a caller in another language sees of a verb that takes long, and how it stops it.
pub struct Caller {
    /// Set by the caller: stop in good order.
    pub stop: Arc<AtomicBool>,
    /// Called a few times a second.
    pub watch: Box<dyn Fn(&Progress)>,
}

thread_local! {
    /// The caller of the verb that this thread runs, and what it printed so far.
    static CALLER: RefCell<Option<(Rc<Caller>, String)>> = const { RefCell::new(None) };
}

/// The caller of the verb that this thread runs, where there is one.
pub(crate) fn caller() -> Option<Rc<Caller>> {
    CALLER.with_borrow(|caller| caller.as_ref().map(|(caller, _)| caller.clone()))
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
            return Err(Failure::input(tips::of(&error, &words).unwrap_or_else(|| error.to_string()).trim_end()));
        }
    };
    CALLER.set(Some((Rc::new(caller), String::new())));
    let done = go(verb);
    let (_, printed) = CALLER.take().expect("it was just set");
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
        #[cfg(feature = "view")]
        Verb::View(verb) => verb.go(),
        Verb::Replay(verb) => verb.go(),
        Verb::Import(verb) => verb.go(),
        Verb::Fit(verb) => verb.go(),
        Verb::Kernel(verb) => verb.go(),
        Verb::Store(verb) => verb.go(),
        Verb::List(verb) => verb.go(),
        Verb::Schema(verb) => verb.go(),
        Verb::Init(verb) => verb.go(),
    }
}

/// Writes JSON to stdout, in which nothing that a model or a server said can steer a terminal.
fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    print(cratylus_io::models::http::escaped_json(&serde_json::to_string_pretty(value).expect("results are plain data")))
}

/// Writes a result to stdout. A reader that has gone away, such as `head`, is no failure.
fn print(text: impl fmt::Display) -> Result<(), Failure> {
    use std::io::Write;
    let kept = CALLER.with_borrow_mut(|caller| match caller {
        Some((_, printed)) => {
            printed.push_str(&format!("{text}\n"));
            true
        }
        None => false,
    });
    if kept {
        return Ok(());
    }
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::run(format!("writing to stdout: {error}"))),
        _ => Ok(()),
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
}
