//! Runs that are added until something is known: how many there are depends on what they give, and on nothing else.

mod common;
use common::{COPIERS, cratylus, folder, start, succeeds};
use std::path::Path;
use std::time::Duration;

const RESULTS: [&str; 4] = ["experiment.toml", "plan.toml", "runs.parquet", "measures.parquet"];

fn bytes(dir: &Path) -> Vec<Vec<u8>> {
    RESULTS.iter().map(|file| std::fs::read(dir.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))).collect()
}

fn results(dir: &Path, out: &str) -> serde_json::Value {
    serde_json::from_str(&succeeds(dir, &["report", out, "--json"]).out).unwrap()
}

/// Committed agents in a naming game: the more there are, the likelier they win soon.
const COMMITTED: &str = r#"# A threshold.
name = "threshold"
seed = 5
replicas = { least = 10, most = 60 }

[population]
size = 60
start = { consensus = "B" }

[game]
kind = "naming"
names = ["A", "B"]

[agents]
kind = "inventory"
committed = { name = "A", share = 0.1 }

[stop]
consensus = { by = "inventories" }
rounds = 100

[record]
interactions = false

[find]
key = "agents.committed.share"
of = "consensus"
exponent = 0.67

[sweep]
"population.size" = [50, 100, 200]
"agents.committed.share" = { from = 0.02, to = 0.3, step = 0.01 }
"#;

/// Plays it once, and again on one thread and with any number of kills on the way: the bytes are the same.
fn the_same_however(name: &str, text: &str) -> std::path::PathBuf {
    let dir = folder(name);
    std::fs::write(dir.join("e.toml"), text).unwrap();
    succeeds(&dir, &["run", "e.toml", "--out", "whole", "--quiet"]);
    succeeds(&dir, &["run", "e.toml", "--out", "one", "--quiet", "--threads", "1"]);
    assert!(bytes(&dir.join("whole")) == bytes(&dir.join("one")));
    let mut kills = 0;
    for pause in (0..20u64).map(|i| Duration::from_millis(10 + 15 * i)) {
        let mut child = start(&dir, &["run", "e.toml", "--out", "killed", "--quiet"]);
        std::thread::sleep(pause);
        if child.try_wait().unwrap().is_some() {
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
    }
    assert!(kills > 0, "it was over before it could be killed");
    succeeds(&dir, &["run", "e.toml", "--out", "killed", "--quiet"]);
    assert!(bytes(&dir.join("whole")) == bytes(&dir.join("killed")), "after {kills} kills");
    let told = succeeds(&dir, &["replay", "whole"]).out;
    assert!(told.contains("every event, outcome and measure is as in"), "{told}");
    dir
}

#[test]
fn runs_are_added_until_the_interval_is_narrow() {
    let text = COPIERS
        .replace("replicas = 40", "replicas = { least = 20, most = 400, within = 0.1, of = \"consensus\" }")
        .replace("interactions = 4000", "consensus = { window_rounds = 1 }\nrounds = 200")
        .replace("[sweep]", "[record]\ninteractions = false\n[sweep]");
    let dir = the_same_however("adaptive", &text);
    let results = results(&dir, "whole");
    let points = results["points"].as_array().unwrap();
    for point in points {
        let consensus = &point["consensus"];
        let [low, high] = ["low", "high"].map(|end| consensus[end].as_f64().unwrap());
        let runs = point["runs"].as_u64().unwrap();
        assert!((20..=400).contains(&runs));
        assert!(high - low <= 0.2 || runs == 400, "{consensus}");
    }
    // Another precision is another experiment, and no shard can know what others find.
    let other = cratylus(&dir, &["run", "e.toml", "--out", "whole", "--set", "replicas.within=0.2"]);
    assert!(other.code == Some(2) && other.err.contains("replicas.within: was 0.1, is now 0.2"), "{}", other.err);
    for args in [["plan", "e.toml", "--shards", "2"], ["run", "e.toml", "--shard", "1/2"]] {
        let refused = cratylus(&dir, &args);
        assert!(refused.code == Some(2) && refused.err.contains("cannot be dealt out"), "{}", refused.err);
    }
}

#[test]
fn a_threshold_is_found_between_the_numbers_of_a_sweep() {
    let dir = the_same_however("threshold", COMMITTED);
    let results = results(&dir, "whole");
    let found = &results["found"];
    let thresholds = found["thresholds"].as_array().unwrap();
    assert_eq!(thresholds.len(), 3);
    for threshold in thresholds {
        let [value, low, high] = ["value", "low", "high"].map(|key| threshold[key].as_f64().unwrap());
        assert!(low <= value && value <= high && high - low < 0.1, "{threshold}");
        assert!(threshold["points"].as_u64().unwrap() < 20, "not all of 29 shares are run");
        assert_eq!(threshold["rises"], true);
    }
    // Small populations tip more easily (theory for infinite ones within a long time: 0.0979).
    let limit = found["limits"][0]["value"].as_f64().unwrap();
    assert!((0.06..0.16).contains(&limit), "{limit}");
    let [low, high] = ["low", "high"].map(|key| found["limits"][0][key].as_f64().unwrap());
    assert!(low < limit && limit < high && high - low < 0.1, "[{low}, {high}]");
    let told = succeeds(&dir, &["report", "whole"]).out;
    assert!(told.contains("at infinite population.size: 0.") && told.contains("exponent 0.67, given"), "{told}");
    // A range without the threshold in it.
    let none =
        succeeds(&dir, &["run", "e.toml", "--out", "none", "--set", "sweep.\"agents.committed.share\"=[0.02, 0.04, 0.06]"]);
    assert!(none.out.contains("is on one side of 0.5 at 0.02 and 0.06"), "{}", none.out);
    let wrong = cratylus(&dir, &["check", "e.toml", "--set", "find.key=\"agents.beta\""]);
    assert!(wrong.code == Some(2) && wrong.err.contains("gives `agents.beta` no numbers"), "{}", wrong.err);
}
