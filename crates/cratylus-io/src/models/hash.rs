//! Hashes of texts.

use sha2::{Digest, Sha256};

/// The first 128 bits of the SHA-256, in hex: enough to tell texts apart.
pub fn sha(text: &[u8]) -> String {
    Sha256::digest(text).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
