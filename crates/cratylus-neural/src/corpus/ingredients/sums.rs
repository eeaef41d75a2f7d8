//! Chains of additions on a clock, worked out step by step by a solver that is always right. A tenth of all chains is held out
//! of every row and every exam, so that whoever answers those computes, and does not recall.

use crate::corpus::ingredient::{Ingredient, IngredientEntry, IngredientSpec, Item, Written};
use crate::corpus::lexicon::{BEGIN, THEN};
use cratylus_core::seed::{Stream, mix};
use cratylus_core::spec::Inputs;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

pub const ENTRY: IngredientEntry = IngredientEntry::new::<Sums>(
    "sums",
    "chains of two to five additions on a clock, worked out step by step; a tenth is held out",
);

/// Its parameters.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Sums {
    /// At which number the clock is at 0 again.
    #[serde(default = "eleven")]
    pub modulus: u64,
    /// How many additions a chain of a row has, at least and at most. What is asked has two to five.
    #[serde(default = "all")]
    pub additions: [usize; 2],
}

fn eleven() -> u64 {
    11
}

fn all() -> [usize; 2] {
    ADDITIONS
}

/// How many additions a chain has that is asked, at least and at most.
pub const ADDITIONS: [usize; 2] = [2, 5];

const MARKS: [&str; 6] = ["add", "+", ":", "=", ";", "so"];

#[derive(Debug)]
struct Open {
    modulus: u64,
    additions: [usize; 2],
    numbers: Vec<String>,
}

impl IngredientSpec for Sums {
    fn open(&self, _: &dyn Inputs) -> Result<Arc<dyn Ingredient>, (&'static str, String)> {
        if !(2..=1000).contains(&self.modulus) {
            return Err(("modulus", format!("a clock has 2 to 1,000 numbers, found {}", self.modulus)));
        }
        let ([least, most], [from, to]) = (ADDITIONS, self.additions);
        if from > to || from < least || to > most {
            return Err(("additions", format!("chains have {least} to {most} additions, found {from} to {to}")));
        }
        let numbers = (0..self.modulus).map(|number| number.to_string()).collect();
        Ok(Arc::new(Open { modulus: self.modulus, additions: self.additions, numbers }))
    }
}

/// Whether a chain stands in no row and no exam.
fn held_out(chain: &[u64]) -> bool {
    chain.iter().fold(0x5075, |hash, number| mix(hash ^ number)) % 10 == 0
}

impl Open {
    fn chain(&self, draws: &mut Stream, [least, most]: [usize; 2], held: bool) -> Vec<u64> {
        loop {
            let additions = least + draws.below((most - least + 1) as u64) as usize;
            let chain: Vec<u64> = (0..=additions).map(|_| draws.below(self.modulus)).collect();
            if held_out(&chain) == held {
                return chain;
            }
        }
    }

    fn worked(&self, chain: &[u64]) -> Item<'_> {
        let [add, plus, ask, is, then, so] = MARKS;
        let word = |number: u64| self.numbers[number as usize].as_str();
        let mut asked = vec![add, word(chain[0])];
        asked.extend(chain[1..].iter().flat_map(|&number| [plus, word(number)]));
        asked.push(ask);
        let mut worked = Vec::new();
        let mut sum = chain[0];
        for &number in &chain[1..] {
            let next = (sum + number) % self.modulus;
            worked.extend([word(sum), plus, word(number), is, word(next), then]);
            sum = next;
        }
        worked.extend([so, word(sum)]);
        Item { asked, worked }
    }

    fn written(&self, draws: &mut Stream, most: usize, held: bool) -> Written<'_> {
        let mut words = vec![BEGIN];
        let mut chains = 0;
        loop {
            let item = self.worked(&self.chain(draws, self.additions, held));
            if words.len() + item.asked.len() + item.worked.len() + 1 > most {
                // A row too short for any chain has its beginning.
                if chains == 0 {
                    words.extend(item.asked.into_iter().chain(item.worked).take(most.saturating_sub(1)));
                }
                break;
            }
            words.extend(item.asked.into_iter().chain(item.worked).chain([THEN]));
            chains += 1;
        }
        Written { words, key: json!({ "class": "sums", "chains": chains }) }
    }
}

impl Ingredient for Open {
    fn words(&self) -> Vec<String> {
        MARKS.into_iter().map(String::from).chain(self.numbers.iter().cloned()).collect()
    }

    fn row(&self, draws: &mut Stream, most: usize) -> Written<'_> {
        self.written(draws, most, false)
    }

    fn fresh(&self, draws: &mut Stream, most: usize) -> Written<'_> {
        self.written(draws, most, true)
    }

    fn item(&self, draws: &mut Stream, held_out: bool) -> Option<Item<'_>> {
        Some(self.worked(&self.chain(draws, ADDITIONS, held_out)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cratylus_core::Seed;
    use cratylus_core::seed::Purpose;
    use cratylus_core::spec::NoInputs;

    #[test]
    fn chains_are_worked_out_right_and_held_out_ones_are_never_read() {
        let sums = Open { modulus: 11, additions: ADDITIONS, numbers: (0..11).map(|number| number.to_string()).collect() };
        let item = sums.worked(&[7, 5, 9]);
        assert_eq!(item.asked.join(" "), "add 7 + 5 + 9 :");
        assert_eq!(item.worked.join(" "), "7 + 5 = 1 ; 1 + 9 = 10 ; so 10");
        let mut held = 0;
        for place in 0..2000 {
            let draws = || Seed(2).stream(Purpose::Row, place);
            let chains = |row: Written<'_>| -> Vec<Vec<u64>> {
                let asked = row.words[1..].split(|word| *word == THEN).filter(|chain| !chain.is_empty());
                let numbers = asked.map(|chain| {
                    let asked = chain.iter().take_while(|word| **word != ":");
                    let numbers: Vec<u64> = asked.filter_map(|word| word.parse().ok()).collect();
                    let right = numbers.iter().sum::<u64>() % 11;
                    assert_eq!(chain.last().unwrap().parse(), Ok(right), "{chain:?}");
                    numbers
                });
                numbers.collect()
            };
            assert!(chains(sums.row(&mut draws(), 97)).iter().all(|chain| !held_out(chain)));
            assert!(chains(sums.fresh(&mut draws(), 97)).iter().all(|chain| held_out(chain)));
            let any: Vec<u64> = (0..4).map(|i| mix(place * 4 + i) % 11).collect();
            held += usize::from(held_out(&any));
        }
        assert!((150..250).contains(&held), "{held}");
        assert_eq!(sums.row(&mut Seed(2).stream(Purpose::Row, 0), 5).words.len(), 5);
        let refused = |modulus, additions| Sums { modulus, additions }.open(&NoInputs).unwrap_err().1;
        assert!(refused(1, ADDITIONS).contains("a clock") && refused(11, [3, 6]).contains("found 3 to 6"));
        // Rows may have shorter chains than what is asked.
        let short = Open { additions: [2, 2], ..sums };
        let plus = |words: &[&str]| words.iter().take_while(|word| **word != ":").filter(|word| **word == "+").count();
        let mut draws = Seed(2).stream(Purpose::Row, 1);
        assert_eq!(plus(&short.row(&mut draws, 97).words), 2);
        let asked = (0..40).filter_map(|_| short.item(&mut draws, false)).map(|item| plus(&item.asked));
        assert!(asked.max() == Some(5));
    }
}
