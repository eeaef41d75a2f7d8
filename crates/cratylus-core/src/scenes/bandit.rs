//! A bandit: one agent, several arms that pay 1 with probabilities of their own, and so many pulls. What it is scored by
//! tells exploring from luck: regret alone does not, as greed has little of it (Krishnamurthy et al., arXiv 2403.15371).
//!
//! What an arm pays at its n-th pull is drawn by the arm and n alone, so agents with the same seed see the same rewards
//! whatever they pulled before. Arms are permuted for each episode.

use super::scene::{Scene, draws, option, score};
use crate::Seed;
use crate::event::Said;
use crate::game::Options;
use crate::seed::Stream;
use crate::spec::{GameEntry, RuleWords};
use crate::watch::measure::Score;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub const ENTRY: GameEntry = super::scene::entry::<Bandit>(
    "bandit",
    "one agent pulls arms that pay 1 or 0 with probabilities it does not know: exploring and exploiting",
);

/// The parameters of a bandit.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bandit {
    /// The probability with which each arm pays 1. Which is which is drawn for each episode.
    pub arms: Vec<f64>,
    /// How many pulls there are.
    #[serde(default = "hundred", alias = "rounds")]
    pub horizon: u32,
    /// How the pulls so far are told.
    #[serde(default)]
    pub show: Show,
}

fn hundred() -> u32 {
    100
}

/// How a seat is told what it has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Show {
    /// For each arm the number of pulls and what they paid; an arm that was not tried has no mean.
    #[default]
    Counts,
    /// Every pull and what it paid.
    History,
    /// As counts, with a mean of 0 for arms that were not tried: a slip of published prompts, which moves the outcome.
    CountsZero,
}

#[derive(Clone)]
pub struct State {
    chance: Seed,
    /// The probability of each arm as it stands here.
    arms: Vec<f64>,
    pulled: Vec<u32>,
    paid: Vec<u32>,
    /// Each pull and what it paid; None where a seat gave no usable answer.
    pulls: Vec<Option<(u32, bool)>>,
    /// How many of the pulls were of an arm that was the best as far as could be seen.
    greedy: u32,
}

/// How arms are chosen. Ties are broken at random, and arms that were not tried come first, but for `greedy-zero`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "rule", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Rule {
    Greedy,
    GreedyZero,
    EpsilonGreedy {
        #[serde(default = "tenth")]
        epsilon: f64,
    },
    Ucb {
        #[serde(default = "two")]
        c: f64,
    },
    Thompson,
}

fn tenth() -> f64 {
    0.1
}

fn two() -> f64 {
    2.0
}

/// One of the places with the highest value, all alike.
fn best(values: impl Iterator<Item = f64> + Clone, draws: &mut Stream) -> u32 {
    let most = values.clone().fold(f64::NEG_INFINITY, f64::max);
    let all: Vec<u32> = (0..).zip(values).filter(|&(_, value)| value == most).map(|(arm, _)| arm).collect();
    all[draws.below(all.len() as u64) as usize]
}

/// A draw of Beta(a, b) for whole a and b: the a-th smallest of a + b − 1 uniform numbers. No logarithm is taken, so it is the
/// same bits on every machine.
fn beta(a: usize, b: usize, draws: &mut Stream) -> f64 {
    let mut all: Vec<f64> = (0..a + b - 1).map(|_| draws.unit()).collect();
    *all.select_nth_unstable_by(a - 1, f64::total_cmp).1
}

impl State {
    /// What each arm paid on average so far; `untried` for one that was not tried.
    fn means(&self, untried: f64) -> impl Iterator<Item = f64> + Clone + '_ {
        self.pulled.iter().zip(&self.paid).map(move |(&n, &paid)| if n == 0 { untried } else { f64::from(paid) / f64::from(n) })
    }
}

impl Scene for Bandit {
    type State = State;
    type Rule = Rule;

    const SCORES: &'static [Score] = &[
        score("regret", "what the best arm would have paid on average beyond the arms that were pulled, over all pulls", false),
        score("best_share", "of pulls, those of the best arm", true),
        score("suffix_failure", "whether the best arm was never pulled in the second half", true),
        score("least_pulled", "the share of pulls of the arm that was pulled least, times the number of arms (K·MinFrac)", true),
        score("greedy_share", "of pulls, those of an arm that had paid best so far (GreedyFrac)", true),
        score("reward", "what the pulls paid", false),
        score("void", "of pulls, those without a usable answer", true),
    ];

    const RULES: &'static [RuleWords] = &[
        ("greedy", "pulls an arm that has paid best so far, each once to begin with"),
        ("greedy-zero", "the same where an arm that was not tried counts as one that pays nothing"),
        ("epsilon-greedy", "greedy, and any arm with probability `epsilon` (0.1)"),
        ("ucb", "pulls the arm with the highest mean + √(`c` · ln t / n); c is 2 in UCB1"),
        ("thompson", "draws each arm's mean from what was seen of it (Beta(1, 1) before), and pulls the highest"),
    ];

    fn check(&self) -> Result<(), (&'static str, String)> {
        if !(2..=1000).contains(&self.arms.len()) {
            return Err(("arms", format!("expected from 2 to 1,000 arms, found {}", self.arms.len())));
        }
        if let Some(p) = self.arms.iter().find(|p| !(0.0..=1.0).contains(*p)) {
            return Err(("arms", format!("an arm pays 1 with a probability from 0 to 1, found {p}")));
        }
        if !(1..=60_000).contains(&self.horizon) {
            return Err(("horizon", format!("expected from 1 to 60,000 pulls, found {}", self.horizon)));
        }
        Ok(())
    }

    fn check_rule(&self, rule: &Rule) -> Result<(), (&'static str, String)> {
        match *rule {
            Rule::EpsilonGreedy { epsilon } if !(0.0..=1.0).contains(&epsilon) => {
                Err(("epsilon", format!("expected a probability from 0 to 1, found {epsilon}")))
            }
            Rule::Ucb { c } if !(c >= 0.0 && c.is_finite()) => Err(("c", format!("expected a number from 0 on, found {c}"))),
            _ => Ok(()),
        }
    }

    fn seats(&self) -> u32 {
        1
    }

    fn longest(&self) -> Option<u64> {
        Some(self.horizon.into())
    }

    fn begin(&self, chance: Seed) -> State {
        let mut arms = self.arms.clone();
        let n = arms.len();
        draws(chance, u32::MAX, 0).shuffle(&mut arms, n);
        State { chance, arms, pulled: vec![0; n], paid: vec![0; n], pulls: Vec::new(), greedy: 0 }
    }

    fn asks(&self, state: &State, ask: &mut Vec<(u16, Options)>) {
        if (state.pulls.len() as u32) < self.horizon {
            ask.push((0, Options::Acts(state.arms.len() as u32)));
        }
    }

    fn step(&self, state: &mut State, acts: &[(u16, Said)]) {
        let Some(arm) = option(acts[0].1) else { return state.pulls.push(None) };
        let a = arm as usize;
        // Where nothing was tried there is nothing to be greedy about.
        let most = state.means(f64::NEG_INFINITY).fold(f64::NEG_INFINITY, f64::max);
        let here = state.means(f64::NEG_INFINITY).nth(a);
        state.greedy += u32::from(most > f64::NEG_INFINITY && here == Some(most));
        let paid = draws(state.chance, arm, state.pulled[a]).unit() < state.arms[a];
        state.pulled[a] += 1;
        state.paid[a] += u32::from(paid);
        state.pulls.push(Some((arm, paid)));
    }

    fn pay(&self, state: &State, _: u16) -> f64 {
        state.paid.iter().map(|&paid| f64::from(paid)).sum()
    }

    fn scores(&self, state: &State) -> Vec<f64> {
        let (n, most) = (f64::from(self.horizon), state.arms.iter().copied().fold(0.0, f64::max));
        let is_best = |pull: &Option<(u32, bool)>| pull.is_some_and(|(arm, _)| state.arms[arm as usize] == most);
        let given = state.pulls.iter().filter(|pull| pull.is_some()).count() as f64;
        let regret: f64 = state.pulls.iter().flatten().map(|&(arm, _)| most - state.arms[arm as usize]).sum();
        let late = &state.pulls[state.pulls.len() / 2..];
        let least = state.pulled.iter().copied().min().unwrap_or(0);
        vec![
            regret,
            state.pulls.iter().filter(|pull| is_best(pull)).count() as f64 / n,
            f64::from(u8::from(!late.iter().any(is_best))),
            state.arms.len() as f64 * f64::from(least) / n,
            f64::from(state.greedy) / n,
            self.pay(state, 0),
            1.0 - given / n,
        ]
    }

    /// Letters, as numbers would be mistaken for what is paid.
    fn words(&self, state: &State, _: u16, _: Options) -> Vec<String> {
        let letter = |arm: usize| char::from(b'A' + (arm % 26) as u8).to_string();
        (0..state.arms.len()).map(|arm| if arm < 26 { letter(arm) } else { letter(arm / 26 - 1) + &letter(arm) }).collect()
    }

    fn view(&self, state: &State, _: u16) -> Value {
        let mut view = json!({ "options": self.words(state, 0, Options::Acts(0)), "arms": state.arms.len(), "pull": state.pulls.len() + 1, "horizon": self.horizon });
        let counts = |untried: Value| -> Vec<Value> {
            let mean = |n: u32, paid: u32| if n == 0 { untried.clone() } else { (f64::from(paid) / f64::from(n)).into() };
            let one = |(&n, &paid): (&u32, &u32)| json!({ "pulls": n, "paid": paid, "mean": mean(n, paid) });
            state.pulled.iter().zip(&state.paid).map(one).collect()
        };
        match self.show {
            Show::Counts => view["counts"] = counts(Value::Null).into(),
            Show::CountsZero => view["counts"] = counts(0.0.into()).into(),
            Show::History => {
                let pulls = state.pulls.iter().flatten().map(|&(arm, paid)| json!({ "arm": arm, "paid": u8::from(paid) }));
                view["history"] = pulls.collect::<Vec<_>>().into();
            }
        }
        view
    }

    fn act(&self, rule: &Rule, state: &State, _: u16, _: Options, draws: &mut Stream) -> Said {
        let n = state.arms.len() as u64;
        Said::Option(match *rule {
            Rule::Greedy => best(state.means(f64::INFINITY), draws),
            Rule::GreedyZero => best(state.means(0.0), draws),
            Rule::EpsilonGreedy { epsilon } => match draws.unit() < epsilon {
                true => draws.below(n) as u32,
                false => best(state.means(f64::INFINITY), draws),
            },
            Rule::Ucb { c } => {
                let t = f64::from(state.pulled.iter().sum::<u32>());
                let bound = |(mean, &n): (f64, &u32)| if n == 0 { mean } else { mean + (c * t.ln() / f64::from(n)).sqrt() };
                best(state.means(f64::INFINITY).zip(&state.pulled).map(bound), draws)
            }
            Rule::Thompson => {
                let drawn: Vec<f64> = state
                    .pulled
                    .iter()
                    .zip(&state.paid)
                    .map(|(&n, &paid)| beta(1 + paid as usize, 1 + (n - paid) as usize, draws))
                    .collect();
                best(drawn.iter().copied(), draws)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::tests::{close, mean};
    use super::*;

    fn five() -> Bandit {
        Bandit { arms: vec![0.6, 0.4, 0.4, 0.4, 0.4], horizon: 100, show: Show::Counts }
    }

    /// Regret, share of the best arm, suffix failure, K·MinFrac and GreedyFrac of five rules, from 20,000 runs each of an
    /// independent program, five arms of .6 and .4, 100 pulls.
    #[test]
    fn rules_explore_as_was_computed_of_them() {
        let rows: [(Rule, [f64; 5]); 6] = [
            (Rule::Greedy, [10.78, 0.461, 0.459, 0.051, 0.960]),
            (Rule::GreedyZero, [14.63, 0.269, 0.730, 0.001, 0.992]),
            (Rule::EpsilonGreedy { epsilon: 0.1 }, [10.23, 0.489, 0.131, 0.106, 0.884]),
            (Rule::Ucb { c: 2.0 }, [13.73, 0.314, 0.0, 0.599, 0.385]),
            (Rule::Ucb { c: 0.5 }, [11.22, 0.439, 0.001, 0.322, 0.582]),
            (Rule::Thompson, [11.24, 0.438, 0.007, 0.287, 0.570]),
        ];
        let names = ["regret", "best_share", "suffix_failure", "least_pulled", "greedy_share"];
        for (rule, known) in rows {
            for (name, known) in names.into_iter().zip(known) {
                let error = if name == "regret" { 0.06 } else { 0.004 };
                close(&five(), std::slice::from_ref(&rule), name, 1500, known, error);
            }
        }
    }

    #[test]
    fn two_arms_are_told_apart_as_was_computed() {
        let two = Bandit { arms: vec![0.8, 0.2], horizon: 50, show: Show::Counts };
        let check = |rule: Rule, best: f64| close(&two, &[rule], "best_share", 2000, best / 50.0, 0.002);
        check(Rule::Greedy, 45.16);
        check(Rule::EpsilonGreedy { epsilon: 0.1 }, 44.73);
        check(Rule::Ucb { c: 2.0 }, 42.13);
        check(Rule::Ucb { c: 0.5 }, 46.43);
        check(Rule::Thompson, 46.02);
        assert!(mean(&two, &[Rule::Greedy], "void", 5).0 == 0.0);
    }
}
