//! Does what is said have structure? Topographic similarity beside codes by chance with the same messages, and beside senders that
//! have learnt nothing, whose recurrent networks already call like things alike.

use super::finding::{Finding, Finds, Trained};

/// A difference of topsim below this is one that nobody would speak of.
const LITTLE: f64 = 0.1;

pub(super) fn audit(trained: &Trained) -> Option<Finding> {
    let chance = trained.effect("topsim, less its mean over codes by chance", |run| Some(run.topsim? - run.topsim_by_chance?))?;
    let untrained = trained.effect("topsim, less that of untrained senders", |run| Some(run.topsim? - run.topsim_untrained?));
    let known: Vec<f64> = trained.runs.iter().filter_map(|run| run.topsim_p).collect();
    let sure = known.iter().filter(|p| **p < 0.05).count();
    if known.is_empty() {
        return None;
    }
    let several = known.len() > 1;
    // Each run has an exact test of its own; of several, as many as are by chance in twenty would be sure.
    let beyond = sure as f64 > 0.05 * known.len() as f64 + 1.645 * (0.0475 * known.len() as f64).sqrt();
    // Neither side is taken from an interval that does not say it.
    let finds = match &untrained {
        _ if !several => Finds::CannotTell,
        _ if !beyond && chance.high <= LITTLE => Finds::AsChance,
        _ if !beyond || chance.low <= 0.0 => Finds::CannotTell,
        Some(untrained) if untrained.low > 0.0 => Finds::Structured,
        Some(untrained) if untrained.high <= LITTLE => Finds::AsUntrained,
        _ => Finds::CannotTell,
    };
    let of = format!("more than by chance in {sure} of {} runs", known.len());
    let means = match finds {
        Finds::Structured => format!("like items are called alike, {of}, and more than by senders that have learnt nothing"),
        Finds::AsUntrained => {
            format!(
                "like items are called alike, {of}, but no more than by senders that have learnt nothing: it is what such networks do"
            )
        }
        Finds::AsChance => format!("like items are called alike no more than in codes by chance ({of})"),
        _ if !several => format!("a single run does not tell what came with learning from what such networks do anyway ({of})"),
        _ => format!("the difference to codes by chance, or to senders that have learnt nothing, is not told from none ({of})"),
    };
    Some(Finding {
        audit: "code-structure".into(),
        condition: trained.condition.clone(),
        question: "Are messages more structured than codes by chance, and than those of untrained senders?".into(),
        rivals: vec![
            "structure came with learning".into(),
            "codes as structured as this come by chance".into(),
            "it comes from the architecture alone".into(),
        ],
        finds,
        effects: [Some(chance), untrained].into_iter().flatten().collect(),
        means,
        does_not_mean:
            "that messages are composed of parts with meanings of their own: a single attribute in the message gives some of it"
                .into(),
        would_tell: (finds == Finds::CannotTell).then(|| "more runs: `replicas = 10`, or more items".into()),
        source: "Brighton & Kirby 2006, with permutations; the signalling reference".into(),
    })
}
