//! The tower of Hanoi: disks of different sizes on one of three rods are to be moved to the last, one at a time and never
//! onto a smaller one (SmartPlay's game, as in arXiv 2505.10543). Nothing in it is chance, so what random moves come to is
//! known exactly.

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

pub const ENTRY: GameEntry =
    super::scene::entry::<Hanoi>("hanoi", "one agent moves disks from rod to rod, never onto a smaller one: planning");

/// The parameters of a tower of Hanoi.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hanoi {
    /// How many disks there are.
    #[serde(default = "three")]
    pub disks: u32,
    /// How many moves an episode has at most.
    #[serde(default = "thirty")]
    pub steps: u32,
}

fn three() -> u32 {
    3
}

fn thirty() -> u32 {
    30
}

/// What may be done: from which rod to which.
const MOVES: [(u8, u8); 6] = [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)];
const WORDS: [&str; 6] = ["A→B", "A→C", "B→A", "B→C", "C→A", "C→B"];
/// The rod to which all should go.
const GOAL: u8 = 2;

#[derive(Clone)]
pub struct State {
    /// On which rod each disk is, the smallest first.
    rods: Vec<u8>,
    steps: u32,
    illegal: u32,
    void: u32,
}

impl State {
    /// The smallest disk of a rod.
    fn top(&self, rod: u8) -> Option<usize> {
        self.rods.iter().position(|&on| on == rod)
    }

    /// The disk that a move would move; None where it is not allowed.
    fn moved(&self, (from, to): (u8, u8)) -> Option<usize> {
        self.top(from).filter(|&disk| self.top(to).is_none_or(|other| disk < other))
    }

    fn legal(&self) -> impl Iterator<Item = u32> + Clone + '_ {
        (0..6).filter(|&act| self.moved(MOVES[act as usize]).is_some())
    }

    fn solved(&self) -> bool {
        self.rods.iter().all(|&on| on == GOAL)
    }

    fn on_goal(&self) -> f64 {
        self.rods.iter().filter(|&&on| on == GOAL).count() as f64
    }
}

/// The next move of the shortest way to have the `n` smallest disks on a rod, and how many moves that takes.
fn shortest(rods: &[u8], to: u8) -> (Option<(u8, u8)>, u64) {
    let Some((&largest, smaller)) = rods.split_last() else { return (None, 0) };
    if largest == to {
        return shortest(smaller, to);
    }
    let (first, before) = shortest(smaller, 3 - largest - to);
    // The smaller ones then stand together on the third rod, and have all their way before them.
    (first.or(Some((largest, to))), before + (1 << smaller.len()))
}

/// How a seat moves.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "rule", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Rule {
    Legal,
    Shortest,
}

impl Scene for Hanoi {
    type State = State;
    type Rule = Rule;

    const SCORES: &'static [Score] = &[
        score("on_goal", "disks on the last rod at the end", false),
        score("solved", "whether all are", true),
        score("moves", "moves that were asked for until the end, illegal ones too", false),
        score("left", "moves that the shortest way to the goal still takes at the end", false),
        score("illegal", "of moves, those that are not allowed, which do nothing", true),
        score("void", "of moves, those without a usable answer", true),
    ];

    const RULES: &'static [RuleWords] = &[
        ("legal", "makes any move that is allowed, all alike"),
        ("shortest", "moves along the shortest way to the goal from where it stands"),
    ];

    fn check(&self) -> Result<(), (&'static str, String)> {
        if !(1..=20).contains(&self.disks) {
            return Err(("disks", format!("expected from 1 to 20 disks, found {}", self.disks)));
        }
        if !(1..=60_000).contains(&self.steps) {
            return Err(("steps", format!("expected from 1 to 60,000 moves, found {}", self.steps)));
        }
        Ok(())
    }

    fn seats(&self) -> u32 {
        1
    }

    fn longest(&self) -> Option<u64> {
        Some(self.steps.into())
    }

    fn begin(&self, _: Seed) -> State {
        State { rods: vec![0; self.disks as usize], steps: 0, illegal: 0, void: 0 }
    }

    fn asks(&self, state: &State, ask: &mut Vec<(u16, Options)>) {
        if state.steps < self.steps && !state.solved() {
            ask.push((0, Options::Acts(6)));
        }
    }

    fn step(&self, state: &mut State, acts: &[(u16, Said)]) {
        state.steps += 1;
        let Some(act) = option(acts[0].1) else { return state.void += 1 };
        match state.moved(MOVES[act as usize]) {
            Some(disk) => state.rods[disk] = MOVES[act as usize].1,
            None => state.illegal += 1,
        }
    }

    fn pay(&self, state: &State, _: u16) -> f64 {
        state.on_goal()
    }

    fn scores(&self, state: &State) -> Vec<f64> {
        let n = f64::from(state.steps);
        vec![
            state.on_goal(),
            f64::from(u8::from(state.solved())),
            n,
            shortest(&state.rods, GOAL).1 as f64,
            f64::from(state.illegal) / n,
            f64::from(state.void) / n,
        ]
    }

    fn fate(&self, state: &State) -> Fate {
        Fate::of(state.solved())
    }

    fn view(&self, state: &State, _: u16) -> Value {
        // From the bottom up, as they lie.
        let rod = |rod: u8| -> Vec<usize> {
            (0..state.rods.len()).rev().filter(|&disk| state.rods[disk] == rod).map(|d| d + 1).collect()
        };
        json!({ "step": state.steps + 1, "steps": self.steps, "disks": self.disks,
            "rods": { "A": rod(0), "B": rod(1), "C": rod(2) }, "goal": "C", "options": WORDS })
    }

    fn act(&self, rule: &Rule, state: &State, _: u16, _: Options, draws: &mut Stream) -> Said {
        Said::Option(match rule {
            Rule::Legal => {
                let n = state.legal().count() as u64;
                state.legal().nth(draws.below(n) as usize).expect("the smallest disk can always move")
            }
            Rule::Shortest => {
                let next = shortest(&state.rods, GOAL).0.expect("nobody is asked when it is solved");
                MOVES.iter().position(|&act| act == next).expect("all moves are listed") as u32
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::proof::{means, mute};
    use super::*;
    use std::collections::BTreeMap;

    /// The exact chance to have solved it, and the mean of disks on the goal, where all (or all legal) moves are alike.
    fn exact(scene: &Hanoi, legal: bool) -> (f64, f64) {
        let mut all = BTreeMap::from([(scene.begin(Seed(0)).rods, 1.0)]);
        for _ in 0..scene.steps {
            let mut next = BTreeMap::new();
            for (rods, p) in all {
                let state = State { rods, steps: 0, illegal: 0, void: 0 };
                let acts: Vec<u32> = match (state.solved(), legal) {
                    (true, _) => vec![],
                    (false, true) => state.legal().collect(),
                    (false, false) => (0..6).collect(),
                };
                if acts.is_empty() {
                    *next.entry(state.rods.clone()).or_insert(0.0) += p;
                }
                for &act in &acts {
                    let mut after = state.clone();
                    scene.step(&mut after, &[(0, Said::Option(act))]);
                    *next.entry(after.rods).or_insert(0.0) += p / acts.len() as f64;
                }
            }
            all = next;
        }
        let ended = all.into_iter().map(|(rods, p)| (State { rods, steps: 0, illegal: 0, void: 0 }, p));
        ended.fold((0.0, 0.0), |(solved, on), (state, p)| {
            (solved + p * f64::from(u8::from(state.solved())), on + p * state.on_goal())
        })
    }

    /// What an independent program computed of 30 moves, and the shortest ways.
    #[test]
    fn random_moves_and_the_shortest_way_come_to_what_is_known() {
        let (three, two) = (Hanoi { disks: 3, steps: 30 }, Hanoi { disks: 2, steps: 30 });
        let near = |found: (f64, f64), known: (f64, f64)| {
            assert!((found.0 - known.0).abs() < 6e-5 && (found.1 - known.1).abs() < 6e-4, "{found:?}, not {known:?}");
        };
        near(exact(&three, false), (0.02125, 0.8099));
        near(exact(&three, true), (0.1112, 1.077));
        near(exact(&two, false), (0.4438, 1.132));
        for (scene, moves) in [(&three, 7.0), (&two, 3.0), (&Hanoi { disks: 4, steps: 30 }, 15.0)] {
            let found: Vec<f64> = means(scene, &[Rule::Shortest], 1).iter().map(|score| score.1).collect();
            assert_eq!(found[..4], [scene.disks.into(), 1.0, moves, 0.0]);
        }
        let by_play = means(&three, &[Rule::Legal], 1500);
        assert!((by_play[0].1 - 1.077).abs() < 4.0 * by_play[0].2 && by_play[4].1 == 0.0);
        assert_eq!(mute(&three)[2..], [30.0, 7.0, 0.0, 1.0]);
    }
}
