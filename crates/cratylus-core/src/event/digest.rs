//! A hash of what happened: two runs with the same digest are the same run.

use super::block::{BLOCK, Block, Names};
use super::pair::PairEvent;
use super::tally::Tally;
use super::{Event, Name, Said};
use crate::machine;
use crate::seed::mix;
use serde::{Deserialize, Serialize};

/// A hash of a run's events. Two runs with the same digest are the same run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Digest(pub u64);

/// Works out the digest of a run, event by event or block by block. Eight interactions in a row go to a hash each, so that
/// a block's are worked out side by side.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
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
    /// Takes in the next event of the run. Of two seats, a name of each and what came of it the digest is what it always
    /// was; acts and pay are hashed besides.
    pub fn see(&mut self, event: &Event<'_>) {
        self.see_both(event, &event.pair());
    }

    /// The same with what it says of a pair at hand.
    #[inline]
    pub(crate) fn see_both(&mut self, event: &Event<'_>, pair: &PairEvent) {
        self.see_pair(pair);
        if event.has_acts() {
            let lane = &mut self.lanes[(event.t % LANES as u64) as usize];
            let mut more = |word: u64| *lane = mix(*lane ^ word);
            event.seats.iter().for_each(|&agent| more(agent.into()));
            let saw = event.saw.iter().map(|sight| (u64::from(sight.seat) << 32, sight.what));
            let said = event
                .moves
                .iter()
                .map(|one| (1 << 63 | u64::from(one.seat) << 32 | u64::from(one.turn) << 16 | u64::from(one.tries), one.said));
            for (place, what) in saw.chain(said) {
                more(place);
                match what {
                    Said::Nothing => more(0),
                    Said::Name(name) => more(1 << 32 | u64::from(name)),
                    Said::Yes(yes) => more(2 << 32 | u64::from(yes)),
                    Said::Symbols(span) => event.symbols_of(span).iter().for_each(|&symbol| more(3 << 32 | u64::from(symbol))),
                    Said::Number(number) => more(number.to_bits()),
                    Said::Option(option) => more(4 << 32 | u64::from(option)),
                    Said::Pointing(thing) => more(5 << 32 | u64::from(thing)),
                    Said::Text(span) => event.text_of(span).bytes().for_each(|byte| more(6 << 32 | u64::from(byte))),
                    Said::Unusable => more(7 << 32),
                }
            }
            event.pay.iter().for_each(|pay| more(pay.to_bits()));
        }
    }

    /// The same of an event of two seats and a name of each.
    #[inline]
    pub fn see_pair(&mut self, event: &PairEvent) {
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
            block.events().for_each(|event| self.see_pair(&event));
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
