//! `cratylus init`: writes a commented starter experiment.

use crate::caller::print;
use crate::failure::Failure;
use clap::Args;
use std::io::Write;
use std::path::PathBuf;

/// Write a commented starter experiment.
#[derive(Args)]
#[command(after_help = "Example:\n  cratylus init my-experiment.toml && cratylus run my-experiment.toml")]
pub struct Init {
    /// Where to write it.
    #[arg(default_value = "experiment.toml", value_name = "EXPERIMENT.toml")]
    file: PathBuf,
    /// Print where it was written as JSON.
    #[arg(long)]
    json: bool,
}

pub const STARTER: &str = include_str!("../assets/starter.toml");

impl Init {
    pub fn go(self) -> Result<(), Failure> {
        let name = self.file.display();
        // Nothing that is there is overwritten.
        let file = std::fs::File::create_new(&self.file).and_then(|mut file| file.write_all(STARTER.as_bytes()));
        file.map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => Failure::input(format!("{name} exists already; choose another name")),
            _ => Failure::input(format!("writing {name}: {error}")),
        })?;
        if self.json {
            return print(serde_json::json!({ "written": self.file }));
        }
        print(format!("wrote {name}; run it with: cratylus run {name}"))
    }
}
