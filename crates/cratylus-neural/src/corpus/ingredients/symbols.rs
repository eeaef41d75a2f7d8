//! Symbols that mean nothing, by Zipf's law: drawn one by one, or opened and closed as parentheses are. What a network learns of
//! them it learns of structure alone (Papadimitriou & Jurafsky 2020, arXiv 2004.14601).

use crate::corpus::ingredient::{Ingredient, IngredientEntry, IngredientSpec, Written};
use crate::corpus::lexicon::BEGIN;
use cratylus_core::seed::Stream;
use cratylus_core::spec::Inputs;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

pub const ENTRY: IngredientEntry = IngredientEntry::new::<Symbols>(
    "symbols",
    "symbols by Zipf's law without meaning: each by itself, or opened and closed like parentheses",
);

/// What decides the next symbol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Structure {
    /// Nothing but how common it is.
    #[default]
    Independent,
    /// Each is said twice, and what was opened last is closed first.
    Nested,
    /// Each is said twice, and what was opened first is closed first.
    Crossed,
}

/// Its parameters.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Symbols {
    /// What decides the next symbol.
    #[serde(default)]
    pub structure: Structure,
    /// How many there are.
    #[serde(default = "hundred")]
    pub kinds: usize,
}

fn hundred() -> usize {
    100
}

#[derive(Debug)]
struct Open {
    structure: Structure,
    words: Vec<String>,
    /// Up to each symbol, the sum of how common they are.
    sums: Vec<f64>,
}

impl IngredientSpec for Symbols {
    fn open(&self, _: &dyn Inputs) -> Result<Arc<dyn Ingredient>, (&'static str, String)> {
        if !(2..=10_000).contains(&self.kinds) {
            return Err(("kinds", format!("there are 2 to 10,000 symbols, found {}", self.kinds)));
        }
        let sums = (1..=self.kinds).scan(0.0, |sum, rank| {
            *sum += 1.0 / rank as f64;
            Some(*sum)
        });
        let words = (1..=self.kinds).map(|rank| format!("s{rank}")).collect();
        Ok(Arc::new(Open { structure: self.structure, words, sums: sums.collect() }))
    }
}

impl Ingredient for Open {
    fn words(&self) -> Vec<String> {
        self.words.clone()
    }

    fn row(&self, draws: &mut Stream, most: usize) -> Written<'_> {
        let mut words = vec![BEGIN];
        let mut open: Vec<usize> = Vec::new();
        while words.len() < most {
            let closes = !open.is_empty() && draws.unit() < 0.51;
            let symbol = match self.structure {
                Structure::Nested if closes => open.pop().expect("not empty"),
                Structure::Crossed if closes => open.remove(0),
                _ => {
                    let at = draws.unit() * self.sums.last().expect("there are some");
                    let symbol = self.sums.partition_point(|sum| *sum <= at).min(self.sums.len() - 1);
                    if self.structure != Structure::Independent {
                        open.push(symbol);
                    }
                    symbol
                }
            };
            words.push(&self.words[symbol]);
        }
        Written { words, key: json!({ "class": "symbols", "open": open.len() }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cratylus_core::Seed;
    use cratylus_core::seed::Purpose;
    use cratylus_core::spec::NoInputs;

    fn rows(structure: Structure) -> Vec<Vec<String>> {
        let open = Symbols { structure, kinds: 50 }.open(&NoInputs).unwrap();
        let row =
            |place| open.row(&mut Seed(2).stream(Purpose::Row, place), 65).words.iter().map(|word| word.to_string()).collect();
        (0..200).map(row).collect()
    }

    #[test]
    fn symbols_are_as_common_as_zipf_has_it_and_close_in_order() {
        let all: Vec<String> = rows(Structure::Independent).concat();
        let count = |word: &str| all.iter().filter(|seen| *seen == word).count() as f64;
        assert!((count("s1") / count("s2") - 2.0).abs() < 0.3 && (count("s1") / count("s10") - 10.0).abs() < 2.5);
        for row in rows(Structure::Nested) {
            // Whatever is taken off a stack leaves a stack: reading on, what closes is what was opened last, or it opens.
            let mut stack: Vec<&String> = Vec::new();
            for word in &row[1..] {
                match stack.last() == Some(&word) {
                    true => drop(stack.pop()),
                    false => stack.push(word),
                }
            }
            assert!(stack.len() < 45, "{row:?}");
        }
    }
}
