//! Whole tables to take away, as they are or as CSV, in pieces: a table may be larger than memory.

use super::asked::{Query, Reply, Wrong};
use super::pieces::Pieces;
use axum::body::Bytes;
use cratylus_io::store::names::{ACTS, CALLS, INTERACTIONS, MEASURES, PROMPTS, RUNS};
use cratylus_io::store::table::{self, Table, Values};
use std::io::Read;
use std::path::Path;
use tokio::sync::mpsc::{Sender, channel};

/// Fills pieces on a thread of its own, which waits for whoever reads them.
fn pieces(fill: impl FnOnce(&Sender<std::io::Result<Bytes>>) -> std::io::Result<()> + Send + 'static) -> Pieces {
    let (into, out) = channel(4);
    std::thread::spawn(move || {
        if let Err(error) = fill(&into) {
            // Whoever reads then sees a broken transfer, and not a table that seems whole.
            let _ = into.blocking_send(Err(error));
        }
    });
    Pieces(out)
}

fn gone<T>(_: T) -> std::io::Error {
    std::io::ErrorKind::BrokenPipe.into()
}

pub fn download(dir: &Path, query: &Query) -> Result<Reply, Wrong> {
    let name = query.text("name");
    let files = [RUNS, INTERACTIONS, ACTS, MEASURES, CALLS, PROMPTS];
    let file = files.iter().find(|file| file.trim_end_matches(".parquet") == name);
    let path = file.map(|file| dir.join(file)).filter(|path| path.is_file());
    let Some(path) = path else { return Err(Wrong::missing(format!("there is no table `{name}` here"))) };
    let stem = dir.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    match query.text("format") {
        "parquet" => {
            let mut file = std::fs::File::open(&path).map_err(Wrong::missing)?;
            let pieces = pieces(move |out| {
                loop {
                    let mut piece = vec![0; 1 << 16];
                    let n = file.read(&mut piece)?;
                    if n == 0 {
                        return Ok(());
                    }
                    piece.truncate(n);
                    out.blocking_send(Ok(piece.into())).map_err(gone)?;
                }
            });
            Ok(Reply::File { name: format!("{stem}-{name}.parquet"), kind: "application/vnd.apache.parquet", pieces })
        }
        "csv" => {
            let pieces = pieces(move |out| {
                let mut head = true;
                let told = table::read_groups(&path, None, |group| {
                    let text =
                        csv(&group, std::mem::take(&mut head)).map_err(|error| cratylus_core::fault::Fault(error.to_string()))?;
                    out.blocking_send(Ok(text.into())).map_err(|_| cratylus_core::fault::Fault("nobody reads on".into()))
                });
                told.map_err(|trouble| std::io::Error::other(trouble.0))
            });
            Ok(Reply::File { name: format!("{stem}-{name}.csv"), kind: "text/csv; charset=utf-8", pieces })
        }
        other => Err(Wrong::asked(format!("`format` is `csv` or `parquet`, not `{other}`"))),
    }
}

/// A table as CSV, quoted where it must be. Text that a spreadsheet would take for a formula begins with an apostrophe.
fn csv(table: &Table, head: bool) -> Result<Vec<u8>, csv::Error> {
    let mut out = csv::Writer::from_writer(Vec::new());
    if head {
        out.write_record(table.columns.iter().map(|column| &column.name))?;
    }
    for i in 0..table.rows() {
        let cell = |values: &Values| match values {
            Values::Int(values) => values[i].map(|n| n.to_string()),
            Values::UInt(values) => values[i].map(|n| n.to_string()),
            Values::Float(values) => values[i].map(|x| x.to_string()),
            Values::Bool(values) => values[i].map(|yes| yes.to_string()),
            Values::Text(values) => values[i].as_ref().map(|text| {
                let text = String::from_utf8_lossy(text.data());
                if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.into_owned() }
            }),
        };
        out.write_record(table.columns.iter().map(|column| cell(&column.values).unwrap_or_default()))?;
    }
    out.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}
