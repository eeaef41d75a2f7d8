//! Which matrices a network leans on for which of its skills, and whether skills and matrices fall into communities (2508.18192,
//! where skills were named by a chat model; here they are the ingredients that a model read).

use super::probe::{Probe, ProbeEntry, Subject};
use crate::communities::{
    Leaning, Links, ROWS, Surplus, TRIES, ablated, adjusted_rand, leaning, modules, needs, rank_correlation,
};
use crate::corpus::Corpus;
use crate::response::Trained;
use cratylus_core::seed::{Purpose, Seed};
use serde::{Deserialize, Serialize};

pub const ENTRY: ProbeEntry = ProbeEntry::new::<Communities>(
    "communities",
    "whether ingredients and the matrices that they need fall into communities, and whether these are the kinds of ingredients",
);

/// Its parameters.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Communities {
    /// Rows of each set.
    #[serde(default = "rows")]
    pub rows: usize,
    /// Tries of each partition, of which the best counts.
    #[serde(default = "tries")]
    pub tries: u64,
    /// Graphs with links drawn anew, as many of each ingredient and matrix.
    #[serde(default = "two_hundred")]
    pub rewired: u64,
}

fn rows() -> usize {
    ROWS
}

fn tries() -> u64 {
    TRIES
}

fn two_hundred() -> u64 {
    200
}

/// So many matrices are taken away in part, to see whether what is needed is missed.
const TAKEN: usize = 10;
/// So often kinds are given to ingredients at random.
const PERMUTED: u64 = 1000;

/// Things by numbers, those of one name by the same.
fn named<'n>(names: impl Iterator<Item = &'n str>) -> Vec<usize> {
    let mut known: Vec<&str> = Vec::new();
    let place = |name: &'n str| match known.iter().position(|known| *known == name) {
        Some(place) => place,
        None => {
            known.push(name);
            known.len() - 1
        }
    };
    names.map(place).collect()
}

impl Communities {
    /// Whether what rows of all ingredients need most of some matrices is what they miss most, where it is taken away in part.
    fn foreseen(&self, net: &Trained, corpus: &Corpus, seed: Seed) -> Option<f64> {
        let row = |i: usize| corpus.fresh(i % corpus.spec.portions.len(), (1 << 21) + i as u64);
        let rows: Vec<Vec<u32>> = (0..self.rows).map(|i| corpus.words.tokens(&row(i).words)).collect();
        let all = modules(&net.shape);
        let needed = needs(net, &all, &rows);
        let mut some: Vec<_> = all.into_iter().zip(needed).collect();
        seed.stream(Purpose::Order, u64::MAX).shuffle(&mut some, TAKEN);
        let (some, needed): (Vec<_>, Vec<f64>) = some.into_iter().take(TAKEN).unzip();
        rank_correlation(&needed, &ablated(net, &some, &rows, seed))
    }
}

impl Probe for Communities {
    fn ask(&self, of: &Subject<'_>) -> Result<Option<Vec<(String, f64)>>, String> {
        let (corpus, portions) = (of.corpus, &of.corpus.spec.portions);
        if portions.len() < 3 {
            return Err("communities are of three ingredients or more".into());
        }
        if self.rows < 2 || self.tries == 0 || self.rewired == 0 {
            return Err("`rows` is at least 2, and `tries` and `rewired` at least 1".into());
        }
        let Some(net) = of.net else { return Ok(None) };
        let seed = Seed::of_run(corpus.spec.seed, "modules", 0);
        let tensors = modules(&net.shape);
        let skills = portions.len();
        let links = Links::above_sums(&leaning(net, corpus, Leaning { rows: self.rows, from: 0 }));
        let surplus = Surplus::of_sides(&links);
        let (parts, tries) = surplus.best(self.tries, seed);
        let modularity = surplus.modularity(&parts);
        let rewired: Vec<f64> = (0..self.rewired)
            .map(|i| {
                let surplus = Surplus::of_sides(&links.rewired(&mut seed.stream(Purpose::Resample, i)));
                surplus.modularity(&surplus.best(self.tries, Seed::of_run(seed.0, "rewired", i)).0)
            })
            .collect();
        let mean = |list: &[f64]| list.iter().sum::<f64>() / list.len() as f64;
        let as_high = |list: &[f64], found: f64| {
            (1.0 + list.iter().filter(|x| **x >= found - 1e-12).count() as f64) / (1.0 + list.len() as f64)
        };
        let kinds = named(portions.iter().map(|portion| portion.kind));
        let known = adjusted_rand(&parts[..skills], &kinds);
        let permuted: Vec<f64> = (0..PERMUTED)
            .map(|i| {
                let mut kinds = kinds.clone();
                seed.stream(Purpose::Assign, u64::MAX - i).shuffle(&mut kinds, skills);
                adjusted_rand(&parts[..skills], &kinds)
            })
            .collect();
        let again = Links::above_sums(&leaning(net, corpus, Leaning { rows: self.rows, from: 1 << 20 }));
        let (again, _) = Surplus::of_sides(&again).best(self.tries, seed);
        let of_name = |part: usize| tensors.iter().map(move |tensor| tensor.name.split('.').nth(part).unwrap_or_default());
        let (blocks, matrices) = (named(of_name(2)), named(of_name(4)));
        let mut found = vec![
            ("communities".to_string(), parts.iter().max().map_or(0.0, |most| *most as f64 + 1.0)),
            ("modularity".into(), modularity),
            ("modularity, rewired".into(), mean(&rewired)),
            ("modularity over rewired".into(), modularity - mean(&rewired)),
            ("modularity, p".into(), as_high(&rewired, modularity)),
            ("skills as their kinds".into(), known),
            ("skills as their kinds, p".into(), as_high(&permuted, known)),
            ("modules as their blocks".into(), adjusted_rand(&parts[skills..], &blocks)),
            ("modules as their matrices".into(), adjusted_rand(&parts[skills..], &matrices)),
            ("skills again, by other rows".into(), adjusted_rand(&parts[..skills], &again[..skills])),
            ("modules again, by other rows".into(), adjusted_rand(&parts[skills..], &again[skills..])),
            ("tries agree".into(), mean(&tries.iter().map(|other| adjusted_rand(&parts, other)).collect::<Vec<_>>())),
        ];
        let foreseen = self.foreseen(net, corpus, seed);
        found.extend(foreseen.map(|ranks| ("what is needed is missed".into(), ranks)));
        Ok(Some(found))
    }
}
