//! How a name is read from an answer in words. Reading is strict: an answer counts only if it says exactly one
//! name of the pool in the place where the protocol asks for it. Nothing is guessed, corrected or completed; an
//! answer that cannot be read is asked for again, and counted.

use crate::Name;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the name is looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Read {
    /// After the first key `value`, in quotes or bare: `{'value': 'Q'; …}`. An answer without that key counts if
    /// exactly one name of the pool stands in quotes.
    #[default]
    Value,
    /// The whole answer is the name, but for spaces, quotes, emphasis and a full stop around it.
    Word,
    /// Exactly one name of the pool is mentioned, as a word, anywhere.
    Mention,
}

/// Why an answer was unusable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unusable {
    /// Nothing but white space.
    Empty,
    /// It names none of the options: a refusal, prose, another word, another script.
    NoName,
    /// It names more than one of them where one was asked for.
    SeveralNames,
    /// It ended before the name did.
    CutShort,
}

/// Reads an answer. `cut` says that the model was stopped by its limit of tokens.
pub fn read(how: Read, names: &[String], answer: &str, cut: bool) -> Result<Name, Unusable> {
    if answer.trim().is_empty() {
        return Err(if cut { Unusable::CutShort } else { Unusable::Empty });
    }
    match how {
        Read::Value => match value(answer) {
            Some(Value::Whole(word)) => known(names, &word),
            Some(Value::Open(word)) if !cut => known(names, &word),
            Some(Value::Open(_)) => Err(Unusable::CutShort),
            None => {
                one(names, quoted(answer)).map_err(|why| if cut && why == Unusable::NoName { Unusable::CutShort } else { why })
            }
        },
        // A word that the limit cut off may be the beginning of a longer one.
        Read::Word if cut && bare(answer).ends_with(char::is_alphanumeric) && answer.ends_with(char::is_alphanumeric) => {
            match known(names, bare(answer)) {
                Ok(name) if names.iter().all(|other| !begins(other, &names[name as usize])) => Ok(name),
                _ => Err(Unusable::CutShort),
            }
        }
        Read::Word => known(names, bare(answer)),
        Read::Mention => one(names, mentioned(names, answer)),
    }
}

fn begins(longer: &str, shorter: &str) -> bool {
    longer.len() > shorter.len() && longer.starts_with(shorter)
}

/// The name that a word is: as written, or in other case where that leaves no doubt.
fn known(names: &[String], word: &str) -> Result<Name, Unusable> {
    let word = bare(word);
    if let Some(place) = names.iter().position(|name| name == word) {
        return Ok(place as Name);
    }
    let folded = word.to_lowercase();
    let mut alike = (0..names.len()).filter(|&i| names[i].to_lowercase() == folded);
    match (alike.next(), alike.next()) {
        (Some(place), None) => Ok(place as Name),
        (Some(_), Some(_)) => Err(Unusable::SeveralNames),
        _ => Err(Unusable::NoName),
    }
}

/// The one name among words, however often it occurs.
fn one<'a>(names: &[String], words: impl IntoIterator<Item = &'a str>) -> Result<Name, Unusable> {
    let mut found = None;
    for name in words.into_iter().filter_map(|word| known(names, word).ok()) {
        if found.is_some_and(|found| found != name) {
            return Err(Unusable::SeveralNames);
        }
        found = Some(name);
    }
    found.ok_or(Unusable::NoName)
}

const QUOTES: [(char, char); 6] = [('\'', '\''), ('"', '"'), ('`', '`'), ('“', '”'), ('‘', '’'), ('«', '»')];

fn is_quote(c: char) -> bool {
    QUOTES.iter().any(|&(open, close)| c == open || c == close)
}

/// A word without the spaces, quotes, emphasis and full stop around it.
fn bare(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || is_quote(c) || matches!(c, '*' | '_' | '.'))
}

enum Value {
    Whole(String),
    /// Nothing ended it before the answer ended.
    Open(String),
}

/// What stands after the first key `value`.
fn value(answer: &str) -> Option<Value> {
    let key = |at: usize| {
        let before = answer[..at].chars().next_back();
        let rest = answer[at + "value".len()..].trim_start_matches(is_quote).trim_start();
        (before.is_none_or(|c| !c.is_alphanumeric())).then(|| rest.strip_prefix(':').or(rest.strip_prefix('='))).flatten()
    };
    let lower = answer.to_ascii_lowercase();
    let rest = lower.match_indices("value").find_map(|(at, _)| key(at))?.trim_start();
    let mut chars = rest.chars();
    let first = chars.next()?;
    if let Some((_, close)) = QUOTES.iter().find(|(open, _)| *open == first) {
        let inner = chars.as_str();
        return Some(match inner.find(*close) {
            Some(end) => Value::Whole(inner[..end].into()),
            None => Value::Open(inner.into()),
        });
    }
    let end = rest.find([';', ',', '}', ')', '\n']);
    Some(end.map_or_else(|| Value::Open(rest.into()), |end| Value::Whole(rest[..end].into())))
}

/// What stands in quotes, at most 100 characters each.
fn quoted(answer: &str) -> Vec<&str> {
    let mut out = Vec::new();
    for (at, open) in answer.char_indices() {
        let Some((_, close)) = QUOTES.iter().find(|(quote, _)| *quote == open) else { continue };
        let inner = &answer[at + open.len_utf8()..];
        if let Some(end) = inner.find(*close)
            && end <= 400
        {
            out.push(&inner[..end]);
        }
    }
    out
}

/// The names that occur as words, each as often as it does.
fn mentioned<'a>(names: &'a [String], answer: &str) -> Vec<&'a str> {
    let is_part = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let occurs = |name: &&String| {
        answer
            .match_indices(name.as_str())
            .any(|(at, _)| !is_part(answer[..at].chars().next_back()) && !is_part(answer[at + name.len()..].chars().next()))
    };
    names.iter().filter(occurs).map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `|` at the end of an answer says that its limit of tokens cut it short.
    fn check(how: Read, answers: &[(&str, Result<&str, Unusable>)]) {
        let names: Vec<String> = ["Q", "M", "Alice", "Al"].map(String::from).into();
        for (answer, expected) in answers {
            let (text, cut) = answer.strip_suffix('|').map_or((*answer, false), |text| (text, true));
            let got = read(how, &names, text, cut).map(|name| names[name as usize].as_str());
            assert_eq!(got, *expected, "{how:?} of {answer:?}");
        }
    }

    use Unusable::*;

    #[test]
    fn a_value_is_read_where_the_protocol_asks_for_it() {
        check(
            Read::Value,
            &[
                ("{'value': 'Q'; 'reason': 'it worked'}", Ok("Q")),
                ("{'value': 'Q'; 'reason': 'M did not work, so 'Q'", Ok("Q")),
                ("{\"value\": \"M\", \"reason\": \"Q failed\"}", Ok("M")),
                ("{'value': Q; 'reason': …}", Ok("Q")),
                ("{ 'Value' : 'q' }", Ok("Q")),
                ("value: M\nreason: …", Ok("M")),
                ("```json\n{\"value\": \"Alice\"}\n```", Ok("Alice")),
                ("{'value': ' Q '}", Ok("Q")),
                ("{'value': '**Q**'}", Ok("Q")),
                ("{‘value’: ‘M’}", Ok("M")),
                ("{'value': 'Q' or 'M'}", Ok("Q")),
                ("{'value': 'Q or M'}", Err(NoName)),
                ("{'value': 'Quebec'}", Err(NoName)),
                ("{'value': ''}", Err(NoName)),
                ("{'value': 'Q|", Err(CutShort)),
                ("{'value': 'Q", Ok("Q")),
                ("{'value': |", Err(CutShort)),
                ("{'value|", Err(CutShort)),
                ("I choose 'Q'.", Ok("Q")),
                ("My choice is \"M\" because \"M\" worked", Ok("M")),
                ("Either 'Q' or 'M' would do", Err(SeveralNames)),
                ("I choose Q", Err(NoName)),
                ("I'm sorry, but I can't take part in this game.", Err(NoName)),
                ("Let me think step by step. Player 2 chose M in|", Err(CutShort)),
                ("", Err(Empty)),
                (" \n", Err(Empty)),
                ("|", Err(CutShort)),
                ("{'value': 'М'}", Err(NoName)),
                ("{'value': 'Ｑ'}", Err(NoName)),
                ("选择 'Q'", Ok("Q")),
                ("{'evaluate': 'M'; 'value': 'Q'}", Ok("Q")),
            ],
        );
    }

    #[test]
    fn a_word_is_the_whole_answer() {
        check(
            Read::Word,
            &[
                ("Q", Ok("Q")),
                (" \"Q\".\n", Ok("Q")),
                ("**M**", Ok("M")),
                ("q", Ok("Q")),
                ("AL", Ok("Al")),
                ("Q|", Ok("Q")),
                ("Al|", Err(CutShort)),
                ("Ali|", Err(CutShort)),
                ("I choose Q", Err(NoName)),
                ("Q or M", Err(NoName)),
                ("Q, M", Err(NoName)),
                ("", Err(Empty)),
                ("\u{1b}[31mQ", Err(NoName)),
            ],
        );
    }

    #[test]
    fn a_mention_counts_if_there_is_one() {
        check(
            Read::Mention,
            &[
                ("I choose Q!", Ok("Q")),
                ("Q. Yes, Q.", Ok("Q")),
                ("Alice it is", Ok("Alice")),
                ("Q rather than M", Err(SeveralNames)),
                ("Quebec", Err(NoName)),
                ("no", Err(NoName)),
            ],
        );
    }

    #[test]
    fn names_that_differ_in_case_alone_are_told_apart() {
        let names = ["a".to_string(), "A".to_string()];
        assert_eq!(read(Read::Word, &names, "A", false), Ok(1));
        assert_eq!(read(Read::Word, &["ab".into(), "aB".into()], "AB", false), Err(SeveralNames));
    }
}
