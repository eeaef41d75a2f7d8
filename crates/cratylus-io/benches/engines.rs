//! How many interactions a core plays in a second of its time, beside a plain loop, the peers that are set up, and how
//! many random cache lines the machine reads, all measured in one go.
//!
//! `cargo bench -p cratylus-io --bench engines` prints everything; `-- kernel` what has that word in its name, and
//! `-- --large` populations of 10^8, too, which take 2 GiB. Absolute numbers belong to the machine; ratios are what to
//! compare. Peers are set up by `benches/peers/setup.sh` and left out, with a word, where they are not.

use cpu_time::ProcessTime;
use cratylus_core::event::block::Block;
use cratylus_core::event::tally::Tally;
use cratylus_core::experiment::Document;
use cratylus_core::fault::Fault;
use cratylus_core::kernel::Kernel;
use cratylus_core::spec::Inputs;
use cratylus_core::{Batch, Play, Sink, World, run};
use cratylus_io::store::inputs::read_kernel;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;

const MEMORY: usize = 5;
const STATES: usize = 1365;

struct Given(Kernel);

impl Inputs for Given {
    fn kernel(&self, _: &str, _: Option<&str>, _: [&str; 2]) -> Result<Kernel, String> {
        Ok(self.0.clone())
    }
    fn locate(&self, file: &str) -> Result<String, String> {
        Err(format!("no {file}"))
    }
    fn text(&self, file: &str) -> Result<String, String> {
        Err(file.into())
    }
    fn memories(&self, dir: &str, _: u64) -> Result<Vec<Vec<[String; 2]>>, String> {
        Err(dir.into())
    }
}

/// Counts successes, so that nothing is optimised away, and takes the time from the first block on: what stands before
/// it (who is who, the agents' first states) is no interaction.
#[derive(Default)]
struct Count {
    interactions: u64,
    successes: u64,
    begun: Option<ProcessTime>,
    seconds: f64,
}

impl Sink for Count {
    fn take(&mut self, _: u64, events: &Batch) -> Result<(), Fault> {
        self.begun.get_or_insert_with(ProcessTime::now);
        self.interactions += events.len() as u64;
        self.successes += events.iter().filter(|event| event.success() == Some(true)).count() as u64;
        Ok(())
    }
    fn block(&mut self, _: u64, block: &Block) -> Result<(), Fault> {
        self.begun.get_or_insert_with(ProcessTime::now);
        self.interactions += (block.n - block.first) as u64;
        self.successes += u64::from((block.success & block.played()).count_ones());
        Ok(())
    }
    fn tally(&mut self, _: u64, tally: &Tally) -> Result<(), Fault> {
        self.begun.get_or_insert_with(ProcessTime::now);
        // The first comes when it was played; its time is not seen, so it is not counted.
        self.interactions += if tally.start == 0 { 0 } else { tally.end - tally.start };
        self.successes += tally.successes;
        Ok(())
    }
    fn end(&mut self, _: u64) -> Result<(), Fault> {
        self.seconds += self.begun.take().map_or(0.0, |begun| begun.elapsed().as_secs_f64());
        Ok(())
    }
}

/// A case: what is played, how fast it should be in millions of interactions per second of one core, and what peers are
/// asked for the same.
struct Case {
    name: &'static str,
    text: String,
    replicas: u64,
    target: f64,
    peers: Vec<(&'static str, String)>,
    large: bool,
}

fn case(name: &'static str, target: f64, replicas: u64, text: String) -> Case {
    Case { name, text, replicas, target, peers: Vec::new(), large: false }
}

fn cases() -> Vec<Case> {
    let kernel = |size: u64, interactions: u64| {
        format!(
            "seed = 1\n[population]\nsize = {size}\n[game]\nkind = \"coordination\"\nnames = [\"a\", \"b\"]\nmemory = {MEMORY}\n\
             [agents]\nkind = \"kernel\"\nfile = \"given\"\n[stop]\ninteractions = {interactions}\n"
        )
    };
    let binary = |size: u64, interactions: u64| {
        format!(
            "seed = 1\nrecord = {{ interactions = false, measures = [\"success_rate\"] }}\n[population]\nsize = {size}\nstart = {{ consensus = \"b\" }}\n[game]\nkind = \"naming\"\nnames = [\"a\", \"b\"]\n\
             [agents]\nkind = \"inventory\"\n[agents.committed]\nname = \"a\"\nshare = 0.1\n[stop]\ninteractions = {interactions}\n"
        )
    };
    let counted = |size: u64, rounds: u64| {
        binary(size, 0)
            .replace("size = ", "engine = \"counts\"\nsize = ")
            .replace("interactions = 0", &format!("rounds = {rounds}"))
    };
    let naming = |size: u64, network: &str, interactions: u64| {
        format!(
            "seed = 1\nrecord = {{ interactions = false, measures = [\"success_rate\"] }}\n[population]\nsize = {size}\nnetwork = {network}\n[game]\nkind = \"naming\"\n\
             [agents]\nkind = \"inventory\"\n[stop]\ninteractions = {interactions}\n"
        )
    };
    let complete = "{ kind = \"complete\" }";
    let ba = "{ kind = \"barabasi-albert\", m = 4, seed = 1 }";
    let with = |case: Case, peers: &[&'static str], arguments: &str| {
        let peers = peers.iter().map(|peer| (*peer, arguments.to_string())).collect();
        Case { peers, ..case }
    };
    let naming_peers = ["numba_naming.py", "krabmaga_naming", "mesa_naming.py", "plain_python.py"];
    let large = |case: Case| Case { large: true, ..case };
    vec![
        with(
            case("kernel, 24 x 1000 runs", 80.0, 1000, kernel(24, 24 * 1000)),
            &["numba_kernel.py"],
            "--n 24 --interactions 24000 --replicas 1000",
        ),
        with(
            case("kernel, 10^4", 80.0, 1, kernel(10_000, 50_000_000)),
            &["numba_kernel.py"],
            "--n 10000 --interactions 5000000 --replicas 1",
        ),
        with(
            case("kernel, 10^6", 80.0, 1, kernel(1_000_000, 50_000_000)),
            &["numba_kernel.py"],
            "--n 1000000 --interactions 5000000 --replicas 1",
        ),
        case("kernel, 10^7", 50.0, 1, kernel(10_000_000, 50_000_000)),
        large(case("kernel, 10^8", 25.0, 1, kernel(100_000_000, 50_000_000))),
        with(
            case("binary committed, 10^5", 250.0, 1, binary(100_000, 100_000_000)),
            &["numba_binary.py"],
            "--n 100000 --interactions 5000000 --committed 0.1",
        ),
        with(
            case("binary committed, 10^6", 250.0, 1, binary(1_000_000, 100_000_000)),
            &["numba_binary.py"],
            "--n 1000000 --interactions 5000000 --committed 0.1",
        ),
        case("binary committed, 10^7", 120.0, 1, binary(10_000_000, 100_000_000)),
        large(case("binary committed, 10^8", 45.0, 1, binary(100_000_000, 100_000_000))),
        with(
            case("naming 5N, 10^4", 50.0, 100, naming(10_000, complete, 50_000)),
            &naming_peers,
            "--n 10000 --interactions 50000",
        ),
        with(
            case("naming 5N, 10^5", 60.0, 10, naming(100_000, complete, 500_000)),
            &naming_peers,
            "--n 100000 --interactions 500000",
        ),
        with(
            case("naming 5N, 10^6", 30.0, 1, naming(1_000_000, complete, 5_000_000)),
            &naming_peers,
            "--n 1000000 --interactions 5000000",
        ),
        case("naming to consensus, 10^4", 35.0, 10, naming(10_000, complete, 1_330_000)),
        case("counted, 10^6", 490.0, 1, counted(1_000_000, 200)),
        case("counted, 10^8", 1000.0, 1, counted(100_000_000, 50)),
        case("counted, 10^10", 10_000.0, 1, counted(10_000_000_000, 20)),
        case("naming, Barabási–Albert, 10^7", 10.0, 1, naming(10_000_000, ba, 50_000_000)),
    ]
}

fn index(window: &[[u16; 2]]) -> usize {
    window.iter().fold(0, |code, [own, partner]| code << 2 | usize::from(own << 1 | partner))
        + ((1 << (2 * window.len())) - 1) / 3
}

fn window(mut state: usize) -> Vec<[u16; 2]> {
    let mut len = 0;
    while state >= 1 << (2 * len) {
        state -= 1 << (2 * len);
        len += 1;
    }
    (0..len).rev().map(|lag| [(state >> (2 * lag + 1) & 1) as u16, (state >> (2 * lag) & 1) as u16]).collect()
}

fn made_up() -> Kernel {
    let rows: Vec<(String, f64)> = (0..STATES)
        .map(|state| {
            let window = window(state);
            let seen: f64 = window.iter().map(|[own, partner]| f64::from(own + 2 * partner)).sum();
            let text = window.iter().flatten().map(|digit| digit.to_string()).collect();
            (text, 1.0 / (1.0 + (seen - 1.5 * window.len() as f64).exp()))
        })
        .collect();
    Kernel::from_rows(rows.iter().map(|(state, p)| (state.as_str(), *p))).expect("every state is there")
}

fn world(text: &str, kernel: &Kernel) -> World {
    let points = Document::parse("bench.toml", text, &[]).expect("a fixed text").points().expect("a fixed text");
    World::build(&points[0], &Given(kernel.clone())).expect("the kernel is given")
}

/// Millions of interactions per second of CPU time; the median of three.
fn rate(world: &World, replicas: u64, engine: Play) -> f64 {
    let replicas: Vec<u64> = (0..replicas).collect();
    median(|| {
        let mut count = Count::default();
        run(world, &replicas, engine, &mut count).expect("nothing here can fail");
        black_box(count.successes);
        count.interactions as f64 / count.seconds / 1e6
    })
}

fn median(mut measure: impl FnMut() -> f64) -> f64 {
    let mut values = [(); 3].map(|()| measure());
    values.sort_by(f64::total_cmp);
    values[1]
}

/// What anyone would write for agents with a kernel: one interaction after the other, a probability and four successors
/// for each state.
struct Scalar {
    p: Vec<f64>,
    next: Vec<[u16; 4]>,
}

impl Scalar {
    fn new(kernel: &Kernel) -> Scalar {
        use cratylus_core::policy::Policy;
        let (mut p, mut next) = (Vec::new(), Vec::new());
        let mut out = [0.0; 2];
        for state in 0..STATES {
            let window = window(state);
            kernel.distribution(&window, &mut out);
            p.push(out[0]);
            next.push([[0, 0], [0, 1], [1, 0], [1, 1]].map(|round| {
                let mut longer = window.clone();
                longer.push(round);
                index(&longer[longer.len().saturating_sub(MEMORY)..]) as u16
            }));
        }
        Scalar { p, next }
    }

    fn play(&self, seed: u64, n: u64, interactions: u64) -> u64 {
        let mut draw = splitmix(seed);
        let mut agents = vec![0u16; n as usize];
        let mut successes = 0;
        for _ in 0..interactions {
            let [a, b] = two(&mut draw, n);
            let unit = |bits: u64| (bits >> 11) as f64 / (1u64 << 53) as f64;
            let name_a = usize::from(unit(draw()) >= self.p[agents[a] as usize]);
            let name_b = usize::from(unit(draw()) >= self.p[agents[b] as usize]);
            agents[a] = self.next[agents[a] as usize][name_a * 2 + name_b];
            agents[b] = self.next[agents[b] as usize][name_b * 2 + name_a];
            successes += u64::from(name_a == name_b);
        }
        successes
    }
}

/// What anyone would write for the naming game: a list of words for each agent.
fn scalar_naming(seed: u64, n: u64, interactions: u64) -> u64 {
    let mut draw = splitmix(seed);
    let mut agents: Vec<Vec<u32>> = vec![Vec::new(); n as usize];
    let (mut successes, mut invented) = (0, 0);
    for _ in 0..interactions {
        let [speaker, hearer] = two(&mut draw, n);
        if agents[speaker].is_empty() {
            agents[speaker].push(invented);
            invented += 1;
        }
        let word = agents[speaker][below(draw(), agents[speaker].len() as u64) as usize];
        if agents[hearer].contains(&word) {
            for agent in [speaker, hearer] {
                agents[agent].clear();
                agents[agent].push(word);
            }
            successes += 1;
        } else {
            agents[hearer].push(word);
        }
    }
    successes
}

/// The same with two names as bits, and committed agents.
fn scalar_binary(seed: u64, n: u64, interactions: u64) -> u64 {
    let mut draw = splitmix(seed);
    let mut agents = vec![2u8; n as usize];
    let committed = (n / 10) as usize;
    agents[..committed].fill(1);
    let mut successes = 0;
    for _ in 0..interactions {
        let [speaker, hearer] = two(&mut draw, n);
        let word = if agents[speaker] == 3 { 1 << (draw() & 1) } else { agents[speaker] };
        if agents[hearer] & word != 0 {
            for agent in [speaker, hearer] {
                if agent >= committed {
                    agents[agent] = word;
                }
            }
            successes += 1;
        } else if hearer >= committed {
            agents[hearer] |= word;
        }
    }
    successes
}

fn splitmix(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }
}

/// A multiplication and a shift (Lemire 2019) in place of a remainder, which costs several times as much.
fn below(word: u64, n: u64) -> u64 {
    ((u128::from(word) * u128::from(n)) >> 64) as u64
}

fn two(draw: &mut impl FnMut() -> u64, n: u64) -> [usize; 2] {
    let (a, b) = (below(draw(), n), below(draw(), n - 1));
    [a as usize, (b + u64::from(b >= a)) as usize]
}

/// The plain loop for a case, over as many interactions, no more than 20 million of them.
fn scalar(case: &Case, world: &World, tables: &Scalar) -> Option<f64> {
    let (n, each) = (u64::from(world.size), world.stop(0).most().min(20_000_000));
    let runs = case.replicas.min((20_000_000 / each).max(1));
    let of = |work: &dyn Fn(u64) -> u64| {
        median(|| {
            let begun = ProcessTime::now();
            (0..runs).for_each(|run| _ = black_box(work(run)));
            (runs * each) as f64 / begun.elapsed().as_secs_f64() / 1e6
        })
    };
    match case.name.split([',', ' ']).next()? {
        "kernel" => Some(of(&|run| tables.play(run, n, each))),
        "binary" => Some(of(&|run| scalar_binary(run, n, each))),
        "naming" if world.complete => Some(of(&|run| scalar_naming(run, n, each))),
        _ => None,
    }
}

/// A peer's own figure for a case; None where it is not set up, or fails.
fn peer(folder: &Path, name: &str, arguments: &str) -> Option<f64> {
    let mut command = match name.ends_with(".py") {
        true => {
            let mut python = Command::new(folder.join(".venv/bin/python"));
            python.arg(folder.join(name));
            python
        }
        false => Command::new(folder.join(name).join("target/release").join(name)),
    };
    let out = command.args(arguments.split(' ')).args(["--seed", "1"]).output().ok().filter(|out| out.status.success())?;
    let line: serde_json::Value = serde_json::from_slice(&out.stdout).ok()?;
    line["rate"].as_f64().map(|rate| rate / 1e6)
}

/// Millions of random cache lines read in a second: 1 GiB of huge pages, addresses that do not wait for one another.
fn random_lines() -> f64 {
    let lines = cratylus_core::machine::filled(1 << 24, [0u64; 8]);
    median(|| {
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

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let large = words.iter().any(|word| word == "--large");
    let asked = |name: &str| words.iter().filter(|word| *word != "--large").all(|word| name.contains(word.as_str()));
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/llm-kernels/kernels.parquet");
    let (kernel, source) = match read_kernel(&shared, Some("llama31_70B"), ["gay", "straight"]) {
        Ok(kernel) => (kernel, "Llama 3.1 70B, shared data"),
        Err(_) => (made_up(), "made up; the shared data are not there"),
    };
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../benches/peers");
    println!("kernel of {MEMORY} rounds: {source}");
    if !peers.join(".venv").exists() {
        println!("peers are not set up (benches/peers/setup.sh), so none is shown");
    }
    println!("random cache lines: {:.0} M/s\n", random_lines());
    println!(
        "{:<30} {:>8} {:>8} {:>8} {:>8}   millions of interactions per second of CPU time, one core",
        "", "here", "target", "loop", "ratio"
    );
    let tables = Scalar::new(&kernel);
    for case in cases().iter().filter(|case| asked(case.name) && (large || !case.large)) {
        let world = world(&case.text, &kernel);
        let here = rate(&world, case.replicas, Play::Fastest);
        let looped = scalar(case, &world, &tables);
        let show = |value: Option<f64>| value.map_or("–".into(), |value| format!("{value:.1}"));
        let ratio = looped.map(|looped| here / looped);
        println!("{:<30} {:>8.1} {:>8.0} {:>8} {:>8}", case.name, here, case.target, show(looped), show(ratio));
        for (name, arguments) in &case.peers {
            if let Some(rate) = peer(&peers, name, arguments) {
                println!("{:<48} {rate:>8.2} {:>8.0}", format!("    {name}"), here / rate);
            }
        }
    }
}
