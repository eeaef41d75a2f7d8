//! Asks one model many questions at once, and gives the answers in the order of the questions. What is on the tape is not
//! asked; what is on its way when something goes wrong is waited for and kept.

use super::asker::{Asking, Asks, NoReply, Opened, Spent, Tapes};
use super::pool::Unasked;
use super::prices::Price;
use super::tape::{KeptPrompt, Setup, Took};
use cratylus_core::experiment::Budget;
use cratylus_core::fault::Fault;
use cratylus_core::language::model::{Model, Query};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::time::Instant;

/// Where answers are kept, what they may cost, and what others may see of it.
#[derive(Clone)]
pub struct Means {
    /// Where answers are kept before they are used.
    pub tapes: Arc<Tapes>,
    /// What may be spent.
    pub budget: Budget,
    /// What was spent, for others to see.
    pub spent: Arc<Spent>,
    /// Set by whoever wants it to stop; set here, too, once something went wrong.
    pub stop: Arc<AtomicBool>,
    /// When this call of the program began, for a budget of hours.
    pub started: Instant,
    /// None where the model's price is not known.
    pub price: Option<Price>,
    /// Questions that are answered.
    pub done: Arc<AtomicU64>,
}

/// Why there are no answers.
#[derive(Debug)]
pub enum Stopped {
    /// Somebody asked to stop.
    Interrupted,
    /// The budget is spent: which part of it.
    Spent(String),
    /// A model or the tape failed.
    Fault(Fault),
}

impl From<Fault> for Stopped {
    fn from(trouble: Fault) -> Stopped {
        Stopped::Fault(trouble)
    }
}

/// Answers to all questions, each a query and what is shown for it; `take` makes an answer of an asking.
pub fn ask<T: Send + 'static>(
    means: &Means,
    model: &Arc<Model>,
    opened: &Arc<Opened>,
    setup: &Arc<Setup>,
    questions: Vec<(Query, KeptPrompt)>,
    take: fn(&Asking<'_>) -> Result<T, NoReply>,
) -> Result<Vec<T>, Stopped> {
    let mut answers: Vec<Option<T>> = questions.iter().map(|_| None).collect();
    let (to, from) = channel();
    for (i, (query, prompt)) in questions.into_iter().enumerate() {
        match take(&Asking { model, setup, tapes: &means.tapes, query: &query, prompt: &prompt, asks: None }) {
            Ok(answer) => {
                means.done.fetch_add(1, Ordering::Relaxed);
                means.spent.stored.fetch_add(1, Ordering::Relaxed);
                answers[i] = Some(answer);
                continue;
            }
            Err(NoReply::Missing) => (),
            Err(NoReply::Ended(Unasked::Failed(trouble))) => return Err(trouble.into()),
            Err(other) => unreachable!("a tape does not stop or spend: {other:?}"),
        }
        let (to, means, model, opened, setup) = (to.clone(), means.clone(), model.clone(), opened.clone(), setup.clone());
        let pool = opened.pool.clone();
        pool.submit(Box::new(move || {
            let cost = means.price.map(|price| move |took: &Took| price.cost(took));
            let asks = Asks {
                backend: &*opened.backend,
                pool: &opened.pool,
                spent: &means.spent,
                budget: &means.budget,
                started: means.started,
                prices: cost.as_ref().map(|cost| cost as &dyn Fn(&Took) -> Option<f64>),
            };
            let asking =
                Asking { model: &model, setup: &setup, tapes: &means.tapes, query: &query, prompt: &prompt, asks: Some(&asks) };
            let _ = to.send((i, take(&asking)));
        }));
    }
    drop(to);
    let mut stopped = None;
    // The channel closes when the last job is over or was forgotten.
    while let Ok((i, answer)) = from.recv() {
        match answer {
            Ok(answer) => {
                means.done.fetch_add(1, Ordering::Relaxed);
                answers[i] = Some(answer);
            }
            Err(why) => {
                let why = match why {
                    NoReply::Spent(what) => Stopped::Spent(what),
                    NoReply::Ended(Unasked::Failed(trouble)) => Stopped::Fault(trouble),
                    _ => Stopped::Interrupted,
                };
                stopped.get_or_insert(why);
                // What is on its way is waited for and kept; the rest is not sent.
                means.stop.store(true, Ordering::Relaxed);
                opened.pool.clear();
            }
        }
    }
    match stopped {
        Some(why) => Err(why),
        None if answers.iter().all(Option::is_some) => Ok(answers.into_iter().flatten().collect()),
        None => Err(Stopped::Interrupted),
    }
}
