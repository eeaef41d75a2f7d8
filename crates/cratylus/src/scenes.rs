//! What `audit` does with scenes: their conditions are compared by what episodes were scored, and what is found is kept.

use crate::caller::{print, print_json, registry};
use crate::failure::Failure;
use crate::findings::{FINDINGS, SCENES};
use crate::report;
use crate::scores::found;
use crate::words::table;
use cratylus_audit::scenes::Finding;
use cratylus_io::store::names::PLAN;
use cratylus_io::whole::write_whole;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Whether a run directory holds episodes of a scene.
pub fn meant(dir: &Path) -> bool {
    let kind = || -> Option<String> {
        let plan: toml::Table = std::fs::read_to_string(dir.join(PLAN)).ok()?.parse().ok()?;
        let points = plan.get("points").and_then(|points| points.as_array())?;
        points.iter().find_map(|point| Some(point.get("game")?.get("kind")?.as_str()?.to_string()))
    };
    kind().is_some_and(|kind| registry().games.iter().any(|entry| entry.staged && entry.name == kind))
}

fn audited(dir: &Path) -> Result<Vec<Finding>, Failure> {
    Ok(found(report::told(dir)?.points()))
}

/// Asks the audits of scenes, keeps what they find, and prints it.
pub fn audit(dirs: &[PathBuf], as_json: bool) -> Result<(), Failure> {
    let mut all = Vec::new();
    for dir in dirs {
        let found = audited(dir)?;
        if found.is_empty() {
            let why = format!("{}: nothing here can be compared", dir.display());
            let help = "scenes are audited by their conditions: [sweep] \"control.messages\" = [\"as-said\", \"none\", \"scrambled\"] in one in which something is said, or agents = [ …, { kind = \"rule\", rule = \"random\" } ]";
            return Err(Failure::input(why).help(help));
        }
        let text =
            serde_json::to_string_pretty(&json!({ "schema": SCENES, "findings": found })).expect("findings are plain data");
        write_whole(&dir.join(FINDINGS), format!("{text}\n").as_bytes())?;
        if !as_json {
            let mut rows = vec![["condition", "audit", "finds", "effect"].map(String::from).to_vec()];
            for one in &found {
                for (i, effect) in one.effects.iter().take(MOST).enumerate() {
                    let effect = format!("{:.2} [{:.2}, {:.2}] {}", effect.value, effect.low, effect.high, effect.name);
                    let first = |text: &str| if i == 0 { text.to_string() } else { String::new() };
                    rows.push(vec![first(&one.condition), first(&one.audit), first(one.finds.words()), effect]);
                }
            }
            print(table(&rows, &[]))?;
            for one in &found {
                print(format!(
                    "\n{}, {}: {}\n  {}\n  It does not mean: {}",
                    one.condition,
                    one.audit,
                    one.finds.words(),
                    one.means,
                    one.does_not_mean
                ))?;
                if let Some(would) = &one.would_tell {
                    print(format!("  What would tell: {would}"))?;
                }
            }
            eprintln!("\nfindings  {}", dir.join(FINDINGS).display());
        }
        all.extend(found);
    }
    if as_json {
        return print_json(&all);
    }
    Ok(())
}

/// So many differences of a finding are printed; all of them are kept.
const MOST: usize = 3;
