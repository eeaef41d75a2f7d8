//! The network: gradients against finite differences, the fast path against plain loops.

use cratylus_core::Seed;
use cratylus_core::kept::Keeper;
use cratylus_neural::net::{
    AdapterShape, Conda, ExpertShape, Experts, ExpertsBy, Job, Lane, NetShape, NetWork, Reader, Recipe, StepSeen, Trainer,
    one_by_one, plain,
};

fn small(tied: bool) -> NetShape {
    NetShape {
        vocabulary: 11,
        width: 8,
        layers: 2,
        heads: 2,
        key_heads: 2,
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

/// How a loss changes with a weight, by differences of fourth order.
fn slope(w: &[f64], at: usize, loss: &dyn Fn(&[f64]) -> f64) -> f64 {
    let moved = |by: f64| {
        let mut w = w.to_vec();
        w[at] += by;
        loss(&w)
    };
    let h = 1e-3;
    (8.0 * (moved(h) - moved(-h)) - (moved(2.0 * h) - moved(-2.0 * h))) / (12.0 * h)
}

#[test]
fn gradients_of_plain_loops_are_those_of_finite_differences() {
    for (tied, key_heads) in [(true, 2), (false, 2), (true, 1)] {
        let shape = NetShape { key_heads, ..small(tied) };
        let w: Vec<f64> = weights(&shape).into_iter().map(f64::from).collect();
        let row = &rows(&shape, 1, 1)[0];
        let tokens = &row[..shape.context];
        // Nothing is learnt of two of them.
        let targets: Vec<Option<u32>> = (0..shape.context).map(|t| (t % 3 != 1).then_some(row[t + 1])).collect();
        let mut gradient = vec![0.0; w.len()];
        plain::learn(&shape, &w, tokens, &targets, &mut gradient);
        let loss = |w: &[f64]| plain::learn(&shape, w, tokens, &targets, &mut vec![0.0; w.len()]);
        for tensor in shape.tensors() {
            // Five weights of each tensor.
            let (mut wrong, mut all) = (0.0, 0.0);
            for i in 0..5 {
                let at = tensor.at.start + i * (tensor.at.len() - 1) / 4;
                let slope = slope(&w, at, &loss);
                wrong += (slope - gradient[at]).powi(2);
                all += slope.powi(2);
            }
            assert!(wrong.sqrt() < 1e-6 * all.sqrt().max(1e-3), "{}: {wrong} of {all}", tensor.name);
        }
    }
}

#[test]
fn the_fast_path_is_the_plain_one() {
    let wider = NetShape { vocabulary: 40, width: 24, layers: 3, heads: 3, key_heads: 3, hidden: 40, context: 70, ..small(true) };
    let shared = NetShape { width: 36, heads: 6, key_heads: 2, ..wider };
    for shape in [small(true), small(false), wider, shared] {
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
            assert!(wrong.sqrt() < 4e-5 * all.sqrt(), "{}: {wrong} of {all}", tensor.name);
        }
        let judged: f64 = work.judge(&w, &lane).iter().map(|&loss| f64::from(loss)).sum();
        assert_eq!(judged, fast);
    }
}

#[test]
fn a_text_read_token_by_token_says_what_it_says_at_once() {
    let wider = NetShape { vocabulary: 40, width: 24, layers: 3, heads: 3, key_heads: 3, hidden: 40, context: 70, ..small(true) };
    let shared = NetShape { width: 36, heads: 6, key_heads: 2, ..wider };
    for shape in [small(true), small(false), wider, shared] {
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
    let shape = NetShape { vocabulary: 64, width: 64, heads: 4, key_heads: 4, hidden: 176, context: 32, ..small(false) };
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
    let shape = NetShape { vocabulary: 40, width: 24, layers: 2, heads: 3, key_heads: 3, hidden: 40, context: 20, ..small(true) };
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

#[test]
fn adapters_learn_what_the_whole_gradient_says_of_them() {
    let shape = NetShape { width: 24, heads: 6, key_heads: 2, hidden: 20, vocabulary: 30, layers: 3, ..small(true) };
    let w = weights(&shape);
    let by = AdapterShape { rank: 2, layers: 2, alpha: 3.0 };
    let recipe = Recipe { clip: 1e6, ..recipe(30, 3) };
    let trainer = |threads| Trainer::adapting(shape, recipe.clone(), w.clone(), by, Seed(4), threads);
    let rows = rows(&shape, 3, 5);
    // Of unlike lengths.
    let rows = [&rows[0][..], &rows[1][..5], &rows[2][..7]];
    let mut one = trainer(1);
    let lanes = one.lanes(rows.into_iter());
    // It begins as the network without it.
    let mut whole = Trainer::of(shape, recipe.clone(), w.clone(), 1);
    assert_eq!(one.judge(&lanes), whole.judge(&lanes));
    let mut two = trainer(2);
    let spread = |jobs: Vec<Job<'_>>| std::thread::scope(|scope| jobs.into_iter().for_each(|job| drop(scope.spawn(job))));
    for _ in 0..4 {
        let lanes = one.lanes(rows.into_iter());
        assert_eq!(one.learn(&lanes, &one_by_one), two.learn(&lanes, &spread));
    }
    assert_eq!(one.weights(), two.weights());
    // Kept and taken up again, it goes on to the same bits.
    let mut bytes = Vec::new();
    let mut keeper = Keeper::new(&mut bytes);
    one.keep(&mut keeper);
    keeper.end().unwrap();
    let mut again = trainer(1);
    again.restore(&mut &bytes[..]).unwrap();
    let lanes = one.lanes(rows.into_iter());
    // The norm of the adapters' gradient by that of all weights: for the thin matrices it is what the chain rule says.
    let adapters = one.adapters().unwrap().clone();
    let mut gradient = vec![0.0; w.len()];
    let kept: usize = lanes.iter().map(Lane::kept).sum();
    let mut work = NetWork::new(shape);
    for lane in &lanes {
        work.learn(one.weights(), lane, 1.0 / kept as f32, &mut gradient);
    }
    let tensors = shape.tensors();
    let mut squares = 0.0;
    for thin in adapters.tensors().chunks(2) {
        let [a, b] = [&thin[0], &thin[1]];
        let tensor = tensors.iter().find(|tensor| tensor.name == format!("{}.weight", a.of)).unwrap();
        let (d, [rank, columns]) = (&gradient[tensor.at.clone()], a.shape);
        let scale = f64::from(by.scale());
        for r in 0..rank {
            for c in 0..columns {
                let sum: f32 =
                    (0..b.shape[0]).map(|row| adapters.weights[b.at.start + row * rank + r] * d[row * columns + c]).sum();
                squares += (scale * f64::from(sum)).powi(2);
            }
            for row in 0..b.shape[0] {
                let sum: f32 = (0..columns).map(|c| adapters.weights[a.at.start + r * columns + c] * d[row * columns + c]).sum();
                squares += (scale * f64::from(sum)).powi(2);
            }
        }
    }
    let step = one.learn(&lanes, &one_by_one);
    assert!((step.norm / squares.sqrt() - 1.0).abs() < 1e-4, "{} {}", step.norm, squares.sqrt());
    again.learn(&lanes, &one_by_one);
    assert_eq!(one.weights(), again.weights());
    // Nothing before the second block moved, and what it learns it learns.
    let at = tensors.iter().find(|tensor| tensor.name == "model.layers.1.input_layernorm.weight").unwrap().at.start;
    assert_eq!(one.weights()[..at], w[..at]);
    for _ in 0..25 {
        let lanes = one.lanes(rows.into_iter());
        one.learn(&lanes, &one_by_one);
    }
    assert!(one.judge(&lanes) < 0.8 * whole.judge(&lanes), "{} {}", one.judge(&lanes), whole.judge(&lanes));
}

#[test]
fn gradients_go_through_thoughts() {
    let shape = NetShape { context: 9, ..small(false) };
    let w: Vec<f64> = weights(&shape).into_iter().map(f64::from).collect();
    let rows = rows(&shape, 3, 8);
    // Three thoughts, one, and none.
    let thoughts = [3..6, 2..3, 0..0];
    let mut lane = Lane::default();
    for (row, thoughts) in rows.iter().zip(&thoughts) {
        lane.push_thinking(row, thoughts.end + 1, thoughts.clone(), shape.context);
    }
    let loss = |w: &[f64]| -> f64 {
        let of = |(row, thoughts): (usize, &std::ops::Range<usize>)| {
            let at = row * shape.context..(row + 1) * shape.context;
            let (tokens, targets) = (&lane.tokens[at.clone()], &lane.targets[at]);
            let mut read: Vec<(usize, Vec<f64>)> = Vec::new();
            for place in thoughts.clone() {
                let (_, last) = plain::learn_reading(&shape, w, tokens, targets, &mut vec![0.0; w.len()], &read);
                read.push((place, last[(place - 1) * shape.width..place * shape.width].to_vec()));
            }
            plain::learn_reading(&shape, w, tokens, targets, &mut vec![0.0; w.len()], &read).0
        };
        thoughts.iter().enumerate().map(of).sum()
    };
    let mut gradient = vec![0.0; w.len()];
    let single: Vec<f32> = w.iter().map(|&weight| weight as f32).collect();
    let mut work = NetWork::new(shape);
    let found = work.learn(&single, &lane, 1.0, &mut gradient);
    assert!((found - loss(&w)).abs() < 1e-4 * found, "{found} {}", loss(&w));
    for tensor in shape.tensors() {
        let (mut wrong, mut all) = (0.0, 0.0);
        for i in 0..6 {
            let at = tensor.at.start + i * (tensor.at.len() - 1) / 5;
            let slope = slope(&w, at, &loss);
            wrong += (slope - f64::from(gradient[at])).powi(2);
            all += slope.powi(2);
        }
        assert!(wrong.sqrt() < 2e-4 * all.sqrt().max(1e-2), "{}: {wrong} of {all}", tensor.name);
    }
    // What stands at a thought is not read.
    let mut other = Lane::default();
    for (row, thoughts) in rows.iter().zip(&thoughts) {
        let mut row = row.clone();
        thoughts.clone().for_each(|place| row[place] = (row[place] + 1) % 11);
        other.push_thinking(&row, thoughts.end + 1, thoughts.clone(), shape.context);
    }
    assert_eq!(work.judge(&single, &lane).to_vec(), work.judge(&single, &other).to_vec());
}

#[test]
fn experts_are_the_whole_where_words_go_to_all_and_their_gradient_is_that_of_what_words_went_to() {
    let shape = NetShape { layers: 3, ..small(true) };
    let w = weights(&shape);
    let rows = rows(&shape, 3, 9);
    let mut lane = Lane::default();
    rows.iter().for_each(|row| lane.push(row, shape.context));
    let part = |count, top, by| Some(std::sync::Arc::new(Experts::find(&shape, &w, ExpertShape { count, top, by }, Seed(2))));
    let learn = |experts| {
        let (mut work, mut gradient) = (NetWork::with_experts(shape, experts), vec![0.0; w.len()]);
        (work.learn(&w, &lane, 1.0, &mut gradient), gradient)
    };
    let whole = learn(None);
    assert_eq!(learn(part(4, 4, ExpertsBy::Clusters)), whole);
    let (loss, gradient) = learn(part(4, 2, ExpertsBy::Clusters));
    assert!(loss != whole.0 && loss != learn(part(4, 2, ExpertsBy::Random)).0);
    // By differences, where no small step sends a word elsewhere: the gradient of what words went to.
    let mut work = NetWork::with_experts(shape, part(4, 2, ExpertsBy::Clusters));
    let at = shape.tensors().into_iter().find(|tensor| tensor.name == "model.layers.2.mlp.down_proj.weight").unwrap().at;
    for i in [0, 17, 51, 95] {
        let mut moved = |by: f32| {
            let mut w = w.clone();
            w[at.start + i] += by;
            work.judge(&w, &lane).iter().map(|&loss| f64::from(loss)).sum::<f64>()
        };
        let slope = (moved(1e-2) - moved(-1e-2)) / 2e-2;
        assert!((slope - f64::from(gradient[at.start + i])).abs() < 2e-3, "{i}: {slope} {}", gradient[at.start + i]);
    }
}
