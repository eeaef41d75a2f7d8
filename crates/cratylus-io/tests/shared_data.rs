//! Tables of other people that are read where they are present: `../shared/data` beside the project.

use cratylus_io::table;
use std::path::{Path, PathBuf};

/// The shared data, or None, visibly, where there is none.
fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(path);
    if path.exists() {
        return Some(path);
    }
    eprintln!("SKIPPED: {} is not there", path.display());
    None
}

#[test]
fn parquet_with_zstd_is_read_without_a_c_library() {
    let Some(path) = shared("ai-norms/interactions.parquet") else { return };
    let table = table::read(&path, None).unwrap();
    assert_eq!(table.rows(), 338_848);
    assert_eq!(table.texts("name_a").unwrap()[0], Some("Q"));
    assert_eq!(table.bools("success").unwrap()[..5], [Some(true), Some(true), Some(false), Some(false), Some(false)]);
    assert_eq!(table.ints("agent_b").unwrap()[..3], [Some(8), Some(9), Some(21)]);
}
