//! The words of a corpus as tokens, and the files by which other programs read them.

use super::lexicon::{BEGIN, THEN, UNKNOWN};
use serde_json::{Value, json};
use std::collections::HashMap;

/// The words that a model tells apart, each a token; or all bytes, each a token.
#[derive(Clone, Debug)]
pub struct Words {
    words: Vec<String>,
    places: HashMap<String, u32>,
    bytes: bool,
}

/// Tokens that are signs and neither words nor bytes: unknown ones, the beginning, what separates.
pub const SIGNS: u32 = 3;

/// The letter that stands for a byte in vocabularies by bytes, as GPT-2 has them: a visible one for each.
fn letter(byte: u8) -> char {
    let visible = |byte: u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    match visible(byte) {
        true => char::from(byte),
        false => {
            let before = (0..byte).filter(|byte| !visible(*byte)).count() as u32;
            char::from_u32(256 + before).expect("a letter of Latin Extended-A")
        }
    }
}

impl Words {
    /// Each word once, in their order, after those that every corpus has.
    pub fn of(words: impl Iterator<Item = String>) -> Words {
        let mut all = Words { words: Vec::new(), places: HashMap::new(), bytes: false };
        for word in [UNKNOWN, BEGIN, THEN].map(String::from).into_iter().chain(words) {
            if !all.places.contains_key(&word) {
                all.places.insert(word.clone(), all.words.len() as u32);
                all.words.push(word);
            }
        }
        all
    }

    /// All bytes, after the signs that every corpus has.
    pub fn of_bytes() -> Words {
        let signs = Words::of(std::iter::empty());
        let words = signs.words.into_iter().chain((0..=255).map(|byte| letter(byte).to_string())).collect();
        Words { words, places: signs.places, bytes: true }
    }

    /// Whether its tokens are bytes.
    pub fn are_bytes(&self) -> bool {
        self.bytes
    }

    /// Those of a `tokenizer.json` of ours.
    pub fn of_tokenizer(tokenizer: &Value) -> Result<Words, String> {
        if tokenizer["model"]["type"] == "BPE" {
            let all = Words::of_bytes();
            return match tokenizer == &all.tokenizer() {
                true => Ok(all),
                false => Err("it is no tokenizer by bytes that this program wrote".into()),
            };
        }
        let vocabulary = tokenizer["model"]["vocab"].as_object().ok_or("it has no vocabulary of words")?;
        let mut words: Vec<Option<&String>> = vec![None; vocabulary.len()];
        for (word, id) in vocabulary {
            let place = id.as_u64().and_then(|id| words.get_mut(id as usize)).ok_or("its tokens are not numbered in order")?;
            *place = Some(word);
        }
        let words: Option<Vec<String>> = words.into_iter().map(|word| word.cloned()).collect();
        let all = Words::of(words.ok_or("its tokens are not numbered in order")?.into_iter());
        match all.len() == vocabulary.len() && all.token(THEN) == 2 {
            true => Ok(all),
            false => Err("it does not begin with the words that every corpus has".into()),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Never: some words are in every corpus.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The token of a word; that of unknown ones where it is none of these.
    pub fn token(&self, word: &str) -> u32 {
        self.places.get(word).copied().unwrap_or(0)
    }

    /// The tokens of bytes, where tokens are bytes.
    pub fn spell<'t>(&self, text: &'t str) -> impl Iterator<Item = u32> + use<'t> {
        assert!(self.bytes, "words have tokens of their own");
        text.bytes().map(|byte| SIGNS + u32::from(byte))
    }

    /// What a token adds to a text; nothing where it is a sign.
    pub fn adds(&self, token: u32) -> Vec<u8> {
        match token.checked_sub(SIGNS) {
            None => Vec::new(),
            Some(byte) if self.bytes => vec![byte as u8],
            Some(_) => self.word(token).as_bytes().to_vec(),
        }
    }

    /// Tokens as a text that people read.
    pub fn text(&self, tokens: &[u32]) -> String {
        if !self.bytes {
            return tokens.iter().map(|&token| self.word(token)).collect::<Vec<_>>().join(" ");
        }
        let of = |&token: &u32| if token < SIGNS { self.word(token).as_bytes().to_vec() } else { self.adds(token) };
        String::from_utf8_lossy(&tokens.iter().flat_map(of).collect::<Vec<u8>>()).into_owned()
    }

    /// Whether it is one of these.
    pub fn holds(&self, word: &str) -> bool {
        self.places.contains_key(word)
    }

    /// The word of a token.
    pub fn word(&self, token: u32) -> &str {
        &self.words[token as usize]
    }

    /// All of them, in the order of their tokens.
    pub fn all(&self) -> &[String] {
        &self.words
    }

    /// The tokens of a row.
    pub fn tokens(&self, words: &[&str]) -> Vec<u32> {
        if self.bytes {
            let of = |word: &&str| match self.places.get(*word) {
                Some(&sign) => vec![sign],
                None => self.spell(word).collect(),
            };
            return words.iter().flat_map(of).collect();
        }
        words.iter().map(|word| self.token(word)).collect()
    }

    /// `tokenizer.json`, in the layout of the `tokenizers` library: words between white space, or bytes as pairs of bytes that
    /// never were joined.
    pub fn tokenizer(&self) -> Value {
        let vocabulary: serde_json::Map<String, Value> =
            self.words.iter().enumerate().map(|(id, word)| (word.clone(), id.into())).collect();
        let special = |id: u32| {
            json!({
                "id": id, "content": self.word(id), "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
                "special": true,
            })
        };
        let model = match self.bytes {
            true => json!({
                "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null, "end_of_word_suffix": null,
                "fuse_unk": false, "byte_fallback": false, "vocab": vocabulary, "merges": [],
            }),
            false => json!({ "type": "WordLevel", "vocab": vocabulary, "unk_token": UNKNOWN }),
        };
        let by_bytes = json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false });
        json!({
            "version": "1.0",
            "truncation": null,
            "padding": null,
            "added_tokens": [special(0), special(1), special(2)],
            "normalizer": null,
            "pre_tokenizer": if self.bytes { by_bytes.clone() } else { json!({ "type": "WhitespaceSplit" }) },
            "post_processor": {
                "type": "TemplateProcessing",
                "single": [{ "SpecialToken": { "id": BEGIN, "type_id": 0 } }, { "Sequence": { "id": "A", "type_id": 0 } }],
                "pair": [{ "Sequence": { "id": "A", "type_id": 0 } }, { "Sequence": { "id": "B", "type_id": 1 } }],
                "special_tokens": { BEGIN: { "id": BEGIN, "ids": [self.token(BEGIN)], "tokens": [BEGIN] } },
            },
            "decoder": if self.bytes { by_bytes } else { Value::Null },
            "model": model,
        })
    }

    /// `tokenizer_config.json`: a text begins as every row does, and a conversation is what is said in it, word after word, or by
    /// bytes line after line.
    pub fn tokenizer_config(&self) -> Value {
        let said = match self.bytes {
            true => "{{ message['content'] }}{% if not loop.last %}\\n{% endif %}{% endfor %}",
            false => " {{ message['content'] }}{% endfor %} ",
        };
        json!({
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": BEGIN,
            "unk_token": UNKNOWN,
            "add_bos_token": true,
            "clean_up_tokenization_spaces": false,
            "chat_template": format!("{{{{ bos_token }}}}{{% for message in messages %}}{said}"),
        })
    }
}
