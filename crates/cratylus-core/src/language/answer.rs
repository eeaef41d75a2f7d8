//! How a name is read from an answer in words, in three stages. What was thought is cut off (`thinking.rs`). What the
//! protocol asks for is read as the format that it is: JSON as JSON, quoted values with their quotes. Where that is not
//! there, a name may still be plain to see; such fallbacks are counted, and a protocol may forbid them. An answer counts
//! only if it says exactly one name of the pool: nothing is guessed, corrected or completed, and one that cannot be read
//! is asked for again, and counted.

use super::normal::normal;
use super::thinking::spoken;
use crate::Name;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the name is looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Read {
    /// After the first key `value`, in quotes or bare: `{'value': 'Q'; …}`, or in JSON. An answer without that key counts
    /// if exactly one name of the pool stands in quotes, which is a fallback.
    #[default]
    Value,
    /// The whole answer is the name, but for spaces, quotes, emphasis and a full stop around it.
    Word,
    /// Exactly one name of the pool is mentioned, as a word, anywhere.
    Mention,
}

/// What came in place of an answer, as the server says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Instead {
    /// Reasoning in a field of its own, and no words.
    Reasoning,
    /// A filter kept it back.
    Filter,
    /// A call of a tool.
    Tool,
    /// A refusal in a field of its own.
    Refusal,
}

/// Why an answer was unusable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unusable {
    /// Nothing but white space.
    Empty,
    /// It names none of the options: a refusal, prose, another word, another script.
    NoName,
    /// It names more than one of them where one was asked for.
    SeveralNames,
    /// It ended before the name did, or within a thought.
    CutShort,
    /// It says a name, but not in the format asked for, and the protocol is strict.
    OutOfFormat,
    /// It is empty: the model reasoned in a field of its own.
    ReasonedApart,
    /// It was kept back by a filter.
    Filtered,
    /// It is a call of a tool.
    CalledTool,
    /// It was refused in a field of its own.
    Refused,
}

impl Unusable {
    /// In words that go on from "answers that".
    pub fn words(self) -> &'static str {
        match self {
            Unusable::Empty => "are empty",
            Unusable::NoName => "say no name of the pool",
            Unusable::SeveralNames => "say several names",
            Unusable::CutShort => "were cut short by the limit of tokens",
            Unusable::OutOfFormat => "say a name outside the format asked for",
            Unusable::ReasonedApart => "came empty, as the model reasoned in a field of its own",
            Unusable::Filtered => "were kept back by the server's filter",
            Unusable::CalledTool => "hold a call of a tool and no text",
            Unusable::Refused => "were refused by the model",
        }
    }

    /// What to change, where it is a matter of how the model is asked.
    pub fn help(self) -> Option<&'static str> {
        match self {
            Unusable::CutShort => Some(
                "raise `answer.max_tokens` of the protocol, or switch the model's thinking off (docs/live-models.md, reasoning models)",
            ),
            Unusable::ReasonedApart => Some(
                "raise `answer.max_tokens` of the protocol so that the answer comes after the reasoning, or switch reasoning off at the server, such as extra = { chat_template_kwargs = { enable_thinking = false } } or extra = { reasoning_effort = \"none\" }",
            ),
            Unusable::CalledTool => Some(
                "no tools are offered to the model, so the server brings them: start it without tools, or send extra = { tool_choice = \"none\" }",
            ),
            Unusable::Filtered => Some("the service's content filter is to be changed, or the protocol's words"),
            Unusable::Empty => Some("the server may stop at once: look at its stop words and its chat template"),
            Unusable::OutOfFormat => Some("leave `answer.strict` out of the protocol, or tell the format in clearer words"),
            Unusable::NoName | Unusable::SeveralNames | Unusable::Refused => None,
        }
    }
}

/// An answer in words, as it came.
#[derive(Clone, Copy, Debug, Default)]
pub struct AnswerWords<'a> {
    /// The text.
    pub text: &'a str,
    /// Whether the limit of tokens cut it short.
    pub cut: bool,
    /// What came in its place.
    pub instead: Option<Instead>,
}

/// By which stage a name was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadBy {
    /// In the format that the protocol asks for.
    Format,
    /// Otherwise.
    Fallback,
}

/// An answer that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The name, or why there is none.
    pub name: Result<Name, Unusable>,
    /// Whether it was read by a fallback.
    pub fallback: bool,
    /// Whether a thought was cut off.
    pub thought: bool,
}

/// Reads an answer that began with `begun`, a prefill, where it did. `strict` allows no fallback.
pub fn hear(how: Read, strict: bool, names: &[String], begun: &str, words: AnswerWords<'_>) -> Heard {
    let said = spoken(words.text);
    let unusable = |why| Heard { name: Err(why), fallback: false, thought: said.thought };
    if said.open {
        return unusable(Unusable::CutShort);
    }
    let pool = Pool::new(names);
    let blank = said.text.trim().is_empty();
    match words.instead {
        Some(Instead::Refusal) => return unusable(Unusable::Refused),
        Some(Instead::Tool) if blank => return unusable(Unusable::CalledTool),
        Some(Instead::Filter) if blank => return unusable(Unusable::Filtered),
        Some(Instead::Reasoning) if blank => return unusable(Unusable::ReasonedApart),
        _ if blank => return unusable(if words.cut { Unusable::CutShort } else { Unusable::Empty }),
        _ => (),
    }
    // Some servers give the beginning back with the answer, others only what follows; and who thought first may have begun
    // anew.
    let anew = said.text.starts_with(begun)
        || (said.thought && matches!(pool.read(how, &said.text, words.cut), Ok((_, ReadBy::Format))));
    let whole = if anew { said.text.clone() } else { format!("{begun}{}", said.text) };
    match pool.read(how, &whole, words.cut) {
        Ok((_, ReadBy::Fallback)) if strict => unusable(Unusable::OutOfFormat),
        Ok((name, by)) => Heard { name: Ok(name), fallback: by == ReadBy::Fallback, thought: said.thought },
        Err(why) => unusable(why),
    }
}

type Found = Result<(Name, ReadBy), Unusable>;

/// The names in the forms in which words are compared with them.
struct Pool {
    /// As written, without what is around them, and without case.
    forms: Vec<[String; 3]>,
}

impl Pool {
    fn new(names: &[String]) -> Pool {
        Pool { forms: names.iter().map(|name| forms(name)).collect() }
    }

    /// The name that a word is: as written, or without quotes around it or in other case where that leaves no doubt.
    fn known(&self, word: &str) -> Result<Name, Unusable> {
        let word = forms(word);
        for (form, word) in word.iter().enumerate().filter(|(_, word)| !word.is_empty()) {
            let mut alike = (0..self.forms.len()).filter(|&i| self.forms[i][form] == *word);
            match (alike.next(), alike.next()) {
                (Some(place), None) => return Ok(place as Name),
                (Some(_), Some(_)) => return Err(Unusable::SeveralNames),
                _ => (),
            }
        }
        Err(Unusable::NoName)
    }

    /// Whether a text may be the beginning of a longer name.
    fn begins(&self, text: &str) -> bool {
        let text = normal(text).to_lowercase();
        self.forms.iter().any(|forms| {
            let name = forms[0].to_lowercase();
            name.len() > text.len() && name.starts_with(&text)
        })
    }

    fn read(&self, how: Read, text: &str, cut: bool) -> Found {
        match how {
            Read::Value => self.value(text, cut),
            Read::Word => self.word(text, cut),
            Read::Mention => self.mention(text).map(|name| (name, ReadBy::Format)),
        }
    }

    fn word(&self, text: &str, cut: bool) -> Found {
        // A word that the limit cut off may be the beginning of a longer one.
        if cut && text.ends_with(char::is_alphanumeric) {
            return match self.known(text) {
                Ok(name) if !self.begins(bare(text)) => Ok((name, ReadBy::Format)),
                _ => Err(Unusable::CutShort),
            };
        }
        let text = fenced(text).unwrap_or(text).trim();
        let literal = || serde_json::from_str::<String>(text).ok();
        match self.known(text).or_else(|why| literal().map_or(Err(why), |word| self.known(&word))) {
            Ok(name) => Ok((name, ReadBy::Format)),
            Err(why) => match unwrapped(text).map(|word| self.known(word)).or_else(|| Some(self.object(text)?.1)) {
                Some(Ok(name)) => Ok((name, ReadBy::Fallback)),
                _ => Err(why),
            },
        }
    }

    /// What the first JSON object with a key `value` says, and where it begins.
    fn object(&self, text: &str) -> Option<(usize, Result<Name, Unusable>)> {
        let object = |at: usize| {
            let mut values =
                serde_json::Deserializer::from_str(&text[at..]).into_iter::<serde_json::Map<String, serde_json::Value>>();
            let (_, value) = values.next()?.ok()?.into_iter().find(|(key, _)| key.trim().eq_ignore_ascii_case("value"))?;
            Some((
                at,
                match value {
                    serde_json::Value::String(word) => self.known(&word),
                    serde_json::Value::Number(number) => self.known(&number.to_string()),
                    serde_json::Value::Bool(yes) => self.known(&yes.to_string()),
                    _ => Err(Unusable::NoName),
                },
            ))
        };
        text.match_indices('{').take(OBJECTS).find_map(|(at, _)| object(at))
    }

    fn value(&self, text: &str, cut: bool) -> Found {
        let keys = keys(text);
        let object = self.object(text);
        // The first of them is the answer; what comes after is what the model makes of it.
        let first = keys.iter().find(|key| key.quoted).or(keys.first());
        if let Some((at, name)) = object
            && first.is_none_or(|first| first.at > at)
        {
            return name.map(|name| (name, ReadBy::Format));
        }
        if let Some(key) = first {
            let (name, by) = self.after_key(&text[key.end..], cut)?;
            return Ok((name, if key.quoted { by } else { ReadBy::Fallback }));
        }
        // JSON within JSON.
        if text.contains("\\\"") {
            let plain = unescaped(text);
            if plain != text && !self::keys(&plain).is_empty() {
                return self.value(&plain, cut).map(|(name, _)| (name, ReadBy::Fallback));
            }
        }
        match self.quoted(text) {
            Err(Unusable::NoName) if cut => Err(Unusable::CutShort),
            found => found.map(|name| (name, ReadBy::Fallback)),
        }
    }

    /// What stands after the key `value` and its colon.
    fn after_key(&self, rest: &str, cut: bool) -> Found {
        let rest = rest.trim_start();
        let Some(open) = rest.chars().next() else { return Err(if cut { Unusable::CutShort } else { Unusable::NoName }) };
        match QUOTES.iter().find(|(quote, _)| *quote == open) {
            Some(&(_, close)) => self.in_quotes(rest, open, close, cut),
            None => self.bare(rest, cut),
        }
    }

    fn in_quotes(&self, rest: &str, open: char, close: char, cut: bool) -> Found {
        let inner = &rest[open.len_utf8()..];
        if open == '"' {
            let mut literal = serde_json::Deserializer::from_str(rest).into_iter::<String>();
            if let Some(Ok(word)) = literal.next()
                && ends_value(&rest[literal.byte_offset()..])
                && let Ok(name) = self.known(&word)
            {
                return Ok((name, ReadBy::Format));
            }
        }
        // A name may hold the quotes that end it, so every end is tried, and the longest name counts.
        let ends: Vec<usize> = self.ends(inner, |c| c == close);
        let mut found = None;
        for &end in &ends {
            let after = &inner[end + close.len_utf8()..];
            if !ends_value(after) {
                continue;
            }
            if cut && after.trim().is_empty() && self.begins(inner) {
                return Err(Unusable::CutShort);
            }
            let word = &inner[..end];
            if let Ok(name) = self.known(word).or_else(|_| self.known(&unescaped(word))) {
                found = Some(name);
            }
        }
        if let Some(name) = found {
            return Ok((name, ReadBy::Format));
        }
        // An apostrophe within a word ends nothing, and neither does an escaped quote.
        let escaped = |end: usize| inner[..end].len() - inner[..end].trim_end_matches('\\').len();
        let closes =
            |&&end: &&usize| escaped(end) % 2 == 0 && !inner[end + close.len_utf8()..].starts_with(char::is_alphanumeric);
        match ends.iter().find(closes) {
            _ if cut && self.begins(inner) => Err(Unusable::CutShort),
            Some(&end) => self.known(&inner[..end]).map(|name| (name, ReadBy::Fallback)),
            None if cut => Err(Unusable::CutShort),
            // The model ended where the name did.
            None => self.known(inner).or_else(|_| self.known(&unescaped(inner))).map(|name| (name, ReadBy::Format)),
        }
    }

    fn bare(&self, rest: &str, cut: bool) -> Found {
        let mut ends = self.ends(rest, |c| matches!(c, ';' | ',' | '}' | ')' | '\n'));
        if ends.is_empty() && cut {
            return Err(Unusable::CutShort);
        }
        if !cut {
            ends.push(rest.len());
        }
        let name = ends.iter().rev().find_map(|&end| self.known(&rest[..end]).ok());
        name.map(|name| (name, ReadBy::Format)).ok_or(Unusable::NoName)
    }

    /// Where a name that a text begins with may end: at these characters, no further than the longest name could be.
    fn ends(&self, text: &str, at: impl Fn(char) -> bool) -> Vec<usize> {
        let longest = self.forms.iter().map(|forms| forms[0].chars().count()).max().unwrap_or(0);
        // Escapes take up to twelve characters for one; quotes and spaces may be around.
        text.char_indices().take(12 * longest + 40).filter(|&(_, c)| at(c)).map(|(end, _)| end).collect()
    }

    /// The one name that stands in quotes, however often.
    fn quoted(&self, text: &str) -> Result<Name, Unusable> {
        let mut found = None;
        let mut from = 0;
        for (at, open) in text.char_indices() {
            let Some(&(_, close)) = QUOTES.iter().find(|(quote, _)| *quote == open).filter(|_| at >= from) else { continue };
            let inner = &text[at + open.len_utf8()..];
            let longest =
                self.ends(inner, |c| c == close).into_iter().rev().find_map(|end| Some((end, self.known(&inner[..end]).ok()?)));
            let Some((end, name)) = longest else { continue };
            if found.is_some_and(|found| found != name) {
                return Err(Unusable::SeveralNames);
            }
            found = Some(name);
            from = at + open.len_utf8() + end + close.len_utf8();
        }
        found.ok_or(Unusable::NoName)
    }

    /// The one name that occurs as a word. A name within a longer one is not meant.
    fn mention(&self, text: &str) -> Result<Name, Unusable> {
        let text = normal(text);
        let mut taken = vec![false; text.len()];
        let mut names: Vec<usize> = (0..self.forms.len()).filter(|&i| !self.forms[i][0].is_empty()).collect();
        names.sort_by_key(|&i| std::cmp::Reverse(self.forms[i][0].len()));
        let mut found = Vec::new();
        for i in names {
            let name = &self.forms[i][0];
            for (at, _) in text.match_indices(name.as_str()) {
                let place = at..at + name.len();
                let (before, after) = (text[..at].chars().next_back(), text[place.end..].chars().next());
                let goes_on =
                    |inside: Option<char>, outside: Option<char>| inside.is_some_and(joins) && outside.is_some_and(joins);
                if goes_on(name.chars().next(), before)
                    || goes_on(name.chars().next_back(), after)
                    || taken[place.clone()].contains(&true)
                {
                    continue;
                }
                taken[place].fill(true);
                found.push(i);
            }
        }
        found.dedup();
        match found[..] {
            [] => Err(Unusable::NoName),
            [one] => Ok(one as Name),
            _ => Err(Unusable::SeveralNames),
        }
    }
}

/// How many openings of a JSON object are tried.
const OBJECTS: usize = 64;

fn forms(word: &str) -> [String; 3] {
    let whole = normal(word);
    let without = normal(bare(&whole));
    let folded = without.to_lowercase();
    [whole, without, folded]
}

/// Whether a character makes one word with its neighbour. Scripts that put no spaces between words do not.
fn joins(c: char) -> bool {
    let unspaced = matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}');
    c.is_alphanumeric() && !unspaced
}

const QUOTES: [(char, char); 8] =
    [('\'', '\''), ('"', '"'), ('`', '`'), ('“', '”'), ('‘', '’'), ('«', '»'), ('「', '」'), ('„', '“')];

fn is_quote(c: char) -> bool {
    QUOTES.iter().any(|&(open, close)| c == open || c == close)
}

/// A word without the spaces, quotes, emphasis and full stop around it.
fn bare(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || is_quote(c) || matches!(c, '*' | '_' | '.' | '。'))
}

/// Whether what follows a closing quote says that it closed the value.
fn ends_value(after: &str) -> bool {
    let after = after.trim_start_matches([' ', '\t']);
    after.chars().next().is_none_or(|c| is_quote(c) || matches!(c, ';' | ',' | '}' | ')' | ']' | '.' | '\n' | '\r' | '*' | '<'))
}

/// A key `value` with its colon.
struct Key {
    at: usize,
    end: usize,
    quoted: bool,
}

fn keys(text: &str) -> Vec<Key> {
    const VALUE: &str = "value";
    let lower = text.to_ascii_lowercase();
    let key = |at: usize| {
        let (before, after) = (text[..at].chars().next_back(), &text[at + VALUE.len()..]);
        if before.is_some_and(char::is_alphanumeric) {
            return None;
        }
        let quoted = before.is_some_and(is_quote) && after.starts_with(is_quote);
        let rest = after.trim_start_matches(|c: char| is_quote(c) || matches!(c, '*' | '_')).trim_start();
        let rest = rest.strip_prefix([':', '=', '：'])?;
        Some(Key { at, end: text.len() - rest.len(), quoted })
    };
    lower.match_indices(VALUE).filter_map(|(at, _)| key(at)).collect()
}

/// What stands between fences of code.
fn fenced(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix("```")?.strip_suffix("```")?;
    Some(match inner.split_once('\n') {
        // The first line names a language.
        Some((language, rest)) if language.chars().all(char::is_alphanumeric) => rest,
        _ => inner,
    })
}

/// What stands in a tag or a box that is the whole answer: `<answer>Q</answer>`, `\boxed{Q}`.
fn unwrapped(text: &str) -> Option<&str> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '$' | '.'));
    for begin in ["\\boxed{\\text{", "\\boxed{"] {
        if let Some(inner) = text.strip_prefix(begin) {
            return Some(inner.trim_end_matches('}'));
        }
    }
    let (tag, rest) = text.strip_prefix('<')?.split_once('>')?;
    rest.strip_suffix(&format!("</{tag}>"))
}

/// A text with its escapes read as in JSON and Python; what is no escape stays.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let code = |letter: char, digits: usize| -> Option<u32> {
            let hex = rest[1..].strip_prefix(letter)?.get(..digits)?;
            hex.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u32::from_str_radix(hex, 16).ok()).flatten()
        };
        let plain = match rest[1..].chars().next() {
            Some(c @ ('\\' | '\'' | '"' | '/' | '`')) => Some((c, 2)),
            Some('n') => Some(('\n', 2)),
            Some('t') => Some(('\t', 2)),
            Some('r') => Some(('\r', 2)),
            Some('x') => code('x', 2).and_then(char::from_u32).map(|c| (c, 4)),
            Some('U') => code('U', 8).and_then(char::from_u32).map(|c| (c, 10)),
            Some('u') => code('u', 4).and_then(|high| match high {
                0xd800..=0xdbff => {
                    let low = rest.get(6..)?.strip_prefix("\\u")?.get(..4).and_then(|hex| u32::from_str_radix(hex, 16).ok())?;
                    let low = low.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
                    Some((char::from_u32(0x10000 + ((high - 0xd800) << 10) + low)?, 12))
                }
                _ => Some((char::from_u32(high)?, 6)),
            }),
            _ => None,
        };
        match plain {
            Some((c, length)) => {
                out.push(c);
                rest = &rest[length..];
            }
            None => {
                out.push('\\');
                rest = &rest[1..];
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `|` at the end of an answer says that its limit of tokens cut it short.
    fn heard(how: Read, names: &[&str], answer: &str) -> Heard {
        let (text, cut) = answer.strip_suffix('|').map_or((answer, false), |text| (text, true));
        let names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
        hear(how, false, &names, "", AnswerWords { text, cut, instead: None })
    }

    fn check_of(how: Read, names: &[&str], answers: &[(&str, Result<&str, Unusable>)]) {
        for (answer, expected) in answers {
            let got = heard(how, names, answer).name.map(|name| names[name as usize]);
            assert_eq!(got, *expected, "{how:?} of {answer:?}");
        }
    }

    fn check(how: Read, answers: &[(&str, Result<&str, Unusable>)]) {
        check_of(how, &["Q", "M", "Alice", "Al"], answers);
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
        let names = [names[0].as_str(), names[1].as_str()];
        check_of(Read::Word, &names, &[("A", Ok("A")), ("a", Ok("a"))]);
        check_of(Read::Value, &names, &[("{'value': 'A'}", Ok("A")), ("{\"value\": \"a\"}", Ok("a")), ("value: A", Ok("A"))]);
        check_of(Read::Word, &["ab", "aB"], &[("AB", Err(SeveralNames))]);
    }

    #[test]
    fn json_is_read_as_json() {
        let names = ["Zo\u{eb}", "say \"hi\"", "a\\b", "\u{1f600}", "3", "Al"];
        check_of(
            Read::Value,
            &names,
            &[
                (r#"{"value": "Zo\u00eb"}"#, Ok(names[0])),
                (r#"{"value": "Zoe\u0308"}"#, Ok(names[0])),
                (r#"{"value": "say \"hi\""}"#, Ok(names[1])),
                (r#"{"value": "a\\b", "reason": "x"}"#, Ok(names[2])),
                (r#"{"value": "\ud83d\ude00"}"#, Ok(names[3])),
                (r#"{"value": 3}"#, Ok("3")),
                ("```json\n{\n  \"reason\": \"the value: 3 paid\",\n  \"value\": \"Al\"\n}\n```", Ok("Al")),
                (r#"{"answer": {"value": "Al"}}"#, Ok("Al")),
                (r#"{"value": "Zo\u00eb", "reason": "it w|"#, Ok(names[0])),
                (r#"{"value": "Zo\u00|"#, Err(CutShort)),
                (r#"{"value": "say \"hi\"|"#, Err(CutShort)),
                (r#"{"value": "say \"hi\"", "rea|"#, Ok(names[1])),
                (r#"{"value": ["Al"]}"#, Err(NoName)),
                (r#"{"value": null}"#, Err(NoName)),
                (r#""{\"value\": \"Al\"}""#, Ok("Al")),
            ],
        );
        check_of(
            Read::Word,
            &names,
            &[(r#""Zo\u00eb""#, Ok(names[0])), (r#"say "hi""#, Ok(names[1])), ("```\nAl\n```", Ok("Al"))],
        );
    }

    #[test]
    fn quoted_names_may_hold_quotes() {
        let names = ["O'Brien", "O", "say \"hi\"", "'tis", "a, b", "Al"];
        check_of(
            Read::Value,
            &names,
            &[
                ("{'value': 'O'Brien'; 'reason': 'it isn't bad'}", Ok("O'Brien")),
                ("{'value': 'O\\'Brien'; 'reason': 'x'}", Ok("O'Brien")),
                ("{'value': \"O'Brien\", 'reason': 'x'}", Ok("O'Brien")),
                ("{'value': 'O\u{2019}Brien'}", Ok("O'Brien")),
                ("{'value': 'O'; 'reason': 'Brien'}", Ok("O")),
                ("{'value': 'O'Bri|", Err(CutShort)),
                ("{'value': 'O'|", Err(CutShort)),
                ("{'value': 'O'Brien", Ok("O'Brien")),
                ("{'value': 'O'Neill'}", Err(NoName)),
                ("{'value': 'say \"hi\"'; 'reason'", Ok(names[2])),
                ("{\"value\": \"say \"hi\"\"}", Ok(names[2])),
                ("{'value': ''tis'}", Ok("'tis")),
                ("{'value': a, b; 'reason': …}", Ok("a, b")),
                ("{'value': 'a, b', 'reason': …}", Ok("a, b")),
                ("I choose 'O'Brien', then", Ok("O'Brien")),
                ("I don't say 'Al'.", Ok("Al")),
            ],
        );
        check_of(Read::Word, &names, &[("'tis", Ok("'tis")), ("O'Brien.", Ok("O'Brien")), ("\"say \"hi\"\"", Ok(names[2]))]);
        check_of(
            Read::Mention,
            &names,
            &[("Not bad, O'Brien!", Ok("O'Brien")), ("O, then", Ok("O")), ("I say \"hi\"", Ok(names[2]))],
        );
        check_of(Read::Mention, &["苹果", "梨"], &[("我选择苹果。", Ok("苹果")), ("苹果还是梨", Err(SeveralNames))]);
    }

    #[test]
    fn what_was_not_in_the_format_is_told_from_what_was() {
        let by = |how, answer: &str| heard(how, &["Q", "M"], answer).fallback;
        for answer in ["{'value': 'Q'; 'reason': 'x'}", "{\"value\": \"Q\"}", "{'value': Q; 'reason'", "{'value': 'Q"] {
            assert!(!by(Read::Value, answer), "{answer}");
        }
        for answer in ["I choose 'Q'.", "value: Q", "{'value': 'Q' or 'M'}"] {
            assert!(by(Read::Value, answer), "{answer}");
        }
        assert!(!by(Read::Word, "Q") && by(Read::Word, "<answer>Q</answer>") && by(Read::Word, "\\boxed{Q}"));
        let names = ["Q".to_string(), "M".to_string()];
        let strict = |text| hear(Read::Value, true, &names, "", AnswerWords { text, ..AnswerWords::default() }).name;
        assert_eq!((strict("I choose 'Q'."), strict("{'value': 'Q'}")), (Err(OutOfFormat), Ok(0)));
    }

    #[test]
    fn a_thought_is_no_answer_and_neither_is_what_came_in_its_place() {
        let thought = "<think>The format is {'value': 'Q'}. Player 2 says 'Q'.</think>";
        check(
            Read::Value,
            &[
                (&format!("{thought}\n\n{{'value': 'M'; 'reason': 'it paid'}}"), Ok("M")),
                (&format!("{thought} I will not follow."), Err(NoName)),
                ("<think>The format is {'value': 'Q'}. Let me|", Err(CutShort)),
                ("<think>The format is {'value': 'Q'}. Let me", Err(CutShort)),
                ("The format is {'value': 'Q'}.\n</think>\n{'value': 'M'}", Ok("M")),
            ],
        );
        let names = ["Q".to_string(), "M".to_string()];
        let begun = |text| hear(Read::Value, false, &names, "{'value': '", AnswerWords { text, ..AnswerWords::default() }).name;
        assert_eq!(begun("<think>Q</think>M'; 'reason': 'x'}"), Ok(1));
        assert_eq!(begun("<think>Q</think>{'value': 'M'}"), Ok(1));
        assert_eq!(begun("{'value': 'M'}"), Ok(1), "given back with the answer");
        let empty =
            |instead, text| hear(Read::Value, false, &names, "", AnswerWords { text, cut: true, instead: Some(instead) }).name;
        assert_eq!(empty(Instead::Reasoning, ""), Err(ReasonedApart));
        assert_eq!(empty(Instead::Tool, " "), Err(CalledTool));
        assert_eq!(empty(Instead::Filter, ""), Err(Filtered));
        assert_eq!(empty(Instead::Refusal, "I can't"), Err(Refused));
        assert_eq!(empty(Instead::Reasoning, "{'value': 'M'}"), Ok(1), "an answer is an answer");
    }
}
