//! Agents with a bounded memory of any names, whose windows are numbered as they come up.
//!
//! With more than two names, or long memories, there are too many windows to tabulate; but a population is in few of them
//! at a time, and comes back to them. So each window that is met gets a number, what its agents choose is worked out once,
//! and so is the window that follows each pair of choices: playing is looking up. What is known is kept from run to run
//! and forgotten when it is much; neither can change what is played.

use super::population::FlatPopulation;
use super::tables::{FAR, gather};
use crate::event::block::{BLOCK, Block, Names};
use crate::fault::Fault;
use crate::kept::{self, Keep, Keeper};
use crate::policy::{Policy, Round, choose, thresholds};
use crate::{AgentId, Name, machine};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

/// The kinds of agents of a world, and what is known of their windows.
pub struct WindowKinds {
    kinds: Vec<WindowKind>,
    names: usize,
    /// Rounds that any kind keeps at most.
    longest: usize,
    /// What runs that are over got to know, for those to come.
    known: Mutex<Vec<Known>>,
}

struct WindowKind {
    policy: Arc<dyn Policy>,
    /// How many rounds are kept, and how many of them the policy looks at.
    kept: usize,
    looked_at: usize,
}

impl WindowKinds {
    /// Of policies over so many names; `whole` where all of `memory` rounds is kept, looked at or not.
    pub fn new(policies: impl IntoIterator<Item = Arc<dyn Policy>>, names: usize, memory: usize, whole: bool) -> WindowKinds {
        let kind = |policy: Arc<dyn Policy>| {
            let looked_at = policy.depth(memory);
            WindowKind { policy, kept: if whole { memory } else { looked_at }, looked_at }
        };
        let kinds: Vec<WindowKind> = policies.into_iter().map(kind).collect();
        let longest = kinds.iter().map(|kind| kind.kept).max().unwrap_or(0);
        WindowKinds { kinds, names, longest, known: Mutex::default() }
    }
}

/// Numbers that are spread well enough by one multiplication.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are numbers")
    }
    #[inline(always)]
    fn write_u64(&mut self, key: u64) {
        let wide = u128::from(key ^ 0x243F_6A88_85A3_08D3) * 0x9E37_79B9_7F4A_7C15;
        self.0 = wide as u64 ^ (wide >> 64) as u64;
    }
}

type Numbers = HashMap<u64, u32, BuildHasherDefault<Spread>>;

/// Windows that came up, by their numbers.
#[derive(Default)]
struct Known {
    /// The kind of agents that a window is of, and how many rounds it holds.
    of: Vec<(u16, u8)>,
    /// So many rounds for each as are kept at most, oldest first.
    rounds: Vec<Round>,
    /// As many for each as there are names: where each name's share of the draws ends.
    ends: Vec<u64>,
    /// By the hash of a kind and a window; where two have one, the later goes by the next number that is free.
    by_window: Numbers,
    /// By number, own and partner's choice: the number of the window that follows.
    next: Numbers,
}

/// What is known may take so many bytes; in the tests of this crate so few that it is forgotten in the midst of runs.
const BYTES: usize = if cfg!(test) { 1 << 15 } else { 48 << 20 };

impl Known {
    fn full(&self, kinds: &WindowKinds) -> bool {
        // What a number costs in the two maps is an entry of twelve bytes each, half of them free, and often two followers.
        let each = 8 * kinds.names + 4 * kinds.longest + 4 + 3 * 24;
        self.of.len() * each > BYTES
    }

    fn window(&self, number: u32, longest: usize) -> &[Round] {
        &self.rounds[number as usize * longest..][..usize::from(self.of[number as usize].1)]
    }

    /// The number of a window, which it gets now where it has none.
    fn number(&mut self, kinds: &WindowKinds, kind: u16, window: &[Round]) -> u32 {
        let mut hash = window.iter().fold(u64::from(kind) + 1, |hash, &[own, partner]| {
            (hash.rotate_left(5) ^ (u64::from(own) << 16 | u64::from(partner))).wrapping_mul(0x517C_C1B7_2722_0A95)
        });
        while let Some(&number) = self.by_window.get(&hash) {
            if self.of[number as usize].0 == kind && self.window(number, kinds.longest) == window {
                return number;
            }
            hash = hash.wrapping_add(1);
        }
        let number = self.of.len() as u32;
        self.by_window.insert(hash, number);
        self.of.push((kind, window.len() as u8));
        self.rounds.extend_from_slice(window);
        self.rounds.resize(self.of.len() * kinds.longest, [0; 2]);
        let WindowKind { policy, looked_at, .. } = &kinds.kinds[kind as usize];
        let (mut p, mut ends) = ([0.0; 64], Vec::new());
        let mut long = Vec::new();
        let p = match kinds.names {
            few if few <= p.len() => &mut p[..few],
            many => {
                long.resize(many, 0.0);
                &mut long[..]
            }
        };
        policy.distribution(&window[window.len().saturating_sub(*looked_at)..], p);
        thresholds(p, &mut ends);
        self.ends.extend_from_slice(&ends);
        number
    }

    #[inline(always)]
    fn choose(&self, number: u32, names: usize, draw: u32) -> u32 {
        choose(&self.ends[number as usize * names..][..names], draw)
    }

    /// The number of the window after a round.
    #[inline(always)]
    fn after(&mut self, kinds: &WindowKinds, number: u32, own: u32, partner: u32) -> u32 {
        let key = u64::from(number) << 32 | u64::from(own) << 16 | u64::from(partner);
        match self.next.get(&key) {
            Some(&next) => next,
            None => self.follow(kinds, number, key),
        }
    }

    #[cold]
    #[inline(never)]
    fn follow(&mut self, kinds: &WindowKinds, number: u32, key: u64) -> u32 {
        let (kind, _) = self.of[number as usize];
        let kept = kinds.kinds[kind as usize].kept;
        let mut window = self.window(number, kinds.longest).to_vec();
        window.push([(key >> 16) as u16, key as u16]);
        let next = self.number(kinds, kind, &window[window.len().saturating_sub(kept)..]);
        self.next.insert(key, next);
        next
    }
}

/// A population of such agents.
pub(crate) struct WindowStates<'w> {
    kinds: &'w WindowKinds,
    known: Known,
    /// The number of each agent's window.
    states: Vec<u32>,
    /// Kinds from here on are committed.
    committed: u16,
}

impl Drop for WindowStates<'_> {
    fn drop(&mut self) {
        let known = std::mem::take(&mut self.known);
        self.kinds.known.lock().unwrap_or_else(PoisonError::into_inner).push(known);
    }
}

impl Keep for WindowStates<'_> {
    fn keep(&self, out: &mut Keeper<'_>) {
        let windows: Vec<(u16, &[Round])> = self.states.iter().map(|&state| self.remembers(state)).collect();
        kept::keep(&windows, out);
    }

    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Fault> {
        let windows: Vec<(u16, Vec<Round>)> = kept::take(from)?;
        let known = |(kind, window): &(u16, Vec<Round>)| {
            self.kinds.kinds.get(usize::from(*kind)).is_some_and(|kind| window.len() <= kind.kept)
        };
        if windows.len() != self.states.len() || !windows.iter().all(known) {
            return Err(Fault("what was kept of a run is of another population".into()));
        }
        for (state, (kind, window)) in self.states.iter_mut().zip(&windows) {
            *state = self.known.number(self.kinds, *kind, window);
        }
        Ok(())
    }
}

impl<'w> WindowStates<'w> {
    /// Agents of the kinds `assigned` who remember rounds; kinds from `committed` on are.
    pub fn new<'r>(
        kinds: &'w WindowKinds,
        assigned: &[u16],
        committed: u16,
        remembers: impl Fn(usize) -> &'r [Round],
    ) -> WindowStates<'w> {
        let known = kinds.known.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        let mut out = WindowStates { kinds, known, states: machine::filled(assigned.len(), 0), committed };
        out.make_room();
        for (agent, &kind) in assigned.iter().enumerate() {
            let window = remembers(agent);
            let kept = &window[window.len().saturating_sub(kinds.kinds[kind as usize].kept)..];
            out.states[agent] = out.known.number(kinds, kind, kept);
        }
        out
    }

    fn remembers(&self, state: u32) -> (u16, &[Round]) {
        (self.known.of[state as usize].0, self.known.window(state, self.kinds.longest))
    }

    /// What each agent remembers.
    pub fn remembered(&self) -> impl Iterator<Item = Vec<Round>> {
        self.states.iter().map(|&state| self.remembers(state).1.to_vec())
    }

    /// Forgets all windows but those that agents are in, where too many are known.
    fn make_room(&mut self) {
        if !self.known.full(self.kinds) {
            return;
        }
        let before = std::mem::take(&mut self.known);
        if before.of.is_empty() {
            return;
        }
        for state in &mut self.states {
            let (kind, _) = before.of[*state as usize];
            *state = self.known.number(self.kinds, kind, before.window(*state, self.kinds.longest));
        }
    }
}

impl FlatPopulation for WindowStates<'_> {
    #[inline(always)]
    fn play(&mut self, block: &mut Block, draws: &[[u32; BLOCK]; 2], next: &[[AgentId; 2]; BLOCK]) {
        self.make_room();
        let far = self.states.len() * 4 > FAR;
        let names = self.kinds.names;
        let mut said = [[0 as Name; BLOCK]; 2];
        let mut committed = [0; 2];
        for i in block.first..block.n {
            if far {
                for agent in next[i] {
                    machine::prefetch(&self.states, agent as usize);
                }
            }
            let [a, b] = block.pairs[i].map(|agent| agent as usize);
            let (state_a, state_b) = (self.states[a], self.states[b]);
            let name_a = self.known.choose(state_a, names, draws[0][i]);
            let name_b = self.known.choose(state_b, names, draws[1][i]);
            self.states[a] = self.known.after(self.kinds, state_a, name_a, name_b);
            self.states[b] = self.known.after(self.kinds, state_b, name_b, name_a);
            (said[0][i], said[1][i]) = (name_a, name_b);
            committed[0] |= u64::from(self.known.of[state_a as usize].0 >= self.committed) << i;
            committed[1] |= u64::from(self.known.of[state_b as usize].0 >= self.committed) << i;
        }
        block.success = (0..BLOCK).fold(0, |bits, i| bits | u64::from(said[0][i] == said[1][i]) << i);
        block.said = [u64::MAX; 2];
        block.committed = committed;
        if names == 2 {
            block.names = said.map(|said| Names::Bits(gather(&said.map(|name| name as u8))));
            return;
        }
        for (seat, said) in said.iter().enumerate() {
            match &mut block.names[seat] {
                Names::Words(words) => words.copy_from_slice(said),
                bits => *bits = Names::Words(Box::new(*said)),
            }
        }
    }
}
