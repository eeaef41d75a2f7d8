//! Files of items that agents speak about: a table with attributes (`a_1`, …) or features (`f_1`, …), perhaps a `class` and a
//! `split`; or lines of whole numbers, an item each, as EGG's reconstruction game has them.

use crate::store::grid::{Grid, by_number, csv, gap, head_of, numbered, parquet};
use cratylus_core::fault::{Fault, at};
use cratylus_core::text::listed;
use cratylus_neural::signals::ItemTable;
use std::collections::BTreeSet;
use std::path::Path;

/// More than these nobody trains on here.
const MOST: usize = 10_000_000;

/// Reads a file of items.
pub fn read(path: &Path) -> Result<ItemTable, Fault> {
    let wrong = |why: String| at("reading", path)(why);
    if !path.is_file() {
        return Err(wrong(if path.exists() { "it is no file".into() } else { "there is no such file".into() }));
    }
    let grid = if head_of(path)? == *b"PAR1" { parquet(path)? } else { lines(path)?.map_or_else(|| csv(path), Ok)? };
    of(&grid).map_err(wrong)
}

/// Lines of whole numbers, separated by blanks, without a head.
fn lines(path: &Path) -> Result<Option<Grid>, Fault> {
    let text = crate::text::read(path)?;
    let cells = |line: &str| line.split_whitespace().map(String::from).collect::<Vec<_>>();
    let mut rows = Vec::new();
    for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let cells = cells(line);
        if cells.iter().any(|cell| cell.parse::<u32>().is_err()) {
            return match rows.len() {
                0 => Ok(None),
                _ => Err(at("reading", path)(format!("line {}: expected whole numbers, as in the lines before", i + 1))),
            };
        }
        rows.push((i as u64 + 1, cells));
    }
    let width = rows.first().map_or(0, |(_, cells)| cells.len());
    if let Some((line, cells)) = rows.iter().find(|(_, cells)| cells.len() != width) {
        return Err(at("reading", path)(format!("line {line}: it has {} numbers, and the first line {width}", cells.len())));
    }
    let head = (1..=width).map(|k| format!("a_{k}")).collect();
    Ok((width > 0).then_some(Grid { head, rows, row: "line", stop: None, notes: Vec::new() }))
}

fn of(grid: &Grid) -> Result<ItemTable, String> {
    let Grid { head, rows, row: called, .. } = grid;
    if rows.is_empty() {
        return Err("it holds no item".into());
    }
    if rows.len() > MOST {
        return Err(format!("it holds {} items, more than {MOST}", rows.len()));
    }
    let (attributes, features) = (numbered(head, "a"), numbered(head, "f"));
    if attributes.is_empty() && features.is_empty() {
        return Err(format!(
            "it has neither attributes (columns `a_1`, `a_2`, …) nor features (`f_1`, `f_2`, …); its columns are {}",
            listed(head)
        ));
    }
    let known = |names: &[&str]| head.iter().position(|column| names.iter().any(|name| column.eq_ignore_ascii_case(name)));
    let class = known(&["class", "label"]);
    gap(head, rows, &attributes.iter().chain(&class).copied().collect::<Vec<_>>(), called)?;
    let names = |at: usize| {
        let all: BTreeSet<&str> = rows.iter().map(|(_, cells)| cells[at].trim()).collect();
        let mut names: Vec<String> = all.into_iter().map(String::from).collect();
        names.sort_by(|a, b| by_number(a, b));
        let number = |(_, cells): &(u64, Vec<String>)| {
            names.iter().position(|name| name == cells[at].trim()).expect("it is one of them") as u32
        };
        let of = rows.iter().map(number).collect();
        (names, of)
    };
    let mut table =
        ItemTable { attributes: vec![Vec::new(); if attributes.is_empty() { 0 } else { rows.len() }], ..ItemTable::default() };
    for &at in &attributes {
        let (values, of): (Vec<String>, Vec<u32>) = names(at);
        table.attributes.iter_mut().zip(of).for_each(|(row, value)| row.push(value));
        table.values.push(values);
    }
    if !features.is_empty() {
        for (place, cells) in rows {
            let number = |&at: &usize| {
                let value = cells[at].trim().parse::<f32>().ok().filter(|value| value.is_finite());
                value.ok_or_else(|| format!("{called} {place}: `{}` is no number: {:?}", head[at], cells[at]))
            };
            table.features.push(features.iter().map(number).collect::<Result<_, _>>()?);
        }
    }
    if let Some(at) = class {
        let (values, of) = names(at);
        (table.class_names, table.classes) = (values, Some(of));
    }
    if let Some(at) = known(&["split"]) {
        let learnt = |(place, cells): &(u64, Vec<String>)| match cells[at].trim().to_ascii_lowercase().as_str() {
            "train" | "training" => Ok(true),
            "test" | "held-out" | "held_out" | "validation" | "valid" | "val" => Ok(false),
            other => Err(format!("{called} {place}: `split` is train or held-out, not {other:?}")),
        };
        let learnt: Vec<bool> = rows.iter().map(learnt).collect::<Result<_, _>>()?;
        if !learnt.contains(&true) {
            return Err("no item has the split `train`, so there is nothing to learn from".into());
        }
        table.learnt = Some(learnt);
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(name: &str, text: &str) -> Result<ItemTable, String> {
        let path = std::env::temp_dir().join(format!("cratylus-items-{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        let table = read(&path).map_err(|fault| fault.0);
        std::fs::remove_file(path).unwrap();
        table
    }

    #[test]
    fn items_are_read_with_attributes_features_classes_and_splits() {
        let table = read_text("a.csv", "a_1,a_2,class,split\nred,10,x,train\nblue,9,y,test\nred,9,x,train\n").unwrap();
        assert_eq!(table.attributes, [[1, 1], [0, 0], [1, 0]]);
        assert_eq!(table.values[1], ["9", "10"]);
        assert_eq!((table.classes, table.learnt), (Some(vec![0, 1, 0]), Some(vec![true, false, true])));
        let table = read_text("f.csv", "id,f_1,f_2\n1,0.5,-1\n2,0,3e2\n").unwrap();
        assert_eq!(table.features, [[0.5, -1.0], [0.0, 300.0]]);
        // Values that mix numbers and words have an order, too; and attributes are told by their names.
        let table = read_text("mixed.csv", "a_2,a_1\n17,x\n17a,y\n9x,x\n3.5e,y\n9,x\n").unwrap();
        assert_eq!(table.values, [vec!["x", "y"], vec!["9", "17", "17a", "3.5e", "9x"]]);
        assert_eq!(read_text("egg.txt", "0 1 2\n2 1 0\n").unwrap().attributes.len(), 2);
    }

    #[test]
    fn mistakes_have_their_place() {
        let check = |name: &str, text: &str, says: &str| {
            let why = read_text(name, text).unwrap_err();
            assert!(why.contains(says), "{name}: {why}");
        };
        check("blank.csv", "\na_1,a_2\n1,\n", "line 3: `a_2` is missing");
        check("gap.csv", "a_1,a_2\n1,2\n1,\n", "line 3: `a_2` is missing");
        check("word.csv", "f_1\n1\nx\n", "line 3: `f_1` is no number");
        check("nan.csv", "f_1\n1\nNaN\n", "line 3: `f_1` is no number");
        check("other.csv", "colour,form\n1,2\n", "neither attributes");
        check("split.csv", "a_1,split\n1,perhaps\n", "line 2: `split` is train or held-out");
        check("none.csv", "a_1,split\n1,test\n", "nothing to learn from");
        check("ragged.txt", "0 1\n0\n", "line 2: it has 1 numbers");
        check("empty.csv", "a_1\n", "no item");
    }
}
