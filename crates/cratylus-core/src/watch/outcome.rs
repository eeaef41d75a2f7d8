//! What is said of one run at its end: a row of `runs.parquet`, as a fold over its events.

use crate::Name;
use crate::event::Event;
use crate::event::block::{Block, Names, ones};
use crate::event::digest::{Digest, DigestSeen};
use crate::event::pair::PairEvent;
use crate::event::tally::Tally;
use crate::watch::committed::CommittedAt;
use crate::watch::measure::{Measure, RunContext};
use crate::watch::measures::invalid_share::InvalidShare;
use crate::watch::stop::{By, ConsensusSeen, TIPPED_SHARE, WINDOW_ROUNDS};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// What came of one run, as its row in `runs.parquet` has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// How many there were, void ones included.
    pub interactions: u64,
    /// Interactions over agents.
    pub rounds: f64,
    /// Whether consensus was reached at any time; it may have been lost again since.
    pub consensus: bool,
    /// The name that made up most of the window with which consensus was reached: 95 %, the share that counts as
    /// tipped, or less where the consensus asks for less. Two parts of a population that agree each on its own
    /// have no winner.
    pub winner: Option<Name>,
    /// Population rounds until consensus, the window itself included.
    pub rounds_to_consensus: Option<f64>,
    /// Successes over interactions that were not void.
    pub success_rate: Option<f64>,
    /// Void interactions over all; 0 where there were none at all.
    pub void_share: f64,
    /// Unusable answers, of all answers; None where no agent is a language model.
    pub invalid_share: Option<f64>,
    /// Where a minority was committed: its name's share of the others' choices over the last three population rounds.
    pub minority_share: Option<f64>,
    /// Whether that share reached 2.849 / 3, the published criterion. None where everyone is committed.
    pub tipped: Option<bool>,
    /// Of the run's events, or of its counts where it was played by numbers alone.
    pub digest: Digest,
}

/// Follows a run to its outcome.
#[derive(Deserialize, Serialize)]
pub struct OutcomeSeen {
    size: u64,
    consensus: ConsensusSeen,
    winning_share: f64,
    by: By,
    window: u64,
    /// The minority's name, and who is committed to any.
    minority: Option<Name>,
    committed: CommittedAt,
    last: LastSaid,
    /// Where there are numbers alone: of the last rounds how long each was, how often the minority's name was said by
    /// those who are not committed, and how often any.
    tallies: VecDeque<(u64, u64, u64)>,
    reached: Option<(u64, Option<Name>)>,
    /// The interactions so far, and how many of them succeeded and were settled.
    seen: [u64; 3],
    void: u64,
    invalid: InvalidShare,
    digest: DigestSeen,
}

impl OutcomeSeen {
    /// Before the first event of the run that the context is of.
    pub fn new(context: &RunContext) -> OutcomeSeen {
        let window = context.consensus.window(context.size);
        let share_window = if context.committed.is_some() { WINDOW_ROUNDS * context.size } else { 0 };
        OutcomeSeen {
            size: context.size,
            consensus: ConsensusSeen::new(&context.consensus, context.size, context.knowing.as_ref()),
            winning_share: context.consensus.threshold.min(TIPPED_SHARE),
            by: context.consensus.by,
            window,
            minority: context.committed.as_ref().map(|(name, _)| *name),
            committed: context.committed_at(),
            last: LastSaid { most: window.max(share_window), two_names: context.names.len() == 2, blocks: VecDeque::new() },
            tallies: VecDeque::new(),
            reached: None,
            seen: [0; 3],
            void: 0,
            invalid: InvalidShare::new(context),
            digest: DigestSeen::default(),
        }
    }

    /// Takes in the next event.
    pub fn see(&mut self, event: &Event<'_>) {
        let pair = event.pair();
        self.digest.see_both(event, &pair);
        self.seen[0] += 1;
        self.void += u64::from(event.void());
        self.invalid.see(event);
        if let Some(success) = event.success() {
            self.seen[1] += u64::from(success);
            self.seen[2] += 1;
        }
        self.last.push(&pair, pair.agents.map(|agent| self.committed.is(event.t, agent)));
        self.forget(event.success() != Some(true));
        if self.reached.is_none() && self.consensus.see(event) {
            self.reached = Some((event.t + 1, self.winner(event.t + 1, pair.names[0])));
        }
    }

    /// The same for all interactions of a block, which rules played.
    pub fn see_block(&mut self, block: &Block) {
        self.digest.see_block(block);
        let played = block.played();
        self.seen[0] += u64::from(played.count_ones());
        self.seen[1] += u64::from((block.success & block.settled & played).count_ones());
        self.seen[2] += u64::from((block.settled & played).count_ones());
        self.last.push_block(block);
        self.forget(played & !(block.success & block.settled) != 0);
        if self.reached.is_none()
            && let Some(i) = self.consensus.see_block(block)
        {
            let t = block.start + i as u64 + 1;
            self.reached = Some((t, self.winner(t, Some(block.names[0].get(i)))));
        }
    }

    /// The same for a stretch of which there are numbers alone.
    pub fn see_tally(&mut self, tally: &Tally) {
        self.digest.see_tally(tally);
        let length = tally.end - tally.start;
        self.seen[0] += length;
        self.seen[1] += tally.successes;
        self.seen[2] += length;
        if let Some(name) = self.minority {
            self.tallies.push_back((length, tally.said_freely[name as usize], tally.said_freely.iter().sum()));
            let rounds = WINDOW_ROUNDS * self.size;
            while self.tallies.iter().skip(1).map(|(length, ..)| length).sum::<u64>() >= rounds {
                self.tallies.pop_front();
            }
        }
        if self.reached.is_none() && self.consensus.see_tally(tally) {
            let all: u64 = tally.said.iter().sum();
            let most = (0..).zip(&tally.said).max_by_key(|(_, said)| **said);
            let said = most.filter(|(_, said)| **said as f64 >= self.winning_share * all as f64 - 1e-9).map(|(name, _)| name);
            self.reached = Some((tally.end, tally.agreed.or(said)));
        }
    }

    /// Lets go of what no consensus can rest on any more, and no share of a minority, after a failure.
    fn forget(&mut self, failed: bool) {
        if failed && self.minority.is_none() && self.consensus.starts_over() {
            self.last.keep_newest();
        }
    }

    /// The name that won with the consensus after `t` interactions; `said` is what the last speaker said.
    fn winner(&self, t: u64, said: Option<Name>) -> Option<Name> {
        match self.by {
            By::Successes => self.last.most_said(t, self.window, self.winning_share),
            By::Inventories | By::Opinions => said,
        }
    }

    /// The minority's share of what those said that are not committed, over the last three population rounds.
    fn share(&self) -> Option<f64> {
        let name = self.minority?;
        if !self.tallies.is_empty() {
            let sum = |of: fn(&(u64, u64, u64)) -> u64| self.tallies.iter().map(of).sum::<u64>();
            let (chosen, all) = (sum(|tally| tally.1), sum(|tally| tally.2));
            return (all > 0).then(|| chosen as f64 / all as f64);
        }
        let (chosen, of) = self.last.share(name, self.seen[0], WINDOW_ROUNDS * self.size);
        (of > 0).then(|| chosen as f64 / of as f64)
    }

    /// What can be said of what was seen so far.
    pub fn end(&self) -> Outcome {
        let [interactions, successes, settled] = self.seen;
        let share = self.share();
        let per_agent = |interactions: u64| interactions as f64 / self.size as f64;
        Outcome {
            interactions,
            rounds: per_agent(interactions),
            consensus: self.reached.is_some(),
            winner: self.reached.and_then(|(_, winner)| winner),
            rounds_to_consensus: self.reached.map(|(t, _)| per_agent(t)),
            success_rate: (settled > 0).then(|| successes as f64 / settled as f64),
            void_share: if interactions > 0 { self.void as f64 / interactions as f64 } else { 0.0 },
            invalid_share: self.invalid.share(),
            minority_share: share,
            tipped: share.map(|share| share >= TIPPED_SHARE),
            digest: self.digest.end(),
        }
    }
}

/// What was said in the last interactions of a run, packed as in a [`Block`].
#[derive(Deserialize, Serialize)]
struct LastSaid {
    /// How many interactions are kept at least.
    most: u64,
    two_names: bool,
    blocks: VecDeque<SaidBlock>,
}

#[derive(Deserialize, Serialize)]
struct SaidBlock {
    start: u64,
    /// Up to where interactions are in it.
    n: usize,
    names: [Names; 2],
    /// Where each seat said something, and where it was not committed.
    said: [u64; 2],
    free: [u64; 2],
}

impl LastSaid {
    fn push(&mut self, event: &PairEvent, committed: [bool; 2]) {
        let (start, i) = (event.t / 64 * 64, (event.t % 64) as usize);
        if self.blocks.back().is_none_or(|block| block.start != start) {
            let names = || if self.two_names { Names::Bits(0) } else { Names::Words(Box::new([0; 64])) };
            self.blocks.push_back(SaidBlock { start, n: 0, names: [names(), names()], said: [0; 2], free: [0; 2] });
            self.trim(start);
        }
        let block = self.blocks.back_mut().expect("one was pushed");
        block.n = i + 1;
        for (seat, committed) in committed.into_iter().enumerate() {
            let Some(name) = event.names[seat] else { continue };
            block.said[seat] |= 1 << i;
            block.free[seat] |= u64::from(!committed) << i;
            match &mut block.names[seat] {
                Names::Bits(bits) => *bits |= u64::from(name & 1) << i,
                Names::Words(words) => words[i] = name,
            }
        }
    }

    fn push_block(&mut self, block: &Block) {
        let said = [block.said[0] & block.played(), block.said[1] & block.played()];
        let free = [said[0] & !block.committed[0], said[1] & !block.committed[1]];
        self.blocks.push_back(SaidBlock { start: block.start, n: block.n, names: block.names.clone(), said, free });
        self.trim(block.start);
    }

    fn keep_newest(&mut self) {
        let before = self.blocks.len().saturating_sub(1);
        self.blocks.drain(..before);
    }

    fn trim(&mut self, start: u64) {
        while self.blocks.front().is_some_and(|block| block.start + 64 + self.most < start) {
            self.blocks.pop_front();
        }
    }

    /// The blocks that hold interactions `from..to`, with where in them those are.
    fn within(&self, from: u64, to: u64) -> impl Iterator<Item = (&SaidBlock, u64)> {
        self.blocks.iter().filter(move |block| block.start < to && block.start + block.n as u64 > from).map(move |block| {
            let (first, end) = (from.saturating_sub(block.start) as usize, (to - block.start).min(block.n as u64) as usize);
            (block, ones(first, end))
        })
    }

    /// The name that makes up `least` of what was said in the `window` interactions before `t`, where one does.
    fn most_said(&self, t: u64, window: u64, least: f64) -> Option<Name> {
        let mut counts: BTreeMap<Name, u64> = BTreeMap::new();
        for (block, within) in self.within(t.saturating_sub(window), t) {
            for seat in 0..2 {
                let said = block.said[seat] & within;
                match &block.names[seat] {
                    Names::Bits(bits) => {
                        for (name, bits) in [(0, said & !bits), (1, said & bits)] {
                            if bits != 0 {
                                *counts.entry(name).or_insert(0) += u64::from(bits.count_ones());
                            }
                        }
                    }
                    Names::Words(words) => {
                        let names = words.iter().enumerate().filter(|(i, _)| said >> i & 1 == 1);
                        names.for_each(|(_, &name)| *counts.entry(name).or_insert(0) += 1);
                    }
                }
            }
        }
        let all: u64 = counts.values().sum();
        let most = counts.values().copied().max()?;
        let enough = most as f64 >= least * all as f64 - 1e-9;
        counts.into_iter().find(|&(_, count)| count == most && enough).map(|(name, _)| name)
    }

    /// How often agents that are not committed said a name in the `window` interactions before `t`, of how many times.
    fn share(&self, name: Name, t: u64, window: u64) -> (u64, u64) {
        let (mut chosen, mut of) = (0, 0);
        for (block, within) in self.within(t.saturating_sub(window), t) {
            for seat in 0..2 {
                let free = block.free[seat] & within;
                of += u64::from(free.count_ones());
                chosen += (0..64).filter(|i| free >> i & 1 == 1 && block.names[seat].get(*i) == name).count() as u64;
            }
        }
        (chosen, of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::stop::Consensus;

    #[test]
    fn two_halves_that_agree_each_on_its_own_have_no_winner() {
        let names = vec!["Q".into(), "M".into()];
        let context = RunContext::of(4, names, Consensus::published());
        let mut seen = OutcomeSeen::new(&context);
        for t in 0..12u32 {
            let name = Some(t % 2);
            let agents = [2 * (t % 2), 2 * (t % 2) + 1];
            let event = PairEvent { t: t.into(), agents, names: [name, name], success: Some(true), invalid: [0; 2] };
            event.show(|event| seen.see(event));
        }
        assert_eq!((seen.end().consensus, seen.end().winner), (true, None));
    }

    #[test]
    fn a_run_is_judged_by_the_published_criteria() {
        let context = RunContext {
            committed: Some((1, vec![1])),
            ..RunContext::of(2, vec!["Q".into(), "M".into()], Consensus::published())
        };
        let mut seen = OutcomeSeen::new(&context);
        for t in 0..10 {
            let own = u32::from(t >= 2);
            let names = [Some(own), Some(1)];
            let event = PairEvent { t, agents: [0, 1], names, success: Some(own == 1), invalid: [0; 2] };
            event.show(|event| seen.see(event));
        }
        let end = seen.end();
        assert_eq!((end.consensus, end.winner, end.rounds_to_consensus), (true, Some(1), Some(4.0)));
        assert_eq!((end.minority_share, end.tipped, end.success_rate), (Some(1.0), Some(true), Some(0.8)));
    }
}
