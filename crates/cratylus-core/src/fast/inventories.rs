//! The naming game with any number of names: a line of 64 bytes for each agent.
//!
//! The line holds how many words an agent knows and the words themselves, up to fourteen. An agent that knows more keeps
//! them in chunks of equal size, of which its line holds the numbers; chunks that are let go are used again by whoever
//! needs one, so memory follows what is known. Places without a word hold [`NONE`], so that a whole line is compared at once.

use super::Population;
use super::block::{Block, Names};
use super::tables::FAR;
use crate::agents::inventory::{Inventory, InventoryRule, Rule};
use crate::draws::BLOCK;
use crate::seed::scale32;
use crate::{AgentId, Name, machine};

/// Sixteen places; the first of an agent's line says how many words it knows.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u32; 16]);

const NONE: u32 = u32::MAX;
/// Names are below this bit, so that a count is never taken for one.
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
        self.0.iter().map(|&place| place == word).fold(false, |any, here| any | here)
    }
}

pub(crate) struct Inventories {
    rule: InventoryRule,
    lines: Vec<Line>,
    chunks: Chunks,
    /// How many words all agents hold, and, where it is asked for, how many agents hold each.
    words: u64,
    holders: Option<Holders>,
    /// An agent that held another word than the first one when all held one.
    differs: usize,
}

/// How many agents hold each word, and how many words are held.
#[derive(Default)]
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

/// Lines of words in chunks of equal size.
struct Chunks {
    /// Lines of a chunk.
    lines: usize,
    /// Segments of memory, each of `1 << segment` chunks.
    segments: Vec<Vec<Line>>,
    segment: u32,
    used: u32,
    free: Vec<u32>,
}

impl Chunks {
    fn new(lines: usize, n_agents: usize) -> Chunks {
        // A segment of a small population takes little, that of a large one huge pages.
        let bytes = if n_agents > 1 << 17 { 64 << 20 } else { 256 << 10 };
        let segment = (bytes / 64_usize).div_ceil(lines).ilog2();
        Chunks { lines, segments: Vec::new(), segment, used: 0, free: Vec::new() }
    }

    fn take(&mut self) -> u32 {
        let chunk = self.free.pop().unwrap_or_else(|| {
            if self.used >> self.segment == self.segments.len() as u32 {
                self.segments.push(machine::filled(self.lines << self.segment, Line([NONE; 16])));
            }
            self.used += 1;
            self.used - 1
        });
        self.of_mut(chunk).fill(Line([NONE; 16]));
        chunk
    }

    #[inline(always)]
    fn of(&self, chunk: u32) -> &[Line] {
        let at = (chunk & ((1 << self.segment) - 1)) as usize * self.lines;
        &self.segments[(chunk >> self.segment) as usize][at..at + self.lines]
    }

    #[inline(always)]
    fn of_mut(&mut self, chunk: u32) -> &mut [Line] {
        let at = (chunk & ((1 << self.segment) - 1)) as usize * self.lines;
        &mut self.segments[(chunk >> self.segment) as usize][at..at + self.lines]
    }
}

impl Inventories {
    /// Agents with the names that they know, and those that are committed to theirs. `complete` says how much they will
    /// come to know: on the complete network a third of the root of their number, in the mean.
    pub fn new(rule: InventoryRule, complete: bool, agents: impl ExactSizeIterator<Item = (Inventory, bool)>) -> Inventories {
        let n = agents.len();
        let most = if complete { (n as f64).sqrt() * 0.75 } else { 0.0 };
        let lines = ((most / OWN as f64 / 16.0).ceil() as usize).max(1);
        let mut inventories = Inventories {
            rule,
            lines: machine::filled(n, Line::EMPTY),
            chunks: Chunks::new(lines, n),
            words: 0,
            holders: None,
            differs: 0,
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
    pub fn counting(mut self) -> Inventories {
        let mut holders = Holders::default();
        (0..self.lines.len()).for_each(|agent| self.each(agent, |word| holders.add(word)));
        self.holders = Some(holders);
        self
    }

    fn each(&self, agent: usize, mut see: impl FnMut(Name)) {
        (0..self.lines[agent].len()).for_each(|i| see(self.word(agent, i)));
    }

    #[inline(always)]
    fn word(&self, agent: usize, i: usize) -> Name {
        let line = &self.lines[agent];
        if line.len() <= OWN {
            return line.0[FIRST + i];
        }
        let (per, at) = (self.chunks.lines * 16, i);
        self.chunks.of(line.0[FIRST + at / per])[at % per / 16].0[at % 16]
    }

    #[inline(always)]
    fn knows(&self, agent: usize, word: Name) -> bool {
        let line = &self.lines[agent];
        let len = line.len();
        if len <= OWN {
            return line.has(word);
        }
        let chunks = len.div_ceil(self.chunks.lines * 16);
        let mut left = len.div_ceil(16);
        line.0[FIRST..FIRST + chunks].iter().any(|&chunk| {
            let lines = &self.chunks.of(chunk)[..left.min(self.chunks.lines)];
            left -= lines.len();
            lines.iter().map(|line| line.has(word)).fold(false, |any, here| any | here)
        })
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
            let line = &mut self.lines[agent].0;
            line[FIRST + len] = word;
            line[0] += 1;
        } else {
            self.add_to_chunks(agent, len, word);
        }
    }

    fn add_to_chunks(&mut self, agent: usize, len: usize, word: Name) {
        if len == OWN * self.chunks.lines * 16 {
            self.widen();
        }
        let per = self.chunks.lines * 16;
        if len == OWN {
            let chunk = self.chunks.take();
            let line = &mut self.lines[agent].0;
            self.chunks.of_mut(chunk)[0].0[..OWN].copy_from_slice(&line[FIRST..]);
            line[FIRST..].fill(NONE);
            line[FIRST] = chunk;
        } else if len.is_multiple_of(per) {
            self.lines[agent].0[FIRST + len / per] = self.chunks.take();
        }
        let chunk = self.lines[agent].0[FIRST + len / per];
        self.chunks.of_mut(chunk)[len % per / 16].0[len % 16] = word;
        self.lines[agent].0[0] += 1;
    }

    /// Chunks of twice the size, for an agent whose line has no place for another.
    fn widen(&mut self) {
        let mut wider = Chunks::new(2 * self.chunks.lines, self.lines.len());
        let per = wider.lines * 16;
        for agent in 0..self.lines.len() {
            let len = self.lines[agent].len();
            if len <= OWN {
                continue;
            }
            let mut places = [NONE; OWN];
            for i in 0..len {
                if i % per == 0 {
                    places[i / per] = wider.take();
                }
                wider.of_mut(places[i / per])[i % per / 16].0[i % 16] = self.word(agent, i);
            }
            self.lines[agent].0[FIRST..].copy_from_slice(&places);
        }
        self.chunks = wider;
    }

    /// Leaves an agent one word.
    #[inline(always)]
    fn collapse(&mut self, agent: usize, word: Name) {
        let len = self.lines[agent].len();
        self.words = self.words + 1 - len as u64;
        if let Some(mut holders) = self.holders.take() {
            self.each(agent, |word| holders.remove(word));
            holders.add(word);
            self.holders = Some(holders);
        }
        let line = &mut self.lines[agent];
        if len > OWN {
            let chunks = len.div_ceil(self.chunks.lines * 16);
            self.chunks.free.extend_from_slice(&line.0[FIRST..FIRST + chunks]);
        }
        *line = Line::EMPTY;
        (line.0[0], line.0[FIRST]) = (COUNT + 1, word);
    }

    /// The word that all agents hold, where they hold one each and the same.
    fn agreed(&mut self) -> Option<Name> {
        let word = self.lines[0].0[FIRST];
        let one = |line: &Line| line.len() == 1 && line.0[FIRST] == word;
        if self.words != self.lines.len() as u64 || !one(&self.lines[self.differs]) {
            return None;
        }
        self.differs = self.lines.iter().position(|line| !one(line)).unwrap_or(0);
        (self.differs == 0 && one(&self.lines[0])).then_some(word)
    }

    /// Asks for the words of an agent that keeps them in chunks.
    #[inline(always)]
    fn ask_for(&self, agent: AgentId) {
        let line = &self.lines[agent as usize];
        let len = line.len();
        if len > OWN {
            let chunks = len.div_ceil(self.chunks.lines * 16);
            for &chunk in &line.0[FIRST..FIRST + chunks] {
                let lines = self.chunks.of(chunk);
                (0..lines.len()).for_each(|i| machine::prefetch(lines, i));
            }
        }
    }
}

/// How many interactions ahead the words in chunks are asked for.
const SOON: usize = 4;

impl Population for Inventories {
    #[inline(always)]
    fn play(&mut self, block: &mut Block, draws: &[[u32; BLOCK]; 2], next: &[[AgentId; 2]; BLOCK]) {
        let far = self.lines.len() * 64 > FAR;
        let plain = self.rule.is_plain();
        let mut said = match std::mem::replace(&mut block.names[0], Names::Bits(0)) {
            Names::Words(words) => words,
            Names::Bits(_) => Box::new([0; BLOCK]),
        };
        let mut words = [self.words; BLOCK];
        (block.success, block.committed, block.agreed) = (0, [0; 2], None);
        for i in block.first..block.n {
            if far {
                next[i].iter().for_each(|&agent| machine::prefetch(&self.lines, agent as usize));
                let soon = if i + SOON < BLOCK { block.pairs[i + SOON] } else { next[i + SOON - BLOCK] };
                soon.iter().for_each(|&agent| self.ask_for(agent));
            }
            let [speaker, hearer] = block.pairs[i].map(|agent| agent as usize);
            let len = self.lines[speaker].len();
            let word = match len {
                0 => self.rule.pool.map_or((block.start + i as u64) as Name, |pool| scale32(draws[0][i], pool)),
                len => self.word(speaker, scale32(draws[0][i], len as u32) as usize),
            };
            let known = self.knows(hearer, word);
            let success = if plain { known } else { self.rule.agrees(known, draws[1][i]) };
            let bound = [speaker, hearer].map(|agent| self.lines[agent].committed());
            if success {
                if !bound[0] {
                    self.collapse(speaker, word);
                }
                if !bound[1] {
                    self.collapse(hearer, word);
                }
            } else {
                // A speaker says what it knows, unless it knows nothing.
                if len == 0 && self.rule.keeps == Rule::Textbook {
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
            // All hold one word each since the last interaction that changed how many there are, and none can change that.
            let before = (block.first..block.n).rev().find(|&i| words[i] != self.words);
            block.agreed = Some((before.map_or(block.first, |i| i + 1), word));
        }
        if let Some(kept) = &mut block.words {
            **kept = words;
        }
    }

    fn both_draw(&self) -> bool {
        !self.rule.is_plain()
    }
}
