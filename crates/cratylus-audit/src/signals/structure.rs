//! Does what is said have structure? Topographic similarity beside codes by chance with the same messages, and beside senders that
//! have learnt nothing, whose recurrent networks already call like things alike.

use super::finding::{Finding, Finds, Trained};

pub(super) fn audit(trained: &Trained) -> Option<Finding> {
    let chance = trained.effect("topsim, less its mean over codes by chance", |run| Some(run.topsim? - run.topsim_by_chance?))?;
    let untrained = trained.effect("topsim, less that of untrained senders", |run| Some(run.topsim? - run.topsim_untrained?));
    let known: Vec<f64> = trained.runs.iter().filter_map(|run| run.topsim_p).collect();
    let sure = known.iter().filter(|p| **p < 0.05).count();
    let several = known.len() > 1;
    // Each run has an exact test of its own; of several, as many as are by chance in twenty would be sure.
    let beyond = sure as f64 > 0.05 * known.len() as f64 + 1.645 * (0.0475 * known.len() as f64).sqrt();
    let finds = match &untrained {
        _ if known.is_empty() => Finds::CannotTell,
        _ if !beyond || (several && chance.low <= 0.0) => Finds::AsChance,
        Some(untrained) if several && untrained.low > 0.0 => Finds::Structured,
        Some(untrained) if several && untrained.high <= 0.0 => Finds::AsUntrained,
        Some(_) if several => Finds::AsUntrained,
        _ => Finds::Structured,
    };
    let means = match finds {
        Finds::Structured => format!(
            "like items are called alike, more than by chance in {sure} of {} runs, and more than by senders that have learnt nothing",
            known.len()
        ),
        Finds::AsUntrained => format!(
            "like items are called alike, more than by chance in {sure} of {} runs, but senders that have learnt nothing do so as much: it is what such networks do",
            known.len()
        ),
        Finds::AsChance => {
            format!("like items are called alike no more than codes by chance do (more in {sure} of {} runs)", known.len())
        }
        _ => "there is no test of it here".into(),
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
        would_tell: (!several).then(|| "more runs: `replicas = 10`".into()),
        source: "Brighton & Kirby 2006, with permutations; the signalling reference".into(),
    })
}
