//! The random words of a block of interactions, made side by side. They are those of their addresses ([`Seed::pair`],
//! [`Seed::decision`]): a block only saves the time of asking for each, and a test says that it saves nothing else.

use crate::event::block::BLOCK;
use crate::seed::{Purpose, Seed};

/// Blocks of the generator that are worked on side by side.
const LANES: usize = 8;

/// Who meets in the interactions `start..start + BLOCK`: 64 bits for each. `start` is a multiple of [`BLOCK`].
#[inline(always)]
pub fn pairs(seed: Seed, start: u64, out: &mut [u64; BLOCK]) {
    for (i, chunk) in out.chunks_exact_mut(2 * LANES).enumerate() {
        let words = philox_lanes(seed, Purpose::Pair, 0, start / 2 + (i * LANES) as u64);
        for lane in 0..LANES {
            chunk[2 * lane] = words[0][lane] | words[1][lane] << 32;
            chunk[2 * lane + 1] = words[2][lane] | words[3][lane] << 32;
        }
    }
}

/// What one seat may use for its decisions in the interactions `start..start + BLOCK`.
#[inline(always)]
pub fn decisions(seed: Seed, seat: u8, start: u64, out: &mut [u32; BLOCK]) {
    for (i, chunk) in out.chunks_exact_mut(4 * LANES).enumerate() {
        let words = philox_lanes(seed, Purpose::Decide, u32::from(seat), start / 4 + (i * LANES) as u64);
        for lane in 0..LANES {
            for word in 0..4 {
                chunk[4 * lane + word] = words[word][lane] as u32;
            }
        }
    }
}

/// The first 64 bits of the streams of a purpose at the places `start..start + BLOCK`, and the next.
#[inline(always)]
pub fn bits(seed: Seed, purpose: Purpose, start: u64, out: &mut [[u64; BLOCK]; 2]) {
    for from in (0..BLOCK).step_by(LANES) {
        let words = philox_lanes(seed, purpose, 0, start + from as u64);
        for lane in 0..LANES {
            out[0][from + lane] = words[0][lane] | words[1][lane] << 32;
            out[1][from + lane] = words[2][lane] | words[3][lane] << 32;
        }
    }
}

/// Philox4x32-10 of [`LANES`] places from `first` on, each word in the low half of 64 bits, which is what a wide register
/// multiplies.
#[allow(clippy::needless_range_loop, reason = "several arrays are gone through side by side, by number")]
#[inline(always)]
fn philox_lanes(seed: Seed, purpose: Purpose, slot: u32, first: u64) -> [[u64; LANES]; 4] {
    const LOW: u64 = 0xFFFF_FFFF;
    let mut counter = [[0u64; LANES]; 4];
    for lane in 0..LANES {
        let place = first + lane as u64;
        counter[0][lane] = place & LOW;
        counter[1][lane] = place >> 32;
        counter[2][lane] = purpose as u64;
        counter[3][lane] = u64::from(slot);
    }
    let mut key = [seed.0 & LOW, seed.0 >> 32];
    for round in 0..10 {
        if round > 0 {
            key = [(key[0] + 0x9E37_79B9) & LOW, (key[1] + 0xBB67_AE85) & LOW];
        }
        let mut next = [[0u64; LANES]; 4];
        for lane in 0..LANES {
            // What is left above 32 bits is never multiplied, and is cut off at the end.
            let left = (counter[0][lane] & LOW) * 0xD251_1F53;
            let right = (counter[2][lane] & LOW) * 0xCD9E_8D57;
            next[0][lane] = right >> 32 ^ counter[1][lane] ^ key[0];
            next[1][lane] = right;
            next[2][lane] = left >> 32 ^ counter[3][lane] ^ key[1];
            next[3][lane] = left;
        }
        counter = next;
    }
    counter.iter_mut().flatten().for_each(|word| *word &= LOW);
    counter
}

#[cfg(test)]
mod tests {
    use super::*;

    struct All<'a>(Seed, u64, &'a mut [u64; BLOCK], &'a mut [[u32; BLOCK]; 2], &'a mut [[u64; BLOCK]; 2]);

    impl crate::machine::Work for All<'_> {
        #[inline(always)]
        fn go(self) {
            pairs(self.0, self.1, self.2);
            (0..2).for_each(|seat| decisions(self.0, seat, self.1, &mut self.3[seat as usize]));
            bits(self.0, Purpose::Act, self.1 | 1 << 48, self.4);
        }
    }

    #[test]
    fn a_block_holds_the_words_of_its_addresses() {
        for (seed, start) in [(Seed(7), 0), (Seed(u64::MAX), 64 * 3), (Seed(1 << 40), (1 << 35) - 64), (Seed(3), 1 << 34)] {
            let (mut pair, mut decide, mut act) = ([0; BLOCK], [[0; BLOCK]; 2], [[0; BLOCK]; 2]);
            crate::machine::wide(All(seed, start, &mut pair, &mut decide, &mut act));
            for (i, t) in (start..).take(BLOCK).enumerate() {
                assert_eq!(pair[i], seed.pair(t));
                assert_eq!([decide[0][i], decide[1][i]], [seed.decision(t, 0), seed.decision(t, 1)]);
                let mut stream = seed.stream(Purpose::Act, t | 1 << 48);
                assert_eq!([act[0][i], act[1][i]], [stream.bits(), stream.bits()]);
            }
        }
    }
}
