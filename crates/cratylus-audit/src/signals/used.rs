//! Is the message used? The same receivers hear messages of other items; and agents learn again with the channel cut. A success
//! curve alone cannot tell: games can be won from timing, from what receivers see, or by chance.

use super::finding::{Finding, Finds, Trained};

/// A difference below this share of all items is no use that anybody would speak of.
pub const LITTLE: f64 = 0.05;

pub(super) fn audit(trained: &Trained) -> Option<Finding> {
    let permuted =
        trained.effect("success as it is, less with messages of other items", |run| Some(run.success - run.permuted))?;
    let cut = trained
        .effect("success as it is, less of agents that learnt without messages", |run| Some(run.success - run.trained_cut?));
    let (low, high) = (permuted.low, permuted.high);
    let finds = match &cut {
        _ if high <= LITTLE => Finds::NotUsed,
        _ if low <= 0.0 => Finds::CannotTell,
        None => Finds::Used,
        Some(cut) if cut.low > 0.0 => Finds::UsedAndNeeded,
        Some(cut) if cut.high <= LITTLE => Finds::UsedNotNeeded,
        Some(_) => Finds::Used,
    };
    let messages = trained.effect("", |run| Some(run.messages)).map_or(f64::NAN, |effect| effect.value);
    let means = match finds {
        Finds::NotUsed => format!(
            "receivers answer as well with messages of other items, so what is said decides nothing{}",
            if messages < 1.5 { "; there is one message for everything" } else { "" }
        ),
        Finds::CannotTell => "the difference that messages make is not told from none".into(),
        Finds::UsedAndNeeded => "receivers answer worse with messages of other items, and agents that learn without messages do worse".into(),
        Finds::UsedNotNeeded => {
            "receivers answer worse with messages of other items, and agents that learn without messages do as well: the game can be won without words".into()
        }
        _ => "receivers answer worse with messages of other items".into(),
    };
    let would_tell = match (finds, trained.runs.len()) {
        (_, 0..3) => Some("more runs: `replicas = 10`".to_string()),
        (Finds::CannotTell, _) => Some("more runs, or more items".into()),
        _ if cut.is_none() => {
            Some("the same with the channel cut while agents learn: [sweep] \"channel.control\" = [\"none\", \"cut\"]".into())
        }
        _ => None,
    };
    Some(Finding {
        audit: "message-used".into(),
        condition: trained.condition.clone(),
        question: "Do receivers use messages, and does the game need them?".into(),
        rivals: vec![
            "the receiver uses the message".into(),
            "it answers from what it sees and from what is frequent".into(),
            "it answers from timing or from other acts".into(),
        ],
        finds,
        effects: [Some(permuted), cut].into_iter().flatten().collect(),
        means,
        does_not_mean: "that messages say what somebody would read into them: see code-structure".into(),
        would_tell,
        source: "Lowe et al. 2019 (positive listening), by intervention on messages".into(),
    })
}
