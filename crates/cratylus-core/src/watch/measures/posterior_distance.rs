//! How far the signs that a society went through are from what all its agents know together.

use crate::event::Event;
use crate::event::block::Block;
use crate::symbols::{Exchanged, SignsFollowed, SymbolModel, SymbolRun, WorldSpec};
use crate::watch::measure::{Course, Measure, MeasureEntry};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

pub const ENTRY: MeasureEntry = MeasureEntry {
    name: "posterior_distance",
    words: "game `symbols` of agents with fixed likelihoods, at the end: how often an agent had each sign after it listened (with one sign of all: how often that was the sign), against the posterior of all agents, as total variation distance; mean over agents. 0 where they sample the posterior, but for the noise of a run: about 0.4 times the root of signs over independent exchanges",
    new: |context| Box::new(PosteriorDistance::new(context.symbols.as_ref())),
    counts: false,
    courses: &[Course::at_end("posterior_distance", "off posterior", true)],
};

#[derive(Default, Deserialize, Serialize)]
struct PosteriorDistance {
    /// None where the posterior is not known.
    followed: Option<SignsFollowed>,
    posterior: Vec<f64>,
    /// How often each agent had each sign.
    counts: Vec<u64>,
}

impl PosteriorDistance {
    fn new(run: Option<&SymbolRun>) -> PosteriorDistance {
        let Some(run) = run.filter(|run| run.of.model == SymbolModel::Fixed) else { return PosteriorDistance::default() };
        let WorldSpec::Tables { likelihood, .. } = run.of.things.spec() else { return PosteriorDistance::default() };
        let followed = SignsFollowed::new(run);
        let product = |sign: usize| likelihood[..followed.agents].iter().map(|own| own[sign]).product::<f64>();
        let products: Vec<f64> = (0..followed.signs).map(product).collect();
        let all: f64 = products.iter().sum();
        let lists = if followed.shared() { 1 } else { followed.agents };
        PosteriorDistance {
            posterior: products.into_iter().map(|p| p / all).collect(),
            counts: vec![0; lists * followed.signs],
            followed: Some(followed),
        }
    }
}

fn count(counts: &mut [u64], followed: &SignsFollowed, exchanged: Exchanged) {
    let list = if followed.shared() { 0 } else { exchanged.listener };
    counts[list * followed.signs + exchanged.signs[2]] += 1;
}

impl Measure for PosteriorDistance {
    fn reads(&self) -> Vec<SmolStr> {
        self.followed.iter().map(|_| SmolStr::new_static("posterior_distance")).collect()
    }

    fn see(&mut self, event: &Event<'_>) {
        let Some(followed) = &mut self.followed else { return };
        if let Some(exchanged) = followed.see(event) {
            count(&mut self.counts, followed, exchanged);
        }
    }

    fn see_block(&mut self, block: &Block, from: usize, to: usize) {
        let PosteriorDistance { followed: Some(followed), counts, .. } = self else { return };
        followed.see_block(block, from, to, |followed, exchanged| count(counts, followed, exchanged));
    }

    fn end(&mut self, _: u64, out: &mut [f64]) {
        let off = |counts: &[u64]| {
            let all = counts.iter().sum::<u64>() as f64;
            0.5 * counts.iter().zip(&self.posterior).map(|(&n, p)| (n as f64 / all - p).abs()).sum::<f64>()
        };
        let each: Vec<f64> = self.counts.chunks(self.posterior.len()).filter(|own| own.iter().any(|&n| n > 0)).map(off).collect();
        if !each.is_empty() {
            out[0] = each.iter().sum::<f64>() / each.len() as f64;
        }
    }
}
