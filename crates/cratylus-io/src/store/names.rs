//! What the files of a run directory are called.

/// The experiment, as the user wrote it.
pub const EXPERIMENT: &str = "experiment.toml";

/// Every point with nothing left to default: what decides whether a directory belongs to an experiment.
pub const PLAN: &str = "plan.toml";

/// Who ran what, and when.
pub const MANIFEST: &str = "manifest.json";

/// A row for each run. It comes last, and where it is everything is.
pub const RUNS: &str = "runs.parquet";

/// A row for each interaction, where they are kept.
pub const INTERACTIONS: &str = "interactions.parquet";

/// A row for everything shown and done, in games in which that is more than two names.
pub const ACTS: &str = "acts.parquet";

/// Which sign every agent has for every object at the end, in the game `symbols`.
pub const SIGNS: &str = "signs.parquet";

/// What every agent perceived of every object there.
pub const FEATURES: &str = "features.parquet";

/// The readings of all runs.
pub const MEASURES: &str = "measures.parquet";

/// What was said of which item, where messages are made of symbols.
pub const MESSAGES: &str = "messages.parquet";

/// The items that messages are about.
pub const ITEMS: &str = "items.parquet";

/// What steps of training came to.
pub const TRAINING: &str = "training.parquet";

/// How agents do with each other, and whether they name alike.
pub const CROSS: &str = "cross.parquet";

/// The calls of live models.
pub const CALLS: &str = "calls.parquet";

/// What the models were shown, by the hashes that calls name.
pub const PROMPTS: &str = "prompts.parquet";

/// What agents remembered at the start of each run, where the experiment does not say it.
pub const MEMORIES: &str = "memories.parquet";

/// What the source of an imported directory says of each point.
pub const RECORDED: &str = "recorded.json";

/// The report, which can be made again.
pub const REPORT: &str = "report.html";

/// What is kept of a unit in the midst of a long run, beside its parts.
pub(crate) const CHECKPOINT: &str = "checkpoint";

pub(crate) const PARTS: &str = "parts";

/// The tape of a run directory while its runs are not over.
pub const TAPE: &str = "tape";
