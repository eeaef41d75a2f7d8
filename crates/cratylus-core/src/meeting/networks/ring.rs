//! Agents on a circle, each joined to the nearest on both sides. Takes no memory at any size.

use crate::{AgentId, Network};

/// A circle of agents, of which each meets so many on either side.
pub struct Ring {
    size: u32,
    /// Neighbours on each side.
    reach: u32,
}

impl Ring {
    /// A ring in which everyone has `degree` neighbours, half of them on each side.
    pub fn new(size: u32, degree: u32) -> Result<Ring, String> {
        match degree.is_multiple_of(2) && degree >= 2 && degree < size {
            true => Ok(Ring { size, reach: degree / 2 }),
            false => Err(format!("a ring of {size} takes an even degree from 2 to {}", size.saturating_sub(1) / 2 * 2)),
        }
    }
}

impl Network for Ring {
    fn len(&self) -> u32 {
        self.size
    }

    fn degree(&self, _: AgentId) -> u32 {
        2 * self.reach
    }

    fn neighbour(&self, agent: AgentId, i: u32) -> AgentId {
        // Ahead first: 1, 2, … reach; then behind: 1, 2, … reach.
        let step = if i < self.reach { i + 1 } else { self.size - (i - self.reach + 1) };
        ((u64::from(agent) + u64::from(step)) % u64::from(self.size)) as AgentId
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_on_both_sides_are_neighbours() {
        let ring = Ring::new(10, 4).unwrap();
        let mut neighbours: Vec<_> = (0..4).map(|i| ring.neighbour(9, i)).collect();
        neighbours.sort_unstable();
        assert_eq!(neighbours, [0, 1, 7, 8]);
        assert!(Ring::new(10, 3).is_err() && Ring::new(10, 0).is_err() && Ring::new(4, 4).is_err());
        assert!(Ring::new(5, 4).is_ok());
    }
}
