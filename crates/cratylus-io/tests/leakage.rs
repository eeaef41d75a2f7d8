//! The published answers of both sides, where they are present: the table of the audit reference, section 1, and how far
//! three codings of the same answers agree. The shared data hold 10 of the critique's 14 models.

mod common;
use cratylus_audit::recognition::{CodedAnswer, Coding, Flag, agree, each, share};
use cratylus_io::answers;
use cratylus_io::import::leakage;
use cratylus_io::store::manifest::Build;
use std::path::{Path, PathBuf};

fn both() -> Option<Vec<CodedAnswer>> {
    let dir = common::shared("leakage-critique")?;
    let mut all = leakage::read(&dir).unwrap().answers;
    all.extend(leakage::read(&common::shared("leakage-reply")?).unwrap().answers);
    Some(all)
}

fn of<'a>(all: &'a [CodedAnswer], source: &str) -> Vec<CodedAnswer> {
    all.iter().filter(|answer: &&'a CodedAnswer| answer.source == source).cloned().collect()
}

#[test]
fn the_published_table_is_reproduced_and_so_is_where_machine_and_people_differ() {
    let Some(all) = both() else { return };
    let critique = of(&all, "critique");
    let count = |model: &str, flag: Flag, machine: bool| {
        let here = critique.iter().filter(|answer| answer.model == model);
        let found = share(here, |answer| if machine { answer.machine.get(flag) } else { answer.manual.get(flag) });
        assert_eq!(found.of, 10, "{model}");
        found.count
    };
    // People's count, and the machine's: audit.md, section 1.
    let expected: [(&str, [[u64; 2]; 3]); 10] = [
        ("gpt-4.1", [[10, 10], [10, 10], [10, 10]]),
        ("gpt-4o", [[10, 10], [10, 10], [10, 9]]),
        ("gpt-4o-mini", [[9, 9], [10, 10], [6, 5]]),
        ("gpt-3.5-turbo", [[7, 7], [9, 9], [6, 5]]),
        ("llama3:70b-instruct", [[10, 10], [8, 8], [4, 4]]),
        ("llama3:8b-instruct", [[3, 3], [8, 8], [3, 3]]),
        ("llama3.2:3b", [[2, 4], [6, 6], [5, 4]]),
        ("deepseek-r1:8b", [[10, 10], [10, 10], [9, 9]]),
        ("mistral:7b", [[1, 5], [4, 5], [1, 1]]),
        ("gemma3:4b", [[2, 3], [9, 9], [1, 4]]),
    ];
    assert_eq!(each(&critique, |answer| &answer.model).len(), expected.len());
    for (model, counts) in expected {
        for (flag, [people, machine]) in [Flag::Coordination, Flag::Repeat, Flag::Convergence].into_iter().zip(counts) {
            assert_eq!([count(model, flag, false), count(model, flag, true)], [people, machine], "{model} {flag:?}");
        }
    }
}

#[test]
fn the_reply_found_one_opponent_in_every_answer() {
    let Some(all) = both() else { return };
    let reply = of(&all, "reply");
    let single = share(&reply, |answer| answer.manual.get(Flag::Single));
    assert_eq!((single.count, single.of), (40, 40));
    assert_eq!(each(&reply, |answer| &answer.model).len(), 8);
}

/// The numbers of docs/questioning.md.
#[test]
fn rules_agree_with_people_as_far_as_the_handbook_says() {
    let Some(all) = both() else { return };
    let found = |flag: Flag, by: fn(&CodedAnswer) -> Coding| {
        let found = agree(&all, flag, by, |answer| answer.manual).unwrap();
        println!(
            "{flag:?}: {:.3} of {} alike, kappa {:.3} [{:.3}, {:.3}]",
            found.share, found.of, found.kappa, found.low, found.high
        );
        [(100.0 * found.share).round() as i64, (100.0 * found.kappa).round() as i64]
    };
    let three = [Flag::Coordination, Flag::Repeat, Flag::Convergence];
    assert_eq!(three.map(|flag| found(flag, |answer| answer.machine)), [[93, 84], [99, 96], [93, 86]]);
    assert_eq!(three.map(|flag| found(flag, CodedAnswer::by_rules)), [[75, 52], [88, 63], [87, 74]]);
    // Where the rules are sure: how many answers that are, too. They never surely say no of the first two.
    let sure = |flag| agree(&all, flag, CodedAnswer::surely_by_rules, |answer| answer.manual).unwrap();
    assert_eq!(three.map(|flag| sure(flag).of), [41, 72, 78]);
    assert_eq!(three.map(|flag| found(flag, CodedAnswer::surely_by_rules)[0]), [98, 99, 91]);
    assert_eq!(found(Flag::Convergence, CodedAnswer::surely_by_rules)[1], 82);
    // People never coded a population, so no kappa.
    let single = agree(&all, Flag::Single, CodedAnswer::by_rules, |answer| answer.manual).unwrap();
    println!("single: {single:?}");
    assert_eq!(((single.share * single.of as f64).round() as u64, single.of), (39, 40));
}

const BUILD: Build = Build { version: "test", revision: "test" };

fn folder(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

#[test]
fn an_imported_folder_reads_back_as_it_was_read() {
    let Some(dir) = common::shared("leakage-critique") else { return };
    let out = folder("leakage-out");
    let imported = leakage::import(&dir, &out, BUILD).unwrap();
    assert!(imported.skipped.is_empty());
    assert_eq!(answers::read(&out.join("answers.parquet")).unwrap(), imported.answers);
    let manifest = std::fs::read_to_string(out.join("manifest.json")).unwrap();
    assert!(manifest.contains("analogy_responses_openai_annotated.csv"), "{manifest}");
}

#[test]
fn files_of_another_shape_are_refused_by_line() {
    let dir = folder("leakage-hostile");
    let write = |name: &str, text: &str| std::fs::write(dir.join(name), text).unwrap();
    let why = || leakage::read(&dir).err().unwrap().0;
    assert!(why().contains("holds no file of answers"));
    write("r.csv", "Model,Run,Response,Annotation\nm,1,\"one, \"\"two\"\"\nthree\",1\nm,2,x,maybe\n");
    assert!(why().contains("line 4") && why().contains("neither 0 nor 1"), "{}", why());
    write("r.csv", "Model,Run,Response,Annotation\nm,1,x\n");
    assert!(why().contains("r.csv"), "{}", why());
    write("r.csv", "\u{feff}Model,Run,Responses,Annotation\nm,1,x,1\n");
    write("other.csv", "a,b\n1,2\n");
    let imported = leakage::read(&dir).unwrap();
    assert_eq!((imported.answers.len(), imported.skipped.len()), (1, 1));
    let head = "model,run,coordination,coordination_justification,coordination_justification_annotated_manual,optimal_move,optimal_move_justification,optimal_move_justification_annotated_manual,convergence,convergence_justification,convergence_justification_annotated_manual";
    write("q.csv", "model,run,response\na,1,x\na,2,y\n");
    write("q_annotated.csv", &format!("{head}\nb,1,0,j,1,1,j,1,0,j,0\n"));
    assert!(why().contains("it annotates 1 answers"), "{}", why());
    write("q_annotated.csv", &format!("{head}\nb,1,0,j,1,1,j,1,0,j,0\nb,3,0,j,1,1,j,1,0,j,0\n"));
    assert!(why().contains("line 3: it annotates run 3 of b"), "{}", why());
    write("q_annotated.csv", &format!("{head}\nb,1,0,j,1,1,j,1,0,j,0\nb,2,0,j,1,1,j,1,0,j,0\n"));
    assert_eq!(leakage::read(&dir).unwrap().answers.len(), 3, "one model by two names");
}
