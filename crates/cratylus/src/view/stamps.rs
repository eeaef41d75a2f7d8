//! When a directory last changed.

use crate::experiment::BUILD;
use std::path::Path;

/// What changes when anything in a directory does: the sizes and times of its files, and how many parts there are.
pub fn stamp(dir: &Path) -> String {
    let files = ["manifest.json", "runs.parquet", "findings.json", "parts", "tape", "experiment.toml"];
    files.iter().map(|file| one_stamp(&dir.join(file))).collect::<Vec<_>>().join(" ")
}

/// The same of one file.
pub fn one_stamp(path: &Path) -> String {
    let Ok(about) = std::fs::symlink_metadata(path) else { return String::from("-") };
    let when = about.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    format!("{}.{}", about.len(), when.map_or(0, |when| when.as_nanos()))
}

/// The version, for the page.
pub fn version() -> String {
    format!("{} ({})", BUILD.version, BUILD.revision)
}
