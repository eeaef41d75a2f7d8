//! How much of a text stands in a corpus word for word: at each of its places, the longest stretch ending there that does.
//! Texts are few and the corpus is long, so the texts become an automaton that the corpus is read through once.

use super::rows::Corpus;
use std::collections::HashMap;

/// A state of the automaton of all stretches of some texts (Blumer et al. 1985).
#[derive(Clone, Default)]
struct State {
    next: HashMap<u32, usize>,
    /// The state of the longest end of this one's stretches that also stands elsewhere.
    link: Option<usize>,
    length: usize,
    /// The longest stretch of this state that was read in the corpus.
    found: usize,
}

struct Stretches {
    states: Vec<State>,
}

impl Stretches {
    fn of(texts: &[Vec<u32>]) -> Stretches {
        let mut all = Stretches { states: vec![State::default()] };
        for text in texts {
            let mut last = 0;
            for &token in text {
                last = all.extend(last, token);
            }
        }
        all
    }

    /// The state of a text with one token more.
    fn extend(&mut self, last: usize, token: u32) -> usize {
        // Where an earlier text went on like this, no state is new but perhaps one that is to be told apart.
        if let Some(&there) = self.states[last].next.get(&token) {
            return match self.states[there].length == self.states[last].length + 1 {
                true => there,
                false => self.part(last, token, there),
            };
        }
        let new = self.states.len();
        self.states.push(State { length: self.states[last].length + 1, ..State::default() });
        let mut at = Some(last);
        while let Some(state) = at.filter(|&state| !self.states[state].next.contains_key(&token)) {
            self.states[state].next.insert(token, new);
            at = self.states[state].link;
        }
        let link = match at {
            None => 0,
            Some(state) => {
                let there = self.states[state].next[&token];
                match self.states[there].length == self.states[state].length + 1 {
                    true => there,
                    false => self.part(state, token, there),
                }
            }
        };
        self.states[new].link = Some(link);
        new
    }

    /// Parts the shorter stretches of a state from the longer ones.
    fn part(&mut self, from: usize, token: u32, there: usize) -> usize {
        let shorter = self.states.len();
        let state = State { length: self.states[from].length + 1, ..self.states[there].clone() };
        self.states.push(state);
        let mut at = Some(from);
        while let Some(state) = at.filter(|&state| self.states[state].next.get(&token) == Some(&there)) {
            self.states[state].next.insert(token, shorter);
            at = self.states[state].link;
        }
        self.states[there].link = Some(shorter);
        shorter
    }

    fn read(&mut self, row: &[u32]) {
        let (mut state, mut length) = (0, 0);
        for &token in row {
            loop {
                if let Some(&next) = self.states[state].next.get(&token) {
                    (state, length) = (next, length + 1);
                    break;
                }
                let Some(link) = self.states[state].link else { break };
                (state, length) = (link, self.states[link].length);
            }
            let found = &mut self.states[state].found;
            *found = length.max(*found);
        }
    }

    /// For each place of a text, how long the longest stretch is that ends there and was read.
    fn ending(&self, text: &[u32]) -> Vec<usize> {
        let mut state = 0;
        let longest = |token: &u32| {
            state = self.states[state].next[token];
            let mut at = state;
            while self.states[at].found == 0 {
                match self.states[at].link {
                    Some(link) => at = link,
                    None => break,
                }
            }
            self.states[at].found
        };
        text.iter().map(longest).collect()
    }
}

/// For each of some texts and each of its places, how long the longest stretch is that ends there and stands in the corpus.
pub fn standing(corpus: &Corpus, texts: &[Vec<u32>]) -> Vec<Vec<usize>> {
    let rows = (0..corpus.spec.rows).map(|row| corpus.words.tokens(&corpus.row(row).written.words));
    standing_in(rows, texts)
}

fn standing_in(rows: impl Iterator<Item = Vec<u32>>, texts: &[Vec<u32>]) -> Vec<Vec<usize>> {
    let mut all = Stretches::of(texts);
    rows.for_each(|row| all.read(&row));
    // What was read at a state was read of all its ends.
    let mut order: Vec<usize> = (1..all.states.len()).collect();
    order.sort_by_key(|&state| std::cmp::Reverse(all.states[state].length));
    for state in order {
        let State { found, link, .. } = all.states[state];
        if let (true, Some(link)) = (found > 0, link) {
            all.states[link].found = all.states[link].length;
        }
    }
    texts.iter().map(|text| all.ending(text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cratylus_core::Seed;
    use cratylus_core::seed::Purpose;

    #[test]
    fn stretches_are_those_that_looking_everywhere_finds() {
        for case in 0..60 {
            let mut draws = Seed(case).stream(Purpose::Row, 0);
            let letters = 2 + case % 3;
            let mut text = |n: u64| -> Vec<u32> { (0..n).map(|_| draws.below(letters) as u32).collect() };
            let texts: Vec<Vec<u32>> = (0..4).map(|n| text(3 + 4 * n)).collect();
            let rows: Vec<Vec<u32>> = (0..5).map(|n| text(2 + 3 * n)).collect();
            let found = standing_in(rows.iter().cloned(), &texts);
            for (text, found) in texts.iter().zip(found) {
                for end in 1..=text.len() {
                    let stands = |from: usize| rows.iter().any(|row| row.windows(end - from).any(|w| *w == text[from..end]));
                    let right = (0..end).find(|&from| stands(from)).map_or(0, |from| end - from);
                    assert_eq!(found[end - 1], right, "case {case}, {text:?} up to {end} in {rows:?}");
                }
            }
        }
    }
}
