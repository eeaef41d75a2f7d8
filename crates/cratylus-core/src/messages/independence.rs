//! Whether a value of an attribute has a symbol of its own: context independence (Bogin, Geva & Berant 2018, arXiv 1809.00549)
//! and the conflict count (Kuciński et al. 2020, arXiv 1911.06060).

use super::assignment::largest;
use super::corpus::Coded;
use super::topsim::Value;

/// What public code adds to each count, so that no probability is 0.
const ADDED: f64 = 1e-7;

/// Context independence: the mean over values c of p(v | c) p(c | v), v the symbol likeliest with c; of equally likely ones
/// that which is best for c. By counting alone: a perfect code of K attributes scores 1 / K².
pub fn context_independence<'a>(coded: &'a Coded<'a>) -> Result<Value<'a>, String> {
    let (values, symbols) = (Values::of(coded), Symbols::of(coded));
    if values.all == 0 || symbols.all == 0 {
        return Err("there are no attributes, or no symbols".into());
    }
    Ok(Box::new(move |order| {
        let counts = values.with(&symbols, order);
        let by_value: Vec<f64> = counts.chunks(symbols.all).map(|row| row.iter().sum()).collect();
        let by_symbol: Vec<f64> = (0..symbols.all).map(|v| counts.iter().skip(v).step_by(symbols.all).sum::<f64>()).collect();
        let of_value = |(c, row): (usize, &[f64])| {
            let likeliest = row.iter().copied().fold(0.0, f64::max);
            let product = |(v, &count): (usize, &f64)| {
                (count + ADDED) / (by_value[c] + ADDED * symbols.all as f64) * (count + ADDED)
                    / (by_symbol[v] + ADDED * values.all as f64)
            };
            row.iter().enumerate().filter(|(_, n)| **n == likeliest).map(product).fold(0.0, f64::max)
        };
        counts.chunks(symbols.all).enumerate().map(of_value).sum::<f64>() / values.all as f64
    }))
}

/// The conflict count: with each place of a message about one attribute, how often a symbol there stands for another value
/// than the one it mostly stands for; in the assignment of places to attributes with the fewest.
pub fn conflict_count<'a>(coded: &'a Coded<'a>) -> Result<Value<'a>, String> {
    let (places, attributes) = (coded.places.len(), coded.attributes.len());
    if places == 0 || attributes == 0 {
        return Err("there are no attributes, or no symbols".into());
    }
    if places < attributes {
        return Err(format!("messages have {places} places for {attributes} attributes"));
    }
    Ok(Box::new(move |order| {
        let conflicts = |attribute: usize, place: usize| {
            let (values, symbols) = (&coded.attributes[attribute], &coded.places[place]);
            let mut counts = vec![0u32; values.n() * symbols.n()];
            for (row, &other) in order.iter().enumerate() {
                counts[symbols.of[other as usize] as usize * values.n() + values.of[row] as usize] += 1;
            }
            let kept: u32 = counts.chunks(values.n()).map(|of| of.iter().max().copied().unwrap_or(0)).sum();
            f64::from(order.len() as u32 - kept)
        };
        let table: Vec<f64> = (0..attributes * places).map(|at| conflicts(at / places, at % places)).collect();
        -largest(attributes, places, |attribute, place| -table[attribute * places + place])
    }))
}

/// The values of all attributes, numbered one after the other.
pub(super) struct Values<'a> {
    coded: &'a Coded<'a>,
    /// Where each attribute begins.
    begins: Vec<usize>,
    pub all: usize,
}

impl<'a> Values<'a> {
    pub fn of(coded: &'a Coded<'a>) -> Values<'a> {
        let begins = coded.attributes.iter().scan(0, |at, ids| Some(std::mem::replace(at, *at + ids.n()))).collect();
        Values { coded, begins, all: coded.attributes.iter().map(|ids| ids.n()).sum() }
    }

    /// The numbers of a row's values.
    pub fn row(&self, row: usize) -> impl Iterator<Item = usize> {
        self.coded.attributes.iter().zip(&self.begins).map(move |(ids, begin)| begin + ids.of[row] as usize)
    }

    /// How often each value and each symbol come up together, values by symbols; symbols count as often as they stand.
    pub fn with(&self, symbols: &Symbols, order: &[u32]) -> Vec<f64> {
        let mut counts = vec![0.0; self.all * symbols.all];
        for (row, &other) in order.iter().enumerate() {
            for value in self.row(row) {
                symbols.row(other as usize).iter().for_each(|&symbol| counts[value * symbols.all + symbol as usize] += 1.0);
            }
        }
        counts
    }
}

/// The symbols of a corpus, numbered by size.
pub(super) struct Symbols {
    ends: Vec<usize>,
    of: Vec<u32>,
    pub all: usize,
}

impl Symbols {
    pub fn of(coded: &Coded<'_>) -> Symbols {
        let id = |symbol: &u32| coded.bags.binary_search_by_key(symbol, |(one, _)| *one).expect("every symbol is numbered");
        let mut out = Symbols { ends: Vec::new(), of: Vec::new(), all: coded.bags.len() };
        for message in coded.corpus.messages() {
            out.of.extend(message.iter().map(|symbol| id(symbol) as u32));
            out.ends.push(out.of.len());
        }
        out
    }

    /// Each symbol once in a message.
    pub fn as_sets(coded: &Coded<'_>) -> Symbols {
        let tokens = Symbols::of(coded);
        let mut out = Symbols { ends: Vec::new(), of: Vec::new(), all: tokens.all };
        for row in 0..coded.corpus.len() {
            let mut set = tokens.row(row).to_vec();
            set.sort_unstable();
            set.dedup();
            out.of.extend(set);
            out.ends.push(out.of.len());
        }
        out
    }

    pub fn row(&self, row: usize) -> &[u32] {
        &self.of[if row == 0 { 0 } else { self.ends[row - 1] }..self.ends[row]]
    }
}
