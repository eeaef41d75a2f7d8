//! Rock, paper, scissors against an opponent that plays a fixed mix, which it plays with other labels in every episode
//! (SmartPlay's game, as in arXiv 2505.10543). What is there to learn is one fact, and a count of the opponent's throws
//! learns it in a few rounds: of 50 it finds the best reply in 46. What earns most against the shares seen so far
//! (`best-reply`) is slower than what beats the most frequent throw (`beat-most`), as early shares are far off.

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

pub const ENTRY: GameEntry = super::scene::entry::<Throws>(
    "rock-paper-scissors",
    "one agent against an opponent that plays rock, paper and scissors in fixed shares, which it does not know",
);

/// The parameters of a game of rock, paper, scissors.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Throws {
    /// The shares of the opponent's three throws. Which is which is drawn for each episode.
    #[serde(default = "shares")]
    pub mix: [f64; 3],
    /// How many rounds there are.
    #[serde(default = "fifty")]
    pub rounds: u32,
}

fn shares() -> [f64; 3] {
    [0.2, 0.2, 0.6]
}

fn fifty() -> u32 {
    50
}

/// The throws by their places; each beats the one before it.
const WORDS: [&str; 3] = ["rock", "paper", "scissors"];

/// What a throw earns against another: 1, 0 or −1.
fn wins(own: u32, other: u32) -> i32 {
    match (3 + own - other) % 3 {
        0 => 0,
        1 => 1,
        _ => -1,
    }
}

#[derive(Clone)]
pub struct State {
    chance: Seed,
    /// The shares of the opponent's throws as they stand here.
    mix: [f64; 3],
    /// What was thrown, None where there was no usable answer, and what the opponent threw.
    rounds: Vec<(Option<u32>, u32)>,
}

impl State {
    fn counts(&self) -> [u32; 3] {
        let mut counts = [0; 3];
        self.rounds.iter().for_each(|&(_, other)| counts[other as usize] += 1);
        counts
    }
}

/// What each throw earns on average against these shares of throws.
fn earns(shares: [f64; 3]) -> [f64; 3] {
    let against = |own: u32| (0..3).map(|other| f64::from(wins(own, other)) * shares[other as usize]).sum();
    [against(0), against(1), against(2)]
}

/// One of the places with the highest value, all alike.
fn most(values: [f64; 3], draws: &mut Stream) -> u32 {
    let most = values.into_iter().fold(f64::NEG_INFINITY, f64::max);
    let all: Vec<u32> = (0..3).filter(|&place| values[place as usize] == most).collect();
    all[draws.below(all.len() as u64) as usize]
}

/// How a seat throws.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "rule", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Rule {
    BeatMost,
    BestReply,
    BeatLast,
}

impl Scene for Throws {
    type State = State;
    type Rule = Rule;

    const SCORES: &'static [Score] = &[
        score("best_replies", "throws that earn most against the opponent's mix, whatever they earned", false),
        score("reward", "what throws earned: 1 for each win, −1 for each loss", false),
        score("expected", "what they earn on average against the mix, over all rounds", false),
        score("void", "of throws, those without a usable answer", true),
    ];

    const RULES: &'static [RuleWords] = &[
        ("beat-most", "throws what beats the opponent's most frequent throw so far, ties and the first at random"),
        ("best-reply", "throws what earns most against the shares seen so far, ties and the first throw at random"),
        ("beat-last", "throws what beats the opponent's last throw, and anything first"),
    ];

    fn check(&self) -> Result<(), (&'static str, String)> {
        let sum: f64 = self.mix.iter().sum();
        if self.mix.iter().any(|share| !(0.0..=1.0).contains(share)) || (sum - 1.0).abs() > 1e-9 {
            return Err(("mix", format!("expected three shares that add to 1, found {:?}", self.mix)));
        }
        if !(1..=10_000).contains(&self.rounds) {
            return Err(("rounds", format!("expected from 1 to 10,000 rounds, found {}", self.rounds)));
        }
        Ok(())
    }

    fn seats(&self) -> u32 {
        1
    }

    fn longest(&self) -> Option<u64> {
        Some(self.rounds.into())
    }

    fn begin(&self, chance: Seed) -> State {
        let mut mix = self.mix;
        draws(chance, 0, 0).shuffle(&mut mix, 3);
        State { chance, mix, rounds: Vec::new() }
    }

    fn asks(&self, state: &State, ask: &mut Vec<(u16, Options)>) {
        if (state.rounds.len() as u32) < self.rounds {
            ask.push((0, Options::Acts(3)));
        }
    }

    fn step(&self, state: &mut State, acts: &[(u16, Said)]) {
        let drawn = draws(state.chance, 1, state.rounds.len() as u32).unit();
        let other = if drawn < state.mix[0] { 0 } else { 1 + u32::from(drawn >= state.mix[0] + state.mix[1]) };
        state.rounds.push((option(acts[0].1), other));
    }

    fn pay(&self, state: &State, _: u16) -> f64 {
        let earned = |&(own, other): &(Option<u32>, u32)| own.map_or(0, |own| wins(own, other));
        state.rounds.iter().map(earned).sum::<i32>().into()
    }

    fn scores(&self, state: &State) -> Vec<f64> {
        let earns = earns(state.mix);
        let most = earns.into_iter().fold(f64::NEG_INFINITY, f64::max);
        let own = || state.rounds.iter().filter_map(|(own, _)| *own);
        vec![
            own().filter(|&own| earns[own as usize] == most).count() as f64,
            self.pay(state, 0),
            own().map(|own| earns[own as usize]).sum(),
            1.0 - own().count() as f64 / f64::from(self.rounds),
        ]
    }

    fn view(&self, state: &State, _: u16) -> Value {
        let [rock, paper, scissors] = state.counts();
        let last = state.rounds.last().map(|&(own, other)| {
            json!({ "own": own.map(|own| WORDS[own as usize]), "other": WORDS[other as usize],
                "earned": own.map(|own| wins(own, other)) })
        });
        json!({ "round": state.rounds.len() + 1, "rounds": self.rounds, "reward": self.pay(state, 0), "last": last,
            "other": { "rock": rock, "paper": paper, "scissors": scissors }, "options": WORDS })
    }

    fn act(&self, rule: &Rule, state: &State, _: u16, _: Options, draws: &mut Stream) -> Said {
        Said::Option(match (rule, state.rounds.last()) {
            (Rule::BeatLast, Some((_, other))) => (other + 1) % 3,
            (Rule::BeatLast, None) => draws.below(3) as u32,
            (Rule::BeatMost, _) => (most(state.counts().map(f64::from), draws) + 1) % 3,
            (Rule::BestReply, _) => most(earns(state.counts().map(f64::from)), draws),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::proof::{means, mute, near};
    use super::*;

    /// 50 rounds against .2, .2, .6: 46.24 ± .03 of an independent program; the best reply earns .4 a round (exact).
    #[test]
    fn counting_finds_the_best_reply_as_was_computed() {
        let scene: Throws = serde_json::from_str("{}").unwrap();
        near(&scene, &[], 2000, &[("best_replies", 50.0 / 3.0, 0.0), ("reward", 0.0, 0.0)]);
        near(&scene, &[Rule::BeatMost], 4000, &[("best_replies", 46.24, 0.03)]);
        assert!(means(&scene, &[Rule::BestReply], 1000)[0].1 > 43.5);
        near(&scene, &[Rule::BeatLast], 2000, &[("best_replies", 50.0 / 3.0 + 49.0 * (0.6 - 1.0 / 3.0), 0.0)]);
        let sure = Throws { mix: [0.0, 0.0, 1.0], rounds: 50 };
        assert_eq!(means(&sure, &[Rule::BeatLast], 50)[1].1.round(), 49.0);
        assert_eq!(mute(&scene), [0.0, 0.0, 0.0, 1.0]);
    }
}
