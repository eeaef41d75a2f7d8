//! Names that nobody can have met as names: invented words and random strings, made from a seed. There is no list to be
//! published, crawled and trained on; every seed gives others.

use crate::Seed;
use crate::seed::{Purpose, Stream};

const CONSONANTS: &[u8] = b"bdfgklmnprtvz";
const VOWELS: &[u8] = b"aeiou";

/// Invented words of three syllables that can be spoken: `zovibu`. No two begin alike.
pub fn pronounceable(n: usize, seed: Seed) -> Vec<String> {
    different(n, CONSONANTS.len(), seed, |draws| {
        let one_of = |letters: &[u8], draws: &mut Stream| letters[draws.below(letters.len() as u64) as usize] as char;
        (0..3).flat_map(|_| [one_of(CONSONANTS, draws), one_of(VOWELS, draws)]).collect()
    })
}

/// Random strings of four capitals without a vowel: `XKQT`. No two begin alike.
pub fn strings(n: usize, seed: Seed) -> Vec<String> {
    const LETTERS: &[u8] = b"BCDFGHJKLMNPQRSTVWXZ";
    different(n, LETTERS.len(), seed, |draws| {
        (0..4).map(|_| LETTERS[draws.below(LETTERS.len() as u64) as usize] as char).collect()
    })
}

/// Names with different first letters, so that their first tokens tell them apart; where there are more names than
/// letters, beginnings are used again.
fn different(n: usize, letters: usize, seed: Seed, mut make: impl FnMut(&mut Stream) -> String) -> Vec<String> {
    let mut draws = seed.stream(Purpose::HeldOut, 0);
    let mut names: Vec<String> = Vec::new();
    while names.len() < n {
        let name = make(&mut draws);
        let alike = names.iter().filter(|known| known[..1] == name[..1]).count();
        if alike <= names.len() / letters && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invented_names_are_a_pool_and_every_seed_gives_others() {
        for make in [pronounceable, strings] {
            let names = make(10, Seed(1));
            crate::spec::check_pool(&names).unwrap();
            assert_eq!(names, make(10, Seed(1)));
            assert_ne!(names, make(10, Seed(2)));
            let mut firsts: Vec<&str> = names.iter().map(|name| &name[..1]).collect();
            firsts.sort_unstable();
            firsts.dedup();
            assert_eq!(firsts.len(), 10, "{names:?}");
            assert_eq!(make(60, Seed(3)).len(), 60);
        }
    }
}
