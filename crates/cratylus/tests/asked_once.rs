//! Live models as a user runs them, on models that need no server: what is asked is asked once, kept, and played again.

mod common;
use common::{PROGRAM, Said, cratylus, folder, succeeds};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

fn fails(dir: &Path, arguments: &[&str], code: i32, says: &[&str]) -> String {
    let output = cratylus(dir, arguments);
    let said = output.err;
    assert_eq!(output.code, Some(code), "{arguments:?}: {said}");
    says.iter().for_each(|word| assert!(said.contains(word), "{arguments:?}: no `{word}` in: {said}"));
    said
}

/// The calls that a run says it made.
fn calls(output: &Said) -> u64 {
    let said = &output.err;
    let word =
        said.split(" calls,").next().and_then(|before| before.split_whitespace().last()).unwrap_or_else(|| panic!("{said}"));
    word.replace(',', "").parse().unwrap_or_else(|_| panic!("{said}"))
}

fn digest(dir: &Path, out: &str) -> String {
    let manifest: Value = serde_json::from_str(&fs::read_to_string(dir.join(out).join("manifest.json")).unwrap()).unwrap();
    manifest["digest"].as_str().unwrap_or_else(|| panic!("{out} is not finished")).into()
}

const MOCK: &str = "name = \"mock\"
seed = 3
replicas = 6
population.size = 12
game = { kind = \"coordination\", names = [\"Q\", \"M\"], memory = 3 }
stop = { consensus = { window = 36 }, rounds = 40 }
[agents]
kind = \"mock\"
policy = { kind = \"emulated\", model = \"llama-3-70b\" }
";

fn mock(name: &str) -> PathBuf {
    let dir = folder(&format!("asked-{name}"));
    fs::write(dir.join("mock.toml"), MOCK).unwrap();
    dir
}

#[test]
fn a_run_is_the_same_however_it_is_asked_and_is_played_again_from_its_tape() {
    let dir = mock("same");
    let first = succeeds(&dir, &["run", "mock.toml", "--out", "a"]);
    assert!(calls(&first) <= 170, "no more calls than states in two orders");
    let slow = [
        "run",
        "mock.toml",
        "--out",
        "b",
        "--set",
        "agents.latency=2",
        "--set",
        "agents.failure=0.05",
        "--set",
        "agents.in_flight=3",
    ];
    succeeds(&dir, &slow);
    assert_eq!(digest(&dir, "a"), digest(&dir, "b"), "latency, failures and width are no part of a result");
    for file in ["runs.parquet", "interactions.parquet", "measures.parquet", "plan.toml"] {
        assert_eq!(fs::read(dir.join("a").join(file)).unwrap(), fs::read(dir.join("b").join(file)).unwrap(), "{file}");
    }
    let replayed = succeeds(&dir, &["replay", "a"]);
    assert!(replayed.out.contains("6 runs played again"));
    assert!(!dir.join("a/tape").exists(), "a finished directory has its tape as tables");
    // The same command finds everything there.
    assert!(succeeds(&dir, &["run", "mock.toml", "--out", "a"]).err.contains("holds all runs"));
}

#[test]
fn answers_in_words_are_kept_by_draw_and_unusable_ones_are_counted() {
    let dir = mock("words");
    let sets = ["--set", "agents.text=true", "--set", "agents.garbage=0.2", "--set", "agents.in_flight=5"];
    let run = succeeds(&dir, &[&["run", "mock.toml", "--out", "a", "--json"], &sets[..]].concat());
    let results: Value = serde_json::from_str(&run.out).unwrap();
    let facts = &results["points"][0];
    let invalid = facts["invalid_share"].as_f64().unwrap_or_else(|| panic!("{results}"));
    assert!((invalid - 0.2).abs() < 0.05, "{invalid}");
    assert_eq!(facts["void_share"], 0.0);
    succeeds(&dir, &[&["run", "mock.toml", "--out", "b", "--set", "agents.latency=1"], &sets[..4]].concat());
    assert_eq!(digest(&dir, "a"), digest(&dir, "b"));
    succeeds(&dir, &["replay", "a"]);
    // With one try each unusable answer makes its interaction void.
    let run = succeeds(&dir, &[&["run", "mock.toml", "--out", "c", "--json", "--set", "agents.tries=1"], &sets[..]].concat());
    let results: Value = serde_json::from_str(&run.out).unwrap();
    let void = results["points"][0]["void_share"].as_f64().unwrap();
    assert!((void - 0.36).abs() < 0.06, "{void}");
}

#[test]
fn killed_at_any_moment_nothing_is_asked_twice() {
    let dir = mock("killed");
    let run = [
        "run",
        "mock.toml",
        "--out",
        "a",
        "--quiet",
        "--set",
        "agents.text=true",
        "--set",
        "agents.latency=1",
        "--set",
        "agents.in_flight=4",
    ];
    succeeds(&dir, &["run", "mock.toml", "--out", "whole", "--set", "agents.text=true"]);
    let mut kept = 0;
    let mut finished = false;
    for moment in [150, 250, 350, 500, 700] {
        let mut child =
            Command::new(PROGRAM).current_dir(&dir).args(run).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(moment));
        child.kill().unwrap();
        child.wait().unwrap();
        finished = dir.join("a/runs.parquet").exists();
        if finished {
            break;
        }
        // Every whole line of the tape is an answer to a question of its own.
        let tape = fs::read_to_string(dir.join("a/tape")).unwrap_or_default();
        let keys: Vec<&str> = tape.lines().filter_map(|line| line.split("\"key\":\"").nth(1)?.get(..32)).collect();
        let mut once = keys.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(keys.len(), once.len(), "asked twice");
        assert!(keys.len() >= kept, "nothing that was paid for is lost");
        kept = keys.len();
    }
    assert!(finished || kept > 0, "it was killed in the midst of asking");
    succeeds(&dir, &run);
    assert_eq!(digest(&dir, "a"), digest(&dir, "whole"));
    succeeds(&dir, &["replay", "a"]);
}

#[test]
fn a_budget_stops_a_run_which_goes_on_when_there_is_more() {
    let dir = mock("budget");
    let set = ["--set", "agents.text=true"];
    let said = fails(
        &dir,
        &["run", "mock.toml", "--out", "a", "--set", "budget.calls=300", set[0], set[1]],
        1,
        &["the budget of 300 calls is spent", "[budget]"],
    );
    let help = said.lines().find(|line| line.contains("[budget]")).unwrap();
    assert!(!help.contains("budget.calls"), "the way on does not lead to the same place: {help}");
    assert!(said.contains("300 calls"), "no more calls than the budget has: {said}");
    let rest = succeeds(&dir, &["run", "mock.toml", "--out", "a", set[0], set[1]]);
    let whole = succeeds(&dir, &["run", "mock.toml", "--out", "b", set[0], set[1]]);
    assert_eq!(calls(&rest) + 300, calls(&whole), "what was paid for is not asked again");
    assert_eq!(digest(&dir, "a"), digest(&dir, "b"));
}

#[test]
fn a_store_is_shared_between_runs_and_can_be_looked_into() {
    let dir = mock("store");
    let first = succeeds(&dir, &["run", "mock.toml", "--out", "a", "--store", "answers.tape"]);
    assert!(calls(&first) > 0);
    // Another condition of the same model is nearly free: a larger population, other runs.
    let second = succeeds(
        &dir,
        &["run", "mock.toml", "--out", "b", "--store", "answers.tape", "--set", "population.size=18", "--set", "seed=9"],
    );
    assert!(calls(&second) < calls(&first) / 2, "{} after {}", calls(&second), calls(&first));
    let again = succeeds(&dir, &["run", "mock.toml", "--out", "c", "--store", "answers.tape"]);
    assert_eq!(calls(&again), 0);
    assert_eq!(digest(&dir, "a"), digest(&dir, "c"));
    // Each run is whole without the store.
    fs::rename(dir.join("answers.tape"), dir.join("gone.tape")).unwrap();
    succeeds(&dir, &["replay", "c"]);
    let ls = succeeds(&dir, &["store", "ls", "gone.tape", "c"]).out;
    assert!(ls.contains("gone.tape") && ls.contains("mock of emulated"), "{ls}");
    let show = succeeds(&dir, &["store", "show", "gone.tape", "--limit", "1"]).out;
    assert!(show.contains("Player 1") && show.contains("names"), "{show}");
    succeeds(&dir, &["store", "export", "gone.tape", "--out", "tables"]);
    assert!(dir.join("tables/calls.parquet").exists() && dir.join("tables/prompts.parquet").exists());
    fails(&dir, &["store", "prune", "gone.tape", "--model", "zz"], 2, &["no answers of a model"]);
    let listed: Value = serde_json::from_str(&succeeds(&dir, &["store", "ls", "gone.tape", "--json"]).out).unwrap();
    let id = listed[0]["identity"].as_str().unwrap();
    let pruned = succeeds(&dir, &["store", "prune", "gone.tape", "--model", &id[..8]]).out;
    assert!(pruned.contains("0 kept") && dir.join("gone.tape.before-1").exists(), "{pruned}");
    fails(&dir, &["store", "ls", "mock.toml"], 2, &["no store of answers"]);
    fails(&dir, &["store", "ls", "nothing"], 2, &["there is no store"]);
}

#[test]
fn a_replay_shows_the_prompt_that_changed() {
    let dir = mock("miss");
    fs::write(dir.join("mine.toml"), "format = 1\nlike = \"one-word\"\n").unwrap();
    succeeds(&dir, &["run", "mock.toml", "--out", "a", "--set", "agents.protocol=mine.toml"]);
    succeeds(&dir, &["replay", "a"]);
    fs::write(dir.join("mine.toml"), "format = 1\nlike = \"one-word\"\n[fields]\npartner = \"Bob\"\n").unwrap();
    let said = fails(&dir, &["replay", "a"], 1, &["the prompt has changed", "with Bob"]);
    assert!(said.contains("[user]"), "{said}");
    // A run of the changed protocol is another run.
    fails(
        &dir,
        &["run", "mock.toml", "--out", "a", "--set", "agents.protocol=mine.toml"],
        2,
        &["was different", "protocol mine"],
    );
}

#[test]
fn a_program_answers_over_lines() {
    let dir = folder("asked-program");
    // It answers out of order, and with the option that is shown first.
    let script = "while read -r a && read -r b; do\n  for line in \"$b\" \"$a\"; do\n    id=$(printf '%s' \"$line\" | sed 's/.*\"id\":\\([0-9]*\\).*/\\1/')\n    name=$(printf '%s' \"$line\" | sed 's/.*\"names\":\\[\"\\([^\"]*\\)\".*/\\1/')\n    printf '{\"id\":%s,\"text\":\"%s\"}\\n' \"$id\" \"$name\"\n  done\ndone\n";
    fs::write(dir.join("answer.sh"), script).unwrap();
    let experiment = "name = \"program\"\npopulation.size = 4\ngame = { kind = \"coordination\", names = [\"Q\", \"M\"] }\nstop = { interactions = 20 }\n[agents]\nkind = \"scripted\"\ncommand = [\"sh\", \"answer.sh\"]\nprotocol = \"one-word\"\norder = \"fixed\"\n";
    fs::write(dir.join("program.toml"), experiment).unwrap();
    // The probe is the first request, and two requests of every interaction follow: the script reads them in pairs.
    let pairs = script.replace("while read", "read -r first; id=$(printf '%s' \"$first\" | sed 's/.*\"id\":\\([0-9]*\\).*/\\1/'); printf '{\"id\":%s,\"text\":\"Q\"}\\n' \"$id\"\nwhile read");
    fs::write(dir.join("answer.sh"), pairs).unwrap();
    let run = succeeds(&dir, &["run", "program.toml", "--json"]);
    let results: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(results["points"][0]["void_share"], 0.0, "{results}");
    succeeds(&dir, &["replay", "runs/program"]);
    fs::write(dir.join("answer.sh"), "read -r line; exit 3\n").unwrap();
    fails(&dir, &["run", "program.toml", "--out", "b"], 1, &["ended before it had answered"]);
    fails(
        &dir,
        &["run", "program.toml", "--out", "c", "--set", "agents.command=[\"no-such-program\"]"],
        1,
        &["starting `no-such-program`"],
    );
}

#[test]
fn canned_answers_are_given_by_memory_and_draw() {
    let dir = folder("asked-canned");
    let experiment = "name = \"canned\"\npopulation.size = 4\ngame = { kind = \"coordination\", names = [\"Q\", \"M\"], memory = 1 }\nstop = { interactions = 30 }\n[agents]\nkind = \"scripted\"\nprotocol = \"one-word\"\nanswers = [{ text = \"M\" }, { memory = [[\"M\", \"M\"]], text = \"Q\" }]\n";
    fs::write(dir.join("canned.toml"), experiment).unwrap();
    let run = succeeds(&dir, &["run", "canned.toml", "--json"]);
    let results: Value = serde_json::from_str(&run.out).unwrap();
    assert!(results["points"][0]["runs"] == 1, "{results}");
    fails(
        &dir,
        &["check", "canned.toml", "--set", "agents.answers=[{text=\"Q\",memory=[[\"Q\",\"Z\"]]}]"],
        2,
        &["`Z` is not in the pool"],
    );
    fails(&dir, &["check", "canned.toml", "--set", "agents.answers=[]"], 2, &["command", "answers"]);
}

#[test]
fn a_kernel_extracted_from_a_model_plays_as_the_model_does() {
    let dir = mock("kernel");
    let sets = ["--set", "kind=mock", "--set", "policy={kind=\"emulated\",model=\"llama-3-70b\"}", "--set", "first_bias=0.1"];
    let extract = [&["kernel", "--names", "Q,M", "--memory", "3", "--out", "k.parquet", "--json"], &sets[..]].concat();
    let said: Value = serde_json::from_str(&succeeds(&dir, &extract).out).unwrap();
    assert_eq!((&said["states"], &said["calls"], &said["exact"]), (&85.into(), &170.into(), &true.into()), "{said}");
    assert!((said["mean_order_effect"].as_f64().unwrap() - 0.1).abs() < 1e-9, "{said}");
    let again: Value = serde_json::from_str(&succeeds(&dir, &extract).out).unwrap();
    assert_eq!(again["calls"], 0, "what was answered is not asked again");
    // The same draws decide, so the two agents play the same runs.
    succeeds(&dir, &["run", "mock.toml", "--out", "live", "--set", "agents.first_bias=0.1", "--set", "agents.order=averaged"]);
    succeeds(&dir, &["run", "mock.toml", "--out", "kernel", "--set", "agents={kind=\"kernel\",file=\"k.parquet\"}"]);
    assert_eq!(digest(&dir, "live"), digest(&dir, "kernel"));
    // A model that gives text is sampled where populations go, with an interval for every entry.
    let sampled = [
        &["kernel", "--names", "Q,M", "--memory", "2", "--out", "s.parquet", "--json", "--samples", "1500", "--set", "text=true"],
        &sets[..],
    ]
    .concat();
    let said: Value = serde_json::from_str(&succeeds(&dir, &sampled).out).unwrap();
    assert_eq!((&said["states"], &said["calls"], &said["exact"]), (&21.into(), &1500.into(), &false.into()), "{said}");
    succeeds(
        &dir,
        &["run", "mock.toml", "--out", "text", "--set", "game.memory=2", "--set", "agents={kind=\"kernel\",file=\"s.parquet\"}"],
    );
}

#[test]
fn check_says_what_it_will_cost_and_what_an_agent_will_see() {
    let dir = mock("check");
    let bill = succeeds(&dir, &["check", "mock.toml"]).out;
    assert!(bill.contains("with probabilities") && bill.contains("with text alone") && bill.contains("calls"), "{bill}");
    let json: Value = serde_json::from_str(&succeeds(&dir, &["check", "mock.toml", "--json"]).out).unwrap();
    let range = &json["model_calls"]["ways"]["probabilities"]["calls"];
    let real = calls(&succeeds(&dir, &["run", "mock.toml", "--out", "a"])) as f64;
    assert!(range[0].as_f64().unwrap() <= real && real <= range[1].as_f64().unwrap(), "{range} and {real}");
    let seen = succeeds(&dir, &["check", "mock.toml", "--memory", "Q M, M M"]).out;
    assert!(
        seen.contains("{'round': 1, 'Player 1': 'Q', 'Player 2': 'M', 'payoff': -50}") && seen.contains("now round 3"),
        "{seen}"
    );
    fails(&dir, &["check", "mock.toml", "--memory", "Q Z"], 2, &["no round", "Q M"]);
    fails(&dir, &["check", "mock.toml", "--memory", "Q M, Q M, Q M, Q M"], 2, &["remembers 3"]);
    fails(&dir, &["check", "mock.toml", "--set", "agents.protocol=ashery2052"], 2, &["did you mean `ashery2025`"]);
    fails(&dir, &["check", "mock.toml", "--set", "agents.protocol=mine.toml"], 2, &["there is no file", "mine.toml"]);
}

#[test]
fn a_live_model_without_a_server_is_a_clear_mistake() {
    let dir = folder("asked-nowhere");
    let experiment = MOCK.split("[agents]").next().unwrap().to_string() + "agents = { kind = \"llm\" }\n";
    fs::write(dir.join("live.toml"), experiment).unwrap();
    succeeds(&dir, &["check", "live.toml"]);
    fails(&dir, &["run", "live.toml"], 2, &["which server?", "CRATYLUS_ENDPOINT"]);
    fails(
        &dir,
        &["run", "live.toml", "--set", "agents.endpoint=http://127.0.0.1:9/v1", "--set", "agents.limits.retries=0"],
        1,
        &["127.0.0.1:9"],
    );
    fails(&dir, &["check", "live.toml", "--set", "agents.file=\"no.gguf\""], 2, &["there is no file or folder"]);
    for (set, says) in [
        ("agents.endpoint=\"http://me:secret@host/v1\"", "must not hold a user or a key"),
        ("agents.extra={api_key=\"secret\"}", "put the key into the environment"),
        ("agents.limits={total_seconds=nan}", "a limit is a number above 0"),
        ("agents.temperature=-1", "a temperature is a number"),
        ("agents.top_p=0", "above 0 and up to 1"),
        ("agents.order=\"sorted\"", "not among the choices"),
    ] {
        fails(&dir, &["check", "live.toml", "--set", set], 2, &[says]);
    }
    fs::write(dir.join("some.gguf"), "no model").unwrap();
    if !cfg!(feature = "in-process") {
        fails(&dir, &["run", "live.toml", "--out", "b", "--set", "agents.file=\"some.gguf\""], 1, &["--features in-process"]);
    }
}

#[test]
fn a_mistake_that_was_mended_leaves_nothing_in_the_way() {
    let dir = mock("mended");
    fails(
        &dir,
        &["run", "mock.toml", "--out", "a", "--set", "agents={kind=\"scripted\",command=[\"no-such-program\"]}"],
        1,
        &["no-such-program"],
    );
    succeeds(&dir, &["run", "mock.toml", "--out", "a"]);
    // What was paid for is in the way, and stays.
    let text = ["--set", "agents.text=true"];
    fails(
        &dir,
        &["run", "mock.toml", "--out", "b", "--set", "budget.calls=20", text[0], text[1]],
        1,
        &["the budget of 20 calls"],
    );
    fails(&dir, &["run", "mock.toml", "--out", "b"], 2, &["was different"]);
}

#[test]
fn a_run_is_finished_from_its_own_directory() {
    let dir = folder("asked-from-directory");
    fs::write(dir.join("answer.sh"), "while read -r line; do\n  id=$(printf '%s' \"$line\" | sed 's/.*\"id\":\\([0-9]*\\).*/\\1/')\n  printf '{\"id\":%s,\"text\":\"Q\"}\\n' \"$id\"\ndone\n").unwrap();
    let experiment = "name = \"script\"\npopulation.size = 4\ngame = { kind = \"coordination\", names = [\"Q\", \"M\"] }\nstop = { interactions = 20 }\n[agents]\nkind = \"scripted\"\ncommand = [\"sh\", \"answer.sh\"]\nprotocol = \"one-word\"\n";
    fs::write(dir.join("script.toml"), experiment).unwrap();
    fails(&dir, &["run", "script.toml", "--out", "deep/a", "--set", "budget.calls=5"], 1, &["the budget of 5 calls"]);
    succeeds(&dir, &["run", "deep/a", "--set", "budget.calls=1000"]);
    succeeds(&dir, &["replay", "deep/a"]);
}

#[test]
fn payoffs_and_samplers_that_are_swept_are_asked_about_apart() {
    let dir = mock("swept");
    let sweep = "sweep={\"game.payoff\"=[{success=100,failure=-50},{success=1,failure=0}]}";
    succeeds(&dir, &["run", "mock.toml", "--out", "a", "--set", sweep]);
    succeeds(&dir, &["replay", "a"]);
    let show: Vec<String> = succeeds(&dir, &["store", "show", "a", "--limit", "1000"]).out.lines().map(String::from).collect();
    for points in ["each of them gets 100 points", "each of them gets 1 points"] {
        assert!(show.iter().any(|line| line.contains(points)), "{points}");
    }
}

#[test]
fn a_kernel_is_not_made_of_nothing() {
    let dir = folder("asked-nothing");
    let sets = ["--set", "kind=mock", "--set", "policy={kind=\"uniform\"}", "--set", "text=true", "--set", "garbage=1"];
    fails(&dir, &[&["kernel", "--memory", "1", "--samples", "20"], &sets[..]].concat(), 1, &["none of 20 answers was usable"]);
    assert!(!dir.join("kernels.parquet").exists());
}

#[test]
fn a_program_that_answers_wrongly_is_told_of_at_once() {
    let dir = folder("asked-wrongly");
    let experiment = "name = \"wrong\"\npopulation.size = 4\ngame = { kind = \"coordination\", names = [\"Q\", \"M\"] }\nstop = { interactions = 4 }\nagents = { kind = \"scripted\", command = [\"sh\", \"wrong.sh\"] }\n";
    fs::write(dir.join("wrong.toml"), experiment).unwrap();
    for (line, says) in [
        (r#"{"id":0,"probabilities":{"Q":NaN,"M":0.9}}"#, "a line that is no answer"),
        (r#"{"id":0,"probabilities":{"Q":"0.5"}}"#, "a line that is no answer"),
        (r#"{"id":0,"probabilities":{"Z":0.5}}"#, "`Z`, which is no name"),
        (r#"{"id":0,"probabilities":{"Q":1.5}}"#, "probabilities that are none"),
        (r#"{"id":0}"#, "neither `text` nor"),
        (r#"{"id":0,"error":"out of \u001b[31mmemory"}"#, "out of \\u{1b}[31mmemory"),
    ] {
        fs::write(dir.join("wrong.sh"), format!("echo by the way\nread -r line\ncat <<'END'\n{line}\nEND\nexec sleep 30\n"))
            .unwrap();
        let began = std::time::Instant::now();
        let said = fails(&dir, &["run", "wrong.toml", "--out", "a"], 1, &[says]);
        assert!(began.elapsed() < Duration::from_secs(10) && !said.contains('\u{1b}'), "{said}");
    }
}

#[test]
fn a_name_that_could_never_be_read_is_refused() {
    let dir = mock("spaces");
    fails(&dir, &["check", "mock.toml", "--set", "game.names=[\" Q\",\"M\"]"], 2, &["begins or ends with white space"]);
}
