//! The files that a corpus names: those that an experiment may name, and what was said in finished runs.

use crate::store::inputs::{FileInputs, sha256};
use crate::store::names::INTERACTIONS;
use crate::store::table;
use cratylus_core::fault::at;
use cratylus_core::kernel::Kernel;
use cratylus_core::spec::{Inputs, Played, PlayedRuns, Registry};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// Files below a folder, as a corpus asks for them.
pub struct CorpusInputs(FileInputs);

impl CorpusInputs {
    /// Files relative to the folder `base`.
    pub fn new(base: &Path, registry: &Arc<Registry>) -> CorpusInputs {
        CorpusInputs(FileInputs::new(base, registry))
    }
}

impl Inputs for CorpusInputs {
    fn kernel(&self, file: &str, model: Option<&str>, names: [&str; 2]) -> Result<Kernel, String> {
        self.0.kernel(file, model, names)
    }

    fn text(&self, file: &str) -> Result<String, String> {
        self.0.text(file)
    }

    fn locate(&self, file: &str) -> Result<String, String> {
        self.0.locate(file)
    }

    fn memories(&self, dir: &str, run: u64) -> Result<Vec<Vec<[String; 2]>>, String> {
        self.0.memories(dir, run)
    }

    fn played(&self, dir: &str) -> Result<PlayedRuns, String> {
        let file = Path::new(&self.0.locate(dir)?).join(INTERACTIONS);
        if !file.is_file() {
            return Err(format!("`{dir}` has no {INTERACTIONS}; `[record] interactions = true` keeps what is said"));
        }
        let read = || {
            let columns = ["run", "agent_a", "agent_b", "name_a", "name_b", "success"];
            let table = table::read(&file, Some(&columns))?;
            played(&table).map_err(at("reading", &file))
        };
        let mut runs = read().map_err(|fault| fault.0)?;
        runs.sha256 = sha256(&file).map_err(|error| format!("cannot read `{}`: {error}", file.display()))?;
        Ok(runs)
    }
}

fn played(table: &table::Table) -> Result<PlayedRuns, String> {
    let (run, success) = (table.ints("run")?, table.bools("success")?);
    let agents = [table.ints("agent_a")?, table.ints("agent_b")?];
    let said = [table.texts("name_a")?, table.texts("name_b")?];
    let (mut names, mut places): (Vec<String>, HashMap<&str, u32>) = Default::default();
    let mut interactions = Vec::with_capacity(table.rows());
    for i in 0..table.rows() {
        let mut named = [None; 2];
        for (named, said) in named.iter_mut().zip(&said) {
            *named = said[i].map(|name| {
                *places.entry(name).or_insert_with(|| {
                    names.push(name.to_string());
                    names.len() as u32 - 1
                })
            });
        }
        let agents = [0, 1].map(|seat: usize| agents[seat][i].map(|agent| agent as u32));
        let run = run[i].ok_or_else(|| format!("row {} says of no run", i + 1))? as u64;
        interactions.push(Played { run, agents, names: named, success: success[i] });
    }
    Ok(PlayedRuns { names, interactions, sha256: String::new() })
}
