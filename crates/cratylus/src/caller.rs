//! Who called a verb, and where its results go: a terminal, or a program in another language.

use crate::failure::Failure;
use cratylus_core::brought::Outside;
use cratylus_core::spec::Registry;
use cratylus_io::conduct::hold;
use cratylus_io::conduct::job::Refused;
use cratylus_io::conduct::progress::Progress;
use std::cell::RefCell;
use std::fmt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What a caller in another language sees of a verb that takes long, and how it stops it.
pub struct Caller {
    /// Set by the caller: stop in good order.
    pub stop: Arc<AtomicBool>,
    /// Agents and games that it brings along.
    pub outside: Outside,
    /// Called a few times a second.
    pub watch: Box<dyn Fn(&Progress)>,
}

thread_local! {
    /// The caller of the verb that this thread runs, and what it printed so far.
    static CALLER: RefCell<Option<(Rc<Caller>, String)>> = const { RefCell::new(None) };
}

/// The caller of the verb that this thread runs, where there is one.
pub fn caller() -> Option<Rc<Caller>> {
    CALLER.with_borrow(|caller| caller.as_ref().map(|(caller, _)| caller.clone()))
}

/// All that an experiment can name here: what the crates hold, and what the caller of this thread brings along.
pub fn registry() -> Arc<Registry> {
    let outside = caller().map(|caller| caller.outside.clone()).unwrap_or_default();
    Arc::new(Registry { outside, ..cratylus_core::experiment::registry() })
}

/// Does something for a caller, and gives what it printed.
pub fn on_behalf<T>(caller: Caller, done: impl FnOnce() -> T) -> (T, String) {
    CALLER.set(Some((Rc::new(caller), String::new())));
    let done = done();
    let (_, printed) = CALLER.take().expect("it was just set");
    (done, printed)
}

/// Writes JSON to stdout, in which nothing that a model or a server said can steer a terminal.
pub fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    print(cratylus_io::models::http::escaped_json(&serde_json::to_string_pretty(value).expect("results are plain data")))
}

/// Writes a result to stdout. A reader that has gone away, such as `head`, is no failure.
pub fn print(text: impl fmt::Display) -> Result<(), Failure> {
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

/// Another process has a folder.
pub fn held(dir: &Path, holder: &str) -> Failure {
    Failure::run(format!("{} is being written by {holder}; wait for it, or choose another `--out`", dir.display()))
}

/// Moves a directory to the first free name beside it.
pub fn set_aside(dir: &Path) -> Result<(), Failure> {
    if !dir.exists() {
        return Ok(());
    }
    // Not from under a process that is writing into it.
    if let Err(Refused::Held(holder)) = hold(dir) {
        return Err(held(dir, &holder));
    }
    let name = dir.file_name().map_or_else(|| "run".into(), |name| name.to_string_lossy().into_owned());
    let aside =
        (1..).map(|i| dir.with_file_name(format!("{name}.before-{i}"))).find(|path| !path.exists()).expect("numbers do not end");
    std::fs::rename(dir, &aside)
        .map_err(|error| Failure::run(format!("moving {} to {}: {error}", dir.display(), aside.display())))?;
    eprintln!("what {} held is now in {}", dir.display(), aside.display());
    Ok(())
}

/// The text of a file, and the folder that it is in.
pub fn text_of(file: &Path) -> Result<(String, PathBuf), Failure> {
    let bytes = std::fs::read(file).map_err(|error| Failure::input(format!("cannot read {}: {error}", file.display())))?;
    let text = cratylus_io::text::decode(&bytes).map_err(|why| Failure::input(format!("{} {why}", file.display())))?;
    Ok((text, file.parent().map_or_else(PathBuf::new, Path::to_path_buf)))
}

/// What stands in the way of writing into a folder, in words.
pub fn in_the_way(refused: Refused, dir: &Path, what: &str, again: &str) -> Failure {
    match refused {
        Refused::Changed(differs) => {
            Failure::input(format!("{} holds another {what}; what differs:\n  {}", dir.display(), differs.join("\n  "))).help(
                if what == "training" {
                    "`--out` names another folder; `--fresh` moves this one aside"
                } else {
                    "`--out` names another folder"
                },
            )
        }
        Refused::Held(holder) => held(dir, &holder),
        Refused::Interrupted => Failure { code: 130, message: format!("interrupted; go on with\n  {again}") },
        Refused::Spent(what) => Failure::run(what),
        Refused::Fault(fault) => fault.into(),
    }
}
