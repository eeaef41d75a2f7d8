//! What is said of one run at its end: a row of `runs.parquet`, as a fold over its events.

use crate::event::{Digest, Event};
use crate::measure::{Measure, RunContext};
use crate::measures::invalid_share::InvalidShare;
use crate::stop::{ConsensusSeen, ShareSeen, TIPPED_SHARE, WINDOW_ROUNDS};
use crate::{AgentId, Name};
use std::collections::{BTreeMap, VecDeque};

#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
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
    pub void_share: f64,
    /// Unusable answers, of all answers; None where no agent is a language model.
    pub invalid_share: Option<f64>,
    /// Where a minority was committed: its name's share of the others' choices over the last three population rounds.
    pub minority_share: Option<f64>,
    /// Whether that share reached 2.849 / 3, the published criterion. None where everyone is committed.
    pub tipped: Option<bool>,
    pub digest: Digest,
}

pub struct OutcomeSeen {
    size: u32,
    consensus: ConsensusSeen,
    winning_share: f64,
    window: u64,
    /// The names said in each of the last interactions, as many as the consensus window is long.
    last: VecDeque<[Option<Name>; 2]>,
    reached: Option<(u64, Option<Name>)>,
    share: Option<ShareSeen>,
    /// The interactions so far, and how many of them succeeded and were settled.
    seen: [u64; 3],
    void: u64,
    invalid: InvalidShare,
    digest: Digest,
}

impl OutcomeSeen {
    pub fn new(context: &RunContext) -> OutcomeSeen {
        let window = |(name, agents): &(Name, Vec<AgentId>)| {
            ShareSeen::new(*name, agents.clone(), WINDOW_ROUNDS * u64::from(context.size))
        };
        OutcomeSeen {
            size: context.size,
            consensus: ConsensusSeen::new(&context.consensus, context.size),
            winning_share: context.consensus.threshold.min(TIPPED_SHARE),
            window: context.consensus.window(context.size),
            last: VecDeque::new(),
            reached: None,
            share: context.committed.as_ref().map(window),
            seen: [0; 3],
            void: 0,
            invalid: InvalidShare::new(context),
            digest: Digest::default(),
        }
    }

    pub fn see(&mut self, event: &Event) {
        self.digest.see(event);
        self.seen[0] += 1;
        self.void += u64::from(event.void());
        self.invalid.see(event);
        if let Some(success) = event.success {
            self.seen[1] += u64::from(success);
            self.seen[2] += 1;
        }
        if let Some(share) = &mut self.share {
            share.see(event);
        }
        if self.reached.is_none() {
            if self.last.len() as u64 == self.window {
                self.last.pop_front();
            }
            self.last.push_back(event.names);
            if self.consensus.see(event) {
                self.reached = Some((event.t + 1, self.most_said()));
                self.last.clear();
            }
        }
    }

    fn most_said(&self) -> Option<Name> {
        let mut counts = BTreeMap::new();
        self.last.iter().flatten().flatten().for_each(|&name| *counts.entry(name).or_insert(0u64) += 1);
        let all: u64 = counts.values().sum();
        let most = counts.values().copied().max()?;
        let enough = most as f64 >= self.winning_share * all as f64 - 1e-9;
        counts.into_iter().find(|&(_, count)| count == most && enough).map(|(name, _)| name)
    }

    pub fn end(&self) -> Outcome {
        let [interactions, successes, settled] = self.seen;
        let share = self.share.as_ref().and_then(ShareSeen::so_far);
        let per_agent = |interactions: u64| interactions as f64 / f64::from(self.size);
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
            digest: self.digest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stop::Consensus;

    #[test]
    fn two_halves_that_agree_each_on_its_own_have_no_winner() {
        let names = vec!["Q".into(), "M".into()];
        let context = RunContext {
            size: 4,
            names,
            empty_start: true,
            committed: None,
            alone: false,
            consensus: Consensus::published(),
            live: false,
        };
        let mut seen = OutcomeSeen::new(&context);
        for t in 0..12u32 {
            let name = Some(t % 2);
            seen.see(&Event {
                t: t.into(),
                agents: [2 * (t % 2), 2 * (t % 2) + 1],
                names: [name, name],
                success: Some(true),
                invalid: [0; 2],
            });
        }
        assert_eq!((seen.end().consensus, seen.end().winner), (true, None));
    }

    #[test]
    fn a_run_is_judged_by_the_published_criteria() {
        let context = RunContext {
            size: 2,
            names: vec!["Q".into(), "M".into()],
            empty_start: true,
            committed: Some((1, vec![1])),
            alone: false,
            consensus: Consensus::published(),
            live: false,
        };
        let mut seen = OutcomeSeen::new(&context);
        for t in 0..10 {
            let own = u32::from(t >= 2);
            seen.see(&Event { t, agents: [0, 1], names: [Some(own), Some(1)], success: Some(own == 1), invalid: [0; 2] });
        }
        let end = seen.end();
        assert_eq!((end.consensus, end.winner, end.rounds_to_consensus), (true, Some(1), Some(4.0)));
        assert_eq!((end.minority_share, end.tipped, end.success_rate), (Some(1.0), Some(true), Some(0.8)));
    }
}
