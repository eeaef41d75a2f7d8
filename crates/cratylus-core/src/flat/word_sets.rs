//! The naming game with up to 63 names: an agent's inventory is a set of bits, in the order of the pool.

use super::population::FlatPopulation;
use crate::event::block::{BLOCK, Block, Names};
use crate::fault::Fault;
use crate::flat::tables::FAR;
use crate::inventory::{InventoryRule, Keeps};
use crate::kept::{self, Keep, Keeper};
use crate::seed::scale32;
use crate::{AgentId, Name, machine};

const COMMITTED: u64 = 1 << 63;

pub(crate) struct WordSets {
    rule: InventoryRule,
    pool: u32,
    states: Vec<u64>,
    /// How many words all agents hold, and how many hold each.
    words: u64,
    holders: Vec<u64>,
}

impl Keep for WordSets {
    fn keep(&self, out: &mut Keeper<'_>) {
        kept::keep_all(self.states.len(), self.states.iter().copied(), out);
        kept::keep(&(self.words, &self.holders), out);
    }

    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Fault> {
        kept::take_into(&mut self.states, from)?;
        (self.words, self.holders) = kept::take(from)?;
        Ok(())
    }
}

impl WordSets {
    /// Agents that know names as bits, and those that are committed to theirs.
    pub fn new(rule: InventoryRule, pool: u32, agents: impl ExactSizeIterator<Item = (u64, bool)>) -> WordSets {
        let mut states = machine::filled(agents.len(), 0);
        let mut holders = vec![0; pool as usize];
        for (state, (known, committed)) in states.iter_mut().zip(agents) {
            *state = known | if committed { COMMITTED } else { 0 };
            (0..pool).for_each(|name| holders[name as usize] += known >> name & 1);
        }
        WordSets { rule, pool, words: holders.iter().sum(), states, holders }
    }

    /// What each agent knows, as bits.
    pub fn known(&self) -> impl Iterator<Item = u64> + '_ {
        self.states.iter().map(|state| state & !COMMITTED)
    }

    /// Gives an agent a new set of names.
    #[inline(always)]
    fn set(&mut self, agent: usize, new: u64) {
        let mut changed = self.states[agent] ^ new;
        self.states[agent] = new;
        while changed != 0 {
            let name = changed.trailing_zeros();
            let gained = new >> name & 1;
            self.holders[name as usize] = self.holders[name as usize] + 2 * gained - 1;
            self.words = self.words + 2 * gained - 1;
            changed &= changed - 1;
        }
    }
}

impl FlatPopulation for WordSets {
    #[inline(always)]
    fn play(&mut self, block: &mut Block, draws: &[[u32; BLOCK]; 2], next: &[[AgentId; 2]; BLOCK]) {
        let far = self.states.len() * 8 > FAR;
        let size = self.states.len() as u64;
        let mut said = match std::mem::replace(&mut block.names[0], Names::Bits(0)) {
            Names::Words(words) => words,
            Names::Bits(_) => Box::new([0; BLOCK]),
        };
        (block.success, block.committed, block.agreed) = (0, [0; 2], None);
        for i in block.first..block.n {
            if far {
                for agent in next[i] {
                    machine::prefetch(&self.states, agent as usize);
                }
            }
            let (speaker, hearer) = (block.pairs[i][0] as usize, block.pairs[i][1] as usize);
            let (a, b) = (self.states[speaker], self.states[hearer]);
            let known = a & !COMMITTED;
            let name = match known.count_ones() {
                0 => scale32(draws[0][i], self.pool),
                n => {
                    let mut left = known;
                    (0..scale32(draws[0][i], n)).for_each(|_| left &= left - 1);
                    left.trailing_zeros()
                }
            };
            let word = 1 << name;
            let success = self.rule.agrees(b & word != 0, draws[1][i]);
            for (agent, state, hears) in [(speaker, a, false), (hearer, b, true)] {
                if state & COMMITTED != 0 {
                    continue;
                }
                if success {
                    self.set(agent, word);
                } else if hears || self.rule.keeps == Keeps::Textbook {
                    self.set(agent, state | word);
                }
            }
            said[i] = name as Name;
            block.success |= u64::from(success) << i;
            block.committed[0] |= (a >> 63) << i;
            block.committed[1] |= (b >> 63) << i;
            if let Some(words) = &mut block.words {
                words[i] = self.words;
            }
            if let Some(different) = &mut block.different {
                different[i] = self.holders.iter().filter(|&&holders| holders > 0).count() as u64;
            }
            if block.agreed.is_none() && self.words == size && self.holders[name as usize] == size {
                block.agreed = Some((i, name as Name));
            }
        }
        block.names[0] = Names::Words(said);
    }

    fn both_draw(&self) -> bool {
        !self.rule.is_plain()
    }
}
