//! Extracts a model's whole response to two names, as a kernel file that other agents can follow: exactly, where the
//! model gives probabilities; by sampling where populations actually go, where it gives text.

use crate::models::asker::{Opened, Spent, Tapes, told};
use crate::models::many::{self, Means};
use crate::store::table::{self, Column, Table, Values};
use cratylus_core::experiment::Budget;
use cratylus_core::fault::{Fault, at};
use cratylus_core::kernel::{Kernel, all_states, state_text};
use cratylus_core::language::model::{Model, Query, Reply};
use cratylus_core::policy::Round;
use cratylus_core::stats::Proportion;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

pub use crate::models::many::Stopped;

/// What is being extracted, and what others may see of it.
pub struct Extraction {
    /// The model as an agent of a game with two names.
    pub model: Arc<Model>,
    /// How it is asked, and what asks.
    pub opened: Arc<Opened>,
    /// Where answers are kept before they are used.
    pub tapes: Arc<Tapes>,
    /// What may be spent.
    pub budget: Budget,
    /// What was spent, for others to see.
    pub spent: Arc<Spent>,
    /// Set by whoever wants it to stop.
    pub stop: Arc<AtomicBool>,
    /// Questions that are answered, of those known to be needed.
    pub done: Arc<AtomicU64>,
    /// How many questions are known to be needed.
    pub of: Arc<AtomicU64>,
}

/// One state's entry.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelEntry {
    /// The window in the spelling of [`cratylus_core::kernel::state_text`].
    pub state: String,
    /// The probability of the first name, over both orders.
    pub p: f64,
    /// The same with the first name shown first, and shown last.
    pub by_order: [Option<f64>; 2],
    /// The samples it rests on; none for what is exact.
    pub samples: Option<u64>,
    /// A 95 % interval.
    pub interval: [f64; 2],
}

impl Extraction {
    /// Asks about every state in both orders.
    pub fn exact(&self) -> Result<Vec<KernelEntry>, Stopped> {
        let states = all_states(self.model.memory);
        let orders: [&[u16]; 2] = [&[0, 1], &[1, 0]];
        let queries: Vec<Query> = states
            .iter()
            .flat_map(|state| {
                orders.map(|order| Query { window: state.clone().into(), order: order.into(), draw: 0, again: 0, facts: None })
            })
            .collect();
        let replies = self.ask(&queries)?;
        let p = |reply: &Reply| match reply {
            Reply::Distribution(distribution) => {
                let sum: f64 = distribution.names.iter().sum();
                (sum > 0.0).then(|| distribution.names[0] / sum)
            }
            Reply::Read(_) | Reply::Text(_) => None,
        };
        let mut entries = Vec::new();
        for (state, both) in states.iter().zip(replies.chunks(2)) {
            let state = state_text(state);
            let by_order = [p(&both[0]), p(&both[1])];
            let [Some(first), Some(last)] = by_order else {
                return Err(Fault(format!("the model gives neither name any probability in state `{state}`")).into());
            };
            let p = (first + last) / 2.0;
            entries.push(KernelEntry { state, p, by_order, samples: None, interval: [p, p] });
        }
        Ok(entries)
    }

    /// Samples answers in words, `samples` of them in all, a batch at a time: most where populations that follow what is
    /// known so far are asked most, and the answer is least certain.
    pub fn sampled(&self, samples: u64, size: u32) -> Result<Vec<KernelEntry>, Stopped> {
        let states = all_states(self.model.memory);
        // Choices of the first name and answers, with the first name shown first and last.
        let mut seen = vec![[[0u64; 2]; 2]; states.len()];
        let mut asked = vec![0u64; states.len()];
        let n = |seen: &[[u64; 2]; 2]| (seen[0][0] + seen[1][0], seen[0][1] + seen[1][1]);
        let mut left = samples;
        while left > 0 {
            let rows = states.iter().zip(&seen).map(|(state, seen)| {
                let (k, n) = n(seen);
                (state_text(state), (k as f64 + 0.5) / (n as f64 + 1.0))
            });
            let rows: Vec<(String, f64)> = rows.collect();
            let kernel = Kernel::from_rows(rows.iter().map(|(state, p)| (state.as_str(), *p))).expect("every state is there");
            let visits = kernel.visits(size, 15, 20, samples - left);
            let batch = left.min(200);
            let mut queries = Vec::new();
            let mut of = Vec::new();
            for _ in 0..batch {
                // What one more answer takes off the variance of what a population does.
                let gain = |i: usize| {
                    let (k, _) = n(&seen[i]);
                    let m = asked[i] as f64 + 1.0;
                    let p = (k as f64 + 0.5) / (n(&seen[i]).1 as f64 + 1.0);
                    visits[i] as f64 * p * (1.0 - p) / (m * (m + 1.0))
                };
                let best = (0..states.len()).max_by(|&a, &b| gain(a).total_cmp(&gain(b))).expect("there are states");
                let first = (asked[best] % 2) as usize;
                let order: [u16; 2] = if first == 0 { [0, 1] } else { [1, 0] };
                queries.push(Query {
                    window: states[best].clone().into(),
                    order: order.into(),
                    draw: asked[best],
                    again: 0,
                    facts: None,
                });
                of.push((best, first));
                asked[best] += 1;
            }
            self.of.store(samples, Ordering::Relaxed);
            for ((state, first), reply) in of.into_iter().zip(self.ask(&queries)?) {
                if let Reply::Read(Ok(name)) = reply {
                    seen[state][first][0] += u64::from(name == 0);
                    seen[state][first][1] += 1;
                }
            }
            left -= batch;
        }
        let entry = |(state, seen): (&Vec<Round>, &[[u64; 2]; 2])| {
            let (k, n) = n(seen);
            let share = |[k, n]: [u64; 2]| (n > 0).then(|| k as f64 / n as f64);
            let Proportion { low, high, .. } = Proportion::new(k, n);
            KernelEntry {
                state: state_text(state),
                p: (k as f64 + 0.5) / (n as f64 + 1.0),
                by_order: [share(seen[0]), share(seen[1])],
                samples: Some(n),
                interval: [low, high],
            }
        };
        Ok(states.iter().zip(&seen).map(entry).collect())
    }

    /// Replies to all queries, in their order; what is on the tape is not asked.
    pub(crate) fn ask(&self, queries: &[Query]) -> Result<Vec<Reply>, Stopped> {
        if self.opened.setup.how.probabilities() {
            self.of.store(queries.len() as u64, Ordering::Relaxed);
        }
        let means = Means {
            tapes: self.tapes.clone(),
            budget: self.budget.clone(),
            spent: self.spent.clone(),
            stop: self.stop.clone(),
            started: Instant::now(),
            price: None,
            done: self.done.clone(),
        };
        let told = |query: &Query| Ok::<_, Fault>((query.clone(), told(&self.model, query)?));
        let questions = queries.iter().map(told).collect::<Result<Vec<_>, _>>()?;
        many::ask(&means, &self.model, &self.opened, &Arc::new(self.opened.setup.clone()), questions, |asking| asking.reply())
    }
}

/// Writes entries into a kernel file. Rows of other models or names that the file holds stay; those of the same are
/// replaced.
pub fn write(path: &Path, model: &str, names: [&str; 2], entries: &[KernelEntry]) -> Result<(), Fault> {
    let texts = |value: &str| entries.iter().map(|_| Some(value.into())).collect::<Vec<Option<parquet::data_type::ByteArray>>>();
    let floats = |of: &dyn Fn(&KernelEntry) -> Option<f64>| Values::Float(entries.iter().map(of).collect());
    let mut table = Table {
        columns: vec![
            Column::new("model", Values::Text(texts(model))),
            Column::new("name0", Values::Text(texts(names[0]))),
            Column::new("name1", Values::Text(texts(names[1]))),
            Column::texts("state", entries.iter().map(|entry| Some(entry.state.as_str()))),
            Column::new("p_name0", floats(&|entry| Some(entry.p))),
            Column::new("p_name0_shown_first", floats(&|entry| entry.by_order[0])),
            Column::new("p_name0_shown_last", floats(&|entry| entry.by_order[1])),
            Column::new("samples", Values::Int(entries.iter().map(|entry| entry.samples.map(|n| n as i64)).collect())),
            Column::new("low", floats(&|entry| Some(entry.interval[0]))),
            Column::new("high", floats(&|entry| Some(entry.interval[1]))),
        ],
    };
    if path.exists() {
        let before = table::read(path, None)?;
        let heads = |table: &Table| table.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
        if heads(&before) != heads(&table) {
            return Err(Fault(format!("{} holds a table of another shape; choose another `--out`", path.display())));
        }
        let same = |i: usize| -> Result<bool, String> {
            let is = |column: &str, word: &str| Ok::<_, String>(before.texts(column)?[i] == Some(word));
            Ok(is("model", model)? && is("name0", names[0])? && is("name1", names[1])?)
        };
        let keep: Vec<bool> =
            (0..before.rows()).map(|i| same(i).map(|same| !same)).collect::<Result<_, _>>().map_err(at("reading", path))?;
        for (column, old) in table.columns.iter_mut().zip(before.columns) {
            table::append(&mut column.values, table::only(old.values, &keep));
        }
    }
    table::write(path, &table)
}
