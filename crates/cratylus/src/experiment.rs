//! From an experiment's path to worlds that are ready to play.

use crate::caller::registry;
use crate::failure::Failure;
use crate::words::{bytes, count};
use cratylus_core::World;
use cratylus_core::experiment::{Document, Point};
use cratylus_core::spec::places::key_parts;
use cratylus_io::store::inputs::FileInputs;
use cratylus_io::store::manifest::Build;
use cratylus_io::store::{names, run_dir};
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
        let file = path.join(names::EXPERIMENT);
        if !file.exists() {
            let help = "give an experiment file, or a run directory";
            return Err(Failure::input(format!("{} is a folder without an experiment.toml\n  help: {help}", path.display())));
        }
        (file, run_dir::base(path))
    } else {
        (path.to_path_buf(), path.parent().map_or_else(PathBuf::new, Path::to_path_buf))
    };
    let read = std::fs::read(&file).map_err(|error| {
        let help = match error.kind() {
            std::io::ErrorKind::NotFound => "\n  help: `cratylus init` writes a starter experiment",
            _ => "",
        };
        Failure::input(format!("cannot read {}: {error}{help}", file.display()))
    })?;
    let text = cratylus_io::text::decode(&read).map_err(|why| {
        let help = "an experiment is a text file in TOML, or a run directory; `cratylus init` writes one to start from";
        Failure::input(format!("{} {why}", file.display())).help(help)
    })?;
    let document = Document::parse_with(&registry(), &file.display().to_string(), &text, sets).map_err(Failure::input)?;
    // What a directory holds was told when it was run.
    if !path.is_dir() || !sets.is_empty() {
        document.notes().iter().for_each(|note| eprintln!("note: {note}"));
    }
    let points = document.points().map_err(Failure::input)?;
    let inputs = FileInputs::new(&base, &registry());
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
    let kept = apply(&text, document.written()).map_err(Failure::input)?;
    Ok(Loaded { text: kept, points, worlds, inputs: inputs.opened(), base })
}

/// How much memory the machine has, where that can be read.
pub fn memory_there() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}

/// Writes a value at a key given by its parts.
fn put(item: &mut toml_edit::Item, parts: &[String], value: toml_edit::Value) -> Result<(), String> {
    let (head, rest) = parts.split_first().expect("a key has at least one part");
    // A list is gone into by numbers, be it one of values or of sections.
    if let (Some(array), Ok(i)) = (item.as_array_mut(), head.parse::<usize>()) {
        let at = array.get_mut(i).ok_or_else(|| format!("the list has no place {i}"))?;
        if rest.is_empty() {
            *at = value;
            return Ok(());
        }
        let mut inner = toml_edit::Item::Value(at.clone());
        put(&mut inner, rest, value)?;
        *at = inner.into_value().map_err(|_| format!("`{head}` is not a section"))?;
        return Ok(());
    }
    if let (Some(tables), Ok(i)) = (item.as_array_of_tables_mut(), head.parse::<usize>()) {
        let table = tables.get_mut(i).ok_or_else(|| format!("the list has no place {i}"))?;
        let mut inner = toml_edit::Item::Table(table.clone());
        put(&mut inner, rest, value)?;
        *table = inner.into_table().map_err(|_| format!("`{head}` is not a section"))?;
        return Ok(());
    }
    let table = item.as_table_like_mut().ok_or_else(|| format!("there is no section for `{head}`"))?;
    if !rest.is_empty() {
        return put(table.entry(head).or_insert_with(|| toml_edit::Item::Table(toml_edit::Table::new())), rest, value);
    }
    match table.get_mut(head) {
        // What stands around the old value, a comment perhaps, stays around the new one.
        Some(toml_edit::Item::Value(old)) => {
            let decor = old.decor().clone();
            *old = value;
            *old.decor_mut() = decor;
        }
        _ => drop(table.insert(head, toml_edit::Item::Value(value))),
    }
    Ok(())
}

/// Takes away an axis that was written without quotes, as keys inside keys, where it is written anew in one.
fn unquoted(document: &mut toml_edit::DocumentMut, axis: &str) {
    fn remove(table: &mut dyn toml_edit::TableLike, parts: &[&str]) {
        match parts {
            [last] => drop(table.remove(last)),
            [first, rest @ ..] => {
                let Some(inner) = table.get_mut(first).and_then(toml_edit::Item::as_table_like_mut) else { return };
                remove(inner, rest);
                if inner.is_empty() {
                    table.remove(first);
                }
            }
            [] => (),
        }
    }
    let parts: Vec<&str> = axis.split('.').collect();
    if let Some(sweep) = document.get_mut("sweep").and_then(toml_edit::Item::as_table_like_mut)
        && parts.len() > 1
        && !sweep.contains_key(axis)
    {
        remove(sweep, &parts);
    }
}

/// The text with `key=value` settings written into it.
pub fn apply(text: &str, sets: &[String]) -> Result<String, String> {
    if sets.is_empty() {
        return Ok(text.into());
    }
    let mut document: toml_edit::DocumentMut = text.parse().map_err(|error| format!("{error}"))?;
    for set in sets {
        let (key, value) = set.split_once('=').expect("settings were checked when the document was read");
        let value = value.trim();
        let value: toml_edit::Value = value.parse().unwrap_or_else(|_| value.into());
        let parts = key_parts(key);
        if let [sweep, axis] = &parts[..]
            && sweep == "sweep"
        {
            unquoted(&mut document, axis);
        }
        put(document.as_item_mut(), &parts, value)?;
    }
    Ok(document.to_string())
}
