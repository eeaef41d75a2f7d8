//! Agents on a grid of any dimension, joined to those one step away. Takes no memory at any size.

use crate::{AgentId, Network};

/// A grid, with or without borders.
pub struct Lattice {
    sides: Vec<u32>,
    /// Whether what leaves on one side comes back on the other.
    periodic: bool,
}

impl Lattice {
    /// Agents are numbered along the last side first.
    pub fn new(size: u32, sides: &[u32], periodic: bool) -> Result<Lattice, String> {
        let product = sides.iter().try_fold(1_u32, |product, &side| product.checked_mul(side));
        if sides.is_empty() || product != Some(size) {
            return Err(format!("the sides must multiply to `population.size`, which is {size}"));
        }
        let least = if periodic { 3 } else { 2 };
        match sides.iter().find(|&&side| side < least) {
            // Two steps round a side of two lead to the same neighbour twice.
            Some(side) => Err(format!(
                "a side of {side} is too short; a lattice that is {} takes {least} or more",
                if periodic { "periodic" } else { "open" }
            )),
            None => Ok(Lattice { sides: sides.into(), periodic }),
        }
    }

    /// The neighbours one step down and up along each side, in the order of the sides.
    fn steps(&self, agent: AgentId) -> impl Iterator<Item = AgentId> {
        let mut stride = 1;
        self.sides.iter().rev().flat_map(move |&side| {
            let (at, step) = (agent / stride % side, stride);
            stride *= side;
            let down = if at > 0 { Some(agent - step) } else { self.periodic.then(|| agent + step * (side - 1)) };
            let up = if at + 1 < side { Some(agent + step) } else { self.periodic.then(|| agent - step * (side - 1)) };
            [down, up].into_iter().flatten()
        })
    }
}

impl Network for Lattice {
    fn len(&self) -> u32 {
        self.sides.iter().product()
    }

    fn degree(&self, agent: AgentId) -> u32 {
        match self.periodic {
            true => 2 * self.sides.len() as u32,
            false => self.steps(agent).count() as u32,
        }
    }

    fn neighbour(&self, agent: AgentId, i: u32) -> AgentId {
        self.steps(agent).nth(i as usize).expect("asked within the degree")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_along_a_side_leads_to_a_neighbour() {
        let of = |lattice: &Lattice, agent| -> Vec<AgentId> {
            let mut all: Vec<_> = (0..lattice.degree(agent)).map(|i| lattice.neighbour(agent, i)).collect();
            all.sort_unstable();
            all
        };
        let torus = Lattice::new(12, &[3, 4], true).unwrap();
        assert_eq!(of(&torus, 0), [1, 3, 4, 8]);
        assert_eq!(of(&torus, 5), [1, 4, 6, 9]);
        let open = Lattice::new(12, &[3, 4], false).unwrap();
        assert_eq!((of(&open, 0), of(&open, 5)), (vec![1, 4], vec![1, 4, 6, 9]));
        let cube = Lattice::new(27, &[3, 3, 3], true).unwrap();
        for agent in 0..27 {
            let near = of(&cube, agent);
            assert_eq!(near.len(), 6);
            assert!(near.iter().all(|&other| of(&cube, other).contains(&agent)), "both ways");
        }
        assert!(Lattice::new(12, &[3, 5], true).is_err() && Lattice::new(8, &[2, 4], true).is_err());
        assert!(Lattice::new(8, &[2, 4], false).is_ok());
    }
}
