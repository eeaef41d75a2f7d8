//! The naming game with two names: a byte for each agent, and all that can happen in one table.
//!
//! An agent knows the first name, the second, both or neither, and may be committed to one: three bits. A speaker's and a
//! hearer's state, which of two known names is said, and whether the hearer agrees are an index, under which the table
//! holds both new states and what is to be counted.

use super::population::FlatPopulation;
use crate::event::block::{BLOCK, Block, Names};
use crate::fault::Fault;
use crate::flat::counts::Change;
use crate::flat::tables::{FAR, gather};
use crate::inventory::{InventoryRule, Keeps};
use crate::kept::{self, Keep, Keeper};
use crate::{AgentId, Name, machine};

pub(crate) const COMMITTED: u8 = 4;

pub(crate) struct TwoNames {
    rule: InventoryRule,
    plain: bool,
    states: Vec<u8>,
    table: Box<[u16; 256]>,
    /// How many agents know each name.
    know: [u64; 2],
    far: bool,
}

// The bits of an entry: both new states (3 and 3), the name, success, the change in how many know each name plus two
// (3 and 3), and whether each is committed.
const NAME: u32 = 6;
const SUCCESS: u32 = 7;
const KNOW: [u32; 2] = [8, 11];
const BOUND: [u32; 2] = [14, 15];

fn entry(rule: &InventoryRule, speaker: u8, hearer: u8, second: bool, agrees: Option<bool>) -> u16 {
    let known = speaker & 3;
    let name = match known {
        1 => 0,
        2 => 1,
        _ => u8::from(second),
    };
    let word = 1 << name;
    let success = agrees.unwrap_or(hearer & word != 0);
    let learn = |state: u8, hears: bool| match () {
        () if state & COMMITTED != 0 => state,
        () if success => word,
        () if hears || rule.keeps == Keeps::Textbook => state | word,
        () => state,
    };
    let new = [learn(speaker, false), learn(hearer, true)];
    let count = |states: [u8; 2], name: u8| states.iter().filter(|state| *state >> name & 1 == 1).count() as i16;
    let change = |name: u8| (count(new, name) - count([speaker, hearer], name) + 2) as u16;
    u16::from(new[0])
        | u16::from(new[1]) << 3
        | u16::from(name) << NAME
        | u16::from(success) << SUCCESS
        | change(0) << KNOW[0]
        | change(1) << KNOW[1]
        | u16::from(speaker & COMMITTED != 0) << BOUND[0]
        | u16::from(hearer & COMMITTED != 0) << BOUND[1]
}

/// All that can come of a meeting: what the speaker and the hearer know afterwards, as bits, and whether they are committed.
pub(crate) fn changes(rule: &InventoryRule, speaker: u8, hearer: u8) -> impl Iterator<Item = Change> {
    let known = speaker & 3;
    let says = move |second: bool| match known {
        0 | 3 => 0.5,
        known => f64::from(u8::from((known == 2) == second)),
    };
    let rule = *rule;
    let all = [false, true].into_iter().flat_map(move |second| [false, true].map(move |agrees| (second, agrees)));
    all.map(move |(second, agrees)| {
        let word = 1 << u8::from(second);
        let agreeing = rule.agrees[usize::from(hearer & word == 0)] as f64 / 4_294_967_296.0;
        let entry = entry(&rule, speaker, hearer, second, Some(agrees));
        let probability = says(second) * if agrees { agreeing } else { 1.0 - agreeing };
        let states = [entry & 7, entry >> 3 & 7];
        Change { probability, states, names: [Some(entry >> NAME & 1), None], success: entry >> SUCCESS & 1 == 1 }
    })
}

/// One bit of each entry.
#[inline(always)]
fn bits(entries: &[u16; BLOCK], at: u32) -> u64 {
    let mut bytes = [0; BLOCK];
    for i in 0..BLOCK {
        bytes[i] = (entries[i] >> at & 1) as u8;
    }
    gather(&bytes)
}

impl Keep for TwoNames {
    fn keep(&self, out: &mut Keeper<'_>) {
        kept::keep_all(self.states.len(), self.states.iter().copied(), out);
        kept::keep(&self.know, out);
    }

    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Fault> {
        kept::take_into(&mut self.states, from)?;
        self.know = kept::take(from)?;
        Ok(())
    }
}

impl TwoNames {
    /// Agents that know names as bits, and those that are committed to theirs.
    pub fn new(rule: InventoryRule, agents: impl ExactSizeIterator<Item = (u8, bool)>) -> TwoNames {
        let mut states = machine::filled(agents.len(), 0);
        let mut know = [0; 2];
        for (state, (known, committed)) in states.iter_mut().zip(agents) {
            *state = known | if committed { COMMITTED } else { 0 };
            (0..2).for_each(|name| know[name] += u64::from(known >> name & 1));
        }
        let plain = rule.is_plain();
        let of = |i: usize| {
            let agrees = (!plain).then_some(i >> 7 == 1);
            entry(&rule, (i & 7) as u8, (i >> 3 & 7) as u8, i >> 6 & 1 == 1, agrees)
        };
        let table = Box::new(std::array::from_fn(of));
        let far = states.len() > FAR;
        TwoNames { rule, plain, states, table, know, far }
    }

    /// What each agent knows, as bits.
    pub fn known(&self) -> impl Iterator<Item = u8> + '_ {
        self.states.iter().map(|state| state & 3)
    }

    fn agreed(know: [u64; 2], size: u64) -> Option<Name> {
        (0..2).find(|&name| know[name] == size && know[1 - name] == 0).map(|name| name as Name)
    }

    #[inline(always)]
    fn play_all<const FAR: bool, const PLAIN: bool>(
        &mut self,
        block: &mut Block,
        draws: &[[u32; BLOCK]; 2],
        next: &[[AgentId; 2]; BLOCK],
    ) {
        let mut entries = [2 << KNOW[0] | 2 << KNOW[1]; BLOCK];
        for i in block.first..block.n {
            if FAR {
                for agent in next[i] {
                    machine::prefetch(&self.states, agent as usize);
                }
            }
            let (speaker, hearer) = (block.pairs[i][0] as usize, block.pairs[i][1] as usize);
            let (a, b) = (usize::from(self.states[speaker]), usize::from(self.states[hearer]));
            let second = (draws[0][i] >> 31) as usize;
            let mut index = a | b << 3 | second << 6;
            if !PLAIN {
                let known = usize::from(self.table[index & 127]) >> NAME & 1;
                let known = b >> known & 1 == 1;
                index |= usize::from(self.rule.agrees(known, draws[1][i])) << 7;
            }
            let entry = self.table[index & 255];
            self.states[speaker] = (entry & 7) as u8;
            self.states[hearer] = (entry >> 3 & 7) as u8;
            entries[i] = entry;
        }
        self.count(block, &entries);
    }

    #[allow(clippy::needless_range_loop, reason = "several arrays are gone through side by side, by number")]
    #[inline(always)]
    fn count(&mut self, block: &mut Block, entries: &[u16; BLOCK]) {
        block.names[0] = Names::Bits(bits(entries, NAME));
        block.success = bits(entries, SUCCESS);
        block.committed = [bits(entries, BOUND[0]), bits(entries, BOUND[1])];
        let before = self.know;
        for name in 0..2 {
            let mut changes = 0;
            for entry in entries {
                changes += entry >> KNOW[name] & 7;
            }
            self.know[name] = (self.know[name] + u64::from(changes)) - 2 * BLOCK as u64;
        }
        let size = self.states.len() as u64;
        // All that agreed before this block agree from its first interaction on.
        block.agreed = TwoNames::agreed(before, size).map(|name| (block.first, name));
        let agreed = block.agreed.is_none() && TwoNames::agreed(self.know, size).is_some();
        if block.words.is_none() && block.different.is_none() && !agreed {
            return;
        }
        let mut know = before;
        for i in block.first..block.n {
            (0..2).for_each(|name| know[name] = know[name] + u64::from(entries[i] >> KNOW[name] & 7) - 2);
            if let Some(words) = &mut block.words {
                words[i] = know[0] + know[1];
            }
            if let Some(different) = &mut block.different {
                different[i] = know.iter().filter(|&&know| know > 0).count() as u64;
            }
            // Where hearers agree to what they do not know, nothing is said for ever but the one name, all the same.
            if block.agreed.is_none() {
                block.agreed = TwoNames::agreed(know, size).map(|name| (i, name));
            }
        }
    }
}

impl FlatPopulation for TwoNames {
    #[inline(always)]
    fn play(&mut self, block: &mut Block, draws: &[[u32; BLOCK]; 2], next: &[[AgentId; 2]; BLOCK]) {
        match (self.far, self.plain) {
            (true, true) => self.play_all::<true, true>(block, draws, next),
            (false, true) => self.play_all::<false, true>(block, draws, next),
            (true, false) => self.play_all::<true, false>(block, draws, next),
            (false, false) => self.play_all::<false, false>(block, draws, next),
        }
    }

    fn both_draw(&self) -> bool {
        !self.plain
    }
}
