//! Cuts a sequence of interactions into waves whose agents are all different.
//!
//! An interaction touches only the agents seated at it, so two with no agent in common give the same
//! result in either order. Playing the waves one after another is therefore the same as playing the
//! interactions one by one, and each wave can be played at once.

use crate::AgentId;

/// Which wave each interaction belongs to, in the order given, by who sits at it. `depth` is scratch: one zero for each
/// agent, and it is zero again afterwards.
pub(crate) fn cut<'s>(seats: impl Iterator<Item = &'s [AgentId]> + Clone, depth: &mut [u32], waves: &mut Vec<u32>) {
    waves.clear();
    for agents in seats.clone() {
        let wave = agents.iter().map(|&agent| depth[agent as usize]).max().unwrap_or(0);
        waves.push(wave);
        agents.iter().for_each(|&agent| depth[agent as usize] = wave + 1);
    }
    seats.flatten().for_each(|&agent| depth[agent as usize] = 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wave_never_seats_an_agent_twice_and_keeps_each_agents_order() {
        let seats: [&[AgentId]; 5] = [&[0, 1], &[2, 3], &[1, 2, 4], &[0, 4], &[3]];
        let mut waves = Vec::new();
        let mut depth = [0; 5];
        cut(seats.into_iter(), &mut depth, &mut waves);
        assert_eq!(waves, [0, 0, 1, 2, 1]);
        assert_eq!(depth, [0; 5]);
    }
}
