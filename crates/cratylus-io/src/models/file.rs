//! A model file in this process.

use super::backend::Backend;
use super::tape::Setup;
use crate::world::Trouble;
use cratylus_core::language::model::Model;
use std::path::Path;
use std::sync::Arc;

/// Without the feature there is nothing to run a model file with, and this says so.
pub fn open(path: &Path, _: &Model, _: &str) -> Result<(Arc<dyn Backend>, Setup), Trouble> {
    Err(Trouble(format!(
        "{} is a model file, and this program was built without the means to run one\n  help: build it with `cargo build --release --features in-process`, or serve the file (docs/live-models.md) and give the server's address as `endpoint`",
        path.display()
    )))
}
