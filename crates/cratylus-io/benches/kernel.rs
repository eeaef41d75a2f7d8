//! The compiled path on an exact kernel, beside a plain scalar loop on the same tables, in one run.
//!
//! `cargo bench -p cratylus-io` prints nanoseconds per interaction. Absolute numbers belong to the machine;
//! the ratio is what to compare. The kernel is a real model's where the shared data are present, and made
//! up where they are not; the time does not depend on what it says.

use cratylus_core::agent::Fault;
use cratylus_core::agents::Kernel;
use cratylus_core::experiment::{Document, Inputs};
use cratylus_core::window::Policy;
use cratylus_core::{Engine, Event, Sink, World, run};
use cratylus_io::inputs::read_kernel;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

const MEMORY: usize = 5;
const STATES: usize = 1365;
const RUNS: u64 = 4_000;
const ROUNDS: u64 = 40;

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

/// Counts, so that nothing is optimised away.
struct Count(u64);

impl Sink for Count {
    fn take(&mut self, _: u64, events: &[Event]) -> Result<(), Fault> {
        self.0 += events.iter().filter(|event| event.success == Some(true)).count() as u64;
        Ok(())
    }
    fn end(&mut self, _: u64) -> Result<(), Fault> {
        Ok(())
    }
}

fn window(mut state: usize) -> Vec<[u16; 2]> {
    let mut len = 0;
    while state >= 1 << (2 * len) {
        state -= 1 << (2 * len);
        len += 1;
    }
    (0..len).rev().map(|lag| [(state >> (2 * lag + 1) & 1) as u16, (state >> (2 * lag) & 1) as u16]).collect()
}

fn index(window: &[[u16; 2]]) -> usize {
    window.iter().fold(0, |code, [own, partner]| code << 2 | usize::from(own << 1 | partner))
        + ((1 << (2 * window.len())) - 1) / 3
}

/// What anyone would write: one interaction after the other, a probability and four successors for each state.
struct Scalar {
    p: Vec<f64>,
    next: Vec<[u16; 4]>,
}

impl Scalar {
    fn new(kernel: &Kernel) -> Scalar {
        let (mut p, mut next) = (Vec::new(), Vec::new());
        let mut out = [0.0; 2];
        for state in 0..STATES {
            let window = window(state);
            kernel.distribution(&window, &mut out);
            p.push(out[0]);
            next.push([[0, 0], [0, 1], [1, 0], [1, 1]].map(|round| {
                let mut longer = window.clone();
                longer.push(round);
                let longer = &longer[longer.len().saturating_sub(MEMORY)..];
                index(longer) as u16
            }));
        }
        Scalar { p, next }
    }

    fn play(&self, seed: u64, n: u64, interactions: u64) -> u64 {
        let mut state = seed;
        let mut draw = || {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let z = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^ z >> 31
        };
        let mut agents = vec![0u16; n as usize];
        let mut successes = 0;
        for _ in 0..interactions {
            let a = (draw() % n) as usize;
            let b = (draw() % (n - 1)) as usize;
            let b = b + usize::from(b >= a);
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

fn world(kernel: &Kernel, size: u32) -> World {
    let text = format!(
        "seed = 1\nreplicas = {RUNS}\n[population]\nsize = {size}\n[game]\nkind = \"coordination\"\nnames = [\"a\", \"b\"]\nmemory = {MEMORY}\n\
         [agents]\nkind = \"kernel\"\nfile = \"given\"\n[stop]\nrounds = {ROUNDS}\n"
    );
    let points = Document::parse("bench.toml", &text, &[]).expect("a fixed text").points().expect("a fixed text");
    World::build(&points[0], &Given(kernel.clone())).expect("the kernel is given")
}

/// The best of several times, in nanoseconds per interaction: what the machine can do when nothing else runs.
fn best(interactions: u64, mut work: impl FnMut() -> u64) -> f64 {
    let time = |_| {
        let start = Instant::now();
        black_box(work());
        start.elapsed().as_secs_f64() * 1e9 / interactions as f64
    };
    (0..5).map(time).fold(f64::INFINITY, f64::min)
}

fn main() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/llm-kernels/kernels.parquet");
    let (kernel, source) = match read_kernel(&shared, Some("llama31_70B"), ["gay", "straight"]) {
        Ok(kernel) => (kernel, "Llama 3.1 70B, shared data"),
        Err(_) => (made_up(), "made up; the shared data are not there"),
    };
    println!("kernel: {source}; one thread, {RUNS} runs, memory {MEMORY}\n");
    println!("{:>6}  {:>14}  {:>14}  {:>14}  {:>6}", "N", "compiled", "plain path", "scalar loop", "ratio");
    for size in [24, 100, 1000] {
        let world = world(&kernel, size);
        let per_run = ROUNDS * u64::from(size);
        let runs = (RUNS * 24 / u64::from(size)).max(1);
        let replicas: Vec<u64> = (0..runs).collect();
        let play = |engine, replicas: &[u64]| {
            let mut count = Count(0);
            run(&world, replicas, engine, &mut count).expect("nothing here can fail");
            count.0
        };
        let compiled = best(per_run * runs, || play(Engine::Fastest, &replicas));
        let few = &replicas[..(replicas.len() / 20).max(1)];
        let plain = best(per_run * few.len() as u64, || play(Engine::Plain { block: size as usize }, few));
        let tables = Scalar::new(&kernel);
        let scalar = best(per_run * runs, || (0..runs).map(|run| tables.play(run, u64::from(size), per_run)).sum());
        println!("{size:>6}  {compiled:>11.1} ns  {plain:>11.1} ns  {scalar:>11.1} ns  {:>6.2}", compiled / scalar);
    }
    println!("\nper interaction: two decisions, two updates, one event handed to its reader; ratio = compiled / scalar loop");
}
