//! What a model that was trained here answers when it is questioned: its whole response under other payoffs, other words and
//! other names, and what it expects to be paid.

use super::wording::Games;
use cratylus_audit::benchmark::Questioned;
use cratylus_audit::response::{KnownResponse, Response, compare};
use cratylus_core::kernel::{Kernel, all_states};
use cratylus_neural::corpus::Corpus;
use cratylus_neural::corpus::lexicon::{EXPOSED, GENERIC, OTHER, Signs};
use cratylus_neural::response::Trained;

/// A kernel as a response of which everything is known.
fn known(kernel: &Kernel) -> Response {
    let mut response = Response::new(kernel.memory);
    for window in all_states(kernel.memory) {
        response.set(&window, KnownResponse { p: kernel.p(&window), samples: None });
    }
    response
}

/// `plain` is the response to one pair of names, in both orders; `hidden` the one with labels hidden.
pub(super) fn questioned(model: &Trained, memory: usize, plain: &[Kernel; 2], hidden: &Kernel, games: &Games) -> Questioned {
    let mean = known(&Kernel::mean(plain));
    let left = |names: [&str; 2], signs: Signs| {
        let other = known(&Kernel::mean(&model.responses(names, memory, signs)));
        Some(compare(&mean, &other).slope).filter(|slope| slope.is_finite())
    };
    // Each name beside three others, all of which come as often.
    let n = EXPOSED.len();
    let preferred = (0..n).map(|i| {
        let beside = [1, 5, 11].map(|step| model.responses([EXPOSED[i], EXPOSED[(i + step) % n]], 0, Signs::Standard));
        Kernel::mean(&beside.concat()).p(&[])
    });
    let (standard, turned) = (foreseen(model, &games.rule, Signs::Standard), foreseen(model, &games.turned, Signs::Swapped));
    Questioned {
        prior: preferred.fold(0.0, f64::max),
        labels: compare(&mean, &known(hidden)).difference,
        inverted: left([EXPOSED[0], EXPOSED[1]], Signs::Swapped),
        skin: left([OTHER[0], OTHER[1]], Signs::Other),
        held_out: left([GENERIC[0], GENERIC[1]], Signs::Standard),
        order: compare(&known(&plain[0]), &known(&plain[1])).difference,
        foreseen: standard.0,
        understood: [standard.1, turned.1],
    }
}

/// So many records are read, and so many signs at the end of each foretold.
const RECORDS: u64 = 60;
const LATE: usize = 6;

/// How probable the right one of two signs is, late in a record, and how often it is the likelier.
fn foreseen(model: &Trained, game: &Corpus, signs: Signs) -> (f64, f64) {
    let signs = signs.words().map(|sign| model.words.token(sign));
    let (mut share, mut right, mut n) = (0.0, 0.0, 0.0);
    for record in 0..RECORDS {
        let row = game.fresh(0, record);
        let tokens = model.words.tokens(&row.words);
        let places: Vec<usize> = (1..tokens.len()).filter(|&at| signs.contains(&tokens[at])).collect();
        let next = model.next_of_all(&tokens);
        for &at in &places[places.len().saturating_sub(LATE)..] {
            let [wrong, true_one] = match tokens[at] == signs[0] {
                true => [signs[1], signs[0]],
                false => [signs[0], signs[1]],
            };
            let of = |sign: u32| next[at - 1][sign as usize];
            let p = 1.0 / (1.0 + (of(wrong) - of(true_one)).exp());
            share += p;
            right += f64::from(u8::from(p > 0.5));
            n += 1.0;
        }
    }
    (share / n, right / n)
}
