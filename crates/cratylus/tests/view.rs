//! The viewer: what it answers, whom it refuses, and its pages in a real browser.
//!
//! The browser needs Node with `npm ci` in `web/`, and Chromium (`CHROMIUM` names another than /usr/bin/chromium). Where
//! one of them is absent that test says SKIPPED.

#![cfg(feature = "view")]

mod common;
use common::{COPIERS, PROGRAM, cratylus, folder, skipped, start, succeeds};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A viewer that ends with the test.
struct Viewer {
    child: Child,
    port: u16,
    address: String,
}

impl Drop for Viewer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }
}

impl Viewer {
    fn start(dir: &Path, args: &[&str]) -> Viewer {
        let mut child = Command::new(PROGRAM).arg("view").arg(dir).args(args).stdout(Stdio::piped()).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let address = address.trim().to_string();
        let port = address.trim_start_matches("http://").split(['/', '?']).next().unwrap().rsplit(':').next().unwrap();
        Viewer { port: port.parse().unwrap_or_else(|_| panic!("no port in {address}")), child, address }
    }

    fn ask(&self, method: &str, path: &str, head: &[(&str, &str)]) -> Answer {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        if !head.iter().any(|(name, _)| *name == "Host") {
            request += &format!("Host: 127.0.0.1:{}\r\n", self.port);
        }
        head.iter().for_each(|(name, value)| request += &format!("{name}: {value}\r\n"));
        stream.write_all(format!("{request}\r\n").as_bytes()).unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        let end = all.windows(4).position(|four| four == b"\r\n\r\n").expect("an answer has a head");
        let head = String::from_utf8_lossy(&all[..end]).to_string();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head, body: all[end + 4..].to_vec() }
    }

    fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[])
    }

    /// The list, once every directory was read.
    fn runs(&self) -> Value {
        for _ in 0..200 {
            let runs = self.get("/api/runs").json();
            if runs["reading"] == 0 {
                return runs;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the list never fills");
    }
}

fn line<'a>(runs: &'a Value, id: &str) -> &'a Value {
    let all = runs["runs"].as_array().unwrap();
    all.iter().find(|run| run["id"] == id).unwrap_or_else(|| panic!("no {id} in {runs}"))
}

/// Finished runs of rules: `one` and, in a folder of its own, `more/two`.
fn two_runs(name: &str) -> std::path::PathBuf {
    let dir = folder(name);
    std::fs::write(dir.join("e.toml"), COPIERS.replace("replicas = 40", "replicas = 6")).unwrap();
    for out in ["runs/one", "runs/more/two"] {
        succeeds(&dir, &["run", "e.toml", "--out", out, "--quiet"]);
    }
    dir
}

#[test]
fn what_is_in_a_run_directory_is_answered() {
    let dir = two_runs("view-answers");
    let viewer = Viewer::start(&dir.join("runs"), &[]);
    let runs = viewer.runs();
    let one = line(&runs, "one");
    assert_eq!(
        (&one["state"], &one["done"], &one["runs"], &one["points"]),
        (&"finished".into(), &12.into(), &12.into(), &2.into())
    );
    assert_eq!(line(&runs, "more/two")["digest"], one["digest"], "the same experiment");
    let run = viewer.get("/api/run?id=more%2Ftwo").json();
    assert_eq!(run["points"][1]["first"], 6);
    assert_eq!(run["report"]["points"][0]["runs"], 6);
    assert_eq!(run["plan"][1]["swept"]["game.memory"], 5);
    assert_eq!(run["asked"]["population"]["size"], 50);
    let replicas = viewer.get("/api/replicas?id=one&point=1&from=2&n=3").json();
    assert_eq!((replicas["total"].as_u64(), replicas["rows"][0]["run"].as_u64()), (Some(6), Some(8)));
    let series = viewer.get("/api/series?id=one&run=8").json();
    assert_eq!(series["measures"]["success_rate"]["round"].as_array().unwrap().len(), 80);

    // What an agent did and remembered is what the table says.
    let population = viewer.get("/api/population?id=one&run=8").json();
    assert_eq!((population["frames"].as_u64(), population["step"].as_u64()), (Some(81), Some(50)));
    let frames = viewer.get("/api/frames?id=one&run=8&from=79&n=5").body;
    assert_eq!(frames.len(), 100, "the last two frames of fifty agents");
    let csv = String::from_utf8(viewer.get("/api/table?id=one&name=interactions&format=csv").body).unwrap();
    assert!(csv.contains("run,t,agent_a,agent_b,name_a,name_b,success"));
    let of_agent: Vec<Vec<&str>> = csv
        .lines()
        .map(|line| line.split(',').collect())
        .filter(|row: &Vec<&str>| row[0] == "8" && (row[2] == "4" || row[3] == "4"))
        .collect();
    let t: u64 = of_agent[9][1].parse().unwrap();
    let agent = viewer.get(&format!("/api/agent?id=one&run=8&agent=3&t={t}")).json();
    assert_eq!(agent["next"]["t"], t);
    assert_eq!(agent["last"]["t"], of_agent[8][1].parse::<u64>().unwrap());
    let memory = agent["memory"].as_array().unwrap();
    assert_eq!(memory.len(), 5);
    for (round, row) in memory.iter().zip(&of_agent[4..9]) {
        let own = if row[2] == "4" { row[4] } else { row[5] };
        assert_eq!(round["own"], own);
    }
    let would: f64 = agent["would"].as_array().unwrap().iter().map(|name| name["p"].as_f64().unwrap()).sum();
    assert!((would - 1.0).abs() < 1e-9);

    // Whole tables, as they are.
    let parquet = viewer.get("/api/table?id=one&name=runs&format=parquet");
    assert!(parquet.head.contains("attachment; filename=\"one-runs.parquet\""), "{}", parquet.head);
    let whole = std::fs::read(dir.join("runs/one/runs.parquet")).unwrap();
    assert!(parquet.body.windows(whole.len()).any(|part| part == whole), "the file's bytes");
    // One directory, opened by itself.
    drop(viewer);
    let alone = Viewer::start(&dir.join("runs/one"), &[]);
    assert_eq!(line(&alone.runs(), ".")["name"], "copiers");
    assert_eq!(alone.get("/api/run?id=.").status, 200);
}

/// What is shown and done beyond two names, what seats were paid, and what agents of kinds of their own have become: from the
/// tables where interactions are kept, and played again where they are not.
#[test]
fn games_of_more_than_two_names_are_shown_whole() {
    let dir = folder("view-acts");
    let base = "seed = 3\nreplicas = 1\n[stop]\ninteractions = 40\n";
    for (name, text) in [
        (
            "signals",
            format!(
                "{base}[population]\nsize = 2\n[game]\nkind = \"signalling\"\nstates = 2\nsignals = 2\n[agents]\nkind = \"urn\"\n"
            ),
        ),
        (
            "goods",
            format!(
                "{base}[population]\nsize = 6\ngroups = {{ size = 3 }}\n[game]\nkind = \"public-goods\"\nmultiplier = 2\n[agents]\nkind = \"giver\"\nrule = \"match\"\ngives = 0.5\n"
            ),
        ),
    ] {
        std::fs::write(dir.join(format!("{name}.toml")), text).unwrap();
        succeeds(&dir, &["run", &format!("{name}.toml"), "--out", &format!("runs/{name}"), "--quiet"]);
        let unkept = format!("runs/{name}-unkept");
        succeeds(&dir, &["run", &format!("{name}.toml"), "--out", &unkept, "--quiet", "--set", "record.interactions=false"]);
    }
    let viewer = Viewer::start(&dir.join("runs"), &[]);
    let agent = |id: &str| viewer.get(&format!("/api/agent?id={id}&run=0&agent=1&t=30")).json();
    let signals = agent("signals");
    let balls: f64 = signals["mind"]["sender"].as_array().unwrap().iter().map(|balls| balls.as_f64().unwrap()).sum();
    assert!(balls > 4.0, "it learned from what is on record: {signals}");
    let done = signals["last"]["done"].as_array().unwrap();
    assert!(done[0]["saw"].as_str().unwrap().starts_with("option") && done[1]["did"].as_str().unwrap().starts_with("signal"));
    let goods = agent("goods");
    assert_eq!((goods["mind"].as_f64(), goods["last"]["open"].as_bool()), (Some(0.5), Some(true)));
    let done = goods["last"]["done"].as_array().unwrap();
    assert_eq!(done.len(), 3);
    assert!(done.iter().all(|one| one["did"] == "0.5" && one["pay"] == 1.5), "{goods}");
    assert_eq!((agent("signals-unkept"), agent("goods-unkept")), (signals, goods));
}

/// An episode is shown act by act, with the words of the options and what each seat was told, as the record has it.
#[test]
fn episodes_are_shown_act_by_act() {
    let dir = folder("view-episodes");
    let text = "seed = 3\nreplicas = 2\npopulation.size = 5\n[game]\nkind = \"commons\"\ntalk = { turns = 2 }\n[agents]\nkind = \"rule\"\nrule = \"announcer\"\n[stop]\nrounds = 3\n";
    std::fs::write(dir.join("pond.toml"), text).unwrap();
    succeeds(&dir, &["run", "pond.toml", "--out", "runs/pond", "--quiet"]);
    let viewer = Viewer::start(&dir.join("runs"), &[]);
    assert_eq!(viewer.get("/api/run?id=pond").json()["staged"], true);
    let acts = viewer.get("/api/acts?id=pond&run=1&from=0&n=100").json();
    // Three rounds of five, with two messages after each but the last.
    assert_eq!((&acts["total"], acts["rows"].as_array().unwrap().len()), (&19.into(), 19));
    assert_eq!((&acts["rows"][0]["said"], &acts["rows"][0]["told"]["stock"]), (&"10".into(), &100.0.into()));
    assert_eq!(acts["rows"][5]["said"], "Nobody should take more than 10.");
    assert_eq!(acts["rows"][7]["told"]["talk"][0]["text"], "Nobody should take more than 10.");
    let page = viewer.get("/api/acts?id=pond&run=1&from=5&n=1").json();
    assert_eq!(page["rows"][0], acts["rows"][5]);
    assert_ne!(viewer.get("/api/acts?id=pond&run=77").status, 200);
}

#[test]
fn strangers_are_refused_and_no_path_leaves_the_folder() {
    let dir = two_runs("view-refuses");
    // A run beside the folder, one that a link leads to, and files that are no runs.
    succeeds(&dir, &["run", "e.toml", "--out", "outside", "--quiet"]);
    #[cfg(unix)]
    std::os::unix::fs::symlink(dir.join("outside"), dir.join("runs/link")).unwrap();
    std::fs::create_dir(dir.join("runs/none")).unwrap();
    let viewer = Viewer::start(&dir.join("runs"), &[]);
    assert!(!viewer.runs().to_string().contains("link"));
    for id in [
        "..%2Foutside",
        "link",
        "none",
        "%2Fetc",
        "one%2F..%2F..%2Foutside",
        "one%00",
        "..",
        "",
        "one%2F",
        "C%3A",
        "..%5Coutside",
    ] {
        for what in ["run", "table", "calls", "population", "series"] {
            let answer = viewer.get(&format!("/api/{what}?id={id}&name=runs&format=csv"));
            assert_eq!(answer.status, 404, "{what} of {id}: {}", String::from_utf8_lossy(&answer.body));
        }
    }
    // Links and pipes inside a run directory are not followed either.
    #[cfg(unix)]
    {
        std::fs::write(dir.join("secret.toml"), "root:x:0:0").unwrap();
        for file in ["prompts.parquet", "findings.json", "recorded.json"] {
            let copy = dir.join("runs").join(file.replace('.', "-"));
            std::fs::create_dir(&copy).unwrap();
            for name in ["experiment.toml", "plan.toml", "manifest.json", "runs.parquet", "measures.parquet"] {
                std::fs::copy(dir.join("runs/one").join(name), copy.join(name)).unwrap();
            }
            std::os::unix::fs::symlink(dir.join("secret.toml"), copy.join(file)).unwrap();
            let id = file.replace('.', "-");
            for what in ["table", "run", "population"] {
                let answer = viewer.get(&format!("/api/{what}?id={id}&name=prompts&format=parquet&run=0"));
                assert_eq!(answer.status, 400, "{what} of {id}");
                assert!(!String::from_utf8_lossy(&answer.body).contains("root:x"));
            }
            let listed = viewer.runs();
            assert!(line(&listed, &id)["trouble"].as_str().unwrap().contains("link"), "{listed}");
        }
    }
    let forbidden = |head: &[(&str, &str)]| viewer.ask("GET", "/api/runs", head).status;
    let own = format!("127.0.0.1:{}", viewer.port);
    assert_eq!(forbidden(&[("Host", "evil.example")]), 403);
    assert_eq!(forbidden(&[("Host", &format!("evil.example:{}", viewer.port))]), 403);
    assert_eq!(forbidden(&[("Origin", "http://evil.example")]), 403);
    assert_eq!(forbidden(&[("Origin", "null")]), 403);
    assert_eq!(forbidden(&[("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "no-cors")]), 403);
    assert_eq!(forbidden(&[("Host", &own), ("Origin", &format!("http://{own}"))]), 200);
    assert_eq!(forbidden(&[("Host", &format!("localhost:{}", viewer.port))]), 200);
    assert_eq!(viewer.ask("POST", "/api/runs", &[]).status, 405);
    // Who has the list is not sent it again, until it is another.
    viewer.runs();
    let listed = viewer.get("/api/runs");
    let tag = listed.head.lines().find_map(|line| line.strip_prefix("etag: ")).expect("an answer has a tag");
    let again = viewer.ask("GET", "/api/runs", &[("If-None-Match", tag)]);
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!(viewer.ask("GET", "/api/runs", &[("If-None-Match", "\"0\"")]).body, listed.body);
    assert_eq!(viewer.get("/api/nothing?id=one").status, 404);
    assert_eq!(viewer.get("/../Cargo.toml").status, 404);
    for path in ["/", "/app.js", "/api/runs", "/api/run?id=none"] {
        let head = viewer.get(path).head.to_lowercase();
        for header in
            ["content-security-policy: default-src 'none'", "x-content-type-options: nosniff", "cache-control: no-store"]
        {
            assert!(head.contains(header), "{path}: {head}");
        }
        assert!(!head.contains("access-control-allow"), "{head}");
    }
    let page = String::from_utf8(viewer.get("/").body).unwrap();
    assert!(
        !page.contains("<style") && !page.contains(" style=") && page.matches("<script").count() == 1 && page.contains("src="),
        "{page}"
    );
}

#[test]
fn another_interface_takes_a_token() {
    let dir = two_runs("view-token");
    let viewer = Viewer::start(&dir.join("runs"), &["--host", "127.0.0.1"]);
    let token = viewer.address.split_once("?token=").expect("the address ends in the token").1.to_string();
    assert_eq!(viewer.get("/api/runs").status, 401);
    assert_eq!(viewer.get("/").status, 401);
    assert_eq!(viewer.get("/api/runs?token=0123").status, 401);
    let page = viewer.get(&format!("/?token={token}"));
    assert!(page.status == 200 && page.head.contains("HttpOnly; SameSite=Strict"), "{}", page.head);
    assert_eq!(
        viewer.ask("GET", "/api/runs", &[("Cookie", &format!("a=b; cratylus_token_{}={token}", viewer.port))]).status,
        200
    );
    assert_eq!(
        viewer.ask("GET", "/api/runs", &[("Cookie", &format!("cratylus_token_{}={}", viewer.port, "0".repeat(32)))]).status,
        401
    );
    let wrong = cratylus(&dir, &["view", "nowhere"]);
    assert!(wrong.code == Some(2) && wrong.err.contains("cannot open nowhere") && wrong.err.contains("help:"), "{}", wrong.err);
}

#[test]
fn damaged_and_odd_directories_are_lines_that_say_so() {
    let dir = two_runs("view-damaged");
    let runs = dir.join("runs");
    let bytes = std::fs::read(runs.join("one/runs.parquet")).unwrap();
    std::fs::write(runs.join("one/runs.parquet"), &bytes[..bytes.len() / 2]).unwrap();
    std::fs::create_dir_all(runs.join("text")).unwrap();
    std::fs::write(runs.join("text/experiment.toml"), "this is no experiment <img src=x onerror=alert(1)>").unwrap();
    let viewer = Viewer::start(&runs, &[]);
    let listed = viewer.runs();
    assert!(line(&listed, "one")["trouble"].is_string(), "{listed}");
    assert!(line(&listed, "text")["trouble"].is_string());
    assert!(line(&listed, "more/two")["trouble"].is_null());
    let answer = viewer.get("/api/run?id=one");
    assert!(answer.status == 422 && answer.json()["error"].is_string());
    assert_eq!(viewer.get("/api/run?id=more/two").status, 200, "the others are shown");
    // A directory whose experiment was changed afterwards: what would be played again is not what was played.
    let two = runs.join("more/two");
    std::fs::remove_file(two.join("interactions.parquet")).unwrap();
    assert_eq!(viewer.get("/api/population?id=more/two&run=1").status, 200, "played again, as it was");
    let text = std::fs::read_to_string(two.join("experiment.toml")).unwrap();
    std::fs::write(two.join("experiment.toml"), text.replace("seed = 11", "seed = 12")).unwrap();
    let answer = viewer.get("/api/population?id=more/two&run=1");
    assert!(answer.status == 400 && String::from_utf8_lossy(&answer.body).contains("vouches for"), "{}", answer.status);
}

/// Answers in words of a model that is a rule, some of them unusable.
const MOCK: &str = "name = \"mock\"\nseed = 4\nreplicas = 3\n[population]\nsize = 8\n[game]\nkind = \"coordination\"\nnames = [\"Q\", \"M\"]\nmemory = 3\n\
    [agents]\nkind = \"mock\"\npolicy = { kind = \"win-stay-lose-shift\" }\ngarbage = 0.1\nlatency = 0\ntext = true\n[stop]\nrounds = 12\n";

#[test]
fn calls_are_paged_searched_and_shown_with_what_was_asked() {
    let dir = folder("view-calls");
    std::fs::write(dir.join("e.toml"), MOCK).unwrap();
    succeeds(&dir, &["run", "e.toml", "--out", "runs/mock", "--quiet"]);
    let viewer = Viewer::start(&dir.join("runs"), &[]);
    let all = viewer.get("/api/calls?id=mock&n=5").json();
    let total = all["total"].as_u64().unwrap();
    assert!(total >= 3 * 12 * 8 * 2 && all["rows"].as_array().unwrap().len() == 5);
    let void = viewer.get("/api/calls?id=mock&only=void&n=1000").json();
    assert!(void["matched"].as_u64().unwrap() > 10 && void["rows"].as_array().unwrap().iter().all(|row| row["void"] == true));
    let found = viewer.get("/api/calls?id=mock&find=rather%20not&n=3").json();
    assert_eq!(found["matched"], void["matched"], "the mock's unusable answers say so");
    assert_eq!(viewer.get("/api/calls?id=mock&find=nobody-said-this").json()["matched"], 0);
    let row = void["rows"][0]["row"].as_u64().unwrap();
    let call = viewer.get(&format!("/api/call?id=mock&row={row}")).json();
    assert!(call["messages"].as_array().unwrap().iter().any(|message| message["text"].as_str().unwrap().contains("points")));
    assert_eq!(call["text"], void["rows"][0]["text"]);
    // An agent's next turn holds the very prompt that is on the tape.
    let agent = viewer.get("/api/agent?id=mock&run=1&agent=2&t=30").json();
    let asked = agent["next"]["asked"]["messages"].to_string();
    let prompts = String::from_utf8(viewer.get("/api/table?id=mock&name=prompts&format=csv").body).unwrap();
    assert!(asked.len() > 100 && prompts.replace("\"\"", "\"").contains(&asked), "{asked}");
    assert!(agent["next"]["text"].is_string());
}

/// A run that goes on while it is looked at; its process ends with the test.
struct Going(Child);

impl Drop for Going {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn going(dir: &Path, latency: u32) -> Going {
    let text =
        MOCK.replace("latency = 0", &format!("latency = {latency}\nin_flight = 4")).replace("replicas = 3", "replicas = 60");
    std::fs::write(dir.join("going.toml"), text).unwrap();
    let child = start(dir, &["run", "going.toml", "--out", "runs/going", "--quiet"]);
    for _ in 0..200 {
        if dir.join("runs/going/plan.toml").exists() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Going(child)
}

#[test]
fn a_run_that_goes_on_is_seen_to() {
    let dir = folder("view-going");
    let run = going(&dir, 5);
    let viewer = Viewer::start(&dir.join("runs"), &[]);
    let mut seen = Vec::new();
    for _ in 0..600 {
        let runs = viewer.runs();
        let going = line(&runs, "going");
        assert_eq!(going["state"], "running");
        seen.push(going["done"].as_u64().unwrap());
        if seen.last() >= Some(&2) && seen.iter().min() < seen.iter().max() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(seen.iter().min() < seen.iter().max(), "it never moved: {seen:?}");
    let page = viewer.get("/api/run?id=going").json();
    assert!(page["report"]["points"][0]["runs"].as_u64().unwrap() >= 2 && page["runs"] == 60, "what is there so far");
    let first = page["points"][0]["first"].as_u64().unwrap();
    let replicas = viewer.get("/api/replicas?id=going").json();
    let over = replicas["rows"][0]["run"].as_u64().unwrap_or(first);
    assert_eq!(viewer.get(&format!("/api/population?id=going&run={over}")).status, 200, "a run of it that is over");
    assert!(viewer.get("/api/calls?id=going&n=3").json()["total"].as_u64().unwrap() > 10, "the calls so far");
    drop(run);
    assert_eq!(line(&viewer.runs(), "going")["state"], "interrupted");
}

/// A thousand directories, and one of a million interactions: how long they take to be there, and what the server takes.
#[test]
fn many_directories_and_long_runs_are_there_at_once() {
    let dir = two_runs("view-many");
    let runs = dir.join("runs");
    for i in 0..1000 {
        let copy = runs.join(format!("copy-{i:04}"));
        std::fs::create_dir(&copy).unwrap();
        for file in ["experiment.toml", "plan.toml", "manifest.json", "runs.parquet", "measures.parquet"] {
            std::fs::copy(runs.join("one").join(file), copy.join(file)).unwrap();
        }
    }
    let long = COPIERS
        .replace("replicas = 40", "replicas = 1")
        .replace("interactions = 4000", "interactions = 1_000_000")
        .replace("\"game.memory\" = [3, 5]", "\"game.memory\" = [3]");
    std::fs::write(dir.join("long.toml"), long).unwrap();
    succeeds(&dir, &["run", "long.toml", "--out", "runs/long", "--quiet"]);
    let viewer = Viewer::start(&runs, &[]);
    let timed = |path: &str| {
        let begun = Instant::now();
        let answer = viewer.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
        begun.elapsed()
    };
    let first = timed("/api/runs");
    let begun = Instant::now();
    assert_eq!(viewer.runs()["runs"].as_array().unwrap().len(), 1003);
    let all = begun.elapsed();
    let again = timed("/api/runs");
    let opened = timed("/api/run?id=long");
    let population = timed("/api/population?id=long&run=0");
    let agent = timed("/api/agent?id=long&run=0&agent=7&t=900000");
    println!(
        "1,003 directories: first answer {first:?}, all read after {all:?}, again {again:?}; 10^6 interactions: run {opened:?}, population {population:?}, agent {agent:?}"
    );
    // The aims are 1 s and 2 s; what else the machine does may take as long again.
    assert!(first < Duration::from_secs(2) && again < Duration::from_secs(2), "{first:?}, {again:?}");
    assert!(opened < Duration::from_secs(4) && population < Duration::from_secs(4), "{opened:?}, {population:?}");
    if let Ok(status) = std::fs::read_to_string(format!("/proc/{}/status", viewer.child.id())) {
        let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux says it");
        let kib: u64 = most.split_whitespace().next().unwrap().parse().unwrap();
        println!("the server took {} MiB at most", kib / 1024);
        assert!(kib < 300 * 1024, "{most}");
    }
}

/// What names and claims would do if they were taken for markup.
const HOSTILE: &str = r#"# <script>alert(1)</script> <img src=x onerror=alert(2)> ${alert(3)} {{alert(4)}}
name = "<img src=x onerror=alert(5)>"
seed = 1
replicas = 2
[population]
size = 8
[game]
kind = "coordination"
names = ["<b onmouseover=alert(6)>", "__proto__", "'\"><svg onload=alert(7)>"]
memory = 2
[agents]
kind = "uniform"
[stop]
rounds = 6
"#;

#[test]
fn its_pages_work_in_a_browser() {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web");
    let chromium = std::env::var("CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".into());
    let node = Command::new("node").arg("--version").output().is_ok_and(|said| said.status.success());
    if !node || !web.join("node_modules/playwright-core").exists() || !Path::new(&chromium).exists() {
        skipped("the viewer was not tried in a browser; that takes Node, `npm ci` in web/, and Chromium");
        return;
    }
    let dir = two_runs("view-browser");
    std::fs::write(dir.join("mock.toml"), MOCK).unwrap();
    std::fs::write(dir.join("hostile.toml"), HOSTILE.replace("name = \"<img", "name = \"img <img")).unwrap();
    let large = "name = \"large\"\n[population]\nsize = 10000\n[game]\nkind = \"naming\"\nnames = [\"A\", \"B\"]\n[agents]\nkind = \"inventory\"\n\
        committed = { name = \"A\", share = 0.1 }\n[stop]\nrounds = 60\n[record]\ninteractions = false\n";
    std::fs::write(dir.join("large.toml"), large).unwrap();
    let categories = "name = \"categories\"\n[population]\nsize = 12\n[game]\nkind = \"category\"\nd_min = 0.05\n\
        [agents]\nkind = \"categories\"\n[stop]\nrounds = 900\n";
    std::fs::write(dir.join("categories.toml"), categories).unwrap();
    for name in ["mock", "hostile", "large", "categories"] {
        succeeds(&dir, &["run", &format!("{name}.toml"), "--out", &format!("runs/{name}"), "--quiet"]);
    }
    let _going = going(&dir, 60);
    let viewer = Viewer::start(&dir.join("runs"), &[]);
    let said = Command::new("node")
        .arg("test/view.mjs")
        .arg(&viewer.address)
        .args([
            "ordinary=one",
            "other=more/two",
            "calls=mock",
            "large=large",
            "categories=categories",
            "hostile=hostile",
            "running=going",
        ])
        .current_dir(&web)
        .env("CHROMIUM", &chromium)
        .output()
        .unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    println!("{text}");
    assert!(said.status.success() && text.matches("ok  ").count() > 50, "{text}");
}
