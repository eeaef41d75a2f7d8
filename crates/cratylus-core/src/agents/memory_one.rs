//! Agents that choose by the last round alone, with a probability for each of its four outcomes (Nowak & Sigmund, Nature 364
//! (1993) 56): all the well-known strategies of repeated games of two options are of this kind.

use crate::policy::{Policy, Round};
use crate::spec::{AgentContext, AgentEntry, AgentSpec, Kind, ROUNDS};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub const ENTRY: AgentEntry = AgentEntry::new::<Params>(
    ROUNDS,
    "memory-one",
    "chooses by the last round, with a probability for each of its outcomes: tit for tat, grim, win-stay-lose-shift and others",
);

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// One that has a name; in place of `first` and `after`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    strategy: Option<Strategy>,
    /// The probability of the pool's first option where nothing is remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first: Option<f64>,
    /// The same after both chose the first; after it chose the first and its partner the second; the other way round; and
    /// after both chose the second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<[f64; 4]>,
    /// How often the other option is taken by mistake.
    #[serde(default)]
    error: f64,
}

/// The first option cooperates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Strategy {
    /// Always the first option.
    AllC,
    /// Always the second.
    AllD,
    /// The first, and then what the partner chose last.
    TitForTat,
    /// The second, and then what the partner chose last.
    SuspiciousTitForTat,
    /// As tit for tat, but forgives one in three.
    GenerousTitForTat,
    /// The first until either chose the second.
    Grim,
    /// The first, and then whenever both chose the same.
    WinStayLoseShift,
}

impl Strategy {
    fn numbers(self) -> (f64, [f64; 4]) {
        match self {
            Strategy::AllC => (1.0, [1.0; 4]),
            Strategy::AllD => (0.0, [0.0; 4]),
            Strategy::TitForTat => (1.0, [1.0, 0.0, 1.0, 0.0]),
            Strategy::SuspiciousTitForTat => (0.0, [1.0, 0.0, 1.0, 0.0]),
            Strategy::GenerousTitForTat => (1.0, [1.0, 1.0 / 3.0, 1.0, 1.0 / 3.0]),
            Strategy::Grim => (1.0, [1.0, 0.0, 0.0, 0.0]),
            Strategy::WinStayLoseShift => (1.0, [1.0, 0.0, 0.0, 1.0]),
        }
    }
}

impl AgentSpec for Params {
    fn build(&self, ctx: &AgentContext<'_>) -> Result<Kind, (&'static str, String)> {
        if ctx.names.len() != 2 {
            return Err(("kind", format!("`memory-one` chooses between two options, and the pool holds {}", ctx.names.len())));
        }
        let (first, after) = match (self.strategy, self.first, self.after) {
            (Some(strategy), None, None) => strategy.numbers(),
            (Some(_), ..) => return Err(("strategy", "a strategy has its numbers; give it, or `first` and `after`".into())),
            (None, Some(first), Some(after)) => (first, after),
            (None, Some(_), None) => {
                return Err(("first", "what comes after the first round? Give `after`, four probabilities".into()));
            }
            (None, None, Some(_)) => return Err(("after", "what comes first? Give `first`, a probability".into())),
            (None, None, None) => {
                let why = "which? Give a `strategy` such as \"tit-for-tat\", or `first` and `after`".into();
                return Err(("kind", why));
            }
        };
        let checked = |key: &'static str, p: f64| match (0.0..=1.0).contains(&p) {
            true => Ok(()),
            false => Err((key, format!("expected a probability from 0 to 1, found {p}"))),
        };
        checked("first", first)?;
        after.into_iter().try_for_each(|p| checked("after", p))?;
        checked("error", self.error)?;
        let erring = |p: f64| p * (1.0 - self.error) + (1.0 - p) * self.error;
        Ok(Kind::Window(Arc::new(MemoryOne { first: erring(first), after: after.map(erring) })))
    }

    fn needs_memory(&self) -> bool {
        true
    }
}

/// Probabilities of the first of two names.
struct MemoryOne {
    first: f64,
    after: [f64; 4],
}

impl Policy for MemoryOne {
    fn distribution(&self, window: &[Round], out: &mut [f64]) {
        let p = match window.last() {
            None => self.first,
            Some(&[own, partner]) => self.after[usize::from(2 * own + partner)],
        };
        out.copy_from_slice(&[p, 1.0 - p]);
    }

    fn depth(&self, memory: usize) -> usize {
        memory.min(1)
    }
}
