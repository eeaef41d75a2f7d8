//! The naming game with any number of names: a line of 64 bytes for each agent.
//!
//! The line holds how many words an agent knows and the first fourteen of them. The others stand in a run of lines
//! elsewhere, of a power of two, which is given back when the agent forgets them and used again by whoever needs one of
//! its length. Places without a word hold [`NONE`], so that a whole line is compared at once.

use super::population::FlatPopulation;
use crate::event::block::{BLOCK, Block, Names};
use crate::fault::Fault;
use crate::flat::tables::FAR;
use crate::inventory::{Inventory, InventoryRule, Keeps};
use crate::kept::{self, Keep, Keeper};
use crate::seed::scale32;
use crate::{AgentId, Name, machine};
use serde::{Deserialize, Serialize};

/// Sixteen places. The first of an agent's line says how many words it knows, the second where those beyond its own stand.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u32; 16]);

const NONE: u32 = u32::MAX;
/// Names are below this bit, so that neither a count nor a place is ever taken for one.
const COUNT: u32 = 1 << 31;
const COMMITTED: u32 = 1 << 30;
/// The words that fit into an agent's own line.
const OWN: usize = 14;
const FIRST: usize = 16 - OWN;

impl Line {
    const EMPTY: Line = {
        let mut places = [NONE; 16];
        places[0] = COUNT;
        Line(places)
    };

    #[inline(always)]
    fn len(&self) -> usize {
        (self.0[0] & !(COUNT | COMMITTED)) as usize
    }

    #[inline(always)]
    fn committed(&self) -> bool {
        self.0[0] & COMMITTED != 0
    }

    #[inline(always)]
    fn has(&self, word: Name) -> bool {
        let mut any = 0;
        for place in self.0 {
            any |= u32::from(place == word);
        }
        any != 0
    }
}

pub(crate) struct InventoryLines {
    rule: InventoryRule,
    lines: Vec<Line>,
    overflow: Overflow,
    /// How many words all agents hold, and, where it is asked for, how many agents hold each.
    words: u64,
    holders: Option<Holders>,
    /// An agent that held another word than the first one when all held one.
    differs: usize,
    settled: bool,
}

/// How many agents hold each word, and how many words are held.
#[derive(Default, Deserialize, Serialize)]
struct Holders {
    of: Vec<u32>,
    different: u64,
}

impl Holders {
    fn add(&mut self, word: Name) {
        if self.of.len() <= word as usize {
            self.of.resize(word as usize + 1, 0);
        }
        self.of[word as usize] += 1;
        self.different += u64::from(self.of[word as usize] == 1);
    }

    fn remove(&mut self, word: Name) {
        self.of[word as usize] -= 1;
        self.different -= u64::from(self.of[word as usize] == 0);
    }
}

/// Runs of lines for the words that have no place in their agents' own.
#[derive(Default)]
struct Overflow {
    lines: Vec<Line>,
    /// Where the runs of 2^i lines begin that nobody uses.
    free: Vec<Vec<u32>>,
}

/// The exponent of the length of the run that holds so many words beyond an agent's own line.
#[inline(always)]
fn exponent(beyond: usize) -> usize {
    beyond.div_ceil(16).next_power_of_two().trailing_zeros() as usize
}

impl Overflow {
    fn take(&mut self, exponent: usize) -> u32 {
        if self.free.len() <= exponent {
            self.free.resize_with(exponent + 1, Vec::new);
        }
        if let Some(start) = self.free[exponent].pop() {
            self.lines[start as usize..start as usize + (1 << exponent)].fill(Line([NONE; 16]));
            return start;
        }
        // One line more than is used, so that the line after any is there.
        let start = self.lines.len().saturating_sub(1);
        let more = start + (1 << exponent) + 1 - self.lines.len();
        machine::extend(&mut self.lines, more, Line([NONE; 16]));
        u32::try_from(start).ok().filter(|start| start & COUNT == 0).expect("2^31 lines take 128 GiB, and checking refuses that")
    }
}

impl Keep for InventoryLines {
    fn keep(&self, out: &mut Keeper<'_>) {
        let InventoryLines { rule: _, lines, overflow, words, holders, differs, settled } = self;
        kept::keep(&(words, holders, differs, settled, &overflow.free), out);
        for lines in [lines, &overflow.lines] {
            kept::keep_all(16 * lines.len(), lines.iter().flat_map(|line| line.0), out);
        }
    }

    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Fault> {
        (self.words, self.holders, self.differs, self.settled, self.overflow.free) = kept::take(from)?;
        for lines in [&mut self.lines, &mut self.overflow.lines] {
            let mut words = kept::take_all(from)?;
            lines.resize(words.len() / 16, Line::EMPTY);
            lines.iter_mut().for_each(|line| line.0.fill_with(|| words.next().expect("as many as there are")));
        }
        Ok(())
    }
}

impl InventoryLines {
    /// Agents with the names that they know, and those that are committed to theirs.
    pub fn new(rule: InventoryRule, agents: impl ExactSizeIterator<Item = (Inventory, bool)>) -> InventoryLines {
        let mut inventories = InventoryLines {
            rule,
            lines: machine::filled(agents.len(), Line::EMPTY),
            overflow: Overflow::default(),
            words: 0,
            holders: None,
            differs: 0,
            settled: false,
        };
        for (agent, (known, committed)) in agents.enumerate() {
            known.0.iter().for_each(|&word| inventories.add(agent, word));
            if committed {
                inventories.lines[agent].0[0] |= COMMITTED;
            }
        }
        inventories
    }

    /// Counts how many different words are held, too.
    pub fn counting(mut self) -> InventoryLines {
        let mut holders = Holders::default();
        (0..self.lines.len()).for_each(|agent| self.each(agent, |word| holders.add(word)));
        self.holders = Some(holders);
        self
    }

    /// What an agent knows.
    pub fn known(&self, agent: usize) -> Inventory {
        let mut known = Vec::new();
        self.each(agent, |word| known.push(word));
        Inventory(known)
    }

    fn each(&self, agent: usize, mut see: impl FnMut(Name)) {
        (0..self.lines[agent].len()).for_each(|i| see(self.word(agent, i)));
    }

    /// Where an agent's words beyond its own line begin, of those that know more.
    #[inline(always)]
    fn beyond(&self, agent: usize) -> usize {
        (self.lines[agent].0[1] & !COUNT) as usize
    }

    #[inline(always)]
    fn word(&self, agent: usize, i: usize) -> Name {
        match i < OWN {
            true => self.lines[agent].0[FIRST + i],
            false => self.overflow.lines[self.beyond(agent) + (i - OWN) / 16].0[(i - OWN) % 16],
        }
    }

    #[inline(always)]
    fn knows(&self, agent: usize, word: Name) -> bool {
        let line = &self.lines[agent];
        let len = line.len();
        let mut any = line.has(word);
        if len > OWN {
            // The line after the first is compared whether it is this agent's or not, as guessing costs more than looking.
            let start = self.beyond(agent);
            let [first, second] = [&self.overflow.lines[start], &self.overflow.lines[start + 1]];
            any |= first.has(word) | (second.has(word) & (len > OWN + 16));
            for line in &self.overflow.lines[start + 2..(start + (len - OWN).div_ceil(16)).max(start + 2)] {
                any |= line.has(word);
            }
        }
        any
    }

    /// Adds a word that the agent does not know.
    #[inline(always)]
    fn add(&mut self, agent: usize, word: Name) {
        let len = self.lines[agent].len();
        self.words += 1;
        if let Some(holders) = &mut self.holders {
            holders.add(word);
        }
        if len < OWN {
            self.lines[agent].0[FIRST + len] = word;
        } else {
            self.add_beyond(agent, len - OWN, word);
        }
        self.lines[agent].0[0] += 1;
    }

    fn add_beyond(&mut self, agent: usize, beyond: usize, word: Name) {
        // A run is full where it holds a power of two of lines, or none.
        if beyond == 0 || (beyond.is_multiple_of(16) && (beyond / 16).is_power_of_two()) {
            let wider = self.overflow.take(exponent(beyond + 1));
            if beyond > 0 {
                let start = self.beyond(agent);
                self.overflow.lines.copy_within(start..start + beyond / 16, wider as usize);
                self.overflow.free[exponent(beyond)].push(start as u32);
            }
            self.lines[agent].0[1] = COUNT | wider;
        }
        let at = self.beyond(agent) + beyond / 16;
        self.overflow.lines[at].0[beyond % 16] = word;
    }

    /// Leaves an agent one word.
    #[inline(always)]
    fn collapse(&mut self, agent: usize, word: Name) {
        let len = self.lines[agent].len();
        self.words = self.words + 1 - len as u64;
        if let Some(holders) = &mut self.holders {
            let line = &self.lines[agent];
            line.0[FIRST..FIRST + len.min(OWN)].iter().for_each(|&word| holders.remove(word));
            if len > OWN {
                let more = self.overflow.lines[(line.0[1] & !COUNT) as usize..].iter().flat_map(|line| line.0);
                more.take(len - OWN).for_each(|word| holders.remove(word));
            }
            holders.add(word);
        }
        let line = &mut self.lines[agent];
        if len > OWN {
            self.overflow.free[exponent(len - OWN)].push(line.0[1] & !COUNT);
        }
        *line = Line::EMPTY;
        (line.0[0], line.0[FIRST]) = (COUNT + 1, word);
    }

    /// The word that all agents hold, where they hold one each and the same. Nothing changes that any more.
    fn agreed(&mut self) -> Option<Name> {
        let word = self.lines[0].0[FIRST];
        if self.settled {
            return Some(word);
        }
        let one = |line: &Line| line.len() == 1 && line.0[FIRST] == word;
        if self.words != self.lines.len() as u64 || !one(&self.lines[self.differs]) {
            return None;
        }
        self.differs = self.lines.iter().position(|line| !one(line)).unwrap_or(0);
        self.settled = self.differs == 0 && one(&self.lines[0]);
        self.settled.then_some(word)
    }

    /// Asks for the words of an agent that have no place in its own line: the first two lines of them, which for most is
    /// all, and finding out how many there are takes longer. The machine itself goes on from there.
    #[inline(always)]
    fn ask_for(&self, agent: AgentId) {
        let agent = agent as usize;
        if self.lines[agent].len() > OWN {
            let start = self.beyond(agent);
            machine::prefetch(&self.overflow.lines, start);
            machine::prefetch(&self.overflow.lines, start + 1);
        }
    }
}

/// How many interactions ahead the words beyond an agent's own line are asked for.
const SOON: usize = 4;

impl FlatPopulation for InventoryLines {
    #[inline(always)]
    fn play(&mut self, block: &mut Block, draws: &[[u32; BLOCK]; 2], next: &[[AgentId; 2]; BLOCK]) {
        let far = self.lines.len() * 64 > FAR;
        let plain = self.rule.is_plain();
        let mut said = match std::mem::replace(&mut block.names[0], Names::Bits(0)) {
            Names::Words(words) => words,
            Names::Bits(_) => Box::new([0; BLOCK]),
        };
        let (mut words, mut changed) = ([self.words; BLOCK], block.first);
        (block.success, block.committed, block.agreed) = (0, [0; 2], None);
        for i in block.first..block.n {
            if far {
                let soon = if i + SOON < BLOCK { block.pairs[i + SOON] } else { next[i + SOON - BLOCK] };
                for seat in 0..2 {
                    machine::prefetch(&self.lines, next[i][seat] as usize);
                    self.ask_for(soon[seat]);
                }
            }
            let (speaker, hearer) = (block.pairs[i][0] as usize, block.pairs[i][1] as usize);
            let len = self.lines[speaker].len();
            let word = match len {
                0 => match self.rule.pool {
                    Some(pool) => scale32(draws[0][i], pool),
                    None => (block.start + i as u64) as Name,
                },
                len => self.word(speaker, scale32(draws[0][i], len as u32) as usize),
            };
            let known = self.knows(hearer, word);
            let success = if plain { known } else { self.rule.agrees(known, draws[1][i]) };
            let bound = [self.lines[speaker].committed(), self.lines[hearer].committed()];
            // Whether anybody knows something else afterwards; agreeing to an unknown word exchanges one for another.
            let changes = !known || (success && (len != 1 || self.lines[hearer].len() != 1));
            changed = if changes { i } else { changed };
            if success {
                if !bound[0] {
                    self.collapse(speaker, word);
                }
                if !bound[1] {
                    self.collapse(hearer, word);
                }
            } else {
                // A speaker says what it knows, unless it knows nothing.
                if len == 0 && self.rule.keeps == Keeps::Textbook {
                    self.add(speaker, word);
                }
                if !known && !bound[1] {
                    self.add(hearer, word);
                }
            }
            said[i] = word;
            words[i] = self.words;
            block.success |= u64::from(success) << i;
            block.committed[0] |= u64::from(bound[0]) << i;
            block.committed[1] |= u64::from(bound[1]) << i;
            if let (Some(different), Some(holders)) = (&mut block.different, &self.holders) {
                different[i] = holders.different;
            }
        }
        block.names[0] = Names::Words(said);
        if self.words == self.lines.len() as u64
            && let Some(word) = self.agreed()
        {
            block.agreed = Some((changed, word));
        }
        if let Some(kept) = &mut block.words {
            **kept = words;
        }
    }

    fn both_draw(&self) -> bool {
        !self.rule.is_plain()
    }
}
