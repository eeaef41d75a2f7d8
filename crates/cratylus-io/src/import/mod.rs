//! What other programs recorded, as run directories.

pub mod ai_norms;
pub mod leakage;
mod pickle;
