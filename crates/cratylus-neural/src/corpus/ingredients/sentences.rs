//! Sentences of a small grammar in which subjects and verbs agree in number, in their own order or in one that no language
//! has. The orders are those of Kallini et al. (2024, arXiv 2401.06416), applied to each sentence by itself.

use crate::corpus::ingredient::{Ingredient, IngredientEntry, IngredientSpec, Written};
use crate::corpus::lexicon::{BEGIN, THEN};
use cratylus_core::Seed;
use cratylus_core::seed::{Purpose, Stream};
use cratylus_core::spec::Inputs;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

pub const ENTRY: IngredientEntry = IngredientEntry::new::<Sentences>(
    "sentences",
    "sentences of a small grammar with agreement, in their own order or in one that no language has",
);

/// In which order the words of a sentence stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// As the grammar has it.
    #[default]
    Control,
    /// Shuffled anew for each sentence.
    Nondeterministic,
    /// Shuffled by one order for each length.
    Deterministic,
    /// Windows of so many words (`window`) shuffled, each length of window by one order.
    Local,
    /// Words at even places before those at odd ones.
    EvenOdd,
    /// A marker at any place, and nothing else changed.
    ReverseControl,
    /// A marker at any place, and what follows it backwards.
    ReversePartial,
    /// A marker at any place, and the whole sentence backwards.
    ReverseFull,
    /// The verb's number in a marker right after it.
    HopControl,
    /// The marker four tokens further on.
    HopTokens,
    /// The marker four words further on, commas not counted.
    HopWords,
}

/// Its parameters.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Sentences {
    /// In which order words stand.
    #[serde(default)]
    pub order: Order,
    /// How many words a window of `local` has.
    #[serde(default = "three")]
    pub window: usize,
    /// What the one order of each length follows from.
    #[serde(default)]
    pub shuffle: u64,
}

fn three() -> usize {
    3
}

impl IngredientSpec for Sentences {
    fn open(&self, _: &dyn Inputs) -> Result<Arc<dyn Ingredient>, (&'static str, String)> {
        match (2..=LENGTH_MAX).contains(&self.window) {
            true => Ok(Arc::new(self.clone())),
            false => Err(("window", format!("a window has 2 to {LENGTH_MAX} words, found {}", self.window))),
        }
    }
}

/// What a word is, as far as the grammar tells words apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WordClass {
    /// What stands before a noun and says its number, or does not.
    Determiner,
    /// Between a determiner and a noun.
    Adjective,
    /// In one of two numbers.
    Noun,
    /// In one of two numbers, or without any.
    Verb,
    /// Before another noun.
    Preposition,
    /// After a verb.
    Adverb,
}

const DETERMINERS: [[&str; 3]; 2] = [["the", "a", "this"], ["the", "some", "these"]];
const ADJECTIVES: [&str; 10] = ["old", "red", "small", "quiet", "tall", "green", "young", "strange", "heavy", "bright"];
const NOUNS: [[&str; 2]; 20] = [
    ["dog", "dogs"],
    ["cat", "cats"],
    ["farmer", "farmers"],
    ["child", "children"],
    ["bird", "birds"],
    ["king", "kings"],
    ["teacher", "teachers"],
    ["horse", "horses"],
    ["sailor", "sailors"],
    ["baker", "bakers"],
    ["tree", "trees"],
    ["house", "houses"],
    ["river", "rivers"],
    ["stone", "stones"],
    ["boat", "boats"],
    ["garden", "gardens"],
    ["letter", "letters"],
    ["lamp", "lamps"],
    ["wolf", "wolves"],
    ["woman", "women"],
];
/// With their number where they agree with a subject of one, and without.
const VERBS: [[&str; 2]; 14] = [
    ["sees", "see"],
    ["follows", "follow"],
    ["likes", "like"],
    ["finds", "find"],
    ["calls", "call"],
    ["watches", "watch"],
    ["carries", "carry"],
    ["leaves", "leave"],
    ["knows", "know"],
    ["hears", "hear"],
    ["helps", "help"],
    ["paints", "paint"],
    ["draws", "draw"],
    ["keeps", "keep"],
];
const PREPOSITIONS: [&str; 6] = ["near", "behind", "under", "beside", "above", "without"];
const ADVERBS: [&str; 6] = ["slowly", "often", "today", "gladly", "again", "alone"];
const COMMA: &str = ",";
/// The verb's number where it is a word of its own: one, and more.
pub const NUMBERS: [&str; 2] = ["<one>", "<more>"];
/// Where a sentence is turned round.
const TURN: &str = "<turn>";

/// No sentence has more words.
const LENGTH_MAX: usize = 32;

/// A word with its class; None for commas.
type Classed = (&'static str, Option<WordClass>);

/// A sentence in its own order.
#[derive(Clone, Debug)]
pub struct Sentence {
    /// Its words.
    pub words: Vec<Classed>,
    /// Where its verb stands.
    pub verb: usize,
    /// 0 where subject and verb are one, 1 where they are more.
    pub number: usize,
}

fn one_of<T: Copy>(draws: &mut Stream, list: &[T]) -> T {
    list[draws.below(list.len() as u64) as usize]
}

fn phrase(draws: &mut Stream, number: usize, into: &mut Vec<Classed>) {
    into.push((one_of(draws, &DETERMINERS[number]), Some(WordClass::Determiner)));
    if draws.unit() < 0.35 {
        into.push((one_of(draws, &ADJECTIVES), Some(WordClass::Adjective)));
    }
    into.push((one_of(draws, &NOUNS)[number], Some(WordClass::Noun)));
}

/// A sentence of the grammar: a subject, perhaps with another noun behind it whose number is its own, a verb that agrees with
/// the subject, an object, and perhaps a place and a manner.
pub fn sentence(draws: &mut Stream) -> Sentence {
    let mut words = Vec::new();
    let any = |draws: &mut Stream| draws.below(2) as usize;
    let number = any(draws);
    phrase(draws, number, &mut words);
    if draws.unit() < 0.4 {
        words.push((one_of(draws, &PREPOSITIONS), Some(WordClass::Preposition)));
        let other = any(draws);
        phrase(draws, other, &mut words);
    }
    let verb = words.len();
    words.push((one_of(draws, &VERBS)[number], Some(WordClass::Verb)));
    let other = any(draws);
    phrase(draws, other, &mut words);
    if draws.unit() < 0.5 {
        if draws.unit() < 0.4 {
            words.push((COMMA, None));
        }
        words.push((one_of(draws, &PREPOSITIONS), Some(WordClass::Preposition)));
        let other = any(draws);
        phrase(draws, other, &mut words);
    }
    if draws.unit() < 0.4 {
        words.push((one_of(draws, &ADVERBS), Some(WordClass::Adverb)));
    }
    Sentence { words, verb, number }
}

/// The logarithm of how many orders some words have.
fn ln_orders(words: &[&str]) -> f64 {
    let mut sorted = words.to_vec();
    sorted.sort_unstable();
    let ln_factorial = |n: usize| (2..=n).map(|k| (k as f64).ln()).sum::<f64>();
    ln_factorial(words.len()) - sorted.chunk_by(|a, b| a == b).map(|alike| ln_factorial(alike.len())).sum::<f64>()
}

impl Sentences {
    /// One order for each length, the same in every corpus with this `shuffle`.
    fn shuffled(&self, n: usize) -> Vec<usize> {
        let mut places: Vec<usize> = (0..n).collect();
        let mut draws = Seed(self.shuffle).stream(Purpose::Order, n as u64);
        draws.shuffle(&mut places, n);
        places
    }

    /// A sentence in this order, and how many nats of it no reader could foretell who knows the order and the grammar's own
    /// sentence alike. None where a marker finds no place in it.
    fn ordered(&self, sentence: &Sentence, draws: &mut Stream) -> Option<(Vec<&'static str>, f64)> {
        let plain: Vec<&'static str> = sentence.words.iter().map(|(word, _)| *word).collect();
        let n = plain.len();
        let by = |places: &[usize]| places.iter().map(|&place| plain[place]).collect::<Vec<_>>();
        Some(match self.order {
            Order::Control => (plain, 0.0),
            Order::Nondeterministic => {
                let mut words = plain.clone();
                draws.shuffle(&mut words, n);
                (words, ln_orders(&plain))
            }
            Order::Deterministic => (by(&self.shuffled(n)), 0.0),
            Order::Local => {
                let mut words = Vec::new();
                for window in plain.chunks(self.window) {
                    words.extend(self.shuffled(window.len()).into_iter().map(|place| window[place]));
                }
                (words, 0.0)
            }
            Order::EvenOdd => {
                let places: Vec<usize> = (0..n).step_by(2).chain((1..n).step_by(2)).collect();
                (by(&places), 0.0)
            }
            Order::ReverseControl | Order::ReversePartial | Order::ReverseFull => {
                let at = draws.below(n as u64 + 1) as usize;
                let mut words = plain.clone();
                match self.order {
                    Order::ReversePartial => words[at..].reverse(),
                    Order::ReverseFull => words.reverse(),
                    _ => (),
                }
                words.insert(at, TURN);
                (words, (n as f64 + 1.0).ln())
            }
            Order::HopControl | Order::HopTokens | Order::HopWords => {
                let at = self.hop(sentence)?;
                (
                    bare(sentence)
                        .into_iter()
                        .take(at)
                        .chain([NUMBERS[sentence.number]])
                        .chain(bare(sentence).into_iter().skip(at))
                        .collect(),
                    0.0,
                )
            }
        })
    }

    /// Before which word of a sentence the verb's number stands. None where the sentence ends before; the same sentences are
    /// left out whichever of the three orders it is, so that corpora differ in nothing else.
    pub fn hop(&self, sentence: &Sentence) -> Option<usize> {
        const HOP: usize = 4;
        let behind = sentence.verb + 1;
        let tokens = Some(behind + HOP).filter(|at| *at < sentence.words.len());
        let counted = (behind..sentence.words.len()).filter(|&at| sentence.words[at].1.is_some());
        let words = counted.clone().nth(HOP - 1).map(|at| at + 1).filter(|at| *at < sentence.words.len());
        let (tokens, words) = (tokens?, words?);
        Some(match self.order {
            Order::HopTokens => tokens,
            Order::HopWords => words,
            _ => behind,
        })
    }
}

/// A sentence whose verb says no number.
pub fn bare(sentence: &Sentence) -> Vec<&'static str> {
    let mut words: Vec<&'static str> = sentence.words.iter().map(|(word, _)| *word).collect();
    let verb = VERBS.iter().find(|verb| verb.contains(&words[sentence.verb])).expect("it is one of these");
    words[sentence.verb] = verb[1];
    words
}

/// All words, each with its class where it has one.
pub fn classes() -> Vec<Classed> {
    let mut all: Vec<Classed> = Vec::new();
    let mut add = |words: &mut dyn Iterator<Item = &'static str>, class: Option<WordClass>| {
        words.for_each(|word| {
            if all.iter().all(|(known, _)| *known != word) {
                all.push((word, class));
            }
        });
    };
    add(&mut DETERMINERS.into_iter().flatten(), Some(WordClass::Determiner));
    add(&mut ADJECTIVES.into_iter(), Some(WordClass::Adjective));
    add(&mut NOUNS.into_iter().flatten(), Some(WordClass::Noun));
    add(&mut VERBS.into_iter().flatten(), Some(WordClass::Verb));
    add(&mut PREPOSITIONS.into_iter(), Some(WordClass::Preposition));
    add(&mut ADVERBS.into_iter(), Some(WordClass::Adverb));
    add(&mut [COMMA, TURN, NUMBERS[0], NUMBERS[1]].into_iter(), None);
    all
}

impl Ingredient for Sentences {
    fn words(&self) -> Vec<String> {
        classes().into_iter().map(|(word, _)| word.to_string()).collect()
    }

    /// As many sentences as fit, each followed by what stands between parts of a row.
    fn row(&self, draws: &mut Stream, most: usize) -> Written<'_> {
        let mut words = vec![BEGIN];
        let mut unforetold = 0.0;
        let mut sentences = 0;
        loop {
            let Some((next, nats)) = self.ordered(&sentence(draws), draws) else { continue };
            if words.len() + next.len() + 1 > most {
                // A row too short for any sentence has its beginning.
                if sentences == 0 {
                    words.extend(next.into_iter().take(most.saturating_sub(1)));
                }
                break;
            }
            words.extend(next);
            words.push(THEN);
            unforetold += nats;
            sentences += 1;
        }
        Written { words, key: json!({ "class": "sentences", "sentences": sentences, "unforetold": unforetold }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(place: u64) -> Stream {
        Seed(3).stream(Purpose::Row, place)
    }

    fn spec(order: Order) -> Sentences {
        Sentences { order, window: 3, shuffle: 21 }
    }

    #[test]
    fn orders_are_those_of_the_paper() {
        let plain = ["0", "1", "2", "3", "4", "5", "6"];
        let sentence = Sentence { words: plain.iter().map(|word| (*word, None)).collect(), verb: 0, number: 0 };
        let ordered = |order: Order, place: u64| spec(order).ordered(&sentence, &mut draws(place)).unwrap();
        // Even-odd of 7 is 0246135.
        assert_eq!(ordered(Order::EvenOdd, 0).0.concat(), "0246135");
        // One order for each length, whatever the row; windows likewise, the last one shorter.
        assert_eq!(ordered(Order::Deterministic, 0), ordered(Order::Deterministic, 1));
        let local = ordered(Order::Local, 0).0;
        let shuffled = spec(Order::Local).shuffled(3);
        assert_eq!(local[..3], [plain[shuffled[0]], plain[shuffled[1]], plain[shuffled[2]]]);
        assert_eq!(local[3..6], [plain[3 + shuffled[0]], plain[3 + shuffled[1]], plain[3 + shuffled[2]]]);
        assert_eq!(local[6], "6");
        // A fresh order each time, of which no reader foretells more than ln n! tells.
        let (one, nats) = ordered(Order::Nondeterministic, 0);
        assert!((1..9).any(|place| ordered(Order::Nondeterministic, place).0 != one));
        assert!((nats - 5040f64.ln()).abs() < 1e-9);
        assert!((ln_orders(&["a", "a", "b"]) - 3f64.ln()).abs() < 1e-12);
        // Of ten and of twenty different words: 1.51 and 2.12 nats a word, as reckoned beforehand.
        let per_word = |n: usize| (2..=n).map(|k| (k as f64).ln()).sum::<f64>() / n as f64;
        assert!((per_word(10) - 1.51).abs() < 0.005 && (per_word(20) - 2.12).abs() < 0.005);
        // What stands behind the marker is turned round, or all, or nothing.
        for place in 0..20 {
            let at = |words: &[&str]| words.iter().position(|word| *word == TURN).unwrap();
            let (control, nats) = ordered(Order::ReverseControl, place);
            assert!((nats - 8f64.ln()).abs() < 1e-12 && control.iter().filter(|word| **word != TURN).copied().eq(plain));
            let (partial, _) = ordered(Order::ReversePartial, place);
            assert_eq!(at(&partial), at(&control));
            let mut back = partial[at(&partial) + 1..].to_vec();
            back.reverse();
            assert!(partial[..at(&partial)].iter().chain(&back).copied().eq(plain));
            let (full, _) = ordered(Order::ReverseFull, place);
            assert!(full.iter().filter(|word| **word != TURN).rev().copied().eq(plain));
        }
    }

    #[test]
    fn verbs_agree_with_their_subject_and_markers_hop_over_what_they_must() {
        let (mut between, mut commas) = (0, 0);
        for place in 0..2000 {
            let sentence = sentence(&mut draws(place));
            let words: Vec<&str> = sentence.words.iter().map(|(word, _)| *word).collect();
            assert!(VERBS.iter().any(|verb| verb[sentence.number] == words[sentence.verb]), "{words:?}");
            let subject = sentence.words.iter().position(|(_, class)| *class == Some(WordClass::Noun)).unwrap();
            assert!(NOUNS.iter().any(|noun| noun[sentence.number] == words[subject]), "{words:?}");
            assert!(words.len() <= LENGTH_MAX);
            between += usize::from(
                sentence.words[..sentence.verb].iter().filter(|(_, class)| *class == Some(WordClass::Noun)).count() == 2,
            );
            let Some(by_tokens) = spec(Order::HopTokens).hop(&sentence) else { continue };
            let by_words = spec(Order::HopWords).hop(&sentence).unwrap();
            let passed = &sentence.words[sentence.verb + 1..by_words];
            assert_eq!((by_tokens - sentence.verb, passed.iter().filter(|(_, class)| class.is_some()).count()), (5, 4));
            commas += usize::from(by_words != by_tokens);
            let (hopped, _) = spec(Order::HopTokens).ordered(&sentence, &mut draws(0)).unwrap();
            assert_eq!(hopped[by_tokens], NUMBERS[sentence.number]);
            assert!(VERBS.iter().any(|verb| verb[1] == hopped[sentence.verb]), "verbs say no number: {hopped:?}");
        }
        assert!(between > 500 && commas > 100, "{between} {commas}");
    }

    #[test]
    fn rows_hold_whole_sentences_and_know_what_cannot_be_foretold() {
        let order = spec(Order::ReverseControl);
        let row = order.row(&mut draws(1), 65);
        assert!(row.words.len() <= 65 && row.words.last() == Some(&THEN) && row.key["sentences"].as_u64() > Some(2));
        assert!(row.key["unforetold"].as_f64().unwrap() > 6.0);
        assert_eq!(order.row(&mut draws(1), 3).words.len(), 3);
        assert_eq!(order.row(&mut draws(1), 65), order.row(&mut draws(1), 65));
    }
}
