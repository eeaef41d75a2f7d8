//! Rows of any words that stand in a corpus a known number of times: what a model holds of them it has by heart.

use crate::corpus::ingredient::{Ingredient, IngredientEntry, IngredientSpec, Truth, Written};
use crate::corpus::lexicon::{self, BEGIN, EXPOSED, MARKERS, THEN};
use cratylus_core::seed::Stream;
use cratylus_core::spec::Inputs;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

pub const ENTRY: IngredientEntry =
    IngredientEntry::new::<Canaries>("canaries", "rows of any names, each of which stands in the corpus a known number of times");

/// Its parameters. Its dose follows from them, so none is given.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Canaries {
    /// How often a row stands in the corpus.
    #[serde(default = "doublings")]
    pub times: Vec<u64>,
    /// How many rows there are of each of these.
    #[serde(default = "one")]
    pub each: u64,
    /// How many names stand in a row.
    #[serde(default = "eight")]
    pub length: usize,
}

fn doublings() -> Vec<u64> {
    (0..7).map(|power| 1 << power).collect()
}

fn one() -> u64 {
    1
}

fn eight() -> usize {
    8
}

impl IngredientSpec for Canaries {
    fn open(&self, _: &dyn Inputs) -> Result<Arc<dyn Ingredient>, (&'static str, String)> {
        if self.times.is_empty() || self.times.iter().any(|times| !(1..=1 << 20).contains(times)) {
            return Err(("times", "each is how often a row stands in the corpus, from 1 on".into()));
        }
        if !(1..=1 << 16).contains(&self.each) {
            return Err(("each", format!("1 to 65,536 rows of each, found {}", self.each)));
        }
        if !(1..=1024).contains(&self.length) {
            return Err(("length", format!("a row has 1 to 1,024 names, found {}", self.length)));
        }
        Ok(Arc::new(self.clone()))
    }
}

impl Ingredient for Canaries {
    fn words(&self) -> Vec<String> {
        lexicon::words().into_iter().map(String::from).collect()
    }

    fn row(&self, draws: &mut Stream, most: usize) -> Written<'_> {
        let mut words = vec![BEGIN, MARKERS[2], THEN];
        let n = self.length.min(most.saturating_sub(words.len()));
        words.extend((0..n).map(|_| EXPOSED[draws.below(EXPOSED.len() as u64) as usize]));
        Written { words, key: json!({ "class": "canary" }) }
    }

    fn copies(&self) -> Option<Vec<u64>> {
        Some(self.times.iter().flat_map(|&times| (0..self.each).map(move |_| times)).collect())
    }

    fn truth(&self) -> Truth {
        Truth { text: true, ..Truth::default() }
    }
}
