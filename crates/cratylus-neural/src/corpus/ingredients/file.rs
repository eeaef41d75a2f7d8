//! A text of the user's own: rows are stretches of its words from any place, or of its bytes.

use crate::corpus::ingredient::{Ingredient, IngredientEntry, IngredientSpec, TextSource, TokensAre, Written};
use crate::corpus::lexicon::{BEGIN, UNKNOWN};
use cratylus_core::seed::Stream;
use cratylus_core::spec::Inputs;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::Arc;

pub const ENTRY: IngredientEntry =
    IngredientEntry::new::<TextFile>("file", "stretches of a text file of yours, word by word or byte by byte");

/// Its parameters.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TextFile {
    /// The file, relative to the corpus file. UTF-8.
    pub file: String,
    /// Under which licence it is, in words; it goes into the card of every model that read it.
    pub licence: String,
    /// How many of its words are told apart, the commonest first.
    #[serde(default = "two_thousand")]
    pub vocabulary: usize,
}

fn two_thousand() -> usize {
    2_000
}

/// More than anyone means to train on here.
const BYTES_MAX: usize = 256 << 20;

#[derive(Debug)]
struct Text {
    source: TextSource,
    words: Vec<String>,
    /// The text as places among `words`.
    text: Vec<u32>,
    /// The text itself.
    whole: String,
}

impl IngredientSpec for TextFile {
    fn open(&self, inputs: &dyn Inputs) -> Result<Arc<dyn Ingredient>, (&'static str, String)> {
        let text = bounded(inputs, &self.file, &self.licence, self.vocabulary)?;
        let words = known_words(text.split_whitespace(), self.vocabulary);
        let places: HashMap<&str, u32> = words.iter().zip(1..).map(|(word, place)| (word.as_str(), place)).collect();
        Ok(Arc::new(Text {
            source: source_of(&self.file, &self.licence, &text),
            text: text.split_whitespace().map(|word| places.get(word).copied().unwrap_or(0)).collect(),
            words: std::iter::once(UNKNOWN.to_string()).chain(words.clone()).collect(),
            whole: text,
        }))
    }
}

/// The text of a file, whose licence must be said, and which is not larger than anyone means to train on here.
pub(super) fn bounded(
    inputs: &dyn Inputs,
    file: &str,
    licence: &str,
    vocabulary: usize,
) -> Result<String, (&'static str, String)> {
    if licence.trim().is_empty() {
        return Err(("licence", "say under which licence the text is, or that it is your own".into()));
    }
    if !(2..=100_000).contains(&vocabulary) {
        return Err(("vocabulary", format!("2 to 100,000 words are told apart, found {vocabulary}")));
    }
    let text = inputs.text(file).map_err(|why| ("file", why))?;
    if text.len() > BYTES_MAX {
        return Err(("file", format!("`{file}` has {} bytes, and a text of at most {BYTES_MAX} is read", text.len())));
    }
    Ok(text)
}

/// The commonest words, at most so many; of equally common ones the first of the alphabet.
pub(super) fn known_words<'t>(words: impl Iterator<Item = &'t str>, most: usize) -> Vec<String> {
    let mut counts: HashMap<&str, u64> = HashMap::new();
    words.for_each(|word| *counts.entry(word).or_default() += 1);
    let mut words: Vec<(&str, u64)> = counts.into_iter().collect();
    words.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    words.into_iter().take(most).map(|(word, _)| word.to_string()).collect()
}

/// Where a text is from.
pub(super) fn source_of(file: &str, licence: &str, text: &str) -> TextSource {
    let sha256 = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    TextSource { file: file.into(), licence: licence.into(), sha256 }
}

/// A stretch of at most so many bytes of a text, of whole characters, and where it begins.
pub(super) fn stretch<'t>(text: &'t str, draws: &mut Stream, most: usize) -> (&'t str, usize) {
    let n = most.min(text.len());
    let whole = |at: usize| (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let from = whole(draws.below((text.len() - n + 1) as u64) as usize);
    (&text[from..whole(from + n)], from)
}

impl Ingredient for Text {
    fn words(&self) -> Vec<String> {
        self.words.clone()
    }

    fn row(&self, draws: &mut Stream, most: usize) -> Written<'_> {
        let n = most.saturating_sub(1).min(self.text.len());
        let from = draws.below((self.text.len() - n + 1) as u64) as usize;
        let words = self.text[from..from + n].iter().map(|&word| self.words[word as usize].as_str());
        Written { words: std::iter::once(BEGIN).chain(words).collect(), key: json!({ "class": "text", "from": from }) }
    }

    fn check(&self, tokens: TokensAre) -> Result<(), (&'static str, String)> {
        let (n, what) = match tokens {
            TokensAre::Words => (self.words.len() - 1, "different words"),
            TokensAre::Bytes => (self.whole.len(), "bytes"),
        };
        match n < 2 {
            true => Err(("file", format!("`{}` holds {n} {what}, too few to learn anything of", self.source.file))),
            false => Ok(()),
        }
    }

    fn row_of_bytes(&self, draws: &mut Stream, most: usize, _: bool) -> Written<'_> {
        let (stretch, from) = stretch(&self.whole, draws, most.saturating_sub(1));
        Written { words: vec![BEGIN, stretch], key: json!({ "class": "text", "from": from }) }
    }

    fn source(&self) -> Option<TextSource> {
        Some(self.source.clone())
    }
}
