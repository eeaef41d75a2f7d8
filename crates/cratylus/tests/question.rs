//! Questioning a model, as a user does it: what it will ask comes first, and asking twice asks once.

mod common;
use common::{cratylus, folder, shared, succeeds};
use serde_json::Value;
use std::path::Path;

const HEEDS: &str = "{ kind = \"mock\", policy = { kind = \"best-response\", payoffs = true } }";

fn json(dir: &Path, args: &[&str]) -> Value {
    let said: Value = serde_json::from_str(&succeeds(dir, &[args, &["--json"]].concat()).out).unwrap();
    if said.is_array() { said[0]["findings"].clone() } else { said }
}

fn of<'a>(findings: &'a Value, audit: &str) -> &'a Value {
    findings.as_array().unwrap().iter().find(|finding| finding["audit"] == audit).unwrap()
}

#[test]
fn what_would_be_asked_is_said_before_anything_is() {
    let dir = folder("question-bill");
    let said = succeeds(&dir, &["audit", "--agent", HEEDS, "--memory", "2"]);
    assert!(said.out.contains("calls, about") && said.out.contains("with --yes it is"), "{}", said.out);
    let bill = json(&dir, &["audit", "--agent", HEEDS, "--memory", "2"]);
    assert_eq!(bill["asked"], false);
    assert_eq!(bill["bill"][0]["calls"], 60, "ten times in six tellings");
}

#[test]
fn a_mock_is_questioned_once_and_its_response_turns_with_the_payoffs() {
    let dir = folder("question-mock");
    let args = ["audit", "--agent", HEEDS, "--memory", "2", "--yes", "--populations", "50"];
    let findings = json(&dir, &args);
    assert_eq!(findings.as_array().unwrap().len(), 8);
    let payoffs = of(&findings, "payoffs");
    assert!((payoffs["effect"]["value"].as_f64().unwrap() + 1.0).abs() < 1e-6, "{payoffs}");
    // A mock has no answers in words, so nothing shows that it understood, and nothing follows.
    assert_eq!(payoffs["finds"], "cannot-tell");
    assert_eq!(of(&findings, "alias")["finds"], "supports-interaction");
    assert_eq!(json(&dir, &args), findings);
    let again = succeeds(&dir, &args);
    assert!(again.err.contains("0 calls"), "{}", again.err);
    assert!(again.out.contains("Response: ") && again.out.contains("payoffs"), "{}", again.out);
}

/// A program that plays by rule whatever is paid, and answers what it is asked in words.
const PROGRAM: &str = r#"
while read -r line; do
  id=${line#*\"id\":}; id=${id%%,*}
  case "$line" in
    *'"names":[]'*'Before you go on'*|*'Before you go on'*) echo "{\"id\":$id,\"text\":\"It is a coordination game.\"}" ;;
    *'"names":[]'*) echo "{\"id\":$id,\"text\":\"42\"}" ;;
    *'"memory":[]'*) echo "{\"id\":$id,\"probabilities\":{\"Q\":0.5,\"M\":0.5}}" ;;
    *'"Q"]],'*) echo "{\"id\":$id,\"probabilities\":{\"Q\":0.9,\"M\":0.1}}" ;;
    *) echo "{\"id\":$id,\"probabilities\":{\"Q\":0.1,\"M\":0.9}}" ;;
  esac
done
"#;

#[test]
fn a_program_is_questioned_and_its_words_are_coded_blindly() {
    let dir = folder("question-program");
    std::fs::write(dir.join("mind.sh"), PROGRAM).unwrap();
    let agent = "{ kind = \"scripted\", command = [\"sh\", \"mind.sh\"] }";
    let base = [
        "audit",
        "--agent",
        agent,
        "--memory",
        "1",
        "--repeats",
        "3",
        "--skins",
        "skin-vask",
        "--yes",
        "--populations",
        "20",
        "--quiet",
    ];
    let findings = json(&dir, &[&base[..], &["--only", "recognition,payoffs", "--blind-out", "code.csv"]].concat());
    assert_eq!(of(&findings, "recognition")["effect"]["value"], 1.0);
    assert!((of(&findings, "payoffs")["effect"]["value"].as_f64().unwrap() - 1.0).abs() < 1e-6);
    assert_eq!(of(&findings, "payoffs")["finds"], "cannot-tell", "it understands nothing");
    let blind = std::fs::read_to_string(dir.join("code.csv")).unwrap();
    assert!(blind.lines().count() == 7 && !blind.contains("vask") && !blind.contains("mind.sh"), "{blind}");
    std::fs::write(dir.join("code.csv"), blind.replace(",,,,,", ",0,1,,,")).unwrap();
    let findings = json(&dir, &[&base[..], &["--only", "recognition", "--coded", "code.csv"]].concat());
    assert_eq!(of(&findings, "recognition")["effect"]["value"], 0.0, "people's coding counts");
    assert_eq!(of(&findings, "recognition")["details"]["agreement"][0]["agreement"]["share"], 0.0);
}

#[test]
fn a_budget_stops_and_the_same_command_goes_on() {
    let dir = folder("question-budget");
    let args = ["audit", "--agent", HEEDS, "--memory", "2", "--yes", "--quiet", "--populations", "20"];
    let said = cratylus(&dir, &[&args[..], &["--budget-calls", "10"]].concat());
    assert!(
        said.code == Some(1) && said.err.contains("budget of 10 calls") && said.err.contains("question.tape"),
        "{}",
        said.err
    );
    succeeds(&dir, &args);
}

#[test]
fn mistakes_have_a_way_out() {
    let dir = folder("question-mistakes");
    let says = |args: &[&str], what: &str| {
        let said = cratylus(&dir, &[&["audit"], args].concat());
        assert!(said.code != Some(0) && said.err.contains(what), "{args:?}: {}", said.err);
    };
    says(&["--agent", "{ kind = \"uniform\" }"], "nobody to question");
    says(&["--agent", HEEDS, "--names", "Q,M,X"], "two names");
    says(&["--agent", HEEDS, "--skins", "skin-vesk", "--yes"], "did you mean `skin-vask`");
    says(&["--agent", HEEDS, "--memory", "9"], "at most 6");
    says(&["--answers", "nowhere"], "nowhere");
    says(&["--agent", HEEDS, "--only", "payoff"], "payoffs");
}

#[test]
fn published_answers_are_imported_and_found_to_tell_nothing_alone() {
    let Some(data) = shared("leakage-critique") else { return };
    let dir = folder("question-published");
    let said = succeeds(&dir, &["import", "leakage-probes", data.to_str().unwrap(), "--out", "probes"]);
    assert!(said.out.contains("100 answers") && said.out.contains("1 (5)"), "{}", said.out);
    let findings = json(&dir, &["audit", "--answers", "probes"]);
    let recognition = of(&findings, "recognition");
    assert_eq!(recognition["finds"], "cannot-tell");
    assert!((recognition["effect"]["value"].as_f64().unwrap() - 0.64).abs() < 1e-9, "{}", recognition["effect"]);
}
