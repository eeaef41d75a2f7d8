//! Morphemes of a corpus of messages with meanings, by CSAR: count, select, ablate, repeat.
//!
//! Source: Boldt & Mortensen, "Morpheme Induction for Emergent Language", EMNLP 2025. The rules are those
//! of the authors' program (github.com/brendon-boldt/csar); the code is our own.
//!
//! - *Count.* A form is a contiguous n-gram of a message, a meaning a non-empty subset of an observation's atoms. Each pair
//!   that occurs together is weighed by the mutual information, in bits, of two indicators over observations: the form occurs,
//!   the meaning occurs. The sign of the association is not looked at.
//! - *Select* the pair of greatest weight. Ties go to the greater initial weight, then to the form selected less often so far,
//!   the pair in more observations, the longer form, the smaller meaning, the form first in lexicographic order, and the
//!   meaning met first when observations are sorted.
//! - *Ablate.* In each observation with the whole pair, one occurrence of the form is taken out, and no later form reaches
//!   across the gap. Which one, where there are several: the other pairs of that observation lay claim to their own
//!   occurrences, best first, until one of the form's is left. If that does not settle it, the observation's place in the
//!   sorted corpus does, so that no position is favoured. The meaning's atoms go from every observation that has the form,
//!   even where it has only some of them (and there the form stays).
//! - *Repeat* until no pair has a weight above 0. Weights are counted again after each removal, but never rise: the weight of
//!   a pair is the smallest it has had.
//!
//! Weights are compared in steps of 2⁻⁴⁰ bits, so that a tie does not hang on the last digit of a logarithm. The authors'
//! program compares the floats, and orders some ties by rounding error; the rule of more observations stands in for that.
//!
//! Time grows with the number of distinct pairs: a second or less for 1,000 messages of 10 symbols over 2 attributes.
//!
//! Left out: trimming of rare forms and pairs (the authors' default trims none), other weights than mutual information,
//! meanings that are sequences, the empty form, and limits on the size of vocabularies.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// A form with its meaning.
#[derive(Clone, Debug, PartialEq)]
pub struct Morpheme {
    /// The symbols, which stand side by side.
    pub form: Vec<u32>,
    /// The atoms of meaning, in ascending order.
    pub meaning: Vec<u32>,
    /// Mutual information in bits on the whole corpus, before anything was removed.
    pub initial_weight: f64,
    /// Mutual information in bits when the pair was selected, or the smallest before that; never above `initial_weight`.
    pub weight: f64,
    /// Share of all observations that had both form and meaning left when the pair was selected.
    pub prevalence: f64,
}

/// What bounds the search. The defaults suit messages of a dozen symbols about a handful of attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest n-gram taken for a form. A longer morpheme is found in pieces, or by one of its parts.
    pub longest_form: usize,
    /// Most atoms in one meaning. Subsets grow as a binomial: ten atoms have 175 of up to three, and 1,023 in all.
    pub largest_meaning: usize,
    /// How many morphemes to select; the rest would have smaller weights.
    pub most: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { longest_form: 8, largest_meaning: 3, most: usize::MAX }
    }
}

/// The morphemes of a corpus of (message, atoms of meaning), in the order of selection.
///
/// The order of observations, and of atoms within a meaning, makes no difference; observations may repeat.
pub fn morphemes(observations: &[(Vec<u32>, Vec<u32>)], limits: &Limits) -> Vec<Morpheme> {
    let mut corpus = Corpus::new(observations, limits);
    // Nothing in a key ever improves, so a key in the heap is a bound, and is renewed only when it comes to the top.
    let mut heap: BinaryHeap<Key> = (0..corpus.pairs.len()).map(|pair| corpus.key(pair)).collect();
    let mut found = Vec::new();
    while found.len() < limits.most
        && let Some(key) = heap.pop().filter(|key| key.0 > 0)
    {
        let pair = key.6.0;
        let now = corpus.key(pair);
        if now < key {
            heap.push(now);
            continue;
        }
        let Pair { form, meaning, joint, initial, weight } = corpus.pairs[pair];
        found.push(Morpheme {
            form: corpus.parts[form].content.clone(),
            meaning: corpus.parts[meaning].content.clone(),
            initial_weight: initial as f64 / STEPS,
            weight: weight as f64 / STEPS,
            prevalence: joint as f64 / corpus.total as f64,
        });
        corpus.ablate(pair);
    }
    found
}

/// Steps of weight in a bit.
const STEPS: f64 = (1u64 << 40) as f64;

/// Greatest first: weight, initial weight, uses of the form, joint count, length of the form, size of the meaning, pair.
type Key = (u64, u64, Reverse<usize>, usize, usize, Reverse<usize>, Reverse<usize>);

/// A form or a meaning.
#[derive(Default)]
struct Part {
    content: Vec<u32>,
    /// Observations that still have it.
    count: usize,
    /// How often it was selected.
    uses: usize,
    /// Distinct observations that had it at first.
    observations: Vec<usize>,
    /// Its pairs that may still weigh something.
    pairs: Vec<usize>,
}

#[derive(Clone, Copy)]
struct Pair {
    form: usize,
    meaning: usize,
    /// Observations that still have both.
    joint: usize,
    initial: u64,
    weight: u64,
}

/// Equal observations share one of these.
struct Observation {
    count: usize,
    length: usize,
    /// Forms in ascending order, each with where it still starts.
    forms: Vec<(usize, Vec<usize>)>,
    /// Meanings, and whether each is still whole.
    meanings: Vec<(usize, bool)>,
    /// The pair of form i and meaning j, row by row.
    pairs: Vec<usize>,
}

impl Observation {
    fn ids(&self) -> impl Iterator<Item = (usize, usize)> {
        self.forms.iter().flat_map(|form| self.meanings.iter().map(|meaning| (form.0, meaning.0)))
    }

    /// Which forms still occur.
    fn standing(&self) -> Vec<usize> {
        (0..self.forms.len()).filter(|&i| !self.forms[i].1.is_empty()).collect()
    }

    fn pair(&self, i: usize, j: usize) -> usize {
        self.pairs[i * self.meanings.len() + j]
    }
}

struct Corpus {
    total: usize,
    /// n log2 n.
    table: Vec<f64>,
    observations: Vec<Observation>,
    /// Forms in lexicographic order, then meanings in the order in which they are met.
    parts: Vec<Part>,
    /// In the order of their forms, then of their meanings.
    pairs: Vec<Pair>,
}

impl Corpus {
    fn new(corpus: &[(Vec<u32>, Vec<u32>)], limits: &Limits) -> Self {
        let mut distinct: BTreeMap<(&[u32], Vec<u32>), usize> = BTreeMap::new();
        for (message, meaning) in corpus {
            let mut atoms = meaning.clone();
            atoms.sort_unstable();
            atoms.dedup();
            *distinct.entry((message, atoms)).or_default() += 1;
        }
        let grams = |message: &[u32]| -> Vec<(usize, usize)> {
            let ends = |start: usize| (start + 1)..=message.len().min(start.saturating_add(limits.longest_form));
            (0..message.len()).flat_map(|start| ends(start).map(move |end| (start, end))).collect()
        };
        let mut forms: BTreeMap<&[u32], usize> = BTreeMap::new();
        for (message, _) in distinct.keys() {
            forms.extend(grams(message).into_iter().map(|(start, end)| (&message[start..end], 0)));
        }
        forms.values_mut().enumerate().for_each(|(i, id)| *id = i);
        let mut parts: Vec<Part> = forms.keys().map(|form| Part { content: form.to_vec(), ..Part::default() }).collect();
        let mut meanings: BTreeMap<Vec<u32>, usize> = BTreeMap::new();
        let mut observations: Vec<Observation> = Vec::new();
        for ((message, atoms), &count) in &distinct {
            let mut places: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
            for (start, end) in grams(message) {
                places.entry(forms[&message[start..end]]).or_default().push(start);
            }
            let mut whole = Vec::new();
            for atoms in subsets(atoms, limits.largest_meaning) {
                let id = *meanings.entry(atoms).or_insert_with_key(|atoms| {
                    parts.push(Part { content: atoms.clone(), ..Part::default() });
                    parts.len() - 1
                });
                whole.push((id, true));
            }
            for id in places.keys().copied().chain(whole.iter().map(|m| m.0)) {
                parts[id].count += count;
                parts[id].observations.push(observations.len());
            }
            let (length, forms) = (message.len(), places.into_iter().collect());
            observations.push(Observation { count, length, forms, meanings: whole, pairs: Vec::new() });
        }
        let mut ids: Vec<(usize, usize)> = observations.iter().flat_map(Observation::ids).collect();
        ids.sort_unstable();
        ids.dedup();
        let unweighed = |&(form, meaning)| Pair { form, meaning, joint: 0, initial: 0, weight: u64::MAX };
        let mut pairs: Vec<Pair> = ids.iter().map(unweighed).collect();
        for o in &mut observations {
            o.pairs = o.ids().map(|id| ids.binary_search(&id).expect("all pairs are listed")).collect();
            o.pairs.iter().for_each(|&pair| pairs[pair].joint += o.count);
        }
        let total = corpus.len();
        let table = (0..=total).map(|n| n as f64 * (n.max(1) as f64).log2()).collect();
        let mut corpus = Self { total, table, observations, parts, pairs };
        for (pair, &(form, meaning)) in ids.iter().enumerate() {
            corpus.parts[form].pairs.push(pair);
            corpus.parts[meaning].pairs.push(pair);
            corpus.weigh(pair);
            corpus.pairs[pair].initial = corpus.pairs[pair].weight;
        }
        corpus
    }

    fn key(&self, pair: usize) -> Key {
        let Pair { form, meaning, joint, initial, weight } = self.pairs[pair];
        let (form, size) = (&self.parts[form], self.parts[meaning].content.len());
        (weight, initial, Reverse(form.uses), joint, form.content.len(), Reverse(size), Reverse(pair))
    }

    /// Lowers the weight of a pair to what its counts give, if that is less.
    fn weigh(&mut self, pair: usize) {
        let Pair { form, meaning, joint, weight, .. } = self.pairs[pair];
        let (n, f, m) = (self.total, self.parts[form].count, self.parts[meaning].count);
        let t = |count: usize| self.table[count];
        // Grouped so that exchanging form and meaning, or presence and absence, gives the same float.
        let cells = (t(joint) + t(n + joint - f - m)) + (t(f - joint) + t(m - joint));
        let bits = (cells - ((t(f) + t(n - f)) + (t(m) + t(n - m))) + t(n)) / n as f64;
        // A rounding error below 0 becomes 0.
        self.pairs[pair].weight = if joint == 0 { 0 } else { weight.min((bits * STEPS).round() as u64) };
    }

    /// Takes a pair out of all observations that have it.
    fn ablate(&mut self, pair: usize) {
        let Pair { form, meaning, .. } = self.pairs[pair];
        self.pairs[pair].weight = 0;
        let atoms = self.parts[meaning].content.clone();
        let length = self.parts[form].content.len();
        // All occurrences are chosen by the keys of before, so that no observation's removal sways another's.
        let mut chosen = Vec::new();
        for &k in &self.parts[form].observations {
            let o = &self.observations[k];
            let i = o.forms.binary_search_by_key(&form, |f| f.0).expect("it had the form");
            if !o.forms[i].1.is_empty() {
                let whole = o.meanings.contains(&(meaning, true));
                chosen.push((k, whole.then(|| self.place(k, i, &atoms))));
            }
        }
        self.parts[form].uses += 1;
        let mut fewer = Vec::new();
        for (k, start) in chosen {
            let (gone, kept) = self.divide(k, &atoms);
            let o = &mut self.observations[k];
            let standing = o.standing();
            let mut lost = Vec::new();
            for j in gone {
                o.meanings[j].1 = false;
                lost.push(o.meanings[j].0);
                standing.iter().for_each(|&i| self.pairs[o.pair(i, j)].joint -= o.count);
            }
            for (i, start) in standing.into_iter().flat_map(|i| start.map(|start| (i, start))) {
                let (other, places) = &mut o.forms[i];
                let size = self.parts[*other].content.len();
                places.retain(|&place| place + size <= start || start + length <= place);
                if places.is_empty() {
                    lost.push(*other);
                    kept.iter().for_each(|&j| self.pairs[o.pair(i, j)].joint -= o.count);
                }
            }
            lost.iter().for_each(|&part| self.parts[part].count -= o.count);
            fewer.extend(lost);
        }
        fewer.sort_unstable();
        fewer.dedup();
        for part in fewer {
            let mut pairs = std::mem::take(&mut self.parts[part].pairs);
            pairs.iter().for_each(|&pair| self.weigh(pair));
            pairs.retain(|&pair| self.pairs[pair].weight > 0);
            self.parts[part].pairs = pairs;
        }
    }

    /// The whole meanings of an observation that share one of `atoms`, and those that do not.
    fn divide(&self, k: usize, atoms: &[u32]) -> (Vec<usize>, Vec<usize>) {
        let meanings = &self.observations[k].meanings;
        let shared = |&j: &usize| self.parts[meanings[j].0].content.iter().any(|atom| atoms.contains(atom));
        (0..meanings.len()).filter(|&j| meanings[j].1).partition(shared)
    }

    /// Which occurrence of the form in slot `slot` to take out of an observation, given that `atoms` go.
    fn place(&self, k: usize, slot: usize, atoms: &[u32]) -> usize {
        let o = &self.observations[k];
        let places = &o.forms[slot].1;
        if let [only] = places[..] {
            return only;
        }
        let kept = self.divide(k, atoms).1;
        // A form's best pair speaks for it: another of its pairs would claim the same occurrences.
        let best = |i: usize| kept.iter().map(|&j| self.key(o.pair(i, j))).max();
        let mut rivals: Vec<(Key, usize)> = o.standing().into_iter().filter_map(|i| Some((best(i)?, i))).collect();
        rivals.sort_unstable_by(|a, b| b.cmp(a));
        let span = |i: usize, start: usize| start..start + self.parts[o.forms[i].0].content.len();
        let mut free = vec![true; o.length];
        for (_, i) in rivals {
            let mut after = free.clone();
            for &start in o.forms[i].1.iter().filter(|&&start| !free[span(i, start)].contains(&false)) {
                after[span(i, start)].fill(false);
            }
            let mut left = places.iter().filter(|&&start| !after[span(slot, start)].contains(&false));
            match (left.next(), left.next()) {
                (Some(&start), None) => return start,
                (Some(_), Some(_)) => free = after,
                // A claim to all of them tells nothing.
                (None, _) => {}
            }
        }
        places[k % places.len()]
    }
}

/// Non-empty subsets of at most `largest` atoms.
fn subsets(atoms: &[u32], largest: usize) -> Vec<Vec<u32>> {
    let mut all = vec![Vec::new()];
    for &atom in atoms {
        for i in 0..all.len() {
            if all[i].len() < largest {
                all.push([&all[i][..], &[atom]].concat());
            }
        }
    }
    all.split_off(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    const ALL: Limits = Limits { longest_form: usize::MAX, largest_meaning: usize::MAX, most: usize::MAX };

    #[test]
    fn lexicons_of_the_authors_program() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/oracles/signalling-morphemes.json");
        let Ok(text) = std::fs::read_to_string(path) else {
            eprintln!("skipped: no {path}");
            return;
        };
        let oracle: Value = serde_json::from_str(&text).unwrap();
        let list = |v: &Value| v.as_array().unwrap().clone();
        let (mut cases, mut in_order) = (0, 0);
        for case in list(&oracle["cases"]) {
            let corpus = list(&case["observations"]);
            // Numbers in the order of the words, as the program sorts them.
            let words = corpus.iter().flat_map(|o| [list(&o[0]), list(&o[1])].concat()).map(|w| w.to_string());
            let words = Vec::from_iter(BTreeMap::from_iter(words.map(|w| (w, ()))).into_keys());
            let number = |w: &Value| words.binary_search(&w.to_string()).unwrap() as u32;
            let numbers = |v: &Value| -> Vec<u32> { list(v).iter().map(number).collect() };
            let corpus: Vec<_> = corpus.iter().map(|o| (numbers(&o[0]), numbers(&o[1]))).collect();
            let mut ours = morphemes(&corpus, &ALL);
            let bits = |v: &Value| v.as_f64().unwrap();
            let theirs = list(&case["morphemes_in_order"]).into_iter().map(|m| Morpheme {
                form: numbers(&m["form"]),
                meaning: numbers(&m["meaning"]),
                initial_weight: bits(&m["initial_weight"]),
                weight: bits(&m["induced_weight"]),
                prevalence: bits(&m["prevalence"]),
            });
            let mut theirs: Vec<Morpheme> = theirs.collect();
            let same = |(a, b): (&Morpheme, &Morpheme)| (&a.form, &a.meaning) == (&b.form, &b.meaning);
            cases += 1;
            in_order += usize::from(ours.iter().zip(&theirs).all(same));
            // Within ties of weight, as sets.
            for lexicon in [&mut ours, &mut theirs] {
                lexicon.sort_by_key(|m| (Reverse((m.weight * 1e9).round() as i64), m.form.clone(), m.meaning.clone()));
            }
            assert_eq!(ours.len(), theirs.len(), "{}", case["name"]);
            for (a, b) in ours.iter().zip(&theirs) {
                let numbers = |m: &Morpheme| [m.initial_weight, m.weight, m.prevalence];
                let close = numbers(a).iter().zip(numbers(b)).all(|(x, y)| (x - y).abs() < 1e-9);
                assert!(same((a, b)) && close, "{}: {a:?} and {b:?}", case["name"]);
            }
        }
        // In "synonymy" the program's rounding error puts (auburn, brown) before (car, car), a tie that here goes to the pair
        // in more observations.
        assert_eq!((cases, in_order), (31, 30));
    }

    #[test]
    fn the_occurrence_that_no_other_pair_claims_is_taken_out() {
        let times = |n, message: &[u32], meaning: &[u32]| vec![(message.to_vec(), meaning.to_vec()); n];
        let odd = [times(1, &[1, 2, 3, 1], &[20, 30]), times(1, &[1, 2], &[20]), times(1, &[6], &[7])];
        let corpus = [odd.concat(), times(3, &[1], &[30]), times(2, &[5], &[20])].concat();
        let found = morphemes(&corpus, &ALL);
        let found: Vec<_> = found.iter().map(|m| (&m.form[..], &m.meaning[..], m.prevalence)).collect();
        // When 1 goes from (1 2 3 1), the first one stays, as (1 2) claims it.
        let expected: [(&[u32], &[u32], f64); 4] =
            [(&[1], &[30], 0.5), (&[6], &[7], 0.125), (&[1, 2], &[20], 0.25), (&[5], &[20], 0.25)];
        assert_eq!(found, expected);
    }

    #[test]
    fn order_of_input_makes_no_difference_and_limits_hold() {
        let observation = |i: u32| (vec![i % 4, 9, 4 + i % 3, i * i % 5], vec![i % 4, 10 + i % 3, 10 + i % 3]);
        let mut corpus: Vec<_> = (0..60).map(observation).collect();
        let found = morphemes(&corpus, &Limits::default());
        corpus.reverse();
        corpus.iter_mut().for_each(|o| o.1.reverse());
        assert_eq!(found, morphemes(&corpus, &Limits::default()));
        assert!(found.is_sorted_by(|a, b| a.weight >= b.weight) && found.iter().all(|m| m.weight <= m.initial_weight));
        let few = morphemes(&corpus, &Limits { longest_form: 1, largest_meaning: 1, most: 5 });
        assert!(few.len() == 5 && few.iter().all(|m| m.form.len() == 1 && m.meaning.len() == 1));
    }

    #[test]
    fn nothing_to_find() {
        assert!(morphemes(&[], &ALL).is_empty());
        assert!(morphemes(&[(vec![], vec![1]), (vec![1], vec![])], &ALL).is_empty());
        assert!(morphemes(&[(vec![1], vec![1]), (vec![2], vec![2])], &Limits { most: 0, ..ALL }).is_empty());
        // What is always there says nothing.
        assert!(morphemes(&[(vec![1, 2], vec![1]), (vec![1], vec![1])], &ALL).is_empty());
    }
}
