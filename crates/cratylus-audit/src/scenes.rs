//! Audits of scenes: what is talk worth, is it what is said that is worth something or only that something is said, and is
//! anything here better than chance? All of it compares conditions of one experiment that differ in one setting alone, by
//! what their episodes were scored. What an episode is, and who played it, is absent.

use crate::finding::Effect;
use cratylus_core::stats::{Difference, difference_of_means};
use serde::{Deserialize, Serialize};

/// A condition: a point of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct Played {
    /// What readers call it.
    pub condition: String,
    /// All that it sets but what becomes of messages, as one text: conditions with the same text are compared.
    pub rest: String,
    /// All that it sets but who plays.
    pub rest_without_agents: String,
    /// What becomes of messages (`as-said`, `none`, `scrambled`); None where nothing can be said.
    pub messages: Option<String>,
    /// Whether every act is drawn at random.
    pub random: bool,
    /// Of acts, the share of those that were unusable, where that is known.
    pub void: Option<f64>,
    /// Its scores over runs, the main one first.
    pub scores: Vec<Scored>,
}

/// A score over the runs of a condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// What it is called.
    pub name: String,
    /// Whether it is a share, from 0 to 1.
    pub share: bool,
    /// The mean over runs.
    pub mean: f64,
    /// The standard deviation over runs, over n − 1.
    pub sd: f64,
    /// How many runs have it.
    pub n: usize,
}

/// What an audit concludes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finds {
    /// Scores are others where nobody hears what is said, and where words are mixed up: what is said matters.
    ContentMatters,
    /// Scores are others where nobody hears what is said; whether it is what is said was not tried, or cannot be told.
    TalkMatters,
    /// Scores are others where nobody hears what is said, and not where words are mixed up: that something is said matters.
    NoiseMatters,
    /// Scores are the same, within the margin, where nobody hears what is said.
    TalkDoesNotMatter,
    /// Scores are better, or worse, than those of acts at random.
    UnlikeChance,
    /// They are the same within the margin.
    AsChance,
    /// Neither side is supported.
    CannotTell,
}

impl Finds {
    /// The same as readers see it.
    pub fn words(self) -> &'static str {
        match self {
            Finds::ContentMatters => "what is said matters",
            Finds::TalkMatters => "talk matters",
            Finds::NoiseMatters => "talk matters, not what is said",
            Finds::TalkDoesNotMatter => "talk does not matter",
            Finds::UnlikeChance => "unlike chance",
            Finds::AsChance => "as chance",
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
    /// The conclusion.
    pub finds: Finds,
    /// Differences with 95 % intervals over runs: of the main score first, then of the others.
    pub effects: Vec<Effect>,
    /// The difference of the main score that would be too small to matter.
    pub margin: f64,
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

/// Of the range that a score has over all conditions, so much is too little to matter; of a share, of 1.
pub const LITTLE: f64 = 0.05;
/// More unusable answers than this decide results, and nobody knows how.
const VOID: f64 = 0.05;

/// How a comparison came out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    Differs,
    Same,
    Cannot,
}

/// The difference of two means with its interval: none where a condition has one run.
fn difference(name: String, a: &Scored, b: &Scored) -> Effect {
    match difference_of_means([b.mean, b.sd], b.n as u64, [a.mean, a.sd], a.n as u64) {
        Some(Difference { value, low, high, .. }) => Effect::new(name, value, [low, high]),
        None => Effect::new(name, a.mean - b.mean, [f64::NEG_INFINITY, f64::INFINITY]),
    }
}

fn told(effect: &Effect, margin: f64) -> Told {
    match () {
        () if effect.low > 0.0 || effect.high < 0.0 => Told::Differs,
        () if effect.low >= -margin && effect.high <= margin => Told::Same,
        () => Told::Cannot,
    }
}

/// What is too little of a score to matter, by the range of its means.
fn margin(all: &[Played], score: usize) -> f64 {
    let of = || all.iter().filter_map(|one| one.scores.get(score));
    if of().any(|scored| scored.share) {
        return LITTLE;
    }
    let largest = of().map(|scored| scored.mean.abs()).fold(0.0, f64::max);
    LITTLE * largest
}

/// How many runs a condition needs for an interval that lies within the margin, where so many gave this one.
fn runs_needed(effect: &Effect, margin: f64, n: usize) -> Option<u64> {
    let half = (effect.high - effect.low) / 2.0;
    let runs = n as f64 * (half / margin).powi(2);
    (runs.is_finite() && margin > 0.0).then(|| runs.ceil() as u64)
}

/// All differences of two conditions, the main score's first.
fn differences(a: &Played, b: &Played, words: &str) -> Vec<Effect> {
    let pair = |one: &Scored| Some((one.clone(), b.scores.iter().find(|other| other.name == one.name)?.clone()));
    a.scores.iter().filter_map(pair).map(|(a, b)| difference(format!("{}, {words}", a.name), &a, &b)).collect()
}

/// What all conditions of an experiment come to, in the order of the conditions.
pub fn findings(all: &[Played]) -> Vec<Finding> {
    let mut found = Vec::new();
    for one in all {
        found.extend(talk(one, all));
        found.extend(chance(one, all));
    }
    found
}

fn talk(one: &Played, all: &[Played]) -> Option<Finding> {
    if one.messages.as_deref() != Some("as-said") {
        return None;
    }
    let with = |messages: &str| all.iter().find(|other| other.rest == one.rest && other.messages.as_deref() == Some(messages));
    let silent = with("none")?;
    let margin = margin(all, 0);
    let mut effects = differences(one, silent, "as said less unheard");
    let worth = told(effects.first()?, margin);
    let content = with("scrambled").map(|other| differences(one, other, "as said less words mixed up"));
    let said = content.as_ref().and_then(|content| content.first()).map(|effect| told(effect, margin));
    let finds = match (worth, said) {
        (Told::Cannot, _) => Finds::CannotTell,
        (Told::Same, _) => Finds::TalkDoesNotMatter,
        (Told::Differs, Some(Told::Differs)) => Finds::ContentMatters,
        (Told::Differs, Some(Told::Same)) => Finds::NoiseMatters,
        (Told::Differs, _) => Finds::TalkMatters,
    };
    let means = match finds {
        Finds::ContentMatters => {
            "episodes are scored otherwise where nobody hears what is said, and where as many words are heard in disorder"
        }
        Finds::TalkMatters => "episodes are scored otherwise where nobody hears what is said",
        Finds::NoiseMatters => {
            "episodes are scored otherwise where nobody hears what is said, and the same where as many words are heard in disorder"
        }
        Finds::TalkDoesNotMatter => "episodes are scored the same where nobody hears what is said, within the margin",
        _ => "the difference that talk makes is told neither from none nor from one that matters",
    };
    let n = one.scores.first()?.n.min(silent.scores.first()?.n);
    let would_tell = match (finds, content.is_some()) {
        (Finds::CannotTell, _) => Some(match runs_needed(&effects[0], margin, n) {
            Some(runs) => format!("about {runs} runs of each condition, where there are {n} now"),
            None => "more than one run of each condition".into(),
        }),
        (_, false) => Some("the same with `[sweep] \"control.messages\" = [\"as-said\", \"none\", \"scrambled\"]`".into()),
        (Finds::TalkMatters, true) => Some("more runs: whether it is what is said is not told yet".into()),
        _ => None,
    };
    // The main score's differences first.
    let mut content = content.into_iter().flatten();
    effects.splice(1..1, content.next());
    effects.extend(content);
    let void = one.void.filter(|&void| void > VOID);
    let caution =
        void.map_or(String::new(), |void| format!("; {:.0} % of acts were unusable, which may decide it", 100.0 * void));
    Some(Finding {
        audit: "talk".into(),
        condition: one.condition.clone(),
        question: "What is talk worth, and is it what is said?".into(),
        finds,
        effects,
        margin,
        means: format!("{means}{caution}"),
        does_not_mean:
            "that talk which matters is true, or understood; nor that talk which does not matter here would not in a harder game"
                .into(),
        would_tell,
        source: "messages taken and not delivered, and words in disorder: social-games 1.1, after Lowe et al. 2019".into(),
    })
}

fn chance(one: &Played, all: &[Played]) -> Option<Finding> {
    if one.random {
        return None;
    }
    let same =
        |other: &&Played| other.random && other.rest_without_agents == one.rest_without_agents && other.messages == one.messages;
    let random = all.iter().find(same)?;
    let margin = margin(all, 0);
    let effects = differences(one, random, "less acts at random");
    let finds = match told(effects.first()?, margin) {
        Told::Differs => Finds::UnlikeChance,
        Told::Same => Finds::AsChance,
        Told::Cannot => Finds::CannotTell,
    };
    let n = one.scores.first()?.n.min(random.scores.first()?.n);
    let means = match finds {
        Finds::UnlikeChance => "episodes are scored otherwise than those of acts at random",
        Finds::AsChance => "episodes are scored as those of acts at random, within the margin",
        _ => "the difference from acts at random is told neither from none nor from one that matters",
    };
    Some(Finding {
        audit: "chance".into(),
        condition: one.condition.clone(),
        question: "Is it anything but chance?".into(),
        finds,
        would_tell: (finds == Finds::CannotTell)
            .then(|| {
                runs_needed(&effects[0], margin, n)
                    .map(|runs| format!("about {runs} runs of each condition, where there are {n} now"))
            })
            .flatten(),
        effects,
        margin,
        means: means.into(),
        does_not_mean: "that it is good: a rule that anyone can write down may do better, and stands beside it in the table"
            .into(),
        source: "a random row in every table: social-games 0".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use cratylus_core::stats::mean_sd;
    use cratylus_core::{Purpose, Seed};

    /// Runs of a condition whose score has this mean and spread.
    fn played(messages: &str, mean: f64, sd: f64, runs: usize, seed: u64) -> Played {
        let mut draws = Seed(seed).stream(Purpose::Resample, messages.len() as u64);
        let values: Vec<f64> = (0..runs).map(|_| mean + sd * draws.nearly_normal()).collect();
        let (mean, sd) = mean_sd(&values);
        let score = Scored { name: "rounds".into(), share: false, mean, sd, n: runs };
        Played {
            condition: messages.into(),
            rest: String::new(),
            rest_without_agents: String::new(),
            messages: Some(messages.into()),
            random: false,
            void: None,
            scores: vec![score],
        }
    }

    /// Mechanisms whose truth is known, 200 trials of 30 runs each: content that is heeded, noise that is, talk that is not.
    #[test]
    fn talk_is_found_what_it_is_but_for_one_in_twenty() {
        let mechanisms: [([f64; 3], &[Finds]); 4] = [
            ([10.0, 6.0, 6.0], &[Finds::ContentMatters]),
            ([10.0, 6.0, 10.0], &[Finds::NoiseMatters, Finds::TalkMatters]),
            ([8.0, 8.0, 8.0], &[Finds::TalkDoesNotMatter, Finds::CannotTell]),
            ([10.0, 6.0, 8.0], &[Finds::ContentMatters]),
        ];
        let (mut wrong, mut all) = (0, 0);
        for (mechanism, (means, right)) in (0..).zip(mechanisms) {
            for trial in 0..200 {
                let conditions: Vec<Played> = ["as-said", "none", "scrambled"]
                    .iter()
                    .zip(means)
                    .map(|(how, mean)| played(how, mean, 1.0, 30, mechanism * 1000 + trial))
                    .collect();
                let found = findings(&conditions);
                assert_eq!(found.len(), 1);
                all += 1;
                wrong += usize::from(!right.contains(&found[0].finds));
            }
        }
        eprintln!("{wrong} of {all} wrong");
        assert!(wrong * 20 <= all, "{wrong} of {all}");
    }

    #[test]
    fn few_runs_tell_nothing_and_say_how_many_would() {
        let one = |how| played(how, 8.0, 3.0, 5, 3);
        let found = findings(&[one("as-said"), one("none")]);
        assert!(found[0].finds == Finds::CannotTell && found[0].would_tell.as_ref().unwrap().contains("runs of each condition"));
        let single = |how| Played {
            scores: vec![Scored { n: 1, sd: 0.0, ..played(how, 8.0, 0.0, 2, 1).scores[0].clone() }],
            ..played(how, 8.0, 0.0, 2, 1)
        };
        assert!(findings(&[single("as-said"), single("none")])[0].finds == Finds::CannotTell);
        // Runs without any chance in them are as they are.
        let exact = |how, mean| played(how, mean, 0.0, 10, 1);
        assert!(
            findings(&[exact("as-said", 12.0), exact("none", 4.0), exact("scrambled", 4.0)])[0].finds == Finds::ContentMatters
        );
        assert!(findings(&[exact("as-said", 4.0), exact("none", 4.0)])[0].finds == Finds::TalkDoesNotMatter);
    }
}
