//! From next-token distributions to the probability of each name.
//!
//! A name may be one token or several, and may be spelled by different tokens ("Q", " Q"), so its probability is
//! that of all beginnings of an answer that spell it. The walk follows the beginnings of names, likely ones first,
//! and asks for the next token where a name is not complete yet. A name counts as said as soon as its letters are
//! there and no longer name of the pool can still come of them; what follows is not looked at.

use super::normal::composed;
use super::sampler::Sampler;
use serde::{Deserialize, Serialize};

/// A token that may come next.
#[derive(Clone, Debug, PartialEq)]
pub struct NextToken {
    /// Its number in the model's vocabulary, where that is known.
    pub id: Option<u32>,
    /// What it spells; not always whole characters.
    pub bytes: Vec<u8>,
    /// Natural logarithm, at temperature 1.
    pub logprob: f64,
}

/// What one next-token distribution says of the names: where its probability goes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SpellingStep {
    /// The probability of each name, in the order of the pool.
    pub names: Vec<f64>,
    /// Tokens with which a name may begin, and their probability: what is worth following.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub follow: Vec<Beginning>,
    /// Beginnings of names that are too unlikely to follow.
    pub unresolved: f64,
    /// What names and beginnings of their letters have together: the whole that a beginning's likelihood is a share of.
    #[serde(default)]
    pub about: f64,
    /// What the model gives to tokens that the server did not list, at temperature 1. It is nobody's.
    pub unlisted: f64,
}

/// A token with which a name may go on, and what it has so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Beginning {
    /// The token's number in the model's vocabulary, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u32>,
    /// What the token adds to the answer.
    pub text: String,
    /// The probability of the answer up to its end.
    pub p: f64,
}

/// What becomes of an answer that begins like this.
#[derive(Debug, PartialEq, Eq)]
enum Spelled {
    Name(usize),
    /// It can still become a name.
    Beginning,
    /// It is no name of the pool.
    Other,
}

/// The ways in which the names of a pool may be spelled in an answer that begins in a certain way: as they are written,
/// with composed letters, with an apostrophe as printers have it, and with the escapes of JSON and Python.
#[derive(Clone, Debug)]
pub struct Spellings {
    names: usize,
    /// A name's place, and a spelling of it.
    all: Vec<(usize, String)>,
}

impl Spellings {
    /// Of names in an answer that was made to begin like this.
    pub fn new(names: &[String], begun: &str) -> Spellings {
        let mut all: Vec<(usize, String)> = (0..).zip(names).map(|(place, name)| (place, in_format(name, begun))).collect();
        let mut more = Vec::new();
        for (place, name) in (0..).zip(names) {
            let whole = composed(name);
            let json = json_escaped(&whole);
            let ascii = json.encode_utf16().map(|unit| match u8::try_from(unit) {
                Ok(byte) if byte.is_ascii() => char::from(byte).to_string(),
                _ => format!("\\u{unit:04x}"),
            });
            let ascii: String = ascii.collect();
            let printed = whole.replace('\'', "\u{2019}");
            let escaped = whole.replace('\\', "\\\\").replace('\'', "\\'");
            more.extend([name.clone(), whole, json, ascii, printed, escaped].map(|spelling| (place, spelling)));
        }
        for (place, spelling) in more {
            // What another name is spelled like says nothing.
            if !all.iter().any(|(_, known)| *known == spelling) {
                all.push((place, spelling));
            }
        }
        Spellings { names: names.len(), all }
    }

    fn begun_by(&self, text: &[u8]) -> impl Iterator<Item = &(usize, String)> {
        self.all.iter().filter(move |(_, spelling)| spelling.as_bytes().starts_with(text))
    }

    /// Whether a name is one of those that a text, without the space before it, begins.
    pub fn begins(&self, place: usize, text: &str) -> bool {
        self.begun_by(text.trim_start().as_bytes()).any(|(name, _)| *name == place)
    }

    fn spelled(&self, text: &[u8]) -> Spelled {
        let text = text.trim_ascii_start();
        if text.is_empty() || self.begun_by(text).any(|(_, spelling)| spelling.len() > text.len()) {
            return Spelled::Beginning;
        }
        let said = self.all.iter().filter(|(_, spelling)| text.starts_with(spelling.as_bytes()));
        // What goes on with a letter or a digit is another word: `Quebec` is not `Q`.
        let goes_on = |spelling: &str| text.get(spelling.len()).is_some_and(|&byte| byte.is_ascii_alphanumeric() || byte >= 0x80);
        match said.max_by_key(|(_, spelling)| spelling.len()) {
            Some((place, spelling)) if !goes_on(spelling) => Spelled::Name(*place),
            _ => Spelled::Other,
        }
    }

    /// The one name that begins like this.
    fn only_one(&self, text: &[u8]) -> Option<usize> {
        let mut beginning = self.begun_by(text).map(|(place, _)| *place);
        let first = beginning.next()?;
        beginning.all(|place| place == first).then_some(first)
    }
}

/// A name as the format writes it in an answer that begins like this: with JSON's escapes after a double quote.
pub fn in_format(name: &str, begun: &str) -> String {
    if begun.ends_with('"') { json_escaped(name) } else { name.to_string() }
}

fn json_escaped(text: &str) -> String {
    let quoted = serde_json::to_string(text).expect("a name is text");
    quoted[1..quoted.len() - 1].to_string()
}

/// What is done with a token that begins a name and does not complete it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Beginnings {
    /// It is followed by another question, if it has at least this share of what names and their beginnings have in the
    /// first step (`about`; None in the first itself). White space alone, which may precede anything, must have it of
    /// everything.
    Follow {
        /// The share that it must have, from 0 to 1.
        resolution: f64,
        /// What that is a share of: a probability.
        about: Option<f64>,
    },
    /// It counts as the one name that it begins; where it begins several, it is nobody's.
    Count,
}

/// Reads one distribution after `before`, a beginning that has probability `p`.
pub fn step(
    names: &Spellings,
    before: &str,
    p: f64,
    tokens: &[NextToken],
    sampler: &Sampler,
    beginnings: Beginnings,
) -> SpellingStep {
    let logprobs: Vec<f64> = tokens.iter().map(|token| token.logprob).collect();
    let listed: f64 = logprobs.iter().map(|logprob| logprob.exp()).sum();
    let mut out = SpellingStep { names: vec![0.0; names.names], unlisted: (1.0 - listed).max(0.0), ..SpellingStep::default() };
    let mut open = Vec::new();
    for (token, share) in tokens.iter().zip(sampler.probabilities(&logprobs)) {
        let q = p * share;
        if q == 0.0 {
            continue;
        }
        let text = [before.as_bytes(), &token.bytes].concat();
        // A token without text ends the answer.
        let spelled = if token.bytes.is_empty() { Spelled::Other } else { names.spelled(&text) };
        let blank = text.trim_ascii_start().is_empty();
        if spelled != Spelled::Other && !blank {
            out.about += q;
        }
        open.push((token, q, text, blank, spelled));
    }
    for (token, q, text, blank, spelled) in open {
        let likely = |resolution: f64, about: Option<f64>| {
            let of = if blank { 1.0 } else { about.unwrap_or(out.about) };
            q >= resolution * of
        };
        match spelled {
            Spelled::Name(name) => out.names[name] += q,
            Spelled::Beginning => match (beginnings, std::str::from_utf8(&token.bytes)) {
                (Beginnings::Follow { resolution, about }, Ok(text)) if likely(resolution, about) => {
                    out.follow.push(Beginning { id: token.id, text: text.into(), p: q })
                }
                (Beginnings::Count, _) => match names.only_one(text.trim_ascii_start()) {
                    Some(name) => out.names[name] += q,
                    None => out.unresolved += q,
                },
                _ => out.unresolved += q,
            },
            Spelled::Other => (),
        }
    }
    out
}

/// The probability of each name, with what could not be resolved or was not listed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spelling {
    /// In the order of the pool.
    pub names: Vec<f64>,
    /// What was given up: beginnings too unlikely or too long.
    pub unresolved: f64,
    /// The most that any one distribution left unlisted.
    pub unlisted: f64,
    /// How many distributions it took.
    pub steps: u32,
}

/// Beginnings longer than this are given up.
const TOKENS_MAX: usize = 16;

/// Follows beginnings until every name is spelled out. `next` gives the step after a beginning (empty at first), which
/// has the probability that it is told; it is told, too, what names and their beginnings have in the first step.
pub fn walk<E>(
    names: usize,
    mut next: impl FnMut(&[Beginning], f64, Option<f64>) -> Result<SpellingStep, E>,
) -> Result<Spelling, E> {
    let mut about = None;
    let mut out = Spelling { names: vec![0.0; names], ..Spelling::default() };
    let mut open: Vec<(Vec<Beginning>, f64)> = vec![(Vec::new(), 1.0)];
    while let Some((before, p)) = open.pop() {
        if before.len() > TOKENS_MAX {
            out.unresolved += p;
            continue;
        }
        let step = next(&before, p, about)?;
        about = about.or(Some(step.about));
        out.steps += 1;
        out.names.iter_mut().zip(&step.names).for_each(|(sum, q)| *sum += q);
        out.unresolved += step.unresolved;
        out.unlisted = out.unlisted.max(step.unlisted);
        for beginning in step.follow {
            let (p, mut before) = (beginning.p, before.clone());
            before.push(beginning);
            open.push((before, p));
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Sampler = Sampler { temperature: 1.0, top_k: None, top_p: None, min_p: None, typical_p: None };

    fn token(text: &str, p: f64) -> NextToken {
        NextToken { id: None, bytes: text.as_bytes().to_vec(), logprob: p.ln() }
    }

    /// A model that is asked for names through tables of next tokens.
    fn spell(names: &[&str], table: &[(&str, &[(&str, f64)])]) -> Spelling {
        let names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
        walk(names.len(), |before, p, about| {
            let text: String = before.iter().map(|beginning| beginning.text.as_str()).collect();
            let (_, tokens) = table.iter().find(|(after, _)| *after == text).unwrap_or_else(|| panic!("nothing after {text:?}"));
            let tokens: Vec<NextToken> = tokens.iter().map(|(text, p)| token(text, *p)).collect();
            Ok::<_, ()>(step(
                &Spellings::new(&names, ""),
                &text,
                p,
                &tokens,
                &PLAIN,
                Beginnings::Follow { resolution: 0.01, about },
            ))
        })
        .unwrap()
    }

    #[test]
    fn all_spellings_of_a_name_are_summed() {
        let got = spell(&["Q", "M"], &[("", &[("Q", 0.5), (" Q", 0.1), ("Q'", 0.1), ("M", 0.2), ("Quebec", 0.05), ("I", 0.05)])]);
        assert!((got.names[0] - 0.7).abs() < 1e-12 && (got.names[1] - 0.2).abs() < 1e-12, "{got:?}");
        assert_eq!((got.steps, got.unresolved), (1, 0.0));
    }

    #[test]
    fn names_of_several_tokens_are_followed() {
        let first: &[(&str, f64)] = &[("Al", 0.5), ("Alice", 0.2), ("Bo", 0.2), ("A", 0.005), (" ", 0.095)];
        let got = spell(
            &["Alice", "Bob"],
            &[("", first), ("Al", &[("ice", 0.9), ("bert", 0.1)]), ("Bo", &[("b", 1.0)]), (" ", &[("Bob", 0.5), ("!", 0.5)])],
        );
        assert!((got.names[0] - 0.65).abs() < 1e-12 && (got.names[1] - 0.2475).abs() < 1e-12, "{got:?}");
        assert!((got.unresolved - 0.005).abs() < 1e-12, "a beginning of one in 180 is not followed");
        assert_eq!(got.steps, 4);
    }

    #[test]
    fn a_name_of_several_tokens_is_followed_however_little_the_names_have() {
        let first: &[(&str, f64)] = &[("no", 1e-6), ("ye", 2e-6), ("y", 1e-9), (" ", 1e-3), ("x", 0.998_996_999)];
        let got = spell(&["yes", "no"], &[("", first), ("ye", &[("s", 0.5), ("t", 0.5)])]);
        assert!((got.names[0] - 1e-6).abs() < 1e-12 && (got.names[1] - 1e-6).abs() < 1e-12, "{got:?}");
    }

    #[test]
    fn first_tokens_count_for_the_one_name_that_they_begin() {
        let names = ["Alice", "Albert", "Bob"].map(String::from);
        let tokens = [token("Al", 0.5), token("Ali", 0.2), token("B", 0.2), token("C", 0.1)];
        let got = step(&Spellings::new(&names, ""), "", 1.0, &tokens, &PLAIN, Beginnings::Count);
        assert!((got.names[0] - 0.2).abs() < 1e-12 && got.names[1] == 0.0 && (got.names[2] - 0.2).abs() < 1e-12, "{got:?}");
        assert!((got.unresolved - 0.5).abs() < 1e-12 && got.follow.is_empty());
    }

    #[test]
    fn names_are_looked_for_as_the_format_writes_them() {
        let names = ["say \"hi\"", "O'Brien", "Zoe\u{308}"].map(String::from);
        let tokens = [token("say \\\"hi\\\"", 0.2), token("O'Brien", 0.1), token("O\u{2019}Brien", 0.1), token("O\\'Brien", 0.1)];
        let more = [token("Zo\u{eb}", 0.3), token("Zo\\u00eb", 0.1), token("say \\\"", 0.1)];
        let all = [&tokens[..], &more[..]].concat();
        let got = step(&Spellings::new(&names, "{\"value\": \""), "", 1.0, &all, &PLAIN, Beginnings::Count);
        assert!(got.names.iter().zip([0.3, 0.3, 0.4]).all(|(p, due)| (p - due).abs() < 1e-12), "{got:?}");
        assert_eq!([in_format("a\"b", "{\"value\": \""), in_format("a\"b", "{'value': '")], ["a\\\"b", "a\"b"]);
        // Two names are told apart where one is spelled as the other would be escaped.
        let odd = ["a\\b", "a\\\\b"].map(String::from);
        let got =
            step(&Spellings::new(&odd, ""), "", 1.0, &[token("a\\b", 0.4), token("a\\\\b", 0.6)], &PLAIN, Beginnings::Count);
        assert!((got.names[0] - 0.4).abs() < 1e-12 && (got.names[1] - 0.6).abs() < 1e-12, "{got:?}");
    }

    #[test]
    fn a_name_that_begins_another_waits_for_what_follows() {
        let got = spell(&["M", "Mx"], &[("", &[("M", 1.0)]), ("M", &[("x", 0.25), ("'", 0.5), ("y", 0.25)])]);
        assert!((got.names[0] - 0.5).abs() < 1e-12 && (got.names[1] - 0.25).abs() < 1e-12, "{got:?}");
    }
}
