//! The games as plain loops, as good as one writes them for one population and nothing else: numbers from one generator,
//! reduced by a multiplication and a shift, and agents as they are quickest. Also the clock and the machine.

use cpu_time::ProcessTime;
use std::collections::HashMap;
use std::hint::black_box;

/// Rounds that agents with a kernel remember.
pub const MEMORY: usize = 5;
/// The windows of that many rounds of two names, or fewer.
pub const STATES: usize = 1365;

/// SplitMix64.
pub fn splitmix(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }
}

/// A multiplication and a shift (Lemire 2019) in place of a remainder, which costs several times as much.
pub fn below(word: u64, n: u64) -> u64 {
    ((u128::from(word) * u128::from(n)) >> 64) as u64
}

/// Two different agents.
pub fn two(draw: &mut impl FnMut() -> u64, n: u64) -> [usize; 2] {
    let (a, b) = (below(draw(), n), below(draw(), n - 1));
    [a as usize, (b + u64::from(b >= a)) as usize]
}

/// The number of a window of two names.
pub fn index(window: &[[u16; 2]]) -> usize {
    window.iter().fold(0, |code, [own, partner]| code << 2 | usize::from(own << 1 | partner))
        + ((1 << (2 * window.len())) - 1) / 3
}

/// The window of a number.
pub fn window(mut state: usize) -> Vec<[u16; 2]> {
    let mut len = 0;
    while state >= 1 << (2 * len) {
        state -= 1 << (2 * len);
        len += 1;
    }
    (0..len).rev().map(|lag| [(state >> (2 * lag + 1) & 1) as u16, (state >> (2 * lag) & 1) as u16]).collect()
}

/// Agents that respond to their last rounds: a probability and four successors for each window.
pub struct Kernel {
    p: Vec<f64>,
    next: Vec<[u16; 4]>,
}

impl Kernel {
    /// `first` is the probability of the first name after a window.
    pub fn new(first: impl Fn(&[[u16; 2]]) -> f64) -> Kernel {
        let (mut p, mut next) = (Vec::new(), Vec::new());
        for state in 0..STATES {
            let window = window(state);
            p.push(first(&window));
            next.push([[0, 0], [0, 1], [1, 0], [1, 1]].map(|round| {
                let mut longer = window.clone();
                longer.push(round);
                index(&longer[longer.len().saturating_sub(MEMORY)..]) as u16
            }));
        }
        Kernel { p, next }
    }

    /// The longest streak of successes of a population; with `ROUNDS`, also the share of successes and of the first name in
    /// each round, and else how many succeeded.
    pub fn play<const ROUNDS: bool>(&self, seed: u64, n: u64, interactions: u64, rounds: &mut Vec<[f64; 2]>) -> u64 {
        let mut draw = splitmix(seed);
        let mut agents = vec![0u16; n as usize];
        let (mut successes, mut streak, mut longest) = (0, 0u64, 0);
        let (mut left, mut of_round) = (n, [0u64; 2]);
        let unit = |bits: u64| (bits >> 11) as f64 / (1u64 << 53) as f64;
        for _ in 0..interactions {
            let [a, b] = two(&mut draw, n);
            let name_a = usize::from(unit(draw()) >= self.p[agents[a] as usize]);
            let name_b = usize::from(unit(draw()) >= self.p[agents[b] as usize]);
            agents[a] = self.next[agents[a] as usize][name_a * 2 + name_b];
            agents[b] = self.next[agents[b] as usize][name_b * 2 + name_a];
            let success = name_a == name_b;
            successes += u64::from(success);
            streak = if success { streak + 1 } else { 0 };
            longest = longest.max(streak);
            if ROUNDS {
                of_round[0] += u64::from(success);
                of_round[1] += (2 - name_a - name_b) as u64;
                left -= 1;
                if left == 0 {
                    rounds.push([of_round[0] as f64 / n as f64, of_round[1] as f64 / (2 * n) as f64]);
                    (left, of_round) = (n, [0; 2]);
                }
            }
        }
        successes + longest
    }
}

/// How many words are known, and of how many kinds they are; kept where that is asked for.
struct Words<const COUNTED: bool> {
    all: u64,
    holders: Vec<u32>,
    different: u64,
    agreed: bool,
}

impl<const COUNTED: bool> Words<COUNTED> {
    fn new() -> Words<COUNTED> {
        Words { all: 0, holders: Vec::new(), different: 0, agreed: false }
    }
    #[inline(always)]
    fn gain(&mut self, word: u32) {
        if COUNTED {
            if self.holders.len() <= word as usize {
                self.holders.resize(word as usize + 1, 0);
            }
            self.holders[word as usize] += 1;
            self.different += u64::from(self.holders[word as usize] == 1);
            self.all += 1;
        }
    }
    #[inline(always)]
    fn lose(&mut self, word: u32) {
        if COUNTED {
            self.holders[word as usize] -= 1;
            self.different -= u64::from(self.holders[word as usize] == 0);
            self.all -= 1;
        }
    }
    #[inline(always)]
    fn consensus(&mut self, n: u64) -> bool {
        self.agreed |= COUNTED && self.all == n && self.different == 1;
        self.agreed
    }
}

/// The minimal naming game with a list of words for each agent. Counts words, and notices consensus, where that is asked
/// for; with `until`, ends with it. Gives the interactions that were played.
pub fn naming<const COUNTED: bool>(seed: u64, n: u64, interactions: u64, until: bool) -> u64 {
    let mut draw = splitmix(seed);
    let mut agents: Vec<Vec<u32>> = vec![Vec::new(); n as usize];
    let (mut successes, mut invented, mut words) = (0u64, 0, Words::<COUNTED>::new());
    for t in 0..interactions {
        let [speaker, hearer] = two(&mut draw, n);
        if agents[speaker].is_empty() {
            agents[speaker].push(invented);
            words.gain(invented);
            invented += 1;
        }
        let word = agents[speaker][below(draw(), agents[speaker].len() as u64) as usize];
        if agents[hearer].contains(&word) {
            for agent in [speaker, hearer] {
                if COUNTED {
                    agents[agent].iter().filter(|&&known| known != word).for_each(|&known| words.lose(known));
                }
                agents[agent].clear();
                agents[agent].push(word);
            }
            successes += 1;
        } else {
            agents[hearer].push(word);
            words.gain(word);
        }
        if words.consensus(n) && until {
            return t + 1;
        }
    }
    black_box(successes);
    interactions
}

/// An agent in a cache line; more words than fit lie elsewhere.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Row {
    n: u32,
    words: [u32; 15],
}

/// The same with agents in rows of 64 bytes.
pub fn naming_in_rows<const COUNTED: bool>(seed: u64, n: u64, interactions: u64, until: bool) -> u64 {
    let mut draw = splitmix(seed);
    let mut agents = vec![Row { n: 0, words: [0; 15] }; n as usize];
    let mut more: HashMap<usize, Vec<u32>> = HashMap::new();
    let (mut successes, mut invented, mut words) = (0u64, 0, Words::<COUNTED>::new());
    for t in 0..interactions {
        let [speaker, hearer] = two(&mut draw, n);
        if agents[speaker].n == 0 {
            agents[speaker].n = 1;
            agents[speaker].words[0] = invented;
            words.gain(invented);
            invented += 1;
        }
        let at = below(draw(), u64::from(agents[speaker].n)) as usize;
        let word = if at < 15 { agents[speaker].words[at] } else { more[&speaker][at - 15] };
        let row = &agents[hearer];
        let within = row.words[..row.n.min(15) as usize].contains(&word);
        if within || row.n > 15 && more[&hearer].contains(&word) {
            for agent in [speaker, hearer] {
                let row = &mut agents[agent];
                if row.n > 15 {
                    more.remove(&agent).into_iter().flatten().filter(|&known| known != word).for_each(|known| words.lose(known));
                }
                if COUNTED {
                    row.words[..row.n.min(15) as usize]
                        .iter()
                        .filter(|&&known| known != word)
                        .for_each(|&known| words.lose(known));
                }
                row.n = 1;
                row.words[0] = word;
            }
            successes += 1;
        } else {
            let row = &mut agents[hearer];
            match row.n {
                0..15 => row.words[row.n as usize] = word,
                _ => more.entry(hearer).or_default().push(word),
            }
            row.n += 1;
            words.gain(word);
        }
        if words.consensus(n) && until {
            return t + 1;
        }
    }
    black_box(successes);
    interactions
}

/// Two names as bits, with a tenth of the agents committed to the first and the others agreed on the second. With `COUNTED`
/// words are counted and consensus is noticed.
pub fn two_names<const COUNTED: bool>(seed: u64, n: u64, interactions: u64) -> u64 {
    let mut draw = splitmix(seed);
    let mut agents = vec![2u8; n as usize];
    let committed = (n / 10) as usize;
    agents[..committed].fill(1);
    let (mut successes, mut words, mut agreed) = (0u64, n, false);
    let mut holders = [committed as u64, n - committed as u64];
    for _ in 0..interactions {
        let [speaker, hearer] = two(&mut draw, n);
        let word = if agents[speaker] == 3 { 1 << (draw() & 1) } else { agents[speaker] };
        let success = agents[hearer] & word != 0;
        for (agent, hears) in [(speaker, false), (hearer, true)] {
            if agent < committed {
                continue;
            }
            let before = agents[agent];
            let after = if success {
                word
            } else if hears {
                before | word
            } else {
                before
            };
            agents[agent] = after;
            if COUNTED {
                words = words + u64::from(after.count_ones()) - u64::from(before.count_ones());
                for (name, holders) in holders.iter_mut().enumerate() {
                    *holders = *holders + u64::from(after >> name & 1) - u64::from(before >> name & 1);
                }
            }
        }
        successes += u64::from(success);
        agreed |= COUNTED && words == n && holders.contains(&n);
    }
    successes + u64::from(agreed)
}

/// Millions of random cache lines read in a second: 1 GiB of huge pages, addresses that do not wait for one another.
pub fn random_lines() -> f64 {
    let lines = cratylus_core::machine::filled(1 << 24, [0u64; 8]);
    median(3, || {
        let mut draw = splitmix(1);
        let begun = ProcessTime::now();
        let mut sum = 0;
        const READS: u64 = 20_000_000;
        for _ in 0..READS / 16 {
            let places: [usize; 16] = std::array::from_fn(|_| (draw() >> 40) as usize);
            sum += places.iter().map(|&place| lines[place][0]).sum::<u64>();
        }
        black_box(sum);
        READS as f64 / begun.elapsed().as_secs_f64() / 1e6
    })
}

/// The median of several measurements.
pub fn median(times: usize, mut measure: impl FnMut() -> f64) -> f64 {
    let mut values: Vec<f64> = (0..times).map(|_| measure()).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// CPU seconds, of this process and of the system for it, that work in it takes.
pub fn seconds(work: impl FnOnce()) -> f64 {
    let begun = ProcessTime::now();
    work();
    begun.elapsed().as_secs_f64()
}

/// CPU seconds of all commands that this process has waited for.
pub fn of_commands() -> f64 {
    // SAFETY: a record of plain numbers is filled by the system, whose leave is not needed.
    #[allow(unsafe_code)]
    let used = unsafe {
        let mut used = std::mem::zeroed::<libc::rusage>();
        libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut used);
        used
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 * 1e-6;
    seconds(used.ru_utime) + seconds(used.ru_stime)
}

/// A peer's own figure, in millions of interactions per CPU second of its loop; None where it is not set up, or fails.
pub fn peer(name: &str, arguments: &str) -> Option<f64> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    let mut command = match name.ends_with(".py") {
        true => {
            let mut python = std::process::Command::new(folder.join(".venv/bin/python"));
            python.arg(folder.join(name));
            python
        }
        false => std::process::Command::new(folder.join(name).join("target/release").join(name)),
    };
    let out = command.args(arguments.split(' ')).args(["--seed", "1"]).output().ok().filter(|out| out.status.success())?;
    let line: serde_json::Value = serde_json::from_slice(&out.stdout).ok()?;
    line["rate"].as_f64().map(|rate| rate / 1e6)
}

/// Whether peers are set up; says so where they are not.
pub fn peers_are_there() {
    if !std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/.venv").exists() {
        println!("peers are not set up (benches/peers/setup.sh), so none is shown");
    }
}
