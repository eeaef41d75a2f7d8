//! How a verb fails: with which exit code, and what is said.

use cratylus_core::fault::Fault;
use std::fmt;

/// How a verb failed: with which exit code, and what is said.
#[derive(Debug)]
pub struct Failure {
    /// The exit code: 1 for a run that failed, 2 for what the user can mend.
    pub code: u8,
    /// For the user: one line or more, the first beginning with `error: `.
    pub message: String,
}

impl Failure {
    /// The user can mend it: exit code 2.
    pub fn input(message: impl fmt::Display) -> Failure {
        Failure { code: 2, message: prefixed(message) }
    }

    /// The run failed: exit code 1.
    pub fn run(message: impl fmt::Display) -> Failure {
        Failure { code: 1, message: prefixed(message) }
    }

    /// The same with a way out.
    pub fn help(self, help: &str) -> Failure {
        Failure { message: format!("{}\n  help: {help}", self.message), ..self }
    }
}

fn prefixed(message: impl fmt::Display) -> String {
    let message = message.to_string();
    if message.starts_with("error: ") { message } else { format!("error: {message}") }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Failure {
        Failure::run(fault)
    }
}
