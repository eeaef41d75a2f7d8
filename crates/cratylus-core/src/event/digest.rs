//! A hash of what happened: two runs with the same digest are the same run.

use super::block::{BLOCK, Block, Names};
use super::tally::Tally;
use super::{Event, Name};
use crate::machine;
use crate::seed::mix;

/// A hash of a run's events. Two runs with the same digest are the same run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest(pub u64);

/// Works out the digest of a run, event by event or block by block. Eight interactions in a row go to a hash each, so that
/// a block's are worked out side by side.
#[derive(Clone, Copy, Debug, Default)]
pub struct DigestSeen {
    lanes: [u64; LANES],
    seen: u64,
}

const LANES: usize = 8;

/// What a success, a failure and neither are called in a digest, above the number of an agent.
fn settled(success: Option<bool>) -> u64 {
    success.map_or(2, u64::from) << 30
}

#[inline(always)]
fn stir(lane: u64, pair: u64, names: u64) -> u64 {
    let h = (lane ^ pair).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let h = (h ^ h >> 29 ^ names).wrapping_mul(0x94D0_49BB_1331_11EB);
    h ^ h >> 32
}

impl DigestSeen {
    /// Takes in the next event of the run.
    pub fn see(&mut self, event: &Event) {
        let name = |seat: usize| u64::from(event.names[seat].unwrap_or(Name::MAX));
        let pair = u64::from(event.agents[0]) | settled(event.success) | u64::from(event.agents[1]) << 32;
        let lane = &mut self.lanes[(event.t % LANES as u64) as usize];
        *lane = stir(*lane, pair, name(0) | name(1) << 32);
        if event.invalid != [0; 2] {
            *lane = mix(*lane ^ (u64::from(event.invalid[0]) << 8 | u64::from(event.invalid[1])));
        }
        self.seen = event.t + 1;
    }

    /// Takes in the next block, to the same digest as its events one by one.
    pub fn see_block(&mut self, block: &Block) {
        if block.first > 0 || block.n < BLOCK {
            block.events().for_each(|event| self.see(&event));
            return;
        }
        machine::wide(Stir { lanes: &mut self.lanes, block });
        self.seen = block.start + BLOCK as u64;
    }

    /// Takes in a stretch that was counted and not played event by event. The digest is then one of counts, and not that of any
    /// run of events.
    pub fn see_tally(&mut self, tally: &Tally) {
        let numbers = [tally.end, tally.successes].into_iter().chain(tally.said.iter().copied());
        numbers.enumerate().for_each(|(i, number)| self.lanes[i % LANES] = stir(self.lanes[i % LANES], number, i as u64));
        self.seen = tally.end;
    }

    /// The digest of what was seen so far.
    pub fn end(&self) -> Digest {
        Digest(self.lanes.iter().fold(mix(self.seen), |hash, lane| mix(hash ^ lane)))
    }
}

/// A whole block for a digest.
struct Stir<'a> {
    lanes: &'a mut [u64; LANES],
    block: &'a Block,
}

#[allow(clippy::needless_range_loop, reason = "several arrays are gone through side by side, by number")]
impl machine::Work for Stir<'_> {
    #[inline(always)]
    fn go(self) {
        let Stir { lanes, block } = self;
        let mut names = [0u64; BLOCK];
        for seat in 0..2 {
            let said = block.said[seat];
            match &block.names[seat] {
                Names::Bits(bits) => {
                    for i in 0..BLOCK {
                        let name = if said >> i & 1 == 1 { bits >> i & 1 } else { u64::from(Name::MAX) };
                        names[i] |= name << (32 * seat);
                    }
                }
                Names::Words(words) => {
                    for i in 0..BLOCK {
                        let name = if said >> i & 1 == 1 { u64::from(words[i]) } else { u64::from(Name::MAX) };
                        names[i] |= name << (32 * seat);
                    }
                }
            }
        }
        for start in (0..BLOCK).step_by(LANES) {
            for lane in 0..LANES {
                let i = start + lane;
                let success = if block.settled >> i & 1 == 1 { block.success >> i & 1 } else { 2 };
                let pair = u64::from(block.pairs[i][0]) | success << 30 | u64::from(block.pairs[i][1]) << 32;
                lanes[lane] = stir(lanes[lane], pair, names[i]);
            }
        }
    }
}
