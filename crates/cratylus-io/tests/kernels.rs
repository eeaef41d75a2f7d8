//! Exact kernels of real models, where the shared tables are present: section 5.5 of the conventions
//! reference. Forty thousand runs there; here as many as a few seconds allow, within three standard errors
//! of the difference.

mod common;
use cratylus_core::experiment::Document;
use cratylus_core::fault::Fault;
use cratylus_core::mean_field::WindowsFlow;
use cratylus_core::watch::outcome::OutcomeSeen;
use cratylus_core::{Batch, Play, Sink, World, run};
use cratylus_io::store::inputs::FileInputs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn kernels() -> Option<PathBuf> {
    common::shared("llm-kernels")
}

fn world(dir: &Path, model: &str, names: [&str; 2], size: u32) -> World {
    let text = format!(
        "seed = 55\n[population]\nsize = {size}\n[game]\nkind = \"coordination\"\nnames = [\"{}\", \"{}\"]\nmemory = 5\n\
         [agents]\nkind = \"kernel\"\nfile = \"kernels.parquet\"\nmodel = \"{model}\"\n\
         [stop]\nconsensus = {{ window_rounds = 3, threshold = 0.98, every = \"round\", from_round = 4 }}\nrounds = 1000\n",
        names[0], names[1]
    );
    let points = Document::parse("test.toml", &text, &[]).unwrap().points().unwrap();
    World::build(&points[0], &FileInputs::new(dir, &Arc::new(cratylus_core::experiment::registry()))).unwrap()
}

struct Ends<'w> {
    world: &'w World,
    current: OutcomeSeen,
    first: u64,
    rounds: Vec<f64>,
}

impl Sink for Ends<'_> {
    fn take(&mut self, _: u64, events: &Batch) -> Result<(), Fault> {
        events.iter().for_each(|event| self.current.see(&event));
        Ok(())
    }
    fn end(&mut self, _: u64) -> Result<(), Fault> {
        let outcome = self.current.end();
        self.first += u64::from(outcome.winner == Some(0));
        self.rounds.push(outcome.rounds);
        self.current = OutcomeSeen::new(&self.world.context(0));
        Ok(())
    }
}

/// The share of runs won by the first name, and the mean number of rounds.
fn ends(world: &World, runs: u64) -> (f64, f64, f64) {
    let mut ends = Ends { world, current: OutcomeSeen::new(&world.context(0)), first: 0, rounds: Vec::new() };
    run(world, &(0..runs).collect::<Vec<_>>(), Play::Fastest, &mut ends).unwrap();
    let (mean, sd) = cratylus_core::stats::mean_sd(&ends.rounds);
    (ends.first as f64 / runs as f64, mean, sd / (runs as f64).sqrt())
}

#[test]
fn populations_of_real_models_settle_as_in_the_reference() {
    let Some(dir) = kernels() else { return };
    let check = |model: &str, names: [&str; 2], size: u32, p: f64, p_se: f64, stop: Option<f64>| {
        let runs = 20_000;
        let world = world(&dir, model, names, size);
        assert!(world.compiled().is_some(), "this runs on flat tables");
        let (first, rounds, rounds_se) = ends(&world, runs);
        let se = (p * (1.0 - p) / runs as f64 + p_se * p_se).sqrt();
        println!("{model} {names:?} N={size}: P {first:.4} ({p}), rounds {rounds:.3} ± {rounds_se:.3} ({stop:?})");
        assert!((first - p).abs() < 3.0 * se + 1e-9, "{model} {names:?} N = {size}: P(first) {first}, not {p}");
        if let Some(stop) = stop {
            // The reference counts rounds from 0, and first looks at the end of its round 3, our fourth.
            let rounds = rounds - 1.0;
            let se = (rounds_se.powi(2) * 1.5 + 1e-4).sqrt();
            assert!((rounds - stop).abs() < 3.0 * se, "{model} {names:?} N = {size}: {rounds} rounds, not {stop}");
        }
    };
    check("llama31_70B", ["gay", "straight"], 2, 0.2276, 0.0021, Some(3.18));
    check("llama31_70B", ["gay", "straight"], 6, 0.5287, 0.0025, Some(6.22));
    check("llama31_70B", ["gay", "straight"], 24, 0.9673, 0.0009, Some(14.49));
    check("QWQ_32B", ["she", "he"], 24, 0.5564, 0.0025, Some(19.09));
    check("phi_4", ["White", "Black"], 24, 0.2623, 0.0022, Some(10.07));
}

#[test]
fn in_a_large_population_the_preferred_name_always_wins() {
    let Some(dir) = kernels() else { return };
    let (first, ..) = ends(&world(&dir, "llama31_70B", ["gay", "straight"], 100), 2_000);
    assert!(first > 0.998, "{first}");
}

#[test]
fn exchanging_the_names_exchanges_the_winners() {
    let Some(dir) = kernels() else { return };
    let (first, ..) = ends(&world(&dir, "phi_4", ["Black", "White"], 24), 20_000);
    assert!((first - (1.0 - 0.2623)).abs() < 3.0 * 0.0038, "{first}");
}

#[test]
fn a_damaged_kernel_file_is_an_error_and_never_a_panic() {
    let Some(dir) = kernels() else { return };
    let whole = std::fs::read(dir.join("kernels.parquet")).unwrap();
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("damaged.parquet");
    let mut refused = 0;
    for i in 0..160usize {
        let mut bytes = whole.clone();
        match i % 4 {
            0 => bytes.truncate(i * whole.len() / 160),
            // The headers of the first pages, the footer, and anywhere.
            1 => bytes[4 + i] ^= 0x55,
            2 => bytes[whole.len() - 9 - 8 * i] ^= 0xff,
            _ => bytes[i * 911 % whole.len()] = i as u8,
        }
        std::fs::write(&file, bytes).unwrap();
        refused += u32::from(cratylus_io::store::inputs::read_kernel(&file, Some("llama31_70B"), ["gay", "straight"]).is_err());
    }
    assert!(refused > 60, "only {refused} of 160 damaged files were refused");
}

/// Every model and pair of names in the shared table.
fn cells(dir: &Path) -> Vec<(String, String, String)> {
    let table = cratylus_io::store::table::read(&dir.join("kernels.parquet"), None).unwrap();
    let [models, first, second] = ["model", "name0", "name1"].map(|column| table.texts(column).unwrap());
    let text = |value: &Option<&str>| value.unwrap().to_string();
    let mut cells: Vec<_> = (0..table.rows()).map(|i| (text(&models[i]), text(&first[i]), text(&second[i]))).collect();
    cells.sort_unstable();
    cells.dedup();
    cells
}

#[test]
fn the_mean_field_knows_the_winner_of_every_large_population() {
    // Section 5.5: x' = T(x) x - x from empty memories to t = 600, against simulations of 2,000 agents.
    let Some(dir) = kernels() else { return };
    let (mut without, cells) = (Vec::new(), cells(&dir));
    for (model, a, b) in &cells {
        let kernel = cratylus_io::store::inputs::read_kernel(&dir.join("kernels.parquet"), Some(model), [a, b]).unwrap();
        let flow = WindowsFlow::new(&kernel, 5);
        let share = flow.share(&flow.after(flow.empty(), 600.0));
        let world = world(&dir, model, [a, b], 2000);
        let mut last = LastRounds { world: &world, said: [0; 2], share: 0.0, t: 0, ended: Vec::new() };
        run(&world, &[0, 1, 2, 3, 4], Play::Fastest, &mut last).unwrap();
        let simulated: f64 = last.ended.iter().map(|(share, _)| share).sum::<f64>() / 5.0;
        let settled = last.ended.iter().filter(|(_, consensus)| *consensus).count();
        println!("{model} {a}, {b}: mean field {share:.4}; N = 2,000 {simulated:.4}, {settled} of 5 to consensus");
        if settled == 0 {
            without.push((model.as_str(), a.as_str(), share, simulated));
        } else {
            // Where noise decides now and then, most runs still go where the mean field does.
            assert_eq!(share > 0.5, simulated > 0.5, "{model} {a}, {b}");
        }
    }
    println!("without consensus: {without:?}");
    // The exceptions that the paper reports: Llama 3.1 {more, less} and {young, old}.
    for (name, due) in [("more", 0.8853), ("young", 0.9087)] {
        let found = without.iter().find(|cell| cell.0 == "llama31_70B" && cell.1 == name);
        if cells.iter().any(|cell| cell.0 == "llama31_70B" && cell.1 == name) {
            let (.., share, simulated) = found.unwrap_or_else(|| panic!("{name} reaches consensus"));
            assert!((share - due).abs() < 5e-4, "{name}: the mean field stays at {share}, not {due}");
            assert!((simulated - due).abs() < 0.02, "{name}: simulations stay at {simulated}, not {due}");
        }
    }
}

#[test]
fn consensus_is_as_stable_as_the_reference_says() {
    let Some(dir) = kernels() else { return };
    for (model, names, due) in
        [("QWQ_32B", ["young", "old"], [0.265, -0.850]), ("gpt_4o", ["African", "White"], [-0.918, -0.616])]
    {
        let Ok(kernel) = cratylus_io::store::inputs::read_kernel(&dir.join("kernels.parquet"), Some(model), names) else {
            common::skipped(&format!("the shared table holds no {model} {names:?}"));
            continue;
        };
        let flow = WindowsFlow::new(&kernel, 5);
        for name in 0..2 {
            let growth = flow.growth(&flow.consensus(name));
            println!("{model}, all {}: {growth:.4} (reference {})", names[name as usize], due[name as usize]);
            assert!((growth - due[name as usize]).abs() < 2e-3, "{model}, all {}: {growth}", names[name as usize]);
        }
    }
}

/// Of each run, the share of the first name in its last round, and whether there was a consensus.
struct LastRounds<'w> {
    world: &'w World,
    /// How often the first name was said in this round, of how many choices.
    said: [u64; 2],
    share: f64,
    t: u64,
    ended: Vec<(f64, bool)>,
}

impl Sink for LastRounds<'_> {
    fn take(&mut self, _: u64, events: &Batch) -> Result<(), Fault> {
        for event in events.iter() {
            for (_, name) in event.choices() {
                self.said[0] += u64::from(name == 0);
                self.said[1] += 1;
            }
            self.t = event.t + 1;
            if self.t.is_multiple_of(u64::from(self.world.size)) {
                self.share = self.said[0] as f64 / self.said[1] as f64;
                self.said = [0; 2];
            }
        }
        Ok(())
    }
    fn end(&mut self, _: u64) -> Result<(), Fault> {
        self.ended.push((self.share, self.t < self.world.stop(0).most()));
        self.said = [0; 2];
        Ok(())
    }
}
