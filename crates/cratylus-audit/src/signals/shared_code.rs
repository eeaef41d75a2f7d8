//! Is it one language? Agents that both speak and hear may understand each other without understanding themselves: then each
//! direction has a code of its own.

use super::finding::{Finding, Finds, Trained};

pub(super) fn audit(trained: &Trained) -> Option<Finding> {
    let gap = trained.effect("success of others, less of the agent itself", |run| Some(run.others? - run.itself?))?;
    let same = trained.effect("share of items of which two agents say the same", |run| run.same)?;
    let others = trained.effect("", |run| run.others)?;
    let chance = trained.runs[0].chance;
    let understood = others.low > chance + 0.1;
    let finds = match () {
        // Who does not understand others has no language to share.
        () if !understood => Finds::CannotTell,
        () if same.low > 0.5 && gap.high < 0.25 => Finds::OneLanguage,
        () if same.high < 0.5 && gap.low > 0.25 => Finds::PrivateCodes,
        () => Finds::CannotTell,
    };
    let means = match finds {
        Finds::OneLanguage => "agents say the same of most items, and understand themselves as others do".into(),
        Finds::PrivateCodes => "agents understand others better than themselves, and say other things of most items: each direction has a code of its own".into(),
        _ if !understood => "agents understand each other hardly better than by chance, so there is no language to speak of".to_string(),
        _ => "runs differ, or lie between one language and private codes".into(),
    };
    Some(Finding {
        audit: "shared-code".into(),
        condition: trained.condition.clone(),
        question: "Do all agents speak one language, or is there a code for each direction?".into(),
        rivals: vec!["one language".into(), "private codes".into()],
        finds,
        effects: vec![gap, same],
        means,
        does_not_mean: if trained.itself {
            "that it would be so without self-meetings, which make an agent's own code the one that it hears".into()
        } else {
            "that agents of other runs would be understood".into()
        },
        would_tell: (trained.runs.len() < 3).then(|| "more runs: `replicas = 10`".into()),
        source: "the population law of arXiv 2505.12872, on self- and cross-understanding".into(),
    })
}
