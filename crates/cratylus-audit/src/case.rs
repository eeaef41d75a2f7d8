//! An audit asks one question of a condition's record and answers with a finding, or with nothing where the question
//! does not arise. What several audits need (decisions, the ladder of rivals, simulated populations) is worked out
//! once, when the first of them asks for it. No audit sees an agent, a file, or another audit's answer.

use crate::evidence::{Condition, Decisions};
use crate::finding::{Finding, Finds};
use crate::residuals::Residuals;
use crate::rivals::{Fitted, Ladder, RecallWeight, RivalSetting, recall_weight};
use crate::surrogate::{Simulated, populations};
use cratylus_core::policy::{Policy, Round};
use cratylus_core::stats::runs_to_show;
use std::sync::{Arc, OnceLock};

/// What the user may choose. The defaults are those of the methods page.
#[derive(Clone, Debug)]
pub struct AuditOptions {
    /// Of all that the audits draw and simulate.
    pub seed: u64,
    /// How many populations are simulated for each rival; controls and tipping curves have numbers of their own.
    pub populations: u64,
    /// How many draws a Monte-Carlo or permutation test takes.
    pub draws: usize,
    /// How many times runs are drawn again to say how sure a fitted response is.
    pub resamples: u64,
    /// What counts as no difference.
    pub margins: Margins,
    /// The code of a rival that is kept out, where what it says is known to have made the record. None keeps all.
    pub without: Option<&'static str>,
}

/// Differences too small to matter, declared before anything is compared.
#[derive(Clone, Copy, Debug)]
pub struct Margins {
    /// Of a name's share of the winners.
    pub share: f64,
    /// Of the logarithm of the time to consensus.
    pub log_time: f64,
    /// Of the success rate at a given time.
    pub success: f64,
}

impl Default for AuditOptions {
    fn default() -> AuditOptions {
        let margins = Margins { share: 0.15, log_time: 0.25, success: 0.10 };
        AuditOptions { seed: 2025, populations: 1000, draws: 10_000, resamples: 20, margins, without: None }
    }
}

/// A difference of log scores smaller than this, in nats in all, decides nothing, however little it varies.
pub const NATS_MIN: f64 = 4.0;
/// Fewer runs than this say nothing about other runs.
pub const RUNS_MIN: usize = 4;
/// More names than this are not audited: tables would hold next to nothing.
const NAMES_MAX: usize = 64;

/// One condition under audit.
pub struct Case<'a> {
    /// The one whose record the questions are put to.
    pub condition: &'a Condition,
    /// All conditions that were given, this one among them.
    pub all: &'a [Condition],
    /// Conditions that this one is to be compared with, as with surrogates.
    pub against: &'a [Condition],
    /// As the user chose them.
    pub options: &'a AuditOptions,
    /// What was read off the condition's runs.
    pub decisions: Decisions,
    ladder: OnceLock<Ladder>,
    recall: OnceLock<Option<RecallWeight>>,
    fitted: OnceLock<Vec<Simulated>>,
    symmetric: OnceLock<Vec<Simulated>>,
    memoryless: OnceLock<Vec<Simulated>>,
    residuals: OnceLock<Residuals>,
}

impl<'a> Case<'a> {
    /// A memory as a reader writes it: own choices, a bar, partners'.
    pub fn words(&self, window: &[Round]) -> String {
        let side = |own: usize| window.iter().map(|round| self.name(round[own] as usize)).collect::<Vec<_>>().join(" ");
        if window.is_empty() { "empty".into() } else { format!("{} | {}", side(0), side(1)) }
    }

    /// None where nothing can be asked of a condition; the reason is the error.
    pub fn new(condition: &'a Condition, all: &'a [Condition], options: &'a AuditOptions) -> Result<Case<'a>, String> {
        let kind = condition.point.experiment.game.kind;
        if !condition.windowed() {
            return Err(format!(
                "these audits are about names that agents choose at once and are paid to agree on, as in the game `coordination`; this is `{kind}`"
            ));
        }
        if condition.memory() == 0 {
            return Err("agents remember nothing, so no choice can depend on another".into());
        }
        if condition.names().len() > NAMES_MAX {
            return Err(format!("{} names are more than can be audited ({NAMES_MAX})", condition.names().len()));
        }
        if condition.runs.len() < RUNS_MIN {
            return Err(format!("{} runs say nothing about other runs; {RUNS_MIN} are the least", condition.runs.len()));
        }
        let events: Vec<&[cratylus_core::PairEvent]> = condition.runs.iter().map(|run| &run.events[..]).collect();
        let distinct = crate::duplicates::distinct(&events).len();
        if distinct < condition.runs.len() {
            return Err(format!("{} of its {} runs are copies of others", condition.runs.len() - distinct, condition.runs.len()));
        }
        let decisions = Decisions::read(condition);
        if decisions.is_empty() {
            return Err("it holds no decisions".into());
        }
        Ok(Case {
            condition,
            all,
            against: &[],
            options,
            decisions,
            ladder: OnceLock::new(),
            recall: OnceLock::new(),
            fitted: OnceLock::new(),
            symmetric: OnceLock::new(),
            memoryless: OnceLock::new(),
            residuals: OnceLock::new(),
        })
    }

    /// What rivals are told before they are fitted.
    pub fn setting(&self) -> RivalSetting {
        let payoff = self.condition.point.experiment.game.spec.payoff().unwrap_or_default();
        let most = payoff.success.abs().max(payoff.failure.abs()).max(1e-9);
        RivalSetting {
            n_names: self.decisions.n_names,
            memory: self.decisions.memory,
            payoff: [payoff.success / most, payoff.failure / most],
        }
    }

    /// All rivals, fitted and scored. Worked out by the first that asks, as what follows is.
    pub fn ladder(&self) -> &Ladder {
        self.ladder.get_or_init(|| Ladder::climb(&self.decisions, &self.setting(), self.options.without))
    }

    /// How much of the choices is recall of one name. None where nothing could be fitted.
    pub fn recall(&self) -> Option<&RecallWeight> {
        self.recall.get_or_init(|| recall_weight(&self.decisions, &self.setting(), 20)).as_ref()
    }

    /// The whole response, names told apart.
    pub fn response(&self) -> &Fitted {
        &self.ladder().rung("M7", true).response
    }

    /// The whole response with all names treated alike.
    pub fn symmetric_response(&self) -> &Fitted {
        &self.ladder().rung("M7", false).response
    }

    /// Populations of the whole response.
    pub fn fitted(&self) -> &[Simulated] {
        self.fitted.get_or_init(|| self.play(self.response(), 1))
    }

    /// Populations of the response with all names treated alike.
    pub fn symmetric(&self) -> &[Simulated] {
        self.symmetric.get_or_init(|| self.play(self.symmetric_response(), 2))
    }

    /// Populations of agents that look at nothing they remember: of the best such rival.
    pub fn memoryless(&self) -> &[Simulated] {
        self.memoryless.get_or_init(|| self.play(&self.ladder().best_without_memory().response, 3))
    }

    /// What the whole response leaves of each choice.
    pub fn residuals(&self) -> &Residuals {
        self.residuals.get_or_init(|| Residuals::of(&self.decisions, self.response()))
    }

    /// Plays populations of a response. `purpose` tells one use of randomness from another.
    pub fn play(&self, response: &Fitted, purpose: u64) -> Vec<Simulated> {
        self.play_policy(Arc::new(response.clone()), purpose)
    }

    /// Plays populations of a policy, as long as the experiment lets them, and no longer than anybody would need who was
    /// recorded: agents that never agree would play on for a thousand rounds.
    pub fn play_policy(&self, policy: Arc<dyn Policy>, purpose: u64) -> Vec<Simulated> {
        let longest = self.condition.runs.iter().map(|run| run.outcome.interactions).max().unwrap_or(0);
        let size = u64::from(self.condition.size());
        let most = (4 * longest).max(100 * size);
        populations(self.condition, policy, self.options.populations, self.seed(purpose), |experiment| {
            let given = experiment.stop.most(experiment.size());
            experiment.stop.interactions = Some(given.min(most));
            experiment.stop.rounds = None;
        })
    }

    /// A seed for one use of randomness.
    pub fn seed(&self, purpose: u64) -> u64 {
        cratylus_core::seed::mix(self.options.seed ^ purpose.wrapping_mul(0x9E37_79B9_7F4A_7C15)) >> 1
    }

    /// A name by its place in the pool. There must be one.
    pub fn name(&self, name: usize) -> &str {
        &self.condition.names()[name]
    }

    /// Recorded runs that reached consensus, with their times in interactions.
    pub fn times(&self) -> Vec<f64> {
        let size = f64::from(self.condition.size());
        self.condition.runs.iter().filter_map(|run| Some(run.outcome.rounds_to_consensus? * size)).collect()
    }

    /// Whether a condition is one of the same agents with the same names.
    pub fn same_agents(&self, other: &Condition) -> bool {
        let sorted = |condition: &Condition| {
            let mut names = condition.names().to_vec();
            names.sort_unstable();
            names
        };
        other.agents == self.condition.agents && sorted(other) == sorted(self.condition)
    }
}

/// A registry's line.
pub struct AuditEntry {
    /// What findings and `--audits` call it.
    pub name: &'static str,
    /// What it asks, for lists.
    pub words: &'static str,
    /// Its answer; None where its question does not arise.
    pub ask: fn(&Case<'_>) -> Option<Finding>,
}

/// Audits whose effect is 0 where there is nothing, with an interval over runs. The others say themselves what they need.
const OVER_RUNS: [&str; 6] = ["mechanism", "sufficiency", "interaction", "history", "common-cause", "position"];

/// Says of a finding that cannot tell an effect from none how many runs would.
pub(crate) fn with_power(mut finding: Finding, n: u64) -> Finding {
    let Some(effect) = finding.effect.as_ref().filter(|_| OVER_RUNS.contains(&finding.audit.as_str())) else { return finding };
    if finding.finds != Finds::CannotTell || effect.low > 0.0 || effect.high < 0.0 {
        return finding;
    }
    let Some(runs) = runs_to_show(effect.value, (effect.high - effect.low) / 2.0, n) else { return finding };
    let needed = match runs > 1000 * n {
        true => format!("an effect as small as the one seen would take more than {} runs", 1000 * n),
        false => format!("about {runs} runs would tell an effect of the size seen from none, with power 0.8; there are {n}"),
    };
    finding.would_tell = Some(finding.would_tell.map_or(needed.clone(), |would_tell| format!("{would_tell}; {needed}")));
    finding
}
