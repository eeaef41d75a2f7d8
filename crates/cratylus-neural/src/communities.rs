//! Communities: parts of a graph that are linked more among themselves than the number of links of each says, how far two ways
//! to part the same things agree, and the graph of what texts a network reads and which of its matrices it leans on for each.

use crate::corpus::{Corpus, fresh};
use crate::net::{Lane, NetShape, NetWork, Tensor};
use crate::response::Trained;
use cratylus_core::seed::{Purpose, Seed, Stream};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// For each pair of things how much more they are linked than is to be expected; a partition's modularity is the sum over the
/// pairs of each part.
#[derive(Clone, Debug, PartialEq)]
pub struct Surplus {
    n: usize,
    of: Vec<f64>,
}

impl Surplus {
    /// Of a graph whose links have weights (Newman 2006): expected is what things with as many links come to by chance.
    pub fn of_graph(weights: &[Vec<f64>]) -> Surplus {
        let sums: Vec<f64> = weights.iter().map(|row| row.iter().sum()).collect();
        let all: f64 = sums.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        let n = weights.len();
        let of = |i: usize, j: usize| (weights[i][j] - sums[i] * sums[j] / all) / all;
        Surplus { n, of: (0..n * n).map(|at| of(at / n, at % n)).collect() }
    }

    /// Of a graph with two sides, whose links go from one to the other alone (Barber 2007): first come the things of the one
    /// side, then those of the other.
    pub fn of_sides(links: &Links) -> Surplus {
        let (rows, columns) = (links.rows(), links.columns());
        let of_row: Vec<f64> = links.0.iter().map(|row| row.iter().filter(|linked| **linked).count() as f64).collect();
        let of_column = |column: usize| links.0.iter().filter(|row| row[column]).count() as f64;
        let all = of_row.iter().sum::<f64>().max(1.0);
        let n = rows + columns;
        let mut of = vec![0.0; n * n];
        for (row, linked) in links.0.iter().enumerate() {
            for (column, &linked) in linked.iter().enumerate() {
                let more = (f64::from(u8::from(linked)) - of_row[row] * of_column(column) / all) / all;
                // Each pair is summed in both orders.
                of[row * n + rows + column] = more / 2.0;
                of[(rows + column) * n + row] = more / 2.0;
            }
        }
        Surplus { n, of }
    }

    /// The modularity of a partition, which gives each thing the number of its part.
    pub fn modularity(&self, parts: &[usize]) -> f64 {
        let pairs = (0..self.n).flat_map(|i| (0..self.n).map(move |j| (i, j)));
        pairs.filter(|&(i, j)| parts[i] == parts[j]).map(|(i, j)| self.of[i * self.n + j]).sum()
    }

    /// A partition of high modularity (Blondel et al. 2008): each thing in turn goes where it gains most, until none gains;
    /// then the parts are the things.
    pub fn louvain(&self, draws: &mut Stream) -> Vec<usize> {
        let mut whole: Vec<usize> = (0..self.n).collect();
        let mut level = self.clone();
        loop {
            let moved = level.moved(draws);
            let parts = numbered(&moved);
            whole.iter_mut().for_each(|part| *part = parts[*part]);
            let n = parts.iter().max().map_or(0, |most| most + 1);
            if n == level.n {
                return whole;
            }
            let mut of = vec![0.0; n * n];
            for i in 0..level.n {
                for j in 0..level.n {
                    of[parts[i] * n + parts[j]] += level.of[i * level.n + j];
                }
            }
            level = Surplus { n, of };
        }
    }

    fn moved(&self, draws: &mut Stream) -> Vec<usize> {
        let mut parts: Vec<usize> = (0..self.n).collect();
        let mut order = parts.clone();
        draws.shuffle(&mut order, self.n);
        loop {
            let mut any = false;
            for &thing in &order {
                let mut gains = vec![0.0; self.n];
                for other in (0..self.n).filter(|other| *other != thing) {
                    gains[parts[other]] += self.of[thing * self.n + other];
                }
                // Of equals the first; to be alone in its own place gains nothing.
                let best = (0..self.n).rev().max_by(|&a, &b| gains[a].total_cmp(&gains[b])).expect("there are parts");
                if gains[best] > gains[parts[thing]] + 1e-12 {
                    parts[thing] = best;
                    any = true;
                }
            }
            if !any {
                return parts;
            }
        }
    }

    /// The best of so many tries, each in an order of its own, and all of them.
    pub fn best(&self, tries: u64, seed: Seed) -> (Vec<usize>, Vec<Vec<usize>>) {
        let all: Vec<Vec<usize>> = (0..tries).map(|i| self.louvain(&mut seed.stream(Purpose::Order, i))).collect();
        let mut best = &all[0];
        for parts in &all {
            if self.modularity(parts) > self.modularity(best) + 1e-12 {
                best = parts;
            }
        }
        (best.clone(), all)
    }
}

/// Parts by numbers from 0 on, in the order in which they come.
fn numbered(parts: &[usize]) -> Vec<usize> {
    let mut known = Vec::new();
    let place = |part: &usize| match known.iter().position(|known| known == part) {
        Some(place) => place,
        None => {
            known.push(*part);
            known.len() - 1
        }
    };
    parts.iter().map(place).collect()
}

/// Which things of one side are linked to which of the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Links(pub Vec<Vec<bool>>);

impl Links {
    /// Those that weigh more than the sums of their row and column say.
    pub fn above_sums(weights: &[Vec<f64>]) -> Links {
        let of_row: Vec<f64> = weights.iter().map(|row| row.iter().sum()).collect();
        let all: f64 = of_row.iter().sum();
        let of_column = |column: usize| weights.iter().map(|row| row[column]).sum::<f64>();
        let linked = |(row, weights): (usize, &Vec<f64>)| {
            (weights.iter().enumerate()).map(|(column, weight)| weight * all > of_row[row] * of_column(column)).collect()
        };
        Links(weights.iter().enumerate().map(linked).collect())
    }

    fn rows(&self) -> usize {
        self.0.len()
    }

    fn columns(&self) -> usize {
        self.0.first().map_or(0, Vec::len)
    }

    /// Links drawn anew, as many of each thing as before: two that share no end exchange ends, again and again.
    pub fn rewired(&self, draws: &mut Stream) -> Links {
        let mut links = self.clone();
        let mut ends: Vec<[usize; 2]> = Vec::new();
        for (row, linked) in self.0.iter().enumerate() {
            ends.extend(linked.iter().enumerate().filter(|(_, linked)| **linked).map(|(column, _)| [row, column]));
        }
        for _ in 0..50 * ends.len() {
            let [a, b] = [(); 2].map(|()| draws.below(ends.len() as u64) as usize);
            let [[row, column], [other, there]] = [ends[a], ends[b]];
            if !links.0[row][there] && !links.0[other][column] {
                for (row, column, linked) in
                    [(row, column, false), (other, there, false), (row, there, true), (other, column, true)]
                {
                    links.0[row][column] = linked;
                }
                (ends[a], ends[b]) = ([row, there], [other, column]);
            }
        }
        links
    }
}

/// How far two partitions of the same things agree (Hubert & Arabie 1985): 1 where they are one, 0 in the mean where one has
/// nothing to do with the other.
pub fn adjusted_rand(one: &[usize], other: &[usize]) -> f64 {
    let pairs = |n: f64| n * (n - 1.0) / 2.0;
    let count = |keys: &mut dyn Iterator<Item = (usize, usize)>| -> f64 {
        let mut counts: BTreeMap<(usize, usize), f64> = BTreeMap::new();
        keys.for_each(|key| *counts.entry(key).or_default() += 1.0);
        counts.values().map(|&n| pairs(n)).sum()
    };
    let both = count(&mut one.iter().copied().zip(other.iter().copied()));
    let [first, second] = [one, other].map(|parts| count(&mut parts.iter().map(|&part| (part, 0))));
    let expected = first * second / pairs(one.len() as f64).max(1.0);
    let most = (first + second) / 2.0;
    // Both have one part, or as many as there are things.
    if (most - expected).abs() < 1e-12 { 1.0 } else { (both - expected) / (most - expected) }
}

/// The correlation of ranks (Spearman), equals at the mean of their ranks. None where all of a list are equal.
pub fn rank_correlation(one: &[f64], other: &[f64]) -> Option<f64> {
    let ranks = |list: &[f64]| -> Vec<f64> {
        let below = |x: f64| list.iter().filter(|y| **y < x).count() as f64;
        let equal = |x: f64| list.iter().filter(|y| **y == x).count() as f64;
        list.iter().map(|&x| below(x) + (equal(x) - 1.0) / 2.0).collect()
    };
    let (one, other) = (ranks(one), ranks(other));
    let middle = (one.len() as f64 - 1.0) / 2.0;
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - middle) * (b - middle)).sum::<f64>();
    let length = (product(&one, &one) * product(&other, &other)).sqrt();
    (length > 0.0).then(|| product(&one, &other) / length)
}

/// The modules of a network: the seven matrices of each block.
pub fn modules(shape: &NetShape) -> Vec<Tensor> {
    let of_blocks = |tensor: &Tensor| tensor.shape.len() == 2 && tensor.name.starts_with("model.layers.");
    shape.tensors().into_iter().filter(of_blocks).collect()
}

/// How it is found out which modules a network leans on for what.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Leaning {
    /// Rows of each set.
    pub rows: usize,
    /// From which of the rows on that stand nowhere.
    pub from: u64,
}

/// So many sets for each skill.
const SETS: usize = 2;

/// How much a network leans on each module (columns) for each skill (rows), a skill being an ingredient of the corpus. Sets of
/// fresh rows have known shares of skills: a half is of one, the rest of any. What a set needs of a module is the sum of
/// `|w dL/dw|`, as a share of all modules; what a skill needs is what its sets do, by its share in them.
pub fn leaning(net: &Trained, corpus: &Corpus, how: Leaning) -> Vec<Vec<f64>> {
    let (skills, modules) = (corpus.spec.portions.len(), modules(&net.shape));
    let mut all = vec![vec![0.0; modules.len()]; skills];
    let mut next: Vec<u64> = vec![how.from; skills];
    for set in 0..SETS * skills {
        let mut draws = Seed::of_run(corpus.spec.seed, "sets", 0).stream(Purpose::Scene, set as u64);
        let mut counts = vec![0; skills];
        counts[set % skills] = how.rows / 2;
        (how.rows / 2..how.rows).for_each(|_| counts[draws.below(skills as u64) as usize] += 1);
        let mut rows = Vec::new();
        for (skill, &count) in counts.iter().enumerate() {
            for _ in 0..count {
                rows.push(corpus.words.tokens(&corpus.at(skill, fresh(next[skill])).words));
                next[skill] += 1;
            }
        }
        let needs = needs(net, &modules, &rows);
        for (skill, &count) in counts.iter().enumerate() {
            let share = count as f64 / how.rows as f64;
            all[skill].iter_mut().zip(&needs).for_each(|(sum, need)| *sum += share * need);
        }
    }
    all
}

fn lane(net: &Trained, rows: &[Vec<u32>]) -> Lane {
    let mut lane = Lane::default();
    rows.iter().for_each(|row| lane.push(row, net.shape.context));
    lane
}

/// What some rows need of each module, as shares of one.
pub fn needs(net: &Trained, modules: &[Tensor], rows: &[Vec<u32>]) -> Vec<f64> {
    let lane = lane(net, rows);
    let mut gradient = vec![0.0; net.weights.len()];
    NetWork::new(net.shape).learn(&net.weights, &lane, 1.0 / lane.kept().max(1) as f32, &mut gradient);
    let of = |module: &Tensor| {
        let both = net.weights[module.at.clone()].iter().zip(&gradient[module.at.clone()]);
        both.map(|(w, g)| f64::from(w * g).abs()).sum::<f64>()
    };
    let needs: Vec<f64> = modules.iter().map(of).collect();
    let all: f64 = needs.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    needs.into_iter().map(|need| need / all).collect()
}

/// By how much the loss of some rows rises where some of a module's weights are zero, for each module: a quarter of them, in
/// the mean over some draws.
pub fn ablated(net: &Trained, modules: &[Tensor], rows: &[Vec<u32>], seed: Seed) -> Vec<f64> {
    const DRAWS: u64 = 2;
    let lane = lane(net, rows);
    let mut work = NetWork::new(net.shape);
    let mut loss = |weights: &[f32]| work.judge(weights, &lane).iter().map(|&loss| f64::from(loss)).sum::<f64>();
    let (whole, kept) = (loss(&net.weights), lane.kept().max(1) as f64);
    let mut weights = net.weights.clone();
    let of = |(place, module): (usize, &Tensor)| {
        let mut more = 0.0;
        for draw in 0..DRAWS {
            let mut stream = seed.stream(Purpose::Resample, place as u64 * DRAWS + draw);
            weights[module.at.clone()].iter_mut().filter(|_| stream.below(4) == 0).for_each(|weight| *weight = 0.0);
            more += loss(&weights) - whole;
            weights[module.at.clone()].copy_from_slice(&net.weights[module.at.clone()]);
        }
        more / kept / DRAWS as f64
    };
    modules.iter().enumerate().map(of).collect()
}

/// Which modules of a network alone are learnt.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ModulesLearnt {
    /// An ingredient.
    pub skill: String,
    /// Which modules.
    pub learn: WhichModules,
}

/// Which modules are learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhichModules {
    /// Those of the skill's community.
    Own,
    /// As many of each size, any.
    Random,
    /// All.
    All,
}

impl ModulesLearnt {
    /// The names of the modules, of a network that has learnt something.
    pub fn find(&self, net: &Trained, corpus: &Corpus) -> Vec<String> {
        let all = modules(&net.shape);
        if self.learn == WhichModules::All {
            return all.into_iter().map(|module| module.name).collect();
        }
        let seed = Seed::of_run(corpus.spec.seed, "modules", 0);
        let skills = corpus.spec.portions.len();
        let links = Links::above_sums(&leaning(net, corpus, Leaning { rows: ROWS, from: 0 }));
        let (parts, _) = Surplus::of_sides(&links).best(TRIES, seed);
        let skill = corpus.spec.portions.iter().position(|portion| portion.name == self.skill).expect("checked as it was read");
        let own: Vec<bool> = parts[skills..].iter().map(|part| *part == parts[skill]).collect();
        let mut chosen = own.clone();
        if self.learn == WhichModules::Random {
            let mut sizes: Vec<usize> = all.iter().map(|module| module.at.len()).collect();
            sizes.sort_unstable();
            sizes.dedup();
            for (place, size) in (0..).zip(sizes) {
                let mut alike: Vec<usize> = (0..all.len()).filter(|&i| all[i].at.len() == size).collect();
                let n = alike.iter().filter(|&&i| own[i]).count();
                seed.stream(Purpose::Assign, place).shuffle(&mut alike, n);
                alike.iter().enumerate().for_each(|(i, &module)| chosen[module] = i < n);
            }
        }
        all.into_iter().zip(chosen).filter(|(_, chosen)| *chosen).map(|(module, _)| module.name).collect()
    }
}

/// Rows of each set, where nothing else is said.
pub const ROWS: usize = 64;
/// Tries of each partition, where nothing else is said.
pub const TRIES: u64 = 50;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::CorpusSpec;
    use cratylus_core::experiment::Document;
    use cratylus_core::spec::NoInputs;

    fn graph(n: usize, links: impl IntoIterator<Item = [usize; 2]>) -> Vec<Vec<f64>> {
        let mut weights = vec![vec![0.0; n]; n];
        for [a, b] in links {
            (weights[a][b], weights[b][a]) = (1.0, 1.0);
        }
        weights
    }

    fn clique(of: impl Iterator<Item = usize> + Clone) -> Vec<[usize; 2]> {
        of.clone().flat_map(|a| of.clone().filter(move |b| *b > a).map(move |b| [a, b])).collect()
    }

    #[test]
    fn two_triangles_and_a_ring_of_cliques_have_the_communities_that_are_known() {
        let two = clique(0..3).into_iter().chain(clique(3..6)).chain([[2, 3]]);
        let surplus = Surplus::of_graph(&graph(6, two));
        let (parts, _) = surplus.best(10, Seed(1));
        assert_eq!(parts, [0, 0, 0, 1, 1, 1]);
        assert!((surplus.modularity(&parts) - 5.0 / 14.0).abs() < 1e-12);
        assert!(surplus.modularity(&[0; 6]).abs() < 1e-12, "all in one part is what is to be expected");
        // Thirty cliques of five in a ring: one by one 0.876, in pairs 0.888 (Fortunato & Barthélemy 2007).
        let ring = (0..30).flat_map(|i| clique(5 * i..5 * i + 5).into_iter().chain([[5 * i + 4, 5 * ((i + 1) % 30)]]));
        let surplus = Surplus::of_graph(&graph(150, ring));
        let of_cliques = |together: usize| surplus.modularity(&(0..150).map(|i| i / (5 * together)).collect::<Vec<_>>());
        assert!((of_cliques(1) - 0.8758).abs() < 5e-5 && (of_cliques(2) - 0.8879).abs() < 5e-5, "{}", of_cliques(1));
        let (parts, _) = surplus.best(5, Seed(1));
        let found = surplus.modularity(&parts);
        assert!(found > of_cliques(1) && found <= of_cliques(2) + 1e-12, "{found}");
        assert!((0..30).all(|i| (0..5).all(|j| parts[5 * i] == parts[5 * i + j])), "no clique is cut");
    }

    #[test]
    fn of_small_graphs_the_best_of_many_tries_is_the_best_there_is() {
        // Every partition of seven things, as numbers of parts in the order in which they come.
        fn all(n: usize, parts: &mut Vec<usize>, most: usize, seen: &mut dyn FnMut(&[usize])) {
            if parts.len() == n {
                return seen(parts);
            }
            for part in 0..=most {
                parts.push(part);
                all(n, parts, most.max(part + 1), seen);
                parts.pop();
            }
        }
        for place in 0..20 {
            let mut draws = Seed(5).stream(Purpose::Scene, place);
            let links = Links((0..3).map(|_| (0..4).map(|_| draws.below(2) == 0).collect()).collect());
            let pairs = clique(0..7).into_iter().filter(|_| draws.below(5) < 2).collect::<Vec<_>>();
            for surplus in [Surplus::of_sides(&links), Surplus::of_graph(&graph(7, pairs))] {
                let mut most = f64::MIN;
                all(7, &mut Vec::new(), 0, &mut |parts| most = most.max(surplus.modularity(parts)));
                let (parts, _) = surplus.best(50, Seed(place));
                assert!((surplus.modularity(&parts) - most).abs() < 1e-12, "{} of {most}", surplus.modularity(&parts));
            }
        }
    }

    #[test]
    fn two_sides_fall_apart_where_links_do_and_rewiring_keeps_how_many_each_has() {
        // Three skills on each of three groups of modules: Q = 1 - 1/3.
        let links = Links((0..9).map(|row| (0..12).map(|column| row / 3 == column / 4).collect()).collect());
        let surplus = Surplus::of_sides(&links);
        let (parts, tries) = surplus.best(20, Seed(2));
        assert!((surplus.modularity(&parts) - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(parts, [0, 0, 0, 1, 1, 1, 2, 2, 2, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
        assert_eq!(tries.len(), 20);
        let mut highest: f64 = 0.0;
        for place in 0..50 {
            let rewired = links.rewired(&mut Seed(3).stream(Purpose::Resample, place));
            assert_ne!(rewired, links);
            assert!(rewired.0.iter().all(|row| row.iter().filter(|linked| **linked).count() == 4));
            assert!((0..12).all(|column| rewired.0.iter().filter(|row| row[column]).count() == 3));
            let surplus = Surplus::of_sides(&rewired);
            highest = highest.max(surplus.modularity(&surplus.best(10, Seed(place)).0));
        }
        // Modularity is never zero, even where there is nothing, and always below that of what falls apart.
        assert!((0.2..0.6).contains(&highest), "{highest}");
    }

    #[test]
    fn agreement_of_partitions_and_of_ranks_are_those_of_examples() {
        // As the documentation of scikit-learn has them.
        assert_eq!(adjusted_rand(&[0, 0, 1, 1], &[1, 1, 0, 0]), 1.0);
        assert!((adjusted_rand(&[0, 0, 1, 2], &[0, 0, 1, 1]) - 4.0 / 7.0).abs() < 1e-12);
        assert_eq!(adjusted_rand(&[0, 0, 0, 0], &[0, 1, 2, 3]), 0.0);
        assert!((adjusted_rand(&[0, 0, 1, 1], &[0, 1, 0, 1]) + 0.5).abs() < 1e-12);
        assert_eq!(rank_correlation(&[1.0, 2.0, 3.0], &[10.0, 20.0, 25.0]), Some(1.0));
        assert!((rank_correlation(&[1.0, 2.0, 3.0, 4.0], &[1.0, 3.0, 2.0, 4.0]).unwrap() - 0.8).abs() < 1e-12);
        assert!((rank_correlation(&[1.0, 1.0, 2.0], &[1.0, 2.0, 3.0]).unwrap() - 0.75f64.sqrt()).abs() < 1e-12);
        assert_eq!(rank_correlation(&[1.0, 1.0], &[1.0, 2.0]), None);
    }

    #[test]
    fn what_is_learnt_alone_is_a_community_and_chance_has_as_many_weights() {
        let text = "seed = 4\n[corpus]\nrows = 9\ncontext = 16\n[[ingredients]]\nkind = \"columns\"\n\
                    [[ingredients]]\nkind = \"rounds\"\ndose = 0.0\n[[ingredients]]\nkind = \"sentences\"\ndose = 0.0\n";
        let spec = Document::parse("c", text, &[]).unwrap().read(CorpusSpec::read).unwrap();
        let corpus = Corpus::open(spec, &NoInputs).unwrap();
        let shape = NetShape {
            vocabulary: corpus.words.len(),
            width: 16,
            layers: 3,
            heads: 2,
            key_heads: 2,
            hidden: 24,
            context: 16,
            tied: true,
            rotary_base: 10_000.0,
            norm_eps: 1e-5,
        };
        let net = Trained { shape, weights: shape.begin(0.2, Seed(1)), words: corpus.words.clone() };
        let of = |learn| ModulesLearnt { skill: "rounds".into(), learn }.find(&net, &corpus);
        let (own, random, all) = (of(WhichModules::Own), of(WhichModules::Random), of(WhichModules::All));
        assert_eq!(all.len(), 21);
        assert!(!own.is_empty() && own.len() < 21 && own != random, "{own:?} {random:?}");
        let weights = |names: &[String]| -> usize {
            modules(&shape).iter().filter(|module| names.contains(&module.name)).map(|module| module.at.len()).sum()
        };
        assert_eq!(weights(&own), weights(&random));
        // What is needed are shares.
        let rows: Vec<Vec<u32>> = (0..8).map(|row| corpus.words.tokens(&corpus.fresh(1, row).words)).collect();
        let needs = needs(&net, &modules(&shape), &rows);
        assert!((needs.iter().sum::<f64>() - 1.0).abs() < 1e-9 && needs.iter().all(|&need| need > 0.0));
        let still = Trained { weights: vec![0.0; net.weights.len()], ..net };
        assert!(ablated(&still, &modules(&shape), &rows, Seed(2)).iter().all(|&more| more == 0.0), "nothing is left to take");
    }
}
