//! A kitchen: several cooks fill orders that come all the time and lapse (CuisineWorld of MindAgent; Gong et al., arXiv
//! 2309.09971; its rules, recipes and levels read in the authors' code, and written anew). There a dispatcher says what each
//! cook does in a step; here each cook is a seat of its own, and in a step they are asked one after the other, each with
//! what is possible after those before it: so one may use what another just put. Then the clock goes on.
//!
//! A dish of a recipe with n things in all, and tools that take s steps, is worth W = 3n + Σ max(0, s − 1) steps of work. Orders
//! come every τ = ⌈.3·α·W⌉ steps, for the largest W of the level, and lapse after ⌈2.5·.3·α·W⌉ of their own. A failed order
//! counts once; the published count goes by steps with failures.

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

pub const ENTRY: GameEntry = super::scene::entry::<Kitchen>(
    "kitchen",
    "several cooks share tools to fill orders before they lapse: who fetches, who cooks, who serves",
);

/// The parameters of a kitchen.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Kitchen {
    /// Which dishes and tools there are: 0, one meatcake; 1, three of them; 2, sashimi; 3, sushi; 7, soups.
    pub level: u32,
    /// How many cooks there are.
    #[serde(default = "two")]
    pub seats: u32,
    /// How much time there is: orders come, and lapse, more slowly with more.
    #[serde(default = "one")]
    pub alpha: f64,
    /// How many steps an episode has.
    #[serde(default = "sixty")]
    pub steps: u32,
}

fn two() -> u32 {
    2
}

fn one() -> f64 {
    1.0
}

fn sixty() -> u32 {
    60
}

type Item = &'static str;

/// What things are made of, and with what.
struct Recipe {
    makes: Item,
    of: &'static [Item],
    with: Item,
}

const fn recipe(makes: Item, of: &'static [Item], with: Item) -> Recipe {
    Recipe { makes, of, with }
}

const RECIPES: &[Recipe] = &[
    recipe("salmon meatcake", &["salmon", "flour"], "blender"),
    recipe("lamb meatcake", &["lamb", "flour"], "blender"),
    recipe("lobster meatcake", &["lobster", "flour"], "blender"),
    recipe("salmon sashimi", &["salmon"], "board"),
    recipe("tuna sashimi", &["tuna"], "board"),
    recipe("mixed sashimi", &["salmon sashimi", "tuna sashimi"], "mixer"),
    recipe("cooked rice", &["rice"], "pot"),
    recipe("salmon sushi", &["salmon sashimi", "cooked rice"], "mixer"),
    recipe("tuna sushi", &["tuna sashimi", "cooked rice"], "mixer"),
    recipe("onion potato carrot soup", &["onion", "potato", "carrot"], "pot"),
    recipe("onion potato leek soup", &["onion", "potato", "leek"], "pot"),
    recipe("onion broccoli cheese soup", &["onion", "broccoli", "cheese"], "pot"),
];

struct Level {
    number: u32,
    dishes: &'static [Item],
    tools: &'static [Item],
}

const LEVELS: &[Level] = &[
    Level { number: 0, dishes: &["salmon meatcake"], tools: &["blender"] },
    Level { number: 1, dishes: &["salmon meatcake", "lamb meatcake", "lobster meatcake"], tools: &["blender", "blender"] },
    Level {
        number: 2,
        dishes: &["salmon sashimi", "tuna sashimi", "mixed sashimi"],
        tools: &["board", "board", "mixer", "mixer"],
    },
    Level { number: 3, dishes: &["salmon sushi", "tuna sushi"], tools: &["pot", "pot", "board", "board", "mixer", "mixer"] },
    Level {
        number: 7,
        dishes: &["onion potato carrot soup", "onion potato leek soup", "onion broccoli cheese soup"],
        tools: &["pot", "pot"],
    },
];

/// How many steps a tool takes, the one in which it is set going counted.
fn takes(tool: Item) -> u32 {
    match tool {
        "blender" => 2,
        "pot" => 3,
        "board" => 1,
        _ => 0,
    }
}

fn made_by(item: Item) -> Option<&'static Recipe> {
    RECIPES.iter().find(|recipe| recipe.makes == item)
}

/// How many things there are in a recipe, itself counted, and for how long its tools are waited for.
fn nodes(item: Item) -> (u32, u32) {
    made_by(item).map_or((1, 0), |recipe| {
        let here = (1, takes(recipe.with).saturating_sub(1));
        recipe.of.iter().map(|of| nodes(of)).fold(here, |sum, one| (sum.0 + one.0, sum.1 + one.1))
    })
}

fn work(dish: Item) -> f64 {
    let (things, waits) = nodes(dish);
    f64::from(3 * things + waits)
}

/// Everything of which things are made, in the order of their names.
fn parts(dishes: &[Item]) -> Vec<Item> {
    let mut all: Vec<Item> = dishes.to_vec();
    let mut next = 0;
    while next < all.len() {
        all.extend(made_by(all[next]).map_or(&[][..], |recipe| recipe.of));
        next += 1;
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// What a list has beyond another; None where it lacks something of it.
fn beyond(all: &[Item], some: &[Item]) -> Option<Vec<Item>> {
    let mut rest = all.to_vec();
    for item in some {
        let place = rest.iter().position(|other| other == item)?;
        rest.remove(place);
    }
    Some(rest)
}

/// A place: the storage, the table, or a tool.
const STORAGE: usize = 0;
const TABLE: usize = 1;

#[derive(Clone)]
struct Place {
    name: String,
    kind: Item,
    holds: Vec<Item>,
    /// Whether what is in it was made in it.
    made: bool,
    busy: u32,
}

#[derive(Clone, Copy)]
struct Cook {
    at: usize,
    holds: Option<Item>,
}

#[derive(Clone, Copy)]
struct Order {
    dish: Item,
    left: u32,
    life: u32,
}

#[derive(Clone)]
pub struct State {
    chance: Seed,
    places: Vec<Place>,
    cooks: Vec<Cook>,
    orders: Vec<Order>,
    step: u32,
    /// Who is asked next in this step.
    turn: usize,
    since: u32,
    filled: u32,
    failed: u32,
    /// Of filled orders: the share of their time that was left.
    spare: f64,
    made: u32,
    acts: u32,
    waits: u32,
    void: u32,
}

/// What a cook does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    Wait,
    Go(usize),
    Get(Item),
    Put,
    Activate,
}

/// How a cook acts.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "rule", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Rule {
    EarliestDeadline,
}

impl Kitchen {
    fn of(&self) -> &'static Level {
        LEVELS.iter().find(|level| level.number == self.level).expect("a level that was checked")
    }

    /// After how many steps there is a new order.
    fn interval(&self) -> u32 {
        let most = self.of().dishes.iter().map(|dish| work(dish)).fold(0.0, f64::max);
        (0.3 * self.alpha * most - 1e-9).ceil() as u32
    }

    fn lifetime(&self, dish: Item) -> u32 {
        (2.5 * 0.3 * self.alpha * work(dish) - 1e-9).ceil() as u32
    }

    fn order(&self, state: &State) -> Order {
        let dishes = self.of().dishes;
        let dish = dishes[draws(state.chance, 0, state.step).below(dishes.len() as u64) as usize];
        Order { dish, left: self.lifetime(dish), life: self.lifetime(dish) }
    }

    /// What may be put into a tool that holds something, so that it can become one of this level's things.
    fn fits(&self, place: &Place, item: Item) -> bool {
        let with: Vec<Item> = place.holds.iter().copied().chain([item]).collect();
        let wanted = parts(self.of().dishes);
        !place.made && RECIPES.iter().any(|r| r.with == place.kind && wanted.contains(&r.makes) && beyond(r.of, &with).is_some())
    }

    fn made(&self, place: &Place) -> Option<Item> {
        let exact =
            |recipe: &&Recipe| recipe.with == place.kind && beyond(recipe.of, &place.holds).is_some_and(|rest| rest.is_empty());
        RECIPES.iter().filter(|_| !place.made && place.busy == 0).find(exact).map(|recipe| recipe.makes)
    }

    fn may(&self, state: &State, cook: Cook, act: Act) -> bool {
        let place = &state.places[cook.at];
        match (act, cook.holds) {
            (Act::Wait, _) => true,
            (Act::Go(to), _) => to != cook.at,
            (Act::Get(item), None) if cook.at == STORAGE => made_by(item).is_none(),
            (Act::Get(item), None) if cook.at != TABLE => {
                place.busy == 0 && (place.made || place.kind == "board") && place.holds == [item]
            }
            (Act::Put, Some(item)) => match cook.at {
                STORAGE => true,
                TABLE => self.of().dishes.contains(&item),
                _ => place.busy == 0 && self.fits(place, item),
            },
            (Act::Activate, None) => self.made(place).is_some(),
            _ => false,
        }
    }

    /// All that a cook may do now.
    fn legal(&self, state: &State, cook: Cook) -> Vec<Act> {
        let raw = parts(self.of().dishes);
        let gets = raw.into_iter().map(Act::Get);
        let all =
            [Act::Wait].into_iter().chain((0..state.places.len()).map(Act::Go)).chain(gets).chain([Act::Put, Act::Activate]);
        all.filter(|&act| self.may(state, cook, act)).collect()
    }

    fn word(&self, state: &State, cook: Cook, act: Act) -> String {
        let here = &state.places[cook.at].name;
        match act {
            Act::Wait => "wait".into(),
            Act::Go(to) => format!("go to {}", state.places[to].name),
            Act::Get(item) => format!("get {item}"),
            Act::Put => format!("put into {here}"),
            Act::Activate => format!("activate {here}"),
        }
    }

    fn apply(&self, state: &mut State, who: usize, act: Act) {
        let cook = state.cooks[who];
        let place = &mut state.places[cook.at];
        match act {
            Act::Wait => state.waits += 1,
            Act::Go(to) => state.cooks[who].at = to,
            Act::Get(item) => {
                state.cooks[who].holds = Some(item);
                if cook.at != STORAGE {
                    place.holds.clear();
                    place.made = false;
                }
            }
            Act::Put => {
                state.cooks[who].holds = None;
                if cook.at != STORAGE {
                    place.holds.extend(cook.holds);
                }
            }
            Act::Activate => {
                let made = self.made(place).expect("only what is allowed is done");
                (place.holds, place.made, place.busy) = (vec![made], true, takes(place.kind));
                state.made += 1;
            }
        }
    }

    /// The clock goes on: tools, orders that lapse, orders that are filled, new ones.
    fn tick(&self, state: &mut State) {
        state.places.iter_mut().for_each(|place| place.busy = place.busy.saturating_sub(1));
        let before = state.orders.len();
        state.orders.retain(|order| order.left > 0);
        state.failed += (before - state.orders.len()) as u32;
        let mut open = Vec::new();
        for order in std::mem::take(&mut state.orders) {
            let table = &mut state.places[TABLE].holds;
            match table.iter().position(|&dish| dish == order.dish) {
                Some(place) => {
                    table.remove(place);
                    state.filled += 1;
                    state.spare += f64::from(order.left) / f64::from(order.life);
                }
                None => open.push(Order { left: order.left - 1, ..order }),
            }
        }
        state.orders = open;
        state.step += 1;
        state.since += 1;
        if state.since == self.interval() {
            state.since = 0;
            if state.orders.len() < 6 {
                state.orders.push(self.order(state));
            }
        }
        state.orders.sort_by_key(|order| (order.left, order.dish));
    }
}

/// What cooks are to do by the rule, one after the other.
struct Plan<'a> {
    state: &'a State,
    /// Where each is to go, and what it does there.
    jobs: Vec<Option<(usize, Act)>>,
    taken: Vec<bool>,
}

impl Plan<'_> {
    /// Gives a job to somebody who has none and holds this, those who are there first.
    fn give(&mut self, holds: Option<Item>, at: usize, act: Act) -> bool {
        let cooks = &self.state.cooks;
        let free = (0..cooks.len()).filter(|&who| self.jobs[who].is_none() && cooks[who].holds == holds);
        let who = free.min_by_key(|&who| (cooks[who].at != at, who));
        if let Some(who) = who {
            self.jobs[who] = Some((at, act));
        }
        who.is_some()
    }

    /// Sees to it that a thing comes to a place.
    fn bring(&mut self, item: Item, to: usize) {
        if self.give(Some(item), to, Act::Put) {
            return;
        }
        let places = &self.state.places;
        let ready = |place: &usize| !self.taken[*place] && places[*place].made && places[*place].holds == [item];
        if let Some(place) = (2..places.len()).filter(ready).min_by_key(|&place| places[place].busy) {
            self.taken[place] = true;
            if places[place].busy <= 1 {
                self.give(None, place, Act::Get(item));
            }
            return;
        }
        let Some(recipe) = made_by(item) else {
            self.give(None, STORAGE, Act::Get(item));
            return;
        };
        let begun = |place: &usize| {
            let it = &places[*place];
            !self.taken[*place] && it.kind == recipe.with && !it.made && beyond(recipe.of, &it.holds).is_some()
        };
        let tool = (2..places.len()).filter(begun).max_by_key(|&place| (places[place].holds.len(), usize::MAX - place));
        let Some(tool) = tool else { return };
        self.taken[tool] = true;
        let missing = beyond(recipe.of, &places[tool].holds).unwrap_or_default();
        if missing.is_empty() {
            self.give(None, tool, Act::Activate);
        }
        missing.into_iter().for_each(|part| self.bring(part, tool));
    }
}

impl Kitchen {
    /// What a cook does by the earliest deadline: orders in their order, each with whoever is still without a job.
    fn plan(&self, state: &State, who: usize) -> Act {
        let n = state.places.len();
        let mut plan = Plan { state, jobs: vec![None; state.cooks.len()], taken: vec![false; n] };
        let mut table = state.places[TABLE].holds.clone();
        for order in &state.orders {
            match table.iter().position(|&dish| dish == order.dish) {
                Some(place) => drop(table.remove(place)),
                None => plan.bring(order.dish, TABLE),
            }
        }
        // What was begun for an order that lapsed is finished, as there may be another of its kind.
        for place in 2..n {
            if !plan.taken[place] && !state.places[place].holds.is_empty() {
                let holds = &state.places[place].holds;
                let dishes = self.of().dishes.iter();
                let makes = dishes.copied().find(|&dish| match state.places[place].made {
                    true => *holds == [dish],
                    false => made_by(dish).is_some_and(|r| r.with == state.places[place].kind && beyond(r.of, holds).is_some()),
                });
                if let Some(dish) = makes {
                    plan.bring(dish, TABLE);
                }
            }
        }
        let cook = state.cooks[who];
        let (at, act) = plan.jobs[who].unwrap_or(match cook.holds {
            Some(item) if self.of().dishes.contains(&item) => (TABLE, Act::Put),
            Some(_) => (STORAGE, Act::Put),
            None => (cook.at, Act::Wait),
        });
        match at == cook.at {
            false => Act::Go(at),
            true if self.may(state, cook, act) => act,
            true => Act::Wait,
        }
    }
}

impl Scene for Kitchen {
    type State = State;
    type Rule = Rule;

    const SCORES: &'static [Score] = &[
        score(
            "filled_share",
            "of orders that were filled or lapsed, those that were filled (the collaboration score at this α)",
            true,
        ),
        score("filled_of_all", "the same of all orders, those still open at the end too", true),
        score("filled", "orders that were filled", false),
        score("spare", "the share of its time that an order had left when it was filled", true),
        score("made", "things that were made with tools, dishes or parts of them", false),
        score("waits", "of acts, those that waited", true),
        score("void", "of acts, those of a seat that gave no usable answer", true),
    ];

    const RULES: &'static [RuleWords] = &[(
        "earliest-deadline",
        "fetches, cooks and serves for the order that lapses first, then for the next with those who are left; finishes what was begun",
    )];

    fn check(&self) -> Result<(), (&'static str, String)> {
        if LEVELS.iter().all(|level| level.number != self.level) {
            return Err(("level", format!("there are the levels 0, 1, 2, 3 and 7, found {}", self.level)));
        }
        if !(1..=20).contains(&self.seats) {
            return Err(("seats", format!("expected from 1 to 20 cooks, found {}", self.seats)));
        }
        if !(self.alpha >= 0.1 && self.alpha <= 100.0) {
            return Err(("alpha", format!("expected a number from 0.1 to 100, found {}", self.alpha)));
        }
        if !(1..=1000).contains(&self.steps) {
            return Err(("steps", format!("expected from 1 to 1,000 steps, found {}", self.steps)));
        }
        Ok(())
    }

    fn seats(&self) -> u32 {
        self.seats
    }

    fn longest(&self) -> Option<u64> {
        Some(u64::from(self.steps) * u64::from(self.seats))
    }

    fn begin(&self, chance: Seed) -> State {
        let kinds = ["storage", "table"].into_iter().chain(self.of().tools.iter().copied());
        let mut places: Vec<Place> = Vec::new();
        for kind in kinds {
            let n = places.iter().filter(|place| place.kind == kind).count() + 1;
            let name = if n == 1 && self.of().tools.iter().filter(|tool| **tool == kind).count() < 2 {
                kind.to_string()
            } else {
                format!("{kind} {n}")
            };
            places.push(Place { name, kind, holds: Vec::new(), made: false, busy: 0 });
        }
        let mut state = State {
            chance,
            places,
            cooks: vec![Cook { at: TABLE, holds: None }; self.seats as usize],
            orders: Vec::new(),
            step: 0,
            turn: 0,
            since: 0,
            filled: 0,
            failed: 0,
            spare: 0.0,
            made: 0,
            acts: 0,
            waits: 0,
            void: 0,
        };
        state.orders.push(self.order(&state));
        state
    }

    fn asks(&self, state: &State, ask: &mut Vec<(u16, Options)>) {
        if state.step < self.steps {
            let acts = self.legal(state, state.cooks[state.turn]).len() as u32;
            ask.push((state.turn as u16, Options::Acts(acts)));
        }
    }

    /// Who gives no usable answer waits.
    fn step(&self, state: &mut State, acts: &[(u16, Said)]) {
        let who = state.turn;
        state.acts += 1;
        match option(acts[0].1) {
            Some(act) => {
                let act = self.legal(state, state.cooks[who])[act as usize];
                self.apply(state, who, act);
            }
            None => state.void += 1,
        }
        state.turn = (who + 1) % state.cooks.len();
        if state.turn == 0 {
            self.tick(state);
        }
    }

    /// Orders are filled by all together.
    fn pay(&self, state: &State, _: u16) -> f64 {
        state.filled.into()
    }

    fn scores(&self, state: &State) -> Vec<f64> {
        let (filled, failed, acts) = (f64::from(state.filled), f64::from(state.failed), f64::from(state.acts));
        let of = |all: f64| if all > 0.0 { filled / all } else { f64::NAN };
        vec![
            of(filled + failed),
            of(filled + failed + state.orders.len() as f64),
            filled,
            if filled > 0.0 { state.spare / filled } else { f64::NAN },
            state.made.into(),
            f64::from(state.waits) / acts,
            f64::from(state.void) / acts,
        ]
    }

    fn fate(&self, state: &State) -> Fate {
        Fate::of(state.failed == 0)
    }

    fn view(&self, state: &State, seat: u16) -> Value {
        let who = usize::from(seat);
        let cook = state.cooks[who];
        let orders: Vec<Value> = state.orders.iter().map(|order| json!({ "dish": order.dish, "left": order.left })).collect();
        let place =
            |place: &Place| json!({ "name": place.name, "holds": place.holds, "made": place.made, "busy": place.busy > 0 });
        let places: Vec<Value> = state.places[1..].iter().map(place).collect();
        let one = |cook: &Cook| json!({ "at": state.places[cook.at].name, "holds": cook.holds });
        let cooks: Vec<Value> = state.cooks.iter().map(one).collect();
        let wanted = parts(self.of().dishes);
        let recipes = RECIPES.iter().filter(|recipe| wanted.contains(&recipe.makes));
        let recipes: Vec<Value> = recipes.map(|r| json!({ "makes": r.makes, "of": r.of, "with": r.with })).collect();
        let options: Vec<String> = self.legal(state, cook).into_iter().map(|act| self.word(state, cook, act)).collect();
        json!({ "step": state.step + 1, "steps": self.steps, "you": who + 1, "cooks": cooks, "orders": orders, "places": places,
            "recipes": recipes, "options": options })
    }

    fn act(&self, rule: &Rule, state: &State, seat: u16, _: Options, _: &mut Stream) -> Said {
        let who = usize::from(seat);
        let act = match rule {
            Rule::EarliestDeadline => self.plan(state, who),
        };
        let place = self.legal(state, state.cooks[who]).iter().position(|&legal| legal == act);
        Said::Option(place.expect("a plan is of what is allowed") as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::super::proof::{means, mute};
    use super::*;

    const ALPHAS: [f64; 5] = [1.0, 1.5, 2.0, 2.5, 3.0];

    fn kitchen(level: u32, seats: u32, alpha: f64) -> Kitchen {
        Kitchen { level, seats, alpha, steps: 60 }
    }

    /// The mean over five α of the two shares of orders.
    fn cos(level: u32, seats: u32, rules: &[Rule], episodes: u64) -> (f64, f64) {
        let of = |alpha: f64| means(&kitchen(level, seats, alpha), rules, episodes);
        let all: Vec<_> = ALPHAS.into_iter().map(of).collect();
        let mean = |place: usize| all.iter().map(|one| one[place].1).sum::<f64>() / 5.0;
        (mean(0), mean(1))
    }

    #[test]
    fn work_intervals_and_lifetimes_are_as_was_computed() {
        for (level, known) in
            [(0, vec![(10.0, 8)]), (2, vec![(6.0, 5), (6.0, 5), (15.0, 12)]), (3, vec![(17.0, 13); 2]), (7, vec![(14.0, 11); 3])]
        {
            let scene = kitchen(level, 1, 1.0);
            let found: Vec<(f64, u32)> = scene.of().dishes.iter().map(|dish| (work(dish), scene.lifetime(dish))).collect();
            assert_eq!(found, known);
        }
        assert_eq!([0, 2, 3, 7].map(|level| kitchen(level, 1, 1.0).interval()), [3, 5, 6, 5]);
    }

    /// Beside what an independent program had of 100 episodes for each α (its rule of the earliest deadline may differ in
    /// who takes what). This one has, of 30: level 0 .518 .737 .849 .849, level 1 .427 .769 .902 .909, level 2 .668 .814 .832
    /// .837, level 3 .541 .835 .918 .926, level 7 .534 .808 .917 .956, for one to four cooks.
    #[test]
    fn the_earliest_deadline_fills_about_as_many_orders_as_was_computed() {
        let rule = [Rule::EarliestDeadline];
        // There is but one dish, so there is no chance in it.
        for (seats, known) in [(1, (0.518, 0.387)), (2, (0.737, 0.580))] {
            let found = cos(0, seats, &rule, 2);
            assert!((found.0 - known.0).abs() < 6e-4 && (found.1 - known.1).abs() < 6e-4, "{seats}: {found:?}");
        }
        assert!((cos(0, 3, &rule, 2).1 - 0.691).abs() < 6e-4);
        for alpha in ALPHAS {
            assert_eq!(means(&kitchen(0, 1, alpha), &rule, 2)[2].1, 4.0);
        }
        let rows = [
            (1, [0.408, 0.792, 0.891, 0.906]),
            (2, [0.668, 0.802, 0.814, 0.815]),
            (3, [0.518, 0.831, 0.910, 0.918]),
            (7, [0.519, 0.789, 0.901, 1.000]),
        ];
        for (level, row) in rows {
            for (seats, known) in (1..).zip(row) {
                let found = cos(level, seats, &rule, 8).0;
                assert!((found - known).abs() < 0.06, "level {level}, {seats} cooks: {found}, and {known} there");
            }
        }
    }

    /// .005, .017, .031 of level 0 with one to three cooks, and nothing of level 3, where all that may be done is alike.
    #[test]
    fn random_cooks_fill_next_to_nothing() {
        for (level, seats, known) in [(0, 1, 0.005), (0, 2, 0.017), (0, 3, 0.031), (3, 2, 0.0)] {
            let found = cos(level, seats, &[], 40).0;
            assert!((found - known).abs() < 0.02, "level {level}, {seats} cooks: {found}");
        }
        for level in [0, 1, 2, 3, 7] {
            let silent = mute(&kitchen(level, 4, 1.0));
            assert_eq!((silent[2], silent[6]), (0.0, 1.0));
        }
    }
}
