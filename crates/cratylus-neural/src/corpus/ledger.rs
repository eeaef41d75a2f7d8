//! What a corpus holds, counted.

use super::ingredient::{TextSource, Truth};
use super::rows::{Corpus, CorpusRow};
use super::words::SIGNS;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashSet;

/// What a corpus holds, counted row by row.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Ledger {
    /// How many rows.
    pub rows: u64,
    /// How many tokens, what begins rows among them.
    pub tokens: u64,
    /// Of all tokens in their order, in hex.
    pub sha256: String,
    /// Of each ingredient, in the order of the file.
    pub ingredients: Vec<LedgerEntry>,
    /// Words that a model tells apart and never reads: what it does with them was never learnt.
    pub unread: Vec<String>,
}

/// What a corpus holds of an ingredient.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct LedgerEntry {
    /// As the corpus file calls it.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// How many rows are of it.
    pub rows: u64,
    /// How many tokens.
    pub tokens: u64,
    /// How many of its rows are different.
    pub distinct: u64,
    /// How often the commonest of them stands in the corpus.
    pub most_copies: u64,
    /// Of its tokens in their order, in hex.
    pub sha256: String,
    /// What a model could know that read it; nothing where it has no rows.
    pub truth: Truth,
    /// Of a text that somebody else wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<TextSource>,
}

fn hex(hasher: Sha256) -> String {
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Corpus {
    /// Counts all rows. `seen` is called with each.
    pub fn ledger(&self, mut seen: impl FnMut(u64, &CorpusRow<'_>, &[u32])) -> Ledger {
        struct Count {
            rows: u64,
            tokens: u64,
            hash: Sha256,
            copies: std::collections::HashMap<[u8; 16], u64>,
        }
        let count = |_| Count { rows: 0, tokens: 0, hash: Sha256::new(), copies: Default::default() };
        let mut counts: Vec<Count> = (0..self.spec.portions.len()).map(count).collect();
        let (mut all, mut tokens) = (Sha256::new(), 0);
        let mut read: HashSet<u32> = HashSet::new();
        for row in 0..self.spec.rows {
            let made = self.row(row);
            let ids = self.words.tokens(&made.written.words);
            let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).chain([0xff; 4]).collect();
            read.extend(&ids);
            tokens += ids.len() as u64;
            all.update(&bytes);
            let count = &mut counts[made.portion];
            count.rows += 1;
            count.tokens += ids.len() as u64;
            count.hash.update(&bytes);
            let digest: [u8; 16] = Sha256::digest(&bytes)[..16].try_into().expect("a digest is longer");
            *count.copies.entry(digest).or_default() += 1;
            seen(row, &made, &ids);
        }
        let entry = |(i, count): (usize, Count)| LedgerEntry {
            name: self.spec.portions[i].name.clone(),
            kind: self.spec.portions[i].kind.into(),
            rows: count.rows,
            tokens: count.tokens,
            distinct: count.copies.len() as u64,
            most_copies: count.copies.values().copied().max().unwrap_or(0),
            sha256: hex(count.hash),
            truth: if count.rows > 0 { self.truth(i) } else { Truth::default() },
            source: self.ingredients[i].source(),
        };
        // Signs are in every vocabulary, and a model never has to say them; bytes that a text has not are no news.
        let words = if self.words.are_bytes() { 0 } else { self.words.len() as u32 };
        let unread = (SIGNS..words).filter(|id| !read.contains(id));
        Ledger {
            rows: self.spec.rows,
            tokens,
            sha256: hex(all),
            ingredients: counts.into_iter().enumerate().map(entry).collect(),
            unread: unread.map(|id| self.words.word(id).to_string()).collect(),
        }
    }
}

impl Ledger {
    /// What a model could know of the game that read all of it.
    pub fn truth(&self) -> Truth {
        self.ingredients.iter().fold(Truth::default(), |truth, entry| truth.with(entry.truth.clone()))
    }
}
