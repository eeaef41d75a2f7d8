//! From text to tokens and back to bytes, by the model's own vocabulary: the one inside a GGUF file, cut as the
//! llama.cpp family cuts it, or `tokenizer.json`. It knows nothing of conversations.

use super::damage::read_file;
use super::files::json;
use super::weights::{Metadata, number};
use candle_core::quantized::gguf_file::Value;
use cratylus_core::fault::{Fault, at};
use std::collections::{BTreeSet, BinaryHeap, HashMap};
use std::path::Path;
use tokenizers::models::bpe::BPE;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{AddedToken, PreTokenizerWrapper, SplitDelimiterBehavior, Tokenizer};

pub(super) struct Vocabulary {
    cut: Cut,
    tokens: Vec<Token>,
    bos: Option<u32>,
    /// Whether a text begins with the token for beginnings, whatever it says.
    adds_bos: bool,
    /// The tokens after which a model has nothing more to say.
    pub ends: BTreeSet<u32>,
    pub bos_text: String,
    pub eos_text: String,
}

struct Token {
    bytes: Vec<u8>,
    special: bool,
}

enum Cut {
    Library(Box<Tokenizer>),
    Pieces(Pieces),
}

/// Tokens that end an answer, whatever else a file says about them.
const ENDS: &[&str] = &[
    "<|eot_id|>",
    "<|eom_id|>",
    "<|im_end|>",
    "<|end|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<EOT>",
    "<｜end▁of▁sentence｜>",
];

impl Vocabulary {
    /// The tokens of a text, with the token for beginnings where the model wants it, once.
    /// The text of a special token stands for that token.
    pub fn cut(&self, text: &str) -> Result<Vec<u32>, Fault> {
        let mut ids: Vec<u32> = self.bos.filter(|_| self.adds_bos).into_iter().collect();
        let text = match self.adds_bos && !self.bos_text.is_empty() {
            true => text.strip_prefix(&self.bos_text).unwrap_or(text),
            false => text,
        };
        match &self.cut {
            Cut::Library(library) => {
                let cut =
                    library.encode_fast(text, false).map_err(|error| Fault(format!("cutting a text into tokens: {error}")))?;
                ids.extend(cut.get_ids());
            }
            Cut::Pieces(pieces) => pieces.cut(text, &mut ids),
        }
        Ok(ids)
    }

    /// What a token adds to the text; nothing for numbers that stand for no token.
    pub fn bytes(&self, id: u32) -> &[u8] {
        self.tokens.get(id as usize).map_or(&[], |token| &token.bytes)
    }

    pub fn is_special(&self, id: u32) -> bool {
        self.tokens.get(id as usize).is_some_and(|token| token.special)
    }

    pub fn from_gguf(metadata: &Metadata, path: &Path) -> Result<Vocabulary, Fault> {
        let wrong = |what: String| Fault(format!("{}: {what}", path.display()));
        let key = |key: &str| metadata.get(&format!("tokenizer.ggml.{key}"));
        let text = |name: &str| key(name).and_then(|value| value.to_string().ok()).map(String::as_str);
        let texts = strings(key("tokens")).ok_or_else(|| wrong("it has no vocabulary (`tokenizer.ggml.tokens`)".into()))?;
        let kinds: Vec<u32> = numbers(key("token_type")).unwrap_or_default().into_iter().map(|kind| kind as u32).collect();
        let kind = |id: usize| kinds.get(id).copied().unwrap_or(NORMAL);
        let id = |name: &str| key(name).and_then(number).map(|id| id as u32).filter(|id| (*id as usize) < texts.len());
        let text_of = |id: Option<u32>| id.map_or_else(String::new, |id| texts[id as usize].clone());
        let flag = |name: &str| key(name).and_then(|value| value.to_bool().ok());

        let pre = text("pre").unwrap_or("nothing");
        let (cut, by_bytes, adds_bos) = match text("model") {
            Some("gpt2") => {
                let merges = strings(key("merges")).ok_or_else(|| wrong("its vocabulary has no merges".into()))?;
                (Cut::Library(Box::new(byte_pairs(&texts, &kind, merges, pre).map_err(wrong)?)), true, LLAMA3.contains(&pre))
            }
            Some("llama") => {
                let scores = numbers(key("scores")).unwrap_or_default();
                let leading = flag("add_space_prefix").unwrap_or(true);
                (Cut::Pieces(Pieces::new(&texts, &kind, &scores, leading, id("unknown_token_id")).map_err(wrong)?), false, true)
            }
            other => {
                let other = other.unwrap_or("nothing");
                return Err(wrong(format!("its vocabulary is of the kind `{other}`; supported are gpt2 and llama")));
            }
        };
        let tokens = texts.iter().enumerate().map(|(id, text)| {
            let special = matches!(kind(id), CONTROL | UNKNOWN);
            Token { bytes: bytes_of(text, by_bytes, special || kind(id) == USER_DEFINED), special }
        });
        let mut ends: BTreeSet<u32> = ["eos_token_id", "eot_token_id", "eom_token_id"].into_iter().filter_map(id).collect();
        ends.extend((0..texts.len()).filter(|id| ENDS.contains(&texts[*id].as_str())).map(|id| id as u32));
        let bos = id("bos_token_id");
        Ok(Vocabulary {
            tokens: tokens.collect(),
            cut,
            bos,
            adds_bos: flag("add_bos_token").unwrap_or(adds_bos),
            ends,
            bos_text: text_of(bos),
            eos_text: text_of(id("eos_token_id")),
        })
    }

    /// From `tokenizer.json`; the files beside it say where a text begins and ends.
    pub fn from_folder(path: &Path) -> Result<Vocabulary, Fault> {
        let file = path.join("tokenizer.json");
        let mut library = read_file("a tokenizer", &file, || Tokenizer::from_file(&file))?;
        library.with_padding(None);
        library.with_truncation(None).map_err(at("reading", &file))?;
        let by_bytes = json(&file)?["decoder"].to_string().contains("\"ByteLevel\"");
        let added = library.get_added_tokens_decoder();
        let most = library.get_vocab(true).values().max().map_or(0, |id| id + 1);
        let token = |id: u32| match added.get(&id) {
            Some(token) => Token { bytes: token.content.clone().into(), special: token.special },
            None => Token { bytes: bytes_of(&library.id_to_token(id).unwrap_or_default(), by_bytes, false), special: false },
        };
        let tokens: Vec<Token> = (0..most).map(token).collect();

        let optional = |name: &str| match path.join(name).exists() {
            true => json(&path.join(name)),
            false => Ok(serde_json::Value::Null),
        };
        let (about, config, generation) =
            (optional("tokenizer_config.json")?, optional("config.json")?, optional("generation_config.json")?);
        let text = |name: &str| about[name].as_str().or(about[name]["content"].as_str()).unwrap_or("").to_string();
        let (bos_text, eos_text) = (text("bos_token"), text("eos_token"));
        let mut ends: BTreeSet<u32> =
            ENDS.iter().chain([&eos_text.as_str()]).filter_map(|end| library.token_to_id(end)).collect();
        for said in [&config["eos_token_id"], &generation["eos_token_id"]] {
            let several = said.as_array().map_or(std::slice::from_ref(said), Vec::as_slice);
            ends.extend(several.iter().filter_map(|id| id.as_u64()).map(|id| id as u32));
        }
        let bos = library.token_to_id(&bos_text);
        let begins = library.encode_fast("a", true).map_err(at("trying", &file))?.get_ids().first().copied();
        let adds_bos = bos.is_some() && begins == bos;
        Ok(Vocabulary { cut: Cut::Library(Box::new(library)), tokens, bos, adds_bos, ends, bos_text, eos_text })
    }
}

// The kinds of tokens in GGUF.
const NORMAL: u32 = 1;
const UNKNOWN: u32 = 2;
const CONTROL: u32 = 3;
const USER_DEFINED: u32 = 4;

/// Names under which Llama 3's way of cutting goes; it alone begins every text with a token for that.
const LLAMA3: &[&str] = &["llama3", "llama-v3", "llama-bpe"];

const WORDS_OF_LLAMA3: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const WORDS_OF_QWEN2: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Byte-level pairs, as in GPT-2; kinds differ in what counts as a word.
fn byte_pairs(texts: &[String], kind: &dyn Fn(usize) -> u32, merges: Vec<String>, pre: &str) -> Result<Tokenizer, String> {
    let vocabulary: tokenizers::models::bpe::Vocab =
        texts.iter().enumerate().map(|(id, text)| (text.clone(), id as u32)).collect();
    let pair = |merge: &String| merge.split_once(' ').map(|(left, right)| (left.into(), right.into()));
    let merges = merges.iter().map(|merge| pair(merge).ok_or(format!("`{merge}` is no merge"))).collect::<Result<_, _>>()?;
    let pairs = BPE::builder().vocab_and_merges(vocabulary, merges).ignore_merges(LLAMA3.contains(&pre));
    let mut library = Tokenizer::new(pairs.build().map_err(|error| format!("its vocabulary is damaged: {error}"))?);
    library.with_pre_tokenizer(Some(words(pre)?));
    let marked = |id: usize, special| AddedToken::from(texts[id].clone(), special).normalized(false);
    let of_kind = |wanted: &'static [u32]| (0..texts.len()).filter(move |id| wanted.contains(&kind(*id)));
    let added = library.add_special_tokens(of_kind(&[CONTROL, UNKNOWN]).map(|id| marked(id, true)));
    added
        .and_then(|_| library.add_tokens(of_kind(&[USER_DEFINED]).map(|id| marked(id, false))))
        .map_err(|error| error.to_string())?;
    Ok(library)
}

fn words(pre: &str) -> Result<PreTokenizerWrapper, String> {
    let split = |words: &str| -> Result<PreTokenizerWrapper, String> {
        let split = Split::new(SplitPattern::Regex(words.into()), SplitDelimiterBehavior::Isolated, false);
        let split = split.map_err(|error| error.to_string())?;
        Ok(Sequence::new(vec![split.into(), ByteLevel::new(false, false, false).into()]).into())
    };
    match pre {
        "gpt-2" => Ok(ByteLevel::new(false, false, true).into()),
        "smollm" => Ok(Sequence::new(vec![Digits::new(true).into(), ByteLevel::new(false, false, true).into()]).into()),
        "qwen2" | "deepseek-r1-qwen" => split(WORDS_OF_QWEN2),
        pre if LLAMA3.contains(&pre) => split(WORDS_OF_LLAMA3),
        other => Err(format!(
            "its way of cutting words is `{other}` (`tokenizer.ggml.pre`); supported are gpt-2, smollm, qwen2, llama-bpe"
        )),
    }
}

/// SentencePiece with scores: of all neighbours that make a known piece, the best is joined first.
struct Pieces {
    ids: HashMap<String, u32>,
    scores: Vec<f32>,
    /// Texts of whole tokens that are found before anything is cut, longest first.
    marked: Vec<(String, u32)>,
    /// A token for every byte, for what no piece covers.
    bytes: Vec<u32>,
    leading_space: bool,
}

impl Pieces {
    fn new(
        texts: &[String],
        kind: &dyn Fn(usize) -> u32,
        scores: &[f64],
        leading_space: bool,
        unknown: Option<u32>,
    ) -> Result<Pieces, String> {
        if scores.len() != texts.len() {
            return Err(format!("its vocabulary has {} tokens and {} scores", texts.len(), scores.len()));
        }
        let ids: HashMap<String, u32> = texts.iter().enumerate().map(|(id, text)| (text.clone(), id as u32)).collect();
        let marks = |id: &usize| matches!(kind(*id), CONTROL | UNKNOWN | USER_DEFINED) && !texts[*id].is_empty();
        let mut marked: Vec<(String, u32)> = (0..texts.len()).filter(marks).map(|id| (texts[id].clone(), id as u32)).collect();
        marked.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        let token_of = |byte: u8| {
            let token = ids.get(&format!("<0x{byte:02X}>")).copied();
            token.or(unknown).ok_or(format!("its vocabulary has no token for the byte {byte:#04x}"))
        };
        let bytes = (0..=255).map(token_of).collect::<Result<_, _>>()?;
        Ok(Pieces { scores: scores.iter().map(|score| *score as f32).collect(), ids, marked, bytes, leading_space })
    }

    fn cut(&self, text: &str, ids: &mut Vec<u32>) {
        for (fragment, marked) in self.fragments(text) {
            match marked {
                Some(id) => ids.push(id),
                // Only the first fragment and those after a marked token come here: two plain ones never meet.
                None if self.leading_space => self.join(&format!(" {fragment}"), ids),
                None => self.join(fragment, ids),
            }
        }
    }

    /// The text, cut at every marked token.
    fn fragments<'a>(&self, text: &'a str) -> Vec<(&'a str, Option<u32>)> {
        let mut fragments = vec![(text, None)];
        for (mark, id) in &self.marked {
            let mut finer = Vec::with_capacity(fragments.len());
            for (fragment, known) in fragments {
                if known.is_some() {
                    finer.push((fragment, known));
                    continue;
                }
                for (n, plain) in fragment.split(mark.as_str()).enumerate() {
                    if n > 0 {
                        finer.push(("", Some(*id)));
                    }
                    if !plain.is_empty() {
                        finer.push((plain, None));
                    }
                }
            }
            fragments = finer;
        }
        fragments.retain(|(text, known)| known.is_some() || !text.is_empty());
        fragments
    }

    fn join(&self, text: &str, ids: &mut Vec<u32>) {
        let text = text.replace(' ', "\u{2581}");
        let mut symbols: Vec<Symbol> = Vec::new();
        for (start, letter) in text.char_indices() {
            let n = symbols.len();
            symbols.push(Symbol { start, len: letter.len_utf8(), before: n.checked_sub(1), after: Some(n + 1) });
        }
        let n_symbols = symbols.len();
        if let Some(last) = symbols.last_mut() {
            last.after = None;
        }
        let mut pairs = BinaryHeap::new();
        let consider = |pairs: &mut BinaryHeap<Pair>, symbols: &[Symbol], left: usize, right: usize| {
            let (start, len) = (symbols[left].start, symbols[left].len + symbols[right].len);
            if let Some(&id) = self.ids.get(&text[start..start + len]) {
                pairs.push(Pair { score: self.scores[id as usize], left, right, len });
            }
        };
        for right in 1..n_symbols {
            consider(&mut pairs, &symbols, right - 1, right);
        }
        while let Some(Pair { left, right, len, .. }) = pairs.pop() {
            // One of the two may have been joined to another since.
            if symbols[left].len == 0 || symbols[right].len == 0 || symbols[left].len + symbols[right].len != len {
                continue;
            }
            symbols[left].len = len;
            symbols[right].len = 0;
            symbols[left].after = symbols[right].after;
            if let Some(after) = symbols[left].after {
                symbols[after].before = Some(left);
                consider(&mut pairs, &symbols, left, after);
            }
            if let Some(before) = symbols[left].before {
                consider(&mut pairs, &symbols, before, left);
            }
        }
        for symbol in symbols.iter().filter(|symbol| symbol.len > 0) {
            let piece = &text[symbol.start..symbol.start + symbol.len];
            match self.ids.get(piece) {
                Some(&id) => ids.push(id),
                None => ids.extend(piece.bytes().map(|byte| self.bytes[usize::from(byte)])),
            }
        }
    }
}

struct Symbol {
    start: usize,
    /// Nought once it is part of its left neighbour.
    len: usize,
    before: Option<usize>,
    after: Option<usize>,
}

struct Pair {
    score: f32,
    left: usize,
    right: usize,
    len: usize,
}

impl Ord for Pair {
    fn cmp(&self, other: &Pair) -> std::cmp::Ordering {
        self.score.total_cmp(&other.score).then(other.left.cmp(&self.left))
    }
}

impl PartialOrd for Pair {
    fn partial_cmp(&self, other: &Pair) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Pair {
    fn eq(&self, other: &Pair) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Pair {}

/// The bytes behind the text by which a vocabulary calls a token.
fn bytes_of(text: &str, by_bytes: bool, verbatim: bool) -> Vec<u8> {
    if verbatim {
        return text.into();
    }
    if by_bytes {
        return text.chars().map(byte_of).collect::<Option<_>>().unwrap_or_else(|| text.into());
    }
    let byte = text.strip_prefix("<0x").and_then(|rest| rest.strip_suffix('>')).filter(|hex| hex.len() == 2);
    match byte.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
        Some(byte) => vec![byte],
        None => text.replace('\u{2581}', " ").into(),
    }
}

/// GPT-2 writes bytes as letters: those that can be seen as themselves, the others from U+0100 on.
fn byte_of(letter: char) -> Option<u8> {
    let seen = |byte: u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    match u32::from(letter) {
        code @ 0..=0xFF => u8::try_from(code).ok().filter(|byte| seen(*byte)),
        code => (0..=255).filter(|byte| !seen(*byte)).nth(code as usize - 0x100),
    }
}

fn strings(value: Option<&Value>) -> Option<Vec<String>> {
    value?.to_vec().ok()?.iter().map(|item| item.to_string().ok().cloned()).collect()
}

fn numbers(value: Option<&Value>) -> Option<Vec<f64>> {
    value?.to_vec().ok()?.iter().map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_one_letter() {
        let letters = (0..0x200).filter_map(char::from_u32);
        let mut bytes: Vec<u8> = letters.filter_map(byte_of).collect();
        bytes.sort_unstable();
        assert_eq!(bytes, (0..=255).collect::<Vec<u8>>());
        assert_eq!(byte_of('Ġ'), Some(b' '));
        assert_eq!(byte_of('▁'), None);
    }

    #[test]
    fn the_best_pair_is_joined_first_and_the_rest_falls_to_bytes() {
        let mut texts: Vec<String> = (0..256).map(|byte| format!("<0x{byte:02X}>")).collect();
        let mut scores = vec![0.0; 256];
        for (text, score) in [("\u{2581}", -9.0), ("a", -9.0), ("b", -9.0), ("ab", -2.0), ("ba", -1.0), ("\u{2581}a", -3.0)] {
            texts.push(text.into());
            scores.push(score);
        }
        let pieces = Pieces::new(&texts, &|id| if id < 256 { 6 } else { NORMAL }, &scores, true, None).unwrap();
        let mut ids = Vec::new();
        pieces.cut("aba é", &mut ids);
        let said: Vec<&str> = ids.iter().map(|id| texts[*id as usize].as_str()).collect();
        assert_eq!(said, ["\u{2581}a", "ba", "\u{2581}", "<0xC3>", "<0xA9>"]);
    }
}
