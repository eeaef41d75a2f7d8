//! Cuts a sequence of interactions into waves whose agents are all different.
//!
//! An interaction touches only the agents seated at it, so two with no agent in common give the same
//! result in either order. Playing the waves one after another is therefore the same as playing the
//! interactions one by one, and each wave can be played at once.

use crate::{AgentId, NOBODY};

/// Which wave each interaction belongs to, in the order given. `depth` is scratch: one zero for each
/// agent, and it is zero again afterwards.
pub(crate) fn cut(seats: &[[AgentId; 2]], depth: &mut [u32], waves: &mut Vec<u32>) {
    waves.clear();
    for agents in seats {
        let seated = agents.iter().filter(|&&agent| agent != NOBODY);
        let wave = seated.clone().map(|&agent| depth[agent as usize]).max().unwrap_or(0);
        waves.push(wave);
        seated.for_each(|&agent| depth[agent as usize] = wave + 1);
    }
    for agents in seats {
        agents.iter().filter(|&&agent| agent != NOBODY).for_each(|&agent| depth[agent as usize] = 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wave_never_seats_an_agent_twice_and_keeps_each_agents_order() {
        let seats = [[0, 1], [2, 3], [1, 2], [0, 4], [3, NOBODY]];
        let mut waves = Vec::new();
        let mut depth = [0; 5];
        cut(&seats, &mut depth, &mut waves);
        assert_eq!(waves, [0, 0, 1, 1, 1]);
        assert_eq!(depth, [0; 5]);
    }
}
