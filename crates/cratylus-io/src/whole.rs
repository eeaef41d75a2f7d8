//! Files that are there whole or not at all, the paths between them, and the time.

use cratylus_core::fault::{Fault, at};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// A time, as RFC 3339 in UTC.
pub fn as_text(time: std::time::SystemTime) -> String {
    let since = time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let time = chrono::DateTime::<chrono::Utc>::from_timestamp(since.as_secs() as i64, 0).unwrap_or_default();
    time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// The present, likewise.
pub fn now() -> String {
    chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// Writes a file so that its name holds the old content or the new one, never a part.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    write_whole_by(path, |file| file.write_all(bytes).map_err(at("writing", path)))
}

/// The same of content that is written piece by piece.
pub(crate) fn write_whole_by(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<(), Fault>) -> Result<(), Fault> {
    let temporary = crate::whole::temporary(path);
    let all = || {
        let mut file = BufWriter::new(File::create(&temporary).map_err(at("writing", path))?);
        write(&mut file)?;
        let file = file.into_inner().map_err(at("writing", path))?;
        file.sync_all().and_then(|()| std::fs::rename(&temporary, path)).map_err(at("writing", path))
    };
    let written = all();
    if written.is_err() {
        // A part of it is of no use, and may fill the disk.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

/// The way from one folder to another, where both exist.
pub fn relative(from: &Path, to: &Path) -> Option<PathBuf> {
    let to = if to.as_os_str().is_empty() { Path::new(".") } else { to };
    let (from, to) = (from.canonicalize().ok()?, to.canonicalize().ok()?);
    let common = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(common).map(|_| std::path::Component::ParentDir);
    Some(up.chain(to.components().skip(common)).collect())
}

/// The name that a file has while it is being written.
pub fn temporary(path: &Path) -> PathBuf {
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    // Several processes may write into one directory.
    path.with_file_name(format!(".{name}.{}.tmp", std::process::id()))
}
