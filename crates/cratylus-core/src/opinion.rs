//! How an agent forms an opinion by those around it.

use crate::agent::{Answers, Ask, Cohort, Mind, News};
use crate::event::Said;
use crate::fault::Fault;
use crate::inventory::Inventory;
use crate::seed::scale32;
use crate::{AgentId, Name};

/// How an agent forms its opinion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OpinionRule {
    /// That of a neighbour drawn at random.
    Voter,
    /// The commonest around it; of several its own, or else one of them at random.
    Majority,
    /// Any, each with a probability that grows with its share among the neighbours.
    Tanh {
        /// How strongly; below 0 it falls.
        beta: f64,
    },
    /// Holds one and never another.
    Committed(Name),
}

impl OpinionRule {
    /// The opinion formed, given how many neighbours hold each, and the agent's own if it has one. `weights` is room to
    /// reckon in. Where no neighbour holds any, all are equally likely.
    pub fn form(self, around: &[u32], own: Option<Name>, draw: u32, weights: &mut Vec<f64>) -> Name {
        let all: u32 = around.iter().sum();
        match self {
            OpinionRule::Committed(name) => name,
            _ if all == 0 => scale32(draw, around.len() as u32),
            OpinionRule::Voter => {
                let mut left = scale32(draw, all);
                let met = around.iter().position(|&n| {
                    let here = left < n;
                    left = left.wrapping_sub(n);
                    here
                });
                met.expect("the counts add up") as Name
            }
            OpinionRule::Majority => {
                let most = *around.iter().max().expect("a pool holds two names");
                let equal = |name: &usize| around[*name] == most;
                match own.filter(|&own| around[own as usize] == most) {
                    Some(own) => own,
                    None => {
                        let n = (0..around.len()).filter(equal).count() as u32;
                        let chosen = (0..around.len()).filter(equal).nth(scale32(draw, n) as usize);
                        chosen.expect("one of those that are equal") as Name
                    }
                }
            }
            OpinionRule::Tanh { beta } => {
                let share = |n: u32| 2.0 * beta * f64::from(n) / f64::from(all);
                let highest = around.iter().map(|&n| share(n)).fold(f64::NEG_INFINITY, f64::max);
                weights.clear();
                weights.extend(around.iter().map(|&n| (share(n) - highest).exp()));
                let mut left = f64::from(draw) / 4_294_967_296.0 * weights.iter().sum::<f64>();
                let last = around.len() - 1;
                let at = weights[..last].iter().position(|weight| {
                    left -= weight;
                    left < 0.0
                });
                at.unwrap_or(last) as Name
            }
        }
    }
}

/// Agents that form opinions by one rule, of what they see around them.
pub struct Opinions {
    rule: OpinionRule,
    held: Vec<Option<Name>>,
    /// Room to reckon in.
    around: Vec<u32>,
    weights: Vec<f64>,
}

impl Opinions {
    /// A cohort of agents that hold the only name of their minds, or none yet.
    pub fn new(rule: OpinionRule, minds: &[Mind]) -> Opinions {
        let held = minds.iter().map(|mind| mind.names().first().copied()).collect();
        Opinions { rule, held, around: Vec::new(), weights: Vec::new() }
    }
}

impl Cohort for Opinions {
    fn decide(&mut self, asks: &[Ask<'_>], answers: &mut Answers) -> Result<(), Fault> {
        for (ask, said) in asks.iter().zip(&mut answers.said) {
            self.around.clear();
            self.around.extend(ask.saw().filter_map(Said::number).map(|n| n as u32));
            let own = self.held[ask.agent as usize];
            *said = Said::Name(self.rule.form(&self.around, own, ask.draw(), &mut self.weights));
        }
        Ok(())
    }

    fn learn(&mut self, news: &[News<'_>]) {
        for item in news {
            if let Some(name) = item.event().name(item.seat.into()) {
                self.held[item.agent as usize] = Some(name);
            }
        }
    }

    fn mind(&self, agent: AgentId) -> Mind {
        Mind::Names(Inventory(self.held[agent as usize].into_iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often each opinion is formed over evenly spread draws.
    fn often(rule: OpinionRule, around: &[u32], own: Option<Name>) -> Vec<f64> {
        let mut counts = vec![0.0; around.len()];
        let n = 1 << 12;
        for i in 0..n {
            counts[rule.form(around, own, (i << 20) | 1 << 19, &mut Vec::new()) as usize] += 1.0 / f64::from(n);
        }
        counts
    }

    #[test]
    fn opinions_are_formed_by_their_rules() {
        let close = |a: &[f64], b: &[f64]| assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-3), "{a:?}, not {b:?}");
        close(&often(OpinionRule::Voter, &[3, 1], Some(0)), &[0.75, 0.25]);
        close(&often(OpinionRule::Voter, &[0, 1, 1], None), &[0.0, 0.5, 0.5]);
        close(&often(OpinionRule::Majority, &[1, 3], Some(0)), &[0.0, 1.0]);
        close(&often(OpinionRule::Majority, &[2, 2], Some(1)), &[0.0, 1.0]);
        close(&often(OpinionRule::Majority, &[2, 2, 1], Some(2)), &[0.5, 0.5, 0.0]);
        // m = (3 - 1) / 4
        let p = ((1.3f64 * 0.5).tanh() + 1.0) / 2.0;
        close(&often(OpinionRule::Tanh { beta: 1.3 }, &[3, 1], None), &[p, 1.0 - p]);
        close(&often(OpinionRule::Tanh { beta: 5000.0 }, &[3, 1], None), &[1.0, 0.0]);
        close(&often(OpinionRule::Tanh { beta: -5000.0 }, &[3, 1], None), &[0.0, 1.0]);
        close(&often(OpinionRule::Tanh { beta: 2.0 }, &[0, 0], None), &[0.5, 0.5]);
        close(&often(OpinionRule::Committed(1), &[9, 0], Some(1)), &[0.0, 1.0]);
    }
}
