//! Files that others wrote, read by libraries that others wrote.

use cratylus_core::fault::{Fault, at};
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Reads a file with a library; some of them panic on some damages, and a damaged file is an error.
pub fn read_file<T, E: Display>(what: &str, path: &Path, read: impl FnOnce() -> Result<T, E>) -> Result<T, Fault> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(read) => read.map_err(at(&format!("this is not {what}:"), path)),
        Err(_) => Err(Fault(format!("this is not {what}: {} is damaged", path.display()))),
    }
}
