//! A response as a table: the probability of each of two names for each window of remembered rounds.

use crate::meeting::networks::Complete;
use crate::meeting::pairs::Pairing;
use crate::policy::{Policy, Round};
use crate::seed::Seed;

/// P(first name | window) for every window of at most `memory` rounds.
#[derive(Clone, Debug, PartialEq)]
pub struct Kernel {
    /// The longest window, in rounds.
    pub memory: usize,
    /// In the order of [`state_index`]: 1, 4, 16, … windows of 0, 1, 2, … rounds.
    p_name0: Vec<f64>,
}

impl Kernel {
    /// A table from rows of (state, probability of the first name). A state interleaves own and partner's
    /// choice, oldest round first, as digits: `01` means that I chose the first name and my partner the second.
    /// Every window up to the longest must be there, once.
    pub fn from_rows<'a>(rows: impl IntoIterator<Item = (&'a str, f64)>) -> Result<Kernel, String> {
        let mut found: Vec<Option<f64>> = Vec::new();
        let mut memory = 0;
        for (state, p) in rows {
            let digits: Option<Vec<u16>> = state.chars().map(|c| c.to_digit(2).map(|d| d as u16)).collect();
            let digits = digits.filter(|digits| digits.len() % 2 == 0 && digits.len() <= 2 * MEMORY_MAX);
            let digits = digits
                .ok_or_else(|| format!("state `{state}` is not an even number of digits 0 and 1, at most {}", 2 * MEMORY_MAX))?;
            // Published tables hold values such as 1.0000000000000002.
            if !(-1e-6..=1.0 + 1e-6).contains(&p) {
                return Err(format!("state `{state}`: {p} is not a probability"));
            }
            let window: Vec<Round> = digits.chunks(2).map(|round| [round[0], round[1]]).collect();
            memory = memory.max(window.len());
            let i = state_index(&window);
            if found.len() <= i {
                found.resize(states_up_to(window.len()), None);
            }
            if found[i].replace(p.clamp(0.0, 1.0)).is_some() {
                return Err(format!("state `{state}` occurs twice"));
            }
        }
        found.resize(states_up_to(memory), None);
        let missing = found.iter().filter(|p| p.is_none()).count();
        if missing > 0 {
            return Err(format!("{missing} of the {} states of up to {memory} rounds are missing", found.len()));
        }
        Ok(Kernel { memory, p_name0: found.into_iter().flatten().collect() })
    }

    /// A table of what `p_name0` says of every window of at most `memory` rounds.
    pub fn of(memory: usize, p_name0: impl FnMut(&[Round]) -> f64) -> Kernel {
        let windows = all_states(memory);
        Kernel { memory, p_name0: windows.iter().map(Vec::as_slice).map(p_name0).collect() }
    }

    /// P(first name | window), of at most as many rounds as the longest.
    pub fn p(&self, window: &[Round]) -> f64 {
        self.p_name0[state_index(window)]
    }

    /// The mean of responses with as long a memory, state by state: what agents do that follow one of them anew each time.
    pub fn mean(kernels: &[Kernel]) -> Kernel {
        let mut mean = kernels[0].clone();
        for (i, p) in mean.p_name0.iter_mut().enumerate() {
            *p = kernels.iter().map(|kernel| kernel.p_name0[i]).sum::<f64>() / kernels.len() as f64;
        }
        mean
    }

    /// The same with both names treated alike.
    pub fn symmetric(&self) -> Kernel {
        Kernel::mean(&[self.clone(), self.relabelled()])
    }

    /// The same at another temperature than 1: below it what is likelier is likelier still.
    pub fn at_temperature(&self, temperature: f64) -> Kernel {
        let sharpened = |p: f64| {
            let [a, b] = [p, 1.0 - p].map(|p| p.powf(1.0 / temperature));
            a / (a + b)
        };
        Kernel { memory: self.memory, p_name0: self.p_name0.iter().copied().map(sharpened).collect() }
    }

    /// How often agents that follow the kernel are asked in each state, in the order of [`state_index`]: over `runs`
    /// populations of `size` on the complete network, `rounds` population rounds each from empty memories.
    pub fn visits(&self, size: u32, rounds: u64, runs: u64, seed: u64) -> Vec<u64> {
        let mut visits = vec![0; self.p_name0.len()];
        for run in 0..runs {
            let seed = Seed::of_run(seed, "visits", run);
            let mut windows: Vec<Vec<Round>> = vec![Vec::new(); size as usize];
            for t in 0..rounds * u64::from(size) {
                let agents = Pairing::AgentThenNeighbour.draw(seed.pair(t), &Complete(size));
                let names = [0, 1].map(|seat: usize| {
                    let state = state_index(&windows[agents[seat] as usize]);
                    visits[state] += 1;
                    u16::from(f64::from(seed.decision(t, seat as u8)) >= self.p_name0[state] * 4_294_967_296.0)
                });
                for seat in 0..2 {
                    let window = &mut windows[agents[seat] as usize];
                    window.push([names[seat], names[1 - seat]]);
                    if window.len() > self.memory {
                        window.remove(0);
                    }
                }
            }
        }
        visits
    }

    /// The same response with the two names exchanged.
    pub fn relabelled(&self) -> Kernel {
        let mut p_name0 = vec![0.0; self.p_name0.len()];
        let mut base = 0;
        for len in 0..=self.memory {
            let n = 1 << (2 * len);
            for code in 0..n {
                p_name0[base + code] = 1.0 - self.p_name0[base + (n - 1 - code)];
            }
            base += n;
        }
        Kernel { memory: self.memory, p_name0 }
    }
}

const MEMORY_MAX: usize = 10;

/// The number of windows of at most `memory` rounds of two names.
pub fn states_up_to(memory: usize) -> usize {
    ((1usize << (2 * (memory + 1))) - 1) / 3
}

/// A window's place among all: shorter ones first, then by digits, oldest first.
pub fn state_index(window: &[Round]) -> usize {
    let code = window.iter().fold(0, |code, [own, partner]| code << 2 | usize::from(own << 1 | partner));
    let shorter = ((1usize << (2 * window.len())) - 1) / 3;
    shorter + code
}

/// Every window of at most `memory` rounds of two names, in the order of [`state_index`].
pub fn all_states(memory: usize) -> Vec<Vec<Round>> {
    let of_length = |len: usize| {
        (0..1usize << (2 * len)).map(move |code| {
            let round = |lag: usize| (code >> (2 * (len - 1 - lag))) & 3;
            (0..len).map(|lag| [(round(lag) >> 1) as u16, (round(lag) & 1) as u16]).collect()
        })
    };
    (0..=memory).flat_map(of_length).collect()
}

/// A window as a kernel file writes it: own and partner's choice, oldest first, as digits.
pub fn state_text(window: &[Round]) -> String {
    window.iter().flatten().map(|name| if *name == 0 { '0' } else { '1' }).collect()
}

impl Policy for Kernel {
    fn distribution(&self, window: &[Round], out: &mut [f64]) {
        let p = self.p_name0[state_index(window)];
        out.copy_from_slice(&[p, 1.0 - p]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tiny() -> Vec<(&'static str, f64)> {
        vec![("", 0.6), ("00", 0.9), ("01", 0.4), ("10", 0.3), ("11", 0.1)]
    }

    #[test]
    fn a_state_reads_own_then_partner_oldest_first() {
        let kernel = Kernel::from_rows(tiny()).unwrap();
        let mut p = [0.0; 2];
        kernel.distribution(&[[0, 1]], &mut p);
        assert_eq!(p, [0.4, 0.6]);
        assert_eq!(state_index(&[[0, 1], [1, 0]]), 5 + 0b0110);
        assert_eq!(states_up_to(5), 1365);
    }

    #[test]
    fn states_come_in_the_order_of_their_places() {
        let states = all_states(3);
        assert_eq!(states.len(), states_up_to(3));
        assert!(states.iter().enumerate().all(|(i, window)| state_index(window) == i));
        assert_eq!(state_text(&states[5 + 0b0110]), "0110");
    }

    #[test]
    fn visits_are_where_populations_go() {
        let kernel = Kernel::from_rows([("", 1.0), ("00", 1.0), ("01", 0.0), ("10", 0.5), ("11", 0.5)]).unwrap();
        let visits = kernel.visits(10, 20, 3, 1);
        assert_eq!(visits.iter().sum::<u64>(), 2 * 10 * 20 * 3);
        assert_eq!((visits[0], visits[2], visits[3]), (30, 0, 0), "everybody says the first name from the start");
    }

    #[test]
    fn exchanging_the_names_twice_gives_the_table_back() {
        let kernel = Kernel::from_rows(tiny()).unwrap();
        let mut p = [0.0; 2];
        kernel.relabelled().distribution(&[[1, 0]], &mut p);
        assert!((p[1] - 0.4).abs() < 1e-12, "what 01 said of the first name, 10 now says of the second");
        let twice = kernel.relabelled().relabelled();
        assert!(twice.p_name0.iter().zip(&kernel.p_name0).all(|(a, b)| (a - b).abs() < 1e-12));
    }

    #[test]
    fn an_incomplete_table_is_refused() {
        let error = |rows: Vec<(&'static str, f64)>| Kernel::from_rows(rows).unwrap_err();
        assert_eq!(error(tiny()[..4].to_vec()), "1 of the 5 states of up to 1 rounds are missing");
        assert_eq!(error(vec![("", 0.5), ("", 0.5)]), "state `` occurs twice");
        assert_eq!(error(vec![("", 1.5)]), "state ``: 1.5 is not a probability");
        assert!(error(vec![("02", 0.5)]).starts_with("state `02` is not"));
    }
}
