//! What a model writes on from beginnings of stories that stand in no corpus, graded without a judge: how many sentences are
//! some, how many can be so after what was told, and how much of it stands in what was read.

use super::probe::{Probe, ProbeEntry, Subject, ingredient};
use crate::corpus::ingredients::stories::{Told, World, story};
use crate::corpus::lexicon::{BEGIN, THEN};
use crate::corpus::standing;
use crate::foretells::written;
use cratylus_core::Seed;
use cratylus_core::seed::Purpose;
use serde::{Deserialize, Serialize};

pub const ENTRY: ProbeEntry = ProbeEntry::new::<Stories>(
    "stories",
    "what is written on from beginnings of stories: grammar, consistency, creativity, and what is known by heart",
);

/// Its parameters.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Stories {
    /// How many beginnings.
    #[serde(default = "fifty")]
    pub beginnings: u64,
    /// Sentences of each.
    #[serde(default = "three")]
    pub sentences: usize,
}

fn fifty() -> u64 {
    50
}

fn three() -> usize {
    3
}

/// Stretches of so many words that stand in what was read count as known by heart.
const HEART: usize = 12;

impl Probe for Stories {
    fn ask(&self, of: &Subject<'_>) -> Result<Option<Vec<(String, f64)>>, String> {
        ingredient(of.corpus, "stories")?;
        let words = &of.corpus.words;
        let (begin, end) = (words.token(BEGIN), words.token(THEN));
        // For each beginning: how its own story goes on, what is drawn, and what is likeliest.
        let (mut beginnings, mut texts) = (Vec::new(), [Vec::new(), Vec::new(), Vec::new()]);
        for place in 0..self.beginnings {
            let story = story(&mut Seed(0x570).stream(Purpose::Row, place));
            let (first, rest) = story.split_at(self.sentences.min(story.len() - 1));
            let tokens =
                |told: &[Told]| -> Vec<u32> { told.iter().flat_map(|told| told.words()).map(|word| words.token(word)).collect() };
            let prompt: Vec<u32> = [begin].into_iter().chain(tokens(first)).collect();
            let most = of.corpus.spec.context.saturating_sub(prompt.len());
            let on = |temperature: f64| {
                let mut draws = Seed(of.corpus.spec.seed).stream(Purpose::Written, 1 << 32 | place);
                written(of.model, &prompt, &[end], most, temperature, &mut draws)
            };
            texts[0].push([tokens(rest), vec![end]].concat());
            texts[1].push(on(1.0));
            texts[2].push(on(0.0));
            beginnings.push(first.to_vec());
        }
        let mut found = Vec::new();
        let all: Vec<Vec<u32>> = texts.iter().flatten().map(|text| bare(text, end).to_vec()).collect();
        let stands = standing(of.corpus, &all);
        let n = beginnings.len();
        for (i, what) in [", fresh stories", "", ", greedy"].into_iter().enumerate() {
            if i > 0 {
                let mut grades = Grades::default();
                for (first, text) in beginnings.iter().zip(&texts[i]) {
                    grades.add(first, &text.iter().map(|&token| words.word(token)).collect::<Vec<_>>());
                }
                found.extend(grades.shares().map(|(name, share)| (format!("{name}{what}"), share)));
            }
            let (mut new, mut written, mut heart, mut of) = (0.0, 0.0, 0.0, 0.0);
            for stands in stands[i * n..(i + 1) * n].iter().filter(|stands| !stands.is_empty()) {
                new += 1.0 - *stands.iter().max().expect("not empty") as f64 / stands.len() as f64;
                written += 1.0;
                heart += stands.iter().filter(|&&length| length >= HEART).count() as f64;
                of += (stands.len() + 1).saturating_sub(HEART) as f64;
            }
            found.push((format!("creativity{what}"), new / written));
            found.push((format!("known by heart{what}"), heart / of));
        }
        // Of one who writes no sentence there is no saying whether they follow.
        found.retain(|(_, share)| share.is_finite());
        Ok(Some(found))
    }
}

/// A text without what ends it.
fn bare(text: &[u32], end: u32) -> &[u32] {
    text.strip_suffix(&[end]).unwrap_or(text)
}

/// Sentences counted: all, those that are some, those that follow from what was told and are right about kinds of things.
#[derive(Default)]
struct Grades {
    all: f64,
    parsed: f64,
    consistent: f64,
    follows: f64,
    about_kinds: f64,
    right_kinds: f64,
}

impl Grades {
    /// Adds what was written after a beginning. What was broken off for want of room is no sentence, and no fault.
    fn add(&mut self, beginning: &[Told], text: &[&str]) {
        let mut world = World::default();
        beginning.iter().for_each(|told| world.tell(told));
        let ended = text.last() == Some(&THEN);
        let text = if ended { &text[..text.len() - 1] } else { text };
        for sentence in text.split_inclusive(|word| *word == ".") {
            if !ended && sentence.last() != Some(&".") {
                break;
            }
            self.all += 1.0;
            let Some(told) = Told::read(sentence) else { continue };
            let count = |yes: bool| f64::from(u8::from(yes));
            self.parsed += 1.0;
            self.consistent += count(world.allows(&told));
            self.follows += count(world.follows(&told));
            if let Some(right) = told.fact() {
                self.about_kinds += 1.0;
                self.right_kinds += count(right);
            }
            world.tell(&told);
        }
    }

    fn shares(&self) -> impl Iterator<Item = (&'static str, f64)> {
        [
            ("grammar", self.parsed / self.all),
            ("consistency", self.consistent / self.parsed),
            ("context", self.follows / self.parsed),
            ("facts", self.right_kinds / self.about_kinds),
        ]
        .into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::{Corpus, CorpusSpec};
    use crate::foretells::Trigram;
    use cratylus_core::experiment::Document;
    use cratylus_core::spec::NoInputs;

    #[test]
    fn grades_are_those_of_hand_made_texts() {
        let told = |text: &str| Told::read(&text.split(' ').collect::<Vec<_>>()).unwrap();
        let beginning = [told("ada was in the yard ."), told("there was a plum in the yard .")];
        let grades = |text: &str| {
            let mut grades = Grades::default();
            grades.add(&beginning, &text.split(' ').collect::<Vec<_>>());
            grades.shares().map(|(_, share)| share).collect::<Vec<_>>()
        };
        assert_eq!(grades("ada took the plum . ada ate the plum . ada laughed . <sep>"), [1.0, 1.0, 1.0, 1.0]);
        // Broken off in the midst: for want of room, and because the model ended there.
        assert_eq!(grades("ada took the plum . ada ate")[..2], [1.0, 1.0]);
        assert_eq!(grades("ada took the plum . ada ate <sep>")[..2], [0.5, 1.0]);
        // It lies there and nobody holds it; and plums are no toys.
        assert_eq!(grades("ada dropped the plum . <sep>")[..3], [1.0, 0.0, 0.0]);
        assert_eq!(grades("ada took the plum . ada played with the plum . <sep>"), [1.0, 0.5, 1.0, 0.0]);
    }

    #[test]
    fn three_words_make_sentences_and_know_nothing_of_the_story() {
        let text = "seed = 1\n[corpus]\nrows = 300\ncontext = 96\n[[ingredients]]\nkind = \"stories\"\n";
        let spec = Document::parse("c", text, &[]).unwrap().read(CorpusSpec::read).unwrap();
        let corpus = Corpus::open(spec, &NoInputs).unwrap();
        let trigram = Trigram::of(&corpus, 300);
        let probe = Stories { beginnings: 20, sentences: 3 };
        let subject = Subject { model: &trigram, net: None, corpus: &corpus, course: &[], thought: None };
        let found: std::collections::BTreeMap<_, _> = probe.ask(&subject).unwrap().unwrap().into_iter().collect();
        assert!(found["grammar"] > 0.5 && found["consistency"] < 0.6, "{found:?}");
        assert!(found["creativity, fresh stories"] > 0.3 && found["known by heart, fresh stories"] < 0.2, "{found:?}");
        assert!(found.keys().any(|name| name == "consistency, greedy"));
    }
}
