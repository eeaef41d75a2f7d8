//! Nothing of the game in the game's form: two columns of names and one of signs, which have to do with each other only as far
//! as one of them may copy the other. What agreement needs no knowledge of a game can come of it.

use crate::corpus::ingredient::{Ingredient, IngredientEntry, IngredientSpec, Written};
use crate::corpus::lexicon::{self, EXPOSED, GENERIC, MARKERS, Signs};
use cratylus_core::seed::Stream;
use cratylus_core::spec::Inputs;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

pub const ENTRY: IngredientEntry = IngredientEntry::new::<Columns>(
    "columns",
    "rows in the form of games without the game: names and signs in columns that are independent, repeat, copy or wander",
);

/// Its parameters.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Columns {
    /// The share of rows in which the own name is what the partner said last, whatever the sign.
    #[serde(default = "twentieth")]
    pub copies: f64,
    /// How many names a row tells apart.
    #[serde(default = "two")]
    pub options: usize,
}

fn twentieth() -> f64 {
    0.05
}

pub(super) fn two() -> usize {
    2
}

pub(super) fn check_options(options: usize, pool: usize) -> Result<(), (&'static str, String)> {
    match (2..=pool.min(16)).contains(&options) {
        true => Ok(()),
        false => Err(("options", format!("a row has 2 to {} options, found {options}", pool.min(16)))),
    }
}

impl IngredientSpec for Columns {
    fn open(&self, _: &dyn Inputs) -> Result<Arc<dyn Ingredient>, (&'static str, String)> {
        if !(0.0..=0.5).contains(&self.copies) {
            return Err((
                "copies",
                format!("half of the rows are columns of other kinds, so it is 0 to 0.5; found {}", self.copies),
            ));
        }
        check_options(self.options, EXPOSED.len() + GENERIC.len())?;
        Ok(Arc::new(self.clone()))
    }
}

impl Ingredient for Columns {
    fn words(&self) -> Vec<String> {
        lexicon::words().into_iter().map(String::from).collect()
    }

    fn row(&self, draws: &mut Stream, most: usize) -> Written<'_> {
        let k = self.options;
        let mut names: Vec<&str> = EXPOSED.iter().chain(&GENERIC).copied().collect();
        draws.shuffle(&mut names, k);
        let options = &names[..k];
        let marker = MARKERS[draws.below(3) as usize];
        let n = lexicon::rounds(most, k);
        let kind = draws.unit();
        let rest = (1.0 - 0.5 - self.copies) / 2.0;
        let partner = match kind {
            kind if kind < 0.25 => liked(draws, k, n),
            kind if kind < 0.5 => repeated(draws, k, n),
            _ if draws.unit() < 0.5 => liked(draws, k, n),
            _ => wandering(draws, k, n),
        };
        let (class, own) = match kind {
            kind if kind < 0.25 => ("liked", liked(draws, k, n)),
            kind if kind < 0.5 => ("repeated", repeated(draws, k, n)),
            kind if kind < 0.5 + self.copies => {
                let first = draws.below(k as u64) as usize;
                ("copies", std::iter::once(first).chain(partner.iter().copied()).take(n).collect())
            }
            kind if kind < 0.5 + self.copies + rest => ("switches", switching(draws, k, n)),
            _ => ("wanders", wandering(draws, k, n)),
        };
        // Independent of whether names match, by construction.
        let paid = draws.unit();
        let signs = Signs::Standard.words();
        let mut words = lexicon::opening(marker, options);
        for round in 0..n {
            let sign = signs[usize::from(draws.unit() < paid)];
            words.extend([options[own[round]], options[partner[round]], sign]);
        }
        let would: Vec<Option<&str>> =
            (0..n).map(|round| (class == "copies" && round > 0).then(|| options[own[round]])).collect();
        Written { words, key: json!({ "class": class, "options": options, "would": would }) }
    }
}

/// Draws from shares that are themselves any.
fn liked(draws: &mut Stream, k: usize, n: usize) -> Vec<usize> {
    let shares = any_shares(draws, k);
    (0..n).map(|_| of(&shares, draws.unit())).collect()
}

/// All shares of `k` alike (Dirichlet of ones), by the spaces between numbers on a line.
fn any_shares(draws: &mut Stream, k: usize) -> Vec<f64> {
    let mut cuts: Vec<f64> = (1..k).map(|_| draws.unit()).collect();
    cuts.extend([0.0, 1.0]);
    cuts.sort_unstable_by(f64::total_cmp);
    cuts.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

fn of(shares: &[f64], at: f64) -> usize {
    let mut left = at;
    let found = shares.iter().position(|share| {
        left -= share;
        left < 0.0
    });
    found.unwrap_or(shares.len() - 1)
}

/// A short string again and again.
fn repeated(draws: &mut Stream, k: usize, n: usize) -> Vec<usize> {
    let length = 2 + draws.below(4) as usize;
    let string: Vec<usize> = (0..length).map(|_| draws.below(k as u64) as usize).collect();
    (0..n).map(|round| string[round % length]).collect()
}

/// The same name until it is another.
fn switching(draws: &mut Stream, k: usize, n: usize) -> Vec<usize> {
    let switch = 0.02 + 0.3 * draws.unit();
    let mut now = draws.below(k as u64) as usize;
    let mut next = || {
        if draws.unit() < switch {
            now = (now + 1 + draws.below(k as u64 - 1) as usize) % k;
        }
        now
    };
    (0..n).map(|_| next()).collect()
}

/// A chain of which each name says what tends to follow.
fn wandering(draws: &mut Stream, k: usize, n: usize) -> Vec<usize> {
    let chain: Vec<Vec<f64>> = (0..k).map(|_| any_shares(draws, k)).collect();
    let mut now = draws.below(k as u64) as usize;
    let mut next = || {
        now = of(&chain[now], draws.unit());
        now
    };
    (0..n).map(|_| next()).collect()
}
