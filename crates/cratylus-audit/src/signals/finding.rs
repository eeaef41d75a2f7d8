//! What audits of signals see, and what they answer.

use crate::finding::Effect;
use cratylus_core::stats::{interval, mean_sd};
use serde::{Deserialize, Serialize};

/// A condition: what its runs came to.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Trained {
    /// What readers call it.
    pub condition: String,
    /// Whether agents heard themselves while they learnt.
    pub itself: bool,
    /// How many attributes items have; 0 where they have none, or come from a file.
    pub attributes: usize,
    /// Its runs.
    pub runs: Vec<TrainedRun>,
}

/// What a run came to, in shares of items that are answered rightly, with the likeliest symbols.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct TrainedRun {
    /// With messages as they are.
    pub success: f64,
    /// With messages of other items, to the same receivers.
    pub permuted: f64,
    /// With none, to the same receivers.
    pub cut_at_test: f64,
    /// Of agents of the same seed that learnt without messages.
    pub trained_cut: Option<f64>,
    /// How likely an answer is right that depends on nothing.
    pub chance: f64,
    /// How many items there are.
    pub items: f64,
    /// How many different messages a sender has.
    pub messages: f64,
    /// Topographic similarity of what is said, where it is defined.
    pub topsim: Option<f64>,
    /// How likely messages dealt out at random have as much.
    pub topsim_p: Option<f64>,
    /// How much they have on average.
    pub topsim_by_chance: Option<f64>,
    /// How much senders have that have learnt nothing.
    pub topsim_untrained: Option<f64>,
    /// The share that an agent understands of what it says itself, where agents both speak and hear.
    pub itself: Option<f64>,
    /// The share that others understand.
    pub others: Option<f64>,
    /// The share of items of which two agents say the same.
    pub same: Option<f64>,
}

/// What an audit concludes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finds {
    /// Receivers use messages, and agents that learn without them do worse.
    UsedAndNeeded,
    /// Receivers use messages; whether they are needed was not tried.
    Used,
    /// Receivers use messages, and agents that learn without them do as well.
    UsedNotNeeded,
    /// Receivers do as well with messages of other items.
    NotUsed,
    /// Like things are called alike, more than by chance and more than by untrained senders.
    Structured,
    /// More than by chance, and no more than by untrained senders.
    AsUntrained,
    /// No more than by chance.
    AsChance,
    /// All speak one language.
    OneLanguage,
    /// Each direction has a code of its own.
    PrivateCodes,
    /// Neither side is supported.
    CannotTell,
}

impl Finds {
    /// The same as readers see it.
    pub fn words(self) -> &'static str {
        match self {
            Finds::UsedAndNeeded => "message used and needed",
            Finds::Used => "message used",
            Finds::UsedNotNeeded => "message used, not needed",
            Finds::NotUsed => "message not used",
            Finds::Structured => "structured",
            Finds::AsUntrained => "as untrained senders",
            Finds::AsChance => "as chance",
            Finds::OneLanguage => "one language",
            Finds::PrivateCodes => "private codes",
            Finds::CannotTell => "cannot tell",
        }
    }
}

/// One audit's answer about one condition.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// Which audit.
    pub audit: String,
    /// Which condition.
    pub condition: String,
    /// What was asked.
    pub question: String,
    /// The explanations that were compared.
    pub rivals: Vec<String>,
    /// The conclusion.
    pub finds: Finds,
    /// What decides it, with 95 % intervals over runs.
    pub effects: Vec<Effect>,
    /// What it means.
    pub means: String,
    /// What it does not mean.
    pub does_not_mean: String,
    /// What further data would tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub would_tell: Option<String>,
    /// Where the method comes from.
    pub source: String,
}

impl Trained {
    /// The mean over runs of what each has of it, with its interval: none where no run has any. Shares of few items are known to
    /// no more than an item, so runs that are all alike have an interval, too.
    pub(super) fn effect(&self, name: &str, of: impl Fn(&TrainedRun) -> Option<f64>) -> Option<Effect> {
        let values: Vec<f64> = self.runs.iter().filter_map(of).filter(|value| value.is_finite()).collect();
        let items = self.runs.first()?.items.max(1.0);
        let n = values.len();
        if n == 0 {
            return None;
        }
        let (mean, sd) = if n == 1 { (values[0], f64::INFINITY) } else { mean_sd(&values) };
        let [low, high] = interval(mean, sd.max(0.5 / items) / (n as f64).sqrt(), n);
        Some(Effect::new(name, mean, [low, high]))
    }
}
