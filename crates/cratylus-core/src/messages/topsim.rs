//! Topographic similarity: whether like things are called alike (Brighton & Kirby 2006). Spearman's correlation of how far
//! meanings and how far messages are from each other, over all pairs, with average ranks for ties.

use super::corpus::{Coded, Ids};
use super::distance::{LONGEST, MeaningDistance, MessageDistance, Pattern};

/// Cells of tables of edits at most, of all pairs: some twenty seconds.
const CELLS: f64 = 1e10;

/// The value of a measure where meaning i goes with the message of row `order[i]`.
pub type Value<'a> = Box<dyn Fn(&[u32]) -> f64 + Send + Sync + 'a>;

/// Prepares it: what is given gives its value where meaning i goes with the message of row `order[i]`.
pub fn prepare<'a>(coded: &'a Coded<'a>, meaning: MeaningDistance, message: MessageDistance) -> Result<Value<'a>, String> {
    let corpus = coded.corpus;
    let n = corpus.len();
    if n < 3 {
        return Err(format!("{} fewer than two pairs", if n == 1 { "1 item has".into() } else { format!("{n} items have") }));
    }
    if corpus.attributes() == 0 && corpus.features(0).is_none() {
        return Err("the items have no attributes and no features, so nothing is near or far".into());
    }
    // Long messages are compared in a table of their lengths.
    let symbols: f64 = corpus.messages().map(|message| message.len() as f64).sum();
    if coded.places.len() > LONGEST && symbols * symbols / 2.0 > CELLS && message.of_edits().is_some() {
        return Err(format!(
            "{n} messages of up to {} symbols are too long to count edits; another distance of messages, or fewer rows, will do",
            coded.places.len()
        ));
    }
    let far = match corpus.features(0) {
        Some(_) => centred(pairs(n).map(|(i, j)| meaning.between(corpus, i, j)).collect()),
        None => of_attributes(coded, meaning),
    };
    let Some(far) = far else { return Err("all meanings are equally far from each other".into()) };
    // Distances of messages are few numbers: a table of which one, and the ranks of each.
    let first = firsts(&coded.messages);
    let m = first.len();
    let mut known: Vec<f64> = Vec::new();
    let mut which = vec![0u16; m * m];
    let mut number = |distance: f64| {
        let found = known.iter().position(|&one| one == distance);
        found.unwrap_or_else(|| {
            known.push(distance);
            known.len() - 1
        }) as u16
    };
    let ordered = message == MessageDistance::LevenshteinByFirst;
    let longest = coded.places.len();
    // Few edits and few lengths make few distances: each is looked for once.
    let edited = message.of_edits().filter(|_| longest <= LONGEST);
    let mut seen = vec![u16::MAX; if edited.is_some() { (longest + 1).pow(3) } else { 0 }];
    for a in 0..m {
        let from = corpus.message(first[a]);
        let pattern = edited.map(|_| Pattern::of(from));
        for b in if ordered { 0 } else { a }..m {
            let to = corpus.message(first[b]);
            let class = match (&edited, &pattern) {
                (Some(of_edits), Some(pattern)) => {
                    let edits = pattern.edits(to);
                    let seen = &mut seen[(edits as usize * (longest + 1) + from.len()) * (longest + 1) + to.len()];
                    if *seen == u16::MAX {
                        *seen = number(of_edits(f64::from(edits), from.len() as f64, to.len() as f64));
                    }
                    *seen
                }
                _ => number(message.between(from, to)),
            };
            which[a * m + b] = class;
            if !ordered {
                which[b * m + a] = class;
            }
        }
    }
    if known.len() > usize::from(u16::MAX) {
        return Err("messages are too long: there are more than 65,535 different distances".into());
    }
    let mut sorted: Vec<usize> = (0..known.len()).collect();
    sorted.sort_by(|&a, &b| known[a].total_cmp(&known[b]));
    let messages = &coded.messages.of;
    Ok(Box::new(move |order| {
        let ids: Vec<usize> = order.iter().map(|&row| messages[row as usize] as usize).collect();
        let (mut counts, mut sums) = (vec![0u64; known.len()], vec![0.0; known.len()]);
        let mut at = 0;
        for i in 1..n {
            for (j, x) in far[at..at + i].iter().enumerate() {
                let class = usize::from(which[ids[j] * m + ids[i]]);
                counts[class] += 1;
                sums[class] += x;
            }
            at += i;
        }
        // Average ranks of the distances of messages, from how many pairs are nearer.
        let all = (n * (n - 1) / 2) as f64;
        let (mut nearer, mut product, mut square) = (0.0, 0.0, 0.0);
        for &class in &sorted {
            let here = counts[class] as f64;
            let rank = nearer + (here + 1.0) / 2.0 - (all + 1.0) / 2.0;
            nearer += here;
            product += rank * sums[class];
            square += rank * rank * here;
        }
        if square > 0.0 { (product / square.sqrt()).clamp(-1.0, 1.0) } else { f64::NAN }
    }))
}

/// Centred ranks of the distances of all pairs of meanings with attributes. Equal meanings are equally far from all others, so
/// each two are compared once, and distances are few numbers, so they are counted and not sorted.
fn of_attributes(coded: &Coded<'_>, meaning: MeaningDistance) -> Option<Vec<f64>> {
    let (first, n) = (firsts(&coded.meanings), coded.corpus.len());
    let m = first.len();
    let mut known: Vec<f64> = Vec::new();
    let mut class = vec![0u32; m * m];
    for a in 0..m {
        for b in 0..=a {
            let distance = meaning.between(coded.corpus, first[a], first[b]);
            let found = known.iter().position(|&one| one == distance).unwrap_or(known.len());
            if found == known.len() {
                known.push(distance);
            }
            (class[a * m + b], class[b * m + a]) = (found as u32, found as u32);
        }
    }
    let ids = &coded.meanings.of;
    let mut counts = vec![0u64; known.len()];
    for j in 1..n {
        let row = &class[ids[j] as usize * m..][..m];
        ids[..j].iter().for_each(|&i| counts[row[i as usize] as usize] += 1);
    }
    let mut sorted: Vec<usize> = (0..known.len()).collect();
    sorted.sort_by(|&a, &b| known[a].total_cmp(&known[b]));
    let all = (n * (n - 1) / 2) as f64;
    let (mut nearer, mut squares, mut ranks) = (0.0, 0.0, vec![0.0; known.len()]);
    for of in sorted {
        let here = counts[of] as f64;
        ranks[of] = nearer + (here + 1.0) / 2.0 - (all + 1.0) / 2.0;
        squares += here * ranks[of] * ranks[of];
        nearer += here;
    }
    if squares <= 0.0 {
        return None;
    }
    ranks.iter_mut().for_each(|rank| *rank /= squares.sqrt());
    let mut far = Vec::with_capacity(n * (n - 1) / 2);
    for j in 1..n {
        let row = &class[ids[j] as usize * m..][..m];
        far.extend(ids[..j].iter().map(|&i| ranks[row[i as usize] as usize]));
    }
    Some(far)
}

/// All pairs with the first before the second, in the order of the second.
fn pairs(n: usize) -> impl Iterator<Item = (usize, usize)> {
    (1..n).flat_map(|j| (0..j).map(move |i| (i, j)))
}

/// The first row that has each of the things numbered.
pub(super) fn firsts(ids: &Ids) -> Vec<usize> {
    let mut first = vec![0; ids.n()];
    ids.of.iter().enumerate().rev().for_each(|(row, &id)| first[id as usize] = row);
    first
}

/// Average ranks less their mean, divided by the root of the sum of their squares; none where all are alike.
fn centred(values: Vec<f64>) -> Option<Vec<f64>> {
    let ranks = ranks(&values);
    let mean = (values.len() as f64 + 1.0) / 2.0;
    let size = ranks.iter().map(|rank| (rank - mean) * (rank - mean)).sum::<f64>().sqrt();
    (size > 0.0).then(|| ranks.into_iter().map(|rank| (rank - mean) / size).collect())
}

/// Average ranks, from 1.
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let mut sorted: Vec<usize> = (0..values.len()).collect();
    sorted.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut out = vec![0.0; values.len()];
    let mut at = 0;
    while at < sorted.len() {
        let ties = sorted[at..].iter().take_while(|&&one| values[one] == values[sorted[at]]).count();
        sorted[at..at + ties].iter().for_each(|&one| out[one] = at as f64 + (ties as f64 + 1.0) / 2.0);
        at += ties;
    }
    out
}

/// Spearman's correlation; not a number where one side is constant.
pub fn spearman(x: &[f64], y: &[f64]) -> f64 {
    match (centred(x.to_vec()), centred(y.to_vec())) {
        (Some(x), Some(y)) => x.iter().zip(&y).map(|(x, y)| x * y).sum(),
        _ => f64::NAN,
    }
}
