//! The words of a corpus as tokens, and the files by which other programs read them.

use super::lexicon::{BEGIN, THEN, UNKNOWN};
use serde_json::{Value, json};
use std::collections::HashMap;

/// The words that a model tells apart, each a token.
#[derive(Clone, Debug)]
pub struct Words {
    words: Vec<String>,
    places: HashMap<String, u32>,
}

impl Words {
    /// Each word once, in their order, after those that every corpus has.
    pub fn of(words: impl Iterator<Item = String>) -> Words {
        let mut all = Words { words: Vec::new(), places: HashMap::new() };
        for word in [UNKNOWN, BEGIN, THEN].map(String::from).into_iter().chain(words) {
            if !all.places.contains_key(&word) {
                all.places.insert(word.clone(), all.words.len() as u32);
                all.words.push(word);
            }
        }
        all
    }

    /// Those of a `tokenizer.json` of ours.
    pub fn of_tokenizer(tokenizer: &Value) -> Result<Words, String> {
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
        words.iter().map(|word| self.token(word)).collect()
    }

    /// `tokenizer.json`, in the layout of the `tokenizers` library: words between white space.
    pub fn tokenizer(&self) -> Value {
        let vocabulary: serde_json::Map<String, Value> =
            self.words.iter().enumerate().map(|(id, word)| (word.clone(), id.into())).collect();
        let special = |id: u32| {
            json!({
                "id": id, "content": self.word(id), "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
                "special": true,
            })
        };
        json!({
            "version": "1.0",
            "truncation": null,
            "padding": null,
            "added_tokens": [special(0), special(1), special(2)],
            "normalizer": null,
            "pre_tokenizer": { "type": "WhitespaceSplit" },
            "post_processor": {
                "type": "TemplateProcessing",
                "single": [{ "SpecialToken": { "id": BEGIN, "type_id": 0 } }, { "Sequence": { "id": "A", "type_id": 0 } }],
                "pair": [{ "Sequence": { "id": "A", "type_id": 0 } }, { "Sequence": { "id": "B", "type_id": 1 } }],
                "special_tokens": { BEGIN: { "id": BEGIN, "ids": [self.token(BEGIN)], "tokens": [BEGIN] } },
            },
            "decoder": null,
            "model": { "type": "WordLevel", "vocab": vocabulary, "unk_token": UNKNOWN },
        })
    }

    /// `tokenizer_config.json`: a text begins as every row does, and a conversation is what is said in it, word after word.
    pub fn tokenizer_config(&self) -> Value {
        json!({
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": BEGIN,
            "unk_token": UNKNOWN,
            "add_bos_token": true,
            "clean_up_tokenization_spaces": false,
            "chat_template": "{{ bos_token }}{% for message in messages %} {{ message['content'] }}{% endfor %} ",
        })
    }
}
