//! What is played of signs: how many there are, which sign an agent compares a proposal with, and when it takes it.

use super::draws::exp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which sign a listener holds to be the present one of an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Current {
    /// Each agent has its own: the last that it took.
    #[default]
    Own,
    /// One sign for all of them: Metropolis–Hastings within Gibbs on the joint model, which is exact for two agents.
    Shared,
    /// What the agent itself said last, as in published code: a sign that it takes is learnt from and forgotten.
    Spoken,
}

/// When a listener takes a proposed sign w' in place of its present one w, of which L is its own likelihood. A proposal that
/// is the present sign counts as taken. The last four are rivals in a study of people (Okumura et al. 2023, arXiv 2305.19936),
/// of which the formulas are read off the names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Acceptance {
    /// With probability min(1, L(w') / L(w)).
    #[default]
    MetropolisHastings,
    /// With probability L(w') / sum of L.
    Numerator,
    /// With probability L(w') / (L(w') + L(w)) (Barker 1965).
    Barker,
    /// Always.
    All,
    /// Always with the same probability, `game.constant`.
    Constant,
    /// With probability max(0, (L(w') - L(w)) / sum of L).
    Subtraction,
    /// Where L(w') > L(w).
    Binary,
    /// Never: it does not even hear it, and draws a sign from what it perceives itself.
    None,
}

/// Who proposes to whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Exchange {
    /// Two agents that can meet; with more than two agents their signs are no sample of what all know together.
    #[default]
    Pairs,
    /// One listens to what all others arrive at by the same game among themselves, on one sign of all: exact for any number.
    Recursive,
    /// One draws a sign, and it goes from agent to agent, each of which passes on the sign that it then holds.
    OneSample,
}

/// Who learns once all objects were gone through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Learners {
    /// Who listened. In a recursive exchange all.
    #[default]
    Listener,
    /// Everyone, though only some heard anything new.
    All,
}

/// The rule of a game of signs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignRule {
    /// How many signs there are, at least 2.
    pub signs: usize,
    /// Which sign a proposal is compared with.
    pub current: Current,
    /// When it is taken.
    pub acceptance: Acceptance,
    /// The probability of taking it where that is constant.
    pub constant: f64,
    /// Who proposes to whom.
    pub exchange: Exchange,
    /// How often the others go through their own game before a proposal of a recursive exchange is made.
    pub times: u32,
    /// Who learns after a turn.
    pub learners: Learners,
}

impl SignRule {
    /// The probability with which a listener takes a proposed sign, of which it has the log likelihoods `logs` of all signs
    /// and the sum of the likelihoods over the largest of them, `total`.
    #[inline(always)]
    pub(crate) fn takes(&self, logs: &[f64], total: f64, proposed: usize, current: usize) -> f64 {
        if proposed == current {
            return 1.0;
        }
        let (to, from) = (logs[proposed], logs[current]);
        // What cannot be is not taken, even in the place of what cannot be either.
        let ratio = || if to == f64::NEG_INFINITY { 0.0 } else { exp((to - from).min(0.0)) };
        let share = |log: f64| {
            let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            if most == f64::NEG_INFINITY { 0.0 } else { exp(log - most) / total }
        };
        match self.acceptance {
            Acceptance::MetropolisHastings => ratio(),
            Acceptance::Numerator => share(to),
            Acceptance::Barker if to == f64::NEG_INFINITY => 0.0,
            Acceptance::Barker if to >= from => 1.0 / (1.0 + exp(from - to)),
            Acceptance::Barker => {
                let small = exp(to - from);
                small / (1.0 + small)
            }
            Acceptance::All => 1.0,
            Acceptance::Constant => self.constant,
            Acceptance::Subtraction => (share(to) - share(from)).max(0.0),
            Acceptance::Binary => f64::from(u8::from(to > from)),
            Acceptance::None => 0.0,
        }
    }
}

/// 32 random bits as a number from 0 to below 1.
#[inline(always)]
pub(crate) fn unit32(word: u32) -> f64 {
    f64::from(word) * (1.0 / 4_294_967_296.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acceptance_is_by_its_formula() {
        let likelihood = [0.2f64, 0.5, 0.3];
        let logs = likelihood.map(f64::ln);
        let total = 1.0 / 0.5;
        let check = |acceptance, due: f64, [to, from]: [usize; 2]| {
            let rule = SignRule {
                signs: 3,
                current: Current::Own,
                acceptance,
                constant: 0.25,
                exchange: Exchange::Pairs,
                times: 1,
                learners: Learners::Listener,
            };
            let p = rule.takes(&logs, total, to, from);
            assert!((p - due).abs() < 1e-12, "{acceptance:?} {to} for {from}: {p}");
            assert_eq!(rule.takes(&logs, total, from, from), 1.0, "the present sign again");
        };
        check(Acceptance::MetropolisHastings, 0.4, [0, 1]);
        check(Acceptance::MetropolisHastings, 1.0, [1, 0]);
        check(Acceptance::Numerator, 0.2, [0, 1]);
        check(Acceptance::Barker, 0.2 / 0.7, [0, 1]);
        check(Acceptance::Barker, 0.5 / 0.7, [1, 0]);
        check(Acceptance::Constant, 0.25, [0, 1]);
        check(Acceptance::Subtraction, 0.3, [1, 0]);
        check(Acceptance::Subtraction, 0.0, [0, 1]);
        check(Acceptance::Binary, 1.0, [1, 2]);
        check(Acceptance::Binary, 0.0, [2, 1]);
    }

    #[test]
    fn what_cannot_be_is_not_taken() {
        let logs = [f64::NEG_INFINITY, 0.0, f64::NEG_INFINITY];
        for acceptance in [
            Acceptance::MetropolisHastings,
            Acceptance::Numerator,
            Acceptance::Barker,
            Acceptance::Subtraction,
            Acceptance::Binary,
        ] {
            let rule = SignRule {
                signs: 3,
                current: Current::Own,
                acceptance,
                constant: 0.0,
                exchange: Exchange::Pairs,
                times: 1,
                learners: Learners::Listener,
            };
            assert_eq!(rule.takes(&logs, 1.0, 0, 2), 0.0, "{acceptance:?}");
            assert_eq!(rule.takes(&logs, 1.0, 0, 1), 0.0, "{acceptance:?}");
            assert!(rule.takes(&logs, 1.0, 1, 0) > 0.99, "{acceptance:?}");
        }
    }
}
