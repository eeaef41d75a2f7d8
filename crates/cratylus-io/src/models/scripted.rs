//! Backends without a model behind them: canned answers, programs that speak JSON lines, and policies dressed as
//! models.

use super::backend::{Allowance, Backend, Given, Raw, Refusal, Request};
use super::http::excerpt;
use super::tape::Took;
use cratylus_core::fault::Fault;
use cratylus_core::language::Distribution;
use cratylus_core::language::answer::Read as Reading;
use cratylus_core::language::model::{Canned, Mock};
use cratylus_core::{Purpose, Seed};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn given(raw: Raw) -> Given {
    Given { raw, sent: serde_json::Value::Null, took: Took::default(), allowance: Allowance::default() }
}

/// The answers of a list: those to the memory asked about, or else those to any, by the number of the draw.
pub struct CannedAnswers(pub Vec<Canned>);

impl Backend for CannedAnswers {
    fn ask(&self, request: &Request<'_>) -> Result<Given, Refusal> {
        let names = &request.model.names;
        let word = |name: u16| names[name as usize].as_str();
        let remembered: Vec<[&str; 2]> = request.query.window.iter().map(|round| round.map(word)).collect();
        let same = |memory: &Vec<[String; 2]>| memory.iter().map(|round| [&*round[0], &*round[1]]).eq(remembered.iter().copied());
        let to_this: Vec<&Canned> = self.0.iter().filter(|canned| canned.memory.as_ref().is_some_and(same)).collect();
        let to_any: Vec<&Canned> = self.0.iter().filter(|canned| canned.memory.is_none()).collect();
        let answers = if to_this.is_empty() { to_any } else { to_this };
        let answer = answers[(request.query.draw % answers.len() as u64) as usize];
        let raw = match (&answer.text, &answer.probabilities) {
            (Some(text), _) => Raw::Text { text: text.clone(), cut: false, instead: None },
            (None, Some(p)) => Raw::Names(names.iter().map(|name| p.get(name).copied().unwrap_or(0.0)).collect()),
            (None, None) => unreachable!("checked when the experiment was read"),
        };
        Ok(given(raw))
    }
}

/// Whether canned answers give probabilities. Lists that give both are refused.
pub fn canned_probabilities(answers: &[Canned]) -> Result<bool, Fault> {
    let n = answers.iter().filter(|answer| answer.probabilities.is_some()).count();
    match n {
        0 => Ok(false),
        n if n == answers.len() => Ok(true),
        _ => Err(Fault::new("canned answers are all texts or all probabilities, not some of each")),
    }
}

/// A policy dressed as a model, with the faults that are asked of it.
pub struct MockModel {
    /// What it answers, and how often it fails.
    pub mock: Mock,
    /// Requests so far, which decide which of them fail: a matter of transport, so it needs no address.
    pub requests: AtomicU64,
}

impl Backend for MockModel {
    fn ask(&self, request: &Request<'_>) -> Result<Given, Refusal> {
        let Mock { policy, latency_ms, garbage, failure, first_bias, text, .. } = &self.mock;
        if *latency_ms > 0.0 {
            std::thread::sleep(Duration::from_secs_f64(latency_ms / 1000.0));
        }
        let n = self.requests.fetch_add(1, Ordering::Relaxed);
        if Seed(0).stream(Purpose::Resample, n).unit() < *failure {
            return Err(Refusal::again("the mock fails on purpose"));
        }
        // A policy has answers to memories and to nothing else.
        let Some(&first) = request.query.order.first() else {
            return Ok(given(Raw::Text { text: "I would rather not say.".into(), cut: false, instead: None }));
        };
        let mut p = vec![0.0; request.model.names.len()];
        policy.distribution(&request.query.window, &mut p);
        let first = first as usize;
        for (name, p) in p.iter_mut().enumerate() {
            *p = (1.0 - garbage) * ((1.0 - first_bias) * *p + if name == first { *first_bias } else { 0.0 });
        }
        let distribution = Distribution::new(p);
        if !text {
            return Ok(given(Raw::Names(distribution.names)));
        }
        let draw = Seed(request.query.draw).words(Purpose::Decide, 0)[0];
        let text = match distribution.choose(draw) {
            Some(name) => {
                let name = &request.model.names[name as usize];
                match request.model.protocol.read {
                    Reading::Value => format!("{{'value': '{name}'; 'reason': 'it is what I choose'}}"),
                    Reading::Word => name.clone(),
                    Reading::Mention => format!("I choose {name}."),
                }
            }
            None => "I would rather not say.".into(),
        };
        Ok(given(Raw::Text { text, cut: false, instead: None }))
    }

    fn in_flight(&self) -> Option<u32> {
        Some(self.mock.in_flight)
    }
}

/// A program that reads a request a line and writes an answer a line, in any order.
pub struct Program {
    name: String,
    stdin: Mutex<ChildStdin>,
    waiting: Arc<Mutex<HashMap<u64, SyncSender<Line>>>>,
    next: AtomicU64,
    gone: Arc<AtomicBool>,
    /// A line that was meant as an answer and is none.
    wrong: Arc<Mutex<Option<String>>>,
    child: Mutex<Child>,
}

/// What a program reads.
#[derive(Serialize)]
struct Asked<'a> {
    id: u64,
    messages: Vec<BTreeMap<&'static str, &'a str>>,
    prefill: &'a str,
    /// The options in the order shown.
    names: &'a [String],
    /// The remembered rounds, oldest first, as own and partner's choice.
    memory: Vec<[&'a str; 2]>,
    /// Equal draws ask for the same answer again; different ones for independent answers.
    draw: u64,
}

/// What a program writes: `text`, `probabilities` or `error`.
#[derive(Deserialize)]
struct Line {
    id: u64,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    probabilities: Option<BTreeMap<String, f64>>,
    #[serde(default)]
    error: Option<String>,
}

/// A line longer than this is no answer.
const LINE_MAX: u64 = 1 << 20;

impl Program {
    /// Starts a program in a folder.
    pub fn start(command: &[String], folder: &Path) -> Result<Program, Fault> {
        let name = command.join(" ");
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let mut child = Command::new(&command[0])
            .args(&command[1..])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| Fault::new(format!("starting `{name}` in {}: {error}", folder.display())))?;
        let stdin = child.stdin.take().expect("it was piped");
        let mut lines = BufReader::new(child.stdout.take().expect("it was piped"));
        let waiting: Arc<Mutex<HashMap<u64, SyncSender<Line>>>> = Arc::default();
        let gone = Arc::new(AtomicBool::new(false));
        let wrong: Arc<Mutex<Option<String>>> = Arc::default();
        let (to, over, said) = (waiting.clone(), gone.clone(), wrong.clone());
        std::thread::spawn(move || {
            let mut line = Vec::new();
            loop {
                line.clear();
                let read = (&mut lines).take(LINE_MAX).read_until(b'\n', &mut line);
                if !matches!(read, Ok(n) if n > 0) {
                    break;
                }
                match serde_json::from_slice::<Line>(&line) {
                    Ok(answer) => {
                        let asker = to.lock().expect("no panic while holding who waits").remove(&answer.id);
                        let _ = asker.map(|asker| asker.send(answer));
                    }
                    // Meant as an answer and none: waiting for another would be waiting for ever.
                    Err(error) if line.starts_with(b"{") => {
                        let shown = excerpt(&String::from_utf8_lossy(&line));
                        *said.lock().expect("no panic while noting a line") = Some(format!("{shown} ({error})"));
                        break;
                    }
                    // Anything else is what programs say by the way.
                    Err(_) => (),
                }
            }
            // Whoever still waits is told by the loss of its sender.
            over.store(true, Ordering::SeqCst);
            to.lock().expect("no panic while holding who waits").clear();
        });
        Ok(Program { name, stdin: Mutex::new(stdin), waiting, next: AtomicU64::new(0), gone, wrong, child: Mutex::new(child) })
    }
}

/// How long a program may take for one answer.
const PATIENCE: Duration = Duration::from_secs(600);

impl Backend for Program {
    fn ask(&self, request: &Request<'_>) -> Result<Given, Refusal> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let names = &request.model.names;
        let word = |name: u16| names[name as usize].as_str();
        let asked = Asked {
            id,
            messages: request
                .prompt
                .messages
                .iter()
                .map(|message| BTreeMap::from([("role", message.role.as_str()), ("content", message.text.as_str())]))
                .collect(),
            prefill: &request.prompt.prefill,
            names: request.names,
            memory: request.query.window.iter().map(|round| round.map(word)).collect(),
            draw: request.query.draw,
        };
        let (sender, receiver) = sync_channel(1);
        self.waiting.lock().expect("no panic while holding who waits").insert(id, sender);
        let lost = || match &*self.wrong.lock().expect("no panic while noting a line") {
            Some(line) => Refusal::fatal(format!("`{}` wrote a line that is no answer: {line}", self.name)),
            None => Refusal::fatal(format!("`{}` ended before it had answered", self.name)),
        };
        if self.gone.load(Ordering::SeqCst) {
            return Err(lost());
        }
        let mut line = serde_json::to_vec(&asked).expect("plain data");
        line.push(b'\n');
        let written = self.stdin.lock().expect("no panic while writing").write_all(&line);
        written.map_err(|_| lost())?;
        let answer = receiver.recv_timeout(PATIENCE).map_err(|error| match error {
            std::sync::mpsc::RecvTimeoutError::Disconnected => lost(),
            std::sync::mpsc::RecvTimeoutError::Timeout => {
                Refusal::fatal(format!("`{}` gave no answer to request {id} in {} s", self.name, PATIENCE.as_secs()))
            }
        })?;
        match answer {
            Line { error: Some(why), .. } => Err(Refusal::fatal(format!("`{}`: {}", self.name, excerpt(&why)))),
            Line { text: Some(text), .. } => Ok(given(Raw::Text { text, cut: false, instead: None })),
            Line { probabilities: Some(p), .. } => {
                let sum: f64 = p.values().sum();
                if let Some(other) = p.keys().find(|name| !names.contains(name)) {
                    return Err(Refusal::fatal(format!(
                        "`{}` gave a probability to `{}`, which is no name",
                        self.name,
                        excerpt(other)
                    )));
                }
                if p.values().any(|p| !(0.0..=1.0).contains(p)) || sum > 1.0 + 1e-6 {
                    return Err(Refusal::fatal(format!("`{}` gave probabilities that are none: {p:?}", self.name)));
                }
                Ok(given(Raw::Names(names.iter().map(|name| p.get(name).copied().unwrap_or(0.0)).collect())))
            }
            Line { .. } => Err(Refusal::fatal(format!("`{}` gave neither `text` nor `probabilities` nor `error`", self.name))),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let _ = child.kill();
        let _ = child.wait();
    }
}
