//! How far agents have the same signs for the same objects, and how far signs are classes of things; beside it how likely what
//! they perceive is with the signs that they have.

use crate::event::Event;
use crate::event::block::Block;
use crate::fault::Fault;
use crate::kept::{self, Keep, Keeper};
use crate::symbols::{SignsFollowed, SymbolModel, SymbolRun};
use crate::watch::measure::{Course, Measure, MeasureEntry, RunContext};
use smol_str::{SmolStr, format_smolstr};

pub const ENTRY: MeasureEntry = MeasureEntry {
    name: "kappa, ari:AGENT, joint_log_likelihood",
    words: "game `symbols`, after each sweep: agreement of two agents' signs beyond chance, Cohen's kappa, mean over pairs (0 by chance; of one run without communication anything from -0.5 to 0.9 where there are few signs); the adjusted Rand index of each agent's signs and the true classes (Hubert & Arabie 1985; 0 by chance, 1 where they are the same partition); of agents of kind `gaussian-mixture` and `fixed` the log probability of signs and of all that is perceived, in nats, parameters integrated out, to be compared within one model only",
    new: |context| Box::new(Signs::new(context)),
    counts: false,
    courses: &[
        Course::late("joint_log_likelihood", "log likelihood", false),
        Course::late("kappa", "kappa", true),
        Course::late("ari", "ARI", true),
    ],
};

/// More agents than these have no adjusted Rand index each.
const AGENTS: usize = 64;

/// None in other games.
struct Signs(Option<Followed>);

struct Followed {
    run: SymbolRun,
    signs: SignsFollowed,
}

impl Keep for Signs {
    fn keep(&self, out: &mut Keeper<'_>) {
        if let Some(Followed { signs, .. }) = &self.0 {
            kept::keep(signs, out);
        }
    }

    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Fault> {
        if let Some(followed) = &mut self.0 {
            followed.signs = kept::take(from)?;
        }
        Ok(())
    }
}

impl Signs {
    fn new(context: &RunContext) -> Signs {
        Signs(context.symbols.as_ref().map(|run| Followed { signs: SignsFollowed::new(run), run: run.clone() }))
    }
}

impl Followed {
    fn rated(&self) -> usize {
        if self.run.perceived.classes.is_some() { self.signs.agents.min(AGENTS) } else { 0 }
    }

    fn kappa(&self) -> f64 {
        let SignsFollowed { agents, signs, .. } = self.signs;
        let tables: Vec<Vec<f64>> = (0..agents).map(|agent| shares(self.signs.of(agent), signs)).collect();
        let (mut sum, mut n) = (0.0, 0u32);
        for a in 0..agents {
            for b in 0..a {
                let kappa = kappa(self.signs.of(a), self.signs.of(b), [&tables[a], &tables[b]]);
                if !kappa.is_nan() {
                    sum += kappa;
                    n += 1;
                }
            }
        }
        sum / f64::from(n)
    }

    /// ln of P(signs) times the product over agents of P(what it perceives | its signs).
    fn log_likelihood(&self) -> Option<f64> {
        let SignsFollowed { agents, objects, signs, .. } = self.signs;
        let perceived = |agent: usize| -> Option<f64> {
            let own = self.signs.of(agent);
            match &self.run.of.model {
                SymbolModel::Gaussian(prior) => {
                    let features = &self.run.perceived.agents[agent];
                    let of = |sign: usize| {
                        let with =
                            features.values.chunks_exact(features.width).zip(own).filter(|(_, has)| usize::from(**has) == sign);
                        let values: Vec<f64> = with.flat_map(|(x, _)| x.iter().copied()).collect();
                        prior.ln_evidence(&values, features.width)
                    };
                    Some((0..signs).map(of).sum())
                }
                SymbolModel::Fixed => {
                    let crate::symbols::WorldSpec::Tables { likelihood, .. } = self.run.of.things.spec() else { return None };
                    Some(own.iter().map(|&sign| likelihood[agent][usize::from(sign)].ln()).sum())
                }
                SymbolModel::Dirichlet(_) => None,
            }
        };
        let all: Option<f64> = (0..agents).map(perceived).sum();
        Some(all? - objects as f64 * (signs as f64).ln())
    }
}

/// How often each sign is had.
fn shares(own: &[u16], signs: usize) -> Vec<f64> {
    let mut out = vec![0.0; signs];
    own.iter().for_each(|&sign| out[usize::from(sign)] += 1.0 / own.len() as f64);
    out
}

/// Cohen's kappa; not a number where neither ever varies.
fn kappa(a: &[u16], b: &[u16], [of_a, of_b]: [&[f64]; 2]) -> f64 {
    let same = a.iter().zip(b).filter(|(a, b)| a == b).count() as f64 / a.len() as f64;
    let chance: f64 = of_a.iter().zip(of_b).map(|(a, b)| a * b).sum();
    if chance > 1.0 - 1e-12 { f64::NAN } else { (same - chance) / (1.0 - chance) }
}

/// The adjusted Rand index of two partitions (Hubert & Arabie, J. Classif. 2 (1985) 193).
fn adjusted_rand(signs: &[u16], n_signs: usize, classes: &[u32]) -> f64 {
    let n_classes = classes.iter().max().map_or(0, |&most| most as usize + 1);
    let (mut cells, mut rows, mut columns) = (vec![0u64; n_signs * n_classes], vec![0u64; n_signs], vec![0u64; n_classes]);
    for (&sign, &class) in signs.iter().zip(classes) {
        cells[usize::from(sign) * n_classes + class as usize] += 1;
        rows[usize::from(sign)] += 1;
        columns[class as usize] += 1;
    }
    let pairs = |counts: &[u64]| counts.iter().map(|&n| (n * n.saturating_sub(1) / 2) as f64).sum::<f64>();
    let (both, of_rows, of_columns) = (pairs(&cells), pairs(&rows), pairs(&columns));
    let due = of_rows * of_columns / pairs(&[signs.len() as u64]);
    let most = (of_rows + of_columns) / 2.0;
    // Two partitions that are both one part, or both of parts of one, are the same.
    if most == due || signs.len() < 2 { 1.0 } else { (both - due) / (most - due) }
}

impl Measure for Signs {
    fn reads(&self) -> Vec<SmolStr> {
        let Some(followed) = &self.0 else { return Vec::new() };
        let mut all = vec![SmolStr::new_static("kappa")];
        all.extend((1..=followed.rated()).map(|agent| format_smolstr!("ari:{agent}")));
        if !matches!(followed.run.of.model, SymbolModel::Dirichlet(_)) {
            all.push(SmolStr::new_static("joint_log_likelihood"));
        }
        all
    }

    fn see(&mut self, event: &Event<'_>) {
        self.0.as_mut().and_then(|followed| followed.signs.see(event));
    }

    fn see_block(&mut self, block: &Block, from: usize, to: usize) {
        if let Some(followed) = &mut self.0 {
            followed.signs.see_block(block, from, to, |_, _| ());
        }
    }

    fn round(&mut self, _: u64, out: &mut [f64]) {
        let Some(followed) = &self.0 else { return };
        out[0] = followed.kappa();
        let rated = followed.rated();
        if let Some(classes) = &followed.run.perceived.classes {
            for (agent, out) in out[1..=rated].iter_mut().enumerate() {
                *out = adjusted_rand(followed.signs.of(agent), followed.signs.signs, classes);
            }
        }
        if let (Some(log), Some(out)) = (followed.log_likelihood(), out.get_mut(rated + 1)) {
            *out = log;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agreement_and_partitions_are_rated_beyond_chance() {
        // Cohen (1960): of 4 the two agree on 3; by chance 3/8 + 1/8 of them.
        let (a, b) = ([0u16, 0, 1, 1], [0u16, 0, 0, 1]);
        let found = kappa(&a, &b, [&shares(&a, 2), &shares(&b, 2)]);
        assert!((found - 0.5).abs() < 1e-12, "{found}");
        assert!(kappa(&[1, 1], &[1, 1], [&shares(&[1, 1], 2), &shares(&[1, 1], 2)]).is_nan());
        // scikit-learn's example: adjusted_rand_score([0, 0, 1, 2], [0, 0, 1, 1]) = 0.571...
        assert!((adjusted_rand(&[0, 0, 1, 2], 3, &[0, 0, 1, 1]) - 4.0 / 7.0).abs() < 1e-12);
        assert_eq!(adjusted_rand(&[1, 1, 0, 0], 2, &[0, 0, 1, 1]), 1.0);
        assert_eq!(adjusted_rand(&[0, 0, 0, 0], 2, &[0, 1, 2, 3]), 0.0);
    }
}
