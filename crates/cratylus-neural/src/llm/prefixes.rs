//! What was read of the beginnings of prompts, within a bound of memory. It holds results and computes none,
//! so forgetting one costs time and changes nothing.

use super::net::StateMemory;
use std::collections::HashMap;
use std::sync::Arc;

pub(super) struct Prefixes {
    bytes_max: usize,
    bytes: usize,
    /// The last piece of each beginning, by all tokens up to its end.
    held: HashMap<Box<[u32]>, Held>,
    clock: u64,
}

struct Held {
    memory: Arc<StateMemory>,
    used: u64,
}

impl Prefixes {
    pub fn new(bytes_max: usize) -> Prefixes {
        Prefixes { bytes_max, bytes: 0, held: HashMap::new(), clock: 0 }
    }

    /// The pieces of a prompt that are held, from its beginning up to the first that is not.
    pub fn held(&mut self, prompt: &[u32]) -> Vec<Arc<StateMemory>> {
        let ends: Vec<usize> =
            super::pieces::ends(prompt.len()).take_while(|end| self.held.contains_key(&prompt[..*end])).collect();
        // The beginning is touched last: a piece is of no use once one before it is gone.
        let mut pieces: Vec<Arc<StateMemory>> = ends.iter().rev().map(|end| self.touch(&prompt[..*end])).collect();
        pieces.reverse();
        pieces
    }

    fn touch(&mut self, prefix: &[u32]) -> Arc<StateMemory> {
        self.clock += 1;
        let held = self.held.get_mut(prefix).expect("it was found just now");
        held.used = self.clock;
        held.memory.clone()
    }

    pub fn hold(&mut self, prefix: &[u32], memory: &Arc<StateMemory>) {
        let bytes = cost(prefix, memory);
        if bytes > self.bytes_max {
            return;
        }
        self.clock += 1;
        let held = Held { memory: memory.clone(), used: self.clock };
        if self.held.insert(prefix.into(), held).is_none() {
            self.bytes += bytes;
        }
        if self.bytes > self.bytes_max {
            self.forget();
        }
    }

    /// Lets go of the quarter that was not asked for longest.
    fn forget(&mut self) {
        let mut used: Vec<u64> = self.held.values().map(|held| held.used).collect();
        used.sort_unstable();
        let recent = used[used.len().div_ceil(4) - 1];
        self.held.retain(|_, held| held.used > recent);
        self.bytes = self.held.iter().map(|(prefix, held)| cost(prefix, &held.memory)).sum();
    }
}

fn cost(prefix: &[u32], memory: &StateMemory) -> usize {
    memory.bytes() + 4 * prefix.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device, Tensor};

    #[test]
    fn the_bound_is_kept_and_what_is_asked_for_stays() {
        let numbers = || Tensor::zeros((1, 64, 2), DType::F32, &Device::Cpu).unwrap();
        let memory = Arc::new(StateMemory(vec![(numbers(), numbers())]));
        let often = [7; 100];
        let mut prefixes = Prefixes::new(20 * cost(&[0; 64], &memory));
        for n in 0..1000 {
            let pieces = prefixes.held(&often).len();
            assert_eq!(pieces, usize::from(n > 0) * 3);
            for end in super::super::pieces::ends(often.len()).skip(pieces) {
                prefixes.hold(&often[..end], &memory);
            }
            prefixes.hold(&[n; 64], &memory);
            assert!(prefixes.bytes <= prefixes.bytes_max);
        }
        assert_eq!(prefixes.held(&[5; 65]).len(), 0);
        assert_eq!(prefixes.held(&[999; 65]).len(), 1);
    }
}
