//! `cratylus init`: writes a commented starter experiment.

use crate::caller::print;
use crate::failure::Failure;
use crate::shipped::SHIPPED;
use clap::Args;
use cratylus_core::text::nearest;
use std::io::Write;
use std::path::PathBuf;

/// Write a commented starter experiment.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  cratylus init my-experiment.toml && cratylus run my-experiment.toml\n  cratylus init mine.toml --from reconstruction   (`cratylus list experiments` names them)"
)]
pub struct Init {
    /// Where to write it.
    #[arg(default_value = "experiment.toml", value_name = "EXPERIMENT.toml")]
    file: PathBuf,
    /// Begin with a shipped experiment, as it is.
    #[arg(long, value_name = "NAME")]
    from: Option<String>,
    /// Print where it was written as JSON.
    #[arg(long)]
    json: bool,
}

pub const STARTER: &str = include_str!("../assets/starter.toml");

impl Init {
    pub fn go(self) -> Result<(), Failure> {
        let name = self.file.display();
        let text = match &self.from {
            None => STARTER,
            Some(wanted) => {
                let found = SHIPPED.iter().find(|(name, _)| name == wanted).map(|(_, text)| *text);
                found.ok_or_else(|| {
                    let names: Vec<String> = SHIPPED.iter().map(|(name, _)| name.to_string()).collect();
                    Failure::input(format!("there is no shipped experiment `{wanted}`{}", nearest(wanted, &names)))
                        .help("`cratylus list experiments` names them")
                })?
            }
        };
        // Nothing that is there is overwritten.
        let file = std::fs::File::create_new(&self.file).and_then(|mut file| file.write_all(text.as_bytes()));
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
