//! Tokens that are learnt in a second of one processor, by networks of three sizes, beside plain loops, and with two threads
//! beside one. `cargo bench -p cratylus-neural --bench training [-- --only S]`, with sizes S, M and L; with `--json` one thread
//! alone, by its CPU time, a line for each size.

use cpu_time::ProcessTime;
use cratylus_core::{Purpose, Seed};
use cratylus_neural::net::{Job, NetShape, Recipe, Trainer, one_by_one, plain};
use std::time::Instant;

/// The size, and how many rows a step takes.
fn sizes() -> [(&'static str, NetShape, usize); 3] {
    let shape = |width, layers, heads, hidden, vocabulary, context| NetShape {
        vocabulary,
        width,
        layers,
        heads,
        key_heads: heads,
        hidden,
        context,
        tied: true,
        rotary_base: 10_000.0,
        norm_eps: 1e-5,
    };
    [
        ("S", shape(64, 2, 4, 176, 64, 64), 32),
        ("M", shape(128, 4, 4, 352, 1024, 128), 16),
        ("L", shape(192, 6, 6, 512, 2048, 256), 8),
    ]
}

fn two(jobs: Vec<Job<'_>>) {
    std::thread::scope(|scope| jobs.into_iter().for_each(|job| drop(scope.spawn(job))));
}

/// What was learnt, in how long.
struct Learnt {
    tokens: u64,
    /// Of the clock.
    seconds: f64,
    /// Of processors.
    cpu_seconds: f64,
}

impl Learnt {
    /// Tokens a second of the clock.
    fn rate(&self) -> f64 {
        self.tokens as f64 / self.seconds
    }
}

/// Learns for at least two seconds of the clock.
fn learn(shape: NetShape, rows: usize, threads: usize) -> Learnt {
    let recipe = Recipe {
        steps: 1 << 30,
        rows,
        lanes: 8,
        rate: 1e-3,
        warm_up: 10,
        last: 1.0,
        decay: 0.01,
        betas: [0.9, 0.95],
        eps: 1e-8,
        clip: 1.0,
        sd: 0.02,
        conda: None,
    };
    let mut trainer = Trainer::new(shape, recipe, Seed(1), threads);
    // The second half of a row repeats the first.
    let batch = |step: u64| -> Vec<Vec<u32>> {
        let mut stream = Seed(2).stream(Purpose::Row, step);
        let half = shape.context / 2;
        (0..rows)
            .map(|_| {
                let first: Vec<u32> = (0..=half).map(|_| stream.below(shape.vocabulary as u64) as u32).collect();
                (0..=shape.context).map(|i| first[i % half]).collect()
            })
            .collect()
    };
    let step = |trainer: &mut Trainer| {
        let rows = batch(trainer.step());
        let lanes = trainer.lanes(rows.iter().map(Vec::as_slice));
        let spread: &dyn Fn(Vec<Job<'_>>) = if threads == 1 { &one_by_one } else { &two };
        trainer.learn(&lanes, spread).tokens
    };
    for _ in 0..3 {
        step(&mut trainer);
    }
    let (begun, cpu, mut tokens) = (Instant::now(), ProcessTime::now(), 0);
    while begun.elapsed().as_secs_f64() < 2.0 {
        tokens += step(&mut trainer);
    }
    Learnt { tokens, seconds: begun.elapsed().as_secs_f64(), cpu_seconds: cpu.elapsed().as_secs_f64() }
}

/// The same in plain loops and double precision, a row at a time.
fn plain_rate(shape: NetShape) -> f64 {
    let weights: Vec<f64> = shape.begin(0.02, Seed(1)).into_iter().map(f64::from).collect();
    let mut gradient = vec![0.0; weights.len()];
    let mut stream = Seed(2).stream(Purpose::Row, 0);
    let row: Vec<u32> = (0..=shape.context).map(|_| stream.below(shape.vocabulary as u64) as u32).collect();
    let targets: Vec<Option<u32>> = row[1..].iter().copied().map(Some).collect();
    let begun = Instant::now();
    let mut rows = 0;
    while rows == 0 || begun.elapsed().as_secs_f64() < 1.0 {
        plain::learn(&shape, &weights, &row[..shape.context], &targets, &mut gradient);
        rows += 1;
    }
    (rows * shape.context) as f64 / begun.elapsed().as_secs_f64()
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let json = words.iter().any(|word| word == "--json");
    let only = words.iter().position(|word| word == "--only").and_then(|at| words.get(at + 1));
    if !json {
        println!(
            "{:8} {:>10} {:>14} {:>14} {:>12} {:>12}",
            "size", "weights", "tokens a s", "plain loops", "over plain", "two threads"
        );
    }
    for (name, shape, rows) in sizes() {
        if only.is_some_and(|only| only != name) {
            continue;
        }
        let (weights, one) = (shape.weights(), learn(shape, rows, 1));
        if json {
            let Learnt { tokens, cpu_seconds, .. } = one;
            let rate = tokens as f64 / cpu_seconds;
            let line = serde_json::json!({
                "size": name, "weights": weights, "tokens": tokens, "cpu_seconds": cpu_seconds, "rate": rate,
            });
            println!("{line}");
            continue;
        }
        let [one, two, plain] = [one.rate(), learn(shape, rows, 2).rate(), plain_rate(shape)];
        println!("{name:8} {weights:>10} {one:>14.0} {plain:>14.0} {:>12.1} {:>12.2}", one / plain, two / one);
    }
}
