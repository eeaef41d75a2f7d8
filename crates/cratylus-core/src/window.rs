//! Agents that remember their last rounds and follow one policy: the cohort of the plain path. What they choose is the
//! policy's (`policy.rs`), and what they are shown in place of their memory the control's (`control.rs`).

use crate::AgentId;
use crate::agent::{Ask, Cohort, News};
use crate::control::{Alias, Control};
use crate::fault::Fault;
use crate::game::Options;
use crate::policy::{Policy, Round, choose, thresholds};
use std::collections::HashMap;
use std::sync::Arc;

/// Agents that remember their last rounds and follow one policy.
pub struct Windows {
    policy: Arc<dyn Policy>,
    n_names: usize,
    memory: usize,
    /// `memory` rounds for each agent, oldest first; `len` says how many of them are filled.
    rounds: Vec<Round>,
    len: Vec<u8>,
    /// What the policy is shown in place of them, drawn for each decision.
    control: Option<Control>,
    /// How many of the rounds shown the policy looks at.
    depth: usize,
    /// What the policy said of windows seen before. Looked up, never iterated.
    known: HashMap<Box<[Round]>, Box<[u64]>>,
}

/// Beyond this many windows, new ones are worked out each time: memory stays bounded.
const KNOWN_MAX: usize = 1 << 18;

impl Windows {
    /// A cohort of agents with the given first windows, each at most `memory` rounds, oldest first.
    /// Where they are `carried` on, all of it is kept, looked at or not.
    pub fn new(policy: Arc<dyn Policy>, n_names: usize, memory: usize, carried: bool, starts: &[&[Round]]) -> Windows {
        let depth = policy.depth(memory);
        let memory = if carried { memory } else { depth };
        Windows::keeping(None, policy, n_names, memory, depth, starts)
    }

    /// The same under a control, with what is shown drawn for each decision.
    pub fn under(control: Control, policy: Arc<dyn Policy>, n_names: usize, memory: usize, starts: &[&[Round]]) -> Windows {
        let depth = policy.depth(memory);
        Windows::keeping(Some(control), policy, n_names, control.depth(depth, memory), depth, starts)
    }

    fn keeping(
        control: Option<Control>,
        policy: Arc<dyn Policy>,
        n_names: usize,
        memory: usize,
        depth: usize,
        starts: &[&[Round]],
    ) -> Windows {
        let mut rounds = vec![[0; 2]; starts.len() * memory];
        let mut len = Vec::with_capacity(starts.len());
        for (i, start) in starts.iter().enumerate() {
            let kept = &start[start.len().saturating_sub(memory)..];
            rounds[i * memory..][..kept.len()].copy_from_slice(kept);
            len.push(kept.len() as u8);
        }
        Windows { policy, n_names, memory, rounds, len, control, depth, known: HashMap::new() }
    }
}

impl Cohort for Windows {
    fn rounds(&self, agent: AgentId) -> Vec<Round> {
        let agent = agent as usize;
        self.rounds[agent * self.memory..][..self.len[agent] as usize].to_vec()
    }

    fn decide(&mut self, asks: &[Ask], answers: &mut [Option<u32>]) -> Result<(), Fault> {
        let mut distribution = vec![0.0; self.n_names];
        let mut ends = Vec::new();
        let none = Alias::NONE;
        for (ask, answer) in asks.iter().zip(answers) {
            debug_assert_eq!(ask.question.options, Options::Names);
            let agent = ask.agent as usize;
            let window = &self.rounds[agent * self.memory..][..self.len[agent] as usize];
            let drawn = self.control.map(|control| control.of_draw(ask.draw, window, self.n_names));
            let (window, alias, draw) = match &drawn {
                Some((shown, alias, draw)) => (&shown[shown.len().saturating_sub(self.depth)..], alias, *draw),
                None => (&window[window.len().saturating_sub(self.depth)..], &none, ask.draw),
            };
            if let Some(ends) = self.known.get(window) {
                *answer = Some(alias.meant(choose(ends, draw)));
                continue;
            }
            self.policy.distribution(window, &mut distribution);
            thresholds(&distribution, &mut ends);
            *answer = Some(alias.meant(choose(&ends, draw)));
            if self.known.len() < KNOWN_MAX {
                self.known.insert(window.into(), ends.as_slice().into());
            }
        }
        Ok(())
    }

    fn learn(&mut self, news: &[News]) {
        if self.memory == 0 {
            return;
        }
        for item in news {
            let seat = item.seat as usize;
            let (Some(own), Some(partner)) = (item.names[seat], item.names[1 - seat]) else { continue };
            let agent = item.agent as usize;
            let window = &mut self.rounds[agent * self.memory..][..self.memory];
            if (self.len[agent] as usize) < self.memory {
                self.len[agent] += 1;
            } else {
                window.copy_within(1.., 0);
            }
            window[self.len[agent] as usize - 1] = [own as u16, partner as u16];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_draw_falls_on_a_name_that_can_be_chosen() {
        let mut ends = Vec::new();
        thresholds(&[0.0, 0.25, 0.75, 0.0], &mut ends);
        assert_eq!(choose(&ends, 0), 1);
        assert_eq!(choose(&ends, (1 << 30) - 1), 1);
        assert_eq!(choose(&ends, 1 << 30), 2);
        assert_eq!(choose(&ends, u32::MAX), 2);
        thresholds(&[1.0, 0.0], &mut ends);
        assert_eq!(choose(&ends, u32::MAX), 0);
    }

    #[test]
    fn rounding_never_leaves_a_draw_without_a_name() {
        let mut ends = Vec::new();
        thresholds(&[1.0 / 3.0 - 1e-12; 3], &mut ends);
        assert_eq!(choose(&ends, u32::MAX), 2);
    }
}
