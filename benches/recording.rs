//! What writing down every interaction costs beside writing down measures, and how much sooner two threads are done than
//! one: whole experiments, run into directories, joined and all.
//!
//! `cargo bench -p cratylus-bench --bench recording` takes some minutes; `-- TEXT` after it measures only what has the text in
//! its name. Both sides of a ratio are measured in turns and the median of their ratios is shown, with the least and the
//! largest, as a machine that does other work, too, is not equally fast all the time. Two loops that share nothing say how
//! much two threads can be worth on it.

use cpu_time::ProcessTime;
use cratylus_core::World;
use cratylus_core::experiment::Document;
use cratylus_core::spec::NoInputs;
use cratylus_io::conduct::conduct;
use cratylus_io::conduct::job::{Job, LiveOptions};
use cratylus_io::conduct::progress::Progress;
use cratylus_io::store::manifest::Build;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

const TURNS: usize = 9;

fn naming(size: u64, names: &str, replicas: u64, interactions: u64) -> String {
    format!(
        "seed = 1\nreplicas = {replicas}\n[population]\nsize = {size}\n[game]\nkind = \"naming\"\n{names}\n\
         [agents]\nkind = \"inventory\"\n[stop]\ninteractions = {interactions}\n"
    )
}

fn emulated(size: u64, replicas: u64, interactions: u64) -> String {
    format!(
        "seed = 1\nreplicas = {replicas}\n[population]\nsize = {size}\n[game]\nkind = \"coordination\"\nnames = [\"Q\", \"M\"]\n\
         memory = 5\n[agents]\nkind = \"emulated\"\nmodel = \"claude-3.5-sonnet\"\n[stop]\ninteractions = {interactions}\n"
    )
}

/// Runs an experiment. Gives CPU seconds, seconds, and bytes of interactions.
fn play(text: &str, threads: usize) -> (f64, f64, u64) {
    let document = Document::parse("recording.toml", text, &[]).unwrap_or_else(|why| panic!("{why}"));
    let points = document.points().unwrap_or_else(|why| panic!("{why}"));
    let worlds: Vec<World> =
        points.iter().map(|point| World::build(point, &NoInputs).unwrap_or_else(|why| panic!("{why:?}"))).collect();
    let dir = std::env::temp_dir().join(format!("cratylus-recording-{}", std::process::id()));
    let job = Job {
        text,
        points: &points,
        worlds: &worlds,
        inputs: Default::default(),
        base: Path::new("."),
        build: Build { version: env!("CARGO_PKG_VERSION"), revision: "" },
        threads,
        checkpoint: None,
        live: LiveOptions::default(),
        reads: Default::default(),
    };
    let (cpu, wall) = (ProcessTime::now(), Instant::now());
    conduct(&job, &dir, &Progress::default()).unwrap_or_else(|why| panic!("{why:?}"));
    let (cpu, wall) = (cpu.elapsed().as_secs_f64(), wall.elapsed().as_secs_f64());
    let bytes = std::fs::metadata(dir.join("interactions.parquet")).map_or(0, |file| file.len());
    std::fs::remove_dir_all(&dir).expect("what was just written can be removed");
    (cpu, wall, bytes)
}

/// The median, the least and the largest.
fn spread(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [values[values.len() / 2], values[0], values[values.len() - 1]]
}

/// Whether a measurement was asked for.
fn wanted(name: &str) -> bool {
    std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).all(|text| name.contains(&text))
}

fn recording(name: &str, text: &str, interactions: u64) {
    if !wanted(name) {
        return;
    }
    let without = format!("record = {{ interactions = false }}\n{text}");
    let (mut all, mut measures, mut ratios, mut bytes) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for _ in 0..TURNS {
        let (cpu, _, size) = play(text, 1);
        let (less, ..) = play(&without, 1);
        (all, measures, bytes) = ([all, vec![cpu]].concat(), [measures, vec![less]].concat(), size);
        ratios.push(cpu / less);
    }
    let [ratio, least, most] = spread(ratios);
    let ns = |seconds: Vec<f64>| spread(seconds)[0] / interactions as f64 * 1e9;
    println!(
        "{name:<44} {:>9.1} {:>9.1} {ratio:>7.2} [{least:.2}, {most:.2}] {:>8.2}",
        ns(measures),
        ns(all),
        bytes as f64 / interactions as f64
    );
}

/// Seconds that so many threads take, each for the same loop.
fn loops(threads: usize) -> f64 {
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| (0..1u64 << 29).fold(1u64, |x, i| black_box(x.rotate_left(7) ^ i)));
        }
    });
    begun.elapsed().as_secs_f64()
}

fn threads(name: &str, text: &str) {
    if !wanted(name) {
        return;
    }
    let (mut ratios, mut most) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        let (_, one, _) = play(text, 1);
        let (_, two, _) = play(text, 2);
        ratios.push(one / two);
        most.push(2.0 * loops(1) / loops(2));
    }
    let [ratio, least, largest] = spread(ratios);
    let [loops, least_loops, largest_loops] = spread(most);
    println!("{name:<44} {ratio:>7.2} [{least:.2}, {largest:.2}] {loops:>7.2} [{least_loops:.2}, {largest_loops:.2}]");
}

fn main() {
    println!("{:<44} {:>9} {:>9} {:>20} {:>8}", "CPU time of an interaction, ns", "measures", "all", "ratio", "bytes");
    let two = "names = [\"A\", \"B\"]";
    recording("emulated, 24 agents, 1,000 runs", &emulated(24, 1000, 10_000), 10_000_000);
    recording("emulated, 100 agents, 100 runs", &emulated(100, 100, 100_000), 10_000_000);
    recording("two names, 100 agents, 40 runs", &naming(100, two, 40, 250_000), 10_000_000);
    recording("two names, 100,000 agents, 4 runs", &naming(100_000, two, 4, 2_500_000), 10_000_000);
    recording("names invented, 1,000 agents, 20 runs", &naming(1000, "", 20, 250_000), 5_000_000);
    println!("\n{:<44} {:>20} {:>20}", "how much sooner two threads are done", "runs", "empty loops");
    threads("emulated, 24 agents, 4,000 runs", &emulated(24, 4000, 10_000));
    threads("the same without interactions", &format!("record = {{ interactions = false }}\n{}", emulated(24, 4000, 10_000)));
}
