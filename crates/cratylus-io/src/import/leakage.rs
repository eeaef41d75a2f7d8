//! The published answers of both sides of the exchange on leakage, into one table: those that Barrie & Törnberg (2025)
//! collected and annotated, and those of the reply of Flint Ashery, Aiello & Baronchelli (2025). Untrusted input: a file
//! counts only with exactly the columns that were published, and a code only if it is 0 or 1.

use crate::answers::{self, ANSWERS, AnswerRecord, any_records, code};
use crate::store::inputs::sha256;
use crate::store::manifest::{Build, Manifest};
use cratylus_audit::recognition::{CodedAnswer, Coding, Flag};
use cratylus_core::fault::{Fault, at};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The columns of an annotated file of the critique.
const ANNOTATED: [&str; 11] = [
    "model",
    "run",
    "coordination",
    "coordination_justification",
    "coordination_justification_annotated_manual",
    "optimal_move",
    "optimal_move_justification",
    "optimal_move_justification_annotated_manual",
    "convergence",
    "convergence_justification",
    "convergence_justification_annotated_manual",
];

/// Where each flag stands in it: by machine, and by people.
const FLAGS: [(Flag, [usize; 2]); 3] = [(Flag::Coordination, [2, 4]), (Flag::Repeat, [5, 7]), (Flag::Convergence, [8, 10])];

/// What a folder held.
pub struct ImportedAnswers {
    /// In the order of the files, which are sorted by name.
    pub answers: Vec<CodedAnswer>,
    /// The files that were read.
    pub files: Vec<PathBuf>,
    /// CSV files that are neither, and why.
    pub skipped: Vec<(PathBuf, String)>,
}

/// Reads every CSV file of a folder and of the folders in it.
pub fn read(dir: &Path) -> Result<ImportedAnswers, Fault> {
    let mut files = Vec::new();
    find(dir, 3, &mut files)?;
    files.sort();
    let mut out = ImportedAnswers { answers: Vec::new(), files: Vec::new(), skipped: Vec::new() };
    for file in files {
        let name = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        if let Some(stem) = name.strip_suffix("_annotated.csv") {
            let responses = file.with_file_name(format!("{stem}.csv"));
            out.answers.extend(critique(&responses, &file)?);
            out.files.extend([responses, file]);
            continue;
        }
        let (head, rows) = any_records(&file)?;
        match &head.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["Model", "Run", "Response" | "Responses", "Annotation"] => {
                out.answers.extend(reply(&file, &rows)?);
                out.files.push(file);
            }
            // Read with its annotations.
            ["model", "run", "response"] if file.with_file_name(name.replace(".csv", "_annotated.csv")).exists() => (),
            _ => out.skipped.push((file, format!("its columns are {}", head.join(", ")))),
        }
    }
    match out.answers.is_empty() {
        true => {
            let skipped = out.skipped.iter().take(3).map(|(file, why)| format!("; {}: {why}", file.display()));
            let skipped: String = skipped.collect();
            Err(Fault(format!("{} holds no file of answers to the questions of either side{skipped}", dir.display())))
        }
        false => Ok(out),
    }
}

/// Reads a folder and writes a directory of answers.
pub fn import(from: &Path, out: &Path, build: Build) -> Result<ImportedAnswers, Fault> {
    let imported = read(from)?;
    std::fs::create_dir_all(out).map_err(at("making the folder", out))?;
    answers::write(&out.join(ANSWERS), &imported.answers)?;
    let mut manifest = Manifest::new(build, 0, 1);
    manifest.models = vec![
        "answers collected by Barrie & Törnberg 2025 (arXiv 2505.23796)".into(),
        "answers collected by Flint Ashery, Aiello & Baronchelli 2025 (arXiv 2506.18600)".into(),
    ];
    for file in &imported.files {
        let name = file.strip_prefix(from).unwrap_or(file).display().to_string();
        manifest.inputs.insert(name, sha256(file).map_err(at("reading", file))?);
    }
    manifest.ended = Some(crate::whole::now());
    manifest.exit = "finished".into();
    manifest.write(out)?;
    Ok(imported)
}

fn find(dir: &Path, depth: u32, files: &mut Vec<PathBuf>) -> Result<(), Fault> {
    for entry in std::fs::read_dir(dir).map_err(at("reading", dir))? {
        let entry = entry.map_err(at("reading", dir))?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(at("reading", dir))?);
        if kind.is_dir() && depth > 0 {
            find(&path, depth - 1, files)?;
        } else if kind.is_file() && path.extension().is_some_and(|extension| extension == "csv") {
            files.push(path);
        }
    }
    Ok(())
}

/// A file of responses and its annotations, row by row. The published files call one model by two names, so a name may
/// stand for another, as long as it always does.
fn critique(responses: &Path, annotated: &Path) -> Result<Vec<CodedAnswer>, Fault> {
    let texts = answers::records(responses, &["model", "run", "response"])?;
    let codes = answers::records(annotated, &ANNOTATED)?;
    if texts.len() != codes.len() {
        let why = format!("it annotates {} answers, and {} holds {}", codes.len(), responses.display(), texts.len());
        return Err(at("reading", annotated)(why));
    }
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut out = Vec::new();
    for ((_, text), (line, row)) in texts.iter().zip(&codes) {
        let mistake = |why: String| at("reading", annotated)(format!("line {line}: {why}"));
        let known = names.entry(row[0].clone()).or_insert_with(|| text[0].clone());
        if *known != text[0] || row[1] != text[1] {
            return Err(mistake(format!(
                "it annotates run {} of {}, and the answer is run {} of {}",
                row[1], row[0], text[1], text[0]
            )));
        }
        let (mut machine, mut manual) = (Coding::default(), Coding::default());
        for (flag, [by_machine, by_people]) in FLAGS {
            machine.set(flag, code(&row[by_machine]).map_err(mistake)?);
            manual.set(flag, code(&row[by_people]).map_err(mistake)?);
        }
        let run = answers::whole(&row[1]).parse().map_err(|_| mistake(format!("{:?} is no number of a run", row[1])))?;
        out.push(CodedAnswer {
            source: "critique".into(),
            model: row[0].clone(),
            skin: "published".into(),
            run,
            response: text[2].clone(),
            machine,
            manual,
        });
    }
    Ok(out)
}

fn reply(file: &Path, rows: &[AnswerRecord]) -> Result<Vec<CodedAnswer>, Fault> {
    let answer = |(line, row): &AnswerRecord| {
        let mistake = |why: String| at("reading", file)(format!("line {line}: {why}"));
        let mut manual = Coding::default();
        manual.set(Flag::Single, code(&row[3]).map_err(mistake)?);
        let run = answers::whole(&row[1]).parse().map_err(|_| mistake(format!("{:?} is no number of a run", row[1])))?;
        Ok(CodedAnswer {
            source: "reply".into(),
            model: row[0].clone(),
            skin: "published".into(),
            run,
            response: row[2].clone(),
            machine: Coding::default(),
            manual,
        })
    };
    rows.iter().map(answer).collect()
}
