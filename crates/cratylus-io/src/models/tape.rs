//! The tape: every answer of a model, kept before it is used. What is on it is never asked for again, and with it a
//! run can be played without the model.
//!
//! A tape is a file of lines that is only ever appended to: a checksum, a space, and an entry as JSON. Several
//! processes may share one: each appends whole lines under a lock, after it has read what the others appended. A line
//! that a crash left half written is skipped, and the next one begins on a line of its own. An answer counts as kept
//! once the disk has it; threads that keep answers at the same time wait for one write together.

use cratylus_core::fault::{Fault, at};
use cratylus_core::language::Prompt;
use cratylus_core::language::answer::{AnswerWords, Instead};
use cratylus_core::language::scored::Scored;
use cratylus_core::language::spelling::SpellingStep;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};

/// The version of the layout, in the first line.
const HEAD: &str = "cratylus tape 1";

/// What a line of the tape holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum TapeEntry {
    /// A model, before the first of its calls.
    Setup(Setup),
    /// A prompt, before the first call that names it.
    Prompt(KeptPrompt),
    /// A call with its answer.
    Call(Box<Call>),
}

/// A prompt under its hash, so that calls need not repeat it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptPrompt {
    /// That of [`super::asker::prompt_hash`].
    pub hash: String,
    /// What the model is shown.
    pub prompt: Prompt,
}

/// How a model is asked, and what it is: found out before the first question, and the same until the last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Setup {
    /// Which model of the experiment this is: a hash of everything in the file that bears on how it is asked.
    pub asked: String,
    /// What the user calls it.
    pub name: String,
    /// What the server or the file says that it is.
    pub identity: serde_json::Value,
    /// A hash of the identity.
    pub id: String,
    /// The same for all its calls.
    pub how: AskedHow,
    /// Whether answers can be made to begin with the protocol's prefill.
    pub prefill: bool,
    /// Why it is asked in this way.
    pub why: String,
    /// How many characters a token of its prompts has, where that was seen before the first question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub characters_per_token: Option<f64>,
}

/// How a choice is obtained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AskedHow {
    /// Next-token distributions, followed until names are spelled; `listed` tokens each.
    Exact {
        /// How many tokens a list is asked to hold.
        listed: u32,
    },
    /// One next-token distribution, read by the first tokens of the names.
    FirstToken {
        /// How many tokens the list is asked to hold.
        listed: u32,
    },
    /// The model gives the probability of each name by itself.
    Names,
    /// Text that is confined to the names by this field of the request.
    Constrained {
        /// The field that confines it.
        by: Constraint,
    },
    /// Words as they come, read by the protocol.
    Text,
    /// No choice: the log-probability of every token of a text.
    Scores,
}

/// The field of a request by which a server confines an answer to the names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Constraint {
    /// `response_format` with a JSON schema.
    JsonSchema,
    /// `structured_outputs` with a list of choices.
    StructuredOutputs,
    /// `grammar`, in the GBNF of llama.cpp.
    Grammar,
    /// `regex`.
    Regex,
}

impl AskedHow {
    /// Whether it gives probabilities, so that each question is asked once.
    pub fn probabilities(self) -> bool {
        matches!(self, AskedHow::Exact { .. } | AskedHow::FirstToken { .. } | AskedHow::Names)
    }
}

/// One call: what was asked, what came back, and what it took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// A hash of everything that the answer depends on.
    pub key: String,
    /// The identity of the model that was meant to answer.
    pub model: String,
    /// The hash of the prompt.
    pub prompt: String,
    /// The options in the order shown.
    pub names: Vec<String>,
    /// What the answer had begun with, beyond the prefill.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub before: String,
    /// The number of the draw, where an answer in words is one of many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draw: Option<u64>,
    /// How often the decision had been asked for before.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub again: u8,
    /// The sampler and the other fields that were sent with the prompt.
    pub sent: serde_json::Value,
    /// What the model answered.
    pub answer: KeptAnswer,
    /// Time, tokens and money, which bear on no result.
    #[serde(default)]
    pub took: Took,
}

fn is_zero(n: &u8) -> bool {
    *n == 0
}

/// What a model answered, as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeptAnswer {
    /// What a next-token distribution says of the names.
    Step {
        /// What it says of the names, for the walk over their spellings.
        step: SpellingStep,
        /// The most probable tokens and their log-probabilities, for readers.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        top: Vec<(String, f64)>,
    },
    /// An answer in words.
    Text {
        /// The text as it came, not yet read.
        text: String,
        /// Whether the limit of tokens cut it short.
        #[serde(default)]
        cut: bool,
        /// What came in place of words, where the server said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instead: Option<Instead>,
    },
    /// What the tokens of a text are worth.
    Scores {
        /// In the order of the text.
        tokens: Vec<Scored>,
    },
}

impl KeptAnswer {
    /// The words, where it is one in words.
    pub fn words(&self) -> Option<AnswerWords<'_>> {
        match self {
            KeptAnswer::Text { text, cut, instead } => Some(AnswerWords { text, cut: *cut, instead: *instead }),
            _ => None,
        }
    }
}

/// What a call took. None of it bears on a result.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Took {
    /// As the server counted them; None where it did not, as in what follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_tokens: Option<u64>,
    /// Of the prompt's, those that the server had at hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_tokens: Option<u64>,
    /// Tokens of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_tokens: Option<u64>,
    /// What the server says that it cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usd: Option<f64>,
    /// From sending to the last byte, of the request that was answered.
    pub ms: f64,
    /// How often it was sent.
    pub sent: u32,
    /// What the answer said of who gave it, where that is not what was expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<String>,
    /// RFC 3339, UTC.
    pub at: String,
}

/// What is known of a tape in memory.
#[derive(Default)]
struct Known {
    calls: HashMap<String, Arc<Call>>,
    prompts: HashMap<String, Arc<Prompt>>,
    setups: Vec<Setup>,
    /// Lines that are no entries: what crashes and damaged disks left.
    unread: u64,
    /// How many bytes were read.
    read: u64,
}

impl Known {
    fn take(&mut self, entry: TapeEntry) {
        match entry {
            // The first answer stands: later ones to the same question were paid for by another process.
            TapeEntry::Call(call) => drop(self.calls.entry(call.key.clone()).or_insert_with(|| Arc::from(call))),
            TapeEntry::Prompt(KeptPrompt { hash, prompt }) => drop(self.prompts.insert(hash, Arc::new(prompt))),
            TapeEntry::Setup(setup) => self.setups.push(setup),
        }
    }

    /// Takes whole lines, and says how many bytes they were.
    fn take_lines(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
            let line = &rest[..end];
            rest = &rest[end + 1..];
            self.read += end as u64 + 1;
            if line.is_empty() || line == HEAD.as_bytes() {
                continue;
            }
            match entry(line) {
                Some(entry) => self.take(entry),
                None => self.unread += 1,
            }
        }
    }
}

fn sum(json: &[u8]) -> u32 {
    // FNV-1a: enough to tell a whole line from a damaged one.
    json.iter().fold(0x811c_9dc5, |hash, &byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

fn entry(line: &[u8]) -> Option<TapeEntry> {
    let (head, json) = line.split_at_checked(9)?;
    let expected = u32::from_str_radix(std::str::from_utf8(&head[..8]).ok()?, 16).ok()?;
    (head[8] == b' ' && sum(json) == expected).then(|| serde_json::from_slice(json).ok()).flatten()
}

fn line(entry: &TapeEntry) -> Vec<u8> {
    let json = serde_json::to_vec(entry).expect("entries are plain data");
    [format!("{:08x} ", sum(&json)).as_bytes(), &json, b"\n"].concat()
}

/// Answers that are waiting to be on disk.
#[derive(Default)]
struct Queue {
    lines: Vec<u8>,
    entries: Vec<TapeEntry>,
    /// The number of batches begun, and of those that are on disk.
    begun: u64,
    kept: u64,
    writing: bool,
    failed: Option<Fault>,
}

/// A tape that is open: what is on it is in memory, and what is kept goes to the disk first. Threads and processes may share
/// it.
pub struct Tape {
    path: PathBuf,
    /// None for what was read from elsewhere.
    file: Mutex<Option<File>>,
    known: Mutex<Known>,
    queue: Mutex<Queue>,
    written: Condvar,
}

impl Tape {
    /// Opens a tape, or begins one.
    pub fn open(path: &Path) -> Result<Tape, Fault> {
        if path.is_dir() {
            return Err(Fault::new(format!("{} is a folder; a store of answers is a file", path.display())));
        }
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            std::fs::create_dir_all(parent).map_err(at("making the folder", parent))?;
        }
        let open = File::options().read(true).append(true).create(true).open(path);
        let mut file = open.map_err(at("opening", path))?;
        let begin = |file: &mut File| -> std::io::Result<()> {
            file.lock()?;
            let len = file.metadata()?.len() as usize;
            let mut there = Vec::new();
            if len <= HEAD.len() {
                file.seek(SeekFrom::Start(0))?;
                file.read_to_end(&mut there)?;
            }
            // New, or a crash came before the first line was whole.
            if len <= HEAD.len() && HEAD.as_bytes().starts_with(&there) {
                file.set_len(0)?;
                file.write_all(format!("{HEAD}\n").as_bytes())?;
                file.sync_data()?;
            }
            file.unlock()
        };
        begin(&mut file).map_err(at("writing", path))?;
        check_head(&mut file, path)?;
        let tape = Tape::new(path, Some(file), Known::default());
        tape.refresh()?;
        Ok(tape)
    }

    fn new(path: &Path, file: Option<File>, known: Known) -> Tape {
        Tape {
            path: path.into(),
            file: Mutex::new(file),
            known: Mutex::new(known),
            queue: Mutex::default(),
            written: Condvar::new(),
        }
    }

    /// Opens a tape to look at, without changing a byte of it.
    pub fn read(path: &Path) -> Result<Tape, Fault> {
        let mut file = File::open(path).map_err(at("opening", path))?;
        check_head(&mut file, path)?;
        let tape = Tape::new(path, Some(file), Known::default());
        tape.refresh()?;
        Ok(tape)
    }

    /// A tape of what was read from elsewhere.
    pub fn of(calls: Vec<Call>, prompts: Vec<KeptPrompt>, setups: Vec<Setup>) -> Tape {
        let mut known = Known { setups, ..Known::default() };
        calls.into_iter().for_each(|call| known.take(TapeEntry::Call(Box::new(call))));
        prompts.into_iter().for_each(|prompt| known.take(TapeEntry::Prompt(prompt)));
        Tape::new(Path::new(""), None, known)
    }

    /// Empty for one that is of a run directory's tables.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads what was appended since, by this process or another.
    pub fn refresh(&self) -> Result<(), Fault> {
        match &mut *self.file.lock().expect("no panic while holding the file") {
            Some(file) => self.catch_up(file).map_err(at("reading", &self.path)),
            None => Ok(()),
        }
    }

    fn catch_up(&self, file: &mut File) -> std::io::Result<()> {
        let mut known = self.known.lock().expect("no panic while holding what is known");
        if file.metadata()?.len() <= known.read {
            return Ok(());
        }
        file.seek(SeekFrom::Start(known.read))?;
        // A piece at a time: a tape may be larger than memory has room for twice.
        let mut held: Vec<u8> = Vec::new();
        let mut piece = vec![0; 1 << 20];
        loop {
            let n = file.read(&mut piece)?;
            if n == 0 {
                return Ok(());
            }
            held.extend_from_slice(&piece[..n]);
            if let Some(last) = held.iter().rposition(|&byte| byte == b'\n') {
                known.take_lines(&held[..=last]);
                held.drain(..=last);
            }
        }
    }

    /// The call with this key; None where it was never made.
    pub fn call(&self, key: &str) -> Option<Arc<Call>> {
        self.known().calls.get(key).cloned()
    }

    /// The prompt with this hash; None where no call was made with it.
    pub fn prompt(&self, hash: &str) -> Option<Arc<Prompt>> {
        self.known().prompts.get(hash).cloned()
    }

    /// All setups, in the order in which they came.
    pub fn setups(&self) -> Vec<Setup> {
        self.known().setups.clone()
    }

    /// The setup of a model that was asked in this way before; the last where there are several.
    pub fn setup(&self, asked: &str) -> Option<Setup> {
        self.known().setups.iter().rev().find(|setup| setup.asked == asked).cloned()
    }

    /// All calls, by their keys.
    pub fn calls(&self) -> Vec<Arc<Call>> {
        let mut calls: Vec<Arc<Call>> = self.known().calls.values().cloned().collect();
        calls.sort_by(|a, b| a.key.cmp(&b.key));
        calls
    }

    /// All prompts, by their hashes.
    pub fn prompts(&self) -> Vec<KeptPrompt> {
        let known = self.known();
        let mut prompts: Vec<KeptPrompt> =
            known.prompts.iter().map(|(hash, prompt)| KeptPrompt { hash: hash.clone(), prompt: (**prompt).clone() }).collect();
        prompts.sort_by(|a, b| a.hash.cmp(&b.hash));
        prompts
    }

    /// Lines that could not be read.
    pub fn unread(&self) -> u64 {
        self.known().unread
    }

    /// How many calls are on it.
    pub fn len(&self) -> usize {
        self.known().calls.len()
    }

    /// Whether there are no calls; there may be setups.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().expect("no panic while holding what is known")
    }

    /// Keeps entries: when this returns, the disk has them.
    pub fn keep(&self, entries: &[TapeEntry]) -> Result<(), Fault> {
        let lines: Vec<u8> = entries.iter().flat_map(line).collect();
        let mut queue = self.queue.lock().expect("no panic while holding the queue");
        queue.lines.extend_from_slice(&lines);
        queue.entries.extend_from_slice(entries);
        let mine = queue.begun + 1;
        loop {
            if let Some(trouble) = &queue.failed {
                return Err(trouble.clone());
            }
            if queue.kept >= mine {
                return Ok(());
            }
            if queue.writing {
                queue = self.written.wait(queue).expect("no panic while holding the queue");
                continue;
            }
            queue.writing = true;
            queue.begun += 1;
            let lines = std::mem::take(&mut queue.lines);
            let entries = std::mem::take(&mut queue.entries);
            drop(queue);
            let written = self.append(&lines, entries);
            queue = self.queue.lock().expect("no panic while holding the queue");
            queue.writing = false;
            match written {
                Ok(()) => queue.kept = queue.begun,
                Err(error) => queue.failed = Some(at("writing", &self.path)(error)),
            }
            self.written.notify_all();
        }
    }

    fn append(&self, lines: &[u8], entries: Vec<TapeEntry>) -> std::io::Result<()> {
        let mut file = self.file.lock().expect("no panic while holding the file");
        let file = file.as_mut().ok_or_else(|| std::io::Error::other("this tape is only to be read"))?;
        file.lock()?;
        let write = |file: &mut File| -> std::io::Result<()> {
            self.catch_up(file)?;
            let len = file.metadata()?.len();
            // Half a line that a crash left behind is ended, so that it spoils no other.
            if len > 0 {
                file.seek(SeekFrom::Start(len - 1))?;
                let mut last = [0];
                file.read_exact(&mut last)?;
                if last != *b"\n" {
                    file.write_all(b"\n")?;
                }
            }
            file.write_all(lines)?;
            file.sync_data()?;
            // What others wrote before was read just now, so what is new is ours and need not be read.
            let mut known = self.known();
            entries.into_iter().for_each(|entry| known.take(entry));
            known.read = file.metadata()?.len();
            Ok(())
        };
        let written = write(file);
        file.unlock()?;
        written
    }
}

/// Writes a store anew without the answers of models whose identity begins as given: how many are left and gone, and
/// where the store is as it was.
pub fn prune(path: &Path, model: &str) -> Result<(u64, u64, PathBuf), Fault> {
    // Opened for appending, so that the lock of those who write is respected.
    let tape = Tape::open(path)?;
    let (kept, gone): (Vec<_>, Vec<_>) = tape.calls().into_iter().partition(|call| !call.model.starts_with(model));
    let ids: std::collections::BTreeSet<&str> = gone.iter().map(|call| call.model.as_str()).collect();
    if ids.len() > 1 {
        let ids: Vec<&str> = ids.into_iter().collect();
        return Err(Fault(format!("`{model}` begins the identities of several models; which? {}", ids.join(", "))));
    }
    if gone.is_empty() {
        return Ok((kept.len() as u64, 0, path.into()));
    }
    let name = path.file_name().map_or_else(|| "store".into(), |name| name.to_string_lossy().into_owned());
    let free = |i: &u32| !path.with_file_name(format!("{name}.before-{i}")).exists();
    let before = path.with_file_name(format!("{name}.before-{}", (1..).find(free).expect("numbers do not end")));
    let used: std::collections::HashSet<&str> = kept.iter().map(|call| call.prompt.as_str()).collect();
    let setups = tape.setups().into_iter().filter(|setup| !setup.id.starts_with(model)).map(TapeEntry::Setup);
    let prompts = tape.prompts().into_iter().filter(|prompt| used.contains(prompt.hash.as_str())).map(TapeEntry::Prompt);
    let calls = kept.iter().map(|call| TapeEntry::Call(Box::new((**call).clone())));
    let entries: Vec<TapeEntry> = setups.chain(prompts).chain(calls).collect();
    let file = tape.file.lock().expect("no panic while holding the file");
    let lock = file.as_ref().expect("it was opened");
    match lock.try_lock() {
        Ok(()) => (),
        Err(_) => return Err(Fault(format!("{} is being written by another process; wait for it", path.display()))),
    }
    std::fs::rename(path, &before).map_err(at("moving", path))?;
    let new = Tape::open(path)?;
    new.keep(&entries)?;
    Ok((kept.len() as u64, gone.len() as u64, before))
}

fn check_head(file: &mut File, path: &Path) -> Result<(), Fault> {
    let mut head = vec![0; HEAD.len() + 1];
    file.seek(SeekFrom::Start(0)).map_err(at("reading", path))?;
    let whole = file.read_exact(&mut head).is_ok();
    if whole && head == format!("{HEAD}\n").as_bytes() {
        return Ok(());
    }
    let found = String::from_utf8_lossy(&head).into_owned();
    let why = match found.strip_prefix("cratylus tape ") {
        Some(version) if whole => format!("its layout is version {}, and this program reads version 1", version.trim()),
        _ => "it is no store of answers; it would begin with `cratylus tape 1`".into(),
    };
    Err(Fault::new(format!("{}: {why}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(key: &str, text: &str) -> TapeEntry {
        TapeEntry::Call(Box::new(Call {
            key: key.into(),
            model: "m".into(),
            prompt: "p".into(),
            names: vec!["Q".into(), "M".into()],
            before: String::new(),
            draw: Some(u64::MAX),
            again: 0,
            sent: serde_json::json!({ "temperature": 0.1 }),
            answer: KeptAnswer::Text { text: text.into(), cut: false, instead: None },
            took: Took::default(),
        }))
    }

    fn file(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("cratylus-tape-{}-{name}", std::process::id()));
        let _ = std::fs::remove_file(&dir);
        dir
    }

    fn text(tape: &Tape, key: &str) -> Option<String> {
        match &tape.call(key)?.answer {
            KeptAnswer::Text { text, .. } => Some(text.clone()),
            _ => None,
        }
    }

    #[test]
    fn what_is_kept_is_there_again_and_the_first_answer_stands() {
        let path = file("again");
        let tape = Tape::open(&path).unwrap();
        tape.keep(&[call("a", "Q\n\u{1b}[31m")]).unwrap();
        let other = Tape::open(&path).unwrap();
        other.keep(&[call("a", "M"), call("b", "M")]).unwrap();
        assert_eq!(text(&tape, "b"), None, "not seen yet");
        tape.refresh().unwrap();
        for tape in [tape, other, Tape::open(&path).unwrap()] {
            assert_eq!((text(&tape, "a").as_deref(), text(&tape, "b").as_deref()), (Some("Q\n\u{1b}[31m"), Some("M")));
        }
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn half_a_line_costs_itself_and_nothing_else() {
        let path = file("half");
        Tape::open(&path).unwrap().keep(&[call("a", "Q"), call("b", "M")]).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for cut in (HEAD.len() + 1..whole.len()).step_by(7) {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let tape = Tape::open(&path).unwrap();
            tape.keep(&[call("c", "Q")]).unwrap();
            let again = Tape::open(&path).unwrap();
            assert_eq!(text(&again, "c").as_deref(), Some("Q"), "cut at {cut}");
            assert_eq!(again.unread() > 0, whole[cut - 1] != b'\n', "cut at {cut}");
        }
        // A flipped bit is found, too.
        let mut bytes = whole.clone();
        let place = whole.len() - 20;
        bytes[place] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        let tape = Tape::open(&path).unwrap();
        assert_eq!((tape.len(), tape.unread()), (1, 1));
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn many_threads_and_tapes_lose_nothing() {
        let path = file("many");
        std::thread::scope(|scope| {
            for p in 0..4 {
                let path = &path;
                scope.spawn(move || {
                    let tape = Tape::open(path).unwrap();
                    std::thread::scope(|scope| {
                        for thread in 0..4 {
                            let tape = &tape;
                            scope.spawn(move || {
                                for i in 0..25 {
                                    let key = format!("{p}-{thread}-{i}");
                                    tape.keep(&[call(&key, "Q")]).unwrap();
                                    assert!(tape.call(&key).is_some(), "kept is known");
                                }
                            });
                        }
                    });
                });
            }
        });
        let tape = Tape::open(&path).unwrap();
        assert_eq!((tape.len(), tape.unread()), (400, 0));
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn another_file_is_not_taken_for_a_tape() {
        let path = file("other");
        std::fs::write(&path, "cratylus tape 9\n").unwrap();
        assert!(Tape::open(&path).err().unwrap().0.contains("version 9"));
        std::fs::write(&path, "hello").unwrap();
        assert!(Tape::open(&path).err().unwrap().0.contains("no store of answers"));
        assert_eq!(std::fs::read(&path).unwrap(), b"hello", "it was left as it was");
        std::fs::remove_file(path).unwrap();
    }
}
