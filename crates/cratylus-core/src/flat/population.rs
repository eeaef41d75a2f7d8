//! What the loop needs of a population in flat memory, and what decides who meets in it.

use crate::event::block::{BLOCK, Block};
use crate::kept::Keep;
use crate::meeting::pairs::Pairing;
use crate::{AgentId, Network, Seed};

/// A population in flat memory.
pub(crate) trait FlatPopulation: Keep {
    /// Plays the interactions of a block, whose pairs and draws are given, and writes what was said into it. `next` are
    /// the pairs of the block after it, whose agents' memory is asked for on the way where that is worth while.
    fn play(&mut self, block: &mut Block, draws: &[[u32; BLOCK]; 2], next: &[[AgentId; 2]; BLOCK]);

    /// Whether hearers draw, too.
    fn both_draw(&self) -> bool {
        true
    }
}

/// What decides who meets in a run.
pub(crate) struct Run<'a> {
    pub seed: Seed,
    pub network: &'a dyn Network,
    pub complete: bool,
    pub pairing: Pairing,
    /// Whether words are counted after each interaction.
    pub words: bool,
}
