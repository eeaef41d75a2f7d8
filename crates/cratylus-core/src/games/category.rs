//! The category game: a speaker says a word for one of the objects that both see, and it succeeds where the hearer points at
//! it (Puglisi, Baronchelli & Loreto, PNAS 105 (2008) 7936). Categories and their words both come of it.

use crate::categories::{Scene, Scenes};
use crate::event::{ALL_SEATS, Fate, Said};
use crate::game::{Game, Hand, Options, Question};
use crate::seed::Stream;
use crate::spec::{GameEntry, GameSpec, Registry, Shape};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const ENTRY: GameEntry = GameEntry::new::<CategoryGame>(
    &[Shape::Objects],
    "category",
    "a speaker says a word for one of a few objects on a line, and succeeds if the hearer points at it; agents divide the line into categories with words",
);

/// The category game's parameters.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CategoryGame {
    /// How many objects a pair sees.
    #[serde(default = "two")]
    pub objects: u32,
    /// How far apart objects are at least, on a line from 0 to 1: how finely agents ever have to tell things apart.
    pub d_min: f64,
    /// Whether a hearer that failed divides the category of the topic, too, once it is shown it. In the published game
    /// only speakers do.
    #[serde(default)]
    pub hearer_splits: bool,
}

/// Words that can be told apart. Every category is made with one, and of two in place of one both are.
const WORDS: f64 = 4e9;

fn two() -> u32 {
    2
}

impl GameSpec for CategoryGame {
    fn check(&self) -> Result<(), (&'static str, String)> {
        if !(2..=1000).contains(&self.objects) {
            return Err(("objects", format!("a pair sees 2 to 1,000 objects; found {}", self.objects)));
        }
        // Some room is left to put them, so that none is rounded to the end of the line.
        if !(self.d_min >= 1e-6 && f64::from(self.objects - 1) * self.d_min <= 1.0 - 1e-6) {
            let why = format!(
                "expected a distance from 0.000001 to less than {:.6}, so that {} objects fit on a line from 0 to 1; found {}",
                1.0 / f64::from(self.objects - 1),
                self.objects,
                self.d_min
            );
            return Err(("d_min", why));
        }
        Ok(())
    }

    fn names(&self) -> Option<&[String]> {
        None
    }

    // What agents come to share are meanings, of which a few successes in a row say little.
    fn agrees(&self) -> bool {
        false
    }

    fn fits(&self, agents: f64) -> Result<(), (&'static str, String)> {
        if agents * 6.0 / self.d_min > WORDS {
            let why = format!(
                "{agents} agents that tell things apart down to {} make up more than 4,000,000,000 words; give fewer agents or a larger `game.d_min`",
                self.d_min
            );
            return Err(("d_min", why));
        }
        Ok(())
    }

    fn scenes(&self) -> Option<Scenes> {
        Some(Scenes { objects: self.objects as usize, d_min: self.d_min, hearer_splits: self.hearer_splits })
    }

    fn build(&self, _: &Registry) -> Result<Box<dyn Game>, (&'static str, String)> {
        Ok(Box::new(self.clone()))
    }
}

impl Game for CategoryGame {
    // The words of all agents have numbers in the order in which they were made up.
    fn in_turn(&self) -> bool {
        true
    }

    fn acts(&self) -> bool {
        true
    }

    fn deal(&self, draws: &mut Stream, hand: &mut Hand) {
        let mut scene = Scene::default();
        self.scenes().expect("it has some").draw(draws, &mut scene);
        scene.objects.iter().for_each(|&object| hand.show(ALL_SEATS, Said::Number(object)));
        hand.show(0, Said::Pointing(scene.topic as u32));
    }

    fn next(&self, hand: &Hand, ask: &mut Vec<Question>) {
        match (hand.said(0), hand.said(1)) {
            (None, _) => ask.push(Question::to_all(0, 0, Options::Names)),
            (Some(_), None) => ask.push(Question::to_all(1, 1, Options::Pointing)),
            _ => (),
        }
    }

    fn settle(&self, hand: &mut Hand) {
        let topic = hand.saw.iter().find(|sight| sight.seat == 0).map(|sight| sight.what);
        hand.fate = Fate::of(hand.said(1) == topic);
    }
}
