//! Stories of a small grammar in which every sentence has a condition and a consequence: who is where, who holds what, and how
//! they feel. So what a model writes needs no judge: whether a sentence is one, and whether it can be so after what was told,
//! is worked out (a measurable stand-in for the grades of Eldan & Li 2023, arXiv 2305.07759).

use crate::corpus::ingredient::{Ingredient, IngredientEntry, IngredientSpec, Written};
use crate::corpus::lexicon::{BEGIN, THEN};
use cratylus_core::seed::Stream;
use cratylus_core::spec::Inputs;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

pub const ENTRY: IngredientEntry = IngredientEntry::new::<Stories>(
    "stories",
    "stories of a small grammar whose every sentence has a condition: who is where, who holds what, how they feel",
);

/// Its parameters: it has none.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Stories {}

impl IngredientSpec for Stories {
    fn open(&self, _: &dyn Inputs) -> Result<Arc<dyn Ingredient>, (&'static str, String)> {
        Ok(Arc::new(self.clone()))
    }
}

const PEOPLE: [&str; 24] = [
    "ada", "bruno", "clara", "dario", "elsa", "felix", "greta", "hugo", "ines", "jonas", "karla", "leo", "marta", "nils", "olga",
    "pavel", "rosa", "silas", "thea", "urs", "vera", "willem", "yara", "zeno",
];
/// Ten that can be eaten, ten that can be played with, ten of neither kind.
const THINGS: [&str; 30] = [
    "plum", "bun", "pie", "carrot", "melon", "cookie", "turnip", "sausage", "pancake", "walnut", "kite", "drum", "ball",
    "puppet", "top", "marble", "sled", "flute", "wagon", "puzzle", "lamp", "ladder", "bucket", "teapot", "mirror", "umbrella",
    "chair", "vase", "clock", "pencil",
];
const PLACES: [&str; 12] =
    ["yard", "attic", "stable", "bakery", "harbour", "meadow", "library", "cellar", "square", "orchard", "mill", "tower"];

fn is_food(thing: usize) -> bool {
    thing < 10
}

fn is_toy(thing: usize) -> bool {
    (10..20).contains(&thing)
}

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// Somebody is there.
    Stood,
    /// Something is there.
    Lay,
    /// Somebody goes elsewhere, with all that they hold.
    Went,
    /// Two are at the place that is named, and had not met.
    Met,
    /// Somebody takes what lies where they are.
    Took,
    /// From somebody who holds it.
    Snatched,
    /// To somebody at the same place.
    Gave,
    /// For what the other holds.
    Asked,
    /// For what the other gave.
    Thanked,
    /// What was held lies there.
    Dropped,
    /// What was held is gone.
    Lost,
    /// Food that was held is gone.
    Ate,
    /// With a whole toy that is held.
    Played,
    /// What is no food, and whole.
    Broke,
    /// What is broken.
    Mended,
    /// Somebody who is sad, or was hurt.
    Cried,
    /// Somebody who is glad.
    Laughed,
    /// Somebody who is sad feels better.
    Hugged,
    /// Nobody who sleeps does anything.
    Slept,
    /// Somebody who slept.
    Woke,
}

/// How each is told, and by how much it is told rather than another that can be, too: what is seldom possible is told the
/// sooner. Words in capitals stand for those of a list.
const FORMS: [(Event, &str, u64); 20] = [
    (Event::Stood, "WHO was in the PLACE .", 4),
    (Event::Lay, "there was a THING in the PLACE .", 6),
    (Event::Went, "WHO went to the PLACE .", 4),
    (Event::Met, "WHO met OTHER in the PLACE .", 8),
    (Event::Took, "WHO took the THING .", 40),
    (Event::Snatched, "WHO took the THING from OTHER .", 40),
    (Event::Gave, "WHO gave the THING to OTHER .", 80),
    (Event::Asked, "WHO asked OTHER for the THING .", 40),
    (Event::Thanked, "WHO thanked OTHER .", 400),
    (Event::Dropped, "WHO dropped the THING .", 8),
    (Event::Lost, "WHO lost the THING .", 10),
    (Event::Ate, "WHO ate the THING .", 24),
    (Event::Played, "WHO played with the THING .", 20),
    (Event::Broke, "WHO broke the THING .", 15),
    (Event::Mended, "WHO mended the THING .", 80),
    (Event::Cried, "WHO cried .", 20),
    (Event::Laughed, "WHO laughed .", 15),
    (Event::Hugged, "WHO hugged OTHER .", 100),
    (Event::Slept, "WHO fell asleep .", 2),
    (Event::Woke, "WHO woke up .", 20),
];

/// A sentence: what happens, and with whom, what and where, as far as it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// What happens.
    pub event: Event,
    who: Option<usize>,
    other: Option<usize>,
    thing: Option<usize>,
    place: Option<usize>,
}

fn list(slot: &str) -> Option<&'static [&'static str]> {
    match slot {
        "WHO" | "OTHER" => Some(&PEOPLE),
        "THING" => Some(&THINGS),
        "PLACE" => Some(&PLACES),
        _ => None,
    }
}

impl Told {
    fn bare(event: Event) -> Told {
        Told { event, who: None, other: None, thing: None, place: None }
    }

    fn slot(&mut self, slot: &str) -> &mut Option<usize> {
        match slot {
            "WHO" => &mut self.who,
            "OTHER" => &mut self.other,
            "THING" => &mut self.thing,
            _ => &mut self.place,
        }
    }

    /// Its words.
    pub fn words(mut self) -> Vec<&'static str> {
        let (_, form, _) = FORMS.iter().find(|(event, ..)| *event == self.event).expect("every event has a form");
        let word = |slot: &'static str| match list(slot) {
            Some(list) => list[self.slot(slot).expect("what its form names is there")],
            None => slot,
        };
        form.split(' ').map(word).collect()
    }

    /// The sentence that some words are. None where they are none.
    pub fn read(words: &[&str]) -> Option<Told> {
        FORMS.iter().find_map(|(event, form, _)| {
            let mut told = Told::bare(*event);
            let mut slots = form.split(' ');
            for word in words {
                let slot = slots.next()?;
                match list(slot) {
                    Some(list) => *told.slot(slot) = Some(list.iter().position(|known| known == word)?),
                    None if slot == *word => (),
                    None => return None,
                }
            }
            slots.next().is_none().then_some(told)
        })
    }

    /// Whether it is right about kinds of things, whatever was told: food is eaten, toys are played with, food does not break.
    /// None where it is not about that.
    pub fn fact(&self) -> Option<bool> {
        let thing = self.thing?;
        match self.event {
            Event::Ate => Some(is_food(thing)),
            Event::Played => Some(is_toy(thing)),
            Event::Broke | Event::Mended => Some(!is_food(thing)),
            _ => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Glad,
    Sad,
}

#[derive(Clone, Debug)]
struct Person {
    /// None of somebody who did something before it was told where they are.
    place: Option<usize>,
    mood: Option<Mood>,
    asleep: bool,
    /// Who gave them something for which they did not thank yet.
    owes: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whereabouts {
    Lies(usize),
    Held(usize),
    Gone,
}

#[derive(Clone, Debug)]
struct Thing {
    at: Whereabouts,
    broken: bool,
}

/// What is so after what was told, and nothing that was not.
#[derive(Clone, Debug, Default)]
pub struct World {
    people: Few<Person>,
    things: Few<Thing>,
    met: Vec<[usize; 2]>,
}

/// What is known of some, by their number: so few that they are looked through.
type Few<T> = Vec<(usize, T)>;

fn of<T>(few: &Few<T>, number: usize) -> Option<&T> {
    few.iter().find(|(known, _)| *known == number).map(|(_, one)| one)
}

fn of_mut<T>(few: &mut Few<T>, number: usize, new: T) -> &mut T {
    let at = few.iter().position(|(known, _)| *known == number).unwrap_or_else(|| {
        few.push((number, new));
        few.len() - 1
    });
    &mut few[at].1
}

impl World {
    /// Whether it can be told next.
    pub fn allows(&self, told: &Told) -> bool {
        self.allows_but_for_facts(told).unwrap_or(false) && told.fact() != Some(false)
    }

    /// The same, whatever kinds of things there are. None, which is no, where somebody or something was never told of.
    fn allows_but_for_facts(&self, told: &Told) -> Option<bool> {
        if told.event == Event::Lay {
            return Some(of(&self.things, told.thing?).is_none());
        }
        let who = told.who?;
        if told.event == Event::Stood {
            return Some(of(&self.people, who).is_none());
        }
        let person = of(&self.people, who)?;
        if person.asleep != (told.event == Event::Woke) {
            return Some(false);
        }
        let other = match told.other {
            Some(other) if other == who => return Some(false),
            Some(other) => Some(of(&self.people, other)?),
            None => None,
        };
        let beside = person.place.is_some() && other.is_some_and(|other| other.place == person.place);
        let awake = beside && other.is_some_and(|other| !other.asleep);
        let thing = match told.thing {
            Some(thing) => Some(of(&self.things, thing)?),
            None => None,
        };
        let at = thing.map(|thing| thing.at);
        let holds = at == Some(Whereabouts::Held(who));
        let broken = thing.is_some_and(|thing| thing.broken);
        Some(match told.event {
            Event::Stood | Event::Lay => unreachable!("told apart above"),
            Event::Went => told.place != person.place,
            Event::Met => awake && told.place == person.place && !self.met.contains(&pair(who, told.other?)),
            Event::Took => person.place.is_some_and(|here| at == Some(Whereabouts::Lies(here))),
            Event::Snatched => beside && at == Some(Whereabouts::Held(told.other?)),
            Event::Asked => awake && at == Some(Whereabouts::Held(told.other?)),
            Event::Gave => awake && holds,
            Event::Thanked => awake && person.owes == told.other,
            Event::Dropped | Event::Lost | Event::Ate => holds,
            Event::Played | Event::Broke => holds && !broken,
            Event::Mended => holds && broken,
            Event::Cried => person.mood == Some(Mood::Sad),
            Event::Laughed => person.mood == Some(Mood::Glad),
            Event::Hugged => beside && other.is_some_and(|other| other.mood == Some(Mood::Sad)),
            Event::Slept | Event::Woke => true,
        })
    }

    /// Whether the story so far allows it, whatever kinds of things there are.
    pub fn follows(&self, told: &Told) -> bool {
        self.allows_but_for_facts(told).unwrap_or(false)
    }

    /// What is so once it was told: as it was told, even where it could not be.
    pub fn tell(&mut self, told: &Told) {
        let who = told.who.unwrap_or(0);
        if let Event::Stood | Event::Met = told.event {
            for person in [told.who, told.other].into_iter().flatten() {
                self.person(person).place = told.place;
            }
        }
        let here = told.who.and_then(|who| self.person(who).place);
        let mut mood = |whose: Option<usize>, mood| {
            if let Some(whose) = whose {
                self.person(whose).mood = Some(mood);
            }
        };
        match told.event {
            Event::Lost | Event::Broke => mood(told.who, Mood::Sad),
            Event::Snatched => mood(told.other, Mood::Sad),
            Event::Ate | Event::Played | Event::Mended => mood(told.who, Mood::Glad),
            Event::Gave | Event::Thanked | Event::Hugged => mood(told.other, Mood::Glad),
            _ => (),
        }
        match (told.event, told.place, told.other) {
            (Event::Went, place, _) => self.person(who).place = place,
            (Event::Met, _, Some(other)) => self.met.push(pair(who, other)),
            (Event::Gave, _, Some(other)) => self.person(other).owes = told.who,
            (Event::Thanked, ..) => self.person(who).owes = None,
            (Event::Slept, ..) => self.person(who).asleep = true,
            (Event::Woke, ..) => self.person(who).asleep = false,
            _ => (),
        }
        let Some(thing) = told.thing else { return };
        let at = match told.event {
            Event::Lay => told.place.map_or(Whereabouts::Gone, Whereabouts::Lies),
            Event::Dropped => here.map_or(Whereabouts::Gone, Whereabouts::Lies),
            Event::Gave | Event::Asked => Whereabouts::Held(told.other.unwrap_or(0)),
            Event::Lost | Event::Ate => Whereabouts::Gone,
            _ => Whereabouts::Held(who),
        };
        let thing = of_mut(&mut self.things, thing, Thing { at, broken: false });
        thing.at = at;
        match told.event {
            Event::Broke => thing.broken = true,
            Event::Mended => thing.broken = false,
            _ => (),
        }
    }

    fn person(&mut self, who: usize) -> &mut Person {
        of_mut(&mut self.people, who, Person { place: None, mood: None, asleep: false, owes: None })
    }

    /// All that can be told next, with nobody and nothing new.
    fn next(&self) -> Vec<Told> {
        let people: Vec<Option<usize>> = self.people.iter().map(|(person, _)| Some(*person)).collect();
        let things: Vec<Option<usize>> = self.things.iter().map(|(thing, _)| Some(*thing)).collect();
        let none = [None];
        let mut all = Vec::new();
        for (event, ..) in FORMS {
            let (others, things) = match event {
                Event::Stood | Event::Lay => continue,
                Event::Met | Event::Thanked | Event::Hugged => (&people[..], &none[..]),
                Event::Snatched | Event::Gave | Event::Asked => (&people[..], &things[..]),
                Event::Went | Event::Cried | Event::Laughed | Event::Slept | Event::Woke => (&none[..], &none[..]),
                _ => (&none[..], &things[..]),
            };
            for (who, person) in &self.people {
                let places: Vec<Option<usize>> = match event {
                    Event::Went => (0..PLACES.len()).map(Some).collect(),
                    Event::Met => vec![person.place],
                    _ => vec![None],
                };
                for (&other, &thing) in others.iter().flat_map(|other| things.iter().map(move |thing| (other, thing))) {
                    let told = places.iter().map(|&place| Told { event, who: Some(*who), other, thing, place });
                    all.extend(told.filter(|told| self.allows(told)));
                }
            }
        }
        all
    }
}

fn pair(a: usize, b: usize) -> [usize; 2] {
    [a.min(b), a.max(b)]
}

/// In a story there are no more people, and no more things.
const CAST: usize = 3;

/// A story of 6 to 10 sentences: each time a kind of event that can be, and of that kind any.
pub fn story(draws: &mut Stream) -> Vec<Told> {
    let mut world = World::default();
    let mut all: Vec<Told> = Vec::new();
    let sentences = 6 + draws.below(5) as usize;
    while all.len() < sentences {
        let told = next(&world, draws);
        world.tell(&told);
        all.push(told);
    }
    all
}

fn next(world: &World, draws: &mut Stream) -> Told {
    let mut one_of = |n: usize| draws.below(n as u64) as usize;
    let there: Vec<usize> = world.people.iter().filter_map(|(_, person)| person.place).collect();
    let mut all = world.next();
    // Somebody or something new is, four times of five, where somebody is already.
    let near = if there.is_empty() || one_of(5) == 0 { one_of(PLACES.len()) } else { there[one_of(there.len())] };
    if world.people.len() < CAST {
        let new: Vec<usize> = (0..PEOPLE.len()).filter(|&person| of(&world.people, person).is_none()).collect();
        all.push(Told { who: Some(new[one_of(new.len())]), place: Some(near), ..Told::bare(Event::Stood) });
    }
    if world.things.len() < CAST && !world.people.is_empty() {
        let new: Vec<usize> = (0..THINGS.len()).filter(|&thing| of(&world.things, thing).is_none()).collect();
        all.push(Told { thing: Some(new[one_of(new.len())]), place: Some(near), ..Told::bare(Event::Lay) });
    }
    // And whoever goes, goes half of the time where somebody else is.
    if one_of(2) == 0 && all.iter().any(|told| told.event == Event::Went && there.contains(&told.place.unwrap_or(usize::MAX))) {
        all.retain(|told| told.event != Event::Went || there.contains(&told.place.unwrap_or(usize::MAX)));
    }
    let kinds: Vec<(Event, u64)> = FORMS
        .iter()
        .filter(|(event, ..)| all.iter().any(|told| told.event == *event))
        .map(|(event, _, weight)| (*event, *weight))
        .collect();
    let mut left = one_of(kinds.iter().map(|(_, weight)| *weight as usize).sum()) as u64;
    let kind = kinds.iter().find(|(_, weight)| {
        let here = left < *weight;
        left = left.saturating_sub(*weight);
        here
    });
    let (kind, _) = kind.expect("somebody new, or somebody who goes, sleeps or wakes");
    let of_kind: Vec<&Told> = all.iter().filter(|told| told.event == *kind).collect();
    *of_kind[one_of(of_kind.len())]
}

impl Ingredient for Stories {
    fn words(&self) -> Vec<String> {
        let fixed = FORMS.iter().flat_map(|(_, form, _)| form.split(' ')).filter(|word| list(word).is_none());
        let mut all: Vec<&str> = Vec::new();
        for word in fixed.chain(PEOPLE).chain(THINGS).chain(PLACES) {
            if !all.contains(&word) {
                all.push(word);
            }
        }
        all.into_iter().map(String::from).collect()
    }

    /// Stories one after the other, the last of them broken off where the row ends.
    fn row(&self, draws: &mut Stream, most: usize) -> Written<'_> {
        let mut words = vec![BEGIN];
        let mut stories = 0;
        while words.len() < most {
            words.extend(story(draws).into_iter().flat_map(Told::words));
            words.push(THEN);
            stories += 1;
        }
        words.truncate(most);
        Written { words, key: json!({ "class": "stories", "begun": stories }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cratylus_core::Seed;
    use cratylus_core::seed::Purpose;
    use std::collections::BTreeMap;

    fn told(text: &str) -> Told {
        Told::read(&text.split(' ').collect::<Vec<_>>()).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn every_sentence_of_a_story_is_one_and_can_be_so() {
        let mut seen: BTreeMap<Event, usize> = BTreeMap::new();
        let mut longest = 0;
        for place in 0..2000 {
            let story = story(&mut Seed(4).stream(Purpose::Row, place));
            assert!((6..=10).contains(&story.len()));
            let mut world = World::default();
            for sentence in &story {
                assert_eq!(Told::read(&sentence.words()), Some(*sentence));
                assert!(world.allows(sentence), "{sentence:?}");
                world.tell(sentence);
                *seen.entry(sentence.event).or_default() += 1;
            }
            longest = longest.max(story.iter().map(|sentence| sentence.words().len()).sum());
        }
        assert_eq!(seen.len(), FORMS.len(), "{seen:?}");
        assert!(seen.values().all(|&times| times > 100), "{seen:?}");
        assert!(longest <= 80, "{longest}");
        assert!(Stories {}.words().len() <= 400);
    }

    #[test]
    fn what_cannot_be_so_is_found_out() {
        let check = |before: &[&str], then: &str| {
            let mut world = World::default();
            for text in before {
                assert!(world.allows(&told(text)), "{text}");
                world.tell(&told(text));
            }
            (world.follows(&told(then)), world.allows(&told(then)))
        };
        let lamp = ["ada was in the yard .", "there was a lamp in the yard .", "ada took the lamp ."];
        assert_eq!(check(&lamp, "ada broke the lamp ."), (true, true));
        // Lamps are no food, which is a fact and not of this story.
        assert_eq!(check(&lamp, "ada ate the lamp ."), (true, false));
        assert_eq!(check(&lamp, "ada mended the lamp ."), (false, false));
        assert_eq!(check(&lamp, "bruno took the lamp from ada ."), (false, false));
        assert_eq!(check(&lamp, "ada took the lamp ."), (false, false));
        assert_eq!(check(&lamp, "ada went to the yard ."), (false, false));
        assert_eq!(check(&lamp, "ada took the kite ."), (false, false));
        let far = [&lamp[..], &["bruno was in the mill ."]].concat();
        assert_eq!(check(&far, "ada gave the lamp to bruno ."), (false, false));
        let near = [&far[..], &["bruno went to the yard ."]].concat();
        assert_eq!(check(&near, "ada gave the lamp to bruno ."), (true, true));
        assert_eq!(check(&near, "bruno met ada in the mill ."), (false, false));
        let given = [&near[..], &["ada gave the lamp to bruno ."]].concat();
        assert_eq!(check(&given, "bruno thanked ada ."), (true, true));
        assert_eq!(check(&given, "ada thanked bruno ."), (false, false));
        assert_eq!(check(&given, "ada dropped the lamp ."), (false, false));
        let asleep = [&given[..], &["bruno fell asleep ."]].concat();
        assert_eq!(check(&asleep, "bruno laughed ."), (false, false));
        assert_eq!(check(&[&asleep[..], &["bruno woke up ."]].concat(), "bruno laughed ."), (true, true));
        for wrong in ["ada the lamp .", "ada took the lamp", "ada took the yard .", "ada took the lamp . .", ""] {
            assert_eq!(Told::read(&wrong.split(' ').collect::<Vec<_>>()), None, "{wrong}");
        }
    }

    #[test]
    fn rows_are_full_and_the_same_each_time() {
        let row = |place| Stories {}.row(&mut Seed(1).stream(Purpose::Row, place), 97).words.join(" ");
        assert!((0..50).all(|place| row(place).split(' ').count() == 97));
        assert!(row(3) == row(3) && row(3) != row(4));
    }
}
