//! The volunteer's dilemma (Diekmann, J. Conflict Resolut. 29 (1985) 605): everyone has 1 where anyone volunteers, who pays
//! `cost` for it; nobody has anything where none does. Played at once, N alike volunteer with 1 − cost^(1/(N−1)) in balance.

use super::scene::{Scene, option, score};
use crate::Seed;
use crate::event::{Fate, Said};
use crate::game::Options;
use crate::seed::Stream;
use crate::spec::{GameEntry, RuleWords};
use crate::watch::measure::Score;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub const ENTRY: GameEntry = super::scene::entry::<Volunteer>(
    "volunteer",
    "one of several must pay for what all have: the volunteer's dilemma, round after round",
);

/// The parameters of a volunteer's dilemma.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Volunteer {
    /// How many play.
    #[serde(default = "five")]
    pub seats: u32,
    /// What a volunteer pays, of the 1 that all have.
    pub cost: f64,
    /// How many rounds an episode has.
    #[serde(default = "one")]
    pub rounds: u32,
}

fn five() -> u32 {
    5
}

fn one() -> u32 {
    1
}

/// The rounds so far: who volunteered; None where a seat gave no usable answer.
#[derive(Clone)]
pub struct State(Vec<Vec<Option<bool>>>);

/// Whether a seat volunteers.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "rule", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Rule {
    Balance,
    Mixed { volunteers: f64 },
    AfterNone,
}

impl Scene for Volunteer {
    type State = State;
    type Rule = Rule;

    const SCORES: &'static [Score] = &[
        score("volunteers", "of acts, those that volunteered", true),
        score("nobody", "of rounds, those in which nobody did", true),
        score("pay", "what a seat had in a round, on average", false),
        score("void", "of acts, those of a seat that gave no usable answer", true),
    ];

    const RULES: &'static [RuleWords] = &[
        ("balance", "volunteers with 1 − cost^(1/(N−1)), against which no other rule does better"),
        ("mixed", "volunteers with probability `volunteers`"),
        ("after-none", "volunteers after a round in which nobody did, and in the first"),
    ];

    fn check(&self) -> Result<(), (&'static str, String)> {
        if !(2..=1000).contains(&self.seats) {
            return Err(("seats", format!("expected from 2 to 1,000 who play, found {}", self.seats)));
        }
        if !(self.cost > 0.0 && self.cost < 1.0) {
            return Err(("cost", format!("expected a number between 0 and 1, what all have, found {}", self.cost)));
        }
        if !(1..=1000).contains(&self.rounds) {
            return Err(("rounds", format!("expected from 1 to 1,000 rounds, found {}", self.rounds)));
        }
        Ok(())
    }

    fn check_rule(&self, rule: &Rule) -> Result<(), (&'static str, String)> {
        match *rule {
            Rule::Mixed { volunteers } if !(0.0..=1.0).contains(&volunteers) => {
                Err(("volunteers", format!("expected a probability from 0 to 1, found {volunteers}")))
            }
            _ => Ok(()),
        }
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
            ask.extend((0..self.seats as u16).map(|seat| (seat, Options::Acts(2))));
        }
    }

    fn step(&self, state: &mut State, acts: &[(u16, Said)]) {
        state.0.push(acts.iter().map(|&(_, said)| option(said).map(|option| option == 0)).collect());
    }

    fn pay(&self, state: &State, seat: u16) -> f64 {
        let paid = |round: &Vec<Option<bool>>| match round[usize::from(seat)] {
            Some(true) => 1.0 - self.cost,
            _ => f64::from(u8::from(round.contains(&Some(true)))),
        };
        state.0.iter().map(paid).sum()
    }

    fn scores(&self, state: &State) -> Vec<f64> {
        let (rounds, acts) = (state.0.len() as f64, state.0.iter().flatten().count() as f64);
        let of = |wanted: Option<bool>| state.0.iter().flatten().filter(|&&act| act == wanted).count() as f64;
        let nobody = state.0.iter().filter(|round| !round.contains(&Some(true))).count() as f64;
        let pay: f64 = (0..self.seats as u16).map(|seat| self.pay(state, seat)).sum();
        let given = acts - of(None);
        vec![if given > 0.0 { of(Some(true)) / given } else { f64::NAN }, nobody / rounds, pay / acts, of(None) / acts]
    }

    fn fate(&self, state: &State) -> Fate {
        Fate::of(state.0.iter().all(|round| round.contains(&Some(true))))
    }

    fn view(&self, state: &State, seat: u16) -> Value {
        let last = state.0.last().map(|round| {
            json!({ "volunteers": round.iter().filter(|act| **act == Some(true)).count(), "own": round[usize::from(seat)] })
        });
        json!({ "round": state.0.len() + 1, "rounds": self.rounds, "seats": self.seats, "cost": self.cost, "last": last,
            "options": ["volunteer", "wait"] })
    }

    fn act(&self, rule: &Rule, state: &State, _: u16, _: Options, draws: &mut Stream) -> Said {
        let volunteers = match *rule {
            Rule::Balance => draws.unit() < 1.0 - self.cost.powf(1.0 / f64::from(self.seats - 1)),
            Rule::Mixed { volunteers } => draws.unit() < volunteers,
            Rule::AfterNone => state.0.last().is_none_or(|round| !round.contains(&Some(true))),
        };
        Said::Option(u32::from(!volunteers))
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::tests::close;
    use super::*;

    /// Nobody volunteers with cost^(N/(N−1)), and each has 1 − cost (exact).
    #[test]
    fn in_balance_nobody_volunteers_as_often_as_the_formula_says() {
        for (seats, p, nobody) in [(5, 0.2929, 0.1768), (10, 0.1428, 0.2143)] {
            let scene = Volunteer { seats, cost: 0.25, rounds: 1 };
            let check = |score: &str, known: f64| close(&scene, &[Rule::Balance], score, 4000, known, 1e-4);
            check("volunteers", p);
            check("nobody", nobody);
            check("pay", 0.75);
        }
    }
}
