//! How finely agents of the category game divide the line, and how far they agree on it.

use crate::categories::{Categories, Divided, LineAgreement, LinePieces, Seen};
use crate::event::Event;
use crate::event::block::Block;
use crate::watch::measure::{Course, Measure, MeasureEntry};
use crate::{Purpose, Seed};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

pub const ENTRY: MeasureEntry = MeasureEntry {
    name: "perceptual_categories, linguistic_categories, perceptual_overlap, linguistic_overlap, named_alike",
    words: "category game, after rounds 1 to 10, then after every tenth more, and at the end: perceptual and linguistic categories of an agent, mean over agents, the latter being neighbouring categories with the same word; over pairs of agents the mean overlap of both, 2 sum l_ij^2 / (sum l_i^2 + sum l_j^2) with l_ij the lengths between borders of either, and the part of the line for which both would say the same word (after Puglisi, Baronchelli & Loreto 2008); of more than 100,000 pairs so many are drawn",
    new: |context| {
        Box::new(CategoriesSeen {
            playing: context
                .scenes
                .clone()
                .map(|seen| (seen, Categories::new(vec![Divided::default(); context.size as usize], 0))),
            replacements: 0,
            next: 1,
            last: 0,
            size: context.size,
        })
    },
    counts: false,
    courses: &[
        Course::at_end("perceptual_categories", "perceptual", false),
        Course::at_end("linguistic_categories", "linguistic", false),
        Course::at_end("perceptual_overlap", "", true),
        Course::at_end("linguistic_overlap", "overlap", true),
        Course::at_end("named_alike", "named alike", true),
    ],
};

#[derive(Deserialize, Serialize)]
struct CategoriesSeen {
    /// None in other games.
    playing: Option<(Seen, Categories)>,
    /// How many times new agents have come so far.
    replacements: usize,
    /// The next round after which there are readings, and after how many interactions there were the last.
    next: u64,
    last: u64,
    size: u64,
}

/// More pairs of agents than this are not all compared.
const PAIRS: u64 = 100_000;

impl CategoriesSeen {
    fn say(&mut self, t: u64, out: &mut [f64]) {
        let Some((Seen { seed, .. }, categories)) = &self.playing else { return };
        if self.last == t {
            return;
        }
        self.last = t;
        let n = categories.agents.len() as f64;
        let mean = |count: &dyn Fn(&Divided) -> usize| categories.agents.iter().map(count).sum::<usize>() as f64 / n;
        let LineAgreement { perceptual, linguistic, named_alike } = agreement(categories, *seed, t);
        let (pieces, words) = (mean(&|agent| agent.ends.len()), mean(&|agent| agent.linguistic().count()));
        out.copy_from_slice(&[pieces, words, perceptual, linguistic, named_alike]);
    }
}

/// Over all pairs of agents, or over as many as are compared, drawn for the moment.
fn agreement(categories: &Categories, seed: Seed, t: u64) -> LineAgreement {
    let perceptual: Vec<LinePieces> = categories.agents.iter().map(LinePieces::perceptual).collect();
    let linguistic: Vec<LinePieces> = categories.agents.iter().map(LinePieces::linguistic).collect();
    let n = categories.agents.len();
    let (mut sum, mut pairs) = (LineAgreement::default(), 0u64);
    let mut compare = |i: usize, j: usize| {
        sum.perceptual += perceptual[i].overlap(&perceptual[j]).0;
        let (overlap, alike) = linguistic[i].overlap(&linguistic[j]);
        sum.linguistic += overlap;
        sum.named_alike += alike;
        pairs += 1;
    };
    if (n * (n - 1) / 2) as u64 <= PAIRS {
        (0..n).for_each(|i| (0..i).for_each(|j| compare(i, j)));
    } else {
        let mut draws = seed.stream(Purpose::Resample, t);
        for _ in 0..PAIRS {
            let i = draws.below(n as u64) as usize;
            let j = draws.below(n as u64 - 1) as usize;
            compare(i, if j < i { j } else { j + 1 });
        }
    }
    let pairs = pairs as f64;
    LineAgreement { perceptual: sum.perceptual / pairs, linguistic: sum.linguistic / pairs, named_alike: sum.named_alike / pairs }
}

impl Measure for CategoriesSeen {
    fn reads(&self) -> Vec<SmolStr> {
        let playing = self.playing.is_some();
        let all = ["perceptual_categories", "linguistic_categories", "perceptual_overlap", "linguistic_overlap", "named_alike"];
        all.into_iter().filter(|_| playing).map(SmolStr::new_static).collect()
    }

    fn see(&mut self, event: &Event<'_>) {
        if let Some((seen, categories)) = &mut self.playing {
            while let Some((_, agents)) = seen.replaced.get(self.replacements).filter(|(at, _)| *at <= event.t) {
                agents.iter().for_each(|&agent| categories.replace(agent));
                self.replacements += 1;
            }
            categories.see(event, seen.scenes.hearer_splits);
        }
    }

    fn see_block(&mut self, block: &Block, from: usize, to: usize) {
        if self.playing.is_some() {
            (from..to).for_each(|i| block.event(i).show(|event| self.see(event)));
        }
    }

    fn round(&mut self, t: u64, out: &mut [f64]) {
        let round = t / self.size;
        if round >= self.next && t.is_multiple_of(self.size) {
            self.next = round + round.div_ceil(10).max(1);
            self.say(t, out);
        }
    }

    fn end(&mut self, t: u64, out: &mut [f64]) {
        self.say(t, out);
    }
}
