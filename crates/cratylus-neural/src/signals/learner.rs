//! The weights of one part of an agent, and the optimiser that changes them. What the gradient is of is not known here.

use super::setup::Optimiser;
use super::shape::{Part, PartShape};
use crate::net::powi;
use crate::net::rows::{self, AdamStep};
use cratylus_core::Seed;
use cratylus_core::fault::Fault;
use cratylus_core::kept::{self, Keeper};
use std::io::Write;

/// A part of an agent that learns.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Learner {
    pub weights: Vec<f32>,
    means: Vec<f32>,
    squares: Vec<f32>,
    /// How many steps it took.
    steps: u64,
    /// How many were in its place before it.
    life: u32,
    pub frozen: bool,
}

impl Learner {
    /// One that has learnt nothing. `life` counts those in its place before it.
    pub fn new(shape: &PartShape, seed: Seed, agent: usize, part: Part, life: u32) -> Learner {
        Learner { life, ..Learner::of(shape.begin(seed, agent, part, life)) }
    }

    /// One that begins with these weights.
    pub fn of(weights: Vec<f32>) -> Learner {
        let n = weights.len();
        Learner { weights, means: vec![0.0; n], squares: vec![0.0; n], steps: 0, life: 0, frozen: false }
    }

    /// The next in its place.
    pub fn next(&self, shape: &PartShape, seed: Seed, agent: usize, part: Part) -> Learner {
        Learner::new(shape, seed, agent, part, self.life + 1)
    }

    /// Takes a step by a gradient that is first multiplied by `shortened`.
    pub fn learn(&mut self, by: Optimiser, gradient: &[f32], shortened: f64) {
        self.steps += 1;
        match by {
            Optimiser::Adam { lr, betas } => {
                let by = AdamStep {
                    shortened: shortened as f32,
                    betas: betas.map(|beta| beta as f32),
                    rests: betas.map(|beta| (1.0 - beta) as f32),
                    corrections: betas.map(|beta| (1.0 / (1.0 - powi(beta, self.steps))) as f32),
                    eps: 1e-8,
                    rate: lr as f32,
                };
                rows::adam(&by, gradient, &mut self.means, &mut self.squares, &mut self.weights);
            }
            Optimiser::Sgd { lr } => {
                let rate = (lr * shortened) as f32;
                self.weights.iter_mut().zip(gradient).for_each(|(weight, g)| *weight -= rate * g);
            }
        }
    }

    /// Appends all that it needs to go on.
    pub fn keep(&self, out: &mut Keeper<'_>) {
        kept::keep(&(self.steps, self.life, self.frozen, self.weights.len()), out);
        for list in [&self.weights, &self.means, &self.squares] {
            let bytes: Vec<u8> = list.iter().flat_map(|number| number.to_le_bytes()).collect();
            let _ = out.write_all(&bytes);
        }
    }

    /// Goes on from where another of the same shape was kept.
    pub fn restore(&mut self, from: &mut &[u8]) -> Result<(), Fault> {
        let (steps, life, frozen, n): (u64, u32, bool, usize) = kept::take(from)?;
        let Some((mut numbers, rest)) = (n == self.weights.len()).then(|| from.split_at_checked(12 * n)).flatten() else {
            return Err(Fault("what was kept of a training is of other agents, or cut short".into()));
        };
        *from = rest;
        (self.steps, self.life, self.frozen) = (steps, life, frozen);
        for list in [&mut self.weights, &mut self.means, &mut self.squares] {
            let (own, others) = numbers.split_at(4 * n);
            numbers = others;
            for (number, bytes) in list.iter_mut().zip(own.as_chunks().0) {
                *number = f32::from_le_bytes(*bytes);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_those_of_the_papers() {
        let mut sgd = Learner::of(vec![1.0, -2.0]);
        sgd.learn(Optimiser::Sgd { lr: 0.5 }, &[4.0, 2.0], 0.25);
        assert_eq!(sgd.weights, [0.5, -2.25]);
        // The first step of Adam is as long as the rate, whatever the gradient.
        let mut adam = Learner::of(vec![1.0, -2.0]);
        adam.learn(Optimiser::Adam { lr: 0.1, betas: [0.9, 0.999] }, &[4.0, -0.02], 1.0);
        assert!((adam.weights[0] - 0.9).abs() < 1e-6 && (adam.weights[1] + 1.9).abs() < 1e-6, "{:?}", adam.weights);
    }
}
