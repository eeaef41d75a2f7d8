//! Files of models: which there are, what they say, and their hashes.

use cratylus_core::fault::{Fault, at};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// The SHA-256 of a file, in hex.
pub(super) fn sha256(path: &Path) -> std::io::Result<String> {
    let (mut hasher, mut file) = (Sha256::new(), std::fs::File::open(path)?);
    let mut buffer = vec![0; 1 << 16];
    loop {
        match std::io::Read::read(&mut file, &mut buffer)? {
            0 => return Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            n => hasher.update(&buffer[..n]),
        }
    }
}

/// The files of a folder that hold its weights.
pub(super) fn weight_files(path: &Path) -> Result<Vec<PathBuf>, Fault> {
    let (single, index) = (path.join("model.safetensors"), path.join("model.safetensors.index.json"));
    if !index.exists() {
        return match single.exists() {
            true => Ok(vec![single]),
            false => Err(Fault(format!("{} has neither model.safetensors nor its index", path.display()))),
        };
    }
    let map = json(&index)?;
    let names = map["weight_map"].as_object().into_iter().flatten().filter_map(|(_, file)| file.as_str());
    let names: std::collections::BTreeSet<&str> = names.collect();
    if names.is_empty() || names.iter().any(|name| name.contains(['/', '\\'])) {
        return Err(Fault(format!("{} names no files beside it", index.display())));
    }
    Ok(names.into_iter().map(|name| path.join(name)).collect())
}

/// A file of JSON.
pub(super) fn json(path: &Path) -> Result<Json, Fault> {
    let bytes = std::fs::read(path).map_err(at("reading", path))?;
    serde_json::from_slice(&bytes).map_err(at("this is not JSON:", path))
}
