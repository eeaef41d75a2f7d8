//! Scenes as a user meets them: played by rules, by a model that is a mock, audited, replayed, and with the mistakes people make.

mod common;

use common::{cratylus, folder, succeeds};
use serde_json::Value;

const COMMONS: &str = r#"
name = "pond"
seed = 7
replicas = 30
[population]
size = 5
[game]
kind = "commons"
[agents]
kind = "rule"
rule = "fixed"
harvest = 11
[stop]
rounds = 12
"#;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// The mean of a score at a point.
fn score(report: &Value, point: usize, name: &str) -> f64 {
    report["points"][point]["followed"][format!("score:{name}")]["end"]["mean"].as_f64().unwrap()
}

#[test]
fn rules_play_and_every_act_is_on_record() {
    let dir = folder("scenes-rules");
    std::fs::write(dir.join("pond.toml"), COMMONS).unwrap();
    let said = succeeds(&dir, &["run", "pond.toml", "--quiet", "--out", "one", "--set", "replicas=3"]);
    assert!(said.out.contains("rounds") && said.out.contains("4.00"), "{}", said.out);
    let report = json(&succeeds(&dir, &["report", "one", "--json"]).out);
    assert_eq!([score(&report, 0, "rounds"), score(&report, 0, "gain"), score(&report, 0, "survived")], [4.0, 39.0, 0.0]);
    let acts = cratylus_io::store::table::read(&dir.join("one/acts.parquet"), None).unwrap();
    // Two words of chance, four rounds of five seats, and the scores, in each of three runs.
    let turns = acts.ints("turn").unwrap();
    assert_eq!(turns.iter().flatten().count(), 3 * 20);
    assert_eq!(turns.iter().flatten().max(), Some(&3));
    assert_eq!(turns.len(), 3 * (2 + 20 + 9));
    // The same bytes on any number of threads, and from the record alone.
    for threads in ["1", "3"] {
        succeeds(&dir, &["run", "pond.toml", "--quiet", "--out", threads, "--threads", threads]);
    }
    for file in ["acts.parquet", "runs.parquet", "measures.parquet", "interactions.parquet"] {
        let read = |of: &str| std::fs::read(dir.join(of).join(file)).unwrap();
        assert!(read("1") == read("3"), "{file}");
    }
    succeeds(&dir, &["replay", "1"]);
    // One seat alone, whose episode is a whole round; and several episodes in a run.
    let bandit = "seed = 1\nreplicas = 5\npopulation.size = 1\n[game]\nkind = \"bandit\"\narms = [0.8, 0.2]\nhorizon = 20\n[agents]\nkind = \"rule\"\nrule = \"ucb\"\n[stop]\nepisodes = 3\n";
    std::fs::write(dir.join("bandit.toml"), bandit).unwrap();
    succeeds(&dir, &["run", "bandit.toml", "--quiet", "--out", "bandit"]);
    let report = json(&succeeds(&dir, &["report", "bandit", "--json"]).out);
    assert!((0.5..1.0).contains(&score(&report, 0, "best_share")));
    succeeds(&dir, &["replay", "bandit"]);
}

#[test]
fn talk_is_audited_and_worth_what_is_in_it() {
    let dir = folder("scenes-talk");
    let text = COMMONS.replace(
        "kind = \"rule\"\nrule = \"fixed\"\nharvest = 11",
        "mix = [{ count = 1, kind = \"rule\", rule = \"announcer\" }, { count = 4, kind = \"rule\", rule = \"listener\", harvest = 12 }]",
    );
    let text = text.replace("kind = \"commons\"", "kind = \"commons\"\ntalk = { turns = 5 }")
        + "[sweep]\n\"control.messages\" = [\"as-said\", \"none\", \"scrambled\"]\n";
    std::fs::write(dir.join("talk.toml"), &text).unwrap();
    succeeds(&dir, &["run", "talk.toml", "--quiet", "--out", "talk"]);
    let report = json(&succeeds(&dir, &["report", "talk", "--json"]).out);
    assert_eq!([0, 1, 2].map(|point| score(&report, point, "rounds")), [12.0, 3.0, 3.0]);
    let found = json(&succeeds(&dir, &["audit", "talk", "--json"]).out);
    assert_eq!(found[0]["audit"], "talk");
    assert_eq!(found[0]["finds"], "content-matters");
    assert!(dir.join("talk/findings.json").exists());
    // A page is written again after an audit, and knows of it.
    succeeds(&dir, &["report", "talk"]);
    // Those who do not listen are not helped.
    let deaf = text.replace("rule = \"listener\"", "rule = \"fixed\"");
    std::fs::write(dir.join("deaf.toml"), deaf).unwrap();
    succeeds(&dir, &["run", "deaf.toml", "--quiet", "--out", "deaf"]);
    let found = json(&succeeds(&dir, &["audit", "deaf", "--json"]).out);
    assert_eq!(found[0]["finds"], "talk-does-not-matter");
}

#[test]
fn models_play_scenes_and_unusable_answers_are_counted() {
    let dir = folder("scenes-models");
    let mock = "kind = \"mock\"\nlatency = 0\ngarbage = 0.25\ntries = 1\npolicy = { kind = \"uniform\" }";
    let text = COMMONS
        .replace("kind = \"rule\"\nrule = \"fixed\"\nharvest = 11", mock)
        .replace("kind = \"commons\"", "kind = \"commons\"\nthreshold = \"told\"");
    std::fs::write(dir.join("mock.toml"), &text).unwrap();
    let told = succeeds(&dir, &["check", "mock.toml", "--memory", ""]);
    assert!(told.out.contains("month 1 of 12") && told.out.contains("holds 100 tons"), "{}", told.out);
    let checked = succeeds(&dir, &["check", "mock.toml"]);
    assert!(checked.out.contains("at most 1,800"), "{}", checked.out);
    for threads in ["1", "2"] {
        succeeds(&dir, &["run", "mock.toml", "--quiet", "--out", threads, "--threads", threads]);
    }
    let read = |of: &str| std::fs::read(dir.join(of).join("acts.parquet")).unwrap();
    assert!(read("1") == read("2"));
    let report = json(&succeeds(&dir, &["report", "1", "--json"]).out);
    let void = score(&report, 0, "void");
    // 150 acts or more, a quarter of them garbage.
    assert!((0.1..0.4).contains(&void), "{void}");
    succeeds(&dir, &["replay", "1"]);
    // A program's or a list's answers, and its words where it is to say something.
    let canned = text
        .replace(mock, "kind = \"scripted\"\nanswers = [{ text = \"10\" }]")
        .replace("threshold = \"told\"", "talk = { turns = 2, limit = 4 }");
    std::fs::write(dir.join("canned.toml"), canned.replace("replicas = 30", "replicas = 2")).unwrap();
    succeeds(&dir, &["run", "canned.toml", "--quiet", "--out", "canned"]);
    let report = json(&succeeds(&dir, &["report", "canned", "--json"]).out);
    assert_eq!([score(&report, 0, "rounds"), score(&report, 0, "messages")], [12.0, 22.0 / 12.0]);
    succeeds(&dir, &["replay", "canned"]);
}

#[test]
fn mistakes_of_scenes_have_their_place() {
    let dir = folder("scenes-mistakes");
    let refused = |from: &str, to: &str, words: &str| {
        std::fs::write(dir.join("wrong.toml"), COMMONS.replace(from, to)).unwrap();
        let said = cratylus(&dir, &["check", "wrong.toml"]);
        assert!(said.code == Some(2) && said.err.contains(words), "{to}: {}{}", said.out, said.err);
    };
    refused("size = 5", "size = 4", "takes at least 5 agents");
    refused("rule = \"fixed\"", "rule = \"fixde\"", "did you mean `fixed`");
    refused("rule = \"fixed\"\n", "", "by which rule? There are: random, ");
    refused("harvest = 11", "harvst = 11", "harvst");
    refused("kind = \"commons\"", "kind = \"commons\"\nstock = 3", "below `collapse`");
    refused("kind = \"commons\"", "kind = \"commons\"\nseats = 0", "expected from 1 to 100");
    refused("kind = \"commons\"", "kind = \"commons\"\nmessages = \"none\"", "nothing is said here");
    refused("size = 5", "size = 5\nnetwork = { kind = \"ring\", degree = 2 }", "leave `population.network` out");
    refused("rounds = 12", "rounds = 0", "expected from 1 to 1,000 rounds");
    refused("[agents]\nkind = \"rule\"", "[agents]\nkind = \"win-stay-lose-shift\"", "rule");
    let bandit = COMMONS.replace("kind = \"commons\"", "kind = \"bandit\"\narms = [0.5, 1.5]");
    std::fs::write(dir.join("wrong.toml"), bandit).unwrap();
    assert!(cratylus(&dir, &["check", "wrong.toml"]).err.contains("a probability from 0 to 1, found 1.5"));
}
