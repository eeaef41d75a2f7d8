//! Whether each place of a message, or each symbol wherever it stands, is about one attribute (Chaabouni et al. 2020,
//! arXiv 2004.09124): the two largest mutual informations with attributes apart, over the entropy.

use super::corpus::{Coded, Ids};
use super::information::{entropy_of, mutual};
use super::topsim::Value;

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// Places of a message (posdis).
    Places,
    /// Counts of symbols (bosdis), but for one symbol.
    Symbols {
        /// The symbol that is left out: 0 in EGG.
        but: Option<u32>,
    },
}

/// Prepares it. Strict is with places or symbols that never change as 0; else they are left out, so that a code for one
/// attribute alone scores 1.
pub fn prepare<'a>(coded: &'a Coded<'a>, of: Of, strict: bool) -> Result<Value<'a>, String> {
    if coded.attributes.len() < 2 {
        return Err("with fewer than two attributes there is none to tell apart".into());
    }
    let parts: Vec<&Ids> = match of {
        Of::Places => coded.places.iter().collect(),
        Of::Symbols { but } => coded.bags.iter().filter(|(symbol, _)| Some(*symbol) != but).map(|(_, counts)| counts).collect(),
    };
    let all = parts.len();
    let parts: Vec<(&Ids, f64)> = parts.into_iter().map(|ids| (ids, entropy_of(ids))).filter(|(_, h)| *h > 0.0).collect();
    if parts.is_empty() {
        return Err("all messages are alike".into());
    }
    if parts.len() * coded.corpus.len() > 200_000 {
        return Err("messages are too many and too long".into());
    }
    let attributes = &coded.attributes;
    Ok(Box::new(move |order| {
        let gap = |(ids, h): &(&Ids, f64)| {
            let mut best = [0.0; 2];
            for attribute in attributes {
                let shared = mutual(attribute, ids, order);
                if shared > best[0] {
                    best = [shared, best[0]];
                } else {
                    best[1] = shared.max(best[1]);
                }
            }
            (best[0] - best[1]) / h
        };
        let sum: f64 = parts.iter().map(gap).sum();
        sum / if strict { all } else { parts.len() } as f64
    }))
}
