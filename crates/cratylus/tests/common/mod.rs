//! Running the program as a user would.

// Every test file takes what it needs of this.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_cratylus");

/// An empty folder of this test's own.
pub fn folder(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// Says past the test harness, which keeps what passing tests print to itself, that a test was skipped, and why.
pub fn skipped(why: &str) {
    use std::io::Write;
    std::io::stderr().write_all(format!("SKIPPED: {why}\n").as_bytes()).unwrap();
}

/// A path of the shared data, or None, visibly, where there is none.
pub fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(path);
    if !path.exists() {
        skipped(&format!("{} is not there", path.display()));
    }
    path.exists().then_some(path)
}

/// Runs the program in a folder.
pub fn cratylus(dir: &Path, args: &[&str]) -> Said {
    let Output { status, stdout, stderr } = {
        // What the person who runs the tests has set up is not what they test.
        let mut command = Command::new(PROGRAM);
        command.args(args).current_dir(dir).env_remove("CRATYLUS_ENDPOINT").output().unwrap()
    };
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: status.code(), out: text(stdout), err: text(stderr) }
}

/// Runs the program, which must succeed.
pub fn succeeds(dir: &Path, args: &[&str]) -> Said {
    let said = cratylus(dir, args);
    assert_eq!(said.code, Some(0), "cratylus {args:?}: {}{}", said.out, said.err);
    said
}

/// Starts the program in a folder, and does not wait for it.
pub fn start(dir: &Path, args: &[&str]) -> Child {
    Command::new(PROGRAM).args(args).current_dir(dir).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// An experiment of rule-followers that takes about a second, with every interaction recorded.
pub const COPIERS: &str = r#"# Copying with noise.
name = "copiers"
seed = 11
replicas = 40

[population]
size = 50

[game]
kind = "coordination"
names = ["Q", "M", "X"]

[agents]
mix = [
    { share = 0.7, kind = "majority-of-window" },
    { share = 0.3, kind = "uniform" },
]

[stop]
interactions = 4000

[sweep]
"game.memory" = [3, 5]
"#;
