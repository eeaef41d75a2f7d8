//! How fast whole commands are: `cratylus run`, from its start to the report, beside plain loops and peers that do the same
//! work and nothing else. Ratios of CPU time, in turns, so that other work on the machine falls on both.
//!
//! `cargo bench -p cratylus-bench --bench commands` builds the program, as `cargo build --release` does, and prints all of
//! it; `-- naming` what has that word in its name. What it shows of peers is their loop alone, as they say it themselves.

use cratylus_bench::{
    Kernel, median, naming, naming_in_rows, of_commands, peer, peers_are_there, random_lines, seconds, two_names,
};
use cratylus_core::agents::emulated;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How often each side of a ratio is measured.
const TURNS: usize = 5;

/// A loop beside a command.
type Loop<'a> = (&'static str, f64, Box<dyn Fn(u64) + 'a>);

struct Case<'a> {
    name: String,
    text: String,
    /// Interactions of the whole command; None where they are told by what comes out.
    interactions: f64,
    /// Names, least ratios that are wanted, and loops that do the same work with a seed.
    loops: Vec<Loop<'a>>,
    peers: Vec<(&'static str, f64, String)>,
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--release", "--quiet"]).current_dir(root());
    // What cargo says of this package would make packages that look at it be built anew.
    let said = std::env::vars()
        .map(|(name, _)| name)
        .filter(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"));
    said.for_each(|name| _ = build.env_remove(name));
    let built = build.status();
    assert!(built.is_ok_and(|status| status.success()), "the program cannot be built");
    println!("random cache lines: {:.0} M/s", random_lines());
    peers_are_there();
    println!(
        "\n{:<46} {:>9} {:>9} {:>22} {:>7}   millions of interactions per second of CPU time, one core",
        "", "command", "loop", "ratio", "wanted"
    );
    let kernel = kernel();
    for case in cases(&kernel).iter().filter(|case| words.iter().all(|word| case.name.contains(word.as_str()))) {
        measure(case);
    }
    println!("\n{:<46} {:>12} {:>9}   CPU seconds of whole commands", "", "", "wanted");
    for (name, wanted, each, arguments) in others() {
        if words.iter().all(|word| name.contains(word.as_str())) {
            let took = median(3, || cratylus(&arguments)) / each;
            let show = |seconds: f64| if each > 1.0 { format!("{:.1} µs", 1e6 * seconds) } else { format!("{seconds:.3} s") };
            println!("{name:<46} {:>12} {:>9}", show(took), show(wanted));
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn scratch(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("cratylus-commands-{}-{name}", std::process::id()))
}

/// CPU seconds of a command, in the folder of the project.
fn cratylus(arguments: &[String]) -> f64 {
    let before = of_commands();
    let mut command = Command::new(root().join("target/release/cratylus"));
    let done = command.args(arguments).current_dir(root()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(done.is_ok_and(|status| status.success()), "{arguments:?} fails");
    let _ = std::fs::remove_dir_all(scratch("out"));
    of_commands() - before
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(|word| word.replace("OUT", &scratch("out").to_string_lossy())).collect()
}

fn measure(case: &Case<'_>) {
    let file = scratch("experiment.toml");
    std::fs::write(&file, &case.text).expect("the folder for temporary files can be written");
    let run = words(&format!("run {} --out OUT --threads 1", file.display()));
    let (mut ours, mut theirs) = (Vec::new(), vec![Vec::new(); case.loops.len()]);
    for turn in 0..TURNS as u64 {
        ours.push(cratylus(&run));
        for ((_, _, play), theirs) in case.loops.iter().zip(&mut theirs) {
            theirs.push(seconds(|| play(turn)));
        }
    }
    let mid = |values: &[f64]| {
        median(values.len(), {
            let mut values = values.iter();
            move || *values.next().expect("as many")
        })
    };
    let rate = |seconds: f64| case.interactions / seconds / 1e6;
    println!("{:<46} {:>9.1}", case.name, rate(mid(&ours)));
    for ((name, wanted, _), theirs) in case.loops.iter().zip(&theirs) {
        let mut ratios: Vec<f64> = theirs.iter().zip(&ours).map(|(theirs, ours)| theirs / ours).collect();
        ratios.sort_by(f64::total_cmp);
        let [low, high] = [ratios[0], ratios[ratios.len() - 1]];
        let of = format!("{:.2} ({low:.2}–{high:.2})", mid(&ratios));
        println!("    {name:<42} {:>9} {:>9.1} {of:>22} {wanted:>7.1}", "", rate(mid(theirs)));
    }
    for (name, wanted, arguments) in &case.peers {
        if let Some(theirs) = peer(name, arguments) {
            let of = format!("{:.1}", rate(mid(&ours)) / theirs);
            println!("    {name:<42} {:>9} {theirs:>9.2} {of:>22} {wanted:>7.1}", "");
        }
    }
    let _ = std::fs::remove_file(file);
}

/// The response that kernels are of: an emulated model, as the program has it.
fn kernel() -> Kernel {
    let model = emulated::built_in().iter().find(|model| model.name == "llama-3.1-70b").expect("it is shipped").clone();
    let names: Vec<String> = ["Q", "M"].map(String::from).into();
    Kernel::new(move |window| {
        let mut p = [0.0; 2];
        model.distribution(&names, window, &mut p);
        p[0]
    })
}

fn cases(kernel: &Kernel) -> Vec<Case<'_>> {
    let mut all = Vec::new();
    let count = |n: u64| match n {
        1_000 => "10^3",
        10_000 => "10^4",
        100_000 => "10^5",
        _ => "10^6",
    };
    for (n, replicas, each) in [(24u64, 1000u64, 24_000u64), (10_000, 1, 50_000_000), (1_000_000, 1, 50_000_000)] {
        let size = if n == 24 { "24 x 1,000 runs".to_string() } else { count(n).to_string() };
        let text = |measures: &str| {
            format!(
                "name = \"bench\"\nseed = 1\nreplicas = {replicas}\nrecord = {{ interactions = false, measures = [{measures}] }}\n\
                 [population]\nsize = {n}\n[game]\nkind = \"coordination\"\nnames = [\"Q\", \"M\"]\nmemory = 5\n\
                 [agents]\nkind = \"emulated\"\nmodel = \"llama-3.1-70b\"\n[stop]\ninteractions = {each}\n"
            )
        };
        let interactions = (replicas * each) as f64;
        let peers =
            vec![("numba_kernel.py", 2.0, format!("--n {n} --interactions {} --replicas {replicas}", each.min(5_000_000)))];
        let rounds = move |seed: u64| {
            for run in 0..replicas {
                let mut rounds = Vec::new();
                black_box(kernel.play::<true>(seed * replicas + run, n, each, &mut rounds));
                black_box(rounds);
            }
        };
        let plain = move |seed: u64| {
            (0..replicas).for_each(|run| _ = black_box(kernel.play::<false>(seed * replicas + run, n, each, &mut Vec::new())))
        };
        all.push(Case {
            name: format!("kernel, {size}: success and shares by round"),
            text: text("\"success_rate\", \"name_share\""),
            interactions,
            loops: vec![("loop, the same by round", 0.7, Box::new(rounds)), ("loop, neither", 0.7, Box::new(plain))],
            peers,
        });
        all.push(Case {
            name: format!("kernel, {size}: no measures"),
            text: text(""),
            interactions,
            loops: vec![("loop", 1.0, Box::new(plain))],
            peers: Vec::new(),
        });
    }
    for n in [1_000u64, 10_000, 100_000, 1_000_000] {
        let replicas = 2_000_000 / n.min(500_000);
        let text = |measures: &str, consensus: &str| {
            format!(
                "name = \"bench\"\nseed = 1\nreplicas = {replicas}\nrecord = {{ interactions = false, measures = [{measures}] }}\n\
                 [population]\nsize = {n}\n[game]\nkind = \"naming\"\n[agents]\nkind = \"inventory\"\n\
                 [stop]\n{consensus}interactions = {}\n",
                5 * n
            )
        };
        let of = move |play: fn(u64, u64, u64, bool) -> u64| -> Box<dyn Fn(u64)> {
            Box::new(move |seed| (0..replicas).for_each(|run| _ = black_box(play(seed * replicas + run, n, 5 * n, false))))
        };
        let arguments = format!("--n {n} --interactions {}", 5 * n.max(10_000));
        let peers = [("numba_naming.py", 2.0), ("krabmaga_naming", 4.0), ("mesa_naming.py", 40.0)];
        all.push(Case {
            name: format!("naming, 5 N, {}: words and consensus", count(n)),
            text: text("\"total_words\", \"success_rate\"", "consensus = { by = \"inventories\" }\n"),
            interactions: (replicas * 5 * n) as f64,
            loops: vec![("loop, lists", 1.0, of(naming::<true>)), ("loop, rows of 64 bytes", 1.0, of(naming_in_rows::<true>))],
            peers: peers.map(|(name, wanted)| (name, wanted, arguments.clone())).into(),
        });
        all.push(Case {
            name: format!("naming, 5 N, {}: success alone", count(n)),
            text: text("\"success_rate\"", ""),
            interactions: (replicas * 5 * n) as f64,
            loops: vec![("loop, lists", 1.0, of(naming::<false>)), ("loop, rows of 64 bytes", 1.0, of(naming_in_rows::<false>))],
            peers: Vec::new(),
        });
    }
    // Runs of the command and of a loop end with consensus, each after as long as it takes: their rates are compared.
    let (n, replicas) = (10_000u64, 10);
    let until =
        move |seed: u64| (0..replicas).for_each(|run| _ = black_box(naming::<true>(seed * replicas + run, n, 10_000_000, true)));
    let played = |seed: u64| (0..replicas).map(|run| naming::<true>(seed * replicas + run, n, 10_000_000, true)).sum::<u64>();
    all.push(Case {
        name: "naming to consensus, 10^4 x 10".into(),
        text: format!(
            "name = \"bench\"\nseed = 1\nreplicas = {replicas}\nrecord = {{ interactions = false, measures = [\"total_words\", \"success_rate\"] }}\n\
             [population]\nsize = {n}\n[game]\nkind = \"naming\"\n[agents]\nkind = \"inventory\"\n\
             [stop]\nconsensus = {{ by = \"inventories\" }}\ninteractions = 10_000_000\n"
        ),
        interactions: (0..4).map(played).sum::<u64>() as f64 / 4.0,
        loops: vec![("loop, lists", 1.0, Box::new(until))],
        peers: Vec::new(),
    });
    for (n, replicas, each) in
        [(1_000u64, 500u64, 20_000u64), (10_000, 50, 200_000), (100_000, 5, 2_000_000), (1_000_000, 1, 20_000_000)]
    {
        let play =
            move |seed: u64| (0..replicas).for_each(|run| _ = black_box(two_names::<true>(seed * replicas + run, n, each)));
        all.push(Case {
            name: format!("two names, 20 N, {}: words, shares, consensus", count(n)),
            text: format!(
                "name = \"bench\"\nseed = 1\nreplicas = {replicas}\n\
                 record = {{ interactions = false, measures = [\"total_words\", \"success_rate\", \"name_share\"] }}\n\
                 [population]\nsize = {n}\nstart = {{ consensus = \"b\" }}\n[game]\nkind = \"naming\"\nnames = [\"a\", \"b\"]\n\
                 [agents]\nkind = \"inventory\"\n[agents.committed]\nname = \"a\"\nshare = 0.1\n\
                 [stop]\nconsensus = {{ by = \"inventories\" }}\ninteractions = {each}\n"
            ),
            interactions: (replicas * each) as f64,
            loops: vec![("loop", 1.0, Box::new(play))],
            peers: vec![("numba_binary.py", 2.0, format!("--n {n} --interactions {} --committed 0.1", each.min(5_000_000)))],
        });
    }
    for (names, memory, wanted) in [(10, 5, 5.0), (26, 5, 5.0), (2, 12, 2.0), (3, 12, 2.0)] {
        let pool: Vec<String> = (0..names).map(|i| format!("\"{}\"", (b'A' + i) as char)).collect();
        all.push(Case {
            name: format!("emulated, {names} names, memory {memory}, 200 ({wanted} M wanted)"),
            text: format!(
                "name = \"bench\"\nseed = 1\nreplicas = 20\nrecord = {{ interactions = false }}\n[population]\nsize = 200\n\
                 network = {{ kind = \"watts-strogatz\", degree = 8, rewiring = 0.1 }}\n\
                 [game]\nkind = \"coordination\"\nnames = [{}]\nmemory = {memory}\n\
                 [agents]\nkind = \"emulated\"\nmodel = \"llama-3-70b\"\n[stop]\ninteractions = 100_000\n",
                pool.join(", ")
            ),
            interactions: 2e6,
            loops: Vec::new(),
            peers: Vec::new(),
        });
    }
    all
}

/// Other commands: a name, the most CPU seconds that are wanted, through how many it is divided, and what is typed.
fn others() -> Vec<(String, f64, f64, Vec<String>)> {
    let consensus = "run experiments/consensus.toml --set sweep={} --set record.interactions=false --threads 1 --out OUT";
    let check = |name: &str| (format!("check {name}"), 0.2, 1.0, words(&format!("check experiments/{name}.toml")));
    let mut all = vec![
        ("consensus.toml, a run of 10,000".into(), 20e-6, 10_000.0, words(&format!("{consensus} --set replicas=10_000"))),
        ("consensus.toml, a run of 100,000".into(), 20e-6, 100_000.0, words(&format!("{consensus} --set replicas=100_000"))),
        ("run experiments/ten-names.toml".into(), 1.0, 1.0, words("run experiments/ten-names.toml --threads 1 --out OUT")),
    ];
    all.extend(["consensus", "tipping", "tipping-threshold", "live", "collective-bias"].map(check));
    all
}
