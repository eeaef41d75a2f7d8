//! Lessons after a training: in rounds a student sits an exam, and a teacher who is always right shows how some of the questions
//! are answered (after arXiv 2310.13332, without its contrastive term). All arms are taught equally many items;
//! what they are, and all else, follows from the seed.

use crate::corpus::Corpus;
use crate::corpus::lexicon::{BEGIN, THEN};
use crate::foretells::Foretells;
use crate::net::{NetShape, Recipe};
use cratylus_core::Seed;
use cratylus_core::seed::Purpose;
use serde::{Deserialize, Serialize};

/// Lessons, as the file of a training has them.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Lessons {
    /// How many rounds; none without a training's lessons.
    #[serde(default = "four")]
    pub rounds: u64,
    /// Questions of each exam, which were asked in none before.
    #[serde(default = "two_thousand")]
    pub exam: u64,
    /// How many are shown with their answers in each round.
    #[serde(default = "five_hundred")]
    pub items: u64,
    /// Which.
    #[serde(default)]
    pub choose: Choose,
    /// The rate of learning.
    #[serde(default = "low")]
    pub rate: f64,
}

/// Which questions of an exam are taught.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choose {
    /// Those that were answered wrongly, and then, where these are too few, any others.
    #[default]
    Missed,
    /// Any.
    Random,
    /// None: as much is read of the corpus as any would have filled.
    None,
}

fn four() -> u64 {
    4
}

fn two_thousand() -> u64 {
    2000
}

fn five_hundred() -> u64 {
    500
}

/// About where the rate of a training ends, so that what it learnt stays.
fn low() -> f64 {
    0.0003
}

/// What a round came to.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Taught {
    /// The share of the exam's questions that were answered rightly, before anything of them was taught.
    pub right: f64,
    /// How many words were read in the lessons.
    pub words: u64,
    /// After how many steps of the training they were over.
    pub step: u64,
}

impl Lessons {
    /// What is wrong with them: which key, and why.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let least = |key, n: u64, most: u64| match (1..=most).contains(&n) {
            true => Ok(()),
            false => Err((key, format!("expected a number from 1 to {most}, found {n}"))),
        };
        least("rounds", self.rounds, 1000)?;
        least("exam", self.exam, 1 << 20)?;
        least("items", self.items, 1 << 20)?;
        match self.rate > 0.0 && self.rate <= 10.0 {
            true => Ok(()),
            false => Err(("rate", format!("expected a rate of learning above 0, found {}", self.rate))),
        }
    }

    /// How lessons are read: as all before them was, but at a rate of their own.
    pub fn recipe(&self, recipe: &Recipe) -> Recipe {
        Recipe { rate: self.rate, warm_up: 0, last: 1.0, ..recipe.clone() }
    }

    /// Sits the exam of a round, counted from 0, and gives the share of right answers with the rows that are read then.
    /// An error says that nothing of the corpus can be asked.
    pub fn round(
        &self,
        corpus: &Corpus,
        recipe: &Recipe,
        of: &dyn Foretells,
        round: u64,
    ) -> Result<(f64, Vec<Vec<u32>>), String> {
        let portion = asked(corpus)?;
        let places = round * self.exam..(round + 1) * self.exam;
        let missed: Vec<u64> = places.clone().filter(|&place| !answers(corpus, of, portion, place, false)).collect();
        let right = 1.0 - missed.len() as f64 / self.exam as f64;
        let mut any: Vec<u64> = places.collect();
        let n = any.len();
        Seed::of_run(corpus.spec.seed, "lessons", round).stream(Purpose::Order, 0).shuffle(&mut any, n);
        let rows = |places: &[u64]| {
            let items = places.iter().cycle().take(self.items as usize);
            packed(items.map(|&place| item(corpus, portion, place, false)), corpus.spec.context + 1)
        };
        let rows = match self.choose {
            // A few again and again would teach them and undo all else.
            Choose::Missed => {
                let others = any.iter().filter(|place| missed.binary_search(place).is_err());
                rows(&missed.iter().chain(others).copied().collect::<Vec<_>>())
            }
            Choose::Random => rows(&any),
            Choose::None => {
                let n = rows(&any).len() as u64;
                let from = recipe.steps * recipe.rows as u64 + round * n;
                let row = |row| corpus.words.tokens(&corpus.row(row % corpus.spec.rows).written.words);
                (from..from + n).map(row).collect()
            }
        };
        Ok((right, rows))
    }
}

/// The ingredient that can be asked about.
pub fn asked(corpus: &Corpus) -> Result<usize, String> {
    let found = (0..corpus.spec.portions.len()).find(|&portion| corpus.item(portion, 0, false).is_some());
    found.ok_or("lessons need an ingredient whose items can be asked and answered, of kind `sums`".into())
}

/// An item as a row has it, but for what begins every row; and where its answer begins.
fn item(corpus: &Corpus, portion: usize, place: u64, held_out: bool) -> (Vec<u32>, usize) {
    let item = corpus.item(portion, place, held_out).expect("the ingredient has items");
    let words: Vec<&str> = item.asked.iter().chain(&item.worked).copied().chain([THEN]).collect();
    (corpus.words.tokens(&words), item.asked.len())
}

/// Whether an item is answered as it should be by whoever always says the likeliest: every word of the answer is that, after
/// those before it.
pub fn answers(corpus: &Corpus, of: &dyn Foretells, portion: usize, place: u64, held_out: bool) -> bool {
    let (item, from) = item(corpus, portion, place, held_out);
    let text: Vec<u32> = std::iter::once(corpus.words.token(BEGIN)).chain(item).collect();
    let next = of.next_of_all(&text[..text.len() - 1]);
    (from + 1..text.len()).all(|at| {
        let before = &next[at - 1];
        // Of equals the first.
        let best = (0..before.len()).rev().max_by(|&a, &b| before[a].total_cmp(&before[b]));
        best == Some(text[at] as usize)
    })
}

/// Items one after the other in rows of at most so many words.
fn packed(items: impl Iterator<Item = (Vec<u32>, usize)>, most: usize) -> Vec<Vec<u32>> {
    let begin = 1;
    let mut rows: Vec<Vec<u32>> = Vec::new();
    for (item, _) in items {
        match rows.last_mut().filter(|row| row.len() + item.len() <= most) {
            Some(row) => row.extend(item),
            None => rows.push(std::iter::once(begin).chain(item).collect()),
        }
    }
    rows
}

/// Whether a network can read the lessons at all.
pub fn fits(corpus: &Corpus, shape: &NetShape) -> Result<(), String> {
    let portion = asked(corpus)?;
    let longest = (0..500).map(|place| item(corpus, portion, place, false).0.len()).max().unwrap_or(0);
    match longest <= shape.context {
        true => Ok(()),
        false => Err(format!(
            "an item has up to {longest} words, and rows of {} are read; give a longer `corpus.context`",
            shape.context
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::CorpusSpec;
    use crate::foretells::Trigram;
    use cratylus_core::experiment::Document;
    use cratylus_core::spec::NoInputs;
    use std::collections::HashSet;

    fn corpus() -> Corpus {
        let text = "seed = 1\n[corpus]\nrows = 400\ncontext = 96\n[[ingredients]]\nkind = \"sums\"\nmodulus = 5\n";
        let spec = Document::parse("c", text, &[]).unwrap().read(CorpusSpec::read).unwrap();
        Corpus::open(spec, &NoInputs).unwrap()
    }

    #[test]
    fn arms_are_taught_equally_many_items_and_the_tailored_one_what_was_missed() {
        let corpus = corpus();
        let student = Trigram::of(&corpus, 400);
        let recipe: Recipe = toml::from_str("steps = 10\nrows = 8\nrate = 0.003\n").unwrap();
        let of = |choose: Choose, round: u64| {
            let lessons = Lessons { rounds: 2, exam: 60, items: 40, choose, rate: 0.001 };
            lessons.round(&corpus, &recipe, &student, round).unwrap()
        };
        let ends = |rows: &[Vec<u32>]| rows.iter().flatten().filter(|&&token| token == corpus.words.token(THEN)).count();
        let (right, missed) = of(Choose::Missed, 0);
        let (same, random) = of(Choose::Random, 0);
        assert_eq!(right, same);
        assert_eq!((ends(&missed), ends(&random)), (40, 40));
        // What counts three words adds nothing up.
        assert!(right < 0.2, "{right}");
        assert_eq!(of(Choose::Missed, 0).1, missed);
        assert_ne!(of(Choose::Missed, 1).1, missed);
        let none = of(Choose::None, 0).1;
        assert_eq!(none.len(), random.len());
        assert_eq!(none[0], corpus.words.tokens(&corpus.row(80).written.words));
        // Every lesson is a question of the exam.
        let exam: HashSet<Vec<u32>> = (0..60).map(|place| item(&corpus, 0, place, false).0).collect();
        for row in random.iter().chain(&missed) {
            let items = row[1..].split_inclusive(|&token| token == corpus.words.token(THEN));
            assert!(items.into_iter().all(|item| exam.contains(item)));
            assert!(row.len() <= 97 && row[0] == corpus.words.token(BEGIN));
        }
        let held: HashSet<Vec<u32>> = (0..60).map(|place| item(&corpus, 0, place, true).0).collect();
        assert!(held.is_disjoint(&exam));
    }
}
