//! Who ran what, where and when: everything about a run directory that is not a result.

use crate::models::how_read::HowRead;
use crate::models::tape::Setup;
use crate::store::names::MANIFEST;
use crate::store::table::{FORMAT, FORMATS};
use crate::whole::{now, write_whole};
use cratylus_core::fault::{Fault, at};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What `manifest.json` holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the directory's layout.
    pub format: String,
    /// Of the program that ran it.
    pub version: String,
    /// The source revision that the program was built from.
    pub revision: String,
    /// The experiment's seed.
    pub seed: u64,
    /// Where the agents' behaviour comes from: fitted models, kernels, servers.
    pub models: Vec<String>,
    /// Live models: what each said that it is, and how it was asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<Setup>,
    /// What became of the answers in words of each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub how_read: Vec<HowRead>,
    /// What the user should know of how far these models reach.
    #[serde(default)]
    pub cautions: Vec<String>,
    /// The SHA-256 of every input file.
    pub inputs: BTreeMap<String, String>,
    /// The folder that paths in the experiment are relative to, from this directory.
    #[serde(default)]
    pub base: Option<PathBuf>,
    /// The machine that it ran on.
    pub host: Host,
    /// RFC 3339, UTC.
    pub started: String,
    /// RFC 3339, UTC; None while it runs.
    pub ended: Option<String>,
    /// `running`, `finished`, or what went wrong.
    pub exit: String,
    /// A hash over the digests of all runs. Equal digests mean equal events.
    pub digest: Option<String>,
    /// A hash of the outcomes of all runs, so that a table that was changed since can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcomes: Option<String>,
    /// How many readings there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readings: Option<u64>,
    /// How many rows of acts, where they are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acts: Option<u64>,
    /// How many rows of signs, where they are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signs: Option<u64>,
    /// How many rows of what was perceived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<u64>,
}

/// What kind of machine ran a directory. Nothing in it names the machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Host {
    /// The operating system, as Rust calls it.
    pub os: String,
    /// The kind of processor, as Rust calls it.
    pub arch: String,
    /// How many threads played.
    pub threads: usize,
}

impl Host {
    /// This machine.
    pub fn here(threads: usize) -> Host {
        Host { os: std::env::consts::OS.into(), arch: std::env::consts::ARCH.into(), threads }
    }
}

/// The version and revision of the program, for manifests.
#[derive(Clone, Copy, Debug)]
pub struct Build {
    /// As `Cargo.toml` has it.
    pub version: &'static str,
    /// The commit of the source.
    pub revision: &'static str,
}

impl Manifest {
    /// Of a directory in which runs begin now.
    pub fn new(build: Build, seed: u64, threads: usize) -> Manifest {
        Manifest {
            format: FORMAT.into(),
            version: build.version.into(),
            revision: build.revision.into(),
            seed,
            models: Vec::new(),
            servers: Vec::new(),
            how_read: Vec::new(),
            cautions: Vec::new(),
            inputs: BTreeMap::new(),
            base: None,
            host: Host::here(threads),
            started: now(),
            ended: None,
            exit: "running".into(),
            digest: None,
            outcomes: None,
            readings: None,
            acts: None,
            signs: None,
            features: None,
        }
    }

    /// Reads a directory's manifest. One of another layout is an error.
    pub fn read(dir: &Path) -> Result<Manifest, Fault> {
        let file = dir.join(MANIFEST);
        let text = std::fs::read_to_string(&file).map_err(at("reading", &file))?;
        let manifest: Manifest = serde_json::from_str(&text).map_err(at("reading", &file))?;
        if !FORMATS.contains(&manifest.format.as_str()) {
            let why =
                format!("its layout is version {}, and this program reads versions {}", manifest.format, FORMATS.join(" and "));
            return Err(Fault::new(format!("{}: {why}", dir.display())));
        }
        Ok(manifest)
    }

    /// Writes it into a directory, in place of the one that is there.
    pub fn write(&self, dir: &Path) -> Result<(), Fault> {
        let text = serde_json::to_string_pretty(self).expect("a manifest is plain data");
        write_whole(&dir.join(MANIFEST), format!("{text}\n").as_bytes())
    }
}
