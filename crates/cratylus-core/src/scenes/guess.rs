//! Guessing a share of the mean (Nagel, Am. Econ. Rev. 85 (1995) 1313): who is nearest to `share` times the mean of all
//! guesses wins. Whoever thinks k steps ahead of a mean of 50 guesses 50 · share^k.

use super::scene::{Scene, option, score};
use crate::Seed;
use crate::event::Said;
use crate::game::Options;
use crate::seed::Stream;
use crate::spec::{GameEntry, RuleWords};
use crate::watch::measure::Score;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub const ENTRY: GameEntry = super::scene::entry::<Guess>(
    "guess",
    "whoever is nearest to a share of the mean of all guesses wins: how far ahead others think",
);

/// The parameters of a guessing game.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Guess {
    /// How many guess.
    #[serde(default = "five")]
    pub seats: u32,
    /// The share of the mean that wins.
    #[serde(default = "two_thirds")]
    pub share: f64,
    /// The largest guess; the smallest is 0.
    #[serde(default = "hundred")]
    pub most: u32,
    /// How many rounds an episode has.
    #[serde(default = "one")]
    pub rounds: u32,
}

fn five() -> u32 {
    5
}

fn two_thirds() -> f64 {
    2.0 / 3.0
}

fn hundred() -> u32 {
    100
}

fn one() -> u32 {
    1
}

/// The rounds so far: all guesses; None where a seat gave no usable one.
#[derive(Clone)]
pub struct State(Vec<Vec<Option<u32>>>);

/// What a seat guesses.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "rule", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Rule {
    Level { k: u32 },
    Fixed { guess: u32 },
    BestReply,
}

/// The mean of the guesses of a round.
fn mean(round: &[Option<u32>]) -> f64 {
    let all: Vec<f64> = round.iter().flatten().map(|&guess| f64::from(guess)).collect();
    if all.is_empty() { f64::NAN } else { all.iter().sum::<f64>() / all.len() as f64 }
}

impl Guess {
    /// Who won a round: all that were nearest.
    fn winners(&self, round: &[Option<u32>]) -> Vec<usize> {
        let target = self.share * mean(round);
        let off = |guess: u32| (f64::from(guess) - target).abs();
        let least = round.iter().flatten().map(|&guess| off(guess)).fold(f64::INFINITY, f64::min);
        (0..round.len()).filter(|&seat| round[seat].is_some_and(|guess| off(guess) == least)).collect()
    }

    /// The level whose guess is nearest to this one.
    fn level(&self, guess: f64) -> f64 {
        let of = |k: i32| f64::from(self.most) / 2.0 * self.share.powi(k);
        let nearest = (0..20).min_by(|&a, &b| (of(a) - guess).abs().total_cmp(&(of(b) - guess).abs()));
        nearest.map_or(f64::NAN, f64::from)
    }
}

impl Scene for Guess {
    type State = State;
    type Rule = Rule;

    const SCORES: &'static [Score] = &[
        score("guess", "what was guessed, on average over all rounds", false),
        score("last_guess", "the same in the last round", false),
        score(
            "level",
            "the level k whose guess, half the largest times share^k, is nearest to the mean of the first round",
            false,
        ),
        score("void", "of guesses, those of a seat that gave no usable one", true),
    ];

    const RULES: &'static [RuleWords] = &[
        ("level", "guesses half the largest times share^`k`, rounded"),
        ("fixed", "always guesses `guess`"),
        ("best-reply", "guesses the share of the last round's mean; half the largest times it in the first"),
    ];

    fn check(&self) -> Result<(), (&'static str, String)> {
        if !(2..=1000).contains(&self.seats) {
            return Err(("seats", format!("expected from 2 to 1,000 who guess, found {}", self.seats)));
        }
        if !(self.share > 0.0 && self.share <= 2.0) {
            return Err(("share", format!("expected a number above 0, at most 2, found {}", self.share)));
        }
        if !(1..=100_000).contains(&self.most) || !(1..=1000).contains(&self.rounds) {
            return Err(("most", "expected a largest guess from 1 to 100,000, and from 1 to 1,000 rounds".into()));
        }
        Ok(())
    }

    fn seats(&self) -> u32 {
        self.seats
    }

    fn longest(&self) -> Option<u64> {
        Some(u64::from(self.rounds) * u64::from(self.seats))
    }

    fn begin(&self, _: Seed) -> State {
        State(Vec::new())
    }

    fn asks(&self, state: &State, ask: &mut Vec<(u16, Options)>) {
        if (state.0.len() as u32) < self.rounds {
            ask.extend((0..self.seats as u16).map(|seat| (seat, Options::Acts(self.most + 1))));
        }
    }

    fn step(&self, state: &mut State, acts: &[(u16, Said)]) {
        state.0.push(acts.iter().map(|&(_, said)| option(said)).collect());
    }

    /// Winners of a round share 1.
    fn pay(&self, state: &State, seat: u16) -> f64 {
        let won = |round: &Vec<Option<u32>>| {
            let winners = self.winners(round);
            if winners.contains(&usize::from(seat)) { 1.0 / winners.len() as f64 } else { 0.0 }
        };
        state.0.iter().map(won).sum()
    }

    fn scores(&self, state: &State) -> Vec<f64> {
        let all: Vec<Option<u32>> = state.0.iter().flatten().copied().collect();
        let void = all.iter().filter(|guess| guess.is_none()).count() as f64 / all.len() as f64;
        let first = mean(&state.0[0]);
        let level = if first.is_nan() { f64::NAN } else { self.level(first) };
        vec![mean(&all), mean(&state.0[state.0.len() - 1]), level, void]
    }

    fn view(&self, state: &State, seat: u16) -> Value {
        let last = state.0.last().map(|round| {
            let target = self.share * mean(round);
            json!({ "own": round[usize::from(seat)], "mean": mean(round), "target": target, "won": self.winners(round).contains(&usize::from(seat)) })
        });
        json!({ "round": state.0.len() + 1, "rounds": self.rounds, "seats": self.seats, "share": self.share, "most": self.most, "last": last })
    }

    fn act(&self, rule: &Rule, state: &State, _: u16, _: Options, _: &mut Stream) -> Said {
        let half = f64::from(self.most) / 2.0;
        let guess = match *rule {
            Rule::Level { k } => half * self.share.powi(k.min(1000) as i32),
            Rule::Fixed { guess } => guess.into(),
            Rule::BestReply => self.share * state.0.last().map(|round| mean(round)).filter(|mean| !mean.is_nan()).unwrap_or(half),
        };
        Said::Option((guess.round() as u32).min(self.most))
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::tests::episode;
    use super::*;

    #[test]
    fn levels_guess_what_they_are_said_to_and_the_nearest_wins() {
        let scene = Guess { seats: 4, share: 2.0 / 3.0, most: 100, rounds: 1 };
        for (k, guess) in [(1, 33.0), (2, 22.0), (3, 15.0), (4, 10.0)] {
            let (scores, _) = episode(&scene, &[Rule::Level { k }], 1);
            assert_eq!([scores[0], scores[2]], [guess, f64::from(k)]);
        }
        let (_, pay) =
            episode(&scene, &[Rule::Level { k: 0 }, Rule::Level { k: 1 }, Rule::Level { k: 2 }, Rule::Fixed { guess: 0 }], 1);
        assert_eq!(pay, [0.0, 0.0, 1.0, 0.0]);
        let long = Guess { rounds: 12, ..scene };
        assert!(episode(&long, &[Rule::BestReply], 1).0[1] <= 1.0);
    }
}
