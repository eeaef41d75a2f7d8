//! Trouble with the world: a disk, a file that is not what it should be. It says what we were doing.

use std::fmt;
use std::path::Path;

/// What went wrong, in words for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble(pub String);

impl Trouble {
    /// Of words that say what we were doing, to what.
    pub fn new(what: impl Into<String>) -> Trouble {
        Trouble(what.into())
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Trouble {}

/// For `map_err`: what we were doing, to which file, and what went wrong.
pub fn at<E: fmt::Display>(doing: &str, path: &Path) -> impl FnOnce(E) -> Trouble {
    let place = format!("{doing} {}", path.display());
    move |error| Trouble(format!("{place}: {error}"))
}
