//! Answers of models to questions, as files: a table that notebooks read, and a list for a person to code who must not
//! know whose answers they are. What they say is other people's text: parsed, never trusted.

use crate::models::hash::sha;
use crate::separated::{CELL_MAX, records_up_to};
use crate::store::table::{self, Column, Table, Values};
use crate::whole::write_whole;
use cratylus_audit::recognition::{CodedAnswer, Coding, Flag};
use cratylus_core::fault::{Fault, at};
use std::collections::BTreeMap;
use std::path::Path;

/// The table in a folder of answers.
pub const ANSWERS: &str = "answers.parquet";

/// Answers longer than this are none.
pub const ANSWER_MAX: usize = CELL_MAX;

/// Writes answers with all their codings, those by rules included.
pub fn write(path: &Path, answers: &[CodedAnswer]) -> Result<(), Fault> {
    let texts = |name: &str, of: fn(&CodedAnswer) -> &str| Column::texts(name, answers.iter().map(|answer| Some(of(answer))));
    let mut columns = vec![
        texts("source", |answer| &answer.source),
        texts("model", |answer| &answer.model),
        texts("skin", |answer| &answer.skin),
        Column::ints("run", answers.iter().map(|answer| answer.run as i64)),
    ];
    let rules: Vec<Coding> = answers.iter().map(CodedAnswer::by_rules).collect();
    let sure: Vec<Coding> = answers.iter().map(CodedAnswer::surely_by_rules).collect();
    for flag in Flag::ALL {
        let machine = answers.iter().map(|answer| answer.machine.get(flag)).collect();
        let manual = answers.iter().map(|answer| answer.manual.get(flag)).collect();
        let rules = rules.iter().map(|coding| coding.get(flag)).collect();
        let sure = sure.iter().map(|coding| coding.get(flag)).collect();
        for (by, values) in [("machine", machine), ("manual", manual), ("rules", rules), ("rules_sure", sure)] {
            columns.push(Column::new(format!("{}_{by}", flag.name()), Values::Bool(values)));
        }
    }
    columns.push(texts("response", |answer| &answer.response));
    table::write(path, &Table { columns })
}

/// Reads answers back.
pub fn read(path: &Path) -> Result<Vec<CodedAnswer>, Fault> {
    let table = table::read(path, None)?;
    let parsed = || -> Result<Vec<CodedAnswer>, String> {
        let (sources, models, skins) = (table.texts("source")?, table.texts("model")?, table.texts("skin")?);
        let (runs, responses) = (table.ints("run")?, table.texts("response")?);
        let mut answers = Vec::new();
        for i in 0..table.rows() {
            let missing = || format!("row {i} lacks a value");
            answers.push(CodedAnswer {
                source: sources[i].ok_or_else(missing)?.into(),
                model: models[i].ok_or_else(missing)?.into(),
                skin: skins[i].ok_or_else(missing)?.into(),
                run: runs[i].filter(|&run| run >= 0).ok_or_else(missing)? as u64,
                response: responses[i].ok_or_else(missing)?.into(),
                machine: Coding::default(),
                manual: Coding::default(),
            });
        }
        for flag in Flag::ALL {
            let machine = table.bools(&format!("{}_machine", flag.name()))?;
            let manual = table.bools(&format!("{}_manual", flag.name()))?;
            for (i, answer) in answers.iter_mut().enumerate() {
                answer.machine.set(flag, machine[i]);
                answer.manual.set(flag, manual[i]);
            }
        }
        Ok(answers)
    };
    parsed().map_err(at("reading", path))
}

/// What an answer is called where nobody must know whose it is. Order by it is random.
fn opaque(answer: &CodedAnswer) -> String {
    let CodedAnswer { source, model, skin, run, response, .. } = answer;
    sha(format!("blind\n{source}\n{model}\n{skin}\n{run}\n{response}").as_bytes())[..12].into()
}

/// Writes the answers for a person to code: in random order, under names that say nothing, with a column to fill for each
/// flag (1 for yes, 0 for no).
pub fn write_blind(path: &Path, answers: &[CodedAnswer]) -> Result<(), Fault> {
    let mut rows: BTreeMap<String, &CodedAnswer> = BTreeMap::new();
    for answer in answers {
        rows.insert(opaque(answer), answer);
    }
    let mut out = csv::Writer::from_writer(Vec::new());
    let head = ["id"].into_iter().chain(Flag::ALL.map(Flag::name)).chain(["response"]);
    let write = |out: &mut csv::Writer<Vec<u8>>| -> csv::Result<()> {
        out.write_record(head)?;
        for (id, answer) in &rows {
            // A spreadsheet takes what begins like this for a formula; what models say must not be run.
            let response = answer.response.trim_start();
            let quoted = if response.starts_with(['=', '+', '-', '@']) { format!("'{response}") } else { response.to_string() };
            out.write_record([id.as_str(), "", "", "", "", &quoted])?;
        }
        Ok(())
    };
    write(&mut out).map_err(at("writing", path))?;
    let bytes = out.into_inner().map_err(|error| at("writing", path)(error.to_string()))?;
    write_whole(path, &bytes)
}

/// Reads a coded file back into the answers that it was made of, and says how many were coded. A code that is neither 0
/// nor 1 nor empty, and an answer that is not among these, is refused.
pub fn read_coded(path: &Path, answers: &mut [CodedAnswer]) -> Result<usize, Fault> {
    let rows = records(path, &["id", "coordination", "repeat", "convergence", "single", "response"])?;
    let mut coded: BTreeMap<String, Coding> = BTreeMap::new();
    for (line, row) in &rows {
        let mut coding = Coding::default();
        for (flag, cell) in Flag::ALL.into_iter().zip(&row[1..]) {
            coding.set(flag, code(cell).map_err(|why| at("reading", path)(format!("line {line}, `{}`: {why}", flag.name())))?);
        }
        if coded.insert(row[0].clone(), coding).is_some() {
            return Err(at("reading", path)(format!("line {line}: `{}` stands there twice", row[0])));
        }
    }
    let mut n = 0;
    for answer in answers {
        if let Some(coding) = coded.remove(&opaque(answer)) {
            n += usize::from(coding != Coding::default());
            answer.manual = coding;
        }
    }
    match coded.keys().next() {
        Some(id) => Err(at("reading", path)(format!("`{id}` is none of the answers that are coded here"))),
        None => Ok(n),
    }
}

/// A code: 1, 0, or nothing.
pub(crate) fn code(cell: &str) -> Result<Option<bool>, String> {
    match whole(cell) {
        "1" => Ok(Some(true)),
        "0" => Ok(Some(false)),
        "" => Ok(None),
        other => Err(format!("{:?} is neither 0 nor 1", other.chars().take(20).collect::<String>())),
    }
}

/// A record's line, and its cells.
pub(crate) type AnswerRecord = (u64, Vec<String>);

/// Larger files are no answers.
const FILE_MAX: u64 = 64 << 20;

/// The records of a CSV file with this head, each with its line.
pub(crate) fn records(path: &Path, head: &[&str]) -> Result<Vec<AnswerRecord>, Fault> {
    let (found, rows) = any_records(path)?;
    if found != head {
        return Err(at("reading", path)(format!("its columns are {}, not {}", found.join(", "), head.join(", "))));
    }
    Ok(rows)
}

/// A CSV file's head and its records. Every record has as many cells as the head.
pub(crate) fn any_records(path: &Path) -> Result<(Vec<String>, Vec<AnswerRecord>), Fault> {
    records_up_to(path, FILE_MAX)
}

/// A whole number, which programs that know none where values are missing write as `1.0`.
pub(crate) fn whole(cell: &str) -> &str {
    let cell = cell.trim();
    cell.split_once('.').filter(|(_, behind)| behind.chars().all(|c| c == '0')).map_or(cell, |(whole, _)| whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers() -> Vec<CodedAnswer> {
        let answer = |model: &str, run, response: &str| CodedAnswer {
            source: "cratylus".into(),
            model: model.into(),
            skin: "ashery2025".into(),
            run,
            response: response.into(),
            machine: Coding([Some(true), None, Some(false), None]),
            manual: Coding::default(),
        };
        vec![answer("gpt", 0, "A, \"B\"\nand C"), answer("gpt", 1, "=HYPERLINK(1)"), answer("claude", 0, "A, \"B\"\nand C")]
    }

    fn file(name: &str) -> std::path::PathBuf {
        std::env::temp_dir().join(format!("cratylus-answers-{}-{name}", std::process::id()))
    }

    #[test]
    fn answers_come_back_from_the_table_as_they_were() {
        let path = file("table.parquet");
        write(&path, &answers()).unwrap();
        assert_eq!(read(&path).unwrap(), answers());
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn tables_of_spreadsheets_are_read() {
        let check = |name: &str, text: &[u8]| {
            let path = file(name);
            std::fs::write(&path, text).unwrap();
            let read = any_records(&path);
            std::fs::remove_file(path).unwrap();
            let (head, rows) = read.unwrap_or_else(|why| panic!("{name}: {why}"));
            assert_eq!(head, ["Model", "Run", "Text"], "{name}");
            assert_eq!(rows.into_iter().map(|(_, cells)| cells).collect::<Vec<_>>(), [["m", "1.0", "a; b, c"]], "{name}");
        };
        check("commas.csv", b"Model,Run,Text\nm,1.0,\"a; b, c\"\n");
        check("semicolons.csv", b"\xef\xbb\xbfModel;Run;Text\r\nm;1.0;\"a; b, c\"\r\n");
        check("tabs.csv", b"Model\tRun\tText\nm\t1.0\ta; b, c\n");
        check("trailing.csv", b"Model,Run,Text,,\nm,1.0,\"a; b, c\",,\n,,,,\n\n");
        check("numbered.csv", b",Model,Run,Text\n0,m,1.0,\"a; b, c\"\n");
        assert_eq!([code("1.0"), code(" 0"), code("")], [Ok(Some(true)), Ok(Some(false)), Ok(None)]);
        let path = file("cp1252.csv");
        std::fs::write(&path, b"Model,Run,Text\nm,1,na\xefve\n").unwrap();
        assert!(any_records(&path).unwrap_err().0.contains("save it as UTF-8"));
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn who_codes_cannot_see_whose_answers_they_are_and_codes_come_back() {
        let path = file("blind.csv");
        let mut answers = answers();
        write_blind(&path, &answers).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            !text.contains("gpt") && !text.contains("claude") && !text.contains("ashery") && !text.contains("cratylus"),
            "{text}"
        );
        assert!(text.contains("'=HYPERLINK"), "nothing that a spreadsheet would run");
        let id = opaque(&answers[0]);
        let coded = text.replace(&format!("{id},,,,,"), &format!("{id},1,0,,1,"));
        std::fs::write(&path, &coded).unwrap();
        assert_eq!(read_coded(&path, &mut answers).unwrap(), 1);
        assert_eq!(answers[0].manual, Coding([Some(true), Some(false), None, Some(true)]));
        assert_eq!(answers[2].manual, Coding::default());
        std::fs::write(&path, coded.replace(",1,0,,1,", ",yes,0,,1,")).unwrap();
        assert!(read_coded(&path, &mut answers).unwrap_err().0.contains("`coordination`: \"yes\" is neither 0 nor 1"));
        std::fs::write(&path, coded.replace(&id, "0123456789ab")).unwrap();
        assert!(read_coded(&path, &mut answers).unwrap_err().0.contains("none of the answers"));
        std::fs::remove_file(path).unwrap();
    }
}
