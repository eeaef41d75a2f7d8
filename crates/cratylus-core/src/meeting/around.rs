//! What an agent sees around it: how many of its neighbours said each name last.

use crate::{AgentId, Name, Network};

/// Nobody has so many names to choose from.
const NONE: u16 = u16::MAX;

/// What everyone said last.
pub struct Around {
    said: Vec<u16>,
    /// How many agents said each.
    counts: Vec<u32>,
    /// Whether everyone can meet everyone, so that numbers are enough, and neighbours need not be gone through.
    complete: bool,
    /// Room to count in.
    seen: Vec<u32>,
}

impl Around {
    /// Of agents that said these, `n` being all there are to say.
    pub fn new(said: impl Iterator<Item = Option<Name>>, n: usize, complete: bool) -> Around {
        let said: Vec<u16> = said.map(|name| name.map_or(NONE, |name| name as u16)).collect();
        let mut counts = vec![0; n];
        said.iter().filter(|&&name| name != NONE).for_each(|&name| counts[usize::from(name)] += 1);
        Around { said, counts, complete, seen: vec![0; n] }
    }

    /// How many neighbours of an agent said each name last.
    pub fn of(&mut self, agent: AgentId, network: &dyn Network) -> &[u32] {
        if self.complete {
            self.seen.copy_from_slice(&self.counts);
            if let Some(own) = self.seen.get_mut(usize::from(self.said[agent as usize])) {
                *own -= 1;
            }
        } else {
            self.seen.fill(0);
            for i in 0..network.degree(agent) {
                if let Some(count) = self.seen.get_mut(usize::from(self.said[network.neighbour(agent, i) as usize])) {
                    *count += 1;
                }
            }
        }
        &self.seen
    }

    /// An agent says a name.
    pub fn say(&mut self, agent: AgentId, name: Name) {
        let said = &mut self.said[agent as usize];
        if let Some(before) = self.counts.get_mut(usize::from(*said)) {
            *before -= 1;
        }
        *said = name as u16;
        self.counts[name as usize] += 1;
    }
}
