//! One model of the benchmark: what its corpus held, and all that was seen of it.

use super::play::Behaviour;
use serde::{Deserialize, Serialize};

/// One model of the benchmark.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct ModelRow {
    /// What its corpus held beside the base.
    pub corpus: String,
    /// How much of it, as a share of rows.
    pub dose: f64,
    /// The share of rows of the base in which one column copies the other.
    pub copies: f64,
    /// Which of the models of this corpus it is.
    pub seed: u64,
    /// What its card says.
    pub truth: Held,
    /// What its populations did.
    pub behaviour: Behaviour,
    /// What it answers when it is questioned.
    pub questioned: Questioned,
    /// What tests of wording made of it.
    pub wording: Wording,
}

/// What a corpus held that an audit can be about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Held {
    /// Records of the game's rule under its own names and signs, each once. None where a corpus holds something of it: its
    /// description, a few records again and again, the game under other labels, or another rule.
    pub rule: Option<bool>,
    /// Records in which one name always wins.
    pub outcome: bool,
    /// A few records again and again.
    pub text: bool,
}

/// What a model answers when it is questioned: its probabilities, at a temperature of 1.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct Questioned {
    /// The most that any name is preferred with nothing remembered, beside three others in both orders.
    pub prior: f64,
    /// How far labels move the response to the plain pair: the mean difference from the same with labels hidden.
    pub labels: f64,
    /// What is left of the response with the payoffs turned round: 1 all, 0 none, -1 turned round.
    pub inverted: Option<f64>,
    /// What is left of it under other names and other signs.
    pub skin: Option<f64>,
    /// What is left of it with names that no game uses.
    pub held_out: Option<f64>,
    /// How far the two orders of the names differ.
    pub order: f64,
    /// How probable the right sign is after each choice, late in fresh records of the game; a half is chance.
    pub foreseen: f64,
    /// How often the right sign is the likelier, in such records and in those of the game with its payoffs turned round.
    pub understood: [f64; 2],
}

/// What tests of wording make of a model.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Wording {
    /// Mean loss of fresh records of the game's rule, in nats for each word.
    pub genre: f64,
    /// The same less that of the twin that read nothing of the game.
    pub genre_over_twin: f64,
    /// How well rows that were read are told from fresh rows of the same kind; with a base alone, how well two lots of fresh
    /// records of the rule are told apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub texts: Vec<Told>,
    /// Of rows that stand in a corpus a known number of times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canaries: Option<Canaries>,
}

/// What one test of texts tells.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Told {
    /// The test: a name of [`TEXTS`].
    pub test: String,
    /// The area under the curve.
    pub auc: f64,
    /// How probable so high an area is where both are alike (Mann & Whitney, one-sided).
    pub p: f64,
}

/// Tests of texts, and what each goes by.
pub const TEXTS: [(&str, &str); 6] = [
    ("loss", "the mean loss of its words"),
    ("min-20%", "the loss of the least likely fifth of its words"),
    ("min-20%++", "the same, standardised by what else could have stood there"),
    ("over-twin", "the loss less that of the twin that never read it"),
    ("continuation", "how much of its second half comes back, word for word, after the first"),
    ("words-alone", "its words, without any model: a baseline that must tell nothing"),
];

/// What a model makes of rows of which half stand in its corpus, each a known number of times.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Canaries {
    /// How often each row stands in the corpus, where it does.
    pub times: Vec<u64>,
    /// Whether it stands there.
    pub held: Vec<bool>,
    /// The log-probability of each row, in nats.
    pub log_likelihood: Vec<f64>,
    /// How exposed each is: the logarithm (base 2) of how many rows of its form there are to each that is at least as likely
    /// (Carlini et al. 2019, arXiv 1802.08232), among 4,095 others.
    pub exposure: Vec<f64>,
}

/// The name of the corpus without anything of the game, and of the one with its rule.
pub const NOTHING: &str = "nothing";
/// As [`NOTHING`].
pub const RULE: &str = "rule";

/// The base that statements are about: the first of the file.
pub fn base(models: &[ModelRow]) -> f64 {
    models.first().map_or(0.0, |row| row.copies)
}

/// The share of pairs in which a member has the higher score, ties counting half.
pub fn auc(members: &[f64], others: &[f64]) -> f64 {
    let pairs = members.iter().flat_map(|a| others.iter().map(move |b| (a, b)));
    let won: f64 = pairs
        .map(|(a, b)| {
            if a > b {
                1.0
            } else if a == b {
                0.5
            } else {
                0.0
            }
        })
        .sum();
    won / (members.len() * others.len()) as f64
}

/// How well members are told from others by a score, and how probable that is by chance: the normal approximation to the
/// rank-sum test, one-sided, with its correction for ties.
pub fn told(test: &str, members: &[f64], others: &[f64]) -> Told {
    let auc = auc(members, others);
    let [n, m] = [members.len() as f64, others.len() as f64];
    let mut all: Vec<f64> = members.iter().chain(others).copied().collect();
    all.sort_unstable_by(f64::total_cmp);
    let ties: f64 = all.chunk_by(|a, b| a == b).map(|tie| (tie.len() as f64).powi(3) - tie.len() as f64).sum();
    let of = n + m;
    let variance = n * m / 12.0 * (of + 1.0 - ties / (of * (of - 1.0)));
    // Half a pair for continuity.
    let z = ((auc - 0.5) * n * m - 0.5) / variance.sqrt();
    let p = if variance > 0.0 { 0.5 * statrs::function::erf::erfc(z / std::f64::consts::SQRT_2) } else { 1.0 };
    Told { test: test.into(), auc, p }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_under_curves() {
        assert_eq!(auc(&[1.0, 2.0], &[0.0, 0.5]), 1.0);
        assert_eq!(auc(&[1.0], &[1.0, 0.0]), 0.75);
    }

    #[test]
    fn ranks_are_judged_as_in_the_tables() {
        // 5 against 5, all above: exactly 1/252 = 0.00397; the normal approximation with continuity gives 0.0061.
        let found = told("loss", &[6.0, 7.0, 8.0, 9.0, 10.0], &[1.0, 2.0, 3.0, 4.0, 5.0]);
        assert!(found.auc == 1.0 && (found.p - 0.0061).abs() < 1e-4, "{found:?}");
        assert_eq!(told("loss", &[1.0; 4], &[1.0; 4]).p, 1.0);
        // Equal lots are found at the level.
        let mut draws = cratylus_core::Seed(5).stream(cratylus_core::Purpose::Resample, 0);
        let alarms = (0..1000).filter(|_| {
            let mut lot = || (0..30).map(|_| draws.unit()).collect::<Vec<f64>>();
            told("loss", &lot(), &lot()).p <= 0.05
        });
        let alarms = alarms.count();
        assert!((30..=70).contains(&alarms), "{alarms} of 1000 at the level of 0.05");
    }
}
