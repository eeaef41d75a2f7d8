//! How many interactions an engine alone plays in a second of its time, into a reader that counts bits, beside a plain loop, the peers that are set up, and how
//! many random cache lines the machine reads, all measured in one go.
//!
//! `cargo bench -p cratylus-bench --bench engines` prints everything; `-- kernel` what has that word in its name, and
//! `-- --large` populations of 10^8, too, which take 2 GiB. Absolute numbers belong to the machine; ratios are what to
//! compare. Peers are set up by `benches/peers/setup.sh` and left out, with a word, where they are not.

use cpu_time::ProcessTime;
use cratylus_bench::{Kernel as Looped, MEMORY, STATES, median, naming, peer, peers_are_there, random_lines, two_names, window};
use cratylus_core::event::block::Block;
use cratylus_core::event::tally::Tally;
use cratylus_core::experiment::Document;
use cratylus_core::fault::Fault;
use cratylus_core::kernel::Kernel;
use cratylus_core::policy::Policy;
use cratylus_core::spec::Inputs;
use cratylus_core::{Batch, Play, Sink, World, run};
use cratylus_io::store::inputs::read_kernel;
use std::hint::black_box;
use std::path::Path;

struct Given(Kernel);

impl Inputs for Given {
    fn kernel(&self, _: &str, _: Option<&str>, _: [&str; 2]) -> Result<Kernel, String> {
        Ok(self.0.clone())
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
    median(3, || {
        let mut count = Count::default();
        run(world, &replicas, engine, &mut count).expect("nothing here can fail");
        black_box(count.successes);
        count.interactions as f64 / count.seconds / 1e6
    })
}

/// The plain loop for a case, over as many interactions, no more than 20 million of them.
fn scalar(case: &Case, world: &World, tables: &Looped) -> Option<f64> {
    let (n, each) = (u64::from(world.size), world.stop(0).most().min(20_000_000));
    let runs = case.replicas.min((20_000_000 / each).max(1));
    let of = |work: &dyn Fn(u64) -> u64| {
        median(3, || {
            let begun = ProcessTime::now();
            (0..runs).for_each(|run| _ = black_box(work(run)));
            (runs * each) as f64 / begun.elapsed().as_secs_f64() / 1e6
        })
    };
    match case.name.split([',', ' ']).next()? {
        "kernel" => Some(of(&|run| tables.play::<false>(run, n, each, &mut Vec::new()))),
        "binary" => Some(of(&|run| two_names::<false>(run, n, each))),
        "naming" if world.complete => Some(of(&|run| naming::<false>(run, n, each, false))),
        _ => None,
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let large = words.iter().any(|word| word == "--large");
    let asked = |name: &str| words.iter().filter(|word| *word != "--large").all(|word| name.contains(word.as_str()));
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/llm-kernels/kernels.parquet");
    let (kernel, source) = match read_kernel(&shared, Some("llama31_70B"), ["gay", "straight"]) {
        Ok(kernel) => (kernel, "Llama 3.1 70B, shared data"),
        Err(_) => (made_up(), "made up; the shared data are not there"),
    };
    println!("kernel of {MEMORY} rounds: {source}");
    peers_are_there();
    println!("random cache lines: {:.0} M/s\n", random_lines());
    println!(
        "{:<30} {:>8} {:>8} {:>8} {:>8}   millions of interactions per second of CPU time, one core",
        "", "here", "target", "loop", "ratio"
    );
    let tables = Looped::new(|window| {
        let mut p = [0.0; 2];
        kernel.distribution(window, &mut p);
        p[0]
    });
    for case in cases().iter().filter(|case| asked(case.name) && (large || !case.large)) {
        let world = world(&case.text, &kernel);
        let here = rate(&world, case.replicas, Play::Fastest);
        let looped = scalar(case, &world, &tables);
        let show = |value: Option<f64>| value.map_or("–".into(), |value| format!("{value:.1}"));
        let ratio = looped.map(|looped| here / looped);
        println!("{:<30} {:>8.1} {:>8.0} {:>8} {:>8}", case.name, here, case.target, show(looped), show(ratio));
        for (name, arguments) in &case.peers {
            if let Some(rate) = peer(name, arguments) {
                println!("{:<48} {rate:>8.2} {:>8.0}", format!("    {name}"), here / rate);
            }
        }
    }
}
