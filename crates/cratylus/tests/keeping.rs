//! The run, kept: what cannot change a run's bytes, and what happens when the world gets in the way.

mod common;
use common::{COPIERS, PROGRAM, cratylus, folder, start, succeeds};
use cratylus_core::watch::measure::RunContext;
use cratylus_core::watch::measures::Measures;
use cratylus_core::watch::readings::Reading;
use cratylus_core::watch::stop::Consensus;
use cratylus_io::store::columns::{self, Holds};
use cratylus_io::store::run_dir::RunDir;
use cratylus_io::store::table::{self, Values};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// The result files whose bytes an experiment decides.
const RESULTS: [&str; 5] = ["experiment.toml", "plan.toml", "runs.parquet", "interactions.parquet", "measures.parquet"];

fn bytes(dir: &Path) -> Vec<Vec<u8>> {
    RESULTS.iter().map(|file| std::fs::read(dir.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))).collect()
}

fn with_copiers(name: &str) -> std::path::PathBuf {
    let dir = folder(name);
    std::fs::write(dir.join("e.toml"), COPIERS).unwrap();
    dir
}

#[test]
fn the_number_of_threads_does_not_change_a_byte() {
    let dir = with_copiers("threads");
    succeeds(&dir, &["run", "e.toml", "--threads", "1", "--out", "one", "--quiet"]);
    succeeds(&dir, &["run", "e.toml", "--threads", "2", "--out", "two", "--quiet"]);
    assert!(bytes(&dir.join("one")) == bytes(&dir.join("two")));
    assert!(std::fs::read(dir.join("one/report.html")).unwrap() == std::fs::read(dir.join("two/report.html")).unwrap());
}

/// Every Parquet file below a folder that stands under its final name can be read.
fn all_readable(dir: &Path) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            all_readable(&path);
        } else if name.ends_with(".parquet") && !name.starts_with('.') {
            table::read(&path, None).unwrap_or_else(|trouble| panic!("{trouble}"));
        }
    }
}

#[test]
fn a_run_killed_at_any_moment_resumes_to_the_same_bytes() {
    let dir = with_copiers("killed");
    succeeds(&dir, &["run", "e.toml", "--out", "whole", "--quiet"]);
    let whole = bytes(&dir.join("whole"));
    let mut kills = 0;
    // Moments that are spread over the run, whatever the machine's speed: each try lives a little longer.
    for pause in (0..24u64).map(|i| Duration::from_millis(3 + i * i * 2)) {
        let mut child = start(&dir, &["run", "e.toml", "--out", "again", "--quiet"]);
        std::thread::sleep(pause);
        kills += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        all_readable(&dir.join("again"));
    }
    assert!(kills > 3, "only {kills} kills hit a living process");
    let said = succeeds(&dir, &["run", "e.toml", "--out", "again"]);
    assert!(bytes(&dir.join("again")) == whole, "{}", said.err);
    assert!(!dir.join("again/parts").exists());
}

/// One run, long enough to be kept in the midst of it; a change of the population on the way.
const LONG: &str = "[population]\nsize = 2000\n[game]\nkind = \"naming\"\n[agents]\nkind = \"inventory\"\n\
                    [[interventions]]\nround = 300\nturnover = 0.1\n[stop]\ninteractions = 8_000_000\n";

#[test]
fn a_long_run_goes_on_from_where_it_was_kept() {
    let dir = folder("long");
    std::fs::write(dir.join("e.toml"), LONG).unwrap();
    let kept = |run: &str| dir.join(run).join("parts/00000000-00000000.checkpoint");
    // Plays until something more was kept, or the run is over; then kills it.
    let part = |run: &str| {
        let before = std::fs::read(kept(run)).ok();
        let mut child = start(&dir, &["run", "e.toml", "--out", run, "--quiet", "--checkpoint", "0.02"]);
        while child.try_wait().unwrap().is_none() && std::fs::read(kept(run)).ok() == before {
            std::thread::sleep(Duration::from_millis(1));
        }
        let living = child.try_wait().unwrap().is_none();
        child.kill().unwrap();
        child.wait().unwrap();
        living
    };
    succeeds(&dir, &["run", "e.toml", "--out", "whole", "--quiet", "--checkpoint", "0"]);
    // No more than it takes: on a fast machine the run would be over.
    let parts = (0..4).filter(|_| part("again")).take(2).count();
    assert!(parts > 1, "only {parts} kills hit a living process");
    let said = succeeds(&dir, &["run", "e.toml", "--out", "again"]);
    assert!(said.err.contains("run 0 goes on from interaction "), "{}", said.err);
    assert!(bytes(&dir.join("again")) == bytes(&dir.join("whole")), "{}", said.err);
    // What was kept is damaged, or what it belongs to is gone: that is said, and the run is played from its beginning. Tables
    // that were ended already, as when a process is killed between two of them, are gone on with.
    type Damage = fn(&Path, Vec<std::path::PathBuf>);
    let cases: [(&str, &str, Damage); 3] = [
        ("cut", "begins again, as what was kept of it cannot be used", |file, _| {
            std::fs::write(file, &std::fs::read(file).unwrap()[..1000]).unwrap();
        }),
        ("gone", "begins again, as what was kept of it cannot be used", |_, tables| {
            tables.iter().for_each(|table| std::fs::remove_file(table).unwrap());
        }),
        ("ended", "goes on from interaction", |_, tables| {
            let name = |table: &Path| table.file_name().unwrap().to_str().unwrap().to_string();
            for table in tables.iter().filter(|table| name(table).contains("interactions")) {
                let ended = name(table)[1..].split(".parquet").next().unwrap().to_string() + ".parquet";
                std::fs::rename(table, table.with_file_name(ended)).unwrap();
            }
        }),
    ];
    for (run, word, damage) in cases {
        assert!(part(run));
        let parts = std::fs::read_dir(kept(run).parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
        damage(&kept(run), parts.filter(|path| path.extension().is_some_and(|end| end == "tmp")).collect());
        let said = succeeds(&dir, &["run", "e.toml", "--out", run]);
        assert!(said.err.contains(word), "{run}: {}", said.err);
        assert!(bytes(&dir.join(run)) == bytes(&dir.join("whole")), "{run}");
    }
}

#[test]
fn what_was_finished_is_not_played_again() {
    let dir = with_copiers("kept");
    let mut child = start(&dir, &["run", "e.toml", "--out", "r", "--quiet", "--set", "replicas=400", "--threads", "1"]);
    let parts = || {
        std::fs::read_dir(dir.join("r/parts")).map_or(0, |parts| {
            parts.filter(|part| part.as_ref().unwrap().path().to_string_lossy().ends_with(".runs.parquet")).count()
        })
    };
    while parts() < 3 && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let said = succeeds(&dir, &["run", "e.toml", "--out", "r", "--set", "replicas=400"]);
    assert!(said.err.contains("runs were kept from before"), "{}", said.err);
    let again = succeeds(&dir, &["run", "e.toml", "--out", "r", "--set", "replicas=400"]);
    assert!(again.err.contains("holds all runs of this experiment already"), "{}", again.err);
}

#[test]
fn a_full_disk_is_an_error_that_loses_nothing() {
    let dir = with_copiers("full");
    succeeds(&dir, &["run", "e.toml", "--out", "whole", "--quiet"]);
    // Files may not grow beyond 100 KiB, and the signal that says so is ignored: writes fail, as on a full disk.
    let script = format!("trap '' XFSZ; ulimit -f 100; exec '{PROGRAM}' run e.toml --out r --quiet");
    let output = Command::new("bash").args(["-c", &script]).current_dir(&dir).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("writing r/") && said.contains("File too large") && said.contains("the same command goes on"),
        "{said}"
    );
    all_readable(&dir.join("r"));
    succeeds(&dir, &["run", "e.toml", "--out", "r", "--quiet"]);
    assert!(bytes(&dir.join("r")) == bytes(&dir.join("whole")));
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let dir = with_copiers("readonly");
    std::fs::write(dir.join("file"), "").unwrap();
    let said = cratylus(&dir, &["run", "e.toml", "--out", "file/r", "--quiet"]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("making the folder file/r"), "{}", said.err);
    // A folder of the system's that nobody may write to, not even root.
    let said = cratylus(&dir, &["run", "e.toml", "--out", "/proc/cratylus", "--quiet"]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("/proc/cratylus"), "{}", said.err);
}

#[test]
fn a_second_process_says_who_holds_the_directory() {
    let dir = with_copiers("held");
    let mut first = start(&dir, &["run", "e.toml", "--out", "r", "--quiet", "--set", "replicas=4000"]);
    while !dir.join("r/parts").exists() {
        std::thread::sleep(Duration::from_millis(2));
    }
    let said = cratylus(&dir, &["run", "e.toml", "--out", "r", "--quiet", "--set", "replicas=4000"]);
    let fresh = cratylus(&dir, &["run", "e.toml", "--out", "r", "--quiet", "--set", "replicas=4000", "--fresh"]);
    first.kill().unwrap();
    first.wait().unwrap();
    for said in [said, fresh] {
        assert_eq!(said.code, Some(1));
        assert!(said.err.contains(&format!("is being written by process {}", first.id())), "{}", said.err);
    }
    assert!(!dir.join("r.before-1").exists(), "a directory is not moved from under its writer");
}

#[test]
fn a_changed_experiment_is_refused_and_says_what_differs() {
    let dir = with_copiers("changed");
    succeeds(&dir, &["run", "e.toml", "--out", "r", "--quiet"]);
    let before = bytes(&dir.join("r"));
    let said = cratylus(&dir, &["run", "e.toml", "--out", "r", "--set", "population.size=60"]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("population.size: was 50, is now 60") && said.err.contains("--fresh"), "{}", said.err);
    assert!(bytes(&dir.join("r")) == before, "nothing was touched");
    // A comment changes nothing.
    std::fs::write(dir.join("e.toml"), format!("# Another comment.\n{COPIERS}")).unwrap();
    succeeds(&dir, &["run", "e.toml", "--out", "r"]);
    let fresh = succeeds(&dir, &["run", "e.toml", "--out", "r", "--set", "population.size=60", "--fresh"]);
    assert!(fresh.err.contains("r.before-1"), "{}", fresh.err);
    assert!(bytes(&dir.join("r.before-1")) == before, "what was there is kept");
}

#[test]
fn replay_vouches_for_a_directory_and_catches_one_that_was_changed() {
    let dir = with_copiers("replay");
    succeeds(&dir, &["run", "e.toml", "--out", "r", "--quiet", "--set", "replicas=3"]);
    let said = succeeds(&dir, &["replay", "r"]);
    assert!(said.out.contains("6 runs played again: every event, outcome and measure is as in runs.parquet"), "{}", said.out);
    // One answer in the middle of the file becomes another, and then the whole table is written back.
    let file = dir.join("r/interactions.parquet");
    let mut table = table::read(&file, None).unwrap();
    let column = table.columns.iter_mut().find(|column| column.name == "agent_a").unwrap();
    let table::Values::Int(agents) = &mut column.values else { panic!("agents are numbers") };
    agents[1234] = agents[1234].map(|agent| agent % 50 + 1);
    table::write(&file, &table).unwrap();
    let said = cratylus(&dir, &["replay", "r"]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("interactions.parquet: run 0, its rows are not the events"), "{}", said.err);
}

#[test]
fn nothing_that_people_read_can_be_changed_without_a_word() {
    let dir = with_copiers("changed");
    succeeds(&dir, &["run", "e.toml", "--out", "r", "--quiet", "--set", "replicas=3"]);
    let files = || std::fs::read_dir(dir.join("r")).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    // Whether a report says so too, as it can be told without playing.
    let check = |name: &str, change: &dyn Fn(&Path), word: &str, reported: bool| {
        let copy = dir.join(name);
        std::fs::create_dir(&copy).unwrap();
        for file in files() {
            std::fs::copy(&file, copy.join(file.file_name().unwrap())).unwrap();
        }
        change(&copy);
        let said = cratylus(&dir, &["replay", name]);
        assert_eq!(said.code, Some(1), "{name}: {}", said.err);
        assert!(said.err.contains(word), "{name}: `{word}` is not in\n{}", said.err);
        let said = cratylus(&dir, &["report", name]);
        assert_eq!(said.err.contains("warning: ") || said.code != Some(0), reported, "{name}: {}", said.err);
    };
    let edit = |dir: &Path, table: &str, column: &str, edit: &dyn Fn(&mut Values)| {
        let file = dir.join(table);
        let mut read = table::read(&file, None).unwrap();
        edit(&mut read.columns.iter_mut().find(|found| found.name == column).unwrap().values);
        table::write(&file, &read).unwrap();
    };
    let floats = |values: &mut Values| {
        let Values::Float(values) = values else { panic!("numbers") };
        values[4] = Some(0.123);
    };
    check(
        "winner",
        &|dir| {
            edit(dir, "runs.parquet", "winner", &|values| {
                let Values::Text(values) = values else { panic!("text") };
                values[1] = Some("M".into());
            })
        },
        "column `winner`",
        true,
    );
    check("rounds", &|dir| edit(dir, "runs.parquet", "rounds", &floats), "column `rounds`", true);
    check("measures", &|dir| edit(dir, "measures.parquet", "success_rate", &floats), "measures.parquet: `success_rate`", false);
    for table in ["interactions.parquet", "measures.parquet"] {
        check(
            &format!("lost-{table}"),
            &|dir| std::fs::remove_file(dir.join(table)).unwrap(),
            &format!("{table} is missing"),
            true,
        );
    }
    check(
        "cut",
        &|dir| {
            let file = dir.join("runs.parquet");
            let mut table = table::read(&file, None).unwrap();
            table
                .columns
                .iter_mut()
                .for_each(|column| column.values = table::only(column.values.clone(), &[true, false, true, true, true, true]));
            table::write(&file, &table).unwrap();
        },
        "5 of 6 runs; missing: 1",
        true,
    );
    check(
        "experiment",
        &|dir| {
            let file = dir.join("experiment.toml");
            std::fs::write(&file, std::fs::read_to_string(&file).unwrap().replace("4000", "5000")).unwrap();
        },
        "experiment.toml is not the experiment of plan.toml",
        true,
    );
    // What was lost is never called a choice.
    let said = cratylus(&dir, &["audit", "lost-interactions.parquet"]);
    assert!(
        said.code != Some(0) && said.err.contains("interactions.parquet is missing") && !said.err.contains("= false"),
        "{}",
        said.err
    );
}

#[test]
fn a_measure_says_the_same_live_and_from_the_file() {
    let dir = with_copiers("measures");
    succeeds(&dir, &["run", "e.toml", "--out", "r", "--quiet", "--set", "replicas=3"]);
    let run_dir = RunDir::open(&dir.join("r"), &Arc::new(cratylus_core::experiment::registry())).unwrap();
    let mut from_file = Vec::new();
    run_dir
        .each_played(|row, events| {
            let context = RunContext::of(50, vec!["Q".into(), "M".into(), "X".into()], Consensus::published());
            let mut measures = Measures::new(&context, cratylus_core::watch::measures::ALL);
            events.iter().for_each(|event| event.show(|event| measures.see(event)));
            measures.end();
            from_file.push((row.run, measures.readings.iter().collect::<Vec<Reading>>()));
            Ok(())
        })
        .unwrap();
    let (mut live, mut read) = (Vec::new(), Vec::new());
    run_dir
        .each_measured(|row, readings| {
            match readings {
                Some(readings) => read.extend(readings.iter()),
                None => live.push((row.run, std::mem::take(&mut read))),
            }
            Ok(())
        })
        .unwrap();
    assert_eq!(live.len(), 6);
    assert_eq!(live, from_file);
}

/// Row groups are as long as they may be, and end where cells do.
#[test]
fn rows_are_cut_by_runs_and_not_by_who_played_them() {
    let dir = with_copiers("groups");
    let cut = |out: &str, sets: &[&str]| {
        succeeds(&dir, &[&["run", "e.toml", "--out", out, "--quiet"], sets].concat());
        let mut rows = Vec::new();
        table::read_groups(&dir.join(out).join("interactions.parquet"), None, |group| {
            rows.push(group.rows());
            Ok(())
        })
        .unwrap();
        succeeds(&dir, &["replay", out]);
        rows
    };
    let one = cut("one", &["--set", "replicas=1", "--set", "sweep={}", "--set", "stop.interactions=300000"]);
    assert_eq!(one, [1 << 17, 1 << 17, 300_000 - (1 << 18)]);
    // Each four runs are a cell, as it would be short with fewer.
    let many = cut("many", &["--set", "replicas=65", "--set", "sweep={}", "--set", "stop.interactions=5000"]);
    assert_eq!(many, [vec![20_000; 16], vec![5_000]].concat());
    // What would be short is gathered.
    let short = cut("short", &["--set", "replicas=10", "--set", "stop.interactions=64"]);
    assert_eq!(short, [1_280]);
}

/// In directories of version 1 each reading is a row of its own.
#[test]
fn directories_of_earlier_versions_are_read_and_those_they_did_not_finish_refused() {
    let dir = with_copiers("version-1");
    succeeds(&dir, &["run", "e.toml", "--out", "r", "--quiet"]);
    let said = |verb: &str| succeeds(&dir, &[verb, "r"]).out;
    let (report, replay) = (said("report"), said("replay"));
    let file = dir.join("r/measures.parquet");
    let wide = table::read(&file, None).unwrap();
    let (run, t) = (wide.ints("run").unwrap(), wide.ints("t").unwrap());
    let (mut moments, mut names, mut values) = ([Vec::new(), Vec::new()], Vec::new(), Vec::new());
    for i in 0..wide.rows() {
        for column in &wide.columns[2..] {
            let Some(value) = wide.floats(&column.name).unwrap()[i] else { continue };
            moments[0].push(run[i].unwrap());
            moments[1].push(t[i].unwrap());
            names.push(Some(column.name.as_str()));
            values.push(Some(value));
        }
    }
    let n = names.len();
    assert!(n > wide.rows());
    let [run, t] = moments;
    let long = table::Table {
        columns: vec![
            table::Column::ints("run", run),
            table::Column::ints("t", t),
            table::Column::texts("measure", names),
            table::Column::new("value", Values::Float(values)),
        ],
    };
    table::write(&file, &long).unwrap();
    let manifest = dir.join("r/manifest.json");
    let mut text: serde_json::Value = serde_json::from_slice(&std::fs::read(&manifest).unwrap()).unwrap();
    text["format"] = "1".into();
    text["readings"] = n.into();
    std::fs::write(&manifest, text.to_string()).unwrap();
    assert_eq!(report, said("report"));
    assert_eq!(replay, said("replay"));
    // And one that was begun by such a version.
    std::fs::remove_file(dir.join("r/runs.parquet")).unwrap();
    std::fs::create_dir(dir.join("r/parts")).unwrap();
    std::fs::write(dir.join("r/parts/00000000-00000001.runs.parquet"), "").unwrap();
    let refused = cratylus(&dir, &["run", "e.toml", "--out", "r", "--quiet"]);
    assert_eq!(refused.code, Some(1), "{}", refused.err);
    assert!(refused.err.contains("an earlier version of the program began these runs"), "{}", refused.err);
}

/// What one unit wrote becomes the table at once. That it is there already, from a process that was killed, changes nothing.
#[test]
fn a_table_that_is_there_before_the_others_is_no_obstacle() {
    let dir = with_copiers("single");
    let run = |out: &str| {
        let sets = ["--set", "replicas=1", "--set", "sweep={}", "--set", "stop.interactions=300000"];
        succeeds(&dir, &[&["run", "e.toml", "--out", out][..], &sets].concat())
    };
    run("whole");
    let (whole, again) = (dir.join("whole"), dir.join("again"));
    std::fs::create_dir_all(again.join("parts")).unwrap();
    for file in ["experiment.toml", "plan.toml", "interactions.parquet"] {
        std::fs::copy(whole.join(file), again.join(file)).unwrap();
    }
    for table in ["interactions", "measures", "runs"] {
        let table = format!("{table}.parquet");
        std::fs::copy(whole.join(&table), again.join(format!("parts/00000000-00000000.{table}"))).unwrap();
    }
    let said = run("again");
    assert!(said.err.contains("kept from before"), "{}", said.err);
    assert!(bytes(&again) == bytes(&whole));
    assert!(!again.join("parts").exists());
}

/// What a killed process was writing is no run: another experiment may take the directory.
#[test]
fn half_a_part_is_nothing_to_keep() {
    let dir = with_copiers("half");
    let parts = dir.join("r/parts");
    std::fs::create_dir_all(&parts).unwrap();
    std::fs::write(dir.join("r/plan.toml"), "format = \"1\"\n").unwrap();
    std::fs::write(parts.join(".00000000-00000000.runs.parquet.1.tmp"), "half").unwrap();
    succeeds(&dir, &["run", "e.toml", "--out", "r", "--quiet"]);
}

/// Opinions of many agents are counted when they are played again.
#[test]
fn opinions_of_many_agents_are_replayed() {
    let dir = folder("many");
    let text = "seed = 1\nreplicas = 1\n[population]\nsize = 1200\nstart = { shares = { A = 0.6, B = 0.4 } }\n\
                [game]\nkind = \"opinion\"\nnames = [\"A\", \"B\"]\n[agents]\nkind = \"opinion\"\nrule = \"voter\"\n\
                [stop]\nrounds = 3\n";
    std::fs::write(dir.join("e.toml"), text).unwrap();
    succeeds(&dir, &["run", "e.toml", "--out", "r", "--quiet"]);
    assert_eq!(table::count(&dir.join("r/interactions.parquet")).unwrap(), 3_600);
    succeeds(&dir, &["replay", "r"]);
}

/// All points of a sweep have the columns that any of them needs, empty where they say nothing.
#[test]
fn a_sweep_whose_points_show_agents_different_things_is_one_table() {
    let dir = folder("columns");
    let text = "seed = 1\nreplicas = 2\n[population]\nsize = 4\n[game]\nkind = \"coordination\"\nnames = [\"Q\", \"M\"]\n\
                memory = 2\n[agents]\nkind = \"mock\"\nlatency = 0\npolicy = { kind = \"uniform\" }\n[stop]\ninteractions = 40\n[sweep]\n\"control.alias\" = [false, true]\n";
    std::fs::write(dir.join("e.toml"), text).unwrap();
    succeeds(&dir, &["run", "e.toml", "--out", "r", "--quiet"]);
    let rows = table::read(&dir.join("r/interactions.parquet"), Some(&["run", "alias_a", "order_a"])).unwrap();
    let (runs, aliases, orders) = (rows.ints("run").unwrap(), rows.texts("alias_a").unwrap(), rows.texts("order_a").unwrap());
    assert_eq!(runs.len(), 160);
    assert!(orders.iter().all(Option::is_some));
    assert!(runs.iter().zip(&aliases).all(|(run, alias)| alias.is_some() == (run.unwrap() >= 2)), "{aliases:?}");
    succeeds(&dir, &["replay", "r"]);
}

#[test]
fn a_run_can_start_from_what_another_left() {
    let dir = with_copiers("chained");
    succeeds(&dir, &["run", "e.toml", "--out", "first", "--quiet", "--set", "replicas=1"]);
    let second = COPIERS
        .replace("size = 50", "size = 50\nstart = { run = { dir = \"first\", run = 1 } }")
        .replace("[sweep]\n\"game.memory\" = [3, 5]", "");
    std::fs::write(dir.join("second.toml"), second).unwrap();
    succeeds(&dir, &["run", "second.toml", "--out", "second", "--quiet", "--set", "replicas=2"]);
    let manifest = std::fs::read_to_string(dir.join("second/manifest.json")).unwrap();
    assert!(manifest.contains("first/runs.parquet"), "what it started from is an input, with its hash: {manifest}");
    succeeds(&dir, &["replay", "second"]);
}

/// Where nothing succeeds or fails agents remember what they chose all the same, and an emulated agent is of no such game.
#[test]
fn memories_of_a_game_without_success_are_read_and_not_fitted() {
    let dir = folder("unsettled");
    let text = "seed = 5\nreplicas = 1\n[population]\nsize = 2\n[game]\nkind = \"matrix\"\nnames = [\"C\", \"D\"]\n\
                payoffs = [[3, 0], [5, 1]]\nmemory = 3\n[agents]\nkind = \"uniform\"\n[stop]\ninteractions = 12\n";
    std::fs::write(dir.join("e.toml"), text).unwrap();
    succeeds(&dir, &["run", "e.toml", "--out", "first", "--quiet"]);
    let run = RunDir::open(&dir.join("first"), &Arc::new(cratylus_core::experiment::registry())).unwrap();
    let said: Vec<[String; 2]> = run
        .events(0, 100)
        .unwrap()
        .iter()
        .map(|event| {
            let own = usize::from(event.agents[0] != 0);
            [own, 1 - own].map(|seat| ["C", "D"][event.names[seat].unwrap() as usize].to_string())
        })
        .collect();
    assert_eq!(run.final_memories(0).unwrap()[0], said);
    let fitted = cratylus(&dir, &["fit", "first", "--out", "model.json"]);
    assert!(fitted.code != Some(0) && fitted.err.contains("nothing succeeds"), "{}", fitted.err);
}

/// Every column of every table, those of minorities, groups and models too, is described, with its type and in its order;
/// what is described is there; and the page in `docs/` is what is described.
#[test]
fn columns_are_what_they_are_said_to_be() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/columns.md")).unwrap();
    assert!(page == columns::page(), "docs/columns.md is not what `cratylus list columns --markdown > docs/columns.md` gives");
    // Imported directories are tested where there are data to import.
    let own = columns::ALL.iter().filter(|one| one.table != "memories");
    let mut missing: Vec<String> = own.map(|one| format!("{}.{}", one.table, one.column)).collect();
    let dir = folder("columns");
    let base = "seed = 1\nreplicas = 1\n[population]\nsize = 6\n[stop]\nrounds = 3\n";
    let coordination = "[game]\nkind = \"coordination\"\nnames = [\"Q\", \"M\"]\nmemory = 2\n";
    let naming = "[game]\nkind = \"naming\"\nnames = [\"Q\", \"M\"]\n[agents]\nkind = \"inventory\"\n";
    let mock = "[control]\nalias = true\n[agents]\nkind = \"mock\"\nlatency = 0\npolicy = { kind = \"uniform\" }\ncommitted = { name = \"Q\", count = 1 }\n";
    let groups = base.replace("size = 6", "size = 6\ngroups = { size = 3 }");
    let matrix = "[game]\nkind = \"matrix\"\nnames = [\"C\", \"D\"]\npayoffs = [[3, 0], [5, 1]]\n[agents]\nkind = \"uniform\"\n";
    let items: String = (0..12).map(|i| format!("{},{},{i}\n", i % 4, ["x", "y"][i % 2])).collect();
    std::fs::write(dir.join("items.csv"), format!("a_1,class,f_1\n{items}")).unwrap();
    let signals = "seed = 1\nreplicas = 1\n[population]\nsize = 2\n[game]\nkind = \"reconstruction\"\nitems = \"items.csv\"\nheld_out = 0.2\n[channel]\nvocabulary = 6\nlength = 2\n[agents]\nkind = \"rnn\"\nhidden = 8\nlearn = { estimator = \"reinforce\", entropy = 0.1 }\n[train]\nbatch = 16\noptimiser = { kind = \"adam\", lr = 0.01 }\n[stop]\nsteps = 20\n";
    let symbols = "seed = 1\nreplicas = 1\n[population]\nsize = 2\n[world]\nkind = \"gaussian\"\nobjects = 6\nmeans = [[[0], [9]], [[0], [9]]]\ndeviation = [1, 1]\n[game]\nkind = \"symbols\"\nsigns = 2\n[agents]\nkind = \"gaussian-mixture\"\n[stop]\nsweeps = 3\n";
    for (name, text) in [
        ("signals", signals.to_string()),
        ("mock", format!("{base}{coordination}{mock}")),
        ("groups", format!("{groups}{naming}")),
        ("matrix", format!("{base}{matrix}")),
        ("symbols", symbols.to_string()),
    ] {
        std::fs::write(dir.join(format!("{name}.toml")), text).unwrap();
        succeeds(&dir, &["run", &format!("{name}.toml"), "--out", name, "--quiet"]);
        let tables = [
            "runs",
            "interactions",
            "acts",
            "measures",
            "training",
            "messages",
            "items",
            "cross",
            "calls",
            "prompts",
            "signs",
            "features",
        ];
        for file in tables.map(|table| dir.join(name).join(format!("{table}.parquet"))).iter().filter(|file| file.exists()) {
            let of = file.file_stem().unwrap().to_str().unwrap();
            let mut last = None;
            for column in table::read(file, None).unwrap().columns {
                let known = |name: &str| columns::ALL.iter().position(|one| one.table == of && one.column == name);
                let measure = known("<measure>")
                    .filter(|_| column.name.contains(['_', ':']) || ["kappa", "acceptance"].contains(&&*column.name));
                let place = known(&column.name).or(measure);
                let place = place.unwrap_or_else(|| panic!("{} of {} is not described", column.name, file.display()));
                let holds = match column.values {
                    Values::Int(_) => Holds::Int,
                    Values::UInt(_) => Holds::UInt,
                    Values::Float(_) => Holds::Float,
                    Values::Text(_) => Holds::Text,
                    Values::Bool(_) => Holds::Bool,
                };
                assert_eq!(columns::ALL[place].holds, holds, "{} of {of}", column.name);
                assert!(last < Some(place) || last == measure && measure.is_some(), "{} of {of} stands elsewhere", column.name);
                last = Some(place);
                missing.retain(|name| *name != format!("{of}.{}", columns::ALL[place].column));
            }
        }
    }
    assert!(missing.is_empty(), "described, and in no table: {missing:?}");
}
