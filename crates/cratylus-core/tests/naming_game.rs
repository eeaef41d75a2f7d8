//! The minimal naming game at the size of the recorded populations, against an independent simulator (the
//! conventions reference, 1.2: 4,000 runs of each rule, N = 24), within three standard errors.

use cratylus_core::experiment::Document;
use cratylus_core::fault::Fault;
use cratylus_core::spec::NoInputs;
use cratylus_core::stats::mean_sd;
use cratylus_core::{Batch, PairEvent, Play, Sink, World, run};

const N: u64 = 24;

/// Successes in each population round over all runs (a run that is over goes on succeeding), and each run's length in rounds.
#[derive(Default)]
struct Rounds {
    successes: [u64; 15],
    lengths: Vec<f64>,
    t: u64,
}

impl Sink for Rounds {
    fn take(&mut self, _: u64, events: &Batch) -> Result<(), Fault> {
        for event in events.iter() {
            self.t = event.t + 1;
            if let Some(count) = self.successes.get_mut((event.t / N) as usize) {
                *count += u64::from(event.success() == Some(true));
            }
        }
        Ok(())
    }
    fn end(&mut self, _: u64) -> Result<(), Fault> {
        self.lengths.push(self.t as f64 / N as f64);
        for round in 0..15 {
            let end = (round + 1) * N;
            self.successes[round as usize] += end.saturating_sub(self.t.max(round * N));
        }
        Ok(())
    }
}

fn play(rule: &str, pool: usize, runs: u64) -> Rounds {
    let names = (0..pool).map(|i| format!("\"{i}\"")).collect::<Vec<_>>().join(", ");
    let text = format!(
        "seed = 2006\n[population]\nsize = {N}\n[game]\nkind = \"naming\"\nnames = [{names}]\n\
         [agents]\nkind = \"inventory\"\nrule = \"{rule}\"\n[stop]\nconsensus = {{ window_rounds = 3 }}\n"
    );
    let points = Document::parse("test.toml", &text, &[]).unwrap().points().unwrap();
    let world = World::build(&points[0], &NoInputs).unwrap();
    let mut rounds = Rounds::default();
    for replica in 0..runs {
        run(&world, &[replica], Play::Fastest, &mut rounds).unwrap();
    }
    rounds
}

#[test]
fn success_over_rounds_is_that_of_each_rule() {
    for (rule, expected) in [
        ("ai-norms", [0.058, 0.194, 0.311, 0.400, 0.478, 0.779, 0.929]),
        ("textbook", [0.113, 0.274, 0.367, 0.440, 0.506, 0.796, 0.937]),
    ] {
        let runs = 4000;
        let rounds = play(rule, 10, runs);
        for (round, expected) in [1, 2, 3, 4, 5, 10, 15].into_iter().zip(expected) {
            let rate = rounds.successes[round - 1] as f64 / (runs * N) as f64;
            // Successes of one run are correlated, so a run counts as one draw: a wide but honest error. Both sides have it.
            let se = (2.0 * expected * (1.0 - expected) / (runs * 4) as f64).sqrt() + 5e-4;
            assert!((rate - expected).abs() < 3.0 * se, "{rule}, round {round}: {rate:.4}, not {expected}");
        }
    }
}

#[test]
fn rounds_to_consensus_are_those_of_each_rule() {
    for (rule, pool, expected, se) in
        [("ai-norms", 10, 15.76, 0.11), ("textbook", 10, 15.22, 0.11), ("ai-norms", 2, 11.57, 0.10), ("textbook", 2, 11.45, 0.11)]
    {
        let lengths = play(rule, pool, 4000).lengths;
        let (mean, sd) = mean_sd(&lengths);
        let own = sd / (lengths.len() as f64).sqrt();
        let se = f64::hypot(se, own);
        println!("{rule}, {pool} names: {mean:.2} ± {own:.2} (reference {expected})");
        assert!((mean - expected).abs() < 3.0 * se, "{rule}, {pool} names: {mean:.2} rounds, not {expected}");
    }
}

#[test]
fn without_a_pool_every_name_was_invented_once() {
    let text = "[population]\nsize = 50\n[game]\nkind = \"naming\"\n[agents]\nkind = \"inventory\"\n[stop]\nrounds = 100\n";
    let points = Document::parse("test.toml", text, &[]).unwrap().points().unwrap();
    let world = World::build(&points[0], &NoInputs).unwrap();
    let mut said: Vec<PairEvent> = Vec::new();
    run(&world, &[0], Play::Fastest, &mut said).unwrap();
    for event in &said {
        let name = event.names[0].unwrap();
        assert!(u64::from(name) <= event.t, "a name is called after the interaction that invented it");
    }
    let distinct: std::collections::BTreeSet<_> = said.iter().filter_map(|event| event.names[0]).collect();
    assert!((10..=50).contains(&distinct.len()), "about half of the agents invent a name: {}", distinct.len());
}
