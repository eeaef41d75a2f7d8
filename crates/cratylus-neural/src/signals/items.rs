//! What agents speak about: items with features, and with attributes and a class where there are. They come from outside as
//! numbers; nothing here reads a file.

use super::setup::{Game, Setup, Wrong};
use cratylus_core::seed::scale;
use std::collections::BTreeMap;

/// Items, numbered from 0.
#[derive(Clone, Debug)]
pub struct Items {
    features: Vec<f32>,
    width: usize,
    /// How many values each attribute has, and `items x attributes` of them.
    sizes: Vec<usize>,
    attributes: Vec<u32>,
    classes: Option<Vec<u32>>,
    /// Which items are learnt from; the others are held out.
    train: Vec<bool>,
    /// Those that are held out, and those that are learnt from.
    splits: [Vec<u32>; 2],
    /// How often each is drawn, in relation to the others.
    weights: Option<Vec<f64>>,
    /// Of those that are learnt from the sums of weights up to each; empty where they are drawn evenly.
    sums: Vec<f64>,
    /// The first item with the same features.
    views: Vec<u32>,
}

impl Items {
    /// Items of their features alone, `items x width` numbers, all of which are learnt from.
    pub fn new(features: Vec<f32>, width: usize) -> Items {
        assert!(width > 0 && features.len().is_multiple_of(width), "rows of features are of one width");
        let n = features.len() / width;
        let mut seen = BTreeMap::new();
        let views = features.chunks_exact(width).enumerate().map(|(i, row)| {
            let bits: Vec<u32> = row.iter().map(|number| number.to_bits()).collect();
            *seen.entry(bits).or_insert(i as u32)
        });
        let views = views.collect();
        Items {
            features,
            width,
            sizes: Vec::new(),
            attributes: Vec::new(),
            classes: None,
            train: vec![true; n],
            splits: [Vec::new(), (0..n as u32).collect()],
            weights: None,
            sums: Vec::new(),
            views,
        }
    }

    /// Items of their attributes, `items x attributes` values: what is seen of an item is a number for every value of every
    /// attribute, 1 where the item has it and 0 elsewhere.
    pub fn of_attributes(sizes: &[usize], attributes: Vec<u32>) -> Items {
        let width: usize = sizes.iter().sum();
        let mut features = vec![0.0; attributes.len() / sizes.len() * width];
        for (row, values) in features.chunks_exact_mut(width).zip(attributes.chunks_exact(sizes.len())) {
            let mut from = 0;
            for (&value, size) in values.iter().zip(sizes) {
                row[from + value as usize] = 1.0;
                from += size;
            }
        }
        Items::new(features, width).with_attributes(sizes, attributes)
    }

    /// All combinations of attributes with so many values, the last attribute changing fastest.
    pub fn grid(sizes: &[usize]) -> Items {
        let n: usize = sizes.iter().product();
        let mut attributes = Vec::with_capacity(n * sizes.len());
        for item in 0..n {
            let mut below = n;
            attributes.extend(sizes.iter().map(|size| {
                below /= size;
                (item / below % size) as u32
            }));
        }
        Items::of_attributes(sizes, attributes)
    }

    /// With attributes, `items x attributes` values below their sizes.
    pub fn with_attributes(self, sizes: &[usize], attributes: Vec<u32>) -> Items {
        assert_eq!(attributes.len(), self.len() * sizes.len(), "every item has every attribute");
        let fits = attributes.chunks_exact(sizes.len().max(1)).flat_map(|row| row.iter().zip(sizes));
        assert!(fits.into_iter().all(|(&value, &size)| (value as usize) < size), "a value of its attribute");
        Items { sizes: sizes.to_vec(), attributes, ..self }
    }

    /// With a class for each item.
    pub fn with_classes(self, classes: Vec<u32>) -> Items {
        assert_eq!(classes.len(), self.len(), "a class for each item");
        Items { classes: Some(classes), ..self }
    }

    /// With some items held out: those that are not marked are never learnt from.
    pub fn with_train(self, train: Vec<bool>) -> Items {
        assert_eq!(train.len(), self.len(), "a mark for each item");
        assert!(train.contains(&true), "an item that is learnt from");
        let split = |learnt| (0..).zip(&train).filter(|&(_, &train)| train == learnt).map(|(item, _)| item).collect();
        let splits = [false, true].map(split);
        Items { train, splits, ..self }.summed()
    }

    /// Drawn by weights in place of evenly.
    pub fn with_weights(self, weights: Vec<f64>) -> Items {
        assert_eq!(weights.len(), self.len(), "a weight for each item");
        assert!(weights.iter().all(|&weight| weight >= 0.0 && weight.is_finite()), "weights are not below 0");
        Items { weights: Some(weights), ..self }.summed()
    }

    fn summed(mut self) -> Items {
        if let Some(weights) = &self.weights {
            let mut sum = 0.0;
            let up_to = self.splits[1].iter().map(|&item| {
                sum += weights[item as usize];
                sum
            });
            self.sums = up_to.collect();
            assert!(sum > 0.0, "an item that is learnt from and drawn");
        }
        self
    }

    /// Drawn by one over their rank, the first most often (Chaabouni et al. 2019).
    pub fn by_rank(self) -> Items {
        let weights = (1..=self.len()).map(|rank| 1.0 / rank as f64).collect();
        self.with_weights(weights)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.features.len() / self.width
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.features.is_empty()
    }

    /// How many features each has.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The features of one.
    pub fn features(&self, item: u32) -> &[f32] {
        &self.features[item as usize * self.width..][..self.width]
    }

    /// How many values each attribute has; none where there are no attributes.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// The attributes of one.
    pub fn attributes(&self, item: u32) -> &[u32] {
        &self.attributes[item as usize * self.sizes.len()..][..self.sizes.len()]
    }

    /// The class of one, where there are classes.
    pub fn class(&self, item: u32) -> Option<u32> {
        self.classes.as_ref().map(|classes| classes[item as usize])
    }

    /// Whether it is learnt from.
    pub fn learnt(&self, item: u32) -> bool {
        self.train[item as usize]
    }

    /// Those that are learnt from, or those that are held out.
    pub fn split(&self, learnt: bool) -> &[u32] {
        &self.splits[usize::from(learnt)]
    }

    /// The item that a number of 64 random bits draws, of those that are learnt from.
    pub(super) fn drawn(&self, bits: u64) -> u32 {
        let learnt = &self.splits[1];
        let Some(sum) = self.sums.last() else { return learnt[scale(bits, learnt.len() as u64) as usize] };
        let at = (bits >> 11) as f64 / (1u64 << 53) as f64 * sum;
        learnt[self.sums.partition_point(|&below| below <= at).min(learnt.len() - 1)]
    }

    /// The first item that looks the same.
    pub(super) fn view(&self, item: u32) -> u32 {
        self.views[item as usize]
    }

    /// What a game asks of items and these do not have.
    pub fn check(&self, setup: &Setup) -> Result<(), Wrong> {
        let learnt = self.split(true).len();
        match setup.game {
            Game::Reconstruction if self.sizes.is_empty() => Err(("game", "reconstruction needs items with attributes".into())),
            Game::Contrastive { .. } if self.classes.is_none() => {
                Err(("game", "the contrastive game needs items with classes".into()))
            }
            Game::Discrimination { candidates } if candidates > learnt => {
                Err(("game.candidates", format!("there are {candidates} candidates and {learnt} items to learn from")))
            }
            Game::Contrastive { candidates, .. } => {
                let mut sizes: BTreeMap<u32, usize> = BTreeMap::new();
                self.split(true).iter().for_each(|&item| *sizes.entry(self.class(item).unwrap_or(0)).or_default() += 1);
                match sizes.values().copied().max().map(|most| learnt - most) {
                    Some(others) if others + 1 < candidates => Err((
                        "game.candidates",
                        format!("some class leaves {others} items of others to learn from, for {candidates} candidates"),
                    )),
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_has_every_combination_once() {
        let items = Items::grid(&[2, 3]);
        let all: Vec<&[u32]> = (0..6).map(|item| items.attributes(item)).collect();
        assert_eq!(all, [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]);
        assert_eq!(items.features(4), [0.0, 1.0, 0.0, 1.0, 0.0]);
    }

    #[test]
    fn items_are_drawn_by_their_weights_and_never_where_they_are_held_out() {
        let items = Items::grid(&[4]).by_rank().with_train(vec![true, true, false, true]);
        let mut counts = [0; 4];
        let n = 16_000u64;
        (0..n).for_each(|i| counts[items.drawn(i * (u64::MAX / n)) as usize] += 1);
        let share = |rank: f64| (n as f64 / rank / 1.75).round() as i64;
        assert_eq!(counts[2], 0);
        for (item, rank) in [(0, 1.0), (1, 2.0), (3, 4.0)] {
            assert!((counts[item] - share(rank)).abs() <= 1, "{counts:?}");
        }
    }

    #[test]
    fn items_that_look_the_same_are_one_view() {
        let items = Items::new(vec![1.0, 2.0, 3.0, 4.0, 1.0, 2.0], 2);
        assert_eq!([0, 1, 2].map(|item| items.view(item)), [0, 1, 0]);
    }
}
