//! Other people's data beside the project.

use std::io::Write;
use std::path::{Path, PathBuf};

/// A path of the shared data, or None, visibly, where there is none.
pub fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(path);
    if path.exists() {
        return Some(path);
    }
    skipped(&format!("{} is not there", path.display()));
    None
}

/// Says past the test harness, which keeps what passing tests print to itself, that something was skipped, and why.
#[allow(dead_code, reason = "not every test file skips anything else")]
pub fn skipped(why: &str) {
    std::io::stderr().write_all(format!("SKIPPED: {why}\n").as_bytes()).unwrap();
}
