//! The network: gradients against finite differences, the fast path against plain loops.

use cratylus_core::Seed;
use cratylus_core::kept::Keeper;
use cratylus_neural::net::{Conda, Job, Lane, NetShape, NetWork, Reader, Recipe, StepSeen, Trainer, one_by_one, plain};

fn small(tied: bool) -> NetShape {
    NetShape {
        vocabulary: 11,
        width: 8,
        layers: 2,
        heads: 2,
        hidden: 12,
        context: 7,
        tied,
        rotary_base: 10_000.0,
        norm_eps: 1e-5,
    }
}

/// Rows of any tokens.
fn rows(shape: &NetShape, n: usize, seed: u64) -> Vec<Vec<u32>> {
    let mut stream = Seed(seed).stream(cratylus_core::Purpose::Row, 0);
    (0..n).map(|_| (0..=shape.context).map(|_| stream.below(shape.vocabulary as u64) as u32).collect()).collect()
}

/// Weights that are larger than those of a beginning, so that nothing is nearly linear.
fn weights(shape: &NetShape) -> Vec<f32> {
    let mut weights = shape.begin(0.4, Seed(3));
    weights.iter_mut().enumerate().for_each(|(i, weight)| *weight += ((i * 37 % 19) as f32 - 9.0) / 100.0);
    weights
}

#[test]
fn gradients_of_plain_loops_are_those_of_finite_differences() {
    for tied in [true, false] {
        let shape = small(tied);
        let w: Vec<f64> = weights(&shape).into_iter().map(f64::from).collect();
        let row = &rows(&shape, 1, 1)[0];
        let tokens = &row[..shape.context];
        // Nothing is learnt of two of them.
        let targets: Vec<Option<u32>> = (0..shape.context).map(|t| (t % 3 != 1).then_some(row[t + 1])).collect();
        let mut gradient = vec![0.0; w.len()];
        plain::learn(&shape, &w, tokens, &targets, &mut gradient);
        let loss = |w: &[f64]| plain::learn(&shape, w, tokens, &targets, &mut vec![0.0; w.len()]);
        for tensor in shape.tensors() {
            // Five weights of each tensor, by differences of fourth order.
            let (mut wrong, mut all) = (0.0, 0.0);
            for i in 0..5 {
                let at = tensor.at.start + i * (tensor.at.len() - 1) / 4;
                let moved = |by: f64| {
                    let mut w = w.clone();
                    w[at] += by;
                    loss(&w)
                };
                let h = 1e-3;
                let slope = (8.0 * (moved(h) - moved(-h)) - (moved(2.0 * h) - moved(-2.0 * h))) / (12.0 * h);
                wrong += (slope - gradient[at]).powi(2);
                all += slope.powi(2);
            }
            assert!(wrong.sqrt() < 1e-6 * all.sqrt().max(1e-3), "{}: {wrong} of {all}", tensor.name);
        }
    }
}

#[test]
fn the_fast_path_is_the_plain_one() {
    let wider = NetShape { vocabulary: 40, width: 24, layers: 3, heads: 3, hidden: 40, context: 70, ..small(true) };
    for shape in [small(true), small(false), wider] {
        shape.check().unwrap();
        let w = weights(&shape);
        let rows = rows(&shape, 3, 2);
        let mut lane = Lane::default();
        lane.push(&rows[0], shape.context);
        lane.push_from(&rows[1], shape.context / 2, shape.context);
        // A short one, which is filled up.
        lane.push(&rows[2][..shape.context / 2], shape.context);
        let double: Vec<f64> = w.iter().copied().map(f64::from).collect();
        let (mut right, mut loss) = (vec![0.0; w.len()], 0.0);
        for (tokens, targets) in lane.tokens.chunks(shape.context).zip(lane.targets.chunks(shape.context)) {
            loss += plain::learn(&shape, &double, tokens, targets, &mut right);
        }
        let mut work = NetWork::new(shape);
        let mut gradient = vec![0.0; w.len()];
        let weight = 1.0 / lane.kept() as f32;
        // What a lane before it left makes no difference, and gradients are added up.
        work.learn(&w, &lane, weight, &mut gradient);
        let fast = work.learn(&w, &lane, weight, &mut gradient);
        assert!((fast - loss).abs() < 1e-5 * loss, "{fast} {loss}");
        for tensor in shape.tensors() {
            let (mut wrong, mut all) = (0.0, 0.0);
            for i in tensor.at.clone() {
                let right = 2.0 * right[i] / lane.kept() as f64;
                wrong += (f64::from(gradient[i]) - right).powi(2);
                all += right.powi(2);
            }
            assert!(wrong.sqrt() < 2e-5 * all.sqrt(), "{}: {wrong} of {all}", tensor.name);
        }
        let judged: f64 = work.judge(&w, &lane).iter().map(|&loss| f64::from(loss)).sum();
        assert_eq!(judged, fast);
    }
}

#[test]
fn a_text_read_token_by_token_says_what_it_says_at_once() {
    let wider = NetShape { vocabulary: 40, width: 24, layers: 3, heads: 3, hidden: 40, context: 70, ..small(true) };
    for shape in [small(true), small(false), wider] {
        let w = weights(&shape);
        let row = &rows(&shape, 1, 2)[0][..shape.context];
        let mut work = NetWork::new(shape);
        let all = work.logits(&w, row).chunks_exact(shape.vocabulary);
        let mut reader = Reader::new(shape, &w, row.len());
        for (&token, right) in row.iter().zip(all) {
            // Sums go in another order, so what differs is rounding, by the size of what is summed.
            let largest = right.iter().fold(1.0, |most: f32, logit| most.max(logit.abs()));
            for (one, right) in reader.read(token).iter().zip(right) {
                assert!((one - right).abs() < 1e-5 * largest, "{one} {right} {largest}");
            }
        }
    }
}

fn recipe(steps: u64, rows: usize) -> Recipe {
    Recipe {
        steps,
        rows,
        lanes: 8,
        rate: 3e-3,
        warm_up: 10,
        last: 0.05,
        decay: 0.01,
        betas: [0.9, 0.95],
        eps: 1e-8,
        clip: 1.0,
        sd: 0.05,
        conda: None,
    }
}

fn all(rows: &[Vec<u32>]) -> impl ExactSizeIterator<Item = &[u32]> {
    rows.iter().map(Vec::as_slice)
}

/// Does jobs on a thread each, the last begun first.
fn threads(jobs: Vec<Job<'_>>) {
    std::thread::scope(|scope| jobs.into_iter().rev().for_each(|job| drop(scope.spawn(job))));
}

#[test]
fn a_network_that_has_learnt_nothing_knows_nothing_and_then_learns_eight_rows_by_heart() {
    let shape = NetShape { vocabulary: 64, width: 64, heads: 4, hidden: 176, context: 32, ..small(false) };
    let recipe = Recipe { sd: 0.02, ..recipe(300, 8) };
    let mut trainer = Trainer::new(shape, recipe, Seed(5), 1);
    let rows = rows(&shape, 8, 9);
    let lanes = trainer.lanes(all(&rows));
    assert_eq!(lanes.iter().map(|lane| lane.tokens.len() / shape.context).collect::<Vec<_>>(), [1; 8]);
    let first = trainer.learn(&lanes, &one_by_one);
    // 256 tokens, and logits that differ by a tenth or so.
    assert!((first.loss - 64f64.ln()).abs() < 0.03, "{}", first.loss);
    for _ in 1..300 {
        trainer.learn(&lanes, &one_by_one);
    }
    assert!(trainer.judge(&lanes) < 0.01, "{}", trainer.judge(&lanes));
}

#[test]
fn neither_threads_nor_an_interruption_change_a_bit() {
    let shape = NetShape { vocabulary: 40, width: 24, layers: 2, heads: 3, hidden: 40, context: 20, ..small(true) };
    // Lanes of unlike length, and fewer rows than lanes.
    for (n, conda) in [(11, None), (5, None), (11, Some(Conda { scale: 0.25, every: 5 }))] {
        let recipe = Recipe { conda, ..recipe(20, n) };
        let step = |trainer: &mut Trainer, spread: &dyn Fn(Vec<Job<'_>>)| {
            let rows = rows(&shape, n, 100 + trainer.step());
            let lanes = trainer.lanes(all(&rows));
            assert_eq!(lanes.iter().map(|lane| lane.tokens.len()).sum::<usize>(), n * shape.context);
            trainer.learn(&lanes, spread)
        };
        let mut whole = Trainer::new(shape, recipe.clone(), Seed(1), 1);
        let seen: Vec<StepSeen> = (0..20).map(|_| step(&mut whole, &one_by_one)).collect();
        assert!(seen[19].loss < seen[0].loss);

        let mut cut = Trainer::new(shape, recipe.clone(), Seed(1), 3);
        let mut again: Vec<StepSeen> = (0..7).map(|_| step(&mut cut, &threads)).collect();
        let mut kept = Vec::new();
        cut.keep(&mut Keeper::new(&mut kept));
        let mut rest = Trainer::new(shape, recipe, Seed(2), 8);
        rest.restore(&mut &kept[..]).unwrap();
        again.extend((7..20).map(|_| step(&mut rest, &threads)));
        assert_eq!(again, seen);
        assert_eq!(rest.weights(), whole.weights());
        let cut_short = rest.restore(&mut &kept[..kept.len() - 1]);
        assert!(cut_short.unwrap_err().0.contains("cut short"));
    }
}

#[test]
fn what_is_frozen_stays() {
    let shape = small(false);
    let mut trainer = Trainer::new(shape, recipe(5, 8), Seed(4), 1);
    trainer.freeze(|tensor| tensor == "model.embed_tokens.weight");
    let before = trainer.weights().to_vec();
    for _ in 0..5 {
        let rows = rows(&shape, 8, trainer.step());
        let lanes = trainer.lanes(all(&rows));
        trainer.learn(&lanes, &one_by_one);
    }
    for tensor in shape.tensors() {
        let same = trainer.weights()[tensor.at.clone()] == before[tensor.at.clone()];
        assert_eq!(same, tensor.name == "model.embed_tokens.weight", "{}", tensor.name);
    }
}
