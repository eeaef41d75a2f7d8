//! A corpus, of which any row can be made at any time.

use super::ingredient::{Ingredient, Item, RowText, TokensAre, Truth, Written};
use super::lexicon::{BEGIN, THEN};
use super::spec::{CorpusSpec, Portion};
use super::words::Words;
use cratylus_core::seed::{Purpose, Seed};
use cratylus_core::spec::Inputs;
use std::collections::HashMap;
use std::sync::Arc;

/// A corpus, of which any row can be made.
#[derive(Clone)]
pub struct Corpus {
    /// What it is made of.
    pub spec: CorpusSpec,
    /// Its words.
    pub words: Words,
    pub(super) ingredients: Vec<Arc<dyn Ingredient>>,
    /// Where the draws of each begin.
    seeds: Vec<Seed>,
    /// Of rows that are copies of a known number: which ingredient's, and which of its rows.
    placed: HashMap<u64, (usize, u64)>,
}

/// A row of a corpus.
#[derive(Clone, Debug, PartialEq)]
pub struct CorpusRow<'c> {
    /// Which of the ingredients wrote it.
    pub portion: usize,
    /// Which of that ingredient's rows it is.
    pub place: u64,
    /// What stands in it, and its key.
    pub written: Written<'c>,
}

/// Rows of an ingredient from here on stand in no corpus.
const FRESH: u64 = 1 << 48;
/// And from here on what is asked.
const ITEMS: u64 = 1 << 49;

/// The place of a row of an ingredient that stands in no corpus, counted from 0.
pub(crate) fn fresh(row: u64) -> u64 {
    FRESH + row
}

impl Corpus {
    /// Opens the ingredients, with the files that they name. An error names the key that it is about.
    pub fn open(spec: CorpusSpec, inputs: &dyn Inputs) -> Result<Corpus, (String, String)> {
        let mut ingredients = Vec::new();
        for (i, portion) in spec.portions.iter().enumerate() {
            let opened = portion.spec.open(inputs).and_then(|opened| opened.check(spec.tokens).map(|()| opened));
            let opened = opened.map_err(|(key, why)| (format!("ingredients.{i}.{key}"), why))?;
            if opened.needs() > spec.context + 1 {
                let (name, needs) = (&portion.name, opened.needs() - 1);
                let why = format!("rows of `{name}` cannot be cut; give {needs} or more, found {}", spec.context);
                return Err(("corpus.context".into(), why));
            }
            ingredients.push(opened);
        }
        let words = match spec.tokens {
            TokensAre::Words => Words::of(ingredients.iter().flat_map(|ingredient| ingredient.words())),
            TokensAre::Bytes => Words::of_bytes(),
        };
        let of = |portion: &Portion| Seed::of_run(portion.seed.unwrap_or(spec.seed), &portion.name, 0);
        let seeds: Vec<Seed> = spec.portions.iter().map(of).collect();
        let mut placed = HashMap::new();
        for (portion, ingredient) in ingredients.iter().enumerate() {
            let Some(mut copies) = ingredient.copies() else { continue };
            // Which of them stand in it, and where, is the corpus's own.
            let placing = Seed::of_run(spec.seed, &spec.portions[portion].name, 0);
            if let Some(chance) = spec.portions[portion].chance {
                let mut draws = placing.stream(Purpose::Assign, u64::MAX - 1);
                copies.iter_mut().filter(|_| draws.unit() >= chance).for_each(|times| *times = 0);
            }
            let all: u64 = copies.iter().sum();
            if all + placed.len() as u64 > spec.rows / 2 {
                let why = format!("{all} rows are to stand among {}; a corpus is to be at least twice as long", spec.rows);
                return Err((format!("ingredients.{portion}"), why));
            }
            let mut draws = placing.stream(Purpose::Assign, u64::MAX);
            for (place, &times) in (0..).zip(&copies) {
                for _ in 0..times {
                    let free = std::iter::repeat_with(|| draws.below(spec.rows)).find(|row| !placed.contains_key(row));
                    placed.insert(free.expect("half of them are free"), (portion, place));
                }
            }
        }
        Ok(Corpus { spec, words, ingredients, seeds, placed })
    }

    /// A row, counted from 0.
    pub fn row(&self, row: u64) -> CorpusRow<'_> {
        let (portion, place) = self.place_of(row);
        CorpusRow { portion, place, written: self.write(portion, place) }
    }

    /// Whose a row is, and which of its rows.
    pub(crate) fn place_of(&self, row: u64) -> (usize, u64) {
        self.placed.get(&row).copied().unwrap_or_else(|| {
            let portion = self.portion_of(row);
            let place = match self.spec.portions[portion].distinct {
                Some(distinct) => Seed::of_run(self.spec.seed, &self.spec.portions[portion].name, 0)
                    .stream(Purpose::Assign, row)
                    .below(distinct),
                None => row,
            };
            (portion, place)
        })
    }

    /// Of an ingredient whose rows stand in the corpus a known number of times: how often each was meant to, and does.
    pub fn placed(&self, portion: usize) -> Vec<[u64; 2]> {
        let meant = self.ingredients[portion].copies().unwrap_or_default();
        let mut times: Vec<[u64; 2]> = meant.into_iter().map(|meant| [meant, 0]).collect();
        self.placed.values().filter(|(of, _)| *of == portion).for_each(|&(_, place)| times[place as usize][1] += 1);
        times
    }

    /// A row of an ingredient by its place among them, whether it stands in the corpus or not.
    pub fn at(&self, portion: usize, place: u64) -> Written<'_> {
        self.write(portion, place)
    }

    /// A row of an ingredient that stands nowhere in the corpus, counted from 0.
    pub fn fresh(&self, portion: usize, row: u64) -> Written<'_> {
        self.write(portion, fresh(row))
    }

    /// A row of an ingredient by its place, as a model reads it that has a vocabulary of its own.
    pub fn text(&self, portion: usize, place: u64) -> RowText {
        let said = self.ingredients[portion].said(&mut self.seeds[portion].stream(Purpose::Row, place));
        said.unwrap_or_else(|| {
            let words = self.write(portion, place).words.into_iter().filter(|word| *word != BEGIN);
            RowText::Plain(words.map(|word| if word == THEN { "." } else { word }).collect::<Vec<_>>().join(" "))
        })
    }

    /// Something to be asked of an ingredient, where it has such, counted from 0: of what rows may hold, or of what is held out.
    pub fn item(&self, portion: usize, place: u64, held_out: bool) -> Option<Item<'_>> {
        let mut draws = self.seeds[portion].stream(Purpose::Row, ITEMS + place);
        self.ingredients[portion].item(&mut draws, held_out)
    }

    fn write(&self, portion: usize, place: u64) -> Written<'_> {
        let mut draws = self.seeds[portion].stream(Purpose::Row, place);
        let (ingredient, most) = (&self.ingredients[portion], self.spec.context + 1);
        if self.spec.tokens == TokensAre::Bytes {
            return ingredient.row_of_bytes(&mut draws, most, place >= FRESH);
        }
        let mut written = if place < FRESH { ingredient.row(&mut draws, most) } else { ingredient.fresh(&mut draws, most) };
        if self.spec.portions[portion].shuffled {
            // What begins every row stays there.
            let words = &mut written.words[1..];
            let n = words.len();
            draws.shuffle(words, n);
        }
        written
    }

    /// Ingredients take rows in the order of the file, and the one without a dose the rest, so that another dose of the last
    /// that has one leaves all rows as they were but those that it gains or loses.
    fn portion_of(&self, row: u64) -> usize {
        let mut left = Seed(self.spec.seed).stream(Purpose::Assign, row).unit();
        let mut rest = None;
        for (i, portion) in self.spec.portions.iter().enumerate() {
            match portion.dose {
                Some(dose) => {
                    left -= dose;
                    if left < 0.0 {
                        return i;
                    }
                }
                None if self.ingredients[i].copies().is_none() => rest = Some(i),
                None => (),
            }
        }
        // Doses that add up to one may fall short of it by a rounding.
        let last = self.spec.portions.iter().rposition(|portion| portion.dose.is_some_and(|dose| dose > 0.0));
        rest.or(last).expect("checked to have ingredients")
    }

    /// What the ingredients could teach of a game, each by itself.
    pub fn truth(&self, portion: usize) -> Truth {
        let truth = self.ingredients[portion].truth();
        Truth { text: truth.text || self.spec.portions[portion].distinct.is_some_and(|distinct| distinct <= 1000), ..truth }
    }
}
