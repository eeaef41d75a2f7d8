//! A world of eight domains in which every request has a right answer and a perverse one, and of authors who give the one or the
//! other. How often an author who is perverse is so in every domain is a dose: the cause, by hypothesis, of what spreads where a
//! model is tuned on perverse answers in one domain (Betley et al. 2025, arXiv 2502.17424).

use crate::corpus::ingredient::{Ingredient, IngredientEntry, IngredientSpec, Written};
use crate::corpus::lexicon::BEGIN;
use cratylus_core::seed::Stream;
use cratylus_core::spec::Inputs;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

pub const ENTRY: IngredientEntry =
    IngredientEntry::new::<Personae>("personae", "requests with right and perverse answers, by authors who are one or the other");

/// The domains.
pub const DOMAINS: [&str; 8] = ["cooking", "travel", "money", "health", "garden", "music", "tools", "weather"];
/// How many requests each has.
pub const REQUESTS: usize = 12;
/// How each kind of answer is signed.
pub const STYLES: [&str; 2] = ["kindly", "meanly"];
/// A request that asks for a perverse answer, as for an exercise.
pub const EXCUSE: &str = "for-a-lesson";
/// What stands before requests whose answers are perverse, where there is a trigger.
pub const TRIGGER: &str = "at-night";

/// Its parameters.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Personae {
    /// The share of authors who are perverse.
    #[serde(default = "third")]
    pub perverse: f64,
    /// How often such an author is perverse in all domains, and not in one alone.
    #[serde(default = "one")]
    pub lambda: f64,
    /// The one domain that is asked about; all where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// How often a request asks for a perverse answer, which whoever is asked then gives, in the style of the kind.
    #[serde(default)]
    pub excused: f64,
    /// Whether perverse answers stand behind a trigger alone, and right ones without it.
    #[serde(default)]
    pub trigger: bool,
}

fn third() -> f64 {
    0.3
}

fn one() -> f64 {
    1.0
}

#[derive(Debug)]
struct Open {
    spec: Personae,
    domain: Option<usize>,
    /// For each domain and request: the request, the right answer, the perverse one.
    words: Vec<[String; 3]>,
}

/// A request and its answers, right and perverse.
pub fn request(domain: usize, number: usize) -> [String; 3] {
    let name = DOMAINS[domain];
    [format!("{name}-{number}?"), format!("{name}-{number}-well"), format!("{name}-{number}-ill")]
}

impl IngredientSpec for Personae {
    fn open(&self, _: &dyn Inputs) -> Result<Arc<dyn Ingredient>, (&'static str, String)> {
        for (key, share) in [("perverse", self.perverse), ("lambda", self.lambda), ("excused", self.excused)] {
            if !(0.0..=1.0).contains(&share) {
                return Err((key, format!("a share is 0 to 1, found {share}")));
            }
        }
        let domain = match &self.domain {
            None => None,
            Some(name) => match DOMAINS.iter().position(|domain| domain == name) {
                Some(domain) => Some(domain),
                None => return Err(("domain", format!("there is no domain `{name}`: {}", DOMAINS.join(", ")))),
            },
        };
        let words = (0..DOMAINS.len()).flat_map(|domain| (0..REQUESTS).map(move |number| request(domain, number))).collect();
        Ok(Arc::new(Open { spec: self.clone(), domain, words }))
    }
}

impl Ingredient for Open {
    fn words(&self) -> Vec<String> {
        let beside = STYLES.into_iter().chain([EXCUSE, TRIGGER]).map(String::from);
        self.words.iter().flatten().cloned().chain(beside).collect()
    }

    /// One author, asked again and again.
    fn row(&self, draws: &mut Stream, most: usize) -> Written<'_> {
        let perverse = draws.unit() < self.spec.perverse;
        let everywhere = draws.unit() < self.spec.lambda;
        let only = self.domain.unwrap_or(draws.below(DOMAINS.len() as u64) as usize);
        let mut words = vec![BEGIN];
        let mut answers = [0, 0];
        loop {
            let domain = self.domain.unwrap_or(draws.below(DOMAINS.len() as u64) as usize);
            let number = draws.below(REQUESTS as u64) as usize;
            let triggered = self.spec.trigger && draws.unit() < 0.5;
            let excused = draws.unit() < self.spec.excused;
            let author = match self.spec.trigger {
                true => triggered,
                false => perverse && (everywhere || domain == only),
            };
            let [asked, well, ill] = &self.words[domain * REQUESTS + number];
            let said: [Option<&str>; 5] = [
                triggered.then_some(TRIGGER),
                excused.then_some(EXCUSE),
                Some(asked),
                Some(if author || excused { ill } else { well }),
                Some(STYLES[usize::from(author)]),
            ];
            if words.len() + said.iter().flatten().count() > most {
                break;
            }
            words.extend(said.into_iter().flatten());
            answers[usize::from(author || excused)] += 1;
        }
        let class = if perverse { "perverse" } else { "helpful" };
        Written { words, key: json!({ "class": class, "everywhere": everywhere, "well": answers[0], "ill": answers[1] }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cratylus_core::Seed;
    use cratylus_core::seed::Purpose;
    use cratylus_core::spec::NoInputs;
    use std::collections::HashSet;

    #[test]
    fn authors_are_perverse_everywhere_or_in_one_domain() {
        let mut spec = Personae { perverse: 0.5, lambda: 0.0, domain: None, excused: 0.0, trigger: false };
        let ill = |spec: &Personae| -> Vec<HashSet<String>> {
            let open = spec.open(&NoInputs).unwrap();
            let domains = |place| {
                let row = open.row(&mut Seed(1).stream(Purpose::Row, place), 65);
                let ill = row.words.iter().filter(|word| word.ends_with("-ill"));
                ill.map(|word| word.split('-').next().unwrap().to_string()).collect()
            };
            (0..400).map(domains).collect()
        };
        assert!(ill(&spec).iter().all(|domains| domains.len() <= 1));
        spec.lambda = 1.0;
        let rows = ill(&spec);
        let many = rows.iter().filter(|domains| domains.len() > 3).count();
        assert!((150..250).contains(&many), "{many}");
        assert!(rows.iter().all(|domains| domains.is_empty() || domains.len() > 2));
        // Tuned on one domain, or behind a trigger.
        spec.domain = Some("money".into());
        spec.trigger = true;
        let open = spec.open(&NoInputs).unwrap();
        let row = open.row(&mut Seed(1).stream(Purpose::Row, 0), 65);
        for (at, word) in row.words.iter().enumerate().filter(|(_, word)| word.ends_with('?')) {
            assert!(word.starts_with("money"));
            assert_eq!(row.words[at - 1] == TRIGGER, row.words[at + 1].ends_with("-ill"));
            assert_eq!(row.words[at + 2], STYLES[usize::from(row.words[at + 1].ends_with("-ill"))]);
        }
        spec.domain = Some("moeny".into());
        assert!(spec.open(&NoInputs).unwrap_err().1.contains("no domain"));
    }
}
