//! The program with models on servers: what it says, what it keeps, and what it must never say or keep.
//!
//! The long ones, which measure, are run by
//! `cargo test --release -p cratylus --test live -- --ignored --test-threads 1 --nocapture`.

#[path = "../../cratylus-io/tests/support/mod.rs"]
mod support;

use cratylus_io::store::table::{self, Values};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use support::{Config, Dialect, Reply, Server, Trouble};

const PROGRAM: &str = env!("CARGO_BIN_EXE_cratylus");

/// An empty folder of a test's own.
fn folder(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

const KEY: &str = "sk-proj-4Zq/planted+key==8k";

struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

fn cratylus(dir: &Path, environment: &[(&str, &str)], args: &[&str]) -> Said {
    let mut command = Command::new(PROGRAM);
    for key in ["CRATYLUS_API_KEY", "CRATYLUS_ENDPOINT", "OPENAI_API_KEY"] {
        command.env_remove(key);
    }
    let Output { status, stdout, stderr } =
        command.args(args).current_dir(dir).envs(environment.iter().copied()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: status.code(), out: text(stdout), err: text(stderr) }
}

/// Writes an experiment into a folder.
fn experiment(dir: &Path, server: &Server, more: &str) {
    let text = format!(
        "name = \"live\"\nseed = 5\nreplicas = 2\n[population]\nsize = 6\n[game]\nkind = \"coordination\"\nnames = [\"Q\", \"M\"]\n\
         memory = 2\n[stop]\ninteractions = 30\n[agents]\nkind = \"llm\"\nendpoint = \"{}\"\n{}{more}\n",
        server.url(),
        if more.contains("protocol") { "" } else { "protocol = \"one-word\"\n" }
    );
    std::fs::write(dir.join("e.toml"), text).unwrap();
}

/// Everything that was written under a folder: bytes as they are, and tables as they read.
fn written(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut out = Vec::new();
    for path in std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            out.extend(written(&path));
            continue;
        }
        if path.extension().is_some_and(|extension| extension == "parquet") {
            let texts = table::read(&path, None).unwrap().columns.into_iter().filter_map(|column| match column.values {
                Values::Text(values) => Some(values),
                _ => None,
            });
            let bytes: Vec<u8> = texts.flatten().flatten().flat_map(|text| text.data().to_vec()).collect();
            out.push((path.clone(), bytes));
        }
        out.push((path.clone(), std::fs::read(&path).unwrap()));
    }
    out
}

/// Where a text stands among what was written and said; pieces of it count.
fn leaks(dir: &Path, said: &[&Said]) -> Vec<String> {
    let needles = [KEY, "4Zq/planted", "4Zq\\/planted", "4Zq\\\\/planted"];
    let holds = |bytes: &[u8]| needles.iter().any(|needle| bytes.windows(needle.len()).any(|w| w == needle.as_bytes()));
    let files = written(dir).into_iter().filter(|(_, bytes)| holds(bytes)).map(|(path, _)| path.display().to_string());
    let words = said.iter().filter(|said| holds(said.out.as_bytes()) || holds(said.err.as_bytes()));
    files.chain(words.map(|said| format!("{}{}", said.out, said.err))).collect()
}

#[test]
fn a_key_is_sent_to_its_server_and_appears_nowhere_else() {
    let n = AtomicU64::new(0);
    let gossip = move |_: &serde_json::Value| match n.fetch_add(1, Ordering::Relaxed) {
        n if n % 13 == 3 => Reply::Json(500, serde_json::json!({ "error": { "message": format!("failed for {KEY}") } })),
        n if n % 13 == 5 => Reply::Json(200, serde_json::json!({ "key": KEY, KEY: [KEY] })),
        40 => Reply::Json(403, serde_json::json!({ "error": { "message": format!("the key {KEY} may not"), "type": KEY } })),
        n => Reply::text(&format!("{{'value': '{}'; 'reason': '{KEY}'}}", if n % 2 == 0 { "Q" } else { "M" })),
    };
    let config = Config { key: Some(KEY.into()), fingerprint: Some(format!("fp-{KEY}")), ..Config::of(Dialect::Vllm) };
    let server =
        Server::start(Config { faults: vec![Trouble::Events(support::Events::Proper).every(5)], ..config }.answering(gossip));
    let dir = folder("key");
    experiment(
        &dir,
        &server,
        "protocol = \"ashery2025\"\nchoice = \"text\"\nkey_env = \"PLANTED\"\nextra = { max_tokens = 200 }",
    );
    let environment = [("PLANTED", KEY)];
    let refused = cratylus(&dir, &environment, &["run", "e.toml"]);
    assert!(refused.code == Some(1) && refused.err.contains("the key [key] may not"), "{}", refused.err);
    assert!(leaks(&dir, &[&refused]).is_empty(), "{:?}", leaks(&dir, &[&refused]));
    let ran = cratylus(&dir, &environment, &["run", "e.toml", "--json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let again = cratylus(&dir, &environment, &["report", "runs/live"]);
    let doctor = cratylus(&dir, &environment, &["doctor", &server.url(), "--set", "key_env=PLANTED", "--json"]);
    assert_eq!(doctor.code, Some(0), "{}", doctor.err);
    let replayed = cratylus(&dir, &environment, &["replay", "runs/live"]);
    let said = [&refused, &ran, &again, &doctor, &replayed];
    assert!(leaks(&dir, &said).is_empty(), "{:?}", leaks(&dir, &said));
    assert!(server.requests().iter().all(|seen| seen.header("authorization") == Some(&format!("Bearer {KEY}"))));
    // What came instead of the key is there, so the test looked at the right places.
    let kept = written(&dir).into_iter().any(|(_, bytes)| bytes.windows(5).any(|window| window == b"[key]"));
    assert!(kept);
}

#[test]
fn a_key_does_not_follow_a_redirect_and_an_empty_one_is_a_mistake() {
    let elsewhere = Server::of(Dialect::Generic);
    for (path, status) in [("/models", 302), ("/models", 307), ("/completions", 308)] {
        let to = format!("{}{path}", elsewhere.url());
        let fault = Trouble::Redirect(status, to).always().on(path);
        let server = Server::start(Config { key: Some(KEY.into()), faults: vec![fault], ..Config::of(Dialect::Vllm) });
        let dir = folder("redirect");
        experiment(&dir, &server, "key_env = \"PLANTED\"");
        let said = cratylus(&dir, &[("PLANTED", KEY)], &["run", "e.toml"]);
        assert!(said.code == Some(1) && said.err.contains("redirects to http://127.0.0.1"), "{}", said.err);
        assert!(leaks(&dir, &[&said]).is_empty());
        let said = cratylus(&dir, &[("PLANTED", " ")], &["run", "e.toml"]);
        assert!(said.code == Some(1) && said.err.contains("PLANTED, which is empty"), "{}", said.err);
    }
    assert_eq!(elsewhere.requests().len(), 0);
}

#[test]
fn the_key_of_a_hosted_service_is_not_sent_to_a_server_of_ones_own() {
    let server = Server::start(Config::of(Dialect::OpenAi).answering(|_| Reply::text("Q")));
    let dir = folder("hosted");
    experiment(&dir, &server, "dialect = \"openai\"");
    let environment = [("OPENAI_API_KEY", KEY), ("ANTHROPIC_API_KEY", KEY), ("OPENROUTER_API_KEY", KEY)];
    let said = cratylus(&dir, &environment, &["run", "e.toml"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(server.requests().len() > 4);
    let secret = |seen: &support::Seen| seen.headers.iter().any(|(_, value)| value.contains(KEY));
    assert!(!server.requests().iter().any(|seen| secret(seen)));
    assert!(leaks(&dir, &[&said]).is_empty());
}

#[test]
fn nothing_that_a_model_says_steers_the_terminal() {
    const EVIL: &str = "\u{1b}[2J\u{9b}31m\u{1b}]0;owned\u{7}\r\u{202e}";
    let plain = |said: &Said| {
        let steers = |c: char| c.is_control() && c != '\n' || ('\u{202a}'..='\u{202e}').contains(&c);
        assert!(!said.out.contains(steers) && !said.err.contains(steers), "{:?} {:?}", said.out, said.err);
    };
    // In its name, its build and its words.
    let config =
        Config { model: format!("tiny{EVIL}"), fingerprint: Some(format!("b1{EVIL}")), ..Config::of(Dialect::LlamaServer) };
    let n = AtomicU64::new(0);
    let quiet = Server::start(config.clone().answering(|_| Reply::text(EVIL)));
    let config = config.answering(move |_| match n.fetch_add(1, Ordering::Relaxed) {
        30 => Reply::Json(400, serde_json::json!({ "error": { "message": EVIL, "code": EVIL } })),
        n if n % 13 == 4 => Reply::Json(503, serde_json::json!({ "detail": EVIL })),
        n => Reply::text(&format!("{}{EVIL}", if n % 2 == 0 { "Q" } else { "M" })),
    });
    let server = Server::start(config);
    let dir = folder("terminal");
    experiment(&dir, &server, "choice = \"text\"\nlimits = { unusable = 0 }");
    let refused = cratylus(&dir, &[], &["run", "e.toml"]);
    assert!(refused.code == Some(1) && refused.err.contains("answered 400"), "{}", refused.err);
    plain(&refused);
    for args in [&["run", "e.toml"][..], &["run", "e.toml", "--json"], &["report", "runs/live"], &["doctor", &quiet.url()]] {
        let said = cratylus(&dir, &[], args);
        // What this model says is no answer, which a doctor may find.
        assert!(said.code == Some(0) || args[0] == "doctor", "{args:?} {}", said.err);
        plain(&said);
    }
    plain(&cratylus(&dir, &[], &["doctor", &quiet.url(), "--json"]));
    plain(&cratylus(&dir, &[], &["doctor", &quiet.url(), "--model", "tony"]));
    // Another name, in the midst of the run and after it stopped.
    let server = Server::start(Config { faults: vec![Trouble::WrongModel(EVIL.into()).nth(20)], ..Config::of(Dialect::Vllm) });
    let dir = folder("terminal-change");
    experiment(&dir, &server, "choice = \"text\"\nlimits = { unusable = 0 }");
    let said = cratylus(&dir, &[], &["run", "e.toml"]);
    assert!(said.code == Some(1) && said.err.contains("changed in the midst"), "{}", said.err);
    plain(&said);
    server.set_model(EVIL);
    let said = cratylus(&dir, &[], &["run", "e.toml"]);
    assert!(said.code == Some(1) && said.err.contains("is not the one that began"), "{}", said.err);
    plain(&said);
}

#[test]
fn the_doctor_comes_to_an_end_with_whoever_is_there() {
    let dir = folder("doctor");
    let soon = &|args: &[&str], most: u64| {
        let began = Instant::now();
        let said = cratylus(&dir, &[], &[&["doctor"], args].concat());
        assert!(began.elapsed() < Duration::from_secs(most), "{args:?}: {:?}", began.elapsed());
        assert_eq!(said.code, Some(1), "{args:?}: {}", said.out);
        said.err
    };
    // Nobody listens on a reserved port; one that a server has just left may be another test's by now.
    let down = "http://127.0.0.1:1/v1".to_owned();
    let of = |trouble: Trouble| Server::start(Config { faults: vec![trouble.always().on("")], ..Config::of(Dialect::Vllm) });
    let (hangs, halts, pages) = (of(Trouble::StallBefore), of(Trouble::StallInside), of(Trouble::Html));
    let nowhere = of(Trouble::shaped(404, support::Shape::Html));
    let locked = Server::start(Config { key: Some(KEY.into()), ..Config::of(Dialect::Vllm) });
    let [hangs, halts, pages, nowhere, locked] = [&hangs, &halts, &pages, &nowhere, &locked].map(Server::url);
    let cases: [(&[&str], u64, &str); 7] = [
        (&[&down], 10, "is the server running"),
        (&[&hangs, "--set", "limits={first_byte_seconds=0.3}"], 12, "timeout"),
        (&[&halts, "--set", "limits={total_seconds=0.3}"], 12, "timeout"),
        (&[&pages], 12, "what is no JSON: <!DOCTYPE html>"),
        (&[&nowhere], 5, "name one as `agents.model`"),
        (&[&nowhere, "--model", "tiny"], 5, "answered 404"),
        (&[&locked], 5, "no key was sent; put it into the environment variable"),
    ];
    std::thread::scope(|scope| {
        for (args, most, words) in cases {
            scope.spawn(move || {
                let said = soon(args, most);
                assert!(said.contains(words), "{args:?}: {said}");
            });
        }
    });
}

// ---------------------------------------------------------------- measurements

/// An experiment in which every decision is a call, and every call gives a name.
fn measured(dir: &Path, server: &Server, replicas: u32, limits: &str) {
    let text = format!(
        "name = \"live\"\nseed = 5\nreplicas = {replicas}\n[population]\nsize = 24\n[game]\nkind = \"coordination\"\n\
         names = [\"Q\", \"M\"]\n[stop]\ninteractions = 200\n[agents]\nkind = \"llm\"\nendpoint = \"{}\"\nprotocol = \"one-word\"\n\
         choice = \"text\"\nlimits = {{ {limits} }}\n",
        server.url()
    );
    std::fs::write(dir.join("e.toml"), text).unwrap();
}

fn slow(millis: u64) -> Server {
    let latency = Duration::from_millis(millis);
    let answer = |body: &serde_json::Value| Reply::text(if body.to_string().len().is_multiple_of(2) { "Q" } else { "M" });
    Server::start(Config { latency, ..Config::of(Dialect::Generic) }.answering(answer))
}

/// The longest chain of interactions that wait for each other, over the runs of a directory.
fn depth(dir: &Path) -> u32 {
    let table = table::read(&dir.join("runs/live/interactions.parquet"), None).unwrap();
    let column = |name: &str| table.ints(name).unwrap().into_owned().into_iter().map(|x| x.unwrap());
    let mut last = std::collections::HashMap::<(i64, i64), u32>::new();
    for ((run, a), b) in column("run").zip(column("agent_a")).zip(column("agent_b")) {
        let level = 1 + [a, b].iter().filter_map(|agent| last.get(&(run, *agent))).max().unwrap_or(&0);
        last.insert((run, a), level);
        last.insert((run, b), level);
    }
    *last.values().max().unwrap()
}

#[test]
fn one_population_takes_as_long_as_its_longest_chain_of_questions() {
    let server = slow(50);
    let dir = folder("chain");
    measured(&dir, &server, 1, "in_flight = 32");
    let said = cratylus(&dir, &[], &["run", "e.toml", "--quiet"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let asked = server.asked();
    // The first question is the probe's.
    let span = (asked[asked.len() - 1].at - asked[1].at).as_secs_f64() + 0.05;
    let ideal = f64::from(depth(&dir)) * 0.05;
    println!("{} calls in {span:.3} s, ideal {ideal:.3} s", asked.len() - 1);
    assert_eq!(asked.len(), 401);
    assert!(span < 1.25 * ideal, "{span} s where {ideal} s would do");
}

#[test]
#[ignore = "measures time to a tenth, which a machine shared with others does not keep"]
fn one_population_takes_hardly_longer_than_its_longest_chain_of_questions() {
    let server = slow(50);
    let dir = folder("chain-exactly");
    measured(&dir, &server, 1, "in_flight = 32");
    let began = Instant::now();
    assert_eq!(cratylus(&dir, &[], &["run", "e.toml", "--quiet"]).code, Some(0));
    let (took, ideal) = (began.elapsed().as_secs_f64(), f64::from(depth(&dir)) * 0.05);
    println!("{took:.3} s in all, {ideal:.3} s of them waiting for answers");
    assert!(took < 1.1 * ideal + 0.4, "with probing, joining and the report");
}

#[test]
fn many_populations_keep_every_place_in_flight_taken() {
    let server = slow(20);
    let dir = folder("full");
    measured(&dir, &server, 40, "in_flight = 32");
    let text = std::fs::read_to_string(dir.join("e.toml")).unwrap().replace("interactions = 200", "interactions = 40");
    std::fs::write(dir.join("e.toml"), text).unwrap();
    assert_eq!(cratylus(&dir, &[], &["run", "e.toml", "--quiet"]).code, Some(0));
    let asked = server.asked();
    assert_eq!((asked.len(), server.most_in_flight()), (3201, 32));
    // Places are what time there is divides into: while there is ample work, 32 are answered in each latency.
    let ample = &asked[100..2900];
    let span = (ample[ample.len() - 1].at - ample[0].at).as_secs_f64();
    let taken = ample.len() as f64 * 0.02 / span;
    println!("{taken:.1} of 32 places taken on average");
    assert!(taken > 24.0, "{taken}");
}

/// The processor time of a run, in seconds.
fn processor(dir: &Path) -> (f64, f64) {
    let began = Instant::now();
    let mut child =
        Command::new(PROGRAM).args(["run", "e.toml", "--quiet"]).current_dir(dir).stdout(Stdio::null()).spawn().unwrap();
    let stat = loop {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
        // What it used can be read until somebody asks how it ended.
        if stat.rsplit(") ").next().unwrap().starts_with('Z') {
            break stat;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let took = began.elapsed().as_secs_f64();
    assert!(child.wait().unwrap().success());
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    (ticks as f64 / 100.0, took)
}

/// Seconds in which as many questions are answered over bare sockets, each the next as soon as one is answered: what the
/// server and the machine take by themselves.
fn bare(server: &Server, in_flight: usize, calls: usize) -> f64 {
    use std::io::{Read, Write};
    let body = server.asked().last().unwrap().bytes.clone();
    let head = format!("POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", body.len());
    let request = [head.as_bytes(), &body].concat();
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..in_flight {
            scope.spawn(|| {
                let mut line = std::net::TcpStream::connect(server.address()).unwrap();
                line.set_nodelay(true).unwrap();
                let mut answer = [0; 4096];
                for _ in 0..calls / in_flight {
                    line.write_all(&request).unwrap();
                    // It comes in one piece.
                    assert!(line.read(&mut answer).unwrap() > 100);
                }
            });
        }
    });
    began.elapsed().as_secs_f64()
}

#[test]
#[ignore = "measures processor time"]
fn a_call_costs_little_beyond_the_servers_time() {
    for (in_flight, replicas) in [(1, 1), (1, 2), (4, 8), (8, 16), (32, 40)] {
        let server = slow(5);
        let dir = folder("cost");
        measured(&dir, &server, replicas, &format!("in_flight = {in_flight}"));
        let (cpu, took) = processor(&dir);
        let asked = server.asked();
        let calls = asked.len();
        let span = (asked[calls - 1].at - asked[1].at).as_secs_f64() + 0.005;
        let ideal = bare(&server, in_flight, calls - 1);
        println!(
            "{in_flight} in flight, {replicas} runs: {calls} calls, {:.0} µs of processor each, {span:.2} s of {took:.2} s asking, {ideal:.2} s over bare sockets: {:+.1} %",
            1e6 * cpu / calls as f64,
            100.0 * (span / ideal - 1.0)
        );
        // A server's work of five milliseconds is what a call should be made of.
        assert!(cpu / (calls as f64) < 2e-3, "{:.0} µs of processor for a call", 1e6 * cpu / calls as f64);
        assert!(span < 1.5 * ideal, "{span:.2} s for what bare sockets do in {ideal:.2} s");
    }
}

/// Rules in words of our own, as a user's file of a published prompt would hold them.
const RULES: &str = "Both players choose an action in every round. Each gets 100 points if the actions are the same. \
If they are different, each player will get 50 points less. The players must choose at the same time. \
Every round shows what the partner did before. The objective is to gain many points when all 40 rounds are over.";

#[test]
fn the_wording_of_a_given_text_is_asked_about_once() {
    let dir = folder("live-wording");
    std::fs::write(dir.join("rules.txt"), RULES).unwrap();
    let server = Server::start(Config::of(Dialect::Vllm));
    let url = server.url();
    let only = "text-likelihood,name-order,text-in-context,text-continuation,text-quiz";
    let args = |more: &[&'static str]| -> Vec<String> {
        let base = ["audit", "--endpoint", &url, "--text", "rules.txt", "--only", only, "--repeats", "2", "--skins", "skin-vask"];
        base.iter().chain(more).map(|arg| arg.to_string()).collect()
    };
    let go = |more: &[&'static str]| cratylus(&dir, &[], &args(more).iter().map(String::as_str).collect::<Vec<_>>());
    let bill = go(&[]);
    assert!(bill.code == Some(0) && bill.out.contains("text-quiz") && bill.out.contains("192"), "{}{}", bill.out, bill.err);
    let said = go(&["--yes"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let findings: serde_json::Value = serde_json::from_str(&go(&["--yes", "--json"]).out).unwrap();
    let findings = findings[0]["findings"].as_array().unwrap().clone();
    assert_eq!(findings.len(), 5, "{findings:?}");
    for finding in &findings {
        let means = finding["means"].as_str().unwrap();
        // The server writes at random, and so hardly ever a number.
        let unread = finding["audit"] == "text-quiz" && means.starts_with("It could not be tried");
        assert!(means.starts_with("The wording") || unread, "{means}");
        assert_eq!(finding["finds"], "cannot-tell");
    }
    // A server that echoes gives no whole distribution.
    assert_eq!(findings[0]["details"]["text"]["details"]["min_k_plus"], serde_json::Value::Null);
    let again = go(&["--yes"]);
    assert!(again.err.contains("0 calls"), "{}", again.err);
    let nobody = cratylus(&dir, &[], &["audit", "--text", "rules.txt"]);
    assert!(nobody.code == Some(2) && nobody.err.contains("--text is asked of a model"), "{}", nobody.err);
    let twice = cratylus(&dir, &[], &["audit", "--endpoint", &url, "--name-order", "A,B,C,A"]);
    assert!(twice.code == Some(2) && twice.err.contains("a name twice"), "{}", twice.err);
    let missing = cratylus(&dir, &[], &["audit", "--endpoint", &url, "--text", "nowhere.txt"]);
    assert!(missing.code == Some(2) && missing.err.contains("nowhere.txt"), "{}", missing.err);
}
