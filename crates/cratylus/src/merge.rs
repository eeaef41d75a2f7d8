//! `cratylus merge`: joins what shards computed into one run directory.

use crate::experiment::load;
use crate::failure::Failure;
use crate::run::{job, refusal, say};
use clap::Args;
use cratylus_io::conduct::cells::merge;
use cratylus_io::conduct::progress::Progress;
use std::path::PathBuf;

/// Join directories of shards into one, equal to what a single run would have written.
#[derive(Args)]
#[command(after_help = "Examples:\n  cratylus merge shards/* --out runs/consensus\n  cratylus merge runs/shared")]
pub struct Merge {
    /// The directories that `run --shard` and `run --cell` wrote into.
    #[arg(value_name = "DIR", required = true)]
    dirs: Vec<PathBuf>,
    /// Where to write [default: the directory, where there is one]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print the results as JSON.
    #[arg(long)]
    json: bool,
}

impl Merge {
    pub fn go(self) -> Result<(), Failure> {
        let out = match (&self.out, &self.dirs[..]) {
            (Some(out), _) => out.clone(),
            (None, [dir]) => dir.clone(),
            _ => return Err(Failure::input("where are they to be joined? Give `--out DIR`")),
        };
        if let Some(dir) = self.dirs.iter().find(|dir| !dir.is_dir()) {
            let why = format!("there is no folder {}", dir.display());
            return Err(Failure::input(why).help("give the folders that `run --shard` and `run --cell` wrote into"));
        }
        let loaded = load(&self.dirs[0], &[])?;
        let job = job(&loaded, 1);
        let again = format!("cratylus merge {} --out {}", self.dirs[0].display(), out.display());
        merge(&job, &self.dirs, &out, &Progress::default())
            .map_err(|refused| refusal(refused, &out, &again, &again, false, [0, 0]))?;
        say(&out, self.json)
    }
}
