//! A highway: one drives among others on a ring of four lanes, an act a second (after HighwayEnv, as driven by language models
//! in DiLu; Wen et al., arXiv 2309.16292). Others keep their lanes and follow the intelligent driver model (Treiber, Hennecke &
//! Helbing, Phys. Rev. E 62 (2000) 1805); now and then one of them brakes.
//!
//! Steps without a collision are the published score, and to crawl is perfect by it: so how far one came stands beside it.
//! Nothing here takes more than + − × ÷, so an episode is the same bits on every machine.

use super::scene::{Scene, draws, option, score};
use crate::Seed;
use crate::event::{Fate, Said};
use crate::game::Options;
use crate::seed::Stream;
use crate::spec::{GameEntry, RuleWords};
use crate::watch::measure::Score;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub const ENTRY: GameEntry = super::scene::entry::<Highway>(
    "highway",
    "one drives among others on four lanes: left, right, faster, slower, or as it is, once a second",
);

/// The parameters of a highway.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Highway {
    /// How dense the traffic is: there are 20 cars for each unit, on 400 m of four lanes.
    #[serde(default = "one")]
    pub density: u32,
    /// How many steps, of a second each, an episode has at most.
    #[serde(default = "thirty")]
    pub steps: u32,
    /// With which probability another car begins to brake in a step.
    #[serde(default = "hundredth")]
    pub brakes: f64,
}

fn one() -> u32 {
    1
}

fn thirty() -> u32 {
    30
}

fn hundredth() -> f64 {
    0.01
}

const WORDS: [&str; 5] = ["left", "idle", "right", "faster", "slower"];
const LEFT: u32 = 0;
const IDLE: u32 = 1;
const RIGHT: u32 = 2;
const FASTER: u32 = 3;
const SLOWER: u32 = 4;

const LANES: usize = 4;
/// The length of the ring and of a car, in metres.
const RING: f64 = 400.0;
const LENGTH: f64 = 5.0;
/// The levels of speed: 5, 10, … 30 m/s.
const LEVEL: f64 = 5.0;
const FASTEST: f64 = 30.0;
/// A sub-step, in seconds, and how many there are in a step.
const DT: f64 = 0.2;
const SUBSTEPS: u32 = 5;
/// How long all follow their leaders before somebody drives.
const WARMING: u32 = 100;
/// 2√(3 · 5), of the largest acceleration and the comfortable braking.
const TWICE_ROOT: f64 = 7.745_966_692_414_834;

#[derive(Clone, Copy, Debug)]
struct Car {
    lane: usize,
    /// Along the ring, from 0 to its length.
    x: f64,
    speed: f64,
    wishes: f64,
    /// Steps until it may brake again: it brakes while this is above 1.
    braking: u32,
}

impl Car {
    /// What it wishes to drive now.
    fn now(&self) -> f64 {
        if self.braking > 1 { self.wishes / 2.0 } else { self.wishes }
    }
}

/// How far one is ahead of another on the ring.
fn ahead(of: f64, x: f64) -> f64 {
    let apart = x - of;
    if apart < 0.0 { apart + RING } else { apart }
}

/// The acceleration of the intelligent driver model, at a distance (from middle to middle) from a leader.
fn follow(speed: f64, wishes: f64, leader: Option<(f64, f64)>) -> f64 {
    let square = |x: f64| x * x;
    let near = leader
        .map_or(0.0, |(distance, its)| square((10.0 + 1.5 * speed + speed * (speed - its) / TWICE_ROOT) / distance.max(0.01)));
    3.0 * (1.0 - square(square(speed / wishes)) - near)
}

#[derive(Clone)]
pub struct State {
    chance: Seed,
    /// All cars; the first is the one that is driven.
    cars: Vec<Car>,
    target: f64,
    step: u32,
    crashed: bool,
    /// Steps without a collision.
    clean: u32,
    /// The speeds at the ends of these, summed.
    progress: f64,
    close: u32,
    illegal: u32,
    void: u32,
}

impl State {
    /// The nearest in a lane ahead of a place, but for one car, and how far it is.
    fn leader(&self, lane: usize, x: f64, but: usize) -> Option<(usize, f64)> {
        let others = self.cars.iter().enumerate().filter(|(other, car)| *other != but && car.lane == lane);
        others.map(|(other, car)| (other, ahead(x, car.x))).min_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// The same behind it.
    fn follower(&self, lane: usize, x: f64, but: usize) -> Option<(usize, f64)> {
        let others = self.cars.iter().enumerate().filter(|(other, car)| *other != but && car.lane == lane);
        others.map(|(other, car)| (other, ahead(car.x, x))).min_by(|a, b| a.1.total_cmp(&b.1))
    }

    fn hit(&self) -> bool {
        let own = self.cars[0];
        let near = |car: &Car| car.lane == own.lane && ahead(own.x, car.x).min(ahead(car.x, own.x)) < LENGTH;
        self.cars[1..].iter().any(near)
    }

    /// Moves all by a sub-step: the first car towards a speed, where it is driven, the others by their model.
    fn move_all(&mut self, driven: Option<f64>) {
        let mut order: Vec<usize> = (0..self.cars.len()).collect();
        order.sort_by(|&a, &b| self.cars[a].lane.cmp(&self.cars[b].lane).then(self.cars[a].x.total_cmp(&self.cars[b].x)));
        let mut gains = vec![0.0; self.cars.len()];
        for lane in order.chunk_by(|&a, &b| self.cars[a].lane == self.cars[b].lane) {
            for (place, &who) in lane.iter().enumerate() {
                let (car, next) = (&self.cars[who], lane[(place + 1) % lane.len()]);
                let leader = (next != who).then(|| (ahead(car.x, self.cars[next].x), self.cars[next].speed));
                gains[who] = match driven {
                    Some(target) if who == 0 => (target - car.speed) / 0.6,
                    _ => follow(car.speed, car.now(), leader).clamp(-6.0, 6.0),
                };
            }
        }
        for (car, gain) in self.cars.iter_mut().zip(gains) {
            car.speed = (car.speed + DT * gain).max(0.0);
            car.x += DT * car.speed;
            if car.x >= RING {
                car.x -= RING;
            }
        }
    }

    fn legal(&self, act: u32) -> bool {
        match act {
            LEFT => self.cars[0].lane > 0,
            RIGHT => self.cars[0].lane + 1 < LANES,
            FASTER => self.target < FASTEST,
            SLOWER => self.target > LEVEL,
            _ => true,
        }
    }

    /// The acceleration of the model for the car that is driven, were it in a lane, towards 30 m/s.
    fn wants(&self, lane: usize) -> f64 {
        let own = self.cars[0];
        let leader = self.leader(lane, own.x, 0).map(|(other, distance)| (distance, self.cars[other].speed));
        follow(own.speed, FASTEST, leader).clamp(-6.0, 6.0)
    }

    /// The act that brings the target towards the level nearest to what the model wants; the slower of two.
    fn idm(&self) -> u32 {
        let wants = self.cars[0].speed + self.wants(self.cars[0].lane);
        let levels = (1..=6).map(|n| LEVEL * f64::from(n));
        let level = levels.min_by(|a, b| (a - wants).abs().total_cmp(&(b - wants).abs())).unwrap_or(LEVEL);
        match level.total_cmp(&self.target) {
            std::cmp::Ordering::Less => SLOWER,
            std::cmp::Ordering::Equal => IDLE,
            std::cmp::Ordering::Greater => FASTER,
        }
    }

    /// The change of lane that gains most, where one gains enough and harms nobody (MOBIL, without politeness).
    fn mobil(&self) -> Option<u32> {
        let own = self.cars[0];
        let gain = |lane: usize| {
            let clear = |one: Option<(usize, f64)>| one.is_none_or(|(_, distance)| distance >= 10.0);
            let (leader, follower) = (self.leader(lane, own.x, 0), self.follower(lane, own.x, 0));
            let safe = follower.is_none_or(|(other, distance)| {
                follow(self.cars[other].speed, self.cars[other].wishes, Some((distance, own.speed))) >= -2.0
            });
            let gain = self.wants(lane) - self.wants(own.lane);
            (clear(leader) && clear(follower) && safe && gain >= 0.2).then_some(gain)
        };
        let sides = [(LEFT, own.lane.checked_sub(1)), (RIGHT, Some(own.lane + 1).filter(|&lane| lane < LANES))];
        let gains = sides.into_iter().filter_map(|(act, lane)| Some((act, gain(lane?)?)));
        gains.max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0))).map(|(act, _)| act)
    }
}

/// How the seat drives.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "rule", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Rule {
    Legal,
    Idle,
    Slower,
    Faster,
    Idm,
    IdmMobil,
}

impl Scene for Highway {
    type State = State;
    type Rule = Rule;

    const SCORES: &'static [Score] = &[
        score("clean_steps", "steps without a collision", false),
        score("success", "whether there was none until the end", true),
        score("progress", "the speeds at their ends, summed, of what all steps at 30 m/s would have been", true),
        score("speed", "m/s at the end of a step, on average over steps without a collision", false),
        score("close", "of steps, those at whose end the gap to the leader was less than a second's way", true),
        score("illegal", "of acts, those that are not possible, which are taken as idle", true),
        score("void", "of acts, those without a usable answer, which are idle too", true),
    ];

    const RULES: &'static [RuleWords] = &[
        ("legal", "does anything that is possible, all alike"),
        ("idle", "never does anything"),
        ("slower", "drives ever slower, to 5 m/s"),
        ("faster", "drives ever faster, to 30 m/s"),
        ("idm", "takes the level nearest to what the intelligent driver model would drive in a second"),
        ("idm-mobil", "the same, and changes lanes where it gains and nobody must brake for it (MOBIL)"),
    ];

    fn check(&self) -> Result<(), (&'static str, String)> {
        if !(1..=3).contains(&self.density) {
            return Err(("density", format!("expected a density from 1 to 3, found {}", self.density)));
        }
        if !(1..=10_000).contains(&self.steps) {
            return Err(("steps", format!("expected from 1 to 10,000 steps, found {}", self.steps)));
        }
        match (0.0..=1.0).contains(&self.brakes) {
            true => Ok(()),
            false => Err(("brakes", format!("expected a probability from 0 to 1, found {}", self.brakes))),
        }
    }

    fn seats(&self) -> u32 {
        1
    }

    fn longest(&self) -> Option<u64> {
        Some(self.steps.into())
    }

    fn begin(&self, chance: Seed) -> State {
        let mut draws = draws(chance, 0, 0);
        let mut in_lane = [2 * self.density as usize; LANES];
        (0..12 * self.density).for_each(|_| in_lane[draws.below(LANES as u64) as usize] += 1);
        let mut cars = Vec::new();
        for (lane, n) in in_lane.into_iter().enumerate() {
            let spacing = RING / n as f64;
            for place in 0..n {
                let jitter = 0.4 * draws.unit() - 0.2;
                let x = (place as f64 + jitter) * spacing;
                let wishes = 21.0 + 3.0 * draws.unit();
                cars.push(Car { lane, x: if x < 0.0 { x + RING } else { x }, speed: 5.0, wishes, braking: 0 });
            }
        }
        let lane = draws.below(LANES as u64) as usize;
        let own = in_lane[..lane].iter().sum::<usize>() + draws.below(in_lane[lane] as u64) as usize;
        cars.swap(0, own);
        cars[0].wishes = 25.0;
        let mut state = State {
            chance,
            cars,
            target: LEVEL,
            step: 0,
            crashed: false,
            clean: 0,
            progress: 0.0,
            close: 0,
            illegal: 0,
            void: 0,
        };
        (0..WARMING).for_each(|_| state.move_all(None));
        while state.target <= state.cars[0].speed && state.target < FASTEST {
            state.target += LEVEL;
        }
        state
    }

    fn asks(&self, state: &State, ask: &mut Vec<(u16, Options)>) {
        if !state.crashed && state.step < self.steps {
            ask.push((0, Options::Acts(5)));
        }
    }

    fn step(&self, state: &mut State, acts: &[(u16, Said)]) {
        let mut draws = draws(state.chance, 1, state.step);
        state.step += 1;
        for car in &mut state.cars[1..] {
            // Drawn for all, so that what one car does leaves the others' chance as it is.
            let begins = draws.unit() < self.brakes;
            // Three steps of braking, and one in which it does not begin again.
            car.braking = if car.braking > 0 { car.braking - 1 } else { 4 * u32::from(begins) };
        }
        let act = option(acts[0].1).unwrap_or_else(|| {
            state.void += 1;
            IDLE
        });
        match act {
            _ if !state.legal(act) => state.illegal += 1,
            LEFT => state.cars[0].lane -= 1,
            RIGHT => state.cars[0].lane += 1,
            FASTER => state.target += LEVEL,
            SLOWER => state.target -= LEVEL,
            _ => (),
        }
        state.crashed = state.hit();
        for _ in 0..SUBSTEPS {
            if !state.crashed {
                state.move_all(Some(state.target));
                state.crashed = state.hit();
            }
        }
        let own = state.cars[0];
        if !state.crashed {
            state.clean += 1;
            state.progress += own.speed;
        }
        let gap = state.leader(own.lane, own.x, 0).map_or(RING, |(_, distance)| distance - LENGTH);
        state.close += u32::from(gap < own.speed);
    }

    fn pay(&self, state: &State, _: u16) -> f64 {
        state.clean.into()
    }

    fn scores(&self, state: &State) -> Vec<f64> {
        let steps = f64::from(state.step);
        vec![
            state.clean.into(),
            f64::from(u8::from(!state.crashed)),
            state.progress / (FASTEST * f64::from(self.steps)),
            if state.clean > 0 { state.progress / f64::from(state.clean) } else { f64::NAN },
            f64::from(state.close) / steps,
            f64::from(state.illegal) / steps,
            f64::from(state.void) / steps,
        ]
    }

    fn fate(&self, state: &State) -> Fate {
        Fate::of(!state.crashed)
    }

    fn view(&self, state: &State, _: u16) -> Value {
        let own = state.cars[0];
        let tenth = |x: f64| (10.0 * x).round() / 10.0;
        let near = |one: Option<(usize, f64)>, before: bool| {
            one.filter(|(_, distance)| *distance <= 100.0).map(|(other, distance)| {
                let (car, gap) = (state.cars[other], distance - LENGTH);
                let speed = if before { own.speed } else { car.speed };
                json!({ "gap": tenth(gap), "speed": tenth(car.speed), "headway": if speed > 0.0 { Some(tenth(gap / speed)) } else { None } })
            })
        };
        let lane = |lane: usize| json!({ "ahead": near(state.leader(lane, own.x, 0), true), "behind": near(state.follower(lane, own.x, 0), false) });
        let options: Vec<&str> = WORDS.to_vec();
        json!({ "step": state.step + 1, "steps": self.steps, "lane": own.lane + 1, "lanes": LANES, "speed": tenth(own.speed),
            "target": state.target, "left": own.lane.checked_sub(1).map(lane), "own": lane(own.lane),
            "right": Some(own.lane + 1).filter(|&lane| lane < LANES).map(lane), "options": options })
    }

    fn act(&self, rule: &Rule, state: &State, _: u16, _: Options, draws: &mut Stream) -> Said {
        Said::Option(match rule {
            Rule::Legal => {
                let all: Vec<u32> = (0..5).filter(|&act| state.legal(act)).collect();
                all[draws.below(all.len() as u64) as usize]
            }
            Rule::Slower if state.legal(SLOWER) => SLOWER,
            Rule::Faster if state.legal(FASTER) => FASTER,
            Rule::Idle | Rule::Slower | Rule::Faster => IDLE,
            Rule::Idm => state.idm(),
            Rule::IdmMobil => state.mobil().unwrap_or_else(|| state.idm()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::proof::{means, mute, near};
    use super::*;

    /// Clean steps and mean speed of an independent program with 1,000 seeds.
    #[test]
    fn rules_drive_as_was_computed() {
        let rows = [
            (Rule::Legal, [(11.54, 0.30, 22.6), (6.07, 0.19, 18.1), (4.18, 0.15, 13.0)]),
            (Rule::Idle, [(17.64, 0.24, 24.1), (14.94, 0.27, 18.4), (12.45, 0.28, 13.2)]),
            (Rule::Slower, [(30.0, 0.0, 5.99), (30.0, 0.0, 5.46), (29.97, 0.02, 5.15)]),
            (Rule::Faster, [(7.26, 0.12, 29.6), (3.04, 0.03, 26.1), (2.03, 0.01, 19.9)]),
            (Rule::Idm, [(30.0, 0.0, 20.24), (30.0, 0.0, 14.97), (29.97, 0.02, 10.26)]),
            (Rule::IdmMobil, [(30.0, 0.0, 20.68), (30.0, 0.0, 15.07), (29.97, 0.02, 10.27)]),
        ];
        for (rule, row) in rows {
            for (density, (clean, se, speed)) in (1..).zip(row) {
                let scene = Highway { density, steps: 30, brakes: 0.01 };
                // The errors of speeds are said to be .17 at most; of crawling and following they are small.
                near(&scene, std::slice::from_ref(&rule), 100, &[("clean_steps", clean, se), ("speed", speed, 0.1)]);
            }
        }
    }

    #[test]
    fn the_model_brakes_as_was_computed() {
        let gap: f64 = 10.0 + 1.5 * 25.0 + 25.0 * 5.0 / TWICE_ROOT;
        assert!((gap - 63.637431).abs() < 1e-6);
        assert!((follow(25.0, 30.0, Some((40.0, 20.0))) + 6.039989).abs() < 1e-6);
        let silent = mute(&Highway { density: 1, steps: 30, brakes: 0.01 });
        assert_eq!((silent[5], silent[6]), (0.0, 1.0));
        // All the same on the way: crawling is perfect by the published score, and hardly comes forward.
        let slower = means(&Highway { density: 1, steps: 30, brakes: 0.01 }, &[Rule::Slower], 50);
        assert!(slower[1].1 == 1.0 && (slower[2].1 - 0.2).abs() < 0.004, "{slower:?}");
    }
}
