//! Files whose cells are separated by commas, semicolons or tabs, as programs and spreadsheets write them: a head, and records.
//! What the columns mean is absent.

use cratylus_core::fault::{Fault, at};
use std::path::Path;

/// A record's line, and its cells.
pub(crate) type Record = (u64, Vec<String>);

/// Longer cells are no data.
pub(crate) const CELL_MAX: usize = 1 << 20;

/// A file's head and its records, of at most so many bytes. Every record has as many cells as the head.
pub(crate) fn records_up_to(path: &Path, most: u64) -> Result<(Vec<String>, Vec<Record>), Fault> {
    let size = std::fs::metadata(path).map_err(at("reading", path))?.len();
    if size > most {
        return Err(at("reading", path)(format!("it has {size} bytes, and may have at most {most}")));
    }
    let bytes = std::fs::read(path).map_err(at("reading", path))?;
    let text = crate::text::text_of(&bytes).map_err(|why| Fault::new(format!("{} {why}", path.display())))?;
    let mut reader = csv::ReaderBuilder::new().delimiter(separator(&text)).flexible(true).from_reader(text.as_bytes());
    let mut head: Vec<String> =
        reader.headers().map_err(at("reading", path))?.iter().map(|cell| cell.trim().to_string()).collect();
    // What spreadsheets leave behind the last column, and programs that number rows put before the first.
    while head.last().is_some_and(String::is_empty) {
        head.pop();
    }
    let numbered = usize::from(head.len() > 1 && head[0].is_empty());
    head.drain(..numbered);
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(at("reading", path))?;
        let line = record.position().map_or(0, csv::Position::line);
        if let Some(long) = record.iter().find(|cell| cell.len() > CELL_MAX) {
            return Err(at("reading", path)(format!("line {line}: a cell has {} bytes", long.len())));
        }
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        let mut cells: Vec<String> = record.iter().skip(numbered).map(String::from).collect();
        while cells.len() > head.len() && cells.last().is_some_and(|cell| cell.trim().is_empty()) {
            cells.pop();
        }
        if cells.len() != head.len() {
            return Err(at("reading", path)(format!(
                "line {line}: it has {} cells, and there are {} columns",
                cells.len(),
                head.len()
            )));
        }
        rows.push((line, cells));
    }
    Ok((head, rows))
}

/// What separates the cells of a file: a comma, or what spreadsheets write where the comma is the decimal sign, or a tab.
fn separator(text: &str) -> u8 {
    let head = text.lines().next().unwrap_or("");
    let count = |separator: char| head.matches(separator).count();
    match (count(','), count(';'), count('\t')) {
        (commas, semicolons, tabs) if semicolons > commas && semicolons >= tabs => b';',
        (commas, _, tabs) if tabs > commas => b'\t',
        _ => b',',
    }
}
