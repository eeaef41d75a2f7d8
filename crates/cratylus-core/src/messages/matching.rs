//! Concept best matching (Carmeli, Belinkov & Meir 2024, arXiv 2403.14705): each symbol matched with at most one value of an
//! attribute. It does not see order.

use super::assignment::largest;
use super::corpus::Coded;
use super::independence::{Symbols, Values};
use super::topsim::Value;

/// Prepares it: the largest sum of co-occurrences of matched symbols and values, over the sum of how many there are in each
/// row of whichever has more. By types a symbol counts once in a message.
pub fn prepare<'a>(coded: &'a Coded<'a>, types: bool) -> Result<Value<'a>, String> {
    let values = Values::of(coded);
    let symbols = if types { Symbols::as_sets(coded) } else { Symbols::of(coded) };
    if values.all == 0 || symbols.all == 0 {
        return Err("there are no attributes, or no symbols".into());
    }
    if values.all.min(symbols.all) > 500 {
        return Err(format!("{} values and {} symbols are too many to match", values.all, symbols.all));
    }
    Ok(Box::new(move |order| {
        let most = |(_, &other): (usize, &u32)| symbols.row(other as usize).len().max(coded.attributes.len()) as f64;
        let of: f64 = order.iter().enumerate().map(most).sum();
        let weights = values.with(&symbols, order);
        largest(values.all, symbols.all, |value, symbol| weights[value * symbols.all + symbol]) / of
    }))
}
