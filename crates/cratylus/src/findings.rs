//! The findings that a run directory keeps.

use crate::failure::Failure;
use cratylus_audit::finding::Finding;
use cratylus_audit::verdict::Verdict;
use serde::{Deserialize, Serialize};
use std::path::Path;

pub const FINDINGS: &str = "findings.json";

/// The version of the layout of findings.json.
pub const FORMAT: u32 = 1;

/// The layout of findings.json in directories of scenes.
pub const SCENES: &str = "cratylus-scene-findings/1";

/// What is kept in findings.json.
#[derive(Serialize, Deserialize)]
pub struct Kept {
    pub format: u32,
    pub version: String,
    pub seed: u64,
    pub populations: u64,
    /// The margin of shares of wins.
    pub margin: f64,
    /// The audits that were asked; empty for all.
    pub only: Vec<String>,
    pub conditions: Vec<KeptCondition>,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct KeptCondition {
    pub condition: String,
    pub agents: String,
    pub runs: u64,
    /// Why nothing was asked of it, where nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_audited: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    pub findings: Vec<Finding>,
}

/// The findings that a run directory keeps, if it was audited.
pub fn kept(dir: &Path) -> Result<Option<Kept>, Failure> {
    let path = dir.join(FINDINGS);
    if !path.exists() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(&path).map_err(|error| Failure::run(format!("reading {}: {error}", path.display())))?;
    // What was found of scenes has another layout, and is printed and kept alone.
    if text.contains(SCENES) {
        return Ok(None);
    }
    let again = "`cratylus audit` with this directory writes it again";
    let kept: Kept = serde_json::from_str(&text)
        .map_err(|error| Failure::run(format!("{} does not read as findings: {error}", path.display())).help(again))?;
    match kept.format {
        FORMAT => Ok(Some(kept)),
        other => {
            let why = format!("{} has layout {other}, and this program reads layout {FORMAT}", path.display());
            Err(Failure::run(why).help(again))
        }
    }
}
