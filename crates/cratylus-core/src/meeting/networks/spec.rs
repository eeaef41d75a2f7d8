//! Which network agents meet on, as an experiment file says it.

use super::{Complete, EdgeList, Lattice, Ring, barabasi_albert, erdos_renyi, random_regular, stochastic_blocks, watts_strogatz};
use crate::{Network, Purpose, Seed};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Which network agents meet on.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum NetworkSpec {
    /// Everyone can meet everyone.
    #[default]
    Complete,
    /// A text file with an edge on each line.
    EdgeList {
        /// Relative to the experiment file.
        file: String,
    },
    /// A GraphML file.
    Graphml {
        /// Relative to the experiment file.
        file: String,
    },
    /// A circle, each agent joined to the nearest on both sides.
    Ring {
        /// Neighbours of each agent, half of them on each side; even.
        #[serde(default = "two")]
        degree: u32,
    },
    /// A grid of any dimension, each agent joined to those one step away.
    Lattice {
        /// Agents along each side; they multiply to the population's size.
        sides: Vec<u32>,
        /// Whether what leaves on one side comes back on the other.
        #[serde(default = "yes")]
        periodic: bool,
    },
    /// Every pair is joined with the same probability; `p` or `mean_degree`.
    ErdosRenyi {
        /// The probability of each pair, from 0 to 1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        p: Option<f64>,
        /// How many neighbours an agent has on average.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mean_degree: Option<f64>,
        /// With it one network for all runs; without it every run draws its own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seed: Option<u64>,
    },
    /// Everyone has the same number of neighbours, and who they are is random.
    RandomRegular {
        /// How many neighbours each has; even where the number of agents is odd.
        degree: u32,
        /// With it one network for all runs; without it every run draws its own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seed: Option<u64>,
    },
    /// Agents come one by one and join `m` of those with many neighbours.
    BarabasiAlbert {
        /// At least 1, and less than there are agents.
        m: u32,
        /// With it one network for all runs; without it every run draws its own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seed: Option<u64>,
    },
    /// Communities, dense within and sparse between.
    StochasticBlocks {
        /// Agents of each block; they add up to the population's size.
        sizes: Vec<u32>,
        /// The probability with which two agents of one block are joined.
        within: f64,
        /// The same for agents of different blocks.
        between: f64,
        /// With it one network for all runs; without it every run draws its own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seed: Option<u64>,
    },
    /// A ring of which some edges lead elsewhere: a small world.
    WattsStrogatz {
        /// Neighbours of each agent before any edge is moved; even.
        degree: u32,
        /// The probability with which an edge is moved.
        rewiring: f64,
        /// With it one network for all runs; without it every run draws its own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seed: Option<u64>,
    },
}

fn two() -> u32 {
    2
}

/// More edges than are drawn: 4 GB of them.
const EDGES_MAX: f64 = 5e8;

impl NetworkSpec {
    /// Every kind with words for lists, which name its keys.
    pub const KINDS: [(&str, &str); 10] = [
        ("complete", "everyone can meet everyone; takes no memory at any size"),
        ("edge-list", "an undirected network from a text file (file) with an edge on each line"),
        ("graphml", "an undirected network from a GraphML file (file), as igraph, NetworkX and Gephi write it"),
        ("ring", "a circle, each agent joined to the nearest (degree, 2 by default); takes no memory"),
        ("lattice", "a grid of any dimension (sides, periodic or not); takes no memory"),
        ("erdos-renyi", "every pair is joined with the same probability (p or mean_degree)"),
        ("random-regular", "everyone has the same number of random neighbours (degree)"),
        ("barabasi-albert", "agents come one by one and join those with many neighbours (m)"),
        ("stochastic-blocks", "communities of given sizes (sizes), dense within and sparse between (within, between)"),
        ("watts-strogatz", "a ring of which some edges lead elsewhere (degree, rewiring)"),
    ];

    /// As an experiment file says it.
    pub fn words(&self) -> String {
        toml::Value::try_from(self).expect("a network is plain data").to_string()
    }

    /// Whether it is drawn at random, and the seed that makes it one network for all runs.
    pub fn drawn(&self) -> Option<Option<u64>> {
        match self {
            NetworkSpec::ErdosRenyi { seed, .. }
            | NetworkSpec::RandomRegular { seed, .. }
            | NetworkSpec::BarabasiAlbert { seed, .. }
            | NetworkSpec::StochasticBlocks { seed, .. }
            | NetworkSpec::WattsStrogatz { seed, .. } => Some(*seed),
            _ => None,
        }
    }

    /// The network of a run of this seed among `size` agents, or that of all runs. An error names the key that is wrong.
    /// A file is read elsewhere.
    pub fn build(&self, size: u32, run: Seed) -> Result<Arc<dyn Network>, (&'static str, String)> {
        self.draw(size, run, 0)
    }

    /// The same for a run that stands beside those that were played, none of which can have left an agent alone: drawn
    /// again until none does.
    pub fn redraw(&self, size: u32, run: Seed) -> Result<Arc<dyn Network>, (&'static str, String)> {
        const DRAWS: u64 = 10_000;
        (0..DRAWS).map(|i| self.draw(size, run, i)).find(Result::is_ok).unwrap_or_else(|| self.draw(size, run, 0))
    }

    /// About how many edges it has, where it is drawn.
    fn edges(&self, size: u32) -> Option<f64> {
        let n = f64::from(size);
        match *self {
            NetworkSpec::ErdosRenyi { p, mean_degree, .. } => Some(n / 2.0 * mean_degree.or(p.map(|p| p * (n - 1.0)))?),
            NetworkSpec::RandomRegular { degree, .. } | NetworkSpec::WattsStrogatz { degree, .. } => {
                Some(n / 2.0 * f64::from(degree))
            }
            NetworkSpec::BarabasiAlbert { m, .. } => Some(n * f64::from(m)),
            NetworkSpec::StochasticBlocks { ref sizes, within, between, .. } => {
                let inside: f64 = sizes.iter().map(|&size| f64::from(size) * f64::from(size) / 2.0).sum();
                Some(within * inside + between * (n * n / 2.0 - inside))
            }
            _ => None,
        }
    }

    fn draw(&self, size: u32, run: Seed, i: u64) -> Result<Arc<dyn Network>, (&'static str, String)> {
        let mut draws = self.drawn().flatten().map_or(run, Seed).stream(Purpose::Network, i);
        let most = size.saturating_sub(1);
        let within = |key: &'static str, n: u32, least: u32, even: bool| match n >= least && n <= most && !(even && n % 2 == 1) {
            true => Ok(()),
            false => Err((
                key,
                format!("expected {}from {least} to {most} among {size} agents", if even { "an even number " } else { "" }),
            )),
        };
        let share = |key: &'static str, p: f64| match (0.0..=1.0).contains(&p) {
            true => Ok(()),
            false => Err((key, "expected a probability from 0 to 1".to_string())),
        };
        if let Some(edges) = self.edges(size).filter(|&edges| edges > EDGES_MAX) {
            return Err((
                "kind",
                format!("such a network has about {edges:.1e} edges, and {EDGES_MAX:.0e} are the most that are drawn"),
            ));
        }
        let edges = match *self {
            NetworkSpec::Complete | NetworkSpec::EdgeList { .. } | NetworkSpec::Graphml { .. } => {
                return Ok(Arc::new(Complete(size)));
            }
            NetworkSpec::Ring { degree } => return Ok(Arc::new(Ring::new(size, degree).map_err(|why| ("degree", why))?)),
            NetworkSpec::Lattice { ref sides, periodic } => {
                return Ok(Arc::new(Lattice::new(size, sides, periodic).map_err(|why| ("sides", why))?));
            }
            NetworkSpec::ErdosRenyi { p, mean_degree, .. } => {
                let p = match (p, mean_degree) {
                    (Some(p), None) => share("p", p).map(|()| p)?,
                    (None, Some(degree)) => share("mean_degree", degree / f64::from(most))
                        .map(|()| degree / f64::from(most))
                        .map_err(|(key, _)| (key, format!("expected a number from 0 to {most} among {size} agents")))?,
                    _ => return Err(("kind", "give `p` or `mean_degree`, one of the two".into())),
                };
                erdos_renyi(size, p, &mut draws)
            }
            NetworkSpec::RandomRegular { degree, .. } => {
                within("degree", degree, 1, size % 2 == 1)?;
                random_regular(size, degree, &mut draws)
            }
            NetworkSpec::BarabasiAlbert { m, .. } => {
                within("m", m, 1, false)?;
                barabasi_albert(size, m, &mut draws)
            }
            NetworkSpec::StochasticBlocks { ref sizes, within, between, .. } => {
                let sum: u64 = sizes.iter().map(|&size| u64::from(size)).sum();
                if sum != u64::from(size) {
                    return Err(("sizes", format!("the blocks add up to {sum} agents, and the population has {size}")));
                }
                share("within", within)?;
                share("between", between)?;
                stochastic_blocks(sizes, within, between, &mut draws)
            }
            NetworkSpec::WattsStrogatz { degree, rewiring, .. } => {
                within("degree", degree, 2, true)?;
                share("rewiring", rewiring)?;
                watts_strogatz(size, degree, rewiring, &mut draws)
            }
        };
        let edges = EdgeList::of(edges, size).map_err(|lonely| {
            ("kind", format!("agent {} was drawn without a neighbour, so it could never meet anyone; a higher degree or another seed helps", lonely + 1))
        })?;
        Ok(Arc::new(edges))
    }
}

fn yes() -> bool {
    true
}
