//! Agents that remember their last rounds and follow one policy: the cohort of the plain path. What they choose is the
//! policy's (`policy.rs`), and what they are shown in place of their memory the control's (`control.rs`).

use crate::AgentId;
use crate::agent::{Answers, Ask, Cohort, Mind, News};
use crate::control::{Alias, Control};
use crate::event::Said;
use crate::fault::Fault;
use crate::game::Options;
use crate::policy::{Policy, Round, choose, thresholds};
use std::collections::HashMap;
use std::sync::Arc;

/// The last rounds of each agent of a cohort.
struct Rounds {
    memory: usize,
    /// `memory` rounds for each agent, oldest first; `len` says how many of them are filled.
    rounds: Vec<Round>,
    len: Vec<u8>,
}

impl Rounds {
    fn new(memory: usize, minds: &[Mind]) -> Rounds {
        let mut rounds = vec![[0; 2]; minds.len() * memory];
        let mut len = Vec::with_capacity(minds.len());
        for (i, mind) in minds.iter().enumerate() {
            let start = mind.rounds();
            let kept = &start[start.len().saturating_sub(memory)..];
            rounds[i * memory..][..kept.len()].copy_from_slice(kept);
            len.push(kept.len() as u8);
        }
        Rounds { memory, rounds, len }
    }

    fn of(&self, agent: AgentId) -> &[Round] {
        let agent = agent as usize;
        &self.rounds[agent * self.memory..][..self.len[agent] as usize]
    }

    fn learn(&mut self, news: &[News<'_>]) {
        if self.memory == 0 {
            return;
        }
        for item in news {
            let Some(round) = item.round() else { continue };
            let agent = item.agent as usize;
            let window = &mut self.rounds[agent * self.memory..][..self.memory];
            if (self.len[agent] as usize) < self.memory {
                self.len[agent] += 1;
            } else {
                window.copy_within(1.., 0);
            }
            window[self.len[agent] as usize - 1] = round;
        }
    }
}

/// Agents that remember their last rounds and follow one policy.
pub struct Windows {
    policy: Arc<dyn Policy>,
    n_names: usize,
    rounds: Rounds,
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
    /// A cohort of agents with the given minds, of which each remembers at most `memory` rounds.
    /// Where they are `carried` on, all of it is kept, looked at or not.
    pub fn new(policy: Arc<dyn Policy>, n_names: usize, memory: usize, carried: bool, minds: &[Mind]) -> Windows {
        let depth = policy.depth(memory);
        let memory = if carried { memory } else { depth };
        Windows { policy, n_names, rounds: Rounds::new(memory, minds), control: None, depth, known: HashMap::new() }
    }

    /// The same under a control, with what is shown drawn for each decision.
    pub fn under(control: Control, policy: Arc<dyn Policy>, n_names: usize, memory: usize, minds: &[Mind]) -> Windows {
        let depth = policy.depth(memory);
        let rounds = Rounds::new(control.depth(depth, memory), minds);
        Windows { policy, n_names, rounds, control: Some(control), depth, known: HashMap::new() }
    }
}

impl Cohort for Windows {
    fn mind(&self, agent: AgentId) -> Mind {
        Mind::Rounds(self.rounds.of(agent).to_vec())
    }

    fn decide(&mut self, asks: &[Ask<'_>], answers: &mut Answers) -> Result<(), Fault> {
        let mut distribution = vec![0.0; self.n_names];
        let mut ends = Vec::new();
        let none = Alias::NONE;
        for (ask, said) in asks.iter().zip(&mut answers.said) {
            debug_assert_eq!(ask.question.options, Options::Names);
            let window = self.rounds.of(ask.agent);
            let drawn = self.control.map(|control| control.of_draw(ask.draw(), window, self.n_names));
            let (window, alias, draw) = match &drawn {
                Some((shown, alias, draw)) => (&shown[shown.len().saturating_sub(self.depth)..], alias, *draw),
                None => (&window[window.len().saturating_sub(self.depth)..], &none, ask.draw()),
            };
            if let Some(ends) = self.known.get(window) {
                *said = Said::Name(alias.meant(choose(ends, draw)));
                continue;
            }
            self.policy.distribution(window, &mut distribution);
            thresholds(&distribution, &mut ends);
            *said = Said::Name(alias.meant(choose(&ends, draw)));
            if self.known.len() < KNOWN_MAX {
                self.known.insert(window.into(), ends.as_slice().into());
            }
        }
        Ok(())
    }

    fn learn(&mut self, news: &[News<'_>]) {
        self.rounds.learn(news);
    }
}

/// Agents that somebody else asks, from outside (`engines/live.rs`): what they remember is kept here.
pub struct Remembering(Rounds);

impl Remembering {
    /// A cohort of agents with the given minds, of which each remembers at most `memory` rounds.
    pub fn new(memory: usize, minds: &[Mind]) -> Remembering {
        Remembering(Rounds::new(memory, minds))
    }
}

impl Cohort for Remembering {
    fn mind(&self, agent: AgentId) -> Mind {
        Mind::Rounds(self.0.of(agent).to_vec())
    }

    fn decide(&mut self, _: &[Ask<'_>], _: &mut Answers) -> Result<(), Fault> {
        Err(Fault("these agents are language models, which only a live run or a replay of one can ask".into()))
    }

    fn learn(&mut self, news: &[News<'_>]) {
        self.0.learn(news);
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
