//! Experiments under a control, as a user runs them.

mod common;
use common::{cratylus, folder, succeeds};
use cratylus_io::store::table;

const LIVE: &str = r#"name = "aliased"
seed = 4
replicas = 2

[population]
size = 6

[game]
kind = "coordination"
names = ["Q", "M", "X"]
memory = 3

[control]
alias = true
memory = "shuffled-rows"

[agents]
kind = "mock"
garbage = 0.2
policy = { kind = "majority-of-window" }

[stop]
interactions = 60
"#;

#[test]
fn a_run_under_a_control_is_checked_played_and_replayed() {
    let dir = folder("controlled");
    std::fs::write(dir.join("e.toml"), LIVE).unwrap();
    let said = succeeds(&dir, &["check", "e.toml"]);
    assert!(said.out.contains("labels are drawn anew for every question"), "{}", said.out);
    assert!(said.out.contains("remembered rounds are shown in random order"), "{}", said.out);
    for (out, text) in [("p", "false"), ("t", "true")] {
        succeeds(&dir, &["run", "e.toml", "--out", out, "--quiet", "--set", &format!("agents.text={text}")]);
        succeeds(&dir, &["replay", out]);
        let rows = table::read(&dir.join(out).join("interactions.parquet"), None).unwrap();
        let (orders, aliases) = (rows.texts("order_a").unwrap(), rows.texts("alias_a").unwrap());
        let all: std::collections::BTreeSet<&str> = aliases.iter().map(|alias| alias.unwrap()).collect();
        assert!(all.len() == 6 && all.contains(r#"["X","Q","M"]"#) && orders.iter().all(Option::is_some), "{all:?}");
    }
}

#[test]
fn no_agent_is_fitted_to_what_was_not_seen() {
    let dir = folder("fit-controlled");
    std::fs::write(dir.join("e.toml"), LIVE).unwrap();
    succeeds(&dir, &["run", "e.toml", "--out", "r", "--quiet"]);
    let said = cratylus(&dir, &["fit", "r", "--name", "x", "--out", "x.json"]);
    assert!(said.code != Some(0) && said.err.contains("under a control"), "{}", said.err);
}

#[test]
fn a_directory_without_a_control_is_the_same_as_ever() {
    let dir = folder("uncontrolled");
    let plain = LIVE.replace("[control]\nalias = true\nmemory = \"shuffled-rows\"\n", "");
    std::fs::write(dir.join("e.toml"), plain).unwrap();
    succeeds(&dir, &["run", "e.toml", "--out", "r", "--quiet"]);
    assert!(!std::fs::read_to_string(dir.join("r/plan.toml")).unwrap().contains("control"));
    assert!(!table::read(&dir.join("r/interactions.parquet"), None).unwrap().has("alias_a"));
    let said = cratylus(&dir, &["run", "e.toml", "--out", "r", "--quiet", "--set", "control.alias=true"]);
    assert_eq!(said.code, Some(2), "another experiment: {}", said.err);
}

#[test]
fn what_an_agent_is_told_can_be_seen_under_its_control() {
    let dir = folder("told");
    std::fs::write(dir.join("e.toml"), LIVE).unwrap();
    let told = |set: &str| succeeds(&dir, &["check", "e.toml", "--memory", "Q M, M M", "--set", set]).out;
    assert!(!told("control={memory=\"empty\"}").contains("rounds so far"));
    let paid = told("control={payoff=\"mismatch-pays\"}");
    assert!(
        paid.contains("'Player 2': 'M', 'payoff': 100") && paid.contains("'Player 1': 'M', 'Player 2': 'M', 'payoff': -50"),
        "{paid}"
    );
}

#[test]
fn skins_and_invented_names_are_listed_and_played() {
    let dir = folder("skins");
    let said = succeeds(&dir, &["list", "skins"]);
    assert_eq!(said.out.lines().count(), 5, "{}", said.out);
    assert_eq!(succeeds(&dir, &["list", "held-out-names"]).out.lines().count(), 20);
    std::fs::write(dir.join("e.toml"), LIVE).unwrap();
    for skin in said.out.lines().filter_map(|line| line.split(' ').next()) {
        let set = format!("agents.protocol=\"{skin}\"");
        let told = succeeds(&dir, &["check", "e.toml", "--set", &set, "--memory", "Q M"]).out;
        assert!(told.contains("-50") && told.contains("'value': <"), "{told}");
    }
    succeeds(
        &dir,
        &["run", "e.toml", "--out", "r", "--quiet", "--set", "agents.text=true", "--set", "agents.protocol=\"skin-vask\""],
    );
    // A file of the user's own may be like a skin.
    std::fs::write(dir.join("mine.toml"), "format = 1\nlike = \"skin-vask\"\n[fields]\nme = \"the far drelk\"\n").unwrap();
    let told = succeeds(&dir, &["check", "e.toml", "--set", "agents.protocol=\"mine.toml\"", "--memory", ""]).out;
    assert!(told.contains("You are the far drelk."), "{told}");
}
