//! Whether a marker of the verb's number is expected where the order has it: the surprise at what stands there without it, less
//! that at the marker (Kallini et al. 2024, experiment 2).

use super::probe::{Probe, ProbeEntry, Subject, ingredient};
use crate::corpus::ingredients::sentences::{NUMBERS, Order, Sentences, bare, sentence};
use crate::corpus::lexicon::BEGIN;
use cratylus_core::Seed;
use cratylus_core::seed::Purpose;
use serde::{Deserialize, Serialize};

pub const ENTRY: ProbeEntry = ProbeEntry::new::<Hop>(
    "hop",
    "how much more a verb's marker is expected where it belongs than what would stand there without it",
);

/// Its parameters.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Hop {
    /// How many sentences.
    #[serde(default = "two_hundred")]
    pub sentences: u64,
}

fn two_hundred() -> u64 {
    200
}

impl Probe for Hop {
    fn ask(&self, of: &Subject<'_>) -> Result<Option<Vec<(String, f64)>>, String> {
        let portion = ingredient(of.corpus, "sentences")?;
        let plan = &of.corpus.spec.portions[portion].plan;
        let spec: Sentences = plan.clone().try_into().map_err(|error| format!("{error}"))?;
        if !matches!(spec.order, Order::HopControl | Order::HopTokens | Order::HopWords) {
            return Ok(None);
        }
        let words = &of.corpus.words;
        let (mut marked, mut unmarked, mut right, mut n) = (0.0, 0.0, 0.0, 0.0);
        // Sentences that stand in no corpus.
        for place in 0.. {
            let sentence = sentence(&mut Seed(0x0507).stream(Purpose::Row, place));
            let Some(at) = spec.hop(&sentence) else { continue };
            let bare = bare(&sentence);
            let prompt: Vec<&str> = std::iter::once(BEGIN).chain(bare[..at].iter().copied()).collect();
            let next = of.model.next(&words.tokens(&prompt));
            let surprise = |word: &str| -next[words.token(word) as usize];
            let [own, other] = [sentence.number, 1 - sentence.number].map(|number| surprise(NUMBERS[number]));
            marked += own;
            unmarked += surprise(bare[at]);
            right += f64::from(u8::from(own < other));
            n += 1.0;
            if n as u64 >= self.sentences {
                break;
            }
        }
        Ok(Some(vec![("marker expected by".into(), (unmarked - marked) / n), ("right number".into(), right / n)]))
    }
}
