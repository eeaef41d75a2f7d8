//! A step in double precision and plain loops, one example at a time and nothing merged: what the fast path is held to. It
//! shares nothing with it but where weights lie and what is drawn, and it knows no controls.

use super::messages::Messages;
use super::plain_parts::{Answered, Kept, Net, add, entropy, log_softmax, nt_xent, view};
use super::round::{Outcome, Round, compared};
use super::setup::{Answers, Estimator, Gumbel, Reinforce};

/// The weights of a sender and of a receiver.
#[derive(Clone, Copy)]
pub(super) struct Pair<'a> {
    pub sender: &'a [f64],
    pub receiver: &'a [f64],
}

/// What one sender does at one position: its logarithms of probabilities, and how it came to them.
struct Said {
    /// What the cell kept; None of a sender without one.
    kept: Option<Kept>,
    logs: Vec<f64>,
    /// The relaxed symbol and what was passed on of it; empty where symbols are drawn.
    soft: Vec<f64>,
    hard: Vec<f64>,
    symbol: u32,
}

/// What is drawn: `places x positions` numbers, times the vocabulary where symbols are relaxed, and numbers for answers.
#[derive(Clone, Copy)]
pub(super) struct Uniforms<'a> {
    pub symbols: &'a [f64],
    pub answers: &'a [f64],
}

/// A step: to the gradients is added that of the optimised loss.
pub(super) fn learn(
    round: Round<'_>,
    draws: Uniforms<'_>,
    of: Pair<'_>,
    d_sender: &mut [f64],
    d_receiver: &mut [f64],
) -> Outcome {
    match round.setup.learn {
        Estimator::Reinforce(by) => reinforce(round, by, draws, of, d_sender, d_receiver),
        Estimator::Gumbel(by) => gumbel(round, by, draws, of, d_sender, d_receiver),
    }
}

/// The likeliest messages about items.
pub(super) fn greedy(round: Round<'_>, sender: &[f64]) -> Messages {
    let mut messages = Messages::new(&round.shape.channel);
    for &item in &round.examples.items {
        let said = speak(round, sender, item, likeliest);
        messages.push(said.iter().map(|said| said.symbol));
    }
    messages
}

fn likeliest(numbers: &[f64]) -> u32 {
    (1..numbers.len()).fold(0, |best, i| if numbers[i] > numbers[best] { i } else { best }) as u32
}

/// What a sender says of an item, symbol by symbol, as `choose` takes them from logarithms of probabilities.
fn speak(round: Round<'_>, sender: &[f64], item: u32, mut choose: impl FnMut(&[f64]) -> u32) -> Vec<Said> {
    let net = Net { shape: round.shape, at: &round.shape.sender.at, w: sender };
    let view = view(round, item);
    let mut state = net.linear(&net.at.view, &view);
    let mut said = Vec::new();
    if net.at.head.outs == 0 {
        let logs = log_softmax(&state);
        let symbol = choose(&logs);
        return vec![Said { kept: None, logs, soft: Vec::new(), hard: Vec::new(), symbol }];
    }
    let mut memory = vec![0.0; state.len()];
    let mut read = net.at.start.clone().map(|i| sender[i]).collect::<Vec<f64>>();
    for _ in 0..round.shape.channel.length {
        let kept = net.cell(&read, &state, &memory);
        let logs = log_softmax(&net.linear(&net.at.head, &kept.state));
        let symbol = choose(&logs);
        (state, memory) = (kept.state.clone(), kept.memory.clone());
        read = net.embed(&one_hot(symbol, logs.len()));
        said.push(Said { kept: Some(kept), logs, soft: Vec::new(), hard: Vec::new(), symbol });
        if symbol == 0 && round.shape.channel.stops() {
            break;
        }
    }
    said
}

fn one_hot(symbol: u32, n: usize) -> Vec<f64> {
    (0..n).map(|i| if i == symbol as usize { 1.0 } else { 0.0 }).collect()
}

/// The gradient of a whole message's sender: `d_logits` of each position, and for relaxed symbols `d_soft`.
fn speak_back(
    round: Round<'_>,
    sender: &[f64],
    item: u32,
    said: &[Said],
    mut d_logits: Vec<Vec<f64>>,
    d_hard: Option<(Vec<Vec<f64>>, f64)>,
    gradient: &mut [f64],
) {
    let net = Net { shape: round.shape, at: &round.shape.sender.at, w: sender };
    let view = view(round, item);
    let hidden = net.at.view.outs;
    let (mut d_state, mut d_memory, mut d_read) = (vec![0.0; hidden], vec![0.0; hidden], Vec::<f64>::new());
    for t in (0..said.len()).rev() {
        if let Some((d_hard, temperature)) = &d_hard {
            // What reaches the symbol: from the receiver, and from what the sender reads next.
            let mut d_symbol = d_hard[t].clone();
            if !d_read.is_empty() {
                add(&mut d_symbol, &net.embed_back(&d_read, &said[t].hard, gradient));
            }
            let soft = &said[t].soft;
            let along: f64 = soft.iter().zip(&d_symbol).map(|(y, d)| y * d).sum();
            d_logits[t] = soft.iter().zip(&d_symbol).map(|(y, d)| y * (d - along) / temperature).collect();
        } else if !d_read.is_empty() {
            net.embed_back(&d_read, &one_hot(said[t].symbol, d_logits[t].len()), gradient);
        }
        let Some(kept) = &said[t].kept else {
            net.linear_back(&net.at.view, &d_logits[t], &view, gradient);
            return;
        };
        add(&mut d_state, &net.linear_back(&net.at.head, &d_logits[t], &kept.state, gradient));
        (d_read, d_state, d_memory) = net.cell_back(kept, &d_state, &d_memory, gradient);
    }
    add(&mut gradient[net.at.start.clone()], &d_read);
    net.linear_back(&net.at.view, &d_state, &view, gradient);
}

/// What a receiver keeps of what it heard; empty of one without a cell.
fn listen(net: &Net<'_>, heard: &[Vec<f64>]) -> (Vec<Kept>, Vec<f64>) {
    if net.at.cell.w_hh.is_empty() {
        return (Vec::new(), net.embed(&heard[0]));
    }
    let hidden = net.shape.agents.hidden;
    let (mut state, mut memory, mut all) = (vec![0.0; hidden], vec![0.0; hidden], Vec::new());
    for symbol in heard {
        let kept = net.cell(&net.embed(symbol), &state, &memory);
        (state, memory) = (kept.state.clone(), kept.memory.clone());
        all.push(kept);
    }
    (all, state)
}

/// Gives what reaches each symbol that was heard, where `d_states` reaches the states after them.
fn listen_back(net: &Net<'_>, heard: &[Vec<f64>], kept: &[Kept], d_states: &[Vec<f64>], gradient: &mut [f64]) -> Vec<Vec<f64>> {
    if kept.is_empty() {
        return vec![net.embed_back(&d_states[0], &heard[0], gradient)];
    }
    let hidden = net.shape.agents.hidden;
    let (mut d_state, mut d_memory) = (vec![0.0; hidden], vec![0.0; hidden]);
    let mut d_heard = vec![Vec::new(); heard.len()];
    for t in (0..kept.len()).rev() {
        add(&mut d_state, &d_states[t]);
        let d_read;
        (d_read, d_state, d_memory) = net.cell_back(&kept[t], &d_state, &d_memory, gradient);
        d_heard[t] = net.embed_back(&d_read, &heard[t], gradient);
    }
    d_heard
}

fn reinforce(
    round: Round<'_>,
    by: Reinforce,
    draws: Uniforms<'_>,
    of: Pair<'_>,
    d_sender: &mut [f64],
    d_receiver: &mut [f64],
) -> Outcome {
    let (channel, examples) = (&round.shape.channel, round.examples);
    let n = examples.len();
    let net = Net { shape: round.shape, at: &round.shape.receiver.at, w: of.receiver };
    let mut messages = Messages::new(channel);
    let (mut saids, mut heards, mut kepts, mut states) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for place in 0..n {
        let mut position = 0;
        let said = speak(round, of.sender, examples.items[place], |logs| {
            let u = draws.symbols[place * channel.length + position];
            position += 1;
            drawn(logs, u)
        });
        messages.push(said.iter().map(|said| said.symbol));
        let heard: Vec<Vec<f64>> = messages.heard(place).iter().map(|&symbol| one_hot(symbol, channel.vocabulary)).collect();
        let (kept, state) = listen(&net, &heard);
        saids.push(said);
        heards.push(heard);
        kepts.push(kept);
        states.push(state);
    }
    let (answered, d_whole) = answers(round, &net, &states, draws.answers, by.answers, d_receiver);

    let losses: Vec<f64> = answered.iter().map(|answered| answered.loss).collect();
    // EGG has the cost of length and its baseline in single precision.
    let costs: Vec<f32> = (0..n).map(|place| by.length_cost as f32 * messages.length(place) as f32).collect();
    let mean_cost = f64::from(costs.iter().sum::<f32>() / n as f32);
    let from_loss = compared(by.baseline, round.baselines.loss, &losses);
    let costs: Vec<f64> = costs.iter().map(|&cost| cost.into()).collect();
    let from_length = compared(by.baseline, round.baselines.length, &costs).into_iter().map(|x| f64::from(x as f32));
    let from_length: Vec<f64> = from_length.collect();
    let mean = |numbers: &[f64]| numbers.iter().sum::<f64>() / n as f64;
    let exact = by.answers == Answers::Exact;
    let weight_of_answers = if let Answers::Drawn { entropy } = by.answers { entropy } else { 0.0 };
    let (mut policy, mut entropies, mut answer_entropies) = (0.0, 0.0, 0.0);
    for place in 0..n {
        let (said, length) = (&saids[place], messages.length(place) as f64);
        let log_prob: f64 = said.iter().map(|said| said.logs[said.symbol as usize]).sum();
        let entropy_here = said.iter().map(|said| entropy(&said.logs)).sum::<f64>() / length;
        policy += from_loss[place] * (log_prob + answered[place].log_prob) + from_length[place] * log_prob;
        entropies += entropy_here;
        answer_entropies += answered[place].entropy;

        let along = (from_loss[place] + from_length[place]) / n as f64;
        let spread = by.entropy / (n as f64 * length);
        let d_logits = said.iter().map(|said| {
            let h = entropy(&said.logs);
            let each = said.logs.iter().enumerate().map(|(i, log)| {
                let hit = if i == said.symbol as usize { 1.0 } else { 0.0 };
                along * (hit - log.exp()) + spread * log.exp() * (log + h)
            });
            each.collect()
        });
        let d_logits = d_logits.collect();
        speak_back(round, of.sender, examples.items[place], said, d_logits, None, d_sender);

        let d_state = match &d_whole {
            Some(d_whole) => d_whole[place].clone(),
            None => {
                let weights = match exact {
                    true => [1.0 / n as f64, 0.0, 0.0],
                    false => [0.0, from_loss[place] / n as f64, weight_of_answers / n as f64],
                };
                net.answer_back(round, place, &states[place], &answered[place], weights, d_receiver)
            }
        };
        let mut d_states = vec![vec![0.0; d_state.len()]; heards[place].len()];
        *d_states.last_mut().expect("something is heard") = d_state;
        listen_back(&net, &heards[place], &kepts[place], &d_states, d_receiver);
    }
    let loss = mean(&losses);
    let optimised =
        (policy - by.entropy * entropies - weight_of_answers * answer_entropies) / n as f64 + if exact { loss } else { 0.0 };
    Outcome {
        loss,
        optimised,
        success: answered.iter().filter(|answered| answered.right).count() as f64 / n as f64,
        entropy: entropies / n as f64,
        length: (0..n).map(|place| messages.length(place) as f64).sum::<f64>() / n as f64,
        length_cost: mean_cost,
        messages,
    }
}

/// The answers of all places. Under NT-Xent, which judges the batch as a whole, what reaches the states, too.
fn answers(
    round: Round<'_>,
    net: &Net<'_>,
    states: &[Vec<f64>],
    draws: &[f64],
    by: Answers,
    d_receiver: &mut [f64],
) -> (Vec<Answered>, Option<Vec<Vec<f64>>>) {
    let Some(by_batch) = round.setup.game.nt_xent() else {
        let of_each = draws.len() / states.len();
        let drawn = |place: usize| (by != Answers::Exact).then(|| &draws[place * of_each..][..of_each]);
        return (states.iter().enumerate().map(|(place, state)| net.answer(round, place, state, drawn(place))).collect(), None);
    };
    let n = states.len();
    let targets: Vec<Vec<f64>> = round.examples.shown.iter().map(|&item| net.seen(round, item)).collect();
    let found = nt_xent(states, &targets, by_batch);
    for (place, d) in found.d_b.iter().enumerate() {
        net.seen_back(round, round.examples.shown[place], &targets[place], d, d_receiver);
    }
    let all = (0..n).map(|i| Answered {
        logs: Vec::new(),
        answers: Vec::new(),
        loss: (found.losses[i] + found.losses[i + n]) / 2.0,
        right: found.found[i],
        log_prob: 0.0,
        entropy: 0.0,
    });
    (all.collect(), Some(found.d_a))
}

/// The symbol that a number draws: how many sums of probabilities are not above it.
fn drawn(logs: &[f64], u: f64) -> u32 {
    let mut sum = 0.0;
    let below = logs.iter().take_while(|log| {
        sum += log.exp();
        sum <= u
    });
    below.count().min(logs.len() - 1) as u32
}

fn gumbel(
    round: Round<'_>,
    by: Gumbel,
    draws: Uniforms<'_>,
    of: Pair<'_>,
    d_sender: &mut [f64],
    d_receiver: &mut [f64],
) -> Outcome {
    let (channel, examples) = (&round.shape.channel, round.examples);
    let (n, stops, vocabulary) = (examples.len(), channel.stops(), channel.vocabulary);
    let net = Net { shape: round.shape, at: &round.shape.receiver.at, w: of.receiver };
    let mut messages = Messages::new(channel);
    let (mut saids, mut heards, mut kepts) = (Vec::new(), Vec::new(), Vec::new());
    for place in 0..n {
        let noise = |t: usize| &draws.symbols[(place * channel.length + t) * vocabulary..][..vocabulary];
        let said = speak_relaxed(round, by, of.sender, examples.items[place], noise);
        messages.push(said.iter().map(|said| said.symbol));
        let mut heard: Vec<Vec<f64>> = said.iter().map(|said| said.hard.clone()).collect();
        if stops {
            heard.push(one_hot(0, vocabulary));
        }
        kepts.push(listen(&net, &heard));
        saids.push(said);
        heards.push(heard);
    }
    let whole: Vec<Vec<f64>> = kepts.iter().map(|(_, last)| last.clone()).collect();
    let by_batch = round.setup.game.nt_xent().map(|_| answers(round, &net, &whole, &[], Answers::Exact, d_receiver));
    let (mut loss, mut cost, mut success, mut length, mut entropies) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for place in 0..n {
        let (said, heard, (kept, last)) = (&saids[place], &heards[place], &kepts[place]);
        entropies += said.iter().map(|said| entropy(&said.logs)).sum::<f64>() / said.len() as f64;
        let mut d_states = vec![vec![0.0; last.len()]; heard.len()];
        let mut d_weights = vec![0.0; heard.len()];
        // How likely each position is the last one.
        let mut left = 1.0;
        let weights: Vec<f64> = (0..heard.len())
            .map(|t| match (stops, t + 1 == heard.len()) {
                (true, false) => {
                    let ends = heard[t][0] * left;
                    left *= 1.0 - heard[t][0];
                    ends
                }
                (true, true) => left,
                (false, last) => f64::from(u8::from(last)),
            })
            .collect();
        for t in 0..heard.len() {
            let weight = weights[t];
            length += weight * (t + 1) as f64;
            let cost_here = by.length_cost * (t + 1) as f64;
            cost += weight * cost_here;
            d_weights[t] = cost_here;
            if !stops && t + 1 < heard.len() {
                continue;
            }
            if let Some((answered, Some(d_whole))) = &by_batch {
                loss += answered[place].loss;
                success += f64::from(u8::from(answered[place].right));
                d_states[t] = d_whole[place].clone();
                continue;
            }
            let state = kept.get(t).map_or(last, |kept| &kept.state);
            let answered = net.answer(round, place, state, None);
            loss += weight * answered.loss;
            success += weight * f64::from(u8::from(answered.right));
            d_weights[t] += answered.loss;
            d_states[t] = net.answer_back(round, place, state, &answered, [weight / n as f64, 0.0, 0.0], d_receiver);
        }
        let mut d_heard = listen_back(&net, heard, kept, &d_states, d_receiver);
        if stops {
            // What is left before a position is a product of what came before.
            let mut d_left = d_weights[heard.len() - 1] / n as f64;
            for t in (0..heard.len() - 1).rev() {
                let before: f64 = heard[..t].iter().map(|symbol| 1.0 - symbol[0]).product();
                d_heard[t][0] += (d_weights[t] / n as f64 - d_left) * before;
                d_left = d_weights[t] / n as f64 * heard[t][0] + d_left * (1.0 - heard[t][0]);
            }
            d_heard.pop();
        }
        let d_logits = vec![Vec::new(); said.len()];
        speak_back(round, of.sender, examples.items[place], said, d_logits, Some((d_heard, round.temperature)), d_sender);
    }
    let n = n as f64;
    Outcome {
        loss: loss / n,
        optimised: (loss + cost) / n,
        success: success / n,
        entropy: entropies / n,
        length: length / n,
        length_cost: cost / n,
        messages,
    }
}

/// The same with relaxed symbols: all positions, whatever is said.
fn speak_relaxed<'u>(round: Round<'_>, by: Gumbel, sender: &[f64], item: u32, noise: impl Fn(usize) -> &'u [f64]) -> Vec<Said> {
    let net = Net { shape: round.shape, at: &round.shape.sender.at, w: sender };
    let relax = |logs: Vec<f64>, kept: Option<Kept>, t: usize| {
        let scores = logs.iter().zip(noise(t)).map(|(log, u)| (log - (-u.ln()).ln()) / round.temperature);
        let soft: Vec<f64> = log_softmax(&scores.collect::<Vec<f64>>()).iter().map(|log| log.exp()).collect();
        let symbol = likeliest(&soft);
        let hard = if by.straight_through { one_hot(symbol, soft.len()) } else { soft.clone() };
        Said { kept, logs, soft, hard, symbol }
    };
    let view = view(round, item);
    let mut state = net.linear(&net.at.view, &view);
    if net.at.head.outs == 0 {
        return vec![relax(log_softmax(&state), None, 0)];
    }
    let (mut memory, mut said) = (vec![0.0; state.len()], Vec::<Said>::new());
    let mut read: Vec<f64> = net.at.start.clone().map(|i| sender[i]).collect();
    for t in 0..round.shape.channel.length {
        let kept = net.cell(&read, &state, &memory);
        (state, memory) = (kept.state.clone(), kept.memory.clone());
        said.push(relax(log_softmax(&net.linear(&net.at.head, &state)), Some(kept), t));
        read = net.embed(&said[t].hard);
    }
    said
}
