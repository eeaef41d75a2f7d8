//! A training as it goes: weights, what the optimiser remembers, and the step. What rows a step takes is its caller's.

use super::adapters::{AdapterShape, Adapters};
use super::conda::{CondaMatrix, CondaStep};
use super::experts::Experts;
use super::lane::{Lane, Learns, NetWork, ReadRow};
use super::recipe::{Recipe, powi};
use super::rows;
use super::shape::NetShape;
use cratylus_core::Seed;
use cratylus_core::fault::Fault;
use cratylus_core::kept::{self, Keeper};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

/// Something to be done, by any thread.
pub type Job<'j> = Box<dyn FnOnce() + Send + 'j>;

/// Does jobs one after the other; whoever has threads hands in another.
pub fn one_by_one(jobs: Vec<Job<'_>>) {
    jobs.into_iter().for_each(|job| job());
}

/// A training as it goes.
pub struct Trainer {
    /// How large the network is.
    pub shape: NetShape,
    /// How it is trained.
    pub recipe: Recipe,
    weights: Vec<f32>,
    /// What alone is learnt, where weights stay as they are.
    adapted: Option<Adapted>,
    /// Of each weight whether it is one of a matrix, that loses a little with every step.
    decays: Vec<Range<usize>>,
    /// The matrices that Conda has, each with its basis.
    turned: Vec<Turned>,
    /// Which weights stay as they are.
    frozen: Vec<Range<usize>>,
    means: Vec<f32>,
    squares: Vec<f32>,
    step: u64,
    /// Of each lane.
    gradients: Vec<Vec<f32>>,
    works: Vec<NetWork>,
}

/// What is added to some matrices, and these without it.
struct Adapted {
    adapters: Adapters,
    base: Vec<Vec<f32>>,
}

/// A matrix that Conda steps.
struct Turned {
    at: Range<usize>,
    rows: usize,
    columns: usize,
    basis: Vec<f32>,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct StepSeen {
    /// The step, counted from 1.
    pub step: u64,
    /// The loss before it, in nats for each token that was to be learnt.
    pub loss: f64,
    /// How many tokens those were.
    pub tokens: u64,
    /// How long the gradient was before it was shortened.
    pub norm: f64,
    /// The rate of learning.
    pub rate: f64,
}

/// The sum of the squares of a matrix's singular values over the greatest of them; None of one that is zero.
fn stable_rank(matrix: &[f64], columns: usize) -> Option<f64> {
    let all: f64 = matrix.iter().map(|x| x * x).sum();
    let mut vector: Vec<f64> = (0..columns).map(|i| 1.0 + (i * 7919 % 101) as f64 / 101.0).collect();
    let mut greatest = 0.0;
    for _ in 0..60 {
        let mut next = vec![0.0; columns];
        for row in matrix.chunks_exact(columns) {
            let along: f64 = row.iter().zip(&vector).map(|(a, b)| a * b).sum();
            next.iter_mut().zip(row).for_each(|(sum, a)| *sum += along * a);
        }
        let length = |of: &[f64]| of.iter().map(|x| x * x).sum::<f64>().sqrt();
        greatest = length(&next) / length(&vector);
        if !(greatest > 0.0 && greatest.is_finite()) {
            return None;
        }
        let by = 1.0 / length(&next);
        next.iter_mut().for_each(|x| *x *= by);
        vector = next;
    }
    Some(all / greatest)
}

impl Trainer {
    /// A network that has learnt nothing, which at most so many threads work on.
    pub fn new(shape: NetShape, recipe: Recipe, seed: Seed, threads: usize) -> Trainer {
        let weights = shape.begin(recipe.sd, seed);
        Trainer::of(shape, recipe, weights, threads)
    }

    /// One that goes on from the weights of another.
    pub fn of(shape: NetShape, recipe: Recipe, weights: Vec<f32>, threads: usize) -> Trainer {
        assert_eq!(weights.len(), shape.weights(), "weights of a network of this shape");
        let matrices = shape.tensors().into_iter().filter(|tensor| tensor.shape.len() == 2);
        let in_blocks = |name: &str| recipe.conda.is_some() && name.starts_with("model.layers.");
        let (turned, others): (Vec<_>, Vec<_>) = matrices.partition(|tensor| in_blocks(&tensor.name));
        let turned = turned.into_iter().map(|tensor| {
            let [rows, columns] = [tensor.shape[0], tensor.shape[1]];
            Turned { at: tensor.at, rows, columns, basis: vec![0.0; rows.min(columns).pow(2)] }
        });
        Trainer {
            adapted: None,
            decays: others.into_iter().map(|tensor| tensor.at).collect(),
            turned: turned.collect(),
            frozen: Vec::new(),
            means: vec![0.0; weights.len()],
            squares: vec![0.0; weights.len()],
            step: 0,
            gradients: vec![vec![0.0; weights.len()]; recipe.lanes],
            works: (0..threads.clamp(1, recipe.lanes)).map(|_| NetWork::new(shape)).collect(),
            shape,
            recipe,
            weights,
        }
    }

    /// One that leaves the weights as they are and learns what is added to some of them. Each row of a step is a lane, as
    /// long as it is.
    pub fn adapting(shape: NetShape, recipe: Recipe, weights: Vec<f32>, by: AdapterShape, seed: Seed, threads: usize) -> Trainer {
        assert_eq!(weights.len(), shape.weights(), "weights of a network of this shape");
        let adapters = Adapters::new(&shape, by, seed);
        let n = adapters.weights.len();
        Trainer {
            adapted: Some(Adapted { base: adapters.base(&weights), adapters }),
            decays: std::iter::once(0..n).collect(),
            turned: Vec::new(),
            frozen: Vec::new(),
            means: vec![0.0; n],
            squares: vec![0.0; n],
            step: 0,
            gradients: vec![vec![0.0; n]; recipe.rows],
            works: (0..threads.clamp(1, recipe.rows)).map(|_| NetWork::new(shape)).collect(),
            shape,
            recipe,
            weights,
        }
    }

    /// What is added to the weights, where that alone is learnt.
    pub fn adapters(&self) -> Option<&Adapters> {
        self.adapted.as_ref().map(|adapted| &adapted.adapters)
    }

    /// What is learnt.
    fn learnt(&self) -> &Vec<f32> {
        self.adapted.as_ref().map_or(&self.weights, |adapted| &adapted.adapters.weights)
    }

    /// From now on words go to some experts of each block alone.
    pub fn part(&mut self, experts: Experts) {
        let experts = Some(Arc::new(experts));
        self.works.iter_mut().for_each(|work| *work = NetWork::with_experts(self.shape, experts.clone()));
    }

    /// From now on every word goes to all hidden numbers again, as in the model that is written down.
    pub fn join(&mut self) {
        self.works.iter_mut().for_each(|work| *work = NetWork::new(self.shape));
    }

    /// Leaves tensors as they are, by their names in files.
    pub fn freeze(&mut self, frozen: impl Fn(&str) -> bool) {
        self.frozen = self.shape.tensors().into_iter().filter(|tensor| frozen(&tensor.name)).map(|tensor| tensor.at).collect();
    }

    /// The weights, in the order of [`NetShape::tensors`].
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// How many steps were taken.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// Cuts rows into lanes: lane `i` gets those from `i B / L` on.
    pub fn lanes<'r>(&self, rows: impl ExactSizeIterator<Item = &'r [u32]>) -> Vec<Lane> {
        let rows: Vec<ReadRow> = rows.map(|row| ReadRow { tokens: row.to_vec(), ..ReadRow::default() }).collect();
        self.lanes_of(&rows)
    }

    /// The same of rows with thoughts in them.
    pub fn lanes_of(&self, rows: &[ReadRow]) -> Vec<Lane> {
        // What adapts a network reads each row as long as it is.
        let alone = self.adapted.is_some();
        let (n, lanes) = (rows.len(), if alone { rows.len() } else { self.recipe.lanes });
        let mut all = vec![Lane::default(); lanes];
        for (i, ReadRow { tokens, from, thoughts }) in rows.iter().enumerate() {
            let context = if alone { self.shape.context.min(tokens.len().saturating_sub(1)).max(1) } else { self.shape.context };
            // The lane whose stretch of rows holds `i`.
            all[((i + 1) * lanes).div_ceil(n) - 1].push_thinking(tokens, *from, thoughts.clone(), context);
        }
        all
    }

    /// Forgets what the optimiser remembers.
    pub fn forget(&mut self) {
        self.means.fill(0.0);
        self.squares.fill(0.0);
    }

    /// Takes a step. `spread` does jobs, on whatever threads it likes; the numbers do not depend on it.
    pub fn learn(&mut self, lanes: &[Lane], spread: &dyn Fn(Vec<Job<'_>>)) -> StepSeen {
        let kept: usize = lanes.iter().map(Lane::kept).sum();
        let weight = 1.0 / kept.max(1) as f32;
        let mut losses = vec![0.0; lanes.len()];
        let (weights, adapted) = (&self.weights, self.adapted.as_ref());
        let of_each = lanes.len().div_ceil(self.works.len());
        let shares = lanes.chunks(of_each).zip(self.gradients.chunks_mut(of_each)).zip(losses.chunks_mut(of_each));
        let jobs = self.works.iter_mut().zip(shares).map(|(work, ((lanes, gradients), losses))| -> Job<'_> {
            Box::new(move || {
                for ((lane, gradient), loss) in lanes.iter().zip(gradients).zip(losses) {
                    gradient.fill(0.0);
                    let mut learns = match adapted {
                        Some(adapted) => Learns::Adapters(&adapted.adapters, gradient),
                        None => Learns::All(gradient),
                    };
                    *loss = work.learn_some(weights, lane, weight, &mut learns);
                }
            })
        });
        spread(jobs.collect());
        let (first, others) = self.gradients[..lanes.len()].split_first_mut().expect("a step has lanes");
        others.iter().for_each(|other| rows::add(first, other));
        for frozen in &self.frozen {
            first[frozen.clone()].fill(0.0);
        }
        let norm = rows::length(first);
        let rate = self.recipe.rate_at(self.step);
        self.step += 1;
        self.optimise(norm, rate);
        if let Some(Adapted { adapters, base }) = &self.adapted {
            adapters.merge(base, &mut self.weights);
        }
        let loss = losses.iter().sum::<f64>() / kept.max(1) as f64;
        StepSeen { step: self.step, loss, tokens: kept as u64, norm, rate }
    }

    /// Takes a step, and says the stable rank of what it changed: of each matrix of the blocks the sum of the squares of its
    /// singular values over the greatest of them, in the mean.
    pub fn learn_watched(&mut self, lanes: &[Lane], spread: &dyn Fn(Vec<Job<'_>>)) -> (StepSeen, f64) {
        let matrices = self.shape.tensors().into_iter();
        let matrices: Vec<_> =
            matrices.filter(|tensor| tensor.shape.len() == 2 && tensor.name.starts_with("model.layers.")).collect();
        let before: Vec<Vec<f32>> = matrices.iter().map(|matrix| self.weights[matrix.at.clone()].to_vec()).collect();
        let seen = self.learn(lanes, spread);
        let ranks = matrices.iter().zip(before).map(|(matrix, before)| {
            let changed = self.weights[matrix.at.clone()].iter().zip(before);
            stable_rank(&changed.map(|(now, before)| f64::from(now - before)).collect::<Vec<f64>>(), matrix.shape[1])
        });
        // What did not change has none.
        let ranks: Vec<f64> = ranks.flatten().collect();
        (seen, ranks.iter().sum::<f64>() / ranks.len().max(1) as f64)
    }

    /// A step of AdamW (Loshchilov & Hutter, ICLR 2019): decay apart from the gradient, both means corrected for their
    /// beginning at zero; or of Conda where the recipe has it.
    fn optimise(&mut self, norm: f64, rate: f64) {
        let Recipe { betas, eps, clip, decay, conda, .. } = self.recipe;
        let times = |beta: f64| 1.0 - powi(beta, self.step);
        let shortened = if norm > clip { (clip / norm) as f32 } else { 1.0 };
        let by = rows::AdamStep {
            shortened,
            betas: betas.map(|beta| beta as f32),
            rests: betas.map(|beta| (1.0 - beta) as f32),
            corrections: betas.map(|beta| (1.0 / times(beta)) as f32),
            eps: eps as f32,
            rate: rate as f32,
        };
        let less = (rate * decay) as f32;
        let weights = self.adapted.as_mut().map_or(&mut self.weights, |adapted| &mut adapted.adapters.weights);
        if less > 0.0 {
            for matrix in self.decays.iter().filter(|matrix| !self.frozen.contains(matrix)) {
                weights[matrix.clone()].iter_mut().for_each(|weight| *weight -= *weight * less);
            }
        }
        let all = weights.len();
        let mut adam = |at: Range<usize>| {
            let (gradient, means) = (&self.gradients[0][at.clone()], &mut self.means[at.clone()]);
            rows::adam(&by, gradient, means, &mut self.squares[at.clone()], &mut weights[at]);
        };
        // All that Conda does not have, stretch by stretch.
        let mut from = 0;
        for turned in &self.turned {
            adam(from..turned.at.start);
            from = turned.at.end;
        }
        adam(from..all);
        let Some(conda) = conda else { return };
        let by = CondaStep { conda, step: self.step - 1, rate, betas, eps, decay };
        for turned in self.turned.iter_mut().filter(|turned| !self.frozen.contains(&turned.at)) {
            let gradient = &mut self.gradients[0][turned.at.clone()];
            gradient.iter_mut().for_each(|g| *g *= shortened);
            by.take(CondaMatrix {
                m: turned.rows,
                n: turned.columns,
                weights: &mut self.weights[turned.at.clone()],
                gradient,
                means: &mut self.means[turned.at.clone()],
                squares: &mut self.squares[turned.at.clone()],
                basis: &mut turned.basis,
            });
        }
    }

    /// The mean loss of lanes, in nats for each token that counts; the network stays as it is.
    pub fn judge(&mut self, lanes: &[Lane]) -> f64 {
        let (mut sum, mut kept) = (0.0, 0);
        for lane in lanes {
            sum += self.works[0].judge(&self.weights, lane).iter().map(|&loss| f64::from(loss)).sum::<f64>();
            kept += lane.kept();
        }
        sum / kept.max(1) as f64
    }

    /// Appends all that it needs to go on.
    pub fn keep(&self, out: &mut Keeper<'_>) {
        kept::keep(&(self.step, self.learnt().len()), out);
        let bases = self.turned.iter().map(|turned| &turned.basis);
        for numbers in [self.learnt(), &self.means, &self.squares].into_iter().chain(bases) {
            for block in numbers.chunks(1 << 14) {
                let bytes: Vec<u8> = block.iter().flat_map(|number| number.to_le_bytes()).collect();
                let _ = out.write_all(&bytes);
            }
        }
    }

    /// Goes on from where another of the same shape and recipe was kept.
    pub fn restore(&mut self, from: &mut &[u8]) -> Result<(), Fault> {
        let (step, n): (u64, usize) = kept::take(from)?;
        let bases: usize = self.turned.iter().map(|turned| turned.basis.len()).sum();
        let Some((mut numbers, rest)) = (n == self.learnt().len()).then(|| from.split_at_checked(4 * (3 * n + bases))).flatten()
        else {
            return Err(Fault("what was kept of a training is of another network, or cut short".into()));
        };
        *from = rest;
        self.step = step;
        let learnt = self.adapted.as_mut().map_or(&mut self.weights, |adapted| &mut adapted.adapters.weights);
        let into = [learnt, &mut self.means, &mut self.squares];
        for list in into.into_iter().chain(self.turned.iter_mut().map(|turned| &mut turned.basis)) {
            let (own, others) = numbers.split_at(4 * list.len());
            numbers = others;
            for (number, bytes) in list.iter_mut().zip(own.as_chunks().0) {
                *number = f32::from_le_bytes(*bytes);
            }
        }
        if let Some(Adapted { adapters, base }) = &self.adapted {
            adapters.merge(base, &mut self.weights);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::stable_rank;

    #[test]
    fn a_stable_rank_is_the_squares_of_singular_values_over_the_greatest() {
        assert_eq!(stable_rank(&[0.0; 6], 3), None);
        // Diagonal, with singular values 3, 2 and 1, and an outer product.
        let found = stable_rank(&[3.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0], 3).unwrap();
        assert!((found - 14.0 / 9.0).abs() < 1e-9, "{found}");
        let outer: Vec<f64> = (1..=4).flat_map(|a| (1..=3).map(move |b| f64::from(a * b))).collect();
        assert!((stable_rank(&outer, 3).unwrap() - 1.0).abs() < 1e-9);
    }
}
