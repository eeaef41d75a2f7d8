//! Randomness is addressed, not consumed.
//!
//! A draw is a function of the run's seed, its purpose and the number of the interaction, so nothing
//! depends on the order in which draws happen: blocks, threads, retries and resumption cannot
//! change a run. The generator is Philox4x32-10 (Salmon, Moraes, Dror & Shaw, "Parallel random
//! numbers: as easy as 1, 2, 3", SC 2011), written out so that no update can change a run.

use serde::{Deserialize, Serialize};

/// What a draw is for. These numbers are part of what a seed means: never reuse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[repr(u32)]
pub enum Purpose {
    /// Who meets: 64 bits for each interaction.
    Pair = 1,
    /// What agents choose: 32 bits for each seat of an interaction.
    Decide = 2,
    /// Which agents are of which kind, and which are committed.
    Assign = 3,
    /// Monte-Carlo draws of statistics.
    Resample = 4,
    /// In which order an agent that reads is shown its options.
    Order = 5,
    /// What it answers when an unusable answer is asked for again.
    Again = 6,
    /// Under which labels names are shown, where a control draws them anew for every question.
    Alias = 7,
    /// In which order a memory is shown, where a control shuffles it.
    Recall = 8,
    /// Names that are invented.
    HeldOut = 9,
    /// Who is joined to whom, in a network that is drawn.
    Network = 10,
    /// What the agents of an interaction see, where there is something to talk about.
    Scene = 11,
    /// Which of its responses a kind of agents has in a run, where it varies from run to run.
    Response = 12,
    /// What a seat may use for a decision that takes more than one word.
    Act = 13,
    /// What the weights of a network begin with.
    Weights = 14,
    /// Of which ingredient each row of a corpus is, and what stands in it.
    Row = 15,
    /// What a model that was trained here writes by itself.
    Written = 16,
    // From here on: agents that learn to signal (`cratylus-neural/signals`).
    /// Which item each place of a batch is about.
    Item = 32,
    /// Which symbol a sender utters: 32 bits for each place and position.
    Symbol = 33,
    /// The noise of a relaxed symbol: 32 bits for each place, position and symbol.
    Gumbel = 34,
    /// What a receiver sees beside the target, and where the target stands.
    Distractor = 35,
    /// What a channel does to messages on their way.
    Channel = 36,
    /// Which answer a receiver gives, where answers are drawn.
    Answer = 37,
    /// Who speaks to whom, where agents learn in meetings.
    Partner = 38,
    // From here on: symbols that emerge with their meanings (`symbols/`).
    /// What there is in a world, and what each agent perceives of it.
    Object = 48,
    /// The sign that an agent has for each object at first.
    FirstSign = 49,
    /// What an agent draws for a parameter of its model.
    Parameter = 50,
    /// Which category an agent sorts each object into.
    Category = 51,
    /// What agents propose to each other before the proposal that is heard.
    Within = 52,
}

/// The seed of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Seed(pub u64);

impl Seed {
    /// The seed of a run: of the experiment's seed, of what its sweep point sets, and of the replica.
    ///
    /// The settings count by their text, not by their place in the sweep, so adding a point to a
    /// sweep leaves the runs of the others as they were.
    pub fn of_run(experiment: u64, settings: &str, replica: u64) -> Seed {
        let point = settings.bytes().fold(mix(experiment), |hash, byte| mix(hash ^ u64::from(byte)));
        Seed(mix(point ^ mix(replica.wrapping_add(0x9E37_79B9_7F4A_7C15))))
    }

    /// Four 32-bit words for one place in the run. Asking twice gives the same words twice.
    #[inline]
    pub fn words(self, purpose: Purpose, t: u64) -> [u32; 4] {
        philox([t as u32, (t >> 32) as u32, purpose as u32, 0], self.key())
    }

    /// The 64 bits that say who meets in an interaction. Two interactions share a block of the generator.
    #[inline]
    pub fn pair(self, t: u64) -> u64 {
        let words = self.words(Purpose::Pair, t / 2);
        let at = 2 * (t % 2) as usize;
        u64::from(words[at]) | u64::from(words[at + 1]) << 32
    }

    /// The 32 bits that one seat of an interaction may use for its first decision. Four interactions share a block, and
    /// every seat has blocks of its own.
    #[inline]
    pub fn decision(self, t: u64, seat: u8) -> u32 {
        self.decision_after(t, seat.into(), 0)
    }

    /// The same for a decision after so many others of the same seat.
    #[inline]
    pub fn decision_after(self, t: u64, seat: u16, before: u16) -> u32 {
        let (place, whose) = (t / 4, u32::from(seat) | u32::from(before) << 16);
        philox([place as u32, (place >> 32) as u32, Purpose::Decide as u32, whose], self.key())[(t % 4) as usize]
    }

    /// An endless stream of words for one place, for the few purposes that need more than four.
    pub fn stream(self, purpose: Purpose, t: u64) -> Stream {
        self.stream_from(purpose, t, 0)
    }

    /// The same from one of its blocks of four words on.
    pub fn stream_from(self, purpose: Purpose, t: u64, block: u32) -> Stream {
        Stream { seed: self, purpose, t, block, left: 0, words: [0; 4] }
    }

    #[inline]
    fn key(self) -> [u32; 2] {
        [self.0 as u32, (self.0 >> 32) as u32]
    }
}

/// A stream of words at one place. Block 0 is what [`Seed::words`] gives.
#[derive(Deserialize, Serialize)]
pub struct Stream {
    seed: Seed,
    purpose: Purpose,
    t: u64,
    block: u32,
    left: usize,
    words: [u32; 4],
}

impl Stream {
    /// The next 32 random bits.
    pub fn word(&mut self) -> u32 {
        if self.left == 0 {
            let place = [self.t as u32, (self.t >> 32) as u32, self.purpose as u32, self.block];
            self.words = philox(place, self.seed.key());
            self.block += 1;
            self.left = 4;
        }
        self.left -= 1;
        self.words[3 - self.left]
    }

    /// The next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        u64::from(self.word()) | u64::from(self.word()) << 32
    }

    /// A number in `0..n`, from 64 bits.
    pub fn below(&mut self, n: u64) -> u64 {
        scale(self.bits(), n)
    }

    /// A number in `0..n`, for `n` up to 2^127. No number is favoured by more than n / 2^128.
    pub fn below_wide(&mut self, n: u128) -> u128 {
        let mut word = || u128::from(self.word());
        let bits = word() | word() << 32 | word() << 64 | word() << 96;
        // The upper half of the long product.
        let (high, low) = (bits >> 64, bits & u128::from(u64::MAX));
        let (n_high, n_low) = (n >> 64, n & u128::from(u64::MAX));
        let middle = high * n_low + ((low * n_low) >> 64);
        high * n_high + (middle >> 64) + ((low * n_high + (middle & u128::from(u64::MAX))) >> 64)
    }

    /// A number in `0.0..1.0` with 53 random bits.
    pub fn unit(&mut self) -> f64 {
        unit(self.bits())
    }

    /// A number with the mean 0 and the variance 1, nearly normal: twelve uniform ones less 6, which are the same bits on
    /// every machine and never beyond 6.
    pub fn nearly_normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    /// Puts the first `n` places of `items` in random order (Fisher–Yates); the rest are what is left over.
    pub fn shuffle<T>(&mut self, items: &mut [T], n: usize) {
        for i in 0..n.min(items.len()) {
            let j = i + self.below((items.len() - i) as u64) as usize;
            items.swap(i, j);
        }
    }
}

/// Maps 64 random bits to `0..n`. No remainder is taken, so no number is favoured by more than n / 2^64.
#[inline]
pub fn scale(bits: u64, n: u64) -> u64 {
    ((u128::from(bits) * u128::from(n)) >> 64) as u64
}

/// Maps 64 random bits to `0.0..1.0`, by 53 of them.
#[inline]
pub fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

/// Maps 32 random bits to `0..n`.
#[inline]
pub fn scale32(bits: u32, n: u32) -> u32 {
    ((u64::from(bits) * u64::from(n)) >> 32) as u32
}

/// Philox4x32 with ten rounds: four words from a 128-bit counter and a 64-bit key.
#[inline(always)]
pub fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for round in 0..10 {
        if round > 0 {
            key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
        }
        let left = u64::from(counter[0]) * 0xD251_1F53;
        let right = u64::from(counter[2]) * 0xCD9E_8D57;
        counter =
            [(right >> 32) as u32 ^ counter[1] ^ key[0], right as u32, (left >> 32) as u32 ^ counter[3] ^ key[1], left as u32];
    }
    counter
}

/// SplitMix64's output function (Steele, Lea & Flood 2014), for deriving seeds and digests.
pub fn mix(mut z: u64) -> u64 {
    z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ z >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    // The known-answer tests of Random123 (kat_vectors, philox4x32-10).
    #[test]
    fn philox_gives_the_published_vectors() {
        let check = |counter, key, expected: [u32; 4]| assert_eq!(philox(counter, key), expected);
        check([0; 4], [0; 2], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
        check([u32::MAX; 4], [u32::MAX; 2], [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]);
        check(
            [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
            [0xa4093822, 0x299f31d0],
            [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
        );
    }

    #[test]
    fn a_stream_starts_with_the_words_of_its_place() {
        let mut stream = Seed(7).stream(Purpose::Decide, 3);
        let words = [stream.word(), stream.word(), stream.word(), stream.word()];
        assert_eq!(words, Seed(7).words(Purpose::Decide, 3));
        assert_ne!(stream.word(), words[0]);
    }

    #[test]
    fn a_shuffle_reaches_every_order() {
        let mut seen = std::collections::BTreeSet::new();
        for t in 0..200 {
            let mut items = [0, 1, 2, 3];
            Seed(1).stream(Purpose::Assign, t).shuffle(&mut items, 4);
            seen.insert(items);
        }
        assert_eq!(seen.len(), 24);
    }
}
