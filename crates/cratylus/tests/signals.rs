//! Networks that learn to signal, as a user meets them: trained, interrupted, audited, measured; and every mistake with its way
//! out.

mod common;
use common::{cratylus, folder, start, succeeds};
use serde_json::Value;
use std::path::Path;

const BASE: &str = r#"# Two attributes of three values.
name = "tiny"
seed = 3
replicas = 3
[game]
kind = "reconstruction"
attributes = [3, 3]
[channel]
vocabulary = 8
length = 2
[agents]
kind = "gru"
hidden = 24
learn = { estimator = "reinforce", entropy = 0.2 }
[train]
batch = 64
optimiser = { kind = "adam", lr = 0.01 }
[stop]
success = 1.0
steps = 400
[sweep]
"channel.control" = ["none", "cut", "permuted"]
"#;

fn digest(dir: &Path) -> String {
    let text = std::fs::read_to_string(dir.join("manifest.json")).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["digest"].as_str().unwrap().to_string()
}

#[test]
fn a_first_language_is_used_and_with_the_channel_cut_there_is_none() {
    let dir = folder("signals");
    std::fs::write(dir.join("tiny.toml"), BASE).unwrap();
    assert!(succeeds(&dir, &["check", "tiny.toml"]).out.contains("9 runs of 3 conditions"));
    let said = succeeds(&dir, &["run", "tiny.toml", "--quiet", "--threads", "1"]);
    for word in ["none", "cut", "permuted", "success", "topsim", "by chance"] {
        assert!(said.out.contains(word), "{}", said.out);
    }
    let json: Value = serde_json::from_str(&succeeds(&dir, &["report", "runs/tiny", "--json"]).out).unwrap();
    let success = |point: usize, control: &str| json["points"][point]["success"][control]["mean"].as_f64().unwrap();
    assert!(success(0, "as-trained") > 0.9, "{json}");
    // One of nine is right whatever is said.
    assert!((success(1, "as-trained") - 1.0 / 9.0).abs() < 1e-9 && success(0, "permuted") < 0.2, "{json}");
    assert!((success(0, "cut") - 1.0 / 9.0).abs() < 0.1);
    // The same seeds under every control.
    let seeds = |dir: &str| {
        let table = cratylus_io::store::table::read(&Path::new(dir).join("runs.parquet"), None).unwrap();
        table.uints("seed").unwrap().to_vec()
    };
    let seeds = seeds(dir.join("runs/tiny").to_str().unwrap());
    assert!(seeds[..3] == seeds[3..6] && seeds[..3] == seeds[6..]);
    // What anybody sees of it.
    let audit = succeeds(&dir, &["audit", "runs/tiny"]);
    assert!(audit.out.contains("message used and needed"), "{}", audit.out);
    let findings = std::fs::read_to_string(dir.join("runs/tiny/findings.json")).unwrap();
    assert!(findings.contains("used-and-needed") && findings.contains("code-structure"));
    let page = std::fs::read_to_string(dir.join("runs/tiny/report.html")).unwrap();
    assert!(page.contains("What is said") && !page.contains("{\"placeholder\":true}"));
    let measured = succeeds(&dir, &["measure", "runs/tiny", "--sender", "0.1"]);
    assert!(measured.out.contains("9 messages about 9 items of 2 attributes"), "{}", measured.out);
    // Two threads, and once more.
    succeeds(&dir, &["run", "tiny.toml", "--quiet", "--threads", "2", "--out", "again"]);
    assert_eq!(digest(&dir.join("again")), digest(&dir.join("runs/tiny")));
    for table in ["runs", "training", "messages", "items", "cross", "measures"] {
        let file = |of: &str| std::fs::read(dir.join(of).join(format!("{table}.parquet"))).unwrap();
        assert!(file("again") == file("runs/tiny"), "{table}");
    }
    assert!(succeeds(&dir, &["replay", "again"]).out.contains("every message and every weight is the same"));
    // A table of others is told.
    std::fs::copy(dir.join("runs/tiny/measures.parquet"), dir.join("again/cross.parquet")).unwrap();
    let edited = cratylus(&dir, &["replay", "again"]);
    assert!(edited.code == Some(1) && edited.err.contains("cross.parquet differ"), "{}", edited.err);
    let other = cratylus(&dir, &["run", "tiny.toml", "--set", "agents.hidden=16", "--out", "again"]);
    assert!(other.code == Some(2) && other.err.contains("hidden: was 24, is now 16"), "{}", other.err);
}

#[test]
fn a_training_that_is_killed_goes_on_and_comes_to_the_same() {
    let dir = folder("signals-killed");
    let text = BASE.replace("success = 1.0\nsteps = 400", "steps = 3000\nevery = 10").replace("replicas = 3", "replicas = 2");
    let text = text.split("[sweep]").next().unwrap();
    // Generations follow each other in it, too.
    let text = format!("{text}[generations]\nplay = 180\nteach = 40\nlisten = 20\n");
    std::fs::write(dir.join("long.toml"), text).unwrap();
    succeeds(&dir, &["run", "long.toml", "--quiet", "--out", "whole"]);
    let mut child = start(&dir, &["run", "long.toml", "--quiet", "--out", "cut", "--checkpoint", "0.05", "--threads", "1"]);
    let begun = std::time::Instant::now();
    let kept = || dir.join("cut/parts/00000000.checkpoint").exists();
    while !kept() && begun.elapsed().as_secs() < 60 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(kept() && !dir.join("cut/runs.parquet").exists(), "it was killed in its midst");
    let early = cratylus(&dir, &["replay", "cut"]);
    assert!(early.code == Some(2) && early.err.contains("its runs are not finished"), "{}", early.err);
    let said = succeeds(&dir, &["run", "long.toml", "--out", "cut"]);
    assert!(said.err.contains("run 0 goes on from step"), "{}", said.err);
    assert_eq!(digest(&dir.join("cut")), digest(&dir.join("whole")));
    for table in ["runs", "training", "messages", "measures"] {
        let file = |of: &str| std::fs::read(dir.join(of).join(format!("{table}.parquet"))).unwrap();
        assert!(file("cut") == file("whole"), "{table}");
    }
}

#[test]
fn items_of_a_file_are_learnt_and_mistakes_in_it_are_said_before_training() {
    let dir = folder("signals-items");
    let text = BASE.replace("attributes = [3, 3]", "items = \"things.csv\"").replace("replicas = 3", "replicas = 1");
    let text = text.split("[sweep]").next().unwrap().replace("steps = 400", "steps = 60");
    std::fs::write(dir.join("things.toml"), text).unwrap();
    let refused = |content: Option<&str>, words: &str| {
        match content {
            Some(content) => std::fs::write(dir.join("things.csv"), content).unwrap(),
            None => drop(std::fs::remove_file(dir.join("things.csv"))),
        }
        let said = cratylus(&dir, &["run", "things.toml"]);
        assert!(said.code == Some(2) && said.err.contains(words) && said.err.contains("things.toml:"), "{}", said.err);
        assert!(!dir.join("runs").exists());
    };
    refused(None, "there is no such file");
    refused(Some("a_1,a_2\nred,\n"), "line 2: `a_2` is missing");
    refused(Some("f_1\n0.5\n"), "reconstruction needs items with attributes");
    refused(Some("colour\nred\n"), "neither attributes");
    std::fs::write(
        dir.join("things.csv"),
        "a_1,a_2,split\nred,disc,train\nred,star,train\nblue,disc,train\nblue,star,held-out\n",
    )
    .unwrap();
    let said = succeeds(&dir, &["run", "things.toml", "--quiet"]);
    assert!(said.out.contains("held out"), "{}", said.out);
    let measured = succeeds(&dir, &["measure", "runs/tiny", "--json"]);
    let json: Value = serde_json::from_str(&measured.out).unwrap();
    assert_eq!((json["senders"][0]["rows"].as_u64(), json["attributes"].as_array().unwrap().len()), (Some(4), 2));
}

#[test]
fn worlds_of_a_sweep_may_differ_and_folders_of_others_are_left_alone() {
    let dir = folder("signals-worlds");
    let text =
        BASE.replace("\"channel.control\" = [\"none\", \"cut\", \"permuted\"]", "\"game.attributes\" = [[3, 3], [2, 2, 3]]");
    std::fs::write(dir.join("worlds.toml"), text.replace("steps = 400", "steps = 30").replace("replicas = 3", "replicas = 1"))
        .unwrap();
    let said = succeeds(&dir, &["run", "worlds.toml", "--quiet", "--out", "worlds"]);
    assert!(said.out.contains("of 9") && said.out.contains("of 12"), "{}", said.out);
    let measured = |args: &[&str]| succeeds(&dir, &[&["measure", "worlds"][..], args].concat()).out;
    assert!(measured(&["--sender", "1.1"]).contains("12 messages about 12 items of 3 attributes"));
    assert!(measured(&["--sender", "0.1"]).contains("9 messages about 9 items of 2 attributes"));
    assert!(measured(&[]).contains("information:a_3"));
    // Imported again, each world keeps its own.
    succeeds(&dir, &["import", "messages", "worlds", "--out", "imported"]);
    let value = |from: &str| {
        let json: Value =
            serde_json::from_str(&succeeds(&dir, &["measure", from, "--sender", "1.1", "--measures", "topsim", "--json"]).out)
                .unwrap();
        json["senders"][0]["scores"][0]["value"].as_f64().unwrap()
    };
    assert_eq!(value("imported"), value("worlds"));
    let before = std::fs::read(dir.join("imported/messages.parquet")).unwrap();
    let refused = cratylus(&dir, &["run", "worlds.toml", "--out", "imported"]);
    assert!(refused.code == Some(2) && refused.err.contains("it holds messages.parquet"), "{}", refused.err);
    assert!(before == std::fs::read(dir.join("imported/messages.parquet")).unwrap());
    let told = cratylus(&dir, &["report", "imported"]);
    assert!(told.err.contains("`cratylus measure` takes"), "{}", told.err);
}

#[test]
fn items_of_features_are_counted_as_what_they_are() {
    let dir = folder("signals-features");
    let items: String = (0..30).map(|i| format!("{},{},k{}\n", i % 3, i, i % 3)).collect();
    std::fs::write(dir.join("things.csv"), format!("f_1,f_2,class\n{items}")).unwrap();
    let text = BASE
        .replace("attributes = [3, 3]", "items = \"things.csv\"\ncandidates = 5")
        .replace("\"reconstruction\"", "\"contrastive\"");
    let text = text.split("[sweep]").next().unwrap().replace("steps = 400", "steps = 20");
    std::fs::write(dir.join("things.toml"), text).unwrap();
    let said = succeeds(&dir, &["run", "things.toml", "--quiet", "--out", "out"]);
    // One of three classes is guessed as often as a third, and not as one of five candidates.
    assert!(said.out.contains("of 30") && said.out.contains("33 %"), "{}", said.out);
    let measured = succeeds(&dir, &["measure", "out", "--sender", "0.1", "--json"]);
    let json: Value = serde_json::from_str(&measured.out).unwrap();
    assert!(json["senders"][0]["rows"] == 30 && json["symbols"].as_array().is_some());
    let table = cratylus_io::store::table::read(&dir.join("out/items.parquet"), None).unwrap();
    assert_eq!(table.floats("f_2").unwrap()[29], Some(29.0));
}

#[test]
fn distances_of_numbers_are_of_numbers() {
    let dir = folder("signals-numbers");
    let message = |n: usize| vec!["x"; n].join(" ");
    let rows: String =
        [1, 2, 3, 1000, 1001].iter().zip([1, 2, 3, 30, 31]).map(|(a, n)| format!("{a},{}\n", message(n))).collect();
    std::fs::write(dir.join("far.csv"), format!("a_1,message\n{rows}")).unwrap();
    let args =
        ["measure", "far.csv", "--measures", "topsim", "--meaning-distance", "euclidean", "--message-distance", "levenshtein"];
    assert!(succeeds(&dir, &args).out.contains("topsim   1.000"), "{}", succeeds(&dir, &args).out);
    std::fs::write(dir.join("words.csv"), "a_1,message\nred,x\nblue,x x\ngreen,x\n").unwrap();
    let words = cratylus(&dir, &["measure", "words.csv", "--meaning-distance", "euclidean"]);
    assert!(words.code == Some(2) && words.err.contains("`blue`, which is no number"), "{}", words.err);
    let step = cratylus(&dir, &["measure", "far.csv", "--step", "3"]);
    assert!(step.code == Some(2) && step.err.contains("there is no column `step`"), "{}", step.err);
}

#[test]
fn other_verbs_say_what_they_cannot_do() {
    let dir = folder("signals-verbs");
    std::fs::write(dir.join("tiny.toml"), BASE).unwrap();
    let refused = |args: &[&str], words: &str| {
        let said = cratylus(&dir, args);
        assert!(said.code == Some(2) && said.err.contains(words), "{args:?}: {}", said.err);
    };
    refused(&["plan", "tiny.toml"], "networks that learn to signal");
    refused(&["run", "tiny.toml", "--shard", "1/2"], "not dealt out in cells");
    refused(&["check", "tiny.toml", "--set", "channel.vocabulary=1"], "from 2 to 65536");
    refused(&["run", "tiny.toml", "--set", "channel.lenght=2"], "lenght");
    refused(&["init", "new.toml", "--from", "recontruction"], "did you mean `reconstruction`?");
    succeeds(&dir, &["init", "new.toml", "--from", "reconstruction"]);
    assert!(std::fs::read_to_string(dir.join("new.toml")).unwrap().contains("[channel]"));
}
