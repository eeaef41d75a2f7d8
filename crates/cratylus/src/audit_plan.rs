//! An audit plan: published data, imported and audited together by one command. What the data are is the importers'
//! affair, and what is asked of them the audits'.

use crate::experiment::BUILD;
use crate::failure::Failure;
use cratylus_audit::finding::Finding;
use cratylus_audit::recognition;
use cratylus_io::import::ai_norms::{self, Outcome};
use cratylus_io::import::leakage;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// A plan, read.
pub struct Plan {
    pub name: String,
    /// The comment with which the file opens.
    pub claim: String,
    ai_norms: Option<PathBuf>,
    leakage_probes: Vec<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    data: Data,
}

/// Folders of published data by their format, relative to the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Data {
    ai_norms: Option<String>,
    /// Folders of answers about recognition, of either side.
    #[serde(default)]
    leakage_probes: Vec<String>,
}

impl Plan {
    /// Reads a plan. `given` puts folders in place of the file's: `ai-norms=DIR`, relative to the working directory.
    pub fn read(path: &Path, given: &[String]) -> Result<Plan, Failure> {
        let text =
            std::fs::read_to_string(path).map_err(|error| Failure::input(format!("reading {}: {error}", path.display())))?;
        let file: File = toml::from_str(&text).map_err(|error| {
            let failure = Failure::input(format!("{}: {error}", path.display()));
            // What is run is an experiment, and what is audited is what it left.
            let is_experiment = text.parse::<toml::Table>().is_ok_and(|table| table.contains_key("agents"));
            if is_experiment {
                failure.help("this is an experiment; `cratylus run` it, and audit the run directory")
            } else {
                failure
            }
        })?;
        if file.name.is_empty() || file.name.contains(['/', '\\']) || file.name.starts_with('.') {
            return Err(Failure::input(format!("{}: the name of a plan names its folder", path.display())));
        }
        let base = path.parent().unwrap_or(Path::new(""));
        let mut ai_norms = file.data.ai_norms.map(|folder| base.join(folder));
        let mut leakage_probes: Vec<PathBuf> = file.data.leakage_probes.iter().map(|folder| base.join(folder)).collect();
        if given.iter().any(|set| set.starts_with("leakage-probes=")) {
            leakage_probes.clear();
        }
        for set in given {
            match set.split_once('=') {
                Some(("ai-norms", folder)) => ai_norms = Some(folder.into()),
                Some(("leakage-probes", folder)) => leakage_probes.push(folder.into()),
                _ => {
                    return Err(Failure::input(format!("`--data {set}` is not understood"))
                        .help("for example: --data ai-norms=AI-norms/data"));
                }
            }
        }
        Ok(Plan { name: file.name, claim: crate::words::claim(&text), ai_norms, leakage_probes })
    }

    /// Imports the plan's data under a folder, and gives the run directories that hold decisions.
    pub fn import(&self, out: &Path) -> Result<Vec<PathBuf>, Failure> {
        let Some(from) = &self.ai_norms else {
            return Err(Failure::input("the plan names no data (`data.ai-norms`)"));
        };
        if !from.is_dir() {
            let help = "git clone https://github.com/Ariel-Flint-Ashery/AI-norms, unpack its data/*.zip, and give the folder: --data ai-norms=AI-norms/data";
            return Err(Failure::input(format!("{} is not there", from.display())).help(help));
        }
        let done = ai_norms::import(from, &out.join("ai-norms"), BUILD, |imported| {
            if let Outcome::Failed(why) = &imported.outcome {
                eprintln!("error: {why}");
            }
        })
        .map_err(Failure::input)?;
        let dirs = done.into_iter().filter_map(|imported| match imported.outcome {
            Outcome::Done { dir, .. } => Some(dir),
            _ => None,
        });
        Ok(dirs.collect())
    }

    /// What models answered when they were asked outright, with the published codings; None where the plan names no answers,
    /// or none are there, which is said.
    pub fn recognition(&self, out: &Path) -> Result<Option<Finding>, Failure> {
        let mut answers = Vec::new();
        for (n, from) in self.leakage_probes.iter().enumerate() {
            if !from.is_dir() {
                eprintln!(
                    "note: {} is not there, so what models recognise is not audited; \
                     git clone https://github.com/cjbarrie/AI-norms-prompting and https://github.com/Ariel-Flint-Ashery/AI-norms-prompting, and give --data leakage-probes=DIR for each",
                    from.display()
                );
                continue;
            }
            let imported =
                leakage::import(from, &out.join(format!("leakage-probes-{}", n + 1)), BUILD).map_err(Failure::input)?;
            answers.extend(imported.answers);
        }
        Ok((!answers.is_empty()).then(|| recognition::finding("models asked outright, both sides", &answers)))
    }
}
