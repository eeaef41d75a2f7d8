//! The ultimatum game (Güth, Schmittberger & Schwarze, J. Econ. Behav. Organ. 3 (1982) 367): one offers a part of a pie, the
//! other takes it or leaves both with nothing. The two act in turn: who answers knows the offer.

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

pub const ENTRY: GameEntry = super::scene::entry::<Ultimatum>(
    "ultimatum",
    "one offers a part of a pie, and the other takes it or leaves both with nothing",
);

/// The parameters of an ultimatum game.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ultimatum {
    /// The pie, in whole pieces.
    #[serde(default = "ten")]
    pub pie: u32,
}

fn ten() -> u32 {
    10
}

#[derive(Clone, Default)]
pub struct State {
    /// The offer, once made; None in it where there was no usable one.
    offer: Option<Option<u32>>,
    /// Whether it was taken; None in it where there was no usable answer.
    answer: Option<Option<bool>>,
}

/// What a seat offers, and what it takes.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "rule", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Rule {
    Demands { offers: u32, takes: u32 },
    RandomThreshold { offers: u32 },
}

impl Scene for Ultimatum {
    type State = State;
    type Rule = Rule;

    const SCORES: &'static [Score] = &[
        score("offer", "what was offered, of the pie", true),
        score("accepted", "whether the offer was taken", true),
        score("proposer", "what who offered has", false),
        score("responder", "what who answered has", false),
        score("void", "of acts, those without a usable answer", true),
    ];

    const RULES: &'static [RuleWords] = &[
        ("demands", "offers `offers` and takes `takes` or more"),
        ("random-threshold", "offers `offers` and takes any offer that reaches a number from 0 to the pie, all alike"),
    ];

    fn check(&self) -> Result<(), (&'static str, String)> {
        match (1..=100_000).contains(&self.pie) {
            true => Ok(()),
            false => Err(("pie", format!("expected from 1 to 100,000 pieces, found {}", self.pie))),
        }
    }

    fn check_rule(&self, rule: &Rule) -> Result<(), (&'static str, String)> {
        let (Rule::Demands { offers, .. } | Rule::RandomThreshold { offers }) = *rule;
        match offers > self.pie {
            true => Err(("offers", format!("an offer of {offers} is more than the pie, {}", self.pie))),
            false => Ok(()),
        }
    }

    fn seats(&self) -> u32 {
        2
    }

    fn longest(&self) -> Option<u64> {
        Some(2)
    }

    fn begin(&self, _: Seed) -> State {
        State::default()
    }

    fn asks(&self, state: &State, ask: &mut Vec<(u16, Options)>) {
        match state {
            State { offer: None, .. } => ask.push((0, Options::Acts(self.pie + 1))),
            State { offer: Some(Some(_)), answer: None } => ask.push((1, Options::Acts(2))),
            _ => (),
        }
    }

    fn step(&self, state: &mut State, acts: &[(u16, Said)]) {
        let act = option(acts[0].1);
        match acts[0].0 {
            0 => state.offer = Some(act),
            _ => state.answer = Some(act.map(|act| act == 0)),
        }
    }

    fn pay(&self, state: &State, seat: u16) -> f64 {
        match (state.offer.flatten(), state.answer.flatten()) {
            (Some(offer), Some(true)) if seat == 0 => f64::from(self.pie - offer),
            (Some(offer), Some(true)) => offer.into(),
            _ => 0.0,
        }
    }

    fn scores(&self, state: &State) -> Vec<f64> {
        let (offer, answer) = (state.offer.flatten(), state.answer.flatten());
        let asked = 1.0 + f64::from(u8::from(state.answer.is_some()));
        let given = f64::from(u8::from(offer.is_some())) + f64::from(u8::from(answer.is_some()));
        vec![
            offer.map_or(f64::NAN, |offer| f64::from(offer) / f64::from(self.pie)),
            answer.map_or(f64::NAN, |taken| f64::from(u8::from(taken))),
            self.pay(state, 0),
            self.pay(state, 1),
            1.0 - given / asked,
        ]
    }

    fn fate(&self, state: &State) -> Fate {
        state.answer.flatten().map_or(Fate::Void, Fate::of)
    }

    fn view(&self, state: &State, seat: u16) -> Value {
        match seat {
            0 => json!({ "pie": self.pie, "role": "proposer" }),
            _ => json!({ "pie": self.pie, "role": "responder", "offer": state.offer.flatten(), "options": ["take", "leave"] }),
        }
    }

    fn act(&self, rule: &Rule, state: &State, seat: u16, _: Options, draws: &mut Stream) -> Said {
        let offer = state.offer.flatten().unwrap_or(0);
        Said::Option(match (rule, seat) {
            (Rule::Demands { offers, .. } | Rule::RandomThreshold { offers }, 0) => *offers,
            (Rule::Demands { takes, .. }, _) => u32::from(offer < *takes),
            (Rule::RandomThreshold { .. }, _) => u32::from(u64::from(offer) < draws.below(u64::from(self.pie) + 1)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::tests::{close, episode};
    use super::*;

    /// Who offers x of 10 to a threshold of 0 to 10 expects (10 − x)(x + 1)/11 (exact).
    #[test]
    fn an_offer_is_worth_what_the_formula_says() {
        let scene = Ultimatum { pie: 10 };
        for offers in [0, 3, 5] {
            let known = f64::from((10 - offers) * (offers + 1)) / 11.0;
            close(&scene, &[Rule::RandomThreshold { offers }], "proposer", 3000, known, 0.0);
        }
        let (scores, pay) = episode(&scene, &[Rule::Demands { offers: 3, takes: 4 }], 1);
        assert!(scores[1] == 0.0 && pay == [0.0, 0.0]);
    }
}
