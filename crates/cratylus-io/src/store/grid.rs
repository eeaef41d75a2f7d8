//! Tables of other people as text, from CSV and Parquet: a head, and rows with where each stands. Bounded before they are parsed.
//! What the columns mean is absent.

use crate::separated::records_up_to;
use crate::store::table::{self, Column, Table, Values};
use cratylus_core::fault::{Fault, at};
use std::path::Path;

/// Larger files are not read.
pub(crate) const FILE_MAX: u64 = 1 << 30;

/// A table as text: the head, and rows with where each stands in the file.
pub(crate) struct Grid {
    pub head: Vec<String>,
    pub rows: Vec<(u64, Vec<String>)>,
    /// What a row is called in mistakes.
    pub row: &'static str,
    /// The symbol that ends messages in files of this kind.
    pub stop: Option<&'static str>,
    pub notes: Vec<String>,
}

/// The first four bytes of a file that is not too large; zeros where it is shorter.
pub(crate) fn head_of(path: &Path) -> Result<[u8; 4], Fault> {
    let size = std::fs::metadata(path).map_err(at("reading", path))?.len();
    if size > FILE_MAX {
        return Err(at("reading", path)(format!("it has {size} bytes, and may have at most {FILE_MAX}")));
    }
    let mut head = [0u8; 4];
    let open = std::fs::File::open(path).and_then(|mut file| std::io::Read::read(&mut file, &mut head));
    open.map(|_| head).map_err(at("reading", path))
}

/// A file with separators.
pub(crate) fn csv(path: &Path) -> Result<Grid, Fault> {
    let (head, rows) = records_up_to(path, FILE_MAX)?;
    Ok(Grid { head, rows, row: "line", stop: None, notes: Vec::new() })
}

/// A table in Parquet.
pub(crate) fn parquet(path: &Path) -> Result<Grid, Fault> {
    let table = table::read(path, None)?;
    let (head, columns) = texts(&table);
    let cells = |row: usize| columns.iter().map(|column| column[row].clone().unwrap_or_default()).collect();
    let rows = (0..table.rows()).map(|row| (row as u64, cells(row))).collect();
    Ok(Grid { head, rows, row: "row", stop: None, notes: Vec::new() })
}

/// A table's columns as text.
pub(crate) fn texts(table: &Table) -> (Vec<String>, Vec<Vec<Option<String>>>) {
    fn of<T: ToString>(values: &[Option<T>]) -> Vec<Option<String>> {
        values.iter().map(|value| value.as_ref().map(T::to_string)).collect()
    }
    let column = |column: &Column| match &column.values {
        Values::Int(values) => of(values),
        Values::UInt(values) => of(values),
        Values::Float(values) => of(values),
        Values::Bool(values) => of(values),
        Values::Text(values) => {
            values.iter().map(|text| text.as_ref().map(|text| String::from_utf8_lossy(text.data()).into_owned())).collect()
        }
    };
    (table.columns.iter().map(|column| column.name.clone()).collect(), table.columns.iter().map(column).collect())
}

/// Numbers by size, texts after them by letters: a total order, whatever stands there.
pub(crate) fn by_number(a: &str, b: &str) -> std::cmp::Ordering {
    match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(x), Ok(y)) => x.total_cmp(&y).then_with(|| a.cmp(b)),
        (x, y) => y.is_ok().cmp(&x.is_ok()).then_with(|| a.cmp(b)),
    }
}

/// The columns `a_1`, `a_2`, … of a letter, in the order of their numbers.
pub(crate) fn numbered(head: &[String], letter: &str) -> Vec<usize> {
    let number = |at: &usize| head[*at].strip_prefix(letter)?.strip_prefix('_')?.parse::<u32>().ok();
    let mut found: Vec<usize> = (0..head.len()).filter(|at| number(at).is_some()).collect();
    found.sort_by_key(number);
    found
}

/// The first row in which one of these columns is empty, with the column.
pub(crate) fn gap(grid_head: &[String], rows: &[(u64, Vec<String>)], columns: &[usize], row: &str) -> Result<(), String> {
    let missing =
        |(place, cells): &(u64, Vec<String>)| columns.iter().find(|&&at| cells[at].trim().is_empty()).map(|&at| (*place, at));
    match rows.iter().find_map(missing) {
        Some((place, at)) => Err(format!("{row} {place}: `{}` is missing", grid_head[at])),
        None => Ok(()),
    }
}
