//! An experiment in cells: whoever computes them, in whatever order and however often they are killed, the tables are those
//! of one run.

mod common;
use common::{COPIERS, cratylus, folder, start, succeeds};
use std::path::Path;
use std::process::Child;
use std::time::Duration;

const RESULTS: [&str; 5] = ["experiment.toml", "plan.toml", "runs.parquet", "interactions.parquet", "measures.parquet"];

fn bytes(dir: &Path) -> Vec<Vec<u8>> {
    RESULTS.iter().map(|file| std::fs::read(dir.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))).collect()
}

/// A sweep of six points, played as a whole.
fn whole(name: &str) -> std::path::PathBuf {
    let dir = folder(name);
    let text =
        COPIERS.replace("replicas = 40", "replicas = 20").replace("[sweep]\n", "[sweep]\n\"population.size\" = [20, 50, 80]\n");
    std::fs::write(dir.join("e.toml"), text).unwrap();
    succeeds(&dir, &["run", "e.toml", "--out", "whole", "--quiet"]);
    dir
}

/// The hashes of all cells, as `plan` lists them.
fn hashes(dir: &Path) -> Vec<String> {
    let plan = succeeds(dir, &["plan", "e.toml", "--json"]).out;
    let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
    plan["cells"].as_array().unwrap().iter().map(|cell| cell["hash"].as_str().unwrap().to_string()).collect()
}

#[test]
fn shards_in_any_order_join_to_the_bytes_of_one_run() {
    let dir = whole("shards");
    for (shard, out) in [("3/3", "c"), ("1/3", "a"), ("2/3", "b")] {
        succeeds(&dir, &["run", "e.toml", "--shard", shard, "--out", out]);
    }
    // Again: everything is there already.
    let again = succeeds(&dir, &["run", "e.toml", "--shard", "2/3", "--out", "b"]);
    assert!(again.err.contains("40 runs, 40 of them kept from before"), "{}", again.err);
    let merged = succeeds(&dir, &["merge", "b", "a", "c", "--out", "merged"]);
    assert!(bytes(&dir.join("whole")) == bytes(&dir.join("merged")));
    assert_eq!(merged.out, succeeds(&dir, &["run", "whole"]).out, "the summary is the same, too");
    let twice = succeeds(&dir, &["merge", "b", "a", "c", "--out", "merged"]);
    assert_eq!(twice.out, merged.out);
}

#[test]
fn processes_that_share_a_directory_and_are_killed_lose_nothing() {
    let dir = whole("shared");
    let mut kills = 0;
    for pause in (0..12u64).map(|i| Duration::from_millis(5 + 6 * i)) {
        let mut children: Vec<Child> = (1..=2)
            .map(|i| start(&dir, &["run", "e.toml", "--shard", &format!("{i}/2"), "--out", "shared", "--threads", "1"]))
            .collect();
        std::thread::sleep(pause);
        for child in &mut children {
            kills += u32::from(child.try_wait().unwrap().is_none());
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
    assert!(kills > 0, "no process lived long enough to be killed");
    // The rest by their names, four at a time.
    for some in hashes(&dir).chunks(15) {
        let mut children: Vec<Child> =
            some.iter().map(|hash| start(&dir, &["run", "e.toml", "--cell", hash, "--out", "shared"])).collect();
        children.iter_mut().for_each(|child| assert!(child.wait().unwrap().success()));
    }
    let merged = succeeds(&dir, &["merge", "shared"]);
    assert!(bytes(&dir.join("whole")) == bytes(&dir.join("shared")), "{}", merged.err);
    let left: Vec<_> = std::fs::read_dir(dir.join("shared")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().ends_with(".tmp") || name == "parts"), "{left:?}");
}

#[test]
fn an_unfinished_set_of_cells_is_finished_by_an_ordinary_run() {
    let dir = whole("finished");
    succeeds(&dir, &["run", "e.toml", "--shard", "1/2", "--out", "half"]);
    let said = succeeds(&dir, &["run", "e.toml", "--out", "half"]);
    assert!(said.err.contains("60 of 120 runs were kept"), "{}", said.err);
    assert!(bytes(&dir.join("whole")) == bytes(&dir.join("half")));
}

#[test]
fn what_cannot_be_joined_is_refused_with_the_reason() {
    let dir = whole("refused");
    let refused = |args: &[&str], words: &[&str]| {
        let said = cratylus(&dir, args);
        assert_ne!(said.code, Some(0), "{args:?} was let through: {}", said.out);
        words.iter().for_each(|word| assert!(said.err.contains(word), "{args:?}: {}", said.err));
    };
    succeeds(&dir, &["run", "e.toml", "--shard", "1/2", "--out", "a"]);
    succeeds(&dir, &["run", "e.toml", "--shard", "2/2", "--out", "other", "--set", "seed=12"]);
    refused(&["merge", "a", "--out", "m"], &["12 of 24 cells are missing", "--cell"]);
    refused(&["merge", "a", "other", "--out", "m"], &["other holds cells of another experiment", "seed: was 12, is now 11"]);
    refused(&["merge", "a", "whole", "--out", "m"], &["whole is finished"]);
    refused(&["merge", "a", "nowhere", "--out", "m"], &["nowhere"]);
    refused(&["merge", "a", "other"], &["Give `--out DIR`"]);
    refused(&["run", "e.toml", "--shard", "3/2"], &["no shard 3"]);
    refused(&["run", "e.toml", "--shard", "half"], &["expected I/K"]);
    refused(&["run", "e.toml", "--cell", "0123", "--out", "a"], &["no cell `0123`"]);
    refused(&["run", "e.toml", "--shard", "1/2", "--out", "a", "--set", "seed=12"], &["different", "seed"]);
    // The same cell with other contents.
    succeeds(&dir, &["run", "e.toml", "--shard", "2/2", "--out", "b"]);
    succeeds(&dir, &["run", "e.toml", "--shard", "2/2", "--out", "c"]);
    let parts: Vec<_> = std::fs::read_dir(dir.join("c/parts")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let damaged = parts.iter().find(|path| path.to_string_lossy().ends_with("measures.parquet")).unwrap();
    std::fs::write(damaged, b"other").unwrap();
    refused(&["merge", "a", "b", "c", "--out", "m"], &["hold the same cell", "differ"]);
}

#[test]
fn language_models_are_not_dealt_out() {
    let dir = folder("live-shards");
    std::fs::write(
        dir.join("e.toml"),
        "[population]\nsize = 4\n[game]\nkind = \"coordination\"\nnames = [\"Q\", \"M\"]\n[agents]\nkind = \"mock\"\npolicy = { kind = \"uniform\" }\n[stop]\nrounds = 3\n",
    )
    .unwrap();
    let said = cratylus(&dir, &["run", "e.toml", "--shard", "1/2", "--out", "a"]);
    assert_ne!(said.code, Some(0));
    assert!(said.err.contains("asked by one process"), "{}", said.err);
}
