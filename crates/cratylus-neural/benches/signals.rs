//! Steps of agents that learn to signal, in milliseconds of one processor: the rows of `signalling.md`, §3, and their relaxed
//! sisters. `cargo bench -p cratylus-neural --bench signals [-- --only NAME]`.

use cpu_time::ProcessTime;
use cratylus_core::Seed;
use cratylus_neural::signals::*;

struct Row {
    name: &'static str,
    meanings: Vec<usize>,
    hidden: usize,
    vocabulary: usize,
    length: usize,
    batch: usize,
    entropy: f64,
    relaxed: bool,
    /// Steps of each of five stretches, the median of which is shown; a mean over the first ones where it is one stretch.
    steps: u64,
    stretches: usize,
}

fn rows() -> Vec<Row> {
    let row = |name, meanings: &[usize], hidden, vocabulary, length, batch, steps| Row {
        name,
        meanings: meanings.to_vec(),
        hidden,
        vocabulary,
        length,
        batch,
        entropy: 0.1,
        relaxed: false,
        steps,
        stretches: 5,
    };
    vec![
        row("2x5-64-32", &[5, 5], 64, 50, 5, 32, 200),
        row("5x5-128-32", &[5; 5], 128, 50, 5, 32, 60),
        row("2x5-128-1024", &[5, 5], 128, 50, 5, 1024, 6),
        Row { entropy: 0.3, stretches: 1, ..row("2x5-64-256-first-200", &[5, 5], 64, 10, 3, 256, 200) },
        Row { relaxed: true, ..row("2x5-64-32-relaxed", &[5, 5], 64, 50, 5, 32, 100) },
        Row { relaxed: true, ..row("2x5-128-1024-relaxed", &[5, 5], 128, 50, 5, 1024, 3) },
    ]
}

fn setup(row: &Row) -> Setup {
    let temperature = Temperature { from: 1.0, to: 1.0, over: 0 };
    Setup {
        game: Game::Reconstruction,
        channel: Channel { vocabulary: row.vocabulary, length: row.length, stop: true, control: Control::None },
        agents: Agents { cell: Cell::Gru, hidden: row.hidden, embedding: 16 },
        learn: match row.relaxed {
            true => Estimator::Gumbel(Gumbel { temperature, straight_through: false, length_cost: 0.0 }),
            false => Estimator::Reinforce(Reinforce {
                entropy: row.entropy,
                baseline: Baseline::Mean,
                length_cost: 0.0,
                answers: Answers::Exact,
            }),
        },
        train: Train { batch: row.batch, optimiser: Optimiser::Adam { lr: 0.005, betas: [0.9, 0.999] }, clip: None },
        population: Population::default(),
    }
}

fn main() {
    let only = std::env::args().skip_while(|arg| arg != "--only").nth(1);
    for row in rows().into_iter().filter(|row| only.as_ref().is_none_or(|only| row.name == only)) {
        let items = Items::grid(&row.meanings);
        let mut training = Training::new(&setup(&row), &items, Seed(1)).expect("a setup that goes together");
        let stretch = |_| {
            let from = ProcessTime::now();
            for _ in 0..row.steps {
                training.step();
            }
            from.elapsed().as_secs_f64() * 1e3 / row.steps as f64
        };
        let mut times: Vec<f64> = (0..row.stretches).map(stretch).collect();
        times.sort_by(f64::total_cmp);
        println!(
            "{}: {:.3} ms of a processor a step ({:.3} to {:.3})",
            row.name,
            times[times.len() / 2],
            times[0],
            times[times.len() - 1]
        );
    }
}
