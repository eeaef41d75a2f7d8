//! The report's page: the data that it shows, put into the page that was built from `web/`.

use crate::failure::Failure;
use cratylus_io::store::names::REPORT;
use cratylus_io::whole::write_whole;
use serde_json::Value;
use std::path::Path;

/// The page, with a place for the data. Built from `web/`.
const PAGE: &str = include_str!("../assets/report.html");
const PLACE: &str = r#"{"placeholder":true}"#;

/// Writes the page of a directory.
pub fn write_page(dir: &Path, page: &Value) -> Result<(), Failure> {
    write_file(&dir.join(REPORT), page)
}

/// Writes a page into a file.
pub fn write_file(file: &Path, page: &Value) -> Result<(), Failure> {
    let json = serde_json::to_string(page).expect("report data is plain data");
    // A closing tag in the data would end the script element that holds it.
    let page = PAGE.replacen(PLACE, &json.replace('<', "\\u003c"), 1);
    write_whole(file, page.as_bytes()).map_err(|trouble| {
        let help = "every run is kept, and only the report is missing: the same command writes it once there is room and leave to write, and `cratylus report RUN_DIR --out FILE` writes it elsewhere";
        Failure::run(trouble).help(help)
    })
}
