//! When a run ends, and when it has reached consensus. Both are folds over events.

use crate::event::Event;
use crate::event::block::Block;
use crate::event::tally::Tally;
use crate::watch::committed::CommittedAt;
use crate::watch::knowing::{Knowing, Known};
use crate::{AgentId, Name};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When a run ends: whichever of these comes first. A run that nothing else ends ends after 1,000 rounds.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    /// A window of successes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consensus: Option<Consensus>,
    /// A name's share of the choices of the agents that are not committed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<ShareStop>,
    /// A number of interactions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interactions: Option<u64>,
    /// A number of population rounds; a round is as many interactions as there are agents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounds: Option<u64>,
    /// In a scene a number of episodes, which are its interactions; 1 where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub episodes: Option<u64>,
    /// In the game `symbols`, a number of sweeps; in a sweep as many agents take their turn as there are, each with all objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sweeps: Option<u64>,
    /// How many interactions a sweep has, which the file says elsewhere.
    #[serde(skip)]
    pub sweep: u64,
}

/// Consensus: a share of successes over the last interactions; give `window` or `window_rounds`. Or, in the naming game,
/// inventories that hold one word each and all the same. Or, in the game `opinion`, one opinion that all hold.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Consensus {
    /// What it is judged by.
    #[serde(default, skip_serializing_if = "By::is_successes")]
    pub by: By,
    /// The length of the window in interactions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<u64>,
    /// The length of the window in population rounds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window_rounds: Option<u64>,
    /// The share of successes that the window must reach.
    #[serde(default = "one")]
    pub threshold: f64,
    /// Whether the window is looked at after each interaction or at the end of each population round.
    #[serde(default)]
    pub every: Every,
    /// The first population round (from 1) at whose end there may be a consensus. Published rules differ here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_round: Option<u64>,
}

/// What consensus is judged by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// A window of successes: all that an observer can see.
    #[default]
    Successes,
    /// The agents' inventories, as theory defines it: every agent knows one word, and all the same (Baronchelli et al. 2006).
    Inventories,
    /// What everyone holds in the game `opinion`: all the same.
    Opinions,
}

impl By {
    fn is_successes(&self) -> bool {
        *self == By::Successes
    }
}

/// When a window is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Every {
    /// After each interaction, from the first with which the window is full.
    #[default]
    Interaction,
    /// At the end of each population round.
    Round,
}

/// A name's share of the choices of agents that are not committed, over the last population rounds.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShareStop {
    /// Whose share; the committed minority's name where none is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The length of the window in population rounds.
    #[serde(default = "three")]
    pub window_rounds: u64,
    /// The share from 0 to 1 that ends the run, reached or passed.
    #[serde(default = "published_share")]
    pub threshold: f64,
}

/// The published criterion: summed over three rounds the share reaches 2.849 (Flint Ashery et al. 2025, plot code).
pub const TIPPED_SHARE: f64 = 2.849 / 3.0;
/// The published window: three population rounds.
pub const WINDOW_ROUNDS: u64 = 3;
/// How long a run lasts, in population rounds, if nothing else ends it.
pub const ROUNDS_MAX: u64 = 1000;

fn one() -> f64 {
    1.0
}

fn three() -> u64 {
    WINDOW_ROUNDS
}

fn published_share() -> f64 {
    TIPPED_SHARE
}

impl Consensus {
    /// Three population rounds of nothing but success: how consensus is judged where a run does not stop at it.
    pub fn published() -> Consensus {
        Consensus {
            by: By::Successes,
            window: None,
            window_rounds: Some(WINDOW_ROUNDS),
            threshold: 1.0,
            every: Every::Interaction,
            from_round: None,
        }
    }

    /// The length of the window in interactions, in a population of `size`.
    pub fn window(&self, size: u64) -> u64 {
        let rounds = || self.window_rounds.unwrap_or(WINDOW_ROUNDS) * size;
        self.window.unwrap_or_else(rounds)
    }
}

impl Stop {
    /// The most interactions that a run can last.
    pub fn most(&self, size: u64) -> u64 {
        let rounds = self.rounds.map(|rounds| rounds.saturating_mul(size));
        let sweeps = self.sweeps.map(|sweeps| sweeps.saturating_mul(self.sweep.max(1)));
        let given = [self.interactions, rounds, sweeps].into_iter().flatten().min();
        given.unwrap_or(ROUNDS_MAX * size)
    }
}

/// What a window of the last `len` interactions holds of some kind.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Window {
    last: Vec<u8>,
    at: usize,
    filled: usize,
    sum: u64,
}

impl Window {
    /// An empty window of `len` interactions, and of one where `len` is 0.
    pub fn new(len: u64) -> Window {
        Window { last: vec![0; len.max(1) as usize], at: 0, filled: 0, sum: 0 }
    }

    /// Takes in the next value; the oldest goes where the window is full.
    #[inline]
    pub fn push(&mut self, value: u8) {
        self.sum = self.sum + u64::from(value) - u64::from(self.last[self.at]);
        self.last[self.at] = value;
        self.at = if self.at + 1 == self.last.len() { 0 } else { self.at + 1 };
        self.filled = self.last.len().min(self.filled + 1);
    }

    /// Whether as many values were seen as it holds.
    pub fn full(&self) -> bool {
        self.filled == self.last.len()
    }

    /// Of the values that are in it.
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// How many values it holds when it is full, in interactions.
    pub fn length(&self) -> u64 {
        self.last.len() as u64
    }

    /// The fewest interactions with which the window is full and satisfies `enough` (of its sum, and how many
    /// values are new), if every value to come is `most`, after `seen` interactions.
    fn soonest(&self, seen: u64, enough: impl Fn(u64, u64) -> bool, most: u64) -> u64 {
        let mut sum = self.sum;
        for new in 0..=self.length() {
            if self.filled as u64 + new >= self.length() && enough(sum, new) {
                return seen + new;
            }
            // The place written next holds the oldest value, or a zero that was never written.
            let oldest = self.last[(self.at + new as usize) % self.last.len()];
            sum = sum + most - u64::from(oldest);
        }
        seen + self.length()
    }
}

/// Sees events and says when consensus is first reached. Void interactions count as not successful.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ConsensusSeen {
    seen: Seen,
    every: u64,
    /// How many interactions must have passed.
    least: u64,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
enum Seen {
    /// Nothing but successes: how many in a row there were, and how many there must be.
    InARow {
        so_far: u64,
        needed: u64,
    },
    /// So many in a window.
    Window {
        window: Window,
        needed: u64,
    },
    Known(Box<Known>),
}

impl ConsensusSeen {
    /// `knowing` is what agents of the naming game know, and None in other games.
    pub fn new(rule: &Consensus, size: u64, knowing: Option<&Knowing>) -> ConsensusSeen {
        let length = rule.window(size);
        // A tenth of a success is never missing for want of precision in a threshold such as 0.98.
        let needed = (rule.threshold * length as f64 - 1e-9).ceil().max(0.0) as u64;
        let seen = match (rule.by, knowing) {
            (By::Inventories | By::Opinions, Some(knowing)) => Seen::Known(Box::new(Known::new(knowing.clone()))),
            _ if needed == length => Seen::InARow { so_far: 0, needed },
            _ => Seen::Window { window: Window::new(length), needed },
        };
        let every = match rule.every {
            Every::Interaction => 1,
            Every::Round => size,
        };
        ConsensusSeen { seen, every, least: rule.from_round.unwrap_or(0).saturating_mul(size) }
    }

    /// Whether a failure undoes all that was before it.
    pub fn starts_over(&self) -> bool {
        !matches!(self.seen, Seen::Window { .. })
    }

    /// Whether there is a consensus after this event.
    #[inline]
    pub fn see(&mut self, event: &Event<'_>) -> bool {
        if let Seen::Known(known) = &mut self.seen {
            known.see(event);
        }
        self.settled(event.t, event.success() == Some(true))
    }

    /// Whether there is one after an interaction that succeeded or did not, and of which all else was seen.
    #[inline]
    fn settled(&mut self, t: u64, success: bool) -> bool {
        let reached = match &mut self.seen {
            Seen::InARow { so_far, needed } => {
                *so_far = if success { *so_far + 1 } else { 0 };
                *so_far >= *needed
            }
            Seen::Window { window, needed } => {
                window.push(u8::from(success));
                window.sum() >= *needed && window.full()
            }
            Seen::Known(known) => known.agreed().is_some(),
        };
        reached && (t + 1).is_multiple_of(self.every) && t + 1 >= self.least
    }

    /// The first interaction of a block with which there is a consensus, and which number it has there. What comes after
    /// it is left unseen.
    pub fn see_block(&mut self, block: &Block) -> Option<usize> {
        let simple = self.every == 1 && self.least <= block.start + block.first as u64;
        match &mut self.seen {
            Seen::InARow { so_far, needed } if simple => {
                let failures = block.played() & !(block.success & block.settled);
                let mut at = block.first;
                while at < block.n {
                    let left = failures >> at;
                    let end = if left == 0 { block.n } else { at + left.trailing_zeros() as usize };
                    let more = (*needed).saturating_sub(*so_far);
                    if (end - at) as u64 >= more.max(1) {
                        return Some(at + more.max(1) as usize - 1);
                    }
                    *so_far = if end < block.n { 0 } else { *so_far + (end - at) as u64 };
                    at = end + 1;
                }
                None
            }
            // In flat memory what agents know is at hand.
            Seen::Known(_) if simple => block.agreed.map(|(i, _)| i),
            Seen::Known(_) => {
                let (i, _) = block.agreed?;
                let first = self.least.max(block.start + i as u64 + 1).next_multiple_of(self.every) - 1 - block.start;
                (first < block.n as u64).then_some(first as usize)
            }
            _ => {
                let success = |i: usize| (block.success & block.settled) >> i & 1 == 1;
                (block.first..block.n).find(|&i| self.settled(block.start + i as u64, success(i)))
            }
        }
    }

    /// Whether there is a consensus after a stretch of which there are numbers alone: all agents know one name, or every
    /// interaction of as many whole stretches succeeded.
    pub fn see_tally(&mut self, tally: &Tally) -> bool {
        let length = tally.end - tally.start;
        match &mut self.seen {
            Seen::InARow { so_far, needed } => {
                *so_far = if tally.successes == length { *so_far + length } else { 0 };
                *so_far >= *needed && tally.end >= self.least
            }
            Seen::Known(_) => tally.agreed.is_some() && tally.end >= self.least,
            Seen::Window { .. } => false,
        }
    }

    /// The fewest interactions with which there can be a consensus, if all to come succeed after `seen`.
    fn soonest(&self, seen: u64) -> u64 {
        let held = match &self.seen {
            Seen::InARow { so_far, needed } => seen + needed.saturating_sub(*so_far),
            Seen::Window { window, needed } => window.soonest(seen, |sum, _| sum >= *needed, 1),
            Seen::Known(_) => seen + 1,
        };
        held.max(self.least).next_multiple_of(self.every)
    }
}

/// Sees events and keeps a name's share of the choices of agents that are not committed, over the last interactions.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ShareSeen {
    name: Name,
    committed: CommittedAt,
    chosen: Window,
    of: Window,
}

impl ShareSeen {
    /// Follows `name` over the last `window` interactions.
    pub fn new(name: Name, committed: CommittedAt, window: u64) -> ShareSeen {
        ShareSeen { name, committed, chosen: Window::new(window), of: Window::new(window) }
    }

    /// Takes in the next event. Void interactions take a place in the window, too.
    #[inline]
    pub fn see(&mut self, event: &Event<'_>) {
        self.count(event.t, event.choices());
    }

    #[inline]
    fn count(&mut self, t: u64, choices: impl Iterator<Item = (AgentId, Name)>) {
        let (mut chosen, mut of) = (0u8, 0u8);
        for (agent, name) in choices {
            if !self.committed.is(t, agent) {
                of += 1;
                chosen += u8::from(name == self.name);
            }
        }
        self.chosen.push(chosen);
        self.of.push(of);
    }

    /// The share over the window. None before the window is full or where only committed agents chose.
    pub fn share(&self) -> Option<f64> {
        (self.of.full() && self.of.sum() > 0).then(|| self.so_far()).flatten()
    }

    /// The fewest interactions with which the share can be reached, if all to come choose the name after `seen`.
    fn soonest(&self, seen: u64, threshold: f64) -> u64 {
        let of = self.of.sum();
        // Every new interaction can bring two choices of the name, and push out choices of others only.
        let reached =
            |chosen: u64, new: u64| chosen as f64 + 1e-9 >= threshold * of.saturating_sub(2 * new).max(chosen.min(1)) as f64;
        self.chosen.soonest(seen, reached, 2)
    }

    /// The share over as much of the window as there is.
    pub fn so_far(&self) -> Option<f64> {
        (self.of.sum() > 0).then(|| self.chosen.sum() as f64 / self.of.sum() as f64)
    }
}

/// Sees a run's events and says with which of them it ends.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct StopSeen {
    consensus: Option<ConsensusSeen>,
    share: Option<(ShareSeen, f64)>,
    most: u64,
}

impl StopSeen {
    /// `share_of` is the name that a share rule is about; `committed` the agents it leaves out.
    pub fn new(rule: &Stop, size: u64, share_of: Option<Name>, committed: CommittedAt, knowing: Option<&Knowing>) -> StopSeen {
        let share = rule.share.as_ref().zip(share_of).map(|(share, name)| {
            let window = share.window_rounds * size;
            (ShareSeen::new(name, committed, window), share.threshold)
        });
        let consensus = rule.consensus.as_ref().map(|consensus| ConsensusSeen::new(consensus, size, knowing));
        StopSeen { consensus, share, most: rule.most(size) }
    }

    /// Takes in the next event, and says whether the run ends with it.
    #[inline]
    pub fn see(&mut self, event: &Event<'_>) -> bool {
        let mut over = event.t + 1 >= self.most;
        if let Some(consensus) = &mut self.consensus {
            over |= consensus.see(event);
        }
        if let Some((share, threshold)) = &mut self.share {
            share.see(event);
            over |= share.share().is_some_and(|share| share >= *threshold);
        }
        over
    }

    /// How many interactions of a block there are until the run ends within it. None where it goes on.
    pub fn see_block(&mut self, block: &Block) -> Option<usize> {
        if self.share.is_none() {
            let left = (self.most - block.start) as usize;
            let consensus = self.consensus.as_mut().and_then(|consensus| consensus.see_block(block));
            return consensus.map(|i| i + 1).or((left <= block.n).then_some(left));
        }
        // Consensus first, as it looks at whole blocks.
        let consensus = self.consensus.as_mut().and_then(|consensus| consensus.see_block(block));
        let end = consensus.map_or(block.n, |i| i + 1);
        let (share, threshold) = self.share.as_mut().expect("looked at above");
        let reached = (block.first..end).find(|&i| {
            share.count(block.start + i as u64, block.event(i).choices());
            block.start + i as u64 + 1 >= self.most || share.share().is_some_and(|share| share >= *threshold)
        });
        reached.or(consensus).map(|i| i + 1)
    }

    /// The most interactions that the run can last.
    pub fn most(&self) -> u64 {
        self.most
    }

    /// How many interactions the run has at least, whatever the coming ones bring, after `seen` of them. What
    /// comes before that is never played in vain.
    pub fn least(&self, seen: u64) -> u64 {
        let consensus = self.consensus.as_ref().map_or(u64::MAX, |consensus| consensus.soonest(seen));
        let share = self.share.as_ref().map_or(u64::MAX, |(share, threshold)| share.soonest(seen, *threshold));
        consensus.min(share).min(self.most).max(seen + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::pair::PairEvent;

    fn event(t: u64, success: bool) -> PairEvent {
        PairEvent { t, agents: [0, 1], names: [Some(0), Some(u32::from(!success))], success: Some(success), invalid: [0; 2] }
    }

    fn ends(stop: &Stop, size: u64, successes: impl Fn(u64) -> bool) -> u64 {
        let mut seen = StopSeen::new(stop, size, Some(0), CommittedAt::default(), None);
        (0..).find(|&t| event(t, successes(t)).show(|event| seen.see(event))).map(|t| t + 1).unwrap()
    }

    #[test]
    fn a_consensus_of_72_ends_with_the_72nd_success_in_a_row() {
        let stop = Stop {
            consensus: Some(Consensus {
                by: By::Successes,
                window: Some(72),
                window_rounds: None,
                threshold: 1.0,
                every: Every::Interaction,
                from_round: None,
            }),
            interactions: Some(1000),
            ..Stop::default()
        };
        assert_eq!(ends(&stop, 24, |t| t > 10), 83);
        assert_eq!(ends(&stop, 24, |t| t % 50 != 0), 1000);
    }

    #[test]
    fn a_window_in_rounds_grows_with_the_population() {
        let rule = |every| Consensus {
            by: By::Successes,
            window: None,
            window_rounds: Some(3),
            threshold: 0.98,
            every,
            from_round: None,
        };
        let stop = |every| Stop { consensus: Some(rule(every)), ..Stop::default() };
        assert_eq!(ends(&stop(Every::Interaction), 100, |_| true), 300);
        assert_eq!(ends(&stop(Every::Interaction), 100, |t| t >= 50), 344, "six failures in 300 are 98 %");
        assert_eq!(ends(&stop(Every::Round), 100, |t| t >= 50), 400);
    }

    #[test]
    fn a_share_counts_only_those_who_are_not_committed() {
        let mut seen = ShareSeen::new(0, CommittedAt::start(vec![1]), 2);
        event(0, false).show(|event| seen.see(event));
        assert_eq!((seen.share(), seen.so_far()), (None, Some(1.0)));
        let second = PairEvent { t: 1, agents: [2, 1], names: [Some(1), Some(0)], success: Some(false), invalid: [0; 2] };
        second.show(|event| seen.see(event));
        assert_eq!(seen.share(), Some(0.5));
    }

    #[test]
    fn what_is_sure_to_be_played_is_never_past_the_stop() {
        let rule = |threshold, every, from_round| Consensus {
            by: By::Successes,
            window: Some(12),
            window_rounds: None,
            threshold,
            every,
            from_round,
        };
        let share = ShareStop { name: None, window_rounds: 2, threshold: 0.8 };
        for case in 0..600u64 {
            let mut draws = crate::Seed(case).stream(crate::Purpose::Resample, 0);
            let every = if case % 2 == 0 { Every::Interaction } else { Every::Round };
            let stop = Stop {
                consensus: (case % 3 > 0).then(|| rule([1.0, 0.7][case as usize % 2], every, (case % 5 == 0).then_some(4))),
                share: (case % 3 < 2).then(|| share.clone()),
                interactions: Some(120),
                ..Stop::default()
            };
            let mut seen = StopSeen::new(&stop, 6, Some(0), CommittedAt::start(vec![5]), None);
            let (mut sure, mut idle) = (0, 0);
            let easy = draws.unit();
            for t in 0.. {
                let least = seen.least(t);
                assert!(least > t);
                sure = sure.max(least);
                idle += u64::from(least == t + 1);
                let name = |draws: &mut crate::seed::Stream| u32::from(draws.unit() > easy.sqrt());
                let names = [name(&mut draws), name(&mut draws)];
                let agents = [draws.below(3) as u32, 3 + draws.below(3) as u32];
                let event = PairEvent { t, agents, names: names.map(Some), success: Some(names[0] == names[1]), invalid: [0; 2] };
                if event.show(|event| seen.see(event)) {
                    assert!(sure <= t + 1, "case {case}: {sure} were sure, and {} were played", t + 1);
                    break;
                }
            }
            assert!(idle <= 60, "case {case}: it looks ahead, too");
        }
    }

    #[test]
    fn a_run_that_nothing_ends_lasts_a_thousand_rounds() {
        assert_eq!(Stop::default().most(24), 24_000);
        assert_eq!(Stop { rounds: Some(10), interactions: Some(100), ..Stop::default() }.most(24), 100);
    }
}
