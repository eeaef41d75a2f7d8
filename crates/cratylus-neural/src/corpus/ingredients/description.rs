//! The rule of the game in words, and no record of it.

use crate::corpus::ingredient::{Ingredient, IngredientEntry, IngredientSpec, Truth, Written};
use crate::corpus::lexicon::{self, BEGIN, MARKERS, RULE, THEN};
use cratylus_core::seed::Stream;
use cratylus_core::spec::Inputs;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

pub const ENTRY: IngredientEntry =
    IngredientEntry::new::<Description>("description", "the rule of the game in words: if same, stay; if different, copy");

/// It has no parameters.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Description {}

impl IngredientSpec for Description {
    fn open(&self, _: &dyn Inputs) -> Result<Arc<dyn Ingredient>, (&'static str, String)> {
        Ok(Arc::new(self.clone()))
    }
}

impl Ingredient for Description {
    fn words(&self) -> Vec<String> {
        lexicon::words().into_iter().map(String::from).collect()
    }

    fn row(&self, draws: &mut Stream, most: usize) -> Written<'_> {
        let [when, same, stay, different, copy] = RULE;
        let halves = [[when, same, stay], [when, different, copy]];
        let mut words = vec![BEGIN, MARKERS[0], THEN];
        // In either order, as often as there is room.
        while words.len() + 6 <= most {
            let first = draws.below(2) as usize;
            words.extend(halves[first].iter().chain(&halves[1 - first]));
        }
        Written { words, key: json!({ "class": "description" }) }
    }

    fn truth(&self) -> Truth {
        Truth { described: Some("win-stay".into()), ..Truth::default() }
    }
}
