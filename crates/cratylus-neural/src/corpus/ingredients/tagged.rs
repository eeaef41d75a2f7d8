//! A text of the user's own whose words have tags, as the Brown corpus has them (`The/at jury/nn said/vbd`): rows are stretches
//! of it, and what class each word is of stands in their keys. The last tenth is read by nobody, and fresh rows are of it.

use super::file::{bounded, known_words, source_of};
use super::sentences::WordClass;
use crate::corpus::ingredient::{Ingredient, IngredientEntry, IngredientSpec, TextSource, Written};
use crate::corpus::lexicon::{BEGIN, UNKNOWN};
use cratylus_core::seed::Stream;
use cratylus_core::spec::Inputs;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;

pub const ENTRY: IngredientEntry =
    IngredientEntry::new::<Tagged>("tagged", "stretches of a text of yours whose words have tags, as the Brown corpus has them");

/// Its parameters.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Tagged {
    /// The file, relative to the corpus file: words with their tags behind a slash.
    pub file: String,
    /// Under which licence it is, in words; it goes into the card of every model that read it.
    pub licence: String,
    /// How many of its words are told apart, the commonest first, in lower case.
    #[serde(default = "as_published")]
    pub vocabulary: usize,
}

fn as_published() -> usize {
    2_047
}

#[derive(Debug)]
struct Open {
    source: TextSource,
    words: Vec<String>,
    /// The text as places among `words`, with what each is.
    text: Vec<(u32, Mark)>,
    /// From here on nobody reads.
    kept_apart: usize,
}

/// What a word is, in a letter; `.` ends a sentence, `-` is anything else.
type Mark = u8;

/// The letters of the six classes.
pub(crate) fn class_of(mark: u8) -> Option<WordClass> {
    Some(match mark {
        b'd' => WordClass::Determiner,
        b'j' => WordClass::Adjective,
        b'n' => WordClass::Noun,
        b'v' => WordClass::Verb,
        b'i' => WordClass::Preposition,
        b'r' => WordClass::Adverb,
        _ => return None,
    })
}

fn mark(tag: &str) -> Mark {
    match tag {
        "." => b'.',
        tag if tag.starts_with("in") => b'i',
        tag if tag.starts_with("at") || tag.starts_with("dt") => b'd',
        tag => match tag.bytes().next() {
            Some(letter @ (b'n' | b'v' | b'j' | b'r')) if !tag.starts_with("nil") => letter,
            _ => b'-',
        },
    }
}

impl IngredientSpec for Tagged {
    fn open(&self, inputs: &dyn Inputs) -> Result<Arc<dyn Ingredient>, (&'static str, String)> {
        let text = bounded(inputs, &self.file, &self.licence, self.vocabulary)?;
        let mut read: Vec<(String, Mark)> = Vec::new();
        for token in text.split_whitespace() {
            let Some((word, tag)) = token.rsplit_once('/').filter(|(word, tag)| !word.is_empty() && !tag.is_empty()) else {
                let why = format!("`{}` holds `{token}`, which has no tag; it is to be words with tags: said/vbd", self.file);
                return Err(("file", why));
            };
            read.push((word.to_lowercase(), mark(&tag.to_lowercase())));
        }
        let words = known_words(read.iter().map(|(word, _)| word.as_str()), self.vocabulary);
        if read.len() < 1_000 || words.len() < 2 {
            return Err(("file", format!("`{}` has {} words, too few to learn anything of", self.file, read.len())));
        }
        let places: HashMap<&str, u32> = words.iter().zip(1..).map(|(word, place)| (word.as_str(), place)).collect();
        let placed = read.iter().map(|(word, mark)| (places.get(word.as_str()).copied().unwrap_or(0), *mark)).collect();
        Ok(Arc::new(Open {
            source: source_of(&self.file, &self.licence, &text),
            text: placed,
            kept_apart: read.len() / 10 * 9,
            words: std::iter::once(UNKNOWN.to_string()).chain(words.clone()).collect(),
        }))
    }
}

impl Open {
    fn stretch(&self, draws: &mut Stream, most: usize, from: usize, to: usize) -> Written<'_> {
        let n = most.saturating_sub(1).min(to - from);
        let from = from + draws.below((to - from - n + 1) as u64) as usize;
        let stretch = &self.text[from..from + n];
        let words = stretch.iter().map(|&(word, _)| self.words[word as usize].as_str());
        // The first is of what begins every row.
        let marks: String = std::iter::once('.').chain(stretch.iter().map(|&(_, mark)| char::from(mark))).collect();
        Written {
            words: std::iter::once(BEGIN).chain(words).collect(),
            key: json!({ "class": "tagged", "from": from, "marks": marks }),
        }
    }
}

impl Ingredient for Open {
    fn words(&self) -> Vec<String> {
        self.words.clone()
    }

    fn row(&self, draws: &mut Stream, most: usize) -> Written<'_> {
        self.stretch(draws, most, 0, self.kept_apart)
    }

    fn fresh(&self, draws: &mut Stream, most: usize) -> Written<'_> {
        self.stretch(draws, most, self.kept_apart, self.text.len())
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

    fn open(text: &str) -> Result<Arc<dyn Ingredient>, (&'static str, String)> {
        Tagged { file: "t".into(), licence: "my own".into(), vocabulary: 5 }.open(&Text(text.into()))
    }

    #[test]
    fn words_have_their_class_and_fresh_rows_are_of_what_nobody_read() {
        let sentence = "The/at Jury/nn-tl said/vbd on/in old/jj days/nns soon/rb ,/, it/pps was/bedz ./. ";
        let ending = "A/at cat/nn ran/vbd ./. ";
        let open = open(&(sentence.repeat(200) + &ending.repeat(70))).unwrap();
        let mut draws = Seed(1).stream(Purpose::Row, 0);
        let row = open.row(&mut draws, 24);
        let marks = row.key["marks"].as_str().unwrap();
        assert_eq!(marks.len(), row.words.len());
        assert!(row.words.contains(&UNKNOWN));
        let around = ".dnvijnr---".repeat(4);
        assert!(around.contains(&marks[1..]), "{marks}");
        // What is kept apart is the end of the text.
        let fresh = open.fresh(&mut draws, 16);
        assert!(fresh.key["from"].as_u64().unwrap() >= (200 * 11 + 70 * 4) / 10 * 9);
        assert!(self::open("The/at jury said/vbd").unwrap_err().1.contains("`jury`, which has no tag"));
        assert!(self::open("The/at jury/nn").unwrap_err().1.contains("too few"));
    }
}
