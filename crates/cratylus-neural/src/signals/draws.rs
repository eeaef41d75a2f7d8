//! All that is drawn in a training, each draw at its address: the seed, what it is for, the step, the place in the batch and
//! the position in the message. No draw depends on another, on the order of computing, or on what was merged.

use super::items::Items;
use super::messages::Messages;
use super::setup::{Channel, Control, Game, Population, Roles};
use cratylus_core::seed::scale;
use cratylus_core::{Purpose, Seed};

/// A moment of a training, at which draws are made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub seed: Seed,
    /// The step, counted from 0; what is drawn beside training has steps of its own.
    pub step: u64,
}

/// Who takes part in a step: what is spoken about, and what receivers see.
#[derive(Clone, Debug, Default)]
pub(super) struct Examples {
    /// What the sender sees, of each place.
    pub items: Vec<u32>,
    /// The target as the receiver sees it: another item of the class in the contrastive game.
    pub shown: Vec<u32>,
    /// `places x candidates` items; empty in reconstruction.
    pub candidates: Vec<u32>,
    /// Where among them the target stands.
    pub slots: Vec<u32>,
}

impl Examples {
    /// How many places there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Some places, in their order.
    pub fn some(&self, which: std::ops::Range<usize>) -> Examples {
        let d = self.candidates.len() / self.len().max(1);
        let slots = if d == 0 { 0..0 } else { which.clone() };
        Examples {
            items: self.items[which.clone()].to_vec(),
            shown: self.shown[which.clone()].to_vec(),
            candidates: self.candidates[which.start * d..which.end * d].to_vec(),
            slots: self.slots[slots].to_vec(),
        }
    }
}

/// Words of 32 bits, numbered within a moment.
struct Words {
    moment: Moment,
    purpose: Purpose,
}

impl Words {
    /// Calls for each word from the first on.
    fn each(self, n: usize, mut with: impl FnMut(u32)) {
        let mut stream = self.moment.seed.stream(self.purpose, self.moment.step);
        (0..n).for_each(|_| with(stream.word()));
    }
}

impl Moment {
    /// Numbers from 0 up to and without 1, with 24 bits.
    fn units(self, purpose: Purpose, n: usize) -> Vec<f32> {
        let mut all = Vec::with_capacity(n);
        Words { moment: self, purpose }.each(n, |word| all.push((word >> 8) as f32 / (1 << 24) as f32));
        all
    }

    /// `places x positions` numbers by which symbols are drawn.
    pub fn symbols(self, places: usize, channel: &Channel) -> Vec<f32> {
        self.units(Purpose::Symbol, places * channel.length)
    }

    /// `places x n` numbers by which answers are drawn.
    pub fn answers(self, places: usize, n: usize) -> Vec<f32> {
        self.units(Purpose::Answer, places * n)
    }

    /// `places x positions x symbols` numbers above 0 and below 1, with 23 bits.
    pub fn gumbel(self, places: usize, channel: &Channel) -> Vec<f32> {
        let n = places * channel.length * channel.vocabulary;
        let mut all = Vec::with_capacity(n);
        let words = Words { moment: self, purpose: Purpose::Gumbel };
        words.each(n, |word| all.push(((word >> 9) as f32 + 0.5) / (1 << 23) as f32));
        all
    }

    /// What each place of a batch is about, of the items that are learnt from.
    pub fn items(self, places: usize, items: &Items) -> Vec<u32> {
        let mut stream = self.seed.stream(Purpose::Item, self.step);
        let mut bits = || u64::from(stream.word()) | u64::from(stream.word()) << 32;
        (0..places).map(|_| items.drawn(bits())).collect()
    }

    /// What receivers see when these items are spoken about. Candidates are drawn from the items of the target's split, and
    /// from all where that has too few.
    pub fn examples(self, about: Vec<u32>, items: &Items, game: &Game) -> Examples {
        let Some(d) = game.candidates() else {
            return Examples { shown: about.clone(), items: about, ..Examples::default() };
        };
        let by_class = matches!(game, Game::Contrastive { .. });
        let everything: Vec<u32> = (0..items.len() as u32).collect();
        let (mut shown, mut candidates, mut slots) = (Vec::new(), Vec::new(), Vec::new());
        for (place, &item) in about.iter().enumerate() {
            // Each place has blocks of its own, more than it ever needs.
            let mut stream = self.seed.stream_from(Purpose::Distractor, self.step, (place as u32) << 16);
            let alike = |other: u32| by_class && items.class(other) == items.class(item);
            let own = items.split(items.learnt(item));
            let target = match by_class {
                false => item,
                true => {
                    let mates = |pool: &[u32]| pool.iter().copied().filter(|&other| other != item && alike(other)).collect();
                    let mut found: Vec<u32> = mates(own);
                    if found.is_empty() {
                        found = mates(&everything);
                    }
                    // An item alone in its class stands for itself.
                    found.get(stream.below(found.len().max(1) as u64) as usize).copied().unwrap_or(item)
                }
            };
            let strange = |pool: &[u32]| match by_class {
                false => pool.len() - 1,
                true => pool.iter().filter(|&&other| other != item && !alike(other)).count(),
            };
            let pool = if strange(own) + 1 >= d { own } else { &everything };
            let slot = stream.below(d as u64) as u32;
            let from = candidates.len();
            let enough = strange(pool) + 1 >= d;
            while candidates.len() < from + d {
                if candidates.len() == from + slot as usize {
                    candidates.push(target);
                    continue;
                }
                let other = pool[stream.below(pool.len() as u64) as usize];
                let fits = other != item && other != target && !alike(other);
                // Where even all items are too few, some come twice.
                if !enough && pool.len() > 1 && other != target || fits && !candidates[from..].contains(&other) {
                    candidates.push(other);
                }
            }
            shown.push(target);
            slots.push(slot);
        }
        Examples { items: about, shown, candidates, slots }
    }

    /// Who speaks and who hears.
    pub fn partners(self, of: &Population) -> (usize, usize) {
        if of.roles == Roles::Fixed {
            return (0, 1);
        }
        let words = self.seed.words(Purpose::Partner, self.step);
        let [one, other] = [0, 2].map(|at| u64::from(words[at]) | u64::from(words[at + 1]) << 32);
        let n = of.agents as u64;
        let sender = scale(one, n) as usize;
        let receiver = scale(other, n - u64::from(!of.itself)) as usize;
        (sender, receiver + usize::from(!of.itself && receiver >= sender))
    }

    /// What a channel does to the messages of so many places.
    pub fn passage(self, places: usize, about: &[u32], items: &Items, channel: &Channel, control: Control) -> Passage {
        let Channel { vocabulary, length, .. } = *channel;
        let mut stream = self.seed.stream(Purpose::Channel, self.step);
        let (stop, mut passage) = (u64::from(channel.stops()), Passage::default());
        match control {
            Control::None => (),
            Control::Cut => passage.cut = true,
            Control::Permuted => {
                // One circle of all places (Sattolo 1986), so none hears itself.
                let mut places: Vec<u32> = (0..places as u32).collect();
                (1..places.len()).rev().for_each(|i| places.swap(i, stream.below(i as u64) as usize));
                passage.places = Some(places);
            }
            Control::Resampled => {
                let drawn = about.iter().map(|&item| {
                    // Items of a split lie in order, so one is stepped over.
                    let split = items.split(items.learnt(item));
                    let own = split.partition_point(|&other| other < item);
                    let other = stream.below((split.len() as u64 - 1).max(1)) as usize;
                    split.get(other + usize::from(other >= own)).copied().unwrap_or(item)
                });
                passage.about = Some(drawn.collect());
            }
            Control::Noise(share) => {
                // Of the symbols beside the stop one fewer is another.
                let others = vocabulary as u64 - stop - 1;
                let change = |_| (stream.unit() < share).then(|| stream.below(others.max(1)) as u32);
                let changes = (0..places * length).map(change).collect::<Vec<_>>();
                passage.noise = Some(changes);
            }
            Control::Drop(share) => passage.drop = Some((0..places * length).map(|_| stream.unit() < share).collect()),
            Control::Relabelled => {
                let mut names: Vec<u32> = (0..vocabulary as u32).collect();
                let all = names.len() - stop as usize;
                self.seed.stream(Purpose::Channel, u64::MAX).shuffle(&mut names[stop as usize..], all);
                passage.names = Some(names);
            }
        }
        passage
    }
}

/// What happens to the messages of a batch on their way.
#[derive(Clone, Debug, Default)]
pub(super) struct Passage {
    /// All receivers hear the same.
    pub cut: bool,
    /// Whose message is heard at each place.
    pub places: Option<Vec<u32>>,
    /// Items that the sender speaks about in place of the examples' own.
    pub about: Option<Vec<u32>>,
    /// Of each place and position by which of the other symbols one is replaced.
    pub noise: Option<Vec<Option<u32>>>,
    /// Which are left out.
    drop: Option<Vec<bool>>,
    /// What each symbol is called.
    pub names: Option<Vec<u32>>,
}

/// The symbol that stands at `which` among those that are neither `symbol` nor a stop.
pub(super) fn another(symbol: u32, which: u32, stops: bool) -> u32 {
    let other = which + u32::from(stops);
    other + u32::from(other >= symbol)
}

impl Passage {
    /// What is heard where this is said.
    pub fn through(&self, said: &Messages, channel: &Channel) -> Messages {
        let mut heard = Messages::new(channel);
        for place in 0..said.len() {
            if self.cut {
                heard.push(std::iter::repeat_n(0, channel.length));
                continue;
            }
            let whose = self.places.as_ref().map_or(place, |places| places[place] as usize);
            let at = |position: usize| place * channel.length + position;
            let symbols =
                said.said(whose).iter().enumerate().filter(|&(i, _)| !self.drop.as_ref().is_some_and(|drop| drop[at(i)]));
            heard.push(symbols.map(|(i, &symbol)| {
                let replaced = self.noise.as_ref().and_then(|noise| noise[at(i)]);
                let symbol = replaced.map_or(symbol, |which| another(symbol, which, channel.stops()));
                self.names.as_ref().map_or(symbol, |names| names[symbol as usize])
            }));
        }
        heard
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(stop: bool) -> Channel {
        Channel { vocabulary: 5, length: 3, stop, control: Control::None }
    }

    fn passed(control: Control, stop: bool) -> (Messages, Messages) {
        let (channel, items) = (channel(stop), Items::grid(&[5, 5]));
        let moment = Moment { seed: Seed(3), step: 4 };
        let mut said = Messages::new(&channel);
        (0..25u32).for_each(|i| said.push([1 + i % 4, 1 + i / 4 % 4, 1 + i / 16]));
        let about: Vec<u32> = (0..25).collect();
        let heard = moment.passage(25, &about, &items, &channel, control).through(&said, &channel);
        (said, heard)
    }

    #[test]
    fn controls_do_to_messages_what_they_say() {
        for stop in [true, false] {
            let (said, heard) = passed(Control::None, stop);
            assert_eq!(said, heard);
            let (_, heard) = passed(Control::Cut, stop);
            assert!((0..25).all(|i| heard.heard(i) == if stop { &[0][..] } else { &[0, 0, 0] }));
            let (said, heard) = passed(Control::Permuted, stop);
            assert!((0..25).all(|i| said.said(i) != heard.said(i)));
            let sorted = |of: &Messages| {
                let mut all: Vec<Vec<u32>> = (0..25).map(|i| of.said(i).to_vec()).collect();
                all.sort();
                all
            };
            assert_eq!(sorted(&said), sorted(&heard));
            let about: Vec<u32> = (0..25).collect();
            let moment = Moment { seed: Seed(3), step: 4 };
            let passage = moment.passage(25, &about, &Items::grid(&[5, 5]), &channel(stop), Control::Resampled);
            assert!(passage.about.unwrap().iter().zip(&about).all(|(other, own)| other != own));
            let (said, heard) = passed(Control::Noise(1.0), stop);
            assert!((0..25).all(|i| said.said(i).iter().zip(heard.said(i)).all(|(a, b)| a != b)));
            assert!((0..25).all(|i| said.length(i) == heard.length(i)));
            let (_, heard) = passed(Control::Drop(1.0), stop);
            assert!((0..25).all(|i| heard.heard(i) == [0]));
            let (said, heard) = passed(Control::Relabelled, stop);
            let mut names = std::collections::BTreeSet::new();
            (0..25).for_each(|i| names.extend(said.said(i).iter().copied().zip(heard.said(i).iter().copied())));
            assert_eq!(names.len(), 4);
        }
    }

    #[test]
    fn candidates_hold_the_target_once_and_in_its_slot() {
        let items = Items::grid(&[4, 4]).with_classes((0..16).map(|i| i / 4).collect());
        let moment = Moment { seed: Seed(1), step: 0 };
        let all: Vec<u32> = (0..16).collect();
        for game in [Game::Discrimination { candidates: 5 }, Game::Contrastive { candidates: 5, loss: Default::default() }] {
            let examples = moment.examples(all.clone(), &items, &game);
            for (i, row) in examples.candidates.chunks(5).enumerate() {
                let (slot, target) = (examples.slots[i] as usize, examples.shown[i]);
                assert_eq!(row[slot], target);
                assert_eq!(row.iter().collect::<std::collections::BTreeSet<_>>().len(), 5);
                if let Game::Contrastive { .. } = game {
                    assert!(target != i as u32 && items.class(target) == items.class(i as u32));
                    assert_eq!(row.iter().filter(|&&other| items.class(other) == items.class(target)).count(), 1);
                }
            }
        }
    }

    #[test]
    fn everybody_meets_everybody_and_itself_only_where_it_may() {
        for itself in [false, true] {
            let of = Population { agents: 3, roles: Roles::Both, itself };
            let met: std::collections::BTreeSet<_> = (0..400).map(|step| Moment { seed: Seed(5), step }.partners(&of)).collect();
            assert_eq!(met.len(), if itself { 9 } else { 6 });
            assert!(itself || met.iter().all(|(a, b)| a != b));
        }
    }
}
