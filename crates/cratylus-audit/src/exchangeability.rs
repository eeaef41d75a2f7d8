//! Whether a response is one function of the memory in every run: Pearson's chi-squared of run × (first name of the pool or
//! another) within each memory, over its degrees of freedom, against runs exchanged within memories.

use cratylus_core::{Purpose, Seed};

/// Memories of so many rounds at most are short: they hold many choices each.
pub const SHORT: usize = 2;

/// The choices made from one memory, run after run.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    /// How many there were in each run that had any, in the order of the runs.
    runs: Vec<u32>,
    /// Whether each was of the first name.
    first: Vec<bool>,
}

impl Choices {
    /// Takes in the next choice; runs come one after the other. `new` says that it is the run's first from this memory.
    pub fn push(&mut self, new: bool, first: bool) {
        match self.runs.last_mut().filter(|_| !new) {
            Some(n) => *n += 1,
            None => self.runs.push(1),
        }
        self.first.push(first);
    }

    /// Memories always answered alike say nothing.
    fn says_something(&self) -> bool {
        self.first.contains(&true) && self.first.contains(&false)
    }

    fn chi_squared(&self) -> f64 {
        let p = self.first.iter().filter(|&&first| first).count() as f64 / self.first.len() as f64;
        let mut from = 0;
        let of_run = |&n: &u32| {
            let here = &self.first[from..from + n as usize];
            from += n as usize;
            let first = here.iter().filter(|&&first| first).count() as f64;
            (first - f64::from(n) * p).powi(2) / (f64::from(n) * p * (1.0 - p))
        };
        self.runs.iter().map(of_run).sum()
    }
}

/// The statistic of choices from several memories, and the share of `permutations`, runs exchanged within memories, with one
/// at least as large. None where no memory was answered in two ways and in two runs.
pub fn permuted(choices: impl Iterator<Item = Choices>, permutations: usize, seed: Seed) -> Option<(f64, f64)> {
    let mut cells: Vec<Choices> = choices.filter(Choices::says_something).collect();
    let df: usize = cells.iter().map(|cell| cell.runs.len() - 1).sum();
    if df == 0 {
        return None;
    }
    let statistic = |cells: &[Choices]| cells.iter().map(Choices::chi_squared).sum::<f64>();
    let observed = statistic(&cells);
    let mut as_large = 1;
    for permutation in 0..permutations as u64 {
        let mut stream = seed.stream(Purpose::Resample, permutation);
        for Choices { first, .. } in &mut cells {
            let n = first.len();
            stream.shuffle(first, n);
        }
        as_large += usize::from(statistic(&cells) >= observed - 1e-9);
    }
    Some((observed / df as f64, as_large as f64 / (permutations + 1) as f64))
}
