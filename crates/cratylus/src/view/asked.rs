//! What is asked of the viewer, and how it answers.

use super::pieces::Pieces;
use crate::failure::Failure;
use axum::http::StatusCode;
use serde_json::Value;
use std::collections::BTreeMap;

/// What is answered.
pub enum Reply {
    Json(Value),
    Bytes(Vec<u8>),
    /// A file to keep: its name, its type, and what it holds, piece by piece.
    File {
        name: String,
        kind: &'static str,
        pieces: Pieces,
    },
}

/// Why there is no answer.
pub struct Wrong(pub StatusCode, pub String);

impl Wrong {
    pub fn asked(why: impl ToString) -> Wrong {
        Wrong(StatusCode::BAD_REQUEST, why.to_string())
    }

    pub fn missing(why: impl ToString) -> Wrong {
        Wrong(StatusCode::NOT_FOUND, why.to_string())
    }
}

impl From<cratylus_core::fault::Fault> for Wrong {
    fn from(trouble: cratylus_core::fault::Fault) -> Wrong {
        Wrong(StatusCode::UNPROCESSABLE_ENTITY, trouble.0)
    }
}

impl From<Failure> for Wrong {
    fn from(failure: Failure) -> Wrong {
        Wrong(StatusCode::UNPROCESSABLE_ENTITY, failure.message)
    }
}

/// The part of a query that says what is wanted.
pub struct Query(pub BTreeMap<String, String>);

impl Query {
    pub fn of(text: &str) -> Query {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        Query(
            pairs
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(key, value)| (decoded(key), decoded(value)))
                .collect(),
        )
    }

    pub fn text(&self, key: &str) -> &str {
        self.0.get(key).map_or("", String::as_str)
    }

    pub fn number<T: std::str::FromStr>(&self, key: &str, default: T) -> Result<T, Wrong> {
        match self.0.get(key).map(String::as_str) {
            None | Some("") => Ok(default),
            Some(text) => text.parse().map_err(|_| Wrong::asked(format!("`{key}` is a number, not `{text}`"))),
        }
    }
}

/// Percent-encoded text as it was; bytes that are no UTF-8 are replaced.
fn decoded(text: &str) -> String {
    let (bytes, mut out, mut i) = (text.as_bytes(), Vec::new(), 0);
    while i < bytes.len() {
        let hex = bytes.get(i + 1..i + 3).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match (bytes[i], hex) {
            (b'%', Some(byte)) => {
                out.push(byte);
                i += 2;
            }
            (b'+', _) => out.push(b' '),
            (byte, _) => out.push(byte),
        }
        i += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}
