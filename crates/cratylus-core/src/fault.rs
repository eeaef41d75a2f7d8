//! What fails outside the laboratory, a model server, a disk, a file that is not what it should be: passed up to whoever can
//! tell the user, with what was being done.

use std::fmt;
use std::path::Path;

/// What went wrong, in words for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(pub String);

impl Fault {
    /// Of words that say what we were doing, to what.
    pub fn new(what: impl Into<String>) -> Fault {
        Fault(what.into())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

/// For `map_err`: what we were doing, to which file, and what went wrong.
pub fn at<E: fmt::Display>(doing: &str, path: &Path) -> impl FnOnce(E) -> Fault {
    let place = format!("{doing} {}", path.display());
    move |error| Fault(format!("{place}: {error}"))
}
