//! What can be told of an item from its message alone, by simple readers that learn on some items and are tried on others. A reader
//! that does no better than the largest class has been told nothing.

use super::corpus::{Coded, Ids};
use crate::seed::{Purpose, Seed};
use std::collections::BTreeMap;

/// How many trees a forest has.
const TREES: usize = 100;

/// The shares of items not learnt on that are told rightly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Told {
    /// By the most frequent value of those with the same message; by the most frequent of all where there is none.
    pub vote: f64,
    /// By naive Bayes over the symbol at each place, one added to each count.
    pub bayes: f64,
    /// By a forest of a hundred trees over the symbol at each place (Breiman 2001).
    pub forest: f64,
    /// By the most frequent value of all, whatever the message.
    pub largest: f64,
    /// How many items were tried.
    pub tried: usize,
}

/// Tells `targets` from the messages of a corpus, each fifth of the distinct meanings in turn from the other four, so nobody
/// is tried on an item that was learnt. None of fewer than five meanings.
pub fn told(coded: &Coded<'_>, targets: &Ids, seed: Seed) -> Option<Told> {
    let items = match coded.corpus.attributes() {
        0 => (0..targets.of.len() as u32).collect(),
        _ => coded.meanings.of.clone(),
    };
    let n_items = items.iter().max()? + 1;
    // Few items teach nothing, and very long messages take too long.
    if n_items < 5 || coded.places.len() * items.len() > 200_000 {
        return None;
    }
    let mut fold: Vec<u32> = (0..n_items).map(|item| item % 5).collect();
    let n = fold.len();
    seed.stream(Purpose::Resample, 0).shuffle(&mut fold, n);
    let places: Vec<&Ids> = coded.places.iter().collect();
    let mut right = [0u64; 3];
    for tried in 0..5 {
        let (test, train): (Vec<usize>, Vec<usize>) = (0..items.len()).partition(|&row| fold[items[row] as usize] == tried);
        let counts = counted(&train, targets);
        let largest = most(&counts);
        let mut votes: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for &row in &train {
            let of = votes.entry(coded.messages.of[row]).or_insert_with(|| vec![0; targets.n()]);
            of[targets.of[row] as usize] += 1;
        }
        let bayes = Bayes::learn(&train, targets, &places);
        let forest: Vec<Tree> = (0..TREES)
            .map(|tree| {
                let mut draws = seed.stream(Purpose::Resample, 1 + u64::from(tried) * TREES as u64 + tree as u64);
                let drawn: Vec<usize> = train.iter().map(|_| train[draws.below(train.len() as u64) as usize]).collect();
                Tree::grow(drawn, targets, &places, &mut draws)
            })
            .collect();
        for row in test {
            let value = targets.of[row];
            let by_forest = || {
                let mut votes = vec![0u32; targets.n()];
                forest.iter().for_each(|tree| votes[tree.say(row, &places) as usize] += 1);
                most(&votes)
            };
            let said = [votes.get(&coded.messages.of[row]).map_or(largest, |of| most(of)), bayes.say(row, &places), by_forest()];
            right.iter_mut().zip(said).for_each(|(right, said)| *right += u64::from(said == value));
        }
    }
    let share = |right: u64| right as f64 / items.len() as f64;
    let [vote, bayes, forest] = right.map(share);
    // By fifths of equally large classes the largest of the others would never be right, less than chance.
    let largest = share(targets.counts.iter().copied().max().unwrap_or(0).into());
    Some(Told { vote, bayes, forest, largest, tried: items.len() })
}

fn counted(rows: &[usize], targets: &Ids) -> Vec<u32> {
    let mut counts = vec![0; targets.n()];
    rows.iter().for_each(|&row| counts[targets.of[row] as usize] += 1);
    counts
}

/// The first of the most frequent.
fn most(counts: &[u32]) -> u32 {
    let best = counts.iter().copied().max().unwrap_or(0);
    counts.iter().position(|&count| count == best).unwrap_or(0) as u32
}

/// Logarithms of probabilities: of each value, and at each place of each symbol given the value.
struct Bayes {
    values: Vec<f64>,
    places: Vec<Vec<f64>>,
}

impl Bayes {
    fn learn(rows: &[usize], targets: &Ids, places: &[&Ids]) -> Bayes {
        let counts = counted(rows, targets);
        let of_place = |place: &&Ids| {
            let mut table = vec![1.0; targets.n() * place.n()];
            rows.iter().for_each(|&row| table[targets.of[row] as usize * place.n() + place.of[row] as usize] += 1.0);
            for (row, &count) in table.chunks_mut(place.n()).zip(&counts) {
                row.iter_mut().for_each(|cell| *cell = (*cell / (f64::from(count) + place.n() as f64)).ln());
            }
            table
        };
        Bayes {
            values: counts.iter().map(|&count| (f64::from(count) + 1.0).ln()).collect(),
            places: places.iter().map(of_place).collect(),
        }
    }

    fn say(&self, row: usize, places: &[&Ids]) -> u32 {
        let score = |value: usize| {
            let of_place = |(place, table): (&&Ids, &Vec<f64>)| table[value * place.n() + place.of[row] as usize];
            self.values[value] + places.iter().zip(&self.places).map(of_place).sum::<f64>()
        };
        let scores: Vec<f64> = (0..self.values.len()).map(score).collect();
        let best = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        scores.iter().position(|&score| score == best).unwrap_or(0) as u32
    }
}

/// A tree whose nodes ask whether a symbol stands at a place.
enum Tree {
    Leaf(u32),
    Ask { place: usize, symbol: u32, yes: Box<Tree>, no: Box<Tree> },
}

impl Tree {
    /// Grows until all rows are of one value or nothing tells them apart; at each node as many questions are tried as the
    /// square root of how many there are, and the one that leaves the least impurity (Gini) is asked.
    fn grow(rows: Vec<usize>, targets: &Ids, places: &[&Ids], draws: &mut crate::seed::Stream) -> Tree {
        let counts = counted(&rows, targets);
        let leaf = Tree::Leaf(most(&counts));
        if counts.iter().filter(|&&count| count > 0).count() < 2 {
            return leaf;
        }
        let mut questions: Vec<(usize, u32)> = Vec::new();
        for (at, place) in places.iter().enumerate() {
            let mut here = vec![false; place.n()];
            rows.iter().for_each(|&row| here[place.of[row] as usize] = true);
            if here.iter().filter(|here| **here).count() > 1 {
                questions.extend((0..place.n() as u32).filter(|&symbol| here[symbol as usize]).map(|symbol| (at, symbol)));
            }
        }
        if questions.is_empty() {
            return leaf;
        }
        let tried = (questions.len() as f64).sqrt().ceil() as usize;
        draws.shuffle(&mut questions, tried);
        let impurity = |&(place, symbol): &(usize, u32)| {
            let mut yes = vec![0u32; targets.n()];
            let mut here = 0u32;
            for &row in rows.iter().filter(|&&row| places[place].of[row] == symbol) {
                yes[targets.of[row] as usize] += 1;
                here += 1;
            }
            let there = rows.len() as u32 - here;
            let squares = |counts: &mut dyn Iterator<Item = u32>, n: u32| {
                counts.map(|count| f64::from(count) * f64::from(count)).sum::<f64>() / f64::from(n.max(1))
            };
            -squares(&mut yes.iter().copied(), here) - squares(&mut counts.iter().zip(&yes).map(|(all, yes)| all - yes), there)
        };
        let best = questions[..tried].iter().min_by(|a, b| impurity(a).total_cmp(&impurity(b)));
        let &(place, symbol) = best.expect("there is a question");
        let (yes, no) = rows.into_iter().partition(|&row| places[place].of[row] == symbol);
        Tree::Ask {
            place,
            symbol,
            yes: Box::new(Tree::grow(yes, targets, places, draws)),
            no: Box::new(Tree::grow(no, targets, places, draws)),
        }
    }

    fn say(&self, row: usize, places: &[&Ids]) -> u32 {
        match self {
            Tree::Leaf(value) => *value,
            Tree::Ask { place, symbol, yes, no } => {
                if places[*place].of[row] == *symbol {
                    yes.say(row, places)
                } else {
                    no.say(row, places)
                }
            }
        }
    }
}
