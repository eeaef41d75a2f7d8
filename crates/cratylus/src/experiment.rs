//! From an experiment's path to worlds that are ready to play.

use crate::Failure;
use crate::words::{bytes, count};
use cratylus_core::World;
use cratylus_core::experiment::{Document, Point, key_parts};
use cratylus_io::inputs::FileInputs;
use cratylus_io::manifest::Build;
use cratylus_io::run_dir;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub const BUILD: Build = Build { version: env!("CARGO_PKG_VERSION"), revision: env!("CRATYLUS_REVISION") };

/// An experiment that was read, checked and built.
pub struct Loaded {
    /// The file's text, `--set` applied.
    pub text: String,
    pub points: Vec<Point>,
    pub worlds: Vec<World>,
    pub inputs: BTreeMap<String, String>,
    /// The folder that paths in the file are relative to.
    pub base: PathBuf,
}

/// Reads an experiment file, or the one that a run directory keeps.
pub fn load(path: &Path, sets: &[String]) -> Result<Loaded, Failure> {
    let (file, base) = if path.is_dir() {
        let file = path.join(run_dir::EXPERIMENT);
        if !file.exists() {
            let help = "give an experiment file, or a run directory";
            return Err(Failure::input(format!("{} is a folder without an experiment.toml\n  help: {help}", path.display())));
        }
        (file, run_dir::base(path))
    } else {
        (path.to_path_buf(), path.parent().map_or_else(PathBuf::new, Path::to_path_buf))
    };
    let text = std::fs::read_to_string(&file).map_err(|error| {
        let help = match error.kind() {
            std::io::ErrorKind::NotFound => "\n  help: `cratylus init` writes a starter experiment",
            _ => "",
        };
        Failure::input(format!("cannot read {}: {error}{help}", file.display()))
    })?;
    let document = Document::parse(&file.display().to_string(), &text, sets).map_err(Failure::input)?;
    let points = document.points().map_err(Failure::input)?;
    let inputs = FileInputs::new(&base);
    let worlds = points
        .iter()
        .map(|point| World::build(point, &inputs).map_err(|(key, why)| Failure::input(document.say_at(&key, why))))
        .collect::<Result<Vec<_>, _>>()?;
    if let Some(there) = memory_there()
        && let Some(world) = worlds.iter().find(|world| world.memory() > there)
    {
        let needed = bytes(world.memory());
        let why = format!(
            "a population of {} needs about {needed} of memory, and this machine has {}",
            count(world.experiment.size()),
            bytes(there)
        );
        let help = match world.inventories() {
            Some(_) if world.complete => {
                "where everyone meets everyone and names are many, about N^1.5 / 3 words are known at once; give fewer agents, a pool of at most 63 names, or a sparse network"
            }
            _ => "give fewer agents, or a machine with more memory",
        };
        return Err(Failure::input(document.say_at("population.size", why)).help(help));
    }
    let kept = apply(&text, sets).map_err(Failure::input)?;
    Ok(Loaded { text: kept, points, worlds, inputs: inputs.opened(), base })
}

/// How much memory the machine has, where that can be read.
fn memory_there() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}

/// The text with `key=value` settings written into it.
fn apply(text: &str, sets: &[String]) -> Result<String, String> {
    if sets.is_empty() {
        return Ok(text.into());
    }
    let mut document: toml_edit::DocumentMut = text.parse().map_err(|error| format!("{error}"))?;
    for set in sets {
        let (key, value) = set.split_once('=').expect("settings were checked when the document was read");
        let value = value.trim();
        let value: toml_edit::Value = value.parse().unwrap_or_else(|_| value.into());
        let mut parts = key_parts(key);
        let last = parts.pop().expect("a split has at least one part");
        let mut table: &mut dyn toml_edit::TableLike = document.as_table_mut();
        for part in parts {
            let item = table.entry(&part).or_insert_with(|| toml_edit::Item::Table(toml_edit::Table::new()));
            table = item.as_table_like_mut().ok_or_else(|| format!("`{part}` is not a section"))?;
        }
        match table.get_mut(&last) {
            // What stands around the old value, a comment perhaps, stays around the new one.
            Some(toml_edit::Item::Value(old)) => {
                let decor = old.decor().clone();
                *old = value;
                *old.decor_mut() = decor;
            }
            _ => drop(table.insert(&last, toml_edit::Item::Value(value))),
        }
    }
    Ok(document.to_string())
}
