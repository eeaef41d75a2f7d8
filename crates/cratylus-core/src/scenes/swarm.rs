//! A swarm on a grid: many who see a few cells around them, move at once, push one another, and have one task together
//! (SwarmBench; Ruan et al., arXiv 2505.04364; its rules read in the authors' code, and written anew). Tasks are
//! `synchronization` of lights, `pursuit` of a prey that flees by two steps a round, `foraging` behind a wall, and `flocking` into
//! a hollow square. Transport of a box is not here.
//!
//! Pushing goes by directions, up, down, left, right. A mover has a force of 2 in its direction; a body takes 1 to be moved,
//! and 3 if it moves the other way; what is left passes to the body before it. So of bodies in a line the longest front
//! part moves whose force never falls short, and one mover pushes one that stays. Nothing moves into a wall.

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

pub const ENTRY: GameEntry = super::scene::entry::<Swarm>(
    "swarm",
    "many on a grid who see a few cells around them: lights to set alike, a prey to surround, food to bring home",
);

/// The parameters of a swarm.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Swarm {
    /// What they have to do.
    pub task: Task,
    /// How many they are.
    #[serde(default = "ten")]
    pub seats: u32,
    /// How many cells the grid has on each side, the walls around it counted.
    #[serde(default = "ten")]
    pub side: u32,
    /// How many cells each sees on a side of the square around it: an odd number. With 1 it sees its own.
    #[serde(default = "five")]
    pub view: u32,
    /// How many rounds an episode has.
    #[serde(default = "hundred")]
    pub rounds: u32,
}

fn ten() -> u32 {
    10
}

fn five() -> u32 {
    5
}

fn hundred() -> u32 {
    100
}

/// See [`Swarm::task`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// Each has a light. A point whenever all are on or all off, and not as at the last point.
    Synchronization,
    /// A prey is caught where walls and agents are on all four sides of it. A point for each; then there is another.
    Pursuit,
    /// Food is taken by touching it and brought by touching the nest. A point for each.
    Foraging,
    /// They are to stand in a hollow square of a quarter of their number and one more on each side, anywhere. What it costs is
    /// the sum of steps to its cells, where it lies best and each goes where it serves best; as many points as it has
    /// cost less at best. Without the factors of ½ that the paper has and the code has not.
    Flocking,
}

/// The acts by their places: four directions, staying, and switching one's light.
const WORDS: [&str; 6] = ["UP", "DOWN", "LEFT", "RIGHT", "STAY", "SWITCH"];
const STEPS: [(i32, i32); 4] = [(-1, 0), (1, 0), (0, -1), (0, 1)];
const STAY: u32 = 4;
const SWITCH: u32 = 5;

/// A row and a column.
type Cell = (i32, i32);

fn plus(a: Cell, b: Cell) -> Cell {
    (a.0 + b.0, a.1 + b.1)
}

fn apart(a: Cell, b: Cell) -> i32 {
    (a.0 - b.0).abs() + (a.1 - b.1).abs()
}

#[derive(Clone)]
pub struct State {
    chance: Seed,
    /// The cells by rows: `.` where nothing stands that cannot move, `W` a wall, `F` food, `N` the nest.
    ground: Vec<u8>,
    side: i32,
    at: Vec<Cell>,
    /// Whether each light is on, or who carries food.
    marked: Vec<bool>,
    /// In which direction each went in the last round.
    went: Vec<Option<u32>>,
    prey: Option<Cell>,
    /// Steps to the food, and to the nest, of each cell; where they are touched it is 0.
    ways: [Vec<u32>; 2],
    /// What all lights were at the last point.
    last: Option<bool>,
    points: u32,
    caught: u32,
    loads: u32,
    /// What the square cost at first, and costs now.
    cost: [i32; 2],
    /// Of each round: the share of lights that were like most, or the mean steps to the prey.
    nearness: f64,
    round: u32,
    void: u32,
}

impl State {
    fn ground(&self, (i, j): Cell) -> u8 {
        let inside = (0..self.side).contains(&i) && (0..self.side).contains(&j);
        if inside { self.ground[(i * self.side + j) as usize] } else { b'W' }
    }

    fn who(&self, cell: Cell) -> Option<usize> {
        self.at.iter().position(|&at| at == cell)
    }

    fn free(&self, cell: Cell) -> bool {
        self.ground(cell) == b'.' && self.prey != Some(cell) && self.who(cell).is_none()
    }

    /// One of the free cells of a square, both ends included.
    fn somewhere(&self, from: i32, to: i32, draws: &mut Stream) -> Cell {
        let n = (to - from + 1) as u64;
        loop {
            let cell = (from + draws.below(n) as i32, from + draws.below(n) as i32);
            if self.free(cell) {
                return cell;
            }
        }
    }

    /// Moves all that can be moved in a direction.
    fn push(&mut self, direction: u32, acts: &[Option<u32>]) {
        let step = STEPS[direction as usize];
        let against = direction ^ 1;
        // The bodies: agents, and the prey, which can be pushed until it is caught for the first time.
        let prey = self.prey.filter(|_| self.caught == 0);
        let bodies: Vec<Cell> = self.at.iter().copied().chain(prey).collect();
        let mut moves = vec![false; bodies.len()];
        for (front, &cell) in bodies.iter().enumerate() {
            if !self.free(plus(cell, step)) {
                continue;
            }
            // The line behind a body with nothing before it.
            let mut line = vec![front];
            let mut behind = (cell.0 - step.0, cell.1 - step.1);
            while let Some(next) = bodies.iter().position(|&body| body == behind) {
                line.push(next);
                behind = (behind.0 - step.0, behind.1 - step.1);
            }
            let moved = (1..=line.len()).rev().find(|&n| {
                let mut force = 0;
                line[..n].iter().rev().all(|&body| {
                    let act = acts.get(body).copied().flatten();
                    force += if act == Some(direction) { 2 } else { 0 };
                    force -= if act == Some(against) { 3 } else { 1 };
                    force >= 0
                })
            });
            line[..moved.unwrap_or(0)].iter().for_each(|&body| moves[body] = true);
        }
        for (body, _) in moves.iter().enumerate().filter(|(_, moves)| **moves) {
            match self.at.get_mut(body) {
                Some(at) => *at = plus(*at, step),
                None => self.prey = self.prey.map(|prey| plus(prey, step)),
            }
        }
    }

    /// What a prey fears of a cell, in tenths: agents near it, and walls a little less.
    fn danger(&self, (i, j): Cell) -> i32 {
        let near = |at: i32, here: i32| (here - 4..here + 4).contains(&at);
        let agents = self.at.iter().filter(|at| near(at.0, i) && near(at.1, j)).count() as i32;
        let rows = (i - 4).max(0)..(i + 4).min(self.side);
        let walls = rows.flat_map(|row| ((j - 4).max(0)..(j + 4).min(self.side)).map(move |column| (row, column)));
        10 * agents + 9 * walls.filter(|&cell| self.ground(cell) == b'W').count() as i32
    }

    /// A prey that is surrounded is caught, and another appears where it fears least; one that is not flees.
    fn hunt(&mut self) {
        let Some(prey) = self.prey else { return };
        if STEPS.iter().all(|&step| !self.free(plus(prey, step))) {
            self.caught += 1;
            self.points += 1;
            self.prey = None;
            let mut draws = draws(self.chance, 1, self.round);
            let tries = (0..self.side * self.side).map(|_| self.somewhere(1, self.side - 2, &mut draws));
            self.prey = tries.min_by_key(|&cell| self.danger(cell));
            return;
        }
        // The published code takes the danger of staying from a cell beside the prey, a slip.
        let mut best = (self.danger(prey), prey);
        const FLEES: [(i32, i32); 4] = [(0, 1), (0, -1), (1, 0), (-1, 0)];
        for first in FLEES {
            for second in FLEES {
                let (half, to) = (plus(prey, first), plus(plus(prey, first), second));
                let danger = self.danger(to);
                if self.free(half) && self.free(to) && self.free(plus(prey, second)) && danger < best.0 {
                    best = (danger, to);
                }
            }
        }
        self.prey = Some(best.1);
    }

    /// One of several directions, all alike; those in which nobody stands first, as one who pushes others brings nobody on.
    fn towards(&self, at: Cell, ways: impl Iterator<Item = u32>, draws: &mut Stream) -> u32 {
        let all: Vec<u32> = ways.collect();
        let free: Vec<u32> = all.iter().copied().filter(|&way| self.free(plus(at, STEPS[way as usize]))).collect();
        let from = if free.is_empty() { all } else { free };
        if from.is_empty() { STAY } else { from[draws.below(from.len() as u64) as usize] }
    }

    fn touches(&self, cell: Cell, what: u8) -> bool {
        STEPS.iter().any(|&step| self.ground(plus(cell, step)) == what)
    }

    fn forage(&mut self) {
        for seat in 0..self.at.len() {
            if !self.marked[seat] && self.touches(self.at[seat], b'F') {
                self.marked[seat] = true;
                self.loads += 1;
            }
            if self.marked[seat] && self.touches(self.at[seat], b'N') {
                self.marked[seat] = false;
                self.points += 1;
            }
        }
    }

    /// How many steps each cell is from touching something.
    fn way(&self, what: u8) -> Vec<u32> {
        let cell = |place: usize| (place as i32 / self.side, place as i32 % self.side);
        let mut way = vec![u32::MAX; self.ground.len()];
        let mut reached: Vec<usize> =
            (0..way.len()).filter(|&place| self.ground[place] == b'.' && self.touches(cell(place), what)).collect();
        let mut steps = 0;
        while !reached.is_empty() {
            reached.iter().for_each(|&place| way[place] = steps);
            let next = reached.iter().flat_map(|&place| STEPS.map(|step| plus(cell(place), step)));
            let new = |&(i, j): &Cell| self.ground((i, j)) == b'.' && way[(i * self.side + j) as usize] == u32::MAX;
            let mut next: Vec<usize> = next.filter(new).map(|(i, j)| (i * self.side + j) as usize).collect();
            next.sort_unstable();
            next.dedup();
            reached = next;
            steps += 1;
        }
        way
    }
}

/// How many cells a side of the square has, for so many.
fn square(n: usize) -> usize {
    n / 4 + 1
}

/// Whether a row or a column is not one of its sides.
fn inner(i: usize, n: usize) -> bool {
    i > 0 && i + 1 < n
}

/// What the square costs where it lies best, and which of its cells each is to take.
fn flock(at: &[Cell]) -> (i32, Vec<Option<Cell>>) {
    let n = square(at.len());
    let cells = (0..n).flat_map(|i| (0..n).map(move |j| (i, j))).filter(|&(i, j)| !(inner(i, n) && inner(j, n)));
    let cells: Vec<Cell> = cells.map(|(i, j)| (i as i32, j as i32)).collect();
    // Somewhere best at least one already stands in its place.
    let mut shifts: Vec<Cell> = at.iter().flat_map(|at| cells.iter().map(move |cell| (at.0 - cell.0, at.1 - cell.1))).collect();
    shifts.sort_unstable();
    shifts.dedup();
    let of = |shift: Cell| {
        let moved: Vec<Cell> = cells.iter().map(|&cell| plus(cell, shift)).collect();
        let (cost, takes) = assign(moved.len(), at.len(), |cell, who| apart(moved[cell], at[who]));
        (cost, takes.into_iter().map(|cell| cell.map(|cell| moved[cell])).collect())
    };
    shifts.into_iter().map(of).min_by_key(|(cost, _)| *cost).unwrap_or_default()
}

/// The cheapest way to give each of some rows a column of its own, there being as many columns or more: what it costs, and
/// the row of each column (Kuhn's Hungarian method, by shortest augmenting paths).
fn assign(rows: usize, columns: usize, cost: impl Fn(usize, usize) -> i32) -> (i32, Vec<Option<usize>>) {
    // Column 0 stands for none; rows and columns count from 1 here.
    let (mut u, mut v) = (vec![0; rows + 1], vec![0; columns + 1]);
    let mut row_of = vec![0; columns + 1];
    for row in 1..=rows {
        let (mut least, mut from, mut used) = (vec![i32::MAX; columns + 1], vec![0; columns + 1], vec![false; columns + 1]);
        let mut column = 0;
        row_of[0] = row;
        while row_of[column] != 0 {
            used[column] = true;
            let (here, mut delta, mut next) = (row_of[column], i32::MAX, 0);
            for to in (1..=columns).filter(|&to| !used[to]) {
                let reduced = cost(here - 1, to - 1) - u[here] - v[to];
                if reduced < least[to] {
                    (least[to], from[to]) = (reduced, column);
                }
                if least[to] < delta {
                    (delta, next) = (least[to], to);
                }
            }
            for to in 0..=columns {
                if used[to] {
                    u[row_of[to]] += delta;
                    v[to] -= delta;
                } else if to > 0 {
                    least[to] -= delta;
                }
            }
            column = next;
        }
        while column != 0 {
            row_of[column] = row_of[from[column]];
            column = from[column];
        }
    }
    let taken = |column: usize| row_of[column].checked_sub(1);
    let sum = (1..=columns).filter_map(|column| Some(cost(taken(column)?, column - 1))).sum();
    (sum, (1..=columns).map(taken).collect())
}

/// How a seat acts.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "rule", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Rule {
    LocalMajority,
    Flip {
        #[serde(default = "half")]
        probability: f64,
    },
    Clock,
    Chase {
        #[serde(default = "fifth")]
        turns: f64,
    },
    ToldChase,
    ToldPlaces,
    ShortestPath {
        #[serde(default)]
        slips: f64,
    },
}

fn fifth() -> f64 {
    0.2
}

fn half() -> f64 {
    0.5
}

impl Swarm {
    fn sees(&self, a: Cell, b: Cell) -> bool {
        let reach = self.view as i32 / 2;
        (a.0 - b.0).abs() <= reach && (a.1 - b.1).abs() <= reach
    }

    /// Towards a prey that it knows of, and else straight on but for turns.
    fn chase(&self, state: &State, seat: usize, turns: Option<f64>, draws: &mut Stream) -> u32 {
        let at = state.at[seat];
        if let Some(prey) = state.prey.filter(|&prey| turns.is_none() || self.sees(at, prey)) {
            let nearer = |act: &u32| apart(plus(at, STEPS[*act as usize]), prey) < apart(at, prey);
            return if apart(at, prey) == 1 { STAY } else { state.towards(at, (0..4).filter(nearer), draws) };
        }
        let open = |act: &u32| state.ground(plus(at, STEPS[*act as usize])) == b'.';
        match state.went[seat].filter(open) {
            Some(went) if draws.unit() >= turns.unwrap_or(0.0) => went,
            _ => draws.below(4) as u32,
        }
    }
}

impl Scene for Swarm {
    type State = State;
    type Rule = Rule;

    const SCORES: &'static [Score] = &[
        score("points", "points of the task: lights set alike, prey caught, food brought", false),
        score("agreement", "synchronization: the share of lights that are like most, on average over rounds", true),
        score("distance", "pursuit: steps from an agent to the prey, on average over agents and rounds", false),
        score("cost", "flocking: steps to the square that are missing at the end; points are the most that was ever won", false),
        score("loads", "foraging: food that was taken up", false),
        score("void", "of acts, those of a seat that gave no usable answer", true),
    ];

    const RULES: &'static [RuleWords] = &[
        ("local-majority", "synchronization: switches to the majority in its view, and where all in it are alike"),
        ("flip", "synchronization: switches with `probability` (0.5), and stays else"),
        ("clock", "synchronization: has its light on in odd rounds and off in even ones"),
        (
            "chase",
            "pursuit: towards a prey in its view, stays beside it, else straight on, turning with `turns` (0.2) and at walls",
        ),
        ("told-chase", "pursuit: towards the prey wherever it is, as if all were told, and stays beside it"),
        ("told-places", "flocking: towards the cell of the square where it serves best, as if all were told"),
        ("shortest-path", "foraging: to the food and back the shortest way; any step with probability `slips` (0)"),
    ];

    fn check(&self) -> Result<(), (&'static str, String)> {
        if !(8..=100).contains(&self.side) {
            return Err(("side", format!("expected a grid of 8 to 100 cells on a side, found {}", self.side)));
        }
        // A quarter of the grid, where hunters begin; elsewhere there is more room.
        let most = (self.side / 2).pow(2).min(1000) / 2;
        if !(1..=most).contains(&self.seats) {
            return Err(("seats", format!("expected from 1 to {most} on a grid of side {}, found {}", self.side, self.seats)));
        }
        if self.task == Task::Flocking && self.seats > 24 {
            let why =
                format!("expected at most 24 for flocking, whose square is sought anew in every round, found {}", self.seats);
            return Err(("seats", why));
        }
        if self.view.is_multiple_of(2) || self.view > 15 {
            return Err(("view", format!("expected an odd number of cells from 1 to 15, found {}", self.view)));
        }
        if !(1..=10_000).contains(&self.rounds) {
            return Err(("rounds", format!("expected from 1 to 10,000 rounds, found {}", self.rounds)));
        }
        Ok(())
    }

    fn check_rule(&self, rule: &Rule) -> Result<(), (&'static str, String)> {
        let (task, key, chance) = match *rule {
            Rule::LocalMajority | Rule::Clock => (Task::Synchronization, "", 0.0),
            Rule::Flip { probability } => (Task::Synchronization, "probability", probability),
            Rule::Chase { turns } => (Task::Pursuit, "turns", turns),
            Rule::ToldChase => (Task::Pursuit, "", 0.0),
            Rule::ToldPlaces => (Task::Flocking, "", 0.0),
            Rule::ShortestPath { slips } => (Task::Foraging, "slips", slips),
        };
        if task != self.task {
            let name = format!("{task:?}").to_lowercase();
            return Err(("rule", format!("this rule is one for `task = \"{name}\"`")));
        }
        match (0.0..=1.0).contains(&chance) {
            true => Ok(()),
            false => Err((key, format!("expected a probability from 0 to 1, found {chance}"))),
        }
    }

    fn seats(&self) -> u32 {
        self.seats
    }

    fn longest(&self) -> Option<u64> {
        Some(u64::from(self.rounds) * u64::from(self.seats))
    }

    fn begin(&self, chance: Seed) -> State {
        let (side, mut draws) = (self.side as i32, draws(chance, 0, 0));
        let edge = |n: i32| n == 0 || n == side - 1;
        let ground = (0..side * side).map(|place| if edge(place / side) || edge(place % side) { b'W' } else { b'.' });
        let n = self.seats as usize;
        let mut state = State {
            chance,
            ground: ground.collect(),
            side,
            at: Vec::new(),
            marked: vec![false; n],
            went: vec![None; n],
            prey: None,
            ways: [Vec::new(), Vec::new()],
            last: None,
            points: 0,
            caught: 0,
            loads: 0,
            cost: [0; 2],
            nearness: 0.0,
            round: 0,
            void: 0,
        };
        let mut room = (1, side - 2);
        match self.task {
            Task::Synchronization => state.marked.iter_mut().for_each(|light| *light = draws.below(2) == 1),
            Task::Pursuit => {
                state.prey = Some(state.somewhere(side / 2 + 1, side - 2, &mut draws));
                room = (1, (side / 2).max(5));
            }
            Task::Foraging => {
                // A wall across with a gap at one end; food and nest at its other end, on both sides of it.
                let (turned, swapped) = (draws.below(2) == 1, draws.below(2) == 1);
                let mut put = |i: i32, j: i32, what: u8| {
                    let (i, j) = if turned { (j, i) } else { (i, j) };
                    state.ground[(i * side + j) as usize] = what;
                };
                // As the published code counts it: −side // 3 + 1 from the end.
                let gap = side - (side + 2) / 3 + 1;
                let walls: Vec<i32> = (4..side - 4).step_by(4).collect();
                for (n, &row) in walls.iter().enumerate() {
                    let range = if n % 2 == 0 { 0..gap } else { side / 3..side };
                    range.for_each(|column| put(row, column, b'W'));
                }
                // Where an even number of walls turns the way back, they are at opposite ends.
                let (near, far) = (1, if walls.len() % 2 == 1 { 1 } else { side - 3 });
                let ends = if swapped { [b'N', b'F'] } else { [b'F', b'N'] };
                for (i, j) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                    put(1 + i, near + j, ends[0]);
                    put(side - 3 + i, far + j, ends[1]);
                }
                state.ways = [state.way(b'F'), state.way(b'N')];
            }
            Task::Flocking => (),
        }
        for _ in 0..n {
            let cell = state.somewhere(room.0, room.1, &mut draws);
            state.at.push(cell);
        }
        if self.task == Task::Flocking {
            state.cost = [flock(&state.at).0; 2];
        }
        state
    }

    fn asks(&self, state: &State, ask: &mut Vec<(u16, Options)>) {
        let acts = if self.task == Task::Synchronization { 6 } else { 5 };
        let over = self.task == Task::Flocking && state.cost[1] == 0;
        if state.round < self.rounds && !over {
            ask.extend((0..self.seats as u16).map(|seat| (seat, Options::Acts(acts))));
        }
    }

    /// Who gives no usable answer stays.
    fn step(&self, state: &mut State, acts: &[(u16, Said)]) {
        let acts: Vec<Option<u32>> = acts.iter().map(|&(_, said)| option(said)).collect();
        state.void += acts.iter().filter(|act| act.is_none()).count() as u32;
        (0..4).for_each(|direction| state.push(direction, &acts));
        state.went = acts.iter().map(|act| act.filter(|&act| act < STAY)).collect();
        match self.task {
            Task::Synchronization => {
                for (light, act) in state.marked.iter_mut().zip(&acts) {
                    *light ^= *act == Some(SWITCH);
                }
                let (on, n) = (state.marked.iter().filter(|on| **on).count(), state.marked.len());
                if (on == 0 || on == n) && state.last != Some(on == n) {
                    state.last = Some(on == n);
                    state.points += 1;
                }
                state.nearness += on.max(n - on) as f64 / n as f64;
            }
            Task::Pursuit => {
                state.hunt();
                let prey = state.prey.expect("there is always a prey");
                let sum: i32 = state.at.iter().map(|&at| apart(at, prey)).sum();
                state.nearness += f64::from(sum) / state.at.len() as f64;
            }
            Task::Foraging => state.forage(),
            Task::Flocking => {
                state.cost[1] = flock(&state.at).0;
                state.points = state.points.max((state.cost[0] - state.cost[1]).max(0) as u32);
            }
        }
        state.round += 1;
    }

    /// Points are all one's own.
    fn pay(&self, state: &State, _: u16) -> f64 {
        state.points.into()
    }

    fn scores(&self, state: &State) -> Vec<f64> {
        let only = |task: Task, value: f64| if task == self.task { value } else { f64::NAN };
        let rounds = f64::from(state.round);
        vec![
            state.points.into(),
            only(Task::Synchronization, state.nearness / rounds),
            only(Task::Pursuit, state.nearness / rounds),
            only(Task::Flocking, state.cost[1].into()),
            only(Task::Foraging, state.loads.into()),
            f64::from(state.void) / (rounds * f64::from(self.seats)),
        ]
    }

    fn fate(&self, state: &State) -> Fate {
        Fate::of(state.points > 0)
    }

    /// The cells around it as letters: `Y` itself, `A` another whose light is on or who carries food (or any, in pursuit and flocking), `a`
    /// another, `P` the prey, `W`, `F`, `N` and `.` as they stand, `*` what is beyond the grid.
    fn view(&self, state: &State, seat: u16) -> Value {
        let (own, reach) = (usize::from(seat), self.view as i32 / 2);
        let at = state.at[own];
        let letter = |cell: Cell| match state.who(cell) {
            _ if !(0..state.side).contains(&cell.0) || !(0..state.side).contains(&cell.1) => '*',
            Some(other) if other == own => 'Y',
            Some(other) if state.marked[other] || matches!(self.task, Task::Pursuit | Task::Flocking) => 'A',
            Some(_) => 'a',
            None if state.prey == Some(cell) => 'P',
            None => char::from(state.ground(cell)),
        };
        let row = |i: i32| -> String { (at.1 - reach..=at.1 + reach).map(|j| letter((i, j))).collect() };
        let cells: Vec<String> = (at.0 - reach..=at.0 + reach).map(row).collect();
        let mut view = json!({ "task": self.task, "round": state.round + 1, "rounds": self.rounds, "row": at.0, "column": at.1,
            "cells": cells, "went": state.went[own].map(|act| WORDS[act as usize]) });
        let acts = match self.task {
            Task::Synchronization => {
                view["light"] = if state.marked[own] { "on" } else { "off" }.into();
                6
            }
            Task::Foraging => {
                view["carries"] = state.marked[own].into();
                5
            }
            Task::Flocking => {
                let n = square(state.at.len());
                let row = |i: usize| -> String { (0..n).map(|j| if inner(i, n) && inner(j, n) { '.' } else { 'A' }).collect() };
                view["shape"] = (0..n).map(row).collect::<Vec<_>>().into();
                5
            }
            Task::Pursuit => 5,
        };
        view["options"] = WORDS[..acts].into();
        view
    }

    fn act(&self, rule: &Rule, state: &State, seat: u16, _: Options, draws: &mut Stream) -> Said {
        let own = usize::from(seat);
        Said::Option(match *rule {
            Rule::LocalMajority => {
                let seen = || (0..state.at.len()).filter(|&other| self.sees(state.at[own], state.at[other]));
                let (n, like) = (seen().count(), seen().filter(|&other| state.marked[other] == state.marked[own]).count());
                if like == n || 2 * like < n { SWITCH } else { STAY }
            }
            Rule::Flip { probability } => {
                if draws.unit() < probability {
                    SWITCH
                } else {
                    STAY
                }
            }
            // Rounds are counted from 0 here.
            Rule::Clock => {
                if state.marked[own] == state.round.is_multiple_of(2) {
                    STAY
                } else {
                    SWITCH
                }
            }
            Rule::Chase { turns } => self.chase(state, own, Some(turns), draws),
            Rule::ToldChase => self.chase(state, own, None, draws),
            Rule::ToldPlaces => {
                let (at, place) = (state.at[own], flock(&state.at).1[own]);
                let nearer =
                    |act: &u32| place.is_some_and(|place| apart(plus(at, STEPS[*act as usize]), place) < apart(at, place));
                state.towards(at, (0..4).filter(nearer), draws)
            }
            Rule::ShortestPath { slips } if slips > 0.0 && draws.unit() < slips => draws.below(5) as u32,
            Rule::ShortestPath { .. } => {
                let way = &state.ways[usize::from(state.marked[own])];
                let steps = |cell: Cell| {
                    if state.ground(cell) == b'.' { way[(cell.0 * state.side + cell.1) as usize] } else { u32::MAX }
                };
                let here = steps(state.at[own]);
                let nearer = |&act: &u32| steps(plus(state.at[own], STEPS[act as usize])) < here;
                state.towards(state.at[own], (0..4).filter(nearer), draws)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::proof::{means, mute, near};
    use super::*;

    fn swarm(task: Task, seats: u32) -> Swarm {
        Swarm { task, seats, side: 10, view: 5, rounds: 100 }
    }

    /// With six acts all alike a light is switched with 1/6; the means over 100 rounds are exact.
    #[test]
    fn lights_that_are_switched_at_random_are_alike_as_often_as_can_be_reckoned() {
        let flip = Rule::Flip { probability: 0.5 };
        near(&swarm(Task::Synchronization, 10), &[], 800, &[("points", 0.154273, 0.0)]);
        near(&swarm(Task::Synchronization, 8), &[], 500, &[("points", 0.507384, 0.0)]);
        near(&swarm(Task::Synchronization, 4), &[], 500, &[("points", 3.369326, 0.0)]);
        near(&swarm(Task::Synchronization, 10), std::slice::from_ref(&flip), 800, &[("points", 0.186446, 0.0)]);
        near(&swarm(Task::Synchronization, 4), &[flip], 500, &[("points", 6.749999, 0.0)]);
        near(&swarm(Task::Synchronization, 10), &[Rule::Clock], 3, &[("points", 100.0, 0.0), ("agreement", 1.0, 0.0)]);
        // All or nothing; an independent program had 15.7 ± 2.0, this one has 9.6 ± .9 of 1,000.
        near(&swarm(Task::Synchronization, 10), &[Rule::LocalMajority], 200, &[("points", 15.7, 2.0)]);
    }

    /// An independent program had .38 ± .03 at random; 14.65 ± .07 of those who are told. Of those who are not it had 8.95 ±
    /// .21 with a view of 5 (5.0 with 3, 12.3 with 7), where "straight on" may mean several things: a rule that never turns
    /// but at walls has .7, and this one 8.8 ± .3 (5.7, 15.1).
    #[test]
    fn hunters_catch_as_many_as_was_computed() {
        near(&swarm(Task::Pursuit, 10), &[], 400, &[("points", 0.38, 0.03)]);
        near(&swarm(Task::Pursuit, 10), &[Rule::ToldChase], 100, &[("points", 14.65, 0.07)]);
        near(&swarm(Task::Pursuit, 10), &[Rule::Chase { turns: 0.2 }], 100, &[("points", 8.95, 0.21)]);
        let catches = |view: u32| means(&Swarm { view, ..swarm(Task::Pursuit, 10) }, &[Rule::Chase { turns: 0.2 }], 60)[0].1;
        assert!(catches(3) < 7.0 && catches(7) > 12.0);
    }

    /// An independent program had .137 ± .022 at random, and of one, two, four and ten on the shortest path 3.62, 6.58, 10.6,
    /// 23.3. How several get past one another is not said; this rule has 6.7 ± .1, 11.5 ± .2, 22.1 ± .2.
    #[test]
    fn foragers_bring_about_as_much_as_was_computed() {
        let path = Rule::ShortestPath { slips: 0.0 };
        near(&swarm(Task::Foraging, 10), &[], 400, &[("points", 0.137, 0.022)]);
        near(&swarm(Task::Foraging, 1), std::slice::from_ref(&path), 300, &[("points", 3.62, 0.02)]);
        for (seats, points) in [(2, 6.73), (4, 11.5), (10, 22.1)] {
            near(&swarm(Task::Foraging, seats), std::slice::from_ref(&path), 80, &[("points", points, 0.2)]);
        }
        // From food to nest it is 13 steps.
        let state = swarm(Task::Foraging, 1).begin(Seed(1));
        let both = state.ways[0].iter().zip(&state.ways[1]).filter(|(food, _)| **food == 0);
        assert_eq!(both.map(|(_, nest)| *nest).min(), Some(13));
    }

    /// Starts cost 14.1 ± .4 and random moves won 7.8 ± .5 in an independent program; here 13.3 (of 500), and 6.7 ± .2 (of 200).
    #[test]
    fn a_square_costs_about_what_was_computed_and_those_who_are_told_form_it() {
        let scene = swarm(Task::Flocking, 10);
        let starts: i32 = (0..100).map(|seed| scene.begin(Seed(crate::seed::mix(seed))).cost[0]).sum();
        assert!((12.5..14.9).contains(&(f64::from(starts) / 100.0)), "{starts}");
        near(&scene, &[], 20, &[("points", 7.8, 0.5)]);
        let told = means(&scene, &[Rule::ToldPlaces], 15);
        assert!(told[3].1 < 1.0 && told[0].1 > 11.0, "{told:?}");
    }

    #[test]
    fn the_cheapest_assignment_is_the_cheapest_of_all() {
        for seed in 0..50 {
            let mut draws = draws(Seed(seed), 0, 0);
            let costs: Vec<i32> = (0..12).map(|_| draws.below(20) as i32).collect();
            let cost = |row: usize, column: usize| costs[4 * row + column];
            let all = (0..64).map(|code| [code % 4, code / 4 % 4, code / 16]).filter(|[a, b, c]| a != b && b != c && a != c);
            let least = all.map(|columns| (0..3).map(|row| cost(row, columns[row])).sum::<i32>()).min();
            assert_eq!(Some(assign(3, 4, cost).0), least);
        }
    }

    #[test]
    fn who_gives_no_usable_answer_stays() {
        for task in [Task::Synchronization, Task::Pursuit, Task::Foraging, Task::Flocking] {
            let silent = mute(&Swarm { rounds: 20, ..swarm(task, 8) });
            assert_eq!(silent[5], 1.0, "{task:?}");
        }
    }

    /// Three in a row: two push one that stays, but not one that comes; nobody goes into a wall.
    #[test]
    fn a_line_is_pushed_as_far_as_its_force_goes() {
        let mut state = swarm(Task::Synchronization, 3).begin(Seed(1));
        let mut check = |acts: [u32; 3], from: [i32; 3], to: [i32; 3]| {
            state.at = from.iter().map(|&j| (4, j)).collect();
            state.push(3, &acts.map(Some));
            assert_eq!(state.at.iter().map(|at| at.1).collect::<Vec<_>>(), to, "{acts:?}");
        };
        check([3, STAY, STAY], [2, 3, 4], [2, 3, 4]);
        check([3, STAY, STAY], [2, 3, 5], [3, 4, 5]);
        check([3, 3, STAY], [2, 3, 4], [3, 4, 5]);
        check([3, 3, 2], [2, 3, 4], [2, 3, 4]);
        check([3, 3, 3], [6, 7, 8], [6, 7, 8]);
        check([STAY, 3, STAY], [2, 3, 4], [2, 4, 5]);
    }
}
