//! Auditing as a user does it.

mod common;
use common::{COPIERS, cratylus, folder, shared, succeeds};
use serde_json::Value;
use std::path::Path;

/// A small experiment that reaches consensus, and is audited in a second or two.
const SMALL: &str = r#"# Emulated agents settle on a name.
name = "small"
seed = 5
replicas = 12

[population]
size = 12

[game]
kind = "coordination"
names = ["Q", "M"]

[agents]
kind = "emulated"
model = "claude-3.5-sonnet"

[stop]
consensus = { window_rounds = 3 }
interactions = 2_000
"#;

fn ran(name: &str, experiment: &str) -> std::path::PathBuf {
    let dir = folder(name);
    std::fs::write(dir.join("experiment.toml"), experiment).unwrap();
    succeeds(&dir, &["run", "experiment.toml", "--quiet", "--out", "run"]);
    dir
}

fn findings(dir: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(dir.join("findings.json")).unwrap()).unwrap()
}

#[test]
fn an_audit_says_what_it_found_and_keeps_it() {
    let dir = ran("audit-small", SMALL);
    let said = succeeds(&dir, &["audit", "run", "--populations", "100"]);
    for word in ["mechanism", "supports interaction", "cannot tell", "Interaction: ", "Response: "] {
        assert!(said.out.contains(word), "{word}: {}", said.out);
    }
    let kept = findings(&dir.join("run"));
    assert_eq!(kept["format"], 1);
    let condition = &kept["conditions"][0];
    assert_eq!((&condition["condition"], &condition["runs"]), (&Value::from("small"), &Value::from(12)));
    assert_eq!(condition["verdict"]["sentences"].as_array().unwrap().len(), 2);
    let audits: Vec<&str> = condition["findings"].as_array().unwrap().iter().map(|f| f["audit"].as_str().unwrap()).collect();
    let known: Value = serde_json::from_str(&succeeds(&dir, &["list", "audits", "--json"]).out).unwrap();
    let known: Vec<&str> = known.as_array().unwrap().iter().map(|audit| audit["name"].as_str().unwrap()).collect();
    assert!(known.starts_with(&audits) && known.len() > audits.len(), "those that question a model come after: {known:?}");
    for finding in condition["findings"].as_array().unwrap() {
        for key in ["question", "means", "does_not_mean", "source"] {
            assert!(finding[key].as_str().is_some_and(|text| text.len() > 10), "{}: {key}", finding["audit"]);
        }
        assert!(finding["rivals"].as_array().is_some_and(|rivals| rivals.len() >= 2), "{}", finding["audit"]);
    }
    // The page has it, and a report that is written again keeps it.
    let page = || std::fs::read_to_string(dir.join("run/report.html")).unwrap();
    assert!(page().contains("\"audit\":{") && page().contains("Rivals, on runs left out"));
    succeeds(&dir, &["report", "run"]);
    assert!(page().contains("\"audit\":{"));
}

#[test]
fn the_same_runs_give_the_same_findings_byte_for_byte() {
    let dir = ran("audit-again", SMALL);
    let all = || {
        succeeds(&dir, &["audit", "run", "--populations", "60"]);
        std::fs::read(dir.join("run/findings.json")).unwrap()
    };
    let once = all();
    assert_eq!(once, all());
    let said = succeeds(&dir, &["audit", "run", "--populations", "60", "--seed", "7", "--json"]);
    let other: Value = serde_json::from_str(&said.out).unwrap();
    assert_ne!(serde_json::from_slice::<Value>(&once).unwrap()["conditions"], other);
}

#[test]
fn a_sweep_is_audited_point_by_point_and_directories_together() {
    let dir = folder("audit-sweep");
    std::fs::write(dir.join("experiment.toml"), COPIERS).unwrap();
    succeeds(
        &dir,
        &["run", "experiment.toml", "--quiet", "--out", "run", "--set", "replicas=6", "--set", "stop.interactions=600"],
    );
    let said = succeeds(&dir, &["audit", "run", "--only", "mechanism,position", "--out", "together", "--json"]);
    let asked: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(asked.as_array().unwrap().len(), 2);
    assert_eq!(asked[0]["findings"].as_array().unwrap().len(), 2);
    assert_eq!(findings(&dir.join("together"))["conditions"].as_array().unwrap().len(), 2);
    assert!(std::fs::read_to_string(dir.join("together/report.html")).unwrap().contains("\"audit\":{"));
}

#[test]
fn runs_are_compared_with_other_runs_within_margins() {
    let dir = ran("audit-against", SMALL);
    succeeds(&dir, &["run", "experiment.toml", "--quiet", "--out", "same", "--set", "seed=6", "--set", "name=\"same\""]);
    succeeds(
        &dir,
        &["run", "experiment.toml", "--quiet", "--out", "noise", "--set", "agents={kind=\"uniform\"}", "--set", "name=\"noise\""],
    );
    let said =
        succeeds(&dir, &["audit", "run", "--only", "equivalence", "--against", "same", "noise", "--json", "--populations", "60"]);
    let asked: Value = serde_json::from_str(&said.out).unwrap();
    let surrogates = asked[0]["findings"][0]["details"]["surrogates"].as_array().unwrap().clone();
    let judged = |label: &str| surrogates.iter().find(|s| s["surrogate"] == label).unwrap()["judged"].clone();
    assert_eq!(judged("noise"), "different");
    assert_eq!(judged("same"), "undecided", "twelve runs of the same agents show neither");
}

#[test]
fn mistakes_are_told_with_a_way_out() {
    let dir = ran("audit-mistakes", SMALL);
    let fails = |args: &[&str], words: &[&str]| {
        let said = cratylus(&dir, args);
        assert_eq!(said.code, Some(2), "{args:?}: {}", said.err);
        words.iter().for_each(|word| assert!(said.err.contains(word), "{args:?}: {}", said.err));
    };
    fails(&["audit"], &["which runs?", "cratylus audit runs/consensus"]);
    fails(&["audit", "run", "--only", "mecanism"], &["no audit called `mecanism`", "help: did you mean `mechanism`"]);
    fails(&["audit", "run", "--only", "payoffs"], &["`payoffs` questions a model", "--model"]);
    fails(&["audit", "run", "--data", "ai-norms=x"], &["no plan (.toml) is given"]);
    fails(&["audit", "experiment.toml"], &["this is an experiment", "audit the run directory"]);
    fails(&["audit", "run", "run"], &["given twice"]);
    fails(&["audit", "nowhere"], &["nowhere"]);
    fails(&["audit", "run", "--margin", "2"], &["a margin is a share"]);
    fails(&["audit", "plan.toml"], &["plan.toml"]);
    std::fs::write(dir.join("plan.toml"), "name = \"x\"\n[data]\nai-norm = \"x\"\n").unwrap();
    fails(&["audit", "plan.toml"], &["ai-norm", "ai-norms"]);
    std::fs::write(dir.join("plan.toml"), "name = \"x\"\n[data]\nai-norms = \"absent\"\n").unwrap();
    fails(&["audit", "plan.toml"], &["absent is not there", "git clone"]);
    // A directory without its interactions, and a game without memories.
    std::fs::write(dir.join("b.toml"), format!("{SMALL}\n[record]\ninteractions = false\n")).unwrap();
    succeeds(&dir, &["run", "b.toml", "--quiet", "--out", "b"]);
    fails(&["audit", "b"], &["its interactions were not recorded"]);
    let naming = "name = \"n\"\nreplicas = 5\n[population]\nsize = 5\n[game]\nkind = \"naming\"\n[agents]\nkind = \"inventory\"\n[stop]\nrounds = 5\n";
    std::fs::write(dir.join("n.toml"), naming).unwrap();
    succeeds(&dir, &["run", "n.toml", "--quiet", "--out", "n"]);
    fails(&["audit", "n"], &["nothing could be audited", "`naming`"]);
    // Findings that somebody spoiled are not shown as findings.
    std::fs::write(dir.join("run/findings.json"), "{}").unwrap();
    let said = cratylus(&dir, &["report", "run"]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("findings.json") && said.err.contains("cratylus audit"), "{}", said.err);
}

#[test]
fn the_audit_audits_itself() {
    let dir = folder("audit-self");
    let said = succeeds(&dir, &["audit", "--self-test", "--trials", "1", "--trial-runs", "8", "--json"]);
    let report: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(report["rows"].as_array().unwrap().len(), cratylus_audit::self_test::MECHANISMS.len());
    assert_eq!(report["design"]["runs"], 8);
    assert!(report["interaction"]["wrong"].as_u64().unwrap() <= 1, "{}", report["interaction"]);
    let text = succeeds(&dir, &["audit", "--self-test", "--trials", "1", "--trial-runs", "4"]).out;
    assert!(text.contains("own inertia") && text.contains("false alarms"), "{text}");
}

#[test]
fn a_plan_imports_what_both_sides_published_and_audits_it() {
    let Some(shared) = shared("") else { return };
    let dir = folder("audit-plan");
    // One model's pickles, so that it takes seconds.
    let pickles = format!("ai-norms={}", shared.join("ai-norms/raw/claude_data").display());
    let critique = format!("leakage-probes={}", shared.join("leakage-critique").display());
    let plan = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments/re-audit.toml");
    let args = [
        "audit",
        plan.to_str().unwrap(),
        "--data",
        &pickles,
        "--data",
        &critique,
        "--only",
        "prior,mechanism,interaction,history,common-cause,time,agents,yielding",
    ];
    let said = succeeds(&dir, &[&args[..], &["--populations", "100", "--json"]].concat());
    let asked: Value = serde_json::from_str(&said.out).unwrap();
    let verdicts: Vec<&Value> = asked.as_array().unwrap().iter().map(|c| &c["verdict"]).filter(|v| !v.is_null()).collect();
    assert_eq!(verdicts.len(), 2, "two names and ten");
    assert!(
        verdicts.iter().all(|v| v["interaction"] == "supports-interaction" && v["response"] == "cannot-tell"),
        "{verdicts:?}"
    );
    let last = asked.as_array().unwrap().last().unwrap();
    assert_eq!(last["findings"][0]["audit"], "recognition");
    assert!(dir.join("runs/re-audit/report.html").exists() && dir.join("runs/re-audit/findings.json").exists());
}
