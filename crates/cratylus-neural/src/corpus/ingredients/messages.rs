//! Messages that somebody sent: lines of symbols, as agents that learnt to signal leave them. A row is some of them, one after
//! the other. The last tenth is read by nobody, and fresh rows are of it.

use super::file::{bounded, known_words, source_of, stretch};
use crate::corpus::ingredient::{Ingredient, IngredientEntry, IngredientSpec, TextSource, TokensAre, Written};
use crate::corpus::lexicon::{BEGIN, THEN, UNKNOWN};
use cratylus_core::seed::Stream;
use cratylus_core::spec::Inputs;
use cratylus_core::text::nearest;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;

pub const ENTRY: IngredientEntry =
    IngredientEntry::new::<Messages>("messages", "messages of a file of yours, one a line or in a column of a CSV file");

/// Its parameters.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Messages {
    /// The file, relative to the corpus file: a message on each line, its symbols between blanks or commas, in brackets or not.
    pub file: String,
    /// Under which licence it is, in words; it goes into the card of every model that read it.
    pub licence: String,
    /// The column that holds messages, where the first line names columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// How many symbols are told apart, the commonest first.
    #[serde(default = "many")]
    pub vocabulary: usize,
}

fn many() -> usize {
    4_096
}

/// The fields of a line, which may stand in quotes.
fn fields(line: &str, between: char) -> Vec<String> {
    let (mut all, mut quoted) = (vec![String::new()], false);
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        let last = all.last_mut().expect("there is a first");
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => last.extend(letters.next()),
            '"' => quoted = !quoted,
            letter if letter == between && !quoted => all.push(String::new()),
            letter => last.push(letter),
        }
    }
    all
}

/// The symbols of a message: `3 5 1`, `3,5,1`, `[3, 5, 1]`.
fn symbols(message: &str) -> Vec<String> {
    let apart = |letter: char| letter.is_whitespace() || ",[]()\"'".contains(letter);
    message.split(apart).filter(|symbol| !symbol.is_empty()).map(String::from).collect()
}

impl Messages {
    fn read(&self, text: &str) -> Result<Vec<Vec<String>>, (&'static str, String)> {
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let Some(column) = &self.column else {
            return Ok(lines.map(symbols).filter(|message| !message.is_empty()).collect());
        };
        let head = lines.next().unwrap_or_default();
        let between = ['\t', ';', ','].into_iter().find(|between| head.contains(*between)).unwrap_or(',');
        let named: Vec<String> = fields(head, between).iter().map(|name| name.trim().to_string()).collect();
        let Some(place) = named.iter().position(|name| name == column) else {
            let why = format!(
                "`{}` has no column `{column}`; its columns are {}; {}",
                self.file,
                named.join(", "),
                nearest(column, &named)
            );
            return Err(("column", why));
        };
        let mut all = Vec::new();
        for (number, line) in (2..).zip(lines) {
            let fields = fields(line, between);
            let Some(field) = fields.get(place).filter(|_| fields.len() == named.len()) else {
                let why = format!(
                    "row {number} of `{}` has {} fields, and its first line names {} columns; a message with commas stands in quotes",
                    self.file,
                    fields.len(),
                    named.len()
                );
                return Err(("file", why));
            };
            all.push(symbols(field));
        }
        all.retain(|message| !message.is_empty());
        Ok(all)
    }
}

#[derive(Debug)]
struct Open {
    source: TextSource,
    words: Vec<String>,
    /// Messages as places among `words`.
    messages: Vec<Vec<u32>>,
    /// From here on nobody reads.
    kept_apart: usize,
    /// A message on each line; those of either part.
    lines: [String; 2],
}

impl IngredientSpec for Messages {
    fn open(&self, inputs: &dyn Inputs) -> Result<Arc<dyn Ingredient>, (&'static str, String)> {
        let text = bounded(inputs, &self.file, &self.licence, self.vocabulary)?;
        let messages = self.read(&text)?;
        let words = known_words(messages.iter().flatten().map(String::as_str), self.vocabulary);
        if messages.len() < 10 || words.len() < 2 {
            let why = format!(
                "`{}` holds {} messages of {} different symbols, too few to learn anything of",
                self.file,
                messages.len(),
                words.len()
            );
            return Err(("file", why));
        }
        if let Some(sign) = words.iter().find(|word| [BEGIN, THEN, UNKNOWN].contains(&word.as_str())) {
            return Err(("file", format!("`{}` has the symbol {sign}, which stands for something else here", self.file)));
        }
        let places: HashMap<&str, u32> = words.iter().zip(1..).map(|(word, place)| (word.as_str(), place)).collect();
        let place = |symbol: &String| places.get(symbol.as_str()).copied().unwrap_or(0);
        let kept_apart = messages.len() / 10 * 9;
        let lines = |messages: &[Vec<String>]| messages.iter().map(|message| message.join(" ") + "\n").collect::<String>();
        Ok(Arc::new(Open {
            source: source_of(&self.file, &self.licence, &text),
            messages: messages.iter().map(|message| message.iter().map(place).collect()).collect(),
            lines: [lines(&messages[..kept_apart]), lines(&messages[kept_apart..])],
            kept_apart,
            words: std::iter::once(UNKNOWN.to_string()).chain(words.clone()).collect(),
        }))
    }
}

impl Open {
    fn some(&self, draws: &mut Stream, most: usize, from: usize, to: usize) -> Written<'_> {
        let first = from + draws.below((to - from) as u64) as usize;
        let mut words = vec![BEGIN];
        for message in &self.messages[first..to] {
            words.extend(message.iter().map(|&symbol| self.words[symbol as usize].as_str()));
            words.push(THEN);
            if words.len() >= most {
                break;
            }
        }
        words.truncate(most);
        Written { words, key: json!({ "class": "messages", "from": first }) }
    }
}

impl Ingredient for Open {
    fn words(&self) -> Vec<String> {
        self.words.clone()
    }

    fn row(&self, draws: &mut Stream, most: usize) -> Written<'_> {
        self.some(draws, most, 0, self.kept_apart)
    }

    fn fresh(&self, draws: &mut Stream, most: usize) -> Written<'_> {
        self.some(draws, most, self.kept_apart, self.messages.len())
    }

    fn check(&self, _: TokensAre) -> Result<(), (&'static str, String)> {
        Ok(())
    }

    fn row_of_bytes(&self, draws: &mut Stream, most: usize, fresh: bool) -> Written<'_> {
        let (stretch, from) = stretch(&self.lines[usize::from(fresh)], draws, most.saturating_sub(1));
        Written { words: vec![BEGIN, stretch], key: json!({ "class": "messages", "from": from }) }
    }

    fn source(&self) -> Option<TextSource> {
        Some(self.source.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cratylus_core::Seed;
    use cratylus_core::seed::Purpose;

    struct Text(String);

    impl Inputs for Text {
        fn text(&self, _: &str) -> Result<String, String> {
            Ok(self.0.clone())
        }
    }

    fn open(text: &str, column: Option<&str>) -> Result<Arc<dyn Ingredient>, (&'static str, String)> {
        let column = column.map(String::from);
        Messages { file: "m".into(), licence: "my own".into(), column, vocabulary: 100 }.open(&Text(text.into()))
    }

    #[test]
    fn messages_are_the_same_from_lines_lists_and_tables() {
        let lines = |of: &dyn Fn(usize) -> String| (0..40).map(of).collect::<String>();
        let blanks = lines(&|i| format!("{} {} {}\n", i % 7, i % 3, i % 5));
        let lists = lines(&|i| format!("[{}, {}, {}]\n", i % 7, i % 3, i % 5));
        let table = format!("input,message,label\n{}", lines(&|i| format!("a,\"{},{},{}\",1\n", i % 7, i % 3, i % 5)));
        let tabs = format!("input\tmessage\n{}", lines(&|i| format!("a, b\t{} {} {}\n", i % 7, i % 3, i % 5)));
        let row = |opened: Arc<dyn Ingredient>, fresh: bool| {
            let mut draws = Seed(1).stream(Purpose::Row, 0);
            let row = if fresh { opened.fresh(&mut draws, 10) } else { opened.row(&mut draws, 10) };
            (row.words.join(" "), row.key["from"].as_u64().unwrap() as usize)
        };
        for fresh in [false, true] {
            let (words, from) = row(open(&blanks, None).unwrap(), fresh);
            let of = |i: usize| format!("{} {} {} <sep>", i % 7, i % 3, i % 5);
            let all = format!("<bos> {} {} {}", of(from), of(from + 1), of(from + 2));
            assert!(all.starts_with(&words), "{words} of {all}");
            assert_eq!(from >= 36, fresh);
            for (text, column) in [(&lists, None), (&table, Some("message")), (&tabs, Some("message"))] {
                assert_eq!(row(open(text, column).unwrap(), fresh).0, words);
            }
        }
    }

    #[test]
    fn mistakes_are_told() {
        let refused = |text: &str, column: Option<&str>, words: &str| {
            let said = open(text, column).unwrap_err().1;
            assert!(said.contains(words), "{said}");
        };
        refused("1 2\n", None, "1 messages of 2 different symbols");
        refused("a,message\nb,1 2\n", Some("mesage"), "did you mean `message`");
        refused("a,message\nb,1,2\n", Some("message"), "row 2 of `m` has 3 fields");
        refused(&"1 <sep> 2\n".repeat(20), None, "the symbol <sep>");
    }
}
