//! Agents of the category game (Puglisi, Baronchelli & Loreto, PNAS 105 (2008) 7936). What there is to talk about is the line
//! from 0 to 1. Each agent divides it into perceptual categories and keeps words for each. A speaker and a hearer see the
//! same few objects; the speaker says a word for one of them, the topic, and it succeeds where the hearer points at it.
//!
//! What an agent knows follows from what it saw, what was said and what succeeded, all of which stands in events, so a
//! reader of them follows all categories without ever seeing an agent.

use crate::event::{Event, Said};
use crate::seed::{Stream, scale32};
use crate::{AgentId, Name, Seed};
use serde::{Deserialize, Serialize};

/// What is shown, and what a hearer does about it.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct Scenes {
    /// How many objects a pair sees, at least two.
    pub objects: usize,
    /// How far apart any two of them are at least.
    pub d_min: f64,
    /// Whether a hearer that failed and was shown the topic divides its category, too, where other objects are in it.
    pub hearer_splits: bool,
}

/// What all agents of a run see, and where new ones come.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Seen {
    /// What is shown.
    pub scenes: Scenes,
    /// The seed of the run.
    pub seed: Seed,
    /// After how many interactions new agents take the places of which, in order.
    pub replaced: Vec<(u64, Vec<AgentId>)>,
}

/// What a pair sees.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Scene {
    /// Where the objects are, in order.
    pub objects: Vec<f64>,
    /// Which of them the speaker talks about.
    pub topic: usize,
}

impl Scenes {
    /// What the pair of an interaction sees. Objects are as likely anywhere as objects drawn uniformly, again and again until
    /// all are far enough apart: less what must lie between them, they are uniform on what is left of the line.
    pub fn draw(&self, draws: &mut Stream, scene: &mut Scene) {
        let left = 1.0 - (self.objects - 1) as f64 * self.d_min;
        scene.objects.clear();
        scene.objects.extend((0..self.objects).map(|_| left * draws.unit()));
        // The one drawn first is as likely to be any of them.
        let first = scene.objects[0];
        scene.topic = scene.objects[1..].iter().filter(|&&object| object < first).count();
        scene.objects.sort_unstable_by(f64::total_cmp);
        scene.objects.iter_mut().enumerate().for_each(|(i, object)| *object += i as f64 * self.d_min);
    }
}

impl Scene {
    /// What a speaker sees: the objects, and which of them it is to talk about.
    pub fn seen(&mut self, saw: impl Iterator<Item = Said>) {
        self.objects.clear();
        for what in saw {
            match what {
                Said::Number(object) => self.objects.push(object),
                Said::Pointing(topic) => self.topic = topic as usize,
                _ => (),
            }
        }
    }
}

/// A perceptual category: the words that an agent has for what is in it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Category {
    /// In the order in which they were learned.
    pub words: Vec<Name>,
    /// The word that the agent would say: the last with which it succeeded here, or else the one it made up with the
    /// category.
    pub says: Option<Name>,
}

/// An agent's perceptual categories, from left to right. At first there is one, without words.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Divided {
    /// Where each ends and the next begins; the last ends at 1.
    pub ends: Vec<f64>,
    /// As many as there are ends.
    pub categories: Vec<Category>,
}

impl Category {
    /// What is left after success.
    fn keep(&mut self, word: Name) {
        self.words.clear();
        self.words.push(word);
        self.says = Some(word);
    }
}

impl Default for Divided {
    fn default() -> Divided {
        Divided { ends: vec![1.0], categories: vec![Category::default()] }
    }
}

impl Divided {
    /// The category in which an object is.
    pub fn at(&self, object: f64) -> usize {
        self.ends.partition_point(|&end| end <= object).min(self.ends.len() - 1)
    }

    fn begins(&self, category: usize) -> f64 {
        if category == 0 { 0.0 } else { self.ends[category - 1] }
    }

    /// Divides the topic's category half-way to the nearest objects that are in it, too. Its parts keep its words, and a
    /// new one is made up for each. Gives the topic's category.
    fn tell_apart(&mut self, scene: &Scene, invented: &mut Name) -> usize {
        let topic = scene.objects[scene.topic];
        let whole = self.at(topic);
        let (begins, ends) = (self.begins(whole), self.ends[whole]);
        let before = scene.topic.checked_sub(1).map(|i| scene.objects[i]).filter(|&object| object >= begins);
        let after = scene.objects.get(scene.topic + 1).copied().filter(|&object| object < ends);
        let borders = [before, after].map(|object| object.map(|object| (object + topic) / 2.0));
        if borders == [None; 2] {
            return whole;
        }
        let parts = 1 + borders.iter().flatten().count();
        let part = |i: usize| {
            let new = *invented + i as Name;
            let mut words = Vec::with_capacity(self.categories[whole].words.len() + 1);
            words.extend(&self.categories[whole].words);
            words.push(new);
            Category { words, says: Some(new) }
        };
        let new: Vec<Category> = (0..parts).map(part).collect();
        *invented += parts as Name;
        self.categories.splice(whole..=whole, new);
        self.ends.splice(whole..whole, borders.into_iter().flatten());
        whole + usize::from(before.is_some())
    }

    /// Neighbouring categories for which the agent says the same word, as one: where each ends, and its word.
    pub fn linguistic(&self) -> impl Iterator<Item = (f64, Option<Name>)> + '_ {
        let said = |i: usize| self.categories.get(i).map(|category| category.says);
        let ends = self.ends.iter().enumerate().filter(move |&(i, _)| said(i) != said(i + 1));
        ends.map(move |(i, &end)| (end, self.categories[i].says))
    }
}

/// Everyone's categories.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Categories {
    /// In the order of their numbers.
    pub agents: Vec<Divided>,
    /// How many words were made up so far: what the next is called.
    pub invented: Name,
    scene: Scene,
    /// The objects for which a hearer knows the word.
    meant: Vec<usize>,
}

impl Categories {
    /// Of agents that divide the line so, after so many words were made up.
    pub fn new(agents: Vec<Divided>, invented: Name) -> Categories {
        Categories { agents, invented, scene: Scene::default(), meant: Vec::new() }
    }

    /// A new agent in the place of another.
    pub fn replace(&mut self, agent: AgentId) {
        self.agents[agent as usize] = Divided::default();
    }

    /// What a speaker says of the topic that it sees; it tells that apart from what else it sees first.
    pub fn say(&mut self, agent: AgentId, saw: impl Iterator<Item = Said>) -> Name {
        self.scene.seen(saw);
        let agent = &mut self.agents[agent as usize];
        let category = agent.tell_apart(&self.scene, &mut self.invented);
        agent.categories[category].says.expect("whoever tells two things apart has words")
    }

    /// Which object a hearer points at: one for which it knows the word, any of them where there are several.
    pub fn point(&mut self, agent: AgentId, saw: impl Iterator<Item = Said>, word: Name, draw: u32) -> Option<usize> {
        self.scene.seen(saw);
        let hearer = &self.agents[agent as usize];
        self.meant.clear();
        self.meant.extend(
            (0..self.scene.objects.len()).filter(|&i| hearer.categories[hearer.at(self.scene.objects[i])].words.contains(&word)),
        );
        match self.meant[..] {
            [] => None,
            ref several => Some(several[scale32(draw, several.len() as u32) as usize]),
        }
    }

    /// Follows all of an interaction.
    pub fn see(&mut self, event: &Event<'_>, hearer_splits: bool) {
        (0u16..).zip(event.seats).for_each(|(seat, &agent)| self.learn(agent, seat, event, hearer_splits));
    }

    /// What is left of an interaction with one who took part. After success both keep that word alone for the topic's
    /// category; after failure the hearer, to whom the topic is shown, adds it, and may tell the topic apart, too.
    pub fn learn(&mut self, agent: AgentId, seat: u16, event: &Event<'_>, hearer_splits: bool) {
        let (Some(word), Some(success)) = (event.name(0), event.success()) else { return };
        self.scene.seen(event.seen_by(0));
        let agent = &mut self.agents[agent as usize];
        let category = match seat == 0 || hearer_splits && !success {
            // A speaker has told it apart already, and who only follows it has not.
            true => agent.tell_apart(&self.scene, &mut self.invented),
            false => agent.at(self.scene.objects[self.scene.topic]),
        };
        let category = &mut agent.categories[category];
        if success {
            category.keep(word);
        } else if seat > 0 && !category.words.contains(&word) {
            category.words.push(word);
        }
    }
}

/// How far agents agree on where things begin and end, and what they are called.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LineAgreement {
    /// Overlap of perceptual and of linguistic categories, 1 where they are the same.
    pub perceptual: f64,
    /// Linguistic categories are neighbouring perceptual ones with the same word to say.
    pub linguistic: f64,
    /// The part of the line for which both would say the same word.
    pub named_alike: f64,
}

/// One agent's line as pieces, the way it is compared with others'.
#[derive(Clone, Debug, Default)]
pub struct LinePieces {
    ends: Vec<f64>,
    says: Vec<Option<Name>>,
    /// The sum of the squared lengths.
    squares: f64,
}

impl LinePieces {
    fn of(pieces: impl Iterator<Item = (f64, Option<Name>)>) -> LinePieces {
        let (mut out, mut begin) = (LinePieces::default(), 0.0);
        for (end, says) in pieces {
            out.ends.push(end);
            out.says.push(says);
            out.squares += (end - begin) * (end - begin);
            begin = end;
        }
        out
    }

    /// An agent's line cut at its perceptual categories.
    pub fn perceptual(agent: &Divided) -> LinePieces {
        LinePieces::of(agent.ends.iter().zip(&agent.categories).map(|(&end, category)| (end, category.says)))
    }

    /// The same cut at its linguistic ones: neighbouring perceptual categories that are called alike count as one.
    pub fn linguistic(agent: &Divided) -> LinePieces {
        LinePieces::of(agent.linguistic())
    }

    /// The overlap of two agents' pieces, 2 sum l_ij^2 / (sum l_i^2 + sum l_j^2) with l_ij the lengths between any borders
    /// of the two, and the part of the line that is called alike.
    pub fn overlap(&self, other: &LinePieces) -> (f64, f64) {
        let (mut i, mut j, mut begin) = (0, 0, 0.0);
        let (mut squares, mut alike) = (0.0, 0.0);
        while i < self.ends.len() && j < other.ends.len() {
            let end = self.ends[i].min(other.ends[j]);
            squares += (end - begin) * (end - begin);
            if self.says[i].is_some() && self.says[i] == other.says[j] {
                alike += end - begin;
            }
            let [mine, theirs] = [self.ends[i], other.ends[j]];
            i += usize::from(mine == end);
            j += usize::from(theirs == end);
            begin = end;
        }
        (2.0 * squares / (self.squares + other.squares), alike)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Purpose;

    fn divided(parts: &[(f64, Name)]) -> Divided {
        Divided {
            ends: parts.iter().map(|part| part.0).collect(),
            categories: parts.iter().map(|&(_, word)| Category { words: vec![word], says: Some(word) }).collect(),
        }
    }

    #[test]
    fn objects_are_spread_as_if_scenes_were_rejected_until_they_fit() {
        let scenes = Scenes { objects: 3, d_min: 0.2, hearer_splits: false };
        let (mut scene, n) = (Scene::default(), 40_000);
        let (mut drawn, mut topics, mut firsts) = ([0.0; 3], [0u32; 3], 0u32);
        for t in 0..n {
            scenes.draw(&mut Seed(3).stream(Purpose::Scene, t), &mut scene);
            assert!(scene.objects.windows(2).all(|pair| pair[1] - pair[0] >= 0.2 - 1e-12));
            assert!(scene.objects[0] >= 0.0 && scene.objects[2] < 1.0);
            scene.objects.iter().zip(&mut drawn).for_each(|(object, sum)| *sum += object / n as f64);
            topics[scene.topic] += 1;
            firsts += u32::from(scene.objects[0] < 0.05);
        }
        // Order statistics of three uniform numbers on 0 to 0.6, and what lies between them at least.
        for (i, (mean, topics)) in drawn.iter().zip(topics).enumerate() {
            let due = 0.6 * (i + 1) as f64 / 4.0 + 0.2 * i as f64;
            assert!((mean - due).abs() < 5.0 * 0.12 / (n as f64).sqrt(), "object {i}: {mean} for {due}");
            assert!((f64::from(topics) - n as f64 / 3.0).abs() < 5.0 * (n as f64 * 2.0 / 9.0).sqrt(), "{topics:?}");
        }
        // The same by drawing again until it fits.
        let (mut plain, mut tries) = (0u32, Seed(4).stream(Purpose::Resample, 0));
        for _ in 0..n {
            let fitting = loop {
                let mut three = [tries.unit(), tries.unit(), tries.unit()];
                three.sort_unstable_by(f64::total_cmp);
                if three[1] - three[0] >= 0.2 && three[2] - three[1] >= 0.2 {
                    break three;
                }
            };
            plain += u32::from(fitting[0] < 0.05);
        }
        let due = 1.0 - (0.55f64 / 0.6).powi(3);
        for seen in [firsts, plain] {
            assert!((f64::from(seen) / n as f64 - due).abs() < 5.0 * (due * (1.0 - due) / n as f64).sqrt(), "{seen}");
        }
    }

    #[test]
    fn a_category_is_divided_half_way_to_what_is_in_it_too() {
        let mut agent = divided(&[(0.5, 0), (1.0, 1)]);
        let mut invented = 2;
        // Of three objects one is in another category; the border to it stays.
        let scene = Scene { objects: vec![0.3, 0.6, 0.8], topic: 1 };
        assert_eq!(agent.tell_apart(&scene, &mut invented), 1);
        assert_eq!((agent.ends.as_slice(), invented), ([0.5, (0.6 + 0.8) / 2.0, 1.0].as_slice(), 4));
        assert_eq!(agent.categories[1], Category { words: vec![1, 2], says: Some(2) });
        assert_eq!(agent.categories[2], Category { words: vec![1, 3], says: Some(3) });
        assert_eq!(agent.tell_apart(&scene, &mut invented), 1, "they are told apart now");
        // One in the middle is set off to both sides.
        let mut agent = Divided::default();
        assert_eq!(agent.tell_apart(&scene, &mut invented), 1);
        assert_eq!((agent.ends.len(), agent.at(0.45), agent.at(0.1), agent.at(0.9)), (3, 1, 0, 2));
        assert_eq!(agent.categories.iter().map(|category| category.says).collect::<Vec<_>>(), [Some(4), Some(5), Some(6)]);
    }

    #[test]
    fn overlap_is_one_for_the_same_and_less_for_others() {
        let agent = divided(&[(0.25, 7), (0.5, 7), (1.0, 8)]);
        assert_eq!(agent.linguistic().collect::<Vec<_>>(), [(0.5, Some(7)), (1.0, Some(8))]);
        let (perceptual, linguistic) = (LinePieces::perceptual(&agent), LinePieces::linguistic(&agent));
        assert_eq!(perceptual.overlap(&perceptual), (1.0, 1.0));
        assert_eq!(linguistic.overlap(&LinePieces::perceptual(&agent)), (2.0 * 0.375 / (0.5 + 0.375), 1.0));
        // One border at a quarter, one at three quarters.
        let (left, right) = (divided(&[(0.25, 1), (1.0, 2)]), divided(&[(0.75, 1), (1.0, 2)]));
        let (overlap, alike) = LinePieces::linguistic(&left).overlap(&LinePieces::linguistic(&right));
        assert_eq!((overlap, alike), (2.0 * 0.375 / (2.0 * 0.625), 0.5));
        let nobody = LinePieces::linguistic(&Divided::default());
        assert_eq!(nobody.overlap(&nobody), (1.0, 0.0), "who has no words says none alike");
    }
}
