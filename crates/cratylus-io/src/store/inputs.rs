//! The files that an experiment names: kernels, networks, fitted models, finished runs. Paths are
//! relative to the experiment file. What was opened is remembered with its hash, for the plan and the manifest.

use crate::store::grid::{Grid, csv, head_of, parquet};
use crate::store::names::{INTERACTIONS, RUNS};
use crate::store::run_dir::RunDir;
use crate::store::table::{self, Table};
use cratylus_core::fault::{Fault, at};
use cratylus_core::kernel::Kernel;
use cratylus_core::spec::{Inputs, Played, PlayedRuns, Registry};
use cratylus_core::symbols::Cells;
use cratylus_core::text::nearest;
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files below a folder, as an experiment asks for them.
pub struct FileInputs {
    base: PathBuf,
    registry: Arc<Registry>,
    opened: RefCell<BTreeMap<String, String>>,
}

impl FileInputs {
    /// Files relative to the folder `base`.
    pub fn new(base: &Path, registry: &Arc<Registry>) -> FileInputs {
        FileInputs { base: base.into(), registry: registry.clone(), opened: RefCell::default() }
    }

    /// The files opened so far, as named, with the SHA-256 of each.
    pub fn opened(&self) -> BTreeMap<String, String> {
        self.opened.borrow().clone()
    }

    fn open(&self, file: &str) -> Result<PathBuf, String> {
        let path = self.base.join(file);
        if path.is_dir() {
            return Err(format!("`{file}` is a folder, not a file"));
        }
        // A pipe or a device may never end, and is another at every reading.
        if path.exists() && !path.is_file() {
            return Err(format!("`{file}` is no ordinary file"));
        }
        self.remember(file, &path)?;
        Ok(path)
    }

    fn remember(&self, file: &str, path: &Path) -> Result<(), String> {
        if !self.opened.borrow().contains_key(file) {
            let hash = sha256(path).map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => format!("there is no file `{}`", path.display()),
                _ => format!("cannot read `{}`: {error}", path.display()),
            })?;
            self.opened.borrow_mut().insert(file.into(), hash);
        }
        Ok(())
    }
}

/// The SHA-256 of a file, in hex.
pub fn sha256(path: &Path) -> std::io::Result<String> {
    let mut hasher = Sha256::new();
    let mut file = std::fs::File::open(path)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let n = std::io::Read::read(&mut file, &mut buffer)?;
        if n == 0 {
            return Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
        }
        hasher.update(&buffer[..n]);
    }
}

impl Inputs for FileInputs {
    fn kernel(&self, file: &str, model: Option<&str>, names: [&str; 2]) -> Result<Kernel, String> {
        let path = self.open(file)?;
        read_kernel(&path, model, names).map_err(|trouble| trouble.0)
    }

    fn text(&self, file: &str) -> Result<String, String> {
        let path = self.open(file)?;
        let bytes = std::fs::read(&path).map_err(|error| format!("cannot read `{file}`: {error}"))?;
        crate::text::decode(&bytes).map_err(|why| format!("`{file}` {why}"))
    }

    fn cells(&self, file: &str) -> Result<Cells, String> {
        let path = self.open(file)?;
        let grid = head_of(&path).and_then(|head| if head == *b"PAR1" { parquet(&path) } else { csv(&path) });
        let Grid { head, rows, row, .. } = grid.map_err(|fault| fault.0)?;
        Ok(Cells { head, rows, row })
    }

    fn locate(&self, file: &str) -> Result<String, String> {
        let path = self.base.join(file);
        match path.exists() {
            true => Ok(path.display().to_string()),
            false => Err(format!("there is no file or folder `{}`", path.display())),
        }
    }

    fn memories(&self, dir: &str, run: u64) -> Result<Vec<Vec<[String; 2]>>, String> {
        let path = self.base.join(dir);
        self.remember(&format!("{dir}/{}", RUNS), &path.join(RUNS))?;
        RunDir::open(&path, &self.registry).and_then(|dir| dir.final_memories(run)).map_err(|trouble| trouble.0)
    }

    fn played(&self, dir: &str) -> Result<PlayedRuns, String> {
        let (folder, named) = (self.locate(dir)?, format!("{dir}/{INTERACTIONS}"));
        let file = Path::new(&folder).join(INTERACTIONS);
        if !file.is_file() {
            return Err(format!("`{dir}` has no {INTERACTIONS}; `[record] interactions = true` keeps what is said"));
        }
        self.remember(&named, &file)?;
        let columns = ["run", "agent_a", "agent_b", "name_a", "name_b", "success"];
        let table = table::read(&file, Some(&columns)).map_err(|fault| fault.0)?;
        let runs = played(&table).map_err(|why| at("reading", &file)(why).0)?;
        Ok(PlayedRuns { sha256: self.opened.borrow()[&named].clone(), ..runs })
    }
}

fn played(table: &Table) -> Result<PlayedRuns, String> {
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

/// A model's kernel for two names: the rows of a table with the columns `model, name0, name1, state, p_name0`.
pub fn read_kernel(path: &Path, model: Option<&str>, [a, b]: [&str; 2]) -> Result<Kernel, Fault> {
    let table = table::read(path, None)?;
    let rows = || -> Result<_, String> {
        Ok((table.texts("model")?, table.texts("name0")?, table.texts("name1")?, table.texts("state")?, table.floats("p_name0")?))
    };
    let (models, name0, name1, state, p) = rows().map_err(at("this is no kernel file:", path))?;
    let mut there: Vec<&str> = models.iter().flatten().copied().collect();
    there.sort_unstable();
    there.dedup();
    let model = match (model, &there[..]) {
        (Some(model), _) if there.contains(&model) => model,
        (Some(model), _) => {
            let there: Vec<String> = there.into_iter().map(String::from).collect();
            return Err(Fault::new(format!("`{}` holds no model `{model}`{}", path.display(), nearest(model, &there))));
        }
        (None, [one]) => one,
        (None, _) => {
            return Err(Fault::new(format!(
                "`{}` holds several models; name one as `model`: {}",
                path.display(),
                there.join(", ")
            )));
        }
    };
    let of = |first: &str, second: &str| -> Vec<(&str, f64)> {
        let wanted = |&i: &usize| models[i] == Some(model) && name0[i] == Some(first) && name1[i] == Some(second);
        (0..table.rows()).filter(wanted).map(|i| (state[i].unwrap_or(""), p[i].unwrap_or(f64::NAN))).collect()
    };
    let (as_named, exchanged) = (of(a, b), of(b, a));
    let kernel = match (as_named.is_empty(), exchanged.is_empty()) {
        (false, _) => Kernel::from_rows(as_named),
        (true, false) => Kernel::from_rows(exchanged).map(|kernel| kernel.relabelled()),
        (true, true) => {
            let mut pairs: Vec<String> = (0..table.rows())
                .filter(|&i| models[i] == Some(model))
                .filter_map(|i| Some(format!("{} and {}", name0[i]?, name1[i]?)))
                .collect();
            pairs.sort_unstable();
            pairs.dedup();
            let why = format!("`{}` has no rows of `{model}` for {a} and {b}; its pairs: {}", path.display(), pairs.join("; "));
            return Err(Fault::new(why));
        }
    };
    kernel.map_err(|why| Fault::new(format!("`{}`, model `{model}`, names {a} and {b}: {why}", path.display())))
}
